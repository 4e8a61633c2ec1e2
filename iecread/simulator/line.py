"""The line to a simulated meter: an engine's actions against a clock, and faults.

``SimulatedLine`` is what a MemoryTransport puts at the far end.  It owns no clock:
each call brings the time, and all that would have happened since the last one happens
then, in order and at its own moment.  Reaction times are always kept.  Characters
take their time on the line only where the pace says so.  Where the reader listens or
speaks at another speed than the meter, bits are misread, both ways (uart.py).
"""

import random
import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

from iecread.protocol import parity
from iecread.protocol.actions import SetSpeed, Wait, Write
from iecread.protocol.messages import BITS_PER_CHARACTER, EOT, ETX, STX
from iecread.protocol.meter import MeterEngine, PushEngine
from iecread.protocol.state import MeterState
from iecread.protocol.uart import Misreader, misread

_COMING = 4096  # characters on their way to the meter; a flood beyond is lost
_UNREAD = 1 << 20  # characters spoken unasked that wait to be read; more are lost
_BURST = 4096  # characters of noise, and of an endless block, that come
_BURST_TIME = 0.01  # within this many seconds where nothing else sets the pace
_FAINT = 0.3  # chance that a lit bit is not seen, where hardly any light comes
_misread = lru_cache(maxsize=16)(misread)  # what never ends repeats itself
_VALUE_END = re.compile(rb"\d(?=[*)])")


class Pace(Enum):
    """Which characters take their time on the line."""

    NONE = "none"  # none: they are there at once
    LINE = "line"  # all, in both directions
    PORT = "port"  # those of the meter are handed out when they begin; a real port
    # takes the time for them, as it did for those that came


@dataclass(frozen=True, slots=True)
class Faults:
    """What goes wrong.

    Attributes:
        bcc: blocks to give a wrong check, -1 for all.
        drop: which block, from 1, loses a byte; 0: none.
        flip: which block, from 1, has a bit inverted; 0: none.
        echo: whether the reader's characters come back to it.
        mute: whether the meter says nothing at all.
        silent: bytes of each block behind which it falls silent; 0: never.
        slow: seconds more for each character.
        garbage: bytes, or a number of random ones, ahead of an identification.
        noise: whether there is noise without an end, and nothing else.
        endless: whether each block goes on for ever.
        errors: rate of bytes damaged at random, 0 to 1, both ways.
        light: how much of the meter's light comes, 0 to 1; a lit bit (0) that is
            not seen is a dark one (1).  0: nothing comes, either way.
        odd: whether characters have odd parity where even was meant.
        hold: seconds that the reader's adapter keeps characters to itself.
        lag: seconds that the reader's port takes to change its speed.
        seed: of everything random.
    """

    bcc: int = 0
    drop: int = 0
    flip: int = 0
    echo: bool = False
    mute: bool = False
    silent: int = 0
    slow: float = 0.0
    garbage: bytes | int = b""
    noise: bool = False
    endless: bool = False
    errors: float = 0.0
    light: float = 1.0
    odd: bool = False
    hold: float = 0.0
    lag: float = 0.0
    seed: int = 0


@dataclass(slots=True)
class _Sending:
    """A message that is going out."""

    data: bytes
    due: float  # when the next character is handed to the reader
    end: float  # when the last of those handed out is over
    again: bytes = b""  # what follows for ever
    at: int = 0  # how many were handed out


