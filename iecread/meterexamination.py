"""The meter examined: what comes behind its identification, and under which conditions.

Where data do not come as they should, more sessions find out why: other delays before
the change of speed, no change at all, mode E.  Nothing but requests, option selects
and break messages is sent.
"""

from iecread.dataverdict import Data, Verdict
from iecread.diagnosis import Finding, Layer
from iecread.interview import ANSWER, Interview
from iecread.lineexamination import LineExamination
from iecread.protocol import parity
from iecread.protocol.linesigns import Sign, look
from iecread.protocol.messages import Identification, OptionSelect

_DELAYS = (0.12, 0.25, 0.0)  # seconds: later, much later, at once


class MeterExamination:
    """Examines how a meter goes on behind its identification.

    Args:
        talk: asks on the line.
        line: what was found out about it.
        learned: gets the options of ``Meter`` that were found to be needed, or work.

    Attributes:
        speed: that of the data, in Bd; None where they did not come as they should.
    """

    def __init__(
        self, talk: Interview, line: LineExamination, learned: dict[str, object]
    ) -> None:
        self._talk, self._wish = talk, talk.wish
        self._line = line
        self._learned = learned
        self.speed: int | None = None

    def examine(self, layer: Layer) -> None:
        layer.findings += self._line.pending
        found, data = self._talk.identification, self._talk.data
        if found is None or data is None:
            return
        offer = f"it offers {found.speed} Bd" if found.speed else "it offers no speed"
        layer.evidence.append(f"{found.text!r} answers; {offer}")
        if self._talk.tries > self._talk.answers + 1 and not self._line.pending:
            layer.evidence.append(
                f"{self._talk.answers} answers to {self._talk.tries} requests"
            )
        good = data.verdict is Verdict.GOOD
        if good and data.checked is False and not self._line.told:
            data = self._another(data)
        if good:
            self._good(layer, data)
            return
        where = f"{data.speed} Bd{data.detail}"
        layer.evidence.append(f"{data.verdict.value} at {where}")
        if self._line.told:  # no wonder; said with the line
            return
        finding = self._experiments(layer, found, data)
        layer.findings.append(finding)

    def _another(self, data: Data) -> Data:
        """A session more, since a block check was wrong."""
        again = self._talk.session(None)
        return again if again and again.verdict is Verdict.GOOD else data

    def _good(self, layer: Layer, data: Data) -> None:
        words = {True: ", block check right", False: ", block check wrong"}
        checked = words[data.checked] if data.checked is not None else ""
        if data.checked is None and not data.ended:
            checked = ", no end of them while this looked"
        layer.evidence.append(f"{data.count} characters at {data.speed} Bd{checked}")
        layer.evidence.append(f"highest speed that works: {data.speed} Bd")
        self.speed = data.speed
        if data.checked is False and not self._line.told:
            damaged, count = self._talk.damaged, self._talk.count
            layer.findings.append(
                self._wish.weak(damaged, count)
                if damaged
                else self._wish.finding("bcc")
            )

    def _experiments(self, layer: Layer, found: Identification, data: Data) -> Finding:
        """Find out under which conditions data come."""
        if data.verdict is Verdict.HDLC:
            return self._wish.finding("hdlc")
        if data.verdict is Verdict.CUT:
            return self._no_data(data)
        if data.verdict in (Verdict.EMPTY, Verdict.REFUSED) or "2" in found.escapes:
            if "2" in found.escapes and self._hands_over(layer, found):
                what = data.verdict.value
                seen = f"answers mode C with {what}"
                return self._wish.finding("mode-e", ident=found.text, seen=seen)
            if data.verdict is Verdict.REFUSED:
                what = data.detail.strip(": ") or "NAK"
                return self._wish.finding("refused", what=what)
        if found.mode != "C" or data.speed == self._talk.way.speed:
            return self._no_data(data)
        computed = self._talk.computed(found)
        used, late = data.delay, data.verdict is Verdict.LATE
        delays = [d for d in (computed, *_DELAYS) if d != used]
        delays.sort(key=lambda d: (d < used) is not late)
        for delay in delays:
            tried = self._talk.session(delay)
            if tried is None:
                continue
            late = late or tried.verdict is Verdict.LATE
            layer.evidence.append(
                f"changed after {delay * 1000:.0f} ms: {tried.verdict.value}"
            )
            if tried.verdict is Verdict.GOOD:
                ailment = "early" if delay > used else "late"
                self._learned["switch_delay"] = delay
                return self._wish.finding(
                    ailment,
                    used=used * 1000,
                    delay=delay * 1000,
                    speed=data.speed,
                )
        best = self._talk.way.speed
        tried = self._talk.session(None, refuse=True)
        if tried is None or tried.verdict is not Verdict.GOOD:
            return self._no_data(tried or data)
        layer.evidence.append(f"highest speed that works: {best} Bd")
        self._learned["max_baud"] = best
        ailment = "too-late" if late else "stays" if self._talk.slow else "slow-only"
        return self._wish.finding(ailment, speed=data.speed, best=best)

    def _no_data(self, data: Data) -> Finding:
        if data.verdict is Verdict.CUT:
            return self._wish.finding("silent", count=data.count)
        if data.verdict is Verdict.BROKEN:
            return self._wish.weak(data.damaged, data.count)
        return self._wish.finding("no-data")

    def _hands_over(self, layer: Layer, found: Identification) -> bool:
        """Whether the meter confirms mode E (6.4.5); HDLC itself is not begun."""
        reply = self._talk.reopened()
        if reply is None or reply.identification is None:
            return False
        z = found.speed_character
        speed = found.speed or self._talk.way.speed
        select = OptionSelect("2", z, "2").to_bytes()
        delay = self._talk.computed(found)
        heard = self._talk.ask(
            self._talk.selecting(select, speed, delay), answer=ANSWER, gap=0.5, most=3.0
        )
        echo = len(select) if self._talk.echo else 0
        confirmed = select in parity.strip(heard[echo:])
        seen = look(heard, speed).sign is Sign.HDLC or confirmed
        layer.evidence.append(
            "it confirms the change to HDLC" if seen else "it does not confirm HDLC"
        )
        self._talk.rests()
        return seen
