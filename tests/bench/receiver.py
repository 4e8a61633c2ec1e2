"""What it costs to receive a long block byte by byte, and how that grows.

Feeds the reader engine one byte at a time and prints the time for twice as many bytes
as a multiple of the half (2 where nothing is searched twice), and the peak memory as a
multiple of the block.  Usage: receiver.py [kilobytes]
"""

import sys
import tracemalloc
from collections.abc import Iterator

from bars import Ratio, over, report

from iecread.protocol.bcc import bcc
from iecread.protocol.options import ReaderOptions
from iecread.protocol.reader import ReaderEngine

LINE = b"1-1:1.8.0*255(000123456.789*kWh)\r\n"
SHAPES = {
    "lines in a frame": (b"\x02", LINE),
    "one line in a frame": (b"\x02", LINE[:-2]),
    "lines without a frame": (b"0.0.0(1)\r\n", LINE),
    "one line without a frame": (b"0.0.0(1)\r\n", LINE[:-2]),
}


def receive(start: bytes, line: bytes, size: int) -> None:
    """Take in a block of ``size`` bytes."""
    body = line * (size // len(line)) + b"\r\n!\r\n"
    if start == b"\x02":
        body += b"\x03" + bytes([bcc(body + b"\x03")])
    engine = ReaderEngine(ReaderOptions(retries=0))
    engine.start(0.0)
    engine.action_done(0.0)
    for count, byte in enumerate(b"/SIMXBENCH\r\n" + start + body):
        engine.receive_data(bytes([byte]), 1.0 + count / 30)
        engine.events()
    engine.handle_timeout(1e6)
    assert engine.finished


def ratios(size: int = 60_000) -> Iterator[Ratio]:
    """What twice as many bytes take over the half: 2 where it is linear."""
    for name, (start, line) in SHAPES.items():
        found = over(
            lambda start=start, line=line: receive(start, line, size),
            lambda start=start, line=line: receive(start, line, size // 2),
            3,
        )
        yield Ratio(f"received: twice the block / the block, {name}", found, 2.5)


def main() -> None:
    size = int(sys.argv[1]) * 1000 if len(sys.argv) > 1 else 300_000
    report(ratios(size))
    for name, (start, line) in SHAPES.items():
        tracemalloc.start()
        receive(start, line, size // 4)
        peak = tracemalloc.get_traced_memory()[1] / (size // 4)
        tracemalloc.stop()
        report([Ratio(f"peak of memory / the block, {name}", peak)])


if __name__ == "__main__":
    main()
