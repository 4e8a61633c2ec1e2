"""The memory of refused passwords: across runs, damage and clocks set back."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from iecread import refusals as module
from iecread.errors import ConfigError
from iecread.passwords import Secret
from iecread.refusals import Refusals, meter_ids

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="POSIX files")
NOW = datetime(2024, 10, 27, 2, 30, tzinfo=timezone(timedelta(hours=2)))
DAY, S = timedelta(hours=24), timedelta(seconds=1)
WRONG, RIGHT = Secret("00000000"), Secret("12345678")


@pytest.fixture
def folder(tmp_path):
    return str(tmp_path)


def test_a_refused_password_is_barred_for_a_day(folder):
    assert Refusals(folder).check("P1 com4", WRONG, NOW) is None
    assert Refusals(folder).remember("P1 com4", WRONG, NOW)
    later = Refusals(folder)  # another run
    until = later.check("P1 com4", WRONG, NOW)
    assert until == NOW + DAY
    assert until.tzinfo == NOW.tzinfo
    assert later.check("P1 com4", WRONG, NOW + DAY - S) == NOW + DAY
    assert later.check("P1 com4", WRONG, NOW + DAY) is None
    assert later.check("P1 com4", WRONG, NOW) is None  # and is gone


def test_other_passwords_and_other_meters_are_not(folder):
    memory = Refusals(folder)
    memory.remember("P1 com4", WRONG, NOW)
    assert memory.check("P1 com4", RIGHT, NOW) is None
    assert memory.check("P1 com5", WRONG, NOW) is None
    assert memory.check("P2 com4", WRONG, NOW) is None
    assert memory.check("P1 com4", Secret("00000000"), NOW)


def test_any_name_of_the_meter_will_do(folder):
    memory = Refusals(folder)
    memory.remember(("P1 a", "P1 b"), WRONG, NOW)
    assert memory.check("P1 b", WRONG, NOW)
    assert memory.check(["P1 c", "P1 a"], WRONG, NOW)
    assert memory.check(["P1 c"], WRONG, NOW) is None


def test_refused_again_counts_from_then(folder):
    memory = Refusals(folder)
    memory.remember("m", WRONG, NOW)
    memory.remember("m", WRONG, NOW + 5 * S)
    assert Refusals(folder).check("m", WRONG, NOW) is not None
    rows = json.load(open(os.path.join(folder, "refused.json")))["refused"]
    assert len(rows) == 1


def test_a_password_that_is_taken_after_all(folder):
    memory = Refusals(folder)
    for meter in ("m", "n"):
        memory.remember(meter, WRONG, NOW)
        memory.remember(meter, RIGHT, NOW)
    memory.forget("m", WRONG, NOW)
    for one in (memory, Refusals(folder)):
        assert one.check("m", WRONG, NOW) is None
        assert one.check("m", RIGHT, NOW)
        assert one.check("n", WRONG, NOW)


def test_the_file_gives_no_password_away(folder):
    memory = Refusals(folder)
    for number in range(3):
        memory.remember(f"meter {number}", Secret("31415926"), NOW)
    path = os.path.join(folder, "refused.json")
    text = open(path).read()
    assert "31415926" not in text
    rows = json.loads(text)["refused"]
    assert len({row["key"] for row in rows}) == 3
    assert all(len(row["tag"]) == 4 for row in rows)  # fits one in 65,536
    if sys.platform != "win32":
        assert os.stat(path).st_mode & 0o077 == 0


def test_a_clock_that_is_set_back(folder):
    memory = Refusals(folder)
    memory.remember("m", WRONG, NOW)
    # refused while the clock was ten years ahead
    early = NOW - 3650 * DAY
    assert memory.check("m", WRONG, early) == early + DAY
    # and the day counts from there, not from each look
    assert Refusals(folder).check("m", WRONG, early + DAY / 2) == early + DAY
    assert Refusals(folder).check("m", WRONG, early + DAY) is None


def test_times_of_other_zones_and_the_end_of_summer(folder):
    memory = Refusals(folder)
    memory.remember("m", WRONG, NOW)
    later = (NOW + DAY - S).astimezone(timezone(timedelta(hours=1)))
    assert memory.check("m", WRONG, later) == NOW + DAY
    assert memory.check("m", WRONG, later.astimezone(UTC) + S) is None


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0" * 300,
        b"{",
        b"[]",
        b"null",
        b"5",
        b'"refused"',
        b'{"schema": 1}',
        b'{"schema": 1, "refused": {}}',
        b'{"schema": 1, "refused": "abc"}',
        b"[" * 100_000,
        b"\xff\xfe",
        b" " * (1 << 20) + b'{"schema": 1, "refused": []}',
    ],
)
def test_a_damaged_file_is_put_aside(folder, data):
    path = os.path.join(folder, "refused.json")
    with open(path, "wb") as file:
        file.write(data)
    memory = Refusals(folder)
    assert memory.check("m", WRONG, NOW) is None
    assert "refused.json.bad" in memory.notes[0]
    assert open(path + ".bad", "rb").read() == data
    memory.remember("m", WRONG, NOW)
    assert memory.check("m", WRONG, NOW)
    assert len(memory.notes) == 1


GOOD = {"meter": "m", "key": "00" * 16, "tag": "", "time": "2024-10-27T00:30:00+00:00"}


@pytest.mark.parametrize(
    "row",
    [
        5,
        None,
        [],
        {},
        "text",
        {**GOOD, "more": 1},
        {**GOOD, "meter": 5},
        {**GOOD, "meter": None},
        {**GOOD, "key": "xyz"},
        {**GOOD, "key": ""},
        {**GOOD, "key": "0" * 15},
        {**GOOD, "tag": "12345"},
        {**GOOD, "time": "soon"},
        {**GOOD, "time": 5},
        {**GOOD, "time": "0001-01-01T00:00:00+14:00"},
    ],
)
def test_what_is_right_in_a_damaged_file_still_holds(folder, row):
    memory = Refusals(folder)
    memory.remember("m", WRONG, NOW)
    path = os.path.join(folder, "refused.json")
    content = json.load(open(path))
    content["refused"].append(
        {**row, "tag": row["tag"] or "0000"} if row and isinstance(row, dict) else row
    )
    json.dump(content, open(path, "w"))
    assert memory.check("m", WRONG, NOW) == NOW + DAY
    assert memory.notes
    assert os.path.exists(path + ".bad")
    assert Refusals(folder).check("m", WRONG, NOW) == NOW + DAY


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text() | st.floats(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(["schema", "refused", "meter", "key", "tag", "time"]),
                inner,
            )
        ),
    )
)
def test_any_content_is_survived(tmp_path, content):
    (tmp_path / "refused.json").write_text(json.dumps(content))
    try:
        assert Refusals(str(tmp_path)).check("m", WRONG, NOW) is None
    except ConfigError as error:
        assert "newer" in error.message


def test_a_newer_file_is_left_alone(folder):
    path = os.path.join(folder, "refused.json")
    with open(path, "w") as file:
        json.dump({"schema": 2, "refused": [], "more": True}, file)
    before = open(path).read()
    memory = Refusals(folder)
    with pytest.raises(ConfigError, match="newer"):
        memory.check("m", WRONG, NOW)
    assert not memory.remember("m", WRONG, NOW)
    assert open(path).read() == before


@POSIX
def test_things_that_are_no_file(folder):
    path = os.path.join(folder, "refused.json")
    os.mkdir(path)
    memory = Refusals(folder)
    assert memory.check("m", WRONG, NOW) is None
    assert os.path.isdir(path + ".bad")
    os.unlink(path)
    os.mkfifo(path)
    os.rmdir(path + ".bad")
    assert memory.check("m", WRONG, NOW) is None


def test_a_file_that_may_not_be_read_is_left_alone(folder, monkeypatch):
    memory = Refusals(folder)
    memory.remember("m", WRONG, NOW)
    with monkeypatch.context() as patch:
        patch.setattr(module, "read_file", unwritable)
        with pytest.raises(ConfigError, match="permission denied"):
            memory.check("m", WRONG, NOW)
    assert Refusals(folder).check("m", WRONG, NOW)


def unwritable(*_: object, **__: object) -> None:
    raise PermissionError(13, "Permission denied")


def test_who_cannot_remember_may_not_try(folder, monkeypatch):
    memory = Refusals(folder)
    for name in ("locked", "replace_file"):
        with monkeypatch.context() as patch:
            patch.setattr(module, name, unwritable)
            with pytest.raises(ConfigError, match="permission denied") as error:
                memory.check("m", WRONG, NOW)
            assert "IECREAD_STATE_DIR" in error.value.hint
    with pytest.raises(ConfigError, match="cannot remember"):
        Refusals(os.path.join(folder, "missing")).check("m", WRONG, NOW)


def test_a_refusal_that_could_not_be_stored_holds_for_the_run(folder, monkeypatch):
    memory = Refusals(folder)
    with monkeypatch.context() as patch:
        patch.setattr(module, "replace_file", unwritable)
        assert not memory.remember("m", WRONG, NOW)
    assert "could not be remembered" in memory.notes[0]
    assert memory.check("m", WRONG, NOW)
    memory.forget("m", WRONG, NOW)
    assert memory.check("m", WRONG, NOW) is None
    monkeypatch.setattr(module, "locked", unwritable)
    memory.forget("m", WRONG, NOW)  # does not raise
    assert "could not be forgotten" in memory.notes[-1]


PROCESS = """
import sys
from datetime import datetime, timezone
from iecread.passwords import Secret
from iecread.refusals import Refusals
folder, name = sys.argv[1:]
now = datetime(2024, 10, 27, tzinfo=timezone.utc)
for number in range(40):
    memory = Refusals(folder)
    assert memory.check(f"{name} {number}", Secret("1"), now) is None
    assert memory.remember(f"{name} {number}", Secret("1"), now)
    assert not memory.notes
