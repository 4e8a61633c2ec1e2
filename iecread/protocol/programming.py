"""The reader's side of programming mode: passwords, commands and their answers.

A session is entered and left as entering.py has it.  Passwords and commands may
follow ``Opened``, one at a time; each ends with one ``Answered``.  Repeats that cannot
do harm are the engine's business: a damaged answer is asked for again with NAK, a
command that the meter answers with NAK is sent again, a command that may be repeated
is sent again after silence.  A password is never sent twice after an answer that may
be a refusal, and a write never after silence.  What may not be sent at all is for the
Guard to say.
"""

import re
from collections.abc import Callable

from iecread.errors import RemoteProtocolError
from iecread.protocol.actions import (
    Answered,
    AnswerKind,
    BlockReceived,
    Retried,
    Trouble,
    Wait,
    Write,
)
from iecread.protocol.bcc import CheckKind
from iecread.protocol.entering import AWAITS, EnteringEngine
from iecread.protocol.messages import (
    ACK,
    Block,
    Command,
    error_reply,
)
from iecread.protocol.reader import MOST_PARTS, NAK_LIMIT
from iecread.protocol.receiver import ANSWER_LIMIT, DATA_LIMIT, Kind, TooMuch
from iecread.protocol.state import ReaderState, Step

RESEND_LIMIT = 2  # 6.3.5: a command is sent three times in all
PARTS_LIMIT = 16 * DATA_LIMIT  # characters of one answer in parts that are not kept
_PASSWORD_RESENDS = 1  # NAK means a damaged frame, but some makers mean "wrong"
_LATE = 0.5  # s of quiet before a command, where an older answer may still come
# lis200.md 1.1: a lone FF between brackets that the check does not cover
_STRAY = re.compile(rb"(?<=[)\xa9])\xff(?=[(\xa8])")
_UNDER_WAY = frozenset(
    {
        ReaderState.PASSWORD_SENT,
        ReaderState.PASSWORD_DAMAGED,
        ReaderState.COMMANDED,
        ReaderState.PART_SENT,
        ReaderState.PART_ANSWERED,
        ReaderState.ANSWER_DAMAGED,
    }
)


