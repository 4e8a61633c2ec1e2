"""The table for a person."""

import re
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from output_samples import HOSTILE, MAXIMUM, brackets, reading, readout, unknown

from iecread.output.table import TableFormatter, table

ENERGY = reading(
    "1-0:1.8.0*255", Decimal("012345.678"), "kWh", name="active energy, import, total"
)
SMALL = reading("1.8.1", Decimal("05.1"), "kWh", name="active energy, import, tariff 1")
MINUS = reading("16.7", Decimal("-1.50"), "kW")


def drawn(*registers: object, width: int = 100, **more: object) -> str:
    return table(readout(*registers, **more), width=width, color=False)  # type: ignore[arg-type]


def body(text: str) -> list[str]:
    lines = text.split("\n")
    return lines[lines.index("") + 1 :]


def test_the_whole() -> None:
    assert drawn(ENERGY, SMALL, MAXIMUM, MINUS) == (
        "kitchen, Landis+Gyr ZMF120AC.M29, serial 60145523\n"
        "/LGZ4ZMF120AC.M29, mode C, 4800 Bd, 3.2 s, 2026-11-22 17:42:11+01:00\n"
        "block check ok\n"
        "\n"
        "register       value      unit  name                              time\n"
        "1-0:1.8.0*255  12345.678  kWh   active energy, import, total\n"
        "1.8.1              5.1    kWh   active energy, import, tariff 1\n"
        "1.6.1              0.500  kW    maximum demand, import, tariff 1  "
        "2022-11-20 07:30\n"
        "16.7              -1.50   kW\n"
    )


def test_columns_without_content_are_left_out() -> None:
    assert body(drawn(reading("F.F", Decimal("0"), raw="00"))) == [
        "register  value",
        "F.F       00",
        "",
    ]


def test_zeros_of_identifiers_count_those_of_amounts_do_not() -> None:
    text = drawn(
        reading("C.1", Decimal("0012"), raw="0012"),
        reading("1.8.0", Decimal("0012"), "kWh", raw="0012"),
        reading("1.7.0", Decimal("0012.5"), raw="0012.5"),
        reading("2.7.0", Decimal("24"), raw="0012", status="scaled"),
    )
    assert [line.split()[1] for line in body(text)[1:-1]] == [
        "0012",
        "12",
        "12.5",
        "24",
    ]


def test_status_is_shown_where_it_is_not_ok() -> None:
    text = drawn(ENERGY, reading("1", Decimal(1), status="unchecked"))
    head, first, second, _ = body(text)
    assert head.endswith("  status")
    assert second.endswith("  unchecked") and second.index("unch") == head.index(
        "status"
    )
    assert first.endswith("total")


def test_simulated_bad_and_incomplete_cannot_be_overlooked() -> None:
    text = drawn(ENERGY, simulated=True, block_check="bad", complete=False)
    assert text.startswith("SIMULATED  kitchen")
    assert "BLOCK CHECK WRONG" in text and "INCOMPLETE" in text


@pytest.mark.parametrize(
    ("check", "words"),
    [
        ("ok-sum7", "block check ok (7-bit sum)"),
        ("absent", "values are unchecked"),
        ("off", "values are unchecked"),
        ("new", "new"),
    ],
)
def test_block_checks(check: str, words: str) -> None:
    assert words in drawn(ENERGY, block_check=check)


def test_nothing_known() -> None:
    assert table(unknown(), width=80, color=False) == "unknown meter\nblock check ok\n"


def test_utc() -> None:
    text = table(readout(), width=80, color=False, utc=True)
    assert "2026-11-22 16:42:11+00:00" in text


def test_what_was_not_understood_is_shown() -> None:
    text = drawn(ENERGY, text=("junk \x1b[2J", "x" * 300))
    assert "\nnot understood:\n  junk \\x1b[2J\n" in text
    assert text.count("x") > 300


