"""Read meters that speak IEC 62056-21 (IEC 1107).

``Meter`` connects by port, or by the name of a meter of meters.toml, which
``load_config`` reads; ``Readout``, ``Reading`` and ``DataSet`` are what comes out;
errors are in ``iecread.errors``.  Names are imported when they are used, so that
the command line starts quickly.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from iecread._version import __version__

if TYPE_CHECKING:
    from iecread.config import load_config
    from iecread.errors import (
        CheckError,
        ConfigError,
        IecReadError,
        LocalProtocolError,
        NoAnswerError,
        OutputError,
        PortBusyError,
        PortError,
        ProtocolError,
        RefusedError,
        RemoteProtocolError,
    )
    from iecread.protocol.datasets import DataSet
    from iecread.readings import Reading, Readout
    from iecread.session import Meter

_HOMES = {
    "Meter": "session",
    "Readout": "readings",
    "Reading": "readings",
    "DataSet": "protocol.datasets",
    "load_config": "config",
} | dict.fromkeys(
    (
        "CheckError",
        "ConfigError",
        "IecReadError",
        "LocalProtocolError",
        "NoAnswerError",
        "OutputError",
        "PortBusyError",
        "PortError",
        "ProtocolError",
        "RefusedError",
        "RemoteProtocolError",
    ),
    "errors",
)

__all__ = [
    "CheckError",
    "ConfigError",
    "DataSet",
    "IecReadError",
    "LocalProtocolError",
    "Meter",
    "NoAnswerError",
    "OutputError",
    "PortBusyError",
    "PortError",
    "ProtocolError",
    "Reading",
    "Readout",
    "RefusedError",
    "RemoteProtocolError",
    "__version__",
    "load_config",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"iecread.{_HOMES[name]}"), name)
