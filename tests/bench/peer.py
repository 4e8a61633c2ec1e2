"""The same work done by the package iec62056-21 of PyPI, as ratios: ours over its.

    pip install iec62056-21; python tests/bench peer

The import, the parsing of a data block, a readout and single registers in mode C over
a pty.  It has no mode A, B or D, no command line, no values or units beyond text, no
load profiles, no simulator and nothing for many lines, so these have no comparison.
"""

import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec

from bars import Note, Ratio, before_others, over
from decode import REGISTERS, block
from session import OWN, READ_OUT, measure, options, read_registers

from iecread.protocol.telegrams import decode

NAME = "iec62056_21"
SLOW = 1000  # ms; it loses what a meter says within 0.75 s of the option select
COUNT = 4  # registers
_CONNECTED = f"""
import sys, time
from {NAME} import messages
from {NAME}.client import Iec6205621Client
client = Iec6205621Client.with_serial_transport(sys.argv[1])
client.connect()
"""
_READ_OUT = f"""{_CONNECTED}
assert len(client.standard_readout().data) == 40
print(time.monotonic())
"""
_READ_REGISTERS = f"""{_CONNECTED}
client.access_programming_mode()
# its own send_password() ends in a TypeError
password = messages.DataSet(address=None, value="00000000")
command = messages.CommandMessage(command="P", command_type=1, data_set=password)
client.transport.send(command.to_bytes())
client._recv_ack()
for number in range({COUNT}):
    client.read_single_value(f"1-1:{{number // 5 + 1}}.8.{{number % 5}}")
print(time.monotonic())
client.send_break()
time.sleep(0.3)
"""


def ratios() -> Iterator[Ratio | Note]:
    """What both can do."""
    if find_spec(NAME) is None:
        yield Note("skipped: it is not installed here (pip install iec62056-21)")
        return
    yield Note("no comparison: modes A, B and D, push, load profiles, typed values,")
    yield Note("a command line, many lines at once; it has none of these")
    with before_others():
        yield Ratio("import, as a process", _imports("iecread") / _imports(NAME))
    yield _parsing()
    registers = f"{COUNT} registers"
    for what, who, reaction, code in (
        ("readout", "ours", SLOW, READ_OUT),
        ("readout", "its", SLOW, _READ_OUT),
        ("readout", "ours", 200, READ_OUT),
        ("readout", "its", 200, _READ_OUT),
        (registers, "ours", SLOW, read_registers(COUNT)),
        (registers, "its", SLOW, _READ_REGISTERS),
    ):
        name = f"{what}, mode C, reaction {reaction} ms, {who}"
        found = measure([OWN, *options("C", 4800, reaction)], ["-c", code], 20)
        if not found:
            yield Note(f"{name}: it loses what begins within 0.75 s")
            continue
        yield Ratio(f"{name} / least time", found["overhead"], digits=4)
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
