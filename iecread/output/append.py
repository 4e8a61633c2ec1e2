"""A file that grows by whole rows, shared with other writers.

Each write opens the file, locks it, looks whether the name still is that of the
locked file (logrotate), compares the header, mends a last line without an end (a
writer that was killed: cut off, or ended where nothing but the end is missing),
appends with one write call and syncs.  Where that fails the file gets its old length
back: a row is in it whole or not at all.  A file that was emptied or removed while
it was written (copytruncate, rm) is written once more.

Symbolic links are followed, to a file that is not there yet too; devices and pipes
are refused.
"""

import os
import stat
import time
from collections.abc import Callable

from iecread.errors import OutputError
from iecread.output.files import (
    BINARY,
    check_place,
    failed,
    refuse_database,
)
from iecread.statefolder import sync_file, sync_folder, try_lock, write_all

LOCK_TIMEOUT = 30.0
"""Seconds to wait for the lock of another writer, who holds it for a few ms."""

_LOCK_POLL = 0.02  # seconds
# Windows: a byte far behind the end, as locked bytes could not be read by others
_LOCKED = 0x7FFFFFF0
_CHUNK = 65536
# A row is known as ours by so many bytes at its beginning, where there is no header
_ALIKE = 8
# A FIFO must not hang, a serial port not become our terminal
SAFELY = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)
"""Flags for os.open."""


class Appended:
    """A file that grows by whole rows.

    Args:
        path: where it is, or is to be.
        header: the first line with its end; empty: none.
        whole: whether a line without its end lacks nothing else.

    Raises:
        OutputError: it cannot be there, or has another header.
    """

    def __init__(
        self,
        path: str,
        header: bytes,
        whole: Callable[[bytes], bool] = lambda line: False,
    ) -> None:
        refuse_database(path)
        self._path = path
        self._header = header
        self._whole = whole
        self._end = b"\r\n" if header.endswith(b"\r\n") else b"\n"
        self._lasting: tuple[int, int] | None = None  # a file whose name lasts
        try:
            check_place(path)
            if not os.path.exists(path):
                return
            descriptor = self._opened(os.O_RDWR)
            try:
                self._check_header(descriptor)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise failed(path, error) from error

    def _opened(self, flags: int) -> int:
        descriptor = os.open(self._path, flags | BINARY | SAFELY, 0o666)
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            return descriptor
        os.close(descriptor)
        raise OutputError(
            f"cannot add rows to {self._path!r}: it is no regular file",
            "name a file that rows can be added to",
        )

    def write(self, data: bytes) -> None:
        """Append whole rows, all of them or none.

        Raises:
            OutputError: it cannot be written, has another header, or stays locked.
        """
        try:
            there = False
            while not there:
                descriptor = self._open_locked()
                try:
                    self._append(descriptor, data)
                    # not there if removed between our look at its name and here
                    there = os.fstat(descriptor).st_nlink > 0
                finally:
                    os.close(descriptor)  # gives up the lock
        except OSError as error:
            raise failed(self._path, error) from error

    def commit(self) -> None:
        """Nothing is left to do."""

    abort = commit

    def _open_locked(self) -> int:
        """Open and lock the file that has the name now, not one rotated away."""
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND
        deadline = time.monotonic() + LOCK_TIMEOUT
        while True:
            descriptor = self._opened(flags)
            try:
                while not try_lock(descriptor, _LOCKED):
                    if time.monotonic() > deadline:
                        raise OutputError(
                            f"cannot write {self._path!r}: locked by another program",
                            "wait until that program is done, or end it",
                        )
                    time.sleep(_LOCK_POLL)
                if self._is_current(descriptor):
                    return descriptor
            except BaseException:
                os.close(descriptor)
                raise
            os.close(descriptor)

    def _is_current(self, descriptor: int) -> bool:
        try:
            return os.path.samestat(os.fstat(descriptor), os.stat(self._path))
        except FileNotFoundError:
            return False

    def _append(self, descriptor: int, data: bytes) -> None:
        while True:
            size = os.fstat(descriptor).st_size
            kept, text = 0, data
            if size:
                self._check_header(descriptor)
                kept, missing = self._mended(descriptor, size, data)
                text = missing + data
                if kept < size:
                    os.ftruncate(descriptor, kept)
                if kept and not self._ends_at(descriptor, kept):
                    os.ftruncate(descriptor, 0)  # it was emptied, and made of zeros
                    continue
            if not kept:
                text = self._header + data
            try:
                write_all(descriptor, text)
                sync_file(descriptor)
                self._make_last(descriptor)
            except BaseException:
                if os.fstat(descriptor).st_size > kept:
                    os.ftruncate(descriptor, kept)  # no part of a row stays
                raise
            if os.fstat(descriptor).st_size >= kept + len(text):
                return
            # Emptied by others (copytruncate): what came after that lacks the header
            os.lseek(descriptor, 0, os.SEEK_SET)
            if os.read(descriptor, len(text) + 1) == text:
                os.ftruncate(descriptor, 0)

    def _ends_at(self, descriptor: int, size: int) -> bool:
        os.lseek(descriptor, size - 1, os.SEEK_SET)
        return os.read(descriptor, 1) not in (b"\0", b"")

    def _make_last(self, descriptor: int) -> None:
        """Sync the folder of a file that we see for the first time."""
        found = os.fstat(descriptor)
        file = (found.st_dev, found.st_ino)
        if file != self._lasting:
            sync_folder(os.path.dirname(os.path.realpath(self._path)))
            self._lasting = file

    def _check_header(self, descriptor: int) -> None:
        """Refuse another header; one that is torn and all there is will do."""
        os.lseek(descriptor, 0, os.SEEK_SET)
        length = len(self._header)
        begin = os.read(descriptor, length + 4)  # more for a byte order mark and CR
        if not self._header or self._header.startswith(begin[:length]):
            return
        found, ours = (
            line.split(b"\n")[0].decode("utf-8", "replace")
            for line in (begin, self._header)
        )
        what = f"another header: {found!r}..."
        if found.strip("\ufeff\r") == ours.strip("\ufeff\r"):
            what = "another header: its line ends or its byte order mark differ"
        raise OutputError(
            f"{self._path!r} has {what}",
            "write to another file, or ask for the layout that the file has",
        )

    def _mended(self, descriptor: int, size: int, data: bytes) -> tuple[int, bytes]:
        """How much of the file stays, and what its last line lacks."""
        position = size
        torn = b""
        while position:
            start = max(0, position - _CHUNK)
            os.lseek(descriptor, start, os.SEEK_SET)
            piece = os.read(descriptor, position - start)
            found = piece.rfind(b"\n") + 1
            torn = piece[found:] + torn if len(torn) < _CHUNK else torn
            position = start + found
            if found:
                break
        if position == size:
            return size, b""
        if position and self._whole(torn.removesuffix(b"\r")):
            return size, self._end[len(self._end) > 1 and torn.endswith(b"\r") :]
        if not self._header:
            os.lseek(descriptor, position, os.SEEK_SET)
            begin = os.read(descriptor, _ALIKE)
            # zeros are what a power cut leaves on some file systems
            if not data.startswith(begin) and begin.strip(b"\0"):
                raise OutputError(
                    f"the last line of {self._path!r} has no end and is none of ours",
                    "end the line in an editor, or write to another file",
                )
        return position, b""
