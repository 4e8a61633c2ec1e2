"""What there is to say when an archive was read: how much, and what is missing.

Records are numbered without a gap, so a number that did not come is a record that is
lost.  What is missing right behind the end of a file was overwritten before it was
read; anything else is a hole in the archive.  Text only; nothing is written here.
"""

from datetime import datetime

from iecread.archiverows import Record
from iecread.archives import ArchiveReader
from iecread.ordinals import Missing, Place


class ArchiveSummary:
    """Is told of the records, and says what came of them.

    Attributes:
        rows: how many rows the records have.
        unsure: records that nobody should count on.
    """

    def __init__(self) -> None:
        self.rows = 0
        self.unsure = 0
        self._first: datetime | None = None
        self._last: datetime | None = None

    def add(self, record: Record) -> None:
        """Take the next record."""
        time = record.place.time
        self._first = min(self._first or time, time)
        self._last = max(self._last or time, time)
        self.rows += len(record.rows)
        self.unsure += not record.sure

    def lines(self, reader: ArchiveReader) -> list[str]:
        """Write the summary: one line on all, one for each trouble.

        Returns:
            Lines of text as the device sent it: escape it before it is shown.
        """
        if self._first is None or self._last is None:
            return troubles(reader)
        span = f"{_iso(self._first)} to {_iso(self._last)}"
        return [f"{_many(reader.records, 'record')}, {span}", *troubles(reader)]


def troubles(reader: ArchiveReader) -> list[str]:
    """What is missing, what came with other content, and what is damaged."""
    ordinals = reader.ordinals
    found = [_missing(gap, reader.known) for gap in ordinals.missing]
    for time in ordinals.different:
        found.append(f"overlap: a record of {_iso(time)} came again with other content")
    for time in ordinals.restarts:
        found.append(f"restart: the numbers of records begin anew at {_iso(time)}")
    if reader.failed:
        found.append(f"damaged: {_many(reader.failed, 'record')} with a wrong check")
    return found


def _missing(gap: Missing, known: Place | None) -> str:
    numbers = str(gap.first) if gap.size == 1 else f"{gap.first} to {gap.last}"
    between = f"between {_iso(gap.start)} and {_iso(gap.end)}"
    what = f"{_many(gap.size, 'record')} ({numbers})"
    if known is not None and known.number is not None and gap.first == known.number + 1:
        return f"gap: {what} overwritten before they were read, {between}"
    return f"gap: {what} missing {between}"


def _many(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def _iso(time: datetime) -> str:
    return time.isoformat(timespec="seconds")
