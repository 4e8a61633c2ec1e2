"""Listening to meters that talk by themselves: mode D and P1 (6.4.4).

ListenEngine is driven like ReaderEngine and never sends.  Each telegram comes as
the events Identified and BlockReceived.  Where several speeds are given they are
tried in turn until a telegram has come; noise and telegrams whose beginning was
missed are dropped and counted.  A telegram whose check is wrong is dropped with the
event Retried, unless a whole one is found within it: its beginning was noise, or the
end of the one before is lost.
"""

import re
from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING

from iecread.errors import IecReadError, NoAnswerError, RemoteProtocolError
from iecread.protocol import parity
from iecread.protocol.actions import (
    Action,
    BlockReceived,
    Event,
    Identified,
    Retried,
    SetSpeed,
    Trouble,
)
from iecread.protocol.messages import Identification
from iecread.protocol.parity import Parity
from iecread.protocol.receiver import Receiver
from iecread.protocol.state import READER, ReaderState, Step, advance

if TYPE_CHECKING:  # imported when a telegram has come
    from iecread.protocol.telegrams import Telegram

# 6.4.4 has 2400 Bd for mode D; push meters send at 9600, P1 from version 4 at 115200
PUSH_SPEEDS = (9600, 115200, 2400)
_TURN = 11.0  # s at one speed; telegrams come every 1 to 10 s (P1 2.2 to 5)
_GARBLED = 256  # bytes without an identification: another speed
_ENDLESS = 16384  # bytes of a telegram without an end: no telegram
_STARTS = 8  # places in a damaged telegram where a whole one may begin
_START = re.compile(rb"/(?=[A-Za-z]{3})")


def heard(telegrams: "Sequence[Telegram]") -> "Telegram":
    """Return which of the telegrams found in the bytes of one was heard to its end.

    It is the last with data: what stands before was cut off by it.
    """
    whole = [telegram for telegram in telegrams if telegram.data_sets]
    return (whole or telegrams)[-1]


