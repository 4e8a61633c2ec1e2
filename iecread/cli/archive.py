"""``iecread archive``: the records of one archive of a LIS-200 device.

Records are written while they arrive, a row for each column.  A session that breaks is
followed by another one that goes on behind what is there.  With ``--from last`` the
file tells where that is: not a time alone, but the number of its newest record, so that
nothing comes twice and what was overwritten meanwhile is noticed.
"""

from contextlib import closing
from decimal import Decimal
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

import click

from iecread.cli.command import Command, option
from iecread.cli.context import QUIET, Surroundings
from iecread.cli.exitcodes import UsageError
from iecread.cli.loadprofile import COLUMNS
from iecread.cli.moments import in_order, range_options, resolve, times_of
from iecread.cli.options import clock_option, session_options, target_argument
from iecread.cli.outputoptions import OutputOptions, output_options
from iecread.cli.passwordoptions import PasswordOptions
from iecread.cli.rows import FORMATS, Column, RowWriter, going_on, read_back
from iecread.cli.valuetypes import Setting
from iecread.cli.writing import database
from iecread.errors import RemoteProtocolError
from iecread.settings import archive as archive_setting
from iecread.template import is_database

if TYPE_CHECKING:
    from iecread.archiveresume import Tail
    from iecread.archives import ArchiveReader
    from iecread.archivesummary import ArchiveSummary
    from iecread.cli.login import Station
    from iecread.cli.target import Target
    from iecread.rows import Row

_PAUSE = 1.0  # s between sessions (lis200.md 5.4)
_DESCRIBED = (
    Column("column", 3),
    Column("register", 10),
    Column("unit", 6),
    Column("source", 10),
    Column("holds", 1),
)


def _archives() -> list[str]:
    from iecread.lis200.archivewords import archive_names

    return list(archive_names())


@click.command(
    cls=Command,
    short_help="An archive of a LIS-200 device.",
    example="iecread archive /dev/ttyUSB0 period --from yesterday --password-prompt\n"
    "iecread archive gas 3 --from last -o gas.csv\n"
    "iecread archive /dev/ttyUSB0 events -f json --password-env GAS_CODE",
)
@target_argument
@click.argument(
    "archive",
    metavar="ARCHIVE",
    required=False,
    type=Setting("archive", archive_setting, known=_archives),
    help="Number, or month, period, day, events, changes.",
)
@range_options("Archive", "record")
@option(
    "Archive",
    "--columns",
    metavar="NAME",
    multiple=True,
    help="Only these, by name or address (VbT, 2:302); comma-separated or repeated.",
)
@option(
    "Archive",
    "--sources",
    is_flag=True,
    help="Call columns by the address of their source, which has no language.",
)
@option(
    "Archive",
    "--intervals",
    is_flag=True,
    help="Leave out records that an event within an interval made.",
)
@option(
    "Archive",
    "--attributes",
    is_flag=True,
    help="Show the columns (name, unit, source) in place of the records.",
)
@option(
    "Archive",
    "--block",
    type=click.IntRange(1, 999),
    metavar="N",
    default=10,
    help="Records in a block: 1 on a bad line.  [default: 10]",
)
@output_options(*FORMATS)
@clock_option
@session_options
@click.pass_obj
def command(
    around: Surroundings,
    /,
    target: str,
    archive: str | None,
    from_: str | None,
    to: str | None,
    columns: tuple[str, ...],
    sources: bool,
    intervals: bool,
    attributes: bool,
    block: int,
    clock: str,
    out: OutputOptions,
    password: PasswordOptions,
    **meter: Any,
) -> None:
    """Read an archive of a gas converter, logger or BK meter.

    A lock that is opened for it, with the code that the password options give, is
    closed again.  Status and events have their words in the column flags.  Records
    that are missing by their numbers are told on stderr.  -o FILE.db is a SQLite
    database, which rows are added to.  That there is nothing in the range is no
    failure.  Exit 8: something stayed damaged, the rest is written.
    """
    from iecread.archives import ArchiveReader, ArchiveRequest, read_archive
    from iecread.archivesummary import ArchiveSummary
    from iecread.cli.login import station
    from iecread.cli.target import resolve as resolve_target
    from iecread.output.sqliterows import number_of

    meant = resolve_target(around, target, meter, password)
    archive, from_ = _asked(meant, archive, from_)
    zone, clock, now, watch = times_of(meant, clock)
    last = from_ == "last"
    if last:
        out = _resumed(out)
    start, end = (
        None if text in (None, "last") else resolve(text, now, watch)
        for text in (from_, to)
    )
    in_order(start, end, now)
    wanted = ArchiveRequest(
        int(archive) if archive.isdigit() else archive,
        start,
        end,
        zone,
        clock,
        block,
        tuple(name.strip() for word in columns for name in word.split(",")),
        by_source=sources,
        intervals=intervals,
        numbers=out.output != "-",
    )
    if attributes:
        _describe(around, out, meant, ArchiveReader(wanted))
        return
    selection = meant.selection()

    def find_tail(number: int) -> "Tail | None":
        return _tail(around, out, number, line) if last else None

    reader, summary = ArchiveReader(wanted, find_tail), ArchiveSummary()
    with RowWriter(around, out, COLUMNS) as writer:
        try:
            with station(around, meant) as line:
                line.wipe_before_rows(writer.format)
                records = read_archive(
                    reader,
                    partial(line.gas_session, serial=True),
                    retries=line.meter.options.retries,
                    rest=lambda: line.meter.sleep(_PAUSE),
                    note=around.note,
                )
                with closing(records):
                    for record in records:
                        summary.add(record)
                        number = number_of(record.place)
                        for row in record.rows:
                            row = selection.row(row) if selection else row
                            writer.add(_cells(row, line), number)
        finally:
            writer.flush()
            _tell(around, summary, reader)
        error = reader.error()
        if error is not None:
            raise error
    if not reader.records:
        nothing = f"archive {reader.number} has nothing in this range"
        around.note("nothing new" if last else nothing)
    if out.strict and summary.unsure:
        raise RemoteProtocolError(
            f"{summary.unsure} records are not sure",
            "without --strict they are written with that flag",
        )


