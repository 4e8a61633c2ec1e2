"""Readings to text: one module for each format, imported when it is asked for.

A formatter turns readouts into text and writes nothing; ``sink`` writes and knows
no format.  ``raw``, the bytes of the data block, has no formatter: there is nothing
to format.  Only ``table`` imports rich, and only when it draws.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from iecread.readings import Readout

FORMATS = ("table", "csv", "json", "jsonl", "value", "influx", "prom", "raw")


class Formatter(Protocol):
    """Readouts to text: ``begin``, any number of ``readout``, ``end``, in this order.

    All text ends in a line end or is empty.  A formatter serves one output.
    """

    def begin(self) -> str:
        """What stands before everything, such as the header of a CSV."""
        ...

    def readout(self, readout: "Readout") -> str:
        """The text of one readout; may be empty and come later."""
        ...

    def end(self) -> str:
        """What is still owed when no readout follows."""
        ...


def formatter(
    name: str,
    *,
    utc: bool = False,
    width: int | None = None,
    color: bool = False,
    layout: str = "long",
    style: str = "comma",
    registers: Sequence[str] = (),
    names: Mapping[str, str] | None = None,
) -> Formatter:
    """A new formatter.

    Args:
        name: one of FORMATS but ``raw``.
        utc: ``time`` in UTC and not with the offset it came with (table, csv, json,
            jsonl; influx and prom count in UTC anyway).
        width: columns of the terminal (table); None: as wide as need be.
        color: colours and other escape sequences allowed (table).
        layout: ``long`` or ``wide`` (csv).
        style: ``comma`` or ``excel-semicolon`` (csv).
        registers: the columns of the wide layout, as codes.
        names: column names for some of them, by code.

    Raises:
        ValueError: no such format, layout or style.
        ConfigError: the wide layout without registers that name one column each.
    """
    if name == "table":
        from iecread.output.table import TableFormatter

        return TableFormatter(width=width, color=color, utc=utc)
    if name == "csv":
        from iecread.output.csv import CsvFormatter

        return CsvFormatter(layout, style, registers, names or {}, utc=utc)
    if name == "json":
        from iecread.output.json import JsonFormatter

        return JsonFormatter(utc=utc)
    if name == "jsonl":
        from iecread.output.json import JsonLinesFormatter

        return JsonLinesFormatter(utc=utc)
    if name == "value":
        from iecread.output.value import ValueFormatter

        return ValueFormatter()
    if name == "influx":
        from iecread.output.influx import InfluxFormatter

        return InfluxFormatter()
    if name == "prom":
        from iecread.output.prom import PromFormatter

        return PromFormatter()
    raise ValueError(f"no formatter for {name!r}")
