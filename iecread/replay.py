"""``replay://FILE``: a recorded line, played back through the same engine.

``Replay`` stands in for the line and for its clock.  Reads give what came, in the same
pieces, at the times of the recording; writes are compared with what was sent, where
masked characters fit any.  A session that asks for the same gets the same, to the
last digit of its times; one that does something else is told at which line of the
file it went another way.

A trace that a person wrote or cut may lack times of silence (``"waits": true`` in the
header says that they are there): then the times of the records alone decide what has
come when.  ``?gaps=keep`` waits as long as it took then, else nothing waits.
"""

import os
import re
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

from iecread.capture import Moment
from iecread.errors import (
    CheckError,
    ConfigError,
    IecReadError,
    NoAnswerError,
    OutputError,
    PortBusyError,
    PortError,
    RefusedError,
    RemoteProtocolError,
)
from iecread.masking import Masker
from iecread.passwords import Secret
from iecread.protocol.parity import strip
from iecread.serialmask import same as same_but_numbers
from iecread.tracefile import Record, Trace
from iecread.transports import LONGEST_WAIT, LineKind, Transport

SCHEME = "replay://"

_SOFT = frozenset({"quiet", "sent", "time"})  # may be left out or be there, unasked
_MOST_IDLE = 10_000  # reads behind the end, from which on nobody will say anything
_USUAL_PASSWORD = 8  # characters
_YEARS = (1970, 2200)
_STAR = ord("*")
_TAIL = 4096  # bytes within which a login stands
_SHOWN = 60  # characters of a message in an error
_ERRORS = {
    error.kind: error
    for error in (
        CheckError,
        ConfigError,
        NoAnswerError,
        OutputError,
        PortBusyError,
        PortError,
        RefusedError,
        RemoteProtocolError,
    )
}
_PASSWORD = re.compile(rb"\x01P([1-9])\x02\(([^()\x03]*)\)\x03")
_CODE = re.compile(rb"\x01W1\x020*([1-6]):0*171(?:\.0)?\(([^()\x03]+)\)\x03")
# A masked secret may have another length, and with it another block check
_MASKED = re.compile(rb"[*\xaa]+")
_CHECK = re.compile(rb"([\x03\x04\x84]).", re.S)


class Stopped(KeyboardInterrupt):
    """Ctrl-C or a signal, as it came in the recording.

    Attributes:
        kind: name of the exit code.
    """

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


