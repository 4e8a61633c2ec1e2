"""What the simulated meters have to say: data sets, all invented.

Each meter is a function from the time on its clock to the characters of its data
message, ``!`` included.  Counters are whole numbers of their last digit and depend on
nothing but that time, so that the same moment gives the same readout.  Every
identification names the maker ``SIM``, which no maker has.  What can be read besides,
in programming mode, is in ``memory`` and ``logbook``, of LIS-200 devices in
``lis200``.
"""

from calendar import monthrange
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from iecread.protocol.bcc import crc16
from iecread.simulator.lis200.build import readout
from iecread.simulator.logbook import is_summer, to_utc

_BEGIN = datetime(2024, 1, 1)  # when the counters stood at their first values
_DAY = range(6 * 60, 22 * 60)  # minutes of the day in which tariff 1 counts
_SUN = range(9 * 60, 17 * 60)  # minutes of the day in which the roof delivers

NUMBERS = {  # the meters' own numbers, which are their addresses too
    "household": "10048151",
    "mode-a": "10048152",
    "mode-b": "10048153",
    "industrial": "10048154",
    "p1": "10048155",
    "push": "10048156",
    "vdew": "10048157",
    "lis200-ek": "10048158",
    "lis200-ek280": "10048159",
    "lis200-dl": "10048160",
    "lis200-tc": "10048161",
    "lis200-bk": "10048162",
}


@dataclass(frozen=True, slots=True)
class Model:
    """A kind of simulated meter.

    Attributes:
        summary: what it is, for people.
        z: Z of the identification (6.3.2).
        text: the maker's text behind it.
        data: gives the data message for a time and a number of lines.
        lines: how many lines it has where the number can be chosen, else 0.
        push_speed: speed in Bd of a meter that speaks unasked, else 0.
        period: seconds from one telegram to the next.
        even: whether a telegram carries even parity.
        lis200: the family of a LIS-200 device; empty: it is none.
    """

    summary: str
    z: str
    text: str
    data: Callable[[datetime, int], bytes]
    lines: int = 0
    push_speed: int = 0
    period: float = 0.0
    even: bool = False
    lis200: str = ""


def _number(value: int, before: int, after: int, mark: str = ".") -> str:
    """Write ``value``, counted in units of the last of ``after`` digits."""
    whole, rest = divmod(value, 10**after)
    digits = f"{whole:0{before}d}"
    return f"{digits}{mark}{rest:0{after}d}" if after else digits


def _message(lines: list[str], end: str = "\r\n!\r\n") -> bytes:
    return ("\r\n".join(lines) + end).encode("ascii")


def _minutes(now: datetime, of_day: range) -> int:
    """Return how many minutes of that part of the day there were since the begin."""
    past = now.replace(tzinfo=None) - _BEGIN
    if past < timedelta():
        return 0
    today = past.seconds // 60
    return past.days * len(of_day) + min(max(today - of_day.start, 0), len(of_day))


def _energies(now: datetime) -> tuple[int, int, int]:
    """Return import in tariffs 1 and 2 and export, in Wh: 420, 180 and 660 W."""
    day = _minutes(now, _DAY)
    night = _minutes(now, range(24 * 60)) - day
    return 4218650 + 7 * day, 2750310 + 3 * night, 1320480 + 11 * _minutes(now, _SUN)


def _power(now: datetime) -> tuple[int, int]:
    """Return the power now, import and export, in W."""
    minute = now.hour * 60 + now.minute
    export = 660 if minute in _SUN else 0
    return (420 if minute in _DAY else 180) + minute * 37 % 90, export


def _volts(now: datetime, phase: int) -> int:
    """Return the voltage of a phase in tenths of a volt."""
    return 2285 + (now.minute * 7 + phase * 11) % 31


