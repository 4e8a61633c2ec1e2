"""Records of archives as rows (lis200.md 8.3, 8.4 and 14.7 to 14.11)."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from archive_samples import BK_DAY, LOG, PERIOD, ROW, UNITS
from hypothesis import given, settings
from hypothesis import strategies as st

from iecread.archiverows import STARS, ArchiveDecoder, Record
from iecread.lis200.archive import Layout
from iecread.lis200.values import CodePage, brackets
from iecread.ordinals import Ordinals, Place
from iecread.rows import Row

BERLIN = ZoneInfo("Europe/Berlin")
CHANGES = brackets("(AONo)(GONo)(Time)(Adr)(old)(new)(St1)(St3)(St4)(Check)")
TWO = "(2090)(88)(2024-02-29,16:04:11)(0x3C02)(CRC Ok)"
THREE = "(2091)(89)(2024-02-29,16:04:19)(0x2D03)(CRC Ok)"


def decoder(
    names: list[str] = PERIOD, units: list[str] = UNITS, **options: object
) -> ArchiveDecoder:
    options = {"zone": BERLIN, "clock": "standard"} | options
    return ArchiveDecoder(Layout(names, units), 3, **options)  # type: ignore[arg-type]


def rows(records: list[Record]) -> dict[str, Row]:
    (record,) = records
    return {row.register: row for row in record.rows}


def test_a_period_record() -> None:
    found = rows(decoder().feed(ROW))
    assert list(found) == [name for name in PERIOD if name not in ("Time", "Check")]
    time = datetime(2024, 3, 1, 7, tzinfo=timezone(timedelta(hours=1)))
    assert {row.time for row in found.values()} == {time}
    assert {row.channel for row in found.values()} == {"3"}
    total = found["VbT"]
    assert total.value == Decimal("4711.815") and str(total.value) == "4711.815"
    assert (total.raw, total.unit, total.flags) == ("4711.815", "m3", ())
    assert found["T.MP"].unit == "°C" and found["p.MP"].unit == "bar"
    assert found["StSy"].flags == ("data-transmission", "battery-operation")
    assert found["StSy"].raw == "13;15" and found["St.2"].value == 0
    assert found["Er"].value == "0x8104" and found["Er"].flags == ("period-end",)
    assert found["AONo"].value == 1507


def test_a_record_whose_check_is_wrong_is_kept_and_flagged() -> None:
    stream = decoder()
    found = rows(stream.feed(ROW.replace("CRC Ok", "CRC Error")))
    assert all("check-failed" in row.flags for row in found.values())
    assert found["Check"].value == "CRC Error" and found["VbT"].value
    assert stream.failed == 1
    assert not decoder().feed(ROW.replace("CRC Ok", "crc ok"))[0].sure


def test_a_damaged_number_makes_no_gap() -> None:
    """What a record with a wrong check says of itself is not believed."""
    stream = decoder(LOG, [])
    stream.feed(
        f"{TWO}\r\n(9)(999999)(2024-02-29,16:04:12)(0x3C02)(CRC Error)\r\n{THREE}"
    )
    assert stream.records == 3 and not stream.ordinals.missing


def test_blocks_with_repeats_give_each_record_once() -> None:
    stream = decoder(LOG, [])
    found = [
        r for text in (TWO, TWO, f"{TWO}\r\n{THREE}", THREE) for r in stream.feed(text)
    ]
    assert [record.place.number for record in found] == [88, 89]
    assert stream.ordinals.repeated == 3
    assert [row.flags for row in found[1].rows][-1] == ("supplier-lock-opened",)


def test_other_content_is_kept_and_flagged() -> None:
    stream = decoder(LOG, [])
    stream.feed(TWO)
    (again,) = stream.feed(TWO.replace("3C02", "1C02"))
    assert "overlap" in again.rows[0].flags


def test_extra_records_within_a_period() -> None:
    extra = ROW.replace("0x8104", "0x2D03")
    (record,) = decoder().feed(extra)
    assert all("event" in row.flags for row in record.rows)
    stream = decoder(intervals=True)
    assert not stream.feed(extra)
    assert len(stream.feed(ROW.replace("(1507)", "(1508)"))) == 1
    assert not stream.ordinals.missing
    log = decoder(LOG, [], intervals=True).feed(TWO)  # a log is nothing but events
    assert len(log) == 1 and "event" not in log[0].rows[0].flags


def test_columns_that_are_wanted() -> None:
    names = brackets("(GONo)(AONo)(Time)(Vb)(VbT)(Check)")
    sources = brackets("(0001:1F8_0)(0003:A20_0)(0001:400_0)(0002:300_0)(0002:302_0)()")
    layout = Layout(names, (), sources)
    text = "(1)(2)(2024-03-01,07:00:00)(4.5)(6.5)(CRC Ok)"
    stream = ArchiveDecoder(layout, 3, columns=["vbt", "2:300"])
    assert list(rows(stream.feed(text))) == ["Vb", "VbT"]
    stream = ArchiveDecoder(layout, 3, by_source=True)
    assert list(rows(stream.feed(text))) == ["1:1F8", "3:A20", "2:300", "2:302"]
    missing = ArchiveDecoder(layout, 3, columns=["VbT", "Q", "7:310"]).missing_columns()
    assert missing == ("Q", "7:310")


def test_a_change_log_and_its_codes() -> None:
    change = r"(31)(905)(2024-03-01,10:00:00)(0004:0311)((12.3456*\xEC3))((13*\xEC3))"
    stream = decoder(CHANGES, [], family="BK", page=CodePage.CYRILLIC)
    found = rows(stream.feed(f"{change}(0)(1)(0)(CRC Ok)"))
    assert found["old"].value == Decimal("12.3456") and found["old"].unit == "м3"
    assert found["Adr"].value == "0004:0311" and found["St3"].value == 1
    code = "(32)(906)(2024-03-01,10:00:01)(0004:0171)(12345678)(87654321)(0)(1)(0)"
    found = rows(stream.feed(f"{code}(CRC Ok)"))
    assert found["old"] == found["old"]._replace(value=STARS, raw=STARS)
    assert found["new"].value == STARS and found["Adr"].value == "0004:0171"
    text = f"{code}(CRC Ok)".replace("2024-03-01", "2024-13-01")
    fresh = decoder(CHANGES, [])
    fresh.feed(text)
    assert "12345678" not in repr(fresh.problems) and STARS in fresh.problems[0].text


def test_a_bk_record() -> None:
    text = (
        "(31)(905)(2024-03-01,10:00:00)(798.2201)(798.2201)(812.4075)(812.4075)(15.21)"
        "(101325.0000)(1.0000)(0.9825)(0.4210)(0)(0)(0)(0)(0)(0)(0)(0)(0)(0)(0x8103)"
        "(CRC Ok)"
    )
    stream = decoder(BK_DAY, [], family="BK", page=CodePage.CYRILLIC)
    found = rows(stream.feed(text))
    assert (found["AONo"].value, found["GONo"].value) == (31, 905)
    assert found["PpodAvI"].raw == "101325.0000"
    assert found["EventCode"].flags == ("day-boundary",)


@pytest.mark.parametrize("clock", ["local", "standard"])
def test_the_hour_that_comes_twice(clock: str) -> None:
    """Message 16 tells summer time, whichever way the clock was said to go."""
    texts = [("01:30", 16), ("02:30", 16), ("02:30", 15), ("03:30", 15)]
    stream = decoder(clock=clock)
    times = []
    for number, (time, status) in enumerate(texts):
        text = ROW.replace("03-01,07:00", f"10-27,{time}").replace("13;15", str(status))
        (record,) = stream.feed(text.replace("(1507)", f"({1507 + number})"))
        times.append(record.place.time.astimezone(UTC))
    hours = [time.hour + time.minute / 60 for time in times]
    assert hours == [23.5, 0.5, 1.5, 2.5]


def test_a_clock_set_by_hand_is_no_winter_time() -> None:
    """That the device says nothing counts in the doubled hour only."""
    (record,) = decoder(clock="local").feed(ROW.replace("2024-03-01", "2024-07-01"))
    assert record.place.time.utcoffset() == timedelta(hours=2)


def test_going_on_behind_a_file_finishes_its_last_record() -> None:
    time = datetime(2024, 2, 29, 15, 4, 11, tzinfo=UTC)
    order = Ordinals(Place(88, 2090, time, ""))
    stream = decoder(LOG, [], ordinals=order, written=["GONo"])
    first, second = stream.feed(f"{TWO}\r\n{THREE}")
    assert [row.register for row in first.rows] == ["AONo", "Er"]
    assert len(second.rows) == 3
    order = Ordinals(Place(88, 2090, time, ""))
    whole = decoder(LOG, [], ordinals=order, written=["GONo", "AONo", "Er"])
    assert len(whole.feed(f"{TWO}\r\n{THREE}")) == 1 and whole.records == 1


def test_records_of_a_device_that_was_reset() -> None:
    order = Ordinals(Place(5000, 9000, datetime(2024, 2, 1, tzinfo=UTC), ""))
    stream = decoder(LOG, [], ordinals=order)
    assert stream.feed(f"{TWO}\r\n{THREE}") == []
    assert [record.place.number for record in stream.finish()] == [88, 89]
    assert order.restarts


def test_an_error_behind_good_blocks() -> None:
    stream = decoder(LOG, [])
    assert len(stream.feed(TWO)) == 1 and stream.error is None
    assert stream.feed("(#0109)") == [] and stream.error == 109


def test_times_that_cannot_be() -> None:
    stream = decoder(LOG, [])
    assert not stream.feed(TWO.replace("02-29", "02-31"))
    assert "possible time" in stream.problems[0].message
    stream.feed(TWO)
    (record,) = stream.feed(THREE.replace("2024-02-29,16:04:19", "?"))
    assert "time-unknown" in record.rows[0].flags and not record.sure
    assert [row.raw for row in record.rows if row.register == "Time"] == ["?"]


@pytest.mark.parametrize("text", ["(1)(2)", "(1", f"{TWO}(", "(\x01)(2)", "())("])
def test_damaged_text_is_told(text: str) -> None:
    stream = decoder(LOG, [])
    found = stream.feed(text) + stream.finish()
    assert stream.problems or any(not record.sure for record in found)


@settings(max_examples=200)
@given(st.lists(st.text(alphabet="()\r\n;0x81CRC Ok2024-03-,:*{\\\xb0#"), max_size=6))
def test_any_text_does_no_harm(blocks: list[str]) -> None:
    for names in (PERIOD, LOG, []):
        stream = decoder(names, [])
        for text in blocks:
            stream.feed(text)
        stream.finish()


@given(st.lists(st.sampled_from([*ROW, ROW, TWO, "\r\n", "(CRC Ok)"]), max_size=40))
def test_any_mixture_of_records_does_no_harm(pieces: list[str]) -> None:
    stream = decoder()
    stream.feed("".join(pieces))
    for record in stream.finish():
        assert record.rows
