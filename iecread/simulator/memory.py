"""What a simulated meter holds: registers, settings, clock, load profile and logs.

``SimulatedMemory`` does the commands that ProgrammableEngine hands on.  Registers are
what stands in the meter's readout at that moment, in the order of the readout, with a
few more that can be written; logs come from ``logbook``.  How a meter puts errors and
which commands it knows is its Style.  Left out: formatted codes of annex C.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from iecread.protocol.meterprogramming import Answer, data, error
from iecread.protocol.state import Step
from iecread.simulator import logbook
from iecread.simulator.logbook import MeterClock

PART_ROWS = 20  # rows in a part, where the reader does not say how many
_LOGS = ("P.01", "P.98", "P.99")
_READOUT_ONLY = ("C.7.0",)
_DATA_SET = re.compile(r"([^()]*)((?:\([^()]*\))+)")
_VALUE = re.compile(r"\(([^()]*)\)")
_OBIS = re.compile(r"(?:\d-\d+:)?(.*?)(?:\*255)?")
# what can be written, with its first value and the form of others
SETTABLE = {
    "0.0.1": ("CUSTOMER 1", re.compile(r"[ -~]{0,16}")),
    "0.8.4": ("15*min", re.compile(r"(?:1|5|10|15|30|60)\*min")),
}
_EXECUTABLE = ("1.6.0", "0.1.0", "0001")  # the maximum is reset

SETS = {  # which commands a meter knows, by the one that reads
    "all": frozenset("R1 R2 R3 R4 R5 R6 W1 W2 W3 W4 W5 E2".split()),
    "R1": frozenset("R1 R3 W1 W3 E2".split()),
    "R2": frozenset("R2 R4 W2 W4 E2".split()),
    "R5": frozenset("R5 R6 W5".split()),
}


@dataclass(frozen=True, slots=True)
class Style:
    """How a meter puts things.

    Attributes:
        commands: a key of SETS.
        operand: of P0.
        seasons: whether times have a season in front, as VDEW meters have them.
        status_digits: of the load profile.
        unknown_command: error message.
        unknown_code: error message, for a register that it does not have.
        illegal: error message, for a value.
        denied: error message, for what may not be done.
    """

    commands: str = "all"
    operand: str = "00000000"
    seasons: bool = False
    status_digits: int = 2
    unknown_command: bytes = b"(ER01)"
    unknown_code: bytes = b"(ER02)"
    illegal: bytes = b"(ER06)"
    denied: bytes = b"(ER07)"


GENERIC = Style()
VDEW = Style(
    commands="R5",
    operand="",
    seasons=True,
    status_digits=8,
    unknown_command=b"(ERROR01)",
    unknown_code=b"(ERROR01)",
    illegal=b"(ERROR11)",
    denied=b"(ERROR07)",
)


@dataclass(frozen=True, slots=True)
class Manners:
    """Ways of a meter that can be asked for.

    Attributes:
        answer: of addresses in answers: ``repeat``, ``change`` or ``bare``.
        unknown: what a command that it does not know brings: ``error``, ``ack``,
            ``nak``, ``silence`` or ``break``.
        refuse: code of a register that it refuses, whatever is wanted.
        gap: rows of the load profile that are missing each day.
        repeat_header: whether each part of the load profile has a header.
        cut: characters in a part of an answer; 0: whole lines.
    """

    answer: str = "repeat"
    unknown: str = "error"
    refuse: str = ""
    gap: int = 0
    repeat_header: bool = False
    cut: int = 0


_UNKNOWN = {"ack": Step.ACK, "nak": Step.NAK, "silence": Step.END, "break": Step.BREAK}


@dataclass
class SimulatedMemory:
    """What one meter holds.

    Attributes:
        readout: gives the characters of the data message for a time.
        clock: the meter's.
        style: how it puts things.
        manners: what else was asked for.
        settings: values that can be written.
        changes: each write that was done: UTC, code and value.
    """

    readout: Callable[[datetime], bytes]
    clock: MeterClock
    style: Style = GENERIC
    manners: Manners = field(default_factory=Manners)
    settings: dict[str, str] = field(
        default_factory=lambda: {code: first for code, (first, _) in SETTABLE.items()}
    )
    changes: list[logbook.Event] = field(default_factory=list)

    def perform(self, name: str, text: str) -> Answer:
        """Do a command and answer it."""
        style = self.style
        if name not in SETS[style.commands]:
            step = _UNKNOWN.get(self.manners.unknown)
            return Answer(step, done=False) if step else error(style.unknown_command)
        found = _DATA_SET.fullmatch(text)
        address = found[1] if found else text
        values = _VALUE.findall(found[2]) if found else []
        plain = _OBIS.fullmatch(address)
        code = plain[1] if plain else address
        if self.manners.refuse and self.manners.refuse in (code, address):
            return error(style.denied)
        if name[0] == "R" and code in _LOGS and name != "R1":
            return self._read_log(name, code, values)
        if name[0] == "R":
            return self._read(name, address, values)
        if name[0] == "W":
            return self._write(code, values)
        return Answer() if code in _EXECUTABLE else error(style.unknown_code)

    # -- registers

    def registers(self) -> Mapping[str, str]:
        """Return all registers: brackets by code, in order."""
        text = self.readout(self.clock.local()).decode("latin-1")
        found = {
            address.strip(): brackets
            for address, brackets in _DATA_SET.findall(text)
            if address.strip() not in _READOUT_ONLY
        }
        if self.style.seasons:
            found["0.9.4"] = f"({logbook.stamp(self.clock.utc())})"
        return found | {code: f"({value})" for code, value in self.settings.items()}

    def _read(self, name: str, address: str, values: list[str]) -> Answer:
        registers = self.registers()
        plain = _OBIS.fullmatch(address)
        code = address if address in registers or not plain else plain[1]
        if code not in registers:
            return error(self.style.unknown_code)
        count = values[0] if len(values) == 1 else "?"
        if not re.fullmatch("[0-9A-Fa-f]{0,2}", count) or count and not int(count, 16):
            return error(self.style.illegal)
        codes = list(registers)
        first = codes.index(code)
        wanted = codes[first : first + int(count or "1", 16)]
        if len(wanted) == 1:
            return self._data(name, self._name(address, code) + registers[code])
        lines = [self._name(c, c) + registers[c] + "\r\n" for c in wanted]
        return self._data(name, *lines)

    def _name(self, asked: str, code: str) -> str:
        """Return the address that stands in an answer."""
        if self.manners.answer == "bare":
            return ""
        if self.manners.answer == "change":
            return f"1-0:{code}*255" if asked == code else code
        return asked

    def _data(self, name: str, *lines: str) -> Answer:
        """Return an answer in parts where the command is for them."""
        texts = tuple(line.encode("latin-1") for line in lines)
        if name not in ("R3", "R4", "R6"):
            return data(b"".join(texts))
        if cut := self.manners.cut:
            whole = b"".join(texts)
            texts = tuple(whole[n : n + cut] for n in range(0, len(whole), cut))
        return data(*texts)

    # -- writing

    def _write(self, code: str, values: list[str]) -> Answer:
        if len(values) != 1:
            return error(self.style.illegal)
        try:
            done = self._set(code, values[0])
        except ValueError:
            return error(self.style.illegal)
        if not done:
            known = code in self.registers()
            return error(self.style.denied if known else self.style.unknown_code)
        change = logbook.Event(self.clock.utc(), logbook.CHANGED, ((code, values[0]),))
        self.changes.append(change)
        return Answer()

    def _set(self, code: str, value: str) -> bool:
        """Set what has this code; False if it cannot be set.

        Raises:
            ValueError: to this value.
        """
        if code in SETTABLE:
            if not SETTABLE[code][1].fullmatch(value):
                raise ValueError
            self.settings[code] = value
            return True
        if code in ("0.9.1", "0.9.2", "0.9.4") and code in self.registers():
            self._set_clock(code, value)
            return True
        return False

    def _set_clock(self, code: str, value: str) -> None:
        digits = re.sub(r"[-:., ]", "", value)
        length = 12 if code == "0.9.4" else 6
        season, digits = digits[:-length], digits[-length:]
        now = self.clock.local().replace(tzinfo=None)
        if len(digits) != length or season not in ("", "0", "1", "2"):
            raise ValueError
        if code == "0.9.1":
            digits = f"{now:%y%m%d}{digits}"
        elif code == "0.9.2":
            digits += f"{now:%H%M%S}"
        if season == "" and self.clock.local().fold:
            season = "0"
        utc = logbook.parsed(season + digits)
        if code == "0.9.2":  # the clock runs on
            utc = utc.replace(microsecond=now.microsecond)
        self.clock.set(utc)

    # -- load profile and logs

    def _read_log(self, name: str, code: str, values: list[str]) -> Answer:
        now = self.clock.utc()
        begin, end, *more = [*(values[0] if values else "").split(";"), ""][:4]
        if ";" not in (values[0] if values else ""):
            end = begin  # one row
        try:
            first = logbook.parsed(begin) if begin else now - logbook.DEPTH
            last = logbook.parsed(end) if end else now
            size = int(next(filter(None, more), PART_ROWS))
        except ValueError:
            return error(self.style.illegal)
        if size < 1 or not values:
            return error(self.style.illegal)
        first, last = max(first, now - logbook.DEPTH), min(last, now)
        if name not in ("R3", "R4", "R6"):
            size = 0
        texts = self._log(code, first, last, values[1:], size)
        if not texts:
            return error(f"{code}(ERROR)".encode())
        return self._data(name, *(text.decode("latin-1") for text in texts))

    def _log(
        self, code: str, first: datetime, last: datetime, codes: list[str], size: int
    ) -> tuple[bytes, ...]:
        settings, manners = self.clock.settings, self.manners
        if code == "P.01":
            return logbook.profile(
                logbook.rows(first, last, gap=manners.gap, settings=settings),
                codes,
                digits=self.style.status_digits,
                size=size,
                repeat_header=manners.repeat_header,
            )
        if code == "P.98":
            return logbook.log(code, logbook.events(first, last, settings), size)
        changes = [c for c in self.changes if first <= c.moment <= last]
        return logbook.log(code, changes, size)


def style_of(name: str, commands: str | None = None) -> Style:
    """Return the style of a model; ``commands``: a key of SETS instead of its own."""
    style = VDEW if name == "vdew" else GENERIC
    return replace(style, commands=commands) if commands else style
