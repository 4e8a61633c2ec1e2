"""The table of error numbers, and where a number is found (lis200.md 7)."""

import pytest

from iecread.cli.exitcodes import NUMBERS
from iecread.errors import RefusedError
from iecread.lis200.errors import (
    TABLES,
    ErrorTable,
    Lis200Refused,
    describe,
    error_number,
)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("(#0018)", 18),
        ("#0018", 18),
        ("4:171(#0018)", 18),
        ("(#17)", 17),
        ("(#9999)", 9999),
        ("4:171(0)", None),
        ("(1)(#0018)", None),
        ("(#0018)(1)", None),
        ("3:180.0(#12 Main Street)", None),
        ("(no. #0018)", None),
        ("", None),
    ],
)
def test_a_number_stands_directly_behind_the_bracket(
    text: str, number: int | None
) -> None:
    assert error_number(text) == number


def test_the_two_tables_differ_where_the_devices_do() -> None:
    assert describe(4).name == "unknown-attribute"
    assert describe(4, ErrorTable.BK).name == "unknown-address"
    assert describe(101).name == "no-column"
    assert describe(101, ErrorTable.BK).name == "not-permitted"
    for table in ErrorTable:
        assert describe(17, table).name == "wrong-code"


def test_every_row_has_a_name_of_its_own_and_an_exit_code() -> None:
    for table in TABLES.values():
        for number, info in table.items():
            assert info.number == number and info.text and info.kind in NUMBERS
    names = [info.name for info in TABLES[ErrorTable.CLASSIC].values()]
    assert len(set(names)) == len(names) == 29


def test_an_unknown_number_is_shown() -> None:
    error = Lis200Refused(777, "7:310")
    assert error.message.endswith("(#0777)") and error.info.name == "unknown"


def test_the_error_that_is_raised() -> None:
    error = Lis200Refused(18, "7:310")
    assert isinstance(error, RefusedError) and error.kind == "refused"
    assert error.message.startswith("the device refused 7:310: no right to read")
    assert "unlock" in error.hint
    assert Lis200Refused(19, "7:311", hint="needs lock 3").hint == "needs lock 3"
    assert Lis200Refused(110, "a record").kind == "protocol"
