"""A session in programming mode: login, registers, changes, and the way out.

``Programming`` is what ``Meter.programming`` gives.  It drives a ProgrammingEngine
over the meter's link and turns answers into readings or errors.  Two rules stand
above all: a password that was refused is not sent again for a day, and a write whose
acknowledgement was lost is never sent again but read back.  Left out: where passwords
come from (passwords.py) and questions to a person (the command line asks them).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, NamedTuple

from iecread.algorithms import ALGORITHMS
from iecread.errors import (
    CheckError,
    ConfigError,
    IecReadError,
    NoAnswerError,
    PortError,
    RefusedError,
    RemoteProtocolError,
)
from iecread.obis import Pattern
from iecread.passwords import Secret
from iecread.protocol.actions import Answered, AnswerKind, BlockReceived, Event, Opened
from iecread.protocol.bcc import CheckKind
from iecread.protocol.guard import lock_code_written
from iecread.protocol.messages import Block, Command, Identification
from iecread.protocol.parity import Parity, strip
from iecread.protocol.programming import ProgrammingEngine
from iecread.protocol.telegrams import decode
from iecread.readings import Reading, own_number, parse_value, readout
from iecread.registry import describe

if TYPE_CHECKING:
    from iecread.clock import ClockReading, Drift
    from iecread.devices import DeviceProfile
    from iecread.eventlog import Event as LogEvent
    from iecread.eventlog import EventDecoder
    from iecread.journal import Journal
    from iecread.loadprofile import ProfileDecoder, Row
    from iecread.metertime import MeterClock
    from iecread.passwords import PasswordSource
    from iecread.refusals import Refusals

# How a read is spelt, in the order to try: 6.3.14 has a count in the brackets, OBIS
# readers leave it out; R5 and R6 are VDEW's, R2 is also used for plain codes
READ_STYLES = (("R1", "1"), ("R1", ""), ("R5", ""), ("R2", ""), ("R6", ""))
PROFILE_COMMANDS = ("R5", "R6", "R3", "R2")  # 8.1: VDEW's, then other makers'
PART_ROWS = 96  # rows in a partial block of R6: a day of quarter-hours
_PIECE = 1 << 11  # characters decoded at a time: rows are handed on as they come
_FORBIDDEN = frozenset("()/!")  # 6.6: what neither an address nor a value can hold
_VALUE_LENGTH = 128  # 6.6: in mode C programming; 32 elsewhere

Run = Callable[[ProgrammingEngine], Iterator[Event]]


@dataclass(frozen=True, slots=True)
class Login:
    """The password for a session, and how to remember that it was refused.

    Attributes:
        answer: makes the text of P1 or P2 from the operand of P0.
        level: 1 or 2, for P1 or P2.
        secret: the password; None: what ``answer`` gives is taken for it.
        refusals: the memory of refusals; None: nothing is remembered.
        names: names under which this meter is remembered.
        force: whether to send it although it was refused lately.
        algorithms: gives ``answer`` for an algorithm of algorithms.ALGORITHMS; None
            where level and algorithm were said, and no device profile may know better.
    """

    answer: Callable[[str], str]
    level: int = 1
    secret: Secret | None = None
    refusals: Refusals | None = None
    names: tuple[str, ...] = ()
    force: bool = False
    algorithms: Callable[[str], Callable[[str], str]] | None = None

    @classmethod
    def plain(
        cls,
        secret: Secret,
        level: int | None,
        refusals: Refusals,
        names: tuple[str, ...],
    ) -> Login:
        """Return the login with a password; ``level`` None: as the meter wants it."""

        def algorithm(name: str) -> Callable[[str], str]:
            return lambda operand: ALGORITHMS[name](secret.reveal(), operand)

        unsaid = algorithm if level is None else None
        return cls(
            algorithm("plain"),
            level or 1,
            secret,
            refusals,
            names,
            algorithms=unsaid,
        )

    @classmethod
    def from_source(
        cls,
        source: PasswordSource,
        secret: Secret,
        refusals: Refusals | None,
        names: tuple[str, ...],
        *,
        force: bool = False,
    ) -> Login:
        """Return the login with a password that was fetched from ``source``."""

        def algorithm(name: str) -> Callable[[str], str]:
            return lambda operand: replace(source, algorithm=name).answer(
                secret, operand
            )

        return cls(
            algorithm(source.algorithm),
            source.access,
            secret,
            refusals,
            names,
            force,
            None if source.settled else algorithm,
        )

    def as_for(self, device: DeviceProfile | None) -> Login:
        """Return the login as a family of meters wants it, where nobody said how."""
        if device is None or self.algorithms is None or self.secret is None:
            return self
        level = device.access or self.level
        before, after = f"P{self.level} ", f"P{level} "
        names = (after + name.removeprefix(before) for name in self.names)
        return replace(
            self,
            answer=self.algorithms(device.algorithm)
            if device.algorithm
            else self.answer,
            level=level,
            names=tuple(names),
        )

    def allow(self, now: datetime) -> None:
        """Say no to a password that this meter refused within the last day.

        Raises:
            RefusedError: it was refused.
            ConfigError: a refusal could not be remembered, so none may be risked.
        """
        if self.secret is None or self.refusals is None or self.force:
            return
        until = self.refusals.check(self.names, self.secret, now)
        if until:
            raise RefusedError(
                "this meter refused this password already; it is not sent again "
                f"before {until:%Y-%m-%d %H:%M}",
                "mend the password, or say --force-login if the meter was mended",
            )


@dataclass(frozen=True, slots=True)
class Change:
    """A change of one register.

    Attributes:
        register: its code.
        old: value before, as the meter showed it; None where it cannot be read.
        new: value to be written.
        message: the command, as it goes over the line (without parity).
        outcome: ``planned``, then ``done``, ``not done``, ``differs``, ``refused`` or
            ``unknown``.
        shown: value read back; None where it was not.
        detail: what the meter said.
    """

    register: str
    old: str | None
    new: str | None
    message: bytes = field(repr=False)  # that of W5 has the password in it
    outcome: str = "planned"
    shown: str | None = None
    detail: str = ""


class _ProfileWay(NamedTuple):
    """A way to ask for a load profile or a log."""

    name: str  # R1 to R6
    style: str
    season: str

    def command(
        self,
        channel: str,
        span: tuple[datetime | None, datetime | None, tzinfo | None, str | timedelta],
        codes: Sequence[str] = (),
        rows: int | None = PART_ROWS,
    ) -> Command:
        """Return the command for a range of time, by the meter's zone and clock."""
        from iecread.profilerequest import data_set, operand

        start, end, zone, clock = span
        asked = operand(
            start,
            end,
            style=self.style,
            season=self.season,
            rows=rows if self.name == "R6" else None,
            zone=zone,
            clock=clock,
        )
        return Command(self.name, data_set(channel, asked, codes).encode("ascii"))


