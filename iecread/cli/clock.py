"""``iecread clock show|set``: how far a meter's clock is off, and setting it.

Setting is asked for with the drift at hand; the answer given, the clock is read and
planned anew, since a plan is good for seconds.  The last message leaves so that its
end falls on the second that it names.  Left out: meters whose clock is set by commands
of annex C.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click

from iecread.cli.command import Command, option
from iecread.cli.context import Surroundings
from iecread.cli.moments import times_of
from iecread.cli.options import (
    change_options,
    clock_option,
    read_command_option,
    session_options,
    target_argument,
    write_command_option,
)
from iecread.cli.outputoptions import result_format_option
from iecread.cli.passwordoptions import PasswordOptions
from iecread.cli.valuetypes import DURATION
from iecread.errors import CheckError

if TYPE_CHECKING:
    from iecread.cli.login import Station
    from iecread.clock import ClockReading, Drift, Part
    from iecread.programming import Programming

LATE = timedelta(milliseconds=200)
"""How late the last message may leave."""

ANSWERED = 15  # seconds after which a clock that was set is read back, at most


@click.group(
    short_help="Drift against this computer; guarded setting.",
    epilog="\b\nExample:\n  iecread clock show /dev/ttyUSB0 --max-drift 5s",
)
def command() -> None:
    """Show how far a meter's clock is off, or set it."""


@command.command(
    "show",
    cls=Command,
    short_help="Drift against this computer.",
    example="iecread clock show /dev/ttyUSB0 --max-drift 5s",
)
@target_argument
@option(
    "Clock",
    "--max-drift",
    type=DURATION,
    help="Exit 11 if it is off by more for certain.",
)
@result_format_option
@read_command_option
@clock_option
@session_options
@click.pass_obj
def show(
    around: Surroundings,
    /,
    target: str,
    max_drift: float | None,
    format_: str,
    command: str | None,
    clock: str,
    password: PasswordOptions,
    **meter: Any,
) -> None:
    """Compare the meter's clock with this computer's.

    The drift is positive where the meter is ahead; its uncertainty is half the time
    that the question took, and the smallest step that the clock shows.
    """
    around.json_errors = format_ == "json"
    from iecread.cli.login import station
    from iecread.cli.target import resolve

    meant = resolve(around, target, meter, password)
    watch = times_of(meant, clock).watch
    with (
        station(around, meant, read_command=command) as line,
        line.session() as session,
    ):
        reading, off = session.clock(clock=watch)
    _print(reading, off, format_)
    limit = None if max_drift is None else timedelta(seconds=max_drift)
    if limit is not None and off.beyond(limit):
        from iecread.clock import in_words

        raise CheckError(
            f"the clock is off by {in_words(off.offset)}, more than {in_words(limit)}",
            f"iecread clock set {target}",
        )


@command.command(
    "set",
    cls=Command,
    short_help="Set it to this computer's time.",
    example="iecread clock set /dev/ttyUSB0 --password-prompt\n"
    "iecread clock set sim://household?drift=20 --password-env PW --dry-run",
)
@target_argument
@option(
    "Change",
    "--max-step",
    type=DURATION,
    default="60s",
    help="Move it by no more than this.  [default: 60s]",
)
@option(
    "Change",
    "--force",
    is_flag=True,
    help="By any step, across hours and intervals; never at midnight.",
)
@change_options
@result_format_option
@write_command_option
@read_command_option
@clock_option
@session_options
@click.pass_obj
def set_(
    around: Surroundings,
    /,
    target: str,
    max_step: float,
    force: bool,
    yes: bool,
    dry_run: bool,
    format_: str,
    write_command: str | None,
    command: str | None,
    clock: str,
    password: PasswordOptions,
    **meter: Any,
) -> None:
    """Set the meter's clock to this computer's time, and read it back.

    Shows the drift and asks.  The clock is set at a whole second, not near a full hour
    or the border of an interval, and not across one; that may take some seconds.  Each
    write stands in the journal.
    """
    around.json_errors = format_ == "json"
    from iecread.cli import changing
    from iecread.cli.login import station
    from iecread.cli.target import chosen, resolve

    meant = resolve(around, target, meter, password)
    changing.demand_answer(around, yes=yes, dry_run=dry_run)
    watch = times_of(meant, clock).watch
    limits: dict[str, Any] = {
        "max_step": timedelta(seconds=max_step),
        "force": force,
        "clock": watch,
    }
    with station(
        around,
        meant,
        read_command=command,
        write_command=chosen(meant, "write_command", write_command),
        changes=not dry_run,
    ) as line:
        with line.session() as session:
            _announce(around, line, session, limits)
            if dry_run:
                around.note("dry run: the message was not sent")
                return
            asked = line.meter.moment().seconds
            if not yes and not changing.agreed(around):
                raise CheckError("nothing was changed: the answer was no")
            waited = line.meter.moment().seconds - asked
            in_time = waited <= changing.patience(session)
            if in_time:
                reading, off = _set(line, session, limits)
        if not in_time:
            with line.session() as session:
                reading, off = _set(line, session, limits)
    from iecread.clock import READ_BACK, in_words

    if format_ == "json":
        _print(reading, off, format_)
    if off.beyond(READ_BACK):
        raise CheckError(
            f"the clock was set and is off by {in_words(off.offset)}",
            "iecread clock show tells more",
        )
    around.note(f"done: the clock is off by {_drift(off)}")


