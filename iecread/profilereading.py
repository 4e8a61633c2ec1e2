"""Reading load profiles and event logs: one way after another, till the meter knows it.

A way is a command and a form of the times in its request; makers differ in both.
Rows are handed on as they come, so that a lost line costs only those behind it.  Left
out: the text of a request (profilerequest.py), and what the answers mean
(loadprofile.py, eventlog.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeVar

from iecread.answers import answer_error, nothing_there, told_no
from iecread.protocol.actions import Answered
from iecread.protocol.messages import Command

if TYPE_CHECKING:
    from iecread.devices import DeviceProfile

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

PROFILE_COMMANDS = ("R5", "R6", "R3", "R2")  # 8.1: VDEW's, then other makers'
PART_ROWS = 96  # rows in a partial block of R6: a day of quarter-hours
_PIECE = 1 << 11  # characters decoded at a time: rows are handed on as they come


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for, in whatever way.

    Attributes:
        channel: name of the profile or log as the meter knows it.
        start: end of the first interval, or the first event, aware; None: the oldest.
        end: end of the last one; None: the newest.
        zone: where the meter hangs; None: this computer's zone.
        clock: what its clock follows, see metertime.MeterClock.
        codes: only these columns, where the meter can choose.
        part_rows: rows in a partial block of R6; None: as the meter likes.
    """

    channel: str
    start: datetime | None
    end: datetime | None
    zone: tzinfo | None
    clock: str | timedelta
    codes: Sequence[str] = ()
    part_rows: int | None = None


class Way(NamedTuple):
    """A way to ask for a load profile or a log.

    Attributes:
        name: R1 to R6.
        style: form of the times, one of profilerequest.STYLES.
        season: digit before them, one of profilerequest.SEASONS.
    """

    name: str
    style: str
    season: str

    def command(self, wanted: Wanted) -> Command:
        """Return the command for a range of time, by the meter's zone and clock.

        Raises:
            RequestError: the range ends before it begins, or cannot be asked for.
        """
        from iecread.profilerequest import data_set, operand

        asked = operand(
            wanted.start,
            wanted.end,
            style=self.style,
            season=self.season,
            rows=wanted.part_rows if self.name == "R6" else None,
            zone=wanted.zone,
            clock=wanted.clock,
        )
        text = data_set(wanted.channel, asked, wanted.codes)
        return Command(self.name, text.encode("ascii"))


def ways_to_ask(
    device: DeviceProfile | None,
    commands: Sequence[str] | None,
    style: str | None,
    season: str | None,
) -> list[Way]:
    """Return the ways to ask: what this kind of meter wants goes first."""
    own = []
    if device is not None and (device.profile_command or device.profile_style):
        named = [device.profile_command] if device.profile_command else ()
        own = [
            Way(
                name,
                style or device.profile_style or "vdew",
                season or device.profile_season or "own",
            )
            for name in commands or named or PROFILE_COMMANDS
        ]
    others = [
        Way(name, style or "vdew", season or "own")
        for name in commands or PROFILE_COMMANDS
    ]
    return list(dict.fromkeys([*own, *others]))


class Decoder(Protocol[T_co]):
    """What turns the text of answers into rows or events."""

    def feed(self, text: str) -> Iterable[T_co]:
        """Take a piece of an answer."""

    def finish(self, *, ended: bool) -> Iterable[T_co]:
        """Say that the answer ends here, and whether it is whole."""


def entries(
    parts: Callable[[Command], Iterator[str | Answered]],
    ways: list[Way],
    wanted: Wanted,
    decoder: Decoder[T],
    what: str,
) -> Iterator[T]:
    """Ask for one range and yield what comes, where the meter refuses in the next way.

    Args:
        parts: sends a command and yields the text of each block, at last what went
            wrong.
        ways: those to try; only the one that the meter knows is kept.
        wanted: what is asked for.
        decoder: what makes rows or events of the answers.
        what: what it is, for an error.

    Raises:
        RefusedError: the meter does not know it, or forbids it.
        RemoteProtocolError: an answer stayed damaged; what came before was yielded.
        NoAnswerError: the meter fell silent; the same.
    """
    while True:
        refused = None
        for part in parts(ways[0].command(wanted)):
            if isinstance(part, Answered):
                refused = part
            else:
                for at in range(0, len(part), _PIECE):
                    yield from decoder.feed(part[at : at + _PIECE])
        empty = refused is not None and nothing_there(refused)
        yield from decoder.finish(ended=refused is None or empty)
        if refused is None:
            del ways[1:]
            return
        if empty:
            return  # VDEW: no rows in this range
        if not told_no(refused) or len(ways) == 1:
            raise answer_error(refused, what)
        ways.pop(0)
