"""What is to hold for any input: one function for each kind of it.

Each takes bytes and raises nothing, unless something is wrong: an error that is not
ours, or a promise that is broken.  ``fuzz.py`` looks for such bytes by the hour,
``tests/test_fuzz.py`` runs the seeds and a little more.
"""

import json
from collections.abc import Callable, Iterator
from datetime import datetime
from io import BytesIO
from tempfile import NamedTemporaryFile
from zoneinfo import ZoneInfo

from iecread.archiverows import ArchiveDecoder
from iecread.config import Config
from iecread.errors import (
    IecReadError,
    NoAnswerError,
    RefusedError,
    RemoteProtocolError,
)
from iecread.eventlog import EventDecoder
from iecread.link import Link
from iecread.lis200.archive import Layout
from iecread.lis200.values import brackets, parse, parse_time
from iecread.loadprofile import ProfileDecoder
from iecread.output import formatter
from iecread.protocol.actions import BlockReceived, Engine, Event, Opened
from iecread.protocol.bcc import bcc_sum7, bcc_xor
from iecread.protocol.explain import explain
from iecread.protocol.listener import ListenEngine
from iecread.protocol.messages import Command
from iecread.protocol.options import ReaderOptions
from iecread.protocol.parity import Parity, strip
from iecread.protocol.programming import ProgrammingEngine
from iecread.protocol.reader import ReaderEngine
from iecread.protocol.telegrams import TelegramDecoder, decode
from iecread.readings import readout
from iecread.saved import chunks
from iecread.session import Meter
from iecread.transports.memory import Clock, MemoryTransport

_EXPECTED = (NoAnswerError, RefusedError, RemoteProtocolError)
_ZONE = ZoneInfo("Europe/Berlin")
_MOST_WRITES = 500  # of all the tries that one input may cause
_LONGEST = 3600.0  # s on the line that one input may cost


