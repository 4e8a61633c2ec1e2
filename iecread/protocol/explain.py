"""What each message of a saved dialogue is, in words, for a person who looks for why.

``explain`` cuts bytes into messages by their first characters, which is enough for a
list; what a readout means is up to ``telegrams``, which knows all the odd cases.  The
kinds and their words come from the classes of ``messages``.  Passwords are not shown.
"""

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from iecread.errors import RemoteProtocolError
from iecread.protocol.anatomy import Piece, Words, pieces
from iecread.protocol.bcc import CheckKind, bcc, crc16
from iecread.protocol.messages import (
    MODE_C_SPEEDS,
    Block,
    Command,
    Identification,
    OptionSelect,
    Request,
)
from iecread.protocol.parity import Parity, classify, errors, strip

_MESSAGES = re.compile(
    rb"(?P<request>/(?:\?|\#[0-9]?|[0-9])[0-9A-Za-z ]{0,32}!\r?\n?)"
    rb"|(?P<identification>/[A-Za-z]{3}[^\r\n\x02]*[\r\n]*)"
    rb"|(?P<select>\x06[0-9][!-~]{2}\r?\n?)"
    rb"|(?P<acknowledge>\x06)"
    rb"|(?P<repeat>\x15)"
    rb"|(?P<command>\x01[!-~]{2}(?:\x02[^\x01-\x04]*)?[\x03\x04].)"
    rb"|(?P<block>\x02[^\x02-\x04]*[\x03\x04].)"
    rb"|(?P<wake>\x00{16,})"
    rb"|(?P<end>!([0-9A-Fa-f]{4})?(?:[\r\n]+|\Z))"
    rb"|(?P<lines>(?:[^!/\x00-\x06\x15\r\n][^\x00-\x06\x15\r\n]*[\r\n]*)+)"
    rb"|(?P<pause>[\r\n]+)"
    rb"|(?P<noise>[!/\x00-\x05]+)",
    re.S,
)
# 6.3.14, items 18 and 19: C of a command and what it asks for
_COMMANDS = {"P": "password", "R": "read", "W": "write", "E": "execute"}
_MODES = {"0": "data readout", "1": "programming mode", "2": "binary mode (HDLC)"}
_PROCEDURES = {"0": "normal", "1": "secondary", "2": "HDLC"}
_CHECKS = {CheckKind.XOR: "XOR", CheckKind.SUM7: "7-bit sum"}


class Explained(NamedTuple):
    """One message.

    Attributes:
        place: of its first byte.
        kind: what it is.
        words: what it says.
        right: whether its check is right; None where it has none.
        length: how many bytes it has.
        pieces: what its bytes are, all of them; places are those in the data.
    """

    place: int
    kind: str
    words: str
    right: bool | None = None
    length: int = 0
    pieces: tuple[Piece, ...] = ()


def explain(
    data: bytes,
    parity: Parity | None = None,
    *,
    address: Words = lambda text: None,
    content: Words = lambda text: None,
) -> Iterator[Explained]:
    """Yield what each message in ``data`` is, in the order of the bytes.

    Args:
        data: both directions of a line in the order of time.
        parity: how to read bit 7; None to find out.
        address: says what a register is.
        content: says what stands in a bracket, such as an error number.
    """
    parity = parity or classify(data)
    if parity is Parity.EVEN:
        wrong = errors(data)
        data = strip(data)
        yield Explained(0, "parity", f"even; {wrong} characters have it wrong")
    identified = 0
    for match in _MESSAGES.finditer(data):
        kind, message = match.lastgroup or "noise", match[0]
        if kind == "identification":
            identified = match.start()
        try:
            if kind == "end":
                told = _end(match[10], data[identified : match.start() + 1])
            else:
                told = _TELL[kind](message)
        except RemoteProtocolError:
            told = "damaged", repr(message[:24])[1:], None
        place, right = match.start(), told[2]
        cut = pieces(kind, message, right, address=address, content=content)
        yield Explained(
            place,
            *told,
            len(message),
            tuple(one._replace(place=place + one.place) for one in cut),
        )


_Told = tuple[str, str, bool | None]


def _request(message: bytes) -> _Told:
    request = Request.from_bytes(message.rstrip(b"\r\n") + b"\r\n")
    to = f"device {request.address}" if request.address else "any device"
    kind = "" if request.kind == "?" else f", list {request.kind} of the maker"
    return "request", f"to {to}{kind}", None


def _identification(message: bytes) -> _Told:
    one = Identification.from_bytes(message)
    offer = f"offers {one.speed} Bd" if one.speed else "offers an unknown speed"
    words = [one.text, f"maker {one.manufacturer}", f"mode {one.mode} by Z", offer]
    if one.fast:
        words.append("answers after 20 ms")
    if "2" in one.escapes:
        words.append("knows DLMS (mode E)")
    return "identification", ", ".join(words), None


def _select(message: bytes) -> _Told:
    one = OptionSelect.from_bytes(message.rstrip(b"\r\n") + b"\r\n")
    procedure = _PROCEDURES.get(one.protocol, "unknown")
    speed = MODE_C_SPEEDS.get(one.speed_character)
    agreed = f"{speed} Bd" if speed else "an unknown speed"
    mode = _MODES.get(one.mode, f"the maker's list {one.mode}")
    return "option select", f"{procedure} procedure, {agreed}, {mode}", None


def _check(message: bytes) -> tuple[str, bool]:
    """Compare the check of what stands between STX or SOH and it (6.2)."""
    given = message[-1] & 0x7F
    kind = next((kind for kind in CheckKind if bcc(message[1:-1], kind) == given), None)
    words = f"right ({_CHECKS[kind]})" if kind else "wrong"
    return f"block check {given:02x}: {words}", kind is not None


def _block(message: bytes) -> _Told:
    one = Block.from_bytes(message)
    words, right = _check(message)
    more = "" if one.last else ", another follows"
    lines = len(re.split(rb"[\r\n]+", one.text.strip()))
    return "data block", f"{len(message)} bytes, {lines} lines, {words}{more}", right


def _command(message: bytes) -> _Told:
    one = Command.from_bytes(message)
    words, right = _check(message)
    if one.name[0] == "B":
        return "break", f"{one.name}, {words}", right
    said = (one.text or b"").decode("latin-1")
    if one.name != "P0" and one.name[0] != "R":  # a password, or a lock code written
        said = said.partition("(")[0] + "(...)"
    kind = "operand" if one.name == "P0" else _COMMANDS.get(one.name[0], "command")
    return kind, f"{one.name} {said}, {words}", right


def _end(digits: bytes | None, covered: bytes) -> _Told:
    if not digits:
        return "end", "", None
    right = crc16(covered) == int(digits, 16)
    return "end", f"CRC {digits.decode()}: {'right' if right else 'wrong'}", right


def _lines(message: bytes) -> _Told:
    count = len(re.split(rb"[\r\n]+", message.strip()))
    return "lines", f"{len(message)} bytes, {count} lines", None


_TELL: dict[str, Callable[[bytes], _Told]] = {
    "request": _request,
    "identification": _identification,
    "select": _select,
    "acknowledge": lambda message: ("ACK", "", None),
    "repeat": lambda message: ("NAK", "asks for the last message again", None),
    "command": _command,
    "block": _block,
    "wake": lambda message: ("wake-up", f"{len(message)} NULs", None),
    "lines": _lines,
    "pause": lambda message: ("line end", "", None),
    "noise": lambda message: ("noise", f"{len(message)} bytes", None),
}
