"""A line and the meter on it, examined: what is asked, in which order, what it shows.

``Examination`` asks with the settings that a reading would use.  Where no answer
comes it changes one thing after the other (parity, address, a break for a session
that was left open, speed, wake-up) and takes the first that is answered for the
cause.  What comes behind the identification is judged in the same way: other delays
before the change of speed, no change at all, mode E.  Nothing but requests, option
selects and break messages is sent.  Words are left to diagnosis.py.
"""

import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from iecread.diagnosis import Finding, Layer, diagnose
from iecread.link import Link
from iecread.protocol import linesigns, parity, timing
from iecread.protocol.actions import Action, SetSpeed, Wait, Write
from iecread.protocol.bcc import CheckKind
from iecread.protocol.linesigns import TEXTS, Look, Sign, look
from iecread.protocol.messages import (
    BITS_PER_CHARACTER,
    BREAK,
    ETX,
    NAK,
    NUL,
    STX,
    Block,
    Identification,
    OptionSelect,
    Request,
    error_text,
)
from iecread.protocol.probe import Probe
from iecread.transports import LineKind, Transport

LINE_LIMIT, METER_LIMIT = 60.0, 60.0
"""Seconds that the two layers take at most on a serial port."""

_SOFT_LIMIT = 90.0  # where both kinds of parity are tried, and on networks

_LISTEN = 1.5  # seconds to find out whether it is quiet
_NOISY = 3  # characters in that time are no glitch of the port
_ANSWER = 2.0  # seconds; 6.4.3 allows 1.5
_SHORT = 1.7  # where many are tried
_GAP = 1.6  # ta and a little
_DATA_ANSWER = 2.6
_DATA_MOST = 8.0
_ENOUGH = 3000  # characters of data
_QUIET = 2.2  # between two sessions
_QUIET_MOST = 30.0  # a readout that nobody wants goes on for so long
_WAKE_PAUSE = 1.6  # annex B: 1.5 to 1.7
_JOINED_NULS = 40  # field practice: UH50 wants the request right behind them
_OTHER_SPEEDS = (9600, 2400, 4800, 19200, 1200, 600, 300)
_BREAK_SPEEDS = (9600, 4800, 19200, 2400, 1200, 600)
_RESET_SPEED = 9600  # where a session that somebody left open most likely is
_DELAYS = (0.12, 0.25, 0.0)  # seconds: later, much later, at once
_MANY = 6  # characters: no glitch any more
_TOLERATED = 1  # damaged characters that may be chance
_RATE = 0.005
_GLITCH = b"\x00\x7f\xff\x80"
_IDENTIFICATION = re.compile(rb"/[A-Za-z]{3}[^\r\n/!]{0,80}(?:\r\n|\n|\r|\Z)")
_FRAME_END = re.compile(rb"[\x03\x04]")
_LINES_END = re.compile(rb"![^\r\n()]{0,8}[\r\n]+\Z")
_WHOLE = re.compile(rb"/[A-Za-z]{3}[^\r\n/!]{1,80}\r?\n")
_EVEN, _NONE, _ODD = "even", "none", "odd"
_FRAMINGS = {_EVEN: "7e1", _NONE: "8n1", _ODD: "7o1"}


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


class Verdict(Enum):
    """How data came."""

    GOOD = "data"
    SILENT = "nothing"
    CUT = "data that break off"
    LATE = "data without their beginning"
    SLOW = "data at another speed"
    EMPTY = "an empty list"
    REFUSED = "a refusal"
    HDLC = "HDLC"
    BROKEN = "noise"


@dataclass(frozen=True, slots=True)
class Data:
    """What came behind an option select, or where none is wanted."""

    verdict: Verdict
    speed: int
    delay: float
    count: int = 0
    damaged: int = 0
    checked: bool | None = None  # whether the block check fits; None: not seen
    ended: bool = False  # whether lines without a block check came to their end
    speeds: tuple[int, ...] = ()  # what they may have been sent at, in Bd
    detail: str = ""


class _Over(Exception):
    """The time of a layer is over."""


