"""Where a scan stopped, so that it can go on behind that: ``scan.json``.

One number for each port and list of addresses, in the state folder: how many were
tried.  It goes away when the scan is over, and with many of them the oldest do.
"""

import json
import os
from contextlib import suppress
from hashlib import sha256
from typing import Any

from iecread.errors import ConfigError
from iecread.statefolder import locked, read_file, reason, replace_file

FILE = "scan.json"
_MOST = 100  # scans that are remembered
_LARGEST = 1 << 20  # bytes
_LONGEST_KEY = 200  # characters; longer lists, of files, are told by their sum


class ScanState:
    """How far one scan has come.

    Args:
        folder: the state folder.
        port: name or URL of the port.
        addresses: the list as text.
    """

    def __init__(self, folder: str, port: str, addresses: str) -> None:
        from iecread.transports import line_of

        self._folder = folder
        self._path = os.path.join(folder, FILE)
        if len(addresses) > _LONGEST_KEY:
            addresses = sha256(addresses.encode()).hexdigest()
        self._key = f"{line_of(port)} {addresses}"

    def tried(self) -> int:
        """Return how many addresses were tried when it stopped; 0: it did not."""
        found = self._read().get(self._key)
        return found if type(found) is int and found > 0 else 0

    def remember(self, tried: int) -> None:
        """Write down how many were tried; 0 forgets the scan.

        Raises:
            ConfigError: it cannot be written.
        """
        try:
            with locked(self._folder):
                known = self._read()
                known.pop(self._key, None)
                if tried:
                    known[self._key] = tried
                for key in [*known][:-_MOST]:
                    del known[key]
                data = json.dumps(known, indent=1).encode() + b"\n"
                replace_file(self._path, data, sync=False)
        except OSError as error:
            raise ConfigError(
                f"cannot write {self._path!r}: {reason(error)}",
                "set IECREAD_STATE_DIR to a folder that you can write",
            ) from error

    def _read(self) -> dict[str, Any]:
        """What is remembered; a file that is none of ours holds nothing."""
        with suppress(OSError, ValueError):
            found = json.loads(read_file(self._path, _LARGEST)[0])
            if isinstance(found, dict):
                return found
        return {}
