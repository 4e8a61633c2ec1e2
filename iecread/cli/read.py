"""``iecread read``: registers in programming mode, all in one session."""

from typing import Any

import click

from iecread.cli.command import Command, option
from iecread.cli.context import Surroundings
from iecread.cli.exitcodes import PartialError
from iecread.cli.options import read_command_option, session_options, target_argument
from iecread.cli.outputoptions import OutputOptions, output_options
from iecread.cli.passwordoptions import PasswordOptions
from iecread.cli.valuetypes import Register
from iecread.errors import IecReadError, RefusedError


@click.command(
    cls=Command,
    short_help="Single registers in programming mode.",
    example="iecread read /dev/ttyUSB0 1.8.0 2.8.0\n"
    "iecread read sim://household 1.8.0 -f value\n"
    "iecread read /dev/ttyUSB0 0.9.1 --password-file ~/.meter.pass\n"
    "iecread read sim://lis200-ek 7:310 Vb --password-env CODE",
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
@option(
    "Output",
    "--attributes",
    is_flag=True,
    help="All that a LIS-200 device knows of a value: access, name, unit, format.",
)
@read_command_option
@output_options("table", "csv", "json", "jsonl", "value", "influx", "prom")
@session_options
@click.pass_obj
def command(
    around: Surroundings,
    /,
    target: str,
    codes: tuple[str, ...],
    attributes: bool,
    command: str | None,
    out: OutputOptions,
    password: PasswordOptions,
    **meter: Any,
) -> None:
    """Read registers by their codes, all in one session.

    Many meters let read without a password.  In a code, @ may stand for *.

    A LIS-200 device is read by addresses (7:310, 6:310_1, 7:310.2) or names (p, Vb),
    and only while one of its locks is open: the password is the code of the lock that
    --lock names, which is opened if need be and closed again.
    """
    from iecread.cli.login import gas, station
    from iecread.cli.target import resolve
    from iecread.cli.writing import Writer

    found: list[Any] = []
    refused: dict[str, RefusedError] = {}
    meant = resolve(around, target, meter, password)
    with Writer(around, out) as writer:
        gas_device = False

        def write(readout: Any) -> None:
            selection = meant.selection(())
            if selection is not None and not attributes:
                readout = selection.apply(readout)
            line.wipe()
            writer.write(readout)

        with (
            station(around, meant, read_command=command) as line,
            line.session() as session,
        ):
            gas_device = session.speaks_lis200
            read = gas(session).attributes if attributes else session.read_all
            try:
                for code in codes:
                    try:
                        found += read(code)
                    except RefusedError as error:
                        if not found and _no_code(error):
                            raise
                        refused[code] = error
            except IecReadError:
                if found:  # what is sure is kept
                    write(line.readout(session, found, complete=False))
                raise
            # before the session is left: a lock that does not close costs no values
            if found:
                write(line.readout(session, found, complete=not refused))
        if not found:
            writer.failed()
            raise _refusal(target, refused, gas=gas_device)
    if refused:
        some = _refusal(target, refused, gas=gas_device)
        raise PartialError(some.message, some.hint)


def _no_code(error: RefusedError) -> bool:
    """Whether it was the code of the lock that was refused, and not a value."""
    from iecread.lis200.errors import WRONG_CODE, Lis200Refused

    return isinstance(error, Lis200Refused) and error.number == WRONG_CODE


def _refusal(
    target: str, refused: dict[str, RefusedError], *, gas: bool
) -> RefusedError:
    only = ",".join(refused)
    hint = f"the readout may have it: iecread readout {target} --only {only}"
    if gas:  # its errors have numbers, and know what to do
        said = dict.fromkeys(error.hint for error in refused.values())
        hint = "; ".join(filter(None, said))
    messages = dict.fromkeys(error.message for error in refused.values())
    return RefusedError("; ".join(messages), hint)
