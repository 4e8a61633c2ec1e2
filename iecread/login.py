"""The password of a session, and the memory that a meter refused it.

A password that was refused is not sent again for a day: many meters lock after a few
wrong ones.  Left out: where passwords come from (passwords.py), the algorithms that
answer a challenge (algorithms.py), and the dialogue itself (registersession.py).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from iecread.algorithms import ALGORITHMS
from iecread.errors import RefusedError, RemoteProtocolError
from iecread.passwords import Secret

if TYPE_CHECKING:
    from iecread.devices import DeviceProfile
    from iecread.passwords import PasswordSource
    from iecread.refusals import Refusals


@dataclass(frozen=True, slots=True)
class Login:
    """The password for a session, and how to remember that it was refused.

    Attributes:
        answer: makes the text of P1 or P2 from the operand of P0.
        level: 1 or 2, for P1 or P2.
        secret: the password; None: what ``answer`` gives is taken for it.
        refusals: the memory of refusals; None: nothing is remembered.
        names: names under which this meter is remembered.
        force: whether to send it although it was refused lately.
        algorithms: gives ``answer`` for an algorithm of algorithms.ALGORITHMS; None
            where level and algorithm were said, and no device profile may know better.
    """

    answer: Callable[[str], str]
    level: int = 1
    secret: Secret | None = None
    refusals: Refusals | None = None
    names: tuple[str, ...] = ()
    force: bool = False
    algorithms: Callable[[str], Callable[[str], str]] | None = None

    @classmethod
    def plain(
        cls,
        secret: Secret,
        level: int | None,
        refusals: Refusals,
        names: tuple[str, ...],
    ) -> Login:
        """Return the login with a password; ``level`` None: as the meter wants it."""

        def algorithm(name: str) -> Callable[[str], str]:
            return lambda operand: ALGORITHMS[name](secret.reveal(), operand)

        unsaid = algorithm if level is None else None
        return cls(
            algorithm("plain"),
            level or 1,
            secret,
            refusals,
            names,
            algorithms=unsaid,
        )

    @classmethod
    def from_source(
        cls,
        source: PasswordSource,
        secret: Secret,
        refusals: Refusals | None,
        names: tuple[str, ...],
        *,
        force: bool = False,
    ) -> Login:
        """Return the login with a password that was fetched from ``source``."""

        def algorithm(name: str) -> Callable[[str], str]:
            return lambda operand: replace(source, algorithm=name).answer(
                secret, operand
            )

        return cls(
            algorithm(source.algorithm),
            source.access,
            secret,
            refusals,
            names,
            force,
            None if source.settled else algorithm,
        )

    def as_for(self, device: DeviceProfile | None) -> Login:
        """Return the login as a family of meters wants it, where nobody said how."""
        if device is None or self.algorithms is None or self.secret is None:
            return self
        level = device.access or self.level
        before, after = f"P{self.level} ", f"P{level} "
        names = (after + name.removeprefix(before) for name in self.names)
        return replace(
            self,
            answer=self.algorithms(device.algorithm)
            if device.algorithm
            else self.answer,
            level=level,
            names=tuple(names),
        )

    def allow(self, now: datetime) -> None:
        """Say no to a password that this meter refused within the last day.

        Raises:
            RefusedError: it was refused.
            ConfigError: a refusal could not be remembered, so none may be risked.
        """
        if self.secret is None or self.refusals is None or self.force:
            return
        until = self.refusals.check(self.names, self.secret, now)
        if until:
            raise RefusedError(
                "this meter refused this password already; it is not sent again "
                f"before {until:%Y-%m-%d %H:%M}",
                "mend the password, or say --force-login if the meter was mended",
            )

    def answered(self, operand: str, device: DeviceProfile | None) -> tuple[Login, str]:
        """Answer the operand of P0, as a family of meters wants it.

        Returns:
            The login that it became, and the text of P1 or P2.

        Raises:
            RefusedError, ConfigError: as ``allow``, of what it became.
            RemoteProtocolError: the algorithm does not know such an operand.
        """
        login = self.as_for(device)
        if login is self:
            return self, self.answer(operand)
        try:
            answer = login.answer(operand)
        except RemoteProtocolError:  # not of the kind that it looked like
            return self, self.answer(operand)
        login.allow(datetime.now().astimezone())
        return login, answer

    def known_by(self, answer: str) -> Login:
        """Return the login with ``answer`` for its secret, where it has none.

        Raises:
            RefusedError, ConfigError: as ``allow``.
        """
        if self.secret is not None or self.refusals is None:
            return self
        login = replace(self, secret=Secret(answer))
        login.allow(datetime.now().astimezone())
        return login

    def refused(self, now: datetime) -> None:
        """Remember that the meter refused it."""
        if self.secret is not None and self.refusals is not None:
            self.refusals.remember(self.names, self.secret, now)

    def accepted(self, now: datetime) -> None:
        """Forget that the meter refused it once."""
        if self.force and self.secret is not None and self.refusals is not None:
            self.refusals.forget(self.names, self.secret, now)
