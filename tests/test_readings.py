"""Data sets into readings: values, times, names, the meter's number."""

from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iecread.errors import ConfigError
from iecread.protocol.bcc import bcc
from iecread.protocol.datasets import Cut, DataSet, cut
from iecread.protocol.parity import add_even
from iecread.protocol.telegrams import decode
from iecread.readings import (
    Reading,
    Readout,
    is_time,
    parse_stamp,
    parse_value,
    readout,
    serial_number,
)


def read(lines: str, **options: object) -> Readout:
    """A readout of lines in a frame whose check is right."""
    text = lines.encode("latin-1") + b"!\r\n\x03"
    data = b"/EXA5DEMO\r\n\x02" + text + bytes([bcc(text)])
    (telegram,) = decode(data)
    return readout(telegram, **options)  # type: ignore[arg-type]


def one(lines: str, **options: object) -> Reading:
    (reading,) = read(lines, **options).registers
    return reading


def test_a_maximum() -> None:
    """A maximum: value, unit, and the time of it."""
    reading = one("1.6.1(0.500*kW)(2211200730)\r\n")
    assert reading == (
        "1.6.1",
        "1-0:1.6.1*255",
        "maximum demand, import, tariff 1",
        Decimal("0.500"),
        "kW",
        "0.500",
        "2022-11-20T07:30",
        "ok",
        (("0.500", "kW"), ("2211200730", None)),
    )
    assert str(reading.value) == "0.500"
    assert Reading._fields == (
        *("register", "obis", "name", "value", "unit", "raw"),
        *("stamp", "status", "groups"),
    )


def test_a_readout() -> None:
    found = read("C.1.0(60145523)\r\nx\r\n", meter="kitchen", port="COM4", speed=4800)
    assert (found.meter, found.port, found.speed) == ("kitchen", "COM4", 4800)
    assert found.identification == "/EXA5DEMO"
    assert (found.manufacturer, found.model) == ("EXA", "DEMO")
    assert (found.serial, found.mode) == ("60145523", "C")
    assert (found.block_check, found.complete) == ("ok", True)
    assert (found.text, found.simulated) == (("x",), False)
    assert found.time is found.seconds is None
    assert read("a(1)\r\n", mode="A").mode == "A"


def test_makers() -> None:
    (telegram,) = decode(b"/LGZ4\\2ZMF120AC.M29\r\n1.8.0(1)\r\n")
    found = readout(telegram)
    assert found.manufacturer_name == "Landis+Gyr"
    assert (found.identification, found.model) == (
        "/LGZ4\\2ZMF120AC.M29",
        "ZMF120AC.M29",
    )
    for ident, maker, model in (
        ("/SIM5HOUSE", "SIM", "HOUSE"),
        ("/Sim5HOUSE", "SIM", "HOUSE"),
        ("/XY", None, None),
        ("/KAM5", "KAM", None),
    ):
        (telegram,) = decode(ident.encode() + b"\r\n1.8.0(1)\r\n")
        found = readout(telegram)
        assert (found.manufacturer, found.model) == (maker, model)
        assert found.simulated is (maker == "SIM")
    (telegram,) = decode(b"EXB5DEMO_1071-0:0.0.0*255(12)")
    found = readout(telegram)
    assert (found.identification, found.manufacturer) == ("EXB5DEMO_107", "EXB")
    assert (found.model, found.serial) == ("DEMO_107", "12")
    (telegram,) = decode(b"1.8.0(1)\r\n")
    found = readout(telegram)
    assert found.identification is found.manufacturer is found.model is None
    assert found.manufacturer_name is found.mode is found.serial is None


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("0012.30", Decimal("12.30")),
        ("  20000", Decimal(20000)),
        ("000007,4", Decimal("7.4")),
        ("+1.00", Decimal("1.00")),
        ("-000.5", Decimal("-0.5")),
        ("00000000", Decimal(0)),
        ("123456789012345", Decimal(123456789012345)),
        ("1234567890123456", "1234567890123456"),
        ("3960221976967177082151037881335713", "3960221976967177082151037881335713"),
        ("", None),
        ("    ", None),
        ("40799390 ", Decimal(40799390)),
        (" abc ", "abc"),
        ("-.--", "-.--"),
        ("001C0104", "001C0104"),
        ("1.2.3", "1.2.3"),
        ("1e5", "1e5"),
        ("Infinity", "Infinity"),
        ("NaN", "NaN"),
        ("\xb2", "\xb2"),
        ("1_0", "1_0"),
    ],
)
def test_values(raw: str, value: Decimal | str | None) -> None:
    found = parse_value(raw)
    assert found == value and type(found) is type(value)


