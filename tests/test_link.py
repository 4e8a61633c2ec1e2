"""The loop that drives an engine: what waits count from, long writes, lost lines."""

from collections import deque
from collections.abc import Callable

import pytest
from wire import framed

from iecread.errors import NoAnswerError, PortError, RemoteProtocolError
from iecread.link import Link
from iecread.protocol.actions import (
    Action,
    Done,
    Event,
    LineReceived,
    Retried,
    SetSpeed,
    Trouble,
    Wait,
    Write,
)
from iecread.protocol.options import ReaderOptions
from iecread.protocol.reader import ReaderEngine
from iecread.transports import LineKind
from iecread.transports.memory import Clock, Damage, MemoryLine


class Puppet:
    """An engine that does what the test says and notes what it is told."""

    def __init__(self, clock: Clock, *actions: Action) -> None:
        self.clock = clock
        self.queue = deque(actions)
        self.done: list[tuple[float, Action]] = []
        self.came: list[tuple[float, bytes]] = []
        self.timeouts: list[float] = []
        self.until: float | None = None
        self.happened: list[Event] = []
        self.on_data: Callable[[bytes], None] = lambda data: None
        self.on_timeout: Callable[[], None] = lambda: None
        self.listens = False

    @property
    def finished(self) -> bool:
        return not self.queue and self.until is None and not self.listens

    def next_action(self) -> Action | None:
        return self.queue[0] if self.queue else None

    def action_done(self, now: float) -> None:
        assert now == self.clock.now
        self.done.append((now, self.queue.popleft()))

    def deadline(self) -> float | None:
        return None if self.queue else self.until

    def events(self) -> list[Event]:
        happened, self.happened = self.happened, []
        return happened

    def receive_data(self, data: bytes, now: float) -> None:
        assert now == self.clock.now
        self.came.append((now, data))
        self.on_data(data)

    def handle_timeout(self, now: float) -> None:
        self.timeouts.append(now)
        self.until = None
        self.on_timeout()

    def when(self, kind: type) -> list[float]:
        """When actions of this kind were done."""
        return [moment for moment, action in self.done if isinstance(action, kind)]


class SlowLine(MemoryLine):
    """A line whose drain takes as long as the characters do, and more."""

    def __init__(self, clock: Clock, *, more: float = 0.0, **kind: LineKind) -> None:
        super().__init__(clock, **kind)
        self.more = more
        self.busy = 0.0

    def write(self, data: bytes) -> None:
        super().write(data)
        on_line = len(data) * 10 / (self.speed or 300)
        self.busy = max(self.busy, self.clock.now) + on_line

    def drain(self) -> None:
        self.clock.sleep(self.busy + self.more - self.clock.now)


@pytest.fixture
def clock() -> Clock:
    return Clock(1000.0)


def run(engine: Puppet, line: MemoryLine, speed: int = 300) -> list[Event]:
    return list(Link(line, speed, line.clock.monotonic).run(engine))


