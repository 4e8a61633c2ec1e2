"""``archive`` against simulated LIS-200 devices, whole."""

import json
import sqlite3
from contextlib import closing

import pytest
from stored import rows

from iecread.errors import NoAnswerError, OutputError
from iecread.lis200session import Lis200
from iecread.resume import COLUMNS

QUICK = "?reaction=5&time=2026-11-22T12:34"
EK = "sim://lis200-ek" + QUICK
pytestmark = pytest.mark.usefixtures("timeless")


@pytest.fixture
def archive(run, tmp_path):
    """``archive(EK, "day")``: the command with a code and a state of its own."""

    def call(target, *argv, code="00000000", **more):
        env = {"GAS_CODE": code, "IECREAD_STATE_DIR": str(tmp_path / "state")}
        said = ("--password-env=GAS_CODE",) if code else ()
        return run("archive", target, *argv, *said, env=env, **more)

    return call


def test_rows_of_a_period(archive):
    result = archive(EK, "period", "--from=2026-11-22T11:00")
    assert result.stdout.startswith(",".join(COLUMNS) + "\n") and not result.stderr
    found = rows(result.stdout)
    times = {row["time"][:16] for row in found}
    assert times == {"2026-11-22T11:00", "2026-11-22T12:00"}
    last = {row["register"]: row for row in found}
    assert "Time" not in last and "Check" not in last
    assert (last["p.MP"]["unit"], last["T.MP"]["unit"]) == ("bar", "°C")
    assert last["StSy"]["flags"] == "battery-operation"
    assert last["Er"]["value"] == "0x8104" and last["Er"]["flags"] == "period-end"
    assert {(row["serial"], row["channel"]) for row in found} == {("10048158", "3")}


@pytest.mark.parametrize(
    ("name", "code", "what", "word"),
    [
        ("lis200-dl", "00000000", "events", "data-transmission-started"),
        ("lis200-tc", "0", "period", "period-end"),
        ("lis200-bk", "0", "7", "day-boundary"),
    ],
)
def test_other_families(archive, name, code, what, word):
    argv = (what, "--from=2026-11-21", "--block=99", "-fjsonl")
    result = archive(f"sim://{name}{QUICK}", *argv, code=code)
    found = [json.loads(line) for line in result.stdout.splitlines()]
    assert word in {flag for row in found for flag in row["flags"]}
    assert not result.stderr


def test_columns_by_name_and_by_source(archive):
    argv = ("day", "--from=2026-11-22", "--columns=2:302,7:310", "--columns=st.2")
    found = archive(EK, *argv, "-fjson").json
    assert [row["register"] for row in found] == ["VbT", "p.MP", "St.2"]
    german = archive(EK + "&german=1", *argv, "--sources", "-fjson").json
    assert [row["register"] for row in german] == ["2:302", "7:310", "2:110"]
    said = archive(EK, "day", "--columns=Q", exit=9).stderr
    assert "no column 'Q'" in said and "p.MP" in said


def test_attributes(archive):
    result = archive(EK, "day", "--attributes", "--from=2026-11-20")
    found = {row["register"]: row for row in rows(result.stdout)}
    assert found["T.MP"]["unit"] == "°C" and found["T.MP"]["source"] == "6:310_1"
    assert found["VbT"]["column"] == "5" and len(found) == 18
    assert "3 records" in result.stderr


def test_last_goes_on_without_doubling(archive, tmp_path):
    whole, part = tmp_path / "whole.csv", tmp_path / "part.csv"
    archive(EK, "day", "--from=2026-11-18", "-o", str(whole))
    lines = whole.read_text().splitlines(keepends=True)
    part.write_text("".join(lines[:40]))  # breaks off within a record
    archive(EK, "day", "--from=last", "-o", str(part))
    assert part.read_text() == whole.read_text()
    assert "nothing new" in archive(EK, "day", "--from=last", "-o", str(part)).stderr
    assert part.read_text() == whole.read_text()


