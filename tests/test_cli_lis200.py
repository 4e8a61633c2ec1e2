"""``read``, ``write``, ``clock``, ``readout``, ``dump`` of simulated LIS-200 devices.

Whatever a command opened is closed when it ends, however it ends.
"""

import csv
import io
import json
from datetime import timedelta

import pytest
from typed import journal

from iecread.cli.main import Stopped
from iecread.clock import plan_set
from iecread.errors import CheckError
from iecread.lis200session import Lis200

EK = "sim://lis200-ek?reaction=1"
OPEN = EK + "&open=4"
TIMELESS = pytest.mark.usefixtures("timeless")
WITH = ("--password-env", "PW")


@pytest.fixture
def env(tmp_path):
    return {"IECREAD_STATE_DIR": str(tmp_path / "state"), "PW": "00000000"}


def rows(text: str) -> dict[str, dict[str, str]]:
    return {row["register"]: row for row in csv.DictReader(io.StringIO(text))}


# --- read --------------------------------------------------------------------


@TIMELESS
def test_addresses_and_names(run, env, device):
    found = rows(run("read", EK, "7:310", "2:302", "T", *WITH, env=env).stdout)
    assert found["7-7:310.0"]["value"].startswith("2.5")
    assert found["7-7:310.0"]["unit"] == "bar"
    assert found["7-2:302.2"]["name"] == "base volume, total"
    assert found["7-6:310_1.1"]["unit"] == "°C"
    locks = device(EK).locks
    assert locks.openings == [4] and locks.open == set() and not locks.replaced


@TIMELESS
def test_a_lock_that_was_open_stays_open(run, env, device):
    assert run("read", OPEN, "1:181", "-fvalue", *WITH, env=env).stdout == "EK260\n"
    assert device(OPEN).locks.openings == [] and device(OPEN).locks.open == {4}


@TIMELESS
def test_attributes(run, env):
    result = run("read", OPEN, "7:310", "--attributes", "-fjson", env=env)
    names = {r["register"]: r["name"] for r in result.json["registers"]}
    values = {r["register"]: r["value"] for r in result.json["registers"]}
    assert values["7:310.2"] == "p" and values["7:310.3"] == "bar"
    assert names["7:310.1"].endswith("access rights (read: 1 2 3 4; write: none)")
    assert result.json["complete"] is True
    result = run("read", "sim://household?reaction=20", "1.8.0", "--attributes", exit=4)
    assert "no LIS-200 device" in result.stderr


@TIMELESS
@pytest.mark.parametrize(
    ("url", "argv", "status", "words"),
    [
        (EK, ("7:310",), 9, "no lock is open: give a code"),
        (OPEN, ("7:310", "9:999"), 3, "no such object (#0002)"),
        (OPEN, ("Vbb",), 4, "did you mean Vb"),
        (OPEN, ("3:V",), 4, "iecread archive TARGET 3"),
        (EK, ("7:310", "--dialect=iec"), 9, "#0200"),
        ("sim://lis200-dl?reaction=1&open=4", ("7:310",), 9, "#0002"),
    ],
)
def test_what_cannot_be_read(run, env, url, argv, status, words):
    assert words in run("read", url, *argv, env=env, exit=status).stderr


@TIMELESS
def test_names_belong_to_a_family(run, env):
    url = "sim://lis200-dl?reaction=1&open=4"
    found = rows(run("read", url, "V1", "V1.A", env=env).stdout)
    assert [row["name"] for row in found.values()] == [
        "main counter, input 1",
        "adjustable counter, input 1",
    ]


@TIMELESS
@pytest.mark.parametrize(
    ("raised", "status"),
    [
        (KeyboardInterrupt(), 130),
        (Stopped("terminated"), 143),
        (BrokenPipeError(), 141),
        (RuntimeError("a bug"), 1),
    ],
)
def test_every_way_out_closes(run, env, device, monkeypatch, raised, status):
    def meant(*args: object) -> None:
        assert device(EK).locks.open == {3}
        raise raised

    monkeypatch.setattr(Lis200, "_meant", meant)
    run("read", EK, "7:310", *WITH, "--lock=supplier", env=env, exit=status)
    assert device(EK).locks.openings == [3] and device(EK).locks.open == set()


@TIMELESS
def test_a_lock_that_does_not_close_costs_no_values(run, env, monkeypatch):
    """And is told of: loudly, in the journal, by the exit code."""

    def close(self: Lis200, lock: int) -> None:
        raise CheckError("the lock is still open")

    monkeypatch.setattr(Lis200, "_close", close)
    result = run("read", EK, "1:181", *WITH, "-fvalue", "-q", env=env, exit=11)
    assert result.stdout == "EK260\n"
    assert "WARNING: the customer lock (4) may still be open" in result.stderr
    assert "iecread lock closes it" in result.stderr
    assert "may still be open" in journal(env)[-1]["detail"]


@TIMELESS
def test_a_wrong_code_is_one_error(run, env, device):
    env["PW"] = "4711"
    for words in ("wrong access code", "already"):
        result = run("read", EK, "7:310", "2:302", "p", *WITH, env=env, exit=9)
        assert result.stderr.count(words) == 1 and "readout" not in result.stderr
    assert device(EK).locks.wrong == [(4, "4711")]


def test_names_are_completed(run, env):
    def complete(*words: str) -> list[str]:
        line = {
            "_IECREAD_COMPLETE": "bash_complete",
            "COMP_WORDS": " ".join(("iecread", *words)),
            "COMP_CWORD": str(len(words)),
        }
        return run(env=env | line).stdout.split()

    assert "plain,p.F" in complete("read", EK, "p")
    assert complete("write", "sim://household", "p") == []
    assert complete("lock", EK, "--lock", "cu") == ["plain,customer"]


