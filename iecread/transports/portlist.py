"""The serial ports of this computer: names that stay, adapters, holders, permission.

``listing`` looks; ``describe`` makes the list of what pyserial and the system say,
and is a pure function, so that the forms of Linux, macOS and Windows can be tested
anywhere.  ``appearing`` waits for a port that was not there.  No port is opened: what
could only be found out by opening is left open.

The name that stays is the one under ``/dev/serial/by-id``; where two adapters that
are plugged in cannot be told apart by it (no serial number), the one of the USB
socket under ``by-path``.  On macOS the device's name has the serial number in it, on
Windows the number of the COM port belongs to the adapter or to the socket.
"""

import os
import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Protocol

from iecread.transports.porterrors import Access, Holder, access, holders

LOOK = 0.25  # seconds between two looks for a new port
SETTLE = 2.0  # seconds in which the names and permissions of a new port are made

_BY_ID, _BY_PATH = "/dev/serial/by-id/", "/dev/serial/by-path/"
_LINKS = (_BY_ID, _BY_PATH, "/dev/")

# Makers of the chips that adapters are made of, where the adapter does not say it
_CHIPS = {
    (0x0403, None): "FTDI",
    (0x10C4, 0xEA60): "CP210x",
    (0x10C4, 0xEA70): "CP2105",
    (0x10C4, 0xEA71): "CP2108",
    (0x067B, None): "PL2303",
    (0x1A86, 0x7522): "CH340",
    (0x1A86, 0x7523): "CH340",
    (0x1A86, 0x5523): "CH341",
}


class SystemPort(Protocol):
    """What pyserial says of a port."""

    device: str
    description: str | None
    manufacturer: str | None
    product: str | None
    vid: int | None
    pid: int | None
    serial_number: str | None
    location: str | None


@dataclass(frozen=True, slots=True)
class Port:
    """One serial port.

    Attributes:
        device: its name now, such as ``/dev/ttyUSB0``, ``COM3``.
        links: other names of it, those that stay longest first.
        stable: the name to write down.
        adapter: what it says it is; empty if it says nothing.
        vid: USB number of the maker; None where it is no USB device.
        pid: USB number of the product.
        serial: serial number of the adapter; empty if it has none.
        location: USB socket, such as ``1-1.4``; empty if unknown.
        holders: who has it open; None where the system does not tell.
        access: whether this user may open it; None where only opening tells.
    """

    device: str
    links: tuple[str, ...] = ()
    stable: str = ""
    adapter: str = ""
    vid: int | None = None
    pid: int | None = None
    serial: str = ""
    location: str = ""
    holders: tuple[Holder, ...] | None = None
    access: Access | None = None

    @property
    def usb(self) -> str:
        """Its USB ids as ``0403:6001``; empty where it is no USB device."""
        if self.vid is None:
            return ""
        return f"{self.vid:04x}:{self.pid or 0:04x}"

    @property
    def by_id(self) -> str:
        """Its name under /dev/serial/by-id; empty if it has none."""
        return next((link for link in self.links if link.startswith(_BY_ID)), "")

    @property
    def by_path(self) -> str:
        """Its name under /dev/serial/by-path; empty if it has none."""
        return next((link for link in self.links if link.startswith(_BY_PATH)), "")


def describe(
    ports: Iterable[SystemPort],
    links: Mapping[str, Sequence[str]],
    platform: str = sys.platform,
) -> list[Port]:
    """Return the ports in the order of their names; USB adapters first.

    Args:
        ports: what pyserial lists.
        links: other names by device.
        platform: as ``sys.platform``.
    """
    found = {}
    for port in ports:
        device = str(port.device)
        if platform == "darwin":  # tty.* waits for a carrier that no head gives
            device = re.sub(r"^/dev/tty\.", "/dev/cu.", device)
        names = sorted(set(links.get(device, ())), key=_lasting)
        found[device] = Port(
            device,
            tuple(names),
            adapter=_adapter(port),
            vid=port.vid,
            pid=port.pid,
            serial=(port.serial_number or "").strip(),
            location=port.location or "",
        )
    several = sorted(found.values(), key=_order)
    return [_named(port, several, platform) for port in several]


def _lasting(name: str) -> tuple[int, str]:
    """By-id names first, then by-path, then what an administrator made."""
    kind = 0 if name.startswith(_BY_ID) else 1 if name.startswith(_BY_PATH) else 2
    return kind, name


def _order(port: Port) -> tuple[bool, list[tuple[int, str]]]:
    parts = re.findall(r"\d+|\D+", port.device)
    natural = [(int(p), "") if p.isdecimal() else (-1, p.lower()) for p in parts]
    return port.vid is None, natural


def _named(port: Port, all_: Sequence[Port], platform: str) -> Port:
    """The port with the name to write down."""
    twins = [
        other
        for other in all_
        if (other.usb, other.serial) == (port.usb, port.serial)
        # the ports of one adapter have names of their own
        and _socket(other) != _socket(port)
    ]
    made = [link for link in port.links if not link.startswith((_BY_ID, _BY_PATH))]
    names = [port.by_path] if twins else [port.by_id, port.by_path]
    if platform == "win32":
        names, made = [], []
    return replace(port, stable=next(filter(None, [*names, *made]), port.device))


