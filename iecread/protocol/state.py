"""States of a session and the steps between them, one table for each side.

A step is a message, named from nobody's view, or something that happens to the
line (silence, an end).  ``advance`` is the only way from one state to the next: a
step that the table does not have raises LocalProtocolError where this side would
have sent it, RemoteProtocolError where the other side did.  IEC 62056-21: 6.4.1 to
6.4.3 and annex A (readout), 6.4.4 (mode D), 6.4.7 (partial blocks), annex B (wake-
up).  Left out: the hand-over to HDLC (mode E, 6.4.5).
"""

from collections.abc import Mapping
from enum import Enum, auto
from typing import TypeVar

from iecread.errors import LocalProtocolError, RemoteProtocolError


class Step(Enum):
    """What carries a session from one state to the next."""

    # messages of the reader
    WAKE_UP = auto()  # annex B
    REQUEST = auto()  # 6.3.1
    SELECT_READOUT = auto()  # 6.3.3, Y = 0 or the maker's 6 to 9
    SELECT_PROGRAMMING = auto()  # 6.3.3, Y = 1
    PASSWORD = auto()  # 6.3.7, P1 or P2
    COMMAND = auto()  # 6.3.7, R, W or E
    COMMAND_PART = auto()  # 6.3.8
    PROBE = auto()  # field practice: a read that tells whether a session is open
    # messages of the meter
    IDENTIFY_A = auto()  # 6.3.2, Z of mode A
    IDENTIFY_B = auto()  # 6.3.2, Z of mode B
    IDENTIFY_C = auto()  # 6.3.2, Z of modes C and E
    OPERAND = auto()  # 6.3.7, P0
    TELEGRAM = auto()  # 6.4.4, unasked
    BLOCK = auto()  # 6.3.4, 6.3.9, the last or only one
    PART = auto()  # 6.3.10, another one follows
    ERROR = auto()  # 6.3.11
    # messages of both
    ACK = auto()  # 6.3.6
    NAK = auto()  # 6.3.5
    BREAK = auto()  # 6.3.12
    # what happens to the line
    LISTEN = auto()
    DAMAGE = auto()  # what came is damaged, it is to be asked for again
    SILENCE = auto()  # the time for an answer is over
    END = auto()  # nothing more is wanted


class ReaderState(Enum):
    """Where a session stands, seen by the reader."""

    IDLE = auto()  # no session; the meter is at its opening speed
    WAKING = auto()  # wake-up message sent, its pause runs
    REQUESTED = auto()  # the identification is awaited
    IDENTIFIED = auto()  # mode C: the option select is due
    READING = auto()  # a data block is awaited or coming
    PART_READ = auto()  # a part came, it is to be acknowledged
    DAMAGED = auto()  # a block came damaged, it is to be asked for again
    READ = auto()  # the readout is complete
    OPERAND = auto()  # programming selected, P0 is awaited
    LOCKED = auto()  # P0 came, the password is due
    PASSWORD_SENT = auto()  # its acceptance is awaited
    PASSWORD_DAMAGED = auto()  # the answer to it is to be asked for again
    OPEN = auto()  # commands are allowed
    COMMANDED = auto()  # the answer to a command is awaited
    PROBED = auto()  # the answer to a probe is awaited
    PART_SENT = auto()  # the acknowledgement of a part is awaited
    PART_ANSWERED = auto()  # a part of an answer is to be acknowledged
    ANSWER_DAMAGED = auto()  # an answer is to be asked for again
    LISTENING = auto()  # mode D: a telegram is awaited


class MeterState(Enum):
    """Where a session stands, seen by the meter."""

    START = auto()  # a request is awaited at the opening speed
    AWAKE = auto()  # a wake-up message came
    REQUESTED = auto()  # the identification is due
    IDENTIFIED = auto()  # mode C: the option select is awaited
    SENDING = auto()  # the readout is due
    PART_SENT = auto()  # the acknowledgement of a part is awaited
    SENT = auto()  # the readout is out; it may be asked for again
    SELECTED = auto()  # programming was selected, P0 is due
    OPERAND_SENT = auto()  # the password is awaited
    PASSWORD = auto()  # a password is to be answered
    OPEN = auto()  # a command is awaited
    COMMANDED = auto()  # a command is to be answered
    PART_TAKEN = auto()  # a part of a command is to be acknowledged
    ANSWER_PART = auto()  # the acknowledgement of a part is awaited


_R, _M, _S = ReaderState, MeterState, Step

