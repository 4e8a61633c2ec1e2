"""What each byte of a message is: pieces of a saved dialogue, in words for a person.

``pieces`` takes one message as ``explain`` has cut it and cuts it further: frame
characters, addresses, brackets, line ends, the block check.  What a register or an
error number means is not known here; who calls may say it.  No content that may be a
secret gets into the words.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import NamedTuple

from iecread.errors import RemoteProtocolError
from iecread.protocol.messages import MODE_C_SPEEDS, Identification

Words = Callable[[str], str | None]
"""What an address, or the content of a bracket, means; None: nobody knows."""


class Piece(NamedTuple):
    """Some bytes that belong together.

    Attributes:
        place: of the first one in the message.
        length: how many.
        meaning: what they are.
        right: for a block check, whether it is right; None for all else.
    """

    place: int
    length: int
    meaning: str
    right: bool | None = None


_FRAME = {
    b"\x01": "SOH: a command begins",
    b"\x02": "STX: text begins",
    b"\x03": "ETX: end of the text",
    b"\x04": "EOT: end of this part, another follows",
}
_COMMANDS = {
    b"P": "P: password",
    b"R": "R: read",
    b"W": "W: write",
    b"E": "E: execute",
    b"B": "B: break, end of the session",
}
_INSIDE = {b"R": "asked for", b"W": "value to write", b"E": "argument"}
_SET = re.compile(
    rb"(?P<end>[\r\n]+)|(?P<bracket>\([^()\r\n]*(?:\([^()\r\n]*\)[^()\r\n]*)*\)?)"
    rb"|(?P<last>!)|(?P<fill>[\x00\x7f]+)|(?P<address>[^(\r\n!\x00\x7f]+)"
)
_REQUEST = re.compile(rb"(/)(\?|#[0-9]?|[0-9])([0-9A-Za-z ]*)(!)(\r?\n?)")
_HEAD = re.compile(
    rb"(/)([A-Za-z]{3})([^\r\n\\]?)((?:\\[^\r\n])*)([^\r\n]*)([\r\n]*)", re.S
)
_SELECT = re.compile(rb"(\x06)(.)(.)(.)(\r?\n?)", re.S)
_END = re.compile(rb"(!)([0-9A-Fa-f]{0,4})([\r\n]*)")


def _nothing(text: str) -> str | None:
    return None


def pieces(
    kind: str,
    message: bytes,
    right: bool | None = None,
    *,
    address: Words = _nothing,
    content: Words = _nothing,
) -> Iterator[Piece]:
    """Cut a message into pieces that cover all of its bytes.

    Args:
        kind: the group of ``explain`` that it fits.
        message: its bytes, without parity bits.
        right: whether its check is right.
        address: says what a register is.
        content: says what stands in a bracket, such as an error number.
    """
    if kind in ("block", "command"):
        yield from _framed(message, right, address, content)
    elif kind == "lines":
        yield from _sets(message, 0, None, address, content)
    elif kind in _CUT:
        form, meanings = _CUT[kind]
        yield from _fields(form, message, meanings(message), right)
    else:
        yield Piece(0, len(message), _WHOLE.get(kind, "not understood"))


def _fields(
    form: re.Pattern[bytes], message: bytes, words: list[str], right: bool | None
) -> Iterator[Piece]:
    match = form.fullmatch(message)
    if match is None:
        yield Piece(0, len(message), "damaged")
        return
    for number, meaning in enumerate(words, 1):
        start, end = match.span(number)
        if end > start:
            checked = right if meaning.startswith("CRC") else None
            yield Piece(start, end - start, meaning, checked)


def _request(message: bytes) -> list[str]:
    return [
        "a request begins",
        "who is there" if message[1:2] == b"?" else "a list of the maker",
        "device address",
        "end of the request",
        "line end",
    ]


def _head(message: bytes) -> list[str]:
    offer = "unknown"
    with suppress(RemoteProtocolError):
        one = Identification.from_bytes(message)
        offer = f"mode {one.mode}, {one.speed or 'an unknown speed in'} Bd"
    fast = message[3:4].islower()
    return [
        "an identification begins",
        f"maker; reaction time {20 if fast else 200} ms",
        f"Z, the speed offered: {offer}",
        "further abilities (2: DLMS, mode E)",
        "the maker's own text",
        "line end",
    ]


def _select(message: bytes) -> list[str]:
    speed = MODE_C_SPEEDS.get(message[2:3].decode("latin-1"))
    return [
        "ACK: an option is selected",
        "V, the procedure (0: normal)",
        f"Z, the speed agreed: {speed or 'unknown'}{' Bd' if speed else ''}",
        "Y, what for (0: readout, 1: programming)",
        "line end",
    ]


def _last(message: bytes) -> list[str]:
    return ["end of the data", "CRC of all from / to !", "line end"]


_CUT: dict[str, tuple[re.Pattern[bytes], Callable[[bytes], list[str]]]] = {
    "request": (_REQUEST, _request),
    "identification": (_HEAD, _head),
    "select": (_SELECT, _select),
    "end": (_END, _last),
}
_WHOLE = {
    "acknowledge": "ACK: understood",
    "repeat": "NAK: once more, please",
    "wake": "NULs that wake a battery meter",
    "pause": "line end",
    "noise": "noise",
}


def _framed(
    message: bytes, right: bool | None, address: Words, content: Words
) -> Iterator[Piece]:
    """From SOH or STX to the check."""
    command: bytes | None = None
    yield Piece(0, 1, _FRAME[message[:1]])
    at = 1
    if message[:1] == b"\x01":
        command = message[1:3]
        known = _COMMANDS.get(command[:1], "a command that nobody knows")
        yield Piece(1, 2, f"{known}, {command[1:].decode('latin-1')}")
        at = 3
        if message[3:4] == b"\x02":
            yield Piece(3, 1, _FRAME[b"\x02"])
            at = 4
    yield from _sets(message[at:-2], at, command, address, content)
    yield Piece(len(message) - 2, 1, _FRAME.get(message[-2:-1], "end"))
    verdict = "not looked at" if right is None else "right" if right else "WRONG"
    yield Piece(len(message) - 1, 1, f"block check: {verdict}", right)


def _sets(
    text: bytes, start: int, command: bytes | None, address: Words, content: Words
) -> Iterator[Piece]:
    """Addresses, brackets, line ends."""
    at = 0
    while at < len(text):
        match = _SET.match(text, at)
        assert match is not None  # each character fits something
        kind, said = match.lastgroup, match[0].decode("latin-1")
        if kind == "address":
            known = address(said.strip())
            meaning = f"register: {known}" if known else "register"
        elif kind == "bracket":
            meaning = _bracket(said.strip("()"), command, content)
        else:
            words = {"end": "line end", "last": "end of the data", "fill": "fill"}
            meaning = words[kind or "end"]
        yield Piece(start + at, len(match[0]), meaning)
        at = match.end()


def _bracket(said: str, command: bytes | None, content: Words) -> str:
    if command is not None and command[:1] == b"P":
        return "operand" if command[1:] == b"0" else "password"
    if command is not None:
        return _INSIDE.get(command[:1], "content")
    if known := content(said):
        return known
    value, star, unit = said.rpartition("*")
    return f"value {value}, unit {unit}" if star else f"value {said}".rstrip()
