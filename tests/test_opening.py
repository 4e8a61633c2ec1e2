"""Opening a session: wake-up, parity, echo, and what is tried when nothing comes."""

import itertools

import pytest
from readouts import (
    BLOCK,
    BREAK,
    CUTS,
    DATA,
    NAK,
    REQUEST,
    good,
    mode_c,
    opening,
    polite,
    refused,
    select,
    troubles,
)
from wire import (
    Hear,
    Say,
    Speed,
    framed,
    read_out,
)

from iecread.engineoptions import parity_plan
from iecread.errors import (
    IecReadError,
    NoAnswerError,
    RemoteProtocolError,
)
from iecread.protocol import parity
from iecread.protocol.actions import (
    Identified,
    Retried,
    Trouble,
)
from iecread.protocol.messages import Request
from iecread.protocol.parity import Parity
from iecread.transports import LineKind

# --- echo --------------------------------------------------------------------


@CUTS
@pytest.mark.parametrize("option", [None, True, False])
@pytest.mark.parametrize("drains", [False, True])
@pytest.mark.parametrize("latency", [0.0, 0.016])
@pytest.mark.parametrize("head", [b"/EXA", b"/EXa"])
def test_echo(
    cut: object, option: bool | None, drains: bool, latency: float, head: bytes
) -> None:
    owed = 0.02 if head[3:].islower() else 0.2
    steps = mode_c("5", Say(framed(DATA, 0), owed), Hear(NAK), Say(BLOCK, owed))
    line = {"cut": cut, "echo": True, "drains": drains, "latency": latency}
    outcome = good(read_out(steps, line, echo=option), BLOCK)
    assert troubles(outcome) == [Trouble.BLOCK_CHECK]


def test_an_echo_that_has_lost_its_parity() -> None:
    send = (Parity.EVEN,)
    line = {"echo": parity.strip, "parity_": Parity.EVEN}
    outcome = read_out(mode_c("5", Say(BLOCK)), line, send_parity=send)
    good(outcome, parity.add_even(BLOCK))
    select_ = outcome.wire.sent[1]
    assert outcome.wire.speeds[0][0] == pytest.approx(select_.end)


@pytest.mark.parametrize("damage", [b"\xff", b"\x02", b"\x15", b"/", b"\0"])
def test_an_echo_whose_first_character_is_damaged(damage: bytes) -> None:
    """It is still an echo, and never the signal to change the speed early."""

    def back(data: bytes) -> bytes:
        return damage + data[1:] if len(data) > 1 else data

    outcome = good(read_out(mode_c("5", Say(BLOCK)), {"echo": back}), BLOCK)
    assert troubles(outcome) == []
    assert outcome.wire.speeds[0][0] >= outcome.wire.sent[1].end - 1e-9


@pytest.mark.parametrize("at", range(1, 6))
def test_an_echo_that_is_damaged_elsewhere(at: int) -> None:
    def back(data: bytes) -> bytes:
        if data[:1] != b"\x06":
            return data
        return data[:at] + b"\x7e" + data[at + 1 :]

    outcome = good(read_out(mode_c("5", Say(BLOCK)), {"echo": back}), BLOCK)
    assert outcome.wire.speeds[0][0] >= outcome.wire.sent[1].end - 1e-9


def test_an_echo_of_a_long_request() -> None:
    address = "1234567890" * 3
    request = f"/?{address}!\r\n".encode()  # 1.2 s at 300 Bd
    steps = opening(
        b"/EXA5DEMO\r\n", Hear(select("5")), Speed(9600), Say(BLOCK), request=request
    )
    outcome = read_out(steps, {"echo": True}, request=Request(address))
    good(outcome, BLOCK)
    assert outcome.engine._echo.seen and outcome.engine.noise == 0


def test_nothing_but_our_own_characters() -> None:
    outcome = read_out([], {"echo": True})
    assert isinstance(outcome.error, NoAnswerError)
    assert "only our own characters" in outcome.error.message


# --- no answer ---------------------------------------------------------------


def test_a_mute_meter() -> None:
    outcome = read_out([])
    polite(outcome)
    assert isinstance(outcome.error, NoAnswerError)
    assert outcome.error.message == "the meter did not answer"
    assert outcome.error.hint
    nuls = b"\0" * 66
    assert outcome.sent == [
        (REQUEST, 300),
        *((BREAK, 9600), (BREAK, 300)),  # somebody's session may be open
        *((nuls, 300), (REQUEST, 300)),
        *((nuls, 300), (REQUEST, 300)),
    ]
    assert outcome.wire.now < 1020


@pytest.mark.parametrize("noise", [b"\0", b"\xff\x7f\0"])
def test_a_glitch_before_silence_is_silence(noise: bytes) -> None:
    outcome = read_out([Hear(REQUEST), Say(noise)])
    assert isinstance(outcome.error, NoAnswerError)


def test_noise_in_an_earlier_try_does_not_count() -> None:
    outcome = read_out([Hear(REQUEST), Say(b"noise\r\n")])
    assert Trouble.DAMAGED in troubles(outcome)
    assert isinstance(outcome.error, NoAnswerError)


def test_noise_every_time() -> None:
    outcome = read_out([Hear(REQUEST), Say(b"noise\r\n")] * 3)
    assert isinstance(outcome.error, RemoteProtocolError)
    assert "no identification" in outcome.error.message


def test_noise_before_a_slow_identification() -> None:
    steps = [Hear(REQUEST), Say(b"x\xff", 0.2), Say(b"/EXAXDEMO\r\n" + BLOCK, 2.8)]
    assert troubles(good(read_out(steps), BLOCK)) == []


def test_an_unanswered_request_does_not_cost_the_speed() -> None:
    outcome = good(read_out([Hear(REQUEST), *mode_c("5", Say(BLOCK))]), BLOCK)
    assert outcome.engine.data_speed == 9600


