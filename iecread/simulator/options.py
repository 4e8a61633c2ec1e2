"""What may stand behind ``sim://NAME?``, and which meter comes of it.

``OPTIONS`` is the only list of keys: parsing, error messages and help draw from it.
``simulation()`` makes a Simulation of a name and texts; ``Simulation.line()`` builds a
line to it.  Left out: LIS-200 devices.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from iecread.errors import IecReadError, PortError
from iecread.protocol.bcc import CheckKind
from iecread.protocol.messages import OPENING_SPEED, Identification, Request
from iecread.protocol.meter import IDLE, MeterSetup, PushEngine
from iecread.protocol.meterprogramming import (
    Opening,
    ProgrammableEngine,
    ProgrammingSetup,
)
from iecread.protocol.parity import Parity
from iecread.simulator.line import Faults, Pace, SimulatedLine
from iecread.simulator.logbook import MeterClock
from iecread.simulator.memory import SETS, Manners, SimulatedMemory, style_of
from iecread.simulator.meters import MODELS, NUMBERS, telegram

SCHEME = "sim://"
_WAKE_NULS = 60  # annex B: NULs for 2.1 s are 63; a few may go by
_FAST = 200  # ms; below it the third letter of the maker is lower case (6.3.2)
_RATE = 0.001  # damaged bytes by seed, where no rate is said


@dataclass(frozen=True, slots=True)
class Wishes:
    """The values of the options; each attribute is the key of the same name.

    Where a key has a hyphen the attribute has an underscore.
    """

    address: str | None = None
    answer: str = "repeat"
    baud: int = 0
    bcc: str = ""
    break_ack: bool = False
    breaks_off: int = 0
    busy: bool = False
    check: str = "xor"
    cut: int = 0
    damaged_part: int = 0
    drift: float = 0.0
    drop: int = 0
    echo: bool = False
    endless: bool = False
    errors: float | None = None
    fallback: bool = True
    flip: int = 0
    gap: int = 0
    garbage: bytes | int = b""
    idle: float = IDLE
    lines: int = 0
    lock_time: float = 3600.0
    locked_reads: bool = False
    lockout: int = 0
    lost_ack: int = 0
    mute: int = 0
    nak: bool = False
    no_p0: Opening = Opening.OPERAND
    noise: bool = False
    operand: str | None = None
    p2: str | None = None
    pace: bool | None = None
    parity: str = "auto"
    parts: int = 0
    password: str = "00000000"
    period: float = 0.0
    reaction: float = 200.0
    reads: str | None = None
    refusal: str = "break"
    refuse: str = ""
    repeat_header: bool = False
    repeats: int = 3
    seed: int | None = None
    silent: int = 0
    silent_command: int = 0
    slow: float = 0.0
    speed: bool = False
    time: datetime | None = None
    unknown: str = "error"
    wake: bool = False
    wrong_password: bool = False


class Option(NamedTuple):
    """One key.

    Attributes:
        key: as it stands in the URL.
        values: what it may be, for people.
        meaning: what it does.
        parse: turns the text into a value; ValueError where it is none.
    """

    key: str
    values: str
    meaning: str
    parse: Callable[[str], object]


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


OPTIONS = {
    option.key: option
    for option in (
        Option("address", "ADDRESS", "device address it answers to", _address),
        Option(
            "answer",
            "change|bare",
            "the address in answers to a command",
            _choice("repeat", "change", "bare"),
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
        Option("drift", "SECONDS", "its clock is ahead", _drift),
        Option("drop", "N|once", "drop a byte of the Nth block sent", _which),
        Option("echo", "1", "what is sent to it comes back", _flag),
        Option("endless", "1", "the block never ends", _flag),
        Option("errors", "0 to 1", "rate of bytes damaged at random", _real(1.0)),
        Option("fallback", "0|1", "reads out at 300 Bd without option select", _flag),
        Option("flip", "N|once", "flip a bit in the Nth block sent", _which),
        Option("gap", "N", "load profile: N rows a day are missing", _between(0, 48)),
        Option("garbage", "TEXT|N", "text or N random bytes ahead of it", _garbage),
        Option("idle", "SECONDS", "without a message end a session", _real(3600.0)),
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
            "auto|even|none",
            "bit 7 it wants and sends",
            _choice("auto", "even", "none"),
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
    )
}
_WORDS = {"noise": ("for-ever", "1"), "speed": ("wrong",)}  # texts that mean: on


@dataclass(frozen=True, slots=True)
class Simulation:
    """A simulated meter as it was asked for.

    Attributes:
        name: which meter.
        wishes: the options.

    What was written into it is there on each of its lines.
    """

    name: str
    wishes: Wishes
    _memories: list[SimulatedMemory] = field(default_factory=list, compare=False)

    @property
    def identification(self) -> Identification:
        """Its identification message; the maker is always ``SIM``."""
        model = MODELS[self.name]
        letter = "m" if self.wishes.reaction < _FAST else "M"
        return Identification(f"/SI{letter}{model.z}{model.text}")

    @property
    def speed(self) -> int:
        """Its speed between sessions, in Bd."""
        return self.wishes.baud or MODELS[self.name].push_speed or OPENING_SPEED

    def line(
        self,
        pace: Pace,
        *,
        wall: Callable[[], datetime] = datetime.now,
        on_speed: Callable[[int], None] | None = None,
    ) -> SimulatedLine:
        """Return a fresh line to the meter.

        Args:
            pace: which characters take their time, unless the option says it.
            wall: the time of day, for the meter's own clock.
            on_speed: called when the meter has changed its speed.
        """
        wishes = self.wishes
        if pace is not Pace.PORT and wishes.pace is not None:
            pace = Pace.LINE if wishes.pace else Pace.NONE
        if not self._memories:
            self._memories.append(self._memory(wall))
        return SimulatedLine(
            self._engine(self._memories[0]), self.speed, self._faults(), pace, on_speed
        )

    def _engine(self, memory: SimulatedMemory) -> ProgrammableEngine | PushEngine:
        model, wishes, clock = MODELS[self.name], self.wishes, memory.clock
        identification = self.identification
        if model.push_speed:
            even = {"even": True, "none": False, "auto": model.even}[wishes.parity]
            return PushEngine(
                lambda: telegram(model, identification.to_bytes(), clock.local()),
                wishes.period or model.period,
                even=even,
            )
        parity = None if wishes.parity == "auto" else Parity(wishes.parity)
        address = NUMBERS[self.name] if wishes.address is None else wishes.address
        meter = MeterSetup(
            identification=identification,
            readout=lambda kind, y: memory.readout(clock.local()),
            address=address,
            check=None if wishes.check == "none" else CheckKind(wishes.check),
            part_lines=wishes.parts,
            parity=parity,
            opening_speed=self.speed,
            fixed_speed=bool(wishes.baud),
            reaction=wishes.reaction / 1000,
            fallback=wishes.fallback,
            repeats=wishes.repeats,
            wake_nuls=_WAKE_NULS if wishes.wake else 0,
            stays=wishes.speed,
            refuses=wishes.nak,
        )
        return ProgrammableEngine(meter, self._programming(memory))

    def _memory(self, wall: Callable[[], datetime]) -> SimulatedMemory:
        model, wishes, fixed = MODELS[self.name], self.wishes, self.wishes.time
        manners = Manners(
            answer=wishes.answer,
            unknown=wishes.unknown,
            refuse=wishes.refuse,
            gap=wishes.gap,
            repeat_header=wishes.repeat_header,
            cut=wishes.cut,
        )
        return SimulatedMemory(
            lambda now: model.data(now, wishes.lines or model.lines),
            MeterClock(wall if fixed is None else lambda: fixed, wishes.drift),
            style_of(self.name, wishes.reads),
            manners,
        )

    def _programming(self, memory: SimulatedMemory) -> ProgrammingSetup:
        from iecread.algorithms import ALGORITHMS

        wishes, style = self.wishes, memory.style
        return ProgrammingSetup(
            memory=memory,
            password=wishes.password or None,
            operand=style.operand if wishes.operand is None else wishes.operand,
            algorithm=ALGORITHMS[wishes.p2] if wishes.p2 else None,
            opening=wishes.no_p0,
            refusal=wishes.refusal,
            lockout=wishes.lockout,
            lockout_time=wishes.lock_time,
            reads_open=not wishes.locked_reads,
            denied=style.denied,
            unknown=style.unknown_command,
            break_acked=wishes.break_ack,
            idle=wishes.idle,
            refuses_all=wishes.wrong_password,
            lost_ack=wishes.lost_ack,
            silent_command=wishes.silent_command,
            breaks_off=wishes.breaks_off,
            damaged_part=wishes.damaged_part,
        )

    def _faults(self) -> Faults:
        wishes = self.wishes
        errors = 0.0 if wishes.seed is None else _RATE
        return Faults(
            bcc={"once": 1, "always": -1}.get(wishes.bcc, 0),
            drop=wishes.drop,
            flip=wishes.flip,
            echo=wishes.echo,
            mute=wishes.mute == 1,
            silent=wishes.silent or (wishes.mute if wishes.mute > 1 else 0),
            slow=wishes.slow / 1000,
            garbage=wishes.garbage,
            noise=wishes.noise,
            endless=wishes.endless,
            errors=errors if wishes.errors is None else wishes.errors,
            seed=wishes.seed or 0,
        )


def _meant(word: str, known: list[str], what: str) -> str:
    """Return the hint for an unknown word."""
    from difflib import get_close_matches

    close = get_close_matches(word.lower(), known, 1, 0.5)
    question = f"did you mean {close[0]!r}? " if close else ""
    return f"{question}{what}: {', '.join(known)}"


def simulation(name: str, options: Mapping[str, str] | None = None) -> Simulation:
    """Return the simulated meter of that name.

    Args:
        name: one of MODELS.
        options: texts by key, one of OPTIONS.

    Raises:
        PortError: there is no such meter, key or value; the hint lists those that are.
    """
    if name not in MODELS:
        hint = _meant(name, list(MODELS), "there are")
        raise PortError(f"no simulated meter is called {name!r}", hint)
    values: dict[str, object] = {}
    for key, text in (options or {}).items():
        option = OPTIONS.get(key)
        if option is None:
            hint = _meant(key, list(OPTIONS), "there are")
            raise PortError(f"a simulated meter has no option {key!r}", hint)
        try:
            value = option.parse(text)
        except (ValueError, KeyError, IecReadError) as error:
            raise PortError(
                f"option {key!r} of a simulated meter cannot be {text!r}",
                f"{key}={option.values}: {option.meaning}",
            ) from error
        values[key.replace("-", "_")] = value in _WORDS[key] if key in _WORDS else value
    return Simulation(name, Wishes(**values))  # type: ignore[arg-type]


def parse_url(url: str) -> Simulation:
    """Return what ``sim://NAME?key=value&key=value`` asks for.

    Raises:
        PortError: there is no such meter, key or value.
    """
    from urllib.parse import unquote

    name, _, query = url[len(SCHEME) :].partition("?")
    options = {}
    for part in query.split("&") if query else []:
        key, _, text = part.partition("=")
        options[unquote(key)] = unquote(text, "latin-1")
    return simulation(unquote(name).strip("/").lower(), options)


def options_help() -> str:
    """Return the table of meters and options, for ``help ports``."""
    rows = [("sim://" + name, model.summary) for name, model in MODELS.items()]
    keys = [(f"{o.key}={o.values}", o.meaning) for o in OPTIONS.values()]
    width = max(len(left) for left, _ in rows + keys)
    lines = [f"  {left:<{width}}  {right}" for left, right in rows]
    lines += ["", "behind a ?, joined with &:", ""]
    return "\n".join(lines + [f"  {left:<{width}}  {right}" for left, right in keys])
