"""``iecread meters``: what stands in meters.toml, and whether it is right.

``check`` says everything that is wrong at once, with file, line and carets; what it
cannot see in the file alone (a password file that others can read, two meters that
would answer at once) it looks for too.  No port is opened and no password fetched.
"""

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from iecread.cli.command import Command, F, common_options, option
from iecread.cli.context import Surroundings
from iecread.errors import ConfigError, OutputError, PortError

if TYPE_CHECKING:
    from iecread.config import Config
    from iecread.configfaults import Fault
    from iecread.meterprofile import Profile

_EXAMPLE = "meters.example.toml"
_DEMO_ENDS = "\n# Optical head on a USB port."  # what follows is for other computers


@click.group(
    short_help="The meters of meters.toml.",
    epilog="\b\nExample:\n"
    "  iecread meters init\n"
    "  iecread meters check\n"
    "  iecread meters show kitchen",
)
def command() -> None:
    """List, show and check the meters of meters.toml; begin one; say where it is."""


def _format(*known: str) -> Callable[[F], F]:
    return option(
        "Output",
        "-f",
        "--format",
        "format_",
        type=click.Choice(known),
        default=known[0],
        help=f"{', '.join(known)}.  [default: {known[0]}]",
    )


@command.command(
    "list",
    cls=Command,
    short_help="All meters, a line each.",
    example="iecread meters list\niecread meters list -f json",
)
@_format("table", "csv", "json")
@common_options
@click.pass_obj
def list_(around: Surroundings, /, format_: str) -> None:
    """List the meters, in the order of the file."""
    from iecread.cli.target import config

    around.json_errors = format_ == "json"
    keys = ("meter", "port", "address", "serial", "enabled")
    rows = []
    for name, profile in config(around).meters.items():
        row = (
            name,
            profile.port,
            profile.get("address", default=""),
            profile.get("expect-serial", default=""),
            profile.enabled,
        )
        rows.append(dict(zip(keys, row, strict=True)))
    _write(_rows(rows, keys, format_))


@command.command(
    cls=Command,
    short_help="All that counts for one meter, and where it is said.",
    example="iecread meters show kitchen",
)
@click.argument("meter", metavar="METER", help="Its name.")
@_format("table", "csv", "json")
@common_options
@click.pass_obj
def show(around: Surroundings, /, meter: str, format_: str) -> None:
    """Show each setting of a meter with its value and where it comes from.

    Passwords are not fetched; what is not listed is as the program has it.
    """
    from iecread.cli.target import config

    around.json_errors = format_ == "json"
    profile = config(around).meter(meter)
    keys = ("key", "value", "origin")
    rows = [dict(zip(keys, row, strict=True)) for row in _settings(around, profile)]
    _write(_rows(rows, keys, format_))


def _settings(around: Surroundings, profile: "Profile") -> list[tuple[str, str, str]]:
    """Key, value and origin of all that is said for a meter."""
    found = []
    for path, value in profile.values.items():
        key = ".".join(f'"{part}"' if "." in part else part for part in path)
        origin = profile.origin(*path)
        if profile.origins[path][0] == "defaults":
            origin += " [defaults]"
        elif profile.origins[path][1] != profile.name:
            origin += f" [meters.{profile.origins[path][1]}]"
        variable = "IECREAD_" + path[0].upper().replace("-", "_")
        if len(path) == 1 and around.environ.get(variable):
            value, origin = around.environ[variable], variable
        if path == ("password",):
            value = _source(value)
        found.append((key, _shown(value), origin))
    return found + _learned(around, profile)


def _learned(around: Surroundings, profile: "Profile") -> list[tuple[str, str, str]]:
    """What was found out in sessions and counts where nobody said anything."""
    from iecread.learned import memory_for

    options = profile.options
    memory = memory_for(around.environ, profile.port, options)
    found = []
    for name, value in (memory.recall() if memory else {}).items():
        key = name.replace("_", "-")
        said = around.environ.get("IECREAD_" + name.upper())
        if options.get(name) is None and not said:
            found.append((key, _shown(value), f"learned {memory and memory.since}"))
    return found


def _source(table: Any) -> str:
    """Where a password comes from; never what it is."""
    hidden = {k: "***" if k == "value" else v for k, v in table.items()}
    return "{ " + ", ".join(f"{k} = {_shown(v)}" for k, v in hidden.items()) + " }"


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple | list):
        return ", ".join(map(str, value)) or "all"
    if isinstance(value, float):
        return f"{value:g}s"
    return str(value)


@command.command(
    cls=Command,
    short_help="Is all of it right?",
    example="iecread meters check\niecread meters check meters.example.toml",
)
@click.argument(
    "file", required=False, type=click.Path(), help="Instead of the one found."
)
@_format("text", "json")
@common_options
@click.pass_obj
def check(around: Surroundings, /, file: str | None, format_: str) -> None:
    """Check meters.toml: every error with its line and what to do about it.

    Exit 4 if there is one.
    """
    from iecread.config import load_config, read_config
    from iecread.configfaults import ConfigFileError
    from iecread.output.text import printable

    around.json_errors = format_ == "json"
    path, meters = file or _path(around), 0
    try:
        config = read_config(path) if path else load_config(None, around.environ)
        faults, meters = config.faults or doubts(config), len(config.meters)
    except ConfigFileError as error:
        faults = error.faults
    if format_ == "json":
        import json

        rows = [
            {"line": f.line or None, "message": f.message, "hint": f.hint or None}
            for f in faults
        ]
        _write(json.dumps(rows, indent=1) + "\n")
    else:
        for fault in faults:
            around.say(f"{printable(fault.where)}: {printable(fault.message)}")
            for line in fault.excerpt.splitlines():
                around.say(printable(line))
            if fault.hint:
                around.say(f"  hint: {printable(fault.hint)}")
    if faults:
        count = f"{len(faults)} error{'s' * (len(faults) > 1)}"
        raise ConfigError(f"{count} in {path}", "nothing was read")
    around.note(f"{path}: {meters} meters, no errors")