def _month_before(now: datetime, count: int = 1) -> datetime:
    """Return the first moment of the month ``count`` months before."""
    months = now.year * 12 + now.month - 1 - count
    return datetime(months // 12, months % 12 + 1, 1)


def _maximum(month: datetime, until: datetime) -> tuple[int, datetime | None]:
    """Return the highest power in W of a month up to ``until``, and its time."""
    highest: tuple[int, datetime | None] = (0, None)
    for day in range(1, monthrange(month.year, month.month)[1] + 1):
        evening = datetime(month.year, month.month, day, 18, 45)
        watts = 2100 + (month.month * 131 + day * 577) % 1900
        if evening <= until and watts > highest[0]:
            highest = watts, evening
    return highest


def _demand(code: str, found: tuple[int, datetime | None]) -> str:
    watts, moment = found
    stamp = f"{moment:%y%m%d%H%M}" if moment else "0000000000"
    return f"{code}({_number(watts, 3, 3)}*kW)({stamp})"


def household(now: datetime, lines: int = 0) -> bytes:
    """A three-phase meter of a house with two tariffs and a solar roof."""
    now = now.replace(tzinfo=None)
    high, low, out = _energies(now)
    reset = _month_before(now, 0)  # by schedule
    manual = _month_before(now) + timedelta(days=16, hours=10, minutes=24)
    last, earlier = _energies(reset), _energies(manual)

    def kwh(value: int) -> str:
        return f"{_number(value, 6, 3)}*kWh"

    number = NUMBERS["household"]
    text = [
        "F.F(00000000)",
        f"0.0.0({number})",
        f"C.1.0({number})",
        "0.2.0(SIM-1.0)",
        f"0.9.1({now:%H:%M:%S})",
        f"0.9.2({now:%y-%m-%d})",
        "0.1.0(05)",
        f"0.1.2*05({reset:%y%m%d%H%M})",
        f"0.1.2&04({manual:%y%m%d%H%M})",
        "0.1.2*03()",
        f"1.8.0({kwh(high + low)})",
        f"1.8.1({kwh(high)})",
        f"1.8.1*05({kwh(last[0])})",
        f"1.8.1&04({kwh(earlier[0])})",
        "1.8.1*03()",
        f"1.8.2({kwh(low)})",
        f"1.8.2*05({kwh(last[1])})",
        f"1.8.2&04({kwh(earlier[1])})",
        f"2.8.0({kwh(out)})",
        f"2.8.0*05({kwh(last[2])})",
        _demand("1.6.1", _maximum(reset, now)),
        _demand("1.6.1*05", _maximum(_month_before(now), reset)),
        f"1.7.0({_number(_power(now)[0], 3, 3)}*kW)",
        *(
            f"{code}.7.0({_number(_volts(now, phase), 3, 1)}*V)"
            for phase, code in enumerate((32, 52, 72))
        ),
        "14.7.0(50.0*Hz)",
        "C.7.0(0003)",
    ]
    return _message(text)


def heat_meter(now: datetime, lines: int = 0) -> bytes:
    """A battery heat meter: short codes, decimal commas, ``!`` right behind ``)``."""
    now = now.replace(tzinfo=None)
    hours = _minutes(now, range(24 * 60)) // 60
    due = 61718 + (datetime(now.year, 1, 1) - _BEGIN).days * 24 * 2
    text = [
        f"0.0({NUMBERS['mode-a']})",
        f"6.8({_number(61718 + hours * 2, 5, 3, ',')}*MWh)",
        f"6.26({_number(130542 + hours * 5, 5, 2, ',')}*m3)",
        f"6.31({_number(21930 + hours, 7, 0)}*h)",
        "6.6(0017,2*kW)",
        "6.33(000,708*m3ph)",
        f"6.8*01({_number(max(due, 0), 5, 3, ',')}*MWh)",
        f"6.36*01({now.year % 100:02d}-01-01)",
        "6.8.1()",
        f"9.4({_number(720 + now.minute, 3, 1, ',')}*C&041,9*C)",
        "F(0)",
    ]
    return _message(text, "!\r\n")


def line_meter(now: datetime, lines: int = 0) -> bytes:
    """A heat meter that packs several data sets into a line."""
    now = now.replace(tzinfo=None)
    hours = _minutes(now, range(24 * 60)) // 60
    heat, volume = _number(12345 + hours, 4, 3), _number(67431 + hours * 3, 5, 2)
    flow = _number(944 + now.minute, 3, 1)
    text = [
        f"6.8({heat}*GJ)6.26({volume}*m3)9.21({NUMBERS['mode-b']})",
        f"6.6(0017.2*kW)6.33(000.708*m3ph)9.4({flow}*C&092.9*C)",
        f"6.31({_number(18340 + hours, 7, 0)}*h)6.32(0000012*h)9.22(R)9.6(000&000)",
        f"9.7(10048)6.8.1()9.36({now:%Y-%m-%d&%H:%M:%S})F(0)",
    ]
    return _message(text)


def _industry(now: datetime) -> Iterator[str]:
    """Data sets without an end: energies, maxima and their history, by channel."""
    number = NUMBERS["industrial"]
    yield "F.F(00000000)"
    yield f"0.0.0({number})"
    yield f"C.1.0({number})"
    yield f"0.9.1({now:%H:%M:%S})"
    yield f"0.9.2({now:%y-%m-%d})"
    yield "0.1.0(12)"
    hours = _minutes(now, range(24 * 60)) // 60
    channel = 0
    while True:
        channel += 1
        for kind in range(1, 9):
            unit = "kWh" if kind < 3 else "kvarh"
            for tariff in range(5):
                rate = 900 // kind + tariff * 31 + channel * 7  # tenths an hour
                for back in range(13):
                    mark = f"*{13 - back:02d}" if back else ""
                    code = f"1-{channel}:{kind}.8.{tariff}{mark}"
                    value = _number(51000000 + rate * max(0, hours - back * 730), 8, 1)
                    yield f"{code}({value}*{unit})"
            for back in range(13):
                month = _month_before(now, back)
                mark = f"*{13 - back:02d}" if back else ""
                yield _demand(f"1-{channel}:{kind}.6.1{mark}", _maximum(month, now))


def industrial(now: datetime, lines: int = 400) -> bytes:
    """A four-quadrant meter with twelve months of history for each register."""
    return _message(list(islice(_industry(now.replace(tzinfo=None)), lines)))


def vdew(now: datetime, lines: int = 0) -> bytes:
    """A load-profile meter as the VDEW specified them: times have a season in front."""
    season = f"{is_summer(to_utc(now)):d}"
    now = now.replace(tzinfo=None)
    high, low, out = _energies(now)
    reset = _month_before(now, 0)
    last = _energies(reset)
    watts, moment = _maximum(reset, now)
    peak = f"{is_summer(to_utc(moment)):d}{moment:%y%m%d%H%M}" if moment else "0" * 11
    number = NUMBERS["vdew"]
    text = [
        "F.F(00000000)",
        f"0.0.0({number})",
        "0.2.0(SIM-2.0)",
        f"0.9.1({season}{now:%H%M%S})",
        f"0.9.2({season}{now:%y%m%d})",
        "0.1.0(12)",
        f"1.8.0({_number(high + low, 6, 3)}*kWh)",
        f"1.8.1({_number(high, 6, 3)}*kWh)",
        f"1.8.1*12({_number(last[0], 6, 3)}*kWh)",
        f"1.8.2({_number(low, 6, 3)}*kWh)",
        f"1.8.2*12({_number(last[1], 6, 3)}*kWh)",
        f"2.8.0({_number(out, 6, 3)}*kWh)",
        f"1.6.1({_number(watts, 1, 3)})({peak})",
        f"C.1.0({number})",
        "C.7.0(0003)",
    ]
    return _message(text)


def _stamp(now: datetime) -> str:
    return f"{now:%y%m%d%H%M%S}{'S' if is_summer(to_utc(now)) else 'W'}"


def p1(now: datetime, lines: int = 0) -> bytes:
    """A P1 port as DSMR 5 lays it out: empty line, data, ``!`` (the CRC follows)."""
    now = now.replace(tzinfo=None)
    high, low, out = _energies(now)
    taken, given = _power(now)
    gas = _minutes(now, range(24 * 60)) // 60 * 45 + 1234567
    number = f"SIM00{NUMBERS['p1']}".encode().hex().upper()
    gas_number = f"SIM00{int(NUMBERS['p1']) + 1000}".encode().hex().upper()
    phases = [
        line
        for phase, code in enumerate((20, 40, 60))
        for line in (
            f"1-0:{code + 12}.7.0({_number(_volts(now, phase), 3, 1)}*V)",
            f"1-0:{code + 11}.7.0({(taken + given) // 690:03d}*A)",
            f"1-0:{code + 1}.7.0({_number(taken // 3, 2, 3)}*kW)",
            f"1-0:{code + 2}.7.0({_number(given // 3, 2, 3)}*kW)",
        )
    ]
    text = [
        "",
        "1-3:0.2.8(50)",
        f"0-0:1.0.0({_stamp(now)})",
        f"0-0:96.1.1({number})",
        f"1-0:1.8.1({_number(low, 6, 3)}*kWh)",
        f"1-0:1.8.2({_number(high, 6, 3)}*kWh)",
        "1-0:2.8.1(000000.000*kWh)",
        f"1-0:2.8.2({_number(out, 6, 3)}*kWh)",
        f"0-0:96.14.0({2 if now.hour * 60 + now.minute in _DAY else 1:04d})",
        f"1-0:1.7.0({_number(taken, 2, 3)}*kW)",
        f"1-0:2.7.0({_number(given, 2, 3)}*kW)",
        "0-0:96.7.21(00004)",
        "0-0:96.7.9(00002)",
        "1-0:99.97.0(1)(0-0:96.7.19)(240318023000W)(0000000240*s)",
        "1-0:32.32.0(00002)",
        "1-0:52.32.0(00001)",
        "1-0:72.32.0(00000)",
        "1-0:32.36.0(00000)",
        "1-0:52.36.0(00000)",
        "1-0:72.36.0(00000)",
        "0-0:96.13.0()",
        *phases,
        "0-1:24.1.0(003)",
        f"0-1:96.1.0({gas_number})",
        f"0-1:24.2.1({_stamp(now.replace(minute=0, second=0))})"
        f"({_number(gas, 5, 3)}*m3)",
    ]
    return _message(text, "\r\n!")


def push(now: datetime, lines: int = 0) -> bytes:
    """A household meter that sends mode D telegrams of its own accord."""
    now = now.replace(tzinfo=None)
    high, low, out = _energies(now)
    taken, given = _power(now)
    text = [
        "",
        f"1-0:0.0.0*255({NUMBERS['push']})",
        f"1-0:1.8.0*255({_number(high + low, 6, 3)}*kWh)",
        f"1-0:2.8.0*255({_number(out, 6, 3)}*kWh)",
        *(
            f"1-0:{code}.7.255*255({_number(taken // 3, 6, 0)}*W)"
            for code in (21, 41, 61)
        ),
        f"1-0:1.7.255*255({_number(taken - given, 6, 0)}*W)",
        "1-0:96.5.5*255(80)",
    ]
    return _message(text)


MODELS = {
    "household": Model(
        "electricity meter of a house, mode C, 9600 Bd", "5", "HOUSEHOLD", household
    ),
    "mode-a": Model("battery heat meter, mode A, 300 Bd", "X", "HEAT-A", heat_meter),
    "mode-b": Model("heat meter, mode B, 2400 Bd", "C", "HEAT-B", line_meter),
    "industrial": Model(
        "several hundred data sets, mode C, 19200 Bd", "6", "INDUSTRY", industrial, 400
    ),
    "vdew": Model(
        "load-profile meter, R5, R6 and W5, mode C, 9600 Bd", "5", "\\@VDEW", vdew
    ),
    "p1": Model(
        "P1 port, sends telegrams with a CRC, 115200 Bd 8N1",
        "5",
        "DEMO-P1",
        p1,
        push_speed=115200,
        period=1.0,
    ),
    "push": Model(
        "sends telegrams without a check, mode D, 9600 Bd",
        "5",
        "PUSH-D",
        push,
        push_speed=9600,
        period=2.0,
        even=True,
    ),
}

for _family, _text, _summary in (
    ("ek", "EK260", "LIS-200 volume converter EK260, 19200 Bd"),
    ("ek280", r"\2EK280", "LIS-200 volume converter EK280: locks 5 and 6, escapes"),
    ("dl", "DL220", "LIS-200 data logger DL220 with two inputs"),
    ("tc", "TC220", "LIS-200 temperature converter TC220, default code 0"),
    ("bk", r"\BKET", "diaphragm meter BK-G4: a close relative of LIS-200"),
):
    _name = f"lis200-{_family}"
    MODELS[_name] = Model(
        _summary, "6", _text, readout(_family, NUMBERS[_name]), lis200=_family
    )


def telegram(model: Model, identification: bytes, now: datetime) -> bytes:
    """Return one whole telegram of a meter that speaks unasked.

    Args:
        model: the meter.
        identification: its identification message.
        now: the time on its clock.
    """
    text = identification + model.data(now, 0)
    return text if text.endswith(b"\n") else text + b"%04X\r\n" % crc16(text)
