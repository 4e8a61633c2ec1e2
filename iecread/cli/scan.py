"""``iecread scan``: who is on a bus, address by address."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from iecread.cli.command import Command, common_options, option
from iecread.cli.context import NORMAL, STEPS, Surroundings
from iecread.cli.exitcodes import UsageError
from iecread.cli.options import line_options, target_argument, waking_options
from iecread.cli.outputoptions import OutputOptions, output_options
from iecread.cli.valuetypes import DURATION
from iecread.errors import NoAnswerError
from iecread.output.text import printable
from iecread.protocol.actions import Event, Identified

if TYPE_CHECKING:
    from iecread.addresses import AddressList
    from iecread.output.rowtext import Cell
    from iecread.scan import Answer, Scan
    from iecread.scanstate import ScanState

_USUAL = "1-99"
_NOTED = 5.0  # seconds between two notes of how far it has come
_ALIKE = 3  # answers to all addresses alike: the meter does not look at them
_TALK = 64  # bytes; more are no identification
_LONG = 6 * 3600.0  # seconds; a scan that takes longer is worth a word


@click.command(
    cls=Command,
    short_help="Device addresses on a bus.",
    example="iecread scan /dev/ttyUSB0 --addresses 1-99\n"
    "iecread scan COM4 --addresses 00012340-00012349,00099001 -o bus.csv --append\n"
    "iecread scan sim://bus --addresses 10048150-10048160",
)
@target_argument
@option(
    "Options",
    "--addresses",
    metavar="LIST",
    multiple=True,
    help="7,12 or 1-99 or 0001-0050 or @FILE; may be repeated.  [default: 1-99]",
)
@option(
    "Options",
    "--pause",
    type=DURATION,
    default="200ms",
    help="Quiet before each request; more is gentler.  [default: 200ms]",
)
@option("Options", "--resume", is_flag=True, help="Go on where the same scan stopped.")
@option(
    "Options",
    "--no-general",
    is_flag=True,
    help="Do not ask without an address first, which all meters answer at once.",
)
@output_options("table", "csv", "json", "jsonl")
@waking_options
@line_options
@common_options
@click.pass_context
def command(
    ctx: click.Context,
    /,
    target: str,
    addresses: tuple[str, ...],
    pause: float,
    resume: bool,
    no_general: bool,
    out: OutputOptions,
    **meter: Any,
) -> None:
    """Ask each address for its meter; show who answers, while it goes on.

    Nothing but opening requests is sent; meters with a battery are woken only with
    --wake always, or where their device profile says so.  Two answers at once are
    shown as a collision.  Each address is asked once, or --retries times more.
    Ctrl-C stops; --resume goes on behind the last address.  Exit 7 if nobody
    answers.
    """
    from iecread.cli.rows import Column, RowWriter
    from iecread.cli.target import resolve
    from iecread.scan import Scan, Status
    from iecread.session import Meter

    around: Surroundings = ctx.obj
    listed = _addresses(addresses)
    if resume and out.output != "-" and not out.append:
        raise UsageError(
            "--resume would replace what the scan has found so far",
            f"add to it: -o {out.output} --append",
        )
    meant = resolve(around, target, meter)
    if meant.options.get("mode") == "d":
        raise UsageError("a meter that talks by itself has no address", "see listen")
    # many meters are none to remember anything of
    options = {**meant.options, "address": "", "memory": None}
    state = _state(around, meant.port, listed, needed=resume)
    begin = state.tried() if state and resume else 0
    columns = [
        Column("time", 0),
        Column("address", 12, "(any)"),
        Column("status", 9),
        Column("identification", 20),
        Column("manufacturer", 0),
        Column("manufacturer_name", 20),
        Column("model", 0),
        Column("mode", 4),
        Column("speed", -5),
        Column("device", 0),
    ]
    with (
        RowWriter(around, out, columns) as writer,
        Meter(meant.port, **options) as session,
    ):
        progress = _Progress(around, listed, begin, state)
        scan = Scan(
            session,
            pause=pause,
            retries=_retries(ctx, meter),
            on_ask=progress.ask,
        )
        progress.scan = scan
        progress.announce(resume)
        stopped: KeyboardInterrupt | None = None
        with _shown(around, session, progress):
            try:
                rest = (listed[index] for index in range(begin, listed.count))
                for answer in scan.run(rest, general=not (no_general or begin)):
                    progress.answered(answer)
                    if answer.status is not Status.SILENT:
                        progress.wipe()
                        writer.add(_row(answer))
                        writer.flush()
                progress.over()
            except KeyboardInterrupt as error:
                stopped = error  # what was found is written all the same
            finally:
                progress.end()
    if stopped is not None:
        raise stopped
    progress.remark()
    if not writer.rows:
        raise NoAnswerError(
            f"nobody answered ({progress.asked} addresses asked)",
            "other --addresses; a battery meter needs --wake always; is the speed "
            "right (--baud)? iecread doctor looks at the line",
        )


def _addresses(words: tuple[str, ...]) -> "AddressList":
    from iecread.addresses import AddressList
    from iecread.statefolder import reason

    try:
        return AddressList(words or (_USUAL,))
    except ValueError as error:
        raise UsageError(
            f"--addresses: {error}", "such as 7,12 or 1-99 or 0001-0050 or @FILE"
        ) from error
    except OSError as error:
        raise UsageError(
            f"--addresses: cannot read {error.filename!r}: {reason(error)}",
            "a file of addresses is named with @ in front",
        ) from error


def _retries(ctx: click.Context, meter: dict[str, Any]) -> int:
    """How often to ask again; not the usual default, which is for whole sessions."""
    default = click.core.ParameterSource.DEFAULT
    return 0 if ctx.get_parameter_source("retries") is default else meter["retries"]


def _state(
    around: Surroundings, port: str, listed: "AddressList", *, needed: bool
) -> "ScanState | None":
    from iecread.errors import ConfigError
    from iecread.scanstate import ScanState
    from iecread.statefolder import state_folder

    try:
        return ScanState(state_folder(around.environ), port, listed.text)
    except ConfigError:
        if needed:
            raise
        return None  # then it cannot be gone on with


def _row(answer: "Answer") -> "list[Cell]":
    from decimal import Decimal

    found = answer.identity
    if found is None:
        head: list[Cell] = [None, None, None, None, None, None, None]
    else:
        head = [
            found.identification.text,
            found.manufacturer,
            found.manufacturer_name,
            found.identification.model,
            "".join(mode.letter for mode in found.modes),
            None if found.speed is None else Decimal(found.speed),
            found.device.name if found.device else None,
        ]
    return [answer.time, answer.address, answer.status.value, *head]


@contextmanager
def _shown(around: Surroundings, session: Any, progress: "_Progress") -> Iterator[None]:
    """Steps and bytes where they were asked for, else the progress."""
    if around.verbosity >= STEPS:
        from iecread.cli.watch import watched

        with watched(around, session, lines=False):
            yield
    else:
        session.on_bytes, session.on_event = progress.bytes, progress.event
        yield


class _Progress:
    """How far the scan has come: on a terminal, and in the state folder.

    Args:
        around: the surroundings.
        listed: all addresses.
        begin: how many of them are left out.
        state: where to write down how far it has come.
    """

    scan: "Scan"

    def __init__(
        self,
        around: Surroundings,
        listed: "AddressList",
        begin: int,
        state: "ScanState | None",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        from iecread.cli.watch import can_draw

        self.asked = 0
        self._around, self._listed, self._state = around, listed, state
        self._tried = self._begin = begin
        self._draws = can_draw(around) and around.verbosity == NORMAL
        self._drawn = False
        self._found = 0
        self._texts: list[str] = []  # of the identifications that came
        self._clock = clock
        self._noted = self._shown = clock()
        self._came, self._text = 0, ""

    def announce(self, resume: bool) -> None:
        """Say what is going to be asked, and how long that takes."""
        count = self._listed.count - self._begin
        if self._begin:
            self._around.tell(f"going on behind {self._listed[self._begin - 1]}")
        elif resume:
            self._around.tell("no scan of these addresses was stopped: from the start")
        each = self.scan.seconds(self._listed[self._begin]) if count else 0.0
        left = span(count * each)
        self._around.tell(
            f"{count} address{'es' * (count != 1)}, "
            f"{each:.1f} s each where nobody answers: {left} (Ctrl-C stops)"
        )
        if count * each > _LONG:
            self._around.tell("that is long: are some digits of the address known?")

    def ask(self, address: str) -> None:
        """Show which address is asked now."""
        self.asked += bool(address)
        if not self._draws or self._around.stderr is None:
            return
        left = self._listed.count - self._tried
        each = self.scan.seconds(address)
        text = f"{self._tried + bool(address)} of {self._listed.count}"
        text += f"   {address or 'any address'}   {self._found} found"
        text += f"   {span(left * each)} left"
        self._came, self._text = 0, text
        self._show(text)

    def event(self, event: Event, moment: float) -> None:
        """Take what happened: who has answered is shown before it is a row."""
        if isinstance(event, Identified) and self._draws:
            self._text += f"   {printable(event.identification.text)}"
            self._show(self._text)

    def bytes(self, direction: str, data: bytes, moment: float) -> None:
        """Take what came: a meter that reads out by itself must be waited for."""
        if direction != "rx" or not self._draws:
            return
        self._came += len(data)
        if self._came > _TALK and self._clock() - self._shown > 0.25:
            self._show(f"{self._text}   waiting for silence, {self._came} bytes")

    def _show(self, text: str) -> None:
        self._shown = self._clock()
        width = self._around.width or 80
        self._draw(f"\r{text[: width - 1]}\x1b[K")

    def answered(self, answer: "Answer") -> None:
        """Take what came of an address."""
        if answer.address:
            self._tried += 1
        if answer.status.value != "silent":
            self._found += 1
            if answer.address and answer.identity:
                self._texts.append(answer.identity.identification.text)
        if self._clock() - self._noted > _NOTED:
            self._remember()

    def _remember(self) -> None:
        from iecread.errors import ConfigError

        self._noted = self._clock()
        try:
            if self._state is not None:
                self._state.remember(self._tried)
        except ConfigError:
            self._state = None

    def over(self) -> None:
        """All were asked: there is nothing to go on with."""
        self._tried = 0
        self._remember()

    def end(self) -> None:
        """Write down how far it has come, and say how to go on."""
        self.wipe()
        if not self._tried:
            return
        self._remember()
        if self._state is not None:
            last = self._listed[self._tried - 1]
            left = self._listed.count - self._tried
            self._around.tell(
                f"stopped behind {last}, {left} left: the same command with --resume "
                "goes on"
            )

    def remark(self) -> None:
        """Say what is odd about all answers together."""
        alike = len(set(self._texts)) == 1 and len(self._texts) == self.asked
        if alike and self.asked >= _ALIKE:
            self._around.tell(
                "every address gave the same answer: this meter does not look at "
                "the address"
            )

    def wipe(self) -> None:
        """Leave the line empty."""
        if self._drawn:
            self._draw("\r\x1b[K")
            self._drawn = False

    def _draw(self, text: str) -> None:
        try:
            if self._around.stderr is not None:
                self._around.stderr.write(text)
                self._around.stderr.flush()
                self._drawn = True
        except (OSError, ValueError):
            self._draws = False


def span(seconds: float) -> str:
    """Say about how long something takes."""
    for limit, unit, name in (
        (90, 1, "s"),
        (90 * 60, 60, "min"),
        (48 * 3600, 3600, "h"),
        (1000 * 86400, 86400, "days"),
    ):
        if seconds < limit:
            return f"{seconds / unit:.0f} {name}"
    return f"{seconds / (365 * 86400):.0f} years"
