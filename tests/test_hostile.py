"""Input that lies: a stranger's meters.toml, planted links, meters without end."""

import csv
import itertools
import json
import os
import shutil
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from wire import framed

from iecread.protocol.bcc import bcc
from iecread.transports.memory import Clock, MemoryTransport

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


# --- meters that lie ---------------------------------------------------------

Lie = Callable[[bytes], Iterable[bytes] | None]
IDENTIFICATION = b"/SIM5LIAR\r\n"
REGISTER = b"1.8.0(000123.4*kWh)\r\n"
P0 = b"\x01P0\x02()\x03" + bytes([bcc(b"P0\x02()\x03")])
HOURS = 3600.0


class Liar:
    """A meter at the far end of a line that says what it likes, 64,000 bytes a second.

    Args:
        lie: given what came from the reader, without parity, the bytes that follow; an
            answer replaces what is still to be said, None goes on with it.
        pause: seconds between two pieces where these are to be single.
    """

    def __init__(self, lie: Lie, pause: float = 0.0) -> None:
        self.said = 0
        self._lie, self._pause = lie, pause
        self._due: float | None = None
        self._pieces: Iterator[bytes] = iter(())
        self._next: deque[bytes] = deque()

    def receive(self, data: bytes, now: float) -> None:
        answer = self._lie(bytes(byte & 0x7F for byte in data))
        if answer is not None:
            self._pieces = iter(answer)
            self._go_on(now + 0.2 - self._pause)

    def _go_on(self, due: float) -> None:
        piece = next(self._pieces, None)
        self._next.clear()
        self._due = None if piece is None else due + len(piece) / 64_000 + self._pause
        if piece is not None:
            self._next.append(piece)

    def next_delivery(self) -> float | None:
        return self._due

    def deliveries(self, now: float) -> bytes:
        if self._due is None or now < self._due:
            return b""
        data = self._next.popleft()
        self.said += len(data)
        self._go_on(self._due)
        return data

    def set_speed(self, baud: int) -> None:
        pass


@pytest.fixture
def liar(monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[Liar, Clock]]:
    """``liar(lie)`` is the meter at ``/liar``, and the clock on which it speaks."""

    def liar(lie: Lie, pause: float = 0.0) -> tuple[Liar, Clock]:
        clock, far = Clock(), Liar(lie, pause)
        watch = {"monotonic": clock.monotonic, "sleep": clock.sleep}
        line = MemoryTransport(far, "/liar", **watch)
        line.open()
        monkeypatch.setattr("iecread.meterline.open_line", lambda *_, **__: line)
        monkeypatch.setattr("iecread.capture.time", SimpleNamespace(**watch))
        return far, clock

    return liar


def readout_of(*answers: Iterable[bytes]) -> Lie:
    """A meter that answers the option select, and whatever comes then, so."""
    left = iter(answers)

    def lie(heard: bytes) -> Iterable[bytes] | None:
        if heard.endswith(b"!\r\n"):
            return [IDENTIFICATION]
        return None if heard == b"\x01B0\x03q" else next(left, None)

    return lie


def session_of(answers: Callable[[], Iterable[bytes]]) -> Lie:
    """A meter that lets one into programming mode and answers all commands so."""

    def lie(heard: bytes) -> Iterable[bytes] | None:
        if heard.endswith(b"!\r\n"):
            return [IDENTIFICATION]
        if heard == b"\x01B0\x03q":
            return ()
        return [P0] if heard.startswith(b"\x060") else answers()

    return lie