class ListenEngine:
    """Hears telegrams.

    Args:
        speeds: speeds to listen at, in turn, in Bd; the first is the line's now.
        patience: seconds without a telegram after which to give up; None: never.
        gap: seconds of silence that end a telegram without a line end.
        receive_parity: how to read bit 7; None to find out telegram by telegram.
        check: which check is right, as for ``decode``; ``off``: none is looked at.

    Attributes:
        state: where the session stands.
        speed: speed of the line now, in Bd.
        parity: how bit 7 is read, as given.
        noise: bytes that were no part of a telegram.
        damaged: telegrams of a wrong check since the last that was right.
    """

    mode = "D"
    check_kind = None
    parity_errors = 0

    def __init__(
        self,
        speeds: Sequence[int],
        *,
        patience: float | None = None,
        gap: float = 3.0,
        receive_parity: Parity | None = None,
        check: str = "auto",
    ) -> None:
        self.state = ReaderState.IDLE
        self.speed = speeds[0]
        self.parity = receive_parity
        self.damaged = 0
        self._check = check
        # Who sends checks, and so sends them always
        self._checks: Identification | None = None
        self._odd_end = False  # whether something else than a check stood behind "!"
        self._cut = 0  # bytes cut off ahead of whole telegrams
        self._speeds = tuple(speeds)
        self._patience = patience
        self._gap = gap
        self._receiver = Receiver(receive_parity)
        self._queue: deque[Action] = deque()
        self._events: deque[Event] = deque()
        self._deadline: float | None = None
        self._end: float | None = None  # when patience is over
        self._turn = 0.0  # when to try the next speed
        self._garbled = 0  # bytes at this speed without a telegram
        self._noise = 0  # noise up to the last telegram, but for glitches

    @property
    def data_speed(self) -> int:
        """Speed of the telegrams, in Bd."""
        return self.speed

    @property
    def noise(self) -> int:
        """Bytes that were no part of a telegram."""
        return self._receiver.noise + self._cut

    @property
    def finished(self) -> bool:
        """Whether listening is over."""
        return self.state is ReaderState.IDLE

    def start(self, now: float) -> None:
        """Begin to listen.

        Raises:
            LocalProtocolError: it is listening.
        """
        self._step(Step.LISTEN)
        self._end = None if self._patience is None else now + self._patience
        self._listen_at(self._speeds[0], now)

    def next_action(self) -> Action | None:
        """Return what is to be done next, without taking it off the list."""
        return self._queue[0] if self._queue else None

    def action_done(self, now: float) -> None:
        """Say that what ``next_action`` gave has been carried out."""
        action = self._queue.popleft()
        if isinstance(action, SetSpeed):
            self.speed = action.baud

    def deadline(self) -> float | None:
        """Return when ``handle_timeout`` is due, or None."""
        return self._deadline

    def events(self) -> list[Event]:
        """Return what happened since the last call."""
        happened = list(self._events)
        self._events.clear()
        return happened

    def receive_data(self, data: bytes, now: float) -> None:
        """Take in bytes as they came from the line.

        Raises:
            RemoteProtocolError: it is another protocol, or patience is over.
        """
        self._receiver.feed(data)
        self._garbled += len(data)
        self._take_telegrams(now, silent=False)
        try:
            self._receiver.refuse_sml()
        except RemoteProtocolError:
            self._step(Step.END)
            raise
        self._go_on(now)

    def handle_timeout(self, now: float) -> None:
        """Say that the deadline has passed.

        Raises:
            NoAnswerError: patience is over and nothing came.
            RemoteProtocolError: patience is over and only noise came.
        """
        self._take_telegrams(now, silent=True)
        self._receiver.clear()
        self._go_on(now)

    def _step(self, step: Step, *, ours: bool = True) -> None:
        self.state = advance(READER, self.state, step, ours=ours)

    def _listen_at(self, speed: int, now: float) -> None:
        if speed != self.speed:
            self._queue.append(SetSpeed(speed))
        self._receiver.clear()
        self._garbled, self._turn = 0, now + _TURN
        self._set_deadline(now)

    def _set_deadline(self, now: float) -> None:
        """End of a telegram that has begun, next speed, or giving up."""
        if self._receiver.identification_begun:
            self._deadline = now + self._gap
            return
        moments = [] if self._end is None else [self._end]
        if len(self._speeds) > 1:
            moments.append(self._turn)
        self._deadline = min(moments, default=None)

    def _take_telegrams(self, now: float, *, silent: bool) -> None:
        while (came := self._receiver.telegram(silent=silent)) is not None:
            raw = self._undamaged(came)
            if raw is None:
                self._drop(came, now)
                continue
            self._cut += len(came) - len(raw)
            line = parity.strip(raw).replace(b"\n", b"\r").partition(b"\r")[0]
            self._step(Step.TELEGRAM, ours=False)
            self._events.append(Identified(Identification.from_bytes(line), raw))
            self._events.append(BlockReceived(raw))
            self._speeds, self._garbled, self.damaged = (self.speed,), 0, 0
            self._noise = self._receiver.garbled
            if self._patience is not None:
                self._end = now + self._patience

    def _undamaged(self, raw: bytes) -> bytes | None:
        """Return the telegram, or the whole one in its end; None if it is damaged."""
        verdict = self._verdict(raw)
        if verdict != "wrong":
            return raw
        starts = [m.start() for m in _START.finditer(parity.strip(raw), 1)]
        ends = (raw[start:] for start in starts[-_STARTS:])
        return next((end for end in ends if self._verdict(end) == "right"), None)

    def _verdict(self, raw: bytes) -> str:
        """Say whether the check is ``right``, ``wrong``, or there is ``none``.

        It is wrong too where a meter that has sent one sends none, or where there is
        something in its place, until that comes twice; and so is a telegram that says
        nothing.
        """
        from iecread.protocol.telegrams import decode

        telegrams = decode(raw, check=self._check, parity=self.parity)
        if not any(telegram.data_sets for telegram in telegrams):
            return "wrong"
        telegram = heard(telegrams)
        who = telegram.identification
        check = telegram.block_check.value
        if check.startswith("ok"):
            self._checks = who
            return "right"
        if check == "absent":
            bare = parity.strip(raw).rstrip(b"\r\n").endswith(b"!")
            if self._checks:
                return "none" if bare and who != self._checks else "wrong"
            if not bare and not self._odd_end:
                self._odd_end = True  # a damaged CRC, or this meter's manner
                return "wrong"
        return "wrong" if check == "bad" else "none"

    def _drop(self, raw: bytes, now: float) -> None:
        """Leave out a damaged telegram; that it came speaks for the speed."""
        self.damaged += 1
        self._garbled, self._turn = 0, now + _TURN
        words = f"telegram of {len(raw)} bytes dropped, listening on"
        self._events.append(Retried(Trouble.BLOCK_CHECK, words))

    def _go_on(self, now: float) -> None:
        """Give up, listen at another speed, or wait for more."""
        begun = self._receiver.identification_begun and self._garbled <= _ENDLESS
        if self._end is not None and now >= self._end and not begun:
            self._receiver.clear()
            self._step(Step.SILENCE)
            raise self._nothing()
        wrong = not begun and (now >= self._turn or self._garbled > _GARBLED)
        if len(self._speeds) > 1 and wrong:
            first, *others = self._speeds
            self._speeds = (*others, first)
            self._listen_at(others[0], now)
        else:
            self._set_deadline(now)

    def _nothing(self) -> IecReadError:
        if self.damaged:
            what = "a telegram" if self.damaged == 1 else f"{self.damaged} telegrams"
            return RemoteProtocolError(
                f"{what} came, and no check was right",
                "check the plug and the cable; --bcc off shows them as unchecked",
            )
        noise = self._receiver.garbled - self._noise
        if noise:
            return RemoteProtocolError(
                f"{noise} bytes came, but no telegram",
                "try another --baud (9600, 115200, 2400) or --framing",
            )
        return NoAnswerError(
            "no telegram came",
            "check the port and its request line; other speeds: --baud 115200",
        )
