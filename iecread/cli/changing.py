"""How a change is shown, asked for, carried out, and told.

What the meter holds, what it shall hold and the exact message are shown on stderr; a
question comes on a terminal only, and never on a line where nobody can answer: there
``--yes`` is wanted before anything is sent.  Who takes long to answer finds the
session closed by the meter (60 s, 6.6), so it is opened anew and looked at again.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from iecread.cli.context import Surroundings
from iecread.cli.exitcodes import UsageError
from iecread.cli.login import Station
from iecread.errors import CheckError, IecReadError

if TYPE_CHECKING:
    from iecread.changes import Change
    from iecread.programming import Programming

PATIENCE = 45.0  # seconds for an answer within a session; meters end it after 60


def patience(session: "Programming") -> float:
    """Seconds for an answer within a session; the meter may end it sooner."""
    idle = session.device.idle if session.device else None
    return PATIENCE if idle is None else min(PATIENCE, idle / 2)


def demand_answer(around: Surroundings, *, yes: bool, dry_run: bool) -> None:
    """Say no where a question could not be answered, before anything is sent.

    Raises:
        UsageError: no terminal, and neither ``--yes`` nor ``--dry-run``.
    """
    if yes or dry_run:
        return
    if not (around.terminal(around.stdin) and around.terminal(around.stderr)):
        raise UsageError(
            "no terminal to ask whether to change it",
            "say --yes, or --dry-run to see what would be sent",
        )


def change(
    around: Surroundings,
    station: Station,
    plan: "Callable[[Programming], Change]",
    carry_out: "Callable[[Programming, Change], Change]",
    *,
    yes: bool,
    dry_run: bool,
) -> "Change":
    """Show, ask, carry out.

    Args:
        around: the surroundings.
        station: the line to the meter.
        plan: says what would be done; sends no change.
        carry_out: does it.
        yes: whether not to ask.
        dry_run: whether to stop before it is sent.

    Returns:
        The change with its outcome; ``planned`` for a dry run.

    Raises:
        CheckError: no was answered, or the meter holds something else meanwhile; or
            what was read back is not what was written.
        RefusedError: the meter said no.
    """
    with station.session() as session:
        planned = plan(session)
        station.wipe()
        _show(around, station, planned)
        if dry_run:
            around.note("dry run: the message was not sent")
            return planned
        asked = station.meter.moment().seconds
        if not yes and not agreed(around):
            raise CheckError("nothing was changed: the answer was no")
        if station.meter.moment().seconds - asked <= patience(session):
            return carry_out(session, planned)
    with station.session() as session:
        again = plan(session)
        if again != planned:
            raise CheckError(
                f"{planned.register} has another value than a minute ago: "
                f"{_masked(again.register, again.old)}",
                "nothing was changed; look at it and start again",
            )
        return carry_out(session, planned)


def _show(around: Surroundings, station: Station, planned: "Change") -> None:
    from iecread.masking import mask
    from iecread.output.text import printable

    options = station.meter.options
    message = mask(planned.message).decode("latin-1")
    lines = {
        "meter": f"{options.meter or station.meter.port} {options.address}".strip(),
        "register": planned.register,
        "old value": _masked(planned.register, planned.old),
        "new value": _masked(planned.register, planned.new),
        "message": message,
    }
    if station.serial:
        lines["meter"] += f", serial {station.serial}"
    for name, text in lines.items():
        around.say(f"{name + ':':<10} {printable(text)}")


def agreed(around: Surroundings) -> bool:
    """Ask; anything but yes is no."""
    assert around.stdin is not None and around.stderr is not None
    around.stderr.write("Send it? [y/N] ")
    around.stderr.flush()
    return around.stdin.readline().strip().lower() in ("y", "yes")


def _masked(register: str, value: str | None) -> str:
    from iecread.masking import holds_key

    if value is None:
        return "-"
    return "***" if holds_key(register) else value


def tell(around: Surroundings, done: "Change") -> None:
    """Say in words what became of a change."""
    if done.outcome == "done":
        words = f"done: {done.register}"
        if done.shown is not None:
            words += f" reads {_masked(done.register, done.shown)}"
        from iecread.output.text import printable

        around.note(printable(words + (f" ({done.detail})" if done.detail else "")))


def as_json(done: "Change") -> str:
    """A change as one line of JSON."""
    import json

    from iecread.masking import holds_key

    if holds_key(done.register):
        blank = {key: "***" for key in ("old", "new", "shown") if getattr(done, key)}
        done = replace(done, **blank)  # type: ignore[arg-type]
    keys = ("register", "old", "new", "outcome", "shown", "detail")
    return json.dumps({key: getattr(done, key) for key in keys}) + "\n"


def report(around: Surroundings, format_: str, run: "Callable[[], Change]") -> None:
    """Run a change and say what came of it, in words or as JSON on stdout.

    Raises:
        the errors of ``change``.
    """
    from iecread.output.sink import Sink

    around.json_errors = format_ == "json"
    done = None
    try:
        done = run()
    except IecReadError as error:
        from iecread.changes import Change

        if isinstance(error.change, Change):
            done = error.change
        raise
    finally:
        if done is not None and format_ == "json":
            with Sink(None) as sink:
                sink.write(as_json(done))
    tell(around, done)
