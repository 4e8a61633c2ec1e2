"""Load profiles: from the text of answers to rows (protocol.md 8.2, 8.3).

``ProfileDecoder`` takes text or data sets in any pieces and gives rows, one for each
channel and interval.  A header says the time of the first row below it, the period
and the channels; brackets are then counted, so rows may be on one line or on several.
Where whole rows of plain numbers follow one another, one regular expression takes
them all at once.  Meters without headers send the time in front of each row.

An answer is never refused as a whole: rows that are sure are kept, what is not is
named in ``problems``, and rows whose time or columns are in doubt are left out up to
the next header.  Left out on purpose: I/O, requests (profilerequest.py), archives of
LIS-200 devices (their rows fit into ``Row``).
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta, tzinfo
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from itertools import chain, cycle, groupby, islice, repeat
from operator import itemgetter

from iecread import profileheader
from iecread.blocktext import (
    Problem,
    WholeLines,
    channel_of,
    contents,
    is_channel,
    refusal,
)
from iecread.continuity import Continuity, Verdict
from iecread.errors import RemoteProtocolError
from iecread.metertime import MeterClock, read_stamp
from iecread.profileheader import BadHeaderError, Header
from iecread.protocol.datasets import Cut, DataSet, cut
from iecread.readings import parse_value
from iecread.rows import Row
from iecread.statuswords import status_table

# What is decoded at a time where a profile is streamed: short-lived rows are cheap
_PIECE = 1 << 11  # characters
_BATCH = 32  # data sets

# Numbers that need no second look, of at most 15 digits, and no measurement
_PLAIN = r"[+-]?[0-9]{1,7}+(?:\.[0-9]{1,8}+)?+"
_NUMBER = re.compile(_PLAIN)
_BRACKET = rf"\((?:{_PLAIN}|-*+)\)"
_LINE = re.compile(r"[^\r\n]*[\r\n]*")
_MASS_STAMP = re.compile(r"[0-9]{2}-[0-9]{2}-[0-9]{2},[0-9]{2}:[0-9]{2}(?::[0-9]{2})?")
_NO_VALUE = " -.,:"  # what a bracket without measurement is made of

_new = tuple.__new__  # quicker than the constructor of a named tuple


class Outcome(Enum):
    """What an answer holds."""

    ROWS = "rows"
    EMPTY = "nothing in this interval"
    REFUSED = "refused"
    DAMAGED = "damaged"


class ProfileDecoder:
    """Turns the answers to one request, or to the chunks of one, into rows.

    Args:
        zone: where the meter hangs; None: the zone of this computer.
        clock: what its clock follows, see ``MeterClock``.
        channel: name of the profile where the answer does not tell.
        table: names of the status bits, see ``statuswords``.
        period: how far rows are apart, for profiles without header; None: not known.
        columns: codes and units of the columns, for profiles without header.
        partial: whether a header that comes again word for word goes on with the rows
            (R6: it is repeated in each block) or begins anew.  None: it goes on unless
            the row behind it is the same again, too.
        continuity: follows the rows; hand in one to follow them over several
            decoders.

    Attributes:
        continuity: gaps and overlaps found.
        problems: what could not be used.
        text: what is no part of a profile, as sent.
        refusal: the error text of the meter, empty if there was none.
        rows: how many intervals were decoded, repeated ones included.

    Raises:
        ValueError: no such clock or table.
    """

    def __init__(
        self,
        zone: tzinfo | None = None,
        clock: str | timedelta = "local",
        *,
        channel: str = "P.01",
        table: str = "vdew",
        period: timedelta | None = None,
        columns: Sequence[tuple[str, str | None]] = (),
        partial: bool | None = None,
        continuity: Continuity | None = None,
    ) -> None:
        self.continuity = continuity or Continuity()
        self.problems: list[Problem] = []
        self.text: list[str] = []
        self.refusal = ""
        self.rows = 0
        self._clock = MeterClock(zone, clock)
        self._table = status_table(table)
        self._channel = channel
        self._period = period
        self._columns = columns
        self._partial = partial
        self._lines = WholeLines()
        self._marks: tuple[str, ...] = ()
        self._cut_off = False
        self._last: datetime | None = None  # time of the row before
        self._begin_answer()

    def _begin_answer(self) -> None:
        self._heading: list[str] = []  # brackets of a header that is not whole yet
        self._heading_channel = ""
        self._header: Header | None = None
        self._lost = False  # rows up to the next header are in doubt
        self._pending: list[str] = []  # brackets of a row that is not whole yet
        self._layout: list[int] = []  # how many of them each line has
        self._pattern: re.Pattern[str] | None = None
        self._times: Iterator[datetime] = iter(())
        self._further: Iterator[datetime] | None = None  # of a header that came again
        self._first_row: list[str] | None = None
        self._stamp = ""  # of a row without header

    # --- what callers use ----------------------------------------------------

    def feed(self, text: str | bytes, *, checked: bool = True) -> list[Row]:
        """Take a piece of what stands between STX and ETX or EOT.

        Args:
            text: cut anywhere; bytes without their parity bit.
            checked: whether a block check vouches for it.

        Returns:
            The rows that are whole now.
        """
        lines = self._lines.push(text)
        self._marks = () if checked else ("unchecked",)
        return self._take_lines(lines)

    def feed_data_sets(self, data_sets: Iterable[DataSet]) -> list[Row]:
        """Take data sets, each of which is, with its brackets, on one line."""
        rows: list[Row] = []
        for (malformed, checked), run in groupby(data_sets, itemgetter(2, 3)):
            self._marks = () if checked else ("unchecked",)
            if malformed:
                self._marks = (*self._marks, "malformed")
                for data_set in run:
                    self._take(data_set.address, data_set.brackets, rows)
            else:  # as text again, since whole runs of rows are quicker
                lines = [f"{address}{brackets}\n" for address, brackets, _, _ in run]
                rows += self._take_lines("".join(lines))
        return rows

    def finish(self, *, ended: bool = True) -> list[Row]:
        """Say that the answer ends here; the next one may follow.

        Args:
            ended: whether its end was seen.

        Returns:
            The rows of a last line without line end.
        """
        rest = self._lines.rest()
        whole = rest.rfind(")") + 1
        if "(" in rest[whole:]:
            self._cut_off = True
            rest = rest[:whole]
        rows = self._take_lines(rest)
        if self._heading:
            self._cut_off = True
            self._problem("header ends early", self._heading)
        if self._pending or self._stamp:
            self._cut_off = True
            self._problem("row ends early", [self._stamp, *self._pending])
        if not ended:
            self._cut_off = True
        self._begin_answer()
        return rows

    def stream_data_sets(self, data_sets: Iterable[DataSet]) -> Iterator[Row]:
        """Decode the data sets of one answer, in bounded memory."""
        source = iter(data_sets)
        while batch := list(islice(source, _BATCH)):
            yield from self.feed_data_sets(batch)
        yield from self.finish()

    def stream(self, pieces: Iterable[str | bytes]) -> Iterator[Row]:
        """Decode one answer from pieces of any size, in bounded memory."""
        for piece in pieces:
            for at in range(0, len(piece), _PIECE):
                yield from self.feed(piece[at : at + _PIECE])
        yield from self.finish()

    @property
    def complete(self) -> bool:
        """Whether every answer was whole and every part of it was understood."""
        return not self._cut_off and not self.problems

    @property
    def outcome(self) -> Outcome:
        """What came, after ``finish``."""
        if self.rows:
            return Outcome.ROWS
        if self.refusal:
            return Outcome.REFUSED
        return Outcome.EMPTY if self.complete else Outcome.DAMAGED

    def error(self) -> RemoteProtocolError | None:
        """What is wrong with the answers, as an error to raise; None if nothing."""
        if self.problems:
            first, more = self.problems[0], len(self.problems) - 1
            message = f"load profile: {first.message} ({first.text[:60]!r})"
            if more:
                message += f", and {more} more such"
        elif self._cut_off:
            message = "load profile: the answer breaks off"
        else:
            return None
        return RemoteProtocolError(message, "ask again for the rows that are missing")

    # --- lines and data sets -------------------------------------------------

    def _take_lines(self, text: str) -> list[Row]:
        rows: list[Row] = []
        at, end = 0, len(text)
        while at < end:
            if self._pattern and not (self._pending or self._heading):
                match = self._pattern.match(text, at)
                if match:
                    self._run(match[0], rows)
                    at = match.end()
                    continue
            match = _LINE.match(text, at)
            assert match is not None
            at = match.end()
            self._take_line(match[0], rows)
        return rows

    def _take_line(self, line: str, rows: list[Row]) -> None:
        found = Cut()
        cut(line, True, found)
        marks = self._marks
        for address, brackets, malformed, _ in found.data_sets:
            self._marks = (*marks, "malformed") if malformed else marks
            self._take(address, brackets, rows)
        self._marks = marks
        for text in found.text:
            if is_channel(text.strip(" ")):  # MASS: a line of its own
                self._begin_answer()
                self._channel = channel_of(text.strip(" "))
            elif self._lost or not ("(" in text or ")" in text):
                self.text.append(text)
            else:  # perhaps a row: the times of those below it are in doubt
                self._lose("line is damaged", text)

    def _take(self, address: str, brackets: str, rows: list[Row]) -> None:
        parts = contents(brackets)
        if address:
            self._open(address, parts, rows)
        elif self._heading:
            self._extend(parts, rows)
        elif self._header:
            self._values(parts, rows)
        elif self._lost and not _MASS_STAMP.fullmatch(parts[0].strip(" ")):
            self.text.append(brackets)
        else:
            self._without_header(parts, rows)

    def _open(self, address: str, parts: list[str], rows: list[Row]) -> None:
        """A data set with an address: a header, a refusal, or something else."""
        if self._heading:
            self._lose("header ends early", *self._heading)
        if self._pending or self._stamp:
            self._wrong_length()
        channel = channel_of(address)
        if _MASS_STAMP.fullmatch(parts[0].strip(" ")) and len(parts) < 4:
            self._begin_answer()
            self._channel = channel
            self._without_header(parts, rows)
        elif read_stamp(parts[0]) and (len(parts) > 3 or is_channel(address)):
            self._heading_channel = channel
            self._extend(parts, rows)
        else:
            self._begin_answer()
            said = refusal(parts)
            if said is not None and (said or is_channel(address)):
                self.refusal = self.refusal or said
            elif is_channel(address):
                self._lose("header is not understood", *parts)
            else:
                self._lost = True
                self.text.append(f"{address}({')('.join(parts)})")

    # --- headers -------------------------------------------------------------

    def _extend(self, parts: list[str], rows: list[Row]) -> None:
        """Brackets of a header, which may go on on the next line."""
        heading = self._heading
        try:
            profileheader.check_next(heading, parts)
            heading += parts
            size = profileheader.size(heading)
            if size is None or len(heading) < size:
                return
            self._heading, rest = [], heading[size:]
            del heading[size:]
            self._begin(tuple(heading))
        except BadHeaderError as error:
            self._lose(str(error), *heading)
            return
        if rest:
            self._values(rest, rows)

    def _begin(self, brackets: tuple[str, ...]) -> None:
        """Begin the rows of a header that is whole.

        Raises:
            BadHeaderError: it is none.
        """
        channel = self._heading_channel
        before = self._header
        again = (
            before is not None
            and before.brackets == brackets
            and before.profile[0] == channel
            and self._first_row is not None
        )
        if again and self._partial:
            return
        further, first_row = self._times, self._first_row
        self._begin_answer()
        header = profileheader.read(
            channel, brackets, self._clock, self._last, self._table
        )
        self._header = header
        self._times = self._row_times(header)
        if len(header.profile) > 1:
            self._pattern = _pattern((len(header.profile) - 1,))
        if again and self._partial is None:
            self._further, self._first_row = further, first_row

    def _row_times(self, header: Header) -> Iterator[datetime]:
        if header.period is None:
            return repeat(header.first)
        return self._clock.series(header.first, header.period)

    # --- rows ----------------------------------------------------------------

    def _values(self, parts: list[str], rows: list[Row]) -> None:
        """Brackets of one line below a header."""
        assert self._header is not None
        size = len(self._header.profile) - 1
        pending = self._pending
        pending += parts
        self._layout.append(len(parts))
        if len(pending) < size:
            return
        if not size or len(pending) % size:
            self._wrong_length()
            return
        self._pattern = _pattern(tuple(self._layout))
        self._pending, self._layout = [], []
        lists = [pending[at : at + size] for at in range(0, len(pending), size)]
        self._rows(lists, rows)

    def _wrong_length(self) -> None:
        if self._header:
            size = len(self._header.profile) - 1
            message = f"header announces {size} channels, a row has another length"
        else:
            message = "row without values"
        self._lose(message, self._stamp, *self._pending)

    def _run(self, text: str, rows: list[Row]) -> None:
        """Lines that are whole rows of plain numbers below a header."""
        header = self._header
        assert header is not None
        flat = text.replace("\r", "").replace("\n", "")[1:-1].split(")(")
        channel, size = header.profile[0], len(header.profile) - 1
        lists = [flat[at : at + size] for at in range(0, len(flat), size)]
        if self._first_row is None or self._further:
            self._rows(lists[:1], rows)
            del lists[:1], flat[:size]
        if not lists or not self._header:
            return
        try:
            times = list(islice(self._times, len(lists)))
        except OverflowError:
            self._lose("rows go beyond the calendar", *lists[0])
            return
        if not header.period or not self.continuity.take_new(
            header.profile, times, lists, header.period
        ):
            self._rows(lists, rows, iter(times))
            return
        self._last = times[-1]
        self.rows += len(times)
        values: Iterable[Decimal | None] = map(Decimal, flat)
        if "()" in text or "-)" in text:
            values = [Decimal(raw) if raw.strip("-") else None for raw in flat]
        # All in C: this is where the time of a long profile goes
        fields = zip(
            chain.from_iterable(map(repeat, times, repeat(size))),
            repeat(channel),
            cycle(header.profile[1:]),
            values,
            flat,
            cycle(header.units),
            repeat(header.further_flags + self._marks),
        )
        rows += map(_new, repeat(Row), fields)

    def _rows(
        self,
        lists: list[list[str]],
        rows: list[Row],
        times: Iterator[datetime] | None = None,
    ) -> None:
        """Whole rows below a header, each a list of brackets."""
        header = self._header
        assert header is not None
        profile, period, units = header.profile, header.period, header.units
        for raws in lists:
            first, flags = self._begin_row(header, raws)
            try:
                time = next(times or self._times)
            except OverflowError:
                self._lose("rows go beyond the calendar", *raws)
                return
            verdict = Verdict.NEW
            if first or period:
                verdict = self.continuity.take(profile, time, raws, period)
            self._last = time
            self.rows += 1
            if verdict is Verdict.REPEATED:
                continue
            if verdict is Verdict.DIFFERENT:
                flags = (*flags, "overlap")
            for code, raw, unit in zip(profile[1:], raws, units, strict=True):
                value, raw, own = _value(raw)
                row = (time, profile[0], code, value, raw, own or unit, flags)
                rows.append(_new(Row, row))

    def _begin_row(
        self, header: Header, raws: list[str]
    ) -> tuple[bool, tuple[str, ...]]:
        """Whether a row is the first below its header, and its flags."""
        if self._further is not None:
            further, self._further = self._further, None
            if raws != self._first_row:
                self._times = further  # the header came again among its rows
            else:
                self._first_row = None
        if self._first_row is None:
            self._first_row = raws
            return True, header.first_flags + self._marks
        if header.period is None:
            return False, (*header.further_flags, "time-unknown", *self._marks)
        return False, header.further_flags + self._marks

    def _without_header(self, parts: list[str], rows: list[Row]) -> None:
        """A line of rows that carry their time: ``(yy-mm-dd,hh:mm)(v1,v2,…)``."""
        values: list[str] = []
        said = refusal(parts)
        if said is not None and not self._stamp:
            self.refusal = self.refusal or said
            return
        for part in parts:
            if not _MASS_STAMP.fullmatch(part.strip(" ")):
                values += part.split(",")
                continue
            if values:
                self._timed_row(values, rows)
                values = []
            elif self._stamp:
                self._wrong_length()
            self._stamp = part.strip(" ")
        if values:
            self._timed_row(values, rows)

    def _timed_row(self, values: list[str], rows: list[Row]) -> None:
        text, self._stamp = self._stamp, ""
        stamp = read_stamp(text)
        if stamp is None:
            message = "row without a possible time" if text else "row without a header"
            self._lose(message, text, *values)
            return
        names: list[tuple[str, str | None]] = [*self._columns[: len(values)]]
        names += [(f"[{n}]", None) for n in range(len(names) + 1, len(values) + 1)]
        profile = (self._channel, *[code for code, _ in names])
        time = self._clock.instant(stamp, self._last, self._period)
        verdict = self.continuity.take(profile, time, values, self._period)
        self._last = time
        self.rows += 1
        if verdict is Verdict.REPEATED:
            return
        flags = ("overlap",) if verdict is Verdict.DIFFERENT else ()
        for (code, unit), raw in zip(names, values, strict=True):
            value, raw, own = _value(raw)
            row = (time, self._channel, code, value, raw, own or unit)
            rows.append(Row(*row, flags + self._marks))

    # --- trouble -------------------------------------------------------------

    def _lose(self, message: str, *parts: str) -> None:
        """Leave out what follows up to the next header."""
        self._problem(message, parts)
        self._begin_answer()
        self._lost = True

    def _problem(self, message: str, parts: Iterable[str]) -> None:
        self.problems.append(Problem(message, "".join(f"({part})" for part in parts)))


@lru_cache(maxsize=64)
def _pattern(layout: tuple[int, ...]) -> re.Pattern[str]:
    """Finds rows of plain numbers whose lines have so many brackets each."""
    lines = (rf"(?:{_BRACKET}){{{count}}}[\r\n]++" for count in layout)
    return re.compile(rf"(?:{''.join(lines)})++")


def _value(text: str) -> tuple[Decimal | str | None, str, str | None]:
    """Value, text and unit of one bracket; dashes are no measurement."""
    if _NUMBER.fullmatch(text):
        return Decimal(text), text, None
    raw, unit = DataSet("", f"({text})").groups[0]
    if not raw.strip(_NO_VALUE):
        return None, raw, unit
    return parse_value(raw), raw, unit
