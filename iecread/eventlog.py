"""Event logs P.97, P.98, P.99, P.200 and their like (protocol.md 8.4).

An event has four brackets, time, status, an unused one and a number k, and then k
pairs of code and unit and k values, on the same line or on following ones.  Values
stay text: they are clock readings and numbers of events, not measurements.  Words
come from the status bits and, for makers that number their events, from the value
behind C.11.0.  The power failure log of P1 meters (``99.97.0``: count, object, pairs
of time and duration) is read as well.

Left out on purpose: which of two clock readings is the old one (makers differ).
"""

import re
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta, tzinfo
from typing import NamedTuple

from iecread import obis
from iecread.blocktext import (
    Problem,
    WholeLines,
    channel_of,
    contents,
    is_channel,
    refusal,
)
from iecread.errors import RemoteProtocolError
from iecread.metertime import MeterClock, read_stamp
from iecread.protocol.datasets import Cut, DataSet, cut
from iecread.statuswords import names, status_table, status_value

_MOST_ELEMENTS = 99
_NUMBER = re.compile(r"[0-9]{1,3}")


class Element(NamedTuple):
    """Something attached to an event.

    Attributes:
        code: what it is; empty where the meter does not say.
        unit: None where there is none.
        value: as sent; None where it is empty or missing.
    """

    code: str
    unit: str | None
    value: str | None


class Event(NamedTuple):
    """One entry of a log.

    Attributes:
        time: aware, with a fixed offset; None where the stamp is no possible time.
        stamp: the time as sent.
        channel: the log, ``P.98``.
        status: the status word as sent, hexadecimal; empty where there is none.
        words: names of its bits and of the event number, as far as the table knows.
        elements: what is attached.
        flags: ``incomplete``: the answer breaks off within it; ``unchecked`` and
            ``malformed`` as for a register of a readout.
    """

    time: datetime | None
    stamp: str
    channel: str
    status: str
    words: tuple[str, ...]
    elements: tuple[Element, ...]
    flags: tuple[str, ...] = ()


