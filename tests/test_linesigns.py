"""What bytes say of the line: parity, speed, noise, protocol, echo."""

import math
import random

import pytest

from iecread.protocol import linesigns, parity
from iecread.protocol.linesigns import Sign, collision, echoed, look, speeds
from iecread.protocol.uart import misread

# nothing of this is in the sample that the module compares with
TEXT = (
    b"/ABC4ZQ-77 rev.B\r\n\x02C.1(9914)\r\n15.8.0(77160.25*MJ)\r\n"
    b"3.8.1(661.90*kvarh)\r\nP.2(kW)(1.53)(0.02)\r\n!\r\n\x03"
)
EVEN = parity.add_even(TEXT)
ODD = bytes(byte ^ 0x80 for byte in EVEN)


@pytest.mark.parametrize(
    ("data", "sign"),
    [
        (b"", Sign.NOTHING),
        (b"\xff\x00", Sign.NOTHING),  # what a change of speed leaves
        (EVEN, Sign.EVEN),
        (TEXT, Sign.PLAIN),
        (ODD, Sign.ODD),
        (b"\x00\x00" + EVEN + b"\xff", Sign.EVEN),
        (EVEN[:18], Sign.EVEN),
        (b"\x95", Sign.EVEN),  # NAK
        (b"\x1b\x1b\x1b\x1b\x01\x01\x01\x01v\x07", Sign.SML),
        (bytes.fromhex("7ea00703219 30f017e".replace(" ", "")), Sign.HDLC),
    ],
)
def test_signs(data, sign):
    assert look(data, 300).sign is sign


@pytest.mark.parametrize("missing", [1, 3, 12])
def test_damaged_characters_are_counted(missing):
    data = bytearray(EVEN)
    for at in random.Random(5).sample(range(len(data)), missing):
        data[at] ^= 0x10
    seen = look(bytes(data), 300)
    assert (seen.sign, seen.damaged) == (Sign.WEAK, missing)


@pytest.mark.parametrize("encoded", [TEXT, EVEN])
@pytest.mark.parametrize(
    ("sent", "heard"),
    [(300, 2400), (1200, 2400), (300, 9600), (2400, 9600), (4800, 9600)]
    + [(9600, 115200), (57600, 115200), (300, 600), (300, 1200)],
)
def test_slower_text_tells_its_speed(encoded, heard, sent):
    seen = look(misread(encoded, sent, heard), heard)
    assert seen.sign is Sign.SPEED
    # from 16 times slower on each character is zeros
    assert sent in seen.speeds if heard < 16 * sent else seen.speeds[0] * 8 <= heard


def test_faster_text_is_no_text():
    for sent in (600, 1200, 4800, 9600):
        came = misread(EVEN * 4, sent, 300)
        seen = look(came, 300)
        assert len(came) > 4 and seen.sign in (Sign.NOISE, Sign.SPEED)
        assert not seen.speeds or sent in seen.speeds


def test_noise_is_noise():
    dice, wrong = random.Random(11), 0
    for _ in range(300):
        seen = look(dice.randbytes(dice.randint(12, 80)), 300)
        wrong += seen.sign is not Sign.NOISE
    assert wrong < 9


def test_several_answers_at_once():
    assert collision(b"/ABC5X/DEF5Y\r\n")
    assert not collision(b"/?!\r\n/ABC5X\r\n")


@pytest.mark.parametrize(
    ("came", "count"),
    [
        (b"/?!\r\n/ABC", 5),
        (b"\x00/?!\r\n/ABC", 6),
        (parity.add_even(b"/?!\r\n") + b"/ABC", 5),
        (b"\x7f?!\r\n/ABC", 5),  # one damaged character
        (b"/ABC5\r\n", 0),
        (b"/?!", 0),
        (b"", 0),
    ],
)
def test_echo(came, count):
    assert echoed(b"/?!\r\n", came) == count


