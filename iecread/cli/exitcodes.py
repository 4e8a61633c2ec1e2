"""Exit codes: one table, from which errors, ``help exit-codes`` and tests draw.

Errors carry the name of their code (``kind``, see errors.py); the numbers live here
and nowhere else.  What people rely on changes only by addition.
"""

from collections.abc import Iterable
from typing import NamedTuple

from iecread.errors import IecReadError


class ExitCode(NamedTuple):
    """One line of the table.

    Attributes:
        number: the status that the process ends with.
        name: the ``kind`` of the error.
        meaning: what happened.
        retry: whether the same command may succeed later; empty where it cannot be
            asked.
    """

    number: int
    name: str
    meaning: str
    retry: str = ""


EXIT_CODES = (
    ExitCode(0, "ok", "all asked for was read and stored"),
    ExitCode(1, "internal", "a bug in iecread (says how to report it)", "no"),
    ExitCode(2, "usage", "wrong command line", "no"),
    ExitCode(
        3, "partial", "some meters or registers failed, the rest is stored", "yes"
    ),
    ExitCode(4, "config", "configuration missing or wrong, or forbids it", "no"),
    ExitCode(
        5, "port", "missing, no permission, setting not supported, lost", "after fixing"
    ),
    ExitCode(6, "busy", "port held by another program past --wait", "yes"),
    ExitCode(
        7, "no-answer", "no answer, or the meter fell silent within a message", "yes"
    ),
    ExitCode(
        8,
        "protocol",
        "block check, parity or framing wrong after all repeats",
        "yes",
    ),
    ExitCode(9, "refused", "the meter said no", "never by itself"),
    ExitCode(
        10,
        "output",
        "result could not be written, or the file has another header",
        "after fixing",
    ),
    ExitCode(11, "check", "read, but a check failed, such as the serial", "look"),
    ExitCode(129, "hangup", "the terminal was closed"),
    ExitCode(130, "interrupted", "Ctrl-C"),
    ExitCode(141, "broken-pipe", "the reader of stdout is gone"),
    ExitCode(143, "terminated", "SIGTERM"),
)

NUMBERS = {code.name: code.number for code in EXIT_CODES}


def common(statuses: Iterable[int]) -> int:
    """The exit status of several: 0, the common one if all failed alike, else 3."""
    found = set(statuses) or {0}
    return found.pop() if len(found) == 1 else NUMBERS["partial"]


class UsageError(IecReadError):
    """The command line is wrong, seen only after it was parsed."""

    kind = "usage"


class PartialError(IecReadError):
    """Some of what was asked for is missing; the rest is written."""

    kind = "partial"
