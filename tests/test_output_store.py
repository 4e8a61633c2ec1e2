"""Readings in CSV files by template: when they last, who shares a file, what fails."""

import csv
import multiprocessing
import os
import resource
import stat
import sys
import threading
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from output_samples import TIME, reading, readout

from iecread.errors import ConfigError, OutputError
from iecread.output import append as module
from iecread.output import formatter
from iecread.output.csv import LONG
from iecread.output.sink import Sink
from iecread.output.store import CsvStore, Files, StreamStore, open_store
from iecread.rows import Row
from iecread.template import Template

HEADER = ",".join(LONG) + "\n"
ROW = "2026-11-22T17:42:11+01:00,{},60145523,1.8.0,,5.0,kWh,,ok\n"


def one(meter: str = "kitchen", **more):
    return readout(reading("1.8.0", Decimal("5.0"), "kWh"), meter=meter, **more)


def store(folder: Path, name: str = "x.csv", **options) -> CsvStore:
    return CsvStore(Template(name, str(folder)), **options)


def profile(count: int, start: datetime = TIME) -> list[Row]:
    return [
        Row(
            start + n * timedelta(minutes=15),
            *("P.01", "1.5.0", Decimal(n), str(n), "kW"),
            ("unchecked",) * (n == 1),
        )
        for n in range(count)
    ]


def test_a_file_for_each_meter_and_month(tmp_path: Path) -> None:
    kept = store(tmp_path, "{year}/{meter}-{month}.csv")
    later = TIME + timedelta(days=31)
    paths = [
        kept.put(one("kitchen")),
        kept.put(one("cellar")),
        kept.put(one("kitchen", time=later)),
        kept.put(one("kitchen")),
    ]
    assert paths == [
        str(tmp_path / "2026" / "kitchen-11.csv"),
        str(tmp_path / "2026" / "cellar-11.csv"),
        str(tmp_path / "2026" / "kitchen-12.csv"),
        paths[0],
    ]
    assert Path(paths[0]).read_text() == HEADER + ROW.format("kitchen") * 2
    assert Path(paths[1]).read_text() == HEADER + ROW.format("cellar")
    assert kept.files("kitchen") == [paths[0], paths[2]]


def test_the_date_of_the_file_is_that_where_the_meter_hangs(tmp_path: Path) -> None:
    name = "{day}.csv"
    midnight = datetime(2026, 11, 22, 23, 30, tzinfo=UTC)
    there = ZoneInfo("Europe/Berlin")
    assert store(tmp_path, name).put(one(time=midnight)).endswith("22.csv")
    assert store(tmp_path, name, zone=there).put(one(time=midnight)).endswith("23.csv")
    in_utc = store(tmp_path, name, zone=there, utc=True)
    path = in_utc.put(one(time=midnight.astimezone(there)))
    assert path.endswith("22.csv")
    assert "2026-11-22T23:30:00+00:00," in Path(path).read_text()


def test_wide(tmp_path: Path) -> None:
    kept = store(
        tmp_path,
        layout="wide",
        style="excel-semicolon",
        registers=["1.8.0", "2.8.0"],
        names={"2.8.0": "export"},
    )
    kept.put(one())
    kept.put(one())
    row = "2026-11-22T17:42:11+01:00;kitchen;60145523;5,0;;ok\r\n"
    head = "\ufefftime;meter;serial;1.8.0;export;status\r\n"
    assert (tmp_path / "x.csv").read_bytes() == (head + row * 2).encode()
    with pytest.raises(ConfigError, match="wide layout"):
        store(tmp_path, layout="wide")
    with pytest.raises(ConfigError, match="two columns called 'time'"):
        store(tmp_path, layout="wide", registers=["1.8.0"], names={"1.8.0": "time"})


