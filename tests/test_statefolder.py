"""The state folder: where it is, its lock, and files replaced whole."""

import os
import stat
import sys
import threading

import pytest

from iecread import statefolder
from iecread.errors import ConfigError
from iecread.statefolder import (
    candidates,
    locked,
    read_file,
    replace_file,
    state_folder,
)

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="POSIX paths")


@POSIX
@pytest.mark.parametrize(
    ("platform", "environ", "user", "folders"),
    [
        ("linux", {"HOME": "/home/a"}, 1000, ["/home/a/.local/state/iecread"]),
        ("linux", {"HOME": "/h", "XDG_STATE_HOME": "/x"}, 1000, ["/x/iecread"]),
        (
            "linux",
            {"HOME": "/h", "XDG_STATE_HOME": "relative"},
            1000,
            ["/h/.local/state/iecread"],
        ),
        ("linux", {}, 1000, []),
        ("linux", {"HOME": ""}, 1000, []),
        ("linux", {}, 0, ["/var/lib/iecread"]),
        (
            "linux",
            {"HOME": "/root"},
            0,
            ["/root/.local/state/iecread", "/var/lib/iecread"],
        ),
        ("linux", {"STATE_DIRECTORY": "/var/lib/a:/b"}, 1000, ["/var/lib/a"]),
        (
            "darwin",
            {"HOME": "/Users/a", "XDG_STATE_HOME": "/x"},
            501,
            ["/Users/a/Library/Application Support/iecread"],
        ),
        ("win32", {"LOCALAPPDATA": r"C:\L", "HOME": "/h"}, 0, [r"C:\L\iecread"]),
        (
            "win32",
            {"USERPROFILE": r"C:\U\a"},
            0,
            [r"C:\U\a\AppData\Local\iecread"],
        ),
        ("win32", {}, 0, []),
        ("linux", {"IECREAD_STATE_DIR": "/s", "HOME": "/h"}, 0, ["/s"]),
        ("win32", {"IECREAD_STATE_DIR": "/s", "LOCALAPPDATA": "l"}, 0, ["/s"]),
    ],
)
def test_where_it_may_be(platform, environ, user, folders):
    assert candidates(environ, platform, user) == folders


def test_a_relative_folder_that_was_said_is_made_absolute(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert candidates({"IECREAD_STATE_DIR": "state"}) == [str(tmp_path / "state")]


@POSIX
def test_it_is_made_private(tmp_path):
    folder = state_folder({"HOME": str(tmp_path)})
    assert folder == f"{tmp_path}/.local/state/iecread"
    assert stat.S_IMODE(os.stat(folder).st_mode) == 0o700
    assert state_folder({"HOME": str(tmp_path)}) == folder


@POSIX
def test_without_a_home_that_can_be_written(tmp_path, monkeypatch):
    (tmp_path / "home").touch()  # as good as /nonexistent, for root as well
    monkeypatch.setattr(os, "getuid", lambda: 4242)
    monkeypatch.setattr(statefolder, "_shared_place", lambda folder, user: folder)
    folder = state_folder({"HOME": str(tmp_path / "home")})
    assert folder.endswith("/iecread-4242")
    assert state_folder({}) == folder


@POSIX
def test_a_folder_that_was_said_has_no_second(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="file") as error:
        state_folder({"IECREAD_STATE_DIR": f"{tmp_path}/file", "HOME": str(tmp_path)})
    assert "IECREAD_STATE_DIR" in error.value.hint


@POSIX
def test_a_place_that_all_may_write(tmp_path):
    mine = os.getuid()
    folder = f"{tmp_path}/iecread-{mine}"
    assert statefolder._shared_place(folder, mine) == folder
    assert stat.S_IMODE(os.stat(folder).st_mode) == 0o700
    assert statefolder._shared_place(folder, mine) == folder
    with pytest.raises(PermissionError):
        statefolder._shared_place(folder, mine + 1)
    os.chmod(folder, 0o750)
    with pytest.raises(PermissionError):
        statefolder._shared_place(folder, mine)
    os.close(os.open(f"{tmp_path}/file", os.O_CREAT, 0o600))
    with pytest.raises(PermissionError):
        statefolder._shared_place(f"{tmp_path}/file", mine)
    os.symlink(folder, f"{tmp_path}/link")
    os.chmod(folder, 0o700)
    with pytest.raises(PermissionError):
        statefolder._shared_place(f"{tmp_path}/link", mine)


def test_the_lock_keeps_others_out(tmp_path):
    folder = str(tmp_path)
    seen = []

    def other() -> None:
        with locked(folder):
            seen.append("other")

    with locked(folder):
        thread = threading.Thread(target=other)
        thread.start()
        with pytest.raises(TimeoutError), locked(folder, timeout=0.05):
            raise AssertionError("two in the lock")
        seen.append("mine")
    thread.join(5)
    assert seen == ["mine", "other"]
    with locked(folder, timeout=0):
        pass


@POSIX
def test_a_lock_that_leads_elsewhere(tmp_path):
    target = tmp_path / "target"
    (tmp_path / "lock").symlink_to(target)
    with pytest.raises(OSError), locked(str(tmp_path)):
        pass
    assert not target.exists()


def test_files_are_replaced_whole(tmp_path, monkeypatch):
    path = str(tmp_path / "file")
    replace_file(path, b"old")
    replace_file(path, b"new")
    assert read_file(path, 100)[0] == b"new"
    assert read_file(path, 2)[0] == b"ne"
    if sys.platform != "win32":
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o600

    def full(descriptor: int, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OSError, match="space"):
        replace_file(path, b"newer")
    assert read_file(path, 100)[0] == b"new"
    assert os.listdir(tmp_path) == ["file"]


@POSIX
def test_what_is_no_plain_file(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    for path in (tmp_path / "fifo", tmp_path, "/dev/zero"):
        with pytest.raises(OSError):
            read_file(str(path), 10)
    (tmp_path / "file.tmp").symlink_to(tmp_path / "target")
    with pytest.raises(OSError):
        replace_file(str(tmp_path / "file"), b"x")
    assert not (tmp_path / "target").exists()
