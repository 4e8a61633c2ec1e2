"""Values of settings: what an option, a variable or a key of meters.toml can hold.

One function for each kind of value, so that the command line and meters.toml accept
the same and say the same.  Each takes what was written and returns it in its type;
a ValueError says what is wrong, in words that fit behind the name of the setting.
"""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from decimal import Decimal

# 6.4 and 6.3.14, item 13; and what gateways and P1 ports run at besides
SPEEDS = (300, 600, 1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200)

MODES = ("auto", "a", "b", "c", "d")
FRAMINGS = ("auto", "7e1", "8n1", "hw7e1")
WAKES = ("auto", "never", "always")
ECHOES = ("auto", "yes", "no")
CHECKS = ("auto", "xor", "sum7", "off")
READ_COMMANDS = ("R1", "R2", "R3", "R4", "R5", "R6")
WRITE_COMMANDS = ("W1", "W2", "W3", "W4", "W5")
DIALECTS = ("iec", "lis200")
MOMENTS = ("now", "today", "yesterday")
LONGEST_AGO = 20 * 366 * 86400.0
"""Seconds; more than meters remember."""
LONGEST = 30 * 86400.0
"""Seconds; more than any wait, less than a select() takes."""

MOST_RETRIES = 100

_DURATION = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,6})?) ?(ms|s|m|h|d)?", re.ASCII)
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_MOST_DIGITS = 30  # of a ratio; more than any has


def is_port(target: str) -> bool:
    """Tell by its spelling whether a target is a port or URL, not a meter's name."""
    return any(mark in target for mark in ("/", "\\")) or bool(
        re.fullmatch(r"COM[0-9]+", target, re.I)
    )


def duration(value: object, longest: float = LONGEST) -> float:
    """Seconds of ``500ms``, ``5s``, ``15m``, ``24h``, ``7d`` or a plain number."""
    match = None if isinstance(value, bool) else _DURATION.fullmatch(str(value).strip())
    if not match:
        raise ValueError(f"{value!r} is no duration, such as 500ms, 5s or 15m")
    seconds = float(match[1]) * _UNITS[match[2] or "s"]
    if seconds > longest:
        raise ValueError(f"{value!r} is more than {longest / 86400:.0f} days")
    return seconds


def moment(value: object, words: Sequence[str] = MOMENTS) -> str:
    """A time: ISO, so long ago such as ``-24h``, or one of a few words."""
    from datetime import datetime

    text = str(value).strip()
    if text.startswith("-"):
        duration(text[1:], LONGEST_AGO)
    elif text not in words:
        try:
            datetime.fromisoformat(text)
        except ValueError as error:
            known = ", ".join(words)
            raise ValueError(
                f"{value!r} is no time: 2026-11-01T12:00, -24h, {known}"
            ) from error
    return text


def speed(value: object) -> int:
    """A speed in Bd that meters and gateways use."""
    if isinstance(value, bool) or str(value) not in map(str, SPEEDS):
        raise ValueError(f"{value!r} is none of {' '.join(map(str, SPEEDS))}")
    return int(str(value))


def address(value: object) -> str:
    """A device address: up to 32 letters, digits and blanks (6.3.14, 22)."""
    from iecread.errors import LocalProtocolError
    from iecread.protocol.messages import Request

    if not isinstance(value, str):
        raise ValueError(f"{value!r} is no text in quotes")
    try:
        Request(value).to_bytes()
    except LocalProtocolError as error:
        raise ValueError(f"{value!r}: {error.hint}") from error
    return value


def zone(value: object) -> str:
    """An IANA time zone."""
    from zoneinfo import ZoneInfo

    try:
        ZoneInfo(str(value))
    except (KeyError, ValueError, OSError) as error:  # the three ways in which it fails
        raise ValueError(f"no time zone {value!r}, such as Europe/Berlin") from error
    return str(value)


def clock(value: object) -> str:
    """What a meter's clock follows, see metertime.MeterClock."""
    from iecread.metertime import MeterClock

    try:
        MeterClock(None, str(value))
    except ValueError as error:
        known = "local, standard, utc, +01:00"
        raise ValueError(f"{value!r} is none of {known}") from error
    return str(value)


def choice(value: object, known: Sequence[str]) -> str:
    """One of a few words; the case of letters counts for nothing."""
    for word in known:
        if isinstance(value, str) and value.lower() == word.lower():
            return word
    raise ValueError(f"{value!r} is none of {', '.join(known)}")


def lock(value: object) -> str:
    """A LIS-200 lock: its name, or its number 1 to 6 as text or integer."""
    from iecread.errors import ConfigError
    from iecread.lis200.locks import lock_number

    try:
        if isinstance(value, bool) or not isinstance(value, int | str):
            raise ConfigError(f"no lock {value!r}", "such as customer, or 4")
        lock_number(value)
    except ConfigError as error:
        raise ValueError(f"{error.message}; {error.hint}") from error
    return str(value).strip().lower()


def archive(value: object) -> str:
    """An archive of a LIS-200 device: its name, or its number as text or integer."""
    from iecread.lis200.archivewords import archive_names, is_archive_name

    known = isinstance(value, int | str) and not isinstance(value, bool)
    if not known or not is_archive_name(str(value)):
        names = ", ".join(archive_names())
        raise ValueError(f"{value!r} is no archive: a number from 1 to 99, or {names}")
    return str(value).strip()


def decimal(value: object) -> "Decimal":
    """An exact decimal number: a text such as ``"0.001"``, or an integer."""
    from decimal import Decimal, InvalidOperation

    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError(f'{value!r} is not exact; write it in quotes: "{value}"')
    try:
        number = Decimal(value)
    except InvalidOperation as error:
        raise ValueError(f'{value!r} is no decimal number, such as "40"') from error
    # looked at before it is written out: "1E999999999" is short, its digits are not
    exponent = number.as_tuple().exponent
    written_out = isinstance(exponent, int) and abs(exponent) <= _MOST_DIGITS
    if not written_out or len(f"{number:f}") > _MOST_DIGITS:
        raise ValueError(f"{value!r} is no ratio")
    return number


def device(value: object) -> str:
    """The name of a device profile; ``auto`` and ``none`` too."""
    from iecread.devices import named
    from iecread.errors import ConfigError

    if value not in ("auto", "none"):
        try:
            named(str(value))
        except ConfigError as error:
            raise ValueError(f"{error.message}; {error.hint}") from error
    return str(value)


def code(value: object) -> str:
    """A register code or pattern as a user writes it, see obis.Pattern."""
    from iecread.obis import Pattern

    if not isinstance(value, str):
        raise ValueError(f'{value!r} is no code in quotes, such as "1.8.0"')
    Pattern.parse(value)
    return value
