"""``iecread events``: the event log, an entry a row.

With ``--from last`` the request begins with the newest entry of the file, and what the
file has already is left out.
"""

import csv
from collections import Counter
from typing import TYPE_CHECKING, Any

import click

from iecread.cli.command import Command, option
from iecread.cli.context import Surroundings
from iecread.cli.exitcodes import PartialError, UsageError
from iecread.cli.moments import in_order, is_ahead, range_options, resolve, times_of
from iecread.cli.options import (
    clock_option,
    read_command_option,
    session_options,
    target_argument,
)
from iecread.cli.outputoptions import OutputOptions, output_options
from iecread.cli.passwordoptions import PasswordOptions
from iecread.cli.rows import FORMATS, Column, RowWriter, going_on, read_back
from iecread.cli.writing import database
from iecread.errors import RemoteProtocolError
from iecread.output.rowtext import lines
from iecread.settings import is_port
from iecread.template import is_database

if TYPE_CHECKING:
    from iecread.eventlog import Event
    from iecread.eventresume import LogEnd

COLUMNS = (
    Column("time", 25),
    Column("meter", 0),
    Column("channel", 7),
    Column("status", 8),
    Column("words", 30),
    Column("elements", 1),
    Column("flags", 1),
)


@click.command(
    cls=Command,
    short_help="The event log.",
    example="iecread events /dev/ttyUSB0 --from -7d\n"
    "iecread events /dev/ttyUSB0 --from last -o kitchen.db\n"
    "iecread events sim://vdew --channel P.98 -f json",
)
@target_argument
@option(
    "Log",
    "--channel",
    default="P.98",
    help="Name of the log: P.98, P.99.  [default: P.98]",
)
@range_options("Log", "entry")
@read_command_option
@output_options(*FORMATS)
@clock_option
@session_options
@click.pass_obj
def command(
    around: Surroundings,
    /,
    target: str,
    channel: str,
    from_: str | None,
    to: str | None,
    command: str | None,
    clock: str,
    out: OutputOptions,
    password: PasswordOptions,
    **meter: Any,
) -> None:
    """Read an event log: time, status in hexadecimal and in words, what is attached.

    -o FILE.db is a SQLite database, which rows are added to.  Exit 3: there is
    nothing in this range (with --from last, 0); 8: something stayed damaged, the rest
    is written.
    """
    from iecread.cli.login import station
    from iecread.cli.target import resolve as resolve_target
    from iecread.eventlog import EventDecoder
    from iecread.profilerequest import RequestError, data_set

    meant = resolve_target(around, target, meter, password)
    profile = meant.profile
    zone, clock, now, watch = times_of(meant, clock)
    end = resolve(to, now, watch) if to else None
    known: LogEnd | None = None
    if from_ == "last":
        known, out = _resumed(out, channel, profile.name if profile else meant.port)
        start = known.start
        if is_ahead(start, now, out.output):
            around.note("nothing new")
            return
    else:
        start = resolve(from_, now, watch) if from_ else None
    in_order(start, end, now)
    try:
        data_set(channel, "")
    except RequestError as error:
        raise UsageError(str(error)) from error
    unsure = 0
    stored = is_database(out.output)
    columns = (*COLUMNS, Column("serial", 0)) if stored else COLUMNS
    with RowWriter(around, out, columns) as writer:
        with (
            station(around, meant) as line,
            line.session(serial=stored) as session,
        ):
            line.wipe_before_rows(writer.format)
            decoder = EventDecoder(zone, clock, table=session.status_table)
            for event in session.events(
                channel,
                start,
                end,
                zone=zone,
                clock=clock,
                decoder=decoder,
                commands=(command,) if command else None,
            ):
                cells = _cells(event, line.meter.options.meter)
                if known is not None and not _is_new(known, event, cells):
                    continue
                unsure += bool(event.flags)
                writer.add((*cells, line.serial) if stored else cells)
        writer.flush()
        trouble = decoder.error()
        if trouble is not None:
            raise trouble
        if not writer.rows and known is None:
            raise PartialError(
                f"{channel} has no events in this range",
                "another range, or another --channel",
            )
    if not writer.rows:
        around.note("nothing new")
    if out.strict and unsure:
        raise RemoteProtocolError(
            f"{unsure} events are not sure",
            "without --strict they are written with that flag",
        )


def _resumed(
    out: OutputOptions, channel: str, meter: str
) -> "tuple[LogEnd, OutputOptions]":
    """How far the file goes; it is appended to."""
    from iecread.eventresume import LogEnd, from_csv

    out = going_on(out)
    if is_database(out.output):  # where nothing can be twice
        newest = database(out).newest(meter, channel)
        return LogEnd(max((row[0] for row in newest), default=None), Counter()), out
    names = [column.name for column in COLUMNS]
    name = "" if is_port(meter) else meter
    end = read_back(
        out.output, lambda file: from_csv(file, names, meter=name, channel=channel)
    )
    return end or LogEnd(None, Counter()), out


def _is_new(known: "LogEnd", event: "Event", cells: tuple[Any, ...]) -> bool:
    (texts,) = csv.reader([lines([cells])])
    return known.is_new(event.time, texts)


def _cells(event: "Event", meter: str | None) -> tuple[Any, ...]:
    elements = []
    for code, unit, value in event.elements:
        text = f"{value or ''}*{unit}" if unit else value or ""
        elements.append(f"{code}={text}" if code else text)
    return (
        event.time or event.stamp or None,  # an impossible time as it was sent
        meter,
        event.channel,
        event.status,
        event.words,
        tuple(elements),
        event.flags,
    )
