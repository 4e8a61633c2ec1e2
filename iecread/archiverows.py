"""Archives of LIS-200 devices: from the text of blocks to rows.

``ArchiveDecoder`` takes block by block and gives records, each with one row for every
column: the register is the column's name as the device says it, the time is that of
the record, and status and event codes have their words in ``flags``.  A record whose
own check is not ``CRC Ok`` is kept and flagged.  What came before is left out by its
numbers (ordinals.py).  The device tells summer time in its system status, so the hour
that comes twice in autumn is told apart.

Left out on purpose: I/O and requests (archives.py), and lock codes: a change log that
holds them is shown with ``***``.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta, tzinfo
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from iecread.blocktext import Problem
from iecread.lis200.archive import (
    CHECK_OK,
    Column,
    Layout,
    Role,
    RowSplitter,
    hidden,
    readable,
    time_at,
)
from iecread.lis200.archivewords import (
    event_code,
    event_word,
    is_period_end,
    is_summer,
    status_words,
)
from iecread.lis200.errors import error_number
from iecread.lis200.values import CodePage, parse
from iecread.metertime import MeterClock, Season, Stamp, read_stamp
from iecread.ordinals import Ordinals, Place, Verdict
from iecread.rows import Row

STARS = "***"
"""What stands in place of a lock code; the BK meter writes it itself."""

UNSURE = frozenset({"check-failed", "unchecked", "malformed", "time-unknown"})
"""Flags of rows that nobody should count on."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_DIGITS = 10  # of a number of a record
_MOST_PROBLEMS = 1000


class Record(NamedTuple):
    """One record of an archive.

    Attributes:
        place: its time and numbers.
        rows: one for each column that is wanted.
        sure: whether its own check was right and it was understood.
    """

    place: Place
    rows: tuple[Row, ...]
    sure: bool


