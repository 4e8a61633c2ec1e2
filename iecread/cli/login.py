"""What all commands of programming mode share: the password, the session, the answer.

The password is fetched, and asked whether this meter refused it lately, before the
port is opened; so a prompt holds no line, and cron gets its answer at once.  Sessions
are begun by ``Station.session`` (several may follow one another, where a person took
long to answer) and always end with the break message.  Where the meter turns out to be
a LIS-200 device, the password is the code of one of its locks; what was opened with it
is closed at the end.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from iecread.cli.context import Surroundings
from iecread.cli.target import Target
from iecread.errors import ConfigError

if TYPE_CHECKING:
    from iecread.journal import Journal
    from iecread.lis200key import Key
    from iecread.lis200session import Lis200
    from iecread.login import Login
    from iecread.passwords import PasswordSource, Secret
    from iecread.programming import Programming
    from iecread.readings import Reading, Readout
    from iecread.refusals import Refusals
    from iecread.session import Meter


class Station:
    """An open line, from which sessions in programming mode are begun.

    Attributes:
        meter: the meter on it.
        wipe: takes progress off the terminal for good.
        serial: the meter's number, as far as it was read.
        key: what opens a lock, should it be a LIS-200 device; None: no code was given.
        entered: whether a session was entered and, with a password, logged in.
    """

    def __init__(
        self,
        meter: "Meter",
        access: "Access",
        wipe: Callable[[], None],
        commands: dict[str, Any],
    ) -> None:
        self.meter = meter
        self.wipe = wipe
        self.serial: str | None = None
        self.key = access.key
        self.entered = False
        self._login = access.login
        self._commands = commands
        self._began = 0.0
        self._asked = False  # for the meter's number

    @contextmanager
    def session(self, *, serial: bool = False) -> "Iterator[Programming]":
        """Log in; sign off at the end.

        A LIS-200 device gives a ``Lis200``, and gets no password: a lock is opened
        where one is needed.

        Args:
            serial: whether the meter's number is wanted, for rows.

        Raises:
            CheckError: it is another meter than ``--expect-serial`` names.
            IecReadError: as ``Meter.dialogue``.
        """
        self._began = self.meter.moment().seconds
        if self._unknown(serial):
            with self._dialogue() as session:
                self._ask_number(session)
                if not session.ended:
                    yield session
                    return
        # Some meters break off at a register that they do not have
        with self._dialogue() as session:
            yield session

    @contextmanager
    def gas_session(self, *, serial: bool = False) -> "Iterator[Lis200]":
        """Enter a session with a meter that has to be a LIS-200 device.

        Args:
            serial: whether the device's number is wanted, for rows.

        Raises:
            ConfigError: it is none.
            IecReadError: as ``session``.
        """
        from iecread.lis200session import Lis200

        self._began = self.meter.moment().seconds
        self.forget_login()
        for first in (True, False):
            with self._dialogue() as session:
                if first and not isinstance(session, Lis200):
                    continue  # nothing checks an identification: it may be damaged
                device = gas(session)
                if self._unknown(serial):
                    self._ask_number(device)
                yield device
                return

    def _unknown(self, wanted: bool) -> bool:
        """Whether the meter's number is wanted, or expected, and not known yet."""
        expected = self.meter.options.expect_serial is not None
        return (wanted or expected) and not self._asked

    def _ask_number(self, session: "Programming") -> None:
        self.serial = session.read_serial()
        self.meter.demand_serial(self.serial)
        self._asked = True  # where the line failed, the next session asks

    def forget_login(self) -> None:
        """Let no password go out: the code of a lock is none for another meter."""
        self._login = None

    @contextmanager
    def _dialogue(self) -> "Iterator[Programming]":
        with self.meter.dialogue(self._login, self.key, **self._commands) as session:
            self.entered = True
            yield session

    def wipe_before_rows(self, format_: str) -> None:
        """Take progress away where rows are to be seen on the same terminal."""
        if format_ == "table":
            self.wipe()

    def readout(
        self,
        session: "Programming",
        registers: "Sequence[Reading]",
        *,
        complete: bool = True,
    ) -> "Readout":
        """Return registers that were read one by one as one readout.

        Args:
            session: with which they were read.
            registers: in the order read.
            complete: whether none is missing.
        """
        from iecread.protocol.telegrams import decode
        from iecread.readings import own_number, readout

        for reading in registers:
            if self.serial is None and reading.register in session.serial_registers:
                self.serial = own_number(reading.raw) or None
        who = session.identification
        kind = session.check_kind.value if session.check_kind else "xor"
        check = "ok" if kind == "xor" else f"ok-{kind}"
        now, seconds = self.meter.moment()
        return replace(
            readout(
                decode(who.to_bytes() if who else b"/\r\n")[0],
                time=now,
                meter=self.meter.options.meter,
                port=self.meter.port,
                speed=session.speed,
                seconds=round(seconds - self._began, 2),
                mode=session.mode,
            ),
            serial=self.serial,
            block_check="off" if self.meter.options.bcc == "off" else check,
            complete=complete,
            registers=tuple(registers),
        )


