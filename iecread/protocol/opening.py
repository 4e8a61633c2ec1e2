"""From the opening request to the identification: the reader's side (6.3.1, 6.3.2).

OpeningEngine has no line and no clock.  Whoever drives it (link.py) carries out the
actions it gives, in order, hands it the bytes that came and the time, and asks for
the deadline.  It does what every session begins with - wake-up, parity, request - and
what ends one that failed: rest, break, and the next session (IEC 62056-21, 6.4 and
annexes A and B; tries.py chooses what that one does differently).

Left out: what follows an identification; subclasses read out (reader.py), enter
programming mode (entering.py) or leave the meter alone (identify.py).
"""

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable

from iecread.errors import RemoteProtocolError
from iecread.protocol import parity, timing
from iecread.protocol.actions import (
    Action,
    Event,
    Identified,
    Retried,
    SetSpeed,
    Trouble,
    Wait,
    Write,
)
from iecread.protocol.echo import EchoFilter
from iecread.protocol.failures import error_for
from iecread.protocol.messages import (
    BITS_PER_CHARACTER,
    BREAK,
    NUL,
    Identification,
)
from iecread.protocol.options import ReaderOptions
from iecread.protocol.parity import Parity
from iecread.protocol.receiver import DATA_LIMIT, NOISE_LIMIT, Receiver, TooMuch
from iecread.protocol.state import READER, ReaderState, Step, advance
from iecread.protocol.tries import Tries

_RESET_SPEED = 9600  # Bd; where a session that somebody left open most likely is

_Done = Callable[[float], None]


