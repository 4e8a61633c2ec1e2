"""The one loop that blocks: an engine, a transport and a clock.

``Link.run`` carries out the actions of an engine in order, feeds it what arrives,
and wakes it at its deadline.  It keeps the books of the line: when the last
character sent is physically out, because no ``flush`` of an adapter or a gateway can
be trusted to say so, and when the last one came.  It never sleeps: every wait is a
read.
"""

import time
from collections.abc import Callable, Iterator

from iecread.errors import IecReadError, PortError
from iecread.protocol.actions import Engine, Event, Retried, SetSpeed, Wait, Write
from iecread.protocol.messages import BITS_PER_CHARACTER
from iecread.transports import Transport

# A wake-up message is seconds long and must have no gap (annex B: 5 ms).  It is
# handed out in pieces with a small lead, since a gateway or adapter with a short
# buffer would lose its end
_PIECE = 8  # characters
_LEAD = 0.1  # s
_IDLE_READ = 1.0  # s; how long to wait where an engine has no deadline

OnBytes = Callable[[str, bytes, float], None]


class Link:
    """Drives engines over one open transport.

    Args:
        transport: an open transport.
        speed: its speed now, in Bd.
        clock: monotonic time in seconds.
        on_bytes: called with ``tx`` or ``rx``, the bytes as they are on the line,
            and the time.
        meanwhile: called once, when there is nothing to do but wait for the meter:
            work that would keep it, or the result, waiting later.
        tick: the time right before a write, where ``clock`` stands still in between.
    """

    def __init__(
        self,
        transport: Transport,
        speed: int,
        clock: Callable[[], float] = time.monotonic,
        on_bytes: OnBytes | None = None,
        meanwhile: Callable[[], None] | None = None,
        tick: Callable[[], float] | None = None,
    ) -> None:
        self._transport = transport
        self._speed = speed
        self._clock = clock
        self._tick = tick or clock
        self._on_bytes = on_bytes
        self._meanwhile = meanwhile
        self._free = clock()  # when our last character is out
        self._heard = self._free  # when the last character came

    def run(self, engine: Engine) -> Iterator[Event]:
        """Yield the events of ``engine`` until it has neither actions nor deadline.

        Raises:
            PortError: the line is lost.
            IecReadError: what the engine raises.
        """
        try:
            yield from self._run(engine)
        except IecReadError:
            yield from engine.events()  # what came before it, in the same read
            raise

    def _run(self, engine: Engine) -> Iterator[Event]:
        rest: tuple[Wait, float] | None = None  # the wait at hand, and when it ends
        while True:
            yield from engine.events()
            action = engine.next_action()
            if isinstance(action, Wait):
                if rest is None or rest[0] is not action:
                    rest = action, max(self._free, self._heard) + action.seconds
                left = rest[1] - self._clock()
                if left > 0:
                    try:
                        self._receive(engine, left)
                    except PortError as error:
                        yield from self._last(engine, error)
                        return
                    continue
            elif isinstance(action, Write):
                came = self._write(action.data)
                engine.action_done(self._clock())
                if came:
                    engine.receive_data(came, self._clock())
                continue
            elif isinstance(action, SetSpeed):
                self._transport.set_speed(action.baud)
                self._speed = action.baud
            else:
                deadline = engine.deadline()
                if deadline is None and engine.finished:
                    return
                if self._meanwhile:
                    self._meanwhile()
                    self._meanwhile = None
                left = _IDLE_READ if deadline is None else deadline - self._clock()
                try:
                    got = self._receive(engine, max(0.0, left))
                except PortError as error:
                    yield from self._last(engine, error)
                    return
                if not got and deadline is not None and self._clock() >= deadline:
                    engine.handle_timeout(self._clock())
                continue
            engine.action_done(self._clock())

    def _last(self, engine: Engine, lost: PortError) -> Iterator[Event]:
        """The line is lost: what has come is all, and may be enough.

        A gateway closes behind the last byte, where a readout without a block check
        is over only when nothing follows.
        """
        over = True
        try:
            engine.handle_timeout(self._clock())
        except IecReadError:
            over = False
        for event in engine.events():
            if not isinstance(event, Retried):  # nothing is tried again
                yield event
        if not (over and engine.finished):
            raise lost

    def _read(self, wait: float) -> bytes:
        data = self._transport.read(wait)
        if data:
            self._heard = self._clock()
            if self._on_bytes:
                self._on_bytes("rx", data, self._heard)
        return data

    def _receive(self, engine: Engine, wait: float) -> bool:
        data = self._read(wait)
        if data:
            engine.receive_data(data, self._heard)
        return bool(data)

    def _write(self, data: bytes) -> bytes:
        """Write ``data``; return what came meanwhile."""
        came = b""
        if self._on_bytes:
            self._on_bytes("tx", data, self._clock())
        pieces = [data]
        if len(data) * BITS_PER_CHARACTER / self._speed > 1.0:
            pieces = [data[at : at + _PIECE] for at in range(0, len(data), _PIECE)]
        for piece in pieces:
            while (ahead := self._free - _LEAD - self._clock()) > 0:
                came += self._read(ahead)
            now = self._tick()
            on_line = len(piece) * BITS_PER_CHARACTER / self._speed
            self._free = max(now, self._free) + on_line  # even if it is interrupted
            self._transport.write(piece)
        self._transport.drain()
        if self._transport.kind.value == "uart":
            # drain() says when the driver is empty; the adapter may hold more
            self._free = max(self._free, self._clock())
        return came