def test_last_with_columns_and_another_device(archive, tmp_path):
    """The numbers stand in a file in any case; another device has others."""
    file = tmp_path / "a.csv"
    argv = ("day", "--columns=VbT", "-o", str(file))
    archive(EK, *argv, "--from=2026-11-20", "--to=2026-11-21")
    archive(EK.replace("ek", "ek280"), *argv, "--from=2026-11-22", "--append")
    archive(EK, *argv, "--from=last")
    found = rows(file.read_text())
    kept = [row["time"][8:10] for row in found if row["register"] == "VbT"]
    assert kept == ["20", "22", "21", "22"]
    assert {row["register"] for row in found} == {"GONo", "AONo", "VbT"}


def test_a_database(archive, tmp_path):
    """A record that was half stored is completed; nothing is there twice."""
    file = tmp_path / "a.db"
    argv = ("day", "-o", str(file))
    archive(EK, *argv, "--from=2026-11-19", "--to=2026-11-20")
    archive(EK.replace("ek", "ek280"), *argv, "--from=2026-11-22")
    with closing(sqlite3.connect(file)) as database, database:
        database.execute(
            "DELETE FROM readings WHERE register > 'K' AND time LIKE '2026-11-20%'"
        )
    archive(EK, *argv, "--from=last")
    assert "nothing new" in archive(EK, *argv, "--from=last").stderr
    archive(EK, *argv, "--from=2026-11-21")
    with closing(sqlite3.connect(file)) as database:
        found = database.execute(
            "SELECT serial, count(*), count(DISTINCT time), max(nth), max(flags)"
            " FROM readings GROUP BY serial ORDER BY serial"
        ).fetchall()
    assert found[0] == ("10048158", 4 * 16, 4, 2518, "day-boundary")
    assert found[1][1] == 16


def test_overwritten_records_are_told(archive, tmp_path):
    file = tmp_path / "a.csv"
    old = EK.replace("2026", "2024")
    archive(old, "day", "--from=2024-11-21", "--columns=VbT", "-o", str(file))
    argv = ("day", "--from=last", "--to=2025-04-10", "--block=999", "-o", str(file))
    said = archive(EK, *argv, "--columns=VbT").stderr
    assert "overwritten before they were read" in said


@pytest.mark.parametrize(
    "fault", ["damaged-part=2", "silent-part=2", "overwritten=2", "limits=strict"]
)
def test_damage_on_the_way(archive, monkeypatch, fault):
    monkeypatch.setattr("iecread.cli.archive._PAUSE", 0)
    argv = ("day", "--from=2026-11-15", "--block=5", "--columns=AONo")
    result = archive(f"{EK}&{fault}", *argv, "--timeout=150ms")
    found = rows(result.stdout)
    assert [row["value"] for row in found] == [str(2511 + n) for n in range(8)]
    assert {row["time"][11:] for row in found} == {"06:00:00+00:00"}
    assert ("another session goes on" in result.stderr) is (fault == "silent-part=2")


def test_a_number_that_was_not_heard_is_asked_for_again(archive, monkeypatch):
    monkeypatch.setattr("iecread.cli.archive._PAUSE", 0)
    real, asked = Lis200.read_serial, []

    def lost_once(session):
        asked.append(session)
        if len(asked) % 2:
            raise NoAnswerError("no answer", "look at the line")
        return real(session)

    monkeypatch.setattr(Lis200, "read_serial", lost_once)
    argv = ("day", "--from=2026-11-15", "--columns=AONo")
    found = rows(archive(EK, *argv).stdout)
    assert {row["serial"] for row in found} == {"10048158"}
    archive(EK, *argv, "--expect-serial=10048999", exit=11)


def test_damage_in_the_device(archive):
    argv = ("day", "--from=2026-11-18", "--columns=AONo", "--strict")
    marked = archive(EK + "&bad-row=3", *argv, exit=8)
    assert "wrong check" in marked.stderr
    flags = [row["flags"] for row in rows(marked.stdout)]
    assert len(flags) == 5 and set(flags) == {"", "check-failed"}


def test_the_lock_is_closed_on_every_way_out(archive, device, tmp_path):
    for argv, status in (
        (("day", "--from=2026-11-22"), 0),
        (("9",), 9),
        (("day", "--columns=Q"), 9),
        (("day", "--from=2026-11-22", "-o", str(tmp_path / "no" / "a.csv")), 10),
    ):
        archive(EK, *argv, exit=status)
    locks = device(EK).locks
    assert locks.openings == [4, 4, 4] and not locks.open and not locks.replaced