def for_ever(piece: bytes) -> Iterator[bytes]:
    return itertools.repeat(piece * max(1, 20_000 // len(piece)))


def test_right_parts_without_an_end(run, liar) -> None:
    part = framed(REGISTER, last=False)
    far, clock = liar(readout_of(*itertools.repeat([part], 20_000)))
    found = run("readout", "/liar", exit=8)
    assert "parts without an end: 4097 with" in found.stderr
    assert far.said < 4200 * len(part) and clock.now < HOURS / 2


def test_right_parts_of_a_register_without_an_end(run, liar) -> None:
    far, clock = liar(session_of(lambda: [framed(b"(1*kWh)", last=False)]))
    found = run("read", "/liar", "1.8.0", exit=8)
    assert "register 1.8.0: parts without an end: 4097 with" in found.stderr
    assert clock.now < HOURS / 2


@pytest.mark.parametrize("unit", [b"\0", P0])
def test_what_is_no_answer_without_an_end(run, liar, monkeypatch, unit) -> None:
    monkeypatch.setattr("iecread.protocol.entering.DATA_LIMIT", 200_000)
    far, clock = liar(session_of(lambda: for_ever(unit)))
    found = run("read", "/liar", "1.8.0", exit=8)
    assert found.stderr.startswith("iecread: ")
    assert far.said < 900_000 and clock.now < HOURS / 2


def trickle(piece: bytes) -> Iterator[bytes]:
    return itertools.chain([b"\x02"], itertools.repeat(piece))


@pytest.mark.parametrize("piece", [b"1", REGISTER], ids=["block", "lines"])
def test_a_block_that_trickles_ends(run, liar, piece) -> None:
    far, clock = liar(readout_of(trickle(piece)), pause=2.9)
    found = run("readout", "/liar", exit=8)
    assert "no end, and 6 hours of silences" in found.stderr
    assert 5.9 * HOURS < clock.now < 6.1 * HOURS


def test_an_answer_that_trickles_ends(run, liar) -> None:
    far, clock = liar(session_of(lambda: trickle(b"1")), pause=2.9)
    found = run("read", "/liar", "1.8.0", exit=8)
    assert "register 1.8.0: no end, and 6 hours of silences" in found.stderr
    assert 5.9 * HOURS < clock.now < 6.1 * HOURS


def test_noise_that_trickles_between_sessions_ends(run, liar) -> None:
    damaged = framed(REGISTER)[:-1] + b"?"
    noise = itertools.chain([damaged], itertools.repeat(b"\xff"))
    far, clock = liar(readout_of(noise), pause=2.1)
    run("readout", "/liar", exit=8)
    assert 5.9 * HOURS < clock.now < 6.1 * HOURS


VALUES = b"".join(
    line + b"\r\n"
    for line in (
        b"C.1.0(../../etc/CON)",
        b"0.0.1(\x1b[2J\x1b]0;owned\x07\x9b31m)",
        b"0.0.2(=cmd|'/c calc'!A0)",
        b"@SUM(1)",
        b"0.0.3([red]x[/red])",
        b"1.8.0(" + b"9" * 100_000 + b"*kWh)",
        b"2.8.0(1E999999999*kWh)",
        b"3.8.0(NaN*kWh)",
        b"__proto__(1*kWh)",
        b"1.6.0(0.5*kW)(1399993299)",
        b"1-0:" + b"1." * 500 + b"8(2*kWh)",
        b"!",
    )
)


@pytest.mark.parametrize("format", ["table", "csv", "json", "prom", "influx", "value"])
def test_values_that_lie(run, liar, format) -> None:
    liar(readout_of(*[[framed(VALUES)]] * 9))
    text = run("readout", "/liar", "-f", format).stdout
    assert not set(text) & set("\x1b\x07\x9b")
    if format == "table":
        assert "[red]x[/red]" in text
    if format == "csv":
        rows = [*csv.reader(text.splitlines())]
        assert {len(row) for row in rows} == {9}
        assert "'=cmd|'/c calc'!A0" in {row[5] for row in rows}
        assert "'@SUM" in {row[3] for row in rows}
    if format == "json":
        read = {r["register"]: r for r in json.loads(text)["registers"]}
        assert read["1.8.0"]["value"] == "9" * 100_000  # too long for a number
        assert read["2.8.0"]["value"] == "1E999999999"
        assert read["1.6.0"]["stamp"] is None
        assert read["__proto__"]["value"] == 1


def test_a_serial_number_that_is_a_path(run, liar, tmp_path) -> None:
    (tmp_path / "meters.toml").write_text(
        'schema = 1\n[meters.x]\nport = "/liar"\ncsv.file = "out/{serial}.csv"\n'
    )
    liar(readout_of(*[[framed(VALUES)]] * 9))
    run("dump", "-c", str(tmp_path / "meters.toml"))
    assert [path.name for path in tmp_path.rglob("*.csv")] == ["___.._etc_CON.csv"]
