"""``unlock`` and ``lock`` against simulated LIS-200 devices, whole.

What counts is what the device says of it: which codes it was sent, which it holds now,
and which locks are open.
"""

import getpass
import json
import os

import pytest
from typed import answer, journal

pytestmark = pytest.mark.usefixtures("device", "timeless")
EK = "sim://lis200-ek?reaction=1"
WITH = ("--password-env", "PW")


@pytest.fixture
def env(tmp_path):
    state = str(tmp_path / "state")
    return {"IECREAD_STATE_DIR": state, "PW": "00000000", "NEW": "1A2B"}


# --- opening -----------------------------------------------------------------


def test_a_lock_is_opened_and_left_open(run, env, device):
    url = EK + "&auto-close=30"
    result = run("unlock", url, *WITH, env=env)
    assert "the customer lock (4) is open; it closes by itself after 30 min" in (
        result.stderr
    )
    assert result.stdout == "" and "00000000" not in result.stderr
    locks = device(url).locks
    assert locks.open == {4} and locks.openings == [4]
    # once more: no code goes to a lock that is open
    result = run("unlock", url, *WITH, "-fjson", env=env)
    assert result.json == {
        "lock": 4,
        "name": "customer",
        "state": "open",
        "minutes": 30,
        "changed": False,
        "closes": None,
    }
    assert locks.openings == [4] and locks.replaced == []
    lines = journal(env)
    assert [line["result"] for line in lines] == ["sending", "done"]
    assert {line["register"] for line in lines} == {"4:170"}
    # and closed again, without a code
    assert "customer lock (4) is closed" in run("lock", url, env=env).stderr
    assert locks.open == set()
    assert run("lock", url, "-fjson", env=env).json["changed"] is False


def test_the_number_is_checked_before_and_the_lock_still_stays_open(run, env, device):
    argv = ("unlock", EK, *WITH, "--lock=3", "--expect-serial")
    run(*argv, "4711", env=env, exit=11)
    assert device(EK).locks.open == set()
    run(*argv, "10048158", env=env)
    assert device(EK).locks.open == {3}


def test_a_number_that_cannot_be_read(run, env):
    result = run("lock", EK, "--expect-serial=4711", env=env, exit=9)
    assert "refused 1:180 (serial number): no right to read it" in result.stderr


def test_a_wrong_code_is_sent_once(run, env, device):
    argv = ("unlock", EK, "--password-env=NEW")
    result = run(*argv, "-vv", env=env, exit=9)
    assert "wrong access code (#0017)" in result.stderr
    assert "1A2B" not in result.stderr
    wrong = device(EK).locks.wrong
    assert wrong == [(4, "1A2B")]
    for command in (argv, ("read", EK, "7:310", "--password-env=NEW")):
        assert "not sent again before" in run(*command, env=env, exit=9).stderr
    assert len(wrong) == 1
    run(*argv, "--lock=3", env=env, exit=9)  # another lock, and sent once
    run(*argv, "--force-login", env=env, exit=9)
    assert wrong == [(4, "1A2B"), (3, "1A2B"), (4, "1A2B")]
    assert device(EK).locks.replaced == []


def test_without_a_code(run, env):
    result = run("unlock", EK, env=env, exit=4)
    assert "no code for the customer lock (4) was given" in result.stderr
    result = run("unlock", EK + "&open=4", env=env)
    assert "was open already" in result.stderr


def test_a_code_is_asked_for_on_a_terminal(env, device, monkeypatch):
    monkeypatch.setattr(getpass, "getpass", lambda *args: "00000000")
    status, said = answer("", "unlock", EK, env=env)
    assert status == 0 and "is open" in said
    assert device(EK).locks.open == {4}


@pytest.mark.parametrize("before", range(1, 8))
def test_another_program_opens_it_in_between(run, env, device, before):
    """Whenever it does: the code stays what it was."""
    url = f"{EK}&intruder=4+{before}"
    run("unlock", url, *WITH, env=env)
    found = device(url)
    assert found.intrusions or found.commands < before
    assert found.locks.changed == []
    assert len(found.locks.replaced) <= (before == 3)  # right behind the state


def test_another_program_closes_it_at_once(run, env, device):
    """Said loudly, also with -q, and written down."""
    url = f"{EK}&intruder=4-4"
    result = run("unlock", url, *WITH, "-q", env=env, exit=11)
    assert "WARNING: the device took the code, but the customer lock (4)" in (
        result.stderr
    )
    assert any("is closed" in line.get("detail", "") for line in journal(env))
    assert device(url).locks.openings == [4]


