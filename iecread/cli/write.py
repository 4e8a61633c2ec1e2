"""``iecread write``: one register, shown before and read back behind."""

from typing import Any

import click

from iecread.cli.context import Surroundings
from iecread.cli.options import (
    Command,
    PasswordOptions,
    Register,
    SentText,
    change_options,
    common_options,
    line_options,
    password_options,
    programming_options,
    read_command_option,
    result_format_option,
    target_argument,
    write_command_option,
)


@click.command(
    cls=Command,
    short_help="Write one register, read it back.",
    example="iecread write /dev/ttyUSB0 0.2.1 AB12 --password-prompt\n"
    "iecread write sim://household 0.2.1 AB12 --password-env PW --dry-run",
)
@target_argument
@click.argument(
    "code",
    type=Register(),
    metavar="CODE",
    help="As the meter knows it; @ may stand for *.",
)
@click.argument(
    "value", type=SentText(), metavar="VALUE", help="As the meter wants it."
)
@change_options
@result_format_option
@write_command_option
@read_command_option
@programming_options
@password_options
@line_options
@common_options
@click.pass_obj
def command(
    around: Surroundings,
    /,
    target: str,
    code: str,
    value: str,
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
    """
    from iecread.cli.changing import change, demand_answer, report
    from iecread.cli.login import station
    from iecread.cli.target import chosen, resolve

    meant = resolve(around, target, meter, password)
    demand_answer(around, yes=yes, dry_run=dry_run)

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
                lambda session: session.plan_write(code, value),
                lambda session, planned: session.carry_out(planned),
                yes=yes,
                dry_run=dry_run,
            )

    report(around, format_, run)