READER: Mapping[ReaderState, Mapping[Step, ReaderState]] = {
    _R.IDLE: {
        _S.WAKE_UP: _R.WAKING,
        _S.REQUEST: _R.REQUESTED,
        _S.LISTEN: _R.LISTENING,
        _S.PROBE: _R.PROBED,
        _S.BREAK: _R.IDLE,  # signs off a session that another program left open
    },
    _R.WAKING: {_S.REQUEST: _R.REQUESTED, _S.SILENCE: _R.IDLE},
    _R.REQUESTED: {
        _S.IDENTIFY_A: _R.READING,  # 6.4.1
        _S.IDENTIFY_B: _R.READING,  # 6.4.2
        _S.IDENTIFY_C: _R.IDENTIFIED,  # 6.4.3
        _S.SILENCE: _R.IDLE,
    },
    _R.IDENTIFIED: {
        _S.SELECT_READOUT: _R.READING,
        _S.SELECT_PROGRAMMING: _R.OPERAND,
        _S.SILENCE: _R.READING,  # annex A: tt over, the meter reads out at 300 Bd
    },
    _R.READING: {
        _S.BLOCK: _R.READ,
        _S.PART: _R.PART_READ,
        _S.DAMAGE: _R.DAMAGED,
        _S.NAK: _R.IDLE,
        _S.BREAK: _R.IDLE,
        _S.SILENCE: _R.IDLE,
        _S.END: _R.READ,  # no more is wanted (early stop)
    },
    _R.PART_READ: {_S.ACK: _R.READING, _S.SILENCE: _R.IDLE},
    _R.DAMAGED: {_S.NAK: _R.READING, _S.SILENCE: _R.IDLE},
    _R.READ: {
        _S.END: _R.IDLE,
        _S.PASSWORD: _R.PASSWORD_SENT,  # 6.4.1, 6.4.2: modes A and B, no P0
        _S.COMMAND: _R.COMMANDED,
        _S.COMMAND_PART: _R.PART_SENT,
        _S.BREAK: _R.IDLE,
    },
    _R.OPERAND: {
        _S.OPERAND: _R.LOCKED,
        _S.ACK: _R.OPEN,  # field practice: no P0
        _S.BLOCK: _R.READ,  # 6.3.3: not accepted, the meter reads out
        _S.PROBE: _R.PROBED,
        _S.BREAK: _R.IDLE,
        _S.SILENCE: _R.IDLE,
        _S.NAK: _R.OPERAND,
    },
    _R.LOCKED: {
        _S.PASSWORD: _R.PASSWORD_SENT,
        _S.COMMAND: _R.COMMANDED,  # annex D: level 1 needs no password
        _S.COMMAND_PART: _R.PART_SENT,
        _S.BREAK: _R.IDLE,
    },
    _R.PASSWORD_SENT: {
        _S.ACK: _R.OPEN,
        _S.NAK: _R.LOCKED,
        _S.ERROR: _R.LOCKED,
        _S.BREAK: _R.IDLE,
        _S.SILENCE: _R.LOCKED,
        _S.DAMAGE: _R.PASSWORD_DAMAGED,
    },
    _R.PASSWORD_DAMAGED: {
        _S.NAK: _R.PASSWORD_SENT,
        _S.SILENCE: _R.LOCKED,
        _S.BREAK: _R.IDLE,
    },
    _R.OPEN: {
        _S.COMMAND: _R.COMMANDED,
        _S.COMMAND_PART: _R.PART_SENT,
        _S.PASSWORD: _R.PASSWORD_SENT,
        _S.BREAK: _R.IDLE,
    },
    _R.COMMANDED: {
        _S.BLOCK: _R.OPEN,
        _S.PART: _R.PART_ANSWERED,
        _S.ACK: _R.OPEN,
        _S.NAK: _R.OPEN,
        _S.ERROR: _R.OPEN,
        _S.DAMAGE: _R.ANSWER_DAMAGED,
        _S.SILENCE: _R.OPEN,
        _S.BREAK: _R.IDLE,
    },
    _R.PROBED: {
        _S.OPERAND: _R.LOCKED,  # late, but it came
        _S.BLOCK: _R.OPEN,
        _S.ERROR: _R.OPEN,
        _S.NAK: _R.OPEN,
        _S.PROBE: _R.PROBED,  # at another speed
        _S.BREAK: _R.IDLE,
        _S.SILENCE: _R.IDLE,
    },
    _R.PART_SENT: {
        _S.ACK: _R.OPEN,
        _S.NAK: _R.OPEN,
        _S.ERROR: _R.OPEN,
        _S.SILENCE: _R.OPEN,
        _S.BREAK: _R.IDLE,
    },
    _R.PART_ANSWERED: {
        _S.ACK: _R.COMMANDED,
        _S.SILENCE: _R.OPEN,  # nobody wants the rest
        _S.BREAK: _R.IDLE,
    },
    _R.ANSWER_DAMAGED: {
        _S.NAK: _R.COMMANDED,
        _S.SILENCE: _R.OPEN,
        _S.BREAK: _R.IDLE,
    },
    _R.LISTENING: {
        _S.TELEGRAM: _R.LISTENING,
        _S.SILENCE: _R.IDLE,
        _S.END: _R.IDLE,
    },
}

