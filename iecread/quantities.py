"""What the values of LIS-200 devices are called, from ``data/lis200.toml``.

A name (``Vb``, ``p``) belongs to a family: the same letters mean another value in
another one, and in German software.  So a name is looked up only when the device is
known, and never guessed across families.
"""

import re
from functools import cache
from typing import NamedTuple

from iecread.errors import ConfigError
from iecread.lis200.address import Address, is_address
from iecread.lis200.device import Device


class Quantity(NamedTuple):
    """One value of a family.

    Attributes:
        name: its short name; empty where it has none.
        meaning: what it is, in plain English.
        lock: the lowest lock that may write it: C, S, K or R; F for none; empty where
            that is not known.
    """

    name: str
    meaning: str
    lock: str


SECTIONS = ("ek", "tc", "dl210", "dl230", "bk")
"""The families that have names of their own."""


@cache
def _section(name: str) -> dict[str, Quantity]:
    from iecread.registry import data

    table = dict(data("lis200.toml")[name])
    more = table.pop("more", [])
    found = {address: Quantity(*row) for address, row in table.items()}
    for other in more:
        for address, quantity in _section(other).items():
            found.setdefault(address, quantity)
    return found


def quantity(address: Address, device: Device) -> Quantity | None:
    """Return what a value is; None where it is not known."""
    section = _section(device.section)
    key = str(address.with_attribute("0"))
    found = section.get(key)
    if found is not None:
        return found
    entity, _, rest = key.partition(":")
    found = section.get(f"n:{rest}")
    if found is None:
        return None
    name = found.name.replace(".n", f".{entity}")
    return Quantity(name, re.sub(r"\bn\b", entity, found.meaning), found.lock)


def named(section: str) -> dict[str, str]:
    """Return the names of a family and the addresses that they mean.

    Args:
        section: which one, see ``Device.section``.
    """
    found: dict[str, str] = {}
    for address, known in _section(section).items():
        if known.name and not address.startswith("n:"):
            found.setdefault(known.name, address)
    return found


def meanings(section: str) -> list[tuple[str, str, str]]:
    """Return the named values of a family: name, address, what it is."""
    known = _section(section)
    return [
        (name, address, known[address].meaning)
        for name, address in named(section).items()
    ]


def address_of(code: str, device: Device) -> Address:
    """Return the address that a person means.

    Args:
        code: an address, or a name of the device's family; its case counts only where
            two names differ by nothing else.
        device: which device it is.

    Raises:
        ConfigError: it is neither.
    """
    text = code.strip()
    if is_address(text):
        try:
            return Address.parse(text, device.style)
        except ValueError as error:
            raise ConfigError(str(error)) from error
    names = named(device.section)
    if text not in names:
        alike = [name for name in names if name.lower() == text.lower()]
        if len(alike) != 1:
            raise ConfigError(
                f"{code!r} is no address and no name of this device",
                _meant(text, names),
            )
        text = alike[0]
    return Address.parse(names[text])


def _meant(text: str, names: dict[str, str]) -> str:
    from difflib import get_close_matches

    close = get_close_matches(text, names, 3, 0.5)
    if close:
        return "did you mean " + ", ".join(close)
    return "an address is 7:310 or 6:310_1, a name such as " + ", ".join([*names][:5])