def ascii_(count: int, strange: int) -> bytes:
    """So many characters without bit 7, of which some are none of text."""
    return b"1" * (count - strange) + b"\x0b" * strange


def even(count: int, wrong: int, odd_ones: bytes = b"\xb0") -> bytes:
    """The same with even parity (``1`` has bit 7), and some of wrong parity."""
    return b"\xb1" * (count - wrong) + odd_ones * wrong


@pytest.mark.parametrize(
    ("data", "sign", "damaged"),
    [
        (b"\xb1" * 3, Sign.EVEN, 0),
        (b"333", Sign.PLAIN, 0),
        (b"11\x0b", Sign.NOISE, 3),
        (b"\xb1\xb1\xb0", Sign.NOISE, 3),
        (b"\xb1\xb1\x8b", Sign.NOISE, 3),
        (even(4, 1), Sign.WEAK, 1),
        (ascii_(20, 0), Sign.PLAIN, 0),
        (ascii_(20, 1), Sign.WEAK, 1),
        (ascii_(20, 2), Sign.WEAK, 2),
        (even(20, 3, b"\x8b"), Sign.WEAK, 3),
        (even(20, 4, b"\x8b"), Sign.NOISE, 20),
        (even(20, 1), Sign.WEAK, 1),
        (even(20, 6), Sign.WEAK, 6),
        (even(20, 7), Sign.NOISE, 20),
        (even(20, 18), Sign.ODD, 0),
        (even(20, 17), Sign.NOISE, 20),
        (even(20, 18)[:-1] + b"\x0b", Sign.NOISE, 20),
        (b"\x80" + even(20, 0), Sign.EVEN, 0),
    ],
)
def test_how_much_damage_text_may_have(data: bytes, sign: Sign, damaged: int) -> None:
    seen = look(data, 300)
    assert (seen.sign, seen.damaged) == (sign, damaged)


@pytest.mark.parametrize(("count", "sign"), [(5, Sign.NOTHING), (6, Sign.NOISE)])
def test_glitches_are_nothing_unless_they_are_many(count: int, sign: Sign) -> None:
    dice = b"\x7f\x00\xff\x80\x7f\xff"
    assert look(dice[:count], 300).sign is sign


@pytest.mark.parametrize("count", [5, 6])
def test_a_speed_needs_six_characters(count: int) -> None:
    came = misread(b"\r\n" * 10, 300, 600)[:count]
    assert bool(speeds(came, 600)) is (count == 6)


@pytest.mark.parametrize(
    ("sent", "came", "count"),
    [
        (b"abcde", b"abcde/", 5),
        (b"abcde", b"xbcde", 5),
        (b"abcde", b"xxcde", 0),
        (b"abcd", b"abcd", 4),
        (b"abcd", b"xbcd", 0),
        (b"abcde", b"abcd", 0),
        (b"\0\0abcde", b"\0abcde", 6),
        (b"", b"abc", 0),
        (b"\0", b"abc", 0),
    ],
)
def test_how_much_of_it_is_an_echo(sent: bytes, came: bytes, count: int) -> None:
    assert echoed(sent, came) == count


def test_which_speeds_are_near(monkeypatch: pytest.MonkeyPatch) -> None:
    chances = dict.fromkeys(linesigns.SPEEDS, -9.0) | {300: -0.25, 9600: 0.0, 600: -1.0}
    monkeypatch.setattr(linesigns, "_model", lambda sent, heard: sent)
    monkeypatch.setattr(linesigns, "_likelihood", lambda data, sent: chances[sent])
    assert speeds(b"sixsix", 1200) == (9600, 300)
    assert speeds(b"sixsix", 9600) == (300,)
    dice = math.log(1 / 256) + linesigns._MARGIN
    chances.update(dict.fromkeys(linesigns.SPEEDS, -9.0) | {2400: dice})
    assert speeds(b"sixsix", 1200) == (2400,)
    chances[2400] = dice - 0.01
    assert speeds(b"sixsix", 1200) == ()
