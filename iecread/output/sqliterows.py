"""Readings, load profiles, archives and logs as rows of the table of a database.

The key of a row is what tells it from all others: meter, channel, register, time,
number of the meter, time stamp, and ``nth``, which counts what repeats within one
read.  Records of an archive may share a time: their ``nth`` is the number that the
device gave them, so that it is the same whatever was asked for.

Left out on purpose: files and SQL (sqlite.py).
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from iecread.errors import OutputError
from iecread.output.rows import iso, plain, rows
from iecread.output.rowtext import Cell, cell_text
from iecread.output.text import printable

if TYPE_CHECKING:
    from iecread.ordinals import Place
    from iecread.readings import Readout

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)

_AGAIN = 100  # more than a register ever repeats within one interval
_REPEATED = "overlap"  # flag of a row whose time had come before
# What flags make of a status: values that nothing vouches for are not sure
_STATUS = {
    "malformed": "malformed",
    "unchecked": "unchecked",
    "check-failed": "unchecked",
    "time-unknown": "unchecked",
}


class Values(NamedTuple):
    """A row of the table, in the order of its insertion."""

    meter: str
    channel: str
    register: str
    unix_us: int
    serial: str
    stamp: str
    nth: int
    time: str
    name: str | None
    value: str | None
    number: str | None
    unit: str | None
    status: str
    flags: str


class Numbering:
    """Counts rows of one read that have register and time in common."""

    def __init__(self) -> None:
        self._at: object = None
        self._seen: dict[tuple[str, str], int] = {}
        self._turns: dict[tuple[str, object], int] = {}

    def nth(self, channel: str, register: str, at: object, again: bool = False) -> int:
        """The number of a row.

        Args:
            channel: its profile or log.
            register: its register.
            at: its time; rows of one time follow one another.
            again: whether this time had come before, with other rows between.
        """
        if at != self._at:
            self._at = at
            self._seen = {}
            if again:
                turn = self._turns.get((channel, at), 0) + 1
                self._turns[channel, at] = turn
        count = self._seen.get((channel, register), 0) + 1
        self._seen[channel, register] = count
        turn = self._turns.get((channel, at), 0) if again else 0
        return count + _AGAIN * turn


def readout_values(readout: "Readout", utc: bool = False) -> list[Values]:
    """The rows of a readout.

    Args:
        readout: with the time when it was read.
        utc: ``time`` in UTC.

    Raises:
        OutputError: it has no time.
    """
    if readout.time is None:
        raise OutputError(
            "a database wants to know when a meter was read, and that is not known",
            "write it as JSON or CSV",
        )
    meter = printable(readout.meter or readout.port or "")
    serial = printable(readout.serial or "")
    unix_us = (readout.time - EPOCH) // MICROSECOND
    time_ = iso(readout.time, utc)
    numbering = Numbering()
    found = []
    for reading in readout.registers:
        stamp = printable(reading.stamp or "")
        for row in rows(reading):
            register = printable(row.register)
            value, number = _value(row.value)
            nth = numbering.nth(stamp, register, unix_us)
            key = (meter, "", register, unix_us, serial, stamp, nth)
            name, unit = _text(reading.name), _text(row.unit)
            data = (time_, name, value, number, unit, reading.status, "")
            found.append(Values(*key, *data))
    return found


def number_of(place: "Place") -> int | None:
    """What tells a record of an archive from others of the same time."""
    return place.total if place.number is None else place.number


def row_values(
    columns: Sequence[str],
    cells: Sequence[Cell],
    numbering: Numbering,
    meter: str,
    utc: bool = False,
    record: int | None = None,
) -> Values:
    """A row of a load profile, an archive or a log.

    Args:
        columns: their names.
        cells: one for each column.
        numbering: one for all rows of a read, in the order in which they came.
        meter: for rows without one.
        utc: ``time`` in UTC.
        record: number of the record of an archive that the row is of; None: it is
            of none, or the device numbers none.
    """
    row = dict(zip(columns, cells, strict=True))
    at = row["time"]
    unix_us = (at - EPOCH) // MICROSECOND if isinstance(at, datetime) else 0
    stamp = "" if isinstance(at, datetime) else printable(cell_text(at))
    flags = row.get("flags") or ()
    assert isinstance(flags, tuple)
    channel = printable(cell_text(row["channel"]))
    if "status" in row:  # a log
        register = printable(cell_text(row["status"]))
        name, value, number = row["words"], _text(cell_text(row["elements"])), None
        unit = None
    else:
        register = printable(cell_text(row["register"]))
        name, unit = None, _text(cell_text(row["unit"]))
        found = row["value"]
        assert found is None or isinstance(found, Decimal | str)
        value, number = _value(found)
    again = _REPEATED in flags
    if record is None:
        nth = numbering.nth(channel, register, at, again)
    else:  # other content under a known number is another record
        nth = -record if again else record
    return Values(
        meter=printable(cell_text(row["meter"]) or meter),
        channel=channel,
        register=register,
        unix_us=unix_us,
        serial=printable(cell_text(row.get("serial"))),
        stamp=stamp,
        nth=nth,
        time=cell_text(at, utc) if isinstance(at, datetime) else stamp,
        name=_text(cell_text(name)),
        value=value,
        number=number,
        unit=unit,
        status=next((word for flag, word in _STATUS.items() if flag in flags), "ok"),
        flags=printable(";".join(flags)),
    )


def _text(text: str | None) -> str | None:
    return printable(text) if text else None


def _value(value: Decimal | str | None) -> tuple[str | None, str | None]:
    """The exact text of a value, and what SQLite makes its number of."""
    if isinstance(value, Decimal):
        return plain(value), plain(value)
    return _text(value), None
