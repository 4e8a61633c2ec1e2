"""A SQLite file as a store: one table of readings, each row once.

The file is opened for each write and closed after it, so that at rest it is one plain
file with all rows in it.  A write is one transaction, on the disk (WAL, synchronous
FULL) before it returns.  The primary key makes it harmless to store the same load
profile twice: the newest value counts, but one that is not sure never replaces one
that is.  A file that is no database, or that of another program, is left alone.

``value`` has the digits; ``number`` is SQLite's own reading of them, for sums and
comparisons, and may be off in the last bit.

Left out on purpose: rotation.  A database whose name changes while a program has it
open, or that was left with a journal by a killed one, loses rows; use a template with
a date, or SQLite's own ``.backup``.
"""

import contextlib
import os
import stat
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING

from iecread.errors import OutputError
from iecread.output.append import SAFELY
from iecread.output.files import (
    BINARY,
    check_folder,
    check_place,
    failed,
    make_folders,
)
from iecread.output.group import Groups
from iecread.output.sqliterows import (
    EPOCH,
    MICROSECOND,
    Numbering,
    Values,
    number_of,
    readout_values,
    row_values,
)
from iecread.output.text import printable
from iecread.statefolder import sync_folder, try_lock
from iecread.template import Template

if TYPE_CHECKING:  # the module is imported when a file is opened
    import sqlite3

    from iecread.archiveresume import Tail
    from iecread.archiverows import Record
    from iecread.readings import Readout
    from iecread.resume import Resume
    from iecread.rows import Row

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
  nth      INTEGER NOT NULL,  -- 1; more where all of the above comes again;
                              -- of an archive the number of the record
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

_LOCK_POLL = 0.02  # seconds
_NEWEST_FILES = 2  # of an archive that are looked into for its newest record
# The columns of loadprofile.Row, and what all rows have in common
_ROW = "time channel register value raw unit flags meter serial".split()

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
_SIZES = ((16, 2), (28, 4))  # size of a page, and how many: where in the header


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
        return self._put_rows([(None, rows)], meter, serial)

    def put_records(
        self, records: "Iterable[Record]", meter: str, serial: str | None = None
    ) -> int:
        """Store records of an archive, each whole or not at all.

        Records of one time are told apart by their numbers, so that storing some of
        them again, with others or without, is harmless.

        Args:
            records: in the order in which they came.
            meter: name of the meter.
            serial: its number.

        Returns:
            How many rows they have.

        Raises:
            OutputError: they are not all stored.
        """
        parts = ((number_of(record.place), record.rows) for record in records)
        return self._put_rows(parts, meter, serial)

    def _put_rows(
        self,
        parts: "Iterable[tuple[int | None, Iterable[Row]]]",
        meter: str,
        serial: str | None,
    ) -> int:
        found: dict[str, list[Values]] = {}
        numbering = Numbering()
        count = 0
        for record, rows in parts:
            for row in rows:
                cells = (*row, meter, serial)
                values = row_values(_ROW, cells, numbering, meter, self._utc, record)
                path = self._path(meter, serial, row.time)
                found.setdefault(path, []).append(values)
                count += 1
        for path, part in found.items():
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

    def resume(self, meter: str, channel: str) -> "Resume":
        """How far the rows of a profile go.

        Args:
            meter: name of the meter, or its port.
            channel: the profile.

        Raises:
            OutputError: the database cannot be read.
        """
        from iecread.resume import Resume, from_times

        start = from_times(self.newest(meter, channel)).start
        # Rows may go by another name than they are asked for: none is stored twice
        return Resume(start, from_times(self.newest(meter)).newest)

    def tail(
        self, meter: str, archive: int | str, serial: str | None = None
    ) -> "Tail | None":
        """The newest record of an archive, see ``archiveresume``.

        Args:
            meter: name of the meter, or its port.
            archive: the channel of its rows.
            serial: only records of the device with this number; None: of any.

        Raises:
            OutputError: the database cannot be read.
        """
        from iecread.archiveresume import TailFinder

        finder = TailFinder()
        for path in self._template.existing(meter)[-_NEWEST_FILES:]:
            for row in _tail(path, printable(meter), str(archive), serial):
                finder.add(*row)
            finder.finish()
        return finder.tail

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
            # A run that was killed while it made the file left a journal, which
            # empties it again now
            if fresh or not _tables(database):
                _make(database)
                sync_folder(folder)
            database.execute("PRAGMA journal_mode = WAL").close()
            _check_columns(database, path)
            yield database, descriptor
            # While others have it open, closing it would leave rows in the journal
            with contextlib.suppress(sqlite3.Error):  # they are stored all the same
                database.execute("PRAGMA wal_checkpoint(PASSIVE)").close()
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
    # What SQLite takes for empty pages (1.3.8); with a journal it may be well
    size, pages = (int.from_bytes(head[at : at + n], "big") for at, n in _SIZES)
    if found.st_size < size * pages and not _has_journal(path):
        why, hint = _REASONS[11]
        raise OutputError(f"cannot write {path!r}: {why}: it was cut off", hint)
    return False


