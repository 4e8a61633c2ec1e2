"""Secrets in bytes that are shown: blanked, in whatever pieces they come."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iecread.masking import Masker, holds_key, mask
from iecread.protocol.bcc import CheckKind
from iecread.protocol.messages import Block, Command
from iecread.protocol.parity import add_even, errors

SECRET = b"s3cr3t-9"


def command(name: str, text: bytes, kind: CheckKind = CheckKind.XOR) -> bytes:
    return Command(name, text, kind=kind).to_bytes()


def both(data: bytes) -> list[bytes]:
    """A message as a 7-bit and as an 8-bit line carries it."""
    return [data, add_even(data)]


@pytest.mark.parametrize(
    ("name", "text", "masked"),
    [
        ("P1", b"(s3cr3t-9)", b"(********)"),
        ("P2", b"(BE2C10B158593B3E)", b"(****************)"),
        ("P1", b"(4:s3cr3t-9)", b"(**********)"),
        ("P9", b"s3cr3t-9", b"********"),
        ("P1", b"()", b"()"),
        ("P0", b"(00000000)", b"(00000000)"),
        ("W5", b"0.9.1(1235703)(s3cr3t-9)", b"0.9.1(1235703)(********)"),
        ("W5", b"0.9.1(1235703)", b"0.9.1(1235703)"),
        ("W1", b"4:171.0(s3cr3t-9)", b"4:171.0(********)"),
        ("W1", b"3:0171(s3cr3t-9)", b"3:0171(********)"),
        ("W1", b"4:170.0(0)", b"4:170.0(0)"),
        ("W1", b"1.1(5)1.2(6)", b"1.1(5)1.2(6)"),
        ("W1", b"1.1(5)4:171(6)", b"1.1(5)4:171(*)"),
        ("W2", b"96.96(s3cr3t-9)", b"96.96(********)"),
        ("W2", b"D104(s3cr3t-9)", b"D104(********)"),
        ("W2", b"D110(12345678)", b"D110(12345678)"),
        ("R5", b"P.01(12406010000;)(1.5.0)", b"P.01(12406010000;)(1.5.0)"),
        ("R1", b"4:171.0(1)", b"4:171.0(1)"),
    ],
)
@pytest.mark.parametrize("kind", list(CheckKind))
def test_messages_that_are_sent(name, text, masked, kind):
    for data, shown in zip(
        both(command(name, text, kind)), both(command(name, masked, kind)), strict=True
    ):
        assert mask(data) == shown
        assert mask(b"\0\0/?!\r\n" + data + data) == b"\0\0/?!\r\n" + shown + shown


def test_a_wrong_block_check_stays_wrong_and_tells_nothing():
    data = bytearray(command("P1", b"(s3cr3t-9)"))
    data[-1] ^= 0x04
    shown = mask(bytes(data))
    right = command("P1", b"(********)")
    assert shown[:-1] == right[:-1]
    assert shown[-1] == right[-1] ^ 0x04


def test_parity_of_what_is_shown_tells_nothing():
    first, second = (add_even(command("P1", b"(%s)" % p)) for p in (b"1111", b"3333"))
    assert mask(first) == mask(second)
    assert not errors(mask(first))


@pytest.mark.parametrize("data", both(Block(b"4:171.0(s3cr3t-9)").to_bytes()))
def test_a_key_that_is_read(data):
    masker = Masker()
    assert SECRET not in bytes(b & 0x7F for b in masker.received(data))


def test_a_message_that_lost_its_first_character():
    message = command("P1", b"(s3cr3t-9)")
    assert mask(message[1:])[:-1] == command("P1", b"(********)")[1:-1]


def test_an_echo_that_lost_its_end():
    masker = Masker()
    message = command("P1", b"(s3cr3t-9)")
    masker.sent(message)
    masker.received(message[:-2] + b"\x13")
    for answer in (Block(b"(ERROR05)").to_bytes(), b"\x01B0\x03q"):
        assert masker.received(answer) == answer


def test_noise_is_shown_again_once_something_else_was_sent():
    for data in (b"\x15", b"/?!\r\n", command("R1", b"1.8.0()")):
        masker = Masker()
        masker.sent(command("P1", b"(s3cr3t-9)"))
        masker.sent(data)
        assert masker.received(b"noise") == b"noise"


def test_a_check_of_wrong_parity_stays_as_it_came():
    data = add_even(Block(b"1.8.0(1)").to_bytes())
    assert mask(data[:-1] + bytes([data[-1] ^ 0x80]))[-1] == data[-1] ^ 0x80


def test_a_key_that_is_read_without_its_address():
    masker, other = Masker(), Masker()
    answer = Block(b"(12AB34CD)").to_bytes()
    masker.sent(command("R1", b"4:171.0(1)"))
    assert masker.received(answer) == Block(b"(********)").to_bytes()
    masker.sent(b"\x15")  # the same once more
    assert masker.received(answer) == Block(b"(********)").to_bytes()
    # what the device says instead is worth knowing
    refusal = Block(b"(#0018)").to_bytes()
    assert masker.received(refusal) == refusal
    masker.sent(command("R1", b"4:170.0(1)"))
    assert masker.received(answer) == answer
    other.sent(command("R1", b"0.0.0(1)"))
    assert other.received(answer) == answer


def test_what_holds_no_secret_stays_as_it_is():
    masker = Masker()
    readout = Block(b"0.0.0(12345678)\r\n1.6.1(0.1*kW)(2109010015)\r\n!\r\n").to_bytes()
    for data in both(readout):
        assert masker.received(data) == data
    identification = b"/EXA5\\@DEMO-P1\r\n"
    assert masker.received(identification) == identification
    assert masker.received(readout) == readout
    every = bytes(range(256))
    assert Masker().received(every[3:0x81] + every[0x83:]) == (
        every[3:0x81] + every[0x83:]
    )


def test_the_answer_to_a_password_is_shown():
    for answer in (b"\x06", b"\x15", b"\x01B0\x03q", Block(b"(ERROR05)").to_bytes()):
        for before in (b"", command("P1", b"(s3cr3t-9)")):
            masker = Masker()
            masker.sent(command("P1", b"(s3cr3t-9)"))
            assert masker.received(before + answer) == mask(before) + answer


def test_all_is_shown_again_behind_the_answer():
    masker = Masker()
    masker.sent(command("P1", b"(s3cr3t-9)"))
    masker.received(b"\x06")
    masker.sent(command("R1", b"1.8.0()"))
    answer = b"noise" + Block(b"1.8.0(000123.4*kWh)").to_bytes()
    assert masker.received(answer) == answer


@given(st.data())
def test_pieces_make_no_difference(data):
    message = data.draw(
        st.sampled_from(
            [
                command("P1", b"(s3cr3t-9)"),
                add_even(command("W5", b"0.9.1(1235703)(s3cr3t-9)")),
                b"\0\0" + command("P2", b"(BE2C10B158593B3E)") + b"\x06\x02(x)\x03y",
            ]
        )
    )
    cuts = sorted(data.draw(st.lists(st.integers(0, len(message)), max_size=5)))
    edges = [0, *cuts, len(message)]
    masker = Masker()
    pieces = [masker.sent(message[a:b]) for a, b in zip(edges, edges[1:], strict=False)]
    assert b"".join(pieces) == mask(message)


@given(st.binary(max_size=40), st.binary(max_size=40))
def test_any_bytes_keep_their_number(before, after):
    masker = Masker()
    for data in (before, command("P1", b"(x)"), after):
        assert len(masker.sent(data)) == len(data)
        assert len(masker.received(data)) == len(data)


@given(
    damage=st.dictionaries(st.integers(0, 6), st.integers(0, 6), max_size=3),
    name=st.sampled_from(["P1", "W5"]),
    parity=st.booleans(),
)
def test_a_damaged_echo_gives_nothing_away(damage, name, parity):
    text = {"P1": b"(s3cr3t-9)", "W5": b"0.9.1(1)(s3cr3t-9)"}[name]
    message = command(name, text)
    masker = Masker()
    masker.sent(message)
    echo = bytearray(message)
    for at, bit in damage.items():
        echo[at] ^= 1 << bit
    sent = add_even(bytes(echo)) if parity else bytes(echo)
    shown = bytes(b & 0x7F for b in masker.received(sent))
    for size in range(3, len(SECRET)):
        assert SECRET[-size:] not in shown
    # the answer behind it is shown all the same
    assert masker.received(b"\x06") == b"\x06"


def test_registers_that_hold_keys():
    for address in ("3:171.0", "4:0171", "96.96", "0-0:96.96*255", "C.96", "D105"):
        assert holds_key(address)
    for address in ("PASSW", "1:1710.0", "4:170", "96.96.1", "D110", "1.8.0", ""):
        assert holds_key(address) == (address == "PASSW")


@pytest.mark.parametrize("kind", list(CheckKind))
def test_codes_in_a_change_log(kind):
    """Old and new code stand in a row of brackets, behind the address of the lock."""
    rows = [
        b"(31)(905)(2024-03-01,10:00:00)(0007:0311)(1.01)(1.02)(0)(1)(CRC Ok)",
        b"(32)(906)(2024-03-01,10:00:09)(0004:0171)(%s)((%s))(0)(1)(CRC Ok)",
        b"(33)(907)(2024-03-01,10:00:12)(0007:0311)(1.02)(1.03)(0)(1)(CRC Ok)",
    ]
    text = b"\r\n".join(rows)
    for last in (True, False):
        data = Block(text.replace(b"%s", SECRET), last, kind=kind).to_bytes()
        shown = Block(text.replace(b"%s", b"*" * len(SECRET)), last, kind=kind)
        for sent, masked in zip(both(data), both(shown.to_bytes()), strict=True):
            assert Masker().received(sent) == masked
            masker = Masker()
            assert b"".join(masker.received(bytes([byte])) for byte in sent) == masked
