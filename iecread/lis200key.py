"""The code of a LIS-200 lock, and whether it may be sent.

A code that a device refused is not sent to it again within a day, in whatever run,
see ``refusals``.  Which state the lock must be in for that is ``lis200locks``'s.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from iecread.errors import RefusedError
from iecread.lis200.locks import CUSTOMER, check_code, lock_name
from iecread.passwords import Secret

if TYPE_CHECKING:
    from iecread.refusals import Refusals


@dataclass(frozen=True, slots=True)
class Key:
    """A lock and the code that opens it.

    Attributes:
        secret: the code.
        lock: the number of the lock.
        refusals: the memory of refused codes; None: nothing is remembered.
        names: gives, for the number of a lock, the names under which this meter is
            remembered.
        force: whether to send the code although it was refused lately.
    """

    secret: Secret
    lock: int = CUSTOMER
    refusals: Refusals | None = None
    names: Callable[[int], tuple[str, ...]] = lambda lock: ()
    force: bool = False

    def allow(self, now: datetime) -> None:
        """Say no to a code that was refused within the last day, or can be none.

        Raises:
            RefusedError: it was refused.
            ConfigError: it can be no code, or a refusal could not be remembered.
        """
        check_code(self.secret.reveal())
        if self.refusals is None or self.force:
            return
        until = self.refusals.check(self.names(self.lock), self.secret, now)
        if until:
            raise RefusedError(
                f"this device refused this code for its {lock_name(self.lock)} "
                f"already; it is not sent again before {until:%Y-%m-%d %H:%M}",
                "mend the code, or say --force-login if it is right by now",
            )

    def refused(self) -> None:
        """Remember that the device refused it."""
        if self.refusals is not None:
            now = datetime.now().astimezone()
            self.refusals.remember(self.names(self.lock), self.secret, now)

    def accepted(self) -> None:
        """Forget an older refusal."""
        if self.refusals is not None and self.force:
            now = datetime.now().astimezone()
            self.refusals.forget(self.names(self.lock), self.secret, now)
