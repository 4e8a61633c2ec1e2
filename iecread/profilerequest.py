"""Asking for a load profile or a log: what stands in the brackets (protocol.md 8.1).

``operand`` writes a range of time as a meter family wants it, ``data_set`` puts it
behind the name of the profile, and ``chunks`` cuts a long range at the midnights of
the meter's clock.  Both borders of a range are inclusive; chunks share theirs, since
meters differ in whether they send the row at the first border, and ``Continuity``
leaves out what comes twice.

Left out on purpose: commands and block checks (the engine), and what time it is now.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta, tzinfo

from iecread.metertime import DAY, MeterClock, Season, Stamp

STYLES = {
    "vdew": "%y%m%d%H%M",
    "vdew-seconds": "%y%m%d%H%M%S",
    "mass": "%y-%m-%d,%H:%M",
    "date": "%y%m%d",
}
"""Forms of a time: VDEW, MASS (Turkey), and days only (older Luna meters)."""

SEASONS = ("own", "none", "0", "utc")
"""The digit before a VDEW time: the meter's own season then, none, always 0, UTC."""

_MINUTE = timedelta(minutes=1)
_PLAIN = re.compile(r"[!-'*-~]{1,32}")


class RequestError(ValueError):
    """What was asked for cannot be written as a request."""


def operand(
    start: datetime | None,
    end: datetime | None,
    *,
    style: str = "vdew",
    season: str = "own",
    rows: int | None = None,
    zone: tzinfo | None = None,
    clock: str | timedelta = "local",
) -> str:
    """Write a range of time, ``12406010015;12406010100``.

    Args:
        start: the first end of an interval that is wanted; aware, or a reading of
            the meter's clock; None: from the oldest row on.
        end: the last one; None: up to the newest row.
        style: one of ``STYLES``.
        season: one of ``SEASONS``; VDEW styles only.
        rows: rows of each partial block (R6), 1 to 999.
        zone: where the meter hangs; None: the zone of this computer.
        clock: what its clock follows, see ``MeterClock``.

    Raises:
        RequestError: no such style or season, a number of rows that cannot be, or
            the range ends before it begins.
    """
    if style not in STYLES:
        raise RequestError(f"no such style of request: {style!r}")
    if season not in SEASONS:
        raise RequestError(f"no such season: {season!r}")
    meter = _clock(zone, clock)
    written = MeterClock(zone, "utc") if season == "utc" else meter
    borders = [time and _aware(time, meter) for time in (start, end)]
    first, last = borders
    if first and last and first > last:
        raise RequestError(f"the range ends before it begins: {first} to {last}")
    if last and style in ("vdew", "mass"):  # no row of the last minute may be lost
        borders[1] = last + (_MINUTE - timedelta(seconds=last.second)) % _MINUTE
    text = ";".join(_written(time, written, style, season) for time in borders)
    if rows is None:
        return text
    if not 1 <= rows <= 999:
        raise RequestError(f"a partial block has 1 to 999 rows, not {rows}")
    return f"{text};{rows}"


def data_set(channel: str, operand: str, codes: Sequence[str] = ()) -> str:
    """Write the data set of a request, ``P.01(12406010015;12406010100)(1.5.0)``.

    Args:
        channel: name of the profile or log as the meter knows it.
        operand: what ``operand`` gave.
        codes: only these channels of the profile, where the meter can choose.

    Raises:
        RequestError: a name that cannot be sent.
    """
    for name in (channel, *codes):
        if not _PLAIN.fullmatch(name):
            raise RequestError(f"no name of a profile or channel: {name!r}")
    return f"{channel}({operand})" + "".join(f"({code})" for code in codes)


def chunks(
    start: datetime,
    end: datetime,
    step: timedelta = DAY,
    *,
    zone: tzinfo | None = None,
    clock: str | timedelta = "local",
) -> Iterator[tuple[datetime, datetime]]:
    """Cut a range into ranges that meet at midnights of the meter's clock.

    Args:
        start: as for ``operand``; the first range begins here.
        end: the last one ends here.
        step: length of a range: whole days, or minutes to hours that are counted
            from midnight; at least one minute.
        zone: where the meter hangs; None: the zone of this computer.
        clock: what its clock follows, see ``MeterClock``.

    Yields:
        First and last time of each range, aware; both are inclusive.

    Raises:
        RequestError: the range ends before it begins, or the step is too short.
    """
    meter = _clock(zone, clock)
    start, end = _aware(start, meter), _aware(end, meter)
    if start > end:
        raise RequestError(f"the range ends before it begins: {start} to {end}")
    if step < _MINUTE or step > DAY and step % DAY:
        raise RequestError(f"a range cannot be cut every {step}")
    while start < end:
        until = min(_next_border(start, step, meter), end)
        yield start, until
        start = until
        if start == end:
            return
    yield start, end


def _next_border(start: datetime, step: timedelta, meter: MeterClock) -> datetime:
    wall = meter.stamp(start).wall
    midnight = wall.replace(hour=0, minute=0, second=0, microsecond=0)
    if step >= DAY:
        border = midnight + step
    else:
        border = min(midnight + ((wall - midnight) // step + 1) * step, midnight + DAY)
    while (time := meter.instant(Stamp(border, None), start)) <= start:
        border += step  # the clock was put back meanwhile
    return time


def _clock(zone: tzinfo | None, clock: str | timedelta) -> MeterClock:
    try:
        return MeterClock(zone, clock)
    except ValueError as error:
        raise RequestError(str(error)) from error


def _aware(time: datetime, meter: MeterClock) -> datetime:
    """A time with the offset of the meter's clock."""
    if time.tzinfo is None:
        return meter.instant(Stamp(time, None))
    return meter.shown(time)


def _written(time: datetime | None, meter: MeterClock, style: str, season: str) -> str:
    if time is None:
        return ""
    stamp = meter.stamp(time)
    if not 2000 <= stamp.wall.year < 2100:
        raise RequestError(f"a meter cannot be asked for the year {stamp.wall.year}")
    digit = ""
    if season != "none" and style.startswith("vdew"):
        own = stamp.season or Season.WINTER
        digit = "0" if season == "0" else own.value
    return digit + stamp.wall.strftime(STYLES[style])
