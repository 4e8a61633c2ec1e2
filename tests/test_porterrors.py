"""What an error says, and what it finds out about the machine."""

import fcntl
import grp
import os
import pwd
import subprocess
import sys
import types
from pathlib import Path

import pytest

from iecread.transports import porterrors

PORTS = ["/dev/ttyUSB0", "/dev/ttyACM0", "/dev/serial/by-id/usb-FTDI_head-if00-port0"]


@pytest.fixture
def ports(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    names = list(PORTS)
    monkeypatch.setattr(porterrors, "candidates", lambda: names)
    return names


def test_a_close_name_is_suggested(ports: list[str]) -> None:
    error = porterrors.no_such_port("/dev/ttyUSB1")
    assert error.message == "no such port: '/dev/ttyUSB1'"
    assert error.hint == "did you mean '/dev/ttyUSB0'?"
    error = porterrors.no_such_port("/dev/serial/by-id/usb-FTDI_head-if00-port1")
    assert error.hint == f"did you mean {PORTS[2]!r}?"


def test_ports_are_listed_if_none_is_close(ports: list[str]) -> None:
    assert porterrors.no_such_port("./x").hint == "ports here: " + ", ".join(PORTS)
    ports[:] = [f"/dev/ttyUSB{number}" for number in range(9)]
    assert porterrors.no_such_port("./x").hint.count("/dev/") == 4


def test_no_ports_at_all(ports: list[str]) -> None:
    ports.clear()
    assert "plugged in" in porterrors.no_such_port("/dev/ttyUSB0").hint


def test_candidates_are_device_names() -> None:
    assert all(name.startswith("/dev/") for name in porterrors.candidates())


def forbidden(
    monkeypatch: pytest.MonkeyPatch, *, mode: int = 0o20660, group: int = 20
) -> porterrors.PortError:
    """Return the error for a device of that mode and group, seen by user ``anna``."""
    node = types.SimpleNamespace(st_mode=mode, st_gid=group)
    with monkeypatch.context() as patch:
        patch.setattr(os, "stat", lambda _: node)
        patch.setattr(os, "getegid", lambda: 1000)
        patch.setattr(os, "getgroups", lambda: [1000, 27])
        patch.setattr(
            grp,
            "getgrgid",
            lambda gid: types.SimpleNamespace(
                gr_name={20: "dialout", 5: "uucp", 27: "sudo", 0: "root"}[gid],
                gr_mem=["anna"] if gid == 5 else [],
            ),
        )
        patch.setattr(pwd, "getpwuid", lambda _: types.SimpleNamespace(pw_name="anna"))
        return porterrors.no_permission("/dev/ttyUSB0")


def test_permission_names_group_and_command(monkeypatch: pytest.MonkeyPatch) -> None:
    error = forbidden(monkeypatch)
    assert error.message == (
        "no permission to open '/dev/ttyUSB0': it belongs to group 'dialout'"
    )
    assert error.hint == "sudo usermod -aG dialout $USER, then log in again"


def test_permission_of_a_group_that_does_not_help(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    chown = "sudo chown $USER /dev/ttyUSB0"
    assert forbidden(monkeypatch, mode=0o20600).hint.startswith(chown)
    assert forbidden(monkeypatch, mode=0o20640).hint.startswith(chown)
    assert forbidden(monkeypatch, group=0).hint.startswith(chown)
    assert "container" in forbidden(monkeypatch, group=27).hint
    assert "newgrp uucp" in forbidden(monkeypatch, group=5).hint


def test_permission_where_nothing_can_be_found_out() -> None:
    error = porterrors.no_permission("/no/such/dir")
    assert error.message == "no permission to open '/no/such/dir'"
    assert "/no/such/dir" in error.hint


def test_the_locker_is_told_from_others(tmp_path: Path) -> None:
    path = tmp_path / "device"
    path.write_text("")
    with path.open() as opened:
        me = porterrors.Holder(os.getpid(), Path("/proc/self/comm").read_text().strip())
        assert porterrors.holders(str(path)) == [me]  # it is open
        assert porterrors._lockers(str(path)) == []
        fcntl.flock(opened, fcntl.LOCK_EX)
        assert porterrors._lockers(str(path)) == [os.getpid()]
        with path.open() as bystander:
            other = subprocess.Popen(["sleep", "60"], stdin=bystander)
        try:
            assert porterrors.holders(str(path)) == [me]
        finally:
            other.kill()
            other.wait()
        link = tmp_path / "link"
        link.symlink_to(path)
        assert porterrors.holders(str(link)) == [me]
    assert porterrors.holders(str(path)) == []
    assert porterrors.holders(str(tmp_path / "none")) == []


def test_holders_are_looked_up_on_linux_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "major")  # as on Windows
    monkeypatch.setattr(sys, "platform", "win32")
    assert porterrors.holders(str(tmp_path)) == []


def test_in_use_without_knowing_by_whom(tmp_path: Path) -> None:
    error = porterrors.in_use(str(tmp_path / "none"))
    assert error.message.endswith("is in use by another program")
    assert error.kind == "busy"


def test_messages_are_one_line_each() -> None:
    errors = [
        porterrors.no_such_port("a\nb"),
        porterrors.not_a_port("a\nb", 0o040755),
        porterrors.not_a_port("a\nb", 0o100644),
        porterrors.no_permission("a\nb"),
        porterrors.in_use("a\nb"),
        porterrors.lost("a\nb"),
        porterrors.setting_refused("a\nb", "300 Bd"),
        porterrors.closed_by_peer("a\nb"),
        porterrors.cannot_connect("a\nb", "h", OSError(5, "words")),
    ]
    for error in errors:
        assert "\n" not in error.message + error.hint
        assert error.hint
        assert not error.message.endswith(".")
