"""The reader engine against scripted meters, on a line that takes its time."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from readouts import (
    BLOCK,
    BREAK,
    CUTS,
    DATA,
    LONG,
    NAK,
    REQUEST,
    SPEEDS_B,
    SPEEDS_C,
    even,
    good,
    mode_c,
    opening,
    polite,
    refused,
    select,
    troubles,
)
from wire import (
    HangUp,
    Hear,
    MeterStep,
    Say,
    Speed,
    Wire,
    drive,
    framed,
    read_out,
    summed,
)

from iecread.engineoptions import parity_plan
from iecread.errors import (
    IecReadError,
    LocalProtocolError,
    NoAnswerError,
    PortError,
    RefusedError,
    RemoteProtocolError,
)
from iecread.protocol import parity
from iecread.protocol.actions import (
    BlockReceived,
    Done,
    Identified,
    LineReceived,
    Retried,
    SetSpeed,
    Trouble,
)
from iecread.protocol.bcc import CheckKind
from iecread.protocol.messages import Request
from iecread.protocol.options import ReaderOptions
from iecread.protocol.parity import Parity
from iecread.protocol.reader import ReaderEngine
from iecread.protocol.receiver import NOISE_LIMIT
from iecread.protocol.state import ReaderState
from iecread.protocol.timing import Timing
from iecread.transports import LineKind

# --- worked transcripts ------------------------------------------------------


@CUTS
class TestTranscripts:
    def test_t01_mode_a_with_check_characters(self, cut: object) -> None:
        block = b"\x020.0.0(00012345)\r\n1.8.0(000123.4*kWh)\r\n!\r\n\x03I"
        steps = opening(b"/EXAXDEMO-A1\r\n" + block)
        outcome = good(read_out(steps, {"cut": cut}), block)
        assert outcome.sent == [(REQUEST, 300)]
        assert outcome.wire.speeds == []
        assert outcome.engine.mode == "A" and outcome.engine.data_speed == 300

    def test_t02_mode_a_without_check_characters(self, cut: object) -> None:
        lines = b"0.0.0(00012345)\r\n6.8(00017.21*GJ)\r\n!\r\n"
        steps = opening(b"/EXA DEMO-A2\r\n" + lines)
        outcome = good(read_out(steps, {"cut": cut}), lines)
        assert outcome.sent == [(REQUEST, 300)]
        assert not outcome.engine.checked or outcome.engine.check_kind is None

    def test_t04_mode_b(self, cut: object) -> None:
        block = b"\x020.0.0(00012345)\r\n1.8.0(000123.4*kWh)\r\n!\r\n\x03I"
        steps = opening(b"/EXAEDEMO-B\r\n", Speed(9600), Say(block))
        outcome = good(read_out(steps, {"cut": cut}), block)
        assert outcome.sent == [(REQUEST, 300)]
        assert [baud for _, baud in outcome.wire.speeds] == [9600]
        assert outcome.engine.mode == "B" and outcome.engine.data_speed == 9600

    def test_t05_mode_c_at_9600_with_a_slash_as_check(self, cut: object) -> None:
        block = (
            b"\x02F.F(00)\r\n0.0.0(12345678)\r\n0.9.1(101415)\r\n0.9.2(240601)\r\n"
            b"1.8.0(001234.567*kWh)\r\n1.8.1(000234.567*kWh)\r\n"
            b"1.8.1*05(000200.000*kWh)\r\n1.8.1&04(000100.000*kWh)\r\n"
            b"1.6.1(0.123*kW)(2405310015)\r\n0.1.2*03()\r\n!\r\n\x03/"
        )
        steps = mode_c("5", Say(block, after=0.02), head=b"/EXa")
        outcome = good(read_out(steps, {"cut": cut}), block)
        assert outcome.sent == [(REQUEST, 300), (b"\x06050\r\n", 300)]
        assert len(outcome.of(LineReceived)) == 10
        assert outcome.engine.data_speed == 9600

    def test_t06_the_offered_speed_is_refused(self, cut: object) -> None:
        block = b"\x021.8.0(001234.5*kWh)\r\n!\r\n\x03{"
        steps = refused("5", Say(block))
        outcome = good(read_out(steps, {"cut": cut}, max_speed=4800), block)
        assert outcome.sent == [(REQUEST, 300), (b"\x06000\r\n", 300)]
        assert outcome.wire.speeds == []

    def test_t10_asked_again_with_nak(self, cut: object) -> None:
        wrong = b"\x021.8.0(001234.5*kWh)\r\n!\r\n\x03z"
        steps = mode_c("5", Say(wrong), Hear(NAK), Say(BLOCK))
        outcome = good(read_out(steps, {"cut": cut}), BLOCK)
        assert outcome.sent == [(REQUEST, 300), (b"\x06050\r\n", 300), (NAK, 9600)]
        assert troubles(outcome) == [Trouble.BLOCK_CHECK]

    def test_t14_wake_up_message(self, cut: object) -> None:
        block = b"\x026.8(00012.3*MWh)\r\n!\r\n\x03u"
        steps = [
            Hear(b"\0" * 66 + REQUEST),
            Say(b"/EXACDEMO-W\r\n"),
            Speed(2400),
            Say(block),
        ]
        outcome = good(read_out(steps, {"cut": cut}, wake="always"), block)
        assert outcome.sent == [(b"\0" * 66, 300), (REQUEST, 300)]
        nuls, request = outcome.wire.sent
        assert 2.1 <= nuls.end - nuls.begin <= 2.3
        assert 1.5 <= request.rest <= 1.7

    @pytest.mark.parametrize(
        ("address", "block"),
        [
            ("00000017", b"\x020.0.0(17)\r\n1.8.0(000001.5*kWh)\r\n!\r\n\x03N"),
            ("18", b"\x020.0.0(18)\r\n1.8.0(000002.5*kWh)\r\n!\r\n\x03B"),
        ],
    )
    def test_t19_addresses(self, cut: object, address: str, block: bytes) -> None:
        request = f"/?{address}!\r\n".encode()
        steps = opening(b"/EXA0BUS\r\n", Hear(select("0")), Say(block), request=request)
        outcome = good(read_out(steps, {"cut": cut}, request=Request(address)), block)
        assert outcome.sent == [(request, 300), (b"\x06000\r\n", 300)]

    @pytest.mark.parametrize("echo", [None, True])
    def test_t20_echo_and_a_glitch(self, cut: object, echo: bool | None) -> None:
        steps = mode_c("5", Say(b"\0" + BLOCK))
        outcome = good(read_out(steps, {"cut": cut, "echo": True}, echo=echo), BLOCK)
        select_ = outcome.wire.sent[1]
        (moment, baud), *rest = outcome.wire.speeds
        assert (baud, rest) == (9600, [])
        assert moment == pytest.approx(select_.end)  # echo complete: switch now

    def test_t22_several_data_sets_per_line(self, cut: object) -> None:
        block = (
            b"\x026.8(0012.345*GJ)6.26(00045.67*m3)9.21(66123456)\r\n6.6(0017.2*kW)"
            b"6.33(000.708*m3ph)9.4(094.4*C&092.9*C)\r\n"
            b'6.8.1()9.36(2022-06-08&10:06:51)\r\n!\r\n\x03"'
        )
        steps = opening(b"/LUGCUH50\r\n", Speed(2400), Say(block))
        good(read_out(steps, {"cut": cut}), block)

    def test_t23_the_sum_is_asked_for_once_more_then_settled(self, cut: object) -> None:
        block = (
            b"\x020.0(00005077354)\r\n6.8(00433.65*GJ)\r\n6.26(03052.95*m3)\r\n"
            b"6.31(0109868*h)!\r\n\x03a"
        )
        once = opening(b"/KAM MC\r\n", Say(block))
        outcome = good(read_out(once * 2, {"cut": cut}), block)
        assert troubles(outcome) == [Trouble.CHECK_KIND]
        assert outcome.engine.check_kind is CheckKind.SUM7
        # what was settled, or said, is not asked for again
        again = good(read_out(once, {"cut": cut}, check=CheckKind.SUM7), block)
        assert troubles(again) == []

    @pytest.mark.parametrize("kind", [LineKind.TCP, LineKind.UART])
    def test_t25_through_a_transparent_gateway(
        self, cut: object, kind: LineKind
    ) -> None:
        block = bytes.fromhex(
            "82 B1 2E B8 2E 30 28 30 30 B1 B2 33 B4 2E 35 AA EB D7 E8 A9 8D 0A 21 8D"
            "0A 03 7B"
        )
        send, receive = parity_plan("auto", kind)
        outcome = good(
            read_out(
                refused("5", Say(BLOCK)),
                {"cut": cut, "parity_": Parity.EVEN},
                send_parity=send,
                receive_parity=receive,
                max_speed=300,
            ),
            block,
        )
        assert [message.data for message in outcome.wire.sent] == [
            bytes.fromhex("AF 3F 21 8D 0A"),
            bytes.fromhex("06 30 30 30 8D 0A"),
        ]
        assert outcome.engine.parity is Parity.EVEN
        assert outcome.engine.parity_errors == 0


def test_t07_the_meter_reads_out_at_300_by_itself() -> None:
    line = b"/EXA5DEMO-C3\r\n"
    good(read_out(opening(line, Say(LONG, after=2.4)), max_speed=300), LONG)
    # nor does it take an option select for another speed
    steps = [*opening(line, Say(LONG, after=2.4)), *refused("5", Say(BLOCK))]
    outcome = good(read_out(steps), BLOCK)
    assert troubles(outcome)[0] is Trouble.WRONG_SPEED


# --- identifications ---------------------------------------------------------


@CUTS
@pytest.mark.parametrize(
    ("line", "z"),
    [
        (rb"/EXA5\2DEMO" + b"\r\n", "5"),  # mode E reads as C
        (rb"/EXA4\@01LZQJL0013G" + b"\r\n", "4"),
        (rb"/EXA5\@\201LZQJL0013F" + b"\r\n", "5"),
        (b"/exa5demo\r\n", "5"),
        (b"/MKS6<2>ADM(M550.2251)\r\n", "6"),
        (b"/EXA5DEMO\n", "5"),
        (b"/EXA5DEMO\r", "5"),
        (b"/EXA5DEMO", "5"),
        (b"\0\xff/EXA5DEMO\r\n", "5"),
        (b"\x15ab/x\r\nnoise/EXA5DEMO\r\n", "5"),
        (b"/EXA5DE/EXA5DEMO\r\n", "5"),
        (b"/EXA7DEMO\r\n", "0"),  # reserved: Z = 0
        (b"/EXA8DEMO\r\n", "0"),
        (b"/EXA9DEMO\r\n", "0"),
        (b"/EXA5DEMO\r\n\r\n", "5"),  # something more behind it
        (b"/EXA5DEMO\r\n\0\xff", "5"),
    ],
)
def test_variants_in_mode_c(cut: object, line: bytes, z: str) -> None:
    last = line[line.rindex(b"/") :]
    steps: list[MeterStep] = [
        Hear(REQUEST),
        Say(line, 0.2),
        Hear(select(z)),
        Speed(SPEEDS_C[z]),
        Say(BLOCK),
    ]
    outcome = good(read_out(steps, {"cut": cut}), BLOCK)
    assert outcome.sent[1] == (select(z), 300)
    assert troubles(outcome) == []
    (found,) = outcome.of(Identified)
    assert isinstance(found, Identified)
    assert last.startswith(found.identification.text.encode())
    rest = outcome.wire.sent[1].rest
    owed = 0.02 if last[3:4].islower() else 0.2
    if last.endswith(b"\n"):
        assert owed <= rest <= owed + 0.005  # as fast as the line
    else:  # tt: the meter waits for 1.5 s at least
        assert rest <= 1.4


@pytest.mark.parametrize("z", list("0123456"))
def test_every_speed_of_mode_c(z: str) -> None:
    outcome = good(read_out(mode_c(z, Say(BLOCK))), BLOCK)
    assert outcome.engine.data_speed == SPEEDS_C[z]


@pytest.mark.parametrize("z", list("ABCDEF"))
def test_every_speed_of_mode_b(z: str) -> None:
    steps = opening(
        f"/EXA{z}DEMO\r\n".encode(), Speed(SPEEDS_B[z]), Say(BLOCK, after=0.02)
    )
    outcome = good(read_out(steps), BLOCK)
    assert outcome.engine.data_speed == SPEEDS_B[z]


@pytest.mark.parametrize("z", list("GHI"))
def test_reserved_letters_are_waited_for_at_300(z: str) -> None:
    line = f"/EXA{z}DEMO\r\n".encode()
    good(read_out(opening(line, Say(BLOCK))), BLOCK)
    outcome = read_out(opening(line) * 3)
    assert isinstance(outcome.error, NoAnswerError)
    assert "identified" in str(outcome.error)
    assert outcome.wire.speeds == []


@pytest.mark.parametrize("line", [b"/EXA\r\n", b"/EXA DEMO\r\n", b"/EXAXDEMO\r\n"])
def test_told_to_use_mode_c_for_a_meter_that_offers_no_speed(line: bytes) -> None:
    steps = opening(line, Hear(select("0")), Say(BLOCK))
    good(read_out(steps, mode="c"), BLOCK)


def test_told_to_use_mode_b_or_a() -> None:
    steps = opening(b"/EXA5DEMO\r\n", Speed(9600), Say(BLOCK))
    assert len(good(read_out(steps, mode="b"), BLOCK).sent) == 1
    steps = opening(b"/EXA5DEMO\r\n", Say(BLOCK, after=2.0))
    assert len(good(read_out(steps, mode="a"), BLOCK).sent) == 1


def test_a_pause_of_a_second_within_the_identification_is_no_end() -> None:
    steps = [
        Hear(REQUEST),
        Say(b"/EXA5DE"),
        Say(b"MO\r\n", after=0.9),
        Hear(select("5")),
        Speed(9600),
        Say(BLOCK),
    ]
    good(read_out(steps), BLOCK)


# --- times -------------------------------------------------------------------


@pytest.mark.parametrize("latency", [0.0, 0.001, 0.016])
@pytest.mark.parametrize("drains", [False, True])
@pytest.mark.parametrize("echo", [False, True])
@pytest.mark.parametrize("head", [b"/EXA", b"/EXa"])
@pytest.mark.parametrize("z", ["1", "3", "5", "6"])
def test_the_option_select_is_heard_whole_and_no_character_is_lost(
    z: str, head: bytes, echo: bool, drains: bool, latency: float
) -> None:
    owed = 0.02 if head[3:].islower() else 0.2
    line = {"echo": echo, "drains": drains, "latency": latency}
    outcome = read_out(mode_c(z, Say(BLOCK, after=owed), head=head), line)
    good(outcome, BLOCK)
    assert troubles(outcome) == []
    (moment, _), *rest = outcome.wire.speeds
    assert not rest
    end = outcome.wire.sent[1].end
    assert end <= moment < end + owed
    assert outcome.wire.sent[1].rest <= owed + latency + 0.005


def test_a_delay_that_was_asked_for() -> None:
    for delay in (0.0, 0.1):
        outcome = read_out(mode_c("5", Say(BLOCK, 0.2)), switch_delay=delay)
        good(outcome, BLOCK)
        end = outcome.wire.sent[1].end
        assert outcome.wire.speeds[0][0] == pytest.approx(end + delay)


def test_characters_behind_the_identification_put_the_answer_off() -> None:
    steps = [
        Hear(REQUEST),
        Say(b"/EXA5DEMO\r\n"),
        Say(b"\0", after=0.15),
        Say(b"\0", after=0.19),
        Hear(select("5")),
        Speed(9600),
        Say(BLOCK),
    ]
    good(read_out(steps), BLOCK)


@pytest.mark.parametrize("text", [DATA, BLOCK])
@pytest.mark.parametrize(
    ("after", "cut"),  # in larger pieces a late beginning would come too late
    [(0.0, None), (0.0, ()), (0.0, (3, 1, 5) * 50), (0.1, ())],
)
def test_a_meter_that_does_not_wait_for_an_option_select(
    cut: object, text: bytes, after: float
) -> None:
    said = [Say(text, after)] if after else []
    line = b"/EXA5DEMO\r\n" + (b"" if after else text)
    outcome = good(read_out(opening(line, *said), {"cut": cut}), text)
    assert outcome.sent == [(REQUEST, 300)]
    assert outcome.wire.now < outcome.wire.last_said + 0.3


@pytest.mark.parametrize(
    ("answer", "data", "gap"), [(2.4, 4.9, 2.9), (0.2, 0.2, 0.01), (1.5, 1.5, 1.5)]
)
def test_slow_meters_are_waited_for(answer: float, data: float, gap: float) -> None:
    steps = [
        Hear(REQUEST),
        Say(b"/EXA5DEMO\r\n", answer),
        Hear(select("5")),
        Speed(9600),
        Say(BLOCK[:10], data),
        Say(BLOCK[10:], gap),
    ]
    outcome = good(read_out(steps), BLOCK)
    assert troubles(outcome) == []


def test_slow_characters_are_waited_for() -> None:
    for speed in ("0", "5"):
        outcome = read_out(mode_c(speed, Say(LONG)), {"stretch": 20.0})
        good(outcome, LONG)
        assert troubles(outcome) == []


@pytest.mark.parametrize("z", "XE")
def test_modes_a_and_b_may_take_as_long(z: str) -> None:
    speed = [Speed(9600)] if z == "E" else []
    steps = opening(f"/EXA{z}DEMO\r\n".encode(), *speed, Say(BLOCK, 4.9))
    assert troubles(good(read_out(steps), BLOCK)) == []
    outcome = read_out(opening(f"/EXA{z}DEMO\r\n".encode()), retries=0)
    assert outcome.wire.now - outcome.wire.last_said == pytest.approx(5.0)


def test_a_first_line_that_takes_longer_than_an_answer_may() -> None:
    line = b"1.8.0(001234.5*kWh)" * 20 + b"\r\n!\r\n"  # 13 s at 300 Bd
    good(read_out(opening(b"/EXAXDEMO\r\n" + line)), line)


def test_a_long_readout_has_no_time_limit() -> None:
    block = framed(b"1.8.0(001234.5*kWh)\r\n" * 400 + b"!\r\n")
    outcome = good(read_out(opening(b"/EXAXDEMO\r\n" + block)), block)
    assert outcome.wire.now > 1280
    assert len(outcome.of(LineReceived)) == 400


def test_a_network_takes_longer() -> None:
    timing = Timing().with_latency(3.0)
    steps = [
        Hear(REQUEST),
        Say(b"/EXA0DEMO\r\n", 5.4),
        Hear(select("0")),
        Say(DATA[:10], 7.9),
        Say(DATA[10:], 5.9),
    ]
    outcome = good(read_out(steps, timing=timing), DATA)
    assert troubles(outcome) == []
    # still within what the meter waits for an option select
    good(
        read_out(opening(b"/EXA0DEMO", Hear(select("0")), Say(BLOCK)), timing=timing),
        BLOCK,
    )
    assert timing.line_end_gap + 0.1 <= 1.5


def test_the_silence_that_was_said() -> None:
    outcome = read_out([], timing=Timing().with_timeout(0.5), retries=0, wake="never")
    assert outcome.wire.now == pytest.approx(1000 + 50 / 300 + 0.5)
    timing = Timing().with_timeout(9.0)
    steps = mode_c("5", Say(BLOCK[:9], 8.9), Say(BLOCK[9:], 8.9))
    assert troubles(good(read_out(steps, timing=timing), BLOCK)) == []


def test_a_readout_ends_with_its_last_character() -> None:
    outcome = good(read_out(mode_c("5", Say(BLOCK))), BLOCK)
    assert outcome.wire.now == pytest.approx(outcome.wire.last_said)


# --- damage ------------------------------------------------------------------


@CUTS
def test_a_wrong_check_every_time_is_told_after_a_bounded_number_of_tries(
    cut: object,
) -> None:
    wrong = framed(DATA, 0x7A)
    asked = [Hear(NAK), Say(wrong)] * 2
    steps = mode_c("5", Say(wrong), *asked) * 2 + refused("5", Say(wrong), *asked)
    outcome = read_out(steps, {"cut": cut})
    polite(outcome)
    assert isinstance(outcome.error, RemoteProtocolError)
    assert "expected 7B, got 7A" in outcome.error.message
    assert "all tries" in outcome.error.message
    assert outcome.blocks == []
    sent = [data for data, _ in outcome.sent]
    assert sent.count(REQUEST) == 3 and sent.count(NAK) == 3 * 2
    assert sent.count(select("5")) == 2 and sent.count(select("0")) == 1
    assert BREAK not in sent


@pytest.mark.parametrize("line", [b"/EXAXDEMO\r\n", b"/EXAEDEMO\r\n"])
def test_modes_a_and_b_ask_with_a_new_request(line: bytes) -> None:
    speed = [Speed(9600)] if b"EXAE" in line else []
    one = opening(line, *speed, Say(framed(DATA, 0)))
    outcome = read_out(one * 3)
    polite(outcome)
    assert isinstance(outcome.error, RemoteProtocolError)
    assert [data for data, _ in outcome.sent] == [REQUEST] * 3
    for message in outcome.wire.sent[1:]:
        assert message.rest >= 2.0  # between two sessions
    good(read_out([*one, *opening(line, *speed, Say(BLOCK))]), BLOCK)


def test_no_retries_means_one_session() -> None:
    outcome = read_out(mode_c("5", Say(framed(DATA, 0))), retries=0)
    assert isinstance(outcome.error, RemoteProtocolError)
    assert [data for data, _ in outcome.sent].count(REQUEST) == 1


def test_the_check_may_be_switched_off() -> None:
    wrong = framed(DATA, 0x7A)
    outcome = good(read_out(mode_c("5", Say(wrong)), check_off=True), wrong)
    assert not outcome.engine.checked


@CUTS
def test_parity_is_all_that_vouches_for_lines_without_a_check(cut: object) -> None:
    line = {"cut": cut, "parity_": Parity.EVEN}
    head = even(b"/EXAXDEMO\r\n")
    steps: list[MeterStep] = [
        *(Hear(REQUEST), Say([*head, *even(DATA, 8)])),
        *(Hear(REQUEST), Say([*head, *even(DATA)])),
    ]
    outcome = read_out(steps, line, send_parity=(Parity.EVEN,))
    good(outcome, parity.add_even(DATA))
    assert troubles(outcome) == [Trouble.PARITY]
    outcome = read_out(steps[:2], line, send_parity=(Parity.EVEN,), retries=0)
    assert isinstance(outcome.error, RemoteProtocolError)
    assert outcome.engine.unchecked() == bytes(c & 0xFF for c in even(DATA, 8))
    outcome = read_out(steps[:2], line, send_parity=(Parity.EVEN,), check_off=True)
    assert outcome.error is None


@CUTS
class TestParts:
    FIRST = framed(b"0.0.0(1)\r\n", last=False)
    SECOND = framed(b"1.8.0(2)\r\n", last=False)
    LAST = framed(b"2.8.0(3)\r\n!\r\n")

    def test_each_is_acknowledged_but_the_last(self, cut: object) -> None:
        answers = [Say(self.FIRST), Hear(b"\x06"), Say(self.SECOND), Hear(b"\x06")]
        outcome = read_out(mode_c("5", *answers, Say(self.LAST)), {"cut": cut})
        good(outcome, self.FIRST, self.SECOND, self.LAST)
        assert [data for data, _ in outcome.sent[2:]] == [b"\x06", b"\x06"]

    def test_a_damaged_one_is_asked_for_again(self, cut: object) -> None:
        wrong = self.SECOND[:-1] + b"\x7f"
        answers = [Say(self.FIRST), Hear(b"\x06"), Say(wrong), Hear(NAK)]
        answers += [Say(self.SECOND), Hear(b"\x06"), Say(self.LAST)]
        outcome = read_out(mode_c("5", *answers), {"cut": cut})
        good(outcome, self.FIRST, self.SECOND, self.LAST)

    def test_each_part_has_its_own_tries(self, cut: object) -> None:
        wrong = [part[:-1] + b"\x7f" for part in (self.FIRST, self.LAST)]
        answers = [Say(wrong[0]), Hear(NAK), Say(wrong[0]), Hear(NAK)]
        answers += [Say(self.FIRST), Hear(b"\x06"), Say(wrong[1]), Hear(NAK)]
        answers += [Say(wrong[1]), Hear(NAK), Say(self.LAST)]
        good(read_out(mode_c("5", *answers), {"cut": cut}), self.FIRST, self.LAST)

    def test_a_meter_that_does_not_wait_to_be_acknowledged(self, cut: object) -> None:
        steps = mode_c("5", Say(self.FIRST + self.SECOND + self.LAST))
        outcome = good(
            read_out(steps, {"cut": cut}), self.FIRST, self.SECOND, self.LAST
        )
        assert outcome.wire.now < outcome.wire.last_said + 1

    def test_through_an_echo(self, cut: object) -> None:
        answers = [Say(self.FIRST), Hear(b"\x06"), Say(self.LAST)]
        outcome = read_out(mode_c("5", *answers), {"cut": cut, "echo": True})
        good(outcome, self.FIRST, self.LAST)


def test_parts_without_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("iecread.protocol.reader.DATA_LIMIT", 5000)
    part = framed(b"1.8.0(001234.5*kWh)\r\n" * 10, last=False)
    steps = itertools.chain(mode_c("6"), itertools.cycle([Say(part), Hear(b"\x06")]))
    outcome = read_out(steps, retries=0)
    assert isinstance(outcome.error, RemoteProtocolError)
    assert "parts without an end" in outcome.error.message
    assert sum(map(len, outcome.blocks)) <= 5000 + len(part)


@CUTS
class TestSilence:
    def test_in_the_middle_of_a_block(self, cut: object) -> None:
        steps = mode_c("5", Say(BLOCK[:15]), Hear(NAK), Say(BLOCK))
        outcome = good(read_out(steps, {"cut": cut}), BLOCK)
        assert troubles(outcome) == [Trouble.FELL_SILENT]

    def test_a_block_that_was_cut_short_by_one_bit(self, cut: object) -> None:
        """``C`` became ETX, and the character behind it is the right check."""
        text = b"1.8.0(1)\r\n\x14.1.0(23)\r\n!\r\n"
        at = text.index(b"\x14")
        whole = framed(text.replace(b"\x14", b"C"))
        short = b"\x02" + text[:at] + b"\x03" + framed(text[:at])[-1:] + text[at + 2 :]
        steps = [*mode_c("5", Say(short)), Hear(NAK), Say(whole)]
        outcome = good(read_out(steps, {"cut": cut}), whole)
        assert troubles(outcome) == [Trouble.BLOCK_CHECK]
        # a meter that leaves out the "!" is believed, whatever stands behind
        bare = framed(b"1.8.0(1)\r\n")
        for rest in (b"", b"\r\n", b"\x00", b"\x02again"):
            good(read_out(mode_c("5", Say(bare + rest)), {"cut": cut}), bare)

    def test_where_only_the_check_character_is_missing(self, cut: object) -> None:
        steps = mode_c("5", Say(BLOCK[:-1]), Hear(NAK), Say(BLOCK))
        good(read_out(steps, {"cut": cut}), BLOCK)

    def test_every_time(self, cut: object) -> None:
        half = [Say(BLOCK[:15]), Hear(NAK)]
        outcome = read_out(
            [*mode_c("5", *half)] * 2 + refused("5", *half), {"cut": cut}
        )
        polite(outcome)
        assert isinstance(outcome.error, NoAnswerError)
        assert "fell silent within a message: 15 bytes" in outcome.error.message
        # a session that may be open is signed off before the next is opened
        assert (BREAK, 9600) in outcome.sent and (BREAK, 300) in outcome.sent

    def test_lines_without_a_check_are_kept_for_the_error(self, cut: object) -> None:
        for steps in (
            opening(b"/EXAXDEMO\r\n" + b"0.0.0(1)\r\n1.8.0(2)\r\n2.8"),
            mode_c("5", Say(b"0.0.0(1)\r\n1.8.0(2)\r\n2.8")),
        ):
            outcome = read_out(steps, {"cut": cut}, retries=0)
            assert isinstance(outcome.error, NoAnswerError)
            assert outcome.engine.unchecked() == b"0.0.0(1)\r\n1.8.0(2)\r\n2.8"

    def test_behind_the_identification(self, cut: object) -> None:
        outcome = read_out(opening(b"/EXAXDEMO\r\n") * 3, {"cut": cut})
        assert isinstance(outcome.error, NoAnswerError)
        assert "identified itself" in outcome.error.message


@CUTS
class TestRefusal:
    def test_nak_in_place_of_data_then_at_the_opening_speed(self, cut: object) -> None:
        steps = [*mode_c("5", Say(NAK)), *refused("5", Say(BLOCK))]
        outcome = good(read_out(steps, {"cut": cut}), BLOCK)
        assert troubles(outcome) == [Trouble.REFUSED]
        assert outcome.wire.sent[2].rest < 2.5  # one that stays alone is known quickly

    def test_every_time(self, cut: object) -> None:
        steps = [*mode_c("5", Say(NAK)), *refused("5", Say(NAK)) * 2]
        outcome = read_out(steps, {"cut": cut})
        assert isinstance(outcome.error, RefusedError)
        assert "NAK" in outcome.error.message

    def test_break_in_place_of_data(self, cut: object) -> None:
        steps = [*mode_c("5", Say(BREAK)), *refused("5", Say(BREAK)) * 2]
        outcome = read_out(steps, {"cut": cut})
        assert isinstance(outcome.error, RefusedError)
        assert "break" in outcome.error.message

    def test_programming_mode_in_place_of_data(self, cut: object) -> None:
        """6.3.3: a damaged option select may say so; it is left, and asked again."""
        into = [*mode_c("5", Say(b"\x01P0\x02(00000000)\x03`")), Hear(BREAK)]
        steps = [*into, Speed(300), Hear(BREAK), *mode_c("5", Say(BLOCK))]
        outcome = good(read_out(steps, {"cut": cut}), BLOCK)
        assert troubles(outcome) == [Trouble.MISHEARD]

    def test_a_nak_before_data_is_a_glitch(self, cut: object) -> None:
        outcome = good(read_out(mode_c("5", Say(NAK + BLOCK)), {"cut": cut}), BLOCK)
        assert troubles(outcome) == []

    def test_nak_to_our_nak_ends_the_session_at_once(self, cut: object) -> None:
        wrong = framed(DATA, 0)
        steps = [*mode_c("5", Say(wrong), Hear(NAK), Say(NAK))]
        outcome = good(
            read_out([*steps, *mode_c("5", Say(BLOCK))], {"cut": cut}), BLOCK
        )
        assert troubles(outcome) == [Trouble.BLOCK_CHECK] * 2


@CUTS
def test_a_block_whose_end_comes_too_early_is_waited_out(cut: object) -> None:
    block = framed(b"C.1.0(12345678)\r\n" * 30 + b"!\r\n")
    at = block.index(b"C", 100)
    broken = block[:at] + b"\x03" + block[at + 1 :]  # C and ETX: one bit
    for z in "05" if cut == () else "5":
        steps = mode_c(z, Say(broken), Hear(NAK), Say(block))
        outcome = good(read_out(steps, {"cut": cut}), block)
        assert troubles(outcome) == [Trouble.BLOCK_CHECK]
        assert outcome.engine.noise == len(block) - at - 2


@pytest.mark.parametrize("line", [b"/EXAXDEMO\r\n", b"/EXACDEMO\r\n"])
def test_a_new_request_waits_until_the_meter_has_ended(line: bytes) -> None:
    block = framed(b"C.1.0(12345678)\r\n" * 300 + b"!\r\n")
    broken = block.replace(b"C", b"\x03", 1)  # the block seems to end at once
    speed = [Speed(2400)] if line[4:5] == b"C" else []
    steps = [*opening(line, *speed, Say(broken)), *opening(line, *speed, Say(block))]
    outcome = good(read_out(steps), block)
    assert len(outcome.sent) == 2 and outcome.wire.sent[1].rest >= 2.0


@CUTS
def test_a_lost_stx(cut: object) -> None:
    steps = mode_c("5", Say(LONG[1:]), Hear(NAK), Say(LONG))
    good(read_out(steps, {"cut": cut}), LONG)


@CUTS
@pytest.mark.parametrize("check", [0x02, 0x03, 0x04, 0x06, 0x0A, 0x0D, 0x15, 0x2F])
def test_check_characters_that_look_like_something_else(
    cut: object, check: int
) -> None:
    texts = (
        b"C.1.0(%c%c)\r\n!\r\n" % (a, b) for a in b"01AZaz" for b in range(48, 123)
    )
    block = next(framed(text) for text in texts if framed(text)[-1] == check)
    good(read_out(mode_c("5", Say(block)), {"cut": cut}), block)


# --- speeds ------------------------------------------------------------------


def test_an_unanswered_option_select_later_then_not_at_all() -> None:
    steps = [*mode_c("5"), *mode_c("5")]
    outcome = good(read_out([*steps, *refused("5", Say(BLOCK))]), BLOCK)
    assert troubles(outcome) == [Trouble.NO_ANSWER] * 2
    selects = [m for m in outcome.wire.sent if m.text[:1] == b"\x06"]
    assert [m.text for m in selects] == [select("5"), select("5"), select("0")]
    delays = [
        min(at for at, baud in outcome.wire.speeds if at >= m.end) - m.end
        for m in selects[:2]
    ]
    assert delays[0] < 0.03 < 0.1 < delays[1] < 0.2
    # the session that may be open is signed off, at both speeds
    assert outcome.sent[2:4] == [(BREAK, 9600), (BREAK, 300)]


@pytest.mark.parametrize("z", "XB5")
def test_where_nothing_had_to_be_found_out(z: str) -> None:
    line = f"/EXA{z}DEMO\r\n".encode()
    speed = {"B": 1200, "5": 9600}.get(z, 300)
    select_ = [Hear(select(z))] if z == "5" else []
    outcome = good(read_out(opening(line, *select_, Speed(speed), Say(BLOCK))), BLOCK)
    assert outcome.engine.found == {}


def test_a_later_switch_is_found_out() -> None:
    steps = [*mode_c("5")[:-1], *mode_c("5", Say(BLOCK))]
    outcome = read_out(steps)
    assert outcome.error is None
    assert outcome.engine.found == {"switch_delay": pytest.approx(0.12)}


def test_the_later_switch_stays_later_with_an_echo() -> None:
    steps = [*mode_c("5"), *mode_c("5", Say(BLOCK))]
    outcome = good(read_out(steps, {"echo": True}), BLOCK)
    second = [m for m in outcome.wire.sent if m.text == select("5")][1]
    moment = min(at for at, _ in outcome.wire.speeds if at >= second.end - 1e-9)
    assert moment > second.end + 0.1


@pytest.mark.parametrize("repeats", [True, False])
@pytest.mark.parametrize("z", list("123456"))
def test_answers_at_300_although_another_speed_was_agreed(
    z: str, repeats: bool
) -> None:
    line = f"/EXA{z}DEMO\r\n".encode()
    steps = opening(line, Hear(select(z)), Say(LONG))
    if repeats:
        steps += [Hear(NAK), Say(LONG)]
    steps += [*refused(z, Say(LONG))] * 2
    outcome = read_out(steps)
    assert outcome.error is None and outcome.blocks == [LONG]
    assert outcome.engine.data_speed == 300


@pytest.mark.parametrize("z", list("123456"))
def test_a_short_answer_at_300_is_noticed_when_it_is_over(z: str) -> None:
    block = framed(b"1(1)\r\n!\r\n")
    line = f"/EXA{z}DEMO\r\n".encode()
    steps = [*opening(line, Hear(select(z)), Say(block)), *refused(z, Say(block)) * 2]
    outcome = read_out(steps)
    assert outcome.error is None and outcome.blocks == [block]
    assert Trouble.NO_ANSWER not in troubles(outcome)


@pytest.mark.parametrize("z", list("ABCDEF"))
def test_a_mode_b_meter_that_stays_at_300(z: str) -> None:
    line = f"/EXA{z}DEMO\r\n".encode()
    outcome = read_out(opening(line, Say(LONG)) * 4)
    assert outcome.error is None and outcome.blocks == [LONG]
    assert outcome.engine.data_speed == 300
    assert outcome.engine.found == {"stay_at_baud": True}


def test_a_meter_that_stays_at_300_and_sends_no_block_check() -> None:
    lines = b"0.0.0(12345678)\r\n" * 12 + b"!\r\n"
    line = b"/EXA5DEMO\r\n"
    steps = opening(line, Hear(select("5")), Say(lines), Hear(NAK), Say(lines))
    outcome = good(read_out(steps), lines)  # its beginning was lost the first time
    assert troubles(outcome) == [Trouble.WRONG_SPEED, Trouble.BLOCK_CHECK]


@pytest.mark.parametrize(("pace", "noticed"), [(30, True), (500, True), (700, False)])
def test_what_comes_too_slowly_is_another_speed_whatever_it_is(
    pace: int, noticed: bool
) -> None:
    engine = at_9600()
    for at in range(40):
        engine.receive_data(b"x", 2.0 + at / pace)
        if engine.next_action():
            break
    assert (engine.next_action() is not None) is noticed
    if noticed:
        assert at == 12 and engine.next_action() == SetSpeed(300)
        (event,) = engine.events()
        assert isinstance(event, Retried) and event.trouble is Trouble.WRONG_SPEED


def at_9600() -> ReaderEngine:
    """An engine that has sent its option select and changed its speed."""
    engine = ReaderEngine(ReaderOptions())
    engine.start(0.0)
    engine.action_done(0.0)
    engine.receive_data(b"/EXA5DEMO\r\n", 1.0)
    while engine.next_action():
        engine.action_done(1.5)
    engine.events()
    assert engine.speed == 9600 and engine.state is ReaderState.READING
    return engine


def test_told_to_stay() -> None:
    steps = opening(b"/EXA4DEMO\r\n", Hear(select("4")), Say(BLOCK))
    outcome = good(read_out(steps, stay=True), BLOCK)
    assert outcome.wire.speeds == []


@pytest.mark.parametrize(
    ("z", "max_speed", "chosen"),
    [("5", 9600, "5"), ("5", 9599, "0"), ("6", 9600, "0"), ("0", 300, "0")],
)
def test_the_fastest_speed_that_is_wanted(z: str, max_speed: int, chosen: str) -> None:
    steps = opening(
        f"/EXA{z}DEMO\r\n".encode(),
        Hear(select(chosen)),
        Speed(SPEEDS_C[chosen]),
        Say(BLOCK),
    )
    good(read_out(steps, max_speed=max_speed), BLOCK)


@pytest.mark.parametrize(("z", "chosen"), [("5", "5"), ("4", "0"), ("6", "0")])
def test_a_gateway_that_is_fixed_at_one_speed(z: str, chosen: str) -> None:
    line = f"/EXA{z}DEMO\r\n".encode()
    steps = opening(line, Hear(select(chosen)), Say(BLOCK), speed=9600)
    outcome = read_out(steps, opening_speed=9600, adjustable=False)
    good(outcome, BLOCK)
    assert {baud for _, baud in outcome.sent} == {9600}


@pytest.mark.parametrize("z", list("123456"))
def test_a_gateway_that_does_not_follow_the_change_of_speed(z: str) -> None:
    steps = [*mode_c(z, Say(LONG)), *refused(z, Say(LONG))]
    outcome = read_out(steps, {"fixed": True}, adjustable=False)
    assert outcome.error is None and outcome.blocks == [LONG]
    assert [data for data, _ in outcome.sent].count(REQUEST) == 2


def test_noise_at_the_change_of_speed_is_not_taken_for_another_speed() -> None:
    noise = b"\0\xff\xfe\0\x80" * 2
    outcome = good(read_out(mode_c("5", Say(noise + LONG))), LONG)
    assert troubles(outcome) == []


# --- for ever ----------------------------------------------------------------


def noise_behind(*steps: MeterStep, noise: bytes) -> list[MeterStep]:
    return [*steps, Say(itertools.cycle(noise), after=0.1)]


PLACES = {
    "behind the request": [Hear(REQUEST)],
    "behind the identification": opening(b"/EXA5DEMO\r\n", Say(b"\0", 0.05)),
    "in place of data": mode_c("5"),
    "within a block": mode_c("6", Say(b"\x021.8.0(0")),
    "behind a damaged block": mode_c("6", Say(framed(DATA, 0))),
    "behind a part": mode_c("6", Say(framed(b"a(1)\r\n", last=False))),
    "in mode A": opening(b"/EXAXDEMO\r\n"),
    "within lines in mode A": opening(b"/EXAXDEMO\r\n0.0.0(1)\r\n"),
}


@pytest.mark.parametrize("place", list(PLACES))
@pytest.mark.parametrize(
    "noise",
    [b"\0", b"\xff", b"\x15", b"n", b"\r\n", b"/EXA", b"a(1)\r\n", b"\x02", b"/?!\r\n"],
)
def test_noise_for_ever_ends(
    place: str, noise: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit = 1500  # of what a meter may send: the true ones take long to reach
    for module in ("receiver", "opening", "reader"):
        monkeypatch.setattr(f"iecread.protocol.{module}.DATA_LIMIT", limit)
    monkeypatch.setattr("iecread.protocol.receiver.GLITCH_LIMIT", limit)
    steps = noise_behind(*PLACES[place], noise=noise)
    outcome = read_out(steps)
    assert isinstance(outcome.error, RemoteProtocolError | RefusedError)
    assert len(outcome.engine._receiver) <= limit + 10
    assert outcome.engine.finished
    assert outcome.wire.interruptions == 0


def test_noise_before_an_identification_has_its_own_small_bound() -> None:
    outcome = read_out([Hear(REQUEST), Say(itertools.repeat(ord("n")))])
    assert isinstance(outcome.error, RemoteProtocolError)
    assert outcome.engine.noise <= 3 * (NOISE_LIMIT + 1)
    outcome = read_out([Say(itertools.repeat(0))])
    assert isinstance(outcome.error, RemoteProtocolError)


def test_sml_is_named() -> None:
    sml = bytes.fromhex("1b1b1b1b01010101") * 3
    outcome = read_out([Hear(REQUEST), Say(sml)])
    assert isinstance(outcome.error, RemoteProtocolError)
    assert "SML" in outcome.error.message
    assert outcome.engine.finished


SCRAPS = [
    *(bytes([c]) for c in b"\x00\x01\x02\x03\x04\x06\x15\r\n!/()*1\xff\x8d"),
    *(b"/EXA5DEMO\r\n", b"/EXAXDEMO\r\n", b"/EXAEDEMO\r\n", REQUEST, select("5")),
    *(DATA, BLOCK, BREAK, b"!\r\n", b"0.0.0(1)\r\n", framed(b"(ER01)")),
    *(framed(b"a(1)\r\n", last=False), summed(DATA), BLOCK[:9]),
]
SHORT = Timing(
    request_answer=0.5, data_answer=0.6, repeat_answer=0.5, gap=0.4, rest=0.3
)


def any_place() -> st.SearchStrategy[list[MeterStep]]:
    return st.sampled_from(
        [*PLACES.values(), mode_c("1"), mode_c("5", Say(framed(DATA, 0)), Hear(NAK))]
    )


def any_bytes() -> st.SearchStrategy[bytes]:
    scraps = st.lists(st.sampled_from(SCRAPS), max_size=25).map(b"".join)
    return st.one_of(scraps, st.binary(max_size=200))


@settings(max_examples=300, deadline=None)
@given(
    any_place(),
    st.lists(any_bytes(), max_size=3),
    st.booleans(),
    st.booleans(),
    st.sampled_from([0, 1, 2]),
)
def test_any_bytes_at_any_place_end_in_data_or_the_right_errors(
    place: list[MeterStep], said: list[bytes], echo: bool, strict: bool, retries: int
) -> None:
    steps = [*place]
    for scrap in said:
        steps += [Say(scrap, 0.1), Hear(REQUEST)]
    outcome = read_out(
        steps,
        {"echo": echo, "parity_": Parity.EVEN if strict else None},
        retries=retries,
        send_parity=(Parity.NONE, Parity.EVEN),
        timing=SHORT,
    )
    expected = NoAnswerError | RemoteProtocolError | RefusedError
    assert outcome.error is None or isinstance(outcome.error, expected)
    assert outcome.error is None or outcome.error.hint
    assert outcome.engine.finished and outcome.engine.next_action() is None
    assert outcome.wire.interruptions == 0
    assert len(outcome.wire.sent) < 60
    for block in outcome.blocks:  # nothing was made up, nothing unchecked let through
        text = parity.strip(block)
        if text[:1] == b"\x02":
            assert text in (framed(text[1:-2], last=text[-2] == 3), summed(text[1:-2]))


@settings(max_examples=200, deadline=None)
@given(any_place(), any_bytes(), st.lists(st.integers(1, 12), max_size=60))
def test_the_same_events_in_any_cut(
    place: list[MeterStep], said: bytes, sizes: list[int]
) -> None:
    # all at one speed, quick enough that no piece comes later than an answer is due:
    # how fast bytes come is a difference that the engine may see
    steps = [step for step in place if not isinstance(step, Speed)]
    steps.append(Say(said[:300], after=0.02))

    def outcome(cut: object) -> object:
        found = read_out(
            steps, {"cut": cut}, retries=0, opening_speed=19200, stay=True, wake="never"
        )
        sent = [(m.text, m.baud, round(m.begin, 6)) for m in found.wire.sent]
        lines = [e for e in found.events if isinstance(e, LineReceived)]
        seen = [e for e in found.events if not isinstance(e, LineReceived)]
        return seen, lines, str(found.error), sent

    whole = outcome(None)
    assert outcome(()) == whole
    assert outcome(tuple(sizes)) == whole


# --- what a driver does ------------------------------------------------------


def test_one_session_at_a_time() -> None:
    engine = ReaderEngine(ReaderOptions())
    engine.start(0.0)
    engine.action_done(0.0)
    assert engine.state is ReaderState.REQUESTED
    with pytest.raises(LocalProtocolError):
        engine.start(1.0)


def test_the_same_engine_again() -> None:
    line = Wire([*mode_c("5", Say(BLOCK)), *mode_c("5", Say(LONG))])
    engine = ReaderEngine(ReaderOptions(send_parity=(Parity.EVEN, Parity.NONE)))
    for block in (BLOCK, LONG):
        engine.start(line.now)
        events, error = drive(engine, line)
        assert error is None
        assert [e.data for e in events if isinstance(e, BlockReceived)] == [block]
        line.now += 3
        assert engine.finished


def test_after_an_error_too() -> None:
    line = Wire(opening(b"/EXAXDEMO\r\n" + framed(DATA, 0)) * 3)
    engine = ReaderEngine(ReaderOptions())
    for _ in range(2):
        engine.start(line.now)
        assert isinstance(drive(engine, line)[1], IecReadError)
        assert engine.finished


class TestEnd:
    LINES = b"0.0.0(1)\r\n1.8.0(2)\r\n2.8.0(3)\r\n!\r\n"

    def engine_at(self, data: bytes) -> ReaderEngine:
        engine = ReaderEngine(ReaderOptions())
        engine.start(0.0)
        engine.action_done(0.0)
        engine.receive_data(b"/EXAXDEMO\r\n" + data, 1.0)
        return engine

    def test_no_more_is_wanted(self) -> None:
        engine = self.engine_at(self.LINES[:22])
        lines = [e.text for e in engine.events() if isinstance(e, LineReceived)]
        assert lines == [b"0.0.0(1)", b"1.8.0(2)"]
        assert not engine.checked
        engine.end()
        assert engine.finished and isinstance(engine.events()[-1], Done)
        assert engine.unchecked() == self.LINES[:22]
        engine.receive_data(self.LINES[22:], 2.0)
        assert engine.events() == []

    def test_where_all_has_come_already(self) -> None:
        engine = self.engine_at(self.LINES)
        engine.handle_timeout(5.0)
        events = engine.events()
        engine.end()
        assert isinstance(events[-1], Done) and engine.events() == []

    def test_where_the_block_is_asked_for_again(self) -> None:
        engine = ReaderEngine(ReaderOptions(mode="c"))
        engine.start(0.0)
        engine.action_done(0.0)
        engine.receive_data(b"/EXA0DEMO\r\n", 1.0)
        for _ in range(3):
            engine.action_done(1.5)
        engine.receive_data(self.LINES + b"\x03z", 2.0)
        assert engine.state is ReaderState.DAMAGED
        engine.end()
        assert engine.state is ReaderState.DAMAGED


def test_the_line_is_lost_behind_the_last_byte() -> None:
    good(read_out([*opening(b"/EXAXDEMO\r\n" + DATA), HangUp()]), DATA)
    good(read_out([*opening(b"/EXAXDEMO\r\n" + DATA[:-2]), HangUp()]), DATA[:-2])


def test_the_line_is_lost_within_the_data() -> None:
    outcome = read_out([*opening(b"/EXAXDEMO\r\n" + DATA[:-4]), HangUp()])
    assert isinstance(outcome.error, PortError)
    assert troubles(outcome) == []


def test_noise_and_parity_errors_are_counted() -> None:
    block = even(BLOCK, 5)
    steps = mode_c("5", Say(b"\0\0x"), Say(block), Hear(NAK), Say(BLOCK))
    outcome = read_out(steps, {"parity_": Parity.EVEN}, send_parity=(Parity.EVEN,))
    assert outcome.blocks == [parity.add_even(BLOCK)]
    assert outcome.engine.noise == 3
    assert outcome.engine.parity_errors == 1
