"""Archives of LIS-200: requests, rows and columns, by lis200.md 8 and 14.7 to 14.11."""

import pytest
from archive_samples import BK_DAY, BK_ROW, PERIOD, ROW, UNITS
from hypothesis import given
from hypothesis import strategies as st

from iecread.lis200.address import Address
from iecread.lis200.archive import (
    Column,
    Layout,
    Role,
    RowSplitter,
    hidden,
    request,
    role_of,
    time_at,
)
from iecread.lis200.values import CodePage, brackets
from iecread.protocol.messages import Command

SINCE, UNTIL = "2024-03-01,07:00:00", "2024-03-01,09:00:00"


@pytest.mark.parametrize(
    ("name", "text", "bytes_"),
    [
        ("R1", request(3, "2"), "01 52 31 02 33 3A 56 2E 32 28 31 29 03 11"),
        ("R1", request(3, "3"), "01 52 31 02 33 3A 56 2E 33 28 31 29 03 10"),
        ("R1", request(3, "4"), "01 52 31 02 33 3A 56 2E 34 28 31 29 03 17"),
        (
            "R1",
            request(3, "A", position=3, lower="2024-03-01,06:00:00"),
            "01 52 31 02 33 3A 56 2E 41 28 33 3B 32 30 32 34 2D 30 33 2D 30 31 2C 30 36"
            "3A 30 30 3A 30 30 3B 3B 29 03 77",
        ),
        (
            "R1",
            request(3, "A.0", position=3, lower="2024-03-01,06:00:00"),
            "01 52 31 02 33 3A 56 2E 41 2E 30 28 33 3B 32 30 32 34 2D 30 33 2D 30 31 2C"
            "30 36 3A 30 30 3A 30 30 3B 3B 29 03 69",
        ),
        (
            "R3",
            request(3, position=3, lower=SINCE, upper=UNTIL, rows=10),
            "01 52 33 02 33 3A 56 2E 30 28 33 3B 32 30 32 34 2D 30 33 2D 30 31 2C 30 37"
            "3A 30 30 3A 30 30 3B 32 30 32 34 2D 30 33 2D 30 31 2C 30 39 3A 30 30 3A 30"
            "30 3B 31 30 29 03 27",
        ),
        (
            "R3",
            request(3, position=3, rows=10),
            "01 52 33 02 33 3A 56 2E 30 28 3B 3B 3B 31 30 29 03 1A",
        ),
        (
            "R3",
            request(4, position=1, lower="641", rows=10),
            "01 52 33 02 34 3A 56 2E 30 28 31 3B 36 34 31 3B 3B 31 30 29 03 1F",
        ),
        (
            "R1",
            request(
                3,
                position=3,
                lower="2024-03-02,06:00:00",
                upper="2024-03-02,06:00:00",
            ),
            "01 52 31 02 33 3A 56 2E 30 28 33 3B 32 30 32 34 2D 30 33 2D 30 32 2C 30 36"
            "3A 30 30 3A 30 30 3B 32 30 32 34 2D 30 33 2D 30 32 2C 30 36 3A 30 30 3A 30"
            "30 3B 29 03 2A",
        ),
        (
            "R3",
            request(44, rows=10),
            "01 52 33 02 34 34 3A 56 2E 30 28 3B 3B 3B 31 30 29 03 29",
        ),
    ],
)
def test_requests_of_the_reference(name: str, text: str, bytes_: str) -> None:
    assert Command(name, text.encode()).to_bytes() == bytes.fromhex(bytes_)


