"""``--trace`` and ``replay://``: what a recorded run gave, its replay gives again.

The fault sessions run on a clock that only counts, so that all of them take seconds.
A few of them are run always; ``IECREAD_ALL_TRACES=1`` runs each command with each.
"""

import json
import os
import signal
import stat
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

import iecread.capture
import iecread.session
import iecread.simulator
from iecread.cli.recording import without_secrets
from iecread.protocol.bcc import bcc
from iecread.protocol.parity import add_even, strip
from iecread.transports.memory import Clock

SECRET = "ZQ7kWx93"
FAST = ("--timeout", "300ms", "--retries", "1")
PASSWORD = ("--password-env", "PW")
COMMANDS = {
    "readout": ("readout", "{}", "-f", "json"),
    "only": ("readout", "{}", "--only", "1.8.0", "-f", "csv"),
    "read": ("read", "{}", "1.8.0", "2.8.0", "-f", "json", *PASSWORD),
    "write": ("write", "{}", "0.0.1", "HOUSE 7", "--yes", "-f", "json", *PASSWORD),
    "execute": ("execute", "{}", "1.6.0", "--yes", "-f", "json", *PASSWORD),
    "load-profile": ("load-profile", "{}", "--from=-2h", "-f", "csv"),
    "events": ("events", "{}", "--from=-30d", "-f", "csv"),
    "clock": ("clock", "show", "{}", "-f", "json"),
    "clock-set": ("clock", "set", "{}", "--force", "--yes", "-f", "json", *PASSWORD),
}
FAULTS = """\
none=0 echo=1 bcc=once bcc=always drop=1 drop=2 flip=once mute=1 mute=30 silent=20
noise=for-ever garbage=40 errors=0.02 errors=0.003&echo=1 errors=0.002&parity=even
nak=1 check=sum7 check=none parity=even parity=even&echo=1 speed=wrong slow=5 parts=10
fallback=0 address=12345678 wake=1 busy=1 breaks-off=2 break-ack=1 lost-ack=1
silent-command=2 silent-command=3 damaged-part=1&cut=40 no-p0=1 no-p0=first
no-p0=silence unknown=nak unknown=silence unknown=break unknown=ack wrong-password=1
wrong-password=1&refusal=nak wrong-password=1&refusal=silence locked-reads=1&lockout=1
refuse=0.0.1 answer=bare answer=change reads=R5 reads=R2 p2=elster-a1700 operand=AB12
pace=1 drift=20""".split()


FEW = {
    "read": "bcc=once echo=1 damaged-part=1&cut=40 p2=elster-a1700 wrong-password=1",
    "write": "none=0 lost-ack=1 refuse=0.0.1 parity=even&echo=1",
    "execute": "none=0",
    "load-profile": "none=0 errors=0.003&echo=1",
    "events": "none=0",
    "clock": "drift=20",
    "clock-set": "drift=20 silent-command=3",
    "only": "parts=10",
}
"""What else than ``readout``, which is run with all of them, is run always."""


def cases():
    """Commands with faults."""
    found = []
    everything = os.environ.get("IECREAD_ALL_TRACES")
    for command in COMMANDS:
        few = FEW[command].split() if command in FEW else FAULTS
        for fault in FAULTS if everything else few:
            found.append((command, fault))
    return [*found, ("readout", "endless=1")] if everything else found


@pytest.fixture
def counted(monkeypatch):
    """A recorded simulated meter on a clock that only counts."""
    clock = Clock(1000.0)
    begin = datetime(2026, 11, 22, 17, 42, 11, 300_000, UTC)

    def wall():
        return begin + timedelta(seconds=clock.now - 1000.0)

    times = {"monotonic": clock.monotonic, "sleep": clock.sleep}

    class Recorder(iecread.capture.Recorder):
        def __init__(self, path, **options):
            super().__init__(path, wall=wall, **times, **options)

    line = partial(
        iecread.simulator.open_simulated,
        wall=lambda: wall().replace(tzinfo=None),
        **times,
    )
    monkeypatch.setattr("iecread.capture.Recorder", Recorder)
    monkeypatch.setattr("iecread.simulator.open_simulated", line)
    return clock


