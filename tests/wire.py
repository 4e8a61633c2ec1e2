"""A scripted meter at the far end of a line, and a clock that nobody waits for.

`Wire` is a transport for `Link`.  Its characters take their time at the speed in
force, in both directions; what is sent while the other side is at another speed
arrives as a real UART would misread it.  The meter follows a list of steps: it hears
a message, says one, changes its speed.  The wire keeps the books: what was sent and
when, how long the line had rested before, and whether anybody was interrupted.
"""

import itertools
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from heapq import heappop, heappush

from iecread.errors import IecReadError, PortError
from iecread.link import Link
from iecread.protocol import parity
from iecread.protocol.actions import BlockReceived, Engine, Event
from iecread.protocol.bcc import CheckKind, bcc
from iecread.protocol.options import ReaderOptions
from iecread.protocol.parity import Parity
from iecread.protocol.reader import ReaderEngine
from iecread.transports import LineKind

SPOILT = 0x7F  # what the meter hears of a character sent at another speed
AS_IT_IS = 0x100  # added to a byte that goes out without the parity that is due
_MANY = 300_000  # reads after which a test counts as running for ever


def framed(text: bytes, check: int | None = None, *, last: bool = True) -> bytes:
    """STX text ETX BCC, with the right check character unless told."""
    body = text + (b"\x03" if last else b"\x04")
    return b"\x02" + body + bytes([bcc(body) if check is None else check])


def summed(text: bytes) -> bytes:
    """The same with the 7-bit sum as its check."""
    return framed(text, bcc(text + b"\x03", CheckKind.SUM7))


@dataclass(frozen=True)
class Hear:
    """Wait until these characters have come; others before them are not answered."""

    data: bytes


@dataclass(frozen=True)
class Say:
    """Send these bytes, ``after`` seconds of rest."""

    data: Iterable[int]
    after: float = 0.2


@dataclass(frozen=True)
class Speed:
    """Go to this speed, in Bd."""

    baud: int


@dataclass(frozen=True)
class HangUp:
    """The line is lost once all that was said has been read."""


MeterStep = Hear | Say | Speed | HangUp


@dataclass
class Sent:
    """One message of the reader.

    Attributes:
        rest: seconds between the last character on the line and its beginning.
    """

    data: bytes
    baud: int
    begin: float
    end: float
    rest: float

    @property
    def text(self) -> bytes:
        """The characters without parity."""
        return parity.strip(self.data)


def misread(byte: int, sent_at: int, heard_at: int) -> bytes:
    """What a quicker UART, at ``heard_at`` Bd, makes of a character."""
    bits = [0, *(byte >> n & 1 for n in range(8)), 1]

    def level(moment: float) -> int:  # in bits of the sender
        return bits[int(moment)] if moment < len(bits) else 1

    ratio, moment, found = heard_at / sent_at, 0.0, bytearray()
    while moment < len(bits):
        if level(moment):
            moment += 1 / ratio / 4
            continue
        samples = [level(moment + (n + 1.5) / ratio) for n in range(8)]
        found.append(sum(bit << n for n, bit in enumerate(samples)))
        moment += 9.5 / ratio
        while moment < len(bits) and not level(moment):
            moment += 1 / ratio / 4  # a break lasts until the line is high again
    return bytes(found)


