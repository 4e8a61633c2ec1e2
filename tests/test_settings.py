"""The key ``device`` of meters.toml: a profile by name, weaker than what is said."""

from pathlib import Path


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
