"""What has come from the meter: bounded, incremental, cut into messages.

The receiver keeps the bytes of one message at most, remembers how far it has
searched, and counts what it dropped as noise.  It tells parity from the
identification (parity.py) unless told.  Left out on purpose: what the characters
between STX and ETX mean (datasets.py), and whether a block check is right.
"""

import re
from enum import Enum, auto

from iecread.errors import RemoteProtocolError
from iecread.protocol import parity
from iecread.protocol.messages import ETX, SOH, STX, Identification
from iecread.protocol.parity import Parity

# No meter sends that much: silence or these limits end a read, never a total time
NOISE_LIMIT = 1024  # bytes without an identification
GLITCH_LIMIT = 4096  # bytes behind it without anything that looks like data
DATA_LIMIT = 1 << 20  # bytes of one data block or telegram

_START = re.compile(rb"/(?=[A-Za-z]{3})")
_LINE_END = re.compile(rb"\n|\r(?!\n|\Z)")
# A first line that can only be data: printable, with a bracket that is closed
# (banner lines may stand before it), or the "!" of an empty list
_DATA_LINE = re.compile(
    rb"(?:[ -~]*[\r\n]+){0,8}?(?:[!-~][ -~]*\([^()\r\n]*\)[ -~]*|!)[\r\n]"
)
_FRAME_END = re.compile(rb"[\x03\x04]")
_CLOSE = re.compile(rb"(?:(?<=[\r\n)])|(?<=\) ))![^\r\n()]*(?:\r\n|\n|\r(?!\Z))")
# Another telegram begins: at a line's start, or behind "!" without a line end
_RESTART = re.compile(rb"(?:[\r\n]|![0-9A-F]{0,4})/(?=[A-Za-z]{3})")
_BREAK = b"\x01B0\x03"
_SML = b"\x1b\x1b\x1b\x1b\x01\x01\x01\x01"
_GLITCH = b"\x00\x7f\xff"  # 5.5: what a change of speed or of direction leaves


class Kind(Enum):
    """What the receiver found in the data phase."""

    BLOCK = auto()  # STX to block check behind ETX
    PART = auto()  # STX to block check behind EOT
    LINES = auto()  # a readout without STX, to the line end behind "!"
    LOST_START = auto()  # the same, but an ETX shows that the STX was lost
    NAK = auto()
    BREAK = auto()


