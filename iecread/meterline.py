"""The line of a meter: opened, recorded or played back, and driven by an engine.

``MeterLine`` holds what all that is done with a meter shares: the transport, the clock
and the recording (tape), the speed that the line was left at, and the options that an
engine is made with, from what was said, learned and found out.  It carries the events
of an engine to its caller and says them in words.  What is read is in meterreadout.py,
sessions are in session.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import fields, replace
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Self

from iecread.capture import Live, Moment, Recorder, Tape, trace_path
from iecread.engineoptions import adapted, engine_options, parity_plan
from iecread.errors import ConfigError, PortError
from iecread.link import Link, OnBytes
from iecread.masking import shown_port
from iecread.meteroptions import MeterOptions, as_recorded
from iecread.protocol.actions import BlockReceived, Event, Identified, Retried
from iecread.protocol.listener import PUSH_SPEEDS, ListenEngine
from iecread.protocol.messages import OPENING_SPEED, Identification
from iecread.protocol.opening import OpeningEngine
from iecread.protocol.options import ReaderOptions
from iecread.protocol.parity import Parity
from iecread.protocol.reader import ReaderEngine
from iecread.replay import SCHEME, Replay
from iecread.settings import is_port
from iecread.transports import Framing, Transport, open_line

if TYPE_CHECKING:  # imported where used: the first byte leaves before they are needed
    from iecread.devices import DeviceProfile
    from iecread.learned import LearnedMemory
    from iecread.meterprofile import Profile

_UNSAID = (None, "auto")


class MeterLine:
    """A line with a meter; its arguments and attributes are those of ``Meter``."""

    def __init__(
        self,
        port: str | Profile,
        *,
        tape: Tape | None = None,
        memory: LearnedMemory | None = None,
        **options: object,
    ) -> None:
        self.profile = profile = _profile(port)
        if profile is not None:
            said = profile.options
            unsaid = {key for key in said if options.get(key) in _UNSAID}
            options = {**said, **{k: v for k, v in options.items() if k not in unsaid}}
            port = profile.port
        try:
            self.options = MeterOptions(port, **options)  # type: ignore[arg-type]
        except TypeError as error:
            known = {field.name for field in fields(MeterOptions)}
            names = ", ".join(sorted(set(options) - known))
            raise ConfigError(f"no such option of a meter: {names}") from error
        self._tape = self._choose_tape(tape)
        self.memory = memory
        self.device: DeviceProfile | None = None
        if self.options.names_device:
            from iecread.devices import named

            self.device = named(self.options.device)
            self.options = self.options.completed(self.device)
        self.data = b""
        self.on_event: Callable[[Event, float], None] | None = None
        self.on_bytes: OnBytes | None = None
        self.on_step: Callable[[str], None] | None = None
        self.on_warning: Callable[[str], None] | None = None
        self.on_open: Callable[[Transport], Transport] | None = None
        self.computing: AbstractContextManager[object] = nullcontext()
        self._transport: Transport | None = None
        self._link: Link | None = None
        self._start = 0.0
        self._line_speed = 0  # as the last session left it
        self._left: float | None = None  # when its break message was out
        # the one heard at last in front
        self._push_speeds: tuple[int, ...] = PUSH_SPEEDS

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def open(self) -> None:
        """Open the line.

        Raises:
            PortError: it cannot be opened, or a setting is not supported.
            PortBusyError: another program holds it.
        """
        hardware = self.options.framing == "hw7e1"
        framing = Framing.HARDWARE_7E1 if hardware else Framing.EIGHT_N_ONE
        tape = self._tape
        self._transport = tape.connect(
            lambda: self._open_line(framing),
            speed=self.opening_speed,
            framing=framing.value,
        )
        self._link = Link(
            self._transport,
            self.opening_speed,
            tape.monotonic,
            self._bytes,
            meanwhile=self._load,
            tick=tape.tick,
        )
        self._line_speed = self.opening_speed

    def _load(self) -> None:
        """What a readout will need, while the meter takes its time."""
        from iecread import readings, registry  # noqa: F401

        registry.load()
        if self.options.device == "auto":
            from iecread.devices import load

            load()

    def _open_line(self, framing: Framing) -> Transport:
        options = self.options
        if options.port.startswith("sim://"):
            from iecread.simulator import open_simulated

            line = open_simulated(options.port)
        else:
            line = open_line(
                options.port,
                baud=self.opening_speed,
                framing=framing,
                wait=options.wait,
            )
        return self.on_open(line) if self.on_open else line

    def close(self) -> None:
        """Close the line; harmless if it is closed."""
        if self._transport:
            self._transport.close()
        self._transport = self._link = None

    # --- the clock of the line, and its recording ------------------------------

    def moment(self) -> Moment:
        """The time of day and of the line's clock; in a replay, the recording's."""
        return self._tape.moment()

    def now(self) -> datetime:
        """The time of day, with offset; in a replay, that of the recording."""
        return self._tape.moment().time

    def elapsed(self) -> float:
        """Seconds since the session began, as the line's clock has them."""
        return self._tape.monotonic() - self._start

    def sleep(self, seconds: float) -> None:
        """Let ``seconds`` pass; in a replay, none do."""
        self._tape.sleep(seconds)

    @property
    def port(self) -> str:
        """The port as results name it; in a replay, that of the recording."""
        return self._recorded_port or shown_port(self.options.port)

    @property
    def replayed(self) -> bool:
        """Whether this is a recording, with no meter that could lock or change."""
        return isinstance(self._tape, Replay)

    @property
    def trace_trouble(self) -> str:
        """Why the recording is not complete; empty if it is, or none was wanted."""
        return self._tape.trouble if isinstance(self._tape, Recorder) else ""

    def _choose_tape(self, tape: Tape | None) -> Tape:
        options = self.options
        self._recorded_port = ""
        if tape is None and options.port.startswith(SCHEME):
            tape = Replay(options.port)
        if tape is None and options.trace is not None:
            path = trace_path(options.trace, options.meter or options.port)
            tape = Recorder(path, mask_serials=options.trace_mask_serials)
        if isinstance(tape, Replay):
            self._recorded_port = tape.port
            self.options = as_recorded(options, tape)
        elif isinstance(tape, Recorder):
            tape.describe(self._header)
        return tape or Live()

    def _header(self) -> dict[str, object]:
        """What the first line of a recording says of this session."""
        options = self.options
        return {
            "port": self.port,
            "meter": options.meter,
            "settings": options.recorded(),
        }

    # --- engines -------------------------------------------------------------

    @property
    def opening_speed(self) -> int:
        """Speed of a request, in Bd."""
        if self.options.mode == "d" and self.options.baud is None:
            return self._push_speeds[0]
        return self.options.baud or OPENING_SPEED

    @property
    def latency(self) -> float:
        """Seconds that the line adds to each answer."""
        return self._open_transport().latency

    @property
    def parities(self) -> tuple[Parity, ...]:
        """What a request is sent with, in the order in which it is tried."""
        return parity_plan(self.options.framing, self._open_transport().kind)[0]

    def _begin(self) -> None:
        """A readout or a session begins: its seconds count from here."""
        self._start = self._tape.moment().seconds
        self.data = b""

    def _open_transport(self) -> Transport:
        """Return the line, which must be open."""
        if self._transport is None:
            raise PortError("the line is not open", "use `with Meter(port) as meter:`")
        return self._transport

    def _reader(self) -> ReaderEngine:
        engine = ReaderEngine(self._reader_options())
        engine.speed = self._line_speed
        return engine

    def _reader_options(self, *, option: str | None = None) -> ReaderOptions:
        """Options of an engine: as said, and with what was learned to begin with."""
        said = self.options if option is None else replace(self.options, option=option)
        plain = self._engine_options(said)
        recalled = self.memory.recall() if self.memory else {}
        unsaid = {k: v for k, v in recalled.items() if getattr(said, k) in _UNSAID}
        if not unsaid:
            return plain
        return replace(self._engine_options(replace(said, **unsaid)), instead=plain)

    def _learn(self, engine: OpeningEngine) -> None:
        """Remember what a session that went well has found out."""
        if self.memory is None:
            return
        known = {} if engine.misled else self.memory.recall()
        self.memory.keep({**known, **engine.found})

    def _engine_options(self, options: MeterOptions) -> ReaderOptions:
        return engine_options(
            options,
            self._open_transport(),
            self.device,
            speed=self.opening_speed,
            adapt=self._adapted,
        )

    def _adapted(
        self, identification: Identification, engine: ReaderOptions
    ) -> ReaderOptions:
        """Learn what kind of meter it is, and complete the engine's options by it."""
        from iecread.devices import facts

        self.device = device = facts(self.options.device, identification)
        return adapted(self.options, device, engine) if device else engine

    def _events(self, engine: OpeningEngine | ListenEngine) -> Iterator[Event]:
        """Drive an engine over the line; tell whoever watches, and the caller."""
        assert self._link is not None
        try:
            for event in self._link.run(engine):
                if self.on_event:
                    self.on_event(event, self._tape.monotonic() - self._start)
                if self.on_step and (words := _words(event, engine)):
                    self.on_step(words)
                    if isinstance(event, Identified) and self.device:
                        self.on_step(
                            f"device profile {self.device.name}: {self.device.title}"
                        )
                yield event
        finally:
            self._line_speed = engine.speed
        if self.on_step and (engine.parity_errors or engine.noise):
            self.on_step(
                f"{engine.parity_errors} characters of wrong parity, "
                f"{engine.noise} bytes of noise"
            )

    def _bytes(self, direction: str, data: bytes, moment: float) -> None:
        if self.on_bytes:
            self.on_bytes(direction, data, moment - self._start)


def _profile(port: str | Profile) -> Profile | None:
    """The meter of meters.toml that is meant; None for a port, told by its spelling.

    Raises:
        ConfigError: there is no such meter, or meters.toml is wrong.
    """
    if isinstance(port, str):
        if is_port(port):
            return None
        from iecread.meternames import meter_called

        return meter_called(port)
    from iecread.meterprofile import Profile

    if not isinstance(port, Profile):
        raise ConfigError(
            f"port cannot be {port!r}", "a text, or load_config().meter(NAME)"
        )
    return port


def _words(event: Event, engine: OpeningEngine | ListenEngine) -> str:
    """Say an event in words, for a person who watches."""
    if isinstance(event, Identified):
        return f"identified: {event.identification.text!r}"
    if isinstance(event, BlockReceived):
        assert isinstance(engine, ReaderEngine | ListenEngine)
        kind = engine.check_kind.value if engine.check_kind else "none"
        return (
            f"data block accepted: {len(event.data)} bytes at {engine.data_speed} Bd, "
            f"block check {kind}"
        )
    if isinstance(event, Retried):
        return f"{event.trouble.value}: {event.step}"
    return ""
