"""``iecread dump``: the meters of meters.toml, read and stored, for cron.

Lines are read beside each other, the meters on one line in turn; what fails costs
that meter and no other.  All that can be known to be wrong before a port is opened
ends the run there.  The reading of one meter is in ``dumping``, the places where
rows go are in ``dumpstore``, what a person or a monitor sees in ``dumpstatus``.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from iecread.cli.command import Command, common_options, env_option
from iecread.cli.context import Surroundings
from iecread.cli.exitcodes import NUMBERS, common
from iecread.cli.options import trace_options
from iecread.cli.outputoptions import OutputOptions, output_options
from iecread.cli.slots import repeated, schedule_options
from iecread.cli.valuetypes import DURATION, meter_names

if TYPE_CHECKING:
    from iecread.config import Config
    from iecread.fleet import Outcome
    from iecread.meterprofile import Profile

FORMATS = ("table", "csv", "json", "jsonl", "influx", "prom")


class Shard(click.ParamType[tuple[int, int]]):
    """``K/N``: the Kth of N parts."""

    name = "shard"

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        return "K/N"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int]:
        if isinstance(value, tuple):
            return value
        which, _, count = str(value).partition("/")
        if not (which.isdecimal() and count.isdecimal() and count.isascii()):
            self.fail(f"{value!r} is no part, such as 1/4 or 4/4", param, ctx)
        if not 1 <= int(which) <= int(count) <= 100_000:
            self.fail(f"{value!r}: parts count from 1/{count} to {count}/{count}")
        return int(which), int(count)


class MeterName(click.types.StringParamType):
    """A meter of meters.toml; completes their names."""

    name = "meter"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[Any]:
        from click.shell_completion import CompletionItem

        found = meter_names(ctx)
        return [CompletionItem(name) for name in found if name.startswith(incomplete)]


class Wishes(NamedTuple):
    """What the options say of how to run.

    Attributes:
        jobs: lines at a time; None for all.
        wait: seconds to wait for a port; None: as the meter says.
        retries: repeats of a session; None: as the meter says.
        timeout: seconds of silence; None: as the meter says.
        trace: file for a recording of each meter; None: as the meter says.
        trace_mask_serials: whether numbers are masked in it; None: likewise.
        shard: which part of how many; None for all.
        report: file for the summary.
        metrics: file for Prometheus metrics.
    """

    jobs: int | None
    wait: float | None
    retries: int | None
    timeout: float | None
    trace: str | None
    trace_mask_serials: bool | None
    shard: tuple[int, int] | None
    report: str | None
    metrics: str | None


@click.command(
    cls=Command,
    short_help="Several meters of meters.toml, for cron.",
    example="iecread dump\n"
    "iecread dump kitchen 'feeder-*' -o readings.db\n"
    "iecread dump --every 15m --report /run/iecread.json",
)
@click.argument(
    "names",
    metavar="[METER...]",
    nargs=-1,
    type=MeterName(),
    help="Those of meters.toml that are enabled, if none is named; * matches any.",
)
@env_option(
    "Run",
    "--jobs",
    type=click.IntRange(1),
    metavar="N",
    help="Lines to read at a time.  [default: all]",
)
@env_option(
    "Run",
    "--shard",
    type=Shard(),
    help="The Kth of N parts of the meters; those on one line stay together.",
)
@schedule_options("runs", env=True)
@env_option(
    "Run",
    "--report",
    type=click.Path(),
    metavar="FILE",
    help="Summary of the run as JSON, written in any case.",
)
@env_option(
    "Run",
    "--metrics",
    type=click.Path(),
    metavar="FILE",
    help="Metrics for Prometheus besides, also when meters failed.",
)
@env_option(
    "Line",
    "--wait",
    type=DURATION,
    help="Wait so long for a port that is held.  [default: 30s]",
)
@env_option(
    "Line",
    "--retries",
    type=click.IntRange(0, 100),
    metavar="N",
    help="Repeats of a session after a failure, never after a refusal.",
)
@env_option(
    "Line",
    "--timeout",
    type=DURATION,
    help="Silence that ends waiting, not a total.",
)
@trace_options
@output_options(*FORMATS)
@common_options
@click.pass_obj
def command(
    around: Surroundings,
    /,
    names: tuple[str, ...],
    every: float | None,
    jitter: float,
    count: int | None,
    out: OutputOptions,
    **wishes: Any,
) -> int:
    """Read meters of meters.toml and store what they say.

    Lines (ports) are read beside each other, meters on one line in turn.  Rows go
    where csv.file of meters.toml says, or to -o FILE, which rows are added to: CSV,
    .jsonl, .db (SQLite); .json and .prom are written anew.  Nothing is printed when
    all is well, and a line for each meter that failed.  Exit 3: some meters failed.
    """
    wanted = Wishes(**wishes)
    if not repeated(every, jitter, count):
        return _once(around, names, wanted, out)
    assert every is not None
    return _again(around, names, wanted, out, every, jitter, count)


def _once(
    around: Surroundings, names: Sequence[str], wishes: Wishes, out: OutputOptions
) -> int:
    """One run; returns the exit status."""
    from iecread.cli.dumpstatus import Report

    report = Report(wishes.report)
    with report:
        run = prepare(around, names, wishes, out, report)
        return run()


def _again(
    around: Surroundings,
    names: Sequence[str],
    wishes: Wishes,
    out: OutputOptions,
    every: float,
    jitter: float,
    count: int | None,
) -> int:
    """A run for each slot of time, until a signal ends it."""
    from iecread.cli.dumpstatus import Report
    from iecread.cli.slots import slots

    with Report(wishes.report) as report:  # what is wrong is said now, not at night
        run = prepare(around, names, wishes, out, report)
        report.nothing_yet()
    here = f"{report.config}:{wishes.shard}"
    statuses: set[int] = set()
    for slot in slots(around, "run", here, every, jitter, count):
        with Report(wishes.report) as report:
            if statuses:  # the passwords and files of now
                run = prepare(around, names, wishes, out, report)
            report.slot(slot.moment, slot.missed)
            statuses.add(run())
    return common(statuses)


def prepare(
    around: Surroundings,
    names: Sequence[str],
    wishes: Wishes,
    out: OutputOptions,
    report: Any,
) -> Callable[[], int]:
    """See to all that can be seen to before a port is opened.

    Returns:
        What reads the meters; it returns the exit status.

    Raises:
        ConfigError: meters.toml or what it names is wrong.
        OutputError: the rows could not be stored.
        UsageError: the options do not go together.
    """
    from iecread.cli.dumping import Reader
    from iecread.cli.dumpstatus import Status
    from iecread.cli.dumpstore import Stores
    from iecread.config import load_config

    config = load_config(around.config, around.environ)
    report.config = config.path
    profiles = chosen(config, names)
    check(config, profiles)
    if wishes.shard:
        from iecread.fleet import shard_of

        which, parts = wishes.shard
        profiles = [p for p in profiles if shard_of(p.port, parts) == which]
    stores = Stores(around, out, profiles, wishes.metrics)
    reader = Reader(around, stores, wishes)
    tasks, known = reader.tasks(profiles)

    def run() -> int:
        from iecread.cli.recording import troubles
        from iecread.fleet import Fleet

        status = Status(around, len(tasks))
        fleet = Fleet(
            tasks,
            jobs=wishes.jobs,
            on_begin=status.begin,
            on_outcome=status.outcome,
        )
        stores.on_broken_pipe = fleet.stop
        report.source = lambda: _in_order(profiles, known, fleet.outcomes())
        with stores, status:
            for outcome in known:
                status.outcome(outcome)
            fleet.run()
            outcomes = report.source()
            stores.finish(outcomes)
        reader.tell_notes()
        if stores.broken_pipe:
            raise BrokenPipeError
        status.summary(outcomes)
        report.status = exit_status(outcomes)
        for trouble in troubles(around):
            around.note(trouble)
            report.status = report.status or NUMBERS["output"]
        return int(report.status)

    return run


def chosen(config: "Config", names: Sequence[str]) -> "list[Profile]":
    """The meters that were named, in the order of the file; else those enabled.

    Raises:
        ConfigError: there is no such meter.
    """
    from fnmatch import fnmatchcase

    from iecread.errors import ConfigError

    if not names:
        profiles = [p for p in config.meters.values() if p.enabled]
        if not profiles:
            raise ConfigError(
                f"no meter is enabled in {config.path}",
                "iecread meters list shows what there is",
            )
        return profiles
    wanted: set[str] = set()
    for name in names:
        if name in config.meters or not set(name) & set("*?["):
            wanted.add(config.meter(name).name)
            continue
        # A pattern leaves out what is disabled; a name means what it says
        fits = [n for n, p in config.meters.items() if p.enabled]
        fits = [n for n in fits if fnmatchcase(n, name)]
        if not fits:
            raise ConfigError(
                f"no enabled meter fits {name!r} in {config.path}",
                "iecread meters list shows what there is",
            )
        wanted.update(fits)
    return [profile for name, profile in config.meters.items() if name in wanted]


def check(config: "Config", profiles: "Sequence[Profile]") -> None:
    """See whether these meters can be read in one run.

    Raises:
        ConfigFileError: two would answer at once.
    """
    from iecread.config import conflicts
    from iecread.configfaults import ConfigFileError

    if faults := conflicts(profiles):
        raise ConfigFileError(faults)


def exit_status(outcomes: "Sequence[Outcome]") -> int:
    """0 if all is well, the common code if all failed alike, else 3."""
    return common(NUMBERS.get(o.kind, NUMBERS["partial"]) for o in outcomes)


def _in_order(
    profiles: "Sequence[Profile]",
    known: "Sequence[Outcome]",
    read: "Sequence[Outcome]",
) -> "list[Outcome]":
    found = {outcome.meter: outcome for outcome in (*known, *read)}
    return [found[profile.name] for profile in profiles]
