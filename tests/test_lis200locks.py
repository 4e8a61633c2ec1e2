"""Opening and closing locks when something goes wrong: no code changed, none left open.

Each script is all that may go over the line.
"""

import json
from pathlib import Path

import pytest
from gas import (
    CLOSE,
    CLOSED,
    CODE,
    MARK,
    OPEN,
    OPENED,
    READ,
    TYPE,
    UNLOCK,
    VALUE,
    Gas,
    opening,
    steps,
)
from wire import Say, Speed

from iecread.errors import (
    CheckError,
    ConfigError,
    IecReadError,
    NoAnswerError,
    RefusedError,
)
from iecread.journal import Journal
from iecread.lis200.errors import Lis200Refused
from iecread.lis200.locks import LockState
from iecread.passwords import Secret


def lines(folder: Path) -> list[dict[str, object]]:
    """The journal."""
    text = (folder / "journal.jsonl").read_text("utf-8")
    assert "00000000" not in text
    return [json.loads(line) for line in text.splitlines()]


# --- state first -------------------------------------------------------------


def test_a_lock_that_is_open_gets_no_code_and_stays_open() -> None:
    gas = Gas(OPEN)
    assert not gas.session.unlock()
    gas.session.leave()
    gas.check()


@pytest.mark.parametrize(
    "said",
    [
        "< (#0001)",
        "< (#0003)",
        "< 4:170(#0004)",
        "< (#0020)",
        "< (#0019)",
        "< (#0017)",
        "< (#0222)",
        "< 4:170.0()",
        "< 4:170.0(2)",
        "< 4:170.0(open)",
    ],
)
def test_a_state_that_says_nothing_lets_no_code_out(said: str) -> None:
    gas = Gas("> R1 4:0170.0(1)\n" + said)
    with pytest.raises(RefusedError):
        gas.session.unlock()
    gas.session.leave()
    gas.check()


def test_a_state_that_does_not_come_lets_no_code_out() -> None:
    gas = Gas("> R1 4:0170.0(1)\n< SILENCE\n> R1 4:0170.0(1)\n< SILENCE")
    with pytest.raises(NoAnswerError):
        gas.session.unlock()
    gas.session.leave()
    gas.check()


HIDDEN = "> R1 4:0170.0(1)\n< (#0018)\n"


def test_no_right_to_read_is_closed_if_nothing_may_be_read() -> None:
    gas = Gas(
        "> R1 1:0181.0(1)\n< (#0018)\n" + HIDDEN + CODE + "< ACK" + OPEN + TYPE + CLOSE,
        recognise=True,
    )
    assert gas.session.unlock()
    gas.session.leave()
    gas.check()


def test_no_right_to_read_where_another_lock_is_open() -> None:
    states = "".join(f"> R1 {n}:0170.0(1)\n< (#0018)\n" for n in (1, 2))
    gas = Gas(
        HIDDEN
        + "> R1 1:0400.0(1)\n< 1:400.2(2024-03-01,10:17:25)\n"
        + states
        + "> R1 3:0170.0(1)\n< 3:170.0(1)\n"
        + HIDDEN
        + CODE
        + "< ACK"
        + OPEN
        + TYPE
        + CLOSE
    )
    assert gas.session.unlock()
    gas.session.leave()
    gas.check()


def test_no_right_to_read_although_no_other_lock_is_open() -> None:
    states = "".join(f"> R1 {n}:0170.0(1)\n< {n}:170.0(0)\n" for n in (1, 2, 3))
    clock = "> R1 1:0400.0(1)\n< 1:400.2(2024-03-01,10:17:25)\n"
    gas = Gas(HIDDEN + clock + states + HIDDEN)
    with pytest.raises(RefusedError, match="although some lock is open") as caught:
        gas.session.unlock()
    assert "new code" in caught.value.hint
    gas.session.leave()
    gas.check()


# --- what comes of a code ----------------------------------------------------


def test_a_lost_acknowledgement_is_looked_after() -> None:
    gas = Gas(CLOSED + CODE + "< SILENCE" + MARK + OPEN + TYPE + CLOSE)
    assert gas.session.unlock()
    assert "not acknowledged" in gas.warnings[0]
    gas.session.leave()
    gas.check()


def test_a_code_that_was_lost_is_not_sent_again() -> None:
    gas = Gas(CLOSED + CODE + "< SILENCE" + MARK + CLOSED)
    with pytest.raises(NoAnswerError, match="which is closed"):
        gas.session.unlock()
    gas.session.leave()
    gas.check()


def test_nak_is_repeated_once_and_only_behind_the_state() -> None:
    gas = Gas(CLOSED + CODE + "< NAK" + CLOSED + CODE + "< ACK" + OPEN + TYPE + CLOSE)
    assert gas.session.unlock()
    gas.session.leave()
    gas.check()
    gas = Gas(CLOSED + CODE + "< NAK" + CLOSED + CODE + "< NAK" + CLOSED)
    with pytest.raises(RefusedError):
        gas.session.unlock()
    gas.session.leave()
    gas.check()


