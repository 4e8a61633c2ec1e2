"""``clock show`` and ``clock set`` against simulated meters, whole.

The clocks run on this computer's time, so setting is forced: else a test would fail
for some seconds of each quarter of an hour, as it should in use.
"""

import json

import pytest

HOUSE = "sim://household?reaction=20"
AHEAD = HOUSE + "&drift=20"


@pytest.fixture
def env(tmp_path):
    return {"IECREAD_STATE_DIR": str(tmp_path), "PW": "00000000"}


def test_show(run, env):
    result = run("clock", "show", AHEAD, "-fjson", env=env)
    assert 18 < result.json["drift"] < 21 and 1 <= result.json["uncertainty"] < 2
    assert set(result.json["registers"]) == {"0.9.1", "0.9.2"}
    said = run("clock", "show", AHEAD, env=env).stdout
    assert said.startswith("meter  20") and "± 1" in said


@pytest.mark.parametrize(("limit", "exit"), [("10s", 11), ("19.1s", 0), ("30s", 0)])
def test_a_limit_counts_what_is_certain(run, env, limit, exit):
    result = run("clock", "show", AHEAD, "--max-drift", limit, env=env, exit=exit)
    assert result.stdout
    assert ("off by" in result.stderr) == (exit == 11)


def test_the_clock_of_a_vdew_meter(run, env):
    result = run("clock", "show", "sim://vdew?reaction=20&drift=-30", env=env)
    assert "drift  -30" in result.stdout or "drift  -31" in result.stdout


def test_set(run, env, tmp_path):
    argv = ("clock", "set", AHEAD, "--yes", "--force", "--password-env", "PW")
    result = run(*argv, "-fjson", "-vv", env=env)
    assert abs(result.json["drift"]) <= 2
    assert result.stderr.count(".W1.0.9.1(") == 1 and "done: " in result.stderr
    lines = (tmp_path / "journal.jsonl").read_text().splitlines()
    assert [json.loads(line)["result"] for line in lines[-2:]] == ["sending", "done"]


def test_a_step_too_large(run, env, tmp_path):
    house = HOUSE + "&drift=7200"
    argv = ("clock", "set", house, "--yes", "--password-env", "PW", "-vv")
    result = run(*argv, env=env, exit=11)
    assert "more than may be set at once" in result.stderr
    assert ".W1." not in result.stderr and ".B0." in result.stderr


def test_a_dry_run(run, env, tmp_path):
    argv = ("clock", "set", AHEAD, "--dry-run", "--force", "--password-env", "PW")
    result = run(*argv, "-vv", env=env)
    assert "0.9.1(" in result.stderr and ".W1." not in result.stderr.split("dry")[1]
    assert result.stderr.count("message:") == 1
    assert not (tmp_path / "journal.jsonl").exists()


def test_nobody_can_be_asked(run, env):
    assert "--yes" in run("clock", "set", AHEAD, env=env, exit=2).stderr
