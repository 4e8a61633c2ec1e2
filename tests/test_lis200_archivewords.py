"""Names of archives, status and events in words (lis200.md 8.1, 9 and 10)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iecread.lis200.archivewords import (
    archive_names,
    archive_number,
    event_code,
    event_word,
    family,
    is_archive_name,
    is_period_end,
    is_summer,
    status_words,
)


@pytest.mark.parametrize(
    ("name", "device", "number"),
    [
        ("month", "EK260", 1),
        ("month2", "EK280", 2),
        ("period", "EK270", 3),
        ("interval", "TC220", 3),
        ("events", "EK220", 4),
        ("logbook", "DL220W", 10),
        ("changes", "TC210", 5),
        ("changes", "DL230", 11),
        ("calibration", "DL240", 12),
        ("calibration", "EK280", 9),
        ("calibration", "EK260", None),
        ("day", "BKET", 7),
        ("month2", "TC215", None),
        ("period", "DL210", 2),
        ("month2", "DL210", None),
        ("month2", "DL220", 3),
        ("period2", "DL220", 4),
        ("period4", "DL240", 8),
        ("period4", "DL220", None),
        ("Logbook", "BK-G4", 4),
        ("13", "EK280", 13),
        (" 7 ", "", 7),
        ("period", "something new", 2),
        ("nonsense", "EK260", None),
    ],
)
def test_archives_of_each_device(name: str, device: str, number: int | None) -> None:
    if device != "something new":
        assert archive_number(name, device) == number
    assert is_archive_name(name) == (name != "nonsense")


def test_numbers_that_no_archive_has() -> None:
    assert not is_archive_name("0") and not is_archive_name("100")
    assert "period" in archive_names() and archive_names("EK260")["day"] == 7


def test_families() -> None:
    devices = ["EK260", "TC210", "DL240", "BKET", "\\BKET", ""]
    assert [*map(family, devices)] == ["EK", "EK", "DL", "BK", "BK", "EK"]


@pytest.mark.parametrize(
    ("code", "device", "word"),
    [
        ("0x3002", "EK", "restart"),
        ("0x3202", "DL", "data-restored"),
        ("0x3102", "BK", "reprogrammed"),
        ("0x3302", "EK", "supply-voltage-low"),
        ("0x3302", "BK", "battery-2-low"),
        ("0x1802", "EK", "battery-low-gone"),
        ("0x3A02", "EK", "clock-not-set"),
        ("0x3C02", "EK", "data-transmission-started"),
        ("0x1C02", "EK", "data-transmission-ended"),
        ("0x3F02", "EK", "summer-time-begins"),
        ("0x1f02", "EK", "summer-time-ends"),
        ("0x2D03", "EK", "supplier-lock-opened"),
        ("0x0D04", "DL", "customer-lock-closed"),
        ("0x2004", "EK", "measured-flow-alarm"),
        ("0x0007", "EK", "pressure-alarm-gone"),
        ("0x2105", "EK", "temperature-sensor-fault"),
        ("0x2501", "EK", "energy-warning-limit"),
        ("0x2501", "DL", "warning-limit-input-1"),
        ("0x2506", "EK", "temperature-warning-limit"),
        ("0x2804", "DL", "modem-battery-low"),
        ("0x2803", "BK", "ambient-temperature-limit"),
        ("0x2C07", "BK", "battery-box-open"),
        ("0x2A01", "EK", "encoder-fault"),
        ("0x2F02", "BK", "modem-started"),
        ("0x0F01", "EK", "call-window-1-closed"),
        ("0x2709", "EK", "warning-signal-input-9"),
        ("0x8101", "EK", "backup-time"),
        ("0x8103", "BK", "day-boundary"),
        ("0x8104", "EK", "period-end"),
        ("0x8105", "DL", "period-end-input-1"),
        ("0x8112", "EK", "month-boundary"),
        ("0x8142", "EK", "period-66-ended"),
        ("0x8004", "EK", "period-4-set-back"),
        ("0x820A", "DL", "after-change-archive-10"),
        ("0x8303", "EK", "before-change-archive-3"),
        ("0x8501", "EK", "archive-1-frozen"),
        ("0x2E0C", "EK", "message-15-of-status-12"),
        ("0x0E0C", "EK", "message-15-of-status-12-gone"),
        ("0x3E02", "BK", "message-15-of-system-status"),
        ("0x1303", "EK", "event-1303"),
        ("0x4000", "EK", "event-4000"),
        ("0x9001", "EK", "event-9001"),
    ],
)
def test_events(code: str, device: str, word: str) -> None:
    number = event_code(code)
    assert number is not None and event_word(number, device) == word


@given(st.integers(0, 0xFFFF), st.sampled_from(["EK", "DL", "BK", "?"]))
def test_every_event_has_a_word(code: int, device: str) -> None:
    word = event_word(code, device)
    assert word and " " not in word and "{" not in word


def test_what_is_no_event() -> None:
    assert [*map(event_code, ["8104", "0x810", "0x81040", "", "0x81G4"])] == [None] * 5
    assert is_period_end(0x8104) and not is_period_end(0x2D03)


@pytest.mark.parametrize(
    ("content", "status", "device", "words"),
    [
        ("0", 0, "EK", ()),
        ("13;15", 0, "EK", ("data-transmission", "battery-operation")),
        ("0x1000", 0, "BK", ("data-transmission",)),
        ("14", 4, "EK", ("customer-lock-open",)),
        ("14", 9, "DL", ("message-14-of-status-9",)),
        ("nonsense", 0, "EK", ()),
    ],
)
def test_status(content: str, status: int, device: str, words: tuple[str, ...]) -> None:
    assert status_words(content, status, device) == words


def test_summer_time() -> None:
    assert is_summer("13;16") and is_summer("0x8000")
    assert is_summer("15") is False and is_summer("?") is None
