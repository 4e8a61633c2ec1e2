"""``write`` and ``execute`` against simulated meters: asked, done, read back, noted."""

import os

import pytest
from typed import answer, journal

from iecread.cli import changing

HOUSE = "sim://household?reaction=20"
WITH = ("--password-env", "PW")


@pytest.fixture
def env(tmp_path):
    return {"IECREAD_STATE_DIR": str(tmp_path / "state"), "PW": "00000000"}


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
