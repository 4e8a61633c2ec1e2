"""Scripts of whole readouts for the wire, and what to expect of them."""

import pytest
from wire import AS_IT_IS, Hear, MeterStep, Outcome, Say, Speed, framed

from iecread.protocol import parity
from iecread.protocol.actions import Done, Retried, Trouble
from iecread.protocol.state import ReaderState

REQUEST = b"/?!\r\n"
BREAK = b"\x01B0\x03q"
NAK = b"\x15"
DATA = b"1.8.0(001234.5*kWh)\r\n!\r\n"
BLOCK = framed(DATA)
LONG = framed(b"0.0.0(12345678)\r\n" + b"1.8.0(001234.5*kWh)\r\n" * 8 + b"!\r\n")
SPEEDS_B = dict(zip("ABCDEF", (600, 1200, 2400, 4800, 9600, 19200), strict=True))
SPEEDS_C = dict(zip("0123456", (300, *SPEEDS_B.values()), strict=True))

# How what the meter says is handed over: a message, a byte, or a few at a time
CUTS = pytest.mark.parametrize(
    "cut", [None, (), (3, 1, 5, 2, 4) * 50], ids=["whole", "bytes", "pieces"]
)


def select(z: str, y: str = "0") -> bytes:
    """An option select."""
    return f"\x060{z}{y}\r\n".encode()


def opening(
    identification: bytes,
    *answers: MeterStep,
    request: bytes = REQUEST,
    speed: int = 300,
) -> list[MeterStep]:
    """A session: request and identification, then ``answers``."""
    after = 0.02 if identification[3:4].islower() else 0.2
    return [Speed(speed), Hear(request), Say(identification, after), *answers]


def mode_c(z: str, *answers: MeterStep, head: bytes = b"/EXA") -> list[MeterStep]:
    """A session in mode C up to the option select, at the speed of ``z`` from then."""
    line = head + z.encode() + b"DEMO\r\n"
    return opening(line, Hear(select(z)), Speed(SPEEDS_C[z]), *answers)


def refused(z: str, *answers: MeterStep) -> list[MeterStep]:
    """A session in mode C in which the reader stays at 300 Bd."""
    line = b"/EXA" + z.encode() + b"DEMO\r\n"
    return opening(line, Hear(select("0")), *answers)


def troubles(outcome: Outcome) -> list[Trouble]:
    """What was tried again, and why."""
    return [e.trouble for e in outcome.events if isinstance(e, Retried)]


def good(outcome: Outcome, *blocks: bytes) -> Outcome:
    """The readout succeeded, in order, and nobody was interrupted."""
    assert outcome.error is None, outcome.error
    assert outcome.blocks == list(blocks)
    assert isinstance(outcome.events[-1], Done)
    polite(outcome)
    return outcome


def polite(outcome: Outcome) -> None:
    """Half duplex and the reaction times that are owed to the meter (6.4.3)."""
    assert outcome.wire.interruptions == 0
    engine = outcome.engine
    fast = engine.identification is not None and engine.identification.fast
    for message in outcome.wire.sent:
        assert message.rest >= (0.02 if fast else 0.2), message
    assert engine.finished and engine.state is ReaderState.IDLE
    assert engine.next_action() is None and engine.deadline() is None


def even(data: bytes, *damaged: int, bit: int = 1) -> list[int]:
    """``data`` with even parity, but a flipped bit at ``damaged``."""
    wire = list(parity.add_even(data))
    for at in damaged:
        wire[at] = (wire[at] ^ bit) + AS_IT_IS
    return wire
