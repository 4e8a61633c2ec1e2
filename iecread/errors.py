"""The errors that iecread raises on purpose.

    IecReadError
    ├── ConfigError            meters.toml missing, wrong, or forbids it
    ├── PortError              port missing, no permission, setting refused, lost
    │   ├── PortBusyError      held by another program
    │   └── PortGoneError      not there, or no longer: it may come back
    ├── NoAnswerError          the meter did not answer or fell silent (a TimeoutError)
    ├── ProtocolError
    │   ├── RemoteProtocolError   what came may not come, or is damaged beyond repeat
    │   └── LocalProtocolError    we may not send this now: a mistake of the caller
    ├── RefusedError           the meter said no
    ├── OutputError            a result could not be written
    └── CheckError             read, but a check failed

Each class carries the name of its exit code (``kind``); the numbers themselves
belong to the command line.  ``message`` says what happened and why, in lower case
and without a full stop; ``hint`` says what to do or to type next.
"""


class IecReadError(Exception):
    """Base of all expected errors.

    Args:
        message: what happened, one line.
        hint: what to do next, one line; may be empty.

    Attributes:
        readout: what could be read before the error, if anything (a Readout).
        change: what became of a change that was sent (a changes.Change).
    """

    kind = "internal"
    readout: object | None = None
    change: object | None = None

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class ConfigError(IecReadError):
    """The configuration is missing, wrong, or forbids what was asked."""

    kind = "config"


class PortError(IecReadError):
    """The port is missing, may not be used, cannot be set so, or was lost."""

    kind = "port"


class PortBusyError(PortError):
    """The port is held by another program."""

    kind = "busy"


class PortGoneError(PortError):
    """Nothing is there, or it went away: it may come (back) without our doing."""


class NoAnswerError(IecReadError, TimeoutError):
    """The meter did not answer, or fell silent within a message."""

    kind = "no-answer"


class ProtocolError(IecReadError):
    """The rules of the protocol were broken."""

    kind = "protocol"


class RemoteProtocolError(ProtocolError):
    """The meter sent what it may not send, or what stayed damaged."""


class LocalProtocolError(ProtocolError):
    """The caller asked for what may not be sent now."""

    kind = "internal"


class RefusedError(IecReadError):
    """The meter said no: error message, password, lock."""

    kind = "refused"


class OutputError(IecReadError):
    """A result could not be written, or the file there has another layout."""

    kind = "output"


class CheckError(IecReadError):
    """It was read, but a check failed: wrong serial, drift limit, read-back."""

    kind = "check"
