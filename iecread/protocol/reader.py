"""The reader's side of a readout, from the request to the block check.

ReaderEngine is driven as OpeningEngine is.  A call of ``start`` covers everything up
to the result: opening, speed switch, NAK and repeats, and whole sessions that are
tried again with the next sensible step (IEC 62056-21, 6.4.1 to 6.4.3, 6.4.7).  It
ends with the event Done or with an error.

Left out: programming mode and the hand-over to HDLC; telegrams that come unasked
(listener.py); what the data mean (datasets.py).
"""

from iecread.protocol import parity, timing
from iecread.protocol.actions import (
    BlockReceived,
    Done,
    LineReceived,
    Retried,
    SetSpeed,
    Trouble,
    Wait,
)
from iecread.protocol.bcc import CheckKind
from iecread.protocol.blockcheck import Checker
from iecread.protocol.messages import (
    ACK,
    BITS_PER_CHARACTER,
    NAK,
    OPENING_SPEED,
    Block,
    Command,
    Identification,
    OptionSelect,
)
from iecread.protocol.opening import OpeningEngine
from iecread.protocol.options import ReaderOptions
from iecread.protocol.parity import Parity
from iecread.protocol.receiver import DATA_LIMIT, Kind
from iecread.protocol.state import ReaderState, Step

# what one needs to read out by the engine alone, see the README
__all__ = ["NAK_LIMIT", "ReaderEngine", "ReaderOptions"]

NAK_LIMIT = 2  # 6.3.5; how often one block is asked for again
MOST_PARTS = 4096  # of a readout or a register; archives have hundreds
_SLOW_PACE = 0.6  # of the agreed speed: less is another speed
_SLOW_COUNT = 12  # characters over which the pace is taken
_GARBAGE = 24  # characters that cannot be text: another speed at any pace


