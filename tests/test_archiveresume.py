"""Going on where a file of records ends."""

from datetime import UTC, datetime, timedelta

import pytest

from iecread.archiveresume import Tail, from_csv
from iecread.ordinals import Place
from iecread.resume import COLUMNS, ResumeError

START = datetime(2024, 3, 1, tzinfo=UTC)
HEADER = ",".join(COLUMNS) + "\n"


def record(number: int, hour: float, *registers: str, archive: int = 3) -> str:
    time = (START + timedelta(hours=hour)).isoformat()
    values = {"GONo": 2 * number, "AONo": number}
    return "".join(
        f"{time},gas,SIM,{archive},{name},{values.get(name, 1.5)},m3,\n"
        for name in ("GONo", "AONo", *registers)
    )


def tail(text: str, archive: int = 3, meter: str = "gas") -> Tail | None:
    lines = (HEADER + text).splitlines(keepends=True)
    return from_csv(lines, archive=archive, meter=meter)


def test_the_newest_record() -> None:
    found = tail(record(7, 1, "Vb") + record(8, 2, "Vb"))
    assert found == Tail(
        Place(8, 16, START + timedelta(hours=2), ""), frozenset({"GONo", "AONo", "Vb"})
    )


def test_two_records_at_one_time() -> None:
    found = tail(record(7, 1, "Vb") + record(8, 1, "Vb"))
    assert found and found.place.number == 8


def test_a_record_that_was_half_written() -> None:
    whole = tail(record(7, 1, "Vb") + record(8, 2))
    assert whole and whole.registers == {"GONo", "AONo"} and whole.place.number == 8
    text = (record(7, 1, "Vb") + record(8, 2, "Vb"))[:-3]  # the last line is torn
    torn = tail(text)
    assert torn and torn.registers == {"GONo", "AONo"}


def test_missing_records_that_came_late() -> None:
    found = tail(record(7, 1) + record(11, 5) + record(9, 3))
    assert found and found.place.number == 11


def test_a_device_that_was_reset() -> None:
    found = tail(record(700, 1) + record(1, 2))
    assert found and found.place.number == 1


def test_other_archives_and_meters_do_not_count() -> None:
    text = record(7, 1) + record(99, 9, archive=4)
    found = tail(text)
    assert found and found.place.number == 7
    assert tail(text, archive=7) is None and tail(text, meter="other") is None
    assert from_csv([], archive=3) is None


def test_addresses_of_sources_are_known_too() -> None:
    text = record(7, 1, "2:300").replace("GONo", "1:1F8").replace("AONo", "3:A20")
    found = tail(text)
    assert found and found.place[:2] == (7, 14)


def test_without_numbers() -> None:
    found = tail(record(7, 1, "Vb").replace("GONo", "VbT").replace("AONo", "Vm"))
    assert found and found.place[:2] == (None, None)


def test_another_file() -> None:
    with pytest.raises(ResumeError):
        from_csv(["time,meter,serial,register\n"], archive=3)
