"""The reader's side of programming mode: password, commands, answers, break.

ProgrammingEngine opens a session as a readout does, up to the option select, which
has Y = 1 (IEC 62056-21, 6.4.3.3).  ``Opened`` says that passwords and commands may
follow, one at a time; each ends with one ``Answered``.  Repeats that cannot do harm
are its business: a damaged answer is asked for again with NAK, a command that the
meter answers with NAK is sent again, a command that may be repeated is sent again
after silence.  A password is never sent twice after an answer that may be a refusal,
and a write never after silence.  In modes A and B commands follow the readout at the
opening speed (6.4.1, 6.4.2).  What may not be sent at all is for its Guard to say.
"""

import re
from collections.abc import Callable, Sequence

from iecread.errors import IecReadError, RefusedError, RemoteProtocolError
from iecread.protocol import parity
from iecread.protocol.actions import (
    Answered,
    AnswerKind,
    BlockReceived,
    Opened,
    Retried,
    SetSpeed,
    Trouble,
    Wait,
    Write,
)
from iecread.protocol.bcc import CheckKind
from iecread.protocol.guard import Guard
from iecread.protocol.messages import (
    ACK,
    NAK,
    Block,
    Command,
    error_reply,
)
from iecread.protocol.parity import Parity
from iecread.protocol.reader import NAK_LIMIT, ReaderEngine, ReaderOptions
from iecread.protocol.receiver import DATA_LIMIT, Kind, TooMuch
from iecread.protocol.state import ReaderState, Step

RESEND_LIMIT = 2  # 6.3.5: a command is sent three times in all
PARTS_LIMIT = 16 * DATA_LIMIT  # characters of one answer in parts
_PASSWORD_RESENDS = 1  # NAK means a damaged frame, but some makers mean "wrong"
_LATE = 0.5  # s of quiet before a command, where an older answer may still come
# lis200.md 1.1: a lone FF between brackets that the check does not cover
_STRAY = re.compile(rb"(?<=[)\xa9])\xff(?=[(\xa8])")
_PROBE_SPEED = 19200  # Bd; where a session that was left open most likely is
_AWAITS = frozenset(
    {ReaderState.IDLE, ReaderState.READ, ReaderState.LOCKED, ReaderState.OPEN}
)
_SELECTED = frozenset({ReaderState.OPERAND, ReaderState.PROBED})  # and not open yet
_UNDER_WAY = frozenset(
    {
        ReaderState.PASSWORD_SENT,
        ReaderState.COMMANDED,
        ReaderState.PART_SENT,
        ReaderState.PART_ANSWERED,
        ReaderState.ANSWER_DAMAGED,
    }
)


