"""``readout --every``: one readout for each slot of time, whatever becomes of it.

Each is read and written as a single one is, the port being open meanwhile only.  One
that fails costs a line on stderr and no other; where the line is lost it is read as
soon as the line is back, if that is before the next slot.  What ends the series: the
count, a signal, and a standard output that takes no more.
"""

import time
from collections.abc import Callable
from contextlib import nullcontext
from typing import TYPE_CHECKING

from iecread.cli.context import Surroundings
from iecread.cli.exitcodes import NUMBERS, common
from iecread.cli.outputoptions import OutputOptions
from iecread.cli.writing import Writer
from iecread.errors import OutputError, PortError
from iecread.output.sink import STDOUT

if TYPE_CHECKING:
    from iecread.cli.target import Target
    from iecread.readings import Readout
    from iecread.session import Meter

_MOST_MARGIN = 10.0  # s before the next slot in which no lost line is tried any more

Write = Callable[[Writer, "Meter", "Callable[[], Readout]"], None]
"""Reads a meter with a function and writes what came."""


class Series:
    """Readouts of one meter.

    Args:
        around: the surroundings.
        target: the meter.
        out: where the readouts go.
        only: the registers that are wanted; empty for all.
        write: see ``Write``.

    Raises:
        OutputError: they cannot go there.
    """

    def __init__(
        self,
        around: Surroundings,
        target: "Target",
        out: OutputOptions,
        only: tuple[str, ...],
        write: Write,
    ) -> None:
        from iecread.cli.notices import Notices
        from iecread.comeback import Steady
        from iecread.session import Meter

        self._around = around
        self._target = target
        self._out = out
        self._only = only
        self._write = write
        self._notices = Notices(around, target)
        self._meter = Meter(target.port, **target.options)
        self._meter.on_warning = self._notices.damaged
        self._steady = Steady(self._meter, **self._notices.steady())
        self._stream: Writer | None = None
        writer = self._writer()  # what is wrong is said now, not at night
        if out.output in STDOUT and writer.format != "prom":
            self._stream = writer  # with one header, or as one array
        else:
            writer.discard()

    def run(self, every: float, jitter: float, count: int | None) -> int:
        """Read again and again; return the exit status.

        Args:
            every: seconds from slot to slot.
            jitter: seconds by which slots may be late.
            count: how many slots; None: until a signal.

        Raises:
            PortError: the port cannot be opened at the beginning.
            OutputError: nothing can be written to standard output.
            BrokenPipeError: nobody reads any more.
        """
        from iecread.cli.slots import slots

        options = self._target.options
        here = f"{self._target.port}:{options.get('address', '')}"
        statuses: set[int] = set()
        with self._stream or nullcontext():
            self._steady.open(options.get("wait", 0.0))
            self._meter.close()
            for slot in slots(self._around, "readout", here, every, jitter, count):
                left = slot.moment + every - time.time()
                left -= min(_MOST_MARGIN, every / 2)
                # a clock that was set meanwhile has no say in how long that is
                until = time.monotonic() + max(0.0, min(left, every))
                statuses.add(self._once(until))
        return common(statuses)

    def _writer(self) -> Writer:
        return Writer(self._around, self._out, self._target.profile)

    def _once(self, until: float) -> int:
        """Read and write once; return the status.  What failed is told."""
        try:
            stream = self._stream
            with nullcontext(stream) if stream else self._writer() as writer:
                self._write(writer, self._meter, lambda: self._read(writer, until))
            return NUMBERS["ok"]
        except BrokenPipeError:
            raise
        except PortError as error:
            if self._steady.away is None:  # else it was told when it was lost
                self._notices.failed(error)
            return NUMBERS[error.kind]
        except Exception as error:
            if isinstance(error, OutputError) and self._stream:
                raise
            self._notices.failed(error)
            return NUMBERS[getattr(error, "kind", "internal")]

    def _read(self, writer: Writer, until: float) -> "Readout":
        from iecread.cli.watch import watched

        with watched(self._around, self._meter, lines=writer.live) as wipe:
            self._notices.wipe = wipe
            return self._steady.readout(self._only, until)