class TestWait:
    def test_counts_from_the_end_of_what_was_sent(self, clock: Clock) -> None:
        line = MemoryLine(clock)
        engine = Puppet(clock, Write(b"/?!\r\n"), Wait(0.1), SetSpeed(9600))
        run(engine, line)
        assert engine.when(Write) == [1000.0]
        assert engine.when(Wait) == [pytest.approx(1000 + 50 / 300 + 0.1)]
        assert engine.when(SetSpeed) == engine.when(Wait)
        assert line.speed == 9600

    def test_counts_at_the_speed_in_force(self, clock: Clock) -> None:
        engine = Puppet(clock, SetSpeed(9600), Write(b"x" * 96), Wait(0.5))
        run(engine, MemoryLine(clock))
        assert engine.when(Wait) == [pytest.approx(1000 + 0.1 + 0.5)]

    @pytest.mark.parametrize("more", [-0.1, 0.0, 0.05])
    def test_believes_a_drain_only_when_it_is_late(
        self, clock: Clock, more: float
    ) -> None:
        line = SlowLine(clock, more=more, kind=LineKind.UART)
        engine = Puppet(clock, Write(b"/?!\r\n"), Wait(0.1))
        run(engine, line)
        end = 1000 + 50 / 300
        assert engine.when(Wait) == [pytest.approx(end + max(0.0, more) + 0.1)]

    def test_counts_from_what_came_last(self, clock: Clock) -> None:
        line = MemoryLine(clock)
        line.deliver(b"x", 1000.5)
        engine = Puppet(clock)
        engine.until = 1005.0
        engine.on_data = lambda data: engine.queue.append(Wait(0.2))
        run(engine, line)
        assert engine.when(Wait) == [pytest.approx(1000.7)]

    def test_is_over_at_once_where_the_line_has_rested(self, clock: Clock) -> None:
        engine = Puppet(clock)
        engine.until = 1005.0
        engine.on_timeout = lambda: engine.queue.append(Wait(0.2))
        run(engine, MemoryLine(clock))
        assert engine.when(Wait) == [1005.0]

    def test_what_comes_meanwhile_goes_to_the_engine_and_does_not_prolong_it(
        self, clock: Clock
    ) -> None:
        line = MemoryLine(clock)
        line.deliver(b"x", 1000.1)
        engine = Puppet(clock, Wait(0.2))
        run(engine, line)
        assert engine.came == [(pytest.approx(1000.1), b"x")]
        assert engine.when(Wait) == [pytest.approx(1000.2)]

    def test_begins_anew_for_another_wait_of_the_same_length(
        self, clock: Clock
    ) -> None:
        line = MemoryLine(clock)
        for at in (1000.1, 1000.25):
            line.deliver(b"x", at)
        engine = Puppet(clock, Wait(0.2))

        def anew(data: bytes) -> None:
            engine.queue[0] = Wait(0.2)

        engine.on_data = anew
        run(engine, line)
        assert engine.when(Wait) == [pytest.approx(1000.45)]

    def test_may_be_taken_back(self, clock: Clock) -> None:
        line = MemoryLine(clock)
        line.deliver(b"x", 1000.1)
        engine = Puppet(clock, Wait(10.0), SetSpeed(9600))
        engine.on_data = lambda data: engine.queue.popleft()
        run(engine, line)
        assert engine.when(SetSpeed) == [pytest.approx(1000.1)]
        assert engine.when(Wait) == []


class TestMeanwhile:
    """Work that is done once, when there is nothing to do but wait."""

    @pytest.mark.parametrize(
        ("actions", "at"),
        [((Wait(0.5), Write(b"/?!\r\n")), 1000.5), ((), 1000.0)],
        ids=["behind the request", "where nothing is sent"],
    )
    def test_when(self, clock: Clock, actions: tuple[Action, ...], at: float) -> None:
        engine = Puppet(clock, *actions)
        engine.until = 1004.0
        done: list[float] = []

        def work() -> None:
            done.append(clock.now)

        link = Link(MemoryLine(clock), 300, clock.monotonic, meanwhile=work)
        list(link.run(engine))
        assert done == [at]


class TestLongWrites:
    def test_go_out_in_pieces_without_a_gap(self, clock: Clock) -> None:
        line = MemoryLine(clock)
        engine = Puppet(clock, Write(b"\0" * 66), Wait(1.51), Write(b"/?!\r\n"))
        run(engine, line)
        *nuls, (request, data) = line.written
        assert b"".join(piece for _, piece in nuls) == b"\0" * 66
        assert len(nuls) > 2 and data == b"/?!\r\n"
        out = 1000.0
        for moment, piece in nuls:
            assert out - 0.2 <= moment <= out  # with a small lead, never late
            out += len(piece) * 10 / 300
        assert out == pytest.approx(1002.2)
        assert request == pytest.approx(1002.2 + 1.51)

    def test_short_ones_go_out_whole(self, clock: Clock) -> None:
        line = MemoryLine(clock)
        run(Puppet(clock, Write(b"x" * 30)), line)
        assert [data for _, data in line.written] == [b"x" * 30]

    def test_what_comes_meanwhile_is_kept_until_it_is_done(self, clock: Clock) -> None:
        line = MemoryLine(clock, Damage(echo=True))
        engine = Puppet(clock, Write(b"\0" * 66))
        run(engine, line)
        came = b"".join(data for _, data in engine.came)
        assert came and not came.strip(b"\0")
        assert all(moment >= engine.when(Write)[0] for moment, _ in engine.came)

    def test_two_writes_follow_one_another(self, clock: Clock) -> None:
        line = MemoryLine(clock)
        engine = Puppet(clock, Write(b"x" * 30), Write(b"y" * 30), Wait(0.1))
        run(engine, line)
        assert engine.when(Wait) == [pytest.approx(1002.1)]


