"""Passwords and lock codes taken out of bytes on their way to a log or trace.

Each character of a secret becomes ``*``, which no value may hold, and the block check
is computed anew, since it would tell the XOR of what was there.  The number of bytes
and the framing stay, so that a trace can still be read and played back.

Blanked are: what stands in P1 to P9; a second bracket behind W (VDEW's password);
what is written to, or read from, a register that is known to hold a key; old and new
value where a change log names such a register.  The echo of an optical head is damaged
at times: behind a message with a secret, whatever is no answer of the meter, and is not
what stood in the message there, is blanked too.  P0 stays: alone it says nothing.
"""

import re

from iecread.protocol.parity import add_even, strip

_SOH, _STX, _ETX, _EOT = 1, 2, 3, 4
_OPEN, _CLOSE = ord("("), ord(")")
_STAR = ord("*")
_LONGEST_ADDRESS = 40
_LONGEST_MESSAGE = 512  # of ours
_FRAMES = re.compile(rb"[\x01\x02\x81\x82]")

# LIS-200 key inputs 1:171 to 6:171; MASS; annex C passwords; Energomera names
_KEYS = re.compile(
    r"0*[0-9]:0*171(?:\.[0-9A-Za-z])?|(?:[0-9]+-[0-9]+:)?(?:96|C)\.96(?:\*255)?"
    r"|D10[4-9A-F]|[A-Z]*(?:PASS|PSW|PWD)[A-Z0-9_]*",
    re.I,
)

_SECRET_WORDS = re.compile(r"([?&](?:password|codes)=)[^&]*", re.I)


def holds_key(address: str) -> bool:
    """Tell whether a register is known to hold a password or lock code."""
    return _KEYS.fullmatch(address.strip()) is not None


def shown_port(port: str) -> str:
    """A port as it may be shown: the secrets of a simulated meter are taken out."""
    return _SECRET_WORDS.sub(r"\1***", port)


