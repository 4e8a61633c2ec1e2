"""What all line formats share: the rows of a reading, numbers and times as text.

A register with one bracket is one row.  A second and later bracket is a row of its
own whose register ends in ``[2]``, ``[3]``; only where one of two brackets is the
time of the other there is one row.  Numbers are written plainly, with the digits
the meter sent and never with an exponent.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from iecread.output.text import printable

if TYPE_CHECKING:  # not before a meter was asked: writers are made before that
    from iecread.readings import Reading

Value = Decimal | str | None


class Row(NamedTuple):
    """One bracket of a register: its name as shown, value, unit, and raw text."""

    register: str
    value: Value
    unit: str | None
    raw: str


def rows(reading: "Reading") -> Sequence[Row]:
    """The rows of a reading, one for each bracket that is not its time."""
    found = [Row(reading.register, reading.value, reading.unit, reading.raw)]
    groups = reading.groups
    if len(groups) == 1:
        return found
    sure = reading.status != "malformed"  # no digit is, nor what is a time
    from iecread.readings import is_time, parse_value

    if sure and is_time(groups):
        return found
    for number, group in enumerate(groups[1:], 2):
        value = parse_value(group.raw) if sure else group.raw.strip(" ") or None
        found.append(Row(f"{reading.register}[{number}]", value, group.unit, group.raw))
    return found


def plain(number: Decimal) -> str:
    """A number in plain notation: ``000123.40`` is ``123.40``, ``1E-7`` ``0.0000001``.

    Args:
        number: a finite number.
    """
    text = str(number)
    return text if "E" not in text else f"{number:f}"


def iso(time: datetime | None, utc: bool = False) -> str:
    """A point in time as ISO 8601 with offset, to the second; empty for None.

    Args:
        time: an aware time.
        utc: give it in UTC and not with the offset it has.
    """
    if time is None:
        return ""
    return (time.astimezone(UTC) if utc else time).isoformat(timespec="seconds")


def shown(value: Value) -> str:
    """A value for a terminal: plain digits, safe text, empty for None."""
    return plain(value) if isinstance(value, Decimal) else printable(value or "")
