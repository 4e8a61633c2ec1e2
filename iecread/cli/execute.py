"""``iecread execute``: a command of the meter (E2), such as a demand reset."""

from typing import Any

import click

from iecread.cli.command import Command
from iecread.cli.context import Surroundings
from iecread.cli.options import change_options, session_options, target_argument
from iecread.cli.outputoptions import result_format_option
from iecread.cli.passwordoptions import PasswordOptions
from iecread.cli.valuetypes import Register, SentText


@click.command(
    cls=Command,
    short_help="Execute command (E2).",
    example="iecread execute /dev/ttyUSB0 0.1.0 --password-prompt",
)
@target_argument
@click.argument(
    "code",
    type=Register(),
    metavar="CODE",
    help="As the meter knows it; @ may stand for *.",
)
@click.argument(
    "argument",
    type=SentText(),
    metavar="[ARGUMENT]",
    default="",
    help="What stands in the brackets.",
)
@change_options
@result_format_option
@session_options
@click.pass_obj
def command(
    around: Surroundings,
    /,
    target: str,
    code: str,
    argument: str,
    yes: bool,
    dry_run: bool,
    format_: str,
    password: PasswordOptions,
    **meter: Any,
) -> None:
    """Let the meter execute a command (E2), such as a reset of the maximum.

    Shows the exact message and asks.  Whatever comes of it stands in the journal.
    Exit 9: refused; 11: unknown whether it was done.
    """
    from iecread.cli.changing import change, demand_answer, report
    from iecread.cli.login import station
    from iecread.cli.target import resolve

    meant = resolve(around, target, meter, password)
    demand_answer(around, yes=yes, dry_run=dry_run)

    def run() -> Any:
        changes = not dry_run
        with station(around, meant, changes=changes) as line:
            return change(
                around,
                line,
                lambda session: session.plan_execute(code, argument),
                lambda session, planned: session.carry_out_execution(planned),
                yes=yes,
                dry_run=dry_run,
            )

    report(around, format_, run)
