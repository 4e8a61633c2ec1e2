"""Where the text goes: whole files, growing files, streams, and their failures."""

import errno
import io
import os
import stat
import sys
from pathlib import Path

import pytest
from stored import HEADER, append, names

from iecread.errors import OutputError
from iecread.output import append as module
from iecread.output.sink import Sink

posix = pytest.mark.skipif(os.name != "posix", reason="POSIX files")
linux = pytest.mark.skipif(sys.platform != "linux", reason="/dev/full")


# -- a file replaced as a whole


def test_a_file_appears_only_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    path.write_text("old\n")
    with Sink(str(path), header=HEADER) as sink:
        sink.write("a,1\n")
        sink.write("b,2\n")
        assert path.read_text() == "old\n"
    assert path.read_bytes() == b"time,value\na,1\nb,2\n"
    assert names(tmp_path) == ["out.csv"]


def test_after_a_failure_the_old_file_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    path.write_text("old\n")
    with pytest.raises(KeyboardInterrupt), Sink(str(path)) as sink:
        sink.write("half")
        raise KeyboardInterrupt
    assert path.read_text() == "old\n"
    assert names(tmp_path) == ["out.csv"]


def test_nothing_written_still_has_its_header(tmp_path: Path) -> None:
    with Sink(str(tmp_path / "out.csv"), header=HEADER):
        pass
    assert (tmp_path / "out.csv").read_text() == HEADER


def test_bytes_and_line_ends_stay_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "out"
    with Sink(str(path)) as sink:
        sink.write(b"\x02\xff\r\n")
        sink.write("\u00b0\r\n\udc80")
    assert path.read_bytes() == b"\x02\xff\r\n\xc2\xb0\r\n\\udc80"


@posix
def test_permissions_are_kept_or_those_of_the_umask(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    old.write_text("")
    old.chmod(0o640)
    umask = os.umask(0o027)
    try:
        for path in (old, new):
            with Sink(str(path)) as sink:
                sink.write("x")
    finally:
        os.umask(umask)
    assert stat.S_IMODE(old.stat().st_mode) == 0o640
    assert stat.S_IMODE(new.stat().st_mode) == 0o640
    old.chmod(0o600)
    sink = Sink(str(old))
    (temporary,) = tmp_path.glob(".iecread-*.tmp")
    assert stat.S_IMODE(temporary.stat().st_mode) == 0o600
    sink.abort()


@posix
def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    link = tmp_path / "link"
    link.symlink_to("folder/file")
    with Sink(str(link)) as sink:
        sink.write("x")
    assert link.is_symlink()
    assert (tmp_path / "folder" / "file").read_text() == "x"


@pytest.mark.parametrize("broken", ["write", "fsync", "replace"])
def test_a_full_disk_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    path = tmp_path / "out"
    path.write_text("old")

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(module.os, broken, full)
    with pytest.raises(OutputError, match="no space left") as caught:
        with Sink(str(path)) as sink:
            sink.write("new")
    assert "room" in caught.value.hint
    assert path.read_text() == "old"
    assert names(tmp_path) == ["out"]


@posix
def test_a_size_limit_of_the_system(tmp_path: Path) -> None:
    """The real thing: the system takes a part, then refuses."""
    import resource

    path = tmp_path / "grown"
    append(path, "a,1\n")
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, old[1]))
    try:
        with pytest.raises(OutputError, match="file too large"):
            append(path, "b,2\n" * 2000)
        with pytest.raises(OutputError), Sink(str(tmp_path / "whole")) as sink:
            sink.write("b,2\n" * 2000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)
    assert path.read_text() == HEADER + "a,1\n"
    assert names(tmp_path) == ["grown"]


@pytest.mark.parametrize("grow", [False, True])
def test_places_that_cannot_be_are_found_at_once(tmp_path: Path, grow: bool) -> None:
    missing = tmp_path / "no" / "out"
    with pytest.raises(OutputError, match="no such folder") as caught:
        Sink(str(missing), grow)
    assert repr(str(missing.parent)) in caught.value.message
    with pytest.raises(OutputError, match="it is a folder"):
        Sink(str(tmp_path), grow)
    with pytest.raises(OutputError, match="is a directory"):
        Sink(str(tmp_path / "new") + "/", grow)
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="not a directory"):
        Sink(str(tmp_path / "file" / "out"), grow)
    assert names(tmp_path) == ["file"]


@pytest.mark.parametrize("grow", [False, True])
def test_a_place_that_may_not_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, grow: bool
) -> None:
    path = tmp_path / "out"
    if not grow:  # a rename would replace a file that is protected
        path.write_text("old")
    monkeypatch.setattr(module.os, "access", lambda *_: False)  # even for root
    with pytest.raises(OutputError, match="permission denied") as caught:
        Sink(str(path), grow)
    assert repr(str(tmp_path)) in caught.value.hint


def test_a_full_disk_found_by_the_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(module.os, "write", full)
    with pytest.raises(OutputError), Sink(str(tmp_path / "out"), header=HEADER):
        pass
    assert names(tmp_path) == []


# -- streams and devices


@pytest.mark.parametrize("target", [None, "-", "/dev/stdout"])
def test_standard_output(
    target: str | None, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    with Sink(target, header=HEADER) as sink:
        sink.write("a,1\n")
        assert capfdbinary.readouterr().out == b"time,value\na,1\n"  # at once
        sink.write(b"\xff\r\n")
    assert capfdbinary.readouterr().out == b"\xff\r\n"


def test_standard_output_that_a_caller_replaced(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = io.StringIO()
    monkeypatch.setattr(sys, "stdout", text)
    with Sink(None) as sink:
        sink.write("\u00b0\n")
    assert text.getvalue() == "\u00b0\n"


def test_standard_output_that_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    with pytest.raises(OutputError, match="closed"), Sink(None) as sink:
        sink.write("x")


@posix
def test_a_reader_that_is_gone_is_left_to_the_caller(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "w") as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        with pytest.raises(BrokenPipeError):
            Sink(None).write("x\n")
        stream.flush()  # nothing is left behind


@linux
def test_standard_output_on_a_full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    with open("/dev/full", "w") as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        with pytest.raises(OutputError, match="no space left"):
            Sink(None).write("x\n")
        stream.flush()


@linux
@pytest.mark.parametrize("grow", [False, True])
def test_devices_are_written_as_they_are(grow: bool) -> None:
    with Sink("/dev/null", grow, HEADER) as sink:
        sink.write("x")
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)
    with pytest.raises(OutputError, match="no space left"):
        with Sink("/dev/full", grow, HEADER) as sink:
            sink.write("x")


@posix
def test_a_fifo(tmp_path: Path) -> None:
    path = str(tmp_path / "fifo")
    os.mkfifo(path)
    with pytest.raises(OutputError, match="nobody reads"), Sink(path) as sink:
        sink.write("x")
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    with Sink(path, header=HEADER) as sink:
        sink.write("a,1\n")
    assert os.read(reader, 100) == b"time,value\na,1\n"
    os.close(reader)


@posix
def test_an_inherited_descriptor(tmp_path: Path) -> None:
    with (tmp_path / "log").open("wb") as log:
        log.write(b"before\n")
        log.flush()
        with Sink(f"/dev/fd/{log.fileno()}") as sink:
            sink.write("x\n")
    assert (tmp_path / "log").read_text() == "before\nx\n"
