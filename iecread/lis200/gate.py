"""The only way to a lock: a code goes out only right behind its state.

Writing a code to an open lock changes the code, so the Gate watches each command and
answer of a session and lets ``W1 n:0171`` through in two cases.  *To open*: the command
before it, in the same session, asked for the state of that very lock, and the answer
was that it is closed.  "No right to read" counts as closed where the device refuses
other reads as well, since then no lock at all is open, or where another lock was seen
open that explains why they are not refused (lis200.md 0.1 and 6.3).  *To change it*:
the state was just read as open and the change was asked for by name.  Each answer is
good for one command; nothing else lets a code through, whatever its spelling.
"""

import re

from iecread.errors import ConfigError
from iecread.lis200.address import STATE, Address, Style
from iecread.lis200.device import Device
from iecread.lis200.errors import NO_READ_RIGHT, error_number
from iecread.lis200.locks import LockState, code_address, state_of
from iecread.protocol.actions import Answered, AnswerKind
from iecread.protocol.guard import Guard, gas_type, lock_code_written
from iecread.protocol.messages import Command, Identification

PROBE = Command("R1", b"01:0181.0(1)")  # 5.2: as the vendor asks for an open session
TCP_PAUSE = 0.3  # s; 5.4: between steps over TCP


class Gate(Guard):
    """The guard of a meter that is, or may turn out to be, a LIS-200 device.

    Args:
        certain: whether it was said to be one; else the identification tells.
        pause: seconds of rest before each command, where it is one.

    Attributes:
        device: what is known of it.
    """

    def __init__(self, *, certain: bool = False, pause: float = 0.0) -> None:
        self.certain = certain
        self.device = Device.identified(None)
        self._pause = pause
        self._engaged = False
        self.begin()

    def begin(self) -> None:
        self._state: tuple[int, LockState] | None = None  # said by the last answer
        self._refuses: bool | None = None  # whether other reads are refused
        self._open: set[int] = set()  # locks that were seen open
        self._change: int | None = None  # whose code is to be changed

    def engage(self, device: Device) -> None:
        """Say which device it is."""
        self.device = device
        self._engaged = True
        self.pause = self._pause

    def permit_change(self, lock: int) -> None:
        """Let the next code through although its lock is open: it will be changed."""
        self._change = lock

    # --- what the engine asks ------------------------------------------------

    def probe(self, identification: Identification | None) -> Command | None:
        known = self.certain or self._engaged
        return PROBE if known or gas_type(identification) else None

    def allow_password(self, identification: Identification | None) -> None:
        if self.certain or self._engaged:
            raise ConfigError(
                "a LIS-200 device has locks, and gets no password",
                "iecread unlock TARGET opens a lock",
            )
        super().allow_password(identification)

    def allow(self, command: Command) -> None:
        state, self._state = self._state, None
        change, self._change = self._change, None
        if not lock_code_written(command):
            return
        lock = self._lock_of(command) if self._engaged else None
        if lock is None or state is None or state[0] != lock:
            super().allow(command)
            return
        if change == lock and state[1] is LockState.OPEN or self._is_closed(*state):
            return
        raise ConfigError(
            f"the code of lock {lock} was not sent: the lock is not known to be closed",
            "written to an open lock, it would change the code",
        )

    def answered(self, command: Command, answer: Answered) -> None:
        self._state = None
        if not command.name.startswith("R"):
            return
        echo = (command.text or b"").decode("latin-1").partition("(")[0]
        try:
            address = Address.parse(echo, self.device.style)
        except ValueError:
            return
        if address.object == STATE and address.attribute == "0":
            state = state_of(answer)
            self._state = address.entity, state
            if state is LockState.OPEN:
                self._open.add(address.entity)
            else:
                self._open.discard(address.entity)
        elif answer.kind in (AnswerKind.DATA, AnswerKind.ERROR):
            number = error_number(answer.text)
            if number == NO_READ_RIGHT:
                self._refuses = True
            elif number is None and answer.kind is AnswerKind.DATA:
                self._refuses = False

    # --- inside --------------------------------------------------------------

    def is_closed(self) -> bool:
        """Whether what was just answered says for certain that the lock is closed."""
        return self._state is not None and self._is_closed(*self._state)

    def _is_closed(self, lock: int, state: LockState) -> bool:
        if state is LockState.HIDDEN:
            return bool(self._refuses or self._open - {lock})
        return state is LockState.CLOSED

    def _lock_of(self, command: Command) -> int | None:
        """The lock whose code a command writes, in exactly our spelling."""
        text = (command.text or b"").decode("latin-1")
        match = re.fullmatch(r"([1-6]):[^()]*\([^()*/]{1,8}\)", text)
        if not match or command.name != "W1" or not command.last:
            return None
        lock = int(match[1])
        style: Style = self.device.style
        address = code_address(lock).asked(style)
        return lock if text.startswith(f"{address}(") else None
