"""Readings in a SQLite file: what is in it, what is left alone, what survives."""

import errno
import multiprocessing
import os
import resource
import shutil
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from output_samples import HOSTILE, MAXIMUM, TIME, brackets, reading, readout
from stored import select

from iecread.archiverows import Record
from iecread.errors import OutputError
from iecread.ordinals import Place
from iecread.output import sqlite as module
from iecread.output.sqlite import SqliteStore
from iecread.output.sqliterows import Values
from iecread.resume import from_times
from iecread.rows import Row
from iecread.template import Template

QUARTER = timedelta(minutes=15)


def store(folder: Path, name: str = "x.db", **options: Any) -> SqliteStore:
    return SqliteStore(Template(name, str(folder)), **options)


def one(meter: str = "kitchen", **more: Any):
    return readout(reading("1.8.0", Decimal("5.0"), "kWh"), meter=meter, **more)


def row(at: int, value: str | None = None, *flags: str, register: str = "1.5.0") -> Row:
    text = str(at) if value is None else value
    number = Decimal(text) if text else None
    return Row(TIME + at * QUARTER, "P.01", register, number, text, "kW", flags)


# -- what is in it


def test_a_readout(tmp_path: Path) -> None:
    kept = store(tmp_path)
    path = kept.put(
        readout(
            reading("1-0:1.8.0*255", Decimal("12345.670"), "kWh", name="energy"),
            MAXIMUM,
            reading("C.1.0", "60145523"),
            reading("6.8", None, status="unchecked"),
        )
    )
    assert path == str(tmp_path / "x.db")
    at = int(TIME.timestamp()) * 10**6
    head, time = ("kitchen", ""), "2026-11-22T17:42:11+01:00"
    assert sorted(select(path), key=lambda row: row[2]) == [
        (*head, "1-0:1.8.0*255", at, "60145523", "", 1, time)
        + ("energy", "12345.670", 12345.67, "kWh", "ok", ""),
        (*head, "1.6.1", at, "60145523", "2022-11-20T07:30", 1, time)
        + ("maximum demand, import, tariff 1", "0.500", 0.5, "kW", "ok", ""),
        (*head, "6.8", at, "60145523", "", 1, time)
        + (None, None, None, None, "unchecked", ""),
        (*head, "C.1.0", at, "60145523", "", 1, time)
        + (None, "60145523", None, None, "ok", ""),
    ]


def test_the_file_says_what_it_is(tmp_path: Path) -> None:
    path = store(tmp_path).put(one())
    assert select(path, "PRAGMA application_id") == [(0x69656372,)]
    assert select(path, "PRAGMA user_version") == [(1,)]
    assert select(path, "PRAGMA journal_mode") == [("wal",)]
    assert [file.name for file in tmp_path.iterdir()] == ["x.db"]  # nothing beside it


def test_all_that_repeats_is_kept(tmp_path: Path) -> None:
    twice = [reading("V", Decimal(n), "V") for n in (1, 2, 1)]
    kept = store(tmp_path)
    path = kept.put(readout(*twice, brackets("x", ("1", None), ("2", "A"))))
    kept.put(readout(*twice, meter="cellar"))
    kept.put(readout(*twice, time=TIME + timedelta(milliseconds=1)))
    found = select(path, "SELECT register, nth, value FROM readings")
    assert len(found) == 3 * 3 + 2
    assert sorted(set(found)) == [
        *(("V", 1, "1"), ("V", 2, "2"), ("V", 3, "1")),
        *(("x", 1, "1"), ("x[2]", 1, "2")),
    ]


def test_digits_are_exact(tmp_path: Path) -> None:
    values = ["0.10", "100", "-0.000001", "123456789012345", "1E-7", "00"]
    made = [reading(f"{n}", Decimal(v)) for n, v in enumerate(values)]
    path = store(tmp_path).put(readout(*made))
    found = select(path, "SELECT value, typeof(value), typeof(number) FROM readings")
    assert {text for text, _, _ in found} == {
        *("0.10", "100", "-0.000001", "123456789012345", "0.0000001", "0"),
    }
    assert {kinds for _, *kinds in map(tuple, found) for kinds in [tuple(kinds)]} == {
        ("text", "real")
    }


