"""Stamps, and the points in time that they mean."""

from datetime import UTC, datetime, timedelta, timezone
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iecread.metertime import MeterClock, Season, Stamp, read_stamp

BERLIN = ZoneInfo("Europe/Berlin")
QUARTER = timedelta(minutes=15)


@pytest.mark.parametrize(
    ("text", "wall", "season"),
    [
        ("1240601001500", "2024-06-01T00:15:00", Season.SUMMER),
        ("0240601001530", "2024-06-01T00:15:30", Season.WINTER),
        ("2240601001500", "2024-06-01T00:15:00", Season.UTC),
        ("12406010015", "2024-06-01T00:15:00", Season.SUMMER),
        ("240601001530", "2024-06-01T00:15:30", None),
        ("2406010015", "2024-06-01T00:15:00", None),
        ("240601001500S", "2024-06-01T00:15:00", Season.SUMMER),
        ("240601001500W", "2024-06-01T00:15:00", Season.WINTER),
        (" 1240601001500 ", "2024-06-01T00:15:00", Season.SUMMER),
        ("7240601001500", "2024-06-01T00:15:00", None),
        ("24-06-01,00:15", "2024-06-01T00:15:00", None),
        ("2024-06-01,00:15:30", "2024-06-01T00:15:30", None),
        ("1240601240000", "2024-06-02T00:00:00", Season.SUMMER),
        ("02412312400", "2025-01-01T00:00:00", Season.WINTER),
    ],
)
def test_stamps(text: str, wall: str, season: Season | None) -> None:
    assert read_stamp(text) == Stamp(datetime.fromisoformat(wall), season)


@pytest.mark.parametrize(
    "text",
    ["", "ERROR", "0000000000000", "1241301001500", "1240230001500", "1240601246000"]
    + ["1240601240100", "124060100", "1240601001500S", "24-06-01", "12:30", "۲" * 13]
    + ["24-00-00,00:00", "632525252525W", "9999-12-31,24:00", "0000-01-01,00:00"],
)
def test_no_stamp(text: str) -> None:
    assert read_stamp(text) is None


def iso(clock: MeterClock, text: str, after: str = "", step: int = 15) -> str:
    stamp = read_stamp(text)
    assert stamp
    before = datetime.fromisoformat(after) if after else None
    return clock.instant(stamp, before, timedelta(minutes=step)).isoformat()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1240601001500", "2024-06-01T00:15:00+02:00"),
        ("0240101001500", "2024-01-01T00:15:00+01:00"),
        # a clock that stays on winter time says 0 in June
        ("0240601001500", "2024-06-01T01:15:00+02:00"),
        ("2240601001500", "2024-06-01T02:15:00+02:00"),
        ("2240101001500", "2024-01-01T01:15:00+01:00"),
        # the doubled hour
        ("1241027021500", "2024-10-27T02:15:00+02:00"),
        ("0241027021500", "2024-10-27T02:15:00+01:00"),
        # one point in time by both clocks, at both changes
        ("1241027030000", "2024-10-27T02:00:00+01:00"),
        ("0241027020000", "2024-10-27T02:00:00+01:00"),
        ("0240331020000", "2024-03-31T03:00:00+02:00"),
        ("1240331030000", "2024-03-31T03:00:00+02:00"),
        # without season: the first of two, and the hour that there is not
        ("241027021500", "2024-10-27T02:15:00+02:00"),
        ("241027030000", "2024-10-27T03:00:00+01:00"),
        ("240331020000", "2024-03-31T03:00:00+02:00"),
        ("240331021500", "2024-03-31T03:15:00+02:00"),
        ("240601001500", "2024-06-01T00:15:00+02:00"),
    ],
)
def test_local_clock(text: str, expected: str) -> None:
    assert iso(MeterClock(BERLIN), text) == expected


