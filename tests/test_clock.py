"""The clock's arithmetic: forms, seasons, drift, and when it may be set."""

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iecread.clock import (
    CLOCK_REGISTERS,
    ClockReading,
    Drift,
    Plan,
    drift,
    in_words,
    plan_set,
    sending_time,
)
from iecread.errors import CheckError, ConfigError
from iecread.metertime import MeterClock, Season

BERLIN = ZoneInfo("Europe/Berlin")
LOCAL = MeterClock(BERLIN)
S, M, H = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
ZERO = timedelta(0)
NOON = datetime(2024, 6, 1, 12, 5, tzinfo=BERLIN)


@pytest.mark.parametrize(
    ("values", "shown", "season", "resolution"),
    [
        ({"0.9.2": "1240601", "0.9.1": "1101415"}, "2024-06-01T10:14:15", "1", S),
        ({"0.9.2": "0171021", "0.9.1": "0101415"}, "2017-10-21T10:14:15", "0", S),
        ({"0.9.2": "2171021", "0.9.1": "2101415"}, "2017-10-21T10:14:15", "2", S),
        ({"0.9.1": "101415", "0.9.2": "130103"}, "2013-01-03T10:14:15", None, S),
        ({"0.9.1": "101415", "0.9.2": "1130703"}, "2013-07-03T10:14:15", "1", S),
        ({"0.9.1": "23:16:43", "0.9.2": "21-01-04"}, "2021-01-04T23:16:43", None, S),
        ({"0.9.1": "13:30:35", "0.9.2": "17-06-30", "0.9.5": "5"}, None, None, S),
        ({"1-0:0.9.1*255": "101415", "1-0:0.9.2*255": "20130103"}, None, None, S),
        ({"0.9.4": "1240601101415"}, "2024-06-01T10:14:15", "1", S),
        ({"0.9.4": "240601101415"}, "2024-06-01T10:14:15", None, S),
        ({"0.9.4": "2406011014"}, "2024-06-01T10:14:00", None, M),
        ({"9.36": "2022-06-08&10:06:51"}, "2022-06-08T10:06:51", None, S),
        ({"1:400.0": "2024-05-01,12:34:56"}, "2024-05-01T12:34:56", None, S),
        ({"1:0400": "2024-05-01,12:34:56"}, "2024-05-01T12:34:56", None, S),
        ({"1:400": "10:17,01.03.2024"}, "2024-03-01T10:17:00", None, M),
        ({"DATE_": "06.01.06.24", "TIME_": "10:14:15"}, "2024-06-01T10:14:15", None, S),
        ({"0.9.1": "10:14", "0.9.2": " 24-06-01 "}, "2024-06-01T10:14:00", None, M),
    ],
)
def test_forms(values, shown, season, resolution):
    reading = ClockReading.parse(values)
    if shown:
        assert reading.shown == datetime.fromisoformat(shown)
    assert reading.shown is not None
    assert (reading.season and reading.season.value) == season
    assert reading.resolution == resolution
    assert not reading.doubtful


def test_the_registers_to_try_are_known():
    for names in CLOCK_REGISTERS:
        for name in names:
            with pytest.raises(CheckError, match="unknown form"):
                ClockReading.parse({name: "?"})


@pytest.mark.parametrize(
    "values",
    [
        {"0.9.2": "0000000", "0.9.1": "0000000"},
        {"0.9.2": "00-00-00", "0.9.1": "00:00:00"},
        {"0.9.2": "241301", "0.9.1": "101415"},
        {"0.9.2": "240230", "0.9.1": "101415"},
        {"0.9.2": "240601", "0.9.1": "240000"},
        {"9.36": "0001-01-01&10:06:51"},
    ],
)
def test_a_clock_without_a_time_is_kept_but_has_no_moment(values):
    reading = ClockReading.parse(values)
    assert reading.shown is None
    with pytest.raises(CheckError, match="shows no time"):
        reading.at(NOON, LOCAL)
    with pytest.raises(CheckError, match="shows no time"):
        plan_set(reading, None, NOON, clock=LOCAL, max_step=M)
    plan = plan_set(reading, None, NOON, clock=LOCAL, max_step=M, force=True)
    again = ClockReading.parse(values | dict((*plan.before, plan.last)))
    assert again.shown == plan.target.replace(tzinfo=None)


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({"0.9.2": "24060", "0.9.1": "101415"}, CheckError),
        ({"0.9.2": "240601", "0.9.1": "ERROR"}, CheckError),
        ({"0.9.2": "240601", "0.9.1": ""}, CheckError),
        ({"0.9.2": "3240601", "0.9.1": "101415"}, CheckError),
        ({"0.9.2": "24x06x01", "0.9.1": "101415"}, CheckError),
        ({"0.9.2": "٢٤٠٦٠١", "0.9.1": "101415"}, CheckError),
        ({"0.9.1": "101415"}, ConfigError),
        ({"0.9.2": "240601"}, ConfigError),
        ({"0.9.5": "5"}, ConfigError),
        ({"1.8.0": "240601"}, ConfigError),
        ({"0.9.1*01": "101415", "0.9.2": "240601"}, ConfigError),
        ({}, ConfigError),
    ],
)
def test_what_is_no_clock(values, error):
    with pytest.raises(error):
        ClockReading.parse(values)


