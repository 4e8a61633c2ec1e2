"""Options that commands share, as decorators, and the types of their values.

The long option, the key in meters.toml and the environment variable (IECREAD_...)
have one name.  Values get their types here: durations in seconds, speeds in Bd,
codes checked.  Options show up in the help under the section they belong to.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial, wraps
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, cast

import click

from iecread import settings
from iecread.cli.context import BYTES, NORMAL, QUIET, Surroundings

if TYPE_CHECKING:
    from iecread.config import Profile

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")

SIMULATED = "sim://"


class Option(click.Option):
    """An option that knows its section and whose errors name the variable."""

    def __init__(self, *args: Any, section: str = "Options", **attrs: Any) -> None:
        super().__init__(*args, **attrs)
        self.section = section

    def get_help_extra(self, ctx: click.Context) -> Any:
        return {}  # our texts say what is worth saying

    def get_error_hint(self, ctx: click.Context | None) -> str:
        environment = click.core.ParameterSource.ENVIRONMENT
        if ctx is not None and ctx.get_parameter_source(self.name) is environment:
            return f"{self.envvar}"
        return f"{max(self.opts, key=len)}"


class Command(click.Command):
    """A command whose help shows options by section and ends with an example."""

    def __init__(self, *args: Any, example: str, **attrs: Any) -> None:
        attrs["epilog"] = "\b\nExample:\n  " + example.replace("\n", "\n  ")
        super().__init__(*args, **attrs)

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        options, *arguments = super().collect_usage_pieces(ctx)
        return [*arguments, options]

    def format_options(
        self, ctx: click.Context, formatter: click.HelpFormatter
    ) -> None:
        sections: dict[str, list[tuple[str, str]]] = {}
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx)
            if record is not None and not isinstance(param, click.Argument):
                section = getattr(param, "section", "Every command")
                sections.setdefault(section, []).append(record)
        width = max(len(names) for part in sections.values() for names, _ in part)
        for section, records in sections.items():
            with formatter.section(section):
                # all sections share one column of explanations
                names, help_ = records[0]
                records[0] = (names.ljust(min(width, 30)), help_)
                formatter.write_dl(records)


def _option(
    section: str, *names: str, env: bool = True, **attrs: Any
) -> Callable[[F], F]:
    variable = "IECREAD_" + names[-1].lstrip("-").upper().replace("-", "_")
    attrs.setdefault("envvar", variable if env else None)
    return click.option(*names, cls=Option, section=section, **attrs)


def _together(*options: Callable[[F], F]) -> Callable[[F], F]:
    def decorate(function: F) -> F:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


class Setting(click.ParamType[T]):
    """A value that ``settings`` checks.

    Args:
        name: what it is called in the help.
        check: returns the value in its type; its ValueError says what is wrong.
        metavar: how the help shows it; None: by its name.
        known: what is completed.
    """

    def __init__(
        self,
        name: str,
        check: Callable[[object], T],
        metavar: str | None = None,
        known: Callable[[], Iterable[object]] = tuple,
    ) -> None:
        self.name = name
        self._check, self._metavar, self._known = check, metavar, known

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str | None:
        return self._metavar

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> T:
        try:
            return self._check(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[Any]:
        from click.shell_completion import CompletionItem

        words = map(str, self._known())
        return [CompletionItem(word) for word in words if word.startswith(incomplete)]


def duration(longest: float = settings.LONGEST) -> Setting[float]:
    """``500ms``, ``5s``, ``15m``, ``24h``, ``7d``; a plain number is seconds.

    Args:
        longest: in seconds.
    """
    return Setting("duration", partial(settings.duration, longest=longest), "TIME")


class SelectCharacter(click.ParamType[str]):
    """A character of the option select (IEC 62056-21, 6.3.3).

    Args:
        letter: which one, V or Y.
        allowed: a regular expression for it.
        known: what it may be, in words.
    """

    name = "character"

    def __init__(self, letter: str, allowed: str, known: str) -> None:
        self._letter, self._allowed, self._known = letter, allowed, known

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        return self._letter

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> str:
        if not re.fullmatch(self._allowed, str(value)):
            self.fail(f"{value!r} is none of {self._known}", param, ctx)
        return str(value)


class Register(click.ParamType[str]):
    """The code of a register in programming mode; ``@`` stands for ``*``."""

    name = "code"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> str:
        return _sendable(self, str(value).replace("@", "*"), param, ctx)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[Any]:
        from click.shell_completion import CompletionItem

        known = _gas_names(ctx) if incomplete else {}
        return [
            CompletionItem(name, help=address)
            for name, address in known.items()
            if name.startswith(incomplete)
        ]


class SentText(click.ParamType[str]):
    """A value that can stand in a bracket."""

    name = "value"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> str:
        return _sendable(self, str(value), param, ctx, empty=True)


class WrittenText(SentText):
    """The same, behind CODE; a LIS-200 device may have any character, as an escape."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> str:
        from iecread.lis200.address import is_address

        text = str(value)
        if ctx is not None and is_address(str(ctx.params.get("code"))):
            if text.isprintable():
                return text
            self.fail("it has a control character", param, ctx)
        return super().convert(text, param, ctx)


