"""From what was asked for to a LIS-200 device and its engine."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from iecread.protocol.messages import Identification
from iecread.protocol.meter import MeterSetup
from iecread.protocol.meterprogramming import ProgrammingSetup
from iecread.simulator.lis200.device import Habits, Lis200Device
from iecread.simulator.lis200.engine import LineHabits, Lis200Engine
from iecread.simulator.lis200.families import FAMILIES
from iecread.simulator.lis200.objects import Key
from iecread.simulator.logbook import MeterClock
from iecread.simulator.wishes import Wishes

LIS200_WAKE_NULS = 50  # lis200.md 5.2: 53 in one burst are enough, 66 are usual
LIS200_OPERAND = "1234567"
LIS200_REACTION = 20.0  # ms; the third letter of the maker is lower case
_SAVING = Key.of("1:407")


def build_device(
    family: str, number: str, wishes: Wishes, clock: MeterClock
) -> Lis200Device:
    """Return a device that holds what it does when it is new.

    Args:
        family: a key of FAMILIES.
        number: its own number.
        wishes: the options.
        clock: its clock.
    """
    kind = FAMILIES[family](number)
    code = kind.code if wishes.password is None else wishes.password
    habits = Habits(
        answer=wishes.answer,
        locked_reads=wishes.locked_reads,
        refuse=wishes.refuse,
        unknown=wishes.unknown,
        wrong=wishes.wrong_password,
        lockout=wishes.lockout,
        lock_time=wishes.lock_time,
        closes=wishes.closes,
        german=wishes.german,
        row_ends=wishes.row_ends,
        bad_row=wishes.bad_row,
        strict_limits=wishes.limits,
        count_form=wishes.count,
        overwritten=wishes.overwritten,
        open_archives=wishes.open_archives,
        intruder=wishes.intruder,
        seed=wishes.seed or 0,
        visits=wishes.visits,
    )
    device = Lis200Device(replace(kind, code=code), clock, habits, dict(wishes.codes))
    if not wishes.dst:
        device.values[_SAVING] = "0"
    if wishes.auto_close:
        device.locks.minutes = dict.fromkeys(kind.locks, wishes.auto_close)
    for lock in wishes.open:
        device.locks.opened[lock] = float("-inf") if not wishes.auto_close else 0.0
    return device


def build_engine(
    device: Lis200Device,
    setup: MeterSetup,
    programming: ProgrammingSetup,
    wishes: Wishes,
) -> Lis200Engine:
    """Return the engine of a fresh line to a device.

    Args:
        device: what it holds.
        setup: what kind of meter it is.
        programming: how it behaves in programming mode.
        wishes: the options.
    """
    family = device.family
    called = None
    if family.called is not None:
        # upper case, and without the backslash
        text = setup.identification.text
        called = Identification(f"{text[:4].upper()}{text[4:5]}{family.called}")
    habits = LineHabits(
        nuls=wishes.nuls,
        foreign=wishes.foreign,
        nak_command=wishes.nak_command,
        stray=wishes.stray,
        silent_part=wishes.silent_part,
        session=wishes.session,
        called=called,
    )
    return Lis200Engine(setup, programming, device, habits)


def readout(family: str, number: str) -> Callable[[datetime, int], bytes]:
    """Return what gives a device's data message for a time (lis200.md 12)."""

    def data(now: datetime, lines: int = 0) -> bytes:
        clock = MeterClock(lambda: now)
        return build_device(family, number, Wishes(), clock).readout()

    return data
