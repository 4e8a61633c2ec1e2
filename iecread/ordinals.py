"""Records of an archive by their numbers: new ones, missing ones, and doubles.

LIS-200 devices number records within the archive (AONo, no number is left out) and
over all archives (GONo, TC devices have it alone).  So it is sure, whatever was asked
for and however often a session broke, that no record is taken twice and that a missing
one is noticed.  Where a file ends is a record, too: ``Ordinals(known)`` goes on behind.
Where neither number is there, time and content decide.

Numbers run on when a clock is set back.  They begin anew when a device is reset or the
counter is full; that is believed when a smaller number stands behind the newest one.
Only the newest records are remembered, so memory does not grow.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from enum import Enum
from typing import NamedTuple

REMEMBERED = 2000
"""Records that are remembered."""

_HELD = 1000  # records that may be old or new until the newest known one comes
_MOST_GAPS = 1000
_WRAP = 30_000  # a number that falls by more began anew


class Place(NamedTuple):
    """What a record is known by.

    Attributes:
        number: in its archive; None where there is none.
        total: among all records of the device; None where there is none.
        time: aware.
        stamp: the time as the device wrote it.
    """

    number: int | None
    total: int | None
    time: datetime
    stamp: str

    @property
    def numbered(self) -> bool:
        """Whether it has a number."""
        return self.number is not None or self.total is not None


class Missing(NamedTuple):
    """Records that should be between two others and are not.

    Attributes:
        first: number of the first of them.
        last: number of the last.
        start: time of the record before.
        end: time of the record behind.
    """

    first: int
    last: int
    start: datetime
    end: datetime

    @property
    def size(self) -> int:
        """How many they are."""
        return self.last - self.first + 1


class Verdict(Enum):
    """What a record is in the course of its archive."""

    NEW = "new"
    LAST = "the one where the file ends"
    REPEATED = "repeated"
    DIFFERENT = "other content under a known number"
    HELD = "old or new, not known yet"


class Ordinals:
    """Follows one archive record by record.

    Args:
        known: the newest record that is there already; None: there is none.

    Attributes:
        last: the newest record.
        missing: what is missing, in the order found.
        different: times of records that came again with other content.
        repeated: how many came twice and are left out.
        restarts: times at which numbers began anew.
    """

    def __init__(self, known: Place | None = None) -> None:
        self.last = known
        self.missing: list[Missing] = []
        self.different: list[datetime] = []
        self.repeated = 0
        self.restarts: list[datetime] = []
        self._known = known
        self._seen = known is None  # whether the newest known record came by
        self._filling = False
        self._held = 0
        self._recent: dict[object, int] = {}

    def take(self, place: Place, content: Sequence[str]) -> Verdict:
        """Say what the next record is.

        Args:
            place: numbers and time.
            content: its brackets, as sent.
        """
        key = self._key(place, content)
        digest = hash(tuple(content))
        before = self._recent.get(key)
        if before is not None:
            self._seen = self._seen or self._is_last(place)
            if before == digest:
                self.repeated += 1
                return Verdict.REPEATED
            self._remember(key, digest)
            self.different.append(place.time)
            return Verdict.DIFFERENT
        if self._known is not None and self._same(place, self._known):
            self._seen = True
            self._remember(key, digest)
            return Verdict.LAST
        if self._filling:
            return self._fill(place, key, digest)
        if not self._newer(place):
            return self._older(place, key, digest)
        self._accept(place, key, digest)
        return Verdict.NEW

    def take_unsure(self, content: Sequence[str]) -> Verdict:
        """Say what a record is whose numbers may be wrong: only its content tells."""
        key, digest = tuple(content), hash(tuple(content))
        if self._recent.get(key) == digest:
            self.repeated += 1
            return Verdict.REPEATED
        self._remember(key, digest)
        return Verdict.NEW

    def begin_anew(self, time: datetime) -> None:
        """Say that the HELD records, which are taken again now, are new.

        Args:
            time: of the first of them.
        """
        self.restarts.append(time)
        self.last = None
        self._seen, self._held = True, 0

    @property
    def held_are_new(self) -> bool:
        """Whether so many were HELD that the known record cannot come any more."""
        return self._held >= _HELD

    @property
    def known_came(self) -> bool:
        """Whether the newest record that was known came by, or none was known."""
        return self._seen

    def again(self) -> None:
        """Say that the range is asked for again, from the newest record on."""
        self._seen = self.last is None
        self._held = 0

    def fill(self, gaps: bool) -> None:
        """Say that missing records are asked for by number, or that this is over."""
        self._filling = gaps

    # --- inside --------------------------------------------------------------

    def _key(self, place: Place, content: Sequence[str]) -> object:
        if place.numbered:
            return place.number, place.total
        return place.stamp, tuple(content)

    def _same(self, place: Place, known: Place) -> bool:
        """Whether a record is the one where a file ends, which may lack a number."""
        pairs = [(place.number, known.number), (place.total, known.total)]
        both = [(a, b) for a, b in pairs if a is not None and b is not None]
        if any(a != b for a, b in both):
            return False
        return len(both) == 2 or place.time == known.time

    def _is_last(self, place: Place) -> bool:
        last = self.last
        return last is not None and (place.number, place.total) == last[:2]

    def _newer(self, place: Place) -> bool:
        last = self.last
        if last is None:
            return True
        for number, before in ((place.total, last.total), (place.number, last.number)):
            if number is not None and before is not None:
                return number > before or before - number > _WRAP
        return place.time >= last.time if self._seen else place.time > last.time

    def _older(self, place: Place, key: object, digest: int) -> Verdict:
        last = self.last
        assert last is not None
        if not place.numbered:
            self.repeated += 1
            return Verdict.REPEATED
        if self._seen and place.time >= last.time:
            self.restarts.append(place.time)
            self.last = None
            self._accept(place, key, digest)
            return Verdict.NEW
        if not self._seen and place.time > last.time:
            self._held += 1
            return Verdict.HELD
        self.repeated += 1
        return Verdict.REPEATED

    def _accept(self, place: Place, key: object, digest: int) -> None:
        last = self.last
        if last is not None and last.number is not None and place.number is not None:
            if place.number - last.number > 1 and len(self.missing) < _MOST_GAPS:
                gap = (last.number + 1, place.number - 1, last.time, place.time)
                self.missing.append(Missing(*gap))
        self.last = place
        self._seen = True
        self._remember(key, digest)

    def _fill(self, place: Place, key: object, digest: int) -> Verdict:
        number = place.number
        for at, gap in enumerate(self.missing):
            if number is not None and gap.first <= number <= gap.last:
                self.missing[at : at + 1] = list(_without(gap, number, place.time))
                self._remember(key, digest)
                return Verdict.NEW
        self.repeated += 1
        return Verdict.REPEATED

    def _remember(self, key: object, digest: int) -> None:
        self._recent[key] = digest
        if len(self._recent) > REMEMBERED:
            del self._recent[next(iter(self._recent))]


def _without(gap: Missing, number: int, time: datetime) -> Iterator[Missing]:
    """What is left of a gap when one of its records has come."""
    if gap.first < number:
        yield Missing(gap.first, number - 1, gap.start, time)
    if number < gap.last:
        yield Missing(number + 1, gap.last, time, gap.end)


def is_older(place: Place, other: Place) -> bool:
    """Whether a record is older than another one, by its numbers.

    Missing records that come late stand behind newer ones in a file.
    """
    pairs = ((place.total, other.total), (place.number, other.number))
    for number, before in pairs:
        if number is not None and before is not None:
            return 0 < before - number <= _WRAP and place.time < other.time
    return False
