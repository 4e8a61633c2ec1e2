"""What a head sees of a meter, again and again, while it is moved.

A meter that was asked and gets no option select goes on by itself (annex A: its
readout at the opening speed), so there is light to look at; whenever it is silent it
is asked once more.  Each ``Signal`` says how many characters came in the last seconds
and how many of them were damaged, and the best of all so far.
"""

import time
from collections import deque
from collections.abc import Callable, Generator
from dataclasses import dataclass

from iecread.diagnosis import Finding, diagnose
from iecread.interview import Wish
from iecread.link import Link
from iecread.protocol import linesigns, parity
from iecread.protocol.actions import Action, Write
from iecread.protocol.linesigns import TEXTS, Sign, look
from iecread.protocol.messages import BREAK, Request
from iecread.protocol.probe import Probe
from iecread.transports import LineKind, Transport

SPAN = 3.0  # seconds that a signal is taken over
STEP = 0.5  # seconds between two
_SILENT = 2.2  # seconds after which the meter is asked again
_ENOUGH = 8  # characters that make a signal worth comparing


@dataclass(frozen=True, slots=True)
class Signal:
    """What came lately.

    Attributes:
        seconds: since the begin.
        characters: that came in the last seconds.
        damaged: how many of them.
        total: characters since the begin.
        best: highest share of undamaged ones so far, 0 to 1; None before any came.
        sign: what the last ones were.
    """

    seconds: float
    characters: int = 0
    damaged: int = 0
    total: int = 0
    best: float | None = None
    sign: Sign = Sign.NOTHING

    @property
    def share(self) -> float | None:
        """The share of undamaged characters, 0 to 1; None where none came."""
        if not self.characters:
            return None
        return 1 - self.damaged / self.characters


def watch(
    line: Transport, wish: Wish, clock: Callable[[], float] = time.monotonic
) -> Generator[Signal, None, None]:
    """Yield a signal each half second, for ever; close it to sign off.

    Args:
        line: the open line, at the opening speed.
        wish: how a reading would use it.
        clock: monotonic time in seconds.

    Raises:
        PortError: the line was lost.
    """
    link, start = Link(line, wish.speed, clock), clock()
    request = Request(wish.address).to_bytes()
    coded = [parity.add_even(request), request]
    if wish.framing in ("8n1", "hw7e1"):
        coded.reverse()
    if line.kind is LineKind.UART or wish.framing != "auto":
        coded = coded[:1]
    recent: deque[tuple[float, bytes]] = deque()
    heard_at, total, asked = float("-inf"), 0, 0
    best: float | None = None

    def listen(actions: list[Action]) -> bytes:
        probe = Probe(actions, speed=wish.speed, answer=STEP, gap=STEP, most=STEP)
        for _ in link.run(probe):
            pass
        return probe.heard

    try:
        while True:
            actions: list[Action] = []
            if clock() - heard_at > _SILENT:
                sent = coded[asked % len(coded)]
                actions, heard_at, asked = [Write(sent)], clock(), asked + 1
            heard = listen(actions)
            if actions:
                heard = heard[linesigns.echoed(sent, heard) :]
            now = clock()
            if heard:
                heard_at, total = now, total + len(heard)
                recent.append((now, heard))
            while recent and recent[0][0] < now - SPAN:
                recent.popleft()
            seen = look(b"".join(data for _, data in recent), wish.speed)
            damaged = seen.damaged if seen.sign in TEXTS else seen.count
            signal = Signal(now - start, seen.count, damaged, total, best, seen.sign)
            if signal.share is not None and seen.count >= _ENOUGH:
                best = max(best or 0.0, signal.share)
            yield Signal(now - start, seen.count, damaged, total, best, seen.sign)
    finally:
        line.write(parity.add_even(BREAK.to_bytes()))
        line.drain()


def verdict(last: Signal | None, target: str) -> tuple[str, Finding | None]:
    """Return the sentence at the end, and what is wrong if anything is.

    Args:
        last: the last signal; None if there was none.
        target: as typed.
    """
    again = f"iecread doctor {target}"
    facts: dict[str, object] = {"again": again, "read": again, "target": target}
    if last is None or last.best is None:
        finding = diagnose("no-light", facts)
        return finding.sentence, finding
    best = f"best so far {100 * last.best:.0f} %"
    if last.characters >= _ENOUGH and not last.damaged:
        return f"all is well here: no character is damaged ({best})", None
    percent = f"{100 * last.damaged / max(1, last.characters):.0f} %"
    facts |= {"damaged": last.damaged, "count": last.characters, "percent": percent}
    finding = diagnose("weak" if last.characters else "lost-light", facts)
    return f"{finding.sentence}; {best}", finding
