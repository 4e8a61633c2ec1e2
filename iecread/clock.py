"""The meter's clock: what its registers show, how far off it is, how to set it.

Pure arithmetic; times are arguments, waiting and sending are the session's.

A reading keeps, for each register, where which digits of the date stand, so that a
new time can be written in the very form in which the old one was shown, the season
digit included (0 winter, 1 summer, 2 UTC).  Which moment a local time means is
``metertime``'s to say.

Left out: clocks as hexadecimal text (Elster A1140), and the formatted codes C000 to
C003 of annex C, whose payload differs between makers.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from iecread.errors import CheckError, ConfigError
from iecread.metertime import DAY, MeterClock, Season, Stamp
from iecread.obis import parse

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)

CLOCK_REGISTERS: tuple[tuple[str, ...], ...] = (
    ("0.9.2", "0.9.1"),
    ("0.9.4",),
    ("9.36",),
    ("DATE_", "TIME_"),
    ("1:400.0",),
)
"""Registers that together hold date and time, the most common first."""

QUIET = 10 * SECOND
"""No clock is set so close to a full hour, an interval border or midnight."""

_SET_ANYWAY = "`clock set` with force sets it all the same"

READ_BACK = 2 * SECOND
"""How far the clock may be off when it is read back after setting."""


# Which digits mean what, by the kind of register and the lengths of the runs of
# digits.  S season, Y four and y two digits of the year, w day of the week.
_DATES = {
    (6,): "yymmdd",
    (7,): "Syymmdd",
    (8,): "YYYYmmdd",
    (2, 2, 2): "yymmdd",
    (4, 2, 2): "YYYYmmdd",
}
_TIMES = {
    (4,): "HHMM",
    (6,): "HHMMss",
    (7,): "SHHMMss",
    (2, 2): "HHMM",
    (2, 2, 2): "HHMMss",
}
_BOTH = {
    (10,): "yymmddHHMM",
    (11,): "SyymmddHHMM",
    (12,): "yymmddHHMMss",
    (13,): "SyymmddHHMMss",
    (14,): "YYYYmmddHHMMss",
    (2, 2, 2, 2, 2): "yymmddHHMM",
    (2, 2, 2, 2, 2, 2): "yymmddHHMMss",
    (4, 2, 2, 2, 2): "YYYYmmddHHMM",
    (4, 2, 2, 2, 2, 2): "YYYYmmddHHMMss",
    (2, 2, 2, 2, 4): "HHMMddmmYYYY",  # LIS-200 gas meters of the BK family
}
_LAYOUTS: dict[str, dict[tuple[int, ...], str]] = {
    "date": _DATES,
    "time": _TIMES,
    "both": _BOTH,
    "day": {(1,): "w"},
    "DATE_": {(2, 2, 2, 2): "wwddmmyy"},  # Energomera
}
_KINDS: dict[tuple[int, int, int | None], str] = {
    (0, 9, 1): "time",
    (0, 9, 2): "date",
    (0, 9, 4): "both",
    (0, 9, 5): "day",
    (9, 36, None): "both",
    (9, 36, 0): "both",
}
_TEXT = re.compile(r"[0-9](?:[-:.,& T/]{0,2}[0-9])*")


class Part(NamedTuple):
    """One register of a clock.

    Attributes:
        register: the address, as it was read.
        text: what it showed.
        layout: what each digit means, a letter each (see the top of this module).
    """

    register: str
    text: str
    layout: str

    def digits(self, letter: str) -> str:
        """The digits of one field; empty if it has none."""
        found = re.sub("[^0-9]", "", self.text)
        pairs = zip(self.layout, found, strict=True)
        return "".join(digit for mark, digit in pairs if mark == letter)

    def filled(self, fields: Mapping[str, str]) -> str:
        """The same form with other digits; ``fields`` has them by letter."""
        rest = {letter: iter(digits) for letter, digits in fields.items()}
        marks = iter(self.layout)
        return re.sub("[0-9]", lambda _: next(rest[next(marks)]), self.text)


@dataclass(frozen=True, slots=True)
class ClockReading:
    """What the registers of a clock showed.

    Attributes:
        parts: the registers, as given.
        shown: date and time as shown, without offset; None if they cannot be, as the
            zeros of a clock that was never set.
        season: the season digit; None where there is none.
        resolution: the smallest step that it shows, one second or one minute.
        doubtful: date and time may belong to different moments (midnight, change of
            season): read both again.
    """

    parts: tuple[Part, ...]
    shown: datetime | None
    season: Season | None
    resolution: timedelta
    doubtful: bool

    @classmethod
    def parse(cls, values: Mapping[str, str]) -> "ClockReading":
        """Read what the registers of a clock hold (protocol forms of VDEW and others).

        Args:
            values: address -> the text in its first bracket: ``0.9.1`` and ``0.9.2``,
                perhaps ``0.9.5``; or one of those that hold both, see
                ``CLOCK_REGISTERS``.  Full codes will do as well.

        Raises:
            ConfigError: an address is no clock's, or date or time are missing.
            CheckError: a text has none of their forms.
        """
        parts = tuple(_part(register, text) for register, text in values.items())
        letters = {letter for part in parts for letter in part.layout}
        if not {"d", "H"} <= letters:
            raise ConfigError(
                f"date and time are not both in {', '.join(values) or 'no register'}",
                "name both registers, such as 0.9.2 and 0.9.1",
            )
        year = _digits(parts, "Y") or "20" + _digits(parts, "y")  # 9.1: 2000 + yy
        month, day = _digits(parts, "m"), _digits(parts, "d")
        seconds = _digits(parts, "s")
        numbers = (year, month, day, _digits(parts, "H"), _digits(parts, "M"))
        try:
            shown = datetime(*map(int, (*numbers, seconds or "0")))  # type: ignore[arg-type]
        except ValueError:
            shown = None
        if shown is not None and not 1970 <= shown.year < 2200:
            shown = None
        seasons = [part.digits("S") for part in parts if "S" in part.layout]
        doubtful = len(set(seasons)) > 1
        if shown is not None and len(parts) > 1:
            midnight = shown.replace(hour=0, minute=0, second=0)
            doubtful |= not QUIET <= shown - midnight < DAY - QUIET
        return cls(
            parts,
            shown,
            # that of the time: it was read last
            Season(seasons[-1]) if seasons else None,
            SECOND if seconds else MINUTE,
            doubtful,
        )

    def __str__(self) -> str:
        """The registers as the meter sent them."""
        return " ".join(f"{part.register}({part.text})" for part in self.parts)

    def at(self, near: datetime, clock: MeterClock) -> datetime:
        """Return the moment that the clock shows, with an offset.

        Args:
            near: this computer's time, with offset: of two moments that one local
                time stands for in autumn, the nearer one is taken.
            clock: what the meter's clock follows.

        Raises:
            CheckError: it shows no possible time.
        """
        if self.shown is None:
            raise CheckError(f"the meter's clock shows no time: {self}", _SET_ANYWAY)
        moment = clock.instant(Stamp(self.shown, self.season))
        if self.season is None:
            other = self.shown.replace(tzinfo=clock.shown(near).tzinfo)
            if clock.stamp(other).wall == self.shown:
                moment = min(moment, other, key=lambda found: abs(found - near))
        return moment


class Drift(NamedTuple):
    """How far a meter's clock is off.

    Attributes:
        offset: meter minus this computer; positive where the meter is ahead.
        uncertainty: the true offset is at most so far from it.
    """

    offset: timedelta
    uncertainty: timedelta

    def beyond(self, limit: timedelta) -> bool:
        """Whether the clock is off by more than ``limit`` for certain."""
        return abs(self.offset) - self.uncertainty > limit


def drift(
    meter: datetime, asked: datetime, answered: datetime, resolution: timedelta
) -> Drift:
    """Compare a meter's clock with this computer's.

    Args:
        meter: what :meth:`ClockReading.at` gave.
        asked: when the last character of the request had left.
        answered: when the first character of the answer came.
        resolution: the smallest step that the clock shows.

    Raises:
        CheckError: this computer's clock was set in between.
    """
    asked, answered = asked.astimezone(UTC), answered.astimezone(UTC)
    trip = answered - asked
    if trip < timedelta(0):
        raise CheckError(
            "the clock of this computer was set back in between", "try again"
        )
    return Drift(meter - (asked + trip / 2), trip / 2 + resolution)


def sending_time(
    speed: int, characters: int = 25, processing: timedelta = timedelta(milliseconds=25)
) -> timedelta:
    """Return how long a message takes until the meter acts on it.

    Args:
        speed: of the line, in Bd.
        characters: of the message, ten bits each.
        processing: what the meter and the adapter take.
    """
    return timedelta(microseconds=characters * 10_000_000 // speed) + processing


class Plan(NamedTuple):
    """How to set a clock.

    Attributes:
        before: registers and values to write first, and at once: the date, if it
            changes, and the day of the week.
        last: register and value to write at ``send_at``.
        send_at: this computer's time at which its first character is to leave.
        target: the time that the meter then has, with its offset.
    """

    before: tuple[tuple[str, str], ...]
    last: tuple[str, str]
    send_at: datetime
    target: datetime


def plan_set(
    reading: ClockReading,
    off: Drift | None,
    now: datetime,
    *,
    max_step: timedelta,
    clock: MeterClock,
    sending: timedelta = SECOND,
    lead: timedelta = 5 * SECOND,
    period: timedelta = 15 * MINUTE,
    patience: timedelta = 45 * SECOND,
    force: bool = False,
) -> Plan:
    """Plan the setting of a clock to this computer's time.

    The time is set at a whole second (a whole minute if the clock shows no seconds),
    10 s or more from each full hour and interval border, and with the old and new
    time in the same interval and hour, so that no interval is torn or counted twice.

    Args:
        reading: the clock as it was read; its forms are used for writing.
        off: how far it is off; None if it shows no time (wants ``force``).
        now: this computer's time, with offset.
        max_step: by how much the clock may be moved.
        clock: what the meter's clock follows.
        sending: how long the last message takes, see :func:`sending_time`.
        lead: time needed before it: for the writes of ``before``.
        period: of the load profile.
        patience: how long to wait for a permitted moment; mind the time after which
            the meter leaves the programming mode.
        force: move it across hours, intervals and seasons, and by any step; not even
            then at midnight, where date and time could part.

    Raises:
        CheckError: it may not be set now, or not at all; the hint says when.
    """
    if off is None and not force:
        raise CheckError(f"the meter's clock shows no time: {reading}", _SET_ANYWAY)
    if off is not None and abs(off.offset) > max_step and not force:
        raise CheckError(
            f"the clock is off by {in_words(off.offset)}, more than may be set at once",
            f"--max-step allows more than {in_words(max_step)}; first check zone and "
            "clock of the profile, and the time of this computer",
        )
    here, now = now.tzinfo, now.astimezone(UTC)
    refused = None
    for target in _moments(now + lead + sending, reading.resolution):
        obstacle = _obstacle(reading, off, now, target, clock, period, force)
        late = target - sending - now - lead > patience + reading.resolution
        if obstacle is None and not late:
            send_at = (target - sending).astimezone(here)
            return _plan(reading, target, send_at, clock)
        if obstacle is None and refused is not None:
            moment = (target - sending - lead).astimezone(here)
            raise CheckError(refused[0], f"try again at {moment:%H:%M:%S}")
        refused = refused or obstacle
    assert refused is not None
    raise CheckError(*refused)


def in_words(span: timedelta) -> str:
    """A span as people say it: ``-75 s``, ``0.4 s``, ``3 h 12 min``."""
    tenths = round(abs(span) / timedelta(milliseconds=100))
    sign = "-" if span < timedelta(0) and tenths else ""
    if tenths < 6000:
        whole, tenth = divmod(tenths, 10)
        return f"{sign}{whole}.{tenth} s" if tenth else f"{sign}{whole} s"
    minutes = round(tenths / 600)
    if minutes < 60:
        return f"{sign}{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{sign}{hours} h {minutes} min"
    return f"{sign}{round(hours / 24)} days"


def _part(register: str, text: str) -> Part:
    """Find out what the digits of a register mean."""
    kind = _kind(register)
    if kind is None:
        raise ConfigError(
            f"{register!r} is not known as a register of a clock",
            "known are "
            + ", ".join(name for names in CLOCK_REGISTERS for name in names),
        )
    stripped = text.strip(" ")
    runs = tuple(map(len, re.findall("[0-9]+", stripped)))
    layout = _LAYOUTS[kind].get(runs)
    part = Part(register, stripped, layout or "")
    if layout is None or not _TEXT.fullmatch(stripped):
        raise CheckError(
            f"the meter's clock has an unknown form: {register}({text})",
            "report it, with the meter's type",
        )
    if part.digits("S") not in ("", "0", "1", "2"):
        raise CheckError(f"the meter's clock has an unknown season: {register}({text})")
    return part


def _kind(register: str) -> str | None:
    """What a register holds: a key of ``_LAYOUTS``."""
    register = register.strip()
    if register in ("DATE_", "TIME_"):
        return "DATE_" if register == "DATE_" else "time"
    if re.fullmatch(r"1:0*400(?:\.[0-9])?", register):  # LIS-200
        return "both"
    code = parse(register)
    if code is None or code.is_history:
        return None
    return _KINDS.get((code.c, code.d, code.e))


def _digits(parts: Sequence[Part], letter: str) -> str:
    """One field of the first register that has it."""
    return next((digits for part in parts if (digits := part.digits(letter))), "")


def _shown_at(
    moment: datetime, season: Season | None, clock: MeterClock
) -> tuple[datetime, Season | None]:
    """What a right clock shows at a moment, with its offset; and its season digit.

    ``season`` is the digit that it shows now.  Under UTC and fixed offsets, digits
    mean nothing: it is kept.
    """
    if season is Season.UTC:
        return moment.astimezone(UTC), season
    found = clock.stamp(moment).season
    if season is None or found is Season.UTC:
        found = season
    return clock.shown(moment), found


def _moments(first: datetime, step: timedelta) -> Iterator[datetime]:
    """The whole seconds or minutes of the next two hours."""
    begin = first.astimezone(UTC).replace(microsecond=0)
    if step == MINUTE:
        begin = begin.replace(second=0)
    if begin < first:
        begin += step
    for number in range(2 * HOUR // step):
        yield begin + number * step


def _obstacle(
    reading: ClockReading,
    off: Drift | None,
    now: datetime,
    target: datetime,
    clock: MeterClock,
    period: timedelta,
    force: bool,
) -> tuple[str, str] | None:
    """Why the clock may not be set at ``target``: message and hint."""
    shown, season = _shown_at(target, reading.season, clock)
    new = shown.replace(tzinfo=None)
    margin = QUIET + (off.uncertainty if off else timedelta(0))
    old = new
    if off is not None and reading.shown is not None:
        old = reading.shown + (target + off.offset - reading.at(now, clock))
    # A date written before midnight would be counted on at midnight
    for moment, gap in ((new, QUIET), (old, margin)):
        if (moment - (target - now) - gap).date() != (moment + gap).date():
            return "the clock is not set at midnight", "try again a minute later"
    if force:
        return None
    if season != reading.season:
        if _shown_at(now, reading.season, clock)[1] == reading.season:
            return "the season is about to change", "try again a minute later"
        return (
            "the meter has another season than its zone",
            f"check timezone and clock of the profile; {_SET_ANYWAY}",
        )
    if season is None:
        # no digit could say which of the two hours is meant
        around = (target + step for step in (-HOUR, -HOUR / 2, HOUR / 2, HOUR))
        if any(clock.stamp(moment).wall == new for moment in around):
            return "this hour comes twice today", "try again after it"
    for border in (HOUR, period):
        name = "the hour" if border == HOUR else f"the interval of {in_words(border)}"
        if _interval(old, border) != _interval(new, border):
            return (
                f"setting it by {in_words(new - old)} would leave {name}",
                f"{_SET_ANYWAY}; an interval may be torn or counted twice",
            )
        if _distance(new, border) < QUIET or _distance(old, border) < margin:
            return f"{name} is about to change", "try again a minute later"
    return None


def _interval(shown: datetime, border: timedelta) -> tuple[date, int]:
    """Which interval a local time lies in; they are counted from midnight."""
    midnight = shown.replace(hour=0, minute=0, second=0, microsecond=0)
    return shown.date(), (shown - midnight) // border


def _distance(shown: datetime, border: timedelta) -> timedelta:
    """How far a local time is from the nearest border of an interval."""
    midnight = shown.replace(hour=0, minute=0, second=0, microsecond=0)
    within = (shown - midnight) % border
    return min(within, border - within)


def _plan(
    reading: ClockReading,
    target: datetime,
    send_at: datetime,
    clock: MeterClock,
) -> Plan:
    shown, season = _shown_at(target, reading.season, clock)
    fields = {
        "S": season.value if season else "",
        "Y": f"{shown:%Y}",
        "y": f"{shown:%y}",
        "m": f"{shown:%m}",
        "d": f"{shown:%d}",
        "H": f"{shown:%H}",
        "M": f"{shown:%M}",
        "s": f"{shown:%S}",
    }
    before, last = [], ("", "")
    for part in sorted(reading.parts, key=lambda part: part.layout == "w"):
        text = part.filled({**fields, "w": _weekday(part, reading, shown)})
        if "H" in part.layout:
            last = part.register, text
        elif text != part.text:
            before.append((part.register, text))
    return Plan(tuple(before), last, send_at, shown)


def _weekday(part: Part, reading: ClockReading, shown: datetime) -> str:
    """The day of the week: 1 is Monday; Sunday is 7, or 0 where the meter says so."""
    width = part.layout.count("w")
    number = shown.isoweekday()
    if number == 7 and width == 2:  # Energomera counts from Sunday, 00
        was_sunday = reading.shown is not None and reading.shown.isoweekday() == 7
        number = 7 if was_sunday and part.digits("w") == "07" else 0
    return f"{number:0{width}}"
