"""Reading an archive of a LIS-200 device: asking, going on, filling gaps.

``ArchiveReader`` asks a session for the header rows and then, with R3, for the records
in partial blocks, and yields them while they arrive.  A limit that the device does not
find is left out and kept here; what was overwritten or is damaged is passed over.  Its
state outlives the session: ``read_archive`` opens the next one when a session breaks
and goes on with the newest good record.  Records that are missing by their numbers are
asked for once more (a clock that was set back hides them from a range of time).  Some
devices refuse a whole range where they cannot read one record of it (#0110): then it
is halved until that record is alone.

Left out on purpose: lines and locks (lis200session.py), and files.
"""

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Protocol

from iecread.archiveresume import Tail
from iecread.archiverows import ArchiveDecoder, Record
from iecread.blocktext import Problem
from iecread.errors import (
    IecReadError,
    NoAnswerError,
    RefusedError,
    RemoteProtocolError,
)
from iecread.lis200.address import Address, echo_of
from iecread.lis200.archive import (
    PART_ROWS,
    Layout,
    Role,
    RowSplitter,
    limit,
    request,
)
from iecread.lis200.archivewords import archive_names, archive_number, family
from iecread.lis200.errors import (
    BAD_RECORD,
    EMPTY,
    LOCKED,
    NO_ARCHIVE,
    NO_LOWER,
    NO_READ_RIGHT,
    NO_UPPER,
    OVERWRITTEN,
    TOO_MANY_OPEN,
    WRONG_CODE,
    ErrorTable,
    Lis200Refused,
)
from iecread.lis200.values import CodePage
from iecread.metertime import MeterClock
from iecread.ordinals import Missing, Ordinals, Place
from iecread.protocol.messages import Command

_TIME_COLUMN = 3  # where software looks for it that reads no names (8.2)
_MOST_RESTARTS = 5  # of one answer without a new record
_MOST_FILLED = 50  # gaps that are asked for once more
_MOST_PIECES = 400  # requests for pieces of a range
_MOST_RECORDS = 1 << 16  # read in one go; archives have some thousand (lis200.md 8.5)
_MOST_STALE = 1 << 14  # blocks in a row that bring nothing new
_SECOND = timedelta(seconds=1)
_FIRST = datetime(2000, 1, 1)  # no record that counts is older
# A session more may help: another reader's archive is closed, our lock opened again
_PASSING = (TOO_MANY_OPEN, NO_READ_RIGHT)
# What is refused so is refused for the whole archive
_FINAL = (*_PASSING, WRONG_CODE, LOCKED)


class ArchiveSession(Protocol):
    """What is needed of an open session."""

    @property
    def type_text(self) -> str:
        """The type of the device, ``EK260``."""

    @property
    def is_bk(self) -> bool:
        """Whether it is a BK meter, with layouts and manners of its own."""

    def ask(self, command: Command) -> str:
        """Send a read; return the text between STX and ETX.

        Raises:
            Lis200Refused: the device said no.
        """

    def blocks(self, command: Command, *, ack_last: bool = False) -> Iterator[str]:
        """Send a read; yield the text of each block of the answer.

        Args:
            command: R3.
            ack_last: whether the last block is acknowledged, too.

        Raises:
            Lis200Refused: the device said no.
        """


@dataclass(frozen=True, slots=True)
class ArchiveRequest:
    """What is wanted of an archive.

    Attributes:
        archive: number, or a name such as ``month``, ``period``, ``events``.
        start: time of the first record, aware; None: the oldest.
        end: time of the last one, aware; None: the newest.
        zone: where the device stands; None: the zone of this computer.
        clock: what its clock follows, see metertime.MeterClock.
        part: records in a partial block, 1 to 999.
        columns: only these, by name or address of the source; empty: all.
        by_source: registers are addresses of the sources and not names.
        intervals: leave out records that an event within a period made.
        numbers: the numbers of the records are wanted too, whatever ``columns`` says:
            a file can be gone on with where they stand in it.
    """

    archive: int | str
    start: datetime | None = None
    end: datetime | None = None
    zone: tzinfo | None = None
    clock: str | timedelta = "local"
    part: int = PART_ROWS
    columns: tuple[str, ...] = ()
    by_source: bool = False
    intervals: bool = False
    numbers: bool = False


