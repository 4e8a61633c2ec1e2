"""What an engine wants done, and what it reports.

Actions must be carried out one by one in the order in which the engine gives them;
events are results for whoever drives it.  The engine never looks at a clock: spans
in actions are counted by the driver, moments come in as ``now``.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from iecread.protocol.messages import Identification


@dataclass(frozen=True, slots=True)
class Write:
    """Send these bytes as they are (parity bits, where needed, are in them)."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Wait:
    """Let the line rest.

    Attributes:
        seconds: counted from the end of the last character on the line, sent or
            received, whichever is later, when the wait begins.  What arrives meanwhile
            goes to the engine at once and may change what is to be done next; an
            engine that gives another Wait in place of this one lets it begin anew.
    """

    seconds: float


@dataclass(frozen=True, slots=True)
class SetSpeed:
    """Set the speed of the open line, in Bd, without losing what has arrived."""

    baud: int


Action = Write | Wait | SetSpeed


@dataclass(frozen=True, slots=True)
class Identified:
    """An identification message came."""

    identification: Identification
    raw: bytes


@dataclass(frozen=True, slots=True)
class LineReceived:
    """A whole data line came; its block has not been checked yet."""

    text: bytes


class Trouble(Enum):
    """Why something was asked for again."""

    NO_ANSWER = "no answer"
    FELL_SILENT = "fell silent within a message"
    BLOCK_CHECK = "wrong block check"
    PARITY = "wrong parity"
    CHECK_KIND = "block check fits only the 7-bit sum"
    WRONG_SPEED = "answers at another speed than agreed"
    DAMAGED = "damaged identification"
    REFUSED = "NAK in place of data"
    MISHEARD = "the meter did not do what was selected"


@dataclass(frozen=True, slots=True)
class Retried:
    """Something failed and is tried again, differently where that makes sense.

    Attributes:
        trouble: what was wrong.
        step: what is tried next, in words for a person.
    """

    trouble: Trouble
    step: str


@dataclass(frozen=True, slots=True)
class BlockReceived:
    """A data block (or a readout without one) was accepted.

    Attributes:
        data: the bytes of the message as they came, from STX to the block check, or
            the lines up to ``!`` and its line end where there is no frame.
    """

    data: bytes


@dataclass(frozen=True, slots=True)
class Done:
    """The readout is complete; the engine is idle again."""


@dataclass(frozen=True, slots=True)
class Opened:
    """Programming mode is entered (6.4.3.3); passwords and commands may follow.

    Attributes:
        operand: what stood in the brackets of P0; None where the meter sent no P0.
    """

    operand: str | None


class AnswerKind(Enum):
    """What a meter answered to a password or a command (6.3.5 to 6.3.12)."""

    DATA = "data"
    ACK = "ACK"
    NAK = "NAK"
    ERROR = "error message"
    BREAK = "break message"
    SILENCE = "no answer"
    DAMAGED = "damaged answer"


@dataclass(frozen=True, slots=True)
class Answered:
    """The answer to a password or a command; for NAK and damage, after repeats.

    Attributes:
        kind: what it was.
        text: the characters of its blocks between STX and ETX, without parity; of an
            error message the text in its brackets; of one without an end how much
            had come.
    """

    kind: AnswerKind
    text: str = ""


Event = Identified | LineReceived | Retried | BlockReceived | Done | Opened | Answered


class Engine(Protocol):
    """What a driver needs of an engine.

    While ``next_action`` gives something it is to be carried out; then the driver
    waits for bytes until ``deadline``, for ever where that is None.
    """

    @property
    def finished(self) -> bool:
        """Whether no session is going on and nothing is left to do."""

    def next_action(self) -> Action | None:
        """Return what is to be done next, without taking it off the list."""

    def action_done(self, now: float) -> None:
        """Say that what ``next_action`` gave has been carried out."""

    def deadline(self) -> float | None:
        """Return when ``handle_timeout`` is due, or None."""

    def events(self) -> list[Event]:
        """Return what happened since the last call."""

    def receive_data(self, data: bytes, now: float) -> None:
        """Take in bytes as they came from the line."""

    def handle_timeout(self, now: float) -> None:
        """Say that the deadline has passed."""
