"""Bytes into telegrams: frames, dialogue, identifications, lines, checks, parity."""

import random
import tracemalloc
from itertools import product

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from iecread.protocol import telegrams, units
from iecread.protocol.bcc import CheckKind, bcc, bcc_sum7, bcc_xor, crc16
from iecread.protocol.messages import Command
from iecread.protocol.parity import Parity, add_even
from iecread.protocol.telegrams import (
    BlockCheck,
    Telegram,
    TelegramDecoder,
    decode,
    slashed,
)

IDENT = b"/EXA5DEMO\r\n"
SUM7, XOR = CheckKind.SUM7, CheckKind.XOR


def frame(
    text: bytes, end: bytes = b"\x03", kind: CheckKind = XOR, spoil: int = 0
) -> bytes:
    return b"\x02" + text + end + bytes([bcc(text + end, kind) ^ spoil])


def push(lines: bytes, head: bytes = b"/EXA5P1\r\n\r\n", digits: str = "%04X") -> bytes:
    return (
        head + lines + b"!" + (digits % crc16(head + lines + b"!")).encode() + b"\r\n"
    )


def only(data: bytes, **options: object) -> Telegram:
    (telegram,) = decode(data, **options)  # type: ignore[arg-type]
    return telegram


def sets(telegram: Telegram) -> list[str]:
    """The data sets as sent; unchecked ones end in ``?``, malformed ones in ``#``."""
    return [
        one.address + one.brackets + "#" * one.malformed + "?" * (not one.checked)
        for one in telegram.data_sets
    ]


def names(found: list[Telegram]) -> list[str | None]:
    return [one.identification and one.identification.text for one in found]


# --- frames -----------------------------------------------------------------


def test_a_readout_in_mode_c() -> None:
    data = b"/?!\r\n" + IDENT + b"\x06050\r\n"
    found = only(data + frame(b"0.0.0(12)\r\n1.8.0(3*kWh)\r\n!\r\n"))
    assert found.identification and found.identification.text == "/EXA5DEMO"
    assert found.identification.to_bytes() == IDENT
    assert sets(found) == ["0.0.0(12)", "1.8.0(3*kWh)"]
    assert found[2:] == ((), BlockCheck.OK, True, "C")


# every check character that means something else elsewhere, and all others
@pytest.mark.parametrize("check", range(128))
def test_the_check_is_never_data(check: int) -> None:
    wanted = check ^ bcc(b"0.0.0()\x03")
    pairs = product(range(0x30, 0x7F), repeat=2)
    value = next(bytes(pair) for pair in pairs if bcc(bytes(pair)) == wanted)
    block = frame(b"0.0.0(" + value + b")")
    assert block[-1] == check
    for rest in (b"", b"1.8.0(1)\r\n", b"/ABC5x\r\n" + frame(b"1.8.0(1)")):
        found = decode(IDENT + block + rest)
        assert found[0].block_check is BlockCheck.OK
        assert found[0].data_sets[0].checked
        assert not any(one.text for one in found)
        registers = [one.address for telegram in found for one in telegram.data_sets]
        assert registers == ["0.0.0"] + ["1.8.0"] * bool(rest)


def test_dialogue_gives_no_registers() -> None:
    data = (
        b"/?00012!\r\n"
        + IDENT
        + b"\x06051\r\n"
        + Command("P0", b"(77)", kind=SUM7).to_bytes()
        + Command("P1", b"(12345678)").to_bytes()
        + b"\x06"
        + Command("R1", b"1.8.0()").to_bytes()
        + frame(b"1.8.0(1)")
        + Command("R1", b"2.8.0(1)").to_bytes()
        + b"\x15"
        + Command("R1", b"2.8.0(1)").to_bytes()
        + frame(b"(2)")
        + Command("W1", b"0.0.1(x)").to_bytes()
        + b"\x06"
        + Command("B0").to_bytes()
    )
    found = only(data)
    assert sets(found) == ["1.8.0(1)", "(2)"]
    assert found[2:] == ((), BlockCheck.OK, True, "C")


def test_a_command_that_was_damaged_is_no_wrong_check() -> None:
    command = Command("P1", b"(1)").to_bytes()
    spoilt = command[:-1] + bytes([command[-1] ^ 1])
    data = IDENT + spoilt + b"\x15" + command + b"\x06" + frame(b"1.8.0(1)")
    assert only(data).block_check is BlockCheck.OK