class SimulatedLine:
    """A simulated meter and the line to it.

    Args:
        engine: the meter's side of the protocol.
        speed: the meter's speed, in Bd.
        faults: what goes wrong.
        pace: which characters take their time.
        on_speed: called with the new speed in Bd when the meter has changed it, and
            only when everything said before has been delivered.
    """

    def __init__(
        self,
        engine: MeterEngine | PushEngine,
        speed: int,
        faults: Faults | None = None,
        pace: Pace = Pace.NONE,
        on_speed: Callable[[int], None] | None = None,
    ) -> None:
        self.engine = engine
        self.speed = speed
        self._faults = faults or Faults()
        self._pace = pace
        self._on_speed = on_speed
        self._random = random.Random(self._faults.seed)
        self._now: float | None = None
        self._quiet = float("-inf")  # end of the last character, either way
        self._reader: int | None = None  # the reader's speed; None: always right
        self._changing: tuple[float | None, int] | None = None  # and when it will
        self._coming: deque[tuple[float, int, int | None]] = deque()
        self._sending: _Sending | None = None
        self._waiting: tuple[Wait, float] | None = None  # and when it ends
        self._outbox = bytearray()
        self._noise_due: float | None = None
        self._blocks = 0
        self._ears: dict[bool, tuple[int, int, Misreader]] = {}

    @property
    def unasked(self) -> bool:
        """Whether the meter speaks without being asked."""
        return isinstance(self.engine, PushEngine)

    # -- what a MemoryTransport calls

    def receive(self, data: bytes, now: float) -> None:
        """Take what the reader wrote at ``now``."""
        self._play(now)
        if self._pace is Pace.PORT:
            self._quiet = now
            self._hear(data, self._reader)
            return
        begin = now + self._faults.hold
        last = self._coming[-1][0] if self._coming else now
        begin = max(begin, self._quiet, last)
        step = BITS_PER_CHARACTER / (self._reader or self.speed)
        if self._pace is Pace.NONE and not self._faults.hold:
            # there at once, but the meter's reaction time begins when it would be
            self._quiet = begin + step * len(data)
            self._hear(data, self._reader)
            return
        for byte in data[: _COMING - len(self._coming)]:
            begin += step
            self._coming.append((begin, byte, self._reader))

    def next_delivery(self) -> float | None:
        """Return when ``deliveries`` should be called next, None if nothing is due.

        There may turn out to be nothing to deliver at that time.
        """
        if self._now is None:
            return 0.0
        return self._now if self._outbox else self._due()

    def deliveries(self, now: float) -> bytes:
        """Return the bytes that have reached the reader by ``now``."""
        self._play(now)
        data = bytes(self._outbox)
        self._outbox.clear()
        return data

    def set_speed(self, baud: int) -> None:
        """Tell the line the reader's speed in Bd; characters still going out suffer."""
        if self._faults.lag and self._reader is not None:
            self._changing = None, baud
        else:
            self._change(baud)

    def _change(self, baud: int) -> None:
        self._reader, self._changing = baud, None
        self._coming = deque((end, byte, baud) for end, byte, _ in self._coming)

    # -- time

    def _play(self, now: float) -> None:
        """Let everything happen that is due by ``now``."""
        if self._now is None:
            self._now = now
            if self._faults.noise:
                self._noise_due = now
        if self._changing and self._changing[0] is None:
            self._changing = now + self._faults.lag, self._changing[1]
        while (due := self._due()) is not None and due <= now:
            moment = max(due, self._now)
            blocked = self._on_speed and self._outbox
            if blocked and isinstance(self.engine.next_action(), SetSpeed):
                return
            self._now = moment
            self._happen(moment)
        self._now = max(self._now, now)

    def _due(self) -> float | None:
        """Return when the next thing happens."""
        moments = [self._noise_due, self._engine_due()]
        if self._changing:
            moments.append(self._changing[0])
        if self._coming:
            moments.append(self._coming[0][0])
        return min((m for m in moments if m is not None), default=None)

    def _engine_due(self) -> float | None:
        now = self._now or 0.0
        if self._sending:
            return self._sending.due
        if self._faults.mute or self._faults.noise:
            return None
        action = self.engine.next_action()
        if isinstance(action, Wait):
            if self._waiting is None or self._waiting[0] is not action:
                self._waiting = action, max(now, self._quiet + action.seconds)
            return self._waiting[1]
        return self.engine.deadline() if action is None else now

    def _happen(self, now: float) -> None:
        """Do the one thing that is due first."""
        if self._changing and (self._changing[0] or 0.0) <= now:
            self._change(self._changing[1])
        elif self._noise_due is not None and self._noise_due <= now:
            self._make_noise(now)
        elif self._coming and self._coming[0][0] <= now:
            end, byte, speed = self._coming.popleft()
            self._quiet = end
            over = not self._coming or self._coming[0][2] != speed
            self._hear(bytes((byte,)), speed, over=over)
        elif self._sending:
            self._send_on(self._sending)
        else:
            action = self.engine.next_action()
            if action is None:
                self.engine.handle_timeout(now)
                return
            if isinstance(action, Write):
                self._begin(action.data, now)
                return
            if isinstance(action, SetSpeed):
                self.speed = action.baud
                if self._on_speed:
                    self._on_speed(action.baud)
            self._waiting = None
            self.engine.action_done(now)

    # -- from the reader to the meter

    def _hear(self, data: bytes, speed: int | None, *, over: bool = True) -> None:
        if not self._faults.light:
            return
        if self._faults.echo:
            self._outbox += data
        if self._faults.mute or self._faults.noise:
            return
        data = self._misread(data, speed, self.speed, to_meter=True, over=over)
        self.engine.receive_data(self._damage(self._odd(data)), self._now or 0.0)

    # -- from the meter to the reader

    def _begin(self, data: bytes, now: float) -> None:
        """Begin to send a message, with the faults that it is to have."""
        state = self.engine.state
        if state is MeterState.REQUESTED:
            data = self._garbage() + data
        is_block = state in (MeterState.SENDING, MeterState.START)
        # in programming mode control characters and the break are none
        answer = parity.strip(data[:1]) == STX
        is_block |= state is MeterState.COMMANDED and answer
        if is_block:
            data = self._spoil_block(data)
        again = b""
        if self._faults.endless and is_block:
            end = parity.strip(data).rfind(b"!")
            data = data[: end if end > 0 else -2]  # it must not end
            again = data[data.find(b"\n") + 1 :]
        first = now if self._pace is Pace.PORT else now + self._step
        self._sending = _Sending(data, first, now, again)

    @property
    def _step(self) -> float:
        """Seconds that a character of the meter's takes.

        At a lower speed than the reader's it always takes its time: that is how a
        reader tells it.
        """
        lower = self._reader is not None and self._reader > self.speed
        paced = lower or self._pace is not Pace.NONE
        return (BITS_PER_CHARACTER / self.speed if paced else 0.0) + self._faults.slow

    def _send_on(self, sending: _Sending) -> None:
        """Hand out the next character, or all where they take no time."""
        if sending.at >= len(sending.data):
            self._sending = None
            self._quiet = max(self._quiet, sending.end)
            self.engine.action_done(sending.end)
            return
        step = self._step
        count = 1 if step else len(sending.data)
        piece = sending.data[sending.at : sending.at + count]
        sending.at += count
        sending.end = sending.due + (step if self._pace is Pace.PORT else 0.0)
        sending.due += step
        last = sending.at >= len(sending.data)
        piece = self._misread(
            self._dimmed(self._odd(piece)),
            self.speed,
            self._reader,
            to_meter=False,
            over=last and not (step and sending.again) or self._faults.slow > 0,
        )
        if not self.unasked or len(self._outbox) < _UNREAD:
            self._outbox += self._damage(piece)
        if not last:
            return
        if sending.again:
            sending.data, sending.at = sending.again, 0
            if not step:
                sending.due += len(sending.again) / _BURST * _BURST_TIME
        else:
            sending.due = sending.end

    # -- faults

    def _spoil_block(self, data: bytes) -> bytes:
        """Return a block with the faults that it is to have."""
        self._blocks += 1
        faults = self._faults
        chars = parity.strip(data)
        if faults.bcc < 0 or self._blocks <= faults.bcc:
            data = _wrong_check(data, chars)
        spot = _VALUE_END.search(chars, len(chars) // 2)
        at = spot.start() if spot else len(data) // 2
        if self._blocks == faults.flip:
            data = data[:at] + bytes((data[at] ^ 1,)) + data[at + 1 :]
        if self._blocks == faults.drop:
            data = data[:at] + data[at + 1 :]
        return data[: faults.silent] if faults.silent else data

    def _garbage(self) -> bytes:
        garbage = self._faults.garbage
        return (
            garbage if isinstance(garbage, bytes) else self._random.randbytes(garbage)
        )

    def _make_noise(self, now: float) -> None:
        paced = self._pace is not Pace.NONE
        self._outbox += self._random.randbytes(1 if paced else _BURST)
        self._noise_due = now + (self._step if paced else _BURST_TIME)

    def _damage(self, data: bytes) -> bytes:
        """Return ``data`` with bits flipped and bytes lost at random."""
        rate = self._faults.errors
        if not rate:
            return data
        damaged = bytearray()
        for byte in data:
            dice = self._random.random()
            if dice < rate / 2:
                damaged.append(byte ^ 1 << self._random.randrange(8))
            elif dice >= rate:
                damaged.append(byte)
        return bytes(damaged)

    def _odd(self, data: bytes) -> bytes:
        return bytes(byte ^ 0x80 for byte in data) if self._faults.odd else data

    def _dimmed(self, data: bytes) -> bytes:
        """Return what is seen of the meter's light: a lit bit may pass for a dark one.

        A start bit that is not seen costs its character.
        """
        missing = 1 - self._faults.light
        if not missing:
            return data
        chance = _FAINT * missing * missing if missing < 1 else 1.0
        seen = bytearray()
        for byte in data:
            if self._random.random() < chance:
                continue
            for bit in range(8):
                if not byte >> bit & 1 and self._random.random() < chance:
                    byte |= 1 << bit
            seen.append(byte)
        return bytes(seen)

    def _misread(
        self,
        data: bytes,
        sent: int | None,
        heard: int | None,
        *,
        to_meter: bool,
        over: bool,
    ) -> bytes:
        """Return what a receiver at ``heard`` Bd makes of characters at ``sent`` Bd.

        Args:
            data: characters that follow those of the last call.
            sent, heard: the speeds; None: the right one.
            to_meter: the direction.
            over: whether the line is at rest behind them.
        """
        if sent is None or heard is None or sent == heard:
            self._ears.pop(to_meter, None)
            return data
        ear = self._ears.get(to_meter)
        if over and len(data) > 1 and ear is None:
            return _misread(data, sent, heard)
        if ear is None or ear[:2] != (sent, heard):
            ear = self._ears[to_meter] = sent, heard, Misreader(sent, heard)
        found = ear[2].feed(data)
        if over:
            found += ear[2].flush()
            del self._ears[to_meter]
        return found


def _wrong_check(data: bytes, chars: bytes) -> bytes:
    """Return a block with another check character or CRC; its parity stays right."""
    if chars[:1] == STX and chars[-2:-1] in (ETX, EOT):
        # two bits, for the parity; the lowest is the same in XOR and sum, so that the
        # wrong one of one kind is never the right one of the other
        return data[:-1] + bytes((data[-1] ^ 3,))
    crc = re.search(rb"!([0-9A-F])[0-9A-F]{3}\r\n\Z", chars)
    if crc:
        at = crc.start(1)
        digit = b"F" if crc[1] != b"F" else b"0"
        return data[:at] + digit + data[at + 1 :]
    return data
