"""One word for how data came."""

import pytest

from iecread.dataverdict import Verdict, judge, whole_block
from iecread.protocol.bcc import bcc
from iecread.protocol.parity import add_even

LINES = b"1.8.0(0012.5*kWh)\r\n2.8.0(0000.0*kWh)\r\n!\r\n"
BODY = LINES + b"\x03"
BLOCK = b"\x02" + BODY + bytes([bcc(BODY)])


@pytest.mark.parametrize(
    ("data", "verdict", "checked"),
    [
        (BLOCK, Verdict.GOOD, True),
        (add_even(BLOCK), Verdict.GOOD, True),
        (BLOCK[:-1] + b"\x7e", Verdict.GOOD, False),
        (BLOCK[:-3], Verdict.GOOD, None),  # whether it is cut, the silence tells
        (LINES, Verdict.GOOD, None),
        (BLOCK[20:], Verdict.LATE, None),
        (b"\x02!\r\n\x03" + bytes([bcc(b"!\r\n\x03")]), Verdict.EMPTY, True),
        (b"\x02(ERR23)\x03" + bytes([bcc(b"(ERR23)\x03")]), Verdict.REFUSED, True),
        (b"\x15", Verdict.REFUSED, None),
        (b"", Verdict.SILENT, None),
        (b"\xff\x00\x7f", Verdict.SILENT, None),
    ],
)
def test_data(data: bytes, verdict: Verdict, checked: bool | None) -> None:
    found = judge(data, 9600, 0.02)
    assert (found.verdict, found.checked) == (verdict, checked)


def test_a_block_is_whole_with_its_check() -> None:
    assert whole_block(BLOCK) and whole_block(b"noise" + add_even(BLOCK))
    assert not whole_block(BLOCK[:-1]) and not whole_block(LINES)


def test_lines_without_a_frame_have_an_end() -> None:
    assert judge(LINES, 300, 0).ended
    assert not judge(LINES[:-3], 300, 0).ended
