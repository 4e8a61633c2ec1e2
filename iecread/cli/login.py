"""What all commands of programming mode share: the password, the session, the answer.

The password is fetched, and asked whether this meter refused it lately, before the
port is opened; so a prompt holds no line, and cron gets its answer at once.  Sessions
are begun by ``Station.session`` (several may follow one another, where a person took
long to answer) and always end with the break message.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from iecread.cli.context import Surroundings
from iecread.cli.target import Target
from iecread.errors import CheckError

if TYPE_CHECKING:
    from iecread.journal import Journal
    from iecread.programming import Login, Programming
    from iecread.readings import Reading, Readout
    from iecread.session import Meter


class Station:
    """An open line, from which sessions in programming mode are begun.

    Attributes:
        meter: the meter on it.
        wipe: takes progress off the terminal for good.
        serial: the meter's number, as far as it was read.
    """

    def __init__(
        self,
        meter: "Meter",
        login: "Login | None",
        wipe: Callable[[], None],
        commands: dict[str, Any],
    ) -> None:
        self.meter = meter
        self.wipe = wipe
        self.serial: str | None = None
        self._login = login
        self._commands = commands
        self._began = 0.0
        self._asked = False  # for the meter's number

    @contextmanager
    def session(self, *, serial: bool = False) -> "Iterator[Programming]":
        """Log in; sign off at the end.

        Args:
            serial: whether the meter's number is wanted, for rows.

        Raises:
            CheckError: it is another meter than ``--expect-serial`` names.
            IecReadError: as ``Meter.programming``.
        """
        self._began = time.monotonic()
        expected = self.meter.options.expect_serial
        if (serial or expected is not None) and not self._asked:
            self._asked = True
            with self.meter.programming(self._login, **self._commands) as session:
                self.serial = session.read_serial()
                if expected is not None:
                    self._check(expected)
                if not session.ended:
                    yield session
                    return
        # Some meters break off at a register that they do not have
        with self.meter.programming(self._login, **self._commands) as session:
            yield session

    def _check(self, expected: str) -> None:
        if (self.serial or "").lstrip("0") != expected.strip().lstrip("0"):
            raise CheckError(
                f"this is meter {self.serial!r}, not {expected!r}",
                "check which meter the head is on, or --expect-serial",
            )

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
        return replace(
            readout(
                decode(who.to_bytes() if who else b"/\r\n")[0],
                time=datetime.now().astimezone(),
                meter=self.meter.options.meter,
                port=self.meter.options.port,
                speed=session.speed,
                seconds=round(time.monotonic() - self._began, 2),
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
) -> Iterator[Station]:
    """Open the line to a meter, with the password at hand.

    Args:
        around: the surroundings.
        target: the meter, the line and the password.
        read_command: R1 to R6; None: as the profile says, else the first that works.
        write_command: W1 to W5; None: as the profiles say, else W1.
        changes: whether changes are to be written into the journal.

    Raises:
        ConfigError: no password there, no folder to remember refusals in, or the
            profile forbids changes.
        RefusedError: the meter refused this password lately.
        IecReadError: as ``Meter``.
    """
    if changes:
        target.refuse_changes()
    login = _login(around, target)
    from iecread.cli.watch import watched
    from iecread.session import Meter

    profile = target.profile
    commands: dict[str, Any] = {
        "read_command": read_command or (profile.read_command if profile else None),
        "write_command": write_command,
        "journal": _journal(around) if changes else None,
    }
    try:
        with (
            Meter(target.port, **target.options) as open_meter,
            watched(around, open_meter, lines=False) as wipe,
        ):
            yield Station(open_meter, login, wipe, commands)
    finally:
        for note in login.refusals.notes if login and login.refusals else ():
            around.note(note)


def _journal(around: Surroundings) -> "Journal":
    from iecread.journal import Journal
    from iecread.statefolder import state_folder

    return Journal(state_folder(around.environ))


def _login(around: Surroundings, target: Target) -> "Login | None":
    source = target.password
    if source is None:
        return None
    from iecread.programming import Login
    from iecread.refusals import Refusals, meter_ids
    from iecread.statefolder import state_folder

    refusals = Refusals(state_folder(around.environ))
    address = target.options.get("address", "")
    names = meter_ids(target.port, address, level=f"P{source.access}")
    secret = source.fetch(around)
    login = Login.from_source(source, secret, refusals, names, force=target.force_login)
    login.allow(datetime.now().astimezone())
    return login
