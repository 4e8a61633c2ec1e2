"""Rows of load profiles and logs to where they are wanted, while they arrive.

Unlike a readout, a profile may take an hour: rows are written as they come, whole
lines at a time, so that a line that breaks costs nothing that was there.  A file that
is not appended to still appears at the end only, with what was verified by then; a
database grows like one that is.
"""

import os
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple, TextIO, TypeVar

from iecread.cli.context import Surroundings
from iecread.cli.exitcodes import UsageError
from iecread.cli.outputoptions import OutputOptions
from iecread.cli.writing import begun, check_output, chosen_format, database
from iecread.errors import IecReadError, OutputError
from iecread.output.rows import iso, plain
from iecread.output.rowtext import Cell, cell_text, lines
from iecread.output.rowtext import header as csv_header
from iecread.output.sink import Sink
from iecread.output.text import printable
from iecread.template import is_database

if TYPE_CHECKING:
    from iecread.output.sqliterows import Values

FORMATS = ("table", "csv", "json", "jsonl")

T = TypeVar("T")

_BATCH = 256  # rows
_PATIENCE = 0.5  # seconds that a row waits for others, where a person looks


class Column(NamedTuple):
    """A column of rows.

    Attributes:
        name: its name in CSV, its key in JSON.
        width: characters in a table, to the right where negative; 0: not in a table.
        empty: what stands in a table where there is nothing.
    """

    name: str
    width: int
    empty: str = ""


class RowWriter:
    """Writes rows as the output options say; a context manager.

    Args:
        around: the surroundings.
        out: the output options.
        columns: of each row.

    Attributes:
        format: the format, never ``auto``; ``sqlite`` for a database.
        rows: how many came.

    Raises:
        UsageError: the options do not go together.
        OutputError: the file cannot be written, or has another header.
    """

    def __init__(
        self, around: Surroundings, out: OutputOptions, columns: Sequence[Column]
    ) -> None:
        timed = {"time", "channel"} <= {column.name for column in columns}
        self.format, to_terminal = begun(around, out, readings=timed)
        if self.format not in (*FORMATS, "sqlite"):
            raise UsageError(f"rows cannot be written as {self.format}", "say -f csv")
        self.rows = 0
        self._columns = columns
        self._utc = out.utc
        self._hurry = to_terminal
        self._pending: list[Sequence[Cell]] = []
        self._last = time.monotonic()
        head = ""
        if self.format == "csv":
            head = csv_header([column.name for column in columns])
        elif self.format == "table":
            head = self._line([column.name for column in columns])
        self._table: _Table | None = None
        self._sink: Sink | None = None
        if self.format == "sqlite":
            self._table = _Table(out, columns, around.meter or "")
        else:
            file = None if out.output == "-" else out.output
            self._sink = Sink(file, out.append, head)

    def __enter__(self) -> "RowWriter":
        return self

    def add(self, row: Sequence[Cell], record: int | None = None) -> None:
        """Take a row, a cell for each column.

        Args:
            row: the cells.
            record: number of the record of an archive that it is part of, by which a
                database tells those of one time apart (``sqliterows.number_of``).

        Raises:
            OutputError: it could not be written.
        """
        self._pending.append(row)
        if self._table is not None:
            self._table.take(row, record)
        waited = time.monotonic() - self._last > _PATIENCE
        if len(self._pending) >= _BATCH or (self._hurry and waited):
            self.flush()

    def flush(self) -> None:
        """Write what is pending."""
        rows, self._pending = self._pending, []
        self._last = time.monotonic()
        if not rows:
            return
        first, self.rows = not self.rows, self.rows + len(rows)
        if self._table is not None:
            self._table.store()
        if self._sink is None:
            return
        if self.format == "csv":
            self._sink.write(lines(rows, utc=self._utc))
        elif self.format == "table":
            self._sink.write("".join(self._line(self._texts(row)) for row in rows))
        elif self.format == "jsonl":
            self._sink.write("".join(self._json(row) + "\n" for row in rows))
        else:
            self._sink.write("[\n" if first else ",\n")
            self._sink.write(",\n".join(map(self._json, rows)))

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if isinstance(error, OutputError | BrokenPipeError):
            if self._sink is not None:
                self._sink.abort()
            return
        self.flush()
        if self._sink is None:
            return
        if self.format == "json" and (self.rows or error is None):
            self._sink.write("\n]\n" if self.rows else "[]\n")
        # What was verified before the meter broke off is kept
        if error is None or (isinstance(error, IecReadError) and self.rows):
            self._sink.commit()
        else:
            self._sink.abort()

    def _texts(self, row: Sequence[Cell]) -> list[str]:
        return [cell_text(cell, self._utc) for cell in row]

    def _line(self, texts: Sequence[str]) -> str:
        cells = [
            printable(text or column.empty).rjust(-column.width)
            if column.width < 0
            else printable(text or column.empty).ljust(column.width)
            for text, column in zip(texts, self._columns, strict=True)
            if column.width
        ]
        return "  ".join(cells).rstrip() + "\n"

    def _json(self, row: Sequence[Cell]) -> str:
        import json

        parts = []
        for cell, column in zip(row, self._columns, strict=True):
            if isinstance(cell, Decimal):
                text = plain(cell)  # a float would change its digits
            elif isinstance(cell, datetime):
                text = json.dumps(iso(cell, self._utc))
            else:
                text = json.dumps(cell)
            parts.append(f'"{column.name}": {text}')
        return "{" + ", ".join(parts) + "}"


def going_on(out: OutputOptions) -> OutputOptions:
    """The output options of a command that goes on where a file ends.

    Raises:
        UsageError: there is no file, or it is none of rows.
    """
    if out.output == "-":
        raise UsageError("--from last needs a file", "name one with -o FILE")
    out = out._replace(append=True)
    check_output(out, readings=True)
    if is_database(out.output):
        return out
    if chosen_format(out.format_, out.output, False) != "csv":
        raise UsageError(
            "--from last goes on with a CSV or a database",
            "name a .csv or .db, leave -f out",
        )
    return out._replace(format_="csv")


def read_back(path: str, read: Callable[[TextIO], T]) -> T | None:
    """What ``read`` makes of the CSV that is there; None if there is none.

    Raises:
        OutputError: it cannot be read, or is something else.
    """
    from iecread.resume import ResumeError

    if not os.path.exists(path):
        return None
    try:
        with open(path, encoding="utf-8", newline="") as file:
            return read(file)
    except (ResumeError, UnicodeDecodeError) as error:
        raise OutputError(
            f"cannot go on with {path!r}: {error}", "use another file"
        ) from error
    except OSError as error:
        raise OutputError(f"cannot read {path!r}: {error.strerror}") from error


class _Table:
    """Rows that go into a database."""

    def __init__(
        self, out: OutputOptions, columns: Sequence[Column], meter: str
    ) -> None:
        from iecread.output.sqliterows import Numbering

        self._store = database(out)
        self._out = out
        self._columns = [column.name for column in columns]
        self._meter = meter
        self._numbering = Numbering()
        self._pending: list[Values] = []

    def take(self, row: Sequence[Cell], record: int | None) -> None:
        from iecread.output.sqliterows import row_values

        columns, utc = self._columns, self._out.utc
        self._pending.append(
            row_values(columns, row, self._numbering, self._meter, utc, record)
        )

    def store(self) -> None:
        values, self._pending = self._pending, []
        self._store.put_values(self._out.output, values)
