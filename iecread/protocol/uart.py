"""Characters on the line, bit by bit: what a receiver at another speed makes of them.

A character is a start bit (0), eight bits from the lowest on (seven and parity, 5.1)
and a stop bit (1).  A receiver begins with the edge of a start bit and looks at the
middle of each bit; where it finds no stop bit it waits for the line to be at rest.
All times are whole numbers, so that nothing is rounded.  Left out: the capture of
flanks in between, and what a driver does with characters that have no stop bit: here,
as with pyserial, they are handed on.
"""

_BITS = 10  # start, eight, stop
_FRAMES = [bytes((0, *(byte >> bit & 1 for bit in range(8)), 1)) for byte in range(256)]


class Misreader:
    """A receiver at one speed on a line where characters come at another.

    Args:
        sent: the speed of the line, in Bd.
        heard: that of the receiver.
    """

    def __init__(self, sent: int, heard: int) -> None:
        # units of time: a bit of the line lasts 2 * heard, one of the receiver
        # 2 * sent, so that the middle of each is a whole number
        self._sent_bit, self._bit = 2 * heard, 2 * sent
        self._levels = bytearray()  # what has not been looked at yet
        self._begin = 0  # when the first of them begins
        self._at = 0  # where to look for the next start bit
        self._resting = True  # whether the line was at rest there

    def feed(self, data: bytes) -> bytes:
        """Return what can be told of characters that follow at once.

        Args:
            data: the characters as they were sent.
        """
        self._levels += b"".join(map(_FRAMES.__getitem__, data))
        return self._receive(over=False)

    def flush(self) -> bytes:
        """Return the rest: the line is at rest behind what came."""
        found = self._receive(over=True)
        self._levels.clear()
        self._begin, self._at, self._resting = 0, 0, True
        return found

    def _receive(self, *, over: bool) -> bytes:
        found = bytearray()
        levels, begin, sent = self._levels, self._begin, self._sent_bit
        known = len(levels)
        if over:
            levels = levels + b"\x01" * (_BITS * (self._bit // sent + 1))  # at rest
        end, bit = begin + len(levels) * sent, self._bit
        at, resting = self._at, self._resting
        while True:
            index = (at - begin) // sent
            if index >= known:
                break
            if not resting:
                index = levels.find(1, index)  # each character ends in a stop bit
                resting = True
            edge = levels.find(0, index)
            if edge < 0:
                at = end
                break
            start = max(at, begin + edge * sent)  # it may have begun before
            middle = start + bit // 2
            stop = middle + (_BITS - 1) * bit
            if stop >= end:
                at = start
                break
            if levels[(middle - begin) // sent]:
                at = middle  # too short for a start bit
                continue
            byte = 0
            for n in range(8):
                middle += bit
                byte |= levels[(middle - begin) // sent] << n
            found.append(byte)
            at, resting = stop, bool(levels[(stop - begin) // sent])
        self._at, self._resting = at, resting
        self._forget()
        return bytes(found)

    def _forget(self) -> None:
        """Drop the levels that nobody will look at any more."""
        count = (self._at - self._begin) // self._sent_bit
        count = max(0, min(count, len(self._levels)))
        del self._levels[:count]
        self._begin += count * self._sent_bit


def misread(data: bytes, sent: int, heard: int) -> bytes:
    """Return what a receiver makes of characters that follow one another.

    Args:
        data: the characters as they were sent, eight bits each.
        sent: the speed that they were sent at, in Bd.
        heard: the speed of the receiver.
    """
    reader = Misreader(sent, heard)
    return reader.feed(data) + reader.flush()
