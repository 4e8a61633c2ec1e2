"""When to read next, on clocks that jump."""

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from iecread.schedule import Schedule, Slot, Timer, offset_of

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC).timestamp()
BERLIN = ZoneInfo("Europe/Berlin")


def local(text: str, zone: ZoneInfo = BERLIN) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()


class Clocks:
    """Two clocks; the one on the wall can be set."""

    def __init__(self, now: float = NOON) -> None:
        self.wall, self.monotonic = now, 1000.0
        self.slept: list[float] = []
        self.jumps: list[tuple[float, float]] = []  # when (monotonic), by how much

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.slept.append(seconds)
        self.go(seconds)

    def go(self, seconds: float) -> None:
        self.wall += seconds
        self.monotonic += seconds
        if self.jumps and self.jumps[0][0] <= self.monotonic:
            self.wall += self.jumps.pop(0)[1]

    def timer(self, period: float, offset: float = 0.0) -> Timer:
        return Timer(
            Schedule(period, offset, UTC),
            wall=lambda: self.wall,
            monotonic=lambda: self.monotonic,
            sleep=self.sleep,
        )


@pytest.mark.parametrize(
    ("now", "period", "slot"),
    [
        ("2026-11-22T12:00:00", 900, "2026-11-22T12:15:00"),
        ("2026-11-22T12:14:59", 900, "2026-11-22T12:15:00"),
        ("2026-11-22T12:00:01", 3600, "2026-11-22T13:00:00"),
        ("2026-11-22T12:00:01", 86400, "2026-11-23T00:00:00"),
        ("2026-12-31T23:59:59.5", 1, "2027-01-01T00:00:00"),
        # the night in which clocks are put back, and the one when they go forward
        ("2026-10-25T00:30:00", 86400, "2026-10-26T00:00:00"),
        ("2026-03-29T00:30:00", 86400, "2026-03-30T00:00:00"),
        ("2026-03-28T12:00:00", 86400, "2026-03-29T00:00:00"),
        ("2026-03-29T01:59:00", 900, "2026-03-29T03:00:00"),
    ],
)
def test_slots_are_round_local_times(now: str, period: float, slot: str) -> None:
    found = Schedule(period, 0.0, BERLIN).after(local(now))
    assert datetime.fromtimestamp(found, BERLIN).isoformat()[:19] == slot


def test_a_zone_of_half_hours_has_full_hours_too() -> None:
    india = timezone(timedelta(hours=5, minutes=30))
    slot = Schedule(3600, 0.0, india).after(NOON)
    assert datetime.fromtimestamp(slot, india).minute == 0


def test_hours_go_on_where_the_clock_shows_one_twice() -> None:
    schedule, now = Schedule(3600, 0.0, BERLIN), local("2026-10-25T00:00:00")
    for _ in range(5):
        following = schedule.after(now)
        assert following - now == 3600
        now = following


@pytest.mark.parametrize("period", [1, 60, 900, 3600, 7200, 86400, 7 * 86400])
@pytest.mark.parametrize("offset", [0.0, 0.5, 30.0])
def test_a_slot_is_later_and_not_too_late(period: float, offset: float) -> None:
    schedule = Schedule(period, offset, BERLIN)
    for hours in range(0, 24 * 365, 7):
        now = NOON + hours * 3600 + hours / 7
        slot = schedule.after(now)
        assert now < slot <= now + period + 3600
        assert schedule.after(slot - 0.001) == pytest.approx(slot)


def test_this_computers_zone_is_the_usual_one() -> None:
    slot = Schedule(86400).after(NOON)
    assert datetime.fromtimestamp(slot).hour == 0


def test_an_offset_belongs_to_a_name() -> None:
    offsets = [offset_of(f"host{n}:/etc/meters.toml", 60) for n in range(50)]
    assert offsets[0] == offset_of("host0:/etc/meters.toml", 60)
    assert all(0 <= offset < 60 for offset in offsets)
    assert max(offsets) - min(offsets) > 30
    assert offset_of("x", 0.0) == 0.0


def test_one_slot_after_the_other() -> None:
    clocks = Clocks(NOON + 100)
    timer = clocks.timer(900, 7)
    assert [timer.wait() for _ in range(3)] == [
        Slot(NOON + 907, 0),
        Slot(NOON + 1807, 0),
        Slot(NOON + 2707, 0),
    ]
    assert clocks.wall == NOON + 2707


def test_a_long_run_leaves_out_what_it_missed() -> None:
    clocks = Clocks()
    timer = clocks.timer(900)
    timer.wait()
    clocks.go(2000)  # the run
    assert timer.wait() == Slot(NOON + 3600, 2)
    assert timer.wait() == Slot(NOON + 4500, 0)


def test_a_clock_set_back_a_little_reads_no_slot_twice() -> None:
    clocks = Clocks()
    timer = clocks.timer(900)
    timer.wait()
    clocks.go(1)
    clocks.wall -= 5  # by NTP
    assert timer.wait() == Slot(NOON + 1800, 0)


def test_a_clock_set_back_far_goes_on_by_the_new_time() -> None:
    clocks = Clocks()
    timer = clocks.timer(900)
    timer.wait()
    clocks.go(30)
    clocks.wall -= 365 * 86400
    before = clocks.monotonic
    assert timer.wait().missed == 0
    assert 420 <= clocks.monotonic - before <= 1350
    before = clocks.monotonic
    timer.wait()
    assert clocks.monotonic - before == 900


def test_a_clock_set_back_while_it_is_waited_for() -> None:
    clocks = Clocks()
    timer = clocks.timer(900)
    timer.wait()
    clocks.jumps = [(clocks.monotonic + 60, -7 * 86400.0)]
    before = clocks.monotonic
    timer.wait()
    assert clocks.monotonic - before <= 1350


def test_a_clock_set_forward_leaves_slots_out_and_does_not_catch_up() -> None:
    clocks = Clocks()
    timer = clocks.timer(900)
    timer.wait()
    clocks.jumps = [(clocks.monotonic + 60, 86400.0)]  # or the computer slept
    before = clocks.monotonic
    timer.wait()
    first = clocks.monotonic - before
    timer.wait()
    assert first < 900 + 60
    assert clocks.monotonic - before - first >= 450


def test_jumps_are_noticed_soon() -> None:
    clocks = Clocks()
    clocks.timer(86400).wait()
    assert max(clocks.slept) <= 30


def test_what_the_sleep_raises_ends_the_wait() -> None:
    def stop(seconds: float) -> None:
        raise KeyboardInterrupt

    timer = Timer(Schedule(900), sleep=stop)
    with pytest.raises(KeyboardInterrupt):
        timer.wait()
