"""``iecread scan`` on a simulated bus: who is found, and what is sent."""

import csv
import io
import json
from pathlib import Path

import pytest
from clocked import put_on_a_clock

import iecread.simulator
from iecread.cli.scan import span
from iecread.protocol import parity

BUS = "sim://bus?meters=household,industrial,vdew&addresses=3,5,00000007&fallback=0"


@pytest.fixture(autouse=True)
def clock(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    return put_on_a_clock(monkeypatch)


@pytest.fixture
def env(tmp_path):
    return {"HOME": str(tmp_path), "IECREAD_STATE_DIR": str(tmp_path / "state")}


@pytest.fixture
def buses(monkeypatch):
    """The lines that were opened."""
    opened = []
    before = iecread.simulator.open_simulated

    def open_simulated(url):
        opened.append(before(url))
        return opened[-1]

    monkeypatch.setattr(iecread.simulator, "open_simulated", open_simulated)
    return opened


def found(text: str) -> list[tuple[str, str, str]]:
    rows = csv.DictReader(io.StringIO(text))
    return [(r["address"], r["status"], r["identification"]) for r in rows]


def sent(bus) -> list[bytes]:
    """What the bus heard, its NULs and parity aside."""
    heard = [parity.strip(data).lstrip(b"\0") for _, data in bus.responder.heard]
    return [data for data in heard if data]


def test_who_is_there(run, env, buses):
    shown = run("scan", BUS, "--addresses", "1-8", env=env)
    assert found(shown.stdout) == [
        ("", "collision", ""),
        ("3", "ok", "/SIM5HOUSEHOLD"),
        ("5", "ok", "/SIM6INDUSTRY"),
        ("7", "ok", "/SIM5\\@VDEW"),
    ]
    assert "8 addresses, " in shown.stderr
    requests = [b"/?!\r\n", *(b"/?%d!\r\n" % n for n in range(1, 9))]
    assert sorted(set(sent(buses[0]))) == sorted(requests)
    # nothing but opening requests, one for each address once the parity is known
    assert sent(buses[0])[-5:] == [b"/?%d!\r\n" % n for n in range(4, 9)]


@pytest.mark.parametrize(
    "faults",
    ["", "&echo=1", "&parity=even&echo=1", "&pace=1&stagger=15", "&parity=none"],
)
def test_only_requests_whatever_the_line_does(run, env, buses, faults):
    url = (
        "sim://bus?meters=household,mode-a,mode-b&addresses=1,2,2&reaction=20" + faults
    )
    shown = run("scan", url, "--addresses", "1-3", env=env)
    assert [row[:2] for row in found(shown.stdout)] == [
        ("", "collision"),
        ("1", "ok"),
        ("2", "collision"),
    ]
    assert all(data.startswith(b"/?") for data in sent(buses[0]))


def test_between_two_requests_the_line_is_quiet(run, env, buses, clock):
    """Mode C reads out by itself when nobody selects: at 300 Bd it takes a while."""
    url = "sim://bus?addresses=1,2&pace=1&meters=household"
    run("scan", url, "--addresses", "1,2", "--no-general", env=env)
    moments = [moment for moment, data in buses[0].responder.heard if b"2" in data]
    assert moments[0] - 1000 > 600 / 30  # its readout has 600 characters and more


def test_an_answer_in_two_parts_is_two_meters(run, env):
    url = "sim://bus?addresses=4,4&fallback=0&stagger=600&pace=1"
    argv = ("scan", url, "--addresses", "4", "--no-general", "-f", "json")
    (row,) = run(*argv, env=env).json
    assert (row["address"], row["status"]) == ("4", "collision")
    assert row["identification"] == "/SIM5HOUSEHOLD"


def test_one_meter_answers_the_question_to_all(run, env):
    url = "sim://household?fallback=0"
    shown = run("scan", url, "--addresses", "9,10048151", "-f", "jsonl", env=env)
    first, second = map(json.loads, shown.stdout.splitlines())
    assert first["address"] == "" and second["address"] == "10048151"
    assert first["status"] == second["status"] == "ok"
    assert first["speed"] == 9600 and first["mode"] == "C"
    assert first["manufacturer"] == "SIM"


def test_noise_before_an_answer_is_no_collision(run, env):
    url = "sim://household?fallback=0&garbage=20"
    rows = run("scan", url, "--addresses", "10048151", "-f", "json", env=env).json
    assert [row["status"] for row in rows] == ["ok", "ok"]


def test_a_line_that_is_never_quiet(run, env):
    said = run("scan", "sim://p1", "--addresses", "1-3", exit=8, env=env).stderr
    assert "talks by itself" in said and "iecread listen" in said


def test_nobody(run, env, buses):
    shown = run("scan", "sim://bus?mute=1", "--addresses", "1-3", exit=7, env=env)
    assert "nobody answered (3 addresses asked)" in shown.stderr
    assert found(shown.stdout) == []
    # both parities, and never a wake-up message unasked
    assert sent(buses[0]).count(b"/?2!\r\n") == 2
    assert all(data[:1] != b"\0" for _, data in buses[0].responder.heard)


def test_a_battery_meter_is_woken_only_when_that_is_asked_for(run, env, buses):
    url = "sim://bus?addresses=1&meters=household&wake=1&fallback=0"
    run("scan", url, "--addresses", "1", exit=7, env=env)
    shown = run("scan", url, "--addresses", "1", "--wake", "always", env=env)
    assert found(shown.stdout)[-1][:2] == ("1", "ok")
    assert any(data[:1] == b"\0" for _, data in buses[1].responder.heard)


def test_a_pause_and_retries(run, env, buses, clock):
    argv = ("scan", "sim://bus?mute=1", "--addresses", "1,2", "--no-general")
    run(*argv, exit=7, env=env)
    short, begin = clock.now - 1000, clock.now
    run(*argv, "--pause", "10s", exit=7, env=env)
    assert clock.now - begin == pytest.approx(short + 4 * 8.2, abs=2)
    run(*argv, "--retries", "1", exit=7, env=env)
    assert len(sent(buses[2])) == 2 * len(sent(buses[0]))


def test_a_screen(run, env):
    url = "sim://bus?addresses=1,00000002&fallback=0&meters=household,industrial"
    argv = ("scan", url, "--addresses", "00000001-00000002", "-f", "table")
    assert (
        run(*argv, env=env).stdout
        == """\
address       status     identification        manufacturer_name     mode  speed
(any)         collision
00000001      ok         /SIM5HOUSEHOLD        simulated meter       C      9600
00000002      ok         /SIM6INDUSTRY         simulated meter       C     19200
"""
    )


def test_a_terminal_sees_how_far_it_is(run, env):
    shown = run("scan", BUS, "--addresses", "1-4", terminal=True, env=env)
    assert "\r2 of 4   2   1 found   " in shown.stderr
    assert " s left\x1b[K" in shown.stderr and "   /SIM5HOUSEHOLD" in shown.stderr
    assert shown.stderr.endswith("\r\x1b[K")
    quiet = run("scan", BUS, "--addresses", "1-4", "-q", terminal=True, env=env)
    assert quiet.stderr == ""


def test_a_meter_that_does_not_look_at_the_address(run, env):
    url = "sim://bus?addresses=1,2,3&meters=household&fallback=0"
    shown = run("scan", url, "--addresses", "1-3", env=env)
    assert "does not look at the address" in shown.stderr
    shown = run("scan", url, "--addresses", "1-4", env=env)
    assert "does not look" not in shown.stderr


# --- stopped and gone on with -------------------------------------------------------


def interrupted_at(monkeypatch, address: bytes) -> None:
    """Let Ctrl-C come while this address is asked."""
    from iecread.simulator import BusLine

    receive = BusLine.receive

    def stop(self, data, now):
        if parity.strip(data) == b"/?" + address + b"!\r\n":
            raise KeyboardInterrupt
        receive(self, data, now)

    monkeypatch.setattr(BusLine, "receive", stop)


def test_stopped_and_gone_on_with(run, env, buses, monkeypatch):
    argv = ("scan", BUS, "--addresses", "1-8", "-o", "bus.csv")
    with monkeypatch.context() as patch:
        interrupted_at(patch, b"6")
        shown = run(*argv, exit=130, env=env)
    assert "stopped behind 5, 3 left: the same command with --resume" in shown.stderr
    assert len(found(Path("bus.csv").read_text())) == 3  # nothing found is lost
    assert "--append" in run(*argv, "--resume", exit=2, env=env).stderr
    shown = run(*argv, "--resume", "--append", env=env)
    assert "going on behind 5" in shown.stderr
    assert {data for data in sent(buses[-1])} == {b"/?6!\r\n", b"/?7!\r\n", b"/?8!\r\n"}
    rows = found(Path("bus.csv").read_text())
    assert [row[0] for row in rows] == ["", "3", "5", "7"]
    # it is over: the next one begins anew
    shown = run("scan", BUS, "--addresses", "1-8", "--resume", env=env)
    assert "from the start" in shown.stderr and len(found(shown.stdout)) == 4


def test_no_place_to_remember_is_no_reason_not_to_scan(run, tmp_path):
    (tmp_path / "file").write_text("")
    env = {"IECREAD_STATE_DIR": str(tmp_path / "file")}
    run("scan", BUS, "--addresses", "3", env=env)
    run("scan", BUS, "--addresses", "3", "--resume", exit=4, env=env)


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (("--addresses", "9-1"), "runs backwards"),
        (("--addresses", "@nothing"), "cannot read 'nothing'"),
        (("--addresses", "a.b"), "letters, digits and blanks"),
        (("--append",), "--append needs a file"),
    ],
)
def test_what_cannot_be_scanned(run, env, argv, message):
    assert message in run("scan", BUS, *argv, exit=2, env=env).stderr


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (13.4, "13 s"),
        (600, "10 min"),
        (7200, "2 h"),
        (864000, "10 days"),
        (1e9, "32 years"),
    ],
)
def test_spans(seconds, words):
    assert span(seconds) == words
