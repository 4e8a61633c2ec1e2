"""A simulated LIS-200 device: what each command does, and what it brings.

``Lis200Device`` is the memory of an engine: R1, R3 and W1 come in as texts, an Answer
goes out.  It is strict, as a device is: a code written to an open lock replaces the
lock's code, a P command is the begin of a firmware update on a BK meter, and nothing
is read while all locks are closed.  What it keeps stays there from line to line.  Its
books (``locks``, ``writes``, ``firmware``) are for tests.
"""

import random
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from iecread.protocol.meterprogramming import Answer, data, error
from iecread.protocol.state import Step
from iecread.simulator.lis200 import archives
from iecread.simulator.lis200.archives import CHECKED, DAMAGED, NotFound, Row
from iecread.simulator.lis200.families import Family, readout_keys
from iecread.simulator.lis200.history import History, Record
from iecread.simulator.lis200.locks import Locks, Replaced
from iecread.simulator.lis200.objects import (
    BK_TIME_FORM,
    TIME_FORM,
    Item,
    Key,
    Refusal,
    parse_address,
)
from iecread.simulator.logbook import MeterClock, is_summer, to_local, to_utc

STATE, CODE, CLOSING_TIME, ARCHIVE_TYPE = 0x170, 0x171, 0x174, 0xA32
_COMMAND = re.compile(r"([^()]*)\((.*)\)", re.S)
_ARCHIVE = re.compile(r"(\d{1,2}):V(?:\.([0-9A-Z]))?(\.0)?")
_HEX_CODE = re.compile(r"[0-9A-Fa-f]{1,8}")
_BK_CODE = re.compile(r"\d{1,8}")
_C_NUMBER = re.compile(r"\d+")
_FIRMWARE = range(128, 513)  # lis200.md 6.3
_HIGH_LOCKS = (1, 2)  # a button, and the maker's
_GERMAN = {
    "GONo": "GONr",
    "AONo": "AONr",
    "Time": "Zeit",
    "Vb": "Vn",
    "VbT": "VnG",
    "Vm": "Vb",
    "VmT": "VbG",
    "VbMP": "VnMP",
    "VbDy": "VnTg",
    "VmMP": "VbMP",
    "VmDy": "VbTg",
    "C.MP": "Z.MP",
    "Er": "S.Aen",
}
_CLOCK, _SAVING = Key(1, 0x400), Key(1, 0x407)
_FOREIGN = b"9:180.0(SIM 90099009)"  # a device that another master reads

_UNKNOWN = {"ack": Step.ACK, "nak": Step.NAK, "silence": Step.END, "break": Step.BREAK}


@dataclass(frozen=True, slots=True)
class Habits:
    """Ways of a device that can be asked for.

    Attributes:
        answer: how answers repeat an address: ``repeat`` as devices do it, ``asked``,
            ``bare``, ``prefix``, ``short``, ``padded``, or ``change``: all of these.
        locked_reads: whether a device with all locks closed tells nothing at all, not
            even the state of a lock.
        refuse: address that it refuses, whatever is wanted.
        unknown: what a command that it does not know brings.
        wrong: whether every code is wrong.
        lockout: wrong codes in a row that lock the locks; 0: any number is allowed.
        lock_time: seconds for which each code is then refused.
        closes: whether the end of a session closes the locks.
        german: whether the columns have their German names.
        row_ends: what stands between rows: ``line``, ``none``, ``two`` rows on a
            line, ``blanks`` behind a row, or ``last``: also behind the last row.
        bad_row: each row whose number this divides fails its check; 0: none.
        strict_limits: whether a limit that is not stored is an error.
        count_form: how the number of rows is asked for: ``A``, ``A.0`` or ``both``.
        overwritten: which block of an archive, from 1, is an error; 0: none.
        open_archives: archives that may be left open in a session; 0: any number.
        intruder: what another program does: before which command, which lock, whether
            it opens it.
        seed: of everything random.
        visits: whether sessions and locks are entered in the logbook.
    """

    answer: str = "repeat"
    locked_reads: bool = False
    refuse: str = ""
    unknown: str = "error"
    wrong: bool = False
    lockout: int = 0
    lock_time: float = 3600.0
    closes: bool = False
    german: bool = False
    row_ends: str = "line"
    bad_row: int = 0
    strict_limits: bool = False
    count_form: str = "both"
    overwritten: int = 0
    open_archives: int = 0
    intruder: tuple[tuple[int, int, bool], ...] = ()
    seed: int = 0
    visits: bool = False


