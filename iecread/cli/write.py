"""``iecread write``: one register, shown before and read back behind."""

from typing import Any

import click

from iecread.cli.command import Command, option
from iecread.cli.context import Surroundings
from iecread.cli.options import (
    change_options,
    read_command_option,
    session_options,
    target_argument,
    write_command_option,
)
from iecread.cli.outputoptions import result_format_option
from iecread.cli.passwordoptions import PasswordOptions
from iecread.cli.valuetypes import Register, WrittenText


@click.command(
    cls=Command,
    short_help="Write one register, read it back.",
    example="iecread write /dev/ttyUSB0 0.2.1 AB12 --password-prompt\n"
    "iecread write sim://household 0.2.1 AB12 --password-env PW --dry-run\n"
    "iecread write /dev/ttyUSB1 7:311 1.01325 --lock supplier --password-prompt",
)
@target_argument
@click.argument(
    "code",
    type=Register(),
    metavar="CODE",
    help="As the meter knows it; @ may stand for *.",
)
@click.argument(
    "value", type=WrittenText(), metavar="VALUE", help="As the meter wants it."
)
@option(
    "Change",
    "--force",
    is_flag=True,
    help="On a LIS-200 device: also what cuts the link, erases or resets.",
)
@change_options
@result_format_option
@write_command_option
@read_command_option
@session_options
@click.pass_obj
def command(
    around: Surroundings,
    /,
    target: str,
    code: str,
    value: str,
    force: bool,
    yes: bool,
    dry_run: bool,
    format_: str,
    write_command: str | None,
    command: str | None,
    password: PasswordOptions,
    **meter: Any,
) -> None:
    """Write VALUE into a register, and read it back.

    Shows meter, old value, new value and the exact message, and asks.  Whatever comes
    of it stands in the journal.  Exit 9: refused; 11: not done, another value was read
    back, or unknown.

    For a LIS-200 device the password is the code of the lock that --lock names, which
    is opened before and closed again.  What cuts the link, erases or resets is not
    written without --force; the code of a lock never.
    """
    from iecread.cli.changing import change, demand_answer, report
    from iecread.cli.login import station
    from iecread.cli.target import chosen, resolve
    from iecread.lis200session import Lis200

    meant = resolve(around, target, meter, password)
    demand_answer(around, yes=yes, dry_run=dry_run)

    def plan(session: Any) -> Any:
        if force and isinstance(session, Lis200):
            session.force = True
        return session.plan_write(code, value)

    def run() -> Any:
        with station(
            around,
            meant,
            read_command=command,
            write_command=chosen(meant, "write_command", write_command),
            changes=not dry_run,
        ) as line:
            return change(
                around,
                line,
                plan,
                lambda session, planned: session.carry_out(planned),
                yes=yes,
                dry_run=dry_run,
            )

    report(around, format_, run)
