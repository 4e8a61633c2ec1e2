"""OBIS codes: what is one, its full form, and finding registers by patterns."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iecread.obis import ANY, Obis, Pattern, parse, read_template


@pytest.mark.parametrize(
    ("text", "full"),
    [
        ("1-0:1.8.1*255", "1-0:1.8.1*255"),
        ("1-1:1.8.0", "1-1:1.8.0*255"),
        ("1:1.8.0", "1-1:1.8.0*255"),
        ("1.6.1", "1-0:1.6.1*255"),
        ("1.8.1*05", "1-0:1.8.1*5"),
        ("1.8.1&05", "1-0:1.8.1*5"),
        ("1.8.0*00", "1-0:1.8.0*0"),
        ("1-0:1.8.0*222", "1-0:1.8.0*222"),
        ("32.7", "1-0:32.7.0*255"),
        ("1-0:32.7", "1-0:32.7.0*255"),
        ("131.7", "1-0:131.7.0*255"),
        ("1-0:21.7.255*255", "1-0:21.7.255*255"),
        ("00.9.1", "1-0:0.9.1*255"),
        ("0.0", "1-0:0.0.0*255"),
        ("6.8", "1-0:6.8.0*255"),
        ("9.24", "1-0:9.24.0*255"),
        ("6.26*01", "1-0:6.26.0*1"),
        (" 1.8.0 ", "1-0:1.8.0*255"),
        ("C.1.0", "0-0:96.1.0*255"),
        ("0-0:C.51.2*01", "0-0:96.51.2*1"),
        ("C.1", "0-0:96.1.0*255"),
        ("F.F", "0-0:97.97.0*255"),
        ("FF", "0-0:97.97.0*255"),
        ("0-0:F.F.0*255", "0-0:97.97.0*255"),
        ("L.1", "0-0:98.1.0*255"),
        ("P.01", "0-0:99.1.0*255"),
        ("96.50", "0-0:96.50.0*255"),
        ("1-0:99.97.0", "1-0:99.97.0*255"),
        ("0-1:24.2.1", "0-1:24.2.1*255"),
        ("7-0:3.1.0", "7-0:3.1.0*255"),
        ("255-255:255.255.255*255", "255-255:255.255.255*255"),
    ],
)
def test_full_form(text: str, full: str) -> None:
    code = parse(text)
    assert code is not None
    assert str(code) == code.full == full


@pytest.mark.parametrize(
    "text",
    [
        # LIS-200
        *("7:310.1", "6:310_1.0", "2:300.0", "7-2:302.2", "1:180.0", "1:80.0"),
        *("7-1:180.1", "01:0181.0", "4:171", "3:V.0", "1:1E0.0"),
        # other makers' addresses
        *("ET0PE", "VOLTA", "1.6.0,5", "20*80", "20", "F", "P0", "798001"),
        # nearly
        *("", ".", "1.", ".8", "1..8", "1.8.0.0", "1.8.0*", "*05", "1.8.0*5*6"),
        *("256.8.0", "1.256.0", "1.8.256", "1.8.0*256", "256-0:1.8.0", "1-256:1.8.0"),
        *("C.F", "D.1.0", "c.1.0", "1.8.x", "1.8.0*x", "x.x", "1-0:1.8.0(1)"),
        *("1.8.0\n", "\x021.8.0", "1 .8.0", "１.8.0", "0001.8.0", "FFFF", "-1.8.0"),
    ],
)
def test_no_code(text: str) -> None:
    assert parse(text) is None


def test_what_was_not_said_stays_unsaid() -> None:
    assert parse("1.8") == Obis(None, None, 1, 8, None, None, "")
    assert parse("1-0:1.8.0*255") == Obis(1, 0, 1, 8, 0, 255, "*")
    assert parse("1.8.0&05") == Obis(None, None, 1, 8, 0, 5, "&")
    assert parse("1-1.8.0") == Obis(1, None, 1, 8, 0, None, "")


def test_history() -> None:
    history = {text: parse(text) for text in ("1.8.0", "1.8.0*255", "1.8.0&0")}
    assert [code and code.is_history for code in history.values()] == [0, 0, 1]


def test_full_form_in_another_medium() -> None:
    gas, service = parse("3.1.0"), parse("C.1.0")
    assert gas and gas.full_in(7) == "7-0:3.1.0*255"
    assert service and service.full_in(7) == "0-0:96.1.0*255"


def test_template() -> None:
    assert read_template("1.8.x*x") == Obis(None, None, 1, 8, ANY, ANY, "*")


groups = st.integers(0, 255)
codes = st.builds(
    Obis,
    st.none() | groups,
    st.none() | groups,
    groups,
    groups,
    st.none() | groups,
    st.none() | groups,
)


@given(codes)
def test_full_form_is_stable(code: Obis) -> None:
    again = parse(str(code))
    assert again is not None
    assert str(again) == str(code)
    assert (again.c, again.d) == (code.c, code.d)


@given(st.text() | st.from_regex(r"[0-9CFLPx.:*&-]{1,20}", fullmatch=True))
def test_any_text_is_a_code_or_none(text: str) -> None:
    code = parse(text)
    if code is not None:
        assert all(g is None or 0 <= g <= 255 for g in code[:6])
        assert parse(str(code)) is not None


@given(codes)
def test_a_code_finds_its_full_form_and_the_other_way_round(code: Obis) -> None:
    period = "" if code.f is None else f"*{code.f}"
    e = "" if code.e is None else f".{code.e}"
    reduced = f"{code.c}.{code.d}{e}{period}"
    full = str(code)
    assert Pattern.parse(reduced).matches(full)
    assert Pattern.parse(full).matches(reduced)
    assert Pattern.parse(full).matches(full)


SAME = [
    ("1.8.0", "1-0:1.8.0*255", "1-0:1.8.0", "1.8.0*255", "01.08.00", "1.8.0@255"),
    ("C.1.0", "96.1.0", "0-0:96.1.0*255", "0-0:C.1.0", "c.1.0"),
    ("F.F", "FF", "97.97", "0-0:97.97.0", "0-0:F.F.0*255", "f.f", "ff"),
    ("P.01", "P.1", "99.1"),
    ("32.7", "32.7.0", "1-0:32.7.0*255"),
    ("1.8.1*05", "1.8.1@5", "1-0:1.8.1*5", "1-0:1.8.1*05"),
    ("20*80", "20@80"),
    ("ET0PE",),
    ("7:310.1",),
    ("7-2:302.2",),
    ("1.6.0,5",),
    ("6.8.1",),
]
SENT = [  # spellings that only a user writes are patterns, not registers
    [text for text in group if "@" not in text and not text[0].islower()]
    for group in SAME
]


@pytest.mark.parametrize("index", range(len(SAME)))
def test_every_spelling_finds_its_own_and_no_other(index: int) -> None:
    for text in SAME[index]:
        pattern = Pattern.parse(text)
        for other, registers in enumerate(SENT):
            for register in registers:
                assert pattern.matches(register) == (other == index), (text, register)


@pytest.mark.parametrize(
    ("pattern", "found", "not_found"),
    [
        # medium and channel: compared only where both say them
        ("1.8.0", "1-1:1.8.0 2-0:1.8.0", "1.8.1 1.7.0 2.8.0 11.8.0 ET0PE"),
        ("1-1:1.8.0", "1.8.0 1-1:1.8.0*255", "1-0:1.8.0"),
        ("1-0:96.1.0", "C.1.0", "0-0:96.1.0"),
        ("24.2.1", "0-1:24.2.1 0-2:24.2.1", "0-1:24.2.3"),
        # tariff
        ("1.7", "1.7 1.7.0 1-0:1.7.255*255", "1.7.1"),
        ("1.7.0", "1.7", "1.7.255"),
        # history
        ("1.8.0", "1.8.0 1.8.0*255 1.8.0&255", "1.8.0*0 1.8.0*05 1.8.0&05"),
        ("1.8.0*5", "1.8.0*05 1.8.0&05 1-0:1.8.0*5", "1.8.0 1.8.0*06 1.8.1*05"),
        ("1.8.0&5", "1.8.0&05", "1.8.0*05 1.8.0"),
        ("1.8.0*x", "1.8.0 1.8.0*255 1.8.0*05 1.8.0&05", "1.8.1*05"),
        ("1.8.0@x", "1.8.0*05", "1.8.1"),
        ("1.8.0&x", "1.8.0&05 1.8.0&06", "1.8.0 1.8.0*05"),
        # wildcards
        ("1.8.x", "1.8.0 1.8 1.8.1 1-0:1.8.63 1.8.255", "1.9.1 1.8.1*05"),
        ("x.8.0", "1.8.0 C.8.0 2-0:82.8.0", "1.7.0"),
        ("1.x.0", "1.8.0 1.6.0", "2.8.0"),
        ("0-x:24.2.1", "0-1:24.2.1 0-4:24.2.1 24.2.1", "1-1:24.2.1"),
        ("x-0:1.8.0", "1-0:1.8.0 7-0:1.8.0", "1-1:1.8.0"),
        ("1.X.0*X", "1.8.0*05", "2.8.0*05"),
        ("20*x", "20*x", "20*80"),
    ],
)
def test_pattern(pattern: str, found: str, not_found: str) -> None:
    compiled = Pattern.parse(pattern)
    assert [r for r in found.split() if not compiled.matches(r)] == []
    assert [r for r in not_found.split() if compiled.matches(r)] == []


def test_blanks_at_the_ends_do_not_count() -> None:
    assert Pattern.parse(" 1.8.0 ").matches(" 1.8.0")
    assert Pattern.parse(" ET0PE").matches("ET0PE ")


@pytest.mark.parametrize(
    "text",
    [
        *("", "   ", "1.8.0(1)", "1.8.0[2]", "a/b", "a!", "{1}", "<1>", "\x1b[0m"),
        *("1.8.0\n", "1.8\x00", "1.8.0\x7f", "°C", "1.8.0\u202e", "x" * 33),
        *("1.8.300", "1-0:1.8.0*256", "300.8.0", "1.8.*", "1.8.?", "1.8.0*", "*"),
        *("1-0:1.8.0.255", "1.8.*.0"),
    ],
)
def test_what_no_address_can_be_is_refused(text: str) -> None:
    with pytest.raises(ValueError) as error:
        Pattern.parse(text)
    assert str(error.value).isprintable()
    assert not str(error.value).endswith(".")


@given(st.text(max_size=40), st.text(max_size=40))
def test_any_text_is_refused_or_matches(text: str, register: str) -> None:
    try:
        pattern = Pattern.parse(text)
    except ValueError as error:
        assert str(error)
        return
    assert pattern.matches(text)
    pattern.matches(register)


def test_import_reads_no_files() -> None:
    code = "import sys, iecread.obis, iecread.registry; print('tomli' in sys.modules)"
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert run.stdout == "False\n"