@pytest.fixture
def both(run, tmp_path):
    """Run a command with --trace, and replay it: both must give the same."""
    state = tmp_path / "state"

    def both(argv, port, *more, exit=None, pace=""):
        trace = tmp_path / "trace.jsonl"
        env = {"PW": "00000000", "IECREAD_STATE_DIR": str(state)}
        words = [word.format(port) for word in argv]
        first = run(*words, *more, "--trace", str(trace), exit=exit, env=env)
        replayed = f"replay://{trace}{pace}"
        recorded = trace.read_bytes()
        words = [word.format(replayed) for word in argv]
        # without password and state folder, and with the same --trace
        env = {"IECREAD_STATE_DIR": "/dev/null/none"}
        again = run(*words, *more, "--trace", str(trace), exit=first.exit, env=env)
        assert again.data == first.data
        assert again.stderr.replace(replayed, port) == first.stderr
        assert trace.read_bytes() == recorded
        return first, trace

    return both


@pytest.mark.parametrize(("command", "fault"), cases())
def test_fault_sessions(both, counted, command, fault):
    model = "vdew" if command == "events" else "household"
    argv = COMMANDS[command]
    both(argv, f"sim://{model}?reaction=20&seed=7&{fault.replace('none=0', '')}", *FAST)


@pytest.mark.parametrize("model", ["mode-a", "mode-b", "industrial", "lis200-ek"])
@pytest.mark.parametrize("fault", ["echo=1", "errors=0.004&pace=1"])
def test_other_meters(both, counted, model, fault):
    lines = "lines=30&" if model == "industrial" else ""
    both(COMMANDS["readout"], f"sim://{model}?seed=1&{lines}{fault}", *FAST)


@pytest.mark.parametrize("model", ["p1", "push"])
@pytest.mark.parametrize("fault", ["bcc=once", "mute=1"])
def test_telegrams(both, counted, model, fault):
    argv = ("listen", "{}", "--count", "2", "-f", "jsonl", "--timeout", "20s")
    both(argv, f"sim://{model}?period=1&{fault}")


@pytest.mark.parametrize("fault", ["none=0", "echo=1&errors=0.004", "mute=1"])
def test_identify(both, counted, fault):
    argv = ("identify", "{}", "-f", "json")
    both(argv, f"sim://household?seed=3&{fault.replace('none=0', '')}", *FAST)


@pytest.mark.parametrize("fault", ["", "errors=0.002&echo=1"])
def test_archives(both, counted, fault):
    argv = ("archive", "{}", "3", "--from=-6h", "-f", "csv", *PASSWORD)
    both(argv, f"sim://lis200-ek?reaction=20&seed=1&{fault}".rstrip("&"), *FAST)


@pytest.mark.parametrize(
    "more",
    [
        ("--baud", "9600", "--framing", "7e1", "--echo", "yes"),
        ("--expect-serial", "1"),
        ("--mode", "a"),
        ("-v",),
        ("-vv",),
        ("--utc", "--strict"),
    ],
)
def test_options(both, counted, more):
    both(COMMANDS["readout"], "sim://household?reaction=20&echo=1", *FAST, *more)


def records(trace):
    return [json.loads(line) for line in trace.read_text().splitlines()]


def written(trace) -> tuple[bytes, bytes]:
    """Bytes sent and received."""
    found = {"tx": b"", "rx": b""}
    for record in records(trace)[1:]:
        if "dir" in record:
            found[record["dir"]] += bytes.fromhex(record["hex"])
    return found["tx"], found["rx"]


