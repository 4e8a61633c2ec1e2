"""Both layers, examined one after the other."""

import pytest
from examined import H, examined


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


def test_two_ailments_are_both_said():
    line, meter, *_ = examined(H + "&baud=2400")
    assert [one.ailment for one in line.findings] == ["speed"]
    assert [one.ailment for one in meter.findings] == ["stays"]


def test_an_examination_has_an_end():
    """A line that never rests, whatever is asked."""
    line, *_, seconds = examined(H + "&endless=1")
    assert seconds < 200
    _, meter, *_ = examined(H + "&endless=1&pace=0")
    assert any("no end of them" in seen for seen in meter.evidence)
    assert examined(H + "&slow=900")[3] < 260
