"""How quick decoding is, and how much memory a long stream takes.

Prints the time from bytes to data sets, and on to JSON lines, of a block of 10,000
registers as multiples of one compiled ``re.findall`` over the same text, and the peak
memory while a stream of telegrams is decoded.  Usage: decode.py [megabytes of stream]
"""

import re
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator

from bars import Ratio

from iecread.output.json import JsonLinesFormatter
from iecread.protocol.bcc import bcc, crc16
from iecread.protocol.parity import Parity
from iecread.protocol.telegrams import TelegramDecoder, decode
from iecread.readings import readout

REGISTERS = 10_000
ROUNDS = 25
LINE = re.compile(r"([^()\r\n]*)\(([^()\r\n]*)\)")


def ratio(action: Callable[[], object], measure: Callable[[], object]) -> float:
    """The shortest of some rounds over that of the measure, which take turns."""
    rounds = [(_seconds(action), _seconds(measure)) for _ in range(ROUNDS)]
    return min(one for one, _ in rounds) / min(other for _, other in rounds)


def _seconds(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def block() -> bytes:
    """A readout of many registers, most of them history."""
    lines = "".join(
        f"1-0:{n % 80 + 1}.8.{n % 9}*{n % 97:02}({n:09}.{n % 1000:03}*kWh)\r\n"
        for n in range(REGISTERS)
    )
    body = lines.encode() + b"!\r\n\x03"
    return b"/SIM5BENCH\r\n\x02" + body + bytes([bcc(body)])


def whole(data: bytes) -> str:
    formatter = JsonLinesFormatter()
    return "".join(formatter.readout(readout(one)) for one in decode(data))


def stream(megabytes: int) -> tuple[int, int, float]:
    """Telegrams, peak of memory in bytes, and seconds of a stream of push telegrams."""
    lines = b"".join(b"1-0:%d.7.0(%06d*W)\r\n" % (n, n) for n in range(30))
    telegram = b"/SIM5STREAM\r\n\r\n" + lines + b"!"
    telegram += b"%04X\r\n" % crc16(telegram)
    piece = telegram * (65536 // len(telegram))
    decoder = TelegramDecoder(parity=Parity.NONE)
    tracemalloc.start()
    start, count = time.perf_counter(), 0
    for _ in range(megabytes * 1_000_000 // len(piece)):
        count += len(decoder.feed(piece))
    count += len(decoder.finish())
    seconds = time.perf_counter() - start
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return count, peak, seconds


def ratios() -> Iterator[Ratio]:
    """Each step over one ``re.findall``."""
    data = block()
    text = data.decode("ascii")
    (telegram,) = decode(data)
    assert len(telegram.data_sets) == REGISTERS
    command = [sys.executable, "-m", "iecread", "decode", "-", "-f", "jsonl"]

    def process() -> None:
        subprocess.run(command, input=data, check=True, capture_output=True)

    steps: list[tuple[str, float | None, Callable[[], object]]] = [
        ("bytes to data sets", 5, lambda: decode(data)),
        ("data sets to readings", None, lambda: readout(telegram)),
        ("bytes to JSON lines", 20, lambda: whole(data)),
        ("iecread decode -f jsonl, a whole process", None, process),
    ]
    for what, bar, action in steps:
        found = ratio(action, lambda: LINE.findall(text))
        yield Ratio(f"{what} / re.findall", found, bar)


def main(megabytes: int) -> None:
    report = [f"{REGISTERS} registers:", *(found.line() for found in ratios())]
    count, peak, seconds = stream(megabytes)
    report.append(
        f"{count} telegrams, {megabytes} MB: peak of memory {peak / 1e6:.2f} MB, "
        f"{seconds:.1f} s while it is watched"
    )
    sys.stdout.write("\n".join(report) + "\n")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10)
