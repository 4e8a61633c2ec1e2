"""The computer examined: installation, configuration, and the port up to its settings.

Each function returns a Layer of diagnosis.py: what was seen and what is wrong.  What
the system does not tell (other users' processes, macOS, Windows) is left out; nothing
here fails because of that.  The line behind the port is examination.py's.
"""

import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from importlib import import_module, metadata
from typing import TYPE_CHECKING

from iecread.diagnosis import Layer, diagnose
from iecread.errors import ConfigError, IecReadError, PortBusyError, PortError
from iecread.transports import Transport
from iecread.transports.portlist import Port, listing, one

if TYPE_CHECKING:
    from iecread.config import Config

REQUIRED = {"click": "8.5", "pyserial": "3.5", "rich": "13.0", "tomli": "2.0.1"}
"""What has to be installed, and the oldest version that will do."""

_MODULES = {"pyserial": "serial"}
_PYTHON = (3, 11)
_SPEEDS = (300, 600, 1200, 2400, 4800, 9600, 19200)
# Programs that open serial ports as they appear, and how to keep them from it
_MEDDLERS = {
    "ModemManager": "sudo systemctl mask --now ModemManager",
    "brltty": "sudo systemctl mask --now brltty-udev.service brltty.service",
}


def installation(environ: Mapping[str, str]) -> Layer:
    """Look at Python, the packages, and where iecread comes from."""
    import iecread
    from iecread._version import __version__

    layer = Layer()
    folder = os.path.dirname(os.path.abspath(iecread.__file__))
    python = ".".join(map(str, sys.version_info[:3]))
    layer.evidence.append(f"iecread {__version__} in {folder}")
    layer.evidence.append(f"Python {python}, {sys.executable or 'no executable'}")
    if sys.version_info[:2] < _PYTHON:
        what = f"Python {python} is too old: iecread needs 3.11 or later"
        _wrong(layer, "package", what, "install a newer Python")
    _packages(layer)
    copies = _copies(folder)
    if copies:
        layer.evidence.append(f"other copies, not used: {', '.join(copies)}")
    try:
        from iecread.statefolder import state_folder

        layer.evidence.append(f"state in {state_folder(environ)}")
    except ConfigError as error:
        _wrong(layer, "state", error.message, error.hint)
    return layer


def _packages(layer: Layer) -> None:
    found = []
    pip = f"{sys.executable or 'python3'} -m pip"
    for package, oldest in REQUIRED.items():
        module = _MODULES.get(package, package)
        try:
            import_module(module)
        except Exception as error:  # whatever a broken package raises
            what = f"{package} cannot be imported: {error}"
            _wrong(layer, "package", what, f"{pip} install '{package}>={oldest}'")
            continue
        try:
            version = metadata.version(package)
        except metadata.PackageNotFoundError:
            version = ""
        found.append(f"{package} {version}".strip())
        if version and _numbers(version) < _numbers(oldest):
            what = f"{package} {version} is too old: {oldest} or later is needed"
            _wrong(layer, "package", what, f"{pip} install -U '{package}>={oldest}'")
    layer.evidence.append(", ".join(found))
    with suppress(ImportError):
        if not hasattr(import_module("serial"), "serial_for_url"):
            _wrong(
                layer,
                "package",
                "the package 'serial' stands in the way of pyserial",
                f"{pip} uninstall -y serial && {pip} install --force-reinstall "
                "pyserial",
            )


def _numbers(version: str) -> list[int]:
    return [int(part) for part in version.split(".") if part.isdigit()]


def _copies(folder: str) -> list[str]:
    """Other folders in the search path that have an iecread."""
    ours = os.path.realpath(folder)
    found: dict[str, None] = {}
    for place in sys.path:
        other = os.path.join(place or os.curdir, "iecread")
        if os.path.isfile(os.path.join(other, "__init__.py")):
            real = os.path.realpath(other)
            if real != ours:
                found[real] = None
    return list(found)


