"""Values only."""

from decimal import Decimal

from output_samples import HOSTILE, MAXIMUM, brackets, reading, readout

from iecread.output.value import ValueFormatter


def test_line_n_is_register_n() -> None:
    formatter = ValueFormatter()
    text = formatter.readout(
        readout(
            reading("1.8.0", Decimal("000123.40"), "kWh"),
            reading("6.8.1"),
            MAXIMUM,
            brackets("0.1", ("1", None), ("2", None)),
            reading("C.1", "AB 12"),
        )
    )
    assert text == "123.40\n\n0.500\n1\nAB 12\n"
    assert formatter.begin() + formatter.end() == ""


def test_hostile_text_stays_on_its_line() -> None:
    text = ValueFormatter().readout(readout(*(reading("0", t) for t in HOSTILE)))
    assert len(text.splitlines()) == len(HOSTILE)
    assert text.splitlines()[0] == "\\x1b[2J\\x1b]0;owned\\x07"
    assert text.replace("\n", "").isprintable()