def test_the_header_and_the_records(both, counted):
    argv = ("readout", "{}", "-f", "value", "--address=1", "--timeout", "2s")
    _, trace = both(argv, "sim://household?address=1")
    header, *rest = records(trace)
    command = ["readout", "sim://household?address=1", *argv[2:], "--trace", str(trace)]
    assert header["iecread"] == "trace" and header["schema"] == 1
    assert header["command"] == command and header["meter"] is None
    assert header["port"] == "sim://household?address=1"
    assert header["settings"] == {"address": "1", "timeout": 2.0}
    assert header["time"] == "2026-11-22T17:42:11.300000+00:00"
    assert rest[0]["event"] == "open" and rest[0]["speed"] == 300
    assert rest[0]["line"] == "direct" and rest[-1]["event"] == "close"
    assert {"event": "speed", "baud": 9600}.items() <= rest[-6].items() or any(
        record.get("baud") == 9600 for record in rest
    )
    times = [record["t"] for record in rest]
    assert times == sorted(times)
    sent, came = written(trace)
    assert sent == b"/?1!\r\n\x06050\r\n" and came.startswith(b"/SIM5HOUSEHOLD")
    if os.name == "posix":
        assert stat.S_IMODE(trace.stat().st_mode) == 0o600


@pytest.mark.parametrize("line", ["", "echo=1", "parity=even", "parity=even&echo=1"])
@pytest.mark.parametrize(
    ("more", "meter"),
    [
        ((), ""),
        (("--access=2",), ""),
        (("--algorithm", "elster-a1700"), "p2=elster-a1700&operand=0011223344556677"),
        (("--write-command", "W5"), ""),
    ],
)
def test_a_login_leaves_no_password(run, counted, tmp_path, line, more, meter):
    from iecread.algorithms import elster_a1700

    trace = tmp_path / "t.jsonl"
    state = {"IECREAD_STATE_DIR": str(tmp_path)}
    port = f"sim://household?password={SECRET}&{meter}&{line}".replace("&&", "&")
    argv = ("write", port.rstrip("&"), "0.0.1", "HOUSE", "--yes", *PASSWORD, *more)
    run(*argv, "--trace", str(trace), exit=None, env={"PW": SECRET, **state})
    _, *rest = trace.read_text().lower().splitlines()  # the port names it: sim://
    sent, came = written(trace)
    length = 16 if "P2" in meter.upper() else len(SECRET)
    stars = b"(" + b"*" * length + b")"
    assert stars in strip(sent)
    for text in (SECRET, elster_a1700(SECRET, "0011223344556677")):
        for form in (text.encode(), add_even(text.encode())):
            for at in range(len(form) - 3):
                part = form[at : at + 4]
                assert part not in sent and part not in came
                assert not any(part.hex() in line for line in rest[1:])
    for message in strip(sent).split(b"\x01")[1:]:  # the check tells nothing either
        if stars in message:
            frame = message[: message.index(b"\x03") + 2]
            assert frame[-1] == bcc(frame[:-1])


def test_words_of_the_command_line_that_may_be_secret():
    told = without_secrets
    assert told(["read", "p", "1.8.0"]) == ["read", "p", "1.8.0"]
    assert told(["read", "--password-command", "echo x", "p"])[2:] == ["***", "p"]
    assert told(["--password-command=echo x"]) == ["--password-command=***"]
    assert told(["write", "p", "4:171.0", "X"])[-1] == "***"
    assert told(["write", "p", "0-0:96.96@255", "X", "--yes"])[-2:] == ["***", "--yes"]


def test_another_command_is_told_where_it_differs(run, both, counted):
    _, trace = both(COMMANDS["read"], "sim://household?reaction=20")
    argv = ("read", f"replay://{trace}", "1.8.0", "3.8.0", "-f", "json")
    error = run(*argv, exit=11).error
    at = error["message"]
    assert "3.8.0" in at and "2.8.0" in at and "line " in at
    number = int(at.split("line ")[1].split(":")[0])
    data = bytes.fromhex(records(trace)[number - 1]["hex"])
    assert b"2.8.0" in data
    # more than was recorded
    error = run(*argv[:3], "2.8.0", "1.8.0", "-f", "json", exit=11).error
    assert "line " in error["message"]


