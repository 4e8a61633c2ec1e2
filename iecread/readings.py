"""Readings: what the data sets of a telegram mean.

``readout`` turns a telegram into one ``Readout``, the object that the writers and
programs get.  Values are exact decimal numbers where the text is one beyond doubt, and
else the text itself.  Times are put into ISO 8601 as the meter sent them; an offset is
added only where the meter's time zone is known.

Left out on purpose: I/O, scaling by a ratio, and load profiles.  No float occurs, and
no value is made up: what cannot be told is None.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from datetime import timezone as timezone_of
from decimal import Decimal
from typing import NamedTuple

from iecread import devices, registry
from iecread.errors import ConfigError
from iecread.protocol.datasets import DataSet, Group, is_number
from iecread.protocol.telegrams import Telegram, slashed

SIMULATED = "SIM"
"""Manufacturer of every simulated meter."""

# The registers that may hold the meter's own number, the best first
_SERIAL_CODES = ("C.1.0", "0.0.0", "0.0", "96.1.0", "96.1.1")
_SERIAL = re.compile(r"(?:([0-9])-([0-9]{1,3}):)?([^*]*)(?:\*255)?")
_SERIAL_ENDS = tuple(code + end for code in _SERIAL_CODES for end in ("", "*255"))
_HEX_TEXT = re.compile(r"(?:[0-9A-Fa-f]{2})+")
# Digits alone may be hexadecimal text or a number: a short one is text only where it
# stands for digits, a long one for capitals and digits
_LONG_NUMBER = 12
_CAPITALS = re.compile(r"[0-9A-Z ]+")

# Forms of protocol.md 4.2 and 9.1.  S, W and a leading digit tell the season.
_P1_TIME = re.compile(r"[0-9]{12}[SW]")
_SEPARATED = re.compile(
    r"([0-9]{2}|[0-9]{4})-([0-9]{2})-([0-9]{2})"
    r"(?:[ ,&]([0-9]{2}):([0-9]{2})(?::([0-9]{2}))?)?"
)
_CLOCK = re.compile(r"([0-9]{2}):([0-9]{2})(?::([0-9]{2}))?")
_SEASONS = {"0": "W", "1": "S", "2": "U"}  # winter, summer, UTC
_SEASON_LENGTHS = (7, 11, 13)
_LENGTHS = (6, 7, 10, 11, 12, 13)

# One bracket with a plain number that is surely no identifier, and its unit; or none
_QUICK = re.compile(r"\(([0-9]{1,9}(?:\.[0-9]{1,6})?)\*([^()*]*)\)")

_new = tuple.__new__  # quicker than the constructor of a named tuple


class Reading(NamedTuple):
    """One register as it was read.

    Attributes:
        register: the address as sent; empty for brackets without one.
        obis: the full code; None where it is not known.
        name: what it is, in plain English; None where it is not known.
        value: an exact number, a text, or None where the bracket is empty.
        unit: as sent; None where there is none.
        raw: the characters of the value as sent.
        stamp: the time of the value, ISO 8601; None where there is none.
        status: ``malformed``, ``unchecked``, ``scaled`` or ``ok``.
        groups: every bracket as sent.
    """

    register: str
    obis: str | None
    name: str | None
    value: Decimal | str | None
    unit: str | None
    raw: str
    stamp: str | None
    status: str
    groups: tuple[Group, ...]


@dataclass(frozen=True, slots=True)
class Readout:
    """All that one telegram says; a field is None where it is not known.

    Attributes:
        time: when the block was complete, with offset.
        meter: name of the meter in meters.toml, or what was asked for.
        port: name or URL of the port.
        identification: the identification as sent.
        manufacturer: FLAG id, three upper-case letters.
        manufacturer_name: who that is.
        model: the maker's text in the identification.
        serial: the meter's own number.
        mode: protocol mode, ``A`` to ``D``.
        speed: of the data, in Bd.
        seconds: how long the session took.
        block_check: ``ok``, ``ok-sum7``, ``bad``, ``absent`` or ``off``.
        complete: whether an end was seen and no bracket left open.
        simulated: whether no real meter said it.
        registers: in the order sent, repeats included.
        text: what could not be read as a data set.
    """

    time: datetime | None
    meter: str | None
    port: str | None
    identification: str | None
    manufacturer: str | None
    manufacturer_name: str | None
    model: str | None
    serial: str | None
    mode: str | None
    speed: int | None
    seconds: float | None
    block_check: str
    complete: bool
    simulated: bool
    registers: tuple[Reading, ...]
    text: tuple[str, ...]


def readout(
    telegram: Telegram,
    *,
    time: datetime | None = None,
    meter: str | None = None,
    port: str | None = None,
    speed: int | None = None,
    seconds: float | None = None,
    timezone: str | None = None,
    mode: str | None = None,
    serial_registers: Sequence[str] | None = None,
) -> Readout:
    """Turn a telegram into readings.

    Args:
        telegram: what was decoded.
        time: when it was complete, with offset.
        meter: name of the meter.
        port: name or URL of the port.
        speed: of the data, in Bd.
        seconds: how long the session took.
        timezone: IANA name of the zone that the meter's clock follows; None: times
            have no offset.
        mode: protocol mode, where it is known better than from the telegram.
        serial_registers: registers that may hold the meter's number; None: those of
            the device profile that fits the identification.

    Raises:
        ConfigError: no such time zone.
    """
    zone = None if timezone is None else _zone(timezone)
    identification = telegram.identification
    manufacturer = model = None
    if identification:
        whole = slashed(identification)
        model = whole.model or None
        if re.match("/[A-Za-z]{3}", whole.text):
            manufacturer = whole.manufacturer
    medium = registry.medium_of(manufacturer or "", model or "")
    if serial_registers is None:
        device = devices.find(identification and slashed(identification))
        serial_registers = device.serial if device else ()
    return Readout(
        time=time,
        meter=meter,
        port=port,
        identification=identification.text if identification else None,
        manufacturer=manufacturer,
        manufacturer_name=manufacturer and registry.manufacturer_name(manufacturer),
        model=model,
        serial=serial_number(telegram.data_sets, serial_registers),
        mode=mode or telegram.mode,
        speed=speed,
        seconds=seconds,
        block_check=telegram.block_check.value,
        complete=telegram.complete,
        simulated=manufacturer == SIMULATED or (port or "").startswith("sim://"),
        registers=_readings(telegram, medium, manufacturer or "", zone),
        text=telegram.text,
    )


def _readings(
    telegram: Telegram, medium: str, manufacturer: str, zone: tzinfo | None
) -> tuple[Reading, ...]:
    readings = []
    describe = registry.describer(medium, manufacturer)
    quick = _QUICK.fullmatch
    groups: tuple[Group, ...]
    value: Decimal | str | None
    fields: tuple[object, ...]
    for data_set in telegram.data_sets:
        register, brackets, malformed, checked = data_set
        obis, name = describe(register)
        if (plain := quick(brackets)) and not malformed:  # most registers
            raw, unit = group = plain.groups()
            status = "ok" if checked else "unchecked"
            groups = (_new(Group, group),)
            value = Decimal(raw)
            fields = (register, obis, name, value, unit, raw, None, status, groups)
            readings.append(_new(Reading, fields))
            continue
        groups = data_set.groups
        raw, unit = groups[0]
        stamp = None
        if malformed:  # not a digit of it is sure
            value = raw.strip(" ") or None
            status = "malformed"
        else:
            if len(groups) == 2 and (time := _time(groups)) is not None:
                raw, unit = groups[1 - time]
                stamp = parse_stamp(groups[time].raw, zone) or None
            value = parse_value(raw)
            status = "ok" if checked else "unchecked"
        fields = (register, obis, name, value, unit, raw, stamp, status, groups)
        readings.append(_new(Reading, fields))
    return tuple(readings)


def parse_value(raw: str) -> Decimal | str | None:
    """The value of a bracket's text.

    Returns:
        An exact number where the text, blanks at its ends aside, is a plain decimal
        number of at most 15 digits that count; None where it is empty or blank; else
        the text without these blanks.
    """
    text = raw.strip(" ")
    if is_number(text):
        return Decimal(text if "," not in text else text.replace(",", "."))
    return text or None


def is_time(groups: tuple[Group, ...]) -> bool:
    """Whether one of exactly two brackets is the time of the other."""
    return len(groups) == 2 and _time(groups) is not None


def _time(groups: tuple[Group, ...]) -> int | None:
    """Which of two brackets is the time of the other: 0, 1, or None for neither."""
    first, second = groups
    if first.unit is None and _P1_TIME.fullmatch(first.raw):
        return 0
    if second.unit is None and parse_stamp(second.raw) is not None:
        return 1
    return None


def parse_stamp(raw: str, zone: tzinfo | None = None) -> str | None:
    """Read a time stamp in any form of protocol.md 4.2 and 9.1.

    Args:
        raw: the text of a bracket; blanks at its ends do not count.
        zone: what the meter's clock follows; None: leave the offset out.

    Returns:
        Date and time as ISO 8601, as exact as they were sent, or the date or the time
        alone; the empty text for a time that cannot be, such as ``00-00-00,00:00`` or
        632525252525W; None for a text that is no time.
    """
    text = raw.strip(" ")
    if _P1_TIME.fullmatch(text):
        return _moment(text[:-1], text[-1], zone) or ""
    if match := _SEPARATED.fullmatch(text):
        year, *rest = (field or "" for field in match.groups())
        return _moment(year[-2:] + "".join(rest), "", zone, year[:-2] or "20") or ""
    if match := _CLOCK.fullmatch(text):
        return _clock("".join(field or "" for field in match.groups()))
    if len(text) not in _LENGTHS or not (text.isascii() and text.isdigit()):
        return None
    if not text.strip("0"):
        return ""
    if len(text) in _SEASON_LENGTHS:
        season = _SEASONS.get(text[0])
        return season and _digits(text[1:], season, zone)
    return _digits(text, "", zone)


def _digits(text: str, season: str, zone: tzinfo | None) -> str | None:
    """6 digits are a date or a time of day, 10 or 12 both; None if they cannot be."""
    moment = _moment(text, season, zone)
    if moment is None and len(text) == 6:
        return _clock(text) or None
    if moment is None and len(text) == 12 and not season:  # CCYYMMDDhhmm (ZPA)
        return _moment(text[2:], season, zone) if text.startswith("20") else None
    return moment


def _clock(text: str) -> str:
    """``hhmm`` or ``hhmmss`` as ISO 8601, empty if there is no such time of day."""
    return (_moment("000101" + text, "", None) or "").partition("T")[2]


def _moment(
    text: str, season: str, zone: tzinfo | None, century: str = "20"
) -> str | None:
    """``YYMMDD``, with ``hhmm`` or ``hhmmss`` or not, as ISO 8601."""
    fields = [int(text[at : at + 2]) for at in range(0, len(text), 2)]
    year, month, day, hour, minute, second = (*fields, 0, 0, 0)[:6]
    try:
        local = datetime(int(century + "00") + year, month, day, hour, minute, second)
    except ValueError:
        return None
    if len(fields) == 3:
        return local.date().isoformat()
    if zone:
        local = _with_offset(local, season, zone)
    return local.isoformat(timespec="minutes" if len(fields) == 5 else "seconds")


def _with_offset(local: datetime, season: str, zone: tzinfo) -> datetime:
    """Add the offset; where the meter tells the season, that decides."""
    if season == "U":
        return local.replace(tzinfo=UTC)
    aware = local.replace(tzinfo=zone)
    offset = aware.utcoffset() or timedelta()
    if season:
        halves = (aware.replace(month=month, day=1) for month in (1, 7))
        offsets = [half.utcoffset() or offset for half in halves]
        offset = max(offsets) if season == "S" else min(offsets)
    return local.replace(tzinfo=timezone_of(offset))


def _zone(name: str) -> tzinfo:
    from zoneinfo import ZoneInfo

    try:
        return ZoneInfo(name)
    except (OSError, ValueError, LookupError) as error:
        raise ConfigError(
            f"no such time zone: {name!r}",
            "use a name such as Europe/Berlin or Etc/UTC",
        ) from error


def serial_number(
    data_sets: Iterable[DataSet], registers: Sequence[str] = ()
) -> str | None:
    """The meter's own number, as far as the usual registers tell it.

    The first of C.1.0, 0.0.0, 0.0, 96.1.0 and 96.1.1 that is there and not blank;
    those of other devices on the meter's bus (0-1:96.1.0) do not count.

    Args:
        data_sets: of one telegram.
        registers: where a device has its number, before those.
    """
    found: dict[str, str] = {}
    own = frozenset(registers)
    for data_set in data_sets:
        if own and data_set.address in own and not data_set.malformed:
            if text := own_number(data_set.groups[0].raw):
                found.setdefault(data_set.address, text)
            continue
        if not data_set.address.endswith(_SERIAL_ENDS) or data_set.malformed:
            continue
        match = _SERIAL.fullmatch(data_set.address)
        if match is None or match[3] not in _SERIAL_CODES:
            continue
        if match[1] != "1" and (match[2] or "0").strip("0"):
            continue
        text = own_number(data_set.groups[0].raw)
        if text:
            found.setdefault(match[3], text)
    return next((found[c] for c in (*registers, *_SERIAL_CODES) if c in found), None)


def own_number(raw: str) -> str:
    """A meter's number as its register holds it, hexadecimal text as characters.

    Args:
        raw: the text of the bracket; blanks at its ends do not count.
    """
    return _characters(raw.strip(" "))


def _characters(text: str) -> str:
    """Hexadecimal text as the characters it stands for, other text as it is."""
    if not _HEX_TEXT.fullmatch(text):
        return text
    characters = bytes.fromhex(text).decode("latin-1")
    if not text.isdigit():
        plain = characters.isascii() and characters.isprintable()
    elif len(text) < _LONG_NUMBER:
        plain = characters.isascii() and characters.isdigit()
    else:
        plain = bool(_CAPITALS.fullmatch(characters))
    return characters.strip(" ") if plain else text
