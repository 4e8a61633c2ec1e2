"""``iecread simulate``: a simulated meter for other programs."""

from typing import Any, NamedTuple

import click

from iecread.cli.command import Command, common_options, option
from iecread.cli.context import Surroundings
from iecread.cli.exitcodes import UsageError


class Name(click.types.StringParamType):
    """A simulated meter, or its whole URL."""

    name = "name"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[Any]:
        from click.shell_completion import CompletionItem

        from iecread.simulator import NAMES

        return [CompletionItem(name) for name in NAMES if name.startswith(incomplete)]


class Place(NamedTuple):
    """Where a TCP server listens."""

    host: str
    port: int


class TcpPlace(click.ParamType[Place]):
    """``PORT`` or ``HOST:PORT``."""

    name = "[host:]port"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Place:
        host, _, port = str(value).rpartition(":")
        if not (port.isascii() and port.isdigit() and int(port) < 65536):
            self.fail(f"{value!r} is no port from 0 to 65535", param, ctx)
        return Place(host.strip("[]") or "127.0.0.1", int(port))


@click.command(
    cls=Command,
    short_help="Offer a simulated meter to other programs.",
    example="iecread simulate household --pty --link /tmp/meter\n"
    "iecread simulate industrial --tcp 8000 --fault bcc=once",
)
@click.argument("name", metavar="[NAME]", type=Name(), default="household")
@option("Options", "--pty", is_flag=True, help="On a pseudo terminal (default).")
@option("Options", "--link", metavar="PATH", help="With a link to find it by.")
@option(
    "Options", "--tcp", type=TcpPlace(), help="On a TCP port; 0 is any that is free."
)
@option(
    "Options",
    "--port",
    metavar="DEVICE",
    help="On a serial port, for another machine.",
)
@option(
    "Options",
    "--fault",
    metavar="KEY=VALUE",
    multiple=True,
    help="What goes wrong, such as echo=1; see iecread help ports.",
)
@common_options
@click.pass_obj
def command(
    around: Surroundings,
    /,
    name: str,
    pty: bool,
    link: str | None,
    tcp: Place | None,
    port: str | None,
    fault: tuple[str, ...],
) -> None:
    """Offer a simulated meter to other programs, until Ctrl-C.

    NAME is one of those of sim://NAME (household by default), or such a URL.  The
    first line on stdout is where the meter can be reached.  Characters take the time
    that they take on a real line.
    """
    if sum((pty or link is not None, tcp is not None, port is not None)) > 1:
        raise UsageError("a meter is on one line only", "one of --pty, --tcp, --port")
    from threading import Event

    from iecread.simulator import parse_url, serve_port, serve_pty, serve_tcp

    meter = parse_url(_url(name, fault))

    def ready(place: str) -> None:
        click.echo(place)
        around.note(f"{meter.name} is there until Ctrl-C; try: iecread readout {place}")

    stop = Event()  # never set: signals end it, and close what is open
    if tcp is not None:
        serve_tcp(meter, tcp.port, host=tcp.host, stop=stop, ready=ready)
    elif port is not None:
        serve_port(meter, port, stop=stop, ready=ready)
    else:
        serve_pty(meter, stop=stop, ready=ready, link=link)


def _url(name: str, faults: tuple[str, ...]) -> str:
    """Return the URL of a meter with more faults."""
    url = name if name.startswith("sim://") else f"sim://{name}"
    for fault in faults:
        if "=" not in fault:
            raise UsageError(f"--fault {fault!r} is not KEY=VALUE", "such as echo=1")
        url += ("&" if "?" in url else "?") + fault
    return url
