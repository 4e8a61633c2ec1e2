"""Changes, made in a session with a simulated meter in fake time."""

import pytest
from bench.faults import SimulatedSession

from iecread.changes import same_value
from iecread.errors import CheckError
from iecread.login import Login

PLAIN = Login(lambda operand: "00000000")


def test_a_lost_acknowledgement() -> None:
    line = SimulatedSession("sim://household?lost-ack=1")
    session = line.session()
    session.enter(line.clock.now, PLAIN)
    assert session.write("0.0.1", "NEW").outcome == "done"
    line.memory.settings["0.0.1"] = "NEW"
    line.meter.programming = line.meter.programming.__class__(
        line.memory, silent_command=len(line.meter.commands) + 2
    )
    with pytest.raises(CheckError) as caught:
        session.write("0.0.1", "OTHER")
    assert caught.value.change.outcome == "not done"  # type: ignore[attr-defined]
    session.leave()
    assert [text for _, text in line.meter.writes] == ["0.0.1(NEW)"]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("0012.50*kWh", "12.5", True),
        ("12.5*kWh", "12.5*MWh", False),
        ("12.5", "12.6", False),
        ("HOUSE 8", "HOUSE 8", True),
        ("HOUSE 8", "HOUSE 8 ", False),
        ("", "", True),
        ("", "0", False),
    ],
)
def test_the_same_but_for_how_it_is_written(one: str, other: str, same: bool) -> None:
    assert same_value(one, other) is same
