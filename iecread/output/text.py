"""Text from a meter, made safe for a terminal and for a spreadsheet.

A meter may send any byte: escape sequences that move the cursor or retitle the
window, bidirectional controls that let a number read backwards, cells that a
spreadsheet runs as a formula.  What such characters do is replaced by how they are
written, ``\\x1b``; everything else stays as it came, the backslash too (identifi-
cations hold ``\\2``), so the result is for reading and not for parsing back.
JSON needs none of this: it escapes for itself and keeps every byte.
"""

import re

# C0, DEL, C1; invisible and bidirectional format characters; line and paragraph
# separator; surrogates and private use; byte order mark; interlinear and tag
# characters
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\ud800-\uf8ff\ufeff\ufff9-\ufffb\U000e0000-\U0010ffff]"
)
# What makes a spreadsheet take a cell for a formula, or skip to what does
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def printable(text: str) -> str:
    """Text that can do nothing to a terminal and stays on one line.

    Args:
        text: any characters.

    Returns:
        The text with control, bidirectional and other invisible characters written
        as ``\\xNN`` (``\\uNNNN`` above FF).
    """
    # all that is unsafe is not printable to Python either; the look-up is quick
    return text if text.isprintable() else _UNSAFE.sub(_escape, text)


def csv_cell(text: str) -> str:
    """A text cell that a spreadsheet shows and does not run.

    Numbers do not go through here: their minus sign is no formula.

    Args:
        text: any characters.

    Returns:
        ``printable(text)``, behind ``'`` if the text begins with one of
        ``= + - @``, TAB and CR.
    """
    return ("'" if text.startswith(_FORMULA) else "") + printable(text)
