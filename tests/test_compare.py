"""What changed between two readouts."""

from decimal import Decimal

import pytest

from iecread.compare import What, compare, is_counter
from iecread.protocol.telegrams import decode
from iecread.readings import Reading, readout

OLD = """/ABC5x
0.0.0(12345678)
0.9.1(120000)
1.8.0(000123.45*kWh)
1.8.0*01(000100.00*kWh)
2.8.0(000009.99*kWh)
1.6.0(1.50*kW)(2611010815)
1.4.0(0.5*kW)
7.0(1)
7.0(2)
!
"""


def registers(text: str) -> tuple[Reading, ...]:
    return readout(decode(text.replace("\n", "\r\n").encode())[0]).registers


def changes(old: str, new: str) -> dict[str, tuple[What, Decimal | None]]:
    found, same = compare(registers(old), registers(new))
    assert same + sum(one.new is not None for one in found) == len(registers(new))
    return {one.register: (one.what, one.delta) for one in found}


def test_nothing_changed():
    assert changes(OLD, OLD) == {}


@pytest.mark.parametrize(
    ("old", "new", "wanted"),
    [
        ("123.45", "123.55", {"1.8.0": (What.CHANGED, Decimal("0.10"))}),
        ("000123.45", "123.449", {"1.8.0": (What.BACK, Decimal("-0.001"))}),
        ("120000", "130000", {"0.9.1": (What.CHANGED, Decimal(10000))}),
        ("100.00", "000.00", {"1.8.0*01": (What.CHANGED, Decimal("-100.00"))}),
        ("0.5*kW", "0.4*kW", {"1.4.0": (What.CHANGED, Decimal("-0.1"))}),
        ("2611010815", "2611020815", {"1.6.0": (What.CHANGED, Decimal(0))}),
        ("9.99*kWh", "9.99*MWh", {"2.8.0": (What.UNIT, None)}),
        ("7.0(2)", "7.0(3)", {"7.0[2]": (What.CHANGED, Decimal(1))}),
        ("7.0(2)\n", "", {"7.0[2]": (What.GONE, None)}),
        ("12345678", "AB", {"0.0.0": (What.CHANGED, None)}),
        ("1.8.0(", "1-0:1.8.0*255(", {}),
        ("7.0(1)", "8.0(1)\n7.0(1)", {"8.0": (What.NEW, None)}),
    ],
)
def test_one_thing_changed(old, new, wanted):
    assert old in OLD and changes(OLD, OLD.replace(old, new)) == wanted


def test_large_numbers_are_exact():
    old, new = "1.8.0(0.00000000000001)", "1.8.0(999999999999999)"
    wanted = Decimal("999999999999998.99999999999999")
    assert changes(f"/A\n{old}\n", f"/A\n{new}\n")["1.8.0"][1] == wanted


def test_the_order_is_that_of_the_newer_one():
    old, new = (
        registers(OLD),
        registers(OLD.replace("1.8.0(000", "0.1.0(5)\n1.8.0(001")),
    )
    new = tuple(one for one in new if one.register != "2.8.0")
    found, _ = compare(old, new)
    assert [one.register for one in found] == ["0.1.0", "1.8.0", "2.8.0"]


def test_counters():
    def known(text: str) -> bool:
        return is_counter(registers(f"/A\n{text}\n")[0])

    grow = "1.8.1(1*kWh) 1-0:2.8.0*255(1) 1.2.0(1*kW) 0.1.0(5) C.7.0(3) 3.8.1(1*kvarh) "
    grow += "0-1:24.2.1(1*m3) 7-0:3.0.0(1*m3) 6-0:1.0.0(1*GJ) 2:300.0(1*m3) C.8.1(5*h)"
    assert [text for text in grow.split() if not known(text)] == []
    others = "1.7.0(1*kW) 1.9.0(1*kWh) 1.8.0*05(1*kWh) 1.8.0&05(1) 2:310.0(1*m3|h) x(1)"
    assert [text for text in others.split() if known(text)] == []
