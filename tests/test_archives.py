"""Reading archives: limits, blocks, breaks, gaps (lis200.md 7.1, 8.2 and 8.5)."""

import itertools
import random
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime, timedelta

import pytest
from archive_samples import BK_DAY, BK_ROW, LOG, PERIOD, ROW, UNITS, FakeDevice, log

from iecread.archiveresume import Tail
from iecread.archives import ArchiveReader, ArchiveRequest, read_archive
from iecread.errors import NoAnswerError, RefusedError, RemoteProtocolError
from iecread.lis200.errors import Lis200Refused
from iecread.lis200.values import brackets
from iecread.ordinals import Place
from iecread.protocol.messages import Command

START = datetime(2024, 3, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
UTC_CLOCK = {"zone": UTC, "clock": "utc"}


def stamp(hour: float) -> str:
    return (START + hour * HOUR).strftime("%Y-%m-%d,%H:%M:%S")


def device(count: int = 25, first: int = 100, **options: object) -> FakeDevice:
    rows = [log(first + n, stamp(n)) for n in range(count)]
    return FakeDevice(LOG, rows, **options)  # type: ignore[arg-type]


def reader(**options: object) -> ArchiveReader:
    find_tail = options.pop("find_tail", None)
    wanted = {"archive": "events", **UTC_CLOCK} | options
    return ArchiveReader(ArchiveRequest(**wanted), find_tail)  # type: ignore[arg-type]


def numbers(reading: ArchiveReader, session: FakeDevice) -> list[int | None]:
    return [record.place.number for record in reading.read(session)]


def test_all_of_an_archive() -> None:
    session, reading = device(), reader()
    assert numbers(reading, session) == [*range(100, 125)]
    assert session.asked == [
        "R1 4:V.2(1)",
        "R1 4:V.3(1)",
        "R1 4:V.4(1)",
        "R3 4:V.0(;;;10)",
    ]
    assert session.acknowledged == [False] and reading.number == 4
    assert reading.error() is None


def test_a_range_is_inclusive() -> None:
    session = device()
    found = reader(start=START + 2 * HOUR, end=START + 4 * HOUR, part=1)
    assert numbers(found, session) == [102, 103, 104]
    assert session.asked[-1] == f"R3 4:V.0(3;{stamp(2)};{stamp(4)};1)"
    assert reader(start=START + 2 * HOUR).count(session) == 23
    assert session.asked[-1] == f"R1 4:V.A(3;{stamp(2)};;)"
    assert reader(start=START + 99 * HOUR).count(session) == 0


def test_nothing_in_a_range_is_no_failure() -> None:
    assert numbers(reader(start=START + 99 * HOUR), device()) == []


def test_the_time_column_is_found_by_name() -> None:
    rows = [f"({n})({stamp(n)})(1.5)(CRC Ok)" for n in range(5)]
    names = brackets("(GONo)(Time)(Vb)(Check)")
    session = FakeDevice(names, rows, archive=3, type_text="TC210")
    found = reader(archive="period", start=START + 2 * HOUR)
    assert len([*found.read(session)]) == 3
    assert session.asked[-1].startswith("R3 3:V.0(2;")


def test_the_time_column_is_the_third_where_the_second_is_refused() -> None:
    session = device()
    ranges, session._range = session._range, None  # type: ignore[assignment]

    def refuse_two(operand: str) -> list[str]:
        if operand.startswith("2;"):
            raise Lis200Refused(101, operand)
        return ranges(operand)

    session._range = refuse_two  # type: ignore[method-assign]
    session._headers["2"] = brackets("(GONo)(Time)(x)(Er)(Check)")
    session.rows = [log(1, stamp(1))]
    assert len([*reader(start=START).read(session)]) <= 1
    assert [text[:11] for text in session.asked[-2:]] == ["R3 4:V.0(2;", "R3 4:V.0(3;"]


@pytest.mark.parametrize(("number", "limit"), [(104, 0), (105, 1)])
def test_a_limit_that_is_not_found_is_kept_here(number: int, limit: int) -> None:
    session = device()
    ranges = session._range

    def refuse(operand: str) -> list[str]:
        if operand.split(";")[1 + limit]:
            raise Lis200Refused(number, operand)
        return ranges(operand)

    session._range = refuse  # type: ignore[method-assign]
    found = reader(start=START + 2 * HOUR, end=START + 4 * HOUR)
    assert numbers(found, session) == [102, 103, 104]
    assert [text[:2] for text in session.asked].count("R3") == 2


def test_the_other_limit_where_the_one_that_is_named_was_not_given() -> None:
    session = device()
    ranges = session._range

    def refuse(operand: str) -> list[str]:
        if operand.split(";")[1]:
            raise Lis200Refused(105, operand)
        return ranges(operand)

    session._range = refuse  # type: ignore[method-assign]
    assert numbers(reader(start=START + 23 * HOUR), session) == [123, 124]


def test_what_was_overwritten_meanwhile() -> None:
    """The ring memory caught up: reading begins again, nothing comes twice."""
    session = device()
    session.trouble[2] = "(#0109)"
    session.trouble[3] = Lis200Refused(109, "4:V.0")
    assert numbers(reader(), session) == [*range(100, 125)]
    assert session.asked[4] == f"R3 4:V.0(3;{stamp(9)};;10)"


def test_a_record_that_could_not_be_read_at_first() -> None:
    """It is there, so that nothing is wrong."""
    session, reading = device(), reader(part=5)
    session.trouble[2] = Lis200Refused(110, "4:V.0")
    assert numbers(reading, session) == [n for n in range(100, 125) if n != 105] + [105]
    assert session.asked[4] == "R3 4:V.0(2;106;;5)"
    assert reading.error() is None


def damaged(session: FakeDevice, bad: set[int], *, whole: bool) -> FakeDevice:
    """Make records unreadable: ``whole`` ranges with them, or from there on."""
    ranges, blocks = session._range, session.blocks

    def holds(row: str) -> bool:
        return int(brackets(row)[1]) in bad

    def refuse(command: Command, *, ack_last: bool = False) -> Iterator[str]:
        operand = (command.text or b"").decode()[:-1].partition("(")[2]
        rows = ranges(operand)
        first = next((at for at, row in enumerate(rows) if holds(row)), len(rows))
        if first == len(rows):
            yield from blocks(command, ack_last=ack_last)
            return
        session.asked.append("refused")
        yield from () if whole else rows[:first]
        raise Lis200Refused(110, "4:V.0")

    session.blocks = refuse  # type: ignore[method-assign]
    return session


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("bad", [{100}, {124}, {110}, {100, 101, 117}, {104, 106, 124}])
@pytest.mark.parametrize("limited", [True, False])
def test_damaged_records_in_the_device(
    bad: set[int], whole: bool, limited: bool
) -> None:
    """All others are read, in order, wherever the damaged ones are (7.1)."""
    session = damaged(device(), bad, whole=whole)
    start = {"start": START} if limited else {}
    reading = reader(**start)
    assert numbers(reading, session) == [n for n in range(100, 125) if n not in bad]
    assert session.asked.count("refused") < 70 * len(bad) and len(session.asked) < 250
    error = reading.error()
    assert error is not None and "is damaged in the device" in error.message


@pytest.mark.parametrize("whole", [True, False])
def test_nothing_but_damaged_records(whole: bool) -> None:
    session, reading = damaged(device(2), {100, 101}, whole=whole), reader()
    assert numbers(reading, session) == []
    assert reading.error() is not None


def test_it_does_not_try_for_ever() -> None:
    session = device()
    session.trouble = dict.fromkeys(range(1, 99), "(#0109)")
    with pytest.raises(Lis200Refused):
        numbers(reader(), session)


def test_archives_and_columns_that_are_not_there() -> None:
    with pytest.raises(RefusedError, match="EK260 has no archive 9"):
        numbers(reader(archive=9), device())
    with pytest.raises(RefusedError, match="no archive 'calibration'"):
        numbers(reader(archive="calibration"), device())
    with pytest.raises(RefusedError, match="no column 'Vb'") as caught:
        numbers(reader(columns=("Vb",)), device())
    assert "AONo" in caught.value.hint


def test_an_answer_to_another_question() -> None:
    session = device()
    session.ask = lambda command: "5:V.2(GONo)"  # type: ignore[method-assign]
    with pytest.raises(RemoteProtocolError):
        numbers(reader(), session)


def test_a_locked_device() -> None:
    session = device()
    session._headers["2"] = None

    def refuse(command: object) -> str:
        raise Lis200Refused(18, "4:V.2")

    session.ask = refuse  # type: ignore[method-assign, assignment]
    with pytest.raises(Lis200Refused, match="no right to read"):
        numbers(reader(), session)


def test_bk_has_its_own_form() -> None:
    row = "".join(f"({content})" for content in BK_ROW)
    session = FakeDevice(BK_DAY, [row], archive=7, type_text="BKET")
    reading = reader(archive="day", start=datetime(2024, 3, 1, tzinfo=UTC), part=1)
    (record,) = reading.read(session)
    assert (record.place.number, record.place.total) == (31, 905)
    assert session.acknowledged == [True]
    assert session.asked == [
        "R1 7:V.2(1)",
        "R1 7:V.3(1)",
        "R3 7:V.0(3;2024-03-01,00:00:00;;1)",
    ]


def test_a_clock_that_was_set_back() -> None:
    """Records that a range of time hides are asked for by number."""
    hours = [0, 1, 2, 3, 2.2, 2.4, 3, 4]
    rows = [log(100 + n, stamp(hour)) for n, hour in enumerate(hours)]
    session, reading = FakeDevice(LOG, rows), reader(start=START + 2.5 * HOUR)
    assert numbers(reading, session) == [103, 106, 107]
    assert session.asked[-1] == "R3 4:V.0(2;104;105;10)"
    assert not reading.ordinals.missing  # they are there, and outside of the range
    again = reader(find_tail=lambda archive: tail(103, 3))
    assert numbers(again, session) == [106, 107, 104, 105]


def tail(number: int, hour: float, *registers: str) -> Tail:
    names = registers or ("GONo", "AONo", "Er")
    place = Place(number, 2 * number + 10, START + hour * HOUR, "")
    return Tail(place, frozenset(names))


def test_going_on_behind_a_file() -> None:
    session, asked = device(), []

    def find(archive: int) -> Tail:
        asked.append(archive)
        return tail(122, 22)

    reading = reader(find_tail=find)
    assert numbers(reading, session) == [123, 124] and asked == [4]
    assert session.asked[-1] == f"R3 4:V.0(3;{stamp(22)};;10)"
    nothing = reader(find_tail=lambda archive: tail(124, 24))
    assert numbers(nothing, session) == [] and not nothing.ordinals.missing
    assert len(numbers(reader(find_tail=lambda archive: None), session)) == 25


def test_records_that_were_overwritten_since() -> None:
    reading = reader(find_tail=lambda archive: tail(90, -10))
    assert numbers(reading, device()) == [*range(100, 125)]
    (gap,) = reading.ordinals.missing
    assert (gap.first, gap.last, gap.size) == (91, 99, 9)


# --- sessions that break -------------------------------------------------------------


def test_another_session_goes_on() -> None:
    session, reading, notes = device(), reader(), []
    session.trouble = {
        2: NoAnswerError("the meter did not answer"),
        4: RemoteProtocolError("the answer stayed damaged"),
    }
    rests = []

    @contextmanager
    def connect() -> Iterator[FakeDevice]:
        yield session

    found = read_archive(
        reading, connect, retries=1, rest=lambda: rests.append(1), note=notes.append
    )
    assert [record.place.number for record in found] == [*range(100, 125)]
    assert len(rests) == 2 and "did not answer" in notes[0]
    assert session.asked[4] == f"R3 4:V.0(3;{stamp(9)};;10)"


def test_sessions_that_break_without_end() -> None:
    session = device()
    session.trouble = {n: NoAnswerError("silence") for n in range(2, 99)}
    opened = []

    @contextmanager
    def connect() -> Iterator[FakeDevice]:
        opened.append(1)
        yield session

    found = []
    with pytest.raises(NoAnswerError):
        for record in read_archive(reader(), connect, retries=2):
            found.append(record.place.number)
    assert found == [*range(100, 110)] and len(opened) == 3


def test_what_is_refused_is_asked_for_once() -> None:
    opened = []

    @contextmanager
    def connect() -> Iterator[FakeDevice]:
        opened.append(1)
        yield device()

    with pytest.raises(RefusedError):
        [*read_archive(reader(archive=9), connect)]
    assert len(opened) == 1


@pytest.mark.parametrize("seed", range(40))
def test_whatever_breaks_nothing_is_lost_or_doubled(seed: int) -> None:
    dice = random.Random(seed)
    count = dice.randrange(1, 60)
    session = device(count)
    for block in range(1, 80):
        if dice.random() < 0.2:
            silence = NoAnswerError("silence")
            session.trouble[block] = dice.choice(["(#0109)", silence])
    reading = reader(part=dice.randrange(1, 12))

    @contextmanager
    def connect() -> Iterator[FakeDevice]:
        yield session

    found = [record.rows for record in read_archive(reading, connect, retries=99)]
    assert [rows[1].raw for rows in found] == [*map(str, range(100, 100 + count))]
    assert all([row.raw for row in rows][2] == "0x3C02" for rows in found)


def test_units_and_sources_of_the_headers() -> None:
    sources = ["", "0003:A20_0", "0001:400_0", "0002:300_0", *[""] * 14]
    session = FakeDevice(PERIOD, [ROW], UNITS, sources, archive=3)
    (record,) = reader(archive="period", by_source=True).read(session)
    units = {row.register: row.unit for row in record.rows}
    assert units["2:300"] == "m3" and units["T.MP"] == "°C" and units["GONo"] is None


class Endless(FakeDevice):
    """A device whose archive has no end."""

    def __init__(self, *, same: bool) -> None:
        super().__init__(LOG, [log(1, stamp(1))])
        self.same, self.blocked = same, 0

    def blocks(self, command: Command, *, ack_last: bool = False) -> Iterator[str]:
        for n in itertools.count(1):
            self.blocked += 1
            yield log(1 if self.same else n, stamp(1 if self.same else n))


@pytest.mark.parametrize(
    ("same", "words"),
    [(True, "51 blocks in a row brought nothing new"), (False, "101 records, and no")],
)
def test_an_archive_without_an_end(
    monkeypatch: pytest.MonkeyPatch, same: bool, words: str
) -> None:
    monkeypatch.setattr("iecread.archives._MOST_STALE", 50)
    monkeypatch.setattr("iecread.archives._MOST_RECORDS", 100)
    session = Endless(same=same)
    with pytest.raises(RemoteProtocolError, match=words):
        list(read_archive(reader(), lambda: nullcontext(session)))
    assert session.blocked < 110  # in one session: others would be no better
