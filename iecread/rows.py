"""Rows: the values of load profiles and archives, one for each channel and interval.

``follow`` finds gaps and overlaps in rows of any origin.  How rows come about is for
loadprofile.py and archiverows.py, what becomes of them for output/.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

from iecread.continuity import Continuity, Verdict


class Row(NamedTuple):
    """The value of one channel in one interval.

    Attributes:
        time: end of the interval, aware, with a fixed offset.
        channel: the profile, ``P.01``, or the archive.
        register: code as in the header; ``[1]``, ``[2]``, … where there is none.
        value: an exact number, a text, or None where there is no measurement.
        raw: as sent.
        unit: as in the header or behind the value; None where there is none.
        flags: the header's status as sent and in words; ``overlap``: a row of this
            time came before; ``time-unknown``: the meter names no period;
            ``unchecked``, ``malformed`` as for a register of a readout.
    """

    time: datetime
    channel: str
    register: str
    value: Decimal | str | None
    raw: str
    unit: str | None
    flags: tuple[str, ...]


def follow(
    rows: Iterable[Row], period: timedelta | None, continuity: Continuity
) -> Iterator[Row]:
    """Find gaps and overlaps in rows of any origin.

    Args:
        rows: in the order of time; those of one time and channel together.
        period: how far rows are apart; None: not known, so no gap is found.
        continuity: where gaps and overlaps are gathered.

    Yields:
        The rows without those that came before; what came before with other values
        is flagged ``overlap``.
    """
    for (time, channel), group in groupby(rows, itemgetter(0, 1)):
        same = list(group)
        profile = (channel, *[row.register for row in same])
        verdict = continuity.take(profile, time, [row.raw for row in same], period)
        if verdict is Verdict.DIFFERENT:
            same = [row._replace(flags=(*row.flags, "overlap")) for row in same]
        if verdict is not Verdict.REPEATED:
            yield from same
