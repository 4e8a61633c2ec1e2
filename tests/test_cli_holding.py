"""Signals that wait until a row is written, but neither twice nor for long."""

import os
import signal
import time

import pytest

from iecread.cli import holding
from iecread.cli.holding import held

if os.name != "posix":
    pytest.skip("POSIX signals", allow_module_level=True)


def interrupt() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def handlers() -> list[object]:
    return [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGALRM)]


def test_one_waits_for_the_end() -> None:
    before, done = handlers(), []
    with pytest.raises(KeyboardInterrupt), held():
        interrupt()
        time.sleep(0.01)
        done.append(1)
    assert done and handlers() == before
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_the_second_does_not() -> None:
    before = handlers()
    with pytest.raises(KeyboardInterrupt), held():
        interrupt()
        interrupt()
        pytest.fail("went on")
    assert handlers() == before


def test_nor_does_it_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(holding, "GRACE", 0.05)
    read, write = os.pipe()
    with pytest.raises(KeyboardInterrupt), held():
        interrupt()
        while True:
            os.write(write, b"x" * 65536)  # nobody reads
    os.close(read)
    os.close(write)


def test_without_a_signal_nothing_happens() -> None:
    before = handlers()
    with held():
        pass
    with pytest.raises(ValueError), held():
        raise ValueError
    assert handlers() == before
