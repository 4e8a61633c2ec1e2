"""A scripted LIS-200 device at the far end of a wire, and a session with it.

A script is a list of lines: ``> R1 7:0310.0(1)`` is heard, ``< 7-7:310.0(2.5* bar)`` is
said as a block, ``< ACK``, ``< NAK`` and ``< SILENCE`` are themselves; ``< raw:…`` is
said as it stands.  What is sent besides fails the test.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from wire import Hear, MeterStep, Say, Speed, Wire, framed

from iecread.link import Link
from iecread.lis200.gate import Gate
from iecread.lis200key import Key
from iecread.lis200session import Lis200
from iecread.passwords import Secret
from iecread.programming import Programming
from iecread.protocol.actions import Event
from iecread.protocol.messages import Command
from iecread.protocol.options import ReaderOptions
from iecread.protocol.programming import ProgrammingEngine
from iecread.protocol.timing import Timing

P0 = b"\x01P0\x02(1234567)\x03P"
QUICK = Timing().with_timeout(0.5)


def opening(identification: str, speed: str = "6") -> list[MeterStep]:
    """A sign-on up to P0."""
    return [
        Hear(b"/?!\r\n"),
        Say(f"{identification}\r\n".encode("latin-1")),
        Hear(f"\x060{speed}1\r\n".encode("ascii")),
        Speed(19200),
        Say(P0),
    ]


END: list[MeterStep] = [Hear(b"\x01B0\x03q"), Speed(300)]


def steps(script: str) -> list[MeterStep]:
    """The steps of a script."""
    found: list[MeterStep] = []
    for line in filter(None, (line.strip(" ") for line in script.split("\n"))):
        way, _, text = line.partition(" ")
        text = text.partition("  #")[0]
        if (way, text) == (">", "ACK"):
            found.append(Hear(b"\x06"))
        elif way == ">":
            name, _, data = text.partition(" ")
            content = data.encode("latin-1") if data else None
            found.append(Hear(Command(name, content).to_bytes()))
        elif text in ("ACK", "NAK"):
            found.append(Say(b"\x06" if text == "ACK" else b"\x15", after=0.03))
        elif text.startswith("raw:"):
            found.append(Say(text[4:].encode("latin-1"), after=0.03))
        elif text != "SILENCE":
            found.append(Say(framed(text.encode("latin-1")), after=0.03))
    return found


class Gas:
    """A session with a scripted device.

    Args:
        script: what is said behind the sign-on.
        identification: of the device.
        code: of the lock that may be opened; None: none may.
        lock: its number.
        key: in place of both.
        ends: whether the script goes on with a break.
    """

    def __init__(
        self,
        script: str | Sequence[MeterStep],
        *,
        identification: str = "/Els6EK260",
        code: str | None = "00000000",
        lock: int = 4,
        key: Key | None = None,
        ends: bool = True,
        certain: bool = False,
        recognise: bool = False,
        wire: dict[str, Any] | None = None,
        reader: dict[str, Any] | None = None,
        **programming: Any,
    ) -> None:
        talk = steps(script) if isinstance(script, str) else list(script)
        signed_on = opening(identification) if isinstance(script, str) else []
        self.steps = [*signed_on, *talk, *(END if ends else [])]
        self.wire = Wire(self.steps, **(wire or {}))
        options = ReaderOptions(
            **{"option": "1", "timing": QUICK, "retries": 2, **(reader or {})}
        )
        self.gate = Gate(certain=certain)
        self.engine = ProgrammingEngine(options, self.gate)
        self.link = Link(self.wire, self.wire.speed, self.wire.clock)
        plain = Programming(self.engine, self._run, **programming)
        plain.open(self.wire.now)
        if key is None and code is not None:
            key = Key(Secret(code), lock)
        self.session = Lis200(plain, key)
        self.warnings: list[str] = []
        self.session.warn = self.warnings.append
        if recognise:
            self.session.recognise()
        else:
            from iecread.lis200.device import Device

            self.gate.engage(Device.identified(plain.identification))

    def _run(self, engine: ProgrammingEngine) -> Iterator[Event]:
        yield from self.link.run(engine)

    @property
    def sent(self) -> list[str]:
        """The commands that were sent, in the form of scripts."""
        found = []
        for message in self.wire.sent:
            if message.text[:1] == b"\x01":
                command = Command.from_bytes(message.text)
                text = (command.text or b"").decode("latin-1")
                found.append(f"{command.name} {text}".strip())
        return found

    @property
    def codes(self) -> list[str]:
        """The codes that were sent."""
        return [line for line in self.sent if line.startswith("W") and "171" in line]

    def check(self) -> None:
        """Say that all that was sent is what the device was to hear."""
        heard = [step.data for step in self.steps if isinstance(step, Hear)]
        assert [sent.text for sent in self.wire.sent] == heard
        assert self.wire.interruptions == 0


# --- pieces of scripts ------------------------------------------------------

CLOSED = """
> R1 4:0170.0(1)
< 4:170.0(0)
"""
OPEN = """
> R1 4:0170.0(1)
< 4:170.0(1)
"""
CODE = """
> W1 4:0171.0(00000000)
"""
OPENED = CLOSED + CODE + "< ACK" + OPEN
TYPE = """
> R1 1:0181.0(1)
< 1:181.0(EK260     )
"""
CLOSE = """
> W1 4:0170.0(0)
< ACK
> R1 4:0170.0(1)
< (#0018)
"""
UNLOCK = OPENED + TYPE
# what lets late answers go by
MARK = "\n> R1 2:0170.0(1)\n< 2:170.0(0)\n"
READ = "\n> R1 7:0310.0(1)\n"
VALUE = "< 7-7:310.0(2.5134* bar)\n"
