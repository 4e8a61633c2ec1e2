"""Archives of a simulated device: columns, and what a request takes from them.

A Layout is a list of columns, each with name, unit, source and a function from a
record to its text; header rows are made of the same columns.  ``select`` applies the
limits of lis200.md 8.2 to finished rows.  Rows are tuples of texts, without brackets.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import NamedTuple, Protocol

from iecread.simulator.lis200 import measured
from iecread.simulator.lis200.history import Record

CHECKED, DAMAGED = "CRC Ok", "CRC Error"
_HOUR = timedelta(hours=1)


class Teller(Protocol):
    """What the columns ask the device."""

    def stamp(self, utc: datetime) -> str:
        """A time as its clock showed it, as archive rows have it."""

    def status_at(self, utc: datetime, status: int) -> str:
        """The messages of a status at a time, as archive rows have them."""


Cell = Callable[[Record, Teller], str]


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    Attributes:
        name: as the English software has it.
        unit: as sent.
        source: address, ``0002:300_0``; ``n`` stands for the archive's number.
        cell: gives its text for a record.
    """

    name: str
    unit: str
    source: str
    cell: Cell


@dataclass(frozen=True, slots=True)
class Layout:
    """One kind of archive.

    Attributes:
        type: the number at n:A32.
        columns: from left to right, that of the check last.
        depth: how far back it reaches.
        unheaded: names of columns that the header rows leave out.
    """

    type: int
    columns: tuple[Column, ...]
    depth: timedelta
    unheaded: frozenset[str] = frozenset()

    def row(self, record: Record, teller: Teller, check: str = CHECKED) -> "Row":
        """Return the row of a record."""
        cells = [column.cell(record, teller) for column in self.columns]
        return Row((*cells[:-1], check), record.utc)

    def header(self, attribute: str, archive: int, names: Callable[[str], str]) -> str:
        """Return the row of names (2), units (3), sources (4) or other attributes."""
        columns = [c for c in self.columns if c.name not in self.unheaded]
        source = f"{archive:04d}"
        if attribute == "1":
            texts = ["0xAA" for _ in columns]
        elif attribute == "2":
            texts = [names(column.name) for column in columns]
        elif attribute == "3":
            texts = [column.unit for column in columns]
        elif attribute == "4":
            texts = [column.source.replace("n", source) for column in columns]
        else:
            texts = ["0" for _ in columns]
        return "".join(f"({text})" for text in texts)


class Row(NamedTuple):
    """One row.

    Attributes:
        cells: the texts, the check included.
        utc: its time.
    """

    cells: tuple[str, ...]
    utc: datetime

    def __str__(self) -> str:
        return "".join(f"({cell})" for cell in self.cells)


class NotFound(Exception):
    """A request that brings no rows.

    Args:
        number: of the error (lis200.md 7.1).
    """

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def select(
    rows: Sequence[Row], position: int, begin: str, end: str, *, strict: bool
) -> list[Row]:
    """Return the rows whose column ``position``, from 1, is within the limits.

    Args:
        rows: all that are stored, the oldest first.
        position: of the column.
        begin: least value; empty: none.
        end: highest value; empty: none.
        strict: whether a limit that is not stored is an error in any case, not only
            where the whole range lies before what is stored.

    Raises:
        NotFound: 101 no such column, 103 nothing in range, 104 and 105 a limit that
            is not stored.
    """
    if rows and not 1 <= position <= len(rows[0].cells):
        raise NotFound(101)
    keys = [_order(row.cells[position - 1]) for row in rows]
    low, high = _order(begin), _order(end)
    found = [
        row
        for row, key in zip(rows, keys, strict=True)
        if (not begin or low <= key) and (not end or key <= high)
    ]
    least, most = min(keys, default=low), max(keys, default=high)
    if strict and begin and low < least:
        raise NotFound(104)
    if strict and end and high > most:
        raise NotFound(105)
    if not found:
        raise NotFound(104 if begin and end and rows and high < least else 103)
    return found


