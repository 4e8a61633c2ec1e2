"""Sessions with LIS-200 devices over a bad line: what must never happen.

    python tests/bench/lis200faults.py [SESSIONS [FIRST_SEED]]

Each seed makes a simulated device with its manners, one kind of fault, and sessions of
unlocking, reading, writing and archives with it, in fake time.  A violation is a code
written to an open lock, a lock left open in silence, a row lost or doubled, a wrong
value, a write done twice or reported wrongly, a refused code sent again, an error that
nobody expects, or a session without an end.  Prints for each kind of fault how the
sessions went; the exit code is 1 for a violation.
"""

import random
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, timedelta
from functools import cache

from iecread.archiverows import Record
from iecread.archives import ArchiveReader, ArchiveRequest, read_archive
from iecread.errors import (
    IecReadError,
    LocalProtocolError,
    PortError,
    RefusedError,
)
from iecread.link import Link
from iecread.lis200key import Key
from iecread.lis200session import Lis200
from iecread.passwords import Secret
from iecread.protocol import parity
from iecread.refusals import Refusals
from iecread.session import Meter
from iecread.simulator import open_simulated
from iecread.simulator.lis200 import Lis200Device
from iecread.simulator.lis200.objects import Key as Object
from iecread.transports import Transport
from iecread.transports.memory import Clock, MemoryTransport

START = 1000.0
LONGEST = 600.0  # s of fake time for one session, or one archive
NOW = "2026-11-22T17:42:11"
ROWS = 36  # of an archive
BREAK = b"\x01B0\x03q"

READS: Mapping[str, list[str]] = {
    "ek": ["2:302", "6:310_1", "7:310", "1:180", "5:310", "p", "2:404"],
    "ek280": ["2:302", "6:310_1", "7:310", "1:180", "1:302"],
    "dl": ["1:180", "2:190", "1:210", "2:404", "1:222"],
    "tc": ["2:302", "6:310_1", "1:181", "5:310"],
    "bk": ["4:302", "6:310_1", "1:180", "5:310", "2:310"],
}
WRITES: Mapping[str, list[tuple[str, Callable[[int], str]]]] = {
    "ek": [("7:311", lambda n: f"1.{n:05d}"), ("3:180", lambda n: f"ST {n}")],
    "ek280": [("8:311", lambda n: f"1.{n:05d}"), ("3:180", lambda n: f"ST/{n}")],
    "dl": [("3:180", lambda n: f"ST {n}")],
    "tc": [("7:311", lambda n: f"1.{n:05d}"), ("3:180", lambda n: f"ST {n}")],
    "bk": [("7:311", lambda n: str(100000 + n % 9000)), ("8:311", lambda n: f"1.{n}")],
}
FAULTS = (
    "none",
    "dropped",
    "flipped",
    "doubled",
    "cut",
    "answer lost",
    "command lost",
    "command flipped",
    "command cut",
    "nak",
    "mute",
    "bcc",
    "delay",
    "noise",
    "errors",
    "intruder",
    "auto-close",
    "interrupt",
    "two interrupts",
    "caller",
    "line",
    "break",
    "archive",
    "wrong code",
)


class Interruption(Exception):
    """What a caller raises who has enough."""


