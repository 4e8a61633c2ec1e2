"""Readings into a database: what goes there, and what may not."""

import pytest
from stored import select

HOUSE = "sim://household?reaction=20"


@pytest.mark.parametrize(
    ("argv", "count"),
    [
        (("readout", HOUSE), 28),
        (("readout", HOUSE, "--only=1.8.0,2.8.0", "--append"), 2),
        (("read", HOUSE, "1.8.0"), 1),
        (("listen", "sim://p1?period=0.1", "--count=2"), 76),
    ],
)
def test_readings_go_into_a_database(run, tmp_path, argv, count):
    file = tmp_path / "x.db"
    for turn in (1, 2):
        assert run(*argv, "-o", str(file)).stdout == ""
        assert select(file, "SELECT count(*) FROM readings") == [(turn * count,)]
    assert select(file, "SELECT DISTINCT meter, channel FROM readings") == [
        (argv[1], "")
    ]


@pytest.mark.parametrize(
    ("argv", "exit", "words"),
    [
        (("readout", HOUSE, "-f", "csv"), 2, "is a database by its suffix"),
        (("load-profile", HOUSE, "-f", "json"), 2, "is a database by its suffix"),
        (("decode", "x.db"), 2, "when a meter was read"),
        (("identify", HOUSE), 2, "holds readings only"),
        (("ports", "--append"), 2, "holds readings only"),
        (("readout", HOUSE), 10, "no SQLite database"),
        (("read", HOUSE, "1.8.0"), 10, "no SQLite database"),
        (("events", HOUSE), 10, "no SQLite database"),
        (("events", HOUSE, "--from=last"), 10, "no SQLite database"),
        (("load-profile", HOUSE, "--from=last"), 10, "no SQLite database"),
    ],
)
def test_what_is_no_database_of_ours_is_left_alone(run, tmp_path, argv, exit, words):
    file = tmp_path / "x.db"
    file.write_bytes(b"SQLite format 3\0 and rows")
    said = run(*argv, "-vv", "-o", str(file), exit=exit).stderr
    assert words in said and " > " not in said  # no byte was sent
    assert file.read_bytes() == b"SQLite format 3\0 and rows"
