"""The line of a meter: how it is opened, and what it is told."""

import pytest

from iecread import ConfigError, Meter, PortBusyError, PortError


def test_wrong_use_is_told() -> None:
    with pytest.raises(ConfigError, match="colour"):
        Meter("sim://household", colour="red")
    with pytest.raises(PortError, match="not open"):
        Meter("sim://household").readout()
    with pytest.raises(PortBusyError):
        Meter("sim://household?busy=1").open()
