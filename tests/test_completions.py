"""The completion scripts in completions/, and what they complete."""

import shutil
import subprocess
from pathlib import Path

import pytest

from iecread.cli.completion import SHELLS

FOLDER = Path(__file__).parent.parent / "completions"
SUFFIX = {"powershell": "ps1"}


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_is_the_one_in_the_folder(run, shell):
    """Mended by: iecread completion SHELL > completions/iecread.SUFFIX."""
    kept = (FOLDER / f"iecread.{SUFFIX.get(shell, shell)}").read_bytes()
    assert run("completion", shell).data == kept


def test_no_such_shell(run):
    assert "'tcsh' is not one of" in run("completion", "tcsh", exit=2).stderr


def complete(run, line: str, shell: str = "bash") -> list[str]:
    env = {
        "_IECREAD_COMPLETE": f"{shell}_complete",
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(line.split(" ")) - 1),
    }
    return run(env=env).stdout.rstrip("\n").split("\n")


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("iecread reado", ["plain,readout"]),
        ("iecread completion p", ["plain,powershell"]),
        ("iecread help f", ["plain,formats"]),
        ("iecread readout /x --bau", ["plain,--baud"]),
        ("iecread readout /x --max-baud 192", ["plain,19200"]),
        ("iecread readout /x -f jsonl", ["plain,jsonl"]),
        ("iecread readout /x -o ", ["file,"]),
        ("iecread decode ", ["file,"]),
    ],
)
def test_bash_gets(run, line, found):
    assert complete(run, line) == found


def test_zsh_gets_the_lines_of_help(run):
    assert complete(run, "iecread list", "zsh") == [
        "plain",
        "listen",
        "Meters that talk by themselves (mode D, P1).",
    ]


@pytest.mark.skipif(not shutil.which("bash"), reason="no bash here")
def test_bash_accepts_its_script():
    subprocess.run(["bash", "-n", FOLDER / "iecread.bash"], check=True)
