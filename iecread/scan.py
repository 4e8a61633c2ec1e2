"""Who is on a bus: one opening request for each address, and what comes of it.

``Scan.run`` asks without an address first, which every meter answers: one meter, or
a collision.  Then each address is asked once.  What is garbled, or is more than one
answer, is asked for again: two meters collide each time, noise does not.  Not so
without an address: all of a bus may read out for minutes when nobody goes on (annex
A), and once is enough.  Between two requests the line is quiet, however long somebody
talks.  Nothing but opening requests
is sent, and wake-up messages only where they were asked for.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING

from iecread.errors import NoAnswerError, RemoteProtocolError
from iecread.protocol import timing
from iecread.protocol.identify import LEAVE, NeverQuietError
from iecread.protocol.messages import BITS_PER_CHARACTER, Request

if TYPE_CHECKING:
    from iecread.identity import Identity
    from iecread.protocol.parity import Parity
    from iecread.session import Meter

ANSWER = 1.8  # s: tr is at most 1.5 (6.4.3), and what an adapter adds
_FRAME = 5  # characters of a request besides the address


class Status(Enum):
    """What an address gave."""

    OK = "ok"
    COLLISION = "collision"
    SILENT = "silent"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one address.

    Attributes:
        address: which; empty for the question without one.
        status: what it gave.
        time: when that was known.
        identity: who answered, where that could be read.
    """

    address: str
    status: Status
    time: datetime
    identity: "Identity | None" = None


class Scan:
    """Asks addresses on the line of an open meter.

    Args:
        meter: its options say how the line is used.
        pause: seconds of quiet before each request.
        answer: seconds in which an answer must begin, latency of the line aside.
        retries: how often an address that is silent is asked again.
        on_ask: called with each address before it is asked.
    """

    def __init__(
        self,
        meter: "Meter",
        *,
        pause: float = 0.2,
        answer: float = ANSWER,
        retries: int = 0,
        on_ask: Callable[[str], None] = lambda address: None,
    ) -> None:
        self._meter = meter
        self._pause = pause
        self._answer = answer
        self._retries = retries
        self._on_ask = on_ask
        self._parities: tuple[Parity, ...] = meter.parities
        self._echo: bool | None = None
        self._quiet = pause  # what the next request has to wait for

    def run(
        self, addresses: Iterator[str], *, general: bool = True
    ) -> Iterator[Answer]:
        """Yield what each address gave.

        Args:
            addresses: which.
            general: whether to ask without an address first.

        Raises:
            RemoteProtocolError: the line never falls silent.
            PortError: the line was lost.
        """
        if general:
            yield self.ask("")
        for address in addresses:
            yield self.ask(address)

    def seconds(self, address: str) -> float:
        """Return how long an address takes that nobody has, in seconds."""
        meter = self._meter
        speed = meter.opening_speed
        wire = (_FRAME + len(address)) * BITS_PER_CHARACTER / speed
        said = meter.options.timeout
        silence = self._answer + meter.latency if said is None else said
        each = wire + max(self._pause, silence)
        if meter.options.wake == "always":
            each += timing.WAKE_SECONDS + timing.Timing().wake_pause
        return each * len(self._parities) * (1 + self._retries)

    def ask(self, address: str) -> Answer:
        """Ask one address.

        Raises:
            the errors of ``run``.
        """
        self._on_ask(address)
        status, identity = Status.SILENT, None
        for _ in range(1 + self._retries):
            for parity in self._parities:
                status, identity = self._judged(address, parity)
                if status is not Status.SILENT:
                    return Answer(address, status, self._meter.now(), identity)
        return Answer(address, status, self._meter.now(), identity)

    def _judged(
        self, address: str, parity: "Parity"
    ) -> "tuple[Status, Identity | None]":
        """Ask with one parity; what is not clean is asked for again."""
        status, identity = self._asked(address, parity)
        if status is not Status.COLLISION or not address:
            return status, identity
        again, another = self._asked(address, parity)
        if again is Status.COLLISION:  # somebody is there, and understands it
            self._parities = (parity,)
            return again, another or identity
        return again, another

    def _asked(
        self, address: str, parity: "Parity"
    ) -> "tuple[Status, Identity | None]":
        """Send one request."""
        try:
            found = self._meter.ask(
                until_quiet=True,
                quiet=self._quiet,
                request=Request(address),
                retries=0,
                send_parity=(parity,),
                echo=self._echo,
                answer=self._answer,
            )
        except NoAnswerError:
            self._quiet = self._pause
            return Status.SILENT, None
        except NeverQuietError:
            raise
        except RemoteProtocolError:
            # whoever collided may read out by himself when tt is over
            self._quiet = max(LEAVE, self._pause)
            return Status.COLLISION, None
        if found.unasked:
            raise NeverQuietError(
                f"{found.identification.text!r} talks by itself: nobody can be asked",
                "iecread listen reads what it says",
            )
        self._quiet = self._pause
        self._echo = found.echo or self._echo
        if not found.clean:  # two at once look like noise, but each time
            return Status.COLLISION, None if found.damaged else found
        self._parities = (parity,)
        return Status.OK, found
