"""Asking who is there, and no more: the reader's side of an opening request.

IdentifyEngine opens a session as a readout does - wake-up, parity, repeats - and stops
at the identification.  Nothing but opening requests and their wake-up messages is
ever sent: no option select, no ACK, no NAK, no break, so that no meter is led
anywhere.  The meter goes back by itself: in mode C when tt is over (6.4.3; annex A:
some read out at 300 Bd then), in modes A and B behind the readout that follows at
once.  The line is left alone meanwhile, and what comes is kept, because a second
identification or a broken one tells that several meters answered.
"""

import re

from iecread.errors import RemoteProtocolError
from iecread.protocol import parity
from iecread.protocol.actions import Done, Wait, Write
from iecread.protocol.messages import NUL
from iecread.protocol.opening import OpeningEngine
from iecread.protocol.options import ReaderOptions
from iecread.protocol.parity import Parity
from iecread.protocol.receiver import GLITCH
from iecread.protocol.state import ReaderState, Step

LEAVE = 2.5  # s: tt, at most 2.2, then at least tr until it reads out by itself (6.4.3)
_EARLY = 1.3  # s: a meter in mode C says nothing before tt, at least 1.5, is over
_TALK = 0.5  # s; how long to listen to a meter that talks on, for another's answer
_KEPT = 4096  # bytes of what comes before the identification, and behind it

_LONGEST = 64 << 10  # the same, where we wait for it to end
_NEVER_QUIET = 32 << 10  # bytes that come while the line is to be quiet

# 6.3.2: an identification is printable; field practice has an STX in it, and 8-bit
# letters where there is no parity
_ODD = re.compile(rb"[\x00\x01\x03-\x1f\x7f]")
_ANOTHER = re.compile(rb"/[A-Za-z]{3}[^\r\n!]{0,64}")


class NeverQuietError(RemoteProtocolError):
    """The line does not fall silent, so that nothing may be asked."""


