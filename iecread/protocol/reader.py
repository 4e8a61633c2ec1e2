"""The reader's side of a readout, from the request to the block check.

ReaderEngine has no line and no clock.  Whoever drives it (link.py) carries out the
actions it gives, in order, hands it the bytes that came and the time, and asks for
the deadline.  A call of ``start`` covers everything up to the result: wake-up,
parity, speed switch, NAK and repeats, and whole sessions that are tried again with
the next sensible step (IEC 62056-21, 6.4.1 to 6.4.3, 6.4.7, annexes A and B).  It
ends with the event Done or with an error.

Left out: programming mode and the hand-over to HDLC; telegrams that come unasked
(listener.py); what the data mean (datasets.py).
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from iecread.errors import RemoteProtocolError
from iecread.protocol import parity, timing
from iecread.protocol.actions import (
    Action,
    BlockReceived,
    Done,
    Event,
    Identified,
    LineReceived,
    Retried,
    SetSpeed,
    Trouble,
    Wait,
    Write,
)
from iecread.protocol.bcc import CheckKind
from iecread.protocol.echo import EchoFilter
from iecread.protocol.failures import error_for
from iecread.protocol.messages import (
    ACK,
    BITS_PER_CHARACTER,
    BREAK,
    NAK,
    NUL,
    OPENING_SPEED,
    Block,
    Command,
    Identification,
    OptionSelect,
    Request,
)
from iecread.protocol.parity import Parity
from iecread.protocol.receiver import (
    DATA_LIMIT,
    NOISE_LIMIT,
    Kind,
    Receiver,
    TooMuch,
)
from iecread.protocol.state import READER, ReaderState, Step, advance
from iecread.protocol.timing import Timing

NAK_LIMIT = 2  # 6.3.5; how often one block is asked for again
_RESET_SPEED = 9600  # Bd; where a session that somebody left open most likely is
_SLOW_PACE = 0.6  # of the agreed speed: less is another speed
_SLOW_COUNT = 12  # characters over which the pace is taken
_GARBAGE = 24  # characters that cannot be text: another speed at any pace


@dataclass(frozen=True, slots=True)
class ReaderOptions:
    """How a readout is to be done.

    Attributes:
        request: the request message to open with.
        mode: ``auto``, or ``a``, ``b``, ``c`` whatever the identification says.
        opening_speed: speed of the request, in Bd.
        max_speed: an offer above it, in Bd, is refused (Z = 0).
        stay: acknowledge the offered speed but stay at the opening speed.
        adjustable: whether the line can change its speed.
        switch_delay: seconds between the end of the option select and the change
            of speed; None for what the meter's reaction time allows.
        protocol: V of the option select, 0 for the normal procedure.
        option: Y of the option select, 0 for the readout.
        send_parity: what to put in bit 7 of our characters, tried in this order.
        receive_parity: how to read bit 7; None to find out.
        wake: ``auto`` (where there is no answer), ``never``, ``always``.
        echo: whether our own characters come back; None to find out.
        check: kind of block check; None to find out.
        check_off: accept blocks whatever their check says.
        retries: how many whole sessions to try again.
        timing: time limits.
        likely_check: kind of block check that this kind of meter has; another one
            is believed when it comes twice.
        reaction: rest in seconds that the meter needs before each answer of ours.
        wake_nuls: NULs of the wake-up message; None for as many as in annex B.
        adapt: given the identification, returns the options for the rest of the
            session: what is known of this kind of meter.  Where that does not work
            out, further sessions go without.
        instead: options for all sessions behind the first one that fails; None: the
            same ones.
    """

    request: Request = field(default_factory=Request)
    mode: str = "auto"
    opening_speed: int = OPENING_SPEED
    max_speed: int | None = None
    stay: bool = False
    adjustable: bool = True
    switch_delay: float | None = None
    protocol: str = "0"
    option: str = "0"
    send_parity: tuple[Parity, ...] = (Parity.NONE,)
    receive_parity: Parity | None = None
    wake: str = "auto"
    echo: bool | None = None
    check: CheckKind | None = None
    check_off: bool = False
    retries: int = 2
    timing: Timing = field(default_factory=Timing)
    likely_check: CheckKind | None = None
    reaction: float = 0.0
    wake_nuls: int | None = None
    adapt: "Callable[[Identification, ReaderOptions], ReaderOptions] | None" = None
    instead: "ReaderOptions | None" = None


@dataclass(frozen=True, slots=True)
class _Steps:
    """What has been changed about the sessions so far, because one failed."""

    refuse_speed: bool = False  # Z = 0
    later_switch: bool = False  # another switch delay
    stay: bool = False  # do not follow the meter's speed


_Done = Callable[[float], None]


class ReaderEngine:
    """Reads one meter out.

    Attributes:
        state: where the session stands.
        identification: the last one received.
        speed: speed of the line now, in Bd.
        data_speed: speed of the last block, in Bd.
        check_kind: kind of block check, once it is settled.
        misled: whether the options did not work, and those ``instead`` of them are
            used.
    """

    _select_step = Step.SELECT_READOUT
    _selected = frozenset({ReaderState.READING})  # behind an option select

    def __init__(self, options: ReaderOptions) -> None:
        self.options = self._given = options
        self._adaptable = options.adapt is not None
        self.state = ReaderState.IDLE
        self.identification: Identification | None = None
        self.speed = options.opening_speed
        self.data_speed = options.opening_speed
        self.check_kind = options.check
        self.misled = False
        self._woke = False  # whether the last request had a wake-up message
        self._slow = False  # whether the offered speed is known not to work
        self._noise = 0  # of what the receiver of this session has not counted
        self._parity_errors = 0
        self._timing = options.timing
        self._receiver = Receiver(options.receive_parity)
        self._echo = EchoFilter(options.echo)
        self._queue: deque[tuple[Action, _Done | None]] = deque()
        self._events: deque[Event] = deque()
        self._deadline: float | None = None
        self._steps = _Steps(stay=options.stay)
        self._parities = options.send_parity
        self._attempt = 0  # sessions begun, less one
        self._mode = "C"
        self._naks = 0
        self._asked = Trouble.NO_ANSWER  # why the last NAK was sent
        self._other_seen = False
        self._resting = False  # whether the line is to be quiet before a new session
        self._rested = 0  # bytes that came while we wait for the line to be quiet
        self._parts = 0  # bytes of the parts that were acknowledged
        self._answer_by = 0.0  # when data must have begun
        self._pace_start: tuple[float, int] | None = None
        self._received = 0  # bytes since the last request or change of speed
        self._detail = ""
        self._unchecked = b""
        self._lost_start = False  # the beginning of the block came at another speed
        self._limit = 0  # sessions at most
        # Bd, where the meter is if we have left that speed in this session
        self._agreed: int | None = None

    # --- what a driver calls -------------------------------------------------

    def start(self, now: float) -> None:
        """Begin a readout.

        Raises:
            LocalProtocolError: a session is going on.
        """
        advance(READER, self.state, Step.REQUEST, ours=True)
        self._attempt, self._unchecked = 0, b""
        self._limit = self.options.retries + len(self._parities)
        self._adaptable = self._given.adapt is not None
        self._steps = _Steps(stay=self._given.stay)
        self._open()

    def end(self) -> None:
        """Want no more: the rest of the readout is ignored.

        Does nothing where no data are being read: they are complete already, or
        damaged and asked for again.
        """
        if self.state is not ReaderState.READING:
            return
        self._step(Step.END)
        self._step(Step.END)
        self._unchecked = self._receiver.rest()
        self._queue.clear()
        self._deadline = None
        self._events.append(Done())

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
    def checked(self) -> bool:
        """Whether a block check is going to vouch for the data that come now."""
        return self._receiver.framed is not False and not self.options.check_off

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
            self._pace_start, self._received = None, 0
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
        if self._resting:
            self._keep_resting(len(data))
            return
        expected = not self._echo.complete
        data = self._echo.cancel(data)
        if expected and self._echo.complete:
            self._echo_complete()
        if not data or self.state in (ReaderState.IDLE, ReaderState.WAKING):
            self._noise += len(data)
            return
        if self.state is ReaderState.DAMAGED:
            self._quiet_first(len(data))
            return
        self._receiver.feed(data)
        self._received += len(data)
        if self.state is ReaderState.REQUESTED:
            self._extend(now, self._timing.gap)
        elif self.state is ReaderState.PART_READ:
            self._quiet_first(len(data))
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
            if self.state is ReaderState.REQUESTED:
                if not self._look_for_identification(now, silent=silent) and silent:
                    garbled = self._receiver.garbled > 0
                    self._fail(Trouble.DAMAGED if garbled else Trouble.NO_ANSWER)
            elif self.state is ReaderState.IDENTIFIED:
                self._unasked(now)
            elif self.state is ReaderState.READING:
                if silent:
                    self._silent(now)
                else:
                    self._read(now)
            else:
                self._look_further(now, silent=silent)
        except TooMuch as error:
            self._detail = error.message
            self._fail(Trouble.DAMAGED)

    def _look_further(self, now: float, *, silent: bool) -> None:
        """Look at what has come in a state that a readout does not have."""

    def unchecked(self) -> bytes:
        """Return the data of a readout that was ended early, or that had no block
        check and failed."""
        return self._unchecked

    # --- opening a session ---------------------------------------------------

    def _step(self, step: Step, *, ours: bool = True) -> None:
        self.state = advance(READER, self.state, step, ours=ours)

    def _wire_time(self, count: int) -> float:
        return count * BITS_PER_CHARACTER / self.speed

    def _send(self, data: bytes, step: Step, answer: float) -> None:
        """Queue a message; when it is out, take the step and await the answer."""

        def sent(now: float) -> None:
            self._step(step)
            if step is Step.NAK:
                self._receiver.clear()
                self._lost_start = False
            self._answer_by = now + self._wire_time(len(data)) + answer
            self._deadline = self._answer_by
            if len(self._receiver):  # it did not wait for this
                self._look(now)

        self._queue.append((Write(self._coded(data)), sent))

    def _coded(self, data: bytes) -> bytes:
        """Return ``data`` with the parity that this session is sent with."""
        return parity.add_even(data) if self._parity is Parity.EVEN else data

    @property
    def _parity(self) -> Parity:
        return self._parities[self._attempt % len(self._parities)]

    def _open(self) -> None:
        """Queue what opens a session: speed, wake-up message, request."""
        options, self._deadline = self._given, None
        self.options, self._timing = options, options.timing
        self._receiver.clear()
        self._noise, self._parity_errors = self.noise, self.parity_errors
        self._receiver = Receiver(options.receive_parity)
        self._naks, self._received, self._lost_start = 0, 0, False
        self._agreed = None
        self._parts, self._rested, self._detail = 0, 0, ""
        if self.speed != options.opening_speed:
            self._queue.append((SetSpeed(options.opening_speed), None))
        request, self._woke = options.request.to_bytes(), False
        tried = self._attempt >= len(self._parities) and self.identification is None
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

    def _extend(self, now: float, seconds: float) -> None:
        if self._deadline is not None:
            self._deadline = max(self._deadline, now + seconds)

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
        if len(self._parities) > 1:  # answer in kind
            self._limit -= max(0, len(self._parities) - 1 - self._attempt)
            self._parities = (self._receiver.parity or Parity.NONE,)
        self._adapt(identification)
        self._mode = identification.mode
        if self.options.mode in ("a", "b", "c"):
            self._mode = self.options.mode.upper()
        {"A": self._mode_a, "B": self._mode_b, "C": self._mode_c}[self._mode](now)
        return True

    def _adapt(self, identification: Identification) -> None:
        """Go on as the kind of meter wants it that has answered."""
        given = self._given
        if given.adapt is None or not self._adaptable:
            return
        self.options = given.adapt(identification, given)
        self._timing = self.options.timing
        if self.options.stay:
            self._steps = replace(self._steps, stay=True)

    @property
    def _adapted(self) -> bool:
        """Whether the line is used as the kind of meter is said to want it."""
        now, given = self.options, self._given
        return (now.stay, now.max_speed, now.switch_delay) != (
            given.stay,
            given.max_speed,
            given.switch_delay,
        )

    def _await_data(self, now: float) -> None:
        self._deadline = self._answer_by = now + self._timing.data_answer
        if len(self._receiver):
            self._read(now)

    def _mode_a(self, now: float) -> None:
        # 6.4.1: the data follow at the same speed, perhaps without any gap
        self._step(Step.IDENTIFY_A, ours=False)
        self._await_data(now)

    def _mode_b(self, now: float) -> None:
        # 6.4.2: both sides switch in the pause behind the identification
        self._step(Step.IDENTIFY_B, ours=False)
        self._switch((self.identification and self.identification.speed) or 0)
        self._await_data(now)

    def _switch(self, speed: int) -> None:
        if speed and speed != self.speed and not self._steps.stay:
            self._queue.append((SetSpeed(speed), None))

    def _mode_c(self, now: float) -> None:
        self._step(Step.IDENTIFY_C, ours=False)
        identification = self.identification
        assert identification is not None
        speed, options = identification.speed, self.options
        offers = identification.mode != "A"
        too_fast = options.max_speed is not None and (speed or 0) > options.max_speed
        fixed = not options.adjustable and options.opening_speed != OPENING_SPEED
        if fixed and not self._keeps_offer and speed != options.opening_speed:
            too_fast = True  # a gateway that was set to one speed cannot follow
        if speed is None or too_fast or self._steps.refuse_speed or not offers:
            # 6.3.3: Z is the one offered, or 0 to stay; a reserved one gets 0, and so
            # does one that offers no speed to a reader that was told `--mode c`
            character, speed = "0", options.opening_speed
        else:
            character = identification.speed_character
        choice = OptionSelect(options.protocol, character, options.option)
        self._queue.append((Wait(self._reaction), None))
        self._send(choice.to_bytes(), self._select_step, self._timing.data_answer)
        self._queue.append((Wait(self._switch_delay(identification)), None))
        self._switch(speed)
        if len(self._receiver):
            self._unasked(now)

    @property
    def _keeps_offer(self) -> bool:
        """Whether the speed offered is repeated on a line whose speed is fixed."""
        return False

    @property
    def _reaction(self) -> float:
        """How long to let the line rest before we answer (tr of 6.4.3)."""
        fast = self.identification is not None and self.identification.fast
        owed = timing.FAST_REACTION if fast else timing.REACTION
        return max(owed, self.options.reaction) + self._timing.reaction_margin

    def _switch_delay(self, identification: Identification) -> float:
        """How long after the option select to change the speed.

        With an echo its last character tells (protocol practice); then this is only
        how long to wait for one that does not come.
        """
        window = timing.FAST_REACTION if identification.fast else timing.REACTION
        if self.options.switch_delay is not None and not self._steps.later_switch:
            return self.options.switch_delay
        if self._steps.later_switch or self._echo.seen:
            return window * 0.6
        return max(self._timing.switch_margin, window * 0.1)

    def _echo_complete(self) -> None:
        """The option select has come back: it is out, the speed may change."""
        if self.state not in self._selected or len(self._queue) != 2:
            return
        (first, _), (second, _) = self._queue
        if isinstance(first, Wait) and isinstance(second, SetSpeed):
            if self.options.switch_delay is None and not self._steps.later_switch:
                self._queue.popleft()

    def _unasked(self, now: float) -> None:
        """Something comes before the option select.

        Where it is data, the meter does not wait for one.  Anything else only keeps
        us from answering (half duplex).
        """
        if self._receiver.begin():
            self._queue.clear()
            self._step(Step.SILENCE)
            self._mode = "A"
            self._await_data(now)
        else:
            self._rest_anew()

    def _rest_anew(self) -> None:
        """Let the wait at hand count from the character that has just come."""
        action, done = self._queue[0] if self._queue else (None, None)
        if isinstance(action, Wait):
            self._queue[0] = Wait(action.seconds), done

    def _quiet_first(self, count: int) -> None:
        """The meter is still sending while we owe it an answer: wait until it ends.

        A damaged block may seem to end too early.  What comes is part of it.
        """
        self._rested += count
        if self.state is ReaderState.DAMAGED:
            self._noise += count
        if self._rested > DATA_LIMIT:
            self._detail = f"a data block without an end: {self._rested} bytes so far"
            self._fail(Trouble.DAMAGED)
        else:
            self._rest_anew()

    # --- data ----------------------------------------------------------------

    def _read(self, now: float, *, silent: bool = False) -> bool:
        receiver = self._receiver
        for line in receiver.lines():
            self._events.append(LineReceived(line))
        found = receiver.message(silent=silent)
        if not found:
            tail = now + self._timing.tail_gap + self._wire_time(3)
            if receiver.framed is not None:
                over = receiver.closed()
                self._deadline = tail if over else now + self._timing.gap
            elif receiver.refused and not self._naks:
                self._deadline = tail  # a glitch, unless it stays alone
            elif not silent:
                self._deadline = max(self._answer_by, now + self._timing.gap)
                self._watch_pace(now)
            return False
        self.data_speed = self.speed
        kind, raw = found
        if kind in (Kind.BLOCK, Kind.PART):
            self._check(raw)
        elif kind is Kind.LINES and not self._lost_start:
            self._accept_lines(raw)
        elif kind in (Kind.LINES, Kind.LOST_START):
            self._detail = "the beginning of the block is missing"
            if self._given.switch_delay is not None:  # NAK brings it, this once
                self.misled = self.misled or self._given.instead is not None
            self._ask_again(Trouble.BLOCK_CHECK)
        elif kind is Kind.BREAK or not self._naks:
            self._detail = "break message" if kind is Kind.BREAK else "NAK"
            self._fail(Trouble.REFUSED)
        else:  # NAK to our NAK: it cannot send the block again
            self._fail(self._asked)
        return True

    def _check(self, raw: bytes) -> None:
        """Accept a framed block or ask for it again (6.2, 6.3.5)."""
        even = self._receiver.parity is Parity.EVEN
        block = Block.from_bytes(parity.strip(raw) if even else raw)
        trouble = self._judge(raw, block)
        if trouble:
            self._ask_again(trouble)
        else:
            self._accept(raw, last=block.last)

    def _judge(self, raw: bytes, block: Block | Command) -> Trouble | None:
        """Say what is wrong with a framed message, None if it may be believed."""
        if self.options.check_off:
            return None
        even = self._receiver.parity is Parity.EVEN
        wrong = parity.errors(raw) if even else 0
        fits = [kind for kind in CheckKind if replace(block, kind=kind).right]
        settled = self.check_kind
        if settled is not None and settled in fits or settled is None and fits:
            if wrong:
                self._detail = f"{wrong} characters of wrong parity"
                return Trouble.PARITY
            if settled is None and self._likely not in fits and not self._other_seen:
                # accepting either kind at once would let twice the damage through
                self._other_seen = True
                other = "the 7-bit sum" if CheckKind.SUM7 in fits else "XOR"
                self._detail = f"the block check fits only {other}"
                return Trouble.CHECK_KIND
            if len(fits) == 1:
                self.check_kind = fits[0]
            return None
        expected = replace(block, check=None, kind=settled or self._likely)
        self._detail = (
            f"expected {expected.to_bytes()[-1]:02X}, got {raw[-1]:02X}, "
            f"{wrong} characters of wrong parity"
        )
        return Trouble.BLOCK_CHECK

    @property
    def _likely(self) -> CheckKind:
        return self.options.likely_check or CheckKind.XOR

    def _accept_lines(self, raw: bytes) -> None:
        """Accept a readout without a block check: only parity can speak against it."""
        even = self._receiver.parity is Parity.EVEN
        wrong = parity.errors(raw) if even else 0
        if wrong and not self.options.check_off:
            self._unchecked = raw
            self._detail = f"{wrong} characters of wrong parity"
            self._fail(Trouble.PARITY)
        else:
            self._accept(raw, last=True)

    def _accept(self, raw: bytes, *, last: bool) -> None:
        self._naks = 0
        self._events.append(BlockReceived(raw))
        if last:
            self._deadline = None
            # a change of speed may still be due where the meter is beyond a gateway
            self._queue.clear()
            self._step(Step.BLOCK, ours=False)
            self._readout_over()
        else:  # 6.4.7: another one follows when this one is acknowledged
            self._parts += len(raw)
            if self._parts > DATA_LIMIT:
                raise TooMuch(f"parts without an end: {self._parts} bytes so far")
            self._step(Step.PART, ours=False)
            self._rested = 0
            self._queue.append((Wait(self._reaction), None))
            self._send(ACK, Step.ACK, self._timing.data_answer)

    def _readout_over(self) -> None:
        self._step(Step.END)
        self._events.append(Done())

    def _ask_again(self, trouble: Trouble) -> None:
        """Ask for the block once more, with NAK where the mode has it (6.3.5)."""
        limit = NAK_LIMIT + (trouble is Trouble.CHECK_KIND)
        if self._mode != "C" or self._naks >= limit:
            self._fail(trouble)
            return
        self._naks += 1
        self._asked = trouble
        self._events.append(Retried(trouble, "asked for the block again with NAK"))
        self._step(Step.DAMAGE, ours=False)
        self._rested = 0
        self._queue.append((Wait(self._reaction), None))
        self._send(NAK, Step.NAK, self._timing.repeat_answer)

    def _silent(self, now: float) -> None:
        """Nothing more has come in time."""
        if self._read(now, silent=True):
            return
        if self._receiver.framed is not None:
            self._detail = f"{len(self._receiver)} bytes of the block had come"
            if self._receiver.framed is False:
                self._unchecked = self._receiver.rest()
            else:
                self._receiver.clear()
            self._ask_again(Trouble.FELL_SILENT)
        elif self._naks or self._lost_start:
            self._fail(self._asked)
        elif self._moved and self._receiver.garbage >= _SLOW_COUNT:
            self._other_speed()
            self._fail(Trouble.WRONG_SPEED)
        else:
            self._fail(Trouble.NO_ANSWER)

    @property
    def _moved(self) -> bool:
        """Whether the speed of the line has changed in this session."""
        return self.options.adjustable and self.speed > self.options.opening_speed

    def _watch_pace(self, now: float) -> None:
        """Notice another speed: what comes is no data, and too slow or no text."""
        if not self._moved:
            return
        if self._pace_start is None:
            self._pace_start = now, self._received
        start, before = self._pace_start
        count = self._received - before
        pace = _SLOW_PACE * self.speed / BITS_PER_CHARACTER
        slow = count >= _SLOW_COUNT and count < pace * (now - start)
        if slow or self._receiver.garbage >= _GARBAGE:
            step = f"listening at {self.options.opening_speed} Bd"
            self._events.append(Retried(Trouble.WRONG_SPEED, step))
            self._other_speed()
            self._receiver.clear()
            self._lost_start = True
            self._queue.append((SetSpeed(self.options.opening_speed), None))
            self._deadline = now + self._timing.gap

    def _other_speed(self) -> None:
        """The meter is at another speed than agreed: do not leave ours again."""
        self._asked, self._slow = Trouble.WRONG_SPEED, True
        stay = self._steps.stay or self._mode == "B"
        self._steps = replace(self._steps, refuse_speed=True, stay=stay)

    # --- trying again --------------------------------------------------------

    def _fail(self, trouble: Trouble) -> None:
        """Give this session up; open the next one, or raise."""
        reading = self.state is not ReaderState.REQUESTED
        self._close()
        if trouble is Trouble.CHECK_KIND:
            self._limit += 1
        elif self._given.instead is not None:
            self._do_without(self._given.instead)
        self._attempt += 1
        if self._attempt >= self._limit:
            raise error_for(
                trouble,
                self._detail,
                identified=reading,
                echo=self._echo.seen,
                noise=self.noise + len(self._receiver),
            )
        if self.misled and self._attempt == 0:
            step = "another session, without what was learned"
        else:
            last = self._attempt + 1 == self._limit
            step = self._next_step(trouble, reading, last)
        self._events.append(Retried(trouble, step))
        quiet = (Trouble.NO_ANSWER, Trouble.FELL_SILENT, Trouble.WRONG_SPEED)
        left_open = reading and self._mode == "C" and trouble in quiet
        # 5.9: a session may be open at the agreed speed, or one that somebody left
        stuck = trouble is Trouble.NO_ANSWER and self._attempt == len(self._parities)
        if left_open:
            self._sign_off(self._agreed or self.speed)
        elif stuck and not reading:
            self._free_stuck()
        if self.speed != self.options.opening_speed:
            self._queue.append((SetSpeed(self.options.opening_speed), None))
        self._resting, self._rested = True, 0
        self._queue.append((Wait(self._timing.rest), self._rest_over))

    def _do_without(self, given: ReaderOptions) -> None:
        """Go on with other options, as if none of them had been tried."""
        self._given, self.misled = given, True
        self._parities = given.send_parity
        self._steps = _Steps(stay=given.stay)
        self._echo = EchoFilter(given.echo)
        self._adaptable = given.adapt is not None
        self._attempt, self._limit = -1, given.retries + len(given.send_parity)

    @property
    def found(self) -> dict[str, object]:
        """What had to be found out, as options of ``Meter`` that would have said it."""
        given, options = self._given, self.options
        found: dict[str, object] = {}
        if given.echo is None and self._echo.seen:
            found["echo"] = "yes"
        if self._parities != given.send_parity[:1] and len(given.send_parity) > 1:
            even = self._parities[0] is Parity.EVEN
            found["framing"] = "7e1" if even else "8n1"
        if given.wake == "auto" and self._woke:
            found["wake"] = "always"
        identification = self.identification
        if identification is None or identification.mode == "A":
            return found
        if self._slow and identification.mode == "B" and not options.stay:
            found["stay_at_baud"] = True
        elif self._slow:
            found["max_baud"] = options.opening_speed
        elif self._steps.later_switch and not self._steps.refuse_speed:
            found["switch_delay"] = self._switch_delay(identification)
        return found

    def _close(self) -> None:
        """End the session on our side, whatever it stands at."""
        if self._receiver.framed is False:
            self._unchecked = self._receiver.rest() or self._unchecked
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
        if self._rested > limit:
            self._close()
            raise RemoteProtocolError(
                f"the line does not fall silent: {self._rested} bytes while waiting",
                "noise, or a meter that talks by itself: try `iecread listen`",
            )
        if len(self._queue) == 1:
            self._rest_anew()

    def _next_step(self, trouble: Trouble, reading: bool, last: bool) -> str:
        """Choose what to do differently (protocol practice); return it in words."""
        doubted = trouble is not Trouble.CHECK_KIND
        if reading and doubted and self._adaptable and self._adapted:
            self._adaptable = False
            self._steps = replace(self._steps, stay=self._given.stay)
            return "another session, without what is known of this kind of meter"
        if reading and self._mode == "C" and self.speed != self.options.opening_speed:
            later = self._steps.later_switch or not self.options.adjustable
            if trouble is Trouble.NO_ANSWER and not later:
                self._steps = replace(self._steps, later_switch=True)
                return "another session, changing speed later"
            if last or trouble in (Trouble.NO_ANSWER, Trouble.REFUSED):
                self._slow = self._slow or trouble is Trouble.NO_ANSWER
                self._steps = replace(self._steps, refuse_speed=True)
        elif reading and trouble is Trouble.REFUSED:
            self._steps = replace(self._steps, refuse_speed=True)
        if self._steps.refuse_speed:
            speed = self.options.opening_speed
            return f"another session, staying at {speed} Bd"
        if self.identification is None and len(self._parities) > 1:
            even = self._parity is Parity.EVEN
            return "request " + ("with parity in bit 7" if even else "in plain 7 bits")
        return "another session"
