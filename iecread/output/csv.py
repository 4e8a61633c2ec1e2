"""CSV: one row for each register (long) or for each readout (wide).

RFC 4180 by the standard library's writer; a cell never holds a line end, so the
last LF of a file always ends a row.  Text goes through ``csv_cell``, numbers are
plain digits.  The wide layout has the columns asked for and, since a value must
never look better checked than it is, a last column ``status``: the worst of its
cells.  Style ``excel-semicolon`` is what a spreadsheet in most of Europe opens by a
double click: ``;``, decimal comma, byte order mark, CR LF.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from iecread.errors import ConfigError
from iecread.obis import ANY, Pattern, read_template
from iecread.output.rows import Value, iso, plain, rows
from iecread.output.text import csv_cell

if TYPE_CHECKING:  # imported when a reading comes
    from iecread.readings import Readout

LONG = (
    *("time", "meter", "serial", "register", "name"),
    *("value", "unit", "stamp", "status"),
)
# in this order: the first that applies
_STATUS = ("malformed", "unchecked", "scaled", "ok")


class CsvFormatter:
    """Readouts as CSV.

    Args:
        layout: ``long`` or ``wide``.
        style: ``comma`` or ``excel-semicolon``.
        registers: the columns of the wide layout, as codes in any form; a cell has
            the first register of the readout that its code means.
        names: names of columns, by code; else the code is the name.
        utc: times in UTC.

    Raises:
        ValueError: no such layout or style, or no register code.
        ConfigError: the wide layout without registers, or with a code that means
            several.
    """

    def __init__(
        self,
        layout: str = "long",
        style: str = "comma",
        registers: Sequence[str] = (),
        names: Mapping[str, str] | None = None,
        *,
        utc: bool = False,
    ) -> None:
        if layout not in ("long", "wide"):
            raise ValueError(f"no such layout: {layout!r}")
        if style not in ("comma", "excel-semicolon"):
            raise ValueError(f"no such style: {style!r}")
        self._excel = style == "excel-semicolon"
        self._wide = layout == "wide"
        self._utc = utc
        self._columns = [Pattern.parse(code) for code in registers]
        self._names = [(names or {}).get(code, code) for code in registers]
        if self._wide:
            self._check_columns(registers)
            self._check_names()

    @staticmethod
    def _check_columns(registers: Sequence[str]) -> None:
        if not registers:
            raise ConfigError(
                "the wide layout needs a list of registers, one for each column",
                'name them, as in registers = ["1.8.0", "2.8.0"], or use the long one',
            )
        for code in registers:
            if ANY in (read_template(code.upper().replace("X", "x")) or ()):
                raise ConfigError(
                    f"{code!r} means several registers but is one column",
                    "write one code for each column of the wide layout",
                )

    def _check_names(self) -> None:
        taken = {*LONG[:3], "status"}
        for name in self._names:
            if name in taken:
                raise ConfigError(
                    f"the wide layout has two columns called {name!r}",
                    "give one of the registers another name",
                )
            taken.add(name)

    def begin(self) -> str:
        mark = "\ufeff" if self._excel else ""
        if not self._wide:
            return mark + self._text([LONG])
        names = map(csv_cell, self._names)
        return mark + self._text([(*LONG[:3], *names, "status")])

    def readout(self, readout: Readout) -> str:
        head = (
            iso(readout.time, self._utc),
            csv_cell(readout.meter or ""),
            csv_cell(readout.serial or ""),
        )
        if self._wide:
            return self._text([self._wide_row(head, readout)])
        return self._text(self._long_rows(head, readout))

    def end(self) -> str:
        return ""

    def is_whole(self, line: bytes) -> bool:
        """Whether a line without its end lacks nothing else: its status is there."""
        text = line.decode("utf-8", "replace")
        try:
            cells = next(csv.reader([text], delimiter=";" if self._excel else ","))
        except (csv.Error, StopIteration):
            return False
        columns = len(LONG) if not self._wide else len(self._columns) + 4
        return len(cells) == columns and cells[-1] in _STATUS

    def _long_rows(
        self, head: tuple[str, ...], readout: Readout
    ) -> Iterable[tuple[str, ...]]:
        for reading in readout.registers:
            name = csv_cell(reading.name) if reading.name else ""
            stamp = csv_cell(reading.stamp) if reading.stamp else ""
            for row in rows(reading):
                yield (
                    *head,
                    csv_cell(row.register),
                    name,
                    self._cell(row.value),
                    csv_cell(row.unit) if row.unit else "",
                    stamp,
                    reading.status,
                )

    def _wide_row(self, head: tuple[str, ...], readout: Readout) -> tuple[str, ...]:
        found = [
            next((r for r in readout.registers if column.matches(r.register)), None)
            for column in self._columns
        ]
        cells = [self._cell(reading and reading.value) for reading in found]
        seen = {reading.status for reading in found if reading}
        return (*head, *cells, next((s for s in _STATUS if s in seen), ""))

    def _cell(self, value: Value) -> str:
        if not isinstance(value, Decimal):
            return csv_cell(value or "")
        text = plain(value)
        return text.replace(".", ",") if self._excel else text

    def _text(self, table: Iterable[tuple[str, ...]]) -> str:
        text = io.StringIO(newline="")
        csv.writer(
            text,
            delimiter=";" if self._excel else ",",
            lineterminator="\r\n" if self._excel else "\n",
        ).writerows(table)
        return text.getvalue()
