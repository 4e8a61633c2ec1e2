"""The ways of LIS-200 devices on the line, where they differ from other meters.

Adds to ProgrammableEngine: P commands are the device's business, not a password; a BK
meter waits for ACK behind the last block of an archive and hears nothing else until
then, has its own form of a request, and falls back to 300 Bd where Z is not its own.
Faults between frames are here too: NULs and foreign answers ahead of ours.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar

from iecread.errors import RemoteProtocolError
from iecread.protocol import parity
from iecread.protocol.actions import SetSpeed, Wait, Write
from iecread.protocol.messages import (
    ACK,
    CRLF,
    NUL,
    SOH,
    Command,
    Identification,
    OptionSelect,
)
from iecread.protocol.meter import MeterSetup
from iecread.protocol.meterprogramming import (
    Answer,
    ProgrammableEngine,
    ProgrammingSetup,
    error,
)
from iecread.protocol.parity import Parity
from iecread.protocol.state import MeterState, Step
from iecread.simulator.lis200.device import Lis200Device

_BETWEEN = b")("
_STRAY = b"\xff"  # between two brackets (lis200.md 1.1)
_BEHIND_FOREIGN = 0.05  # seconds between another device's answer and ours


@dataclass(frozen=True, slots=True)
class LineHabits:
    """What goes wrong between frames, and how a session is found.

    Attributes:
        nuls: NULs ahead of each answer.
        foreign: before the answer to which command, from 1, that of another device to
            another master comes; -1: before each.
        nak_command: which command is answered with NAK and not done; 0: none.
        stray: which block of an archive has a byte FF within; 0: none.
        silent_part: which block of an archive does not come; 0: none.
        session: whether a session of another program is open from the begin on.
        called: identification when it is called by its address.
    """

    nuls: int = 0
    foreign: int = 0
    nak_command: int = 0
    stray: int = 0
    silent_part: int = 0
    session: bool = False
    called: Identification | None = None


class Lis200Engine(ProgrammableEngine):
    """A LIS-200 device on a line.

    Args:
        setup: what kind of meter it is.
        programming: how it behaves in programming mode; its memory is the device.
        device: what it holds.
        habits: what goes wrong on the line.

    Attributes:
        device: what it holds.
        unheard: commands that it did not hear, because an archive was not taken.
    """

    def __init__(
        self,
        setup: MeterSetup,
        programming: ProgrammingSetup,
        device: Lis200Device,
        habits: LineHabits | None = None,
    ) -> None:
        super().__init__(setup, programming)
        self.device = device
        self.habits = habits or LineHabits()
        self.unheard = 0
        self._commands = 0
        self._archive_blocks = 0
        self._answering_archive = False
        if self.habits.session:
            device.in_session = True

    # -- sign-on

    def _take_request(self, chars: bytes) -> bool:
        """A BK meter is called by ``/?number CR LF``, without ``!``."""
        if not self.device.family.nibble:
            return super()._take_request(chars)
        start = chars.rfind(b"/")
        text = chars[max(0, start) :]
        if text == b"/?!" + CRLF:
            return super()._take_request(chars)
        number = self.setup.address.encode("ascii")
        if text != b"/?" + number + CRLF or self.habits.called is None:
            return text.startswith(b"/?")
        found = self._parity_of(self._buffer[start:])
        self._buffer = b""
        if found is None:
            return True
        self._parity = found
        self._list = "?"
        self._step(Step.REQUEST)
        self._deadline = None
        self._plan(SetSpeed(self.setup.opening_speed))
        self._plan(Wait(self.setup.reaction))
        self._say(self.habits.called.to_bytes(), Step.IDENTIFY_C)
        return True

    def _take_select(self, chars: bytes, now: float) -> None:
        """A BK meter stays at 300 Bd where Z is another than its own."""
        if self.device.family.nibble and chars[-2:] == CRLF and ACK in chars:
            start = chars.rfind(ACK)
            try:
                option = OptionSelect.from_bytes(chars[start:])
            except RemoteProtocolError:
                option = None
            own = self.setup.identification.speed_character
            other = option is not None and option.speed_character != own
            if other and option and option.mode == "1":
                self._buffer = b""
                self._select_programming(self.setup.opening_speed)
                return
        super()._take_select(chars, now)

    def _begin_session(self) -> None:
        super()._begin_session()
        self.device.begin(self._heard)

    def _go_home(self, step: Step | None) -> None:
        if self._in_session:
            self.device.end(self._heard)
        super()._go_home(step)

    # -- commands

    def _take_message(self, chars: bytes, now: float) -> None:
        if self.state is MeterState.OPEN and self._is(ACK) and SOH not in chars:
            self.device.in_archive = False
        super()._take_message(chars, now)

    def _take_frame(self, frame: bytes, now: float) -> None:
        waits = self.device.in_archive and self.state is MeterState.OPEN
        command = self._parsed(frame) if waits else None
        if waits and (command is None or command.name != "B0"):
            self.unheard += 1  # it waits for ACK (lis200.md 8.4)
            return
        super()._take_frame(frame, now)

    def _take_password(self, command: Command, now: float) -> None:
        self.device.at(now)
        text = (command.text or b"").decode("latin-1")[1:-1]
        self.passwords.append((command.name, text))
        self._step(Step.PASSWORD)
        self._send(self.device.password(text))

    def _take_command(self, command: Command, now: float) -> None:
        self.device.at(now)
        self._commands += 1
        self._archive_blocks = 0
        self._answering_archive = b":V." in (command.text or b"")
        super()._take_command(command, now)

    def _perform(self, name: str, text: str, now: float) -> None:
        if name[0] == "P":  # a BK meter looks at the number of each
            self._send(self.device.password(text.strip("()")))
        elif len(self.commands) == self.habits.nak_command:
            self._send(Answer(Step.NAK))
        else:
            super()._perform(name, text, now)

    def _send_readout(self, option: str, speed: int, *, reaction: bool = True) -> None:
        if self.device.readout():
            super()._send_readout(option, speed, reaction=reaction)
            return
        self._deadline = None
        self._plan(SetSpeed(speed))
        self._plan(Wait(self.setup.reaction))
        refusal = error(b"(#0018)").texts[0]
        self._blocks = [(self._block(refusal, last=True), Step.BLOCK)]
        self._at = self._repeats = 0
        self._say(*self._blocks[0])

    _TAKERS: ClassVar[Mapping[MeterState, Callable[..., object]]] = {
        **ProgrammableEngine._TAKERS,
        MeterState.IDENTIFIED: _take_select,
        MeterState.OPERAND_SENT: _take_message,
        MeterState.OPEN: _take_message,
        MeterState.ANSWER_PART: _take_message,
    }

    # -- faults

    def _answer_with(self, *blocks: tuple[bytes, Step]) -> None:
        habits = self.habits
        if self.state is MeterState.COMMANDED:
            if habits.foreign in (-1, self._commands):
                self._plan(Wait(self.setup.reaction))
                self._plan(
                    Write(self._coded(self._block(self.device.foreign, last=True)))
                )
                self._plan(Wait(_BEHIND_FOREIGN))
            if habits.nuls:
                self._plan(Write(NUL * habits.nuls))
        super()._answer_with(*blocks)

    def _say(self, message: bytes, step: Step) -> None:
        rows = self._answering_archive and step in (Step.PART, Step.BLOCK)
        if rows and not self._repeats:
            self._archive_blocks += 1
        if rows and self._archive_blocks == self.habits.silent_part:
            self._blocks = self._blocks[: self._at + 1]
            self._keep_silent()
            return
        super()._say(message, step)
        if rows and self._archive_blocks == self.habits.stray:
            action, planned = self._queue[-1]
            assert isinstance(action, Write)
            sent = self._with_stray(action.data)
            self._queue[-1] = Write(sent), planned

    def _with_stray(self, data: bytes) -> bytes:
        """Return a block with a byte FF between two brackets; its check stays."""
        at = parity.strip(data).find(_BETWEEN, len(data) // 2)
        return data[: at + 1] + _STRAY + data[at + 1 :] if at >= 0 else data

    def _coded(self, message: bytes) -> bytes:
        even = self._parity is Parity.EVEN
        return parity.add_even(message) if even else message
