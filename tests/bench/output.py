"""What it costs to write a readout of 10,000 registers, as a ratio.

The measure is one compiled ``re.findall`` over the text of its data block in the
same process.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal

from bars import Ratio, over, report

from iecread.output import FORMATS, formatter
from iecread.protocol.datasets import Group
from iecread.readings import Reading, Readout

COUNT = 10_000


def _reading(number: int) -> Reading:
    raw = f"{number:08}.{number % 1000:03}"
    return Reading(
        register=f"1-0:1.8.{number % 64}*{number % 99}",
        obis=f"1-0:1.8.{number % 64}*{number % 99}",
        name="active energy, import, total",
        value=Decimal(raw),
        unit="kWh",
        raw=raw,
        stamp=None,
        status="ok",
        groups=(Group(raw, "kWh"),),
    )


def ratios() -> Iterator[Ratio]:
    """Each format over one ``re.findall``."""
    registers = tuple(_reading(number) for number in range(COUNT))
    readout = Readout(
        time=datetime(2026, 11, 22, 16, 42, 11, tzinfo=UTC),
        meter="bench",
        port=None,
        identification="/XYZ5BENCH",
        manufacturer="XYZ",
        manufacturer_name=None,
        model="BENCH",
        serial="1",
        mode="C",
        speed=9600,
        seconds=1.0,
        block_check="ok",
        complete=True,
        simulated=False,
        registers=registers,
        text=(),
    )
    block = "".join(f"{r.register}({r.raw}*{r.unit})\r\n" for r in registers)
    pattern = re.compile(r"([^()\r\n]*)\(([^()*]*)(?:\*([^()]*))?\)")
    for name in FORMATS:
        if name in ("raw", "table"):  # nothing to do; for the eye only
            continue

        def write(name: str = name) -> str:
            made = formatter(name)
            return made.begin() + made.readout(readout) + made.end()

        spent = over(write, lambda: pattern.findall(block))
        yield Ratio(f"{COUNT} readings as {name} / re.findall", spent)


if __name__ == "__main__":
    report(ratios())
