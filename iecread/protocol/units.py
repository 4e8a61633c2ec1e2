"""From bytes, in any pieces, to the units that a telegram is made of.

UnitCutter keeps what it cannot place yet and takes units off the front: frames (STX
to the check behind ETX or EOT), dialogue (requests, option selects, commands, ACK,
NAK), identifications, and lines.  Each unit depends on the bytes alone, never on how
they were cut.  Bytes of wrong parity are carried as bytes with bit 7 set, and so are
never part of the structure.  Left out: what becomes of the units (telegrams.py).
"""

import re
from abc import ABC, abstractmethod

from iecread.protocol import parity as parity_bits
from iecread.protocol.heads import IDENTIFIED, starts
from iecread.protocol.parity import DAMAGED, Parity

LIMIT = 4 << 20
"""Bytes of one telegram, line or frame; what is longer is handed out in parts."""

PARITY_SAMPLE = 64 << 10
"""Bytes that decide about parity, at most."""

_SOH, _STX, ETX, EOT, _ACK, _NAK, _SLASH = b"\x01\x02\x03\x04\x06\x15/"
FILL = b"\x00\x7f"  # left out: fills pauses, turns the line round

_SPECIAL = re.compile(rb"[\x01-\x04\x06\x15/]")
_PAUSE = re.compile(rb"[\x00\x7f\r\n]*")
_SHORT_PAUSE = re.compile(rb"[\x00\x7f\r\n]{0,64}")
LINE_END = re.compile(rb"\r\n|\r|\n")
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

# Even parity: the seven bits, and bit 7 set where the parity is wrong
_FOLD = bytes(c & 0x7F | c.bit_count() % 2 << 7 for c in range(256))
_MARKED = {c: chr(DAMAGED + (c & 0x7F)) for c in range(128, 256)}


class UnitCutter(ABC):
    """Cuts a stream of bytes into units and hands them to its subclass.

    Args:
        parity: how to read bit 7; None to find out from the first 64 KiB.
    """

    def __init__(self, parity: Parity | None) -> None:
        self._parity = parity
        self._buffer = bytearray()
        # places in the buffer
        self._at = 0  # all before it is done with
        self._scan = 0  # nothing special in this line before it
        self._slashes = 0  # no "/" before it begins anything
        self._unframed = 0  # no STX before it begins a frame
        self._searched = 0  # no end of the next frame before it
        self._crc_start: int | None = None  # "/" of a telegram that may have a CRC
        self._size = 0  # bytes of what the units so far are gathered in

    # --- what becomes of the units -------------------------------------------

    @abstractmethod
    def _identification(self, text: bytes, line_ends: list[bytes]) -> None:
        """An identification, and the line ends behind it."""

    @abstractmethod
    def _frame(self, text: bytes, end: bytes) -> None:
        """What stands between STX and ETX or EOT, then that and the check."""

    @abstractmethod
    def _begin_lines(self, data: bytes) -> bytes:
        """Lines outside frames are next; return them without what is none of them."""

    @abstractmethod
    def _lines(self, data: bytes) -> None:
        """Lines outside frames."""

    @abstractmethod
    def _end_of_telegram(self, covered: bytes | None, digits: bytes) -> None:
        """The CRC of P1 behind ``!``, and what it covers, unless that is too long."""

    @abstractmethod
    def _lost_start(self, end: int) -> None:
        """ETX or EOT of a frame whose beginning is lost."""

    @abstractmethod
    def _end_line(self) -> None:
        """What comes next does not go on with the line of the block before."""

    @abstractmethod
    def _no_push(self) -> None:
        """What came was asked for, or framed in part."""

    @abstractmethod
    def _too_long(self) -> None:
        """What is gathered has reached the limit."""

    # --- bytes ---------------------------------------------------------------

    def _add(self, data: bytes) -> bool:
        """Take in bytes; whether it is known how to read them."""
        if self._parity is not None:
            self._buffer += self._fold(data)
            return True
        self._buffer += data
        if len(self._buffer) < PARITY_SAMPLE:
            return False
        self._settle_parity()
        return True

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
        return self._string(data.translate(None, FILL))

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
            elif buffer[at] in (ETX, EOT):
                more = self._take_lost_start(at, final)
            else:
                more = self._take_line(at, final)

    def _take_ack(self, at: int, final: bool) -> bool:
        """ACK alone, or an option select (6.3.3)."""
        if not final and _OPTION_BEGUN.match(self._buffer, at):
            return False
        option = _OPTION.match(self._buffer, at)
        if option:
            self._no_push()
        self._advance(option.end() if option else at + 1)
        return True

    def _take_lost_start(self, at: int, final: bool) -> bool:
        """The end of a frame whose beginning is lost, and its check."""
        follows = bytes(self._buffer[at + 1 : at + 5])
        if len(follows) < 4 and not final:
            return False
        self._lost_start(self._buffer[at])
        identified = IDENTIFIED.match(self._string(follows))
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
            elif kind in (ETX, EOT) and buffer[stop - 1] in b")!":
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
        line_end = LINE_END.search(buffer, slash, room)
        if not line_end and len(buffer) < room and not final:
            return False
        end = line_end.start() if line_end else min(len(buffer), room)
        found = list(starts(self._string(bytes(buffer[at:end]))))
        identified = bool(found) and found[-1][2]
        pause = _SHORT_PAUSE.match(buffer, end)
        assert pause is not None
        if not final and identified and pause.end() == len(buffer) < end + 64:
            return False
        self._slashes = end
        for start, stop, is_identification in found:
            self._take_lines(at + start)
            self._end_line()
            if is_identification:
                self._identify(at + start, end, pause[0])
            else:
                self._advance(at + stop)
        return True if found else None

    def _identify(self, start: int, end: int, pause: bytes) -> None:
        text = bytes(self._buffer[start:end])
        self._identification(text, LINE_END.findall(pause))
        self._crc_start = start
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
        self._end_line()
        self._advance(min(command.end() + 1, len(buffer)))
        return True

    def _take_frame(self, at: int, start: int, final: bool) -> bool | None:
        """A frame (6.3.4), or None where the STX frames nothing."""
        buffer = self._buffer
        end = self._frame_end(start, final)
        if end == 0:
            self._no_push()
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
            self._crc_start = None
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
            line_end = LINE_END.search(buffer, at, end)
            if line_end is None and not certain:
                self._searched = at
                return None
            line = 1 + max(buffer.rfind(c, start, at) for c in (b"\r", b"\n"))
            line = max(line, start)
            at = line_end.start() if line_end else end
            for place, _, identified in starts(self._string(bytes(buffer[line:at]))):
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

    def _take_lines(self, end: int) -> None:
        """Lines outside frames, up to ``end``."""
        at = self._at
        data = bytes(self._buffer[at:end])
        self._advance(end)
        if not data.strip(b"\r\n \t" + FILL):
            return
        data = self._begin_lines(data)
        mark = None if self._crc_start is None else _END.search(data)
        if mark:
            self._lines(data[: mark.end()])
            self._check_telegram(at + mark.start(1), mark[1])
            data = data[mark.end() :]
        self._lines(data)

    def _check_telegram(self, digits_at: int, digits: bytes) -> None:
        """Say what the CRC behind ``!`` covers, if there is one (protocol.md 6.2)."""
        start, self._crc_start = self._crc_start, None
        assert start is not None
        if digits:
            covered = None
            if digits_at - start <= LIMIT:
                covered = bytes(self._buffer[start:digits_at])
            self._end_of_telegram(covered, digits)

    def _overflow(self) -> None:
        self._too_long()
        self._crc_start = None
