"""A file that grows by whole rows, shared with other writers.

Each write opens the file, locks it, looks whether the name still is that of the
locked file (logrotate), compares the header, cuts off a last line without an end
(a writer that was killed), appends with one write call and syncs.  Where that fails
the file gets its old length back: a row is in it whole or not at all.
"""

import errno
import os
import sys
import time

from iecread.errors import OutputError
from iecread.output.files import BINARY, check_place, failed, sync, write_all

LOCK_TIMEOUT = 30.0
"""Seconds to wait for the lock of another writer, who holds it for a few ms."""

_LOCK_POLL = 0.02  # seconds
_CHUNK = 65536
# A row is known as ours by so many bytes at its beginning, where there is no header
_ALIKE = 8


class Appended:
    """A file that grows by whole rows."""

    def __init__(self, path: str, header: bytes) -> None:
        self._path = path
        self._header = header
        try:
            check_place(path)
            if not os.path.exists(path):
                return
            descriptor = os.open(path, os.O_RDWR | BINARY)
            try:
                self._check_header(descriptor)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise failed(path, error) from error

    def write(self, data: bytes) -> None:
        """Append whole rows, all of them or none.

        Raises:
            OutputError: it cannot be written, has another header, or stays locked.
        """
        try:
            descriptor = self._open_locked()
            try:
                self._append(descriptor, data)
            finally:
                os.close(descriptor)  # gives up the lock
        except OSError as error:
            raise failed(self._path, error) from error

    def commit(self) -> None:
        """Nothing is left to do."""

    abort = commit

    def _open_locked(self) -> int:
        """Open and lock the file that has the name now, not one rotated away."""
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | BINARY
        deadline = time.monotonic() + LOCK_TIMEOUT
        while True:
            descriptor = os.open(self._path, flags, 0o666)
            try:
                while not _lock(descriptor):
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
        size = os.fstat(descriptor).st_size
        whole = 0
        if size:
            self._check_header(descriptor)
            whole = self._whole(descriptor, size, data)
            if whole < size:
                os.ftruncate(descriptor, whole)
        if not whole:
            data = self._header + data
        try:
            write_all(descriptor, data)
            sync(descriptor)
        except BaseException:
            os.ftruncate(descriptor, whole)  # no part of a row stays
            raise

    def _check_header(self, descriptor: int) -> None:
        """Refuse another header; one that is torn and all there is will do."""
        os.lseek(descriptor, 0, os.SEEK_SET)
        begin = os.read(descriptor, len(self._header))
        if self._header and not self._header.startswith(begin):
            found = begin.split(b"\n")[0].decode("utf-8", "replace")
            raise OutputError(
                f"{self._path!r} has another header: {found!r}...",
                "write to another file, or ask for the layout that the file has",
            )

    def _whole(self, descriptor: int, size: int, data: bytes) -> int:
        """The length of the file up to and with its last line end."""
        position = size
        while position:
            start = max(0, position - _CHUNK)
            os.lseek(descriptor, start, os.SEEK_SET)
            found = os.read(descriptor, position - start).rfind(b"\n")
            if found >= 0:
                position = start + found + 1
                break
            position = start
        if position < size and not self._header:
            os.lseek(descriptor, position, os.SEEK_SET)
            torn = os.read(descriptor, _ALIKE)
            # zeros are what a power cut leaves on some file systems
            if not data.startswith(torn) and torn.strip(b"\0"):
                raise OutputError(
                    f"the last line of {self._path!r} has no end and is none of ours",
                    "end the line in an editor, or write to another file",
                )
        return position


def _lock(descriptor: int) -> bool:
    """Lock a file for writing; False while another has it."""
    try:
        if sys.platform == "win32":
            import msvcrt

            # A byte far behind the end: locked bytes could not be read by others
            os.lseek(descriptor, 0x7FFFFFF0, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EAGAIN, errno.EDEADLK):
            return False
        raise
    return True
