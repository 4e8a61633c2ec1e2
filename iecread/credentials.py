"""What a session logs in with: a password, or the code of a lock.

What a program hands over gets the memory of refusals that the command line has: what a
meter refused is not sent to it again for a day.  In a replay nobody needs the secret: a
stand-in as long as the recorded one takes its place, and nothing is remembered.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from iecread.capture import Tape
from iecread.replay import Replay

if TYPE_CHECKING:  # imported where used: the first byte leaves before they are needed
    from iecread.lis200key import Key
    from iecread.login import Login
    from iecread.meteroptions import MeterOptions
    from iecread.passwords import PasswordSource, Secret
    from iecread.refusals import Refusals

_USUAL_CODE = 8  # characters


def login_for(
    password: str | Callable[[str], str] | Login | None,
    level: int | None,
    options: MeterOptions,
    tape: Tape,
) -> Login | None:
    """Return the login that is meant; in a replay, one that fits the recorded one.

    Args:
        password: text, a function of the operand of P0, or a Login, which stays as it
            is; None: no login, but in a replay the recorded one.
        level: 1 or 2, for P1 or P2; None: as the meter wants it.
        options: how the meter is read.
        tape: what records the line or plays it back.

    Raises:
        ConfigError: it is no password that can be sent.
    """
    from iecread.login import Login

    if isinstance(tape, Replay):
        if isinstance(password, Login):
            return replace(password, refusals=None)
        found = tape.password()
        return Login(lambda _: "0" * found[1], found[0]) if found else None
    if password is None or isinstance(password, Login):
        return password
    from iecread.passwords import Secret
    from iecread.refusals import Refusals, meter_ids
    from iecread.statefolder import state_folder

    names = meter_ids(options.port, options.address, level=f"P{level or 1}")
    refusals = Refusals(state_folder())
    if not isinstance(password, str):
        return Login(password, level or 1, refusals=refusals, names=names)
    return Login.plain(Secret(password), level, refusals, names)


def login_from(
    source: PasswordSource,
    secret: Secret,
    options: MeterOptions,
    refusals: Refusals | None,
    *,
    force: bool = False,
) -> Login:
    """Return the login with a password that was fetched from ``source``.

    Args:
        source: where it came from.
        secret: the password.
        options: how the meter is read.
        refusals: the memory of refusals; a replay has none.
        force: whether to send it although it was refused lately.
    """
    from iecread.login import Login
    from iecread.refusals import meter_ids

    names = meter_ids(options.port, options.address, level=f"P{source.access}")
    return Login.from_source(source, secret, refusals, names, force=force)


def key_for(
    code: str | Secret,
    lock: int,
    options: MeterOptions,
    tape: Tape,
    refusals: Refusals | None = None,
) -> Key:
    """Return the code of a lock, with the memory of refused ones.

    Args:
        code: the code.
        lock: the number of the lock.
        options: how the device is read.
        tape: what records the line or plays it back.
        refusals: the memory; None: that of the state folder.

    Raises:
        ConfigError: it cannot be sent.
    """
    from iecread.lis200key import Key
    from iecread.passwords import Secret
    from iecread.refusals import Refusals, meter_ids
    from iecread.statefolder import state_folder

    secret = code if isinstance(code, Secret) else Secret(code)
    if isinstance(tape, Replay):  # nothing is remembered of it
        return Key(secret, lock)

    def names(number: int) -> tuple[str, ...]:
        return meter_ids(options.port, options.address, level=f"lock {number}")

    return Key(secret, lock, refusals or Refusals(state_folder()), names)


def key_to_send(key: Key | None, tape: Tape) -> Key | None:
    """Return ``key``; in a replay, the code of a lock that fits the recorded one."""
    if not isinstance(tape, Replay):
        return key
    from iecread.lis200key import Key
    from iecread.passwords import Secret

    found = tape.lock_code()
    if key is None and found is None:
        return None
    lock, length = found or (0, _USUAL_CODE)
    return Key(Secret("0" * length), key.lock if key else lock)
