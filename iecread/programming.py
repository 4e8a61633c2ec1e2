"""A session in programming mode: login, registers, changes, and the way out.

``Programming`` is what ``Meter.programming`` gives.  It drives a ProgrammingEngine
over the meter's link and turns answers into readings or errors.  Two rules stand
above all: a password that was refused is not sent again for a day, and a write whose
acknowledgement was lost is never sent again but read back.  Left out: where passwords
come from (passwords.py) and questions to a person (the command line asks them).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING

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
from iecread.readings import Reading, parse_value, readout
from iecread.registry import describe

if TYPE_CHECKING:
    from iecread.clock import ClockReading, Drift
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
    """

    answer: Callable[[str], str]
    level: int = 1
    secret: Secret | None = None
    refusals: Refusals | None = None
    names: tuple[str, ...] = ()
    force: bool = False

    @classmethod
    def from_source(
        cls,
        source: PasswordSource,
        secret: Secret,
        refusals: Refusals,
        names: tuple[str, ...],
        *,
        force: bool = False,
    ) -> Login:
        """Return the login with a password that was fetched from ``source``."""

        def answer(operand: str) -> str:
            return source.answer(secret, operand)

        return cls(answer, source.access, secret, refusals, names, force)

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


class Programming:
    """A session in programming mode; made by ``Meter.programming``.

    Attributes:
        operand: what the meter put into P0; None where it sent none.
        serial_codes: registers that may hold the meter's number.
        read_styles: commands and counts to read with, the first that works is kept.
        write_command: W1 to W5.
    """

    serial_codes: tuple[str, ...] = ("C.1.0", "0.0.0")  # as readings.py looks for it

    def __init__(
        self,
        engine: ProgrammingEngine,
        run: Run,
        *,
        timezone: str | None = None,
        read_styles: Sequence[tuple[str, str]] = READ_STYLES,
        write_command: str = "W1",
        journal: Journal | None = None,
        name: str = "",
    ) -> None:
        self._engine = engine
        self._run = run
        self._timezone = timezone
        self._journal = journal
        self._name = name
        self.operand: str | None = None
        self.read_styles = list(read_styles)
        self.write_command = write_command
        self._password = ""
        self._raw: list[bytes] = []  # blocks of the last answer

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

    def log_in(self, login: Login) -> None:
        """Send the password, or the answer to the challenge.

        Raises:
            the errors of ``enter``.
        """
        self._engine.guard.allow_password(self.identification)
        answer = login.answer(self.operand or "")
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

    def read_all(self, code: str) -> tuple[Reading, ...]:
        """Read one register of which the meter may say several values.

        Raises:
            RefusedError: the meter does not know it, or forbids it.
            NoAnswerError: the meter fell silent.
            RemoteProtocolError: the answer stayed damaged.
            ConfigError: the code has characters that cannot be sent.
        """
        _check_text(code, "the code")
        refusal = Answered(AnswerKind.ERROR)
        for style in list(self.read_styles):
            name, count = style
            got = self._command(name, f"{code}({count})", repeatable=True)
            if got.kind is AnswerKind.DATA:
                found = _about(code, self._readings(code))
                if found:
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
        if self.write_command == "W5" and self._password:  # VDEW practice
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
        return change_error(change)

    def shown(self, reading: Reading) -> str:
        """Return the value of a reading as a change shows it."""
        return shown(reading)

    # --- load profiles and logs ----------------------------------------------

    def load_profile(
        self,
        channel: str = "P.01",
        start: datetime | None = None,
        end: datetime | None = None,
        *,
        zone: tzinfo | None = None,
        clock: str | timedelta = "local",
        decoder: ProfileDecoder | None = None,
        commands: Sequence[str] = PROFILE_COMMANDS,
        style: str = "vdew",
        season: str = "own",
        step: timedelta | None = timedelta(days=1),
        codes: Sequence[str] = (),
    ) -> Iterator[Row]:
        """Read a load profile, a chunk of the range at a time, and yield its rows.

        Args:
            channel: name of the profile as the meter knows it.
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
        from iecread.profilerequest import chunks, data_set, operand

        if decoder is None:
            decoder = ProfileDecoder(zone, clock, channel=channel)
        ranges: Iterable[tuple[datetime | None, datetime | None]] = [(start, end)]
        if start is not None and end is not None and step is not None:
            ranges = chunks(start, end, step, zone=zone, clock=clock)
        names = list(commands)
        for first, last in ranges:
            asked = operand(
                first, last, style=style, season=season, zone=zone, clock=clock
            )
            text = data_set(channel, asked, codes)
            yield from self._rows(names, text, channel, decoder)

    def _rows(
        self, names: list[str], text: str, channel: str, decoder: ProfileDecoder
    ) -> Iterator[Row]:
        """Ask for one range; keep only the command that the meter knows."""
        while True:
            refused = None
            more = "" if names[0] != "R6" else f";{PART_ROWS}"
            asked = text.replace(")", f"{more})", 1)
            for piece in self._pieces(Command(names[0], asked.encode("ascii"))):
                if isinstance(piece, Answered):
                    refused = piece
                else:
                    yield from decoder.feed(piece)
            empty = refused is not None and _nothing_there(refused)
            yield from decoder.finish(ended=refused is None or empty)
            if refused is None:
                del names[1:]
                return
            if empty:
                return  # VDEW: no rows in this range
            told_no = refused.kind in (AnswerKind.ERROR, AnswerKind.NAK, AnswerKind.ACK)
            if not told_no or len(names) == 1:
                raise answer_error(refused, f"load profile {channel}")
            names.pop(0)

    def events(
        self,
        channel: str = "P.98",
        start: datetime | None = None,
        end: datetime | None = None,
        *,
        zone: tzinfo | None = None,
        clock: str | timedelta = "local",
        decoder: EventDecoder | None = None,
        commands: Sequence[str] = PROFILE_COMMANDS,
        style: str = "vdew",
        season: str = "own",
    ) -> Iterator[LogEvent]:
        """Read an event log and yield its entries.

        Args and errors are those of ``load_profile``.
        """
        from iecread.eventlog import EventDecoder
        from iecread.profilerequest import data_set, operand

        if decoder is None:
            decoder = EventDecoder(zone, clock)
        asked = operand(
            start,
            end,
            style=style,
            season=season,
            zone=zone,
            clock=clock,
        )
        text = data_set(channel, asked)
        refused = None
        for name in commands:
            refused = None
            for piece in self._pieces(Command(name, text.encode("ascii"))):
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
        for event in self._run(self._engine):
            if isinstance(event, BlockReceived):
                chars = strip(event.data) if even else event.data
                yield Block.from_bytes(chars).text.decode("latin-1")
            elif isinstance(event, Answered):
                answer = event
        if answer is None:
            raise PortError("the line was lost before an answer came")
        if answer.kind is not AnswerKind.DATA:
            yield answer

    def _ask(self, command: Command, *, ack_last: bool = False) -> None:
        """Send a read whose answer may come in parts."""
        self._demand_open()
        self._engine.command(command, repeatable=True, ack_last=ack_last)

    # --- clock ---------------------------------------------------------------

    def clock_registers(self) -> Sequence[Sequence[str]]:
        """Return which registers may be the meter's clock, in the order to try."""
        from iecread.clock import CLOCK_REGISTERS

        return CLOCK_REGISTERS

    def clock(
        self,
        registers: Sequence[str] = ("0.9.2", "0.9.1"),
        *,
        clock: MeterClock | None = None,
    ) -> tuple[ClockReading, Drift]:
        """Read the meter's clock and compare it with this computer's.

        Args:
            registers: those of date and time, the time last; or one of both.
            clock: what the meter's clock follows; None: this computer's zone.

        Raises:
            RefusedError: there are no such registers.
            CheckError: they show no possible time.
            NoAnswerError, RemoteProtocolError: as for ``read``.
        """
        from iecread.clock import ClockReading, drift
        from iecread.metertime import MeterClock

        meter_clock = clock or MeterClock()
        for _ in range(3):
            values = {}
            for register in registers:
                asked = datetime.now(UTC)
                values[register] = self.read(register).raw
                answered = datetime.now(UTC)
            reading = ClockReading.parse(values)
            if not reading.doubtful:
                break
        moment = reading.at(answered, meter_clock)
        return reading, drift(moment, asked, answered, reading.resolution)

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


def change_error(change: Change) -> IecReadError:
    """Return the error for a change that was not done."""
    from iecread.masking import holds_key

    because = f": {change.detail}" if change.detail else ""
    if change.outcome == "refused":
        return RefusedError(
            f"the meter refused to change {change.register}{because}",
            "it may want a password, a pressed button or an open cover",
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
