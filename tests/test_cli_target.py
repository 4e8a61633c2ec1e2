"""How TARGET is read: a port, or a meter of meters.toml."""

import pytest

from iecread.cli.context import Surroundings
from iecread.cli.exitcodes import UsageError
from iecread.cli.target import resolve
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


@pytest.mark.parametrize("target", ["", " "])
def test_an_empty_target(target):
    with pytest.raises(UsageError, match="TARGET is empty"):
        resolve(Surroundings(environ={}), target, {})


def test_unknown_meter_at_the_command_line(run):
    result = run("readout", "kitchen", "-f", "json", exit=4)
    assert result.error["meter"] == "kitchen"
    assert result.error["error"] == "config"
