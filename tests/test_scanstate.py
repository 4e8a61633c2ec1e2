"""Where a scan stopped."""

import pytest

from iecread.errors import ConfigError
from iecread.scanstate import FILE, ScanState


def test_what_was_tried_is_known_to_the_same_scan(tmp_path) -> None:
    folder = str(tmp_path)
    ScanState(folder, "COM4", "1-99").remember(17)
    assert ScanState(folder, "COM4", "1-99").tried() == 17
    assert ScanState(folder, "COM4", "1-98").tried() == 0
    assert ScanState(folder, "COM5", "1-99").tried() == 0
    ScanState(folder, "COM4", "1-99").remember(0)
    assert ScanState(folder, "COM4", "1-99").tried() == 0


def test_two_scans_do_not_mix(tmp_path) -> None:
    one, two = (ScanState(str(tmp_path), port, "1-9") for port in ("COM1", "COM2"))
    one.remember(1)
    two.remember(2)
    one.remember(3)
    assert (one.tried(), two.tried()) == (3, 2)


def test_a_long_list_is_told_by_its_sum(tmp_path) -> None:
    long = [",".join(str(n) for n in range(start, 90000, 2)) for start in (0, 1)]
    one, two = (ScanState(str(tmp_path), "COM1", text) for text in long)
    one.remember(3)
    assert (one.tried(), two.tried()) == (3, 0)
    assert (tmp_path / FILE).stat().st_size < 300


def test_the_oldest_are_forgotten(tmp_path) -> None:
    states = [ScanState(str(tmp_path), f"COM{n}", "1-9") for n in range(103)]
    for state in states:
        state.remember(5)
    assert [state.tried() for state in states[:4]] == [0, 0, 0, 5]


@pytest.mark.parametrize(
    "content", ["", "[1]", "{", '{"COM1 1-9": true}', '{"COM1 1-9": -4}']
)
def test_a_file_that_is_none_of_ours(tmp_path, content: str) -> None:
    (tmp_path / FILE).write_text(content)
    state = ScanState(str(tmp_path), "COM1", "1-9")
    assert state.tried() == 0
    state.remember(2)
    assert state.tried() == 2


def test_a_folder_that_is_gone(tmp_path) -> None:
    with pytest.raises(ConfigError, match="cannot write"):
        ScanState(str(tmp_path / "gone"), "COM1", "1-9").remember(1)
