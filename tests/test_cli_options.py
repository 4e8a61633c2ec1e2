"""Types of option values, how TARGET is read, and the variables."""

from importlib import import_module

import click
import pytest

from iecread.cli.context import Surroundings
from iecread.cli.exitcodes import UsageError
from iecread.cli.options import (
    ADDRESS,
    DURATION,
    SPEED,
    ZONE,
    SelectCharacter,
    Target,
    only_option,
)
from iecread.cli.target import resolve
from iecread.errors import ConfigError
from iecread.settings import is_port


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


def command_of(name):
    return import_module(f"iecread.cli.{name}").command


def test_the_procedure_is_a_digit():
    (v,) = (p.type for p in command_of("read").params if p.name == "protocol")
    assert v.convert("1", None, None) == "1"
    for wrong in ("", "x", "10", "\r"):
        with pytest.raises(click.BadParameter):
            v.convert(wrong, None, None)


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


def test_the_option_select_never_opens_programming():
    (y,) = (
        parameter.type
        for parameter in command_of("readout").params
        if parameter.name == "option"
    )
    assert isinstance(y, SelectCharacter)
    assert [y.convert(c, None, None) for c in "069"] == ["0", "6", "9"]
    for wrong in ("1", "", "10", "\r", "ä"):
        with pytest.raises(click.BadParameter):
            y.convert(wrong, None, None)


def test_codes():
    @click.command()
    @only_option
    def command(only):
        return only

    def parsed(*argv):
        return command.main([*argv], standalone_mode=False)

    assert parsed() == ()
    assert parsed("--only", "1.8.0,2.8.0", "--only", "C.1.0") == (
        "1.8.0",
        "2.8.0",
        "C.1.0",
    )
    for wrong in ("", "1.8.0,", "1.8.999", "a(b"):
        with pytest.raises(click.BadParameter):
            parsed("--only", wrong)


@pytest.mark.parametrize(
    ("target", "port"),
    [
        ("/dev/ttyUSB0", True),
        ("COM3", True),
        ("com12", True),
        (r"\\.\COM12", True),
        ("sim://household", True),
        ("socket://a:1", True),
        ("./pty", True),
        ("kitchen", False),
        ("COM", False),
        ("COM3x", False),
        ("", False),
    ],
)
def test_a_target_is_told_by_its_spelling(target, port):
    assert is_port(target) is port
    if port:
        assert resolve(Surroundings(), target, {}).port == target


@pytest.mark.parametrize(
    ("target", "meant"),
    [
        ("null", "did you mean /dev/null"),
        ("ttyUSB77", "/dev/ttyUSB77"),
        ("192.168.0.8:8000", "socket://192.168.0.8:8000"),
        ("sim:household", "sim://household"),
        ("kitchen", "/dev/ttyUSB0"),
        ("..", "/dev/ttyUSB0"),
    ],
)
def test_an_unknown_meter_may_be_a_port(target, meant):
    with pytest.raises(ConfigError) as caught:
        resolve(Surroundings(environ={}), target, {})
    assert caught.value.message == f"no meter called {target!r}"
    assert meant in caught.value.hint


@pytest.mark.parametrize("target", ["", " "])
def test_an_empty_target(target):
    with pytest.raises(UsageError, match="TARGET is empty"):
        resolve(Surroundings(environ={}), target, {})


def test_unknown_meter_at_the_command_line(run):
    result = run("readout", "kitchen", "-f", "json", exit=4)
    assert result.error["meter"] == "kitchen"
    assert result.error["error"] == "config"


def test_a_wrong_variable_is_named(run):
    stderr = run("readout", "/dev/x", exit=2, env={"IECREAD_BAUD": "17"}).stderr
    assert "IECREAD_BAUD" in stderr and "'17' is none of" in stderr


def test_an_empty_variable_counts_as_not_set(run):
    run("readout", "kitchen", exit=4, env={"IECREAD_BAUD": "", "IECREAD_MODE": ""})


def test_completion_of_targets():
    def found(incomplete):
        items = Target().shell_complete(None, None, incomplete)
        return [item.value for item in items]

    assert "sim://" in found("")
    assert "sim://household" in found("sim")
    assert found("sim://p1") == ["sim://p1"]
