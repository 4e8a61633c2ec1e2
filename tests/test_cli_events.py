"""``events`` against simulated meters, whole."""

import pytest
from stored import rows, select

HOUSE = "sim://household?reaction=20"
VDEW = "sim://vdew?reaction=20"


def test_events(run):
    found = rows(run("events", VDEW).stdout)
    words = {row["words"] for row in found}
    assert {"power-failure", "power-return", "reset"} <= words
    assert list(found[0]) == [
        *("time", "meter", "channel", "status", "words", "elements", "flags")
    ]
    first = run("events", VDEW, "-fjson").json[0]
    assert first["channel"] == "P.98" and isinstance(first["words"], list)


def test_no_events(run):
    argv = ("events", VDEW, "--from=2001-01-01", "--to=2001-02-01")
    assert "no events" in run(*argv, exit=3).stderr
    run("events", VDEW, "--channel=P.77", exit=9)


def test_a_log_goes_back_for_years(run):
    recent = rows(run("events", VDEW, "--from=-90d").stdout)
    assert 0 < len(recent) < len(rows(run("events", VDEW, "--from=-400d").stdout))


@pytest.mark.parametrize("name", ["x.db", "x.csv"])
def test_a_log_goes_on(run, tmp_path, name):
    file, whole = tmp_path / name, tmp_path / "whole.csv"
    argv = ("events", VDEW, "-o", str(file))
    run("events", VDEW, "-o", str(whole))
    known = rows(whole.read_text())
    run(*argv, "--to", known[len(known) // 2]["time"])
    run(*argv, "--from=last")
    if name == "x.csv":
        assert file.read_text() == whole.read_text()
    else:
        query = "SELECT time, register, nth, serial FROM readings ORDER BY time"
        assert select(file, query) == [
            (row["time"], row["status"], 1, "10048157") for row in known
        ]
    assert "-o FILE" in run("events", VDEW, "--from=last", exit=2).stderr
