"""``rfc2217://host:port``: a real serial port at the far end of a telnet connection.

The client is pyserial's, with its URL options (``?ign_set_control``, ``?timeout=3``).
Its reader thread fills a queue; two of its ways would cost bytes or show a traceback
and are met here.  drain() cannot know what the far end has sent and returns at once;
a change of speed takes 0.1 s and more, while bytes keep arriving in the queue.
"""

import re
from contextlib import suppress
from queue import Empty
from typing import Any

import serial
from serial import rfc2217

from iecread.errors import PortError
from iecread.transports import MAX_READ, NETWORK_LATENCY
from iecread.transports.porterrors import (
    cannot_connect,
    closed_by_peer,
    setting_refused,
)
from iecread.transports.serialport import FORMATS, STEP, SerialLine
from iecread.transports.tcp import parse_address

_COMMAND = re.compile(rb"\xff([\x00-\xff])")  # telnet: IAC and what is meant
_BEGIN, _END = b"\xfa", b"\xf0"
_LONGEST = 4096  # bytes of a subnegotiation; RFC 2217 has some of a line of text


class _Watched:
    """The socket of a client, closed by a subnegotiation that has no end.

    pyserial keeps each one whole, however long it becomes.
    """

    def __init__(self, sock: Any) -> None:
        self._sock = sock
        self._half = b""  # an IAC whose second byte is still to come
        self._inside: int | None = None  # bytes of the subnegotiation that is open

    def recv(self, size: int) -> bytes:
        data: bytes = self._sock.recv(size)
        text, end = self._half + data, 0
        for command in _COMMAND.finditer(text):
            end = command.end()
            if command[1] in (_BEGIN, _END):
                self._inside = 0 if command[1] == _BEGIN else None
        self._half = b"\xff" if text.endswith(b"\xff", end) else b""
        if self._inside is not None:
            self._inside += len(data)
        return b"" if (self._inside or 0) > _LONGEST else data

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)


class _Client(rfc2217.Serial):
    """pyserial's client, whose reader thread never ends in a traceback.

    A peer that sends telnet commands out of place (raw 8-bit data is enough), or that
    closes while an option is answered, raises in the thread, where nobody can catch
    it.  Here the thread just ends; the next read says that the line is lost.
    """

    def _telnet_read_loop(self) -> None:
        self._socket = _Watched(self._socket)  # type: ignore[has-type]
        with suppress(Exception):
            super()._telnet_read_loop()  # type: ignore[misc]  # private

    def left_behind(self) -> bytes:
        """Return what is in the queue, which read() refuses once the thread ended."""
        data = bytearray()
        with suppress(Empty):
            while len(data) < MAX_READ:
                # None marks the end
                data += self._read_buffer.get_nowait() or b""  # type: ignore[attr-defined]
        return bytes(data)


class Rfc2217Line(SerialLine):
    """An RFC 2217 connection as a Transport; ``wait`` has no meaning for it."""

    latency = NETWORK_LATENCY

    def _build(self) -> Any:
        bits, parity = FORMATS[self.framing]
        # a write timeout is not implemented there; its socket has one of 5 s
        return _Client(None, self.baud, bits, parity, timeout=STEP)

    def _set_up(self, port: Any) -> None:
        pass  # opening took longer than any head needs, and flushed

    def _open_error(self, error: Exception) -> PortError:
        host, _ = parse_address(self.name)
        text, cause = str(error), error.__context__
        if isinstance(cause, OSError) and not isinstance(cause, serial.SerialException):
            return cannot_connect(self.name, host, cause)
        if "RFC2217" in text and "parameter" not in text:
            return PortError(
                f"{self.name!r} does not speak RFC 2217",
                "if the gateway is set to raw TCP: socket:// in place of rfc2217://",
            )
        if "'control'" in text or "'purge'" in text:
            return PortError(
                f"{self.name!r} does not answer control commands",
                f"try {self.name}?ign_set_control",
            )
        if isinstance(error, ValueError) or "parameter" in text:
            return setting_refused(self.name, self.settings)
        if isinstance(error, serial.SerialException):
            return PortError(f"{self.name!r} cannot be opened: {text}")
        return self._lost(error)

    def read(self, wait: float) -> bytes:
        """Return what has arrived, b"" after ``wait`` seconds of silence."""
        try:
            return super().read(wait)
        except PortError:
            left: bytes = self._port.left_behind() if self._port is not None else b""
            if not left:
                raise
            return left

    def _rest(self, port: Any) -> bytes:
        # One by one: if the thread ends within a longer read(), its bytes are lost
        data = bytearray()
        with suppress(serial.SerialException):
            while port.in_waiting and len(data) < MAX_READ - 1:
                data += port.read(1)
        return bytes(data)

    def drain(self) -> None:
        """Return at once: nobody here knows what the far end has sent."""

    def _lost(self, error: Exception) -> PortError:
        return closed_by_peer(self.name)
