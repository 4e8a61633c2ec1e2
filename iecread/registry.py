"""What codes, manufacturer ids and units mean, from the TOML files in ``data``.

A name is looked for among the single codes of the medium; an electricity code that
is not listed is put together from what its groups C, D and E say.  A stored value
has the name of the current one with the billing period added.  The files are read
when the first question is asked; answers are remembered within bounds, because a
readout has up to ten thousand registers.

Left out: vendor codes, and short codes that mean something else to some maker
(``8.1``, ``0.1``): no name is better than a wrong one.
"""

from collections.abc import Callable
from functools import cache, lru_cache
from typing import Any

from iecread import obis
from iecread.obis import ANY, Obis

_MEDIA = {"electricity": 1, "cooling": 5, "heat": 6, "gas": 7, "water": 8}
_OWN_CODES = ("heat", "cooling")  # a code without group A is the maker's own
_SECTIONS = {
    1: "electricity",
    4: "heat-cost",
    5: "cooling",
    6: "heat",
    7: "gas",
    8: "cold-water",
    9: "hot-water",
}
# C.D without E is taken for C.D.0 in a name only here.  5.8 to 10.8 are heat meters'
# codes as well, and old Landis+Gyr meters use 8.1 to 9.4 for tariffs.
_SHORT_D = (6, 7, 8)
_NOT_SHORT_C = range(5, 11)
_LONGEST = 32
# Billing periods as codes and names have them: without leading zeros
_PERIODS = {f"{f:0{width}}": str(f) for f in range(256) for width in (1, 2, 3)}
_CURRENT = str(obis.CURRENT)


def describe(
    register: str, medium: str = "electricity", manufacturer: str = ""
) -> tuple[str | None, str | None]:
    """The full OBIS code and the name of a register, each ``None`` where unknown.

    Args:
        register: the address as sent.
        medium: what the meter measures, where the address does not say it:
            electricity, heat, cooling, gas, water (see :func:`medium_of`).
        manufacturer: FLAG id; some makers give short codes a meaning of their own.

    Returns:
        Code and name.  A heat or cooling meter's code without group A is the maker's
        own and has no full code, unless it begins with C, F, L or P.
    """
    return describer(medium, manufacturer)(register)


def describer(
    medium: str, manufacturer: str
) -> Callable[[str], tuple[str | None, str | None]]:
    """:func:`describe` for all the registers of one meter."""
    # Most registers of a long readout are stored values of a few codes, so the code
    # is worked out without its history mark and remembered: code, name, and what of
    # both stands around the billing period.
    known: dict[str, tuple[str | None, str | None, str | None, list[str] | None]] = {}

    def describe(register: str) -> tuple[str | None, str | None]:
        register = register.strip(" ")
        if len(register) > _LONGEST:
            return None, None
        head, mark, period = register.partition("*")
        if not mark:
            head, mark, period = register.partition("&")
        found = known.get(head)
        if found is None:
            code, name, past = _describe(head, medium, manufacturer)
            around = past.split("{f}") if past else None
            found = known[head] = code, name, code and code[:-3], around
        code, name, stem, around = found
        if not mark:
            return code, name
        f = _PERIODS.get(period)
        if f is None:
            return None, None
        if f != _CURRENT:
            name = f.join(around) if around else None
        return stem and stem + f, name

    return describe


def name(
    register: str, medium: str = "electricity", manufacturer: str = ""
) -> str | None:
    """The name of a register in plain English, or ``None``; see :func:`describe`."""
    return describe(register, medium, manufacturer)[1]


@lru_cache(maxsize=16384)
def _describe(
    text: str, medium: str, manufacturer: str
) -> tuple[str | None, str | None, str | None]:
    """Full code, name, and name of a stored value with ``{f}`` in it."""
    history = _data("obis.toml")["history"]
    code = obis.parse(text)
    if code is None:
        name = _data("obis.toml")["texts"].get(medium, {}).get(text)
        return None, name, name and name + history.get(medium, history["default"])
    if code.f is not None:  # two marks, "1.8.0&1*2"
        return None, None, None
    own = code.a is None and code.c < 96 and medium in _OWN_CODES
    full = None if own else code.full_in(_MEDIA.get(medium, 1))
    codes = _codes(_sections(code, text, medium, manufacturer)).get(code.c)
    name = codes and _find(codes, code, None)
    past = codes and _find(codes, code, ANY)
    if name is None and (_MEDIA.get(medium, 1) if code.a is None else code.a) == 1:
        name = _compose(code)
    if name and code.a == 0 and code.b:
        name += f", channel {code.b}"
    suffix = history.get(medium, history["default"]) if own else history["default"]
    return full, name, past or (name and name + suffix)


