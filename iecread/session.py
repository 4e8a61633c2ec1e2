"""One meter on one line: what `Meter` offers to programs and to the command line.

``Meter`` opens the line (a simulated meter too), sets an engine to it and turns what
the engine accepted into readings.  The bytes that were accepted go through the same
decoder as a saved file, so that a live readout and `decode` can never differ.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import fields, replace
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING

from iecread.capture import Live, Moment, Recorder, Tape, trace_path
from iecread.engineoptions import adapted, engine_options, parity_plan
from iecread.errors import (
    CheckError,
    ConfigError,
    IecReadError,
    PortError,
    RefusedError,
)
from iecread.link import Link, OnBytes
from iecread.masking import shown_port
from iecread.meteroptions import MeterOptions, as_recorded
from iecread.protocol.actions import (
    BlockReceived,
    Event,
    Identified,
    LineReceived,
    Retried,
)
from iecread.protocol.listener import PUSH_SPEEDS, ListenEngine, heard
from iecread.protocol.messages import (
    OPENING_SPEED,
    Identification,
    error_text,
)
from iecread.protocol.parity import Parity
from iecread.protocol.reader import ReaderEngine, ReaderOptions
from iecread.protocol.timing import Timing
from iecread.replay import SCHEME, Replay
from iecread.transports import Framing, LineKind, Transport, open_line

if TYPE_CHECKING:  # imported where used: the first byte leaves before they are needed
    from iecread.devices import DeviceProfile
    from iecread.identity import Identity
    from iecread.journal import Journal
    from iecread.learned import LearnedMemory
    from iecread.lis200.address import AddressPattern
    from iecread.lis200locks import Key
    from iecread.lis200session import Lis200
    from iecread.obis import Pattern
    from iecread.passwords import Secret
    from iecread.programming import Login, Programming
    from iecread.protocol.guard import Guard
    from iecread.protocol.telegrams import Telegram
    from iecread.readings import Readout
    from iecread.refusals import Refusals

_USUAL_PASSWORD = 8  # characters
_UNSAID = (None, "auto")


class Meter:
    """A meter on a line; a context manager that opens and closes it.

    Args:
        port: name or URL of the port: ``/dev/ttyUSB0``, ``COM3``,
            ``socket://host:port``, ``rfc2217://host:port``, ``sim://household``,
            ``replay://FILE``: then options that are not given are the recording's.
        tape: what records the line or plays it back, where several meters share it;
            None: as ``port`` and ``trace`` say.
        memory: what was learned of this meter, used and kept up to date; None: none.
        **options: the attributes of MeterOptions.

    Attributes:
        options: how the meter is read; a device profile that was named is in them.
        device: the device profile of the meter, as soon as it is known which one.
        data: the bytes that the last readout accepted, as they came.
        on_event: called with each event and the seconds since the start.
        on_bytes: called with ``tx`` or ``rx``, the bytes, and these seconds.
        on_step: called with one line of words for each step.
        on_warning: called with one line of words on what a person should know: a
            telegram was damaged, a lock could not be closed again.
        on_open: given the line that was opened; what it returns is used in its place.
        computing: entered while a readout is decoded; a lock where many meters are
            read at once.

    Raises:
        ConfigError: an option has a value that it cannot have.
        PortError: the file of ``replay://`` cannot be read.
    """

    def __init__(
        self,
        port: str,
        *,
        tape: Tape | None = None,
        memory: "LearnedMemory | None" = None,
        **options: object,
    ) -> None:
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
        self._push_speeds: tuple[int, ...] = (
            PUSH_SPEEDS  # the one heard at last in front
        )

    def __enter__(self) -> "Meter":
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
            lambda: self._open_line(framing), speed=self._speed, framing=framing.value
        )
        choosing = self.options.device == "auto" and self.options.mode != "d"
        self._link = Link(
            self._transport,
            self._speed,
            tape.monotonic,
            self._bytes,
            meanwhile=_load_profiles if choosing else None,
            tick=tape.tick,
        )
        self._line_speed = self._speed

    def _open_line(self, framing: Framing) -> Transport:
        options = self.options
        if options.port.startswith("sim://"):
            from iecread.simulator import open_simulated

            line = open_simulated(options.port)
        else:
            line = open_line(
                options.port, baud=self._speed, framing=framing, wait=options.wait
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

    def _stand_in(
        self, login: "str | Callable[[str], str] | Login | None"
    ) -> "Login | None":
        """In a replay, a login that fits the recorded one; nothing is remembered."""
        from iecread.programming import Login

        if isinstance(login, Login):
            return replace(login, refusals=None) if self.replayed else login
        found = self._tape.password() if isinstance(self._tape, Replay) else None
        if found is None:
            return None
        return Login(lambda _: "0" * found[1], found[0])

    def _stand_in_key(self, key: "Key | None") -> "Key | None":
        """In a replay, the code of a lock that fits the recorded one."""
        if not isinstance(self._tape, Replay):
            return key
        from iecread.lis200locks import Key
        from iecread.passwords import Secret

        found = self._tape.lock_code()
        if key is None and found is None:
            return None
        lock, length = found or (0, _USUAL_PASSWORD)
        return Key(Secret("0" * length), key.lock if key else lock)

    @property
    def _speed(self) -> int:
        if self.options.mode == "d" and self.options.baud is None:
            return self._push_speeds[0]
        return self.options.baud or OPENING_SPEED

    def readout(self, only: Sequence[str] = ()) -> "Readout":
        """Read all that the meter offers in its data readout (6.3.4).

        In mode D it waits for one telegram.

        Args:
            only: keep these codes; where no block check vouches for the data, the
                reading ends as soon as all of them have come.

        Raises:
            NoAnswerError: the meter is silent, or fell silent; ``readout`` of the
                error holds what could be read without a block check.
            RemoteProtocolError: what came stayed damaged.
            RefusedError: the meter said no.
            CheckError: it is another meter than ``expect_serial`` names.
            PortError: the line was lost.
            ValueError: ``only`` has something that is no code.
        """
        wanted = _patterns(only)
        self._begin()
        if self.options.mode == "d":
            return self._select(next(self._telegrams(self._patience)), wanted)
        engine = self._reader()
        engine.start(self._start)
        missing = list(wanted)
        head = b""
        blocks: list[bytes] = []
        try:
            for event in self._events(engine):
                if isinstance(event, Identified):
                    head = event.raw
                    if head[-1:] not in (b"\r", b"\n", b"\x8d"):
                        head += b"\n"  # a lost line end must not join the data
                    blocks, missing = [], list(wanted)
                elif isinstance(event, BlockReceived):
                    blocks.append(event.data)
                elif isinstance(event, LineReceived) and wanted and not engine.checked:
                    codes = _codes(event.text)
                    missing = [p for p in missing if not any(map(p.matches, codes))]
                    if not missing:
                        engine.end()
                        blocks.append(engine.unchecked())
        except IecReadError as error:
            blocks = blocks or [engine.unchecked()]
            if head and any(blocks):
                error.readout = self._readout(engine, head + b"".join(blocks))
            raise
        self.data = head + b"".join(blocks)
        self._learn(engine)
        result = self._readout(engine, self.data)
        self._check(result)
        return self._select(result, wanted)

    def identify(self) -> "Identity":
        """Ask who is there, and no more; in mode D wait for one telegram.

        Nothing but opening requests is sent.  An answer that came damaged is asked
        for again.  It returns when the meter listens again, unless that talks on.

        Raises:
            NoAnswerError: the meter is silent.
            RemoteProtocolError: what came is no identification.
            PortError: the line was lost.
        """
        self._begin()
        if self.options.mode == "d":
            return self._heard_telegram(next(self._telegrams(self._patience)))
        found, requests = self.ask(), 0
        for _ in range(self.options.retries):
            if found.clean or found.talks:
                break
            requests += found.requests
            again = self.ask()
            if again.clean or again.damaged <= found.damaged:
                found = again
        return replace(found, requests=requests + found.requests)

    def ask(
        self,
        *,
        until_quiet: bool = False,
        quiet: float = 0.0,
        answer: float | None = None,
        **changes: object,
    ) -> "Identity":
        """Send an opening request until somebody answers (6.3.1, 6.3.2).

        Args:
            until_quiet: whether to wait, behind the answer, until the line is quiet,
                however long the meter talks on; else until it listens again or
                begins to talk.
            quiet: seconds for which the line must have been quiet before.
            answer: seconds in which an answer must begin, latency of the line aside,
                where no timeout is said.
            **changes: attributes of ReaderOptions, in place of what the options say.

        Raises:
            the errors of ``identify``.
        """
        from iecread.identity import Identity
        from iecread.protocol.identify import IdentifyEngine, damaged

        start = self._tape.moment().seconds
        options = replace(self._reader_options(), **changes)  # type: ignore[arg-type]
        if answer is not None and self.options.timeout is None:
            patience = replace(options.timing, request_answer=answer + self.latency)
            options = replace(options, timing=patience)
        engine = IdentifyEngine(options, until_quiet=until_quiet, quiet=quiet)
        engine.speed = self._line_speed
        engine.start(start)
        raw, noise = b"", 0
        for event in self._events(engine):
            if isinstance(event, Identified):
                raw, noise, moment = event.raw, engine.noise, self.now()
        assert engine.identification is not None  # else there was an error
        if not changes:
            self._learn(engine)
        return Identity(
            engine.identification,
            self.port,
            self.options.meter,
            options.request.address,
            moment,
            round(self._tape.moment().seconds - start, 2),
            opening_speed=options.opening_speed,
            parity=engine.parity,
            characters=len(raw),
            damaged=damaged(raw, engine.parity),
            noise=noise,
            echo=engine.echo,
            parity_sought=engine.asked_with is not options.send_parity[0],
            requests=engine.requests,
            woken=engine.woken,
            answer=None if engine.answer is None else round(engine.answer, 3),
            others=engine.others,
            crowded=engine.crowded,
            talks=engine.talks,
            at_once=engine.at_once,
            unasked=engine.unasked,
            device=self.device,
        )

    @property
    def latency(self) -> float:
        """Seconds that the line adds to each answer."""
        return self._open_transport().latency

    @property
    def parities(self) -> tuple[Parity, ...]:
        """What a request is sent with, in the order in which it is tried."""
        return parity_plan(self.options.framing, self._open_transport().kind)[0]

    @property
    def opening_speed(self) -> int:
        """Speed of a request, in Bd."""
        return self._speed

    def _heard_telegram(self, readout: "Readout") -> "Identity":
        """The head of a telegram."""
        from iecread.devices import facts
        from iecread.identity import Identity

        head = Identification(readout.identification or "")
        return Identity(
            head,
            self.port,
            self.options.meter,
            "",
            readout.time or self.now(),
            readout.seconds or 0.0,
            unasked=True,
            opening_speed=readout.speed or self._speed,
            characters=len(head.text),
            device=facts(self.options.device, head),
        )

    def listen(self) -> "Iterator[Readout]":
        """Yield each telegram of a meter that talks by itself (6.4.4, P1).

        Ends never by itself; close the iterator or the meter.  Telegrams whose check
        is wrong are left out.

        Raises:
            RemoteProtocolError: what comes is another protocol.
            PortError: the line was lost.
            CheckError: it is another meter than ``expect_serial`` names.
        """
        self._begin()
        yield from self._telegrams(self.options.timeout)

    @contextmanager
    def programming(
        self,
        password: "str | Callable[[str], str] | Login | None" = None,
        *,
        level: int | None = None,
        read_command: str | None = None,
        write_command: str | None = None,
        journal: "Journal | None" = None,
    ) -> "Iterator[Programming]":
        """Enter programming mode; a context manager that signs off on every way out.

        Args:
            password: text, a function of the operand of P0, or a Login; None to log
                in without one.  A refused one is not sent again for 24 hours.
            level: 1 or 2, for P1 or P2 (6.3.14, item 19); None: as the device profile
                says, which then also says how a text answers the operand; else 1.
            read_command: R1 to R6 to read with; None: as the device profile says, or
                to find out.
            write_command: W1 to W5; None: as the device profile says, else W1.
            journal: where changes are written down; None: nowhere.

        Raises:
            RefusedError: no programming mode, or the password was refused, now or
                within the last day.
            ConfigError: the password cannot be sent, or a refusal not be remembered.
            NoAnswerError: the meter is silent.
            RemoteProtocolError: what came stayed damaged.
            PortError: the line was lost.
        """
        from iecread.programming import Login

        login: Login | None
        if (isinstance(password, str) or callable(password)) and not self.replayed:
            login = self._login_with(password, level)
        else:
            login = self._stand_in(password)
        if login:
            login.allow(datetime.now().astimezone())
        with self._session(
            read_command=read_command, write_command=write_command, journal=journal
        ) as held:
            held[0].enter(self._start, login)
            yield held[0]

    @contextmanager
    def lis200(
        self,
        code: "str | Secret | None" = None,
        *,
        lock: str | int = "customer",
        journal: "Journal | None" = None,
    ) -> "Iterator[Lis200]":
        """Enter a session with a LIS-200 device: a gas converter, logger or BK meter.

        On every way out the locks that it opened are closed, and it is signed off.

        Args:
            code: of the lock that is opened where one is needed; a refused one is not
                sent again for 24 hours.  None: nothing is opened by itself.
            lock: which one: ``customer``, ``supplier``, ``administrator``,
                ``data-reader``, ``user``, or 1 to 6.
            journal: where changes are written down; None: nowhere.

        Raises:
            RefusedError: it does not let itself be programmed, or refused this code
                within the last day.
            ConfigError: no such lock, or what cannot be a code.
            NoAnswerError: the device is silent.
            RemoteProtocolError: what came stayed damaged.
            CheckError: at the end: a lock that was opened may still be open.
            PortError: the line was lost.
        """
        from iecread.lis200.locks import lock_number

        number, key = lock_number(lock), None
        if self.replayed:
            key = self._stand_in_key(None)
        elif code is not None:
            key = self.key(code, number)
            key.allow(datetime.now().astimezone())
        with self._session(journal=journal, certain=True) as held:
            held[0].open(self._start)
            yield self._recognised(held, key)

    @contextmanager
    def dialogue(
        self,
        login: "Login | None" = None,
        key: "Key | None" = None,
        *,
        certain: bool = False,
        read_command: str | None = None,
        write_command: str | None = None,
        journal: "Journal | None" = None,
    ) -> "Iterator[Programming]":
        """Enter programming mode, or a LIS-200 session where the meter speaks it.

        Args:
            login: the password of a meter that has passwords.
            key: the lock and code of a device that has locks.
            certain: whether it is known to be one of the latter.
            read_command, write_command, journal: as for ``programming``.

        Raises:
            the errors of ``programming`` and ``lis200``.
        """
        login, key = self._stand_in(login), self._stand_in_key(key)
        with self._session(
            certain=certain,
            read_command=read_command,
            write_command=write_command,
            journal=journal,
        ) as held:
            session = held[0]
            session.open(self._start)
            if session.speaks_lis200:
                yield self._recognised(held, key)
                return
            if login is not None:
                session.log_in(login)
            yield session

    def key(
        self, code: "str | Secret", lock: int, *, refusals: "Refusals | None" = None
    ) -> "Key":
        """Return the code of a lock, with the memory of refused ones.

        Args:
            code: the code.
            lock: the number of the lock.
            refusals: the memory; None: that of the state folder.

        Raises:
            ConfigError: it cannot be sent.
        """
        from iecread.lis200locks import Key
        from iecread.passwords import Secret
        from iecread.refusals import Refusals, meter_ids
        from iecread.statefolder import state_folder

        options = self.options
        secret = code if isinstance(code, Secret) else Secret(code)
        if self.replayed:  # nothing is remembered of it
            return Key(secret, lock)

        def names(number: int) -> tuple[str, ...]:
            return meter_ids(options.port, options.address, level=f"lock {number}")

        return Key(secret, lock, refusals or Refusals(state_folder()), names)

    @contextmanager
    def _session(
        self,
        *,
        certain: bool = False,
        read_command: str | None = None,
        write_command: str | None = None,
        journal: "Journal | None" = None,
    ) -> "Iterator[list[Programming]]":
        """A session that is not open yet; whatever stands in its list is left."""
        from iecread.programming import Programming
        from iecread.protocol.programming import ProgrammingEngine

        self._begin()
        option = "1" if self.options.option == "0" else self.options.option
        engine = ProgrammingEngine(
            self._reader_options(option=option), self._guard(certain)
        )
        engine.speed = self._line_speed
        session = Programming(
            engine,
            self._events,
            timezone=self.options.timezone,
            read_command=read_command,
            write_command=write_command,
            device=lambda: self.device,
            journal=None if self.replayed else journal,
            name=self.options.meter or self._name(),
            now=self.now,
            clock=self._tape.monotonic,
        )
        held = [session]
        try:
            yield held
        except PortError:
            self._lost(held[0])
            raise
        except BaseException:
            with suppress(IecReadError):
                self._leave(held[0])
            raise
        if engine.identification is not None:
            self._learn(engine)
        self._leave(held[0])

    def _guard(self, certain: bool) -> "Guard":
        if self.options.dialect == "iec" and not certain:
            from iecread.protocol.guard import Guard

            guard = Guard()
            guard.passwords = True
            return guard
        from iecread.lis200.gate import TCP_PAUSE, Gate

        tcp = self._open_transport().kind is LineKind.TCP
        return Gate(
            certain=certain or self.options.dialect == "lis200",
            pause=TCP_PAUSE if tcp else 0.0,
        )

    def _recognised(self, held: "list[Programming]", key: "Key | None") -> "Lis200":
        from iecread.lis200session import Lis200

        session = Lis200(held[0], key)
        if self.on_warning:
            session.warn = self.on_warning
        held[0] = session
        session.recognise()
        return session

    def _leave(self, session: "Programming") -> None:
        """End a session; an interruption does not keep it from that."""
        try:
            session.leave()
        except KeyboardInterrupt:
            session.leave()
            raise
        except PortError:
            self._lost(session)
            raise

    def _lost(self, session: "Programming") -> None:
        """The line was lost: what was opened is closed over a new one."""
        if not session.owes_closing:
            return
        try:
            self.close()
            self.open()
        except IecReadError as error:
            session.cannot_leave(error.message)
            return
        session.line_renewed(self._line_speed)
        try:
            session.leave()
        except PortError as error:
            session.cannot_leave(error.message)
        except IecReadError:
            pass  # said already

    def _login_with(
        self, password: "str | Callable[[str], str]", level: int | None
    ) -> "Login":
        """A login whose refusal is remembered, as that of the command line is."""
        from iecread.passwords import Secret
        from iecread.programming import Login
        from iecread.refusals import Refusals, meter_ids
        from iecread.statefolder import state_folder

        options = self.options
        names = meter_ids(options.port, options.address, level=f"P{level or 1}")
        refusals = Refusals(state_folder())
        if not isinstance(password, str):
            return Login(password, level or 1, refusals=refusals, names=names)
        secret = Secret(password)
        return Login.plain(secret, level, refusals, names)

    def _name(self) -> str:
        return f"{self.options.port} {self.options.address}".strip()

    # --- inside --------------------------------------------------------------

    @property
    def _patience(self) -> float:
        return self.options.timeout or Timing().telegram * (
            1 if self.options.baud else len(PUSH_SPEEDS)
        )

    def _begin(self) -> None:
        self._start = self._tape.moment().seconds
        self.data = b""

    def _open_transport(self) -> Transport:
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

    def _learn(self, engine: ReaderEngine) -> None:
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
            speed=self._speed,
            adapt=self._adapted,
        )

    def _adapted(
        self, identification: Identification, engine: ReaderOptions
    ) -> ReaderOptions:
        """Learn what kind of meter it is, and complete the engine's options by it."""
        from iecread.devices import facts

        self.device = device = facts(self.options.device, identification)
        return adapted(self.options, device, engine) if device else engine

    def _telegrams(self, patience: float | None) -> "Iterator[Readout]":
        baud, kind = self.options.baud, self._open_transport().kind
        engine = ListenEngine(
            (baud,) if baud else self._push_speeds,
            patience=patience,
            receive_parity=parity_plan(self.options.framing, kind)[1],
            check=self.options.bcc,
        )
        engine.start(self._start)
        for event in self._events(engine):
            if isinstance(event, Retried) and self.on_warning:
                self.on_warning(f"{event.trouble.value}: {event.step}")
            elif isinstance(event, BlockReceived):
                others = (speed for speed in PUSH_SPEEDS if speed != engine.speed)
                self._push_speeds = (engine.speed, *others)
                self.data = event.data
                result = self._readout(engine, self.data)
                self._check(result)
                yield result

    def _events(self, engine: ReaderEngine | ListenEngine) -> Iterator[Event]:
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

    def _readout(self, engine: ReaderEngine | ListenEngine, data: bytes) -> "Readout":
        from iecread.protocol.telegrams import decode
        from iecread.readings import readout

        now, seconds = self._tape.moment()
        with self.computing:
            telegrams = decode(data, check=self.options.bcc, parity=engine.parity)
            listened = isinstance(engine, ListenEngine)
            return readout(
                heard(telegrams) if listened else _whole(telegrams),
                time=now,
                meter=self.options.meter,
                port=self.port,
                speed=engine.data_speed,
                seconds=round(seconds - self._start, 2),
                timezone=self.options.timezone,
                mode=engine.mode,
                serial_registers=self._serial_registers,
            )

    @property
    def _serial_registers(self) -> "Sequence[str] | None":
        """Of the device profile that was named; None: as the identification tells."""
        if self.options.device == "auto":
            return None
        return self.device.serial if self.device else ()

    def _check(self, result: "Readout") -> None:
        if len(result.registers) == 1 and not result.registers[0].register:
            refusal = error_text(result.registers[0].raw)
            if refusal:
                raise RefusedError(f"the meter refused the readout: {refusal!r}")
        expected = self.options.expect_serial
        if expected is None:
            return
        if (result.serial or "").lstrip("0") != expected.strip().lstrip("0"):
            raise CheckError(
                f"this is meter {result.serial!r}, not {expected!r}",
                "check which meter the head is on, or expect-serial",
            )

    @staticmethod
    def _select(
        result: "Readout", wanted: "Sequence[Pattern | AddressPattern]"
    ) -> "Readout":
        if not wanted:
            return result
        kept = tuple(
            reading
            for reading in result.registers
            if any(pattern.matches(reading.register) for pattern in wanted)
        )
        return replace(result, registers=kept)


def _load_profiles() -> None:
    from iecread.devices import load

    load()


def _patterns(codes: Sequence[str]) -> "list[Pattern | AddressPattern]":
    if not codes:
        return []
    from iecread.selection import pattern

    return [pattern(code) for code in codes]


_ADDRESSES = re.compile(rb"([^()]+)\(")


def _codes(line: bytes) -> list[str]:
    return [found.decode("latin-1").strip() for found in _ADDRESSES.findall(line)]


def _whole(telegrams: "list[Telegram]") -> "Telegram":
    """The telegram that holds the readout: there is one, unless data look odd."""
    return max(telegrams, key=lambda telegram: len(telegram.data_sets))


def _words(event: Event, engine: ReaderEngine | ListenEngine) -> str:
    """Say an event in words, for a person who watches."""
    if isinstance(event, Identified):
        return f"identified: {event.identification.text!r}"
    if isinstance(event, BlockReceived):
        kind = engine.check_kind.value if engine.check_kind else "none"
        return (
            f"data block accepted: {len(event.data)} bytes at {engine.data_speed} Bd, "
            f"block check {kind}"
        )
    if isinstance(event, Retried):
        return f"{event.trouble.value}: {event.step}"
    return ""