@given(
    st.dictionaries(st.sampled_from(["0.9.1", "0.9.2", "DATE_", "1:400"]), st.text())
)
def test_any_text_gives_a_reading_or_a_named_error(values):
    try:
        ClockReading.parse(values)
    except (CheckError, ConfigError):
        pass


@pytest.mark.parametrize(
    ("date", "time", "doubtful"),
    [
        ("240601", "000003", True),
        ("240601", "235955", True),
        ("240601", "000010", False),
        ("240601", "235949", False),
        ("1241027", "0020000", True),  # the season changed between the two
    ],
)
def test_date_and_time_of_different_moments(date, time, doubtful):
    assert ClockReading.parse({"0.9.2": date, "0.9.1": time}).doubtful == doubtful


def test_the_season_of_what_was_read_last():
    reading = ClockReading.parse({"0.9.2": "1241027", "0.9.1": "0020000"})
    assert reading.season is Season.WINTER


def test_both_in_one_register_are_of_one_moment():
    assert not ClockReading.parse({"9.36": "2022-06-08&00:00:01"}).doubtful


def read(text: str) -> ClockReading:
    """A reading of ``S? YYMMDD hhmmss`` in one register."""
    return ClockReading.parse({"0.9.4": text})


@pytest.mark.parametrize(
    ("text", "follows", "expected"),
    [
        ("240601120000", "local", "2024-06-01T12:00:00+02:00"),
        ("241201120000", "local", "2024-12-01T12:00:00+01:00"),
        ("240601120000", "standard", "2024-06-01T12:00:00+01:00"),
        ("240601120000", "utc", "2024-06-01T12:00:00+00:00"),
        ("240601120000", "-03:30", "2024-06-01T12:00:00-03:30"),
        ("1240601120000", "local", "2024-06-01T12:00:00+02:00"),
        # a digit tells more than the profile
        ("0240601120000", "local", "2024-06-01T12:00:00+01:00"),
        ("1240601120000", "standard", "2024-06-01T12:00:00+02:00"),
        ("1240601120000", "utc", "2024-06-01T12:00:00+00:00"),
        ("2240601120000", "local", "2024-06-01T12:00:00+00:00"),
        # 0 is what a meter without seasons sends, too
        ("0240601120000", "utc", "2024-06-01T12:00:00+00:00"),
        # an hour that there is not, in spring
        ("240331023000", "local", "2024-03-31T02:30:00+01:00"),
    ],
)
def test_the_moment_that_a_clock_shows(text, follows, expected):
    reading = read(text)
    near = datetime.fromisoformat(expected)
    moment = reading.at(near, MeterClock(BERLIN, follows))
    assert moment == near


@pytest.mark.parametrize("first", [True, False])
def test_the_hour_that_comes_twice(first):
    # 2024-10-27: 02:30 is 00:30 UTC and, an hour later, 01:30 UTC
    true = datetime(2024, 10, 27, 0 if first else 1, 30, tzinfo=UTC)
    for near in (true + 20 * S, (true - 20 * S).astimezone(BERLIN)):
        assert read("241027023000").at(near, LOCAL) == true
    # with a digit, what is near does not matter
    digit = "1" if first else "0"
    for near in (true, true + 5 * H):
        assert read(f"{digit}241027023000").at(near, LOCAL) == true


def test_a_clock_that_is_far_off_has_the_offset_of_its_own_date():
    shown = read("241201120000").at(NOON, LOCAL)
    assert shown == datetime(2024, 12, 1, 12, tzinfo=BERLIN)


def test_without_a_zone_that_of_this_computer():
    moment = read("240601120000").at(NOON, MeterClock())
    assert moment == datetime(2024, 6, 1, 12).astimezone()


