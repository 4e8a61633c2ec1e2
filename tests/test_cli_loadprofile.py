"""``load-profile`` against simulated meters, whole; going on, of logs too."""

import json
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from stored import rows, select

from iecread.output.sqlite import SqliteStore
from iecread.resume import COLUMNS
from iecread.rows import Row
from iecread.template import Template

HOUSE = "sim://household?reaction=20"
VDEW = "sim://vdew?reaction=20"


def test_rows(run):
    result = run("load-profile", HOUSE, "--from=-2h")
    assert result.stdout.startswith(",".join(COLUMNS) + "\n")
    found = rows(result.stdout)
    assert len(found) in (32, 36)  # eight or nine quarter-hours of four channels
    assert {row["register"] for row in found} == {"1.5.0", "2.5.0", "3.5.0", "4.5.0"}
    assert {row["serial"] for row in found} == {"10048151"}
    assert result.stderr == ""


def test_json_has_exact_numbers(run):
    lines = run("load-profile", HOUSE, "--from=-1h", "-fjsonl").stdout.splitlines()
    row = json.loads(lines[0], parse_float=str)
    assert tuple(row) == COLUMNS and len(row["value"].split(".")[1]) == 3
    assert len(run("load-profile", HOUSE, "--from=-1h", "-fjson").json) == len(lines)


def test_a_meter_with_its_own_command(run):
    """It knows neither R1 nor the count, and tells its number all the same."""
    found = rows(run("load-profile", VDEW, "--from=-1h").stdout)
    assert {row["serial"] for row in found} == {"10048157"}


def test_a_meter_that_breaks_off_at_what_it_does_not_know(run):
    house = VDEW + "&unknown=break"
    assert rows(run("load-profile", house, "--from=-1h", "--command=R5").stdout)


def test_last_goes_on_without_doubling(run, tmp_path):
    whole, part = tmp_path / "whole.csv", tmp_path / "part.csv"
    run("load-profile", HOUSE, "--from=-1d", "-o", str(whole))
    lines = whole.read_text().splitlines(keepends=True)
    part.write_text("".join(lines[:102]))  # breaks off within an interval
    run("load-profile", HOUSE, "--from=last", "-o", str(part))
    assert part.read_text().splitlines()[: len(lines)] == whole.read_text().splitlines()
    again = run("load-profile", HOUSE, "--from=last", "-o", str(part))
    kept = rows(part.read_text())
    assert len({(row["time"], row["register"]) for row in kept}) == len(kept)
    assert again.stdout == ""


def test_last_begins_a_file(run, tmp_path):
    file = tmp_path / "new.csv"
    run("load-profile", HOUSE, "--from=last", "-o", str(file))
    assert len(rows(file.read_text())) > 1000


def test_last_and_another_file(run, tmp_path):
    file = tmp_path / "a.csv"
    file.write_text("time,meter,serial,register,name,value,unit,stamp,status\n")
    run("load-profile", HOUSE, "--from=last", "-o", str(file), exit=10)
    assert "-o FILE" in run("load-profile", HOUSE, "--from=last", exit=2).stderr


def test_gaps_are_told(run):
    result = run("load-profile", HOUSE + "&gap=3", "--from=-30h")
    assert "gap: 3 intervals missing between" in result.stderr
    quiet = run("load-profile", HOUSE + "&gap=3", "--from=-30h", "-q")
    assert quiet.stderr == "" and quiet.data == result.data


def test_a_person_gets_a_table_and_a_summary(run):
    result = run(
        "load-profile",
        HOUSE,
        "--from=-6h",
        terminal=True,
        env={"COLUMNS": "80", "TERM": "dumb"},
    )
    assert result.stdout.split()[:3] == ["time", "channel", "register"]
    assert "P.01 1.5.0:" in result.stderr and "█" in result.stderr
    assert max(map(len, result.stdout.splitlines())) <= 80


def test_nothing_there(run, tmp_path):
    file = tmp_path / "old.csv"
    file.write_text("kept\n")
    argv = ("load-profile", HOUSE, "--from=2001-01-01", "--to=2001-01-02")
    result = run(*argv, "-o", str(file), exit=3)
    assert "P.01 has nothing between 2001-01-01" in result.stderr
    assert file.read_text() == "kept\n"


