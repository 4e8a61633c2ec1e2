"""What a person sees while a meter is read: steps, bytes, progress; all on stderr.

``-v`` is one line per step, ``-vv`` the bytes of both directions with times.  Without
them, on a terminal and after one second, a status line (and where a table is to come,
the lines as they arrive) is drawn by rich and wiped at the end.  The drawing is
started by a timer, because a silent meter gives no occasion for it, and rich is not
imported before.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from iecread.cli.context import BYTES, NORMAL, STEPS, Surroundings
from iecread.protocol.actions import (
    BlockReceived,
    Event,
    Identified,
    LineReceived,
    Retried,
)

if TYPE_CHECKING:
    from rich.text import Text

    from iecread.session import Meter

PATIENCE = 1.0  # seconds until progress is shown
_RATE_SPAN = 3.0  # seconds over which the rate is taken
_ROW = 16  # bytes in a line of -vv
_GAP = 0.1  # seconds of silence that end such a line
_SHOWN = bytes(c & 0x7F if 32 <= c & 0x7F < 127 else 46 for c in range(256))


@contextmanager
def watched(
    around: Surroundings, meter: "Meter", *, lines: bool
) -> Iterator[Callable[[], None]]:
    """Show on stderr what ``meter`` does, as much as was asked for.

    Gives a function that wipes the progress for good, for what writes to the same
    terminal before the end.

    Args:
        around: the surroundings.
        meter: its callbacks are set here.
        lines: whether data lines are to be shown as they arrive.
    """
    if around.verbosity >= STEPS:
        log = Log(around, meter.elapsed)
        meter.on_step = log.step
        if around.verbosity >= BYTES:
            meter.on_bytes = log.bytes
        try:
            yield log.flush
        finally:
            log.flush()
    elif around.verbosity == NORMAL and can_draw(around):
        progress = Progress(around, meter.port, lines=lines)
        meter.on_event, meter.on_bytes = progress.event, progress.bytes
        with progress:
            yield progress.end
    else:
        yield lambda: None


def can_draw(around: Surroundings) -> bool:
    """Whether progress can be drawn on stderr."""
    dumb = around.environ.get("TERM") in ("dumb", "unknown")
    return around.terminal(around.stderr) and not dumb


def live(around: Surroundings, render: "Callable[[int], Text]") -> Any:
    """Return a drawing on stderr that is wiped when it is stopped.

    Args:
        around: the surroundings.
        render: what is to be seen, in so many rows.
    """
    from rich.console import Console
    from rich.live import Live

    console = Console(
        file=around.stderr,
        force_terminal=True,
        no_color=not around.colored(around.stderr),
        highlight=False,
        markup=False,
    )
    return Live(
        console=console,
        get_renderable=lambda: render(console.size.height),
        transient=True,
        refresh_per_second=4,
        redirect_stdout=False,
        redirect_stderr=False,
        vertical_overflow="crop",
    )


class Log:
    """Steps and bytes as lines.

    Args:
        around: the surroundings.
        clock: seconds since the session began, for the times of steps.
    """

    def __init__(self, around: Surroundings, clock: Callable[[], float]) -> None:
        self._around = around
        from iecread.masking import Masker

        self._masker = Masker()
        self._clock = clock
        self._row = bytearray()
        self._direction = ""
        self._moment = self._last = 0.0

    def step(self, words: str) -> None:
        """Write the line of one step."""
        from iecread.output.text import printable

        self.flush()
        self._line(self._clock(), "", printable(words))

    def bytes(self, direction: str, data: bytes, moment: float) -> None:
        """Write bytes, 16 in a line; what came before a pause has its own line.

        Passwords and lock codes are masked.
        """
        masker = self._masker
        data = masker.sent(data) if direction == "tx" else masker.received(data)
        if direction != self._direction or moment - self._last > _GAP:
            self.flush()
        self._direction, self._last = direction, moment
        for byte in data:
            if not self._row:
                self._moment = moment
            self._row.append(byte)
            if len(self._row) == _ROW:
                self.flush()
        if direction == "tx":  # a message of ours is whole, and may stay the last
            self.flush()

    def flush(self) -> None:
        """Write the line that is not full yet."""
        if self._row:
            sign = ">" if self._direction == "tx" else "<"
            shown = self._row.translate(_SHOWN).decode("ascii")
            row, self._row = self._row.hex(" "), bytearray()
            self._line(self._moment, sign, f"{row:<{3 * _ROW}} {shown}")

    def _line(self, moment: float, sign: str, text: str) -> None:
        stamp = self._around.styled(f"{moment:9.3f}", dim=True)
        self._around.say(f"{stamp} {sign} {text}" if sign else f"{stamp} {text}")


class Progress:
    """A status line, and the lines as they arrive, wiped at the end.

    Args:
        around: the surroundings.
        port: what is waited for.
        lines: whether to show data lines.
    """

    def __init__(self, around: Surroundings, port: str, *, lines: bool) -> None:
        self._around = around
        self._lines: deque[str] | None = deque(maxlen=500) if lines else None
        self._state = self._calm = f"waiting for {port}"
        self._received = 0
        self._recent: deque[tuple[float, int]] = deque()
        self._start = time.monotonic()
        self._timer = threading.Timer(PATIENCE, self._show)
        self._timer.daemon = True
        self._lock = threading.Lock()
        self._ended = False
        self._live: Any = None

    def __enter__(self) -> "Progress":
        self._timer.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.end()

    def end(self) -> None:
        """Wipe it for good."""
        self._timer.cancel()
        with self._lock:
            self._ended = True
            if self._live is not None:
                self._live.stop()

    def event(self, event: Event, moment: float) -> None:
        """Take one event of the session."""
        if isinstance(event, Identified):
            self._state = self._calm = event.identification.text
        elif isinstance(event, Retried):
            self._state = f"{event.trouble.value}: {event.step}"
        elif isinstance(event, LineReceived):
            self._state = self._calm
            if self._lines is not None:
                self._lines.append(event.text.decode("latin-1").rstrip("\r\n"))
        if isinstance(event, Retried | BlockReceived) and self._lines is not None:
            self._lines.clear()

    def bytes(self, direction: str, data: bytes, moment: float) -> None:
        """Take bytes; only those received count."""
        if direction == "rx":
            self._received += len(data)
            self._recent.append((time.monotonic(), len(data)))
            while self._recent[0][0] < self._recent[-1][0] - _RATE_SPAN:
                self._recent.popleft()

    def _show(self) -> None:
        """Start drawing; runs in the timer's thread."""
        import rich.live  # noqa: F401  # it takes a while; not under the lock

        with self._lock:
            if self._ended:
                return
            self._live = live(self._around, self.render)
            self._live.start()

    def render(self, height: int) -> "Text":
        """Return what is to be seen now.

        Args:
            height: rows of the terminal.
        """
        from rich.text import Text

        from iecread.output.text import printable

        now = time.monotonic()
        text = Text(no_wrap=True, overflow="ellipsis")
        shown = list(self._lines or ())[-max(0, height - 3) :]
        for line in shown:
            text.append(f"  {printable(line)}\n", "dim")
        # in front, where no narrow terminal cuts it off
        parts = ["not checked yet"] if shown else []
        parts += [f"{now - self._start:.0f} s"]
        if self._received:
            span = [n for moment, n in list(self._recent) if moment > now - _RATE_SPAN]
            rate = sum(span) / min(_RATE_SPAN, max(0.5, now - self._start))
            parts += [f"{self._received} bytes", f"{rate:.0f} byte/s"]
        text.append("   ".join([*parts, printable(self._state)]))
        return text
