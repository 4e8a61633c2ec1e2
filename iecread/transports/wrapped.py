"""A transport around another one, for what is to be noticed or done besides.

A subclass says what it does otherwise; all else goes to the line inside, whose name
and kind it has.
"""

from iecread.transports import Transport


class Wrapped:
    """A Transport; see there.

    Args:
        inner: the open line inside.
    """

    def __init__(self, inner: Transport) -> None:
        self._inner = inner
        self.name, self.kind, self.latency = inner.name, inner.kind, inner.latency

    def open(self) -> None:
        """Open the line inside."""
        self._inner.open()

    def read(self, wait: float) -> bytes:
        """Return what has arrived there."""
        return self._inner.read(wait)

    def write(self, data: bytes) -> None:
        """Hand ``data`` over."""
        self._inner.write(data)

    def drain(self) -> None:
        """Wait until it was sent."""
        self._inner.drain()

    def set_speed(self, baud: int) -> None:
        """Set both directions to ``baud`` Bd."""
        self._inner.set_speed(baud)

    def close(self) -> None:
        """Close the line inside."""
        self._inner.close()