@pytest.mark.parametrize("state", ["< 4:170.0(1)", "< (#0001)"])
def test_nak_is_not_repeated_where_the_lock_is_not_closed(state: str) -> None:
    gas = Gas(CLOSED + CODE + "< NAK\n> R1 4:0170.0(1)\n" + state, ends=False)
    with pytest.raises((CheckError, AssertionError, NoAnswerError)):
        gas.session.unlock()
    assert len(gas.codes) == 1


def test_a_lock_that_closes_at_once(tmp_path: Path) -> None:
    gas = Gas(CLOSED + CODE + "< ACK" + CLOSED + CLOSED, journal=Journal(str(tmp_path)))
    with pytest.raises(CheckError, match="took the code, but"):
        gas.session.unlock()
    gas.session.leave()
    gas.check()
    assert "took the code" in gas.warnings[0]
    assert "took the code" in str(lines(tmp_path)[-1]["detail"])


def test_an_old_answer_to_the_state_is_looked_through() -> None:
    gas = Gas(CLOSED + CODE + "< ACK" + CLOSED + OPEN + TYPE + CLOSE)
    assert gas.session.unlock()
    gas.session.leave()
    gas.check()


def test_another_program_is_told_of(tmp_path: Path) -> None:
    gas = Gas(CLOSED + CODE + "< (#0017)" + OPEN, journal=Journal(str(tmp_path)))
    with pytest.raises(Lis200Refused):
        gas.session.unlock()
    gas.session.leave()  # theirs stays open
    gas.check()
    assert "another program" in gas.warnings[0]
    assert "another program" in str(lines(tmp_path)[-1]["detail"])


def test_a_state_that_cannot_be_read_behind_the_code() -> None:
    unread = "> R1 4:0170.0(1)\n< (#0001)\n"
    gas = Gas(
        CLOSED
        + CODE
        + "< ACK\n"
        + unread
        + unread
        + "> W1 4:0170.0(0)\n< ACK\n"
        + unread
    )
    with pytest.raises(CheckError, match="whether .* is open is unknown"):
        gas.session.unlock()
    gas.session.leave()
    gas.check()


def test_the_manufacturer_lock_is_refused() -> None:
    """14.5: function locked."""
    gas = Gas(
        """
        > R1 2:0170.0(1)
        < 2:170.0(0)
        > W1 2:0171.0(12345678)
        < (#0020)
        > R1 2:0170.0(1)
        < 2:170.0(0)
        """
    )
    with pytest.raises(Lis200Refused, match="locked"):
        gas.session.unlock(2, "12345678")
    gas.session.leave()
    gas.check()


def test_locks_without_a_code() -> None:
    gas = Gas("")
    with pytest.raises(ConfigError, match="button"):
        gas.session.unlock("calibration", "0")
    with pytest.raises(ConfigError, match="one to eight"):
        gas.session.unlock("customer", "123456789")
    bk = Gas("", identification="/Els6\\BKET")
    with pytest.raises(ConfigError, match="left alone"):
        bk.session.unlock("data-reader", "0")
    no_key = Gas("", code=None)
    with pytest.raises(ConfigError, match="no code"):
        no_key.session.unlock("customer")
    for one in (gas, bk, no_key):
        one.session.leave()
        one.check()


# --- closing -----------------------------------------------------------------


def test_a_lock_that_was_asked_to_stay_open_stays() -> None:
    gas = Gas(UNLOCK)
    assert gas.session.unlock(keep=True)
    gas.session.leave()
    gas.check()


def test_a_lock_is_closed_on_request(tmp_path: Path) -> None:
    gas = Gas(OPEN + CLOSE + CLOSED, journal=Journal(str(tmp_path)))
    assert gas.session.lock("customer")
    assert not gas.session.lock(4)
    gas.session.leave()
    gas.check()
    assert [line["result"] for line in lines(tmp_path)] == ["sending", "done"]


def test_a_lock_that_does_not_close() -> None:
    close = "> W1 4:0170.0(0)\n< ACK" + OPEN
    gas = Gas(OPEN + close + close)
    with pytest.raises(CheckError, match="still open"):
        gas.session.lock(4)
    gas.session.leave()
    gas.check()


def test_it_is_closed_in_another_session_if_the_device_broke_off() -> None:
    again = [*opening("/Els6EK260"), *steps(CLOSE)]
    gas = Gas(
        [
            *opening("/Els6EK260"),
            *steps(OPENED + TYPE + READ),
            Say(b"\x01B0\x03q", after=0.03),
            Speed(300),
            *again,
        ]
    )
    gas.session.unlock()
    with pytest.raises(RefusedError):
        gas.session.read("7:310")
    gas.session.leave()
    gas.check()


def test_a_lock_that_cannot_be_closed_is_told_of_loudly(tmp_path: Path) -> None:
    gas = Gas(UNLOCK, ends=False, journal=Journal(str(tmp_path)))
    gas.session.unlock()
    with pytest.raises(CheckError, match="may still be open"):
        gas.session.leave()
    assert "may still be open" in gas.warnings[0]
    assert "may still be open" in str(lines(tmp_path)[-1]["detail"])


