"""Numbers of meters taken out of bytes on their way to a trace, where one wants it.

Letters and digits become ``X``: in the brackets of registers that hold such a number,
in the bare answer to a question for one, and in the device address of a request.  As
many bytes come out as went in, and every check is as right or wrong as it was: XOR and
sum are computed anew, and a CRC is linear, so that of what was changed is added to it.
Left out: identifications, and numbers in registers that nobody knows to hold one.
"""

import re

from iecread.protocol.bcc import crc16
from iecread.protocol.parity import add_even, strip

MASK = b"X"
"""Stands for a letter or digit."""

_SOH, _STX, _ETX, _EOT = 1, 2, 3, 4
_OPEN, _CLOSE, _SLASH, _BANG, _ASK = b"()/!?"
_ENDS = b"\r\n\0"
_LONGEST = 40  # characters of an address
_CRC_DIGITS = 4

# Numbers of devices and owners (protocol.md 9), of LIS-200, Energomera and Elster
_NUMBERS = re.compile(
    r"(?:[0-9]+-[0-9]+:)?(?:(?:C|96)\.1|0\.0)(?:\.[0-9]{1,2})?(?:\*255)?"
    r"|(?:[0-9]+-)?0*[0-9]+:0*180(?:\.[0-9A-Za-z])?|SNUMB|798001|9\.21",
    re.I,
)


def holds_number(address: str) -> bool:
    """Tell whether a register is known to hold the number of a device or owner."""
    return _NUMBERS.fullmatch(address.strip()) is not None


class _Stream:
    """One direction, fed in any pieces."""

    def __init__(self) -> None:
        self.asked = False  # whether the last message asks for a number
        self.expected = False  # an answer without address holds a number
        self._even = False  # whether characters have even parity
        self._inside = self._check_next = self._name = False
        self._request = 0  # characters of /? that have come
        self._xor = self._sum = self._xor_change = self._sum_change = 0
        self._crc = self._digits = 0  # the change of a CRC; those of its digits to come
        self._hide = False  # whether this bracket holds a number
        self._line()

    def _line(self) -> None:
        self._address, self._open, self._content = "", False, ""
        self._bare = True  # nothing stood before the bracket

    def feed(self, data: bytes) -> bytes:
        return bytes(map(self._byte, data))

    def _byte(self, byte: int) -> int:
        char = byte & 0x7F
        if char.bit_count() & 1:
            self._even = byte > 0x7F
        if self._check_next:
            self._check_next = False
            return self._check(byte)
        if self._digits:
            return self._crc_digit(byte)
        began = char == _SOH or char == _STX and not self._name
        shown = self._begin(byte) if began else self._shown(byte, char)
        if began:
            self._xor = self._sum = self._xor_change = self._sum_change = 0
        elif self._inside or self._check_next:
            self._xor, self._sum = self._xor ^ char, self._sum + char
            new = shown & 0x7F
            self._xor_change ^= char ^ new
            self._sum_change += new - char
        if self._crc or shown != byte:
            self._crc = _crc_on(self._crc, byte ^ shown)
        return shown

    def _begin(self, byte: int) -> int:
        """A message begins, with SOH or STX."""
        self._inside, self._name = True, byte & 0x7F == _SOH
        self.asked = False
        self._request = 0
        self._line()
        return byte

    def _shown(self, byte: int, char: int) -> int:
        if char == _STX:
            self._name = False
            return byte
        if self._inside and char in (_ETX, _EOT):
            self._inside, self._check_next, self._name = False, True, False
            self._line()
            return byte
        if self._name:  # the two letters of a command
            return byte
        if self._request == 2:
            if char in (_BANG, *_ENDS):
                self._request = 0
                self._line()
                return byte
            return self._masked(byte, char)
        if char == _SLASH and not self._open:
            self._request, self._crc = 1, 0
        else:
            self._request = 2 if self._request == 1 and char == _ASK else 0
        if char == _BANG and not self._open and not self._inside and self._crc:
            self._digits = _CRC_DIGITS
            return byte
        return self._data(byte, char)

    def _data(self, byte: int, char: int) -> int:
        if char in _ENDS:
            self._line()
        elif char == _OPEN:
            self._open, self._content = True, ""
            number = holds_number(self._address)
            self.asked |= number
            self._hide = number or self._bare and self.expected
        elif char == _CLOSE:
            self._open, self._address = False, ""
        elif self._open:
            self._content = (self._content + chr(char))[:_LONGEST]
            if self._hide and not (self._bare and _may_be_error(self._content)):
                return self._masked(byte, char)
        else:
            self._address = (self._address + chr(char))[-_LONGEST:]
            self._bare = False
        return byte

    def _masked(self, byte: int, char: int) -> int:
        if not chr(char).isalnum():
            return byte
        return add_even(MASK)[0] if self._even else MASK[0]

    def _check(self, byte: int) -> int:
        """The block check of what is shown; as right or wrong as it was."""
        char = byte & 0x7F
        if not self._xor_change and not self._sum_change:
            return byte
        if char == self._sum & 0x7F and char != self._xor:
            char = char + self._sum_change & 0x7F
        else:
            char ^= self._xor_change
        return add_even(bytes([char]))[0] if self._even else char

    def _crc_digit(self, byte: int) -> int:
        """A digit of the CRC behind a telegram."""
        if chr(byte) not in "0123456789abcdefABCDEF":
            self._digits = 0
            return self._byte(byte)
        self._digits -= 1
        change = self._crc >> 4 * self._digits & 0xF
        if not self._digits:
            self._crc = 0
        digit = f"{int(chr(byte), 16) ^ change:x}"
        return ord(digit if chr(byte).islower() else digit.upper())


def _crc_on(crc: int, byte: int) -> int:
    """A CRC and one more byte; that of zeros is zero."""
    return crc16(bytes([byte]), crc)


def _may_be_error(content: str) -> bool:
    return content == "E" or content.startswith(("ER", "Er", "#"))


class SerialMasker:
    """Both directions of one line; keep one as long as the line is open.

    Bytes may come in any pieces; as many come out.
    """

    def __init__(self) -> None:
        self._ours = _Stream()
        self._theirs = _Stream()

    def sent(self, data: bytes) -> bytes:
        """Return bytes that we sent; with or without parity bits."""
        masked = self._ours.feed(data)
        self._theirs.expected = self._ours.asked
        return masked

    def received(self, data: bytes) -> bytes:
        """Return bytes that came; with or without parity bits."""
        return self._theirs.feed(data)


def mask_text(text: str) -> str:
    """A number of a meter as a trace shows it."""
    return re.sub(r"[^\W_]", MASK.decode(), text)


def same(ours: bytes, theirs: bytes) -> bool:
    """Whether a message may be one that was masked: any letter fits an ``X``."""
    if len(ours) != len(theirs):
        return False
    masks = MASK[0]
    pairs = zip(strip(ours), strip(theirs), strict=True)
    return all(a == b or b == masks and chr(a).isalnum() for a, b in pairs)