def test_what_fails_behind_an_opened_lock_does_not_hide_that_it_is_open(
    run, env, device
):
    url = EK + "&breaks-off=6"
    result = run("unlock", url, *WITH, env=env)
    assert "the customer lock (4) is open; the device does not say" in result.stderr
    assert device(url).locks.open == {4}


def test_another_program_closes_it_soon(run, env):
    result = run("unlock", EK + "&intruder=4-5", *WITH, env=env, exit=11)
    assert "is closed again already" in result.stderr


def test_the_state_is_all_that_a_dry_run_asks_for(run, env, device):
    result = run("unlock", EK, *WITH, "--dry-run", env=env)
    assert "dry run: the customer lock (4) is closed" in result.stderr
    assert device(EK).locks.openings == []


@pytest.mark.parametrize(
    ("lock", "status", "words"),
    [
        ("1", 4, "it is a button"),
        ("user", 9, "no such lock"),
        ("7", 2, "no lock '7'"),
    ],
)
def test_locks_that_no_code_opens(run, env, lock, status, words):
    result = run("unlock", EK, *WITH, f"--lock={lock}", env=env, exit=status)
    assert words in result.stderr


@pytest.mark.parametrize(
    "argv", [("--status",), WITH, (*WITH, "--change-code", "--new-code-env=NEW", "-y")]
)
def test_a_meter_without_locks(run, env, argv):
    """It gets no code, not even as a password."""
    house = "sim://household?reaction=20"
    result = run("unlock", house, *argv, "-vv", env=env, exit=4)
    assert "no LIS-200 device" in result.stderr
    assert ".P1." not in result.stderr and ".W1." not in result.stderr


# --- status ------------------------------------------------------------------


def test_the_status_of_all_locks(run, env, device):
    url = EK + "&open=3&auto-close=9"
    result = run("unlock", url, "--status", *WITH, "-fjson", env=env)
    assert result.json[2:] == [
        {"lock": 3, "name": "supplier", "state": "open", "minutes": 9},
        {"lock": 4, "name": "customer", "state": "closed", "minutes": 9},
    ]
    assert [row["name"] for row in result.json[:2]] == ["calibration", "manufacturer"]
    assert device(url).locks.openings == []


def test_the_status_of_a_device_that_tells_nothing(run, env):
    url = "sim://lis200-ek280?reaction=1&locked-reads=1"
    result = run("unlock", url, "--status", env=env)
    lines = result.stdout.splitlines()
    assert lines[0] == "lock,name,state,minutes"
    assert lines[3] == "3,administrator,closed," and len(lines) == 7


def test_a_state_that_cannot_be_read(run, env):
    url = EK + "&refuse=2:170&open=4"
    result = run("unlock", url, "--status", "-fcsv", env=env)
    assert "2,manufacturer,unreadable," in result.stdout


def test_a_lock_that_the_device_does_not_have(run, env, monkeypatch):
    from iecread.lis200session import Lis200

    whole = Lis200.lock_status
    monkeypatch.setattr(Lis200, "lock_status", lambda self: whole(self)[1:])
    result = run("unlock", EK, "--status", env=env)
    assert result.stdout.splitlines()[1] == "1,calibration,no,"


# --- another code ------------------------------------------------------------

CHANGE = ("--change-code", "--new-code-env=NEW")


def test_a_code_is_changed(run, env, device):
    run("unlock", EK, *WITH, *CHANGE, env=env, exit=2)  # nobody to ask
    run("unlock", EK, *WITH, *CHANGE, "--dry-run", env=env)
    result = run("unlock", EK, *WITH, *CHANGE, "--yes", "-vv", env=env)
    assert "done: 4:171 (the new code opens it)" in result.stderr
    assert "1A2B" not in result.stderr and "00000000" not in result.stderr
    locks = device(EK).locks
    assert [(r.lock, r.old, r.new) for r in locks.replaced] == [(4, "00000000", "1A2B")]
    assert locks.open == set() and locks.wrong == []
    lines = journal(env)
    assert {line["register"] for line in lines} == {"4:171"}
    assert [line["result"] for line in lines] == ["sending", "done"]
    state = env["IECREAD_STATE_DIR"]
    for name in os.listdir(state):
        with open(os.path.join(state, name)) as file:
            assert "1A2B" not in file.read()
    run("unlock", EK, "--password-env=NEW", env=env)


