"""Going on where a file of events ends.

Entries of a log may share a time, so the request begins with the newest time of the
file, and entries that the file has are left out of the answer.  A database
needs no such care: its key keeps an entry from being there twice (output/sqlite.py).

Left out on purpose: opening files and mending a torn last line (output/files.py).
"""

import csv
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from iecread.resume import ResumeError, read_time, whole_lines


class LogEnd(NamedTuple):
    """How far a file of events goes.

    Attributes:
        start: the newest time; None: ask for all.
        known: the entries of the file, their cells behind their time.
    """

    start: datetime | None
    known: Counter[tuple[object, ...]]

    def is_new(self, time: datetime | None, cells: Sequence[str]) -> bool:
        """Whether the next entry of an answer is missing in the file.

        Args:
            time: its time; None: an impossible one.
            cells: its cells, as they stand in a CSV.
        """
        key = (time or cells[0], *cells[1:])
        if not self.known[key]:
            return True
        self.known[key] -= 1
        return False


def from_csv(
    lines: Iterable[str], columns: Sequence[str], *, meter: str, channel: str
) -> LogEnd:
    """See how far the text of a CSV goes.

    Args:
        lines: with their line ends; a last line without one does not count.
        columns: those that the file must have, beginning with time, meter, channel.
        meter: as in the column of that name.
        channel: the log.

    Raises:
        ResumeError: the first line is not the header of such a file.
    """
    source = whole_lines(lines)
    header = next(source, "").lstrip("\ufeff").rstrip("\r\n")
    known: Counter[tuple[object, ...]] = Counter()
    if not header:
        return LogEnd(None, known)
    if header.split(",") != list(columns):
        raise ResumeError(f"no header of events: {header[:80]!r}")
    newest: datetime | None = None
    try:
        for cells in csv.reader(source):
            if len(cells) != len(columns) or cells[1:3] != [meter, channel]:
                continue
            time = read_time(cells[0])
            known[(time or cells[0], *cells[1:])] += 1
            if time is not None and (newest is None or time > newest):
                newest = time
    except csv.Error as error:
        raise ResumeError(f"the file of events is damaged: {error}") from error
    return LogEnd(newest, known)
