"""Simulated meters: ``sim://NAME?key=value`` and what ``iecread simulate`` offers.

``meters`` is what they say, ``options`` how they are asked for, ``line`` plays one
against a clock, ``serve`` offers one to other programs.  All of it is invented and
marked so: the maker is always ``SIM``.  Nothing here but ``serve`` does I/O.
"""

import time
from collections.abc import Callable
from datetime import datetime

from iecread.errors import PortBusyError, PortError
from iecread.simulator.bus import BusLine
from iecread.simulator.line import Faults, Pace, SimulatedLine
from iecread.simulator.meters import MODELS
from iecread.simulator.options import (
    BUS,
    Simulation,
    options_help,
    parse_url,
    simulation,
)
from iecread.simulator.serve import serve_port, serve_pty, serve_tcp
from iecread.simulator.wishes import OPTIONS
from iecread.transports import LineKind, Transport
from iecread.transports.memory import MemoryTransport

__all__ = [
    "NAMES",
    "BusLine",
    "MODELS",
    "OPTIONS",
    "Faults",
    "Pace",
    "SimulatedLine",
    "Simulation",
    "open_simulated",
    "options_help",
    "parse_url",
    "serve_port",
    "serve_pty",
    "serve_tcp",
    "simulation",
]


NAMES = (*MODELS, BUS)
"""What may stand behind ``sim://``."""


def open_simulated(
    url: str,
    *,
    baud: int | None = None,
    monotonic: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
    wall: Callable[[], datetime] = datetime.now,
    pace: Pace = Pace.NONE,
) -> Transport:
    """Return the open line to a fresh simulated meter in this process.

    Characters take no time unless the URL says ``pace=1``; reaction times are kept.

    Args:
        url: ``sim://NAME?key=value&...``.
        baud: the reader's speed in Bd; None: right until it is set.
        monotonic: the clock.
        sleep: what waits on that clock.
        wall: the time of day, for the meter's own clock.
        pace: which characters take their time, unless the URL says it.

    Raises:
        PortError: there is no such meter, key or value, or ``denied=1`` was asked for.
        PortBusyError: ``busy=1`` was asked for.
    """
    meter = parse_url(url)
    if meter.wishes.busy:
        raise PortBusyError(
            f"port {url!r} is in use by another program (a simulated one)",
            "leave busy=1 away",
        )
    if meter.wishes.denied:
        raise PortError(
            f"no permission to open {url!r} (a simulated refusal)",
            "leave denied=1 away",
        )
    line = meter.line(pace, wall=wall)
    if baud is not None:
        line.set_speed(baud)
    transport = MemoryTransport(
        line, url, kind=LineKind.DIRECT, monotonic=monotonic, sleep=sleep
    )
    transport.open()
    return transport
