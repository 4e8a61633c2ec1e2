"""Archives: how they are asked for, and what the brackets of an answer are.

``request`` writes ``3:V.0(3;from;to;10)``.  ``rows`` cuts the text of one block into
rows; a row ends at a line end, at the end of its block, and behind its check, since
saved answers have rows of two blocks on one line.  ``Layout`` knows the columns by the
header rows: what one is for is told by its source address first and by its name
second, since names differ between languages (``Vb``).  Header and rows may differ in
length (BK), so a row is fitted and never zipped blindly.  Left out: times, and what the
values mean (archiverows.py).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum
from functools import lru_cache

from iecread.lis200.address import CODE, Address
from iecread.lis200.archivewords import event_code
from iecread.lis200.values import (
    CodePage,
    brackets,
    format_time,
    parse_time,
    unescape,
    unit_text,
)
from iecread.protocol.datasets import closing

MOST_ROWS = 999  # of a partial block (8.2)
PART_ROWS = 10
"""Rows of a partial block: the common choice."""

CHECK_OK = "CRC Ok"

_LINE_END = re.compile(r"[\r\n]+")
_CHECK = re.compile(r"CRC\b.{0,24}", re.I | re.S)
_ADDRESS = re.compile(r"0*[0-9]{1,4}:[0-9A-Fa-f]{1,4}(?:_[0-9]{1,2})?(?:\.[0-9A-Z])?")
_LONGEST_ROW = 1 << 16  # characters
# Lock codes; passwords of the modem and of the server, PIN (13.4)
_SECRETS = (CODE, 0xD23, 0xD2A, 0x772)
_DEFAULT_TIME = 3  # position of the time where the names do not tell


class Role(Enum):
    """What a column is for."""

    GLOBAL = "number among all records of the device"
    ORDINAL = "number in this archive"
    TIME = "time of the record"
    VALUE = "value"
    STATUS = "status"
    EVENT = "what made the device write the record"
    CHECK = "whether the record is undamaged"


@dataclass(frozen=True, slots=True)
class Column:
    """One column of an archive.

    Attributes:
        register: its name as the device says it, made unique; else its source, or its
            place, ``[5]``.
        role: what it is for.
        unit: None where there is none.
        source: address of the value that is stored in it; None where it is not known.
        status: of a STATUS the number, 0 for the system status.
    """

    register: str
    role: Role = Role.VALUE
    unit: str | None = None
    source: Address | None = None
    status: int = 0

    def called(self, name: str) -> bool:
        """Whether a person means this column: by name, or by address of its source."""
        if name.casefold() == self.register.casefold():
            return True
        if self.source is None:
            return False
        try:
            wanted = Address.parse(name)
        except ValueError:
            return False
        return (wanted.entity, wanted.object, wanted.suffix) == (
            self.source.entity,
            self.source.object,
            self.source.suffix,
        )


def request(
    archive: int,
    attribute: str = "0",
    *,
    position: int | None = None,
    lower: str = "",
    upper: str = "",
    rows: int | None = None,
) -> str:
    """Write the data set that asks for an archive (8.2).

    Args:
        archive: its number, 1 to 99.
        attribute: ``0`` for the rows, ``2`` names, ``3`` units, ``4`` sources, ``A``
            or ``A.0`` for their number.
        position: column that the limits are about, from 1; None: the first.
        lower: the oldest value, inclusive; empty: from the oldest row.
        upper: the newest value, inclusive; empty: to the newest row.
        rows: of a partial block, 1 to 999; R3 only.

    Raises:
        ValueError: a number that cannot be, or a limit with brackets or semicolons.
    """
    if not 1 <= archive <= 99:
        raise ValueError(f"archives have numbers from 1 to 99, not {archive}")
    if rows is not None and not 1 <= rows <= MOST_ROWS:
        raise ValueError(f"a partial block has 1 to {MOST_ROWS} rows, not {rows}")
    if position is not None and not 1 <= position <= 99:
        raise ValueError(f"columns are counted from 1 to 99, not {position}")
    for limit in (lower, upper):
        if set(limit) & set("();/!") or not (
            limit.isascii() and f"{limit} "[0] > "\x1f"
        ):
            raise ValueError(f"not a limit of an archive: {limit!r}")
    what = f"{archive}:V.{attribute}"
    if attribute not in ("0", "A", "A.0"):
        return f"{what}(1)"
    limited = position is not None and (lower or upper)
    where = str(position) if limited else ""
    size = "" if rows is None else str(rows)
    return f"{what}({where};{lower};{upper};{size})"


def limit(moment: datetime | None) -> str:
    """Write a limit in time, a reading of the device's clock; empty for None."""
    return "" if moment is None else format_time(moment)


