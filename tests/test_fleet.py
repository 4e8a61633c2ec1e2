"""Many meters in one run: lines, turns, outcomes, and the way a run is stopped."""

import importlib.util
import os
import socket
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from iecread.errors import CheckError, ConfigError, RefusedError
from iecread.fleet import Fleet, Outcome, Task, Turn, shard_of
from iecread.simulator.options import simulation
from iecread.simulator.serve import serve_tcp

QUICK = "sim://household?reaction=20"
MUTE = "sim://household?mute=1"


def read(turn: Turn) -> None:
    turn.rows += len(turn.meter.readout().registers)


def task(name: str, port: str = QUICK, work: Any = read, **more: Any) -> Task:
    wait = more.pop("wait", 0.0)
    return Task(name, port, work, {"meter": name, **more}, wait)


# --- lines


def test_a_shard_is_stable_and_holds_whole_lines() -> None:
    # these numbers are what fleets in the field are spread by: they never change
    parts = [shard_of(f"socket://10.0.0.{n}:8000", 4) for n in range(8)]
    assert parts == [1, 2, 3, 2, 1, 1, 4, 4]
    assert shard_of("rfc2217://10.0.0.0:8000", 4) == parts[0]
    assert shard_of("/dev/ttyUSB0", 1) == 1


def test_shards_are_of_about_one_size() -> None:
    parts = [shard_of(f"socket://10.0.{n}.1:8000", 5) for n in range(1000)]
    sizes = [parts.count(part) for part in range(1, 6)]
    assert sum(sizes) == 1000
    assert min(sizes) > 150


# --- a run


def test_each_meter_has_its_outcome_and_none_ends_the_run() -> None:
    def refuse(turn: Turn) -> None:
        raise RefusedError("the meter said no", "look at the password")

    def break_down(turn: Turn) -> None:
        raise KeyError("nothing that was foreseen")

    run = Fleet(
        [
            task("fine"),
            task("mute", MUTE, timeout=0.05, retries=0),
            task("other", "sim://household?reaction=20&x=1", expect_serial="1"),
            task("wrong", "sim://industrial?reaction=20", expect_serial="1"),
            task("refused", work=refuse),
            task("broken", work=break_down),
            task("last"),
        ]
    ).run()
    assert [(o.meter, o.kind) for o in run] == [
        ("fine", "ok"),
        ("mute", "no-answer"),
        ("other", "port"),  # no such option of a simulated meter
        ("wrong", "check"),
        ("refused", "refused"),
        ("broken", "internal"),
        ("last", "ok"),
    ]
    assert run[0].rows > 10
    assert not run[3].rows
    assert (run[4].message, run[4].hint) == (
        "the meter said no",
        "look at the password",
    )
    assert "KeyError" in run[5].message
    assert all(o.tries == 1 for o in run)
    assert run[0].seconds > 0 and run[0].start is not None


def test_meters_on_one_line_come_in_turn_and_lines_beside_each_other() -> None:
    order: list[str] = []
    both = threading.Barrier(2, timeout=10)

    def meet(turn: Turn) -> None:
        both.wait()
        order.append(str(turn.meter.options.meter))

    def note(turn: Turn) -> None:
        order.append(str(turn.meter.options.meter))

    tasks = [
        task("a1", work=meet),
        task("b1", MUTE, work=meet),
        *(task(f"a{n}", work=note) for n in range(2, 6)),
    ]
    assert all(o.ok for o in Fleet(tasks).run())
    assert [name for name in order if name[0] == "a"] == ["a1", "a2", "a3", "a4", "a5"]


def test_so_many_lines_at_a_time_as_jobs() -> None:
    here: list[int] = []
    count = 0

    def work(turn: Turn) -> None:
        nonlocal count
        count += 1
        here.append(count)
        time.sleep(0.01)
        count -= 1

    tasks = [task(f"m{n}", f"sim://household?seed={n}", work) for n in range(8)]
    assert all(o.ok for o in Fleet(tasks, jobs=1).run())
    assert max(here) == 1
    assert Fleet(tasks).lines == 8


def test_no_meters_no_threads() -> None:
    assert Fleet([]).run() == []


