"""Our own characters coming back: found out, and taken off what comes.

An optical head may see its own light and an RS-485 adapter may hear itself
(IEC 62056-21 does not forbid it).  No answer of a meter begins with what we sent,
but for a lone ACK and the break, so the longest beginning of what comes that equals
what was sent is echo.  Compared are seven bits: parity may be lost on the way.  NULs
before it are let through, and its first character may be damaged or missing, as a
change of direction does it.  Left out: echoes damaged elsewhere, which are noise.
"""

from iecread.protocol import parity

_ENOUGH = 3  # characters; less proves no echo: an ACK may be the meter's own


class EchoFilter:
    """Takes the echo of what was sent off what is received.

    Attributes:
        seen: whether a whole echo has come; from then on one is expected.
        complete: whether the whole echo of the last message has come.
    """

    def __init__(self, expected: bool | None = None) -> None:
        self.seen = bool(expected)
        self.complete = False
        self._off = expected is False
        self._sent = b""  # may still come back; empty if nothing may
        self._next = 0  # index in it of what is to come back next
        self._held = bytearray()  # came, and looks like echo so far

    def sent(self, data: bytes) -> None:
        """Remember what goes out.  NULs of a wake-up message need no memory."""
        chars = parity.strip(data).lstrip(b"\0")
        known = self.seen or len(chars) >= _ENOUGH
        self._sent = chars if known and not self._off else b""
        self._next, self.complete = 0, False
        self._held.clear()

    def cancel(self, data: bytes) -> bytes:
        """Return ``data`` without the echo in it."""
        if not self._sent:
            return data
        passed = bytearray()
        for at, (byte, char) in enumerate(zip(data, parity.strip(data), strict=True)):
            if char == self._sent[self._next]:
                self._held.append(byte)
                self._next += 1
            elif self._next == 0 and char == 0:
                passed.append(byte)
            elif self._next or len(self._sent) < _ENOUGH:
                return self._close(passed, data[at:])
            elif char == self._sent[1]:  # the first character is missing
                self._held.append(byte)
                self._next = 2
            else:  # or damaged; where no echo is certain it may be an answer
                (self._held if self.seen else passed).append(byte)
                self._next = 1
            if self._next == len(self._sent):
                self.seen = self.complete = True
                self._held.clear()
                return self._close(passed, data[at + 1 :])
        return bytes(passed)

    def absent(self) -> None:
        """An answer came without an echo before it: the line has none."""
        if not self.seen:
            self._off = True
            self._sent = b""

    def _close(self, passed: bytearray, rest: bytes) -> bytes:
        """Expect no more echo; give back what was taken for it."""
        held, self._sent = bytes(self._held), b""
        self._held.clear()
        return bytes(passed) + held + rest
