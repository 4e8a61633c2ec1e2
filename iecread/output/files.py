"""Files: written whole beside their place and renamed over it; errors in words.

``commit`` syncs and renames; until then, and after ``abort``, the old file is whole.
Symbolic links are followed, permissions kept.  After kill -9 a temporary file
``.iecread-*.tmp`` may stay.
"""

import contextlib
import errno
import os
import stat
import sys

from iecread.errors import OutputError
from iecread.statefolder import reason, sync_file, sync_folder, write_all
from iecread.template import is_database

BINARY = getattr(os, "O_BINARY", 0)
"""Flag for os.open: no line ends translated (Windows)."""


def failed(path: str, error: OSError) -> OutputError:
    """The error for the user: what, why, and what to do."""
    folder = os.path.dirname(os.path.realpath(path))
    what = f"cannot write {path!r}"
    why = reason(error)
    code = error.errno
    if code == errno.ENOENT and not os.path.isdir(folder):
        return OutputError(f"{what}: no such folder: {folder!r}", "create the folder")
    if code in (errno.EISDIR, errno.EPERM) and os.path.isdir(path):
        return OutputError(f"{what}: it is a folder", "name a file in it")
    hints = {
        errno.EACCES: f"the file and the folder {folder!r} must be writable for you, "
        "and no other program may hold the file",
        errno.EROFS: "name a file on a file system that can be written",
        errno.ENOSPC: "make room on the disk, then try again",
        errno.EDQUOT: "make room within your quota, then try again",
        errno.EFBIG: "begin a new file: this one may not grow any more",
        errno.EBUSY: "use --append, or mount the folder and not the file alone",
        errno.ENXIO: "start the program that reads from it first",
        errno.ENOLCK: "use a file system that has locks, such as a local disk",
        errno.EOPNOTSUPP: "use a file system that has locks, such as a local disk",
        errno.ENOSYS: "use a file system that has locks, such as a local disk",
    }
    if code == errno.ENXIO:
        why = "nobody reads from it"
    return OutputError(f"{what}: {why}", hints.get(code or 0, "write to another file"))


def refuse_database(path: str) -> None:
    """Do not take a database, by its suffix, for a text file.

    Raises:
        OutputError: it is one.
    """
    if is_database(path):
        raise OutputError(
            f"{path!r} is a database by its suffix, and this is text",
            "name another file",
        )


def check_place(path: str) -> None:
    """Look whether a file can be there, without touching anything.

    Raises:
        OSError: it is a folder, nothing could be made in its folder, or it is a link
            that leads where somebody else wants it to.
    """
    if _planted(path):
        why = "a link of another user, in a folder that all may write"
        raise PermissionError(errno.EACCES, why)
    if os.path.isdir(path) or path.endswith(("/", os.sep)):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not os.path.exists(path):
        folder = os.path.dirname(os.path.realpath(path))
        os.stat(os.path.join(folder, ""))
        if code := _forbidden(folder):
            raise OSError(code, os.strerror(code))


def _planted(path: str) -> bool:
    """Whether a link may be a trap, by the rule of Linux (protected_symlinks).

    The system does not see it where a link is followed here and not by open.
    """
    if sys.platform == "win32" or not os.path.islink(path):
        return False
    folder = os.stat(os.path.dirname(os.path.abspath(path)))
    shared = stat.S_ISVTX | stat.S_IWOTH
    owners = (os.geteuid(), folder.st_uid)
    return folder.st_mode & shared == shared and os.lstat(path).st_uid not in owners


def _forbidden(folder: str) -> int:
    """Why no file can be made in a folder that is there: an errno; 0 if one can."""
    if os.access(folder, os.W_OK | os.X_OK):
        return 0
    if sys.platform != "win32" and os.statvfs(folder).f_flag & os.ST_RDONLY:
        return errno.EROFS
    return errno.EACCES


def make_folders(folder: str) -> None:
    """Make a folder, and those above it, where they are missing; they last.

    Raises:
        OutputError: it cannot be made.
    """
    missing = []
    place = os.path.abspath(folder)
    while not os.path.isdir(place):
        missing.append(place)
        place, name = os.path.split(place)
        if not name:
            break
    for place in reversed(missing):
        try:
            with contextlib.suppress(FileExistsError):  # another was quicker
                os.mkdir(place)
            os.stat(os.path.join(place, ""))  # a file of that name is in the way
        except OSError as error:
            why = reason(error)
            raise OutputError(
                f"cannot make the folder {place!r}: {why}",
                "make it yourself, or name another place",
            ) from error
        sync_folder(os.path.dirname(place))


def check_folder(folder: str) -> None:
    """Look whether ``make_folders`` and a file in there can be, and touch nothing.

    Raises:
        OutputError: they cannot.
    """
    place = os.path.abspath(folder)
    while not os.path.lexists(place):
        place = os.path.dirname(place)
    why = ""
    if not os.path.isdir(place):
        why = os.strerror(errno.ENOTDIR)
    elif code := _forbidden(place):
        why = os.strerror(code)
    if why:
        raise OutputError(
            f"cannot write in {folder!r}: {place!r}: {why.lower()}",
            "the folder must be writable for you, or name another place",
        )


class Replaced:
    """A file that appears whole or not at all; a failed commit wants an abort.

    After a write that failed it does not appear any more.
    """

    def __init__(self, path: str) -> None:
        refuse_database(path)
        self._path = path
        self._failure: OSError | None = None
        self._place = os.path.realpath(path)
        folder = os.path.dirname(self._place)
        self._temporary = os.path.join(folder, f".iecread-{os.urandom(6).hex()}.tmp")
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | BINARY
        try:
            check_place(path)
            old = self._old()
            # a new file as the umask has it, a private one private from the start
            mode = 0o600 if old else 0o666
            self._descriptor: int | None = os.open(self._temporary, flags, mode)
        except OSError as error:
            raise failed(path, error) from error
        if old and sys.platform != "win32":
            with contextlib.suppress(OSError):  # not ours to give, or a FAT
                os.fchown(self._descriptor, old.st_uid, old.st_gid)
            with contextlib.suppress(OSError):
                os.fchmod(self._descriptor, stat.S_IMODE(old.st_mode))

    def _old(self) -> os.stat_result | None:
        """The file that is there; a rename would not ask for its leave."""
        try:
            old = os.stat(self._place)
        except FileNotFoundError:
            return None
        if not os.access(self._place, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return old

    def write(self, data: bytes) -> None:
        try:
            self._check()
            assert self._descriptor is not None
            write_all(self._descriptor, data)
        except OSError as error:
            self._failure = error
            self.abort()
            raise failed(self._path, error) from error

    def _check(self) -> None:
        if self._failure is not None:
            raise OSError(self._failure.errno, self._failure.strerror)

    def commit(self) -> None:
        try:
            self._check()
            assert self._descriptor is not None
            sync_file(self._descriptor)
            self._close()
            os.replace(self._temporary, self._place)
        except OSError as error:
            raise failed(self._path, error) from error
        sync_folder(os.path.dirname(self._place))  # the rename lasts

    def _close(self) -> None:
        if self._descriptor is not None:
            descriptor, self._descriptor = self._descriptor, None
            os.close(descriptor)

    def abort(self) -> None:
        with contextlib.suppress(OSError):
            self._close()
        with contextlib.suppress(OSError):
            os.unlink(self._temporary)
