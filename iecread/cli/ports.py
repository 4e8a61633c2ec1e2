"""``iecread ports``: the serial ports of this computer, and one that is plugged in."""

from typing import TYPE_CHECKING, Any

import click

from iecread.cli.command import Command, common_options, option
from iecread.cli.context import Surroundings
from iecread.cli.outputoptions import OutputOptions, output_options
from iecread.cli.valuetypes import DURATION
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
@option(
    "Options",
    "--new",
    is_flag=True,
    help="Wait for one that is plugged in, and show it.",
)
@option(
    "Options",
    "--timeout",
    type=DURATION,
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
    from iecread.cli.objects import ObjectWriter
    from iecread.output.text import printable
    from iecread.transports import portlist

    if new and port:
        raise UsageError("--new is about a port that is not there yet", "name none")
    if timeout is not None and not new:
        raise UsageError("--timeout goes with --new", "nothing else waits here")
    with ObjectWriter(around, out, _COLUMNS) as writer:
        if new:
            patience = _PATIENCE if timeout is None else timeout
            around.tell(
                "plug the adapter in; if it is, pull it out and plug it in again "
                f"({patience:g} s, Ctrl-C ends)"
            )
            found = _appeared(around, patience)
        elif port:
            found = [portlist.one(name) for name in port]
        else:
            found = portlist.listing()
        if writer.format == "value":
            text = "".join(f"{printable(port.stable)}\n" for port in found)
        else:
            bold = writer.terminal and around.colored(around.stdout)
            text = "\n".join(_block(port, bold) for port in found)
        writer.write([_object(port) for port in found], text=text)
    if not found and writer.format in ("table", "value"):
        around.tell("no serial adapter is to be seen here; is the head plugged in?")


def _appeared(around: Surroundings, timeout: float) -> "list[Port]":
    from iecread.transports import portlist

    def gone(port: "Port") -> None:
        around.tell(f"{port.device} is gone; plug it in again")

    found = portlist.appearing(timeout=timeout, gone=gone)
    if not found:
        raise PortError(
            f"no new port within {timeout:g} s",
            "try another cable or USB socket; `dmesg | tail` shows what the system "
            "saw, iecread ports lists what is there",
        )
    return [portlist.looked_up(port) for port in found]


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
