"""Going on where a file ends that holds records of an archive.

A record is several rows of a file: one for each column, beginning with its numbers.
Several records may have the same time, so the numbers of the newest one tell where to
go on, and which of its registers are written: a program that was killed may have left
it half done.

Left out on purpose: opening files, and rows of load profiles (resume.py).
"""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from iecread.lis200.archive import Role, role_of
from iecread.ordinals import Place, is_older
from iecread.resume import read_rows


class Tail(NamedTuple):
    """The newest record of a file.

    Attributes:
        place: its time and numbers.
        registers: those that are written.
    """

    place: Place
    registers: frozenset[str]


class TailFinder:
    """Is told of the rows of a file in their order, and keeps the newest record.

    Attributes:
        tail: the newest record so far; None where there was none.
    """

    def __init__(self) -> None:
        self.tail: Tail | None = None
        self._time: datetime | None = None
        self._values: dict[str, str] = {}

    def add(self, time: datetime, register: str, value: str) -> None:
        """Take the next row of the archive."""
        if time != self._time or register in self._values:
            self.finish()
        self._time = time
        self._values[register] = value

    def finish(self) -> Tail | None:
        """Say that a record ends here; return the newest one."""
        time, values, self._values = self._time, self._values, {}
        if time is not None and values:
            number, total = (
                next(
                    (_number(v) for r, v in values.items() if role_of(r) is role), None
                )
                for role in (Role.ORDINAL, Role.GLOBAL)
            )
            place = Place(number, total, time, "")
            if self.tail is None or not is_older(place, self.tail.place):
                self.tail = Tail(place, frozenset(values))
        return self.tail


def from_csv(
    lines: Iterable[str], *, archive: int, meter: str = "", serial: str | None = None
) -> Tail | None:
    """Find the newest record in the text of a CSV.

    Args:
        lines: with their line ends; a last line without one does not count.
        archive: number of the archive.
        meter: as in the column of that name.
        serial: only records of the device with this number; None: of any.

    Returns:
        None where the file has no record of this archive.

    Raises:
        ResumeError: the first line is not the header of such a file.
    """
    finder = TailFinder()
    rows = read_rows(lines, channel=str(archive), meter=meter, serial=serial)
    for time, _, register, value in rows:
        finder.add(time, register, value)
    return finder.finish()


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() else None
