"""Readouts and telegrams, on simulated meters and a scripted line."""

from collections.abc import Iterator
from decimal import Decimal

import pytest

import iecread
from iecread import (
    CheckError,
    Meter,
    NoAnswerError,
    RemoteProtocolError,
)
from iecread.protocol import parity
from iecread.protocol.actions import BlockReceived, Done, Event, Identified
from iecread.protocol.bcc import bcc
from iecread.transports import LineKind


class Script:
    """A line on which the meter answers the Nth message with the Nth answer."""

    name, latency = "script://", 0.0

    def __init__(self, *answers: bytes, kind: LineKind = LineKind.DIRECT) -> None:
        self.kind = kind
        self._answers = list(answers)
        self._due = b""
        self.sent: list[bytes] = []
        self.closed = False

    def open(self) -> None: ...

    def read(self, wait: float) -> bytes:
        due, self._due = self._due, b""
        if not due:
            import time

            time.sleep(min(wait, 0.3))
        return due

    def write(self, data: bytes) -> None:
        self.sent.append(data)
        if self._answers:
            self._due += self._answers.pop(0)

    def drain(self) -> None: ...

    def set_speed(self, baud: int) -> None: ...

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Script]]:
    """Put a Script into this list and `Meter("/script")` talks to it."""
    lines: list[Script] = []
    monkeypatch.setattr("iecread.meterline.open_line", lambda *_, **__: lines[0])
    yield lines


def _block(text: bytes) -> bytes:
    return b"\x02" + text + b"\x03" + bytes([bcc(text + b"\x03")])


def test_a_readout_of_the_simulated_household() -> None:
    events: list[Event] = []
    with Meter("sim://household?time=2026-11-22T12:00") as meter:
        meter.on_event = lambda event, _: events.append(event)
        readout = meter.readout()
    assert readout.manufacturer == "SIM" and readout.simulated
    assert (readout.mode, readout.speed) == ("C", 9600)
    assert (readout.block_check, readout.complete) == ("ok", True)
    assert readout.serial == "10048151"
    reading = next(r for r in readout.registers if r.register == "1.8.0")
    assert reading.value == Decimal("15589.520") and reading.status == "ok"
    assert meter.data.startswith(b"/SIM5") and b"1.8.0(" in meter.data
    kinds = [
        type(e) for e in events if isinstance(e, Identified | BlockReceived | Done)
    ]
    assert kinds == [Identified, BlockReceived, Done]


def test_only_keeps_what_was_asked_for_in_the_order_sent() -> None:
    with Meter("sim://household") as meter:
        readout = meter.readout(["2.8.0", "C.1.0"])
    assert [r.register for r in readout.registers] == ["C.1.0", "2.8.0"]


def test_only_stops_early_where_no_check_vouches_for_the_data(
    script: list[Script],
) -> None:
    lines = b"0.0(123)\r\n6.8(0012.3*GJ)\r\n6.26(00045.6*m3)\r\n"
    script.append(Script(b"/SIMXHEAT\r\n" + lines))  # the end never comes
    with Meter("/script") as meter:
        readout = meter.readout(["6.8"])
    assert [(r.register, r.status) for r in readout.registers] == [("6.8", "unchecked")]
    assert not readout.complete and readout.block_check == "absent"
    assert script[0].closed


def test_an_identification_without_line_end_does_not_swallow_data(
    script: list[Script],
) -> None:
    block = _block(b"1.8.0(000123.4*kWh)\r\n!\r\n")
    script.append(Script(b"/SIMXNOEND" + block))
    with Meter("/script") as meter:
        readout = meter.readout()
    assert readout.identification == "/SIMXNOEND"
    assert [r.register for r in readout.registers] == ["1.8.0"]
    assert readout.block_check == "ok"


def test_the_same_with_parity(script: list[Script]) -> None:
    message = b"/SIMXNOEND" + _block(b"1.8.0(000123.4*kWh)\r\n!\r\n")
    script.append(Script(parity.add_even(message), kind=LineKind.UART))
    with Meter("/script") as meter:
        readout = meter.readout()
    assert script[0].sent == [parity.add_even(b"/?!\r\n")]
    assert [(r.register, r.status) for r in readout.registers] == [("1.8.0", "ok")]


def test_another_meter_than_expected() -> None:
    with Meter("sim://household", expect_serial="4711") as meter:
        with pytest.raises(CheckError, match="10048151"):
            meter.readout()
    with Meter("sim://household", expect_serial="0010048151") as meter:
        assert meter.readout().serial == "10048151"


def test_what_was_read_without_a_check_is_handed_over_with_the_error(
    script: list[Script],
) -> None:
    script.append(Script(b"/SIMXHEAT\r\n0.0(123)\r\n6.8(0012.3*GJ)\r\n"))
    with Meter("/script", retries=0, timeout=0.2) as meter:
        with pytest.raises(NoAnswerError) as caught:
            meter.readout()
    readout = caught.value.readout
    assert isinstance(readout, iecread.Readout)
    assert [r.status for r in readout.registers] == ["unchecked", "unchecked"]
    assert not readout.complete


def test_nothing_is_shown_of_a_block_whose_check_stayed_wrong() -> None:
    with Meter("sim://household?bcc=always", retries=0) as meter:
        with pytest.raises(RemoteProtocolError) as caught:
            meter.readout()
    assert caught.value.readout is None


def test_listening_gives_telegrams_one_by_one() -> None:
    with Meter("sim://p1?period=0.2", mode="d", timeout=5.0) as meter:
        telegrams = meter.listen()
        first, second = next(telegrams), next(telegrams)
    assert first.block_check == second.block_check == "ok"
    assert first.mode == "D" and first.registers


def test_a_readout_in_mode_d_is_one_telegram() -> None:
    with Meter("sim://push?period=0.2", mode="d", timeout=5.0) as meter:
        assert meter.readout().block_check == "absent"
