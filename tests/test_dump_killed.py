"""A dump that is killed at any moment loses nothing that it reported as stored.

IECREAD_KILLS=500 kills so often, instead of the 25 times that a usual test run does.
"""

import csv
import os
import random
import re
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

if os.name != "posix":
    pytest.skip("SIGKILL", allow_module_level=True)

KILLS = int(os.environ.get("IECREAD_KILLS", "25"))
METERS = ("a", "b", "c", "d")
LONGEST = 1.2  # seconds from the start of a dump to its end, roughly
ROOT = str(Path(__file__).parent.parent)
HEADER = "time,meter,serial,register,name,value,unit,stamp,status"
REPORTED = re.compile(r"^iecread: (\w): ok: \d+ rows", re.M)


class Site:
    """A folder with four meters, and dumps that run in it.

    Attributes:
        reported: how often each meter was said to be stored.
    """

    def __init__(self, folder: Path, output: str) -> None:
        self.folder, self._output = folder, output
        self.reported: Counter[str] = Counter()
        meters = (
            f'[meters.{name}]\nport = "sim://household?reaction=20&seed={n}"\n'
            for n, name in enumerate(METERS)
        )
        (folder / "meters.toml").write_text("schema = 1\n" + "".join(meters))
        self._runs = 0

    def start(self) -> "subprocess.Popen[bytes]":
        self._runs += 1
        with open(self.folder / f"log{self._runs}", "wb") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "iecread", "dump", "-v", "-o", self._output],
                cwd=self.folder,
                env={
                    "PYTHONPATH": ROOT,
                    "PATH": os.environ["PATH"],
                    "IECREAD_STATE_DIR": str(self.folder / "state"),
                },
                stderr=log,
            )

    def ended(self) -> None:
        """Count what all runs so far have reported."""
        self.reported.clear()
        for log in self.folder.glob("log*"):
            self.reported.update(REPORTED.findall(log.read_text("utf-8", "replace")))


@pytest.fixture(params=["alone", "rotated", "two at once", "database"])
def way(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def kill(site: Site, way: str, dice: random.Random) -> None:
    """Run a dump, or two, and kill it at some moment."""
    moment = time.monotonic() + dice.uniform(0.2, LONGEST)
    running = [site.start() for _ in range(2 if way == "two at once" else 1)]
    if way == "rotated":
        time.sleep(dice.uniform(0.1, LONGEST / 2))
        rotate(site.folder)
    time.sleep(max(0.0, moment - time.monotonic()))
    for process in running:
        process.kill()
    for process in running:
        process.wait(timeout=10)


def rotate(folder: Path) -> None:
    file = folder / "readings.csv"
    if file.exists():
        file.rename(folder / f"readings.{len(list(folder.glob('*.csv')))}.csv")


def stored(folder: Path) -> Iterator[tuple[str, str]]:
    """Meter and register of each row; every row is whole, each file has one header."""
    for file in folder.glob("*.csv"):
        text = file.read_text("utf-8")
        assert text.endswith("\n") and text.startswith(HEADER + "\n")
        assert text.count(HEADER) == 1
        for row in csv.DictReader(text.splitlines()):
            assert None not in row.values() and None not in row
            assert row["status"] == "ok" and row["meter"] in METERS
            yield row["meter"], row["register"]
    for file in folder.glob("*.db"):
        database = sqlite3.connect(file)
        assert database.execute("pragma integrity_check").fetchone() == ("ok",)
        yield from database.execute("select meter, register from readings")
        database.close()


def test_nothing_reported_is_missing(tmp_path: Path, way: str) -> None:
    seed = random.randrange(1 << 32)
    dice = random.Random(seed)
    site = Site(tmp_path, "readings.db" if way == "database" else "readings.csv")
    for _ in range(max(1, KILLS // 4)):
        kill(site, way, dice)
    last = site.start()
    assert last.wait(timeout=30) == 0, (site.folder / "log1").read_text()
    site.ended()
    assert set(site.reported) == set(METERS)
    found = Counter(stored(tmp_path))
    registers = {register for _, register in found}
    assert len(registers) > 10
    for meter, times in site.reported.items():
        for register in registers:
            assert found[meter, register] >= times, (meter, register, f"seed {seed}")
