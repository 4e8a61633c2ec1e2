"""The meter's side of a session: bytes in, actions out, no I/O and no clock.

``MeterEngine`` answers requests in modes A, B and C up to the end of the readout,
``PushEngine`` sends telegrams unasked.  Every byte that comes is looked at by
itself, so that cuts in the stream change nothing; what cannot be understood is met
with silence, as 6.3.1 and 6.4.3 ask, and raises nothing.  While an answer is due or
going out the meter is deaf (half duplex) but for a break.  A state changes when the
message that changes it has left.  Left out: programming; it comes as a subclass
that adds states to ``_TAKERS`` and says yes in ``_select_programming``.
"""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar

from iecread.errors import LocalProtocolError, RemoteProtocolError
from iecread.protocol import parity
from iecread.protocol.actions import Action, SetSpeed, Wait, Write
from iecread.protocol.bcc import CheckKind
from iecread.protocol.messages import (
    ACK,
    BITS_PER_CHARACTER,
    BREAK,
    LF,
    NAK,
    OPENING_SPEED,
    Block,
    Command,
    Identification,
    OptionSelect,
    Request,
)
from iecread.protocol.parity import Parity
from iecread.protocol.state import METER, MeterState, Step, advance
from iecread.protocol.timing import REACTION

GAP = 1.5  # ta: a longer rest ends a message that was begun (6.4.1)
FALLBACK = 1.85  # tt: 1.5 to 2.2 s without an option select (annex A)
REPEAT_WAIT = 1.6  # tr, upper limit, and a little: how long a NAK may take (6.4.3)
IDLE = 60.0  # 60 to 120 s without a message end a session (annex A)
NUL_GAP = 0.5  # a longer rest begins the wake-up message anew (annex B: 5 ms)
AWAKE = 5.0  # how long a meter that was woken listens (field practice)

_BREAKS = (BREAK.to_bytes(), Command("B0", kind=CheckKind.SUM7).to_bytes())


@dataclass(frozen=True, slots=True)
class MeterSetup:
    """What kind of meter it is.

    Attributes:
        identification: its Z decides about mode and speed.
        readout: gives the characters of the data message, ``!`` and its line end
            included, for the kind of list in the request (``?`` is the usual one)
            and Y of the option select (``0`` in modes A and B).
        address: device address; empty: the meter answers general requests only.
        lists: kinds of lists that may be requested.
        options: every Y that gives a readout.
        check: how the block check is computed; None: no STX, no ETX, no check.
        part_lines: data lines in a block that ends with EOT; 0: one block (6.4.7).
        parity: what bit 7 of the bytes must be and will be; None: as in the request.
        opening_speed: speed between sessions, in Bd.
        fixed_speed: whether the speed never changes, whatever Z says.
        reaction: time before each answer, in seconds (tr).
        fallback: whether it reads out after ``FALLBACK`` without an option select.
        repeats: how often a NAK brings the block again; 0: it goes back at once.
        wake_nuls: NULs that it needs before it hears a request; 0: none.
        wake_pause: least rest between them and the request, in seconds.
        stays: fault: agrees to a speed and stays at the opening speed.
        refuses: fault: sends NAK in place of data.
        general: whether it answers requests without an address.
        hdlc: for a meter with mode E only, what it says in mode C: ``empty`` for a
            list without data, ``silent``; empty: it is none (6.4.5).
    """

    identification: Identification
    readout: Callable[[str, str], bytes]
    address: str = ""
    lists: tuple[str, ...] = ("?",)
    options: str = "0"
    check: CheckKind | None = CheckKind.XOR
    part_lines: int = 0
    parity: Parity | None = None
    opening_speed: int = OPENING_SPEED
    fixed_speed: bool = False
    reaction: float = REACTION
    fallback: bool = True
    repeats: int = 3
    wake_nuls: int = 0
    wake_pause: float = 1.4
    stays: bool = False
    refuses: bool = False
    general: bool = True
    hdlc: str = ""