def test_soh_that_begins_no_command() -> None:
    for before in (b"\x01", b"\x01\x01", b"x\x01P"):
        found = only(IDENT + before + frame(b"1.8.0(1)"))
        assert (sets(found), found.text) == (["1.8.0(1)"], (before.decode(),))
    # a command whose name was damaged is dialogue all the same
    spoilt = Command("R1", b"1.8.0()").to_bytes().replace(b"R1", b"\xd21")
    assert sets(only(IDENT + spoilt + frame(b"1.8.0(1)"))) == ["1.8.0(1)"]


def test_a_frame_answered_with_nak_is_noise() -> None:
    good, bad = frame(b"1.8.0(1)\r\n!\r\n"), frame(b"1.8.0(7)\r\n!\r\n", spoil=1)
    for answer in (b"\x15", b"\x00\x7f\x15", b"\r\n\x15\x15"):
        found = only(IDENT + bad + answer + good)
        assert sets(found) == ["1.8.0(1)"]
        assert found[2:] == ((), BlockCheck.OK, True, "C")
    # what is answered otherwise, or not, is data
    assert sets(only(IDENT + bad + b"\x06" + good)) == ["1.8.0(7)?", "1.8.0(1)"]
    # the character behind ETX is the check, even where it is NAK
    assert sets(only(IDENT + b"\x021.8.0(7)\x03\x15" + good)) == [
        "1.8.0(7)?",
        "1.8.0(1)",
    ]


def test_blocks_are_joined() -> None:
    data = (
        IDENT
        + frame(b"(1)(CRC Ok)\r\n(2)(CRC Ok)", b"\x04")
        + b"\x06"
        + frame(b"(3)(CRC Ok)\r\n(4", b"\x04", spoil=1)
        + b"\x15"
        + frame(b"(3)(CRC Ok)\r\n(4", b"\x04")
        + b"\x06"
        + frame(b"4)(CRC Ok)")
    )
    found = only(data)
    assert sets(found) == ["(1)(CRC Ok)", "(2)(CRC Ok)(3)(CRC Ok)", "(44)(CRC Ok)"]
    assert found[2:] == ((), BlockCheck.OK, True, "C")


def test_a_wrong_block_spoils_the_lines_that_it_touches() -> None:
    parts = [b"a(1)\r\nb(", b"2)\r\nc(3)\r\nd(", b"4)\r\ne(5)\r\nf(", b"6)\r\n"]
    for wrong in range(4):
        blocks = [
            frame(part, b"\x03" if n == 3 else b"\x04", spoil=n == wrong)
            for n, part in enumerate(parts)
        ]
        found = only(IDENT + b"\x06".join(blocks))
        spoilt = ["ab", "bcd", "def", "f"][wrong]
        assert found.block_check is BlockCheck.BAD
        for one in found.data_sets:
            assert one.checked is (one.address not in spoilt)


def test_blocks_without_a_line_end_are_one_line() -> None:
    found = only(b"\x06".join(frame(c + b"(1)", b"\x04") for c in (b"a", b"b", b"c")))
    assert sets(found) == ["a(1)", "b(1)", "c(1)"]
    assert not found.complete  # no ETX
    cut = only(frame(b"a(1", b"\x04") + b"\x06" + frame(b"2", b"\x04") + b"\x06")
    assert (cut.text, cut.complete) == (("a(12",), False)
    # a block is joined only with another block
    found = only(frame(b"a(1", b"\x04") + b"\x03x" + frame(b"2)"))
    assert found.text == ("a(1", "2)")
    data = frame(b"a(1", b"\x04") + Command("R1", b"b()").to_bytes() + frame(b"b(2)")
    assert (sets(only(data)), only(data).text) == (["b(2)"], ("a(1",))


def test_stx_that_frames_nothing() -> None:
    # within an identification line
    found = only(b"/EXa5\x02DEMO\r\n\r\n0.0.0(1)\r\n!\r\n")
    assert found.identification and found.identification.text == "/EXa5\x02DEMO"
    assert (sets(found), found.text) == (["0.0.0(1)?"], ())
    assert found.block_check is BlockCheck.ABSENT
    # without ETX before the next identification
    block = frame(b"2.8.0(2)")
    found2 = decode(IDENT + b"\x021.8.0(1)\r\n" + b"/ABC5x\r\n" + block)
    assert [sets(one) for one in found2] == [["1.8.0(1)?"], ["2.8.0(2)"]]
    assert [one.block_check.value for one in found2] == ["absent", "ok"]
    assert found2[0].text == ("\x02",)
    # or at all
    found = only(IDENT + b"\x021.8.0(1)\r\n!\r\n")
    assert (sets(found), found.complete, found.mode) == (["1.8.0(1)?"], True, "C")
    # a slash in a bracket is no identification, nor at the beginning of a frame
    assert sets(only(IDENT + frame(b"/5(1)"))) == ["/5(1)"]
    found = only(IDENT + frame(b"0.3.3(250*imp/kWh)\r\n/?!\r\nx(1/2"))
    assert (sets(found), found.text) == (["0.3.3(250*imp/kWh)"], ("/?", "x(1/2"))


