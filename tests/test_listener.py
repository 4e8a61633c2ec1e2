"""Listening to telegrams: speeds, patience, noise, two in one read."""

import itertools

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from wire import HangUp, MeterStep, Say, Speed, Wire, drive

from iecread.errors import (
    IecReadError,
    LocalProtocolError,
    NoAnswerError,
    PortError,
    RemoteProtocolError,
)
from iecread.link import Link
from iecread.protocol import parity
from iecread.protocol.actions import BlockReceived, Event, Identified, Retried, Trouble
from iecread.protocol.listener import PUSH_SPEEDS, ListenEngine, heard
from iecread.protocol.parity import Parity
from iecread.protocol.state import ReaderState
from iecread.protocol.telegrams import BlockCheck, decode

# T21: a telegram with CRC
P1 = (
    b"/EXA5DEMO-P1\r\n\r\n1-3:0.2.8(50)\r\n0-0:1.0.0(240601120000S)\r\n"
    b"1-0:1.8.1(001234.567*kWh)\r\n1-0:1.7.0(00.412*kW)\r\n"
    b"0-1:24.2.1(240601115500S)(00123.456*m3)\r\n!7FCD\r\n"
)
MODE_D = b"/EXA3BUTTON\r\n\r\n1.8.0(000123.4*kWh)0.0.0(1)\r\n!\r\n"

CUTS = pytest.mark.parametrize("cut", [None, (), (3, 1, 7, 30, 2) * 50])


def hear(
    steps: list[MeterStep], speeds: tuple[int, ...] = (115200,), **options: object
) -> tuple[list[bytes], IecReadError | None, ListenEngine, Wire]:
    """Telegrams, the error at the end, the engine, and the wire."""
    wire = {k: options.pop(k) for k in ("cut", "parity_", "stretch") if k in options}
    line = Wire(steps, speed=speeds[0], **wire)  # type: ignore[arg-type]
    options.setdefault("patience", 15.0)
    engine = ListenEngine(speeds, **options)  # type: ignore[arg-type]
    engine.start(line.now)
    events, error = drive(engine, line)
    assert line.sent == []  # 6.4.4: nothing is ever sent
    return telegrams(events), error, engine, line


def telegrams(events: list[Event]) -> list[bytes]:
    """The telegrams of events, which come in pairs; what was dropped aside."""
    found = []
    events = [event for event in events if not isinstance(event, Retried)]
    for first, second in zip(events[::2], events[1::2], strict=True):
        assert isinstance(first, Identified) and isinstance(second, BlockReceived)
        assert first.raw == second.data
        text = first.identification.text.encode("latin-1")
        assert parity.strip(second.data).startswith(text)
        found.append(second.data)
    return found


@CUTS
@pytest.mark.parametrize("telegram", [P1, MODE_D])
def test_a_telegram(cut: object, telegram: bytes) -> None:
    found, error, engine, _ = hear([Say(telegram, 3.0)], cut=cut)
    assert found == [telegram]
    assert isinstance(error, NoAnswerError)  # patience is over, nothing more came
    assert engine.data_speed == 115200 and engine.noise == 0
    assert engine.finished and engine.mode == "D"
    assert (engine.parity, engine.parity_errors, engine.check_kind) == (None, 0, None)


@CUTS
def test_telegrams_one_after_the_other_and_two_at_once(cut: object) -> None:
    steps = [Say(P1, 1.0), Say(P1 + MODE_D, 1.0), Say(P1, 9.0)]
    assert hear(steps, cut=cut)[0] == [P1, P1, MODE_D, P1]


@CUTS
def test_noise_between_them(cut: object) -> None:
    steps = [Say(b"\0\xff" + P1, 1.0), Say(b"noise\r\n", 1.0), Say(P1 + b"\0", 1.0)]
    found, error, engine, _ = hear(steps, cut=cut)
    assert found == [P1, P1]
    assert engine.noise == 10
    assert isinstance(error, NoAnswerError)  # a glitch is no reason


@CUTS
def test_a_beginning_that_was_missed(cut: object) -> None:
    found, _, engine, _ = hear([Say(P1[30:], 0.1), Say(P1, 1.0)], cut=cut)
    assert found == [P1]
    assert engine.noise == len(P1) - 30


@CUTS
def test_no_line_end_behind_the_crc(cut: object) -> None:
    steps = [Say(P1[:-2], 1.0), Say(P1[:-2], 5.0)]
    assert hear(steps, cut=cut)[0] == [P1[:-2]] * 2
    assert hear([Say(P1[:-2] + P1, 1.0)], cut=cut)[0] == [P1[:-2], P1]


