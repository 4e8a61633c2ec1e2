"""Which session is tried next where one has failed, and what it does differently.

A call of ``start`` may take several sessions: one for each way of sending bit 7, and
as many more as there are retries.  ``Tries`` counts them and remembers what the ones
that failed have taught (protocol practice): to stay at the opening speed, to change
the speed later, not to believe what is known of this kind of meter.  Left out: how a
session goes (opening.py, reader.py) and what is said when all have failed
(failures.py).
"""

from iecread.protocol.actions import Trouble
from iecread.protocol.options import ReaderOptions
from iecread.protocol.parity import Parity


class Tries:
    """The sessions of one readout.

    Attributes:
        given: the options before anything is known of the meter.
        misled: whether the first options did not work, and those ``instead`` of them
            are used.
        attempt: sessions begun, less one.
        limit: sessions at most.
        parities: what to put in bit 7 of our characters, in turns.
        adaptable: whether what is known of the kind of meter is made use of.
        refuse_speed: whether the option select has Z = 0.
        later_switch: whether the speed is changed late in its window.
        stay: whether the line stays at the opening speed, whatever is agreed.
        slow: whether the offered speed is known not to work.
    """

    def __init__(self, options: ReaderOptions) -> None:
        self.given = options
        self.misled = self.slow = False
        self.parities = options.send_parity
        self.attempt = self.limit = 0
        self._begin_anew()

    def _begin_anew(self) -> None:
        self.adaptable = self.given.adapt is not None
        self.refuse_speed = self.later_switch = False
        self.stay = self.given.stay

    def start(self, retries: int) -> None:
        """Begin a readout; what its last session was like stays known."""
        self.attempt, self.limit = 0, retries + len(self.parities)
        self._begin_anew()

    def use(self, given: ReaderOptions) -> None:
        """Go on with other options, as if none of them had been tried."""
        self.given, self.misled = given, True
        self.parities = given.send_parity
        self.attempt, self.limit = -1, given.retries + len(given.send_parity)
        self._begin_anew()

    @property
    def parity(self) -> Parity:
        """What bit 7 of our characters is in this session."""
        return self.parities[self.attempt % len(self.parities)]

    @property
    def all_parities(self) -> bool:
        """Whether each way of sending bit 7 has had its session before this one."""
        return self.attempt >= len(self.parities)

    @property
    def last(self) -> bool:
        """Whether no session follows this one."""
        return self.attempt + 1 >= self.limit

    @property
    def over(self) -> bool:
        """Whether there have been as many sessions as there may be."""
        return self.attempt >= self.limit

    def answer_in_kind(self, received: Parity) -> None:
        """Send bit 7 as the meter does, where several ways were to be tried."""
        if len(self.parities) > 1:
            self.limit -= max(0, len(self.parities) - 1 - self.attempt)
            self.parities = (received,)

    def adapted(self, options: ReaderOptions) -> bool:
        """Whether the line is used as the kind of meter is said to want it."""
        given = self.given
        return (options.stay, options.max_speed, options.switch_delay) != (
            given.stay,
            given.max_speed,
            given.switch_delay,
        )

    def other_speed(self, mode: str) -> None:
        """The meter is at another speed than agreed: do not leave ours again."""
        self.slow = self.refuse_speed = True
        self.stay = self.stay or mode == "B"

    def next_step(
        self,
        trouble: Trouble,
        *,
        options: ReaderOptions,
        mode: str | None,
        moved: bool,
        identified: bool,
    ) -> str:
        """Choose what to do differently; return it in words.

        Args:
            trouble: what was wrong with the last session.
            options: those of that session.
            mode: its protocol mode; None where it came to no identification.
            moved: whether the line was at another speed than the opening speed.
            identified: whether the meter has identified itself in any session.
        """
        doubted = mode is not None and trouble is not Trouble.CHECK_KIND
        if doubted and self.adaptable and self.adapted(options):
            self.adaptable, self.stay = False, self.given.stay
            return "another session, without what is known of this kind of meter"
        if mode == "C" and moved:
            later = self.later_switch or not options.adjustable
            if trouble is Trouble.NO_ANSWER and not later:
                self.later_switch = True
                return "another session, changing speed later"
            if self.last or trouble in (Trouble.NO_ANSWER, Trouble.REFUSED):
                self.slow = self.slow or trouble is Trouble.NO_ANSWER
                self.refuse_speed = True
        elif mode is not None and trouble is Trouble.REFUSED:
            self.refuse_speed = True
        if self.refuse_speed:
            return f"another session, staying at {options.opening_speed} Bd"
        if not identified and len(self.parities) > 1:
            even = self.parity is Parity.EVEN
            return "request " + ("with parity in bit 7" if even else "in plain 7 bits")
        return "another session"