class IdentifyEngine(OpeningEngine):
    """Sends opening requests until somebody answers; ends with the event Done.

    Args:
        options: of the session; what is said of blocks does not matter.
        until_quiet: whether to wait, once the meter has answered, until it sends no
            more, as another request on the line demands.
        quiet: seconds for which the line must have been quiet before a request.

    Attributes:
        requests: how many were sent.
        woken: whether a wake-up message was sent before the last one.
        answer: seconds from the end of the last request to the first character of
            the answer; None before one came.
    """

    def __init__(
        self,
        options: ReaderOptions,
        *,
        until_quiet: bool = False,
        quiet: float = 0.0,
    ) -> None:
        super().__init__(options)
        self._quiet = quiet
        self._before = 0  # bytes that came before the request
        self.requests = 0
        self.woken = False
        self.answer: float | None = None
        self._until_quiet = until_quiet
        self._leaving = False
        self._ahead = bytearray()  # what came before the identification
        self._late = bytearray()  # and behind it
        self._late_count = self._early = 0
        self._identified = 0.0
        self._out: float | None = None  # when the last request was out
        self._first: float | None = None  # when anything came since

    @property
    def talks(self) -> bool:
        """Whether the meter sends something behind its identification."""
        return self._late_count > 2 and not self.crowded

    @property
    def at_once(self) -> bool:
        """Whether data came where a meter in mode C waits to be selected."""
        early = parity.strip(bytes(self._late))[: self._early]
        return self.mode == "C" and b"(" in early and b")" in early

    @property
    def unasked(self) -> bool:
        """Whether it is a meter that talks by itself: it said all of it again."""
        return self.at_once and bool(self._others) and not self.others

    @property
    def others(self) -> tuple[str, ...]:
        """Identifications of others in the answer: there are several meters."""
        own = self.identification.text if self.identification else ""
        again = self.at_once  # what says the same again is the same meter
        return tuple(text for text in self._others if not (again and text == own))

    @property
    def crowded(self) -> bool:
        """Whether more than one meter answered, as far as can be told."""
        cut_off = self.mode == "C" and self._early > 2 and not self.at_once
        return bool(self.others) or cut_off

    @property
    def _others(self) -> list[str]:
        """The texts before and behind the identification that could be another."""
        even = self.parity is Parity.EVEN
        found = []
        for data in (bytes(self._ahead), bytes(self._late)):
            for match in _ANOTHER.finditer(parity.strip(data)):
                if not (even and parity.errors(data[match.start() :][:4])):
                    found.append(match[0].decode("ascii"))
        return found

    @property
    def echo(self) -> bool:
        """Whether our own characters come back."""
        return self._echo.seen

    @property
    def asked_with(self) -> Parity:
        """What the last request was sent with."""
        return self._tries.parity

    def leave(self) -> None:
        """Wait no longer for the meter to have gone back."""
        if self._leaving:
            self._leaving, self._deadline = False, None
            self._events.append(Done())

    def receive_data(self, data: bytes, now: float) -> None:
        """Take in bytes as they came from the line.

        Raises:
            RemoteProtocolError: they, or all tries together, are beyond repair.
        """
        if self._leaving:
            self._keep(data, now)
            return
        if self._awaits_quiet:
            self._before += len(data)
            self._noise += len(data)
            if self._before > _NEVER_QUIET:
                self._close()
                raise NeverQuietError(
                    f"the line does not fall silent: {self._before} bytes so far",
                    "noise, or a meter that talks by itself: try `iecread listen`",
                )
            self._rest_anew()
            return
        self._ahead += data[: _KEPT - len(self._ahead)]
        before = self._received
        if self._first is None:
            self._first = now
        super().receive_data(data, now)
        if before == 0 and self._received and self._out is not None:
            # the first character may be taken for an echo until the second comes
            begun = now if self._echo.complete else self._first
            self.answer = max(0.0, begun - self._out)

    def handle_timeout(self, now: float) -> None:
        """Say that the deadline has passed.

        Raises:
            NoAnswerError: nobody answered.
            RemoteProtocolError: what came was no identification.
        """
        if self._leaving:
            self.leave()
        else:
            super().handle_timeout(now)

    def _keep(self, data: bytes, now: float) -> None:
        self._late_count += len(data)
        if self.mode == "C" and now - self._identified < _EARLY:
            self._early += len(data.translate(None, GLITCH))
        self._late += data[: _KEPT - len(self._late)]
        if self._late_count > _LONGEST or self.unasked:
            self.leave()
        elif self._until_quiet:
            self._deadline = now + LEAVE
        elif self._deadline is not None and not self._early:
            self._deadline = min(self._deadline, now + _TALK)

    def _open(self) -> None:
        super()._open()
        self.answer = self._out = self._first = None
        self._ahead.clear()
        self._late.clear()
        self._late_count = self._early = 0
        self._before = 0
        if self._quiet:
            self._queue.appendleft((Wait(self._quiet), None))
        writes = [a.data for a, _ in self._queue if isinstance(a, Write)]
        self.woken = any(data.startswith(NUL) for data in writes)

    @property
    def _awaits_quiet(self) -> bool:
        """Whether the line is to be quiet, and nothing has been sent yet."""
        first = self._queue[0][0] if self._queue else None
        return self.state is ReaderState.IDLE and isinstance(first, Wait)

    def _send(self, data: bytes, step: Step, answer: float) -> None:
        super()._send(data, step, answer)
        action, done = self._queue.pop()

        def sent(now: float) -> None:
            self.requests += 1
            self._out = now + self._wire_time(len(data))
            if done:
                done(now)

        self._queue.append((action, sent))

    def _look_further(self, now: float, *, silent: bool) -> None:
        """Nothing is read behind the identification."""

    def _go_on(self, now: float) -> None:
        """End the session where the reader of a readout would go on."""
        steps = {"A": Step.IDENTIFY_A, "B": Step.IDENTIFY_B, "C": Step.IDENTIFY_C}
        self._step(steps[self.mode], ours=False)
        if self.state is ReaderState.IDENTIFIED:
            self._step(Step.SILENCE)  # annex A: tt passes without an option select
        assert self.identification is not None
        head = self.identification.text.encode("latin-1")
        at = parity.strip(bytes(self._ahead)).rfind(parity.strip(head))
        del self._ahead[max(0, at) :]
        self._step(Step.END)
        self._step(Step.END)
        assert self.state is ReaderState.IDLE
        self._leaving, self._identified = True, now
        self._deadline = now + LEAVE
        if rest := self._receiver.rest():
            self._keep(rest, now)

    def _sign_off(self, speed: int) -> None:
        """Send no break: it is no opening request, and another may be in a session."""


def damaged(raw: bytes, parity_: Parity | None) -> int:
    """Return how many characters of an identification cannot be as they were sent.

    They have wrong parity, or cannot be in one.

    Args:
        raw: the message as it came.
        parity_: how bit 7 is read.
    """
    chars = raw
    if parity_ is Parity.EVEN:
        if wrong := parity.errors(raw):
            return wrong
        chars = parity.strip(raw)
    return len(_ODD.findall(chars.rstrip(b"\r\n")))
