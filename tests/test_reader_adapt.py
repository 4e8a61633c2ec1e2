"""The reader engine where it is told what kind of meter has answered."""

from collections.abc import Callable
from dataclasses import replace

from wire import Hear, MeterStep, Say, Speed, framed, read_out, summed

from iecread.protocol.actions import Retried, Trouble
from iecread.protocol.bcc import CheckKind
from iecread.protocol.messages import Identification
from iecread.protocol.options import ReaderOptions
from iecread.protocol.timing import Timing

REQUEST = b"/?!\r\n"
DATA = b"1.8.0(001234.5*kWh)\r\n!\r\n"
WHO = b"/XYZ5DEMO\r\n"
BREAK = b"\x01B0\x03q"

Adapt = Callable[[Identification, ReaderOptions], ReaderOptions]


def known(**what: object) -> Adapt:
    """This is known of the kind of meter."""

    def adapt(who: Identification, options: ReaderOptions) -> ReaderOptions:
        assert who.text == "/XYZ5DEMO"
        return replace(options, **what)  # type: ignore[arg-type]

    return adapt


def asked(select: bytes, *then: MeterStep) -> list[MeterStep]:
    return [Speed(300), Hear(REQUEST), Say(WHO), Hear(select), *then]


def test_the_kind_of_check() -> None:
    steps = asked(b"\x06050\r\n", Speed(9600), Say(summed(DATA)))
    found = read_out(steps, adapt=known(likely_check=CheckKind.SUM7))
    assert found.error is None and found.blocks == [summed(DATA)]
    assert found.engine.check_kind is CheckKind.SUM7 and not found.of(Retried)


def test_another_kind_of_check_is_believed_when_it_comes_twice() -> None:
    block = framed(DATA)
    steps = asked(b"\x06050\r\n", Speed(9600), Say(block), Hear(b"\x15"), Say(block))
    found = read_out(steps, adapt=known(likely_check=CheckKind.SUM7))
    assert found.error is None and found.blocks == [block]
    assert [e.trouble for e in found.of(Retried)] == [Trouble.CHECK_KIND]  # type: ignore[attr-defined]
    assert found.engine.check_kind is CheckKind.XOR


def test_the_speed() -> None:
    steps = asked(b"\x06000\r\n", Say(framed(DATA)))
    found = read_out(steps, adapt=known(max_speed=300))
    assert found.error is None and found.engine.data_speed == 300
    steps = asked(b"\x06050\r\n", Say(framed(DATA)))
    found = read_out(steps, adapt=known(stay=True))
    assert found.error is None and not found.of(Retried)


def test_what_is_known_turns_out_wrong() -> None:
    # it was said to agree and stay, and does not
    steps = [
        *asked(b"\x06050\r\n", Speed(9600), Say(framed(DATA))),
        Speed(300),
        Hear(REQUEST),
        Say(WHO),
        Hear(b"\x06050\r\n"),
        Speed(9600),
        Say(framed(DATA)),
    ]
    found = read_out(steps, {"parity_": None}, adapt=known(stay=True))
    assert found.error is None and found.blocks == [framed(DATA)]
    (retried,) = found.of(Retried)
    assert "without what is known" in retried.step  # type: ignore[attr-defined]
    assert found.engine.data_speed == 9600


def test_what_turned_out_wrong_is_tried_again_in_a_new_readout() -> None:
    steps = asked(b"\x06000\r\n", Say(framed(DATA)))
    found = read_out(steps * 2, adapt=known(max_speed=300))
    engine = found.engine
    engine._tries.adaptable = False
    engine.start(found.wire.now)
    assert engine._tries.adaptable


def test_the_rest_before_our_answers() -> None:
    steps = asked(b"\x06050\r\n", Speed(9600), Say(framed(DATA)))
    found = read_out(steps, adapt=known(reaction=0.4))
    assert found.wire.sent[1].rest >= 0.4
    assert read_out(steps).wire.sent[1].rest < 0.25


def test_patience() -> None:
    steps = asked(b"\x06050\r\n", Speed(9600), Say(framed(DATA), after=8.0))
    slow = known(timing=Timing(data_answer=10.0))
    assert read_out(steps, adapt=slow).of(Retried) == []
    assert read_out(steps).of(Retried) != []


def test_wake_up_with_the_request_right_behind() -> None:
    steps = [Hear(REQUEST), *asked(b"\x06050\r\n")[2:], Speed(9600), Say(framed(DATA))]
    timing = Timing(wake_pause=0.0)
    found = read_out(steps, wake="always", wake_nuls=40, timing=timing)
    assert found.error is None and found.sent[0] == (bytes(40) + REQUEST, 300)
    # as the standard has it, but with another count
    found = read_out(steps, wake="always", wake_nuls=8)
    assert found.error is None and found.sent[0] == (bytes(8), 300)
    assert found.sent[1][0] == REQUEST and found.wire.sent[1].rest >= 1.5


def test_what_was_learned_and_is_wrong_costs_one_session() -> None:
    learned = {"stay": True, "instead": ReaderOptions(retries=1)}
    mute = [Hear(REQUEST)]
    found = read_out(
        [*mute, *mute, *asked(b"\x06050\r\n", Speed(9600), Say(framed(DATA)))],
        retries=0,
        **learned,
    )
    assert found.error is None and found.engine.misled
    steps = [one.step for one in found.of(Retried)]  # type: ignore[attr-defined]
    assert steps == ["another session, without what was learned", "another session"]