def test_hostile_text(tmp_path: Path) -> None:
    made = [reading(text, text, text, name=text) for text in HOSTILE]
    path = store(tmp_path).put(readout(*made, meter="m\0\ud800", serial="'; DROP"))
    found = select(path)
    assert len(found) == len(HOSTILE)
    assert all(cell.isprintable() for row in found for cell in row if type(cell) is str)


def test_utc_and_a_meter_without_a_name(tmp_path: Path) -> None:
    path = store(tmp_path, utc=True).put(one(meter=None))
    assert select(path, "SELECT meter, time FROM readings") == [
        ("/dev/ttyUSB0", "2026-11-22T16:42:11+00:00")
    ]


def test_no_time_no_row(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="when a meter was read"):
        store(tmp_path).put(one(time=None))
    assert [*tmp_path.iterdir()] == []


# -- load profiles


def test_the_same_profile_twice(tmp_path: Path) -> None:
    kept = store(tmp_path)
    rows = [row(n, register=code) for n in range(4) for code in ("1.5.0", "2.5.0")]
    assert kept.put_rows(rows, "kitchen", "123") == 8
    path = tmp_path / "x.db"
    before = select(path)
    assert kept.put_rows(rows, "kitchen", "123") == 8
    assert select(path) == before and len(before) == 8
    shifted = [r._replace(time=r.time.astimezone(UTC)) for r in rows]
    kept.put_rows(shifted, "kitchen", "123")
    assert len(select(path)) == 8
    kept.put_rows(rows, "cellar", "124")
    assert len(select(path)) == 16
    kept.put(one())
    assert len(select(path, "SELECT * FROM readings WHERE channel = ''")) == 1


def test_the_newest_value_counts_but_never_one_that_is_not_sure(
    tmp_path: Path,
) -> None:
    kept = store(tmp_path)
    query = "SELECT value, status, flags FROM readings"

    def after(*rows: Row) -> tuple[str, str, str]:
        kept.put_rows(rows, "kitchen")
        (found,) = select(tmp_path / "x.db", query)
        return found

    assert after(row(0, "1", "unchecked")) == ("1", "unchecked", "unchecked")
    assert after(row(0, "2", "malformed")) == ("2", "malformed", "malformed")
    assert after(row(0, "3")) == ("3", "ok", "")
    assert after(row(0, "4", "unchecked")) == ("3", "ok", "")
    assert after(row(0, "5", "power-down")) == ("5", "ok", "power-down")


def test_intervals_that_come_again(tmp_path: Path) -> None:
    """A clock set back: other rows of the same times, not the same rows again."""
    kept = store(tmp_path)
    back = [row(n, f"1{n}", "overlap") for n in (1, 2)]
    rows = [row(0), row(1), row(2), *back, row(1, "21", "overlap"), row(3), row(3)]
    for _ in range(2):
        kept.put_rows(rows, "kitchen")
        found = select(tmp_path / "x.db", "SELECT value FROM readings")
        assert sorted(value for (value,) in found) == [
            *("0", "1", "11", "12", "2", "21", "3", "3")
        ]


@pytest.mark.parametrize("channel", ["P.01", None])
def test_how_far_it_goes(tmp_path: Path, channel: str | None) -> None:
    kept = store(tmp_path)
    assert from_times(kept.newest("kitchen", channel)).start is None
    assert [*tmp_path.iterdir()] == []
    both = [row(n, register=code) for n in range(5) for code in ("1.5.0", "2.5.0")]
    for count in range(1, len(both) + 1):
        kept.put_rows(both[count - 1 : count], "kitchen")
        kept.put_rows([row(50)], "cellar")
        kept.put(one())
        resume = from_times(kept.newest("kitchen", channel))
        # a last interval that is not whole is asked for again
        assert resume.start == TIME + ((count - 1) // 2 - (count % 2 and count > 1)) * (
            QUARTER
        )
        assert [*resume.new(both)] == both[count:]
    assert kept.newest("kitchen", "P.02") == []


def test_a_file_for_each_month(tmp_path: Path) -> None:
    kept = store(tmp_path, "a/{meter}-{month}.db")
    kept.check("kitchen")
    later = row(0)._replace(time=TIME + timedelta(days=30))
    assert kept.put_rows([row(0), later], "kitchen") == 2
    assert kept.put(one()) == str(tmp_path / "a" / "kitchen-11.db")
    assert len(select(tmp_path / "a" / "kitchen-11.db")) == 2
    assert from_times(kept.newest("kitchen")).start == later.time


# -- archives