def test_options_of_the_recording_count_where_nothing_else_is_said(run, both, counted):
    argv = (*COMMANDS["readout"], "--baud", "2400", "--address", "1")
    first, trace = both(argv, "sim://household?baud=2400&address=1")
    assert run("readout", f"replay://{trace}", "-f", "json").data == first.data
    said = run("readout", f"replay://{trace}", "--address", "2", exit=11).stderr
    assert "/?2!" in said and "/?1!" in said


def test_a_recording_of_another_zone(run, both, counted):
    _, trace = both(COMMANDS["load-profile"], "sim://household")
    text = trace.read_text().replace("+00:00", "+09:00")
    trace.write_text(text)
    argv = ("load-profile", f"replay://{trace}", "--from=-3h")
    assert "time zone" in run(*argv, exit=11).stderr


def test_a_recording_that_was_cut(run, both, counted):
    _, trace = both(COMMANDS["readout"], "sim://household?reaction=20")
    whole = trace.read_text().splitlines(keepends=True)
    block = next(at for at, line in enumerate(whole) if '"02' in line)
    trace.write_text("".join(whole[:block]) + whole[block][:30])
    stderr = run("readout", f"replay://{trace}", exit=5).stderr
    assert f"ends behind line {block}" in stderr
    trace.write_text("".join(whole[:5]) + "no record\n" + "".join(whole[5:]))
    assert "line 6" in run("readout", f"replay://{trace}", exit=5).stderr


def test_pace_real_keeps_the_gaps(run, both, counted):
    argv = COMMANDS["readout"]
    _, trace = both(argv, "sim://household?reaction=20&baud=9600", "--baud=9600")
    length = records(trace)[-1]["t"]
    began = time.monotonic()
    run("readout", f"replay://{trace}?gaps=keep")
    assert length <= time.monotonic() - began < length + 2
    began = time.monotonic()
    run("readout", f"replay://{trace}?gaps=skip")
    assert time.monotonic() - began < 1


def test_no_other_file_is_overwritten(run, tmp_path):
    file = tmp_path / "readings.csv"
    file.write_text("time,meter\n")
    url = "sim://household?reaction=20"
    stderr = run("readout", url, "--trace", str(file), exit=10).stderr
    assert "is no trace" in stderr and file.read_text() == "time,meter\n"
    missing = tmp_path / "none" / "t.jsonl"
    result = run(*COMMANDS["readout"][:1], url, "--trace", str(missing), exit=10)
    assert "1.8.0" in result.stdout


def test_an_older_trace_makes_room(both, counted):
    both(COMMANDS["load-profile"], "sim://household")
    _, trace = both(COMMANDS["readout"], "sim://household")
    assert trace.read_text().count('"iecread": "trace"') == 1


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")
def test_a_full_disk_does_not_break_the_reading(run, counted):
    argv = ("readout", "sim://household", "-f", "csv", "--trace", "/dev/full")
    result = run(*argv, exit=10)
    assert "1.8.0" in result.stdout
    assert "the recording '/dev/full' is not complete: no space left" in result.stderr


def test_the_name_of_a_meter_in_the_file_name(run, counted, tmp_path):
    run("readout", "sim://household?bcc=once", "--trace", str(tmp_path / "{meter}.x"))
    assert [file.name for file in tmp_path.iterdir()] == ["sim_household_bcc_once.x"]


def test_a_file_for_each_meter_of_a_dump(run, tmp_path):
    (tmp_path / "meters.toml").write_text(
        """schema = 1
[defaults]
trace = "traces.jsonl"
[meters.a]
port = "sim://household?reaction=20"
password = {env = "PW"}
registers = ["1.8.0"]
[meters.b]
port = "sim://mode-b?reaction=20"
trace = "{meter}.x"
[meters.c]
port = "sim://industrial?lines=5&bcc=once&reaction=20"
"""
    )
    rows = tmp_path / "rows.csv"
    config = ("-c", str(tmp_path / "meters.toml"))
    run("dump", *config, "-o", str(rows), env={"PW": "00000000"})
    names = {"rows.csv", "meters.toml", "b.x", "traces-a.jsonl", "traces-c.jsonl"}
    assert {file.name for file in tmp_path.iterdir()} >= names
    traces = {"a": "traces-a.jsonl", "b": "b.x", "c": "traces-c.jsonl"}
    first = rows.read_bytes()
    rows.unlink()
    text = "schema = 1\n"
    for name, trace in traces.items():
        text += f'[meters.{name}]\nport = "replay://{tmp_path / trace}"\n'
    single = 'registers = ["1.8.0"]\nread-command = "R1"\n[meters.b]'
    text = text.replace("[meters.b]", single)
    (tmp_path / "meters.toml").write_text(text)
    run("dump", *config, "-o", str(rows))
    assert sorted(rows.read_bytes().splitlines()) == sorted(first.splitlines())


