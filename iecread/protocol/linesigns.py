"""What bytes say of the line that they came over: parity, speed, noise, protocol.

``look`` takes what a port at a known speed received and says what it most likely is.
Text of IEC 62056-21 shows its parity by bit 7 (5.1).  Text at another speed leaves
patterns: a model of a receiver (uart.py) says which bytes typical text becomes, and
the speed under which what came is most likely is the answer; bytes that are as likely
as dice are noise.  Everything here is a pure function.  Left out: what to do about it
(diagnosis.py).
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

from iecread.protocol import parity
from iecread.protocol.uart import misread

SPEEDS = (300, 600, 1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200)

_TEXT = bytes(range(0x20, 0x7F)) + b"\r\n\x01\x02\x03\x04\x06\x15"
_GLITCH = b"\x00\x7f\x80\xff"  # 5.5: what a change of speed or of direction leaves
_SML = b"\x1b\x1b\x1b\x1b\x01\x01\x01\x01"
# IEC 62056-46: flag, format type 3 (A0 to A7) and, near, the next flag
_HDLC = re.compile(rb"\x7e[\xa0-\xa7][\x05-\xff].{3,255}?\x7e", re.S)
_ENOUGH = 4  # characters, to tell parity
_MUCH = 6  # characters, to tell a speed from noise
_SURE = 9  # of ten characters
_WEAK = 7  # of ten with right parity: some light is missing
_MARGIN = 1.2  # nats for each byte over dice, to believe in a speed
_CLOSE = 0.25  # nats for each byte between speeds that cannot be told apart
_SMOOTH = 0.02  # share of what no model foresees
# What meters say: identification and data sets, with even parity and without
_SAMPLE = (
    b"/SIM5HOUSEHOLD E350\r\n\x020.0.0(10048151)\r\nF.F(00000000)\r\n"
    b"1.8.0(004218.650*kWh)\r\n1.8.1(002750.310*kWh)\r\n2.8.0(001320.480*kWh)\r\n"
    b"1.6.1(03.975*kW)(2210171845)\r\n32.7.0(229.6*V)\r\nC.1.0(70349121)\r\n!\r\n\x03"
)


class Sign(Enum):
    """What bytes are, most likely."""

    NOTHING = "nothing"
    EVEN = "text with even parity"
    PLAIN = "text without parity"
    ODD = "text with odd parity"
    WEAK = "text with damaged characters"
    SPEED = "text at another speed"
    NOISE = "noise"
    HDLC = "HDLC frames"
    SML = "SML"


TEXTS = (Sign.EVEN, Sign.PLAIN, Sign.ODD, Sign.WEAK)


@dataclass(frozen=True, slots=True)
class Look:
    """What was found.

    Attributes:
        sign: what the bytes are.
        count: how many they are, glitches at the ends aside.
        damaged: how many of them have wrong parity, or cannot be text.
        speeds: where ``sign`` is SPEED: those that fit, in Bd, the best first.
    """

    sign: Sign
    count: int = 0
    damaged: int = 0
    speeds: tuple[int, ...] = ()


def look(data: bytes, heard: int) -> Look:
    """Say what bytes are.

    Args:
        data: as an 8N1 port received them.
        heard: its speed in Bd.
    """
    if _SML in data:
        return Look(Sign.SML, len(data))
    if _HDLC.search(data):
        return Look(Sign.HDLC, len(data))
    core = data.strip(_GLITCH)
    if not data:
        return Look(Sign.NOTHING)
    if core and (text := _text(core)):
        return text
    found = speeds(data, heard)
    if found:
        return Look(Sign.SPEED, len(data), len(data), found)
    if not core and len(data) < _MUCH:
        return Look(Sign.NOTHING)
    return Look(Sign.NOISE, len(data), len(data))


def _text(data: bytes) -> Look | None:
    """What is to be said of bytes that are text; None: they are none."""
    count = len(data)
    chars = parity.strip(data)
    odd = parity.errors(data)
    strange = len(chars.translate(None, _TEXT))
    high = not data.isascii()
    if count < _ENOUGH:
        # one answer character, such as NAK, or the end of something
        even = not odd and not strange
        return Look(Sign.EVEN if high else Sign.PLAIN, count) if even else None
    # damage hits one bit of ten, so damaged text is still mostly text
    if 10 * strange > (10 - _SURE) * count + 10:
        return None
    if not high and not strange:
        return Look(Sign.PLAIN, count)
    if not high and 10 * strange <= (10 - _SURE) * count:
        return Look(Sign.WEAK, count, strange)
    wrong = min(count, odd + sum(_strange_and_even(data)))
    if wrong == 0:
        return Look(Sign.EVEN, count)
    if 10 * wrong <= (10 - _WEAK) * count:
        return Look(Sign.WEAK, count, wrong)
    if 10 * odd >= _SURE * count and not strange:
        return Look(Sign.ODD, count)
    return None


def _strange_and_even(data: bytes) -> list[bool]:
    return [b & 0x7F not in _TEXT and not b.bit_count() % 2 for b in data]


def speeds(data: bytes, heard: int) -> tuple[int, ...]:
    """Return the speeds in Bd that text was sent at to become these bytes.

    Args:
        data: as an 8N1 port received them.
        heard: its speed in Bd.

    Returns:
        Those that fit about as well as the best, the best first; empty where dice
        explain the bytes as well.
    """
    if len(data) < _MUCH:
        return ()
    likely = {
        speed: _likelihood(data, _model(speed, heard))
        for speed in SPEEDS
        if speed != heard
    }
    best = max(likely.values())
    if best < math.log(1 / 256) + _MARGIN:
        return ()
    near = [speed for speed, value in likely.items() if value >= best - _CLOSE]
    return tuple(sorted(near, key=lambda speed: -likely[speed]))


def _likelihood(data: bytes, model: Sequence[float]) -> float:
    """The mean logarithm of the chances of the bytes."""
    return sum(model[byte] for byte in data) / len(data)


@lru_cache(maxsize=128)
def _model(sent: int, heard: int) -> tuple[float, ...]:
    """Logarithms of the chances of each byte where text comes at another speed."""
    seen = [0] * 256
    for sample in (parity.add_even(_SAMPLE), _SAMPLE):
        for byte in misread(sample, sent, heard):
            seen[byte] += 1
    total = max(1, sum(seen))
    return tuple(
        math.log((1 - _SMOOTH) * count / total + _SMOOTH / 256) for count in seen
    )


def collision(data: bytes) -> bool:
    """Whether several meters seem to have answered one request at once.

    Two that begin together leave one beginning ``/`` and damage behind it; two that
    do not leave several beginnings in one answer.
    """
    chars = parity.strip(data)
    starts = len(re.findall(rb"/[A-Za-z]{3}", chars))
    return starts > 1


def echoed(sent: bytes, came: bytes) -> int:
    """Return how many bytes at the beginning of what came are what was sent.

    Compared are seven bits; NULs ahead of it and one damaged character count for
    nothing.  0: there is no echo.
    """
    ours, theirs = parity.strip(sent).lstrip(b"\0"), parity.strip(came)
    skipped = len(theirs) - len(theirs.lstrip(b"\0"))
    theirs = theirs[skipped:]
    if not ours or len(theirs) < len(ours):
        return 0
    same = sum(a == b for a, b in zip(ours, theirs, strict=False))
    return skipped + len(ours) if same >= len(ours) - (len(ours) > _ENOUGH) else 0
