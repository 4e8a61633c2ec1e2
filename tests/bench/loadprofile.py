"""What it costs to decode a year of quarter-hours with 8 channels, as a ratio.

The measure is one compiled ``re.findall`` for brackets over the same text in the same
process; decoding from bytes may take 8 of them.  Then the peak of memory while the
same year is streamed to CSV.
"""

import csv
import io
import re
import sys
import tracemalloc
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from zoneinfo import ZoneInfo

from bars import Ratio, over, report

from iecread.loadprofile import ProfileDecoder
from iecread.protocol.bcc import bcc_xor
from iecread.protocol.telegrams import TelegramDecoder

ROWS = 35_040
CODES = ("1.5.0", "2.5.0", "5.5.0", "6.5.0", "7.5.0", "8.5.0", "1.29.0", "2.29.0")
LIMIT = 8.0
ZONE = ZoneInfo("Europe/Berlin")


def _lines(layout: str) -> Iterator[bytes]:
    head = "".join(f"({code})(kW)" for code in CODES)
    yield f"P.01(0240101001500)(00)(15)(8){head}\r\n".encode()
    ends = {"rows": 8, "split": 5, "brackets": 1, "empty": 8}[layout]
    for row in range(ROWS):
        values = [f"({(row * 37 + n * 1009) % 9999 / 1000:08.3f})" for n in range(8)]
        if layout == "empty":
            values[3] = "()"
        lines = [values[at : at + ends] for at in range(0, 8, ends)]
        yield "".join("".join(line) + "\r\n" for line in lines).encode()


def _decode(data: bytes) -> None:
    decoder = ProfileDecoder(ZONE)
    deque(decoder.stream([data]), maxlen=0)
    assert decoder.rows == ROWS and decoder.complete and not decoder.continuity.gaps


def _from_frame(data: bytes) -> None:
    """The way of a saved file: frame and block check, data sets, rows."""
    body = data + b"\x03"
    telegrams = TelegramDecoder()
    found = telegrams.feed(b"\x02" + body + bytes([bcc_xor(body)])) + telegrams.finish()
    decoder = ProfileDecoder(ZONE)
    deque(decoder.stream_data_sets(found[0].data_sets), maxlen=0)
    assert decoder.rows > ROWS // 12 - 9


def _csv(pieces: Iterator[bytes]) -> int:
    """Rows as CSV lines; how many characters they have."""
    size = 0
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    decoder = ProfileDecoder(ZONE)
    for row in decoder.stream(pieces):
        when = row.time.isoformat(timespec="seconds")
        value, flags = row.value, " ".join(row.flags)
        writer.writerow(
            (when, "", "", row.channel, row.register, value, row.unit, flags)
        )
        if out.tell() > 1 << 16:
            size += out.tell()
            out.seek(0)
            out.truncate()
    assert decoder.rows == ROWS
    return size + out.tell()


def ratios() -> Iterator[Ratio]:
    """Each way, and each layout of the same values, over one ``re.findall``."""
    data = b"".join(_lines("rows"))
    text = data.decode("latin-1")
    pattern = re.compile(r"\(([^()]*)\)")

    def ratio(
        call: Callable[[], object], rounds: int = 3, searched: str = text
    ) -> float:
        measure = partial(pattern.findall, searched)
        return over(call, measure, rounds)

    name = "year of 8 channels"
    best = ratio(partial(_decode, data), 5)
    yield Ratio(f"{name}, decoded / re.findall", best, LIMIT)
    for layout in ("split", "brackets", "empty"):
        best = ratio(partial(_decode, b"".join(_lines(layout))))
        yield Ratio(f"{name}, {layout}, decoded / re.findall", best)
    month = data[: len(data) // 12]
    best = ratio(partial(_from_frame, month), searched=text[: len(month)])
    yield Ratio("month of 8 channels, frame, data sets, rows / re.findall", best)
    best = ratio(lambda: _csv(iter([data])))
    yield Ratio(f"{name}, decoded and as CSV / re.findall", best)


def main() -> int:
    broken = report(ratios())
    tracemalloc.start()
    size = _csv(_lines("rows"))
    peak = tracemalloc.get_traced_memory()[1]
    sys.stdout.write(
        f"  peak of memory, streamed to CSV / the CSV: {peak / size:.3f}\n"
    )
    return bool(broken)


if __name__ == "__main__":
    sys.exit(main())