def is_check(content: str) -> bool:
    """Whether a bracket is the check of a record, right or not."""
    return _CHECK.fullmatch(content.strip(" ")) is not None


class RowSplitter:
    """Cuts the text of blocks into rows.

    Attributes:
        damaged: lines with a bracket that was never closed, in the order found.
    """

    def __init__(self) -> None:
        self.damaged: list[str] = []
        self._open = ""  # a line whose block ended within a bracket

    def feed(self, text: str) -> list[list[str]]:
        """Take the text of one block, or of a saved answer.

        Args:
            text: what stands between STX and ETX or EOT.

        Returns:
            For each row what stands in its brackets.
        """
        found: list[list[str]] = []
        lines = _LINE_END.split(self._open + text)
        self._open = ""
        for number, line in enumerate(lines, 1):
            whole = _whole(line)
            if whole < len(line):
                if number == len(lines) and len(line) <= _LONGEST_ROW:
                    self._open = line
                    return found
                self.damaged.append(line)
            found += _rows(line[:whole])
        return found

    def finish(self) -> None:
        """Say that no block follows."""
        if self._open:
            self.damaged.append(self._open)
        self._open = ""


def _rows(line: str) -> list[list[str]]:
    """The rows of one line: there are several where a check has brackets behind it."""
    found: list[list[str]] = []
    contents = brackets(line)
    if len(contents) == 1 and contents[0].startswith("("):
        contents = brackets(contents[0])  # all columns in one bracket
    row: list[str] = []
    for content in contents:
        row.append(content)
        if is_check(content):
            found.append(row)
            row = []
    if row:
        found.append(row)
    return found


def _whole(line: str) -> int:
    """How much of a line is before a bracket that stays open."""
    at = line.find("(")
    while at >= 0:
        end = closing(line, at)
        if end == -1:
            return at
        at = line.find("(", end)
    return len(line)


class Layout:
    """The columns of an archive.

    Args:
        names: the row of attribute 2; empty where there is none.
        units: that of attribute 3.
        sources: that of attribute 4.
        page: code page of the device.
        selector: whether the position in a request is none, but 1 for the number in
            the archive, 2 for the number in the device and 3 for the time (BK).

    Attributes:
        columns: by the header rows; a data row may have others, see ``fit``.
    """

    def __init__(
        self,
        names: Sequence[str] = (),
        units: Sequence[str] = (),
        sources: Sequence[str] = (),
        *,
        page: CodePage = CodePage.LATIN,
        selector: bool = False,
    ) -> None:
        self._selector = selector
        found: list[Column] = []
        used: set[str] = set()
        timed = False
        for at in range(max(len(names), len(units), len(sources))):
            name, unit, source = (
                readable(row[at], page).strip(" ") if at < len(row) else ""
                for row in (names, units, sources)
            )
            column = _column(at, name, unit_text(unit, page), source)
            if column.role is Role.TIME:
                if timed:  # the time of a maximum
                    column = replace(column, role=Role.VALUE)
                timed = True
            found.append(replace(column, register=_unique(column.register, used)))
        self.columns = tuple(found)

    def position(self, role: Role) -> int | None:
        """Where a request finds a column, from 1; None if there is none."""
        if self._selector:
            return {Role.ORDINAL: 1, Role.GLOBAL: 2, Role.TIME: 3}.get(role)
        for at, column in enumerate(self.columns, 1):
            if column.role is role:
                return at
        return _DEFAULT_TIME if role is Role.TIME else None

    def has(self, role: Role) -> bool:
        """Whether there is a column for it."""
        return any(column.role is role for column in self.columns)

    def fit(self, row: Sequence[str]) -> tuple[tuple[Column, ...], bool]:
        """The columns of a data row, and whether it has the right length.

        Some headers leave out the check, or the event and the check (BK, archive 4).
        """
        checked = is_check(row[-1]) if row else False
        events = tuple(
            at for at, text in enumerate(row) if event_code(text) is not None
        )
        return _fitted(self.columns, len(row), checked, events[:1])


@lru_cache(maxsize=256)
def _fitted(
    columns: tuple[Column, ...], size: int, checked: bool, events: tuple[int, ...]
) -> tuple[tuple[Column, ...], bool]:
    found = list(columns)
    roles = {column.role for column in columns}
    if checked and Role.CHECK not in roles:
        found.append(Column("Check", Role.CHECK))
    if len(found) + 1 == size and Role.EVENT not in roles and events:
        found.insert(events[0], Column("Event", Role.EVENT))
    if not columns:
        return _guessed(size, checked, events), True
    if len(found) == size:
        return tuple(found), True
    check = found.pop() if checked and found[-1].role is Role.CHECK else None
    found = found[: size - (check is not None)]
    while len(found) < size - (check is not None):
        found.append(Column(f"[{len(found) + 1}]"))
    return (*found, check) if check else tuple(found), False


