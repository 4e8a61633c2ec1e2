"""File names with fields: what they become, and that they stay where they are."""

import os
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from output_samples import HOSTILE

from iecread.errors import ConfigError
from iecread.template import FIELDS, Template, is_database, safe_name

TIME = datetime(2026, 1, 31, 23, 30, tzinfo=UTC)


def test_all_fields() -> None:
    template = Template("{year}/{month}/{day}/{meter}-{serial}.csv", "/data")
    assert template.fields == set(FIELDS)
    assert template.base == "/data"
    path = template.path("kitchen", "60145523", TIME)
    assert path == "/data/2026/01/31/kitchen-60145523.csv"


def test_without_fields() -> None:
    template = Template("readings.csv")
    assert template.fields == set()
    assert template.path("kitchen") == "readings.csv"
    assert template.base == "."
    assert Template("/var/log/a{day}/b.csv").base == "/var/log"


def test_the_date_is_that_where_the_meter_hangs() -> None:
    template = Template("{year}-{month}-{day}")
    assert template.path(time=TIME) == "2026-01-31"
    assert template.path(time=TIME, zone=ZoneInfo("Europe/Berlin")) == "2026-02-01"
    there = timezone(timedelta(hours=14))
    late = TIME.astimezone(there)
    assert template.path(time=late) == "2026-02-01"
    assert template.path(time=late, zone=there, utc=True) == "2026-01-31"
    now = datetime.now().astimezone()
    assert template.path() in {f"{t:%Y-%m-%d}" for t in (now, now + timedelta(1))}


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("{metre}.csv", "{metre}", "did you mean {meter}"),
        ("{Month}.csv", "{Month}", "did you mean {month}"),
        ("{}.csv", "{}", "there are {meter} {serial}"),
        ("{hour}.csv", "{hour}", ""),
        ("{meter", "brace", ""),
        ("meter}.csv", "brace", ""),
        ("{{meter}}.csv", "brace", ""),
        ("../{meter}.csv", "leaves its folder", "whole path"),
        ("{meter}/../../x.csv", "leaves its folder", "whole path"),
        ("/srv/..", "leaves its folder", ""),
        ("a\0b.csv", "control character", ""),
        ("a\nb.csv", "control character", ""),
        ("", "names no file", ""),
        ("readings/", "names no file", ""),
        ("readings/.", "names no file", ""),
    ],
)
def test_what_is_no_template(text: str, message: str, hint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Template(text)
    assert message in caught.value.message
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ("kitchen", "kitchen"),
        ("Zähler 7", "Zähler 7"),
        ("", "unknown"),
        ("   ", "unknown"),
        ("..", "__"),
        ("../../etc/passwd", "___.._etc_passwd"),
        (".hidden", "_hidden"),
        ("v1.", "v1_"),
        ("a/b\\c:d*e?f", "a_b_c_d_e_f"),
        ("\x00\x1b[2J\x9b\u202e", "__[2J__"),
        ("NUL", "_NUL"),
        ("com1.txt", "_com1.txt"),
        ("console", "console"),
        ("{year}", "_year_"),
    ],
)
def test_values(value: str, name: str) -> None:
    assert safe_name(value) == name


def test_long_values_stay_apart() -> None:
    one, other = safe_name("x" * 300), safe_name("x" * 299 + "y")
    assert one != other
    assert len(one) == len(other) == 80
    assert len(safe_name("ä" * 41).encode()) <= 80


def test_a_name_that_is_too_long_all_the_same() -> None:
    template = Template("a" * 200 + "{meter}")
    assert template.path("b" * 55)
    with pytest.raises(ConfigError, match="too long"):
        template.path("b" * 56)


@given(
    st.text() | st.sampled_from([*HOSTILE, "..", "/", ".", "~", "-rf"]),
    st.text() | st.sampled_from([*HOSTILE, "../..", "\\..\\", "C:"]),
)
@pytest.mark.parametrize(
    "text", ["{meter}", "{serial}/{meter}.csv", ".{serial}", "x/{meter}{serial}/y"]
)
def test_nothing_leaves_the_folder(text: str, meter: str, serial: str) -> None:
    path = Template(text, "/data").path(meter, serial, TIME)
    assert os.path.normpath(path) == path
    assert os.path.commonpath(["/data", path]) == "/data"
    assert path.count("/") == text.count("/") + 2
    assert path.isprintable() and not {"\\", ":", "*"} & set(path)
    path.encode()


def test_the_files_that_are_there(tmp_path: Path) -> None:
    template = Template("{month}-{year}/{meter}[{serial}] {month}.csv", str(tmp_path))
    made = [
        template.path(meter, serial, datetime(year, month, 1, tzinfo=UTC))
        for year, month in ((2026, 2), (2025, 11), (2026, 10))
        for meter, serial in (("a", "1"), ("a", "2"), ("ab", "1"))
    ]
    for path in made:
        Path(path).parent.mkdir(exist_ok=True)
        Path(path).touch()
    (tmp_path / "02-2026" / "a[1] 03.csv").touch()  # dates that differ
    (tmp_path / "02-2026" / "a[1] xx.csv").touch()
    assert template.existing("a", "1") == [made[3], made[0], made[6]]
    assert template.existing("a") == [*made[3:5], *made[0:2], *made[6:8]]
    assert template.existing("b") == []


def test_databases() -> None:
    assert is_database("x/readings.DB") and is_database("a.sqlite3")
    assert not is_database("db") and not is_database("x.db/readings.csv")


def test_one_file_whatever_its_name(tmp_path: Path) -> None:
    path = str(tmp_path / "a" / ".." / "{meter}[1].db")
    template = Template.literal(path)
    assert template.path("kitchen") == path and not template.fields
    assert template.existing("kitchen") == []
    (tmp_path / "a").mkdir()
    Path(path).touch()
    assert template.existing("kitchen") == [path]
