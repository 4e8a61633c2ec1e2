"""The engine that only asks who is there, and what it never does."""

import pytest
from wire import Hear, MeterStep, Say, Wire, drive, framed

from iecread.errors import NoAnswerError, RemoteProtocolError
from iecread.protocol.actions import Done, Identified
from iecread.protocol.identify import LEAVE, IdentifyEngine, NeverQuietError
from iecread.protocol.messages import Request
from iecread.protocol.options import ReaderOptions
from iecread.protocol.parity import Parity

REQUEST = b"/?!\r\n"
HEAD = b"/LGZ5ZMF120AC\r\n"
BLOCK = framed(b"1.8.0(001234.5*kWh)\r\n!\r\n")


def ask(
    *steps: MeterStep,
    wire: dict[str, object] | None = None,
    until_quiet: bool = False,
    quiet: float = 0.0,
    **options: object,
) -> tuple[IdentifyEngine, Wire, list[type], Exception | None]:
    """Ask a scripted meter; the engine, the line, kinds of events and the error."""
    line = Wire(steps, **(wire or {}))  # type: ignore[arg-type]
    engine = IdentifyEngine(
        ReaderOptions(**options),  # type: ignore[arg-type]
        until_quiet=until_quiet,
        quiet=quiet,
    )
    engine.start(line.now)
    events, error = drive(engine, line)
    return engine, line, [type(event) for event in events], error


@pytest.mark.parametrize("z", "0567AXCI ")
def test_a_request_is_all_that_is_sent(z: str) -> None:
    head = HEAD.replace(b"5", z.encode(), 1)
    engine, line, events, error = ask(Hear(REQUEST), Say(head))
    assert error is None and events == [Identified, Done]
    assert [sent.text for sent in line.sent] == [REQUEST]
    assert line.speeds == [] and engine.finished
    assert engine.identification is not None
    assert engine.identification.speed_character == z
    # the meter is given the time to go back: tt, and what it needs to read out
    assert line.now - line.last_said == pytest.approx(LEAVE)
    assert engine.answer == pytest.approx(0.2 + 1 / 30)
    assert (engine.requests, engine.woken, engine.talks) == (1, False, False)
    assert not engine.crowded


def test_no_break_though_nobody_answers() -> None:
    _, line, _, error = ask(retries=3)
    assert isinstance(error, NoAnswerError)
    asked = [sent.text.lstrip(b"\0") for sent in line.sent]
    assert {text for text in asked if text} == {REQUEST}
    assert line.speeds == []


def test_a_meter_that_must_be_woken() -> None:
    engine, line, _, error = ask(Hear(b"\0" * 60), Hear(REQUEST), Say(HEAD))
    assert error is None and engine.woken
    assert engine.requests == 2
    assert [sent.text[:1] for sent in line.sent] == [b"/", b"\0", b"/"]


@pytest.mark.parametrize(("z", "after"), [(b"5", 1.9), (b"A", 0.2)])
def test_a_meter_that_reads_out_by_itself(z: bytes, after: float) -> None:
    head = HEAD.replace(b"5", z, 1)
    steps = (Hear(REQUEST), Say(head), Say(BLOCK, after))
    engine, line, _, error = ask(*steps)
    assert error is None and engine.talks and not engine.crowded
    assert len(line.sent) == 1
    ended = line.now
    # another request must wait for its end
    engine, line, _, error = ask(*steps, until_quiet=True)
    assert error is None and engine.talks
    assert line.now > ended and line.now - line.last_said == pytest.approx(LEAVE)


@pytest.mark.parametrize("cut", [(), None])
def test_two_that_answer_one_after_the_other(cut: object) -> None:
    engine, _, _, error = ask(
        Hear(REQUEST),
        Say(HEAD),
        Say(b"/EMH4\\@01LZQJ\r\n", 0.1),
        wire={"cut": cut},
    )
    assert error is None
    assert engine.crowded and engine.others == ("/EMH4\\@01LZQJ",)
    assert not engine.talks


def test_the_end_of_another_answer_tells_of_it_too() -> None:
    engine, _, _, _ = ask(Hear(REQUEST), Say(HEAD), Say(b"\x1f~F..T\r", 0.03))
    assert engine.crowded and engine.others == ()


def test_a_glitch_is_no_other_meter() -> None:
    engine, _, _, _ = ask(Hear(REQUEST), Say(HEAD), Say(b"\xff\0\xff\0", 0.03))
    assert not engine.crowded


@pytest.mark.parametrize("until_quiet", [False, True])
def test_a_meter_that_talks_by_itself(until_quiet: bool) -> None:
    telegram = HEAD + b"\r\n1.8.0(001234.5*kWh)\r\n!\r\n"
    engine, line, _, error = ask(
        Hear(REQUEST), *(Say(telegram, 1.0),) * 9, until_quiet=until_quiet
    )
    assert error is None and engine.unasked and engine.at_once
    assert not engine.crowded and len(line.sent) == 1


def test_a_meter_that_does_not_wait_to_be_selected() -> None:
    engine, _, _, _ = ask(Hear(REQUEST), Say(HEAD), Say(BLOCK, 0.2))
    assert engine.at_once and engine.talks
    assert not engine.unasked and not engine.crowded


def test_noise_before_an_answer_is_no_other_meter() -> None:
    engine, _, _, _ = ask(Hear(REQUEST), Say(b"\x7fq\x1b/(&%x" + HEAD))
    assert not engine.crowded and engine.noise


def test_an_answer_that_another_cuts_off_is_one() -> None:
    engine, _, _, _ = ask(Hear(REQUEST), Say(b"/EMH4\\@01" + HEAD))
    assert engine.crowded and engine.others[0].startswith("/EMH4\\@01")
    twice, _, _, _ = ask(Hear(REQUEST), Say(HEAD), Say(HEAD, 0.2))
    assert twice.crowded and twice.others == ("/LGZ5ZMF120AC",)


def test_a_garbled_answer() -> None:
    _, line, _, error = ask(Hear(REQUEST), Say(b"\x2d\x11\x40~\x05\r\x02"), retries=0)
    assert isinstance(error, RemoteProtocolError)
    assert len(line.sent) == 1


def test_it_asks_when_the_line_has_been_quiet() -> None:
    talk = (Say(b"(0012.3)" * 9, 0.5), Say(b"(0012.3)" * 9, 0.9))
    engine, line, _, error = ask(*talk, Hear(REQUEST), Say(HEAD), quiet=1.0)
    assert error is None and line.interruptions == 0
    assert line.sent[0].rest == pytest.approx(1.0)
    assert not engine.crowded and engine.noise == 144


def test_a_line_that_is_never_quiet() -> None:
    _, line, _, error = ask(*[Say(b"~" * 1000)] * 40, quiet=1.0)
    assert isinstance(error, NeverQuietError) and not line.sent


def test_an_echo_and_parity() -> None:
    engine, line, _, error = ask(
        Hear(b"/?00012!\r\n"),
        Say(HEAD),
        wire={"echo": True, "parity_": Parity.EVEN},
        request=Request("00012"),
        send_parity=(Parity.EVEN,),
    )
    assert error is None and engine.echo and engine.parity is Parity.EVEN
    assert len(line.sent) == 1


@pytest.mark.parametrize(("late", "talks"), [(b"12", False), (b"123", True)])
def test_two_characters_are_no_talk(late: bytes, talks: bool) -> None:
    engine, _, _, error = ask(Hear(REQUEST), Say(HEAD), Say(late, 2.0))
    assert error is None and not engine.crowded
    assert engine.talks is talks
