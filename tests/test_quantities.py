"""Names and meanings of values, family by family."""

import pytest

from iecread.errors import ConfigError
from iecread.lis200.address import Address
from iecread.lis200.attributes import attributes_of
from iecread.lis200.device import Device, Family
from iecread.quantities import address_of, quantity
from iecread.registry import data

TYPES = ("EK260", "EK280", "DL210", "DL220", "DL240", "DL230", "TC220", "BKET", "XY1")


def device(text: str) -> Device:
    return Device.of_type(text)


@pytest.mark.parametrize(
    ("type_", "name", "address"),
    [
        ("EK260", "Vb", "2:300"),
        ("EK260", "Vm", "4:300"),
        ("EK260", "p", "7:310"),
        ("EK260", "T", "6:310_1"),
        ("EK260", "k", "8:310"),
        ("EK260", "C", "5:310"),
        ("TC220", "p.F", "7:311"),
        ("DL220", "V1", "1:200"),
        ("DL240", "V1", "1:202"),
        ("DL230", "Q4", "4:210"),
        ("BKET", "Vp", "4:300"),
        ("EK260", "7:310", "7:310"),
        ("EK260", " 07:0310.0 ", "7:310"),
        ("BKET", "4:3302", "4:302.3"),
    ],
)
def test_names_of_a_family(type_: str, name: str, address: str) -> None:
    assert str(address_of(name, device(type_))) == address


def test_a_name_of_another_family_is_none_here() -> None:
    for type_, name in (("DL220", "p"), ("BKET", "Vb"), ("EK260", "Vp"), ("", "Vb")):
        with pytest.raises(ConfigError, match="no address and no name"):
            address_of(name, device(type_))


def test_a_hint_says_what_was_meant() -> None:
    with pytest.raises(ConfigError) as caught:
        address_of("Vbx", device("EK260"))
    assert "Vb" in caught.value.hint
    with pytest.raises(ConfigError) as caught:
        address_of("1.8.0", device("EK260"))
    assert "7:310" in caught.value.hint


def test_meanings() -> None:
    known = quantity(Address.parse("7:311"), device("EK260"))
    assert known == ("p.F", "substitute pressure", "S")
    assert quantity(Address.parse("7:311.3"), device("EK260")) == known
    lock = quantity(Address.parse("3:170"), device("EK260"))
    assert lock and lock.meaning == "state of lock 3: 1 open, 0 closed"
    status = quantity(Address.parse("4:110"), device("EK260"))
    assert status and status[:2] == ("St.4", "momentary status 4")
    archive = quantity(Address.parse("3:V.2"), device("DL210"))
    assert archive and archive.meaning == "archive 3"
    assert quantity(Address.parse("9:777"), device("EK260")) is None


def test_every_line_of_the_data_is_an_address_with_a_known_lock() -> None:
    for section in data("lis200.toml").values():
        for address, row in section.items():
            if address != "more":
                name, meaning, lock = row
                assert meaning and lock in ("C", "S", "K", "R", "F", "")
                number = address.replace("n:", "4:")
                assert str(Address.parse(number)) == number


@pytest.mark.parametrize("type_", TYPES)
def test_what_a_name_says_is_what_its_address_says(type_: str) -> None:
    named = device(type_)
    for section in (named.section, *data("lis200.toml")[named.section].get("more", ())):
        for address, row in data("lis200.toml")[section].items():
            if address != "more" and row[0] and not address.startswith("n:"):
                found = quantity(address_of(row[0], named), named)
                assert found and found.name == row[0]


def test_devices_and_what_follows() -> None:
    ek, new, bk = device("EK260  "), device("EK280"), device("BKET")
    assert (ek.type, ek.family, ek.newer) == ("EK260", Family.EK, False)
    assert ek.locks == (1, 2, 3, 4) and new.locks == (1, 2, 3, 4, 5, 6)
    assert not ek.escapes and new.escapes and bk.escapes
    assert device("DL230").newer and not device("DL240").newer
    assert device("TVC230").family is Family.TC
    marked = Device("EK260", Family.EK, newer=True)
    assert Device.of_type("EK260", marked).newer  # compatibility mode
    assert Device.of_type("Z", Device("BKET", Family.BK)).family is Family.BK


def test_attributes_have_names_only_where_they_are_known() -> None:
    assert attributes_of(device("EK260"))["5"] == "unit code"
    assert attributes_of(device("BKET"))["5"] == "default value"
    assert attributes_of(device("XY"))["5"] == "attribute 5"
    for type_ in TYPES:
        named = attributes_of(device(type_))
        assert [named[key] for key in "0123"] == [
            "value",
            "access rights",
            "name",
            "unit",
        ]
