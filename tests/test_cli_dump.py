"""``iecread dump``: outcomes, exit codes, what is stored, how it ends."""

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from decimal import Decimal
from pathlib import Path

import pytest

from iecread.cli.dump import exit_status
from iecread.cli.exitcodes import NUMBERS
from iecread.fleet import Outcome
from iecread.resume import COLUMNS

FINE = 'port = "sim://household?reaction=20"'
MUTE = 'port = "sim://household?mute=1"\ntimeout = "50ms"\nretries = 0\nframing = "8n1"'


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def env(tmp_path):
    return {"IECREAD_STATE_DIR": str(tmp_path / "state")}


def config(text="", **meters):
    """Write a meters.toml; each keyword is a meter."""
    tables = "".join(f"[meters.{name}]\n{body}\n" for name, body in meters.items())
    Path("meters.toml").write_text(f"schema = 1\n{text}\n{tables}")


def rows(file):
    """The cells of a CSV: (meter, register) of each row."""
    lines = Path(file).read_text().splitlines()
    assert lines[0].startswith("time,meter,serial,")
    return [tuple(line.split(",")[1:4:2]) for line in lines[1:]]


# --- outcomes and exit codes


def test_one_of_each_kind(run, env):
    """A fine meter, a mute one, one that refuses the password, another meter."""
    config(
        '[defaults.csv]\nfile = "{meter}.csv"',
        fine=FINE,
        mute=MUTE,
        refused='port = "sim://household?wrong-password=1"\n'
        'password = { env = "PASS" }\nregisters = ["1.8.0"]',
        other='port = "sim://industrial?reaction=20"\nexpect-serial = "4711"',
    )
    env["PASS"] = "12345678"
    result = run("dump", "--report", "report.json", exit=3, env=env)
    assert result.stdout == ""
    lines = result.stderr.splitlines()
    assert sorted(line.split(":")[1].strip() for line in lines) == [
        "mute",
        "other",
        "refused",
    ]
    assert len(rows("fine.csv")) > 10
    assert sorted(os.listdir()) == ["fine.csv", "meters.toml", "report.json", "state"]
    report = json.loads(Path("report.json").read_text())
    assert [(m["meter"], m["outcome"]) for m in report["meters"]] == [
        ("fine", "ok"),
        ("mute", "no-answer"),
        ("refused", "refused"),
        ("other", "check"),
    ]
    assert (report["exit"], report["ok"], report["failed"]) == (3, 1, 3)
    assert report["start"] <= report["meters"][0]["start"] <= report["end"]
    assert report["meters"][2]["tries"] == 1
    # not sent again: the port is not even opened
    run("dump", "--report", "report.json", exit=3, env=env)
    report = json.loads(Path("report.json").read_text())
    assert report["meters"][2]["outcome"] == "refused"
    assert report["meters"][2]["tries"] == 0
    assert "already" in report["meters"][2]["message"]
    assert report["meters"][0]["outcome"] == "ok"


def test_a_failure_is_one_line(run, env):
    config(a=FINE, b=MUTE)
    result = run("dump", "-o", "x.csv", exit=3, env=env)
    (line,) = result.stderr.splitlines()
    assert line.startswith("iecread: b: no-answer: the meter did not answer; check")


def test_failures_as_json_lines(run, env):
    config(a=FINE, b=MUTE)
    result = run("dump", "-f", "jsonl", exit=3, env=env)
    assert result.error["error"] == "no-answer"
    assert (result.error["meter"], result.error["exit"]) == ("b", 7)
    assert json.loads(result.stdout)["meter"] == "a"


def test_all_is_well_and_nothing_is_said(run, env):
    config(a=FINE, b='port = "sim://industrial?reaction=20"')
    result = run("dump", "-o", "x.csv", env=env)
    assert (result.stdout, result.stderr) == ("", "")
    assert {meter for meter, _ in rows("x.csv")} == {"a", "b"}


def test_what_failed_alike_has_its_own_code(run, env):
    config(a=MUTE, b=MUTE)
    run("dump", exit=7, env=env)


@pytest.mark.parametrize(
    ("kinds", "status"),
    [
        ([], 0),
        (["ok", "ok"], 0),
        (["ok", "busy"], 3),
        (["busy", "busy"], 6),
        (["busy", "port"], 3),
        (["partial"], 3),
        (["internal"], 1),
    ],
)
def test_exit_status(kinds, status):
    assert exit_status([Outcome("m", kind) for kind in kinds]) == status