def test_what_is_no_table_keeps_to_the_width() -> None:
    told = {"identification": "/ABC5" + "x" * 80, "text": ("y" * 300,)}
    wide = reading("9", Decimal("-12345678901.2345"), "kvarh", name="voltage")
    lines = drawn(wide, width=20, **told).split("\n")
    assert max(len(line) for line in lines if "x" in line or "y" in line) == 20


@pytest.mark.parametrize("width", [20, 40, 60, 72, 80, 100, 200])
def test_numbers_are_never_cut_or_folded(width: int) -> None:
    long = reading("9", Decimal("-12345678901.2345"), "kvarh", name="x " * 30)
    text = drawn(long, ENERGY, MAXIMUM, MINUS, width=width)
    for digits in ("-12345678901.2345", "12345.678", "0.500", "-1.50"):
        assert re.search(rf"(?m)  +{re.escape(digits)}( |$)", text)
    assert "2022-11-20 07:30" in text
    points = {
        line.find(".", 15) for line in body(text) if re.search(r" -?\d+\.\d", line)
    }
    assert len(points) == 1


@pytest.mark.parametrize("width", [60, 72, 80])
def test_a_narrow_terminal_is_kept_to(width: int) -> None:
    text = drawn(ENERGY, SMALL, MAXIMUM, MINUS, width=width)
    assert max(map(len, text.split("\n"))) <= width


def test_long_text_is_folded_whole() -> None:
    digits = "0123456789ABCDEF" * 20
    text = drawn(ENERGY, reading("0-0:96.13.0", digits), MAXIMUM, width=80)
    assert max(map(len, text.split("\n"))) <= 80
    start = text.index("0123")
    assert "".join(text[start:].split("1.6.1")[0].split()) == digits


def test_brackets() -> None:
    text = drawn(brackets("0.1", ("1", None), ("2.5", "A")))
    assert [line.split() for line in body(text)[1:-1]] == [
        ["0.1", "1"],
        ["0.1[2]", "2.5", "A"],
    ]


@given(st.lists(st.text() | st.sampled_from(HOSTILE), min_size=8, max_size=8))
@settings(deadline=None, max_examples=40)
def test_hostile_text_does_nothing(texts: list[str]) -> None:
    register, value, unit, name, stamp, meter, identification, line = texts
    text = drawn(
        reading(register, value, unit, name=name, stamp=stamp),
        meter=meter,
        identification=identification,
        text=(line,),
    )
    assert "\x1b" not in text and "\x9b" not in text
    assert not any(c < " " and c != "\n" for c in text)


def test_markup_is_text() -> None:
    assert "[bold red]x[/bold red][/]" in drawn(
        reading("1", "[bold red]x[/bold red][/]")
    )
    assert ":smile:" in drawn(reading("1", ":smile:"))


@pytest.mark.parametrize("name", ["NO_COLOR", "FORCE_COLOR"])
def test_the_caller_decides_about_colour(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "1")
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setenv("COLUMNS", "20")
    plain = drawn(ENERGY, width=90)
    assert "\x1b" not in plain
    bad = readout(ENERGY, reading("\x1b[5m", "\x1b[5m"), block_check="bad")
    colored = table(bad, width=90, color=True)
    assert "\x1b[1;31mBLOCK CHECK WRONG" in colored
    assert "\x1b[5m" not in colored
    escapes = re.compile(r"\x1b\[[0-9;]*m")
    lines = [line.rstrip() for line in escapes.sub("", colored).split("\n")]
    assert lines == table(bad, width=90, color=False).split("\n")


def test_formatter() -> None:
    formatter = TableFormatter(width=60)
    first, second = (
        formatter.readout(readout(ENERGY)),
        formatter.readout(readout(SMALL)),
    )
    assert first == drawn(ENERGY, width=60)
    assert second == "\n" + drawn(SMALL, width=60)
    assert formatter.begin() + formatter.end() == ""


def test_a_long_table_is_drawn_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    made = readout(*(reading(f"1.8.{n}", Decimal(n), "kWh") for n in range(7)))
    whole = table(made, width=80, color=False)
    monkeypatch.setattr("iecread.output.table._PIECE", 3)
    assert table(made, width=80, color=False) == whole
    assert whole.count("register") == 1