@contextmanager
def station(
    around: Surroundings,
    target: Target,
    *,
    read_command: str | None = None,
    write_command: str | None = None,
    changes: bool = False,
    journal: bool = False,
) -> Iterator[Station]:
    """Open the line to a meter, with the password at hand.

    Args:
        around: the surroundings.
        target: the meter, the line and the password.
        read_command: R1 to R6; None: as the profile says, else the first that works.
        write_command: W1 to W5; None: as the profiles say, else W1.
        changes: whether changes are to be made, which a profile may forbid.
        journal: whether something is to be written into the journal without them.

    Raises:
        ConfigError: no password there, no folder to remember refusals in, or the
            profile forbids changes.
        RefusedError: the meter refused this password lately.
        IecReadError: as ``Meter``.
    """
    if changes:
        target.refuse_changes()
    from iecread.cli.watch import watched
    from iecread.refusals import Refusals
    from iecread.session import Meter
    from iecread.statefolder import state_folder

    meter = Meter(target.port, **target.options)
    access, source = Access(), target.password
    notes: list[str] = []
    if source is not None:
        refusals = None
        if not meter.replayed:
            refusals = Refusals(state_folder(around.environ))
            notes = refusals.notes
        secret = source.fetch(around)
        lock, force = target.lock, target.force_login
        access = Access.of(source, secret, refusals, meter, lock=lock, force=force)
    profile = target.profile
    commands: dict[str, Any] = {
        "read_command": read_command or (profile.read_command if profile else None),
        "write_command": write_command,
        # a lock that is opened for a read may hold a surprise worth writing down
        "journal": journal_of(around)
        if (changes or journal or access.key) and not meter.replayed
        else None,
    }
    try:
        with meter, watched(around, meter, lines=False) as wipe:
            meter.on_warning = lambda text: warn(around, text, wipe)
            yield Station(meter, access, wipe, commands)
    finally:
        for note in notes:
            around.note(note)


def gas(session: "Programming") -> "Lis200":
    """Return a session as what it has to be: one with a LIS-200 device.

    Raises:
        ConfigError: the meter is none.
    """
    from iecread.lis200session import Lis200

    if isinstance(session, Lis200):
        return session
    who = session.identification
    raise ConfigError(
        f"the meter {who.text if who else ''!r} is no LIS-200 device: it has no locks",
        "--dialect lis200, if it is one all the same",
    )


def warn(
    around: Surroundings, text: str, wipe: Callable[[], None] = lambda: None
) -> None:
    """Say what a person must know, also with ``-q``."""
    from iecread.output.text import printable

    wipe()
    word = around.styled("iecread: WARNING:", fg="yellow", bold=True)
    around.say(f"{word} {printable(text)}")


def journal_of(around: Surroundings) -> "Journal":
    """The journal in the state folder."""
    from iecread.journal import Journal
    from iecread.statefolder import state_folder

    return Journal(state_folder(around.environ))


class Access(NamedTuple):
    """The password, as either kind of meter wants it.

    Attributes:
        login: for one with passwords.
        key: for one with locks.
    """

    login: "Login | None" = None
    key: "Key | None" = None

    @classmethod
    def of(
        cls,
        source: "PasswordSource",
        secret: "Secret",
        refusals: "Refusals | None",
        meter: "Meter",
        *,
        lock: str = "customer",
        force: bool = False,
    ) -> "Access":
        """Make it of a password that was fetched.

        Args:
            source: where it came from.
            secret: the password.
            refusals: the memory of those that were refused; a replay has none.
            meter: the meter; its line is not needed.
            lock: which lock it opens, should the meter have locks.
            force: whether to send it although it was refused lately.

        Raises:
            RefusedError: it was refused lately.
            ConfigError: no refusal could be remembered, or it can be no code.
        """
        from iecread.credentials import login_from
        from iecread.lis200.locks import lock_number

        options, now = meter.options, datetime.now().astimezone()
        key, login = None, None
        if options.dialect != "iec":
            key = meter.key(secret, lock_number(lock), refusals=refusals)
            key = replace(key, force=force)
        if options.dialect == "lis200" and key is not None:
            key.allow(now)
            return cls(None, key)
        login = login_from(source, secret, options, refusals, force=force)
        login.allow(now)
        return cls(login, key)
