"""Input that lies: a stranger's meters.toml, planted links, meters without end."""

import os
import shutil
import sys
from pathlib import Path

import pytest

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="POSIX owners")
ROOT = pytest.mark.skipif(
    sys.platform == "win32" or os.geteuid() != 0, reason="only root gives files away"
)
FAST = "sim://household?reaction=20"


def stranger(folder: Path) -> Path:
    """A meters.toml with a command, and the file that the command makes."""
    made = folder / "made"
    (folder / "meters.toml").write_text(
        f'schema = 1\n[meters.x]\nport = "{FAST}"\n'
        f'password = {{ command = ["{shutil.which("touch")}", "{made}"] }}\n'
    )
    return made


@POSIX
def test_no_command_of_a_file_that_all_may_write(run, tmp_path, monkeypatch) -> None:
    made = stranger(tmp_path)
    monkeypatch.chdir(tmp_path)
    os.chmod("meters.toml", 0o666)
    found = run("read", "x", "1.8.0", exit=4)
    assert "all users may write" in found.stderr and "meters.toml:4" in found.stderr
    assert not made.exists()
    assert run("readout", "x", "--only", "1.8.0", "-f", "value").stdout
    named = run("read", "x", "1.8.0", "-c", "meters.toml", exit=4)
    assert "is empty" in named.stderr  # asked: it prints none
    assert made.exists()


@ROOT
def test_no_command_of_another_users_file(run, tmp_path, monkeypatch) -> None:
    made = stranger(tmp_path)
    monkeypatch.chdir(tmp_path)
    os.chown("meters.toml", 12345, 12345)
    assert "another user owns" in run("read", "x", "1.8.0", exit=4).stderr
    assert not made.exists()
    os.chown("meters.toml", 0, 0)
    run("read", "x", "1.8.0", exit=4)
    assert made.exists()


@ROOT
def test_a_planted_link_is_not_followed(run, tmp_path) -> None:
    shared, own = tmp_path / "shared", tmp_path / "own"
    shared.mkdir()
    own.write_text("precious")
    shared.chmod(0o1777)
    link = shared / "out.csv"
    link.symlink_to(own)
    os.chown(link, 12345, 12345, follow_symlinks=False)
    found = run("readout", FAST, "-o", str(link), exit=10)
    assert "a link of another user" in found.stderr
    assert own.read_text() == "precious"
    os.chown(link, 0, 0, follow_symlinks=False)
    run("readout", FAST, "--only", "1.8.0", "-o", str(link))
    assert own.read_text().startswith("time,")
