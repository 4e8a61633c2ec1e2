"""Addresses in all their spellings, and which answers fit them (lis200.md 2)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iecread.lis200.address import Address, Style, echo_of, is_address

ADDRESSES = st.builds(
    Address,
    st.integers(0, 99),
    st.integers(0, 0xFFF),
    st.integers(0, 9),
    st.sampled_from("0123456789A"),
)


@pytest.mark.parametrize(
    "text",
    ["7:310", "07:0310.0", "7:0310", "7:310.0", "V7:310", "7-7:310.0", " 7:310 "],
)
def test_one_value_has_many_spellings(text: str) -> None:
    assert Address.parse(text) == Address(7, 0x310)
    assert str(Address.parse(text)) == "7:310"
    assert Address.parse(text).asked() == "7:0310.0"


@pytest.mark.parametrize(
    ("text", "asked", "short"),
    [
        ("6:310_1", "6:0310_1.0", "6:310_1"),
        ("13:314_1.2", "13:0314_1.2", "13:314_1.2"),
        ("0002:300_0", "2:0300.0", "2:300"),
        ("1:a32", "1:0A32.0", "1:A32"),
        ("3:V.0", "3:V.0", "3:V"),
        ("3:v", "3:V.0", "3:V"),
        ("3:V.A", "3:V.A", "3:V.A"),
        ("3:V.A.0", "3:V.A", "3:V.A"),
        ("3:V.2.0", "3:V.2", "3:V.2"),
        ("7:310.a", "7:0310.A", "7:310.A"),
    ],
)
def test_as_it_is_asked(text: str, asked: str, short: str) -> None:
    assert Address.parse(text).asked() == asked
    assert str(Address.parse(text)) == short


@pytest.mark.parametrize(
    "text",
    ["", "7", "7:", ":310", "7:310.", "7:31000", "7:G10", "1-0:1.8.0", "7:310.00"]
    + ["7:310(1)", "0x3:171", "+3:171", "3: 171", "3:171\n4:171", "３:171", "Vb"],
)
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(ValueError, match="not a LIS-200 address"):
        Address.parse(text)
    assert not is_address(text)


def test_the_attribute_of_the_bk_meter_is_a_digit_of_the_object() -> None:
    value = Address.parse("4:302", Style.NIBBLE)
    assert value.asked(Style.NIBBLE) == "4:302"
    for attribute, asked in {"1": "4:1302", "3": "4:3302", "A": "4:A302"}.items():
        assert value.with_attribute(attribute).asked(Style.NIBBLE) == asked
        assert Address.parse(asked, Style.NIBBLE) == value.with_attribute(attribute)
    assert Address.parse("4:302.3", Style.NIBBLE).asked(Style.NIBBLE) == "4:3302"
    assert Address.parse("7:V.2").asked(Style.NIBBLE) == "7:V.2"
    assert Address.parse("6:310_1.2").asked(Style.NIBBLE) == "6:2310_1"
    with pytest.raises(ValueError, match="two attributes"):
        Address.parse("4:3302.2", Style.NIBBLE)
    with pytest.raises(ValueError, match="no attribute"):
        value.with_attribute("G").asked(Style.NIBBLE)


@given(ADDRESSES, st.sampled_from(Style))
def test_what_is_asked_is_read_again(address: Address, style: Style) -> None:
    assert Address.parse(address.asked(style), style) == address
    assert Address.parse(str(address), style) == address
    assert address.answered_by(address.asked(style), style)


@pytest.mark.parametrize(
    ("asked", "echo"),
    [
        ("2:302", "7-2:302.2"),
        ("1:400", "1:400.2"),
        ("6:310_1", "7-6:310_1.1"),
        ("6:310_1", "6:310.1"),
        ("4:170", "4:170.0"),
        ("4:170", "4:170"),
        ("4:170", "04:0170.0"),
        ("3:V", ""),
        ("7:310", ""),
    ],
)
def test_answers_fit_loosely(asked: str, echo: str) -> None:
    assert Address.parse(asked).answered_by(echo)
    assert echo_of(f"{echo}(1)(2)") == echo


@pytest.mark.parametrize(
    ("asked", "echo"),
    [
        ("2:302", "7-4:302.2"),
        ("2:302", "2:300.0"),
        ("6:310", "6:310_1.1"),  # kelvin was asked for, not degrees Celsius
        ("4:170", "4:171"),
        ("4:170", "garbage"),
        ("4:170", "1.8.0"),
    ],
)
def test_anything_else_is_a_stale_answer(asked: str, echo: str) -> None:
    assert not Address.parse(asked).answered_by(echo)


def test_in_nibble_style_the_attribute_has_to_fit() -> None:
    value = Address.parse("4:302")
    assert value.answered_by("4:302", Style.NIBBLE)
    assert not value.answered_by("4:3302", Style.NIBBLE)
    assert value.with_attribute("3").answered_by("4:3302", Style.NIBBLE)


def test_a_code_of_the_standard_is_no_address() -> None:
    assert is_address("7:310") and is_address("3:V.A")
    assert not is_address("7-1:310") and not is_address("1.8.0")
