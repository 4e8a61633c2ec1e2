r"""What stands in the brackets of LIS-200: numbers, units, escapes, times, status.

A bracket is cut at its last ``*`` first and its escapes are read after that, since an
escaped star may stand in a unit.  ``\xNN`` is a character of the device's code page:
Latin-1, or Windows-1251 on the BK meter; any other backslash is itself.  Units are
spelt in 7 bits: ``{C`` is °C, ``m3|h`` and ``m3:h`` are m3/h (lis200.md 4).
"""

import re
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import NamedTuple

from iecread.protocol.datasets import closing, is_number

_ESCAPED = re.compile(r"\\x([0-9A-Fa-f]{2})")
_FORBIDDEN = frozenset("()*/!")  # what a value cannot hold as it is
_UNITS = {"{C": "°C", "m3|h": "m3/h", "m3:h": "m3/h"}
_TIME = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2}),([0-9]{2}):([0-9]{2}):([0-9]{2})")
_BK_TIME = re.compile(r"([0-9]{2}):([0-9]{2}),([0-9]{2})\.([0-9]{2})\.([0-9]{4})")
_STATUS = re.compile(r"[0-9]{1,2}(?:;[0-9]{1,2})*")
_STATUS_WORD = re.compile(r"0x([0-9A-Fa-f]{1,4})")


class CodePage(Enum):
    r"""What ``\xNN`` means."""

    LATIN = "latin-1"
    CYRILLIC = "cp1251"


class Value(NamedTuple):
    """One bracket.

    Attributes:
        raw: what stands before the last ``*``, as sent.
        value: an exact number, a text without blanks at its ends, or None if empty.
        unit: as it is meant: without blanks, escapes and 7-bit spellings; None where
            there is none.
    """

    raw: str
    value: Decimal | str | None
    unit: str | None


def brackets(text: str) -> list[str]:
    """The contents of the brackets of one answer or row; inner ones are kept.

    What stands before, between and behind them is left out; so is a bracket that is
    not closed.
    """
    found, at = [], text.find("(")
    while at >= 0:
        end = closing(text, at)
        if end == -1:
            break
        found.append(text[at + 1 : end - 1])
        at = text.find("(", end)
    return found


def parse(content: str, page: CodePage = CodePage.LATIN) -> Value:
    """Read what stands in one bracket."""
    raw, star, unit = content.rpartition("*")
    if not star or ")" in unit:  # a star of an inner bracket is not ours
        raw, star, unit = content, "", ""
    text = unescape(raw, page).strip(" ")
    value = Decimal(text) if "," not in text and is_number(text) else text or None
    return Value(raw, value, unit_text(unit, page) if star else None)


def unescape(text: str, page: CodePage = CodePage.LATIN) -> str:
    r"""Read ``\xNN``; a byte that the code page does not have stays as it is."""

    def character(match: re.Match[str]) -> str:
        try:
            return bytes.fromhex(match[1]).decode(page.value)
        except UnicodeDecodeError:
            return match[0]

    return _ESCAPED.sub(character, text) if "\\" in text else text


def escape(text: str, page: CodePage = CodePage.LATIN) -> str:
    r"""Write ``( ) * / !``, backslashes and all that is not ASCII as ``\xNN``.

    Raises:
        ValueError: the code page has no such character.
    """
    out = []
    for char in text:
        if char in _FORBIDDEN or char == "\\" or not " " <= char <= "~":
            try:
                code = char.encode(page.value)[0]
            except UnicodeEncodeError:
                raise ValueError(f"the device has no character {char!r}") from None
            char = f"\\x{code:02x}"
        out.append(char)
    return "".join(out)


def unit_text(unit: str, page: CodePage = CodePage.LATIN) -> str | None:
    """Return a unit as it is meant; None where nothing is left of it."""
    text = unescape(unit, page).strip(" ")
    return _UNITS.get(text, text) or None


def parse_time(text: str) -> datetime | None:
    """Read ``YYYY-MM-DD,hh:mm:ss``, or the BK meter's ``hh:mm,DD.MM.YYYY``.

    Returns:
        The time of the device's clock, without zone; None if it is none.
    """
    text = text.strip(" ")
    if match := _TIME.fullmatch(text):
        fields = [int(field) for field in match.groups()]
    elif match := _BK_TIME.fullmatch(text):
        hour, minute, day, month, year = (int(field) for field in match.groups())
        fields = [year, month, day, hour, minute]
    else:
        return None
    try:
        return datetime(*fields)  # type: ignore[arg-type]
    except ValueError:
        return None


def format_time(moment: datetime, *, bk: bool = False) -> str:
    """Write a time of the device's clock; the BK meter's form has no seconds."""
    return moment.strftime("%H:%M,%d.%m.%Y" if bk else "%Y-%m-%d,%H:%M:%S")


def status_messages(contents: list[str]) -> tuple[int, ...] | None:
    """Which messages, 1 to 16, a status has.

    Args:
        contents: of its brackets: ``0``, ``1`` ``5`` ``16``, ``13;16`` or ``0x1000``.

    Returns:
        Their numbers, in order; none for ``0``.  None: it is no status.
    """
    found: set[int] = set()
    for content in contents:
        text = content.strip(" ")
        if word := _STATUS_WORD.fullmatch(text):
            bits = int(word[1], 16)
            found |= {bit + 1 for bit in range(16) if bits >> bit & 1}
        elif _STATUS.fullmatch(text):
            found |= {int(number) for number in text.split(";")}
        else:
            return None
    found.discard(0)
    return tuple(sorted(found)) if all(n <= 16 for n in found) else None