class Wire:
    """The line and the meter behind it.

    Args:
        steps: what the meter does, in order.
        echo: whether the reader hears itself.
        parity_: what the meter insists on in bit 7 and sends there; None: it looks
            at seven bits and sends plain ones.
        kind: what the line passes for.
        latency: seconds of an adapter's timer; what came is handed over at its ticks.
        cut: sizes of the pieces in which what the meter says is handed over, with
            the last character of each; None: a whole message at a time.
        drains: whether ``drain`` waits until all is out.
        fixed: whether the reader's speed stays, as that of a TCP gateway does.
        speed: the speed of both sides at the beginning, in Bd.
        stretch: how much longer the meter's characters are apart than they need.
    """

    def __init__(
        self,
        steps: Iterable[MeterStep] = (),
        *,
        echo: bool | Callable[[bytes], bytes] = False,
        parity_: Parity | None = None,
        kind: LineKind = LineKind.DIRECT,
        latency: float = 0.0,
        cut: Iterable[int] | None = (),
        drains: bool = False,
        fixed: bool = False,
        speed: int = 300,
        stretch: float = 1.0,
    ) -> None:
        self.name, self.kind, self.latency = "wire://", kind, 0.0
        self.now = 1000.0
        self.speed = self.meter_speed = speed
        self.sent: list[Sent] = []
        self.speeds: list[tuple[float, int]] = []
        self.interruptions = 0  # characters sent while the meter was sending
        self.last_said = -math.inf  # when the meter's last character was over
        self._steps = iter(steps)
        self._step = next(self._steps, None)
        self._heard = bytearray()
        self._echo, self._parity, self._tick = echo, parity_, latency
        self._cut = None if cut is None else itertools.chain(cut, itertools.repeat(1))
        self._drains, self._fixed, self._stretch = drains, fixed, stretch
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._inbox: list[tuple[float, int, bytes]] = []
        self._free = 0.0  # when the reader's last character is over
        self._saying = False
        self._odd = 0  # how much of an odd character has gone by
        self._lost = False
        self._reads = 0

    # --- the transport -------------------------------------------------------

    def open(self) -> None:
        """Nothing to do."""

    def close(self) -> None:
        """Nothing to do."""

    def clock(self) -> float:
        return self.now

    def read(self, wait: float) -> bytes:
        assert wait >= 0
        self._reads += 1
        assert self._reads < _MANY, "it reads for ever"
        self._begin()
        end = self.now + wait
        while True:
            got = b""
            while self._inbox and self._inbox[0][0] <= self.now:
                got += heappop(self._inbox)[2]
            if got:
                return got
            if self._lost and not self._inbox and not self._events:
                raise PortError("the line is lost")
            moments = [queue[0][0] for queue in (self._events, self._inbox) if queue]
            if not moments or min(moments) > end:
                self.now = end
                return b""
            self._pass(min(moments))

    def write(self, data: bytes) -> None:
        self._begin()
        begin = max(self.now, self._free)
        rest = begin - max(self._free, self.last_said)
        if self.sent and begin - self._free < 1e-9:
            self.sent[-1].data += data
            message = self.sent[-1]
        else:
            message = Sent(data, self.speed, begin, begin, rest)
            self.sent.append(message)
        came_back = data
        if callable(self._echo):
            came_back = self._echo(data)
        for at, byte in enumerate(data, 1):
            moment = begin + at * 10 / self.speed
            back = came_back[at - 1 : at] if self._echo else b""
            self._at(moment, self._arrive(byte, self.speed, moment, back))
        self._free = message.end = begin + len(data) * 10 / self.speed

    def drain(self) -> None:
        while self._drains and self.now < self._free:
            self._pass(min([self._free, *(event[0] for event in self._events[:1])]))

    def set_speed(self, baud: int) -> None:
        if not self._fixed:
            self.speed = baud
            self.speeds.append((self.now, baud))

    # --- the line ------------------------------------------------------------

    def _pass(self, moment: float) -> None:
        self.now = max(self.now, moment)
        while self._events and self._events[0][0] <= self.now:
            heappop(self._events)[2]()

    def _at(self, moment: float, what: Callable[[], None]) -> None:
        heappush(self._events, (moment, next(self._order), what))

    def _arrive(
        self, byte: int, baud: int, end: float, back: bytes
    ) -> Callable[[], None]:
        def arrive() -> None:
            right = self.speed == baud == self.meter_speed
            char = byte & 0x7F
            if self._parity is Parity.EVEN:
                right = right and byte.bit_count() % 2 == 0
            elif self._parity is Parity.NONE:
                right = right and byte < 0x80
            if self.speed == baud:
                self._hand_over(back)
            if self._saying and end > self._say_begin:
                self.interruptions += 1
            else:
                self._hear(char if right else SPOILT)

        return arrive

    def _hand_over(self, data: bytes) -> None:
        if data:
            tick = self._tick
            due = math.ceil(self.now / tick) * tick if tick else self.now
            heappush(self._inbox, (due, next(self._order), data))

    # --- the meter -----------------------------------------------------------

    def _hear(self, char: int) -> None:
        self._heard.append(char)
        if isinstance(self._step, Hear) and self._heard.endswith(self._step.data):
            self._next()

    def _next(self) -> None:
        self._heard.clear()
        self._step = next(self._steps, None)
        self._go_on(self.now)

    def _begin(self) -> None:
        if not self._saying and isinstance(self._step, Say | Speed | HangUp):
            self._go_on(self.now)

    def _go_on(self, moment: float) -> None:
        while isinstance(self._step, Speed):
            self.meter_speed = self._step.baud
            self._step = next(self._steps, None)
        if isinstance(self._step, HangUp):
            self._lost = True
        elif isinstance(self._step, Say):
            self._saying = True
            self._say_begin = moment + self._step.after
            piece = bytearray()
            self._say(iter(self._step.data), piece, self._say_begin, self._size())

    def _size(self) -> int:
        return 1 << 30 if self._cut is None else next(self._cut)

    def _say(
        self, data: Iterator[int], piece: bytearray, moment: float, size: int
    ) -> None:
        byte = next(data, None)
        if byte is None:
            self._hand_over(bytes(piece))
            self._saying = False
            self._next()
            return
        end = moment + 10 / self.meter_speed

        def over() -> None:
            nonlocal size
            self.last_said = end
            wire = byte & 0xFF
            if self._parity is Parity.EVEN and byte < AS_IT_IS:
                wire = parity.add_even(bytes([wire]))[0]
            settled = not self.speeds or self.speeds[-1][0] <= moment + 1e-9
            if self.speed == self.meter_speed and settled:
                piece.append(wire)
            elif self.speed > self.meter_speed:
                piece.extend(misread(wire, self.meter_speed, self.speed))
            else:  # several characters become one odd one
                self._odd += self.speed
                if self._odd >= self.meter_speed:
                    self._odd = 0
                    piece.append(0x40 | wire & 0x3F)
            if len(piece) >= size:
                self._hand_over(bytes(piece))
                piece.clear()
                size = self._size()
            gap = (self._stretch - 1) * 10 / self.meter_speed
            self._say(data, piece, end + gap, size)

        self._at(end, over)


