"""Values of options and keys: what they mean, and which are refused."""

from decimal import Decimal
from pathlib import Path

import pytest

from iecread.settings import decimal


@pytest.mark.parametrize("text", ["40", "0.001", "1E3", "-2"])
def test_a_ratio(text: str) -> None:
    assert decimal(text) == Decimal(text)


@pytest.mark.parametrize(
    "value",
    ["", "x", "NaN", "-Infinity", "1E999999999", "1E-999999999", "9" * 31, 0.5, True],
)
def test_what_is_no_ratio(value: object) -> None:
    """Nor is it written out: that would fill the memory."""
    with pytest.raises(ValueError):
        decimal(value)


def test_a_device_of_a_profile_counts_and_a_wrong_one_is_named(run, tmp_path: Path):
    from iecread.devices import load

    name = next(iter(load()))
    file = tmp_path / "meters.toml"
    text = f'schema = 1\n[meters.a]\nport = "sim://household"\ndevice = "{name}"\n'
    file.write_text(text)
    shown = run("meters", "show", "a", "-c", str(file), "-f", "csv").stdout
    assert f"device,{name}," in shown
    file.write_text(text.replace(f'"{name}"', '"zyx"'))
    said = run("readout", "a", "-c", str(file), exit=4).stderr
    assert "meters.toml:4:10: device: " in said and "zyx" in said
