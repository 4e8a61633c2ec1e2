"""What all tests share: ``run``, the command line in this process, and its state."""

import io
import json
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from iecread.cli.context import Surroundings
from iecread.cli.main import run as run_command

# Tests that were started in the background ignore these, and so would what they start
for _name, _own in (
    ("SIGINT", signal.default_int_handler),
    ("SIGHUP", signal.SIG_DFL),
):
    _number = getattr(signal, _name, None)
    if _number is not None and signal.getsignal(_number) is signal.SIG_IGN:
        signal.signal(_number, _own)


@pytest.fixture(autouse=True, scope="session")
def state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Refusals and journal of the tests stay out of the user's own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IECREAD_STATE_DIR", str(tmp_path_factory.mktemp("state")))
        yield


class Terminal(io.TextIOWrapper):
    """A text stream over bytes that may say that it is a terminal."""

    def __init__(self, data: bytes = b"", *, terminal: bool = False) -> None:
        super().__init__(io.BytesIO(data), encoding="utf-8", newline="")
        self.terminal = terminal

    def isatty(self) -> bool:
        return self.terminal

    @property
    def written(self) -> bytes:
        self.flush()
        data: bytes = self.buffer.getvalue()  # type: ignore[attr-defined]
        return data


@dataclass
class Result:
    """What one command line gave."""

    exit: int
    data: bytes
    stderr: str

    @property
    def stdout(self) -> str:
        return self.data.decode()

    @property
    def json(self) -> Any:
        return json.loads(self.data)

    @property
    def error(self) -> Any:
        """The JSON line on stderr."""
        return json.loads(self.stderr)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """``run("readout", "sim://household", "-f", "json")``: a Result.

    Fails on another exit code than ``exit``, where that is not None.  ``terminal``
    makes stdout and stderr terminals; the environment has nothing but ``env``.
    """

    def run(
        *argv: str,
        exit: int | None = 0,
        stdin: bytes = b"",
        env: Mapping[str, str] | None = None,
        terminal: bool = False,
    ) -> Result:
        out, err = Terminal(terminal=terminal), Terminal(terminal=terminal)
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stdin", Terminal(stdin))
            patch.setattr(sys, "stdout", out)
            patch.setattr(sys, "stderr", err)
            patch.setattr("os.environ", dict(env or {}))
            status = run_command(argv, Surroundings())
        result = Result(status, out.written, err.written.decode())
        assert exit in (None, status), f"exit {status}: {result.stderr}"
        return result

    return run


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Any]:
    """``device(url)`` is the simulated device behind a URL, for a look into its books.

    It stays the same from command to command.
    """
    from iecread import simulator

    made: dict[str, Any] = {}
    parse = simulator.parse_url

    def parse_once(url: str) -> Any:
        return made.setdefault(url, parse(url))

    monkeypatch.setattr(simulator, "parse_url", parse_once)
    return lambda url: made[url]._memories[0]


@pytest.fixture
def timeless(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sessions with simulated meters take no time."""
    from types import SimpleNamespace

    from iecread import simulator
    from iecread.transports.memory import Clock

    clock, opened = Clock(), simulator.open_simulated

    def open_quickly(url: str) -> Any:
        return opened(url, monotonic=clock.monotonic, sleep=clock.sleep)

    time = SimpleNamespace(monotonic=clock.monotonic, sleep=clock.sleep)
    monkeypatch.setattr(simulator, "open_simulated", open_quickly)
    monkeypatch.setattr("iecread.capture.time", time)
