"""Simulated meters for other programs: on a pseudo terminal, TCP, or a serial port.

Each function serves until its ``stop`` is set and prints nothing.  Where the line is
no real one each character is given the time that it would take.  What nobody reads is
lost, as on a line.  Left out: the reader's speed, which a TCP peer does not have and
a pseudo terminal does not impose; only a real port spoils characters at a wrong one.
"""

import os
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

from iecread.errors import PortError
from iecread.simulator.bus import BusLine
from iecread.simulator.line import Pace, SimulatedLine
from iecread.simulator.options import Simulation

if TYPE_CHECKING:
    import socket

_LOOK = 0.2  # seconds after which ``stop`` is looked at, at the latest
_PATIENCE = 0.1  # seconds after which bytes that nobody takes are lost
_STALE = 0.5  # seconds without a telegram after which unread bytes are old
_READ = 4096

Ready = Callable[[str], None]


class Stop(Protocol):
    """A threading.Event, or what looks like one."""

    def is_set(self) -> bool:
        """Whether to stop serving."""


def _serve(
    line: SimulatedLine | BusLine,
    read: Callable[[float], bytes],
    write: Callable[[bytes], None],
    stop: Stop,
) -> None:
    """Carry bytes until ``stop`` is set."""
    while not stop.is_set():
        if data := line.deliveries(time.monotonic()):
            write(data)
        due = line.next_delivery()
        left = _LOOK if due is None else due - time.monotonic()
        if data := read(min(max(left, 0.0), _LOOK)):
            line.receive(data, time.monotonic())


def serve_pty(
    meter: Simulation, *, stop: Stop, ready: Ready, link: str | None = None
) -> None:
    """Serve one meter on a new pseudo terminal.

    Args:
        meter: which.
        stop: set when to end.
        ready: called with the name to open, ``/dev/pts/7`` or ``link``.
        link: a symbolic link to make, and to remove at the end; one that is there is
            replaced.

    Raises:
        PortError: there are no pseudo terminals here, or the link cannot be made.
    """
    if sys.platform == "win32":
        raise PortError(
            "this system has no pseudo terminals", "offer it on TCP: --tcp 8000"
        )
    import select
    import termios
    import tty

    try:
        master, slave = os.openpty()
    except OSError as error:
        raise PortError(f"no pseudo terminal to be had: {error.strerror}") from error
    line = meter.line(Pace.LINE)
    name, made = os.ttyname(slave), False
    written, used = 0.0, True

    def read(wait: float) -> bytes:
        nonlocal used
        if select.select([master], [], [], wait)[0]:
            used = True
            return os.read(master, _READ)
        if used:
            # Linux refuses parity on a pty where nothing else of the settings would
            # change; so that the next reader may ask for it too, something will
            settings = termios.tcgetattr(slave)
            settings[0] |= termios.IGNBRK
            termios.tcsetattr(slave, termios.TCSANOW, settings)
            used = False
        return b""

    def write(data: bytes) -> None:
        nonlocal written
        now = time.monotonic()
        if line.unasked and now - written > _STALE:
            termios.tcflush(slave, termios.TCIFLUSH)  # nobody has read it
        written = now
        with suppress(BlockingIOError):
            while data and select.select([], [master], [], _PATIENCE)[1]:
                data = data[os.write(master, data) :]

    try:
        tty.setraw(slave)
        os.set_blocking(master, False)
        if link:
            _make_link(name, link)
            made = True
        ready(link or name)
        _serve(line, read, write, stop)
    finally:
        os.close(master)
        os.close(slave)
        if made and link:
            with suppress(OSError):
                os.unlink(link)


def _make_link(name: str, link: str) -> None:
    try:
        if os.path.islink(link):
            os.unlink(link)
        os.symlink(name, link)
    except OSError as error:
        raise PortError(
            f"cannot make the link {link!r}: {error.strerror}", "choose another name"
        ) from error


def serve_tcp(
    meter: Simulation,
    port: int,
    *,
    host: str = "127.0.0.1",
    stop: Stop,
    ready: Ready,
) -> None:
    """Serve on a TCP port; each connection has a thread and a line of its own.

    Args:
        meter: which.
        port: 0 for any that is free.
        host: address to listen at.
        stop: set when to end.
        ready: called with the URL to open, ``socket://127.0.0.1:8000``.

    Raises:
        PortError: the port cannot be had.
    """
    import socket
    from threading import Thread

    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        server = socket.create_server((host, port), family=family)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise PortError(
            f"cannot listen at {host}:{port}: {reason}",
            "choose another port; 0 takes any that is free",
        ) from error
    with server:
        server.settimeout(_LOOK)
        name = f"[{host}]" if ":" in host else host
        ready(f"socket://{name}:{server.getsockname()[1]}")
        while not stop.is_set():
            with suppress(TimeoutError, ConnectionError):
                connection, _ = server.accept()
                line = meter.line(Pace.LINE)
                arguments = (line, connection, stop)
                Thread(target=_serve_connection, args=arguments, daemon=True).start()


def _serve_connection(
    line: SimulatedLine | BusLine, connection: "socket.socket", stop: Stop
) -> None:
    """Serve until the peer closes or is lost, or takes nothing for long."""
    import socket

    def read(wait: float) -> bytes:
        connection.settimeout(max(wait, 0.0001))
        try:
            data = connection.recv(_READ)
        except TimeoutError:
            return b""
        if not data:
            raise ConnectionResetError
        return data

    def write(data: bytes) -> None:
        connection.settimeout(_PATIENCE * 10)
        with suppress(TimeoutError):
            connection.sendall(data)

    with connection, suppress(OSError):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        _serve(line, read, write, stop)


def serve_port(meter: Simulation, path: str, *, stop: Stop, ready: Ready) -> None:
    """Serve one meter on a real serial port, so that another computer reads it.

    Args:
        meter: which.
        path: the port.
        stop: set when to end.
        ready: called with ``path`` when it is open.

    Raises:
        PortError: it cannot be opened or set, or was lost.
        PortBusyError: another program holds it.
    """
    from iecread.transports import open_line

    port = open_line(path, baud=meter.speed)

    def set_speed(baud: int) -> None:
        port.drain()
        port.set_speed(baud)

    line = meter.line(Pace.PORT, on_speed=set_speed)
    try:
        ready(path)
        _serve(line, port.read, port.write, stop)
    finally:
        port.close()
