"""Addresses of LIS-200: ``entity:object[_n].attribute``, and which answer fits.

``7:310``, ``07:0310.0`` and ``7-7:310.2`` are the same value; ``6:310_1`` is another
one than ``6:310`` (degrees Celsius and kelvin).  An archive has ``V`` as its object.
The BK meter does not look behind the dot: its attribute is the fourth hexadecimal
digit of the object (``4:3302`` is ``4:302.3``), which is Style.NIBBLE.  Devices do not
repeat an address as it was asked, so answers are matched loosely (lis200.md 2.1).
"""

import re
from dataclasses import dataclass, replace
from enum import Enum

_FORM = re.compile(
    r"(?:[0-9]{1,3}-)?[Vv]?(?P<entity>[0-9]{1,4}):"
    r"(?:(?P<archive>[Vv])|(?P<object>[0-9A-Fa-f]{1,4}))"
    r"(?:_(?P<suffix>[0-9]{1,2}))?"
    r"(?:\.(?P<attribute>[0-9A-Za-z])(?(archive)(?:\.0)?))?"
)
_NIBBLES = "0123456789ABCDEF"

STATE, CODE, CLOSING_TIME = 0x170, 0x171, 0x174
"""Objects of a lock: whether it is open, its code, minutes until it closes itself."""


class Style(Enum):
    """Where the attribute stands in an address."""

    DOT = "dot"
    NIBBLE = "nibble"


@dataclass(frozen=True, slots=True)
class Address:
    """One value, attribute or archive of a device.

    Attributes:
        entity: which of several similar objects, 0 to 9999; the devices have 1 to 99.
        object: its number, 0 to FFFF hexadecimal; None for the archive ``V``.
        suffix: the variant behind ``_``, in practice 0 or 1.
        attribute: one character; ``0`` is the value.
    """

    entity: int
    object: int | None
    suffix: int = 0
    attribute: str = "0"

    @classmethod
    def parse(cls, text: str, style: Style = Style.DOT) -> "Address":
        """Read an address in any of its spellings.

        Args:
            text: as a person or a device writes it, a medium in front or not.
            style: with NIBBLE a fourth digit of the object is the attribute.

        Raises:
            ValueError: it is none.
        """
        match = _FORM.fullmatch(text.strip())
        if match is None:
            raise ValueError(
                f"not a LIS-200 address, such as 7:310 or 6:310_1: {text!r}"
            )
        number = None if match["archive"] else int(match["object"], 16)
        attribute = match["attribute"]
        if style is Style.NIBBLE and number is not None and number > 0xFFF:
            if attribute not in (None, "0"):
                raise ValueError(f"{text!r} names two attributes")
            attribute, number = _NIBBLES[number >> 12], number & 0xFFF
        suffix = int(match["suffix"] or 0)
        return cls(int(match["entity"]), number, suffix, (attribute or "0").upper())

    @property
    def is_archive(self) -> bool:
        """Whether it is an archive as a whole."""
        return self.object is None

    def with_attribute(self, attribute: str) -> "Address":
        """The same object, another attribute."""
        return replace(self, attribute=attribute)

    def asked(self, style: Style = Style.DOT) -> str:
        """Return how it stands in a command (lis200.md 1.2 and 14).

        Raises:
            ValueError: this style has no such attribute.
        """
        suffix = f"_{self.suffix}" if self.suffix else ""
        if self.object is None:
            return f"{self.entity}:V{suffix}.{self.attribute}"
        if style is Style.DOT:
            return f"{self.entity}:{self.object:04X}{suffix}.{self.attribute}"
        nibble = _NIBBLES.find(self.attribute)
        if nibble < 0 or nibble and self.object > 0xFFF:
            raise ValueError(f"no attribute {self.attribute!r} of {self}")
        return f"{self.entity}:{nibble << 12 | self.object:X}{suffix}"

    def __str__(self) -> str:
        """The short spelling: ``7:310``, ``6:310_1``, ``7:310.2``, ``3:V``."""
        number = "V" if self.object is None else f"{self.object:X}"
        suffix = f"_{self.suffix}" if self.suffix else ""
        attribute = f".{self.attribute}" if self.attribute != "0" else ""
        return f"{self.entity}:{number}{suffix}{attribute}"

    def answered_by(self, echo: str, style: Style = Style.DOT) -> bool:
        """Whether an answer is one to a request for this address (lis200.md 2.1).

        The last digit says nothing; the suffix may be missing, but not be another.

        Args:
            echo: what the answer has before its first bracket.
            style: that of the device.
        """
        if not echo.strip():
            return True
        try:
            found = Address.parse(echo, style)
        except ValueError:
            return False
        if (found.entity, found.object) != (self.entity, self.object):
            return False
        if style is Style.NIBBLE and not self.is_archive:
            return found.attribute == self.attribute
        return found.suffix in (0, self.suffix)


@dataclass(frozen=True, slots=True)
class AddressPattern:
    """An address as a user writes it, which finds a value however it was answered.

    Attributes:
        text: what was written.
        address: what it means.
    """

    text: str
    address: Address

    @classmethod
    def parse(cls, text: str) -> "AddressPattern | None":
        """Read what was written; None where it is no address."""
        if not is_address(text):
            return None
        return cls(text.strip(" "), Address.parse(text))

    def matches(self, register: str) -> bool:
        """Whether the register, named as the device sent it, is meant."""
        return bool(register.strip()) and self.address.answered_by(register)


def is_address(text: str) -> bool:
    """Whether a text can be nothing else but a LIS-200 address.

    A code of the standard with medium and channel (``1-0:1.8.0``) is none, and neither
    is one that could be read so (``7-1:310``).
    """
    return "-" not in text and _FORM.fullmatch(text.strip()) is not None


def echo_of(text: str) -> str:
    """What stands before the first bracket of an answer."""
    return text.partition("(")[0]
