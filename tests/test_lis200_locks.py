"""Locks: names, states, access bytes, codes (lis200.md 3.1, 6)."""

import pytest

from iecread.errors import ConfigError
from iecread.lis200.device import Device
from iecread.lis200.locks import (
    LockState,
    access,
    access_in_words,
    check_code,
    check_new_code,
    demand_openable,
    lock_name,
    lock_number,
    state_of,
)
from iecread.protocol.actions import Answered, AnswerKind

EK, NEW, BK = (Device.of_type(t) for t in ("EK260", "EK280", "BKET"))


@pytest.mark.parametrize(
    ("lock", "number"),
    [
        ("customer", 4),
        ("Supplier", 3),
        ("administrator", 3),
        ("data-reader", 5),
        ("user", 6),
        ("4", 4),
        (1, 1),
    ],
)
def test_a_lock_has_a_name_and_a_number(lock: str | int, number: int) -> None:
    assert lock_number(lock) == number


@pytest.mark.parametrize("lock", ["", "7", "0", 7, "costumer", "44", "-1"])
def test_what_is_no_lock(lock: str | int) -> None:
    with pytest.raises(ConfigError, match="no lock"):
        lock_number(lock)


def test_names_are_those_of_the_device() -> None:
    assert lock_name(3) == "supplier lock (3)"
    assert lock_name(3, NEW) == "administrator lock (3)"
    assert lock_name(5, NEW) == "data reader lock (5)"


@pytest.mark.parametrize(
    ("kind", "text", "state"),
    [
        (AnswerKind.DATA, "4:170.0(0)", LockState.CLOSED),
        (AnswerKind.DATA, "4:170(1)", LockState.OPEN),
        (AnswerKind.DATA, "(1)", LockState.OPEN),
        (AnswerKind.DATA, "4:170.0(0x1)", LockState.OPEN),
        (AnswerKind.DATA, "4:170.0( 0 )", LockState.CLOSED),
        (AnswerKind.ERROR, "#0018", LockState.HIDDEN),
        (AnswerKind.DATA, "4:170(#0018)", LockState.HIDDEN),
        (AnswerKind.ERROR, "#0001", LockState.UNCLEAR),
        (AnswerKind.ERROR, "#0017", LockState.UNCLEAR),
        (AnswerKind.ERROR, "#0019", LockState.UNCLEAR),
        (AnswerKind.ERROR, "#0020", LockState.UNCLEAR),
        (AnswerKind.ERROR, "#0222", LockState.UNCLEAR),
        (AnswerKind.ERROR, "ER18", LockState.UNCLEAR),
        (AnswerKind.DATA, "4:170.0()", LockState.UNCLEAR),
        (AnswerKind.DATA, "4:170.0(2)", LockState.UNCLEAR),
        (AnswerKind.DATA, "4:170.0(1)(0)", LockState.UNCLEAR),
        (AnswerKind.DATA, "4:170.0(closed)", LockState.UNCLEAR),
        (AnswerKind.DATA, "", LockState.UNCLEAR),
        (AnswerKind.ACK, "", LockState.UNCLEAR),
        (AnswerKind.NAK, "", LockState.UNCLEAR),
        (AnswerKind.SILENCE, "", LockState.UNCLEAR),
        (AnswerKind.DAMAGED, "", LockState.UNCLEAR),
    ],
)
def test_what_a_state_says(kind: AnswerKind, text: str, state: LockState) -> None:
    assert state_of(Answered(kind, text)) is state


@pytest.mark.parametrize(
    ("byte", "read", "write"),
    [
        ("0xAA", (1, 2, 3, 4), ()),
        ("0xAF", (1, 2, 3, 4), (1, 2)),
        ("0xBF", (1, 2, 3, 4), (1, 2, 3)),
        ("0xFF", (1, 2, 3, 4), (1, 2, 3, 4)),
        ("0x0F", (1, 2), (1, 2)),
        ("0x15", (), (1, 2, 3)),
    ],
)
def test_the_access_byte(
    byte: str, read: tuple[int, ...], write: tuple[int, ...]
) -> None:
    assert access(byte) == (read, write)


def test_an_access_byte_in_words() -> None:
    assert access_in_words("0xAF") == "read: 1 2 3 4; write: 1 2"
    assert access_in_words("0xAA") == "read: 1 2 3 4; write: none"
    assert access_in_words("170") == "" and access("0x1AA") is None


def test_locks_that_no_code_opens() -> None:
    for device in (EK, NEW, BK):
        with pytest.raises(ConfigError, match="button"):
            demand_openable(1, device)
    for lock in (2, 5, 6):
        with pytest.raises(ConfigError, match="left alone"):
            demand_openable(lock, BK)
        demand_openable(lock, NEW)
    demand_openable(3, BK)


def test_codes_that_can_be_none() -> None:
    check_code("0")
    check_code("abcdefgh")  # sent as it was typed
    for code in ("", "123456789"):
        with pytest.raises(ConfigError, match="one to eight"):
            check_code(code)
    check_new_code("0A1F", EK)
    check_new_code("1234", BK)
    for code, device in (("0a", EK), ("G", EK), ("A", BK), ("01", BK), ("", EK)):
        with pytest.raises(ConfigError, match="the new code"):
            check_new_code(code, device)