def record(
    number: int | None, hour: float, value: str, *flags: str, total: int | None = None
) -> Record:
    time = TIME + timedelta(hours=hour)
    cells = {"AONo": number, "GONo": total, "Vb": value}
    rows = tuple(
        Row(time, "3", name, Decimal(cell), str(cell), None, flags)
        for name, cell in cells.items()
        if cell is not None
    )
    return Record(Place(number, total, time, ""), rows, not flags)


def archive(path: Path) -> list[Any]:
    query = "SELECT nth, value, status FROM readings WHERE register = 'Vb' ORDER BY 1"
    return select(path, query)


def test_records_of_one_time_are_told_apart_whenever_they_come(tmp_path: Path) -> None:
    kept, path = store(tmp_path), tmp_path / "x.db"
    records = [record(n, 1, str(n * 10)) for n in (7, 8, 9)]
    assert kept.put_records(records, "gas", "5") == 6
    for part in (records[1:], records[2:], records[:1], [record(10, 1, "100")]):
        kept.put_records(part, "gas", "5")
    assert archive(path) == [(n, str(n * 10), "ok") for n in (7, 8, 9, 10)]


def test_records_that_nobody_should_count_on(tmp_path: Path) -> None:
    kept, path = store(tmp_path), tmp_path / "x.db"
    kept.put_records([record(7, 1, "1"), record(8, 2, "2", "check-failed")], "gas")
    kept.put_records(
        [record(7, 1, "9", "check-failed")], "gas"
    )  # never over a good one
    assert archive(path) == [(7, "1", "ok"), (8, "2", "unchecked")]
    kept.put_records([record(7, 1, "1"), record(7, 1, "3", "overlap")], "gas")
    assert archive(path) == [(-7, "3", "ok"), (7, "1", "ok"), (8, "2", "unchecked")]
    kept.put_records([record(None, 1, "4", total=20)], "gas")
    assert archive(path)[-1] == (20, "4", "ok")


def test_records_without_numbers_are_counted(tmp_path: Path) -> None:
    kept = store(tmp_path)
    kept.put_records([record(None, 1, "1"), record(None, 1, "2")], "gas")
    assert archive(tmp_path / "x.db") == [(1, "1", "ok"), (2, "2", "ok")]


def test_the_newest_record(tmp_path: Path) -> None:
    kept = store(tmp_path)
    assert kept.tail("gas", 3) is None
    kept.put_records([record(n, 1, "1", total=2 * n) for n in (8, 9, 10)], "gas")
    kept.put_records([record(99, 9, "1")], "other")
    found = kept.tail("gas", 3)
    assert found and found.place[:3] == (10, 20, TIME + timedelta(hours=1))
    assert found.registers == {"AONo", "GONo", "Vb"} and kept.tail("gas", 4) is None
    assert kept.tail("gas", 3, "") == found
    assert kept.tail("gas", 3, "another") is None
    kept.put_records([record(11, 0, "1")], "gas")  # its clock was set back
    found = kept.tail("gas", 3)
    assert found and found.place.number == 11
    kept.put_records([record(1, 2, "1")], "gas")  # it was reset
    found = kept.tail("gas", 3)
    assert found and found.place.number == 1
    kept.put_records([record(n, n, "1") for n in range(2, 9)], "gas")
    found = kept.tail("gas", 3)  # that number was there before
    assert found and found.place[:3] == (8, None, TIME + timedelta(hours=8))


# -- what is left alone


def _foreign(path: Path) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE readings (time, value)")


def _newer(path: Path) -> None:
    store(path.parent).put(one())
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA user_version = 2")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (_foreign, "a database of another program"),
        (_newer, "schema 2, and this iecread knows 1"),
        (lambda path: path.write_text("time,value\n"), "is no SQLite database"),
        (lambda path: path.write_bytes(b"SQLite format 3\0"), "is no SQLite database"),
        (lambda path: path.write_bytes(os.urandom(8192)), "is no SQLite database"),
        (lambda path: path.mkdir(), "it is a folder"),
    ],
)
def test_what_is_not_ours_stays_as_it_is(tmp_path: Path, make, message: str) -> None:
    path = tmp_path / "x.db"
    make(path)
    before = path.is_file() and path.read_bytes()
    kept = store(tmp_path)
    for step in (lambda: kept.check("kitchen"), lambda: kept.put(one())):
        with pytest.raises(OutputError, match=message) as caught:
            step()
        assert caught.value.hint
    assert (path.is_file() and path.read_bytes()) == before
    assert [file.name for file in tmp_path.iterdir()] == ["x.db"]