def test_registers_that_are_missing_are_a_partial_success(run, env):
    config(a=f'{FINE}\nregisters = ["1.8.0", "99.99.99"]')
    result = run("dump", "-o", "x.csv", exit=3, env=env)
    assert "a: partial: not in the readout: 99.99.99" in result.stderr
    assert rows("x.csv") == [("a", "1.8.0")]


def test_a_meter_with_a_password_is_read_register_by_register(run, env):
    config(
        a='port = "sim://household?reaction=20&locked-reads=1"\n'
        'password = { env = "PASS" }\nregisters = ["1.8.0", "2.8.0"]'
    )
    env["PASS"] = "00000000"
    run("dump", "-o", "x.csv", env=env)
    assert rows("x.csv") == [("a", "1.8.0"), ("a", "2.8.0")]


def test_scaling_and_names_of_the_profile(run, env):
    config(
        a='port = "sim://household?reaction=20&time=2026-11-22T12:00"\n'
        'registers = ["1.8.0"]\n'
        '[meters.a.register."1.8.0"]\nname = "import"\nmultiply = "40"\nunit = "MWh"'
    )
    run("dump", "-o", "x.csv", env=env)
    row = Path("x.csv").read_text().splitlines()[1].split(",")
    assert row[4:] == ["import", "623580.800", "MWh", "", "scaled"]


# --- which meters


def test_only_those_enabled_unless_named(run, env):
    off = f"{FINE}\nenabled = false"
    config(a=FINE, b=off, c=off)
    run("dump", "-o", "x.csv", env=env)
    assert {meter for meter, _ in rows("x.csv")} == {"a"}
    run("dump", "c", "-o", "y.csv", env=env)
    assert {meter for meter, _ in rows("y.csv")} == {"c"}


def test_patterns(run, env):
    config(feeder1=FINE, feeder2=f"{FINE}\nenabled = false", roof=FINE)
    run("dump", "feeder*", "-o", "x.csv", env=env)
    assert {meter for meter, _ in rows("x.csv")} == {"feeder1"}
    assert "fits" in run("dump", "cellar*", exit=4, env=env).stderr


def test_an_unknown_meter(run, env):
    config(kitchen=FINE)
    assert "'kitchen'" in run("dump", "kitchn", exit=4, env=env).stderr


def test_shards_are_all_meters_and_none_twice(run, env):
    meters = {
        f"m{n}": f'port = "sim://household?reaction=20&seed={n}"' for n in "12345"
    }
    config(**meters)
    for part in (1, 2, 3):
        run("dump", "--shard", f"{part}/3", "-o", "x.csv", env=env)
    assert sorted({m for m, r in rows("x.csv")}) == sorted(meters)
    assert len([m for m, r in rows("x.csv") if r == "1.8.0"]) == 5
    for wrong in ("0/3", "4/3", "x", "1", "1/0", "-1/2"):
        run("dump", "--shard", wrong, exit=2, env=env)


# --- what is wrong is said before a port is opened


@pytest.mark.parametrize(
    ("text", "meters", "words"),
    [
        ("", {"a": 'port = "/dev/x"', "b": 'port = "/dev/x"'}, "share the port"),
        ('[defaults.csv]\nfile = "../{meter}.csv"', {"a": FINE}, "leaves its folder"),
        ('[defaults.csv]\nfile = "{name}.csv"', {"a": FINE}, "no such field"),
        ("", {"a": f'{FINE}\n[meters.a.load-profile]\nchannel = "P.01"'}, "no file"),
        (
            '[defaults.csv]\nfile = "all.csv"\nlayout = "wide"',
            {
                "a": f'{FINE}\nregisters = ["1.8.0"]',
                "b": f'{FINE}\nregisters = ["2.8.0"]',
            },
            "other columns",
        ),
    ],
)
def test_a_wrong_configuration(run, env, text, meters, words):
    config(text, **meters)
    result = run("dump", "--report", "report.json", exit=4, env=env)
    assert words in result.stderr
    assert "meters.toml:" in result.stderr
    report = json.loads(Path("report.json").read_text())
    assert (report["exit"], report["error"]["error"]) == (4, "config")
    assert report["meters"] == []


