"""Numbers of meters in a trace: gone in every form, checks as right as they were."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iecread.protocol.bcc import CheckKind, bcc, crc16
from iecread.protocol.parity import add_even
from iecread.serialmask import SerialMasker, holds_number, same

BLOCK = b"0.0.0(60145523)\r\nC.1.0(AB 12)\r\n1.8.0(012345.678*kWh)\r\n!\r\n\x03"


def framed(kind: CheckKind) -> bytes:
    return b"\x02" + BLOCK + bytes([bcc(BLOCK, kind)])


@pytest.mark.parametrize("kind", CheckKind)
@pytest.mark.parametrize("even", [False, True])
@given(cuts=st.lists(st.integers(0, 90), max_size=6))
def test_registers_with_a_number(kind, even, cuts):
    sent = add_even(framed(kind)) if even else framed(kind)
    masker, got, last = SerialMasker(), b"", 0
    for cut in [*sorted(cuts), len(sent)]:
        got += masker.received(sent[last:cut])
        last = max(last, cut)
    block = BLOCK.replace(b"60145523", b"X" * 8).replace(b"AB 12", b"XX XX")
    wanted = b"\x02" + block + bytes([bcc(block, kind)])
    assert got == (add_even(wanted) if even else wanted)


def test_a_wrong_check_stays_wrong():
    sent = framed(CheckKind.XOR)
    wrong = sent[:-1] + bytes([sent[-1] ^ 3])
    right = SerialMasker().received(sent)
    assert SerialMasker().received(wrong) == right[:-1] + bytes([right[-1] ^ 3])


def test_the_crc_of_a_telegram():
    body = b"/XYZ5abc\r\n\r\n0-0:96.1.1(4530303331)\r\n1-0:1.8.1(1.5*kWh)\r\n!"
    masked = body.replace(b"4530303331", b"X" * 10)
    for telegram, wanted in (
        (b"%s%04X\r\n" % (body, crc16(body)), b"%s%04X\r\n" % (masked, crc16(masked))),
        (
            b"%s%04x\r\n" % (body, crc16(body) ^ 0x10),
            b"%s%04x\r\n" % (masked, crc16(masked) ^ 0x10),
        ),
    ):
        got = SerialMasker().received(2 * telegram)
        assert got.lower() == 2 * wanted.lower()


def answer(text: bytes) -> bytes:
    return b"\x02%s\x03%c" % (text, bcc(text + b"\x03"))


def test_bare_answers_and_addresses():
    masker = SerialMasker()
    assert masker.sent(b"/?60145523!\r\n") == b"/?XXXXXXXX!\r\n"
    assert masker.sent(add_even(b"/?1 A!\r\n")) == add_even(b"/?X X!\r\n")
    asked = b"R1\x02C.1.0()\x03"
    asked = b"\x01R1\x02C.1.0()\x03" + bytes([bcc(asked)])
    assert masker.sent(asked) == asked
    assert masker.received(answer(b"(60145523)")) == answer(b"(XXXXXXXX)")
    assert masker.received(answer(b"(ER07)")) == answer(b"(ER07)")
    masker.sent(b"\x01R1\x021.8.0()\x03\x5a")
    assert masker.received(answer(b"(60145523)")) == answer(b"(60145523)")


def test_what_holds_a_number():
    known = "0.0.0 C.1.0 C.1.1 0-0:96.1.1 96.1.0*255 1:180 0001:0180.0 7-1:180.0 SNUMB"
    assert all(map(holds_number, known.split()))
    assert not any(map(holds_number, "1.8.0 C.7.1 96.7.0 0.9.1 1:171 0.2.0".split()))


def test_any_character_fits_a_masked_one():
    assert same(b"/?123!\r\n", b"/?XXX!\r\n")
    assert not same(b"/?1-3!\r\n", b"/?XXX!\r\n")
    assert not same(b"/?12!\r\n", b"/?XXX!\r\n")
