"""What is imported before a command knows that it needs it."""

import subprocess
import sys

import pytest

HEAVY = {
    *(
        "rich",
        "asyncio",
        "zoneinfo",
        "serial",
        "tomli",
        "inspect_",
        "importlib.metadata",
    ),
    *("iecread.session", "iecread.simulator", "iecread.readings", "iecread.output"),
    *("json", "subprocess", "socket", "difflib"),
}
CODE = """
import runpy, sys
sys.argv = ["iecread", *sys.argv[1:]]
try:
    runpy.run_module("iecread", run_name="__main__")
except SystemExit as end:
    assert not end.code, end.code
sys.stderr.write(" ".join(sys.modules))
"""


@pytest.mark.parametrize(
    "argv",
    [["--version"], ["--help"], ["readout", "--help"], ["completion", "zsh"]],
    ids=" ".join,
)
def test_nothing_heavy_is_imported(argv):
    run = [sys.executable, "-c", CODE, *argv]
    done = subprocess.run(run, capture_output=True, text=True, check=True)
    assert done.stdout
    assert HEAVY & set(done.stderr.split()) == set()


def test_no_other_command_is_imported():
    run = [sys.executable, "-c", CODE, "--help"]
    done = subprocess.run(run, capture_output=True, text=True, check=True)
    loaded = {name for name in done.stderr.split() if name.startswith("iecread")}
    assert loaded == {
        "iecread",
        "iecread._version",
        "iecread.errors",
        "iecread.cli",
        "iecread.cli.command",  # with the options that may stand before the verb
        "iecread.cli.context",
        "iecread.cli.exitcodes",
        "iecread.cli.main",
    }


LATE = """
import sys
from iecread import Meter
from iecread.protocol.actions import BlockReceived
before = []
def event(event, seconds):
    if isinstance(event, BlockReceived):
        before.append(set(sys.modules))
with Meter("sim://household?pace=no&reaction=20") as meter:
    meter.on_event = event
    meter.readout()
print(*sorted(set(sys.modules) - before[-1]))
"""


def test_nothing_is_imported_behind_the_last_byte():
    run = [sys.executable, "-c", LATE]
    done = subprocess.run(run, capture_output=True, text=True, check=True)
    assert done.stdout == "\n"