def _order(text: str) -> tuple[bool, Decimal | str]:
    """Return what texts of a column are compared by."""
    try:
        return False, Decimal(text)
    except InvalidOperation:
        return True, text


# -- columns


def _at(value: Callable[[datetime], str]) -> Cell:
    return lambda record, teller: value(record.utc)


def _volume(*, base: bool, total: bool, meter: int = 1) -> Cell:
    def cell(record: Record, teller: Teller) -> str:
        utc = record.utc
        volume = (
            measured.base_volume(utc) if base else measured.measured_volume(utc, meter)
        )
        if total:
            volume += measured.DISTURBED_BASE if base else measured.DISTURBED
        return measured.trimmed(volume)

    return cell


def _mean(value: Callable[[datetime], int], decimals: int) -> Cell:
    """Return the mean of the hour that ends at the record's time."""

    def cell(record: Record, teller: Teller) -> str:
        middle = record.utc - _HOUR / 2
        return measured.trimmed(value(middle), decimals)

    return cell


def _status(number: int) -> Cell:
    return lambda record, teller: teller.status_at(record.utc, number)


def _own(position: int) -> Cell:
    """Return a column that the record brings itself."""
    return lambda record, teller: (*record.payload, *("",) * 20)[position]


def _time(hours: int = 0) -> Cell:
    return lambda record, teller: teller.stamp(record.utc - timedelta(hours=hours))


def _number(whole: bool) -> Cell:
    return lambda record, teller: str(record.whole if whole else record.number)


GLOBAL = Column("GONo", "", "0001:1F8_0", _number(True))
LOCAL = Column("AONo", "", "n:A20_0", _number(False))
TIME = Column("Time", "", "0001:400_0", _time())
EVENT = Column("Er", "", "n:A22_0", lambda record, teller: f"0x{record.event:04X}")
CHECK = Column("Check", "", "", lambda record, teller: CHECKED)
BASE = Column("Vb", "m3", "0002:300_0", _volume(base=True, total=False))
BASE_TOTAL = Column("VbT", "m3", "0002:302_0", _volume(base=True, total=True))
MEASURED = Column("Vm", "m3", "0004:300_0", _volume(base=False, total=False))
MEASURED_TOTAL = Column("VmT", "m3", "0004:302_0", _volume(base=False, total=True))
PRESSURE = Column("p.MP", " bar", "0007:310_0", _mean(measured.pressure, 4))
TEMPERATURE = Column("T.MP", "{C", "0006:310_1", _mean(measured.temperature, 2))
K_NUMBER = Column("K.MP", "", "0008:310_0", _at(lambda utc: "0.9951"))
FACTOR = Column(
    "C.MP", "", "0005:310_0", _at(lambda utc: measured.trimmed(measured.FACTOR))
)
SYSTEM = Column("StSy", "", "0002:100_0", _status(0))
HEAD = (GLOBAL, LOCAL, TIME)


def status(number: int, name: str = "St.{}") -> Column:
    """Return the column of a status."""
    return Column(name.format(number), "", f"{number:04d}:110_0", _status(number))