# --- write, clock ------------------------------------------------------------


@TIMELESS
def test_a_write_opens_the_lock_and_closes_it(run, env, device):
    argv = ("write", EK, "p.F", "1.25", *WITH, "--yes")
    result = run(*argv, env=env, exit=9)
    assert "it needs the supplier lock (3): --lock supplier" in result.stderr
    result = run(*argv, "--lock=supplier", "-fjson", env=env)
    assert result.json["register"] == "7:311" and result.json["outcome"] == "done"
    found = device(EK)
    assert found.writes[-1] == ("7:311", "1.25") or "1.25" in str(found.writes)
    assert found.locks.openings == [4, 3] and found.locks.open == set()


@TIMELESS
@pytest.mark.parametrize("code", ["4:171", "04:0171.0", "4:170"])
def test_a_write_never_reaches_a_lock(run, env, device, code):
    result = run("write", OPEN, code, "1234", "--force", "--yes", env=env, exit=4)
    assert "iecread unlock" in result.stderr
    assert device(OPEN).locks.replaced == [] and device(OPEN).writes == []


@TIMELESS
def test_a_text_may_have_any_character_that_the_device_has(run, env):
    text, url = "Mü/(1) *x", "sim://lis200-ek280?reaction=1"
    argv = ("write", "3:180", text, *WITH, "--lock=3", "--yes", "-fjson")
    result = run(argv[0], url, *argv[1:], env=env)
    assert result.json["shown"] == text and "M\\xfc\\x2f" in result.stderr
    result = run(argv[0], EK, *argv[1:], env=env, exit=4)
    assert "EK260 cannot be sent 'ü'" in result.error["message"]
    run("write", EK, "3:180", "a\tb", *WITH, "--yes", env=env, exit=2)
    run("write", EK, "CNo", text, *WITH, "--yes", env=env, exit=2)


@TIMELESS
def test_what_cuts_the_link_wants_force(run, env, device):
    argv = ("write", EK, "2:720", "5", *WITH, "--lock=3", "--yes")
    assert "--force" in run(*argv, env=env, exit=4).stderr
    assert device(EK).writes == [] and device(EK).locks.open == set()
    run(*argv, "--force", env=env)
    assert len(device(EK).writes) == 1


def test_the_clock(run, env, device, monkeypatch):
    url = "sim://lis200-dl?reaction=1&drift=7&dst=0"
    monkeypatch.setitem(plan_set.__kwdefaults__, "lead", timedelta(seconds=1))
    show = ("clock", "show", url, *WITH, "--clock=standard", "-fjson")
    shown = run(*show, env=env).json
    assert 5 < shown["drift"] < 9 and shown["uncertainty"] <= 1.2
    argv = ("clock", "set", url, *WITH, "--yes", "--force", "--clock=standard")
    result = run(*argv, "--lock=3", env=env)
    assert "done: the clock is off by" in result.stderr
    assert abs(run(*show, env=env).json["drift"]) < 2
    assert device(url).locks.openings == [4, 3, 4]
    assert device(url).locks.open == set() and device(url).locks.replaced == []


@TIMELESS
def test_a_password_is_never_sent_to_it(run, env):
    result = run("read", EK, "7:310", *WITH, "-vv", env=env)
    assert ".P1." not in result.stderr and ".P2." not in result.stderr
    assert "00000000" not in result.stderr and "W1.4:0171" in result.stderr


@TIMELESS
@pytest.mark.parametrize(
    ("argv", "status"),
    [(("load-profile",), 9), (("events",), 9), (("execute", "1.1", "--yes"), 4)],
)
def test_what_such_a_device_does_not_have(run, env, argv, status):
    verb, *rest = argv
    run(verb, OPEN, *rest, env=env, exit=status)


# --- readout, profiles -------------------------------------------------------


@TIMELESS
def test_a_device_without_a_readout(run, env):
    url = "sim://lis200-ek?maker=Els&nak=1"
    result = run("readout", url, "--retries=0", env=env, exit=9)
    assert "iecread read TARGET 7:310" in result.stderr


@TIMELESS
def test_its_readout_is_chosen_from_by_addresses(run, env):
    result = run("readout", EK, "--only", "7:310,6:310_1", env=env)
    assert list(rows(result.stdout)) == ["7-7:310.0", "7-6:310_1.1"]


def test_a_profile(run, env, device, tmp_path):
    file = tmp_path / "meters.toml"
    file.write_text(
        f'schema = 1\n[meters.gas]\nport = "{EK}"\nlock = 3\n'
        'password = { env = "PW" }\nregisters = ["2:302", "p"]\nclock = "standard"\n'
        '[meters.gas.register."2:302"]\nname = "base"\nmultiply = "2"\n'
    )
    out = str(tmp_path / "x.csv")
    config = ("-c", str(file))
    for argv in (("dump", "-o", out), ("read", "gas", "2:302", "p", "-o", out)):
        run(*argv, *config, env=env)
        with open(out, encoding="utf-8") as written:
            found = rows(written.read())
        assert found["7-2:302.2"]["name"] == "base"
        assert found["7-2:302.2"]["status"] == "scaled"
        assert found["7-7:310.0"]["name"] == "absolute gas pressure"
        assert found["7-7:310.0"]["meter"] == "gas"
    assert device(EK).locks.openings == [3, 3] and device(EK).locks.open == set()
    env["PW"] = "1234"
    assert "wrong access code" in run("dump", *config, env=env, exit=9).stderr
    run("dump", *config, env=env, exit=9)
    assert device(EK).locks.wrong == [(3, "1234")]
    failures = run("dump", *config, "-fjson", env=env, exit=9).stderr
    assert json.loads(failures.splitlines()[-1])["error"] == "refused"
