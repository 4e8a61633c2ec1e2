"""A session with a LIS-200 device: values, attributes, changes, clock.

``Lis200`` is what ``Meter.lis200`` gives, and the command line where it recognises
such a device.  A value that may not be read opens the lock of ``key``, once; a change
opens it before.  Writes go the way of programming mode: planned, shown, journalled,
read back.  Locks are those of ``lis200locks``; archives are read by ``archives``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta, tzinfo
from typing import TYPE_CHECKING

from iecread.changes import Change, change_error
from iecread.errors import (
    CheckError,
    ConfigError,
    IecReadError,
    PortError,
    RefusedError,
)
from iecread.lis200.address import CODE, STATE, Address, echo_of
from iecread.lis200.attributes import ACCESS, attributes_of
from iecread.lis200.device import Family
from iecread.lis200.errors import (
    LOCKED,
    NO_READ_RIGHT,
    NO_WRITE_RIGHT,
    NOT_FITTED,
    Lis200Refused,
    describe,
    error_number,
)
from iecread.lis200.locks import access, access_in_words, lock_name
from iecread.lis200.values import escape, unescape, unit_text
from iecread.lis200asking import CLOCK, told
from iecread.lis200locks import LockSession
from iecread.masking import holds_key
from iecread.protocol.actions import Answered, AnswerKind
from iecread.protocol.datasets import Group, is_number
from iecread.protocol.messages import Command
from iecread.quantities import Quantity, address_of, quantity
from iecread.readings import Reading, own_number

if TYPE_CHECKING:
    from iecread.archiverows import Record
    from iecread.archives import ArchiveReader
    from iecread.clock import ClockReading, Drift
    from iecread.metertime import MeterClock

_LONGEST = 128  # characters of a value (6.6)
_RIGHT = (NO_READ_RIGHT, NO_WRITE_RIGHT, LOCKED)
# 5.1: a wrong value cuts the link
_INTERFACE = frozenset((0x704, 0x705, 0x707, 0x708, 0x70A, 0x70E, 0x720))
# 13.4: what erases, resets, moves the valve, or is for the manufacturer
_BK_DANGER = frozenset((0x130, 0x131, 0xA52))
_BK_SINGLE = frozenset(((7, 0x229), (7, 0x230), (1, 0x195)))
_LOCKS = {"C": 1, "S": 3, "K": 4, "R": 5}


class Lis200(LockSession):
    """A session with a LIS-200 device; made by ``Meter.lis200``.

    Attributes:
        force: whether to write what may cut the link, erase, or reset.
    """

    force = False

    _reopened = False  # a lock closed by itself and was opened again
    _looked = False  # whether the lock was looked at for a write

    # --- reading -------------------------------------------------------------

    def read_all(self, code: str, count: str | None = None) -> tuple[Reading, ...]:
        """Read one value.

        Args:
            code: its address, ``7:310`` or ``7:310.2``, or its name in this family.
            count: of no meaning here; what stands in the brackets is always 1.

        Returns:
            The readings of the answer, mostly one.  ``unit`` and ``value`` are as they
            are meant, ``groups`` as sent.  The code of a lock is blanked.

        Raises:
            Lis200Refused: the device does not have it, or a lock is wanted.
            NoAnswerError: the device fell silent.
            RemoteProtocolError: the answer stayed damaged.
            ConfigError: it is neither an address nor a name.
        """
        address = address_of(code, self.gas_device)
        if address.is_archive and address.attribute in ("0", "A"):
            raise ConfigError(
                f"{address} is an archive, not a value",
                f"iecread archive TARGET {address.entity} reads it",
            )
        got = self._value(address)
        if got.kind is not AnswerKind.DATA:
            raise self._refused(got, address, writing=False)
        return self._meant(address, self._readings(str(address)))

    def read_serial(self) -> str | None:
        """Read the device's own number; None where it has none.

        Raises:
            the errors of ``read_all``: whoever may not read it may read nothing.
        """
        try:
            reading = self.read_all(self.serial_registers[0])[0]
        except Lis200Refused as error:
            if error.number in NOT_FITTED:
                return None
            raise
        return own_number(reading.raw) or None

    def attributes(self, code: str) -> tuple[Reading, ...]:
        """Read all attributes that a value has; the value comes first.

        Raises:
            the errors of ``read_all``; an attribute that does not exist is left out.
        """
        address = address_of(code, self.gas_device).with_attribute("0")
        found: list[Reading] = []
        for attribute in attributes_of(self.gas_device):
            one = address.with_attribute(attribute)
            got = self._value(one)
            if got.kind is AnswerKind.DATA:
                found += self._meant(one, self._readings(str(one)))
            elif got.kind is not AnswerKind.ERROR or not found and attribute == "0":
                raise self._refused(got, one, writing=False)
        return tuple(found)

    def _value(self, address: Address) -> Answered:
        """Ask for a value; a lock is opened for it if there is a key."""
        got = self.request(address)
        if error_number(got.text) == NO_READ_RIGHT and got.kind is AnswerKind.ERROR:
            if self._open_to_read():
                got = self.request(address)
        return got

    def _open_to_read(self) -> bool:
        """Open the lock of ``key``; once more where it has closed by itself."""
        key = self.key
        if key is None:
            return False
        if key.lock in self._ours:
            if self._reopened:
                return False
            self._reopened = True
        return self.unlock()

    def _meant(
        self, address: Address, readings: Sequence[Reading]
    ) -> tuple[Reading, ...]:
        """What readings say, in the device's own terms."""
        known = quantity(address, self.gas_device)
        page = self.gas_device.page
        found = []
        for reading in readings:
            value, unit = reading.value, reading.unit
            if isinstance(value, str):
                value = unescape(value, page).strip(" ") or None
            unit = None if unit is None else unit_text(unit, page)
            reading = reading._replace(obis=None, value=value, unit=unit)
            if address.object == CODE and address.attribute == "0":
                reading = _blanked(reading)
            name = self._name_for(address, known, reading.raw)
            found.append(reading._replace(name=name))
        return tuple(found)

    def _name_for(
        self, address: Address, known: Quantity | None, raw: str
    ) -> str | None:
        meaning = known.meaning if known else None
        if address.attribute == "0" or address.is_archive:
            return meaning
        what = attributes_of(self.gas_device).get(
            address.attribute, f"attribute {address.attribute}"
        )
        if address.attribute == ACCESS and (words := access_in_words(raw)):
            what += f" ({words})"
        return f"{meaning}: {what}" if meaning else what

    # --- archives ------------------------------------------------------------

    @property
    def type_text(self) -> str:
        """The type of the device, ``EK260``; empty where it is not known."""
        return self.gas_device.type

    @property
    def is_bk(self) -> bool:
        """Whether it is a BK meter, with archives and manners of its own."""
        return self.gas_device.family is Family.BK

    def archive(
        self,
        archive: int | str,
        start: datetime | None = None,
        end: datetime | None = None,
        *,
        zone: tzinfo | None = None,
        clock: str | timedelta = "local",
        columns: Sequence[str] = (),
        intervals: bool = False,
        reader: ArchiveReader | None = None,
    ) -> Iterator[Record]:
        """Read an archive and yield its records while they arrive.

        Args:
            archive: number, or a name such as ``month``, ``period`` or ``events``.
            start: time of the first record, aware; None: the oldest.
            end: time of the last one, aware; None: the newest.
            zone: where the device stands; None: as ``Meter(timezone=...)`` says, else
                this computer's zone.
            clock: what its clock follows, see metertime.MeterClock.
            columns: only these, by name or address of the source; empty: all.
            intervals: leave out records that an event within a period made.
            reader: in place of all these; hand in one to see what is missing by the
                numbers of the records, and to go on with it in another session.

        Yields:
            Records, with a row for each column.  One whose own check is wrong is not
            ``sure``, and its rows have the flag ``check-failed``.

        Raises:
            Lis200Refused: the device said no, such as where a lock is wanted.
            RefusedError: it has no such archive or column.
            NoAnswerError: it fell silent; records before that were yielded.
            RemoteProtocolError: what came stayed damaged; the same.
        """
        from iecread.archives import ArchiveReader, ArchiveRequest

        if zone is None and self._timezone is not None:
            from zoneinfo import ZoneInfo

            zone = ZoneInfo(self._timezone)
        wanted = ArchiveRequest(
            archive,
            start,
            end,
            zone,
            clock,
            columns=tuple(columns),
            intervals=intervals,
        )
        reader = reader or ArchiveReader(wanted)
        yield from reader.read(self)
        error = reader.error()
        if error is not None:
            raise error

    def ask(self, command: Command) -> str:
        """Send a read, such as that of an archive's header; open a lock for it.

        Returns:
            The text between STX and ETX.

        Raises:
            Lis200Refused: the device said no.
            NoAnswerError, RemoteProtocolError: as for ``read``.
        """
        return "".join(self.blocks(command))

    def blocks(self, command: Command, *, ack_last: bool = False) -> Iterator[str]:
        """Send a read whose answer has parts; open a lock for it.

        Args:
            command: R1 or R3.
            ack_last: whether the last block is acknowledged too.

        Yields:
            The text of each block, when it was found undamaged.

        Raises:
            the errors of ``ask``.
        """
        what = echo_of((command.text or b"").decode("latin-1"))
        again, silent, begun = True, False, False
        while again:
            again, got = False, None
            for part in self._parts(command, ack_last=ack_last):
                got = told(part) if isinstance(part, Answered) else None
                number = error_number(part) if isinstance(part, str) else None
                if number is not None:
                    got = Answered(AnswerKind.ERROR, f"#{number:04d}")
                elif isinstance(part, str):
                    begun = True
                    yield part
            if got is None:
                return
            if got.kind is AnswerKind.ERROR and error_number(got.text) == NO_READ_RIGHT:
                again = self._open_to_read()
            elif got.kind in (AnswerKind.SILENCE, AnswerKind.ACK) and not begun:
                again, silent = not silent, True  # once more, when all is caught up
            if not again:
                raise self.refusal(got, what)

    # --- refusals ------------------------------------------------------------

    def _refused(
        self, answer: Answered, address: Address, *, writing: bool
    ) -> IecReadError:
        """Return the error for a refusal, with the lock that is needed."""
        what = str(address)
        known = quantity(address, self.gas_device)
        if known is not None and address.attribute == "0":
            what += f" ({known.meaning})"
        hint = ""
        if answer.kind is AnswerKind.ERROR and error_number(answer.text) in _RIGHT:
            hint = self._needed(address, known, writing=writing)
        return self.refusal(answer, f"to change {what}" if writing else what, hint)

    def _needed(
        self, address: Address, known: Quantity | None, *, writing: bool
    ) -> str:
        """Say which lock is needed, by its access byte or else by its family."""
        locks: tuple[int, ...] = ()
        try:
            got = self.request(address.with_attribute(ACCESS))
        except PortError:
            raise
        except (IecReadError, ValueError):
            got = Answered(AnswerKind.SILENCE)
        content = got.text.partition("(")[2].rpartition(")")[0]
        rights = access(content) if got.kind is AnswerKind.DATA else None
        if rights is not None:
            locks = rights[writing]
            if not locks:
                return "nobody may " + ("write" if writing else "read") + " it"
        elif known is not None and writing:
            if known.lock == "F":
                return "it is fixed or measured"
            locks = (_LOCKS[known.lock],) if known.lock in _LOCKS else ()
        if not locks and not writing:
            return (
                "no lock is open: give a code (--password-env), or iecread unlock"
                if self.key is None
                else "it needs another lock: --lock supplier"
            )
        if not locks:
            return "it needs a higher lock: --lock supplier"
        least = max(locks)  # their rights grow towards 1
        name = lock_name(least, self.gas_device)
        word = name.split(" ")[0]
        if self.key is not None and self.key.lock in locks:
            return f"it needs the {name}, or something else that the manual tells"
        opens = "" if least == 1 else f": --lock {word}"
        return f"it needs the {name}{opens}"

    # --- changing ------------------------------------------------------------

    def plan_write(self, code: str, value: str) -> Change:
        """Say what a write would do: old value, new value, message.  Sends no write.

        Args:
            code: an address, or a name of this family.
            value: what to write; a text may have any character that the device has.

        Raises:
            ConfigError: it cannot be sent, or must not be: a lock's code or state,
                what would cut the link.
            IecReadError: as ``unlock``, where there is a key, and ``read``.
        """
        address = address_of(code, self.gas_device)
        command = self.write_message(str(address), value)
        self._open_to_write()
        try:
            old = self.shown(self.read(str(address)))
        except RefusedError:
            if self.ended:
                raise
            old = None
        return Change(str(address), old, value, command.to_bytes())

    def write_message(self, code: str, value: str) -> Command:
        address = address_of(code, self.gas_device)
        self._demand_harmless(address)
        text = f"{address.asked(self.gas_device.style)}({self._sendable(value)})"
        return Command("W1", text.encode("ascii"))

    def _write(
        self, change: Change, command: Command, same: Callable[[str, str], bool]
    ) -> Change:
        # A time leaves when it is due: another look at the lock would make it late
        timely = Address.parse(change.register, self.gas_device.style) == CLOCK
        if not (timely and self._looked):
            self._open_to_write()
        return super()._write(change, command, same)

    def _open_to_write(self) -> None:
        """Open the lock of ``key``, or open it again where it has closed by itself."""
        if self.key is not None:
            self.unlock()
        self._looked = True

    def _sendable(self, value: str) -> str:
        device = self.gas_device
        number, star, unit = value.rpartition("*")
        if device.escapes:
            try:
                if star and is_number(number.strip()):
                    sent = f"{number}*{escape(unit, device.page)}"
                else:
                    sent = escape(value, device.page)
            except ValueError as error:
                raise ConfigError(str(error)) from error
        else:
            sent = value
            odd = [c for c in value if c in "()/!" or not " " <= c <= "~"]
            if odd:
                raise ConfigError(
                    f"{device.type or 'this device'} cannot be sent {odd[0]!r}",
                    "ASCII without ( ) / ! and control characters",
                )
        if len(sent) > _LONGEST:
            raise ConfigError(f"the value is longer than {_LONGEST} characters")
        return sent

    def _demand_harmless(self, address: Address) -> None:
        """Say no to what must not be written, or only by force.

        Raises:
            ConfigError: it is a lock's, an archive, or dangerous.
        """
        number = address.object
        if number is None:
            raise ConfigError(
                "an archive cannot be written", "iecread archive reads it"
            )
        if number & 0xFFF == CODE:
            raise ConfigError(
                f"{address} is the code of a lock: written to an open lock, it would "
                "change the code",
                "iecread unlock opens it, with --change-code it gets another code",
            )
        if number & 0xFFF == STATE:
            raise ConfigError(
                f"{address} is the state of a lock", "iecread unlock, iecread lock"
            )
        danger = number in _INTERFACE
        if self.gas_device.family is Family.BK:
            plain = number & 0xFFF
            danger |= plain in _BK_DANGER or 0x700 <= plain <= 0x70F
            danger |= (address.entity, plain) in _BK_SINGLE
        if danger and not self.force:
            raise ConfigError(
                f"{address} is not written: a wrong value cuts the link, erases or "
                "resets",
                "--force, if you are sure",
            )

    def _change_error(self, change: Change) -> IecReadError:
        if holds_key(change.register):
            return self._code_error(change)
        number = error_number(change.detail)
        if change.outcome != "refused" or number is None:
            return change_error(change)
        address = Address.parse(change.register, self.gas_device.style)
        answer = Answered(AnswerKind.ERROR, change.detail)
        return self._refused(answer, address, writing=True)

    def _code_error(self, change: Change) -> IecReadError:
        """Return the error for the code of a lock that was not changed."""
        lock = Address.parse(change.register, self.gas_device.style).entity
        what, because = f"the code of the {self._name_of(lock)}", change.detail
        if change.outcome == "refused":
            number = error_number(because)
            if number is not None:
                because = f"{describe(number, self.gas_device.errors).text} ({because})"
            return RefusedError(
                f"the device refused to change {what}: {because}", "the old code holds"
            )
        if change.outcome == "not done":
            return CheckError(f"{what} was not changed: {because}", "try it again")
        return CheckError(
            f"whether {what} was changed is unknown: {because}",
            "iecread unlock with the new code, and if that is wrong with the old one, "
            "tells which of them holds",
        )

    def shown(self, reading: Reading) -> str:
        """Return the value of a reading as a change shows it."""
        page = self.gas_device.page
        raw = unescape(reading.raw, page).strip(" ")
        unit = next((g.unit for g in reading.groups if g.raw == reading.raw), None)
        unit = unescape(unit or "", page).strip(" ")
        return f"{raw}*{unit}" if unit else raw

    def plan_execute(self, code: str, argument: str = "") -> Change:
        """LIS-200 has no E commands.

        Raises:
            ConfigError: always.
        """
        raise ConfigError(
            "a LIS-200 device has no commands to execute",
            "what it can do is started by a write; see its manual",
        )

    # --- clock ---------------------------------------------------------------

    def clock(
        self,
        registers: Sequence[str] | None = None,
        *,
        clock: MeterClock | None = None,
    ) -> tuple[ClockReading, Drift]:
        if self.key is not None and not self._ours:
            self._value(CLOCK)  # a lock that is opened meanwhile would cost precision
        return super().clock(registers, clock=clock)

    @property
    def clock_registers(self) -> Sequence[Sequence[str]]:
        """The clock of every LIS-200 device."""
        return (("1:400",),)


def _blanked(reading: Reading) -> Reading:
    """A reading of a lock's code, as it may be shown."""
    return reading._replace(
        value="***", unit=None, raw="***", stamp=None, groups=(Group("***", None),)
    )
