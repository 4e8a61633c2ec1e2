"""``iecread listen``: telegrams of meters that talk by themselves, as they come."""

from contextlib import closing
from typing import Any

import click

from iecread.cli.command import Command, common_options
from iecread.cli.context import Surroundings
from iecread.cli.options import line_options, meter_options, target_argument
from iecread.cli.outputoptions import OutputOptions, count_option, output_options


@click.command(
    cls=Command,
    short_help="Meters that talk by themselves (mode D, P1).",
    example="iecread listen /dev/ttyUSB1 --baud 115200 --framing 8n1\n"
    "iecread listen sim://p1 --count 3 -f jsonl",
)
@target_argument
@count_option
@output_options("table", "csv", "json", "jsonl", "value", "influx", "raw")
@meter_options
@line_options
@common_options
@click.pass_obj
def command(
    around: Surroundings,
    /,
    target: str,
    count: int | None,
    out: OutputOptions,
    **meter: Any,
) -> None:
    """Print each telegram of a meter that talks by itself (mode D, P1).

    Nothing is sent.  It goes on until Ctrl-C, SIGTERM or --count; a --timeout ends it
    when so long no telegram came.  Telegrams whose check is wrong are left out.  A
    port that goes away is opened again when it is back; at the beginning --wait says
    how long it may be missing.
    """
    from iecread.cli.notices import Notices
    from iecread.cli.target import resolve
    from iecread.cli.watch import watched
    from iecread.cli.writing import Writer
    from iecread.comeback import Steady
    from iecread.session import Meter

    meant = resolve(around, target, meter)
    selection = meant.selection()
    session = Meter(meant.port, **{**meant.options, "mode": "d"})
    notices = Notices(around, meant)
    session.on_warning = notices.damaged
    steady = Steady(session, **notices.steady())
    with (
        Writer(around, out, meant.profile) as writer,
        watched(around, session, lines=False) as notices.wipe,
        closing(session),
    ):
        steady.open(meant.options.get("wait", 0.0))
        for number, readout in enumerate(steady.listen(), 1):
            notices.heard()
            if selection is not None and writer.format != "raw":
                readout = selection.apply(readout)
            writer.write(readout, session.data)
            if number == count:
                break
