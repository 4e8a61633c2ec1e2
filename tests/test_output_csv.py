"""CSV, long and wide, for programs and for spreadsheets."""

import csv
import io
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from output_samples import HOSTILE, MAXIMUM, brackets, reading, readout, unknown

from iecread.errors import ConfigError
from iecread.output.csv import CsvFormatter
from iecread.readings import Readout

HEADER = "time,meter,serial,register,name,value,unit,stamp,status\n"
HEAD = "2026-11-22T17:42:11+01:00,kitchen,60145523,"


def written(*readouts: Readout, **options: Any) -> str:
    formatter = CsvFormatter(**options)
    body = "".join(formatter.readout(readout) for readout in readouts)
    return formatter.begin() + body + formatter.end()


def test_long() -> None:
    text = written(
        readout(
            reading("1-0:1.8.0*255", Decimal("0012345.670"), "kWh", name="energy"),
            MAXIMUM,
            reading("6.8.1"),
            reading("16.7", Decimal("-0.5"), "kW", status="unchecked"),
            reading("C.1.0", "AB12", ""),
        )
    )
    assert text == (
        f"{HEADER}"
        f"{HEAD}1-0:1.8.0*255,energy,12345.670,kWh,,ok\n"
        f'{HEAD}1.6.1,"maximum demand, import, tariff 1",0.500,kW,2022-11-20T07:30,ok\n'
        f"{HEAD}6.8.1,,,,,ok\n"
        f"{HEAD}16.7,,-0.5,kW,,unchecked\n"
        f"{HEAD}C.1.0,,AB12,,,ok\n"
    )


def test_further_brackets() -> None:
    text = written(readout(brackets("0.1", ("1", None), ("02.0", "A"), ("x", None))))
    assert text == (
        f"{HEADER}{HEAD}0.1,,1,,,ok\n{HEAD}0.1[2],,2.0,A,,ok\n{HEAD}0.1[3],,x,,,ok\n"
    )


def test_nothing_known_and_several() -> None:
    text = written(unknown(reading("1", "a")), readout(reading("2", "b")))
    assert text == f"{HEADER},,,1,,a,,,ok\n{HEAD}2,,b,,,ok\n"


def test_utc() -> None:
    text = written(readout(reading("1", "a")), utc=True)
    assert text.split("\n")[1].startswith("2026-11-22T16:42:11+00:00,")


def test_excel() -> None:
    text = written(
        readout(
            reading("1.8.0", Decimal("-12345.670"), "kWh"),
            reading("2", "a;b", "1,5"),
            reading("3", "=1"),
        ),
        style="excel-semicolon",
    )
    head = HEAD.replace(",", ";")
    assert text == (
        "\ufeff" + HEADER.replace(",", ";").replace("\n", "\r\n") + head
        + "1.8.0;;-12345,670;kWh;;ok\r\n" + head
        + '2;;"a;b";1,5;;ok\r\n' + head
        + "3;;'=1;;;ok\r\n"
    )  # fmt: skip


@given(st.lists(st.text() | st.sampled_from(HOSTILE), min_size=6, max_size=6))
@pytest.mark.parametrize("style", ["comma", "excel-semicolon"])
def test_hostile_text(style: str, texts: list[str]) -> None:
    meter, serial, register, name, value, unit = texts
    text = written(
        readout(reading(register, value, unit, name=name), meter=meter, serial=serial),
        style=style,
    )
    end = "\n" if style == "comma" else "\r\n"
    assert text.endswith(end) and text.count(end) == 2
    assert not any(c < " " or "\x7f" <= c <= "\x9f" for c in text.replace(end, ""))
    delimiter = "," if style == "comma" else ";"
    rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    assert [len(row) for row in rows] == [9, 9]
    assert not any(cell[:1] in ("=", "+", "-", "@", "\t", "\r") for cell in rows[1][1:])


def test_wide() -> None:
    first = readout(
        reading("1-0:1.8.0*255", Decimal("01.50"), "kWh"),
        reading("1-0:1.8.0*01", Decimal("9"), "kWh"),
        reading("F.F", "00", status="unchecked"),
        reading("9.9", "bad", status="malformed"),
    )
    second = readout(reading("1.8.0", Decimal("2.00"), "kWh"), serial=None)
    text = written(
        first,
        second,
        layout="wide",
        registers=["F.F", "1.8.0", "C.1.0"],
        names={"1.8.0": "energy_import", "9.9": "unused"},
    )
    assert text == (
        "time,meter,serial,F.F,energy_import,C.1.0,status\n"
        f"{HEAD}00,1.50,,unchecked\n"
        "2026-11-22T17:42:11+01:00,kitchen,,,2.00,,ok\n"
    )


def test_wide_without_any_of_its_registers() -> None:
    text = written(readout(MAXIMUM), layout="wide", registers=["1.8.0"])
    assert text.splitlines()[1] == f"{HEAD},"


@pytest.mark.parametrize("registers", [[], ["1.8.x"], ["1.8.0", "1.8.0*X"]])
def test_wide_needs_one_register_for_each_column(registers: list[str]) -> None:
    with pytest.raises(ConfigError):
        CsvFormatter("wide", registers=registers)


def test_words_with_an_x_are_columns() -> None:
    assert "EXTRA" in CsvFormatter("wide", registers=["EXTRA"]).begin()


def test_layouts_and_styles_that_are_none() -> None:
    with pytest.raises(ValueError, match="tall"):
        CsvFormatter("tall")
    with pytest.raises(ValueError, match="tab"):
        CsvFormatter(style="tab")
