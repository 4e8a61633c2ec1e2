"""How near a session comes to the least time that its line allows.

    python tests/bench/session.py [PACED_METER] [--programming] [ARGUMENT...]

PACED_METER is a program that plays a meter at the pace of a real line on a pty, by
default pacedmeter.py beside this one: its first line of output names the pty, then it
prints one JSON object for each session with ``overhead``, the time taken over the least
possible, and ``early_answers``.  Prints these for modes A, B and C at several speeds
and both reaction times, or with --programming for a session that reads 20 registers in
programming mode; further arguments go to the meter.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from bars import Note, Ratio

from iecread import Meter

OWN = str(Path(__file__).with_name("pacedmeter.py"))
BARS = {200: 1.005, 20: 1.01}  # by the reaction time in ms
TRIES = 3  # other programs disturb: the best of so many, while the bar is passed
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


def read_out(line: Meter) -> None:
    line.readout()


def read_registers(line: Meter) -> None:
    """Read 20 of the meter's registers in one session."""
    with line.programming(password="00000000") as session:
        for number in range(20):
            session.read(f"1-1:{number // 5 + 1}.8.{number % 5}")


def measure(
    program: str, arguments: Sequence[str], read: Callable[[Meter], None]
) -> list[dict[str, object]]:
    """Read the meter once; return what it says of its sessions."""
    command = [sys.executable, program, *arguments]
    meter = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert meter.stdout
    with Meter(meter.stdout.readline().strip()) as line:
        read(line)
    time.sleep(0.2)
    meter.terminate()
    return [json.loads(report) for report in meter.stdout.read().splitlines()]


def _options(mode: str, baud: int, reaction: int) -> list[str]:
    return ["--mode", mode, "--baud", str(baud), "--reaction-ms", str(reaction)]


def ratios() -> Iterator[Ratio | Note]:
    """Every case with the project's own meter."""
    cases = [(case, read_out, "") for case in CASES]
    cases += [
        (case, read_registers, ", 20 reads")
        for case in CASES
        if case[0] == "C" and case[1] >= 4800
    ]
    for (mode, baud, reaction), read, what in cases:
        best, early = float("inf"), 0.0
        for _ in range(TRIES):
            for found in measure(OWN, _options(mode, baud, reaction), read):
                best = min(best, float(str(found["overhead"])))
                early += float(str(found["early_answers"]))
            if best <= BARS[reaction]:
                break
        name = f"session, mode {mode}, {baud} Bd, reaction {reaction} ms{what}"
        yield Ratio(name, best, BARS[reaction], 1.0)
        if early:
            yield Ratio(f"{name}: answers too early", early, 0.0)


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
        options = _options(mode, baud, reaction)
        read = read_registers if programming else read_out
        for report in measure(program, [*options, *further], read):
            if "overhead" in report:
                sys.stdout.write(
                    f"mode {mode} {baud:>5} Bd {reaction:>3} ms: "
                    f"{report['overhead']:.4f}, {report['early_answers']} too early\n"
                )


if __name__ == "__main__":
    main(sys.argv[1:])
