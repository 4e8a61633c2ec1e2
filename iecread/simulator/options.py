"""What may stand behind ``sim://NAME?``, and which meter comes of it.

``OPTIONS`` is the only list of keys: parsing, error messages and help draw from it.
``simulation()`` makes a Simulation of a name and texts; ``Simulation.line()`` builds a
fresh meter with its line.  Left out: LIS-200 devices and everything of programming
mode.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from iecread.errors import IecReadError, PortError
from iecread.protocol.bcc import CheckKind
from iecread.protocol.messages import OPENING_SPEED, Identification, Request
from iecread.protocol.meter import MeterEngine, MeterSetup, PushEngine
from iecread.protocol.parity import Parity
from iecread.simulator.line import Faults, Pace, SimulatedLine
from iecread.simulator.meters import MODELS, NUMBERS, telegram

SCHEME = "sim://"
_WAKE_NULS = 60  # annex B: NULs for 2.1 s are 63; a few may go by
_FAST = 200  # ms; below it the third letter of the maker is lower case (6.3.2)
_RATE = 0.001  # damaged bytes by seed, where no rate is said


@dataclass(frozen=True, slots=True)
class Wishes:
    """The values of the options; each attribute is the key of the same name."""

    address: str | None = None
    baud: int = 0
    bcc: str = ""
    busy: bool = False
    check: str = "xor"
    drop: int = 0
    echo: bool = False
    endless: bool = False
    errors: float | None = None
    fallback: bool = True
    flip: int = 0
    garbage: bytes | int = b""
    lines: int = 0
    mute: int = 0
    nak: bool = False
    noise: bool = False
    pace: bool | None = None
    parity: str = "auto"
    parts: int = 0
    period: float = 0.0
    reaction: float = 200.0
    repeats: int = 3
    seed: int | None = None
    silent: int = 0
    slow: float = 0.0
    speed: bool = False
    time: datetime | None = None
    wake: bool = False


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


def _address(text: str) -> str:
    Request(text).to_bytes()
    return text


def _garbage(text: str) -> bytes | int:
    if text.isascii() and text.isdigit():
        return _between(0, 100000)(text)
    return text.encode("latin-1")


OPTIONS = {
    option.key: option
    for option in (
        Option("address", "ADDRESS", "device address it answers to", _address),
        Option(
            "baud",
            "50 to 115200",
            "fixed speed, from the request on",
            _between(50, 115200),
        ),
        Option(
            "bcc", "once|always", "wrong block check", _choice("once", "always", "no")
        ),
        Option("busy", "1", "the port is held by another program", _flag),
        Option(
            "check",
            "xor|sum7|none",
            "kind of block check",
            _choice("xor", "sum7", "none"),
        ),
        Option("drop", "N|once", "drop a byte of the Nth block sent", _which),
        Option("echo", "1", "what is sent to it comes back", _flag),
        Option("endless", "1", "the block never ends", _flag),
        Option("errors", "0 to 1", "rate of bytes damaged at random", _real(1.0)),
        Option("fallback", "0|1", "reads out at 300 Bd without option select", _flag),
        Option("flip", "N|once", "flip a bit in the Nth block sent", _which),
        Option("garbage", "TEXT|N", "text or N random bytes ahead of it", _garbage),
        Option("lines", "1 to 30000", "data sets (industrial)", _between(1, 30000)),
        Option(
            "mute",
            "1|N",
            "never answers; N: falls silent N bytes into each block",
            _between(0, 1 << 20),
        ),
        Option("nak", "1", "NAK in place of data", _flag),
        Option(
            "noise", "for-ever", "noise without an end", _choice("for-ever", "no", "1")
        ),
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
        Option("period", "SECONDS", "from telegram to telegram", _real(3600.0)),
        Option(
            "reaction", "MS", "reaction time; below 200 the maker is SIm", _real(9999.0)
        ),
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
        Option("slow", "MS", "so much more for each character", _real(60000.0)),
        Option(
            "speed",
            "wrong",
            "agrees to a speed and stays at 300 Bd",
            _choice("wrong", "right"),
        ),
        Option("time", "ISO", "the time on its clock, fixed", datetime.fromisoformat),
        Option("wake", "1", "answers only behind a wake-up message", _flag),
    )
}
_WORDS = {"noise": ("for-ever", "1"), "speed": ("wrong",)}  # texts that mean: on


@dataclass(frozen=True, slots=True)
class Simulation:
    """A simulated meter as it was asked for.

    Attributes:
        name: which meter.
        wishes: the options.
    """

    name: str
    wishes: Wishes

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
        """Return a fresh meter on its line.

        Args:
            pace: which characters take their time, unless the option says it.
            wall: the time of day, for the meter's own clock.
            on_speed: called when the meter has changed its speed.
        """
        wishes = self.wishes
        if pace is not Pace.PORT and wishes.pace is not None:
            pace = Pace.LINE if wishes.pace else Pace.NONE
        clock = wall if wishes.time is None else lambda: wishes.time or wall()
        return SimulatedLine(
            self._engine(clock), self.speed, self._faults(), pace, on_speed
        )

    def _engine(self, clock: Callable[[], datetime]) -> MeterEngine | PushEngine:
        model, wishes = MODELS[self.name], self.wishes
        identification = self.identification
        if model.push_speed:
            even = {"even": True, "none": False, "auto": model.even}[wishes.parity]
            return PushEngine(
                lambda: telegram(model, identification.to_bytes(), clock()),
                wishes.period or model.period,
                even=even,
            )
        parity = None if wishes.parity == "auto" else Parity(wishes.parity)
        address = NUMBERS[self.name] if wishes.address is None else wishes.address
        return MeterEngine(
            MeterSetup(
                identification=identification,
                readout=lambda kind, y: model.data(
                    clock(), wishes.lines or model.lines
                ),
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
        values[key] = value in _WORDS[key] if key in _WORDS else value
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
