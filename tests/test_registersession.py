"""Registers, read in a session with a simulated meter in fake time."""

import pytest
from bench.faults import SimulatedSession

from iecread.errors import RefusedError
from iecread.login import Login
from iecread.readings import Reading
from iecread.registersession import _about

PLAIN = Login(lambda operand: "00000000")


def test_styles_are_tried_and_kept() -> None:
    line = SimulatedSession("sim://household?reads=R5&unknown=nak")
    session = line.session()
    session.enter(line.clock.now, PLAIN)
    assert session.read("1.8.0").unit == "kWh"
    before = len(line.meter.commands)
    session.read("1.8.1")
    assert line.meter.commands[before:] == [("R5", "1.8.1()")]
    with pytest.raises(RefusedError):
        session.read("9.9.9")
    session.leave()
    assert line.meter.endings == ["break"]


def test_a_list_is_searched_for_what_was_asked() -> None:
    """Some meters answer any R6 with all they have: others are no answer."""

    def reading(register: str) -> Reading:
        return Reading(register, None, None, None, None, "", None, "ok", ())

    found = tuple(map(reading, ["F.F", "1-1:1.8.0", "1-1:1.8.1"]))
    assert _about("1.8.1", found) == found[2:]
    assert _about("9.9.9", found) == ()
    assert _about("DATE_", found) == ()
    assert _about("anything", found[:1]) == found[:1]  # the address was changed
