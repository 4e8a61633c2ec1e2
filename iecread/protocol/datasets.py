"""Data sets: from the text of lines to addresses and brackets (IEC 62056-21, 6.6).

``cut`` takes whole lines.  One regular expression finds the data sets of plain lines;
where it does not fit (blanks between brackets, noise, nested or open brackets, ``!``)
the rest of the line is scanned by hand.  A bracket is cut into value and unit only
when somebody asks for it.

Left out on purpose: what a value means (readings.py), and frames, identifications
and parity (telegrams.py); characters of wrong parity come as parity.py marks them.
"""

import re
from dataclasses import dataclass, field
from typing import NamedTuple

from iecread import registry
from iecread.protocol.parity import clean

# A plain data set and what follows it, or else the rest of the line.  The address
# has a hyphen only in A-B:, so text that runs into a code does not fit.
_PLAIN = re.compile(
    r"((?:[0-9]-[0-9]{1,3}:)?[0-9A-Za-z.:*&,_]*)"
    r"((?:\([ -'*-~]*\))+)(?![ \t]*\()"
    r"|([^\r\n]+)"
)
_BRACKET = re.compile(r"[()]")
# All up to the last character that no address has, whole or of wrong parity
_NOISE = re.compile(r".*[^\t -(*-~\ue020-\ue07e]", re.S)
_CODE = re.compile(r"[0-9]-[0-9]{1,3}:")
_DAMAGE = re.compile(r"[\x00-\x1f\x7f-\x9f\ue000-\ue07f]")
# "!" with the CRC of P1 behind it (protocol.md 6.2), or alone
_END = re.compile(r"!(?:[0-9A-Fa-f]{1,4}[ \t]*\Z)?")
_BLANK = " \t"

_NUMBER = re.compile(r"[+-]?([0-9]+)(?:[.,]([0-9]+))?")
_NUMBER_UNIT = re.compile(r"([ ]*[+-]?[0-9]+(?:[.,][0-9]+)?[ ]*)([^0-9., ].*)")
# A number that may end in a letter: a hexadecimal word, a time of P1 (6.2: not watts)
_NO_UNIT = re.compile(r"[0-9A-Fa-f]+|[0-9]{12}[SW]")
_DIGITS = 15  # a longer number is an identifier or hexadecimal text

_new = tuple.__new__


class Group(NamedTuple):
    """One bracket.

    Attributes:
        raw: what stands before the last ``*``, as sent; without ``*`` everything, or
            the number where a unit of the registry follows it.
        unit: what stands behind it, as sent; None where there is none.
    """

    raw: str
    unit: str | None


class DataSet(NamedTuple):
    """An address and the brackets that follow it (6.6).

    Attributes:
        address: without blanks at its ends; empty where the line or the frame begins
            with a bracket.
        brackets: the brackets as sent, without the blanks between them; characters of
            wrong parity still marked, since they are no brackets.
        malformed: whether a control character or one of wrong parity is inside.
        checked: whether the block check of its frame or telegram was right.
    """

    address: str
    brackets: str
    malformed: bool = False
    checked: bool = False

    @property
    def groups(self) -> tuple[Group, ...]:
        """The brackets, one by one."""
        brackets = self[1]
        opened = brackets.count("(")
        if opened == 1 and not self[2]:
            return (_group(brackets[1:-1]),)
        parts = brackets[1:-1].split(")(")
        if opened != len(parts):
            parts = _nested(brackets)
        groups = [_group(part) for part in parts]
        if self[2]:
            groups = [Group(clean(raw), unit and clean(unit)) for raw, unit in groups]
        return tuple(groups)


def _group(content: str) -> Group:
    raw, star, unit = content.rpartition("*")
    if star and ")" not in unit:  # a star inside an inner bracket is not ours
        return _new(Group, (raw, unit))
    match = None if content.isdigit() else _NUMBER_UNIT.fullmatch(content)
    if match and not _NO_UNIT.fullmatch(content.strip(" ")):
        number, tail = match.groups()
        if is_number(number.strip(" ")) and tail.rstrip(" ") in registry.units():
            return _new(Group, (number, tail))
    return _new(Group, (content, None))


