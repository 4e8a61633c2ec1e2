"""What surrounds one run: streams, terminal facts, environment, and what was wished.

Commands get it as ``ctx.obj`` and write through it; tests hand in another one.
stdout carries data only; everything else goes to stderr through ``say``, which
never fails: a message nobody can read must not change the result.
"""

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from iecread.capture import Recorder

QUIET, NORMAL, STEPS, BYTES = -1, 0, 1, 2  # -q, nothing, -v, -vv


def color_decision(wish: str, environ: Mapping[str, str], terminal: bool) -> bool:
    """Tell whether to write in colour, the strongest first.

    ``--color`` > NO_COLOR > FORCE_COLOR or CLICOLOR_FORCE > CLICOLOR=0 > TERM=dumb >
    whether the stream is a terminal.

    Args:
        wish: ``always``, ``never`` or ``auto`` (not said).
        environ: the environment; an empty variable counts as not set.
        terminal: whether the stream is a terminal.
    """
    if wish != "auto":
        return wish == "always"
    if environ.get("NO_COLOR"):
        return False
    for name in ("FORCE_COLOR", "CLICOLOR_FORCE"):
        if environ.get(name, "0") not in ("", "0"):
            return True
    if environ.get("CLICOLOR") == "0" or environ.get("TERM") == "dumb":
        return False
    return terminal


@dataclass
class Surroundings:
    """The surroundings of one run.

    Attributes:
        stdin, stdout, stderr: text streams; None where the process was started
            without one.
        environ: the environment variables.
        color: the wish of ``--color``.
        verbosity: QUIET, NORMAL, STEPS or BYTES.
        debug: whether tracebacks are shown.
        json_errors: whether errors are JSON lines.
        meter: the TARGET of the command, for error messages.
        config: what ``--config`` says.
        argv: the words behind ``iecread``.
        recorders: what ``--trace`` records, see cli/recording.py.
    """

    stdin: TextIO | None = field(default_factory=lambda: sys.stdin)
    stdout: TextIO | None = field(default_factory=lambda: sys.stdout)
    stderr: TextIO | None = field(default_factory=lambda: sys.stderr)
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    color: str = "auto"
    verbosity: int = NORMAL
    debug: bool = False
    json_errors: bool = False
    meter: str | None = None
    config: str | None = None
    argv: Sequence[str] = ()
    recorders: list["Recorder"] = field(default_factory=list)

    @staticmethod
    def terminal(stream: TextIO | None) -> bool:
        """Whether ``stream`` is a terminal."""
        try:
            return stream is not None and stream.isatty()
        except ValueError:  # closed
            return False

    def colored(self, stream: TextIO | None) -> bool:
        """Whether to write in colour to ``stream``."""
        return color_decision(self.color, self.environ, self.terminal(stream))

    @property
    def width(self) -> int | None:
        """Columns of the terminal at stdout; None where there is none."""
        columns = self.environ.get("COLUMNS", "")
        if columns.isdecimal() and 0 < int(columns) < 10_000:
            return int(columns)
        try:
            return os.get_terminal_size(self.stdout.fileno()).columns  # type: ignore[union-attr]
        except (OSError, ValueError, AttributeError):
            return None

    def say(self, text: str) -> None:
        """Write one or more lines to stderr."""
        try:
            if self.stderr is not None:
                self.stderr.write(text + "\n")
                self.stderr.flush()
        except (OSError, ValueError):
            pass

    def note(self, text: str) -> None:
        """Say something that is no error; not with ``-q``."""
        if self.verbosity > QUIET:
            self.say(f"iecread: {text}")

    def tell(self, text: str) -> None:
        """Note something for a person; not among errors that are JSON lines."""
        if not self.json_errors or self.terminal(self.stderr):
            self.note(text)

    def styled(self, text: str, **style: bool | str) -> str:
        """Return ``text`` for stderr, in colour where that is wanted."""
        if not self.colored(self.stderr):
            return text
        from click import style as click_style

        return click_style(text, **style)  # type: ignore[arg-type]
