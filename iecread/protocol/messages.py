"""The messages of IEC 62056-21, clause 6.3, as frozen dataclasses.

Each class parses (``from_bytes``) and serialises (``to_bytes``) the characters of
one message, without parity bits; ``X.from_bytes(b).to_bytes() == b`` for every
``b`` that it accepts.  Both sides of the engine use the same classes.  A message
that cannot be parsed raises RemoteProtocolError.  Left out: HDLC frames (mode E).
"""

import re
from dataclasses import dataclass

from iecread.errors import LocalProtocolError, RemoteProtocolError
from iecread.protocol.bcc import CheckKind, bcc

# 6.3 and 5.5: the control characters of ISO/IEC 646 that frame messages
NUL, SOH, STX, ETX, EOT = b"\x00", b"\x01", b"\x02", b"\x03", b"\x04"
ACK, NAK, CR, LF = b"\x06", b"\x15", b"\r", b"\n"
CRLF = CR + LF

OPENING_SPEED = 300  # 6.4: modes A, B, C and E open at 300 Bd
# 6.3.14, item 13: the speed offered by Z in mode B and in modes C and E, in Bd
MODE_B_SPEEDS = dict(zip("ABCDEF", (600, 1200, 2400, 4800, 9600, 19200), strict=True))
MODE_C_SPEEDS = dict(
    zip("0123456", (300, 600, 1200, 2400, 4800, 9600, 19200), strict=True)
)
# Every speed that a meter may agree to, in Bd; the first is the opening speed
SPEEDS = tuple(MODE_C_SPEEDS.values())
BITS_PER_CHARACTER = 10  # 5.1: 1 start, 7 data, parity, 1 stop; 8N1 is as long


@dataclass(frozen=True, slots=True)
class Request:
    """Request message, ``/ ? address ! CR LF`` (6.3.1).

    Attributes:
        address: device address, up to 32 characters of ``0-9 A-Z a-z`` and blank;
            empty for the general address.
        kind: what stands between ``/`` and the address: ``?`` in the standard,
            some makers offer other lists with ``2``, ``#`` or ``#1``.
    """

    address: str = ""
    kind: str = "?"

    _FORM = re.compile(rb"/(\?|#[0-9]?|[0-9])([0-9A-Za-z ]{0,32})!\r\n\Z")

    @classmethod
    def from_bytes(cls, data: bytes) -> "Request":
        match = cls._FORM.match(data)
        if not match:
            raise RemoteProtocolError(f"not a request message: {data!r}")
        return cls(address=match[2].decode("ascii"), kind=match[1].decode("ascii"))

    def to_bytes(self) -> bytes:
        kind = self.kind.encode("ascii", "backslashreplace")
        address = self.address.encode("ascii", "backslashreplace")
        message = b"/" + kind + address + b"!" + CRLF
        match = self._FORM.match(message)
        if not match or match[1] != kind:
            raise LocalProtocolError(
                f"not a device address: {self.address!r}",
                "an address has up to 32 letters, digits and blanks",
            )
        return message


@dataclass(frozen=True, slots=True)
class Identification:
    """Identification message, ``/ XXX Z [\\W] ident CR LF`` (6.3.2).

    Longer texts than the 16 characters of the standard, brackets in them and
    missing line ends occur and are accepted.

    Attributes:
        text: the characters from ``/`` on, without the line end.
        end: the line end as it came: CR LF, CR, LF or nothing.
    """

    text: str
    end: str = "\r\n"

    _FORM = re.compile(r"/[A-Za-z]{3}")
    # 6.3.14, item 23: \W announces a property.  Digits and @ are met behind Z; a
    # letter (/Ene5\T210-D) belongs to the model's name
    _ESCAPE = re.compile(r"\\([^A-Za-z/\\!])")

    @classmethod
    def from_bytes(cls, data: bytes) -> "Identification":
        line = data.decode("latin-1")
        text = line.rstrip("\r\n")
        if not cls._FORM.match(text):
            raise RemoteProtocolError(f"not an identification message: {data!r}")
        return cls(text=text, end=line[len(text) :])

    def to_bytes(self) -> bytes:
        return (self.text + self.end).encode("latin-1")

    @property
    def manufacturer(self) -> str:
        """The three letters of the maker, upper case (FLAG association)."""
        return self.text[1:4].upper()

    @property
    def fast(self) -> bool:
        """Whether the reaction time may be as short as 20 ms (6.3.14, item 12)."""
        return self.text[3:4].islower()

    @property
    def speed_character(self) -> str:
        """Z, or the empty string where the line ends before it (6.3.14, item 13)."""
        return self.text[4:5]

    @property
    def escapes(self) -> tuple[str, ...]:
        """Every W of ``\\W`` in the text: ``2`` announces mode E, ``@`` VDEW."""
        return tuple(self._ESCAPE.findall(self.text, 5))

    @property
    def model(self) -> str:
        """The maker's text behind Z and the ``\\W`` that follow it."""
        rest = self.text[5:]
        while match := self._ESCAPE.match(rest):
            rest = rest[match.end() :]
        return rest.strip(" \x02")

    @property
    def mode(self) -> str:
        """``A``, ``B`` or ``C`` by Z (6.4); mode E reads as C, D cannot be told."""
        z = self.speed_character
        if z and z in "0123456789":
            return "C"
        return "B" if z and z in "ABCDEFGHI" else "A"

    @property
    def speed(self) -> int | None:
        """Speed offered for the data, in Bd; None where Z is a reserved one."""
        if self.mode == "A":
            return OPENING_SPEED
        speeds = MODE_B_SPEEDS if self.mode == "B" else MODE_C_SPEEDS
        return speeds.get(self.speed_character)


