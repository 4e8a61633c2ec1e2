"""What is remembered of a line: used, mended, forgotten, and never in the way."""

import json
import os
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from clocked import put_on_a_clock

from iecread import simulator
from iecread.errors import NoAnswerError
from iecread.learned import FILE, LASTS, LearnedMemory, memory_for, meter_key
from iecread.session import Meter

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
SIM = "sim://household?time=2026-11-22T12:00"


@pytest.fixture
def clock(monkeypatch):
    clock = put_on_a_clock(monkeypatch)
    # the line knows the speed of the reader from the beginning on
    opened = partial(simulator.open_simulated, baud=300)
    monkeypatch.setattr("iecread.simulator.open_simulated", opened)
    return clock


def memory(folder, key="a meter", now=NOW):
    return LearnedMemory(str(folder), key, lambda: now)


def read(clock, folder, url, **options):
    """Read a meter out; what is remembered then, the requests, and the seconds."""
    kept, sent, began = memory(folder), [], clock.now
    with Meter(url, memory=kept, **options) as meter:
        meter.on_bytes = lambda way, data, moment: sent.append((way, data))
        assert meter.readout().block_check in ("ok", "ok-sum7")
    asked = sum(
        way == "tx" and data.lstrip(b"\0")[-4:-2] == b"?!" for way, data in sent
    )
    return memory(folder).recall(), asked, clock.now - began


def test_it_is_kept_and_recalled(tmp_path):
    memory(tmp_path).keep({"echo": "yes", "switch_delay": 0.12})
    memory(tmp_path, "another").keep({"wake": "always"})
    assert memory(tmp_path).recall() == {"echo": "yes", "switch_delay": 0.12}
    assert memory(tmp_path).since == "2026-11-25"
    assert os.stat(tmp_path / FILE).st_mode & 0o77 == 0
    memory(tmp_path).keep({})
    assert memory(tmp_path).recall() == {} and memory(tmp_path).since == ""
    assert memory(tmp_path, "another").recall() == {"wake": "always"}


def test_nothing_is_remembered_for_ever(tmp_path):
    memory(tmp_path).keep({"max_baud": 300})
    late = NOW + LASTS - timedelta(seconds=1)
    assert memory(tmp_path, now=late).recall() == {"max_baud": 300}
    assert memory(tmp_path, now=NOW + LASTS).recall() == {}


def test_nothing_is_written_where_nothing_is_new(tmp_path):
    memory(tmp_path).keep({"echo": "yes"})
    before = os.stat(tmp_path / FILE).st_mtime_ns, os.stat(tmp_path / FILE).st_ino
    memory(tmp_path, now=NOW + timedelta(days=1)).keep({"echo": "yes"})
    memory(tmp_path, "nobody").keep({})
    after = os.stat(tmp_path / FILE).st_mtime_ns, os.stat(tmp_path / FILE).st_ino
    assert after == before


ENTRY = {"time": NOW.isoformat(), "options": {"echo": "yes"}}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\x00",
        b"[" * 100_000,
        b"[]",
        b'{"schema": 2, "meters": {}}',
        b'{"schema": 1, "meters": []}',
        *(
            json.dumps({"schema": 1, "meters": {"a meter": entry}}).encode()
            for entry in (
                None,
                {},
                {**ENTRY, "time": "soon"},
                {**ENTRY, "time": "2026-11-25T12:00:00"},
                {**ENTRY, "time": "2099-01-01T00:00:00+00:00"},
                {**ENTRY, "options": {"echo": "no"}},
                {**ENTRY, "options": {"port": "/dev/null"}},
                {**ENTRY, "options": {"switch_delay": 1e9}},
                {**ENTRY, "options": {"max_baud": True}},
                {**ENTRY, "options": {"wake": ["always"]}},
            )
        ),
    ],
)
def test_a_file_that_is_none_of_ours(tmp_path, content):
    (tmp_path / FILE).write_bytes(content)
    assert memory(tmp_path).recall() == {}
    memory(tmp_path).keep({"echo": "yes"})
    assert memory(tmp_path).recall() == {"echo": "yes"}


def test_places_that_cannot_be_used(tmp_path, clock):
    (tmp_path / FILE).mkdir()  # no file
    assert read(clock, tmp_path, SIM + "&echo=1")[0] == {}
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / FILE).rmdir()
    (tmp_path / FILE).symlink_to(tmp_path / "fifo")
    assert memory(tmp_path).recall() == {}
    assert read(clock, tmp_path / "nowhere", SIM + "&echo=1")[0] == {}


@pytest.mark.parametrize(
    ("query", "learned", "sooner"),
    [
        ("", {}, False),
        ("&echo=1", {"echo": "yes"}, False),
        ("&parity=even", {"framing": "7e1"}, True),
        ("&wake=1", {"wake": "always"}, True),
        ("&speed=wrong", {"max_baud": 300}, True),
    ],
)
def test_what_was_found_out_is_used(tmp_path, clock, query, learned, sooner):
    options = {"framing": "7e1"} if "wake" in query else {}
    first = read(clock, tmp_path, SIM + query, **options)
    again = read(clock, tmp_path, SIM + query, **options)
    assert first[0] == again[0] == learned
    assert again[2] < first[2] if sooner else again[1:] == pytest.approx(first[1:])
    assert again[1] == 1


