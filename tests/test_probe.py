"""One question: what is sent, what ends listening."""

import pytest

from iecread.link import Link
from iecread.protocol.actions import SetSpeed, Wait, Write
from iecread.protocol.probe import Probe
from iecread.transports.memory import Clock, MemoryLine


def ask(line, clock, actions=(), **limits):
    probe = Probe(actions, **{"speed": 300, "answer": 2.0, "gap": 0.5} | limits)
    for _ in Link(line, 300, clock.monotonic).run(probe):
        raise AssertionError("a probe has no events")
    return probe


def test_it_sends_waits_and_changes_speed():
    clock = Clock()
    line = MemoryLine(clock)
    line.deliver(b"x", at=1.0)
    probe = ask(line, clock, [Write(b"abc"), Wait(0.25), SetSpeed(9600)])
    assert line.written == [(0.0, b"abc")] and line.speed == probe.speed == 9600
    assert probe.heard == b"x" and probe.finished and probe.silent
    assert probe.first == pytest.approx(1.0 - 0.1)  # three characters at 300 Bd
    assert clock.now == pytest.approx(2.35)  # an echo does not end it early


def test_silence_counts_from_the_last_character_sent():
    clock = Clock()
    probe = ask(MemoryLine(clock), clock, [Write(b"0123456789" * 3)])
    assert probe.heard == b"" and probe.first is None
    assert clock.now == pytest.approx(3.0)


def test_nothing_to_send():
    clock = Clock()
    line = MemoryLine(clock)
    for n in range(100):
        line.deliver(b"z", at=n * 0.01)
    assert ask(line, clock, most=0.25).heard.strip(b"z") == b""
    assert clock.now == pytest.approx(0.25, abs=0.011)


def test_enough_is_enough():
    clock = Clock()
    line = MemoryLine(clock)
    for n in range(100):
        line.deliver(b"ab\n", at=n * 0.1)
    assert ask(line, clock, over=lambda data: data.count(b"\n") == 2).heard == (
        b"ab\nab\n"
    )
    probe = ask(line, clock, limit=9)
    assert probe.heard == b"ab\n" * 3 and not probe.silent


def test_the_first_character_behind_what_was_sent_counts():
    clock = Clock()
    line = MemoryLine(clock)
    for at in (0.05, 1.0, 1.2):  # an echo, then the answer
        line.deliver(b"x", at=at)
    probe = ask(line, clock, [Write(b"abc")])
    assert probe.heard == b"xxx" and probe.first == pytest.approx(0.9)


def test_each_moment_exactly():
    probe = Probe(speed=300, answer=2.0, gap=0.5, most=3.0)
    assert probe.deadline() == 0.0
    probe.handle_timeout(10.0)
    assert probe.deadline() == 12.0
    probe.handle_timeout(11.9)
    assert not probe.finished
    probe.receive_data(b"x", 11.0)
    assert probe.deadline() == 12.0
    probe.receive_data(b"x", 11.75)
    assert probe.deadline() == 12.25
    probe.receive_data(b"x", 12.75)
    assert probe.deadline() == 13.0 and not probe.finished
    probe.handle_timeout(13.0)
    assert probe.finished and not probe.silent and probe.deadline() is None
    probe.receive_data(b"y", 13.0)
    assert probe.heard == b"xxx"


def test_its_end_is_the_end_for_what_comes_then():
    probe = Probe(speed=300, answer=2.0, most=3.0)
    probe.receive_data(b"x", 10.0)
    assert not probe.finished and probe.deadline() == 12.0
    probe.receive_data(b"x", 13.0)
    assert probe.finished and not probe.silent


def test_silence_exactly_at_its_time():
    probe = Probe([Write(b"abc")], speed=300, answer=2.0, most=3.0)
    assert probe.deadline() is None
    probe.receive_data(b"n", 10.0)
    probe.action_done(10.0)
    assert probe.first is None
    probe.receive_data(b"n", 10.0 + 3 * 10 / 300)  # the last of an echo
    assert probe.first is None
    assert probe.deadline() == pytest.approx(12.1)
    probe.handle_timeout(probe.deadline())
    assert probe.finished and probe.silent and probe.heard == b"nn"
