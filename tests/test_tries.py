"""Which session is tried next, and what it does differently."""

from dataclasses import replace
from typing import Any

import pytest

from iecread.protocol.actions import Trouble
from iecread.protocol.options import ReaderOptions
from iecread.protocol.parity import Parity
from iecread.protocol.tries import Tries

BOTH = (Parity.EVEN, Parity.NONE)
NONE, REFUSED = Trouble.NO_ANSWER, Trouble.REFUSED


def tries(**options: Any) -> Tries:
    """Behind the first session, which has failed."""
    found = Tries(ReaderOptions(**options))
    found.start(found.given.retries)
    found.attempt += 1
    return found


def step(of: Tries, trouble: Trouble, mode: str | None = "C", **said: Any) -> str:
    known = {"options": of.given, "moved": True, "identified": True, **said}
    return of.next_step(trouble, mode=mode, **known)


def test_how_many_sessions() -> None:
    found = tries(retries=1, send_parity=BOTH)
    assert found.limit == 3 and found.parity is Parity.NONE
    assert (found.all_parities, found.last, found.over) == (False, False, False)
    found.attempt = 2
    assert found.parity is Parity.EVEN
    assert (found.all_parities, found.last, found.over) == (True, True, False)
    found.attempt = 3
    assert found.last and found.over


@pytest.mark.parametrize(("attempt", "limit"), [(0, 2), (1, 3), (2, 3)])
def test_a_meter_that_answers_settles_how_to_send(attempt: int, limit: int) -> None:
    found = tries(retries=1, send_parity=BOTH)
    found.attempt = attempt
    found.answer_in_kind(Parity.NONE)
    assert (found.parities, found.limit) == ((Parity.NONE,), limit)
    found.answer_in_kind(Parity.EVEN)
    assert (found.parities, found.limit) == ((Parity.NONE,), limit)


def test_a_way_of_sending_that_was_said_is_kept() -> None:
    found = tries()
    found.answer_in_kind(Parity.EVEN)
    assert found.parities == (Parity.NONE,) and found.limit == 3


@pytest.mark.parametrize("change", [{"stay": True}, {"max_speed": 300}, {}])
def test_what_is_known_is_doubted_once(change: dict[str, Any]) -> None:
    found = tries(adapt=lambda who, options: options)
    adapted = replace(found.given, **change)
    found.stay = adapted.stay
    assert found.adapted(adapted) is bool(change)
    words = step(found, Trouble.BLOCK_CHECK, options=adapted)
    assert ("without what is known" in words) is bool(change)
    assert found.adaptable is not bool(change) and not found.stay
    assert "without" not in step(found, Trouble.BLOCK_CHECK, options=adapted)


@pytest.mark.parametrize(
    ("trouble", "mode"), [(Trouble.CHECK_KIND, "C"), (Trouble.NO_ANSWER, None)]
)
def test_what_is_no_reason_to_doubt(trouble: Trouble, mode: str | None) -> None:
    found = tries(adapt=lambda who, options: options)
    adapted = replace(found.given, max_speed=300)
    assert "without" not in step(found, trouble, mode, options=adapted)
    assert found.adaptable
    found = tries()  # nothing is known
    assert "without" not in step(found, Trouble.PARITY, options=adapted)


def test_silence_at_the_agreed_speed() -> None:
    found = tries()
    assert step(found, NONE) == "another session, changing speed later"
    assert (found.later_switch, found.refuse_speed, found.slow) == (True, False, False)
    assert step(found, NONE) == "another session, staying at 300 Bd"
    assert (found.refuse_speed, found.slow) == (True, True)


def test_a_line_of_one_speed_cannot_change_it_later() -> None:
    found = tries(adjustable=False)
    assert step(found, NONE) == "another session, staying at 300 Bd"
    assert not found.later_switch and found.slow


@pytest.mark.parametrize(
    ("trouble", "mode", "moved", "last", "refuses"),
    [
        (REFUSED, "C", True, False, True),
        (REFUSED, "C", False, False, True),
        (REFUSED, "B", True, False, True),
        (REFUSED, None, False, False, False),
        (Trouble.BLOCK_CHECK, "C", True, False, False),
        (Trouble.BLOCK_CHECK, "C", True, True, True),
        (Trouble.BLOCK_CHECK, "C", False, True, False),
        (Trouble.BLOCK_CHECK, "B", True, True, False),
        (NONE, "C", False, False, False),
        (NONE, "B", True, True, False),
    ],
)
def test_when_to_stay_at_the_opening_speed(
    trouble: Trouble,
    mode: str | None,
    moved: bool,
    last: bool,
    refuses: bool,
) -> None:
    found = tries()
    found.attempt = 2 if last else 1
    words = step(found, trouble, mode, moved=moved)
    assert (found.refuse_speed, found.slow) == (refuses, False)
    assert not found.later_switch
    stays = "another session, staying at 300 Bd"
    assert words == (stays if refuses else "another session")


@pytest.mark.parametrize("mode", ["B", "C"])
def test_an_answer_at_another_speed(mode: str) -> None:
    found = tries()
    found.other_speed(mode)
    assert found.slow and found.refuse_speed and found.stay is (mode == "B")
    found.start(2)
    assert found.slow and not found.refuse_speed and not found.stay
    found = tries(stay=True)
    found.other_speed("C")
    assert found.stay


def test_the_other_way_of_sending_is_said() -> None:
    found = tries(send_parity=BOTH)
    unknown: dict[str, Any] = {"identified": False, "moved": False}
    assert step(found, NONE, None, **unknown) == "request in plain 7 bits"
    found.attempt = 2
    assert step(found, NONE, None, **unknown) == "request with parity in bit 7"
    assert step(found, NONE, None, moved=False) == "another session"
    assert step(tries(), NONE, None, **unknown) == "another session"


def test_other_options_begin_anew() -> None:
    other = ReaderOptions(stay=True, retries=4, send_parity=BOTH)
    found = tries(instead=other)
    found.refuse_speed = found.later_switch = True
    found.use(other)
    found.attempt += 1
    assert (found.given, found.misled, found.attempt) == (other, True, 0)
    assert (found.limit, found.parities, found.stay) == (6, BOTH, True)
    assert not (found.refuse_speed or found.later_switch or found.adaptable)