class Examination:
    """Examines an open line.

    Args:
        transport: the open line.
        wish: how a reading would use it.
        clock: monotonic time in seconds.
        on_bytes: called with all bytes, see link.py.

    Attributes:
        identification: the meter's, as soon as it has answered.
        echo: whether our characters come back; None: not known.
        speed: that of the data, in Bd; None where they did not come as they should.
        learned: options of ``Meter`` that were found to be needed, or that work.
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
        self._wish = wish
        self._clock = clock
        self._kind = transport.kind
        self._latency = transport.latency
        self._speed = speed or wish.speed
        self._link = Link(transport, self._speed, clock, on_bytes)
        self._deadline = float("inf")
        self._way = Way(wish.speed, self._parities()[0], wish.address)
        self._data: Data | None = None
        self._count = self._damaged = 0
        self._tries = self._answers = 0
        self._looks: list[Look] = []
        self._breaking = False
        self._collided = False
        self._slow = False  # whether data came at the opening speed all the same
        self._told = False  # that characters are damaged
        self._pending: list[Finding] = []  # of the meter, seen with the line
        self.identification: Identification | None = None
        self.echo: bool | None = None
        self.speed: int | None = None
        self.learned: dict[str, object] = {}

    # --- the two layers ------------------------------------------------------

    def line(self) -> Layer:
        """Examine the line; a meter that answers is asked for its data too.

        Raises:
            PortError: the line was lost.
        """
        layer = Layer()
        self._deadline = self._clock() + limits(self._kind)[0]
        try:
            self._line(layer)
        except _Over:
            layer.evidence.append("not everything was tried: the time was over")
            if not layer.findings and self.identification is None:
                layer.findings.append(self._unanswered(layer))
        return layer

    def meter(self) -> Layer:
        """Examine how the meter goes on behind its identification.

        Raises:
            PortError: the line was lost.
        """
        layer = Layer()
        self._deadline = self._clock() + limits(self._kind)[1]
        try:
            self._meter(layer)
        except _Over:
            layer.evidence.append("not everything was tried: the time was over")
            best, data = self._way.speed, self._data
            if data is not None and data.speed != best:
                ailment = "stays" if self._slow else "slow-only"
                finding = self._say(ailment, speed=data.speed, best=best)
            else:
                finding = self._say("time", what="the meter identified itself")
            layer.findings.append(finding)
        return layer

    def leave(self) -> None:
        """Send what ends a session that may be open.

        Raises:
            PortError: the line was lost.
        """
        if self._breaking:
            self._deadline = float("inf")
            self._break(self._speed)
            self._breaking = False

    # --- the line ------------------------------------------------------------

    def _line(self, layer: Layer) -> None:
        if self._wish.mode == "d":
            self._pushed(layer)
            return
        if not self._is_quiet(layer):
            return
        reply = self._first()
        if reply is None:
            reply = self._search(layer)
        if reply is None:
            layer.findings.append(self._unanswered(layer))
            return
        self._note_answer(layer, reply)

    def _pushed(self, layer: Layer) -> None:
        """A meter that talks by itself: wait for it."""
        speeds = [self._wish.speed] if self._wish.speed != 300 else [2400, 9600, 115200]
        for speed in speeds:
            heard = self._listen(11.0, [SetSpeed(speed)], over=_telegram)
            seen = look(heard, speed)
            layer.evidence.append(f"{seen.count} characters at {speed} Bd")
            if seen.sign in TEXTS:
                self._add(seen)
                layer.evidence.append(seen.sign.value)
                self._note_damage(layer)
                return
            if seen.sign is Sign.SML:
                layer.findings.append(self._say("sml"))
                return
            if seen.sign is Sign.SPEED:
                finding = self._say(
                    "speed-bits",
                    used=speed,
                    speed=_among(seen.speeds),
                    fix=f"{self._read} --baud {seen.speeds[0]}",
                )
                layer.findings.append(finding)
                return
        layer.findings.append(self._say("nothing"))

    def _is_quiet(self, layer: Layer) -> bool:
        """Listen before anything is said."""
        heard = self._listen(_LISTEN)
        seen = look(heard, self._speed)
        if len(heard.strip(_GLITCH)) >= _NOISY:
            if seen.sign is Sign.NOISE or seen.count < 200:
                heard += self._listen(_LISTEN)
                seen = look(heard, self._speed)
            return self._talks(layer, heard, seen)
        layer.evidence.append(f"quiet for {_LISTEN:g} s before anything was sent")
        return True

    def _talks(self, layer: Layer, heard: bytes, seen: Look) -> bool:
        """Something comes though nothing was sent; whether to ask all the same."""
        layer.evidence.append(
            f"{len(heard)} characters came unasked: {seen.sign.value}"
        )
        if seen.sign is Sign.SML:
            layer.findings.append(self._say("sml"))
        elif seen.sign is Sign.HDLC:
            layer.findings.append(self._say("hdlc"))
        elif seen.sign is Sign.SPEED:
            best = self._at_speed(seen.speeds)
            if best is None:
                finding = self._say(
                    "speed-bits",
                    used=self._wish.speed,
                    speed=_among(seen.speeds),
                    fix=f"{self._read} --baud {seen.speeds[0]}",
                )
                layer.findings.append(finding)
            else:
                layer.findings.append(self._push(*best))
        elif seen.sign in (Sign.EVEN, Sign.PLAIN) and (
            _IDENTIFICATION.search(parity.strip(heard)) or not self._rests()
        ):
            layer.findings.append(self._push(self._speed, seen.sign))
        elif seen.sign in (Sign.EVEN, Sign.PLAIN):
            layer.evidence.append("it was the end of a readout; it is over now")
            return True
        else:
            best = self._at_speed(())
            layer.findings.append(
                self._say("noise", count=len(heard), seconds=2 * _LISTEN)
                if best is None
                else self._push(*best)
            )
        return False

    def _at_speed(self, guessed: Sequence[int]) -> tuple[int, Sign] | None:
        """Listen at other speeds to somebody who talks by himself."""
        if not self._adjustable:
            return None
        speeds = guessed or (2400, 9600, 115200)
        for speed in speeds:
            heard = self._listen(4.0, [SetSpeed(speed)], over=lambda d: len(d) > 60)
            seen = look(heard, speed)
            if seen.sign in (Sign.EVEN, Sign.PLAIN) and seen.count > 20:
                return speed, seen.sign
        return None

    def _push(self, speed: int, sign: Sign) -> Finding:
        framing = " --framing 8n1" if sign is Sign.PLAIN else ""
        return self._say("push", speed=speed, framing=framing)

    def _first(self) -> Reply | None:
        """Ask as a reading would; twice, since a request may get lost."""
        if self._wish.wake == "always":
            self._way = replace(self._way, nuls=self._nuls, pause=self._pause)
        ways = [replace(self._way, parity=kind) for kind in self._parities()]
        for way in (*ways, ways[0]):
            if reply := self._converse(way):
                return reply
        return None

    def _search(self, layer: Layer) -> Reply | None:
        """Change one thing after the other until something answers."""
        for change in (
            self._other_parities,
            self._other_addresses,
            self._freed,
            self._woken,
            self._other_speeds,
        ):
            for ailment, way, facts in change():
                reply = self._converse(way, short=not way.nuls)
                if reply is None:
                    continue
                if ailment == "parity":
                    break  # said by what is seen in the answer
                place = layer.findings if ailment == "speed" else self._pending
                place.append(self._say(ailment, **facts))
                return reply
            else:
                continue
            return reply
        return None

    def _other_parities(self) -> "_Ways":
        for kind in (_EVEN, _NONE, _ODD):
            if kind not in self._parities():
                yield "parity", replace(self._way, parity=kind), {}

    def _other_addresses(self) -> "_Ways":
        said = self._wish.address
        if said:
            fix = f"{self._read} --address ''"
            facts = {"address": said, "how": "without one", "fix": fix}
            yield "address-wrong", replace(self._way, address=""), facts
        for other in self._wish.addresses[:3]:
            way = replace(self._way, address=other)
            if other.lstrip("0") == said.lstrip("0"):
                continue
            if said:
                fix = f"{self._read} --address {other}"
                facts = {"address": said, "how": f"to {other!r}", "fix": fix}
                yield "address-wrong", way, facts
            else:
                yield "address", way, {"address": other}

    def _freed(self) -> "_Ways":
        """End a session that somebody left open, where it most likely is first."""
        likely = self._wish.max_speed or _RESET_SPEED
        rounds = [(likely,), tuple(x for x in _BREAK_SPEEDS if x != likely)]
        if not self._adjustable:
            rounds = [(self._wish.speed,)]
        for speeds in rounds:
            for speed in dict.fromkeys((*speeds, self._wish.speed)):
                self._break(speed)
            self._rests()
            where = f"{speeds[0]} Bd" if len(speeds) == 1 else "another speed"
            for kind in self._parities():
                yield "stuck", replace(self._way, parity=kind), {"speed": where}

    def _other_speeds(self) -> "_Ways":
        if not self._adjustable:
            return
        guessed = [s for seen in self._looks for s in seen.speeds]
        for speed in dict.fromkeys((*guessed, *_OTHER_SPEEDS)):
            for kind in self._parities():
                if speed != self._wish.speed:
                    way = replace(self._way, speed=speed, parity=kind)
                    yield "speed", way, {"speed": speed, "used": self._wish.speed}

    def _woken(self) -> "_Ways":
        if self._way.nuls:
            return
        nuls = self._nuls
        for kind in self._parities():
            way = replace(self._way, parity=kind, nuls=nuls, pause=self._pause)
            yield "wake", way, {"how": ""}
        joined = replace(self._way, nuls=_JOINED_NULS)
        yield "wake-joined", joined, {"nuls": _JOINED_NULS}

    def _unanswered(self, layer: Layer) -> Finding:
        """What is to be said where nothing has answered."""
        used = self._wish.speed
        seen = [one for one in self._looks if one.sign is not Sign.NOTHING]
        signs = {one.sign for one in seen}
        strange = sum(one.count for one in seen)
        if not seen:
            layer.evidence.append("no answer to requests, breaks and a wake-up")
            if self.echo:
                return self._say("echo-only")
            wired = self._kind is LineKind.TCP
            return self._say("silent-line" if wired else "nothing", used=used)
        words = ", ".join(sorted(sign.value for sign in signs))
        layer.evidence.append(f"{strange} characters came, no identification: {words}")
        for sign, ailment in ((Sign.SML, "sml"), (Sign.HDLC, "hdlc")):
            if sign in signs:
                return self._say(ailment)
        if self._collided:
            return self._say("collision")
        if Sign.WEAK in signs:
            weak = [one for one in seen if one.sign is Sign.WEAK]
            damaged = sum(one.damaged for one in weak)
            return self._weak(damaged, sum(one.count for one in weak))
        if Sign.ODD in signs:
            return self._say("odd", seen=_SEEN[_ODD])
        for one in seen:
            if one.speeds:
                best = one.speeds[0]
                fix = f"{self._read} --baud {best}"
                if not self._adjustable:
                    fix = f"set the gateway to {best} Bd, then: {self._again}"
                speed = _among(one.speeds)
                return self._say("speed-bits", used=used, speed=speed, fix=fix)
        return self._say("unclear", count=strange)

    def _note_answer(self, layer: Layer, reply: Reply) -> None:
        """Say how the meter was heard."""
        way, evidence = reply.way, layer.evidence
        evidence.append(
            f"an answer at {way.speed} Bd, {reply.look.sign.value}"
            + (f", after {reply.seconds * 1000:.0f} ms" if reply.seconds else "")
        )
        evidence.append(
            "echo: our own characters come back, and are taken off"
            if self.echo
            else "no echo"
        )
        self._check_parity(layer, reply)
        self._note_damage(layer)

    def _check_parity(self, layer: Layer, reply: Reply) -> None:
        """Whether bit 7 is what a reading would take it for."""
        said, sent, sign = self._wish.framing, reply.way.parity, reply.look.sign
        seen = {Sign.EVEN: _EVEN, Sign.PLAIN: _NONE, Sign.ODD: _ODD}.get(sign, sent)
        if seen == _ODD or sent == _ODD:
            layer.findings.append(self._say("odd", seen=_SEEN[_ODD]))
            return
        plan = self._parities()
        wrong = sent not in plan or said == "8n1" and seen == _EVEN
        wrong |= said == "7e1" and seen == _NONE
        if wrong:
            framing = _FRAMINGS[seen]
            used = said if said != "auto" else _FRAMINGS[plan[0]]
            finding = self._say(
                "parity", seen=_SEEN[seen], framing=framing, used=used.lower()
            )
            layer.findings.append(finding)
        if wrong or seen != sent:
            self.learned["framing"] = _FRAMINGS[seen]

    def _note_damage(self, layer: Layer) -> None:
        damaged, count = self._damaged, self._count
        layer.evidence.append(f"{damaged} of {count} characters damaged")
        if damaged > _TOLERATED or damaged > _RATE * count and count > 100:
            self._told = True
            layer.findings.append(self._weak(damaged, count))

    def _weak(self, damaged: int, count: int) -> Finding:
        percent = f"{100 * damaged / max(1, count):.1f} %"
        return self._say("weak", damaged=damaged, count=count, percent=percent)

    # --- the meter -----------------------------------------------------------

    def _meter(self, layer: Layer) -> None:
        layer.findings += self._pending
        found, data = self.identification, self._data
        if found is None or data is None:
            return
        offer = f"it offers {found.speed} Bd" if found.speed else "it offers no speed"
        layer.evidence.append(f"{found.text!r} answers; {offer}")
        if self._tries > self._answers + 1 and not self._pending:
            facts = {"tries": self._tries, "answers": self._answers}
            layer.evidence.append(
                "{answers} answers to {tries} requests".format(**facts)
            )
        if data.verdict is Verdict.GOOD and data.checked is False and not self._told:
            data = self._another(data)
        if data.verdict is Verdict.GOOD:
            self._good(layer, data)
            return
        where = f"{data.speed} Bd{data.detail}"
        layer.evidence.append(f"{data.verdict.value} at {where}")
        if self._told:  # no wonder; said with the line
            return
        finding = self._experiments(layer, found, data)
        layer.findings.append(finding)

    def _another(self, data: Data) -> Data:
        """A session more, since a block check was wrong."""
        again = self._session(None)
        return again if again and again.verdict is Verdict.GOOD else data

    def _good(self, layer: Layer, data: Data) -> None:
        words = {True: ", block check right", False: ", block check wrong"}
        checked = words[data.checked] if data.checked is not None else ""
        layer.evidence.append(f"{data.count} characters at {data.speed} Bd{checked}")
        layer.evidence.append(f"highest speed that works: {data.speed} Bd")
        self.speed = data.speed
        if data.checked is False and not self._told:
            weak = self._damaged > 0
            layer.findings.append(
                self._weak(self._damaged, self._count) if weak else self._say("bcc")
            )

    def _experiments(self, layer: Layer, found: Identification, data: Data) -> Finding:
        """Find out under which conditions data come."""
        if data.verdict is Verdict.HDLC:
            return self._say("hdlc")
        if data.verdict is Verdict.CUT:
            return self._no_data(data)
        if data.verdict in (Verdict.EMPTY, Verdict.REFUSED) or "2" in found.escapes:
            if "2" in found.escapes and self._hands_over(layer, found):
                what = data.verdict.value
                seen = f"answers mode C with {what}"
                return self._say("mode-e", ident=found.text, seen=seen)
            if data.verdict is Verdict.REFUSED:
                return self._say("refused", what=data.detail.strip(": ") or "NAK")
        if found.mode != "C" or data.speed == self._way.speed:
            return self._no_data(data)
        computed = self._computed(found)
        used, late = data.delay, data.verdict is Verdict.LATE
        delays = [d for d in (computed, *_DELAYS) if d != used]
        delays.sort(key=lambda d: (d < used) is not late)
        for delay in delays:
            tried = self._session(delay)
            if tried is None:
                continue
            late = late or tried.verdict is Verdict.LATE
            layer.evidence.append(
                f"changed after {delay * 1000:.0f} ms: {tried.verdict.value}"
            )
            if tried.verdict is Verdict.GOOD:
                ailment = "early" if delay > used else "late"
                self.learned["switch_delay"] = delay
                return self._say(
                    ailment,
                    used=used * 1000,
                    delay=delay * 1000,
                    speed=data.speed,
                )
        best = self._way.speed
        tried = self._session(None, refuse=True)
        if tried is None or tried.verdict is not Verdict.GOOD:
            return self._no_data(tried or data)
        layer.evidence.append(f"highest speed that works: {best} Bd")
        self.learned["max_baud"] = best
        ailment = "too-late" if late else "stays" if self._slow else "slow-only"
        return self._say(ailment, speed=data.speed, best=best)

    def _no_data(self, data: Data) -> Finding:
        if data.verdict is Verdict.CUT:
            return self._say("silent", count=data.count)
        if data.verdict is Verdict.BROKEN:
            return self._weak(data.damaged, data.count)
        return self._say("no-data")

    def _hands_over(self, layer: Layer, found: Identification) -> bool:
        """Whether the meter confirms mode E (6.4.5); HDLC itself is not begun."""
        reply = self._reopened()
        if reply is None or reply.identification is None:
            return False
        z = found.speed_character
        speed = found.speed or self._way.speed
        select = OptionSelect("2", z, "2").to_bytes()
        delay = self._computed(found)
        heard = self._ask(
            self._selecting(select, speed, delay), answer=_ANSWER, gap=0.5, most=3.0
        )
        confirmed = select in parity.strip(heard[len(select) if self.echo else 0 :])
        seen = look(heard, speed).sign is Sign.HDLC or confirmed
        layer.evidence.append(
            "it confirms the change to HDLC" if seen else "it does not confirm HDLC"
        )
        self._rests()
        return seen

    # --- sessions ------------------------------------------------------------

    def _session(self, delay: float | None, *, refuse: bool = False) -> Data | None:
        """One more session with other settings; None: no identification came."""
        reply = self._reopened()
        if reply is None or reply.identification is None:
            return None
        data = self._select(reply.identification, delay, refuse=refuse)
        self._end(data)
        return data

    def _reopened(self) -> Reply | None:
        for _ in range(3):
            if reply := self._request(self._way):
                return reply
            self._rests()
        return None

    def _converse(self, way: Way, *, short: bool = False) -> Reply | None:
        """Ask, and go on to the data where the meter answers."""
        reply = self._request(way, short=short)
        if reply is None or reply.identification is None:
            return None
        self._way, self.identification = way, reply.identification
        delay = self._wish.switch_delay
        self._data = self._select(reply.identification, delay)
        self._end(self._data)
        return reply

    def _request(self, way: Way, *, short: bool = False) -> Reply | None:
        """Send a request; None: no identification came."""
        message = _coded(Request(way.address).to_bytes(), way.parity)
        actions: list[Action] = []
        if self._speed != way.speed:
            actions.append(SetSpeed(way.speed))
        if way.nuls and way.pause:
            actions += [Write(NUL * way.nuls), Wait(way.pause)]
        elif way.nuls:
            message = NUL * way.nuls + message
        actions.append(Write(message))
        self._tries += 1
        probe = self._run(
            actions,
            answer=_SHORT if short else _ANSWER,
            gap=_GAP,
            most=8.0,
            over=lambda data: bool(_WHOLE.search(parity.strip(data))),
        )
        heard = probe.heard
        echo = linesigns.echoed(message, heard)
        self.echo = bool(echo) or self.echo
        rest = heard[echo:].lstrip(NUL) if way.nuls else heard[echo:]
        seen = look(rest, way.speed)
        self._looks.append(seen)
        if len(_IDENTIFICATION.findall(parity.strip(rest))) > 1:
            self._collided = True
        found = _IDENTIFICATION.search(parity.strip(rest))
        if not found or seen.sign not in TEXTS:
            return None
        self._answers += 1
        self._add(look(rest[found.start() : found.end()], way.speed))
        identification = Identification.from_bytes(found[0])
        return Reply(way, bool(echo), seen, identification, probe.first)

    def _select(
        self, found: Identification, delay: float | None, *, refuse: bool = False
    ) -> Data:
        """Ask for the data and judge them."""
        wish, opening = self._wish, self._way.speed
        speed = found.speed or opening
        too_fast = wish.max_speed is not None and speed > wish.max_speed
        fixed = not self._adjustable and speed != opening
        mode = found.mode if wish.mode not in ("a", "b", "c") else wish.mode.upper()
        delay = self._computed(found) if delay is None else delay
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
            actions = self._selecting(sent, goal, delay)
            speed = goal
        self._breaking = True
        probe = self._run(
            actions,
            answer=_DATA_ANSWER,
            gap=_GAP,
            most=_DATA_MOST,
            limit=_ENOUGH,
            over=_whole_block,
        )
        heard = probe.heard
        rest = heard[linesigns.echoed(sent, heard) :]
        data = _judge(rest, self._speed, delay)
        if data.verdict is Verdict.SLOW and opening in data.speeds:
            self._slow = True
        if data.verdict in (Verdict.SILENT, Verdict.SLOW, Verdict.BROKEN):
            if self._speed != opening and self._adjustable:
                below = self._listen(2.5, [SetSpeed(opening)])
                self._slow = self._slow or look(below, opening).sign in TEXTS
        if data.verdict is Verdict.GOOD and probe.silent and data.checked is None:
            if not data.ended:
                data = replace(data, verdict=Verdict.CUT)
        if data.verdict in (Verdict.GOOD, Verdict.CUT):
            self._count += data.count
            self._damaged += data.damaged
        return data

    def _end(self, data: Data) -> None:
        """Leave the meter as it was found."""
        if data.verdict is not Verdict.GOOD or not data.checked:
            for speed in dict.fromkeys((data.speed, self._way.speed)):
                self._break(speed)
        self._breaking = False
        self._rests()

    def _selecting(self, message: bytes, speed: int, delay: float) -> list[Action]:
        fast = self.identification is not None and self.identification.fast
        owed = timing.FAST_REACTION if fast else timing.REACTION
        actions: list[Action] = [
            Wait(owed + 0.002),
            Write(_coded(message, self._way.parity)),
        ]
        if speed != self._speed and self._adjustable:
            actions += [Wait(delay), SetSpeed(speed)]
        return actions

    @staticmethod
    def _computed(found: Identification) -> float:
        """The delay of a reading, see ReaderEngine."""
        window = timing.FAST_REACTION if found.fast else timing.REACTION
        return max(0.004, window * 0.1)

    def _break(self, speed: int) -> None:
        """Send a break message at a speed."""
        kinds = (_EVEN, _NONE) if self._kind is not LineKind.UART else (_EVEN,)
        for kind in kinds:
            actions: list[Action] = []
            if speed != self._speed:
                actions.append(SetSpeed(speed))
            actions.append(Write(_coded(BREAK.to_bytes(), kind)))
            self._ask(actions, answer=0.15, gap=0.1, most=0.5)

    def _rests(self) -> bool:
        """Wait for the line to be quiet; False: it is not."""
        wait = _QUIET
        heard = self._ask(
            [] if self._speed == self._way.speed else [SetSpeed(self._way.speed)],
            answer=wait,
            gap=wait,
            most=_QUIET_MOST,
            limit=1 << 20,
        )
        return len(heard) < 200 * _QUIET_MOST

    # --- the link ------------------------------------------------------------

    def _run(self, actions: Sequence[Action], **limits: object) -> Probe:
        left = self._deadline - self._clock()
        if left <= 0:
            raise _Over
        said = dict(limits)
        for key in ("answer", "gap"):
            if key in said and key + "_" not in said:
                said[key] = float(str(said[key])) + self._latency
        most = float(str(said.pop("most", 60.0))) + self._latency
        probe = Probe(actions, speed=self._speed, most=min(most, left), **said)  # type: ignore[arg-type]
        try:
            for _ in self._link.run(probe):
                pass
        finally:
            self._speed = probe.speed
        return probe

    def _ask(self, actions: Sequence[Action], **limits: object) -> bytes:
        return self._run(actions, **limits).heard

    def _listen(
        self,
        seconds: float,
        actions: Sequence[Action] = (),
        over: Callable[[bytes], bool] = lambda data: False,
    ) -> bytes:
        probe = self._run(
            [] if [SetSpeed(self._speed)] == list(actions) else actions,
            answer=seconds,
            gap=seconds,
            most=seconds,
            over=over,
        )
        return probe.heard

    # --- small things --------------------------------------------------------

    @property
    def _adjustable(self) -> bool:
        return self._kind is not LineKind.TCP

    @property
    def _nuls(self) -> int:
        usual = round(timing.WAKE_SECONDS * self._wish.speed / BITS_PER_CHARACTER)
        return self._wish.nuls or usual

    @property
    def _pause(self) -> float:
        return _WAKE_PAUSE if self._wish.pause is None else self._wish.pause

    def _parities(self) -> tuple[str, ...]:
        """How a reading would send, but parity first: it shows damage."""
        framing = self._wish.framing
        if framing in ("8n1", "hw7e1"):
            return (_NONE,)
        if framing == "7e1" or self._kind is LineKind.UART:
            return (_EVEN,)
        return (_EVEN, _NONE)

    def _add(self, seen: Look) -> None:
        self._count += seen.count
        self._damaged += seen.damaged

    @property
    def _read(self) -> str:
        return f"iecread readout {self._wish.target}{self._wish.options}"

    @property
    def _again(self) -> str:
        return f"iecread doctor {self._wish.target}{self._wish.options}"

    def _say(self, ailment: str, **facts: object) -> Finding:
        target = self._wish.target
        facts |= {"read": self._read, "again": self._again, "target": target}
        return diagnose(ailment, facts)


def limits(kind: LineKind) -> tuple[float, float]:
    """Return how many seconds line and meter take at most."""
    if kind is LineKind.UART:
        return LINE_LIMIT, METER_LIMIT
    return _SOFT_LIMIT, METER_LIMIT


_Ways = Iterator[tuple[str, Way, Mapping[str, object]]]
_SEEN = {
    _EVEN: "bit 7 is an even parity bit in what comes",
    _NONE: "bit 7 is no parity bit in what comes",
    _ODD: "bit 7 makes the number of ones odd",
}


def _coded(data: bytes, kind: str) -> bytes:
    if kind == _NONE:
        return data
    even = parity.add_even(data)
    return even if kind == _EVEN else bytes(byte ^ 0x80 for byte in even)


def _among(speeds: Sequence[int]) -> str:
    return " or ".join(map(str, speeds[:2]))


def _telegram(data: bytes) -> bool:
    return b"!" in parity.strip(data)[40:]


def _whole_block(data: bytes) -> bool:
    """Whether a block has come to its check."""
    chars = parity.strip(data)
    start = chars.find(STX)
    end = _FRAME_END.search(chars, start) if start >= 0 else None
    return end is not None and end.end() < len(chars)


def _judge(rest: bytes, speed: int, delay: float) -> Data:
    """Say how data came."""
    seen = look(rest, speed)
    chars = parity.strip(rest)
    core = chars.strip(parity.strip(_GLITCH))
    data = Data(Verdict.GOOD, speed, delay, seen.count, seen.damaged)
    if not core and len(rest) < _MANY:
        return replace(data, verdict=Verdict.SILENT, count=0, damaged=0)
    if core == NAK:
        return replace(data, verdict=Verdict.REFUSED, damaged=0, detail=": NAK")
    if seen.sign in (Sign.HDLC, Sign.SML):
        return replace(data, verdict=Verdict.HDLC)
    if seen.sign in TEXTS and len(rest) > 2 * seen.count + _MANY:
        # a few characters, then what is none
        seen = look(rest[-(len(rest) - seen.count - 2) :], speed)
    start = chars.find(STX)
    end = chars.find(ETX, max(0, start))
    if seen.sign in TEXTS and 0 <= start <= 3:
        return _judge_block(chars[start:], data)
    if seen.sign in TEXTS and (end >= 0 or _cut(rest, seen)):
        if seen.damaged > 3 + _RATE * 2 * seen.count:
            return data  # damaged everywhere, not at the beginning only
        return replace(data, verdict=Verdict.LATE)
    if seen.sign in TEXTS:  # no frame, so no block check
        return replace(data, ended=_LINES_END.search(chars) is not None)
    if seen.sign is Sign.SPEED and seen.speeds[0] < speed:
        return replace(data, verdict=Verdict.SLOW, damaged=0, speeds=seen.speeds)
    return replace(data, verdict=Verdict.BROKEN)


def _cut(rest: bytes, seen: Look) -> bool:
    """Whether text begins with what is none, as when the beginning was lost."""
    head = rest[:3]
    strange = parity.strip(head).translate(None, bytes(range(0x20, 0x7F)) + b"\r\n")
    odd = seen.sign is not Sign.PLAIN and parity.errors(head)
    return bool(strange or odd)


def _judge_block(chars: bytes, data: Data) -> Data:
    """Judge data that began with an STX."""
    found = _FRAME_END.search(chars)
    end = found.start() if found else -1
    text = chars[1 : end if end >= 0 else len(chars)]
    checked: bool | None = None
    if 0 <= end < len(chars) - 1:
        block = Block.from_bytes(chars[: end + 2])
        checked = any(replace(block, kind=kind).right for kind in CheckKind)
    data = replace(data, checked=checked)
    if end >= 0 and not text.strip(b"\r\n!"):
        return replace(data, verdict=Verdict.EMPTY, detail=" (no data set in it)")
    refused = error_text(text.decode("latin-1")) if end >= 0 else None
    if refused:
        return replace(data, verdict=Verdict.REFUSED, detail=f": {refused}")
    return data
