"""Load profile and event logs of the simulated meters, row by row."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iecread.simulator import logbook
from iecread.simulator.logbook import MeterClock, Setting, events, log, profile, rows

BERLIN = ZoneInfo("Europe/Berlin")
MINUTE = timedelta(minutes=1)


@given(st.datetimes(datetime(1997, 1, 1), datetime(2037, 1, 1)))
def test_the_rules_are_those_of_berlin(utc):
    local = utc.replace(tzinfo=UTC).astimezone(BERLIN)
    shown = logbook.to_local(utc)
    assert (shown, shown.fold) == (local.replace(tzinfo=None), local.fold)
    assert logbook.to_utc(shown) == utc
    assert logbook.is_summer(utc) == bool(local.dst())


@pytest.mark.parametrize("hour", range(-3, 4))
@pytest.mark.parametrize(
    "change", [datetime(2026, 3, 29, 1), datetime(2026, 10, 25, 1)]
)
def test_around_the_changes(change, hour):
    utc = change + timedelta(hours=hour, minutes=15)
    local = utc.replace(tzinfo=UTC).astimezone(BERLIN)
    shown = logbook.to_local(utc)
    assert (shown, shown.fold) == (local.replace(tzinfo=None), local.fold)
    assert logbook.to_utc(shown) == utc
    assert logbook.parsed(logbook.stamp(utc)) == utc
    assert logbook.parsed(logbook.stamp(utc)[:-2]) == utc


def test_an_hour_that_there_is_not():
    assert logbook.to_utc(datetime(2026, 3, 29, 2, 30)) == datetime(2026, 3, 29, 1, 30)


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("12406010015", datetime(2024, 5, 31, 22, 15)),
        ("02406010015", datetime(2024, 5, 31, 22, 15)),  # the season is not believed
        ("2406010015", datetime(2024, 5, 31, 22, 15)),
        ("1240601001530", datetime(2024, 5, 31, 22, 15, 30)),
        ("22406010015", datetime(2024, 6, 1, 0, 15)),
        ("02410270215", datetime(2024, 10, 27, 1, 15)),
        ("12410270215", datetime(2024, 10, 27, 0, 15)),
    ],
)
def test_times_in_requests(text, utc):
    assert logbook.parsed(text) == utc


@pytest.mark.parametrize("text", ["", "x", "12413010015", "32406010015", "240601"])
def test_what_is_no_time(text):
    with pytest.raises(ValueError):
        logbook.parsed(text)


def lines(parts):
    text = b"".join(parts).decode()
    assert text.endswith("\r\n")
    return text.split("\r\n")[:-1]


def headers(parts):
    return [re.findall(r"\((.*?)\)", x)[:2] for x in lines(parts) if x[0] == "P"]


def local(*parts):
    return logbook.to_utc(datetime(*parts))


def test_a_plain_hour():
    begin = local(2026, 11, 20, 0, 15)
    found = list(rows(begin, begin + 45 * MINUTE))
    assert [row.end for row in found] == [begin + n * 15 * MINUTE for n in range(4)]
    text = lines(profile(found))
    assert text[0] == (
        "P.01(0261120001500)(00)(15)(4)(1.5.0)(kW)(2.5.0)(kW)(3.5.0)(kvar)(4.5.0)(kvar)"
    )
    assert len(text) == 5
    assert all(re.fullmatch(r"(\(\d\.\d{3}\)){4}", line) for line in text[1:])
    assert lines(profile(found, digits=8))[0][19:29] == "(00000000)"
    assert list(rows(begin, begin + 45 * MINUTE)) == found


def test_both_borders_belong_to_it():
    begin = local(2026, 11, 20, 0, 15)
    assert len(list(rows(begin, begin))) == 1
    assert len(list(rows(begin - MINUTE, begin + MINUTE))) == 1
    assert len(list(rows(begin + MINUTE, begin + 14 * MINUTE))) == 0
    assert len(list(rows(begin, begin + timedelta(days=1)))) == 97


def test_channels():
    begin = local(2026, 11, 20, 12, 15)
    found = list(rows(begin, begin))
    text = lines(profile(found, ["3.5.0", "1.5.0"]))
    assert text[0].endswith("(2)(1.5.0)(kW)(3.5.0)(kvar)")
    values = found[0].values
    assert text[1] == f"({values[0]})({values[2]})"
    assert profile(found, ["9.9.9"]) == ()
    assert profile([]) == ()


def test_a_power_failure():
    begin = local(2026, 11, 3, 10, 0)
    found = list(rows(begin, begin + 90 * MINUTE))
    shown = [(f"{logbook.to_local(row.end):%H%M}", row.status) for row in found]
    assert shown == [
        *[("1000", 0), ("1015", 0), ("1030", 0x80)],
        *[("1115", 0x40), ("1130", 0)],
    ]
    assert found[2].values[2:] == ("", "")  # no measurement
    assert headers(profile(found)) == [
        ["0261103100000", "00"],
        ["0261103103000", "80"],
        ["0261103111500", "40"],
        ["0261103113000", "00"],
    ]
    codes = [(e.moment - begin, e.status) for e in events(begin, begin + 90 * MINUTE)]
    assert codes == [(20 * MINUTE, 0x80), (65 * MINUTE, 0x40)]


def test_a_gap():
    begin = local(2026, 11, 20, 12, 30)
    found = list(rows(begin, begin + 120 * MINUTE, gap=3))
    times = [f"{logbook.to_local(row.end):%H%M}" for row in found]
    assert times == ["1230", "1245", "1300", "1400", "1415", "1430"]
    assert headers(profile(found)) == [
        ["0261120123000", "00"],
        ["0261120140000", "00"],
    ]


@pytest.mark.parametrize(
    ("day", "shown", "count"),
    [
        ((2026, 3, 29), ["0260329001500", "1260329030000", "1260329031500"], 92),
        ((2026, 10, 25), ["1261025001500", "0261025020000", "0261025021500"], 100),
    ],
)
def test_changes_of_the_clock(day, shown, count):
    begin = local(*day, 0, 15)
    end = local(*day, 0, 0) + timedelta(hours=count // 4)
    found = list(rows(begin, end))
    assert len(found) == count
    expected = list(zip(shown, ["00", "08", "00"], strict=True))
    assert [tuple(header) for header in headers(profile(found))] == expected
    assert [e.status for e in events(begin, end)] == [0x08]


def test_parts_and_repeated_headers():
    begin = local(2026, 11, 20, 0, 15)
    found = list(rows(begin, begin + 90 * MINUTE))
    parts = profile(found, size=3)
    assert b"".join(parts) == profile(found)[0]
    assert [part.count(b"\r\n") for part in parts] == [4, 3, 1]
    again = profile(found, size=3, repeat_header=True)
    assert [part[:18] for part in again] == [
        b"P.01(0261120001500",
        b"P.01(0261120010000",
        b"P.01(0261120014500",
    ]


def test_a_clock_that_was_set():
    wall = datetime(2026, 11, 20, 10, 3, 0)
    clock = MeterClock(lambda: wall, drift=-30)
    assert clock.local() == datetime(2026, 11, 20, 10, 2, 30)
    clock.set(local(2026, 11, 20, 10, 3, 5))
    assert clock.local() == datetime(2026, 11, 20, 10, 3, 5)
    first, last = local(2026, 11, 20, 10, 0), local(2026, 11, 20, 10, 30)
    found = list(rows(first, last, settings=clock.settings))
    assert [row.status for row in found] == [0, 0x20, 0]
    text = log("P.98", events(first, last, clock.settings))
    assert text == (
        b"P.98(0261120100305)(00000020)()(2)(0.9.1)()(0.9.2)()(0100230)(0261120)\r\n",
    )
    assert clock.settings == [Setting(local(2026, 11, 20, 10, 2, 30), clock.utc())]


def test_a_log_in_parts():
    begin = datetime(2026, 9, 1)
    found = events(begin, begin + timedelta(days=70))
    assert [event.status for event in found] == [
        *(0x80, 0x40, 0x10, 0x80, 0x40, 0x08, 0x10, 0x80, 0x40),
    ]
    parts = log("P.98", found, 4)
    assert [part.count(b"\r\n") for part in parts] == [4, 4, 1]
    assert b"".join(parts) == log("P.98", found)[0]
    assert parts[0].split(b"\r\n")[2] == b"P.98(1261001000000)(00000010)()(0)"
    assert log("P.98", []) == ()
