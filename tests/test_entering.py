"""Into programming mode and out of it, where the meter does not do as it should."""

import pytest
from talk import BREAK, NAK, OPENED, REQUEST, Talk
from wire import Hear, Say, Speed, framed

from iecread.errors import RefusedError, RemoteProtocolError
from iecread.lis200.gate import PROBE, Gate


def test_no_programming_mode() -> None:
    talk = Talk([*OPENED[:4], Say(framed(b"1.8.0(1)\r\n!\r\n"))])
    with pytest.raises(RefusedError, match="reads out"):
        talk.open()
    talk.leave()
    assert talk.wire.speed == 300


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
