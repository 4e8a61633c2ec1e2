"""What is wrong in meters.toml: each fault with its place, and all as one error.

A file is always checked to its end, so that whoever mends it sees everything at once.
An error of one line names the first fault and counts the others.
"""

from collections.abc import Sequence
from typing import NamedTuple

from iecread.errors import ConfigError


class ConfigFileError(ConfigError):
    """Something in meters.toml is wrong.

    Attributes:
        faults: all that was found, in the order of the file.
        excerpt: the line of the first, with carets under what is wrong.
    """

    def __init__(self, faults: Sequence["Fault"]) -> None:
        first, more = faults[0], len(faults) - 1
        hint = first.hint
        if more:
            hint += f"{'; ' if hint else ''}{more} more: iecread meters check"
        super().__init__(f"{first.where}: {first.message}", hint)
        self.faults = list(faults)
        self.excerpt = first.excerpt


class Fault(NamedTuple):
    """One thing that is wrong in a file.

    Attributes:
        where: file, line and column, as editors take them.
        line: the line, from 1; 0 for the whole file.
        message: what is wrong.
        hint: what to do.
        excerpt: the line with carets under what is wrong; may be empty.
    """

    where: str
    line: int
    message: str
    hint: str
    excerpt: str
