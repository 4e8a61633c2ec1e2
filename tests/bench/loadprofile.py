"""What it costs to decode a year of quarter-hours with 8 channels, as a ratio.

The measure is one compiled ``re.findall`` for brackets over the same text in the same
process; decoding from bytes may take 8 of them.  Then the peak of memory while the
same year is streamed to CSV.  Run it from the root of the project:
python tests/bench/loadprofile.py
"""

import csv
import gc
import io
import re
import sys
import time
import tracemalloc
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from zoneinfo import ZoneInfo

from bars import Ratio

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


def _best(call: Callable[[], object], runs: int = 5) -> float:
    times = []
    for _ in range(runs):
        gc.collect()
        start = time.process_time()
        call()
        times.append(time.process_time() - start)
    return min(times)


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
    """Decoding from bytes, and on to CSV, over one ``re.findall``."""
    data = b"".join(_lines("rows"))
    text = data.decode("latin-1")
    pattern = re.compile(r"\(([^()]*)\)")
    measure = _best(lambda: pattern.findall(text))
    best = _best(lambda: _decode(data))
    yield Ratio("year of 8 channels, decoded / re.findall", best / measure, LIMIT)
    best = _best(lambda: _csv(iter([data])), 3)
    yield Ratio("year of 8 channels, decoded and as CSV", best / measure)


def main() -> int:
    data = b"".join(_lines("rows"))
    text = data.decode("latin-1")
    pattern = re.compile(r"\(([^()]*)\)")
    measure = _best(lambda: pattern.findall(text))
    ratio = _best(lambda: _decode(data)) / measure
    month = data[: len(data) // 12]
    framed = _best(lambda: _from_frame(month)) * 12 / measure
    report = [
        f"{ROWS} rows of 8 channels, {len(data)} bytes",
        f"re.findall                  {measure * 1000:7.1f} ms",
        f"decode from bytes           {ratio:7.2f} of it (limit {LIMIT:g})",
        f"frame, data sets, rows      {framed:7.2f}",
    ]
    for layout in ("split", "brackets", "empty"):
        other = b"".join(_lines(layout))
        share = _best(partial(_decode, other), 3) / measure
        report.append(f"as {layout:<9}                {share:7.2f}")
    share = _best(lambda: _csv(iter([data])), 3) / measure
    report.append(f"decode and write CSV        {share:7.2f}")
    tracemalloc.start()
    size = _csv(_lines("rows"))
    peak = tracemalloc.get_traced_memory()[1]
    report.append(
        f"peak, streamed to CSV       {peak / 1e6:7.2f} MB for {size / 1e6:.1f} MB"
    )
    sys.stdout.write("\n".join(report) + "\n")
    return ratio > LIMIT


if __name__ == "__main__":
    sys.exit(main())
