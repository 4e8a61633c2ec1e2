"""Lists of device addresses: ``7,12``, ``1-99``, ``00000001-00000050``, ``@FILE``.

A range keeps the width of its first number where that has leading zeros.  A list is
never written out, so that a range may be as long as it likes.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import accumulate

from iecread import settings

_RANGE = re.compile(r"([0-9]{1,32})-([0-9]{1,32})\Z")
_LONGEST = 4 << 20  # bytes of a file of addresses


@dataclass(frozen=True, slots=True)
class _Part:
    """Addresses that follow one another; ``text`` where it is only one."""

    first: int
    count: int
    width: int
    text: str = ""

    def at(self, index: int) -> str:
        return self.text or f"{self.first + index:0{self.width}d}"


class AddressList:
    """Addresses in the order in which they are to be asked.

    Args:
        words: what was typed, each a list of addresses and ranges.

    Raises:
        ValueError: something is no address, or a range runs backwards.
        OSError: a file cannot be read.
    """

    def __init__(self, words: Iterable[str]) -> None:
        self._parts = [part for word in words for part in _parsed(word)]
        self._ends = list(accumulate(part.count for part in self._parts))
        if not self._parts:
            raise ValueError("there is no address in it")

    def __len__(self) -> int:
        return min(self.count, 1 << 62)

    @property
    def count(self) -> int:
        """How many there are."""
        return self._ends[-1]

    def __getitem__(self, index: int) -> str:
        if not 0 <= index < self.count:
            raise IndexError(index)
        part = bisect_right(self._ends, index)
        before = self._ends[part - 1] if part else 0
        return self._parts[part].at(index - before)

    def __iter__(self) -> Iterator[str]:
        for part in self._parts:
            for index in range(part.count):
                yield part.at(index)

    @property
    def text(self) -> str:
        """The list as it would be typed."""
        return ",".join(
            f"{part.at(0)}-{part.at(part.count - 1)}" if part.count > 1 else part.at(0)
            for part in self._parts
        )


def _parsed(word: str) -> Iterator[_Part]:
    if word.startswith("@"):
        from iecread.statefolder import read_file

        data, _ = read_file(word[1:], _LONGEST)
        for line in data.decode("utf-8-sig").splitlines():
            listed = line.partition("#")[0].strip()
            if listed:
                yield from _listed(listed)
    else:
        yield from _listed(word)


def _listed(text: str) -> Iterator[_Part]:
    for piece in filter(None, (piece.strip() for piece in re.split("[,;]", text))):
        found = _RANGE.match(piece)
        if not found:
            yield _Part(0, 1, 0, settings.address(piece))
            continue
        first, last = int(found[1]), int(found[2])
        if last < first:
            raise ValueError(f"{piece!r} runs backwards")
        width = len(found[1]) if found[1].startswith("0") else 0
        yield _Part(first, last - first + 1, width)
