"""What has come from the meter: bounded, incremental, cut into messages.

The receiver keeps the bytes of one message at most, remembers how far it has
searched (nothing is searched twice, however small the pieces are), and counts what
it dropped as noise.  Where a message ends never depends on the cuts in which it
came.  It tells parity from the identification (parity.py) unless told.  Left out on
purpose: what the characters between STX and ETX mean (datasets.py), and whether a
block check is right.
"""

import re
from enum import Enum, auto

from iecread.errors import RemoteProtocolError
from iecread.protocol import parity
from iecread.protocol.messages import ACK, ETX, NAK, SOH, STX, Identification
from iecread.protocol.parity import Parity

# No meter sends that much: silence or these limits end a read, never a total time
NOISE_LIMIT = 1024  # bytes without an identification
GLITCH_LIMIT = 4096  # bytes behind it without anything that looks like data
DATA_LIMIT = 1 << 20  # bytes of one data block or telegram
ANSWER_LIMIT = 4 << 20  # bytes of one answer: a load profile of a year and more
_TAIL_LIMIT = 8  # line ends behind the "!" of a readout without a frame

_START = re.compile(rb"/(?=[A-Za-z]{3})")
_LINE_END = re.compile(rb"\n|\r(?!\n|\Z)")
_CR_LF = re.compile(rb"[\r\n]")
_UNPRINTABLE = re.compile(rb".*[^ -~]", re.S)
_BRACKETS = re.compile(rb"\([^()]*\)")
_REPLY = re.compile(rb"[\x01\x02\x06\x15]")
_FRAME_END = re.compile(rb"[\x03\x04]")
# "!", perhaps a CRC or another check text, and the line end; the second is what may
# still become one
_CLOSE = re.compile(rb"![^\r\n()]{0,80}(?:\r\n|\n|\r(?!\Z))")
_CLOSING = re.compile(rb"![^\r\n()]{0,80}\r?\Z")
_BEFORE_CLOSE = (b"\r", b"\n", b")", b") ")
# Another telegram begins at a line's start, or behind "!" without a line end
_BEFORE_RESTART = re.compile(rb"[\r\n]\Z|(![0-9A-F]{0,4})\Z")
_TEXT_GOES_ON = re.compile(rb"[ -.0-~]")  # anything but "/", which begins a telegram
_BREAK = b"\x01B0\x03"
_OPERAND = b"\x01P0"
_SML = b"\x1b\x1b\x1b\x1b\x01\x01\x01\x01"
_TEXT = bytes(range(0x20, 0x7F)) + b"\r\n"
GLITCH = b"\x00\x7f\xff"  # 5.5: what a change of speed or of direction leaves


class TooMuch(RemoteProtocolError):
    """More has come than any meter sends, and it is no message."""


class Kind(Enum):
    """What the receiver found in the data phase."""

    BLOCK = auto()  # STX to block check behind ETX
    PART = auto()  # STX to block check behind EOT
    LINES = auto()  # a readout without STX, to the line end behind "!"
    LOST_START = auto()  # the same, but an ETX shows that the STX was lost
    NAK = auto()
    BREAK = auto()
    ACK = auto()
    COMMAND = auto()  # SOH to block check: P0, or a break


