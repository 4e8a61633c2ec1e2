"""What is said on stderr of a meter that is read on and on: one line for each event.

A line that is lost and back, what keeps it from being opened, telegrams that were
dropped, readouts that failed.  What goes on for long is told seldom.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from iecread.cli.context import Surroundings
from iecread.errors import PortError

if TYPE_CHECKING:
    from iecread.cli.target import Target


class Notices:
    """Tells what happens to one meter.

    Args:
        around: the surroundings; ``meter`` is the name in the lines.
        target: the meter.

    Attributes:
        wipe: called before a line is written: what is drawn there goes.
    """

    def __init__(self, around: Surroundings, target: "Target") -> None:
        self._around = around
        self._name = around.meter or target.port
        self._port = target.port
        self._dropped = 0  # damaged telegrams, one behind the other
        self.wipe: Callable[[], None] = lambda: None

    def steady(self) -> dict[str, Any]:
        """The callbacks that ``Steady`` wants."""
        return {
            "on_lost": self._lost,
            "on_back": self._back,
            "on_trouble": self.failed,
        }

    def failed(self, error: BaseException) -> None:
        """Something went wrong, and it goes on."""
        from iecread.cli.dumpstatus import failure
        from iecread.fleet import failed

        self.wipe()
        self._around.say(failure(self._around, failed(self._name, error)))

    def _lost(self, error: PortError) -> None:
        away = PortError(error.message, "it is opened again as soon as it is back")
        away.__cause__ = error
        self.failed(away)

    def _back(self, seconds: float) -> None:
        self.wipe()
        # more than the port, since that is what the line before said
        self._around.note(
            f"{self._name}: port {self._port!r} is back ({seconds:.0f} s)"
        )

    def damaged(self, words: str) -> None:
        """A telegram was dropped; of many in a row the 1st, 10th, 100th are told."""
        self._dropped += 1
        if str(self._dropped).rstrip("0") != "1":
            return
        self.wipe()
        so_far = f" ({self._dropped} in a row)" if self._dropped > 1 else ""
        self._around.note(f"{self._name}: {words}{so_far}")

    def heard(self) -> None:
        """A telegram was right, and is written to the same terminal."""
        self.wipe()
        self._dropped = 0
