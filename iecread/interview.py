"""A line and a meter on it, asked one thing at a time, in whatever way.

``Interview`` sends requests, option selects and break messages, nothing else, over an
open line: with any parity, speed, address or wake-up, and any delay before the change
of speed.  It hears echo and answer apart, keeps count of what was damaged, leaves the
meter as it was found, and ends when its time is over.  What an answer means is up to
the examinations of line and meter.
"""

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from iecread.dataverdict import Data, Verdict, judge, whole_block
from iecread.diagnosis import Finding, diagnose
from iecread.link import Link
from iecread.protocol import linesigns, parity, timing
from iecread.protocol.actions import Action, SetSpeed, Wait, Write
from iecread.protocol.linesigns import TEXTS, Look, look
from iecread.protocol.messages import (
    BITS_PER_CHARACTER,
    BREAK,
    NUL,
    Identification,
    OptionSelect,
    Request,
)
from iecread.protocol.probe import Probe
from iecread.transports import LineKind, Transport

EVEN, NONE, ODD = "even", "none", "odd"
"""How characters are sent: what bit 7 is."""

IDENTIFICATION = re.compile(rb"/[A-Za-z]{3}[^\r\n/!]{0,80}(?:\r\n|\n|\r|\Z)")
"""An identification, maybe cut, among other characters without their bit 7."""

ANSWER = 2.0
"""Seconds in which an answer begins; 6.4.3 allows 1.5."""

_SHORT = 1.7  # where many are tried
_GAP = 1.6  # ta and a little
_DATA_ANSWER = 2.6
_DATA_MOST = 8.0
_ENOUGH = 3000  # characters of data
_QUIET = 2.2  # between two sessions
_QUIET_MOST = 30.0  # a readout that nobody wants goes on for so long
_WAKE_PAUSE = 1.6  # annex B: 1.5 to 1.7
_WHOLE = re.compile(rb"/[A-Za-z]{3}[^\r\n/!]{1,80}\r?\n")


@dataclass(frozen=True, slots=True)
class Wish:
    """How a reading would use the line.

    Attributes:
        target: as typed.
        options: as they would be typed behind it to say what was said already.
        speed: the opening speed, in Bd.
        framing: what was said: ``auto``, ``7e1``, ``8n1``, ``hw7e1``.
        address: the device address.
        addresses: others that may be meant.
        wake: ``auto``, ``never``, ``always``.
        nuls: how many begin the wake-up message; None: as in annex B.
        pause: seconds between them and the request; None: as in annex B.
        max_speed: an offer above it is refused, in Bd.
        stay: whether the speed is not followed.
        switch_delay: in seconds; None: computed.
        mode: ``auto``, ``a`` to ``d``.
    """

    target: str
    options: str = ""
    speed: int = 300
    framing: str = "auto"
    address: str = ""
    addresses: tuple[str, ...] = ()
    wake: str = "auto"
    nuls: int | None = None
    pause: float | None = None
    max_speed: int | None = None
    stay: bool = False
    switch_delay: float | None = None
    mode: str = "auto"

    @property
    def read(self) -> str:
        """The command line that reads the meter."""
        return f"iecread readout {self.target}{self.options}"

    @property
    def again(self) -> str:
        """The command line that examines it once more."""
        return f"iecread doctor {self.target}{self.options}"

    def finding(self, ailment: str, **facts: object) -> Finding:
        """Return what is to be said of an ailment, see diagnosis.py."""
        facts |= {"read": self.read, "again": self.again, "target": self.target}
        return diagnose(ailment, facts)

    def weak(self, damaged: int, count: int) -> Finding:
        """Return what is to be said of damaged characters."""
        percent = f"{100 * damaged / max(1, count):.1f} %"
        return self.finding("weak", damaged=damaged, count=count, percent=percent)


@dataclass(frozen=True, slots=True)
class Way:
    """How a meter is asked."""

    speed: int
    parity: str
    address: str = ""
    nuls: int = 0
    pause: float = 0.0  # between them and the request


@dataclass(frozen=True, slots=True)
class Reply:
    """What came upon a request."""

    way: Way
    echo: bool
    look: Look
    identification: Identification | None = None
    seconds: float | None = None


class Over(Exception):
    """The time of a layer is over."""


