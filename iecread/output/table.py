"""A readout as a table for a person, drawn by rich.

Above it who was read, how, and whether the check was right; below it what was no
data set.  A number is never folded or cut, so that no part of it can be taken for
the whole: first the names give way, then long texts fold, and on a terminal
narrower than the rest the lines are as long as they must be.  All text of the meter
is made safe first and handed to rich as ``Text``, never as markup.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from iecread.output.rows import Row, iso, plain, rows, shown
from iecread.output.text import printable

if TYPE_CHECKING:  # imported when a reading comes
    from iecread.readings import Reading, Readout

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

DEFAULT_WIDTH = 100
"""Columns where there is no terminal to ask."""

_PIECE = 1000  # lines drawn at a time: rich needs kilobytes for each
_GAP = 2  # blanks between columns
_REGISTER, _UNIT = 24, 12  # columns that longer texts fold into
_NAME, _VALUE = 18, 17  # what names and long texts are worth side by side

_CHECKS = {
    "ok": ("block check ok", ""),
    "ok-sum7": ("block check ok (7-bit sum)", ""),
    "absent": ("no block check sent: values are unchecked", "yellow"),
    "off": ("block check switched off: values are unchecked", "yellow"),
    "bad": ("BLOCK CHECK WRONG: values may be wrong", "bold red"),
}
_STATUSES = {"malformed": "red", "unchecked": "yellow", "scaled": "dim", "ok": ""}


class TableFormatter:
    """Readouts as tables, an empty line between two."""

    def __init__(
        self, *, width: int | None = None, color: bool = False, utc: bool = False
    ) -> None:
        self._width = width or DEFAULT_WIDTH
        self._color = color
        self._utc = utc
        self._several = False

    def begin(self) -> str:
        return ""

    def readout(self, readout: Readout) -> str:
        gap = "\n" if self._several else ""
        self._several = True
        text = table(readout, width=self._width, color=self._color, utc=self._utc)
        return gap + text

    def end(self) -> str:
        return ""


def table(readout: Readout, *, width: int, color: bool, utc: bool = False) -> str:
    """Draw one readout.

    Args:
        readout: what was read.
        width: columns of the terminal; lines are longer only where numbers must be.
        color: colours and other escape sequences allowed.
        utc: the time of the readout in UTC.

    Returns:
        Lines without blanks at their ends (where there is no colour).
    """
    import io

    from rich.console import Console
    from rich.text import Text

    cells, numbers = _cells(readout)
    widths = _widths(cells, numbers, width)
    file = io.StringIO()
    console = Console(
        file=file,
        width=max(width, sum(widths.values()) + _GAP * len(widths)),
        height=25,
        force_terminal=color,
        color_system="standard" if color else None,
        legacy_windows=False,
        markup=False,
        emoji=False,
        highlight=False,
        _environ={},  # what the caller decided about colour and width counts
    )
    for line in _header(readout, utc):
        console.print(line, overflow="fold", width=width)
    if readout.registers:
        console.print()
        for at in range(0, len(cells["register"]), _PIECE):
            console.print(_draw(cells, widths, at))
    if readout.text:
        console.print(Text("\nnot understood:", "yellow"))
        for entry in readout.text:
            text = Text(f"  {printable(entry)}")
            console.print(text, overflow="fold", width=width)
    return "\n".join(line.rstrip() for line in file.getvalue().split("\n"))


def _header(readout: Readout, utc: bool) -> list[Text]:
    """Who was read, how, and whether it was read right."""
    from rich.text import Text

    maker = readout.manufacturer_name or readout.manufacturer
    who = (
        readout.meter,
        " ".join(part for part in (maker, readout.model) if part),
        f"serial {readout.serial}" if readout.serial else "",
    )
    how = (
        readout.identification,
        f"mode {readout.mode}" if readout.mode else "",
        f"{readout.speed} Bd" if readout.speed else "",
        f"{readout.seconds:.1f} s" if readout.seconds is not None else "",
        iso(readout.time, utc).replace("T", " "),
    )
    first, second = (printable(", ".join(filter(None, parts))) for parts in (who, how))
    title = Text()
    if readout.simulated:
        title.append("SIMULATED  ", "bold yellow")
    title.append(first or "unknown meter", "bold")
    check, style = _CHECKS.get(readout.block_check, (readout.block_check, "yellow"))
    end = Text.assemble((check, style or "dim"))
    if not readout.complete:
        end.append(", INCOMPLETE: no end, or an open bracket", "bold yellow")
    return [line for line in (title, Text(second, "dim"), end) if line]


def _digits(reading: Reading, row: Row) -> str | None:
    """A number as a person knows it from the meter; None for what is none."""
    if not isinstance(row.value, Decimal):
        return None
    digits = plain(row.value)
    if row.unit or "." in digits or reading.status == "scaled":
        return digits
    return row.raw.replace(" ", "")  # an identifier or status word: its zeros count


def _cells(readout: Readout) -> tuple[dict[str, list[str]], int]:
    """The columns as safe text, numbers padded so that their points stand in line.

    Returns:
        The texts by column, and the width of the widest number.
    """
    lines = [(reading, row) for reading in readout.registers for row in rows(reading)]
    digits = [_digits(reading, row) for reading, row in lines]
    parts = [number.partition(".") for number in digits if number is not None]
    before = max((len(whole) for whole, _, _ in parts), default=0)
    behind = max((len(point + decimals) for _, point, decimals in parts), default=0)

    def aligned(number: str) -> str:
        whole, point, decimals = number.partition(".")
        return whole.rjust(before) + (point + decimals).ljust(behind)

    cells = {
        "register": [printable(row.register) for _, row in lines],
        "value": [
            shown(row.value) if number is None else aligned(printable(number))
            for number, (_, row) in zip(digits, lines, strict=True)
        ],
        "unit": [printable(row.unit or "") for _, row in lines],
        "name": [printable(reading.name or "") for reading, _ in lines],
        "time": [printable((r.stamp or "").replace("T", " ")) for r, _ in lines],
        "status": [r.status if r.status != "ok" else "" for r, _ in lines],
    }
    return cells, before + behind


def _widths(cells: dict[str, list[str]], numbers: int, width: int) -> dict[str, int]:
    """How wide each column is drawn; one that is not named is left out.

    Args:
        cells: texts by column.
        numbers: width of the widest number, the least for the value.
        width: what there is in all.
    """
    wanted = {
        head: max(map(len, [head, *texts]))
        for head, texts in cells.items()
        if any(texts) or head in ("register", "value")
    }
    name, value = wanted.pop("name", 0), wanted.pop("value", 0)
    for head, most in (("register", _REGISTER), ("unit", _UNIT)):
        if head in wanted:
            wanted[head] = min(wanted[head], most)
    rest = width - sum(w + _GAP for w in wanted.values())
    least = max(numbers, len("value"))
    wanted["value"] = max(least, min(value, max(rest, 1)))
    if name:
        # a long text makes room for the names, a number does not
        short = max(least, min(value, _VALUE))
        left = rest - short - _GAP
        if left >= min(name, _NAME):
            wanted["name"] = min(name, left)
            wanted["value"] = max(short, min(value, rest - wanted["name"] - _GAP))
    return {head: wanted[head] for head in cells if head in wanted}


def _draw(cells: dict[str, list[str]], widths: dict[str, int], start: int) -> Table:
    """Draw the lines from ``start`` on, as many as rich is to keep at a time."""
    from rich.table import Table
    from rich.text import Text

    drawn = Table(
        box=None,
        padding=(0, _GAP, 0, 0),
        pad_edge=False,
        header_style="dim",
        show_header=start == 0,
    )
    for head, wide in widths.items():
        drawn.add_column(Text(head), min_width=wide, max_width=wide, overflow="fold")
    columns = (cells[head][start : start + _PIECE] for head in widths)
    for line in zip(*columns, strict=True):
        texts = dict(zip(widths, line, strict=True))
        styles = {"name": "dim", "status": _STATUSES.get(texts.get("status", ""), "")}
        drawn.add_row(*(Text(t, styles.get(head, "")) for head, t in texts.items()))
    return drawn
