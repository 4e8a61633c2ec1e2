"""Objects of a LIS-200 device: value, unit, name, rights, and what may be written.

An Item is one object with one entity.  Its value is a text, or computed from the
device at that moment.  Access rights are the byte of lis200.md 3.1: two bits for each
of the locks 1 to 4, write below read.  A value that is written passes a check, which
returns what is stored or raises Refusal.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple, Protocol

# Access bytes, by the lowest lock that may write; every lock may read
FIXED, CALIBRATION, SUPPLIER, CUSTOMER = 0xAA, 0xAF, 0xBF, 0xFF
READER = 0x1BF  # the supplier, and lock 5: how devices write that down is not known
SUPPLIER_ONLY = 0x15  # a function: locks 1 to 3 may start it, nobody reads it

RANGE, FORM, CHOICE, UNIT = "range", "form", "choice", "unit"

_ADDRESS = re.compile(r"(\d{1,2}):([0-9A-F]{1,4})(?:_(\d))?(?:\.([0-9A-Z]))?")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_TIME = re.compile(r"\d{4}-\d\d-\d\d,\d\d:\d\d:\d\d")
_BK_TIME = re.compile(r"\d\d:\d\d,\d\d\.\d\d\.\d{4}")
_ESCAPE = re.compile(r"\\x[0-9A-Fa-f]{2}")

TIME_FORM = "%Y-%m-%d,%H:%M:%S"
BK_TIME_FORM = "%H:%M,%d.%m.%Y"


class Refusal(Exception):
    """A value that may not be stored.

    Args:
        kind: RANGE, FORM, CHOICE or UNIT.
    """

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


class Key(NamedTuple):
    """Which object: entity, number and variant."""

    entity: int
    object: int
    suffix: int = 0

    @classmethod
    def of(cls, text: str) -> "Key":
        """Return the key of an address such as ``6:310_1``."""
        key, _ = parse_address(text)
        return key

    def __str__(self) -> str:
        end = f"_{self.suffix}" if self.suffix else ""
        return f"{self.entity}:{self.object:X}{end}"


def parse_address(text: str) -> tuple[Key, str]:
    """Return key and attribute of an address as a command has it.

    Raises:
        ValueError: it is none.
    """
    found = _ADDRESS.fullmatch(text)
    if found is None:
        raise ValueError(text)
    entity, number, suffix, attribute = found.groups()
    return Key(int(entity), int(number, 16), int(suffix or 0)), attribute or "0"


class Holder(Protocol):
    """What a value may depend on."""

    def utc(self) -> datetime:
        """Its time in UTC."""

    def clock_text(self) -> str:
        """What its clock shows, as it is read."""

    def messages(self, status: int) -> tuple[int, ...]:
        """The messages of status St.n now; 0 is the system status."""

    def say_messages(self, messages: tuple[int, ...]) -> str:
        """The value that stands for these messages."""


Value = str | Callable[[Holder], str]
Check = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Item:
    """One object.

    Attributes:
        key: which.
        name: short text, as on the display.
        value: what stands in the bracket, the unit apart.
        unit: as sent.
        rights: access byte; READER has one bit more.
        check: what a written value must pass; None: it is measured or a constant.
        reply: address in the answer to a read of the value; empty: as plain as can be.
        codes: data class, unit code, format and data type (lis200.md 3.2).
        default: of attribute 5 (BK).
        range: of attribute 6 (BK).
    """

    key: Key
    name: str
    value: Value
    unit: str = ""
    rights: int = FIXED
    check: Check | None = None
    reply: str = ""
    codes: tuple[int, int, int, int] = (3, 0, 35, 22)
    default: str = ""
    range: str = ""


# -- what may be written


def number(low: str, high: str) -> Check:
    """Numbers from ``low`` to ``high``."""

    def check(text: str) -> str:
        if not _NUMBER.fullmatch(text):
            raise Refusal(FORM)
        if not Decimal(low) <= Decimal(text) <= Decimal(high):
            raise Refusal(RANGE)
        return text

    return check


def choice(*words: str) -> Check:
    """One of these."""

    def check(text: str) -> str:
        if text not in words:
            raise Refusal(CHOICE if re.fullmatch(r"\w+", text) else FORM)
        return text

    return check


def plain_text(length: int) -> Check:
    """Up to ``length`` characters, as old devices take them: nothing is escaped."""

    def check(text: str) -> str:
        if len(text) > length or not text.isascii():
            raise Refusal(FORM)
        return text

    return check


def escaped_text(length: int) -> Check:
    """Up to ``length`` characters; special ones must come as ``\\xNN``."""

    def check(text: str) -> str:
        plain = _ESCAPE.sub("?", text)
        if len(plain) > length or not plain.isascii() or set(plain) & set("()*/"):
            raise Refusal(FORM)
        return text

    return check


def _moment(form: re.Pattern[str], layout: str, first_year: int, kind: str) -> Check:
    def check(text: str) -> str:
        if not form.fullmatch(text):
            raise Refusal(FORM)
        try:
            year = datetime.strptime(text, layout).year
        except ValueError:
            raise Refusal(kind) from None
        if not first_year <= year < 2100:
            raise Refusal(kind)
        return text

    return check


moment = _moment(_TIME, TIME_FORM, 2000, RANGE)
bk_moment = _moment(_BK_TIME, BK_TIME_FORM, 2011, CHOICE)


# -- the kinds of objects

_MEASURED = (4, 0, 4, 8)
_COUNTER = (12, 0x80, 4, 9)


def measured(
    address: str,
    name: str,
    value: Value,
    unit: str = "",
    reply: str = "",
    *,
    rights: int = FIXED,
    codes: tuple[int, int, int, int] = _MEASURED,
) -> Item:
    """Return what is measured or counted; nobody can write it."""
    return Item(Key.of(address), name, value, unit, rights, None, reply, codes)


def counter(
    address: str,
    name: str,
    value: Value,
    unit: str = "m3",
    *,
    rights: int = CALIBRATION,
    fixed: bool = False,
    reply: str = "",
) -> Item:
    """Return a counter of a gas volume; ``fixed``: it cannot be set by anybody."""
    check = None if fixed else number("0", "999999999.9999")
    rights = FIXED if fixed else rights
    reply = reply or f"7-{address}.2"
    return Item(Key.of(address), name, value, unit, rights, check, reply, _COUNTER)


def constant(address: str, name: str, value: Value, unit: str = "") -> Item:
    """Return what never changes."""
    return Item(Key.of(address), name, value, unit)


def setting(
    address: str,
    name: str,
    value: Value,
    check: Check,
    unit: str = "",
    *,
    rights: int = SUPPLIER,
    codes: tuple[int, int, int, int] = (8, 0, 4, 8),
    reply: str = "",
    default: str = "",
    range: str = "",
) -> Item:
    """Return what can be set."""
    key = Key.of(address)
    return Item(
        key, name, value, unit, rights, check, reply, codes, default or "", range
    )


def function(address: str, name: str, rights: int = SUPPLIER_ONLY) -> Item:
    """Return what is started by writing 1."""
    return Item(Key.of(address), name, "0", "", rights, choice("1"), codes=(2, 0, 0, 2))
