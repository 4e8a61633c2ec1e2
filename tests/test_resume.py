"""Going on where a file of rows ends."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iecread.resume import (
    COLUMNS,
    Resume,
    ResumeError,
    from_csv,
    from_times,
    read_rows,
)
from iecread.rows import Row

START = datetime(2024, 6, 1, tzinfo=UTC)
QUARTER = timedelta(minutes=15)
REGISTERS = ("1.5.0", "2.5.0", "3.5.0")


def rows(count: int, registers: tuple[str, ...] = REGISTERS) -> list[Row]:
    return [
        Row(START + at * QUARTER, "P.01", register, Decimal(at), str(at), "kW", ())
        for at in range(count)
        for register in registers
    ]


def text(rows: list[Row], delimiter: str = ",", meter: str = "kitchen") -> str:
    lines = [delimiter.join(COLUMNS)]
    for row in rows:
        cells = (row.time.isoformat(), meter, "123", row.channel, row.register)
        lines.append(delimiter.join((*cells, row.raw, "kW", "")))
    return "\n".join(lines) + "\n"


def resume(content: str, **options: str) -> Resume:
    return from_csv(content.splitlines(keepends=True), **options)


def test_the_newest_row() -> None:
    found = resume(text(rows(5)))
    assert found.start == START + 4 * QUARTER
    times = [(row.time, row.channel, row.register) for row in rows(5)]
    assert found == from_times(times) == from_times(reversed(times))
    assert list(found.new(rows(7))) == rows(7)[15:]


def test_nothing_there_yet() -> None:
    for content in ("", text([]), "time,meter"):
        assert resume(content) == Resume(None, {})
    assert list(Resume(None, {}).new(rows(2))) == rows(2)


def test_another_file() -> None:
    with pytest.raises(ResumeError, match="no header of load profile rows"):
        resume("time,meter,serial,register,name,value,unit,stamp,status\n")


def test_spreadsheet_style_and_more_columns() -> None:
    content = "\ufeff" + text(rows(3), ";").replace("flags\n", "flags;note\n")
    content = content.replace(";\n", ";;x\n").replace("\n", "\r\n")
    assert resume(content).start == START + 2 * QUARTER


@pytest.mark.parametrize("torn", range(1, 70))
def test_a_torn_last_line(torn: int) -> None:
    """Whatever was written: nothing is doubled and nothing is lost."""
    content = text(rows(5))[:-torn]
    found = resume(content)
    whole = content[: content.rfind("\n") + 1].count("\n") - 1
    assert list(found.new(rows(7))) == rows(7)[whole:]
    # asking from there on is enough
    assert found.start is not None
    asked = [row for row in rows(7) if row.time > found.start]
    assert list(found.new(asked)) == rows(7)[whole:]


def test_a_channel_that_ended_long_ago_is_not_waited_for() -> None:
    old = rows(1) + rows(50, REGISTERS[:2])[2:]
    assert resume(text(old)).start == START + 49 * QUARTER


def test_only_one_meter_and_profile() -> None:
    content = text(rows(3)) + text(rows(9), meter="cellar").partition("\n")[2]
    assert resume(content, meter="kitchen").start == START + 2 * QUARTER
    assert resume(content).start == START + 8 * QUARTER
    assert resume(content, meter="roof").start is None
    assert resume(content, channel="P.02").start is None
    assert resume(content, serial="123", channel="P.01").start == START + 8 * QUARTER
    assert resume(content, serial="124").start is None


def test_lines_that_are_no_rows() -> None:
    content = text(rows(2)) + "hello\n\nx,y,z,a,b,c,d,e\n2024-06-09,,,P.01,1.5.0,1,,\n"
    assert resume(content).start == START + QUARTER


@given(st.text(max_size=200), st.booleans())
def test_any_text(more: str, header: bool) -> None:
    content = (text(rows(2)) if header else "") + more
    try:
        resume(content)
    except ResumeError:
        pass


def test_a_value_as_long_as_an_answer_is_read_back() -> None:
    row = f"2026-11-25T18:00:00+00:00,,1,P.01,1.5.0,{'9' * 4_000_000},kW,\n"
    header = "time,meter,serial,channel,register,value,unit,flags\n"
    (found,) = read_rows([header, row], channel="P.01")
    assert len(found[3]) == 4_000_000
