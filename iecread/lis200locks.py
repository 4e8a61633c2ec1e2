"""The locks of a LIS-200 device over a session: state, code, state; and closed again.

``LockSession`` is a session that knows locks.  A code is sent once, right
behind the state (``lis200.gate`` lets nothing else through), and the state is read
again whatever the answer was: it alone tells what came of it.  A lock counts as ours
from before its code leaves until it is known to be closed, and ``leave`` closes what is
ours on every way out, in a new session if it must.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime

from iecread.answers import answer_error
from iecread.changes import Change
from iecread.errors import (
    CheckError,
    ConfigError,
    IecReadError,
    NoAnswerError,
    PortError,
    RefusedError,
)
from iecread.lis200.address import CLOSING_TIME, Address
from iecread.lis200.errors import (
    NO_READ_RIGHT,
    NOT_FITTED,
    WRONG_CODE,
    Lis200Refused,
    error_number,
)
from iecread.lis200.locks import (
    CUSTOMER,
    LockState,
    check_new_code,
    code_address,
    demand_openable,
    lock_name,
    lock_number,
    state_address,
    state_of,
)
from iecread.lis200.values import brackets, parse
from iecread.lis200asking import CLOCK, Lis200Asking
from iecread.lis200key import Key
from iecread.passwords import Secret
from iecread.programming import Programming
from iecread.protocol.actions import Answered, AnswerKind
from iecread.protocol.messages import Command

_TRIES = 3  # sessions in which to close what is ours
_NO_CODE_SENT = "no code was sent: to an open lock it would be a new code"


@dataclass(frozen=True, slots=True)
class LockStatus:
    """One lock of a device.

    Attributes:
        number: 1 to 6.
        name: how it is called.
        state: what the device says of it; HIDDEN is as good as closed where no lock
            at all is open.
        minutes: after which it closes by itself; 0: never; None: not readable.
    """

    number: int
    name: str
    state: LockState
    minutes: int | None = None


def _warn(text: str) -> None:
    import warnings

    warnings.warn(text, stacklevel=3)


class LockSession(Lis200Asking):
    """A session with a LIS-200 device, as far as its locks are concerned.

    Args:
        session: one that was just opened; this one takes it over.
        key: what may be opened where a lock is needed.

    Attributes:
        key: what may be opened where a lock is needed; None: nothing.
        warn: called with what a person must know; Python's warnings by default.
    """

    warn: Callable[[str], None] = staticmethod(_warn)

    def __init__(self, session: Programming, key: Key | None = None) -> None:
        super().__init__(session)
        self.key = key
        self._ours: dict[int, None] = {}  # locks to be closed again, in their order

    # --- state ---------------------------------------------------------------

    def lock_state(self, lock: str | int) -> LockState:
        """Read the state of a lock; HIDDEN and UNCLEAR are answers too.

        Raises:
            NoAnswerError: the device fell silent.
            RemoteProtocolError: the answer stayed damaged.
            ConfigError: there is no such lock.
        """
        return self._state(lock_number(lock))[0]

    def _state(self, lock: int) -> tuple[LockState, Answered]:
        for _ in range(_TRIES):
            got = self.request(state_address(lock))
            if got.kind in (AnswerKind.SILENCE, AnswerKind.DAMAGED, AnswerKind.BREAK):
                raise answer_error(got, f"the state of its {self._name_of(lock)}")
            if not self._engine.unsettled:
                return state_of(got), got
        raise NoAnswerError(
            f"answers come too late to tell the state of its {self._name_of(lock)}",
            "--timeout 20s, for a slow line",
        )

    def _certain_state(self, lock: int) -> LockState:
        """Return OPEN or CLOSED, right before a code may be sent.

        Raises:
            RefusedError: the device does not say it, so no code may be sent.
        """
        state, got = self._state(lock)
        if state is LockState.HIDDEN and not self._gate.is_closed():
            self._explain(lock)
            state, got = self._state(lock)
        if state is LockState.OPEN:
            return state
        if self._gate.is_closed():
            return LockState.CLOSED
        name = self._name_of(lock)
        if state is LockState.HIDDEN:
            raise RefusedError(
                f"the state of the {name} may not be read although some lock is open",
                _NO_CODE_SENT,
            )
        number = error_number(got.text)
        if number in NOT_FITTED:
            raise Lis200Refused(
                number or 0,
                f"the state of the {name}",
                self.gas_device.errors,
                "this device has no such lock; iecread unlock --status shows them",
            )
        said = got.text or got.kind.value
        raise RefusedError(f"the state of the {name} is unclear: {said}", _NO_CODE_SENT)

    def _explain(self, lock: int) -> None:
        """Find out whether any lock is open, and which."""
        got = self.request(CLOCK)
        if got.kind is AnswerKind.DATA:
            for other in self.gas_device.locks:
                if other != lock and self._state(other)[0] is LockState.OPEN:
                    return

    def _name_of(self, lock: int) -> str:
        return lock_name(lock, self.gas_device)

    def closing_minutes(self, lock: str | int) -> int | None:
        """Return after how many minutes a lock closes by itself.

        Returns:
            0: never.  None: the device does not say it.
        """
        got = self.request(Address(lock_number(lock), CLOSING_TIME))
        contents = brackets(got.text) if got.kind is AnswerKind.DATA else []
        value = parse(contents[0]).value if contents else None
        if value is None or isinstance(value, str) or value < 0:
            return None
        return int(value)

    def lock_status(self) -> tuple[LockStatus, ...]:
        """Read the states of all locks that the device has; opens none."""
        found = []
        for lock in self.gas_device.locks:
            state, got = self._state(lock)
            if state is LockState.UNCLEAR and error_number(got.text) in NOT_FITTED:
                continue
            minutes = self.closing_minutes(lock)
            found.append(LockStatus(lock, self._name_of(lock), state, minutes))
        return tuple(found)

    def tells_nothing(self) -> bool:
        """Whether a read is refused, which says that no lock is open."""
        got = self.request(CLOCK)
        refused = error_number(got.text) == NO_READ_RIGHT
        return got.kind is AnswerKind.ERROR and refused

    # --- opening -------------------------------------------------------------

    def unlock(
        self,
        lock: str | int | None = None,
        code: str | Secret | None = None,
        *,
        keep: bool = False,
    ) -> bool:
        """Open a lock, if it is closed; never changes its code.

        Args:
            lock: its name or number; None: that of ``key``.
            code: its code; None: that of ``key``.
            keep: whether to leave it open at the end of the session.

        Returns:
            Whether it was opened, or with ``keep`` was opened by this session before;
            False: it was open already.

        Raises:
            Lis200Refused: the code is wrong, or the device says no.
            RefusedError: the state is not readable, or the code was refused lately.
            CheckError: what became of it is not clear.
            NoAnswerError, RemoteProtocolError: as for ``read``; the lock is closed at
                the end of the session, should it be open.
            ConfigError: no such lock, or no code.
        """
        key = self._key(lock, code)
        demand_openable(key.lock, self.gas_device)
        key.allow(datetime.now().astimezone())
        if self._certain_state(key.lock) is LockState.OPEN:
            ours = keep and key.lock in self._ours
            if ours:
                del self._ours[key.lock]
            return ours
        self._ours[key.lock] = None
        with self._noted(key.lock, "0", "1", wanted=keep):
            self._open(key)
            if not self._type_known:
                self._learn_type()
        if keep:  # only now: whatever fails before closes it again
            del self._ours[key.lock]
        return True

    def _key(self, lock: str | int | None, code: str | Secret | None) -> Key:
        number = lock_number(lock) if lock is not None else None
        known = self.key
        if code is None:
            if known is None:
                raise ConfigError("no code was given", "a lock opens by its code")
            return known if number is None else replace(known, lock=number)
        secret = code if isinstance(code, Secret) else Secret(code)
        if known is None:
            return Key(secret, number or CUSTOMER)
        return replace(known, secret=secret, lock=number or known.lock)

    def _open(self, key: Key, *, remember: bool = True) -> None:
        """Send the code of a lock that was just seen closed, and look again."""
        lock, name = key.lock, self._name_of(key.lock)
        got = self._send_code(key)
        state = self._state_now(lock)
        if got.kind is AnswerKind.NAK and self._gate.is_closed():
            got = self._send_code(key)  # it was damaged on its way: 6.3, repeat once
            state = self._state_now(lock)
        acknowledged = got.kind is AnswerKind.ACK
        number = error_number(got.text) if got.kind is AnswerKind.ERROR else None
        if number == NO_READ_RIGHT:  # an older answer: this was no read
            number = None
        if number is not None or got.kind is AnswerKind.BREAK:
            if state is not LockState.UNCLEAR:
                self._ours.pop(lock, None)
            if remember and (number == WRONG_CODE or number is None):
                key.refused()
            if state is LockState.OPEN:
                self._unexpected(
                    lock,
                    f"the {name} is open although the device refused the code: "
                    "another program has opened it",
                )
            raise self.refusal(got, f"the code of the {name}")
        if acknowledged and state is not LockState.OPEN:
            state = self._state_now(lock)  # that may have been an older answer
        if state is LockState.OPEN:
            if not acknowledged:
                self._unexpected(
                    lock,
                    f"the {name} is open, but its code was not acknowledged "
                    f"({got.kind.value})",
                )
            key.accepted()
            return
        if state is LockState.UNCLEAR:
            how = "its state cannot be read" if acknowledged else got.kind.value
            raise CheckError(
                f"whether the {name} is open is unknown: {how}",
                "it is closed again if the device can be reached; look before the code "
                "is sent again",
            )
        self._ours.pop(lock, None)
        if acknowledged:
            words = f"the device took the code, but the {name} is closed"
            self._unexpected(lock, words)
            raise CheckError(
                words, "another program may close it; iecread unlock --status"
            )
        raise answer_error(got, f"the code of the {name}, which is closed")

    def _send_code(self, key: Key) -> Answered:
        address = code_address(key.lock).asked(self.gas_device.style)
        text = f"{address}({key.secret.reveal()})"
        command = Command("W1", text.encode("ascii"))
        return self._send_once(command, repeatable=False, resends=0)

    def _state_now(self, lock: int) -> LockState:
        """The state, as far as it can be read."""
        try:
            return self._state(lock)[0]
        except PortError:
            raise
        except IecReadError:
            return LockState.UNCLEAR

    def _unexpected(self, lock: int, words: str) -> None:
        """Say loudly, and write down, what nobody asked for."""
        self.warn(words)
        from iecread.journal import Outcome

        if self._journal is not None:
            now = datetime.now().astimezone()
            register = str(state_address(lock))
            noted = self._journal.begin(self._name, register, None, None, now)
            self._journal.end(noted, Outcome.UNKNOWN, now, words)

    @contextmanager
    def _noted(
        self, lock: int, old: str, new: str, *, wanted: bool = True
    ) -> Iterator[None]:
        """Keep the journal of a lock that is opened or closed because it was asked."""
        if self._journal is None or not wanted:
            yield
            return
        from iecread.journal import Outcome

        now = datetime.now().astimezone()
        register = str(state_address(lock))
        noted = self._journal.begin(self._name, register, old, new, now)
        outcome, detail = Outcome.UNKNOWN, "interrupted"
        try:
            yield
            outcome, detail = Outcome.DONE, ""
        except RefusedError as error:
            outcome, detail = Outcome.REFUSED, error.message
            raise
        except IecReadError as error:
            known = lock not in self._ours and new == "1"
            outcome = Outcome.NOT_DONE if known else Outcome.UNKNOWN
            detail = error.message
            raise
        finally:
            self._journal.end(noted, outcome, datetime.now().astimezone(), detail)

    # --- closing -------------------------------------------------------------

    def lock(self, lock: str | int) -> bool:
        """Close a lock.

        Returns:
            Whether it was open.

        Raises:
            Lis200Refused: the device says no.
            CheckError: it is still open.
            NoAnswerError, RemoteProtocolError: as for ``read``.
        """
        number = lock_number(lock)
        state, got = self._state(number)
        if state is LockState.CLOSED or self._gate.is_closed():
            self._ours.pop(number, None)
            return False
        if state is LockState.UNCLEAR and got.kind is AnswerKind.ERROR:
            raise self.refusal(got, f"the state of the {self._name_of(number)}")
        with self._noted(number, "1", "0"):
            self._close(number)
        self._ours.pop(number, None)
        return True

    def _close(self, lock: int) -> None:
        """Write 0 to the state of a lock, and look (6.4).

        Raises:
            CheckError: it is still open.
            IecReadError: the device cannot be talked to.
        """
        address = state_address(lock).asked(self.gas_device.style)
        command = Command("W1", f"{address}(0)".encode("ascii"))
        got = Answered(AnswerKind.SILENCE)
        for _ in range(2):
            # at once: what comes of it is told by the state behind
            got = self._send_once(command, repeatable=True, resends=1, at_once=True)
            if got.kind in (AnswerKind.SILENCE, AnswerKind.DAMAGED, AnswerKind.BREAK):
                raise answer_error(got, f"closing the {self._name_of(lock)}")
            state = self._state(lock)[0]
            if state in (LockState.CLOSED, LockState.HIDDEN):
                return
            if state is LockState.UNCLEAR and got.kind is AnswerKind.ACK:
                return
        said = got.text or got.kind.value
        raise CheckError(f"the {self._name_of(lock)} is still open: {said}")

    def leave(self) -> None:
        """Close what is ours, and sign off; may be called again.

        Raises:
            PortError: the line is lost.
            CheckError: a lock that was opened may still be open.
        """
        try:
            self._engine.abandon()
            self._close_ours()
        finally:
            super().leave()

    def _close_ours(self) -> None:
        why = ""
        for attempt in range(_TRIES):
            if not self._ours:
                return
            try:
                if attempt or self.ended:
                    super().leave()
                    self.open(self._clock())
                for lock in list(self._ours):
                    self._close(lock)
                    del self._ours[lock]
            except PortError:
                raise
            except IecReadError as error:
                why = error.message
        if self._ours:
            self.cannot_leave(why)
            raise CheckError(self._open_still(), f"iecread lock closes it; {why}")

    def _open_still(self) -> str:
        names = " and the ".join(self._name_of(lock) for lock in self._ours)
        return f"the {names} may still be open"

    @property
    def owes_closing(self) -> bool:
        return bool(self._ours)

    def cannot_leave(self, why: str) -> None:
        with suppress(IecReadError):
            self._unexpected(min(self._ours), f"{self._open_still()}: {why}")

    # --- another code --------------------------------------------------------

    def plan_code(self, new: Secret, lock: str | int | None = None) -> Change:
        """Open a lock with its code, and say what changing that code would do.

        Args:
            new: the new code.
            lock: name or number; None: that of ``key``.

        Raises:
            CheckError: the lock is open, so that nothing proves the old code.
            ConfigError: no old code was given, or the new one can be none.
            IecReadError: as ``unlock``.
        """
        key = self._key(lock, None)
        check_new_code(new.reveal(), self.gas_device)
        if not self.unlock(key.lock) and key.lock not in self._ours:
            raise CheckError(
                f"the {self._name_of(key.lock)} is open already, so nothing proves "
                "that the old code is known",
                "close it first: iecread lock",
            )
        address = code_address(key.lock)
        text = f"{address.asked(self.gas_device.style)}({new.reveal()})"
        message = Command("W1", text.encode("ascii")).to_bytes()
        return Change(str(address), "***", "***", message)

    def change_code(
        self, change: Change, new: Secret, lock: str | int | None = None
    ) -> Change:
        """Change the code of a lock, as ``plan_code`` planned it, and prove it.

        The lock is closed, opened with the new code, and closed again.

        Returns:
            The change with its outcome ``done``.

        Raises:
            RefusedError: the device said no; the old code holds.
            CheckError: the old code holds, or which one holds is unknown.
        """
        old = self._key(lock, None)
        return self._journalled(change, lambda: self._change_code(change, old, new))

    def _change_code(self, change: Change, old: Key, new: Secret) -> Change:
        command = Command.from_bytes(change.message)
        if self._certain_state(old.lock) is not LockState.OPEN:
            return replace(change, outcome="not done", detail="the lock is closed")
        self._gate.permit_change(old.lock)
        got = self._send_once(command, repeatable=False, resends=0)
        if got.kind in (AnswerKind.ERROR, AnswerKind.NAK):
            return replace(change, outcome="refused", detail=got.text or "NAK")
        try:
            self._close(old.lock)
            if self._opens(replace(old, secret=new, refusals=None)):
                self._close(old.lock)
                self._ours.pop(old.lock, None)
                if old.refusals is not None:  # it may have been wrong before
                    now = datetime.now().astimezone()
                    old.refusals.forget(old.names(old.lock), new, now)
                return replace(change, outcome="done", detail="the new code opens it")
            if self._opens(old):
                return replace(
                    change, outcome="not done", detail="the old code opens it"
                )
        except PortError:
            raise
        except IecReadError as error:
            return replace(change, outcome="unknown", detail=error.message)
        return replace(change, outcome="unknown", detail="neither code opens it")

    def _opens(self, key: Key) -> bool:
        """Whether a code opens a lock that is closed."""
        if self._certain_state(key.lock) is not LockState.CLOSED:
            raise CheckError(f"the {self._name_of(key.lock)} does not close")
        self._ours[key.lock] = None
        try:
            self._open(key, remember=False)
        except Lis200Refused as error:
            if error.number == WRONG_CODE:
                return False
            raise
        return True
