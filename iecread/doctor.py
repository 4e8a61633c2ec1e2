"""All layers between this computer and a meter, in order: what is wrong, what to type.

``examine`` goes from the installation to the meter and hands each layer out as soon as
it is done.  A layer that cannot be looked at, because one below it failed, is skipped.
Simulated meters are examined on a clock of their own, so that nobody waits for what is
computed.  What a person gets to see is up to the caller.
"""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from iecread import checkup
from iecread.capture import Tape
from iecread.diagnosis import Finding, Layer, State
from iecread.errors import IecReadError, PortError
from iecread.examination import Examination, limits
from iecread.interview import Wish
from iecread.transports import Framing, LineKind, Transport, open_line
from iecread.transports.memory import Clock

LAYERS = ("installation", "configuration", "port", "line", "meter", "login")

_SETUP_LIMIT = 10.0  # seconds for what needs no meter


@dataclass(frozen=True)
class Task:
    """What is to be examined.

    Attributes:
        port: name or URL of the port; None to look at the computer only.
        meter: the meter of meters.toml, where one was named.
        wish: how a reading would use the line.
        wait: seconds to wait for a port that is held.
        config: what ``--config`` says.
        environ: the environment.
        login: logs in with what was found out and says how it went; None: not asked.
        on_bytes: called with all bytes, see link.py.
        tape: what records the line, or plays a recording; None: neither.
    """

    port: str | None
    wish: Wish
    environ: Mapping[str, str]
    meter: str | None = None
    wait: float = 0.0
    config: str | None = None
    login: Callable[[Mapping[str, object]], Layer] | None = None
    on_bytes: Callable[[str, bytes, float], None] | None = None
    tape: Tape | None = None


@dataclass
class Report:
    """What was found.

    Attributes:
        layers: by name, in order.
        seconds: how long each took.
        learned: options of ``Meter`` that were found to be needed.
        identification: the meter's, if it answered.
        echo: whether our own characters come back.
        speed: that of the meter's data, in Bd.
    """

    layers: dict[str, Layer] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    learned: dict[str, object] = field(default_factory=dict)
    identification: str | None = None
    echo: bool = False
    speed: int | None = None

    @property
    def finding(self) -> Finding | None:
        """The first of the first layer that failed."""
        for layer in self.layers.values():
            if layer.findings:
                return layer.findings[0]
        return None

    @property
    def sentence(self) -> str:
        """All of it in one sentence."""
        if self.finding:
            return self.finding.sentence
        if "line" not in self.layers or self.layers["line"].state is State.SKIPPED:
            return "this computer is ready; name a port to go on: iecread doctor PORT"
        echo = "; the line has an echo, which is taken off" if self.echo else ""
        if self.identification is None:
            return "all is well: telegrams come by themselves"
        data = f", and its data come at {self.speed} Bd"
        return f"all is well: {self.identification} answers{data}{echo}"


OnLayer = Callable[[str, Layer, float], None]


def longest(task: Task) -> float:
    """Return how many seconds an examination takes at most."""
    if task.port is None:
        return _SETUP_LIMIT
    kind = LineKind.UART
    if task.port.startswith("socket://"):
        kind = LineKind.TCP
    elif "/pts/" in task.port or "://" in task.port:
        kind = LineKind.PTY
    return _SETUP_LIMIT + task.wait + sum(limits(kind)) + (30 if task.login else 0)


def examine(
    task: Task, on_layer: OnLayer = lambda name, layer, seconds: None
) -> Report:
    """Examine layer after layer.

    Args:
        task: what is to be examined.
        on_layer: called with each layer's name, what was found, and the seconds.
    """
    report = Report()
    since = time.monotonic()

    def add(name: str, layer: Layer) -> Layer:
        nonlocal since
        now = time.monotonic()
        report.layers[name], report.seconds[name] = layer, now - since
        on_layer(name, layer, now - since)
        since = now
        return layer

    add("installation", checkup.installation(task.environ))
    layer, _ = checkup.configuration(task.config, task.environ, task.meter)
    add("configuration", layer)
    if task.port is None:
        failed = task.meter is not None
        why = "the meter is not known" if failed else "no TARGET"
        add("port", Layer(skipped=why) if failed else checkup.ports())
        for name in ("line", "meter"):
            add(name, Layer(skipped=why))
        return report
    layer, line, clock = _port(task)
    add("port", layer)
    if line is None:
        for name in ("line", "meter"):
            add(name, Layer(skipped="the port cannot be used"))
        return report
    try:
        _beyond(task, line, clock, report, add)
    finally:
        line.close()
    if task.login is not None:
        well = not report.layers["meter"].findings and report.identification
        add(
            "login",
            task.login(report.learned) if well else Layer(skipped="the meter is not"),
        )
    return report


