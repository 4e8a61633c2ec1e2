"""What simulated meters have recorded: load profile P.01, event logs P.98 and P.99.

All of it is computed from the time, nothing is stored: quarter-hours of four
channels, a power failure on the third of each month, both changes of the clock, and
how this meter's clock was set.  The clock follows the rules of the
European Union for UTC+1, which have been the same since 1996; they are here in a few
lines, so that no data base of time zones is needed.  Layout of requests and answers:
VDEW, as most load-profile meters in Germany have it.  Left out: other periods.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

PERIOD = timedelta(minutes=15)
DEPTH = timedelta(days=400)  # what is older has been overwritten
CHANNELS = (("1.5.0", "kW"), ("2.5.0", "kW"), ("3.5.0", "kvar"), ("4.5.0", "kvar"))
_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)

# status bits of VDEW, low byte
SEASON, RESET, CLOCK_SET, POWER_UP, POWER_DOWN = 0x08, 0x10, 0x20, 0x40, 0x80
CHANGED = 0x100  # a parameter

_OFF_DAY = 3  # of each month
_OFF, _ON = timedelta(hours=9, minutes=20), timedelta(hours=10, minutes=5)  # UTC
_GAP = 12 * _HOUR  # UTC, where the rows of a gap begin to be missing

_STAMP = re.compile(r"([012]?)(\d{10})(\d\d)?")


# -- the clock of a meter in central Europe


@lru_cache(8)
def season_changes(year: int) -> tuple[datetime, datetime]:
    """Return begin and end of summer time in UTC: last Sundays, 01:00."""

    def last_sunday(month: int) -> datetime:
        day = datetime(year, month, 31, 1)
        return day - (day.weekday() + 1) % 7 * _DAY

    return last_sunday(3), last_sunday(10)


def is_summer(utc: datetime) -> bool:
    """Whether summer time is in force."""
    begin, end = season_changes(utc.year)
    return begin <= utc < end


def to_local(utc: datetime) -> datetime:
    """Return the time that the meter's clock shows; ``fold`` tells equal ones apart."""
    local = utc + (2 if is_summer(utc) else 1) * _HOUR
    end = season_changes(utc.year)[1]
    return local.replace(fold=end <= utc < end + _HOUR)


def to_utc(local: datetime) -> datetime:
    """Return the UTC of a time on the meter's clock."""
    plain = local.replace(tzinfo=None, fold=0)
    for hours in (1, 2) if local.fold else (2, 1):
        utc = plain - hours * _HOUR
        if is_summer(utc) == (hours == 2):
            return utc
    return plain - _HOUR  # an hour that the change in spring leaves out


def stamp(utc: datetime) -> str:
    """Return ``SYYMMDDhhmmss``."""
    return f"{is_summer(utc):d}{to_local(utc):%y%m%d%H%M%S}"


def parsed(text: str) -> datetime:
    """Return the UTC of a time in a request, with or without season and seconds.

    Raises:
        ValueError: it is none.
    """
    found = _STAMP.fullmatch(text)
    if found is None:
        raise ValueError
    local = datetime.strptime(found[2] + (found[3] or "00"), "%y%m%d%H%M%S")
    if found[1] == "2":
        return local
    # the season tells the two hours in autumn apart and is ignored otherwise
    return to_utc(local.replace(fold=found[1] == "0"))


class Setting(NamedTuple):
    """The clock was set: the two readings at the same moment, in UTC."""

    before: datetime
    after: datetime


# -- the load profile


class Row(NamedTuple):
    """One registration period.

    Attributes:
        end: in UTC.
        status: bits.
        values: in kW and kvar, as sent.
    """

    end: datetime
    status: int
    values: tuple[str, ...]


def _values(end: datetime, *, complete: bool) -> tuple[str, ...]:
    local = to_local(end)
    minute = local.hour * 60 + local.minute
    day = local.toordinal()
    taken = (412 if 6 <= local.hour < 22 else 178) + (minute * 37 + day * 53) % 290
    given = (minute * 11 + day * 7) % 660 if 9 <= local.hour < 17 else 0
    watts = taken, given, taken // 8, given // 9
    texts = tuple(f"{w // 1000}.{w % 1000:03d}" for w in watts)
    return texts if complete else (*texts[:2], "", "")


def rows(
    first: datetime,
    last: datetime,
    *,
    gap: int = 0,
    settings: Iterable[Setting] = (),
) -> Iterator[Row]:
    """Return the periods that end from ``first`` to ``last``, both included.

    Args:
        first: in UTC.
        last: in UTC.
        gap: how many rows of each day are missing from noon UTC on.
        settings: of the clock; the period in which one was ends with its bit.
    """
    ends = {_next_end(setting.after) for setting in settings}
    end = _next_end(first)
    while end <= last:
        midnight = end.replace(hour=0, minute=0)
        status = CLOCK_SET if end in ends else 0
        if end in season_changes(end.year):
            status |= SEASON
        off, on = midnight + _OFF, midnight + _ON
        missing = midnight + _GAP < end <= midnight + _GAP + gap * PERIOD
        if end.day == _OFF_DAY:
            status |= POWER_DOWN if end - PERIOD <= off < end else 0
            status |= POWER_UP if end - PERIOD <= on < end else 0
            missing |= off < end - PERIOD and end <= on
        if not missing:
            yield Row(end, status, _values(end, complete=not status & POWER_DOWN))
        end += PERIOD