class _Stream:
    """One direction, fed in any pieces."""

    def __init__(self) -> None:
        self.secret = False  # whether the last message has a secret
        self.asked = False  # whether the last message asks for a key
        self.expected = False  # an answer without address holds a key
        self.echo = False  # what is no answer repeats a secret
        self.known = b""  # the message that is repeated, without its secret
        self._place = 0  # characters since SOH
        self._before = ""  # the last two characters outside of frames
        self._begin(0)
        self._inside = self._check_next = False

    def _begin(self, byte: int) -> None:
        self._inside = True
        self._parity = byte > 0x7F  # SOH and STX have an odd number of ones
        self._name = ""
        self._text = byte & 0x7F == _STX
        self._address = ""
        self._brackets = 0  # in this data set, with the open one
        self._open = self._error = False
        self._depth = 0  # open brackets
        self._content = ""  # what stands in the bracket, its beginning
        self._changed = 0  # brackets that hold a key, behind its address in a row
        self._xor = self._sum = self._xor_change = self._sum_change = 0
        self._hidden = self.secret = self.asked = False

    def feed(self, data: bytes) -> bytes:
        busy = self._inside or self._check_next or self.echo
        if not busy and not _FRAMES.search(data):
            self._outside(data[-2:])
            return data
        return bytes(map(self._byte, data))

    def _byte(self, byte: int) -> int:
        char = byte & 0x7F
        self._place = 1 if char == _SOH else self._place + 1
        if self._check_next:
            self._check_next = False
            return self._check(byte)
        if char == _SOH or char == _STX and (self._text or not self._inside):
            self._frame(byte)
            return byte
        if not self._inside:
            self._outside(bytes([byte]))
            hide = self.echo and char > 0x20 and not self._is_known(char)
            return self._star(byte) if hide else byte
        hide = False
        if char in (_ETX, _EOT):
            self._inside, self._check_next = False, True
        elif self._text:
            hide = char >= 0x20 and self._is_secret(char)
        elif char == _STX:
            self._text = True
        else:
            hide = self.echo and len(self._name) >= 2  # STX was lost
            self._name += chr(char)
        hide = hide and not (self.echo and self._is_known(char))
        shown = _STAR if hide else char
        self._xor ^= char
        self._sum += char
        self._xor_change ^= char ^ shown
        self._sum_change += shown - char
        if not hide:
            return byte
        self._hidden = self.secret = True
        return self._star(byte)

    def _is_known(self, char: int) -> bool:
        """Whether an echo has here what stood in the message, and was no secret."""
        said = self.known[self._place - 1 : self._place]
        return said == bytes([char]) and said != b"*"

    def _outside(self, data: bytes) -> None:
        self._before = (self._before + strip(data).decode("ascii"))[-2:]
        self.secret = False

    def _frame(self, byte: int) -> None:
        """A message begins, with SOH or STX."""
        before, self._before = self._before, ""
        self._begin(byte)
        if self._text and re.fullmatch("[PRW][1-9]", before):
            self._name = before  # its SOH was lost
        elif self._text and self.echo and before.strip("\0"):
            self._name = "P1"  # most likely; nothing stands before an answer

    def _is_secret(self, char: int) -> bool:
        """Follow the data sets; tell whether this character is to be hidden."""
        command = self._name[-2:-1]
        if self.echo and command or command == "P" and self._name[-1:] != "0":
            return char not in (_OPEN, _CLOSE)
        if self._name == "" and self._in_change(char):
            return True
        if char == _OPEN:
            self._open = True
            self._brackets += 1
            self.asked |= command == "R" and holds_key(self._address)
            self._error = False
            return False
        if not self._open:
            if self._brackets:  # the next data set begins
                self._address, self._brackets = "", 0
            self._address = self._address[-40:] + chr(char)
            return False
        if char == _CLOSE:
            self._open = False
            return False
        if command == "R":
            return False
        if command == "W" and self._brackets > 1 or holds_key(self._address):
            return True
        if command or not self.expected:
            return False
        self._error |= char == ord("#")  # LIS-200: (#0018), no code
        return not self._error

    def _in_change(self, char: int) -> bool:
        """Follow the rows of a change log: ``(0004:0171)(old)(new)``."""
        if char == _OPEN:
            self._depth += 1
            self._content = ""
            return False
        if char == _CLOSE:
            self._depth = max(0, self._depth - 1)
            if self._changed and not self._depth:
                self._changed -= 1
            elif holds_key(self._content):
                self._changed = 2
            return False
        if self._depth:
            self._content = (self._content + chr(char))[:_LONGEST_ADDRESS]
        elif not self._changed:
            return False
        return bool(self._changed and self._depth)

    def _star(self, byte: int) -> int:
        parity = self._parity if self._inside else byte > 0x7F
        return add_even(b"*")[0] if parity else _STAR

    def _check(self, byte: int) -> int:
        """The block check of what is shown; as right or wrong as it was."""
        if not self._hidden:
            return byte
        char = byte & 0x7F
        if char == self._sum & 0x7F and char != self._xor:
            char = char + self._sum_change & 0x7F
        else:
            char ^= self._xor_change
        return add_even(bytes([char]))[0] if self._parity else char


class Masker:
    """Both directions of one line; keep one as long as the line is open.

    Bytes may come in any pieces; as many come out.
    """

    def __init__(self) -> None:
        self._ours = _Stream()
        self._theirs = _Stream()
        self._said = b""  # the last message, masked

    def sent(self, data: bytes) -> bytes:
        """Return bytes that we sent, to be shown; with or without parity bits."""
        masked = self._ours.feed(data)
        text = strip(masked)
        begin = text.rfind(_SOH)
        self._said = text[begin:] if begin >= 0 else self._said + text
        self._said = self._said[:_LONGEST_MESSAGE]
        self._theirs.known = self._said
        self._theirs.echo = self._ours.secret
        self._theirs.expected = self._ours.asked
        return masked

    def received(self, data: bytes) -> bytes:
        """Return bytes that came, to be shown; with or without parity bits."""
        return self._theirs.feed(data)


def mask(data: bytes) -> bytes:
    """Return one whole message, with or without parity bits, to be shown.

    A message that comes in pieces, or in answer to another, wants a :class:`Masker`.
    """
    return Masker().sent(data)