def _sendable(
    kind: click.ParamType[str],
    text: str,
    param: click.Parameter | None,
    ctx: click.Context | None,
    *,
    empty: bool = False,
) -> str:
    # 6.6: what an address and a value can hold, and how long they can be
    if not re.fullmatch(r"[ -~]*", text) or set("()/!") & set(text):
        kind.fail("only ASCII without ( ) / ! can be sent", param, ctx)
    if len(text) > 128 or not (text.strip() or empty):
        kind.fail(f"{len(text)} characters; it has 1 to 128", param, ctx)
    return text


class Picture(click.ParamType[str]):
    """A file for a picture, of a kind that its suffix names."""

    name = "file"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> str:
        if not str(value).lower().endswith((".png", ".svg")):
            self.fail(f"{value!r} does not end in .png or .svg", param, ctx)
        return str(value)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[Any]:
        from click.shell_completion import CompletionItem

        return [CompletionItem(incomplete, type="file")]


class Target(click.ParamType[str]):
    """A port, URL or meter; completes what is plugged in here."""

    name = "target"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> str:
        return str(value)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[Any]:
        from glob import glob

        from click.shell_completion import CompletionItem

        heads = ("serial/by-id/*", "ttyUSB*", "ttyACM*", "ttyAMA*", "cu.*")
        ports = [port for head in heads for port in sorted(glob(f"/dev/{head}"))]
        if incomplete.startswith(SIMULATED[:3]):
            from iecread.simulator import NAMES

            ports += [SIMULATED + name for name in NAMES]
        else:
            ports += [SIMULATED, "replay://"]
            ports += meter_names(ctx)
        return [CompletionItem(port) for port in ports if port.startswith(incomplete)]


def meter_names(ctx: click.Context | None) -> list[str]:
    """The meters of meters.toml, for completion: an error is no news here."""
    return list(_meters(ctx))


def _meters(ctx: click.Context | None) -> "Mapping[str, Profile]":
    from iecread.config import load_config
    from iecread.errors import IecReadError

    around = ctx.find_object(Surroundings) if ctx else None
    try:
        if around is None:
            return {}
        return load_config(around.config, around.environ).meters
    except IecReadError:
        return {}


def _gas_names(ctx: click.Context) -> dict[str, str]:
    """The names of values, where TARGET is said to be a LIS-200 device."""
    from iecread.quantities import SECTIONS, named

    target = str(ctx.params.get("target") or "")
    found: dict[str, str] = {}
    if target.startswith(SIMULATED + "lis200-") or target in _gas_meters(ctx):
        for section in SECTIONS:
            found = named(section) | found
    return found


def _gas_meters(ctx: click.Context) -> list[str]:
    return [name for name, meter in _meters(ctx).items() if meter.dialect == "lis200"]


def _locks() -> Iterable[str]:
    from iecread.lis200.locks import LOCKS

    return LOCKS


def _devices() -> Iterable[str]:
    from iecread.devices import load

    return ("auto", "none", *load())


DURATION = duration()
SPEED = Setting("speed", settings.speed, "BD", lambda: settings.SPEEDS)
ADDRESS = Setting("address", settings.address)
ZONE = Setting("zone", settings.zone)


