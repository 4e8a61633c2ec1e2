"""``iecread unlock``: open a LIS-200 lock, show all locks, change the code of one.

A code goes to a lock only right behind the state that says it is closed
(``lis200locks``); what is open already gets none.  The lock stays open on purpose, and
until when is said as far as the device tells it.  Changing a code is a change like any
other: shown, asked for, proved, journalled, and refused where the profile is read-only.
"""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from iecread.cli.command import Command, common_options, option
from iecread.cli.context import Surroundings
from iecread.cli.exitcodes import UsageError
from iecread.cli.options import (
    change_options,
    line_options,
    programming_options,
    target_argument,
)
from iecread.cli.outputoptions import OutputOptions, lock_format_option
from iecread.cli.passwordoptions import (
    NewCode,
    PasswordOptions,
    new_code_options,
    password_options,
)
from iecread.cli.rows import Column, RowWriter
from iecread.errors import CheckError, ConfigError, IecReadError

if TYPE_CHECKING:
    from iecread.cli.login import Station
    from iecread.cli.target import Target
    from iecread.lis200.locks import LockState
    from iecread.lis200locks import LockStatus
    from iecread.lis200session import Lis200
    from iecread.passwords import Secret

_COLUMNS = (
    Column("lock", -4),
    Column("name", 14),
    Column("state", 10),
    Column("minutes", -7),
)


@click.command(
    cls=Command,
    short_help="Open a LIS-200 lock; --status shows all locks.",
    example="iecread unlock sim://lis200-ek --status\n"
    "iecread unlock /dev/ttyUSB0 --lock supplier --password-prompt\n"
    "iecread unlock gas --change-code --new-code-file new.code",
)
@target_argument
@option(
    "Lock",
    "--status",
    is_flag=True,
    help="Show the state of all locks; no code is sent.",
)
@option(
    "Lock",
    "--change-code",
    is_flag=True,
    help="Give the lock another code; it is closed again afterwards.",
)
@new_code_options
@change_options
@lock_format_option
@password_options
@programming_options
@line_options
@common_options
@click.pass_obj
def command(
    around: Surroundings,
    /,
    target: str,
    status: bool,
    change_code: bool,
    new_code: NewCode,
    yes: bool,
    dry_run: bool,
    format_: str,
    password: PasswordOptions,
    **meter: Any,
) -> None:
    """Open a lock of a LIS-200 device, and leave it open.

    Its state is read first: a lock that is open already gets no code, since that would
    become its new code.  The code comes from the password options; one that was
    refused is not sent again for 24 hours.  When it closes by itself is said as far as
    the device tells it; iecread lock closes it.

    --change-code opens the lock with the old code, shows what will be sent, asks,
    writes the new code, and proves it by closing and opening.

    States are open, closed, no (no such lock) and unreadable.
    """
    from iecread.cli.target import resolve

    around.json_errors = format_ in ("json", "jsonl")
    if status and (change_code or dry_run):
        raise UsageError("--status changes nothing", "leave the other option out")
    if new_code.table and not change_code:
        raise UsageError(
            f"--new-code-{new_code.kind} is for --change-code", "say --change-code too"
        )
    if status:
        # a code that were opened with would change what is shown
        _show_all(around, resolve(around, target, meter), format_)
        return
    if password.table is None and around.terminal(around.stdin):
        typed = resolve(around, target, meter, password)
        if typed.password is None:
            password = password._replace(table={"prompt": True})
    meant = resolve(around, target, meter, password)
    if change_code:
        _change(around, meant, new_code, format_, yes=yes, dry_run=dry_run)
    else:
        _open(around, meant, format_, dry_run=dry_run)


# --- status ------------------------------------------------------------------


class LockRow(NamedTuple):
    """What is shown of one lock.

    Attributes:
        lock: its number.
        name: its name, as ``--lock`` takes it.
        state: ``open``, ``closed``, ``no`` or ``unreadable``.
        minutes: after which it closes by itself; 0: never; None: not known.
    """

    lock: int
    name: str
    state: str
    minutes: int | None = None


def _show_all(around: Surroundings, meant: "Target", format_: str) -> None:
    from iecread.cli.login import station

    out = OutputOptions(format_, "-", False, False, False)
    with RowWriter(around, out, _COLUMNS) as writer:
        with station(around, meant) as line, line.gas_session() as session:
            rows = _rows(session)
        for row in rows:
            minutes = None if row.minutes is None else Decimal(row.minutes)
            writer.add((Decimal(row.lock), row.name, row.state, minutes))


def _rows(session: "Lis200") -> list[LockRow]:
    """All locks that the device may have."""
    from iecread.lis200.locks import LockState

    found = {status.number: status for status in session.lock_status()}
    states = [status.state for status in found.values()]
    # a device of which no lock is open may not tell even that
    mute = (
        LockState.HIDDEN in states
        and LockState.OPEN not in states
        and session.tells_nothing()
    )
    return [
        LockRow(number, name_of(number, session), *_state(found.get(number), mute))
        for number in session.gas_device.locks
    ]


def _state(status: "LockStatus | None", mute: bool) -> tuple[str, int | None]:
    from iecread.lis200.locks import LockState

    if status is None:
        return "no", None
    if status.state is LockState.UNCLEAR or status.state is LockState.HIDDEN:
        hidden = status.state is LockState.HIDDEN
        return ("closed" if hidden and mute else "unreadable"), status.minutes
    return status.state.value, status.minutes


