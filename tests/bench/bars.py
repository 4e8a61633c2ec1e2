"""Ratios, the bars that they must not pass, and how both are shown."""

import gc
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import NamedTuple

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]


class Ratio(NamedTuple):
    """One measured ratio.

    Attributes:
        what: of what to what.
        value: the ratio.
        most: the bar, None where there is none.
        least: what it cannot be below if it was measured rightly.
        digits: decimals to show; None: as the bar asks for.
    """

    what: str
    value: float
    most: float | None = None
    least: float | None = None
    digits: int | None = None

    @property
    def holds(self) -> bool:
        """Whether it keeps to its bars."""
        above = self.least is None or self.value >= self.least
        return above and (self.most is None or self.value <= self.most)

    def line(self) -> str:
        """Return it as a line of the report."""
        digits = 2 if self.most is None or self.most >= 1.1 else 4
        if self.digits is not None:
            digits = self.digits
        elif self.most is None and self.value >= 20:
            digits = 0
        text = f"{self.what:<64} {self.value:>9.{digits}f}"
        if self.most is None:
            return text
        said = "holds" if self.holds else "DOES NOT HOLD"
        return f"{text}  at most {self.most:g}: {said}"


class Note(NamedTuple):
    """A line of the report that is no ratio: what could not be measured, and why."""

    text: str

    holds = True

    def line(self) -> str:
        """Return it as a line of the report."""
        return self.text


def report(found: Iterable[Ratio | Note]) -> list[Ratio | Note]:
    """Write each line as soon as it is known; return those that do not hold."""
    broken = []
    for one in found:
        sys.stdout.write(f"  {one.line()}\n")
        sys.stdout.flush()
        if not one.holds:
            broken.append(one)
    return broken


def processor() -> float:
    """Seconds of processor of this process and of those that it has waited for."""
    if resource is None:
        return time.perf_counter()
    used = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in used)


def over(
    action: Callable[[], object], measure: Callable[[], object], rounds: int = 7
) -> float:
    """The least processor time of an action over the least of its measure.

    The two take turns, so that a machine that is slow for a while is slow for both;
    what others left in memory is kept out of the way of the garbage collector.

    Args:
        action: what is measured; processes that it starts count.
        measure: what it is compared with.
        rounds: how often each is done.
    """
    gc.collect()
    gc.freeze()

    def seconds(call: Callable[[], object]) -> float:
        start = processor()
        call()
        return processor() - start

    try:
        taken = [(seconds(action), seconds(measure)) for _ in range(rounds)]
    finally:
        gc.unfreeze()
    return min(one for one, _ in taken) / min(other for _, other in taken)


@contextmanager
def before_others() -> Iterator[None]:
    """What is done and started herein goes before other programs, if it may."""
    if not hasattr(os, "sched_setscheduler"):
        yield
        return
    was = os.sched_getscheduler(0), os.sched_getparam(0)
    with suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    try:
        yield
    finally:
        with suppress(OSError):
            os.sched_setscheduler(0, *was)