@pytest.mark.skipif(os.name != "posix", reason="modes of files")
@pytest.mark.parametrize("mode", [0o644, None])
def test_a_password_file_that_is_open_or_missing(run, env, mode):
    if mode:
        Path("pass").write_text("00000000\n")
        os.chmod("pass", mode)
    config(
        a=FINE,
        b='port = "sim://industrial"\npassword = { file = "pass" }\n'
        'registers = ["1.8.0"]',
    )
    result = run("dump", "-o", "x.csv", exit=4, env=env)
    assert "password file" in result.stderr
    assert "meters.toml:" in result.stderr
    assert not Path("x.csv").exists()


def test_a_password_that_is_not_there_costs_one_meter(run, env):
    config(
        a=FINE,
        b='port = "sim://household"\npassword = { env = "NO_PASS" }\n'
        'registers = ["1.8.0"]',
    )
    result = run("dump", "-o", "x.csv", exit=3, env=env)
    assert "b: config: meters.b: the variable 'NO_PASS' is not set" in result.stderr
    assert {meter for meter, _ in rows("x.csv")} == {"a"}


def test_a_file_with_another_header_is_left_alone(run, env):
    config('[defaults.csv]\nfile = "x.csv"', a=FINE)
    Path("x.csv").write_text("a,b\n1,2\n")
    result = run("dump", exit=10, env=env)
    assert "another header" in result.stderr
    assert Path("x.csv").read_text() == "a,b\n1,2\n"


def test_no_meters_toml(run, env):
    assert "meters.toml" in run("dump", exit=4, env=env).stderr


@pytest.mark.parametrize(
    "options",
    [
        ["--jitter", "5s"],
        ["--count", "2"],
        ["--every", "100ms"],
        ["--jobs", "0"],
        ["-o", "x.db", "-f", "csv"],
    ],
)
def test_options_that_do_not_go_together(run, env, options):
    config(a=FINE)
    run("dump", *options, exit=2, env=env)


@pytest.mark.parametrize("option", ["--metrics", "--report"])
def test_no_text_goes_over_a_database(run, env, option):
    config(a=FINE)
    Path("x.db").write_bytes(b"rows")
    result = run("dump", "-o", "x.csv", option, "x.db", exit=10, env=env)
    assert "is a database by its suffix" in result.stderr
    assert Path("x.db").read_bytes() == b"rows" and not Path("x.csv").exists()


# --- where it is stored


def test_rows_are_added_by_each_run(run, env):
    config('[defaults.csv]\nfile = "out/{meter}.csv"', a=FINE)
    for _ in range(2):
        run("dump", env=env)
    found = rows("out/a.csv")
    assert len(found) == 2 * len(set(found))


@pytest.mark.parametrize("format_", ["csv", "jsonl", "influx", "json", "prom", "table"])
def test_formats_on_standard_output(run, env, format_):
    config(a=FINE, b='port = "sim://industrial?reaction=20"')
    result = run("dump", "-f", format_, env=env)
    assert "1.8.0" in result.stdout
    if format_ == "json":
        assert {one["meter"] for one in result.json} == {"a", "b"}
    if format_ == "csv":
        assert result.stdout.count("time,meter") == 1


def test_a_load_profile_goes_beside_and_goes_on(run, env):
    config(
        '[defaults.csv]\nfile = "{meter}.csv"',
        a='port = "sim://vdew?reaction=20"\n[meters.a.load-profile]\nfrom = "-3h"',
    )
    run("dump", "--report", "report.json", env=env)
    first = Path("a-profile.csv").read_text()
    head, *lines = first.splitlines()
    assert head == "time,meter,serial,channel,register,value,unit,flags"
    assert len(lines) >= 11
    run("dump", env=env)
    again = Path("a-profile.csv").read_text().splitlines()[1:]
    assert len(again) == len(set(again)) <= len(lines) + 4
    assert len(Path("a.csv").read_text()) > 100


def test_a_load_profile_and_a_clock_that_was_set_back(run, env):
    """The readout is stored, the file named, and nothing in it changed."""
    config(a=f'{FINE}\nload-profile.file = "p.csv"\n')
    text = ",".join(COLUMNS) + "\n2199-01-01T00:00:00+00:00,a,1,P.01,1.5.0,1,kW,\n"
    Path("p.csv").write_text(text)
    result = run("dump", "-o", "x.csv", exit=10, env=env)
    assert "'p.csv' has rows up to 2199-01-01" in result.stderr
    assert len(rows("x.csv")) == 28 and Path("p.csv").read_text() == text


