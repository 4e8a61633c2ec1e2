"""Ailments of lines, and what the examination makes of them."""

import pytest
from examined import H, examined, first_ailment

from iecread.transports import LineKind

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
    ("light=75&seed=4", {}, "weak", ("low light", "%"), "--watch"),
    ("light=55&seed=2", {}, "weak", ("low light", "%"), "--watch"),
]


@pytest.mark.parametrize(
    ("query", "wish", "ailment", "words", "typed"),
    AILMENTS,
    ids=[f"{query} {wish}" for query, wish, *_ in AILMENTS],
)
def test_an_ailment_is_named(query, wish, ailment, words, typed):
    first = first_ailment(query, wish)
    assert first.ailment == ailment
    assert all(word in first.sentence for word in words), first.sentence
    assert typed in first.line


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
