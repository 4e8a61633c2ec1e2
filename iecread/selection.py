"""What a profile makes of the readings of its meter: which, under what name, scaled.

``registers`` chooses and orders, ``history`` leaves stored values out, ``register``
rules name and scale.  Scaling is exact: decimal numbers, as many digits as it takes.
The characters that the meter sent stay in ``raw`` and ``groups``.  Codes are patterns
of OBIS, or addresses of LIS-200, which a device repeats as it likes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Context, Decimal
from typing import TYPE_CHECKING

from iecread.lis200.address import AddressPattern
from iecread.obis import Pattern, parse

if TYPE_CHECKING:
    from iecread.meterprofile import Profile, Rule
    from iecread.readings import Reading, Readout
    from iecread.rows import Row

_EXACT = Context(prec=100)  # 15 digits times a ratio of at most 30, and a sum


def pattern(code: str) -> Pattern | AddressPattern:
    """Return what finds the registers that a code means.

    Raises:
        ValueError: it can be no code.
    """
    return AddressPattern.parse(code) or Pattern.parse(code)


class Selection:
    """Chooses, names and scales.

    Args:
        registers: codes and patterns, in the order wanted; empty for all.
        rules: what to do with single registers, by code or pattern; the first that
            fits counts, one that names the register as it was sent before all.
        history: whether stored values of past billing periods are kept.
    """

    def __init__(
        self,
        registers: Sequence[str] = (),
        rules: "Mapping[str, Rule] | None" = None,
        *,
        history: bool = True,
    ) -> None:
        self._wanted = [pattern(code) for code in registers]
        self._rules = [(pattern(code), rule) for code, rule in (rules or {}).items()]
        self._history = history

    @classmethod
    def of(
        cls, profile: "Profile", registers: Sequence[str] | None = None
    ) -> "Selection":
        """What a profile says.

        Args:
            profile: the profile.
            registers: asked for in place of its own, history or not; empty for all.
        """
        if registers is not None:
            return cls(registers, profile.rules)
        return cls(profile.registers, profile.rules, history=profile.history)

    def apply(self, readout: "Readout") -> "Readout":
        """Return the readout with what is wanted of it."""
        return replace(readout, registers=tuple(self.readings(readout.registers)))

    def readings(self, readings: "Sequence[Reading]") -> "list[Reading]":
        """Return what is wanted of readings, in the order wanted."""
        if not self._history:
            readings = [r for r in readings if not _is_history(r.register)]
        if self._wanted:
            chosen: dict[int, Reading] = {}
            for meant in self._wanted:
                for index, reading in enumerate(readings):
                    if meant.matches(reading.register):
                        chosen.setdefault(index, reading)
            readings = list(chosen.values())
        return [self._ruled(reading) for reading in readings]

    def missing(self, readout: "Readout") -> list[str]:
        """The codes wanted that no register of the readout is."""
        found = [reading.register for reading in readout.registers]
        return [p.text for p in self._wanted if not any(map(p.matches, found))]

    def rule(self, register: str) -> "Rule | None":
        """The rule for a register; None where there is none."""
        plain = register.strip(" ")
        for meant, rule in self._rules:
            if meant.text == plain:
                return rule
        return next((rule for p, rule in self._rules if p.matches(register)), None)

    def row(self, row: "Row") -> "Row":
        """Return a row of a load profile by the rule of its register."""
        rule = self.rule(row.register)
        if rule is None:
            return row
        flags = row.flags
        if rule.scales and isinstance(row.value, Decimal):
            flags = (*flags, "scaled")
        value, unit = scaled(row.value, rule), rule.unit or row.unit
        return row._replace(value=value, unit=unit, flags=flags)

    def _ruled(self, reading: "Reading") -> "Reading":
        rule = self.rule(reading.register)
        if rule is None:
            return reading
        status = reading.status
        if rule.scales and status == "ok" and isinstance(reading.value, Decimal):
            status = "scaled"
        return reading._replace(
            value=scaled(reading.value, rule),
            unit=rule.unit or reading.unit,
            name=rule.name or reading.name,
            status=status,
        )


def scaled(value: "Decimal | str | None", rule: "Rule") -> "Decimal | str | None":
    """A value times ``multiply`` plus ``add``, exactly; texts as they are."""
    if not isinstance(value, Decimal):
        return value
    if rule.multiply is not None:
        value = _EXACT.multiply(value, rule.multiply)
    if rule.add is not None:
        value = _EXACT.add(value, rule.add)
    return value


def _is_history(register: str) -> bool:
    code = parse(register)
    return code is not None and code.is_history
