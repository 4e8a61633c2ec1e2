"""A line that is lost and comes back: an adapter plugged in again, a gateway restarted.

``Steady`` opens the line of a meter and opens it again when it was lost, under the
same name, with pauses that grow up to a bound.  It says once that the line is lost
and once that it is back, and what else keeps it from being opened meanwhile.  Back is
a line that says something or stays: some gateways take a call and hang up at once.
A silent line is lost too where its name has come to mean another device, or none.
Left out: what is wrong with a meter whose line is there.
"""

import math
import os
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from iecread.errors import IecReadError, PortBusyError, PortError, PortGoneError
from iecread.transports.porterrors import lost
from iecread.transports.wrapped import Wrapped

if TYPE_CHECKING:
    from iecread.readings import Readout
    from iecread.session import Meter
    from iecread.transports import Transport

FIRST_PAUSE = 0.5
"""Seconds before a lost line is opened again; doubled for each further attempt."""

LONGEST_PAUSE = 30.0
"""Seconds that such a pause has at most."""

_STAYS = 2.0  # seconds that a line stays open if it is there
_LOOK = 1.0  # seconds of silence after which its name is looked at
_LOOKS = 2  # that find another device: udev may just be making its links anew


def _nothing(*words: object) -> None:
    """Say nothing."""


class Steady:
    """The line of a meter, opened again when it was lost.

    Args:
        meter: the meter; not opened by others.
        on_lost: called once with the error when the line is lost.
        on_back: called with the seconds that it was away, once it is back.
        on_trouble: called with an error that is no absence, such as a missing
            permission, when it keeps the line from being opened again; once for each.
        sleep: waits so many seconds; what it raises ends the wait.
        monotonic: seconds that never jump.

    Attributes:
        away: the error that the line was lost with; None while it is there.
    """

    def __init__(
        self,
        meter: "Meter",
        *,
        on_lost: Callable[[PortError], None] = _nothing,
        on_back: Callable[[float], None] = _nothing,
        on_trouble: Callable[[PortError], None] = _nothing,
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.meter = meter
        self.away: PortError | None = None
        self._on_lost, self._on_back = on_lost, on_back
        self._on_trouble = on_trouble
        self._sleep, self._monotonic = sleep, monotonic
        self._pause = FIRST_PAUSE
        self._since = 0.0  # when it was lost
        self._trouble = self._told = ""  # why it could not be opened; what was told

    def open(self, wait: float = 0.0) -> None:
        """Open the line for the first time.

        Args:
            wait: seconds to wait for a port that is not there, or is held.

        Raises:
            PortError: it cannot be opened; after ``wait`` where time may mend that.
        """
        try:
            self._open(fresh=False)
        except (PortGoneError, PortBusyError):
            if wait <= 0:
                raise
            self._again(self._monotonic() + wait)
        self._pause = FIRST_PAUSE

    def readout(self, only: Sequence[str], until: float) -> "Readout":
        """Open the line, read the meter out, close the line.

        Where the line is not there, or is lost meanwhile, it is done (again) as soon
        as the line is back.

        Args:
            only: as for ``Meter.readout``.
            until: how long to wait for the line, as ``monotonic`` counts.

        Raises:
            PortGoneError: the line was not there until then; told already.
            IecReadError: it could not be read.
        """
        first = True
        while True:
            try:
                if self.away is None:
                    self.meter.open()
                else:
                    self._again(until, at_once=first)
                first = False
                result = self.meter.readout(only)
            except PortGoneError as error:
                self._lost(error)
                if self._monotonic() >= until:
                    raise
            except PortError:
                raise
            except IecReadError:
                self._back()  # the line is there
                raise
            else:
                self._works()
                return result
            finally:
                self.meter.close()

    def listen(self) -> "Iterator[Readout]":
        """Yield each telegram of a meter that talks by itself; the line is open.

        It ends by an error only.  Where the meter has a ``timeout`` a line may be
        away for so long.

        Raises:
            PortGoneError: the line did not come back in time; told already.
            IecReadError: as ``Meter.listen``.
        """
        while True:
            try:
                for readout in self.meter.listen():
                    self._works()
                    yield readout
            except PortGoneError as error:
                self._lost(error)
            self._again(self._since + (self.meter.options.timeout or math.inf))

    def _lost(self, error: PortError) -> None:
        """The line is not there: say so, unless it was said."""
        self.meter.close()
        if self.away is None:
            self._since = self._monotonic()
            self._on_lost(error)
        self.away = error

    def _again(self, until: float, *, at_once: bool = False) -> None:
        """Open the line, again and again until that works, after a pause each time.

        Raises:
            PortError: it did not work until then.
        """
        while True:
            if not at_once:
                left = until - self._monotonic()
                self._sleep(max(0.0, min(self._pause, left)))
                self._pause = min(2 * self._pause, LONGEST_PAUSE)
            at_once = False
            try:
                self._open(fresh=True)
                return
            except PortError as error:
                if self._monotonic() >= until:
                    raise
                self._hindered(error)

    def _hindered(self, error: PortError) -> None:
        """Tell of what is no absence, if it lasts.

        The system needs a moment to give a new device to its group.
        """
        trouble = "" if isinstance(error, PortGoneError) else error.message
        if trouble and trouble == self._trouble != self._told:
            self._told = trouble
            self._on_trouble(error)
        self._trouble = trouble

    def _open(self, *, fresh: bool) -> None:
        """Open the line; a ``fresh`` one has to show whether it is there."""
        meter, wrap = self.meter, self.meter.on_open

        def watched(line: "Transport") -> "Transport":
            line = wrap(line) if wrap else line
            return _Watched(line, self._back if fresh else None, self._monotonic)

        meter.on_open = watched
        try:
            meter.open()
        finally:
            meter.on_open = wrap

    def _back(self) -> None:
        if self.away is not None:
            self.away = None
            self._trouble = self._told = ""
            self._on_back(self._monotonic() - self._since)

    def _works(self) -> None:
        self._back()
        self._pause = FIRST_PAUSE


def _device(name: str) -> int:
    """Return the number of the device that a name leads to, 0 where there is none."""
    try:
        found: int = getattr(os.stat(name), "st_rdev", 0)  # not everywhere
        return found
    except (OSError, ValueError):
        return 0


class _Watched(Wrapped):
    """A transport that tells when it is sure to be there, and notices that it is not.

    Args:
        inner: the transport.
        on_there: called once, when it is sure; None if it is.
        monotonic: seconds that never jump.
    """

    def __init__(
        self,
        inner: "Transport",
        on_there: Callable[[], None] | None,
        monotonic: Callable[[], float],
    ) -> None:
        super().__init__(inner)
        self._on_there = on_there
        self._monotonic = monotonic
        self._sure_at = monotonic() + _STAYS
        self._device = _device(inner.name)  # 0: a URL, or a system without
        self._elsewhere = 0  # looks one behind the other that found another

    def read(self, wait: float) -> bytes:
        most = _LOOK
        if self._on_there:
            most = min(most, max(0.0, self._sure_at - self._monotonic()))
        data = self._inner.read(min(wait, most))
        if not data and wait >= _LOOK:
            self._look()
        if self._on_there and (data or self._monotonic() >= self._sure_at):
            self._on_there()
            self._on_there = None
        return data

    def _look(self) -> None:
        """See whether the name still leads to the device that is open."""
        if _device(self.name) == self._device:
            self._elsewhere = 0
            return
        self._elsewhere += 1
        if self._elsewhere >= _LOOKS:
            raise lost(self.name, "that name is gone, or another device's")
