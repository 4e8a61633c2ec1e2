"""How near a session comes to the least time that its line allows.

    python tests/bench/session.py [PACED_METER] [--programming] [ARGUMENT...]

PACED_METER is a program that plays a meter at the pace of a real line on a pty, by
default pacedmeter.py beside this one: its first line of output names the pty, then it
prints one JSON object for each session.  Prints for modes A, B and C at several speeds
and both reaction times, or with --programming for a session that reads 20 registers in
programming mode, the time from the first character until the program that reads has
all in hand over the least possible; and with the project's own meter the same of
barereader.py, which shows what of it the bench and the machine cost.  Further
arguments go to the meter.

Each session is read by a process of its own, which imports what it needs on the way.
Meter and reader go before other programs where the system lets them.
"""

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from bars import Note, Ratio, before_others

FOLDER = Path(__file__).parent
OWN = str(FOLDER / "pacedmeter.py")
BARE = str(FOLDER / "barereader.py")
BARS = {200: 1.005, 20: 1.01}  # by the reaction time in ms
TRIES = 3  # other programs disturb: the best of so many, while the bar is passed
REGISTERS = 20
CASES = [
    (mode, baud, reaction)
    for mode, speeds in {
        "A": (300,),
        "B": (2400, 19200),
        "C": (300, 4800, 19200),
    }.items()
    for baud in speeds
    for reaction in (200, 20)
]
PUSHED = {2400: 1.005, 115200: None}  # Bd; at the latter 12 characters are 1 ms
_HEAD = """
import sys, time
from iecread import Meter
with Meter(sys.argv[1]{}) as line:
"""
_DONE = "    print(time.monotonic())\n"
READ_OUT = f"{_HEAD.format('')}    line.readout()\n{_DONE}"
LISTEN = _HEAD.format(", mode='d', baud=int(sys.argv[2])") + (
    "    assert line.readout().block_check == 'ok'\n" + _DONE
)


def read_registers(count: int) -> str:
    """A program that reads so many registers in one session."""
    return f"""{_HEAD.format("")}
    with line.programming(password="00000000") as session:
        for number in range({count}):
            session.read(f"1-1:{{number // 5 + 1}}.8.{{number % 5}}")
    {_DONE}"""


def measure(
    meter: Sequence[str], reader: Sequence[str], limit: float | None = None
) -> Mapping[str, Any] | None:
    """Let a reader read a meter once; return what the meter says of the session.

    Args:
        meter: program that plays it, and its arguments.
        reader: arguments of Python, without the port; the time at which all is in
            hand is the only line of its output.
        limit: seconds that it may take.

    Returns:
        Without ``overhead`` where there was no session; None where the reader failed.
    """
    with before_others():
        playing = subprocess.Popen(
            [sys.executable, *meter], stdout=subprocess.PIPE, text=True
        )
        assert playing.stdout
        port = playing.stdout.readline().strip()
        code = 2 if reader[0] == "-c" else 1
        reading = subprocess.Popen(
            [sys.executable, *reader[:code], port, *reader[code:]],
            stdout=subprocess.PIPE,
            stderr=None if limit is None else subprocess.DEVNULL,
            text=True,
        )
    try:
        said, _ = reading.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        reading.kill()
        said, _ = reading.communicate()
    time.sleep(0.2)
    playing.terminate()
    reports = [json.loads(report) for report in playing.stdout.read().splitlines()]
    playing.wait()
    if reading.returncode:
        return None
    in_hand = float(said)
    sessions = [
        report
        for report in reports
        if "overhead" in report and report["begin_monotonic"] < in_hand
    ]
    if not sessions:
        return {}
    took = max(sessions[-1]["actual_s"], in_hand - sessions[-1]["begin_monotonic"])
    return {**sessions[-1], "overhead": took / sessions[-1]["minimum_s"]}


def options(mode: str, baud: int, reaction: int) -> list[str]:
    return [f"--mode={mode}", f"--baud={baud}", f"--reaction-ms={reaction}"]


def _best(
    meter: Sequence[str], reader: Sequence[str], bar: float | None
) -> tuple[float, float]:
    """The overhead, the best of some tries, and the answers that came too early."""
    best, early = float("inf"), 0.0
    for _ in range(TRIES):
        found = measure(meter, reader)
        assert found, f"no session: {meter}"
        best = min(best, found["overhead"])
        early += found.get("early_answers", 0.0)
        if bar is not None and best <= bar:
            break
    return best, early


def ratios() -> Iterator[Ratio | Note]:
    """Every case with the project's own meter."""
    cases = [(case, READ_OUT, 0) for case in CASES]
    cases += [
        (case, read_registers(REGISTERS), REGISTERS)
        for case in CASES
        if case[0] == "C" and case[1] >= 4800
    ]
    for (mode, baud, reaction), read, registers in cases:
        meter = [OWN, *options(mode, baud, reaction)]
        bar = BARS[reaction]
        best, early = _best(meter, ["-c", read], bar)
        what = f", {registers} reads" if registers else ""
        name = f"session, mode {mode}, {baud} Bd, reaction {reaction} ms{what}"
        yield Ratio(name, best, bar, 1.0)
        if early:
            yield Ratio(f"{name}: answers too early", early, 0.0)
        if reaction == 20 and baud == 19200:
            bare, _ = _best(meter, [BARE, mode, str(reaction), str(registers)], None)
            yield Ratio("  the same by the barest reader", bare, digits=4)
    for baud, most in PUSHED.items():
        best, _ = _best(
            [OWN, *options("D", baud, 200)], ["-c", LISTEN, str(baud)], most
        )
        yield Ratio(f"telegram, mode D, {baud} Bd", best, most, 1.0)


def main(arguments: Sequence[str]) -> None:
    further = list(arguments)
    own = not further or further[0].startswith("-")
    program = OWN if own else further.pop(0)
    programming = "--programming" in further
    if programming:
        further.remove("--programming")
    for mode, baud, reaction in CASES:
        if programming and (mode, baud) not in (("C", 4800), ("C", 19200)):
            continue
        read = read_registers(REGISTERS) if programming else READ_OUT
        meter = [program, *options(mode, baud, reaction), *further]
        found = measure(meter, ["-c", read])
        if found:
            sys.stdout.write(
                f"mode {mode} {baud:>5} Bd {reaction:>3} ms: "
                f"{found['overhead']:.4f}, {found['early_answers']} too early\n"
            )


if __name__ == "__main__":
    main(sys.argv[1:])
