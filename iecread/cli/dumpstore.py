"""Where a ``dump`` stores: the files of the profiles, or what ``-o`` names.

CSV files and databases grow by each reading and share writes between meters; JSON
lines and line protocol go out meter by meter; JSON, a table and Prometheus metrics
are whole at the end.  All of it is looked at before a meter is read.
"""

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from iecread.cli.context import Surroundings
from iecread.cli.exitcodes import UsageError
from iecread.cli.moments import zone_of
from iecread.cli.outputoptions import OutputOptions
from iecread.cli.rows import read_back
from iecread.cli.writing import (
    chosen_format,
    demand_all_sure,
    last_successes,
    layout_of,
)
from iecread.errors import ConfigError, IecReadError, OutputError
from iecread.output.text import printable
from iecread.template import Template, is_database

if TYPE_CHECKING:
    from iecread.archiveresume import Tail
    from iecread.archiverows import Record
    from iecread.fleet import Outcome
    from iecread.meterprofile import Profile
    from iecread.output.sink import Sink
    from iecread.output.store import Store, StreamStore
    from iecread.readings import Readout
    from iecread.resume import Resume
    from iecread.rows import Row

_ADDED = ("csv", "jsonl", "influx")  # formats whose files grow
_NEWEST = 2  # files of a load profile that are looked into for its newest rows


