"""A SQLite file as a store: one table of readings, each row once.

The file is opened for each write and closed after it, so that at rest it is one plain
file with all rows in it.  A write is one transaction, on the disk (WAL, synchronous
FULL) before it returns.  The primary key makes it harmless to store the same load
profile twice: the newest value counts, but one that is not sure never replaces one
that is.  A file that is no database, or that of another program, is left alone.

``value`` has the digits; ``number`` is SQLite's own reading of them, for sums and
comparisons, and may be off in the last bit.

Left out on purpose: rotation.  A database whose name changes while a program has it
open loses its journal; use a template with a date, or SQLite's own ``.backup``.
"""

import contextlib
import os
import stat
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from iecread.errors import OutputError
from iecread.output.append import SAFELY, try_lock
from iecread.output.files import (
    BINARY,
    check_folder,
    check_place,
    failed,
    make_folders,
)
from iecread.output.group import Groups
from iecread.output.rows import iso, plain, rows
from iecread.output.rowtext import Cell, cell_text
from iecread.output.text import printable
from iecread.statefolder import sync_folder
from iecread.template import Template

if TYPE_CHECKING:  # the module is imported when a file is opened
    import sqlite3

    from iecread.loadprofile import Row
    from iecread.readings import Readout

LOCK_TIMEOUT = 15.0
"""Seconds to wait for another program that writes in the database."""

APPLICATION = 0x69656372
"""``PRAGMA application_id`` of our files: "iecr"."""

SCHEMA_VERSION = 1
"""``PRAGMA user_version``: the layout of the table."""

SCHEMA = """\
CREATE TABLE readings (
  meter    TEXT    NOT NULL,  -- name of the meter, or its port
  channel  TEXT    NOT NULL,  -- load profile, archive or log; '' for a readout
  register TEXT    NOT NULL,  -- as sent; of a log the status word
  unix_us  INTEGER NOT NULL,  -- time in microseconds since 1970-01-01 UTC
  serial   TEXT    NOT NULL,  -- the meter's own number; '' if it told none
  stamp    TEXT    NOT NULL,  -- the meter's time of the value; '' for none
  nth      INTEGER NOT NULL,  -- 1; more where all of the above comes again
  time     TEXT    NOT NULL,  -- ISO 8601: of the reading, or end of the interval
  name     TEXT,              -- what the register is
  value    TEXT,              -- the digits or the text, exactly
  number   REAL,              -- the value for SQL, where it is a number
  unit     TEXT,
  status   TEXT    NOT NULL,  -- ok, scaled, unchecked, malformed
  flags    TEXT    NOT NULL,  -- of a row of a profile, joined by ;
  PRIMARY KEY (meter, channel, register, unix_us, serial, stamp, nth)
) WITHOUT ROWID"""

_UNSURE = "('unchecked', 'malformed')"
_INSERT = f"""\
INSERT INTO readings (meter, channel, register, unix_us, serial, stamp, nth,
                      time, name, value, number, unit, status, flags)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET
  time = excluded.time, name = excluded.name, value = excluded.value,
  number = excluded.number, unit = excluded.unit, status = excluded.status,
  flags = excluded.flags
WHERE excluded.status NOT IN {_UNSURE} OR readings.status IN {_UNSURE}"""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_LOCK_POLL = 0.02  # seconds
_AGAIN = 100  # more than a register ever repeats within one interval
_REPEATED = "overlap"  # flag of a row whose time had come before

# Primary result codes of SQLite (sqlite.org/rescode.html): why, and what to do
_WRITABLE = "the file and its folder must be writable for you"
_REASONS = {
    5: ("locked by another program", "wait until that program is done, or end it"),
    6: ("locked by another program", "wait until that program is done, or end it"),
    15: ("locked by another program", "wait until that program is done, or end it"),
    3: ("permission denied", _WRITABLE),
    8: ("it may not be written", _WRITABLE),
    14: ("it cannot be opened", _WRITABLE),
    10: ("the disk fails or is full", "make room on the disk, or use another"),
    11: ("the database is damaged", "name another file; sqlite3 FILE .recover"),
    13: ("no space left on device", "make room on the disk, then try again"),
    26: ("it is no SQLite database", "name another file; this one is as it was"),
}
_OTHER = "name another file; this one is as it was"
_FULL, _TOO_BIG = 13, 18


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
    unix_us = (readout.time - _EPOCH) // _MICROSECOND
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


def row_values(
    columns: Sequence[str],
    cells: Iterable[Sequence[Cell]],
    numbering: Numbering,
    meter: str,
    utc: bool = False,
) -> list[Values]:
    """The rows of a load profile, an archive or a log.

    Args:
        columns: names of the columns that ``cells`` have.
        cells: a cell for each column, in the order in which they came.
        numbering: one for all rows of a read.
        meter: for rows without one.
        utc: ``time`` in UTC.
    """
    return [
        _row_values(dict(zip(columns, row, strict=True)), numbering, meter, utc)
        for row in cells
    ]


