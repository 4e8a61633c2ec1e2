"""Meter, as programs use it, in sessions with simulated meters."""

from pathlib import Path

import pytest

import iecread
from iecread import Meter


def test_every_name_that_is_promised_is_there() -> None:
    for name in iecread.__all__:
        assert getattr(iecread, name)
    with pytest.raises(AttributeError):
        _ = iecread.nonsense


def test_a_change_does_not_show_its_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IECREAD_STATE_DIR", str(tmp_path))
    with Meter("sim://vdew?reaction=20") as meter:
        with meter.programming("00000000", write_command="W5") as session:
            change = session.plan_write("0.0.1", "HOUSE 8")
    assert b"00000000" in change.message
    assert "00000000" not in repr(change)