def test_a_telegram_is_there_as_soon_as_its_line_end() -> None:
    line = Wire([Say(P1, 1.0)], speed=115200)
    engine = ListenEngine((115200,))
    engine.start(line.now)
    next(Link(line, 115200, line.clock).run(engine))
    assert line.now == pytest.approx(line.last_said)


def test_parity_is_left_to_each_telegram() -> None:
    steps = [Say(MODE_D, 1.0)]
    found, *_ = hear(steps, (9600,), parity_=Parity.EVEN)
    assert found == [parity.add_even(MODE_D)]
    found, *_ = hear(steps, (9600,), parity_=Parity.EVEN, receive_parity=Parity.EVEN)
    assert found == [parity.add_even(MODE_D)]


def test_a_true_eight_bit_telegram_keeps_its_bytes() -> None:
    telegram = "/EXA5Zähler\r\n\r\n1.8.0(1*kWh)\r\n!\r\n".encode("latin-1")
    found, _, engine, _ = hear([Say(telegram, 1.0)], receive_parity=Parity.NONE)
    assert found == [telegram] and engine.parity is Parity.NONE
    assert hear([Say(telegram, 1.0)])[0] == [telegram]


class TestPatience:
    def test_silence(self) -> None:
        found, error, engine, line = hear([], patience=15.0)
        assert found == [] and isinstance(error, NoAnswerError)
        assert line.now == pytest.approx(1015.0)
        assert engine.state is ReaderState.IDLE and error.hint

    def test_noise(self) -> None:
        found, error, _, _ = hear([Say(b"noise\r\n" * 10, 1.0)])
        assert found == [] and isinstance(error, RemoteProtocolError)
        assert "70 bytes" in error.message

    def test_a_glitch_is_silence(self) -> None:
        assert isinstance(hear([Say(b"\0\xff", 1.0)])[1], NoAnswerError)

    def test_it_begins_anew_with_each_telegram(self) -> None:
        steps = [Say(P1, 14.0)] * 4
        found, _, _, line = hear(steps, patience=15.0)
        assert len(found) == 4
        assert line.now == pytest.approx(line.last_said + 15.0)

    def test_a_telegram_that_is_coming_is_heard_to_its_end(self) -> None:
        # at 2400 Bd this one takes 0.2 s, at the end of all patience
        found, *_ = hear([Say(MODE_D, 14.9)], (2400,), patience=15.0)
        assert found == [MODE_D]

    def test_nor_does_one_that_stays_half_last_for_ever(self) -> None:
        found, error, _, line = hear([Say(MODE_D[:-5], 14.9)], (2400,), patience=15.0)
        assert found == [] and isinstance(error, RemoteProtocolError)
        assert line.now < 1020

    def test_noise_for_ever(self) -> None:
        for noise in (b"n", b"\0", b"/EXA", b"\xff"):
            _, error, engine, line = hear([Say(itertools.cycle(noise), 0.1)], (2400,))
            assert isinstance(error, IecReadError)
            assert len(engine._receiver) < 100_000 and line.now < 1100

    def test_none_is_for_ever(self) -> None:
        engine = ListenEngine((9600,))
        engine.start(0.0)
        assert engine.deadline() is None
        engine.receive_data(b"noise", 1e6)
        assert engine.deadline() is None and not engine.finished

    def test_a_telegram_that_never_ends_is_bounded(self) -> None:
        engine = ListenEngine((9600,))
        engine.start(0.0)
        for at in range(3000):
            engine.receive_data(b"/EXA5" + b"1.8.0(0)" * 100, float(at))
            assert len(engine._receiver) <= (1 << 20) + 1000
        engine.receive_data(P1[-1:] + P1, 1e4)
        assert telegrams(engine.events()) == [P1]