class Replay:
    """A recording in place of a line and its clock.

    Args:
        url: ``replay://FILE``, with ``?gaps=keep`` to keep the gaps.
        sleep: what waits where gaps are kept.

    Attributes:
        path: the file.
        header: the first line of the file.
        port: the port that was recorded; empty if the header has none.
        kind, latency, name: as the recorded line had them, once it is open.

    Raises:
        PortError: the file cannot be read, or is no trace.
    """

    kind = LineKind.DIRECT
    latency = 0.0

    def __init__(self, url: str, sleep: Callable[[float], None] = time.sleep) -> None:
        path, real = _parse(url)
        self.path = path
        self.name = url
        self._sleep = sleep if real else None
        self._trace = Trace(path)
        self.header = self._trace.header
        port = self.header.get("port")
        self.port = port if isinstance(port, str) else ""
        masked = self.header.get("masked")
        self._numbers = isinstance(masked, list) and "serials" in masked
        self._exact = self.header.get("waits") is True
        self._records = self._trace.records()
        self._next: Record | None = None
        self._last = 1  # number of the last line that was played
        self._now = 0.0
        self._anchor = Moment(_time(self.header.get("time")), 0.0)
        self._masker, self._recorded = Masker(), Masker()
        self._echo = _Echo(b"", b"")
        self._idle = 0
        self._astray: IecReadError | None = None
        self._ended = False

    # --- the clock -----------------------------------------------------------

    def monotonic(self) -> float:
        """The time in the recording."""
        return self._now

    def tick(self) -> float:
        """The time in the recording; that of a write, where one is next."""
        record = self._peek()
        if record is not None and record.kind == "tx":
            self._go_to(record.t)
        return self._now

    def moment(self) -> Moment:
        """The time of day in the recording."""
        while (record := self._look()) is not None and record.kind in _SOFT:
            self._take(record)
            if record.kind == "time":
                wall = _time(record.values.get("time"))
                self._anchor = Moment(wall, self._now)
                return self._anchor
        wall, seconds = self._anchor
        return Moment(wall + timedelta(seconds=self._now - seconds), self._now)

    def sleep(self, seconds: float) -> None:
        """Let ``seconds`` pass in the recording."""
        self._go_to(self._now + max(0.0, seconds))

    def _go_to(self, t: float) -> None:
        if t > self._now:
            if self._sleep is not None:
                self._sleep(t - self._now)
            self._now = t

    # --- the line ------------------------------------------------------------

    def connect(
        self, make: Callable[[], Transport] | None = None, **settings: object
    ) -> Transport:
        """Open the line as it was opened; ``make`` is not called.

        Raises:
            PortError: it could not be opened then, or is not opened in the recording.
        """
        record = self._peek()
        if record is not None and record.kind == "open":
            self._take(record)
            with suppress(ValueError):
                self.kind = LineKind(record.values.get("line"))
            latency = record.values.get("latency")
            if isinstance(latency, int | float) and 0 <= latency <= LONGEST_WAIT:
                self.latency = float(latency)
        else:
            self._fail_as_recorded("open")
            if self._exact:
                raise self._another_way("the port would be opened", record)
        self._masker, self._recorded = Masker(), Masker()
        return self

    def open(self) -> None:
        """Do nothing: ``connect`` did it."""

    def read(self, wait: float) -> bytes:
        """Return what came next in the recording, b"" where nothing came."""
        while True:
            self._fail_as_recorded("read")
            record = self._look()
            if record is None:
                if self._exact and not self._ended:
                    raise self._cut_off()
                return self._silence(wait)
            if record.kind == "quiet":
                self._take(record)
                return b""
            if record.kind == "rx":
                if not self._exact and record.t > self._now + wait:
                    return self._silence(wait)
                self._take(record)
                return self._echo.unmasked(record.data)
            if record.kind not in _SOFT:
                return self._silence(wait)
            self._take(record)

    def _silence(self, wait: float) -> bytes:
        """What is next in the recording has not happened yet."""
        self._idle += 1
        if self._idle > _MOST_IDLE:
            raise PortError(
                f"nothing more comes in the recording behind line {self._last}",
                "the run that was recorded did something else there",
            )
        # the next float at least: a deadline must have passed when it is looked at
        self._go_to(max(self._now + wait, self._now + 1e-6))
        return b""

    def write(self, data: bytes) -> None:
        """Compare ``data`` with what was sent.

        Raises:
            CheckError: it was something else.
        """
        ours, rest = data, self._masker.sent(data)
        while True:
            record = self._peek()
            if record is None or record.kind != "tx":
                self._fail_as_recorded("write")
                raise self._another_way(f"{_words(ours)} would be sent", record)
            theirs = self._recorded.sent(record.data)
            if _same(rest, theirs) or self._numbers and same_but_numbers(rest, theirs):
                self._take(record)
                self._echo = _Echo(ours, theirs)
                self._fail_as_recorded("write")
                return
            if theirs and rest.startswith(theirs):  # recorded in two pieces
                rest = rest[len(theirs) :]
                self._take(record)
            elif rest and theirs.startswith(rest):  # a piece of what was one
                self._take(record)
                self._next = replace(record, data=record.data[len(rest) :])
                return
            else:
                raise self._another_way(f"{_words(ours)} would be sent", record)

    def drain(self) -> None:
        """Let the time pass that it took."""
        self._fail_as_recorded("drain")
        record = self._look()
        if record is not None and record.kind == "sent":
            self._take(record)

    def set_speed(self, baud: int) -> None:
        """Compare with the speed that was set.

        Raises:
            CheckError: it was another one, or none.
        """
        record = self._peek()
        self._fail_as_recorded("speed")
        if record is not None and record.kind == "speed":
            if record.values.get("baud") != baud:
                raise self._another_way(f"{baud} Bd would be set", record)
            self._take(record)
        elif self._exact:
            raise self._another_way(f"{baud} Bd would be set", record)

    def close(self) -> None:
        """Close the line; it may be opened again where it was."""
        with suppress(IecReadError):
            record = self._peek()
            if record is not None and record.kind == "close":
                self._take(record)

    def password(self) -> tuple[int, int] | None:
        """Access level and length of the first password that was sent, if any was."""
        found = self._sent(_PASSWORD)
        return (int(found[1]), len(found[2])) if found else None

    def stand_in(self) -> Secret:
        """A password as long as the one that was sent, which no recording holds."""
        found = self.password()
        return Secret("0" * (found[1] if found else _USUAL_PASSWORD))

    def lock_code(self) -> tuple[int, int] | None:
        """Number of the lock and length of the first code that was sent, if any."""
        found = self._sent(_CODE)
        return (int(found[1]), len(found[2])) if found else None

    def _sent(self, pattern: re.Pattern[bytes]) -> re.Match[bytes] | None:
        """The first message of ours that a pattern fits, in a file of any length."""
        tail = b""
        with suppress(PortError):  # said when it is played so far
            for record in self._trace.records():
                if record.kind == "tx":
                    tail = (tail + strip(record.data))[-_TAIL:]
                    if found := pattern.search(tail):
                        return found
        return None

    # --- the records ---------------------------------------------------------

    def _look(self) -> Record | None:
        """The next record."""
        if self._next is None:
            self._next = next(self._records, None)
        return self._next

    def _peek(self) -> Record | None:
        """The next record that tells what happened; those before it are passed over."""
        if self._astray is not None:
            raise self._astray
        while (record := self._look()) is not None and record.kind in _SOFT:
            self._take(record)
        return record

    def _take(self, record: Record) -> None:
        self._next, self._idle = None, 0
        self._last = record.line
        self._ended = record.kind in ("close", "error")
        self._go_to(record.t)

    def _fail_as_recorded(self, where: str) -> None:
        """Raise what was raised here in the recording."""
        if self._astray is not None:
            raise self._astray
        record = self._look()
        if record is None or record.values.get("at") != where:
            return
        if record.kind == "stop":
            self._take(record)
            raise Stopped(str(record.values.get("kind", "interrupted")))
        if record.kind == "error":
            self._take(record)
            said = record.values
            kind = _ERRORS.get(str(said.get("kind")), PortError)
            raise kind(str(said.get("message", "")), str(said.get("hint", "")))

    def _cut_off(self) -> PortError:
        return PortError(
            f"the recording ends behind line {self._last}",
            "the run that was recorded may have been killed there",
        )

    def _another_way(self, ours: str, record: Record | None) -> IecReadError:
        if record is None and self._exact and not self._ended:
            self._astray = self._cut_off()
            return self._astray
        if record is None:
            place, theirs = f"behind line {self._last}", "the recording ends"
        else:
            place, theirs = f"at line {record.line}", _told(record)
        hint = "same command, options and iecread? the header of the file has them"
        zone = datetime.now().astimezone().utcoffset()
        recorded = self._anchor.time.utcoffset()
        if recorded is not None and zone != recorded:
            hint = "it was recorded in another time zone: set TZ, or say --timezone"
        self._astray = CheckError(
            f"the session goes another way than the recording {place}: "
            f"{ours}, {theirs}",
            hint,
        )
        return self._astray