@pytest.mark.parametrize(
    ("text", "after", "expected"),
    [
        ("241027020000", "2024-10-27T01:45:00+02:00", "2024-10-27T02:00:00+02:00"),
        ("241027021500", "2024-10-27T02:00:00+02:00", "2024-10-27T02:15:00+02:00"),
        ("241027030000", "2024-10-27T02:45:00+02:00", "2024-10-27T02:00:00+01:00"),
        ("241027021500", "2024-10-27T02:00:00+01:00", "2024-10-27T02:15:00+01:00"),
        ("241027021500", "2024-10-27T02:45:00+02:00", "2024-10-27T02:15:00+01:00"),
        ("241027021500", "2024-10-27T02:45:00+01:00", "2024-10-27T02:15:00+01:00"),
        ("241027030000", "2024-10-27T02:45:00+01:00", "2024-10-27T03:00:00+01:00"),
        ("241027021500", "2024-10-26T12:00:00+02:00", "2024-10-27T02:15:00+02:00"),
    ],
)
def test_the_row_before_tells_the_hours_apart(
    text: str, after: str, expected: str
) -> None:
    assert iso(MeterClock(BERLIN), text, after) == expected


def test_other_clocks() -> None:
    text = "1240601001500"
    assert iso(MeterClock(BERLIN, "utc"), text) == "2024-06-01T00:15:00+00:00"
    assert iso(MeterClock(BERLIN, "+05:30"), text) == "2024-06-01T00:15:00+05:30"
    assert iso(MeterClock(BERLIN, "-0300"), text) == "2024-06-01T00:15:00-03:00"
    span = MeterClock(None, timedelta(hours=3))
    assert iso(span, text) == "2024-06-01T00:15:00+03:00"
    standard = MeterClock(BERLIN, "standard")
    assert iso(standard, "240601001500") == "2024-06-01T00:15:00+01:00"
    assert iso(standard, "0241027023000") == "2024-10-27T02:30:00+01:00"
    # the meter says summer: then it is
    assert iso(standard, text) == "2024-05-31T23:15:00+01:00"


@pytest.mark.parametrize("clock", ["", "summer", "+1", "+25:00", "+01:60", "01:00"])
def test_no_such_clock(clock: str) -> None:
    with pytest.raises(ValueError, match="no such clock"):
        MeterClock(None, clock)


def test_a_bare_offset_has_seasons_only_if_the_stamp_says_so() -> None:
    clock = MeterClock(timezone(timedelta(hours=1)))
    assert iso(clock, "1240601001500") == "2024-06-01T00:15:00+02:00"
    assert iso(clock, "0240601001500") == "2024-06-01T00:15:00+01:00"
    assert iso(clock, "240601001500") == "2024-06-01T00:15:00+01:00"
    assert iso(clock, "2240601001500") == "2024-06-01T01:15:00+01:00"
    istanbul = MeterClock(ZoneInfo("Europe/Istanbul"))
    assert iso(istanbul, "1240601001500") == "2024-06-01T00:15:00+03:00"
    assert iso(istanbul, "0240601001500") == "2024-06-01T00:15:00+03:00"


def test_zones_that_changed_their_mind() -> None:
    apia = MeterClock(ZoneInfo("Pacific/Apia"))  # skipped 2011-12-30 altogether
    assert iso(apia, "1111231120000") == "2011-12-31T12:00:00+14:00"
    moscow = MeterClock(ZoneInfo("Europe/Moscow"))
    assert iso(moscow, "0141201120000") == "2014-12-01T12:00:00+03:00"


def test_southern_and_half_hour_seasons() -> None:
    sydney = MeterClock(ZoneInfo("Australia/Sydney"))
    assert iso(sydney, "1240101001500") == "2024-01-01T00:15:00+11:00"
    assert iso(sydney, "0240701001500") == "2024-07-01T00:15:00+10:00"
    assert iso(sydney, "1240407023000") == "2024-04-07T02:30:00+11:00"
    assert iso(sydney, "0240407023000") == "2024-04-07T02:30:00+10:00"
    howe = MeterClock(ZoneInfo("Australia/Lord_Howe"))
    assert iso(howe, "1240101001500") == "2024-01-01T00:15:00+11:00"