class Stores:
    """Stores readings of many meters; a context manager.  Called by many threads.

    Args:
        around: the surroundings.
        out: the output options.
        profiles: the meters that are to be read.
        metrics: a file for Prometheus metrics besides; None for none.

    Attributes:
        on_broken_pipe: called when nobody reads standard output any more.
        broken_pipe: whether that happened.

    Raises:
        ConfigError: a profile names no place where its rows could be.
        OutputError: a file cannot be written, or is something else.
        UsageError: the options do not go together.
    """

    def __init__(
        self,
        around: Surroundings,
        out: OutputOptions,
        profiles: "Sequence[Profile]",
        metrics: str | None = None,
    ) -> None:
        from iecread.output.store import Files

        self.on_broken_pipe: Callable[[], None] = lambda: None
        self.broken_pipe = False
        self._written = False
        self._around = around
        self._out = out
        self._files = Files()
        self._stream: _Stream | None = None
        self._stores: dict[str, Store] = {}
        self._profiles: dict[str, tuple[Store, Template]] = {}
        self._headers: dict[str, tuple[str, str]] = {}
        terminal = out.output == "-" and around.terminal(around.stdout)
        self._format = chosen_format(out.format_, out.output, terminal)
        around.json_errors = self._format in ("json", "jsonl")
        self._database = is_database(out.output)
        if self._database and out.format_ != "auto":
            raise UsageError(
                f"{out.output} is a database by its suffix, not -f {out.format_}",
                "leave -f out, or name another file",
            )
        for profile in profiles:
            self._open(profile)
        self._metrics = metrics and self._open_metrics(metrics)

    # --- opening -------------------------------------------------------------

    def _open(self, profile: "Profile") -> None:
        place = self._place(profile)
        if place is None:
            self._stores[profile.name] = self._the_stream()
        else:
            self._check_header(profile, place.template)
            store = self._store(profile, place.template)
            store.check(profile.name)
            self._stores[profile.name] = store
        if profile.load_profile is not None:
            self._open_rows(profile, place)

    def _place(self, profile: "Profile") -> "_Place | None":
        """Where a meter's readings go; None: all into one stream."""
        out = self._out
        if out.output != "-":
            if self._database or self._format == "csv":
                return _said(out.output)
            return None
        said = click.get_current_context().get_parameter_source
        # -o - and -f jsonl are for what stands behind the pipe
        asked = said("output") is click.core.ParameterSource.COMMANDLINE
        known = profile.get("csv", "file") is not None
        if asked or not known or out.format_ not in ("auto", "csv"):
            return None
        return place_of(profile, "csv", "file")

    def _store(self, profile: "Profile", template: Template) -> "Store":
        from iecread.output.store import open_store

        return open_store(
            template,
            **layout_of(profile),
            utc=self._out.utc,
            zone=zone_of(profile.timezone),
            files=self._files,
        )

    def _check_header(self, profile: "Profile", template: Template) -> None:
        """Two meters in one file have one header."""
        if is_database(template.text):
            return
        head = header_of(profile)
        path = os.path.realpath(template.path(profile.name))
        other, before = self._headers.setdefault(path, (profile.name, head))
        if head != before and "serial" not in template.fields:
            raise profile.wrong(
                ("csv", "layout"),
                f"{other} and {profile.name} write other columns into one file, {path}",
                "give each a file, with {meter} in csv.file, or one layout to both",
            )

    def _open_rows(self, profile: "Profile", readings: "_Place | None") -> None:
        """The place of a load profile's rows."""
        keys = profile.load_profile
        assert keys is not None
        if self._database and readings is not None:
            place = readings
        elif keys.file is not None:
            place = place_of(profile, "load-profile", "file")
        elif readings is None:
            raise profile.wrong(
                ("load-profile",),
                f"the load profile of {profile.name} has no file to be stored in",
                "say file in its load-profile table, or csv.file, or -o readings.db",
            )
        elif is_database(readings.text):
            place = readings
        else:
            place = readings.beside("profile")
        store = self._store(profile, place.template)
        check = getattr(store, "check_rows", store.check)
        check(profile.name)
        self._profiles[profile.name] = store, place.template

    def _the_stream(self) -> "StreamStore":
        """The one output of all meters that have no files of their own."""
        if self._stream is None:
            out = self._out
            if out.append and self._format not in _ADDED:
                raise UsageError(
                    f"a file of -f {self._format} cannot be appended to",
                    "use -f jsonl or csv",
                )
            file = None if out.output == "-" else out.output
            self._stream = self._open_stream(self._format, file)
        return self._stream.store

    def _open_metrics(self, path: str) -> "_Stream":
        out = self._out
        if out.output != "-" and os.path.realpath(out.output) == os.path.realpath(path):
            raise UsageError("--metrics and -o name the same file", "name two")
        return self._open_stream("prom", path)

    def _open_stream(self, format_: str, file: str | None) -> "_Stream":
        from iecread.output import formatter
        from iecread.output.sink import Sink
        from iecread.output.store import StreamStore

        around = self._around
        writer = formatter(
            format_,
            utc=self._out.utc,
            width=around.width if file is None else None,
            color=file is None and around.colored(around.stdout),
        )
        append = file is not None and format_ in _ADDED
        sink = Sink(file, append, writer.begin())
        return _Stream(StreamStore(sink, writer), sink, writer, file)

    # --- storing -------------------------------------------------------------

    def readout(self, profile: "Profile", readout: "Readout") -> int:
        """Store a readout; returns, with the number of rows, when it lasts.

        Raises:
            OutputError: it is not stored.
            RemoteProtocolError: ``--strict``, and it has a register that is not sure.
        """
        try:
            self._stores[profile.name].put(readout)
            self._written = True
            if self._metrics:
                self._metrics.store.put(readout)
        except BrokenPipeError:
            from iecread.fleet import Stopping

            self.broken_pipe = True
            self.on_broken_pipe()
            raise Stopping from None
        if self._out.strict:
            demand_all_sure(readout)
        return len(readout.registers)

    def rows(
        self, profile: "Profile", serial: str | None, rows: "Sequence[Row]"
    ) -> int:
        """Store rows of a load profile; returns, with their number, when they last.

        Raises:
            OutputError: they are not all stored.
        """
        store, _ = self._profiles[profile.name]
        return store.put_rows(rows, profile.name, serial)

    def rows_place(self, profile: "Profile") -> str:
        """The file, or the template of the files, of a meter's load profile."""
        return self._profiles[profile.name][1].text

    def records(
        self, profile: "Profile", serial: str | None, records: "Sequence[Record]"
    ) -> int:
        """Store records of an archive; returns, with their rows' number, as ``rows``.

        Raises:
            OutputError: they are not all stored.
        """
        store, _ = self._profiles[profile.name]
        return store.put_records(records, profile.name, serial)

    def tail(
        self, profile: "Profile", serial: str | None, archive: int
    ) -> "Tail | None":
        """The newest record of an archive that is stored; None where there is none.

        Raises:
            OutputError: what is there cannot be read.
        """
        from iecread.archiveresume import from_csv

        store, template = self._profiles[profile.name]
        if is_database(template.text):
            from iecread.output.sqlite import SqliteStore

            assert isinstance(store, SqliteStore)
            return store.tail(profile.name, archive, serial)
        number = serial if "serial" in template.fields else None
        for path in reversed(template.existing(profile.name, number)[-_NEWEST:]):
            found = read_back(
                path,
                lambda file: from_csv(
                    file, archive=archive, meter=profile.name, serial=serial
                ),
            )
            if found is not None:
                return found
        return None

    def resume(self, profile: "Profile", serial: str | None) -> "Resume":
        """How far the rows of a meter's load profile go.

        Raises:
            OutputError: what is there cannot be read.
        """
        from iecread.resume import Resume, ResumeError, from_csv

        store, template = self._profiles[profile.name]
        keys = profile.load_profile
        assert keys is not None
        if is_database(template.text):
            from iecread.output.sqlite import SqliteStore

            assert isinstance(store, SqliteStore)
            return store.resume(profile.name, keys.channel)
        number = serial if "serial" in template.fields else None
        start = None
        newest: dict[tuple[str, str], Any] = {}
        for path in reversed(template.existing(profile.name, number)[-_NEWEST:]):
            try:
                with open(path, encoding="utf-8", newline="") as file:
                    known = from_csv(file, meter=profile.name)
                with open(path, encoding="utf-8", newline="") as file:
                    here = from_csv(file, meter=profile.name, channel=keys.channel)
            except (ResumeError, UnicodeDecodeError) as error:
                hint = "name another file for the load profile"
                raise OutputError(
                    f"cannot go on with {path!r}: {error}", hint
                ) from error
            except OSError as error:
                raise OutputError(f"cannot read {path!r}: {error.strerror}") from error
            start = start or here.start
            newest = {**known.newest, **newest}
        return Resume(start, newest)

    def finish(self, outcomes: "Sequence[Outcome]") -> None:
        """Write what is due at the end; metrics tell of meters that failed, too.

        Raises:
            OutputError: it could not be written.
        """
        for stream in self._streams():
            if hasattr(stream.formatter, "failed"):
                known = last_successes(stream.file)
                for outcome in outcomes:
                    if not outcome.ok:
                        stream.formatter.failed(
                            outcome.meter, known.get(printable(outcome.meter))
                        )
            stream.store.close()
        self._stream = self._metrics = None

    def _streams(self) -> "list[_Stream]":
        streams = (self._stream, self._metrics)
        return [] if self.broken_pipe else [s for s in streams if s]

    def __enter__(self) -> "Stores":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # Only after an error is anything left.  Metrics of some of the meters would
        # say that the others are gone; of a list those that were read are kept
        for stream in self._streams():
            if self._written and not hasattr(stream.formatter, "failed"):
                with suppress(IecReadError):
                    stream.store.close()
            else:
                stream.sink.abort()


