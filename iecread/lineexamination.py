"""The line examined: is it quiet, does a meter answer, and what had to be changed.

It is asked with the settings that a reading would use.  Where no answer comes, one
thing after the other is changed (parity, address, a break for a session that was left
open, wake-up, speed), and the first that is answered is taken for the cause.  What the
answer looks like tells the rest: parity, echo, low light.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from iecread.dataverdict import GLITCH, RATE
from iecread.diagnosis import Finding, Layer
from iecread.interview import EVEN, IDENTIFICATION, NONE, ODD, Interview, Reply, Way
from iecread.protocol import parity
from iecread.protocol.actions import SetSpeed
from iecread.protocol.linesigns import TEXTS, Look, Sign, look
from iecread.transports import LineKind

_LISTEN = 1.5  # seconds to find out whether it is quiet
_NOISY = 3  # characters in that time are no glitch of the port
_JOINED_NULS = 40  # field practice: UH50 wants the request right behind them
_OTHER_SPEEDS = (9600, 2400, 4800, 19200, 1200, 600, 300)
_BREAK_SPEEDS = (9600, 4800, 19200, 2400, 1200, 600)
_RESET_SPEED = 9600  # where a session that somebody left open most likely is
_TOLERATED = 1  # damaged characters that may be chance
_FRAMINGS = {EVEN: "7e1", NONE: "8n1", ODD: "7o1"}
_SEEN = {
    EVEN: "bit 7 is an even parity bit in what comes",
    NONE: "bit 7 is no parity bit in what comes",
    ODD: "bit 7 makes the number of ones odd",
}

_Ways = Iterator[tuple[str, Way, Mapping[str, object]]]


class LineExamination:
    """Examines an open line.

    Args:
        talk: asks on it.
        learned: gets the options of ``Meter`` that were found to be needed.

    Attributes:
        told: whether damaged characters were said already.
        pending: findings of the meter, seen with the line.
    """

    def __init__(self, talk: Interview, learned: dict[str, object]) -> None:
        self._talk, self._wish = talk, talk.wish
        self._learned = learned
        self.told = False
        self.pending: list[Finding] = []

    def examine(self, layer: Layer) -> None:
        if self._wish.mode == "d":
            self._pushed(layer)
            return
        if not self._is_quiet(layer):
            return
        reply = self._first()
        if reply is None:
            reply = self._search(layer)
        if reply is None:
            layer.findings.append(self.unanswered(layer))
            return
        self._note_answer(layer, reply)

    def _pushed(self, layer: Layer) -> None:
        """A meter that talks by itself: wait for it."""
        speeds = [self._wish.speed] if self._wish.speed != 300 else [2400, 9600, 115200]
        for speed in speeds:
            heard = self._talk.listen(11.0, [SetSpeed(speed)], over=_telegram)
            seen = look(heard, speed)
            layer.evidence.append(f"{seen.count} characters at {speed} Bd")
            if seen.sign in TEXTS:
                self._talk.note(seen)
                layer.evidence.append(seen.sign.value)
                self._note_damage(layer)
                return
            if seen.sign is Sign.SML:
                layer.findings.append(self._wish.finding("sml"))
                return
            if seen.sign is Sign.SPEED:
                finding = self._wish.finding(
                    "speed-bits",
                    used=speed,
                    speed=_among(seen.speeds),
                    fix=f"{self._wish.read} --baud {seen.speeds[0]}",
                )
                layer.findings.append(finding)
                return
        layer.findings.append(self._wish.finding("nothing"))

    def _is_quiet(self, layer: Layer) -> bool:
        """Listen before anything is said."""
        heard = self._talk.listen(_LISTEN)
        seen = look(heard, self._talk.speed)
        if len(heard.strip(GLITCH)) >= _NOISY:
            if seen.sign is Sign.NOISE or seen.count < 200:
                heard += self._talk.listen(_LISTEN)
                seen = look(heard, self._talk.speed)
            return self._talks(layer, heard, seen)
        layer.evidence.append(f"quiet for {_LISTEN:g} s before anything was sent")
        return True

    def _talks(self, layer: Layer, heard: bytes, seen: Look) -> bool:
        """Something comes though nothing was sent; whether to ask all the same."""
        layer.evidence.append(
            f"{len(heard)} characters came unasked: {seen.sign.value}"
        )
        if seen.sign is Sign.SML:
            layer.findings.append(self._wish.finding("sml"))
        elif seen.sign is Sign.HDLC:
            layer.findings.append(self._wish.finding("hdlc"))
        elif seen.sign is Sign.SPEED:
            best = self._at_speed(seen.speeds)
            if best is None:
                finding = self._wish.finding(
                    "speed-bits",
                    used=self._wish.speed,
                    speed=_among(seen.speeds),
                    fix=f"{self._wish.read} --baud {seen.speeds[0]}",
                )
                layer.findings.append(finding)
            else:
                layer.findings.append(self._push(*best))
        elif seen.sign in (Sign.EVEN, Sign.PLAIN) and (
            IDENTIFICATION.search(parity.strip(heard)) or not self._talk.rests()
        ):
            layer.findings.append(self._push(self._talk.speed, seen.sign))
        elif seen.sign in (Sign.EVEN, Sign.PLAIN):
            layer.evidence.append("it was the end of a readout; it is over now")
            return True
        else:
            best = self._at_speed(())
            layer.findings.append(
                self._wish.finding("noise", count=len(heard), seconds=2 * _LISTEN)
                if best is None
                else self._push(*best)
            )
        return False

    def _at_speed(self, guessed: Sequence[int]) -> tuple[int, Sign] | None:
        """Listen at other speeds to somebody who talks by himself."""
        if not self._talk.adjustable:
            return None
        speeds = guessed or (2400, 9600, 115200)
        for speed in speeds:
            heard = self._talk.listen(
                4.0, [SetSpeed(speed)], over=lambda d: len(d) > 60
            )
            seen = look(heard, speed)
            if seen.sign in (Sign.EVEN, Sign.PLAIN) and seen.count > 20:
                return speed, seen.sign
        return None

    def _push(self, speed: int, sign: Sign) -> Finding:
        framing = " --framing 8n1" if sign is Sign.PLAIN else ""
        return self._wish.finding("push", speed=speed, framing=framing)

    def _first(self) -> Reply | None:
        """Ask as a reading would; twice, since a request may get lost."""
        if self._wish.wake == "always":
            self._talk.way = self._talk.waking()
        ways = [replace(self._talk.way, parity=kind) for kind in self._talk.parities()]
        for way in (*ways, ways[0]):
            if reply := self._talk.converse(way):
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
                reply = self._talk.converse(way, short=not way.nuls)
                if reply is None:
                    continue
                if ailment == "parity":
                    break  # said by what is seen in the answer
                place = layer.findings if ailment == "speed" else self.pending
                place.append(self._wish.finding(ailment, **facts))
                return reply
            else:
                continue
            return reply
        return None

    def _other_parities(self) -> "_Ways":
        for kind in (EVEN, NONE, ODD):
            if kind not in self._talk.parities():
                yield "parity", replace(self._talk.way, parity=kind), {}

    def _other_addresses(self) -> "_Ways":
        said = self._wish.address
        if said:
            fix = f"{self._wish.read} --address ''"
            facts = {"address": said, "how": "without one", "fix": fix}
            yield "address-wrong", replace(self._talk.way, address=""), facts
        for other in self._wish.addresses[:3]:
            way = replace(self._talk.way, address=other)
            if other.lstrip("0") == said.lstrip("0"):
                continue
            if said:
                fix = f"{self._wish.read} --address {other}"
                facts = {"address": said, "how": f"to {other!r}", "fix": fix}
                yield "address-wrong", way, facts
            else:
                yield "address", way, {"address": other}

    def _freed(self) -> "_Ways":
        """End a session that somebody left open, where it most likely is first."""
        likely = self._wish.max_speed or _RESET_SPEED
        rounds = [(likely,), tuple(x for x in _BREAK_SPEEDS if x != likely)]
        if not self._talk.adjustable:
            rounds = [(self._wish.speed,)]
        for speeds in rounds:
            for speed in dict.fromkeys((*speeds, self._wish.speed)):
                self._talk.send_break(speed)
            self._talk.rests()
            where = f"{speeds[0]} Bd" if len(speeds) == 1 else "another speed"
            for kind in self._talk.parities():
                yield "stuck", replace(self._talk.way, parity=kind), {"speed": where}

    def _other_speeds(self) -> "_Ways":
        if not self._talk.adjustable:
            return
        guessed = [s for seen in self._talk.looks for s in seen.speeds]
        for speed in dict.fromkeys((*guessed, *_OTHER_SPEEDS)):
            for kind in self._talk.parities():
                if speed != self._wish.speed:
                    way = replace(self._talk.way, speed=speed, parity=kind)
                    yield "speed", way, {"speed": speed, "used": self._wish.speed}

    def _woken(self) -> "_Ways":
        if self._talk.way.nuls:
            return
        for kind in self._talk.parities():
            yield "wake", replace(self._talk.waking(), parity=kind), {"how": ""}
        joined = replace(self._talk.way, nuls=_JOINED_NULS)
        yield "wake-joined", joined, {"nuls": _JOINED_NULS}

    def unanswered(self, layer: Layer) -> Finding:
        """What is to be said where nothing has answered."""
        used = self._wish.speed
        seen = [one for one in self._talk.looks if one.sign is not Sign.NOTHING]
        signs = {one.sign for one in seen}
        strange = sum(one.count for one in seen)
        if not seen:
            layer.evidence.append("no answer to requests, breaks and a wake-up")
            if self._talk.echo:
                return self._wish.finding("echo-only")
            wired = self._talk.kind is LineKind.TCP
            return self._wish.finding("silent-line" if wired else "nothing", used=used)
        words = ", ".join(sorted(sign.value for sign in signs))
        layer.evidence.append(f"{strange} characters came, no identification: {words}")
        for sign, ailment in ((Sign.SML, "sml"), (Sign.HDLC, "hdlc")):
            if sign in signs:
                return self._wish.finding(ailment)
        if self._talk.collided:
            return self._wish.finding("collision")
        if Sign.WEAK in signs:
            weak = [one for one in seen if one.sign is Sign.WEAK]
            damaged = sum(one.damaged for one in weak)
            return self._wish.weak(damaged, sum(one.count for one in weak))
        if Sign.ODD in signs:
            return self._wish.finding("odd", seen=_SEEN[ODD])
        for one in seen:
            if one.speeds:
                best = one.speeds[0]
                fix = f"{self._wish.read} --baud {best}"
                if not self._talk.adjustable:
                    fix = f"set the gateway to {best} Bd, then: {self._wish.again}"
                speed = _among(one.speeds)
                return self._wish.finding("speed-bits", used=used, speed=speed, fix=fix)
        return self._wish.finding("unclear", count=strange)

    def _note_answer(self, layer: Layer, reply: Reply) -> None:
        """Say how the meter was heard."""
        way, evidence = reply.way, layer.evidence
        evidence.append(
            f"an answer at {way.speed} Bd, {reply.look.sign.value}"
            + (f", after {reply.seconds * 1000:.0f} ms" if reply.seconds else "")
        )
        evidence.append(
            "echo: our own characters come back, and are taken off"
            if self._talk.echo
            else "no echo"
        )
        self._check_parity(layer, reply)
        self._note_damage(layer)

    def _check_parity(self, layer: Layer, reply: Reply) -> None:
        """Whether bit 7 is what a reading would take it for."""
        said, sent, sign = self._wish.framing, reply.way.parity, reply.look.sign
        seen = {Sign.EVEN: EVEN, Sign.PLAIN: NONE, Sign.ODD: ODD}.get(sign, sent)
        if seen == ODD or sent == ODD:
            layer.findings.append(self._wish.finding("odd", seen=_SEEN[ODD]))
            return
        plan = self._talk.parities()
        wrong = sent not in plan or said == "8n1" and seen == EVEN
        wrong |= said == "7e1" and seen == NONE
        if wrong:
            framing = _FRAMINGS[seen]
            used = said if said != "auto" else _FRAMINGS[plan[0]]
            finding = self._wish.finding(
                "parity", seen=_SEEN[seen], framing=framing, used=used.lower()
            )
            layer.findings.append(finding)
        if wrong or seen != sent:
            self._learned["framing"] = _FRAMINGS[seen]

    def _note_damage(self, layer: Layer) -> None:
        damaged, count = self._talk.damaged, self._talk.count
        layer.evidence.append(f"{damaged} of {count} characters damaged")
        if damaged > _TOLERATED or damaged > RATE * count and count > 100:
            self.told = True
            layer.findings.append(self._wish.weak(damaged, count))


def _among(speeds: Sequence[int]) -> str:
    return " or ".join(map(str, speeds[:2]))


def _telegram(data: bytes) -> bool:
    return b"!" in parity.strip(data)[40:]
