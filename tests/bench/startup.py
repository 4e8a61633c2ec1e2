"""Start-up: how much longer than the bare imports of click and pyserial.

    python tests/bench/startup.py [RUNS]

Prints two ratios of medians: ``iecread --version``, and the time from the start of
``iecread readout PTY`` to the first byte on the line.  Compiled files are kept for the
while in a folder of their own, so that nothing is compiled at each start.
"""

import os
import select
import statistics
import subprocess
import sys
import tempfile
import time
import tty
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from bars import Ratio, before_others, report

QUIET: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
BAR = 1.4  # of --version


def whole(*arguments: str) -> float:
    """Seconds that a Python process takes."""
    start = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, **QUIET)
    return time.perf_counter() - start


def first_byte() -> float:
    """Seconds until the request arrives at the other end of a pty."""
    master, slave = os.openpty()
    tty.setraw(slave)
    name = os.ttyname(slave)
    command = [sys.executable, "-m", "iecread", "readout", name, "--retries", "0"]
    start = time.perf_counter()
    process = subprocess.Popen(command, **QUIET)
    select.select([master], [], [], 10)
    took = time.perf_counter() - start
    process.kill()
    process.wait()
    os.close(master)
    os.close(slave)
    return took


def ratios(runs: int = 15) -> Iterator[Ratio]:
    """Measure in turn, so that a drifting machine meets all alike."""
    with tempfile.TemporaryDirectory() as folder:
        QUIET["env"] = {**os.environ, "PYTHONPYCACHEPREFIX": folder}
        QUIET["env"].pop("PYTHONDONTWRITEBYTECODE", None)
        with before_others():
            times = _times(runs)
    base = statistics.median(times.pop("bare imports")[1:])
    for name, taken in times.items():
        bar = BAR if name == "iecread --version" else None
        yield Ratio(
            f"{name} / import of click and pyserial",
            statistics.median(taken[1:]) / base,
            bar,
        )


def _times(runs: int) -> dict[str, list[float]]:
    measures: dict[str, Callable[[], float]] = {
        "bare imports": lambda: whole("-c", "import click, serial"),
        "iecread --version": lambda: whole("-m", "iecread", "--version"),
        "first byte": first_byte,
    }
    times: dict[str, list[float]] = {name: [] for name in measures}
    for _ in range(runs + 1):
        for name, measure in measures.items():
            times[name].append(measure())
    return times


def main(arguments: Sequence[str]) -> None:
    report(ratios(int(arguments[0]) if arguments else 15))


if __name__ == "__main__":
    main(sys.argv[1:])