def _next_end(moment: datetime) -> datetime:
    """Return the end of the period that ``moment`` is in."""
    past = moment - datetime.min
    return datetime.min + -(-past // PERIOD) * PERIOD


def profile(
    found: Iterable[Row],
    codes: Iterable[str] = (),
    *,
    digits: int = 2,
    size: int = 0,
    repeat_header: bool = False,
) -> tuple[bytes, ...]:
    """Return P.01 with these rows, one text for each part.

    A header stands ahead of the first row and wherever time, season or status go on
    otherwise than row by row.

    Args:
        found: the rows.
        codes: the channels wanted; none: all.
        digits: of the status, hexadecimal.
        size: rows in a part; 0: one part.
        repeat_header: whether each part begins with a header.
    """
    wanted = set(codes) or {code for code, _ in CHANNELS}
    picked = [n for n, (code, _) in enumerate(CHANNELS) if code in wanted]
    if not picked:
        return ()
    names = "".join("({})({})".format(*CHANNELS[n]) for n in picked)
    parts: list[list[str]] = []
    count = 0
    before: Row | None = None
    for row in found:
        begins = not parts or (size and count == size)
        if begins:
            parts.append([])
            count = 0
        goes_on = (
            before is not None
            and row.end == before.end + PERIOD
            and row.status == before.status  # a change of season has one
        )
        if not goes_on or (begins and repeat_header):
            status = f"{row.status:0{digits}X}"
            parts[-1].append(
                f"P.01({stamp(row.end)})({status})(15)({len(picked)}){names}"
            )
        parts[-1].append("".join(f"({row.values[n]})" for n in picked))
        count += 1
        before = row
    return tuple(_lines(part) for part in parts)


# -- event logs


class Event(NamedTuple):
    """One entry.

    Attributes:
        moment: in UTC.
        status: bits.
        elements: codes and values.
    """

    moment: datetime
    status: int
    elements: tuple[tuple[str, str], ...] = ()


def events(
    first: datetime, last: datetime, settings: Iterable[Setting] = ()
) -> list[Event]:
    """Return what happened from ``first`` to ``last``: P.98.

    A set clock is entered at its new time, with what it showed before.
    """
    found = []
    for setting in settings:
        old = setting.before
        season = f"{is_summer(old):d}"
        time = season + f"{to_local(old):%H%M%S}"
        date = season + f"{to_local(old):%y%m%d}"
        elements = ("0.9.1", time), ("0.9.2", date)
        found.append(Event(setting.after, CLOCK_SET, elements))
    day = first.replace(hour=0, minute=0, second=0, microsecond=0) - _DAY
    while day <= last:
        if day.day == _OFF_DAY:
            found.append(Event(day + _OFF, POWER_DOWN))
            found.append(Event(day + _ON, POWER_UP))
        if to_local(day + _DAY).day == 1:
            found.append(Event(to_utc(to_local(day + _DAY).replace(hour=0)), RESET))
        found += [
            Event(t, SEASON) for t in season_changes(day.year) if t.date() == day.date()
        ]
        day += _DAY
    return sorted(event for event in found if first <= event.moment <= last)


def log(name: str, found: Iterable[Event], size: int = 0) -> tuple[bytes, ...]:
    """Return an event log, one text for each part of ``size`` entries (0: one)."""
    lines = []
    for event in found:
        codes = "".join(f"({code})()" for code, _ in event.elements)
        values = "".join(f"({value})" for _, value in event.elements)
        head = f"{name}({stamp(event.moment)})({event.status:08X})()"
        lines.append(f"{head}({len(event.elements)}){codes}{values}")
    size = size or max(1, len(lines))
    edges = [*range(0, len(lines), size), len(lines)]
    return tuple(_lines(lines[left:right]) for left, right in pairwise(edges))


def _lines(lines: Iterable[str]) -> bytes:
    return "".join(line + "\r\n" for line in lines).encode("latin-1")


class MeterClock:
    """A meter's clock, which runs and can be set.

    Args:
        wall: the time of day; a zone is not looked at.
        drift: seconds that it is ahead.

    Attributes:
        settings: when it was set.
    """

    def __init__(self, wall: Callable[[], datetime], drift: float = 0.0) -> None:
        self.settings: list[Setting] = []
        self._wall = wall
        self._ahead = timedelta(seconds=drift)

    def utc(self) -> datetime:
        """Return its time in UTC."""
        return to_utc(self._wall().replace(tzinfo=None)) + self._ahead

    def local(self) -> datetime:
        """Return what it shows."""
        if not self._ahead:
            return self._wall()
        return to_local(self.utc())

    def set(self, utc: datetime) -> None:
        """Set it to a time in UTC."""
        now = self.utc()
        self._ahead += utc - now
        self.settings.append(Setting(now, utc))
