"""``decode --diff OLD NEW``: what changed between two saved readouts, row by row."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from iecread.cli.context import Surroundings
from iecread.cli.outputoptions import OutputOptions
from iecread.cli.rows import Column, RowWriter
from iecread.errors import CheckError, RemoteProtocolError

if TYPE_CHECKING:
    from iecread.compare import Difference
    from iecread.output.rowtext import Cell
    from iecread.readings import Reading, Readout

COLUMNS = (
    Column("register", 13),
    Column("name", 0),
    Column("what", 9),
    Column("old", -11),
    Column("new", -11),
    Column("delta", -10),
    Column("unit", 6),
    Column("old_unit", 8),
)


def write_difference(
    around: Surroundings,
    out: OutputOptions,
    files: tuple[str, str],
    readouts: "tuple[Iterable[Readout], Iterable[Readout]]",
) -> None:
    """Compare the last readout of two files.

    Args:
        around: the surroundings.
        out: the output options.
        files: their names, the older one first.
        readouts: what was read from each.

    Raises:
        RemoteProtocolError: a block check is wrong, or there is no readout in a file.
        CheckError: a counter went back.
    """
    from iecread.compare import What, compare

    old, new = (
        _last(around, file, found) for file, found in zip(files, readouts, strict=True)
    )
    if old.serial != new.serial and old.serial and new.serial:
        around.note(f"these are two meters: {old.serial!r} and {new.serial!r}")
    found, same = compare(old.registers, new.registers)
    with RowWriter(around, out, COLUMNS) as writer:
        for one in found:
            writer.add(_cells(one))
    back = [one.register for one in found if one.what is What.BACK]
    around.note(f"registers as they were: {same}, others: {len(found)}")
    for file, readout in zip(files, (old, new), strict=True):
        if readout.block_check == "bad":
            raise RemoteProtocolError(
                f"a block check in {file!r} is wrong",
                "its registers are unchecked, and so are the differences",
            )
    if back:
        more = f" and {len(back) - 1} more" if len(back) > 1 else ""
        raise CheckError(
            f"a counter went back: {back[0]!r}{more}",
            "was the meter exchanged, or are the files in the wrong order?",
        )


def _last(around: Surroundings, file: str, readouts: "Iterable[Readout]") -> "Readout":
    found = [readout for readout in readouts if readout.registers]
    if not found:
        raise RemoteProtocolError(
            f"nothing in {file!r} is a reading of a meter",
            "it should hold the bytes as they came from the line",
        )
    if len(found) > 1:
        around.note(f"{file!r} has {len(found)} readouts; the last one counts")
    return found[-1]


def _cells(one: "Difference") -> "tuple[Cell, ...]":
    old, new = one.old, one.new
    unit = next((reading.unit for reading in (new, old) if reading), None)
    was = old.unit if old and new and old.unit != new.unit else None
    values: list[Cell] = [reading.value if reading else None for reading in (old, new)]
    delta = one.delta
    if old and new and old.value == new.value and not was:  # it is in other brackets
        values, delta = [_brackets(old, new), _brackets(new, old)], None
    return one.register, one.name, one.what.value, *values, delta, unit, was


def _brackets(one: "Reading", other: "Reading") -> str:
    """The brackets of a reading that another has not."""
    return "".join(
        f"({raw})" if unit is None else f"({raw}*{unit})"
        for raw, unit in one.groups
        if (raw, unit) not in other.groups
    )
