"""Lines into data sets; brackets into value and unit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iecread.protocol.datasets import Cut, DataSet, Group, closing, cut, is_number


def found(lines: str) -> Cut:
    into = Cut()
    cut(lines, True, into)
    return into


def sets(lines: str) -> list[str]:
    """The data sets, put together again from their parts."""
    return [
        one.address
        + "".join(
            f"({raw})" if unit is None else f"({raw}*{unit})"
            for raw, unit in one.groups
        )
        for one in found(lines).data_sets
    ]


def group(content: str) -> Group:
    (only,) = DataSet("x", f"({content})").groups
    return only


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("1.8.0(000123.4*kWh)\r\n", ["1.8.0(000123.4*kWh)"]),
        ("1(1)\r\n\n2(2)\r3(3)\n\r\r4(4)", ["1(1)", "2(2)", "3(3)", "4(4)"]),
        ("1.6.0(0.5*kW)(2211200730)\n", ["1.6.0(0.5*kW)(2211200730)"]),
        ("6.8(1*GJ)6.26(2*m3)F(0)", ["6.8(1*GJ)", "6.26(2*m3)", "F(0)"]),
        ("(1)(2)(CRC Ok)\n(3)", ["(1)(2)(CRC Ok)", "(3)"]),
        ("(1)(CRC Ok)(2)(CRC Ok)", ["(1)(CRC Ok)(2)(CRC Ok)"]),
        # blanks between an address and its brackets, and at the ends
        (" 1.8.0 (1) (2)\t(3) 2.8.0(4) ", ["1.8.0(1)(2)(3)", "2.8.0(4)"]),
        ("  (1) (2)  \n", ["(1)(2)"]),
        # addresses of all makers
        ("7:310.1(1)6:310_1.0(2)", ["7:310.1(1)", "6:310_1.0(2)"]),
        ("7-2:302.2(1)13:V.0(2)", ["7-2:302.2(1)", "13:V.0(2)"]),
        ("1.6.0,5(1)20*80(2)ET0PE(3)", ["1.6.0,5(1)", "20*80(2)", "ET0PE(3)"]),
        ("1.8.1&12(1)0-0:C.51.2*01(2)", ["1.8.1&12(1)", "0-0:C.51.2*01(2)"]),
        # what a bracket may hold
        ("0.3.3(250*imp/kWh)x(:G!)", ["0.3.3(250*imp/kWh)", "x(:G!)"]),
        ("a()(  )", ["a()(  )"]),
        # inner brackets belong to the outer one
        ("(1)((12.3*m3))(2)", ["(1)((12.3*m3))(2)"]),
        ("a(b(c)(d))(e)", ["a(b(c)(d))(e)"]),
        ("a(V1.0(beta)*x)", ["a(V1.0(beta)*x)"]),
    ],
)
def test_data_sets(lines: str, expected: list[str]) -> None:
    assert sets(lines) == expected
    assert not found(lines).text and not found(lines).left_open


@pytest.mark.parametrize(
    ("lines", "addresses", "text"),
    [
        ("...\n  25803103\nP.01\r\n   \r\n", [], ["...", "  25803103", "P.01"]),
        ("1.8.0(1)\\\n", ["1.8.0"], ["\\"]),
        # only what is printable ASCII is an address
        ("\x020.0.0(1)", ["0.0.0"], ["\x02"]),
        ("\xef\xbf\xbd 0.0.0 (1)", ["0.0.0"], ["\xef\xbf\xbd"]),
        ("F\x19\x0evu5j1.8.0(1)", ["vu5j1.8.0"], ["F\x19\x0e"]),
        ("ab\xff(1)", [""], ["ab\xff"]),
        # text that runs into a full code
        ("DTA_1071-0:1.8.0*255(1)", ["1-0:1.8.0*255"], ["DTA_107"]),
        ("12:00:00 7-2:302.2(1)", ["7-2:302.2"], ["12:00:00 "]),
        ("(1)x\x01y1-0:1.8.0(2)", ["", "1-0:1.8.0"], ["x\x01y"]),
        # an open bracket spoils the line from its address on, and that line only
        ("1.8.0(1)2.8.0(2\r\n3.8.0(3)", ["1.8.0", "3.8.0"], ["2.8.0(2"]),
        ("1.8.0(1)(2\n", [], ["1.8.0(1)(2"]),
        ("1.8.0(0012.3*kWh2.8.0(1)\n", [], ["1.8.0(0012.3*kWh2.8.0(1)"]),
        ("(1)(2", [], ["(1)(2"]),
        ("1.8.0(1))2.8.0(2)", ["1.8.0", "2.8.0"], [")"]),
        ("1.8.0)5(6)", ["5"], ["1.8.0)"]),
    ],
)
def test_text(lines: str, addresses: list[str], text: list[str]) -> None:
    into = found(lines)
    assert [one.address for one in into.data_sets] == addresses
    assert into.text == text
    assert into.left_open is any("(" in line for line in text)


@pytest.mark.parametrize(
    ("lines", "ended", "text"),
    [
        ("a(1)!\r\n", True, []),
        ("a(1)\r\n!\r\n", True, []),
        ("a(1)\n!B9F\n", True, []),
        ("a(1)!12AB", True, []),
        ("a(1)\n!12ABC\n", True, ["12ABC"]),
        ("a(1)!/", True, ["/"]),
        ("x!a(1)", True, ["x"]),
        ("a(1!)", False, []),
        ("a(1)\n", False, []),
    ],
)
def test_end(lines: str, ended: bool, text: list[str]) -> None:
    into = found(lines)
    assert [(one.address, one.brackets[:2]) for one in into.data_sets] == [("a", "(1")]
    assert (into.ended, into.text) == (ended, text)


@pytest.mark.parametrize(
    ("content", "raw", "unit"),
    [
        ("000123.4*kWh", "000123.4", "kWh"),
        (" -1,5 * bar", " -1,5 ", " bar"),
        ("013925.5*", "013925.5", ""),
        ("098.5*C&096.1*C", "098.5*C&096.1", "C"),
        ("11.42*{C", "11.42", "{C"),
        ("15.3*\xb0C", "15.3", "\xb0C"),
        ("", "", None),
        ("*kWh", "", "kWh"),
        # a unit of the registry behind a number needs no star
        ("001.322kW", "001.322", "kW"),
        ("-000,50 kWh", "-000,50 ", "kWh"),
        ("00123.4m3", "00123.4", "m3"),
        ("231 A", "231 ", "A"),
        ("1.5A", "1.5", "A"),
        ("250imp/kWh", "250", "imp/kWh"),
        # the whole may be something else
        ("000A", "000A", None),
        ("16C", "16C", None),
        ("12d", "12d", None),
        ("231102121548W", "231102121548W", None),
        ("632525252525S", "632525252525S", None),
        ("2147483W", "2147483", "W"),
        ("Smart001", "Smart001", None),
        ("V1.0", "V1.0", None),
        ("5 xyz", "5 xyz", None),
        ("1234567890123456kWh", "1234567890123456kWh", None),
        ("1.2.3V", "1.2.3V", None),
        (".5V", ".5V", None),
        ("5\xb2V", "5\xb2V", None),
        # an inner bracket keeps its star
        ("(12.3*m3)", "(12.3*m3)", None),
        ("(12.3)*m3", "(12.3)", "m3"),
    ],
)
def test_units(content: str, raw: str, unit: str | None) -> None:
    assert group(content) == (raw, unit)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0", True),
        ("+00026", True),
        ("-000,5", True),
        ("00000000.7801269", True),
        ("123456789012345", True),
        ("0" * 40, True),
        ("00000001234567.89012345", True),
        ("0.000000000000000000001", True),
        ("1234567890123456", False),
        ("1.234567890123456", False),
        ("1000000000000000", False),
        ("", False),
        ("-", False),
        (".5", False),
        ("5.", False),
        ("1.2.3", False),
        ("1,234.5", False),
        ("+-1", False),
        ("1e5", False),
        ("0x10", False),
        ("1 2", False),
        ("1_000", False),
        ("\xb2", False),
        ("\u0663", False),
        ("-.--", False),
        ("5\n", False),
    ],
)
def test_numbers(text: str, number: bool) -> None:
    assert is_number(text) is number


def test_malformed() -> None:
    """A control character or one of wrong parity inside; noise before is not inside."""
    lines = "a(1\x14)\nb(1)(\x85)\n\x021.8.0(1)\nc(\ue0312)\n\ue031.8(1)\n\ue000d(1)\n"
    into = found(lines)
    assert [(one.address, one.malformed) for one in into.data_sets] == [
        ("a", True),
        ("b", True),
        ("1.8.0", False),
        ("c", True),
        ("1.8", True),
        ("d", False),
    ]
    assert into.text == ["\x02", "\x00"]
    assert into.data_sets[3].groups == (Group("12", None),)
    # a spoilt star or bracket is not part of the structure
    (one,) = found("e(5\ue02akWh)(\ue028)").data_sets
    assert one.groups == (Group("5*kWh", None), Group("(", None))


def test_checked_is_handed_on() -> None:
    for checked in (True, False):
        into = Cut()
        cut("a(1)\nb (1)\n", checked, into)
        assert [one.checked for one in into.data_sets] == [checked, checked]


def test_groups_of_inner_brackets() -> None:
    (one,) = found("((12.3*m3))(b(c)(d))()").data_sets
    assert [group.raw for group in one.groups] == ["(12.3*m3)", "b(c)(d)", ""]


def test_closing() -> None:
    assert closing("a(b(c)d)(e)", 1) == 8
    assert closing("a(b(c)d)(e)", 8) == 11
    assert closing("(()", 0) == -1


CHARACTERS = st.sampled_from("()*!/ .1-0:aF\r\n\x02\x00\xff\ue028\ue00dkWh")


@given(st.text(CHARACTERS, max_size=60))
def test_nothing_is_lost(lines: str) -> None:
    """Every character but structure and blanks is in a data set or in the text."""
    into = found(lines)
    kept = "".join(into.text) + "".join(
        one.address + "".join(g.raw + (g.unit or "") for g in one.groups)
        for one in into.data_sets
    )

    def plain(text: str) -> list[str]:
        text = "".join(chr(ord(c) & 0x7F) if c >= "\ue000" else c for c in text)
        return sorted(c for c in text if c not in "()*! \t\r\nF10a")

    assert plain(kept) == plain(lines)


@given(st.text(CHARACTERS, max_size=60))
def test_lines_stand_alone(lines: str) -> None:
    into, alone = found(lines), Cut()
    for line in lines.replace("\r", "\n").split("\n"):
        cut(line, True, alone)
    assert into == alone
