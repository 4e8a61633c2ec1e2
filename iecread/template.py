"""File names with fields: ``readings/{meter}-{year}-{month}.csv``.

The fields are ``{meter} {serial} {year} {month} {day}``.  What stands in for one can
neither leave the folder that the template names nor make a name that some system
refuses: whatever a meter says, it becomes part of one name and nothing else.  The
date is that of the reading, on the clock where the meter hangs or in UTC.

Left out on purpose: opening files and making folders (output/store.py).
"""

import os
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, tzinfo

from iecread.errors import ConfigError

FIELDS = ("meter", "serial", "year", "month", "day")
"""What may stand in braces."""

DATABASES = (".db", ".sqlite", ".sqlite3")
"""Suffixes of the files that are SQLite databases (output/sqlite.py)."""

_NONE = "unknown"  # for a meter that tells no number
_LONGEST = 80  # bytes of one value: two of them and a date still make a name
_LONGEST_NAME = 255  # bytes; of most file systems
_HASH = 8  # hexadecimal digits that tell long values apart
_FIELD = re.compile(r"\{([^{}]*)\}")
_SEPARATORS = re.compile(r"[/\\]")
# What has a meaning in a path, on Windows, or as a pattern of a shell
_UNSAFE = re.compile(r'[/\\:*?"<>|{}]')
# Names that mean a device on Windows, whatever follows their first point
_DEVICE = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])\s*(\.|$)", re.I)
_DIGITS = {"year": r"[0-9]{4}", "month": "[0-9]{2}", "day": "[0-9]{2}"}


def is_database(path: str) -> bool:
    """Whether its suffix says that a file is a database and no text."""
    return path.lower().endswith(DATABASES)


class Template:
    """A path with fields.

    Args:
        text: the path as written; ``/`` divides folders everywhere, ``\\`` too on
            Windows.
        folder: what a relative path is relative to; empty: the working folder.

    Attributes:
        text: the path as written.
        fields: the fields that it uses.

    Raises:
        ConfigError: it has another field, names no file, or leaves its folder.
    """

    def __init__(self, text: str, folder: str = "") -> None:
        self.text = text
        _check(text)
        self.fields = frozenset(_FIELD.findall(text))
        head, *rest = _FIELD.split(text)
        self._head = os.path.join(folder, head) if folder else head
        self._rest = rest  # field, text, field, text, ...

    @classmethod
    def literal(cls, path: str) -> "Template":
        """One file: braces and ``..`` are part of its path."""
        made = cls("x")
        made.text = made._head = path
        return made

    def __repr__(self) -> str:
        return f"Template({self.text!r})"

    @property
    def base(self) -> str:
        """The folder in front of the first field; ``.`` is the working folder."""
        return os.path.dirname(self._head) or "."

    def path(
        self,
        meter: str = "",
        serial: str | None = None,
        time: datetime | None = None,
        *,
        zone: tzinfo | None = None,
        utc: bool = False,
    ) -> str:
        """The path of one file.

        Args:
            meter: name of the meter.
            serial: the meter's own number; None or blank: ``unknown``.
            time: of the reading, aware; None: now.
            zone: where the meter hangs; None: the date is that of ``time`` itself.
            utc: the date in UTC, whatever ``zone`` is.

        Raises:
            ConfigError: a name in it is longer than names can be.
        """
        time = time or datetime.now().astimezone()
        if utc or zone is not None:
            time = time.astimezone(UTC if utc else zone)
        values = {
            "meter": safe_name(meter),
            "serial": safe_name(serial or ""),
            "year": f"{time.year:04}",
            "month": f"{time.month:02}",
            "day": f"{time.day:02}",
        }
        path = self._join(self._head, values, self._rest[1::2])
        for name in _SEPARATORS.split(path):
            if len(os.fsencode(name)) > _LONGEST_NAME:
                raise ConfigError(
                    f"the file name that {self.text!r} gives is too long: {name!r}",
                    "a name may have 255 bytes; leave something out",
                )
        return path

    def existing(self, meter: str = "", serial: str | None = None) -> list[str]:
        """The files of one meter that are there, by date, the newest last.

        Args:
            meter: name of the meter.
            serial: its number; None: whatever its number is.
        """
        from glob import escape, glob

        known = {"meter": safe_name(meter)}
        if serial is not None:
            known["serial"] = safe_name(serial)
        globbed = dict.fromkeys(FIELDS, "*") | {k: escape(v) for k, v in known.items()}
        literals = self._rest[1::2]
        pattern = self._join(escape(self._head), globbed, map(escape, literals))
        # The dates that a name says: the first time that each field stands there
        seen: set[str] = set()
        form = re.escape(self._head)
        for field, literal in zip(self._rest[::2], literals, strict=True):
            digits = _DIGITS.get(field)
            if digits is None:
                form += re.escape(known[field]) if field in known else r"[^/\\]*"
            elif field in seen:
                form += f"(?P={field})"
            else:
                form += f"(?P<{field}>{digits})"
            seen.add(field)
            form += re.escape(literal)
        matches = [m for path in glob(pattern) if (m := re.fullmatch(form, path))]
        matches.sort(key=lambda m: [*map(m.groupdict().get, _DIGITS), m[0]])
        return [match[0] for match in matches]

    def _join(
        self, head: str, values: Mapping[str, str], literals: Iterable[str]
    ) -> str:
        fields = self._rest[::2]
        return head + "".join(
            values[field] + literal
            for field, literal in zip(fields, literals, strict=True)
        )