@dataclass(frozen=True, slots=True)
class _Limits:
    """What one request asks for, and which limits are kept here."""

    position: int | None = None
    lower: str = ""
    upper: str = ""
    keep_start: bool = False
    keep_end: bool = False


class _EndlessError(RemoteProtocolError):
    """More has come than is in any archive: another session would be no better."""


class ArchiveReader:
    """Reads one archive, over as many sessions as it takes.

    Args:
        wanted: what is asked for.
        find_tail: looks where a file ends when the archive's number is known; None:
            there is no file.  Reading goes on behind, instead of at ``wanted.start``.

    Attributes:
        number: of the archive; 0 until a session has told the type of the device.
        ordinals: what is missing and what came twice.
        layout: the columns; None until they were read.
        known: the record where the file ends; None where there is none.
    """

    def __init__(
        self,
        wanted: ArchiveRequest,
        find_tail: Callable[[int], Tail | None] | None = None,
    ) -> None:
        self.wanted = wanted
        self.number = 0
        self.ordinals = Ordinals()
        self.layout: Layout | None = None
        self.known: Place | None = None
        self._find_tail = find_tail
        self._clock = MeterClock(wanted.zone, wanted.clock)
        self._start = wanted.start
        self._decoder: ArchiveDecoder | None = None
        self._filled: set[int] = set()
        self._suspects: list[tuple[int | None, str]] = []
        self._pieces = 0

    @property
    def records(self) -> int:
        """How many records were given."""
        return self._decoder.records if self._decoder else 0

    @property
    def failed(self) -> int:
        """How many of them have a wrong check."""
        return self._decoder.failed if self._decoder else 0

    @property
    def problems(self) -> list[Problem]:
        """What could not be used."""
        return self._decoder.problems if self._decoder else []

    def error(self) -> RemoteProtocolError | None:
        """What is wrong with the answers, as an error to raise; None if nothing."""
        if not self.problems:
            return None
        problem = self.problems[0]
        return RemoteProtocolError(
            f"archive {self.number}: {problem.message} ({problem.text[:60]!r})",
            "ask again for the records that are missing",
        )

    def broken(self) -> None:
        """Say that the session broke: the next one goes on with the newest record."""
        if self._decoder is not None:
            self._decoder.broken()

    def count(self, session: ArchiveSession) -> int | None:
        """How many records there are in the range; None where it is not told."""
        self._prepare(session)
        limits = self._limits()
        for attribute in ("A", "A.0"):  # two spellings (8.1)
            text = request(
                self.number,
                attribute,
                position=limits.position,
                lower=limits.lower,
                upper=limits.upper,
            )
            try:
                answer = session.ask(_read(text))
            except Lis200Refused as error:
                if error.number == EMPTY:
                    return 0
                if error.number in _FINAL:
                    raise
                continue
            rows = RowSplitter().feed(answer)
            number = rows[0][0].strip(" ") if rows else ""
            return int(number) if number.isascii() and number.isdigit() else None
        return None

    def read(self, session: ArchiveSession) -> Iterator[Record]:
        """Yield the records that are new, while they arrive.

        Raises:
            Lis200Refused: the device said no.
            RefusedError: it has no such archive or column.
            NoAnswerError: it fell silent; go on in another session.
            RemoteProtocolError: what came stayed damaged; the same.
        """
        self._prepare(session)
        self._suspects.clear()
        limits: _Limits | None = self._limits()
        restarts, before = 0, self.ordinals.last
        while limits is not None:
            refused = yield from self._request(session, limits)
            if refused is None or refused.number == EMPTY:
                break
            restarts = 0 if self.ordinals.last != before else restarts + 1
            before = self.ordinals.last
            if refused.number == BAD_RECORD:
                limits = None if restarts else self._behind()
                if limits is None:
                    start, end = self._reached(), self._wall_time(self.wanted.end)
                    yield from self._piecemeal(session, start, end)
            else:
                limits = self._other_limits(limits, refused, restarts)
        yield from self._fill(session)
        self._damaged_records()

    def _request(
        self, session: ArchiveSession, limits: _Limits
    ) -> Generator[Record, None, Lis200Refused | None]:
        """Ask once; yield what is new, and return what the device said no with."""
        decoder = self._decoder
        assert decoder is not None
        decoder.broken()
        refused: Lis200Refused | None = None
        text = request(
            self.number,
            position=limits.position,
            lower=limits.lower,
            upper=limits.upper,
            rows=self.wanted.part,
        )
        try:
            yield from self._answer(session, text, limits)
        except Lis200Refused as error:
            refused = error
        if decoder.error is not None:  # behind blocks that were good
            refused = self._refused(session, decoder.error)
        yield from self._within(decoder.finish(), limits)
        return refused

    def _answer(
        self, session: ArchiveSession, text: str, limits: _Limits
    ) -> Iterator[Record]:
        assert self._decoder is not None
        command = Command("R3", text.encode("ascii"))
        stale = 0
        for block in session.blocks(command, ack_last=session.is_bk):
            before = self.records
            yield from self._within(self._decoder.feed(block), limits)
            stale = stale + 1 if self.records == before else 0
            if stale > _MOST_STALE:
                raise self._endless(f"{stale} blocks in a row brought nothing new")
            if self.records > _MOST_RECORDS:
                raise self._endless(f"{self.records} records, and no end")

    def _endless(self, what: str) -> RemoteProtocolError:
        return _EndlessError(
            f"archive {self.number}: {what}",
            "ask for a shorter range; the device or the line is out of order",
        )

    # --- what to ask for -----------------------------------------------------

    def _prepare(self, session: ArchiveSession) -> None:
        if self._decoder is not None:
            return
        wanted, bk = self.wanted, session.is_bk
        self.number = _number(wanted.archive, session)
        page = CodePage.CYRILLIC if bk else CodePage.LATIN
        # BK: attribute 4 is no source but a class of data
        rows = [self._header(session, a) for a in ("2", "3", *(() if bk else ("4",)))]
        self.layout = Layout(*rows, page=page, selector=bk)
        tail = self._find_tail(self.number) if self._find_tail else None
        if tail is not None:
            self._start, self.known = tail.place.time, tail.place
            self.ordinals = Ordinals(tail.place)
        decoder = ArchiveDecoder(
            self.layout,
            self.number,
            wanted.zone,
            wanted.clock,
            family="BK" if bk else family(session.type_text),
            page=page,
            columns=wanted.columns,
            by_source=wanted.by_source,
            intervals=wanted.intervals,
            numbers=wanted.numbers,
            ordinals=self.ordinals,
            written=tail.registers if tail else (),
        )
        if missing := decoder.missing_columns():
            known = ", ".join(column.register for column in self.layout.columns)
            raise RefusedError(
                f"archive {self.number} has no column {missing[0]!r}",
                f"it has: {known}" if known else "the device does not name its columns",
            )
        self._decoder = decoder

    def _header(self, session: ArchiveSession, attribute: str) -> list[str]:
        """One of the header rows; an archive may be without some of them."""
        text = request(self.number, attribute)
        try:
            answer = session.ask(_read(text))
        except Lis200Refused as error:
            if error.number == NO_ARCHIVE:
                raise self._no_archive(session) from error
            if error.number in _FINAL:
                raise
            return []
        echo = echo_of(answer)
        if not Address(self.number, None).answered_by(echo):
            raise RemoteProtocolError(f"{echo!r} answered the question for {text}")
        rows = RowSplitter().feed(answer)
        return rows[0] if rows else []

    def _no_archive(self, session: ArchiveSession) -> RefusedError:
        names = archive_names(session.type_text)
        known = ", ".join(f"{name} ({number})" for name, number in names.items())
        return RefusedError(
            f"{session.type_text} has no archive {self.number}", f"it may have: {known}"
        )

    def _limits(self) -> _Limits:
        """The range as it is asked for first, or after a session broke."""
        assert self.layout is not None
        last = self.ordinals.last
        if last is not None:
            lower = last.stamp or self._wall(last.time)
        else:
            lower = self._wall(self._start)
        position = self.layout.position(Role.TIME)
        return _Limits(position, lower, self._wall(self.wanted.end))

    def _wall(self, moment: datetime | None) -> str:
        return limit(self._wall_time(moment))

    def _wall_time(self, moment: datetime | None) -> datetime | None:
        return None if moment is None else self._clock.stamp(moment).wall

    def _other_limits(
        self, limits: _Limits, refused: Lis200Refused, restarts: int
    ) -> _Limits:
        """What to ask for after an error (7.1)."""
        number, last = refused.number, self.ordinals.last
        if restarts > _MOST_RESTARTS:
            raise refused
        if number in (NO_LOWER, NO_UPPER) and (limits.lower or limits.upper):
            # the one that it names; if there is none of that name, the other
            lowest = number == NO_LOWER
            if limits.lower and (lowest or not limits.upper):
                return replace(limits, lower="", keep_start=True)
            return replace(limits, upper="", keep_end=True)
        if refused.info.name == "no-column" and limits.position != _TIME_COLUMN:
            return replace(self._limits(), position=_TIME_COLUMN)
        if number == OVERWRITTEN:
            if last is not None and limits.lower != last.stamp:
                return self._limits()
            return replace(limits, lower="", keep_start=True)
        raise refused

    def _problem(self, message: str, text: str) -> None:
        if self._decoder is not None:
            self._decoder.problems.append(Problem(message, text))

    def _within(self, records: Sequence[Record], limits: _Limits) -> Iterator[Record]:
        """Leave out what the device sent although it was not asked for."""
        start = self.wanted.start if limits.keep_start else None
        end = self.wanted.end if limits.keep_end else None
        for record in records:
            time = record.place.time
            if (start and time < start) or (end and time > end):
                continue
            yield record

    # --- records that cannot be read -----------------------------------------

    def _behind(self) -> _Limits | None:
        """Behind the record that follows the newest one; None where it has no number.

        That works with devices that send what stands before a damaged record.
        """
        assert self.layout is not None
        position, last = self.layout.position(Role.ORDINAL), self.ordinals.last
        if position is None or last is None or last.number is None:
            return None
        self._suspects.append((last.number + 1, f"behind {last.stamp}"))
        lower = str(last.number + 2)
        return _Limits(position, lower, keep_start=True, keep_end=True)

    def _reached(self) -> datetime | None:
        """The time of the device's clock from which on records are wanted."""
        last = self.ordinals.last
        return self._wall_time(self._start if last is None else last.time)

    def _piecemeal(
        self, session: ArchiveSession, low: datetime | None, high: datetime | None
    ) -> Iterator[Record]:
        """Read a range of which a record is damaged: by halves, the older one first.

        Args:
            session: an open session.
            low: of the device's clock; None: from the oldest record.
            high: the same; None: to the newest.
        """
        assert self.layout is not None
        before = self.ordinals.last
        position = self.layout.position(Role.TIME)
        limits = _Limits(position, limit(low), limit(high))
        refused = yield from self._request(session, limits)
        while refused is not None and refused.number in (NO_LOWER, NO_UPPER):
            limits = self._other_limits(limits, refused, 0)
            refused = yield from self._request(session, limits)
        self._pieces += 1
        if refused is None or refused.number == EMPTY:
            return
        if refused.number != BAD_RECORD or self._pieces > _MOST_PIECES:
            raise refused
        if self.ordinals.last != before:
            low = self._reached()
        now = datetime.now(UTC) + timedelta(days=1)
        first = low or _FIRST
        last = high or self._wall_time(max(now, self.wanted.end or now)) or first
        if first >= last:
            self._suspects.append((None, f"of {limit(first)}"))
            return
        middle = first + (last - first) // 2
        middle = middle.replace(microsecond=0)
        yield from self._piecemeal(session, low, middle)
        yield from self._piecemeal(session, middle + _SECOND, high)

    def _damaged_records(self) -> None:
        """Say which records the device could not read, unless they came after all."""
        missing, last = self.ordinals.missing, self.ordinals.last
        told: set[int] = set()
        for number, where in self._suspects:
            if number is not None and number in told:
                continue
            told |= {number} if number is not None else set()
            newest = last.number if last is not None else None
            if number is not None and newest is not None and number <= newest:
                if not any(gap.first <= number <= gap.last for gap in missing):
                    continue
            name = "a record" if number is None else f"record {number}"
            text = f"{name} {where} is damaged in the device"
            self._problem(text, f"(#{BAD_RECORD:04d})")

    # --- records that are missing --------------------------------------------

    def _fill(self, session: ArchiveSession) -> Iterator[Record]:
        """Ask for missing records by their numbers, once."""
        assert self.layout is not None and self._decoder is not None
        position = self.layout.position(Role.ORDINAL)
        if position is None:
            return
        for gap in tuple(self.ordinals.missing):
            if gap.first in self._filled or len(self._filled) >= _MOST_FILLED:
                continue
            self._filled.add(gap.first)
            self.ordinals.fill(True)
            try:
                yield from self._numbered(session, position, gap.first, gap.last)
            finally:
                self.ordinals.fill(False)

    def _numbered(
        self, session: ArchiveSession, position: int, first: int, last: int
    ) -> Iterator[Record]:
        """Ask for records by their numbers."""
        limits = _Limits(position, str(first), str(last), True, True)
        refused = yield from self._request(session, limits)
        if refused is None:
            return
        if refused.number in _FINAL:
            raise refused
        self._pieces += 1
        if refused.number != BAD_RECORD or self._pieces > _MOST_PIECES:
            return  # they are overwritten
        if first == last:
            self._suspects.append((first, "of a gap"))
            return
        middle = (first + last) // 2
        yield from self._numbered(session, position, first, middle)
        yield from self._numbered(session, position, middle + 1, last)

    def _refused(self, session: ArchiveSession, number: int) -> Lis200Refused:
        table = ErrorTable.BK if session.is_bk else ErrorTable.CLASSIC
        return Lis200Refused(number, f"archive {self.number}", table)