class MeterEngine:
    """The meter's side of sessions, one after the other.

    Attributes:
        setup: what kind of meter it is.
        state: where the session stands.
    """

    _LONGEST = 64  # bytes kept: more than any message of the reader's has here

    def __init__(self, setup: MeterSetup) -> None:
        self.setup = setup
        self.state = MeterState.START
        self._queue: deque[tuple[Action, Step | None]] = deque()
        self._buffer = b""
        self._heard = self._slash = self._last_nul = float("-inf")
        self._nuls = 0
        self._deadline: float | None = None
        self._speed = setup.opening_speed
        self._parity = Parity.NONE
        self._list = "?"
        self._blocks: list[tuple[bytes, Step]] = []
        self._at = 0  # which of them is due, or was sent last
        self._repeats = 0
        self._broken = False

    # -- the interface to the driver

    def receive_data(self, data: bytes, now: float) -> None:
        """Take in what came at ``now``, bit 7 as it is on the line; raises nothing."""
        # characters that come in one piece have been on their way for a while
        rest = now - self._heard - len(data) * BITS_PER_CHARACTER / self._speed
        if rest > GAP:
            self._buffer = b""
        if rest > NUL_GAP:
            self._nuls = 0
        self._heard = now
        for byte in data:
            self._buffer = self._buffer[1 - self._LONGEST :] + bytes((byte,))
            chars = parity.strip(self._buffer)
            if chars.endswith(_BREAKS) and self._sound(self._buffer[-5:]):
                self._broken = True
                self._buffer = b""
            elif self.state in self._TAKERS:
                self._TAKERS[self.state](self, chars, now)
            self._obey_break()

    def next_action(self) -> Action | None:
        """Return what is to be done next, None if nothing is."""
        return self._queue[0][0] if self._queue else None

    def action_done(self, now: float) -> None:
        """The action that ``next_action`` gave was carried out; it ended at ``now``.

        Raises:
            LocalProtocolError: there was none.
        """
        if not self._queue:
            raise LocalProtocolError("there was nothing to do")
        action, step = self._queue.popleft()
        if isinstance(action, SetSpeed):
            self._speed = action.baud
        if step:
            self._buffer = b""  # what came meanwhile was not heard
            self._step(step, ours=True)
            self._after(step, now)
        self._obey_break()

    def deadline(self) -> float | None:
        """Return when ``handle_timeout`` is due, None if never."""
        return None if self._queue else self._deadline

    def handle_timeout(self, now: float) -> None:
        """Do what silence calls for; nothing if the deadline is not over."""
        if self._queue or self._deadline is None or now < self._deadline:
            return
        self._deadline = None
        if self.state is MeterState.IDENTIFIED and self.setup.fallback:
            self._step(Step.SILENCE)
            self._send_readout("0", self._speed, reaction=False)
        elif self.state is MeterState.IDENTIFIED:
            self._go_home(Step.END)
        else:
            self._go_home(Step.SILENCE)

    # -- what the reader may say

    def _take_opening(self, chars: bytes, now: float) -> None:
        if chars[-1:] == b"\0":
            self._count_nul(now)
        elif chars[-1:] == b"/":
            self._slash = now
        elif chars[-1:] == LF:
            self._take_request(chars)

    def _count_nul(self, now: float) -> None:
        self._nuls += 1
        self._last_nul = now
        # one that is awake stays so while it is woken again
        if self.state is not MeterState.AWAKE and (
            not self.setup.wake_nuls or self._nuls < self.setup.wake_nuls
        ):
            return
        if self.state is MeterState.START:
            self._step(Step.WAKE_UP)
        self._deadline = now + AWAKE

    def _take_request(self, chars: bytes) -> bool:
        """Answer the request that ends the buffer; False if it is none."""
        start = chars.rfind(b"/")
        try:
            request = Request.from_bytes(chars[max(0, start) :])
        except RemoteProtocolError:
            return False
        found = self._parity_of(self._buffer[start:])
        self._buffer = b""
        if found is None:
            return True
        if not self._is_for_us(request):
            if self.state in (MeterState.IDENTIFIED, MeterState.SENT):
                self._go_home(Step.END)  # the reader has turned to another meter
            return True
        if self.setup.wake_nuls and self.state is MeterState.START:
            return True
        early = self._slash - self._last_nul < self.setup.wake_pause
        if self.state is MeterState.AWAKE and early:
            return True
        self._parity = found
        self._list = request.kind
        self._step(Step.REQUEST)
        self._deadline = None
        identification = self.setup.identification
        step = {"A": Step.IDENTIFY_A, "B": Step.IDENTIFY_B, "C": Step.IDENTIFY_C}
        self._plan(SetSpeed(self.setup.opening_speed))
        self._plan(Wait(self.setup.reaction))
        self._say(identification.to_bytes(), step[identification.mode])
        return True

    def _is_for_us(self, request: Request) -> bool:
        if request.kind not in self.setup.lists:
            return False
        # 6.3.14, item 22: leading zeros count for nothing, on both sides
        ours = self.setup.address.lstrip("0")
        if not request.address:
            return self.setup.general
        return request.address.lstrip("0") == ours

    def _take_select(self, chars: bytes, now: float) -> None:
        if chars[-1:] != LF:
            if chars[-1:] == b"/":
                self._slash = now
            if ACK in chars and self._deadline is not None:
                self._deadline = max(self._deadline, now + GAP)  # it has begun in time
            return
        if self._take_request(chars):
            return
        start = max(0, chars.rfind(ACK))
        try:
            option = OptionSelect.from_bytes(chars[start:])
        except RemoteProtocolError:
            option = None
        if not self._sound(self._buffer[start:]):
            option = None
        self._buffer = b""
        z = self.setup.identification.speed_character
        if option and self.setup.hdlc and option == OptionSelect("2", z, "2"):
            # 6.4.5: the confirmation comes at the new speed, then HDLC begins
            self._step(Step.SELECT_READOUT)
            self._deadline = None
            self._plan(SetSpeed(self._speed_for(z)))
            self._plan(Wait(self.setup.reaction))
            self._say(option.to_bytes(), Step.END)
            self._plan(SetSpeed(self.setup.opening_speed))  # no HDLC here
            return
        if option and option.protocol == "0" and option.speed_character in ("0", z):
            speed = self._speed_for(option.speed_character)
            if option.mode == "1" and self._select_programming(speed):
                return
            if option.mode in self.setup.options:
                self._step(Step.SELECT_READOUT)
                self._send_readout(option.mode, speed)
                return
        # 6.3.3: anything else is answered at 300 Bd with the readout
        self._step(Step.SELECT_READOUT)
        self._send_readout("0", self._speed)

    def _speed_for(self, z: str) -> int:
        """Return the speed in Bd that the meter takes when ``z`` is agreed."""
        agreed = self.setup.identification.speed_character
        if self.setup.fixed_speed or self.setup.stays or z != agreed:
            return self._speed
        return self.setup.identification.speed or self._speed

    def _select_programming(self, speed: int) -> bool:
        """Begin the programming mode at ``speed``; False if there is none."""
        return False

    def _take_behind_readout(self, chars: bytes, now: float) -> None:
        if self.setup.identification.mode == "C" and self._is(NAK):
            self._repeat()
        elif chars[-1:] == LF:
            self._take_request(chars)

    def _take_behind_part(self, chars: bytes, now: float) -> None:
        if self._is(NAK):
            self._repeat()
        elif self._is(ACK):
            self._step(Step.ACK)
            self._at += 1
            self._repeats = 0
            self._plan(Wait(self.setup.reaction))
            self._say(*self._blocks[self._at])

    def _repeat(self) -> None:
        """Send the last block again, unless that was asked too often (6.3.5)."""
        if self._repeats >= self.setup.repeats:
            return
        self._repeats += 1
        self._step(Step.NAK)
        self._plan(Wait(self.setup.reaction))
        self._say(*self._blocks[self._at])

    _TAKERS: ClassVar[Mapping[MeterState, Callable[..., object]]] = {
        MeterState.START: _take_opening,
        MeterState.AWAKE: _take_opening,
        MeterState.IDENTIFIED: _take_select,
        MeterState.SENT: _take_behind_readout,
        MeterState.PART_SENT: _take_behind_part,
    }

    # -- what the meter says

    def _after(self, step: Step, now: float) -> None:
        """Go on behind a message that has left at ``now``."""
        if step is Step.IDENTIFY_A:
            self._send_readout("0", self._speed, reaction=False)
        elif step is Step.IDENTIFY_B:
            z = self.setup.identification.speed_character
            self._send_readout("0", self._speed_for(z))
        elif step is Step.IDENTIFY_C:
            self._deadline = now + FALLBACK
        elif step is Step.PART:
            self._deadline = now + IDLE
        elif step is Step.BLOCK:
            if self.setup.identification.mode == "C" and self.setup.repeats:
                self._deadline = now + REPEAT_WAIT
            else:
                self._go_home(Step.END)
        elif step is Step.NAK:
            self._go_home(None)

    def _send_readout(self, option: str, speed: int, *, reaction: bool = True) -> None:
        """Plan the data message, at ``speed`` and behind the reaction time."""
        self._deadline = None
        self._at = self._repeats = 0
        self._plan(SetSpeed(speed))
        if reaction:
            self._plan(Wait(self.setup.reaction))
        if self.setup.refuses:
            self._say(NAK, Step.NAK)
            return
        if self.setup.hdlc == "silent":
            self._go_home(Step.END)
            return
        text = self.setup.readout(self._list, option)
        if self.setup.hdlc:
            text = b"!\r\n"
        self._blocks = list(self._cut(text))
        self._say(*self._blocks[0])

    def _cut(self, text: bytes) -> list[tuple[bytes, Step]]:
        check, size = self.setup.check, self.setup.part_lines
        if check is None:
            return [(text, Step.BLOCK)]
        lines = text.splitlines(keepends=True)
        size = size or max(1, len(lines))
        texts = [b"".join(lines[n : n + size]) for n in range(0, len(lines), size)]
        last = texts.pop() if texts else b""
        parts = [(Block(t, False, None, check).to_bytes(), Step.PART) for t in texts]
        return [*parts, (Block(last, True, None, check).to_bytes(), Step.BLOCK)]

    def _go_home(self, step: Step | None) -> None:
        """End the session: back to START at the opening speed."""
        if step:
            self._step(step, ours=step is Step.END)
        self._deadline = None
        self._buffer = b""
        self._nuls = 0
        self._plan(SetSpeed(self.setup.opening_speed))

    def _obey_break(self) -> None:
        """6.3.12: finish the current operation, then go back to the start."""
        if self._broken and not self._queue:
            self._broken = False
            if Step.BREAK in METER[self.state]:
                self._go_home(Step.BREAK)

    # -- small tools

    def _step(self, step: Step, *, ours: bool = False) -> None:
        self.state = advance(METER, self.state, step, ours=ours)

    def _plan(self, action: Action, step: Step | None = None) -> None:
        if isinstance(action, SetSpeed):
            planned = [a.baud for a, _ in self._queue if isinstance(a, SetSpeed)]
            if action.baud == [self._speed, *planned][-1]:
                return
        self._queue.append((action, step))

    def _say(self, message: bytes, step: Step) -> None:
        even = self._parity is Parity.EVEN
        self._plan(Write(parity.add_even(message) if even else message), step)

    def _parity_of(self, data: bytes) -> Parity | None:
        """Return what bit 7 of a request is; None: the request is damaged."""
        plain = parity.strip(data)
        found = {plain: Parity.NONE, parity.add_even(plain): Parity.EVEN}
        kind = found.get(data)
        return kind if self.setup.parity in (None, kind) else None

    def _sound(self, data: bytes) -> bool:
        """Whether bit 7 of a later message is as it was in the request."""
        plain = parity.strip(data)
        even = self._parity is Parity.EVEN
        return data == (parity.add_even(plain) if even else plain)

    def _is(self, control: bytes) -> bool:
        """Whether the last byte is this control character."""
        last = self._buffer[-1:]
        return parity.strip(last) == control and self._sound(last)


