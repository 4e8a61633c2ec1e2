"""Prometheus text exposition, for a file that the node exporter collects.

All of a metric stands together and no set of labels may occur twice, or Prometheus
refuses the whole file: so everything is held until the end, of several readouts of
one meter only the last is kept, and a label set that repeats within one gets the
label ``index="2"``, ``"3"``.  Numbers only; left out are texts, registers without a
value and malformed ones.  Unchecked values have the label ``status``, which makes
another series of them.
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
_LABEL = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n"})
_HEADS = {
    "iecread_register": "Value of a register of a meter.",
    "iecread_up": "Whether the last attempt to read the meter succeeded.",
    "iecread_last_success_timestamp_seconds": "When the meter was last read.",
}


# Nearly every code, name and unit: printable ASCII, none of it to be escaped
_as_it_is = re.compile(r"[ !#-\[\]-~]*").fullmatch


def _escaped(text: str) -> str:
    return text if _as_it_is(text) else printable(text).translate(_LABEL)


def _label(name: str, text: str | None) -> str:
    return f'{name}="{_escaped(text or "")}"'


def _whose(readout: Readout) -> str:
    return f"{_label('meter', readout.meter)},{_label('serial', readout.serial)}"


def _seconds(time: datetime) -> str:
    micros = (time - _EPOCH) // timedelta(microseconds=1)
    return f"{Decimal(micros).scaleb(-6).normalize():f}"


def _family(name: str, samples: list[str]) -> str:
    """One metric with its HELP and TYPE; nothing if there are no samples."""
    if not samples:
        return ""
    head = f"# HELP {name} {_HEADS[name]}\n# TYPE {name} gauge\n"
    return head + "".join(f"{name}{sample}\n" for sample in samples)


def _registers(readout: Readout) -> list[str]:
    whose = _whose(readout)
    seen: dict[str, int] = {}
    samples = []
    for reading in readout.registers:
        if reading.status == "malformed":
            continue
        for row in rows(reading):
            if not isinstance(row.value, Decimal):
                continue
            key = (
                f"{whose},{_label('register', row.register)},"
                f"{_label('unit', row.unit)},{_label('name', reading.name)}"
            )
            if reading.status == "unchecked":
                key += ',status="unchecked"'
            seen[key] = index = seen.get(key, 0) + 1
            if index > 1:
                key += f',index="{index}"'
            samples.append(f"{{{key}}} {plain(row.value)}")
    return samples


def failure(meter: str, last: datetime | None = None) -> str:
    """The text for a meter that could not be read: ``iecread_up`` is 0.

    Args:
        meter: name of the meter, or its port.
        last: when it was last read, aware, where that is known.
    """
    labels = _label("meter", meter)
    times = [] if last is None else [f"{{{labels}}} {_seconds(last)}"]
    return _family("iecread_up", [f"{{{labels}}} 0"]) + _family(
        "iecread_last_success_timestamp_seconds", times
    )


_LAST = re.compile(
    r'^iecread_last_success_timestamp_seconds\{meter="((?:[^"\\]|\\.)*)"\} '
    r"([0-9]{1,11}(?:\.[0-9]+)?)$",
    re.M,
)


def last_successes(text: str) -> dict[str, datetime]:
    """When each meter was last read, as a file of these metrics says.

    Args:
        text: of the file.
    """
    return {
        re.sub(r"\\(.)", lambda m: "\n" if m[1] == "n" else m[1], meter): (
            datetime.fromtimestamp(float(seconds), UTC)
        )
        for meter, seconds in _LAST.findall(text)
    }


class PromFormatter:
    """Readouts as Prometheus metrics, the last one of each meter."""

    def __init__(self) -> None:
        self._latest: dict[str, Readout] = {}
        self._failed: dict[str, datetime | None] = {}

    def begin(self) -> str:
        return ""

    def readout(self, readout: Readout) -> str:
        meter = _whose(readout)
        self._latest.pop(meter, None)  # the latest is last
        self._latest[meter] = readout
        return ""

    def failed(self, meter: str, last: datetime | None = None) -> None:
        """Take note of a meter that could not be read: ``iecread_up`` is 0.

        Args:
            meter: its name.
            last: when it was last read, aware, where that is known.
        """
        self._failed[_label("meter", meter)] = last

    def end(self) -> str:
        samples: list[str] = []
        times: dict[str, str] = {}  # one for each meter, whatever its serial
        for readout in self._latest.values():
            samples += _registers(readout)
            labels = _label("meter", readout.meter)
            times[labels] = "" if readout.time is None else _seconds(readout.time)
        up = dict.fromkeys(times, 1)
        for labels, last in self._failed.items():
            if labels not in up:
                up[labels] = 0
                times[labels] = "" if last is None else _seconds(last)
        return (
            _family("iecread_register", samples)
            + _family("iecread_up", [f"{{{m}}} {said}" for m, said in up.items()])
            + _family(
                "iecread_last_success_timestamp_seconds",
                [f"{{{labels}}} {time}" for labels, time in times.items() if time],
            )
        )
