"""What a simulated gas device measures: exact functions of the time, all invented.

Volumes are whole numbers of 0.0001 m3 and grow by day and by night at their own rates;
nothing else is known about the gas than the minute.
"""

from datetime import datetime, timedelta
from decimal import Decimal

EPOCH = datetime(2020, 1, 1)  # UTC; the device was put into service
_DAY = range(5 * 60, 21 * 60)  # minutes of the day, UTC
_DAY_RATE, _NIGHT_RATE = 208, 83  # 0.0001 m3 each minute
FACTOR = 26042  # C, in 0.0001
# what was counted in some trouble long ago, in 0.0001 m3
DISTURBED, DISTURBED_BASE = 125000, 137150


def _minutes(utc: datetime) -> tuple[int, int]:
    """Return the minutes of day and of night since the epoch."""
    past = max(utc - EPOCH, timedelta())
    minute = past.seconds // 60
    day = past.days * len(_DAY) + min(max(minute - _DAY.start, 0), len(_DAY))
    return day, past.days * 24 * 60 + minute - day


def measured_volume(utc: datetime, meter: int = 1) -> int:
    """Return the undisturbed measured volume of an input in 0.0001 m3."""
    day, night = _minutes(utc)
    return (18805000 + _DAY_RATE * day + _NIGHT_RATE * night) * (meter + 1) // 2


def base_volume(utc: datetime) -> int:
    """Return the undisturbed base volume in 0.0001 m3."""
    return measured_volume(utc) * FACTOR // 10000


def measured_flow(utc: datetime, meter: int = 1) -> int:
    """Return the flow in 0.0001 m3/h."""
    minute = utc.hour * 60 + utc.minute
    rate = _DAY_RATE if minute in _DAY else _NIGHT_RATE
    return rate * 60 * (meter + 1) // 2


def pressure(utc: datetime) -> int:
    """Return the absolute pressure in 0.0001 bar."""
    return 25000 + (utc.hour * 37 + utc.day * 11 + utc.minute // 10) % 280


def temperature(utc: datetime) -> int:
    """Return the temperature in 0.01 degrees Celsius."""
    return 1120 + (utc.hour * 53 + utc.day * 17 + utc.minute // 6) % 190


def fixed(value: int, decimals: int = 4) -> str:
    """Write a number counted in its last decimal."""
    return str(Decimal(value).scaleb(-decimals))


def trimmed(value: int, decimals: int = 4) -> str:
    """Write it without zeros at its end, as archive rows have it (lis200.md 4)."""
    text = fixed(value, decimals)
    return text.rstrip("0").rstrip(".") if "." in text else text