def test_further_stx_within_a_frame_is_noise() -> None:
    found = only(IDENT + frame(b"1.8.0(1)Y\x02\x02\x01\x00!\r\n"))
    assert (sets(found), found.text) == (["1.8.0(1)"], ("Y\x02\x02\x01",))


def test_end_of_a_frame_whose_beginning_is_lost() -> None:
    for check in (b"a", b"(", b"/", b"\x15", b"\x02", b"\n"):
        found = only(b".0(1)\r\n1.8.0(2)\r\n!\r\n\x03" + check)
        assert sets(found) == [".0(1)?", "1.8.0(2)?"]
        assert found[2:] == ((), BlockCheck.ABSENT, True, None)
    found = only(IDENT + b"1.8.0(2)\x03a")
    assert found[2:] == ((), BlockCheck.ABSENT, True, "C")
    both = decode(b"1.8.0(2)\r\n\x03/ABC5x\r\n1.8.0(3)\r\n")
    assert names(both) == [None, "/ABC5x"]


def test_missing_check() -> None:
    found = only(IDENT + b"\x021.8.0(1)\r\n!\r\n\x03")
    assert sets(found) == ["1.8.0(1)?"]
    assert (found.block_check, found.complete) == (BlockCheck.ABSENT, True)


# --- block checks -------------------------------------------------------------


def test_the_kind_is_settled_by_the_first_clean_frame() -> None:
    other = b"1.8.0(22)"
    assert bcc_xor(other + b"\x03") != bcc_sum7(other + b"\x03")
    for kind, name in ((XOR, "ok"), (SUM7, "ok-sum7")):
        stranger = SUM7 if kind is XOR else XOR
        clean = frame(b"0.0.0(11)", kind=kind)
        found = only(IDENT + clean + frame(other, kind=kind))
        assert found.block_check.value == name
        assert sets(found) == ["0.0.0(11)", "1.8.0(22)"]
        found = only(IDENT + clean + frame(other, kind=stranger))
        assert found.block_check.value == "bad"
        assert sets(found) == ["0.0.0(11)", "1.8.0(22)?"]
        # the next meter may have another kind
        found2 = decode(IDENT + clean + IDENT + frame(other, kind=stranger))
        assert [one.block_check.value for one in found2] != ["bad", "bad"]
        assert "bad" not in [one.block_check.value for one in found2]
    # a frame that fits both settles nothing
    either = next(
        text
        for n in range(10**6)
        for text in [b"0.0.0(%d)" % n]
        if bcc_xor(text + b"\x03") == bcc_sum7(text + b"\x03")
    )
    found = only(IDENT + frame(either) + frame(other, kind=SUM7))
    assert found.block_check.value == "ok-sum7"


@pytest.mark.parametrize(
    ("check", "kind", "spoil", "result"),
    [
        ("auto", XOR, 0, "ok"),
        ("auto", SUM7, 0, "ok-sum7"),
        ("auto", XOR, 1, "bad"),
        ("xor", XOR, 0, "ok"),
        ("xor", SUM7, 0, "bad"),
        ("sum7", SUM7, 0, "ok-sum7"),
        ("sum7", XOR, 0, "bad"),
        ("off", XOR, 0, "off"),
        ("off", XOR, 1, "off"),
    ],
)
def test_choice_of_check(check: str, kind: CheckKind, spoil: int, result: str) -> None:
    found = only(IDENT + frame(b"1.8.0(22)", kind=kind, spoil=spoil), check=check)
    assert found.block_check.value == result
    assert found.data_sets[0].checked is result.startswith("ok")


def test_bit_7_is_not_part_of_the_check() -> None:
    data = IDENT + frame(b"1.8.0(1)", spoil=0x80)
    assert only(data, parity=Parity.NONE).block_check is BlockCheck.OK


def test_no_such_check() -> None:
    with pytest.raises(ValueError, match="crc32"):
        TelegramDecoder(check="crc32")


