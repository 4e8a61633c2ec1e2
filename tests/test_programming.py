"""Sessions in programming mode with simulated meters, in fake time."""

import contextlib
import itertools
from datetime import UTC, datetime
from pathlib import Path

import pytest
from bench.faults import SimulatedSession, run
from hypothesis import given, settings
from hypothesis import strategies as st
from test_programming_engine import (
    ACK,
    LOGGED_IN,
    NAK,
    OPENED,
    REQUEST,
    Talk,
    logged_in,
)
from wire import Hear, Say, framed

from iecread.errors import CheckError, IecReadError, RefusedError
from iecread.passwords import PasswordSource, Secret
from iecread.programming import Login
from iecread.protocol.actions import Answered, AnswerKind
from iecread.refusals import Refusals

PLAIN = Login(lambda operand: "00000000")
SOURCE = PasswordSource.from_table({"env": "X"}, "here")
READ = Hear(b"\x01R1\x021.8.0(1)\x03k")
WRITE = Hear(b"\x01W1\x020.0.1(CUSTOMER 7)\x03D")


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


def test_refused_passwords_are_remembered(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    line = SimulatedSession("sim://household?password=11111111")

    def attempt(text: str, refusals: Refusals, *, force: bool = False) -> None:
        login = Login.from_source(
            SOURCE, Secret(text), refusals, ("meter", "port"), force=force
        )
        line.begin()
        login.allow(now)
        session = line.session()
        try:
            session.enter(line.clock.now, login)
        finally:
            session.leave()
            line.clock.sleep(3)

    here = Refusals(str(tmp_path))
    for _ in range(2):
        with pytest.raises(RefusedError, match="refused"):
            attempt("00000000", here)
    with pytest.raises(RefusedError, match="already"):
        attempt("00000000", Refusals(str(tmp_path)))
    assert line.meter.passwords == [("P1", "00000000")]
    with pytest.raises(RefusedError):
        attempt("00000000", Refusals(str(tmp_path)), force=True)
    assert len(line.meter.passwords) == 2
    attempt("11111111", here)
    assert line.meter.passwords[2:] == [("P1", "11111111")]
    assert line.meter.endings[-1] == "break"


def test_no_write_again_upon_nak_to_a_nak() -> None:
    # the acknowledgement was damaged; the write may have been done
    talk = logged_in([WRITE, Say(b"\x02"), Hear(NAK), Say(NAK)])
    assert talk.ask("W1", "0.0.1(CUSTOMER 7)") == Answered(AnswerKind.DAMAGED)
    talk.leave()
    talk.check()


def test_no_write_again_upon_silence() -> None:
    talk = logged_in([WRITE])
    assert talk.ask("W1", "0.0.1(CUSTOMER 7)") == Answered(AnswerKind.SILENCE)
    talk.leave()
    talk.check()


def test_noise_is_no_reason_to_ask_for_the_answer_before() -> None:
    answer = framed(b"1.8.0(1)")
    talk = logged_in([READ, Say(b"zz"), READ, Say(answer)])
    assert talk.ask("R1", "1.8.0(1)").text == "1.8.0(1)"
    talk.leave()
    talk.check()


def test_reads_are_repeated_once_upon_silence() -> None:
    talk = logged_in([READ, READ])
    assert talk.ask("R1", "1.8.0(1)") == Answered(AnswerKind.SILENCE)
    talk.leave()
    talk.check()


def test_eight_bits_are_asked_for_again() -> None:
    good = b"\x021.8.0(001234.5*kWh)\x03Z"
    odd = good.replace(b"3", b"\xb3")
    talk = logged_in([READ, Say(odd), Hear(NAK), Say(good)])
    assert talk.ask("R1", "1.8.0(1)").text == "1.8.0(001234.5*kWh)"
    talk.leave()
    talk.check()


def test_no_programming_mode() -> None:
    talk = Talk([*OPENED[:4], Say(framed(b"1.8.0(1)\r\n!\r\n"))])
    with pytest.raises(RefusedError, match="reads out"):
        talk.open()
    talk.leave()
    assert talk.wire.speed == 300


def test_styles_are_tried_and_kept() -> None:
    line = SimulatedSession("sim://household?reads=R5&unknown=nak")
    session = line.session()
    session.enter(line.clock.now, PLAIN)
    assert session.read("1.8.0").unit == "kWh"
    before = len(line.meter.commands)
    session.read("1.8.1")
    assert line.meter.commands[before:] == [("R5", "1.8.1()")]
    with pytest.raises(RefusedError):
        session.read("9.9.9")
    session.leave()
    assert line.meter.endings == ["break"]


def test_a_lost_acknowledgement() -> None:
    line = SimulatedSession("sim://household?lost-ack=1")
    session = line.session()
    session.enter(line.clock.now, PLAIN)
    assert session.write("0.0.1", "NEW").outcome == "done"
    line.memory.settings["0.0.1"] = "NEW"
    line.meter.programming = line.meter.programming.__class__(
        line.memory, silent_command=len(line.meter.commands) + 2
    )
    with pytest.raises(CheckError) as caught:
        session.write("0.0.1", "OTHER")
    assert caught.value.change.outcome == "not done"  # type: ignore[attr-defined]
    session.leave()
    assert [text for _, text in line.meter.writes] == ["0.0.1(NEW)"]


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
