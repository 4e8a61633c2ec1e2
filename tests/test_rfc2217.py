"""RFC 2217 against a small server made of pyserial's own half, and against bad ones."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from serial import rfc2217

from iecread.errors import PortError
from iecread.transports import Framing, LineKind, Transport, open_line

# pyserial 3.5 starts its thread in the old way
pytestmark = pytest.mark.filterwarnings("ignore:set.* is deprecated")


class FarPort:
    """The serial port at the far end, as pyserial's server half wants it."""

    def __init__(self) -> None:
        self.baudrate, self.bytesize, self.parity, self.stopbits = 9600, 8, "N", 1
        self.rts = self.dtr = False
        self.cts = self.dsr = self.ri = self.cd = False
        self.break_condition = self.rtscts = self.xonxoff = False

    def reset_input_buffer(self) -> None:
        pass

    reset_output_buffer = reset_input_buffer


class Server:
    """A gateway for one client.

    Attributes:
        port: the serial port behind it.
        received: the data bytes that the client sent.
        on_data: called with each byte.
    """

    def __init__(self, place: tuple[str, int] = ("127.0.0.1", 0)) -> None:
        self.port = FarPort()
        self.received = bytearray()
        self.listener = socket.create_server(place)
        self.url = f"rfc2217://127.0.0.1:{self.listener.getsockname()[1]}"
        self.on_data: Callable[[bytes], None] = lambda _: None
        self.client: socket.socket | None = None
        self.lock = threading.Lock()
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def write(self, data: bytes) -> None:
        """Send as it is; the server half calls this too."""
        assert self.client is not None
        with self.lock:
            self.client.sendall(data)

    def send(self, data: bytes) -> None:
        """Send data bytes."""
        self.write(data.replace(b"\xff", b"\xff\xff"))

    def _serve(self) -> None:
        try:
            self.client, _ = self.listener.accept()
            manager: Any = rfc2217.PortManager(self.port, self)
            while data := self.client.recv(1024):
                for byte in manager.filter(data):
                    self.received += byte
                    self.on_data(bytes(byte))
        except OSError:
            pass

    def hang_up(self) -> None:
        """Close the connection from this side."""
        assert self.client is not None
        self.client.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        if self.client is not None:
            self.client.close()
        self.listener.close()
        self.thread.join(5)


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


@pytest.fixture(autouse=True)
def no_rest_after_closing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out the 0.3 s that pyserial sleeps in close()."""
    sleep = time.sleep
    monkeypatch.setattr(
        rfc2217.time, "sleep", lambda wait: sleep(0 if wait == 0.3 else wait)
    )


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.001)
    assert condition()


def read_all(line: Transport, count: int) -> bytes:
    data = b""
    while len(data) < count and (more := line.read(5)):
        data += more
    return data


def test_a_session(server: Server) -> None:
    waits: list[float] = []
    line = open_line(server.url, baud=300, sleep=waits.append)
    assert waits == []  # opening is slow enough
    assert line.kind is LineKind.UART
    assert line.latency > 0
    far = server.port
    assert (far.baudrate, far.bytesize, far.parity) == (300, 8, "N")
    assert far.dtr and far.rts
    every = bytes(range(256))
    server.on_data = lambda byte: server.send(every) if byte == b"\n" else None
    line.write(b"/?!\r\xff\n")
    line.drain()
    assert read_all(line, 256) == every
    assert bytes(server.received) == b"/?!\r\xff\n"
    assert line.read(0) == b""
    assert line.read(0.05) == b""
    server.send(b"before")
    line.set_speed(9600)
    assert far.baudrate == 9600
    server.send(b" after")
    assert read_all(line, 12) == b"before after"
    line.close()
    line.close()


def test_parity_of_the_far_port(server: Server) -> None:
    line = open_line(server.url, framing=Framing.HARDWARE_7E1)
    assert (server.port.bytesize, server.port.parity) == (7, "E")
    line.close()


def test_bytes_that_come_with_the_close_are_delivered(server: Server) -> None:
    line = open_line(server.url)
    data = bytes(1000) + b"end"
    server.send(data)
    server.hang_up()
    wait_for(lambda: not line._port._thread.is_alive())  # type: ignore[attr-defined]
    assert read_all(line, len(data)) == data
    for _ in range(2):
        with pytest.raises(PortError, match="closed the connection"):
            line.read(1)
    with pytest.raises(PortError, match="closed the connection"):
        for _ in range(3):
            line.write(b"x")
    line.close()


def test_a_peer_that_breaks_the_rules_causes_no_traceback(
    server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    line = open_line(server.url)
    raised: list[object] = []
    hook, threading.excepthook = threading.excepthook, raised.append
    try:
        server.write(b"data\xff\xf0")  # the end of a suboption that never began
        assert read_all(line, 4) == b"data"
        with pytest.raises(PortError, match="closed the connection"):
            line.read(5)
    finally:
        threading.excepthook = hook
    assert raised == []
    assert capsys.readouterr().err == ""
    line.close()


def test_a_subnegotiation_without_an_end_is_not_kept(server: Server) -> None:
    line = open_line(server.url)
    server.write(b"\xff\xfa\x2c" + b"\xff\xff" * 1000 + b"\xff\xf0" + b"good")
    assert read_all(line, 4) == b"good"
    server.write(b"\xff")  # begun in two pieces
    server.write(b"\xfa" + b"x" * 10_000)
    with pytest.raises(PortError, match="closed the connection"):
        line.read(5)
    line.close()


def test_a_speed_that_the_far_end_refuses(server: Server) -> None:
    line = open_line(server.url)

    class Stubborn(FarPort):
        def __setattr__(self, name: str, value: object) -> None:
            if value == 19200:
                raise ValueError(value)
            super().__setattr__(name, value)

    server.port.__class__ = Stubborn
    with pytest.raises(PortError, match="cannot do 19200 Bd: setting not supported"):
        line.set_speed(19200)
    line.close()


def test_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(PortError, match=f"127.0.0.1:{port}' refuses the connection"):
        open_line(f"rfc2217://127.0.0.1:{port}")


def test_a_gateway_that_speaks_no_telnet() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"rfc2217://127.0.0.1:{listener.getsockname()[1]}?timeout=0.1"
        with pytest.raises(PortError, match="does not speak RFC 2217") as caught:
            open_line(url)
    assert "socket://" in caught.value.hint


def test_a_gateway_that_closes_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def close() -> None:
            listener.accept()[0].close()

        thread = threading.Thread(target=close)
        thread.start()
        url = f"rfc2217://127.0.0.1:{listener.getsockname()[1]}?timeout=0.2"
        with pytest.raises(PortError) as caught:
            open_line(url)
        thread.join()
    assert caught.value.hint


def test_a_gateway_without_control_commands(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = rfc2217.PortManager.rfc2217_send_subnegotiation

    def leave_out(self: Any, option: bytes, value: bytes = b"") -> None:
        if option != rfc2217.SERVER_SET_CONTROL:
            answer(self, option, value)

    monkeypatch.setattr(rfc2217.PortManager, "rfc2217_send_subnegotiation", leave_out)
    with pytest.raises(PortError, match="does not answer control") as caught:
        open_line(server.url + "?timeout=0.2")
    assert "ign_set_control" in caught.value.hint


def test_unknown_options() -> None:
    with pytest.raises(PortError, match="unknown option"):
        open_line("rfc2217://127.0.0.1:1?colour=red")