class OpeningEngine(ABC):
    """Asks one meter who it is, in as many sessions as it takes.

    Attributes:
        options: of this session, with what is known of the kind of meter.
        state: where the session stands.
        identification: the last one received.
        speed: speed of the line now, in Bd.
    """

    def __init__(self, options: ReaderOptions) -> None:
        self.options = options
        self.state = ReaderState.IDLE
        self.identification: Identification | None = None
        self.speed = options.opening_speed
        self._tries = Tries(options)
        self._timing = options.timing
        self._receiver = Receiver(options.receive_parity)
        self._echo = EchoFilter(options.echo)
        self._queue: deque[tuple[Action, _Done | None]] = deque()
        self._events: deque[Event] = deque()
        self._deadline: float | None = None
        self._answer_by = 0.0  # when an answer must have begun
        self._mode = "C"
        self._woke = False  # whether the last request had a wake-up message
        self._noise = 0  # of what the receiver of this session has not counted
        self._parity_errors = 0
        self._received = 0  # bytes since the last request or change of speed
        self._resting = False  # whether the line is to be quiet before a new session
        self._rested = 0  # bytes that came while we wait for the line to be quiet
        self._detail = ""
        self._heard = 0.0  # when characters came last, or a message of ours went out
        self._idle = 0.0  # seconds of silence in the readout or the answer so far
        self._aside = 0  # bytes of noise when our last message went out
        # Bd, where the meter is if we have left that speed in this session
        self._agreed: int | None = None

    # --- what a driver calls -------------------------------------------------

    def start(self, now: float) -> None:
        """Begin the first session.

        Raises:
            LocalProtocolError: a session is going on.
        """
        advance(READER, self.state, Step.REQUEST, ours=True)
        self._tries.start(self.options.retries)
        self._heard = now
        self._open()

    @property
    def finished(self) -> bool:
        """Whether no session is going on and nothing is left to do."""
        return self.state is ReaderState.IDLE and not self._queue

    @property
    def mode(self) -> str:
        """Protocol mode of the last session: A, B or C (6.4)."""
        return self._mode

    @property
    def parity(self) -> Parity | None:
        """What bit 7 of the received bytes is; None before an identification."""
        return self._receiver.parity

    @property
    def noise(self) -> int:
        """Bytes that were no part of any message."""
        return self._noise + self._receiver.noise

    @property
    def parity_errors(self) -> int:
        """Characters of wrong parity in messages."""
        return self._parity_errors + self._receiver.parity_errors

    @property
    def misled(self) -> bool:
        """Whether the options did not work, and those ``instead`` of them are used."""
        return self._tries.misled

    @property
    def found(self) -> dict[str, object]:
        """What had to be found out, as options of ``Meter`` that would have said it."""
        given, parities = self._tries.given, self._tries.parities
        found: dict[str, object] = {}
        if given.echo is None and self._echo.seen:
            found["echo"] = "yes"
        if parities != given.send_parity[:1] and len(given.send_parity) > 1:
            found["framing"] = "7e1" if parities[0] is Parity.EVEN else "8n1"
        if given.wake == "auto" and self._woke:
            found["wake"] = "always"
        return found

    def next_action(self) -> Action | None:
        """Return what is to be done next, without taking it off the list."""
        return self._queue[0][0] if self._queue else None

    def action_done(self, now: float) -> None:
        """Say that what ``next_action`` gave has been carried out."""
        action, done = self._queue.popleft()
        if isinstance(action, Write):
            self._echo.sent(action.data)
        elif isinstance(action, SetSpeed):
            self.speed = action.baud
            self._received = 0
        if done:
            done(now)

    def deadline(self) -> float | None:
        """Return when ``handle_timeout`` is due; None while actions are waiting."""
        return None if self._queue else self._deadline

    def events(self) -> list[Event]:
        """Return what happened since the last call."""
        happened = list(self._events)
        self._events.clear()
        return happened

    def receive_data(self, data: bytes, now: float) -> None:
        """Take in bytes as they came from the line.

        Raises:
            RemoteProtocolError: they, or all tries together, are beyond repair.
            RefusedError: the meter said no each time.
        """
        self._idle += max(0.0, now - self._heard - self._wire_time(len(data)))
        self._heard = now
        if self._resting:
            self._keep_resting(len(data))
            return
        data = self._without_echo(data)
        if not data or self.state in (ReaderState.IDLE, ReaderState.WAKING):
            self._noise += len(data)
        elif self._idle > self._timing.endless:
            hours = self._timing.endless / 3600
            self._never_ends(f"no end, and {hours:g} hours of silences")
        else:
            self._take(data, now)

    def _never_ends(self, detail: str) -> None:
        """More comes than from any meter: another session would be no better."""
        self._detail = detail
        self._tries.attempt = self._tries.limit
        self._fail(Trouble.DAMAGED)

    def _without_echo(self, data: bytes) -> bytes:
        """Return what of ``data`` the meter has sent."""
        return self._echo.cancel(data)

    def _take(self, data: bytes, now: float) -> None:
        """Take in what is neither an echo nor between the sessions."""
        self._receiver.feed(data)
        self._received += len(data)
        if self.state is ReaderState.REQUESTED and self._deadline is not None:
            self._deadline = max(self._deadline, now + self._timing.gap)
        self._look(now)
        if self.state is ReaderState.REQUESTED:
            try:
                self._receiver.refuse_sml()
            except RemoteProtocolError:
                self._close()
                raise

    def handle_timeout(self, now: float) -> None:
        """Say that the deadline has passed.

        Raises:
            NoAnswerError: the meter was silent each time.
            RemoteProtocolError: what came was damaged each time.
            RefusedError: the meter said no each time.
        """
        self._deadline = None
        self._look(now, silent=True)

    def _look(self, now: float, *, silent: bool = False) -> None:
        """Look at what has come, by the state of the session."""
        try:
            if self.state is not ReaderState.REQUESTED:
                self._look_further(now, silent=silent)
            elif not self._look_for_identification(now, silent=silent) and silent:
                garbled = self._receiver.garbled > 0
                self._fail(Trouble.DAMAGED if garbled else Trouble.NO_ANSWER)
        except TooMuch as error:
            self._detail = error.message
            self._fail(Trouble.DAMAGED)

    @abstractmethod
    def _look_further(self, now: float, *, silent: bool) -> None:
        """Look at what has come in a state behind the identification."""

    # --- opening a session ---------------------------------------------------

    def _step(self, step: Step, *, ours: bool = True) -> None:
        self.state = advance(READER, self.state, step, ours=ours)

    def _wire_time(self, count: int) -> float:
        return count * BITS_PER_CHARACTER / self.speed

    def _send(self, data: bytes, step: Step, answer: float) -> None:
        """Queue a message; when it is out, take the step and await the answer."""

        def sent(now: float) -> None:
            self._sent_out(step)
            self._heard, self._aside = now, self.noise
            self._answer_by = now + self._wire_time(len(data)) + answer
            self._deadline = self._answer_by
            if len(self._receiver):  # it did not wait for this
                self._look(now)

        self._queue.append((Write(self._coded(data)), sent))

    def _sent_out(self, step: Step) -> None:
        """A message is out."""
        self._step(step)

    def _coded(self, data: bytes) -> bytes:
        """Return ``data`` with the parity that this session is sent with."""
        return parity.add_even(data) if self._tries.parity is Parity.EVEN else data

    def _open(self) -> None:
        """Queue what opens a session: speed, wake-up message, request."""
        tries, options = self._tries, self._tries.given
        self.options, self._timing = options, options.timing
        self._deadline, self._agreed = None, None
        self._receiver.clear()
        self._noise, self._parity_errors = self.noise, self.parity_errors
        self._receiver = Receiver(options.receive_parity)
        self._received, self._rested, self._idle, self._detail = 0, 0, 0.0, ""
        if self.speed != options.opening_speed:
            self._queue.append((SetSpeed(options.opening_speed), None))
        request, self._woke = options.request.to_bytes(), False
        tried = tries.all_parities and self.identification is None
        if options.wake == "always" or options.wake == "auto" and tried:
            self._woke = True
            count = options.wake_nuls
            if count is None:
                count = round(timing.WAKE_SECONDS * self._wire_rate())
            if self._timing.wake_pause:
                woken = Write(NUL * count), lambda _: self._step(Step.WAKE_UP)
                self._queue += [woken, (Wait(self._timing.wake_pause), None)]
            else:  # field practice: some want the request right behind the NULs
                request = NUL * count + request
        self._send(request, Step.REQUEST, self._timing.request_answer)

    def _wire_rate(self) -> float:
        return self.options.opening_speed / BITS_PER_CHARACTER

    # --- identification ------------------------------------------------------

    def _look_for_identification(self, now: float, *, silent: bool = False) -> bool:
        found = self._receiver.identification(silent=silent)
        if not found:
            if self._receiver.identification_begun:
                self._deadline = now + self._timing.line_end_gap
            return False
        identification, raw = found
        self.identification = identification
        self._events.append(Identified(identification, raw))
        if not self._receiver.noise:
            self._echo.absent()
        self._tries.answer_in_kind(self._receiver.parity or Parity.NONE)
        self._adapt(identification)
        self._mode = identification.mode
        if self.options.mode in ("a", "b", "c"):
            self._mode = self.options.mode.upper()
        self._go_on(now)
        return True

    def _adapt(self, identification: Identification) -> None:
        """Go on as the kind of meter wants it that has answered."""
        given = self._tries.given
        if given.adapt is None or not self._tries.adaptable:
            return
        self.options = given.adapt(identification, given)
        self._timing = self.options.timing
        self._tries.stay = self._tries.stay or self.options.stay

    @abstractmethod
    def _go_on(self, now: float) -> None:
        """Go on behind the identification that has come."""

    # --- trying again --------------------------------------------------------

    def _fail(self, trouble: Trouble) -> None:
        """Give this session up; open the next one, or raise."""
        tries, reading = self._tries, self.state is not ReaderState.REQUESTED
        selected = self.state is ReaderState.OPERAND
        self._close()
        if trouble is Trouble.CHECK_KIND:
            tries.limit += 1
        elif tries.given.instead is not None:
            tries.use(tries.given.instead)
            self._echo = EchoFilter(tries.given.echo)
        tries.attempt += 1
        if tries.over:
            raise error_for(
                trouble,
                self._detail,
                identified=reading,
                echo=self._echo.seen,
                noise=self.noise + len(self._receiver),
            )
        if tries.misled and tries.attempt == 0:
            step = "another session, without what was learned"
        else:
            step = tries.next_step(
                trouble,
                options=self.options,
                mode=self._mode if reading else None,
                moved=self.speed != self.options.opening_speed,
                identified=self.identification is not None,
            )
        self._events.append(Retried(trouble, step))
        unsure = (
            Trouble.NO_ANSWER,
            Trouble.FELL_SILENT,
            Trouble.WRONG_SPEED,
            Trouble.MISHEARD,
        )
        left_open = reading and self._mode == "C" and (selected or trouble in unsure)
        # 5.9: a session may be open at the agreed speed, or one that somebody left
        stuck = trouble is Trouble.NO_ANSWER and tries.attempt == len(tries.parities)
        if left_open:
            self._queue.append((Wait(timing.REACTION), None))
            self._sign_off(self._agreed or self.speed)
        elif stuck and not reading:
            self._free_stuck()
        if self.speed != self.options.opening_speed:
            self._queue.append((SetSpeed(self.options.opening_speed), None))
        self._resting, self._rested = True, 0
        self._queue.append((Wait(self._timing.rest), self._rest_over))

    def _close(self) -> None:
        """End the session on our side, whatever it stands at."""
        while self.state is not ReaderState.IDLE:
            self._step(Step.SILENCE)
        self._queue.clear()
        self._deadline, self._resting = None, False

    def _sign_off(self, speed: int) -> None:
        """Queue a break message at ``speed`` and at the opening speed (6.3.12)."""
        speeds = [speed] if self.options.adjustable else []
        for baud in dict.fromkeys([*speeds, self.options.opening_speed]):
            data = BREAK.to_bytes()
            if self.options.adjustable:
                self._queue.append((SetSpeed(baud), None))
            self._queue.append((Write(self._coded(data)), None))
            self._queue.append((Wait(0.3), None))

    def _free_stuck(self) -> None:
        """Queue what may end a session that somebody left open."""
        if self.options.wake != "always":
            self._sign_off(self.options.max_speed or _RESET_SPEED)

    def _rest_over(self, now: float) -> None:
        self._resting = False
        self._open()

    def _keep_resting(self, count: int) -> None:
        """Something came while the line should be quiet: wait on, but not for ever."""
        self._rested += count
        self._noise += count
        limit = NOISE_LIMIT if self.identification is None else DATA_LIMIT
        if self._rested > limit or self._idle > self._timing.endless:
            self._close()
            raise RemoteProtocolError(
                f"the line does not fall silent: {self._rested} bytes while waiting",
                "noise, or a meter that talks by itself: try `iecread listen`",
            )
        if len(self._queue) == 1:
            self._rest_anew()

    def _rest_anew(self) -> None:
        """Let the wait at hand count from the character that has just come."""
        action, done = self._queue[0] if self._queue else (None, None)
        if isinstance(action, Wait):
            self._queue[0] = Wait(action.seconds), done
