"""How a thousand meters, each on a line of its own, are read in one run.

    python tests/bench/fleet.py [METERS] [--lines N] [--chunk SECONDS]

One process plays all the meters, each on a TCP port of its own behind a gateway that
hands on what came every --chunk seconds: request and identification at 300 Bd, then
--lines registers at 4800 Bd.  Read are first one meter, then all of them in one
`iecread dump` into one file.  Printed are the time of all over that of the slowest
alone, that without the 5 s that are allowed besides (at most 1.2), the processor time
of a session over that of decoding it, and the memory (at most 150 MiB).
"""

import argparse
import heapq
import json
import os
import selectors
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event

from bars import Note, Ratio

from iecread.protocol.bcc import bcc
from iecread.protocol.parity import add_even, strip

REACTION = 0.2  # s
SPEED = 4800  # Bd, of the data
GROWTH = (100, 500, 1000, 2000)  # meters; of fewer the start is most of it
LINE = 10  # bits a character


def readout(lines: int) -> bytes:
    """A data block of so many registers."""
    rows = b"".join(
        b"1-0:%d.8.%d*%02d(%06d.%03d*kWh)\r\n"
        % (n % 80 + 1, n % 9, n % 97, n, n % 1000)
        for n in range(lines)
    )
    return b"C.1.0(%08d)\r\n" + rows + b"!\r\n\x03"


try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]


class Line:
    """One connection to one meter."""

    def __init__(self, connection: socket.socket, number: int) -> None:
        self.connection, self.number = connection, number
        self.heard = b""
        self.data = b""
        self.pace = 0.0  # characters a second
        self.begin = 0.0  # when the first character began
        self.sent = 0


class Meters:
    """All meters and their gateways.

    Args:
        count: how many.
        lines: registers of each.
        chunk: seconds that a gateway gathers before it hands on.
    """

    def __init__(self, count: int, lines: int, chunk: float) -> None:
        self._block = readout(lines)
        self._chunk = chunk
        self._selector = selectors.DefaultSelector()
        self._due: list[tuple[float, int, Line]] = []
        self._order = 0
        self.ports = []
        for number in range(count):
            server = socket.create_server(("127.0.0.1", 0))
            server.setblocking(False)
            self._selector.register(server, selectors.EVENT_READ, number)
            self.ports.append(server.getsockname()[1])

    def serve(self, stop: Event | None = None) -> None:
        """Play them until ``stop`` is set."""
        while not (stop and stop.is_set()):
            now = time.monotonic()
            while self._due and self._due[0][0] <= now:
                self._go_on(heapq.heappop(self._due)[2], now)
            wait = max(0.0, self._due[0][0] - now) if self._due else 0.1
            for key, _ in self._selector.select(min(wait, 0.1)):
                if isinstance(key.data, int):
                    assert isinstance(key.fileobj, socket.socket)
                    connection, _ = key.fileobj.accept()
                    connection.setblocking(False)
                    line = Line(connection, key.data)
                    self._selector.register(connection, selectors.EVENT_READ, line)
                else:
                    self._hear(key.data)

    def close(self) -> None:
        """Close all ports and connections."""
        for key in list(self._selector.get_map().values()):
            assert isinstance(key.fileobj, socket.socket)
            key.fileobj.close()
        self._selector.close()

    def _hear(self, line: Line) -> None:
        try:
            data = line.connection.recv(4096)
        except ConnectionError:
            data = b""
        if not data:
            self._selector.unregister(line.connection)
            line.connection.close()
            line.data = b""
            return
        line.heard += strip(data)
        if not line.heard.endswith(b"\r\n"):
            return
        now, took = time.monotonic(), len(line.heard) * LINE / 300
        if line.heard.endswith(b"!\r\n"):
            self._say(line, now + took, b"/SIM5FLEET%05d\r\n" % line.number, 300)
        elif line.heard.startswith(b"\x06"):
            body = self._block % line.number
            whole = b"\x02" + body + bytes([bcc(body)])
            self._say(line, now + took, whole, SPEED)
        line.heard = b""

    def _say(self, line: Line, now: float, data: bytes, speed: int) -> None:
        line.data, line.sent, line.pace = add_even(data), 0, speed / LINE
        line.begin = now + REACTION
        self._plan(line, line.begin + self._chunk)

    def _plan(self, line: Line, due: float) -> None:
        self._order += 1
        heapq.heappush(self._due, (due, self._order, line))

    def _go_on(self, line: Line, now: float) -> None:
        if not line.data:
            return
        over = min(len(line.data), int((now - line.begin) * line.pace))
        if over > line.sent:
            try:
                line.connection.send(line.data[line.sent : over])
            except OSError:
                return
            line.sent = over
        if over < len(line.data):
            end = line.begin + len(line.data) / line.pace
            self._plan(line, min(now + self._chunk, end + 0.001))


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("meters", type=int, nargs="?", default=1000)
    arguments.add_argument("--lines", type=int, default=260)
    arguments.add_argument("--chunk", type=float, default=0.05)
    arguments.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    said = arguments.parse_args()
    if said.serve:
        meters = Meters(said.meters, said.lines, said.chunk)
        sys.stdout.write(json.dumps(meters.ports) + "\n")
        sys.stdout.flush()
        meters.serve()
    with playing(said.meters, said.lines, said.chunk) as ports:
        sys.stdout.write(report(ports, said.lines))


