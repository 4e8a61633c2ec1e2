"""Our own characters are found and taken off, whole, in pieces and damaged."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iecread.protocol import parity
from iecread.protocol.echo import EchoFilter

REQUEST = b"/?!\r\n"
IDENTIFICATION = b"/EXA5DEMO-O\r\n"


def through(echo: EchoFilter, data: bytes, size: int = 1 << 30) -> bytes:
    """What is left of ``data`` when it comes in pieces."""
    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    return b"".join(echo.cancel(piece) for piece in pieces)


SIZES = pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 6, 7, 100])


@SIZES
@pytest.mark.parametrize("expected", [None, True])
def test_an_echo_is_taken_off(size: int, expected: bool | None) -> None:
    echo = EchoFilter(expected)
    echo.sent(REQUEST)
    assert not echo.complete
    assert through(echo, REQUEST + IDENTIFICATION, size) == IDENTIFICATION
    assert echo.seen and echo.complete


@SIZES
@pytest.mark.parametrize("expected", [None, True, False])
def test_no_echo_costs_nothing(size: int, expected: bool | None) -> None:
    echo = EchoFilter(expected)
    echo.sent(REQUEST)
    assert through(echo, IDENTIFICATION, size) == IDENTIFICATION
    assert echo.seen is bool(expected) and not echo.complete


@SIZES
def test_told_that_there_is_none_it_lets_everything_through(size: int) -> None:
    echo = EchoFilter(False)
    echo.sent(REQUEST)
    assert through(echo, REQUEST + IDENTIFICATION, size) == REQUEST + IDENTIFICATION
    assert not echo.seen and not echo.complete


@SIZES
@pytest.mark.parametrize(
    ("sent", "back"),
    [
        (parity.add_even(REQUEST), REQUEST),  # the parity lost on the way
        (REQUEST, parity.add_even(REQUEST)),  # or made by the adapter
        (b"\0" * 40 + REQUEST, REQUEST),  # NULs in front (some heat meters)
        (b"\0" * 40 + REQUEST, b"\0" * 40 + REQUEST),
    ],
)
def test_compared_are_seven_bits_and_no_nuls(
    size: int, sent: bytes, back: bytes
) -> None:
    echo = EchoFilter()
    echo.sent(sent)
    rest = through(echo, back + IDENTIFICATION, size)
    assert rest.lstrip(b"\0") == IDENTIFICATION
    assert echo.seen


@SIZES
@pytest.mark.parametrize("expected", [None, True])
@pytest.mark.parametrize(
    "back", [b"x?!\r\n", b"\xff?!\r\n", b"?!\r\n", b"\0?!\r\n", b"\0/?!\r\n"]
)
def test_the_first_character_may_be_damaged_or_missing(
    size: int, expected: bool | None, back: bytes
) -> None:
    echo = EchoFilter(expected)
    echo.sent(REQUEST)
    rest = through(echo, back + IDENTIFICATION, size)
    assert rest.endswith(IDENTIFICATION) and len(rest) <= len(IDENTIFICATION) + 1
    assert echo.seen and echo.complete


@SIZES
def test_a_damaged_option_select_never_becomes_an_stx_where_echo_is_known(
    size: int,
) -> None:
    echo = EchoFilter(True)
    echo.sent(b"\x06050\r\n")
    assert through(echo, b"\x02050\r\n\x02data", size) == b"\x02data"


@SIZES
def test_damage_in_the_middle_is_let_through_and_is_no_complete_echo(size: int) -> None:
    echo = EchoFilter(True)
    echo.sent(b"\x06050\r\n")
    assert through(echo, b"\x06070\r\n\x02data", size) == b"\x06070\r\n\x02data"
    assert not echo.complete


@pytest.mark.parametrize("answer", [b"\x15", b"\x06", b"\x02data"])
def test_a_lone_character_is_no_echo_where_none_was_seen(answer: bytes) -> None:
    echo = EchoFilter()
    echo.sent(REQUEST)
    through(echo, IDENTIFICATION)
    echo.sent(answer[:1])
    assert echo.cancel(answer) == answer
    assert not echo.seen


@pytest.mark.parametrize("char", [b"\x15", b"\x06"])
def test_a_lone_character_is_echo_where_one_was_seen(char: bytes) -> None:
    echo = EchoFilter()
    echo.sent(REQUEST)
    through(echo, REQUEST + IDENTIFICATION)
    echo.sent(char)
    assert echo.cancel(char + char) == char
    assert echo.complete


def test_only_the_last_message_is_expected_back() -> None:
    echo = EchoFilter()
    echo.sent(b"\x01B0\x03q")
    echo.sent(REQUEST)
    assert echo.cancel(REQUEST + b"abc") == b"abc"


def test_nuls_for_ever_are_not_hoarded() -> None:
    echo = EchoFilter()
    echo.sent(REQUEST)
    assert sum(len(echo.cancel(b"\0" * 1000)) for _ in range(100)) == 100_000
    assert echo.cancel(REQUEST + b"abc") == b"abc"


def test_what_is_held_back_is_given_back() -> None:
    echo = EchoFilter()
    echo.sent(b"/?123!\r\n")
    assert echo.cancel(b"/") == b""
    assert echo.cancel(b"?12") == b""
    assert echo.cancel(b"4") == b"/?124"


def test_before_anything_was_sent_all_is_the_meters() -> None:
    echo = EchoFilter()
    assert not echo.complete and not echo.seen
    assert echo.cancel(REQUEST) == REQUEST
    assert not echo.complete


@SIZES
@pytest.mark.parametrize("expected", [None, True])
@pytest.mark.parametrize(
    "back", [b"?x!\r\n", b"xy?!\r\n", b"x?x\r\n", b"/?", b"/x!\r\n"]
)
def test_more_damage_than_one_character_is_no_echo(
    size: int, expected: bool | None, back: bytes
) -> None:
    echo = EchoFilter(expected)
    echo.sent(REQUEST)
    assert through(echo, back + IDENTIFICATION, size) == back + IDENTIFICATION
    assert not echo.complete


@SIZES
def test_an_answer_without_an_echo_before_it_shows_that_there_is_none(
    size: int,
) -> None:
    echo = EchoFilter()
    echo.sent(REQUEST)
    assert through(echo, IDENTIFICATION, size) == IDENTIFICATION
    echo.absent()
    echo.sent(b"\x01B0\x03q")  # the meter's own break looks like ours
    assert through(echo, b"\x01B0\x03q", size) == b"\x01B0\x03q"


def test_an_echo_that_was_seen_is_never_absent() -> None:
    echo = EchoFilter(True)
    echo.sent(REQUEST)
    echo.absent()
    assert echo.cancel(REQUEST) == b""
    echo.sent(b"\x06050\r\n")
    assert echo.cancel(b"\x06050\r\n") == b""


@given(st.binary(min_size=3, max_size=12), st.binary(max_size=30), st.integers(1, 12))
def test_what_comes_is_echo_or_passes_in_order(
    sent: bytes, came: bytes, size: int
) -> None:
    echo = EchoFilter()
    echo.sent(sent)
    rest = through(echo, came, size) + bytes(echo._held)
    whole = EchoFilter()
    whole.sent(sent)
    assert rest == whole.cancel(came) + bytes(whole._held)
    assert (echo.seen, echo.complete) == (whole.seen, whole.complete)
    if not echo.complete:
        assert rest == came


@pytest.mark.parametrize("back", [b"abc", b"xbc", b"bc"])
def test_three_characters_are_enough_to_tell(back: bytes) -> None:
    echo = EchoFilter()
    echo.sent(b"abc")
    assert echo.cancel(back + IDENTIFICATION).lstrip(b"x") == IDENTIFICATION
    assert echo.seen and echo.complete
    echo = EchoFilter()
    echo.sent(b"bc")
    assert echo.cancel(back) == back and not echo.seen
