"""Answers that come late, that are somebody else's, or that do not come at all."""

import pytest
from gas import (
    CLOSE,
    CLOSED,
    CODE,
    MARK,
    OPEN,
    P0,
    READ,
    TYPE,
    VALUE,
    Gas,
    opening,
    steps,
)
from wire import HangUp, Hear, Say, Speed, framed

from iecread.errors import NoAnswerError, PortError


def test_stale_and_foreign_answers_are_dropped() -> None:
    late = framed(b"7-2:302.2(4711.8150*m3)").decode("latin-1")
    foreign = framed(b"1-0:1.8.0(1)").decode("latin-1")
    value = framed(b"7-7:310.0(2.5134* bar)").decode("latin-1")
    gas = Gas(READ + f"< raw:\x00\x00\xff{late}{foreign}{value}", code=None)
    assert str(gas.session.read("7:310").value) == "2.5134"
    gas.session.leave()
    gas.check()


def test_data_are_no_acknowledgement() -> None:
    late = framed(b"4:170.0(0)").decode("latin-1")
    gas = Gas(CLOSED + CODE + f"< raw:{late}\x06" + OPEN + TYPE + CLOSE)
    assert gas.session.unlock()
    gas.session.leave()
    gas.check()


@pytest.mark.parametrize("noise", [b"", b"\x80\x7f"])
def test_p0_may_be_missing(noise: bytes) -> None:
    start = opening("/Els6EK260")[:-1]
    if noise:
        start.append(Say(noise))
    probe = Hear(b"\x01R1\x0201:0181.0(1)\x03\x7f")
    answer = Say(framed(b"1:181.0(EK260)"), after=0.03)
    gas = Gas([*start, probe, answer, *steps(READ + VALUE)], code=None)
    assert str(gas.session.read("7:310").value) == "2.5134"
    gas.session.leave()
    gas.check()


def test_p0_at_the_old_speed() -> None:
    """16, number 11: a device that does not follow the speed agreed on."""
    start = [step for step in opening("/Els6EK260") if not isinstance(step, Speed)]
    probe = Hear(b"\x01R1\x0201:0181.0(1)\x03\x7f")
    answer = Say(framed(b"1:181.0(EK260)"), after=0.03)
    gas = Gas([*start, probe, answer, *steps(READ + VALUE)], code=None)
    assert str(gas.session.read("7:310").value) == "2.5134"
    gas.session.leave()
    assert gas.wire.speed == 300


def test_an_answer_that_may_still_come_is_waited_for() -> None:
    """A slow device answers both when it was asked twice: the second is no state."""
    asked = "> R1 4:0170.0(1)\n"
    late = framed(b"4:170.0(0)").decode("latin-1")
    mark = framed(b"2:170.0(0)").decode("latin-1")
    gas = Gas(
        asked
        + "< SILENCE\n"
        + asked
        + "< 4:170.0(0)\n> R1 2:0170.0(1)\n"
        + f"< raw:{late}{mark}"
        + CLOSED
        + CODE
        + "< ACK"
        + OPEN
        + TYPE
        + CLOSE
    )
    assert gas.session.unlock()
    gas.session.leave()
    gas.check()


def test_no_code_goes_out_where_all_answers_are_late() -> None:
    asked = "> R1 4:0170.0(1)\n"
    once = asked + "< SILENCE\n" + asked + "< 4:170.0(0)\n"
    marks = [f"> R1 {n}:0170.0(1)\n< {n}:170.0(0)\n" for n in (2, 1)]
    gas = Gas(once + marks[0] + once + marks[1] + once)
    with pytest.raises(NoAnswerError, match="too late"):
        gas.session.unlock()
    gas.session.leave()
    gas.check()


def test_what_lets_late_answers_go_by() -> None:
    """Where the state of no lock is told, the type does; an error is no proof."""
    gas = Gas(
        TYPE
        + READ
        + "< SILENCE"
        + READ
        + VALUE
        + "> R1 2:0170.0(1)\n< (#0003)\n> R1 1:0170.0(1)\n< ACK"
        + TYPE
        + READ
        + VALUE,
        recognise=True,
    )
    for _ in range(2):
        assert str(gas.session.read("7:310").value) == "2.5134"
    gas.session.leave()
    gas.check()


def test_an_acknowledgement_is_no_answer_to_a_read() -> None:
    gas = Gas(READ + "< ACK" + MARK + READ + VALUE, code=None)
    assert str(gas.session.read("7:310").value) == "2.5134"
    gas.session.leave()
    gas.check()


def test_p0_that_comes_late_is_dropped() -> None:
    value = framed(b"7-7:310.0(2.5134* bar)").decode("latin-1")
    gas = Gas(READ + f"< raw:{P0.decode()}{value}", code=None)
    assert str(gas.session.read("7:310").value) == "2.5134"
    gas.session.leave()
    gas.check()


def test_a_line_that_is_lost_while_a_refusal_is_explained() -> None:
    gas = Gas(
        [*opening("/Els6EK260"), *steps(READ + "< (#0018)"), HangUp()],
        code=None,
        ends=False,
    )
    with pytest.raises(PortError):
        gas.session.read("7:310")