@dataclass
class Lis200Device:
    """One device.

    Args:
        family: what kind it is.
        clock: its clock.
        habits: what else was asked for.
        codes: of its locks, where they are not the usual ones.

    Attributes:
        locks: with the books of the locks.
        values: what was written, or a test wants to be read, by object.
        rows: rows that a test wants in an archive, in place of the calendar's.
        writes: each value that was stored: address and text.
        firmware: each P command that a BK meter took for the begin of an update.
        intrusions: what another program did: lock, and whether it opened it.
        commands: how many came.
        in_archive: whether rows were sent that have to be acknowledged (BK).
    """

    family: Family
    clock: MeterClock
    habits: Habits = field(default_factory=Habits)
    codes: dict[int, str] = field(default_factory=dict)
    values: dict[Key, str] = field(default_factory=dict)
    rows: dict[int, list[tuple[str, ...]]] = field(default_factory=dict)
    writes: list[tuple[str, str]] = field(default_factory=list)
    firmware: list[str] = field(default_factory=list)
    intrusions: list[tuple[int, bool]] = field(default_factory=list)
    commands: int = 0
    in_archive: bool = False
    in_session: bool = False

    def __post_init__(self) -> None:
        family = self.family
        coded = [n for n in family.locks if n not in _HIGH_LOCKS]
        self.locks = Locks(family.locks, {n: family.code for n in coded} | self.codes)
        self.history = History(family.rules, tuple(family.archives))
        self._items = {item.key: item for item in family.items}
        self._random = random.Random(self.habits.seed)
        self._now = 0.0
        self._open_archives = 0
        self._saving: list[tuple[datetime, bool]] = []  # when 1:407 was written

    # -- what an engine calls

    def at(self, now: float) -> None:
        """A command comes at ``now`` on the driver's clock."""
        self.commands += 1
        self._pass(now)
        for before, lock, opens in self.habits.intruder:
            if before == self.commands:
                self.intrude(lock, opens)

    def intrude(self, lock: int, opens: bool) -> None:
        """Another program opens or closes a lock."""
        self.intrusions.append((lock, opens))
        if opens and lock not in self.locks.opened:
            self._open(lock)
        elif not opens:
            self._close(lock)

    def begin(self, now: float) -> None:
        """A session begins."""
        self._pass(now)
        self.in_session = True
        self._open_archives = 0
        self._visit(0x3C02)

    def end(self, now: float) -> None:
        """It ends."""
        self._pass(now)
        self.in_session = self.in_archive = False
        if self.habits.closes:
            for lock in sorted(self.locks.opened):
                self._close(lock)
        self._visit(0x1C02)

    def password(self, text: str) -> Answer:
        """Do a P command: ``L:code`` opens a lock, or a BK meter begins an update."""
        if self.family.nibble:
            return self._take_firmware(text)
        lock, colon, code = text.partition(":")
        if not colon or not lock.isdigit() or int(lock) not in self.locks.numbers:
            return error(b"(#0201)")
        if int(lock) in self.locks.opened:
            return Answer()  # nothing is known of a trap here; it stays open
        answer = self._write_code(int(lock), code)
        return error(b"(#0201)") if answer.step is Step.ERROR else answer

    def perform(self, name: str, text: str) -> Answer:
        """Do a command and answer it."""
        found = _COMMAND.fullmatch(text)
        if name not in ("R1", "R3", "W1") or found is None:
            step = _UNKNOWN.get(self.habits.unknown)
            return Answer(step, done=False) if step else self._error("syntax")
        address, content = found[1], found[2]
        if archive := _ARCHIVE.fullmatch(address):
            if name == "W1":
                return self._error("fixed")
            number, attribute = int(archive[1]), archive[2] or "0"
            if archive[3] and attribute != "A":
                return self._error("address")
            return self._archive(name, number, attribute, bool(archive[3]), content)
        try:
            key, attribute = self._parsed(address)
        except ValueError:
            return self._error("address")
        if self.habits.refuse and self.habits.refuse == str(key):
            return self._error("locked", address)
        if name == "W1":
            return self._write(key, attribute, content, address)
        if content not in ("", "1"):
            return self._error("syntax", address)
        return self._read(key, attribute, address)

    @property
    def foreign(self) -> bytes:
        """What a device says to another master."""
        return _FOREIGN

    def readout(self, now: datetime | None = None) -> bytes:
        """Return the data message; nothing: it refuses (lis200.md 12)."""
        if self.habits.locked_reads and not self.locks.opened:
            return b""
        lines = [
            f"{self._echo(item, str(item.key))}({self._shown(item)})\r\n"
            for item in map(self._items.__getitem__, readout_keys(self.family))
        ]
        return "".join((*lines, "!\r\n")).encode("latin-1")

    # -- what values ask (Holder) and columns (Teller)

    def utc(self) -> datetime:
        """Its time in UTC."""
        return self.clock.utc().replace(microsecond=0)

    def clock_text(self) -> str:
        """What its clock shows, as it is read."""
        form = BK_TIME_FORM if self.family.nibble else TIME_FORM
        return f"{self._local(self.utc()):{form}}"

    def messages(self, status: int) -> tuple[int, ...]:
        """The messages of status St.n now; 0 is the system status."""
        found = set(self._messages_at(self.utc(), status))
        if status == 0 and self.in_session:
            found.add(13)
        if status in self.locks.opened and status <= 4:
            found.add(14)
        return tuple(sorted(found))

    def say_messages(self, messages: tuple[int, ...]) -> str:
        """The value that stands for these messages (lis200.md 10)."""
        if self.family.nibble:
            return f"0x{sum(1 << m - 1 for m in messages):04X}"
        if self.family.logbook == 10:
            return ";".join(map(str, messages)) or "0"
        return ")(".join(map(str, messages)) or "0"

    def stamp(self, utc: datetime) -> str:
        """A time as its clock showed it, as archive rows have it."""
        return f"{self._local(utc):{TIME_FORM}}"

    def status_at(self, utc: datetime, status: int) -> str:
        """The messages of a status at a time, as archive rows have them."""
        return ";".join(map(str, self._messages_at(utc, status))) or "0"

    def _messages_at(self, utc: datetime, status: int) -> tuple[int, ...]:
        minute = utc.hour * 60 + utc.minute
        if status == 0:
            summer = (16,) if self._saves(utc) and is_summer(utc) else ()
            return summer if self.family.nibble else (15, *summer)
        warm = utc.day == 15 and 12 * 60 <= minute < 13 * 60 + 10
        return (6,) if status == 6 and warm else ()

    def _saves(self, utc: datetime) -> bool:
        """Whether its clock follows summer time."""
        if not self._saving:
            return self.values.get(_SAVING, "1") != "0"
        return [on for moment, on in self._saving if moment <= utc][-1]

    def _local(self, utc: datetime) -> datetime:
        return to_local(utc) if self._saves(utc) else utc + timedelta(hours=1)

    def _to_utc(self, shown: datetime) -> datetime:
        if self._saves(self.utc()):
            return to_utc(shown.replace(fold=self._local(self.utc()).fold))
        return shown - timedelta(hours=1)

    # -- addresses and answers

    def _parsed(self, address: str) -> tuple[Key, str]:
        key, attribute = parse_address(address)
        if self.family.nibble:  # what stands behind the dot is not looked at
            attribute = f"{key.object >> 12:X}"
            key = key._replace(object=key.object & 0xFFF)
        return key, attribute

    def _error(self, name: str, address: str = "") -> Answer:
        errors = self.family.errors
        number = getattr(errors, name)
        front = address if errors.with_address else ""
        return error(f"{front}(#{number:04d})".encode("latin-1"))

    def _value(self, key: Key, attribute: str, asked: str, value: str) -> Answer:
        item = self._items.get(key)
        text = f"{self._echo(item, asked, key, attribute)}({value})"
        return data(text.encode("latin-1"))

    def _echo(
        self, item: Item | None, asked: str, key: Key | None = None, digit: str = "0"
    ) -> str:
        """Return the address that stands in an answer (lis200.md 2.1)."""
        found = key or (item.key if item else Key(0, 0))
        if self.family.nibble:
            usual = str(found._replace(object=int(digit, 16) << 12 | found.object))
        else:
            usual = f"{found}.{digit}"
            if item and item.reply and digit == "0":
                usual = item.reply
        form = self.habits.answer
        if form == "change":
            forms = ("repeat", "asked", "bare", "prefix", "short", "padded")
            form = self._random.choice(forms)
        end = f"_{found.suffix}" if found.suffix else ""
        end += "" if self.family.nibble else f".{digit}"
        return {
            "repeat": usual,
            "asked": asked,
            "bare": "",
            "prefix": "7-" + usual.removeprefix("7-"),
            "short": str(found._replace(suffix=0)) if digit == "0" else usual,
            "padded": f"{found.entity:02d}:{found.object:04X}{end}",
        }[form]

    def _shown(self, item: Item) -> str:
        value = self.values.get(item.key)
        if value is None:
            value = item.value if isinstance(item.value, str) else item.value(self)
        return f"{value}*{item.unit}" if item.unit else value

    # -- reading

    def _read(self, key: Key, attribute: str, address: str) -> Answer:
        special = (STATE, CODE, CLOSING_TIME, ARCHIVE_TYPE)
        if not self.locks.opened:
            state = key.object == STATE and not self.habits.locked_reads
            if not state:
                return self._error("unreadable", address)
        if key.object in special and (key not in self._items):
            return self._read_special(key, attribute, address)
        item = self._items.get(key)
        if item is None:
            return self._unknown(key, address)
        if not self.locks.may_read(item.rights):
            return self._error("unreadable", address)
        text = self._attribute(item, attribute)
        if text is None:
            known = attribute in ("0123456789A" if self.family.nibble else "012345678")
            return self._error("missing" if known else "attribute", address)
        return self._value(key, attribute, address, text)

    def _unknown(self, key: Key, address: str) -> Answer:
        """Return the error for an object that is not there."""
        if key.suffix and key._replace(suffix=0) in self._items:
            return self._error("address", address)
        numbers = {item.object for item in self._items}
        return self._error("entity" if key.object in numbers else "object", address)

    def _attribute(self, item: Item, attribute: str) -> str | None:
        """Return an attribute's text, None if the object does not have it."""
        kind, unit, form, type_ = item.codes
        texts: dict[str, str | None]
        rights = f"0x{item.rights & 0xFF:02X}"
        texts = {"0": self._shown(item), "1": rights, "2": item.name, "3": item.unit}
        if self.family.nibble:
            texts |= {"4": f"0x{kind:X}", "5": item.default, "6": item.range}
            texts |= {"7": "3", "8": f"0x{unit:02X}", "9": f"0x{form:02X}"}
            texts |= {"A": f"0x{type_:02X}"}
        else:
            texts |= {"5": str(unit), "6": str(form), "7": str(type_)}
        return texts.get(attribute)

    def _read_special(self, key: Key, attribute: str, address: str) -> Answer:
        """Read what a lock or an archive has: state, code, time, type."""
        number = key.entity
        if key.object == ARCHIVE_TYPE:
            if number not in self.family.archives:
                return self._error("entity", address)
            text = str(self.family.archives[number].type)
            return self._value(key, attribute, address, text)
        if number not in self.locks.numbers:
            return self._error("entity", address)
        if attribute != "0":
            return self._error("missing", address)
        if key.object == STATE:
            text = "1" if number in self.locks.opened else "0"
        elif key.object == CLOSING_TIME:
            text = f"{self.locks.minutes.get(number, 0):g}*m"
        elif number not in self.locks.codes:
            return self._error("entity" if number == 1 else "unreadable", address)
        elif number not in self.locks.opened:
            return self._error("unreadable", address)
        else:
            text = self.locks.codes[number]
        return self._value(key, attribute, address, text)

    # -- writing

    def _write(self, key: Key, attribute: str, text: str, address: str) -> Answer:
        if key.object in (STATE, CODE, CLOSING_TIME) and attribute == "0":
            if key.entity not in self.locks.numbers:
                return self._error("entity", address)
            if key.object == CODE:
                return self._write_code(key.entity, text, address)
            if key.object == STATE:
                return self._write_state(key.entity, text, address)
            return self._write_time(key.entity, text, address)
        item = self._items.get(key)
        if item is None:
            return self._unknown(key, address)
        if attribute != "0" or item.check is None:
            return self._error("fixed", address)
        if not self.locks.may_write(item.rights):
            return self._error("unwritable", address)
        value, star, unit = text.rpartition("*")
        if star and item.unit:
            if unit.strip() != item.unit.strip():
                return self._error("unit", address)
            text = value
        old = self._shown(item)
        try:
            self._store(item, item.check(text))
        except Refusal as refusal:
            return self._error(refusal.kind, address)
        self.writes.append((str(key), text))
        if key != _CLOCK:
            self._enter_change(key, old, self._shown(item))
        return Answer()

    def _store(self, item: Item, text: str) -> None:
        """Store a value that passed its check, or do what it stands for.

        Raises:
            Refusal: it cannot be done.
        """
        if item.key == _CLOCK:
            self._set_clock(text)
        elif item.codes[0] != 2:  # a function has nothing to keep
            if item.key == _SAVING:
                utc = self.utc()
                if not self._saving:
                    self._saving.append((datetime.min, self._saves(utc)))
                self._saving.append((utc, text != "0"))
            self.values[item.key] = text

    def _set_clock(self, text: str) -> None:
        form = BK_TIME_FORM if self.family.nibble else TIME_FORM
        before = self.utc()
        after = self._to_utc(datetime.strptime(text, form))
        old, family = self.clock_text(), self.family
        self.history.add(family.period, before, 0x8300 | family.period)
        self.clock.set(after)
        self.history.jump(before, after)
        self.history.add(family.period, after, 0x8200 | family.period)
        self.history.add(family.logbook, after, 0x8200 | family.logbook)
        self._enter_change(_CLOCK, old, text)

    def _enter_change(self, key: Key, old: str, new: str) -> None:
        states = [str(int(n in self.locks.opened)) for n in range(1, 5)]
        if self.family.nibble:
            texts = (str(key), f"({old})", f"({new})")
        else:
            texts = (f"{key.entity:04d}:{key.object:04X}", old, new)
        self.history.add(self.family.changes, self.utc(), 0, (*texts, *states))

    # -- locks

    def _write_code(self, lock: int, text: str, address: str = "") -> Answer:
        locks = self.locks
        if lock not in locks.codes:
            return self._error("entity" if lock == 1 else "locked", address)
        if not (_BK_CODE if self.family.nibble else _HEX_CODE).fullmatch(text):
            return self._error("form", address)
        if lock in locks.opened:
            # the trap of lis200.md 6.2: the lock has another code from now on
            locks.replaced.append(Replaced(lock, locks.codes[lock], text))
            locks.codes[lock] = text
            self._enter_change(Key(lock, CODE), "***", "***")
            return Answer()
        if self._now < locks.locked_until:
            return self._error("locked", address)
        if self.habits.wrong or not self._same_code(text, locks.codes[lock]):
            locks.wrong.append((lock, text))
            locks.tries += 1
            if locks.tries == self.habits.lockout:
                locks.tries = 0
                locks.locked_until = self._now + self.habits.lock_time
            return self._error("code", address)
        locks.tries = 0
        locks.openings.append(lock)
        self._open(lock)
        return Answer()

    def _same_code(self, given: str, code: str) -> bool:
        return int(given) == int(code) if self.family.nibble else given == code

    def _write_state(self, lock: int, text: str, address: str) -> Answer:
        if text != "0":
            return self._error("range", address)
        self._close(lock)
        return Answer()

    def _write_time(self, lock: int, text: str, address: str) -> Answer:
        if not self.locks.at_least(lock):
            return self._error("unwritable", address)
        number = text.removesuffix("*m")
        if not number.isdigit():
            return self._error("form", address)
        if int(number) > 9999:
            return self._error("range", address)
        self.locks.minutes[lock] = int(number)
        self.writes.append((str(Key(lock, CLOSING_TIME)), text))
        return Answer()

    def _open(self, lock: int) -> None:
        self.locks.opened[lock] = self._now
        self._visit(0x2D00 | lock)

    def _close(self, lock: int) -> None:
        if self.locks.close(lock):
            self._visit(0x0D00 | lock)

    def _pass(self, now: float) -> None:
        self._now = max(now, self._now)
        for lock in self.locks.expire(self._now):
            self._visit(0x0D00 | lock)

    def _visit(self, event: int) -> None:
        if self.habits.visits:
            self.history.add(self.family.logbook, self.utc(), event)

    def _take_firmware(self, text: str) -> Answer:
        """The trap of lis200.md 6.3: numbers in C notation begin an update."""
        found = _C_NUMBER.match(text)
        digits = found[0] if found else ""
        octal = digits.startswith("0") and set(digits) <= set("01234567")
        number = int(digits or "0", 8 if octal else 10)
        if number in _FIRMWARE:
            self.firmware.append(text)
            return Answer()
        return self._error("syntax")

    # -- archives

    def _archive(
        self, name: str, number: int, attribute: str, long: bool, content: str
    ) -> Answer:
        family, habits = self.family, self.habits
        layout = family.archives.get(number)
        if layout is None:
            return self._error("archive")
        if not self.locks.opened:
            return self._error("unreadable")
        if attribute == "A" and habits.count_form != "both":
            if long != (habits.count_form == "A.0"):
                return self._error("attribute")
        if attribute not in "0A":
            if attribute not in "1234567":
                return self._error("attribute")
            if not family.nibble and content not in ("", "1", ";;;"):
                return self._error("syntax")
            names: Callable[[str], str] = (
                (lambda n: _GERMAN.get(n, n)) if habits.german else str
            )
            return data(layout.header(attribute, number, names).encode("latin-1"))
        if content.count(";") != 3:
            return self._error("semicolon")
        position, begin, end, size = content.split(";")
        try:
            rows = self._select(number, position, begin, end)
        except NotFound as missing:
            number = 103 if family.nibble else missing.number
            return error(f"(#{number:04d})".encode())
        if attribute == "A":
            return data(f"({len(rows)})".encode())
        parts = name == "R3" or family.nibble
        if parts and not (size.isdigit() and 1 <= int(size) <= 999):
            return self._error("size")
        if habits.open_archives and self._open_archives >= habits.open_archives:
            return error(b"(#0108)")
        return self._blocks(rows, int(size) if parts else len(rows))

    def _select(self, number: int, position: str, begin: str, end: str) -> list[Row]:
        if not re.fullmatch(r"\d{0,2}", position):
            raise NotFound(101)
        column = int(position or 1)
        if self.family.nibble and column not in (1, 2, 3):
            raise NotFound(103)
        for limit in (begin, end):
            if not re.fullmatch(r"[-0-9:.,]*", limit):
                raise NotFound(103 if self.family.nibble else 13)
        strict = self.habits.strict_limits
        return archives.select(self.stored(number), column, begin, end, strict=strict)

    def stored(self, number: int) -> list[Row]:
        """Return all rows of an archive, the oldest first."""
        if number in self.rows:
            return [Row(cells, datetime.min) for cells in self.rows[number]]
        layout = self.family.archives[number]
        records = self.history.records(number, self.utc(), layout.depth)
        return [layout.row(record, self, self._check(record)) for record in records]

    def _check(self, record: Record) -> str:
        bad = self.habits.bad_row
        return DAMAGED if bad and record.number % bad == 0 else CHECKED

    def _blocks(self, rows: list[Row], size: int) -> Answer:
        """Return rows as blocks of ``size``."""
        cut = [rows[n : n + size] for n in range(0, len(rows), size)]
        texts = [self._joined(part).encode("latin-1") for part in cut]
        self.in_archive = self.family.nibble
        self._open_archives += len(texts) > 1
        if 0 < self.habits.overwritten <= len(texts):
            at = self.habits.overwritten - 1
            return Answer(Step.ERROR, (*texts[:at], b"(#0109)"))
        return data(*texts)

    def _joined(self, rows: list[Row]) -> str:
        texts = list(map(str, rows))
        ends = self.habits.row_ends
        if ends == "none":
            return "".join(texts)
        if ends == "two":
            pairs = ["".join(texts[n : n + 2]) for n in range(0, len(texts), 2)]
            return "\r\n".join(pairs)
        if ends == "blanks":
            return "".join(text + "  \r\n" for text in texts[:-1]) + texts[-1] + "  "
        return "\r\n".join(texts) + ("\r\n" if ends == "last" else "")
