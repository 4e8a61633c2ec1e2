"""A session in programming mode: the way in, reading registers, and the way out.

``RegisterSession`` drives a ProgrammingEngine over the meter's link and turns answers
into readings or errors.  It logs in with what login.py holds.  Changes are in
changes.py, profiles and clocks in programming.py.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from iecread.answers import answer_error, refused, told_no
from iecread.errors import ConfigError, PortError, RefusedError, RemoteProtocolError
from iecread.login import Login
from iecread.obis import Pattern
from iecread.protocol.actions import Answered, AnswerKind, BlockReceived, Event, Opened
from iecread.protocol.bcc import CheckKind
from iecread.protocol.messages import Block, Command, Identification
from iecread.protocol.parity import Parity, strip
from iecread.protocol.programming import ProgrammingEngine
from iecread.protocol.telegrams import decode
from iecread.readings import Reading, own_number, readout
from iecread.registry import describe

if TYPE_CHECKING:
    from iecread.devices import DeviceProfile
    from iecread.journal import Journal

# How a read is spelt, in the order to try: 6.3.14 has a count in the brackets, OBIS
# readers leave it out; R5 and R6 are VDEW's, R2 is also used for plain codes
READ_STYLES = (("R1", "1"), ("R1", ""), ("R5", ""), ("R2", ""), ("R6", ""))
_LIS200_ERROR = re.compile(r"#[0-9]{4}")  # lis200.md; no other maker's look like it
_FORBIDDEN = frozenset("()/!")  # 6.6: what neither an address nor a value can hold
_VALUE_LENGTH = 128  # 6.6: in mode C programming; 32 elsewhere

Run = Callable[[ProgrammingEngine], Iterator[Event]]


class RegisterSession:
    """A session in which registers are read; its attributes are Programming's."""

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
        refuse_changes: Callable[[], None] = lambda: None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._now, self._clock = now, clock
        self._engine = engine
        self._run = run
        self._timezone = timezone
        self._journal, self._name = journal, name  # of changes, and whose they are
        self._refuse_changes = refuse_changes  # raises where they are forbidden
        self.operand: str | None = None
        self.device: DeviceProfile | None = None
        self._find_device = device
        self._read_command, self._write_command = read_command, write_command
        self._read_styles = read_styles
        self._settle()
        self._password = ""  # as it was sent
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
            if self.speaks_lis200:
                self._engine.guard.allow_password(self.identification)  # says no

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

        Nothing checks an identification.  Where it may have been damaged, the meter is
        asked for it again.  It has judged no password if it meant another mode, since
        it was in no programming mode; nor if it is a LIS-200 device, which has locks in
        place of passwords: then ``speaks_lis200`` says so, and it is not logged in.

        Raises:
            the errors of ``enter``.
        """
        sent, got = self._give(login)
        unread = got.kind in (AnswerKind.SILENCE, AnswerKind.DAMAGED)
        if unread and self.mode != "C" or _LIS200_ERROR.fullmatch(got.text):
            before = self.mode
            self.leave()
            self.open(self._clock())
            if self.speaks_lis200:
                return
            if unread and before != "C" and self.mode == "C":
                sent, got = self._give(login)
        now = datetime.now().astimezone()
        if got.kind is AnswerKind.ACK:
            sent.accepted(now)
            return
        if refused(got):
            sent.refused(now)
            said = f": {got.text}" if got.text else ""
            raise RefusedError(
                f"the meter refused the password ({got.kind.value}{said})",
                "it is not sent again for 24 hours; check it, --force-login overrides",
            )
        raise answer_error(got, "the password")

    def _give(self, login: Login) -> tuple[Login, Answered]:
        """Send the password; return what it became, and what the meter said."""
        self._engine.guard.allow_password(self.identification)
        login, answer = login.answered(self.operand or "", self.device)
        check_text(answer, "the password")
        login = login.known_by(answer)
        self._password = answer
        self._engine.password(login.level, answer)
        return login, self._answered()

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
        check_text(code, "the code")
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
            elif told_no(got):
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


def check_text(text: str, what: str) -> None:
    """Say no to a code, value or password that cannot be sent.

    Raises:
        ConfigError: it has a character that cannot be sent, or is too long.
    """
    if not text.isascii() or not text.isprintable() or _FORBIDDEN & set(text):
        raise ConfigError(
            f"{what} has a character that the protocol cannot carry",
            "ASCII without ( ) / ! and control characters",
        )
    if len(text) > _VALUE_LENGTH:
        raise ConfigError(f"{what} is longer than {_VALUE_LENGTH} characters")
