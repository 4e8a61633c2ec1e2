"""Prometheus text exposition."""

import re
from datetime import UTC, datetime
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st
from output_samples import HOSTILE, MAXIMUM, TIME, brackets, reading, readout, unknown

from iecread.output.prom import PromFormatter, failure
from iecread.readings import Readout


def written(*readouts: Readout) -> str:
    formatter = PromFormatter()
    body = "".join(formatter.readout(readout) for readout in readouts)
    return formatter.begin() + body + formatter.end()


def samples(text: str) -> list[str]:
    return [line for line in text.splitlines() if not line.startswith("#")]


def test_a_readout() -> None:
    text = written(
        readout(reading("1.8.0", Decimal("012345.670"), "kWh", name="energy, import"))
    )
    assert text == (
        "# HELP iecread_register Value of a register of a meter.\n"
        "# TYPE iecread_register gauge\n"
        'iecread_register{meter="kitchen",serial="60145523",register="1.8.0",'
        'unit="kWh",name="energy, import"} 12345.670\n'
        "# HELP iecread_up Whether the last attempt to read the meter succeeded.\n"
        "# TYPE iecread_up gauge\n"
        'iecread_up{meter="kitchen"} 1\n'
        "# HELP iecread_last_success_timestamp_seconds When the meter was last read.\n"
        "# TYPE iecread_last_success_timestamp_seconds gauge\n"
        'iecread_last_success_timestamp_seconds{meter="kitchen"} 1795365731\n'
    )


def test_a_failure() -> None:
    assert samples(failure("kitchen")) == ['iecread_up{meter="kitchen"} 0']
    assert samples(failure('k"\n', TIME)) == [
        'iecread_up{meter="k\\"\\\\x0a"} 0',
        'iecread_last_success_timestamp_seconds{meter="k\\"\\\\x0a"} 1795365731',
    ]


def test_only_numbers_that_are_sure_or_marked() -> None:
    text = written(
        unknown(
            reading("1", Decimal("-1.0")),
            reading("2", "text"),
            reading("3"),
            reading("4", Decimal(4), status="unchecked"),
            reading("5", Decimal(5), status="malformed"),
            reading("6", Decimal(6), status="scaled"),
        )
    )
    none = 'meter="",serial="",'
    assert samples(text) == [
        f'iecread_register{{{none}register="1",unit="",name=""}} -1.0',
        f'iecread_register{{{none}register="4",unit="",name="",status="unchecked"}} 4',
        f'iecread_register{{{none}register="6",unit="",name=""}} 6',
        'iecread_up{meter=""} 1',
    ]


def test_repeats_and_brackets() -> None:
    twice = [reading("V", Decimal(n), "V") for n in (1, 2)]
    text = written(unknown(*twice, brackets("x", ("1", None), ("2", None)), MAXIMUM))
    found = [re.findall(r'register="(.*?)"|index="(.)"', s) for s in samples(text)[:-1]]
    assert found == [
        [("V", "")],
        [("V", ""), ("", "2")],
        [("x", "")],
        [("x[2]", "")],
        [("1.6.1", "")],
    ]


def test_of_a_meter_the_last_readout_counts() -> None:
    later = datetime(2026, 11, 22, 16, 43, 0, 500000, UTC)
    text = written(
        readout(reading("1", Decimal(1))),
        readout(reading("1", Decimal(7)), serial="other"),
        readout(reading("1", Decimal(2)), time=later),
    )
    assert [line.split()[-1] for line in samples(text)] == [
        *("7", "2"),
        *("1", "1795365780.5"),
    ]
    assert text.count("# TYPE") == 3


def test_nothing_read() -> None:
    assert written() == ""


_LABELS = r'\{(?:[a-z]+="(?:[^"\\]|\\["\\n])*",?)*\}'
_SAMPLE = re.compile(rf"iecread_[a-z_]+{_LABELS} -?[0-9.]+")


@given(st.lists(st.text() | st.sampled_from(HOSTILE), min_size=5, max_size=5))
def test_hostile_text(texts: list[str]) -> None:
    register, name, unit, meter, serial = texts
    made = [reading(register, Decimal(n), unit, name=name) for n in range(3)]
    text = written(readout(*made, meter=meter, serial=serial))
    found = samples(text)
    assert len(found) == 5
    assert all(_SAMPLE.fullmatch(line) for line in found)
    assert len({line.rsplit(" ", 1)[0] for line in found}) == 5
