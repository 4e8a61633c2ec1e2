"""Where in a TOML text a key stands, for errors that point at it.

The parser gives values without their places.  A TOML text is a row of statements,
each a header or a key with its value, over one line or several; each is a TOML text
of its own.  So the lines are cut into statements by asking the same parser, which
also says which keys a statement has.  Keys within an inline table are looked for in
the text of their statement.  Done only when somebody asks, once for a text.
"""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import tomli

Path = tuple[str, ...]

_VALUE = re.compile(r"\"[^\"]*\"|'[^']*'|\[[^\]]*\]|\{[^}]*\}|[^\s,}#]+")
_CLOSES = re.compile(r"[\]}]|\"\"\"|'''")  # what can end a value of several lines


class Place(NamedTuple):
    """A place in a text; lines and columns count from 1.

    Attributes:
        line: the number of the line.
        column: where the key begins.
        width: characters of the key.
        value: column where the value begins; 0 for a header.
    """

    line: int
    column: int
    width: int
    value: int


class Places:
    """The places of all keys of a text that parses.

    Args:
        text: the whole file.
    """

    def __init__(self, text: str) -> None:
        self.lines = text.split("\n")
        self._found: dict[Path, Place] | None = None

    def of(self, path: Path) -> Place | None:
        """The place of a key or header; where it was not said, of what is around it.

        Args:
            path: the keys from the top, ``("meters", "kitchen", "baud")``.

        Returns:
            None only where not even the outermost key is there.
        """
        if self._found is None:
            self._found = {}
            self._read()
        while path:
            if path in self._found:
                return self._found[path]
            path = path[:-1]
        return None

    def excerpt(self, place: Place, *, value: bool = False) -> str:
        """Two lines: the one of the text, and carets under a key or its value."""
        line, column, width, begin = place
        text = self.lines[line - 1] if line <= len(self.lines) else ""
        text = text.rstrip("\r").expandtabs(1)
        if value and begin:
            found = _VALUE.match(text, begin - 1)
            column, width = begin, len(found[0]) if found else 1
        number = str(line)
        width = max(1, min(width, len(text) - column + 1))
        blank = " " * len(number)
        return f"  {number} | {text}\n  {blank} | {' ' * (column - 1)}{'^' * width}"

    def _read(self) -> None:
        table: Path = ()
        number = 0
        while number < len(self.lines):
            text = self.lines[number].strip()
            begin = number
            number += 1
            if not text or text.startswith("#"):
                continue
            parsed = _parsed(text)
            while parsed is None and number < len(self.lines):
                text += "\n" + self.lines[number]
                if _CLOSES.search(self.lines[number]):
                    parsed = _parsed(text)
                number += 1
            if parsed is None:
                return  # it does not parse, and the parser has said so
            if text.startswith("["):
                table = _header(parsed)
                for depth in range(1, len(table) + 1):
                    self._put(table[:depth], begin, text, 0)
            else:
                self._statement(table, parsed, begin, text)

    def _statement(
        self, table: Path, parsed: Mapping[str, Any], begin: int, text: str
    ) -> None:
        """Note the keys of ``key = value``, dotted ones and those in its braces."""
        sign = _sign(text)
        value = sign + 1 + len(text[sign + 1 :]) - len(text[sign + 1 :].lstrip())
        found: Any = parsed
        path = table
        while isinstance(found, Mapping) and len(found) == 1 and path == table:
            (key, found), *_ = found.items()
            path = (*path, key)
            while isinstance(found, Mapping) and len(found) == 1:
                (key, inner), *_ = found.items()
                if not re.search(_spelled(key), text[:sign]):
                    break
                path, found = (*path, key), inner
        for depth in range(len(table) + 1, len(path) + 1):
            self._put(path[:depth], begin, text[:sign], value)
        self._inline(path, found, begin, text, sign)

    def _inline(
        self, path: Path, found: Any, begin: int, text: str, start: int
    ) -> None:
        if not isinstance(found, Mapping):
            return
        for key, inner in found.items():
            match = re.compile(rf"{_spelled(key)}\s*=\s*").search(text, start)
            if match:
                line = text.count("\n", 0, match.start())
                head = text.rfind("\n", 0, match.start()) + 1
                indent = self._indent(begin) if not line else 0
                self._found_put(
                    (*path, key),
                    Place(
                        begin + line + 1,
                        match.start() - head + 1 + indent,
                        len(match[0].rstrip("= \t")),
                        match.end() - head + 1 + indent,
                    ),
                )
                self._inline((*path, key), inner, begin, text, match.end())

    def _indent(self, line: int) -> int:
        return len(self.lines[line]) - len(self.lines[line].lstrip())

    def _put(self, path: Path, line: int, head: str, value: int) -> None:
        indent = self._indent(line)
        width = len(head.rstrip().partition("\n")[0])
        self._found_put(
            path, Place(line + 1, indent + 1, width, value and indent + value + 1)
        )

    def _found_put(self, path: Path, place: Place) -> None:
        assert self._found is not None
        self._found.setdefault(path, place)


def _parsed(text: str) -> dict[str, Any] | None:
    try:
        return tomli.loads(text)
    except tomli.TOMLDecodeError:
        return None


def _header(parsed: Mapping[str, Any]) -> Path:
    """The keys of a header: one in the other, the last one empty."""
    path: Path = ()
    found: Any = parsed
    while isinstance(found, Mapping) and found:
        (key, found), *_ = found.items()
        path = (*path, key)
        if isinstance(found, list):  # [[...]]
            found = found[0]
    return path


def _sign(text: str) -> int:
    """Where the ``=`` of a statement stands: the first outside quotes."""
    quote = ""
    for at, character in enumerate(text):
        if quote:
            if character == quote and text[at - 1] != "\\":
                quote = ""
        elif character in "\"'":
            quote = character
        elif character == "=":
            return at
    return len(text)


def _spelled(key: str) -> str:
    """A regular expression for a key as it may be written: bare or in quotes."""
    written = re.escape(key)
    return rf"(?:(?<![\w\"'-]){written}(?![\w\"'-])|\"{written}\"|'{written}')"
