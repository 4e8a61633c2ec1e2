"""What was found out about a line is remembered, and used the next time.

Echo, framing, the wake-up message, the delay before the change of speed and the speed
that works cost a try or more to find out.  ``learned.json`` in the state folder keeps
them for each meter; they count less than what anybody said, and more than a device
profile.  A memory that stops working costs one try: the engine goes on without it
(reader.py), and what is then found out takes its place.  After a month all of it is
found out anew, so that nothing stays slow for ever.

A file that is damaged, hostile or cannot be written never keeps a meter from being
read: then there is no memory.
"""

import json
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from iecread.errors import ConfigError
from iecread.settings import SPEEDS

LASTS = timedelta(days=30)
"""How long something is remembered."""

FILE = "learned.json"
_SCHEMA = 1
_LARGEST = 4 << 20  # bytes; a file that long is none of ours
_PATIENCE = 1.0  # seconds to wait for another run, before it is not remembered
_BY_ID = "/dev/serial/by-id"

_CHECKS: dict[str, Callable[[Any], bool]] = {
    "echo": lambda value: value == "yes",
    "framing": lambda value: value in ("7e1", "8n1"),
    "wake": lambda value: value == "always",
    "switch_delay": lambda value: type(value) in (int, float) and 0 <= value <= 1.5,
    "max_baud": lambda value: type(value) is int and value in SPEEDS,
    "stay_at_baud": lambda value: value is True,
}
"""Options of ``Meter`` that can be learned, and what they may be."""


def meter_key(port: str, address: str = "", name: str | None = None) -> str:
    """Return the name under which a meter is remembered.

    Args:
        port: name or URL of its port; of the names of a USB adapter the one that stays
            counts.
        address: its device address; leading zeros do not count (6.3.14, item 22).
        name: its name in meters.toml, if it stands there.
    """
    if port.startswith("/dev/") and not port.startswith(_BY_ID):
        real = os.path.realpath(port)
        with suppress(OSError):
            for link in sorted(os.listdir(_BY_ID)):
                if os.path.realpath(f"{_BY_ID}/{link}") == real:
                    port = f"{_BY_ID}/{link}"
                    break
    return " ".join(filter(None, (name or "", port, address.lstrip("0"))))


class LearnedMemory:
    """What was learned of one meter.

    Args:
        folder: the state folder, or what finds it; None where there is none.
        key: the meter, see :func:`meter_key`.
        now: the time of day, with offset.
    """

    def __init__(
        self,
        folder: str | Callable[[], str],
        key: str,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._where = folder
        self._key = key
        self._now = now
        self._entry: dict[str, Any] | None = None

    def recall(self) -> dict[str, Any]:
        """Return options of ``Meter`` that were learned; never raises."""
        return dict(self._known().get("options", {}))

    @property
    def since(self) -> str:
        """The day on which they were learned, ``2026-11-25``; empty for none."""
        return str(self._known().get("time", ""))[:10]

    def keep(self, found: Mapping[str, object]) -> None:
        """Remember this in place of what was known; never raises.

        Args:
            found: options of ``Meter``; empty: forget all.
        """
        options = {key: found[key] for key in _CHECKS if key in found}
        if not all(_CHECKS[key](value) for key, value in options.items()):
            return
        if options == self.recall():
            return
        from iecread.statefolder import locked, replace_file

        entry = {"time": self._now().isoformat(timespec="seconds"), "options": options}
        with suppress(OSError, ConfigError, ValueError):
            folder = self._folder()
            with locked(folder, _PATIENCE):
                meters = self._load(folder)
                meters.pop(self._key, None)
                if options:
                    meters[self._key] = entry
                content = {"schema": _SCHEMA, "meters": meters}
                data = json.dumps(content, indent=1).encode()
                replace_file(os.path.join(folder, FILE), data, sync=False)
        self._entry = entry if options else {}

    def _folder(self) -> str:
        return self._where if isinstance(self._where, str) else self._where()

    def _known(self) -> dict[str, Any]:
        if self._entry is None:
            self._entry = {}
            with suppress(OSError, ConfigError, ValueError):
                self._entry = self._load(self._folder()).get(self._key, {})
        return self._entry

    def _load(self, folder: str) -> dict[str, Any]:
        """What the file holds that is right and not too old."""
        from iecread.statefolder import read_file

        try:
            data, _ = read_file(os.path.join(folder, FILE), _LARGEST + 1)
            content = json.loads(data) if len(data) <= _LARGEST else None
        except (FileNotFoundError, ValueError, RecursionError):
            return {}
        if not isinstance(content, dict) or content.get("schema") != _SCHEMA:
            return {}
        meters = content.get("meters")
        if not isinstance(meters, dict):
            return {}
        return {key: entry for key, entry in meters.items() if self._holds(entry)}

    def _holds(self, entry: object) -> bool:
        if not isinstance(entry, dict):
            return False
        options, time = entry.get("options"), entry.get("time")
        if not isinstance(options, dict) or not options or not isinstance(time, str):
            return False
        try:
            age = self._now() - datetime.fromisoformat(time)
        except (ValueError, TypeError, OverflowError):  # TypeError: without an offset
            return False
        # a clock that was wrong for a while does no harm
        if not -LASTS < age < LASTS:
            return False
        return all(k in _CHECKS and _CHECKS[k](v) for k, v in options.items())


def memory_for(
    environ: Mapping[str, str], port: str, options: Mapping[str, Any]
) -> LearnedMemory | None:
    """Return the memory of a meter; None where nothing is to be learned.

    Simulated meters are remembered only where meters.toml names them, recordings
    never; ``IECREAD_LEARN=no`` switches it off.

    Args:
        environ: the environment.
        port: name or URL of the port.
        options: those of ``Meter``.
    """
    from iecread.statefolder import state_folder

    name = options.get("meter")
    off = environ.get("IECREAD_LEARN", "").lower() in ("no", "0", "off", "false")
    played = port.startswith("replay://") or port.startswith("sim://") and not name
    if off or played or options.get("mode") == "d":
        return None
    key = meter_key(port, options.get("address") or "", name)
    return LearnedMemory(lambda: state_folder(environ), key)