class TestSpeeds:
    @pytest.mark.parametrize("speed", PUSH_SPEEDS)
    def test_found_out(self, speed: int) -> None:
        steps: list[MeterStep] = [Speed(speed)]
        steps += [Say(P1, 9.0)] * 8
        line = Wire(steps, speed=PUSH_SPEEDS[0])
        engine = ListenEngine(PUSH_SPEEDS, patience=45.0)
        engine.start(line.now)
        events, _ = drive(engine, line)
        found = telegrams(events)
        assert found and set(found) == {P1}
        assert engine.data_speed == engine.speed == speed

    def test_kept_once_a_telegram_has_come(self) -> None:
        steps: list[MeterStep] = [Say(P1, 1.0), Say(P1, 30.0)]
        found, _, _, line = hear(steps, (9600, 115200), patience=40.0)
        assert found == [P1, P1] and line.speeds == []

    def test_garbage_is_another_speed_at_once(self) -> None:
        steps: list[MeterStep] = [Speed(115200), *[Say(P1 * 30, 0.5)] * 3]
        found, _, _, line = hear(steps, (2400, 115200), patience=30.0)
        assert found and line.speeds[0][0] < 1005

    def test_garbage_that_looks_begun_too(self) -> None:
        _, _, _, line = hear(
            [Say(b"/EXA5" + b"x" * 40_000, 0.1)], (115200, 9600), patience=20.0
        )
        assert line.speeds and line.speeds[0][0] < 1005

    def test_a_telegram_that_is_coming_is_not_cut_off(self) -> None:
        # the turn of the next speed comes after 11 s, in the middle of it
        found, _, _, line = hear([Say(MODE_D, 10.9)], (2400, 9600), patience=30.0)
        assert found == [MODE_D] and line.speeds == []

    def test_each_in_turn_in_silence(self) -> None:
        _, error, _, line = hear([], PUSH_SPEEDS, patience=45.0)
        assert isinstance(error, NoAnswerError)
        assert [baud for _, baud in line.speeds] == [115200, 2400, 9600, 115200]

    def test_one_speed_is_never_changed(self) -> None:
        assert hear([Say(b"noise" * 500, 0.1)], (9600,))[3].speeds == []


WRONG = P1.replace(b"412", b"413")


class TestDamage:
    """A telegram counts only if its check is right; what follows is not lost."""

    @CUTS
    @pytest.mark.parametrize(
        "noise",
        [
            WRONG,
            P1[:64],  # cut off within a register
            P1[: P1.index(b"kWh)") + 4],  # behind a bracket
            P1[:-4],  # within its CRC
            P1[:-6],
            P1[:-7],
            b"/EXA5",  # begun twice
            b"/EXA5DEMO-P1\r\n",
            b"/abc\xff\x00\x80",
            P1[40:90],
            b"\xff\x80" * 40,
            P1[:90] + b"\xff\r!\xff\x00",  # an end that is none
        ],
        ids=repr,
    )
    def test_ahead_of_a_telegram(self, noise: bytes, cut: object) -> None:
        found, *_ = hear([Say(P1, 0.1), Say(noise + P1, 1.0), Say(P1, 1.0)], cut=cut)
        assert len(found) == 3 and found[0] == found[2] == P1
        assert heard(decode(found[1])).block_check is BlockCheck.OK
        assert found[1].endswith(P1)

    def test_it_is_told_and_the_one_behind_it_is_heard(self) -> None:
        line = Wire([Say(WRONG, 0.1), Say(WRONG, 1.0), Say(P1, 1.0)], speed=115200)
        engine = ListenEngine((115200,), patience=15.0)
        engine.start(line.now)
        events, _ = drive(engine, line)
        told = [event for event in events if isinstance(event, Retried)]
        assert [event.trouble for event in told] == [Trouble.BLOCK_CHECK] * 2
        assert telegrams(events) == [P1] and engine.damaged == 0

    def test_patience_is_over_all_the_same(self) -> None:
        found, error, _, line = hear([Say(WRONG, 1.0)] * 40, patience=15.0)
        assert found == [] and isinstance(error, RemoteProtocolError)
        assert "telegrams came, and no check was right" in error.message
        assert line.now < 1017

    @pytest.mark.parametrize(("count", "said"), [(1, "a telegram"), (2, "2 telegrams")])
    def test_how_many_were_wrong(self, count: int, said: str) -> None:
        _, error, _, _ = hear([Say(WRONG, 1.0)] * count, patience=15.0)
        assert error and error.message == f"{said} came, and no check was right"

    def test_a_check_that_is_off_drops_nothing(self) -> None:
        assert hear([Say(WRONG, 0.1)], check="off")[0] == [WRONG]

    def test_it_speaks_for_the_speed(self) -> None:
        steps: list[MeterStep] = [Say(WRONG, 4.0)] * 6
        *_, line = hear([*steps, Say(P1, 4.0)], (115200, 9600), patience=40.0)
        assert [speed for at, speed in line.speeds if at < 1025] == []

    def test_without_a_check_the_last_beginning_counts(self) -> None:
        last = heard(decode(MODE_D[:25] + MODE_D))
        assert last.data_sets == decode(MODE_D)[0].data_sets
        assert last.identification == decode(MODE_D)[0].identification

    def test_whoever_sends_checks_sends_them_always(self) -> None:
        bare = P1[:-6] + P1[-2:]
        other = bare.replace(b"DEMO", b"DEMX")
        spoilt = P1.replace(b"DEMO", b"DEMX").replace(b"7FCD", b"7FC@")
        said = [bare, P1, bare, P1[:20] + P1, spoilt, bare, other]
        found, *_ = hear([Say(telegram, 1.0) for telegram in said])
        assert found[-1] == other and len(found) == 4
        assert found[:2] == [bare, P1] and found[2].endswith(P1)

    def test_something_else_than_a_check_is_believed_when_it_comes_twice(self) -> None:
        spoilt = P1.replace(b"7FCD", b"7F\x99CD")
        found, *_ = hear([Say(spoilt, 1.0), Say(P1, 1.0)])
        assert found == [P1]
        odd = MODE_D.replace(b"!", b"!end")
        found, *_ = hear([Say(odd, 1.0)] * 3)
        assert found == [odd] * 2


