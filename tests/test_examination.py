"""Ailments seeded into simulated meters, and what the examination makes of them.

The bits of these lines are computed (uart.py): at a wrong speed, wrong parity, or in
low light, the examination gets what a port would get.
"""

import pytest

from iecread.examination import LINE_LIMIT, METER_LIMIT, Examination, Wish
from iecread.simulator import Pace, open_simulated
from iecread.transports import LineKind
from iecread.transports.memory import Clock

H = "sim://household?time=2026-11-22T12:00"


def examined(url, *, kind=None, **wish):
    """Line, meter, examination, and the seconds that it took."""
    clock = Clock()
    line = open_simulated(
        url,
        baud=wish.get("speed", 300),
        monotonic=clock.monotonic,
        sleep=clock.sleep,
        pace=Pace.LINE,
    )
    if kind is not None:
        line.kind = kind
    found = Examination(line, Wish("PORT", **wish), clock=clock.monotonic)
    layers = found.line(), found.meter()
    return *layers, found, clock.now


AILMENTS = [
    ("echo=1&mute=1", {}, "echo-only", ("echo", "mute"), "--address NUMBER"),
    ("light=0", {}, "nothing", ("no light",), "--watch"),
    ("mute=1", {}, "nothing", ("mute", "address"), "--watch"),
    ("noise=for-ever", {}, "noise", ("noise",), "doctor PORT"),
    ("baud=9600", {}, "speed", ("wrong speed", "9600 Bd"), "--baud 9600"),
    ("", {"speed": 9600}, "speed", ("at 300 Bd, not at 9600",), "--baud 300"),
    ("parity=odd", {}, "odd", ("parity", "7O1"), "7E1"),
    ("parity=even", {"framing": "8n1"}, "parity", ("parity", "7e1"), "--framing 7e1"),
    ("parity=none", {"framing": "7e1"}, "parity", ("parity", "8n1"), "--framing 8n1"),
    ("wake=1", {}, "wake", ("wake-up needed",), "--wake always"),
    (
        "general=0",
        {"addresses": ("4", "10048151")},
        "address",
        ("address",),
        "10048151",
    ),
    ("", {"address": "77"}, "address-wrong", ("'77'", "without one"), "--address ''"),
    ("session=1", {}, "stuck", ("stuck session", "9600 Bd"), "readout PORT"),
    ("hold=150", {}, "early", ("too early", "250 ms"), "--switch-delay 250ms"),
    ("", {"switch_delay": 0.3}, "late", ("too late", "20 ms"), "--switch-delay 20ms"),
    ("lag=300", {}, "too-late", ("too late", "300 Bd works"), "--max-baud 300"),
    ("hdlc=empty", {}, "mode-e", ("mode E only",), "DLMS"),
    ("hdlc=silent", {}, "mode-e", ("mode E only",), "DLMS"),
    ("light=75&seed=4", {}, "weak", ("low light", "%"), "--watch"),
    ("light=55&seed=2", {}, "weak", ("low light", "%"), "--watch"),
    ("speed=wrong", {}, "stays", ("wrong speed", "stays at 300"), "--max-baud 300"),
    ("nak=1", {}, "refused", ("refused", "NAK"), "read PORT"),
    ("bcc=always", {}, "bcc", ("block check",), "--bcc off"),
    ("silent=100", {}, "silent", ("fell silent", "100"), "--timeout"),
]


@pytest.mark.parametrize(
    ("query", "wish", "ailment", "words", "typed"),
    AILMENTS,
    ids=[f"{query} {wish}" for query, wish, *_ in AILMENTS],
)
def test_an_ailment_is_named(query, wish, ailment, words, typed):
    line, meter, _, seconds = examined(f"{H}&{query}" if query else H, **wish)
    first = (line.findings + meter.findings)[0]
    assert first.ailment == ailment
    assert all(word in first.sentence for word in words), first.sentence
    assert typed in first.line
    assert seconds < LINE_LIMIT + METER_LIMIT + 30


@pytest.mark.parametrize(
    "url",
    [
        H,
        H + "&echo=1",
        H + "&parity=none",
        H + "&parity=even",
        H + "&check=sum7",
        H + "&check=none",
        H + "&parts=3",
        H + "&reaction=20",
        "sim://mode-a",
        "sim://mode-b",
        "sim://industrial",
        "sim://vdew",
        "sim://lis200-ek",
    ],
)
def test_all_is_well(url):
    line, meter, found, seconds = examined(url)
    assert line.findings == meter.findings == []
    assert found.identification and found.speed
    assert bool(found.echo) is ("echo" in url)
    assert seconds < 15


@pytest.mark.parametrize(
    ("url", "wish"),
    [
        (H + "&wake=1", {"wake": "always"}),
        (H + "&baud=9600", {"speed": 9600}),
        (H + "&general=0", {"address": "10048151"}),
        (H + "&hold=150", {"switch_delay": 0.25}),
        (H + "&lag=300", {"max_speed": 300}),
        (H + "&speed=wrong", {"max_speed": 300}),
        (H + "&parity=none", {"framing": "8n1"}),
        ("sim://p1", {"mode": "d", "speed": 115200}),
        ("sim://push", {"mode": "d", "speed": 9600}),
    ],
)
def test_what_was_typed_cures_it(url, wish):
    line, meter, *_ = examined(url, **wish)
    assert line.findings == meter.findings == []


@pytest.mark.parametrize(
    ("url", "wish", "typed"),
    [
        ("sim://p1", {}, "listen PORT --baud 115200 --framing 8n1"),
        ("sim://p1?period=1", {"speed": 9600}, "listen PORT --baud 115200"),
        ("sim://push", {}, "listen PORT --baud 9600"),
    ],
)
def test_a_meter_that_talks_by_itself(url, wish, typed):
    line, *_ = examined(url, **wish)
    assert line.findings[0].ailment == "push"
    assert typed in line.findings[0].line


def test_a_serial_port_is_asked_with_parity_and_plain():
    line, *_ = examined(H + "&parity=none", kind=LineKind.UART)
    assert line.findings[0].ailment == "parity"
    assert "--framing 8n1" in line.findings[0].line
    assert not examined(H + "&parity=even", kind=LineKind.UART)[0].findings


def test_a_network_has_one_speed():
    line, _, found, _ = examined(H + "&baud=2400", kind=LineKind.TCP)
    assert line.findings[0].ailment == "silent-line"
    assert found.identification is None
    line, meter, *_ = examined(H + "&baud=300", kind=LineKind.TCP)
    assert not line.findings + meter.findings


def test_two_ailments_are_both_said():
    line, meter, *_ = examined(H + "&baud=2400")
    assert [one.ailment for one in line.findings] == ["speed"]
    assert [one.ailment for one in meter.findings] == ["stays"]


def test_an_examination_has_an_end():
    """A line that never rests, whatever is asked."""
    line, *_, seconds = examined(H + "&endless=1")
    assert seconds < 200
    assert examined(H + "&slow=900")[3] < 260
