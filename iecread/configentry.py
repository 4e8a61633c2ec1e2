"""An entry for meters.toml as text, and where it goes: behind all that is there.

Pure functions of texts.  What is there stays as it is, byte for byte; only where the
last line has no end one is added.  Left out: reading and writing the file.
"""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

_BARE = re.compile(r"[A-Za-z0-9_-]+\Z")
_COMMENT = 76  # columns
BEGINNING = """\
# meters.toml - which meters iecread reads, and how.
# Check it with:  iecread meters check

schema = 1
"""
"""The first lines of a new file."""


def quoted(text: str) -> str:
    """A basic string of TOML."""
    # JSON escapes alike, but for DEL
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def value(value: Any) -> str:
    """A value of a setting as TOML has it; a float is a duration in seconds."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        seconds = f"{value:.6f}".rstrip("0").rstrip(".")
        return quoted(f"{seconds}s")
    return quoted(str(value))


def entry(
    name: str,
    settings: Mapping[str, Any],
    comments: Iterable[str],
    remarks: Mapping[str, str],
) -> str:
    """Return the table of a meter.

    Args:
        name: its name.
        settings: key and value, in this order.
        comments: lines above it, without control characters.
        remarks: what is to stand behind a setting.
    """
    import textwrap

    lines = []
    for comment in comments:
        lines += textwrap.wrap(
            comment,
            _COMMENT,
            initial_indent="# ",
            subsequent_indent="#     ",
            break_long_words=False,
            break_on_hyphens=False,
        )
    lines.append(f"[meters.{name if _BARE.match(name) else quoted(name)}]")
    width = max(map(len, settings), default=0)
    for key, setting in settings.items():
        line = f"{key:<{width}} = {value(setting)}"
        if key in remarks:
            line += f"  # {remarks[key]}"
        lines.append(line)
    return "\n".join(lines) + "\n"


def added(old: bytes, text: str) -> bytes:
    """Return a file with an entry behind what it holds.

    Args:
        old: the file; empty for a new one.
        text: the entry.
    """
    if not old:
        return f"{BEGINNING}\n{text}".encode()
    end = b"\r\n" if b"\r\n" in old else b"\n"
    gap = end if old.endswith(b"\n") else end + end
    return old + gap + text.encode().replace(b"\n", end)
