"""``readout --every`` and ``listen`` on real lines: ptys, TCP, RFC 2217."""

import csv
import itertools
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import tty
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from conftest import Result
from test_rfc2217 import Server, no_rest_after_closing

from iecread import comeback
from iecread.schedule import Slot, Timer

__all__ = ["no_rest_after_closing"]  # a fixture
pytestmark = pytest.mark.filterwarnings("ignore:set.* is deprecated")

P1 = (
    b"/EXA5DEMO-P1\r\n\r\n1-3:0.2.8(50)\r\n0-0:1.0.0(240601120000S)\r\n"
    b"1-0:1.8.1(001234.567*kWh)\r\n1-0:1.7.0(00.412*kW)\r\n"
    b"0-1:24.2.1(240601115500S)(00123.456*m3)\r\n!7FCD\r\n"
)
LISTEN = ("--baud", "115200", "--framing", "8n1", "-f", "jsonl")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comeback, "FIRST_PAUSE", 0.02)


class Adapter:
    """An adapter with a by-id name that is plugged in and pulled out."""

    def __init__(self, folder: Path) -> None:
        self.name = folder / "usb-head-if00"
        self.master = -1

    def plug_in(self) -> None:
        self.master, slave = os.openpty()
        tty.setraw(slave)
        self.name.symlink_to(os.ttyname(slave))
        os.close(slave)

    def pull_out(self) -> None:
        self.name.unlink()
        os.close(self.master)

    def say(self, data: bytes) -> None:
        os.write(self.master, data)


