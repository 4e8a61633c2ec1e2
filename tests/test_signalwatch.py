"""The signal while a head is moved: asked again and again, never a command."""

from itertools import islice

import pytest

from iecread.interview import Wish
from iecread.signalwatch import verdict, watch
from iecread.simulator import Pace, open_simulated
from iecread.transports.memory import Clock


def signals(query, count=20):
    """So many signals, and the last bytes of the line."""
    clock = Clock()
    line = open_simulated(
        f"sim://household?{query}",
        baud=300,
        monotonic=clock.monotonic,
        sleep=clock.sleep,
        pace=Pace.LINE,
    )
    stream = watch(line, Wish("PORT"), clock.monotonic)
    found = list(islice(stream, count))
    stream.close()
    return found


@pytest.mark.parametrize("query", ["", "echo=1", "parity=none", "wake=0"])
def test_a_good_place(query):
    found = signals(query)
    assert found[-1].characters > 20 and found[-1].damaged == 0
    assert found[-1].best == 1.0 and found[-1].share == 1.0
    assert [signal.seconds for signal in found] == sorted(s.seconds for s in found)
    sentence, finding = verdict(found[-1], "PORT")
    assert finding is None and "all is well" in sentence


def test_a_bad_place_and_none():
    found = signals("light=70&seed=1")
    assert 0.5 < found[-1].best < 1.0 and found[-1].damaged
    sentence, finding = verdict(found[-1], "PORT")
    assert "low light" in sentence and "best so far" in sentence
    assert finding.kind == "protocol"
    for last in (signals("light=0")[-1], None):
        sentence, finding = verdict(last, "PORT")
        assert "no light" in sentence and finding.kind == "no-answer"


def test_noise_is_no_signal():
    last = signals("noise=for-ever", 8)[-1]
    assert last.share < 0.2