def _socket(port: Port) -> str:
    return port.location.partition(":")[0]


def _adapter(port: SystemPort) -> str:
    """The adapter in words: maker, product, chip."""
    words = port.product or port.description or ""
    # Windows puts the port's own name behind it
    words = re.sub(r"\s*\((?:COM\d+|cu\.[^)]*)\)\s*$", "", words).strip()
    if words.lower() in ("n/a", os.path.basename(port.device).lower()):
        words = ""
    maker = (port.manufacturer or "").strip()
    if maker.lower() in ("n/a", "microsoft", "(standard port types)"):
        maker = ""
    if maker and maker.lower() not in words.lower():
        words = f"{maker} {words}".strip()
    if port.vid is None:
        return words
    chip = _CHIPS.get((port.vid, port.pid)) or _CHIPS.get((port.vid, None), "")
    if chip and chip.lower().rstrip("x") not in words.lower():
        words = f"{words} ({chip})" if words else chip
    return words


# --- looking -----------------------------------------------------------------------


def listing() -> list[Port]:
    """Return the serial ports that are here now.  None of them is opened."""
    return [looked_up(port) for port in present()]


def present() -> list[Port]:
    """Return the ports without holders and permissions: quick."""
    return describe(_system_ports(), _links() if sys.platform == "linux" else {})


def one(name: str) -> Port:
    """Return the port of that name, also one that no list has.

    Raises:
        PortError: there is nothing of that name, or it is no port.
    """
    from iecread.transports.porterrors import no_such_port, not_a_port

    try:
        real = os.path.realpath(name) if sys.platform != "win32" else name
    except ValueError as error:  # a NUL in the name
        raise no_such_port(name) from error
    for port in present():
        if port.device in (name, real):
            return looked_up(port)
    if sys.platform == "win32":
        raise no_such_port(name)
    import stat

    try:
        mode = os.stat(name).st_mode
    except OSError as error:
        raise no_such_port(name) from error
    if not stat.S_ISCHR(mode):
        raise not_a_port(name, mode)
    links = (name,) if name != real else ()
    return looked_up(Port(real, links, stable=name))


def looked_up(port: Port) -> Port:
    """The port with who holds it and whether it may be opened."""
    who = tuple(holders(port.device)) if sys.platform == "linux" else None
    may = access(port.device) if sys.platform != "win32" else None
    return replace(port, holders=who, access=may)


def _system_ports() -> list[SystemPort]:
    from serial.tools.list_ports import comports

    for _ in range(3):  # an adapter that is just being unplugged makes it stumble
        with suppress(OSError, TypeError, ValueError):
            found: list[Any] = list(comports())
            if sys.platform == "linux":
                found = [port for port in found if _is_there(port.device)]
            return found
    return []


def _is_there(device: str, classes: str = "/sys/class/tty") -> bool:
    """Whether a port of a PC's own has a chip; the driver makes names for more."""
    try:
        with open(f"{classes}/{os.path.basename(device)}/type") as kind:
            return kind.read().strip() != "0"
    except OSError:
        return True  # not a port of this kind


def _links() -> dict[str, list[str]]:
    """Other names of devices, by device."""
    found: dict[str, list[str]] = {}
    for folder in _LINKS:
        with suppress(OSError):
            for entry in os.scandir(folder):
                if entry.is_symlink():
                    found.setdefault(os.path.realpath(entry.path), []).append(
                        entry.path
                    )
    return found


def appearing(
    look: Callable[[], list[Port]] = present,
    *,
    timeout: float,
    gone: Callable[[Port], None] = lambda port: None,
    monotonic: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> list[Port]:
    """Wait until ports appear that were not there, and return them.

    One that is unplugged and plugged in again counts.

    Args:
        look: lists the ports.
        timeout: seconds to wait.
        gone: called with each port that went away.
        monotonic: the clock.
        sleep: waits on that clock.

    Returns:
        Nothing if none appeared in time.
    """
    known = {port.device: port for port in look()}
    deadline = monotonic() + timeout
    while monotonic() < deadline:
        sleep(min(LOOK, max(0.0, deadline - monotonic())))
        now = {port.device: port for port in look()}
        for device in [*known]:
            if device not in now or _adapter_of(now[device]) != _adapter_of(
                known[device]
            ):
                gone(known.pop(device))
        if any(device not in known for device in now):
            return list(_settled(look, known, monotonic, sleep))
    return []


def _adapter_of(port: Port) -> tuple[object, ...]:
    return port.vid, port.pid, port.serial, port.location


def _settled(
    look: Callable[[], list[Port]],
    known: Mapping[str, Port],
    monotonic: Callable[[], float],
    sleep: Callable[[float], None],
) -> Iterator[Port]:
    """The new ports, once all their names are made."""
    until = monotonic() + SETTLE
    before: list[Port] = []
    while True:
        new = [port for port in look() if port.device not in known]
        whole = all(port.links or port.vid is None for port in new)
        if monotonic() >= until or new and new == before and whole:
            yield from new
            return
        before = new
        sleep(LOOK)