class ReaderEngine(OpeningEngine):
    """Reads one meter out.

    Attributes:
        data_speed: speed of the last block, in Bd.
    """

    _select_step = Step.SELECT_READOUT
    _selected = frozenset({ReaderState.READING})  # behind an option select

    def __init__(self, options: ReaderOptions) -> None:
        super().__init__(options)
        self.data_speed = options.opening_speed
        self._checker = Checker(options.check)
        self._naks = 0
        self._asked = Trouble.NO_ANSWER  # why the last NAK was sent
        self._parts = self._parts_size = 0  # acknowledged, and their bytes
        self._pace_start: tuple[float, int] | None = None
        self._doubted = b""  # a block that may have been cut short
        self._unchecked = b""
        self._lost_start = False  # the beginning of the block came at another speed

    # --- what a driver calls -------------------------------------------------

    def start(self, now: float) -> None:
        """Begin a readout.

        Raises:
            LocalProtocolError: a session is going on.
        """
        super().start(now)
        self._unchecked = b""

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
    def check_kind(self) -> CheckKind | None:
        """Kind of block check, once it is settled."""
        return self._checker.kind

    @property
    def checked(self) -> bool:
        """Whether a block check is going to vouch for the data that come now."""
        return self._receiver.framed is not False and not self.options.check_off

    def unchecked(self) -> bytes:
        """Return the data of a readout that was ended early, or that had no block
        check and failed."""
        return self._unchecked

    @property
    def found(self) -> dict[str, object]:
        """What had to be found out, as options of ``Meter`` that would have said it."""
        tries, found = self._tries, super().found
        identification = self.identification
        if identification is None or identification.mode == "A":
            return found
        if tries.slow and identification.mode == "B" and not self.options.stay:
            found["stay_at_baud"] = True
        elif tries.slow:
            found["max_baud"] = self.options.opening_speed
        elif tries.later_switch and not tries.refuse_speed:
            found["switch_delay"] = self._switch_delay(identification)
        return found

    # --- what the opening leaves to us ---------------------------------------

    def action_done(self, now: float) -> None:
        """Say that what ``next_action`` gave has been carried out."""
        if isinstance(self.next_action(), SetSpeed):
            self._pace_start = None
        super().action_done(now)

    def _open(self) -> None:
        self._naks, self._lost_start = 0, False
        self._parts = self._parts_size = 0
        super()._open()

    def _close(self) -> None:
        if self._receiver.framed is False:
            self._unchecked = self._receiver.rest() or self._unchecked
        self._doubted = b""
        super()._close()

    def _sent_out(self, step: Step) -> None:
        super()._sent_out(step)
        if step is Step.NAK:
            self._receiver.clear()
            self._lost_start = False

    def _take(self, data: bytes, now: float) -> None:
        if self.state is ReaderState.DAMAGED:
            self._quiet_first(len(data))
        elif self.state is ReaderState.PART_READ:
            self._receiver.feed(data)
            self._received += len(data)
            self._quiet_first(len(data))
        else:
            super()._take(data, now)

    def _look_further(self, now: float, *, silent: bool) -> None:
        if self.state is ReaderState.IDENTIFIED:
            self._unasked(now)
        elif self.state is ReaderState.READING:
            if silent:
                self._silent(now)
            else:
                self._read(now)

    # --- behind the identification -------------------------------------------

    def _go_on(self, now: float) -> None:
        {"A": self._mode_a, "B": self._mode_b, "C": self._mode_c}[self._mode](now)

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
        self._switch(self.identification.speed if self.identification else None)
        self._await_data(now)

    def _switch(self, speed: int | None) -> None:
        if speed and speed != self.speed and not self._tries.stay:
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
        if speed is None or too_fast or self._tries.refuse_speed or not offers:
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
        if self.options.switch_delay is not None and not self._tries.later_switch:
            return self.options.switch_delay
        if self._tries.later_switch or self._echo.seen:
            return window * 0.6
        return max(self._timing.switch_margin, window * 0.1)

    def _without_echo(self, data: bytes) -> bytes:
        expected = not self._echo.complete
        data = super()._without_echo(data)
        if expected and self._echo.complete:
            self._echo_complete()
        return data

    def _echo_complete(self) -> None:
        """The option select has come back: it is out, the speed may change."""
        if self.state not in self._selected or len(self._queue) != 2:
            return
        (first, _), (second, _) = self._queue
        if isinstance(first, Wait) and isinstance(second, SetSpeed):
            if self.options.switch_delay is None and not self._tries.later_switch:
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
        if self._doubted:
            self._decide(silent=silent)
            return True
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
            self._check(raw, now)
        elif kind is Kind.COMMAND:  # 6.3.3: a damaged option select said so
            self._detail = "programming mode in place of a readout"
            self._fail(Trouble.MISHEARD)
        elif kind is Kind.LINES and not self._lost_start:
            self._accept_lines(raw)
        elif kind in (Kind.LINES, Kind.LOST_START):
            self._detail = "the beginning of the block is missing"
            tries = self._tries  # NAK brings it, this once
            if tries.given.switch_delay is not None and tries.given.instead is not None:
                tries.misled = True
            self._ask_again(Trouble.BLOCK_CHECK)
        elif kind is Kind.BREAK or not self._naks:
            self._detail = "break message" if kind is Kind.BREAK else "NAK"
            self._fail(Trouble.REFUSED)
        else:  # NAK to our NAK: it cannot send the block again
            self._fail(self._asked)
        return True

    def _check(self, raw: bytes, now: float) -> None:
        """Accept a framed block or ask for it again (6.2, 6.3.5)."""
        even = self._receiver.parity is Parity.EVEN
        block = Block.from_bytes(parity.strip(raw) if even else raw)
        trouble = self._judge(raw, block)
        if trouble:
            self._ask_again(trouble)
        elif not block.last or block.text.rstrip().endswith(b"!"):
            self._accept(raw, last=block.last)
        else:
            # one bit makes an ETX of a C, and the next character may fit as its check
            self._doubted = raw
            self._deadline = now + self._timing.tail_gap + self._wire_time(3)
            if len(self._receiver):
                self._decide(silent=False)

    def _decide(self, *, silent: bool) -> None:
        """Accept a block that may have been cut short, unless its text goes on."""
        raw, self._doubted = self._doubted, b""
        if silent or not self._receiver.text_follows:
            self._accept(raw, last=True)
        else:
            self._detail = "text behind the block check"
            self._ask_again(Trouble.BLOCK_CHECK)

    def _judge(self, raw: bytes, block: Block | Command) -> Trouble | None:
        """Say what is wrong with a framed message, None if it may be believed."""
        if self.options.check_off:
            return None
        even = self._receiver.parity is Parity.EVEN
        trouble = self._checker.judge(raw, block, even=even, likely=self._likely)
        if trouble:
            self._detail = self._checker.detail
        return trouble

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
            self._parts += 1
            self._parts_size += len(raw)
            if self._parts_size > DATA_LIMIT or self._parts > MOST_PARTS:
                size = f"{self._parts} with {self._parts_size} bytes so far"
                self._never_ends(f"parts without an end: {size}")
                return
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
        """The meter is at another speed than agreed."""
        self._asked = Trouble.WRONG_SPEED
        self._tries.other_speed(self._mode)
