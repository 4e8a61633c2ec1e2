"""Ways to ask for a profile or a log, one after another, of a scripted meter."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from iecread.devices import DeviceProfile
from iecread.errors import NoAnswerError, RefusedError, RemoteProtocolError
from iecread.profilereading import Wanted, Way, entries, ways_to_ask
from iecread.protocol.actions import Answered, AnswerKind
from iecread.protocol.messages import Command

NOTHING = Answered(AnswerKind.ERROR, "ERROR")
NO = Answered(AnswerKind.ERROR, "ERROR 23")
START, END = (datetime(2026, 11, day, tzinfo=UTC) for day in (21, 22))
WANTED = Wanted("P.01", START, END, UTC, "utc", part_rows=96)


class Meter:
    """Answers each command as it was told; remembers what it was asked."""

    def __init__(self, **answers: list[str | Answered]) -> None:
        self._answers = answers
        self.asked: list[str] = []

    def parts(self, command: Command) -> Iterator[str | Answered]:
        self.asked.append(command.name)
        yield from self._answers[command.name]


class Log:
    """A decoder that hands on what it is told."""

    def __init__(self) -> None:
        self.ends: list[bool] = []

    def feed(self, text: str) -> list[str]:
        return [text]

    def finish(self, *, ended: bool) -> list[str]:
        self.ends.append(ended)
        return []


def read(meter: Meter, ways: list[Way], log: Log) -> Iterator[str]:
    return entries(meter.parts, ways, WANTED, log, "load profile P.01")


def test_the_way_that_the_meter_knows_is_found_and_kept() -> None:
    meter = Meter(R5=[NO], R6=[Answered(AnswerKind.NAK)], R3=["one", "two"], R2=["x"])
    ways, log = ways_to_ask(None, None, None, None), Log()
    assert list(read(meter, ways, log)) == ["one", "two"]
    assert list(read(meter, ways, log)) == ["one", "two"]
    assert meter.asked == ["R5", "R6", "R3", "R3"]
    assert log.ends == [False, False, True, True]
    with pytest.raises(RefusedError):
        list(read(Meter(R3=[NO], R2=["x"]), ways, log))


def test_no_rows_in_a_range_is_an_answer_that_tells_nothing_of_the_way() -> None:
    ways, log = ways_to_ask(None, None, None, None), Log()
    assert list(read(Meter(R5=[NOTHING]), ways, log)) == []
    assert log.ends == [True] and len(ways) == 4


def test_a_long_answer_comes_in_pieces() -> None:
    text = "0123456789" * 500
    found = list(read(Meter(R5=[text]), [Way("R5", "vdew", "own")], Log()))
    assert len(found) > 1 and "".join(found) == text


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        (AnswerKind.SILENCE, NoAnswerError),
        (AnswerKind.DAMAGED, RemoteProtocolError),
        (AnswerKind.BREAK, RefusedError),
    ],
)
def test_what_came_before_a_trouble_is_kept_and_no_other_way_is_tried(
    kind: AnswerKind, error: type[Exception]
) -> None:
    meter, rows = Meter(R5=["one", Answered(kind)], R6=["x"]), []
    with pytest.raises(error, match="load profile P.01"):
        for row in read(meter, ways_to_ask(None, None, None, None), Log()):
            rows.append(row)
    assert rows == ["one"] and meter.asked == ["R5"]


def test_the_last_way_is_refused_too() -> None:
    meter = Meter(R5=[NO], R6=[NO])
    with pytest.raises(RefusedError, match="load profile P.01: ERROR 23"):
        list(read(meter, ways_to_ask(None, ("R5", "R6"), None, None), Log()))
    assert meter.asked == ["R5", "R6"]


def test_what_a_kind_of_meter_wants_goes_first() -> None:
    device = DeviceProfile(
        "x", "X", "invented", ("/XYZ*",), profile_command="R2", profile_season="utc"
    )
    ways = ways_to_ask(device, None, None, None)
    assert ways[0] == Way("R2", "vdew", "utc")
    assert [way.name for way in ways] == ["R2", "R5", "R6", "R3", "R2"]
    said = ways_to_ask(device, ("R3",), "vdew", "own")
    assert said == [Way("R3", "vdew", "own")]


def test_only_r6_is_told_how_many_rows_a_part_may_have() -> None:
    texts = [Way(name, "vdew", "own").command(WANTED).text for name in ("R5", "R6")]
    assert texts == [
        b"P.01(22611210000;22611220000)",
        b"P.01(22611210000;22611220000;96)",
    ]