def test_where_a_trace_can_be_said(run, counted, tmp_path):
    config = tmp_path / "meters.toml"
    config.write_text(
        'schema = 1\n[meters.a]\nport = "sim://household"\ntrace = "t.jsonl"\n'
    )
    run("readout", "a", "-c", str(config))
    assert records(tmp_path / "t.jsonl")[0]["meter"] == "a"
    run("readout", "sim://household", env={"IECREAD_TRACE": str(tmp_path / "env")})
    assert records(tmp_path / "env")[0]["port"] == "sim://household"


def test_numbers_of_meters_stay_out(run, both, counted, tmp_path):
    url = "sim://household?address=10048151"
    more = ("--address", "10048151", "--expect-serial", "10048151")
    argv = ("readout", "{}", "-f", "json", "--trace-mask-serials")
    trace = tmp_path / "t.jsonl"
    run("readout", url, *argv[2:], *more, "--trace", str(trace))
    assert "10048151" not in trace.read_text()
    sent, came = written(trace)
    assert b"10048151" not in sent + came
    for options in ((), more[:2]):
        played = run("readout", f"replay://{trace}", "-f", "json", *options)
        assert played.json["serial"] == "XXXXXXXX"
        assert played.json["block_check"] == "ok"


def test_nothing_is_recorded_before_the_line_is_opened(run, counted, tmp_path):
    trace = tmp_path / "t.jsonl"
    argv = ("load-profile", "sim://household", "--from=2090-01-01", "--trace")
    run(*argv, str(trace), exit=2)
    assert not trace.exists()


def test_a_change_in_a_replay_stays_out_of_the_journal(both, counted, tmp_path):
    _, trace = both(COMMANDS["write"], "sim://household")
    journal = (tmp_path / "state" / "journal.jsonl").read_text()
    assert journal.count("HOUSE 7") == 2  # those of the recorded run


def spawn(tmp_path, *argv):
    env = {**os.environ, "IECREAD_STATE_DIR": str(tmp_path)}
    return subprocess.Popen(
        [sys.executable, "-m", "iecread", *argv],
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


@pytest.mark.skipif(sys.platform == "win32", reason="no such signals there")
@pytest.mark.parametrize(
    ("number", "status"),
    [(signal.SIGTERM, 143), (signal.SIGKILL, -9)],
)
def test_a_run_that_is_stopped(run, tmp_path, number, status):
    trace = tmp_path / "t.jsonl"
    slow = "sim://household?slow=500&reaction=20"
    process = spawn(tmp_path, "readout", slow, "--trace", str(trace))
    until = time.monotonic() + 20
    while not (trace.exists() and '"rx"' in trace.read_text()):
        assert time.monotonic() < until
        time.sleep(0.02)
    process.send_signal(number)
    process.communicate(timeout=20)
    assert process.returncode == status
    stderr = run(
        "readout", f"replay://{trace}", exit=status if status > 0 else 5
    ).stderr
    assert status < 0 or "interrupted" in stderr or "terminated" in stderr


def test_scan(run, counted, tmp_path):
    port, trace = "sim://household?address=3&reaction=20", tmp_path / "t.jsonl"
    scan = ("--addresses", "3", "--no-general", "--pause", "10ms", "-f", "json")
    first = run("scan", port, *scan, "--trace", str(trace))
    assert run("scan", f"replay://{trace}", *scan).json == first.json