PLACES = st.integers(1, len(P1) - 1)
NOISE = st.lists(st.sampled_from(b"\0\xff\x7f/!\rA("), max_size=30).map(bytes)
DAMAGE = st.one_of(
    PLACES.map(lambda at: P1[:at]),
    PLACES.map(lambda at: P1[at:]),
    NOISE,
    st.tuples(PLACES, PLACES).map(lambda two: P1[: min(two)] + P1[max(two) :]),
    st.tuples(PLACES, NOISE).map(lambda two: P1[: two[0]] + two[1] + P1[two[0] :]),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(DAMAGE, st.sampled_from((0.01, 0.5, 4.0))), max_size=6))
def test_whole_ones_are_heard_and_no_others(damage: list[tuple[bytes, float]]) -> None:
    said = [Say(P1, 0.1)]
    for data, pause in damage:
        said += [Say(data, pause), Say(P1, 0.01)]
    found, *_ = hear(said)
    # what was cut may be whole again with the end of noise
    assert len(found) >= 1 + len(damage)
    for telegram in found:
        assert heard(decode(telegram)).data_sets == decode(P1)[0].data_sets


def test_sml_is_named() -> None:
    sml = bytes.fromhex("1b1b1b1b01010101 7605 0000")
    _, error, engine, _ = hear([Say(sml, 1.0)], (9600,))
    assert isinstance(error, RemoteProtocolError) and "SML" in error.message
    assert engine.finished


def test_the_line_is_lost() -> None:
    found, error, _, _ = hear([Say(P1 + P1[:-2], 1.0), HangUp()])
    assert found == [P1, P1[:-2]] and isinstance(error, PortError)


def test_it_listens_once_at_a_time() -> None:
    engine = ListenEngine((9600,))
    engine.start(0.0)
    with pytest.raises(LocalProtocolError):
        engine.start(1.0)


SCRAPS = [P1, MODE_D, P1[:50], P1[50:], b"\0", b"/", b"!", b"\r\n", b"/EXA5", b"(1)"]


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.one_of(st.sampled_from(SCRAPS), st.binary(max_size=40)), max_size=12
    ).map(b"".join),
    st.lists(st.integers(1, 40), max_size=60),
)
def test_the_same_telegrams_in_any_cut(said: bytes, sizes: list[int]) -> None:
    assume(b"\x1b\x1b" not in said)  # another protocol ends it where it is seen

    def outcome(cut: object) -> object:
        found, error, engine, _ = hear([Say(said, 0.1)], cut=cut)
        return found, str(error), engine.noise + len(engine._receiver)

    whole = outcome(None)
    assert outcome(()) == whole
    assert outcome(tuple(sizes)) == whole


@settings(max_examples=150, deadline=None)
@given(st.lists(st.binary(max_size=200), max_size=5))
def test_any_bytes_end_in_the_right_errors(said: list[bytes]) -> None:
    found, error, engine, _ = hear([Say(data, 1.0) for data in said], PUSH_SPEEDS)
    assert isinstance(error, NoAnswerError | RemoteProtocolError)
    assert engine.finished and error.hint
