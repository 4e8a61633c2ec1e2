"""The receiver: where messages begin and end, in any cut, bounded, searched once."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_bcc import AWKWARD
from wire import framed

from iecread.errors import RemoteProtocolError
from iecread.protocol import parity
from iecread.protocol.parity import Parity
from iecread.protocol.receiver import (
    DATA_LIMIT,
    GLITCH_LIMIT,
    NOISE_LIMIT,
    Kind,
    Receiver,
    TooMuch,
)

BLOCK = framed(b"0.0.0(12345678)\r\n1.8.0(001234.5*kWh)\r\n!\r\n")
LINES = b"0.0.0(12345678)\r\n6.8(00017.21*GJ)\r\n!\r\n"


def cuts(data: bytes, sizes: Sequence[int]) -> list[bytes]:
    """``data`` in pieces of these sizes, the rest in one."""
    pieces, at = [], 0
    for size in sizes:
        pieces.append(data[at : at + size])
        at += size
    return [piece for piece in [*pieces, data[at:]] if piece]


def pieces_of(data: bytes) -> list[list[bytes]]:
    """``data`` whole, byte by byte, and cut once at each place."""
    once = [cuts(data, [at]) for at in range(1, len(data))]
    return [[data], cuts(data, [1] * len(data)), *once]


# --- identification ----------------------------------------------------------


def identify(
    pieces: list[bytes], parity_: Parity | None = None, *, silent: bool = False
) -> tuple[str | None, bytes, int, int]:
    """Text, raw bytes, noise, and bytes that are left behind the identification."""
    receiver = Receiver(parity_)
    found = None
    for piece in pieces:
        receiver.feed(piece)
        found = found or receiver.identification(silent=False)
    if silent and not found:
        found = receiver.identification(silent=True)
    text, raw = (found[0].text, found[1]) if found else (None, b"")
    return text, raw, receiver.noise, len(receiver)


@pytest.mark.parametrize(
    ("data", "text", "noise"),
    [
        (b"/EXA5DEMO\r\n", "/EXA5DEMO", 0),
        (b"/EXA5DEMO\n", "/EXA5DEMO", 0),
        (b"/EXA5DEMO\rx", "/EXA5DEMO", 0),
        (b"/exa DEMO \r\n", "/exa DEMO ", 0),
        (rb"/EXA5\@\2DEMO" + b"\r\n", r"/EXA5\@\2DEMO", 0),
        (b"/MKS6<2>ADM(M550.2251)\r\n", "/MKS6<2>ADM(M550.2251)", 0),
        (b"\0\xff/EXA5DEMO\r\n", "/EXA5DEMO", 2),
        (b"\x15\x03ab/x/EXA5DEMO\r\n", "/EXA5DEMO", 6),
        (b"a line of noise\r\nand/or another\r\n/EXA5DEMO\r\n", "/EXA5DEMO", 33),
        (b"/?!\r\n/EXA5DEMO\r\n", "/EXA5DEMO", 5),
        (b"/?ABCDEF!\r\n/EXA5DEMO\r\n", "/EXA5DEMO", 11),
        (b"/EXA5DE/EXA5DEMO\r\n", "/EXA5DEMO", 7),  # it began again
        (b"\x06050\r\n/EXA5DEMO\r\n", "/EXA5DEMO", 6),
    ],
)
def test_an_identification_in_any_cut(data: bytes, text: str, noise: int) -> None:
    for pieces in pieces_of(data):
        found = identify(pieces)
        assert (found[0], found[2]) == (text, noise), pieces
        assert found[1].strip(b"\r\n") == text.encode("latin-1")


@pytest.mark.parametrize(
    ("data", "text"),
    [(b"/EXA5DEMO", "/EXA5DEMO"), (b"/EXA5DEMO\r", "/EXA5DEMO"), (b"\0/EXA", "/EXA")],
)
def test_a_missing_line_end_is_silence(data: bytes, text: str) -> None:
    for pieces in pieces_of(data):
        assert identify(pieces)[0] is None
        assert identify(pieces, silent=True)[0] == text


@pytest.mark.parametrize(
    "data", [b"", b"/EX", b"noise", b"//..//\r\n", b"/12A5\r\n", b"/EXA\x155\r\n"]
)
def test_what_is_no_identification(data: bytes) -> None:
    assert identify([data], silent=True)[0] is None


def test_data_behind_it_stay() -> None:
    text, raw, noise, left = identify([b"/EXAXDEMO-A1\r\n" + BLOCK])
    assert (text, raw) == ("/EXAXDEMO-A1", b"/EXAXDEMO-A1\r\n")
    assert (noise, left) == (0, len(BLOCK))


def test_data_in_the_same_line_stay() -> None:
    for pieces in pieces_of(b"/EXAXDEMO-A1\x020.0.0(1)\r\n"):
        text, raw, _, left = identify(pieces)
        assert (text, raw, left) == ("/EXAXDEMO-A1", b"/EXAXDEMO-A1", 11)


def test_an_stx_in_its_text_does_not_end_it() -> None:
    assert identify([b"/ISk5\\2MT382-10\x0200\r\n"])[0] == "/ISk5\\2MT382-10\x0200"


class TestParityOfIdentification:
    LINE = parity.add_even(b"/EXA5DEMO-C2\r\n")

    def test_found_out(self) -> None:
        receiver = Receiver()
        receiver.feed(self.LINE)
        found = receiver.identification(silent=False)
        assert found and found[0].text == "/EXA5DEMO-C2" and found[1] == self.LINE
        assert receiver.parity is Parity.EVEN

    def test_found_out_that_there_is_none(self) -> None:
        receiver = Receiver()
        receiver.feed(b"/EXA5DEMO-C2\r\n\xb1")
        assert receiver.identification(silent=False)
        assert receiver.parity is Parity.NONE
        assert receiver.rest() == b"\xb1"

    @pytest.mark.parametrize("at", range(5))
    @pytest.mark.parametrize("bit", [1, 0x40, 0x80])
    def test_maker_and_speed_must_be_undamaged(self, at: int, bit: int) -> None:
        line = bytearray(self.LINE)
        line[at] ^= bit
        receiver = Receiver()
        receiver.feed(bytes(line))
        found = receiver.identification(silent=True)
        assert found is None
        assert receiver.garbled and receiver.parity is None

    def test_damage_behind_them_does_not_matter(self) -> None:
        line = bytearray(self.LINE)
        line[7] ^= 1
        receiver = Receiver()
        receiver.feed(bytes(line))
        assert receiver.identification(silent=False)

    def test_what_was_said_is_not_doubted(self) -> None:
        assert identify([b"/EXA5DEMO\r\n"], Parity.EVEN)[0] is None
        assert identify([self.LINE], Parity.NONE)[0] is None


class TestNoiseBeforeIt:
    def test_bounded(self) -> None:
        receiver = Receiver()
        with pytest.raises(TooMuch):
            for _ in range(100_000):
                receiver.feed(b"n")
                assert receiver.identification(silent=False) is None
        assert receiver.noise + len(receiver) <= NOISE_LIMIT + 1

    @pytest.mark.parametrize("more", [0, 1])
    def test_a_line_of_noise_may_be_so_long(self, more: int) -> None:
        data = b"/EXA5DEMO\r\n".rjust(NOISE_LIMIT + more, b"n")
        for pieces in ([data], cuts(data, [1] * len(data)), cuts(data, [1000, 20])):
            if more:
                with pytest.raises(TooMuch):
                    identify(pieces)
            else:
                assert identify(pieces)[0] == "/EXA5DEMO"

    @given(st.lists(st.integers(1, 300), max_size=12), st.data())
    def test_the_bound_does_not_depend_on_cuts(
        self, lengths: list[int], draw: st.DataObject
    ) -> None:
        data = b"".join(b"n" * (n - 1) + b"\n" for n in lengths) + b"/EXA5DEMO\r\n"
        sizes = draw.draw(st.lists(st.integers(1, 400), max_size=30))

        def outcome(pieces: list[bytes]) -> object:
            try:
                return identify(pieces)
            except TooMuch:
                return TooMuch

        assert outcome([data]) == outcome(cuts(data, sizes))
        assert outcome([data]) == outcome(cuts(data, [1] * len(data)))


# --- data --------------------------------------------------------------------

Found = list[tuple[Kind, bytes]]


def receive(
    pieces: list[bytes], *, silent: bool = False
) -> tuple[Found, list[bytes], int]:
    """Messages, data lines, and noise that a receiver makes of these pieces."""
    receiver = Receiver(Parity.NONE)
    messages: Found = []
    lines: list[bytes] = []
    for at, piece in enumerate(pieces, 1):
        receiver.feed(piece)
        last = silent and at == len(pieces)
        while True:
            lines += receiver.lines()
            found = receiver.message(silent=False)
            if not found and last:
                found = receiver.message(silent=True)
            if not found:
                break
            messages.append(found)
    return messages, lines, receiver.noise


def same_in_all_cuts(data: bytes, *, silent: bool = False) -> Found:
    """What comes of ``data``, which is the same whole, in bytes, and cut once."""
    wanted = receive([data], silent=silent)
    for pieces in pieces_of(data):
        assert receive(pieces, silent=silent) == wanted, pieces
    return wanted[0]


@pytest.mark.parametrize(("text", "check"), AWKWARD)
@pytest.mark.parametrize("behind", [b"", b"\x03", b"\r\n", b"\x02"])
def test_the_check_character_may_be_anything(
    text: str, check: int, behind: bytes
) -> None:
    block = b"\x02" + text.encode() + bytes([3, check])
    assert same_in_all_cuts(block + behind)[0] == (Kind.BLOCK, block)


@pytest.mark.parametrize("check", list(b"\x02\x03\x04\x15\x01/!\r\n\x00\x7f") + [0xFF])
@pytest.mark.parametrize("end", [3, 4])
def test_one_character_behind_the_end_whatever_it_is(check: int, end: int) -> None:
    block = b"\x020.0.0(1)\r\n" + bytes([end, check])
    kind = Kind.BLOCK if end == 3 else Kind.PART
    assert same_in_all_cuts(block + BLOCK) == [(kind, block), (Kind.BLOCK, BLOCK)]


@pytest.mark.parametrize(
    "noise", [b"\0", b"\xff\0\x7f", b"\x15", b"x(", b"\x060", b"\x10(a)\x03", b"\r\n"]
)
def test_glitches_before_stx(noise: bytes) -> None:
    assert same_in_all_cuts(noise + BLOCK) == [(Kind.BLOCK, BLOCK)]


def test_an_stx_within_the_block_belongs_to_it() -> None:
    block = b"\x020.0.0(\x02)\r\n\x03z"
    assert same_in_all_cuts(block) == [(Kind.BLOCK, block)]


@pytest.mark.parametrize(
    "data",
    [
        LINES,
        b"0.0.0(1)6.8(2*GJ)\r\n!\r\n",
        b"0.0.0(1)\n!\n",
        b"0.0.0(1)\r\n6.31(0109868*h)!\r\n",  # "!" right behind ")"
        b"0.0.0(1)\r\n6.31(0109868*h) !\r\n",
        b"0.0.0(1)\r\n!1A2B\r\n",
        b"METER OF MINE\r\n\r\n0.0.0(1)\r\n!\r\n",  # a banner before
        b"!\r\n",  # an empty list
        b"0.0.0(a!b)\r\n!\r\n",  # "!" in a value ends nothing
        b"0.0.0(a)!x(b)\r\n!\r\n",
    ],
)
def test_a_readout_without_a_frame_ends_in_silence(data: bytes) -> None:
    assert receive([data])[0] == []
    assert same_in_all_cuts(data, silent=True) == [(Kind.LINES, data)]


@pytest.mark.parametrize("data", [LINES[:-2], LINES[:-1], b"0.0.0(1)\r\n!12AB"])
def test_its_last_line_end_may_be_missing(data: bytes) -> None:
    assert same_in_all_cuts(data, silent=True) == [(Kind.LINES, data)]


@pytest.mark.parametrize("data", [LINES[:-3], LINES[:20], b"0.0.0(1)\r\n!(\r\n"])
def test_without_its_end_it_is_not_over(data: bytes) -> None:
    assert same_in_all_cuts(data, silent=True) == []


def test_it_is_over_when_something_else_follows() -> None:
    for behind in (b"n", b"\0", b"\r\nn", b"/EXA"):
        assert same_in_all_cuts(LINES + behind) == [(Kind.LINES, LINES)]


def test_line_ends_behind_it_are_waited_for_but_not_for_ever() -> None:
    assert receive([LINES + b"\r\n" * 4])[0] == []
    assert same_in_all_cuts(LINES + b"\r\n" * 5) == [(Kind.LINES, LINES)]


@pytest.mark.parametrize("between", [b"", b"\r\n", b"\r\n\r\n"])
def test_an_etx_behind_it_shows_that_the_stx_was_lost(between: bytes) -> None:
    data = LINES + between + b"\x03z"
    assert same_in_all_cuts(data) == [(Kind.LOST_START, data)]


def test_an_etx_within_it_too() -> None:
    data = b"0.0.0(1)\r\n0.\x031"
    assert same_in_all_cuts(data) == [(Kind.LOST_START, data)]


def test_an_etx_without_its_check_in_silence() -> None:
    data = LINES + b"\x03"
    assert receive([data])[0] == []
    assert same_in_all_cuts(data, silent=True) == [(Kind.LOST_START, data)]


def test_unprintable_noise_before_data_without_a_frame() -> None:
    data = b"\x11x\x80 0.0.0(1)\r\n!\r\n"
    assert same_in_all_cuts(data, silent=True) == [(Kind.LINES, data[3:])]


def test_nak_counts_only_alone_and_in_silence() -> None:
    for nak in (b"\x15", b"\0\x15", b"\x15\xff"):
        receiver = Receiver(Parity.NONE)
        receiver.feed(nak)
        assert receiver.refused
        assert receiver.message(silent=False) is None
        assert receiver.message(silent=True) == (Kind.NAK, nak)
        assert not receiver.refused
    receiver.feed(b"\x15\x15")
    assert not receiver.refused and receiver.message(silent=True) is None


def test_a_break_in_place_of_data() -> None:
    assert same_in_all_cuts(b"\x01B0\x03q") == [(Kind.BREAK, b"\x01B0\x03q")]
    assert receive([b"\x01B0\x03"], silent=True)[0] == []
    for behind in (LINES, BLOCK):
        found = same_in_all_cuts(b"\x01B0\x03q" + behind, silent=True)
        assert found[0] == (Kind.BREAK, b"\x01B0\x03q") and found[1][1] == behind


def test_an_error_message_is_a_block() -> None:
    block = framed(b"(ER01)")
    assert same_in_all_cuts(block) == [(Kind.BLOCK, block)]


FRAGMENTS = [
    *(bytes([c]) for c in b"\x01\x02\x03\x04\x06\x15\0\r\n!/()*1"),
    b"\r\n",
    b"0.0.0(1)",
    b"1.8.0(001234.5*kWh)\r\n",
    b"!\r\n",
    b"\x01B0\x03q",
    b"/EXA5DEMO\r\n",
    b"\xff\x80",
    BLOCK,
]


@given(st.lists(st.sampled_from(FRAGMENTS), max_size=14), st.data())
def test_the_same_messages_in_any_cut(
    fragments: list[bytes], draw: st.DataObject
) -> None:
    data = b"".join(fragments)
    sizes = draw.draw(st.lists(st.integers(1, 9), max_size=40))

    def outcome(pieces: list[bytes]) -> Found:
        return receive(pieces, silent=True)[0]

    assert outcome(cuts(data, sizes)) == outcome([data])
    assert outcome(cuts(data, [1] * len(data))) == outcome([data])


@given(st.binary(max_size=300), st.booleans())
def test_any_bytes_raise_at_most_that_it_is_too_much(data: bytes, even: bool) -> None:
    receiver = Receiver(Parity.EVEN if even else None)
    kept = 0
    for at in range(0, len(data), 7):
        receiver.feed(data[at : at + 7])
        kept += 7
        receiver.identification(silent=at % 3 == 0)
        receiver.lines()
        receiver.message(silent=at % 2 == 0)
        receiver.closed()
        assert len(receiver) <= kept


class TestLines:
    def test_each_once_and_whole(self) -> None:
        _, lines, _ = receive([BLOCK])
        assert lines == [b"0.0.0(12345678)", b"1.8.0(001234.5*kWh)"]
        same_in_all_cuts(BLOCK)

    def test_line_ends_of_all_kinds(self) -> None:
        data = b"\x02a(1)\rb(2)\nc(3)\r\n\r\nd(4)\n\r!\r\n"
        for pieces in pieces_of(data):
            assert receive(pieces)[1] == [b"a(1)", b"b(2)", b"c(3)", b"d(4)"]

    @pytest.mark.parametrize("check", [0x0A, 0x0D])
    def test_the_check_character_ends_none(self, check: int) -> None:
        for data in (b"\x020.0.0(00008)\x03", b"\x02a(1)\r\n!\r\n\x03"):
            for pieces in pieces_of(data + bytes([check])):
                assert all(b"\x03" not in line for line in receive(pieces)[1])
        assert receive([b"\x020.0.0(00008)\x03\x0a"])[1] == []

    def test_none_behind_the_end_of_a_readout_without_a_frame(self) -> None:
        receiver = Receiver(Parity.NONE)
        receiver.feed(LINES + b"noise(1)\r\n")
        assert receiver.lines() == [b"0.0.0(12345678)", b"6.8(00017.21*GJ)"]
        assert receiver.message(silent=False) == (Kind.LINES, LINES)


@pytest.mark.parametrize("size", [1, 100, 65536])
class TestBounds:
    def test_bytes_that_are_no_data(self, size: int) -> None:
        receiver = Receiver(Parity.NONE)
        with pytest.raises(TooMuch):
            for _ in range(2 * GLITCH_LIMIT // size + 2):
                receiver.feed(b"\x10" * size)
                receiver.message(silent=False)
        assert len(receiver) <= GLITCH_LIMIT + size

    def test_an_stx_comes_too_late(self, size: int) -> None:
        for before, found in ((GLITCH_LIMIT, True), (GLITCH_LIMIT + 1, False)):
            data = b"\x10" * before + BLOCK
            pieces = cuts(data, [size] * (len(data) // size))
            if found:
                assert receive(pieces)[0] == [(Kind.BLOCK, BLOCK)]
            else:
                with pytest.raises(TooMuch):
                    receive(pieces)


@pytest.mark.parametrize("start", [b"\x02", b"0.0.0(1)\r\n"])
def test_a_block_without_an_end(start: bytes) -> None:
    receiver = Receiver(Parity.NONE)
    receiver.feed(start)
    with pytest.raises(TooMuch, match="without an end"):
        for _ in range(2 * DATA_LIMIT // 1000):
            receiver.feed(b"1.8.0(0)\r\n" * 100)
            receiver.lines()
            receiver.message(silent=False)
    assert len(receiver) <= DATA_LIMIT + 1000 + len(start)


@pytest.mark.parametrize("size", [DATA_LIMIT, DATA_LIMIT + 1])
def test_the_longest_block_does_not_depend_on_cuts(size: int) -> None:
    block = framed(b"1" * (size - 3))
    for pieces in ([block], cuts(block, [size - 1]), cuts(block, [70_000] * 14)):
        if size > DATA_LIMIT:
            with pytest.raises(TooMuch):
                receive(pieces)
        else:
            assert receive(pieces)[0] == [(Kind.BLOCK, block)]


@pytest.mark.parametrize(
    "data",
    [
        b"(a)" * 1300,
        b"(" * 4000,
        b"\r" * 4000,
        b"\r\n" * 2000,
        b" \r" * 2000,
        b"a(\r" * 1300,
        b"0.0.0(1)\r\n" + b"!" * 50_000,
        b"0.0.0(1)\r\n" + b"\r!(" * 15_000,
        b"0.0.0(1)\r\n!" + b"x" * 50_000,
        b"0.0.0(1)\r\n" + b"1.8.0(0)\r\n" * 5000,
        b"0.0.0(1)\r\n" + b"1.8.0(0)" * 6000,
        b"\x02" + b"1.8.0(0)\r\n" * 5000,
        b"\x02" + b"1.8.0(0)" * 6000,
    ],
)
def test_no_bytes_take_for_ever_byte_by_byte(data: bytes) -> None:
    # searching again from the start at each byte would take minutes, and repeats
    # within repeats years; what it costs is measured in tests/bench/receiver.py
    assert receive([data]) == receive(cuts(data, [1] * len(data)))


# --- telegrams that come unasked ---------------------------------------------

P1 = (
    b"/EXA5DEMO-P1\r\n\r\n1-3:0.2.8(50)\r\n0-0:1.0.0(240601120000S)\r\n"
    b"1-0:1.8.1(001234.567*kWh)\r\n1-0:1.7.0(00.412*kW)\r\n"
    b"0-1:24.2.1(240601115500S)(00123.456*m3)\r\n!7FCD\r\n"
)
SHORT = b"/ESY5Q3DA1024 V3.03\r\n\r\n1-0:0.0.0*255(1)\r\n!\r\n"


def telegrams(pieces: list[bytes], *, silent: bool = False) -> tuple[list[bytes], int]:
    receiver = Receiver()
    found = []
    for piece in pieces:
        receiver.feed(piece)
        while (raw := receiver.telegram(silent=False)) is not None:
            found.append(raw)
    if silent:
        while (raw := receiver.telegram(silent=True)) is not None:
            found.append(raw)
    return found, receiver.noise


def telegrams_in_all_cuts(data: bytes, *, silent: bool = False) -> list[bytes]:
    wanted = telegrams([data], silent=silent)
    for pieces in pieces_of(data):
        assert telegrams(pieces, silent=silent) == wanted, pieces
    return wanted[0]


@pytest.mark.parametrize("telegram", [P1, SHORT])
@pytest.mark.parametrize(
    "before", [b"", b"\0\xff", b"rest of one)\r\n!1234\r\n", b"//"]
)
def test_a_telegram(telegram: bytes, before: bytes) -> None:
    assert telegrams_in_all_cuts(before + telegram) == [telegram]


def test_two_telegrams_in_one_read() -> None:
    assert telegrams_in_all_cuts(P1 + SHORT + P1) == [P1, SHORT, P1]


def test_noise_between_two() -> None:
    found, noise = telegrams([P1 + b"\xff\0x" + SHORT])
    assert (found, noise) == ([P1, SHORT], 3)


@pytest.mark.parametrize("end", [b"!7FCD", b"!"])
def test_a_missing_line_end_behind_the_crc(end: bytes) -> None:
    cut = P1.removesuffix(b"!7FCD\r\n") + end
    assert telegrams_in_all_cuts(cut + SHORT) == [cut, SHORT]
    assert telegrams_in_all_cuts(cut) == []
    assert telegrams_in_all_cuts(cut, silent=True) == [cut]


def test_one_that_was_broken_off_is_noise() -> None:
    assert telegrams_in_all_cuts(P1[:60] + b"\r\n" + SHORT) == [SHORT]
    found, noise = telegrams([P1[:60] + b"\r\n" + SHORT])
    assert noise == 62


def test_a_slash_within_begins_none() -> None:
    one = b"/EXA5A\r\n\r\n0.0.0(m/EXA)\r\n1.0(a) /EXA\r\n!\r\n"
    assert telegrams_in_all_cuts(one) == [one]


def test_telegrams_are_bounded() -> None:
    receiver = Receiver()
    for _ in range(DATA_LIMIT // 500 + 100):
        receiver.feed(b"/EXA5" + b"1.8.0(0)x" * 200)
        assert receiver.telegram(silent=False) is None
        assert len(receiver) <= DATA_LIMIT + 2000
    receiver.clear()
    receiver.feed(b"x" * 100_000)
    assert receiver.telegram(silent=False) is None
    assert len(receiver) <= 3


PIECES = [P1, SHORT, P1[:40], b"\r\n", b"!", b"/EXA5", b"/", b"1(2)", b"\0", b"!AB12"]
PIECES += [b"\xff!", b"noise"]


@given(st.lists(st.sampled_from(PIECES), max_size=10), st.data())
def test_the_same_telegrams_in_any_cut(
    fragments: list[bytes], draw: st.DataObject
) -> None:
    data = b"".join(fragments)
    sizes = draw.draw(st.lists(st.integers(1, 30), max_size=40))
    whole = telegrams([data])
    assert telegrams(cuts(data, sizes)) == whole
    assert telegrams(cuts(data, [1] * len(data))) == whole


# --- another protocol --------------------------------------------------------


def test_sml_is_named_in_any_cut() -> None:
    sml = bytes.fromhex("1b1b1b1b01010101")
    for pieces in pieces_of(b"\0noise" + sml):
        receiver = Receiver()
        with pytest.raises(RemoteProtocolError, match="SML"):
            for piece in pieces:
                receiver.feed(piece)
                receiver.refuse_sml()


def test_half_of_it_is_not_sml() -> None:
    receiver = Receiver()
    for byte in bytes.fromhex("1b1b1b1b010101") * 2:
        receiver.feed(bytes([byte]))
        receiver.refuse_sml()


@pytest.mark.parametrize("more", [0, 1])
class TestExactLimits:
    """The last byte that is still taken, and the first that is too much."""

    def test_of_an_answer(self, more: int, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("iecread.protocol.receiver.ANSWER_LIMIT", 100)
        receiver = Receiver(Parity.NONE)
        block = framed(b"1" * (97 + more))
        receiver.feed(block[:-1])
        assert receiver.reply() is None
        receiver.feed(block[-1:])
        if more:
            with pytest.raises(TooMuch):
                receiver.reply()
        else:
            assert receiver.reply() == (Kind.BLOCK, block)
        receiver.clear()
        receiver.feed(b"\x02" + b"1" * (99 + more))
        if more:
            with pytest.raises(TooMuch):
                receiver.reply()
        else:
            assert receiver.reply() is None

    def test_of_a_telegram(self, more: int, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("iecread.protocol.receiver.DATA_LIMIT", 100)
        receiver = Receiver(Parity.NONE)
        receiver.feed(b"/EXA5".ljust(100 + more, b"1"))
        assert receiver.telegram(silent=False) is None
        assert len(receiver) == (0 if more else 100)

    def test_of_glitches(self, more: int, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("iecread.protocol.receiver.GLITCH_LIMIT", 100)
        receiver = Receiver(Parity.NONE)
        receiver.feed(b"\xff" * (100 + more))
        if more:
            with pytest.raises(TooMuch):
                receiver.message(silent=False)
        else:
            assert receiver.message(silent=False) is None
            receiver.feed(b"\x02")
            assert receiver.begin() and receiver.noise == 100


@pytest.mark.parametrize("noise", [b"", b"n", b"\x03noise"])
@pytest.mark.parametrize(
    ("message", "kind"),
    [
        (framed(b"1(2)"), Kind.BLOCK),
        (framed(b"1(2)", last=False), Kind.PART),
        (b"\x01P0\x02(0)\x03\x60", Kind.COMMAND),
        (b"\x06", Kind.ACK),
        (b"\x15", Kind.NAK),
    ],
)
def test_a_reply_and_what_stands_before_it(
    noise: bytes, message: bytes, kind: Kind
) -> None:
    receiver = Receiver(Parity.NONE)
    receiver.feed(noise + message + b"\x02")
    assert receiver.reply() == (kind, message)
    assert receiver.noise == len(noise) and len(receiver) == 1
    receiver = Receiver(Parity.NONE)
    receiver.feed(noise)
    assert receiver.reply() is None
    assert receiver.noise == len(noise) and len(receiver) == 0


@pytest.mark.parametrize("char", [b"\x06", b"\x15"])
def test_an_answer_character_of_wrong_parity_is_noise(char: bytes) -> None:
    receiver = Receiver(Parity.EVEN)
    good = parity.add_even(char)
    receiver.feed(bytes([good[0] ^ 0x80]) + good)
    found = receiver.reply()
    assert found and found[1] == good and receiver.noise == 1
    receiver.feed(bytes([good[0] ^ 0x80]))
    assert receiver.reply() is None and receiver.noise == 2
