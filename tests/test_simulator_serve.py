"""Simulated meters offered to others: over a real pty, real TCP, and in real time.

Reaction times are short and characters take none, so that nothing lasts.
"""

import os
import select
import socket
import sys
import threading
import time
from contextlib import contextmanager

import pytest

from iecread.errors import PortError
from iecread.simulator import serve_port, serve_pty, serve_tcp, simulation

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs a pty")

QUICK = {"reaction": "20", "pace": "0", "check": "none"}
REQUEST = b"/?!\r\n"


@contextmanager
def served(function, meter, *arguments, **more):
    """Serve in a thread; yields what ``ready`` was told and the thread."""
    stop, told, names = threading.Event(), threading.Event(), []

    def ready(name):
        names.append(name)
        told.set()

    options = {"stop": stop, "ready": ready, **more}
    thread = threading.Thread(target=function, args=(meter, *arguments), kwargs=options)
    thread.start()
    try:
        assert told.wait(5)
        yield names[0]
    finally:
        stop.set()
        thread.join(5)
    assert not thread.is_alive()


def read_until(fd, end, limit=5.0):
    came = b""
    while end not in came and select.select([fd], [], [], limit)[0]:
        came += os.read(fd, 4096)
    return came


def test_pty_serves_one_reader_after_the_other():
    serial = pytest.importorskip("serial")
    with served(serve_pty, simulation("mode-a", QUICK)) as name:
        for _ in range(3):
            # parity, which a pty does not have, and no other change of settings
            with serial.Serial(name, 300, bytesize=7, parity="E", timeout=5) as port:
                port.write(REQUEST)
                assert port.readline() == b"/SImXHEAT-A\r\n"
                assert port.read_until(b"!\r\n").endswith(b"F(0)!\r\n")
                time.sleep(0.3)


def test_pty_under_another_name(tmp_path):
    link = tmp_path / "meter"
    link.symlink_to("/nowhere")
    with served(serve_pty, simulation("mode-a", QUICK), link=str(link)) as name:
        assert name == str(link)
        fd = os.open(name, os.O_RDWR | os.O_NOCTTY)
        os.write(fd, REQUEST)
        assert b"/SImXHEAT-A\r\n" in read_until(fd, b"!\r\n")
        os.close(fd)
    assert not link.is_symlink()


def test_link_where_a_file_is(tmp_path):
    file = tmp_path / "meter"
    file.write_text("precious")
    with pytest.raises(PortError, match="cannot make the link"):
        serve_pty(
            simulation("mode-a"),
            stop=threading.Event(),
            ready=lambda name: None,
            link=str(file),
        )
    assert file.read_text() == "precious"


def test_pty_takes_more_than_its_buffer():
    options = {**QUICK, "lines": "2000"}
    with served(serve_pty, simulation("industrial", options)) as name:
        fd = os.open(name, os.O_RDWR | os.O_NOCTTY)
        os.write(fd, REQUEST)
        read_until(fd, b"\r\n")
        time.sleep(0.05)
        os.write(fd, b"\x06060\r\n")
        assert read_until(fd, b"!\r\n").count(b"(") > 2000
        os.close(fd)


def test_pty_forgets_old_telegrams():
    options = {"period": "0.6", "pace": "0"}
    with served(serve_pty, simulation("p1", options)) as name:
        time.sleep(1.5)
        fd = os.open(name, os.O_RDWR | os.O_NOCTTY)
        came = read_until(fd, b"!")
        os.close(fd)
    assert came.count(b"/SIM") == 1


def ask(url, options=b""):
    host, _, port = url.removeprefix("socket://").partition(":")
    connection = socket.create_connection((host, int(port)), timeout=5)
    connection.sendall(REQUEST)
    return connection, connection.makefile("rb")


def test_tcp_gives_each_connection_its_own_meter():
    with served(serve_tcp, simulation("mode-a", QUICK), 0) as url:
        assert url.startswith("socket://127.0.0.1:")
        (one, first), (other, second) = ask(url), ask(url)
        for file in (first, second):
            assert file.readline() == b"/SImXHEAT-A\r\n"
            assert b"0.0(10048152)" in file.readline()
        one.close()
        first.close()
        assert b"6.8(" in second.readline()
        other.close()
        second.close()
        third, file = ask(url)  # goes on serving
        assert file.readline() == b"/SImXHEAT-A\r\n"
        third.close()
        file.close()


def test_tcp_characters_take_their_time():
    with served(serve_tcp, simulation("mode-a", {"reaction": "20"}), 0) as url:
        begin = time.monotonic()
        connection, file = ask(url)
        assert file.read(6) == b"/SImXH"
        assert 11 / 30 + 0.02 <= time.monotonic() - begin < 0.9
        connection.close()
        file.close()


def test_tcp_port_that_is_taken():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(PortError, match=f"cannot listen at 127.0.0.1:{port}"):
            serve_tcp(
                simulation("mode-a"),
                port,
                stop=threading.Event(),
                ready=lambda url: None,
            )
    with pytest.raises(PortError, match="cannot listen"):
        serve_tcp(
            simulation("p1"), 99999, stop=threading.Event(), ready=lambda url: None
        )


def test_serial_port():
    import termios
    import tty

    master, slave = os.openpty()
    tty.setraw(slave)
    name = os.ttyname(slave)
    with served(serve_port, simulation("mode-b", QUICK), name) as told:
        assert told == name
        os.write(master, REQUEST)
        assert read_until(master, b"\n") == b"/SImCHEAT-B\r\n"
        came = read_until(master, b"F(0)\r\n")
        assert termios.tcgetattr(slave)[5] == termios.B2400
        assert (came + read_until(master, b"!\r\n")).endswith(b"F(0)\r\n!\r\n")
        deadline = time.monotonic() + 2
        while time.monotonic() < deadline:
            if termios.tcgetattr(slave)[5] == termios.B300:
                break
            time.sleep(0.01)
        assert termios.tcgetattr(slave)[5] == termios.B300
    os.close(master)
    os.close(slave)


def test_serial_port_is_drained_ahead_of_a_change_of_speed(monkeypatch):
    calls, stop = [], threading.Event()

    class Port:
        def __init__(self):
            self.came = [REQUEST]

        def read(self, wait):
            time.sleep(min(wait, 0.01))
            return self.came.pop() if self.came else b""

        def write(self, data):
            calls.append("write")

        def drain(self):
            calls.append("drain")

        def set_speed(self, baud):
            calls.append(baud)
            stop.set()

        def close(self):
            calls.append("close")

    monkeypatch.setattr("iecread.transports.open_line", lambda path, baud: Port())
    serve_port(
        simulation("mode-b", {"reaction": "20"}),
        "/dev/x",
        stop=stop,
        ready=lambda name: None,
    )
    assert calls[-4:] == ["write", "drain", 2400, "close"]


def test_no_such_serial_port():
    with pytest.raises(PortError):
        serve_port(
            simulation("mode-b"),
            "/dev/nowhere",
            stop=threading.Event(),
            ready=lambda name: None,
        )
