"""Sessions in programming mode over a bad line: what must never happen.

    python tests/bench/faults.py [SESSIONS [FIRST_SEED]]

Each seed makes a simulated meter with its manners and faults, and two sessions of
reads and writes with it, in fake time.  A violation is a wrong value reported, a
write done twice or reported wrongly, a refused password sent again, or a session
that was left open.  Prints how the sessions went; the exit code is 1 for a violation.
"""

import random
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

from iecread.changes import Change, shown
from iecread.engineoptions import parity_plan
from iecread.errors import IecReadError, RefusedError
from iecread.link import Link
from iecread.login import Login
from iecread.passwords import Secret
from iecread.programming import Programming
from iecread.protocol import parity
from iecread.protocol.actions import Answered, AnswerKind, Event, Opened
from iecread.protocol.meterprogramming import ProgrammableEngine
from iecread.protocol.options import ReaderOptions
from iecread.protocol.programming import ProgrammingEngine
from iecread.refusals import Refusals
from iecread.simulator import open_simulated
from iecread.simulator.memory import SimulatedMemory
from iecread.transports import LineKind
from iecread.transports.memory import Clock

START = 1000.0
_BREAKS = (b"\x01B0\x03q", b"\x01B0\x03u")  # by XOR and by the 7-bit sum
CODES = {
    "household": ["1.8.0", "1.8.1", "1.8.2", "32.7", "1.7.0", "0.0.1"],
    "industrial": ["1.8.0", "1.8.1", "2.8.0", "0.0.1"],
    "vdew": ["1.8.1", "1.6.1", "0.0.0", "0.8.4"],
    "mode-a": ["6.8", "6.26", "0.0.1"],
    "mode-b": ["6.8", "6.26", "0.0.1"],
}


class SimulatedSession:
    """A simulated meter, in fake time, and what its reader puts on the line."""

    def __init__(self, url: str) -> None:
        self.clock = Clock(START)
        self.line = open_simulated(
            url, baud=300, monotonic=self.clock.monotonic, sleep=self.clock.sleep
        )
        self.meter: ProgrammableEngine = self.line.responder.engine  # type: ignore[attr-defined]
        self.memory: SimulatedMemory = self.meter.programming.memory
        self.even = "parity=even" in url
        self.sent: list[tuple[float, bytes, int]] = []
        self.speed = 300
        self.events: list[Event] = []
        self.entered = False
        write, set_speed = self.line.write, self.line.set_speed

        def note_write(data: bytes) -> None:
            self.sent.append((self.clock.now, parity.strip(data), self.speed))
            write(data)

        def note_speed(baud: int) -> None:
            self.speed = baud
            set_speed(baud)

        self.line.write = note_write  # type: ignore[method-assign]
        self.line.set_speed = note_speed  # type: ignore[method-assign]

    def session(self, **options: object) -> Programming:
        """Return a session that is not open yet."""
        framing = "7e1" if self.even else "auto"
        send, receive = parity_plan(framing, LineKind.DIRECT)
        self.engine = ProgrammingEngine(
            ReaderOptions(option="1", send_parity=send, receive_parity=receive)
        )
        self.engine.speed = self.speed
        link = Link(self.line, self.speed, self.clock.monotonic)

        def run(engine: ProgrammingEngine) -> Iterator[Event]:
            for event in link.run(engine):
                self.entered = self.entered or isinstance(event, Opened)
                self.events.append(event)
                yield event

        return Programming(self.engine, run, **options)  # type: ignore[arg-type]

    def begin(self) -> None:
        """Forget what went over the line so far."""
        self.sent, self.events, self.entered = [], [], False

    def left_open(self) -> str | None:
        """Say in what way the session was not ended, None if it was."""
        if self.speed != 300:
            return f"the line is left at {self.speed} Bd"
        said_break = any(
            isinstance(e, Answered) and e.kind is AnswerKind.BREAK for e in self.events
        )
        if self.entered and not said_break and self.sent[-1][1] not in _BREAKS:
            return f"no break but {self.sent[-1][1]!r}"
        return None


@dataclass
class Tally:
    """How the sessions went.

    Attributes:
        counts: outcomes by name.
        violations: what must not be, with the seed's URL.
    """

    counts: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)


def wishes(dice: random.Random, seed: int) -> tuple[str, dict[str, str]]:
    """Choose a meter and what goes wrong with it."""
    name = dice.choice(list(CODES))
    found = {"time": "2026-11-22T17:42:11", "lines": "20"}
    if name != "industrial":
        del found["lines"]

    def perhaps(chance: float, key: str, *values: str) -> None:
        if dice.random() < chance:
            found[key] = dice.choice(values)

    perhaps(0.5, "parity", "even", "even", "none")
    perhaps(0.3, "check", "sum7")
    perhaps(0.3, "answer", "change", "bare")
    perhaps(0.3, "unknown", "ack", "nak", "silence", "break")
    perhaps(0.2, "no-p0", "1", "first", "silence")
    perhaps(0.2, "break-ack", "1")
    perhaps(0.2, "echo", "1")
    perhaps(0.2, "reaction", "20", "1400")
    if name != "vdew":
        perhaps(0.5, "reads", "R1", "R2", "R5")
    perhaps(0.25, "lost-ack", "1", "2")
    perhaps(0.25, "silent-command", *"12345678")
    perhaps(0.2, "breaks-off", *"2345678")
    perhaps(0.2, "damaged-part", "1", "2")
    perhaps(0.2, "bcc", "once", "once", "always")
    perhaps(0.15, "flip", *"123456")
    perhaps(0.15, "drop", *"123456")
    perhaps(0.1, "mute", "9")
    perhaps(0.2, "wrong-password", "1")
    if "wrong-password" in found:
        perhaps(0.7, "refusal", "nak", "silence", "ER04", "ERROR", "ack")
    found |= {"seed": str(seed), "errors": "0"}
    if found.get("parity") == "even":
        perhaps(0.6, "errors", "0.0005", "0.002", "0.01", "0.03")
    else:  # the block check alone must tell damage
        perhaps(0.3, "errors", "0.0005")
    return name, found