def test_a_wrong_check_anywhere_is_bad() -> None:
    found = only(IDENT + frame(b"1.8.0(2)") + frame(b"2.8.0(2)", spoil=8))
    assert sets(found) == ["1.8.0(2)", "2.8.0(2)?"]
    assert found.block_check is BlockCheck.BAD


def test_only_what_a_check_covers_is_checked() -> None:
    found = only(IDENT + b"0.0.0(1)\r\n" + frame(b"1.8.0(2)") + b"2.8.0(2)\r\n")
    assert sets(found) == ["0.0.0(1)?", "1.8.0(2)", "2.8.0(2)?"]


# --- push telegrams -------------------------------------------------------------


def test_crc_of_a_push_telegram() -> None:
    lines = b"1-0:1.8.0(1*kWh)\r\n0-1:24.2.1(230101003000W)(2*m3)\r\n"
    found = only(push(lines))
    assert [one.checked for one in found.data_sets] == [True, True]
    assert found[2:] == ((), BlockCheck.OK, True, "D")
    wrong = only(push(lines).replace(b"(1*", b"(7*"))
    assert wrong.block_check is BlockCheck.BAD
    assert not any(one.checked for one in wrong.data_sets)
    off = only(push(lines), check="off")
    assert off.block_check is BlockCheck.OFF
    assert not any(one.checked for one in off.data_sets)
    assert only(push(lines)[:-2]) == found  # no final line end
    assert only(b"\r\n" + push(lines) + b"\r\n") == found


def test_crc_of_one_to_four_digits() -> None:
    for width, least, most in ((1, 0, 16), (2, 16, 256), (3, 256, 4096)):
        lines = next(
            line
            for n in range(10**6)
            for line in [b"1-0:1.8.0(%d*kWh)\r\n" % n]
            if least <= crc16(b"/EXA5P1\r\n\r\n" + line + b"!") < most
        )
        telegram = push(lines, digits="%X")
        assert len(telegram.partition(b"!")[2]) == width + 2
        assert only(telegram).block_check is BlockCheck.OK
        assert only(push(lines)).block_check is BlockCheck.OK  # with leading zeros
        assert only(push(lines, digits="%04x")).block_check is BlockCheck.OK
    assert only(b"/EXA5P1\r\n\r\n1(1)\r\n!12345\r\n").text == ("12345",)


def test_crc_runs_over_the_bytes_as_they_stand() -> None:
    telegram = push(b"a(1)\r\n\x00b(2)\x7f\r\n")
    assert sets(only(telegram)) == ["a(1)", "b(2)"]
    # a parity bit is not part of it
    spoilt = bytearray(add_even(push(b"a(1234)\r\nb(5678)\r\n")))
    spoilt[spoilt.index(add_even(b"5678"))] ^= 0x80
    assert sets(only(bytes(spoilt))) == ["a(1234)", "b(\ue035678)#"]
    # line ends changed on the way are not what was sent
    changed = telegram.replace(b"\r\n", b"\n")
    assert only(changed).block_check is BlockCheck.BAD


def test_crc_without_its_beginning() -> None:
    found = only(push(b"1.8.0(1)\r\n")[1:])
    assert found.identification is None
    assert (found.block_check, found.complete) == (BlockCheck.ABSENT, True)
    assert found.text == ("EXA5P1",)
    framed = only(IDENT + frame(b"1.8.0(1)\r\n") + b"!1234\r\n")
    assert framed.block_check is BlockCheck.OK
    # data behind the end are not covered; nor is a second end
    found = only(push(b"1.8.0(1)\r\n") + b"2.8.0(2)\r\n!1234\r\n")
    assert sets(found) == ["1.8.0(1)", "2.8.0(2)?"]
    assert found.block_check is BlockCheck.OK


def test_two_telegrams_on_one_line() -> None:
    one, two = push(b"1.8.0(1)\r\n"), push(b"1.8.0(2)\r\n", b"/EXB5P1\r\n\r\n")
    found = decode(one[:-2] + two)
    assert [sets(one) for one in found] == [["1.8.0(1)"], ["1.8.0(2)"]]


