"""The command group, and the one boundary where errors become exit codes.

Commands are listed in a table with their one-line help; a command's module is
imported when it is invoked, so that ``iecread --help`` and ``--version`` stay quick.
Click's own ``main`` is not used: it would write to stderr, and end, on its own terms.
Expected errors become what, why and what to do; anything else is a bug and says how
to report it.  Signals become exceptions in the main thread, so that sessions close.
"""

import errno
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Any

import click

from iecread.cli.command import common_options
from iecread.cli.context import QUIET, Surroundings
from iecread.cli.exitcodes import NUMBERS
from iecread.errors import IecReadError

HELP_OPTIONS = ["-h", "--help"]

# section -> command -> one line of help; each lives in the module of its name
COMMANDS = {
    "Read": {
        "readout": "All that the meter offers in its data readout.",
        "read": "Single registers in programming mode.",
        "load-profile": "Interval values between two times.",
        "events": "The event log.",
        "archive": "An archive of a LIS-200 device.",
        "listen": "Meters that talk by themselves (mode D, P1).",
        "dump": "Several meters of meters.toml, for cron.",
    },
    "Change (shows old and new, asks first)": {
        "write": "Write one register, read it back.",
        "execute": "Execute command (E2).",
        "clock": "show, set: drift against this computer; guarded setting.",
        "unlock": "Open a LIS-200 lock; --status shows all locks.",
        "lock": "Close it again.",
    },
    "Find and diagnose": {
        "ports": "Serial ports here, by-id names, who holds them; --new.",
        "identify": "Opening request only; --save NAME writes a profile entry.",
        "scan": "Device addresses on a bus.",
        "doctor": "What is wrong between here and the meter, and what to type.",
        "decode": "A saved readout, dialogue or telegrams into values.",
        "simulate": "Offer a simulated meter to other programs.",
    },
    "Set up": {
        "meters": "list, show, check, init, path: the meters of meters.toml.",
        "completion": "Completion script: bash, zsh, fish, powershell.",
        "help": "Topics: exit-codes environment formats ports config cron "
        "devices lis200 timing.",
    },
}
_NAMES = [name for section in COMMANDS.values() for name in section]
_BUG = (
    "this is a bug in iecread: please run the same command again with --debug and "
    "report what it prints"
)
_NO_SPACE = {errno.ENOSPC, errno.EIO, errno.EFBIG, getattr(errno, "EDQUOT", -1)}


class Stopped(KeyboardInterrupt):
    """A signal asked the program to end; cleaned up like Ctrl-C."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


class LazyGroup(click.Group):
    """Imports the module of a command when that command is wanted."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return _NAMES

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _NAMES:
            return None
        from importlib import import_module

        command: click.Command = import_module(
            f"iecread.cli.{cmd_name.replace('-', '')}"
        ).command
        return command

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if len(args) > 1 and args[0] in HELP_OPTIONS and args[1] in _NAMES:
            args = [args[1], args[0]]
        return super().parse_args(ctx, args)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name not in _NAMES and not ctx.resilient_parsing:
            raise click.UsageError(_no_command(name), ctx)
        return super().resolve_command(ctx, args)

    def format_commands(
        self, ctx: click.Context, formatter: click.HelpFormatter
    ) -> None:
        for section, commands in COMMANDS.items():
            with formatter.section(section):
                formatter.write_dl(list(commands.items()), col_spacing=4)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[Any]:
        from click.shell_completion import CompletionItem

        lines = {k: v for part in COMMANDS.values() for k, v in part.items()}
        found = [
            CompletionItem(name, help=lines[name])
            for name in _NAMES
            if name.startswith(incomplete)
        ]
        return found + click.Command.shell_complete(self, ctx, incomplete)


def _no_command(name: str) -> str:
    from difflib import get_close_matches

    from iecread.settings import is_port

    if name.startswith("-"):
        return f"no such option {name!r} before the command; options stand behind it"
    if is_port(name):
        return f"no command given; did you mean: iecread readout {name}"
    close = get_close_matches(name.lower(), _NAMES, 1, 0.6)
    meant = f"; did you mean {close[0]!r}?" if close else ""
    return f"no such command {name!r}{meant}"


def _version(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        from iecread._version import __version__

        click.echo(f"iecread {__version__}")
        ctx.exit()


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": HELP_OPTIONS, "max_content_width": 100},
    epilog="\b\nExamples:\n"
    "  iecread readout sim://household\n"
    "  iecread readout /dev/ttyUSB0\n"
    "  iecread readout --help",
)
@common_options
@click.option(
    "--version",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_version,
    help="Show the version and exit.",
)
def cli() -> None:
    """Read meters that speak IEC 62056-21 (IEC 1107) or send P1 telegrams.

    TARGET is a port (/dev/ttyUSB0, COM3, socket://HOST:PORT, rfc2217://HOST:PORT,
    sim://household) or the name of a meter of meters.toml.
    """


def run(argv: Sequence[str], around: Surroundings | None = None) -> int:
    """Run one command line and return its exit status.

    Args:
        argv: the words behind ``iecread``.
        around: the surroundings; those of this process by default.
    """
    around = around or Surroundings()
    around.argv = tuple(argv)
    # Known before anything is parsed: errors of parsing obey them too
    around.debug = "--debug" in argv or _set(around.environ.get("IECREAD_DEBUG"))
    around.json_errors = _asks_for_json(argv, around.environ.get("IECREAD_FORMAT"))
    try:
        with _signals():
            status = _invoke(list(argv), around)
            if around.stdout is not None:
                around.stdout.flush()
    except BaseException as error:
        status = _report(error, around)
    return _told(status, around) if around.recorders else status