def _codes(
    ctx: click.Context, param: click.Parameter, value: Sequence[str]
) -> tuple[str, ...]:
    """Split what ``--only`` got at commas, and check each code."""
    codes = [code.strip() for word in value for code in word.split(",")]
    if codes:
        from iecread.obis import Pattern

        for code in codes:
            try:
                Pattern.parse(code)
            except ValueError as error:
                raise click.BadParameter(str(error), ctx, param) from error
    return tuple(codes)


def _choice(*names: str) -> click.Choice[str]:
    return click.Choice(names, case_sensitive=False)


target_argument = click.argument(
    "target", type=Target(), metavar="TARGET", help="Port, URL or meter: help ports."
)

framing_option = _option(
    "Line",
    "--framing",
    type=_choice(*settings.FRAMINGS),
    default="auto",
    help="7e1: parity by software; hw7e1: by the port; 8n1: none.",
)
bcc_option = _option(
    "Meter",
    "--bcc",
    type=_choice(*settings.CHECKS),
    default="auto",
    help="Kind of block check; off shows all values as unchecked.",
)
timezone_option = _option(
    "Meter",
    "--timezone",
    type=ZONE,
    help="Where the meter hangs; gives time stamps their offset.",
)

trace_options = _together(
    _option(
        "Line",
        "--trace",
        metavar="FILE",
        type=click.Path(),
        help="Record all bytes and times; TARGET replay://FILE plays it back.",
    ),
    _option(
        "Line",
        "--trace-mask-serials",
        is_flag=True,
        default=None,
        help="Numbers of meters do not get into it either.",
    ),
)

line_options = _together(
    _option("Line", "--baud", type=SPEED, help="Opening speed.  [default: 300]"),
    _option("Line", "--max-baud", type=SPEED, help="Agree to no more than this."),
    _option(
        "Line",
        "--stay-at-baud",
        is_flag=True,
        default=None,
        help="Acknowledge the speed offered, but do not change to it.",
    ),
    _option(
        "Line",
        "--switch-delay",
        type=DURATION,
        help="Between acknowledge and change of speed.  [default: computed]",
    ),
    framing_option,
    _option(
        "Line",
        "--timeout",
        type=DURATION,
        help="Silence that ends waiting, not a total.  [default: by the line]",
    ),
    _option(
        "Line",
        "--retries",
        type=click.IntRange(0, 100),
        default=2,
        metavar="N",
        help="Repeats of the whole session after a failure.  [default: 2]",
    ),
    _option(
        "Line",
        "--wait",
        type=DURATION,
        default="0s",
        help="Wait so long for a port that is held.  [default: 0s]",
    ),
    _option(
        "Line",
        "--echo",
        type=_choice(*settings.ECHOES),
        default="auto",
        help="Whether our own bytes come back.",
    ),
    trace_options,
)

_address_option = _option(
    "Meter", "--address", type=ADDRESS, default="", help="Device address."
)
_wake_option = _option(
    "Meter",
    "--wake",
    type=_choice(*settings.WAKES),
    default="auto",
    help="Wake-up message for meters with a battery.",
)
_serial_option = _option(
    "Meter",
    "--expect-serial",
    metavar="SERIAL",
    help="Fail if another meter answers.",
)

_device_option = _option(
    "Meter",
    "--device",
    metavar="NAME",
    type=Setting("name", settings.device, known=_devices),
    default="auto",
    help="Device profile.  [default: auto, by the identification]",
)
_protocol_option = _option(
    "Meter",
    "--protocol",
    type=SelectCharacter("V", "[0-9]", "0 to 9"),
    default="0",
    env=False,
    help="V of the option select: 0 is the normal procedure, 1 the secondary.",
)

meter_options = _together(
    _address_option,
    _option(
        "Meter",
        "--mode",
        type=_choice(*settings.MODES),
        default="auto",
        help="Protocol mode; d listens only.",
    ),
    _wake_option,
    bcc_option,
    _option(
        "Meter",
        "--option",
        type=SelectCharacter("Y", "(?!1)[!-~]", "0 (all) and 2 to 9"),
        default="0",
        help="Which list: Y of the option select, 6 to 9 are the maker's.",
    ),
    _protocol_option,
    _device_option,
    _serial_option,
    timezone_option,
)

dialect_option = _option(
    "Meter",
    "--dialect",
    type=_choice("auto", *settings.DIALECTS),
    default="auto",
    help="lis200: a gas device with locks.  [default: auto, by the identification]",
)

waking_options = _together(_wake_option, _device_option)

