"""Into programming mode and out of it, where the meter does not do as it should."""

import pytest
from talk import BREAK, END, LOGGED_IN, NAK, OPENED, READOUT, REQUEST, Talk
from wire import Hear, Say, Speed, framed

from iecread.errors import RefusedError, RemoteProtocolError
from iecread.lis200.gate import PROBE, Gate
from iecread.protocol.actions import AnswerKind


def test_no_programming_mode() -> None:
    reads_out = [*OPENED[:4], Say(framed(b"1.8.0(1)\r\n!\r\n"))]
    talk = Talk([*reads_out, Speed(300), *reads_out])
    with pytest.raises(RefusedError, match="reads out"):
        talk.open()
    talk.leave()
    assert talk.wire.speed == 300


@pytest.mark.parametrize("speed", [9600, 300])
def test_a_damaged_option_select_is_sent_again(speed: int) -> None:
    """The meter reads out, at the agreed speed or after annex A's tt at its own."""
    request, says, select, switch, *rest = OPENED
    assert switch == Speed(9600)
    reads_out = Say(framed(b"1.8.0(001234.5*kWh)\r\n!\r\n"))
    # P0 may have been there and not readable: a break goes to either speed
    breaks = [Speed(9600), BREAK, Speed(300), BREAK]
    steps = [request, says, select, Speed(speed), reads_out, *breaks, *OPENED]
    talk = Talk([*steps, *LOGGED_IN[len(OPENED) :], *END])
    assert talk.open() == "00000000"
    assert talk.login().kind is AnswerKind.ACK
    talk.leave()
    talk.check()


def test_data_before_the_option_select_are_no_way_in() -> None:
    """Annex A: the identification was late, and the meter is idle behind its data."""
    request, says, *_ = OPENED
    unasked = [request, says, Say(READOUT, 0.0)]
    sent, answer = LOGGED_IN[len(OPENED) :]
    talk = Talk([*unasked, *OPENED, sent, answer, *END])
    assert talk.open() == "00000000"
    assert talk.login().kind is AnswerKind.ACK
    talk.leave()
    talk.check()


def test_no_password_goes_to_a_meter_that_cannot_be_heard() -> None:
    """P0 at the opening speed, again and again: the offered one is given up."""
    request, says, select, _, *rest = OPENED
    staying = Hear(b"\x06001\r\n")
    talk = Talk([request, says, select, *rest] * 2 + [request, says, staying, *rest])
    assert talk.open() == "00000000"
    assert talk.engine.speed == 300


def test_a_session_that_did_not_come_about_ends_with_a_break() -> None:
    """6.3.12: the meter has entered programming mode, whatever its P0 became."""
    damaged = Say(b"\x01P0\x02(00000001)\x03`")
    steps = [*OPENED[:-1], damaged, Hear(NAK), damaged, Hear(NAK), damaged]
    # at the agreed speed, and at the other in case the meter did not change
    talk = Talk([*steps, BREAK, Speed(300), BREAK], retries=0)
    with pytest.raises(RemoteProtocolError):
        talk.open()
    talk.leave()
    talk.check()
    talk.leave()  # once
    talk.check()


def test_an_answer_to_a_probe_that_never_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """What answers at the speed of an open session is no answer to a request."""
    monkeypatch.setattr("iecread.protocol.receiver.ANSWER_LIMIT", 1000)
    asked = [REQUEST, Speed(19200), Hear(PROBE.to_bytes())]
    steps = [*asked, Say(b"\x02" + b"a" * 2000)]
    talk = Talk(steps, retries=1)
    talk.engine.guard = Gate(certain=True)
    with pytest.raises(RemoteProtocolError, match="1000|without an end"):
        talk.open()
    assert talk.engine.finished and not talk.engine.is_open
