"""Who answered an opening request: as an object, and in words for a person."""

import textwrap
from typing import TYPE_CHECKING, Any

from iecread.output.rows import iso
from iecread.output.text import printable
from iecread.protocol.parity import Parity

if TYPE_CHECKING:
    from iecread.identity import Identity

COLUMNS = (
    "schema",
    "time",
    "meter",
    "port",
    "address",
    "identification",
    "manufacturer",
    "manufacturer_name",
    "model",
    "mode",
    "modes",
    "speed",
    "opening_speed",
    "reaction_ms",
    "answer_ms",
    "echo",
    "parity",
    "characters",
    "parity_errors",
    "noise",
    "wake",
    "requests",
    "several",
    "others",
    "talks",
    "device",
    "device_title",
    "seconds",
    "simulated",
)
"""Keys of an object, columns of CSV."""

_LABEL = 16  # columns
_WIDTH = 80  # columns where there is no terminal to ask


def identity_object(found: "Identity", *, utc: bool = False) -> dict[str, Any]:
    """Return what was found out, in the order of COLUMNS.

    Args:
        found: who answered.
        utc: the time in UTC.
    """
    device = found.device
    return {
        "schema": 1,
        "time": iso(found.time, utc),
        "meter": found.meter,
        "port": found.port,
        "address": found.address or None,
        "identification": found.identification.text,
        "manufacturer": found.manufacturer,
        "manufacturer_name": found.manufacturer_name,
        "model": found.identification.model,
        "mode": found.modes[0].letter,
        "modes": [mode.letter for mode in found.modes],
        "speed": found.speed,
        "opening_speed": found.opening_speed,
        "reaction_ms": None if found.unasked else round(found.reaction * 1000),
        "answer_ms": None if found.answer is None else round(found.answer * 1000),
        "echo": found.echo,
        "parity": found.parity.value if found.parity else None,
        "characters": found.characters,
        "parity_errors": found.damaged,
        "noise": found.noise,
        "wake": found.woken,
        "requests": found.requests,
        "several": found.crowded,
        "others": list(found.others),
        "talks": found.talks,
        "device": device.name if device else None,
        "device_title": device.title if device else None,
        "seconds": found.seconds,
        "simulated": found.simulated,
    }


def identity_words(found: "Identity") -> list[tuple[str, str]]:
    """Return what was found out as labels and texts, each text on one line."""
    head = found.identification
    name = found.manufacturer_name
    rows = [
        ("manufacturer", found.manufacturer + (f", {name}" if name else "")),
        ("model", head.model or "not said"),
        ("identification", head.text),
    ]
    rows += [(f"mode {mode.letter}", mode.words) for mode in found.modes]
    if not found.unasked:
        rows += [("speed", _speed(found)), ("reaction", _reaction(found))]
        rows += [("line", _line(found)), ("wake-up", _wake(found))]
    device = found.device
    title = f"{device.name}: {device.title}" if device else "none known for it"
    rows.append(("device profile", title))
    if device and device.dialect == "lis200":
        rows.append(("dialect", "LIS-200: values with attributes, locks, archives"))
    if device and device.note:
        rows.append(("", device.note))
    if found.crowded:
        who = f": also {', '.join(found.others)}" if found.others else ""
        rows.append(
            ("several meters", f"more than one answered{who}; try iecread scan")
        )
    if found.simulated:
        rows.append(("simulated", "no real meter said this"))
    return [(label, printable(text)) for label, text in rows]


def identity_table(found: "Identity", width: int | None) -> str:
    """Return what was found out for a person.

    Args:
        found: who answered.
        width: columns of the terminal; None where there is none.
    """
    lines = []
    for label, text in identity_words(found):
        folded = textwrap.wrap(
            text,
            max(24, min(width or _WIDTH, 100) - _LABEL),
            break_on_hyphens=False,
            drop_whitespace=True,
        )
        for line in folded or [""]:
            lines.append(f"{label:<{_LABEL}}{line}".rstrip())
            label = ""
    return "\n".join(lines) + "\n"


def _speed(found: "Identity") -> str:
    head = found.identification
    opened = f"opened at {found.opening_speed} Bd"
    if head.mode == "A":
        return f"{opened}, no other offered"
    if found.speed is None:
        return f"{opened}; Z = {head.speed_character!r} is reserved, it stays there"
    return f"{found.speed} Bd offered (Z = {head.speed_character}), {opened}"


def _reaction(found: "Identity") -> str:
    case = "lower" if found.identification.fast else "upper"
    text = f"{found.reaction * 1000:.0f} ms or more (third letter {case} case)"
    if found.answer is not None:
        text += f"; first character after {found.answer:.2f} s"
    return text


def _line(found: "Identity") -> str:
    bits = "7 bits, even parity"
    if found.parity is not Parity.EVEN:
        bits = "no parity in bit 7"
    damage = f"{found.damaged or 'none'} of {found.characters} characters damaged"
    noise = f", {found.noise} bytes of noise" if found.noise else ""
    return f"{bits}, {'echo' if found.echo else 'no echo'}; {damage}{noise}"


def _wake(found: "Identity") -> str:
    if found.woken and found.requests == 1:
        return "a wake-up message was sent before the request, as asked for"
    if found.woken:
        return "answered only after a wake-up message"
    if found.requests > 1:
        return f"not needed, but only the request number {found.requests} was answered"
    return "not needed"
