"""A serial port on Linux, macOS and the BSDs, pseudo terminals included.

pyserial opens the port and sets it; reading and writing go past it to the file
descriptor, since its own read() waits with select(), which fails from descriptor 1024
on, and gathers bytes until a timeout.  Here a read returns with the first byte, to
the millisecond, and a write has a bound.  Left out: lock files of UUCP times.
"""

import errno
import fcntl
import os
import re
import select
import stat
import sys
import termios
import time
from contextlib import suppress
from typing import Any

from iecread.errors import PortError
from iecread.transports import LONGEST_WAIT, MAX_READ, Framing, LineKind
from iecread.transports.porterrors import (
    GONE,
    in_use,
    lost,
    no_data,
    no_permission,
    no_such_port,
    not_a_port,
    nothing_behind,
    setting_refused,
)
from iecread.transports.serialport import (
    FAILURES,
    WRITE_LIMIT,
    SerialLine,
)

assert sys.platform != "win32"

_PTY_MAJORS = range(136, 144)  # Linux: devices.txt, Unix98 PTY slaves


def is_pty(path: str, device: int, platform: str = sys.platform) -> bool:
    """Say whether a terminal is a pseudo terminal, by name or device number.

    Args:
        path: its name without symbolic links.
        device: its ``st_rdev``.
        platform: as ``sys.platform``.
    """
    if platform == "linux" and os.major(device) in _PTY_MAJORS:
        return True
    return bool(re.fullmatch(r"/dev/pts/\d+|/dev/ttys\d+", path))


def callout_name(path: str, platform: str = sys.platform) -> str:
    """Return the device to open for ``path``: on macOS ``cu.*`` for ``tty.*``.

    Opening a ``tty.*`` device there waits for a carrier that no head ever gives.
    """
    if platform == "darwin" and path.startswith("/dev/tty."):
        return "/dev/cu." + path.removeprefix("/dev/tty.")
    return path


def error_number(error: BaseException | None) -> int | None:
    """Return the errno of ``error`` or of what it was raised from, None if none.

    pyserial hides it: SerialException has it only sometimes, and termios.error
    has it as its first argument.
    """
    while error is not None:
        for number in (getattr(error, "errno", None), *error.args[:1]):
            if isinstance(number, int):
                return number
        error = error.__cause__ or error.__context__
    return None


def _ready(fd: int, event: int, wait: float) -> int:
    """Wait for ``event`` and return what happened to ``fd``, 0 after ``wait``."""
    wait = min(max(wait, 0.0), LONGEST_WAIT)
    if sys.platform == "darwin":  # poll() does not support all devices there
        writing = [fd] if event == select.POLLOUT else []
        reading = [] if writing else [fd]
        return event if any(select.select(reading, writing, [], wait)) else 0
    poll = select.poll()
    poll.register(fd, event)
    whole = int(wait * 1000)  # poll() would round up to the next millisecond
    end = time.monotonic() + wait
    if not (found := poll.poll(whole)) and (left := end - time.monotonic()) > 0:
        time.sleep(left)
        found = poll.poll(0)
    return next((happened for _, happened in found), 0)


