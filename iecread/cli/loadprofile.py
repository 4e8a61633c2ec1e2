"""``iecread load-profile``: interval values between two times.

Rows are written while they arrive.  With ``--from last`` the request begins behind
the newest row of the file, and what the file has already is left out.  With
``--plot`` they are gathered besides, and drawn when the last one is stored.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from iecread.cli.command import Command, option
from iecread.cli.context import QUIET, Surroundings
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
from iecread.cli.valuetypes import DURATION, Picture
from iecread.cli.writing import database
from iecread.errors import RemoteProtocolError
from iecread.settings import is_port
from iecread.template import is_database

if TYPE_CHECKING:
    from iecread.continuity import Continuity
    from iecread.output.plot import Plot
    from iecread.profilesummary import Summary
    from iecread.resume import Resume
    from iecread.rows import Row

COLUMNS = (
    Column("time", 25),
    Column("meter", 0),
    Column("serial", 0),
    Column("channel", 7),
    Column("register", 12),
    Column("value", -12),
    Column("unit", 6),
    Column("flags", 1),
)
NEW_FILE = timedelta(days=31)
"""How far back a file begins that ``--from last`` finds empty."""

_NOT_SURE = {"unchecked", "malformed"}


@click.command(
    cls=Command,
    short_help="Interval values between two times.",
    example="iecread load-profile /dev/ttyUSB0 --from yesterday --to today\n"
    "iecread load-profile /dev/ttyUSB0 --from last -o kitchen.db\n"
    "iecread load-profile sim://vdew --from -6h -f json",
)
@target_argument
@option(
    "Profile",
    "--channel",
    help="Name of the profile.  [default: by the device profile, else P.01]",
)
@range_options("Profile", "row", start="-24h", end="now")
@option(
    "Profile",
    "--step",
    type=DURATION,
    default="1d",
    help="Ask for so much at a time, 0 for all at once.  [default: 1d]",
)
@option(
    "Profile",
    "--style",
    type=click.Choice(["vdew", "vdew-seconds", "mass", "date"]),
    help="How times are written in the request.  [default: by the device profile, "
    "else vdew]",
)
@option(
    "Profile",
    "--season",
    type=click.Choice(["own", "none", "0", "utc"]),
    help="Digit in front of them.  [default: by the device profile, else own]",
)
@option(
    "Profile",
    "--plot",
    type=Picture(),
    metavar="FILE",
    help="Draw the rows, too: .png or .svg; needs iecread[plot].",
)
@read_command_option
@output_options(*FORMATS)
@clock_option
@session_options
@click.pass_obj
def command(
    around: Surroundings,
    /,
    target: str,
    channel: str | None,
    from_: str,
    to: str,
    step: float,
    style: str | None,
    season: str | None,
    plot: str | None,
    command: str | None,
    clock: str,
    out: OutputOptions,
    password: PasswordOptions,
    **meter: Any,
) -> None:
    """Read a load profile; the time of a row is the end of its interval.

    -o FILE.db is a SQLite database, which rows are added to.  --from last begins an
    empty file 31 days back; say --from WHEN -o FILE to begin it elsewhere.  Gaps and
    overlaps are told on stderr.  Exit 3: there is nothing in this range (with --from
    last, 0); 8: something stayed damaged, the rest is written.
    """
    from iecread.cli.login import station
    from iecread.cli.target import chosen, refuse_archive
    from iecread.cli.target import resolve as resolve_target
    from iecread.continuity import Continuity
    from iecread.loadprofile import ProfileDecoder
    from iecread.profilesummary import Summary

    meant = resolve_target(around, target, meter, password)
    profile = meant.profile
    if profile is not None and profile.load_profile is not None:
        channel = chosen(meant, "channel", channel, "load-profile")
        from_ = chosen(meant, "from_", from_, "load-profile")
        if channel is None:
            refuse_archive(profile)
    zone, clock, now, watch = times_of(meant, clock)
    end = resolve(to, now, watch)
    resume: Resume | None = None
    if from_ == "last":
        known = channel or _usual(meant.options.get("device", "auto"))
        resume, out = _resumed(out, known, profile.name if profile else meant.port)
        start = resume.start or now - NEW_FILE
        if is_ahead(resume.start, now, out.output):
            around.note("nothing new")
            return
    else:
        start = resolve(from_, now, watch)
    in_order(start, end, now)
    asked: dict[str, Any] = {
        "zone": zone,
        "clock": clock,
        "style": style,
        "season": season,
        "step": timedelta(seconds=step) or None,
        "commands": (command,) if command else None,
    }
    _check(channel or "P.01", start, end, asked)
    selection = meant.selection()
    continuity = Continuity()
    summary = Summary()
    doubtful = 0
    with (
        _picture(plot, out, continuity) as picture,
        RowWriter(around, out, COLUMNS) as writer,
    ):
        try:
            with (
                station(around, meant) as line,
                line.session(serial=True) as session,
            ):
                line.wipe_before_rows(writer.format)
                if picture is not None:
                    name = line.meter.options.meter
                    picture.meter(session.identification, name, line.serial)
                channel = channel or session.profile_channel
                decoder = ProfileDecoder(
                    zone,
                    clock,
                    channel=channel,
                    table=session.status_table,
                    continuity=continuity,
                )
                rows = session.load_profile(
                    channel, start, end, decoder=decoder, **asked
                )
                for row in _new(rows, resume):
                    summary.add(row)
                    if picture is not None:
                        picture.add(row)
                    doubtful += bool(_NOT_SURE & set(row.flags))
                    row = selection.row(row) if selection else row
                    writer.add(_cells(row, line.meter.options.meter, line.serial))
        finally:
            writer.flush()
            _tell(around, summary, continuity)
        error = decoder.error()
        if error is not None:
            raise error
        if not summary.rows and resume is None:
            raise PartialError(
                f"{channel} has nothing between {_minute(start)} and {_minute(end)}",
                "another range, or another --channel",
            )
    if not summary.rows:
        around.note("nothing new")
    if out.strict and doubtful:
        raise RemoteProtocolError(
            f"{doubtful} rows are not sure",
            "without --strict they are written with that flag",
        )


def _picture(
    path: str | None, out: OutputOptions, continuity: "Continuity"
) -> "Plot | nullcontext[None]":
    if path is None:
        return nullcontext()
    if os.path.realpath(path) == os.path.realpath(out.output):
        raise UsageError("--plot and -o name the same file", "name two")
    from iecread.output.plot import Plot

    return Plot(path, continuity.gaps, utc=out.utc)


def _usual(device: str) -> str:
    """The profile that is read where nobody says which one."""
    if device in ("auto", "none"):
        return "P.01"
    from iecread.devices import named

    return named(device).profile_channel or "P.01"


def _minute(time: datetime) -> str:
    return time.isoformat(timespec="minutes")


def _check(
    channel: str,
    start: datetime,
    end: datetime,
    asked: dict[str, Any],
) -> None:
    """Build the request once, so that what is wrong with it is said at once."""
    from iecread.profilerequest import RequestError, chunks, data_set, operand

    how = {key: asked[key] for key in ("zone", "clock")}
    try:
        style, season = asked["style"] or "vdew", asked["season"] or "own"
        text = operand(start, end, style=style, season=season, **how)
        data_set(channel, text)
        if asked["step"] is not None:
            next(chunks(start, end, asked["step"], **how))
    except RequestError as error:
        raise UsageError(str(error)) from error


def _resumed(
    out: OutputOptions, channel: str, meter: str
) -> "tuple[Resume, OutputOptions]":
    """How far the file goes; it is appended to."""
    from iecread.resume import Resume, from_csv

    out = going_on(out)
    if is_database(out.output):
        return database(out).resume(meter, channel), out
    name = "" if is_port(meter) else meter
    known = read_back(out.output, lambda file: from_csv(file, meter=name))
    here = read_back(
        out.output, lambda file: from_csv(file, meter=name, channel=channel)
    )
    # Rows may go by another name than they are asked for: none is written twice
    return Resume(here and here.start, known.newest if known else {}), out


def _new(rows: "Iterable[Row]", resume: "Resume | None") -> "Iterator[Row]":
    return iter(rows) if resume is None else resume.new(rows)


def _cells(row: "Row", meter: str | None, serial: str | None) -> tuple[Any, ...]:
    time, channel, register, value, _, unit, flags = row
    return time, meter, serial, channel, register, value, unit, flags


def _tell(around: Surroundings, summary: "Summary", continuity: "Continuity") -> None:
    """The summary for a person; gaps and overlaps in any case."""
    from iecread.output.text import printable

    if around.verbosity == QUIET or not summary.rows:
        return
    person = around.terminal(around.stderr)
    width = min((around.width or 80) - 4, 96)
    for line in map(printable, summary.lines(continuity, width if person else 0)):
        if person:
            around.say(line)
        elif line.startswith(("gap:", "overlap:")):
            around.note(line)
