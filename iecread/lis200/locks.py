"""Locks: their names, what their state says, whom an access byte lets read and write.

Nothing is sent here.  ``gate`` decides whether a code may go out (lis200.md 3.1, 6).
"""

import re
from enum import Enum

from iecread.errors import ConfigError
from iecread.lis200.address import CODE, STATE, Address
from iecread.lis200.device import Device, Family
from iecread.lis200.errors import NO_READ_RIGHT, error_number
from iecread.lis200.values import brackets, parse
from iecread.protocol.actions import Answered, AnswerKind

CALIBRATION, MANUFACTURER, SUPPLIER, CUSTOMER, DATA_READER, USER = range(1, 7)

LOCKS = {
    "calibration": CALIBRATION,
    "manufacturer": MANUFACTURER,
    "supplier": SUPPLIER,
    "administrator": SUPPLIER,
    "customer": CUSTOMER,
    "data-reader": DATA_READER,
    "user": USER,
}
"""The names of the locks and their numbers."""

LONGEST_CODE = 8
_CODE = re.compile(r"[0-9A-F]{1,8}")
_BK_CODE = re.compile(r"0|[1-9][0-9]{0,7}")


class LockState(Enum):
    """What a device says of one lock."""

    CLOSED = "closed"
    OPEN = "open"
    HIDDEN = "may not be read"
    """No right to read it; a device of which no lock is open says so too."""
    UNCLEAR = "unclear"
    """Anything else: no such lock, another error, an answer that is none."""


def lock_number(lock: str | int) -> int:
    """Return the number of a lock.

    Args:
        lock: a name of LOCKS, or 1 to 6.

    Raises:
        ConfigError: there is no such lock.
    """
    text = str(lock).strip().lower()
    number = LOCKS.get(text) or (int(text) if text in tuple("123456") else 0)
    if not number:
        known = ", ".join(LOCKS)
        raise ConfigError(f"no lock {lock!r}", f"it is one of {known}, or 1 to 6")
    return number


def lock_name(number: int, device: Device | None = None) -> str:
    """Return how a lock is called: ``customer lock (4)``."""
    if number == SUPPLIER and device is not None and device.newer:
        return f"administrator lock ({number})"
    names = {value: name for name, value in reversed(LOCKS.items())}
    return f"{names.get(number, 'unknown').replace('-', ' ')} lock ({number})"


def demand_openable(number: int, device: Device) -> None:
    """Say no to a lock that no code opens, before anything is sent.

    Raises:
        ConfigError: it has a button, or is to be left alone.
    """
    if number == CALIBRATION:
        raise ConfigError(
            "the calibration lock has no code: it is a button inside the device",
            "who may open the seal may press it",
        )
    bk = device.family is Family.BK
    if bk and number in (MANUFACTURER, DATA_READER, USER):
        raise ConfigError(
            f"lock {number} of a BK meter is left alone: it is for its manufacturer "
            "and for firmware updates",
            "its locks are the supplier lock (3) and the customer lock (4)",
        )


def check_code(code: str) -> None:
    """Say no to what cannot be the code of a lock (lis200.md 6.5).

    Raises:
        ConfigError: it is empty or longer than eight characters.
    """
    if not 1 <= len(code) <= LONGEST_CODE:
        raise ConfigError(
            f"the code has {len(code)} characters: a lock's code has one to eight",
            "nothing was sent",
        )


def check_new_code(code: str, device: Device) -> None:
    """Say no to a new code that some key or program could not enter again.

    Raises:
        ConfigError: it has other characters than the display can enter.
    """
    bk = device.family is Family.BK
    if not (_BK_CODE if bk else _CODE).fullmatch(code):
        what = "a number up to 99999999" if bk else "1 to 8 of the characters 0-9 A-F"
        raise ConfigError(f"the new code cannot be one: it is {what}")


def state_of(answer: Answered) -> LockState:
    """Read the answer to a request for ``n:0170``."""
    if answer.kind not in (AnswerKind.DATA, AnswerKind.ERROR):
        return LockState.UNCLEAR
    number = error_number(answer.text)
    if number is not None:
        return LockState.HIDDEN if number == NO_READ_RIGHT else LockState.UNCLEAR
    contents = brackets(answer.text)
    if len(contents) != 1:
        return LockState.UNCLEAR
    value = parse(contents[0]).value
    if isinstance(value, str) and re.fullmatch("0x0*[01]", value):
        value = int(value, 16)  # type: ignore[assignment]
    if value == 0:
        return LockState.CLOSED
    return LockState.OPEN if value == 1 else LockState.UNCLEAR


def state_address(lock: int) -> Address:
    """Where the state of a lock stands."""
    return Address(lock, STATE)


def code_address(lock: int) -> Address:
    """Where the code of a lock is written to."""
    return Address(lock, CODE)


def access(rights: str) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
    """Return the locks that let read and those that let write, of 1 to 4 (3.1).

    Args:
        rights: attribute 1 as sent, such as ``0xAF``; None is returned for another
            form.
    """
    match = re.fullmatch(r"0x([0-9A-Fa-f]{1,2})", rights.strip(" "))
    if not match:
        return None
    byte = int(match[1], 16)
    read = tuple(lock for lock in range(1, 5) if byte >> (2 * lock - 1) & 1)
    write = tuple(lock for lock in range(1, 5) if byte >> (2 * lock - 2) & 1)
    return read, write


def access_in_words(rights: str) -> str:
    """Say an access byte: ``read: 1 2 3 4; write: 1 2``; empty for another form."""
    found = access(rights)
    if found is None:
        return ""
    read, write = (" ".join(map(str, locks)) or "none" for locks in found)
    return f"read: {read}; write: {write}"
