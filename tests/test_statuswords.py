"""Status words in words."""

import pytest

from iecread.statuswords import TABLES, names, row_flags, status_table, status_value

VDEW = TABLES["vdew"]


@pytest.mark.parametrize(
    ("status", "first", "further"),
    [
        ("00", (), ()),
        ("00000000", (), ()),
        ("", (), ()),
        ("80", ("0x80", "power-failure"), ()),
        ("40", ("0x40", "power-return"), ()),
        ("08", ("0x08", "season-change"), ()),
        ("22", ("0x22", "clock-invalid", "clock-set"), ("0x22", "clock-invalid")),
        ("04", ("0x04", "disturbed"), ("0x04", "disturbed")),
        (
            "00008020",
            ("0x00008020", "clock-set", "before-synchronisation"),
            ("0x00008020", "before-synchronisation"),
        ),
        ("00010000", ("0x00010000", "0x10000"), ()),
        ("XY", ("status=XY",), ("status=XY",)),
        ("-1", ("status=-1",), ("status=-1",)),
    ],
)
def test_flags(status: str, first: tuple[str, ...], further: tuple[str, ...]) -> None:
    assert row_flags(status, VDEW) == (first, further)


def test_tables_differ() -> None:
    dlms = status_table("dlms")
    assert row_flags("A8", dlms) == (
        ("0xA8", "daylight-saving", "clock-adjusted", "power-down"),
        ("0xA8", "daylight-saving"),
    )
    assert names(0x40, dlms) == ("0x40",)
    with pytest.raises(ValueError, match="no status table 'acme'; there are vdew"):
        status_table("acme")


def test_values() -> None:
    assert status_value(" 0a ") == 10
    for text in ("", "0x10", "1_0", "G", "0" * 17, "١"):
        assert status_value(text) is None