def _guessed(size: int, checked: bool, events: tuple[int, ...]) -> tuple[Column, ...]:
    """Columns of an archive that has no header."""
    found = [Column(f"[{at}]") for at in range(1, size + 1)]
    for at in events:
        found[at] = replace(found[at], role=Role.EVENT)
    if checked:
        found[-1] = Column("Check", Role.CHECK)
    return tuple(found)


_NAMES = {
    "gono": Role.GLOBAL,
    "gonr": Role.GLOBAL,
    "aono": Role.ORDINAL,
    "aonr": Role.ORDINAL,
    "time": Role.TIME,
    "zeit": Role.TIME,
    "check": Role.CHECK,
    "er": Role.EVENT,
    "ev": Role.EVENT,
    "event": Role.EVENT,
    "eventcode": Role.EVENT,
    "s.aen": Role.EVENT,
}
_SYSTEM_STATUS = ("stsy", "st.sy", "sysst")
_STATUS_NAME = re.compile(r"st\.?([1-9])")


def _column(at: int, name: str, unit: str | None, source: str) -> Column:
    """A column by its header: the source decides, then the name (8.3)."""
    address = _source(source)
    register = name or (str(address) if address else f"[{at + 1}]")
    column = Column(register, Role.VALUE, unit, address)
    plain = name.casefold()
    if address is not None and (role := _source_role(address)) is not None:
        status = address.entity if address.object == _STATUS else 0
        return replace(column, role=role, status=status)
    if plain in _SYSTEM_STATUS:
        return replace(column, role=Role.STATUS)
    if match := _STATUS_NAME.fullmatch(plain):
        return replace(column, role=Role.STATUS, status=int(match[1]))
    return replace(column, role=_NAMES.get(plain, Role.VALUE))


_GLOBAL, _ORDINAL, _EVENTS, _CLOCK = 0x1F8, 0xA20, (0xA21, 0xA22), 0x400
_SYSTEM, _STATUS = 0x100, 0x110


def _source_role(source: Address) -> Role | None:
    number = source.object
    if number == _GLOBAL:
        return Role.GLOBAL
    if number == _ORDINAL:
        return Role.ORDINAL
    if number in _EVENTS:
        return Role.EVENT
    if number == _CLOCK and source.entity == 1 and not source.suffix:
        return Role.TIME
    if number == _STATUS or number == _SYSTEM and source.entity == 2:
        return Role.STATUS
    return None


def role_of(register: str) -> Role:
    """What a register is for, by its name or the address of its source."""
    column = _column(0, register, None, register if ":" in register else "")
    return column.role


def _source(text: str) -> Address | None:
    try:
        return Address.parse(text) if text else None
    except ValueError:
        return None


def _unique(name: str, used: set[str]) -> str:
    """A name that no column before has: ``Time`` and ``Time[2]``."""
    number, found = 1, name
    while found in used:
        number += 1
        found = f"{name}[{number}]"
    used.add(found)
    return found


def readable(text: str, page: CodePage) -> str:
    r"""Text of a device: the bytes of its code page, then ``\\xNN``.

    Args:
        text: one character for each byte, as Latin-1 gives them.
        page: the code page.
    """
    if not text.isascii() and page is not CodePage.LATIN:
        try:
            text = text.encode("latin-1").decode(page.value)
        except UnicodeError:
            pass  # a byte that it does not have: as it came
    return unescape(text, page)


def hidden(row: Sequence[str]) -> frozenset[int]:
    """The places of a row that must not be shown: a code or password, old and new.

    A change log names the address that was changed, and the two values behind it.
    """
    for at, text in enumerate(row):
        if not _ADDRESS.fullmatch(text.strip(" ")):
            continue
        changed = _source(text.strip(" "))
        if changed is not None and changed.object is not None:
            if changed.object & 0xFFF in _SECRETS:
                return frozenset(range(at + 1, min(at + 3, len(row))))
    return frozenset()


def time_at(row: Sequence[str], columns: Sequence[Column]) -> int | None:
    """The place of the time of a record; that of the first time where none is named."""
    for at, column in enumerate(columns):
        if column.role is Role.TIME:
            return at if at < len(row) else None
    for at, text in enumerate(row):
        if parse_time(text) is not None:
            return at
    return None
