"""How the data of a meter came: whole, cut, late, at another speed, or none at all.

``judge`` looks at the bytes that came behind an option select and says in one word
what became of them, so that an examination knows what to try next.  Whether the values
in them are right is not its business: only that there are lines, and a block check
that fits.
"""

import re
from dataclasses import dataclass, replace
from enum import Enum

from iecread.protocol import parity
from iecread.protocol.bcc import CheckKind
from iecread.protocol.linesigns import TEXTS, Look, Sign, look
from iecread.protocol.messages import ETX, NAK, STX, Block, error_text

GLITCH = b"\x00\x7f\xff\x80"
"""Characters that a port makes up by itself where the line changes its level."""

RATE = 0.005
"""Share of damaged characters above which a line is bad."""

_MANY = 6  # characters: no glitch any more
_FRAME_END = re.compile(rb"[\x03\x04]")
_LINES_END = re.compile(rb"![^\r\n()]{0,8}[\r\n]+\Z")


class Verdict(Enum):
    """How data came."""

    GOOD = "data"
    SILENT = "nothing"
    CUT = "data that break off"
    LATE = "data without their beginning"
    SLOW = "data at another speed"
    EMPTY = "an empty list"
    REFUSED = "a refusal"
    HDLC = "HDLC"
    BROKEN = "noise"


@dataclass(frozen=True, slots=True)
class Data:
    """What came behind an option select, or where none is wanted."""

    verdict: Verdict
    speed: int
    delay: float
    count: int = 0
    damaged: int = 0
    checked: bool | None = None  # whether the block check fits; None: not seen
    ended: bool = False  # whether lines without a block check came to their end
    speeds: tuple[int, ...] = ()  # what they may have been sent at, in Bd
    detail: str = ""


def whole_block(data: bytes) -> bool:
    """Whether a block has come to its check."""
    chars = parity.strip(data)
    start = chars.find(STX)
    end = _FRAME_END.search(chars, start) if start >= 0 else None
    return end is not None and end.end() < len(chars)


def judge(rest: bytes, speed: int, delay: float) -> Data:
    """Say how data came."""
    seen = look(rest, speed)
    chars = parity.strip(rest)
    core = chars.strip(parity.strip(GLITCH))
    data = Data(Verdict.GOOD, speed, delay, seen.count, seen.damaged)
    if not core and len(rest) < _MANY:
        return replace(data, verdict=Verdict.SILENT, count=0, damaged=0)
    if core == NAK:
        return replace(data, verdict=Verdict.REFUSED, damaged=0, detail=": NAK")
    if seen.sign in (Sign.HDLC, Sign.SML):
        return replace(data, verdict=Verdict.HDLC)
    if seen.sign in TEXTS and len(rest) > 2 * seen.count + _MANY:
        # a few characters, then what is none
        seen = look(rest[-(len(rest) - seen.count - 2) :], speed)
    start = chars.find(STX)
    end = chars.find(ETX, max(0, start))
    if seen.sign in TEXTS and 0 <= start <= 3:
        return _judge_block(chars[start:], data)
    if seen.sign in TEXTS and (end >= 0 or _cut(rest, seen)):
        if seen.damaged > 3 + RATE * 2 * seen.count:
            return data  # damaged everywhere, not at the beginning only
        return replace(data, verdict=Verdict.LATE)
    if seen.sign in TEXTS:  # no frame, so no block check
        return replace(data, ended=_LINES_END.search(chars) is not None)
    if seen.sign is Sign.SPEED and seen.speeds[0] < speed:
        return replace(data, verdict=Verdict.SLOW, damaged=0, speeds=seen.speeds)
    return replace(data, verdict=Verdict.BROKEN)


def _cut(rest: bytes, seen: Look) -> bool:
    """Whether text begins with what is none, as when the beginning was lost."""
    head = rest[:3]
    strange = parity.strip(head).translate(None, bytes(range(0x20, 0x7F)) + b"\r\n")
    odd = seen.sign is not Sign.PLAIN and parity.errors(head)
    return bool(strange or odd)


def _judge_block(chars: bytes, data: Data) -> Data:
    """Judge data that began with an STX."""
    found = _FRAME_END.search(chars)
    end = found.start() if found else -1
    text = chars[1 : end if end >= 0 else len(chars)]
    checked: bool | None = None
    if 0 <= end < len(chars) - 1:
        block = Block.from_bytes(chars[: end + 2])
        checked = any(replace(block, kind=kind).right for kind in CheckKind)
    data = replace(data, checked=checked)
    if end >= 0 and not text.strip(b"\r\n!"):
        return replace(data, verdict=Verdict.EMPTY, detail=" (no data set in it)")
    refused = error_text(text.decode("latin-1")) if end >= 0 else None
    if refused:
        return replace(data, verdict=Verdict.REFUSED, detail=f": {refused}")
    return data
