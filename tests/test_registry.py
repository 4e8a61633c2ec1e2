"""What codes, manufacturer ids and units mean."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iecread import obis, registry
from iecread.registry import describe, manufacturer_name, medium_of, name, units


@pytest.mark.parametrize(
    ("code", "meaning"),
    [
        ("1.6.1", "maximum demand, import, tariff 1"),
        ("1-0:1.6.1*255", "maximum demand, import, tariff 1"),
        ("1.6.0", "maximum demand, import"),
        ("1.8.0", "active energy, import"),
        ("2.8.2", "active energy, export, tariff 2"),
        ("3.8.0", "reactive energy, import"),
        ("5.8.0", "reactive energy, quadrant I"),
        ("8.8.0", "reactive energy, quadrant IV"),
        ("10.8.0", "apparent energy, export"),
        ("15.8.0", "active energy, import plus export"),
        ("1.9.1", "active energy of the billing period, import, tariff 1"),
        ("21.8.0", "active energy, import, L1"),
        ("62.8.0", "active energy, export, L3"),
        ("83.8.1", "losses, class 1"),
        ("1.2.1", "cumulative maximum demand, import, tariff 1"),
        ("1.4.0", "demand of the running period, import"),
        ("2.5.0", "demand of the last period, export"),
        ("3.6.0", "maximum reactive demand, import"),
        ("9.6.0", "maximum apparent demand, import"),
        ("1.3.0", "minimum demand, import"),
        ("1.7.0", "active power, import"),
        ("1-0:1.7.255*255", "active power, import"),
        ("16.7.0", "active power, import minus export"),
        ("36.7.0", "active power, import minus export, L1"),
        ("64.7.0", "reactive power, export, L3"),
        ("49.7.0", "apparent power, import, L2"),
        ("31.7.0", "current, L1"),
        ("72.7", "voltage, L3"),
        ("12.7.0", "voltage"),
        ("91.7.0", "neutral current"),
        ("90.7.0", "sum of currents"),
        ("13.7.0", "power factor"),
        ("53.7.0", "power factor, L2"),
        ("14.7.0", "frequency"),
        ("80.7.0", "active power, quadrant IV, L3"),
        ("81.7.1", "angle between U1 and U2"),
        ("81.7.15", "angle between U2 and I2"),
        ("81.7.26", "angle between U3 and I3"),
        ("52.6.0", "maximum voltage, L2"),
        ("52.32.0", "number of voltage sags, L2"),
        ("32.36.0", "number of voltage swells, L1"),
        ("1.29.0", "active energy of the load-profile interval, import"),
        ("1.35.0", "upper threshold of demand, import"),
        ("1.55.0", "test average of active power, import"),
        # C = 0 and C = 96 to 99
        ("0.0.0", "device address or identity number"),
        ("0.0.3", "identification number 3"),
        ("1-0:0.1.0*255", "reset counter"),
        ("0.1.0*12", "time of reset 12"),
        ("0.1.2&12", "time of reset 12"),
        ("0.2.1*02", "parameter set number, part 2"),
        ("0.9.1", "local time"),
        ("00.9.2", "local date"),
        ("C.1.0", "serial number"),
        ("C.1", "serial number"),
        ("1-0:96.1.0*255", "serial number"),
        ("C.8.2", "operating time, tariff 2"),
        ("0-0:C.51.2*01", "access counter or date 2, entry 1"),
        ("F.F", "error word"),
        ("FF", "error word"),
        ("F.F.1", "error word 1"),
        ("0-0:97.97.0", "error word"),
        ("P.01", "load profile 1"),
        ("P.98", "event log"),
        # written in numbers, some mean something else
        ("C.1.3", "maker's identification 3"),
        ("96.1.3", "production date"),
        ("C.6.1", "battery voltage"),
        ("96.6.1", "battery state"),
        ("96.7.1", "power-failure counter 1"),
        ("C.7.1", "power failures, L1"),
        ("96.50", "tariff start times, weekdays"),
        ("96.1.0", "serial number"),
        # P1
        ("1-3:0.2.8", "version of the p1 interface"),
        ("0-0:1.0.0", "time of the telegram"),
        ("0-0:96.1.1", "serial number"),
        ("0-0:C.1.1", "maker's second number or configuration"),
        ("0-0:96.1.255*255", "serial number"),
        ("0-0:96.13.0", "text message"),
        ("0-0:98.1.0", "history of monthly values"),
        ("1-0:99.97.0", "power-failure log"),
        ("0-2:24.2.1", "reading of the connected meter, channel 2"),
        ("0-1:96.1.0", "serial number of the connected meter, channel 1"),
        ("0-0:96.7.21", "power failures, any phase"),
        # other media say so
        ("7-0:3.1.0", "gas volume, corrected"),
        ("7-0:42.7.0", "absolute gas pressure"),
        ("7-0:23.2.0", "gas volume"),
        ("8-0:1.0.0", "cold water volume"),
        ("9-0:1.0.0", "hot water volume"),
        ("6-0:1.0.0", "heat energy"),
        ("5-0:1.0.0", "cooling energy"),
        ("4-0:1.0.0", "heat cost allocator units"),
        # stored values
        ("1.6.1*05", "maximum demand, import, tariff 1, billing period 5"),
        ("1.6.1&05", "maximum demand, import, tariff 1, billing period 5"),
        ("1-0:1.8.0*00", "active energy, import, billing period 0"),
        ("7-0:3.0.0*1", "gas volume at metering conditions, billing period 1"),
    ],
)
def test_name(code: str, meaning: str) -> None:
    assert name(code) == meaning


@pytest.mark.parametrize(
    "text",
    [
        *("", "ET0PE", "7:310.1", "1.6.0,5", "20*80", "1.8.0*300", "1.8.0*", "1.8.0*C"),
        # short codes that mean something else to some maker
        *("8.1", "9.1*80", "9.2", "0.1", "6.8", "8.8", "1.20", "1.26", "1.31"),
        # nothing is said about these
        *(
            "1.8.64",
            "32.7.7",
            "32.8.0",
            "1.99.0",
            "93.8.0",
            "81.7.3",
            "0.99.9",
            "131.7",
        ),
        *("1-0:96.50.0*1", "0-0:1.8.0", "7-0:99.8.0", "12-0:1.8.0", "3-0:1.8.0"),
    ],
)
def test_no_name_is_better_than_a_wrong_one(text: str) -> None:
    assert name(text) is None


def test_short_codes_of_heat_meters() -> None:
    def heat(code: str, maker: str = "LUG") -> tuple[str | None, str | None]:
        return describe(code, "heat", maker)

    # 1-0:6.8.0 would be an electricity register, 6-0:6.8.0 none at all
    assert heat("6.8") == (None, "heat energy")
    assert heat("6.26*01") == (None, "volume, stored value 1")
    assert heat("9.24") == (None, "nominal flow rate")
    assert heat("F") == (None, "error code")
    assert heat("0.0") == (None, "device number")
    assert heat("0.0", "Kam") == (None, "customer or serial number")
    assert heat("6.8", "KAM") == (None, "heat energy")
    assert heat("6.8.1") == (None, None)
    assert heat("1.8.0") == (None, None)
    assert heat("6-0:2.0.0") == ("6-0:2.0.0*255", "volume")
    assert heat("F.F") == ("0-0:97.97.0*255", "error word")


def test_other_media_fill_what_is_not_said() -> None:
    assert describe("3.1.0", "gas") == ("7-0:3.1.0*255", "gas volume, corrected")
    assert describe("1.0.0", "water") == ("8-0:1.0.0*255", "cold water volume")
    assert describe("1.8.0", "gas") == ("7-0:1.8.0*255", None)
    assert describe("1-0:1.8.0", "gas")[1] == "active energy, import"


def test_full_code() -> None:
    assert describe("1.6.1")[0] == "1-0:1.6.1*255"
    assert describe("1.8.1&05")[0] == "1-0:1.8.1*5"
    assert describe("1.8.0*255") == ("1-0:1.8.0*255", "active energy, import")
    assert describe("1-0:96.50.0*1") == ("1-0:96.50.0*1", None)
    assert describe("7:310.1") == (None, None)


registers = st.text(max_size=40) | st.from_regex(
    r"([0-9]{1,3}-)?([0-9]:)?[0-9CFLP]{1,3}\.[0-9F]{1,3}(\.[0-9]{1,3})?"
    r"([*&][0-9C]{0,3})?",
    fullmatch=True,
)


@given(registers, st.sampled_from(["electricity", "heat", "gas", "water", "?"]))
def test_any_text_has_a_name_or_none(text: str, medium: str) -> None:
    meaning = name(text, medium, "LUG")
    assert meaning is None or (meaning and meaning.isprintable())
    assert not re.search(r"[{}]|None|, ,|  ", meaning or "")


@given(registers)
def test_the_code_is_that_of_the_parser(text: str) -> None:
    code = obis.parse(text)
    assert describe(text)[0] == (code and code.full)


def test_every_listed_code_is_reached() -> None:
    """No key is misspelt: each is found under its own section's kind of code."""
    prefix = {
        **{"p1": "0-0:", "p1-channel": "0-1:", "heat-cost": "4-0:", "cooling": "5-0:"},
        **{"heat": "6-0:", "gas": "7-0:", "cold-water": "8-0:", "hot-water": "9-0:"},
    }
    for section, codes in registry._data("obis.toml")["codes"].items():
        medium = "heat" if section.startswith("heat-meter") else "electricity"
        maker = section.removeprefix("heat-meter-")
        for key, meaning in codes.items():
            code = prefix.get(section, "") + key.replace("x", "63")
            if section == "heat-meter" and key == "0.0":
                maker = "LUG"
            expected = meaning.replace("{e}", "63").replace("{f}", "63")
            expected += ", channel 1" if section == "p1-channel" else ""
            assert name(code, medium, maker) == expected, (section, key)