def test_the_delay_of_a_slow_adapter(tmp_path, clock):
    url = SIM + "&hold=90&pace=1&fallback=0"
    assert read(clock, tmp_path, url)[:2] == ({"switch_delay": 0.12}, 2)
    assert read(clock, tmp_path, url)[:2] == ({"switch_delay": 0.12}, 1)


@pytest.mark.parametrize(
    ("wrong", "query", "cost"),
    [
        ({"framing": "7e1"}, "&parity=none", 1),
        ({"framing": "8n1"}, "&parity=even", 1),
        ({"switch_delay": 0.4}, "&pace=1", 0),  # a NAK
        ({"switch_delay": 1.4}, "&pace=1&repeats=0", 1),
        ({"framing": "7e1", "echo": "yes", "wake": "always"}, "&parity=none", 1),
    ],
)
@pytest.mark.parametrize("retries", [0, 2])
def test_a_wrong_memory_costs_one_try(tmp_path, clock, wrong, query, cost, retries):
    needs = read(clock, tmp_path / "no", SIM + query, retries=retries)[1]
    memory(tmp_path).keep(wrong)
    kept, asked, _ = read(clock, tmp_path, SIM + query, retries=retries)
    assert asked == needs + cost
    assert not set(wrong.items()) & set(kept.items())
    assert read(clock, tmp_path, SIM + query, retries=retries)[1] == 1


def test_what_is_of_no_use_any_more_does_no_harm(tmp_path, clock):
    memory(tmp_path).keep({"echo": "yes", "wake": "always", "max_baud": 300})
    assert read(clock, tmp_path, SIM)[1] == 1


def test_a_silent_meter_is_not_forgotten(tmp_path, clock):
    memory(tmp_path).keep({"framing": "7e1"})
    with pytest.raises(NoAnswerError):
        read(clock, tmp_path, SIM + "&mute=1", retries=0)
    assert memory(tmp_path).recall() == {"framing": "7e1"}


def test_what_was_said_counts_more(tmp_path, clock):
    memory(tmp_path).keep({"max_baud": 300, "framing": "8n1"})
    kept = memory(tmp_path)
    with Meter(
        SIM + "&parity=even", memory=kept, framing="7e1", max_baud=9600
    ) as meter:
        assert meter.readout().speed == 9600


def test_programming_sessions_learn_too(tmp_path, clock):
    for requests in (2, 1):
        sent = []
        with Meter(SIM + "&parity=even", memory=memory(tmp_path)) as meter:
            meter.on_bytes = lambda way, data, moment, sent=sent: sent.append(data)
            with meter.programming() as session:
                session.read("1.8.0")
        asked = [data for data in sent if data.endswith((b"?!\r\n", b"?!\x8d\n"))]
        assert len(asked) == requests
        assert memory(tmp_path).recall() == {"framing": "7e1"}


def test_names(tmp_path):
    assert meter_key("COM3", "0012") == meter_key("COM3", "12") == "COM3 12"
    assert meter_key("/dev/ttyS0", "", "kitchen") == "kitchen /dev/ttyS0"
    environ = {"IECREAD_STATE_DIR": str(tmp_path)}
    assert memory_for(environ, "/dev/ttyS0", {})
    assert memory_for(environ, "sim://household", {"meter": "demo"})
    for port, options in (
        ("sim://household", {}),
        ("replay://x", {"meter": "demo"}),
        ("/dev/ttyS0", {"mode": "d"}),
    ):
        assert memory_for(environ, port, options) is None
    assert memory_for({"IECREAD_LEARN": "no"}, "/dev/ttyS0", {}) is None


def test_on_the_command_line(run, tmp_path, clock):
    file = tmp_path / "meters.toml"
    file.write_text(
        'schema = 1\n[meters.cellar]\nport = "sim://household?parity=even&echo=1"\n'
    )
    env = {"IECREAD_STATE_DIR": str(tmp_path / "state"), "IECREAD_CONFIG": str(file)}
    assert "learned" not in run("meters", "show", "cellar", env=env).stdout
    run("readout", "cellar", "-f", "value", env={**env, "IECREAD_LEARN": "no"})
    assert not (tmp_path / "state" / FILE).exists()
    run("readout", "cellar", "-f", "value", env=env)
    shown = run("meters", "show", "cellar", env=env).stdout
    day = datetime.now(UTC).date().isoformat()
    assert [line.split() for line in shown.splitlines()[-2:]] == [
        ["echo", "yes", "learned", day],
        ["framing", "7e1", "learned", day],
    ]
    run("identify", "cellar", "--save", "copy", env=env)
    assert (
        'framing = "7e1"' in file.read_text() and f"learned {day}" in file.read_text()
    )
    (tmp_path / "state" / FILE).write_text("{")
    run("dump", "cellar", "-o", str(tmp_path / "x.csv"), env=env)
    assert "7e1" in (tmp_path / "state" / FILE).read_text()
