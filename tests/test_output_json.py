"""JSON and JSON lines."""

import json
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st
from output_samples import HOSTILE, MAXIMUM, brackets, reading, readout, unknown

from iecread.output.json import JsonFormatter, JsonLinesFormatter
from iecread.readings import Readout

# an example of the layout, with all that a register can have
EXAMPLE = """
{"schema": 1, "time": "2026-11-22T17:42:11+01:00", "meter": "kitchen", "port": "/dev/ttyUSB0",
 "identification": "/LGZ4ZMF120AC.M29", "manufacturer": "LGZ", "manufacturer_name": "Landis+Gyr", "model": "ZMF120AC.M29",
 "serial": "60145523", "mode": "C", "speed": 4800, "seconds": 3.2,
 "block_check": "ok", "complete": true, "simulated": false,
 "registers": [
  {"register": "1.6.1", "obis": "1-0:1.6.1*255", "name": "maximum demand, import, tariff 1",
   "value": 0.500, "unit": "kW", "raw": "0.500", "stamp": "2022-11-20T07:30", "status": "ok",
   "groups": [{"raw": "0.500", "unit": "kW"}, {"raw": "2211200730", "unit": null}]}]}
"""  # noqa: E501


def lines(*readouts: Readout) -> str:
    formatter = JsonLinesFormatter()
    body = "".join(formatter.readout(readout) for readout in readouts)
    return formatter.begin() + body + formatter.end()


def whole(*readouts: Readout) -> str:
    formatter = JsonFormatter()
    body = "".join(formatter.readout(readout) for readout in readouts)
    return formatter.begin() + body + formatter.end()


def words(text: str) -> str:
    return " ".join(text.split()).replace("[ ", "[")


def test_the_example_character_for_character() -> None:
    assert words(lines(readout(MAXIMUM))) == words(EXAMPLE)
    assert words(whole(readout(MAXIMUM))) == words(EXAMPLE)
    assert lines(readout(MAXIMUM)).count("\n") == 1


def test_one_is_an_object_several_an_array_none_nothing() -> None:
    one, two, three = (readout(reading("1", str(n))) for n in range(3))
    assert whole() == ""
    assert isinstance(json.loads(whole(one)), dict)
    for several in ([one, two], [one, two, three]):
        found = json.loads(whole(*several))
        assert [r["registers"][0]["value"] for r in found] == list("012")[
            : len(several)
        ]
    assert [json.loads(line)["schema"] for line in lines(one, two).splitlines()] == [
        1,
        1,
    ]


def test_only_the_first_is_held_back() -> None:
    formatter = JsonFormatter()
    assert formatter.readout(readout(MAXIMUM)) == ""
    assert formatter.readout(readout(MAXIMUM)).count('"schema"') == 2
    assert formatter.readout(readout(MAXIMUM)).count('"schema"') == 1
    assert formatter.end() == "\n]\n"


def test_numbers_keep_their_digits() -> None:
    numbers = ["000123.40", "-0.50", "0.0000001", "0.00", "123456789012345", "1E+3"]
    text = lines(readout(*(reading("1", Decimal(n)) for n in numbers)))
    values = [r["value"] for r in json.loads(text, parse_float=str)["registers"]]
    assert values == ["123.40", "-0.50", "0.0000001", "0.00", 123456789012345, 1000]


def test_what_is_not_known_is_null() -> None:
    found = json.loads(lines(unknown(reading("x"))))
    head = {key for key, value in found.items() if value is None}
    assert head == {
        *("time", "meter", "port", "identification", "manufacturer", "model"),
        *("manufacturer_name", "serial", "mode", "speed", "seconds"),
    }
    (register,) = found["registers"]
    assert [register[k] for k in ("obis", "name", "value", "unit", "stamp")] == [
        None
    ] * 5
    assert register["raw"] == ""


def test_no_registers() -> None:
    assert json.loads(lines(readout()))["registers"] == []
    assert json.loads(whole(readout()))["registers"] == []


def test_text_that_is_no_data_set() -> None:
    assert "text" not in json.loads(lines(readout(MAXIMUM)))
    for format_ in (lines, whole):
        found = json.loads(format_(readout(MAXIMUM, text=("a\x1b", "b"))))
        assert found["text"] == ["a\x1b", "b"]
        assert list(found)[-1] == "text"


def test_utc_and_seconds() -> None:
    text = JsonLinesFormatter(utc=True).readout(readout(seconds=3.20000001))
    assert '"time": "2026-11-22T16:42:11+00:00"' in text
    assert '"seconds": 3.2,' in text


@given(st.lists(st.text() | st.sampled_from(HOSTILE), min_size=7, max_size=7))
def test_every_character_comes_back_and_none_acts(texts: list[str]) -> None:
    register, value, unit, raw, name, serial, line = texts
    made = brackets(register, (raw, unit), ("1", ""), name=name)
    written = lines(readout(made, reading(value, value), serial=serial, text=(line,)))
    assert written.isascii() and written[:-1].isprintable()
    found = json.loads(written)
    first, second = found["registers"]
    assert first["register"] == register and first["name"] == name
    assert first["groups"] == [{"raw": raw, "unit": unit}, {"raw": "1", "unit": ""}]
    assert second["value"] == value
    assert found["serial"] == serial and found["text"] == [line]
    assert json.loads(whole(readout(made, serial=serial)))["serial"] == serial