def test_drift_and_its_uncertainty():
    asked = datetime(2024, 6, 1, 10, 0, 0, tzinfo=UTC)
    answered = asked + timedelta(milliseconds=800)
    shown = datetime(2024, 6, 1, 12, 0, 7, tzinfo=timezone(2 * H))
    off = drift(shown, asked, answered, S)
    assert off.offset == 6.6 * S
    assert off.uncertainty == 1.4 * S
    assert off.beyond(5 * S)
    assert not off.beyond(5.2 * S)  # it may be just so far off
    assert drift(shown - 13 * S, asked, answered, S).beyond(3 * S)


def test_drift_over_the_change_of_the_hosts_zone():
    asked = datetime(2024, 10, 27, 2, 59, 59, tzinfo=BERLIN)
    answered = datetime(2024, 10, 27, 2, 0, 1, fold=1, tzinfo=BERLIN)
    moment = datetime(2024, 10, 27, 1, 0, 0, tzinfo=UTC)
    assert drift(moment, asked, answered, S) == Drift(ZERO, 2 * S)


def test_a_host_clock_that_was_set_back():
    with pytest.raises(CheckError, match="set back"):
        drift(NOON, NOON, NOON - S, S)


def test_sending_time():
    # 25 characters of ten bits and some processing: 50 ms at 9600, about 1 s at 300
    assert sending_time(9600) == timedelta(microseconds=51_041)
    assert sending_time(300) == timedelta(microseconds=858_333)
    assert sending_time(300, 30, ZERO) == S


def plan(
    reading: ClockReading, behind: timedelta = 3 * S, now: datetime = NOON, **more
) -> Plan:
    off = Drift(-behind, S)
    options = {"max_step": 60 * S, "clock": LOCAL, "sending": timedelta(0), **more}
    return plan_set(reading, off, now, **options)


def test_the_time_goes_out_so_that_it_is_right_when_it_acts():
    reading = ClockReading.parse({"0.9.2": "1240601", "0.9.1": "1120457"})
    now = NOON + timedelta(milliseconds=300)
    sending = sending_time(300)
    result = plan(reading, now=now, sending=sending, lead=2 * S)
    assert result.before == ()
    assert result.last == ("0.9.1", "1120504")
    assert result.target == NOON + 4 * S
    assert result.send_at == NOON + 4 * S - sending
    assert result.send_at >= now + 2 * S


@pytest.mark.parametrize(
    ("values", "last"),
    [
        ({"0.9.2": "240601", "0.9.1": "120457"}, "120505"),
        ({"0.9.2": "24-06-01", "0.9.1": "12:04:57"}, "12:05:05"),
        ({"0.9.4": "1240601120457"}, "1240601120505"),
        ({"9.36": "2024-06-01&12:04:57"}, "2024-06-01&12:05:05"),
        ({"1:400.0": "2024-06-01,12:04:57"}, "2024-06-01,12:05:05"),
        ({"1:400": "12:04,01.06.2024"}, "12:06,01.06.2024"),
        ({"DATE_": "06.01.06.24", "TIME_": "12:04:57"}, "12:05:05"),
    ],
)
def test_a_time_is_written_in_the_form_that_was_shown(values, last):
    result = plan(ClockReading.parse(values), lead=5 * S, patience=2 * M)
    assert result.before == ()
    assert result.last == (next(reversed(values)), last)


def test_date_and_weekday_before_the_time():
    reading = ClockReading.parse({"0.9.1": "12:04", "0.9.5": "3", "0.9.2": "17-06-30"})
    result = plan_set(
        reading, None, NOON, clock=LOCAL, max_step=M, sending=ZERO, force=True
    )
    assert result.before == (("0.9.2", "24-06-01"), ("0.9.5", "6"))
    assert result.last == ("0.9.1", "12:06")


@pytest.mark.parametrize(
    ("date", "written"),
    [
        ("06.01.06.24", None),
        ("00.01.06.24", "06.01.06.24"),
        ("00.26.05.24", "00.02.06.24"),
        ("07.26.05.24", "07.02.06.24"),
        ("06.25.05.24", "00.02.06.24"),
    ],
)
def test_the_energomera_weekday(date, written):
    reading = ClockReading.parse({"DATE_": date, "TIME_": "12:04:57"})
    now = NOON if written in (None, "06.01.06.24") else NOON + 24 * H
    result = plan_set(reading, None, now, clock=LOCAL, max_step=M, force=True)
    assert result.before == ((("DATE_", written),) if written else ())