class Interview:
    """Asks on an open line.

    Args:
        transport: the open line.
        wish: how a reading would use it.
        speed: the line's own at this time, in Bd; None: that of the wish.
        clock: monotonic time in seconds.
        on_bytes: called with all bytes, see link.py.

    Attributes:
        wish: how a reading would use it.
        kind: of the line.
        speed: the line's own, in Bd.
        deadline: when the time is over, of the clock; then ``Over`` is raised.
        way: how the meter answered, or is going to be asked.
        identification: the meter's, as soon as it has answered.
        echo: whether our characters come back; None: not known.
        data: how the data of the first session came.
        count, damaged: characters that came from the meter.
        tries, answers: requests, and how many were answered.
        looks: what each request brought.
        collided: whether several meters answered at once.
        slow: whether data came at the opening speed although another was agreed on.
        breaking: whether a session may be open.
    """

    def __init__(
        self,
        transport: Transport,
        wish: Wish,
        *,
        speed: int | None = None,
        clock: Callable[[], float] = time.monotonic,
        on_bytes: Callable[[str, bytes, float], None] | None = None,
    ) -> None:
        self.wish = wish
        self._clock = clock
        self.kind = transport.kind
        self._latency = transport.latency
        self.speed = speed or wish.speed
        self._link = Link(transport, self.speed, clock, on_bytes)
        self.deadline = float("inf")
        self.way = Way(wish.speed, self.parities()[0], wish.address)
        self.identification: Identification | None = None
        self.echo: bool | None = None
        self.data: Data | None = None
        self.count = self.damaged = 0
        self.tries = self.answers = 0
        self.looks: list[Look] = []
        self.collided = self.slow = self.breaking = False

    # --- sessions ------------------------------------------------------------

    def session(self, delay: float | None, *, refuse: bool = False) -> Data | None:
        """One more session with other settings; None: no identification came."""
        reply = self.reopened()
        if reply is None or reply.identification is None:
            return None
        data = self._select(reply.identification, delay, refuse=refuse)
        self._end(data)
        return data

    def reopened(self) -> Reply | None:
        """Ask again in the way that was answered before."""
        for _ in range(3):
            if reply := self.request(self.way):
                return reply
            self.rests()
        return None

    def converse(self, way: Way, *, short: bool = False) -> Reply | None:
        """Ask, and go on to the data where the meter answers."""
        reply = self.request(way, short=short)
        if reply is None or reply.identification is None:
            return None
        self.way, self.identification = way, reply.identification
        delay = self.wish.switch_delay
        self.data = self._select(reply.identification, delay)
        self._end(self.data)
        return reply

    def request(self, way: Way, *, short: bool = False) -> Reply | None:
        """Send a request; None: no identification came."""
        message = _coded(Request(way.address).to_bytes(), way.parity)
        actions: list[Action] = []
        if self.speed != way.speed:
            actions.append(SetSpeed(way.speed))
        if way.nuls and way.pause:
            actions += [Write(NUL * way.nuls), Wait(way.pause)]
        elif way.nuls:
            message = NUL * way.nuls + message
        actions.append(Write(message))
        self.tries += 1
        probe = self._run(
            actions,
            answer=_SHORT if short else ANSWER,
            gap=_GAP,
            most=8.0,
            over=lambda data: bool(_WHOLE.search(parity.strip(data))),
        )
        heard = probe.heard
        echo = linesigns.echoed(message, heard)
        self.echo = bool(echo) or self.echo
        rest = heard[echo:].lstrip(NUL) if way.nuls else heard[echo:]
        seen = look(rest, way.speed)
        self.looks.append(seen)
        if len(IDENTIFICATION.findall(parity.strip(rest))) > 1:
            self.collided = True
        found = IDENTIFICATION.search(parity.strip(rest))
        if not found or seen.sign not in TEXTS:
            return None
        self.answers += 1
        self.note(look(rest[found.start() : found.end()], way.speed))
        identification = Identification.from_bytes(found[0])
        return Reply(way, bool(echo), seen, identification, probe.first)

    def _select(
        self, found: Identification, delay: float | None, *, refuse: bool = False
    ) -> Data:
        """Ask for the data and judge them."""
        wish, opening = self.wish, self.way.speed
        speed = found.speed or opening
        too_fast = wish.max_speed is not None and speed > wish.max_speed
        fixed = not self.adjustable and speed != opening
        mode = found.mode if wish.mode not in ("a", "b", "c") else wish.mode.upper()
        delay = self.computed(found) if delay is None else delay
        character = found.speed_character
        if refuse or too_fast or fixed or found.speed is None or found.mode == "A":
            character, speed = "0", opening
        sent = b""
        if mode == "A":
            actions: list[Action] = []
        elif mode == "B":
            actions = [SetSpeed(speed)]
        else:
            sent = OptionSelect("0", character or "0", "0").to_bytes()
            goal = opening if wish.stay else speed
            actions = self.selecting(sent, goal, delay)
            speed = goal
        self.breaking = True
        probe = self._run(
            actions,
            answer=_DATA_ANSWER,
            gap=_GAP,
            most=_DATA_MOST,
            limit=_ENOUGH,
            over=whole_block,
        )
        heard = probe.heard
        rest = heard[linesigns.echoed(sent, heard) :]
        data = judge(rest, self.speed, delay)
        if data.verdict is Verdict.SLOW and opening in data.speeds:
            self.slow = True
        if data.verdict in (Verdict.SILENT, Verdict.SLOW, Verdict.BROKEN):
            if self.speed != opening and self.adjustable:
                below = self.listen(2.5, [SetSpeed(opening)])
                self.slow = self.slow or look(below, opening).sign in TEXTS
        if data.verdict is Verdict.GOOD and probe.silent and data.checked is None:
            if not data.ended:
                data = replace(data, verdict=Verdict.CUT)
        if data.verdict in (Verdict.GOOD, Verdict.CUT):
            self.count += data.count
            self.damaged += data.damaged
        return data

    def _end(self, data: Data) -> None:
        """Leave the meter as it was found."""
        if data.verdict is not Verdict.GOOD or not data.checked:
            for speed in dict.fromkeys((data.speed, self.way.speed)):
                self.send_break(speed)
        self.breaking = False
        self.rests()

    def selecting(self, message: bytes, speed: int, delay: float) -> list[Action]:
        """What sends an option select, and sets the speed so many seconds later."""
        fast = self.identification is not None and self.identification.fast
        owed = timing.FAST_REACTION if fast else timing.REACTION
        actions: list[Action] = [
            Wait(owed + 0.002),
            Write(_coded(message, self.way.parity)),
        ]
        if speed != self.speed and self.adjustable:
            actions += [Wait(delay), SetSpeed(speed)]
        return actions

    @staticmethod
    def computed(found: Identification) -> float:
        """The delay of a reading, see ReaderEngine."""
        window = timing.FAST_REACTION if found.fast else timing.REACTION
        return max(0.004, window * 0.1)

    def send_break(self, speed: int) -> None:
        """Send a break message at a speed."""
        kinds = (EVEN, NONE) if self.kind is not LineKind.UART else (EVEN,)
        for kind in kinds:
            actions: list[Action] = []
            if speed != self.speed:
                actions.append(SetSpeed(speed))
            actions.append(Write(_coded(BREAK.to_bytes(), kind)))
            self.ask(actions, answer=0.15, gap=0.1, most=0.5)

    def rests(self) -> bool:
        """Wait for the line to be quiet; False: it is not."""
        probe = self._run(
            [] if self.speed == self.way.speed else [SetSpeed(self.way.speed)],
            answer=_QUIET,
            gap=_QUIET,
            most=_QUIET_MOST,
            limit=1 << 20,
        )
        return len(probe.heard) < 200 * _QUIET_MOST

    # --- the link ------------------------------------------------------------

    def _run(
        self,
        actions: Sequence[Action],
        *,
        answer: float,
        gap: float,
        most: float,
        limit: int = 8192,
        over: Callable[[bytes], bool] = lambda data: False,
    ) -> Probe:
        left = self.deadline - self._clock()
        if left <= 0:
            raise Over
        probe = Probe(
            actions,
            speed=self.speed,
            answer=answer + self._latency,
            gap=gap + self._latency,
            most=min(most + self._latency, left),
            limit=limit,
            over=over,
        )
        try:
            for _ in self._link.run(probe):
                pass
        finally:
            self.speed = probe.speed
        return probe

    def ask(
        self, actions: Sequence[Action], *, answer: float, gap: float, most: float
    ) -> bytes:
        """Do what is to be done, and return what came.

        Args:
            actions: what is to be done.
            answer: seconds until something comes.
            gap: seconds of silence that end it.
            most: seconds in all.

        Raises:
            Over: the time is over.
            PortError: the line was lost.
        """
        return self._run(actions, answer=answer, gap=gap, most=most).heard

    def listen(
        self,
        seconds: float,
        actions: Sequence[Action] = (),
        over: Callable[[bytes], bool] = lambda data: False,
    ) -> bytes:
        """Return what comes in so many seconds, or until it is ``over``."""
        probe = self._run(
            [] if [SetSpeed(self.speed)] == list(actions) else actions,
            answer=seconds,
            gap=seconds,
            most=seconds,
            over=over,
        )
        return probe.heard

    # --- small things --------------------------------------------------------

    @property
    def adjustable(self) -> bool:
        """Whether the line's speed can be set."""
        return self.kind is not LineKind.TCP

    def waking(self) -> Way:
        """The way that a meter is asked, with a wake-up before it."""
        usual = round(timing.WAKE_SECONDS * self.wish.speed / BITS_PER_CHARACTER)
        pause = _WAKE_PAUSE if self.wish.pause is None else self.wish.pause
        return replace(self.way, nuls=self.wish.nuls or usual, pause=pause)

    def parities(self) -> tuple[str, ...]:
        """How a reading would send, but parity first: it shows damage."""
        framing = self.wish.framing
        if framing in ("8n1", "hw7e1"):
            return (NONE,)
        if framing == "7e1" or self.kind is LineKind.UART:
            return (EVEN,)
        return (EVEN, NONE)

    def note(self, seen: Look) -> None:
        """Count characters that came from the meter."""
        self.count += seen.count
        self.damaged += seen.damaged


def _coded(data: bytes, kind: str) -> bytes:
    if kind == NONE:
        return data
    even = parity.add_even(data)
    return even if kind == EVEN else bytes(byte ^ 0x80 for byte in even)