@pytest.mark.parametrize(
    ("data", "mode"),
    [
        (b"/EXA5x\r\n\r\n1(1)\r\n!\r\n", "D"),
        (b"/EXA5x\n\n1(1)\n!\n", "D"),
        (b"/EXA5x\r\n1(1)\r\n!\r\n", "C"),
        (b"/EXAEx\r\n1(1)\r\n!\r\n", "B"),
        (b"/EXA x\r\n1(1)\r\n!\r\n", "A"),
        (b"/EXA\r\n1(1)\r\n!\r\n", "A"),
        (b"/EXA5x\r\n\r\n" + frame(b"1(1)"), "C"),
        (b"/EXA5x\r\n\r\n\x06050\r\n1(1)\r\n", "C"),
        (b"/EXA5x\n\n\x021(1)\n\n!\n\n", "C"),  # every CR arrived as LF
        (push(b"1(1)\r\n", b"/EXA5x\r\n"), "D"),
        (b"1(1)\r\n", None),
    ],
)
def test_mode(data: bytes, mode: str | None) -> None:
    assert only(data).mode == mode


# --- identifications ------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "text"),
    [
        (b"\xef\xbf\xbdH", ("\xef\xbf\xbdH",)),
        (b"x\r\n", ("x",)),
        (b"\x7f\x7f\x00", ()),
        (b" ", ()),
        (b"\x00\x7f/?!\r\n", ()),
        (b"/?!", ()),
        (b"/2!\r\n/#1!\r\n/?AB 12!\r\n", ()),
        (b"xx/?12!\r\n", ("xx",)),
        (b"\x06", ()),
        (b"\x15", ()),
    ],
)
def test_before_an_identification(before: bytes, text: tuple[str, ...]) -> None:
    found = only(before + b"/EXA5DEMO\r\n1.8.0(1)\r\n")
    assert (names([found]), sets(found)) == (["/EXA5DEMO"], ["1.8.0(1)?"])
    assert found.text == text


@pytest.mark.parametrize(
    ("before", "sets_", "text"),
    [
        (b"1.8.0(1)\r\n", ["1.8.0(1)?"], ()),
        (b"1.8.0(1)!", ["1.8.0(1)?"], ()),
        (b"1.8.0(1)\r\n!12AB", ["1.8.0(1)?"], ()),
        (b"1.8.0(1)2.8.0(00", ["1.8.0(1)?"], ("2.8.0(00",)),
        (b"1.8.0(1)2.8.0(00/kWh", ["1.8.0(1)?"], ("2.8.0(00/kWh",)),
        (b"1.8.0(1)xy", ["1.8.0(1)?"], ("xy",)),
        (b"1.8.0(1)", ["1.8.0(1)?"], ()),
    ],
)
def test_an_identification_within_a_line(
    before: bytes, sets_: list[str], text: tuple[str, ...]
) -> None:
    for ident in (b"/EXA5DEMO", b"/MKS6<2>ADM(M550.2251)", b"/SIEC2WR5"):
        found = decode(before + ident + b"\r\n9(9)\r\n")
        assert names(found) == [None, ident.decode()]
        assert (sets(found[0]), found[0].text) == (sets_, text)
        assert found[0].complete is (b"!" in before)
        assert sets(found[1]) == ["9(9)?"]


def test_a_slash_that_begins_nothing() -> None:
    data = IDENT + b"0.3.3(250*imp/kWh)\r\n0.3.0(1*imp/kvarh\r\na/b\r\n!/\r\n"
    found = only(data)
    assert sets(found) == ["0.3.3(250*imp/kWh)?"]
    assert found.text == ("0.3.0(1*imp/kvarh", "a/b", "/")


def test_an_identification_is_never_data() -> None:
    found = only(b"/EXA5(1)(2)\r\n\r\n1.8.0(1)\r\n")
    assert (names([found]), sets(found)) == (["/EXA5(1)(2)"], ["1.8.0(1)?"])
    assert found.complete is False
    # at the beginning of a line it needs no letters
    assert names([only(b"/5\r\n1.8.0(1)\r\n")]) == ["/5"]
    assert names([only(b"/EX\x00A5\x7fD\r\n1.8.0(1)\r\n")]) == ["/EXA5D"]


def test_repeated_identifications() -> None:
    found = only(IDENT + IDENT + b"\x06050\r\n" + frame(b"1.8.0(1)"))
    assert found.text == ("/EXA5DEMO",)
    two = decode(b"1(1)\r\n/AAA5\r\nx\r\n/BBB5\r\n2(2)\r\n/CCC5\r\ny\r\n")
    assert names(two) == [None, "/BBB5"]
    assert [one.text for one in two] == [(), ("/AAA5", "x", "/CCC5", "y")]


