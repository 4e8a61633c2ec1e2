"""Passwords of sessions: what is sent, and that a refused one is not sent again."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from bench.faults import SimulatedSession

from iecread.errors import RefusedError
from iecread.login import Login
from iecread.passwords import PasswordSource, Secret
from iecread.refusals import Refusals

SOURCE = PasswordSource.from_table({"env": "X"}, "here")


def test_refused_passwords_are_remembered(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    line = SimulatedSession("sim://household?password=11111111")

    def attempt(text: str, refusals: Refusals, *, force: bool = False) -> None:
        login = Login.from_source(
            SOURCE, Secret(text), refusals, ("meter", "port"), force=force
        )
        line.begin()
        login.allow(now)
        session = line.session()
        try:
            session.enter(line.clock.now, login)
        finally:
            session.leave()
            line.clock.sleep(3)

    here = Refusals(str(tmp_path))
    for _ in range(2):
        with pytest.raises(RefusedError, match="refused"):
            attempt("00000000", here)
    with pytest.raises(RefusedError, match="already"):
        attempt("00000000", Refusals(str(tmp_path)))
    assert line.meter.passwords == [("P1", "00000000")]
    with pytest.raises(RefusedError):
        attempt("00000000", Refusals(str(tmp_path)), force=True)
    assert len(line.meter.passwords) == 2
    attempt("11111111", here)
    assert line.meter.passwords[2:] == [("P1", "11111111")]
    assert line.meter.endings[-1] == "break"


def test_a_password_that_was_accepted_by_force_is_not_refused_any_more(
    tmp_path: Path,
) -> None:
    now, here = datetime.now(UTC), Refusals(str(tmp_path))

    def login(*, force: bool) -> Login:
        return Login.from_source(SOURCE, Secret("1"), here, ("meter",), force=force)

    login(force=False).refused(now)
    login(force=False).accepted(now)
    with pytest.raises(RefusedError, match="already"):
        login(force=False).allow(now)
    login(force=True).allow(now)
    login(force=True).accepted(now)
    login(force=False).allow(now)


def test_what_a_function_answers_is_remembered_in_place_of_a_password(
    tmp_path: Path,
) -> None:
    here = Refusals(str(tmp_path))
    login = Login(lambda operand: operand + "x", refusals=here, names=("meter",))
    same, answer = login.answered("7", None)
    assert same is login and answer == "7x"
    login.known_by(answer).refused(datetime.now(UTC))
    with pytest.raises(RefusedError, match="already"):
        login.known_by(answer)
    login.known_by("8x")
