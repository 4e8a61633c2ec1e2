"""Which LIS-200 device it is, and what follows from that (lis200.md 5.3, 6.1, 15).

The identification gives a first idea; a device in compatibility mode gives another
type there than at ``1:181``, which is believed where it can be read.
"""

import re
from dataclasses import dataclass
from enum import Enum

from iecread.lis200.address import Style
from iecread.lis200.errors import ErrorTable
from iecread.lis200.values import CodePage
from iecread.protocol.guard import gas_type
from iecread.protocol.messages import Identification

_TYPE = re.compile(r"(EK|DL|TV?C)([0-9]{3})", re.I)
_NEWER = ("EK205", "EK280", "EK290", "DL230")


class Family(Enum):
    """The kinds of devices that differ in their values and archives."""

    EK = "ek"
    """Volume converters EK205 to EK290."""
    DL = "dl"
    """Data loggers DL210 to DL240."""
    TC = "tc"
    """Temperature converters TC210 to TC220, TVC220 and TVC230."""
    BK = "bk"
    """Diaphragm meters BK-G..TC."""
    OTHER = "common"
    """One that is not known; only what all have in common holds."""


@dataclass(frozen=True, slots=True)
class Device:
    """What is known of a device by its type.

    Attributes:
        type: ``EK260``, as far as it is known.
        family: the kind of device.
        newer: whether it has the locks, escapes and archives of EK280, EK290, DL230.
    """

    type: str
    family: Family
    newer: bool = False

    @classmethod
    def identified(cls, identification: Identification | None) -> "Device":
        """What the identification tells; OTHER where it tells nothing."""
        gas = gas_type(identification)
        if gas is None or identification is None:
            return cls("", Family.OTHER)
        found = cls.of_type(gas)
        if found.family is Family.OTHER:  # protocol.guard took it for a BK meter
            found = cls(gas, Family.BK)
        marked = "2" in identification.escapes
        return cls(found.type, found.family, found.newer or marked)

    @classmethod
    def of_type(cls, text: str, before: "Device | None" = None) -> "Device":
        """What the text at ``1:181`` tells.

        Args:
            text: the text.
            before: what the identification told; the ``\\2`` of a newer device, and
                a BK meter whose type was named anew, are to be seen only there.
        """
        name = text.strip(" ")
        newer = before is not None and before.newer
        if match := _TYPE.match(name):
            family = {"E": Family.EK, "D": Family.DL, "T": Family.TC}[name[0].upper()]
            return cls(name, family, newer or match[0].upper() in _NEWER)
        if name.upper().startswith("BK"):
            return cls(name, Family.BK)
        if before is not None and before.family is not Family.OTHER:
            return cls(name or before.type, before.family, before.newer)
        return cls(name, Family.OTHER, newer)

    @property
    def section(self) -> str:
        """Which part of the data file names its values."""
        if self.family is Family.DL:
            four = self.newer or "240" in self.type or "230" in self.type
            return "dl230" if four else "dl210"
        return str(self.family.value)

    @property
    def style(self) -> Style:
        """Where its attributes stand in an address."""
        return Style.NIBBLE if self.family is Family.BK else Style.DOT

    @property
    def page(self) -> CodePage:
        """What its escapes mean."""
        return CodePage.CYRILLIC if self.family is Family.BK else CodePage.LATIN

    @property
    def escapes(self) -> bool:
        """Whether it understands escapes in what is written to it."""
        return self.newer or self.family is Family.BK

    @property
    def errors(self) -> ErrorTable:
        """What its error numbers mean."""
        return ErrorTable.BK if self.family is Family.BK else ErrorTable.CLASSIC

    @property
    def locks(self) -> tuple[int, ...]:
        """The locks that it may have."""
        six = self.newer or self.family is Family.OTHER
        return (1, 2, 3, 4, 5, 6) if six else (1, 2, 3, 4)