class Gateway:
    """A TCP gateway for one client at a time."""

    def __init__(self, folder: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            self._place = server.getsockname()
        self.name = f"socket://127.0.0.1:{self._place[1]}"
        self.client: socket.socket | None = None

    def plug_in(self) -> None:
        self._server = socket.create_server(self._place)

    def say(self, data: bytes) -> None:
        self._server.settimeout(5)
        if self.client is None:
            self.client, _ = self._server.accept()
        self.client.sendall(data)

    def pull_out(self) -> None:
        self._server.close()
        if self.client is not None:
            self.client.close()
            self.client = None


class SerialServer:
    """A serial port behind RFC 2217."""

    def __init__(self, folder: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            self._place = server.getsockname()
        self.name = f"rfc2217://127.0.0.1:{self._place[1]}"

    def plug_in(self) -> None:
        self._server = Server(self._place)

    def say(self, data: bytes) -> None:
        if self._server.client is not None:
            self._server.send(data)

    def pull_out(self) -> None:
        if self._server.client is not None:
            with suppress(OSError):  # the other side was quicker
                self._server.hang_up()
        self._server.close()


Far = Adapter | Gateway | SerialServer


class Rows:
    """The rows that a command has stored so far."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __len__(self) -> int:
        return self.file.read_text().count("\n") if self.file.exists() else 0


@pytest.mark.parametrize("kind", [Adapter, Gateway, SerialServer])
def test_listen_goes_on_where_it_comes_back(
    run: Callable[..., Result], tmp_path: Path, kind: type[Far]
) -> None:
    far, rows = kind(tmp_path), Rows(tmp_path / "rows.jsonl")
    over = threading.Event()

    def say_until(count: float) -> None:
        while (before := len(rows)) < count and not over.wait(0.01):
            with suppress(OSError):
                far.say(P1)
            for _ in range(20):  # one at a time, or all would be there too soon
                if len(rows) > before or over.wait(0.01):
                    break

    def life() -> None:
        say_until(2)
        with suppress(OSError):
            far.say(P1[:90])  # cut off
        far.pull_out()
        over.wait(0.1)
        far.plug_in()
        say_until(float("inf"))

    far.plug_in()
    thread = threading.Thread(target=life)
    thread.start()
    try:
        output = ("-o", str(rows.file), "--append")
        result = run("listen", str(far.name), *LISTEN, "--count", "5", *output)
    finally:
        over.set()
        thread.join()
        far.pull_out()
    stored = [json.loads(line) for line in rows.file.read_text().splitlines()]
    assert [r["block_check"] for r in stored] == ["ok"] * 5
    lost, back = result.stderr.splitlines()
    lost = json.loads(lost)
    assert lost["error"] == "port" and lost["meter"] == str(far.name)
    assert lost["hint"] == "it is opened again as soon as it is back"
    name = str(far.name)
    assert re.fullmatch(rf"iecread: {name}: port '{name}' is back \([01] s\)", back)


def test_a_port_that_is_not_there_is_an_error_unless_waited_for(
    run: Callable[..., Result], tmp_path: Path
) -> None:
    far = Adapter(tmp_path)
    argv = ("listen", str(far.name), *LISTEN, "--count", "1")
    assert "no such port" in run(*argv, exit=5).stderr
    assert "no such port" in run(*argv, "--wait", "50ms", exit=5).stderr
    over = threading.Event()

    def life() -> None:
        over.wait(0.1)
        far.plug_in()
        while not over.wait(0.03):
            far.say(P1)

    thread = threading.Thread(target=life)
    thread.start()
    try:
        assert run(*argv, "--wait", "10s").stderr == ""
    finally:
        over.set()
        thread.join()
        far.pull_out()


def test_damage_is_told_seldom(run: Callable[..., Result], tmp_path: Path) -> None:
    far, over = Adapter(tmp_path), threading.Event()
    far.plug_in()

    def life() -> None:
        for number in itertools.count():
            if over.wait(0.01):
                break
            far.say(P1 if number > 30 else P1.replace(b"412", b"413"))

    thread = threading.Thread(target=life)
    thread.start()
    try:
        result = run("listen", str(far.name), *LISTEN[:-2], "--count=1", "-fvalue")
    finally:
        over.set()
        thread.join()
        far.pull_out()
    first, tenth = result.stderr.splitlines()
    assert "wrong block check: telegram of " in first and "in a row" not in first
    assert tenth.endswith("(10 in a row)")


# --- readout --every --------------------------------------------------------------

HOUSE = "sim://household?reaction=20"
PUSH = ("sim://p1?period=0.01", "--mode", "d", "--baud", "115200")
AGAIN = ("--every", "1h", "--count")


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> list[Callable[[], None]]:
    """Slots come without waiting; what is in the list is called ahead of each."""
    before: list[Callable[[], None]] = []

    def wait(timer: Timer) -> Slot:
        if before:
            before.pop(0)()
        return Slot(time.time(), 0)

    monkeypatch.setattr(Timer, "wait", wait)
    return before


def test_each_slot_is_a_readout(run: Callable[..., Result]) -> None:
    start = time.time()
    argv = ("--every", "1s", "--count", "2", "--only", "1.8.1")
    result = run("readout", *PUSH, *argv)
    header, *rows = csv.reader(result.stdout.splitlines())
    assert header[0] == "time" and [row[3] for row in rows] == ["1-0:1.8.1"] * 2
    assert result.stderr == "" and 1 <= time.time() - start < 5


@pytest.mark.usefixtures("at_once")
def test_formats_of_a_series(run: Callable[..., Result], tmp_path: Path) -> None:
    argv = ("readout", *PUSH, *AGAIN, "2", "--only", "1.8.1")
    assert len(run(*argv, "-f", "jsonl").stdout.splitlines()) == 2
    assert len(run(*argv, "-f", "json").json) == 2
    assert run(*argv, "-f", "prom").stdout.count("# HELP iecread_up") == 2
    for name, lines in ("a.csv", 3), ("a.jsonl", 2), ("a.txt", None):
        file = tmp_path / name
        run(*argv, "-o", str(file), "--append")
        if lines:
            assert len(file.read_text().splitlines()) == lines
    # without --append the file is what the last readout was
    run(*argv, "-o", str(tmp_path / "last.json"))
    assert json.loads((tmp_path / "last.json").read_text())["mode"] == "D"
    assert not list(tmp_path.glob(".iecread-*"))


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize(
    ("target", "argv", "exit", "kinds"),
    [
        ("sim://p1?mute=1", ["--mode=d", "--timeout=50ms"], 7, ["no-answer"] * 2),
        (PUSH[0], [*PUSH[1:], "--expect-serial=7"], 11, ["check"] * 2),
        (PUSH[0], [*PUSH[1:], "--only=1.8.1,9.9.9"], 3, ["partial"] * 2),
        (PUSH[0], [*PUSH[1:], "--strict", "--bcc=off"], 8, ["protocol"] * 2),
    ],
)
def test_what_fails_is_one_line_and_it_goes_on(
    run: Callable[..., Result],
    target: str,
    argv: list[str],
    exit: int,
    kinds: list[str],
) -> None:
    result = run("readout", target, *AGAIN, "2", *argv, exit=exit)
    lines = result.stderr.splitlines()
    assert [line.split(": ")[2] for line in lines] == kinds
    result = run("readout", target, *AGAIN, "2", *argv, "-fjsonl", exit=exit)
    errors = [json.loads(line) for line in result.stderr.splitlines()]
    assert [(e["error"], e["meter"]) for e in errors] == [(k, target) for k in kinds]


def test_some_fail(
    run: Callable[..., Result], tmp_path: Path, at_once: list[Callable[[], None]]
) -> None:
    """A folder that is not there for one slot; rows of the others are stored."""
    folder, away = tmp_path / "out", tmp_path / "away"
    folder.mkdir()
    at_once += [
        lambda: None,
        lambda: folder.rename(away),
        lambda: away.rename(folder),
    ]
    file = folder / "a.csv"
    argv = (*AGAIN, "3", "--only=1.8.1", "-o", str(file), "--append")
    result = run("readout", *PUSH, *argv, exit=3)
    assert result.stderr.count("\n") == 1 and ": output: cannot write" in result.stderr
    assert len(file.read_text().splitlines()) == 3


def test_the_file_is_rotated_away(
    run: Callable[..., Result], tmp_path: Path, at_once: list[Callable[[], None]]
) -> None:
    file, old = tmp_path / "a.csv", tmp_path / "a.csv.1"
    at_once += [lambda: None, lambda: file.rename(old) and None]
    argv = (*AGAIN, "2", "--only=1.8.1", "-o", str(file), "--append")
    run("readout", *PUSH, *argv)
    for part in file, old:
        assert (
            part.read_text().startswith("time,") and part.read_text().count("\n") == 2
        )


def test_what_is_wrong_is_said_before_the_first_slot(
    run: Callable[..., Result], tmp_path: Path
) -> None:
    argv = ("--every", "1d")
    run("readout", "/dev/none", *argv, exit=5)
    run("readout", "/dev/none", *argv, "--wait", "10ms", exit=5)
    run("readout", f"{HOUSE}&busy=1", *argv, exit=6)
    run("readout", HOUSE, *argv, "-o", "/none/a.csv", exit=10)
    run("readout", HOUSE, *argv, "-f", "raw", "--only", "1.8.0", exit=2)
    run("readout", HOUSE, "--every", "100ms", exit=2)
    run("readout", HOUSE, "--jitter", "1s", exit=2)
    run("readout", HOUSE, "--count", "1", exit=2)
    file = tmp_path / "old.json"
    file.write_text("old")
    run("readout", "/dev/none", *argv, "-o", str(file), exit=5)
    assert file.read_text() == "old" and list(tmp_path.iterdir()) == [file]


def test_a_readout_waits_for_its_line(
    run: Callable[..., Result], tmp_path: Path, at_once: list[Callable[[], None]]
) -> None:
    """Away when a slot comes, it is read as soon as it is back."""
    far, over = Adapter(tmp_path), threading.Event()
    far.plug_in()

    def life() -> None:
        over.wait(0.1)
        far.plug_in()
        while not over.wait(0.03):
            far.say(P1)

    thread = threading.Thread(target=life)
    at_once += [lambda: (far.pull_out(), thread.start()) and None]
    try:
        argv = (*LISTEN, "--mode", "d", *AGAIN, "1")
        result = run("readout", str(far.name), *argv)
    finally:
        over.set()
        thread.join()
        far.pull_out()
    assert result.json["block_check"] == "ok"
    lost, back = result.stderr.splitlines()
    assert json.loads(lost)["error"] == "port" and " is back (" in back


@pytest.mark.skipif(os.name != "posix", reason="POSIX signals")
def test_sigterm_between_readouts(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    argv = ("readout", *PUSH, "--every", "1s", "-o", str(file), "--append")
    command = [sys.executable, "-m", "iecread", *argv]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    rows = Rows(file)
    deadline = time.monotonic() + 20
    while not len(rows) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    assert process.stderr is not None
    assert process.stderr.read() == "iecread: terminated\n"
    assert process.wait(20) == 143
    assert file.read_text().endswith("\n")
