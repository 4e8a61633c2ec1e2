"""The line within the process: time, order, damage, and the far end's mistakes."""

import time

import pytest

from iecread.errors import PortError
from iecread.transports import LineKind
from iecread.transports.memory import Clock, Damage, MemoryLine, MemoryTransport, pair


@pytest.fixture
def clock() -> Clock:
    return Clock(100.0)


def test_silence_lasts_exactly_as_long_as_asked(clock: Clock) -> None:
    line = MemoryLine(clock)
    assert line.read(1.5) == b""
    assert clock.now == 101.5
    assert line.read(0) == b""
    assert clock.now == 101.5


def test_bytes_arrive_at_their_time(clock: Clock) -> None:
    line = MemoryLine(clock)
    line.deliver(b"late", 102.0)
    line.deliver(b"early", 101.0)
    assert line.read(0.5) == b""
    assert line.read(5) == b"early"
    assert clock.now == 101.0
    assert line.read(5) == b"late"
    assert clock.now == 102.0
    assert line.read(5) == b""
    assert clock.now == 107.0


def test_all_that_is_due_comes_in_one_read_in_order(clock: Clock) -> None:
    line = MemoryLine(clock)
    for part in (b"a", b"b", b"c"):
        line.deliver(part)
    assert line.read(1) == b"abc"
    assert clock.now == 100.0


def test_a_read_returns_64_kib_at_most(clock: Clock) -> None:
    line = MemoryLine(clock)
    line.deliver(bytes(65536) + b"rest")
    assert len(line.read(0)) == 65536
    assert line.read(0) == b"rest"


def test_writes_and_speeds_are_noted(clock: Clock) -> None:
    line = MemoryLine(clock, kind=LineKind.UART)
    line.write(b"one")
    clock.advance(2)
    line.write(bytearray(b"two"))  # type: ignore[arg-type]
    line.drain()
    line.set_speed(9600)
    assert line.written == [(100.0, b"one"), (102.0, b"two")]
    assert line.speed == 9600
    assert line.kind is LineKind.UART


def test_a_pair_carries_bytes_both_ways(clock: Clock) -> None:
    reader, meter = pair(clock, Damage(delay=0.5))
    reader.write(b"/?!\r\n")
    assert meter.read(0) == b"/?!\r\n"
    meter.write(b"/SIM")
    assert reader.read(0) == b""
    assert reader.read(3) == b"/SIM"
    assert clock.now == 100.5
    assert meter.read(0) == b""


def test_echo(clock: Clock) -> None:
    reader, meter = pair(clock, Damage(echo=True))
    reader.write(b"mine")
    assert meter.read(0) == b"mine"
    meter.write(b"yours")
    assert reader.read(0) == b"mineyours"
    assert meter.read(0) == b""  # the meter's end has no echo


def test_an_echo_may_be_late(clock: Clock) -> None:
    line = MemoryLine(clock, Damage(echo=True, delay=0.25))
    line.write(b"mine")
    assert line.read(1) == b"mine"
    assert clock.now == 100.25


def test_flip_and_drop_count_the_bytes_sent(clock: Clock) -> None:
    line = MemoryLine(clock, Damage(flip={1: 0x01, 4: 0x80}, drop=frozenset({2})))
    line.deliver(b"abc")
    line.deliver(b"de", 101.0)
    assert line.read(0) == b"a" + bytes([ord("b") ^ 1])
    assert line.read(5) == b"d" + bytes([ord("e") ^ 0x80])


def test_close_in_mid_read_delivers_first(clock: Clock) -> None:
    line = MemoryLine(clock, Damage(close_after=3))
    line.deliver(b"ab")
    line.deliver(b"cdef", 101.0)
    assert line.read(0) == b"ab"
    assert line.read(5) == b"c"
    with pytest.raises(PortError, match="closed the connection"):
        line.read(5)


def test_a_closed_line_does_nothing(clock: Clock) -> None:
    line = MemoryLine(clock)
    line.close()
    for call in (lambda: line.drain(), lambda: line.set_speed(300)):
        with pytest.raises(PortError, match="not open"):
            call()
    line.open()
    assert line.read(0) == b""


class Stubborn:
    """A responder that always has something due and never says it."""

    def receive(self, data: bytes, now: float) -> None:
        pass

    def next_delivery(self) -> float | None:
        return 0.0

    def deliveries(self, now: float) -> bytes:
        return b""

    def set_speed(self, baud: int) -> None:
        pass


def test_a_responder_that_is_due_for_ever_does_not_hang(clock: Clock) -> None:
    line = MemoryTransport(Stubborn(), monotonic=clock.monotonic, sleep=clock.sleep)
    line.open()
    assert line.read(1) == b""
    assert clock.now == pytest.approx(101.0, abs=0.01)


def test_odd_times_come_to_an_end(clock: Clock) -> None:
    line = MemoryLine(clock)
    for step in range(1, 200):
        at = clock.now + 0.1 / step
        line.deliver(b"x", at)
        assert line.read(1) == b"x"
        assert clock.now == at


def test_the_real_clock_is_the_default() -> None:
    line = MemoryTransport(Stubborn(), "sim://x")
    line.open()
    begin = time.monotonic()
    assert line.read(0.01) == b""
    assert time.monotonic() - begin >= 0.01
    assert line.name == "sim://x"
