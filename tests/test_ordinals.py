"""Records by their numbers: nothing twice, nothing missing without a word."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from iecread.ordinals import REMEMBERED, Ordinals, Place, Verdict, is_older

START = datetime(2024, 3, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def place(number: int | None, total: int | None = None, hour: float = 0) -> Place:
    return Place(
        number, total, START + (hour or number or total or 0) * HOUR, str(hour)
    )


def take(order: Ordinals, one: Place, content: str = "x") -> Verdict:
    return order.take(one, [str(one), content])


def test_records_in_turn() -> None:
    order = Ordinals()
    assert [take(order, place(n, 2 * n)) for n in (7, 8, 9)] == [Verdict.NEW] * 3
    assert take(order, place(8, 16)) is Verdict.REPEATED
    assert not order.missing and order.repeated == 1 and order.last == place(9, 18)


def test_a_gap_has_a_size_and_ends() -> None:
    order = Ordinals()
    take(order, place(7))
    take(order, place(11))
    (gap,) = order.missing
    assert (gap.first, gap.last, gap.size) == (8, 10, 3)
    assert (gap.start, gap.end) == (START + 7 * HOUR, START + 11 * HOUR)


def test_a_gap_is_filled() -> None:
    order = Ordinals()
    take(order, place(7))
    take(order, place(12))
    order.fill(True)
    assert take(order, place(9)) is Verdict.NEW
    assert [(gap.first, gap.last) for gap in order.missing] == [(8, 8), (10, 11)]
    assert take(order, place(9)) is Verdict.REPEATED
    assert take(order, place(13)) is Verdict.REPEATED  # not asked for
    order.fill(False)
    assert take(order, place(13)) is Verdict.NEW
    assert order.last == place(13)


def test_other_content_under_a_known_number() -> None:
    order = Ordinals()
    take(order, place(7))
    assert take(order, place(7), "y") is Verdict.DIFFERENT
    assert order.different == [START + 7 * HOUR]
    assert take(order, place(7), "y") is Verdict.REPEATED


def test_going_on_behind_a_file() -> None:
    order = Ordinals(place(8, 20))
    assert take(order, place(7, 18)) is Verdict.REPEATED
    assert take(order, place(8, 20)) is Verdict.LAST
    assert take(order, place(9, 25)) is Verdict.NEW
    assert not order.missing


def test_a_gap_behind_a_file() -> None:
    order = Ordinals(place(8, 20))
    assert take(order, place(11, 30)) is Verdict.NEW
    assert order.missing[0].size == 2


def test_several_records_at_one_time() -> None:
    """The file ends with the first of two records of one second."""
    order = Ordinals(place(8, 20, hour=8))
    assert take(order, place(8, 20, hour=8)) is Verdict.LAST
    assert take(order, place(9, 21, hour=8)) is Verdict.NEW


def test_a_clock_set_back_gives_no_doubles() -> None:
    """Older records may be later: they are held until the known one comes by."""
    order = Ordinals(place(10, 20, hour=9))
    assert take(order, place(8, 18, hour=9.5)) is Verdict.HELD
    assert take(order, place(9, 19, hour=10)) is Verdict.HELD
    assert take(order, place(10, 20, hour=9)) is Verdict.LAST
    assert order.known_came and not order.held_are_new
    assert take(order, place(11, 21, hour=9.2)) is Verdict.NEW


def test_a_device_that_was_reset() -> None:
    order = Ordinals(place(900, 2000, hour=9))
    held = [place(n, n, hour=10 + n) for n in (1, 2)]
    assert [take(order, one) for one in held] == [Verdict.HELD] * 2
    assert not order.known_came
    order.begin_anew(held[0].time)
    assert [take(order, one) for one in held] == [Verdict.NEW] * 2
    assert order.restarts == [held[0].time] and not order.missing


def test_numbers_that_begin_anew_within_an_answer() -> None:
    order = Ordinals()
    take(order, place(65535, 70000, hour=1))
    assert take(order, place(0, 70001, hour=2)) is Verdict.NEW
    order = Ordinals()
    take(order, place(500, hour=1))
    assert take(order, place(1, hour=2)) is Verdict.NEW
    assert order.restarts == [START + 2 * HOUR]


def test_after_a_break_older_records_are_old() -> None:
    order = Ordinals()
    for number in (7, 8):
        take(order, place(number))
    order.again()
    assert take(order, place(6)) is Verdict.REPEATED
    assert take(order, place(8)) is Verdict.REPEATED
    assert take(order, place(9)) is Verdict.NEW


def test_without_numbers_time_and_content_decide() -> None:
    order = Ordinals()
    assert take(order, place(None, hour=1), "a") is Verdict.NEW
    assert take(order, place(None, hour=1), "b") is Verdict.NEW
    assert take(order, place(None, hour=1), "a") is Verdict.REPEATED
    assert take(order, place(None, hour=0.5), "a") is Verdict.REPEATED
    order = Ordinals(place(None, hour=1))
    assert take(order, place(None, hour=1), "a") is Verdict.LAST
    assert take(order, place(None, hour=2), "a") is Verdict.NEW


def test_numbers_of_the_device_alone() -> None:
    """TC devices have no number in the archive: gaps cannot be told."""
    order = Ordinals()
    take(order, place(None, 7))
    assert take(order, place(None, 12)) is Verdict.NEW and not order.missing
    assert take(order, place(None, 11)) is Verdict.REPEATED


def test_records_in_doubt_are_known_by_content_alone() -> None:
    order = Ordinals()
    take(order, place(7))
    assert order.take_unsure(["99999"]) is Verdict.NEW
    assert order.take_unsure(["99999"]) is Verdict.REPEATED
    assert order.last == place(7) and not order.missing


def test_memory_is_bounded() -> None:
    order = Ordinals()
    for number in range(0, 9 * REMEMBERED, 3):
        take(order, place(number + 1))
    assert len(order._recent) == REMEMBERED and len(order.missing) == 1000


@given(st.lists(st.integers(1, 40), max_size=60), st.integers(0, 30))
def test_no_record_twice(numbers: list[int], known: int) -> None:
    """Whatever comes in whatever order, no number is new twice without a restart."""
    order = Ordinals(place(known, hour=known) if known else None)
    new = [n for n in numbers if take(order, place(n, hour=n)) is Verdict.NEW]
    assert len(new) == len(set(new)) or order.restarts
    assert not known or all(n != known for n in new)


@given(st.integers(1, 50), st.data())
def test_any_cuts_and_repeats_give_every_record_once(
    count: int, data: st.DataObject
) -> None:
    """Sessions break anywhere; the next one begins at any record before."""
    order, found, at = Ordinals(), [], 0
    while at < count:
        stop = data.draw(st.integers(at + 1, count))
        for number in range(max(0, at - data.draw(st.integers(0, 3))), stop):
            if take(order, place(number + 1, hour=number / 2)) is Verdict.NEW:
                found.append(number)
        order.again()
        at = stop
    assert found == [*range(count)] and not order.missing


def test_which_record_of_a_file_is_older() -> None:
    assert is_older(place(7, 10, hour=1), place(9, 14, hour=2))
    assert not is_older(place(9, 14, hour=2), place(7, 10, hour=1))
    assert not is_older(place(1, 14, hour=3), place(9, 10, hour=2))  # a reset
    assert not is_older(place(None, hour=1), place(None, hour=2))
