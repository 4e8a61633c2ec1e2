"""Brackets into numbers, texts, units, times and status (lis200.md 4, 10, 11)."""

from datetime import datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iecread.lis200.values import (
    CodePage,
    brackets,
    escape,
    format_time,
    parse,
    parse_time,
    status_messages,
    unescape,
    unit_text,
)


@pytest.mark.parametrize(
    ("content", "raw", "value", "unit"),
    [
        ("2.5134* bar", "2.5134", Decimal("2.5134"), "bar"),
        ("11.42*{C", "11.42", Decimal("11.42"), "°C"),
        ("4711.8150*m3", "4711.8150", Decimal("4711.8150"), "m3"),
        ("3.1*m3|h", "3.1", Decimal("3.1"), "m3/h"),
        ("3.1*m3:h", "3.1", Decimal("3.1"), "m3/h"),
        ("-0.5*K", "-0.5", Decimal("-0.5"), "K"),
        ("97*M", "97", Decimal(97), "M"),
        ("60*m", "60", Decimal(60), "m"),
        ("EK260     ", "EK260     ", "EK260", None),
        ("", "", None, None),
        ("  ", "  ", None, None),
        ("0x8104", "0x8104", "0x8104", None),
        ("13;16", "13;16", "13;16", None),
        ("2024-03-01,10:17:25", "2024-03-01,10:17:25", "2024-03-01,10:17:25", None),
        ("1*2*m3", "1*2", "1*2", "m3"),
        ("5*", "5", Decimal(5), None),
        (r"1*a\x2Ab", "1", Decimal(1), "a*b"),
        (r"1*b\x2Fc", "1", Decimal(1), "b/c"),
        (r"caf\xe9", r"caf\xe9", "café", None),
        ("(12.3456*m3)", "(12.3456*m3)", "(12.3456*m3)", None),
    ],
)
def test_one_bracket(
    content: str, raw: str, value: Decimal | str | None, unit: str | None
) -> None:
    assert parse(content) == (raw, value, unit)
    assert type(parse(content).value) is type(value)


@pytest.mark.parametrize(
    ("escaped", "text"),
    [
        (r"\xEC3", "м3"),
        (r"\xEC\x33\\xF7", "м3\\ч"),
        (r"\xCF\xE0", "Па"),
        (r"\xEC\xE5\xF1.", "мес."),
        (r"\x25", "%"),
        (r"\x2f \xg1 \x1", r"/ \xg1 \x1"),
        (r"\x98", r"\x98"),  # Windows-1251 has no such character
    ],
)
def test_escapes_of_the_bk_meter(escaped: str, text: str) -> None:
    assert unescape(escaped, CodePage.CYRILLIC) == text


def test_a_backslash_that_is_no_escape_is_itself() -> None:
    assert unescape("a\\b\\") == "a\\b\\"


@given(st.text(st.characters(max_codepoint=255)))
def test_what_is_escaped_can_be_sent_and_is_read_again(text: str) -> None:
    sent = escape(text)
    assert sent.isascii() and not set(sent) & set("()*/")
    assert all(" " <= char <= "~" for char in sent)
    assert unescape(sent) == text


def test_a_character_that_the_device_does_not_have() -> None:
    assert escape("Ж", CodePage.CYRILLIC) == r"\xc6"
    with pytest.raises(ValueError, match="no character 'Ж'"):
        escape("Ж")


def test_units_are_what_they_mean() -> None:
    assert [unit_text(unit) for unit in (" bar", "{C", "", "  ", r"\xb0C")] == [
        "bar",
        "°C",
        None,
        None,
        "°C",
    ]


def test_brackets_are_counted() -> None:
    assert brackets("7:310.0(2.5* bar)(2024-03-01,06:00:00)") == [
        "2.5* bar",
        "2024-03-01,06:00:00",
    ]
    assert brackets(r"(31)((12.3456*\xEC3))(***) ") == ["31", r"(12.3456*\xEC3)", "***"]
    assert brackets("() (1)(") == ["", "1"]
    assert brackets("no") == []


def test_times_of_both_kinds() -> None:
    moment = datetime(2024, 3, 1, 10, 17, 25)
    assert parse_time("2024-03-01,10:17:25") == moment
    assert parse_time(" 10:17,01.03.2024") == moment.replace(second=0)
    assert format_time(moment) == "2024-03-01,10:17:25"
    assert format_time(moment, bk=True) == "10:17,01.03.2024"
    for text in ("", "2024-02-30,10:00:00", "25:00,01.03.2024", "2024-03-01 10:17:25"):
        assert parse_time(text) is None


@pytest.mark.parametrize(
    ("contents", "messages"),
    [
        (["0"], ()),
        (["1", "5", "16"], (1, 5, 16)),
        (["13;16"], (13, 16)),
        (["0x1000"], (13,)),
        (["0x0"], ()),
        (["17"], None),
        (["EK260"], None),
        ([""], None),
    ],
)
def test_status_in_three_forms(
    contents: list[str], messages: tuple[int, ...] | None
) -> None:
    assert status_messages(contents) == messages