def configuration(
    path: str | None, environ: Mapping[str, str], meter: str | None
) -> "tuple[Layer, Config | None]":
    """Look for meters.toml and whether it is right.

    Args:
        path: what ``--config`` says.
        environ: the environment.
        meter: the meter that is wanted from it; None for a port, or none at all.
    """
    from iecread.config import find_config, load_config
    from iecread.configfaults import ConfigFileError

    layer = Layer()
    if meter is None and find_config(path, environ) is None:
        layer.skipped = "no meters.toml; a port needs none"
        return layer, None
    try:
        config = load_config(path, environ)
        if meter is not None:
            config.meter(meter)
    except ConfigFileError as error:
        for fault in error.faults:
            fix = fault.hint or "iecread meters check"
            _wrong(layer, "config", f"{fault.where}: {fault.message}", fix)
        return layer, None
    except ConfigError as error:
        _wrong(layer, "config", error.message, error.hint)
        return layer, None
    count = len(config.meters)
    words = "1 meter" if count == 1 else f"{count} meters"
    layer.evidence.append(f"{config.path}: {words}, no errors")
    if meter is not None:
        layer.evidence.append(f"{meter!r} is at {config.meter(meter).port}")
    return layer, config


def ports() -> Layer:
    """Look at the serial ports here, where no one was named."""
    layer = Layer()
    found = listing()
    if not found:
        layer.skipped = "no TARGET, and no serial adapter is to be seen here"
    for port in found:
        layer.evidence.append(f"{port.stable}: {_about(port)}")
    _note_meddlers(layer)
    return layer


def known(port: str) -> str:
    """Return what the system says of a serial port, in words; may be empty."""
    with suppress(PortError):
        return _about(one(port))
    return ""


def _about(port: Port) -> str:
    others = [who for who in port.holders or () if who.pid != os.getpid()]
    words = [port.adapter] if port.adapter else []
    if port.access is not None:
        words.append("may be opened" if port.access.allowed else "may not be opened")
    if others:
        words.append(f"held by {', '.join(map(str, others))}")
    elif port.holders is not None:
        words.append("free")
    return ", ".join(words)


def port_wrong(layer: Layer, error: IecReadError) -> None:
    """Say why a port could not be opened.

    Args:
        layer: where to say it.
        error: what was raised.
    """
    running = meddlers()
    ailment, fix = "port", error.hint
    if isinstance(error, PortBusyError):
        ailment = "held"
        for name in running:
            if name.lower() in error.message.lower():
                fix = _MEDDLERS[name]
    elif error.message.startswith("no permission"):
        ailment = "denied"
    elif "brltty" in running and error.message.startswith("no such port"):
        fix = f"{_MEDDLERS['brltty']}: brltty takes some USB adapters for its own"
    _note_meddlers(layer)
    _wrong(layer, ailment, error.message, fix, kind=error.kind)


def settings(layer: Layer, line: Transport, opening: int) -> None:
    """Find out which speeds an open port accepts; it reads them back itself.

    Args:
        layer: where to say it.
        line: the open line; it has the opening speed again at the end.
        opening: the opening speed, in Bd.
    """
    done, refused = [], []
    for speed in _SPEEDS:
        try:
            line.set_speed(speed)
            done.append(speed)
        except PortError:
            refused.append(speed)
    try:
        line.set_speed(opening)
    except PortError as error:
        _wrong(layer, "setting", error.message, error.hint)
    if done:
        layer.evidence.append(f"accepts {done[0]} to {done[-1]} Bd, read back")
    if refused:
        layer.evidence.append(f"does not accept {', '.join(map(str, refused))} Bd")
    _note_meddlers(layer)


def meddlers() -> list[str]:
    """Programs running here that open serial ports as they appear; Linux only."""
    found: set[str] = set()
    if sys.platform == "linux":
        with suppress(OSError):
            for pid in filter(str.isdigit, os.listdir("/proc")):
                with suppress(OSError), open(f"/proc/{pid}/comm") as comm:
                    found.add(comm.read().strip())
    return [name for name in _MEDDLERS if name in found]


def _note_meddlers(layer: Layer) -> None:
    for name in meddlers():
        layer.evidence.append(
            f"{name} is running, which opens serial ports when they are plugged in: "
            f"{_MEDDLERS[name]}"
        )


def _wrong(
    layer: Layer, ailment: str, what: str, fix: str, *, kind: str | None = None
) -> None:
    layer.findings.append(diagnose(ailment, {"what": what, "fix": fix}, kind))
