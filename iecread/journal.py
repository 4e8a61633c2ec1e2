"""The journal: what iecread changed in meters, one JSON line a step.

Each change is two lines with the same ``change`` number: one with the result
``sending``, on the disk before the message leaves, and one with what came of it.  A
change without its second line is one of which nobody knows whether it was done: the
run was killed, the power failed.  Lines are only ever added; a torn one (a power cut)
is ended and left as it is.  Old and new values of registers that hold keys are never
written.
"""

import json
import os
import sys
from datetime import datetime
from enum import Enum
from typing import NamedTuple

from iecread.errors import OutputError
from iecread.masking import holds_key
from iecread.passwords import Secret
from iecread.statefolder import locked, reason, sync_file, sync_folder, write_all


class Outcome(Enum):
    """What became of a change."""

    DONE = "done"
    """Acknowledged and, where it can be, read back."""
    REFUSED = "refused"
    """The meter said no."""
    NOT_DONE = "not done"
    """Not acknowledged, and the old value was read back; or never sent."""
    DIFFERS = "differs"
    """Acknowledged, but another value was read back."""
    UNKNOWN = "unknown"
    """Sent, not acknowledged, and it could not be read back."""


class Change(NamedTuple):
    """A change that was begun; see :meth:`Journal.begin`."""

    number: str
    meter: str
    register: str
    old: str | None
    new: str | None


class Journal:
    """The journal in the state folder.

    Args:
        folder: the state folder.
    """

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self.path = os.path.join(folder, "journal.jsonl")

    def begin(
        self,
        meter: str,
        register: str,
        old: str | Secret | None,
        new: str | Secret | None,
        now: datetime,
    ) -> Change:
        """Write down what is about to be sent.

        Args:
            meter: its name in the profile, else its port and address.
            register: code, or command and code of an execution.
            old: the value as read before; None if it could not be read.
            new: the value to be written; None for an execution without one.
            now: the time, with offset.

        Returns:
            What :meth:`end` wants.

        Raises:
            OutputError: it could not be written; then nothing may be sent.
        """
        if holds_key(register):
            old, new = old and "***", new and "***"
        number = os.urandom(6).hex()
        texts = (None if value is None else str(value) for value in (old, new))
        change = Change(number, meter, register, *texts)
        self._write(change, "sending", now)
        return change

    def end(
        self, change: Change, outcome: Outcome, now: datetime, detail: str = ""
    ) -> None:
        """Write down what came of it.

        Args:
            change: what :meth:`begin` gave.
            outcome: what became of it.
            now: the time, with offset.
            detail: what the meter said, such as ``(ERROR05)``; no secrets.

        Raises:
            OutputError: it could not be written; the first line stands.
        """
        self._write(change, outcome.value, now, detail)

    def _write(
        self, change: Change, result: str, now: datetime, detail: str = ""
    ) -> None:
        line = {
            "time": now.isoformat(timespec="seconds"),
            "change": change.number,
            "meter": change.meter,
            "register": change.register,
            "old": change.old,
            "new": change.new,
            "result": result,
            **({"detail": detail} if detail else {}),
            "user": user_name(),
        }
        try:
            with locked(self._folder):
                self._append(json.dumps(line).encode("ascii") + b"\n")
        except OSError as error:
            raise OutputError(
                f"cannot write the journal {self.path!r}: {reason(error)}",
                "set IECREAD_STATE_DIR to a folder that you can write",
            ) from error

    def _append(self, data: bytes) -> None:
        new = not os.path.exists(self.path)
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND
        flags |= getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)
        descriptor = os.open(self.path, flags, 0o600)
        try:
            size = os.fstat(descriptor).st_size
            if size:
                os.lseek(descriptor, -1, os.SEEK_END)
                if os.read(descriptor, 1) != b"\n":
                    data = b"\n" + data
            try:
                write_all(descriptor, data)
                sync_file(descriptor)
            except OSError:
                os.ftruncate(descriptor, size)  # no part of a line stays
                raise
        finally:
            os.close(descriptor)
        if new:
            sync_folder(self._folder)


def user_name() -> str:
    """Who runs this program, as the system knows it; with sudo, who called it."""
    if sys.platform == "win32":
        return os.environ.get("USERNAME", "")
    import pwd

    try:
        name = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        name = str(os.getuid())
    called = os.environ.get("SUDO_USER")
    return f"{name} (sudo: {called})" if called else name
