"""Recording a line: all that went over it, as JSON lines that a person can read.

The first line is a header, each further one a record with its time ``t`` in seconds:
bytes (``dir`` is ``tx`` or ``rx``, ``hex`` the bytes) or an ``event``: open, speed,
sent (the driver is empty), quiet (a read ended in silence), time (the time of day
was asked for), error, stop (Ctrl-C or a signal), close.  Passwords and lock codes are
masked on the way, see ``masking``.

A session must not depend on how quick this computer is, or it could not be played
back.  So the clock of a recorded line stands still between two records: whoever asks
it gets the time of the last one, here and in ``replay`` alike.
"""

import json
import os
import re
import stat
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, NamedTuple, Protocol, TypeVar

from iecread._version import __version__
from iecread.errors import IecReadError, OutputError
from iecread.masking import Masker
from iecread.serialmask import SerialMasker, mask_text
from iecread.statefolder import try_lock, write_all
from iecread.transports import LineKind, Transport

SCHEMA = 1
"""Layout of the file; grows when an old reader would get it wrong."""

DRAINED = 0.001
"""Seconds from which on it is worth a record that the driver took so long."""

_DIGITS = 6  # of a time
_STEP = 1e-6  # seconds
_HEAD = 64  # bytes that tell a trace from other files
_NO_WAIT = getattr(os, "O_NONBLOCK", 0)  # a FIFO nobody reads must not hang
_BINARY = getattr(os, "O_BINARY", 0)


T = TypeVar("T")


class Moment(NamedTuple):
    """A point in time.

    Attributes:
        time: with offset.
        seconds: of the clock of the line.
    """

    time: datetime
    seconds: float


class Tape(Protocol):
    """What a session needs besides bytes: the clock that belongs to its line."""

    def monotonic(self) -> float:
        """The time in seconds."""

    def tick(self) -> float:
        """The time in seconds right now, where it matters to a fraction of a ms."""

    def moment(self) -> Moment:
        """The time of day."""

    def sleep(self, seconds: float) -> None:
        """Let ``seconds`` pass."""

    def connect(self, make: Callable[[], Transport], **settings: object) -> Transport:
        """Open the line.

        Args:
            make: opens it and returns its transport.
            **settings: speed in Bd and framing, for the record.

        Raises:
            PortError: what ``make`` raises.
            OutputError: the file that was named is there and is no trace.
        """


def trace_path(template: str, meter: str) -> str:
    """The file for a meter: ``{meter}`` in ``template`` is its name.

    Args:
        template: what ``--trace`` says.
        meter: name or port; what no file name can hold becomes ``_``.
    """
    return template.replace("{meter}", re.sub(r"[^\w.-]+", "_", meter).strip("_."))


class Live:
    """A line that is not recorded, on the clock of this computer."""

    def monotonic(self) -> float:
        """The time in seconds."""
        return time.monotonic()

    def tick(self) -> float:
        """The time in seconds."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Let ``seconds`` pass."""
        time.sleep(seconds)

    def moment(self) -> Moment:
        """The time of day."""
        return Moment(datetime.now().astimezone(), time.monotonic())

    def connect(self, make: Callable[[], Transport], **settings: object) -> Transport:
        """Open the line."""
        return make()


