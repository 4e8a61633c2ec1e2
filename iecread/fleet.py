"""Many meters in one run: a thread for each line, the meters on a line in turn.

``Fleet`` sorts tasks by line, reads the lines beside each other and gives an Outcome
for each meter, whatever happened to the others.  A line is what can carry one session
at a time: a device under all its names, or the port of a gateway.  All threads share
one flag to stop: who is in a session then ends it as after Ctrl-C, and signs off.

A thousand threads are carried because none of them wakes for every byte: while data
stream in, a line gathers what comes for up to a third of a second (``GATHER``), the
less the fewer lines there are, only one thread at a time decodes a readout, and those
that wait for the interpreter ask for it less often (``SWITCH``).
"""

import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from iecread.errors import IecReadError, PortBusyError, PortError
from iecread.session import Meter
from iecread.transports import LineKind, Transport, line_of
from iecread.transports.wrapped import Wrapped

GATHER = 0.0003
"""Seconds that a line gathers while data stream in, for each line being read."""

SWITCH = 0.00002
"""Seconds that a thread leaves the interpreter to another one, for each line.

Whoever waits for it wakes that often to ask for it: at the usual 5 ms a thousand that
wait would do little else.
"""

REST = 1.6
"""Seconds between two sessions: so long a meter waits whether its block was right."""

_MOST_GATHER = 0.35  # s; a meter waits 1.5 s for an answer (6.4.3)
_MOST_SWITCH = 0.02  # s; a tenth of the shortest usual reaction time
_SLICE = 0.5  # s; how soon a thread that waits sees that it is to stop
_BUSY_LOOK = 0.25  # s between two looks at a port that is held
_RECONNECT = 1.0  # s before a line that was lost is opened again; longer each time
_GOODBYE = 10.0  # s that sessions have to sign off when the run is stopped
_STACK = 512 * 1024  # bytes; the usual 8 MB of address space times a thousand is much
_DECODED = 24  # readouts that are decoded and not stored yet
_SPARE_FILES = 256  # open files besides one for each line


class Stopping(BaseException):
    """The run was stopped; raised in the threads, where no handler takes it."""


class Turn:
    """One meter's turn on its line: what a task's ``read`` gets.

    It is also what the meter enters while it decodes (``Meter.computing``): one
    thread at a time, and no more readouts at hand than ``_DECODED``, since a
    thousand that wait to be stored would be a lot of memory.

    Attributes:
        meter: the meter, on its open line.
        rows: how many rows were stored; ``read`` counts them here.
    """

    def __init__(self, meter: Meter, fleet: "Fleet") -> None:
        self.meter = meter
        self.rows = 0
        self._fleet = fleet
        self._holds = False

    def rest(self, seconds: float = REST) -> None:
        """Let the line rest between two sessions."""
        self._fleet.pause(seconds)

    def __enter__(self) -> None:
        if not self._holds:
            self._fleet.room.acquire()
            self._holds = True
        self._fleet.computing.acquire()

    def __exit__(self, *error: object) -> None:
        self._fleet.computing.release()

    def settled(self) -> None:
        """The readout at hand is stored, or given up; another may be decoded."""
        if self._holds:
            self._holds = False
            self._fleet.room.release()


@dataclass(frozen=True, slots=True)
class Task:
    """One meter to be read.

    Attributes:
        name: of the meter.
        port: name or URL of its port.
        read: reads the open meter and stores what it says.
        options: further keywords for ``Meter``.
        wait: seconds to wait for a port that another program holds.
    """

    name: str
    port: str
    read: Callable[[Turn], None]
    options: Mapping[str, Any] = field(default_factory=dict)
    wait: float = 0.0


class Outcome(NamedTuple):
    """What became of one meter.

    Attributes:
        meter: its name.
        kind: ``ok``, the kind of the error, or ``stopped`` where the run ended first.
        message: what went wrong.
        hint: what to do.
        start: when its turn began.
        seconds: how long it took, waiting for its port included.
        rows: how many rows were stored.
        tries: how often its line was opened.
        error: the exception, for ``--debug``.
    """

    meter: str
    kind: str
    message: str = ""
    hint: str = ""
    start: datetime | None = None
    seconds: float = 0.0
    rows: int = 0
    tries: int = 0
    error: BaseException | None = None

    @property
    def ok(self) -> bool:
        """Whether all of it was read and stored."""
        return self.kind == "ok"


def failed(meter: str, error: BaseException, **facts: Any) -> Outcome:
    """The outcome of a meter that an error befell."""
    if isinstance(error, IecReadError):
        kind, message, hint = error.kind, error.message, error.hint
    else:
        kind, message = "internal", f"{type(error).__name__}: {error}"
        hint = "a bug in iecread: run it with --debug and report what it prints"
    return Outcome(meter, kind, message, hint, **facts, error=error)


