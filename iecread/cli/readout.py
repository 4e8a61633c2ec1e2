"""``iecread readout``: options, one session, one readout written; or a series."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from iecread.cli.command import Command, common_options
from iecread.cli.context import Surroundings
from iecread.cli.exitcodes import PartialError, UsageError
from iecread.cli.options import line_options, meter_options, target_argument
from iecread.cli.outputoptions import OutputOptions, only_option, output_options
from iecread.cli.slots import repeated, schedule_options
from iecread.errors import IecReadError

if TYPE_CHECKING:
    from iecread.cli.writing import Writer
    from iecread.readings import Readout
    from iecread.selection import Selection
    from iecread.session import Meter

_GAS_HINT = (
    "a LIS-200 device may have no data readout, or none while its locks are closed: "
    "iecread read TARGET 7:310 2:302 with the code of a lock, or iecread unlock"
)


@click.command(
    cls=Command,
    short_help="All that the meter offers in its data readout.",
    example="iecread readout /dev/ttyUSB0\n"
    "iecread readout sim://household --only 1.8.0,2.8.0 -f json\n"
    "iecread readout /dev/ttyUSB0 --every 15m -o readings.csv --append",
)
@target_argument
@only_option
@schedule_options("readouts")
@output_options("table", "csv", "json", "jsonl", "value", "influx", "prom", "raw")
@meter_options
@line_options
@common_options
@click.pass_obj
def command(
    around: Surroundings,
    /,
    target: str,
    only: tuple[str, ...],
    every: float | None,
    jitter: float,
    count: int | None,
    out: OutputOptions,
    **meter: Any,
) -> int:
    """Read all that a meter offers in its data readout.

    Protocol mode, speed, echo and parity are found out.  With --mode d it waits for
    one telegram of a meter that talks by itself.  With --every a readout that fails
    is one line on stderr, and a port that goes away is opened again when it is back;
    at the beginning --wait says how long it may be missing.
    """
    from iecread.cli.target import resolve
    from iecread.cli.watch import watched
    from iecread.cli.writing import Writer
    from iecread.session import Meter

    meant = resolve(around, target, meter)
    selection = meant.selection(only or None)

    if only and out.format_ == "raw":
        raise UsageError("-f raw is all that came; --only cannot choose from it")

    def write(writer: Writer, session: Meter, read: "Callable[[], Readout]") -> None:
        _write(around, writer, session, read, only, selection)

    if repeated(every, jitter, count):
        from iecread.cli.series import Series

        assert every is not None
        return Series(around, meant, out, only, write).run(every, jitter, count)
    session = Meter(meant.port, **meant.options)
    with Writer(around, out, meant.profile) as writer:

        def read() -> "Readout":
            with session, watched(around, session, lines=writer.live):
                return session.readout(only)

        write(writer, session, read)
    return 0


def _write(
    around: Surroundings,
    writer: "Writer",
    session: "Meter",
    read: "Callable[[], Readout]",
    only: tuple[str, ...],
    selection: "Selection | None",
) -> None:
    """Read with ``read`` and write what is wanted of it.

    Raises:
        PartialError: some of that was not in it.
        IecReadError: it could not be read or written.
    """
    try:
        readout = read()
    except IecReadError as error:
        # lines that no block check can vouch for are shown as such
        partly = getattr(error, "readout", None)
        if partly is not None and writer.format != "raw":
            writer.write(selection.apply(partly) if selection else partly)
        writer.failed()
        if _is_gas(session):
            error.hint = _GAS_HINT
        raise
    from iecread.selection import Selection

    missing = Selection(only).missing(readout)
    if selection is not None and writer.format != "raw":
        missing = selection.missing(readout)
        readout = selection.apply(readout)
    writer.write(readout, session.data)
    if not readout.registers and _is_gas(session):
        around.note(f"the data readout is empty: {_GAS_HINT}")
    if missing:
        raise PartialError(
            f"not in the readout: {', '.join(missing)}",
            "without --only all registers are shown",
        )


def _is_gas(meter: "Meter") -> bool:
    """Whether it is known, or was said, to be a LIS-200 device."""
    device = meter.device
    known = device is not None and device.dialect == "lis200"
    return known or meter.options.dialect == "lis200"
