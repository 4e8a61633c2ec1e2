"""Where readings are kept: CSV files by template, a database, or one stream.

``put`` returns when a reading is on the disk, not before: the file is synced, and the
folder of a file that is new.  Stores may be used by many threads at once, and several
stores may name the same file; who stores at the same moment shares one write (see
``group``).  ``check`` finds before a meter is read what would be in the way after.
Folders that are missing are made.
"""

import errno
import os
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING, NamedTuple, Protocol

from iecread.errors import OutputError
from iecread.output.append import Appended
from iecread.output.csv import CsvFormatter
from iecread.output.files import check_folder, make_folders
from iecread.output.group import Groups
from iecread.output.rowtext import PROFILE, Cell, header, lines
from iecread.template import Template, is_database

if TYPE_CHECKING:
    from iecread.archiverows import Record
    from iecread.output import Formatter
    from iecread.output.sink import Sink
    from iecread.readings import Readout
    from iecread.rows import Row

# What may fail for many rows and not for a few of them
_TOO_MUCH = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class Store(Protocol):
    """Keeps readings of one meter or of many."""

    def check(self, meter: str) -> None:
        """Look whether readings of ``meter`` can be stored; writes nothing of them.

        Raises:
            OutputError: they cannot: the place may not be written, or what is there
                is something else.
        """
        ...

    def put(self, readout: "Readout") -> str:
        """Store one reading; returns when it lasts.

        Returns:
            The file that it is in; empty for standard output.

        Raises:
            OutputError: it is not stored; what was there is as it was.
        """
        ...

    def put_rows(
        self, rows: Iterable["Row"], meter: str, serial: str | None = None
    ) -> int:
        """Store rows of a load profile; returns when they last.

        Args:
            rows: in the order in which they came.
            meter: name of the meter.
            serial: its number.

        Returns:
            How many rows there were.

        Raises:
            OutputError: they are not all stored.
        """
        ...

    def put_records(
        self, records: Iterable["Record"], meter: str, serial: str | None = None
    ) -> int:
        """Store records of an archive; as ``put_rows``."""
        ...


class _Text(NamedTuple):
    path: str
    data: bytes
    whole: Callable[[bytes], bool]


class Files:
    """CSV files that several stores share, so that they share writes."""

    def __init__(self) -> None:
        self._groups: Groups[tuple[str, bytes], _Text] = Groups(_append, _too_much)

    def append(
        self,
        path: str,
        head: str,
        text: str,
        whole: Callable[[bytes], bool] = lambda line: False,
    ) -> None:
        """Add whole rows to a file; returns when they last.

        Args:
            path: the file; its folder is made if it is missing.
            head: the header line.
            text: the rows.
            whole: whether a torn last line lacks nothing but its end.

        Raises:
            OutputError: none of them is in the file.
        """
        if not text:
            return
        make_folders(os.path.dirname(path) or ".")
        item = _Text(path, text.encode("utf-8", "backslashreplace"), whole)
        self._groups.put((os.path.realpath(path), head.encode()), item)


def _append(key: tuple[str, bytes], items: Sequence[_Text]) -> None:
    first = items[0]
    file = Appended(first.path, key[1], first.whole)
    file.write(b"".join(item.data for item in items))


def _too_much(error: Exception) -> bool:
    cause = error.__cause__
    return isinstance(cause, OSError) and cause.errno in _TOO_MUCH


