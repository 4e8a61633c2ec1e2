"""What is seen of a dump: progress, a line for each failure, the report.

``Status`` writes to stderr: on a terminal, after a second, how far the run is; a line
for each meter that failed, in any case.  ``Report`` writes the summary of a run as
JSON, whole or not at all, whatever ended the run.
"""

import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any

from iecread.cli.context import NORMAL, STEPS, Surroundings
from iecread.cli.exitcodes import NUMBERS
from iecread.cli.watch import PATIENCE, can_draw

if TYPE_CHECKING:
    from iecread.fleet import Outcome

_NAMES_SHOWN = 3  # meters at a time in the progress


def failure(around: Surroundings, outcome: "Outcome") -> str:
    """A failure on one line; behind its traceback where that is wanted."""
    from iecread.output.text import printable

    lines: list[str] = []
    if around.debug and outcome.error is not None:
        import traceback

        trace = "".join(traceback.format_exception(outcome.error))
        lines = [printable(line) for line in trace.splitlines()]
    if around.json_errors:
        import json

        fields = {"error": outcome.kind, **_facts(outcome)}
        return "\n".join([*lines, json.dumps(fields, ensure_ascii=True)])
    name = around.styled("iecread:", fg="red", bold=True)
    words = f"{outcome.meter}: {outcome.kind}: {outcome.message}"
    if outcome.hint:
        words += f"; {outcome.hint}"
    return "\n".join([*lines, f"{name} {printable(words)}"])


class Status:
    """Tells how a run goes; a context manager.  Called by many threads.

    Args:
        around: the surroundings.
        meters: how many are to be read.
    """

    def __init__(self, around: Surroundings, meters: int) -> None:
        self._around = around
        self._meters = meters
        self._lock = threading.Lock()
        self._running: dict[str, float] = {}  # meter: when it began
        self._done = self._failed = self._rows = 0
        self._start = time.monotonic()
        self._live: Any = None
        self._ended = False
        self._timer = threading.Timer(PATIENCE, self._show)
        self._timer.daemon = True

    def __enter__(self) -> "Status":
        if self._around.verbosity == NORMAL and can_draw(self._around):
            self._timer.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._timer.cancel()
        with self._lock:
            self._ended = True
            if self._live is not None:
                self._live.stop()

    def begin(self, meter: str) -> None:
        """A meter's turn has come."""
        with self._lock:
            self._running[meter] = time.monotonic()

    def outcome(self, outcome: "Outcome") -> None:
        """A meter is done with."""
        with self._lock:
            self._running.pop(outcome.meter, None)
            self._done += 1
            self._rows += outcome.rows
            if outcome.ok:
                if self._around.verbosity >= STEPS:
                    rows = f"{outcome.rows} rows, {outcome.seconds:.1f} s"
                    self._say(f"iecread: {outcome.meter}: ok: {rows}")
            elif outcome.kind != "stopped":
                self._failed += 1
                self._say(failure(self._around, outcome))

    def summary(self, outcomes: "Sequence[Outcome]") -> None:
        """Say on a terminal what came of it."""
        around = self._around
        if around.verbosity < NORMAL or not around.terminal(around.stderr):
            return
        read = sum(outcome.ok for outcome in outcomes)
        seconds = time.monotonic() - self._start
        what = "meter" if len(outcomes) == 1 else "meters"
        around.note(
            f"{read} of {len(outcomes)} {what} read, {self._rows} rows stored "
            f"in {seconds:.1f} s"
        )

    def _say(self, text: str) -> None:
        """Write lines, above the progress where that is shown."""
        if self._live is None or self._ended:
            self._around.say(text)
            return
        from rich.text import Text

        self._live.console.print(Text.from_ansi(text), soft_wrap=True)

    # --- progress ------------------------------------------------------------

    def _show(self) -> None:
        """Start drawing; runs in the timer's thread."""
        from iecread.cli.watch import live

        with self._lock:
            if not self._ended:
                self._live = live(self._around, lambda height: self.render())
                self._live.start()

    def render(self) -> Any:
        """Return what is to be seen now."""
        from rich.text import Text

        from iecread.output.text import printable

        now = time.monotonic()
        running = list(self._running.copy().items())  # in the order they began
        parts = [
            f"{now - self._start:.0f} s",
            f"{self._done} of {self._meters} meters",
            f"{len(running)} running",
        ]
        if self._failed:
            parts.append(f"{self._failed} failed")
        # Those that take longest are what one waits for
        names = [f"{name} {now - began:.0f} s" for name, began in running]
        if names:
            more = ["..."] if len(names) > _NAMES_SHOWN else []
            parts.append(printable(", ".join(names[:_NAMES_SHOWN] + more)))
        return Text("   ".join(parts), no_wrap=True, overflow="ellipsis")


