"""InfluxDB line protocol."""

import re
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from output_samples import HOSTILE, MAXIMUM, TIME, brackets, reading, readout, unknown

from iecread.output.influx import InfluxFormatter
from iecread.readings import Readout


def written(readout: Readout) -> list[str]:
    formatter = InfluxFormatter()
    text = formatter.begin() + formatter.readout(readout) + formatter.end()
    assert text == "" or text.endswith("\n")
    return text.split("\n")[:-1]


def test_the_example() -> None:
    assert written(readout(reading("1.8.0", Decimal("012345.678"), "kWh"))) == [
        "iecread,meter=kitchen,register=1.8.0,serial=60145523,unit=kWh "
        "value=12345.678 1795365731000000000"
    ]


def test_what_is_not_known_is_left_out() -> None:
    registers = (
        reading("1.8.0", Decimal("1.50"), ""),
        reading("6.8.1"),
        reading("", "text"),
    )
    assert written(unknown(*registers)) == [
        "iecread,register=1.8.0 value=1.50",
        'iecread text="text"',
    ]


def test_status() -> None:
    registers = [
        reading(status, Decimal(1), "V", status=status)
        for status in ("ok", "scaled", "unchecked", "malformed")
    ]
    assert written(unknown(*registers)) == [
        "iecread,register=ok,unit=V value=1",
        "iecread,register=scaled,unit=V value=1",
        "iecread,register=unchecked,status=unchecked,unit=V value=1",
    ]


def test_repeats_are_told_apart() -> None:
    registers = [reading("VOLTA", Decimal(n), "V") for n in (231, 230, 229)]
    other = reading("VOLTA", Decimal(5), "kV")
    assert written(unknown(*registers, other)) == [
        "iecread,register=VOLTA,unit=V value=231",
        "iecread,index=2,register=VOLTA,unit=V value=230",
        "iecread,index=3,register=VOLTA,unit=V value=229",
        "iecread,register=VOLTA,unit=kV value=5",
    ]


def test_further_brackets() -> None:
    registers = (brackets("0.1", ("1", None), ("02.5", "A")), MAXIMUM)
    assert written(unknown(*registers)) == [
        "iecread,register=0.1 value=1",
        "iecread,register=0.1[2],unit=A value=2.5",
        "iecread,register=1.6.1,unit=kW value=0.500",
    ]


@pytest.mark.parametrize(
    ("time", "nanoseconds"),
    [
        (TIME, "1795365731000000000"),
        (datetime(2026, 11, 22, 16, 42, 11, 123457, UTC), "1795365731123457000"),
        (datetime(1970, 1, 1, tzinfo=UTC), "0"),
        (datetime(9999, 12, 31, 23, 59, 59, 999999, UTC), "253402300799999999000"),
    ],
)
def test_times_are_exact(time: datetime, nanoseconds: str) -> None:
    (line,) = written(unknown(reading("1", Decimal(1)), time=time))
    assert line.split(" ")[-1] == nanoseconds


def test_escapes() -> None:
    (line,) = written(unknown(reading("a,b c=d\\", 'say "\\"\n'), meter="x y"))
    assert line == (
        r"iecread,meter=x\ y,register=a\,b\ c\=d\x5c "
        r'text="say \"\\\"\\x0a"'
    )


_TAG = r",[a-z]+=(?:[^, =\\]|\\[, =x]|\\u|\\U)+"
_LINE = re.compile(
    rf'iecread(?:{_TAG})* (?:value=-?[0-9.]+|text="(?:[^"\\]|\\["\\])*")(?: [0-9]+)?'
)


@given(st.lists(st.text() | st.sampled_from(HOSTILE), min_size=5, max_size=5))
def test_hostile_text(texts: list[str]) -> None:
    register, value, unit, meter, serial = texts
    registers = (
        reading(register, value, unit),
        reading(register, Decimal(1), unit),
        reading(register, Decimal(2), unit),
    )
    found = written(readout(*registers, meter=meter, serial=serial))
    assert len(found) == 3
    assert len({line.split(" value=")[0] for line in found}) == 3
    for line in found:
        assert _LINE.fullmatch(line)