METER: Mapping[MeterState, Mapping[Step, MeterState]] = {
    _M.START: {
        _S.WAKE_UP: _M.AWAKE,
        _S.REQUEST: _M.REQUESTED,
        _S.TELEGRAM: _M.START,  # mode D, P1: sent unasked
        _S.BREAK: _M.START,
    },
    _M.AWAKE: {_S.REQUEST: _M.REQUESTED, _S.SILENCE: _M.START},
    _M.REQUESTED: {
        _S.IDENTIFY_A: _M.SENDING,
        _S.IDENTIFY_B: _M.SENDING,
        _S.IDENTIFY_C: _M.IDENTIFIED,
    },
    _M.IDENTIFIED: {
        _S.SELECT_READOUT: _M.SENDING,
        _S.SELECT_PROGRAMMING: _M.SELECTED,
        _S.SILENCE: _M.SENDING,  # tt over: readout at 300 Bd
        _S.REQUEST: _M.REQUESTED,
        _S.BREAK: _M.START,
        _S.END: _M.START,  # a meter without that fallback
    },
    _M.SENDING: {
        _S.BLOCK: _M.SENT,
        _S.PART: _M.PART_SENT,
        _S.NAK: _M.START,  # a meter that refuses the option select
        _S.END: _M.START,
    },
    _M.PART_SENT: {
        _S.ACK: _M.SENDING,
        _S.NAK: _M.SENDING,
        _S.SILENCE: _M.START,
        _S.BREAK: _M.START,
    },
    _M.SENT: {
        _S.NAK: _M.SENDING,  # 6.3.5: the data message once more
        _S.SILENCE: _M.START,
        _S.END: _M.START,
        _S.REQUEST: _M.REQUESTED,
        _S.BREAK: _M.START,
        _S.PASSWORD: _M.PASSWORD,  # 6.4.1, 6.4.2: programming behind the readout
        _S.COMMAND: _M.COMMANDED,
    },
    _M.SELECTED: {
        _S.OPERAND: _M.OPERAND_SENT,
        _S.ACK: _M.OPEN,
        _S.END: _M.OPERAND_SENT,  # field practice: no P0
        _S.NAK: _M.OPERAND_SENT,  # said once more
        _S.ERROR: _M.OPERAND_SENT,
    },
    _M.OPERAND_SENT: {
        _S.PASSWORD: _M.PASSWORD,
        _S.COMMAND: _M.COMMANDED,
        _S.NAK: _M.SELECTED,
        _S.SILENCE: _M.START,
        _S.BREAK: _M.START,
    },
    _M.PASSWORD: {
        _S.ACK: _M.OPEN,
        _S.NAK: _M.OPERAND_SENT,
        _S.ERROR: _M.OPERAND_SENT,
        _S.BREAK: _M.START,
        _S.END: _M.OPERAND_SENT,
    },
    _M.OPEN: {
        _S.COMMAND: _M.COMMANDED,
        _S.COMMAND_PART: _M.PART_TAKEN,
        _S.PASSWORD: _M.PASSWORD,
        _S.NAK: _M.COMMANDED,  # the last answer once more
        _S.SILENCE: _M.START,
        _S.BREAK: _M.START,
    },
    _M.COMMANDED: {
        _S.BLOCK: _M.OPEN,
        _S.PART: _M.ANSWER_PART,
        _S.ACK: _M.OPEN,
        _S.NAK: _M.OPEN,
        _S.ERROR: _M.OPEN,
        _S.BREAK: _M.START,
        _S.END: _M.OPEN,
    },
    _M.PART_TAKEN: {_S.ACK: _M.OPEN, _S.NAK: _M.OPEN, _S.ERROR: _M.OPEN},
    _M.ANSWER_PART: {
        _S.ACK: _M.COMMANDED,
        _S.NAK: _M.COMMANDED,
        _S.COMMAND: _M.COMMANDED,  # the reader wants no more parts
        _S.PASSWORD: _M.PASSWORD,
        _S.SILENCE: _M.START,
        _S.BREAK: _M.START,
    },
}

S = TypeVar("S", ReaderState, MeterState)


def advance(
    table: Mapping[S, Mapping[Step, S]], state: S, step: Step, *, ours: bool
) -> S:
    """Return the state that ``step`` leads to.

    Args:
        table: READER or METER.
        state: the state now.
        step: what happened.
        ours: whether this side would send it.

    Raises:
        LocalProtocolError: this side may not send that now.
        RemoteProtocolError: the other side may not send that now.
    """
    following = table[state].get(step)
    if following is None:
        error = LocalProtocolError if ours else RemoteProtocolError
        raise error(f"{step.name} is not allowed in state {state.name}")
    return following
