"""Gaps, overlaps, and rows that come twice."""

from datetime import datetime, timedelta, timezone

from iecread import continuity
from iecread.continuity import Continuity, Gap, Overlap, Verdict

QUARTER = timedelta(minutes=15)
START = datetime(2024, 6, 1, tzinfo=timezone(timedelta(hours=2)))
P01 = ("P.01", "1.5.0")


def at(quarters: float) -> datetime:
    return START + quarters * QUARTER


def verdicts(course: Continuity, *quarters: float, value: str = "1") -> list[Verdict]:
    return [course.take(P01, at(number), [value], QUARTER) for number in quarters]


def test_rows_in_a_row() -> None:
    course = Continuity()
    assert set(verdicts(course, *range(50))) == {Verdict.NEW}
    assert not course.gaps and not course.overlaps and not course.repeated


def test_gaps() -> None:
    course = Continuity()
    verdicts(course, 0, 1, 5, 6, 8)
    assert course.gaps == [
        Gap(at(1), at(5), 3, "P.01"),
        Gap(at(6), at(8), 1, "P.01"),
    ]


def test_short_intervals_are_no_gap() -> None:
    """A power failure ends an interval early; the grid goes on."""
    course = Continuity()
    assert set(verdicts(course, 0, 0.5, 1, 2)) == {Verdict.NEW}
    assert not course.gaps and not course.overlaps
    verdicts(course, 2.5, 4)
    assert course.gaps == [Gap(at(2.5), at(4), 1, "P.01")]


def test_a_row_that_comes_again_is_left_out() -> None:
    course = Continuity()
    assert verdicts(course, 0, 1, 2, 2, 1, 3)[3:] == [
        Verdict.REPEATED,
        Verdict.REPEATED,
        Verdict.NEW,
    ]
    assert course.repeated == 2 and not course.overlaps and not course.gaps


def test_other_values_of_the_same_time() -> None:
    course = Continuity()
    verdicts(course, 0, 1, 2, 3)
    different = verdicts(course, 2, 3, value="2")
    assert different == [Verdict.DIFFERENT, Verdict.DIFFERENT]
    assert course.overlaps == [Overlap(at(2), at(3), "P.01")]
    assert verdicts(course, 2, value="2") == [Verdict.REPEATED]
    assert verdicts(course, 4) == [Verdict.NEW]
    assert verdicts(course, 1.5) == [Verdict.DIFFERENT]
    assert verdicts(course, 1.5) == [Verdict.REPEATED]
    assert course.overlaps[1:] == [Overlap(at(1.5), at(1.5), "P.01")]


def test_days_may_have_25_hours() -> None:
    course = Continuity()
    summer, winter = (timezone(timedelta(hours=hours)) for hours in (2, 1))
    for day, zone in ((26, summer), (27, summer), (28, winter), (30, winter)):
        time = datetime(2024, 10, day, tzinfo=zone)
        course.take(P01, time, ["1"], timedelta(days=1))
    assert [gap.missing for gap in course.gaps] == [1]


def test_profiles_are_followed_apart() -> None:
    course = Continuity()
    verdicts(course, 0, 1)
    assert course.take(("P.02", "1.5.0"), at(0), ["9"], QUARTER) is Verdict.NEW
    assert course.take(P01, at(2), ["1"], None) is Verdict.NEW
    assert course.take(P01, at(9), ["1"], None) is Verdict.NEW
    assert not course.gaps


def test_memory_is_bounded() -> None:
    course = Continuity()
    for number in range(4 * continuity.REMEMBERED):
        course.take(P01, at(number), ["1"], QUARTER)
    (kept,) = course._courses.values()
    assert len(kept.times) == len(kept.rows) <= 2 * continuity.REMEMBERED
    last = 4 * continuity.REMEMBERED - 1
    assert verdicts(course, last - continuity.REMEMBERED // 2) == [Verdict.REPEATED]
    assert verdicts(course, 0) == [Verdict.DIFFERENT]
    for number in range(200):
        course.take(("P.01", str(number)), START, ["1"], QUARTER)
    assert len(course._courses) <= 64
