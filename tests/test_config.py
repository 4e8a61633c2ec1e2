"""meters.toml: the example loads, layers, faults point at their line."""

from pathlib import Path

import pytest

from iecread.config import load_config
from iecread.configfaults import ConfigFileError

EXAMPLE = Path(__file__).parent.parent / "meters.example.toml"


def written(tmp_path: Path, text: str) -> str:
    path = tmp_path / "meters.toml"
    path.write_text(f"schema = 1\n{text}")
    return str(path)


def test_the_example_loads() -> None:
    config = load_config(str(EXAMPLE))
    kitchen = config.meter("kitchen")
    assert kitchen.options["expect_serial"] == "60145523"
    assert kitchen.rules["1.8.0"].name == "energy_import"
    assert kitchen.origin("retries").endswith(":18") and kitchen.read_only


@pytest.mark.parametrize(
    ("text", "line", "hint"),
    [
        ('[meters.a]\nport = "COM1"\nexpect-seriel = "1"', 4, "expect-serial"),
        ('[meters.a]\nport = "COM1"\nbaud = 1234', 4, "leave the key out"),
        ('[meters.a]\nlike = "b"\n[meters.b]\nlike = "a"', 3, "take one"),
        ('[meters.a]\nlike = "c"', 3, "name a meter"),
        ("[meters.a]", 2, "ports"),
        ("[meters.a\n", 2, "quotes"),
    ],
)
def test_a_fault_names_its_line(tmp_path, text, line, hint) -> None:
    with pytest.raises(ConfigFileError) as caught:
        load_config(written(tmp_path, text))
    assert caught.value.faults[0].line == line
    assert hint in caught.value.faults[0].hint


def test_a_meter_is_read_by_its_name(run, tmp_path) -> None:
    found = run("-c", str(EXAMPLE), "readout", "demo", "-f", "json").json
    codes = [r["register"] for r in found["registers"]]
    assert found["meter"] == "demo" and codes == ["1.8.0", "1.8.1", "1.8.2", "2.8.0"]