class EventDecoder:
    """Turns the answers to a request for a log into events.

    Args:
        zone: where the meter hangs; None: the zone of this computer.
        clock: what its clock follows, see ``MeterClock``.
        table: names of the status bits, see ``statuswords``.

    Attributes:
        problems: what could not be used.
        text: what is no part of a log, as sent.
        refusal: the error text of the meter, empty if there was none.
        events: how many were decoded.

    Raises:
        ValueError: no such clock or table.
    """

    def __init__(
        self,
        zone: tzinfo | None = None,
        clock: str | timedelta = "local",
        *,
        table: str = "vdew",
    ) -> None:
        self.problems: list[Problem] = []
        self.text: list[str] = []
        self.refusal = ""
        self.events = 0
        self._clock = MeterClock(zone, clock)
        self._table = status_table(table)
        self._lines = WholeLines()
        self._marks: tuple[str, ...] = ()
        self._cut_off = False
        self._checked = True
        self._channel = ""
        self._parts: list[str] = []  # brackets of an event that is not whole yet

    def feed(self, text: str | bytes, *, checked: bool = True) -> list[Event]:
        """Take a piece of what stands between STX and ETX or EOT.

        Args:
            text: cut anywhere; bytes without their parity bit.
            checked: whether a block check vouches for it.

        Returns:
            The events that are whole now.
        """
        self._checked = checked
        return list(self._take_lines(self._lines.push(text)))

    def feed_data_sets(self, data_sets: Iterable[DataSet]) -> list[Event]:
        """Take data sets."""
        return [event for data_set in data_sets for event in self._take(data_set)]

    def finish(self, *, ended: bool = True) -> list[Event]:
        """Say that the answer ends here; the next one may follow.

        Args:
            ended: whether its end was seen.

        Returns:
            The events that were left, the last perhaps incomplete.
        """
        rest = self._lines.rest()
        whole = rest.rfind(")") + 1
        if "(" in rest[whole:]:
            self._cut_off = True
            rest = rest[:whole]
        events = [*self._take_lines(rest), *self._close()]
        self._cut_off |= not ended
        return events

    @property
    def complete(self) -> bool:
        """Whether every answer was whole and every part of it was understood."""
        return not self._cut_off and not self.problems

    def error(self) -> RemoteProtocolError | None:
        """What is wrong with the answers, as an error to raise; None if nothing."""
        if self.problems:
            problem = self.problems[0]
            message = f"event log: {problem.message} ({problem.text[:60]!r})"
        elif self._cut_off:
            message = "event log: the answer breaks off"
        else:
            return None
        return RemoteProtocolError(message, "ask again for the events that are missing")

    def _take_lines(self, lines: str) -> Iterator[Event]:
        found = Cut()
        cut(lines, self._checked, found)
        for data_set in found.data_sets:
            yield from self._take(data_set)
        for text in found.text:
            if "(" in text or ")" in text:
                self.problems.append(Problem("line is damaged", text))
            else:
                self.text.append(text)

    def _take(self, data_set: DataSet) -> Iterator[Event]:
        address = data_set.address
        parts = contents(data_set.brackets)
        if address:
            yield from self._close()
            said = refusal(parts)
            if said is not None and (said or is_channel(address)):
                self.refusal = self.refusal or said
            elif read_stamp(parts[0]) or is_channel(address):
                self._channel = channel_of(address)
                self._parts = parts
            else:
                self.text.append(address + data_set.brackets)
                return
        elif self._parts:
            self._parts += parts
        else:
            said = refusal(parts)
            if said is None:
                self.problems.append(Problem("line without an event", "".join(parts)))
            else:
                self.refusal = self.refusal or said
            return
        self._marks = () if data_set.checked else ("unchecked",)
        if data_set.malformed:
            self._marks = (*self._marks, "malformed")

    def _close(self) -> Iterator[Event]:
        """The event is over: the next begins, or the answer ends."""
        parts, self._parts = self._parts, []
        if not parts:
            return
        p1 = len(parts) > 1 and obis.parse(parts[1]) is not None
        for event in self._power_failures(parts) if p1 else [self._event(parts)]:
            self.events += 1
            yield event

    def _event(self, parts: list[str]) -> Event:
        stamp, status, _, number = (*parts, "", "", "", "")[:4]
        number = number.strip(" ") or "0"
        rest = parts[4:]
        elements: list[Element] = []
        flags = self._marks
        if not _NUMBER.fullmatch(number) or int(number) > _MOST_ELEMENTS:
            self._problem("event with an odd number of elements", parts)
            elements = [Element("", None, part or None) for part in rest]
        else:
            elements, whole = _elements(rest, int(number))
            if not whole:
                self._problem(f"event of {number} elements has another length", parts)
                if len(rest) < 3 * int(number):
                    flags = ("incomplete", *flags)
        return Event(
            self._time(stamp, parts),
            stamp,
            self._channel,
            status,
            self._words(status, elements),
            tuple(elements),
            flags,
        )

    def _power_failures(self, parts: list[str]) -> Iterator[Event]:
        """The log of P1 meters: count, object, then times and durations."""
        for at in range(2, len(parts) - 1, 2):
            duration, _, unit = parts[at + 1].partition("*")
            element = Element(parts[1], unit or None, duration or None)
            time = self._time(parts[at], parts)
            yield Event(time, parts[at], self._channel, "", (), (element,), self._marks)

    def _time(self, text: str, parts: list[str]) -> datetime | None:
        stamp = read_stamp(text)
        if stamp is None:
            self._problem("event without a possible time", parts)
            return None
        return self._clock.instant(stamp)

    def _words(self, status: str, elements: list[Element]) -> tuple[str, ...]:
        found = names(status_value(status) or 0, self._table)
        for code, _, value in elements:
            known = obis.parse(code)
            if known and known[2:4] == (96, 11) and not known.e and value:
                number = int(value) if _NUMBER.fullmatch(value) else -1
                name = self._table.numbers.get(number)
                found += (name,) if name else ()
        return found

    def _problem(self, message: str, parts: list[str]) -> None:
        self.problems.append(Problem(message, "".join(f"({part})" for part in parts)))


def _elements(rest: list[str], number: int) -> tuple[list[Element], bool]:
    """The elements of an event, and whether all of it was there."""
    if len(rest) == number and not (rest and obis.parse(rest[0])):  # no codes
        return [Element("", None, value or None) for value in rest], True
    pairs, values = rest[: 2 * number], rest[2 * number : 3 * number]
    more = rest[3 * number :]
    pairs += [""] * (len(pairs) % 2)
    found = []
    for at in range(0, len(pairs), 2):
        value = values[at // 2] if at // 2 < len(values) else None
        found.append(Element(pairs[at], pairs[at + 1] or None, value or None))
    found += [Element("", None, value or None) for value in more]
    return found, len(rest) == 3 * number
