"""What SerialLine does with pyserial alone, as on Windows; pyserial is played here."""

import pytest
import serial

from iecread.errors import PortBusyError, PortError
from iecread.transports import Framing, open_line
from iecread.transports.memory import Clock
from iecread.transports.serialport import STEP, SerialLine


class FakePort:
    """pyserial's port on a clock that only counts.

    Attributes:
        incoming: what arrives: time and byte.
    """

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.incoming: list[tuple[float, int]] = []
        self.calls: list[str] = []
        self.out_waiting = 0
        self.failure: Exception | None = None
        self.settings: tuple[object, ...] = ()
        self._port = ""
        self._baudrate = 0

    def __call__(self, *settings: object, **options: object) -> "FakePort":
        self.settings = settings
        assert options["exclusive"] and options["timeout"] == STEP
        return self

    def __setattr__(self, name: str, value: object) -> None:
        assert name != "timeout"  # never on an open port
        super().__setattr__(name, value)

    def open(self) -> None:
        self.calls.append("open")
        self._fail()

    def close(self) -> None:
        self.calls.append("close")

    def reset_input_buffer(self) -> None:
        self.calls.append("flush")
        self.incoming.clear()

    @property
    def baudrate(self) -> int:
        return self._baudrate

    @baudrate.setter
    def baudrate(self, value: int) -> None:
        self._fail()
        self._baudrate = value

    @property
    def in_waiting(self) -> int:
        self._fail()
        return sum(at <= self.clock.now for at, _ in self.incoming)

    def read(self, size: int) -> bytes:
        self._fail()
        if size and not self.in_waiting:
            due = self.incoming[0][0] if self.incoming else self.clock.now + STEP
            self.clock.now = min(due, self.clock.now + STEP)
        count = min(size, self.in_waiting)
        data = bytes(byte for _, byte in self.incoming[:count])
        del self.incoming[:count]
        return data

    def write(self, data: bytes) -> None:
        self._fail()
        self.calls.append(f"write {data!r}")

    def _fail(self) -> None:
        if self.failure is not None:
            raise self.failure


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def port(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> FakePort:
    port = FakePort(clock)
    monkeypatch.setattr(serial, "Serial", port)
    return port


@pytest.fixture
def line(clock: Clock, port: FakePort) -> SerialLine:
    line = SerialLine("COM3", baud=300, monotonic=clock.monotonic, sleep=clock.sleep)
    line.open()
    clock.now = 0.0
    return line


def test_opening(port: FakePort, clock: Clock) -> None:
    line = SerialLine(
        "COM3",
        baud=9600,
        framing=Framing.HARDWARE_7E1,
        monotonic=clock.monotonic,
        sleep=clock.sleep,
    )
    line.open()
    line.open()
    assert port.settings == (None, 9600, 7, "E")
    assert port.calls == ["open", "flush"]
    assert clock.now == pytest.approx(0.1)
    line.close()
    line.close()
    assert port.calls == ["open", "flush", "close"]


@pytest.mark.parametrize(
    ("text", "words", "busy"),
    [
        ("could not open port 'COM3': FileNotFoundError(2, 'x')", "no such", False),
        ("could not open port 'COM3': PermissionError(13, 'x')", "is in use", True),
        ("Cannot configure port, something went wrong", "not supported", False),
        ("could not open port 'COM3': OSError(22, 'x')", "cannot be opened", False),
    ],
)
def test_what_windows_says(
    port: FakePort, clock: Clock, text: str, words: str, busy: bool
) -> None:
    port.failure = serial.SerialException(text)
    line = SerialLine("COM3", baud=300, monotonic=clock.monotonic, sleep=clock.sleep)
    with pytest.raises(PortError, match=words) as caught:
        line.open()
    assert isinstance(caught.value, PortBusyError) is busy
    assert port.calls == ["open", "close"]


def test_a_wait_is_as_long_as_asked(line: SerialLine, clock: Clock) -> None:
    for wait in (0.0, 0.004, 0.025, 1.5):
        before = clock.now
        assert line.read(wait) == b""
        assert clock.now - before == pytest.approx(wait)


def test_bytes_come_at_once_and_together(
    line: SerialLine, port: FakePort, clock: Clock
) -> None:
    port.incoming = [(0.333, 65), (0.333, 66), (0.5, 67)]
    assert line.read(5) == b"AB"
    assert clock.now == pytest.approx(0.333)
    assert line.read(5) == b"C"
    assert clock.now == pytest.approx(0.5)
    port.incoming = [(0.0, 68)]
    assert line.read(0) == b"D"


def test_drain_waits_for_the_driver_and_not_for_ever(
    line: SerialLine, port: FakePort, clock: Clock
) -> None:
    line.drain()
    assert clock.now == 0
    port.out_waiting = 30
    line.drain()
    assert clock.now == pytest.approx(3.0, abs=0.01)


def test_speed(line: SerialLine, port: FakePort) -> None:
    line.set_speed(9600)
    assert port.baudrate == line.baud == 9600
    port.failure = ValueError("Not a valid baudrate")
    with pytest.raises(PortError, match="'COM3' cannot do 5 Bd: setting not supported"):
        line.set_speed(5)
    assert line.baud == 9600


def test_a_port_that_vanishes(line: SerialLine, port: FakePort) -> None:
    port.failure = serial.SerialException("ClearCommError failed (PermissionError(13))")
    for call in (lambda: line.read(1), lambda: line.write(b"x")):
        with pytest.raises(PortError, match="'COM3' was lost: ClearCommError"):
            call()
    port.failure = serial.SerialTimeoutException("Write timeout")
    with pytest.raises(PortError, match="takes no more bytes"):
        line.write(b"x")
    line.close()


def test_pyserials_other_urls_are_ports_too() -> None:
    line = open_line("loop://", baud=300)
    line.write(b"/?!\r\n")
    line.set_speed(9600)
    came = line.read(1.0)
    line.close()
    assert came == b"/?!\r\n"


def test_a_hwgrep_without_a_match_is_a_missing_port() -> None:
    with pytest.raises(PortError):
        open_line("hwgrep://no-such-adapter-in-this-world", baud=300)
