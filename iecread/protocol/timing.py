"""The time limits of a session, all in seconds (IEC 62056-21, 6.4 and annexes A, B).

A limit for an answer counts from the end of our last character, a gap from the last
character received.  There is no limit for a whole message but the one for what never
ends: a long readout at 300 Bd takes many minutes.
"""

from dataclasses import dataclass, replace

REACTION = 0.2  # tr, lower limit (6.4.3)
FAST_REACTION = 0.02  # tr, lower limit with a lower-case third letter (6.3.14, 12)


@dataclass(frozen=True, slots=True)
class Timing:
    """Time limits of one session; see the module for what they count from.

    Attributes:
        request_answer: silence allowed behind a request.
        data_answer: silence allowed before a data block begins.
        repeat_answer: silence allowed behind a NAK.
        gap: silence allowed inside a message (ta and what slow memories add).
        line_end_gap: silence after which an identification without its line end
            counts as whole; the option select must still start within tt.
        tail_gap: silence, besides three characters, behind the ``!`` of a readout
            without a frame, in which an ETX would show that its STX was lost.
        reaction_margin: added to the reaction time that is owed to the meter, for the
            clocks; that a byte is heard after its end, not before, is a margin too.
        switch_margin: least rest between the option select and the change of speed.
        rest: quiet needed between two sessions (annex B: at least 1.5).
        wake_pause: from the last NUL to the request (annex B: 1.5 to 1.7).
        telegram: how long to wait for a telegram that comes unasked.
        endless: of all silences within one readout or one answer together.  A few
            characters every now and then, which no other limit ends, are no message;
            what keeps coming may take as long as it needs.
    """

    request_answer: float = 2.5
    data_answer: float = 5.0
    repeat_answer: float = 2.5
    gap: float = 3.0
    line_end_gap: float = 1.0
    tail_gap: float = 0.05
    reaction_margin: float = 0.0001
    switch_margin: float = 0.004
    rest: float = 2.2
    wake_pause: float = 1.51
    telegram: float = 15.0
    endless: float = 6 * 3600.0

    def with_timeout(self, seconds: float) -> "Timing":
        """Return the limits with ``seconds`` of silence allowed everywhere."""
        return replace(
            self,
            request_answer=seconds,
            data_answer=seconds,
            repeat_answer=seconds,
            gap=seconds,
            telegram=seconds,
        )

    def with_latency(self, seconds: float) -> "Timing":
        """Return the limits for a line that adds ``seconds`` to each answer."""
        return replace(
            self,
            request_answer=self.request_answer + seconds,
            data_answer=self.data_answer + seconds,
            repeat_answer=self.repeat_answer + seconds,
            gap=self.gap + seconds,
            line_end_gap=min(self.line_end_gap + seconds, 1.2),
            tail_gap=self.tail_gap + min(seconds, 0.3),
        )


# Annex B: NULs for 2.1 to 2.3 s at the opening speed
WAKE_SECONDS = 2.2