class ProgrammingEngine(ReaderEngine):
    """Holds one session in programming mode.

    ``options.option`` of its ReaderOptions is the Y that enters it, ``1`` in the
    standard.

    Attributes:
        guard: what is asked before anything is sent.
        unsettled: whether an answer to an older command may still come, since one was
            sent twice or given up.  A session that knows how to find out sets it back.
    """

    unsettled = False

    _select_step = Step.SELECT_PROGRAMMING
    _selected = frozenset({ReaderState.OPERAND})

    _sent: Command | None = None  # the message whose answer is awaited
    _repeatable = False  # whether it may be sent again after silence
    _resends = 0
    _text = ""  # of the parts of the answer so far, where they are kept
    _size = 0  # how much came in parts
    _keep = True  # whether the parts are wanted as one text
    _acknowledged = False  # an ACK came where data were asked for
    _noise_before = 0  # bytes of noise when the message went out
    _other_tried = False  # NAK where the kind of check is unknown: it may be the other
    _odd = b""  # an answer in 7 bits that had more than 7
    _resend_limit = RESEND_LIMIT
    _fits: Callable[[str], bool] | None = None  # tells an answer from a stale one
    _ack_last = False  # the last block is acknowledged too
    _late = False  # an older answer may still come

    def __init__(self, options: ReaderOptions, guard: Guard | None = None) -> None:
        super().__init__(options)
        self.guard = guard or Guard()
        self._probes: list[tuple[int, Parity]] = []  # still to be tried
        self._unended: int | None = None  # Bd; the meter may still be in a session

    # --- what a session calls ------------------------------------------------

    def start(self, now: float) -> None:
        """Begin a session.

        Raises:
            LocalProtocolError: one is going on.
        """
        super().start(now)
        self.guard.begin()
        self._probes, self._late, self.unsettled = [], False, False
        self._unended = None

    @property
    def finished(self) -> bool:
        """Whether nothing is under way: no session, or one that awaits a command."""
        idle = self.state in _AWAITS and not self._queue
        return idle and self._deadline is None

    @property
    def is_open(self) -> bool:
        """Whether the meter is, or may be, in programming mode."""
        closed = (ReaderState.IDLE, ReaderState.WAKING, ReaderState.REQUESTED)
        return self.state not in closed

    def password(self, level: int, text: str) -> None:
        """Send a password, or the answer to a challenge, as P1 or P2 (6.3.14, 19).

        Args:
            level: 1 for plain comparison, 2 for the result of an algorithm.
            text: what stands in the brackets.

        Raises:
            LocalProtocolError: not now, or characters that cannot be sent.
            ConfigError: the guard says no.
        """
        command = Command(f"P{level}", f"({text})".encode("ascii", "replace"))
        self._submit(command, Step.PASSWORD, repeatable=False)

    def command(
        self,
        command: Command,
        *,
        repeatable: bool,
        resends: int = RESEND_LIMIT,
        fits: Callable[[str], bool] | None = None,
        ack_last: bool = False,
        keep: bool = True,
    ) -> None:
        """Send a command, or a part of one (6.3.7, 6.3.8).

        Args:
            command: the command; its kind of block check is the meter's.
            repeatable: whether it may be sent again where no answer came; a read
                may, a write may not.
            resends: how often it is sent again upon NAK.
            fits: tells by its text whether a block belongs to the answer to this
                command; one that does not, such as another master's or a late one, is
                dropped.  None: any does.
            ack_last: whether the last block of data is acknowledged too (field
                practice: the BK gas meter hears nothing else before).
            keep: whether ``Answered`` has the text of several parts; else they are
                told by BlockReceived alone, and memory does not grow with them.

        Raises:
            LocalProtocolError: not now.
            ConfigError: the guard says no.
        """
        step = Step.COMMAND if command.last else Step.COMMAND_PART
        self._resend_limit, self._fits = resends, fits
        self._ack_last, self._keep = ack_last, keep
        self._submit(command, step, repeatable=repeatable)

    def abandon(self) -> None:
        """Want the answer no more that is awaited, so that a command may follow."""
        if self.state in _UNDER_WAY:
            self._step(Step.SILENCE)
        elif self.state not in _AWAITS or not self._queue:
            return
        self._queue.clear()
        self._deadline, self._late, self.unsettled = None, True, True

    def sign_off(self) -> None:
        """Send the break message and go back to the opening speed (6.3.12).

        May be called at any time; does nothing where no session is open.
        """
        switches = [a for a, _ in self._queue if isinstance(a, SetSpeed)]
        self._queue.clear()
        self._deadline = None
        if not self.is_open:
            self._close()  # what still comes is not to be answered
            if self._unended is None:
                self._back_to_opening_speed()
            else:
                self._queue.append((Wait(self._reaction), None))
                self._sign_off(self._unended)
            self._unended = None
            return
        if switches and self.state in self._selected:  # the meter has switched
            self._queue.append((switches[-1], None))
        if self.state is ReaderState.IDENTIFIED:  # no answer sent: it goes on alone
            self._step(Step.SILENCE)
        data = Command("B0", kind=self.check_kind or CheckKind.XOR).to_bytes()

        def signed_off(now: float) -> None:
            self._step(Step.BREAK)

        self._queue.append((Wait(self._reaction), None))
        self._queue.append((Write(self._coded(data)), signed_off))
        if switches or self.speed != self.options.opening_speed:
            self._queue.append((Wait(self._timing.switch_margin), None))
        self._back_to_opening_speed(switches)

    def _back_to_opening_speed(self, switches: Sequence[SetSpeed] = ()) -> None:
        opening = self.options.opening_speed
        if switches or self.speed != opening:
            self._queue.append((SetSpeed(opening), None))

    # --- sending -------------------------------------------------------------

    def _submit(self, command: Command, step: Step, *, repeatable: bool) -> None:
        if step is Step.PASSWORD or command.name.startswith("P"):
            self.guard.allow_password(self.identification)
            self._resend_limit, self._fits = _PASSWORD_RESENDS, None
            self._keep = True
        else:
            self.guard.allow(command)
        self._sent, self._repeatable = command, repeatable
        self._resends = self._naks = 0
        self._transmit(step)

    def _transmit(self, step: Step) -> None:
        assert self._sent is not None
        command = self._sent
        unknown = self._likely
        if self._other_tried:
            unknown = next(kind for kind in CheckKind if kind is not unknown)
        kind = self.check_kind or unknown
        data = Command(command.name, command.text, command.last, kind=kind).to_bytes()
        self._text, self._size, self._acknowledged = "", 0, False
        self._receiver.clear()
        self._noise_before = self._receiver.noise
        late, self._late = self._late, False
        quiet = max(self._reaction, self.guard.pause, _LATE if late else 0.0)
        self._queue.append((Wait(quiet), None))
        self._send(data, step, self._timing.data_answer)

    def _send_again(self, trouble: Trouble) -> None:
        assert self._sent is not None
        self._resends += 1
        self._events.append(Retried(trouble, f"sent {self._sent.name} again"))
        password = self._sent.name.startswith("P")
        part = Step.COMMAND if self._sent.last else Step.COMMAND_PART
        self._transmit(Step.PASSWORD if password else part)

    # --- receiving -----------------------------------------------------------

    def _readout_over(self) -> None:
        # 6.4.1, 6.4.2: commands may follow the readout, at the opening speed
        if self.speed != self.options.opening_speed:
            self._queue.append((SetSpeed(self.options.opening_speed), None))
        self._events.append(Opened(None))

    def _look_further(self, now: float, *, silent: bool) -> None:
        if self.state in _AWAITS:
            self._receiver.clear()
            self._noise_before = self._receiver.noise
            return
        if any(isinstance(action, Write) for action, _ in self._queue):
            self._let_it_end()
            return
        try:
            found = self._receiver.reply()
        except TooMuch as error:
            if self.state is ReaderState.OPERAND:
                raise
            self._detail = error.message
            self._answer(Step.SILENCE, AnswerKind.DAMAGED)
            return
        if found is None:
            if silent:
                self._no_reply()
            elif len(self._receiver):
                self._deadline = now + self._timing.gap
            return
        kind, raw = found
        chars = parity.strip(raw) if self.parity is Parity.EVEN else raw
        if self.state is ReaderState.PROBED:
            self._probed(kind, raw, now)
        elif self.state is ReaderState.OPERAND:
            if kind in (Kind.BLOCK, Kind.PART) and self._probe is not None:
                self._look_further(now, silent=silent)  # another master's answer
            else:
                self._operand(kind, raw, chars)
        elif kind is Kind.ACK:
            self._acknowledgement(now)
        elif kind is Kind.NAK:
            self._refused()
        elif kind is Kind.COMMAND:
            self._broken_off(raw, chars, now)
        else:
            self._data(kind, raw, chars, now)

    def _let_it_end(self) -> None:
        """More comes while we owe an ACK or a NAK: a block seemed to end too early."""
        self._rested += len(self._receiver)
        self._receiver.clear()
        if self._rested > DATA_LIMIT:
            raise TooMuch(f"an answer without an end: {self._rested} bytes so far")
        self._rest_anew()

    def _operand(self, kind: Kind, raw: bytes, chars: bytes) -> None:
        """Take P0, or what some meters send in its place (protocol practice)."""
        if kind is Kind.ACK:
            self._step(Step.ACK, ours=False)
            self._deadline = None
            self._events.append(Opened(None))
        elif kind is Kind.COMMAND:
            self._take_operand(raw, chars)
        elif kind is Kind.NAK:
            self._detail = "NAK"
            self._fail(Trouble.REFUSED)
        else:
            if self._mode == "C":  # or its P0 was damaged beyond recognition
                self._unended = self.speed
            self._close()
            raise RefusedError(
                "the meter reads out instead of entering programming mode",
                "it may not offer it at this port, or want another --option",
            )

    def _take_operand(self, raw: bytes, chars: bytes) -> None:
        try:
            command = Command.from_bytes(chars)
        except RemoteProtocolError:
            trouble: Trouble | None = Trouble.BLOCK_CHECK
        else:
            trouble = self._judge(raw, command)
        if trouble:
            if self._naks >= NAK_LIMIT + (trouble is Trouble.CHECK_KIND):
                self._fail(trouble)
            else:
                self._repeat(trouble)
        elif command.name == "B0":
            self._detail = "break message"
            self._fail(Trouble.REFUSED)
        else:
            self._step(Step.OPERAND, ours=False)
            self._deadline = None
            text = (command.text or b"").decode("latin-1")
            self._events.append(Opened(text.removeprefix("(").removesuffix(")")))

    def _repeat(self, trouble: Trouble) -> None:
        """Ask for the last answer once more (6.3.5)."""
        self._naks += 1
        self._events.append(Retried(trouble, "asked for the answer again with NAK"))
        self._rested = 0
        self._queue.append((Wait(self._reaction), None))
        self._send(NAK, Step.NAK, self._timing.repeat_answer)

    def _acknowledgement(self, now: float) -> None:
        reads = self._sent is not None and self._sent.name.startswith("R")
        if reads and not self._acknowledged and self.state is ReaderState.COMMANDED:
            # protocol practice: data may come behind it
            self._acknowledged = True
            self._deadline = now + self._timing.request_answer
        else:
            self._answer(Step.ACK, AnswerKind.ACK)

    def _refused(self) -> None:
        """NAK: the frame was damaged on its way (6.3.5), or the meter says no."""
        self._step(Step.NAK, ours=False)
        if self._naks and not self._repeatable:
            # NAK to our NAK: it may have done what was answered illegibly
            self._deadline = None
            self._report(Answered(AnswerKind.DAMAGED))
        elif self._resends < self._resend_limit:
            self._other_tried = not self._other_tried
            self._send_again(Trouble.REFUSED)
        else:
            self._deadline = None
            self._report(Answered(AnswerKind.NAK))

    def _broken_off(self, raw: bytes, chars: bytes, now: float) -> None:
        try:
            name = Command.from_bytes(chars).name
        except RemoteProtocolError:
            name = ""
        if name == "B0":
            self._answer(Step.BREAK, AnswerKind.BREAK)
        elif name == "P0":  # it was late
            self._noise += len(raw)
            self._deadline = self._answer_by
            self._look_further(now, silent=False)
        else:
            self._answer(Step.SILENCE, AnswerKind.DAMAGED)

    def _data(self, kind: Kind, raw: bytes, chars: bytes, now: float) -> None:
        block = Block.from_bytes(chars)
        trouble = self._judge(raw, block)
        if trouble is Trouble.BLOCK_CHECK and (mended := self._without_strays(raw)):
            raw, block, trouble = *mended, None
        if trouble and self._echo.seen and not self._echo.complete:
            self._unanswered(AnswerKind.DAMAGED)  # it may be our own
            return
        if trouble:
            self._damaged(trouble)
            return
        self.data_speed = self.speed
        self._naks = 0
        text = block.text.decode("latin-1")
        if self._fits is not None and not self._fits(text):
            self._noise += len(raw)
            self._deadline = self._answer_by
            self._look_further(now, silent=False)
            return
        if not block.last and self.state is ReaderState.COMMANDED:
            # 6.4.7: another one follows when this one is acknowledged
            self._size += len(text)
            if self._keep:
                self._text += text
            if self._size > PARTS_LIMIT:
                self._detail = "parts without an end"
                self._answer(Step.SILENCE, AnswerKind.DAMAGED)
                return
            self._step(Step.PART, ours=False)
            self._events.append(BlockReceived(raw))
            self._rested = 0
            self._queue.append((Wait(self._reaction), None))
            self._send(ACK, Step.ACK, self._timing.data_answer)
            return
        refusal = error_reply(text) if not self._size else None
        if refusal is not None:
            self._answer(Step.ERROR, AnswerKind.ERROR, refusal)
        elif self.state is ReaderState.COMMANDED:
            self._events.append(BlockReceived(raw))
            whole = self._text + text if self._keep or not self._size else ""
            self._answer(Step.BLOCK, AnswerKind.DATA, whole)
            if self._ack_last:
                self._queue.append((Wait(self._reaction), None))
                self._queue.append((Write(self._coded(ACK)), None))
        else:  # data in answer to a password: neither yes nor no
            self._answer(Step.SILENCE, AnswerKind.DAMAGED)

    def _judge(self, raw: bytes, block: Block | Command) -> Trouble | None:
        trouble = super()._judge(raw, block)
        if trouble or self.options.check_off or self.parity is Parity.EVEN:
            return trouble
        if not raw.isascii() and raw != self._odd:
            # the check covers seven bits; believed when it comes so again
            self._odd, self._detail = raw, "characters of eight bits"
            return Trouble.PARITY
        return None

    def _without_strays(self, raw: bytes) -> tuple[bytes, Block] | None:
        """An answer without what a LIS-200 device may put between brackets.

        Returns:
            None where that is no answer either.
        """
        mended = _STRAY.sub(b"", raw) if self._probe is not None else raw
        if mended == raw:
            return None
        even = self.parity is Parity.EVEN
        block = Block.from_bytes(parity.strip(mended) if even else mended)
        return None if self._judge(mended, block) else (mended, block)

    def _damaged(self, trouble: Trouble) -> None:
        commanded = self.state is ReaderState.COMMANDED
        if commanded and self._naks < NAK_LIMIT + (trouble is Trouble.CHECK_KIND):
            self._step(Step.DAMAGE, ours=False)
            self._repeat(trouble)
        else:
            self._answer(Step.SILENCE, AnswerKind.DAMAGED)

    def _no_reply(self) -> None:
        if self.state is ReaderState.PROBED:
            self._probe_unanswered()
        elif self.state is ReaderState.OPERAND:
            self._no_operand()
        elif self._acknowledged:
            self._answer(Step.ACK, AnswerKind.ACK)
        elif len(self._receiver):  # a block had begun
            self._receiver.clear()
            self._damaged(Trouble.FELL_SILENT)
        elif self._receiver.noise > self._noise_before:
            self._unanswered(AnswerKind.DAMAGED)
        else:
            self._unanswered(AnswerKind.SILENCE)

    def _unanswered(self, kind: AnswerKind) -> None:
        """Nothing came that was an answer.

        The meter may not have heard the command: upon NAK it would say its answer to
        the one before again, which nothing could tell from the right one.
        """
        if self._repeatable and not self._resends and not self._size:
            self._step(Step.SILENCE)
            self._send_again(Trouble.NO_ANSWER)
        else:
            self._answer(Step.SILENCE, kind)
        self._late = self.unsettled = True

    def _no_operand(self) -> None:
        """P0 did not come (protocol practice: some meters skip it).

        A character or two that could not be read were an ACK at the opening speed.
        Complete silence may be a lost option select: that is tried again first.
        """
        last = self._attempt + 1 >= self._limit
        if self._probe is not None:
            speeds = dict.fromkeys([self.speed, self.options.opening_speed])
            if not self.options.adjustable:
                speeds = {self.speed: None}
            self._asked = Trouble.NO_ANSWER
            if self._receiver.noise or len(self._receiver):
                self._asked = Trouble.WRONG_SPEED
            self._agreed = self.speed
            self._send_probes([(speed, self._parity) for speed in speeds])
        elif self._receiver.noise or len(self._receiver) or last:
            self._receiver.clear()
            self._step(Step.ACK, ours=False)
            self._events.append(Opened(None))
        else:
            self._fail(Trouble.NO_ANSWER)

    def _answer(self, step: Step, kind: AnswerKind, text: str = "") -> None:
        self._step(step, ours=step is Step.SILENCE)
        self._deadline = None
        self._report(Answered(kind, text))

    def _report(self, answer: Answered) -> None:
        assert self._sent is not None
        self.guard.answered(self._sent, answer)
        self._events.append(answer)

    def _fail(self, trouble: Trouble) -> None:
        selected = self.state in _SELECTED
        speed = self._agreed or self.speed
        try:
            super()._fail(trouble)
        except IecReadError:
            if selected and self._mode == "C":
                self._unended = speed
            raise

    # --- a session that may be open already ----------------------------------

    @property
    def _probe(self) -> Command | None:
        return self.guard.probe(self.identification)

    @property
    def _keeps_offer(self) -> bool:
        return self._probe is not None  # lis200.md 5.3: the device falls back else

    def _free_stuck(self) -> None:
        """Ask first whether the session goes on: then nothing need be opened."""
        if self._probe is None:
            super()._free_stuck()
            return
        speed = self.options.opening_speed
        if self.options.adjustable:
            speed = self.options.max_speed or _PROBE_SPEED
        self._probes = [(speed, each) for each in self.options.send_parity]

    def _rest_over(self, now: float) -> None:
        if self._probes:
            self._resting = False
            self._asked = Trouble.NO_ANSWER
            self._send_probes(self._probes)
        else:
            super()._rest_over(now)

    def _send_probes(self, probes: list[tuple[int, Parity]]) -> None:
        probe = self._probe
        assert probe is not None
        (speed, as_sent), *self._probes = probes
        self._receiver.clear()
        self._events.append(
            Retried(Trouble.NO_ANSWER, f"asking for an open session at {speed} Bd")
        )
        if speed != self.speed:
            self._queue.append((SetSpeed(speed), None))
        data = probe.to_bytes()
        self._queue.append((Wait(self._reaction), None))
        self._parities = (as_sent,)
        self._send(self._coded(data), Step.PROBE, self._timing.request_answer)

    def _probed(self, kind: Kind, raw: bytes, now: float) -> None:
        """An answer, whatever it says, comes from a session that is open."""
        if kind is Kind.ACK:
            self._look_further(now, silent=False)
            return
        if self._receiver.parity is None:
            even = not raw.isascii() and not parity.errors(raw)
            self._receiver.parity = Parity.EVEN if even else Parity.NONE
        operand = None
        if kind is Kind.COMMAND:
            chars = parity.strip(raw) if self.parity is Parity.EVEN else raw
            name = Command.from_bytes(chars).name if len(chars) > 3 else ""
            if name != "P0":  # it ends its session, or another one
                self._probe_unanswered()
                return
            self._step(Step.OPERAND, ours=False)
            operand = ""
        else:
            self._step(Step.NAK if kind is Kind.NAK else Step.BLOCK, ours=False)
        self._probes, self._deadline, self._late = [], None, True
        self._events.append(Opened(operand))

    def _probe_unanswered(self) -> None:
        if self._probes:
            self._send_probes(self._probes)
            return
        self._receiver.clear()
        if self.identification is not None:
            if self._asked is Trouble.WRONG_SPEED:
                self._other_speed()
            self._fail(self._asked)
            return
        self._step(Step.SILENCE)
        self._parities = self.options.send_parity
        self._open()