def test_a_damaged_identification_is_asked_for_again() -> None:
    steps = [Hear(REQUEST), Say(b"/E\x10A5DEMO\r\n"), *mode_c("5", Say(BLOCK))]
    outcome = good(read_out(steps), BLOCK)
    assert troubles(outcome) == [Trouble.DAMAGED]
    assert outcome.engine.noise == 11  # what failed tries dropped is counted too


@pytest.mark.parametrize(("wake", "wakes"), [("auto", 2), ("never", 0), ("always", 3)])
def test_when_to_wake(wake: str, wakes: int) -> None:
    outcome = read_out([], wake=wake)
    assert sum(data[:1] == b"\0" for data, _ in outcome.sent) == wakes
    assert (BREAK in [data for data, _ in outcome.sent]) is (wake != "always")


def test_a_battery_meter_is_woken_by_itself() -> None:
    steps = [Hear(b"\0" * 66 + REQUEST), Say(b"/EXAXDEMO\r\n" + BLOCK)]
    outcome = good(read_out(steps), BLOCK)
    assert troubles(outcome) == [Trouble.NO_ANSWER]


def test_nothing_before_the_request_is_its_answer() -> None:
    steps = [
        Hear(b"\0" * 66),
        Say(b"/EXA5OTHER\r\n", 0.3),
        Hear(REQUEST),
        Say(b"/EXAXDEMO\r\n" + BLOCK),
    ]
    outcome = good(read_out(steps, wake="always"), BLOCK)
    assert len(outcome.of(Identified)) == 1
    assert outcome.engine.noise == 12


def test_noise_in_the_pause_of_the_wake_up_message() -> None:
    steps = [
        Hear(b"\0" * 66),
        Say(b"\0x", 0.3),
        Hear(REQUEST),
        Say(b"/EXAXD\r\n" + BLOCK),
    ]
    outcome = good(read_out(steps, wake="always"), BLOCK)
    nuls, request = outcome.wire.sent
    assert 1.5 <= request.begin - nuls.end <= 1.7


def test_a_session_that_another_program_left_open_is_signed_off() -> None:
    steps = [
        Speed(9600),
        Hear(BREAK),
        Speed(300),
        Hear(REQUEST),
        Say(b"/EXAXDEMO\r\n" + BLOCK),
    ]
    good(read_out(steps), BLOCK)


# --- parity ------------------------------------------------------------------

PEERS = {
    # what the far end insists on in bit 7
    "plain pty or 7-bit gateway": Parity.NONE,
    "transparent 8N1 gateway": Parity.EVEN,
    "one that looks at seven bits": None,
}


@CUTS
@pytest.mark.parametrize(
    ("kind", "peer"),
    [
        (kind, peer)
        for kind, peer in itertools.product(LineKind, PEERS)
        if kind is not LineKind.UART or PEERS[peer] is not Parity.NONE
    ],
)
@pytest.mark.parametrize("echo", [False, True])
def test_every_peer_on_every_line(
    cut: object, kind: LineKind, peer: str, echo: bool
) -> None:
    send, receive = parity_plan("auto", kind)
    outcome = read_out(
        mode_c("5", Say(BLOCK)),
        {"cut": cut, "parity_": PEERS[peer], "echo": echo, "kind": kind},
        send_parity=send,
        receive_parity=receive,
    )
    assert outcome.error is None
    assert parity.strip(outcome.blocks[0]) == BLOCK
    requests = [m for m in outcome.wire.sent if m.text == REQUEST]
    assert len(requests) <= 2  # at most one more try
    assert b"\0" not in b"".join(m.text for m in outcome.wire.sent)
    if PEERS[peer] is not None:  # answered in kind
        choice = outcome.wire.sent[-1].data
        assert (choice == parity.add_even(choice)) is (PEERS[peer] is Parity.EVEN)


@pytest.mark.parametrize(
    ("framing", "peer"),
    [("7e1", Parity.EVEN), ("8n1", Parity.NONE), ("hw7e1", Parity.NONE)],
)
def test_what_was_said_is_not_tried(framing: str, peer: Parity) -> None:
    send, receive = parity_plan(framing, LineKind.TCP)
    options = {"send_parity": send, "receive_parity": receive}
    outcome = read_out(mode_c("5", Say(BLOCK)), {"parity_": peer}, **options)
    assert outcome.error is None and troubles(outcome) == []
    other = Parity.NONE if peer is Parity.EVEN else Parity.EVEN
    outcome = read_out(mode_c("5", Say(BLOCK)) * 3, {"parity_": other}, **options)
    assert isinstance(outcome.error, IecReadError)


def test_each_step_is_said_in_words() -> None:
    outcome = read_out([], send_parity=(Parity.NONE, Parity.EVEN))
    steps = [e.step for e in outcome.events if isinstance(e, Retried)]
    assert steps == [
        "request with parity in bit 7",
        "request in plain 7 bits",
        "request with parity in bit 7",
    ]
    outcome = read_out([*mode_c("5"), *mode_c("5"), *refused("5")])
    steps = [e.step for e in outcome.events if isinstance(e, Retried)]
    assert steps == [
        "another session, changing speed later",
        "another session, staying at 300 Bd",
    ]


def test_both_candidates_do_not_cost_tries() -> None:
    wrong = framed(DATA, 0)
    once = opening(b"/EXAXDEMO\r\n" + wrong)
    both = (Parity.NONE, Parity.EVEN)
    outcome = read_out(once * 9, send_parity=both)
    assert len(outcome.of(Identified)) == 3
    outcome = read_out(once * 9, {"parity_": Parity.EVEN}, send_parity=both)
    assert len(outcome.of(Identified)) == 3
