"""``iecread identify``: what is sent, what is said, what is saved."""

import json
import os
from pathlib import Path

import pytest
from clocked import put_on_a_clock

from iecread.config import load_config
from iecread.transports import portlist
from iecread.transports.portlist import Port

HOUSE = "sim://household"


@pytest.fixture(autouse=True)
def clock(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    return put_on_a_clock(monkeypatch)


@pytest.fixture
def env(tmp_path):
    return {"HOME": str(tmp_path), "IECREAD_STATE_DIR": str(tmp_path / "state")}


def sent(stderr: str) -> list[str]:
    """The messages of ours among the lines of -vv, as characters."""
    rows = [line[12:].split("  ")[0] for line in stderr.splitlines() if line[10] == ">"]
    return [bytes.fromhex(row).decode() for row in rows]


@pytest.mark.parametrize("name", ["household", "mode-a", "mode-b", "lis200-ek"])
def test_nothing_but_the_request_is_sent(run, name):
    shown = run("identify", f"sim://{name}", "-vv")
    assert sent(shown.stderr) == ["/?!\r\n"]


def test_a_screen(run, env):
    shown = run("identify", "sim://household?fallback=0", "-f", "table", env=env)
    assert (
        shown.stdout
        == """\
manufacturer    SIM, simulated meter
model           HOUSEHOLD
identification  /SIM5HOUSEHOLD
mode C          readout, programming mode: iecread readout, read, load-profile
speed           9600 Bd offered (Z = 5), opened at 300 Bd
reaction        200 ms or more (third letter upper case); first character after
                0.20 s
line            no parity in bit 7, no echo; none of 16 characters damaged
wake-up         not needed
device profile  none known for it
simulated       no real meter said this
"""
    )
    assert shown.stderr == ""
    talks = run("identify", HOUSE, "-f", "table", env=env)
    assert talks.stdout == shown.stdout
    assert "sends its readout now" in talks.stderr


def test_json(run):
    url = "sim://lis200-ek?maker=Els&wake=1&echo=1&parity=even"
    found = run("identify", url, "-f", "json", "--framing", "7e1").json
    assert found["identification"] == "/Els6EK260" and found["manufacturer"] == "ELS"
    assert found["mode"] == "C" and found["modes"] == ["C"] and found["speed"] == 19200
    assert (found["reaction_ms"], found["echo"], found["wake"]) == (20, True, True)
    assert found["parity"] == "even" and found["parity_errors"] == 0
    assert found["device"] and found["device_title"] and found["simulated"] is True
    assert found["port"] == url and found["requests"] > 1 and found["schema"] == 1


def test_csv_and_the_bare_identification(run):
    header, row = run("identify", HOUSE).stdout.splitlines()
    assert dict(zip(header.split(","), row.split(","), strict=True))["modes"] == "C"
    assert run("identify", HOUSE, "-f", "value").stdout == "/SIM5HOUSEHOLD\n"


def test_a_telegram_needs_no_request(run):
    shown = run("identify", "sim://p1", "--mode", "d", "-f", "json", "-vv")
    assert shown.json["mode"] == "D" and shown.json["model"] == "DEMO-P1"
    assert sent(shown.stderr) == []


def test_nobody(run):
    shown = run("identify", "sim://household?mute=1", "-f", "json", "-v", exit=7)
    assert json.loads(shown.stderr.splitlines()[-1])["error"] == "no-answer"
    assert shown.stdout == ""


# --- saved -------------------------------------------------------------------------


def test_a_first_meter(run, env, tmp_path):
    url = "sim://household?wake=1&echo=1"
    shown = run("identify", url, "--save", "kitchen", "--timeout", "900ms", env=env)
    file = tmp_path / ".config/iecread/meters.toml"
    assert f"added kitchen to {file}" in shown.stderr
    meter = load_config(str(file)).meters["kitchen"]
    assert meter.options == {
        "meter": "kitchen",
        "timeout": 0.9,
        "wake": "always",
        "echo": "yes",
    }
    assert meter.port == url
    text = file.read_text()
    assert "#   identification: /SIM5HOUSEHOLD\n" in text
    assert "after a wake-up message" in text
    # and it works
    run("identify", "kitchen", env=env)


def test_parity_that_had_to_be_found_out(run, env, tmp_path):
    run("identify", HOUSE + "?parity=even", "--save", "a", env=env)
    run("identify", HOUSE, "--save", "b", env=env)
    meters = load_config(str(tmp_path / ".config/iecread/meters.toml")).meters
    assert meters["a"].options["framing"] == "7e1"
    assert "framing" not in meters["b"].options


def test_a_wake_up_message_that_was_asked_for_proves_nothing(run, env, tmp_path):
    argv = ("identify", HOUSE, "--wake", "always", "--save", "a", "-f", "table")
    assert "before the request, as asked for" in run(*argv, env=env).stdout
    text = (tmp_path / ".config/iecread/meters.toml").read_text()
    assert 'wake = "always"\n' in text  # what was said, without a remark


def test_what_is_there_stays(run, env, tmp_path):
    file = Path("meters.toml")
    old = b'schema = 1\r\n# mine\r\n[meters.a]\r\nport = "COM7"'
    file.write_bytes(old)
    os.chmod(file, 0o640)
    run("identify", HOUSE, "--save", "b", "--address", "10048151", env=env)
    new = file.read_bytes()
    assert new.startswith(old + b"\r\n\r\n# Found by")
    assert file.stat().st_mode & 0o777 == 0o640
    assert load_config(str(file)).meters["b"].options["address"] == "10048151"
    assert os.listdir() == ["meters.toml"] or sorted(os.listdir()) == [
        "meters.toml",
        "state",
    ]


@pytest.mark.parametrize(
    ("content", "name", "message"),
    [
        ('schema = 1\n\n[meters.b]\nport = "COM7"\n', "b", "already (meters.toml:3)"),
        ('schema = 1\n[meters.b]\nport = "COM7"\n', "a/b", "is spelled like a port"),
        ("schema = 1\nmeters = {}\n", "b", "nothing can be added behind"),
        ("schema = 1\nnonsense = 1\n", "b", "unknown key 'nonsense'"),
        (None, "-x", "begins like an option"),
    ],
)
def test_a_name_that_cannot_be_had(run, env, content, name, message):
    if content:
        Path("meters.toml").write_text(content)
    shown = run("identify", HOUSE, f"--save={name}", "-vv", exit=4, env=env)
    assert message in shown.stderr
    if "behind" not in message:
        assert sent(shown.stderr.partition("iecread:")[0]) == []  # not even asked
    if content:
        assert Path("meters.toml").read_text() == content
    else:
        assert not Path("meters.toml").exists()


def test_a_second_meter_on_a_port_is_not_in_the_way_of_dump(run, env, monkeypatch):
    from iecread.cli import saving

    Path("meters.toml").write_text('schema = 1\n[meters.a]\nport = "/dev/ttyUSB0"\n')
    monkeypatch.setattr(saving, "_port", lambda port: "/dev/ttyUSB0")
    run("identify", HOUSE, "--save", "b", env=env)
    meters = load_config("meters.toml").meters
    assert meters["b"].enabled is False and meters["a"].enabled


def test_the_port_has_the_name_that_stays(monkeypatch):
    from iecread.cli.saving import _port

    stable = "/dev/serial/by-id/usb-A"
    ports = [Port("/dev/ttyUSB0", (stable,), stable)]
    monkeypatch.setattr(portlist, "present", lambda: ports)
    monkeypatch.setattr("iecread.transports.portlist.present", lambda: ports)
    assert _port("/dev/ttyUSB0") == stable
    assert _port("/dev/ttyUSB1") == "/dev/ttyUSB1"
    assert _port("socket://h:1") == "socket://h:1"


def test_a_file_that_cannot_be_written(run, env, tmp_path):
    Path("blocked").write_text("")
    argv = ("identify", HOUSE, "--save", "b", "-c", "blocked/meters.toml")
    assert "cannot write" in run(*argv, exit=10, env=env).stderr