class TestDeadline:
    def test_is_kept(self, clock: Clock) -> None:
        engine = Puppet(clock)
        engine.until = 1002.5
        assert run(engine, MemoryLine(clock)) == []
        assert engine.timeouts == [1002.5]

    def test_that_has_passed_already(self, clock: Clock) -> None:
        engine = Puppet(clock)
        engine.until = 999.0
        run(engine, MemoryLine(clock))
        assert engine.timeouts == [1000.0]

    def test_is_moved_by_what_comes(self, clock: Clock) -> None:
        line = MemoryLine(clock)
        engine = Puppet(clock)
        engine.until = 1002.0

        def extend(data: bytes) -> None:
            engine.until = clock.now + 2.0

        engine.on_data = extend
        for at in (1001.0, 1002.9, 1004.8):
            line.deliver(b"x", at)
        run(engine, line)
        assert engine.timeouts == [pytest.approx(1006.8)]

    def test_what_comes_exactly_then_comes_first(self, clock: Clock) -> None:
        line = MemoryLine(clock)
        line.deliver(b"x", 1002.0)
        engine = Puppet(clock)
        engine.until = 1002.0
        run(engine, line)
        assert engine.came == [(1002.0, b"x")]

    def test_a_read_that_ends_early_is_no_timeout(self, clock: Clock) -> None:
        class Hasty(MemoryLine):
            def read(self, wait: float) -> bytes:
                return super().read(wait / 2 if wait > 0.01 else wait)

        engine = Puppet(clock)
        engine.until = 1002.0
        run(engine, Hasty(clock))
        assert engine.timeouts == [pytest.approx(1002.0)]

    def test_none_waits_on(self, clock: Clock) -> None:
        line = MemoryLine(clock)
        line.deliver(b"x", 1100.0)
        engine = Puppet(clock)
        engine.listens = True

        def enough(data: bytes) -> None:
            engine.listens = False

        engine.on_data = enough
        run(engine, line)
        assert engine.came == [(1100.0, b"x")] and engine.timeouts == []