class _Interrupted(Gas):
    """Ctrl-C at one of the messages sent."""

    def stop_at(self, line: str) -> None:
        write = self.wire.write
        done: list[bool] = []

        def written(data: bytes) -> None:
            write(data)
            if not done and self.sent and self.sent[-1] == line:
                done.append(True)
                raise KeyboardInterrupt

        self.wire.write = written  # type: ignore[method-assign]


@pytest.mark.parametrize(
    ("line", "script"),
    [
        ("W1 4:0171.0(00000000)", CLOSED + CODE + "< ACK"),
        ("R1 7:0310.0(1)", UNLOCK + READ + VALUE),
        ("R1 4:0170.0(1)", CLOSED),
    ],
)
def test_an_interruption_leaves_nothing_open(line: str, script: str) -> None:
    close, _, state = CLOSE.partition("> R1")
    closing = "" if script == CLOSED else f"{close}{MARK}> R1{state}"
    gas = _Interrupted(script + closing)
    gas.stop_at(line)
    with pytest.raises(KeyboardInterrupt):
        gas.session.unlock()
        gas.session.read("7:310")
    gas.session.leave()
    gas.check()


# --- stale answers, no P0 ----------------------------------------------------


def test_no_right_to_read_is_no_answer_to_a_code() -> None:
    gas = Gas(CLOSED + CODE + "< (#0018)" + OPEN + TYPE + CLOSE)
    assert gas.session.unlock()
    assert "not acknowledged" in gas.warnings[0]
    gas.session.leave()
    gas.check()


def test_a_lock_is_not_left_open_if_unlock_fails_behind_it() -> None:
    unread = "> R1 1:0181.0(1)\n< SILENCE\n"
    gas = Gas(
        OPENED + unread + unread + CLOSE.replace("> R1", MARK + "> R1"),
    )
    with pytest.raises(NoAnswerError):
        gas.session.unlock(keep=True)
    gas.session.leave()
    gas.check()


# --- status, another code ----------------------------------------------------


def test_the_status_of_all_locks_needs_none() -> None:
    gas = Gas(
        """
        > R1 1:0170.0(1)
        < 1:170.0(0)
        > R1 1:0174.0(1)
        < (#0018)
        > R1 2:0170.0(1)
        < (#0003)
        > R1 3:0170.0(1)
        < 3:170.0(1)
        > R1 3:0174.0(1)
        < 3:174.0(30*m)
        > R1 4:0170.0(1)
        < (#0018)
        > R1 4:0174.0(1)
        < 4:174.0(0)
        """
    )
    found = gas.session.lock_status()
    assert [(one.number, one.state, one.minutes) for one in found] == [
        (1, LockState.CLOSED, None),
        (3, LockState.OPEN, 30),
        (4, LockState.HIDDEN, 0),
    ]
    gas.session.leave()
    gas.check()


CHANGE = "\n> W1 4:0171.0(1A2B)\n"
SHUT = "\n> W1 4:0170.0(0)\n< ACK" + CLOSED
NEW = "\n> W1 4:0171.0(1A2B)\n"


def test_a_code_is_changed_and_proved(tmp_path: Path) -> None:
    gas = Gas(
        UNLOCK + OPEN + CHANGE + "< ACK" + SHUT + CLOSED + NEW + "< ACK" + OPEN + SHUT,
        journal=Journal(str(tmp_path)),
    )
    new = Secret("1A2B")
    planned = gas.session.plan_code(new)
    assert gas.session.change_code(planned, new).outcome == "done"
    gas.session.leave()
    gas.check()
    assert "1A2B" not in (tmp_path / "journal.jsonl").read_text()
    assert [line["result"] for line in lines(tmp_path)] == ["sending", "done"]
    assert "1A2B" not in repr(planned)


def test_a_change_that_was_lost() -> None:
    gas = Gas(
        UNLOCK
        + OPEN
        + CHANGE
        + "< SILENCE"
        + SHUT.replace("> R1", MARK + "> R1")
        + CLOSED
        + NEW
        + "< (#0017)"
        + CLOSED
        + CLOSED
        + CODE
        + "< ACK"
        + OPEN
        + SHUT
    )
    new = Secret("1A2B")
    with pytest.raises(CheckError, match="not changed"):
        gas.session.change_code(gas.session.plan_code(new), new)
    gas.session.leave()
    gas.check()


def test_a_change_wants_the_old_code_proved() -> None:
    gas = Gas(OPEN)
    with pytest.raises(CheckError, match="open already"):
        gas.session.plan_code(Secret("1A2B"))
    with pytest.raises(ConfigError, match="the new code"):
        gas.session.plan_code(Secret("new"))
    gas.session.leave()
    gas.check()


def test_a_change_that_is_refused() -> None:
    gas = Gas(UNLOCK + OPEN + CHANGE + "< (#0019)\n" + CLOSE)
    new = Secret("1A2B")
    planned = gas.session.plan_code(new)
    with pytest.raises(IecReadError):
        gas.session.change_code(planned, new)
    assert len(gas.codes) == 2