class _Echo:
    """Our own bytes, as they come back: masked in the recording, and not in what is
    sent now, with which the session compares them.

    Args:
        ours: what was sent now.
        theirs: the same in the recording.
    """

    def __init__(self, ours: bytes, theirs: bytes) -> None:
        same = len(ours) == len(theirs)
        differ = [at for at in range(len(ours)) if same and ours[at] != theirs[at]]
        self._ours, self._theirs = ours, theirs
        self._first = differ[0] if differ else 0
        self._at = 0
        self._left = bool(differ)

    def unmasked(self, data: bytes) -> bytes:
        """Return bytes that came, with what was sent now in place of what was then."""
        return bytes(map(self._byte, data)) if self._left else data

    def _byte(self, byte: int) -> int:
        if not self._left:
            return byte
        ours, theirs = self._ours[self._at], self._theirs[self._at]
        blanked = byte & 0x7F == _STAR != theirs & 0x7F  # of a damaged echo, more is
        if byte != theirs and not blanked and self._at < self._first:
            # an answer, and no echo; noise ahead of one is passed over
            self._left = not self._at
            return byte
        self._at += 1
        self._left = self._at < len(self._ours)
        return ours if blanked else byte ^ theirs ^ ours  # damage stays damage


def _parse(url: str) -> tuple[str, bool]:
    """File, and whether gaps are kept, of a URL.

    Raises:
        PortError: there is no file in it, or an option that there is not.
    """
    path = url[len(SCHEME) :]
    name, mark, query = path.rpartition("?")
    gaps = "skip"
    if mark and re.fullmatch(r"[a-z]+=[^/]*", query) and not os.path.exists(path):
        path, (key, _, gaps) = name, query.partition("=")
        if key != "gaps" or gaps not in ("keep", "skip"):
            raise PortError(
                f"a recording has no option {query!r}", "gaps=skip or gaps=keep"
            )
    if not path:
        raise PortError(f"no file in {url!r}", f"write {SCHEME}FILE")
    return path, gaps == "keep"


def _time(text: object) -> datetime:
    try:
        time = datetime.fromisoformat(str(text))
    except ValueError:
        return datetime.now().astimezone()
    if not _YEARS[0] <= time.year <= _YEARS[1]:
        return datetime.now().astimezone()
    return time if time.tzinfo else time.astimezone()


def _same(ours: bytes, theirs: bytes) -> bool:
    if ours == theirs:
        return True
    if b"*" not in strip(theirs):
        return False
    return _unmasked(ours) == _unmasked(theirs)


def _unmasked(data: bytes) -> bytes:
    return _CHECK.sub(rb"\1", _MASKED.sub(b"*", data))


def _words(data: bytes) -> str:
    from iecread.masking import mask

    text = strip(mask(data)).decode("ascii")
    return repr(text if len(text) <= _SHOWN else text[:_SHOWN] + "...")


def _told(record: Record) -> str:
    """What a record says, in words."""
    if record.kind == "tx":
        return f"{_words(record.data)} was sent"
    if record.kind == "rx":
        return f"{_words(record.data)} came"
    if record.kind == "speed":
        return f"{record.values.get('baud')} Bd were set"
    if record.kind == "error":
        return f"it failed: {record.values.get('message')}"
    words = {"open": "the port was opened", "close": "the port was closed"}
    return words.get(record.kind, f"{record.kind} is next")
