"""Text of a meter, made safe for terminals and spreadsheets."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iecread.output.text import csv_cell, printable


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("000123.4", "000123.4"),
        ("/LGZ4\\2ZMF120AC.M29", "/LGZ4\\2ZMF120AC.M29"),  # the backslash stays
        ("21 \u00b0C, gr\u00fcn\u00a0\u00ff", "21 \u00b0C, gr\u00fcn\u00a0\u00ff"),
        ("\x1b[31mred\x1b]0;title\x07", "\\x1b[31mred\\x1b]0;title\\x07"),
        ("\x9b31m", "\\x9b31m"),
        ("a\r\nb\tc\x00d\x7f", "a\\x0d\\x0ab\\x09c\\x00d\\x7f"),
        ("1\u202e23\u2066", "1\\u202e23\\u2066"),
        ("\u061c\u200e\u2028\u2029\u200b", "\\u061c\\u200e\\u2028\\u2029\\u200b"),
        ("\ue041\ud800\ufeff", "\\ue041\\ud800\\ufeff"),
        ("\U000f0000", "\\U000f0000"),
        ("[bold]x[/bold]", "[bold]x[/bold]"),
    ],
)
def test_printable(text: str, safe: str) -> None:
    assert printable(text) == safe


@given(st.text())
def test_nothing_that_acts_is_left(text: str) -> None:
    safe = printable(text)
    kinds = {unicodedata.category(c) for c in safe}
    assert not kinds & {"Cc", "Cs", "Co", "Zl", "Zp"}
    bidi = {unicodedata.bidirectional(c) for c in safe}
    assert not bidi & {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
    assert printable(safe) == safe
    assert len(safe.splitlines()) <= 1


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=cmd|'/c calc'!A0", "'=cmd|'/c calc'!A0"),
        ("+1", "'+1"),
        ("-1+1", "'-1+1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\\x09=1"),
        ("\r=1", "'\\x0d=1"),
        ("\n=1", "\\x0a=1"),
        ("1=1", "1=1"),
        ("", ""),
    ],
)
def test_cells_are_no_formulas(text: str, cell: str) -> None:
    assert csv_cell(text) == cell
