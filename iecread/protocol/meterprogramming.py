"""The meter's side of programming mode: passwords, commands, answers, the break.

``ProgrammableEngine`` adds to MeterEngine what IEC 62056-21 has behind an option
select with Y = 1, and in modes A and B behind the readout at 300 Bd (6.4.1 to 6.4.3,
annex A).  It knows frames, passwords, rights, parts of commands and answers, and
repeats; what a command does is up to a Memory, which turns data sets into an Answer.
What went on is kept in books that a test can look into.  A new request within a
session is ignored.  Left out: several passwords with different rights.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import ClassVar, Protocol

from iecread.errors import RemoteProtocolError
from iecread.protocol import parity
from iecread.protocol.actions import SetSpeed, Wait
from iecread.protocol.bcc import CheckKind
from iecread.protocol.messages import (
    ACK,
    EOT,
    ETX,
    LF,
    NAK,
    SOH,
    Block,
    Command,
)
from iecread.protocol.meter import IDLE, MeterEngine, MeterSetup
from iecread.protocol.state import MeterState, Step

_FRAME_END = re.compile(b"[" + ETX + EOT + b"]")
_DATA_SET = re.compile(r"[^()]*(?:\([^()]*\))+")  # address and brackets (6.3.14)
_VALUE = re.compile(r"\(([^()]*)\)")
_PART = re.compile(r"([^()]*)\(([^()]*)\)")  # 6.4.7: the address only in the first
# VDEW: the password stands in a second bracket of W5
_WITH_PASSWORD = re.compile(r"([^()]*\([^()]*\))\(([^()]*)\)")
_SESSION = (MeterState.OPERAND_SENT, MeterState.OPEN, MeterState.ANSWER_PART)


class Opening(Enum):
    """What the meter says to an option select with Y = 1."""

    OPERAND = "p0"  # 6.4.3: P0, at the new speed
    ACK = "ack"  # field practice: ACK, at the new speed
    ACK_FIRST = "ack-first"  # field practice: ACK, still at the opening speed
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command is answered with.

    Attributes:
        step: ACK, NAK, BLOCK, ERROR, BREAK, or END for silence.
        texts: for BLOCK the data sets, one text for each part; for ERROR the message.
        done: whether an ACK means that a write or an execution was done.
    """

    step: Step = Step.ACK
    texts: tuple[bytes, ...] = ()
    done: bool = True


def data(*texts: bytes) -> Answer:
    """Return an answer with data, in one block or several parts."""
    return Answer(Step.BLOCK, texts)


def error(text: bytes) -> Answer:
    """Return an error message, such as ``(ER02)`` or ``P.01(ERROR)`` (6.3.11)."""
    return Answer(Step.ERROR, (text,))


class Memory(Protocol):
    """What a meter holds; it does the commands."""

    def perform(self, name: str, text: str) -> Answer:
        """Do a command and answer it.

        Args:
            name: C and D: ``R1``, ``W5``, ``E2``, or something unknown.
            text: the data set, joined if it came in parts; empty: there was none.
        """


@dataclass(frozen=True, slots=True)
class ProgrammingSetup:
    """How a meter behaves in programming mode.

    Attributes:
        memory: what it holds.
        password: of P1, and what P2 is computed from; None: none is needed.
        operand: in the bracket of P0.
        algorithm: gives the answer of P2 for password and operand; None: P2 is always
            wrong.
        opening: what comes upon the option select.
        refusal: what a wrong password brings: ``break`` (6.4.3), ``nak``, ``ack``
            (but no rights), ``silence``, or an error message.
        lockout: wrong passwords that lock the meter; 0: any number is allowed.
        lockout_time: seconds for which each password is then refused.
        reads_open: whether reading needs no password.
        denied: error message for a command without the right to it.
        unknown: error message for a P command that does not exist.
        break_acked: whether a break is answered with ACK.
        idle: seconds without a message that end a session (60 to 120, annex A).
        refuses_all: fault: every password is wrong.
        lost_ack: fault: the acknowledgement of which write, from 1, is not sent.
        silent_command: fault: which command, from 1, is not heard; 0: none.
        breaks_off: fault: which command, from 1, is answered by a break and not done.
        damaged_part: fault: which part, from 1, is sent with a wrong check once.
        session: whether a session of another program is open from the begin on.
    """

    memory: Memory
    password: str | None = "00000000"
    operand: str = "00000000"
    algorithm: Callable[[str, str], str] | None = None
    opening: Opening = Opening.OPERAND
    refusal: str = "break"
    lockout: int = 0
    lockout_time: float = 3600.0
    reads_open: bool = True
    denied: bytes = b"(ER07)"
    unknown: bytes = b"(ER01)"
    break_acked: bool = False
    idle: float = IDLE
    refuses_all: bool = False
    lost_ack: int = 0
    silent_command: int = 0
    breaks_off: int = 0
    damaged_part: int = 0
    session: bool = False


