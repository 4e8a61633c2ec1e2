"""A sample of tests/bench/lis200faults.py: sessions over a bad line."""

import pytest
from bench.lis200faults import FAULTS, run


@pytest.mark.parametrize("first", [0, 24 * 40])
def test_sessions_over_a_bad_line(first: int) -> None:
    tally = run(len(FAULTS), first)
    assert tally.violations == []
    assert tally.counts["read"] > 20 and tally.counts["archive: whole"] > 8
    assert tally.counts["unlock"] > 8 and tally.counts["write: done"] > 8


def test_the_bench_notices() -> None:
    """A code that goes to an open lock, and a lock that stays open, are noticed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("iecread.lis200locks.LockSession._close_ours", lambda self: None)
        assert any("left open in silence" in text for text in run(2, 0).violations)
