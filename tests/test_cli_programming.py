"""``read``, ``write``, ``execute`` against simulated meters, whole."""

import io
import json
import os
import signal
import subprocess
import sys
import time

import pytest

from iecread.cli import changing
from iecread.cli.context import Surroundings
from iecread.cli.main import run as run_command

HOUSE = "sim://household?reaction=20"
WITH = ("--password-env", "PW")


@pytest.fixture
def env(tmp_path):
    return {"IECREAD_STATE_DIR": str(tmp_path / "state"), "PW": "00000000"}


class Screen(io.StringIO):
    """A terminal."""

    def isatty(self) -> bool:
        return True


def answer(line: str, *argv: str, env) -> tuple[int, str]:
    """Run a command on a terminal where ``line`` is typed: exit and stderr."""
    screen = Screen()
    around = Surroundings(
        stdin=Screen(line),
        stdout=io.StringIO(),
        stderr=screen,
        environ={**env, "TERM": "dumb"},
    )
    return run_command(argv, around), screen.getvalue()


def journal(env) -> list[dict]:
    with open(os.path.join(env["IECREAD_STATE_DIR"], "journal.jsonl")) as file:
        return [json.loads(line) for line in file]


# --- read --------------------------------------------------------------------


def test_registers_in_one_session(run, env):
    result = run("read", HOUSE, "1.8.0", "2.8.0", "C.1.0", "-f", "json", env=env)
    readout = result.json
    assert [r["register"] for r in readout["registers"]] == ["1.8.0", "2.8.0", "C.1.0"]
    assert readout["block_check"] == "ok" and readout["complete"] is True
    assert readout["serial"] == "10048151" and readout["speed"] == 9600
    assert readout["identification"] == "/SIm5HOUSEHOLD" and readout["mode"] == "C"


def test_the_bare_value(run, env):
    assert float(run("read", HOUSE, "1.8.0", "-fvalue", env=env).stdout) > 0


def test_one_is_refused_and_the_rest_is_printed(run, env):
    result = run("read", HOUSE, "9.9.9", "1.8.0", "-fvalue", env=env, exit=3)
    assert float(result.stdout) > 0
    assert "refused register 9.9.9: ER02" in result.stderr
    assert f"iecread readout {HOUSE} --only 9.9.9" in result.stderr


def test_all_are_refused(run, env):
    result = run("read", HOUSE, "9.9.9", "8.8.8", env=env, exit=9)
    assert result.stdout == ""
    assert "9.9.9" in result.stderr and "8.8.8" in result.stderr


@pytest.mark.parametrize("code", ["1.8.0(", "a/b", "", "x" * 129, "ü", "!"])
def test_a_code_that_cannot_be_sent(run, env, code):
    assert run("read", HOUSE, "1.8.0", code, env=env, exit=2).stdout == ""


def test_at_stands_for_a_star(run, env):
    result = run("read", HOUSE, "0.1.2@05", "-fjson", env=env)
    assert result.json["registers"][0]["register"] == "0.1.2*05"


def test_another_meter(run, env):
    result = run("read", HOUSE, "1.8.0", "--expect-serial=4711", env=env, exit=11)
    assert "this is meter '10048151', not '4711'" in result.stderr
    assert result.stdout == ""
    run("read", HOUSE, "1.8.0", "--expect-serial=010048151", env=env)


@pytest.mark.parametrize(("when", "left"), [(1, []), (2, ["2.8.0", "3.8.0"])])
def test_a_meter_that_breaks_off(run, env, when, left):
    house = f"{HOUSE}&breaks-off={when}"
    argv = ("read", house, "1.8.0", "2.8.0", "3.8.0", "-fvalue")
    result = run(*argv, env=env, exit=3 if left else 9)
    assert bool(result.stdout) == bool(left)
    assert "ended the session" in result.stderr


# --- passwords ---------------------------------------------------------------


def test_two_sources(run, env):
    result = run("read", HOUSE, "1.8.0", *WITH, "--password-file=x", env=env, exit=2)
    assert "--password-env and --password-file" in result.stderr


def test_the_command_line_is_stronger_than_the_environment(run, env):
    env["IECREAD_PASSWORD_FILE"] = "/nowhere"
    run("read", HOUSE, "1.8.0", *WITH, env=env)
    assert "/nowhere" in run("read", HOUSE, "1.8.0", env=env, exit=4).stderr


def test_an_algorithm_without_a_password(run, env):
    assert (
        "--algorithm"
        in run("read", HOUSE, "1.8.0", "--algorithm=plain", env=env, exit=2).stderr
    )


def test_a_wrong_password_is_sent_once(run, env):
    env["BAD"] = "99887766"
    argv = ("read", HOUSE, "1.8.0", "--password-env", "BAD", "-vv")
    first = run(*argv, env=env, exit=9)
    assert first.stderr.count(".P1.(") == 1
    second = run(*argv, env=env, exit=9)
    assert "refused this password already" in second.stderr
    assert " > " not in second.stderr  # the port was not even opened
    forced = run(*argv, "--force-login", env=env, exit=9)
    assert forced.stderr.count(".P1.(") == 1
    run("read", HOUSE, "1.8.0", *WITH, env=env)  # another password is another matter


