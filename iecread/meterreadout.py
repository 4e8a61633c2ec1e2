"""What is read of a meter without a session: who it is, its readout, its telegrams.

The bytes that the engine accepted go through the same decoder as a saved file, so that
a live readout and `decode` can never differ.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from iecread.engineoptions import parity_plan
from iecread.errors import CheckError, IecReadError, RefusedError
from iecread.meterline import MeterLine
from iecread.protocol.actions import (
    BlockReceived,
    Identified,
    LineReceived,
    Retried,
)
from iecread.protocol.listener import PUSH_SPEEDS, ListenEngine, heard
from iecread.protocol.messages import Identification, error_text
from iecread.protocol.reader import ReaderEngine
from iecread.protocol.timing import Timing

if TYPE_CHECKING:  # imported where used: the first byte leaves before they are needed
    from iecread.identity import Identity
    from iecread.lis200.address import AddressPattern
    from iecread.obis import Pattern
    from iecread.protocol.telegrams import Telegram
    from iecread.readings import Readout

_ADDRESSES = re.compile(rb"([^()]+)\(")


class ReadoutMeter(MeterLine):
    """A meter on a line, as far as it speaks without being programmed."""

    def readout(self, only: Sequence[str] = ()) -> Readout:
        """Read all that the meter offers in its data readout (6.3.4).

        In mode D it waits for one telegram.

        Args:
            only: keep these codes; where no block check vouches for the data, the
                reading ends as soon as all of them have come.

        Raises:
            NoAnswerError: the meter is silent, or fell silent; ``readout`` of the
                error holds what could be read without a block check.
            RemoteProtocolError: what came stayed damaged.
            RefusedError: the meter said no.
            CheckError: it is another meter than ``expect_serial`` names.
            PortError: the line was lost.
            ValueError: ``only`` has something that is no code.
        """
        wanted = _patterns(only)
        self._begin()
        if self.options.mode == "d":
            return self._select(next(self._telegrams(self._patience)), wanted)
        engine = self._reader()
        engine.start(self._start)
        missing = list(wanted)
        head = b""
        blocks: list[bytes] = []
        try:
            for event in self._events(engine):
                if isinstance(event, Identified):
                    head = event.raw
                    if head[-1:] not in (b"\r", b"\n", b"\x8d"):
                        head += b"\n"  # a lost line end must not join the data
                    blocks, missing = [], list(wanted)
                elif isinstance(event, BlockReceived):
                    blocks.append(event.data)
                elif isinstance(event, LineReceived) and wanted and not engine.checked:
                    codes = _codes(event.text)
                    missing = [p for p in missing if not any(map(p.matches, codes))]
                    if not missing:
                        engine.end()
                        blocks.append(engine.unchecked())
        except IecReadError as error:
            blocks = blocks or [engine.unchecked()]
            if head and any(blocks):
                error.readout = self._readout(engine, head + b"".join(blocks))
            raise
        self.data = head + b"".join(blocks)
        self._learn(engine)
        result = self._readout(engine, self.data)
        self._check(result)
        return self._select(result, wanted)

    def identify(self) -> Identity:
        """Ask who is there, and no more; in mode D wait for one telegram.

        Nothing but opening requests is sent.  An answer that came damaged is asked
        for again.  It returns when the meter listens again, unless that talks on.

        Raises:
            NoAnswerError: the meter is silent.
            RemoteProtocolError: what came is no identification.
            PortError: the line was lost.
        """
        self._begin()
        if self.options.mode == "d":
            return self._heard_telegram(next(self._telegrams(self._patience)))
        found, requests = self.ask(), 0
        for _ in range(self.options.retries):
            if found.clean or found.talks:
                break
            requests += found.requests
            again = self.ask()
            if again.clean or again.damaged <= found.damaged:
                found = again
        return replace(found, requests=requests + found.requests)

    def ask(
        self,
        *,
        until_quiet: bool = False,
        quiet: float = 0.0,
        answer: float | None = None,
        **changes: object,
    ) -> Identity:
        """Send an opening request until somebody answers (6.3.1, 6.3.2).

        Args:
            until_quiet: whether to wait, behind the answer, until the line is quiet,
                however long the meter talks on; else until it listens again or
                begins to talk.
            quiet: seconds for which the line must have been quiet before.
            answer: seconds in which an answer must begin, latency of the line aside,
                where no timeout is said.
            **changes: attributes of ReaderOptions, in place of what the options say.

        Raises:
            the errors of ``identify``.
        """
        from iecread.identity import Identity
        from iecread.protocol.identify import IdentifyEngine, damaged

        start = self._tape.moment().seconds
        options = replace(self._reader_options(), **changes)  # type: ignore[arg-type]
        if answer is not None and self.options.timeout is None:
            patience = replace(options.timing, request_answer=answer + self.latency)
            options = replace(options, timing=patience)
        engine = IdentifyEngine(options, until_quiet=until_quiet, quiet=quiet)
        engine.speed = self._line_speed
        engine.start(start)
        raw, noise = b"", 0
        for event in self._events(engine):
            if isinstance(event, Identified):
                raw, noise, moment = event.raw, engine.noise, self.now()
        assert engine.identification is not None  # else there was an error
        if not changes:
            self._learn(engine)
        return Identity(
            engine.identification,
            self.port,
            self.options.meter,
            options.request.address,
            moment,
            round(self._tape.moment().seconds - start, 2),
            opening_speed=options.opening_speed,
            parity=engine.parity,
            characters=len(raw),
            damaged=damaged(raw, engine.parity),
            noise=noise,
            echo=engine.echo,
            parity_sought=engine.asked_with is not options.send_parity[0],
            requests=engine.requests,
            woken=engine.woken,
            answer=None if engine.answer is None else round(engine.answer, 3),
            others=engine.others,
            crowded=engine.crowded,
            talks=engine.talks,
            at_once=engine.at_once,
            unasked=engine.unasked,
            device=self.device,
        )

    def _heard_telegram(self, readout: Readout) -> Identity:
        """The head of a telegram."""
        from iecread.devices import facts
        from iecread.identity import Identity

        head = Identification(readout.identification or "")
        return Identity(
            head,
            self.port,
            self.options.meter,
            "",
            readout.time or self.now(),
            readout.seconds or 0.0,
            unasked=True,
            opening_speed=readout.speed or self.opening_speed,
            characters=len(head.text),
            device=facts(self.options.device, head),
        )

    def listen(self) -> Iterator[Readout]:
        """Yield each telegram of a meter that talks by itself (6.4.4, P1).

        Ends never by itself; close the iterator or the meter.  Telegrams whose check
        is wrong are left out.

        Raises:
            RemoteProtocolError: what comes is another protocol.
            PortError: the line was lost.
            CheckError: it is another meter than ``expect_serial`` names.
        """
        self._begin()
        yield from self._telegrams(self.options.timeout)

    # --- inside --------------------------------------------------------------

    @property
    def _patience(self) -> float:
        return self.options.timeout or Timing().telegram * (
            1 if self.options.baud else len(PUSH_SPEEDS)
        )

    def _telegrams(self, patience: float | None) -> Iterator[Readout]:
        baud, kind = self.options.baud, self._open_transport().kind
        engine = ListenEngine(
            (baud,) if baud else self._push_speeds,
            patience=patience,
            receive_parity=parity_plan(self.options.framing, kind)[1],
            check=self.options.bcc,
        )
        engine.start(self._start)
        for event in self._events(engine):
            if isinstance(event, Retried) and self.on_warning:
                self.on_warning(f"{event.trouble.value}: {event.step}")
            elif isinstance(event, BlockReceived):
                others = (speed for speed in PUSH_SPEEDS if speed != engine.speed)
                self._push_speeds = (engine.speed, *others)
                self.data = event.data
                result = self._readout(engine, self.data)
                self._check(result)
                yield result

    def _readout(self, engine: ReaderEngine | ListenEngine, data: bytes) -> Readout:
        from iecread.protocol.telegrams import decode
        from iecread.readings import readout

        now, seconds = self._tape.moment()
        with self.computing:
            telegrams = decode(data, check=self.options.bcc, parity=engine.parity)
            listened = isinstance(engine, ListenEngine)
            return readout(
                heard(telegrams) if listened else _whole(telegrams),
                time=now,
                meter=self.options.meter,
                port=self.port,
                speed=engine.data_speed,
                seconds=round(seconds - self._start, 2),
                timezone=self.options.timezone,
                mode=engine.mode,
                serial_registers=self._serial_registers,
            )

    @property
    def _serial_registers(self) -> Sequence[str] | None:
        """Of the device profile that was named; None: as the identification tells."""
        if self.options.device == "auto":
            return None
        return self.device.serial if self.device else ()

    def _check(self, result: Readout) -> None:
        if len(result.registers) == 1 and not result.registers[0].register:
            refusal = error_text(result.registers[0].raw)
            if refusal:
                raise RefusedError(f"the meter refused the readout: {refusal!r}")
        self.demand_serial(result.serial)

    def demand_serial(self, found: str | None) -> None:
        """Say no where another meter answered than was expected.

        Args:
            found: its number; None: it told none.

        Raises:
            CheckError: it is not the one that ``expect_serial`` names.
        """
        expected = self.options.expect_serial
        if expected is None:
            return
        if (found or "").lstrip("0") != expected.strip().lstrip("0"):
            raise CheckError(
                f"this is meter {found!r}, not {expected!r}",
                "check which meter the head is on, or expect-serial",
            )

    @staticmethod
    def _select(result: Readout, wanted: Sequence[Pattern | AddressPattern]) -> Readout:
        if not wanted:
            return result
        kept = tuple(
            reading
            for reading in result.registers
            if any(pattern.matches(reading.register) for pattern in wanted)
        )
        return replace(result, registers=kept)


def _patterns(codes: Sequence[str]) -> list[Pattern | AddressPattern]:
    if not codes:
        return []
    from iecread.selection import pattern

    return [pattern(code) for code in codes]


def _codes(line: bytes) -> list[str]:
    return [found.decode("latin-1").strip() for found in _ADDRESSES.findall(line)]


def _whole(telegrams: list[Telegram]) -> Telegram:
    """The telegram that holds the readout: there is one, unless data look odd."""
    return max(telegrams, key=lambda telegram: len(telegram.data_sets))