@pytest.mark.parametrize(
    "options",
    [
        {"archive": 0},
        {"archive": 100},
        {"archive": 3, "rows": 0},
        {"archive": 3, "rows": 1000},
        {"archive": 3, "position": 0},
        {"archive": 3, "position": 1, "lower": "1;2"},
        {"archive": 3, "position": 1, "upper": "1)"},
    ],
)
def test_requests_that_cannot_be(options: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        request(**options)  # type: ignore[arg-type]


def split(*blocks: str) -> list[list[str]]:
    splitter = RowSplitter()
    found = [row for block in blocks for row in splitter.feed(block)]
    splitter.finish()
    return found


def test_rows_end_at_lines_and_blocks() -> None:
    assert [len(row) for row in split(f"{ROW}\r\n{ROW}", ROW, f"{ROW}  \r\n")] == [
        18
    ] * 4


def test_two_rows_on_one_line() -> None:
    """Saved answers have the first row of a block behind the last one before."""
    assert split(f"{ROW}{ROW}\r\n{ROW} {ROW}") == [brackets(ROW)] * 4


def test_a_block_that_ends_within_a_bracket_goes_on() -> None:
    assert split(ROW[:30], ROW[30:]) == [brackets(ROW)]


def test_an_open_bracket_is_damage_and_keeps_what_was_whole() -> None:
    splitter = RowSplitter()
    assert splitter.feed(f"(1)(2\r\n{ROW}") == [["1"], brackets(ROW)]
    assert splitter.damaged == ["(1)(2"]
    splitter.feed("(3")
    splitter.finish()
    assert splitter.damaged[1:] == ["(3"]


def test_brackets_in_brackets() -> None:
    row = r"(31)(905)(2024-03-01,10:00:00)(0004:0311)((12.3*\xEC3))((13*\xEC3))(CRC Ok)"
    assert split(row)[0][4] == r"(12.3*\xEC3)"
    assert split(f"3:V.0({ROW})") == [brackets(ROW)]  # all columns in one


@given(st.lists(st.text(alphabet="()\r\n;Ok C.1")))
def test_any_text_gives_rows(blocks: list[str]) -> None:
    for row in split(*blocks):
        assert row and all("\r" not in content for content in row)


def test_columns_by_name() -> None:
    layout = Layout(PERIOD, UNITS)
    assert layout.position(Role.GLOBAL) == 1
    assert layout.position(Role.ORDINAL) == 2
    assert layout.position(Role.TIME) == 3
    units = [column.unit for column in layout.columns]
    assert units[3:9] == ["m3", "m3", "m3", "m3", "bar", "°C"] and units[9] is None
    states = [c.status for c in layout.columns if c.role is Role.STATUS]
    assert states == [2, 4, 7, 6, 0]
    assert layout.columns[16].role is Role.EVENT
    assert layout.columns[17].role is Role.CHECK
    columns, fits = layout.fit(brackets(ROW))
    assert fits and columns == layout.columns


def test_columns_by_source_whatever_the_language() -> None:
    """German Vb is the measured volume: the source tells."""
    names = brackets("(GONr)(AONr)(Zeit)(Vn)(VnG)(Vb)(S.Aen)(Check)")
    sources = brackets(
        "(0001:1F8_0)(0003:A20_0)(0001:400_0)(0002:300_0)(0002:302_0)(0004:300_0)"
        "(0003:A21_0)()"
    )
    layout = Layout(names, (), sources)
    roles = [column.role for column in layout.columns]
    assert roles == [Role.GLOBAL, Role.ORDINAL, Role.TIME, *[Role.VALUE] * 3] + [
        Role.EVENT,
        Role.CHECK,
    ]
    measured = layout.columns[5]
    assert measured.source == Address(4, 0x300)
    assert (
        measured.called("vb")
        and measured.called("4:300")
        and measured.called("04:0300.0")
    )
    assert not measured.called("2:300") and not measured.called("Vn")
    unknown = Layout(sources=sources)  # a device that names no columns
    assert [c.role for c in unknown.columns[:3]] == roles[:3]
    assert unknown.columns[4].register == "2:302"


def test_temperature_converters_have_the_time_second() -> None:
    names = brackets(
        "(GONo)(Time)(Vb)(VbT)(Vo)(VmT)(T)(p)(C)(St.2)(St.4)(StSy)(Er)(Check)"
    )
    layout = Layout(names)
    assert layout.position(Role.TIME) == 2 and layout.position(Role.ORDINAL) is None
    assert Layout().position(Role.TIME) == 3


def test_only_the_first_time_is_that_of_the_record() -> None:
    layout = Layout(brackets("(GONo)(AONo)(Time)(VbMP)(Time)(St.2)(Time)(Check)"))
    roles = [column.role for column in layout.columns]
    assert roles.count(Role.TIME) == 1
    registers = [column.register for column in layout.columns]
    assert registers[4] == "Time[2]" and registers[6] == "Time[3]"


def test_bk_positions_are_a_selector() -> None:
    layout = Layout(BK_DAY, page=CodePage.CYRILLIC, selector=True)
    assert [layout.position(r) for r in (Role.ORDINAL, Role.GLOBAL, Role.TIME)] == [
        1,
        2,
        3,
    ]


def test_bk_header_without_the_check() -> None:
    columns, fits = Layout(BK_DAY).fit(BK_ROW)
    assert fits and len(columns) == 24
    assert columns[-1] == Column("Check", Role.CHECK) and columns[22].role is Role.EVENT


def test_bk_header_without_event_and_check() -> None:
    names = brackets("(AONo)(GONo)(Time)(Vc)(VcO)(Vp)(VpO)(p)(K)(Kkor)(T)(Q)")
    row = brackets(
        "(7)(906)(2024-03-01,10:00:00)(0x2D04)(1)(2)(3)(4)(5)(6)(7)(8)(9)(CRC Ok)"
    )
    columns, fits = Layout(names).fit(row)
    assert fits and [c.register for c in columns[2:5]] == ["Time", "Event", "Vc"]
    assert columns[-2].register == "Q" and columns[-1].role is Role.CHECK


@pytest.mark.parametrize("size", range(1, 22))
def test_a_row_of_any_length_has_columns(size: int) -> None:
    contents = [*map(str, range(size - 1)), "CRC Ok"]
    columns, fits = Layout(PERIOD).fit(contents)
    assert len(columns) == size and fits == (size == 18)
    assert columns[-1].role is Role.CHECK
    without = Layout(PERIOD).fit([*map(str, range(size))])
    assert len(without[0]) == size and without[1] == (size == 18)
    assert len(Layout().fit(contents)[0]) == size


def test_bk_units_in_its_code_page() -> None:
    layout = Layout(["a", "b"], ["\xec3", r"\xEC\x33\\xF7"], page=CodePage.CYRILLIC)
    assert [column.unit for column in layout.columns] == ["м3", "м3\\ч"]


def test_lock_codes_are_hidden() -> None:
    row = brackets(
        "(1)(2)(2024-03-01,10:00:00)(0004:0171)(12345678)(0815)(0)(1)(CRC Ok)"
    )
    assert hidden(row) == {4, 5}
    row[3] = "4:171"
    assert hidden(row) == {4, 5}
    row[3] = "0007:0311"
    assert not hidden(row)
    assert not hidden(["4:171"])


def test_the_time_of_a_row_without_names() -> None:
    assert time_at(["1", "2024-03-01,10:00:00"], Layout().fit(["1", "2"])[0]) == 1
    assert time_at(["1"], Layout().fit(["1"])[0]) is None


def test_what_a_register_is_for() -> None:
    assert role_of("AONr") is Role.ORDINAL and role_of("GONo") is Role.GLOBAL
    assert role_of("1:1F8") is Role.GLOBAL and role_of("3:A20") is Role.ORDINAL
    assert role_of("VbT") is Role.VALUE
    assert role_of("2:100") is Role.STATUS and role_of("1:100") is Role.VALUE
    assert role_of("7:110") is Role.STATUS and role_of("1:110") is Role.STATUS
    assert role_of("1:A21") is Role.EVENT and role_of("1:A22") is Role.EVENT
    assert role_of("1:400") is Role.TIME
    assert role_of("2:400") is Role.VALUE and role_of("1:400_1") is Role.VALUE
