"""Even parity in software, and the decision whether a line carries it.

IEC 62056-21 sends seven data bits and even parity (5.1, 5.6).  An 8N1 port shows
the parity as bit 7 of each byte.  A pty, a 7-bit gateway or a true 8-bit push meter
shows none.  The start ``/`` and the CR of each identification have an odd number
of ones, so the two kinds differ from the first message on.

Everything here is a pure function.  A character of wrong parity becomes one of the
private use area (``DAMAGED`` + its seven bits): it can be shown again, but it is
never a bracket, a line end or a digit.
"""

import codecs
from enum import Enum

DAMAGED = 0xE000  # first code point that stands for a character of wrong parity

_TO_EVEN = bytes(c & 0x7F | (c & 0x7F).bit_count() % 2 << 7 for c in range(256))
_ODD = bytes(c for c in range(256) if c.bit_count() % 2)
_PLAIN = bytes(c & 0x7F for c in range(256))
_HIGH = bytes(range(0x80, 0x100))
_EVEN_TEXT = "".join(
    chr((DAMAGED if c.bit_count() % 2 else 0) + (c & 0x7F)) for c in range(256)
)
_CLEAN = {DAMAGED + c: c for c in range(128)}


class Parity(Enum):
    """What bit 7 of the bytes is."""

    NONE = "none"  # not a parity bit: 7-bit peers, or 8 data bits
    EVEN = "even"  # 5.1: even parity


def add_even(data: bytes) -> bytes:
    """Return ``data`` as an 8N1 port must send it to look like 7E1 (5.1)."""
    return data.translate(_TO_EVEN)


def strip(data: bytes) -> bytes:
    """Return the seven bits of each character, right or wrong."""
    return data.translate(_PLAIN)


def errors(data: bytes) -> int:
    """Return how many characters of ``data`` have odd parity."""
    return len(data) - len(data.translate(None, _ODD))


def classify(data: bytes) -> Parity:
    """Tell whether bit 7 of ``data`` is a parity bit.

    It is where at least nine of ten bytes have even parity and some have bit 7
    set.  Plain ASCII has no bit 7; of 8-bit text about half has odd parity.
    """
    if len(data) == len(data.translate(None, _HIGH)):
        return Parity.NONE
    return Parity.EVEN if errors(data) * 10 <= len(data) else Parity.NONE


def to_text(data: bytes, parity: Parity) -> str:
    """Return ``data`` as text, one character each.

    Args:
        data: the bytes as they came.
        parity: NONE gives Latin-1; EVEN takes the parity bit off and marks each
            character of wrong parity (see the top of this module).
    """
    if parity is Parity.NONE:
        return data.decode("latin-1")
    return codecs.charmap_decode(data, "strict", _EVEN_TEXT)[0]


def clean(text: str) -> str:
    """Return ``text`` with marked characters as the seven bits that came."""
    return text if text.isascii() else text.translate(_CLEAN)
