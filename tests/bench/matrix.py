"""All commands over a line that is damaged: what is promised must hold each time.

    python tests/bench/matrix.py [SESSIONS [FIRST_SEED]]

Each seed is one run of the command line against a simulated meter, in fake time, with
one fault at a random place of what the reader hears or of what the meter hears.
Before, the same command is run over a clean line.  A violation is: a value that is
shown as checked and is none of the clean run; a row lost although all is said to be
well; a row torn or doubled; an exit code that does not fit; a traceback; a session
left open; a write that is reported wrongly; a code of a lock that has changed; more
time than the bound of the command.  Prints how the sessions of each fault went: read
as on a clean line (mended), with rows that say what is not sure (marked), or ended
with an error (reported).
"""

import csv
import json
import os
import random
import re
import shutil
import sys
import tempfile
import time
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from iecread.transports.memory import Clock

# Before anything else asks for the time: iecread takes it where it is imported
CLOCK = Clock(1000.0)
time.monotonic, time.sleep = CLOCK.monotonic, CLOCK.sleep

import iecread.simulator  # noqa: E402
from iecread.capture import Live, Moment  # noqa: E402
from iecread.cli.context import Surroundings  # noqa: E402
from iecread.cli.main import run as run_command  # noqa: E402
from iecread.protocol import parity  # noqa: E402
from iecread.transports import Transport  # noqa: E402

sys.path.append(str(Path(__file__).parent.parent))
from conftest import Terminal  # noqa: E402

_NOW = "time=2026-11-22T12:00:00"
_CODE = {"CODE": "00000000"}
_LOGIN = ("--password-env", "CODE")
_FROM = ("--from", "2026-11-22T09:00")
_ENTER = re.compile(rb"\x06[0-9][0-9]1")
_BOUND = 900.0  # s of line time that one command may take, tries and pauses included
_EXITS = {0, 3, 4, 7, 8, 9, 11}  # 4: what it said is no LIS-200 device

# Command, and meters that it is tried on: even parity, none, other manners
COMMANDS: list[tuple[tuple[str, ...], tuple[str, ...]]] = [
    (
        ("readout", "{}", "-f", "jsonl"),
        ("household?", "household?parity=even&", "industrial?lines=25&", "mode-a?"),
    ),
    (("readout", "{}", "-f", "csv", "-o", "out.csv", "--append"), ("household?",)),
    (
        ("read", "{}", "1.8.0", "1.8.1", "0.0.0", *_LOGIN, "-f", "jsonl"),
        ("household?", "household?parity=even&", "household?reads=R5&"),
    ),
    (
        ("load-profile", "{}", *_FROM, *_LOGIN, "-f", "jsonl"),
        ("household?", "household?parity=even&"),
    ),
    (
        ("load-profile", "{}", *_FROM, *_LOGIN, "-o", "out.csv", "--append"),
        ("household?",),
    ),
    (("events", "{}", *_LOGIN, "-f", "jsonl"), ("household?",)),
    (("listen", "{}", "--count", "1", "--timeout", "40", "-f", "jsonl"), ("p1?",)),
    (
        ("write", "{}", "0.0.1", "NEW TEXT", "--yes", *_LOGIN, "-f", "json"),
        ("household?", "household?parity=even&"),
    ),
    (
        ("read", "{}", "Vb", "p", "T", "2:302", *_LOGIN, "-f", "jsonl"),
        ("lis200-ek?", "lis200-ek?parity=even&"),
    ),
    (
        ("archive", "{}", "3", *_FROM, *_LOGIN, "-f", "jsonl"),
        ("lis200-ek?", "lis200-ek?parity=even&"),
    ),
    (("unlock", "{}", *_LOGIN, "-f", "json"), ("lis200-ek?",)),
    (
        ("write", "{}", "2:158", "90.0", "--yes", *_LOGIN, "-f", "json"),
        ("lis200-ek?parity=even&",),
    ),
    (("lock", "{}", "-f", "json"), ("lis200-ek?",)),
    (
        ("archive", "{}", "3", *_FROM, *_LOGIN, "-o", "out.csv", "--append"),
        ("lis200-ek?",),
    ),
    (("events", "{}", *_LOGIN, "-o", "out.csv", "--append"), ("household?",)),
    (("dump", "one", "-o", "out.csv"), ("household?parity=even&", "mode-b?")),
    (("clock", "show", "{}", *_LOGIN, "-f", "json"), ("household?parity=even&",)),
    (("clock", "set", "{}", *_LOGIN, "--yes", "-f", "json"), ("household?",)),
    (("execute", "{}", "0.1.0", *_LOGIN, "--yes", "-f", "json"), ("household?",)),
    # an identification has no check: it may be wrong, but they end and say why
    (("identify", "{}", "-f", "json"), ("household?", "mode-a?", "lis200-ek?")),
    (("scan", "{}", "--addresses", "10048151", "-f", "jsonl"), ("household?",)),
    (("doctor", "{}", *_LOGIN, "--login", "-f", "json"), ("household?",)),
]


