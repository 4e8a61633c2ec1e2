"""How a readout that failed in every try is told: what, why, and what to do next."""

from iecread.errors import (
    IecReadError,
    NoAnswerError,
    RefusedError,
    RemoteProtocolError,
)
from iecread.protocol.actions import Trouble


def error_for(
    trouble: Trouble, detail: str, *, identified: bool, echo: bool, noise: int
) -> IecReadError:
    """Return the error for the way in which the last session ended.

    Args:
        trouble: what was wrong with it.
        detail: particulars for a person, may be empty.
        identified: whether the meter had identified itself.
        echo: whether our own characters came back.
        noise: bytes that came and were no part of any message.
    """
    because = f": {detail}" if detail else ""
    if trouble is Trouble.NO_ANSWER and not identified:
        if echo:
            return NoAnswerError(
                "no answer, only our own characters came back",
                "the head sees its own light: turn it (cable downwards), move it",
            )
        return NoAnswerError(
            "the meter did not answer",
            "check the head's place (cable downwards), the port, --address; "
            "a battery meter may need --wake always",
        )
    if trouble is Trouble.NO_ANSWER:
        return NoAnswerError(
            "the meter identified itself, then sent no data",
            "try --max-baud 300, or --switch-delay 100ms",
        )
    if trouble is Trouble.FELL_SILENT:
        return NoAnswerError(
            f"the meter fell silent within a message{because}",
            "check the head's place; a slow meter may need --timeout 10s",
        )
    if trouble is Trouble.REFUSED:
        return RefusedError(
            f"the meter refused the readout{because}",
            "it may be busy, or want another --mode",
        )
    if trouble is Trouble.DAMAGED:
        return RemoteProtocolError(
            detail or f"{noise} bytes came, but no identification",
            "noise: check the head's place, light, --baud and --framing; of several "
            "meters on a bus name one with --address",
        )
    return RemoteProtocolError(
        f"{trouble.value} in all tries{because}",
        "check the head's place and light; slower may help: --max-baud 300",
    )
