"""How TARGET is read: a port, or a meter of meters.toml."""

import pytest

from iecread.cli.context import Surroundings
from iecread.cli.exitcodes import UsageError
from iecread.cli.target import resolve
from iecread.errors import ConfigError
from iecread.settings import is_port


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
