"""Who answered an opening request, and what that tells of meter and line.

``Identity`` is what ``Meter.identify`` and ``Meter.ask`` return: the identification
message, and what was found out while it came.  ``modes`` says what the meter offers
and what can be done with it here.  Left out: everything that only a readout shows,
such as the meter's own number.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from iecread.protocol.messages import OPENING_SPEED, Identification
from iecread.protocol.parity import Parity
from iecread.protocol.timing import FAST_REACTION, REACTION

if TYPE_CHECKING:
    from iecread.devices import DeviceProfile

SIMULATED = "SIM"
"""Manufacturer of every simulated meter."""

HDLC = "2"
"""W of the ``\\W`` that announces mode E (6.3.14, item 24)."""


class Mode(NamedTuple):
    """A protocol mode that a meter offers (6.4).

    Attributes:
        letter: A to E.
        words: what it means here.
    """

    letter: str
    words: str


@dataclass(frozen=True, slots=True)
class Identity:
    """An answer to an opening request, or the head of a telegram.

    Attributes:
        identification: the message.
        port: name or URL of the port.
        meter: name of the meter in meters.toml.
        address: device address that was asked for; empty for anybody.
        time: when it had come.
        seconds: how long it took, the way back to the start included.
        unasked: whether it was a telegram (mode D, P1), and nothing was sent.
        opening_speed: speed of the request, in Bd.
        parity: what bit 7 of the characters is.
        characters: how many the message has.
        damaged: how many of them came with wrong parity.
        noise: bytes that came and were no part of any message.
        echo: whether our own characters come back.
        parity_sought: whether the request was answered only with another parity than
            the first.
        requests: how many were sent until it came.
        woken: whether a wake-up message was needed.
        answer: seconds from the end of the request to the answer; None if unknown.
        others: further identifications in the same answer.
        crowded: whether more than one meter answered.
        talks: whether the meter went on unasked: its readout, in modes A and B, or
            since no option select came.
        at_once: whether its data came where a meter in mode C waits to be selected.
        device: what is known of this kind of meter.
    """

    identification: Identification
    port: str
    meter: str | None
    address: str
    time: datetime
    seconds: float
    unasked: bool = False
    opening_speed: int = OPENING_SPEED
    parity: Parity | None = None
    characters: int = 0
    damaged: int = 0
    noise: int = 0
    echo: bool = False
    parity_sought: bool = False
    requests: int = 0
    woken: bool = False
    answer: float | None = None
    others: tuple[str, ...] = ()
    crowded: bool = False
    talks: bool = False
    at_once: bool = False
    device: "DeviceProfile | None" = None

    @property
    def clean(self) -> bool:
        """Whether one meter answered and nothing of it was damaged."""
        return not (self.damaged or self.crowded)

    @property
    def manufacturer(self) -> str:
        """The three letters of the maker, upper case."""
        return self.identification.manufacturer

    @property
    def manufacturer_name(self) -> str | None:
        """Who that is."""
        from iecread.registry import manufacturer_name

        return manufacturer_name(self.manufacturer)

    @property
    def simulated(self) -> bool:
        """Whether no real meter said it."""
        return self.manufacturer == SIMULATED or self.port.startswith("sim://")

    @property
    def speed(self) -> int | None:
        """Speed that it offers for the data, in Bd; None where that is unknown."""
        return self.opening_speed if self.unasked else self.identification.speed

    @property
    def reaction(self) -> float:
        """Least seconds that it takes to answer, by its third letter (6.3.14, 12)."""
        return FAST_REACTION if self.identification.fast else REACTION

    @property
    def modes(self) -> tuple[Mode, ...]:
        """The modes that it offers, the one that is used first."""
        if self.unasked:
            return (Mode("D", "telegrams without being asked: iecread listen"),)
        found = self.identification
        speed, z = found.speed, found.speed_character
        if found.mode == "A":
            words = f"readout at once, at {self.opening_speed} Bd; programming after it"
        elif found.mode == "B":
            words = f"readout at once, at {speed} Bd; programming after it"
            if speed is None:
                words = f"readout at once, at a speed that {z!r} does not tell"
        elif self.at_once:
            words = "its data come at once, not as selected: iecread readout, listen"
        else:
            words = "readout, programming mode: iecread readout, read, load-profile"
        modes = [Mode(found.mode, words)]
        if HDLC in found.escapes:
            words = "HDLC (DLMS/COSEM): not spoken here"
            if found.mode == "C":
                words += "; the meter is read in mode C if it allows"
            modes.append(Mode("E", words))
        return tuple(modes)
