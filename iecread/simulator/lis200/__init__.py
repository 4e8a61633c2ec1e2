"""Simulated LIS-200 devices: gas volume converters, loggers and a BK meter.

``objects`` and ``families`` say what a device holds, ``locks`` who may see it,
``history`` and ``archives`` what it has recorded, ``device`` does the commands and
``engine`` has the dialect's ways on the line.  Nothing of ``iecread.lis200`` is used:
both sides are held against the same bytes, and must not share a mistake.
"""

from iecread.simulator.lis200.device import Habits, Lis200Device
from iecread.simulator.lis200.engine import LineHabits, Lis200Engine
from iecread.simulator.lis200.families import FAMILIES, Family

__all__ = [
    "FAMILIES",
    "Family",
    "Habits",
    "LineHabits",
    "Lis200Device",
    "Lis200Engine",
]