class CsvStore:
    """Readings, or rows of load profiles, in CSV files.

    Args:
        template: names the files.
        layout: ``long`` or ``wide``.
        style: ``comma`` or ``excel-semicolon``.
        registers: the columns of the wide layout.
        names: names for some of them, by code.
        utc: times, and the dates of file names, in UTC.
        zone: where the meter hangs, for the dates of file names; None: this computer.
        files: share it between stores.

    Raises:
        ConfigError: the wide layout without registers that name one column each.
    """

    def __init__(
        self,
        template: Template,
        *,
        layout: str = "long",
        style: str = "comma",
        registers: Sequence[str] = (),
        names: Mapping[str, str] | None = None,
        utc: bool = False,
        zone: tzinfo | None = None,
        files: Files | None = None,
    ) -> None:
        self._template = template
        self._style = style
        self._utc = utc
        self._zone = zone
        self._files = files or Files()
        self._formatter = CsvFormatter(layout, style, registers, names, utc=utc)

    def check(self, meter: str) -> None:
        """See ``Store``; the header, too, of the file that a reading now goes to."""
        self._check(meter, self._formatter.begin())

    def check_rows(self, meter: str) -> None:
        """As ``check``, for ``put_rows``."""
        self._check(meter, header(PROFILE, self._style))

    def _check(self, meter: str, head: str) -> None:
        if "serial" in self._template.fields:  # not known before it is read
            check_folder(self._template.base)
            return
        path = self._path(meter, None, None)
        folder = os.path.dirname(path) or "."
        check_folder(folder)
        if os.path.isdir(folder):
            Appended(path, head.encode())

    def put(self, readout: "Readout") -> str:
        """See ``Store``."""
        path = self._path(readout.meter or "", readout.serial, readout.time)
        text = self._formatter.readout(readout)
        whole = self._formatter.is_whole
        self._files.append(path, self._formatter.begin(), text, whole)
        return path

    def put_rows(
        self, rows: Iterable["Row"], meter: str, serial: str | None = None
    ) -> int:
        """See ``Store``; each row goes to the file of its own date."""
        parts: dict[str, list[Sequence[Cell]]] = {}
        count = 0
        for row in rows:
            count += 1
            time, channel, register, value, _, unit, flags = row
            cells = (time, meter, serial, channel, register, value, unit, flags)
            parts.setdefault(self._path(meter, serial, time), []).append(cells)
        for path, part in parts.items():
            text = lines(part, utc=self._utc, style=self._style)
            self._files.append(path, header(PROFILE, self._style), text)
        return count

    def put_records(
        self, records: Iterable["Record"], meter: str, serial: str | None = None
    ) -> int:
        """See ``Store``."""
        rows = (row for record in records for row in record.rows)
        return self.put_rows(rows, meter, serial)

    def files(self, meter: str, serial: str | None = None) -> list[str]:
        """The files of a meter that are there, the newest last."""
        return self._template.existing(meter, serial)

    def _path(self, meter: str, serial: str | None, time: datetime | None) -> str:
        return self._template.path(meter, serial, time, zone=self._zone, utc=self._utc)


class StreamStore:
    """Readings of all meters, one behind the other, on a stream or in a new file.

    Args:
        sink: where the text goes.
        formatter: makes it.
    """

    def __init__(self, sink: "Sink", formatter: "Formatter") -> None:
        self._sink = sink
        self._formatter = formatter
        self._lock = threading.Lock()

    def check(self, meter: str) -> None:
        """See ``Store``; the sink has looked already."""

    def put(self, readout: "Readout") -> str:
        """See ``Store``; in a new file it lasts from ``close`` on."""
        with self._lock:
            self._sink.write(self._formatter.readout(readout))
        return ""

    def put_rows(
        self, rows: Iterable["Row"], meter: str, serial: str | None = None
    ) -> int:
        """Refused: they have other columns than readings."""
        raise OutputError(
            "rows of a load profile cannot go where the readings go",
            "name a file for them, or a database for both",
        )

    def put_records(
        self, records: Iterable["Record"], meter: str, serial: str | None = None
    ) -> int:
        """Refused, as ``put_rows``."""
        return self.put_rows((), meter, serial)

    def close(self) -> None:
        """Write what is owed, and make it last.

        Raises:
            OutputError: it could not be.
        """
        with self._lock:
            self._sink.write(self._formatter.end())
            self._sink.commit()


def open_store(
    template: Template,
    *,
    layout: str = "long",
    style: str = "comma",
    registers: Sequence[str] = (),
    names: Mapping[str, str] | None = None,
    utc: bool = False,
    zone: tzinfo | None = None,
    files: Files | None = None,
) -> Store:
    """A store for files that grow: a database by its suffix, else CSV.

    Args:
        template: names the files.
        layout, style, registers, names: see ``CsvStore``.
        utc: times in UTC.
        zone: where the meter hangs.
        files: share it between stores.

    Raises:
        ConfigError: the wide layout without registers that name one column each.
    """
    if is_database(template.text):
        from iecread.output.sqlite import SqliteStore

        return SqliteStore(template, utc=utc, zone=zone)
    return CsvStore(
        template,
        layout=layout,
        style=style,
        registers=registers,
        names=names,
        utc=utc,
        zone=zone,
        files=files,
    )
