"""The options of a simulated meter: ``key=value`` behind ``sim://NAME?``.

``OPTIONS`` is the only list of keys: parsing, error messages and help draw from it.
``Wishes`` holds what was asked for, and what is so where nothing was.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from iecread.protocol.messages import Request
from iecread.protocol.meter import IDLE
from iecread.protocol.meterprogramming import Opening
from iecread.simulator.memory import SETS


@dataclass(frozen=True, slots=True)
class Wishes:
    """The values of the options; each attribute is the key of the same name.

    Where a key has a hyphen the attribute has an underscore.
    """

    address: str | None = None
    addresses: tuple[str, ...] = ()
    answer: str = "repeat"
    auto_close: float = 0.0
    bad_row: int = 0
    baud: int = 0
    bcc: str = ""
    break_ack: bool = False
    breaks_off: int = 0
    busy: bool = False
    check: str = "xor"
    closes: bool = False
    codes: tuple[tuple[int, str], ...] = ()
    compatible: bool = False
    count: str = "both"
    cut: int = 0
    damaged_part: int = 0
    denied: bool = False
    drift: float = 0.0
    drop: int = 0
    dst: bool = True
    echo: bool = False
    endless: bool = False
    errors: float | None = None
    fallback: bool = True
    flip: int = 0
    foreign: int = 0
    gap: int = 0
    general: bool = True
    garbage: bytes | int = b""
    german: bool = False
    hdlc: str = ""
    hold: float = 0.0
    idle: float = IDLE
    intruder: tuple[tuple[int, int, bool], ...] = ()
    lag: float = 0.0
    light: int = 100
    limits: bool = False
    lines: int = 0
    lock_time: float = 3600.0
    locked_reads: bool = False
    lockout: int = 0
    lost_ack: int = 0
    maker: str = "SIM"
    meters: tuple[str, ...] = ("household", "vdew", "mode-b")
    mute: int = 0
    nak: bool = False
    nak_command: int = 0
    no_p0: Opening = Opening.OPERAND
    noise: bool = False
    nuls: int = 0
    open: tuple[int, ...] = ()
    open_archives: int = 0
    overwritten: int = 0
    operand: str | None = None
    p2: str | None = None
    pace: bool | None = None
    parity: str = "auto"
    parts: int = 0
    password: str | None = None
    period: float = 0.0
    reaction: float | None = None
    reads: str | None = None
    refusal: str = "break"
    refuse: str = ""
    repeat_header: bool = False
    repeats: int = 3
    row_ends: str = "line"
    seed: int | None = None
    session: bool = False
    silent: int = 0
    silent_command: int = 0
    silent_part: int = 0
    slow: float = 0.0
    speed: bool = False
    stagger: float = 0.0
    stray: int = 0
    time: datetime | None = None
    unknown: str = "error"
    visits: bool = False
    wake: bool = False
    wrong_password: bool = False


class Option(NamedTuple):
    """One key.

    Attributes:
        key: as it stands in the URL.
        values: what it may be, for people.
        meaning: what it does.
        parse: turns the text into a value; ValueError where it is none.
        lis200: whether only LIS-200 devices know it.
        bus: whether only several meters on one line know it.
    """

    key: str
    values: str
    meaning: str
    parse: Callable[[str], object]
    lis200: bool = False
    bus: bool = False


def _flag(text: str) -> bool:
    words = {"1": True, "yes": True, "true": True, "0": False, "no": False}
    return (words | {"false": False})[text.lower()]


def _choice(*words: str) -> Callable[[str], str]:
    return lambda text: words[words.index(text.lower())]


def _between(low: int, high: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        value = int(text) if text.isascii() and text.isdigit() else -1
        if not low <= value <= high:
            raise ValueError
        return value

    return parse


def _which(text: str) -> int:
    return 1 if text.lower() == "once" else _between(1, 9999)(text)


def _real(high: float) -> Callable[[str], float]:
    def parse(text: str) -> float:
        if not 0 <= float(text) <= high:  # false for NaN
            raise ValueError
        return float(text)

    return parse


def _drift(text: str) -> float:
    return -_real(1e8)(text[1:]) if text[:1] == "-" else _real(1e8)(text)


def _code(text: str) -> str:
    if not text:
        raise ValueError
    return _text(text)


def _address(text: str) -> str:
    Request(text).to_bytes()
    return text


def _text(text: str) -> str:
    """Return what may stand in a bracket."""
    if not all(" " <= c <= "~" and c not in "()/!" for c in text):
        raise ValueError
    return text


_OPENINGS = {
    "0": Opening.OPERAND,
    "1": Opening.ACK,
    "first": Opening.ACK_FIRST,
    "silence": Opening.NOTHING,
}
_REFUSALS = ("break", "nak", "ack", "silence")


def _refusal(text: str) -> str:
    return text.lower() if text.lower() in _REFUSALS else f"({_text(text)})"


def _algorithm(text: str) -> str:
    from iecread.algorithms import ALGORITHMS

    ALGORITHMS[text.lower()]
    return text.lower()


def _reads(text: str) -> str:
    return {name.lower(): name for name in SETS}[text.lower()]


def _garbage(text: str) -> bytes | int:
    if text.isascii() and text.isdigit():
        return _between(0, 100000)(text)
    return text.encode("latin-1")


def _codes(text: str) -> tuple[tuple[int, str], ...]:
    pairs = [part.partition(":") for part in text.split(",")]
    return tuple((_between(3, 6)(lock), _code(code)) for lock, _, code in pairs)


def _locks(text: str) -> tuple[int, ...]:
    return tuple(_between(1, 6)(lock) for lock in text.split(","))


def _intruder(text: str) -> tuple[tuple[int, int, bool], ...]:
    """Return command and lock: ``4+2`` opens lock 4 before the second, ``-`` closes."""

    def parse(part: str) -> tuple[int, int, bool]:
        opens = "+" in part
        lock, _, command = part.partition("+" if opens else "-")
        return _which(command), _between(1, 6)(lock), opens

    return tuple(map(parse, text.split(",")))


def _always(text: str) -> int:
    return -1 if text.lower() == "always" else _which(text)


def _addresses(text: str) -> tuple[str, ...]:
    return tuple(map(_address, text.split(",")))


def _meters(text: str) -> tuple[str, ...]:
    from iecread.simulator.meters import MODELS

    names = tuple(text.lower().split(","))
    if any(MODELS[name].push_speed for name in names):
        raise ValueError  # it talks unasked
    return names


_BUS = (
    ("addresses", "ADDRESS,...", "what its meters answer to", _addresses),
    ("meters", "NAME,...", "which meters, in turn", _meters),
    ("stagger", "MS", "each answers so much later than the one before", _real(9999.0)),
)

_LIS200 = (
    ("auto-close", "MINUTES", "its locks close by themselves", _real(9999.0)),
    ("bad-row", "N", "archives: each Nth row fails its own check", _which),
    ("closes", "1", "the end of a session closes its locks", _flag),
    ("codes", "LOCK:CODE,...", "codes of its locks, for those that differ", _codes),
    ("compatible", "1", "calls itself by the name of an older device", _flag),
    (
        "count",
        "A|A.0",
        "how the number of rows is asked for",
        lambda text: {"a": "A", "a.0": "A.0", "both": "both"}[text.lower()],
    ),
    ("dst", "0|1", "its clock follows summer time (1:407)", _flag),
    ("foreign", "N|always", "another device's answer ahead of the Nth", _always),
    ("german", "1", "archives: German names of columns", _flag),
    (
        "intruder",
        "LOCK+N,...",
        "others open (-: close) a lock before command N",
        _intruder,
    ),
    (
        "limits",
        "strict",
        "archives: limits that are not stored are errors",
        lambda text: _choice("strict", "lenient")(text) == "strict",
    ),
    (
        "maker",
        "SIM|Els",
        "in its identification, for programs that look at that",
        lambda text: {"sim": "SIM", "els": "Els"}[text.lower()],
    ),
    ("nak-command", "N", "answers the Nth command with NAK", _which),
    ("nuls", "N", "so many NULs ahead of each answer", _between(0, 999)),
    ("open", "LOCK,...", "locks that are open from the begin on", _locks),
    ("open-archives", "N", "archives that may be left open", _between(0, 99)),
    ("overwritten", "N", "archives: block N has been overwritten", _which),
    (
        "row-ends",
        "WORD",
        "archives: none, two, blanks or last: what ends a row",
        _choice("line", "none", "two", "blanks", "last"),
    ),
    ("silent-part", "N", "archives: block N does not come", _which),
    ("stray", "N", "archives: a byte FF within block N", _which),
    ("visits", "1", "sessions and locks are entered in its logbook", _flag),
)


OPTIONS = {
    option.key: option
    for option in (
        Option("address", "ADDRESS", "device address it answers to", _address),
        Option(
            "answer",
            "WORD",
            "addresses: change bare asked prefix short padded",
            _choice("repeat", "change", "bare", "asked", "prefix", "short", "padded"),
        ),
        Option(
            "baud",
            "50 to 115200",
            "fixed speed, from the request on",
            _between(50, 115200),
        ),
        Option(
            "bcc", "once|always", "wrong block check", _choice("once", "always", "no")
        ),
        Option("break-ack", "1", "answers a break with ACK", _flag),
        Option("breaks-off", "N", "a break in answer to the Nth command", _which),
        Option("busy", "1", "the port is held by another program", _flag),
        Option(
            "check",
            "xor|sum7|none",
            "kind of block check",
            _choice("xor", "sum7", "none"),
        ),
        Option("cut", "N", "parts of an answer have N characters", _between(1, 9999)),
        Option(
            "damaged-part", "N", "the Nth part of an answer is damaged once", _which
        ),
        Option("denied", "1", "the port may not be opened", _flag),
        Option("drift", "SECONDS", "its clock is ahead", _drift),
        Option("drop", "N|once", "drop a byte of the Nth block sent", _which),
        Option("echo", "1", "what is sent to it comes back", _flag),
        Option("endless", "1", "the block never ends", _flag),
        Option("errors", "0 to 1", "rate of bytes damaged at random", _real(1.0)),
        Option("fallback", "0|1", "reads out at 300 Bd without option select", _flag),
        Option("flip", "N|once", "flip a bit in the Nth block sent", _which),
        Option("gap", "N", "load profile: N rows a day are missing", _between(0, 48)),
        Option("garbage", "TEXT|N", "text or N random bytes ahead of it", _garbage),
        Option("general", "0|1", "answers a request without an address", _flag),
        Option(
            "hdlc",
            "empty|silent",
            "mode E only: what it says to mode C",
            _choice("empty", "silent"),
        ),
        Option("hold", "MS", "the adapter sends so much later", _real(5000.0)),
        Option("idle", "SECONDS", "without a message end a session", _real(3600.0)),
        Option("lag", "MS", "the port changes its speed so much later", _real(5000.0)),
        Option("light", "0 to 100", "percent of the meter's light", _between(0, 100)),
        Option("lines", "1 to 30000", "data sets (industrial)", _between(1, 30000)),
        Option("lock-time", "SECONDS", "how long it stays locked", _real(1e6)),
        Option("locked-reads", "1", "reading needs the password too", _flag),
        Option(
            "lockout", "N", "locked after N wrong passwords in a row", _between(0, 99)
        ),
        Option("lost-ack", "N", "the ACK of the Nth write is lost", _which),
        Option(
            "mute",
            "1|N",
            "never answers; N: falls silent N bytes into each block",
            _between(0, 1 << 20),
        ),
        Option("nak", "1", "NAK in place of data", _flag),
        Option(
            "no-p0",
            "1|first|silence",
            "in place of P0: ACK; first: still at 300 Bd",
            lambda text: _OPENINGS[text.lower()],
        ),
        Option(
            "noise", "for-ever", "noise without an end", _choice("for-ever", "no", "1")
        ),
        Option("operand", "TEXT", "what stands in P0", _text),
        Option("p2", "ALGORITHM", "P2 is its answer to the operand", _algorithm),
        Option("pace", "0|1", "each character takes its time", _flag),
        Option(
            "parity",
            "WORD",
            "bit 7 it wants and sends: auto, even, none, odd",
            _choice("auto", "even", "none", "odd"),
        ),
        Option(
            "parts", "N", "blocks of N lines, each to be acknowledged", _between(0, 999)
        ),
        Option("password", "TEXT", "what it takes for right", _text),
        Option("period", "SECONDS", "from telegram to telegram", _real(3600.0)),
        Option(
            "reaction", "MS", "reaction time; below 200 the maker is SIm", _real(9999.0)
        ),
        Option(
            "reads", "R1|R2|R5|all", "the commands that it knows, by reading", _reads
        ),
        Option(
            "refusal",
            "WORD|TEXT",
            "wrong password: nak, ack, silence, or a text",
            _refusal,
        ),
        Option("refuse", "CODE", "a register that it refuses", _code),
        Option("repeat-header", "1", "load profile: a header in each part", _flag),
        Option("repeats", "N", "how often NAK brings a block again", _between(0, 99)),
        Option(
            "seed",
            "N",
            "the same random damage each time",
            _between(0, 1 << 32),
        ),
        Option(
            "silent", "N", "falls silent N bytes into each block", _between(1, 1 << 20)
        ),
        Option("session", "1", "a session is open already", _flag),
        Option("silent-command", "N", "does not hear the Nth command", _which),
        Option("slow", "MS", "so much more for each character", _real(60000.0)),
        Option(
            "speed",
            "wrong",
            "agrees to a speed and stays at 300 Bd",
            _choice("wrong", "right"),
        ),
        Option("time", "ISO", "the time on its clock, fixed", datetime.fromisoformat),
        Option(
            "unknown",
            "WORD",
            "unknown command: ack, nak, silence or break",
            _choice("error", "ack", "nak", "silence", "break"),
        ),
        Option("wake", "1", "answers only behind a wake-up message", _flag),
        Option("wrong-password", "1", "every password is wrong", _flag),
        *(Option(k, values, what, to, True) for k, values, what, to in _LIS200),
        *(Option(k, values, what, to, bus=True) for k, values, what, to in _BUS),
    )
}
WORDS = {"noise": ("for-ever", "1"), "speed": ("wrong",)}  # texts that mean: on