def _beyond(
    task: Task,
    line: Transport,
    clock: Callable[[], float],
    report: Report,
    add: Callable[[str, Layer], Layer],
) -> None:
    """Examine what is behind an open port."""
    found = Examination(line, task.wish, clock=clock, on_bytes=task.on_bytes)
    try:
        layer = _guarded(found.line)
        report.echo = bool(found.echo)
        add("line", layer)
        if found.identification is None:
            why = "it was not heard" if layer.findings else "it is not to be asked"
            skipped = any(finding.ailment == "lost" for finding in layer.findings)
            add("meter", Layer(skipped="the port was lost" if skipped else why))
            return
        report.identification = found.identification.text
        add("meter", _guarded(found.meter))
        report.learned, report.speed = found.learned, found.speed
    except BaseException:
        with suppress(IecReadError):
            found.leave()
        raise


def _guarded(step: Callable[[], Layer]) -> Layer:
    """A layer, or the loss of the port as what is wrong with it."""
    try:
        return step()
    except PortError as error:
        layer = Layer()
        checkup.port_wrong(layer, error)
        return layer


def open_port(
    task: Task, *, virtual: bool = True
) -> tuple[Transport, Callable[[], float]]:
    """Open the port of a task; return its line and the clock that belongs to it.

    Args:
        task: what is to be examined.
        virtual: whether a simulated meter may have a clock that nobody waits for.

    Raises:
        PortError: it cannot be opened.
    """
    port, speed, tape = task.port or "", task.wish.speed, task.tape
    hardware = task.wish.framing == "hw7e1"
    framing = Framing.HARDWARE_7E1 if hardware else Framing.EIGHT_N_ONE
    clock = Clock() if virtual and tape is None else None

    def opened() -> Transport:
        if not port.startswith("sim://"):
            return open_line(port, baud=speed, framing=framing, wait=task.wait)
        from iecread.simulator import Pace, open_simulated

        if clock is None:
            return open_simulated(port, baud=speed, pace=Pace.LINE)
        return open_simulated(
            port,
            baud=speed,
            monotonic=clock.monotonic,
            sleep=clock.sleep,
            pace=Pace.LINE,
        )

    if tape is not None:
        line = tape.connect(opened, speed=speed, framing=framing.value)
        return line, tape.monotonic
    simulated = clock is not None and port.startswith("sim://")
    return opened(), clock.monotonic if clock and simulated else time.monotonic


def _port(task: Task) -> tuple[Layer, Transport | None, Callable[[], float]]:
    """Open the port; what is wrong stands in the layer."""
    layer, port = Layer(), task.port or ""
    try:
        line, clock = open_port(task)
    except IecReadError as error:
        checkup.port_wrong(layer, error)
        return layer, None, time.monotonic
    kinds = {
        LineKind.UART: "a serial port",
        LineKind.PTY: "a pseudo terminal",
        LineKind.TCP: "a TCP connection; its speed is fixed at the other end",
        LineKind.DIRECT: "a simulated meter",
    }
    layer.evidence.append(f"{port}: {kinds[line.kind]}, opened for us alone")
    if line.kind in (LineKind.UART, LineKind.PTY):
        if "://" not in port and (about := checkup.known(port)):
            layer.evidence.append(about)
        checkup.settings(layer, line, task.wish.speed)
    if layer.findings:
        line.close()
        return layer, None, clock
    return layer, line, clock
