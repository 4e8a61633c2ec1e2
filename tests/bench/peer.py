"""The same work done by the package iec62056-21 of PyPI, as ratios: ours over its.

    pip install iec62056-21; python tests/bench peer

The import, the parsing of a data block, and a readout in mode C over a pty.  It has no
mode A, B or D, no command line, no values or units beyond text, no load profiles and
no simulator, so these have no comparison.
"""

import json
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.util import find_spec

from bars import Note, Ratio, over
from decode import REGISTERS, block
from session import OWN, read_out

from iecread import Meter
from iecread.protocol.telegrams import decode

NAME = "iec62056_21"
SLOW = 1000  # ms; it loses what a meter says within 0.75 s of the option select
_READ = """
import sys
from iec62056_21.client import Iec6205621Client
client = Iec6205621Client.with_serial_transport(sys.argv[1])
client.connect()
print(len(client.standard_readout().data))
"""


def ratios() -> Iterator[Ratio | Note]:
    """What both can do."""
    if find_spec(NAME) is None:
        yield Note("skipped: it is not installed here (pip install iec62056-21)")
        return
    yield Note("no comparison: modes A, B and D, push, load profiles, typed values,")
    yield Note("a command line, many lines at once; it has none of these")
    yield Ratio("import, as a process", _imports("iecread") / _imports(NAME))
    yield _parsing()
    for who, reaction, found in (
        ("ours", SLOW, _ours(SLOW)),
        ("its", SLOW, _theirs(SLOW)),
        ("ours", 200, _ours(200)),
        ("its", 200, _theirs(200)),
    ):
        name = f"readout, mode C, reaction {reaction} ms, {who}"
        if found is None:
            yield Note(f"{name}: not possible, the data begin within 0.75 s")
            continue
        yield Ratio(f"{name} / least time", found["overhead"])
        if found["early_answers"]:
            yield Note(f"{name}: it answers before the reaction time is over")


def _imports(module: str) -> float:
    """Seconds to import a package and its client, as a process; a median."""
    what = "from iecread import Meter" if module == "iecread" else f"import {NAME}"
    if module == NAME:
        what += ".client"
    times = []
    for _ in range(11):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", what], check=True)
        times.append(time.perf_counter() - start)
    return statistics.median(times[1:])


def _parsing() -> Ratio:
    data = block()
    body = data[data.index(b"\x02") :]
    answer = import_module(f"{NAME}.messages").AnswerDataMessage

    def its() -> int:
        return len(answer.from_bytes(body).data)

    assert its() == REGISTERS
    what = f"data block of {REGISTERS} registers, parsed"
    return Ratio(what, over(lambda: decode(data), its))


def _ours(reaction: int) -> dict[str, float] | None:
    def read(port: str) -> bool:
        with Meter(port) as line:
            read_out(line)
        return True

    return _overhead(reaction, read)


def _theirs(reaction: int) -> dict[str, float] | None:
    def read(port: str) -> bool:
        command = [sys.executable, "-c", _READ, port]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=15)
        except subprocess.TimeoutExpired:
            return False
        return re.fullmatch(r"40\n", done.stdout) is not None

    return _overhead(reaction, read)


def _overhead(reaction: int, read: Callable[[str], bool]) -> dict[str, float] | None:
    """Read the paced meter once; None if the readout did not come whole."""
    options = ["--mode=C", "--baud=4800", f"--reaction-ms={reaction}"]
    command = [sys.executable, OWN, *options]
    meter = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert meter.stdout
    try:
        whole = read(meter.stdout.readline().strip())
    finally:
        time.sleep(0.2)
        meter.terminate()
        said, _ = meter.communicate()
    found: dict[str, float] = json.loads(said)
    return found if whole else None
