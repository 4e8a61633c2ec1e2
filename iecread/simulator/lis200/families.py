"""Which simulated LIS-200 devices there are, and all that tells them apart.

A Family has the objects of lis200.md 13, the archives of 8.1, the calendar of what
happens to the device, and the ways of its software: where the attribute stands, how
times look, which numbers errors have.  All values are invented.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

from iecread.simulator.lis200 import archives, measured
from iecread.simulator.lis200.archives import Layout
from iecread.simulator.lis200.history import Cycle, Rule
from iecread.simulator.lis200.objects import (
    CALIBRATION as SEALED,
)
from iecread.simulator.lis200.objects import (
    CUSTOMER,
    READER,
    SUPPLIER,
    Check,
    Holder,
    Item,
    Key,
    Value,
    bk_moment,
    choice,
    constant,
    counter,
    escaped_text,
    function,
    moment,
    number,
    plain_text,
    setting,
)
from iecread.simulator.lis200.objects import (
    measured as reading,
)

_CLOCK_CODES = (8, 0, 19, 31)


@dataclass(frozen=True, slots=True)
class Errors:
    """The numbers that errors have.

    Attributes:
        address: no such address at all.
        object: no such object.
        entity: the object is there, with another entity.
        attribute: there is no such attribute.
        missing: this object does not have it.
        range: a value that is too high or low.
        choice: a value that is none of the permitted ones.
        form: a value that is written wrongly.
        unit: a unit that is not the object's.
        fixed: what cannot be written.
        code, unreadable, unwritable, locked: as in lis200.md 7.
        syntax: of a command.
        archive: there is no such archive.
        semicolon: one is missing in a request to an archive.
        size: the number of rows in a part is missing or wrong.
        with_address: whether the address stands in front.
    """

    address: int = 1
    object: int = 2
    entity: int = 3
    attribute: int = 4
    missing: int = 5
    range: int = 6
    choice: int = 6
    form: int = 13
    unit: int = 14
    fixed: int = 9
    code: int = 17
    unreadable: int = 18
    unwritable: int = 19
    locked: int = 20
    syntax: int = 200
    archive: int = 100
    semicolon: int = 200
    size: int = 200
    with_address: bool = False


BK_ERRORS = Errors(
    address=4,
    object=4,
    entity=4,
    attribute=4,
    missing=4,
    range=102,
    choice=101,
    form=8,
    unit=102,
    syntax=1,
    archive=1,
    semicolon=13,
    size=1,
    with_address=True,
)


@dataclass(frozen=True, slots=True)
class Family:
    """One kind of device.

    Attributes:
        type: the text at 1:181.
        text: behind Z in the identification.
        compatible: the text in compatibility mode; empty: it has none.
        called: the text when it is called by its address; None: the same.
        items: all objects but locks and archives.
        archives: layouts by number.
        rules: what the calendar brings.
        logbook: archive of events; changes: archive of what was set.
        period: archive of the measuring period, where setting the clock is entered.
        locks: their numbers.
        coded: those that a code opens, and that code.
        nibble: whether the attribute is the fourth digit of the object (BK).
        errors: their numbers.
    """

    type: str
    text: str
    items: tuple[Item, ...]
    archives: dict[int, Layout]
    rules: tuple[Rule, ...]
    logbook: int
    changes: int
    period: int
    compatible: str = ""
    called: str | None = None
    locks: tuple[int, ...] = (1, 2, 3, 4)
    code: str = "00000000"
    nibble: bool = False
    errors: Errors = Errors()


# -- values


def _clock(device: Holder) -> str:
    return device.clock_text()


def _status(status: int) -> Callable[[Holder], str]:
    return lambda device: device.say_messages(device.messages(status))


def _all_messages(device: Holder) -> str:
    found = {m for n in range(10) for m in device.messages(n)}
    return device.say_messages(tuple(sorted(found)))


def _volume(*, base: bool, total: bool, meter: int = 1) -> Callable[[Holder], str]:
    def value(device: Holder) -> str:
        utc = device.utc()
        volume = (
            measured.base_volume(utc) if base else measured.measured_volume(utc, meter)
        )
        if total:
            volume += measured.DISTURBED_BASE if base else measured.DISTURBED
        return measured.fixed(volume)

    return value


def _flow(meter: int = 1, factor: int = 10000) -> Callable[[Holder], str]:
    def value(device: Holder) -> str:
        flow = measured.measured_flow(device.utc(), meter)
        return measured.fixed(flow * factor // 10000, 4)

    return value


def _pressure(device: Holder) -> str:
    return measured.fixed(measured.pressure(device.utc()))


def _celsius(device: Holder) -> str:
    return measured.fixed(measured.temperature(device.utc()), 2)


def _kelvin(device: Holder) -> str:
    return measured.fixed(measured.temperature(device.utc()) + 27315, 2)


def _text(length: int, *, escapes: bool) -> Check:
    return escaped_text(length) if escapes else plain_text(length)


def _common(
    type: str, number_: str, version: str, *, escapes: bool, rights: int = SUPPLIER
) -> tuple[Item, ...]:
    """Return what all devices but the BK meter have; ``rights``: of the clock."""
    text = _text(16, escapes=escapes)
    every = choice("0", "1", "2")
    return (
        constant("1:180", "SNr", number_),
        setting("3:180", "CNo", "SIM 1", text, codes=(8, 0, 35, 22)),
        constant("1:181", "Typ", f"{type:<10}"),
        constant("2:181", "Manu", "SIM"),
        constant("2:190", "Vers", version),
        setting(
            "1:400",
            "Time",
            _clock,
            moment,
            rights=rights,
            codes=_CLOCK_CODES,
            reply="1:400.2",
        ),
        setting("1:407", "MdTim", "1", every, codes=(7, 0, 0, 2)),
        setting("1:4A0", "", "2026-03-29,02:00:00", moment, codes=_CLOCK_CODES),
        setting("1:4A8", "", "2026-10-25,03:00:00", moment, codes=_CLOCK_CODES),
        reading("2:404", "BatR", "97", "M", codes=(5, 0, 0, 2)),
        reading("2:777", "GSM.L", "62", "%", codes=(5, 0, 0, 2)),
        reading("1:100", "Stat", _all_messages, codes=(5, 0, 18, 3)),
        reading("2:100", "StSy", _status(0), codes=(5, 0, 18, 3)),
        reading("1:101", "SReg", "1)(3", codes=(5, 0, 18, 3)),
        function("4:130", "Clr"),
        *(
            constant(f"{n}:1E0", "", letter)
            for n, letter in enumerate("smhDMY", start=1)
        ),
        setting("2:704", "BusS2", "0", choice("0", "1"), codes=(7, 0, 0, 2)),
        setting("2:705", "Md.S2", "5", choice(*"12356"), codes=(7, 0, 0, 2)),
        setting("2:707", "DF.S2", "0", choice("0", "1", "2"), codes=(7, 0, 0, 2)),
        setting("2:708", "Bd.S2", "19200", choice("300", "9600", "19200")),
        setting("2:70E", "", number_, number("0", "99999999")),
        setting("2:720", "Num.T", "1", number("1", "12")),
        constant("3:424", "TaRng", "-25..+55"),
    )


def _converter(*, escapes: bool, plain: bool = False) -> tuple[Item, ...]:
    """Return the volumes and gas data of a converter; ``plain``: without sensor."""
    text = _text(12, escapes=escapes)
    items: list[Item] = [
        counter("2:300", "Vb", _volume(base=True, total=False)),
        counter("2:301", "VbD", "13.7150", rights=SUPPLIER),
        counter("2:302", "VbT", _volume(base=True, total=True), fixed=True),
        counter("2:303", "VbA", "4000.0000", rights=SUPPLIER),
        counter("4:300", "Vm", _volume(base=False, total=False)),
        counter("4:301", "VmD", "12.5000", rights=SUPPLIER),
        counter("4:302", "VmT", _volume(base=False, total=True), fixed=True),
        counter("4:303", "VmA", "1500.0000", rights=SUPPLIER),
        counter("1:202", "Vo", "20100.0000", reply="1:202.0"),
        reading("2:310", "Qb", _flow(factor=measured.FACTOR), "m3|h", "7-2:310.0"),
        reading("4:310", "Qm", _flow(), "m3|h", "7-4:310.0"),
        reading("5:310", "C", measured.fixed(measured.FACTOR), "", "7-5:310.0"),
        reading("6:310_1", "T", _celsius, "{C", "7-6:310_1.1"),
        reading("6:310", "T", _kelvin, "K", "7-6:310.0"),
        setting("6:311_1", "T.F", "10.00", number("-40", "70"), "{C"),
        setting("6:312", "Tb", "273.15", number("273", "300"), "K"),
        setting("7:311", "p.F", "1.01325", number("0", "100"), " bar"),
        setting("7:312", "pb", "1.01325", number("0.9", "1.1"), " bar"),
        setting("8:311", "K.F", "1.0000", number("0.1", "9.9")),
        setting("1:222", "GMNo", "20011148", text, rights=SEALED),
        setting("5:222", "SNT", "30022259", text, rights=SEALED),
        setting("5:223", "TypT", "PT 500", text, rights=SEALED),
        setting("5:224_1", "Tmin", "-25", number("-60", "0"), "{C", rights=SEALED),
        setting("5:225_1", "Tmax", "60", number("0", "90"), "{C", rights=SEALED),
        setting("1:253", "cp1", "1", number("0.01", "100"), "1/m3", rights=SEALED),
        setting("2:207", "MdI2", "2", choice("0", "1", "2"), codes=(7, 0, 0, 2)),
        setting("2:141", "", "6", number("0", "23"), "h", rights=SEALED),
        setting("4:150", "MPer", "60", choice("60"), "m", rights=SEALED),
        setting("1:1F0", "MCyc", "20", number("1", "60"), "s"),
        setting("1:1F1", "OCyc", "300", number("1", "3600"), "s"),
        setting("2:158", "VbMx", "100.0", number("0", "9999"), "m3", rights=CUSTOMER),
        setting("6:3A0_1", "Tmax", "60", number("-60", "90"), "{C", rights=SEALED),
        setting("6:3A8_1", "Tmin", "-20", number("-60", "90"), "{C", rights=SEALED),
        *(
            reading(f"{n}:110", f"St.{n}", _status(n), codes=(5, 0, 18, 3))
            for n in range(1, 10)
        ),
    ]
    if plain:
        return (
            *items,
            reading("7:310", "p", "1.01325", " bar", "7-7:310.0"),
            reading("8:310", "K", "1.0000", "", "7-8:310.0"),
        )
    return (
        *items,
        reading("7:310", "p", _pressure, " bar", "7-7:310.0", codes=(4, 16, 4, 8)),
        reading("8:310", "K", "0.9951", "", "7-8:310.0"),
        setting("6:222", "SNp", "40033360", text, rights=SEALED),
        setting("6:223", "Typp", "CT30", text, rights=SEALED),
        setting("6:224", "pmin", "0.7", number("0", "10"), " bar", rights=SEALED),
        setting("6:225", "pmax", "5.2", number("1", "100"), " bar", rights=SEALED),
        setting("6:314_1", "", "0", number("-40", "70"), "{C"),
        setting("6:317", "MdT", "1", choice("0", "1"), rights=SEALED),
        setting("7:317", "Mdp", "1", choice("0", "1"), rights=SEALED),
        setting("7:3A0", "pmax", "5.0", number("0", "100"), " bar", rights=SEALED),
        setting("7:3A8", "pmin", "0.8", number("0", "100"), " bar", rights=SEALED),
        setting("6:212_1", "pAtm", "1.01325", number("0.5", "1.2"), " bar"),
        setting("8:317", "MdK", "1", choice("0", "1", "2")),
        setting("10:312", "Ho,b", "11.190", number("6", "15"), "kWh/m3"),
        setting("10:314", "Ho,b", "11.190", number("6", "15"), "kWh/m3"),
        setting("11:314", "CO2", "0.500", number("0", "30"), "mol %"),
        setting("12:314", "H2", "0.000", number("0", "10"), "mol %"),
        setting("13:314_1", "Rhob", "0.7800", number("0.7", "1.2"), "kg|m3"),
        setting("14:314", "N2", "1.200", number("0", "50"), "mol %"),
        setting("15:314", "dv", "0.6000", number("0.5", "1")),
    )


def _inputs(count: int, *, escapes: bool) -> tuple[Item, ...]:
    """Return what a logger counts."""
    found: list[Item] = []
    for n in range(1, count + 1):
        text = _text(12, escapes=escapes)
        value = _volume(base=False, total=False, meter=n)
        cp = number("0.01", "1000")
        modes = choice("0", "1", "2", "5")
        found += [
            counter(f"{n}:200", "V", value, reply=f"{n}:200.2"),
            counter(f"{n}:203", "VA", value, rights=SUPPLIER, reply=f"{n}:203.2"),
            reading(f"{n}:210", "Q", _flow(n), "m3/h"),
            setting(f"{n}:222", "SNZ", f"2001114{n}", text, rights=SEALED),
            setting(f"{n}:253", "cp", "1", cp, "1/m3", rights=SEALED),
            setting(f"{n}:207", "MdI", "1", modes, rights=SEALED),
            reading(f"{n}:110", f"St.{n}", _status(n), codes=(5, 0, 18, 3)),
            setting(f"{n + 4}:141", "", "6", number("0", "23"), "h", rights=SEALED),
            setting(f"{n + 4}:150", "MP", "60", choice("60"), "m", rights=SEALED),
        ]
    found += [
        reading(f"{n}:110", f"St.{n}", _status(n), codes=(5, 0, 18, 3))
        for n in range(count + 1, 5)
    ]
    return tuple(found)


# -- what happens

_GAS_DAY = timedelta(hours=5)  # UTC: 06:00, all year in standard time
_CALL = timedelta(hours=7, minutes=30, seconds=5)
_CALL_END = timedelta(hours=7, minutes=31, seconds=12)
_OFF, _ON = (
    timedelta(hours=9, minutes=20, seconds=17),
    timedelta(hours=10, minutes=5, seconds=33),
)
_WARM = timedelta(hours=12)  # on the full hour: two rows of the same time
_COOL = timedelta(hours=13, minutes=10, seconds=21)


def _events(logbook: int, warning: int) -> tuple[Rule, ...]:
    """Return what is entered in the logbook."""
    return (
        Rule(logbook, 0x3C02, Cycle.DAY, _CALL),
        Rule(logbook, 0x1C02, Cycle.DAY, _CALL_END),
        Rule(logbook, 0x3002, Cycle.MONTH, _OFF, day=3),
        Rule(logbook, 0x1002, Cycle.MONTH, _ON, day=3),
        Rule(logbook, 0x2500 | warning, Cycle.MONTH, _WARM, day=15),
        Rule(logbook, 0x0500 | warning, Cycle.MONTH, _COOL, day=15),
        Rule(logbook, 0x3F02, Cycle.SUMMER, month=3),
        Rule(logbook, 0x1F02, Cycle.WINTER, month=10),
    )


def _periods(archive: int, ended: int, warning: int) -> tuple[Rule, ...]:
    """Return what is entered in the archive of a measuring period."""
    return (
        Rule(archive, ended, Cycle.HOUR),
        Rule(archive, 0x3002, Cycle.MONTH, _OFF, day=3),
        Rule(archive, 0x1002, Cycle.MONTH, _ON, day=3),
        Rule(archive, 0x2500 | warning, Cycle.MONTH, _WARM, day=15),
        Rule(archive, 0x0500 | warning, Cycle.MONTH, _COOL, day=15),
    )


def _month(archive: int, event: int) -> Rule:
    return Rule(archive, event, Cycle.MONTH, _GAS_DAY)


def _changed(archive: int, *payload: str) -> Rule:
    offset = timedelta(hours=8, minutes=14, seconds=36)
    return Rule(archive, 0, Cycle.YEAR, offset, 12, 2, payload)


_HOURS = timedelta(days=275)  # about nine months of hours (lis200.md 8.3)
_MONTHS = timedelta(days=740)
_DAYS = timedelta(days=600)
_LOG = timedelta(days=200)
_LONG = timedelta(days=7300)


def _ek(type: str, text: str, version: str, number_: str, *, new: bool) -> Family:
    rights = READER if new else SUPPLIER
    common = _common(type, number_, version, escapes=new, rights=rights)
    layouts = {
        1: Layout(50, archives.month_counters(), _MONTHS),
        2: Layout(34, archives.month_measured(), _MONTHS),
        3: Layout(97 if new else 33, archives.period(extra=new), _HOURS),
        4: Layout(3, archives.LOGBOOK, _LOG),
        5: Layout(35, archives.CHANGES, _LONG),
        7: Layout(20, archives.period(), _DAYS),
    }
    rules = (
        *_periods(3, 0x8104, 6),
        Rule(7, 0x8103, Cycle.DAY, _GAS_DAY),
        _month(1, 0x8111),
        _month(2, 0x8112),
        *_events(4, 6),
        _changed(5, "0006:0311", "9.5*{C", "10*{C", "0", "0", "1", "0"),
        _changed(5, "0007:0312", "1.01325* bar", "1.01325* bar", *"0010"),
    )
    if new:
        layouts[9] = Layout(51, archives.CALIBRATION, _LONG)
        rules += (_changed(9, "0004:0150", "60*m", "60*m"),)
    return Family(
        type=type,
        text=text,
        compatible=r"\2EK260" if new else "",
        items=(*common, *_converter(escapes=new)),
        archives=layouts,
        rules=rules,
        logbook=4,
        changes=5,
        period=3,
        locks=(1, 2, 3, 4, 5, 6) if new else (1, 2, 3, 4),
    )


def _dl(number_: str) -> Family:
    return Family(
        type="DL220",
        text="DL220",
        items=(
            *_common("DL220", number_, "1.10", escapes=False),
            *_inputs(2, escapes=False),
        ),
        archives={
            1: Layout(2, archives.logger_month(1), _MONTHS),
            2: Layout(81, archives.logger_period(1), _HOURS),
            3: Layout(2, archives.logger_month(2), _MONTHS),
            4: Layout(81, archives.logger_period(2), _HOURS),
            10: Layout(3, archives.LOGBOOK, _LOG),
            11: Layout(35, archives.CHANGES, _LONG),
        },
        rules=(
            *_periods(2, 0x8105, 1),
            *_periods(4, 0x8106, 2),
            _month(1, 0x8111),
            _month(3, 0x8112),
            *_events(10, 1),
            _changed(11, "0005:0150", "15*m", "60*m", *"0010"),
        ),
        logbook=10,
        changes=11,
        period=2,
    )


def _tc(number_: str) -> Family:
    return Family(
        type="TC220",
        text="TC220",
        items=(
            *_common("TC220", number_, "1.05", escapes=False),
            *_converter(escapes=False, plain=True),
        ),
        archives={
            1: Layout(50, archives.month_counters(), _MONTHS),
            3: Layout(113, archives.converter_period(), _HOURS),
            4: Layout(3, archives.LOGBOOK, _LOG),
            5: Layout(35, archives.CHANGES, _LONG),
            7: Layout(113, archives.converter_period(), _DAYS),
        },
        rules=(
            *_periods(3, 0x8104, 6),
            Rule(7, 0x8103, Cycle.DAY, _GAS_DAY),
            _month(1, 0x8111),
            *_events(4, 6),
            _changed(5, "0006:0311", "9.5*{C", "10*{C", *"0010"),
        ),
        logbook=4,
        changes=5,
        period=3,
        code="0",
    )


# -- the BK meter

_M3, _M3H, _PA = r"\xEC3", r"\xEC\x33\\xF7", r"\xCF\xE0"
_MONTHS_LEFT = r"\xEC\xE5\xF1."


def _bk_items(number_: str) -> tuple[Item, ...]:
    def volume(address: str, name: str, value: Value) -> Item:
        item = counter(address, name, value, _M3, reply=address)
        return replace(item, codes=(12, 0x80, 4, 8))

    def part(factor: int) -> Callable[[Holder], str]:
        def value(device: Holder) -> str:
            volume = measured.measured_volume(device.utc())
            return measured.fixed(volume * factor // 10000)

        return value

    codes = (4, 0x10, 4, 8)
    return (
        constant("1:180", "No.KP", number_),
        constant("2:180", "Maker", "SIM"),
        constant("1:181", "YCTP.", "BK-G4ETe"),
        constant("2:190", "Ver.Mn", "1.12"),
        constant("2:191", "CRC.Mn", "0x5A3C"),
        setting("1:400", "Time", _clock, bk_moment, codes=_CLOCK_CODES, reply="1:400"),
        setting("1:401", "UTC", "UTC+3", choice("UTC+2", "UTC+3", "UTC+4", "UTC+5")),
        setting("2:141", "Pc.BP", "10", number("0", "23"), rights=SEALED),
        reading("2:404", "LifBat", "58", _MONTHS_LEFT),
        reading("22:404", "LifBat", "61", _MONTHS_LEFT),
        setting("1:1F0", "measPer", "30", number("5", "3600"), rights=SEALED),
        setting("2:1A0", "LCDtOff", "60", number("20", "300")),
        setting("1:709", "speedOp", "6", choice(*"0123456")),
        volume("2:300", "Vc", part(9825)),
        volume("2:301", "VcB", "0.0000"),
        volume("2:302", "VcO", part(9825)),
        volume("4:300", "Vp", part(10000)),
        volume("4:301", "VpB", "0.0000"),
        volume("4:302", "VpO", part(10000)),
        reading("2:310", "Qc", _flow(factor=9825), _M3H, codes=codes),
        reading("4:310", "Qp", _flow(), _M3H, codes=codes),
        reading("5:310", "Kkor", "0.9825", codes=codes),
        reading("6:310_1", "T", _celsius, "{C", codes=codes),
        reading("6:310", "T", _kelvin, "K", codes=codes),
        setting("6:311_1", "Tp", "15.00", number("-40", "70"), "{C", default="15.00"),
        setting(
            "7:311",
            "Ppod",
            "101325.0000",
            number("80000", "110000"),
            _PA,
            default="101325.0000",
            range="80000..110000",
        ),
        setting("7:310", "", "101325.0000", number("0", "200000"), _PA),
        setting("4:311", "QpodU", "6.0000", number("0", "10"), _M3H),
        setting("8:311", "K", "1.0000", number("0.5", "2")),
        setting("6:312", "Tstand", "293.15", number("273", "300"), "K", rights=SEALED),
        setting(
            "7:312", "Pstand", "101325.0000", number("0", "200000"), _PA, rights=0xAF
        ),
        *(
            reading(address, name, _status(n), rights=SUPPLIER, codes=(5, 0, 37, 3))
            for n, address, name in (
                (0, "2:100", "SysSt"),
                *((n, f"{n}:110", f"St{n}") for n in range(1, 10)),
            )
        ),
        function("4:130", "ResAlrt"),
        reading("2:777", "GSMsgnl", "62", r"\x25"),
        setting("1:778", "sErLis", "0", choice("0", "1")),
        setting("1:D21", "Apn", "internet", escaped_text(32), codes=(8, 0, 35, 24)),
        setting("6:150", "TclsOpt", "60", number("20", "120"), r"\xF1\xE5\xEA."),
        constant("1:01B", "Arcs", "(1)(3)(4)(5)(7)"),
    )


def _bk(number_: str) -> Family:
    headless = frozenset({"Check"})
    interval = Layout(0, archives.bk_interval("I"), _HOURS, headless)
    day = Layout(0, archives.bk_interval("D"), _DAYS, headless)
    month = Layout(0, archives.bk_interval("M"), _MONTHS, headless)
    events = Layout(0, archives.BK_EVENTS, _LOG, frozenset({"EventCode", "Check"}))
    offset = timedelta(hours=8, minutes=14, seconds=36)
    change = ("8:311", "(1.0000)", "(1.0000)", "0", "", "1", "0")
    return Family(
        type="BK-G4ETe",
        text=r"\BKET",
        called="BKET",
        items=_bk_items(number_),
        archives={
            1: month,
            3: interval,
            4: events,
            5: Layout(0, archives.BK_CHANGES, _LONG),
            7: day,
        },
        rules=(
            Rule(3, 0x8104, Cycle.HOUR),
            Rule(7, 0x8103, Cycle.DAY, timedelta(hours=9)),
            Rule(1, 0x8111, Cycle.MONTH, timedelta(hours=9)),
            *_events(4, 6),
            Rule(5, 0, Cycle.YEAR, offset, 12, 2, change),
        ),
        logbook=4,
        changes=5,
        period=3,
        code="0",
        nibble=True,
        errors=BK_ERRORS,
    )


FAMILIES: dict[str, Callable[[str], Family]] = {
    "ek": lambda n: _ek("EK260", "EK260", "2.52", n, new=False),
    "ek280": lambda n: _ek("EK280", r"\2EK280", "3.10", n, new=True),
    "dl": _dl,
    "tc": _tc,
    "bk": _bk,
}
"""Families by name; each takes the device's own number."""

_LIST = ("1:180", "2:302", "7:310", "6:310_1", "2:200", "1:200", "5:310")


def readout_keys(family: Family) -> list[Key]:
    """Return the objects in the data readout (lis200.md 12)."""
    there = {item.key for item in family.items}
    return [key for key in map(Key.of, _LIST) if key in there]
