"""The state folder: the small files that iecread keeps between runs.

It holds what was refused (``refused.json``) and what was changed (``journal.jsonl``),
and belongs to one user.  Several runs may work in it at once: whoever reads in order
to write takes the lock, a file of its own that never goes away.  Files are replaced
whole.  Without a home (cron, system users) there are places to fall back on; the
last, for temporary files, is used only if nobody else could have laid it out.

Everything here raises OSError; the callers know what it means for the user.
"""

import contextlib
import errno
import os
import stat
import sys
import time
from collections.abc import Iterator, Mapping

from iecread.errors import ConfigError

LOCK_TIMEOUT = 10.0
"""Seconds to wait for the lock of another run, who holds it for a few ms."""

_LOCK_POLL = 0.01  # seconds
_BINARY = getattr(os, "O_BINARY", 0)
_NO_WAIT = getattr(os, "O_NONBLOCK", 0)  # opening a FIFO must not hang
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)  # nor may a link lead out of the folder


def candidates(
    environ: Mapping[str, str], platform: str = sys.platform, user: int = 0
) -> list[str]:
    """Return the folders that may be the state folder, the best one first.

    Args:
        environ: the environment; IECREAD_STATE_DIR leaves no other choice.
        platform: as ``sys.platform``.
        user: number of the user; 0, root, may use /var/lib.
    """
    said = environ.get("IECREAD_STATE_DIR", "")
    if said:
        return [os.path.abspath(os.path.expanduser(said))]
    if platform == "win32":
        local = environ.get("LOCALAPPDATA", "")
        if not local and environ.get("USERPROFILE"):
            local = environ["USERPROFILE"] + r"\AppData\Local"
        return [local + r"\iecread"] if local else []
    home = environ.get("HOME", "")
    found = []
    if platform == "darwin":
        if os.path.isabs(home):
            found.append(f"{home}/Library/Application Support/iecread")
    else:
        # systemd names its StateDirectory= so; a unit asks for it on purpose
        found.append(environ.get("STATE_DIRECTORY", "").partition(":")[0])
        xdg = environ.get("XDG_STATE_HOME", "")
        if os.path.isabs(xdg):
            found.append(f"{xdg}/iecread")
        elif os.path.isabs(home):
            found.append(f"{home}/.local/state/iecread")
    if user == 0:
        found.append("/var/lib/iecread")
    return [folder for folder in found if os.path.isabs(folder)]


def state_folder(environ: Mapping[str, str] | None = None) -> str:
    """Return the state folder, made if it was not there.

    Args:
        environ: the environment; None for that of this process.

    Raises:
        ConfigError: there is none that can be written.
    """
    user = -1  # Windows has none
    if sys.platform != "win32":
        user = os.getuid()
    folders = candidates(os.environ if environ is None else environ, user=user)
    trouble = "no home folder"
    for folder in folders:
        try:
            os.makedirs(folder, mode=0o700, exist_ok=True)
            if os.access(folder, os.W_OK | os.X_OK):
                return folder
            trouble = f"{folder!r} may not be written"
        except OSError as error:
            trouble = f"{folder!r}: {reason(error)}"
    said = bool((os.environ if environ is None else environ).get("IECREAD_STATE_DIR"))
    if sys.platform != "win32" and not said:
        base = "/var/tmp" if os.path.isdir("/var/tmp") else "/tmp"
        try:
            return _shared_place(f"{base}/iecread-{user}", user)
        except OSError as error:
            trouble += f"; {base}/iecread-{user}: {reason(error)}"
    raise ConfigError(
        f"no folder to remember refusals and changes in ({trouble})",
        "set IECREAD_STATE_DIR to a folder that you can write",
    )


def _shared_place(folder: str, user: int) -> str:
    """A folder where everybody may write: only one that is ours and closed."""
    with contextlib.suppress(FileExistsError):
        os.mkdir(folder, 0o700)
    found = os.lstat(folder)
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != user or found.st_mode & 0o77:
        raise PermissionError(errno.EPERM, "there is another's file or folder")
    return folder


def reason(error: OSError) -> str:
    """The words of the system, in lower case."""
    return (error.strerror or str(error)).lower()


@contextlib.contextmanager
def locked(folder: str, timeout: float = LOCK_TIMEOUT) -> Iterator[None]:
    """Keep other runs, and other threads of this one, out of the folder's files.

    Args:
        folder: the state folder.
        timeout: seconds to wait for another run.

    Raises:
        TimeoutError: another run holds the lock; an OSError too.
        OSError: the folder cannot be written, or knows no locks.
    """
    flags = os.O_RDWR | os.O_CREAT | _BINARY | _NO_WAIT | _NO_LINK
    descriptor = os.open(os.path.join(folder, "lock"), flags, 0o600)
    try:
        deadline = time.monotonic() + timeout
        while not try_lock(descriptor):
            if time.monotonic() > deadline:
                raise TimeoutError(errno.ETIMEDOUT, "another run of iecread holds it")
            time.sleep(_LOCK_POLL)
        yield
    finally:
        os.close(descriptor)  # gives up the lock


def try_lock(descriptor: int, place: int = 0) -> bool:
    """Lock an open file; False while another has it.

    Args:
        descriptor: the file, opened for writing.
        place: on Windows the byte that is locked, which others cannot read then.

    Raises:
        OSError: the file system knows no locks.
    """
    try:
        if sys.platform == "win32":
            import msvcrt

            os.lseek(descriptor, place, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EAGAIN, errno.EDEADLK):
            return False
        raise
    return True


def read_file(path: str, limit: int) -> tuple[bytes, os.stat_result]:
    """Read a file that another may have put there: a device or FIFO is refused.

    Args:
        path: the file; symbolic links are followed.
        limit: how many bytes to read at most.

    Returns:
        The beginning of the file and what the system says of it.

    Raises:
        OSError: it cannot be read, or is no plain file.
    """
    descriptor = os.open(path, os.O_RDONLY | _BINARY | _NO_WAIT)
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise OSError(errno.EINVAL, "not a plain file")
        parts = []
        while limit > 0 and (part := os.read(descriptor, limit)):
            parts.append(part)
            limit -= len(part)
        return b"".join(parts), found
    finally:
        os.close(descriptor)


def replace_file(path: str, data: bytes, *, sync: bool = True) -> None:
    """Put a private file in place, whole or not at all; hold the lock for it.

    Args:
        path: the file.
        data: all that it is to hold.
        sync: whether it must be on the disk before this returns.

    Raises:
        OSError: it cannot be written; the old file is whole.
    """
    temporary = path + ".tmp"
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | _BINARY | _NO_WAIT | _NO_LINK
    descriptor = os.open(temporary, flags, 0o600)
    try:
        try:
            write_all(descriptor, data)
            if sync:
                sync_file(descriptor)
        finally:
            os.close(descriptor)
        os.replace(temporary, path)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    if sync:
        sync_folder(os.path.dirname(path))


def write_all(descriptor: int, data: bytes) -> None:
    """One write call, unless the system takes less at a time."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def sync_file(descriptor: int) -> None:
    """Bring an open file to the disk, where the file system can do that."""
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise


def sync_folder(folder: str) -> None:
    """Make names last that were made in ``folder``, where a system can do that."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
