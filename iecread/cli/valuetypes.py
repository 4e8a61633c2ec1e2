"""Types of the values of options and arguments, and what is completed for them.

Values get their types here: durations in seconds, speeds in Bd, texts that can be
sent.  What settings in meters.toml share with options is checked by ``settings``.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import click

from iecread import settings
from iecread.cli.context import Surroundings

if TYPE_CHECKING:
    from iecread.meterprofile import Profile

T = TypeVar("T")

SIMULATED = "sim://"


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


class Target(click.types.StringParamType):
    """A port, URL or meter; completes what is plugged in here."""

    name = "target"

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


DURATION = duration()
SPEED = Setting("speed", settings.speed, "BD", lambda: settings.SPEEDS)
ADDRESS = Setting("address", settings.address)
ZONE = Setting("zone", settings.zone)