def _has_journal(path: str) -> bool:
    """Whether a run was killed while it wrote, and the next one is to finish that."""
    place = os.path.realpath(path)
    return any(os.path.exists(place + suffix) for suffix in ("-wal", "-journal"))


def _make(database: "sqlite3.Connection") -> None:
    """Make the table, unless another did so in the meantime."""
    database.execute("BEGIN IMMEDIATE")
    if not _tables(database):
        database.execute(SCHEMA)
        database.execute(f"PRAGMA application_id = {APPLICATION}")
        database.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    database.execute("COMMIT")


def _tables(database: "sqlite3.Connection") -> int:
    ((tables,),) = database.execute("SELECT count(*) FROM sqlite_master").fetchall()
    return int(tables)


def _check_columns(database: "sqlite3.Connection", path: str) -> None:
    """Refuse a table that somebody changed, before a meter is read in vain."""
    found = database.execute("SELECT name, pk FROM pragma_table_info('readings')")
    known = dict(found.fetchall())
    missing = [name for name in Values._fields if name not in known]
    if not missing and sorted(filter(None, known.values())) == [*range(1, 8)]:
        # raises where the table is damaged at its root
        database.execute("SELECT 1 FROM readings LIMIT 1").fetchall()
        return
    what = f"no column {missing[0]!r}" if missing else "another primary key"
    raise OutputError(f"{path!r} has another schema: {what}", _OTHER)


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
    return [(EPOCH + at * MICROSECOND, name, register) for name, register, at in found]


_RECORDS = """\
WITH records AS (SELECT DISTINCT unix_us AS at, nth FROM readings
                 WHERE meter = ?1 AND channel = ?2 AND (?3 IS NULL OR serial = ?3))
SELECT * FROM (SELECT * FROM records ORDER BY at DESC, nth DESC LIMIT 1)
UNION ALL SELECT * FROM (SELECT * FROM records ORDER BY nth DESC, at DESC LIMIT 1)"""
_OTHERS = """\
SELECT count(DISTINCT unix_us) FROM readings
WHERE meter = ?1 AND channel = ?2 AND (?3 IS NULL OR serial = ?3) AND nth = ?4"""
_RECORD = """\
SELECT unix_us, register, coalesce(value, '') FROM readings
WHERE meter = ?1 AND channel = ?2 AND (?3 IS NULL OR serial = ?3)
AND unix_us = ?4 AND nth = ?5"""


def _tail(
    path: str, meter: str, channel: str, serial: str | None
) -> list[tuple[datetime, str, str]]:
    """The rows of the newest record.

    That is the one with the newest time.  But where a clock was set back, one with an
    older time has a higher number: then the number behind is there, and none is there
    twice.  So it is not where numbers began anew.
    """
    of = (meter, channel, None if serial is None else printable(serial))
    with _opened(path) as (database, _):
        found = database.execute(_RECORDS, of).fetchall()
        if not found:
            return []
        newest, highest = found
        ((same,),) = database.execute(_OTHERS, (*of, newest[1]))
        ((behind,),) = database.execute(_OTHERS, (*of, newest[1] + 1))
        if same == 1 and behind:
            newest = highest
        rows = database.execute(_RECORD, (*of, *newest)).fetchall()
    return [(EPOCH + at * MICROSECOND, register, value) for at, register, value in rows]
