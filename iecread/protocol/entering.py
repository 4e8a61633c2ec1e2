"""Entering programming mode and leaving it: option select, P0, break (6.4.3.3).

EnteringEngine opens a session as a readout does, up to the option select, which has
Y = 1.  ``Opened`` says that passwords and commands may follow: P0 came, or what some
meters send in its place.  In modes A and B they follow the readout, at the opening
speed (6.4.1, 6.4.2).  A session that was left open, by us or by another program, is
asked for with a probe where the guard has one: then nothing need be opened.

Left out: passwords, commands and their answers (programming.py).
"""

from collections.abc import Sequence

from iecread.errors import IecReadError, RefusedError, RemoteProtocolError
from iecread.protocol import parity
from iecread.protocol.actions import (
    Opened,
    Retried,
    SetSpeed,
    Trouble,
    Wait,
    Write,
)
from iecread.protocol.bcc import CheckKind
from iecread.protocol.guard import Guard
from iecread.protocol.messages import NAK, Command
from iecread.protocol.options import ReaderOptions
from iecread.protocol.parity import Parity
from iecread.protocol.reader import NAK_LIMIT, ReaderEngine
from iecread.protocol.receiver import DATA_LIMIT, Kind, TooMuch
from iecread.protocol.state import ReaderState, Step

AWAITS = frozenset(
    {ReaderState.IDLE, ReaderState.READ, ReaderState.LOCKED, ReaderState.OPEN}
)
"""States in which nothing is under way."""

_ACK_GARBAGE = 4  # characters that one at the opening speed may look like
_PROBE_SPEED = 19200  # Bd; where a session that was left open most likely is
_SELECTED = frozenset({ReaderState.OPERAND, ReaderState.PROBED})  # and not open yet
_READOUT = frozenset({ReaderState.IDENTIFIED, ReaderState.READING})


