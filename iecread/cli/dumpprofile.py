"""The load profile of a meter as part of a ``dump``: what is new of it, stored.

Rows are stored while they arrive, some hundred at a time, so that a line that breaks
costs nothing that was there; the next run goes on behind them.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Generic, TypeVar

from iecread.cli.loadprofile import NEW_FILE
from iecread.cli.moments import is_ahead, resolve, zone_of

if TYPE_CHECKING:
    from iecread.cli.dumpstore import Stores
    from iecread.cli.login import Station
    from iecread.meterprofile import Profile
    from iecread.rows import Row

T = TypeVar("T")

_BATCH = 256  # rows stored at a time


class Batches(Generic[T]):
    """What is stored many at a time; the rest at the end of the block, come what may.

    Args:
        store: stores so many; returns the number of their rows.
        size: how many make a batch.

    Attributes:
        stored: rows so far.
    """

    def __init__(self, store: Callable[[list[T]], int], size: int) -> None:
        self.stored = 0
        self._store, self._size = store, size
        self._held: list[T] = []

    def __enter__(self) -> "Batches[T]":
        return self

    def __exit__(self, *error: object) -> None:
        if self._held:
            self._flush()

    def add(self, item: T) -> None:
        """Take one, and store all that are held once they are enough."""
        self._held.append(item)
        if len(self._held) >= self._size:
            self._flush()

    def _flush(self) -> None:
        full, self._held = self._held, []
        self.stored += self._store(full)


def read_profile(
    profile: "Profile", station: "Station", serial: str | None, stores: "Stores"
) -> int:
    """Read the load profile that ``profile`` asks for; return how many rows are new.

    Args:
        profile: the meter; it has a load profile.
        station: its open line.
        serial: the meter's number, where it is known.
        stores: where rows go.

    Raises:
        IecReadError: it could not be read or stored; what came before is stored.
    """
    from iecread.loadprofile import ProfileDecoder
    from iecread.metertime import MeterClock
    from iecread.profilereading import PROFILE_COMMANDS
    from iecread.selection import Selection

    keys = profile.load_profile
    assert keys is not None
    zone = zone_of(profile.timezone)
    now = station.meter.now()
    resume = stores.resume(profile, serial)
    if keys.start == "last":
        start = resume.start or now - NEW_FILE
        if is_ahead(resume.start, now, stores.rows_place(profile)):
            return 0
    else:
        start = resolve(keys.start, now, MeterClock(zone, profile.clock))
    selection = Selection.of(profile)
    command = profile.read_command
    commands = (command,) if command in PROFILE_COMMANDS else None

    def store(batch: "list[Row]") -> int:
        return stores.rows(profile, serial or station.serial, batch)

    with (
        Batches(store, _BATCH) as batches,
        station.session(serial=serial is None) as session,
    ):
        decoder = ProfileDecoder(
            zone, profile.clock, channel=keys.channel, table=session.status_table
        )
        rows = session.load_profile(
            keys.channel,
            start,
            now,
            zone=zone,
            clock=profile.clock,
            decoder=decoder,
            commands=commands,
        )
        for row in resume.new(rows):
            batches.add(selection.row(row))
    error = decoder.error()
    if error is not None:
        raise error
    return batches.stored
