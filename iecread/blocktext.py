"""What profiles and logs have in common: lines out of pieces, channels, refusals.

Answers may come in partial blocks that are cut anywhere, so only whole lines are
looked at; the text behind the last line end waits for more (protocol.md 5.7).
"""

import re
from typing import NamedTuple

from iecread import obis
from iecread.protocol.datasets import closing

# protocol.md 2.10; "ERROR" alone and #0103 say that the interval has no data
_REFUSAL = re.compile(r"ER[A-Z]*_?[0-9]*|#[0-9]{4}")
_NO_DATA = ("ERROR", "#0103")
_FILL = {0: None, 0x7F: None}  # NUL and DEL


class Problem(NamedTuple):
    """Something in an answer that could not be used.

    Attributes:
        message: what is wrong, in words.
        text: the characters meant, as sent.
    """

    message: str
    text: str


class WholeLines:
    """Collects text until its lines are whole."""

    def __init__(self) -> None:
        self._parts: list[str] = []

    def push(self, text: str | bytes) -> str:
        """Take the next piece; return the lines that are whole now."""
        if isinstance(text, bytes):
            text = text.decode("latin-1")
        end = max(text.rfind("\n"), text.rfind("\r")) + 1
        if not end:
            self._parts.append(text)
            return ""
        whole = "".join((*self._parts, text[:end]))
        self._parts = [text[end:]]
        return _clean(whole)

    def rest(self) -> str:
        """Take what has no line end."""
        rest = "".join(self._parts)
        self._parts = []
        return _clean(rest)


def _clean(text: str) -> str:
    return text.translate(_FILL) if "\0" in text or "\x7f" in text else text


def contents(brackets: str) -> list[str]:
    """What stands in each bracket of a data set, as sent."""
    parts = brackets[1:-1].split(")(")
    if brackets.count("(") == len(parts):
        return parts
    parts, at = [], 0
    while at < len(brackets):  # brackets inside brackets
        end = closing(brackets, at)
        parts.append(brackets[at + 1 : end - 1])
        at = end
    return parts


def channel_of(address: str) -> str:
    """The name of a profile or log: ``P.01`` for ``1-0:P.01*255``, ``P.1``, ``99.1``.

    Args:
        address: as sent; one that is no code of group 99 is its own name.
    """
    code = obis.parse(address)
    if code is None or code.c != 99:
        return address
    name = f"P.{code.d:02}"
    return f"{name}.{code.e}" if code.e else name


def is_channel(address: str) -> bool:
    """Whether an address names a profile or log of group 99."""
    code = obis.parse(address)
    return code is not None and code.c == 99


def refusal(parts: list[str]) -> str | None:
    """What a bracket says in place of data.

    Returns:
        The error text of the meter; the empty text where it says that there is
        nothing; None where it is data.
    """
    text = parts[0].strip(" ")
    if len(parts) > 1:
        return None if any(part.strip(" ") for part in parts) else ""
    if not text or text in _NO_DATA:
        return ""
    return text if _REFUSAL.fullmatch(text) else None
