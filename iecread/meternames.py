"""Which meter of meters.toml is meant by a word, and what may have been meant instead.

The command line and ``Meter`` ask here for whatever is not spelled like a port, see
``settings.is_port``.
"""

import os
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from iecread.errors import ConfigError

if TYPE_CHECKING:
    from iecread.meterprofile import Profile


def meter_called(
    name: str, path: str | None = None, environ: Mapping[str, str] | None = None
) -> "Profile":
    """Return the meter of that name.

    Args:
        name: as typed.
        path: the file; None to look for it, as ``config.load_config`` does.
        environ: the environment; None for that of this process.

    Raises:
        ConfigFileError: something in the file is wrong.
        ConfigError: there is no such meter, no file, or it cannot be read.
    """
    from iecread.config import find_config, load_config

    if find_config(path, environ) is None:
        raise ConfigError(f"no meter called {name!r}", meant(name))
    found = load_config(path, environ)
    if name not in found.meters and (port := _looks_like_port(name)):
        raise ConfigError(f"no meter called {name!r} in {found.path}", port)
    return found.meter(name)


def meant(word: str) -> str:
    """What somebody may have meant by a word that is no meter's name."""
    return _looks_like_port(word) or (
        "a port is /dev/ttyUSB0, COM3, socket://HOST:PORT, rfc2217://HOST:PORT or "
        "sim://household; meters stand in meters.toml: iecread meters init"
    )


def _looks_like_port(word: str) -> str:
    for folder in ("/dev/", "/dev/serial/by-id/"):
        if word not in ("", ".", "..") and os.path.exists(folder + word):
            return f"did you mean {folder}{word}"
    if re.match(r"(tty|cu\.|rfcomm|pts)", word):
        return f"a port is given with its folder: /dev/{word}"
    if re.fullmatch(r"[\w.-]+:[0-9]+", word):
        return f"a serial server is given as socket://{word} or rfc2217://{word}"
    if word.startswith("sim:"):
        return f"a simulated meter is given as sim://{word[4:]}"
    return ""
