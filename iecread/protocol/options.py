"""How a session is to be opened and read: what the engines of the reader's side take.

The defaults are the standard's.  What they ask for is done in every session; what they
leave open is found out, and tried in turns (tries.py).
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from iecread.protocol.bcc import CheckKind
from iecread.protocol.messages import OPENING_SPEED, Identification, Request
from iecread.protocol.parity import Parity
from iecread.protocol.timing import Timing


@dataclass(frozen=True, slots=True)
class ReaderOptions:
    """How a readout is to be done.

    Attributes:
        request: the request message to open with.
        mode: ``auto``, or ``a``, ``b``, ``c`` whatever the identification says.
        opening_speed: speed of the request, in Bd.
        max_speed: an offer above it, in Bd, is refused (Z = 0).
        stay: acknowledge the offered speed but stay at the opening speed.
        adjustable: whether the line can change its speed.
        switch_delay: seconds between the end of the option select and the change
            of speed; None for what the meter's reaction time allows.
        protocol: V of the option select, 0 for the normal procedure.
        option: Y of the option select, 0 for the readout.
        send_parity: what to put in bit 7 of our characters, tried in this order.
        receive_parity: how to read bit 7; None to find out.
        wake: ``auto`` (where there is no answer), ``never``, ``always``.
        echo: whether our own characters come back; None to find out.
        check: kind of block check; None to find out.
        check_off: accept blocks whatever their check says.
        retries: how many whole sessions to try again.
        timing: time limits.
        likely_check: kind of block check that this kind of meter has; another one
            is believed when it comes twice.
        reaction: rest in seconds that the meter needs before each answer of ours.
        wake_nuls: NULs of the wake-up message; None for as many as in annex B.
        adapt: given the identification, returns the options for the rest of the
            session: what is known of this kind of meter.  Where that does not work
            out, further sessions go without.
        instead: options for all sessions behind the first one that fails; None: the
            same ones.
    """

    request: Request = field(default_factory=Request)
    mode: str = "auto"
    opening_speed: int = OPENING_SPEED
    max_speed: int | None = None
    stay: bool = False
    adjustable: bool = True
    switch_delay: float | None = None
    protocol: str = "0"
    option: str = "0"
    send_parity: tuple[Parity, ...] = (Parity.NONE,)
    receive_parity: Parity | None = None
    wake: str = "auto"
    echo: bool | None = None
    check: CheckKind | None = None
    check_off: bool = False
    retries: int = 2
    timing: Timing = field(default_factory=Timing)
    likely_check: CheckKind | None = None
    reaction: float = 0.0
    wake_nuls: int | None = None
    adapt: "Callable[[Identification, ReaderOptions], ReaderOptions] | None" = None
    instead: "ReaderOptions | None" = None