class Programming:
    """A session in programming mode; made by ``Meter.programming``.

    Attributes:
        operand: what the meter put into P0; None where it sent none.
        read_styles: commands and counts to read with, the first that works is kept.
        write_command: W1 to W5.
        device: the device profile of the meter, once it is known which one.
    """

    def __init__(
        self,
        engine: ProgrammingEngine,
        run: Run,
        *,
        timezone: str | None = None,
        read_command: str | None = None,
        read_styles: Sequence[tuple[str, str]] | None = None,
        write_command: str | None = None,
        device: Callable[[], DeviceProfile | None] = lambda: None,
        journal: Journal | None = None,
        name: str = "",
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._now, self._clock = now, clock
        self._engine = engine
        self._run = run
        self._timezone = timezone
        self._journal = journal
        self._name = name
        self.operand: str | None = None
        self.device: DeviceProfile | None = None
        self._find_device = device
        self._read_command, self._write_command = read_command, write_command
        self._read_styles = read_styles
        self._settle()
        self._password = ""
        self._raw: list[bytes] = []  # blocks of the last answer

    def _settle(self) -> None:
        """Choose the commands: as was said, else as this kind of meter has them."""
        device = self.device
        self.read_styles = list(self._read_styles or READ_STYLES)
        self.write_command = self._write_command or "W1"
        if device is not None:
            self.write_command = (
                self._write_command or device.write_command or self.write_command
            )
            if self._read_styles is None and device.read_command is not None:
                style = (device.read_command, device.read_count or "")
                self.read_styles = [style, *(s for s in READ_STYLES if s != style)]
        if (name := self._read_command) is not None:
            known = [count for command, count in self.read_styles if command == name]
            other = ("1", "") if name in ("R1", "R3") else ("", "1")
            counts = dict.fromkeys((*known, *other))
            self.read_styles = [(name, count) for count in counts]

    @property
    def identification(self) -> Identification | None:
        """The identification that the meter sent."""
        return getattr(self._engine, "identification", None)

    @property
    def speed(self) -> int:
        """Speed of the session, in Bd."""
        return self._engine.speed

    @property
    def mode(self) -> str:
        """Protocol mode, ``A`` to ``C``."""
        return self._engine.mode

    @property
    def check_kind(self) -> CheckKind | None:
        """Kind of block check that the meter's answers have; None: none seen yet."""
        return self._engine.check_kind

    @property
    def ended(self) -> bool:
        """Whether the session is over, such as by a break message of the meter."""
        return not self._engine.is_open

    @property
    def speaks_lis200(self) -> bool:
        """Whether the meter is known, or was said, to be a LIS-200 device."""
        return self._engine.guard.probe(self.identification) is not None

    # --- way in and out ------------------------------------------------------

    def enter(self, now: float, login: Login | None) -> None:
        """Open the session and log in.

        Raises:
            NoAnswerError: the meter is silent.
            RefusedError: it does not enter programming mode, or refused the password.
            RemoteProtocolError: what came stayed damaged.
            ConfigError: it is a meter that gets no password.
        """
        self.open(now)
        if login is not None:
            self.log_in(login)

    def open(self, now: float) -> None:
        """Open the session; no password is sent.

        Raises:
            the errors of ``enter``.
        """
        describe("0.0.0")  # loads the registry now, not while the meter waits for us
        self._engine.start(now)
        opened = None
        for event in self._run(self._engine):
            if isinstance(event, Opened):
                opened = event
        if opened is None:
            raise RemoteProtocolError("the meter did not enter programming mode")
        self.operand = opened.operand
        self.device = self._find_device()
        self._settle()

    def log_in(self, login: Login) -> None:
        """Send the password, or the answer to the challenge.

        Raises:
            the errors of ``enter``.
        """
        self._engine.guard.allow_password(self.identification)
        operand, wanted = self.operand or "", login.as_for(self.device)
        try:
            answer = wanted.answer(operand)
        except RemoteProtocolError:
            if wanted is login:
                raise
            answer = login.answer(operand)  # not of the kind that it looked like
        else:
            if wanted is not login:
                login = wanted
                login.allow(datetime.now().astimezone())
        _check_text(answer, "the password")
        if login.secret is None and login.refusals is not None:
            login = replace(login, secret=Secret(answer))
            login.allow(datetime.now().astimezone())
        self._password = answer
        self._engine.password(login.level, answer)
        got = self._answered()
        now = datetime.now().astimezone()
        if got.kind is AnswerKind.ACK:
            if login.secret is not None and login.refusals is not None and login.force:
                login.refusals.forget(login.names, login.secret, now)
            return
        if got.kind in (AnswerKind.BREAK, AnswerKind.ERROR, AnswerKind.NAK):
            if login.secret is not None and login.refusals is not None:
                login.refusals.remember(login.names, login.secret, now)
            said = f": {got.text}" if got.text else ""
            raise RefusedError(
                f"the meter refused the password ({got.kind.value}{said})",
                "it is not sent again for 24 hours; check it, --force-login overrides",
            )
        raise answer_error(got, "the password")

    def leave(self) -> None:
        """Send the break message; harmless where the session is over.

        Raises:
            PortError: the line is lost.
        """
        self._engine.sign_off()
        for _ in self._run(self._engine):
            pass

    @property
    def owes_closing(self) -> bool:
        """Whether something was opened that is to be closed."""
        return False

    def cannot_leave(self, why: str) -> None:
        """The line was lost and cannot be had again."""

    def line_renewed(self, speed: int) -> None:
        """The line was lost and is there again, at ``speed`` in Bd."""
        self._engine.speed = speed

    # --- reading -------------------------------------------------------------

    def read(self, code: str) -> Reading:
        """Read one register.

        Args:
            code: its code as the meter knows it.

        Returns:
            The reading; the first where the meter answers several.

        Raises:
            RefusedError: the meter does not know it, or forbids it.
            NoAnswerError: the meter fell silent.
            RemoteProtocolError: the answer stayed damaged.
            ConfigError: the code has characters that cannot be sent.
        """
        return self.read_all(code)[0]

    def read_all(self, code: str, count: str | None = None) -> tuple[Reading, ...]:
        """Read one register of which the meter may say several values.

        Args:
            code: its code as the meter knows it.
            count: what stands in the brackets of the command (6.3.14, item 16); None:
                what the meter wants.

        Raises:
            RefusedError: the meter does not know it, or forbids it.
            NoAnswerError: the meter fell silent.
            RemoteProtocolError: the answer stayed damaged.
            ConfigError: the code has characters that cannot be sent.
        """
        _check_text(code, "the code")
        refusal = Answered(AnswerKind.ERROR)
        styles = list(self.read_styles)
        if count is not None:
            styles = list(dict.fromkeys((name, count) for name, _ in styles))
        for style in styles:
            name, operand = style
            got = self._command(name, f"{code}({operand})", repeatable=True)
            if got.kind is AnswerKind.DATA:
                found = _about(code, self._readings(code))
                if found:
                    if style in self.read_styles:
                        self.read_styles.remove(style)
                        self.read_styles.insert(0, style)  # the next code first so
                    return found
                refusal = Answered(AnswerKind.ERROR, "an answer without its value")
            elif got.kind in (AnswerKind.ERROR, AnswerKind.NAK, AnswerKind.ACK):
                if got.text or not refusal.text:
                    refusal = got
            else:
                raise answer_error(got, f"register {code}")
        raise answer_error(refusal, f"register {code}")

    def _readings(self, code: str) -> tuple[Reading, ...]:
        engine = self._engine
        telegrams = decode(b"".join(self._raw), parity=engine.parity)
        found = []
        for telegram in telegrams:
            for reading in readout(telegram, timezone=self._timezone).registers:
                if not reading.register:  # this meter leaves the address out
                    obis, name = describe(code)
                    reading = reading._replace(register=code, obis=obis, name=name)
                found.append(reading)
        return tuple(found)

    @property
    def serial_registers(self) -> tuple[str, ...]:
        """Registers that may hold the meter's own number, the best first."""
        own = self.device.serial if self.device else ()
        return own or ("C.1.0", "0.0.0")

    def read_serial(self) -> str | None:
        """Read the meter's own number; None where no register tells it.

        Raises:
            NoAnswerError, RemoteProtocolError: as for ``read``.
        """
        from iecread.devices import split_count

        for register in self.serial_registers:
            code, count = split_count(register)
            try:
                reading = self.read_all(code, count)[0]
            except RefusedError:
                if self.ended:
                    break
                continue
            if number := own_number(reading.raw):
                return number
        return None

    # --- changing ------------------------------------------------------------

    def plan_write(self, code: str, value: str) -> Change:
        """Say what a write would do: old value, new value, message.  Sends no write.

        Raises:
            ConfigError: code or value have characters that cannot be sent, or it is
                a lock's code, which only ``unlock`` may send.
            NoAnswerError: the meter fell silent.
            RemoteProtocolError: the answer stayed damaged.
        """
        _check_text(code, "the code")
        _check_text(value, "the value")
        command = self.write_message(code, value)
        try:
            old = self.shown(self.read(code))
        except RefusedError:  # there are registers that can be written only
            if not self._engine.is_open:
                raise
            old = None
        return Change(code, old, value, command.to_bytes())

    def write_message(self, code: str, value: str) -> Command:
        """Return the command that writes a value.

        Raises:
            ConfigError: it is one that must not be sent.
        """
        text = f"{code}({value})"
        # VDEW practice
        bracket = self.device is None or self.device.write_password is not False
        if self.write_command == "W5" and self._password and bracket:
            text += f"({self._password})"
        command = Command(self.write_command, text.encode("ascii"))
        if lock_code_written(command):
            self._engine.guard.allow(command)  # says no, and why
        return command

    def write(self, code: str, value: str) -> Change:
        """Write one register and read it back.

        Returns:
            The change with its outcome ``done``.

        Raises:
            RefusedError: the meter said no.
            CheckError: another value was read back, or the outcome is unknown; the
                message says which.
            NoAnswerError, RemoteProtocolError: as for ``read``.
            ConfigError: code or value have characters that cannot be sent.
            OutputError: the journal cannot be written; nothing was sent.
        """
        return self.carry_out(self.plan_write(code, value))

    def carry_out(
        self, change: Change, *, same: Callable[[str, str], bool] | None = None
    ) -> Change:
        """Do a change that was planned, as ``write`` does.

        Args:
            change: as ``plan_write`` gave it.
            same: whether the value read back is the one written; a clock goes on
                meanwhile.  None: the same number or text.

        Raises:
            the errors of ``write``.
        """
        assert change.new is not None
        command = Command.from_bytes(change.message)
        same = same or same_value
        return self._journalled(change, lambda: self._write(change, command, same))

    def _write(
        self, change: Change, command: Command, same: Callable[[str, str], bool]
    ) -> Change:
        got = self._send(command, repeatable=False)
        if got.kind in (AnswerKind.ERROR, AnswerKind.NAK, AnswerKind.BREAK):
            said = got.text or got.kind.value
            return _outcome(change, "refused", detail=said)
        acknowledged = got.kind in (AnswerKind.ACK, AnswerKind.DATA)
        try:
            back = self.shown(self.read(change.register))
        except RefusedError as error:
            done = "done" if acknowledged else "unknown"
            return _outcome(change, done, detail=f"cannot be read back: {error}")
        except IecReadError as error:
            return _outcome(change, "unknown", detail=error.message)
        assert change.new is not None
        if same(back, change.new):
            if acknowledged or not same(change.old or "", change.new):
                return _outcome(change, "done", back)
            return _outcome(change, "unknown", back, "the value was the same before")
        if not acknowledged and change.old is not None and back == change.old:
            return _outcome(change, "not done", back, got.kind.value)
        return _outcome(change, "differs" if acknowledged else "unknown", back)

    def plan_execute(self, code: str, argument: str = "") -> Change:
        """Say what an execution would send (E2 of 6.3.14).

        Raises:
            ConfigError: code or argument have characters that cannot be sent.
        """
        _check_text(code, "the code")
        _check_text(argument, "the argument")
        command = Command("E2", f"{code}({argument})".encode("ascii"))
        if lock_code_written(command):
            self._engine.guard.allow(command)
        return Change(code, None, argument or None, command.to_bytes())

    def execute(self, code: str, argument: str = "") -> Change:
        """Execute a command, such as a reset of the maximum.

        Raises:
            RefusedError: the meter said no.
            CheckError: whether it was done is unknown.
            ConfigError: code or argument have characters that cannot be sent.
            OutputError: the journal cannot be written; nothing was sent.
        """
        return self.carry_out_execution(self.plan_execute(code, argument))

    def carry_out_execution(self, change: Change) -> Change:
        """Do an execution that was planned, as ``execute`` does.

        Raises:
            the errors of ``execute``.
        """
        command = Command.from_bytes(change.message)

        def send() -> Change:
            got = self._send(command, repeatable=False)
            if got.kind in (AnswerKind.ACK, AnswerKind.DATA):
                return _outcome(change, "done", detail=got.text)
            if got.kind in (AnswerKind.ERROR, AnswerKind.NAK, AnswerKind.BREAK):
                return _outcome(change, "refused", detail=got.text or got.kind.value)
            return _outcome(change, "unknown", detail=got.kind.value)

        return self._journalled(change, send)

    def _journalled(self, change: Change, send: Callable[[], Change]) -> Change:
        from iecread.journal import Outcome

        noted = None
        if self._journal is not None:
            now = datetime.now().astimezone()
            noted = self._journal.begin(
                self._name, change.register, change.old, change.new, now
            )
        result = _outcome(change, "unknown", detail="interrupted")
        try:
            result = send()
        finally:
            if self._journal is not None and noted is not None:
                self._journal.end(
                    noted,
                    Outcome(result.outcome),
                    datetime.now().astimezone(),
                    result.detail,
                )
        if result.outcome == "done":
            return result
        error = self._change_error(result)
        error.change = result
        raise error

    def _change_error(self, change: Change) -> IecReadError:
        return change_error(change, self.device)

    def shown(self, reading: Reading) -> str:
        """Return the value of a reading as a change shows it."""
        return shown(reading)

    # --- load profiles and logs ----------------------------------------------

    @property
    def profile_channel(self) -> str:
        """Name of the meter's load profile, where nobody says another one."""
        return (self.device and self.device.profile_channel) or "P.01"

    @property
    def status_table(self) -> str:
        """Table of its status words, see statuswords.TABLES."""
        return (self.device and self.device.status) or "vdew"

    def load_profile(
        self,
        channel: str | None = None,
        start: datetime | None = None,
        end: datetime | None = None,
        *,
        zone: tzinfo | None = None,
        clock: str | timedelta = "local",
        decoder: ProfileDecoder | None = None,
        commands: Sequence[str] | None = None,
        style: str | None = None,
        season: str | None = None,
        step: timedelta | None = timedelta(days=1),
        codes: Sequence[str] = (),
    ) -> Iterator[Row]:
        """Read a load profile, a chunk of the range at a time, and yield its rows.

        Args:
            channel: name of the profile as the meter knows it.  What is None here or
                in commands, style and season is as the device profile says; where the
                meter refuses that, and where there is none, P.01 by the commands of
                VDEW and others.
            start: end of the first interval that is wanted, aware; None: the oldest.
            end: end of the last one; None: the newest.
            zone: where the meter hangs; None: this computer's zone.
            clock: what its clock follows, see metertime.MeterClock.
            decoder: turns answers into rows and gathers gaps and problems; hand in
                one to see these.
            commands: commands to read with, in the order to try.
            style: form of the times in the request, one of profilerequest.STYLES.
            season: digit before them, one of profilerequest.SEASONS.
            step: how long a range one request asks for; None: all at once.  Only
                where start and end are given.
            codes: only these columns, where the meter can choose.

        Raises:
            RefusedError: the meter does not know the profile, or forbids it.
            RemoteProtocolError: an answer stayed damaged; rows before it were yielded.
            NoAnswerError: the meter fell silent; rows before it were yielded.
            RequestError: the range ends before it begins, or cannot be asked for.
        """
        from iecread.loadprofile import ProfileDecoder
        from iecread.profilerequest import chunks

        channel = channel or self.profile_channel
        if decoder is None:
            decoder = ProfileDecoder(
                zone, clock, channel=channel, table=self.status_table
            )
        ranges: Iterable[tuple[datetime | None, datetime | None]] = [(start, end)]
        if start is not None and end is not None and step is not None:
            ranges = chunks(start, end, step, zone=zone, clock=clock)
        ways = self._profile_ways(commands, style, season)
        for first, last in ranges:
            yield from self._rows(
                ways, (first, last, zone, clock), channel, codes, decoder
            )

    def _profile_ways(
        self, commands: Sequence[str] | None, style: str | None, season: str | None
    ) -> list[_ProfileWay]:
        """How to ask for a profile: what this kind of meter wants goes first."""
        device, own = self.device, []
        if device is not None and (device.profile_command or device.profile_style):
            named = [device.profile_command] if device.profile_command else ()
            own = [
                _ProfileWay(
                    name,
                    style or device.profile_style or "vdew",
                    season or device.profile_season or "own",
                )
                for name in commands or named or PROFILE_COMMANDS
            ]
        others = [
            _ProfileWay(name, style or "vdew", season or "own")
            for name in commands or PROFILE_COMMANDS
        ]
        return list(dict.fromkeys([*own, *others]))

    def _rows(
        self,
        ways: list[_ProfileWay],
        span: tuple[datetime | None, datetime | None, tzinfo | None, str | timedelta],
        channel: str,
        codes: Sequence[str],
        decoder: ProfileDecoder,
    ) -> Iterator[Row]:
        """Ask for one range; keep only the way that the meter knows."""
        while True:
            refused = None
            for piece in self._pieces(ways[0].command(channel, span, codes)):
                if isinstance(piece, Answered):
                    refused = piece
                else:
                    yield from decoder.feed(piece)
            empty = refused is not None and _nothing_there(refused)
            yield from decoder.finish(ended=refused is None or empty)
            if refused is None:
                del ways[1:]
                return
            if empty:
                return  # VDEW: no rows in this range
            told_no = refused.kind in (AnswerKind.ERROR, AnswerKind.NAK, AnswerKind.ACK)
            if not told_no or len(ways) == 1:
                raise answer_error(refused, f"load profile {channel}")
            ways.pop(0)

    def events(
        self,
        channel: str = "P.98",
        start: datetime | None = None,
        end: datetime | None = None,
        *,
        zone: tzinfo | None = None,
        clock: str | timedelta = "local",
        decoder: EventDecoder | None = None,
        commands: Sequence[str] | None = None,
        style: str | None = None,
        season: str | None = None,
    ) -> Iterator[LogEvent]:
        """Read an event log and yield its entries.

        Args and errors are those of ``load_profile``.
        """
        from iecread.eventlog import EventDecoder

        if decoder is None:
            decoder = EventDecoder(zone, clock, table=self.status_table)
        refused = None
        for way in self._profile_ways(commands, style, season):
            refused = None
            asked = way.command(channel, (start, end, zone, clock), rows=None)
            for piece in self._pieces(asked):
                if isinstance(piece, Answered):
                    refused = piece
                else:
                    yield from decoder.feed(piece)
            empty = refused is not None and _nothing_there(refused)
            yield from decoder.finish(ended=refused is None or empty)
            if refused is None:
                return
            if empty:
                return
            if refused.kind not in (AnswerKind.ERROR, AnswerKind.NAK, AnswerKind.ACK):
                break
        if refused is not None:
            raise answer_error(refused, f"event log {channel}")

    def _pieces(self, command: Command) -> Iterator[str | Answered]:
        """Yield the text of an answer by pieces; at last what went wrong."""
        for part in self._parts(command):
            if isinstance(part, Answered):
                yield part
            else:
                for at in range(0, len(part), _PIECE):
                    yield part[at : at + _PIECE]

    def _parts(
        self, command: Command, *, ack_last: bool = False
    ) -> Iterator[str | Answered]:
        """Yield the text of each block of an answer; at last what went wrong."""
        self._ask(command, ack_last=ack_last)
        even = self._engine.parity is Parity.EVEN
        answer: Answered | None = None
        try:
            for event in self._run(self._engine):
                if isinstance(event, BlockReceived):
                    chars = strip(event.data) if even else event.data
                    yield Block.from_bytes(chars).text.decode("latin-1")
                elif isinstance(event, Answered):
                    answer = event
        except GeneratorExit:
            self._engine.abandon()  # another command may follow
            raise
        if answer is None:
            raise PortError("the line was lost before an answer came")
        if answer.kind is not AnswerKind.DATA:
            yield answer

    def _ask(self, command: Command, *, ack_last: bool = False) -> None:
        """Send a read whose answer may come in parts."""
        self._demand_open()
        self._engine.command(command, repeatable=True, ack_last=ack_last, keep=False)

    # --- clock ---------------------------------------------------------------

    def clock(
        self,
        registers: Sequence[str] | None = None,
        *,
        clock: MeterClock | None = None,
    ) -> tuple[ClockReading, Drift]:
        """Read the meter's clock and compare it with this computer's.

        Args:
            registers: those of date and time, the time last; or one of both.  None:
                as the device profile says, else the first that the meter knows.
            clock: what the meter's clock follows; None: this computer's zone.

        Raises:
            RefusedError: there are no such registers.
            CheckError: they show no possible time.
            NoAnswerError, RemoteProtocolError: as for ``read``.
        """
        from iecread.clock import ClockReading, drift
        from iecread.metertime import MeterClock

        if registers is None:
            return self._any_clock(clock)
        meter_clock = clock or MeterClock()
        for _ in range(3):
            values = {}
            for register in registers:
                asked = self._now()
                values[register] = self.read(register).raw
                answered = self._now()
            reading = ClockReading.parse(values)
            if not reading.doubtful:
                break
        moment = reading.at(answered, meter_clock)
        return reading, drift(moment, asked, answered, reading.resolution)

    @property
    def clock_registers(self) -> Sequence[Sequence[str]]:
        """Registers of clocks, those of this kind of meter first."""
        from iecread.clock import CLOCK_REGISTERS

        own = self.device.clock if self.device else ()
        others = (names for names in CLOCK_REGISTERS if names != own)
        return (own, *others) if own else CLOCK_REGISTERS

    def _any_clock(self, clock: MeterClock | None) -> tuple[ClockReading, Drift]:
        refused: RefusedError | None = None
        for registers in self.clock_registers:
            try:
                return self.clock(registers, clock=clock)
            except RefusedError as error:
                refused = refused or error
                if self.ended:
                    break
        assert refused is not None
        raise refused

    # --- talking -------------------------------------------------------------

    def _command(self, name: str, text: str, *, repeatable: bool) -> Answered:
        return self._send(Command(name, text.encode("ascii")), repeatable=repeatable)

    def _send(self, command: Command, *, repeatable: bool) -> Answered:
        self._demand_open()
        self._engine.command(command, repeatable=repeatable)
        return self._answered()

    def _demand_open(self) -> None:
        if not self._engine.is_open:
            raise RefusedError(
                "the meter has ended the session", "it broke off, or waited too long"
            )

    def _answered(self) -> Answered:
        self._raw = []
        answer = None
        for event in self._run(self._engine):
            if isinstance(event, BlockReceived):
                self._raw.append(event.data)
            elif isinstance(event, Answered):
                answer = event
        if answer is None:
            raise PortError("the line was lost before an answer came")
        return answer


def _about(code: str, found: tuple[Reading, ...]) -> tuple[Reading, ...]:
    """Those readings of an answer that are the register asked for.

    A meter may change the address in its answer, if that is the only one; but where
    it sends a list (some do so for any R5 or R6), others are no answer.
    """
    if len({reading.register for reading in found}) < 2:
        return found
    try:
        wanted = Pattern.parse(code)
    except ValueError:  # a name
        return tuple(reading for reading in found if reading.register == code.strip())
    return tuple(reading for reading in found if wanted.matches(reading.register))


def shown(reading: Reading) -> str:
    """Return the value of a reading as the meter wrote it, with its unit."""
    raw = reading.raw.strip()
    return f"{raw}*{reading.unit}" if reading.unit else raw


def same_value(one: str, other: str) -> bool:
    """Whether two values are the same but for zeros in front and a unit left out."""
    first, _, first_unit = one.partition("*")
    second, _, second_unit = other.partition("*")
    if first_unit and second_unit and first_unit != second_unit:
        return False
    return first == second or (
        parse_value(first) == parse_value(second)
        and parse_value(first) is not None
        and not isinstance(parse_value(first), str)
    )


def _check_text(text: str, what: str) -> None:
    if not text.isascii() or not text.isprintable() or _FORBIDDEN & set(text):
        raise ConfigError(
            f"{what} has a character that the protocol cannot carry",
            "ASCII without ( ) / ! and control characters",
        )
    if len(text) > _VALUE_LENGTH:
        raise ConfigError(f"{what} is longer than {_VALUE_LENGTH} characters")


def _outcome(
    change: Change, outcome: str, back: str | None = None, detail: str = ""
) -> Change:
    return replace(change, outcome=outcome, shown=back, detail=detail)


def change_error(change: Change, device: DeviceProfile | None = None) -> IecReadError:
    """Return the error for a change that was not done.

    Args:
        change: what became of it.
        device: the device profile, which may know why it was refused.
    """
    from iecread.masking import holds_key

    because = f": {change.detail}" if change.detail else ""
    if change.outcome == "refused":
        note = device.note if device else ""
        return RefusedError(
            f"the meter refused to change {change.register}{because}",
            note or "it may want a password, a pressed button or an open cover",
        )
    has, new = repr(change.shown), repr(change.new)
    if holds_key(change.register):
        has = new = "***"
    if change.outcome == "not done":
        return CheckError(
            f"{change.register} was not changed, it has {has}{because}",
            "the write was lost on its way; it may be tried again",
        )
    if change.outcome == "differs":
        return CheckError(
            f"{change.register} reads {has}, not {new}",
            "the meter took the write but keeps another value",
        )
    return CheckError(
        f"whether {change.register} was changed is unknown{because}",
        "read it, and look before you write it again",
    )


def answer_error(answer: Answered, what: str) -> IecReadError:
    """Return the error for an answer that is none."""
    if answer.kind is AnswerKind.SILENCE:
        return NoAnswerError(
            f"the meter did not answer: {what}",
            "a slow meter may need --timeout 10s",
        )
    if answer.kind is AnswerKind.DAMAGED:
        return RemoteProtocolError(
            f"the answer stayed damaged: {what}", "check the head's place and light"
        )
    said = answer.text or answer.kind.value
    return RefusedError(
        f"the meter refused {what}: {said}",
        "no such register, or it wants a password or another --command",
    )


def _nothing_there(answer: Answered) -> bool:
    """Whether an answer means that a range holds no rows: VDEW's ``ERROR``."""
    return answer.kind is AnswerKind.ERROR and answer.text == "ERROR"