def test_what_happens_is_told_by_one_thread_at_a_time() -> None:
    begun: list[str] = []
    told: list[Outcome] = []
    tasks = [task(f"m{n}", f"{QUICK}&seed={n}") for n in range(5)]
    run = Fleet(tasks, on_begin=begun.append, on_outcome=told.append).run()
    assert sorted(begun) == sorted(o.meter for o in told) == [o.meter for o in run]


def test_a_wrong_option_is_the_outcome_of_that_meter() -> None:
    run = Fleet([task("odd", baud=-1), task("fine")]).run()
    assert [o.kind for o in run] == ["config", "ok"]


# --- ports that are held, lines that are lost


def test_a_line_that_is_held_is_waited_for_once() -> None:
    busy = "sim://household?busy=1"
    start = time.monotonic()
    run = Fleet([task(f"m{n}", busy, wait=0.3) for n in range(4)]).run()
    assert [o.kind for o in run] == ["busy"] * 4
    assert 0.3 <= time.monotonic() - start < 1.1


class Gateway:
    """A port whose first connections are closed at once."""

    def __init__(self, lost: int) -> None:
        self.server = socket.create_server(("127.0.0.1", 0))
        self.url = f"socket://127.0.0.1:{self.server.getsockname()[1]}"
        self.lost = self.connections = 0
        self._left = lost
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        from iecread.simulator.line import Pace
        from iecread.simulator.serve import _serve_connection

        while True:
            try:
                connection, _ = self.server.accept()
            except OSError:
                return
            self.connections += 1
            if self.connections <= self._left:
                connection.close()
                continue
            line = simulation("household", {"reaction": "20"}).line(Pace.NONE)
            _serve_connection(line, connection, threading.Event())


