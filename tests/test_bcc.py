"""Block check characters and CRCs, against worked examples and slow definitions."""

from functools import reduce
from operator import xor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iecread.protocol.bcc import CheckKind, bcc, bcc_sum7, bcc_xor, crc16
from iecread.protocol.messages import Block, Command

COMMANDS = [
    ("B0", None, 0x71),
    ("B1", None, 0x70),
    ("P0", "()", 0x60),
    ("P1", "()", 0x61),
    ("P0", "(00000000)", 0x60),
    ("P0", "(00000001)", 0x61),
    ("P1", "(00000000)", 0x61),
    ("P1", "(12345678)", 0x69),
    ("P2", "(BE2C10B158593B3E)", 0x60),
    ("R1", "0.0.0()", 0x53),
    ("R1", "1.8.0(1)", 0x6B),
    ("R2", "0.9.2()", 0x5B),
    ("R5", "0.9.1()", 0x5F),
    ("R5", "0.9.2()", 0x5C),
    ("W1", "4:171.0(00000000)", 0x41),
    ("W5", "1-0:0.9.129*255(1301031605000002)(00000000)", 0x5E),
    ("R5", "P.01(12406010000;12406010100)", 0x22),
    ("W2", "0.9.1(13:30:35)", 0x5A),
    ("E2", "1.6.0()", 0x40),
]
BLOCKS = [
    ("0.9.2(130103)", 0x39),
    ("0.9.1(101415)", 0x3A),
    ("0.9.2(13-12-12)", 0x3B),
    ("1.8.0(001234.567*kWh)", 0x5B),
    ("(ERROR)", 0x5A),
    ("(#0017)", 0x27),
    ("!\r\n", 0x25),
    ("1.8.0(000123.4*kWh)\r\n!\r\n", 0x7E),
]
# Check characters that look like something else
AWKWARD = [
    ("0.0.0(00002)", 0x00),
    ("0.0.0(00003)", 0x01),
    ("0.0.0(00000)", 0x02),
    ("0.0.0(00001)", 0x03),
    ("0.0.0(00006)", 0x04),
    ("0.0.0(00004)", 0x06),
    ("0.0.0(00008)", 0x0A),
    ("0.0.0(00069)", 0x0D),
    ("C.1.0(a00000)", 0x11),
    ("C.1.0(a00002)", 0x13),
    ("C.1.0(a00004)", 0x15),
]


@pytest.mark.parametrize(("name", "text", "check"), COMMANDS)
def test_commands(name: str, text: str | None, check: int) -> None:
    data = Command(name, None if text is None else text.encode()).to_bytes()
    assert data[-1] == check == bcc(data[1:-1])
    assert reduce(xor, data[1:]) == 0  # the characters and their check cancel out


def test_a_part_of_a_command_ends_in_eot() -> None:
    assert Command("W3", b"0200(0011)", last=False).to_bytes()[-2:] == b"\x04a"


@pytest.mark.parametrize(("text", "check"), BLOCKS + AWKWARD)
def test_blocks(text: str, check: int) -> None:
    assert Block(text.encode()).to_bytes() == b"\x02" + text.encode() + bytes(
        [3, check]
    )
    assert Block.from_bytes(b"\x02" + text.encode() + bytes([3, check])).right


def test_the_seven_bit_sum_of_a_heat_meter() -> None:
    text = (
        b"0.0(00005077354)\r\n6.8(00433.65*GJ)\r\n6.26(03052.95*m3)\r\n"
        b"6.31(0109868*h)!\r\n\x03"
    )
    assert bcc(text, CheckKind.SUM7) == bcc_sum7(text) == 0x61
    assert bcc(text, CheckKind.XOR) == bcc(text) == 0x3D


def test_parity_bits_do_not_disturb() -> None:
    data = bytes(range(256))
    assert bcc_xor(data) == bcc_xor(bytes(c & 0x7F for c in data))
    assert bcc_sum7(data) == bcc_sum7(bytes(c & 0x7F for c in data))


@given(st.binary(max_size=600))
def test_folding_gives_what_a_loop_gives(data: bytes) -> None:
    assert bcc_xor(data) == reduce(xor, data, 0) & 0x7F


@pytest.mark.parametrize("size", [0, 1, 63, 64, 65, 127, 128, 129, 4095, 4096, 4097])
def test_folding_at_the_edges_of_its_widths(size: int) -> None:
    data = bytes((n * 37 + 11) % 256 for n in range(size))
    assert bcc_xor(data) == reduce(xor, data, 0) & 0x7F


@given(st.binary(min_size=1, max_size=100), st.data())
def test_one_flipped_bit_is_always_seen(data: bytes, draw: st.DataObject) -> None:
    at = draw.draw(st.integers(0, len(data) - 1))
    bit = 1 << draw.draw(st.integers(0, 6))
    damaged = bytearray(data)
    damaged[at] ^= bit
    assert bcc_xor(damaged) != bcc_xor(data)
    assert bcc_sum7(damaged) != bcc_sum7(data)


@pytest.mark.parametrize(
    ("data", "crc"),
    [
        (b"123456789", 0xBB3D),
        (b"/", 0xDC41),
        (b"/!", 0x28DC),
        (b"!", 0x18C0),
        (b"", 0x0000),
    ],
)
def test_crc_of_telegrams(data: bytes, crc: int) -> None:
    assert crc16(data) == crc


@given(st.binary(max_size=200))
def test_crc_bit_by_bit(data: bytes) -> None:
    value = 0
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0xA001 if value & 1 else 0)
    assert crc16(data) == value
