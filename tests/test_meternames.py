"""Which meter is meant by a word, and what else may have been meant."""

from pathlib import Path

import pytest

from iecread.errors import ConfigError
from iecread.meternames import meter_called


@pytest.mark.parametrize(
    ("target", "meant"),
    [
        ("null", "did you mean /dev/null"),
        ("ttyUSB77", "/dev/ttyUSB77"),
        ("192.168.0.8:8000", "socket://192.168.0.8:8000"),
        ("sim:household", "sim://household"),
        ("kitchen", "/dev/ttyUSB0"),
        ("..", "/dev/ttyUSB0"),
    ],
)
def test_an_unknown_meter_may_be_a_port(target: str, meant: str) -> None:
    with pytest.raises(ConfigError) as caught:
        meter_called(target, environ={})
    assert caught.value.message == f"no meter called {target!r}"
    assert meant in caught.value.hint


def test_a_meter_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "x.toml"
    file.write_text('schema = 1\n[meters.kitchen]\nport = "COM3"\n')
    assert meter_called("kitchen", str(file)).port == "COM3"
    with pytest.raises(ConfigError, match="no meter called 'kitchn'") as caught:
        meter_called("kitchn", str(file))
    assert caught.value.hint == "did you mean 'kitchen'?"
    with pytest.raises(ConfigError) as caught:
        meter_called("ttyS77", str(file))
    assert caught.value.hint == "a port is given with its folder: /dev/ttyS77"
    monkeypatch.setenv("IECREAD_CONFIG", str(file))
    assert meter_called("kitchen").name == "kitchen"
