"""Sessions in programming mode with simulated meters, in fake time."""

import contextlib
import itertools

import pytest
from bench.faults import SimulatedSession, run
from hypothesis import given, settings
from hypothesis import strategies as st
from talk import (
    ACK,
    LOGGED_IN,
    NAK,
    OPENED,
    READ,
    REQUEST,
    Talk,
)
from wire import Say, framed

from iecread.errors import IecReadError
from iecread.login import Login

PLAIN = Login(lambda operand: "00000000")


def test_faults() -> None:
    tally = run(60)
    assert tally.violations == []
    assert tally.counts["read: right"] > 200
    assert tally.counts["write: done"] > 100


def interrupt(line: SimulatedSession, at: int) -> None:
    """Let Ctrl-C come while the line is read, at the read of this number."""
    reads, read = itertools.count(1), line.line.read

    def interrupted(wait: float) -> bytes:
        if next(reads) == at:
            raise KeyboardInterrupt
        return read(wait)

    line.line.read = interrupted  # type: ignore[method-assign]


@pytest.mark.parametrize(
    "url", ["household?break-ack=1", "mode-a?reaction=200", "vdew?check=sum7"]
)
def test_the_break_is_sent_wherever_it_is_interrupted(url: str) -> None:
    for at in itertools.count(1):
        line = SimulatedSession(f"sim://{url}&time=2026-11-22T17:42:11")
        session = line.session()
        interrupt(line, at)
        moment = None
        try:
            session.enter(line.clock.now, PLAIN)
            session.read("0.0.1")
        except KeyboardInterrupt:
            moment = line.clock.now
        with contextlib.suppress(KeyboardInterrupt):
            session.leave()
        session.leave()
        assert line.left_open() is None
        if moment is None or any(sent[-3:] == b"1\r\n" for _, sent, _ in line.sent):
            assert line.sent[-1][1][:3] == b"\x01B0"
            line.line.read(5.0)
            assert line.meter.endings == ["break"]
        if moment is None:
            break
        assert line.sent[-1][0] <= moment + 2
    assert at > 5


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 3),
    st.lists(
        st.binary(max_size=40) | st.sampled_from([b"\x02", NAK, ACK, framed(b"()")])
    ),
)
def test_garbage_ends(where: int, pieces: list[bytes]) -> None:
    garbage = [Say(piece, 0.1) for piece in pieces if piece]
    steps = [REQUEST, OPENED[:3], [*OPENED], [*LOGGED_IN, READ]][where]
    start = list(steps) if isinstance(steps, list | tuple) else [steps]
    talk = Talk([*start, *garbage], retries=0)
    try:
        session = talk.session("00000000")
        session.read("1.8.0")
        session.write("0.0.1", "X")
    except IecReadError:
        pass
    talk.engine.sign_off()
    list(talk.run())
    assert talk.wire.speed == 300
    assert talk.engine.finished and not talk.engine.is_open
