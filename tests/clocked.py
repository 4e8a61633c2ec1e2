"""Sessions with simulated meters on a clock that nobody waits for."""

from functools import partial
from types import SimpleNamespace

import pytest

from iecread.simulator import open_simulated
from iecread.transports.memory import Clock


def put_on_a_clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Let every session with a simulated meter run on the clock that is returned."""
    clock = Clock(1000.0)
    opened = partial(open_simulated, monotonic=clock.monotonic, sleep=clock.sleep)
    monkeypatch.setattr("iecread.simulator.open_simulated", opened)
    time = SimpleNamespace(monotonic=clock.monotonic, sleep=clock.sleep)
    monkeypatch.setattr("iecread.capture.time", time)
    return clock
