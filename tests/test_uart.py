"""Bits on the line: characters heard at another speed than they were sent at."""

from hypothesis import given
from hypothesis import strategies as st

from iecread.protocol.uart import Misreader, misread

SPEEDS = st.sampled_from((300, 600, 1200, 2400, 4800, 9600, 19200, 115200))


@given(st.binary(max_size=60), SPEEDS)
def test_the_right_speed_changes_nothing(data, speed):
    assert misread(data, speed, speed) == data


def test_twice_the_speed_doubles_each_bit():
    # start 0, then 1 0 0 0 0 0 0 0, stop 1: each bit is there twice, and the first
    # ten of them are 0 0 1 1 0 0 0 0 0 0 with no stop bit; then the line rests
    assert misread(b"\x01", 300, 600)[:1] == b"\x06"


def test_a_slow_character_is_a_run_of_equal_bits():
    # each bit lasts longer than a character of the receiver
    assert set(misread(b"\x55", 300, 9600)) == {0}
    assert len(misread(b"\x55", 300, 9600)) == 5  # as often as the line falls
    assert set(misread(b"/ABC5\r\n", 1200, 9600)) <= {0x00, 0x80}


def test_fast_characters_are_fewer():
    came = misread(bytes(range(32, 127)), 9600, 300)
    assert 2 <= len(came) <= 95 // 16


@given(st.binary(max_size=40), SPEEDS, SPEEDS, st.integers(1, 7))
def test_cuts_change_nothing(data, sent, heard, size):
    reader, came = Misreader(sent, heard), b""
    for at in range(0, len(data), size):
        came += reader.feed(data[at : at + size])
    assert came + reader.flush() == misread(data, sent, heard)


def test_it_begins_anew_behind_a_rest():
    reader = Misreader(300, 600)
    first = reader.feed(b"/?!") + reader.flush()
    assert reader.feed(b"/?!") + reader.flush() == first
