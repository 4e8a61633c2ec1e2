"""OBIS codes: reading them, writing them in full, and finding registers by them.

A code is ``A-B:C.D.E*F`` (IEC 62056-61); meters shorten it to ``[A-][B:]C.D[.E][*F]``
and write C, F, L, P for 96 to 99 (``C.1.0``, ``F.F``, ``P.01``).  :func:`parse` keeps
what was said and what was not; :attr:`Obis.full` fills the rest.  :class:`Pattern`
is what a user types to name registers.  What a code means is in ``registry``.

Left out on purpose: addresses that only look like codes.  LIS-200 writes two fields
behind a colon (``1:180.0``, ``7-2:302.2``), ZPA a comma (``1.6.0,5``), Energomera
words (``ET0PE``), old Landis+Gyr meters single numbers (``20*80``).
"""

import re
from functools import lru_cache
from typing import NamedTuple

ANY = -1
"""The value of a group written ``x`` in a pattern."""

CURRENT = 255
"""Group F of a value that is not stored for a past billing period."""

_LONGEST = 24  # "001-000:001.008.000*255" has 23 characters
_FIELD = "([0-9]{1,3}|x)"
_CODE = re.compile(
    rf"(?:{_FIELD}-)?(?:{_FIELD}:)?([0-9]{{1,3}}|[CFLPx])\.([0-9]{{1,3}}|[Fx])"
    rf"(?:\.{_FIELD})?(?:([*&]){_FIELD})?"
)
# One look-up instead of int() and a comparison; leading zeros count for nothing.
_VALUES: dict[str, int] = {
    f"{value:0{width}}": value for value in range(256) for width in (1, 2, 3)
} | {"C": 96, "F": 97, "L": 98, "P": 99, "x": ANY}


class Obis(NamedTuple):
    """A code as it was written; ``None`` stands for a group that was not said.

    Attributes:
        a: medium (0 abstract, 1 electricity, 5 cooling, 6 heat, 7 gas, 8 and 9 water).
        b: channel.
        c: quantity; 96 to 99 are the letters C, F, L, P.
        d: kind of processing.
        e: tariff or other class.
        f: billing period; 255 is the current value.
        mark: how ``f`` was set off: ``*`` or, after a manual reset, ``&``; or empty.
    """

    a: int | None
    b: int | None
    c: int
    d: int
    e: int | None
    f: int | None
    mark: str = ""

    @property
    def full(self) -> str:
        """All six groups as numbers, ``1-0:1.8.0*255``.

        What was not said is filled: the medium with 1 (electricity), or 0 for the
        codes 96 to 99 which belong to no medium, B and E with 0, F with 255.  ``&05``
        becomes ``*5``: it counts the same billing periods.
        """
        return self.full_in(1)

    def full_in(self, medium: int) -> str:
        """As :attr:`full`, but for a meter of another medium (group A, 0 to 255)."""
        a, b, c, d, e, f, _ = self
        if a is None:
            a = 0 if 96 <= c <= 99 else medium
        period = CURRENT if f is None else f
        return f"{a}-{b or 0}:{c}.{d}.{e or 0}*{period}"

    @property
    def is_history(self) -> bool:
        """Whether this is a stored value of a past billing period."""
        return self.f is not None and self.f != CURRENT

    def __str__(self) -> str:
        return self.full


def parse(text: str) -> Obis | None:
    """Read a code in its full or any reduced form (IEC 62056-61, IEC 62056-21 C.1).

    Args:
        text: an address as a meter sends it; blanks at its ends do not count.

    Returns:
        The code, or ``None`` if the text is none: a group above 255, a single number,
        a word, or an address of another kind (see the head of this module).
    """
    text = text.strip(" ")
    return _read(text) if len(text) <= _LONGEST and "x" not in text else None