@dataclass
class Outcome:
    """How a readout went."""

    engine: ReaderEngine
    wire: Wire
    events: list[Event] = field(default_factory=list)
    error: IecReadError | None = None

    @property
    def blocks(self) -> list[bytes]:
        """The bytes that were accepted."""
        return [e.data for e in self.events if isinstance(e, BlockReceived)]

    @property
    def sent(self) -> list[tuple[bytes, int]]:
        """What the reader sent, without parity, and its speed."""
        return [(message.text, message.baud) for message in self.wire.sent]

    def of(self, kind: type) -> list[Event]:
        """The events of one kind."""
        return [event for event in self.events if isinstance(event, kind)]


def drive(engine: Engine, wire: Wire) -> tuple[list[Event], IecReadError | None]:
    """Let `Link` carry an engine over the wire to its end."""
    events: list[Event] = []
    try:
        for event in Link(wire, wire.speed, wire.clock).run(engine):
            events.append(event)
    except IecReadError as error:
        return events, error
    return events, None


def read_out(
    steps: Iterable[MeterStep], wire: dict[str, object] | None = None, **options: object
) -> Outcome:
    """Read a scripted meter out.

    Args:
        steps: what the meter does.
        wire: arguments of `Wire`.
        **options: attributes of `ReaderOptions`.
    """
    settings = ReaderOptions(**options)  # type: ignore[arg-type]
    line = Wire(steps, **{"speed": settings.opening_speed, **(wire or {})})  # type: ignore[arg-type]
    engine = ReaderEngine(settings)
    engine.start(line.now)
    events, error = drive(engine, line)
    return Outcome(engine, line, events, error)