class Recorder:
    """Records one line into a file, as it happens.

    Nothing is written before the line is opened.  A file that cannot be opened, is
    full or breaks ends the recording, never the session.  Each record is one write,
    so that a run that is killed leaves all that happened before.

    Args:
        path: the file; one that is there must be empty or a trace.
        mask_serials: whether numbers of meters are masked too.
        command: the words of the command line, for the first line.
        monotonic: the clock, in seconds.
        wall: the time of day, with offset.
        sleep: what waits on that clock.

    Attributes:
        trouble: why the recording is not complete; empty if it is.
    """

    def __init__(
        self,
        path: str,
        *,
        mask_serials: bool = False,
        command: Sequence[str] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], datetime] = lambda: datetime.now().astimezone(),
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.path = path
        self.trouble = ""
        self.sleep = sleep
        self._header: Callable[[], Mapping[str, object]] | None = None
        self._command = command
        self._monotonic = monotonic
        self._wall = wall
        self._began = wall()
        self._base = monotonic()
        self._now = 0.0
        self._file: int | None = None
        self._started = False
        self._waiting: list[dict[str, Any]] = []  # records before the file is opened
        self._masker = Masker()
        self._serials = SerialMasker() if mask_serials else None

    def describe(self, header: Callable[[], Mapping[str, object]]) -> None:
        """Say what the first line says besides, where nobody has said it."""
        self._header = self._header or header

    # --- the clock -----------------------------------------------------------

    def monotonic(self) -> float:
        """The time of the last record."""
        return self._now

    def tick(self) -> float:
        """Set the clock on, for the record that comes next."""
        self._now = max(self._now, self.real())
        return self._now

    def reach(self, due: float) -> None:
        """Take it that ``due`` has come if it has but for the rounding."""
        if 0 <= due - self._now < 2 * _STEP:
            self._now = round(self._now + 2 * _STEP, _DIGITS)

    def real(self) -> float:
        """The time right now, which no session may see."""
        return round(self._monotonic() - self._base, _DIGITS)

    def moment(self) -> Moment:
        """The time of day, as it is going to be played back."""
        seconds, wall = self.tick(), self._wall()
        self.event("time", time=wall.isoformat())
        return Moment(wall, seconds)

    # --- records -------------------------------------------------------------

    def connect(self, make: Callable[[], Transport], **settings: object) -> Transport:
        """Open the line, and the file if it is not open."""
        self._open_file()
        self._masker = Masker()
        self._serials = SerialMasker() if self._serials else None
        line = self.noting("open", make)
        self.tick()
        kind, latency = line.kind.value, line.latency
        self.event("open", line=kind, latency=latency, **settings)
        return RecordedLine(self, line)

    def noting(self, where: str, call: Callable[[], T]) -> T:
        """Call; what it raises is recorded as an event.

        Args:
            where: what is being done: open, read, write, drain, speed.
            call: does it.
        """
        try:
            return call()
        except IecReadError as error:
            self.tick()
            said = {"kind": error.kind, "message": error.message, "hint": error.hint}
            self.event("error", at=where, **said)
            raise
        except KeyboardInterrupt as error:
            self.tick()
            kind = getattr(error, "kind", "interrupted")
            self.event("stop", at=where, kind=kind)
            raise

    def event(self, name: str, **values: object) -> None:
        """Record that something happened now."""
        self._write({"t": self._now, "event": name, **values})

    def sent(self, data: bytes) -> None:
        """Record bytes that leave."""
        data = self._masker.sent(data)
        self._bytes("tx", self._serials.sent(data) if self._serials else data)

    def received(self, data: bytes) -> None:
        """Record bytes that came."""
        data = self._masker.received(data)
        self._bytes("rx", self._serials.received(data) if self._serials else data)

    def _bytes(self, direction: str, data: bytes) -> None:
        self._write({"t": self._now, "dir": direction, "hex": data.hex()})

    # --- the file ------------------------------------------------------------

    def close(self) -> None:
        """Close the file; the line may be opened again, which goes on with it."""
        file, self._file = self._file, None
        if file is not None:
            with suppress(OSError):
                os.close(file)

    def _open_file(self) -> None:
        if self._file is not None or self.trouble:
            return
        try:
            self._file = _opened(self.path, go_on=self._started)
        except FileExistsError as error:  # a mistake, better told at once
            raise OutputError(
                f"cannot record into {self.path!r}: {_reason(error)}",
                "name another file with --trace",
            ) from error
        except (OSError, ValueError) as error:
            self.trouble = _reason(error)
            self._waiting.clear()
            self._started = True
            return
        if not self._started:
            self._started = True
            self._write(self._first_line())
        waiting, self._waiting = self._waiting, []
        for record in waiting:
            self._write(record)

    def _first_line(self) -> dict[str, Any]:
        said = {
            "command": list(self._command) if self._command else None,
            **(self._header() if self._header else {}),
        }
        if self._serials:
            said = _without_numbers(said)
        return {
            "iecread": "trace",
            "schema": SCHEMA,
            "version": __version__,
            "time": self._began.isoformat(),
            "platform": sys.platform,
            "waits": True,  # each silence that a read ended in is recorded
            "masked": ["passwords", "serials"] if self._serials else ["passwords"],
            **said,
        }

    def _write(self, record: dict[str, Any]) -> None:
        if self._file is None:
            if not self._started:
                self._waiting.append(record)
            return
        try:
            write_all(self._file, (json.dumps(record) + "\n").encode("ascii"))
        except OSError as error:
            self.trouble = _reason(error)
            self.close()


