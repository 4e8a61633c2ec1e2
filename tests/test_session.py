"""Meter, as programs use it, in sessions with simulated meters."""

from pathlib import Path

import pytest

import iecread
from iecread import CheckError, ConfigError, Meter, RefusedError, load_config


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


@pytest.fixture
def meters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A meters.toml in the folder that we are in."""
    monkeypatch.setenv("IECREAD_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.delenv("IECREAD_CONFIG", raising=False)
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "meters.toml"
    path.write_text(METERS)
    return path


METERS = """schema = 1
[defaults]
retries = 1
[meters.kitchen]
port = "sim://household?reaction=20"
mode = "c"
password = { env = "KITCHEN" }
[meters.cellar]
port = "sim://household?reaction=20&wrong-password=1"
read-only = false
expect-serial = "10048151"
read-command = "R5"
password = { env = "KITCHEN" }
[meters.gas]
port = "sim://lis200-ek?reaction=20"
lock = "supplier"
password = { env = "GAS" }
"""


def test_a_meter_by_its_name_or_profile(meters: Path) -> None:
    found = Meter("kitchen", retries=0, mode="auto").options
    assert found.port == "sim://household?reaction=20"
    assert (found.meter, found.retries, found.mode) == ("kitchen", 0, "c")
    for config in (load_config(), load_config("meters.toml")):
        assert Meter(config.meter("kitchen")).options.retries == 1
    assert Meter("/dev/kitchen").profile is None
    for nobody in ("kitchn", "", None, 5):
        with pytest.raises(ConfigError):
            Meter(nobody)  # type: ignore[arg-type]
    meters.unlink()
    with pytest.raises(ConfigError) as caught:
        Meter("kitchen")
    assert "a port is /dev/ttyUSB0" in caught.value.hint


def test_a_profile_refuses_changes(
    meters: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KITCHEN", "00000000")
    sent: list[bytes] = []
    with Meter("kitchen") as meter, meter.programming() as session:
        planned = session.plan_write("0.0.1", "HOUSE 8")
        meter.on_bytes = lambda way, data, _: sent.append(data)
        for change in (
            lambda: session.write("0.0.1", "HOUSE 8"),
            lambda: session.execute("1.6.0"),
            lambda: session.carry_out(planned),
        ):
            with pytest.raises(ConfigError, match=r"read-only \(meters.toml:4\)"):
                change()
        assert not sent
    with Meter("gas") as meter, meter.lis200("00000000") as gas:
        with pytest.raises(ConfigError, match="read-only"):
            gas.write("p.F", "1.02")


def test_a_profile_names_the_password_and_a_refusal_is_remembered(
    meters: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KITCHEN", "11111111")
    with Meter("cellar") as meter:
        for words in ("refused the password", "refused this password already"):
            with pytest.raises(RefusedError, match=words), meter.programming():
                pass
    monkeypatch.setenv("KITCHEN", "")
    with Meter("kitchen") as meter:
        with pytest.raises(ConfigError, match="'KITCHEN' is empty"):
            with meter.programming():
                pass
        with meter.programming("00000000") as session:
            assert session.read("1.8.0")
    meters.chmod(0o666)
    monkeypatch.setenv("KITCHEN", "00000000")
    with Meter("kitchen") as meter:
        with pytest.raises(ConfigError, match="no password is fetched"):
            with meter.programming():
                pass


def test_a_session_is_with_the_meter_that_was_expected(
    meters: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KITCHEN", "00000000")
    meters.write_text(METERS.replace("&wrong-password=1", ""))
    with Meter("cellar") as meter, meter.programming() as session:
        assert [command for command, _ in session.read_styles] == ["R5", "R5"]
        assert session.write("0.0.1", "HOUSE 8").outcome == "done"
    with Meter("cellar", expect_serial="7") as meter:
        with pytest.raises(CheckError, match="not '7'"), meter.programming():
            pass


def test_a_profile_names_lock_and_code(
    meters: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GAS", "00000000")
    for lock, number in ((None, 3), ("customer", 4)):
        with Meter("gas") as meter, meter.lis200(lock=lock) as gas:
            assert gas.key is not None and gas.key.lock == number
            assert gas.unlock()
    with Meter("gas", expect_serial="7") as meter:
        with pytest.raises(CheckError, match="not '7'"), meter.lis200():
            pass
