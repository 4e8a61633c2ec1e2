"""Time as meters write it, and the point in time that is meant.

A stamp is a wall clock reading, perhaps with a season digit or letter (protocol.md
4.2, 8.2, 9.1).  ``MeterClock`` knows what the meter's clock follows and turns stamps
into points in time and back.  Whatever is added or compared is added and compared
between points in time, so that the doubled hour in autumn and the missing one in
spring need no special care; every time handed out has a fixed offset, because two
times of one zone with changing offset compare by their wall clocks.

Left out on purpose: finding a zone by name, and what time it is now.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from enum import Enum
from functools import lru_cache
from typing import NamedTuple

DAY = timedelta(days=1)
_HOUR = timedelta(hours=1)
_SECOND = timedelta(seconds=1)
# No zone changes its offset twice within it
_STEADY = timedelta(hours=6)

_DIGITS = re.compile(r"([0-9]?)((?:[0-9]{2}){5,6})([SW]?)")
_SEPARATED = re.compile(
    r"([0-9]{2}|[0-9]{4})-([0-9]{2})-([0-9]{2})"
    r"[ ,&T]([0-9]{2}):([0-9]{2})(?::([0-9]{2}))?"
)
_OFFSET = re.compile(r"([+-])([0-9]{2}):?([0-9]{2})")


class Season(Enum):
    """What a stamp says of its clock (8.1); the values are the digits sent."""

    WINTER = "0"
    SUMMER = "1"
    UTC = "2"


_SEASONS = {season.value: season for season in Season}
_SEASONS |= {"W": Season.WINTER, "S": Season.SUMMER}


class Stamp(NamedTuple):
    """A time as the meter sent it.

    Attributes:
        wall: date and time of the meter's clock, without zone.
        season: what the meter says of it; None where it says nothing.
    """

    wall: datetime
    season: Season | None


def read_stamp(text: str) -> Stamp | None:
    """Read date and time in the forms of profiles, logs and archives.

    Digits only, ``YYMMDDhhmm`` or ``YYMMDDhhmmss``, with a season digit in front (11
    and 13 characters) or ``S`` or ``W`` behind; or separated, ``YY-MM-DD,hh:mm`` with
    or without seconds, the year in two or four digits.  Hour 24 is the midnight that
    ends the day.  A season digit other than 0, 1, 2 says nothing.

    Returns:
        None where the text is no such time, or one that cannot be.
    """
    text = text.strip(" ")
    if match := _SEPARATED.fullmatch(text):
        numbers = [int(field or 0) for field in match.groups()]
        numbers[0] += 2000 if len(match[1]) == 2 else 0
        letter = ""
    elif (match := _DIGITS.fullmatch(text)) and not (match[1] and match[3]):
        digits = match[2]
        numbers = [int(digits[at : at + 2]) for at in range(0, len(digits), 2)]
        numbers[0] += 2000
        letter = match[1] or match[3]
    else:
        return None
    year, month, day, hour, minute, second = (*numbers, 0)[:6]
    if not 1980 <= year < 2200:
        return None
    midnight = (hour, minute, second) == (24, 0, 0)
    try:
        wall = datetime(year, month, day, 0 if midnight else hour, minute, second)
    except ValueError:
        return None
    if midnight:
        wall += DAY
    return Stamp(wall, _SEASONS.get(letter))


@lru_cache(maxsize=64)
def _fixed(offset: timedelta) -> timezone:
    return timezone(offset)


def _dated(time: datetime) -> datetime:
    """A time, unless it is far beyond what calendars and clocks are made for."""
    if time.year >= 2300:
        raise OverflowError("time beyond the year 2300")
    return time


class MeterClock:
    """What the meter's clock follows.

    Args:
        zone: where the meter hangs; None: the zone of this computer.
        clock: ``local``, the time of the zone, with its seasons; ``standard``, its
            winter time all year; ``utc``; or a fixed offset, as a span or ``+01:00``.

    With ``local`` and ``standard`` a season digit in the stamp decides; with ``utc``
    or an offset it is not looked at.  In a zone without seasons the digit counts only
    where the zone is a bare offset (or this computer's): then summer is one hour
    ahead, and times keep the offset of their stamp.

    Raises:
        ValueError: no such clock.
    """

    def __init__(
        self, zone: tzinfo | None = None, clock: str | timedelta = "local"
    ) -> None:
        self._zone = zone
        self._bare = zone is None or isinstance(zone, timezone)
        self._standard = clock == "standard"
        self._constant: timezone | None = None
        self._halves: dict[int, tuple[timedelta, timedelta]] = {}
        if isinstance(clock, timedelta):
            self._constant = timezone(clock)
        elif clock == "utc":
            self._constant = UTC
        elif clock not in ("local", "standard"):
            match = _OFFSET.fullmatch(clock)
            if not match or int(match[2]) > 23 or int(match[3]) > 59:
                raise ValueError(f"no such clock: {clock!r}")
            span = timedelta(hours=int(match[2]), minutes=int(match[3]))
            self._constant = timezone(-span if match[1] == "-" else span)

    def instant(
        self,
        stamp: Stamp,
        after: datetime | None = None,
        step: timedelta | None = None,
    ) -> datetime:
        """The point in time that a stamp means.

        Args:
            stamp: as the meter sent it.
            after: the time of the row before, which tells the two readings of an
                hour apart that comes twice; without it the first is taken.
            step: what is expected between that row and this one.

        Returns:
            An aware time with a fixed offset: the one of the meter's clock then.
        """
        wall, season = stamp
        if self._constant:
            return wall.replace(tzinfo=self._constant)
        low, high = self._seasons(wall.year)
        if season is Season.UTC:
            return self.shown(wall.replace(tzinfo=UTC))
        if low == high and self._bare:
            summer = season is Season.SUMMER
            return wall.replace(tzinfo=_fixed(low + _HOUR if summer else low))
        utc = wall.replace(tzinfo=UTC)
        around = {self._offset(utc - DAY), self._offset(utc + DAY)}
        if season and low != high and around <= {low, high}:
            return self.shown(utc - (high if season is Season.SUMMER else low))
        if self._standard:
            return wall.replace(tzinfo=_fixed(low))
        return self.shown(self._by_continuity(utc, around, after, step))

    def _by_continuity(
        self,
        utc: datetime,
        around: set[timedelta],
        after: datetime | None,
        step: timedelta | None,
    ) -> datetime:
        """The point in time of a wall clock reading that tells no season."""
        moments = sorted(utc - offset for offset in around)
        right = [m for m in moments if m + self._offset(m) == utc]
        # An interval that ends with the change may have the old clock's reading
        border = [m for m in moments if m + self._offset(m - _SECOND) == utc]
        if after and step and after + step in right + border:
            return after + step
        if after and len(right) > 1:
            return next((m for m in right if m > after), right[-1])
        # None is right in the hour that spring leaves out: the clock was not set yet
        return (right or moments[-1:])[0]

    def shown(self, moment: datetime) -> datetime:
        """A point in time with the offset that the meter's clock has then.

        Args:
            moment: an aware time.
        """
        if self._constant:
            return moment.astimezone(self._constant)
        if self._standard:
            return moment.astimezone(_fixed(self._seasons(moment.year)[0]))
        return moment.astimezone(_fixed(self._offset(moment)))

    def stamp(self, moment: datetime) -> Stamp:
        """What the meter's clock shows at a point in time.

        Args:
            moment: an aware time, or a reading of the meter's clock.
        """
        if moment.tzinfo is None:
            moment = self.instant(Stamp(moment, None))
        shown = self.shown(moment)
        wall = shown.replace(tzinfo=None)
        if self._constant or self._standard:
            return Stamp(wall, Season.UTC if self._constant is UTC else Season.WINTER)
        summer = shown.utcoffset() != self._seasons(wall.year)[0]
        return Stamp(wall, Season.SUMMER if summer else Season.WINTER)

    def series(self, first: datetime, step: timedelta) -> Iterator[datetime]:
        """The ends of intervals that follow one another, beginning with ``first``.

        Minutes and hours are added to the point in time.  Whole days are counted on
        the meter's clock: a day may have 23 or 25 hours.

        Args:
            first: an aware time, as ``instant`` gives it.
            step: longer than nothing.

        Raises:
            OverflowError: the year 2300 is reached.
        """
        low, high = (timedelta(),) * 2 if self._constant else self._seasons(first.year)
        if self._constant or (self._bare and low == high):
            while True:
                yield _dated(first)
                first += step
        if step % DAY:
            yield from self._by_time(first, step)
            return
        wall = first.replace(tzinfo=None)
        while True:
            yield _dated(first)
            wall += step
            first = self.instant(Stamp(wall, None), first)

    def _by_time(self, time: datetime, step: timedelta) -> Iterator[datetime]:
        while True:
            time = _dated(self.shown(time))
            # Looked up once in a while, since most rows have the offset of the last
            later = time + _STEADY
            steady = self.shown(later).utcoffset() == time.utcoffset()
            until = later if steady else time
            yield time
            time += step
            while time < until:
                yield time
                time += step

    def _seasons(self, year: int) -> tuple[timedelta, timedelta]:
        """The offsets of winter and summer."""
        halves = self._halves.get(year)
        if halves is None:
            offsets = [self._offset(datetime(year, m, 1, tzinfo=UTC)) for m in (1, 7)]
            halves = self._halves[year] = (min(offsets), max(offsets))
        return halves

    def _offset(self, moment: datetime) -> timedelta:
        return moment.astimezone(self._zone).utcoffset() or timedelta()
