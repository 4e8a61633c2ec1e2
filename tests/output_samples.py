"""Readouts for the tests of the writers, built without a meter."""

import re
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

from iecread.protocol.datasets import Group
from iecread.readings import Reading, Readout

TIME = datetime(2026, 11, 22, 17, 42, 11, tzinfo=timezone(timedelta(hours=1)))
# What a hostile meter would send to a terminal, a spreadsheet, a line protocol
HOSTILE = (
    "\x1b[2J\x1b]0;owned\x07",
    "\x9b31mred",
    "=cmd|'/c calc'!A0",
    "1\u202e23\u2066",
    'a"b\\c,d e=f',
    "x\r\niecread value=1\n# HELP",
    "[bold red]x[/bold red][/]",
    "\ud800\ue041",
    "\\",
)


def reading(
    register: str,
    value: Decimal | str | None = None,
    unit: str | None = None,
    **more: Any,
) -> Reading:
    """A reading of one bracket, unless ``groups`` are given."""
    raw = more.pop("raw", "" if value is None else str(value))
    fields: dict[str, Any] = {
        "obis": None,
        "name": None,
        "stamp": None,
        "status": "ok",
        "groups": (Group(raw, unit),),
    }
    known = {"register": register, "value": value, "unit": unit, "raw": raw}
    return Reading(**known, **(fields | more))


def brackets(register: str, *groups: tuple[str, str | None], **more: Any) -> Reading:
    """A reading of several brackets, its value a number if the first is one."""
    raw, unit = groups[0]
    value = Decimal(raw) if re.fullmatch(r"[0-9]+(\.[0-9]+)?", raw) else raw
    made = tuple(Group(*group) for group in groups)
    return reading(register, value, unit, raw=raw, groups=made, **more)


MAXIMUM = reading(
    "1.6.1",
    Decimal("0.500"),
    "kW",
    obis="1-0:1.6.1*255",
    name="maximum demand, import, tariff 1",
    stamp="2022-11-20T07:30",
    groups=(Group("0.500", "kW"), Group("2211200730", None)),
)


def readout(*registers: Reading, **more: Any) -> Readout:
    """A readout with these registers."""
    fields: dict[str, Any] = {
        "time": TIME,
        "meter": "kitchen",
        "port": "/dev/ttyUSB0",
        "identification": "/LGZ4ZMF120AC.M29",
        "manufacturer": "LGZ",
        "manufacturer_name": "Landis+Gyr",
        "model": "ZMF120AC.M29",
        "serial": "60145523",
        "mode": "C",
        "speed": 4800,
        "seconds": 3.2,
        "block_check": "ok",
        "complete": True,
        "simulated": False,
        "text": (),
    }
    return Readout(registers=registers, **(fields | more))


def unknown(*registers: Reading, **more: Any) -> Readout:
    """A readout of which nothing is known, as ``decode`` may have it."""
    unset = (
        *("time", "meter", "port", "identification", "manufacturer", "model"),
        *("manufacturer_name", "serial", "mode", "speed", "seconds"),
    )
    return readout(*registers, **(dict.fromkeys(unset) | more))
