"""Options that say where a password or a new code is; never what it is.

A source on the command line is stronger than one of the environment; of two that are
as strong neither is chosen.
"""

from collections.abc import Iterable
from functools import wraps
from typing import Any, NamedTuple, cast

import click

from iecread import settings
from iecread.cli.command import F, choice, env_option, option, together
from iecread.cli.valuetypes import Setting


class PasswordOptions(NamedTuple):
    """What the options of password_options say.

    Attributes:
        table: the source, as in meters.toml; None: log in without a password.
        force: whether to send a password that was refused lately.
        lock: the LIS-200 lock that it opens; None: not said.
    """

    table: dict[str, Any] | None
    force: bool
    lock: str | None = None


_SOURCES = ("env", "file", "keyring", "credential", "command", "prompt")


def _password(ctx: click.Context, options: dict[str, Any]) -> PasswordOptions:
    """Take the password options out of ``options``; at most one may be a source.

    Those on the command line are stronger than those of the environment.
    """
    said = {kind: options.pop(f"password_{kind}") for kind in _SOURCES}
    said = {kind: value for kind, value in said.items() if value}
    line = click.core.ParameterSource.COMMANDLINE
    typed = {
        kind: value
        for kind, value in said.items()
        if ctx.get_parameter_source(f"password_{kind}") is line
    }
    sources = typed or said
    access, algorithm = options.pop("access"), options.pop("algorithm")
    force, lock = options.pop("force_login"), options.pop("lock")
    if len(sources) > 1:
        names = " and ".join(f"--password-{kind}" for kind in sources)
        raise click.UsageError(f"{names} name two passwords; one is sent", ctx)
    if not sources:
        if access or algorithm:
            name = "--algorithm" if algorithm else "--access"
            raise click.UsageError(f"{name} wants a password, --password-env", ctx)
        return PasswordOptions(None, force, lock)
    _split_words(sources, "--password-command")
    if access:
        sources["access"] = int(access)
    if algorithm:
        sources["algorithm"] = algorithm
    return PasswordOptions(sources, force, lock)


def _split_words(sources: dict[str, Any], option: str) -> None:
    """Cut a password command into words, as a shell does."""
    if "command" not in sources:
        return
    import shlex

    try:
        sources["command"] = shlex.split(sources["command"])
    except ValueError as error:
        ctx = click.get_current_context()
        raise click.UsageError(f"{option}: {error}", ctx) from error


def password_options(function: F) -> F:
    """Options that say where the password is; the command gets them as ``password``."""

    @wraps(function)
    def command(*args: Any, **options: Any) -> Any:
        password = _password(click.get_current_context(), options)
        return function(*args, password=password, **options)

    return _password_group(cast(F, command))


def _locks() -> Iterable[str]:
    from iecread.lis200.locks import LOCKS

    return LOCKS


lock_option = env_option(
    "Password",
    "--lock",
    type=Setting("lock", settings.lock, "LOCK", _locks),
    help="Which lock of a LIS-200 device: customer, supplier, data-reader, user, or "
    "1 to 6.  [default: customer]",
)

_password_group = together(
    env_option("Password", "--password-env", metavar="VAR", help="In this variable."),
    env_option(
        "Password",
        "--password-file",
        metavar="FILE",
        type=click.Path(),
        help="In the first line of FILE, which only you may read.",
    ),
    env_option(
        "Password", "--password-keyring", metavar="NAME", help="In the keyring."
    ),
    env_option(
        "Password", "--password-credential", metavar="NAME", help="From systemd."
    ),
    env_option(
        "Password",
        "--password-command",
        metavar="WORDS",
        help="The first line that a command writes.",
    ),
    env_option("Password", "--password-prompt", is_flag=True, help="Ask for it."),
    env_option(
        "Password",
        "--access",
        type=choice("1", "2"),
        help="Send it as P1 or P2.  [default: 1, with an algorithm 2]",
    ),
    env_option(
        "Password",
        "--algorithm",
        metavar="NAME",
        help="How it answers the meter's challenge.  [default: plain]",
    ),
    option(
        "Password",
        "--force-login",
        is_flag=True,
        help="Send it although it was refused within 24 hours.",
    ),
    lock_option,
)


class NewCode(NamedTuple):
    """What the options of new_code_options say.

    Attributes:
        table: the source, as that of a password; None: not said.
    """

    table: dict[str, Any] | None

    @property
    def kind(self) -> str:
        """The end of the option's name."""
        return next(iter(self.table or {}), "")


def new_code_options(function: F) -> F:
    """Options that say where a new code is; the command gets them as ``new_code``."""

    @wraps(function)
    def command(*args: Any, **options: Any) -> Any:
        said = {kind: options.pop(f"new_code_{kind}") for kind in _SOURCES}
        table = {kind: value for kind, value in said.items() if value}
        if len(table) > 1:
            names = " and ".join(f"--new-code-{kind}" for kind in table)
            raise click.UsageError(
                f"{names} name two codes; one is sent", click.get_current_context()
            )
        _split_words(table, "--new-code-command")
        return function(*args, new_code=NewCode(table or None), **options)

    return _new_code_group(cast(F, command))


_new_code_group = together(
    *(
        option(
            "New code",
            f"--new-code-{kind}",
            help=help_,
            **({"metavar": metavar} if metavar else {"is_flag": True}),
        )
        for kind, metavar, help_ in (
            ("env", "VAR", "The new code is in this variable."),
            ("file", "FILE", "In the first line of FILE, which only you may read."),
            ("keyring", "NAME", "In the keyring."),
            ("credential", "NAME", "From systemd."),
            ("command", "WORDS", "The first line that a command writes."),
            ("prompt", "", "Ask for it, twice.  [default on a terminal]"),
        )
    )
)