class _Stream(NamedTuple):
    """An output that all meters share; ``file`` is None for standard output."""

    store: "StreamStore"
    sink: "Sink"
    formatter: Any
    file: str | None


class _Place(NamedTuple):
    """A template and the folder that it is relative to."""

    text: str
    folder: str = ""

    @property
    def template(self) -> Template:
        return Template(self.text, self.folder)

    def beside(self, what: str) -> "_Place":
        """Other files beside these."""
        stem, suffix = os.path.splitext(self.text)
        return _Place(f"{stem}-{what}{suffix}", self.folder)


def _said(output: str) -> _Place:
    """What ``-o`` names: the folder is the user's own affair."""
    folder, name = os.path.split(output)
    return _Place(output) if "{" in folder else _Place(name, folder)


def header_of(profile: "Profile") -> str:
    """The first line of the CSV that a profile wants.

    Raises:
        ConfigFileError: the wide layout without registers that name one column each.
    """
    from iecread.output import formatter

    try:
        return formatter("csv", **layout_of(profile)).begin()
    except ConfigError as error:
        raise profile.wrong(("csv", "layout"), error.message, error.hint) from error


def place_of(profile: "Profile", *path: str) -> _Place:
    """The place that a key of a profile names.

    Raises:
        ConfigFileError: it is no template, or leaves its folder.
    """
    text = os.path.expanduser(str(profile.get(*path)))
    place = _Place(text, "" if os.path.isabs(text) else profile.config.folder)
    try:
        _ = place.template
    except ConfigError as error:
        raise profile.wrong(path, error.message, error.hint) from error
    return place
