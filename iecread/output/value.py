"""Values only, one line for each register, for use in a shell.

The line of a register without a value is empty, so that line n belongs to the n-th
register; for the same reason only the value itself is written and no further
bracket of the register.  Text is made safe for a terminal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from iecread.output.rows import shown

if TYPE_CHECKING:  # imported when a reading comes
    from iecread.readings import Readout


class ValueFormatter:
    """Readouts as bare values."""

    def begin(self) -> str:
        return ""

    def readout(self, readout: Readout) -> str:
        return "".join(f"{shown(reading.value)}\n" for reading in readout.registers)

    def end(self) -> str:
        return ""
