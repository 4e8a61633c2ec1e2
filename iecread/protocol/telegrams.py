"""Telegrams: from bytes, in any pieces, to data sets with their block checks.

The units of a stream (units.py) are gathered in a draft; an identification with data
behind it begins the next one, and so the telegram before is handed out.  A telegram
says what the checks of all its frames and its CRC say together.

Left out on purpose: times, and what values mean (readings.py).
"""

import re
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

from iecread.protocol import parity as parity_bits
from iecread.protocol.bcc import bcc_sum7, bcc_xor, crc16
from iecread.protocol.datasets import Cut, DataSet, code_start, cut
from iecread.protocol.messages import Identification
from iecread.protocol.parity import Parity
from iecread.protocol.units import EOT, ETX, FILL, LINE_END, UnitCutter

_MOST_HEADS = 256  # identifications without data, one behind the other

_WHOLE_LINES = re.compile(rb".*[\r\n]", re.S)
_HEADLESS = re.compile(r"[A-Za-z]{3}")


class BlockCheck(Enum):
    """What the checks of a telegram say."""

    OK = "ok"  # XOR, or the CRC of P1
    OK_SUM7 = "ok-sum7"  # the 7-bit sum that a few makers send (protocol.md 3.3)
    BAD = "bad"  # any of them is wrong
    ABSENT = "absent"  # none came, or the beginning of what it covers is lost
    OFF = "off"  # not looked at


# What each choice of check accepts
_KINDS = {
    "auto": (BlockCheck.OK, BlockCheck.OK_SUM7),
    "xor": (BlockCheck.OK,),
    "sum7": (BlockCheck.OK_SUM7,),
    "off": (),
}


class Telegram(NamedTuple):
    """An identification and what follows it, up to the next one.

    Attributes:
        identification: None where no such line came; its text is without ``/`` where
            that was lost.
        data_sets: of all frames and lines, in the order sent.
        text: what could not be read as data sets, in the order sent.
        block_check: what all checks in it say together.
        complete: whether an end was seen and no bracket left open.
        mode: ``A``, ``B`` or ``C`` by the identification (6.4), ``D`` where the layout
            is that of a push telegram; None without identification.
    """

    identification: Identification | None
    data_sets: tuple[DataSet, ...]
    text: tuple[str, ...]
    block_check: BlockCheck
    complete: bool
    mode: str | None


@dataclass(slots=True)
class _Draft:
    """A telegram in the making."""

    identification: Identification | None = None
    push: bool = False  # a blank line behind the identification and no frame
    cut: Cut = field(default_factory=Cut)
    checks: set[BlockCheck] = field(default_factory=set)
    kind: BlockCheck | None = None  # the kind of check, once a frame has settled it
    covered: int = 0  # data sets before a right CRC

    @property
    def texts(self) -> list[str]:
        """All of it as text, for a draft without data."""
        head = [self.identification.text] if self.identification else []
        return head + self.cut.text

    def telegram(self, off: bool) -> Telegram:
        data_sets = self.cut.data_sets
        if self.covered:
            data_sets[: self.covered] = [
                DataSet(address, brackets, malformed, True)
                for address, brackets, malformed, _ in data_sets[: self.covered]
            ]
        order = (BlockCheck.BAD, BlockCheck.OK_SUM7, BlockCheck.OK)
        check = next((c for c in order if c in self.checks), BlockCheck.ABSENT)
        mode = None
        if self.identification:
            mode = "D" if self.push else slashed(self.identification).mode
        return Telegram(
            self.identification,
            tuple(data_sets),
            tuple(self.cut.text),
            BlockCheck.OFF if off else check,
            self.cut.ended and not self.cut.left_open,
            mode,
        )


def slashed(identification: Identification) -> Identification:
    """The identification with its ``/``, should that be lost."""
    if identification.text.startswith("/"):
        return identification
    return Identification("/" + identification.text, identification.end)


def decode(
    data: bytes, *, check: str = "auto", parity: Parity | None = None
) -> list[Telegram]:
    """Decode bytes that are there as a whole; see TelegramDecoder."""
    decoder = TelegramDecoder(check=check, parity=parity)
    return decoder.feed(data) + decoder.finish()


