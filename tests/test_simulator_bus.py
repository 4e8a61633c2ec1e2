"""Several simulated meters on one line."""

import pytest

from iecread.errors import PortError
from iecread.protocol.parity import add_even
from iecread.simulator import BusLine, Pace, parse_url
from iecread.simulator.line import SimulatedLine
from iecread.transports.memory import Clock, MemoryTransport


def line(url: str, pace: Pace = Pace.NONE) -> tuple[MemoryTransport, Clock]:
    clock = Clock(5000.0)
    far = parse_url(url).line(pace)
    assert isinstance(far, BusLine)
    end = MemoryTransport(far, monotonic=clock.monotonic, sleep=clock.sleep)
    end.open()
    return end, clock


def answer(end: MemoryTransport, request: bytes, wait: float = 1.8) -> bytes:
    """What comes in answer, up to so long a rest."""
    end.write(request)
    data = b""
    while piece := end.read(wait):
        data += piece
    return data


@pytest.mark.parametrize("pace", [Pace.NONE, Pace.LINE])
def test_each_answers_to_its_own_address(pace: Pace) -> None:
    end, _ = line("sim://bus?addresses=1,2&meters=household,vdew&fallback=0", pace)
    assert answer(end, b"/?1!\r\n") == b"/SIM5HOUSEHOLD\r\n"
    assert answer(end, b"/?0002!\r\n") == b"/SIM5\\@VDEW\r\n"
    assert answer(end, b"/?3!\r\n") == b""


@pytest.mark.parametrize(
    ("pace", "stagger"),
    # where characters take no time only those of one moment overlap
    [(Pace.NONE, 0), (Pace.LINE, 0), (Pace.LINE, 15)],
)
def test_all_at_once_are_nobody(pace: Pace, stagger: int) -> None:
    end, _ = line(
        f"sim://bus?fallback=0&stagger={stagger}&meters=household,industrial,vdew", pace
    )
    data = answer(end, b"/?!\r\n")
    # as many characters as the longest has, or a few more where they are shifted
    assert 14 <= len(data) <= 20
    assert b"/SIM5HOUSE" not in data and b"VDEW" not in data


def test_one_after_the_other() -> None:
    end, _ = line("sim://bus?fallback=0&stagger=900&meters=household,vdew", Pace.LINE)
    assert answer(end, b"/?!\r\n") == b"/SIM5HOUSEHOLD\r\n/SIM5\\@VDEW\r\n"


def test_a_session_with_one_of_them() -> None:
    end, _ = line("sim://bus?addresses=1,2,3&meters=household,industrial")
    assert answer(end, b"/?2!\r\n", 0.5).startswith(b"/SIM6INDUSTRY")
    assert b"1.8.0(" in answer(end, b"\x06000\r\n")


def test_the_bus_has_one_echo_and_a_logbook() -> None:
    end, clock = line(
        "sim://bus?addresses=1,2&echo=1&fallback=0&parity=even&meters=household,industrial"
    )
    request = add_even(b"/?2!\r\n")
    assert answer(end, request) == request + add_even(b"/SIM6INDUSTRY\r\n")
    far = end.responder
    assert isinstance(far, BusLine) and far.heard == [(5000.0, request)]


def test_meters_and_addresses_in_turn() -> None:
    meters = parse_url("sim://bus?addresses=1,2,3&meters=household,mode-b")
    assert isinstance(parse_url("sim://household").line(Pace.NONE), SimulatedLine)
    assert [(m.name, m.wishes.address) for m in meters._on_bus()] == [
        ("household", "1"),
        ("mode-b", "2"),
        ("household", "3"),
    ]
    own = parse_url("sim://bus?meters=vdew,household")
    assert [m.wishes.address for m in own._on_bus()] == ["10048157", "10048151"]


@pytest.mark.parametrize(
    "query", ["meters=p1", "meters=nobody", "meters=bus", "addresses=1,!", "stagger=x"]
)
def test_no_such_bus(query: str) -> None:
    with pytest.raises(PortError, match="cannot be"):
        parse_url(f"sim://bus?{query}")