@pytest.mark.parametrize(
    ("argv", "word"),
    [
        (("--from=2200-01-01",), "future"),
        (("--from=now", "--to=today"), "empty"),
        (("--from=2026-13-01",), "is no time"),
        (("--from=-5x",), "no duration"),
        (("--channel=P(1",), "P(1"),
        (("--step=10s",), "cannot be cut"),
        (("-f", "json", "--append", "-o", "x"), "json"),
    ],
)
def test_what_cannot_be_asked(run, argv, word):
    result = run("load-profile", HOUSE, "-vv", *argv, exit=2)
    assert word in result.stderr and " > " not in result.stderr


def test_no_such_profile(run):
    said = run("load-profile", HOUSE, "--channel=P.77", exit=9).stderr
    assert "refused load profile P.77: ER02" in said


def test_what_came_before_the_end_is_kept(run, tmp_path):
    file = tmp_path / "a.csv"
    # days are asked for one by one: a later one is answered with a break
    house = HOUSE + "&breaks-off=5"
    argv = ("--from=-4d", "--timeout=300ms", "--retries=0", "-o", str(file))
    result = run("load-profile", house, *argv, exit=9)
    kept = rows(file.read_text())
    assert kept and "break" in result.stderr
    assert all(None not in row.values() and len(row) == 8 for row in kept)


@pytest.mark.parametrize("suffix", ["csv", "db"])
@pytest.mark.parametrize("command", ["load-profile", "events"])
def test_a_clock_that_was_set_back(run, tmp_path, command, suffix):
    """Rows of the future are named, and no meter is asked; a second is no trouble."""
    file = tmp_path / f"x.{suffix}"
    argv = (command, VDEW, "-vv", "--from=last", "-o", str(file))

    def put(ahead: timedelta) -> None:
        time = datetime.now().astimezone() + ahead
        if suffix == "csv" and command == "events":
            row = f"{time.isoformat()},,P.98,80,,,"
            file.write_text("time,meter,channel,status,words,elements,flags\n" + row)
            file.write_text(file.read_text() + "\n")
        elif suffix == "csv":
            row = f"{time.isoformat()},,1,P.01,1.5.0,1,kW,\n"
            file.write_text(",".join(COLUMNS) + "\n" + row)
        else:
            file.unlink(missing_ok=True)
            row = Row(time, "P.01", "1.5.0", Decimal(1), "1", "kW", ())
            if command == "events":
                row = row._replace(channel="P.98")
            SqliteStore(Template.literal(str(file))).put_rows([row], VDEW)

    put(timedelta(days=400))
    before = file.read_bytes()
    said = run(*argv, exit=10).stderr
    assert f"{str(file)!r} has rows up to" in said and "clock" in said
    assert file.read_bytes() == before and " > " not in said
    put(timedelta(seconds=90))
    said = run(*argv).stderr
    assert "nothing new" in said and " > " not in said


def test_a_profile_goes_on_in_a_database(run, tmp_path):
    file, query = tmp_path / "x.db", "SELECT time, register, nth, value FROM readings"
    run("load-profile", HOUSE, "--from=-1d", "--to=-2h", "-o", str(file))
    before = select(file, query)
    assert len(before) > 300  # of nearly a day
    assert set(select(file, "SELECT meter, channel, serial FROM readings")) == {
        (HOUSE, "P.01", "10048151")
    }
    for _ in range(2):
        last = run("load-profile", HOUSE, "--from=last", "--append", "-o", str(file))
        assert last.stdout == ""
    after = select(file, query)
    assert {nth for _, _, nth, _ in after} == {1}
    assert set(before) < set(after) and len(after) - len(before) in range(28, 41, 4)
    assert "nothing new" in last.stderr


def test_a_profile_of_a_meter_goes_on_in_a_csv(run, tmp_path):
    """Its rows have its name, and those of others do not count."""
    config = tmp_path / "meters.toml"
    config.write_text(f"""schema = 1
[meters.a]
port = "{HOUSE}"
[meters.b]
port = "{HOUSE}"
""")
    file = tmp_path / "x.csv"
    run("-c", str(config), "load-profile", "b", "--from=-1h", "-o", str(file))
    argv = ("-c", str(config), "load-profile", "a", "-o", str(file), "--append")
    run(*argv, "--from=-3d", "--to=-2h")
    run(*argv, "--from=last")
    kept = [row for row in rows(file.read_text()) if row["meter"] == "a"]
    times = sorted({row["time"] for row in kept})
    assert len(kept) == len(times) * 4 and 287 <= len(times) <= 290