def test_seasons_of_what_is_written():
    summer, winter = NOON, datetime(2024, 12, 1, 12, 5, tzinfo=BERLIN)
    assert plan(read("1240601120457"), now=summer).last[1] == "1240601120505"
    assert plan(read("0241201120457"), now=winter).last[1] == "0241201120505"
    assert plan(read("2240601100457"), now=summer).last[1] == "2240601100505"
    standard = {"now": summer, "clock": MeterClock(BERLIN, "standard")}
    assert plan(read("0240601110457"), **standard).last[1] == "0240601110505"
    assert plan(read("240601110457"), **standard).last[1] == "240601110505"
    utc = {"now": summer, "clock": MeterClock(BERLIN, "utc")}
    assert plan(read("240601100457"), **utc).last[1] == "240601100505"
    fixed = {"now": summer, "clock": MeterClock(BERLIN, "-03:30")}
    assert plan(read("240601063457"), **fixed).last[1] == "240601063505"


def test_a_digit_that_means_nothing_is_kept():
    utc = {"clock": MeterClock(BERLIN, "utc")}
    assert plan(read("0240601100457"), **utc).last[1] == "0240601100505"


def test_a_meter_in_the_wrong_season_is_not_touched():
    # its winter time is right; moved to summer time it would jump by an hour
    with pytest.raises(CheckError, match="another season") as error:
        plan(read("0240601110457"))
    assert "clock of the profile" in error.value.hint
    assert plan(read("0240601110457"), force=True).last[1] == "1240601120505"


def test_the_step_limit():
    plan(read("240601120400"), 60 * S)
    with pytest.raises(CheckError, match="off by -61 s"):
        plan(read("240601120400"), 61 * S)
    with pytest.raises(CheckError, match="off by 61 s"):
        plan(read("240601120600"), -61 * S)


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"2024-06-01T{text}").replace(tzinfo=BERLIN)


@pytest.mark.parametrize(
    ("now", "behind", "send_at"),
    [
        ("12:05:00", 3, "12:05:00"),
        # 10 s from each border, 11 s (with the uncertainty) for the old time
        ("12:14:49", 3, "12:14:49"),
        ("12:14:51", 3, "12:15:14"),
        ("12:14:45", -3, "12:14:45"),
        ("12:14:47", -3, "12:15:10"),
        ("12:15:00", 3, "12:15:14"),
        ("12:59:55", 1, "13:00:12"),
        ("12:15:12", 40, "12:15:51"),
    ],
)
def test_it_waits_for_a_quiet_moment(now, behind, send_at):
    shown = at(now) - behind * S
    result = plan(read(f"{shown:%y%m%d%H%M%S}"), behind * S, at(now), lead=ZERO)
    assert result.send_at == at(send_at)


def test_it_does_not_wait_for_long():
    with pytest.raises(CheckError, match="interval of 15 min") as error:
        plan(read("240601121340"), 90 * S, at("12:15:10"), lead=ZERO, max_step=2 * M)
    assert error.value.hint == "try again at 12:16:41"
    later = at("12:16:41")
    assert plan(read("240601121511"), 90 * S, later, lead=ZERO, max_step=2 * M)


def test_a_step_longer_than_an_interval_needs_force():
    reading, step = read("240601114457"), 20 * M + 3 * S
    with pytest.raises(CheckError, match=r"setting it by 20 min would leave") as error:
        plan(reading, step, max_step=H)
    assert "force" in error.value.hint
    assert plan(reading, step, max_step=H, force=True).last[1] == "240601120505"
    assert plan(reading, step, max_step=H, period=H, now=at("12:30:00"))
    with pytest.raises(CheckError, match="would leave"):
        plan(read("240531120500"), 24 * H, max_step=25 * H)


def test_period_of_a_day_still_keeps_off_the_hour():
    result = plan(read("240601120000"), now=at("12:00:00"), lead=ZERO, period=24 * H)
    assert result.send_at == at("12:00:14")


