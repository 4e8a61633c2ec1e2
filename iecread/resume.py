"""Going on where a file of rows ends.

The newest time of each channel is read out of the CSV that is there.  The request
begins with the newest row that is whole for all its channels, and what the file has
already is left out of the answer channel by channel: so nothing is doubled, and a
last interval of which only some channels had been written is completed.

Left out on purpose: opening files and mending a torn last line (output/files.py).
"""

import csv
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import NamedTuple

from iecread.rows import Row

csv.field_size_limit(8 << 20)  # more than any answer: what was written can be read

COLUMNS = ("time", "meter", "serial", "channel", "register", "value", "unit", "flags")
"""The columns of a file of rows."""


class ResumeError(ValueError):
    """The lines are not a CSV of load profile rows."""


class Resume(NamedTuple):
    """How far a file goes.

    Attributes:
        start: the time to ask from, aware; None: there are no rows, ask for all.
        newest: the newest time of each channel and register.
    """

    start: datetime | None
    newest: dict[tuple[str, str], datetime]

    def new(self, rows: Iterable[Row]) -> Iterator[Row]:
        """Leave out the rows that the file has."""
        newest = self.newest
        for row in rows:
            last = newest.get((row.channel, row.register))
            if last is None or row.time > last:
                yield row


def from_csv(
    lines: Iterable[str],
    *,
    channel: str | None = None,
    meter: str | None = None,
    serial: str | None = None,
) -> Resume:
    """See how far the text of a CSV goes.

    Args:
        lines: with their line ends; a last line without one was torn off and does
            not count.  Comma or semicolon, with or without a byte order mark.
        channel: only rows of this profile.
        meter: only rows of this meter.
        serial: only rows of the meter with this number.

    Raises:
        ResumeError: the first line is not the header of such a file.
    """
    wanted = read_rows(lines, channel=channel, meter=meter, serial=serial)
    return from_times((time, name, register) for time, name, register, _ in wanted)


def read_rows(
    lines: Iterable[str],
    *,
    channel: str | None = None,
    meter: str | None = None,
    serial: str | None = None,
) -> Iterator[tuple[datetime, str, str, str]]:
    """Read time, channel, register and value of the rows of a file.

    Args:
        lines: as for ``from_csv``, and so are the other arguments.

    Raises:
        ResumeError: the first line is not the header of such a file.
    """
    source = whole_lines(lines)
    header = next(source, None)
    if header is None:
        return
    header = header.lstrip("\ufeff").rstrip("\r\n")
    delimiter = ";" if ";" in header else ","
    names = header.split(delimiter)
    if not set(COLUMNS[:5]) <= set(names):
        raise ResumeError(f"no header of load profile rows: {header[:80]!r}")
    places = [names.index(name) for name in COLUMNS[:5]]
    at_value = names.index("value") if "value" in names else places[4]
    wanted = [(1, meter), (2, serial), (3, channel)]
    filters = [(places[at], text) for at, text in wanted if text is not None]
    at_time, at_channel, at_register = places[0], places[3], places[4]
    try:
        for cells in csv.reader(source, delimiter=delimiter):
            if len(cells) != len(names):
                continue
            if any(cells[place] != text for place, text in filters):
                continue
            time = read_time(cells[at_time])
            if time is not None:
                yield time, cells[at_channel], cells[at_register], cells[at_value]
    except csv.Error as error:
        raise ResumeError(f"the file of rows is damaged: {error}") from error


def whole_lines(lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        if line.endswith("\n"):
            yield line.replace("\0", "")


def read_time(text: str) -> datetime | None:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    return time if time.tzinfo else None


def from_times(rows: Iterable[tuple[datetime, str, str]]) -> Resume:
    """See how far rows go of which time, channel and register are known."""
    newest: dict[tuple[str, str], datetime] = {}
    last: datetime | None = None
    before: datetime | None = None  # the newest time but one
    for time, channel, register in rows:
        key = (channel, register)
        known = newest.get(key)
        if known is None or time > known:
            newest[key] = time
        if last is None or time > last:
            last, before = time, last
        elif before is None or before < time < last:
            before = time if time < last else before
    # Channels that end one interval earlier were not written any more
    late = before is not None and before in newest.values()
    return Resume(before if late else last, newest)