class TelegramDecoder(UnitCutter):
    """Decodes a stream of bytes, both directions of a line in the order of time.

    Any bytes may come: what is no telegram becomes text.

    Args:
        check: which block check to accept: ``xor``, ``sum7``, ``auto`` (the kind that
            the first right frame of a telegram has) or ``off`` (none is looked at).
        parity: how to read bit 7; None to find out from the first 64 KiB.

    Raises:
        ValueError: no such check.
    """

    def __init__(self, *, check: str = "auto", parity: Parity | None = None) -> None:
        if check not in _KINDS:
            raise ValueError(f"no such block check: {check!r}")
        super().__init__(parity)
        self._kinds = _KINDS[check]
        self._first = True  # no line yet
        self._carry = b""  # the line that a block with EOT left unfinished
        self._carry_right = False
        self._draft = _Draft()
        self._heads: list[_Draft] = []  # drafts without data, before this one
        self._held: Telegram | None = None  # the one before, until the draft has data
        self._out: list[Telegram] = []
        self._handed_out = False

    def feed(self, data: bytes) -> list[Telegram]:
        """Take in bytes; return the telegrams that are complete for good.

        A telegram is when data behind the next identification have come.
        """
        if self._add(data):
            self._run(final=False)
            self._trim()
        return self._taken()

    def finish(self) -> list[Telegram]:
        """Say that no more bytes come; return the telegrams that were left.

        The decoder cannot be used afterwards.
        """
        if self._parity is None:
            self._settle_parity()
        self._run(final=True)
        self._end_line()
        if self._draft.cut.data_sets:
            self._hand_out(self._draft.telegram(self._off))
        else:
            self._finish_heads([*self._heads, self._draft])
        return self._taken()

    # --- what the units hold -------------------------------------------------

    @property
    def _off(self) -> bool:
        return not self._kinds

    def _identification(self, text: bytes, line_ends: list[bytes]) -> None:
        line_end = line_ends[0].decode("ascii") if line_ends else ""
        found = Identification(parity_bits.clean(self._text(text)), line_end)
        self._begin(_Draft(found, push=len(line_ends) > 1))
        self._first = False

    def _no_push(self) -> None:
        self._draft.push = False

    def _lost_start(self, end: int) -> None:
        self._end_line()
        self._draft.cut.ended |= end == ETX

    def _begin_lines(self, data: bytes) -> bytes:
        self._end_line()
        if self._first:
            self._first = False
            return self._headless(data)
        return data

    def _lines(self, data: bytes) -> None:
        self._cut(data, False)

    def _headless(self, data: bytes) -> bytes:
        """The identification that runs into the first code of the input, cut off."""
        line = self._text(LINE_END.split(data, maxsplit=1)[0]).lstrip(" \t")
        address, bracket, _ = line.partition("(")
        start = code_start(address) if bracket else 0
        if start and _HEADLESS.match(address):
            self._begin(_Draft(Identification(address[:start], "")))
            return data.translate(None, FILL).lstrip(b" \t")[start:]
        return data

    def _frame(self, text: bytes, end: bytes) -> None:
        """What stands between STX and ETX or EOT, then that and the check."""
        self._first = False
        self._draft.push = False
        right = self._check_frame(text + end[:1], end[1:])
        if self._carry:
            line_end = LINE_END.search(text)
            stop = line_end.end() if line_end else len(text)
            text, rest = self._carry + text[:stop], text[stop:]
            self._carry_right &= right
            if line_end is None and end[0] == EOT:
                self._carry = text
                return
            self._carry = b""
            self._cut(text, self._carry_right)
            text = rest
        if end[0] == EOT:  # 6.4.7: the next block goes on within the line
            lines = _WHOLE_LINES.match(text)
            stop = lines.end() if lines else 0
            text, self._carry, self._carry_right = text[:stop], text[stop:], right
        else:
            self._draft.cut.ended = True
        self._cut(text, right)

    def _end_line(self) -> None:
        """The next block did not come: the line ends here."""
        carry, self._carry = self._carry, b""
        if carry:
            self._cut(carry, self._carry_right)

    def _cut(self, data: bytes, checked: bool) -> None:
        found = self._draft.cut
        empty = not found.data_sets
        cut(self._text(data), checked, found)
        if empty and found.data_sets:
            if self._held:
                self._hand_out(self._held)
                self._held = None
            found.text[:0] = [text for head in self._heads for text in head.texts]
            self._heads.clear()

    def _check_frame(self, body: bytes, check: bytes) -> bool:
        """Compare the check of a frame; whether it is right (6.2, protocol.md 3.3)."""
        draft = self._draft
        if not check or self._off:
            return False
        given = check[0] & 0x7F
        fits = {
            BlockCheck.OK: bcc_xor(body) == given,
            BlockCheck.OK_SUM7: bcc_sum7(body) == given,
        }
        kinds = self._kinds if draft.kind is None else (draft.kind,)
        found = [kind for kind in kinds if fits[kind]]
        draft.checks.add(found[0] if found else BlockCheck.BAD)
        if len(found) == 1:  # settled for this meter by the first clean frame
            draft.kind = found[0]
        return bool(found)

    def _end_of_telegram(self, covered: bytes | None, digits: bytes) -> None:
        draft = self._draft
        draft.push = True
        if self._off or covered is None:
            return
        if self._parity is Parity.EVEN:
            covered = parity_bits.strip(covered)
        right = crc16(covered) == int(digits, 16)
        draft.checks.add(BlockCheck.OK if right else BlockCheck.BAD)
        if right:
            draft.covered = len(draft.cut.data_sets)

    # --- telegrams -----------------------------------------------------------

    def _begin(self, draft: _Draft) -> None:
        """Begin the next telegram."""
        if self._draft.cut.data_sets:
            self._held = self._draft.telegram(self._off)
            self._size = 0
        elif len(self._heads) == _MOST_HEADS:
            self._too_long()
        elif self._draft.texts:
            self._heads.append(self._draft)
        self._draft = draft

    def _hand_out(self, telegram: Telegram) -> None:
        self._out.append(telegram)
        self._handed_out = True

    def _taken(self) -> list[Telegram]:
        out, self._out = self._out, []
        return out

    def _too_long(self) -> None:
        """Hand out what has become too long; the rest begins anew."""
        self._end_line()
        if self._draft.cut.data_sets:
            self._hand_out(self._draft.telegram(self._off))
        else:
            self._hand_out_text([*self._heads, self._draft])
        self._draft = _Draft()
        self._heads.clear()
        self._size = 0

    def _hand_out_text(self, heads: list[_Draft]) -> None:
        """Drafts without data, as text of the telegram before them."""
        texts = tuple(text for head in heads for text in head.texts)
        if self._held:
            self._hand_out(self._held._replace(text=self._held.text + texts))
            self._held = None
        elif texts:
            self._hand_out(_Draft(cut=Cut(text=list(texts))).telegram(self._off))

    def _finish_heads(self, heads: list[_Draft]) -> None:
        """The end of an input whose last identifications have no data."""
        identified = [head for head in heads if head.identification]
        if self._held or self._handed_out or not identified:
            self._hand_out_text(heads)
            return
        if heads[0].identification is None:  # noise before the first
            identified[0].cut.text[:0] = heads[0].cut.text
        for head in identified:
            self._hand_out(head.telegram(self._off))
