"""What may stand behind ``sim://NAME?``, and which meter comes of it.

``simulation()`` makes a Simulation of a name and texts, by the OPTIONS of ``wishes``;
``Simulation.line()`` builds a line to it.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from iecread.errors import IecReadError, PortError
from iecread.protocol.bcc import CheckKind
from iecread.protocol.messages import OPENING_SPEED, Identification
from iecread.protocol.meter import MeterSetup, PushEngine
from iecread.protocol.meterprogramming import ProgrammableEngine, ProgrammingSetup
from iecread.protocol.parity import Parity
from iecread.simulator.bus import BusLine
from iecread.simulator.line import Faults, Pace, SimulatedLine
from iecread.simulator.lis200 import FAMILIES, Lis200Device
from iecread.simulator.lis200.build import (
    LIS200_OPERAND,
    LIS200_REACTION,
    LIS200_WAKE_NULS,
    build_device,
    build_engine,
)
from iecread.simulator.logbook import MeterClock
from iecread.simulator.memory import Manners, SimulatedMemory, style_of
from iecread.simulator.meters import MODELS, NUMBERS, telegram
from iecread.simulator.wishes import OPTIONS, WORDS, Wishes

SCHEME = "sim://"
BUS = "bus"
"""Name of several meters on one line."""
BUS_SUMMARY = "several meters on one line, for iecread scan"
_WAKE_NULS = 60  # annex B: NULs for 2.1 s are 63; a few may go by
_FAST = 200  # ms; below it the third letter of the maker is lower case (6.3.2)
_RATE = 0.001  # damaged bytes by seed, where no rate is said
_PASSWORD = "00000000"


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
    _memories: list[SimulatedMemory | Lis200Device] = field(
        default_factory=list, compare=False
    )
    _members: list["Simulation"] = field(default_factory=list, compare=False)

    @property
    def identification(self) -> Identification:
        """Its identification message; the maker is ``SIM``, unless asked otherwise."""
        model = MODELS[self.name]
        text = model.text
        maker = "SIM" if self.reaction >= _FAST else "SIm"
        if model.lis200 and self.wishes.maker != "SIM":
            maker = self.wishes.maker
        if model.lis200 and self.wishes.compatible:
            text = FAMILIES[model.lis200]("").compatible or text
        text = f"\\2{text}" if self.wishes.hdlc else text
        return Identification(f"/{maker}{model.z}{text}")

    @property
    def reaction(self) -> float:
        """Its reaction time, in ms."""
        if self.wishes.reaction is not None:
            return self.wishes.reaction
        return LIS200_REACTION if MODELS[self.name].lis200 else _FAST

    @property
    def speed(self) -> int:
        """Its speed between sessions, in Bd."""
        if self.name == BUS:
            return self.wishes.baud or OPENING_SPEED
        if self.wishes.session and not self.wishes.baud:
            return self.identification.speed or OPENING_SPEED
        return self._opening_speed

    @property
    def _opening_speed(self) -> int:
        return self.wishes.baud or MODELS[self.name].push_speed or OPENING_SPEED

    def line(
        self,
        pace: Pace,
        *,
        wall: Callable[[], datetime] = datetime.now,
        on_speed: Callable[[int], None] | None = None,
    ) -> SimulatedLine | BusLine:
        """Return a fresh line to the meter, or to the meters of a bus.

        Args:
            pace: which characters take their time, unless the option says it.
            wall: the time of day, for the meter's own clock.
            on_speed: called when the meter has changed its speed.
        """
        wishes = self.wishes
        if pace is not Pace.PORT and wishes.pace is not None:
            pace = Pace.LINE if wishes.pace else Pace.NONE
        if self.name != BUS:
            return self._line(pace, wall, on_speed)
        if not self._members:
            self._members.extend(self._on_bus())
        return BusLine(
            [member._line(pace, wall, on_speed) for member in self._members],
            echo=wishes.echo,
            paced=pace is not Pace.NONE,
            seed=wishes.seed or 0,
        )

    def _on_bus(self) -> Iterator["Simulation"]:
        """The meters of a bus."""
        wishes = self.wishes
        names = wishes.meters
        addresses = wishes.addresses or tuple(NUMBERS[name] for name in names)
        for number in range(max(len(names), len(addresses))):
            name = names[number % len(names)]
            own = replace(wishes, address=None, echo=False)
            if number < len(addresses):
                own = replace(own, address=addresses[number])
            member = Simulation(name, own)
            reaction = member.reaction + number * wishes.stagger
            yield replace(member, wishes=replace(own, reaction=reaction))

    def _line(
        self,
        pace: Pace,
        wall: Callable[[], datetime],
        on_speed: Callable[[int], None] | None,
    ) -> SimulatedLine:
        if not self._memories:
            self._memories.append(self._memory(wall))
        return SimulatedLine(
            self._engine(self._memories[0]), self.speed, self._faults(), pace, on_speed
        )

    def _engine(
        self, memory: SimulatedMemory | Lis200Device
    ) -> ProgrammableEngine | PushEngine:
        model, wishes, clock = MODELS[self.name], self.wishes, memory.clock
        identification = self.identification
        if model.push_speed:
            even = wishes.parity in ("even", "odd")
            even |= wishes.parity == "auto" and model.even
            return PushEngine(
                lambda: telegram(model, identification.to_bytes(), clock.local()),
                wishes.period or model.period,
                even=even,
            )
        odd = wishes.parity == "odd"  # made of even parity, on the line
        wanted = "even" if odd else wishes.parity
        parity = None if wanted == "auto" else Parity(wanted)
        address = NUMBERS[self.name] if wishes.address is None else wishes.address
        wake = LIS200_WAKE_NULS if model.lis200 else _WAKE_NULS
        meter = MeterSetup(
            identification=identification,
            readout=lambda kind, y: memory.readout(clock.local()),
            address=address,
            check=None if wishes.check == "none" else CheckKind(wishes.check),
            part_lines=wishes.parts,
            parity=parity,
            opening_speed=self._opening_speed,
            fixed_speed=bool(wishes.baud),
            reaction=self.reaction / 1000,
            fallback=wishes.fallback,
            repeats=wishes.repeats,
            wake_nuls=wake if wishes.wake else 0,
            stays=wishes.speed,
            refuses=wishes.nak,
            general=wishes.general,
            hdlc=wishes.hdlc,
        )
        programming = self._programming(memory)
        if isinstance(memory, Lis200Device):
            return build_engine(memory, meter, programming, wishes)
        return ProgrammableEngine(meter, programming)

    def _memory(self, wall: Callable[[], datetime]) -> SimulatedMemory | Lis200Device:
        model, wishes, fixed = MODELS[self.name], self.wishes, self.wishes.time
        clock = MeterClock(wall if fixed is None else lambda: fixed, wishes.drift)
        if model.lis200:
            return build_device(model.lis200, NUMBERS[self.name], wishes, clock)
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
            clock,
            style_of(self.name, wishes.reads),
            manners,
        )

    def _programming(self, memory: SimulatedMemory | Lis200Device) -> ProgrammingSetup:
        from iecread.algorithms import ALGORITHMS

        wishes, style = self.wishes, style_of(self.name)
        operand = LIS200_OPERAND if MODELS[self.name].lis200 else style.operand
        password = _PASSWORD if wishes.password is None else wishes.password
        if isinstance(memory, Lis200Device):
            password = ""  # locks stand in its place
        return ProgrammingSetup(
            memory=memory,
            password=password or None,
            operand=operand if wishes.operand is None else wishes.operand,
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
            session=wishes.session,
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
            light=wishes.light / 100,
            odd=wishes.parity == "odd",
            hold=wishes.hold / 1000,
            lag=wishes.lag / 1000,
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
    if name not in MODELS and name != BUS:
        hint = _meant(name, [*MODELS, BUS], "there are")
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
        values[key.replace("-", "_")] = value in WORDS[key] if key in WORDS else value
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
    rows.append(("sim://" + BUS, BUS_SUMMARY))
    keys = [(f"{o.key}={o.values}", o.meaning) for o in OPTIONS.values()]
    width = max(len(left) for left, _ in rows + keys)
    few = {f"{o.key}={o.values}" for o in OPTIONS.values() if o.lis200}
    bus = {f"{o.key}={o.values}" for o in OPTIONS.values() if o.bus}
    lines = [f"  {left:<{width}}  {right}" for left, right in rows]
    lines += ["", "behind a ?, joined with &:", ""]
    lines += [
        f"  {left:<{width}}  {right}"
        for left, right in keys
        if left not in few and left not in bus
    ]
    lines += ["", "LIS-200 devices only:", ""]
    lines += [f"  {left:<{width}}  {right}" for left, right in keys if left in few]
    lines += ["", "sim://bus only:", ""]
    lines += [f"  {left:<{width}}  {right}" for left, right in keys if left in bus]
    return "\n".join(lines)