class ProgrammableEngine(MeterEngine):
    """A meter that can be read out and programmed.

    Args:
        setup: what kind of meter it is.
        programming: how it behaves in programming mode.

    Attributes:
        passwords: each password that came, as ``("P1", "00000000")``.
        commands: each command that came whole, as ``("R1", "1.8.0()")``; the one of
            a repeated message counts again, one that came in parts counts once.
        writes: each write that was done, likewise.
        executed: each E command that was done, likewise.
        endings: how each session in programming mode ended: ``break`` of the reader,
            ``closed`` by the meter, ``timeout``, or ``request`` for another meter.
        tries: wrong passwords since the last right one or the last lock.
        locked_until: when the lock is over, on the clock of the driver.
    """

    _LONGEST = 4096

    def __init__(self, setup: MeterSetup, programming: ProgrammingSetup) -> None:
        super().__init__(setup)
        self.programming = programming
        self.passwords: list[tuple[str, str]] = []
        self.commands: list[tuple[str, str]] = []
        self.writes: list[tuple[str, str]] = []
        self.executed: list[tuple[str, str]] = []
        self.endings: list[str] = []
        self.tries = 0
        self.locked_until = float("-inf")
        self._kind = setup.check or CheckKind.XOR
        self._in_session = False
        self._access = False
        self._written: tuple[str, str] | None = None  # address and value so far
        self._parts_said = 0
        if programming.session:
            self.state = MeterState.OPEN
            self._in_session = self._access = True
            speed = setup.identification.speed
            self._speed = setup.opening_speed if setup.fixed_speed else speed or 300

    # -- the beginning

    def _select_programming(self, speed: int) -> bool:
        self._step(Step.SELECT_PROGRAMMING)
        self._begin_session()
        opening = self.programming.opening
        if opening is Opening.ACK_FIRST:
            self._answer_with((ACK, Step.ACK))
        self._plan(SetSpeed(speed))
        if opening is Opening.OPERAND:
            text = f"({self.programming.operand})".encode("latin-1")
            self._answer_with((self._frame("P0", text), Step.OPERAND))
        elif opening is Opening.ACK:
            self._answer_with((ACK, Step.ACK))
        elif opening is Opening.NOTHING:
            self._keep_silent()
        return True

    def _begin_session(self) -> None:
        self._deadline = None
        self._in_session = True
        self._access = self.programming.password is None
        self._written = None
        self._blocks = []

    # -- what the reader may say

    def _take_behind_readout(self, chars: bytes, now: float) -> None:
        if self.setup.identification.mode == "C":
            super()._take_behind_readout(chars, now)
        elif chars[-1:] == LF and self._take_request(chars):
            return
        elif SOH in chars:
            self._take_message(chars, now)

    def _take_message(self, chars: bytes, now: float) -> None:
        """Take a command, or a single character, that ends the buffer."""
        self._deadline = now + self.programming.idle
        start = chars.find(SOH)
        if start < 0:
            if self.state is MeterState.ANSWER_PART:
                self._take_behind_part(chars, now)
            elif self._is(NAK) and self._blocks:
                self._repeat()
            self._buffer = b""
            return
        end = _FRAME_END.search(chars, start)
        if end is None:
            self._buffer = self._buffer[chars.rfind(SOH) :]
        elif len(chars) > end.end():
            frame = self._buffer[start : end.end() + 1]
            # where a check is lost the next message begins in its place
            lost = parity.strip(frame[-1:]) == SOH and self._parsed(frame) is None
            self._buffer = frame[-1:] if lost else b""
            if not lost:
                self._take_frame(frame, now)

    def _take_frame(self, frame: bytes, now: float) -> None:
        if not self._in_session:
            self._begin_session()  # modes A and B
        command = self._parsed(frame)
        if command is None:
            self._step(self._heard_as)
            self._answer_with((NAK, Step.NAK))
        elif command.name == "B0":
            self._broken = True
        elif command.name == "B1":
            self._close_with_ack()
        elif command.name in ("P1", "P2"):
            self._take_password(command, now)
        elif not command.last and command.name in ("W3", "W4"):
            self._take_part(command)
        else:
            self._take_command(command, now)

    @property
    def _heard_as(self) -> Step:
        """The step of a message that is answered, whatever it is."""
        locked = self.state is MeterState.OPERAND_SENT
        return Step.PASSWORD if locked else Step.COMMAND

    def _parsed(self, frame: bytes) -> Command | None:
        """Return a command whose parity, check and syntax are right (6.4.7)."""
        if not self._sound(frame):
            return None
        try:
            command = Command.from_bytes(parity.strip(frame), self._kind)
        except RemoteProtocolError:
            return None
        text = (command.text or b"").decode("latin-1")
        form = _VALUE if command.name in ("P1", "P2") else _DATA_SET
        bare = command.text is None and command.name[0] not in "RWP"
        return command if command.right and (bare or form.fullmatch(text)) else None

    def _take_password(self, command: Command, now: float) -> None:
        text = (command.text or b"").decode("latin-1")[1:-1]
        self._step(Step.PASSWORD)
        self._access = self._is_right(command.name, text, now)
        refusal = self.programming.refusal
        if self._access or refusal == "ack":
            self._answer_with((ACK, Step.ACK))
        elif refusal == "break":
            self._answer_with((self._frame("B0"), Step.BREAK))
        elif refusal == "nak":
            self._answer_with((NAK, Step.NAK))
        elif refusal == "silence":
            self._keep_silent()
        else:
            self._send(error(refusal.encode("latin-1")))

    def _is_right(self, name: str, given: str, now: float) -> bool:
        """Return whether a password is accepted, and keep the books about it."""
        setup = self.programming
        self.passwords.append((name, given))
        if now < self.locked_until:
            return False
        if setup.lockout and self.tries >= setup.lockout:
            self.tries = 0  # the lock is over
        right = setup.password
        if right is not None and name == "P2":
            right = setup.algorithm(right, setup.operand) if setup.algorithm else None
            accepted = given == right
        else:
            accepted = right is None or given == right
        if accepted and not setup.refuses_all:
            self.tries = 0
            return True
        self.tries += 1
        if self.tries == setup.lockout:
            self.locked_until = now + setup.lockout_time
        return False

    def _take_part(self, command: Command) -> None:
        """Take a part of a write; another one follows (6.4.7)."""
        if not self._join(command):
            self._step(self._heard_as)
            self._answer_with((NAK, Step.NAK))
            return
        self._step(Step.COMMAND_PART if self.state is MeterState.OPEN else Step.COMMAND)
        self._answer_with((ACK, Step.ACK))

    def _join(self, command: Command) -> bool:
        """Add what came to the parts of a write."""
        found = _PART.fullmatch((command.text or b"").decode("latin-1"))
        if found is None:
            return False
        if self._written is None or found[1]:
            self._written = found[1], found[2]
        else:
            self._written = self._written[0], self._written[1] + found[2]
        return True

    def _take_command(self, command: Command, now: float) -> None:
        setup = self.programming
        text = (command.text or b"").decode("latin-1")
        if self._written and command.name in ("W3", "W4") and self._join(command):
            text = "{}({})".format(*self._written)
        self._written = None
        self._step(Step.COMMAND)
        self.commands.append((command.name, text))
        if len(self.commands) == setup.silent_command:
            self._blocks = []
            self._keep_silent()
        elif len(self.commands) == setup.breaks_off:
            self._answer_with((self._frame("B0"), Step.BREAK))
        else:
            self._perform(command.name, text, now)

    def _perform(self, name: str, text: str, now: float) -> None:
        setup = self.programming
        access = self._access
        if name == "W5" and (found := _WITH_PASSWORD.fullmatch(text)):
            access = self._is_right(name, found[2], now)
            text = found[1]
        if name[0] == "P":
            self._send(error(setup.unknown))
            return
        if not access and not (name[0] == "R" and setup.reads_open):
            self._send(error(setup.denied))
            return
        answer = setup.memory.perform(name, text)
        if answer.step in (Step.ACK, Step.BLOCK) and answer.done and name[0] == "E":
            self.executed.append((name, text))
        elif answer.step is Step.ACK and answer.done and name[0] == "W":
            self.writes.append((name, text))
            if len(self.writes) == setup.lost_ack:
                self._blocks = [(ACK, Step.ACK)]
                self._keep_silent()
                return
        self._send(answer)

    _TAKERS: ClassVar[Mapping[MeterState, Callable[..., object]]] = {
        **MeterEngine._TAKERS,
        MeterState.SENT: _take_behind_readout,
        MeterState.OPERAND_SENT: _take_message,
        MeterState.OPEN: _take_message,
        MeterState.ANSWER_PART: _take_message,
    }

    # -- what the meter says

    def _send(self, answer: Answer) -> None:
        if answer.step is Step.END:
            self._blocks = []
            self._keep_silent()
        elif answer.step in (Step.ACK, Step.NAK):
            control = ACK if answer.step is Step.ACK else NAK
            self._answer_with((control, answer.step))
        elif answer.step is Step.BREAK:
            self._answer_with((self._frame("B0"), Step.BREAK))
        else:
            *parts, last = answer.texts
            self._answer_with(
                *((self._block(text, last=False), Step.PART) for text in parts),
                (self._block(last, last=True), answer.step),
            )

    def _answer_with(self, *blocks: tuple[bytes, Step]) -> None:
        """Plan the first of these messages; the others are asked for."""
        self._blocks = list(blocks)
        self._at = self._repeats = 0
        self._deadline = None
        self._plan(Wait(self.setup.reaction))
        self._say(*blocks[0])

    def _keep_silent(self) -> None:
        """Let the reader wait; ``_blocks`` is what a NAK would bring."""
        self._at = self._repeats = 0
        self._step(Step.END, ours=True)
        self._deadline = self._heard + self.programming.idle

    def _say(self, message: bytes, step: Step) -> None:
        part = step in (Step.PART, Step.BLOCK) and len(self._blocks) > 1
        if part and not self._repeats:
            self._parts_said += 1
            if self._parts_said == self.programming.damaged_part:
                message = message[:-1] + bytes((message[-1] ^ 1,))
        super()._say(message, step)

    def _after(self, step: Step, now: float) -> None:
        mode = self.setup.identification.mode
        if self.state in _SESSION:
            self._deadline = now + self.programming.idle
        elif step is Step.BREAK:
            self._go_home(None)
        elif step is Step.BLOCK and mode != "C":
            # 6.4.1, 6.4.2: a command may follow at 300 Bd
            self._plan(SetSpeed(self.setup.opening_speed))
            self._deadline = now + self.programming.idle
        else:
            super()._after(step, now)

    # -- the end

    def _go_home(self, step: Step | None) -> None:
        if self._in_session:
            self._in_session = False
            endings = {Step.BREAK: "break", Step.SILENCE: "timeout", None: "closed"}
            self.endings.append(endings.get(step, "request"))
        super()._go_home(step)

    def _obey_break(self) -> None:
        acked = self.programming.break_acked and self.state in _SESSION
        if self._broken and not self._queue and acked:
            self._broken = False
            self._close_with_ack()
        else:
            super()._obey_break()

    def _close_with_ack(self) -> None:
        """End the session behind an ACK (B1, and field practice for B0)."""
        self.endings.append("break")
        self._in_session = False
        self._step(Step.COMMAND)
        self._answer_with((ACK, Step.BREAK))

    # -- small tools

    def _frame(self, name: str, text: bytes | None = None) -> bytes:
        return replace(Command(name, text), kind=self._kind).to_bytes()

    def _block(self, text: bytes, *, last: bool) -> bytes:
        return Block(text, last, None, self._kind).to_bytes()
