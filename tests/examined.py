"""Simulated meters with ailments, examined on a clock that nobody waits for.

The bits of these lines are computed (iecread/simulator/uart.py): at a wrong speed, with
wrong parity or in low light, the examination gets what a port would get.
"""

from iecread.examination import LINE_LIMIT, METER_LIMIT, Examination
from iecread.interview import Wish
from iecread.simulator import Pace, open_simulated
from iecread.transports.memory import Clock

H = "sim://household?time=2026-11-22T12:00"


def examined(url, *, kind=None, **wish):
    """Line, meter, examination, and the seconds that it took."""
    clock = Clock()
    line = open_simulated(
        url,
        baud=wish.get("speed", 300),
        monotonic=clock.monotonic,
        sleep=clock.sleep,
        pace=Pace.LINE,
    )
    if kind is not None:
        line.kind = kind
    found = Examination(line, Wish("PORT", **wish), clock=clock.monotonic)
    layers = found.line(), found.meter()
    return *layers, found, clock.now


def first_ailment(query, wish):
    """What is said first of a household meter; it takes no longer than it may."""
    line, meter, _, seconds = examined(f"{H}&{query}" if query else H, **wish)
    assert seconds < LINE_LIMIT + METER_LIMIT + 30
    return (line.findings + meter.findings)[0]
