"""Whether the memory of ``listen`` grows with what it hears.

    python tests/bench/listen.py [TELEGRAMS]

Listens to P1 telegrams (10,000 by default) over TCP, as fast as they are taken, and
prints for some formats the ratio of the peak memory at the end to that after the first
100 telegrams.  Linux only: it is read from /proc.
"""

import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from threading import Thread

from bars import Ratio, report

from iecread.protocol.bcc import crc16

FIRST = 100
FORMATS = ("csv", "jsonl", "influx")
_REGISTERS = 30


def telegram(number: int) -> bytes:
    """Return a P1 telegram with other values than those before."""
    lines = ["/EXA5BENCH\r\n", f"0-0:1.0.0({number:012d}S)"]
    lines += [f"1-{n}:1.8.0({number + n:010.3f}*kWh)" for n in range(_REGISTERS)]
    body = "\r\n".join([*lines, "!"]).encode()
    return body + b"%04X\r\n" % crc16(body)


def feed(server: socket.socket) -> None:
    """Send telegrams to one client; who takes them slowly is waited for."""
    client, _ = server.accept()
    number = 0
    with client, suppress(OSError):
        while True:
            number += 1
            client.sendall(telegram(number))


def peak(process: "subprocess.Popen[bytes]") -> int:
    """Return the peak of memory in kB so far."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found
    return int(found[1])


def growth(telegrams: int, format_: str) -> float:
    """Return the peak after ``telegrams`` over that after the first ones."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        Thread(target=feed, args=(server,), daemon=True).start()
        port = f"socket://127.0.0.1:{server.getsockname()[1]}"
        command = [sys.executable, "-m", "iecread", "listen", port, "-f", format_]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        process = subprocess.Popen(command, **pipes)  # type: ignore[call-overload]
        heard = early = late = 0
        for line in process.stdout:
            if b"0-0:1.0.0" not in line:  # once in each, but for the header
                continue
            heard += 1
            if heard == FIRST:
                early = peak(process)
            if heard == telegrams:
                late = peak(process)
                break
        process.terminate()
        process.communicate()
    return late / early


def ratios(telegrams: int = 2_000) -> Iterator[Ratio]:
    """The growth of memory, for some formats."""
    if Path("/proc/self/status").exists():
        for format_ in FORMATS:
            name = f"memory of listen -f {format_}, {telegrams} telegrams / {FIRST}"
            yield Ratio(name, growth(telegrams, format_), 1.1)


def main(arguments: list[str]) -> None:
    report(ratios(int(arguments[0]) if arguments else 10_000))


if __name__ == "__main__":
    main(sys.argv[1:])