def play(seed: int, refusals: Refusals, tally: Tally) -> None:
    """Play two sessions with the meter of a seed and judge them."""
    dice = random.Random(seed)
    name, found = wishes(dice, seed)
    url = f"sim://{name}?" + "&".join(f"{key}={value}" for key, value in found.items())
    try:
        line = SimulatedSession(url)
    except IecReadError as error:
        raise SystemExit(f"{url}: {error}") from error
    writes = {"R1": "W1", "R2": "W2", "R5": "W5"}
    reads = found.get("reads", "R5" if name == "vdew" else "R1")

    def wrong(what: str) -> None:
        tally.violations.append(f"{seed}: {url}: {what}")

    secret, refused = Secret("00000000"), False
    for _ in range(2):
        line.begin()
        before, known = _passwords(line), refused
        session = line.session(write_command=writes[reads])
        login = Login(lambda operand: "00000000", 1, secret, refusals, (f"m{seed}",))
        try:
            login.allow(datetime.now(UTC))
            try:
                session.enter(line.clock.now, login)
                for number in range(4):
                    _change(line, session, dice, CODES[name], seed, number, tally)
            finally:
                with suppress(IecReadError):
                    session.leave()
        except _WrongError as error:
            wrong(str(error))
        except IecReadError as error:
            tally.counts[type(error).__name__] += 1
            refused |= "refused the password" in error.message
        else:
            tally.counts["finished"] += 1
        sendings = _passwords(line) - before
        if known and sendings:
            wrong("a refused password was sent in the next session")
        if "wrong-password" in found and sendings > 1:
            if found.get("refusal") != "nak":  # there it may have been damaged
                wrong("a refused password was sent twice")
        if line.sent and (how := line.left_open()):
            wrong(how)
        line.clock.sleep(5)
    doubled = [w for w, n in Counter(line.meter.writes).items() if n > 1]
    if doubled:
        wrong(f"done twice: {doubled}")


def _passwords(line: SimulatedSession) -> int:
    return sum(name[0] == "P" for name, _ in line.meter.passwords)


class _WrongError(Exception):
    """Something that must not be."""


def _change(
    line: SimulatedSession,
    session: Programming,
    dice: random.Random,
    codes: list[str],
    seed: int,
    number: int,
    tally: Tally,
) -> None:
    """Read a few registers and write one."""
    for code in dice.sample(codes, 2):
        try:
            reading = session.read(code)
        except IecReadError as error:
            tally.counts[f"read: {type(error).__name__}"] += 1
            if session.ended:
                raise
            continue
        held = line.memory.registers().get(code)
        first = held[1:].partition(")")[0] if held else None
        if shown(reading) != first:
            raise _WrongError(f"{code} is {first!r}, reported was {shown(reading)!r}")
        tally.counts["read: right"] += 1
    value = (
        f"S{seed % 100000}.{number}.{len(line.meter.passwords)}.{dice.randrange(99)}"
    )
    change: Change | None
    try:
        change = session.write("0.0.1", value[:16])
    except IecReadError as error:
        change = getattr(error, "change", None)
        if change is None:
            tally.counts[f"write: {type(error).__name__}"] += 1
            if session.ended:
                raise
            return
    held = line.memory.settings["0.0.1"]
    tally.counts[f"write: {change.outcome}"] += 1
    if (change.outcome == "done") != (held == value[:16]) and change.outcome in (
        "done",
        "not done",
        "refused",
        "differs",
    ):
        raise _WrongError(f"{change.outcome}: {held!r} where {value!r} was written")
    if session.ended:
        raise RefusedError("the meter has ended the session")


def run(count: int, first: int = 0) -> Tally:
    """Play ``count`` seeds from ``first`` on."""
    tally = Tally()
    with tempfile.TemporaryDirectory() as folder:
        refusals = Refusals(folder)
        for seed in range(first, first + count):
            play(seed, refusals, tally)
    return tally


def main() -> int:
    """Play and print; return the exit code."""
    count, first, *_ = [*map(int, sys.argv[1:]), *[1000, 0][len(sys.argv) - 1 :], 0]
    tally = run(count, first)
    out = [f"{count} seeds, two sessions each"]
    out += [f"{number:6} {what}" for what, number in sorted(tally.counts.items())]
    out += [f"VIOLATION {what}" for what in tally.violations]
    sys.stdout.write("\n".join(out) + "\n")
    return 1 if tally.violations else 0


if __name__ == "__main__":
    sys.exit(main())