def now() -> datetime:
    """The time of day of the simulated meter, which goes with CLOCK."""
    return datetime(2026, 11, 22, 12) + timedelta(seconds=CLOCK.now)


def _moment(_: Live) -> Moment:
    return Moment(now().replace(tzinfo=UTC), CLOCK.now)


Live.moment = _moment  # type: ignore[method-assign]


FAULTS = ("flip", "lost", "doubled", "noise", "burst", "silence", "late")


class Damaged:
    """A line on which one thing goes wrong.

    Args:
        inner: the line.
        fault: one of FAULTS; empty for none.
        heard: whether it hits what the reader hears; else what the meter hears.
        place: at which byte that way.
        dice: for what is left to chance.
    """

    def __init__(
        self, inner: Transport, fault: str, heard: bool, place: int, dice: random.Random
    ) -> None:
        self.inner = inner
        self.counts = {True: 0, False: 0}  # bytes heard, bytes said
        self.said: list[bytes] = []
        # how much was said and heard before each of them
        self.before: list[dict[bool, int]] = []
        self._fault, self._heard, self._place = fault, heard, place
        self._dice = dice

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def read(self, wait: float) -> bytes:
        return self._through(self.inner.read(wait), True)

    def write(self, data: bytes) -> None:
        self.said.append(parity.strip(data))
        self.before.append(dict(self.counts))
        self.inner.write(self._through(data, False))

    def _through(self, data: bytes, heard: bool) -> bytes:
        start = self.counts[heard]
        self.counts[heard] += len(data)
        at = self._place - start
        if not self._fault or heard is not self._heard or at >= len(data):
            return data
        dice, fault = self._dice, self._fault
        if fault == "silence":  # from here on nothing comes for a while
            if start - self._place > 400:
                return data
            return data[: max(at, 0)]
        if at < 0:
            return data
        before, hit, after = data[:at], data[at], data[at + 1 :]
        if fault == "flip":
            return before + bytes((hit ^ 1 << dice.randrange(8),)) + after
        if fault == "lost":
            return before + after
        if fault == "doubled":
            return before + bytes((hit, hit)) + after
        if fault == "noise":
            return before + dice.randbytes(dice.randrange(1, 4)) + data[at:]
        if fault == "burst":
            many = dice.randrange(2, 12)
            return (
                before + dice.randbytes(min(many, len(data) - at)) + data[at + many :]
            )
        CLOCK.sleep(dice.choice((0.5, 1.4, 3.0)))  # late
        return data


@dataclass
class Ran:
    """One run of the command line."""

    argv: tuple[str, ...]
    exit: int
    out: bytes
    err: str
    line: Damaged | None
    seconds: float
    device: Any
    files: dict[str, bytes]


def start(
    argv: tuple[str, ...],
    meter: str,
    fault: str = "",
    heard: bool = True,
    place: int = 0,
    seed: int = 0,
) -> Ran:
    """Run a command on a fresh meter."""
    lines: list[Damaged] = []
    meters: list[Any] = []
    parse = _PARSE

    def open_(url: str, **options: Any) -> Any:
        if not meters:
            meters.append(parse(url))
        iecread.simulator.parse_url = lambda _: meters[0]
        try:
            mine = {"monotonic": CLOCK.monotonic, "sleep": CLOCK.sleep}
            inner = _OPEN(url, **{**mine, "wall": now, **options})
        finally:
            iecread.simulator.parse_url = parse
        lines.append(Damaged(inner, fault, heard, place, random.Random(seed)))
        return lines[-1]

    folder = tempfile.mkdtemp()
    streams = sys.stdin, sys.stdout, sys.stderr
    environ, here, begun = dict(os.environ), os.getcwd(), CLOCK.now
    out, err = Terminal(), Terminal()
    iecread.simulator.open_simulated = open_  # type: ignore[assignment]
    try:
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(_CODE, IECREAD_STATE_DIR=folder + "/state", TZ="UTC")
        sys.stdin, sys.stdout, sys.stderr = Terminal(), out, err
        # a clock that is to be set must run
        port = f"sim://{meter}" + (_NOW if "set" not in argv else "drift=0")
        if argv[0] == "dump":
            entry = f'schema = 1\n[meters.one]\nport = "{port}"\n'
            Path("meters.toml").write_text(entry)
        words = [word.replace("{}", port) for word in argv]
        exit_ = run_command(words, Surroundings())
        files = {p.name: p.read_bytes() for p in Path().iterdir() if p.is_file()}
    finally:
        sys.stdin, sys.stdout, sys.stderr = streams
        os.environ.clear()
        os.environ.update(environ)
        os.chdir(here)
        shutil.rmtree(folder, ignore_errors=True)
        iecread.simulator.open_simulated = _OPEN
    device = meters[0]._memories[0] if meters else None
    line = lines[-1] if lines else None
    seconds = CLOCK.now - begun
    CLOCK.sleep(300)
    said = err.written.decode()
    return Ran(argv, exit_, out.written, said, line, seconds, device, files)