@lru_cache(maxsize=16384)
def _read(text: str) -> Obis | None:
    """Read a code in which ``x`` may stand for a group (then it is ``ANY``)."""
    if text.startswith("FF"):  # the error word, as some meters write it
        text = f"F.F{text[2:]}"
    match = _CODE.fullmatch(text)
    if match is None:
        return None
    a, b, c, d, e, mark, f = match.groups()
    try:
        code = Obis(
            None if a is None else _VALUES[a],
            None if b is None else _VALUES[b],
            _VALUES[c],
            _VALUES[d],
            None if e is None else _VALUES[e],
            None if f is None else _VALUES[f],
            mark or "",
        )
    except KeyError:  # above 255
        return None
    # `1:180.0` and `7-1:180.0` are LIS-200 addresses.
    if e is None and b is not None and (a is None or code.c > 99):
        return None
    return None if d == "F" and code.c != 97 else code


def read_template(text: str) -> Obis | None:
    """As :func:`parse`, but a group may be ``x`` for any value (``ANY``)."""
    return _read(text) if len(text) <= _LONGEST else None


class Pattern:
    """What a user writes to name registers: a code in any form, or a plain text.

    * A group that only one side says is not compared: ``1.8.0`` finds
      ``1-0:1.8.0*255`` and ``1-1:1.8.0``, and both find ``1.8.0``.
    * Letters and numbers are the same (``C.1.0``, ``96.1.0``), leading zeros and the
      case of letters count for nothing, ``@`` is ``*``.
    * ``x`` stands for any value of one group: ``1.8.x``, ``x-x:1.8.0``.
    * Without E a code is that with E = 0 (``32.7`` and ``32.7.0``); without E in the
      pattern also E = 255, which some meters send for "not used".
    * Without F (or with 255) only the current value is meant, never history.
      ``1.8.0*5`` finds ``*05`` and ``&05``, ``1.8.0&5`` only the latter; ``1.8.0*x``
      finds the current value and all history, ``1.8.0&x`` all that has ``&``.
    * A text that is no code (``ET0PE``, ``7:310.1``) finds itself, nothing else.
    """

    __slots__ = ("text", "_code", "_texts")

    def __init__(self, text: str, code: Obis | None) -> None:
        self.text = text
        self._code = code
        self._texts = frozenset((text, text.replace("@", "*")))

    @classmethod
    def parse(cls, text: str) -> "Pattern":
        """Compile what the user wrote.

        Raises:
            ValueError: it can be no address of a data set (empty, longer than 32,
                brackets, ``/``, ``!``, control or non-ASCII characters), a group is
                above 255, F is set off by a point, or a wildcard other than ``x``
                was tried.
        """
        text = text.strip(" ")
        if not text:
            raise ValueError("empty register code")
        if len(text) > 32:
            raise ValueError(f"register code {text[:32]!r}... is too long")
        wrong = next((c for c in text if not " " <= c <= "~" or c in "()[]{}<>/!"), "")
        if wrong:
            raise ValueError(f"register code {text!r} contains {wrong!r}")
        written = text.replace("@", "*").upper().replace("X", "x")
        code = read_template(written)
        if code is None:
            match = _CODE.fullmatch(written)
            # two fields may be a LIS-200 address, three or a history mark may not
            if match and (match[5] or match[6]):
                raise ValueError(f"register code {text!r}: a group is 0 to 255")
            if "?" in text or written.endswith("*") or ".*" in written:
                raise ValueError(f"register code {text!r}: write x for any value")
            if written.endswith(".255"):  # as DLMS tools write it
                raise ValueError(f"register code {text!r}: write *255 for .255")
        return cls(text, code)

    def matches(self, register: str) -> bool:
        """Whether the register, named as the meter sent it, is meant."""
        register = register.strip(" ")
        if register in self._texts:
            return True
        if self._code is None:
            return False
        found = parse(register)
        return found is not None and _fits(self._code, found)

    def __repr__(self) -> str:
        return f"Pattern({self.text!r})"


def _fits(want: Obis, found: Obis) -> bool:
    """Whether a code is meant by a pattern, by the rules of :class:`Pattern`."""
    if not (
        want.c in (found.c, ANY)
        and want.d in (found.d, ANY)
        and (want.a is None or found.a is None or want.a in (found.a, ANY))
        and (want.b is None or found.b is None or want.b in (found.b, ANY))
    ):
        return False
    e = found.e or 0
    if e not in (0, 255) if want.e is None else want.e not in (e, ANY):
        return False
    if want.f is None or want.f == CURRENT:
        return not found.is_history
    if want.mark == "&" and found.mark != "&":
        return False
    return want.f in (found.f, ANY)