def test_a_table_that_was_changed(tmp_path: Path) -> None:
    kept = store(tmp_path)
    path = kept.put(one())
    with closing(sqlite3.connect(path)) as database:
        database.execute("ALTER TABLE readings RENAME COLUMN value TO v")
    before = Path(path).read_bytes()
    for step in (lambda: kept.check("kitchen"), lambda: kept.put(one())):
        with pytest.raises(OutputError, match="another schema: no column 'value'"):
            step()
    assert Path(path).read_bytes() == before
    with closing(sqlite3.connect(path)) as database:
        database.execute("DROP TABLE readings")
        columns = ", ".join(Values._fields)
        database.execute(f"CREATE TABLE readings ({columns}, PRIMARY KEY (meter))")
    with pytest.raises(OutputError, match="another primary key"):
        kept.check("kitchen")


@pytest.mark.parametrize("cut", [(100, 300), (4096, 4296), (5000, 0)])
def test_a_damaged_database(tmp_path: Path, cut: tuple[int, int]) -> None:
    kept = store(tmp_path)
    path = Path(kept.put(one()))
    data = path.read_bytes()
    begin, end = cut
    path.write_bytes(
        data[:begin] + (b"\xff" * (end - begin) + data[end:] if end else b"")
    )
    before = path.read_bytes()
    for step in (lambda: kept.check("kitchen"), lambda: kept.put(one())):
        with pytest.raises(OutputError, match="damaged"):
            step()
    assert path.read_bytes() == before


def test_what_a_user_adds_is_no_harm(tmp_path: Path) -> None:
    kept = store(tmp_path)
    path = kept.put(one())
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE INDEX mine ON readings (time)")
        database.execute("CREATE VIEW last AS SELECT max(time) FROM readings")
        database.execute("ALTER TABLE readings ADD COLUMN note")
    kept.put(one("cellar"))
    assert len(select(path)) == 2


def test_an_empty_file_becomes_one(tmp_path: Path) -> None:
    (tmp_path / "x.db").touch()
    store(tmp_path).put(one())
    assert len(select(tmp_path / "x.db")) == 1


def test_a_folder_that_is_not_to_be_made(tmp_path: Path) -> None:
    kept = store(tmp_path, "a/x.db", make=False)
    for step in (lambda: kept.check(), lambda: kept.put(one())):
        with pytest.raises(OutputError, match="no such folder"):
            step()


def test_a_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "x.db").symlink_to("real.db")  # dangling
    store(tmp_path).put(one())
    store(tmp_path).put(one("cellar"))
    assert (tmp_path / "x.db").is_symlink()
    assert len(select(tmp_path / "real.db")) == 2


# -- what goes wrong


def test_a_locked_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = store(tmp_path)
    path = kept.put(one())
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        monkeypatch.setattr(module, "LOCK_TIMEOUT", 0.05)
        for step in (lambda: kept.check("kitchen"), lambda: kept.put(one("cellar"))):
            with pytest.raises(OutputError, match="locked by another program"):
                step()
        monkeypatch.setattr(module, "LOCK_TIMEOUT", 15.0)
        waiting = threading.Thread(target=kept.put, args=(one("cellar"),))
        waiting.start()
        waiting.join(0.1)
        assert waiting.is_alive()
        other.execute("COMMIT")
        waiting.join(10)
    assert len(select(path)) == 2


def test_a_locked_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import fcntl

    folder = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(folder, fcntl.LOCK_EX)
    monkeypatch.setattr(module, "LOCK_TIMEOUT", 0.05)
    with pytest.raises(OutputError, match="another run writes in the folder"):
        store(tmp_path).put(one())
    os.close(folder)
    monkeypatch.setattr(
        fcntl, "flock", lambda *_: (_ for _ in ()).throw(OSError(errno.ENOLCK, "no"))
    )
    assert len(select(store(tmp_path).put(one()))) == 1  # SQLite has its own


def test_somebody_reads_all_the_time(tmp_path: Path) -> None:
    kept = store(tmp_path)
    path = kept.put(one())
    with closing(sqlite3.connect(path)) as reader:
        cursor = reader.execute("SELECT * FROM readings")
        for number in range(5):
            kept.put(one(f"m{number}"))
        assert len(cursor.fetchall()) == 1
    assert len(select(path)) == 6


