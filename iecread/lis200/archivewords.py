"""Numbers of archives, and what status and event codes mean, in words.

The facts are in ``data/lis200-archives.toml``.  An event below 8000 is a message of a
status that appears or goes (lis200.md 9.1), so most have their word from the tables of
status messages; codes that no table has still tell the message and the status.  Which
family a device belongs to is told by its type text, as it stands at 1:181.
"""

import re
from functools import cache, lru_cache
from typing import Any

from iecread import registry
from iecread.lis200.values import status_messages

_CODE = re.compile(r"0x([0-9A-Fa-f]{4})")
_APPEARS, _SYSTEM = 0x2000, 0x1000  # bits of an event below 8000
_UNKNOWN = 0x4000
_TIME_EVENTS = 0x8000
_PERIOD_END = 0x81
SUMMER = 16
"""The message of the system status that stands for summer time."""


def family(type_text: str) -> str:
    """The family whose words a device uses: ``EK``, ``DL`` or ``BK``.

    Args:
        type_text: as at 1:181, or the model of the identification.
    """
    begin = _type(type_text)[:2]
    return begin if begin in ("DL", "BK") else "EK"


def archive_names(type_text: str = "") -> dict[str, int]:
    """The archives of a device by name; of all families together where none fits."""
    known = _data()["archives"]
    begins = [begin for begin in known if begin and _type(type_text).startswith(begin)]
    if begins:
        return dict(known[max(begins, key=len)])
    return {name: number for names in known.values() for name, number in names.items()}


def archive_number(name: str, type_text: str) -> int | None:
    """The number of an archive that is asked for by name or number.

    Returns:
        None where this device has no archive of that name.
    """
    text = plain_name(name)
    if text.isascii() and text.isdigit():
        return int(text)
    return archive_names(type_text).get(text)


def plain_name(name: str) -> str:
    """A name of an archive as the tables have it: ``logbook`` is ``events``."""
    text = name.strip().lower()
    return str(_data()["names"].get(text, text))


def is_archive_name(name: str) -> bool:
    """Whether any device has an archive of that name, or it is a number, 1 to 99."""
    text = plain_name(name)
    if text.isascii() and text.isdigit():
        return 1 <= int(text) <= 99
    return text in archive_names()


def status_words(content: str, status: int, family: str) -> tuple[str, ...]:
    """What a status says.

    Args:
        content: of its bracket: ``0``, ``13;16`` or ``0x1000``.
        status: 0 for the system status, else its number.
        family: as ``family`` gives it.

    Returns:
        A word for each message; none where there is no message, or no status.
    """
    messages = status_messages([content]) or ()
    return tuple(_message(message, status, family) for message in messages)


def is_summer(content: str) -> bool | None:
    """Whether a system status tells summer time; None where it is no status."""
    messages = status_messages([content])
    return None if messages is None else SUMMER in messages


def event_code(content: str) -> int | None:
    """An event as a number; None where it is not written as one."""
    match = _CODE.fullmatch(content.strip(" "))
    return int(match[1], 16) if match else None


def is_period_end(code: int) -> bool:
    """Whether an event stands for the end of a period: such a row is no extra one."""
    return code >> 8 == _PERIOD_END


@lru_cache(maxsize=1024)
def event_word(code: int, family: str) -> str:
    """What an event says, in one word.

    Args:
        code: 0 to FFFF.
        family: as ``family`` gives it.
    """
    low = code & 0xFF
    if code >= _TIME_EVENTS:
        table = _data()["time-events"]
        word = table.get(f"{code:04X}") or table.get(f"{code >> 8:02X}nn")
        return word.format(n=low) if word else f"event-{code:04x}"
    if code & _UNKNOWN:
        return f"event-{code:04x}"
    gone = not code & _APPEARS
    appears = code | _APPEARS
    exact, any_status = f"{appears:04X}", f"{appears >> 8:02X}nn"
    data = _data()
    pair = data.get(f"events-{family}", {}).get(exact) or data["events"].get(exact)
    if pair:
        return str(pair[gone])
    system = bool(code & _SYSTEM)
    if system and low != 2:  # only 02 is known, the system status
        return f"event-{code:04x}"
    message = (code >> 8 & 15) + 1
    status = 0 if system else low
    word = _known_message(message, status, family)
    if word is None and not system and (pair := data["events"].get(any_status)):
        return str(pair[gone]).format(n=low)
    word = word or _message(message, status, family)
    return f"{word}-gone" if gone else word


def _known_message(message: int, status: int, family: str) -> str | None:
    tables = _data()["status"].get(family, {})
    word = tables.get(str(status), {}).get(str(message))
    return None if word is None else str(word)


def _message(message: int, status: int, family: str) -> str:
    word = _known_message(message, status, family)
    where = f"status-{status}" if status else "system-status"
    return word or f"message-{message}-of-{where}"


def _type(text: str) -> str:
    return text.strip(" \\").upper()


@cache
def _data() -> dict[str, Any]:
    return registry.data("lis200-archives.toml")
