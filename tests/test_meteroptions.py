"""Options of a meter: what they can be, and who else knows them."""

from pathlib import Path

import pytest

from iecread import ConfigError, PortError
from iecread.devices import DeviceProfile
from iecread.meteroptions import MeterOptions, as_recorded, recorded_options
from iecread.replay import Replay


def options(**said: object) -> MeterOptions:
    """Options of a simulated meter."""
    return MeterOptions("sim://household", **said)  # type: ignore[arg-type]


@pytest.mark.parametrize("key", ["mode", "framing", "wake", "echo", "bcc", "dialect"])
def test_an_option_that_is_no_such_choice(key: str) -> None:
    with pytest.raises(ConfigError, match=f"{key} cannot be 'x'"):
        options(**{key: "x"})


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("baud", -1),
        ("baud", "9600"),
        ("timeout", "5s"),
        ("wait", None),
        ("baud", 301),
        ("max_baud", True),
        ("timeout", -1),
        ("timeout", float("nan")),
        ("switch_delay", float("inf")),
        ("retries", -1),
        ("retries", 1.5),
        ("timezone", "Mars/Olympus"),
        ("expect_serial", 60145523),
        ("option", 0),
        ("stay_at_baud", "yes"),
    ],
)
def test_an_option_that_cannot_be(key: str, value: object) -> None:
    with pytest.raises(ConfigError, match=f"{key} cannot be {value!r}"):
        options(**{key: value})


def test_an_address_that_cannot_be_sent() -> None:
    with pytest.raises(ConfigError, match="address cannot be '1/2'") as caught:
        options(address="1/2")
    assert "letters, digits and blanks" in caught.value.hint


def test_a_device_profile_completes_what_was_not_said() -> None:
    device = DeviceProfile("x", "X", "invented", ("/XYZ*",), mode="a", baud=600)
    assert options().completed(device) == options(mode="a", baud=600)
    assert options(mode="c", baud=2400).completed(device).mode == "c"
    assert options(mode="c", baud=2400).completed(device).baud == 2400
    assert options(device="x").names_device
    assert not (options().names_device or options(device="none").names_device)


def recording(folder: Path, settings: str) -> Replay:
    """A recording that was read with these settings."""
    path = folder / "it.jsonl"
    head = '{"iecread": "trace", "schema": 1, "meter": "mine", "settings": '
    path.write_text(head + settings + "}\n")
    return Replay(f"replay://{path}")


def test_a_recording_keeps_what_was_said_of_the_meter(tmp_path: Path) -> None:
    said = options(baud=600, wait=5.0, trace="x", address="7", meter="mine")
    assert said.recorded() == {"baud": 600, "address": "7"}
    tape = recording(tmp_path, '{"baud": 600, "address": "7", "colour": "red"}')
    assert recorded_options(tape) == {"meter": "mine", "baud": 600, "address": "7"}
    found = as_recorded(options(address="8"), tape)
    assert found == options(address="8", baud=600, meter="mine")


@pytest.mark.parametrize("settings", ['{"baud": "fast"}', '{"mode": "x"}', "7"])
def test_a_recording_with_settings_that_cannot_be(
    tmp_path: Path, settings: str
) -> None:
    with pytest.raises(PortError, match="settings that cannot"):
        recorded_options(recording(tmp_path, settings))