def test_nothing_but_identifications() -> None:
    assert names(decode(b"/?!\r\n" + IDENT)) == ["/EXA5DEMO"]
    found = decode(b"x\r\n/AAA5\r\n/BBB5\r\ny\r\n")
    assert names(found) == ["/AAA5", "/BBB5"]
    assert [one.text for one in found] == [("x",), ("y",)]
    empty = only(IDENT + frame(b"!\r\n"))  # a list without anything in it
    assert empty[1:] == ((), (), BlockCheck.OK, True, "C")


def test_nothing_at_all() -> None:
    assert decode(b"") == []
    assert decode(b"\x00\r\n  \r\n\x06/?!\r\n\x15") == []
    assert only(b"hello\r\n\xff\r\n").text == ("hello", "\xff")


def test_an_identification_without_its_slash() -> None:
    line = b"EXB5DEMO_1071-0:0.0.0*255(12)1-0:1.8.0*255(3*kWh)!/"
    found = only(b"\x00\r\n" + line)
    assert found.identification
    assert found.identification.text == "EXB5DEMO_107"
    assert slashed(found.identification).manufacturer == "EXB"
    assert sets(found) == ["1-0:0.0.0*255(12)?", "1-0:1.8.0*255(3*kWh)?"]
    assert (found.text, found.complete) == (("/",), True)
    # only where the input begins so, and with three letters
    later = only(b"1(1)\r\n" + line)
    assert (later.identification, later.text) == (None, ("EXB5DEMO_107", "/"))
    digits = only(b"5DEMO_1071-0:0.0.0*255(12)")
    assert (digits.identification, digits.text) == (None, ("5DEMO_107",))


def test_data_before_the_first_identification() -> None:
    found = decode(b"1.8.0(1)\r\n!\r\n" + IDENT + b"2.8.0(2)\r\n")
    assert names(found) == [None, "/EXA5DEMO"]
    assert [one.complete for one in found] == [True, False]


def test_another_protocol_is_text() -> None:
    found = only(b"\x06252\r\n~\xa0\x07\x03\x21\x93\x0f\x01~\x1b\x1b\x01\x01")
    assert not found.data_sets and found.text


# --- lines ----------------------------------------------------------------------


def test_line_ends() -> None:
    for end in (b"\r\n", b"\n", b"\r", b"\n\n", b"\r\r\n", b"\n\r"):
        lines = [b"/EXA5x", b"", b"a(1)", b"(2)", b"b(3", b"c(4)", b"!"]
        found = only(end.join(lines))
        assert sets(found) == ["a(1)?", "(2)?", "c(4)?"]
        assert (found.text, found.complete) == (("b(3",), False)
        found = only(end.join([b"/EXA5x", frame(end.join(lines[2:]))]))
        assert (sets(found), found.text) == (["a(1)", "(2)", "c(4)"], ("b(3",))


def test_fill_characters_are_left_out() -> None:
    found = only(IDENT + frame(b"\x001.8\x7f.0(\x0012\x7f)\r\n\x00\r\n!\r\n"))
    assert (sets(found), found.text) == (["1.8.0(12)"], ())
    assert only(IDENT + b"1.\x008.0(1\x7f2)\r\n").data_sets[0][:2] == ("1.8.0", "(12)")


def test_control_characters_within_brackets() -> None:
    """Characters that would be structure elsewhere do not make another number."""
    for code in (1, 2, 3, 4, 6, 9, 21, 27):
        line = b"1.8.0(00%c12*kWh)" % code
        found = [only(IDENT + line + b"\r\n")]
        if code not in (3, 4):
            found.append(only(IDENT + frame(line)))
        for telegram in found:
            (one,) = telegram.data_sets
            assert one.malformed and not telegram.text
            assert one.brackets == f"(00{chr(code)}12*kWh)"


def test_latin_1() -> None:
    found = only(IDENT + frame(b"6:310_1.0(15.3*\xb0C)\r\nGr\xfc\xdfe\r\n"))
    assert (sets(found), found.text) == (["6:310_1.0(15.3*\xb0C)"], ("Gr\xfc\xdfe",))


def test_complete() -> None:
    assert not only(IDENT + b"1(1)\r\n").complete
    assert only(IDENT + b"1(1)!").complete
    assert only(IDENT + frame(b"1(1)")).complete
    assert not only(IDENT + frame(b"1(1)", b"\x04")).complete
    assert not only(IDENT + frame(b"1(1)\r\n2(\r\n!\r\n")).complete
    assert not only(IDENT + b"1(1!)\r\n").complete