_OPEN, _PARSE = iecread.simulator.open_simulated, iecread.simulator.parse_url

_UNSURE = {"unchecked", "malformed", "check-failed", "time-unknown"}


def rows(ran: Ran) -> tuple[Counter[tuple[str, ...]], int]:
    """What is shown as checked, and how many rows are marked.

    The time of today is left out.

    Raises:
        _WrongError: a row is torn.
    """
    found, marked = Counter[tuple[str, ...]](), 0
    for line in ran.out.decode().splitlines() if "jsonl" in ran.argv else ():
        item = json.loads(line)
        for one in item.get("registers", [item] if "channel" in item else []):
            if one.get("status") in _UNSURE or _UNSURE & {*one.get("flags", ())}:
                marked += 1
                continue
            time_ = one.get("time") or ""
            groups = one.get("groups") or (one.get("value"), one.get("unit"))
            if "words" in one:
                groups = (one["status"], one["words"], one["elements"])
            name = one.get("register") or one.get("channel")
            found[time_, name, json.dumps(groups)] += 1
    text = ran.files.get("out.csv", b"").decode()
    if text and not text.endswith("\n"):
        raise _WrongError(f"torn: {text[-60:]!r}")
    head, *lines = list(csv.reader(text.splitlines())) or [[]]
    for fields in lines:
        if len(fields) != len(head):
            raise _WrongError(f"torn: {fields!r}")
        if _UNSURE & {*fields[-1].split()}:
            marked += 1
            continue
        # a readout is timed by this computer, a profile by the meter
        first = fields[0] if "channel" in head else ""
        found[(first, *fields[2:])] += 1
    return found, marked


class _WrongError(Exception):
    """Something that must not be."""


def judge(clean: Ran, ran: Ran) -> str:
    """How a run went: mended, marked or reported.

    Raises:
        _WrongError: a promise was broken.
    """
    if ran.exit not in _EXITS or "Traceback" in ran.err:
        raise _WrongError(f"exit {ran.exit}: {ran.err[-300:]}")
    if ran.exit and not ran.err.strip():
        raise _WrongError("it failed and does not say why")
    if ran.seconds > _BOUND:
        raise _WrongError(f"it took {ran.seconds:.0f} s")
    (good, _), (shown, marked) = rows(clean), rows(ran)
    if wrong := shown - good:
        raise _WrongError(f"shown as checked: {list(wrong)[:3]}")
    lost = good - shown
    if ran.exit == 0 and lost.total() > marked:
        raise _WrongError(f"lost without a word: {list(lost)[:3]}")
    _judge_writes(clean, ran)
    _judge_end(ran)
    if ran.exit != clean.exit:
        return f"reported {ran.exit}"
    return "marked" if lost else "mended"


def _settings(device: Any) -> Any:
    if hasattr(device, "locks"):
        return {str(key): value for key, value in device.values.items()}
    return getattr(device, "settings", None)


def _judge_writes(clean: Ran, ran: Ran) -> None:
    if clean.argv[:2] == ("clock", "set"):
        shown = ran.device.clock.local().replace(tzinfo=None)
        ahead = (shown - now()).total_seconds()
        if ran.exit == 0 and abs(ahead) > 2 or len(ran.device.changes) > 2:
            raise _WrongError(f"clock {ahead} s off, {len(ran.device.changes)} writes")
    if b'"outcome"' not in clean.out or clean.argv[0] == "execute":
        return
    said = json.loads(ran.out)["outcome"] if ran.out.strip() else "reported"
    register = json.loads(clean.out)["register"]
    new = json.loads(clean.out)["new"]
    held = _settings(ran.device).get(register)
    if (
        said == "done"
        and held != new
        or said in ("refused", "not done")
        and held == new
    ):
        raise _WrongError(f"said {said!r}, the meter holds {held!r}")


