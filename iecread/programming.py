"""A session in programming mode, with all that can be done in one.

``Programming`` is what ``Meter.programming`` gives.  How it begins, ends and reads
registers is in registersession.py, how it changes them in changes.py; here are the
load profile, event logs and the clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta, tzinfo
from typing import TYPE_CHECKING

from iecread.changes import ChangeSession
from iecread.errors import RefusedError
from iecread.profilereading import PART_ROWS, Wanted, entries, ways_to_ask

if TYPE_CHECKING:
    from iecread.clock import ClockReading, Drift
    from iecread.eventlog import Event, EventDecoder
    from iecread.loadprofile import ProfileDecoder
    from iecread.metertime import MeterClock
    from iecread.rows import Row


class Programming(ChangeSession):
    """A session in programming mode; made by ``Meter.programming``.

    Attributes:
        operand: what the meter put into P0; None where it sent none.
        read_styles: commands and counts to read with, the first that works is kept.
        write_command: W1 to W5.
        device: the device profile of the meter, once it is known which one.
    """

    # --- load profiles and logs ----------------------------------------------

    @property
    def profile_channel(self) -> str:
        """Name of the meter's load profile, where nobody says another one."""
        return (self.device and self.device.profile_channel) or "P.01"

    @property
    def status_table(self) -> str:
        """Table of its status words, see statuswords.TABLES."""
        return (self.device and self.device.status) or "vdew"

    def load_profile(
        self,
        channel: str | None = None,
        start: datetime | None = None,
        end: datetime | None = None,
        *,
        zone: tzinfo | None = None,
        clock: str | timedelta = "local",
        decoder: ProfileDecoder | None = None,
        commands: Sequence[str] | None = None,
        style: str | None = None,
        season: str | None = None,
        step: timedelta | None = timedelta(days=1),
        codes: Sequence[str] = (),
    ) -> Iterator[Row]:
        """Read a load profile, a chunk of the range at a time, and yield its rows.

        Args:
            channel: name of the profile as the meter knows it.  What is None here or
                in commands, style and season is as the device profile says; where the
                meter refuses that, and where there is none, P.01 by the commands of
                VDEW and others.
            start: end of the first interval that is wanted, aware; None: the oldest.
            end: end of the last one; None: the newest.
            zone: where the meter hangs; None: this computer's zone.
            clock: what its clock follows, see metertime.MeterClock.
            decoder: turns answers into rows and gathers gaps and problems; hand in
                one to see these.
            commands: commands to read with, in the order to try.
            style: form of the times in the request, one of profilerequest.STYLES.
            season: digit before them, one of profilerequest.SEASONS.
            step: how long a range one request asks for; None: all at once.  Only
                where start and end are given.
            codes: only these columns, where the meter can choose.

        Raises:
            RefusedError: the meter does not know the profile, or forbids it.
            RemoteProtocolError: an answer stayed damaged; rows before it were yielded.
            NoAnswerError: the meter fell silent; rows before it were yielded.
            RequestError: the range ends before it begins, or cannot be asked for.
        """
        from iecread.loadprofile import ProfileDecoder
        from iecread.profilerequest import chunks

        channel = channel or self.profile_channel
        if decoder is None:
            decoder = ProfileDecoder(
                zone, clock, channel=channel, table=self.status_table
            )
        ranges: Iterable[tuple[datetime | None, datetime | None]] = [(start, end)]
        if start is not None and end is not None and step is not None:
            ranges = chunks(start, end, step, zone=zone, clock=clock)
        ways = ways_to_ask(self.device, commands, style, season)
        for first, last in ranges:
            wanted = Wanted(channel, first, last, zone, clock, codes, PART_ROWS)
            yield from entries(
                self._parts, ways, wanted, decoder, f"load profile {channel}"
            )

    def events(
        self,
        channel: str = "P.98",
        start: datetime | None = None,
        end: datetime | None = None,
        *,
        zone: tzinfo | None = None,
        clock: str | timedelta = "local",
        decoder: EventDecoder | None = None,
        commands: Sequence[str] | None = None,
        style: str | None = None,
        season: str | None = None,
    ) -> Iterator[Event]:
        """Read an event log and yield its entries.

        Args and errors are those of ``load_profile``.
        """
        from iecread.eventlog import EventDecoder

        if decoder is None:
            decoder = EventDecoder(zone, clock, table=self.status_table)
        ways = ways_to_ask(self.device, commands, style, season)
        wanted = Wanted(channel, start, end, zone, clock)
        yield from entries(self._parts, ways, wanted, decoder, f"event log {channel}")

    # --- clock ---------------------------------------------------------------

    def clock(
        self,
        registers: Sequence[str] | None = None,
        *,
        clock: MeterClock | None = None,
    ) -> tuple[ClockReading, Drift]:
        """Read the meter's clock and compare it with this computer's.

        Args:
            registers: those of date and time, the time last; or one of both.  None:
                as the device profile says, else the first that the meter knows.
            clock: what the meter's clock follows; None: this computer's zone.

        Raises:
            RefusedError: there are no such registers.
            CheckError: they show no possible time.
            NoAnswerError, RemoteProtocolError: as for ``read``.
        """
        from iecread.clock import ClockReading, drift
        from iecread.metertime import MeterClock

        if registers is None:
            return self._any_clock(clock)
        meter_clock = clock or MeterClock()
        for _ in range(3):
            values = {}
            for register in registers:
                asked = self._now()
                values[register] = self.read(register).raw
                answered = self._now()
            reading = ClockReading.parse(values)
            if not reading.doubtful:
                break
        moment = reading.at(answered, meter_clock)
        return reading, drift(moment, asked, answered, reading.resolution)

    @property
    def clock_registers(self) -> Sequence[Sequence[str]]:
        """Registers of clocks, those of this kind of meter first."""
        from iecread.clock import CLOCK_REGISTERS

        own = self.device.clock if self.device else ()
        others = (names for names in CLOCK_REGISTERS if names != own)
        return (own, *others) if own else CLOCK_REGISTERS

    def _any_clock(self, clock: MeterClock | None) -> tuple[ClockReading, Drift]:
        refused: RefusedError | None = None
        for registers in self.clock_registers:
            try:
                return self.clock(registers, clock=clock)
            except RefusedError as error:
                refused = refused or error
                if self.ended:
                    break
        assert refused is not None
        raise refused