@contextmanager
def playing(count: int, lines: int, chunk: float = 0.05) -> Iterator[list[int]]:
    """So many meters in a process of their own; yields their ports."""
    arguments = [str(count), f"--lines={lines}", f"--chunk={chunk}", "--serve"]
    command = [sys.executable, __file__, *arguments]
    players = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert players.stdout
        yield json.loads(players.stdout.readline())
    finally:
        players.kill()
        players.communicate()


def ratios() -> Iterator[Ratio | Note]:
    """A thousand lines over one, and how processor time and memory grow."""
    if resource:
        most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most[1], most[1]))
    with tempfile.TemporaryDirectory() as folder, playing(1000, 260) as ports:
        alone, _, _ = dump(Path(folder), ports[:1])
        seconds, _, memory = dump(Path(folder), ports)
    name = "1,000 lines, 15 s each, without 5 s / one line"
    yield Ratio(name, (seconds - 5) / alone, 1.2)
    yield Ratio("1,000 lines: memory / 150 MiB", memory / 150, 1.0, digits=2)
    # seldom enough that one process can play two thousand
    with playing(GROWTH[-1], 20, 0.2) as ports:
        with tempfile.TemporaryDirectory() as folder:
            alone, start, least = dump(Path(folder), ports[:1])
        cost = 0.0
        for count in GROWTH:
            with tempfile.TemporaryDirectory() as folder:
                seconds, processor, memory = dump(Path(folder), ports[:count])
            each = (processor - start) / count
            cost = cost or each
            name = f"{count:,} lines of 4 s / one:"
            yield Ratio(f"{name} time", seconds / alone)
            yield Ratio(f"{name} memory", memory / least)
            if count > GROWTH[0]:
                name += f" processor of a line / of {GROWTH[0]}"
                yield Ratio(name, each / cost, 1.5)


def report(ports: list[int], lines: int) -> str:
    with tempfile.TemporaryDirectory() as folder:
        alone, _, _ = dump(Path(folder), ports[:1])
        seconds, processor, memory = dump(Path(folder), ports)
        stored = (Path(folder) / "readings.csv").read_bytes().count(b"\n")
    expected = 1 + (1 + len(ports)) * (lines + 1)
    one = decoding(lines) * len(ports)
    return (
        f"{len(ports)} meters: {seconds / alone:.3f} times the time of one; without "
        f"5 s {(seconds - 5) / alone:.3f}\n"
        f"processor: {processor / seconds:.2f} of one, "
        f"{processor / one:.1f} times the decoding alone\n"
        f"memory: {memory:.0f} MiB, rows stored: {stored / expected:.4f} of all\n"
    )


def dump(folder: Path, ports: list[int]) -> tuple[float, float, float]:
    """Read these meters; return seconds, seconds of processor, and MiB."""
    config = folder / "meters.toml"
    meters = (
        f'[meters.m{port}]\nport = "socket://127.0.0.1:{port}"\n' for port in ports
    )
    config.write_text("schema = 1\n" + "".join(meters))
    command = [sys.executable, "-m", "iecread", "dump", "--config", str(config)]
    start = time.monotonic()
    process = subprocess.Popen([*command, "-o", str(folder / "readings.csv")])
    _, status, usage = os.wait4(process.pid, 0)
    assert status == 0, f"exit {status >> 8}"
    seconds = time.monotonic() - start
    scale = 2**20 if sys.platform == "darwin" else 2**10
    return seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / scale


def decoding(lines: int) -> float:
    """Seconds that it takes to decode one of the readouts."""
    from iecread.protocol.telegrams import decode
    from iecread.readings import readout as readings

    body = readout(lines) % 1
    data = b"/SIM5FLEET00001\r\n\x02" + body + bytes([bcc(body)])
    times = []
    for _ in range(10):
        start = time.perf_counter()
        readings(decode(data)[0])
        times.append(time.perf_counter() - start)
    return min(times)


if __name__ == "__main__":
    main()
