"""What commands are made of: options by sections, and those that every command has.

The long option, the key in meters.toml and the environment variable (IECREAD_...)
have one name.  Options show up in the help under the section they belong to.
"""

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import click

from iecread.cli.context import BYTES, NORMAL, QUIET, Surroundings

F = TypeVar("F", bound=Callable[..., Any])


class Option(click.Option):
    """An option that knows its section and whose errors name the variable."""

    def __init__(self, *args: Any, section: str = "Options", **attrs: Any) -> None:
        super().__init__(*args, **attrs)
        self.section = section

    def get_help_extra(self, ctx: click.Context) -> Any:
        return {}  # our texts say what is worth saying

    def get_error_hint(self, ctx: click.Context | None) -> str:
        environment = click.core.ParameterSource.ENVIRONMENT
        if ctx is not None and ctx.get_parameter_source(self.name) is environment:
            return f"{self.envvar}"
        return f"{max(self.opts, key=len)}"


class Command(click.Command):
    """A command whose help shows options by section and ends with an example."""

    def __init__(self, *args: Any, example: str, **attrs: Any) -> None:
        attrs["epilog"] = "\b\nExample:\n  " + example.replace("\n", "\n  ")
        super().__init__(*args, **attrs)

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        options, *arguments = super().collect_usage_pieces(ctx)
        return [*arguments, options]

    def format_options(
        self, ctx: click.Context, formatter: click.HelpFormatter
    ) -> None:
        sections: dict[str, list[tuple[str, str]]] = {}
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx)
            if record is not None and not isinstance(param, click.Argument):
                section = getattr(param, "section", "Every command")
                sections.setdefault(section, []).append(record)
        width = max(len(names) for part in sections.values() for names, _ in part)
        for section, records in sections.items():
            with formatter.section(section):
                # all sections share one column of explanations
                names, help_ = records[0]
                records[0] = (names.ljust(min(width, 30)), help_)
                formatter.write_dl(records)


def option(section: str, *names: str, **attrs: Any) -> Callable[[F], F]:
    """Declare an option that is said on the command line only.

    Args:
        section: where the help shows it.
        names: as ``click.option`` takes them.
        attrs: what else ``click.option`` takes.
    """
    return click.option(*names, cls=Option, section=section, **attrs)


def env_option(section: str, *names: str, **attrs: Any) -> Callable[[F], F]:
    """Declare an option that the variable of its name stands for, too.

    Args are those of ``option``; the long name is the last.
    """
    variable = "IECREAD_" + names[-1].lstrip("-").upper().replace("-", "_")
    attrs.setdefault("envvar", variable)
    return option(section, *names, **attrs)


def together(*options: Callable[[F], F]) -> Callable[[F], F]:
    """One decorator for several options, which the help shows in this order."""

    def decorate(function: F) -> F:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


def choice(*names: str) -> click.Choice[str]:
    """One of ``names``, in small or capital letters."""
    return click.Choice(names, case_sensitive=False)


def _verbosity(ctx: click.Context, param: click.Parameter, value: int) -> None:
    around: Surroundings | None = ctx.find_object(Surroundings)
    if around is not None and value:
        around.verbosity = QUIET if param.name == "quiet" else min(value, BYTES)


def _color(ctx: click.Context, param: click.Parameter, value: str) -> None:
    around: Surroundings | None = ctx.find_object(Surroundings)
    # said before the verb, it is not undone by the default behind it
    typed = ctx.get_parameter_source("color") is click.core.ParameterSource.COMMANDLINE
    if around is not None and (typed or value != "auto"):
        around.color = value


def _config(ctx: click.Context, param: click.Parameter, value: str | None) -> None:
    around: Surroundings | None = ctx.find_object(Surroundings)
    if around is not None and value:
        around.config = value


common_options = together(
    option(
        "Every command",
        "-c",
        "--config",
        metavar="FILE",
        type=click.Path(),
        expose_value=False,
        is_eager=True,
        callback=_config,
        help="Which meters.toml; IECREAD_CONFIG counts too.",
    ),
    option(
        "Every command",
        "-v",
        "--verbose",
        count=True,
        default=NORMAL,
        expose_value=False,
        callback=_verbosity,
        help="One line per step; -vv: bytes both ways with times.",
    ),
    option(
        "Every command",
        "-q",
        "--quiet",
        is_flag=True,
        expose_value=False,
        callback=_verbosity,
        help="Errors only.",
    ),
    env_option(
        "Every command",
        "--debug",
        is_flag=True,
        expose_value=False,
        help="Show the traceback of an error.",
    ),
    env_option(
        "Every command",
        "--color",
        type=choice("auto", "always", "never"),
        default="auto",
        expose_value=False,
        is_eager=True,
        callback=_color,
        help="Colour; NO_COLOR and FORCE_COLOR count too.",
    ),
)


def variables(command: click.Command) -> Iterator[tuple[str, str]]:
    """Yield environment variable and long option of what ``command`` takes."""
    for param in command.params:
        if isinstance(param, click.Option) and isinstance(param.envvar, str):
            yield param.envvar, max(param.opts, key=len)