class PushEngine:
    """A meter that sends telegrams unasked and hears nothing (6.4.4, P1).

    Args:
        telegram: gives the bytes of the next telegram.
        period: seconds from one telegram to the next; the first comes at once.
        even: whether the bytes carry even parity in bit 7.
    """

    def __init__(
        self, telegram: Callable[[], bytes], period: float, *, even: bool = False
    ) -> None:
        self.state = MeterState.START
        self._telegram = telegram
        self._period = period
        self._even = even
        self._next = 0.0
        self._due: Write | None = None

    def receive_data(self, data: bytes, now: float) -> None:
        """Nothing that is said to this meter matters."""

    def next_action(self) -> Action | None:
        """Return what is to be done next, None if nothing is."""
        return self._due

    def action_done(self, now: float) -> None:
        """The telegram has left.

        Raises:
            LocalProtocolError: there was none.
        """
        if self._due is None:
            raise LocalProtocolError("there was nothing to do")
        self._due = None
        self.state = advance(METER, self.state, Step.TELEGRAM, ours=True)

    def deadline(self) -> float | None:
        """Return when the next telegram is due; None while one is going out."""
        return None if self._due else self._next

    def handle_timeout(self, now: float) -> None:
        """Send the next telegram, if it is due."""
        if self._due or now < self._next:
            return
        late = now - self._next > self._period
        self._next = (now if late else self._next) + self._period
        text = self._telegram()
        self._due = Write(parity.add_even(text) if self._even else text)
