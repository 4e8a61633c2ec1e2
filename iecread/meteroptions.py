"""How a meter is read: the options of `Meter`, checked, and whoever else knows them.

What a person did not say is completed by the device profile that was named, or, where
a recording is played back, by the options that it was read with.  Left out: what the
options mean to the protocol engine (engineoptions.py), and files (config.py).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

from iecread import settings
from iecread.errors import ConfigError, IecReadError, LocalProtocolError, PortError
from iecread.protocol.messages import Request

if TYPE_CHECKING:  # imported where used: the first byte leaves before they are needed
    from iecread.devices import DeviceProfile
    from iecread.replay import Replay

_CHOICES = {
    "mode": settings.MODES,
    "framing": settings.FRAMINGS,
    "wake": settings.WAKES,
    "echo": settings.ECHOES,
    "bcc": settings.CHECKS,
    "dialect": ("auto", *settings.DIALECTS),
}
_WHOLE_RETRIES = f"it is a whole number from 0 to {settings.MOST_RETRIES}"
_SPAN = f"it is a number of seconds from 0 to {settings.LONGEST:.0f}"
_SPEED = f"it is one of: {', '.join(map(str, settings.SPEEDS))}"
_FLAG, _TEXT = "it is True or False", "it is a text"
_DIGIT = 'it is a digit in quotes, such as "0"'


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_flag(value: object) -> bool:
    return isinstance(value, bool)


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_speed(value: object) -> bool:
    return _is_whole(value) and value in settings.SPEEDS


def _is_span(value: object) -> bool:
    number = _is_whole(value) or isinstance(value, float)
    return number and 0 <= value <= settings.LONGEST  # type: ignore[operator]


def _is_count(value: object) -> bool:
    return _is_whole(value) and value in range(settings.MOST_RETRIES + 1)


def _is_digit(value: object) -> bool:
    return value in (*"0123456789",)


# option -> whether it can have a value, and what it is
_KINDS: dict[str, tuple[Callable[[object], bool], str]] = {
    **dict.fromkeys(
        ("port", "meter", "address", "expect_serial", "timezone", "device", "trace"),
        (_is_text, _TEXT),
    ),
    **dict.fromkeys(("baud", "max_baud"), (_is_speed, _SPEED)),
    **dict.fromkeys(("switch_delay", "timeout", "wait"), (_is_span, _SPAN)),
    **dict.fromkeys(("stay_at_baud", "trace_mask_serials"), (_is_flag, _FLAG)),
    **dict.fromkeys(("option", "protocol"), (_is_digit, _DIGIT)),
    "retries": (_is_count, _WHOLE_RETRIES),
}

# what the header of a recording says elsewhere, or is not the meter's
_NO_SETTINGS = {"port", "meter", "trace", "trace_mask_serials", "wait"}


@dataclass(frozen=True, slots=True)
class MeterOptions:
    """How to read a meter; the names are those of the long options.

    Attributes:
        port: name or URL of the port.
        meter: name of the meter, for the readings.
        address: device address, up to 32 letters, digits and blanks (6.3.14, 22).
        mode: ``auto``, ``a``, ``b``, ``c`` or ``d`` (6.4).
        baud: opening speed in Bd; None for 300, or in mode D to find out.
        max_baud: speed in Bd above which an offer is refused.
        stay_at_baud: acknowledge the offered speed but do not change it; None: as
            the device profile says.
        switch_delay: seconds between the option select and the change of speed.
        framing: ``auto``, ``7e1`` (parity in software), ``8n1``, ``hw7e1``.
        timeout: seconds of silence allowed; None for each message's own.
        retries: whole sessions tried again after the first.
        wait: seconds to wait for a port that another program holds.
        wake: wake-up message: ``auto``, ``never`` or ``always`` (annex B).
        echo: whether our characters come back: ``auto``, ``yes`` or ``no``.
        bcc: block check: ``auto``, ``xor``, ``sum7`` or ``off``.
        expect_serial: the meter's number that must be found, leading zeros aside.
        timezone: IANA name of the zone that the meter's times are in.
        option: Y of the option select, ``0`` for the standard readout (6.3.3).
        protocol: V of the option select, ``0`` for the normal procedure (6.3.3).
        dialect: ``iec``, ``lis200`` (gas devices with locks), or ``auto``: the
            identification tells.
        device: name of the device profile; ``auto`` for the one that fits the
            identification, ``none`` for no one.
        trace: file into which the line is recorded; ``{meter}`` stands for its name.
        trace_mask_serials: whether numbers of meters are masked in it too.

    What is None or ``auto`` was not said: a device profile may know it.
    """

    port: str
    meter: str | None = None
    address: str = ""
    mode: str = "auto"
    baud: int | None = None
    max_baud: int | None = None
    stay_at_baud: bool | None = None
    switch_delay: float | None = None
    framing: str = "auto"
    timeout: float | None = None
    retries: int = 2
    wait: float = 0.0
    wake: str = "auto"
    echo: str = "auto"
    bcc: str = "auto"
    expect_serial: str | None = None
    timezone: str | None = None
    option: str = "0"
    protocol: str = "0"
    dialect: str = "auto"
    device: str = "auto"
    trace: str | None = None
    trace_mask_serials: bool = False

    def __post_init__(self) -> None:
        for key, values in _CHOICES.items():
            if getattr(self, key) not in values:
                known = ", ".join(values)
                raise ConfigError(
                    f"{key} cannot be {getattr(self, key)!r}", f"it is one of: {known}"
                )
        for option in fields(self):
            can_be, hint = _KINDS.get(option.name, (None, ""))
            value = getattr(self, option.name)
            unsaid = value is None and option.default is None
            if can_be is not None and not unsaid and not can_be(value):
                raise ConfigError(f"{option.name} cannot be {value!r}", hint)
        try:
            Request(self.address).to_bytes()
        except LocalProtocolError as error:
            raise ConfigError(
                f"address cannot be {self.address!r}", error.hint
            ) from error
        if self.timezone is not None:
            try:
                settings.zone(self.timezone)
            except ValueError as error:
                raise ConfigError(
                    f"timezone cannot be {self.timezone!r}", str(error)
                ) from error

    @property
    def names_device(self) -> bool:
        """Whether a device profile was named, and not left to be found out."""
        return self.device not in ("auto", "none")

    def recorded(self) -> dict[str, object]:
        """What the header of a recording keeps: the options that were said, by name."""
        return {
            option.name: getattr(self, option.name)
            for option in fields(self)
            if option.name in _RECORDED and getattr(self, option.name) != option.default
        }

    def completed(self, device: DeviceProfile) -> MeterOptions:
        """Return the options with what was not said as a device profile says it.

        Only what is needed before an identification comes; see ``Meter.device``.
        """
        return replace(
            self,
            mode=device.mode or "auto" if self.mode == "auto" else self.mode,
            baud=device.baud if self.baud is None else self.baud,
            framing=device.framing or "auto"
            if self.framing == "auto"
            else self.framing,
            wake=device.wake or "auto" if self.wake == "auto" else self.wake,
            dialect=device.dialect or "auto"
            if self.dialect == "auto"
            else self.dialect,
        )


_RECORDED = {field.name for field in fields(MeterOptions)} - _NO_SETTINGS


def recorded_options(replay: Replay) -> dict[str, Any]:
    """The options that a recording was read with, by name.

    Raises:
        PortError: one has a value that it cannot have.
    """
    from iecread.configschema import LINE, METER

    checks: dict[str, Callable[[Any], Any]] = {**LINE, **METER}
    checks.update(option=str, protocol=str)
    said = replay.header.get("settings") or {}
    meter = replay.header.get("meter")
    found: dict[str, Any] = {"meter": meter} if isinstance(meter, str) else {}
    try:
        for key, value in dict(said).items():
            name = str(key).replace("_", "-")
            if key in _RECORDED and name in checks:
                found[key] = checks[name](value)
        MeterOptions("", **found)
    except (TypeError, ValueError, IecReadError) as error:
        raise PortError(
            f"the header of the recording {replay.path!r} has settings that cannot "
            f"be: {error}",
            "correct its settings, or take them out",
        ) from error
    return found


def as_recorded(options: MeterOptions, replay: Replay) -> MeterOptions:
    """Options with those of a recording in place of what was not said."""
    recorded = recorded_options(replay)
    unsaid = {
        field.name: recorded[field.name]
        for field in fields(MeterOptions)
        if field.name in recorded and getattr(options, field.name) == field.default
    }
    return replace(options, **unsaid)
