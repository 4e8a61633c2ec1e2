"""Serial ports through pyserial, here and behind RFC 2217; its odd ways stay here.

SerialLine does what works with pyserial 3.5 everywhere; Windows needs no more.  On it
stand posixport.py, which takes only opening and settings from pyserial, and
rfc2217.py.  The timeout of an open port is never changed (over RFC 2217 each setting
takes 0.1 s and more), nothing is flushed once the port is open, and what pyserial
raises (SerialException, ValueError, termios.error, plain OSError) becomes a PortError.
Handshakes stay off: XON and XOFF are valid block checks.
"""

import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import serial

from iecread.errors import PortBusyError, PortError, PortGoneError
from iecread.transports import MAX_READ, Framing, LineKind
from iecread.transports.porterrors import in_use, lost, no_such_port, setting_refused

STEP = 0.01  # seconds: the fixed timeout of pyserial's read()
BUSY_RETRY = 0.2  # seconds between two attempts at a port that is in use
SETTLE = 0.1  # seconds for the supply of a head that DTR and RTS have just switched on
WRITE_LIMIT = 5.0  # seconds over what the bytes take on the line
DRAIN_LIMIT = 2.0  # the same for drain()

# What pyserial 3.5 lets through.  termios.error is no OSError.
FAILURES: tuple[type[Exception], ...] = (OSError, ValueError, NotImplementedError)
if sys.platform != "win32":
    import termios

    FAILURES += (termios.error,)

FORMATS = {
    Framing.EIGHT_N_ONE: (serial.EIGHTBITS, serial.PARITY_NONE),
    Framing.HARDWARE_7E1: (serial.SEVENBITS, serial.PARITY_EVEN),
}