@pytest.fixture
def quick_reconnect(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("iecread.fleet._RECONNECT", 0.01)


def test_a_connection_that_is_lost_is_made_again(quick_reconnect: None) -> None:
    gateway = Gateway(lost=2)
    with gateway.server:
        (outcome,) = Fleet([task("far", gateway.url)]).run()
    assert (outcome.kind, outcome.tries) == ("ok", 3)


def test_not_more_often_than_retries_say(quick_reconnect: None) -> None:
    gateway = Gateway(lost=9)
    with gateway.server:
        (outcome,) = Fleet([task("far", gateway.url, retries=1)]).run()
    assert (outcome.kind, outcome.tries, gateway.connections) == ("port", 2, 2)


def test_nothing_is_read_twice_once_rows_are_stored(quick_reconnect: None) -> None:
    gateway = Gateway(lost=0)

    def store_and_lose(turn: Turn) -> None:
        read(turn)
        turn.meter.close()
        turn.meter.readout()

    with gateway.server:
        (outcome,) = Fleet([task("far", gateway.url, store_and_lose)]).run()
    assert (outcome.kind, outcome.tries, gateway.connections) == ("port", 1, 1)
    assert outcome.rows > 10


def test_a_refusal_is_the_end_of_it(quick_reconnect: None) -> None:
    gateway = Gateway(lost=0)

    def log_in(turn: Turn) -> None:
        with turn.meter.programming(password="wrong"):
            raise AssertionError("it was let in")

    with gateway.server:
        (outcome,) = Fleet([task("far", gateway.url, log_in)]).run()
    assert (outcome.kind, outcome.tries, gateway.connections) == ("refused", 1, 1)


# --- being stopped


def interrupt(fleet: Fleet, when: threading.Event) -> None:
    """Raise KeyboardInterrupt in the main thread once ``when`` is set."""
    import _thread

    def wait() -> None:
        when.wait(10)
        time.sleep(0.1)
        _thread.interrupt_main()

    threading.Thread(target=wait, daemon=True).start()


def test_ctrl_c_ends_all_sessions_with_a_break() -> None:
    sent: list[bytes] = []
    inside = threading.Event()

    def log_in(turn: Turn) -> None:
        turn.meter.on_bytes = lambda direction, data, _: (
            sent.append(data) if direction == "tx" else None
        )
        with turn.meter.programming() as session:
            inside.set()
            while True:
                session.read("1.8.0")

    fleet = Fleet([task("busy", work=log_in), task("next"), task("fine", MUTE)])
    interrupt(fleet, inside)
    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        fleet.run()
    assert time.monotonic() - start < 8
    assert sent[-1] == b"\x01B0\x03q"
    assert [o.kind for o in fleet.outcomes()] == ["stopped"] * 3


def test_what_was_read_before_the_stop_stays() -> None:
    done = threading.Event()

    def note(outcome: Outcome) -> None:
        if outcome.ok:
            done.set()

    fleet = Fleet([task("fine"), task("mute", MUTE, timeout=60)], on_outcome=note)
    interrupt(fleet, done)
    with pytest.raises(KeyboardInterrupt):
        fleet.run()
    assert [o.kind for o in fleet.outcomes()] == ["ok", "stopped"]


def test_who_waits_for_a_port_stops_too() -> None:
    begun = threading.Event()
    fleet = Fleet(
        [task("held", "sim://household?busy=1", wait=60)],
        on_begin=lambda _: begun.set(),
    )
    interrupt(fleet, begun)
    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        fleet.run()
    assert time.monotonic() - start < 5


# --- scale


def bench() -> ModuleType:
    path = Path(__file__).parent / "bench" / "fleet.py"
    sys.path.append(str(path.parent))  # it imports its neighbours
    spec = importlib.util.spec_from_file_location("bench_fleet", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["bench_fleet"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def hundred() -> Iterator[list[int]]:
    """The TCP ports of a hundred meters, played at the pace of a line."""
    stop = threading.Event()
    meters = bench().Meters(100, 5, 0.05)
    thread = threading.Thread(target=meters.serve, args=(stop,), daemon=True)
    thread.start()
    yield meters.ports
    stop.set()
    thread.join(5)
    meters.close()


def test_a_hundred_lines_take_hardly_longer_than_one(hundred: list[int]) -> None:
    tasks = [task(f"m{n}", f"socket://127.0.0.1:{n}") for n in hundred]
    (one,) = Fleet(tasks[:1]).run()
    start = time.monotonic()
    run = Fleet(tasks).run()
    seconds = time.monotonic() - start
    assert {o.kind for o in run} == {"ok"}
    assert {o.rows for o in run} == {6}
    assert seconds < 1.25 * one.seconds + 10  # in turn it would be 100 times that


def test_the_size_of_stacks_is_put_back() -> None:
    before = threading.stack_size()
    Fleet([task("one")]).run()
    assert threading.stack_size() == before


@pytest.mark.skipif(os.name != "posix", reason="no limit of open files there")
def test_many_threads_ask_for_the_interpreter_less_often() -> None:
    before, seen = sys.getswitchinterval(), []

    def look(turn: Turn) -> None:
        seen.append(sys.getswitchinterval())

    for lines in (1, 500):
        tasks = [task(f"m{n}", f"{QUICK}&seed={n}", look) for n in range(lines)]
        assert all(outcome.ok for outcome in Fleet(tasks).run())
    assert seen == [before] + [pytest.approx(0.01)] * 500
    assert sys.getswitchinterval() == before


def test_as_many_files_as_lines_may_be_open(monkeypatch: pytest.MonkeyPatch) -> None:
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    few = min(128, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (few, hard))
    try:
        Fleet([task(f"m{n}", f"sim://x{n}") for n in range(20)]).run()
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == min(276, hard)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_the_errors_say_what_they_said_alone() -> None:
    def fail(turn: Turn) -> None:
        raise CheckError("this is meter '1', not '2'", "look at the head")

    def forbid(turn: Turn) -> None:
        raise ConfigError("no")

    run = Fleet([task("a", work=fail), task("b", work=forbid)]).run()
    assert [(o.kind, o.message, o.hint) for o in run] == [
        ("check", "this is meter '1', not '2'", "look at the head"),
        ("config", "no", ""),
    ]


def test_served_meters_are_read_beside_each_other() -> None:
    """Real threads at the far end, too: three meters on three TCP ports."""
    stop, urls = threading.Event(), []
    meter = simulation("household", {"reaction": "20"})
    ready = threading.Semaphore(0)

    def note(url: str) -> None:
        urls.append(url)
        ready.release()

    for _ in range(3):
        arguments = {"stop": stop, "ready": note}
        threading.Thread(
            target=serve_tcp, args=(meter, 0), kwargs=arguments, daemon=True
        ).start()
    for _ in range(3):
        assert ready.acquire(timeout=5)
    run = Fleet([task(url, url, framing="8n1") for url in urls]).run()
    stop.set()
    assert [o.kind for o in run] == ["ok"] * 3, run
