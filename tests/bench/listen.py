"""Whether the memory of ``listen`` grows with what it hears.

    python tests/bench/listen.py [TELEGRAMS]

Listens to a simulated P1 meter (10,000 telegrams by default) and prints, for some
formats, the ratio of the peak memory at the end to that after the first 100 telegrams.
Linux only: it is read from /proc.
"""

import re
import subprocess
import sys
from pathlib import Path

FIRST = 100
FORMATS = ("csv", "jsonl", "influx")
_P1 = "sim://p1?period=0.001"


def peak(process: "subprocess.Popen[bytes]") -> int:
    """Return the peak of memory in kB so far."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found
    return int(found[1])


def growth(telegrams: int, format_: str) -> float:
    """Return the peak after ``telegrams`` over that after the first ones."""
    # one telegram more, so that the process is still there to be looked at
    argv = ["listen", _P1, "-f", format_, "--count", str(telegrams + 1)]
    command = [sys.executable, "-m", "iecread", *argv]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert process.stdout
    heard, early = 0, 0
    for line in process.stdout:
        # each has this register once
        heard += b"0.2.8" in line
        if heard == FIRST and not early:
            early = peak(process)
        if heard == telegrams:
            late = peak(process)
            break
    process.terminate()
    process.communicate()
    return late / early


def main(arguments: list[str]) -> None:
    telegrams = int(arguments[0]) if arguments else 10_000
    for format_ in FORMATS:
        ratio = growth(telegrams, format_)
        sys.stdout.write(f"{format_}, {telegrams} telegrams: {ratio:.3f}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