@given(st.decimals(allow_nan=False, allow_infinity=False, places=4))
def test_every_number_is_exact(number: Decimal) -> None:
    raw = f"{number:f}"
    value = parse_value(raw)
    digits = raw.lstrip("-").replace(".", "").lstrip("0")
    assert value == (number if len(digits) <= 15 else raw)


@given(st.text(st.sampled_from("0123456789+-., eE_xNn\xb2"), max_size=20))
def test_no_number_is_made_up(raw: str) -> None:
    value = parse_value(raw)
    if isinstance(value, Decimal):
        assert f"{value:f}".strip("+-0") == raw.replace(",", ".").strip(" +-0")
    else:
        assert value == (raw.strip(" ") or None)


@pytest.mark.parametrize(
    ("raw", "stamp"),
    [
        ("2109010015", "2021-09-01T00:15"),
        ("21-09-01 00:15", "2021-09-01T00:15"),
        ("21-09-01,00:15", "2021-09-01T00:15"),
        ("1999-09-01,00:15:59", "1999-09-01T00:15:59"),
        ("2022-06-08&10:06:51", "2022-06-08T10:06:51"),
        ("230101003000W", "2023-01-01T00:30:00"),
        ("230701003000S", "2023-07-01T00:30:00"),
        ("1210901001500", "2021-09-01T00:15:00"),
        ("0210901001500", "2021-09-01T00:15:00"),
        ("2210901001500", "2021-09-01T00:15:00"),
        ("12109010015", "2021-09-01T00:15"),
        ("210901001559", "2021-09-01T00:15:59"),
        ("202601130730", "2026-01-13T07:30"),
        (" 2109010015 ", "2021-09-01T00:15"),
        # a date or a time of day alone
        ("21-01-04", "2021-01-04"),
        ("2018-03-03", "2018-03-03"),
        ("23:16:43", "23:16:43"),
        ("23:16", "23:16"),
        ("130103", "2013-01-03"),
        ("1130103", "2013-01-03"),
        ("101415", "10:14:15"),
        ("0101415", "10:14:15"),
        # never, and what cannot be
        ("00-00-00,00:00", ""),
        ("00-00-00 00:00", ""),
        ("99-99-99,99:99", ""),
        ("0000-00-00", ""),
        ("2000-00-00", ""),
        ("25:00:00", ""),
        ("0000000000", ""),
        ("000000000000", ""),
        ("632525252525W", ""),
        ("632525252525S", ""),
        ("000000000000W", ""),
        # no time: digits that make none, and other texts
        ("9999999999", None),
        ("2113010015", None),
        ("2109310015", None),
        ("3210901001500", None),
        ("12345678", None),
        ("999999", None),
        ("0", None),
        ("00", None),
        ("0000", None),
        ("01", None),
        ("", None),
        ("    ", None),
        ("2109010015X", None),
        ("230101003000w", None),
        ("0-0:96.7.19", None),
        ("16-08-20,22:26,16-08-21,05:33", None),
        ("01.03.2024", None),
        ("CRC Ok", None),
        ("21090100\xb215", None),
    ],
)
def test_stamps(raw: str, stamp: str | None) -> None:
    assert parse_stamp(raw) == stamp


@pytest.mark.parametrize(
    ("raw", "zone", "stamp"),
    [
        ("2109010015", "Europe/Berlin", "2021-09-01T00:15+02:00"),
        ("2101010015", "Europe/Berlin", "2021-01-01T00:15+01:00"),
        ("230101003000W", "Europe/Berlin", "2023-01-01T00:30:00+01:00"),
        # the hour that comes twice
        ("221030023000S", "Europe/Berlin", "2022-10-30T02:30:00+02:00"),
        ("221030023000W", "Europe/Berlin", "2022-10-30T02:30:00+01:00"),
        ("12210300230", "Europe/Berlin", "2022-10-30T02:30+02:00"),
        ("02210300230", "Europe/Berlin", "2022-10-30T02:30+01:00"),
        ("22210300230", "Europe/Berlin", "2022-10-30T02:30+00:00"),
        # a meter that stays on winter time
        ("230701003000W", "Europe/Berlin", "2023-07-01T00:30:00+01:00"),
        ("230701003000S", "Europe/Dublin", "2023-07-01T00:30:00+01:00"),
        ("230101003000W", "Europe/Dublin", "2023-01-01T00:30:00+00:00"),
        ("230101003000S", "Australia/Sydney", "2023-01-01T00:30:00+11:00"),
        ("230701003000W", "Australia/Sydney", "2023-07-01T00:30:00+10:00"),
        ("240229003000W", "Asia/Kolkata", "2024-02-29T00:30:00+05:30"),
        ("21-09-01", "Europe/Berlin", "2021-09-01"),
        ("23:16:43", "Europe/Berlin", "23:16:43"),
        ("00-00-00,00:00", "Europe/Berlin", ""),
    ],
)
def test_offsets(raw: str, zone: str, stamp: str) -> None:
    assert parse_stamp(raw, ZoneInfo(zone)) == stamp