def test_a_load_profile_is_scaled_as_readings_are(run, env):
    meter = 'port = "sim://vdew?reaction=20&time=2026-11-22T12:00"\n'
    keys = '[meters.a.load-profile]\nfrom = "2026-11-22T09:00"\nfile = "{meter}.csv"\n'
    found = []
    for rule in ("", '[meters.a.register."x.x.x"]\nmultiply = "40"\n'):
        Path("a.csv").unlink(missing_ok=True)
        config(a=meter + keys + rule)
        run("dump", "a", env=env)
        found.append([line.split(",") for line in Path("a.csv").read_text().split()])
    plain, scaled = (lines[1:] for lines in found)
    assert len(plain) == len(scaled) > 10
    for one, other in zip(plain, scaled, strict=True):
        assert other[:5] == one[:5] and Decimal(other[5]) == 40 * Decimal(one[5])
        assert other[7].endswith("scaled") and not one[7].endswith("scaled")
    said = run("load-profile", "a", "--from", "2026-11-22T09:00", env=env).stdout
    assert said.splitlines()[1].split(",")[5:] == scaled[0][5:]


def test_an_archive_is_no_load_profile(run, env):
    config(a=f'{FINE}\n[meters.a.load-profile]\narchive = 3\nfile = "a.csv"', b=FINE)
    result = run("dump", "-o", "x.csv", exit=3, env=env)
    assert "is no LIS-200 device" in result.stderr
    assert {meter for meter, _ in rows("x.csv")} == {"b"}
    said = run("load-profile", "a", exit=4, env=env).stderr
    assert "meters.toml:6" in said and "iecread archive a" in said


def test_strict(run, env):
    config(a='port = "sim://household?reaction=20&check=none"')
    result = run("dump", "--strict", "-o", "x.csv", exit=8, env=env)
    assert "not sure" in result.stderr
    assert rows("x.csv")


def test_a_full_disk(run, env):
    config(a=FINE)
    result = run("dump", "-o", "/dev/full", "-f", "jsonl", exit=10, env=env)
    assert "a: output" in result.stderr or "no space" in result.stderr


# --- on a terminal


def test_a_person_is_told_what_came_of_it(run, env):
    config(a=FINE)
    result = run("dump", "-o", "x.csv", env=env, terminal=True)
    assert "1 of 1 meter read" in result.stderr


def test_steps_say_whose_they_are(run, env):
    config(a=FINE)
    lines = run("dump", "-v", "-o", "x.csv", env=env).stderr.splitlines()
    assert lines[0].startswith("a:") and "identified" in lines[0]
    assert lines[-1].startswith("iecread: a: ok: ")


# --- again and again


def test_every_so_often(run, env):
    config(a=FINE)
    run(
        *("dump", "--every", "1s", "--count", "2", "-o", "x.csv"),
        *("--report", "report.json"),
        env=env,
    )
    found = rows("x.csv")
    assert len(found) == 2 * len(set(found))
    report = json.loads(Path("report.json").read_text())
    assert report["exit"] == 0 and report["missed"] == 0
    assert report["slot"] <= report["start"]


def test_what_is_wrong_is_said_at_once_and_not_at_midnight(run, env):
    config(a="prot = 1")
    start = time.monotonic()
    run("dump", "--every", "1d", exit=4, env=env)
    assert time.monotonic() - start < 5


# --- being ended


def start(*argv, env):
    command = [sys.executable, "-m", "iecread", "dump", *argv]
    root = str(Path(__file__).parent.parent)
    return subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**env, "PYTHONPATH": root, "PATH": os.environ["PATH"]},
    )


