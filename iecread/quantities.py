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
    section = _section(device.section)
    named: dict[str, str] = {}
    for address, found in section.items():
        if found.name and not address.startswith("n:"):
            named.setdefault(found.name, address)
    if text not in named:
        alike = [name for name in named if name.lower() == text.lower()]
        if len(alike) != 1:
            raise ConfigError(
                f"{code!r} is no address and no name of this device",
                _meant(text, named),
            )
        text = alike[0]
    return Address.parse(named[text])


def _meant(text: str, named: dict[str, str]) -> str:
    from difflib import get_close_matches

    close = get_close_matches(text, named, 3, 0.5)
    if close:
        return "did you mean " + ", ".join(close)
    return "an address is 7:310 or 6:310_1, a name such as " + ", ".join([*named][:5])