class Receiver:
    """Collects bytes and cuts messages.

    Attributes:
        parity: how bit 7 is read; None until an identification shows it.
        framed: whether an STX began the data; None until data have begun.
        noise: bytes that were dropped so far.
        parity_errors: characters of wrong parity in messages so far.
    """

    def __init__(self, parity_: Parity | None = None) -> None:
        self.parity = parity_
        self.noise = 0
        self.parity_errors = 0
        self._raw = bytearray()
        self._chars = bytearray()
        self._restart()

    def _restart(self) -> None:
        self._searched = 0  # no message ends before here
        self._line = 0  # the next line begins here
        self.framed: bool | None = None

    def __len__(self) -> int:
        return len(self._raw)

    def feed(self, data: bytes) -> None:
        """Take in what came."""
        self._raw += data
        self._chars += data if self.parity is Parity.NONE else parity.strip(data)

    def clear(self) -> None:
        """Drop everything, as noise."""
        self._drop(len(self._raw))

    def _drop(self, count: int) -> None:
        self.noise += count
        self._take(count)

    def _take(self, count: int) -> bytes:
        taken = bytes(self._raw[:count])
        del self._raw[:count]
        del self._chars[:count]
        self._restart()
        return taken

    def _settle(self, line: bytes) -> bool:
        """Decide about parity by an identification; whether it is undamaged."""
        found = parity.classify(line)
        settled = self.parity or found
        head = line[:5]
        if settled is Parity.EVEN:
            good = not parity.errors(head)
        else:
            good = head.isascii()
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
            RemoteProtocolError: more noise than any meter sends before it.
        """
        while len(self._chars) > self._searched:
            end = _LINE_END.search(self._chars, self._searched)
            if end is None and not silent:
                # CR may be the last so far: LF will follow, or something else
                self._searched = max(0, len(self._chars) - 1)
                break
            stop = end.end() if end else len(self._chars)
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
            self.noise += start
            self._take(stop)
            return Identification.from_bytes(bytes(line[start:stop])), whole
        if len(self._chars) + self.noise > NOISE_LIMIT:
            raise RemoteProtocolError(
                f"no identification among {len(self._chars) + self.noise} bytes",
                "noise, or another protocol: check the head, --baud and --framing",
            )
        return None

    def lines(self) -> list[bytes]:
        """Return the whole data lines that have come since the last call."""
        if not self.begin():
            return []
        last = max(self._chars.rfind(b"\n"), self._chars.rfind(b"\r"))
        if last < self._line:
            return []
        found = bytes(self._chars[self._line : last]).splitlines()
        self._line = last + 1
        return [line.lstrip(STX) for line in found if line.strip(STX + b"\r\n!")]

    @property
    def identification_begun(self) -> bool:
        """Whether an identification, or a telegram, has begun."""
        return bool(_START.search(self._chars))

    def refuse_sml(self) -> None:
        """Name the other protocol that household meters speak.

        Raises:
            RemoteProtocolError: the beginning of an SML message has come.
        """
        if _SML in self._raw:
            raise RemoteProtocolError(
                "the meter sends SML, not IEC 62056-21",
                "this meter needs a program that reads SML",
            )

    def begin(self) -> bool:
        """Find where data begin; what stands before is noise."""
        return self.framed is not None or self._begin()

    def _begin(self) -> bool:
        start = self._chars.find(STX)
        plain = _DATA_LINE.match(self._chars.lstrip(_GLITCH))
        if start >= 0 and not (plain and plain.end() < start):
            self._drop(start)
            self.framed = True
        elif plain:
            self._drop(len(self._chars) - len(self._chars.lstrip(_GLITCH)))
            self.framed = False
        elif len(self._chars) > GLITCH_LIMIT:
            raise RemoteProtocolError(
                f"no data among {len(self._chars)} bytes",
                "noise, or another speed than agreed: try --max-baud 300",
            )
        return self.framed is not None

    def message(self, *, silent: bool) -> tuple[Kind, bytes] | None:
        """Return the next message of the data phase and its bytes as they came.

        Args:
            silent: whether the line has fallen silent, so that what has come is all.

        Raises:
            RemoteProtocolError: the block never ends.
        """
        if not self.begin():
            return self._control()
        end = _FRAME_END.search(self._chars, self._searched)
        if self.framed:
            if end and end.end() < len(self._chars):
                last = end[0] == ETX
                return self._message(Kind.BLOCK if last else Kind.PART, end.end() + 1)
        elif end and (end.end() < len(self._chars) or silent):
            return self._message(Kind.LOST_START, min(end.end() + 1, len(self)))
        elif silent:
            close = _CLOSE.search(self._chars + b"\n")
            if close:
                return self._message(Kind.LINES, min(close.end(), len(self)))
        self._searched = end.start() if end else len(self._chars)
        if len(self._chars) > DATA_LIMIT:
            raise RemoteProtocolError(
                f"a data block without an end: {len(self._chars)} bytes so far",
                "the meter or the line is out of order: try again, then another head",
            )
        return None

    def closed(self) -> bool:
        """Whether a readout without a frame has come to its ``!`` and line end."""
        return self.framed is False and bool(_CLOSE.search(self._chars))

    def _control(self) -> tuple[Kind, bytes] | None:
        chars = self._chars.lstrip(_GLITCH)
        if chars[:1] == b"\x15":
            return Kind.NAK, self._take(len(self._raw))
        start = chars.find(SOH)
        if start >= 0 and _BREAK in chars[start:-1]:
            return Kind.BREAK, self._take(len(self._raw))
        return None

    def _message(self, kind: Kind, stop: int) -> tuple[Kind, bytes]:
        raw = self._take(stop)
        if self.parity is Parity.EVEN:
            self.parity_errors += parity.errors(raw)
        return kind, raw

    def rest(self) -> bytes:
        """Return the bytes that are left, and forget them."""
        return self._take(len(self._raw))

    def telegram(self, *, silent: bool) -> bytes | None:
        """Return the bytes of the next telegram that came unasked (6.4.4, P1).

        It runs from ``/`` and three letters to the line end behind ``!``.  What
        stands before is dropped as noise, and so is a telegram that never ends.
        """
        while True:
            found = _START.search(self._chars)
            if not found:
                self._drop(max(0, len(self._chars) - 4))  # "/XX" may go on
                return None
            self._drop(found.start())
            close = _CLOSE.search(self._chars + (b"\n" if silent else b""))
            again = _RESTART.search(self._chars, 4)
            if close and (again is None or close.end() <= again.start()):
                return self._take(min(close.end(), len(self._chars)))
            if again is None:
                if len(self._chars) > DATA_LIMIT:
                    self.clear()
                return None
            if again[0][:1] == b"!":  # the line end behind "!" is missing
                return self._take(again.end() - 1)
            self._drop(again.start() + 1)
