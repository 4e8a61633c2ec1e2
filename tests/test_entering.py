"""Into programming mode and out of it, where the meter does not do as it should."""

import pytest
from talk import (
    ACK,
    BREAK,
    END,
    LOGGED_IN,
    NAK,
    OPENED,
    P0,
    READ,
    READOUT,
    REQUEST,
    Talk,
    logged_in,
)
from wire import Hear, MeterStep, Say, Speed, framed

from iecread.errors import NoAnswerError, RefusedError, RemoteProtocolError
from iecread.lis200.gate import PROBE, Gate
from iecread.protocol.actions import AnswerKind, Retried, SetSpeed, Trouble, Wait, Write
from iecread.protocol.bcc import CheckKind
from iecread.protocol.guard import Guard
from iecread.protocol.messages import Command
from iecread.protocol.parity import Parity


def test_no_programming_mode() -> None:
    reads_out = [*OPENED[:4], Say(framed(b"1.8.0(1)\r\n!\r\n"))]
    talk = Talk([*reads_out, Speed(300), *reads_out])
    with pytest.raises(RefusedError, match="reads out"):
        talk.open()
    talk.leave()
    # its P0 may have been damaged
    assert sent(talk)[-2:] == [(BREAK.data, 9600), (BREAK.data, 300)]
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


PROBE_SENT = Hear(PROBE.to_bytes())
AGREED = 19200  # where a session that was left open most likely is


def gas_talk(*steps: MeterStep, wire: object = None, **options: object) -> Talk:
    """A session with what is known to be a LIS-200 device."""
    talk = Talk(steps, wire, **{"retries": 2, **options})
    talk.engine.guard = Gate(certain=True)
    return talk


def sent(talk: Talk) -> list[tuple[bytes, int]]:
    return [(one.text, one.baud) for one in talk.wire.sent]


def test_a_mute_device_is_probed_once_and_asked_as_often_as_any() -> None:
    talk = gas_talk(wake="never")
    with pytest.raises(NoAnswerError):
        talk.open()
    request, probe = (REQUEST.data, 300), (PROBE.to_bytes(), AGREED)
    assert sent(talk) == [request, probe, request, request]
    assert talk.engine.finished and not talk.engine.is_open


def test_where_to_probe() -> None:
    for options, speed in (({"max_speed": 9600}, 9600), ({"adjustable": False}, 300)):
        talk = gas_talk(**options)
        with pytest.raises(NoAnswerError):
            talk.open()
        assert sent(talk)[1] == (PROBE.to_bytes(), speed)


@pytest.mark.parametrize(
    ("answer", "operand"),
    [
        (framed(b"01:0181.0(EK260)"), None),
        (framed(b"(#0018)"), None),
        (NAK, None),
        (b"\x06" + framed(b"01:0181.0(EK260)"), None),
        (b"\x01P0\x02(00000000)\x03`", ""),
    ],
)
def test_any_answer_to_a_probe_tells_of_a_session(
    answer: bytes, operand: str | None
) -> None:
    talk = gas_talk(REQUEST, Speed(AGREED), PROBE_SENT, Say(answer), *END)
    assert talk.open() == operand
    assert talk.engine.is_open and talk.engine.speed == AGREED
    talk.leave()
    assert talk.engine.finished and talk.wire.speed == 300


@pytest.mark.parametrize("ends", [b"\x01B0\x03q", b"\x01P1\x02(0)\x03b"])
def test_what_ends_a_session_is_no_answer_to_a_probe(ends: bytes) -> None:
    opened = [Speed(300), *OPENED]
    talk = gas_talk(REQUEST, Speed(AGREED), PROBE_SENT, Say(ends), *opened, *END)
    assert talk.open() == "00000000"
    talk.leave()


def test_a_session_found_open_tells_its_parity() -> None:
    """No identification came that would have told it."""
    read = Command("R1", b"1.8.0(1)")
    steps = [REQUEST, Speed(AGREED), PROBE_SENT, Say(framed(b"01:0181.0(EK260)"))]
    steps += [Hear(read.to_bytes()), Say(framed(b"1.8.0(7)")), *END]
    both = (Parity.EVEN, Parity.NONE)
    for send in (both[:1], both):
        wire = {"parity_": Parity.EVEN}
        talk = gas_talk(*steps, wire=wire, send_parity=send, retries=1)
        assert talk.open() is None and talk.engine.parity is Parity.EVEN
        assert talk.ask("R1", "1.8.0(1)").text == "1.8.0(7)"
        talk.leave()


def test_the_offer_is_kept_on_a_line_of_one_speed() -> None:
    """lis200.md 5.3: the device falls back to 300 Bd else."""
    for guard, select in ((Gate(), b"\x06061\r\n"), (Guard(), b"\x06001\r\n")):
        who = Say(b"/Els6EK260\r\n", 0.02)
        talk = Talk(
            [REQUEST, who, Hear(select), P0],
            {"fixed": True, "speed": 9600},
            opening_speed=9600,
            adjustable=False,
        )
        talk.engine.guard = guard
        assert talk.open() == "00000000"


def test_nothing_is_over_while_something_waits_to_be_sent() -> None:
    talk = logged_in([])
    assert talk.engine.finished
    talk.engine.command(Command("R1", b"1.8.0(1)"), repeatable=True)
    assert not talk.engine.finished
    talk.engine.abandon()
    assert talk.engine.finished
    talk.engine.sign_off()
    assert not talk.engine.finished


