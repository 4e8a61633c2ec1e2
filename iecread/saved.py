"""What `decode` was given: bytes as they were, or a text that stands for them.

Understood are a trace (JSON lines: a header, then time, direction and hex), a
transcript (``> 2F 3F`` and ``< 2F 45``), hex dumps with offsets (``xxd``,
``hexdump -C``) and plain hex pairs.  The kind is told from the first 64 KiB; what
only looks odd is taken as bytes.  Both directions are handed on in their order, as
they went over a half-duplex line.  Nothing here raises on any content.
"""

import re
from collections.abc import Callable, Iterator
from itertools import chain
from typing import BinaryIO

HEAD = 1 << 16  # bytes from which the kind is told, and size of a piece
_LONGEST_LINE = 1 << 20  # bytes; a longer line is cut

_TRACE = re.compile(rb'\s*\{[^\n]*"iecread"\s*:\s*"trace"')
_TRACE_BYTES = re.compile(rb'"hex"\s*:\s*"((?:[0-9A-Fa-f]{2})*)"')
_PAIR = rb"[0-9A-Fa-f]{2}"
_TRANSCRIPT = re.compile(
    rb"[><+][ \t]*((?:%s(?:[ \t]+|\b))+)(?:x([0-9]{1,4}))?[ \t]*(?:\|.*)?\r?\Z" % _PAIR
)
_REMARK = re.compile(rb"[ \t]*(?:[#@].*|```.*)?\r?\Z")
_DUMP = re.compile(
    rb"[0-9A-Fa-f]{4,16}(?::|[ \t])[ \t]*"  # offset
    rb"((?:%s){1,2}(?:[ \t]{1,2}(?:%s){1,2}){0,31})(?:[ \t].*)?\r?\Z" % (_PAIR, _PAIR)
)
_DUMP_END = re.compile(rb"(?:[0-9A-Fa-f]{4,16}|\*)?\r?\Z")
_HEX = re.compile(rb"[\s,;:]*(?:(?:0x)?%s[\s,;:]*)+\Z" % _PAIR)

_Convert = Callable[[bytes], bytes]


def chunks(stream: BinaryIO) -> Iterator[bytes]:
    """Yield the bytes that ``stream`` holds or stands for, in pieces.

    Args:
        stream: a binary file, read to its end.
    """
    head = stream.read(HEAD)
    convert = _kind(head)
    if convert is None:
        yield from _pieces(head, stream)
        return
    for line in _lines(head, stream):
        if data := convert(line):
            yield data


def _pieces(head: bytes, stream: BinaryIO) -> Iterator[bytes]:
    while head:
        yield head
        head = stream.read(HEAD)


def _lines(head: bytes, stream: BinaryIO) -> Iterator[bytes]:
    """Yield lines without their LF."""
    rest = b""
    for piece in chain([head], iter(lambda: stream.read(HEAD), b"")):
        *whole, rest = (rest + piece).split(b"\n")
        yield from whole
        if len(rest) > _LONGEST_LINE:
            yield rest
            rest = b""
    yield rest


def _kind(head: bytes) -> _Convert | None:
    """Return what turns a line into bytes; None where they stand as they are."""
    if _TRACE.match(head):
        return _from_trace
    if len(head) == HEAD and b"\n" in head:
        head = head[: head.rfind(b"\n")]  # the last line may be cut
    lines = head.split(b"\n")
    if any(byte < 9 or 13 < byte < 32 for byte in head):
        return None  # no text
    if _all(_TRANSCRIPT, _REMARK, lines) and any(
        line[:1] in (b">", b"<") for line in lines
    ):
        return _from_transcript
    if _all(_DUMP, _DUMP_END, lines):
        return _from_dump
    if _HEX.match(head) and re.search(rb"[(/]", _from_hex(head)):
        return _from_hex
    return None


def _all(form: re.Pattern[bytes], other: re.Pattern[bytes], lines: list[bytes]) -> bool:
    """Whether at least one line has the form, and all others the other one."""
    found = 0
    for line in lines:
        if form.match(line):
            found += 1
        elif not other.match(line):
            return False
    return found > 0


def _from_trace(line: bytes) -> bytes:
    found = _TRACE_BYTES.search(line)
    return bytes.fromhex(found[1].decode("ascii")) if found else b""


def _from_transcript(line: bytes) -> bytes:
    found = _TRANSCRIPT.match(line)
    if not found:
        return b""
    return bytes.fromhex(found[1].decode("ascii")) * int(found[2] or 1)


def _from_dump(line: bytes) -> bytes:
    found = _DUMP.match(line)
    return bytes.fromhex(found[1].decode("ascii")) if found else b""


def _from_hex(line: bytes) -> bytes:
    pairs = re.findall(_PAIR, line.replace(b"0x", b" "))
    return bytes.fromhex(b"".join(pairs).decode("ascii"))
