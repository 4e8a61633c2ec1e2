"""All that can be said as a ratio, with its bar and whether that holds.

    python tests/bench [--list] [PART...]

Runs the parts that are named, or all, in about ten minutes, from a clone or with the
package installed; with --list they are named with the minutes of each.  Ratios only:
they are much the same on any machine that has nothing else to do.  The exit code is 1
if a bar does not hold.  What is counted and not timed has scripts of its own here:
faults.py, lis200faults.py, matrix.py.
"""

import argparse
import os
import sys
from importlib import import_module
from pathlib import Path

PARTS = {  # and minutes, of which sessions at the pace of a line take most
    "startup": ("start-up", 0.5),
    "decode": ("decoding of a data block", 1),
    "loadprofile": ("load profiles", 0.5),
    "output": ("formats of output", 0.1),
    "receiver": ("receiving byte by byte", 0.5),
    "session": ("sessions over the least time that the line allows", 4),
    "listen": ("memory of listen", 0.5),
    "fleet": ("many lines at once", 1.5),
    "peer": ("the package iec62056-21", 1),
}


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python tests/bench",
        description=(__doc__ or "").splitlines()[0] + "  About ten minutes.",
    )
    parser.add_argument("part", nargs="*", help="one of " + ", ".join(PARTS))
    parser.add_argument(
        "--list", action="store_true", help="name the parts and minutes"
    )
    said = parser.parse_args()
    if said.list:
        for name, (what, minutes) in PARTS.items():
            sys.stdout.write(f"{name:12} {what}, {minutes:g} min\n")
        return 0
    for name in said.part:
        if name not in PARTS:
            parser.error(f"there is no part {name!r}; there are {', '.join(PARTS)}")
    root = str(Path(__file__).resolve().parents[2])
    sys.path.insert(1, root)  # this clone, here and in the processes to be measured
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (root, before)))
    from bars import report

    broken = []
    for name in said.part or PARTS:
        sys.stdout.write(f"{PARTS[name][0]} ({name})\n")
        broken += report(import_module(name).ratios())
    if broken:
        sys.stdout.write(f"{len(broken)} bars do not hold:\n")
        report(broken)
    else:
        sys.stdout.write("all bars hold\n")
    return bool(broken)


if __name__ == "__main__":
    sys.exit(main())