def test_nothing_shows_the_password(run, env, tmp_path):
    secret = env["PW"] = "73519246"
    file = tmp_path / "pass"
    file.write_text(f"{secret}\n")
    file.chmod(0o600)
    house = "sim://household?reaction=20&password=73519246"
    for source in (WITH, (f"--password-file={file}",)):
        result = run("read", HOUSE, "1.8.0", *source, "-vv", "--debug", env=env, exit=9)
        assert secret not in result.stderr and secret.encode().hex(" ") not in (
            result.stderr
        )
    env.pop("PW")
    argv = ("write", house, "0.0.1", "NEW", "--write-command=W5", "--yes", "-vv")
    result = run(*argv, f"--password-file={file}", "--debug", env=env)
    shown = result.stderr.replace(house, "")
    assert secret not in shown and secret.encode().hex(" ") not in shown
    assert "(NEW)(********)" in shown
    for kept in (tmp_path / "state").iterdir():
        assert secret not in kept.read_text().replace(house, "")


# --- write -------------------------------------------------------------------


def test_a_write(run, env):
    result = run("write", HOUSE, "0.0.1", "NEW", "--yes", *WITH, env=env)
    assert result.stdout == ""
    assert "old value: CUSTOMER 1\n" in result.stderr
    assert "new value: NEW\n" in result.stderr
    assert "message:   \\x01W1\\x020.0.1(NEW)\\x03" in result.stderr
    assert "done: 0.0.1 reads NEW" in result.stderr
    assert [(e["result"], e["old"], e["new"]) for e in journal(env)] == [
        ("sending", "CUSTOMER 1", "NEW"),
        ("done", "CUSTOMER 1", "NEW"),
    ]


def test_a_write_as_json(run, env):
    result = run("write", HOUSE, "0.0.1", "NEW", "--yes", *WITH, "-fjson", env=env)
    assert result.json == {
        "register": "0.0.1",
        "old": "CUSTOMER 1",
        "new": "NEW",
        "outcome": "done",
        "shown": "NEW",
        "detail": "",
    }


def test_nobody_can_be_asked(run, env):
    result = run("write", HOUSE, "0.0.1", "NEW", *WITH, "-vv", env=env, exit=2)
    assert "--yes" in result.stderr and " > " not in result.stderr


def test_a_dry_run(run, env):
    argv = ("write", HOUSE, "0.0.1", "NEW", "--dry-run", *WITH, "-vv")
    result = run(*argv, "-fjson", env=env)
    assert result.json["outcome"] == "planned" and result.json["old"] == "CUSTOMER 1"
    assert ".W1." not in result.stderr and ".B0" in result.stderr
    assert not os.path.exists(os.path.join(env["IECREAD_STATE_DIR"], "journal.jsonl"))


def test_the_answer_is_yes(env):
    status, said = answer("y\n", "write", HOUSE, "0.0.1", "NEW", *WITH, env=env)
    assert status == 0
    assert "Send it? [y/N]" in said and "done: 0.0.1" in said


@pytest.mark.parametrize("line", ["\n", "n\n", "", "yess\n"])
def test_the_answer_is_no(env, line):
    status, said = answer(line, "write", HOUSE, "0.0.1", "NEW", *WITH, "-vv", env=env)
    assert status == 11
    assert "the answer was no" in said and ".W1." not in said and ".B0" in said
    assert not os.path.exists(os.path.join(env["IECREAD_STATE_DIR"], "journal.jsonl"))


def test_a_late_answer_finds_a_new_session(env, monkeypatch):
    monkeypatch.setattr(changing, "PATIENCE", -1.0)
    argv = ("write", HOUSE, "0.0.1", "NEW", *WITH, "-vv")
    status, said = answer("y\n", *argv, env=env)
    assert status == 0
    assert said.count("/?!") == 2 and said.count(".W1.") == 1
    assert "done: 0.0.1" in said


def test_a_refused_write(run, env):
    argv = ("write", HOUSE, "1.8.0", "0", "--yes", *WITH, "-fjson")
    result = run(*argv, env=env, exit=9)
    assert result.json["outcome"] == "refused" and result.json["old"]
    assert journal(env)[-1]["result"] == "refused"


def test_a_lost_acknowledgement_is_read_back(run, env):
    house = HOUSE + "&lost-ack=1"
    argv = ("write", house, "0.0.1", "NEW", "--yes", *WITH, "--timeout=300ms", "-vv")
    result = run(*argv, env=env)
    assert result.stderr.count(".W1.") == 1 and "done: 0.0.1" in result.stderr


# --- execute -----------------------------------------------------------------


def test_execute(run, env):
    result = run("execute", HOUSE, "1.6.0", "--yes", *WITH, "-vv", env=env)
    assert result.stderr.count(".E2.1.6.0()") == 1
    assert "done: 1.6.0" in result.stderr
    assert journal(env)[-1]["result"] == "done"


def test_execute_refused(run, env):
    run("execute", HOUSE, "9.9.9", "--yes", *WITH, env=env, exit=9)
    run("execute", HOUSE, "1.6.0", env=env, exit=2)


# --- the way out -------------------------------------------------------------


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGTERM there")
@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)]
)
def test_a_signal_ends_with_the_break(env, number, status):
    codes = ["1.8.0", "2.8.0"] * 50
    process = subprocess.Popen(
        [sys.executable, "-m", "iecread", "read", "sim://household", *codes, "-vv"],
        env={**os.environ, **env},
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    seen = ""
    while ".R1." not in seen:
        line = process.stderr.readline()
        assert line, seen
        seen += line
    began = time.monotonic()
    process.send_signal(number)
    rest = process.communicate(timeout=10)[1]
    assert process.returncode == status
    assert ".B0." in rest
    assert time.monotonic() - began < 3