def test_the_break_is_out_before_the_speed_is_changed() -> None:
    talk = logged_in([])
    talk.engine.sign_off()
    actions = []
    while action := talk.engine.next_action():
        actions.append(action)
        talk.engine.action_done(talk.wire.now)
    margin = talk.engine.options.timing.switch_margin
    assert actions[1:] == [Write(BREAK.data), Wait(margin), SetSpeed(300)]


def test_an_ack_amid_garbage_is_none() -> None:
    """At a wrong speed anything looks like one, also behind a password."""
    garbage = b"\x18x\x86\x86x\x06\x86\x18\x18"
    request, says, select, *_ = OPENED
    # the option select said another speed than the meter took
    wrong = [request, says, select, Speed(9600), Say(garbage), BREAK, Speed(300), BREAK]
    sent, answer = LOGGED_IN[len(OPENED) :]
    talk = Talk([*wrong, *OPENED, sent, Say(garbage), Hear(NAK), answer, *END])
    assert talk.open() == "00000000"
    assert talk.login().kind is AnswerKind.ACK
    talk.leave()
    talk.check()


@pytest.mark.parametrize(("count", "believed"), [(4, True), (5, False)])
def test_how_much_garbage_before_an_ack(count: int, believed: bool) -> None:
    said = Say(b"\x18" * count + ACK)
    again = [] if believed else [Hear(NAK), Say(ACK)]
    talk = Talk([*OPENED, LOGGED_IN[len(OPENED)], said, *again, *END])
    assert talk.open() == "00000000"
    assert talk.login().kind is AnswerKind.ACK
    talk.leave()
    talk.check()


@pytest.mark.parametrize(("count", "opened"), [(4, True), (5, False)])
def test_how_much_garbage_may_be_an_ack_at_another_speed(
    count: int, opened: bool
) -> None:
    talk = Talk([*OPENED[:-1], Say(b"\x18" * count)], retries=0)
    if opened:
        assert talk.open() is None
    else:
        with pytest.raises(RemoteProtocolError, match="5 characters in place of P0"):
            talk.open()


@pytest.mark.parametrize("more", [0, 1])
def test_how_much_may_come_that_is_no_answer(
    more: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("iecread.protocol.entering.DATA_LIMIT", 50)
    said = [READ, Say(b"~" * (50 + more)), Say(framed(b"1.8.0(7)"))]
    answer = logged_in(said).ask("R1", "1.8.0(1)")
    assert answer.kind is (AnswerKind.DAMAGED if more else AnswerKind.DATA)
    if more:
        assert answer.text == "no answer among 51 bytes"


@pytest.mark.parametrize("more", [0, 1])
def test_how_much_may_come_behind_a_damaged_answer(
    more: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("iecread.protocol.entering.DATA_LIMIT", 50)
    said = [READ, Say(framed(b"1.8.0(7)", 0)), Say(b"~" * (50 + more), 0.05)]
    talk = logged_in([*said, Hear(NAK), Say(framed(b"1.8.0(7)"))])
    answer = talk.ask("R1", "1.8.0(1)")
    assert answer.kind is (AnswerKind.DAMAGED if more else AnswerKind.DATA)
    if more:
        assert answer.text == "an answer without an end: 51 bytes so far"


def test_the_check_of_a_break_is_of_the_kind_of_the_meter() -> None:
    kind = CheckKind.SUM7
    operand = Say(Command("P0", b"(0)", kind=kind).to_bytes())
    end = Hear(Command("B0", kind=kind).to_bytes())
    assert end != BREAK
    talk = Talk([*OPENED[:-1], operand, end, Speed(300)], check=kind)
    assert talk.open() == "0"
    talk.leave()
    talk.check()


def test_an_answer_right_behind_what_is_for_another() -> None:
    said = P0.data + framed(b"1.8.0(7)")  # type: ignore[operator]
    talk = logged_in([READ, Say(said)], {"cut": None})
    assert talk.ask("R1", "1.8.0(1)").text == "1.8.0(7)"
    assert talk.wire.now == pytest.approx(talk.wire.last_said)


@pytest.mark.parametrize(
    ("said", "trouble"),
    [
        (b"~~", Trouble.WRONG_SPEED),
        (b"\x01P0", Trouble.WRONG_SPEED),
        (b"", Trouble.NO_ANSWER),
    ],
)
def test_why_a_device_that_does_not_answer_a_probe_is_asked_again(
    said: bytes, trouble: Trouble
) -> None:
    who = Say(b"/Els6EK260\r\n", 0.02)
    spoke = [Say(said)] if said else []
    select = Hear(b"\x06061\r\n")
    talk = gas_talk(REQUEST, who, select, Speed(AGREED), *spoke, retries=1)
    talk.engine.guard = Gate()
    with pytest.raises(NoAnswerError):
        talk.open()
    again = [event.trouble for event in talk.events if isinstance(event, Retried)]
    assert again == [Trouble.NO_ANSWER] * 2 + [trouble]  # two for the probes


def test_nothing_is_signed_off_that_was_not_entered() -> None:
    talk = Talk([], retries=0)
    with pytest.raises(NoAnswerError):
        talk.open()
    talk.leave()
    assert sent(talk) == [(REQUEST.data, 300)]
