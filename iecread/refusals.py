"""The memory of refused passwords: none is sent to the same meter twice in a day.

Meters count wrong passwords and lock.  ``refused.json`` in the state folder keeps
which password a meter refused and when, for 24 hours and across runs.  Ask
:meth:`Refusals.check` right before the password is sent, with the port already held:
it also proves that a refusal could be kept, and raises otherwise.

No password is stored: two bytes of a keyed hash, with a key of its own for each
entry, tell it from another in all but one of 65,536 cases, and fit so many that the
file gives none away.  So the same password from another source is known again, and
a new password in the same source is not.

A clock that was set back (an entry from the future) begins the 24 hours anew; one
that is set forward makes an entry look old: nothing can be done about that here.
"""

import json
import os
import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from iecread.errors import ConfigError
from iecread.passwords import Secret
from iecread.statefolder import locked, read_file, reason, replace_file

REMEMBERED = timedelta(hours=24)
"""How long a refused password is not sent again."""

_LARGEST = 1 << 20  # bytes; a file that long is none of ours
_SCHEMA = 1


def meter_ids(
    port: str, address: str = "", *, serial: str | None = None, level: str = "P1"
) -> tuple[str, ...]:
    """Return the names under which a meter is remembered: any of them will find it.

    Args:
        port: name or URL of the port; a link such as by-id and what it leads to are
            both names.
        address: device address; leading zeros do not count (IEC 62056-21, 6.3.14).
        serial: the meter's number, where it is known before the password is sent.
        level: which of the meter's locks: ``P1``, ``P2``, ``lock 4``.
    """
    ports = {port.casefold(): None}
    if port.startswith("/"):
        ports[os.path.realpath(port).casefold()] = None
    ids = [f"{level} {port} {address.lstrip('0')}" for port in ports]
    if serial and (number := serial.strip().lstrip("0")):
        ids.append(f"{level} serial {number}")
    return tuple(ids)


class _Entry(NamedTuple):
    meter: str
    key: str
    tag: str
    time: datetime

    def fits(self, meters: tuple[str, ...], secret: Secret) -> bool:
        return self.meter in meters and _tag(secret, self.key) == self.tag

    @property
    def until(self) -> datetime:
        return self.time + REMEMBERED


def _tag(secret: Secret, key: str) -> str:
    import hmac

    text = secret.reveal().encode("ascii")
    return hmac.digest(bytes.fromhex(key), text, "sha256")[:2].hex()


