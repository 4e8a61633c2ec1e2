"""What is said of each message of a dialogue."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iecread.protocol.bcc import CheckKind, crc16
from iecread.protocol.explain import explain
from iecread.protocol.messages import Block, Command
from iecread.protocol.parity import add_even


def told(data: bytes) -> list[tuple[str, str, bool | None]]:
    return [tuple(one[1:4]) for one in explain(data)]


def test_a_readout_in_mode_c():
    block = Block(b"1.8.0(1*kWh/x)\r\n2.8.0(2)\r\n!\r\n").to_bytes()
    data = b"/?12!\r\n/ABc5\\2MODEL\r\n\x06050\r\n" + block + b"\x15" + block
    size = len(block)
    check = block[-1]
    said = (
        "data block",
        f"{size} bytes, 3 lines, block check {check:02x}: right (XOR)",
        True,
    )
    assert told(data) == [
        ("request", "to device 12", None),
        (
            "identification",
            "/ABc5\\2MODEL, maker ABC, mode C by Z, offers 9600 Bd, "
            "answers after 20 ms, knows DLMS (mode E)",
            None,
        ),
        ("option select", "normal procedure, 9600 Bd, data readout", None),
        said,
        ("NAK", "asks for the last message again", None),
        said,
    ]


def test_places_are_those_of_the_bytes():
    assert [one.place for one in explain(b"/?!\r\n/ABC5x\r\n\x15")] == [0, 5, 13]


@pytest.mark.parametrize(
    ("data", "kind", "words"),
    [
        (b"/?!\r\n", "request", "to any device"),
        (b"/#1!\r\n", "request", "to any device, list #1 of the maker"),
        (b"\x06081\r\n", "option select", "normal procedure, an unknown speed, prog"),
        (
            b"\x06006\r\n",
            "option select",
            "normal procedure, 300 Bd, the maker's list 6",
        ),
        (b"\x06", "ACK", ""),
        (b"\x00" * 60, "wake-up", "60 NULs"),
        (b"1.8.0(1)\r\n2.8.0(1)\r\n", "lines", "20 bytes, 2 lines"),
        (b"/ABCzx\r\n", "identification", "/ABCzx, maker ABC, mode A"),
        (b"\x03\x04", "noise", "2 bytes"),
        (b"!\r\n", "end", ""),
    ],
)
def test_single_messages(data, kind, words):
    (one,) = told(data)
    assert one[0] == kind and one[1].startswith(words)


def test_programming_shows_no_password():
    dialogue = (
        Command("P0", b"(SEED)"),
        Command("P1", b"(SECRET)"),
        Command("R1", b"1.8.0()"),
        Command("W1", b"0.2.1(SECRET)(SECRET)"),
        Command("B0"),
    )
    said = told(b"".join(command.to_bytes() for command in dialogue))
    assert [one[0] for one in said] == ["operand", "password", "read", "write", "break"]
    assert all(one[2] for one in said)
    assert "SECRET" not in str(said) and "SEED" in str(said)


def test_checks():
    block = Block(b"1.8.0(17)\r\n!\r\n", kind=CheckKind.SUM7).to_bytes()
    assert "right (7-bit sum)" in told(block)[0][1]
    wrong = block[:-1] + bytes([block[-1] ^ 0x55])
    assert told(wrong)[0][2] is False and told(wrong)[0][1].endswith("wrong")


@pytest.mark.parametrize("end", [b"\r\n", b""])
def test_p1(end):
    body = b"/ABC5x\r\n\r\n1-0:1.8.1(1*kWh)\r\n!"
    assert told(body + b"%04X" % crc16(body) + end)[-1][1:] == (
        f"CRC {crc16(body):04X}: right",
        True,
    )
    assert told(body + b"%04X" % (crc16(body) ^ 1) + end)[-1][2] is False


def test_parity():
    block = Block(b"1.8.0(17)\r\n!\r\n").to_bytes()
    data = add_even(b"/ABC5x\r\n" + block)
    said = told(data)
    assert said[0] == ("parity", "even; 0 characters have it wrong", None)
    assert said[-1][2] is True


@settings(deadline=None)  # registers are read when the first address is seen
@given(
    st.lists(
        st.sampled_from([*(b"%c" % c for c in b"\0\1\2\3\4\6\x15\r\n/!?("), b"ABC5"])
    )
)
def test_any_bytes(parts):
    data = b"".join(parts)
    told = [one for one in explain(data) if one.kind != "parity"]
    assert b"".join(data[o.place : o.place + o.length] for o in told) == data
    at = 0  # each byte is in one piece
    for piece in (piece for one in told for piece in one.pieces):
        assert piece.place == at and piece.length and piece.meaning
        at += piece.length
    assert at == len(data)