def _check(text: str) -> None:
    """Refuse what is no template, or one that goes its own ways."""
    for field in _FIELD.findall(text):
        if field not in FIELDS:
            from difflib import get_close_matches

            near = get_close_matches(field.strip().lower(), FIELDS, 1, 0.5)
            known = " ".join(f"{{{name}}}" for name in FIELDS)
            raise ConfigError(
                f"no such field in a file name: {{{field}}}",
                f"did you mean {{{near[0]}}}" if near else f"there are {known}",
            )
    bare = _FIELD.sub("", text)
    if "{" in bare or "}" in bare:
        raise ConfigError(
            f"a brace without its other half in {text!r}", "a field is {meter}"
        )
    if any(ord(character) < 0x20 or character == "\x7f" for character in text):
        raise ConfigError(f"a control character in the file name {text!r}")
    parts = re.split(r"[/\\]" if os.name == "nt" else "/", text)
    if ".." in parts:
        raise ConfigError(
            f"{text!r} leaves its folder",
            "write the whole path instead of ..",
        )
    if parts[-1].strip(" .") == "":
        raise ConfigError(f"{text!r} names no file", "as in readings/{meter}.csv")


def safe_name(value: str) -> str:
    """A value as part of a file name, on every system.

    Args:
        value: any characters, such as those that a meter sent as its number.

    Returns:
        At least one and at most 80 bytes of UTF-8: no separators, no control
        characters, no points at its ends, no name of a device.  A longer value ends
        in a hash of the whole.
    """
    name = "".join(c if c.isprintable() else "_" for c in _UNSAFE.sub("_", value))
    name = name.strip(" ")
    inner = name.strip(".")
    before = len(name) - len(name.lstrip("."))
    name = "_" * before + inner + "_" * (len(name) - before - len(inner))
    if not name:
        return _NONE
    if _DEVICE.match(name):
        name = "_" + name
    data = name.encode()
    if len(data) > _LONGEST:
        from hashlib import sha256  # slow to import, and hardly ever needed

        digest = sha256(value.encode("utf-8", "replace")).hexdigest()[:_HASH]
        cut = data[: _LONGEST - _HASH - 1].decode("utf-8", "ignore")
        name = f"{cut}-{digest}"
    return name