def _sections(code: Obis, text: str, medium: str, manufacturer: str) -> tuple[str, ...]:
    """Where a code is looked for, the most special place first."""
    if code.a is None:
        reduced = "reduced-96" if text.lstrip("0").startswith("96") else ""
        if medium in _OWN_CODES:
            own = f"heat-meter-{manufacturer.lower()}"
            return own, "heat-meter", reduced, "general", "service"
        return _SECTIONS[_MEDIA.get(medium, 1)], reduced, "general", "service"
    if code.a == 0 and "C." not in text:
        return "p1-channel" if code.b else "p1", "service"
    if code.a == 1:
        return "electricity", "general", "service"
    return _SECTIONS.get(code.a, ""), "service"


_Codes = dict[tuple[int | None, ...], str]  # by D, E and F


@lru_cache(maxsize=64)
def _codes(sections: tuple[str, ...]) -> dict[int, _Codes]:
    """The single codes of some sections, by C; an earlier section goes before."""
    listed = _data("obis.toml")["codes"]
    found: dict[int, _Codes] = {}
    for section in reversed(sections):
        for written, meaning in listed.get(section, {}).items():
            code = obis.read_template(written)
            assert code is not None, written
            found.setdefault(code.c, {})[code.d, code.e, code.f] = meaning
    return found


def _find(codes: _Codes, code: Obis, period: int | None) -> str | None:
    """The name of a code, or of its stored values, among those with its C."""
    d = code.d
    e = 0 if code.e == 255 else code.e  # 255: not used
    meaning = codes.get((d, e, period))
    if meaning is None and e is not None:
        meaning = codes.get((d, ANY, period)) or codes.get((ANY, ANY, period))
    return meaning and meaning.replace("{e}", str(e))


def _compose(code: Obis) -> str | None:
    """The name of an electricity code from its groups (IEC 62056-61, C and D)."""
    tables = _data("obis.toml")["electricity"]
    c, d, e = code.c, code.d, code.e
    if e is None:
        if d not in _SHORT_D or c in _NOT_SHORT_C:
            return None
        e = 0
    elif e == 255:
        e = 0
    if c == 81 and d == 7:
        ends = tables["angles"]
        one, other = ends.get(str(e // 10)), ends.get(str(e % 10))
        if one is None or other is None:
            return None
        return f"angle of {one}" if one == other else f"angle between {one} and {other}"
    phase, base = divmod(c - 1, 20) if 1 <= c <= 80 else (0, c - 1)
    quantity = tables["quantities"].get(str(base + 1))
    if quantity is None:
        return None
    kind, direction = quantity
    words = tables["kinds"].get(kind)
    special = tables["special-processing"].get(kind, {})
    processing = special.get(str(d)) or tables["processing"].get(str(d), "")
    if words is None and (e or "{2}" in processing):  # harmonics, or no such thing
        return None
    if not processing or e > 63:
        return None
    words = words or [kind] * 3
    parts = (
        processing.format(*words),
        direction,
        f"L{phase}" if phase else "",
        f"tariff {e}" if e else "",
    )
    return ", ".join(part for part in parts if part)


def manufacturer_name(flag_id: str) -> str | None:
    """The maker behind a FLAG id of three letters in either case, or ``None``."""
    found: str | None = _data("manufacturers.toml")["names"].get(flag_id.upper())
    return found


def medium_of(manufacturer: str, model: str = "") -> str:
    """What a meter measures: ``electricity`` unless its maker and model say otherwise.

    Args:
        manufacturer: FLAG id in either case.
        model: the identification behind the baud character.
    """
    models = _data("manufacturers.toml")["medium"].get(manufacturer.upper(), {})
    for begin, medium in models.items():
        if model.lstrip(" ").upper().startswith(begin):
            return str(medium)
    return "electricity"


@cache
def units() -> frozenset[str]:
    """The units that may be cut off behind a number without a star.

    Some letters among them also end a hexadecimal word (``A``, ``C``, ``d``) or a time
    stamp (``W``, ``s``): the caller looks at those forms first.
    """
    return frozenset(unit for group in _data("units.toml").values() for unit in group)


def load() -> None:
    """Read all that registers are described by; after the first call, at once."""
    units()
    manufacturer_name("")
    describe("1.8.0")


def data(file: str) -> dict[str, Any]:
    """The content of one of the TOML files in ``data``; not to be changed."""
    return _data(file)


@cache
def _data(file: str) -> dict[str, Any]:
    import pkgutil

    import tomli

    content = pkgutil.get_data("iecread", f"data/{file}")
    assert content is not None
    return tomli.loads(content.decode("utf-8"))