def name_of(number: int, session: "Lis200") -> str:
    """The name of a lock, as ``--lock`` takes it."""
    from iecread.lis200.locks import lock_name

    name = lock_name(number, session.gas_device)
    return name.removesuffix(f" lock ({number})").replace(" ", "-")


def say_lock(
    around: Surroundings,
    row: LockRow,
    words: str,
    format_: str,
    *,
    changed: bool,
    closes: datetime | None = None,
) -> None:
    """Say what became of a lock: words on stderr, or an object on stdout."""
    if format_ not in ("json", "jsonl"):
        around.note(words)
        return
    import json

    from iecread.output.sink import Sink

    until = closes.isoformat(timespec="seconds") if closes else None
    fields = {**row._asdict(), "changed": changed, "closes": until}
    with Sink(None) as sink:
        sink.write(json.dumps(fields) + "\n")


# --- opening -----------------------------------------------------------------


def _open(
    around: Surroundings, meant: "Target", format_: str, *, dry_run: bool
) -> None:
    from iecread.cli.login import station
    from iecread.lis200.locks import LockState, demand_openable, lock_name, lock_number

    number = lock_number(meant.lock)
    with station(around, meant) as line, line.gas_session() as session:
        name = lock_name(number, session.gas_device)
        demand_openable(number, session.gas_device)
        if dry_run:
            state = session.lock_state(number)
            around.note(f"dry run: the {name} is {state.value}; no code was sent")
            return
        if line.key is None and session.lock_state(number) is not LockState.OPEN:
            raise ConfigError(
                f"no code for the {name} was given",
                "say where it is: --password-env, --password-file, --password-prompt",
            )
        opened = line.key is not None and session.unlock(keep=True)
        since = line.meter.now()
        minutes, state = _look_again(session, number)
        if state is LockState.CLOSED:
            raise CheckError(
                f"the {name} was open, and is closed again already",
                "another program may close it; iecread unlock --status",
            )
        row = LockRow(number, name_of(number, session), "open", minutes)
        closes = since + timedelta(minutes=minutes) if opened and minutes else None
        words = f"the {name} is open" if opened else f"the {name} was open already"
        if not opened and line.key is not None:
            words += ", no code was sent"
        words += f"; {_until(minutes, closes)}; iecread lock closes it"
        # now: should the line be lost, it is open all the same
        line.wipe()
        say_lock(around, row, words, format_, changed=opened, closes=closes)


def _look_again(session: "Lis200", number: int) -> "tuple[int | None, LockState]":
    """When a lock that is open closes by itself, and whether it has done so."""
    from iecread.lis200.locks import LockState

    try:
        minutes = session.closing_minutes(number)
        # a refusal may mean that no lock is open any more
        state = LockState.OPEN if minutes is not None else session.lock_state(number)
        return minutes, state
    except IecReadError:  # it is open, and that has to be said
        return None, LockState.OPEN


def _until(minutes: int | None, closes: datetime | None) -> str:
    if minutes is None:
        return "the device does not say when it closes by itself"
    if not minutes:
        return "it does not close by itself"
    if closes is None:
        return f"it closes by itself within {minutes} min"
    return f"it closes by itself after {minutes} min, at about {closes:%H:%M}"


# --- another code ------------------------------------------------------------


def _change(
    around: Surroundings,
    meant: "Target",
    new_code: NewCode,
    format_: str,
    *,
    yes: bool,
    dry_run: bool,
) -> None:
    from iecread.cli import changing
    from iecread.cli.login import gas, station

    if meant.password is None:
        raise UsageError(
            "--change-code wants the old code too", "say where it is: --password-env"
        )
    changing.demand_answer(around, yes=yes, dry_run=dry_run)
    if not dry_run:
        meant.refuse_changes()  # before anybody types a code
    new = _new_secret(around, new_code)

    def run() -> Any:
        with station(around, meant, changes=not dry_run) as line:
            line.forget_login()
            _demand_another(line, new)
            return changing.change(
                around,
                line,
                lambda session: gas(session).plan_code(new),
                lambda session, planned: gas(session).change_code(planned, new),
                yes=yes,
                dry_run=dry_run,
            )

    changing.report(around, "json" if format_ == "jsonl" else format_, run)


def _demand_another(line: "Station", new: "Secret") -> None:
    if line.key is not None and line.key.secret == new:
        raise ConfigError("the new code is the old one", "nothing was sent")


def _new_secret(around: Surroundings, new_code: NewCode) -> "Secret":
    """Fetch the new code; one that is typed is typed twice."""
    from iecread.passwords import PasswordSource

    table = new_code.table
    if table is None:
        if not around.terminal(around.stdin):
            raise UsageError(
                "--change-code wants the new code",
                "say where it is: --new-code-env, --new-code-file",
            )
        table = {"prompt": True}
    new = PasswordSource.from_table(table, "the new code").fetch(around)
    if "prompt" in table:
        again = PasswordSource.from_table(table, "the new code again").fetch(around)
        if again != new:
            raise CheckError("the new code was typed in two ways", "nothing was sent")
    return new