def _row_values(
    row: Mapping[str, Cell], numbering: Numbering, meter: str, utc: bool
) -> Values:
    at = row["time"]
    unix_us = (at - _EPOCH) // _MICROSECOND if isinstance(at, datetime) else 0
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
    return Values(
        meter=printable(cell_text(row["meter"]) or meter),
        channel=channel,
        register=register,
        unix_us=unix_us,
        serial=printable(cell_text(row.get("serial"))),
        stamp=stamp,
        nth=numbering.nth(channel, register, at, _REPEATED in flags),
        time=cell_text(at, utc) if isinstance(at, datetime) else stamp,
        name=_text(cell_text(name)),
        value=value,
        number=number,
        unit=unit,
        status=next((w for w in ("malformed", "unchecked") if w in flags), "ok"),
        flags=printable(";".join(flags)),
    )


def _text(text: str | None) -> str | None:
    return printable(text) if text else None


def _value(value: Decimal | str | None) -> tuple[str | None, str | None]:
    """The exact text of a value, and what SQLite makes its number of."""
    if isinstance(value, Decimal):
        return plain(value), plain(value)
    return _text(value), None


class SqliteStore:
    """Readings in a database.

    Args:
        template: names the file; most have one and no fields.
        utc: times in UTC.
        zone: where the meter hangs, for the dates of file names.
        make: make the folder if it is missing.
    """

    def __init__(
        self,
        template: Template,
        *,
        utc: bool = False,
        zone: tzinfo | None = None,
        make: bool = True,
    ) -> None:
        self._template = template
        self._utc = utc
        self._zone = zone
        self._make = make

    def check(self, meter: str = "") -> None:
        """See ``store.Store``."""
        if "serial" in self._template.fields:
            check_folder(self._template.base)
            return
        path = self._template.path(meter, zone=self._zone, utc=self._utc)
        try:
            if self._make:
                check_folder(os.path.dirname(path) or ".")
            else:
                check_place(path)
        except OSError as error:
            raise failed(path, error) from error
        if os.path.lexists(path):
            _write(path, [])

    check_rows = check

    def put(self, readout: "Readout") -> str:
        """See ``store.Store``."""
        found = readout_values(readout, self._utc)
        path = self._path(readout.meter or "", readout.serial, readout.time)
        self.put_values(path, found)
        return path

    def put_rows(
        self, rows: Iterable["Row"], meter: str, serial: str | None = None
    ) -> int:
        """See ``store.Store``."""
        parts: dict[str, list[Values]] = {}
        numbering = Numbering()
        names = ("time", "channel", "register", "value", "raw", "unit", "flags")
        count = 0
        for row in rows:
            cells = (*row, meter, serial)
            values = row_values(
                (*names, "meter", "serial"), [cells], numbering, meter, self._utc
            )
            parts.setdefault(self._path(meter, serial, row.time), []).extend(values)
            count += 1
        for path, part in parts.items():
            self.put_values(path, part)
        return count

    def put_values(self, path: str, values: list[Values]) -> None:
        """Store rows in a file; returns when they last."""
        if not values:
            return
        if self._make:
            make_folders(os.path.dirname(path) or ".")
        _write(path, values)

    def newest(
        self, meter: str, channel: str | None = None
    ) -> list[tuple[datetime, str, str]]:
        """Times from which ``resume.from_times`` sees how far the rows go.

        Args:
            meter: name of the meter, or its port.
            channel: only this profile; None: all, but no readouts.

        Returns:
            Time, channel and register of the newest row of each register, and of
            the one before the newest of them all.
        """
        found: list[tuple[datetime, str, str]] = []
        for path in self._template.existing(meter):
            found += _newest(path, printable(meter), channel)
        return found

    def _path(self, meter: str, serial: str | None, time: datetime | None) -> str:
        return self._template.path(meter, serial, time, zone=self._zone, utc=self._utc)


def _write(path: str, values: list[Values]) -> None:
    _groups.put(os.path.realpath(path), (path, values))


def _insert(key: str, items: Sequence[tuple[str, list[Values]]]) -> None:
    path = items[0][0]
    there = False
    while not there:
        with _opened(path) as (database, descriptor):
            database.execute("BEGIN IMMEDIATE")
            for _, values in items:
                database.executemany(_INSERT, values)
            database.execute("COMMIT")
            there = os.fstat(descriptor).st_nlink > 0  # not removed meanwhile


def _alone(error: Exception) -> bool:
    return _code(error.__cause__) in (_FULL, _TOO_BIG)


# One for the process: of two connections of one process to one file the one that is
# closed takes the locks of the other away (sqlite.org/howtocorrupt.html, 2.2)
_groups: Groups[str, tuple[str, list[Values]]] = Groups(_insert, _alone)


