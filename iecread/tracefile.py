"""A trace that is read: the file that ``capture`` writes, line by line.

The first line is the header, each further one a ``Record``.  People write such files
by hand and cut them, so every line is doubted: one that is none of a trace is named by
its number, and a last line that was torn when the run was killed is left out.  What
the records mean to a session is up to ``replay``.
"""

import json
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TextIO

from iecread.capture import SCHEMA
from iecread.errors import PortError

_LINE = 1 << 20  # characters of a line, at most
_LONGEST = 1e9  # seconds of a recording


@dataclass(frozen=True, slots=True)
class Record:
    """One line of a trace.

    Attributes:
        line: its number in the file, from 1.
        t: seconds since the recording began.
        kind: ``tx``, ``rx`` or the name of an event.
        data: the bytes of tx and rx.
        values: all that the line says.
    """

    line: int
    t: float
    kind: str
    data: bytes = b""
    values: Mapping[str, Any] = field(default_factory=dict)


class Trace:
    """A trace that is read line by line.

    Args:
        path: the file.

    Attributes:
        path: the file.
        header: the first line.

    Raises:
        PortError: it cannot be read, or is no trace.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        try:
            if not stat.S_ISREG(os.stat(path).st_mode):
                raise OSError(0, "it is no plain file")
            with self._opened() as file:
                first = file.readline(_LINE)
        except (OSError, ValueError) as error:
            why = (getattr(error, "strerror", None) or str(error)).lower()
            raise PortError(
                f"cannot read the recording {path!r}: {why}",
                "name a file that --trace wrote: replay://FILE",
            ) from error
        self.header = _object(first)
        if self.header.get("iecread") != "trace":
            raise PortError(
                f"{path!r} is no recording",
                "to read what a meter sent in whatever form: iecread decode",
            )
        schema = self.header.get("schema")
        if not isinstance(schema, int) or schema > SCHEMA:
            raise PortError(
                f"{path!r} is a recording of a newer iecread (schema {schema!r})",
                "update iecread",
            )

    def _opened(self) -> TextIO:
        return open(self.path, encoding="utf-8", errors="replace")

    def records(self) -> Iterator[Record]:
        """Yield the records; a last line that is torn is left out.

        Raises:
            PortError: a line is none of a trace.
        """
        t = 0.0
        with self._opened() as file:
            for number, text in enumerate(iter(lambda: file.readline(_LINE), ""), 1):
                if number == 1 or not text.strip():
                    continue
                record = _record(number, text, t)
                if record is None:
                    if len(text) < _LINE and not text.endswith("\n"):
                        return  # the run was killed while it wrote
                    raise PortError(
                        f"line {number} of the recording {self.path!r} cannot be read",
                        "it has t, and dir and hex or event",
                    )
                t = record.t
                yield record


def _object(text: str) -> dict[str, Any]:
    with suppress(ValueError, RecursionError):
        found = json.loads(text)
        if isinstance(found, dict):
            return found
    return {}


def _record(number: int, text: str, before: float) -> Record | None:
    values = _object(text)
    t = values.get("t", before)
    direction, event = values.get("dir"), values.get("event")
    if isinstance(t, bool) or not isinstance(t, int | float) or not values:
        return None
    if not 0 <= t <= _LONGEST:  # no NaN either
        return None
    if direction in ("tx", "rx"):
        try:
            return Record(number, float(t), direction, bytes.fromhex(values["hex"]))
        except (KeyError, TypeError, ValueError):
            return None
    return Record(number, float(t), str(event), values=values)