def test_an_offset_only_where_the_zone_is_known() -> None:
    line = "1.6.1(0.5*kW)(2211200730)\r\n"
    assert one(line).stamp == "2022-11-20T07:30"
    assert one(line, timezone="Europe/Berlin").stamp == "2022-11-20T07:30+01:00"
    for name in ("Europe/Atlantis", "", "../x", "\0", "/etc/passwd"):
        with pytest.raises(ConfigError, match="no such time zone"):
            read(line, timezone=name)


@pytest.mark.parametrize(
    ("line", "value", "unit", "raw", "stamp"),
    [
        ("a(0.5*kW)(2109010015)", Decimal("0.5"), "kW", "0.5", "2021-09-01T00:15"),
        ("a(1*kW)(00-00-00,00:00)", Decimal(1), "kW", "1", None),
        ("a(1*kW)(0000000000)", Decimal(1), "kW", "1", None),
        # the time first: only as P1 writes it
        ("a(230101003000W)(1.2*m)", Decimal("1.2"), "m", "1.2", "2023-01-01T00:30:00"),
        ("a(632525252525S)(00.0)", Decimal("0.0"), None, "00.0", None),
        ("a(2109010015)(0.5*kW)", Decimal(2109010015), None, "2109010015", None),
        ("a(21-09-01,00:15)(01)", "21-09-01,00:15", None, "21-09-01,00:15", None),
        # no time at all
        ("a(1)(9999999999)", Decimal(1), None, "1", None),
        ("a(1)(2109010015*kW)", Decimal(1), None, "1", None),
        ("a(230101003000W*x)(1)", "230101003000W", "x", "230101003000W", None),
        ("a(0)(0-0:96.7.19)", Decimal(0), None, "0", None),
        ("a(000000000000)(   )", Decimal(0), None, "000000000000", None),
        # only of two brackets
        ("a(1)(2109010015)(2)", Decimal(1), None, "1", None),
        ("a(230101003000W)", "230101003000W", None, "230101003000W", None),
        ("a(2109010015)", Decimal(2109010015), None, "2109010015", None),
    ],
)  # fmt: skip
def test_the_time_of_two_brackets(
    line: str, value: object, unit: str | None, raw: str, stamp: str | None
) -> None:
    reading = one(line + "\r\n")
    assert reading[3:7] == (value, unit, raw, stamp)


def test_is_time() -> None:
    for line, expected in (
        ("(0.5*kW)(0000000000)", True),
        ("(632525252525W)(1)", True),
        ("(1)(2)", False),
        ("(1)(2109010015)(2)", False),
        ("(2109010015)", False),
    ):
        into = Cut()
        cut(line, True, into)
        assert is_time(into.data_sets[0].groups) is expected


def test_status() -> None:
    assert one("1.8.0(1)\r\n").status == "ok"
    (telegram,) = decode(b"1.8.0(1)\r\n")
    assert readout(telegram).registers[0].status == "unchecked"
    reading = one("1.8.0(00\x1412.50*kWh)(2109010015)\r\n")
    assert (reading.status, reading.value) == ("malformed", "00\x1412.50")
    assert (reading.unit, reading.stamp) == ("kWh", None)
    assert one("1.8.0( 5\x9b)\r\n").value == "5\x9b"
    (telegram,) = decode(b"1.8.0(1\x02)\r\n")
    assert readout(telegram).registers[0].status == "malformed"


