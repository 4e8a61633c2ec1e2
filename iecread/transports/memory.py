"""A line within the process: no port, no thread, and with a fake clock no waiting.

MemoryTransport puts a Responder, such as a simulated meter, behind the interface of a
Transport.  The responder is told of what is written and at which time, and says when
its next bytes are due; a read sleeps until then on the clock that it was given, the
real one or a Clock that only counts.  MemoryLine is a line whose bytes are scheduled
by hand, or come from the other end of a pair, and which does damage where told to.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from heapq import heappop, heappush
from types import MappingProxyType
from typing import Protocol

from iecread.errors import PortError
from iecread.transports import MAX_READ, LineKind
from iecread.transports.porterrors import closed_by_peer

_TICK = 0.001  # seconds to go on for a responder that is due and has nothing to say


class Responder(Protocol):
    """What stands at the far end of a MemoryTransport."""

    def receive(self, data: bytes, now: float) -> None:
        """Take what was written at ``now``, all of it at once."""

    def next_delivery(self) -> float | None:
        """Return the time of the next bytes, None if none are planned."""

    def deliveries(self, now: float) -> bytes:
        """Return all bytes due at ``now`` that were not returned before.

        Raises:
            PortError: the line is lost.
        """

    def set_speed(self, baud: int) -> None:
        """Take notice that the reader now uses ``baud`` Bd."""


class Clock:
    """A clock that stands still until somebody sleeps on it.

    Attributes:
        now: its time in seconds.
    """

    def __init__(self, now: float = 0.0) -> None:
        self.now = now

    def monotonic(self) -> float:
        """Return the time, as ``time.monotonic`` does."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let ``seconds`` pass; returns at once."""
        self.now += max(seconds, 0.0)

    advance = sleep


class MemoryTransport:
    """A Responder as a Transport.

    Args:
        responder: what answers.
        name: the port as the user wrote it.
        kind: what the line is to pass for.
        monotonic: the clock, in seconds.
        sleep: what waits on that clock.
    """

    latency = 0.0

    def __init__(
        self,
        responder: Responder,
        name: str = "memory://",
        *,
        kind: LineKind = LineKind.DIRECT,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.name = name
        self.kind = kind
        self._responder = responder
        self._monotonic = monotonic
        self._sleep = sleep
        self._rest = b""
        self._is_open = False

    @property
    def responder(self) -> Responder:
        """What stands at the far end."""
        return self._responder

    def open(self) -> None:
        """Open the line; does nothing if it is open."""
        self._is_open = True

    def read(self, wait: float) -> bytes:
        """Return what is due, b"" after ``wait`` seconds without anything."""
        self._check_open()
        deadline = self._monotonic() + wait
        while not self._rest:
            now = self._monotonic()
            self._rest = self._responder.deliveries(now)
            if self._rest:
                break
            if now >= deadline:
                return b""
            due = self._responder.next_delivery()
            if due is None or due > deadline:
                due = deadline
            self._sleep(due - now if due > now else _TICK)
        data, self._rest = self._rest[:MAX_READ], self._rest[MAX_READ:]
        return data

    def write(self, data: bytes) -> None:
        """Hand ``data`` to the responder."""
        self._check_open()
        self._responder.receive(bytes(data), self._monotonic())

    def drain(self) -> None:
        """Return at once: the responder reckons with the time of its line itself."""
        self._check_open()

    def set_speed(self, baud: int) -> None:
        """Tell the responder of the new speed."""
        self._check_open()
        self._responder.set_speed(baud)

    def close(self) -> None:
        """Close the line."""
        self._is_open = False

    def _check_open(self) -> None:
        if not self._is_open:
            raise PortError(f"{self.name!r} is not open")


@dataclass(frozen=True)
class Damage:
    """What a MemoryLine does to bytes on their way to the reader.

    Positions count the bytes that were to be delivered, from 0.

    Attributes:
        echo: what the reader writes comes back to it.
        delay: seconds from a write, here or at the other end, to the arrival.
        flip: bits to invert, by position.
        drop: positions that never arrive.
        close_after: the line is lost once so many bytes have been returned.
    """

    echo: bool = False
    delay: float = 0.0
    flip: Mapping[int, int] = field(default_factory=lambda: MappingProxyType({}))
    drop: frozenset[int] = frozenset()
    close_after: int | None = None


class _Schedule:
    """The responder of a MemoryLine: bytes by time, damaged as they are returned."""

    def __init__(self, name: str, damage: Damage) -> None:
        self.name = name
        self.damage = damage
        self.speed: int | None = None
        self.written: list[tuple[float, bytes]] = []
        self.peer: _Schedule | None = None
        self._queue: list[tuple[float, int, bytes]] = []
        self._order = 0
        self._position = 0
        self._returned = 0

    def put(self, data: bytes, at: float) -> None:
        self._order += 1
        heappush(self._queue, (at, self._order, data))

    def receive(self, data: bytes, now: float) -> None:
        self.written.append((now, data))
        if self.damage.echo:
            self.put(data, now + self.damage.delay)
        if self.peer is not None:
            self.peer.put(data, now + self.peer.damage.delay)

    def next_delivery(self) -> float | None:
        return self._queue[0][0] if self._queue else None

    def deliveries(self, now: float) -> bytes:
        limit = self.damage.close_after
        if limit is not None and self._returned >= limit:
            raise closed_by_peer(self.name)
        data = bytearray()
        while self._queue and self._queue[0][0] <= now:
            for byte in heappop(self._queue)[2]:
                if self._position not in self.damage.drop:
                    data.append(byte ^ self.damage.flip.get(self._position, 0))
                self._position += 1
        if limit is not None:
            del data[limit - self._returned :]
        self._returned += len(data)
        return bytes(data)

    def set_speed(self, baud: int) -> None:
        self.speed = baud


class MemoryLine(MemoryTransport):
    """An open line whose bytes are scheduled by hand, for tests.

    Args:
        clock: the clock that its reads let go on.
        damage: what happens to the bytes.
        name: the port as the user wrote it.
        kind: what the line is to pass for.
    """

    def __init__(
        self,
        clock: Clock | None = None,
        damage: Damage | None = None,
        *,
        name: str = "memory://",
        kind: LineKind = LineKind.DIRECT,
    ) -> None:
        self.clock = clock or Clock()
        self._schedule = _Schedule(name, damage or Damage())
        super().__init__(
            self._schedule,
            name,
            kind=kind,
            monotonic=self.clock.monotonic,
            sleep=self.clock.sleep,
        )
        self.open()

    @property
    def written(self) -> list[tuple[float, bytes]]:
        """All writes with their times."""
        return self._schedule.written

    @property
    def speed(self) -> int | None:
        """The speed last set in Bd, None if none was."""
        return self._schedule.speed

    def deliver(self, data: bytes, at: float | None = None) -> None:
        """Let ``data`` arrive at the time ``at``, by default now."""
        self._schedule.put(data, self.clock.now if at is None else at)


def pair(
    clock: Clock, damage: Damage | None = None, other_damage: Damage | None = None
) -> tuple[MemoryLine, MemoryLine]:
    """Return two open ends on one clock: what one writes the other reads.

    Args:
        clock: the clock of both.
        damage: what happens on the way to the first end.
        other_damage: what happens on the way to the second.
    """
    one, other = MemoryLine(clock, damage), MemoryLine(clock, other_damage)
    one._schedule.peer, other._schedule.peer = other._schedule, one._schedule
    return one, other