def doubts(config: "Config") -> "list[Fault]":
    """What is wrong with meters beside the text of their file.

    Args:
        config: a file that is right in itself.
    """
    from iecread.cli.dumpstore import header_of, place_of
    from iecread.config import conflicts
    from iecread.configfaults import ConfigFileError

    found = []
    for profile in config.meters.values():
        try:
            source = profile.password
            if source is not None:
                source.check_file()
        except ConfigFileError as error:
            found += error.faults
        except ConfigError as error:
            found.append(profile.fault(("password",), error.message, error.hint))
        for path in (("csv", "file"), ("load-profile", "file")):
            if profile.get(*path) is not None:
                try:
                    place_of(profile, *path)
                except ConfigFileError as error:
                    found += error.faults
        try:
            header_of(profile)
        except ConfigFileError as error:
            found += error.faults
        try:
            _check_port(profile.port)
        except PortError as error:
            found.append(profile.fault(("port",), error.message, error.hint))
    found += conflicts(p for p in config.meters.values() if p.enabled)
    unique = {(f.where, f.message): f for f in found}
    return sorted(unique.values(), key=lambda f: f.line)


def _check_port(port: str) -> None:
    """See whether a URL says what it must; what is behind it is not asked.

    Raises:
        PortError: it does not.
    """
    if port.startswith("sim://"):
        from iecread.simulator.options import parse_url

        parse_url(port)
    elif port.startswith(("socket://", "rfc2217://")):
        from iecread.transports.tcp import parse_address

        parse_address(port)


@command.command(
    cls=Command,
    short_help="Write one to begin with.",
    example="iecread meters init\niecread meters init ./meters.toml",
)
@click.argument("file", required=False, type=click.Path(), help="Where to.")
@common_options
@click.pass_obj
def init(around: Surroundings, /, file: str | None) -> None:
    """Write a meters.toml with a simulated meter and examples as comments.

    Without FILE into the user's folder.  A file that is there is never touched.
    """
    from iecread.config import candidates
    from iecread.statefolder import reason

    said = around.config or around.environ.get("IECREAD_CONFIG")
    path = os.path.expanduser(file or said or "")
    if not path:
        places = candidates(around.environ)
        path = places[1] if len(places) > 2 else places[0]
    text = beginning()
    try:
        os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
        with open(path, "x", encoding="utf-8", newline="\n") as new:
            new.write(text)
    except FileExistsError as error:
        raise OutputError(
            f"{path!r} is there already", f"edit it; iecread meters check {path}"
        ) from error
    except OSError as error:
        why = reason(error)
        raise OutputError(f"cannot write {path!r}: {why}", "name another") from error
    around.note(f"wrote {path}; try: iecread -c {path} readout demo")


def example() -> str:
    """The text of meters.example.toml."""
    import pkgutil
    from pathlib import Path

    import iecread

    # in the package where it was installed, beside it in a checkout; not a file where
    # the package is within a zip archive
    try:
        if text := pkgutil.get_data("iecread", f"data/{_EXAMPLE}"):
            return text.decode("utf-8")
    except OSError:
        beside = Path(iecread.__file__).parent.parent / _EXAMPLE
        if beside.is_file():
            return beside.read_text("utf-8")
    raise ConfigError(f"{_EXAMPLE} was not installed", "install iecread anew")


def beginning() -> str:
    """The example, of which only the simulated meter is no comment."""
    text = example()
    at = text.index(_DEMO_ENDS)
    rest = "".join(
        line if not line.strip() or line.startswith("#") else f"# {line}"
        for line in text[at:].splitlines(keepends=True)
    )
    return text[:at] + rest


@command.command(
    cls=Command, short_help="Which file is used.", example="iecread meters path"
)
@common_options
@click.pass_obj
def path(around: Surroundings, /) -> None:
    """Print the meters.toml that is used; exit 4 if there is none."""
    from iecread.config import load_config

    found = _path(around)
    if found is None or not os.path.exists(found):
        load_config(found, around.environ)  # says where it was looked for
    _write(f"{found}\n")


def _path(around: Surroundings) -> str | None:
    from iecread.config import find_config

    return find_config(around.config, around.environ)


def _rows(rows: list[dict[str, Any]], keys: tuple[str, ...], format_: str) -> str:
    from iecread.output.text import csv_cell, printable

    if format_ == "json":
        import json

        return json.dumps(rows, indent=1, ensure_ascii=False) + "\n"
    texts = [[_shown(row[key]) for key in keys] for row in rows]
    if format_ == "csv":
        import csv
        import io

        text = io.StringIO(newline="")
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(keys)
        writer.writerows([[csv_cell(cell) for cell in row] for row in texts])
        return text.getvalue()
    lines = [list(keys), *([printable(cell) for cell in row] for row in texts)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "".join(
        "  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)).rstrip() + "\n"
        for line in lines
    )


def _write(text: str) -> None:
    from iecread.output.sink import Sink

    with Sink(None) as sink:
        sink.write(text)