programming_options = _together(
    _address_option,
    _option(
        "Meter",
        "--mode",
        type=_choice("auto", "a", "b", "c"),
        default="auto",
        help="Protocol mode.",
    ),
    _wake_option,
    bcc_option,
    _option(
        "Meter",
        "--option",
        type=SelectCharacter("Y", "[1-9A-Za-z]", "1 (programming) to 9"),
        default="1",
        env=False,
        help="Y of the option select: 1 is programming mode.",
    ),
    _protocol_option,
    dialect_option,
    _device_option,
    _serial_option,
    timezone_option,
)

clock_option = _option(
    "Meter",
    "--clock",
    type=Setting("clock", settings.clock),
    default="local",
    help="What its clock follows: local, standard (no summer time), utc, +01:00.",
)


class PasswordOptions(NamedTuple):
    """What the options of password_options say.

    Attributes:
        table: the source, as in meters.toml; None: log in without a password.
        force: whether to send a password that was refused lately.
        lock: the LIS-200 lock that it opens; None: not said.
    """

    table: dict[str, Any] | None
    force: bool
    lock: str | None = None


_SOURCES = ("env", "file", "keyring", "credential", "command", "prompt")


def _password(ctx: click.Context, options: dict[str, Any]) -> PasswordOptions:
    """Take the password options out of ``options``; at most one may be a source.

    Those on the command line are stronger than those of the environment.
    """
    said = {kind: options.pop(f"password_{kind}") for kind in _SOURCES}
    said = {kind: value for kind, value in said.items() if value}
    line = click.core.ParameterSource.COMMANDLINE
    typed = {
        kind: value
        for kind, value in said.items()
        if ctx.get_parameter_source(f"password_{kind}") is line
    }
    sources = typed or said
    access, algorithm = options.pop("access"), options.pop("algorithm")
    force, lock = options.pop("force_login"), options.pop("lock")
    if len(sources) > 1:
        names = " and ".join(f"--password-{kind}" for kind in sources)
        raise click.UsageError(f"{names} name two passwords; one is sent", ctx)
    if not sources:
        if access or algorithm:
            name = "--algorithm" if algorithm else "--access"
            raise click.UsageError(f"{name} wants a password, --password-env", ctx)
        return PasswordOptions(None, force, lock)
    _split_words(sources, "--password-command")
    if access:
        sources["access"] = int(access)
    if algorithm:
        sources["algorithm"] = algorithm
    return PasswordOptions(sources, force, lock)


def _split_words(sources: dict[str, Any], option: str) -> None:
    """Cut a password command into words, as a shell does."""
    if "command" not in sources:
        return
    import shlex

    try:
        sources["command"] = shlex.split(sources["command"])
    except ValueError as error:
        ctx = click.get_current_context()
        raise click.UsageError(f"{option}: {error}", ctx) from error


def password_options(function: F) -> F:
    """Options that say where the password is; the command gets them as ``password``."""

    @wraps(function)
    def command(*args: Any, **options: Any) -> Any:
        password = _password(click.get_current_context(), options)
        return function(*args, password=password, **options)

    return _password_group(cast(F, command))


lock_option = _option(
    "Password",
    "--lock",
    type=Setting("lock", settings.lock, "LOCK", _locks),
    help="Which lock of a LIS-200 device: customer, supplier, data-reader, user, or "
    "1 to 6.  [default: customer]",
)

_password_group = _together(
    _option("Password", "--password-env", metavar="VAR", help="In this variable."),
    _option(
        "Password",
        "--password-file",
        metavar="FILE",
        type=click.Path(),
        help="In the first line of FILE, which only you may read.",
    ),
    _option("Password", "--password-keyring", metavar="NAME", help="In the keyring."),
    _option("Password", "--password-credential", metavar="NAME", help="From systemd."),
    _option(
        "Password",
        "--password-command",
        metavar="WORDS",
        help="The first line that a command writes.",
    ),
    _option("Password", "--password-prompt", is_flag=True, help="Ask for it."),
    _option(
        "Password",
        "--access",
        type=_choice("1", "2"),
        help="Send it as P1 or P2.  [default: 1, with an algorithm 2]",
    ),
    _option(
        "Password",
        "--algorithm",
        metavar="NAME",
        help="How it answers the meter's challenge.  [default: plain]",
    ),
    _option(
        "Password",
        "--force-login",
        is_flag=True,
        env=False,
        help="Send it although it was refused within 24 hours.",
    ),
    lock_option,
)


