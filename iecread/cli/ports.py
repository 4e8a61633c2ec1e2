"""``iecread ports``: the serial ports of this computer, and one that is plugged in."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from iecread.cli.context import Surroundings
from iecread.cli.options import (
    DURATION,
    Command,
    Option,
    OutputOptions,
    common_options,
    output_options,
)
from iecread.errors import PortError

if TYPE_CHECKING:
    from iecread.transports.portlist import Port

_COLUMNS = (
    "device",
    "name",
    "by_id",
    "by_path",
    "adapter",
    "usb",
    "serial",
    "location",
    "holders",
    "allowed",
    "group",
    "hint",
)
_PATIENCE = 60.0  # seconds


@click.command(
    cls=Command,
    short_help="Serial ports here, by-id names, who holds them; --new.",
    example="iecread ports\n"
    "iecread ports --new\n"
    'iecread identify "$(iecread ports --new -f value)"',
)
@click.argument("port", metavar="[PORT]...", nargs=-1, help="Only these.")
@click.option(
    "--new",
    is_flag=True,
    cls=Option,
    help="Wait for one that is plugged in, and show it.",
)
@click.option(
    "--timeout",
    type=DURATION,
    cls=Option,
    help="With --new: how long.  [default: 60s]",
)
@output_options("table", "csv", "json", "jsonl", "value")
@common_options
@click.pass_obj
def command(
    around: Surroundings,
    /,
    port: tuple[str, ...],
    new: bool,
    timeout: float | None,
    out: OutputOptions,
) -> None:
    """List the serial ports of this computer; none of them is opened.

    Shown are the device, the name that stays when adapters are replugged, what the
    adapter is, who holds the port, and whether you may open it.  -f value gives the
    names that stay.
    """
    from iecread.cli.exitcodes import UsageError
    from iecread.cli.writing import check_output, chosen_format
    from iecread.output.sink import Sink
    from iecread.transports import portlist

    if new and port:
        raise UsageError("--new is about a port that is not there yet", "name none")
    if timeout is not None and not new:
        raise UsageError("--timeout goes with --new", "nothing else waits here")
    check_output(out)
    terminal = out.output == "-" and around.terminal(around.stdout)
    format_ = chosen_format(out.format_, out.output, terminal)
    if out.append and format_ == "json":
        raise UsageError(
            "a file of -f json cannot be appended to", "use -f jsonl or csv"
        )
    around.json_errors = format_ in ("json", "jsonl")
    header = ",".join(_COLUMNS) + "\n" if format_ == "csv" else ""
    target = None if out.output == "-" else out.output
    with Sink(target, out.append, header) as sink:
        if new:
            _wait(around, timeout)
            found = _appeared(around, _PATIENCE if timeout is None else timeout)
        elif port:
            found = [portlist.one(name) for name in port]
        else:
            found = portlist.listing()
        bold = terminal and around.colored(around.stdout)
        text = written(found, format_, bold=bold)
        sink.write(text)
    if not found and format_ in ("table", "value"):
        around.note("no serial adapter is to be seen here; is the head plugged in?")


def _wait(around: Surroundings, timeout: float | None) -> None:
    seconds = _PATIENCE if timeout is None else timeout
    around.note(
        f"plug the adapter in; if it is, pull it out and plug it in again "
        f"({seconds:g} s, Ctrl-C ends)"
    )


def _appeared(around: Surroundings, timeout: float) -> "list[Port]":
    from iecread.transports import portlist

    def gone(port: "Port") -> None:
        around.note(f"{port.device} is gone; plug it in again")

    found = portlist.appearing(timeout=timeout, gone=gone)
    if not found:
        raise PortError(
            f"no new port within {timeout:g} s",
            "try another cable or USB socket; `dmesg | tail` shows what the system "
            "saw, iecread ports lists what is there",
        )
    return [portlist.looked_up(port) for port in found]


def written(ports: "Sequence[Port]", format_: str, *, bold: bool = False) -> str:
    """Return ports as text.

    Args:
        ports: what to write.
        format_: table, csv, json, jsonl or value.
        bold: whether the devices of a table are to stand out.
    """
    from iecread.output.text import printable

    if format_ == "value":
        return "".join(f"{printable(port.stable)}\n" for port in ports)
    if format_ == "csv":
        from iecread.output.rowtext import lines

        return lines([_cells(port) for port in ports])
    if format_ == "table":
        return "\n".join(_block(port, bold) for port in ports)
    import json

    rows = [json.dumps(_object(port)) for port in ports]
    if format_ == "jsonl":
        return "".join(row + "\n" for row in rows)
    return "[\n" + ",\n".join(rows) + "\n]\n" if rows else "[]\n"


def _object(port: "Port") -> dict[str, Any]:
    holders = port.holders
    return {
        "device": port.device,
        "name": port.stable,
        "by_id": port.by_id or None,
        "by_path": port.by_path or None,
        "adapter": port.adapter or None,
        "usb": port.usb or None,
        "serial": port.serial or None,
        "location": port.location or None,
        "holders": None
        if holders is None
        else [{"pid": who.pid, "command": who.command} for who in holders],
        "allowed": port.access.allowed if port.access else None,
        "group": (port.access.group if port.access else None) or None,
        "hint": (port.access.hint if port.access else None) or None,
    }


def _cells(port: "Port") -> list[str | tuple[str, ...]]:
    values = _object(port)
    values["holders"] = tuple(map(str, port.holders or ()))
    if port.access:
        values["allowed"] = "yes" if port.access.allowed else "no"
    return [values[key] or "" for key in _COLUMNS]


def _block(port: "Port", bold: bool) -> str:
    """A port for people: its names on lines of their own, to be copied."""
    from iecread.output.text import printable

    device = printable(port.device)
    if bold:
        device = click.style(device, bold=True)
    facts = [port.adapter, port.usb, f"serial {port.serial}" if port.serial else ""]
    first = "  ".join([device, *(printable(fact) for fact in facts if fact)])
    lines = [first]
    if port.stable != port.device:
        lines.append(f"  {printable(port.stable)}")
        if port.stable == port.by_path:
            lines.append("  (a name of this USB socket: the adapter has no own number)")
    lines.append("  " + printable(_state(port)))
    may = port.access
    if may and not may.allowed and may.hint:
        lines.append(f"  {printable(may.hint)}")
    return "\n".join(lines) + "\n"


def _state(port: "Port") -> str:
    """Who holds it, and whether it may be opened."""
    words = []
    if port.holders:
        words.append("in use by " + ", ".join(map(str, port.holders)))
    elif port.holders is not None:
        words.append("free")
    if port.access is None:
        words.append("whether you may open it shows when it is opened")
    elif port.access.allowed:
        words.append("you may open it")
    else:
        group = (
            f": it belongs to group {port.access.group}" if port.access.group else ""
        )
        words.append(f"you may not open it{group}")
    return ", ".join(words)
