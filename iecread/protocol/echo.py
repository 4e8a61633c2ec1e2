"""Our own characters coming back: found out, and taken off what comes.

An optical head may see its own light and an RS-485 adapter may hear itself
(IEC 62056-21 does not forbid it).  No answer of a meter begins with what we sent,
but for a lone ACK and the break, so the longest beginning of what comes that equals
what was sent is echo.  Compared are seven bits: parity may be lost on the way.
"""

from iecread.protocol import parity


class EchoFilter:
    """Takes the echo of what was sent off what is received.

    Attributes:
        seen: whether a whole echo has come; from then on one is expected.
    """

    def __init__(self, expected: bool | None = None) -> None:
        self.seen = bool(expected)
        self._off = expected is False
        self._open = bytearray()  # sent, not yet come back
        self._held = bytearray()  # came, equal to what was sent so far

    @property
    def waiting(self) -> bool:
        """Whether an echo may still come."""
        return bool(self._open)

    def sent(self, data: bytes) -> None:
        """Remember what goes out.  NULs of a wake-up message need no memory."""
        self._held.clear()
        self._open[:] = b"" if self._off else parity.strip(data).strip(b"\0")

    def cancel(self, data: bytes) -> bytes:
        """Return ``data`` without the echo in it."""
        if not self._open:
            return data
        came = bytes(self._held) + data
        chars = parity.strip(came)
        skip = len(chars) - len(chars.lstrip(b"\0"))
        wanted = bytes(self._open)
        # one leading character may be damaged
        for first in (0, 1):
            start = skip + first
            size = min(len(chars) - start, len(wanted) - first)
            if size <= 0 and first:
                break
            if chars[start : start + size] == wanted[first : first + size]:
                if size == len(wanted) - first:
                    if first and size < 2:
                        break  # too little to tell
                    self.seen = self.seen or size > 1  # ACK and NAK teach nothing
                    self._open.clear()
                    self._held.clear()
                    return came[start + size :]
                self._held[:] = came
                return b""
        self._open.clear()
        self._held.clear()
        return came