def _nested(brackets: str) -> list[str]:
    """The contents of the outer brackets of a text that is made of brackets."""
    parts, at = [], 0
    while at < len(brackets):
        end = closing(brackets, at)
        parts.append(brackets[at + 1 : end - 1])
        at = end
    return parts


def is_number(text: str) -> bool:
    """Whether a text is a decimal number that is no identifier.

    ASCII digits, at most one sign before and one point or comma between them, and no
    more than 15 digits without leading zeros.
    """
    match = _NUMBER.fullmatch(text)
    if match is None:
        return False
    if len(text) <= _DIGITS:
        return True
    whole, decimals = match.groups()
    return len((whole + (decimals or "")).lstrip("0")) <= _DIGITS


def closing(text: str, start: int) -> int:
    """The place behind the bracket that opens at ``start``; -1 if it stays open.

    Brackets inside it are counted: LIS-200 change logs have them (lis200.md 8.3).
    """
    depth = 0
    for match in _BRACKET.finditer(text, start):
        depth += 1 if match[0] == "(" else -1
        if not depth:
            return match.end()
    return -1


@dataclass(slots=True)
class Cut:
    """What was found in some lines.

    Attributes:
        data_sets: in the order sent.
        text: what is no data set, in the order sent, without blank pieces.
        ended: whether a ``!`` stood outside brackets.
        left_open: whether a bracket was not closed on its line.
    """

    data_sets: list[DataSet] = field(default_factory=list)
    text: list[str] = field(default_factory=list)
    ended: bool = False
    left_open: bool = False


def cut(lines: str, checked: bool, into: Cut) -> None:
    """Cut lines into data sets and text.

    Args:
        lines: whole lines, ended by CR or LF in any mixture; without NUL and DEL.
        checked: whether a block check vouches for them.
        into: where to add what is found.
    """
    data_sets = into.data_sets
    for address, brackets, rest in _PLAIN.findall(lines):
        if rest:
            _scan(rest, checked, into)
        else:
            data_sets.append(_new(DataSet, (address, brackets, False, checked)))


def _scan(line: str, checked: bool, into: Cut) -> None:
    """Cut what the expression for plain data sets does not fit."""
    at, bracket = 0, line.find("(")
    while at < len(line):
        if 0 <= bracket < at:
            bracket = line.find("(", at)
        end = line.find("!", at, bracket if bracket >= 0 else len(line))
        if end >= 0:
            into.ended = True
            _text(line[at:end], into)
            match = _END.match(line, end)
            at = match.end() if match else end + 1
            continue
        behind = bracket
        pieces = []
        while behind >= 0 and line[behind : behind + 1] == "(":
            start, behind = behind, closing(line, behind)
            pieces.append(line[start:behind])
            stop = behind
            while line[behind : behind + 1] in (" ", "\t"):
                behind += 1
        if behind < 0:  # no bracket, or one that stays open
            into.left_open |= bracket >= 0
            _text(line[at:], into)
            return
        address = _address(line[at:bracket], into)
        brackets = "".join(pieces)
        malformed = bool(_DAMAGE.search(address) or _DAMAGE.search(brackets))
        data_set = DataSet(clean(address), brackets, malformed, checked)
        into.data_sets.append(data_set)
        at = stop


def _address(text: str, into: Cut) -> str:
    """The address at the end of a text; what stands before it becomes text."""
    match = _NOISE.match(text)
    start = match.end() if match else 0
    start += code_start(text[start:])
    _text(text[:start], into)
    return text[start:].strip(_BLANK)


def code_start(address: str) -> int:
    """Where the full code begins that other text runs into; 0 if none does."""
    codes = [found.start() for found in _CODE.finditer(address)]
    return codes[-1] if codes and address[: codes[-1]].strip(_BLANK) else 0


def _text(text: str, into: Cut) -> None:
    if text.strip(_BLANK):
        into.text.append(clean(text))