def test_names_are_lower_case() -> None:
    kept = re.compile(r"\bL[1-3]\b|\b[UI][1-3]\b|quadrant [IV]+")
    for c in range(100):
        for d in range(60):
            for e in range(3):
                meaning = kept.sub("", name(f"{c}.{d}.{e}") or "")
                assert meaning == meaning.lower(), (c, d, e)


@pytest.mark.parametrize(
    ("flag_id", "maker"),
    [
        ("LGZ", "Landis+Gyr"),
        ("ISk", "Iskraemeco"),
        ("Els", "Elster"),
        ("KAM", "Kamstrup"),
        ("Ene", "Enexis (P1 identification)"),
        ("SIM", "simulated meter"),
        ("NWA", "WarmteLink"),
        ("XYZ", None),
        ("", None),
        ("ßßß", None),
    ],
)
def test_manufacturer(flag_id: str, maker: str | None) -> None:
    assert manufacturer_name(flag_id) == maker


def test_manufacturers_of_the_reference_are_all_known() -> None:
    ids = """
        ABB ACE ACG ACW AEL AMP AMT APA APT AQM AUX BYL CIR CLE CTA DME DNT DZG EBZ ECH
        EDM EFE EGM EHL EKT ELG ELM ELR ELS EMH EMO EMR EMS EMT EMU ENT ESY FLU FML GAV
        GEC GMC GWF HAG HLY HXE HYD INC ISK ITR ITU JAN JCE KAM KFM KHL KMP KRO LEM LGB
        LGD LGZ LML LOG LSP LUG LUN MCS MEH MKS MSY NES NIK NZR ORB PAF PIP POZ QDS SAG
        SAT SBC SCH SEN SIE SLB SON SPX TCH VIK WEP XMX ZIV ZPA ZRI
        ENE LGF NWA SIM
    """.split()
    assert [i for i in ids if not manufacturer_name(i)] == []
    names = registry._data("manufacturers.toml")["names"]
    assert all(re.fullmatch("[A-Z]{3}", flag_id) for flag_id in names)