@contextlib.contextmanager
def _opened(path: str) -> "Iterator[tuple[sqlite3.Connection, int]]":
    """Open a database, made if it is not there, and a descriptor of its file.

    Raises:
        OutputError: it cannot be, is another program's, or a step within failed.
    """
    try:
        import sqlite3
    except ImportError as error:
        raise OutputError(
            "this Python has no SQLite", "write CSV, or install Python with sqlite3"
        ) from error
    place = os.path.abspath(path)
    folder = os.path.dirname(os.path.realpath(place))
    try:
        with _alone_in(folder, path), contextlib.ExitStack() as stack:
            database, descriptor, fresh = _connect(stack, place, path)
            database.execute("PRAGMA synchronous = FULL")
            if fresh:
                _make(database)
                sync_folder(folder)
            database.execute("PRAGMA journal_mode = WAL").close()
            yield database, descriptor
    except sqlite3.Error as error:
        raise _failed(path, error) from error
    except OSError as error:
        raise failed(path, error) from error


def _connect(
    stack: contextlib.ExitStack, place: str, path: str
) -> "tuple[sqlite3.Connection, int, bool]":
    """Open the file that has the name now, and tell whether it is empty."""
    import sqlite3

    while True:
        with contextlib.ExitStack() as opened:
            descriptor = os.open(place, os.O_RDWR | os.O_CREAT | BINARY | SAFELY, 0o666)
            # closed last: that takes SQLite's locks on the file away
            opened.callback(os.close, descriptor)
            fresh = _look_at(descriptor, path)
            database = sqlite3.connect(
                place,
                timeout=LOCK_TIMEOUT,
                isolation_level=None,
                check_same_thread=False,
            )
            opened.callback(database.close)
            with contextlib.suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(descriptor), os.stat(place)):
                    stack.push(opened.pop_all())
                    return database, descriptor, fresh


@contextlib.contextmanager
def _alone_in(folder: str, path: str) -> Iterator[None]:
    """Keep other runs from databases in this folder.

    SQLite has its own locks, but finds journals by name: while a file is renamed
    under one run and made anew by another, both would have the same.
    """
    if sys.platform == "win32":  # where no open file can be renamed
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        deadline = time.monotonic() + LOCK_TIMEOUT
        with contextlib.suppress(OSError):  # a file system without such locks
            while not try_lock(descriptor):
                if time.monotonic() > deadline:
                    code, why = 5, "another run writes in the folder"
                    raise OutputError(
                        f"cannot write {path!r}: {why}", _REASONS[code][1]
                    )
                time.sleep(_LOCK_POLL)
        yield
    finally:
        os.close(descriptor)


def _look_at(descriptor: int, path: str) -> bool:
    """Whether a file is empty; refuse one that is not ours by its first bytes.

    So SQLite does not even open another's file (fileformat.html, 1.3).
    """
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode):
        raise OutputError(
            f"{path!r} cannot hold a database: it is no regular file",
            "name another file",
        )
    head = os.read(descriptor, 100)
    if not head:
        return True
    if len(head) < 100 or not head.startswith(b"SQLite format 3\0"):
        raise OutputError(f"{path!r} is no SQLite database", _OTHER)
    version, application = (int.from_bytes(head[at : at + 4], "big") for at in (60, 68))
    if application != APPLICATION:
        raise OutputError(f"{path!r} is a database of another program", _OTHER)
    if version != SCHEMA_VERSION:
        raise OutputError(
            f"{path!r} has schema {version}, and this iecread knows {SCHEMA_VERSION}",
            "use the iecread that made it, or name another file",
        )
    return False


def _make(database: "sqlite3.Connection") -> None:
    """Make the table, unless another did so in the meantime."""
    database.execute("BEGIN IMMEDIATE")
    ((tables,),) = database.execute("SELECT count(*) FROM sqlite_master")
    if not tables:
        database.execute(SCHEMA)
        database.execute(f"PRAGMA application_id = {APPLICATION}")
        database.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    database.execute("COMMIT")


def _code(error: BaseException | None) -> int:
    """The primary result code of SQLite; 0 for none."""
    return (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF


def _failed(path: str, error: "sqlite3.Error") -> OutputError:
    why, hint = _REASONS.get(_code(error), (str(error), _OTHER))
    return OutputError(f"cannot write {path!r}: {why}", hint)


_NEWEST = """\
SELECT channel, register, max(unix_us) FROM readings
WHERE meter = ? AND channel <> '' AND channel = coalesce(?, channel)
GROUP BY channel, register"""
_BEFORE = """\
SELECT max(unix_us) FROM readings
WHERE meter = ? AND channel = ? AND register = ? AND unix_us < ?"""


def _newest(
    path: str, meter: str, channel: str | None
) -> list[tuple[datetime, str, str]]:
    with _opened(path) as (database, _):
        found = database.execute(_NEWEST, (meter, channel)).fetchall()
        last = max((at for _, _, at in found), default=0)
        for name, register, _ in found[:]:
            query = database.execute(_BEFORE, (meter, name, register, last))
            found += [(name, register, at) for (at,) in query if at is not None]
    return [
        (_EPOCH + at * _MICROSECOND, name, register) for name, register, at in found
    ]
