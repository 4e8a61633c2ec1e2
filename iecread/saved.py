"""Saved files: the bytes of a line in whatever form a person has kept them.

``chunks`` looks at the first 64 KiB and tells apart raw bytes, a trace (JSON lines),
a transcript (``>`` and ``<`` with hex), a hex dump with offsets (xxd, hexdump -C, od),
logs of other programs (``savedlogs``) and plain hex.  Text counts as one of these only
if all of it fits and stands for what a meter may have sent; everything else is raw
bytes as they are.  Both directions come in the order of time.  Left out: times, and
dumps of words, whose byte order is a guess.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Any, BinaryIO

from iecread import savedlogs

HEAD = 64 << 10
"""Bytes from which the kind is told, and which are read at once."""

_LONGEST_LINE = 256 << 10
_MOST_REPEATED = 1 << 20  # bytes
_BOM = b"\xef\xbb\xbf"

_PAIR = "[0-9A-Fa-f]{2}"
_PAIRS = f"{_PAIR}(?: ?{_PAIR})*"
_TOKEN = re.compile(rb"(?:0[xX]|\\x)?([0-9A-Fa-f]{2})")
_PLAIN = re.compile(
    rb"(?:\xef\xbb\xbf)?"
    rb"(?:[\s,;:{}-]*(?:0[xX]|\\x)?[0-9A-Fa-f]{2})+[\s,;:{}-]*"
)
_PART_OF_TOKEN = 3  # characters, at most

_BYTES = re.compile(f"(?:{_PAIR})*")

_TURN = re.compile(rf"[<>+] ?({_PAIRS})(?: x([0-9]{{1,5}}))?[ \t]*(?:\|.*)?")
_REMARK = re.compile("(?:[#@]|```).*")
# Offset, bytes, and what is shown beside them: behind two blanks, or in | | or > <
_XXD = re.compile(rf"([0-9A-Fa-f]{{4,16}}): ({_PAIRS})(?:  .*)?")
_DUMP = re.compile(
    rf"([0-9A-Fa-f]{{4,16}})[ \t]{{1,3}}"
    rf"({_PAIR}(?: {_PAIR}){{7}}  {_PAIR}(?: {_PAIR})*|{_PAIR}(?: {_PAIR})*)"
    r"(?:[ \t]{2,}.*|[ \t]+[|>].*)?"
)
_DUMP_REST = re.compile(r"[0-9A-Fa-f]{4,16}:?|\*")
_OCTAL = 7  # digits of an offset of od

_Parser = Callable[[Iterable[str]], Iterator[bytes]]


FORMS = ("auto", "raw", "hex", "dump", "trace", "transcript", "log", "spy", "vzlogger")
"""What a file may be; ``auto``: its content tells."""


def chunks(stream: BinaryIO, form: str = "auto") -> Iterator[bytes]:
    """The bytes of the line that a saved file holds.

    Args:
        stream: the file, at its beginning; any content will do.
        form: one of FORMS.

    Yields:
        Bytes in the order of time, both directions.
    """
    sample = stream.read(HEAD)
    whole = len(sample) < HEAD
    parser = _line_parser(sample, whole) if form == "auto" else _wanted(form, sample)
    blocks = chain([sample], iter(lambda: stream.read(HEAD), b""))
    if parser is not None:
        yield from parser(_lines(blocks))
    elif form == "hex" or form == "auto" and _is_plain_hex(sample, whole):
        yield from _plain_hex(blocks)
    else:
        yield from blocks


def _line_parser(sample: bytes, whole: bool) -> _Parser | None:
    """Who can read this line by line, or None."""
    lines = [line for line in _lines([sample]) if line]
    if not whole:
        del lines[-1:]
    if not lines:
        return None
    if _object(lines[0]).get("iecread") == "trace":
        return _trace
    for parser, *forms in (
        (_transcript, _TURN, _REMARK),
        (_dump, _XXD, _DUMP, _DUMP_REST),
    ):
        fits = all(any(form.fullmatch(line) for form in forms) for line in lines)
        if fits and _says_something(parser(lines)):
            return parser
    log = savedlogs.recognised(lines)
    return log if log is not None and _says_something(log(lines)) else None


def _wanted(form: str, sample: bytes) -> _Parser | None:
    """Who reads a form line by line; None for raw bytes and plain hex."""
    if form == "log":
        return savedlogs.terminal([line for line in _lines([sample]) if line])
    parsers: dict[str, _Parser] = {
        "trace": _trace,
        "transcript": _transcript,
        "dump": _dump,
        "spy": savedlogs.spy,
        "vzlogger": savedlogs.vzlogger,
    }
    return parsers.get(form)


def _says_something(data: Iterable[bytes]) -> bool:
    """Whether this may come from a line: there is ``(``, ``/`` or STX."""
    characters = {byte & 0x7F for byte in b"".join(data)}
    return not characters.isdisjoint(b"(/\x02")


def _lines(blocks: Iterable[bytes]) -> Iterator[str]:
    """Lines without blanks at their ends; one that is far too long comes in parts."""
    rest = b""
    for block in blocks:
        lines = (rest + block).splitlines(keepends=True)
        rest = b""
        if lines and not lines[-1].endswith(b"\n") and len(lines[-1]) < _LONGEST_LINE:
            rest = lines.pop()
        for line in lines:
            yield line.removeprefix(_BOM).decode("latin-1").strip()
    yield rest.removeprefix(_BOM).decode("latin-1").strip()


def _object(line: str) -> dict[str, Any]:
    """A line of JSON that is an object; else an empty one."""
    try:
        found = json.loads(line) if line.startswith("{") else None
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _trace(lines: Iterable[str]) -> Iterator[bytes]:
    """A trace: a header, then objects with ``t``, ``dir`` and ``hex``, or others."""
    for line in lines:
        text = _object(line).get("hex")
        if isinstance(text, str) and _BYTES.fullmatch(text):
            yield bytes.fromhex(text)


def _transcript(lines: Iterable[str]) -> Iterator[bytes]:
    """Hex behind ``>``, ``<`` or ``+``, up to ``|``; ``00 x66`` is 66 times 00."""
    for line in lines:
        if turn := _TURN.fullmatch(line):
            yield _pairs(turn[1].encode("ascii")) * int(turn[2] or 1)


def _dump(lines: Iterable[str]) -> Iterator[bytes]:
    """Hex behind an offset; ``*`` stands for lines like the one before."""
    before, end, repeated = b"", 0, False
    for line in lines:
        match = _XXD.fullmatch(line) or _DUMP.fullmatch(line)
        if match is None and line == "*":
            repeated = True
            continue
        offset = match[1] if match else line.rstrip(":")
        try:
            place = int(offset, 8 if len(offset) == _OCTAL else 16)
        except ValueError:
            continue
        if repeated and before and end < place <= end + _MOST_REPEATED:
            yield before * ((place - end) // len(before))
        repeated = False
        if match:
            before = _pairs(match[2].encode("ascii"))
            end = place + len(before)
            yield before


def _is_plain_hex(sample: bytes, whole: bool) -> bool:
    match = _PLAIN.match(sample)
    if match is None or len(sample) - match.end() > (0 if whole else _PART_OF_TOKEN):
        return False
    return _says_something(_plain_hex([sample]))


def _plain_hex(blocks: Iterable[bytes]) -> Iterator[bytes]:
    rest = b""
    for block in blocks:
        text = rest + block
        end = 0
        for token in _TOKEN.finditer(text):
            end = token.end()
        yield _pairs(text[:end])
        rest = text[end:][-_PART_OF_TOKEN:]


def _pairs(text: bytes) -> bytes:
    return bytes.fromhex(b"".join(_TOKEN.findall(text)).decode("ascii"))
