"""Which transport and which line a spelling means, and what an import costs."""

import subprocess
import sys
from pathlib import Path

import pytest

from iecread.errors import PortError
from iecread.transports import LineKind, Transport, line_of, open_line
from iecread.transports.memory import MemoryLine
from iecread.transports.serialport import SerialLine, serial_line
from iecread.transports.tcp import TcpLine
from iecread.transports.wrapped import Wrapped


@pytest.mark.parametrize("url", ["sim://household", "tcp://h:1", "://", "memory://"])
def test_unknown_schemes_name_the_known_ones(url: str) -> None:
    with pytest.raises(PortError) as caught:
        open_line(url)
    assert repr(url.partition("://")[0] + "://") in caught.value.message
    for known in ("/dev/ttyUSB0", "COM3", "rfc2217://", "socket://", "sim://"):
        assert known in caught.value.hint


@pytest.mark.parametrize(
    "port", ["/dev/no-such", "COM3", r"\\.\COM10", "./no-such", "rel/no-such", "a\0b"]
)
def test_names_without_a_scheme_are_serial_ports(port: str) -> None:
    with pytest.raises(PortError, match="no such port") as caught:
        open_line(port)
    assert repr(port) in caught.value.message
    assert caught.value.hint


def test_schemes_are_told_in_any_case() -> None:
    for url in ("SOCKET://nowhere", "rfc2217://nowhere", "RFC2217://nowhere:0"):
        with pytest.raises(PortError, match="is not an address"):
            open_line(url)


def test_each_transport_has_the_common_shape() -> None:
    lines: list[Transport] = [
        TcpLine("socket://h:1"),
        MemoryLine(),
        SerialLine("COM3", baud=300),
        serial_line("/dev/x", baud=300),
        serial_line("rfc2217://h:1", baud=300),
    ]
    for line in lines:
        assert isinstance(line.kind, LineKind)
        assert line.latency >= 0
        line.close()
        line.close()
        with pytest.raises(PortError, match="not open"):
            line.read(0)
        with pytest.raises(PortError, match="not open"):
            line.write(b"x")


def test_a_device_under_two_names_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "ttyUSB0").touch()
    (tmp_path / "by-id").symlink_to(tmp_path / "ttyUSB0")
    device = line_of(str(tmp_path / "ttyUSB0"))
    assert line_of(str(tmp_path / "by-id")) == device
    assert line_of(str(tmp_path / "ttyUSB1")) != device


@pytest.mark.parametrize(
    "other",
    [
        "socket://GATE.example:4001",
        "socket://gate.example.:4001/",
        "rfc2217://gate.example:4001",
        "rfc2217://gate.example:4001?logging=debug",
    ],
)
def test_a_port_of_a_gateway_is_one_line_however_it_is_written(other: str) -> None:
    assert line_of(other) == line_of("socket://gate.example:4001")


def test_other_ports_are_other_lines() -> None:
    ports = (
        "socket://gate:4001",
        "socket://gate:4002",
        "socket://[::1]:4001",
        "sim://household",
        "sim://household?mute=1",
        "socket://nonsense",
        "COM3",
    )
    assert len(set(map(line_of, ports))) == len(ports)


def test_a_wrapped_line_is_the_line_but_for_what_is_said_otherwise() -> None:
    line = MemoryLine()
    line.deliver(b"1")

    class Loud(Wrapped):
        def write(self, data: bytes) -> None:
            super().write(data.upper())

    wrapped: Transport = Loud(line)
    assert (wrapped.name, wrapped.kind) == (line.name, line.kind)
    wrapped.open()
    wrapped.write(b"a")
    wrapped.drain()
    wrapped.set_speed(9600)
    assert line.written[0][1] == b"A" and line.speed == 9600
    assert wrapped.read(0) == b"1"
    wrapped.close()
    with pytest.raises(PortError):
        wrapped.read(0)


def modules_after(code: str) -> set[str]:
    """Return the modules that a new Python has loaded after ``code``."""
    code += "\nimport sys; sys.stdout.write(' '.join(sys.modules))"
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    return set(run.stdout.split())


def test_backends_are_imported_when_used() -> None:
    loaded = modules_after("import iecread.transports")
    assert not loaded & {"serial", "socket", "dataclasses", "threading"}
    loaded = modules_after(
        "import iecread.transports as t\n"
        "try: t.open_line('socket://127.0.0.1:1')\n"
        "except t.PortError: pass"
    )
    assert "socket" in loaded
    assert "serial" not in loaded
    loaded = modules_after(
        "import iecread.transports as t\n"
        "try: t.open_line('/dev/no-such')\n"
        "except t.PortError: pass"
    )
    assert "serial" in loaded
    assert not loaded & {"serial.rfc2217", "iecread.transports.tcp"}
