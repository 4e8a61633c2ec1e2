"""Event logs: from the text of answers to events."""

import re
from datetime import datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iecread.errors import RemoteProtocolError
from iecread.eventlog import Element, Event, EventDecoder
from iecread.protocol.datasets import DataSet

BERLIN = ZoneInfo("Europe/Berlin")
SUMMER = timezone(timedelta(hours=2))
CORPUS = Path(__file__).parents[2] / "shared" / "corpus"

# protocol.md T18: a clock change, and a log that was erased
T18 = (
    "P.98(1240601003012)(00000020)()(2)(0.9.1)()(0.9.2)()(1003000)(1240601)\r\n"
    "P.98(1240601120000)(00002000)()(0)\r\n"
)
CLOCK = (Element("0.9.1", None, "1003000"), Element("0.9.2", None, "1240601"))
EVENTS = [
    Event(
        datetime(2024, 6, 1, 0, 30, 12, tzinfo=SUMMER),
        "1240601003012",
        "P.98",
        "00000020",
        ("clock-set",),
        CLOCK,
    ),
    Event(
        datetime(2024, 6, 1, 12, tzinfo=SUMMER),
        "1240601120000",
        "P.98",
        "00002000",
        ("event-log-erased",),
        (),
    ),
]


def decode(text: str, table: str = "vdew") -> tuple[list[Event], EventDecoder]:
    decoder = EventDecoder(BERLIN, table=table)
    events = decoder.feed(text)
    return events + decoder.finish(), decoder


def test_transcript_t18() -> None:
    events, decoder = decode(T18)
    assert events == EVENTS
    assert decoder.complete and decoder.events == 2 and decoder.error() is None


def test_corpus() -> None:
    if not CORPUS.exists():
        pytest.skip("no corpus beside the project")
    data = (CORPUS / "metcom-mcs301-p98.txt").read_bytes()
    decoder = EventDecoder(ZoneInfo("Europe/Tallinn"), table="metcom")
    events = decoder.feed(data) + decoder.finish()
    lines = data.decode("ascii").splitlines()
    assert len(events) == len(lines) == 6 and decoder.complete
    words = [("clock-old",), ("clock-new",), ("clock-old",), ("clock-new",), (), ()]
    for event, line, word in zip(events, lines, words, strict=True):
        stamp, *_, number, more = re.findall(r"\(([^)]*)\)", line)
        assert event.stamp == stamp and event.status == "00"
        assert event.time is not None and event.time.tzinfo is not None
        assert f"1{event.time:%y%m%d%H%M%S}" == stamp
        assert event.time.utcoffset() == timedelta(hours=3)
        assert event.elements == (
            Element("0-0:C.11.0", None, number),
            Element("0-0:C.11.10", None, more),
        )
        assert event.words == word
    assert not any(event.words for event in decode(data.decode("ascii"))[0])


@pytest.mark.parametrize(
    "text",
    [
        T18.replace("(0.9.1)", "\r\n(0.9.1)").replace("(1003000)", "\r\n(1003000)"),
        T18.replace(")(", ")\r\n("),
        T18.replace("\r\n", ""),
        T18.replace("P.98", "1-0:P.98*255"),
        T18.replace("P.98", "99.98"),
        T18.replace(")(", ") ("),
        T18.rstrip(),
    ],
)
def test_elements_on_lines_of_any_shape(text: str) -> None:
    events, decoder = decode(text)
    assert events == EVENTS and decoder.complete
    data_sets = [DataSet("P.98", "(1240601120000)(00002000)()(0)", checked=True)]
    assert EventDecoder(BERLIN).feed_data_sets(data_sets) == []


@pytest.mark.parametrize("size", [1, 5, 64])
def test_blocks_cut_anywhere(size: int) -> None:
    decoder = EventDecoder(BERLIN)
    events = []
    for at in range(0, len(T18), size):
        events += decoder.feed(T18[at : at + size].encode())
    assert events + decoder.finish() == EVENTS


