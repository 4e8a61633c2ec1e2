"""``decode --explain``: each message of a dialogue, and below it what its bytes are.

Left the place, then eight bytes in hex and as characters, then their meaning; what
the terminal has no room for goes on in the next line.  A character of wrong parity is
shown as ``?``.  Registers are named, LIS-200 values and errors too.  Passwords and
lock codes are blanked before anything is looked at.
"""

import re
import textwrap
from typing import TYPE_CHECKING

from iecread.cli.context import Surroundings
from iecread.cli.outputoptions import OutputOptions

if TYPE_CHECKING:
    from iecread.protocol.anatomy import Piece
    from iecread.protocol.parity import Parity

WIDTH = 80
_ROW = 8  # bytes in a line
_INDENT = 12
_MEDIUM = re.compile(r"7-(?=[0-9]+:[0-9A-F]{3})")  # of LIS-200 readouts
_LEFT = _INDENT + 3 * _ROW + 1 + _ROW + 2  # columns before the meaning
_LEAST = 24  # columns for it
_KIND = 14  # columns for what a message is
_HEAD = 10 + _KIND + 2

_OURS = frozenset(
    ("request", "option select", "ACK", "NAK", "password", "read", "write", "execute")
)


def write_explanation(
    around: Surroundings, out: OutputOptions, data: bytes, parity: "Parity | None"
) -> bool:
    """List the messages in ``data``; return whether no check is wrong.

    Args:
        around: the surroundings.
        out: where to.
        data: both directions of a line in the order of time.
        parity: how to read bit 7; None to find out.
    """
    from iecread.masking import Masker
    from iecread.output.sink import STDOUT, Sink
    from iecread.output.text import printable
    from iecread.protocol.explain import explain
    from iecread.protocol.parity import classify

    data = Masker().sent(data)
    parity = parity or classify(data)
    to_screen = out.output in STDOUT
    color = to_screen and around.colored(around.stdout)
    width = max((around.width if to_screen else None) or WIDTH, _LEFT + _LEAST)
    names, right = _Names(data), True
    with Sink(out.output, out.append) as sink:
        found = explain(data, parity, address=names.address, content=names.content)
        for place, kind, words, verdict, length, pieces in found:
            wrong = _damaged(data[place : place + length], parity)
            if wrong:
                words += f", {wrong} of wrong parity"
            right &= verdict is not False
            head = f"{place:8}  {_styled(f'{kind:<{_KIND}}', color, _color(kind))}"
            lines = textwrap.wrap(printable(words), width - _HEAD) or [""]
            style = (
                {True: "green", False: "red"}.get(verdict) if verdict in (0, 1) else ""
            )
            text = f"\n{'':{_HEAD}}".join(_styled(one, color, style) for one in lines)
            sink.write(f"{head}  {text}".rstrip() + "\n")
            for piece in pieces:
                sink.write(_rows(data, piece, parity, width, color))
    return right


def _rows(
    data: bytes, piece: "Piece", parity: "Parity", width: int, color: bool
) -> str:
    from iecread.output.text import printable

    raw = data[piece.place : piece.place + piece.length]
    meaning = textwrap.wrap(printable(piece.meaning), width - _LEFT) or [""]
    style = "" if piece.right is None else "green" if piece.right else "red"
    if piece.right is None and _damaged(raw, parity):
        style = "red"
    lines = []
    for number in range(max(-(-len(raw) // _ROW), len(meaning))):
        row = raw[number * _ROW : (number + 1) * _ROW]
        place = f"{piece.place + number * _ROW:8}" if row else ""
        words = meaning[number] if number < len(meaning) else ""
        shown = "".join(_shown(byte, parity) for byte in row)
        left = f"{place:<8}    {row.hex(' '):<{3 * _ROW}} {shown:<{_ROW}}  "
        lines.append(f"{left}{_styled(words, color, style)}".rstrip())
    return "\n".join(lines) + "\n"


def _shown(byte: int, parity: "Parity") -> str:
    if _damaged(bytes([byte]), parity):
        return "?"
    char = byte & 0x7F if parity.value == "even" else byte
    return chr(char) if 32 <= char < 127 else "."


def _damaged(data: bytes, parity: "Parity") -> int:
    from iecread.protocol.parity import errors

    return errors(data) if parity.value == "even" else 0


def _color(kind: str) -> str:
    if kind in ("damaged", "noise"):
        return "red"
    return "cyan" if kind in _OURS else "yellow"


def _styled(text: str, color: bool, name: str | None) -> str:
    if not color or not name or not text:
        return text
    from click import style

    return style(text, fg=name)


class _Names:
    """What registers and errors mean, for the meter that is identified first."""

    def __init__(self, data: bytes) -> None:
        from iecread.lis200.device import Device
        from iecread.protocol.telegrams import decode, slashed

        heads = (one.identification for one in decode(data) if one.identification)
        found = next(heads, None)
        self._device = Device.identified(slashed(found) if found else None)

    def address(self, text: str) -> str | None:
        from iecread.lis200.address import Address, is_address
        from iecread.lis200.locks import lock_name
        from iecread.quantities import quantity
        from iecread.registry import describe

        bare = _MEDIUM.sub("", text)
        if not is_address(bare):
            return describe(text)[1]
        address = Address.parse(bare, self._device.style)
        if address.is_archive:
            return f"archive {address.entity}"
        if address.object in (0x170, 0x171) and 1 <= address.entity <= 6:
            what = "state" if address.object == 0x170 else "code"
            return f"{what} of the {lock_name(address.entity, self._device)}"
        known = quantity(address, self._device)
        return known.meaning if known else None

    def content(self, text: str) -> str | None:
        from iecread.lis200.errors import describe, error_number
        from iecread.protocol.messages import error_text

        number = error_number(text) if text.startswith("#") else None
        if number is not None:
            return f"error {number}: {describe(number, self._device.errors).text}"
        said = error_text(text)
        return f"error: {said}" if said else None
