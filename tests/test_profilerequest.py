"""Requests for a load profile."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iecread.profilerequest import RequestError, chunks, data_set, operand

BERLIN = ZoneInfo("Europe/Berlin")
START = datetime(2024, 6, 1, 0, 15)
END = datetime(2024, 6, 1, 1, 0)


def test_transcript_t18() -> None:
    text = operand(START, END, zone=BERLIN)
    assert data_set("P.01", text) == "P.01(12406010015;12406010100)"
    later = operand(datetime(2024, 6, 1), None, zone=BERLIN)
    assert data_set("P.98", later) == "P.98(12406010000;)"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"season": "none"}, "2406010015;2406010100"),
        ({"season": "0"}, "02406010015;02406010100"),
        ({"season": "utc"}, "22405312215;22405312300"),
        ({"style": "vdew-seconds"}, "1240601001500;1240601010000"),
        ({"style": "mass"}, "24-06-01,00:15;24-06-01,01:00"),
        ({"style": "date"}, "240601;240601"),
        ({"rows": 10}, "12406010015;12406010100;10"),
        ({"clock": "utc"}, "22406010015;22406010100"),
        ({"clock": "standard"}, "02406010015;02406010100"),
    ],
)
def test_styles(options: dict[str, object], expected: str) -> None:
    assert operand(START, END, zone=BERLIN, **options) == expected  # type: ignore[arg-type]


def test_open_ends() -> None:
    assert operand(None, None) == ";"
    assert operand(START, None, zone=BERLIN) == "12406010015;"
    assert operand(None, END, zone=BERLIN, rows=5) == ";12406010100;5"
    assert operand(None, None, rows=999) == ";;999"


def test_the_season_is_that_of_the_moment() -> None:
    """At the end of summer 02:15 comes twice."""
    first = datetime(2024, 10, 27, 0, 15, tzinfo=UTC)
    second = first + timedelta(hours=1)
    assert operand(first, second, zone=BERLIN) == "12410270215;02410270215"


def test_channels_and_the_last_minute() -> None:
    assert data_set("P.01", ";", ["1.5.0", "2.5.0"]) == "P.01(;)(1.5.0)(2.5.0)"
    for second, expected in ((0, "1"), (1, "2"), (59, "2")):
        start = datetime(2024, 6, 1, 0, 1, second)
        text = operand(start, start, zone=BERLIN)
        assert text == f"12406010001;1240601000{expected}"


@pytest.mark.parametrize(
    "options",
    [
        {"start": END, "end": START},
        {"style": "acme"},
        {"season": "2"},
        {"rows": 0},
        {"rows": 1000},
        {"clock": "summer"},
        {"start": datetime(1999, 1, 1)},
    ],
)
def test_refused(options: dict[str, object]) -> None:
    with pytest.raises(RequestError):
        operand(**{"start": START, "end": END, **options})  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["", "P.01(", "P 01", "P.01)", "P.01\r", "P.ö1"])
def test_names_that_cannot_be_sent(name: str) -> None:
    with pytest.raises(RequestError):
        data_set(name, ";")
    with pytest.raises(RequestError):
        data_set("P.01", ";", [name])


def borders(start: str, end: str, **options: object) -> list[str]:
    cut = chunks(
        datetime.fromisoformat(start),
        datetime.fromisoformat(end),
        zone=BERLIN,
        **options,  # type: ignore[arg-type]
    )
    found = list(cut)
    assert all(one[1] == other[0] for one, other in zip(found, found[1:], strict=False))
    return [found[0][0].isoformat(), *(end.isoformat() for _, end in found)]


def test_days_begin_at_the_meters_midnight() -> None:
    assert borders("2024-10-26T12:00", "2024-10-28T06:00") == [
        "2024-10-26T12:00:00+02:00",
        "2024-10-27T00:00:00+02:00",
        "2024-10-28T00:00:00+01:00",
        "2024-10-28T06:00:00+01:00",
    ]
    assert borders("2024-06-01T12:00+02:00", "2024-06-02T06:00Z", clock="utc") == [
        "2024-06-01T10:00:00+00:00",
        "2024-06-02T00:00:00+00:00",
        "2024-06-02T06:00:00+00:00",
    ]
    assert borders("2024-06-01", "2024-06-02", step=timedelta(days=7)) == [
        "2024-06-01T00:00:00+02:00",
        "2024-06-02T00:00:00+02:00",
    ]


def test_one_moment_is_one_range() -> None:
    assert borders("2024-06-01", "2024-06-01") == ["2024-06-01T00:00:00+02:00"] * 2


def test_the_doubled_hour_is_one_range() -> None:
    assert borders("2024-10-27", "2024-10-27T05:00", step=timedelta(hours=1)) == [
        "2024-10-27T00:00:00+02:00",
        "2024-10-27T01:00:00+02:00",
        "2024-10-27T02:00:00+02:00",
        "2024-10-27T03:00:00+01:00",
        "2024-10-27T04:00:00+01:00",
        "2024-10-27T05:00:00+01:00",
    ]


@pytest.mark.parametrize("step", [timedelta(0), timedelta(seconds=59)])
def test_ranges_that_cannot_be_cut(step: timedelta) -> None:
    with pytest.raises(RequestError):
        list(chunks(START, END, step))
    with pytest.raises(RequestError):
        list(chunks(START, END, timedelta(hours=25)))
    with pytest.raises(RequestError):
        list(chunks(END, START))


@given(
    st.datetimes(datetime(2024, 1, 1), datetime(2025, 1, 1)),
    st.integers(0, 100 * 96),
    st.sampled_from([60, 420, 720, 1440, 7 * 1440]),
)
def test_ranges_cover_the_whole(start: datetime, quarters: int, minutes: int) -> None:
    start = start.replace(tzinfo=UTC, microsecond=0)
    end = start + quarters * timedelta(minutes=15)
    step = timedelta(minutes=minutes)
    found = list(chunks(start, end, step, zone=BERLIN))
    assert found[0][0] == start and found[-1][1] == end
    for (_, until), (start, _) in zip(found, found[1:], strict=False):
        assert until == start
    longest = step + timedelta(hours=1)
    assert all(one < two <= one + longest for one, two in found[:-1])
    assert len(found) <= quarters * 15 // minutes + 110