def test_other_logs() -> None:
    events, decoder = decode(
        "P.99(0240101000000)(80)\r\n"
        "P.200(240101120000)(01)()(1)(F.F)()(00000001)\r\n"
        "P.210(0240101120000)(00)()(1)(17)\r\n"
    )
    assert decoder.complete
    assert [event.channel for event in events] == ["P.99", "P.200", "P.210"]
    assert [event.words for event in events] == [
        ("power-failure",),
        ("device-error",),
        (),
    ]
    assert events[1].elements == (Element("F.F", None, "00000001"),)
    assert events[2].elements == (Element("", None, "17"),)


def test_power_failure_log_of_p1() -> None:
    events, decoder = decode(
        "1-0:99.97.0(2)(0-0:96.7.19)(101208152415W)(0000000240*s)"
        "(100708151004S)(0000000301*s)\r\n1-0:99.97.0(0)(0-0:96.7.19)\r\n"
    )
    assert [str(event.time) for event in events[:2]] == [
        "2010-12-08 15:24:15+01:00",
        "2010-07-08 15:10:04+02:00",
    ]
    assert events[0].elements == (Element("0-0:96.7.19", "s", "0000000240"),)
    assert events[0].channel == "P.97"
    assert len(events) == 2 and decoder.complete


@pytest.mark.parametrize("text", ["", "P.98(ERROR)\r\n", "P.98()", "(ERROR)"])
def test_nothing_in_the_log(text: str) -> None:
    events, decoder = decode(text)
    assert not events and decoder.complete and not decoder.refusal


def test_refused() -> None:
    events, decoder = decode("P.98(ERROR01)")
    assert not events and decoder.refusal == "ERROR01"


@pytest.mark.parametrize("length", range(1, len(T18.splitlines()[0])))
def test_an_answer_cut_in_the_middle(length: int) -> None:
    events, decoder = decode(T18[:length])
    if events and not events[0].time:
        assert not decoder.complete
    if events and events[0].elements != CLOCK:
        # an event without its number of elements looks like one that has none
        if T18[:length].count(")") > 3:
            assert "incomplete" in events[0].flags and not decoder.complete
            assert isinstance(decoder.error(), RemoteProtocolError)
    named = [element.code for event in events for element in event.elements]
    assert named == ["0.9.1", "0.9.2"][: len(named)]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("P.98(1241301000000)(00)()(0)\r\n", []),
        ("P.98(1240601000000)(00)()(x)(1)\r\n", ["1"]),
        ("P.98(1240601000000)(00)()(1)(0.9.1)()(1)(2)\r\n", ["1", "2"]),
        ("(1)(2)\r\n", []),
        ("P.98(1240601000000)(00)()(0)\r\nP.98(1240601\r\n", []),
    ],
)
def test_what_is_in_doubt_is_named(text: str, values: list[str]) -> None:
    events, decoder = decode(text)
    assert decoder.problems and not decoder.complete
    assert "event log" in str(decoder.error())
    assert [e.value for event in events for e in event.elements] == values


def test_marks_and_text() -> None:
    decoder = EventDecoder(BERLIN)
    events = decoder.feed("P.98(1240601000000)(00)()(0)\r\n", checked=False)
    events += decoder.feed("0.0.0(1)\r\nhello\r\n")
    events += decoder.finish(ended=False)
    assert [event.flags for event in events] == [("unchecked",)]
    assert decoder.text == ["0.0.0(1)", "hello"] and not decoder.complete
    assert "breaks off" in str(decoder.error())


TOKENS = st.sampled_from(
    ["P.98", "P.99", "(", ")", "()", "(2)", "(0)", "\r\n", "(1240601000000)", "(00)"]
    + ["(0.9.1)", "(ERROR)", "1-0:99.97.0(2)(0-0:96.7.19)", "(101208152415W)", "x", "!"]
    + ["(0-0:C.11.0)", "(4)", "\x00", "\x01", "é", "*"]
)


@given(st.lists(TOKENS | st.text(max_size=3), max_size=30).map("".join))
def test_any_text(text: str) -> None:
    events, decoder = decode(text, "metcom")
    assert decoder.events == len(events)
    assert (decoder.error() is None) == decoder.complete
