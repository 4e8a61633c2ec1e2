"""What records or plays back the line of a command: ``--trace`` and ``replay://``.

``resolve`` asks here once for each TARGET, so that no command needs code of its own:
all meters that it makes for this target share the tape, in ``options``.  The words of
the command line go into the header of a trace, so that they can be typed again.  No
password can be among them (there is no such option), but a command that writes one
may, and a value for a register that holds a key.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from iecread.cli.context import Surroundings

if TYPE_CHECKING:
    from iecread.capture import Tape
    from iecread.passwords import PasswordSource

_HIDDEN = "***"
_SECRET_OPTIONS = ("--password-command",)


def with_tape(
    around: Surroundings, port: str, options: dict[str, Any]
) -> dict[str, Any]:
    """Return options of ``Meter`` with the tape that the port or ``trace`` wants.

    Where there is none, they have the memory of the meter (learned.py).

    What a recording was read with counts where ``options`` do not say it.

    Args:
        around: the surroundings; they remember the recording until the end.
        port: name or URL.
        options: what was said.

    Raises:
        PortError: the file of ``replay://`` cannot be read.
    """
    tape = _tape(around, port, options)
    if tape is None:  # a recording is to show what happens without a memory
        from iecread.learned import memory_for

        memory = memory_for(around.environ, port, options)
        return options if memory is None else {**options, "memory": memory}
    from iecread.replay import Replay

    if isinstance(tape, Replay):
        from iecread.meteroptions import recorded_options

        options = {**recorded_options(tape), **options}
    return {**options, "tape": tape}


def _tape(around: Surroundings, port: str, options: Mapping[str, Any]) -> "Tape | None":
    from iecread.replay import SCHEME

    if port.startswith(SCHEME):
        from iecread.replay import Replay

        return Replay(port)
    trace = options.get("trace")
    if trace is None:
        return None
    from iecread.capture import Recorder, trace_path

    recorder = Recorder(
        trace_path(trace, options.get("meter") or port),
        mask_serials=bool(options.get("trace_mask_serials")),
        command=without_secrets(around.argv),
    )
    around.recorders.append(recorder)
    return recorder


def fitting(
    source: "PasswordSource | None", options: Mapping[str, Any]
) -> "PasswordSource | None":
    """A source of a password; in a replay of one that fits, since none is needed.

    Args:
        source: what was said.
        options: what ``with_tape`` gave.
    """
    tape = options.get("tape")
    if source is None or tape is None:
        return source
    from iecread.replay import Replay

    if not isinstance(tape, Replay):
        return source
    return replace(source, kind="value", argument=tape.stand_in())


def meters_own(trace: str, meter: str) -> str:
    """The file of one of several meters, which one name was said for.

    Args:
        trace: what was said; it has no ``{meter}``.
        meter: its name, put before the suffix.
    """
    from iecread.capture import trace_path

    stem, suffix = os.path.splitext(trace)
    return trace_path(f"{stem}-{{meter}}{suffix}", meter)


def troubles(around: Surroundings) -> list[str]:
    """Say which recordings are not complete, and forget them.

    They never keep a command from what it does, so it is said at its end.
    """
    recorders, around.recorders = around.recorders, []
    return [
        f"the recording {recorder.path!r} is not complete: {recorder.trouble}"
        for recorder in recorders
        if recorder.trouble
    ]


def without_secrets(argv: Sequence[str]) -> list[str]:
    """Return the words of a command line without those that may be a secret."""
    from iecread.masking import holds_key, shown_port

    shown: list[str] = []
    hide = False
    for word in argv:
        if hide:
            shown.append(_HIDDEN)
            hide = False
            continue
        option, equals, _ = word.partition("=")
        if option in _SECRET_OPTIONS:
            hide = not equals
            word = f"{option}={_HIDDEN}" if equals else word
        elif not word.startswith("-"):
            hide = holds_key(word.replace("@", "*"))
            word = shown_port(word)
        shown.append(word)
    return shown
