"""The pieces of a message and what they are said to be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iecread.protocol.anatomy import pieces
from iecread.protocol.messages import Block, Command

WAYS = {
    "request": [
        (
            b"/?12!\r\n",
            "a request begins|who is there|device address|end of the request|line end",
        ),
        (
            b"/#1!",
            "a request begins|a list of the maker|end of the request",
        ),
        (b"/?", "damaged"),
    ],
    "identification": [
        (
            b"/ABc5\\2MODEL\r\n",
            "an identification begins|maker; reaction time 20 ms|"
            "Z, the speed offered: mode C, 9600 Bd|further abilities (2: DLMS, mode E)|"
            "the maker's own text|line end",
        ),
        (
            b"/ABCG",
            "an identification begins|maker; reaction time 200 ms|"
            "Z, the speed offered: mode B, an unknown speed in Bd",
        ),
        (b"ABC5", "damaged"),
    ],
    "select": [
        (
            b"\x06050\r\n",
            "ACK: an option is selected|V, the procedure (0: normal)|"
            "Z, the speed agreed: 9600 Bd|Y, what for (0: readout, 1: programming)|"
            "line end",
        ),
        (
            b"\x060x1",
            "ACK: an option is selected|V, the procedure (0: normal)|"
            "Z, the speed agreed: unknown|Y, what for (0: readout, 1: programming)",
        ),
    ],
    "acknowledge": [(b"\x06", "ACK: understood")],
    "repeat": [(b"\x15", "NAK: once more, please")],
    "something new": [(b"x", "not understood")],
    "lines": [
        (
            b"1.8.0(1*kWh)(x)(a*b*c)\r\n\0!\r\n",
            "register|value 1, unit kWh|value x|value a*b, unit c|line end|fill|"
            "end of the data|line end",
        ),
        (b")()1(", "register|value|register|value"),
    ],
}


def words(kind: str, message: bytes, right: bool | None = None) -> list[str]:
    found = list(pieces(kind, message, right))
    assert [one.place for one in found] == [
        sum(one.length for one in found[:n]) for n in range(len(found))
    ]
    assert sum(one.length for one in found) == len(message)
    return [one.meaning for one in found]


@pytest.mark.parametrize(
    ("kind", "message", "said"),
    [(kind, *case) for kind, cases in WAYS.items() for case in cases],
)
def test_messages(kind: str, message: bytes, said: str) -> None:
    assert words(kind, message) == said.split("|")


def test_a_crc_and_whether_it_is_right() -> None:
    (_, crc, end) = pieces("end", b"!1F2e\r\n", False)
    assert (crc.place, crc.length, crc.right) == (1, 4, False)
    assert crc.meaning == "CRC of all from / to !" and end.right is None
    assert words("end", b"!\r\n") == ["end of the data", "line end"]


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("P0", "P: password, 0|STX: text begins|operand"),
        ("P1", "P: password, 1|STX: text begins|password"),
        ("R1", "R: read, 1|STX: text begins|asked for"),
        ("W2", "W: write, 2|STX: text begins|value to write"),
        ("E2", "E: execute, 2|STX: text begins|argument"),
        ("X3", "a command that nobody knows, 3|STX: text begins|content"),
    ],
)
def test_commands(command: str, said: str) -> None:
    message = Command(command, b"(1*2)").to_bytes()
    end = ["ETX: end of the text", "block check: right"]
    all_ = ["SOH: a command begins", *said.split("|"), *end]
    assert words("command", message, True) == all_


def test_a_break_has_no_text() -> None:
    *said, check = words("command", Command("B0").to_bytes(), False)
    assert said[1:] == ["B: break, end of the session, 0", "ETX: end of the text"]
    assert check == "block check: WRONG"


def test_a_part_and_what_its_names_mean() -> None:
    block = Block(b"1.8.0(1*kWh)\r\n2(18)\r\n", last=False).to_bytes()
    found = list(
        pieces("block", block, address={"1.8.0": "sum"}.get, content={"18": "no"}.get)
    )
    assert [one.meaning for one in found] == [
        "STX: text begins",
        "register: sum",
        "value 1, unit kWh",
        "line end",
        "register",
        "no",
        "line end",
        "EOT: end of this part, another follows",
        "block check: not looked at",
    ]
    assert {one.right for one in found} == {None}


@given(st.binary(max_size=30), st.sampled_from([*WAYS, "end"]))
def test_all_bytes_are_in_a_piece(message: bytes, kind: str) -> None:
    words(kind, message)
    words("block", b"\x02" + message + b"\x03\x00")
    words("command", b"\x01R1" + message + b"\x03\x00")