class _Answers:
    """A meter that answers whatever is sent with the next piece."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._due: tuple[float, bytes] | None = None
        self.writes = 0

    def receive(self, data: bytes, now: float) -> None:
        self.writes += 1
        assert self.writes < _MOST_WRITES, "it goes on and on"
        if piece := next(self._pieces, b""):
            self._due = now + 0.3, piece

    def next_delivery(self) -> float | None:
        return self._due and self._due[0]

    def deliveries(self, now: float) -> bytes:
        if self._due is None or self._due[0] > now:
            return b""
        (_, piece), self._due = self._due, None
        return piece

    def set_speed(self, baud: int) -> None:
        pass


def _drive(engine: Engine, pieces: list[bytes]) -> list[Event]:
    """All events of a session in which the meter says these pieces."""
    clock = Clock()
    answers = _Answers(iter(pieces))
    transport = MemoryTransport(answers, monotonic=clock.monotonic, sleep=clock.sleep)
    transport.open()
    link = Link(transport, 300, clock.monotonic)
    events: list[Event] = []
    engine.start(clock.now)
    try:
        for event in link.run(engine):
            events.append(event)
            if isinstance(event, Opened) and isinstance(engine, ProgrammingEngine):
                engine.command(Command("R1", b"1.8.0()"), repeatable=True)
    except _EXPECTED as error:
        assert error.message and error.hint
    assert engine.finished and engine.next_action() is None
    assert clock.now < _LONGEST, "it takes too long"
    return events


def _pieces(data: bytes) -> tuple[int, list[bytes]]:
    """A byte of choices, and what FE separates."""
    return (data[0] if data else 0), data[1:].split(b"\xfe")


def reader(data: bytes) -> None:
    """A readout: data or the one error, and no block that its check does not fit."""
    choice, pieces = _pieces(data)
    parity = (None, Parity.EVEN, Parity.NONE)[choice % 3]
    options = ReaderOptions(
        receive_parity=parity, echo=(None, True, False)[choice // 3 % 3], retries=1
    )
    for event in _drive(ReaderEngine(options), pieces):
        if isinstance(event, BlockReceived):
            text = strip(event.data)
            if text[:1] == b"\x02":
                body, check = text[1:-1], text[-1]
                assert check in (bcc_xor(body), bcc_sum7(body)), "a wrong check passed"


def programming(data: bytes) -> None:
    """A session in programming mode that asks for a register."""
    choice, pieces = _pieces(data)
    parity = (None, Parity.EVEN, Parity.NONE)[choice % 3]
    options = ReaderOptions(option="1", receive_parity=parity, retries=1)
    engine = ProgrammingEngine(options)
    _drive(engine, pieces)


def listener(data: bytes) -> None:
    """A push meter, and P1."""
    _, pieces = _pieces(data)
    engine = ListenEngine((115200, 2400), patience=60.0)
    clock = Clock()
    engine.start(clock.now)
    try:
        for piece in pieces:
            while engine.next_action():
                engine.action_done(clock.now)
            if engine.finished:
                break
            clock.sleep(0.3)
            engine.receive_data(piece, clock.now)
            engine.events()
        while not engine.finished:
            deadline = engine.deadline()
            if engine.next_action():
                engine.action_done(clock.now)
                continue
            assert deadline is not None
            clock.now = max(clock.now, deadline)
            engine.handle_timeout(clock.now)
            engine.events()
            assert clock.now < _LONGEST, "it takes too long"
    except _EXPECTED as error:
        assert error.message and error.hint


def telegrams(data: bytes) -> None:
    """A saved readout, all formats of it, and the same in other pieces."""
    check = ("auto", "xor", "sum7", "off")[data[0] % 4 if data else 0]
    whole = decode(data[1:], check=check)
    decoder = TelegramDecoder(check=check)
    pieces = []
    step = 1 + (data[0] >> 2 if data else 0)
    for at in range(1, len(data), step):
        pieces += decoder.feed(data[at : at + step])
    assert pieces + decoder.finish() == whole, "the cut makes a difference"
    for name in ("json", "jsonl", "csv", "table", "influx", "prom", "value"):
        writer = formatter(name)
        text = writer.begin()
        for telegram in whole:
            text += writer.readout(readout(telegram, timezone="Europe/Berlin"))
        text += writer.end()
        if name == "json" and text:
            json.loads(text)
        if name == "jsonl":
            assert len([json.loads(line) for line in text.split("\n") if line]) == len(
                whole
            )
        assert "\x1b" not in text and "\x9b" not in text, "a terminal would obey"


def explained(data: bytes) -> None:
    """A dialogue in words."""
    for message in explain(data):
        assert message.words is not None


def saved(data: bytes) -> None:
    """A file of any kind: dump, trace, transcript."""
    out = b"".join(chunks(BytesIO(data)))
    assert len(out) <= (len(data) << 20) + 1


def replayed(data: bytes) -> None:
    """A trace: the session that it holds, or the one error that is to be expected."""
    with NamedTemporaryFile(suffix=".jsonl") as file:
        file.write(data)
        file.flush()
        try:
            with Meter(f"replay://{file.name}") as meter:
                meter.readout()
        except IecReadError as error:
            assert error.message and error.hint


def load_profile(data: bytes) -> None:
    """A load profile, as text and as data sets, and in other pieces."""
    decoder = ProfileDecoder(_ZONE)
    rows = decoder.feed(data) + decoder.finish()
    for row in rows:
        assert row.time.tzinfo is not None
    assert (decoder.error() is None) == decoder.complete
    other = ProfileDecoder(_ZONE)
    pieces = []
    for at in range(0, len(data), 7):
        pieces += other.feed(data[at : at + 7])
    assert pieces + other.finish() == rows, "the cut makes a difference"
    sets = ProfileDecoder()
    for telegram in decode(data):
        sets.feed_data_sets(telegram.data_sets)
    sets.finish()


def event_log(data: bytes) -> None:
    """An event log, as text and as data sets."""
    decoder = EventDecoder(_ZONE)
    decoder.feed(data)
    decoder.finish()
    decoder.error()
    sets = EventDecoder()
    for telegram in decode(data):
        sets.feed_data_sets(telegram.data_sets)
    sets.finish()


def archive(data: bytes) -> None:
    """An archive of a LIS-200 device: names, units, and blocks."""
    text = data.decode("latin-1")
    names, _, rest = text.partition("\x00")
    units, _, rest = rest.partition("\x00")
    layout = Layout(brackets(names), brackets(units))
    decoder = ArchiveDecoder(layout, 3, _ZONE)
    for block in rest.split("\x00"):
        for record in decoder.feed(block):
            assert all(row.time is None or row.time.tzinfo for row in record.rows)
    decoder.finish()


def lis200_value(data: bytes) -> None:
    """A value of a LIS-200 device."""
    text = data.decode("latin-1")
    parse(text)
    moment = parse_time(text)
    assert moment is None or isinstance(moment, datetime)
    brackets(text)


def meters_toml(data: bytes) -> None:
    """A meters.toml: read, or each fault of it with its line."""
    text = data.decode("utf-8", "replace")
    found = Config("meters.toml", text)
    lines = len(text.splitlines()) + 1
    for fault in found.faults:
        assert fault.message and 0 <= fault.line <= lines
    for profile in found.meters.values():
        assert profile.port
        _ = (profile.options, profile.registers, profile.rules, profile.csv)


TARGETS: dict[str, Callable[[bytes], None]] = {
    function.__name__: function
    for function in (
        reader,
        programming,
        listener,
        telegrams,
        explained,
        saved,
        replayed,
        load_profile,
        event_log,
        archive,
        lis200_value,
        meters_toml,
    )
}
