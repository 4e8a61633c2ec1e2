"""The header of a load profile: time, status, period, channels (protocol.md 8.2).

``P.01(time)(status)(period)(number)(code)(unit)(code)(unit)...``, on one line or on
several.  What is no header raises BadHeaderError with what is wrong, in words.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from iecread.metertime import MeterClock, read_stamp
from iecread.protocol.datasets import is_number
from iecread.statuswords import StatusTable, row_flags

_FIXED = 4  # brackets in front of the channels
_MOST_CHANNELS = 255
_LONGEST_PERIOD = 366 * 1440  # minutes


class BadHeaderError(ValueError):
    """Brackets that look like a header and are none; the text says why."""


class Header(NamedTuple):
    """A header.

    Attributes:
        profile: the channel, then the codes.
        brackets: as sent.
        first: time of the first row below it.
        period: how far rows are apart; None where it names none.
        units: of each code; None where it has none.
        first_flags: of the first row below it.
        further_flags: of the other rows.
    """

    profile: tuple[str, ...]
    brackets: tuple[str, ...]
    first: datetime
    period: timedelta | None
    units: tuple[str | None, ...]
    first_flags: tuple[str, ...]
    further_flags: tuple[str, ...]


def size(heading: Sequence[str]) -> int | None:
    """How many brackets a header has by what came of it, None if that is not known yet.

    Raises:
        BadHeaderError: it is none.
    """
    if len(heading) < _FIXED:
        return None
    number = heading[3].strip(" ")
    if not (number.isascii() and number.isdigit() and len(number) < 4):
        raise BadHeaderError("header without a number of channels")
    if int(number) > _MOST_CHANNELS:
        raise BadHeaderError("header announces too many channels")
    return _FIXED + 2 * int(number)


def check_next(heading: Sequence[str], parts: Sequence[str]) -> None:
    """Raise BadHeaderError where the next line begins with a value, not with a code."""
    even = len(heading) > _FIXED and len(heading) % 2 == 0
    if even and is_number(parts[0].strip()):
        named = (len(heading) - _FIXED) // 2
        raise BadHeaderError(
            f"header announces {heading[3]} channels and names {named}"
        )


def read(
    channel: str,
    brackets: tuple[str, ...],
    clock: MeterClock,
    last: datetime | None,
    table: StatusTable,
) -> Header:
    """Read a header that is whole.

    Args:
        channel: name of the profile.
        brackets: as many as ``size`` says.
        clock: what the meter's clock follows.
        last: time of the row before; None where there is none.
        table: names of the status bits.

    Raises:
        BadHeaderError: it is none.
    """
    stamp = read_stamp(brackets[0])
    minutes = brackets[2].strip(" ") or "0"
    if stamp is None:
        raise BadHeaderError("header without a possible time")
    if not (minutes.isascii() and minutes.isdigit() and len(minutes) < 7):
        raise BadHeaderError("header without a period")
    if int(minutes) > _LONGEST_PERIOD:
        raise BadHeaderError("header with a period of more than a year")
    period = timedelta(minutes=int(minutes)) or None
    first_flags, further_flags = row_flags(brackets[1], table)
    return Header(
        (channel, *[code.strip(" ") for code in brackets[4::2]]),
        brackets,
        clock.instant(stamp, last, period),
        period,
        tuple([unit.strip(" ") or None for unit in brackets[5::2]]),
        first_flags,
        further_flags,
    )