# --- parity ---------------------------------------------------------------------


def test_even_parity_is_taken_off() -> None:
    plain = IDENT + frame(b"0.0.0(12)\r\n1.8.0(3*kWh)\r\n!\r\n")
    assert decode(add_even(plain)) == decode(plain)
    p1 = push(b"1-0:1.8.0(123*kWh)\r\n" * 9)
    assert decode(add_even(p1)) == decode(p1)
    assert decode(add_even(plain), parity=Parity.NONE) != decode(plain)
    assert decode(plain, parity=Parity.EVEN) != decode(plain)


def test_damaged_characters_are_never_structure() -> None:
    plain = IDENT + frame(b"0.0.0(1234567890)\r\n1.8.0(123*kWh)\r\n2.8.0(4)\r\n!\r\n")
    good = add_even(plain)
    for at in range(len(IDENT) + 1, len(plain) - 2):
        spoilt = bytearray(good)
        spoilt[at] ^= 0x80  # the parity bit alone: the block check sees nothing
        found = only(bytes(spoilt))
        assert found.block_check is BlockCheck.OK
        whole = sum(not one.malformed for one in found.data_sets)
        assert len(found.data_sets) - whole + bool(found.text) >= 1 or plain[at] in (
            b"\r\n!"
        )
        for one in found.data_sets:
            if not one.malformed:
                assert f"{one.address}{one.brackets}".encode() in plain
    spoilt = bytearray(good)
    spoilt[good.index(add_even(b"3*kWh"))] ^= 0x80
    (_, one, _) = only(bytes(spoilt)).data_sets
    assert one.malformed and one.groups[0] == ("123", "kWh")


def test_parity_is_found_out_from_the_beginning() -> None:
    plain = (IDENT + frame(b"0.0.0(12)\r\n1.8.0(3*kWh)\r\n!\r\n")) * 4000
    assert len(plain) > 2 * units.PARITY_SAMPLE
    decoder = TelegramDecoder()
    found = []
    for at in range(0, len(plain), 4001):
        found += decoder.feed(add_even(plain[at : at + 4001]))
    found += decoder.finish()
    assert found == decode(plain)


# --- streams --------------------------------------------------------------------

PIECES = st.one_of(
    st.sampled_from(
        [
            *(b"/EXA5abc\r\n", b"/EX", b"/", b"\x06050\r\n", b"\x06", b"\x15"),
            *(b"\x02", b"\x03", b"\x04", b"\x01", b"\x00\x7f", b"\r", b"\n", b"!"),
            *(b"/?!\r\n", b"/?12!", b"1.8.0(12", b"abc", b"((1*m3))(2)", b"x(1)!"),
            *(b"1.8.0(123.4*kWh)\r\n", b"1-0:1.6.0(1*kW)(2211200730)\n", b"(1)(2)\r"),
            *(
                b"0.3.3(2*imp/kWh)",
                b"EXB5x1-0:1.8.0(5)",
                b"/MKS6<2>A(M5)\r\n",
                b"!/EXC5",
            ),
            Command("R1", b"1.8.0()").to_bytes(),
            frame(b"1.8.0(5)"),
            frame(b"1.8.0(5)", spoil=1),
            frame(b"1.8.0(6)", kind=SUM7),
            frame(b"(1)(2)\r\n(3", b"\x04"),
            frame(b")(4)\r\n!\r\n"),
            push(b"1(1)\r\n"),
        ]
    ),
    st.binary(max_size=4),
)
STREAMS = st.lists(PIECES, max_size=14).map(b"".join)


def in_pieces(data: bytes, sizes: list[int], **options: object) -> list[Telegram]:
    decoder = TelegramDecoder(**options)  # type: ignore[arg-type]
    found, at = [], 0
    for size in sizes * len(data):
        found += decoder.feed(data[at : at + size])
        at += size
        if at >= len(data):
            break
    return found + decoder.finish()


@settings(max_examples=300)
@given(
    STREAMS,
    st.lists(st.integers(1, 30), min_size=1, max_size=5),
    st.sampled_from([None, Parity.NONE, Parity.EVEN]),
)
@example(b"\x02/ABC5x\r\n1(1)\r\n\x03a", [1], Parity.NONE)
@example(b"/AAA5\r\r1(1)\r!0000/BBB5\n2(2)\n", [1], Parity.NONE)
def test_any_cut_gives_the_same(
    data: bytes, sizes: list[int], parity: Parity | None
) -> None:
    whole = decode(data, parity=parity)
    assert in_pieces(data, sizes, parity=parity) == whole
    assert in_pieces(data, [1], parity=parity) == whole


