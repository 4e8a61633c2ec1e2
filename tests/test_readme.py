"""The README says what is so: its commands run, its Python runs, its tables hold."""

import json
import re
import shlex
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
import tomli

from iecread.cli.exitcodes import EXIT_CODES
from iecread.output.sqlite import SCHEMA

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```", README, re.M | re.S)


def _commands() -> list[tuple[str, str]]:
    """Every ``$ iecread …`` line with the output shown below it."""
    found = []
    for language, body in BLOCKS:
        if language == "console":
            for part in re.split(r"^\$ ", body, flags=re.M)[1:]:
                command, _, output = part.partition("\n")
                found.append((command, output))
    return found


def test_the_first_two_blocks_install_and_test() -> None:
    run, test = (body for language, body in BLOCKS if language == "sh")
    assert run.count("\n") == test.count("\n") == 1
    assert "venv" in run and "iecread readout sim://household" in run
    assert "pytest" in test


def test_the_examples_run(tmp_path: Path) -> None:
    iecread = f"{shlex.quote(sys.executable)} -m iecread"
    environment = {
        "PATH": "/usr/bin:/bin",
        "PYTHONPATH": str(ROOT),
        "COLUMNS": "200",
        "IECREAD_STATE_DIR": str(tmp_path / "state"),
    }
    shell = shutil.which("sh")
    assert shell
    commands = _commands()
    assert len(commands) > 6
    for command, expected in commands:
        line = re.sub(r"\biecread (?=[a-z])", lambda _: iecread + " ", command, count=1)
        done = subprocess.run(
            [shell, "-c", line],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
        )
        if expected:
            assert (done.stdout + done.stderr).strip() == expected.strip(), command
        else:
            assert done.returncode == 0, (command, done.stderr)
            wrote = " -o " in command or ">" in command
            changes = " write " in command or " execute " in command
            assert bool(done.stderr if changes else done.stdout) is not wrote, command
    assert (tmp_path / "readings.csv").read_text().startswith("time,meter,serial,")
    schema, *queries = (body for language, body in BLOCKS if language == "sql")
    assert schema == SCHEMA + ";\n" and queries
    with closing(sqlite3.connect(tmp_path / "readings.db")) as database:
        for query in queries:
            rows = database.execute(query).fetchall()
            assert rows and all(row[-1] for row in rows), query
        found = database.execute("SELECT DISTINCT channel FROM readings")
        assert {channel for (channel,) in found} == {"", "P.01", "P.98"}


@pytest.mark.parametrize("body", [b for language, b in BLOCKS if language == "python"])
def test_the_python_runs(
    body: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("IECREAD_STATE_DIR", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    exec(compile(body, "README.md", "exec"), {})


def test_the_exit_codes_are_those_of_the_code() -> None:
    rows = re.findall(r"^\| (\d+) \| ([a-z-]+) \|", README, re.M)
    known = [(str(code.number), code.name) for code in EXIT_CODES]
    assert rows == [row for row in known if int(row[0]) < 100]


def test_the_recipes_are_well_formed() -> None:
    """They were tried on the programs that they are for; here is what can break."""
    message = re.search(r"config -m '(.*?)'", README, re.S)
    assert message
    sensor = json.loads(message[1])
    assert sensor["state_topic"] in README.replace(message[1], "")
    recipes = [tomli.loads(body) for language, body in BLOCKS if language == "toml"]
    (telegraf,) = [
        recipe["inputs"]["execd"] for recipe in recipes if "inputs" in recipe
    ]
    assert telegraf[0]["command"][:2] == ["iecread", "dump"]