def test_a_full_disk_closes_the_lock(archive, device, monkeypatch):
    from iecread.cli.rows import RowWriter

    def full(self, *cells):
        raise OutputError("no space left on the device")

    monkeypatch.setattr(RowWriter, "add", full)
    archive(EK, "day", "--from=2026-11-22", exit=10)
    assert device(EK).locks.openings == [4] and not device(EK).locks.open


def test_without_a_lock(archive):
    said = archive(EK, "day", code=None, exit=9).stderr
    assert "no right to read" in said and "another session" not in said
    argv = ("day", "--from=2026-11-22")
    assert not archive(EK + "&open=4", *argv, code=None).stderr


def test_a_wrong_code_is_sent_once(archive):
    wrong = archive(EK, "day", code="1234", exit=9).stderr
    assert "wrong access code" in wrong
    assert "already" in archive(EK, "day", code="1234", exit=9).stderr
    said = archive(EK, "day", "--lock=supplier", code="1234", exit=9).stderr
    assert "supplier lock" in said


def test_nothing_there_is_no_failure(archive):
    result = archive(EK, "month", "--from=2026-11-22")
    assert result.stdout == ",".join(COLUMNS) + "\n"
    assert "nothing in this range" in result.stderr


def test_what_is_not_there(archive):
    assert "EK260 has no archive 9" in archive(EK, "9", exit=9).stderr
    assert "no archive 'user'" in archive(EK, "user", exit=9).stderr
    said = archive(EK, "day", "--expect-serial=7", exit=11).stderr
    assert "'10048158', not '7'" in said


def test_another_kind_of_meter_gets_no_code(archive):
    said = archive("sim://household?reaction=5", "3", "-vv", exit=4).stderr
    assert "is no LIS-200 device" in said
    assert ".P0." in said and ".P1." not in said


@pytest.mark.parametrize(
    ("argv", "word"),
    [
        ((), "which archive"),
        (("daily-ish",), "is no archive"),
        (("day", "--from=last"), "-o FILE"),
        (("day", "--from=last", "-o", "x.json"), "CSV"),
        (("day", "--attributes", "-o", "x.db"), "holds readings only"),
        (("day", "--from=2200-01-01"), "future"),
        (("day", "--from=now", "--to=today"), "empty"),
        (("day", "--block=0"), "--block"),
        (("day", "--lock=front"), "no lock"),
    ],
)
def test_what_cannot_be_asked(archive, argv, word):
    assert word in archive(EK, *argv, exit=2).stderr


def test_another_file(archive, tmp_path):
    file = tmp_path / "a.csv"
    file.write_text("time,meter,serial,register,name,value,unit,stamp,status\n")
    archive(EK, "day", "--from=last", "-o", str(file), exit=10)


def test_a_meter_of_meters_toml(archive, tmp_path):
    """Archive, beginning, clock and lock may stand there."""
    config = tmp_path / "meters.toml"
    config.write_text(
        f'schema = 1\n[meters.gas]\nport = "{EK}&codes=3:77"\nlock = "supplier"\n'
        'timezone = "Europe/Berlin"\nclock = "standard"\n'
        '[meters.gas.load-profile]\narchive = "day"\nfrom = "last"\n'
    )
    file = tmp_path / "gas.csv"
    said = ("-c", str(config), "-o", str(file), "--block=99")
    archive("gas", *said, "--to=2025-05-01", code="77")
    found = rows(file.read_text())
    assert {row["meter"] for row in found} == {"gas"}
    assert found[-1]["time"] == "2025-04-30T06:00:00+01:00"
    archive("gas", *said, "--to=2025-05-03", code="77")
    numbers = [r["value"] for r in rows(file.read_text()) if r["register"] == "AONo"]
    assert numbers == [str(int(numbers[0]) + n) for n in range(len(numbers))]
    assert rows(file.read_text())[-1]["time"].startswith("2025-05-02")


def test_a_person_gets_a_table_and_a_summary(archive):
    argv = ("day", "--from=2026-11-20", "--columns=VbT")
    result = archive(EK, *argv, terminal=True)
    assert result.stdout.startswith("time") and "VbT" in result.stdout
    assert "3 records, 2026-11-20" in result.stderr
