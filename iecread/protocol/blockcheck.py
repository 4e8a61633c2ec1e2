"""Whether a framed message may be believed: its block check and its parity (6.2).

The check is an XOR, or the 7-bit sum that a few makers send (protocol.md 3.3).  Which
one a meter has is settled by the first message that fits; where that is not the likely
one it has to come twice, since accepting either kind at once would let twice the
damage through.  It covers seven bits: where there is no parity, a few characters of
eight bits have to come twice too.  What is asked for again, and how often, is the
engines' business.
"""

from dataclasses import replace

from iecread.protocol import parity
from iecread.protocol.actions import Trouble
from iecread.protocol.bcc import CheckKind
from iecread.protocol.messages import Block, Command

_FEW = 16  # characters of eight bits; more are this meter's manner, not damage
_SEVEN_BITS = bytes(range(0x80))


class Checker:
    """Judges the framed messages of one meter.

    Args:
        kind: kind of block check; None to find out.

    Attributes:
        kind: kind of block check, once it is settled.
        detail: what was wrong with the last message, for a person.
    """

    def __init__(self, kind: CheckKind | None) -> None:
        self.kind = kind
        self.detail = ""
        self._other_seen = False
        self._odd = b""  # characters of eight bits in the message that was not believed

    def judge(
        self, raw: bytes, block: Block | Command, *, even: bool, likely: CheckKind
    ) -> Trouble | None:
        """Say what is wrong with a framed message, None if it may be believed.

        Args:
            raw: the message as it came.
            block: the same, read.
            even: whether bit 7 is an even parity.
            likely: the kind of block check that the meter is believed to have.
        """
        wrong = parity.errors(raw) if even else 0
        fits = [kind for kind in CheckKind if replace(block, kind=kind).right]
        settled = self.kind
        if settled is not None and settled in fits or settled is None and fits:
            if wrong:
                self.detail = f"{wrong} characters of wrong parity"
                return Trouble.PARITY
            if settled is None and likely not in fits and not self._other_seen:
                self._other_seen = True
                return Trouble.CHECK_KIND
            odd = b"" if even else raw.translate(None, _SEVEN_BITS)
            if 0 < len(odd) <= _FEW and odd != self._odd:
                self._odd = odd
                self.detail = f"{len(odd)} characters of eight bits"
                return Trouble.PARITY
            if len(fits) == 1:
                self.kind = fits[0]
            return None
        expected = replace(block, check=None, kind=settled or likely)
        self.detail = (
            f"expected {expected.to_bytes()[-1]:02X}, got {raw[-1]:02X}, "
            f"{wrong} characters of wrong parity"
        )
        return Trouble.BLOCK_CHECK
