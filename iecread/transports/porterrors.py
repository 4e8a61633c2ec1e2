"""Why a port cannot be opened or used, as errors that say what to type next.

Each function builds one error and raises nothing.  What it tells beyond the
system's own message is looked up only then: ports that exist, the group that owns
the device, the program that holds it.  Looking up is best effort; what cannot be
found out is left out.
"""

import errno
import os
import stat
import sys
from contextlib import suppress
from typing import NamedTuple

from iecread.errors import PortBusyError, PortError, PortGoneError

# The system's words for a device that is no longer there
GONE = frozenset({errno.EIO, errno.ENXIO, errno.ENODEV, errno.EBADF, errno.EPIPE})

_PATTERNS = {
    "linux": ("/dev/ttyUSB*", "/dev/ttyACM*", "/dev/serial/by-id/*"),
    "darwin": ("/dev/cu.*",),
}


class Holder(NamedTuple):
    """A process that has the port open."""

    pid: int
    command: str

    def __str__(self) -> str:
        return f"{self.command or 'a program'} (pid {self.pid})"


class Access(NamedTuple):
    """Whether this user may open a port.

    Attributes:
        allowed: whether the permissions of the device say so.
        group: the group that it belongs to; empty if unknown.
        hint: what to type where it is not allowed.
    """

    allowed: bool
    group: str = ""
    hint: str = ""


def candidates() -> list[str]:
    """Return the names of the serial ports that are plugged in here."""
    if sys.platform == "win32":
        from serial.tools.list_ports import comports

        return [port.device for port in comports()]
    from glob import glob

    patterns = _PATTERNS.get(sys.platform, ("/dev/cua*", "/dev/ttyU*"))
    return [name for pattern in patterns for name in sorted(glob(pattern))]


def holders(path: str) -> list[Holder]:
    """Return who holds the device at ``path``: its locker, else all who have it open.

    Linux only; elsewhere, and where the system hides it, the list is empty.
    """
    if sys.platform != "linux":
        return []
    pids: list[int] = []
    with suppress(OSError, ValueError):
        pids = _lockers(path) or _openers(os.path.realpath(path))
    return [Holder(pid, _command(pid)) for pid in pids]


def _lockers(path: str) -> list[int]:
    """Return the holders of a lock; /proc/locks names those of other users too."""
    if sys.platform == "win32":
        return []
    node = os.stat(path)
    device = f"{os.major(node.st_dev):02x}:{os.minor(node.st_dev):02x}:{node.st_ino}"
    with open("/proc/locks") as locks:
        rows = [line.split() for line in locks]
    return [int(row[4]) for row in rows if row[1] == "FLOCK" and row[5] == device]