def wait_for(condition):
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.skipif(os.name != "posix", reason="signals")
@pytest.mark.parametrize(
    ("number", "status", "word"),
    [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")],
)
def test_a_signal_ends_it_and_what_is_stored_stays(env, number, status, word):
    config(
        '[defaults.csv]\nfile = "{meter}.csv"',
        fine=FINE,
        slow='port = "sim://household?pace=1&slow=500"',
    )
    process = start("--report", "report.json", env=env)
    wait_for(lambda: Path("fine.csv").exists())
    process.send_signal(number)
    out, err = process.communicate(timeout=15)
    assert (process.returncode, out, err) == (status, "", f"iecread: {word}\n")
    report = json.loads(Path("report.json").read_text())
    assert report["exit"] == status
    assert [m["outcome"] for m in report["meters"]] == ["ok", "stopped"]
    assert len(rows("fine.csv")) > 10


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_sigterm_while_it_waits_for_its_time(env):
    config(a=FINE)
    process = start("--every", "1d", env=env)
    time.sleep(1)
    process.terminate()
    process.communicate(timeout=15)
    assert process.returncode == NUMBERS["terminated"]


@pytest.mark.skipif(os.name != "posix", reason="pipes")
def test_nobody_reads_any_more(env):
    config(
        a=FINE,
        b='port = "sim://household?pace=1&slow=500"',
    )
    process = start("-f", "jsonl", env=env)
    process.stdout.close()
    err = process.stderr.read()
    assert process.wait(timeout=20) == NUMBERS["broken-pipe"]
    assert err == ""


def metrics(file):
    """The samples of a file of metrics, without those of registers."""
    lines = Path(file).read_text().splitlines()
    found = dict(line.rsplit(" ", 1) for line in lines if line[0] != "#")
    return {name: v for name, v in found.items() if "iecread_register" not in name}


@pytest.mark.parametrize("option", ["-o", "--metrics"])
def test_metrics_tell_of_failures_and_when_it_last_worked(run, env, option):
    config(a=FINE, b=FINE.replace("household", "industrial"))
    run("dump", option, "m.prom", env=env)
    first = metrics("m.prom")
    assert first['iecread_up{meter="b"}'] == "1"
    config(a=FINE, b=MUTE)
    run("dump", option, "m.prom", exit=3, env=env)
    second = metrics("m.prom")
    last = "iecread_last_success_timestamp_seconds"
    assert second['iecread_up{meter="a"}'] == "1"
    assert second['iecread_up{meter="b"}'] == "0"
    assert second[f'{last}{{meter="b"}}'] == first[f'{last}{{meter="b"}}']
    assert second[f'{last}{{meter="a"}}'] > first[f'{last}{{meter="a"}}']
    text = Path("m.prom").read_text()
    assert text.count("# TYPE iecread_up gauge") == 1
    config(a=MUTE, b=MUTE)
    run("dump", option, "m.prom", exit=7, env=env)
    assert metrics("m.prom")['iecread_up{meter="a"}'] == "0"


def test_metrics_besides_the_rows(run, env):
    config('[defaults.csv]\nfile = "{meter}.csv"', a=FINE)
    run("dump", "--metrics", "m.prom", env=env)
    assert rows("a.csv") and 'iecread_up{meter="a"} 1' in Path("m.prom").read_text()
    run("dump", "--metrics", "m.prom", "-o", "m.prom", exit=2, env=env)


def test_a_database_takes_readouts_and_profiles_and_goes_on(run, env):
    config(
        a='port = "sim://vdew?reaction=20"\n[meters.a.load-profile]\nfrom = "-3h"',
    )
    run("dump", "-o", "x.db", env=env)
    run("dump", "-o", "x.db", env=env)
    with sqlite3.connect("x.db") as database:
        (count,) = database.execute("select count(*) from readings").fetchone()
        rows = "select count(*), count(distinct time) from readings where channel = ?"
        profile, times = database.execute(rows, ("P.01",)).fetchone()
    assert profile == 4 * times >= 44
    assert count > profile


def test_a_meter_that_talks_by_itself(run, env):
    config(p1='port = "sim://p1?period=0.2"\nmode = "d"')
    run("dump", "-o", "x.csv", env=env)
    assert len(rows("x.csv")) > 10


@pytest.mark.skipif(os.name != "posix", reason="a shell")
def test_the_indexed_job_of_the_readme_reads_each_meter_once(env, tmp_path):
    text = (Path(__file__).parent.parent / "README.md").read_text("utf-8")
    block = re.search(r"args:\n +- >-\n((?: {18}.*\n)+)", text)
    assert block
    command = " ".join(block[1].split())
    command = command.replace("iecread dump", f"{sys.executable} -m iecread dump")
    command = command.replace("/etc/iecread/", "").replace("/data/", "")
    meters = {
        f"m{n}": f'port = "sim://household?reaction=20&seed={n}"' for n in range(6)
    }
    config(**meters)
    for index in range(4):
        subprocess.run(
            ["/bin/sh", "-c", command],
            check=True,
            env={
                **env,
                "PYTHONPATH": str(Path(__file__).parent.parent),
                "JOB_COMPLETION_INDEX": str(index),
            },
        )
    found = []
    for file in tmp_path.glob("readings-*.db"):
        with sqlite3.connect(file) as database:
            found += database.execute("select distinct meter from readings").fetchall()
    assert sorted(name for (name,) in found) == sorted(meters)
