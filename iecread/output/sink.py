"""Where the text goes: standard output, a file replaced as a whole, or one grown.

* Standard output (no target, ``-``, ``/dev/stdout``): every write goes out at once
  and past Python's buffers, so nothing is left behind to fail again at exit.
* A file appears whole or not at all (``files``), or grows by whole rows (``append``).
* Devices, FIFOs and inherited descriptors are written as they are.

BrokenPipeError is left to the caller; every other failure is an OutputError.  Left
out: making folders.
"""

import errno
import os
import stat
import sys
import time
from types import TracebackType
from typing import Protocol

from iecread.errors import OutputError
from iecread.output.append import Appended
from iecread.output.files import BINARY, Replaced, failed
from iecread.statefolder import reason, write_all

STDOUT = ("-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1")
"""Names of standard output."""

_INHERITED = ("/dev/stderr", "/dev/fd/", "/proc/")
_NONBLOCK = getattr(os, "O_NONBLOCK", 0)
_FULL_WAIT = 0.02  # seconds


class _File(Protocol):
    """What all targets have in common."""

    def write(self, data: bytes) -> None: ...
    def commit(self) -> None: ...
    def abort(self) -> None: ...


class Sink:
    """Takes the text of one command; a context manager that commits or aborts.

    Args:
        target: a path, or ``-`` or None for standard output.
        append: add to the file and leave what is there.
        header: the first line, with its line end; written before the first text
            unless the file has it already.  Empty: none.

    Raises:
        OutputError: the file cannot be written there, or has another header; found
            before a slow meter is read in vain.
    """

    def __init__(
        self, target: str | None, append: bool = False, header: str = ""
    ) -> None:
        self._header = _encode(header)
        self._done = False
        self._file: _File
        if target is None or target in STDOUT:
            self._file = _Stdout()
        elif _is_special(target):
            self._file = _Direct(target)
        elif append:
            # puts the header where it is missing, at every write
            self._file = Appended(target, self._header)
            self._header = b""
        else:
            self._file = Replaced(target)

    def write(self, data: str | bytes) -> None:
        """Write whole rows (text as UTF-8, line ends as they are) or bytes.

        Raises:
            OutputError: it could not be written; in ``append`` nothing of it was.
            BrokenPipeError: nobody reads any more.
        """
        if isinstance(data, str):
            data = _encode(data)
        data, self._header = self._header + data, b""
        if data:
            self._file.write(data)

    def commit(self) -> None:
        """Make it last; what was appended or printed already does.

        Raises:
            OutputError: the file could not be put in its place; the old one is whole.
        """
        if self._done:
            return
        try:
            self.write("")  # the header at least
            self._file.commit()
        except BaseException:
            self.abort()
            raise
        self._done = True

    def abort(self) -> None:
        """Leave the old file as it was; what was appended or printed stays."""
        if not self._done:
            self._done = True
            self._file.abort()

    def __enter__(self) -> "Sink":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is None:
            self.commit()
        else:
            self.abort()


def _encode(text: str) -> bytes:
    # a name from the command line may hold surrogates, which UTF-8 refuses
    return text.encode("utf-8", "backslashreplace")


def _is_special(path: str) -> bool:
    """Whether it is no regular file (nor to become one), or a descriptor of ours."""
    if path.startswith(_INHERITED):
        return True
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return False
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


class _Stdout:
    def write(self, data: bytes) -> None:
        text = sys.stdout
        if text is None:
            raise OutputError("standard output is closed", "use -o FILE")
        try:
            text.flush()
            buffer = getattr(text, "buffer", None)
            if buffer is None:  # replaced by a caller, such as io.StringIO
                text.write(data.decode("utf-8"))
                return
            raw = getattr(buffer, "raw", buffer)
            view = memoryview(data)
            while view:
                count = raw.write(view)
                if count is None:  # made non-blocking by who else has it open
                    time.sleep(_FULL_WAIT)
                view = view[count or 0 :]
            raw.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            if sys.platform == "win32" and error.errno == errno.EINVAL:
                raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE)) from error
            raise OutputError(
                f"cannot write to standard output: {reason(error)}", "send it elsewhere"
            ) from error

    def commit(self) -> None:
        pass

    abort = commit


class _Direct:
    """A device, a FIFO or a descriptor; opened by the first write."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._descriptor: int | None = None

    def write(self, data: bytes) -> None:
        try:
            if self._descriptor is None:
                # O_NONBLOCK: a FIFO that nobody reads is an error, no endless wait
                flags = os.O_WRONLY | os.O_APPEND | BINARY | _NONBLOCK
                self._descriptor = os.open(self._path, flags)
                if sys.platform != "win32":
                    os.set_blocking(self._descriptor, True)
            write_all(self._descriptor, data)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise failed(self._path, error) from error

    def commit(self) -> None:
        if self._descriptor is not None:
            descriptor, self._descriptor = self._descriptor, None
            try:
                os.close(descriptor)
            except OSError as error:
                raise failed(self._path, error) from error

    abort = commit
