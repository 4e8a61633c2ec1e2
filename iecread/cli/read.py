"""``iecread read``: registers in programming mode, all in one session."""

from typing import Any

import click

from iecread.cli.context import Surroundings
from iecread.cli.exitcodes import PartialError
from iecread.cli.options import (
    Command,
    OutputOptions,
    PasswordOptions,
    Register,
    common_options,
    line_options,
    output_options,
    password_options,
    programming_options,
    read_command_option,
    target_argument,
)
from iecread.errors import IecReadError, RefusedError


@click.command(
    cls=Command,
    short_help="Single registers in programming mode.",
    example="iecread read /dev/ttyUSB0 1.8.0 2.8.0\n"
    "iecread read sim://household 1.8.0 -f value\n"
    "iecread read /dev/ttyUSB0 0.9.1 --password-file ~/.meter.pass",
)
@target_argument
@click.argument(
    "codes",
    metavar="CODE...",
    nargs=-1,
    required=True,
    type=Register(),
    help="As the meter knows it; @ may stand for *.",
)
@read_command_option
@output_options("table", "csv", "json", "jsonl", "value", "influx", "prom")
@programming_options
@password_options
@line_options
@common_options
@click.pass_obj
def command(
    around: Surroundings,
    /,
    target: str,
    codes: tuple[str, ...],
    command: str | None,
    out: OutputOptions,
    password: PasswordOptions,
    **meter: Any,
) -> None:
    """Read registers by their codes, all in one session.

    Many meters let read without a password.  In a code, @ may stand for *.
    """
    from iecread.cli.login import station
    from iecread.cli.target import resolve
    from iecread.cli.writing import Writer

    found: list[Any] = []
    refused: dict[str, RefusedError] = {}
    meant = resolve(around, target, meter, password)
    with Writer(around, out) as writer:
        with (
            station(around, meant, read_command=command) as line,
            line.session() as session,
        ):
            for code in codes:
                try:
                    found += session.read_all(code)
                except RefusedError as error:
                    refused[code] = error
                except IecReadError:
                    if found:  # what is sure is kept
                        writer.write(line.readout(session, found, complete=False))
                    raise
            result = line.readout(session, found, complete=not refused)
        selection = meant.selection(())
        if selection is not None:
            result = selection.apply(result)
        if found:
            writer.write(result)
        else:
            writer.failed()
            raise _refusal(target, refused)
    if refused:
        some = _refusal(target, refused)
        raise PartialError(some.message, some.hint)


def _refusal(target: str, refused: dict[str, RefusedError]) -> RefusedError:
    only = ",".join(refused)
    return RefusedError(
        "; ".join(error.message for error in refused.values()),
        f"the readout may have it: iecread readout {target} --only {only}",
    )
