"""Attributes: what each of the characters behind the dot is about (lis200.md 3).

The two lists agree up to 3 only, so no name is given to the others of a device that is
not known.
"""

from iecread.lis200.device import Device, Family

ACCESS, NAME, UNIT = "1", "2", "3"

_ALL = {"0": "value", ACCESS: "access rights", NAME: "name", UNIT: "unit"}
_CLASSIC = {
    "4": "source",
    "5": "unit code",
    "6": "format",
    "7": "data type",
    "8": "settable source",
    "9": "reserved",
}
_BK = {
    "4": "data class",
    "5": "default value",
    "6": "permitted range",
    "7": "memory class",
    "8": "unit code",
    "9": "format",
    "A": "data type",
}


def attributes_of(device: Device) -> dict[str, str]:
    """Return the attributes that a value of this device may have, and their names."""
    if device.family is Family.BK:
        return _ALL | _BK
    if device.family is Family.OTHER:
        return _ALL | {key: f"attribute {key}" for key in _CLASSIC}
    return _ALL | _CLASSIC
