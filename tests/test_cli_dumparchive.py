"""``dump`` of meters whose profile names an archive."""

import csv
import sqlite3
from contextlib import closing

import pytest

GAS = """\
[meters.gas]
port = "sim://lis200-ek?reaction=20&time={year}-11-22T12:34"
password = {{ env = "CODE" }}
{more}
[meters.gas.load-profile]
archive = "day"
from = "{start}"
"""


@pytest.fixture
def dump(run, tmp_path, monkeypatch):
    """``dump("x.db", start="last")``: the command, with one gas device."""
    monkeypatch.chdir(tmp_path)
    env = {"IECREAD_STATE_DIR": str(tmp_path / "state"), "CODE": "00000000"}

    def call(file, start="last", year=2026, more="", exit=0, code="00000000"):
        text = GAS.format(start=start, year=year, more=more)
        (tmp_path / "meters.toml").write_text("schema = 1\n" + text)
        return run("dump", "-o", file, env=env | {"CODE": code}, exit=exit)

    return call


def stored(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def numbers(rows):
    return [row["value"] for row in rows if row["register"] == "AONo"]


def test_a_csv_grows_by_what_is_new(dump):
    assert dump("x.csv", "2026-11-20").stderr == ""
    first = stored("x-profile.csv")
    assert numbers(first) == ["2516", "2517", "2518"]
    assert {row["meter"] for row in first} == {"gas"}
    assert {row["serial"] for row in first} == {"10048158"}
    lines = open("x-profile.csv").read().splitlines(keepends=True)
    open("x-profile.csv", "w").writelines(lines[:20])  # killed within a record
    for start in ("last", "2026-11-20"):
        assert dump("x.csv", start).stderr == ""
        assert open("x-profile.csv").read() == "".join(lines)


def test_a_database_besides_registers(dump):
    more = 'registers = ["1:180", "2:302"]'
    dump("x.db", "2026-11-19", more=more)
    dump("x.db", "2026-11-19")
    with closing(sqlite3.connect("x.db")) as database:
        found = database.execute(
            "SELECT channel, count(*), count(DISTINCT time) FROM readings"
            " WHERE channel != '' GROUP BY channel"
        ).fetchall()
        read = database.execute("SELECT count(*) FROM readings WHERE channel = ''")
        assert read.fetchone() == (2,)
    assert found == [("7", 4 * 16, 4)]


def test_what_was_overwritten_is_told(dump):
    dump("x.csv", "2024-11-21", 2024)
    said = dump("x.csv").stderr
    assert "gas: " in said and "overwritten before they were read" in said


def test_a_wrong_code(dump):
    said = dump("x.csv", exit=9, code="1234").stderr
    assert "wrong access code" in said
    assert "already" in dump("x.csv", exit=9, code="1234").stderr