@dataclass(frozen=True, slots=True)
class OptionSelect:
    """Acknowledgement/option select message, ``ACK V Z Y CR LF`` (6.3.3).

    Attributes:
        protocol: V, ``0`` for the normal procedure.
        speed_character: Z, the one offered, or ``0`` to stay at 300 Bd.
        mode: Y, ``0`` data readout, ``1`` programming, ``6`` to ``9`` the maker's.
    """

    protocol: str = "0"
    speed_character: str = "0"
    mode: str = "0"

    _FORM = re.compile(rb"\x06([!-~])([!-~])([!-~])\r\n\Z")

    @classmethod
    def from_bytes(cls, data: bytes) -> "OptionSelect":
        match = cls._FORM.match(data)
        if not match:
            raise RemoteProtocolError(f"not an option select message: {data!r}")
        return cls(*(group.decode("ascii") for group in match.groups()))

    def to_bytes(self) -> bytes:
        text = f"{self.protocol}{self.speed_character}{self.mode}"
        message = ACK + text.encode("ascii", "backslashreplace") + CRLF
        if not self._FORM.match(message):
            raise LocalProtocolError(f"not an option select: {text!r}")
        return message


@dataclass(frozen=True, slots=True)
class Block:
    """A framed block: data message, answer or part of one (6.3.4, 6.3.10 to 6.3.12).

    ``STX text ETX BCC``, or with EOT in place of ETX where another block follows.

    Attributes:
        text: the characters between STX and ETX or EOT.
        last: whether ETX ends it; False for EOT.
        check: the block check character as it came, 0 to 255; None: compute it.
        kind: how to compute it.
    """

    text: bytes
    last: bool = True
    check: int | None = None
    kind: CheckKind = CheckKind.XOR

    @classmethod
    def from_bytes(cls, data: bytes, kind: CheckKind = CheckKind.XOR) -> "Block":
        if data[:1] != STX or data[-2:-1] not in (ETX, EOT):
            raise RemoteProtocolError(f"not a data block: {data[:20]!r}")
        return cls(data[1:-2], data[-2:-1] == ETX, data[-1], kind)

    def to_bytes(self) -> bytes:
        body = self.text + (ETX if self.last else EOT)
        check = bcc(body, self.kind) if self.check is None else self.check
        return STX + body + bytes([check])

    @property
    def right(self) -> bool:
        """Whether the block check character is the one of this kind."""
        body = self.text + (ETX if self.last else EOT)
        return self.check in (None, bcc(body, self.kind))


@dataclass(frozen=True, slots=True)
class Command:
    """Programming command message, ``SOH C D [STX text] ETX BCC`` (6.3.7, 6.3.8).

    Attributes:
        name: C and D, such as ``R1``, ``P0`` or ``B0`` (6.3.14, items 18 and 19).
        text: the data set behind STX; None where the message has none (``B0``).
        last: whether ETX ends it; False for EOT (partial blocks).
        check: the block check character as it came; None: compute it.
        kind: how to compute it.
    """

    name: str
    text: bytes | None = None
    last: bool = True
    check: int | None = None
    kind: CheckKind = CheckKind.XOR

    _FORM = re.compile(rb"\x01([!-~]{2})(?:\x02([^\x03\x04]*))?([\x03\x04])(.)\Z", re.S)

    @classmethod
    def from_bytes(cls, data: bytes, kind: CheckKind = CheckKind.XOR) -> "Command":
        match = cls._FORM.match(data)
        if not match:
            raise RemoteProtocolError(f"not a command message: {data[:20]!r}")
        name = match[1].decode("ascii")
        return cls(name, match[2], match[3] == ETX, match[4][0], kind)

    def _body(self) -> bytes:
        text = b"" if self.text is None else STX + self.text
        return self.name.encode("ascii") + text + (ETX if self.last else EOT)

    def to_bytes(self) -> bytes:
        body = self._body()
        check = bcc(body, self.kind) if self.check is None else self.check
        return SOH + body + bytes([check])

    @property
    def right(self) -> bool:
        """Whether the block check character is the one of this kind."""
        return self.check in (None, bcc(self._body(), self.kind))


BREAK = Command("B0")  # 6.3.12: complete sign-off

_ERROR = re.compile(r"\(?((?:ER[A-Z]*_?[0-9]*|#[0-9]{4}))\)?\Z")


def error_text(value: str) -> str | None:
    """Return the text of an error message, ``ER..`` or ``#nnnn``, else None (6.3.11).

    Args:
        value: what stands in the bracket of a data set without an address.
    """
    found = _ERROR.match(value.strip())
    return found[1] if found else None


def error_reply(text: str) -> str | None:
    """Return what an error message in an answer says, None if it is data (6.3.11).

    It stands alone, without an address; VDEW meters repeat the address, and so do
    Energomera's ``VNULL(ERR12)`` and the BK gas meter's ``4:171(#0018)``.

    Args:
        text: the characters between STX and ETX.
    """
    found = _ERROR_REPLY.match(text.strip())
    if not found:
        return None
    address, value = found.groups()
    if address and not _ADDRESSED_ERROR.match(value):
        return None
    return error_text(value)


_ERROR_REPLY = re.compile(r"([^()]*)\(([^()]*)\)\Z")
_ADDRESSED_ERROR = re.compile(
    r"ERROR[0-9]*\Z|ERR[0-9]+\Z|#[0-9]{4}\Z"
)  # a value may begin so