class BadLine:
    """A line to a device that does damage at a moment.

    Args:
        inner: the line as it should be.
        clock: its clock.
        device: what is at its end.
        fault: one of FAULTS.
        dice: of everything random.

    Attributes:
        sent: what the reader wrote, without parity, and when.
        struck: whether the fault has happened.
    """

    latency = 0.0

    def __init__(
        self,
        inner: MemoryTransport,
        clock: Clock,
        device: Lis200Device,
        fault: str,
        dice: random.Random,
    ) -> None:
        self.name, self.kind = inner.name, inner.kind
        self._inner, self._clock, self._device = inner, clock, device
        self.fault, self._dice = fault, dice
        self.sent: list[tuple[float, bytes]] = []
        self.struck = False
        self.rate = 0.0  # of inverted bits
        self.speed = 300
        self._at = dice.choice((*range(1, 9), *range(1, 60)))
        # or at the first message that holds this
        self._upon = dice.choice((b"",) * 5 + (b"171", b"170", b"W1", b"V.0", b"\x06"))
        self._times = dice.choice((1, 1, 1, 1, 2, 3, 5, 9999))
        self._due = 0  # answers that are to be spoilt
        self._silent_until = 0.0
        self._dead = False
        self._late: list[tuple[float, bytes]] = []
        self._ready = b""
        self._pass = False

    # --- what a Link calls

    def open(self) -> None:
        if self._dead:
            raise PortError(f"{self.name!r} is gone")
        self._inner.open()

    def close(self) -> None:
        self._inner.close()

    def drain(self) -> None:
        pass

    def set_speed(self, baud: int) -> None:
        self.speed = baud
        self._inner.set_speed(baud)

    def write(self, data: bytes) -> None:
        plain = parity.strip(data)
        self.sent.append((self._clock.now, plain))
        if self._dead:
            raise PortError(f"{self.name!r} is gone")
        if self._begins(plain):
            data = self._strike(data)
        if self._clock.now >= self._silent_until and data:
            self._inner.write(self._damaged(data))
        if self._due and self.fault in ("interrupt", "two interrupts"):
            if self._dice.random() < 0.5:
                self._interrupt()

    def read(self, wait: float) -> bytes:
        if self._dead:
            raise PortError(f"{self.name!r} is gone")
        if self._due and self.fault in ("interrupt", "two interrupts"):
            self._interrupt()
        end = self._clock.now + wait
        while True:
            due = min((moment for moment, _ in self._late), default=None)
            if due is not None and due <= self._clock.now:
                self._late.sort(key=lambda late: late[0])
                return self._late.pop(0)[1]
            until = end if due is None else min(due, end)
            got = self._damaged(self._inner.read(until - self._clock.now))
            if self._clock.now < self._silent_until:
                got = b""
            if got and (got := self._behind(self._spoil(got))):
                return got
            if self._clock.now >= end:
                return b""

    def _behind(self, data: bytes) -> bytes:
        """Let data wait for what is late: nothing overtakes on a line."""
        due = max((moment for moment, _ in self._late), default=0.0)
        if due <= self._clock.now or not data:
            return data
        self._late.append((due, data))
        return b""

    # --- faults

    def _damaged(self, data: bytes) -> bytes:
        """Return characters with bits inverted at random."""
        if not self.rate:
            return data
        dice = self._dice
        return bytes(
            char ^ (1 << dice.randrange(8) if dice.random() < self.rate else 0)
            for char in data
        )

    def _begins(self, plain: bytes) -> bool:
        """Whether the fault is to happen with this message."""
        self._at -= plain[:1] != b"\x00"
        if self._upon:
            return self._upon in plain and not self.struck or self._pass
        return self._at == 0 or self._pass

    def _interrupt(self) -> None:
        self._due -= 1
        raise KeyboardInterrupt

    def _strike(self, data: bytes) -> bytes:
        """Let the fault begin; return what is left of the message."""
        dice, fault = self._dice, self.fault
        self.struck = True
        self._times -= 1
        self._pass = self._times > 0
        at = dice.randrange(len(data))
        if fault == "command lost":
            return b""
        if fault == "command cut":
            return data[:at]
        if fault == "command flipped":
            return (
                data[:at] + bytes((data[at] ^ 1 << dice.randrange(7),)) + data[at + 1 :]
            )
        if fault == "nak" and b"\x01" in parity.strip(data):
            nak = b"\x95" if data != parity.strip(data) else b"\x15"
            self._late.append((self._clock.now + 0.05, nak))
            return b""
        if fault == "mute":
            seconds = dice.choice((1.0, 4.0, 8.0, 15.0, 40.0, 90.0, 1e9))
            self._silent_until = self._clock.now + seconds
            self._pass = False
            return b""
        if fault == "noise" and dice.random() < 0.3:
            return dice.randbytes(dice.randrange(1, 9)) + data
        if fault == "intruder":
            locks = self._device.family.locks
            self._device.intrude(dice.choice((3, 4, *locks)), dice.random() < 0.6)
        elif fault == "two interrupts":
            self._due, self._pass = 2, False
        elif fault == "interrupt":
            self._due, self._pass = 1, False
        elif fault == "line":
            self._dead = dice.random() < 0.5
            self._pass = False
            raise PortError(f"{self.name!r} was lost")
        else:
            self._due += 1
        return data

    def _spoil(self, data: bytes) -> bytes:
        """Return what comes of an answer; more of it may come later."""
        dice, fault = self._dice, self.fault
        if not self._due:
            return data
        self._due -= 1
        at = dice.randrange(len(data))
        before, char, behind = data[:at], data[at : at + 1], data[at + 1 :]
        if fault == "dropped":
            return before + behind
        if fault == "flipped":
            return before + bytes((char[0] ^ 1 << dice.randrange(7),)) + behind
        if fault == "doubled":
            return before + char + char + behind
        if fault == "cut":
            return before
        if fault == "answer lost":
            return b""
        if fault == "bcc":
            return data[:-1] + bytes((data[-1] ^ 3,))
        if fault == "delay":
            late = self._clock.now + dice.choice(
                (0.3, 1.0, 2.4, 3.0, 4.9, 5.5, 9.0, 14.0)
            )
            late = max(late, *(moment for moment, _ in self._late), 0.0)
            self._late.append((late, data))
            return b""
        if fault == "noise":
            burst = dice.randbytes(dice.randrange(1, 12))
            if dice.random() < 0.5:
                return burst + data
            self._late.append((self._clock.now + dice.random() * 3, burst))
        return data


