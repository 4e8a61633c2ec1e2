"""Passwords and codes of locks, as programs hand them over, and in replays."""

from pathlib import Path

import pytest

from iecread import Meter, RefusedError


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, in which refusals are remembered."""
    return elsewhere(tmp_path / "state", monkeypatch)


def elsewhere(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """From now on refusals are remembered in this folder."""
    monkeypatch.setenv("IECREAD_STATE_DIR", str(folder))
    return folder


def test_a_refused_password_is_remembered_for_programs_too(
    state: Path,
) -> None:
    port = "sim://household?wrong-password=1&reaction=20"
    for password in ("11111111", lambda _: "22222222"):
        with Meter(port) as meter:
            sent: list[bytes] = []
            meter.on_bytes = lambda way, data, _, sent=sent: (
                sent.append(data) if way == "tx" else None
            )
            with pytest.raises(RefusedError, match="refused the password"):
                with meter.programming(password):
                    pass
            assert list(state.iterdir())
            with pytest.raises(RefusedError, match="already"):
                with meter.programming(password):
                    pass
        assert sum(b"P1" in data for data in sent) == 1


def test_a_replay_needs_no_password_and_remembers_none(
    tmp_path: Path, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trace = str(tmp_path / "it.jsonl")
    url = "sim://household?reaction=20&time=2026-11-22T12:00"
    with Meter(url, trace=trace) as meter, meter.programming("00000000") as session:
        found = session.read("1.8.0")
    state = elsewhere(tmp_path / "other", monkeypatch)
    for password in (None, "not it", lambda operand: "nor this"):
        with Meter(f"replay://{trace}") as meter, meter.programming(password) as again:
            assert again.read("1.8.0") == found
    assert not state.exists()


def test_a_replay_needs_no_code_of_a_lock(
    tmp_path: Path, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trace = str(tmp_path / "it.jsonl")
    url = "sim://lis200-ek?reaction=20&time=2026-11-22T12:00"
    with Meter(url, trace=trace) as meter:
        with meter.lis200("00000000", lock="supplier") as session:
            session.unlock()
            found = session.read("7:310")
    state = elsewhere(tmp_path / "other", monkeypatch)
    for code in (None, "another"):
        with Meter(f"replay://{trace}") as meter:
            with meter.lis200(code, lock="supplier") as session:
                session.unlock()
                assert session.read("7:310") == found
    assert not state.exists()