def test_rows_of_a_profile(tmp_path: Path) -> None:
    kept = store(tmp_path, "{meter}.csv")
    assert kept.put_rows(profile(2), "kitchen", "123") == 2
    assert kept.put_rows(profile(3)[2:], "kitchen") == 1
    assert kept.put_rows([], "cellar") == 0
    assert (tmp_path / "kitchen.csv").read_text() == (
        "time,meter,serial,channel,register,value,unit,flags\n"
        "2026-11-22T17:42:11+01:00,kitchen,123,P.01,1.5.0,0,kW,\n"
        "2026-11-22T17:57:11+01:00,kitchen,123,P.01,1.5.0,1,kW,unchecked\n"
        "2026-11-22T18:12:11+01:00,kitchen,,P.01,1.5.0,2,kW,\n"
    )
    assert not (tmp_path / "cellar.csv").exists()


def test_rows_go_to_the_file_of_their_own_date(tmp_path: Path) -> None:
    kept = store(tmp_path, "{meter}-{day}.csv", style="excel-semicolon")
    assert kept.put_rows(profile(60), "kitchen") == 60
    files = kept.files("kitchen")
    assert [Path(file).name for file in files] == ["kitchen-22.csv", "kitchen-23.csv"]
    texts = [Path(file).read_text("utf-8-sig").splitlines() for file in files]
    assert [len(text) for text in texts] == [27, 35]
    assert texts[1][1].startswith("2026-11-23T00:12:11+01:00;kitchen;;P.01;1.5.0;26;")


# -- found before a meter is read


def test_check_makes_nothing(tmp_path: Path) -> None:
    for name in ("x.csv", "a/b/{meter}.csv", "{serial}/x.csv", "x.db", "a/x.db"):
        open_store(Template(name, str(tmp_path))).check("kitchen")
    store(tmp_path).check_rows("kitchen")
    assert [*tmp_path.iterdir()] == []


def test_check_finds_another_header(tmp_path: Path) -> None:
    today = store(tmp_path, "{meter}-{year}.csv")
    path = tmp_path / f"kitchen-{datetime.now().astimezone():%Y}.csv"
    path.write_text("time,value\n")
    with pytest.raises(OutputError, match="another header: 'time,value'"):
        today.check("kitchen")
    today.check("cellar")
    path.write_text(HEADER)
    today.check("kitchen")
    with pytest.raises(OutputError, match="another header"):
        today.check_rows("kitchen")


def test_check_finds_places_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "folder.csv").mkdir()
    for name, message in (
        ("file/x.csv", "not a directory"),
        ("file/{meter}/x.csv", "not a directory"),
        ("file/{serial}/x.csv", "not a directory"),
        ("folder.csv", "it is a folder"),
    ):
        with pytest.raises(OutputError, match=message):
            store(tmp_path, name).check("kitchen")
        with pytest.raises(OutputError, match=message):
            store(tmp_path, name).put(one())


@pytest.mark.skipif(sys.platform != "linux", reason="a folder nobody may write")
def test_a_folder_that_may_not_be_written() -> None:
    for name in ("x.csv", "a/x.csv", "x.db"):
        kept = open_store(Template(name, "/proc/self"))
        with pytest.raises(OutputError):
            kept.put(one())


# -- what others do to the file


def test_line_ends_that_a_spreadsheet_changed(tmp_path: Path) -> None:
    kept = store(tmp_path)
    path = Path(kept.put(one()))
    saved = b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n")
    for data in (saved, saved[3:]):
        path.write_bytes(data)
        with pytest.raises(OutputError, match="another header: its line ends"):
            kept.put(one())
        assert path.read_bytes() == data