class NewCode(NamedTuple):
    """What the options of new_code_options say.

    Attributes:
        table: the source, as that of a password; None: not said.
    """

    table: dict[str, Any] | None

    @property
    def kind(self) -> str:
        """The end of the option's name."""
        return next(iter(self.table or {}), "")


def new_code_options(function: F) -> F:
    """Options that say where a new code is; the command gets them as ``new_code``."""

    @wraps(function)
    def command(*args: Any, **options: Any) -> Any:
        said = {kind: options.pop(f"new_code_{kind}") for kind in _SOURCES}
        table = {kind: value for kind, value in said.items() if value}
        if len(table) > 1:
            names = " and ".join(f"--new-code-{kind}" for kind in table)
            raise click.UsageError(
                f"{names} name two codes; one is sent", click.get_current_context()
            )
        _split_words(table, "--new-code-command")
        return function(*args, new_code=NewCode(table or None), **options)

    return _new_code_group(cast(F, command))


_new_code_group = _together(
    *(
        _option(
            "New code",
            f"--new-code-{kind}",
            env=False,
            help=help_,
            **({"metavar": metavar} if metavar else {"is_flag": True}),
        )
        for kind, metavar, help_ in (
            ("env", "VAR", "The new code is in this variable."),
            ("file", "FILE", "In the first line of FILE, which only you may read."),
            ("keyring", "NAME", "In the keyring."),
            ("credential", "NAME", "From systemd."),
            ("command", "WORDS", "The first line that a command writes."),
            ("prompt", "", "Ask for it, twice.  [default on a terminal]"),
        )
    )
)

lock_format_option = _option(
    "Output",
    "-f",
    "--format",
    "format_",
    type=_choice("auto", "table", "csv", "json", "jsonl"),
    metavar="FORMAT",
    default="auto",
    env=False,
    help="auto, table, csv, json, jsonl: of --status; else words on stderr, or json.",
)

read_command_option = _option(
    "Meter",
    "--command",
    metavar="R1..R6",
    type=_choice(*settings.READ_COMMANDS),
    help="Read with this command.  [default: the first that works]",
)

write_command_option = _option(
    "Meter",
    "--write-command",
    metavar="W1..W5",
    type=_choice(*settings.WRITE_COMMANDS),
    help="Write with this command.  [default: by the device profile, else W1]",
)

result_format_option = _option(
    "Output",
    "-f",
    "--format",
    "format_",
    type=_choice("auto", "json"),
    metavar="FORMAT",
    default="auto",
    env=False,
    help="auto: words on stderr; json: the change as an object.",
)

change_options = _together(
    _option("Change", "-y", "--yes", is_flag=True, env=False, help="Do not ask first."),
    _option(
        "Change",
        "--dry-run",
        is_flag=True,
        env=False,
        help="Show what would be sent, and stop before it.",
    ),
)

only_option = _option(
    "Output",
    "--only",
    metavar="CODE",
    multiple=True,
    env=False,
    callback=_codes,
    help="Only these registers, comma-separated or repeated; stops early.",
)

count_option = _option(
    "Output",
    "--count",
    type=click.IntRange(1),
    metavar="N",
    env=False,
    help="End after N telegrams.",
)


def schedule_options(what: str, *, env: bool = False) -> Callable[[F], F]:
    """Options of a command that can go on by the clock; see ``repeated``.

    Args:
        what: what is done again, in the plural.
        env: whether variables stand for them.
    """
    return _together(
        _option(
            "Run",
            "--every",
            type=DURATION,
            env=env,
            help="Again and again, in step with the clock: 15m is :00, :15, :30, :45.",
        ),
        _option(
            "Run",
            "--jitter",
            type=DURATION,
            default="0s",
            env=env,
            help="With --every: begin up to so much later, always the same here.",
        ),
        _option(
            "Run",
            "--count",
            type=click.IntRange(1),
            metavar="N",
            env=env,
            help=f"With --every: end after N {what}.",
        ),
    )