def _number(archive: int | str, session: ArchiveSession) -> int:
    if isinstance(archive, int):
        return archive
    number = archive_number(archive, session.type_text)
    if number is None:
        known = ", ".join(archive_names(session.type_text))
        raise RefusedError(
            f"{session.type_text} has no archive {archive!r}",
            f"say its number, or one of: {known}",
        )
    return number


def _read(text: str) -> Command:
    return Command("R1", text.encode("ascii"))


def read_archive(
    reader: ArchiveReader,
    connect: Callable[[], AbstractContextManager[ArchiveSession]],
    *,
    retries: int = 2,
    rest: Callable[[], None] = lambda: None,
    note: Callable[[str], None] = lambda line: None,
) -> Generator[Record]:
    """Read an archive, opening another session when one breaks.

    Close the generator where it is not read to its end: that closes the session.

    Args:
        reader: what is read; it knows afterwards what is missing.
        connect: opens a session with a lock open; each is closed again.
        retries: sessions more without a new record.
        rest: waits between two sessions.
        note: is told of each break.

    Raises:
        Lis200Refused, RefusedError: the device said no.
        NoAnswerError, RemoteProtocolError: it broke off in all sessions; what was
            read before was yielded.
        PortError: the line was lost.
    """
    failures = 0
    while True:
        before = reader.ordinals.last
        try:
            with connect() as session:
                yield from reader.read(session)
            return
        except IecReadError as error:
            if not _passing(error, reader):
                raise
            failures = 1 if reader.ordinals.last != before else failures + 1
            if failures > retries:
                raise
            note(f"{error.message}: another session goes on behind what is there")
            reader.broken()
            rest()


def _passing(error: IecReadError, reader: ArchiveReader) -> bool:
    """Whether another session may help."""
    if isinstance(error, Lis200Refused):
        if error.number == NO_READ_RIGHT:
            return reader.layout is not None  # a lock was open, and closed by itself
        return error.number == TOO_MANY_OPEN
    if isinstance(error, _EndlessError):
        return False
    return isinstance(error, NoAnswerError | RemoteProtocolError)


__all__ = [
    "ArchiveReader",
    "ArchiveRequest",
    "ArchiveSession",
    "Missing",
    "read_archive",
]
