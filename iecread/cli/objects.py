"""Objects to where they are wanted: what ``ports``, ``identify`` and the like found.

An object is a mapping, the same keys each time.  In JSON it stands as it is; in CSV
each key is a column, yes and no stand for true and false, lists are joined with
``;``.  What a table or bare values are, the command itself says.
"""

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any

from iecread.cli.context import Surroundings
from iecread.cli.outputoptions import OutputOptions
from iecread.cli.writing import begun
from iecread.output.rowtext import Cell, lines
from iecread.output.rowtext import header as csv_header
from iecread.output.sink import Sink


class ObjectWriter:
    """Writes objects as the output options say; a context manager.

    Args:
        around: the surroundings.
        out: the output options.
        columns: keys of each object, in the order of the columns.

    Attributes:
        format: the format, never ``auto``.
        terminal: whether a person looks at it.

    Raises:
        UsageError: the options do not go together.
        OutputError: the file cannot be written, or has another header.
    """

    def __init__(
        self, around: Surroundings, out: OutputOptions, columns: Sequence[str]
    ) -> None:
        self.format, self.terminal = begun(around, out)
        self._columns = columns
        head = csv_header(columns) if self.format == "csv" else ""
        self._sink = Sink(None if out.output == "-" else out.output, out.append, head)

    def __enter__(self) -> "ObjectWriter":
        self._sink.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._sink.__exit__(kind, error, trace)

    def write(
        self,
        objects: Sequence[Mapping[str, Any]],
        *,
        text: str = "",
        alone: bool = False,
    ) -> None:
        """Write what was found.

        Args:
            objects: for CSV and JSON.
            text: of a table or of bare values.
            alone: whether JSON is the one object, and no array.
        """
        import json

        if self.format == "csv":
            text = lines([_cell(row[key]) for key in self._columns] for row in objects)
        elif self.format == "jsonl":
            text = "".join(json.dumps(row) + "\n" for row in objects)
        elif self.format == "json" and alone:
            text = "".join(json.dumps(row, indent=1) + "\n" for row in objects)
        elif self.format == "json":
            rows = ",\n".join(json.dumps(row) for row in objects)
            text = f"[\n{rows}\n]\n" if rows else "[]\n"
        self._sink.write(text)


def _cell(value: Any) -> Cell:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return tuple(_words(part) for part in value)
    return _words(value)


def _words(value: Any) -> str:
    """A value in a list, or by itself, as text."""
    if isinstance(value, dict):
        return " ".join(map(str, value.values()))
    return f"{value:g}" if isinstance(value, float) else str(value)
