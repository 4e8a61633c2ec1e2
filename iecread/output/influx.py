"""InfluxDB line protocol: one line for each value.

``iecread,meter=…,register=…,serial=…,status=…,unit=… value=1.5 <ns>``; tags in
alphabetical order, those that are unknown or empty left out, ``status`` only where
it is ``unchecked``.  A value that is no number is a string field of its own, ``text``,
as a field may have one type only.  Left out: registers without a value, and
malformed ones.  Points with equal tags and time would overwrite one another, so the
second and later of a readout gets ``index=2``, ``3``.  A readout without a time has
no timestamp: the server then takes its own.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from iecread.output.rows import plain, rows
from iecread.output.text import printable

if TYPE_CHECKING:  # imported when a reading comes
    from iecread.readings import Readout

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TAG = str.maketrans({",": "\\,", "=": "\\=", " ": "\\ "})
_STRING = str.maketrans({"\\": "\\\\", '"': '\\"'})


# Nearly every code and unit: printable ASCII, none of it to be escaped
_as_it_is = re.compile(r"[!-+\--<>-\[\]-~]*").fullmatch


def _tag(name: str, text: str | None) -> str:
    """One tag with its comma; nothing where there is no text."""
    if not text:
        return ""
    if not _as_it_is(text):
        # A tag value has no escape for the backslash, which must not come to stand
        # before an escaped character or at the end
        text = printable(text.replace("\\", "\\x5c")).translate(_TAG)
    return f",{name}={text}"


def _nanoseconds(time: datetime) -> int:
    return (time - _EPOCH) // timedelta(microseconds=1) * 1000


class InfluxFormatter:
    """Readouts as line protocol."""

    def begin(self) -> str:
        return ""

    def readout(self, readout: Readout) -> str:
        stamp = "" if readout.time is None else f" {_nanoseconds(readout.time)}"
        meter, serial = _tag("meter", readout.meter), _tag("serial", readout.serial)
        seen: dict[str, int] = {}
        lines = []
        for reading in readout.registers:
            if reading.status == "malformed":
                continue
            status = "unchecked" if reading.status == "unchecked" else ""
            between = f"{serial}{_tag('status', status)}"
            for row in rows(reading):
                if row.value is None:
                    continue
                register, unit = _tag("register", row.register), _tag("unit", row.unit)
                key = f"{meter}{register}{between}{unit}"
                seen[key] = index = seen.get(key, 0) + 1
                if index > 1:  # "index" is before all others in the alphabet
                    key = f",index={index}{key}"
                if isinstance(row.value, Decimal):
                    field = f"value={plain(row.value)}"
                else:
                    field = f'text="{printable(row.value).translate(_STRING)}"'
                lines.append(f"iecread{key} {field}{stamp}\n")
        return "".join(lines)

    def end(self) -> str:
        return ""
