"""Logs of other programs: the bytes of a line in what terminals and readers write.

``spy`` is pyserial's ``spy://``, ``vzlogger`` the file that its ``dump_file`` names,
``terminal`` the log of a terminal program: lines with a time stamp or the direction in
front, and behind it hex or the characters, control characters written as ``<STX>``,
``<02>``, ``\\x02``, ``\\r`` or as their pictures.  Where line ends are not written out,
each line of the log is one.  A log counts as one only if all of its lines fit.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence

Parser = Callable[[Iterable[str]], Iterator[bytes]]

_PAIR = "[0-9A-Fa-f]{2}"
_TOKEN = re.compile(_PAIR)

_COLOR = re.compile(r"\x1b\[[0-9;]*m")
_SPY = re.compile(rf"[0-9]{{6,}}\.[0-9]{{3}} [RT]X +[0-9A-F]{{4}}  ((?:{_PAIR}  ?)+).*")
_SPY_OTHER = re.compile(r"[0-9]{6,}\.[0-9]{3} +\S.*")
_SPY_WIDTH = 16 * 3 + 1  # of the hex part; the characters stand behind it

_VZ_MARK = re.compile(r"(?:#####|<<<<<|>>>>>) .*")
_VZ_ROW = re.compile(rf"{_PAIR}(?: {_PAIR}){{0,15}}(?: .*)?")
_VZ_WIDTH = 16 * 3

_DAY = (
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{1,2}\.[0-9]{1,2}\.[0-9]{2,4}"
    r"|[0-9]{1,4}/[0-9]{1,2}/[0-9]{1,4}|(?:[A-Z][a-z]{2} )?[A-Z][a-z]{2} [ 0-9][0-9]"
)
_STAMP = (
    rf"[\[(]?(?:(?:{_DAY})[ T,]{{1,2}})?[0-9]{{1,2}}:[0-9]{{2}}:[0-9]{{2}}"
    r"(?:[.,:][0-9]{1,9})?(?:Z| ?[+-][0-9]{2}:?[0-9]{2})?[\])]?"
    r"|\[ *[0-9]+\.[0-9]+(?: +[0-9]+\.[0-9]+)?\]"
)
_WORDS = "TX|RX|SEND|SENT|RECV|RECEIVED|OUT|IN|READ|WRITE|WRITTEN"
_WAY = rf"[\[(<]?(?i:{_WORDS})(?:[\])>:]+|(?=[ \t]))|<<+|>>+|[<>](?=[ \t])|-+>|<-+|=>"
_LINE = re.compile(
    rf"(?:(?P<stamp>{_STAMP})[ \t:|,-]*)?(?:(?P<way>{_WAY})[ \t:|-]*)?(?P<said>.*)"
)
_HEX = re.compile(rf"{_PAIR}(?: ?{_PAIR})*(?: *\|.*|  +.*)?")
_NAMES = (
    "NUL SOH STX ETX EOT ENQ ACK BEL BS HT LF VT FF CR SO SI DLE DC1 DC2 DC3 DC4 NAK "
    "SYN ETB CAN EM SUB ESC FS GS RS US SP"
).split()
_CONTROL = {name: code for code, name in enumerate(_NAMES)} | {"TAB": 9, "DEL": 127}
_LETTERS = {"r": 13, "n": 10, "t": 9, "0": 0, "e": 27, "\\": 92}
_PICTURE = "\xe2\x90"  # the first two bytes of U+2400 to U+2421 in UTF-8
_ESCAPE = re.compile(
    rf"<(?:(?P<name>{'|'.join(_CONTROL)})|(?:0x|\$|x)?(?P<code>{_PAIR}))>"
    rf"|\\x(?P<hex>{_PAIR})|\\(?P<letter>[rnte\\]|0(?![0-9]))"
    rf"|{_PICTURE}(?P<picture>[\x80-\xa1])",
    re.I,
)
# what no text has by chance: the frame of a message, or the end of a line
_CERTAIN = re.compile(
    r"<(?:SOH|STX|ETX|CR|LF|ACK|NAK|(?:0x|\$)?0[1236AD])>|\\x0[1236ad]|\\r\\n|"
    rf"{_PICTURE}[\x80-\xa1]",
    re.I,
)
_END = re.compile(
    rf"<(?:CR|LF|(?:0x|\$|x)?0[AD])>|\\x0[AD]|\\[rn]|{_PICTURE}[\x8a\x8d]", re.I
)
_RAW = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")


def recognised(lines: Sequence[str]) -> Parser | None:
    """Who can read a log, or None.

    Args:
        lines: the first ones, without blanks at their ends and without empty ones.
    """
    plain = [_COLOR.sub("", line) for line in lines]
    if all(map(_SPY_OTHER.fullmatch, plain)) and any(map(_SPY.fullmatch, plain)):
        return spy
    if _VZ_MARK.fullmatch(lines[0]) and all(
        _VZ_MARK.fullmatch(line) or _VZ_ROW.fullmatch(line) for line in lines
    ):
        return vzlogger
    if any(map(_RAW.search, lines)):
        return None
    found = [_LINE.fullmatch(line) for line in lines]
    marked = all(match and (match["stamp"] or match["way"]) for match in found)
    written = any(map(_CERTAIN.search, lines))
    return terminal(lines) if marked or written else None


def spy(lines: Iterable[str]) -> Iterator[bytes]:
    """What pyserial's ``spy://`` writes."""
    for line in lines:
        if match := _SPY.fullmatch(_COLOR.sub("", line)):
            yield _pairs(match[1][:_SPY_WIDTH])


def vzlogger(lines: Iterable[str]) -> Iterator[bytes]:
    """What vzlogger writes into its ``dump_file``."""
    for line in lines:
        if not _VZ_MARK.fullmatch(line) and _VZ_ROW.fullmatch(line):
            yield _pairs(line[:_VZ_WIDTH])


def terminal(head: Sequence[str]) -> Parser:
    """Return what reads the log of a terminal program.

    Args:
        head: the first lines, which tell what stands behind the marks.
    """
    said = [text for text in map(_said, head) if text]
    hexadecimal = bool(said) and all(map(_HEX.fullmatch, said))
    ends = not hexadecimal and not any(map(_END.search, said))

    def parse(lines: Iterable[str]) -> Iterator[bytes]:
        for line in lines:
            text = _said(line)
            if hexadecimal:
                if match := _HEX.fullmatch(text):
                    yield _pairs(re.split(r"\||  ", match[0])[0])
            elif text:
                yield _characters(text) + (b"\r\n" if ends else b"")

    return parse


def _said(line: str) -> str:
    match = _LINE.fullmatch(_COLOR.sub("", line))
    return match["said"].strip(" \t") if match else ""


def _characters(text: str) -> bytes:
    return _ESCAPE.sub(_character, text).encode("latin-1")


def _character(match: re.Match[str]) -> str:
    if name := match["name"]:
        return chr(_CONTROL[name.upper()])
    if code := match["code"] or match["hex"]:
        return chr(int(code, 16))
    if letter := match["letter"]:
        return chr(_LETTERS[letter.lower()])
    number = ord(match["picture"]) - 0x80
    return chr(127 if number == 0x21 else number)


def _pairs(text: str) -> bytes:
    return bytes.fromhex("".join(_TOKEN.findall(text)))