class ArchiveDecoder:
    """Turns the blocks of answers into records.

    Args:
        layout: the columns.
        archive: number of the archive, for ``Row.channel``.
        zone: where the device stands; None: the zone of this computer.
        clock: what its clock follows, see ``MeterClock``.
        family: whose words status and events have, see ``archivewords.family``.
        page: code page of the device.
        columns: only these, by name or address of the source; empty: all.
        by_source: registers are addresses of sources, where they are known.
        intervals: leave out records that an event within a period made.
        numbers: the numbers of the records are wanted too, whatever ``columns`` says.
        ordinals: hand in one to go on where a file ends.
        written: registers of the newest record that the file has already.

    Attributes:
        ordinals: what is missing and what came twice.
        problems: what could not be used.
        error: number of the error that ended the last answer; None if none did.
        records: how many were given.
        failed: how many of them have a wrong check.
    """

    def __init__(
        self,
        layout: Layout,
        archive: int,
        zone: tzinfo | None = None,
        clock: str | timedelta = "local",
        *,
        family: str = "EK",
        page: CodePage = CodePage.LATIN,
        columns: Sequence[str] = (),
        by_source: bool = False,
        intervals: bool = False,
        numbers: bool = False,
        ordinals: Ordinals | None = None,
        written: Iterable[str] = (),
    ) -> None:
        self.layout = layout
        self.ordinals = ordinals or Ordinals()
        self.problems: list[Problem] = []
        self.error: int | None = None
        self.records = 0
        self.failed = 0
        self._channel = str(archive)
        self._clock = MeterClock(zone, clock)
        self._family = family
        self._page = page
        self._columns = tuple(columns)
        self._by_source = by_source
        self._intervals = intervals
        self._numbered = numbers
        self._written = frozenset(written)
        self._splitter = RowSplitter()
        self._last: datetime | None = None  # time of the record before
        self._held: list[tuple[list[str], bool]] = []

    def missing_columns(self) -> tuple[str, ...]:
        """Which of the columns that are wanted the archive does not have."""
        known = self.layout.columns
        return tuple(
            name for name in self._columns if not any(c.called(name) for c in known)
        )

    def feed(self, text: str, *, checked: bool = True) -> list[Record]:
        """Take the text of one block.

        Args:
            text: what stands between STX and ETX or EOT, Latin-1.
            checked: whether a block check vouches for it.

        Returns:
            The records in it that are new.
        """
        found: list[Record] = []
        for row in self._splitter.feed(text):
            if len(row) == 1 and (number := error_number(f"({row[0]})")) is not None:
                self.error = number
            else:
                self._take(row, checked, found)
        self._damaged()
        return found

    def finish(self) -> list[Record]:
        """Say that the answer ends here; the next one may follow.

        Returns:
            Records that could not be told from old ones before.
        """
        self._splitter.finish()
        self._damaged()
        found: list[Record] = []
        self._release(found)
        return found

    def broken(self) -> None:
        """Say that the answer broke off; it is asked for again from the last record."""
        self._splitter = RowSplitter()
        self._held.clear()
        self.error = None
        self.ordinals.again()

    # --- records -------------------------------------------------------------

    def _damaged(self) -> None:
        for line in self._splitter.damaged:
            self._problem("a record with an open bracket", line)
        self._splitter.damaged.clear()

    def _problem(self, message: str, text: str) -> None:
        if len(self.problems) < _MOST_PROBLEMS:
            self.problems.append(Problem(message, text))

    def _take(self, row: list[str], checked: bool, found: list[Record]) -> None:
        columns, fits = self.layout.fit(row)
        marks = [] if checked else ["unchecked"]
        if not fits or any(map(_CONTROL.search, row)):
            marks.append("malformed")
        check = next(
            (r for r, c in zip(row, columns, strict=True) if c.role is Role.CHECK), None
        )
        failed = check is not None and check.strip(" ") != CHECK_OK
        if failed:
            marks.append("check-failed")
        place = self._place(row, columns)
        if place is None:
            if self._last is None:
                self._problem("a record without a possible time", _shown(row))
                return
            marks.append("time-unknown")
            place = Place(*self._numbers(row, columns), self._last, "")
        verdict = self._verdict(place, row, sure=not marks)
        if verdict is Verdict.HELD:
            self._held.append((row, checked))
            if self.ordinals.held_are_new:
                self._release(found)
            return
        if self._held and self.ordinals.known_came:
            self._held.clear()
        if verdict is Verdict.REPEATED:
            return
        if place.stamp:
            self._last = place.time
        if verdict is Verdict.DIFFERENT:
            marks.append("overlap")
        event = self._event(row, columns)
        periodic = event is None or is_period_end(event)
        if not periodic and self._measures(columns):
            if self._intervals:
                return
            marks.append("event")
        written = self._written if verdict is Verdict.LAST else frozenset()
        rows = tuple(self._rows(place, row, columns, tuple(marks), written))
        if rows or verdict is not Verdict.LAST:
            self.records += 1
            self.failed += failed
            found.append(Record(place, rows, not UNSURE & set(marks)))

    def _release(self, found: list[Record]) -> None:
        held, self._held = self._held, []
        if not held or self.ordinals.known_came:
            return
        columns, _ = self.layout.fit(held[0][0])
        place = self._place(held[0][0], columns)
        if place is not None:
            self.ordinals.begin_anew(place.time)
            for row, checked in held:
                self._take(row, checked, found)

    def _verdict(self, place: Place, row: list[str], *, sure: bool) -> Verdict:
        last = self.ordinals.last
        follows = (
            last is not None
            and last.number is not None
            and place.number == last.number + 1
            and place.time >= last.time
        )
        if not sure and not follows:  # its numbers and its time are in doubt
            return self.ordinals.take_unsure(row)
        return self.ordinals.take(place, row)

    def _place(self, row: list[str], columns: Sequence[Column]) -> Place | None:
        at = time_at(row, columns)
        stamp = None if at is None else read_stamp(row[at])
        if at is None or stamp is None:
            return None
        summer: bool | None = None
        for column, content in zip(columns, row, strict=True):
            if column.role is Role.STATUS and not column.status:
                summer = is_summer(content)
        time = self._instant(stamp.wall, summer)
        return Place(*self._numbers(row, columns), time, row[at].strip(" "))

    def _numbers(
        self, row: list[str], columns: Sequence[Column]
    ) -> tuple[int | None, int | None]:
        found: dict[Role, int] = {}
        for column, content in zip(columns, row, strict=True):
            if column.role in (Role.ORDINAL, Role.GLOBAL):
                text = content.strip(" ")
                if text.isascii() and text.isdigit() and len(text) <= _DIGITS:
                    found[column.role] = int(text)
        return found.get(Role.ORDINAL), found.get(Role.GLOBAL)

    def _instant(self, wall: datetime, summer: bool | None) -> datetime:
        """The point in time; the device's word counts where it can be two.

        A clock that is set by hand may be in summer time without saying so: that a
        device says nothing is no winter time where only one reading is possible.
        """
        clock = self._clock
        plain = clock.instant(Stamp(wall, None), self._last)
        if summer is None:
            return plain
        if summer:
            return clock.instant(Stamp(wall, Season.SUMMER))
        seasons = (Season.SUMMER, Season.WINTER)
        first, second = (clock.instant(Stamp(wall, season)) for season in seasons)
        readings = {clock.stamp(moment).wall for moment in (first, second)}
        return second if readings == {wall} else plain

    # --- rows ----------------------------------------------------------------

    def _event(self, row: list[str], columns: Sequence[Column]) -> int | None:
        for column, content in zip(columns, row, strict=True):
            if column.role is Role.EVENT:
                return event_code(content)
        return None

    def _measures(self, columns: Sequence[Column]) -> bool:
        """Whether the archive has measurements: not so a log of events."""
        return any(c.role is Role.VALUE and (c.unit or c.source) for c in columns)

    def _rows(
        self,
        place: Place,
        row: list[str],
        columns: tuple[Column, ...],
        marks: tuple[str, ...],
        written: frozenset[str],
    ) -> Iterable[Row]:
        secret = hidden(row)
        names = _registers(columns, self._by_source)
        time = next((at for at, c in enumerate(columns) if c.role is Role.TIME), None)
        for at, (column, content) in enumerate(zip(columns, row, strict=True)):
            if at == time and place.stamp or names[at] in written:
                continue
            good = column.role is Role.CHECK and content.strip(" ") == CHECK_OK
            if good or not self._wanted(column):
                continue
            words: tuple[str, ...] = ()
            if column.role is Role.STATUS:
                words = status_words(content, column.status, self._family)
            elif column.role is Role.EVENT:
                code = event_code(content)
                words = () if code is None else (event_word(code, self._family),)
            raw, value, unit = content, *self._value(content)
            if at in secret:
                raw, value, unit = STARS, STARS, None
            register, flags = names[at], words + marks
            yield Row(
                place.time,
                self._channel,
                register,
                value,
                raw,
                unit or column.unit,
                flags,
            )

    def _wanted(self, column: Column) -> bool:
        if self._numbered and column.role in (Role.ORDINAL, Role.GLOBAL):
            return True
        return not self._columns or any(map(column.called, self._columns))

    def _value(self, content: str) -> tuple[Decimal | str | None, str | None]:
        if content.startswith("(") and content.endswith(")"):
            content = content[1:-1]  # BK: a change log has brackets in brackets
        if not content.isascii():
            content = readable(content, self._page)
        found = parse(content, self._page)
        return found.value, found.unit


@lru_cache(maxsize=64)
def _registers(columns: tuple[Column, ...], by_source: bool) -> tuple[str, ...]:
    """The register of each column; a source that is there twice does not tell."""
    if not by_source:
        return tuple(column.register for column in columns)
    sources = [str(column.source) if column.source else "" for column in columns]
    return tuple(
        source if source and sources.count(source) == 1 else column.register
        for source, column in zip(sources, columns, strict=True)
    )


def _shown(row: Sequence[str]) -> str:
    secret = hidden(row)
    parts = [STARS if at in secret else text for at, text in enumerate(row)]
    return "".join(f"({part})" for part in parts)
