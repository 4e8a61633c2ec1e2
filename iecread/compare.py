"""Two readouts of one meter: what changed between them, and by how much.

Registers are matched by their full OBIS code where they have one, else by their
address, repeats in the order sent.  Differences of numbers are exact.  A counter only
ever grows, so one that is smaller than before is told: it was exchanged, reset, ran
over, or the readouts are in the wrong order.  Which registers are counters the code
says (energies, cumulative maxima, counts of resets and failures, volumes); values of
past billing periods are none, since their places are used again.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from decimal import Context, Decimal
from enum import Enum
from typing import NamedTuple

from iecread import obis
from iecread.protocol.datasets import Group
from iecread.readings import Reading

_EXACT = Context(prec=60)  # two numbers of 15 digits, wherever their points are

_ELECTRICITY = 1
_ABSTRACT = 0
_ON_THE_BUS = 24
_CURRENT = (None, obis.CURRENT)
# D: cumulative minima and maxima, energy since the beginning (IEC 62056-61)
_GROWING = frozenset((1, 2, 8, 11, 12, 21, 22))
# C.D of counts: resets, power failures, parameterisations, hours of operation
_COUNTS = re.compile(
    r"(?:(?:[01]-[0-9]+:)?(?:0\.1\.0|0\.1|(?:C|96)\.(?:2\.0|[78]\.[0-9]+)))(?:\*255)?"
)
_VOLUMES = frozenset(
    "m3 m³ Nm3 l kWh MWh Wh GWh MJ GJ kvarh varh kVAh Mcal Gcal h d".lower().split()
)
# undisturbed, disturbed, total; 303 can be adjusted
_LIS200_TOTAL = re.compile(r"(?:[0-9]+-)?0*[0-9]+:0*30[0-2](?:[._][0-9A-F])?", re.I)


class What(Enum):
    """What became of a register."""

    CHANGED = "changed"
    BACK = "went back"
    UNIT = "unit"
    NEW = "new"
    GONE = "gone"


class Difference(NamedTuple):
    """One register that is not as it was.

    Attributes:
        register: as sent, with ``[2]`` where it came a second time.
        name: in plain English.
        what: what became of it.
        old, new: the readings; None where there was none.
        delta: new less old; None where that is no number.
    """

    register: str
    name: str | None
    what: What
    old: Reading | None
    new: Reading | None
    delta: Decimal | None


def compare(
    before: Sequence[Reading], after: Sequence[Reading]
) -> tuple[list[Difference], int]:
    """Compare the registers of two readouts.

    Args:
        before: of the older one.
        after: of the newer one.

    Returns:
        The differences in the order of the newer readout, those that are gone behind
        the register that they followed; and how many registers are as they were.
    """
    old = dict(_keyed(before))
    new = dict(_keyed(after))
    found, same = [], 0
    for key in _merged(list(old), list(new)):
        difference = _difference(key, old.get(key), new.get(key))
        if difference is None:
            same += 1
        else:
            found.append(difference)
    return found, same


_Key = tuple[str, int]


def _keyed(readings: Iterable[Reading]) -> Iterator[tuple[_Key, Reading]]:
    seen: Counter[str] = Counter()
    for reading in readings:
        code = reading.obis or reading.register
        seen[code] += 1
        yield (code, seen[code]), reading


def _merged(old: list[_Key], new: list[_Key]) -> list[_Key]:
    """All keys: the new ones in their order, the old ones where they were."""
    known = set(new)
    gone: dict[_Key | None, list[_Key]] = {}
    last: _Key | None = None
    for key in old:
        if key in known:
            last = key
        else:
            gone.setdefault(last, []).append(key)
    merged = gone.get(None, [])
    for key in new:
        merged.append(key)
        merged += gone.get(key, [])
    return merged


def _difference(
    key: _Key, old: Reading | None, new: Reading | None
) -> Difference | None:
    some = new or old
    assert some is not None
    number = key[1]
    register = some.register if number == 1 else f"{some.register}[{number}]"
    if old is None or new is None:
        what = What.NEW if old is None else What.GONE
        return Difference(register, some.name, what, old, new, None)
    if old.unit != new.unit and None not in (old.value, new.value):
        return Difference(register, some.name, What.UNIT, old, new, None)
    if _said(old.groups) == _said(new.groups):
        return None
    delta = None
    if isinstance(old.value, Decimal) and isinstance(new.value, Decimal):
        delta = _EXACT.subtract(new.value, old.value)
    back = delta is not None and delta < 0 and is_counter(new)
    what = What.BACK if back else What.CHANGED
    return Difference(register, some.name, what, old, new, delta)


def _said(groups: Sequence[Group]) -> list[tuple[str, str | None]]:
    """What brackets say; blanks at the ends of a text say nothing."""
    return [(group.raw.strip(" "), group.unit) for group in groups]


def is_counter(reading: Reading) -> bool:
    """Tell whether a register is known to grow only."""
    register = reading.register.strip(" ")
    if _COUNTS.fullmatch(register) or _LIS200_TOTAL.fullmatch(register):
        return True
    code = obis.parse(reading.obis or register)
    if code is None or code.f not in _CURRENT or code.is_history:
        return False
    if code.a in (None, _ELECTRICITY):
        return code.d in _GROWING
    # P1: 0-n:24.2.1 is what a gas, water or heat meter on the bus counts
    measured = code.a != _ABSTRACT or code.c == _ON_THE_BUS
    return measured and (reading.unit or "").lower() in _VOLUMES
