"""Changes in a meter: planned, written down, sent once, and read back.

A write whose acknowledgement was lost is never sent again: what the register holds
afterwards tells what became of it.  Executions cannot be read back, so that theirs is
unknown.  Questions to a person are left to the command line.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING

from iecread.answers import refused
from iecread.errors import CheckError, IecReadError, RefusedError
from iecread.protocol.actions import AnswerKind
from iecread.protocol.guard import lock_code_written
from iecread.protocol.messages import Command
from iecread.readings import Reading, parse_value
from iecread.registersession import RegisterSession, check_text

if TYPE_CHECKING:
    from iecread.devices import DeviceProfile


@dataclass(frozen=True, slots=True)
class Change:
    """A change of one register.

    Attributes:
        register: its code.
        old: value before, as the meter showed it; None where it cannot be read.
        new: value to be written.
        message: the command, as it goes over the line (without parity).
        outcome: ``planned``, then ``done``, ``not done``, ``differs``, ``refused`` or
            ``unknown``.
        shown: value read back; None where it was not.
        detail: what the meter said.
    """

    register: str
    old: str | None
    new: str | None
    message: bytes = field(repr=False)  # that of W5 has the password in it
    outcome: str = "planned"
    shown: str | None = None
    detail: str = ""


class ChangeSession(RegisterSession):
    """A session in which registers are read and changed."""

    def plan_write(self, code: str, value: str) -> Change:
        """Say what a write would do: old value, new value, message.  Sends no write.

        Raises:
            ConfigError: code or value have characters that cannot be sent, or it is
                a lock's code, which only ``unlock`` may send.
            NoAnswerError: the meter fell silent.
            RemoteProtocolError: the answer stayed damaged.
        """
        check_text(code, "the code")
        check_text(value, "the value")
        command = self.write_message(code, value)
        try:
            old = self.shown(self.read(code))
        except RefusedError:  # there are registers that can be written only
            if not self._engine.is_open:
                raise
            old = None
        return Change(code, old, value, command.to_bytes())

    def write_message(self, code: str, value: str) -> Command:
        """Return the command that writes a value.

        Raises:
            ConfigError: it is one that must not be sent.
        """
        text = f"{code}({value})"
        # VDEW practice
        bracket = self.device is None or self.device.write_password is not False
        if self.write_command == "W5" and self._password and bracket:
            text += f"({self._password})"
        command = Command(self.write_command, text.encode("ascii"))
        if lock_code_written(command):
            self._engine.guard.allow(command)  # says no, and why
        return command

    def write(self, code: str, value: str) -> Change:
        """Write one register and read it back.

        Returns:
            The change with its outcome ``done``.

        Raises:
            RefusedError: the meter said no.
            CheckError: another value was read back, or the outcome is unknown; the
                message says which.
            NoAnswerError, RemoteProtocolError: as for ``read``.
            ConfigError: code or value have characters that cannot be sent, or the
                meter is read-only in meters.toml.
            OutputError: the journal cannot be written; nothing was sent.
        """
        self._refuse_changes()
        return self.carry_out(self.plan_write(code, value))

    def carry_out(
        self, change: Change, *, same: Callable[[str, str], bool] | None = None
    ) -> Change:
        """Do a change that was planned, as ``write`` does.

        Args:
            change: as ``plan_write`` gave it.
            same: whether the value read back is the one written; a clock goes on
                meanwhile.  None: the same number or text.

        Raises:
            the errors of ``write``.
        """
        assert change.new is not None
        command = Command.from_bytes(change.message)
        same = same or same_value
        return self._journalled(change, lambda: self._write(change, command, same))

    def _write(
        self, change: Change, command: Command, same: Callable[[str, str], bool]
    ) -> Change:
        got = self._send(command, repeatable=False)
        if refused(got):
            said = got.text or got.kind.value
            return _outcome(change, "refused", detail=said)
        acknowledged = got.kind in (AnswerKind.ACK, AnswerKind.DATA)
        try:
            back = self.shown(self.read(change.register))
        except RefusedError as error:
            done = "done" if acknowledged else "unknown"
            return _outcome(change, done, detail=f"cannot be read back: {error}")
        except IecReadError as error:
            return _outcome(change, "unknown", detail=error.message)
        assert change.new is not None
        if same(back, change.new):
            if acknowledged or not same(change.old or "", change.new):
                return _outcome(change, "done", back)
            return _outcome(change, "unknown", back, "the value was the same before")
        if not acknowledged and change.old is not None and back == change.old:
            return _outcome(change, "not done", back, got.kind.value)
        return _outcome(change, "differs" if acknowledged else "unknown", back)

    def plan_execute(self, code: str, argument: str = "") -> Change:
        """Say what an execution would send (E2 of 6.3.14).

        Raises:
            ConfigError: code or argument have characters that cannot be sent.
        """
        check_text(code, "the code")
        check_text(argument, "the argument")
        command = Command("E2", f"{code}({argument})".encode("ascii"))
        if lock_code_written(command):
            self._engine.guard.allow(command)
        return Change(code, None, argument or None, command.to_bytes())

    def execute(self, code: str, argument: str = "") -> Change:
        """Execute a command, such as a reset of the maximum.

        Raises:
            RefusedError: the meter said no.
            CheckError: whether it was done is unknown.
            ConfigError: code or argument have characters that cannot be sent, or the
                meter is read-only in meters.toml.
            OutputError: the journal cannot be written; nothing was sent.
        """
        self._refuse_changes()
        return self.carry_out_execution(self.plan_execute(code, argument))

    def carry_out_execution(self, change: Change) -> Change:
        """Do an execution that was planned, as ``execute`` does.

        Raises:
            the errors of ``execute``.
        """
        command = Command.from_bytes(change.message)

        def send() -> Change:
            got = self._send(command, repeatable=False)
            if got.kind in (AnswerKind.ACK, AnswerKind.DATA):
                return _outcome(change, "done", detail=got.text)
            if refused(got):
                return _outcome(change, "refused", detail=got.text or got.kind.value)
            return _outcome(change, "unknown", detail=got.kind.value)

        return self._journalled(change, send)

    def _journalled(self, change: Change, send: Callable[[], Change]) -> Change:
        from iecread.journal import Outcome

        self._refuse_changes()
        noted = None
        if self._journal is not None:
            now = datetime.now().astimezone()
            noted = self._journal.begin(
                self._name, change.register, change.old, change.new, now
            )
        result = _outcome(change, "unknown", detail="interrupted")
        try:
            result = send()
        finally:
            if self._journal is not None and noted is not None:
                self._journal.end(
                    noted,
                    Outcome(result.outcome),
                    datetime.now().astimezone(),
                    result.detail,
                )
        if result.outcome == "done":
            return result
        error = self._change_error(result)
        error.change = result
        raise error

    def _change_error(self, change: Change) -> IecReadError:
        return change_error(change, self.device)

    def shown(self, reading: Reading) -> str:
        """Return the value of a reading as a change shows it."""
        return shown(reading)


def shown(reading: Reading) -> str:
    """Return the value of a reading as the meter wrote it, with its unit."""
    raw = reading.raw.strip()
    return f"{raw}*{reading.unit}" if reading.unit else raw


def same_value(one: str, other: str) -> bool:
    """Whether two values are the same but for zeros in front and a unit left out."""
    first, _, first_unit = one.partition("*")
    second, _, second_unit = other.partition("*")
    if first_unit and second_unit and first_unit != second_unit:
        return False
    return first == second or (
        parse_value(first) == parse_value(second)
        and parse_value(first) is not None
        and not isinstance(parse_value(first), str)
    )


def _outcome(
    change: Change, outcome: str, back: str | None = None, detail: str = ""
) -> Change:
    return replace(change, outcome=outcome, shown=back, detail=detail)


def change_error(change: Change, device: DeviceProfile | None = None) -> IecReadError:
    """Return the error for a change that was not done.

    Args:
        change: what became of it.
        device: the device profile, which may know why it was refused.
    """
    from iecread.masking import holds_key

    because = f": {change.detail}" if change.detail else ""
    if change.outcome == "refused":
        note = device.note if device else ""
        return RefusedError(
            f"the meter refused to change {change.register}{because}",
            note or "it may want a password, a pressed button or an open cover",
        )
    has, new = repr(change.shown), repr(change.new)
    if holds_key(change.register):
        has = new = "***"
    if change.outcome == "not done":
        return CheckError(
            f"{change.register} was not changed, it has {has}{because}",
            "the write was lost on its way; it may be tried again",
        )
    if change.outcome == "differs":
        return CheckError(
            f"{change.register} reads {has}, not {new}",
            "the meter took the write but keeps another value",
        )
    return CheckError(
        f"whether {change.register} was changed is unknown{because}",
        "read it, and look before you write it again",
    )
