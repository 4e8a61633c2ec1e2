"""One question to a line whose state nobody knows: send this, listen so long.

``Probe`` is an engine for link.py, without a state of its own: it carries out the
actions that it was given, keeps all that comes with its time, and ends in silence, at
a limit, or as soon as ``over`` says so.  It judges nothing; linesigns.py does.
"""

from collections import deque
from collections.abc import Callable, Sequence

from iecread.protocol.actions import Action, Event, SetSpeed, Write
from iecread.protocol.messages import BITS_PER_CHARACTER


class Probe:
    """Sends and listens.

    Args:
        actions: what to do first, in order.
        speed: the speed of the line now, in Bd.
        answer: seconds to listen at least behind the last character sent, so that an
            echo does not end it.
        gap: seconds of silence behind a character that end listening after that.
        most: seconds of listening at most.
        limit: characters after which it ends.
        over: given all that came, tells whether it is enough.

    Attributes:
        heard: what came, from the beginning.
        first: seconds from the end of what was sent to the first character behind it,
            None where nothing came.
        silent: whether it was silence that ended it.
        speed: the speed of the line, in Bd.
    """

    def __init__(
        self,
        actions: Sequence[Action] = (),
        *,
        speed: int,
        answer: float,
        gap: float = 0.5,
        most: float = 60.0,
        limit: int = 8192,
        over: Callable[[bytes], bool] = lambda data: False,
    ) -> None:
        self._queue = deque(actions)
        self.speed = speed
        self._answer, self._gap, self._most = answer, gap, most
        self._limit, self._over = limit, over
        self._data = bytearray()
        self._begin: float | None = None  # of listening
        self._until = 0.0  # when listening ends, unless something comes
        self._out = 0.0  # when the last character is out
        self._done = self.silent = False
        self.first: float | None = None

    @property
    def heard(self) -> bytes:
        """What came so far."""
        return bytes(self._data)

    @property
    def finished(self) -> bool:
        """Whether nothing is left to do."""
        return self._done

    def next_action(self) -> Action | None:
        """Return what is to be done next."""
        return self._queue[0] if self._queue else None

    def action_done(self, now: float) -> None:
        """Say that what ``next_action`` gave has been carried out."""
        action = self._queue.popleft()
        if isinstance(action, SetSpeed):
            self.speed = action.baud
        elif isinstance(action, Write):
            wire = len(action.data) * BITS_PER_CHARACTER / self.speed
            self._out = max(self._out, now) + wire
        self._listen(now)

    def _listen(self, now: float) -> float:
        """Begin to listen, anew with each action; return when that is."""
        self._begin = begin = max(now, self._out)
        self._until = begin + min(self._answer, self._most)
        return begin

    def deadline(self) -> float | None:
        """Return when ``handle_timeout`` is due; None while actions are waiting."""
        return None if self._done or self._queue else self._until

    def events(self) -> list[Event]:
        """There are none."""
        return []

    def receive_data(self, data: bytes, now: float) -> None:
        """Take in what came."""
        if self._done:
            return
        self._data += data
        if self._queue:
            return
        begin = self._listen(now) if self._begin is None else self._begin
        if self.first is None and now > self._out:
            self.first = now - self._out
        end = begin + self._most
        self._until = min(max(self._until, now + self._gap), end)
        enough = len(self._data) >= self._limit or self._over(self.heard)
        if enough or now >= end:
            self._done = True

    def handle_timeout(self, now: float) -> None:
        """Say that the deadline has passed."""
        if self._begin is None:  # nothing was to be sent
            self._listen(now)
        elif now >= self._until:
            self.silent = now < self._begin + self._most
            self._done = True