def repeated(every: float | None, jitter: float, count: int | None) -> bool:
    """Whether the options of ``schedule_options`` ask for more than one time.

    Raises:
        UsageError: they do not go together.
    """
    from iecread.cli.exitcodes import UsageError

    if every is None:
        for name, value in (("--jitter", jitter), ("--count", count)):
            if value:
                raise UsageError(f"{name} goes with --every", "say how often")
        return False
    if every < 1:
        raise UsageError(f"--every {every:g}s is too often", "once a second at most")
    return True


class OutputOptions(NamedTuple):
    """What the options of output_options say.

    Attributes:
        format_: ``auto`` or a format.
        output: a file, ``-`` for stdout.
        append: whether to add to the file.
        utc: whether times are in UTC.
        strict: whether a register that is not sure is an error.
    """

    format_: str
    output: str
    append: bool
    utc: bool
    strict: bool


def output_options(*formats: str) -> Callable[[F], F]:
    """Options of every command with data; the command gets them as ``out``.

    Args:
        formats: the formats that the command can write, besides ``auto``.
    """

    def gathered(function: F) -> F:
        @wraps(function)
        def command(*args: Any, **options: Any) -> Any:
            out = OutputOptions(*(options.pop(key) for key in OutputOptions._fields))
            return function(*args, out=out, **options)

        return cast(F, command)

    options = _together(
        _option(
            "Output",
            "-f",
            "--format",
            "format_",
            metavar="FORMAT",
            type=_choice("auto", *formats),
            default="auto",
            envvar="IECREAD_FORMAT",
            help=f"auto, {', '.join(formats)}.  auto: by the suffix of -o, else "
            "table on a terminal, else csv.",
        ),
        _option(
            "Output",
            "-o",
            "--output",
            metavar="FILE",
            type=click.Path(allow_dash=True),
            default="-",
            help="Write to FILE, whole or not at all; - is stdout.",
        ),
        _option("Output", "--append", is_flag=True, help="Add to FILE."),
        _option("Output", "--utc", is_flag=True, help="Times in UTC."),
        _option(
            "Output",
            "--strict",
            is_flag=True,
            help="Exit 8 if a register is unchecked or malformed.",
        ),
    )
    return lambda function: options(gathered(function))


def _verbosity(ctx: click.Context, param: click.Parameter, value: int) -> None:
    around: Surroundings | None = ctx.find_object(Surroundings)
    if around is not None and value:
        around.verbosity = QUIET if param.name == "quiet" else min(value, BYTES)


def _color(ctx: click.Context, param: click.Parameter, value: str) -> None:
    around: Surroundings | None = ctx.find_object(Surroundings)
    # said before the verb, it is not undone by the default behind it
    typed = ctx.get_parameter_source("color") is click.core.ParameterSource.COMMANDLINE
    if around is not None and (typed or value != "auto"):
        around.color = value


def _config(ctx: click.Context, param: click.Parameter, value: str | None) -> None:
    around: Surroundings | None = ctx.find_object(Surroundings)
    if around is not None and value:
        around.config = value


common_options = _together(
    _option(
        "Every command",
        "-c",
        "--config",
        metavar="FILE",
        type=click.Path(),
        env=False,
        expose_value=False,
        is_eager=True,
        callback=_config,
        help="Which meters.toml; IECREAD_CONFIG counts too.",
    ),
    _option(
        "Every command",
        "-v",
        "--verbose",
        count=True,
        env=False,
        default=NORMAL,
        expose_value=False,
        callback=_verbosity,
        help="One line per step; -vv: bytes both ways with times.",
    ),
    _option(
        "Every command",
        "-q",
        "--quiet",
        is_flag=True,
        env=False,
        expose_value=False,
        callback=_verbosity,
        help="Errors only.",
    ),
    _option(
        "Every command",
        "--debug",
        is_flag=True,
        expose_value=False,
        help="Show the traceback of an error.",
    ),
    _option(
        "Every command",
        "--color",
        type=_choice("auto", "always", "never"),
        default="auto",
        expose_value=False,
        is_eager=True,
        callback=_color,
        help="Colour; NO_COLOR and FORCE_COLOR count too.",
    ),
)


def variables(command: click.Command) -> Iterator[tuple[str, str]]:
    """Yield environment variable and long option of what ``command`` takes."""
    for param in command.params:
        if isinstance(param, click.Option) and isinstance(param.envvar, str):
            yield param.envvar, max(param.opts, key=len)
