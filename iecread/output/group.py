"""Many threads that store at the same moment share one write.

Who comes first for a place writes; who comes while that goes on waits, and the next
write takes all that wait together: a thousand meters that end in one second cost a
few syncs and not a thousand.  Everybody is told only what became of his own item,
and only when it is on the disk.

Left out on purpose: what a write is (``store``, ``sqlite``).
"""

import threading
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from iecread.errors import OutputError

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


class _Entry(Generic[T]):
    """An item, and what became of it."""

    def __init__(self, item: T) -> None:
        self.item = item
        self.done = False
        self.error: Exception | None = None


class _Place(Generic[T]):
    """Who waits for a place, and whether somebody writes there."""

    def __init__(self) -> None:
        self.waiting: list[_Entry[T]] = []
        self.busy = False
        self.users = 0
        self.changed = threading.Condition()


class Groups(Generic[K, T]):
    """Items for any number of places, each written together with others.

    Args:
        write: writes items to a place, all of them or none; one call at a time for
            each place.
        alone: whether what failed for several may succeed for some of them: then
            each is written by itself.
    """

    def __init__(
        self, write: Callable[[K, list[T]], None], alone: Callable[[Exception], bool]
    ) -> None:
        self._write = write
        self._alone = alone
        self._lock = threading.Lock()
        self._places: dict[K, _Place[T]] = {}

    def put(self, key: K, item: T) -> None:
        """Write an item; returns when it is written.

        Raises:
            Exception: what ``write`` raised for it.
        """
        with self._lock:
            place = self._places.setdefault(key, _Place())
            place.users += 1
        try:
            self._put(key, place, _Entry(item))
        finally:
            with self._lock:
                place.users -= 1
                if not place.users:
                    del self._places[key]

    def _put(self, key: K, place: _Place[T], mine: _Entry[T]) -> None:
        with place.changed:
            place.waiting.append(mine)
            while place.busy and not mine.done:
                place.changed.wait()
            if not mine.done:
                place.busy = True
                batch, place.waiting = place.waiting, []
        if not mine.done:
            try:
                self._write_all(key, batch)
            finally:
                with place.changed:
                    for entry in batch:
                        if not entry.done:  # we were interrupted
                            entry.error = OutputError(
                                "the run was stopped while the reading was stored",
                                "it may be stored or not; read the meter again",
                            )
                            entry.done = True
                    place.busy = False
                    place.changed.notify_all()
        if mine.error is not None:
            raise mine.error

    def _write_all(self, key: K, batch: list[_Entry[T]]) -> None:
        try:
            self._write(key, [entry.item for entry in batch])
        except Exception as error:
            if len(batch) > 1 and self._alone(error):
                for entry in batch:
                    self._write_all(key, [entry])
                return
            for entry in batch:
                entry.error = error
        for entry in batch:
            entry.done = True
