"""What it means where the answer to a command of programming mode has no data."""

from iecread.errors import (
    IecReadError,
    NoAnswerError,
    RefusedError,
    RemoteProtocolError,
)
from iecread.protocol.actions import Answered, AnswerKind


def told_no(answer: Answered) -> bool:
    """Whether the meter heard a read and has nothing for it; it may hear another."""
    return answer.kind in (AnswerKind.ERROR, AnswerKind.NAK, AnswerKind.ACK)


def refused(answer: Answered) -> bool:
    """Whether the meter said no to a password, a write or an execution."""
    return answer.kind in (AnswerKind.BREAK, AnswerKind.ERROR, AnswerKind.NAK)


def nothing_there(answer: Answered) -> bool:
    """Whether an answer means that a range holds no rows: VDEW's ``ERROR``."""
    return answer.kind is AnswerKind.ERROR and answer.text == "ERROR"


def answer_error(answer: Answered, what: str) -> IecReadError:
    """Return the error for an answer that is none."""
    if answer.kind is AnswerKind.SILENCE:
        return NoAnswerError(
            f"the meter did not answer: {what}",
            "a slow meter may need --timeout 10s",
        )
    if answer.kind is AnswerKind.DAMAGED and answer.text:
        return RemoteProtocolError(
            f"{what}: {answer.text}",
            "the meter or the line is out of order: try again, then another head",
        )
    if answer.kind is AnswerKind.DAMAGED:
        return RemoteProtocolError(
            f"the answer stayed damaged: {what}", "check the head's place and light"
        )
    said = answer.text or answer.kind.value
    return RefusedError(
        f"the meter refused {what}: {said}",
        "no such register, or it wants a password or another --command",
    )
