"""The archive of a LIS-200 device as part of a ``dump``: what is new of it, stored.

Records are stored while they arrive, as rows of load profiles are (dumpprofile.py); the
next run goes on behind the newest one by its number.  What is missing by the numbers
is told as a warning: it does not come again.
"""

from functools import partial
from typing import TYPE_CHECKING

from iecread.cli.dumpprofile import Batches
from iecread.cli.moments import resolve, zone_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from iecread.archiveresume import Tail
    from iecread.archiverows import Record
    from iecread.cli.dumpstore import Stores
    from iecread.cli.login import Station
    from iecread.meterprofile import Profile

_BATCH = 32  # records stored at a time
_PAUSE = 1.0  # s between sessions (lis200.md 5.4)


def read_records(
    profile: "Profile",
    station: "Station",
    serial: str | None,
    stores: "Stores",
    rest: "Callable[[float], None]",
) -> int:
    """Read the archive that ``profile`` asks for; return how many rows are new.

    Args:
        profile: the meter; it names an archive.
        station: its open line.
        serial: the meter's number, where it is known.
        stores: where rows go.
        rest: waits so many seconds.

    Raises:
        IecReadError: it could not be read or stored; what came before is stored.
    """
    from contextlib import closing

    from iecread.archives import ArchiveReader, ArchiveRequest, read_archive
    from iecread.archivesummary import troubles
    from iecread.metertime import MeterClock
    from iecread.selection import Selection

    keys = profile.load_profile
    assert keys is not None and keys.archive is not None
    zone, start = zone_of(profile.timezone), None
    if keys.start != "last":
        now, watch = station.meter.now(), MeterClock(zone, profile.clock)
        start = resolve(keys.start, now, watch)

    def find_tail(number: int) -> "Tail | None":
        tail = stores.tail(profile, serial or station.serial, number)
        late = tail is None or start is None or tail.place.time >= start
        return tail if late else None

    wanted = ArchiveRequest(keys.archive, start, zone=zone, clock=profile.clock)
    reader = ArchiveReader(wanted, find_tail)
    selection = Selection.of(profile)

    def store(batch: "list[Record]") -> int:
        return stores.records(profile, serial or station.serial, batch)

    records = read_archive(
        reader,
        partial(station.gas_session, serial=serial is None),
        retries=station.meter.options.retries,
        rest=lambda: rest(_PAUSE),
    )
    try:
        with Batches(store, _BATCH) as batches, closing(records):
            for record in records:
                rows = tuple(map(selection.row, record.rows))
                batches.add(record._replace(rows=rows))
    finally:
        if (warn := station.meter.on_warning) is not None:
            for line in troubles(reader):
                warn(line)
    error = reader.error()
    if error is not None:
        raise error
    return batches.stored