def test_wrong_parity_gives_no_number() -> None:
    plain = b"/EXA5DEMO\r\n0.0.0(12345678)\r\n1.8.0(0012.5*kWh)(2109010015)\r\n!\r\n"
    for place in (plain.index(b"12.5"), plain.index(b"kWh"), plain.index(b"2109")):
        spoilt = bytearray(add_even(plain))
        spoilt[place] ^= 0x80
        (telegram,) = decode(bytes(spoilt))
        reading = readout(telegram).registers[1]
        assert (reading.status, reading.value) == ("malformed", "0012.5")
        assert (reading.unit, reading.stamp) == ("kWh", None)
        assert readout(telegram).registers[0].status == "unchecked"
    spoilt = bytearray(add_even(plain))
    spoilt[plain.index(b"5678")] ^= 0x80
    (telegram,) = decode(bytes(spoilt))
    assert readout(telegram).serial is None


def test_registers_keep_the_order_and_repeats() -> None:
    lines = "ET0PE(1)\r\nET0PE(2)\r\n(3)(4)\r\n0.1.0*00(5)\r\n0.1.0*00(5)\r\n"
    found = read(lines).registers
    assert [(reading.register, reading.value) for reading in found] == [
        ("ET0PE", 1),
        ("ET0PE", 2),
        ("", 3),
        ("0.1.0*00", 5),
        ("0.1.0*00", 5),
    ]
    assert found[0].obis is found[0].name is found[2].obis is found[2].name is None
    assert found[3].obis == "1-0:0.1.0*0"


def test_the_medium_gives_the_code() -> None:
    (telegram,) = decode(b"/LUGCUH50\r\n6.8(0328.871*GJ)6.26(1*m3)0.0(66153690)\r\n")
    found = readout(telegram)
    assert "energy" in (found.registers[0].name or "")
    assert found.registers[0].obis is None  # the maker's own code
    assert found.serial == "66153690"


@pytest.mark.parametrize(
    ("lines", "serial"),
    [
        ("0.0.0(123)\nC.1.0(60145523)\n", "60145523"),
        ("96.1.1(5)\n96.1.0(4)\n0.0(3)\n", "3"),
        ("0.0.0( 20000)\nC.1.0(   )\n", "20000"),
        ("C.1.0()\n0.0.0()\n", None),
        ("C.1.0()\nC.1.0(7)\n", "7"),
        ("1-0:0.0.0*255(1EXA0102861889)\n", "1EXA0102861889"),
        ("0-0:C.1.0*255(63355730)\n", "63355730"),
        ("0-0:96.1.1(4B384547303034303436333935353037)\n", "K8EG004046395507"),
        ("0-0:96.1.1(3153414733313030373231333236)\n", "1SAG3100721326"),
        ("0-0:96.1.0(303132333435)\n", "012345"),
        ("0-0:96.1.1(31323334)\n", "1234"),
        # digits that are no text
        ("0-0:96.1.1(1234567890)\n", "1234567890"),
        ("C.1.0(41424344)\n", "41424344"),
        ("C.1.0(1095100000067865)\n", "1095100000067865"),
        ("0-0:96.1.1(ADC3100000158491)\n", "ADC3100000158491"),
        ("C.1.0(00000000000000)\n", "00000000000000"),
        ("C.1.0(123)\n", "123"),
        # other devices, stored values, other registers
        ("0-1:96.1.0(5)\n0-2:96.1.1(6)\n", None),
        ("1-1:0.0.0(5)\n", "5"),
        ("7-1:0.0.0(5)\n", None),
        ("0.0.0*01(5)\n10.0.0(6)\n0.0.1(7)\nXC.1.0(8)\n", None),
        ("0.0.0(5\x01)\n", None),
        ("0.0.0(12*x)\n", "12"),
        ("", None),
    ],
)
def test_serial(lines: str, serial: str | None) -> None:
    into = Cut()
    cut(lines, True, into)
    assert serial_number(into.data_sets) == serial


def test_groups_are_as_sent() -> None:
    reading = one("P.01(1240601001500)(00)(15)(2)(1.5.0)(kW)(3.5.0)( -,5 * x)()\r\n")
    assert [group.raw for group in reading.groups] == [
        *("1240601001500", "00", "15", "2", "1.5.0", "kW", "3.5.0", " -,5 ", "")
    ]
    assert reading.groups[7].unit == " x" and reading.groups[8].unit is None


def test_by_hand() -> None:
    assert DataSet("1.8.0", "(1*kWh)(2)").groups == (("1", "kWh"), ("2", None))
