"""Parity in software, and telling from bytes or from the port whether there is any."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iecread.protocol import parity
from iecread.protocol.parity import DAMAGED, Parity

READOUT = (
    b"/EXA5DEMO-C2\r\n\x02F.F(00)\r\n0.0.0(12345678)\r\n"
    b"1.8.0(001234.5*kWh)\r\n!\r\n\x03{"
)


@pytest.mark.parametrize(
    ("char", "wire"),
    [
        (0x00, 0x00),
        (0x01, 0x81),
        (0x02, 0x82),
        (0x03, 0x03),
        (0x04, 0x84),
        (0x06, 0x06),
        (0x0A, 0x0A),
        (0x0D, 0x8D),
        (0x15, 0x95),
        (ord("/"), 0xAF),
        (ord("?"), 0x3F),
        (ord("!"), 0x21),
        (ord("("), 0x28),
        (ord(")"), 0xA9),
        (ord("*"), 0xAA),
        (ord("0"), 0x30),
        (ord("1"), 0xB1),
        (ord("2"), 0xB2),
    ],
)
def test_characters_on_an_eight_bit_wire(char: int, wire: int) -> None:
    assert parity.add_even(bytes([char])) == bytes([wire])
    assert parity.strip(bytes([wire])) == bytes([char])


def test_worked_messages() -> None:
    assert parity.add_even(b"/?!\r\n") == bytes.fromhex("AF 3F 21 8D 0A")
    assert parity.add_even(b"\x06050\r\n") == bytes.fromhex("06 30 35 30 8D 0A")


@given(st.binary())
def test_even_parity_is_even(data: bytes) -> None:
    wire = parity.add_even(data)
    assert all(byte.bit_count() % 2 == 0 for byte in wire)
    assert parity.strip(wire) == bytes(byte & 0x7F for byte in data)
    assert parity.errors(wire) == 0


@given(st.binary(min_size=1), st.data())
def test_one_flipped_bit_is_one_error(data: bytes, draw: st.DataObject) -> None:
    wire = bytearray(parity.add_even(data))
    at = draw.draw(st.integers(0, len(wire) - 1))
    wire[at] ^= 1 << draw.draw(st.integers(0, 7))
    assert parity.errors(wire) == 1


def test_errors_are_counted_in_every_byte() -> None:
    assert [parity.errors(bytes([c])) for c in range(256)] == [
        c.bit_count() % 2 for c in range(256)
    ]


@pytest.mark.parametrize(
    ("what", "data", "found"),
    [
        ("a pty, or a gateway that takes the parity off", READOUT, Parity.NONE),
        ("a transparent 8N1 gateway", parity.add_even(READOUT), Parity.EVEN),
        ("only its identification", parity.add_even(READOUT[:14]), Parity.EVEN),
        ("an 8-bit P1 telegram", b"/EXA5DEMO-P1\r\n\r\n1-3:0.2.8(50)\r\n!7FCD\r\n", 0),
        ("8-bit text with national letters", "/EXA5Zähler\r\n".encode(), 0),
        ("the same in Latin-1", "/EXA5Zähler für Öl\r\n".encode("latin-1"), 0),
        ("nothing but binary noise", bytes(range(256)), Parity.NONE),
        ("nothing", b"", Parity.NONE),
        ("our own echo", parity.add_even(b"/?!\r\n"), Parity.EVEN),
        ("our own echo without parity", b"/?!\r\n", Parity.NONE),
    ],
)
def test_telling_parity_from_bytes(what: str, data: bytes, found: object) -> None:
    assert parity.classify(data) is (found or Parity.NONE), what


@pytest.mark.parametrize("damaged", [0, 1])
def test_one_damaged_character_in_an_identification_does_not_mislead(
    damaged: int,
) -> None:
    line = bytearray(parity.add_even(b"/EXA5DEMO-C2\r\n"))
    line[7] ^= damaged
    assert parity.classify(line) is Parity.EVEN


@pytest.mark.parametrize("size", [10, 20, 50])
def test_more_than_one_in_ten_is_no_parity(size: int) -> None:
    data = bytearray(parity.add_even(READOUT[:size]))
    for at in range(size // 10):
        data[at * 9] ^= 1
    assert parity.classify(data) is Parity.EVEN
    data[-1] ^= 1
    assert parity.classify(data) is Parity.NONE


class TestText:
    def test_without_parity_every_byte_is_a_character(self) -> None:
        every = bytes(range(256))
        text = parity.to_text(every, Parity.NONE)
        assert text == every.decode("latin-1")
        assert parity.clean(text[:128]) == text[:128]

    def test_with_parity_the_bit_is_taken_off(self) -> None:
        assert parity.to_text(parity.add_even(READOUT), Parity.EVEN) == READOUT.decode()

    def test_a_damaged_character_is_marked(self) -> None:
        wire = bytearray(parity.add_even(b"1.8.0(12)"))
        wire[6] ^= 0x02  # "1" comes as "3"
        text = parity.to_text(bytes(wire), Parity.EVEN)
        assert text == "1.8.0(" + chr(DAMAGED + ord("3")) + "2)"
        assert parity.clean(text) == "1.8.0(32)"
        assert not text[6].isdigit() and not text.isascii()

    @pytest.mark.parametrize("char", "()*!/\r\n0")
    def test_a_marked_character_means_nothing(self, char: str) -> None:
        wire = bytes([parity.add_even(char.encode())[0] ^ 0x80])
        text = parity.to_text(wire, Parity.EVEN)
        assert text not in "()*!/\r\n0" and len(text) == 1
        assert text.splitlines() == [text]
        assert parity.clean(text) == char

    @given(st.binary())
    def test_one_character_for_each_byte(self, data: bytes) -> None:
        for kind in Parity:
            assert len(parity.to_text(data, kind)) == len(data)
        cleaned = parity.clean(parity.to_text(data, Parity.EVEN))
        assert cleaned.encode("ascii") == parity.strip(data)