def _without_numbers(said: dict[str, Any]) -> dict[str, Any]:
    """A header without the numbers that the options hold."""
    settings = said.get("settings") or {}
    numbers = [settings.get(key) for key in ("address", "expect_serial")]
    text = json.dumps(said)
    for number in filter(None, numbers):
        quoted = json.dumps(number)[1:-1]
        text = text.replace(quoted, mask_text(quoted))
    found: dict[str, Any] = json.loads(text)
    return found


def _reason(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error)).lower()


def _opened(path: str, *, go_on: bool) -> int:
    """Open a file for a trace: private, and never in place of something else."""
    special = False
    with suppress(FileNotFoundError):
        special = not stat.S_ISREG(os.stat(path).st_mode)
    flags = os.O_CREAT | _BINARY | _NO_WAIT
    flags |= os.O_WRONLY if special else os.O_RDWR | os.O_APPEND
    file = os.open(path, flags, 0o600)
    try:
        if special or go_on:
            return file
        if not _locked(file):
            raise BlockingIOError(0, "another run records into it")
        head = os.read(file, _HEAD)
        if head and not head.lstrip(b"{ ").startswith(b'"iecread": "trace"'):
            raise FileExistsError(0, "it is there and is no trace")
        os.ftruncate(file, 0)
        return file
    except BaseException:
        os.close(file)
        raise


def _locked(file: int) -> bool:
    """Keep other runs out as long as the file is open, where there are such locks."""
    try:  # on Windows nobody could read what is locked
        return sys.platform == "win32" or try_lock(file)
    except OSError:  # a file system without locks
        return True


class RecordedLine:
    """A transport whose traffic is recorded.

    Args:
        recorder: takes the records and has the clock.
        line: the open transport.
    """

    def __init__(self, recorder: Recorder, line: Transport) -> None:
        self._recorder = recorder
        self._line = line
        self.name = line.name
        self.kind: LineKind = line.kind
        self.latency = line.latency

    def open(self) -> None:
        """Do nothing: it is open."""

    def read(self, wait: float) -> bytes:
        """Return what has arrived; ``wait`` counts from the last record."""
        recorder = self._recorder
        due = recorder.monotonic() + wait
        left = max(0.0, due - recorder.real())
        data = recorder.noting("read", lambda: self._line.read(left))
        recorder.tick()
        if data:
            recorder.received(data)
        else:
            recorder.reach(due)
            recorder.event("quiet")
        return data

    def write(self, data: bytes) -> None:
        """Hand over all of ``data``; recorded before, so that nothing is missing."""
        self._recorder.sent(data)
        self._recorder.noting("write", lambda: self._line.write(data))

    def drain(self) -> None:
        """Wait until the system has sent what was written."""
        recorder = self._recorder
        recorder.noting("drain", self._line.drain)
        if recorder.real() - recorder.monotonic() >= DRAINED:
            recorder.tick()
            recorder.event("sent")

    def set_speed(self, baud: int) -> None:
        """Set both directions to ``baud`` Bd."""
        self._recorder.noting("speed", lambda: self._line.set_speed(baud))
        self._recorder.tick()
        self._recorder.event("speed", baud=baud)

    def close(self) -> None:
        """Close line and file."""
        self._line.close()
        self._recorder.tick()
        self._recorder.event("close")
        self._recorder.close()
