"""The reader's side of programming mode against scripted meters, byte for byte."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta, timezone

import pytest
from talk import (
    ACK,
    BREAK,
    END,
    LOGGED_IN,
    NAK,
    OPENED,
    P0,
    P1,
    READ,
    READOUT,
    REQUEST,
    WRITE,
    Talk,
    logged_in,
)
from wire import Hear, MeterStep, Say, Speed, framed

from iecread.algorithms import elster_a1700
from iecread.errors import NoAnswerError, RemoteProtocolError
from iecread.loadprofile import ProfileDecoder
from iecread.login import Login
from iecread.programming import Programming
from iecread.protocol.actions import (
    Answered,
    AnswerKind,
    Identified,
    Wait,
)
from iecread.protocol.bcc import CheckKind, bcc
from iecread.protocol.messages import Command, Request

# --- worked transcripts --------------------------------------------------------


def test_t03_mode_a_behind_the_readout() -> None:
    talk = Talk(
        [
            REQUEST,
            Say(b"/EXAXDEMO-A3\r\n"),
            Say(READOUT),
            Hear(b"\x01P1\x02(1234)\x03e"),
            Say(ACK),
            Hear(b"\x01R1\x020.0.0(1)\x03b"),
            Say(b"\x020.0.0(00012345)\x033"),
            *END,
        ]
    )
    assert talk.open() is None
    assert talk.blocks == [READOUT]
    assert talk.engine.mode == "A"
    assert talk.login("1234") == Answered(AnswerKind.ACK)
    got = talk.ask("R1", "0.0.0(1)")
    assert got == Answered(AnswerKind.DATA, "0.0.0(00012345)")
    talk.leave()
    talk.check()


def test_a_damaged_identification_that_meant_another_mode() -> None:
    """Annex A: the meter waits for an option select, then reads out; no password yet.

    In mode A that is the meter's manner, and then its silence is final.
    """
    sent, answer = LOGGED_IN[len(OPENED) :]
    as_mode_a = [REQUEST, Say(b"/EXAXDEMO-P1\r\n"), Say(READOUT, 2.0), sent]
    as_mode_a += [Hear(NAK), BREAK]
    talk = Talk([*as_mode_a, *OPENED, sent, answer, *END])
    talk.session("00000000", clock=talk.wire.clock).leave()
    talk.check()
    talk = Talk([*as_mode_a, *as_mode_a[:3], BREAK])
    with pytest.raises(NoAnswerError, match="the password"):
        talk.session("00000000", clock=talk.wire.clock)
    assert [one.text for one in talk.wire.sent].count(sent.data) == 1


def test_t04_mode_b_at_300_again() -> None:
    block = b"\x020.0.0(00012345)\r\n1.8.0(000123.4*kWh)\r\n!\r\n\x03I"
    talk = Talk(
        [
            REQUEST,
            Say(b"/EXAEDEMO-B\r\n"),
            Speed(9600),
            Say(block, 0.3),
            Speed(300),
            Hear(b"\x01P1\x02(1234)\x03e"),
            Say(ACK),
            *END,
        ]
    )
    assert talk.open() is None
    assert talk.blocks == [block]
    assert talk.login("1234").kind is AnswerKind.ACK
    talk.leave()
    talk.check()
    assert [baud for _, baud in talk.wire.speeds] == [9600, 300]


def test_t08_password_read_write_read_back() -> None:
    opened: Sequence[MeterStep] = (Hear(b"/?12345678!\r\n"), *LOGGED_IN[1:])
    talk = Talk(
        [
            *opened,
            Hear(b"\x01R1\x021.8.0(1)\x03k"),
            Say(b"\x021.8.0(001234.567*kWh)\x03["),
            Hear(b"\x01W1\x020.0.1(CUSTOMER 7)\x03D"),
            Say(ACK),
            Hear(b"\x01R1\x020.0.1()\x03R"),
            Say(b"\x02(CUSTOMER 7)\x03\x11"),
            *END,
        ],
        request=Request("12345678"),
    )
    assert talk.open() == "00000000"
    assert talk.login() == Answered(AnswerKind.ACK)
    assert talk.ask("R1", "1.8.0(1)").text == "1.8.0(001234.567*kWh)"
    assert talk.ask("W1", "0.0.1(CUSTOMER 7)") == Answered(AnswerKind.ACK)
    assert talk.ask("R1", "0.0.1()") == Answered(AnswerKind.DATA, "(CUSTOMER 7)")
    talk.leave()
    talk.check()


def test_t09_password_in_a_second_bracket() -> None:
    # the session reads the old value, writes, and reads back
    talk = Talk(
        [
            REQUEST,
            Say(b"/EXA5\\@DEMO-V\r\n"),
            Hear(b"\x06051\r\n"),
            Speed(9600),
            Say(b"\x01P0\x02()\x03`"),
            P1,
            Say(ACK),
            Hear(b"\x01R5\x020.9.2()\x03\\"),
            Say(framed(b"0.9.2(1240531)")),
            Hear(b"\x01W5\x020.9.2(1240601)(00000000)\x03h"),
            Say(ACK),
            Hear(b"\x01R5\x020.9.2()\x03\\"),
            Say(b"\x020.9.2(1240601)\x03\x09"),
            Hear(b"\x01R5\x020.9.1()\x03_"),
            Say(b"\x020.9.1(1101415)\x03\x0b"),
            Hear(b"\x01W5\x020.9.1(1101455)(00000000)\x03n"),
            Say(ACK),
            Hear(b"\x01R5\x020.9.1()\x03_"),
            Say(framed(b"0.9.1(1101455)")),
            *END,
        ]
    )
    session = talk.session(
        "00000000", read_styles=[("R5", ""), ("R1", "1")], write_command="W5"
    )
    assert session.operand == ""
    change = session.write("0.9.2", "1240601")
    assert (change.old, change.outcome, change.shown) == ("1240531", "done", "1240601")
    assert session.write("0.9.1", "1101455").old == "1101415"
    session.leave()
    talk.check()


def test_t10_damage_both_ways() -> None:
    talk = Talk(
        [
            *OPENED[:1],
            Say(b"/EXA5DEMO-N\r\n"),
            *OPENED[2:],
            P1,
            Say(NAK),
            P1,
            Say(ACK),
            Hear(b"\x01R1\x021.8.0(1)\x03k"),
            Say(b"\x021.8.0(001234.5*kWh)\x03["),
            Hear(NAK),
            Say(b"\x021.8.0(001234.5*kWh)\x03Z"),
            *END,
        ]
    )
    talk.open()
    assert talk.login() == Answered(AnswerKind.ACK)
    assert talk.ask("R1", "1.8.0(1)").text == "1.8.0(001234.5*kWh)"
    assert talk.blocks == [b"\x021.8.0(001234.5*kWh)\x03Z"]
    talk.leave()
    talk.check()


@pytest.mark.parametrize("keep", [True, False])
def test_t11_parts_of_an_answer(keep: bool) -> None:
    """Their text is put together only where it is wanted."""
    parts = [
        b"\x020100(000102030405060708090A0B0C0D0E0F)\r\n\x04\x05",
        b"\x020110(101112131415161718191A1B1C1D1E1F)\r\n\x04\x04",
        b"\x020120(2021222324252627)\r\n\x03\x06",
    ]
    talk = logged_in(
        [
            Hear(b"\x01R3\x020100(28)\x03j"),
            Say(parts[0]),
            Hear(ACK),
            Say(parts[1][:-1] + b"\x05"),
            Hear(NAK),
            Say(parts[1]),
            Hear(ACK),
            Say(parts[2]),
        ]
    )
    talk.engine.command(Command("R3", b"0100(28)"), repeatable=True, keep=keep)
    got = talk.answered()
    assert talk.blocks == parts
    whole = b"".join(part[1:-2] for part in parts) if keep else b""
    assert got == Answered(AnswerKind.DATA, whole.decode())
    talk.leave()
    talk.check()


def test_t12_parts_of_a_write() -> None:
    second = b"\x01W3\x02(FFEEDDCCBBAA99887766554433221100)\x04c"
    talk = logged_in(
        [
            Hear(b"\x01W3\x020200(00112233445566778899AABBCCDDEEFF)\x04a"),
            Say(ACK),
            Hear(second),
            Say(NAK),
            Hear(second),
            Say(ACK),
            Hear(b"\x01W3\x02(0102)\x03g"),
            Say(ACK),
        ]
    )
    first = "0200(00112233445566778899AABBCCDDEEFF)"
    done = Answered(AnswerKind.ACK)
    assert talk.ask("W3", first, last=False) == done
    assert talk.ask("W3", "(FFEEDDCCBBAA99887766554433221100)", last=False) == done
    assert talk.ask("W3", "(0102)") == done
    talk.leave()
    talk.check()


def test_t13_error_messages() -> None:
    talk = logged_in(
        [
            Hear(b"\x01R1\x029.9.9(1)\x03k"),
            Say(b"\x02(ER02)\x03\x17"),
            Hear(b"\x01W1\x021.8.0(0)\x03o"),
            Say(b"\x02(ER07)\x03\x12"),
            Hear(b'\x01R5\x02P.01(12406010000;12406010100)\x03"'),
            Say(b"\x02P.01(ERROR)\x03%"),
        ]
    )
    assert talk.ask("R1", "9.9.9(1)") == Answered(AnswerKind.ERROR, "ER02")
    assert talk.ask("W1", "1.8.0(0)") == Answered(AnswerKind.ERROR, "ER07")
    got = talk.ask("R5", "P.01(12406010000;12406010100)")
    assert got == Answered(AnswerKind.ERROR, "ERROR")
    talk.leave()
    talk.check()


def test_t13_refused_password() -> None:
    talk = Talk(
        [
            *OPENED[:2],
            Hear(b"\x06001\r\n"),
            P0,
            Hear(b"\x01P1\x02(99999999)\x03a"),
            Say(BREAK.data),
        ],
        max_speed=300,
    )
    talk.open()
    assert talk.login("99999999") == Answered(AnswerKind.BREAK)
    assert not talk.engine.is_open
    talk.leave()  # nothing to be said
    talk.check()


def test_t17_answer_to_a_challenge() -> None:
    talk = Talk(
        [
            REQUEST,
            Say(b"/GEC5120510070213@000\r\n"),
            Hear(b"\x06051\r\n"),
            Speed(9600),
            Say(b"\x01P0\x02(B0A692CB07930FD1)\x03a"),
            Hear(b"\x01P2\x02(61F79994CB6EAD8E)\x03\x13"),
            Say(ACK),
            Hear(b"\x01R1\x02798001(10)\x03e"),
            Say(b"\x02(30303030303030303031323334353637)\x03\x02"),
            *END,
        ]
    )
    session = Programming(talk.engine, talk.run)
    answer = Login(lambda operand: elster_a1700("00000000", operand), 2)
    session.enter(talk.wire.now, answer)
    assert session.operand == "B0A692CB07930FD1"
    got = talk.ask("R1", "798001(10)")
    assert got.text == "(30303030303030303031323334353637)"
    session.leave()
    talk.check()


def test_t18_load_profile() -> None:
    rows = (
        b"P.01(1240601001500)(00)(15)(2)(1.5.0)(kW)(3.5.0)(kvar)\r\n"
        b"(0.412)(0.051)\r\n(0.398)(0.049)\r\n"
        b"P.01(1240601004500)(20)(15)(2)(1.5.0)(kW)(3.5.0)(kvar)\r\n"
        b"(0.405)(0.050)\r\n(0.420)()\r\n"
    )
    log = (
        b"P.98(1240601003012)(00000020)()(2)(0.9.1)()(0.9.2)()(1003000)(1240601)\r\n"
        b"P.98(1240601120000)(00002000)()(0)\r\n"
    )
    talk = logged_in(
        [
            Hear(b"\x01R5\x02P.01(12406010015;12406010100)\x03&"),
            Say(b"\x02" + rows + b"\x03$"),
            Hear(b"\x01R5\x02P.98(12406010000;)\x03\x13"),
            Say(b"\x02" + log + b"\x03\x03"),
        ]
    )
    decoder = ProfileDecoder(timezone(timedelta(hours=2)))
    got = talk.ask("R5", "P.01(12406010015;12406010100)")
    found = [*decoder.feed(got.text), *decoder.finish(ended=True)]
    values = ["0.412", "0.051", "0.398", "0.049", "0.405", "0.050", "0.420", ""]
    assert [row.raw for row in found] == values
    assert found[-1].value is None
    assert [f"{row.time:%H%M}" for row in found[::2]] == [
        "0015",
        "0030",
        "0045",
        "0100",
    ]
    assert talk.ask("R5", "P.98(12406010000;)").text.encode() == log
    talk.leave()
    talk.check()


def test_t24_other_commands_and_lone_acks() -> None:
    talk = Talk(
        [
            REQUEST,
            Say(b"/MKS6<2>ADM(M550.2251)\r\n"),
            Hear(b"\x06061\r\n"),
            Speed(19200),
            Say(ACK),
            Hear(b"\x01P1\x02(12345678)\x03i"),
            Say(ACK),
            Hear(b"\x01R2\x020.0.0()\x03P"),
            Say(b"\x020.0.0(00000002)\x030"),
            Hear(b"\x01R2\x020.9.2()\x03["),
            Say(b"\x020.9.2(24-06-01)\x038"),
            Hear(b"\x01W2\x020.9.1(13:30:35)\x03Z"),
            Say(ACK),
            Hear(b"\x01R2\x02P.01(24-06-01,00:00;24-06-01,00:15)\x03 "),
            Say(
                b"\x02P.01\r\n(24-06-01,00:00)(123456.789,123.456,230.1,229.8)\r\n"
                b"(24-06-01,00:15)(123456.890,123.456,230.2,229.9)\r\n\x03z"
            ),
            Hear(b"\x01E2\x021.6.0()\x03@"),
            Say(ACK),
            BREAK,
            Say(ACK),
            Speed(300),
        ]
    )
    assert talk.open() is None
    assert talk.login("12345678").kind is AnswerKind.ACK
    assert talk.ask("R2", "0.0.0()").text == "0.0.0(00000002)"
    assert talk.ask("R2", "0.9.2()").text == "0.9.2(24-06-01)"
    assert talk.ask("W2", "0.9.1(13:30:35)").kind is AnswerKind.ACK
    profile = talk.ask("R2", "P.01(24-06-01,00:00;24-06-01,00:15)")
    assert profile.text.startswith("P.01\r\n(24-06-01,00:00)(123456.789,")
    assert talk.ask("E2", "1.6.0()").kind is AnswerKind.ACK
    talk.leave()
    assert talk.wire.speed == 300


@pytest.mark.parametrize("cut", [(), (1,), None])
def test_pieces_do_not_matter(cut: object) -> None:
    answer = b"\x021.8.0(001234.567*kWh)\x03["
    steps: list[MeterStep] = [Hear(b"\x01R1\x021.8.0(1)\x03k"), Say(answer)]
    talk = logged_in(steps, {"cut": cut})
    assert talk.ask("R1", "1.8.0(1)").text == "1.8.0(001234.567*kWh)"
    assert answer == framed(answer[1:-2])
    talk.leave()
    talk.check()


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


@pytest.mark.parametrize("said", [(), (Say(b"\x86"),), (Say(b"\x01B0\x03"),)])
def test_a_lost_answer_to_a_password_is_asked_for(said: tuple[Say, ...]) -> None:
    """6.3.5: the meter says its last answer again, and no password is sent twice."""
    sent = LOGGED_IN[len(OPENED)]
    talk = Talk([*OPENED, sent, *said, Hear(NAK), Say(ACK), *END])
    talk.open()
    assert talk.login().kind is AnswerKind.ACK
    talk.leave()
    talk.check()
    # it had not heard the password
    talk = Talk([*OPENED, sent, *said, Hear(NAK), OPENED[-1], *END])
    talk.open()
    assert talk.login().kind in (AnswerKind.SILENCE, AnswerKind.DAMAGED)
    talk.leave()
    talk.check()


def test_a_nak_may_mean_the_other_kind_of_check() -> None:
    """Where the meter has sent no block yet, its kind is not known."""
    read = Command("R1", b"1.8.0(1)")
    summed = Hear(replace(read, kind=CheckKind.SUM7).to_bytes())
    steps = [Hear(read.to_bytes()), Say(NAK), summed, Say(framed(b"1.8.0(7)"))]
    talk = Talk([*OPENED[:4], Say(ACK), *steps, *END])
    assert talk.open() is None
    assert talk.ask("R1", "1.8.0(1)").text == "1.8.0(7)"
    talk.leave()
    talk.check()


def test_how_often_a_damaged_answer_is_asked_for() -> None:
    wrong = Say(framed(b"1.8.0(7)", 0))
    talk = logged_in([READ, wrong, Hear(NAK), wrong, Hear(NAK), wrong])
    assert talk.ask("R1", "1.8.0(1)") == Answered(AnswerKind.DAMAGED)
    talk.leave()
    talk.check()
    # of a password once: the meter may count what it hears
    talk = Talk([*OPENED, P1, wrong, Hear(NAK), wrong, *END])
    talk.open()
    assert talk.login() == Answered(AnswerKind.DAMAGED)
    talk.leave()
    talk.check()
    # and once more where the other kind of check has to come twice
    summed = Say(framed(b"1.8.0(7)", bcc(b"1.8.0(7)\x03", CheckKind.SUM7)))
    steps = [READ, wrong, Hear(NAK), wrong, Hear(NAK), summed, Hear(NAK), summed]
    talk = Talk([*OPENED[:4], Say(ACK), *steps, *END])
    talk.open()
    assert talk.ask("R1", "1.8.0(1)").text == "1.8.0(7)"


@pytest.mark.parametrize("keep", [True, False])
@pytest.mark.parametrize("more", [0, 1])
@pytest.mark.parametrize(
    ("limit", "value", "kept_only"),
    [("MOST_PARTS", 2, True), ("ANSWER_LIMIT", 16, True), ("PARTS_LIMIT", 16, False)],
)
def test_how_many_parts_an_answer_may_have(
    limit: str,
    value: int,
    kept_only: bool,
    more: int,
    keep: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(f"iecread.protocol.programming.{limit}", value)
    part = Say(framed(b"1.8.0(7)", last=False))
    steps = [part, Hear(ACK)] * (2 + more)
    talk = logged_in([READ, *steps, Say(framed(b"1.8.0(8)"))])
    command = Command("R1", b"1.8.0(1)")
    talk.engine.command(command, repeatable=True, keep=keep)
    over = more and (keep or not kept_only)
    got = talk.answered()
    assert got.kind is (AnswerKind.DAMAGED if over else AnswerKind.DATA)
    assert talk.engine.unsettled is bool(over)
    if over:
        assert got.text == "parts without an end: 3 with 24 bytes so far"


def test_how_long_the_line_rests_before_a_command() -> None:
    """Longer where an older answer may still come."""
    talk = logged_in([])
    read = Command("R1", b"1.8.0(1)")
    waits = []
    for _ in range(2):
        talk.engine.command(read, repeatable=True)
        action = talk.engine.next_action()
        assert isinstance(action, Wait)
        waits.append(action.seconds)
        talk.engine.abandon()
    assert waits == [pytest.approx(0.2, abs=0.05), 0.5]


def test_hours_of_silence_in_an_open_session_are_nothing() -> None:
    talk = logged_in([READ, Say(framed(b"1.8.0(7)"))])
    later = talk.wire.now + talk.engine.options.timing.endless + 10
    for moment in (later, later + 1):
        talk.engine.receive_data(b"\xff", moment)
    assert talk.engine.is_open and talk.events[-1] == Answered(AnswerKind.ACK)
    assert talk.ask("R1", "1.8.0(1)").text == "1.8.0(7)"
    # but in a readout they are no end
    talk = Talk([REQUEST, Say(b"/EXAXDEMO-A3\r\n"), Say(READOUT[:9])], retries=3)
    talk.engine.start(talk.wire.now)
    next(event for event in talk.run() if isinstance(event, Identified))
    with pytest.raises(RemoteProtocolError, match="no end, and 6 hours of silences"):
        talk.engine.receive_data(b"1", later)


def test_a_write_is_over_with_its_acknowledgement() -> None:
    talk = logged_in([WRITE, Say(ACK)])
    assert talk.ask("W1", "0.0.1(CUSTOMER 7)") == Answered(AnswerKind.ACK)
    assert talk.wire.now == pytest.approx(talk.wire.last_said)


@pytest.mark.parametrize("behind", [framed(b"1.8.0(7)"), ACK, b""])
def test_data_may_come_behind_the_acknowledgement_of_a_read(behind: bytes) -> None:
    talk = logged_in([READ, Say(ACK), *([Say(behind, 1.0)] if behind else [])])
    got = talk.ask("R1", "1.8.0(1)")
    if len(behind) > 1:
        assert got == Answered(AnswerKind.DATA, "1.8.0(7)")
    else:
        assert got == Answered(AnswerKind.ACK)
    rest = talk.wire.now - talk.wire.last_said
    assert (rest < 0.1) is bool(behind)


def test_a_read_is_sent_again_upon_nak_to_our_nak() -> None:
    good = Say(framed(b"1.8.0(7)"))
    talk = logged_in(
        [READ, Say(framed(b"1.8.0(7)", 0)), Hear(NAK), Say(NAK), READ, good]
    )
    assert talk.ask("R1", "1.8.0(1)").text == "1.8.0(7)"
    # which a write is upon NAK to it, since it was not done
    talk = logged_in([WRITE, Say(NAK), WRITE, Say(ACK)])
    assert talk.ask("W1", "0.0.1(CUSTOMER 7)") == Answered(AnswerKind.ACK)