class PosixLine(SerialLine):
    """A local serial port or pseudo terminal as a Transport."""

    def _open_once(self) -> Any:
        self._check_node()
        return super()._open_once()

    def _check_node(self) -> None:
        """Find out what is no device before pyserial opens it and changes it."""
        try:
            mode = os.stat(self._device).st_mode
        except ValueError as error:  # a NUL in the name
            raise no_such_port(self.name) from error
        except OSError as error:
            raise self._open_error(error) from error
        if not stat.S_ISCHR(mode):
            raise not_a_port(self.name, mode)

    @property
    def _device(self) -> str:
        return callout_name(self.name)

    def _set_up(self, port: Any) -> None:
        """Mend what pyserial leaves as it found it."""
        fd = port.fileno()
        pty = is_pty(os.path.realpath(self._device), os.fstat(fd).st_rdev)
        self.kind = LineKind.PTY if pty else LineKind.UART
        settings = termios.tcgetattr(fd)
        # BRKINT (in `stty sane`) empties the input queue at a break, which a change of
        # speed looks like; IGNPAR drops damaged characters
        if settings[0] & (termios.BRKINT | termios.IGNPAR):
            settings[0] &= ~(termios.BRKINT | termios.IGNPAR)
            termios.tcsetattr(fd, termios.TCSANOW, settings)
        self._verify(port)
        if pty:
            return
        with suppress(*FAILURES):
            # a lock keeps out only who asks for it; ends with the last close
            fcntl.ioctl(fd, termios.TIOCEXCL)
        with suppress(*FAILURES, AttributeError):
            port.set_low_latency_mode(True)  # FTDI: 1 ms in place of 16; Linux only
        super()._set_up(port)

    def _verify(self, port: Any) -> None:
        """Raise if the driver took other settings than asked, as some do silently."""
        *_, flags, _, _, speed, _ = termios.tcgetattr(port.fileno())
        if speed != getattr(termios, f"B{port.baudrate}", speed):
            raise setting_refused(self.name, f"{port.baudrate} Bd")
        wanted = termios.CS8
        if self.framing is Framing.HARDWARE_7E1:
            wanted = termios.CS7 | termios.PARENB
        if flags & (termios.CSIZE | termios.PARENB) != wanted:
            raise setting_refused(self.name, self.settings)

    def _open_error(self, error: Exception) -> PortError:
        number = error_number(error)
        if number in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG):
            return no_such_port(self.name)
        if number in (errno.EACCES, errno.EPERM):
            return no_permission(self.name)
        if number in (errno.EBUSY, errno.EAGAIN):  # TIOCEXCL, flock()
            return in_use(self.name)
        if number == errno.ENOTTY:
            return not_a_port(self.name)
        if number == errno.EINVAL or isinstance(error, ValueError):
            return setting_refused(self.name, self.settings)
        if number in GONE:
            return nothing_behind(self.name)
        return PortError(f"port {self.name!r} cannot be opened: {error}")

    def read(self, wait: float) -> bytes:
        """Return what has arrived, b"" after ``wait`` seconds of silence."""
        fd = self._opened().fileno()
        deadline = self._monotonic() + wait
        while _ready(fd, select.POLLIN, wait):
            try:
                if data := os.read(fd, MAX_READ):
                    return data
            except BlockingIOError:  # somebody else was quicker
                wait = deadline - self._monotonic()
                continue
            except OSError as error:
                raise self._lost(error) from error
            # Ready but empty: unplugged, or the other side of a pty was closed.  On a
            # real port a second reader looks the same; a meter made of software may
            # well hold its pty open, so there the others mean nothing.
            raise lost(self.name) if self.kind is LineKind.PTY else no_data(self.name)
        return b""

    def write(self, data: bytes) -> None:
        """Hand over ``data`` within the time that it takes on the line and 5 s."""
        fd = self._opened().fileno()
        deadline = self._monotonic() + WRITE_LIMIT + self._line_time(len(data))
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[os.write(fd, rest) :]
            except BlockingIOError as error:
                if not _ready(fd, select.POLLOUT, deadline - self._monotonic()):
                    raise self._stuck() from error
            except OSError as error:
                raise self._lost(error) from error

    def drain(self) -> None:
        """Wait until driver and chip have sent everything, within a bound."""
        port = self._opened()
        try:
            # tcdrain() alone waits for ever if the adapter takes nothing
            if self._wait_sent(port):
                termios.tcdrain(port.fileno())
        except FAILURES as error:
            if error_number(error) in GONE:  # else interrupted, or unknown here
                raise self._lost(error) from error

    def set_speed(self, baud: int) -> None:
        """Set both directions to ``baud`` Bd on the open port."""
        super().set_speed(baud)
        try:
            self._verify(self._opened())
        except FAILURES as error:
            raise self._speed_error(baud, error) from error

    def _speed_error(self, baud: int, error: Exception) -> PortError:
        if error_number(error) in GONE:
            return self._lost(error)
        return super()._speed_error(baud, error)

    def close(self) -> None:
        """Close the port; what is written still goes out, but never for long."""
        try:
            if self._port is not None:
                with suppress(Exception):
                    # the system waits up to 30 s for an adapter that takes nothing
                    if not self._wait_sent(self._port):
                        termios.tcflush(self._port.fileno(), termios.TCOFLUSH)
        finally:
            super().close()