@pytest.mark.parametrize("style", ["comma", "excel-semicolon"])
@pytest.mark.parametrize("layout", ["long", "wide"])
def test_a_torn_row_wherever_it_was_torn(
    tmp_path: Path, style: str, layout: str
) -> None:
    kept = store(tmp_path, style=style, layout=layout, registers=["1.8.0"])
    path = Path(kept.put(one("first")))
    begin = path.read_bytes()
    kept.put(one('se,"c;ond'))
    second = path.read_bytes()[len(begin) :]
    kept.put(one("third"))
    third = path.read_bytes()[len(begin + second) :]
    end = 2 if style == "excel-semicolon" else 1
    for length in range(len(second)):
        path.write_bytes(begin + second[:length])
        kept.put(one("third"))
        # a row that lacks nothing but its end stays: its last cell is a status
        stays = second if length >= len(second) - end else b""
        assert path.read_bytes() == begin + stays + third, length


def test_a_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "x.csv").symlink_to("there/real.csv")  # dangling
    kept = store(tmp_path)
    kept.check("kitchen")
    kept.put(one())
    kept.put(one())
    assert (tmp_path / "x.csv").is_symlink()
    real = tmp_path / "there" / "real.csv"
    assert real.read_text() == HEADER + ROW.format("kitchen") * 2
    (tmp_path / "y.csv").symlink_to("nowhere/real.csv")
    with pytest.raises(OutputError, match="no such folder"):
        store(tmp_path, "y.csv").check("kitchen")


@pytest.mark.parametrize("name", ["x.csv", "x.db"])
@pytest.mark.parametrize("kind", ["fifo", "/dev/null", "/dev/zero"])
def test_what_is_no_file_is_left_alone(tmp_path: Path, kind: str, name: str) -> None:
    path = tmp_path / name
    if kind == "fifo":
        os.mkfifo(path)
    else:
        path.symlink_to(kind)
    kept = open_store(Template(name, str(tmp_path)))
    for step in (lambda: kept.check("kitchen"), lambda: kept.put(one())):
        with pytest.raises(OutputError, match="no regular file"):
            step()
    assert not stat.S_ISREG(path.stat().st_mode)


class _Meddler:
    """Does something to the file at one of our calls of the system."""

    def __init__(self, monkeypatch, call: str, do) -> None:
        real = getattr(os, call)
        self.times = 0

        def meddled(*args):
            found = real(*args) if call == "write" else None
            self.times += 1
            if self.times == 1:
                do()
            return found if call == "write" else real(*args)

        monkeypatch.setattr(module.os, call, meddled)


@pytest.mark.parametrize("call", ["write", "fsync", "ftruncate"])
@pytest.mark.parametrize("what", ["copytruncate", "remove", "rename"])
def test_a_file_that_goes_away_while_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str, call: str
) -> None:
    kept = store(tmp_path)
    path, old = Path(kept.put(one("before"))), tmp_path / "x.csv.1"
    if call == "ftruncate":
        path.write_text(path.read_text() + "torn")

    def go_away() -> None:
        if what == "rename":
            path.rename(old)
        else:
            old.write_bytes(path.read_bytes())
            os.truncate(path, 0) if what == "copytruncate" else path.unlink()

    meddler = _Meddler(monkeypatch, call, go_away)
    kept.put(one("after"))
    monkeypatch.undo()
    assert meddler.times
    rows = []
    for file in (old, path):
        if file.exists():
            lines = file.read_text().splitlines(keepends=True)
            assert lines.pop(0) == HEADER
            if file is old and lines[-1] == "torn":  # as it was when it went away
                lines.pop()
            rows += lines
    assert rows[0] == ROW.format("before")
    assert set(rows[1:]) == {ROW.format("after")}
    if what != "rename":
        assert path.read_text() == HEADER + ROW.format("after")