"""


def test_two_runs_at_once_lose_nothing(folder):
    runs = [
        subprocess.Popen([sys.executable, "-c", PROCESS, folder, name])
        for name in ("first", "second")
    ]
    assert [run.wait(60) for run in runs] == [0, 0]
    memory = Refusals(folder)
    now = datetime(2024, 10, 27, 1, tzinfo=UTC)
    for name in ("first", "second"):
        for number in range(40):
            assert memory.check(f"{name} {number}", Secret("1"), now)
    assert sorted(os.listdir(folder)) == ["lock", "refused.json"]


@POSIX
def test_names_of_a_meter(tmp_path):
    device, link = tmp_path / "ttyUSB0", tmp_path / "by-id"
    device.touch()
    link.symlink_to(device)
    names = meter_ids(str(link), "0012", serial=" 00345 ")
    folder = str(tmp_path).casefold()
    assert names == (
        f"P1 {folder}/by-id 12",
        f"P1 {folder}/ttyusb0 12",
        "P1 serial 345",
    )
    assert set(meter_ids(str(device), "12")) <= set(names)
    assert meter_ids("COM4") == meter_ids("com4", "000") == ("P1 com4 ",)
    assert meter_ids("COM4", level="lock 4") == ("lock 4 com4 ",)
    assert len(meter_ids("COM4", serial="000")) == 1