@pytest.mark.parametrize(
    ("manufacturer", "model", "medium"),
    [
        ("LGZ", "ZMF100AC.M29", "electricity"),
        ("LUG", "UH50", "heat"),
        ("SIE", "2WR5", "heat"),
        ("SIE", "TD-3511", "electricity"),
        ("KAM", "MC", "heat"),
        ("KAM", "", "electricity"),
        ("KAM", "685-382-OK-10", "electricity"),
        ("Els", "EK270", "gas"),
        ("ELS", "AS1440", "electricity"),
        ("", "", "electricity"),
    ],
)
def test_medium(manufacturer: str, model: str, medium: str) -> None:
    assert medium_of(manufacturer, model) == medium


def test_units() -> None:
    known = units()
    assert {
        *(
            "kWh",
            "Wh",
            "MWh",
            "GJ",
            "MJ",
            "kvarh",
            "kVArh",
            "varh",
            "kVAh",
            "VAh",
            "kW",
        ),
        *("W", "MW", "kvar", "kVAr", "var", "kVA", "VA", "V", "mV", "kV", "A", "mA"),
        *("Hz", "kHz", "m3", "m3h", "m3ph", "m3/h", "qbm", "l", "l/h", "lph", "C"),
        *("degC", "K", "bar", "mbar", "kPa", "Pa", "deg", "min", "s", "h", "d"),
        *("imp/kWh", "imp/kvarh", "%", "dB", "k"),
    } <= known
    # what would cut a hexadecimal word or a P1 time stamp in two
    assert known.isdisjoint({"", "S", "E", "F", "B", "x", "FF", "0"})
    assert all(unit == unit.strip() and not unit[0].isdigit() for unit in known)
