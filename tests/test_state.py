"""The two tables of states: every state is reached, every step is held to."""

from collections.abc import Mapping

import pytest

from iecread.errors import LocalProtocolError, RemoteProtocolError
from iecread.protocol.state import (
    METER,
    READER,
    MeterState,
    ReaderState,
    Step,
    advance,
)

Table = Mapping[ReaderState, Mapping[Step, ReaderState]]
SIDES = [
    pytest.param(READER, ReaderState.IDLE, id="reader"),
    pytest.param(METER, MeterState.START, id="meter"),
]


def reached(table: Table, start: ReaderState) -> set[ReaderState]:
    """All states that steps of the table lead to from ``start``."""
    found, new = {start}, [start]
    while new:
        for following in table[new.pop()].values():
            if following not in found:
                found.add(following)
                new.append(following)
    return found


@pytest.mark.parametrize(("table", "start"), SIDES)
def test_every_state_is_in_the_table_and_can_be_reached(
    table: Table, start: ReaderState
) -> None:
    assert set(table) == set(type(start))
    assert reached(table, start) == set(type(start))


@pytest.mark.parametrize(("table", "start"), SIDES)
def test_every_state_leads_back_to_the_beginning(
    table: Table, start: ReaderState
) -> None:
    for state in table:
        assert start in reached(table, state), state


@pytest.mark.parametrize(("table", "start"), SIDES)
def test_every_step_that_the_table_has(table: Table, start: ReaderState) -> None:
    for state, steps in table.items():
        for step, following in steps.items():
            assert advance(table, state, step, ours=True) is following
            assert advance(table, state, step, ours=False) is following


@pytest.mark.parametrize(("table", "start"), SIDES)
def test_every_step_that_it_does_not_have(table: Table, start: ReaderState) -> None:
    count = 0
    for state, steps in table.items():
        for step in set(Step) - set(steps):
            with pytest.raises(LocalProtocolError, match=f"{step.name}.*{state.name}"):
                advance(table, state, step, ours=True)
            with pytest.raises(RemoteProtocolError, match=f"{step.name}.*{state.name}"):
                advance(table, state, step, ours=False)
            count += 1
    assert count > 200


def test_every_step_is_used() -> None:
    used = {step for table in (READER, METER) for row in table.values() for step in row}
    assert used == set(Step)


def walk(table: Table, state: ReaderState, steps: str) -> list[str]:
    """The names of the states that steps, named by words, lead through."""
    states = []
    for name in steps.split():
        state = advance(table, state, Step[name], ours=True)
        states.append(state.name)
    return states


R, M = ReaderState, MeterState


@pytest.mark.parametrize(
    ("steps", "states"),
    [
        # 6.4.1, 6.4.2: modes A and B
        ("REQUEST IDENTIFY_A BLOCK END", "REQUESTED READING READ IDLE"),
        ("REQUEST IDENTIFY_B BLOCK END", "REQUESTED READING READ IDLE"),
        # 6.4.3: mode C
        (
            "REQUEST IDENTIFY_C SELECT_READOUT BLOCK END",
            "REQUESTED IDENTIFIED READING READ IDLE",
        ),
        # annex B: wake-up
        ("WAKE_UP REQUEST SILENCE", "WAKING REQUESTED IDLE"),
        # 6.3.5: damaged, asked for again
        (
            "REQUEST IDENTIFY_A DAMAGE NAK BLOCK END",
            "REQUESTED READING DAMAGED READING READ IDLE",
        ),
        # 6.4.7: parts
        (
            "REQUEST IDENTIFY_A PART ACK BLOCK END",
            "REQUESTED READING PART_READ READING READ IDLE",
        ),
        # 6.4.4: unasked
        ("LISTEN TELEGRAM TELEGRAM END", "LISTENING LISTENING LISTENING IDLE"),
        # programming, with a password and a damaged answer
        (
            "REQUEST IDENTIFY_C SELECT_PROGRAMMING OPERAND PASSWORD ACK COMMAND "
            "DAMAGE NAK BLOCK BREAK",
            "REQUESTED IDENTIFIED OPERAND LOCKED PASSWORD_SENT OPEN COMMANDED "
            "ANSWER_DAMAGED COMMANDED OPEN IDLE",
        ),
        # mode A: programming behind the readout, no P0
        (
            "REQUEST IDENTIFY_A BLOCK PASSWORD ACK BREAK",
            "REQUESTED READING READ PASSWORD_SENT OPEN IDLE",
        ),
    ],
)
def test_sessions_of_the_reader(steps: str, states: str) -> None:
    assert walk(READER, R.IDLE, steps) == states.split()


@pytest.mark.parametrize(
    ("steps", "states"),
    [
        ("REQUEST IDENTIFY_A BLOCK END", "REQUESTED SENDING SENT START"),
        (
            "REQUEST IDENTIFY_C SELECT_READOUT BLOCK NAK BLOCK SILENCE",
            "REQUESTED IDENTIFIED SENDING SENT SENDING SENT START",
        ),
        (
            "REQUEST IDENTIFY_C SILENCE BLOCK END",
            "REQUESTED IDENTIFIED SENDING SENT START",
        ),
        ("WAKE_UP REQUEST", "AWAKE REQUESTED"),
        (
            "REQUEST IDENTIFY_C SELECT_PROGRAMMING OPERAND PASSWORD ACK COMMAND BLOCK "
            "BREAK",
            "REQUESTED IDENTIFIED SELECTED OPERAND_SENT PASSWORD OPEN COMMANDED OPEN "
            "START",
        ),
        ("TELEGRAM TELEGRAM", "START START"),
    ],
)
def test_sessions_of_the_meter(steps: str, states: str) -> None:
    assert walk(METER, M.START, steps) == states.split()


@pytest.mark.parametrize(
    ("state", "step"),
    [
        (R.IDLE, Step.SELECT_READOUT),  # nobody identified itself
        (R.REQUESTED, Step.REQUEST),  # an answer is awaited
        (R.IDENTIFIED, Step.COMMAND),  # programming was not selected
        (R.READING, Step.COMMAND),
        (R.LISTENING, Step.REQUEST),  # 6.4.4: nothing is ever sent
        (R.OPEN, Step.NAK),
    ],
)
def test_what_we_may_not_send(state: ReaderState, step: Step) -> None:
    with pytest.raises(LocalProtocolError) as caught:
        advance(READER, state, step, ours=True)
    assert caught.value.kind == "internal"


@pytest.mark.parametrize(
    ("state", "step"),
    [
        (R.IDLE, Step.BLOCK),
        (R.REQUESTED, Step.BLOCK),
        (R.IDENTIFIED, Step.OPERAND),
        (R.READING, Step.OPERAND),
        (R.LISTENING, Step.BLOCK),
    ],
)
def test_what_the_meter_may_not_send(state: ReaderState, step: Step) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        advance(READER, state, step, ours=False)
    assert caught.value.kind == "protocol"