def _told(status: int, around: Surroundings) -> int:
    """Say what was not recorded, which is an error where there was none."""
    from iecread.cli.recording import troubles

    for trouble in troubles(around):
        if status:
            around.note(trouble)
        else:
            hint = "name another file with --trace; what was read is complete"
            _say_error(around, "output", trouble, hint)
            status = NUMBERS["output"]
    return status


def _invoke(argv: list[str], around: Surroundings) -> int:
    completing = around.environ.get("_IECREAD_COMPLETE")
    if completing:
        from click.shell_completion import shell_complete

        complete = "_IECREAD_COMPLETE"
        return shell_complete(cli, {"obj": around}, "iecread", complete, completing)
    try:
        with cli.make_context("iecread", argv, obj=around) as ctx:
            status = cli.invoke(ctx)
    except click.exceptions.Exit as end:
        return end.exit_code
    return status if isinstance(status, int) else 0


def _set(value: str | None) -> bool:
    return (value or "").lower() in ("1", "true", "t", "yes", "y", "on")


def _asks_for_json(argv: Sequence[str], default: str | None) -> bool:
    """Find the last ``-f``; good enough for a line that may not even parse."""
    chosen = default or ""
    for word, following in zip(argv, [*argv[1:], ""], strict=False):
        if word == "--":
            break
        if word in ("-f", "--format"):
            chosen = following
        elif word.startswith("--format="):
            chosen = word.removeprefix("--format=")
        elif word.startswith("-f"):
            chosen = word[2:]
    return chosen in ("json", "jsonl")


@contextmanager
def _signals() -> Iterator[None]:
    """Turn SIGTERM and SIGHUP into Stopped; leaves alone what was set before."""

    def stop(kind: str) -> Callable[[int, FrameType | None], None]:
        def handler(number: int, frame: FrameType | None) -> None:
            raise Stopped(kind)

        return handler

    changed = []
    for name, kind in (("SIGTERM", "terminated"), ("SIGHUP", "hangup")):
        number = getattr(signal, name, None)
        try:  # nohup ignores SIGHUP, and it must stay so
            if number is not None and signal.getsignal(number) == signal.SIG_DFL:
                signal.signal(number, stop(kind))
                changed.append(number)
        except ValueError:  # not in the main thread
            pass
    try:
        yield
    finally:
        for number in changed:
            signal.signal(number, signal.SIG_DFL)


def _report(error: BaseException, around: Surroundings) -> int:
    """Say what happened on stderr and return the exit status for it."""
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        around.say(error.format_message())
        return NUMBERS["usage"]
    if around.debug:
        import traceback

        from iecread.output.text import printable

        lines = "".join(traceback.format_exception(error)).splitlines()
        around.say("\n".join(map(printable, lines)))

    kind, message, hint = explain(error)
    if kind == "broken-pipe":
        _drop_stdout(around)
        return NUMBERS[kind]
    if kind == "output":
        _drop_stdout(around)
    if isinstance(error, KeyboardInterrupt) and around.verbosity == QUIET:
        return NUMBERS[kind]
    excerpt = getattr(error, "excerpt", "")
    _say_error(around, kind, message, hint, excerpt)
    return NUMBERS[kind]


def explain(error: BaseException) -> tuple[str, str, str]:
    """Return kind, message and hint of whatever ended the run."""
    if isinstance(error, IecReadError):
        hint = error.hint or (_BUG if error.kind == "internal" else "")
        return error.kind, error.message, hint
    if isinstance(error, click.ClickException):
        command = getattr(getattr(error, "ctx", None), "command_path", "iecread")
        hint = f"{command} --help shows what there is"
        return "usage", _usage(error), hint
    if isinstance(error, KeyboardInterrupt | click.Abort):
        kind = getattr(error, "kind", "interrupted")  # of a signal, or a replayed one
        kind = kind if kind in NUMBERS else "interrupted"
        return kind, kind, ""
    if isinstance(error, BrokenPipeError):
        return "broken-pipe", "", ""
    if isinstance(error, OSError) and error.errno and error.errno in _NO_SPACE:
        return "output", f"cannot write: {os.strerror(error.errno)}", ""
    return "internal", f"{type(error).__name__}: {error}", _BUG


def _usage(error: click.ClickException) -> str:
    """Click's sentence in our form: starts small, ends without a full stop."""
    message, meant = error.format_message().strip(), ""
    if isinstance(error, click.NoSuchOption):
        message = error.message
        if error.possibilities:
            meant = f"; did you mean {error.possibilities[0]!r}?"
    if message[1:2].islower():
        message = message[0].lower() + message[1:]
    return message.removesuffix(".") + meant


def _say_error(
    around: Surroundings, kind: str, message: str, hint: str, excerpt: str = ""
) -> None:
    from iecread.output.text import printable

    if around.json_errors:
        import json

        fields = {
            "error": kind,
            "meter": around.meter,
            "exit": NUMBERS[kind],
            "message": message,
            "hint": hint or None,
        }
        around.say(json.dumps(fields, ensure_ascii=True))
        return
    around.say(f"{around.styled('iecread:', fg='red', bold=True)} {printable(message)}")
    for line in excerpt.splitlines():
        around.say(printable(line))
    if hint:
        around.say(f"  {around.styled('hint:', fg='cyan')} {printable(hint)}")


def _drop_stdout(around: Surroundings) -> None:
    """Keep the interpreter from flushing at its end what cannot be written."""
    if around.stdout is None or around.stdout is not sys.stdout:
        return
    try:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, around.stdout.fileno())
        os.close(null)
    except (OSError, ValueError):
        pass