class BadMeter(Meter):
    """A Meter at the end of a BadLine, on a fake clock."""

    def __init__(self, line: BadLine, clock: Clock, **options: object) -> None:
        super().__init__("sim://lis200-ek", **options)
        self.line, self._fake = line, clock

    def open(self) -> None:
        self.line.open()
        self._transport: Transport | None = self.line
        self._link = Link(self.line, self.line.speed, self._fake.monotonic)
        self._line_speed = self.line.speed

    def close(self) -> None:
        self.line.close()
        self._transport = self._link = None


@dataclass
class Tally:
    """How the sessions went.

    Attributes:
        outcomes: by fault, how often the sessions of a seed were whole, or said what
            was wrong.
        counts: what came of each step.
        longest: by fault, the longest fake time of a session's end.
        violations: what must not be, with the seed.
    """

    outcomes: dict[str, Counter[str]] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    longest: dict[str, float] = field(default_factory=dict)
    violations: list[str] = field(default_factory=list)


@cache
def _stored(family: str, archive: int) -> list[tuple[str, ...]]:
    line = open_simulated(f"sim://lis200-{family}?time={NOW}")
    device: Lis200Device = line.responder.engine.device  # type: ignore[attr-defined]
    layout = device.family.archives[archive]
    records = device.history.records(archive, device.utc(), timedelta(days=20))
    return [layout.row(record, device).cells for record in records[-ROWS:]]


