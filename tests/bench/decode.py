"""How quick decoding is, and how much memory a long stream takes.

Prints the time from bytes to data sets, and on to JSON lines, of a block of 10,000
registers as multiples of one compiled ``re.findall`` over the same text; the same of
``iecread decode -f jsonl`` as a process, for one block, where it is start-up most of
all, and for a large file of them; and the peak memory while a stream of telegrams is
decoded.  Usage: decode.py [megabytes of stream]
"""

import os
import re
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from bars import Ratio, over, report

from iecread.output.json import JsonLinesFormatter
from iecread.protocol.bcc import bcc, crc16
from iecread.protocol.parity import Parity
from iecread.protocol.telegrams import TelegramDecoder, decode
from iecread.readings import readout

REGISTERS = 10_000
BLOCKS = 60  # of the large file
ROUNDS = 25
LINE = re.compile(r"([^()\r\n]*)\(([^()\r\n]*)\)")


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


def stream(megabytes: int) -> tuple[int, int]:
    """Telegrams and peak of memory in bytes of a stream of push telegrams."""
    lines = b"".join(b"1-0:%d.7.0(%06d*W)\r\n" % (n, n) for n in range(30))
    telegram = b"/SIM5STREAM\r\n\r\n" + lines + b"!"
    telegram += b"%04X\r\n" % crc16(telegram)
    piece = telegram * (65536 // len(telegram))
    decoder = TelegramDecoder(parity=Parity.NONE)
    tracemalloc.start()
    count = 0
    for _ in range(megabytes * 1_000_000 // len(piece)):
        count += len(decoder.feed(piece))
    count += len(decoder.finish())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return count, peak


def ratios() -> Iterator[Ratio]:
    """Each step over one ``re.findall``, in this process and as one of its own."""
    data = block()
    text = data.decode("ascii")
    (telegram,) = decode(data)
    assert len(telegram.data_sets) == REGISTERS
    steps: list[tuple[str, float | None, Callable[[], object]]] = [
        ("bytes to data sets", 5, lambda: decode(data)),
        ("data sets to readings", None, lambda: readout(telegram)),
        ("bytes to JSON lines", 20, lambda: whole(data)),
    ]
    for what, bar, action in steps:
        found = over(action, lambda: LINE.findall(text), ROUNDS)
        yield Ratio(f"{what} / re.findall", found, bar)
    with TemporaryDirectory() as folder:
        environment = {**os.environ, "PYTHONPYCACHEPREFIX": folder}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        for blocks, rounds in ((1, 9), (BLOCKS, 3)):
            file = Path(folder) / "readouts.txt"
            file.write_bytes(data * blocks)
            command = [sys.executable, "-m", "iecread", "decode", str(file)]

            def process(command: list[str] = command) -> None:
                arguments = [*command, "-f", "jsonl"]
                subprocess.run(
                    arguments, check=True, stdout=subprocess.DEVNULL, env=environment
                )

            def search(blocks: int = blocks) -> None:
                for _ in range(blocks):
                    LINE.findall(text)

            process()  # so that all is compiled
            what = f"iecread decode -f jsonl, {file.stat().st_size / 1e6:.1f} MB"
            yield Ratio(f"{what}, / re.findall", over(process, search, rounds))


def main(megabytes: int) -> None:
    report(ratios())
    count, peak = stream(megabytes)
    sys.stdout.write(
        f"  {count} telegrams, {megabytes} MB: peak of memory {peak / 1e6:.2f} MB\n"
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10)
