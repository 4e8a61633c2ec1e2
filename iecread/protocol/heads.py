"""Where requests and identifications begin in a line (6.3.1, 6.3.2).

A line may hold noise, data or other requests ahead of them, as on a bus or where a line
end was lost.  A ``/`` begins one at the beginning of the line, or where what follows
looks like it; within brackets it does not, since units have slashes too.
"""

import re
from collections.abc import Iterator

from iecread.protocol.datasets import closing

_MARK = re.compile(r"[(/]")
_REQUEST = re.compile(r"/(?:\?[0-9A-Za-z ]*!|[^()/!]*!(?=[ \t]*(?:\Z|/)))")
IDENTIFIED = re.compile(r"/[A-Za-z]{3}")
# Behind an open bracket "/kWh" is the end of a unit, "/LGZ5..." is not
_AFTER_BRACKET = re.compile(r"/(?=[A-Za-z]{3})(?![A-Za-z]*[ \t]*(?:/|\Z))")


def starts(line: str) -> Iterator[tuple[int, int, bool]]:
    """The requests in a line and the identification that ends it, if one does.

    Yields:
        First place, the place behind it, and whether it is an identification.
    """
    begin = len(line) - len(line.lstrip(" \t\x00\x7f"))
    at = 0
    while mark := _MARK.search(line, at):
        place = mark.start()
        if mark[0] == "(":
            if (end := closing(line, place)) != -1:
                at = end
                continue
            if behind := _AFTER_BRACKET.search(line, place):
                yield behind.start(), len(line), True
            return
        at = place + 1
        letters = IDENTIFIED.match(line, place)
        if place == begin or letters or line[at : at + 1] in ("?", "#"):
            if request := _REQUEST.match(line, place):
                at = begin = request.end()
                yield place, at, False
            elif place == begin or letters:
                yield place, len(line), True
                return