def by_line(tasks: Iterable[Task]) -> list[list[Task]]:
    """Sort tasks by line, each in the order in which they came."""
    lines: dict[str, list[Task]] = {}
    for task in tasks:
        lines.setdefault(line_of(task.port), []).append(task)
    return list(lines.values())


def shard_of(port: str, count: int) -> int:
    """Return which of ``count`` parts the line of a port belongs to, from 1.

    It depends on the line alone, so that all meters on one line are in one part, and
    a meter that is added moves no other.
    """
    from hashlib import sha256

    digest = sha256(line_of(port).encode("utf-8", "surrogateescape")).digest()
    return int.from_bytes(digest[:8], "big") % count + 1


class _Line(Wrapped):
    """A transport that knows the flag to stop, and gathers what streams in."""

    def __init__(self, inner: Transport, fleet: "Fleet") -> None:
        super().__init__(inner)
        self._fleet = fleet
        self._told = False  # that it is to stop; said once, so that one can sign off
        self._streaming = False

    def read(self, wait: float) -> bytes:
        self._look()
        if self._streaming and self.kind is LineKind.TCP:
            pause = min(self._fleet.gather, wait)
            if pause > 0:
                time.sleep(pause)
                self._look()
                wait -= pause
                if data := self._inner.read(0):
                    return data
        deadline = time.monotonic() + wait
        left = wait
        while True:
            data = self._inner.read(_SLICE if left > _SLICE else max(left, 0.0))
            left = deadline - time.monotonic()
            if data or left <= 0:
                self._streaming = bool(data)
                return data
            self._look()

    def _look(self) -> None:
        if self._fleet.stopped and not self._told:
            self._told = True
            raise Stopping

    def write(self, data: bytes) -> None:
        self._streaming = False
        super().write(data)


