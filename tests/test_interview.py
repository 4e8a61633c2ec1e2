"""Asking a simulated meter, one thing at a time."""

from typing import Any

import pytest

from iecread.dataverdict import Verdict
from iecread.interview import EVEN, NONE, Interview, Over, Way, Wish
from iecread.simulator import Pace, open_simulated
from iecread.transports.memory import Clock


def interview(url: str, **wish: Any) -> tuple[Interview, Clock, list[bytes]]:
    """An interview, its clock, and what it sends."""
    clock = Clock()
    line = open_simulated(
        url,
        baud=300,
        monotonic=clock.monotonic,
        sleep=clock.sleep,
        pace=Pace.LINE,
    )
    sent: list[bytes] = []
    talk = Interview(
        line,
        Wish("PORT", **wish),
        clock=clock.monotonic,
        on_bytes=lambda way, data, _: sent.append(data) if way == "tx" else None,
    )
    return talk, clock, sent


def test_echo_and_answer_are_told_apart() -> None:
    talk, *_ = interview("sim://household?echo=1")
    reply = talk.request(Way(300, EVEN))
    assert reply is not None and reply.echo and talk.echo
    assert reply.identification is not None and reply.seconds is not None
    assert (talk.tries, talk.answers) == (1, 1)
    assert talk.request(Way(300, EVEN, address="77")) is None
    assert (talk.tries, talk.answers) == (2, 1)


def test_a_session_leaves_the_meter_as_it_was_found() -> None:
    talk, _, sent = interview("sim://household?hold=150")
    assert talk.converse(Way(300, EVEN)) is not None
    assert talk.data is not None and talk.data.verdict is not Verdict.GOOD
    assert not talk.breaking and any(b"B0" in data for data in sent)
    data = talk.session(0.25)  # another delay before the change of speed
    assert data is not None and data.verdict is Verdict.GOOD


def test_what_is_over_asks_no_more() -> None:
    talk, clock, sent = interview("sim://household?mute=1", framing="8n1")
    assert talk.parities() == (NONE,)
    talk.deadline = clock.now + 1
    assert talk.request(talk.way) is None
    assert clock.now < 2
    before = len(sent)
    with pytest.raises(Over):
        talk.request(talk.way)
    assert len(sent) == before
