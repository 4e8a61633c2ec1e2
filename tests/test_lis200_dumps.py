"""``decode`` of what LIS-200 devices said: dialogues, archives, saved rows.

Rows of an archive have no address, so a line of them is one entry with all its
brackets; blocks have no line end between them.  All data are invented.
"""

from decimal import Decimal

import pytest

from iecread.lis200.archive import RowSplitter
from iecread.protocol.bcc import bcc
from iecread.protocol.messages import Command
from iecread.protocol.telegrams import decode
from iecread.readings import Reading, Readout, readout

HEAD = b"/?!\r\n/Els6EK260\r\n\x06061\r\n\x01P0\x02(1234567)\x03P"


def block(text: str, end: bytes = b"\x03") -> bytes:
    framed = text.encode("latin-1") + end
    return b"\x02" + framed + bytes([bcc(framed)])


def asked(name: str, text: str) -> bytes:
    return Command(name, text.encode("ascii")).to_bytes()


def read(data: bytes) -> Readout:
    (telegram,) = decode(data)
    return readout(telegram)


def contents(reading: Reading) -> list[str]:
    return [group.raw for group in reading.groups]


def period(number: int) -> str:
    """A record of an EK260's measuring period, with 18 columns."""
    return (
        f"({2 * number})({number})(2024-03-01,{number % 24:02}:00:00)(4698.1)"
        f"(4711.815)(1880.5)(1893)(2.5134)(11.42)(0.9951)(2.6042)(0)(0)(0)(0)(13;15)"
        "(0x8104)(CRC Ok)"
    )


def test_values_with_units_of_seven_bits() -> None:
    lines = (
        ("7-2:302.2(4711.815*m3)", Decimal("4711.815"), "m3"),
        ("7-6:310_1.1(-3.12*{C)", Decimal("-3.12"), "{C"),
        ("7-7:310.1(2.5134* bar)", Decimal("2.5134"), " bar"),
        ("7-4:310.1(12.5*m3|h)", Decimal("12.5"), "m3|h"),
        ("2:310.0(3.2*m3:h)", Decimal("3.2"), "m3:h"),
        ("2:404.0(97*Mon)", Decimal(97), "Mon"),
        ("4:150.0(60*m)", Decimal(60), "m"),
        ("1:400.2(2024-03-01,10:17:25)", "2024-03-01,10:17:25", None),
        ("2:100.0(13;16)", "13;16", None),
        ("1:181.0(EK260   )", "EK260", None),
        ("4:171(#0018)", "#0018", None),
    )
    data = HEAD
    for line, *_ in lines:
        data += asked("R1", "7:310.0(1)") + block(line)
    found = read(data)
    assert found.block_check == "ok" and found.model == "EK260"
    assert [(r.register, r.value, r.unit) for r in found.registers] == [
        (line.partition("(")[0], value, unit) for line, value, unit in lines
    ]


@pytest.mark.parametrize(
    ("content", "value", "unit"),
    [
        ("11.42{C", "11.42", "{C"),
        ("12.5 m3|h", "12.5", "m3|h"),
        ("12.5m3:h", "12.5", "m3:h"),
        ("97 Mon", "97", "Mon"),
    ],
)
def test_units_without_a_star(content: str, value: str, unit: str) -> None:
    (reading,) = read(HEAD + block(f"6:310_1.1({content})")).registers
    assert (str(reading.value), reading.unit) == (value, unit)


def test_an_archive_in_partial_blocks() -> None:
    """The last row of a block and the first of the next one stand on one line."""
    rows = [period(number) for number in range(1500, 1505)]
    data = HEAD + asked("R1", "3:V.3(1)") + block("()()()(m3)( bar)({C)()()")
    data += asked("R3", "3:V.0(3;2024-03-01,07:00:00;;2)")
    data += block("\r\n".join(rows[:2]), b"\x04") + b"\x06"
    damaged = block("\r\n".join(rows[2:4]), b"\x04")
    data += damaged[:30] + b"!" + damaged[31:] + b"\x15"  # not acknowledged: noise
    data += damaged + b"\x06" + block(rows[4]) + b"\x01B0\x03q"
    found = read(data)
    assert found.block_check == "ok" and not found.text
    header, *lines = found.registers
    assert contents(header) == ["", "", "", "m3", " bar", "{C", "", ""]
    assert [len(line.groups) for line in lines] == [18, 36, 36]
    assert {line.register for line in found.registers} == {""}
    assert [line.value for line in lines] == [3000, 3002, 3006]
    assert all(contents(line)[-1] == "CRC Ok" for line in lines)
    assert [text for line in lines for text in contents(line)][1::18] == [
        str(number) for number in range(1500, 1505)
    ]


def test_saved_rows_of_a_log() -> None:
    """A DL220's log, saved without frames: blanks behind rows, two on a line."""
    text = (
        "(127206)(88)(2024-02-29,16:04:11)(0x3C02)(CRC Ok)  \r\n"
        "(127207)(89)(2024-02-29,16:04:19)(0x2D03)(CRC Ok)"
        "(127208)(90)(2024-02-29,16:09:40)(0x0D03)(CRC Error)\n"
        "(127209)(91)(2024-02-29,16:09:41)(0x1C02)(CRC Ok)"
    )
    found = read(text.encode())
    assert [len(r.groups) for r in found.registers] == [5, 10, 5]
    assert contents(found.registers[1])[3::5] == ["0x2D03", "0x0D03"]
    assert found.registers[1].raw == "127207" and not found.text
    cut = RowSplitter().feed(text)  # as the archive command takes the same text
    assert [row[1] for row in cut] == ["88", "89", "90", "91"]


def test_nested_columns() -> None:
    """A change log has values in brackets of their own; a row may have all in one."""
    change = "(31)(905)(2024-03-01,10:00:00)(4:311)((12.3*m3))((***))(0)(1)(CRC Ok)"
    (reading,) = read(HEAD + block(change)).registers
    assert contents(reading)[4:6] == ["(12.3*m3)", "(***)"]
    assert len(reading.groups) == 9
    (reading,) = read(HEAD + block("((2101)(1507)(4698.1*m3))")).registers
    assert contents(reading) == ["(2101)(1507)(4698.1*m3)"] and reading.unit is None
    (row,) = RowSplitter().feed("((2101)(1507)(4698.1*m3))")
    assert row == ["2101", "1507", "4698.1*m3"]


@pytest.mark.parametrize("second", ["48", "09", "49"])
def test_checks_that_look_like_control_characters(second: str) -> None:
    """Checks of 03, 04 and 00, by lis200.md 1.1: no data, whatever they are."""
    minute = "02" if second == "48" else "00"
    stamp = f"2024-03-01,06:{minute}:{second}"
    data = HEAD + block(f"1:400.2({stamp})") + block("2:404.0(97*Mon)")
    found = read(data)
    assert [r.raw for r in found.registers] == [stamp, "97"]
    assert found.block_check == "ok"
