"""A line and the meter on it, examined: two layers, one after the other.

What is asked, in which order, and what it shows is in lineexamination.py and
meterexamination.py, which share one ``Interview``; here are the times that they may
take, and what is said when these are over.  Words are left to diagnosis.py.
"""

import time
from collections.abc import Callable

from iecread.diagnosis import Layer
from iecread.interview import Interview, Over, Wish
from iecread.lineexamination import LineExamination
from iecread.meterexamination import MeterExamination
from iecread.protocol.messages import Identification
from iecread.transports import LineKind, Transport

LINE_LIMIT, METER_LIMIT = 60.0, 60.0
"""Seconds that the two layers take at most on a serial port."""

_SOFT_LIMIT = 90.0  # where both kinds of parity are tried, and on networks
_NOT_ALL = "not everything was tried: the time was over"


class Examination:
    """Examines an open line.

    Args:
        transport: the open line.
        wish: how a reading would use it.
        speed: the line's own at this time, in Bd; None: that of the wish.
        clock: monotonic time in seconds.
        on_bytes: called with all bytes, see link.py.

    Attributes:
        learned: options of ``Meter`` that were found to be needed, or that work.
    """

    def __init__(
        self,
        transport: Transport,
        wish: Wish,
        *,
        speed: int | None = None,
        clock: Callable[[], float] = time.monotonic,
        on_bytes: Callable[[str, bytes, float], None] | None = None,
    ) -> None:
        self.learned: dict[str, object] = {}
        self._wish, self._clock = wish, clock
        self._talk = Interview(
            transport, wish, speed=speed, clock=clock, on_bytes=on_bytes
        )
        self._line = LineExamination(self._talk, self.learned)
        self._meter = MeterExamination(self._talk, self._line, self.learned)

    @property
    def identification(self) -> Identification | None:
        """The meter's, as soon as it has answered."""
        return self._talk.identification

    @property
    def echo(self) -> bool | None:
        """Whether our characters come back; None: not known."""
        return self._talk.echo

    @property
    def speed(self) -> int | None:
        """That of the data, in Bd; None where they did not come as they should."""
        return self._meter.speed

    def line(self) -> Layer:
        """Examine the line; a meter that answers is asked for its data too.

        Raises:
            PortError: the line was lost.
        """
        layer = Layer()
        self._talk.deadline = self._clock() + limits(self._talk.kind)[0]
        try:
            self._line.examine(layer)
        except Over:
            layer.evidence.append(_NOT_ALL)
            if not layer.findings and self.identification is None:
                layer.findings.append(self._line.unanswered(layer))
        return layer

    def meter(self) -> Layer:
        """Examine how the meter goes on behind its identification.

        Raises:
            PortError: the line was lost.
        """
        layer = Layer()
        self._talk.deadline = self._clock() + limits(self._talk.kind)[1]
        try:
            self._meter.examine(layer)
        except Over:
            layer.evidence.append(_NOT_ALL)
            best, data = self._talk.way.speed, self._talk.data
            if data is not None and data.speed != best:
                ailment = "stays" if self._talk.slow else "slow-only"
                finding = self._wish.finding(ailment, speed=data.speed, best=best)
            else:
                finding = self._wish.finding("time", what="the meter identified itself")
            layer.findings.append(finding)
        return layer

    def leave(self) -> None:
        """Send what ends a session that may be open.

        Raises:
            PortError: the line was lost.
        """
        if self._talk.breaking:
            self._talk.deadline = float("inf")
            self._talk.send_break(self._talk.speed)
            self._talk.breaking = False


def limits(kind: LineKind) -> tuple[float, float]:
    """Return how many seconds line and meter take at most."""
    if kind is LineKind.UART:
        return LINE_LIMIT, METER_LIMIT
    return _SOFT_LIMIT, METER_LIMIT
