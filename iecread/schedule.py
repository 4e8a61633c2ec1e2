"""When to read next: every so often, in step with the clock on the wall.

``--every 15m`` means at :00, :15, :30 and :45 of local time, whenever the program was
started; ``--every 1d`` means midnight.  A run that takes too long leaves the slots out
that it missed.  The wall clock may jump: forward, and slots are left out; back, and
slots come again, but never one right behind the other.  Nothing here sleeps or looks
at a clock but through what ``Timer`` was given.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import NamedTuple

_LOOK = 30.0  # s; how soon a jump of the wall clock is noticed
_LATE = 1.0  # s; a slot that was missed by less has not been missed


def offset_of(name: str, most: float) -> float:
    """Return an offset from 0 to ``most`` seconds, always the same for ``name``.

    Many programs that read at :00 come at one moment to one gateway or database; an
    offset by name spreads them, and the readings stay evenly apart.

    Args:
        name: what tells one program from the others, such as host and file.
        most: the offset is less than that, in seconds.
    """
    from hashlib import sha256

    digest = sha256(name.encode("utf-8", "surrogateescape")).digest()
    return int.from_bytes(digest[:6], "big") / (1 << 48) * most


@dataclass(frozen=True, slots=True)
class Schedule:
    """Slots of time.

    Attributes:
        period: seconds from slot to slot.
        offset: seconds that each slot is behind the round time.
        zone: in whose local time they are round; None for this computer's zone.
    """

    period: float
    offset: float = 0.0
    zone: tzinfo | None = None

    def after(self, moment: float) -> float:
        """Return the first slot later than ``moment``; both in seconds since 1970."""
        now = self._shift(moment)
        # Where clocks are put forward or back within the period, both may hold
        shifts = {now, self._shift(self._slot(moment, now, 0))}
        slots = [
            slot
            for shift in shifts
            for step in range(3)
            if self._shift(slot := self._slot(moment, shift, step)) == shift
        ]
        return min(slots, default=moment + self.period)

    def _slot(self, moment: float, shift: float, step: int) -> float:
        """The first slot behind ``moment``, or a later one, where local time is so."""
        number = (moment - self.offset + shift) // self.period + 1 + step
        return number * self.period + self.offset - shift

    def _shift(self, moment: float) -> float:
        """Seconds that local time is ahead of UTC."""
        if self.zone is None:
            local = datetime.fromtimestamp(moment, UTC).astimezone()
        else:
            local = datetime.fromtimestamp(moment, self.zone)
        shift = local.utcoffset()
        return shift.total_seconds() if shift else 0.0


class Slot(NamedTuple):
    """A slot that has come.

    Attributes:
        moment: when it was due, in seconds since 1970.
        missed: how many went by since the one before.
    """

    moment: float
    missed: int


class Timer:
    """Waits for one slot after the other.

    Args:
        schedule: the slots.
        wall: seconds since 1970; may jump.
        monotonic: seconds that never jump.
        sleep: waits so many seconds; what it raises ends the wait.
    """

    def __init__(
        self,
        schedule: Schedule,
        *,
        wall: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._schedule = schedule
        self._wall, self._monotonic, self._sleep = wall, monotonic, sleep
        self._last: float | None = None  # the slot before
        self._began = 0.0  # when it began, by the clock that never jumps

    def next(self) -> float:
        """Return the slot to wait for, in seconds since 1970."""
        now = self._wall()
        if self._last is None:
            return self._schedule.after(now)
        # Set back by a little, the clock comes to the same slot again
        elapsed = self._monotonic() - self._began
        least = now + max(0.0, self._schedule.period / 2 - elapsed)
        return self._schedule.after(least)

    def wait(self) -> Slot:
        """Wait for the next slot and return it."""
        slot = self.next()
        while (left := slot - self._wall()) > 0:
            if left > 1.5 * self._schedule.period + _LATE:  # the clock was set back
                slot = self.next()
                left = max(0.0, slot - self._wall())
            self._sleep(min(left, _LOOK))
        missed = 0
        if self._last is not None:
            missed = self._count(self._last, slot)
        self._last, self._began = slot, self._monotonic()
        return Slot(slot, missed)

    def _count(self, before: float, slot: float) -> int:
        """How many slots lie between two."""
        return max(0, round((slot - before) / self._schedule.period) - 1)