class TestLostLine:
    def test_while_reading(self, clock: Clock) -> None:
        line = MemoryLine(clock, Damage(close_after=1))
        line.deliver(b"xy", 1001.0)
        engine = Puppet(clock)
        engine.until = 1005.0
        engine.on_timeout = lambda: engine.queue.append(Wait(1.0))  # wants to go on
        with pytest.raises(PortError):
            run(engine, line)
        assert engine.came == [(1001.0, b"x")]

    def test_what_came_may_be_all(self, clock: Clock) -> None:
        line = MemoryLine(clock, Damage(close_after=1))
        line.deliver(b"x", 1001.0)
        engine = Puppet(clock)
        engine.until = 1005.0
        engine.on_timeout = lambda: engine.happened.append(Done())
        assert run(engine, line) == [Done()]

    def test_what_came_is_given_before_the_error(self, clock: Clock) -> None:
        line = MemoryLine(clock, Damage(close_after=1))
        line.deliver(b"x", 1001.0)
        engine = Puppet(clock)
        engine.listens = True

        def last() -> None:
            again = Retried(Trouble.NO_ANSWER, "again")
            engine.happened += [LineReceived(b"x"), again]

        engine.on_timeout = last
        steps = Link(line, 300, clock.monotonic).run(engine)
        assert next(steps) == LineReceived(b"x")
        with pytest.raises(PortError):
            next(steps)

    def test_the_error_is_that_of_the_line(self, clock: Clock) -> None:
        line = MemoryLine(clock, Damage(close_after=1))
        line.deliver(b"x", 1001.0)
        engine = Puppet(clock)
        engine.until = 1005.0

        def give_up() -> None:
            raise NoAnswerError("silent")

        engine.on_timeout = give_up
        with pytest.raises(PortError):
            run(engine, line)

    def test_while_writing(self, clock: Clock) -> None:
        line = MemoryLine(clock)
        line.close()
        engine = Puppet(clock, Write(b"x"))
        with pytest.raises(PortError):
            run(engine, line)
        assert engine.done == []

    def test_while_waiting(self, clock: Clock) -> None:
        line = MemoryLine(clock, Damage(close_after=1))
        line.deliver(b"x", 1000.1)
        engine = Puppet(clock, Wait(5.0))
        with pytest.raises(PortError):
            run(engine, line)
        assert engine.came

    def test_while_waiting_what_came_may_be_all(self, clock: Clock) -> None:
        line = MemoryLine(clock, Damage(close_after=1))
        line.deliver(b"x", 1000.1)
        engine = Puppet(clock, Wait(5.0))

        def enough() -> None:
            engine.queue.clear()
            engine.happened.append(Done())

        engine.on_timeout = enough
        assert run(engine, line) == [Done()]

    def test_a_block_ends_a_readout_whatever_is_still_due(self) -> None:
        """A gateway is quicker than the wait for the change of speed, and closes."""
        engine = ReaderEngine(ReaderOptions(adjustable=False, switch_delay=9.0))
        engine.start(0.0)
        answers = [b"/EXA5DEMO\r\n", framed(b"1.8.0(1)\r\n!\r\n")]
        while isinstance(action := engine.next_action(), Write | Wait) and answers:
            engine.action_done(1.0)
            if isinstance(action, Write):
                engine.receive_data(answers.pop(0), 1.0)
        assert isinstance(engine.events()[-1], Done) and engine.finished


def test_events_come_as_they_happen(clock: Clock) -> None:
    line = MemoryLine(clock)
    for at in (1001.0, 1002.0):
        line.deliver(b"x", at)
    engine = Puppet(clock)
    engine.until = 1005.0
    engine.on_data = lambda data: engine.happened.append(LineReceived(data))
    moments = [clock.now for _ in Link(line, 300, clock.monotonic).run(engine)]
    assert moments == [1001.0, 1002.0]


def test_events_before_an_error_are_given(clock: Clock) -> None:
    line = MemoryLine(clock)
    line.deliver(b"x", 1001.0)
    engine = Puppet(clock)
    engine.until = 1005.0

    def fail(data: bytes) -> None:
        engine.happened.append(LineReceived(data))
        raise RemoteProtocolError("no")

    engine.on_data = fail
    steps = Link(line, 300, clock.monotonic).run(engine)
    assert next(steps) == LineReceived(b"x")
    with pytest.raises(RemoteProtocolError):
        next(steps)


def test_bytes_are_told_with_their_times(clock: Clock) -> None:
    line = MemoryLine(clock)
    line.deliver(b"y", 1001.0)
    seen: list[tuple[str, bytes, float]] = []

    def note(direction: str, data: bytes, moment: float) -> None:
        seen.append((direction, data, moment))

    engine = Puppet(clock, Write(b"x"))
    engine.until = 1002.0
    list(Link(line, 300, clock.monotonic, note).run(engine))
    assert seen == [("tx", b"x", 1000.0), ("rx", b"y", 1001.0)]


def test_it_never_sleeps_beside_the_line(clock: Clock) -> None:
    """Every wait is a read: what comes is never found late."""
    line = MemoryLine(clock)
    for tenth in range(1, 60):
        line.deliver(b"x", 1000 + tenth / 10)
    engine = Puppet(clock, Write(b"\0" * 66), Wait(1.0), SetSpeed(600), Wait(0.5))
    engine.until = 1006.0
    run(engine, line)
    late = [moment for moment, _ in engine.came if moment * 10 % 1 > 0.01]
    assert len(late) <= 1  # what came during the write is handed over behind it
    assert sum(len(data) for _, data in engine.came) == 59