def _asked(
    meant: "Target", archive: str | None, from_: str | None
) -> tuple[str, str | None]:
    """Archive and beginning: as said, else as the profile says it."""
    profile = meant.profile
    keys = profile.load_profile if profile is not None else None
    if archive is None:
        if keys is None or keys.archive is None:
            raise UsageError(
                "which archive", "its number, or month, period, day, events, changes"
            )
        archive = keys.archive
        from_ = from_ or profile.get("load-profile", "from")  # type: ignore[union-attr]
    return archive, from_


def _resumed(out: OutputOptions) -> OutputOptions:
    """The file is appended to; looked at before a device is talked to."""
    from iecread.archiveresume import from_csv

    out = going_on(out)
    if is_database(out.output):
        database(out)
    else:
        read_back(out.output, lambda file: from_csv(islice(file, 1), archive=0))
    return out


def _tail(
    around: Surroundings, out: OutputOptions, number: int, line: "Station"
) -> "Tail | None":
    """The newest record of this device's archive in the file."""
    from iecread.archiveresume import from_csv

    name, serial = line.meter.options.meter, line.serial or ""
    if is_database(out.output):
        return database(out).tail(name or around.meter or "", number, serial)
    return read_back(
        out.output,
        lambda file: from_csv(file, archive=number, meter=name or "", serial=serial),
    )


def _cells(row: "Row", line: "Station") -> tuple[Any, ...]:
    time, channel, register, value, _, unit, flags = row
    name = line.meter.options.meter
    return time, name, line.serial, channel, register, value, unit, flags


def _tell(
    around: Surroundings, summary: "ArchiveSummary", reader: "ArchiveReader"
) -> None:
    """The summary for a person; what is missing or damaged in any case."""
    from iecread.archivesummary import troubles
    from iecread.output.text import printable

    if around.verbosity == QUIET:
        return
    if around.terminal(around.stderr):
        for line in map(printable, summary.lines(reader)):
            around.say(line)
        return
    for line in map(printable, troubles(reader)):
        around.note(line)


def _describe(
    around: Surroundings, out: OutputOptions, meant: "Target", reader: "ArchiveReader"
) -> None:
    """The columns of an archive, and how many records there are."""
    from iecread.cli.login import station

    with RowWriter(around, out, _DESCRIBED) as writer:
        with (
            station(around, meant) as line,
            line.gas_session(serial=True) as session,
        ):
            line.wipe_before_rows(writer.format)
            count = reader.count(session)
            layout = reader.layout
        for at, column in enumerate(layout.columns if layout else (), 1):
            source = str(column.source) if column.source else None
            writer.add(
                (Decimal(at), column.register, column.unit, source, column.role.value)
            )
    if count is not None:
        around.note(f"archive {reader.number} has {count} records in this range")
