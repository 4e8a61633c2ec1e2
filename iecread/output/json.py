"""JSON: one object for each readout; the keys are promised to users (``schema`` 1).

``json`` is a single object, or an array when several readouts come: the first is
held back until it is known which.  ``jsonl`` is one readout a line.  Characters
above 7E and control characters are escaped, so any encoding and any terminal will
do, and every byte the meter sent can be read back.

Numbers keep their digits, which the serialiser of the standard library cannot do
without a float; so the text is put together here, with its string escaping.
"""

from __future__ import annotations

from decimal import Decimal
from json.encoder import encode_basestring_ascii as _quoted
from typing import TYPE_CHECKING

from iecread.output.rows import Value, iso, plain

if TYPE_CHECKING:  # imported when a reading comes
    from iecread.readings import Reading, Readout

SCHEMA = 1


def _text(text: str | None) -> str:
    return "null" if text is None else _quoted(text)


def _value(value: Value) -> str:
    return plain(value) if isinstance(value, Decimal) else _text(value)


def _number(number: float | None) -> str:
    return "null" if number is None else repr(round(number, 3))


def _bool(flag: bool) -> str:
    return "true" if flag else "false"


def _register(reading: Reading) -> str:
    # the hot part: 10,000 of them in a large readout
    register, obis, name, value, unit, raw, stamp, status, groups = reading
    quoted_raw = _quoted(raw)
    quoted_unit = "null" if unit is None else _quoted(unit)
    if groups == ((raw, unit),):
        brackets = f'{{"raw": {quoted_raw}, "unit": {quoted_unit}}}'
    else:
        brackets = ", ".join(
            [f'{{"raw": {_quoted(r)}, "unit": {_text(u)}}}' for r, u in groups]
        )
    return (
        f'{{"register": {_quoted(register)}, '
        f'"obis": {"null" if obis is None else _quoted(obis)}, '
        f'"name": {"null" if name is None else _quoted(name)}, '
        f'"value": {_value(value)}, "unit": {quoted_unit}, "raw": {quoted_raw}, '
        f'"stamp": {"null" if stamp is None else _quoted(stamp)}, '
        f'"status": "{status}", "groups": [{brackets}]}}'
    )


def _object(readout: Readout, utc: bool, line: str, item: str) -> str:
    """A readout; ``line`` and ``item`` break the lines of keys and of registers."""
    fields = {
        "schema": str(SCHEMA),
        "time": _text(iso(readout.time, utc) or None),
        "meter": _text(readout.meter),
        "port": _text(readout.port),
        "identification": _text(readout.identification),
        "manufacturer": _text(readout.manufacturer),
        "manufacturer_name": _text(readout.manufacturer_name),
        "model": _text(readout.model),
        "serial": _text(readout.serial),
        "mode": _text(readout.mode),
        "speed": _number(readout.speed),
        "seconds": _number(readout.seconds),
        "block_check": _quoted(readout.block_check),
        "complete": _bool(readout.complete),
        "simulated": _bool(readout.simulated),
    }
    head = ", ".join([f'"{key}": {value}' for key, value in fields.items()])
    registers = f",{item or ' '}".join(map(_register, readout.registers))
    first = item if readout.registers else ""
    text = f'{{{head},{line or " "}"registers": [{first}{registers}]'
    if readout.text:
        lines = f",{item or ' '}".join(map(_quoted, readout.text))
        text += f',{line or " "}"text": [{item}{lines}]'
    return text + "}"


class JsonLinesFormatter:
    """Readouts as JSON lines, one line each."""

    def __init__(self, *, utc: bool = False) -> None:
        self._utc = utc

    def begin(self) -> str:
        return ""

    def readout(self, readout: Readout) -> str:
        return _object(readout, self._utc, "", "") + "\n"

    def end(self) -> str:
        return ""


class JsonFormatter:
    """Readouts as one JSON text: an object, or an array of several; nothing of none."""

    def __init__(self, *, utc: bool = False) -> None:
        self._utc = utc
        self._first: str | None = None
        self._several = False

    def begin(self) -> str:
        return ""

    def readout(self, readout: Readout) -> str:
        text = _object(readout, self._utc, "\n ", "\n  ")
        if self._several:
            return ",\n" + text
        if self._first is None:
            self._first = text
            return ""
        self._several = True
        first, self._first = self._first, None
        return f"[\n{first},\n{text}"

    def end(self) -> str:
        if self._several:
            return "\n]\n"
        return "" if self._first is None else self._first + "\n"
