"""A profile at a glance: totals, largest values, and a curve of block characters.

``Summary`` is told of every row and keeps little of it: the curve is a list of
largest values that is halved whenever it has become twice as long as any terminal is
wide.  All results are text or exact numbers; nothing is drawn here.

Left out on purpose: colours, and escaping what a meter sent (output/text.py).
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from decimal import Context, Decimal

from iecread.continuity import Continuity
from iecread.rows import Row

BLOCKS = "▁▂▃▄▅▆▇█"
_POINTS = 512  # of a curve that is kept, at least
_EXACT = Context(prec=60)  # more digits than any sum of 15-digit numbers has

Point = Decimal | None


class Channel:
    """What was seen of one column of a profile.

    Attributes:
        channel: the profile.
        register: the column's code.
        unit: as sent.
        count: measurements.
        absent: intervals without measurement.
        texts: values that are no numbers.
        sum: of all numbers, rows flagged ``overlap`` aside.
        largest: the largest number; None where there is none.
        largest_time: end of its interval.
    """

    def __init__(self, row: Row) -> None:
        self.channel, self.register, self.unit = row.channel, row.register, row.unit
        self.count = self.absent = self.texts = 0
        self.sum = Decimal()
        self.largest: Decimal | None = None
        self.largest_time: datetime | None = None
        self._points: list[Point] = []
        self._width = 1  # rows that make a point
        self._filled = 0  # of the last point

    def add(self, row: Row) -> None:
        """Take the next row of this column."""
        value = row.value if isinstance(row.value, Decimal) else None
        if value is None:
            self.absent += row.value is None
            self.texts += row.value is not None
        else:
            self.count += 1
            if "overlap" not in row.flags:
                self.sum = _EXACT.add(self.sum, value)
            if self.largest is None or value > self.largest:
                self.largest, self.largest_time = value, row.time
        if self._filled in (0, self._width):
            if len(self._points) == 2 * _POINTS:
                self._points = buckets(self._points, _POINTS)
                self._width *= 2
            self._points.append(value)
            self._filled = 1
        else:
            self._points[-1] = _larger(self._points[-1], value)
            self._filled += 1

    def curve(self, width: int) -> str:
        """The course of the values in at most ``width`` characters."""
        return sparkline(self._points, width)


class Summary:
    """Totals over all rows of a profile.

    Attributes:
        rows: values, of all channels.
        first: end of the earliest interval; None while there is none.
        last: end of the latest one.
        channels: one for each column, in the order in which they came.
    """

    def __init__(self) -> None:
        self.rows = 0
        self.first: datetime | None = None
        self.last: datetime | None = None
        self.channels: dict[tuple[str, str], Channel] = {}

    def add(self, row: Row) -> None:
        """Take the next row."""
        self.rows += 1
        time = row.time
        if self.first is None or time < self.first:
            self.first = time
        if self.last is None or time > self.last:
            self.last = time
        key = (row.channel, row.register)
        channel = self.channels.get(key)
        if channel is None:
            channel = self.channels[key] = Channel(row)
        channel.add(row)

    def through(self, rows: Iterable[Row]) -> Iterator[Row]:
        """Take rows and hand them on."""
        for row in rows:
            self.add(row)
            yield row

    def lines(self, continuity: Continuity | None = None, width: int = 60) -> list[str]:
        """Write the summary for a person.

        Args:
            continuity: gaps and overlaps to name.
            width: characters of a curve; 0 for none.

        Returns:
            Lines of text as the meter sent it: escape it before it is shown.
        """
        if self.first is None or self.last is None:
            return ["no rows"]
        span = f"{_iso(self.first)} to {_iso(self.last)}"
        found = [f"{_many(self.rows, 'value')}, {span}"]
        for channel in self.channels.values():
            found.append(_line(channel))
            if width and channel.count:
                found.append(f"  {channel.curve(width)}")
        for gap in continuity.gaps if continuity else ():
            between = f"between {_iso(gap.start)} and {_iso(gap.end)}"
            found.append(f"gap: {_many(gap.missing, 'interval')} missing {between}")
        for start, end, _ in continuity.overlaps if continuity else ():
            times = _iso(start) if start == end else f"{_iso(start)} to {_iso(end)}"
            found.append(f"overlap: other values came again for {times}")
        return found


def _line(channel: Channel) -> str:
    unit = f" {channel.unit}" if channel.unit else ""
    parts = [_many(channel.count, "measurement")]
    if channel.largest is not None and channel.largest_time is not None:
        parts.append(f"sum {channel.sum:f}{unit}")
        when = _iso(channel.largest_time)
        parts.append(f"maximum {channel.largest:f}{unit} at {when}")
    if channel.absent:
        parts.append(f"{channel.absent} without measurement")
    if channel.texts:
        parts.append(f"{channel.texts} not a number")
    return f"{channel.channel} {channel.register}: {', '.join(parts)}"


def _many(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def _iso(time: datetime) -> str:
    return time.isoformat(timespec="seconds")


def sparkline(values: Sequence[Point], width: int) -> str:
    """A curve of block characters, from the smaller of 0 and the smallest value up.

    Args:
        values: in the order of time; None, a blank, where there is no measurement.
        width: characters at most; where there are more values, each character stands
            for the largest of several.
    """
    points = buckets(values, width) if len(values) > width else values
    numbers = [point for point in points if point is not None]
    low = min((Decimal(), *numbers))
    span = max((Decimal(), *numbers)) - low
    top = len(BLOCKS) - 1
    return "".join(
        " " if point is None else BLOCKS[int((point - low) * top / span) if span else 0]
        for point in points
    )


def buckets(values: Sequence[Point], count: int) -> list[Point]:
    """Make ``count`` values of many: the largest of each part, so that peaks stay."""
    found: list[Point] = []
    for place in range(max(count, 0)):
        start, end = (len(values) * at // count for at in (place, place + 1))
        part = [value for value in values[start:end] if value is not None]
        found.append(max(part, default=None))
    return found


def _larger(one: Point, other: Point) -> Point:
    if one is None or other is None:
        return other if one is None else one
    return max(one, other)