def _openers(device: str) -> list[int]:
    """Return whose open files lead to ``device``, as far as we may look."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        folder = f"/proc/{pid}/fd"
        with suppress(OSError):
            # the link is read and not followed: a file may be on a dead network drive
            if any(
                os.readlink(f"{folder}/{fd}") == device for fd in os.listdir(folder)
            ):
                found.append(int(pid))
    return found


def _command(pid: int) -> str:
    with suppress(OSError), open(f"/proc/{pid}/comm") as comm:
        return comm.read().strip()
    return ""


def _typed(path: str) -> str:
    """Return ``path`` as one would type it in a shell."""
    from shlex import quote

    return quote(path) if path.isprintable() else repr(path)


def no_such_port(path: str) -> PortError:
    """There is nothing under this name; the hint names what there is."""
    return PortGoneError(f"no such port: {path!r}", _ports_hint(path))


def _ports_hint(path: str) -> str:
    from difflib import get_close_matches

    ports = candidates()
    if close := get_close_matches(path, ports):
        return f"did you mean {close[0]!r}?"
    if ports:
        return "ports here: " + ", ".join(ports[:4])
    return "no serial adapter is to be seen here; is the optical head plugged in?"


def not_a_port(path: str, mode: int | None = None) -> PortError:
    """The name leads to something that is not a serial port.

    Args:
        path: the name.
        mode: ``st_mode`` of what is there, None if all that is known is that the
            system refuses to treat it as a terminal.
    """
    if mode is not None and stat.S_ISDIR(mode):
        return PortError(f"{path!r} is a directory, not a port", _ports_hint(path))
    if mode is not None and stat.S_ISREG(mode):
        hint = f"to read a saved readout: iecread decode {_typed(path)}"
        return PortError(f"{path!r} is a file, not a port", hint)
    return PortError(f"{path!r} is not a serial port", _ports_hint(path))


def no_permission(path: str) -> PortError:
    """The system forbids to open the port; the hint names the group that may."""
    message = f"no permission to open {path!r}"
    group, hint = _remedy(path)
    if group:
        message += f": it belongs to group {group!r}"
    return PortError(message, hint)


def access(path: str) -> Access:
    """Say whether this user may open a port, by its permissions; not on Windows."""
    group, hint = _remedy(path)
    allowed = os.access(path, os.R_OK | os.W_OK)
    return Access(allowed, group, "" if allowed else hint)


def _remedy(path: str) -> tuple[str, str]:
    """The group that a port belongs to, and what to type to be let in."""
    name, hint = "", f"let this user read and write {path!r}"
    if sys.platform == "win32":
        return name, hint
    with suppress(OSError, ImportError, KeyError):
        import grp
        import pwd

        node = os.stat(path)
        group = grp.getgrgid(node.st_gid)
        name = group.gr_name
        user = pwd.getpwuid(os.geteuid()).pw_name
        if node.st_mode & 0o060 != 0o060 or node.st_gid == 0:
            hint = f"sudo chown $USER {_typed(path)} (until it is plugged in again)"
        elif node.st_gid in {os.getegid(), *os.getgroups()}:
            hint = "you are in that group, so a container or sandbox may forbid it"
        elif user in group.gr_mem:
            hint = "you are in that group since your last login; log in again, or "
            hint += f"type: newgrp {group.gr_name}"
        else:
            hint = f"sudo usermod -aG {group.gr_name} $USER, then log in again"
    return name, hint


def in_use(path: str) -> PortBusyError:
    """Another program holds the port; names it where the system tells."""
    who = ", ".join(str(holder) for holder in holders(path)[:3])
    return PortBusyError(
        f"port {path!r} is in use by {who or 'another program'}",
        "end that program, or wait for it with --wait 30s",
    )


def setting_refused(path: str, setting: str) -> PortError:
    """The driver or the far end does not do ``setting``."""
    return PortError(
        f"port {path!r} cannot do {setting}: setting not supported",
        "try --framing auto, another speed (--baud, --max-baud) or another adapter",
    )


def nothing_behind(path: str) -> PortError:
    """There is a name, and no device behind it."""
    return PortGoneError(
        f"nothing is connected behind port {path!r}",
        "is the adapter plugged in, and is this the right port?",
    )


def lost(path: str, why: str = "") -> PortError:
    """The port vanished while it was open."""
    return PortGoneError(
        f"port {path!r} was lost{': ' + why if why else ''}",
        "was the adapter unplugged, or the program at the other end ended?",
    )


def no_data(path: str) -> PortError:
    """The port says that it has bytes, and has none."""
    others: list[str] = []
    with suppress(OSError):
        pids = _openers(os.path.realpath(path))
        others = [str(Holder(p, _command(p))) for p in pids if p != os.getpid()]
    if others:
        return PortBusyError(
            f"port {path!r} is read by {others[0]} as well, which takes bytes away",
            "end that program",
        )
    return lost(path, "it has no data, though it says so")


def cannot_connect(name: str, host: str, error: OSError) -> PortError:
    """A TCP connection could not be made because of ``error``."""
    from socket import gaierror

    if isinstance(error, gaierror):
        return PortGoneError(
            f"{name!r}: host {host!r} is not known ({error.strerror})",
            "check the name, or give its address",
        )
    if isinstance(error, ConnectionRefusedError):
        return PortGoneError(
            f"{name!r} refuses the connection",
            "is the port number right, and is the gateway a TCP server that is free?",
        )
    if isinstance(error, TimeoutError):
        return PortGoneError(
            f"{name!r} does not answer", "check address, cable, power and firewall"
        )
    return PortGoneError(
        f"{name!r} cannot be reached: {error.strerror or error}",
        "check address, cable and network",
    )


def closed_by_peer(name: str) -> PortError:
    """The far end of a connection closed it."""
    return PortGoneError(
        f"{name!r} closed the connection",
        "many gateways serve one client at a time and end idle connections; try again",
    )
