"""Rows of load profiles, archives and logs as CSV: cells of any kind to safe text.

A row is a cell for each column.  Numbers keep their digits, texts go through
``csv_cell``; several words in one cell are joined by ``;``.
"""

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal

from iecread.output.rows import iso, plain
from iecread.output.text import csv_cell

Cell = datetime | Decimal | str | tuple[str, ...] | None

PROFILE = ("time", "meter", "serial", "channel", "register", "value", "unit", "flags")
"""The columns of load profile and archive rows."""


def cell_text(cell: Cell, utc: bool = False) -> str:
    """A cell as plain text.

    Args:
        cell: what it holds.
        utc: times in UTC and not with the offset they have.
    """
    if isinstance(cell, datetime):
        return iso(cell, utc)
    if isinstance(cell, Decimal):
        return plain(cell)
    return ";".join(cell) if isinstance(cell, tuple) else cell or ""


def header(columns: Sequence[str], style: str = "comma") -> str:
    """The first line of a CSV of rows.

    Args:
        columns: their names.
        style: ``comma`` or ``excel-semicolon``.
    """
    if style == "excel-semicolon":
        return "\ufeff" + ";".join(columns) + "\r\n"
    return ",".join(columns) + "\n"


def lines(
    rows: Iterable[Sequence[Cell]], *, utc: bool = False, style: str = "comma"
) -> str:
    """Rows as lines of a CSV.

    Args:
        rows: a cell for each column.
        utc: times in UTC.
        style: ``comma`` or ``excel-semicolon``.
    """
    excel = style == "excel-semicolon"

    def text(cell: Cell) -> str:
        if isinstance(cell, Decimal):  # its sign is no formula
            return plain(cell).replace(".", ",") if excel else plain(cell)
        shown = cell_text(cell, utc)
        return shown if isinstance(cell, datetime) else csv_cell(shown)

    out = io.StringIO(newline="")
    csv.writer(
        out,
        delimiter=";" if excel else ",",
        lineterminator="\r\n" if excel else "\n",
    ).writerows([text(cell) for cell in row] for row in rows)
    return out.getvalue()
