"""Signals wait until a row is written, so that none is torn and none that came is lost.

Left out: Windows, which has no timer to bound the wait with.
"""

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

GRACE = 2.0
"""Seconds that a signal waits at most; who reads a pipe may never read on."""

_ENDING = ("SIGINT", "SIGTERM", "SIGHUP")


@contextmanager
def held() -> Iterator[None]:
    """Let the signals that end the program wait until the end of the block.

    The second one, or ``GRACE`` seconds, end the wait.  Signals that raise nothing
    are left alone, and so are all in other threads than the main one.
    """
    if sys.platform == "win32":  # it has no such timer
        yield
        return
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    before: dict[int, Any] = {}

    def hold(number: int, frame: FrameType | None) -> None:
        if came:
            before[number](number, frame)
        came.append(number)
        signal.setitimer(signal.ITIMER_REAL, GRACE)

    def enough(number: int, frame: FrameType | None) -> None:
        before[came[0]](came[0], frame)

    for name in _ENDING:
        number = getattr(signal, name)
        handler = signal.getsignal(number)
        if callable(handler):
            before[number] = handler
    alarm = signal.signal(signal.SIGALRM, enough)
    for number in before:
        signal.signal(number, hold)
    try:
        yield
    finally:
        if came:
            signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in before.items():
            signal.signal(number, handler)
        signal.signal(signal.SIGALRM, alarm)
    if came:
        before[came[0]](came[0], None)
