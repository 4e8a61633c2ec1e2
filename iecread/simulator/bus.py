"""Several simulated meters on one line: ``sim://bus``.

Each hears all that the reader sends and answers to its own address, or to a request
without one.  Where two send at the same time nobody can read either: what comes is
as many characters as one of them sends, at random, as misaligned characters on a bus
are.  Left out: meters that hear each other.
"""

import random
from collections.abc import Sequence

from iecread.protocol.messages import BITS_PER_CHARACTER
from iecread.simulator.line import SimulatedLine

_CLOSE = 0.9  # of a character's time: less between two of them is an overlap


class BusLine:
    """The lines to several meters as one.

    Args:
        lines: a line to each meter, without an echo.
        echo: whether the reader's characters come back to it.
        paced: whether characters take their time.
        seed: of what comes where several send at once.

    Attributes:
        heard: what the reader sent, and when.
    """

    unasked = False

    def __init__(
        self,
        lines: Sequence[SimulatedLine],
        *,
        echo: bool = False,
        paced: bool = False,
        seed: int = 0,
    ) -> None:
        self.heard: list[tuple[float, bytes]] = []
        self._lines = lines
        self._echo = echo
        self._paced = paced
        self._random = random.Random(seed)
        self._outbox = bytearray()
        self._begun = False
        self._over = float("-inf")  # when the last character given out was over
        self._last: SimulatedLine | None = None  # whose it was
        self._spoilt = False  # whether another one overlapped it

    def receive(self, data: bytes, now: float) -> None:
        """Take what the reader wrote at ``now``."""
        self.heard.append((now, data))
        self._play(now)
        if self._echo:
            self._outbox += data
        for line in self._lines:
            line.receive(data, now)

    def next_delivery(self) -> float | None:
        """Return when ``deliveries`` should be called next, None if nothing is due."""
        return 0.0 if self._outbox or not self._begun else self._due()

    def deliveries(self, now: float) -> bytes:
        """Return the bytes that have reached the reader by ``now``."""
        self._play(now)
        data = bytes(self._outbox)
        self._outbox.clear()
        return data

    def set_speed(self, baud: int) -> None:
        """Tell the meters the reader's speed in Bd."""
        for line in self._lines:
            line.set_speed(baud)

    def _due(self) -> float | None:
        moments = [line.next_delivery() for line in self._lines]
        return min((m for m in moments if m is not None), default=None)

    def _play(self, now: float) -> None:
        """Let everything come that is due by ``now``, moment by moment."""
        if not self._begun:
            self._begun = True
            for line in self._lines:  # from now on, not from the beginning of time
                self._outbox += line.deliveries(now)
        before: float | None = None
        while (due := self._due()) is not None and due <= now and due != before:
            came = [(line, line.deliveries(due)) for line in self._lines]
            came = [(line, data) for line, data in came if data]
            if came:
                self._mix(came, due)
            before = None if came else due

    def _mix(self, came: "list[tuple[SimulatedLine, bytes]]", now: float) -> None:
        """Give out what came at one moment, spoilt where it overlaps."""
        line, data = came[0]
        if len(came) > 1:
            longest = max(len(data) for _, data in came)
            data = self._random.randbytes(longest)
        elif self._paced and line is not self._last:
            close = _CLOSE * BITS_PER_CHARACTER / line.speed
            if now - self._over < close:  # the one before it was not over
                self._spoilt = True
                return
        if self._spoilt and len(came) == 1:
            data = self._random.randbytes(len(data))
        self._spoilt = False
        self._over, self._last = now, line
        self._outbox += data
