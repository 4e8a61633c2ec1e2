"""A profile at a glance."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iecread.continuity import Continuity, Verdict
from iecread.profilesummary import BLOCKS, Summary, buckets, sparkline
from iecread.rows import Row

START = datetime(2024, 6, 1, tzinfo=UTC)
QUARTER = timedelta(minutes=15)


def row(at: int, value: Decimal | str | None, *flags: str, register: str = "1") -> Row:
    time = START + at * QUARTER
    return Row(time, "P.01", register, value, str(value or ""), "kW", flags)


def test_totals() -> None:
    summary = Summary()
    some = [row(1, Decimal("0.1")), row(2, Decimal("0.25")), row(3, None)]
    some += [row(0, Decimal("-1"), register="2"), row(4, "ERR", register="2")]
    assert list(summary.through(some)) == some
    summary.add(row(2, Decimal("9"), "overlap"))
    assert summary.rows == 6
    assert (summary.first, summary.last) == (START, START + 4 * QUARTER)
    one, two = summary.channels.values()
    assert (one.count, one.absent, one.texts) == (3, 1, 0)
    assert str(one.sum) == "0.35"
    assert one.largest == 9 and one.largest_time == START + 2 * QUARTER
    assert (two.count, two.absent, two.texts) == (1, 0, 1)
    assert two.largest == -1 and two.sum == -1


def test_sums_are_exact() -> None:
    summary = Summary()
    for at in range(20000):
        value = "999999999999999" if at % 2 else "0.00000000000001"
        summary.add(row(at, Decimal(value)))
    (channel,) = summary.channels.values()
    assert str(channel.sum) == "9999999999999990000.00000000010000"


def test_lines() -> None:
    summary, course = Summary(), Continuity()
    for at in (0, 1, 2, 6):
        value = Decimal(at) / 4
        summary.add(row(at, value))
        course.take(("P.01",), START + at * QUARTER, [str(value)], QUARTER)
    assert course.take(("P.01",), START, ["5"], QUARTER) is Verdict.DIFFERENT
    assert summary.lines(course, 10) == [
        "4 values, 2024-06-01T00:00:00+00:00 to 2024-06-01T01:30:00+00:00",
        "P.01 1: 4 measurements, sum 2.25 kW, "
        "maximum 1.5 kW at 2024-06-01T01:30:00+00:00",
        "  ▁▂▃█",
        "gap: 3 intervals missing between "
        "2024-06-01T00:30:00+00:00 and 2024-06-01T01:30:00+00:00",
        "overlap: other values came again for 2024-06-01T00:00:00+00:00",
    ]
    assert Summary().lines() == ["no rows"]
    empty = Summary()
    empty.add(row(0, None))
    assert empty.lines()[1:] == ["P.01 1: 0 measurements, 1 without measurement"]


def test_curve() -> None:
    assert sparkline([Decimal(n) for n in range(8)], 80) == BLOCKS
    assert sparkline([Decimal(0), None, Decimal(0)], 80) == "▁ ▁"
    assert sparkline([Decimal(5), Decimal(5)], 80) == "██"
    assert sparkline([Decimal(-7), Decimal(0)], 80) == "▁█"
    assert sparkline([], 80) == "" and sparkline([Decimal(1)], 0) == ""
    assert sparkline([None, None], 1) == " "


def test_peaks_stay() -> None:
    values: list[Decimal | None] = [Decimal(1)] * 1000
    values[777] = Decimal(100)
    curve = sparkline(values, 50)
    assert len(curve) == 50 and curve.count("█") == 1 and curve[38] == "█"
    assert buckets([Decimal(1), None, Decimal(3)], 2) == [Decimal(1), Decimal(3)]


@pytest.mark.parametrize("count", [0, 1, 512, 1024, 1025, 35040])
def test_a_long_profile_keeps_little(count: int) -> None:
    summary = Summary()
    for at in range(count):
        summary.add(row(at, Decimal(at)))
    for channel in summary.channels.values():
        assert len(channel._points) <= 1024
        curve = channel.curve(64)
        assert len(curve) == min(count, 64)
        assert list(curve) == sorted(curve)
        if count > 64:
            assert set(curve) == set(BLOCKS)


NUMBERS = st.decimals(-1000, 1000, places=3) | st.none()


@given(st.lists(NUMBERS), st.integers(0, 20))
def test_any_values(values: list[Decimal | None], width: int) -> None:
    curve = sparkline(values, width)
    assert len(curve) == min(width, len(values))
    assert set(curve) <= {*BLOCKS, " "}
