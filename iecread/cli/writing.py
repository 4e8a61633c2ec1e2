"""Readouts to where they are wanted: the format chosen, the file opened, rows out.

The output is opened before a meter is talked to, so that a wrong path costs no
readout.  What was written stays when a later readout fails; where nothing was
written, no file appears and an old one is left alone.
"""

from types import TracebackType
from typing import TYPE_CHECKING, Any

from iecread.cli.context import Surroundings
from iecread.cli.exitcodes import UsageError
from iecread.cli.holding import held
from iecread.cli.outputoptions import OutputOptions
from iecread.errors import RemoteProtocolError
from iecread.template import is_database

if TYPE_CHECKING:
    from datetime import datetime

    from iecread.meterprofile import Profile
    from iecread.output import Formatter
    from iecread.output.sink import Sink
    from iecread.output.sqlite import SqliteStore
    from iecread.readings import Readout

_SUFFIXES = {
    ".csv": "csv",
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".prom": "prom",
    ".txt": "table",
}
_NOT_SURE = ("malformed", "unchecked")


def chosen_format(format_: str, output: str, terminal: bool) -> str:
    """Return the format that ``auto`` stands for; others as they are.

    A database, by its suffix, is ``sqlite``, which no option can say.

    Args:
        format_: what ``-f`` says.
        output: what ``-o`` says; ``-`` is stdout.
        terminal: whether stdout is a terminal.
    """
    if format_ != "auto":
        return format_
    if output == "-":
        return "table" if terminal else "csv"
    if is_database(output):
        return "sqlite"
    dot = output.rfind(".")
    return _SUFFIXES.get(output[dot:].lower(), "csv") if dot >= 0 else "csv"


def check_output(out: OutputOptions, *, readings: bool = False) -> None:
    """Say no to what cannot be written, before anything there is touched.

    Args:
        out: the output options.
        readings: whether it is readings or rows, which a database can hold.

    Raises:
        UsageError: nothing to append to, or a database for something else.
    """
    if out.output == "-":
        if out.append:
            raise UsageError("--append needs a file", "name one with -o FILE")
    elif is_database(out.output) and not readings:
        raise UsageError(
            f"{out.output!r} is a database by its suffix, which holds readings only",
            "name a .csv, .json or .txt",
        )
    elif is_database(out.output) and out.format_ != "auto":
        raise UsageError(
            f"{out.output!r} is a database by its suffix, not -f {out.format_}",
            "leave -f out, or name another file",
        )


def database(out: OutputOptions) -> "SqliteStore":
    """The database that ``-o`` names; looked at, so that no readout is lost on it.

    Raises:
        OutputError: it cannot be there, is locked, or is something else.
        UsageError: the output options do not go together.
    """
    check_output(out, readings=True)
    from iecread.output.sqlite import SqliteStore
    from iecread.template import Template

    store = SqliteStore(Template.literal(out.output), utc=out.utc, make=False)
    store.check()
    return store


def begun(
    around: Surroundings, out: OutputOptions, *, readings: bool = False
) -> tuple[str, bool]:
    """Decide how something is written; from now on errors are told accordingly.

    Args:
        around: the surroundings.
        out: the output options.
        readings: whether it is readings or rows, which a database can hold.

    Returns:
        The format, never ``auto``; and whether a person looks at it.

    Raises:
        UsageError: the options do not go together.
    """
    check_output(out, readings=readings)
    terminal = out.output == "-" and around.terminal(around.stdout)
    chosen = chosen_format(out.format_, out.output, terminal)
    if out.append and chosen in ("json", "prom"):
        raise UsageError(
            f"a file of -f {chosen} cannot be appended to", "use -f jsonl or csv"
        )
    around.json_errors = chosen in ("json", "jsonl")
    return chosen, terminal


def layout_of(profile: "Profile") -> dict[str, Any]:
    """How a profile wants its CSV: arguments of ``output.formatter``."""
    csv = profile.csv
    names = {code: rule.name for code, rule in profile.rules.items() if rule.name}
    return {
        "layout": csv.layout,
        "style": csv.style,
        "registers": profile.registers,
        "names": names,
    }


class Writer:
    """Writes readouts as the output options say; a context manager.

    Attributes:
        format: the format, never ``auto``; ``sqlite`` for a database.
        live: whether a person looks at a table on a terminal.
    """

    def __init__(
        self,
        around: Surroundings,
        out: OutputOptions,
        profile: "Profile | None" = None,
    ) -> None:
        self.format, to_terminal = begun(around, out, readings=True)
        self.live = (
            to_terminal and self.format == "table" and around.terminal(around.stderr)
        )
        self._around = around
        self._target = None if out.output == "-" else out.output
        self._strict = out.strict
        self._written = False
        self._formatter: Formatter | None = None
        self._sink: Sink | None = None
        self._store: SqliteStore | None = None
        if self.format == "sqlite":
            self._store = database(out)
        else:
            self._sink = self._open(out, profile)

    def _open(self, out: OutputOptions, profile: "Profile | None") -> "Sink":
        from iecread.output import formatter
        from iecread.output.sink import Sink

        header = ""
        if self.format != "raw":
            self._formatter = formatter(
                self.format,
                utc=out.utc,
                width=self._around.width if self._target is None else None,
                color=self._target is None
                and self._around.colored(self._around.stdout),
                **(layout_of(profile) if profile and self.format == "csv" else {}),
            )
            header = self._formatter.begin()
        return Sink(self._target, out.append, header)

    def __enter__(self) -> "Writer":
        return self

    def write(self, readout: "Readout", data: bytes = b"") -> None:
        """Write one readout.

        Args:
            readout: what to write.
            data: what it was read from, for ``-f raw``.

        Raises:
            OutputError: it could not be written.
            RemoteProtocolError: ``--strict``, and it has a register that is not sure.
        """
        with held():
            if self._store is not None:
                self._store.put(readout)
            if self._sink is not None:
                text = self._formatter.readout(readout) if self._formatter else data
                self._sink.write(text)
            self._written = True
        if self._strict:
            demand_all_sure(readout)

    def failed(self) -> None:
        """Say in the output that the meter could not be read, where it can say so."""
        if self._sink is not None and self.format == "prom" and not self._written:
            from iecread.output.prom import failure

            self._sink.write(failure("", _last_success(self._target)))
            self._written = True

    def discard(self) -> None:
        """Leave what is there as it was, in place of using it as a context."""
        if self._sink is not None:
            self._sink.abort()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._sink is None:
            return
        if error is None or self._written:
            if self._formatter is not None:
                self._sink.write(self._formatter.end())
            self._sink.commit()
        else:
            self._sink.abort()


def demand_all_sure(readout: "Readout") -> None:
    """Raise RemoteProtocolError where a register is unchecked or malformed."""
    doubtful = [r for r in readout.registers if r.status in _NOT_SURE]
    if doubtful:
        first = f"{doubtful[0].register} is {doubtful[0].status}"
        raise RemoteProtocolError(
            f"{len(doubtful)} of {len(readout.registers)} registers are not sure: "
            f"{first}",
            "without --strict they are written with that status",
        )


def _last_success(file: str | None) -> "datetime | None":
    """When the meter was last read, as the file that is to be replaced has it."""
    return max(last_successes(file).values(), default=None)


def last_successes(file: str | None) -> "dict[str, datetime]":
    """When each meter was last read, as a file of metrics that may be there has it."""
    from iecread.output import prom

    try:
        with open(file or "", encoding="utf-8", errors="replace") as old:
            return prom.last_successes(old.read(64 << 20))
    except OSError:
        return {}
