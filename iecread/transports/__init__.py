"""Bytes over serial ports, RFC 2217, raw TCP, or within the process.

A transport moves bytes and knows nothing of messages, parity or times of the
protocol.  Which one a port needs is decided by its spelling alone; the module that
serves it is imported only then, so that nobody pays for pyserial or sockets who
does not use them.  Left out: ``sim://``, which the session opens itself on top of
``memory``.
"""

import os
import sys
import time
from collections.abc import Callable
from enum import Enum
from typing import Protocol

from iecread.errors import PortError

MAX_READ = 65536  # bytes that one read() returns at most
LONGEST_WAIT = 3600.0  # seconds that one read() waits at most, whatever was asked
NETWORK_LATENCY = 3.0  # seconds: bursts and trips of a gateway (field practice)

_KNOWN = (
    "known are /dev/ttyUSB0, COM3, rfc2217://host:port, socket://host:port, sim://NAME"
)

_PYSERIAL = ("rfc2217", "hwgrep", "loop", "spy", "alt")  # URLs that pyserial opens


class LineKind(Enum):
    """What is known of the far end."""

    UART = "uart"  # a real serial port, here or behind RFC 2217
    PTY = "pty"  # a pseudo terminal: any speed, no parity
    TCP = "tcp"  # raw TCP to a gateway or to software
    DIRECT = "direct"  # in this process


class Framing(Enum):
    """How a serial port is set; the other transports have no such setting."""

    EIGHT_N_ONE = "8n1"
    HARDWARE_7E1 = "hw7e1"


class Transport(Protocol):
    """What moves bytes.  Every method but ``close`` may raise PortError.

    Attributes:
        name: the port as the user wrote it.
        kind: what is known of the far end; valid once the port is open.
        latency: seconds to grant for answers on top of the meter's own times.
    """

    name: str
    kind: LineKind
    latency: float

    def open(self) -> None:
        """Open the port; does nothing if it is open.

        Raises:
            PortError: it is missing, forbidden, or cannot be set so.
            PortBusyError: another program holds it.
        """

    def read(self, wait: float) -> bytes:
        """Return what has arrived, at once if anything has.

        Args:
            wait: seconds of silence, from 0 on, after which b"" is returned.

        Returns:
            1 to 65536 bytes, or b"" after silence.

        Raises:
            PortError: the line is lost; what came before was returned first.
        """

    def write(self, data: bytes) -> None:
        """Hand over all of ``data``, or raise PortError; never blocks for ever."""

    def drain(self) -> None:
        """Wait until the system has sent what was written, where it can tell.

        Never longer than the bytes need and a few seconds.  Adapters and gateways
        may still hold some of them, so compute their time as well.
        """

    def set_speed(self, baud: int) -> None:
        """Set both directions to ``baud`` Bd now, on the open line; nothing is lost.

        Raises:
            PortError: the driver or the far end refuses this speed.
        """

    def close(self) -> None:
        """Close the port; harmless if it is closed, never raises."""


def open_line(
    url: str,
    *,
    baud: int = 300,
    framing: Framing = Framing.EIGHT_N_ONE,
    wait: float = 0.0,
    monotonic: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Transport:
    """Open the port that ``url`` names and return its transport.

    Args:
        url: ``/dev/ttyUSB0``, ``COM3``, ``rfc2217://host:port``,
            ``socket://host:port``.
        baud: the speed to open with, in Bd; a raw TCP line has none.
        framing: how to set a serial port.
        wait: seconds to wait for a serial port that another program holds.
        monotonic: the clock.
        sleep: what waits on that clock.

    Raises:
        PortError: it cannot be opened; the hint says what to do.
        PortBusyError: another program still holds it after ``wait``.
    """
    scheme, separator, _ = url.partition("://")
    line: Transport
    if not separator or scheme.lower() in _PYSERIAL:
        from iecread.transports.serialport import serial_line

        line = serial_line(
            url, baud=baud, framing=framing, wait=wait, monotonic=monotonic, sleep=sleep
        )
    elif scheme.lower() == "socket":
        from iecread.transports.tcp import TcpLine

        line = TcpLine(url, monotonic=monotonic)
    else:
        raise PortError(f"unknown kind of port {scheme + separator!r}", _KNOWN)
    line.open()
    return line


def line_of(port: str) -> str:
    """Return a name for the line that a port leads to, the same for all its names.

    ``/dev/serial/by-id/...`` and the device that it means are one line, and so are
    all URLs of one port of a gateway.

    Args:
        port: name or URL of a port.
    """
    scheme, separator, _ = port.partition("://")
    if separator and scheme.lower() in ("socket", "rfc2217"):
        from iecread.transports.tcp import parse_address

        try:
            host, number = parse_address(port)
        except PortError:  # said when it is opened
            return port
        return f"{host.casefold().rstrip('.')}:{number}"
    if separator:
        return port
    if sys.platform == "win32":
        return port.removeprefix("\\\\.\\").casefold()
    return os.path.realpath(port) if os.path.isabs(port) else port
