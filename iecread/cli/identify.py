"""``iecread identify``: who answers an opening request, and what that tells."""

from typing import Any

import click

from iecread.cli.command import Command, common_options, option
from iecread.cli.context import Surroundings
from iecread.cli.options import line_options, meter_options, target_argument
from iecread.cli.outputoptions import OutputOptions, output_options


@click.command(
    cls=Command,
    short_help="Opening request only; --save NAME writes a profile entry.",
    example="iecread identify /dev/ttyUSB0\n"
    "iecread identify /dev/ttyUSB0 --save kitchen\n"
    "iecread identify sim://household -f json",
)
@target_argument
@option(
    "Options",
    "--save",
    metavar="NAME",
    help="Add a meter of this name to meters.toml, with all that was found out.",
)
@output_options("table", "csv", "json", "jsonl", "value")
@meter_options
@line_options
@common_options
@click.pass_obj
def command(
    around: Surroundings,
    /,
    target: str,
    save: str | None,
    out: OutputOptions,
    **meter: Any,
) -> None:
    """Say who answers: maker, model, modes, speed, line, device profile.

    Nothing but opening requests is sent; the meter goes back by itself.  With
    --mode d nothing is sent at all, and it waits for one telegram.  -f value gives
    the identification.
    """
    from iecread.cli.objects import ObjectWriter
    from iecread.cli.target import resolve
    from iecread.cli.watch import watched
    from iecread.output.identity import COLUMNS, identity_object, identity_table
    from iecread.output.text import printable
    from iecread.session import Meter

    meant = resolve(around, target, meter)
    with ObjectWriter(around, out, COLUMNS) as writer:
        if save is not None:
            from iecread.cli.saving import check_name, place

            check_name(place(around), save)  # before a meter is asked in vain
        with (
            Meter(meant.port, **meant.options) as session,
            watched(around, session, lines=False),
        ):
            found = session.identify()
        text = identity_table(found, around.width)
        if writer.format == "value":
            text = printable(found.identification.text) + "\n"
        writer.write([identity_object(found, utc=out.utc)], text=text, alone=True)
    if found.talks and not found.unasked:
        around.tell("the meter sends its readout now, and hears nothing until it ends")
    if save is not None:
        import shlex

        from iecread.cli.saving import add_meter

        path = add_meter(around, save, found, meant)
        words = ["-c", path] if around.config else []
        typed = shlex.join(["iecread", *words, "readout", save])
        around.note(f"added {save} to {path}; try: {typed}")