def test_never_at_midnight():
    night = at("23:59:30")
    for values in ({"0.9.2": "240601", "0.9.1": "235927"}, {"0.9.4": "240601235927"}):
        reading = ClockReading.parse(values)
        for force in (False, True):
            # a date sent now would be counted on at midnight
            with pytest.raises(CheckError, match="midnight"):
                plan(reading, now=night + 15 * S, force=force, period=24 * H)
            assert plan(reading, now=night, force=force, lead=ZERO)
    # it is not midnight there yet: the new date would be counted on
    slow = ClockReading.parse({"0.9.2": "240601", "0.9.1": "235957"})
    with pytest.raises(CheckError, match="midnight"):
        plan(slow, 62 * S, now=night + 89 * S, force=True)
    # nor may it be just after midnight there: that is not known so exactly
    slow = ClockReading.parse({"0.9.2": "240602", "0.9.1": "000005"})
    with pytest.raises(CheckError, match="midnight"):
        plan(slow, 62 * S, now=night + 97 * S, force=True)
    assert plan(slow, 62 * S, now=night + 105 * S, force=True)


def test_both_changes_of_the_clocks():
    # without a digit nothing could tell the two hours from each other
    for utc_hour in (0, 1):
        now = datetime(2024, 10, 27, utc_hour, 35, tzinfo=UTC)
        with pytest.raises(CheckError, match="comes twice") as error:
            plan(read("241027023457"), now=now)
        assert "try again" in error.value.hint
        digit = "10"[utc_hour]
        result = plan(read(f"{digit}241027023457"), now=now)
        assert result.last[1] == f"{digit}241027023505"
        assert result.send_at == now + 5 * S
    # a span of time that the clocks of this computer's zone do not show
    now = datetime(2024, 10, 27, 2, 59, 55, tzinfo=BERLIN)
    standard = MeterClock(BERLIN, "standard")
    result = plan(read("241027015952"), now=now, lead=15 * S, clock=standard)
    assert result.last[1] == "241027020014"
    assert result.send_at.astimezone(UTC) == now.astimezone(UTC) + 19 * S
    with pytest.raises(CheckError, match="season is about to change"):
        plan(read("1241027025952"), now=now, lead=15 * S)
    # a minute before the summer begins; and a minute after it has begun
    before = datetime(2024, 3, 31, 0, 59, tzinfo=UTC)
    assert plan(read("240331015857"), now=before).last[1] == "240331015905"
    after = datetime(2024, 3, 31, 1, 1, tzinfo=UTC)
    assert plan(read("240331030057"), now=after).last[1] == "240331030105"
    # the meter is a little behind: for it the summer has not begun
    with pytest.raises(CheckError):
        plan(read("240331015930"), 40 * S, now=after - 50 * S, patience=ZERO)


@given(
    now=st.datetimes(
        datetime(2024, 1, 1), datetime(2025, 1, 1), timezones=st.just(UTC)
    ),
    behind=st.integers(-70, 70),
    lead=st.integers(0, 20),
    digit=st.sampled_from(["", "S"]),
    period=st.sampled_from([5, 15, 30, 60]),
)
def test_whatever_is_planned_keeps_the_rules(now, behind, lead, digit, period):
    local = (now - behind * S).astimezone(BERLIN)
    season = "" if not digit else "1" if local.utcoffset() == 2 * H else "0"
    reading = read(f"{season}{local:%y%m%d%H%M%S}")
    sending = timedelta(milliseconds=300)
    try:
        result = plan(
            reading,
            behind * S,
            now,
            lead=lead * S,
            sending=sending,
            period=period * M,
        )
    except CheckError as error:
        assert error.hint
        return
    assert result.send_at >= now + lead * S
    assert result.send_at <= now + (lead + 45) * S + 2 * S
    assert result.send_at + sending == result.target
    new = result.target.replace(tzinfo=None)
    old = (result.target.astimezone(UTC) - behind * S).astimezone(BERLIN)
    old = old.replace(tzinfo=None)
    for time in (old, new):
        minutes = timedelta(minutes=time.minute, seconds=time.second) % (period * M)
        assert 10 * S <= minutes <= period * M - 10 * S
    assert old.replace(minute=0, second=0, microsecond=0) == new.replace(
        minute=0, second=0, microsecond=0
    )
    again = read(result.last[1])
    assert again.at(result.target, LOCAL) == result.target
    assert not digit or again.season in (Season.WINTER, Season.SUMMER)


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (ZERO, "0 s"),
        (0.4 * S, "0.4 s"),
        (-0.01 * S, "0 s"),
        (-75 * S, "-75 s"),
        (10 * M, "10 min"),
        (H - S, "1 h 0 min"),
        (-3 * H - 12 * M, "-3 h 12 min"),
        (400 * 24 * H, "400 days"),
    ],
)
def test_in_words(span, words):
    assert in_words(span) == words