class Play:
    """What happens with the device of one seed.

    Args:
        seed: decides everything.
        fault: one of FAULTS; None: by the seed.
        folder: for refused codes.
    """

    def __init__(self, seed: int, folder: str, fault: str | None = None) -> None:
        self.seed = seed
        self.dice = dice = random.Random(seed)
        self.fault = fault or FAULTS[seed % len(FAULTS)]
        self.family = dice.choice(list(READS))
        self.lock, self.rate = dice.choice((3, 3, 4)), 0.0
        self.codes = {3: "13571357", 4: "24682468"}
        self.url = f"sim://lis200-{self.family}?" + "&".join(
            f"{key}={value}" for key, value in self._wishes().items()
        )
        self.clock = Clock(START)
        inner = open_simulated(
            self.url, baud=300, monotonic=self.clock.monotonic, sleep=self.clock.sleep
        )
        assert isinstance(inner, MemoryTransport)
        self.engine = inner.responder.engine  # type: ignore[attr-defined]
        self.device: Lis200Device = self.engine.device
        self.line = BadLine(inner, self.clock, self.device, self.fault, dice)
        self.line.rate = self.rate
        family = self.device.family
        self.archives = (family.period, family.logbook)
        for number in self.archives:
            self.device.rows[number] = _stored(self.family, number)
        self._watch_locks()
        wrong = self.fault == "wrong code"
        code = "99999999" if wrong else self.codes[self.lock]
        refusals = Refusals(folder) if wrong else None
        self.key = Key(Secret(code), self.lock, refusals, lambda n: (f"{seed} {n}",))
        self.problems: list[str] = []
        self.warnings: list[str] = []
        self.done: Counter[str] = Counter()
        self.said: list[str] = []  # errors that a caller got
        self.kept: set[int] = set()  # locks that unlock() left open and said so
        self.longest = 0.0
        self._number = 0
        self._heard = 0  # warnings that were judged

    def _wishes(self) -> dict[str, str]:
        dice, fault = self.dice, self.fault
        found = {"time": NOW, "seed": str(self.seed), "errors": "0", "reaction": "20"}
        found["codes"] = ",".join(f"{n}:{code}" for n, code in self.codes.items())

        def perhaps(chance: float, key: str, *values: str) -> None:
            if dice.random() < chance:
                found[key] = dice.choice(values)

        perhaps(0.4, "parity", "even", "even", "none")
        perhaps(0.3, "answer", "change", "bare", "asked", "prefix")
        perhaps(0.3, "locked-reads", "1")
        perhaps(0.2, "no-p0", "1", "first", "silence")
        perhaps(0.1, "echo", "1")
        perhaps(0.2, "closes", "1")
        perhaps(0.3, "open", "3", "4", "3,4")
        perhaps(0.2, "row-ends", "none", "two", "blanks", "last")
        perhaps(0.1, "nuls", "1", "20")
        perhaps(0.1, "foreign", "3", "always")
        perhaps(0.1, "session", "1")
        if self.family == "bk":
            found.pop("session", None)
        if fault == "delay" and found.get("answer") in ("bare", "change"):
            del found["answer"]  # nothing tells a late answer that names no address
        if fault == "auto-close":
            found["auto-close"] = dice.choice(("0.01", "0.05", "0.2"))
        elif fault == "break":
            found["breaks-off"] = str(dice.randrange(1, 40))
        elif fault == "archive":
            key, *values = dice.choice(
                (
                    ("overwritten", "1", "2", "3"),
                    ("silent-part", "1", "2", "3"),
                    ("bad-row", "3", "7"),
                    ("stray", "1", "2"),
                    ("damaged-part", "1", "2"),
                    ("limits", "strict"),
                    ("open-archives", "1", "2"),
                )
            )
            found[key] = dice.choice(values)
        elif fault == "errors":
            # without parity a block check lets two errors through that fit, and never
            # more than one character is lost, for the same reason
            found["parity"] = "even"
            self.rate = dice.choice((0.0005, 0.002, 0.01, 0.03))
        elif fault == "wrong code":
            perhaps(0.3, "lockout", "1", "2")
            found.pop("open", None)
        return found

    def _watch_locks(self) -> None:
        """Keep books of who opened a lock last."""
        device, intrude, begin = self.device, self.device.intrude, self.device._open
        self.theirs = set(device.locks.opened)

        def intruded(lock: int, opens: bool) -> None:
            was = lock in device.locks.opened
            intrude(lock, opens)
            if opens and not was:
                self.theirs.add(lock)

        def opened(lock: int) -> None:
            self.theirs.discard(lock)
            begin(lock)

        device.intrude = intruded  # type: ignore[method-assign]
        device._open = opened  # type: ignore[method-assign]

    def wrong(self, what: str) -> None:
        """Note what must not be."""
        self.problems.append(what)

    # --- sessions

    @contextmanager
    def _session(self, meter: BadMeter, *, key: bool = True) -> Iterator[Lis200]:
        with meter.dialogue(
            key=self.key if key else None, certain=self.dice.random() < 0.5
        ) as session:
            if not isinstance(session, Lis200):
                seen = session.identification
                if seen is None or seen == self.engine.setup.identification:
                    raise AssertionError("it was not recognised")
                raise RefusedError("its identification was damaged")
            session.warn = self.warnings.append
            yield session

    def play(self) -> None:
        """Play up to three sessions, and judge the device afterwards."""
        framing = "7e1" if "parity=even" in self.url else "auto"
        echo = "yes" if "echo=1" in self.url else "auto"
        steps = [self._values, self._archive, self._unlock]
        self.dice.shuffle(steps)
        try:
            with BadMeter(self.line, self.clock, framing=framing, echo=echo) as meter:
                for step in steps:
                    begun = self.clock.now
                    self._attempt(step, meter)
                    self.longest = max(self.longest, self.clock.now - begun)
                    self._judge_locks()
                    self.clock.sleep(3)
        except PortError as error:
            self.said.append(error.message)
        self._judge()

    def _attempt(self, step: Callable[[BadMeter], None], meter: BadMeter) -> None:
        try:
            step(meter)
        except KeyboardInterrupt:
            if "interrupt" not in self.fault:
                raise
            self.said.append("interrupted")
        except Interruption:
            self.said.append("caller")
        except LocalProtocolError as error:
            self.wrong(f"a mistake of ours: {error.message}")
        except IecReadError as error:
            self.said.append(f"{type(error).__name__}: {error.message}")
        except Exception as error:
            self.wrong(f"{step.__name__}: {type(error).__name__}: {error}")

    def _enough(self) -> None:
        if self.fault == "caller" and self.dice.random() < 0.15:
            raise Interruption

    def _values(self, meter: BadMeter) -> None:
        with self._session(meter) as session:
            for _ in range(self.dice.randrange(1, 4)):
                self._enough()
                self._read(session, self.dice.choice(READS[self.family]))
                if self.dice.random() < 0.6:
                    self._write(session)
                self.clock.sleep(self.dice.choice((0, 0, 0, 1, 5)))

    def _read(self, session: Lis200, code: str) -> None:
        try:
            reading = session.read(code)
        except IecReadError as error:
            self._failed(session, "read", error)
            return
        code = {"p": "7:310"}.get(code, code)
        shown = self.device._shown(self.device._items[Object.of(code)])
        raw, _, unit = shown.partition("*")
        if (reading.raw, reading.groups[0].unit or "") != (raw, unit):
            self.wrong(f"{code} is {shown!r}, reported was {reading.groups!r}")
        self.done["read"] += 1

    def _failed(self, session: Lis200, what: str, error: IecReadError) -> None:
        if isinstance(error, LocalProtocolError):
            self.wrong(f"a mistake of ours: {error.message}")
        self.said.append(f"{type(error).__name__}: {error.message}")
        self.done[f"{what}: {type(error).__name__}"] += 1
        if session.ended or isinstance(error, PortError):
            raise error

    def _write(self, session: Lis200) -> None:
        address, value_of = self.dice.choice(WRITES[self.family])
        self._number += 1
        value = value_of(self.seed * 10 % 9000 + self._number)
        key = Object.of(address)
        item = self.device._items[key]
        before = self.device._shown(item)
        outcome, shown = "done", None
        try:
            change = session.write(address, value)
        except IecReadError as error:
            found = error.change
            if found is None:
                if self.device._shown(item) != before:
                    self.wrong(f"{address} was written, and {error.message!r} was said")
                self._failed(session, "write", error)
                return
            outcome = found.outcome  # type: ignore[attr-defined]
            failure: IecReadError | None = error
        else:
            outcome, failure, shown = change.outcome, None, change.shown
        held = self.device.values.get(key)
        sent = value.replace("/", r"\x2f")
        if outcome == "done" and held != sent:
            self.wrong(f"done, but {address} is {held!r} where {value!r} was written")
        if outcome in ("not done", "refused") and held == sent:
            self.wrong(f"{outcome}, but {address} is {held!r}")
        if (
            outcome == "done"
            and shown is None
            and not re.search("intruder|auto-close", self.fault)
        ):
            self.done["write: not read back"] += 1
        self.done[f"write: {outcome}"] += 1
        if failure is not None:
            self._failed(session, "write", failure)

    def _archive(self, meter: BadMeter) -> None:
        number = self.dice.choice(self.archives)
        reader = ArchiveReader(
            ArchiveRequest(
                number, zone=UTC, clock="utc", part=self.dice.choice((1, 5, 10))
            )
        )
        found: list[Record] = []
        names = [c.name for c in self.device.family.archives[number].columns]
        try:
            for record in read_archive(
                reader,
                lambda: self._session(meter),
                rest=lambda: self.clock.sleep(2.0),
            ):
                self._enough()
                found.append(record)
        finally:
            whole = reader.error() is None and not reader.ordinals.missing
            self._judge_rows(number, names, found)
        self.done["archive: whole" if whole else "archive: said to be incomplete"] += 1
        if not whole:
            self.said.append(str(reader.error() or reader.ordinals.missing))
        elif len(found) != len(self.device.rows[number]):
            self.wrong(
                f"{len(found)} rows of {len(self.device.rows[number])}: no error"
            )

    def _judge_rows(self, archive: int, names: list[str], found: list[Record]) -> None:
        rows = {row[:2]: row for row in self.device.rows[archive]}
        order = [key for key in rows]
        seen: set[int] = set()
        late = self.fault == "delay"  # what was missed is asked for at the end
        for record in found:
            head = tuple(row.raw for row in record.rows[:2])
            if "Time" in names[:2]:
                head = (record.rows[0].raw, record.place.stamp)
            if head not in rows:
                self.wrong(f"a row that is not stored: {head}")
                continue
            position = order.index(head)
            if position in seen or position < max(seen, default=0) and not late:
                self.wrong(f"row {head} came late or twice")
            seen.add(position)
            cells = list(rows[head])
            if self.device.habits.bad_row and not record.sure:
                self.done["archive: bad row"] += 1
                continue
            del cells[names.index("Time")]
            wanted = cells[:-1] if cells[-1] == "CRC Ok" else cells
            if [row.raw for row in record.rows] != wanted:
                self.wrong(f"row {head} reads {[row.raw for row in record.rows]}")

    def _unlock(self, meter: BadMeter) -> None:
        keep = self.dice.random() < 0.4
        with self._session(meter) as session:
            self._enough()
            if session.unlock(keep=keep) and keep:
                self.kept.add(self.lock)
            self.done["unlock"] += 1
            self._enough()
            if self.dice.random() < 0.3:
                session.lock_status()
            if self.dice.random() < 0.5:
                self._read(session, self.dice.choice(READS[self.family]))
            if self.dice.random() < 0.3:
                session.lock(self.lock)
                if self.lock in self.device.locks.opened and not (
                    self.lock in self.theirs and self.fault == "intruder"
                ):
                    self.wrong("closed, it was said, but it is open")
                self.kept.discard(self.lock)
                self.theirs.discard(self.lock)

    # --- judging

    def _judge_locks(self) -> None:
        """Look for locks that were left open without a word."""
        ours = set(self.device.locks.opened) - self.theirs - self.kept
        loud = any("may still be open" in t for t in self.warnings[self._heard :])
        if ours and not loud:
            self.wrong(f"lock {min(ours)} was left open in silence; {self.said[-1:]}")
        if ours:
            self.done["lock left open, and said so"] += 1
        self.theirs |= ours  # each is told of once
        self._heard = len(self.warnings)

    def _judge(self) -> None:
        locks, device = self.device.locks, self.device
        if {n: locks.codes[n] for n in self.codes} != self.codes:
            self.wrong(f"a code was changed: {locks.replaced}")
        elif locks.replaced and self.fault != "intruder":
            self.wrong(f"a code was written to an open lock: {locks.replaced}")
        doubled = [w for w, n in Counter(device.writes).items() if n > 1]
        if doubled:
            self.wrong(f"done twice: {doubled}")
        if len(locks.wrong) > (self.fault == "wrong code"):
            self.wrong(f"wrong codes: {locks.wrong}")
        if device.firmware or self.engine.passwords:
            self.wrong("a P command was sent")
        if self.longest > LONGEST:
            self.wrong(f"it took {self.longest:.0f} s")
        last = self.line.sent[-1][1] if self.line.sent else BREAK
        if last != BREAK and self.fault not in ("line", "break"):
            if not re.fullmatch(rb"/\?.*\r\n|\x00+", last):
                self.done["no break at the end"] += 1
        if self.line.speed != 300 and self.fault != "line":
            self.wrong(f"the line is left at {self.line.speed} Bd")


