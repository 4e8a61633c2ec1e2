"""Status of profile rows and events in words (protocol.md 8.3, 8.4).

A table gives bits their names.  Makers differ, so a table is chosen by name and the
word as sent is always kept beside the names; a bit without a name is shown as
hexadecimal.  A header's status stands for what happened in its first interval
("clock-set"), or for a state that lasts ("clock-invalid"): the former belong to the
first row under the header, the latter to all of them, since a meter writes a new
header when the state ends.

Left out on purpose: which meter needs which table (device profiles say so).
"""

from collections.abc import Mapping
from typing import NamedTuple


class StatusTable(NamedTuple):
    """Names of bits.

    Attributes:
        words: name of each bit that is known, by its weight.
        lasting: the bits that stand for a state, not for something that happened.
        numbers: names of event numbers, where the maker numbers events.
    """

    words: Mapping[int, str]
    lasting: int
    numbers: Mapping[int, str] = {}


_DLMS_WORDS = {
    0x01: "critical-error",
    0x02: "clock-invalid",
    0x04: "data-not-valid",
    0x08: "daylight-saving",
    0x20: "clock-adjusted",
    0x80: "power-down",
}

TABLES: Mapping[str, StatusTable] = {
    "vdew": StatusTable(
        {
            0x01: "device-error",
            0x02: "clock-invalid",
            0x04: "disturbed",
            0x08: "season-change",
            0x10: "reset",
            0x20: "clock-set",
            0x40: "power-return",
            0x80: "power-failure",
            0x0100: "parameters-changed",
            0x2000: "event-log-erased",
            0x4000: "load-profile-erased",
            0x8000: "before-synchronisation",
        },
        lasting=0x8007,
    ),
    "dlms": StatusTable(_DLMS_WORDS, lasting=0x0F),
    "metcom": StatusTable(
        _DLMS_WORDS,
        lasting=0x0F,
        numbers={
            1: "power-down",
            2: "power-up",
            3: "season-change",
            4: "clock-old",
            5: "clock-new",
            6: "clock-invalid",
        },
    ),
}


def status_table(name: str) -> StatusTable:
    """Look up a table by name.

    Raises:
        ValueError: there is none of this name.
    """
    try:
        return TABLES[name]
    except KeyError:
        known = ", ".join(TABLES)
        raise ValueError(f"no status table {name!r}; there are {known}") from None


def status_value(status: str) -> int | None:
    """A status word as a number; None where it is not 1 to 16 hexadecimal digits."""
    text = status.strip(" ")
    if not 1 <= len(text) <= 16 or set(text) - set("0123456789ABCDEFabcdef"):
        return None
    return int(text, 16)


def names(value: int, table: StatusTable) -> tuple[str, ...]:
    """The names of the bits that are set, the lowest first.

    Args:
        value: not negative.
        table: the names; bits without one are given as hexadecimal.
    """
    found = []
    while value:
        bit = value & -value
        value -= bit
        found.append(table.words.get(bit) or f"0x{bit:02X}")
    return tuple(found)


def row_flags(
    status: str, table: StatusTable
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The flags of the first row under a header, and those of all further ones.

    The word as sent comes first (``0x20``), then its names; all zeros and an empty
    word give none.  What is no hexadecimal word is kept as ``status=…``.
    """
    value = status_value(status)
    if value is None:
        text = status.strip(" ")
        unknown = (f"status={text}",) if text else ()
        return unknown, unknown
    sent = (f"0x{status.strip(' ')}",)
    lasting = value & table.lasting
    return (
        sent + names(value, table) if value else (),
        sent + names(lasting, table) if lasting else (),
    )