def _judge_end(ran: Ran) -> None:
    device, line = ran.device, ran.line
    if device is None or line is None:
        return
    if hasattr(device, "locks"):
        if (codes := {c for c in device.locks.codes.values()}) != {"00000000"}:
            raise _WrongError(f"a code was changed: {codes}")
    # option selects that enter programming mode, and breaks, in the order said
    steps = [
        said[:1] for said in line.said if _ENTER.match(said) or said[:3] == b"\x01B0"
    ]
    if steps and steps[-1] == b"\x06":
        raise _WrongError(f"left open, the last was {line.said[-1]!r}")


@dataclass
class Tally:
    """How the runs went.

    Attributes:
        counts: by command, fault and outcome.
        mendable: the same, of the runs whose fault a repeat can mend.
        unmended: those of them that were not.
        violations: what must not be.
    """

    counts: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    mendable: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    unmended: list[str] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)


def run(count: int, first: int = 0) -> Tally:
    """Run ``count`` seeds from ``first`` on."""
    tally = Tally()
    cleans: dict[tuple[tuple[str, ...], str], Ran] = {}
    for seed in range(first, first + count):
        dice = random.Random(seed)
        argv, meters = dice.choice(COMMANDS)
        meter = dice.choice(meters)
        if dice.random() < 0.5:
            meter += "reaction=20&"
        if dice.random() < 0.3:
            argv = (*argv, "--retries", "0")
        fault = dice.choice(FAULTS)
        heard = dice.random() < 0.75
        if (argv, meter) not in cleans:
            clean = cleans[argv, meter] = start(argv, meter)
            if clean.exit or clean.line is None:
                raise SystemExit(f"{argv} {meter}: {clean.exit} {clean.err}")
        clean = cleans[argv, meter]
        assert clean.line is not None
        place = dice.randrange(max(1, clean.line.counts[heard]))
        way = f"{fault} in what is {'heard' if heard else 'said'} at {place}"
        where = f"{seed}: {' '.join(argv)} {meter} {way}"
        try:
            how = judge(clean, start(argv, meter, fault, heard, place, seed))
        except _WrongError as error:
            how = "VIOLATION"
            tally.violations.append(f"{where}: {error}")
        except Exception as error:
            how = "VIOLATION"
            tally.violations.append(f"{where}: {type(error).__name__}: {error}")
        key = argv[0], fault, how.partition(" ")[0]
        tally.counts[key] += 1
        if mendable(argv, fault, heard, place, clean):
            tally.mendable[key] += 1
            if how != "mended":
                tally.unmended.append(f"{where}: {how}")
    return tally


def mendable(
    argv: tuple[str, ...], fault: str, heard: bool, place: int, clean: Ran
) -> bool:
    """Whether a repeat can mend it, and so is to.

    Not silence that outlasts the repeats; nor damage to what is never sent twice and
    to the answer: a password, the code of a lock, a write, an execution.  Not what
    doctor sees either, which is there to tell it.
    """
    if argv[0] == "doctor" or "--retries" in argv or fault == "silence":
        return False
    assert clean.line is not None
    before = [*clean.line.before, clean.line.counts]
    return not any(
        said[:2] in (b"\x01P", b"\x01W", b"\x01E")
        and before[n][heard] <= place < before[n + 1][heard]
        for n, said in enumerate(clean.line.said)
    )


def table(counts: Counter[tuple[str, str, str]]) -> list[str]:
    """Lines that tell how many were mended of each fault, by command."""
    out = []
    for number in (0, 1):
        for name in sorted({key[number] for key in counts}):
            mine = Counter[str]()
            for key, n in counts.items():
                if key[number] == name:
                    mine[key[2]] += n
            total = sum(mine.values())
            words = ", ".join(
                f"{n / total:.3f} {how}" for how, n in sorted(mine.items())
            )
            out.append(f"{name:14} {total:6} runs: {words}")
    return out


def main() -> int:
    """Run and print; return the exit code."""
    parser = ArgumentParser(
        description=__doc__, formatter_class=RawDescriptionHelpFormatter
    )
    parser.add_argument("sessions", type=int, nargs="?", default=1000)
    parser.add_argument("first_seed", type=int, nargs="?", default=0)
    wanted = parser.parse_args()
    tally = run(wanted.sessions, wanted.first_seed)
    out = ["all"] + table(tally.counts)
    out += ["where a repeat can mend it"] + table(tally.mendable)
    out += [f"not mended {what}" for what in tally.unmended]
    out += [f"VIOLATION {what}" for what in tally.violations]
    sys.stdout.write("\n".join(out) + "\n")
    return 1 if tally.violations else 0


if __name__ == "__main__":
    sys.exit(main())
