"""What a simulated device has recorded, in which order, and under which numbers.

Most of it follows from the calendar: a Rule says that something happens each hour, day
or month, or when the clock changes, and which archive it goes into.  Counts have a
closed form, so that the ordinal numbers of a moment are the same in each process.
What is done to the device goes in between; a clock that is set cuts the calendar and
goes on behind the cut.  Records are in the order in which they were stored, which is
not that of their times where the clock was set back.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import NamedTuple

from iecread.simulator.lis200.measured import EPOCH
from iecread.simulator.logbook import season_changes

_HOUR, _DAY, _SECOND = timedelta(hours=1), timedelta(days=1), timedelta(seconds=1)
_FAR = timedelta(days=36500)


class Cycle(Enum):
    """How often something happens."""

    HOUR = "hour"
    DAY = "day"
    MONTH = "month"  # on a day of it
    YEAR = "year"  # on a day of a month
    SUMMER = "summer"  # when summer time begins
    WINTER = "winter"


class Rule(NamedTuple):
    """Something that the calendar brings, in UTC.

    Attributes:
        archive: where it is recorded.
        event: its code (lis200.md 9).
        cycle: how often.
        offset: from the begin of the hour, day, or from midnight.
        day: of the month, 1 to 28.
        month: of the year.
        payload: columns of its own.
    """

    archive: int
    event: int
    cycle: Cycle
    offset: timedelta = timedelta()
    day: int = 1
    month: int = 1
    payload: tuple[str, ...] = ()

    def count(self, until: datetime) -> int:
        """Return how often it came behind the epoch, up to ``until`` included."""
        if until <= EPOCH:
            return 0
        if self.cycle in (Cycle.HOUR, Cycle.DAY):
            step = _HOUR if self.cycle is Cycle.HOUR else _DAY
            first = EPOCH + (self.offset or step)
            return max((until - first) // step + 1, 0)
        year, month = until.year, until.month
        if self.cycle is Cycle.MONTH:
            past = (year - EPOCH.year) * 12 + month - EPOCH.month
            return past + (self._at(year, month) <= until)
        return year - EPOCH.year + (self._at(year, self.month) <= until)

    def between(self, begin: datetime, end: datetime) -> Iterator[datetime]:
        """Yield each moment behind ``begin``, up to ``end`` included."""
        begin = max(begin, EPOCH)
        if self.cycle in (Cycle.HOUR, Cycle.DAY):
            step = _HOUR if self.cycle is Cycle.HOUR else _DAY
            first = EPOCH + (self.offset or step)
            moment = first + max((begin - first) // step + 1, 0) * step
            while moment <= end:
                yield moment
                moment += step
            return
        monthly = self.cycle is Cycle.MONTH
        for year in range(begin.year, end.year + 1):
            for month in range(1, 13) if monthly else (self.month,):
                if begin < (moment := self._at(year, month)) <= end:
                    yield moment

    def _at(self, year: int, month: int) -> datetime:
        if self.cycle is Cycle.SUMMER:
            return season_changes(year)[0]
        if self.cycle is Cycle.WINTER:
            return season_changes(year)[1]
        return datetime(year, month, self.day) + self.offset


class Record(NamedTuple):
    """One row of an archive.

    Attributes:
        whole: number among all records of the device.
        number: within its archive.
        utc: the time of the device's clock then.
        event: its code.
        payload: columns of its own; empty: all are computed.
    """

    whole: int
    number: int
    utc: datetime
    event: int
    payload: tuple[str, ...] = ()


class _Done(NamedTuple):
    """Something that was done to the device."""

    archive: int
    record: Record


@dataclass
class _Span:
    """Time in which the calendar alone wrote records.

    Attributes:
        begin: not included.
        end: included; None: it goes on.
        whole: records of the device before it.
        numbers: likewise, by archive.
    """

    begin: datetime
    end: datetime | None
    whole: int
    numbers: dict[int, int]


class History:
    """All records of a device.

    Args:
        rules: what the calendar brings; of one second in this order.
        archives: the numbers of all archives.
    """

    def __init__(self, rules: Sequence[Rule], archives: Sequence[int]) -> None:
        self._rules = tuple(rules)
        self._of = {n: [r for r in rules if r.archive == n] for n in archives}
        first = _Span(EPOCH, None, 0, dict.fromkeys(archives, 0))
        self._pieces: list[_Span | _Done] = [first]
        self._span = first  # the last one

    def add(
        self, archive: int, utc: datetime, event: int, payload: tuple[str, ...] = ()
    ) -> None:
        """Record something that is done to the device, now."""
        utc = utc.replace(microsecond=0)
        whole, numbers = self._end(utc)
        if archive not in numbers:
            return
        numbers[archive] += 1
        record = Record(whole + 1, numbers[archive], utc, event, payload)
        self._pieces.append(_Done(archive, record))
        self._go_on(utc, whole + 1, numbers)

    def jump(self, before: datetime, after: datetime) -> None:
        """The clock was set: it showed ``before`` and shows ``after``."""
        self._go_on(after.replace(microsecond=0), *self._end(before))

    def records(
        self, archive: int, now: datetime, depth: timedelta = _FAR
    ) -> list[Record]:
        """Return what is stored in an archive, the oldest first.

        Args:
            archive: its number.
            now: the time of the device's clock, UTC.
            depth: what is older has been overwritten.
        """
        oldest = max(now - depth, EPOCH) if depth < now - EPOCH else EPOCH
        found: list[Record] = []
        for piece in self._pieces:
            if isinstance(piece, _Done):
                if piece.archive == archive and piece.record.utc > oldest:
                    found.append(piece.record)
                continue
            end = now if piece.end is None else piece.end
            begin = max(piece.begin, oldest)
            if begin < end:
                found += self._calendar(archive, piece, begin, end)
        return found

    # -- inside

    def _calendar(
        self, archive: int, span: _Span, begin: datetime, end: datetime
    ) -> Iterator[Record]:
        rules = self._of[archive]
        came = sorted(
            (moment, order, rule)
            for order, rule in enumerate(rules)
            for moment in rule.between(begin, end)
        )
        number = span.numbers[archive] + sum(
            r.count(begin) - r.count(span.begin) for r in rules
        )
        before = sum(rule.count(span.begin) for rule in self._rules)
        for moment, _, rule in came:
            number += 1
            place = self._rules.index(rule) + 1
            earlier = moment - _SECOND
            whole = sum(r.count(moment) for r in self._rules[:place])
            whole += sum(r.count(earlier) for r in self._rules[place:])
            whole += span.whole - before
            yield Record(whole, number, moment, rule.event, rule.payload)

    def _end(self, utc: datetime) -> tuple[int, dict[int, int]]:
        """End the last span; return all counts then."""
        span = self._span
        span.end = max(utc, span.begin)
        gone = {
            n: sum(r.count(span.end) - r.count(span.begin) for r in rules)
            for n, rules in self._of.items()
        }
        numbers = {n: span.numbers[n] + gone[n] for n in gone}
        return span.whole + sum(gone.values()), numbers

    def _go_on(self, utc: datetime, whole: int, numbers: dict[int, int]) -> None:
        self._span = _Span(utc, None, whole, dict(numbers))
        self._pieces.append(self._span)
