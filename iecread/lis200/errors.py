"""Error numbers of LIS-200: number -> name, what it means, what to do, exit code.

An error looks like data: ``(#0018)``, on the BK meter with the address in front.  The
BK meter has a table of its own, in which some numbers mean something else.  A number
that no table has is shown as it is (lis200.md 7).
"""

import re
from enum import Enum
from typing import NamedTuple

from iecread.errors import RefusedError

_ERROR = re.compile(r"[^()]*\(#([0-9]{1,5})\)")
_BARE = re.compile(r"#([0-9]{1,5})")


class ErrorTable(Enum):
    """Which meanings the numbers have."""

    CLASSIC = "classic"
    BK = "bk"


class ErrorInfo(NamedTuple):
    """What one number means.

    Attributes:
        number: as the device sends it, without leading zeros.
        name: a short name for programs, such as ``no-read-right``.
        text: what it means.
        advice: what to do.
        kind: name of the exit code, see errors.py; ``ok`` for what is no failure.
    """

    number: int
    name: str
    text: str
    advice: str
    kind: str = "refused"


WRONG_CODE, NO_READ_RIGHT, NO_WRITE_RIGHT, LOCKED = 17, 18, 19, 20
NO_ARCHIVE, NO_COLUMN, EMPTY, NO_LOWER, NO_UPPER = 100, 101, 103, 104, 105
TOO_MANY_OPEN, OVERWRITTEN, BAD_RECORD = 108, 109, 110
NOT_FITTED = frozenset((1, 2, 3, 4, 5))
"""Classic numbers of what a device does not have."""

_NOT_THERE = "this device does not have it"
_VALUE = "look at the value, and at what the device's manual allows"
_OPEN = "open a lock: iecread unlock, or give a code"
_HIGHER = "open a higher lock: iecread unlock --lock supplier"

_CLASSIC = (
    (1, "unknown-address", "wrong or unknown address", _NOT_THERE),
    (2, "no-object", "no such object", _NOT_THERE),
    (3, "no-entity", "the object does not exist with this entity", _NOT_THERE),
    (4, "unknown-attribute", "unknown attribute", _NOT_THERE),
    (5, "no-attribute", "the object has no such attribute", _NOT_THERE),
    (6, "out-of-range", "the value is outside its range", _VALUE),
    (9, "constant", "a constant or measured value cannot be written", ""),
    (11, "no-input", "it has no range, because nothing can be entered", ""),
    (12, "wrong-mode", "not in the mode that was chosen", "choose the other mode"),
    (13, "wrong-input", "the value has a wrong form", _VALUE),
    (14, "unknown-unit", "unknown unit code", _VALUE),
    (17, "wrong-code", "wrong access code", "it is not sent again for 24 hours"),
    (18, "no-read-right", "no right to read it, with the locks as they are", _OPEN),
    (19, "no-write-right", "no right to write it, with the locks as they are", _HIGHER),
    (20, "locked", "the function is locked", _HIGHER),
    (
        100,
        "no-archive",
        "no such archive",
        "the family of the device decides which it has",
    ),
    (101, "no-column", "the archive has no such column", "name another column"),
    (103, "empty", "nothing is stored in this range", "", "ok"),
    (104, "no-lower-limit", "the lower limit was not found", "leave --from out"),
    (105, "no-upper-limit", "the upper limit was not found", "leave --to out"),
    (108, "too-many-open", "too many archives are open", "end the session, try again"),
    (109, "overwritten", "a record was overwritten while it was read", "begin later"),
    (110, "bad-record", "an archive record is damaged", "go on behind it", "protocol"),
    (180, "source-not-allowed", "this source is not allowed", _VALUE),
    (200, "syntax", "syntax error in the message", "report it: iecread sent it"),
    (201, "wrong-password", "wrong password in the message", "it is not sent again"),
    (222, "eeprom-read", "the device cannot read its memory", "it needs service"),
    (223, "eeprom-write", "the device cannot write its memory", "it needs service"),
    (249, "cannot-change", "no such encoder mode, or a counter that stays", ""),
)
_BK = (
    (1, "syntax", "malformed message", "report it: iecread sent it"),
    (4, "unknown-address", "unknown address", _NOT_THERE),
    (6, "no-attribute", "the attribute cannot be written", ""),
    (8, "bad-characters", "wrong characters in a time", _VALUE),
    (9, "constant", "a constant, measured or status value cannot be written", ""),
    (13, "syntax", "a semicolon is missing", "report it: iecread sent it"),
    (14, "not-readable", "it cannot be read", ""),
    (17, "wrong-code", "wrong access code", "it is not sent again for 24 hours"),
    (18, "no-read-right", "no right to read it, with the locks as they are", _OPEN),
    (19, "no-write-right", "no right to write it, with the locks as they are", _HIGHER),
    (20, "locked", "it is forbidden", _HIGHER),
    (21, "not-writable", "it has no write function", ""),
    (101, "not-permitted", "the value is none of the permitted ones", _VALUE),
    (102, "out-of-range", "the value is out of range", _VALUE),
    (103, "empty", "nothing is stored in this range", "", "ok"),
)
TABLES = {
    ErrorTable.CLASSIC: {row[0]: ErrorInfo(*row) for row in _CLASSIC},
    ErrorTable.BK: {row[0]: ErrorInfo(*row) for row in _BK},
}


def error_number(text: str) -> int | None:
    """Return the number of an error message, None if it is none.

    Args:
        text: an answer, with or without address and brackets: ``(#0018)``,
            ``4:171(#0018)``, ``#0018``.
    """
    text = text.strip()
    found = _ERROR.fullmatch(text) if "(" in text else _BARE.fullmatch(text)
    return int(found[1]) if found else None


def describe(number: int, table: ErrorTable = ErrorTable.CLASSIC) -> ErrorInfo:
    """Say what an error number means; one that is not known is shown."""
    known = TABLES[table].get(number)
    if known:
        return known
    return ErrorInfo(number, "unknown", "an error that iecread does not know", "")


class Lis200Refused(RefusedError):
    """The device said no, with a number.

    Args:
        number: the error number.
        what: what was refused, such as ``7:311``.
        table: which meanings the numbers have.
        hint: what to do; empty for the advice of the table.

    Attributes:
        number: the error number.
        info: what it means.
        what: what was refused.
    """

    def __init__(
        self,
        number: int,
        what: str,
        table: ErrorTable = ErrorTable.CLASSIC,
        hint: str = "",
    ) -> None:
        self.number, self.what = number, what
        self.info = describe(number, table)
        if self.info.kind != "ok":
            self.kind = self.info.kind
        message = f"the device refused {what}: {self.info.text} (#{number:04d})"
        super().__init__(message, hint or self.info.advice)
