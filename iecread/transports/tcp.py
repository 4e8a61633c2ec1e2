"""Raw TCP: ``socket://host:port``, a gateway or software that speaks for a meter.

Made on the standard library because pyserial's own loses bytes that arrive together
with the peer's close and fails for file descriptors from 1024 on.  Each wait is the
socket's timeout, for which Python uses poll where the system has it.  The line has
no speed, no parity and no handshake; what the gateway is set to cannot be seen.
"""

import re
import socket
import time
from collections.abc import Callable
from contextlib import suppress

from iecread.errors import PortError, PortGoneError
from iecread.transports import LONGEST_WAIT, MAX_READ, NETWORK_LATENCY, LineKind
from iecread.transports.porterrors import cannot_connect, closed_by_peer

CONNECT_LIMIT = 5.0  # seconds, for all addresses of a host together
WRITE_LIMIT = 5.0  # seconds that a peer may leave unread what is written
# A dead peer is noticed after about two minutes, where the system lets us say so
_KEEPALIVE = {"TCP_KEEPIDLE": 60, "TCP_KEEPALIVE": 60, "TCP_KEEPINTVL": 15}

_ADDRESS = re.compile(r"\w+://(?:\[([^\]]+)\]|([^:/?#\[\]@]+)):(\d{1,5})/?(?:\?.*)?")


def parse_address(url: str) -> tuple[str, int]:
    """Return host and port of ``scheme://host:port``; IPv6 stands in brackets.

    Raises:
        PortError: it is not of that form, or the port is not 1 to 65535.
    """
    match = _ADDRESS.fullmatch(url)
    if not match or not 0 < int(match[3]) < 65536:
        scheme = url.partition("://")[0]
        raise PortError(
            f"{url!r} is not an address",
            f"write {scheme}://host:port, an IPv6 address in brackets",
        )
    return match[1] or match[2], int(match[3])


class TcpLine:
    """A TCP connection as a Transport.

    Args:
        url: ``socket://host:port``.
        monotonic: the clock for the limit of connecting.

    Raises:
        PortError: ``url`` is not of that form.
    """

    kind = LineKind.TCP
    latency = NETWORK_LATENCY

    def __init__(
        self, url: str, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self.name = url
        self._host, self._port = parse_address(url)
        self._monotonic = monotonic
        self._socket: socket.socket | None = None

    def open(self) -> None:
        """Connect within 5 s; does nothing if connected."""
        if self._socket is not None:
            return
        try:
            sock = self._connect()
        except OSError as error:
            raise cannot_connect(self.name, self._host, error) from error
        except UnicodeError as error:  # a label of the name is empty or too long
            unknown = socket.gaierror(socket.EAI_NONAME, "no such name can be")
            raise cannot_connect(self.name, self._host, unknown) from error
        with suppress(OSError):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            for option, value in _KEEPALIVE.items():
                if hasattr(socket, option):
                    sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
        self._socket = sock

    def _connect(self) -> socket.socket:
        """Try each address with its share of the time that is left."""
        addresses = socket.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
        deadline = self._monotonic() + CONNECT_LIMIT
        for index, (family, kind, protocol, _, address) in enumerate(addresses):
            share = (deadline - self._monotonic()) / (len(addresses) - index)
            try:
                sock = socket.socket(family, kind, protocol)
            except OSError as error:  # no IPv6 in this kernel
                failure = error
                continue
            try:
                sock.settimeout(max(share, 0.01))
                sock.connect(address)
                return sock
            except OSError as error:
                failure = error
                sock.close()
            except BaseException:
                sock.close()
                raise
        raise failure

    def read(self, wait: float) -> bytes:
        """Return what has arrived, b"" after ``wait`` seconds of silence."""
        sock = self._connected()
        try:
            wait = min(max(wait, 0.0), LONGEST_WAIT)
            if sock.gettimeout() != wait:  # each setting is a call of the system
                sock.settimeout(wait)
            data = sock.recv(MAX_READ)
        except (TimeoutError, BlockingIOError):
            return b""
        except OSError as error:
            raise self._lost(error) from error
        if not data:
            raise closed_by_peer(self.name)
        return data

    def write(self, data: bytes) -> None:
        """Hand over ``data`` within 5 s."""
        sock = self._connected()
        try:
            sock.settimeout(WRITE_LIMIT)
            sock.sendall(data)
        except TimeoutError as error:
            raise PortError(
                f"{self.name!r} takes no more bytes",
                "is that the port of a gateway to a meter?",
            ) from error
        except OSError as error:
            raise self._lost(error) from error

    def drain(self) -> None:
        """Return at once: nobody here knows what the gateway has sent."""

    def set_speed(self, baud: int) -> None:
        """Do nothing: the gateway keeps the speed that it is set to."""

    def close(self) -> None:
        """Close the connection, so that what was written still arrives."""
        sock, self._socket = self._socket, None
        if sock is None:
            return
        with suppress(OSError):
            # With bytes unread, close() resets the connection, and the peer may
            # throw away our last message (a break), so read what is there
            sock.settimeout(0)
            for _ in range(16):
                if not sock.recv(MAX_READ):
                    break
        with suppress(OSError):
            sock.close()

    def _connected(self) -> socket.socket:
        if self._socket is None:
            raise PortError(f"{self.name!r} is not open")
        return self._socket

    def _lost(self, error: OSError) -> PortError:
        if isinstance(error, ConnectionError):
            return closed_by_peer(self.name)
        return PortGoneError(
            f"connection to {self.name!r} was lost: {error.strerror or error}",
            "check cable and network",
        )
