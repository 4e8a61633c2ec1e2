"""Telegrams: from bytes, in any pieces, to data sets with their block checks.

A decoder keeps what it cannot place yet and takes units off the front: frames (STX
to the check behind ETX or EOT), dialogue (requests, option selects, commands, ACK,
NAK), identifications, and lines.  Each unit depends on the bytes alone, never on how
they were cut.  What was found is gathered in a draft; an identification with data
behind it begins the next one, and so the telegram before is handed out.

Bytes of wrong parity are carried as bytes with bit 7 set, and so are never part of
the structure.  Left out on purpose: times, and what values mean (readings.py).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

from iecread.protocol import parity as parity_bits
from iecread.protocol.bcc import bcc_sum7, bcc_xor, crc16
from iecread.protocol.datasets import Cut, DataSet, closing, code_start, cut
from iecread.protocol.messages import Identification
from iecread.protocol.parity import DAMAGED, Parity

LIMIT = 4 << 20
"""Bytes of one telegram, line or frame; what is longer is handed out in parts."""

PARITY_SAMPLE = 64 << 10
"""Bytes that decide about parity, at most."""

_MOST_HEADS = 256  # identifications without data, one behind the other

_SOH, _STX, _ETX, _EOT, _ACK, _NAK, _SLASH = b"\x01\x02\x03\x04\x06\x15/"
_FILL = b"\x00\x7f"  # left out: fills pauses, turns the line round

_SPECIAL = re.compile(rb"[\x01-\x04\x06\x15/]")
_PAUSE = re.compile(rb"[\x00\x7f\r\n]*")
_SHORT_PAUSE = re.compile(rb"[\x00\x7f\r\n]{0,64}")
_LINE_END = re.compile(rb"\r\n|\r|\n")
_WHOLE_LINES = re.compile(rb".*[\r\n]", re.S)
# 6.3.3, and as much of it as may have come so far
_OPTION = re.compile(rb"\x06[0-9][!-~]{2}(?=[\r\n\x01\x02\x06]|\Z)")
_OPTION_BEGUN = re.compile(rb"\x06(?:[0-9][!-~]{0,2})?\Z")
# 6.3.7; no command is nearly as long as the bound
_COMMAND = re.compile(rb"\x01[^\x00-\x1f]{2}(?:\x02[^\x01-\x04]{0,4096})?[\x03\x04]")
_COMMAND_BEGUN = re.compile(
    rb"\x01(?:[^\x00-\x1f]|[^\x00-\x1f]{2}(?:\x02[^\x01-\x04]{0,4096})?)?\Z"
)
# "!" where a line begins or behind a bracket, and perhaps the CRC of P1
_END = re.compile(
    rb"(?:^|[\r\n)])[ \t\x00\x7f]*!([0-9A-Fa-f]{0,4})(?=[ \t\x00\x7f]*(?:[\r\n]|\Z))"
)

_MARK = re.compile(r"[(/]")
_REQUEST = re.compile(r"/(?:\?[0-9A-Za-z ]*!|[^()/!]*!(?=[ \t]*(?:\Z|/)))")
_LETTERS = re.compile(r"/[A-Za-z]{3}")
# Behind an open bracket "/kWh" is the end of a unit, "/LGZ5..." is not
_AFTER_BRACKET = re.compile(r"/(?=[A-Za-z]{3})(?![A-Za-z]*[ \t]*(?:/|\Z))")
_HEADLESS = re.compile(r"[A-Za-z]{3}")

# Even parity: the seven bits, and bit 7 set where the parity is wrong
_FOLD = bytes(c & 0x7F | c.bit_count() % 2 << 7 for c in range(256))
_MARKED = {c: chr(DAMAGED + (c & 0x7F)) for c in range(128, 256)}


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


class TelegramDecoder:
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
        self._kinds = _KINDS[check]
        self._parity = parity
        self._buffer = bytearray()
        # places in the buffer
        self._at = 0  # all before it is done with
        self._scan = 0  # nothing special in this line before it
        self._slashes = 0  # no "/" before it begins anything
        self._unframed = 0  # no STX before it begins a frame
        self._searched = 0  # no end of the next frame before it
        self._crc_start: int | None = None  # "/" of a telegram that may have a CRC
        # what has come
        self._first = True  # no line yet
        self._carry = b""  # the line that a block with EOT left unfinished
        self._carry_right = False
        self._size = 0  # bytes of the draft and the heads
        self._draft = _Draft()
        self._heads: list[_Draft] = []  # drafts without data, before this one
        self._held: Telegram | None = None  # the one before, until the draft has data
        self._out: list[Telegram] = []
        self._handed_out = False

    def feed(self, data: bytes) -> list[Telegram]:
        """Take in bytes; return the telegrams that are complete for good.

        A telegram is when data behind the next identification have come.
        """
        if self._parity is None:
            self._buffer += data
            if len(self._buffer) < PARITY_SAMPLE:
                return []
            self._settle_parity()
        else:
            self._buffer += self._fold(data)
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
        self._end_carry()
        if self._draft.cut.data_sets:
            self._hand_out(self._draft.telegram(self._off))
        else:
            self._finish_heads([*self._heads, self._draft])
        return self._taken()

    # --- bytes ---------------------------------------------------------------

    @property
    def _off(self) -> bool:
        return not self._kinds

    def _fold(self, data: bytes) -> bytes:
        return data.translate(_FOLD) if self._parity is Parity.EVEN else data

    def _settle_parity(self) -> None:
        self._parity = parity_bits.classify(bytes(self._buffer[:PARITY_SAMPLE]))
        self._buffer[:] = self._fold(bytes(self._buffer))

    def _string(self, data: bytes) -> str:
        text = data.decode("latin-1")
        if self._parity is Parity.EVEN and not text.isascii():
            text = text.translate(_MARKED)
        return text

    def _text(self, data: bytes) -> str:
        return self._string(data.translate(None, _FILL))

    def _advance(self, to: int) -> None:
        self._size += to - self._at
        self._at, self._scan = to, max(to, self._scan)

    def _trim(self) -> None:
        """Forget the bytes that are done with."""
        if self._crc_start is not None and self._at - self._crc_start > LIMIT:
            self._crc_start = None
        done = self._at if self._crc_start is None else self._crc_start
        del self._buffer[:done]
        self._at -= done
        self._scan -= done
        self._slashes -= done
        self._unframed -= done
        self._searched -= done
        if self._crc_start is not None:
            self._crc_start -= done

    # --- units: each method takes one off the front, or returns False to wait ---

    def _run(self, *, final: bool) -> None:
        buffer = self._buffer
        more = True
        while more:
            pause = _PAUSE.match(buffer, self._at)
            assert pause is not None
            at = pause.end()
            self._advance(at)
            if at == len(buffer):
                return
            if buffer[at] == _NAK:
                self._advance(at + 1)
            elif buffer[at] == _ACK:
                more = self._take_ack(at, final)
            elif buffer[at] in (_ETX, _EOT):
                more = self._take_lost_start(at, final)
            else:
                more = self._take_line(at, final)

    def _take_ack(self, at: int, final: bool) -> bool:
        """ACK alone, or an option select (6.3.3)."""
        if not final and _OPTION_BEGUN.match(self._buffer, at):
            return False
        option = _OPTION.match(self._buffer, at)
        if option:
            self._draft.push = False
        self._advance(option.end() if option else at + 1)
        return True

    def _take_lost_start(self, at: int, final: bool) -> bool:
        """The end of a frame whose beginning is lost, and its check."""
        follows = bytes(self._buffer[at + 1 : at + 5])
        if len(follows) < 4 and not final:
            return False
        self._end_carry()
        self._draft.cut.ended |= self._buffer[at] == _ETX
        identified = _LETTERS.match(self._string(follows))
        self._advance(at + 1 if identified or not follows else at + 2)
        return True

    def _take_line(self, at: int, final: bool) -> bool:
        """Whole lines, or what begins or stands within one."""
        buffer = self._buffer
        room = at + max(0, LIMIT - self._size)
        while True:
            special = _SPECIAL.search(buffer, self._scan, room)
            stop = special.start() if special else min(len(buffer), room)
            lines = max(buffer.rfind(c, self._scan, stop) for c in (b"\r", b"\n"))
            if lines >= 0:
                self._take_lines(lines + 1)
                return True
            if special is None:
                break
            kind = buffer[stop]
            if kind == _SLASH:
                done = self._take_slash(at, stop, room, final)
            elif kind == _STX:
                done = self._take_frame(at, stop, final)
            elif kind == _SOH:
                done = self._take_command(at, stop, final)
            elif kind in (_ETX, _EOT) and buffer[stop - 1] in b")!":
                self._take_lines(stop)
                done = True
            else:
                done = None
            if done is not None:
                return done
            self._scan = stop + 1  # a character like others
        if stop == room and self._size:
            self._overflow()
        elif stop == room or final:
            self._take_lines(stop)
        else:
            self._scan = stop
            return False
        return True

    def _take_slash(self, at: int, slash: int, room: int, final: bool) -> bool | None:
        """An identification or a request, or None where it begins neither."""
        if slash < self._slashes:
            return None
        buffer = self._buffer
        line_end = _LINE_END.search(buffer, slash, room)
        if not line_end and len(buffer) < room and not final:
            return False
        end = line_end.start() if line_end else min(len(buffer), room)
        starts = list(_starts(self._string(bytes(buffer[at:end]))))
        identified = bool(starts) and starts[-1][2]
        pause = _SHORT_PAUSE.match(buffer, end)
        assert pause is not None
        if not final and identified and pause.end() == len(buffer) < end + 64:
            return False
        self._slashes = end
        for start, stop, is_identification in starts:
            self._take_lines(at + start)
            self._end_carry()
            if is_identification:
                self._identify(at + start, end, pause[0])
            else:
                self._advance(at + stop)
        return True if starts else None

    def _identify(self, start: int, end: int, pause: bytes) -> None:
        ends = _LINE_END.findall(pause)
        text = parity_bits.clean(self._text(bytes(self._buffer[start:end])))
        line_end = ends[0].decode("ascii") if ends else ""
        self._begin(_Draft(Identification(text, line_end), push=len(ends) > 1))
        self._crc_start = start
        self._first = False
        self._advance(end)

    def _take_command(self, at: int, start: int, final: bool) -> bool | None:
        """A message that begins with SOH: dialogue (6.3.7)."""
        buffer = self._buffer
        command = _COMMAND.match(buffer, start)
        if command is None:
            if final or not _COMMAND_BEGUN.match(buffer, start):
                return None
            return False
        if command.end() == len(buffer) and not final:
            return False
        self._take_lines(start)
        self._end_carry()
        self._advance(min(command.end() + 1, len(buffer)))
        return True

    def _take_frame(self, at: int, start: int, final: bool) -> bool | None:
        """A frame (6.3.4), or None where the STX frames nothing."""
        buffer = self._buffer
        end = self._frame_end(start, final)
        if end == 0:
            self._draft.push = False
            return None
        if end is None:
            return False
        pause = _SHORT_PAUSE.match(buffer, end + 2)
        assert pause is not None
        behind = pause.end()
        if not final and behind == len(buffer) < end + 66:
            return False
        if start > at:
            self._take_lines(start)
        elif self._size and self._size + end - start > LIMIT:
            self._overflow()
        elif buffer[behind : behind + 1] == bytes([_NAK]):
            self._advance(behind + 1)  # noise: it was asked for once more
        else:
            self._frame(bytes(buffer[start + 1 : end]), bytes(buffer[end : end + 2]))
            self._advance(min(end + 2, len(buffer)))
        return True

    def _frame_end(self, start: int, final: bool) -> int | None:
        """Where its ETX or EOT is; 0 if it frames nothing, None to wait."""
        if start < self._unframed:
            return 0
        buffer = self._buffer
        limit = min(len(buffer), start + LIMIT)
        at = max(start + 1, self._searched)
        ends = [buffer.find(end, at, limit) for end in (b"\x03", b"\x04")]
        end = min((place for place in ends if place >= 0), default=limit)
        certain = final or end < limit or limit == start + LIMIT
        while (at := buffer.find(b"/", at, end)) >= 0:
            line_end = _LINE_END.search(buffer, at, end)
            if line_end is None and not certain:
                self._searched = at
                return None
            line = 1 + max(buffer.rfind(c, start, at) for c in (b"\r", b"\n"))
            line = max(line, start)
            at = line_end.start() if line_end else end
            for place, _, identified in _starts(self._string(bytes(buffer[line:at]))):
                if identified:
                    self._unframed = line + place
                    return 0
        if end < limit:
            return end
        self._searched = limit
        if not certain:
            return None
        self._unframed = limit
        return 0

    # --- what the units hold -------------------------------------------------

    def _take_lines(self, end: int) -> None:
        """Lines outside frames, up to ``end``."""
        at = self._at
        data = bytes(self._buffer[at:end])
        self._advance(end)
        if not data.strip(b"\r\n \t" + _FILL):
            return
        self._end_carry()
        if self._first:
            self._first = False
            data = self._headless(data)
        mark = None if self._crc_start is None else _END.search(data)
        if mark:
            self._cut(data[: mark.end()], False)
            self._check_telegram(at + mark.start(1), mark[1])
            data = data[mark.end() :]
        self._cut(data, False)

    def _headless(self, data: bytes) -> bytes:
        """The identification that runs into the first code of the input, cut off."""
        line = self._text(_LINE_END.split(data, maxsplit=1)[0]).lstrip(" \t")
        address, bracket, _ = line.partition("(")
        start = code_start(address) if bracket else 0
        if start and _HEADLESS.match(address):
            self._begin(_Draft(Identification(address[:start], "")))
            return data.translate(None, _FILL).lstrip(b" \t")[start:]
        return data

    def _frame(self, text: bytes, end: bytes) -> None:
        """What stands between STX and ETX or EOT, then that and the check."""
        self._crc_start = None
        self._first = False
        self._draft.push = False
        right = self._check_frame(text + end[:1], end[1:])
        if self._carry:
            line_end = _LINE_END.search(text)
            stop = line_end.end() if line_end else len(text)
            text, rest = self._carry + text[:stop], text[stop:]
            self._carry_right &= right
            if line_end is None and end[0] == _EOT:
                self._carry = text
                return
            self._carry = b""
            self._cut(text, self._carry_right)
            text = rest
        if end[0] == _EOT:  # 6.4.7: the next block goes on within the line
            lines = _WHOLE_LINES.match(text)
            stop = lines.end() if lines else 0
            text, self._carry, self._carry_right = text[:stop], text[stop:], right
        else:
            self._draft.cut.ended = True
        self._cut(text, right)

    def _end_carry(self) -> None:
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

    def _check_telegram(self, digits_at: int, digits: bytes) -> None:
        """Compare the CRC behind ``!``, if there is one (protocol.md 6.2)."""
        start, self._crc_start = self._crc_start, None
        if not digits:
            return
        self._draft.push = True
        if self._off or start is None or digits_at - start > LIMIT:
            return
        covered = bytes(self._buffer[start:digits_at])
        if self._parity is Parity.EVEN:
            covered = parity_bits.strip(covered)
        right = crc16(covered) == int(digits, 16)
        self._draft.checks.add(BlockCheck.OK if right else BlockCheck.BAD)
        if right:
            self._draft.covered = len(self._draft.cut.data_sets)

    # --- telegrams -----------------------------------------------------------

    def _begin(self, draft: _Draft) -> None:
        """Begin the next telegram."""
        if self._draft.cut.data_sets:
            self._held = self._draft.telegram(self._off)
            self._size = 0
        elif len(self._heads) == _MOST_HEADS:
            self._overflow()
        elif self._draft.texts:
            self._heads.append(self._draft)
        self._draft = draft

    def _hand_out(self, telegram: Telegram) -> None:
        self._out.append(telegram)
        self._handed_out = True

    def _taken(self) -> list[Telegram]:
        out, self._out = self._out, []
        return out

    def _overflow(self) -> None:
        """Hand out what has become too long; the rest begins anew."""
        self._end_carry()
        if self._draft.cut.data_sets:
            self._hand_out(self._draft.telegram(self._off))
        else:
            self._hand_out_text([*self._heads, self._draft])
        self._draft = _Draft()
        self._heads.clear()
        self._crc_start = None
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


def _starts(line: str) -> Iterator[tuple[int, int, bool]]:
    """The requests in a line and the identification that ends it, if one does.

    Yields:
        First place, the place behind it, and whether it is an identification.
    """
    begin = len(line) - len(line.lstrip(" \t\x00\x7f"))
    at = 0
    while mark := _MARK.search(line, at):
        place = mark.start()
        if mark[0] == "(":
            at = closing(line, place)
            if at >= 0:
                continue
            if behind := _AFTER_BRACKET.search(line, place):
                yield behind.start(), len(line), True
            return
        at = place + 1
        letters = _LETTERS.match(line, place)
        if place == begin or letters or line[at : at + 1] in ("?", "#"):
            if request := _REQUEST.match(line, place):
                at = begin = request.end()
                yield place, at, False
            elif place == begin or letters:
                yield place, len(line), True
                return