class Fleet:
    """Reads many meters.

    Args:
        tasks: the meters; those on one line are read in this order.
        jobs: how many lines at a time; None for all.
        on_begin: called with the name of a meter when its turn begins.
        on_outcome: called with each outcome as it is known.

    The callbacks are called by the threads, one at a time.
    """

    def __init__(
        self,
        tasks: Sequence[Task],
        *,
        jobs: int | None = None,
        on_begin: Callable[[str], None] | None = None,
        on_outcome: Callable[[Outcome], None] | None = None,
    ) -> None:
        self._tasks = list(tasks)
        self._lines = deque(by_line(self._tasks))
        self._count = len(self._lines)
        self._jobs = min(jobs or self._count, self._count)
        self._on_begin, self._on_outcome = on_begin, on_outcome
        self._stop = threading.Event()
        self._over = threading.Event()
        self._lock = threading.Lock()  # of what the threads share
        self.computing = threading.Lock()  # held by who decodes
        self.room = threading.BoundedSemaphore(_DECODED)  # for readouts at hand
        self._running = 0  # threads
        self._sessions = 0  # lines that are open
        self._outcomes: dict[str, Outcome] = {}

    @property
    def lines(self) -> int:
        """How many lines there are."""
        return self._count

    @property
    def stopped(self) -> bool:
        """Whether the run was asked to end."""
        return self._stop.is_set()

    @property
    def gather(self) -> float:
        """Seconds for which a line gathers what streams in."""
        return min(self._sessions * GATHER, _MOST_GATHER)

    def pause(self, seconds: float) -> None:
        """Wait, but not when the run is stopped."""
        self._stop.wait(seconds)

    def stop(self) -> None:
        """End the run soon: sessions sign off, meters not begun are left."""
        self._stop.set()

    def run(self) -> list[Outcome]:
        """Read all meters; return their outcomes in the order of the tasks.

        What comes as an exception into this thread, such as KeyboardInterrupt, stops
        the run and is raised again when the sessions have signed off.
        """
        try:
            with _patient(self._jobs):
                self._start()
                # On Windows a wait without an end would not let Ctrl-C through
                while not self._over.wait(_SLICE):
                    pass
        except BaseException:
            self.stop()
            self._wait_for_sessions()
            raise
        return self.outcomes()

    def outcomes(self) -> list[Outcome]:
        """What is known so far; meters without an outcome are ``stopped``."""
        with self._lock:
            known = dict(self._outcomes)
        return [
            known.get(task.name)
            or Outcome(task.name, "stopped", "the run was stopped before it was read")
            for task in self._tasks
        ]

    def _start(self) -> None:
        if not self._lines:
            self._over.set()
            return
        _allow_files(self._count + _SPARE_FILES)
        with _small_stacks():
            for _ in range(self._jobs):
                thread = threading.Thread(target=self._work, daemon=True)
                with self._lock:
                    self._running += 1
                try:
                    thread.start()
                except RuntimeError:  # the system allows no more; those there go on
                    with self._lock:
                        self._running -= 1
                    if not self._running and self._lines:
                        raise
                    break

    def _wait_for_sessions(self) -> None:
        deadline = time.monotonic() + _GOODBYE
        while self._sessions and time.monotonic() < deadline:
            self._over.wait(0.02)

    # --- in the threads ------------------------------------------------------

    def _work(self) -> None:
        """Take one line after the other until none is left."""
        try:
            while not self.stopped:
                with self._lock:
                    if not self._lines:
                        break
                    line = self._lines.popleft()
                self._read_line(line)
        finally:
            with self._lock:
                self._running -= 1
                over = not self._running
            if over:
                self._over.set()

    def _read_line(self, tasks: Sequence[Task]) -> None:
        free = True  # until the port was waited for in vain
        for task in tasks:
            if self.stopped:
                return
            self._tell(self._on_begin, task.name)
            outcome = self._turn(task, task.wait if free else 0.0)
            free = outcome.kind != "busy"
            with self._lock:
                self._outcomes[task.name] = outcome
            self._tell(self._on_outcome, outcome)

    def _tell(self, callback: Callable[[Any], None] | None, what: object) -> None:
        if callback:
            with self.computing:
                callback(what)

    def _turn(self, task: Task, wait: float) -> Outcome:
        """Read one meter; a lost connection is made again where nothing was stored."""
        began, start = time.monotonic(), datetime.now().astimezone()
        tries = rows = 0
        error: BaseException | None = None
        try:
            meter = Meter(task.port, **{**task.options, "wait": 0.0})
            meter.on_open = lambda line: _Line(line, self)
            while True:
                tries += 1
                turn = Turn(meter, self)
                meter.computing = turn
                try:
                    with self._open(meter, wait - (time.monotonic() - began)):
                        task.read(turn)
                    error = None
                    break
                except PortError as lost:
                    error = lost
                    again = tries <= meter.options.retries and not turn.rows
                    if not (again and _may_come_back(meter.port, lost)):
                        break
                finally:
                    turn.settled()
                    rows += turn.rows
                self.pause(_RECONNECT * tries)
                if self.stopped:
                    break
        except Stopping as stopped:
            error = stopped
        except Exception as other:
            error = other
        facts = {
            "start": start,
            "seconds": round(time.monotonic() - began, 2),
            "rows": rows,
            "tries": tries,
        }
        if isinstance(error, Stopping):
            message = "the run was stopped while it was read"
            return Outcome(task.name, "stopped", message, "", **facts)  # type: ignore[arg-type]
        if error is not None:
            return failed(task.name, error, **facts)
        return Outcome(task.name, "ok", **facts)  # type: ignore[arg-type]

    @contextmanager
    def _open(self, meter: Meter, wait: float) -> Iterator[None]:
        """Open the line of a meter, waiting while another program holds it."""
        deadline = time.monotonic() + wait
        while True:
            try:
                meter.open()
                break
            except PortBusyError:
                left = deadline - time.monotonic()
                if left <= 0:
                    raise
                self.pause(min(_BUSY_LOOK, left))
                if self.stopped:
                    raise Stopping from None
        with self._lock:
            self._sessions += 1
        try:
            yield
        finally:
            try:
                meter.close()
            finally:
                with self._lock:
                    self._sessions -= 1


def _may_come_back(port: str, error: PortError) -> bool:
    """Whether the far end of a network closed a line that may be opened again."""
    network = port.lower().startswith(("socket://", "rfc2217://"))
    return network and not isinstance(error, PortBusyError)


@contextmanager
def _small_stacks() -> Iterator[None]:
    """Give the threads that are started small stacks, where the system knows how."""
    try:
        before = threading.stack_size(_STACK)
    except (ValueError, RuntimeError):
        yield
        return
    try:
        yield
    finally:
        threading.stack_size(before)


@contextmanager
def _patient(threads: int) -> Iterator[None]:
    """Let so many threads ask for the interpreter less often."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(max(before, min(threads * SWITCH, _MOST_SWITCH)))
    try:
        yield
    finally:
        sys.setswitchinterval(before)


def _allow_files(count: int) -> None:
    """Let this process have so many files open, as far as it may allow itself."""
    if sys.platform == "win32":  # it has no such limit
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = count if hard == resource.RLIM_INFINITY else min(count, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        except (OSError, ValueError):
            pass
