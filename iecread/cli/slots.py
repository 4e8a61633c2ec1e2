"""``--every``: its options, the slots of time to wait for, and what is said of them."""

import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import click

from iecread.cli.command import F, env_option, option, together
from iecread.cli.context import Surroundings
from iecread.cli.exitcodes import UsageError
from iecread.cli.valuetypes import DURATION

if TYPE_CHECKING:
    from iecread.schedule import Slot


def schedule_options(what: str, *, env: bool = False) -> Callable[[F], F]:
    """Options of a command that can go on by the clock; see ``repeated``.

    Args:
        what: what is done again, in the plural.
        env: whether variables stand for them.
    """
    declare = env_option if env else option
    return together(
        declare(
            "Run",
            "--every",
            type=DURATION,
            help="Again and again, in step with the clock: 15m is :00, :15, :30, :45.",
        ),
        declare(
            "Run",
            "--jitter",
            type=DURATION,
            default="0s",
            help="With --every: begin up to so much later, always the same here.",
        ),
        declare(
            "Run",
            "--count",
            type=click.IntRange(1),
            metavar="N",
            help=f"With --every: end after N {what}.",
        ),
    )


def repeated(every: float | None, jitter: float, count: int | None) -> bool:
    """Whether the options of ``schedule_options`` ask for more than one time.

    Raises:
        UsageError: they do not go together.
    """
    if every is None:
        for name, value in (("--jitter", jitter), ("--count", count)):
            if value:
                raise UsageError(f"{name} goes with --every", "say how often")
        return False
    if every < 1:
        raise UsageError(f"--every {every:g}s is too often", "once a second at most")
    return True


def slots(
    around: Surroundings,
    what: str,
    here: str,
    every: float,
    jitter: float,
    count: int | None,
) -> Iterator["Slot"]:
    """Wait for one slot after the other.

    Args:
        around: the surroundings; on a terminal the next slot is told.
        what: what is done in a slot, in the singular.
        here: what tells this program from others on this computer, for the jitter.
        every: seconds from slot to slot.
        jitter: seconds by which slots may be late.
        count: how many; None for ever.
    """
    import socket
    from datetime import datetime

    from iecread.schedule import Schedule, Timer, offset_of

    offset = offset_of(f"{socket.gethostname()}:{here}", jitter)
    timer = Timer(Schedule(every, offset), sleep=time.sleep)
    done = 0
    while count is None or done < count:
        if around.terminal(around.stderr):
            moment = datetime.fromtimestamp(timer.next())
            around.note(f"next {what} at {moment.isoformat(' ', 'seconds')}")
        slot = timer.wait()
        if slot.missed:
            whats = f"{what}s" if slot.missed > 1 else what
            around.note(f"{slot.missed} {whats} left out: the one before took too long")
        yield slot
        done += 1
