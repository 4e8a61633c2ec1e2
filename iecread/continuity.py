"""What is missing in a profile, and what came twice.

``Continuity`` is told of every row, in the order in which rows come, over as many
answers as a range was asked for in.  A row that came before with the same values
(both borders of a request are inclusive) is left out without a word; one with other
values, or earlier than the newest, is kept, marked and reported.  Only the last rows
are remembered, so memory does not grow with the profile.

Left out on purpose: whether the range asked for is covered at its two ends.
"""

from bisect import bisect_left
from datetime import datetime, timedelta
from enum import Enum
from typing import NamedTuple

from iecread.metertime import DAY

REMEMBERED = 1500
"""Rows of each profile that are remembered at least: two weeks of quarter-hours."""

_PROFILES = 64  # followed at the same time; more come only from broken meters


class Gap(NamedTuple):
    """Rows that should be between two others and are not.

    Attributes:
        start: time of the last row before.
        end: time of the first row behind.
        missing: how many there should be.
        channel: the profile.
    """

    start: datetime
    end: datetime
    missing: int
    channel: str


class Overlap(NamedTuple):
    """Times that came again with other values.

    Attributes:
        start: the first of them.
        end: the last of them.
        channel: the profile.
    """

    start: datetime
    end: datetime
    channel: str


class Verdict(Enum):
    """What a row is in the course of its profile."""

    NEW = "new"
    REPEATED = "repeated"
    DIFFERENT = "different"


class _Course:
    """The newest rows of one profile, in the order of their times."""

    __slots__ = ("times", "rows", "last")

    def __init__(self) -> None:
        self.times: list[datetime] = []
        self.rows: list[list[str]] = []
        self.last: datetime | None = None

    def add(self, times: list[datetime], rows: list[list[str]]) -> None:
        """Remember rows that are newer than all others."""
        self.times += times
        self.rows += rows
        self.last = times[-1]
        if len(self.times) > 2 * REMEMBERED:
            del self.times[:-REMEMBERED], self.rows[:-REMEMBERED]

    def known(self, time: datetime, values: list[str]) -> bool:
        """Whether this very row is remembered; it is from now on."""
        at = bisect_left(self.times, time)
        if at < len(self.times) and self.times[at] == time:
            known = self.rows[at] == values
            self.rows[at] = values
            return known
        self.times.insert(at, time)
        self.rows.insert(at, values)
        return False


class Continuity:
    """Follows profiles row by row.

    Attributes:
        gaps: what is missing, in the order found.
        overlaps: what came twice with other values.
        repeated: how many rows were left out because they had come before.
    """

    def __init__(self) -> None:
        self.gaps: list[Gap] = []
        self.overlaps: list[Overlap] = []
        self.repeated = 0
        self._courses: dict[tuple[str, ...], _Course] = {}

    def take(
        self,
        profile: tuple[str, ...],
        time: datetime,
        values: list[str],
        period: timedelta | None,
    ) -> Verdict:
        """Say what the next row is.

        Args:
            profile: the channel and its columns.
            time: end of the interval, aware, with a fixed offset.
            values: of all columns, as sent.
            period: how far rows are apart; None: not known, so no gap is found.
        """
        if self.take_new(profile, [time], [values], period):
            return Verdict.NEW
        if self._courses[profile].known(time, values):
            self.repeated += 1
            return Verdict.REPEATED
        self._overlap(time, profile[0], period)
        return Verdict.DIFFERENT

    def take_new(
        self,
        profile: tuple[str, ...],
        times: list[datetime],
        rows: list[list[str]],
        period: timedelta | None,
    ) -> bool:
        """Take rows that follow one another, if they are newer than all before.

        Args:
            profile: the channel and its columns.
            times: ends of the intervals, each one period behind the one before.
            rows: the values of each, as sent.
            period: see ``take``.

        Returns:
            False, and nothing was taken, if the first is not newer.
        """
        course = self._courses.get(profile)
        if course is None:
            if len(self._courses) >= _PROFILES:
                del self._courses[next(iter(self._courses))]
            course = self._courses[profile] = _Course()
        last, time = course.last, times[0]
        if last is not None:
            if time <= last:
                return False
            if period and time - last != period:
                missing = _missing(last, time, period)
                if missing > 0:
                    self.gaps.append(Gap(last, time, missing, profile[0]))
        course.add(times, rows)
        return True

    def _overlap(self, time: datetime, channel: str, period: timedelta | None) -> None:
        if self.overlaps and period:
            start, end, before = self.overlaps[-1]
            if before == channel and end <= time <= end + period:
                self.overlaps[-1] = Overlap(start, time, channel)
                return
        self.overlaps.append(Overlap(time, time, channel))


def _missing(last: datetime, time: datetime, period: timedelta) -> int:
    """How many rows there should be between two times."""
    if period >= DAY:  # days are counted on the clock: they may have 23 or 25 hours
        last, time = last.replace(tzinfo=None), time.replace(tzinfo=None)
    return -((last - time) // period) - 1
