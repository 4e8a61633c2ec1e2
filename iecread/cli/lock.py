"""``iecread lock``: close a lock of a LIS-200 device; no code is needed for that."""

from typing import Any

import click

from iecread.cli.command import Command, common_options
from iecread.cli.context import Surroundings
from iecread.cli.options import line_options, programming_options, target_argument
from iecread.cli.outputoptions import lock_format_option
from iecread.cli.passwordoptions import lock_option


@click.command(
    cls=Command,
    short_help="Close it again.",
    example="iecread lock /dev/ttyUSB0\niecread lock gas --lock supplier",
)
@target_argument
@lock_option
@lock_format_option
@programming_options
@line_options
@common_options
@click.pass_obj
def command(
    around: Surroundings,
    /,
    target: str,
    lock: str | None,
    format_: str,
    **meter: Any,
) -> None:
    """Close a lock of a LIS-200 device.

    Its state is read before and behind.  Exit 11: it is still open.
    """
    from iecread.cli.login import station
    from iecread.cli.target import chosen, resolve
    from iecread.cli.unlock import LockRow, name_of, say_lock
    from iecread.lis200.locks import lock_name, lock_number

    around.json_errors = format_ in ("json", "jsonl")
    meant = resolve(around, target, meter)
    number = lock_number(chosen(meant, "lock", lock) or meant.lock)
    with (
        station(around, meant, journal=True) as line,
        line.gas_session() as session,
    ):
        closed = session.lock(number)
    name = lock_name(number, session.gas_device)
    row = LockRow(number, name_of(number, session), "closed")
    words = f"the {name} {'is closed' if closed else 'was closed already'}"
    say_lock(around, row, words, format_, changed=closed)