class Refusals:
    """The refusals of one user; keep one for the whole run.

    Args:
        folder: the state folder.

    Attributes:
        notes: what a person should know, such as that the file was not readable.
    """

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._path = os.path.join(folder, "refused.json")
        self._here: list[_Entry] = []  # in case the file cannot be written
        self.notes: list[str] = []

    def check(
        self, meter: str | Iterable[str], secret: Secret, now: datetime
    ) -> datetime | None:
        """Tell until when a password may not be sent to a meter; None: it may.

        Args:
            meter: a name or several, see :func:`meter_ids`.
            secret: the password.
            now: the time, with offset.

        Raises:
            ConfigError: a refusal could not be remembered, so none may be risked.
        """
        try:
            with locked(self._folder):
                entries = self._load(now)
                self._store(entries, sync=False)  # the proof that it can be written
        except OSError as error:
            raise ConfigError(
                f"cannot remember refused passwords in {self._folder!r}: "
                f"{reason(error)}",
                "set IECREAD_STATE_DIR to a folder that you can write; without a "
                "memory a wrong password would be sent again and lock the meter",
            ) from error
        names = _names(meter)
        self._here = _holding(self._here, now)
        found = [
            entry.until for entry in entries + self._here if entry.fits(names, secret)
        ]
        return max(found).astimezone(now.tzinfo) if found else None

    def remember(
        self, meter: str | Iterable[str], secret: Secret, now: datetime
    ) -> bool:
        """Remember that a meter refused a password.

        Args:
            meter: a name or several; each will be found.
            secret: the password.
            now: the time, with offset.

        Returns:
            Whether it is on the disk.  If not, it holds for this run only, and the
            user is to be warned.
        """
        key = os.urandom(16).hex()
        tag = _tag(secret, key)
        new = [_Entry(name, key, tag, now.astimezone(UTC)) for name in _names(meter)]
        self._here += new
        try:
            with locked(self._folder):
                kept = [e for e in self._load(now) if not e.fits(_names(meter), secret)]
                self._store(kept + new)
        except (OSError, ConfigError) as error:
            self.notes.append(f"the refusal could not be remembered: {error}")
            return False
        return True

    def forget(self, meter: str | Iterable[str], secret: Secret, now: datetime) -> None:
        """Forget a refusal: the meter has taken this password after all.

        Never raises: what is remembered for too long does no harm.
        """
        names = _names(meter)
        self._here = [e for e in self._here if not e.fits(names, secret)]
        try:
            with locked(self._folder):
                entries = self._load(now)
                kept = [e for e in entries if not e.fits(names, secret)]
                if kept != entries:
                    self._store(kept)
        except (OSError, ConfigError) as error:
            self.notes.append(f"the refusal could not be forgotten: {error}")

    def _load(self, now: datetime) -> list[_Entry]:
        """What holds at ``now``; a file that is not ours is put aside."""
        try:
            data, _ = read_file(self._path, _LARGEST)
        except FileNotFoundError:
            return []
        except PermissionError:
            raise
        except OSError:  # a folder, a device
            data = b""
        entries, whole = _parse(data)
        if not whole:
            os.replace(self._path, self._path + ".bad")
            self.notes.append(
                f"{self._path} was damaged and is kept as {self._path}.bad; "
                "a password that was refused before may be sent again"
            )
        return _holding(entries, now)

    def _store(self, entries: list[_Entry], *, sync: bool = True) -> None:
        rows = [
            {**entry._asdict(), "time": entry.time.astimezone(UTC).isoformat()}
            for entry in entries
        ]
        text = json.dumps({"schema": _SCHEMA, "refused": rows}, indent=1)
        replace_file(self._path, text.encode() + b"\n", sync=sync)


def _names(meter: str | Iterable[str]) -> tuple[str, ...]:
    return (meter,) if isinstance(meter, str) else tuple(meter)


def _holding(entries: list[_Entry], now: datetime) -> list[_Entry]:
    """Those that hold; one from the future (a clock set back) as if it were of now."""
    entries = [e._replace(time=min(e.time, now)) for e in entries]
    return [entry for entry in entries if entry.until > now]


def _parse(data: bytes) -> tuple[list[_Entry], bool]:
    """Read the file; say whether all of it could be read.

    Raises:
        ConfigError: it is of a newer version of iecread.
    """
    try:
        content = json.loads(data)
        schema, rows = content["schema"], content["refused"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return [], False
    if isinstance(schema, int) and schema > _SCHEMA:
        raise ConfigError(
            "the memory of refused passwords was written by a newer iecread",
            "update iecread, or set IECREAD_STATE_DIR to another folder",
        )
    if not isinstance(rows, list):
        return [], False
    entries = [entry for row in rows if (entry := _entry(row))]
    return entries, len(entries) == len(rows)


def _entry(row: object) -> _Entry | None:
    try:
        entry = _Entry(**row)  # type: ignore[arg-type]
        time = datetime.fromisoformat(entry.time)  # type: ignore[arg-type]
        time = time.astimezone(UTC)
        texts = entry.meter + entry.key + entry.tag
    except (TypeError, ValueError, OverflowError):
        return None
    hexadecimal = re.fullmatch(
        "(?:[0-9a-f]{2})+ [0-9a-f]{4}", f"{entry.key} {entry.tag}"
    )
    return entry._replace(time=time) if texts and hexadecimal else None
