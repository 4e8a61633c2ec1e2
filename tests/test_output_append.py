"""A file that grows: its header, torn rows, full disks, other writers, rotation."""

import errno
import multiprocessing
import os
import sys
import threading
from pathlib import Path

import pytest
from stored import HEADER, append, names

from iecread.errors import OutputError
from iecread.output import append as module
from iecread.output.sink import Sink

posix = pytest.mark.skipif(os.name != "posix", reason="POSIX files")
linux = pytest.mark.skipif(sys.platform != "linux", reason="/dev/full")


def test_the_header_comes_once(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    append(path, "a,1\n")
    append(path, "b,2\n")
    path.touch()
    assert path.read_bytes() == b"time,value\na,1\nb,2\n"


def test_an_empty_file_gets_a_header(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    path.touch()
    append(path, "a,1\n")
    assert path.read_text() == HEADER + "a,1\n"


def test_nothing_to_append_makes_no_file(tmp_path: Path) -> None:
    append(tmp_path / "out.csv", "")
    assert names(tmp_path) == []


def test_what_was_appended_stays_after_a_failure(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    with pytest.raises(ValueError), Sink(str(path), True, HEADER) as sink:
        sink.write("a,1\n")
        raise ValueError
    assert path.read_text() == HEADER + "a,1\n"


@pytest.mark.parametrize(
    "found", ["time,value,unit\na,1,x\n", "time,val\n", "\ufefftime,value\n", "x", "\0"]
)
def test_another_header_is_refused(tmp_path: Path, found: str) -> None:
    path = tmp_path / "out.csv"
    path.write_bytes(found.encode())
    with pytest.raises(OutputError, match="another header"):
        Sink(str(path), append=True, header=HEADER)
    assert path.read_bytes() == found.encode()


def test_another_header_that_came_in_the_meantime(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    sink = Sink(str(path), append=True, header=HEADER)
    path.write_text("other\n")
    with pytest.raises(OutputError, match="another header"):
        sink.write("a,1\n")
    assert path.read_text() == "other\n"


@pytest.mark.parametrize("torn", ["a", "a,1", "x" * 200_000, "a,1\r", "\0" * 5000])
def test_a_torn_row_is_cut_off(tmp_path: Path, torn: str) -> None:
    path = tmp_path / "out.csv"
    path.write_text(HEADER + "z,0\n" + torn, newline="")
    append(path, "b,2\n")
    assert path.read_text() == HEADER + "z,0\nb,2\n"


@pytest.mark.parametrize("length", range(1, len(HEADER)))
def test_a_torn_header_is_begun_anew(tmp_path: Path, length: int) -> None:
    path = tmp_path / "out.csv"
    path.write_text(HEADER[:length])
    append(path, "b,2\n")
    assert path.read_text() == HEADER + "b,2\n"


def test_without_a_header_only_our_own_torn_row_is_cut(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    path.write_text('{"schema": 1}\n{"sch')
    append(path, '{"schema": 1}\n', header="")
    assert path.read_text() == '{"schema": 1}\n' * 2
    path.write_text('{"schema": 1, "ti')
    append(path, '{"schema": 1}\n', header="")
    assert path.read_text() == '{"schema": 1}\n'
    path.write_text("my diary")
    with pytest.raises(OutputError, match="none of ours"):
        append(path, '{"schema": 1}\n', header="")
    assert path.read_text() == "my diary"


@pytest.mark.parametrize("broken", ["write", "fsync"])
def test_no_part_of_a_row_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    path = tmp_path / "out.csv"
    append(path, "a,1\n")
    write = os.write

    def part(descriptor: int, data: memoryview) -> int:
        if len(data) < 4:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(descriptor, data[:2])

    def fails(descriptor: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(module.os, broken, part if broken == "write" else fails)
    with pytest.raises(OutputError):
        append(path, "b,2\n")
    assert path.read_text() == HEADER + "a,1\n"


def test_a_write_is_one_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    write = os.write

    def count(descriptor: int, data: memoryview) -> int:
        calls.append(bytes(data))
        return write(descriptor, data)

    monkeypatch.setattr(module.os, "write", count)
    append(tmp_path / "out", "a,1\nb,2\n")
    assert calls == [b"time,value\na,1\nb,2\n"]


@posix
def test_a_file_rotated_away_between_two_writes(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    with Sink(str(path), True, HEADER) as sink:
        sink.write("a,1\n")
        path.rename(tmp_path / "out.csv.1")
        sink.write("b,2\n")
    assert (tmp_path / "out.csv.1").read_text() == HEADER + "a,1\n"
    assert path.read_text() == HEADER + "b,2\n"


@posix
@pytest.mark.parametrize("new", [False, True])
def test_a_file_rotated_away_while_we_wait_for_the_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, new: bool
) -> None:
    path = tmp_path / "out.csv"
    path.write_text(HEADER)
    lock, turns = module.try_lock, []

    def rotate_first(descriptor: int, *place: int) -> bool:
        if not turns:
            path.rename(tmp_path / "out.csv.1")
            if new:
                path.touch()
        turns.append(descriptor)
        return lock(descriptor, *place)

    monkeypatch.setattr(module, "try_lock", rotate_first)
    append(path, "b,2\n")
    assert len(turns) == 2
    assert (tmp_path / "out.csv.1").read_text() == HEADER
    assert path.read_text() == HEADER + "b,2\n"


@posix
def test_a_writer_waits_for_another_but_not_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import fcntl

    path = tmp_path / "out.csv"
    append(path, "a,1\n")
    with path.open("r+b") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        monkeypatch.setattr(module, "LOCK_TIMEOUT", 0.0)
        with pytest.raises(OutputError, match="locked by another"):
            append(path, "b,2\n")
        monkeypatch.setattr(module, "LOCK_TIMEOUT", 30.0)
        waiting = threading.Thread(target=append, args=(path, "b,2\n"))
        waiting.start()
        waiting.join(0.05)
        assert path.read_text() == HEADER + "a,1\n"
        fcntl.flock(other, fcntl.LOCK_UN)
        waiting.join(5)
    assert path.read_text() == HEADER + "a,1\nb,2\n"


def _append_many(path: str, name: str) -> None:
    with Sink(path, True, HEADER) as sink:
        for number in range(40):
            sink.write("".join(f"{name}{number},{row}\n" for row in range(30)))


def test_processes_that_append_at_once(tmp_path: Path) -> None:
    path = str(tmp_path / "out.csv")
    spawn = multiprocessing.get_context("spawn")
    others = [spawn.Process(target=_append_many, args=(path, n)) for n in "ab"]
    for other in others:
        other.start()
    for other in others:
        other.join(60)
        assert other.exitcode == 0
    lines = Path(path).read_text().splitlines(keepends=True)
    assert lines[0] == HEADER
    blocks = [lines[n : n + 30] for n in range(1, len(lines), 30)]
    assert len(blocks) == 80
    for block in blocks:
        name = block[0].split(",")[0]
        assert block == [f"{name},{row}\n" for row in range(30)]