class Receiver:
    """Collects bytes and cuts messages.

    Attributes:
        parity: how bit 7 is read; None until an identification shows it.
        framed: whether an STX began the data; None until data have begun.
        noise: bytes that were dropped so far.
        garbled: those of them that are not what a change of direction leaves.
        parity_errors: characters of wrong parity in messages so far.
    """

    def __init__(self, parity_: Parity | None = None) -> None:
        self.parity = parity_
        self.noise = 0
        self.garbled = 0
        self.parity_errors = 0
        self._raw = bytearray()
        self._chars = bytearray()
        self._recent = b""  # what came last, dropped or not
        self._restart()

    def _restart(self) -> None:
        self._searched = 0  # no message ends before here
        self._line = 0  # the next line begins here
        self._lined = 0  # and does not end before here
        self._data = 0  # data begin here at the earliest
        self._bang = 0  # no "!" that could end a readout stands before here
        self._slash = 0  # no "/" that could begin a telegram stands before here
        self.framed: bool | None = None
        self._operand = False  # whether the block is that of P0

    def __len__(self) -> int:
        return len(self._raw)

    def feed(self, data: bytes) -> None:
        """Take in what came."""
        self._raw += data
        self._recent = self._recent[1 - len(_SML) :] + data
        self._chars += data if self.parity is Parity.NONE else parity.strip(data)

    def clear(self) -> None:
        """Drop everything, as noise."""
        self._drop(len(self._raw))

    def _drop(self, count: int) -> None:
        self.noise += count
        self.garbled += len(self._chars[:count].translate(None, GLITCH))
        self._take(count)

    def _take(self, count: int) -> bytes:
        taken = bytes(self._raw[:count])
        del self._raw[:count]
        del self._chars[:count]
        self._restart()
        return taken

    def rest(self) -> bytes:
        """Return the bytes that are left, and forget them."""
        return self._take(len(self._raw))

    # --- identification ------------------------------------------------------

    def _settle(self, line: bytes) -> bool:
        """Decide about parity by an identification; whether it is undamaged."""
        found = parity.classify(line)
        settled = self.parity or found
        head = line[:5]
        if settled is Parity.EVEN:
            good = not parity.errors(head)
        else:
            good = head.isascii()
        # 6.3.2: Z is printable
        good = good and not _UNPRINTABLE.match(parity.strip(head).rstrip(b"\r\n"))
        if good:
            self.parity = settled
            if settled is Parity.NONE:
                self._chars[:] = self._raw
        return good

    def identification(self, *, silent: bool) -> tuple[Identification, bytes] | None:
        """Return the identification message and its bytes, if one has come.

        Args:
            silent: whether the line has fallen silent, so that a missing line end
                will not come any more.

        Raises:
            TooMuch: more noise than any meter sends before it.
        """
        while len(self._chars) > self._searched and self.noise <= NOISE_LIMIT:
            end = _LINE_END.search(self._chars, self._searched)
            if end is None and not silent:
                # CR may be the last so far: LF will follow, or something else
                self._searched = max(0, len(self._chars) - 1)
                break
            stop = end.end() if end else len(self._chars)
            if stop > NOISE_LIMIT:
                break
            line = bytes(self._chars[:stop])
            starts = [m.start() for m in _START.finditer(line)]
            if not starts:
                self._drop(stop)
                continue
            start = starts[-1]
            begun = line.find(STX, start + 5)
            if begun > 0 and b"(" in line[begun:]:
                stop = begun  # data follow without a line end between
            whole = bytes(self._raw[start:stop])
            if not self._settle(whole):
                self._drop(stop)
                continue
            self._drop(start)
            return Identification.from_bytes(line[start:stop]), self._take(stop - start)
        if max(len(self._chars), self.noise) > NOISE_LIMIT:
            raise TooMuch(
                f"no identification among {len(self._chars) + self.noise} bytes",
                "noise, or another protocol: check the head, --baud and --framing",
            )
        return None

    @property
    def identification_begun(self) -> bool:
        """Whether an identification, or a telegram, has begun."""
        return bool(_START.search(self._chars))

    def refuse_sml(self) -> None:
        """Name the other protocol that household meters speak.

        Raises:
            RemoteProtocolError: the beginning of an SML message has come.
        """
        if _SML in self._recent:
            raise RemoteProtocolError(
                "the meter sends SML, not IEC 62056-21",
                "this meter needs a program that reads SML",
            )

    # --- data ----------------------------------------------------------------

    @property
    def text_follows(self) -> bool:
        """Whether what has come begins as text, not as a message or a line end."""
        return bool(_TEXT_GOES_ON.match(self._chars))

    def begin(self) -> bool:
        """Find where data begin; what stands before is noise."""
        return self.framed is not None or self._begin()

    def _begin(self) -> bool:
        start = self._chars.find(STX, 0, GLITCH_LIMIT + 1)
        before = start if start >= 0 else min(len(self._chars), GLITCH_LIMIT + 1)
        broken = self._chars.find(_BREAK, 0, before)
        if self._plain(before if broken < 0 else broken):
            self._drop(self._data)
            self.framed = False
        elif 0 <= broken < before - len(_BREAK):
            return False
        elif start >= 0:
            operand = self._chars.endswith(_OPERAND, 0, start)
            self._drop(start)
            self.framed, self._operand = True, operand
        elif len(self._chars) > GLITCH_LIMIT:
            raise TooMuch(
                f"no data among {len(self._chars)} bytes",
                "noise, or another speed than agreed: try --max-baud 300",
            )
        return self.framed is not None

    def _plain(self, stop: int) -> bool:
        """Whether a line before ``stop`` can only be data.

        It holds a closed bracket behind an address, or is the ``!`` of an empty
        list.  Banner lines may stand before it, but nothing unprintable.
        """
        while end := _CR_LF.search(self._chars, self._line, stop):
            line = bytes(self._chars[self._line : end.start()])
            odd = _UNPRINTABLE.match(line)
            if odd:
                self._data = self._line + odd.end()
                line = line[odd.end() :]
            if line == b"!" or _BRACKETS.search(line.lstrip(), 1):
                return True
            self._line = end.end()
        return False

    def lines(self) -> list[bytes]:
        """Return the whole data lines that have come since the last call."""
        if not self.begin():
            return []
        frame_end = _FRAME_END.search(self._chars, self._searched)
        stop = frame_end.start() if frame_end else len(self._chars)
        if not self.framed:
            stop = min(stop, self._close(silent=False) or stop)
        ends = (self._chars.rfind(end, self._lined, stop) for end in (b"\n", b"\r"))
        last = max(ends)
        self._lined = stop
        if last < self._line:
            return []
        found = bytes(self._chars[self._line : last]).splitlines()
        self._line = last + 1
        return [line.lstrip(STX) for line in found if line.strip(STX + b"\r\n!")]

    def message(self, *, silent: bool) -> tuple[Kind, bytes] | None:
        """Return the next message of the data phase and its bytes as they came.

        Args:
            silent: whether the line has fallen silent, so that what has come is all.

        Raises:
            TooMuch: the block never ends.
        """
        if not self.begin():
            return self._control(silent)
        end = _FRAME_END.search(self._chars, self._searched)
        whole = end is not None and end.end() < len(self._chars)
        if self.framed:
            if end and whole:
                kind = Kind.BLOCK if end[0] == ETX else Kind.PART
                if self._operand:
                    kind = Kind.COMMAND
                return self._message(kind, end.end() + 1)
        else:
            close = self._close(silent=silent)
            if close and self._over(close, end.start() if end else None, silent):
                return self._message(Kind.LINES, min(close, len(self)))
            if end and (whole or silent):
                return self._message(Kind.LOST_START, min(end.end() + 1, len(self)))
        self._searched = end.start() if end else len(self._chars)
        self._limit(len(self._chars))
        return None

    def _limit(self, count: int, most: int | None = None) -> None:
        if count > (DATA_LIMIT if most is None else most):
            raise TooMuch(
                f"a data block without an end: {count} bytes so far",
                "the meter or the line is out of order: try again, then another head",
            )

    def _over(self, close: int, end: int | None, silent: bool) -> bool:
        """Whether a readout is over at ``close``: no ETX follows at once."""
        if end is not None and end < close:
            return False
        behind = self._chars[close : close + _TAIL_LIMIT + 1 if end is None else end]
        rest = behind.strip(b"\r\n")
        return bool(rest) or len(behind) > _TAIL_LIMIT or silent and end is None

    def _close(self, *, silent: bool) -> int | None:
        """Return where a readout ends: behind ``!`` and its line end."""
        chars = self._chars + b"\n" if silent else self._chars
        at = chars.find(b"!", self._bang)
        while at >= 0:
            self._bang = at
            if at == 0 or chars[max(0, at - 2) : at].endswith(_BEFORE_CLOSE):
                if found := _CLOSE.match(chars, at):
                    return found.end()
                if _CLOSING.match(chars, at):
                    return None
            at = chars.find(b"!", at + 1)
        self._bang = len(self._chars)
        return None

    def closed(self) -> bool:
        """Whether a readout without a frame has come to its ``!`` and line end."""
        return self.framed is False and self._close(silent=False) is not None

    @property
    def garbage(self) -> int:
        """How many characters wait for data to begin and cannot be text."""
        if self.framed is not None:
            return 0
        return len(self._chars.translate(None, _TEXT))

    @property
    def refused(self) -> bool:
        """Whether a NAK is all that has come."""
        return self.framed is None and self._chars.strip(GLITCH) == NAK

    def _control(self, silent: bool) -> tuple[Kind, bytes] | None:
        start = self._chars.find(_BREAK)
        if 0 <= start < len(self._chars) - len(_BREAK):
            self._drop(start)
            return Kind.BREAK, self._take(len(_BREAK) + 1)
        if silent and self.refused:  # followed by anything else it was a glitch
            return Kind.NAK, self.rest()
        return None

    def _message(
        self, kind: Kind, stop: int, most: int | None = None
    ) -> tuple[Kind, bytes]:
        self._limit(stop, most)
        raw = self._take(stop)
        if self.parity is Parity.EVEN:
            self.parity_errors += parity.errors(raw)
        return kind, raw

    # --- programming mode ----------------------------------------------------

    def reply(self) -> tuple[Kind, bytes] | None:
        """Return the next answer in programming mode and its bytes as they came.

        What stands before an STX, SOH, ACK or NAK is dropped as noise, and so are an
        ACK and a NAK of wrong parity.

        Raises:
            TooMuch: the answer never ends.
        """
        while found := _REPLY.search(self._chars):
            if found.start():
                self._drop(found.start())
            first = bytes(self._chars[:1])
            if first in (ACK, NAK):
                raw = self._take(1)
                if self.parity is Parity.EVEN and parity.errors(raw):
                    self.noise += 1
                    continue
                return (Kind.ACK if first == ACK else Kind.NAK), raw
            end = _FRAME_END.search(self._chars, max(1, self._searched))
            if end and end.end() < len(self._chars):
                kind = Kind.BLOCK if end[0] == ETX else Kind.PART
                kind = Kind.COMMAND if first == SOH else kind
                return self._message(kind, end.end() + 1, ANSWER_LIMIT)
            self._searched = end.start() if end else len(self._chars)
            self._limit(len(self._chars), ANSWER_LIMIT)
            return None
        self.clear()
        return None

    # --- telegrams -----------------------------------------------------------

    def telegram(self, *, silent: bool) -> bytes | None:
        """Return the bytes of the next telegram that came unasked (6.4.4, P1).

        It runs from ``/`` and three letters to the line end behind ``!``.  What
        stands before is dropped as noise, and so is a telegram that never ends.
        """
        while True:
            found = _START.search(self._chars)
            if not found:
                self._drop(max(0, len(self._chars) - 3))  # "/XX" may go on
                return None
            if found.start():
                self._drop(found.start())
            close = self._close(silent=silent)
            # noise between "!" and its line end may hold the next beginning
            inside = _START.search(self._chars, self._bang + 1, close or 0)
            close = inside.start() if inside else close
            again, behind_end = self._another()
            if close and (again is None or close <= again):
                return self._take(min(close, len(self._chars)))
            if again is None:
                if len(self._chars) > DATA_LIMIT:
                    self.clear()
                return None
            if behind_end:  # the line end behind "!" is missing
                return self._take(again)
            self._drop(again)

    def _another(self) -> tuple[int | None, bool]:
        """Return where another telegram begins, and whether ``!`` stands before."""
        at = self._chars.find(b"/", max(self._slash, 4))
        while at != -1:
            self._slash = at
            if len(self._chars) < at + 4:
                return None, False
            before = _BEFORE_RESTART.search(self._chars[max(0, at - 5) : at])
            if before and _START.match(self._chars, at):
                return at, bool(before[1])
            at = self._chars.find(b"/", at + 1)
        self._slash = len(self._chars)
        return None, False