class EnteringEngine(ReaderEngine):
    """Leads one meter into programming mode and out of it.

    ``options.option`` of its ReaderOptions is the Y that enters it, ``1`` in the
    standard.

    Attributes:
        guard: what is asked before anything is sent.
        left: when the last break message was out, in seconds of the line's clock: a
            session that begins soon after it lets the line rest first (annex B).
    """

    _select_step = Step.SELECT_PROGRAMMING
    _selected = frozenset({ReaderState.OPERAND})

    def __init__(self, options: ReaderOptions, guard: Guard | None = None) -> None:
        super().__init__(options)
        self.guard = guard or Guard()
        # bytes of noise when the last message went out, and those of no glitch
        self._noise_before = self._garbled_before = 0
        self._late = False  # an older answer may still come
        self._probes: list[tuple[int, Parity]] = []  # still to be tried
        self._unended: int | None = None  # Bd; the meter may still be in a session
        self.left: float | None = None
        self._first = True  # whether no session has come to something else than P0

    # --- what a session calls ------------------------------------------------

    def start(self, now: float) -> None:
        """Begin a session.

        Raises:
            LocalProtocolError: one is going on.
        """
        super().start(now)
        self.guard.begin()
        self._probes, self._late, self._unended = [], False, None
        self._first = True
        if self.left is not None and (rest := self.left + self._timing.rest - now) > 0:
            self._queue.appendleft((Wait(rest), None))

    @property
    def finished(self) -> bool:
        """Whether nothing is under way: no session, or one that awaits a command."""
        return self.state in AWAITS and not self._queue

    @property
    def is_open(self) -> bool:
        """Whether the meter is, or may be, in programming mode."""
        closed = (ReaderState.IDLE, ReaderState.WAKING, ReaderState.REQUESTED)
        return self.state not in closed

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
            self.left = now
            self._step(Step.BREAK)

        self._queue.append((Wait(self._reaction), None))
        self._queue.append((Write(self._coded(data)), signed_off))
        self._back_to_opening_speed(switches)

    def _back_to_opening_speed(self, switches: Sequence[SetSpeed] = ()) -> None:
        opening = self.options.opening_speed
        if switches or self.speed != opening:
            self._queue.append((Wait(self._timing.switch_margin), None))
            self._queue.append((SetSpeed(opening), None))

    # --- receiving -----------------------------------------------------------

    def _quiet_until_now(self) -> None:
        """Count what is no message from here on."""
        self._noise_before = self._receiver.noise
        self._garbled_before = self._receiver.garbled

    def _mode_c(self, now: float) -> None:
        self._quiet_until_now()
        super()._mode_c(now)

    def _readout_over(self) -> None:
        unasked = self.identification is not None and self.identification.mode == "C"
        if unasked and self._mode == "A" and self._first and not self._tries.last:
            # annex A: we may have been too late for its tt, and it is idle now
            self._first = False
            self._step(Step.END)
            self._fail(Trouble.MISHEARD)
            return
        # 6.4.1, 6.4.2: commands may follow the readout, at the opening speed
        if self.speed != self.options.opening_speed:
            self._queue.append((SetSpeed(self.options.opening_speed), None))
        self._events.append(Opened(None))

    def _look_further(self, now: float, *, silent: bool) -> None:
        if self.state in _READOUT:
            super()._look_further(now, silent=silent)
        elif self.state in AWAITS:
            self._receiver.clear()
            self._quiet_until_now()
        elif any(isinstance(action, Write) for action, _ in self._queue):
            self._let_it_end()
        else:
            self._look_for_reply(now, silent=silent)

    def _look_for_reply(self, now: float, *, silent: bool) -> None:
        while found := self._receiver.reply():
            kind, raw = found
            if self._amid_garbage(kind):
                self._noise += len(raw)
            elif self._replied(kind, raw, now):
                return
            else:  # it was for somebody else: the answer may stand behind
                silent = False
            self._bound()
        self._bound()
        if silent:
            self._no_reply()
        elif len(self._receiver):
            self._deadline = now + self._timing.gap

    def _bound(self) -> None:
        """Let no more come that is no answer than an answer of lost STX has."""
        came = self.noise - self._aside
        if came > DATA_LIMIT:
            raise TooMuch(f"no answer among {came} bytes")

    def _amid_garbage(self, kind: Kind) -> bool:
        """Whether it is a character that anything may look like, such as ACK.

        It is believed alone, and behind what a change of direction leaves.
        """
        garbage = self._receiver.garbled - self._garbled_before
        return kind in (Kind.ACK, Kind.NAK) and garbage > _ACK_GARBAGE

    def _replied(self, kind: Kind, raw: bytes, now: float) -> bool:
        """Take a message of the meter, by the state of the session.

        Returns:
            Whether it was meant for us.
        """
        if self.state is ReaderState.PROBED:
            return self._probed(kind, raw)
        if kind in (Kind.BLOCK, Kind.PART) and self._probe is not None:
            self._noise += len(raw)  # another master's answer
            return False
        self._operand(kind, raw)
        return True

    def _no_reply(self) -> None:
        """Nothing more has come in time."""
        if self.state is ReaderState.PROBED:
            self._probe_unanswered()
        else:
            self._no_operand()

    def _let_it_end(self) -> None:
        """More comes while we owe an ACK or a NAK: a block seemed to end too early."""
        self._rested += len(self._receiver)
        self._receiver.clear()
        if self._rested > DATA_LIMIT:
            raise TooMuch(f"an answer without an end: {self._rested} bytes so far")
        self._rest_anew()

    def _repeat(self, trouble: Trouble) -> None:
        """Ask for the last answer once more (6.3.5)."""
        self._naks += 1
        self._events.append(Retried(trouble, "asked for the answer again with NAK"))
        self._rested = 0
        self._receiver.clear()
        self._quiet_until_now()
        self._queue.append((Wait(self._reaction), None))
        self._send(NAK, Step.NAK, self._timing.repeat_answer)

    def _chars(self, raw: bytes) -> bytes:
        """A message without its parity bits."""
        return parity.strip(raw) if self.parity is Parity.EVEN else raw

    # --- P0 ------------------------------------------------------------------

    def _operand(self, kind: Kind, raw: bytes) -> None:
        """Take P0, or what some meters send in its place (protocol practice)."""
        if kind is Kind.ACK:
            self._step(Step.ACK, ours=False)
            self._deadline = None
            self._events.append(Opened(None))
        elif kind is Kind.COMMAND:
            self._take_operand(raw)
        elif kind is Kind.NAK:
            self._detail = "NAK"
            self._fail(Trouble.REFUSED)
        elif self._first and not self._tries.last:
            self._first = False  # the option select may have been damaged
            self._fail(Trouble.MISHEARD)
        else:
            self._unended = self.speed  # or its P0 was damaged beyond recognition
            self._close()
            raise RefusedError(
                "the meter reads out instead of entering programming mode",
                "it may not offer it at this port, or want another --option",
            )

    def _take_operand(self, raw: bytes) -> None:
        try:
            command = Command.from_bytes(self._chars(raw))
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

    def _no_operand(self) -> None:
        """P0 did not come (protocol practice: some meters skip it).

        A character or two that could not be read were an ACK at the opening speed.
        Complete silence may be a lost option select: that is tried again first.  More
        of them are a readout at the opening speed, since the option select was damaged,
        or P0 there, where the meter stays at it: no password is sent into that.
        """
        last = self._tries.last
        garbage = self._receiver.noise - self._noise_before + len(self._receiver)
        if self._probe is not None:
            speeds = dict.fromkeys([self.speed, self.options.opening_speed])
            if not self.options.adjustable:
                speeds = {self.speed: None}
            self._asked = Trouble.NO_ANSWER
            if self._receiver.noise or len(self._receiver):
                self._asked = Trouble.WRONG_SPEED
            self._agreed = self.speed
            self._send_probes([(speed, self._tries.parity) for speed in speeds])
        elif garbage > _ACK_GARBAGE:
            if not self._first and self._moved:
                self._other_speed()
            self._first = False
            self._detail = f"{garbage} characters in place of P0"
            self._fail(Trouble.MISHEARD)
        elif garbage or last:
            self._receiver.clear()
            self._step(Step.ACK, ours=False)
            self._events.append(Opened(None))
        else:
            self._fail(Trouble.NO_ANSWER)

    def _fail(self, trouble: Trouble) -> None:
        selected = self.state in _SELECTED
        speed = self._agreed or self.speed
        try:
            super()._fail(trouble)
        except IecReadError:
            if selected:
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
        self._tries.parities = (as_sent,)
        self._send(self._coded(data), Step.PROBE, self._timing.request_answer)

    def _probed(self, kind: Kind, raw: bytes) -> bool:
        """An answer, whatever it says, comes from a session that is open."""
        if kind is Kind.ACK:
            self._noise += len(raw)
            return False
        if self._receiver.parity is None:
            even = not raw.isascii() and not parity.errors(raw)
            self._receiver.parity = Parity.EVEN if even else Parity.NONE
        operand = None
        if kind is Kind.COMMAND:
            chars = self._chars(raw)
            name = Command.from_bytes(chars).name if len(chars) > 3 else ""
            if name != "P0":  # it ends its session, or another one
                self._probe_unanswered()
                return True
            self._step(Step.OPERAND, ours=False)
            operand = ""
        else:
            self._step(Step.NAK if kind is Kind.NAK else Step.BLOCK, ours=False)
        self._probes, self._deadline, self._late = [], None, True
        self._events.append(Opened(operand))
        return True

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
        self._tries.parities = self.options.send_parity
        self._open()