class ProgrammingEngine(EnteringEngine):
    """Holds one session in programming mode.

    Attributes:
        unsettled: whether an answer to an older command may still come, since one was
            sent twice or given up.  A session that knows how to find out sets it back.
    """

    unsettled = False

    _sent: Command | None = None  # the message whose answer is awaited
    _repeatable = False  # whether it may be sent again after silence
    _resends = 0
    _text = ""  # of the parts of the answer so far, where they are kept
    _size = 0  # how much came in parts
    _count = 0  # in how many
    _keep = True  # whether the parts are wanted as one text
    _acknowledged = False  # an ACK came where data were asked for
    _other_tried = False  # NAK where the kind of check is unknown: it may be the other
    _resend_limit = RESEND_LIMIT
    _fits: Callable[[str], bool] | None = None  # tells an answer from a stale one
    _ack_last = False  # the last block is acknowledged too

    # --- what a session calls ------------------------------------------------

    def start(self, now: float) -> None:
        """Begin a session.

        Raises:
            LocalProtocolError: one is going on.
        """
        super().start(now)
        self.unsettled = False

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
        elif self.state not in AWAITS or not self._queue:
            return
        self._queue.clear()
        self._deadline, self._late, self.unsettled = None, True, True

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
        self._text, self._size, self._count, self._acknowledged = "", 0, 0, False
        self._idle = 0.0
        self._receiver.clear()
        self._quiet_until_now()
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

    def _look_for_reply(self, now: float, *, silent: bool) -> None:
        try:
            super()._look_for_reply(now, silent=silent)
        except TooMuch as error:
            if self.state not in _UNDER_WAY:
                raise
            self._never_ends(error.message)

    def _let_it_end(self) -> None:
        try:
            super()._let_it_end()
        except TooMuch as error:
            self._never_ends(error.message)

    def _never_ends(self, detail: str) -> None:
        if self.state in _UNDER_WAY:
            self._queue.clear()
            self._receiver.clear()
            self._answer(Step.SILENCE, AnswerKind.DAMAGED, detail)
            self._late = self.unsettled = True
        elif self.state in AWAITS:
            self._idle = 0.0  # nothing is awaited
        else:
            super()._never_ends(detail)

    def _replied(self, kind: Kind, raw: bytes, now: float) -> bool:
        if self.state not in _UNDER_WAY:
            return super()._replied(kind, raw, now)
        if kind is Kind.ACK:
            self._acknowledgement(now)
        elif kind is Kind.NAK:
            self._refused()
        elif kind is Kind.COMMAND:
            return self._broken_off(raw)
        else:
            return self._data(raw)
        return True

    def _acknowledgement(self, now: float) -> None:
        assert self._sent is not None
        reads = self._sent.name.startswith("R")
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

    def _broken_off(self, raw: bytes) -> bool:
        try:
            name = Command.from_bytes(self._chars(raw)).name
        except RemoteProtocolError:
            name = ""
        if name == "B0":
            self._answer(Step.BREAK, AnswerKind.BREAK)
        elif name == "P0":  # it was late, or the password was not heard
            self._noise += len(raw)
            self._deadline = self._answer_by
            return False
        else:
            self._damaged(Trouble.BLOCK_CHECK)
        return True

    def _data(self, raw: bytes) -> bool:
        block = Block.from_bytes(self._chars(raw))
        trouble = self._judge(raw, block)
        if trouble is Trouble.BLOCK_CHECK and (mended := self._without_strays(raw)):
            raw, block, trouble = *mended, None
        if trouble and self._echo.seen and not self._echo.complete:
            self._unanswered(AnswerKind.DAMAGED)  # it may be our own
            return True
        if trouble:
            self._damaged(trouble)
            return True
        self.data_speed = self.speed
        self._naks = 0
        text = block.text.decode("latin-1")
        if self._fits is not None and not self._fits(text):
            self._noise += len(raw)
            self._deadline = self._answer_by
            return False
        if not block.last and self.state is ReaderState.COMMANDED:
            # 6.4.7: another one follows when this one is acknowledged
            self._size += len(text)
            self._count += 1
            if self._keep:
                self._text += text
            many = self._count > MOST_PARTS or self._size > ANSWER_LIMIT
            if self._size > PARTS_LIMIT or self._keep and many:
                size = f"{self._count} with {self._size} bytes so far"
                self._never_ends(f"parts without an end: {size}")
                return True
            self._step(Step.PART, ours=False)
            self._events.append(BlockReceived(raw))
            self._rested = 0
            self._queue.append((Wait(self._reaction), None))
            self._send(ACK, Step.ACK, self._timing.data_answer)
            return True
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
        return True

    def _without_strays(self, raw: bytes) -> tuple[bytes, Block] | None:
        """An answer without what a LIS-200 device may put between brackets.

        Returns:
            None where that is no answer either.
        """
        mended = _STRAY.sub(b"", raw) if self._probe is not None else raw
        if mended == raw:
            return None
        block = Block.from_bytes(self._chars(mended))
        return None if self._judge(mended, block) else (mended, block)

    def _damaged(self, trouble: Trouble, kind: AnswerKind = AnswerKind.DAMAGED) -> None:
        """Ask for an answer again that could not be read, or give it up as ``kind``."""
        limits = {
            ReaderState.COMMANDED: NAK_LIMIT + (trouble is Trouble.CHECK_KIND),
            ReaderState.PASSWORD_SENT: 1,
        }
        if self._naks < limits.get(self.state, 0):
            self._step(Step.DAMAGE, ours=False)
            self._repeat(trouble)
        else:
            self._answer(Step.SILENCE, kind)

    def _no_reply(self) -> None:
        if self.state not in _UNDER_WAY:
            super()._no_reply()
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
        the one before again, which nothing could tell from the right one.  Only a
        password is never sent again, and P0, which it would say, is no answer to it.
        """
        if self.state is ReaderState.PASSWORD_SENT:
            self._damaged(Trouble.NO_ANSWER, kind)
            return
        if self._repeatable and not self._resends and not self._size:
            self._step(Step.SILENCE)
            self._send_again(Trouble.NO_ANSWER)
        else:
            self._answer(Step.SILENCE, kind)
        self._late = self.unsettled = True

    def _answer(self, step: Step, kind: AnswerKind, text: str = "") -> None:
        self._step(step, ours=False)
        self._deadline = None
        self._report(Answered(kind, text))

    def _report(self, answer: Answered) -> None:
        assert self._sent is not None
        self.guard.answered(self._sent, answer)
        self._events.append(answer)