def test_the_file_alone_has_all_rows_while_somebody_has_it_open(
    tmp_path: Path,
) -> None:
    kept = store(tmp_path)
    path = kept.put(one())
    with closing(sqlite3.connect(path)) as other:
        assert other.execute("SELECT count(*) FROM readings").fetchall() == [(1,)]
        kept.put(one("cellar"))
        copy = shutil.copy(path, tmp_path / "copy.db")
    assert len(select(copy)) == 2


def test_a_size_limit_of_the_system(tmp_path: Path) -> None:
    """The disk is full: what was there stays, and so does what still fits."""
    kept = store(tmp_path)
    path = kept.put(one())
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (65536, old[1]))
    try:
        with pytest.raises(OutputError, match="disk") as caught:
            kept.put_rows([row(n) for n in range(3000)], "kitchen")
        assert "room" in caught.value.hint
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)
    assert len(select(path)) == 1
    assert kept.put_rows([row(n) for n in range(3000)], "kitchen") == 3000
    assert len(select(path)) == 3001
    assert select(path, "PRAGMA integrity_check") == [("ok",)]


def test_the_words_for_what_sqlite_says() -> None:
    for code, (why, hint) in module._REASONS.items():
        error = sqlite3.OperationalError("said")
        error.sqlite_errorcode = code | 0x100  # an extended code
        found = module._failed("x.db", error)
        assert why in found.message and found.hint == hint
    assert "said" in module._failed("x.db", sqlite3.Error("said")).message


def test_a_python_without_sqlite(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "sqlite3", None)
    with pytest.raises(OutputError, match="no SQLite"):
        store(tmp_path).put(one())


def test_sqlite_is_imported_when_a_file_is_opened() -> None:
    code = "import sys, iecread.output.sqlite; print('sqlite3' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert done.stdout.strip() == b"False"


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_file_that_is_removed_while_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    kept = store(tmp_path)
    path = Path(kept.put(one()))
    look, turns = module._look_at, []

    def remove(descriptor: int, name: str) -> bool:
        if when == "after":
            found = look(descriptor, name)
        if not turns:
            path.unlink()
        turns.append(name)
        return look(descriptor, name) if when == "before" else found

    monkeypatch.setattr(module, "_look_at", remove)
    kept.put(one("cellar"))
    assert [meter for (meter,) in select(path, "SELECT meter FROM readings")] == [
        "cellar"
    ]


def test_a_run_that_was_killed_while_it_made_the_file(tmp_path: Path) -> None:
    """Its header is there and its table is not, once the journal was rolled back."""
    path = tmp_path / "x.db"
    with closing(sqlite3.connect(path)) as database:
        database.execute(f"PRAGMA application_id = {module.APPLICATION}")
        database.execute(f"PRAGMA user_version = {module.SCHEMA_VERSION}")
    assert path.stat().st_size
    store(tmp_path).check("kitchen")
    store(tmp_path).put(one())
    assert len(select(path)) == 1


# -- many at once


def test_many_threads(tmp_path: Path) -> None:
    start = threading.Barrier(100)
    failures: list[BaseException] = []

    def end(number: int) -> None:
        kept = store(tmp_path)
        start.wait()
        try:
            for turn in range(3):
                kept.put(one(f"m{number}-{turn}"))
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=end, args=(n,)) for n in range(100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not failures
    assert select(tmp_path / "x.db", "SELECT count(*) FROM readings") == [(300,)]


def _put_many(folder: str, name: str) -> None:
    kept = store(Path(folder))
    for number in range(20):
        kept.put(one(f"{name}{number}"))


def test_processes_that_store_in_one_file(tmp_path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    others = [
        spawn.Process(target=_put_many, args=(str(tmp_path), name)) for name in "ab"
    ]
    for other in others:
        other.start()
    for other in others:
        other.join(60)
        assert other.exitcode == 0
    assert select(tmp_path / "x.db", "SELECT count(*) FROM readings") == [(40,)]
    assert [file.name for file in tmp_path.iterdir()] == ["x.db"]


def test_old_times(tmp_path: Path) -> None:
    old = datetime(1960, 1, 1, tzinfo=UTC)
    path = store(tmp_path).put(one(time=old))
    assert select(path, "SELECT unix_us < 0, time FROM readings") == [
        (1, "1960-01-01T00:00:00+00:00")
    ]
