"""Options of what is written: format, file, times, and which of the registers."""

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, NamedTuple, cast

import click

from iecread.cli.command import F, choice, env_option, option, together


def _codes(
    ctx: click.Context, param: click.Parameter, value: Sequence[str]
) -> tuple[str, ...]:
    """Split what ``--only`` got at commas, and check each code."""
    codes = [code.strip() for word in value for code in word.split(",")]
    if codes:
        from iecread.obis import Pattern

        for code in codes:
            try:
                Pattern.parse(code)
            except ValueError as error:
                raise click.BadParameter(str(error), ctx, param) from error
    return tuple(codes)


class OutputOptions(NamedTuple):
    """What the options of output_options say.

    Attributes:
        format_: ``auto`` or a format.
        output: a file, ``-`` for stdout.
        append: whether to add to the file.
        utc: whether times are in UTC.
        strict: whether a register that is not sure is an error.
    """

    format_: str
    output: str
    append: bool
    utc: bool
    strict: bool


def output_options(*formats: str) -> Callable[[F], F]:
    """Options of every command with data; the command gets them as ``out``.

    Args:
        formats: the formats that the command can write, besides ``auto``.
    """

    def gathered(function: F) -> F:
        @wraps(function)
        def command(*args: Any, **options: Any) -> Any:
            out = OutputOptions(*(options.pop(key) for key in OutputOptions._fields))
            return function(*args, out=out, **options)

        return cast(F, command)

    options = together(
        env_option(
            "Output",
            "-f",
            "--format",
            "format_",
            metavar="FORMAT",
            type=choice("auto", *formats),
            default="auto",
            envvar="IECREAD_FORMAT",
            help=f"auto, {', '.join(formats)}.  auto: by the suffix of -o, else "
            "table on a terminal, else csv.",
        ),
        env_option(
            "Output",
            "-o",
            "--output",
            metavar="FILE",
            type=click.Path(allow_dash=True),
            default="-",
            help="Write to FILE, whole or not at all; - is stdout.",
        ),
        env_option("Output", "--append", is_flag=True, help="Add to FILE."),
        env_option("Output", "--utc", is_flag=True, help="Times in UTC."),
        env_option(
            "Output",
            "--strict",
            is_flag=True,
            help="Exit 8 if a register is unchecked or malformed.",
        ),
    )
    return lambda function: options(gathered(function))


lock_format_option = option(
    "Output",
    "-f",
    "--format",
    "format_",
    type=choice("auto", "table", "csv", "json", "jsonl"),
    metavar="FORMAT",
    default="auto",
    help="auto, table, csv, json, jsonl: of --status; else words on stderr, or json.",
)

result_format_option = option(
    "Output",
    "-f",
    "--format",
    "format_",
    type=choice("auto", "json"),
    metavar="FORMAT",
    default="auto",
    help="auto: words on stderr; json: the change as an object.",
)

only_option = option(
    "Output",
    "--only",
    metavar="CODE",
    multiple=True,
    callback=_codes,
    help="Only these registers, comma-separated or repeated; stops early.",
)

count_option = option(
    "Output",
    "--count",
    type=click.IntRange(1),
    metavar="N",
    help="End after N telegrams.",
)
