"""Rows of a reading; numbers and times as text; the choice of a formatter."""

import subprocess
import sys
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from output_samples import MAXIMUM, TIME, brackets, reading

from iecread.output import FORMATS, formatter
from iecread.output.rows import iso, plain, rows, shown


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("000123.40", "123.40"),
        ("0.500", "0.500"),
        ("00000000", "0"),
        ("-000.5", "-0.5"),
        ("+1.00", "1.00"),
        ("0.0000001", "0.0000001"),
        ("0.00000000", "0.00000000"),
        ("1E+3", "1000"),
        ("123456789012345", "123456789012345"),
    ],
)
def test_numbers_keep_their_digits(number: str, text: str) -> None:
    assert plain(Decimal(number)) == text


def test_times() -> None:
    assert iso(TIME) == "2026-11-22T17:42:11+01:00"
    assert iso(TIME, utc=True) == "2026-11-22T16:42:11+00:00"
    assert iso(datetime(2026, 1, 2, 3, 4, 5, 999999, UTC)) == (
        "2026-01-02T03:04:05+00:00"
    )
    assert iso(None, utc=True) == ""


def test_shown() -> None:
    assert shown(Decimal("01.50")) == "1.50"
    assert shown("\x1b[1m") == "\\x1b[1m"
    assert shown(None) == ""


def test_a_time_makes_no_row() -> None:
    assert list(rows(MAXIMUM)) == [("1.6.1", Decimal("0.500"), "kW", "0.500")]


def test_a_time_that_never_was_makes_no_row() -> None:
    never = brackets("1.6.1", ("0.0", "kW"), ("0000000000", None))
    assert list(rows(never)) == [("1.6.1", Decimal("0.0"), "kW", "0.0")]


def test_further_brackets_are_rows() -> None:
    two = brackets("0.1.0", ("12", None), ("0.50", "kW"))
    assert list(rows(two)) == [
        ("0.1.0", 12, None, "12"),
        ("0.1.0[2]", Decimal("0.50"), "kW", "0.50"),
    ]
    three = brackets("x", ("1", None), ("2211200730", None), ("a\x1b", None))
    assert [row.register for row in rows(three)] == ["x", "x[2]", "x[3]"]
    assert list(rows(brackets("", ("1", None), ("", None))))[1] == (
        "[2]",
        None,
        None,
        "",
    )


def test_of_what_is_malformed_nothing_is_a_number_or_a_time() -> None:
    groups = (("230101003000W", None), ("01.5", "kW"), ("", None))
    made = brackets("1.6.0", *groups[:2], status="malformed")
    assert [row.value for row in rows(made)] == ["230101003000W", "01.5"]
    made = brackets("1.6.0", *groups, status="malformed")
    assert [row.value for row in rows(made)] == ["230101003000W", "01.5", None]


def test_a_time_may_come_first() -> None:
    made = brackets("0-1:24.2.1", ("230101003000W", None), ("00123.456", "m3"))
    value = Decimal("123.456")
    made = made._replace(value=value, unit="m3", raw="00123.456")
    assert list(rows(made)) == [("0-1:24.2.1", value, "m3", "00123.456")]


def test_every_format_but_raw_has_a_formatter() -> None:
    assert "raw" in FORMATS
    for name in FORMATS:
        if name != "raw":
            made = formatter(name)
            assert made.begin() + made.end() in ("", formatter(name).begin())
    for name in ("raw", "auto", "xml"):
        with pytest.raises(ValueError, match=name):
            formatter(name)


def test_only_the_table_imports_rich_and_only_to_draw() -> None:
    script = (
        "import sys; from iecread.output import formatter, FORMATS, sink; "
        "[formatter(n) for n in FORMATS if n != 'raw']; "
        "sys.exit('rich' in sys.modules or 'asyncio' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script]).returncode == 0


@pytest.mark.parametrize("name", [n for n in FORMATS if n not in ("raw", "prom")])
def test_no_register_is_dropped(name: str) -> None:
    from output_samples import readout

    many = [reading(f"{n}.8.0", Decimal(n + 1000), "kWh") for n in range(50)]
    made = formatter(name)
    text = made.begin() + made.readout(readout(*many)) + made.end()
    assert all(str(n + 1000) in text for n in range(50))
    assert text.endswith("\n")