@settings(max_examples=300)
@given(STREAMS, st.integers(20, 90), st.lists(st.integers(1, 30), min_size=1))
def test_any_cut_gives_the_same_where_it_is_too_long(
    data: bytes, limit: int, sizes: list[int]
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(units, "LIMIT", limit)
        whole = decode(data)
        assert in_pieces(data, sizes, parity=Parity.NONE) == decode(
            data, parity=Parity.NONE
        )
        assert in_pieces(data, sizes) == whole


@settings(max_examples=300)
@given(STREAMS, st.booleans())
def test_nothing_raises_and_nothing_is_checked_by_chance(
    data: bytes, even: bool
) -> None:
    for telegram in decode(add_even(data) if even else data):
        for one in telegram.data_sets:
            assert one.groups and "(" not in one.address
            if one.checked:
                assert telegram.block_check is not BlockCheck.ABSENT


@given(st.binary(max_size=400))
def test_noise(data: bytes) -> None:
    decode(data)


def test_a_telegram_is_handed_out_when_the_next_has_data() -> None:
    decoder = TelegramDecoder(parity=Parity.NONE)
    assert decoder.feed(push(b"1(1)\r\n")) == []
    assert decoder.feed(b"noise\r\n/EXA5P1\r\n\r\n") == []
    (first,) = decoder.feed(b"1(2)\r\n2")
    assert (sets(first), first.text) == (["1(1)"], ("noise",))
    (second,) = decoder.finish()
    assert sets(second) == ["1(2)?"]
    # a slash within a frame does not put that off
    decoder = TelegramDecoder(parity=Parity.NONE)
    more = IDENT + frame(b"1.8.0(1)") + b"more" * 30
    (first,) = decoder.feed(IDENT + frame(b"0.0.0(A/B)") + more)
    assert sets(first) == ["0.0.0(A/B)"]


PERIODIC = push(b"".join(b"1-0:%d.7.0(%06d*kW)\r\n" % (n, n) for n in range(30)))


@pytest.mark.parametrize(
    "unit",
    [
        PERIODIC,
        PERIODIC.replace(b"\r\n\r\n", b"\r\n\x02", 1),  # STX without ETX
        IDENT + frame(b"1.8.0(1)\r\n" * 90),
        random.Random(1).randbytes(40000),
        b"1.8.0(1)\r\n",
        b"/ABC\n",
        b"/",
        b"(",
        b"!",
        b"\x02",
        b"\x02/",
        b"\x00",
        b"\x06",
        b"a b ",
    ],
)
def test_memory_is_bounded(unit: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    limit = 1 << 14
    monkeypatch.setattr(units, "LIMIT", limit)
    piece = (unit * (4096 // len(unit) + 1))[: max(4096, len(unit))]
    decoder = TelegramDecoder(parity=Parity.NONE)
    tracemalloc.start()
    try:
        for _ in range(10 * limit // len(piece)):
            decoder.feed(piece)
        now, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert now < 80 * limit
    assert len(decoder.finish()) <= 2 + telegrams._MOST_HEADS


def test_what_is_too_long_is_handed_out_in_parts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(units, "LIMIT", 100)
    found = decode(IDENT + b"1.8.0(1)\r\n" * 30 + b"!\r\n")
    assert names(found) == ["/EXA5DEMO", None, None, None]
    assert [one.complete for one in found] == [False, False, False, True]
    assert sum(len(one.data_sets) for one in found) == 30
    found = decode(IDENT + frame(b"1.8.0(1)\r\n") * 30)
    assert [len(one.data_sets) for one in found] == [7, 7, 7, 7, 2]
    assert {one.block_check for one in found} == {BlockCheck.OK}
    assert decode(IDENT + frame(b"1.8.0(1)\r\n" * 11))[0].text == ("\x02",)


@pytest.mark.parametrize(
    ("limit", "said"), [(97, BlockCheck.OK), (96, BlockCheck.ABSENT)]
)
def test_how_long_a_telegram_may_be_that_a_crc_vouches_for(
    limit: int, said: BlockCheck, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(units, "LIMIT", limit)
    data = push(b"1.8.0(1)\r\n" * 8)
    assert len(data) == 98  # with its last line end
    for found in (decode(data), in_pieces(data, [1]), in_pieces(data, [60])):
        assert [one.block_check for one in found] == [said]
