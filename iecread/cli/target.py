"""What TARGET means: a port, or a meter of meters.toml with all that it says.

One place where settings come together: option, then environment, then what the
profile says.  What nobody said is left to ``Meter``, which knows the rest.  ``auto``
counts as not said.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from iecread.cli.context import Surroundings
from iecread.cli.passwordoptions import PasswordOptions
from iecread.cli.recording import fitting, with_tape
from iecread.errors import ConfigError
from iecread.settings import is_port

if TYPE_CHECKING:
    from iecread.config import Config
    from iecread.meterprofile import Profile
    from iecread.passwords import PasswordSource
    from iecread.selection import Selection


@dataclass(frozen=True)
class Target:
    """What is to be read, and how.

    Attributes:
        port: name or URL of the port.
        options: keywords for ``Meter``: what was said by anybody, and ``tape`` where
            the line is recorded or played back.
        profile: the meter of meters.toml; None for a bare port.
        password: where the password comes from; None to log in without one.
        force_login: whether to send a password that was refused lately.
        lock: the LIS-200 lock that the password opens.
    """

    port: str
    options: dict[str, Any]
    profile: "Profile | None" = None
    password: "PasswordSource | None" = None
    force_login: bool = False
    lock: str = "customer"

    def now(self) -> datetime:
        """The time of day, with offset; in a replay, that of the recording."""
        tape = self.options.get("tape")
        return tape.moment().time if tape else datetime.now().astimezone()

    def selection(
        self, registers: "tuple[str, ...] | None" = None
    ) -> "Selection | None":
        """What the profile makes of readings; None for a bare port.

        Args:
            registers: asked for in place of those of the profile; empty for all.
        """
        if self.profile is None:
            return None
        from iecread.selection import Selection

        return Selection.of(self.profile, registers)

    def refuse_changes(self) -> None:
        """Stop where the profile forbids changes.

        Raises:
            ConfigError: it is read-only.
        """
        if self.profile is not None:
            self.profile.refuse_changes()


def refuse_archive(profile: "Profile") -> None:
    """Say no to an archive, rather than read a load profile in its place.

    Raises:
        ConfigError: the profile asks for one.
    """
    keys = profile.load_profile
    if keys is not None and keys.archive is not None:
        raise ConfigError(
            f"meter {profile.name!r} asks for an archive, not for a load profile "
            f"({profile.origin('load-profile', 'archive')})",
            f"iecread archive {profile.name} reads it; or name a channel",
        )


def config(around: Surroundings) -> "Config":
    """The meters.toml of this run.

    Raises:
        ConfigError: there is none, or it is wrong.
    """
    from iecread.config import load_config

    return load_config(around.config, around.environ)


def resolve(
    around: Surroundings,
    target: str,
    options: dict[str, Any],
    password: PasswordOptions | None = None,
) -> Target:
    """Say what TARGET means.

    Args:
        around: the surroundings; ``meter`` is set for messages.
        target: as typed.
        options: those of the line and the meter, as Click gives them.
        password: what the password options say.

    Raises:
        ConfigError: no such meter, or meters.toml is wrong.
        PortError: the file of ``replay://`` cannot be read.
        UsageError: TARGET is empty.
    """
    around.meter = target
    said = {key: value for key, value in options.items() if _said(key, value)}
    force = password.force if password else False
    lock = (password.lock if password else None) or "customer"
    if is_port(target):
        options = with_tape(around, target, said)
        source = fitting(_password(password, target, None), options)
        return Target(target, options, None, source, force, lock)
    profile = _meter(around, target)
    if profile.lock is not None and not (password and password.lock):
        lock = profile.lock
    options = {**profile.options, **said, "meter": profile.name}
    options = with_tape(around, profile.port, options)
    return Target(
        profile.port,
        options,
        profile,
        fitting(_password(password, profile.port, profile), options),
        force,
        lock,
    )


def chosen(target: Target, key: str, value: Any, *table: str) -> Any:
    """An option of the command itself: as said, else as the profile says it.

    Args:
        target: what TARGET means.
        key: the name of the option and, with ``-``, of the key.
        value: as Click gives it, perhaps its default.
        *table: the table of the profile that the key stands in.
    """
    if target.profile is None or _said(key, value):
        return value
    said = target.profile.get(*table, key.rstrip("_").replace("_", "-"))
    return value if said is None else said


def _said(key: str, value: Any) -> bool:
    """Whether an option was given, on the command line or by a variable."""
    if value in (None, "auto"):
        return False
    source = click.get_current_context().get_parameter_source(key)
    sources = click.core.ParameterSource
    return source in (sources.COMMANDLINE, sources.ENVIRONMENT)


def _password(
    said: PasswordOptions | None, port: str, profile: "Profile | None"
) -> "PasswordSource | None":
    if said is not None and said.table is not None:
        from iecread.passwords import PasswordSource

        return PasswordSource.from_table(said.table, port)
    return profile.password if profile is not None and said is not None else None


def _meter(around: Surroundings, target: str) -> "Profile":
    if not target.strip():
        from iecread.cli.exitcodes import UsageError
        from iecread.meternames import meant

        raise UsageError(
            "TARGET is empty", "is a variable of the shell not set? " + meant(target)
        )
    from iecread.meternames import meter_called

    return meter_called(target, around.config, around.environ)
