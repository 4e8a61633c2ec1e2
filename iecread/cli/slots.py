"""``--every``: the slots of time that a command waits for, and what is said of them."""

import time
from collections.abc import Iterator

from iecread.cli.context import Surroundings
from iecread.schedule import Schedule, Slot, Timer, offset_of


def slots(
    around: Surroundings,
    what: str,
    here: str,
    every: float,
    jitter: float,
    count: int | None,
) -> Iterator[Slot]:
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
