"""Questions to a LIS-200 device, and the answers that belong to them.

``Lis200Asking`` is a Programming session whose commands are those of LIS-200.  Answers
may come late, and some name no address: what does not fit is dropped, and where an
answer is still owed, something is asked first that cannot be mistaken.  Which device
it is, and with it the spelling of addresses, is found out with the first question.
Locks are ``lis200locks``'s, values and archives ``lis200session``'s.
"""

from __future__ import annotations

from iecread.answers import answer_error
from iecread.errors import ConfigError, IecReadError, LocalProtocolError, RefusedError
from iecread.lis200.address import Address, echo_of
from iecread.lis200.device import Device
from iecread.lis200.errors import Lis200Refused, error_number
from iecread.lis200.gate import Gate
from iecread.lis200.locks import CALIBRATION, MANUFACTURER, state_address
from iecread.lis200.values import brackets, parse
from iecread.programming import Programming
from iecread.protocol.actions import Answered, AnswerKind
from iecread.protocol.messages import Command

CLOCK = Address(1, 0x400)
"""Date and time of the device; readable wherever a lock is open."""

_TYPE = Address(1, 0x181)


class Lis200Asking(Programming):
    """A session with a LIS-200 device, as far as asking is concerned.

    Args:
        session: one that was just opened; this one takes it over.
    """

    def __init__(self, session: Programming) -> None:
        super().__init__(
            session._engine,
            session._run,
            timezone=session._timezone,
            read_styles=(("R1", "1"),),
            journal=session._journal,
            name=session._name,
            refuse_changes=session._refuse_changes,
            now=session._now,
            clock=session._clock,
        )
        gate = session._engine.guard
        if not isinstance(gate, Gate):
            raise LocalProtocolError("the session has another guard than a Gate")
        self._gate = gate
        self._type_known = False
        self._says_addresses = False
        self._marks = [CALIBRATION, MANUFACTURER]  # see _catch_up
        self._type_said = ""  # the brackets that answered, always the same
        self.operand = session.operand

    def recognise(self) -> None:
        """Find out which device it is; the first thing in a session.

        Raises:
            NoAnswerError, RemoteProtocolError: as for ``read``.
        """
        self._gate.engage(Device.identified(self.identification))
        self._learn_type()

    @property
    def serial_registers(self) -> tuple[str, ...]:
        """The register that holds its number."""
        return ("1:180",)

    @property
    def gas_device(self) -> Device:
        """What is known of the device."""
        return self._gate.device

    def _learn_type(self) -> None:
        """Ask for the type (5.3): compatibility modes hide it in the identification."""
        got = self.request(_TYPE)
        if got.kind in (AnswerKind.SILENCE, AnswerKind.DAMAGED):
            raise answer_error(got, "1:181, its type")
        if got.kind is AnswerKind.DATA and (contents := brackets(got.text)):
            self._type_said = got.text.partition("(")[2]
            found = parse(contents[0], self.gas_device.page).value
            known = Device.identified(self.identification)
            self._gate.engage(Device.of_type(str(found or ""), known))
            self._type_known = True

    # --- asking --------------------------------------------------------------

    def request(self, address: Address, operand: str = "1") -> Answered:
        """Ask for one value, attribute or archive header.

        Args:
            address: its address.
            operand: what stands in the brackets.

        Returns:
            The answer; of kind ERROR, with ``#nnnn`` as its text, for each error.
        """
        text = f"{address.asked(self.gas_device.style)}({operand})"
        command = Command("R1", text.encode("ascii"))
        self._ask(command, keep=True)
        got = self._answered()
        if got.kind is AnswerKind.ACK:  # that of an older write
            self._engine.unsettled = True
            self._ask(command, keep=True)
            got = self._answered()
        if got.kind is AnswerKind.DATA and not address.is_archive:
            self._says_addresses |= bool(echo_of(got.text).strip())
        return told(got)

    def _ask(
        self, command: Command, *, ack_last: bool = False, keep: bool = False
    ) -> None:
        """Send a read; answers to other requests are dropped (2.1).

        Raises:
            RefusedError: the device has no such registers.
        """
        style = self.gas_device.style
        text = (command.text or b"").decode("latin-1")
        try:
            address = Address.parse(echo_of(text), style)
        except ValueError as error:
            raise RefusedError(
                f"a LIS-200 device has no {echo_of(text)!r}",
                "its archives are read by `iecread archive`",
            ) from error

        def fits(text: str) -> bool:
            echo = echo_of(text)
            # a block of an archive may go on in the middle of a row
            return (
                address.answered_by(echo, style) or address.is_archive and ")" in echo
            )

        self._catch_up()
        self._demand_open()
        self._engine.command(
            command,
            # the blocks of an archive that came twice could not be told apart
            repeatable=command.name != "R3",
            fits=fits,
            ack_last=ack_last,
            keep=keep,
        )

    def _send(self, command: Command, *, repeatable: bool) -> Answered:
        """Send a write.  Its answer is ACK, NAK or an error; data are stale."""
        return self._send_once(command, repeatable=repeatable, resends=1)

    def _send_once(
        self,
        command: Command,
        *,
        repeatable: bool,
        resends: int,
        at_once: bool = False,
    ) -> Answered:
        style = self.gas_device.style
        text = (command.text or b"").decode("latin-1")
        try:
            address = Address.parse(echo_of(text), style)
        except ValueError as error:
            raise ConfigError(str(error)) from error

        def fits(text: str) -> bool:
            echo = echo_of(text)
            return error_number(text) is not None and address.answered_by(echo, style)

        if not at_once:
            self._catch_up()
        self._demand_open()
        self._engine.command(command, repeatable=repeatable, resends=resends, fits=fits)
        return told(self._answered())

    def _catch_up(self) -> None:
        """Let late answers go by: archives and acknowledgements name no address.

        A slow device, or line, keeps the order.  So all that was asked before is over
        when something has been answered that cannot be mistaken: the state of one of
        the two locks that nobody else asks for, in turns; or the type, whose answer is
        known, where the device names no addresses.

        Raises:
            NoAnswerError, RemoteProtocolError: it is not answered.
        """
        if not self._engine.unsettled or self.ended:
            return
        said, style = self._type_said, self.gas_device.style
        bare = not self._says_addresses
        self._marks.reverse()
        marks = [state_address(lock) for lock in self._marks]
        if said:
            marks.insert(0 if bare else 2, _TYPE)
        got = Answered(AnswerKind.SILENCE)
        for mark in marks:

            def fits(text: str, mark: Address = mark) -> bool:
                echo, _, content = text.partition("(")
                if not mark.answered_by(echo, style):
                    return False
                known = content == said if mark is _TYPE else bool(echo.strip()) or bare
                return known or error_number(text) is not None

            self._demand_open()
            command = Command("R1", f"{mark.asked(style)}(1)".encode("ascii"))
            self._engine.unsettled = False
            self._engine.command(command, repeatable=False, fits=fits)
            got = told(self._answered())
            if got.kind is AnswerKind.DATA:
                return
        if got.kind is not AnswerKind.ERROR:  # which may be the answer to anything
            raise answer_error(got, f"{marks[-1]}, to let late answers go by")

    def refusal(self, answer: Answered, what: str, hint: str = "") -> IecReadError:
        """Return the error for an answer that is none."""
        number = error_number(answer.text)
        if answer.kind is AnswerKind.ERROR and number is not None:
            return Lis200Refused(number, what, self.gas_device.errors, hint)
        return answer_error(answer, what)


def told(answer: Answered) -> Answered:
    """An error is an error, whether or not it came with an address."""
    number = error_number(answer.text) if answer.kind is AnswerKind.DATA else None
    return answer if number is None else Answered(AnswerKind.ERROR, f"#{number:04d}")
