"""``iecread decode``: what was saved from a meter, into values, without a meter."""

import gc
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, BinaryIO

import click

from iecread.cli.command import Command, common_options, option
from iecread.cli.context import Surroundings
from iecread.cli.exitcodes import UsageError
from iecread.cli.options import bcc_option, framing_option, timezone_option
from iecread.cli.outputoptions import OutputOptions, output_options
from iecread.errors import PortError, RemoteProtocolError
from iecread.saved import FORMS
from iecread.template import is_database

_YOUNG = 50_000
"""New objects after which the garbage collector looks; about those of one large block.

Readings hold no cycles and are freed without it.  At its usual 700 it would look at
each of them several times, which is a sixth of the time of a large file.
"""

if TYPE_CHECKING:
    from iecread.protocol.telegrams import Telegram, TelegramDecoder
    from iecread.readings import Readout


@click.command(
    cls=Command,
    short_help="A saved readout, dialogue or telegrams into values.",
    example="iecread decode readout.txt\niecread decode - -f json < readout.txt\n"
    "iecread decode dialogue.txt --explain\n"
    "iecread decode --diff january.txt february.txt",
)
@click.argument(
    "files",
    metavar="FILE",
    nargs=-1,
    required=True,
    type=click.Path(allow_dash=True),
    help="What a meter sent; - is stdin; with --diff, OLD and NEW.",
)
@option(
    "Output",
    "--explain",
    is_flag=True,
    help="Every message and byte with its meaning, not registers.",
)
@option(
    "Output",
    "--diff",
    is_flag=True,
    help="Compare two readouts: what changed, by how much.",
)
@option(
    "Input",
    "--input",
    "form",
    type=click.Choice(FORMS, case_sensitive=False),
    default="auto",
    help="Form of FILE.  [default: auto, by its content]",
)
@output_options("table", "csv", "json", "jsonl", "value", "influx", "prom")
@bcc_option
@framing_option
@timezone_option
@common_options
@click.pass_obj
def command(
    around: Surroundings,
    /,
    files: tuple[str, ...],
    explain: bool,
    diff: bool,
    form: str,
    out: OutputOptions,
    bcc: str,
    framing: str,
    timezone: str | None,
) -> None:
    """Turn what was saved from a meter into values.

    FILE holds the bytes as they came: a readout, a whole dialogue, or telegrams one
    behind the other.  Hex dumps, traces and logs of terminals are turned into bytes.
    All that can be read is written; the exit code is 8 if a block check is wrong or
    nothing could be read.  With --diff it is 11 if a counter went back.
    """
    from iecread.cli.writing import Writer
    from iecread.protocol.parity import Parity
    from iecread.protocol.telegrams import BlockCheck, TelegramDecoder
    from iecread.readings import readout

    if is_database(out.output):
        raise UsageError(
            "a database wants to know when a meter was read, and FILE does not tell",
            "name a .csv or .jsonl with -o",
        )
    parity = {"7e1": Parity.EVEN, "auto": None}.get(framing, Parity.NONE)
    if diff and explain:
        raise UsageError("--diff and --explain do not go together", "leave one out")
    if len(files) != 1 + diff:
        wanted = "OLD and NEW" if diff else "one FILE"
        raise UsageError(f"{len(files)} files; it takes {wanted}", "--diff OLD NEW")
    if diff:
        from iecread.cli.decodediff import write_difference

        if files == ("-", "-"):
            raise UsageError("stdin cannot be both files", "name one")

        def found(file: str) -> "Iterator[Readout]":
            decoder = TelegramDecoder(check=bcc, parity=parity)
            with _opened(around, file) as stream:
                for telegram in _telegrams(decoder, _read(stream, file, form)):
                    yield readout(telegram, timezone=timezone)

        old, new = files
        write_difference(around, out, (old, new), (found(old), found(new)))
        return
    file = files[0]
    if explain:
        with _opened(around, file) as stream:
            data = b"".join(_read(stream, file, form))
        from iecread.cli.decodeexplain import write_explanation

        if not write_explanation(around, out, data, parity):
            raise _wrong(file)
        return
    decoder = TelegramDecoder(check=bcc, parity=parity)
    wrong = anything = False
    with (
        _opened(around, file) as stream,
        Writer(around, out) as writer,
        _seldom_collected(),
    ):
        for telegram in _telegrams(decoder, _read(stream, file, form)):
            writer.write(readout(telegram, timezone=timezone))
            wrong |= telegram.block_check is BlockCheck.BAD
            anything |= bool(telegram.data_sets or telegram.identification)
        if not anything:
            raise RemoteProtocolError(
                f"nothing in {file!r} is a reading of a meter",
                "it should hold the bytes as they came from the line",
            )
    if wrong:
        raise _wrong(file)


@contextmanager
def _seldom_collected() -> Iterator[None]:
    before = gc.get_threshold()
    gc.set_threshold(_YOUNG, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _telegrams(
    decoder: "TelegramDecoder", pieces: Iterable[bytes]
) -> "Iterator[Telegram]":
    for piece in pieces:
        yield from decoder.feed(piece)
    yield from decoder.finish()


def _wrong(file: str) -> RemoteProtocolError:
    return RemoteProtocolError(
        f"a block check in {file!r} is wrong",
        "the registers of that block are unchecked",
    )


def _opened(around: Surroundings, file: str) -> AbstractContextManager[BinaryIO]:
    """Open FILE, or take stdin for ``-``."""
    if file == "-":
        if around.stdin is None:
            raise UsageError("stdin is closed", "name a file")
        return nullcontext(around.stdin.buffer)
    try:
        return open(file, "rb")
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise UsageError(
            f"cannot read {file!r}: {why.lower()}",
            "name a file that holds what a meter sent, or - for stdin",
        ) from error


def _read(stream: BinaryIO, file: str, form: str) -> Iterator[bytes]:
    from iecread.saved import chunks
    from iecread.statefolder import reason

    try:
        yield from chunks(stream, form)
    except OSError as error:
        raise PortError(f"cannot read {file!r}: {reason(error)}") from error