def test_a_code_that_was_wrong_before_may_become_the_right_one(run, env, device):
    run("unlock", EK, "--password-env=NEW", env=env, exit=9)
    run("unlock", EK, *WITH, *CHANGE, "--yes", env=env)
    run("unlock", EK, "--password-env=NEW", env=env)
    assert device(EK).locks.open == {4}


@pytest.mark.parametrize(
    ("fault", "status", "words", "code"),
    [
        ("intruder=4-7", 9, "refused to change the code of the customer", "00000000"),
        ("silent-command=7", 11, "was not changed: the old code opens", "00000000"),
        ("intruder=4+10", 11, "changed is unknown: the customer lock", "1A2B"),
    ],
)
def test_a_change_that_fails(run, env, device, fault, status, words, code):
    """What is said of it is what the device holds."""
    url = f"{EK}&{fault}"
    result = run("unlock", url, *WITH, *CHANGE, "-y", env=env, exit=status)
    assert words in result.stderr and "1A2B" not in result.stderr
    assert device(url).locks.codes[4] == code and device(url).locks.open == set()


def test_no_is_no(env, device, monkeypatch):
    codes = iter(("1A2B", "1A2B", "1A2B", "1A2C"))
    monkeypatch.setattr(getpass, "getpass", lambda *args: next(codes))
    argv = ("unlock", EK, *WITH, "--change-code")
    status, said = answer("n\n", *argv, env=env)
    assert status == 11 and "Send it? [y/N]" in said
    assert device(EK).locks.replaced == [] and device(EK).locks.open == set()
    status, said = answer("y\n", *argv, env=env)
    assert status == 11 and "typed in two ways" in said


@pytest.mark.parametrize(
    ("new", "url", "status", "words"),
    [
        ("new", EK, 4, "the new code cannot be one"),
        ("00000000", EK, 4, "the new code is the old one"),
        ("1A2B", EK + "&open=4", 11, "is open already"),
    ],
)
def test_what_is_no_new_code(run, env, device, new, url, status, words):
    env["NEW"] = new
    result = run("unlock", url, *WITH, *CHANGE, "--yes", env=env, exit=status)
    assert words in result.stderr
    assert device(url).locks.replaced == []


@pytest.mark.parametrize(
    "argv",
    [
        ("--change-code", "--new-code-env=NEW", "--yes"),
        (*WITH, "--change-code", "--yes"),
        (*WITH, "--new-code-env=NEW"),
        (*WITH, *CHANGE, "--new-code-file=x", "--yes"),
        (*CHANGE, "--status"),
    ],
)
def test_options_that_do_not_go_together(run, env, argv):
    run("unlock", EK, *argv, env=env, exit=2)


def test_a_profile_that_is_read_only(run, env, device, tmp_path):
    file = tmp_path / "meters.toml"
    file.write_text(
        f'schema = 1\n[meters.gas]\nport = "{EK}"\nlock = 3\n'
        'password = { env = "PW" }\ndialect = "lis200"\n'
    )
    config = ("-c", str(file))
    result = run("unlock", "gas", *CHANGE, "--yes", *config, env=env, exit=4)
    assert "read-only" in result.stderr
    run("unlock", "gas", *config, env=env)
    assert device(EK).locks.open == {3} and device(EK).locks.replaced == []
    run("lock", "gas", *config, env=env)
    assert device(EK).locks.open == set()
    assert {line["meter"] for line in journal(env)} == {"gas"}
    assert json.dumps(journal(env)).count("3:170") == 4


@pytest.mark.parametrize(
    "argv",
    [
        ("lock", EK),
        ("read", EK, "Vb", *WITH),  # and a code is no password
        ("archive", EK, "3", "--from=-2h", *WITH, "--expect-serial=10048158"),
    ],
)
def test_a_damaged_identification_is_asked_for_again(run, env, monkeypatch, argv):
    from iecread.transports.memory import MemoryTransport

    read, damaged = MemoryTransport.read, []

    def once(transport, wait):
        data = read(transport, wait)
        if b"K" in data and not damaged:
            damaged.append(data)
            return data.replace(b"K", b"")
        return data

    assert run(*argv, env=env).stderr.count("damaged") == 0
    monkeypatch.setattr(MemoryTransport, "read", once)
    run(*argv, env=env)
    assert damaged
