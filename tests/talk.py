"""A session in programming mode with a scripted meter."""

from collections.abc import Iterable, Iterator, Sequence

from wire import Hear, MeterStep, Say, Speed, Wire

from iecread.link import Link
from iecread.login import Login
from iecread.programming import Programming
from iecread.protocol.actions import (
    Answered,
    AnswerKind,
    BlockReceived,
    Event,
    Opened,
)
from iecread.protocol.messages import Command
from iecread.protocol.options import ReaderOptions
from iecread.protocol.programming import ProgrammingEngine

REQUEST = Hear(b"/?!\r\n")
READOUT = b"\x021.8.0(000123.4*kWh)\r\n!\r\n\x03~"
P0 = Say(b"\x01P0\x02(00000000)\x03`")
P1 = Hear(b"\x01P1\x02(00000000)\x03a")
ACK, NAK = b"\x06", b"\x15"
BREAK = Hear(b"\x01B0\x03q")
OPENED: Sequence[MeterStep] = (
    REQUEST,
    Say(b"/EXA5DEMO-P1\r\n"),
    Hear(b"\x06051\r\n"),
    Speed(9600),
    P0,
)
LOGGED_IN: Sequence[MeterStep] = (*OPENED, P1, Say(ACK))
END: Sequence[MeterStep] = (BREAK, Speed(300))
READ = Hear(b"\x01R1\x021.8.0(1)\x03k")
WRITE = Hear(b"\x01W1\x020.0.1(CUSTOMER 7)\x03D")


class Talk:
    """A session with a scripted meter."""

    def __init__(
        self, steps: Iterable[MeterStep], wire: object = None, **options: object
    ) -> None:
        self.steps = list(steps)
        settings = ReaderOptions(**{"option": "1", **options})  # type: ignore[arg-type]
        line = {"speed": settings.opening_speed, **(wire or {})}  # type: ignore[dict-item]
        self.wire = Wire(self.steps, **line)  # type: ignore[arg-type]
        self.engine = ProgrammingEngine(settings)
        self.link = Link(self.wire, self.wire.speed, self.wire.clock)
        self.events: list[Event] = []

    def run(self, engine: ProgrammingEngine | None = None) -> Iterator[Event]:
        """Drive the engine; the events so far are kept, whatever happens."""
        for event in self.link.run(engine or self.engine):
            self.events.append(event)
            yield event

    def open(self) -> str | None:
        """Enter programming mode; return the operand."""
        self.engine.start(self.wire.now)
        (opened,) = (e for e in self.run() if isinstance(e, Opened))
        return opened.operand

    def answered(self) -> Answered:
        """Return the one answer to what was sent."""
        (answer,) = (e for e in self.run() if isinstance(e, Answered))
        return answer

    def login(self, text: str = "00000000", level: int = 1) -> Answered:
        """Send a password."""
        self.engine.password(level, text)
        return self.answered()

    def ask(self, name: str, text: str, *, last: bool = True) -> Answered:
        """Send a command; a read may be repeated."""
        command = Command(name, text.encode("ascii"), last)
        self.engine.command(command, repeatable=name[0] == "R")
        return self.answered()

    def leave(self) -> None:
        """Sign off."""
        self.engine.sign_off()
        assert list(self.run()) == []

    def session(self, password: str | None = None, **options: object) -> Programming:
        """Return an open session with these manners, logged in."""
        session = Programming(self.engine, self.run, **options)  # type: ignore[arg-type]
        login = None if password is None else Login(lambda operand: password)
        session.enter(self.wire.now, login)
        return session

    @property
    def blocks(self) -> list[bytes]:
        """The blocks that were accepted."""
        return [e.data for e in self.events if isinstance(e, BlockReceived)]

    def check(self) -> None:
        """Say that what was sent is what the meter was to hear, at its speed."""
        speed, expected = 300, []
        for step in self.steps:
            if isinstance(step, Speed):
                speed = step.baud
            elif isinstance(step, Hear):
                expected.append((step.data, speed))
        assert [(sent.text, sent.baud) for sent in self.wire.sent] == expected
        assert self.wire.speed == self.engine.speed == 300
        assert self.wire.interruptions == 0
        assert all(sent.rest >= 0.2 for sent in self.wire.sent[1:])
        assert self.engine.finished and not self.engine.is_open


def logged_in(steps: Sequence[MeterStep], wire: object = None) -> Talk:
    """Return a session behind its password; the meter goes on with ``steps``."""
    talk = Talk([*LOGGED_IN, *steps, *END], wire)
    assert talk.open() == "00000000"
    assert talk.login().kind is AnswerKind.ACK
    return talk