def test_a_file_system_without_locks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import errno
    import fcntl

    kept = store(tmp_path)
    path = Path(kept.put(one()))

    def no_locks(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", no_locks)
    with pytest.raises(OutputError, match="no locks available") as caught:
        kept.put(one())
    assert "local disk" in caught.value.hint
    assert path.read_text() == HEADER + ROW.format("kitchen")


def test_the_folder_of_a_new_file_is_synced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced = []
    real = os.fsync

    def fsync(descriptor: int) -> None:
        synced.append(os.readlink(f"/proc/self/fd/{descriptor}"))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    store(tmp_path, "a/b/x.csv").put(one())
    here = str(tmp_path)
    assert synced == [here, f"{here}/a", f"{here}/a/b/x.csv", f"{here}/a/b"]


# -- many at once


def test_a_thousand_meters_end_at_the_same_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    syncs = []
    real = os.fsync
    monkeypatch.setattr(os, "fsync", lambda d: (syncs.append(d), real(d)))
    files = Files()
    start = threading.Barrier(200)
    failures: list[BaseException] = []

    def end(number: int) -> None:
        kept = store(tmp_path, files=files)  # each meter has its own
        start.wait()
        try:
            for turn in range(5):
                kept.put(one(f"m{number}-{turn}"))
                text = (tmp_path / "x.csv").read_text()
                assert ROW.format(f"m{number}-{turn}") in text
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=end, args=(n,)) for n in range(200)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert not failures
    lines = (tmp_path / "x.csv").read_text().splitlines(keepends=True)
    assert lines[0] == HEADER
    wanted = {ROW.format(f"m{n}-{turn}") for n in range(200) for turn in range(5)}
    assert len(lines) == 1001 and set(lines[1:]) == wanted
    assert len(syncs) < 500


def test_what_is_too_long_does_not_fail_what_is_not(tmp_path: Path) -> None:
    files = Files()
    kept = store(tmp_path, files=files)
    path = Path(kept.put(one("first")))
    long = readout(*[reading(f"{n}.8.0", "x" * 50) for n in range(500)], meter="long")
    results: dict[str, str] = {}
    start = threading.Barrier(8)

    def put(name: str) -> None:
        start.wait()
        try:
            kept.put(long if name == "long" else one(name))
            results[name] = "stored"
        except OutputError as error:
            results[name] = error.message

    names = ["long", *"abcdefg"]
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (16384, old[1]))
    try:
        threads = [threading.Thread(target=put, args=(name,)) for name in names]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)
    assert "file too large" in results.pop("long")
    assert set(results.values()) == {"stored"}
    with path.open(newline="") as file:
        assert sorted(row[1] for row in csv.reader(file)) == sorted(
            ["meter", "first", *"abcdefg"]
        )


def _put_many(folder: str, name: str) -> None:
    kept = store(Path(folder), "sub/{year}.csv")
    for number in range(60):
        kept.put(one(f"{name}{number}"))


def test_processes_that_store_in_one_file(tmp_path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    names = "ab"
    others = [
        spawn.Process(target=_put_many, args=(str(tmp_path), name)) for name in names
    ]
    for other in others:
        other.start()
    for other in others:
        other.join(60)
        assert other.exitcode == 0
    lines = (tmp_path / "sub" / "2026.csv").read_text().splitlines(keepends=True)
    assert lines[0] == HEADER
    wanted = {ROW.format(f"{name}{n}") for name in names for n in range(60)}
    assert len(lines) == 121 and set(lines[1:]) == wanted


# -- streams


def test_standard_output(capfd: pytest.CaptureFixture[str]) -> None:
    text = formatter("csv")
    kept = StreamStore(Sink(None, header=text.begin()), text)
    kept.check("kitchen")
    assert kept.put(one()) == ""
    kept.put(one("cellar"))
    assert capfd.readouterr().out == (
        HEADER + ROW.format("kitchen") + ROW.format("cellar")
    )
    with pytest.raises(OutputError, match="rows of a load profile"):
        kept.put_rows(profile(1), "kitchen")
    kept.close()


def test_a_whole_file(tmp_path: Path) -> None:
    text = formatter("json")
    kept = StreamStore(Sink(str(tmp_path / "x.json"), header=text.begin()), text)
    kept.put(one())
    assert not (tmp_path / "x.json").exists()
    kept.close()
    assert '"kitchen"' in (tmp_path / "x.json").read_text()