def series(clock: MeterClock, first: str, minutes: int, count: int) -> list[str]:
    stamp = read_stamp(first)
    assert stamp
    times = clock.series(clock.instant(stamp), timedelta(minutes=minutes))
    return [time.isoformat() for time in islice(times, count)]


def test_series_over_both_changes() -> None:
    berlin = MeterClock(BERLIN)
    assert series(berlin, "1241027013000", 30, 6) == [
        "2024-10-27T01:30:00+02:00",
        "2024-10-27T02:00:00+02:00",
        "2024-10-27T02:30:00+02:00",
        "2024-10-27T02:00:00+01:00",
        "2024-10-27T02:30:00+01:00",
        "2024-10-27T03:00:00+01:00",
    ]
    assert series(berlin, "0240331013000", 30, 3) == [
        "2024-03-31T01:30:00+01:00",
        "2024-03-31T03:00:00+02:00",
        "2024-03-31T03:30:00+02:00",
    ]


@pytest.mark.parametrize("minutes", [1, 15, 60, 90, 360, 420, 720, 1439, 1441])
def test_series_counts_points_in_time(minutes: int) -> None:
    """Also where the offset is looked up once for many rows."""
    clock = MeterClock(BERLIN)
    first = datetime(2024, 3, 30, 12, tzinfo=UTC)
    step = timedelta(minutes=minutes)
    for number, time in enumerate(islice(clock.series(first, step), 3000)):
        expected = (first + number * step).astimezone(BERLIN)
        assert time == expected.astimezone(UTC)
        assert time.utcoffset() == expected.utcoffset()


def test_series_counts_days_on_the_clock() -> None:
    assert series(MeterClock(BERLIN), "1241026000000", 1440, 3) == [
        "2024-10-26T00:00:00+02:00",
        "2024-10-27T00:00:00+02:00",
        "2024-10-28T00:00:00+01:00",
    ]
    utc = series(MeterClock(BERLIN, "utc"), "1241027000000", 1440, 2)
    assert utc == ["2024-10-27T00:00:00+00:00", "2024-10-28T00:00:00+00:00"]


@pytest.mark.parametrize("zone", [BERLIN, UTC, None])
@pytest.mark.parametrize("minutes", [366 * 1440, 366 * 1440 - 1])
def test_series_end_with_the_calendar(zone: ZoneInfo | None, minutes: int) -> None:
    first = datetime(2199, 12, 31, 12, tzinfo=UTC)
    with pytest.raises(OverflowError):
        list(MeterClock(zone).series(first, timedelta(minutes=minutes)))


def test_what_the_clock_shows() -> None:
    clock = MeterClock(BERLIN)
    summer = clock.stamp(datetime(2024, 10, 27, 0, 15, tzinfo=UTC))
    winter = clock.stamp(datetime(2024, 10, 27, 1, 15, tzinfo=UTC))
    assert summer == Stamp(datetime(2024, 10, 27, 2, 15), Season.SUMMER)
    assert winter == Stamp(datetime(2024, 10, 27, 2, 15), Season.WINTER)
    moment = datetime(2024, 6, 1, 0, 0, tzinfo=UTC)
    assert MeterClock(BERLIN, "utc").stamp(moment).season is Season.UTC
    assert MeterClock(BERLIN, "standard").stamp(moment) == Stamp(
        datetime(2024, 6, 1, 1), Season.WINTER
    )
    assert clock.stamp(datetime(2024, 6, 1, 1)).wall == datetime(2024, 6, 1, 1)


@given(st.datetimes(datetime(2001, 1, 1), datetime(2099, 1, 1)))
def test_a_point_in_time_survives_its_stamp(moment: datetime) -> None:
    moment = moment.replace(microsecond=0, tzinfo=UTC)
    for zone in (BERLIN, ZoneInfo("America/New_York"), UTC, None):
        for kind in ("local", "standard", "utc", "+05:45"):
            clock = MeterClock(zone, kind)
            back = clock.instant(clock.stamp(moment))
            assert back == moment
            assert isinstance(back.tzinfo, timezone)