def _flow(value: Callable[[datetime], int], share: int) -> Cell:
    return lambda record, teller: measured.trimmed(value(record.utc) * share // 100)


def _base_flow(utc: datetime) -> int:
    return measured.measured_flow(utc) * measured.FACTOR // 10000


def peak(
    name: str, unit: str, source: str, cell: Cell, hours: int
) -> tuple[Column, ...]:
    """Return three columns: a maximum or minimum, its time, the status then."""
    return (
        Column(name, unit, source, cell),
        Column("Time", "", source, _time(hours)),
        Column("St", "", source, _at(lambda utc: "0")),
    )


def _hourly(*, base: bool, meter: int = 1, hours: int = 1) -> Cell:
    """Return the volume of the busiest hour or day."""
    volume = 12480 * hours * (meter + 1) // 2
    volume = volume * measured.FACTOR // 10000 if base else volume
    return _at(lambda utc: measured.trimmed(volume))


def period(*, extra: bool = False) -> tuple[Column, ...]:
    """Return the columns of a converter's measuring period (18, or 19)."""
    volumes = (BASE, BASE_TOTAL, MEASURED, MEASURED_TOTAL)
    means = (PRESSURE, TEMPERATURE, K_NUMBER, FACTOR)
    states = (status(2), status(4), status(7), status(6), SYSTEM)
    more = (Column("St.9", "", "0009:110_0", _at(lambda utc: "")),) if extra else ()
    return (*HEAD, *volumes, *means, *states, *more, EVENT, CHECK)


def month_counters() -> tuple[Column, ...]:
    """Return the columns of a converter's first month archive (22)."""
    return (
        *HEAD,
        BASE,
        BASE_TOTAL,
        *peak("VbMP", "m3", "0003:161_0", _hourly(base=True), 27),
        *peak("VbDy", "m3", "0004:161_0", _hourly(base=True, hours=20), 24),
        MEASURED,
        MEASURED_TOTAL,
        *peak("VmMP", "m3", "0010:161_0", _hourly(base=False), 27),
        *peak("VmDy", "m3", "0011:161_0", _hourly(base=False, hours=20), 24),
        status(2),
        status(4),
        CHECK,
    )


def month_measured() -> tuple[Column, ...]:
    """Return the columns of a converter's second month archive (36)."""
    flow = measured.measured_flow
    high = Column("p.Mn", " bar", "0007:310_0", _mean(measured.pressure, 4))
    warm = Column("T.Mn", "{C", "0006:310_1", _mean(measured.temperature, 2))
    return (
        *HEAD,
        *peak("Qm.Mx", "m3|h", "0004:310_0", _flow(flow, 110), 31),
        *peak("Qm.Mn", "m3|h", "0004:310_0", _flow(flow, 20), 29),
        *peak("Qb.Mx", "m3|h", "0002:310_0", _flow(_base_flow, 110), 31),
        *peak("Qb.Mn", "m3|h", "0002:310_0", _flow(_base_flow, 20), 29),
        high,
        *peak("p.Mx", " bar", "0007:310_0", _mean(lambda u: 25310, 4), 100),
        *peak("p.Mn", " bar", "0007:310_0", _mean(lambda u: 24990, 4), 120),
        warm,
        *peak("T.Mx", "{C", "0006:310_1", _mean(lambda u: 1422, 2), 200),
        *peak("T.Mn", "{C", "0006:310_1", _mean(lambda u: -312, 2), 220),
        K_NUMBER,
        FACTOR,
        status(7),
        status(6),
        status(8),
        status(5),
        CHECK,
    )


LOGBOOK = (*HEAD, EVENT, CHECK)
CHANGES = (
    *HEAD,
    Column("Addr", "", "", _own(0)),
    Column("Old", "", "", _own(1)),
    Column("New", "", "", _own(2)),
    *(Column(f"St.L{n}", "", f"{n:04d}:170_0", _own(2 + n)) for n in range(1, 5)),
    CHECK,
)
CALIBRATION = (
    *CHANGES[:6],
    MEASURED_TOTAL,
    BASE_TOTAL,
    CHECK,
)


def logger_period(meter: int) -> tuple[Column, ...]:
    """Return the columns of a logger's measuring period (9)."""
    counter = _volume(base=False, total=False, meter=meter)
    return (
        *HEAD,
        Column("V", "m3", f"{meter:04d}:200_0", counter),
        Column("VA", "m3", f"{meter:04d}:203_0", counter),
        status(meter),
        SYSTEM,
        EVENT,
        CHECK,
    )


def logger_month(meter: int) -> tuple[Column, ...]:
    """Return the columns of a logger's month (14)."""
    counter = _volume(base=False, total=False, meter=meter)
    hourly = _hourly(base=False, meter=meter)
    daily = _hourly(base=False, meter=meter, hours=20)
    return (
        *HEAD,
        Column("V", "m3", f"{meter:04d}:200_0", counter),
        Column("VA", "m3", f"{meter:04d}:203_0", counter),
        *peak("VMP", "m3", f"{meter:04d}:161_0", hourly, 27),
        *peak("VDy", "m3", f"{meter:04d}:162_0", daily, 24),
        status(meter),
        SYSTEM,
        CHECK,
    )


def converter_period() -> tuple[Column, ...]:
    """Return the columns of a temperature converter's measuring period (14)."""
    fixed_pressure = Column("p", " bar", "0007:311_0", _at(lambda utc: "1.01325"))
    volumes = (BASE, BASE_TOTAL, MEASURED, MEASURED_TOTAL)
    states = (status(2), status(4), SYSTEM)
    return (
        GLOBAL,
        TIME,
        *volumes,
        TEMPERATURE,
        fixed_pressure,
        FACTOR,
        *states,
        EVENT,
        CHECK,
    )


# -- the BK meter (lis200.md 8.3): AONo first, units in the code page, hexadecimal

# Header rows have the bytes of the code page as they are; 7 bits make letters of them
_CUBIC_METRES, _FLOW, _PASCAL = "\xec3", "\xec3\\\xf7", "\xcf\xe0"


def bk_interval(kind: str) -> tuple[Column, ...]:
    """Return the columns of interval, day or month; ``kind``: I, D or M."""

    def volume(name: str, source: str, *, base: bool, total: bool) -> Column:
        fixed = _volume(base=base, total=total)
        return Column(name, _CUBIC_METRES, source, lambda r, t: _four(fixed(r, t)))

    return (
        LOCAL,
        GLOBAL,
        TIME,
        volume("Vc", "0002:300_0", base=True, total=False),
        volume("VcO", "0002:302_0", base=True, total=True),
        volume("Vp", "0004:300_0", base=False, total=False),
        volume("VpO", "0004:302_0", base=False, total=True),
        Column(f"Taver{kind}", "{C", "0014:160_0", _mean(measured.temperature, 2)),
        Column("PpodAvI", _PASCAL, "0007:313_0", _at(lambda utc: "101325.0000")),
        Column("KAvI", "", "0008:313_0", _at(lambda utc: "1.0000")),
        Column(f"KkorAv{kind}", "", "0005:313_0", _at(lambda utc: "0.9825")),
        Column(f"QcAv{kind}", _FLOW, "0002:316_0", _at(lambda utc: "0.4210")),
        Column("SysSt", "", "0002:100_0", _status(0)),
        *(status(n, "St{}") for n in range(1, 10)),
        Column("EventCode", "", "n:A22_0", EVENT.cell),
        CHECK,
    )


def _four(text: str) -> str:
    return f"{Decimal(text):.4f}"


BK_EVENTS = (
    LOCAL,
    GLOBAL,
    TIME,
    Column("EventCode", "", "n:A22_0", EVENT.cell),
    *bk_interval("I")[3:7],
    Column("p", _PASCAL, "0007:311_0", _at(lambda utc: "101325.0000")),
    Column("K", "", "0008:311_0", _at(lambda utc: "1.0000")),
    Column("Kkor", "", "0005:310_0", _at(lambda utc: "0.9825")),
    Column("T", "{C", "0006:310_1", _mean(measured.temperature, 2)),
    Column("Q", _FLOW, "0004:310_0", _flow(measured.measured_flow, 100)),
    CHECK,
)
BK_CHANGES = (
    LOCAL,
    GLOBAL,
    TIME,
    Column("Addr", "", "", _own(0)),
    Column("Old", "", "", _own(1)),
    Column("New", "", "", _own(2)),
    Column("L1", "", "0001:170_0", _own(3)),
    Column("L3", "", "0003:170_0", _own(5)),
    Column("L4", "", "0004:170_0", _own(6)),
    CHECK,
)