def _drift(off: "Drift") -> str:
    from iecread.clock import in_words

    return f"{in_words(off.offset)} (± {in_words(off.uncertainty)})"


def _print(reading: "ClockReading", off: "Drift", format_: str) -> None:
    import json

    from iecread.output.sink import Sink
    from iecread.output.text import printable

    shown = reading.shown.isoformat() if reading.shown else None
    if format_ == "json":
        registers = {part.register: part.text for part in reading.parts}
        text = (
            f'{{"registers": {json.dumps(registers)}, "shown": {json.dumps(shown)}, '
            f'"drift": {_seconds(off.offset)}, '
            f'"uncertainty": {_seconds(off.uncertainty)}}}\n'
        )
    else:
        text = f"meter  {shown}  {printable(str(reading))}\ndrift  {_drift(off)}\n"
    with Sink(None) as sink:
        sink.write(text)


def _seconds(span: timedelta) -> str:
    from decimal import Decimal

    return f"{Decimal(span // timedelta(milliseconds=1)).scaleb(-3):f}"


def _announce(
    around: Surroundings,
    line: "Station",
    session: "Programming",
    limits: dict[str, Any],
) -> None:
    """Say what would be done; what forbids it is found before the question."""
    from iecread.masking import mask
    from iecread.output.text import printable

    reading, off = _look(session, limits)
    plan = _plan(line, session, reading, off, limits)
    line.wipe()
    options = line.meter.options
    lines = [
        ("meter:", f"{options.meter or line.meter.port} {options.address}".strip()),
        ("old value:", str(reading)),
        ("drift:", _drift(off) if off else "unknown"),
    ]
    for register, value in (*plan.before, plan.last):
        message = session.write_message(register, value).to_bytes()
        lines.append(("new value:", f"{register}({value}), or as late as it is then"))
        lines.append(("message:", mask(message).decode("latin-1")))
    for name, text in lines:
        around.say(f"{name:<10} {printable(text)}")


def _look(
    session: "Programming", limits: dict[str, Any]
) -> "tuple[ClockReading, Drift | None]":
    from iecread.clock import ClockReading

    try:
        return session.clock(clock=limits["clock"])
    except CheckError:
        if not limits["force"]:
            raise
    values = {name: session.read(name).raw for name in session.clock_registers[0]}
    return ClockReading.parse(values), None


def _plan(
    line: "Station",
    session: "Programming",
    reading: "ClockReading",
    off: "Drift | None",
    limits: dict[str, Any],
) -> Any:
    from iecread.clock import plan_set, sending_time

    part = _time_part(reading)
    length = len(part.register) + len(part.text) + 8  # SOH W1 STX ( ) ETX BCC
    return plan_set(
        reading,
        off,
        line.meter.now(),
        sending=sending_time(session.speed, length),
        **limits,
    )


def _time_part(reading: "ClockReading") -> "Part":
    return next(part for part in reading.parts if "H" in part.layout)


def _set(
    line: "Station", session: "Programming", limits: dict[str, Any]
) -> "tuple[ClockReading, Drift]":
    """Read, plan, write, read back."""
    reading, off = _look(session, limits)
    plan = _plan(line, session, reading, off, limits)
    for register, value in plan.before:
        session.carry_out(session.plan_write(register, value))
    last = session.plan_write(*plan.last)
    wait = (plan.send_at - line.meter.now()).total_seconds()
    line.meter.sleep(max(0.0, wait))
    if line.meter.now() - plan.send_at > LATE:
        raise CheckError(
            "the meter answers too slowly to set its clock to the second", "try again"
        )
    session.carry_out(last, same=_went_on(_time_part(reading)))
    return session.clock(clock=limits["clock"])


def _went_on(part: "Part") -> Callable[[str, str], bool]:
    """Whether a clock that was set shows that time, or one some seconds later."""

    def fields(text: str) -> tuple[list[str], int]:
        shown = part._replace(text=text.strip())
        date = [shown.digits(letter) for letter in "Yymd"]
        hour, minute, second = (int(shown.digits(c) or 0) for c in "HMs")
        return date, 3600 * hour + 60 * minute + second

    def same(back: str, new: str) -> bool:
        try:
            (date, seconds), (new_date, new_seconds) = fields(back), fields(new)
        except ValueError:
            return False
        margin = ANSWERED if "s" in part.layout else 60 + ANSWERED
        return date == new_date and 0 <= seconds - new_seconds <= margin

    return same
