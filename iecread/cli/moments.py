"""Times on the command line: ISO, back from now, and a few words.

They are checked while the line is parsed and become points in time when the meter's
zone is known: a time without an offset is one of the meter's clock.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from iecread import settings
from iecread.cli.command import F, option, together
from iecread.cli.exitcodes import UsageError
from iecread.errors import OutputError
from iecread.settings import LONGEST_AGO

if TYPE_CHECKING:
    from datetime import tzinfo

    from iecread.cli.target import Target
    from iecread.metertime import MeterClock


_CLOSE = timedelta(days=1)


class Moment(click.ParamType[str]):
    """``2026-11-01``, ``2026-11-01T12:00+01:00``, ``-24h``, ``today``, ``now``.

    Args:
        words: further words that are allowed.
    """

    name = "when"

    def __init__(self, *words: str) -> None:
        self._words = (*settings.MOMENTS, *words)

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        return "WHEN"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> str:
        try:
            return settings.moment(value, self._words)
        except ValueError as error:
            self.fail(str(error), param, ctx)


def range_options(
    section: str, row: str, *, start: str | None = None, end: str | None = None
) -> Callable[[F], F]:
    """``--from``, which the command gets as ``from_``, and ``--to``.

    Args:
        section: where the help shows them.
        row: what the range is a range of.
        start: default of ``--from``; None: the oldest.
        end: default of ``--to``; None: the newest.
    """
    oldest = "" if start else "  [default: the oldest]"
    return together(
        option(
            section,
            "--from",
            "from_",
            type=Moment("last"),
            default=start,
            help="ISO, -24h, today, yesterday; last: behind the newest "
            f"{row} in -o FILE.{oldest}",
        ),
        option(
            section,
            "--to",
            type=Moment(),
            default=end,
            help=f"The same.  [default: {end or 'the newest'}]",
        ),
    )


def resolve(text: str, now: datetime, clock: "MeterClock") -> datetime:
    """Return the point in time that ``text`` means.

    Args:
        text: as ``Moment`` let it pass.
        now: with offset.
        clock: the meter's; its midnight is where a day begins.
    """
    from iecread.metertime import Stamp

    if text == "now":
        return now
    if text in ("today", "yesterday"):
        wall = clock.stamp(now).wall.replace(hour=0, minute=0, second=0, microsecond=0)
        back = timedelta(days=text == "yesterday")
        return clock.instant(Stamp(wall - back, None))
    if text.startswith("-"):
        return now - timedelta(seconds=settings.duration(text[1:], LONGEST_AGO))
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else clock.instant(Stamp(moment, None))


def in_order(first: datetime | None, last: datetime | None, now: datetime) -> None:
    """Say no to a range that is empty or lies in the future.

    Raises:
        UsageError: it does.
    """
    if first is not None and first > now:
        raise UsageError(
            f"the range begins in the future: {first.isoformat(timespec='minutes')}",
            "times without offset are those of the meter's clock, see --timezone",
        )
    if first is not None and last is not None and first >= last:
        times = [time.isoformat(timespec="minutes") for time in (first, last)]
        raise UsageError(f"the range is empty: from {times[0]} to {times[1]}")


def is_ahead(newest: datetime | None, now: datetime, file: str) -> bool:
    """Whether a file that is gone on with has rows up to now or later.

    A clock may differ a little; one that was set back far would have nothing read
    until it is there again.

    Args:
        newest: where the rows end; None if there are none.
        now: with offset.
        file: its name.

    Raises:
        OutputError: it has rows of another day to come.
    """
    if newest is None or newest < now:
        return False
    if newest - now > _CLOSE:
        then, today = (t.isoformat(timespec="minutes") for t in (newest, now))
        raise OutputError(
            f"{file!r} has rows up to {then}, and now it is {today}: a clock was set "
            "back",
            "set the clock of this computer; if it is right, name another file",
        )
    return True


class Times(NamedTuple):
    """What times on the command line are reckoned by.

    Attributes:
        zone: where the meter hangs; None: as this computer.
        clock: what the meter's clock follows.
        now: with offset.
        watch: the meter's clock.
    """

    zone: "tzinfo | None"
    clock: str
    now: datetime
    watch: "MeterClock"


def times_of(meant: "Target", clock: str) -> Times:
    """The times of a meter.

    Args:
        meant: the meter.
        clock: what ``--clock`` says.
    """
    from iecread.cli.target import chosen
    from iecread.metertime import MeterClock

    clock = chosen(meant, "clock", clock)
    zone = zone_of(meant.options.get("timezone"))
    return Times(zone, clock, meant.now(), MeterClock(zone, clock))


def zone_of(name: str | None) -> "tzinfo | None":
    """The time zone of that name; None for none.

    Args:
        name: an IANA name that was checked.
    """
    if name is None:
        return None
    from zoneinfo import ZoneInfo

    return ZoneInfo(name)
