"""Going on where a file of events ends."""

from datetime import UTC, datetime, timedelta

import pytest

from iecread.eventresume import LogEnd, from_csv
from iecread.resume import ResumeError

COLUMNS = ("time", "meter", "channel", "status", "words")
HEADER = ",".join(COLUMNS) + "\n"
START = datetime(2026, 11, 1, tzinfo=UTC)


def cells(hour: float | str, status: str = "80", meter: str = "m") -> list[str]:
    time = hour
    if not isinstance(hour, str):
        time = (START + timedelta(hours=hour)).isoformat()
    return [str(time), meter, "P.98", status, ""]


def end(*entries: list[str], more: str = "") -> LogEnd:
    text = HEADER + "".join(",".join(entry) + "\n" for entry in entries) + more
    lines = text.splitlines(keepends=True)
    return from_csv(lines, COLUMNS, meter="m", channel="P.98")


def new(known: LogEnd, *entries: list[str]) -> list[list[str]]:
    def time(text: str) -> datetime | None:
        return datetime.fromisoformat(text) if text.startswith("20") else None

    return [entry for entry in entries if known.is_new(time(entry[0]), entry)]


def test_what_the_file_has_is_left_out() -> None:
    known = end(cells(1), cells(2), cells(2, "40"), cells(9, meter="other"))
    assert known.start == START + timedelta(hours=2)
    twice = cells(2)
    assert new(known, cells(2), cells(2, "40"), twice, cells(3)) == [twice, cells(3)]


def test_a_clock_set_back_and_an_impossible_time() -> None:
    known = end(cells(5), cells("0000000000"))
    back = cells(4)
    assert new(known, cells("0000000000"), cells(5), back) == [back]


def test_the_offset_does_not_matter() -> None:
    known = end(["2026-11-01T01:00:00+01:00", "m", "P.98", "80", ""])
    assert new(known, cells(0)) == []


def test_a_torn_line_does_not_count() -> None:
    assert end(cells(1), more="2026-11-02T00:00:00+00:00,m,P.98").start == (
        START + timedelta(hours=1)
    )


def test_nothing_there_and_something_else() -> None:
    assert end().start is None
    assert from_csv([], COLUMNS, meter="", channel="P.98").start is None
    with pytest.raises(ResumeError, match="no header of events"):
        from_csv(["time,meter,serial\n"], COLUMNS, meter="", channel="P.98")
    with pytest.raises(ResumeError, match="damaged"):
        end(more='"' + "x" * (9 << 20) + '"\n')
