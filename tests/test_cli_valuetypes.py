"""Types of option values, and what is completed for them."""

import click
import pytest

from iecread.cli.valuetypes import ADDRESS, DURATION, SPEED, ZONE, Target


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("500ms", 0.5),
        ("5s", 5),
        ("5", 5),
        ("1.5", 1.5),
        ("15m", 900),
        ("24h", 86400),
        ("7d", 604800),
        ("0s", 0),
        ("5 s", 5),
    ],
)
def test_durations(text, seconds):
    assert DURATION.convert(text, None, None) == seconds


@pytest.mark.parametrize(
    "text",
    ["", "s", "-5s", "5x", "1e3", "nan", "inf", "5s5", "٣s", "999999999d", "31d"],
)
def test_no_durations(text):
    with pytest.raises(click.BadParameter):
        DURATION.convert(text, None, None)


def test_speeds():
    assert SPEED.convert("9600", None, None) == 9600
    for wrong in ("9601", "0", "-300", "300.0", "", "٣٠٠"):
        with pytest.raises(click.BadParameter, match="is none of 300 600"):
            SPEED.convert(wrong, None, None)


def test_addresses():
    assert ADDRESS.convert("00012345", None, None) == "00012345"
    for wrong in ("1" * 33, "a/b", "ä", "1!"):
        with pytest.raises(click.BadParameter, match="32 letters"):
            ADDRESS.convert(wrong, None, None)


def test_zones():
    assert ZONE.convert("Europe/Berlin", None, None) == "Europe/Berlin"
    for wrong in ("", "Europe", "Berlin", "../../etc/passwd", "/etc/passwd", "a\0b"):
        with pytest.raises(click.BadParameter, match="no time zone"):
            ZONE.convert(wrong, None, None)


def test_completion_of_targets():
    def found(incomplete):
        items = Target().shell_complete(None, None, incomplete)
        return [item.value for item in items]

    assert "sim://" in found("")
    assert "sim://household" in found("sim")
    assert found("sim://p1") == ["sim://p1"]
