"""``read`` against simulated meters: registers, passwords, and the way out."""

import os
import signal
import subprocess
import sys
import time

import pytest

HOUSE = "sim://household?reaction=20"
WITH = ("--password-env", "PW")


@pytest.fixture
def env(tmp_path):
    return {"IECREAD_STATE_DIR": str(tmp_path / "state"), "PW": "00000000"}


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