def _facts(outcome: "Outcome") -> dict[str, Any]:
    """What the JSON of an error says, but its name."""
    return {
        "meter": outcome.meter,
        "exit": NUMBERS.get(outcome.kind),
        "message": outcome.message,
        "hint": outcome.hint or None,
    }


class Report:
    """The summary of a run as a file; a context manager that writes it at the end.

    Args:
        path: the file; None for none.

    Attributes:
        config: the meters.toml that was read.
        source: gives the outcomes that are known.
        status: the exit status, where the run came to its end.
    """

    def __init__(self, path: str | None) -> None:
        self._path = path
        self._start = datetime.now().astimezone()
        self._slot: dict[str, Any] = {}
        self._wanted = path is not None
        self.config: str | None = None
        self.source: Callable[[], Sequence[Outcome]] = tuple
        self.status: int | None = None

    def slot(self, moment: float, missed: int) -> None:
        """The run belongs to a slot of ``--every``."""
        time = datetime.fromtimestamp(moment, UTC).astimezone()
        self._slot = {"slot": _iso(time), "missed": missed}

    def nothing_yet(self) -> None:
        """It was no run: write nothing unless it fails."""
        self._wanted = False

    def __enter__(self) -> "Report":
        if self._path is not None:
            from iecread.output.files import check_place, failed, refuse_database

            refuse_database(self._path)
            try:
                check_place(self._path)
            except OSError as error:
                raise failed(self._path, error) from error
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._path is None or not (self._wanted or error):
            return
        import json

        from iecread.errors import OutputError
        from iecread.output.files import Replaced

        text = json.dumps(self._content(error), indent=1, ensure_ascii=False)
        try:
            file = Replaced(self._path)
            try:
                file.write((text + "\n").encode("utf-8", "backslashreplace"))
                file.commit()
            except BaseException:
                file.abort()
                raise
        except OutputError:
            if error is None:  # else that one tells more
                raise

    def _content(self, error: BaseException | None) -> dict[str, Any]:
        end = datetime.now().astimezone()
        outcomes = self.source()
        content: dict[str, Any] = {
            "schema": 1,
            "start": _iso(self._start),
            "end": _iso(end),
            "seconds": round((end - self._start).total_seconds(), 2),
            **self._slot,
            "config": self.config,
            "exit": self.status,
            "ok": sum(outcome.ok for outcome in outcomes),
            "failed": sum(not outcome.ok for outcome in outcomes),
            "rows": sum(outcome.rows for outcome in outcomes),
            "meters": [_entry(outcome) for outcome in outcomes],
        }
        if error is not None:
            from iecread.cli.main import explain

            name, message, hint = explain(error)
            content["exit"] = NUMBERS[name]
            content["error"] = {"error": name, "message": message, "hint": hint or None}
        return content


def _entry(outcome: "Outcome") -> dict[str, Any]:
    return {
        "meter": outcome.meter,
        "outcome": outcome.kind,
        "exit": NUMBERS.get(outcome.kind),
        "message": outcome.message or None,
        "hint": outcome.hint or None,
        "start": outcome.start and _iso(outcome.start),
        "seconds": outcome.seconds,
        "rows": outcome.rows,
        "tries": outcome.tries,
    }


def _iso(time: datetime) -> str:
    return time.isoformat(timespec="seconds")