def serial_line(
    url: str,
    *,
    baud: int,
    framing: Framing = Framing.EIGHT_N_ONE,
    wait: float = 0.0,
    monotonic: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> "SerialLine":
    """Return the line for ``url``, not yet open; the arguments are SerialLine's."""
    return _line_type(url)(
        url, baud=baud, framing=framing, wait=wait, monotonic=monotonic, sleep=sleep
    )


def _line_type(url: str) -> "type[SerialLine]":
    if url.lower().startswith("rfc2217://"):
        from iecread.transports.rfc2217 import Rfc2217Line

        return Rfc2217Line
    if "://" in url:
        return UrlLine
    if sys.platform != "win32":
        from iecread.transports.posixport import PosixLine

        return PosixLine
    return SerialLine


class SerialLine:
    """A local serial port as a Transport, by the means that pyserial has everywhere.

    Args:
        name: the port as the user wrote it.
        baud: speed to open with, in Bd.
        framing: characters to open with.
        wait: seconds to wait for a port that is in use.
        monotonic: the clock.
        sleep: what waits on that clock.
    """

    kind = LineKind.UART
    latency = 0.0

    def __init__(
        self,
        name: str,
        *,
        baud: int,
        framing: Framing = Framing.EIGHT_N_ONE,
        wait: float = 0.0,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.name = name
        self.baud = baud
        self.framing = framing
        self._wait = wait
        self._monotonic = monotonic
        self._sleep = sleep
        self._port: Any = None  # pyserial's classes share no type with all we use

    def open(self) -> None:
        """Open the port, trying for ``wait`` seconds while it is in use."""
        if self._port is not None:
            return
        deadline = self._monotonic() + self._wait
        while True:
            try:
                self._port = self._open_once()
                return
            except PortBusyError:
                left = deadline - self._monotonic()
                if left <= 0:
                    raise
                self._sleep(min(BUSY_RETRY, left))

    def _open_once(self) -> Any:
        port = None
        try:
            port = self._build()
            port.port = self._device
            port.open()
            self._set_up(port)
        except BaseException as error:
            if port is not None:
                port.close()
            if isinstance(error, FAILURES):
                raise self._open_error(error) from error
            raise
        return port

    def _set_up(self, port: Any) -> None:
        """Do what is left to do with a port just opened."""
        self._sleep(SETTLE)
        port.reset_input_buffer()  # the noise of switching on

    @property
    def _device(self) -> str:
        return self.name

    def _build(self) -> Any:
        bits, parity = FORMATS[self.framing]
        # DTR and RTS are high unless told otherwise: they feed many heads
        return serial.Serial(
            None,
            self.baud,
            bits,
            parity,
            timeout=STEP,
            write_timeout=6 * WRITE_LIMIT,
            exclusive=True,
        )

    def _open_error(self, error: Exception) -> PortError:
        # Windows: pyserial puts the repr of a WinError into its text, no number
        text = str(error)
        if "FileNotFoundError" in text:
            return no_such_port(self.name)
        if "PermissionError" in text:
            return in_use(self.name)  # that is what access denied means for a COM port
        if isinstance(error, ValueError) or "Cannot configure port" in text:
            return setting_refused(self.name, self.settings)
        return PortError(f"port {self.name!r} cannot be opened: {text}")

    @property
    def settings(self) -> str:
        """Speed and characters in words."""
        bits, parity = FORMATS[self.framing]
        return f"{self.baud} Bd {bits}{parity}1"

    def read(self, wait: float) -> bytes:
        """Return what has arrived, b"" after ``wait`` seconds of silence."""
        port = self._opened()
        deadline = self._monotonic() + wait
        try:
            while True:
                left = deadline - self._monotonic()
                if left >= STEP or port.in_waiting:
                    if first := bytes(port.read(1)):
                        return first + self._rest(port)
                elif left <= 0:
                    return b""
                else:
                    self._sleep(left)
        except FAILURES as error:
            raise self._lost(error) from error

    def _rest(self, port: Any) -> bytes:
        """Return what is there behind the first byte, without waiting."""
        return bytes(port.read(min(port.in_waiting, MAX_READ - 1)))

    def write(self, data: bytes) -> None:
        """Hand over ``data`` within a bound."""
        try:
            self._opened().write(data)
        except serial.SerialTimeoutException as error:
            raise self._stuck() from error
        except FAILURES as error:
            raise self._lost(error) from error

    def drain(self) -> None:
        """Wait until the driver has no bytes left, within a bound.

        pyserial's own flush() has none and looks every 50 ms only.
        """
        port = self._opened()
        try:
            self._wait_sent(port)
        except FAILURES as error:
            raise self._lost(error) from error

    def _wait_sent(self, port: Any) -> bool:
        """Wait until the driver has no bytes left; say False if the bound passed."""
        limit = self._monotonic() + DRAIN_LIMIT + self._line_time(port.out_waiting)
        while port.out_waiting:
            if self._monotonic() >= limit:
                return False
            self._sleep(0.001)
        return True

    def set_speed(self, baud: int) -> None:
        """Set both directions to ``baud`` Bd on the open port."""
        try:
            self._opened().baudrate = baud  # acts at once, flushes nothing
        except FAILURES as error:
            raise self._speed_error(baud, error) from error
        self.baud = baud

    def _speed_error(self, baud: int, error: Exception) -> PortError:
        return setting_refused(self.name, f"{baud} Bd")

    def close(self) -> None:
        """Close the port; never raises."""
        port, self._port = self._port, None
        if port is not None:
            with suppress(Exception):
                port.close()

    def _opened(self) -> Any:
        if self._port is None:
            raise PortError(f"port {self.name!r} is not open")
        return self._port

    def _line_time(self, count: int) -> float:
        """Return the seconds that ``count`` characters take at the speed set."""
        return count * 10 / self.baud  # 5.1: ten bits a character

    def _lost(self, error: Exception) -> PortError:
        return lost(self.name, getattr(error, "strerror", None) or str(error))

    def _stuck(self) -> PortError:
        return PortGoneError(
            f"port {self.name!r} takes no more bytes",
            "is the adapter stuck? plug it in again",
        )


class UrlLine(SerialLine):
    """A port by another of pyserial's URLs, such as ``hwgrep://`` or ``loop://``."""

    def _build(self) -> Any:
        bits, parity = FORMATS[self.framing]
        port = serial.serial_for_url(
            self.name,
            self.baud,
            bits,
            parity,
            timeout=STEP,
            write_timeout=6 * WRITE_LIMIT,
            do_not_open=True,
        )
        self._resolved = str(port.port)  # hwgrep:// has become a device by now
        return port

    @property
    def _device(self) -> str:
        return self._resolved
