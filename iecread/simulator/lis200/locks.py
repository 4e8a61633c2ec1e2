"""Locks: who may read and write, and the trap of writing a code to an open lock.

Numbers: 1 calibration, 2 manufacturer, 3 supplier or administrator, 4 customer, 5
data reader, 6 user (lis200.md 6).  Each opens by its code, closes by request, by its
time, or by somebody else.  What happened is kept in books that a test can look into.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

DATA_READER = 5
_FOUR = range(1, 5)  # those that the access byte has bits for


class Replaced(NamedTuple):
    """A code that was written to an open lock.

    Attributes:
        lock: its number.
        old: the code that opened it until then.
        new: the one that does now.
    """

    lock: int
    old: str
    new: str


@dataclass
class Locks:
    """All locks of a device.

    Attributes:
        numbers: which there are.
        codes: of those that a message can open.
        minutes: after which each closes by itself; 0: never.
        opened: the locks that are open, and when they were opened.
        replaced: each code that was written to an open lock, the same one too.
        wrong: each wrong code: lock and code.
        openings: each lock that was opened by its code.
        tries: wrong codes in a row.
        locked_until: when codes are looked at again.
    """

    numbers: tuple[int, ...]
    codes: dict[int, str]
    minutes: dict[int, float] = field(default_factory=dict)
    opened: dict[int, float] = field(default_factory=dict)
    replaced: list[Replaced] = field(default_factory=list)
    wrong: list[tuple[int, str]] = field(default_factory=list)
    openings: list[int] = field(default_factory=list)
    tries: int = 0
    locked_until: float = float("-inf")

    @property
    def open(self) -> frozenset[int]:
        """The locks that are open."""
        return frozenset(self.opened)

    @property
    def changed(self) -> list[Replaced]:
        """Each code that was replaced by another one."""
        return [r for r in self.replaced if r.old != r.new]

    def expire(self, now: float) -> list[int]:
        """Close those whose time is over; return them."""
        over = [
            lock
            for lock, since in self.opened.items()
            if 0 < self.minutes.get(lock, 0.0) * 60 <= now - since
        ]
        for lock in over:
            del self.opened[lock]
        return over

    def close(self, lock: int) -> bool:
        """Close a lock; return whether it was open."""
        return self.opened.pop(lock, None) is not None

    def may_read(self, rights: int) -> bool:
        """Whether an open lock gives the right to read."""
        return any(
            bool(rights & 2 << 2 * (lock - 1)) if lock in _FOUR else rights & 0xAA
            for lock in self.opened
        )

    def may_write(self, rights: int) -> bool:
        """Whether an open lock gives the right to write."""
        return any(
            bool(rights & 1 << 2 * (lock - 1))
            if lock in _FOUR
            else lock == DATA_READER and rights & 0x100
            for lock in self.opened
        )

    def at_least(self, lock: int) -> bool:
        """Whether this lock or one above it is open."""
        return any(other <= lock for other in self.opened)