def run(count: int, first: int = 0, fault: str | None = None) -> Tally:
    """Play ``count`` seeds from ``first`` on."""
    tally = Tally()
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(first, first + count):
            play = Play(seed, folder, fault)
            play.play()
            how = tally.outcomes.setdefault(play.fault, Counter())
            how["seeds"] += 1
            how["struck"] += play.line.struck
            how["said" if play.said else "whole"] += 1
            how["wrong"] += bool(play.problems)
            tally.counts += play.done
            longest = tally.longest.get(play.fault, 0.0)
            tally.longest[play.fault] = max(longest, play.longest)
            tally.violations += [
                f"{seed} {play.fault}: {what}; {play.url}" for what in play.problems
            ]
    return tally


def main() -> int:
    """Play and print; return the exit code."""
    count, first, *_ = [*map(int, sys.argv[1:]), *[1000, 0][len(sys.argv) - 1 :], 0]
    tally = run(count, first)
    out = [f"{count} seeds", "fault            seeds  whole   said  wrong  longest"]
    for fault, how in tally.outcomes.items():
        numbers = "".join(f"{how[k]:7}" for k in ("seeds", "whole", "said", "wrong"))
        out.append(f"{fault:<15}{numbers} {tally.longest[fault]:7.0f} s")
    out += [f"{number:6} {what}" for what, number in sorted(tally.counts.items())]
    out += [f"VIOLATION {what}" for what in tally.violations]
    sys.stdout.write("\n".join(out) + "\n")
    return 1 if tally.violations else 0


if __name__ == "__main__":
    sys.exit(main())
