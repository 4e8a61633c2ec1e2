"""Raw TCP on the loopback: what a peer may do, and what it cannot do to us."""

import os
import resource
import socket
import struct
import threading
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from iecread.errors import PortError
from iecread.transports import LineKind, open_line, tcp
from iecread.transports.tcp import TcpLine, parse_address


class Ends(NamedTuple):
    """A line and the other side of its connection."""

    line: TcpLine
    peer: socket.socket


@pytest.fixture
def server() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(5)
        yield listener


@pytest.fixture
def ends(server: socket.socket) -> Iterator[Ends]:
    line = TcpLine(f"socket://127.0.0.1:{server.getsockname()[1]}")
    line.open()
    peer, _ = server.accept()
    peer.settimeout(5)
    with peer:
        yield Ends(line, peer)
    line.close()


def reset(peer: socket.socket) -> None:
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.close()


@pytest.mark.parametrize(
    ("url", "host", "port"),
    [
        ("socket://192.168.0.1:8000", "192.168.0.1", 8000),
        ("socket://gateway.local:1/", "gateway.local", 1),
        ("socket://[::1]:65535", "::1", 65535),
        ("socket://[fe80::1%eth0]:4001", "fe80::1%eth0", 4001),
        ("rfc2217://h:1?ign_set_control&timeout=3", "h", 1),
    ],
)
def test_addresses(url: str, host: str, port: int) -> None:
    assert parse_address(url) == (host, port)


@pytest.mark.parametrize(
    "rest",
    ["", "h", "h:", ":1", "h:0", "h:65536", "h:x", "::1:80", "u@h:1", "h:1/x", "h:1\n"],
)
def test_what_is_no_address(rest: str) -> None:
    with pytest.raises(PortError, match="is not an address") as caught:
        parse_address(f"socket://{rest}")
    assert "socket://host:port" in caught.value.hint


def test_both_ways(ends: Ends) -> None:
    line, peer = ends
    assert line.kind is LineKind.TCP
    assert line.latency > 0
    line.write(b"/?!\r\n")
    line.drain()
    line.set_speed(9600)
    assert peer.recv(100) == b"/?!\r\n"
    assert line.read(0) == b""
    assert line.read(0.01) == b""
    peer.sendall(b"/SIM\r\n")
    assert line.read(5) == b"/SIM\r\n"


def test_all_bytes_pass_unchanged(ends: Ends) -> None:
    every = bytes(range(256))
    ends.line.write(every)
    assert ends.peer.recv(1000) == every
    ends.peer.sendall(every)
    assert ends.line.read(5) == every


@pytest.mark.parametrize("wait", [0.0, 5.0])
def test_bytes_that_come_with_the_close_are_delivered(ends: Ends, wait: float) -> None:
    ends.peer.sendall(b"the end")
    ends.peer.close()
    assert ends.line.read(5) == b"the end"
    for _ in range(2):
        with pytest.raises(PortError, match="closed the connection") as caught:
            ends.line.read(wait)
        assert caught.value.hint


def test_bytes_before_a_reset_are_delivered(ends: Ends) -> None:
    ends.peer.sendall(b"the end")
    reset(ends.peer)
    assert ends.line.read(5) == b"the end"
    with pytest.raises(PortError, match="closed the connection"):
        ends.line.read(5)


def test_a_write_after_the_reset(ends: Ends) -> None:
    reset(ends.peer)
    with pytest.raises(PortError, match="closed the connection"):
        for _ in range(3):
            ends.line.write(b"x")


def test_a_flood_comes_in_pieces(ends: Ends) -> None:
    ends.peer.settimeout(0)
    sent = 0
    while sent < 1 << 22:
        try:
            sent += ends.peer.send(bytes(1 << 16))
        except BlockingIOError:
            break
    got = 0
    while got < sent:
        data = ends.line.read(5)
        assert 0 < len(data) <= 65536
        got += len(data)


def test_a_peer_that_never_reads(ends: Ends, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tcp, "WRITE_LIMIT", 0.05)
    with pytest.raises(PortError, match="takes no more bytes"):
        ends.line.write(bytes(1 << 25))


def test_the_last_message_arrives_though_bytes_are_unread(ends: Ends) -> None:
    ends.peer.sendall(bytes(100_000))
    ends.line.write(b"\x01B0\x03q")
    ends.line.close()
    ends.line.close()
    got = b""
    while data := ends.peer.recv(100):
        got += data
    assert got == b"\x01B0\x03q"


def test_it_opens_again_after_a_close(ends: Ends, server: socket.socket) -> None:
    ends.line.open()  # is open: nothing happens
    ends.line.close()
    ends.line.open()
    again, _ = server.accept()
    with again:
        again.sendall(b"again")
        assert ends.line.read(5) == b"again"


def test_refused(server: socket.socket) -> None:
    port = server.getsockname()[1]
    server.close()
    with pytest.raises(PortError, match="refuses the connection") as caught:
        open_line(f"socket://127.0.0.1:{port}")
    assert f"127.0.0.1:{port}" in caught.value.message
    assert caught.value.kind == "port"


@pytest.mark.parametrize("host", ["a..b", "x" * 70])
def test_names_that_cannot_be(host: str) -> None:
    with pytest.raises(PortError, match="is not known"):
        open_line(f"socket://{host}:1")


def test_unknown_names(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    with pytest.raises(PortError, match="'gateway' is not known") as caught:
        open_line("socket://gateway:1")
    assert "Name or service" in caught.value.message


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (TimeoutError("timed out"), "does not answer"),
        (OSError(113, "No route to host"), "cannot be reached: No route to host"),
    ],
)
def test_failures_to_connect(
    error: OSError, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(socket.socket, "connect", fail)
    with pytest.raises(PortError, match=words):
        open_line("socket://127.0.0.1:1")


def test_addresses_share_the_time_and_the_next_one_is_tried(
    server: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = server.getsockname()[1]
    addresses = [
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.2", 1)),
        (99999, socket.SOCK_STREAM, 6, "", ("no such family", 1)),
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port)),
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: addresses)
    waits: list[float | None] = []
    connect = socket.socket.connect

    def note(sock: socket.socket, address: tuple[str, int]) -> None:
        waits.append(sock.gettimeout())
        connect(sock, address)

    monkeypatch.setattr(socket.socket, "connect", note)
    line = TcpLine("socket://gateway:1", monotonic=lambda: 0.0)
    line.open()
    line.close()
    assert waits == [pytest.approx(5 / 3), pytest.approx(5.0)]


def test_more_than_1024_descriptors(ends: Ends, server: socket.socket) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 1200), hard))
    null = os.open(os.devnull, os.O_RDONLY)
    many = [os.dup(null) for _ in range(1100)]
    try:
        assert max(many) > 1024
        ends.line.close()
        ends.line.open()
        peer, _ = server.accept()
        with peer:
            ends.line.write(b"ping")
            assert peer.recv(10) == b"ping"
            threading.Timer(0.01, peer.sendall, [b"pong"]).start()
            assert ends.line.read(5) == b"pong"
    finally:
        for descriptor in (null, *many):
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
