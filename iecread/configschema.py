"""The keys of meters.toml: which there are, where, and what they can hold.

``check`` walks a parsed file along these tables and gives the values in their types
and every problem that it finds, each with the path of its key, so that whoever has
the text can point at it.  Passwords are not fetched here, no port and no file of a
meter is looked at.
"""

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from functools import partial
from typing import Any, NamedTuple

from iecread import settings
from iecread.errors import ConfigError
from iecread.tomlplaces import Path

SCHEMA = 1
"""The layout of meters.toml that this program knows."""

Check = Callable[[Any], Any]
_NAME_LENGTH = 64  # characters of a meter's name; it becomes part of file names


class Problem(NamedTuple):
    """What is wrong in a file.

    Attributes:
        path: the keys that lead to it.
        message: what is wrong.
        hint: what to do.
        value: whether the value is wrong, and not the key.
    """

    path: Path
    message: str
    hint: str = ""
    value: bool = False


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip() or "\0" in value:
        raise ValueError(f"{value!r} is no text in quotes")
    return value


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{value!r} is neither true nor false")
    return value


def _count(value: Any) -> int:
    wrong = isinstance(value, bool) or not isinstance(value, int)
    if wrong or not 0 <= value <= settings.MOST_RETRIES:
        raise ValueError(
            f"{value!r} is no whole number from 0 to {settings.MOST_RETRIES}"
        )
    return int(value)


def _port(value: Any) -> str:
    text = _text(value)
    if not settings.is_port(text):
        raise ValueError(f"{value!r} is no port: a serial port is /dev/ttyUSB0 or COM3")
    return text


def _serial(value: Any) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        raise ValueError(f'{value!r} is a number; write it in quotes: "{value}"')
    return _text(value)


def _registers(value: Any) -> tuple[str, ...]:
    """``"all"`` gives the empty tuple."""
    if value == "all":
        return ()
    if not isinstance(value, list) or not value:
        raise ValueError('is "all" or a list of codes, such as ["1.8.0", "2.8.x"]')
    return tuple(settings.code(code) for code in value)


def _select(allowed: str, value: Any) -> str:
    text = str(value)
    if len(text) != 1 or text not in allowed:
        raise ValueError(f"{value!r} is none of {' '.join(allowed)}")
    return text


def _start(value: Any) -> str:
    if hasattr(value, "isoformat"):  # TOML has dates of its own, which say the same
        value = value.isoformat()
    return settings.moment(value, (*settings.MOMENTS, "last"))


def _one_of(*known: str) -> Check:
    return partial(settings.choice, known=known)


LINE: dict[str, Check] = {
    "mode": _one_of(*settings.MODES),
    "baud": settings.speed,
    "max-baud": settings.speed,
    "switch-delay": settings.duration,
    "framing": _one_of(*settings.FRAMINGS),
    "timeout": settings.duration,
    "retries": _count,
    "wait": settings.duration,
    "wake": _one_of(*settings.WAKES),
    "echo": _one_of(*settings.ECHOES),
    "bcc": _one_of(*settings.CHECKS),
    "timezone": settings.zone,
    "clock": settings.clock,
    "trace": _text,
    "trace-mask-serials": _flag,
}
"""What defaults and meters can both say, under the names of the long options."""

SHARED: dict[str, Check] = {
    **LINE,
    "registers": _registers,
    "history": _flag,
    "read-only": _flag,
}
METER: dict[str, Check] = {
    "port": _port,
    "like": _text,
    "device": settings.device,
    "address": settings.address,
    "stay-at-baud": _flag,
    "option": partial(_select, "023456789"),
    "protocol": partial(_select, "0123456789"),
    "expect-serial": _serial,
    "read-command": _one_of(*settings.READ_COMMANDS),
    "write-command": _one_of(*settings.WRITE_COMMANDS),
    "enabled": _flag,
    "dialect": _one_of(*settings.DIALECTS),
    "lock": settings.lock,
}
CSV: dict[str, Check] = {
    "layout": _one_of("long", "wide"),
    "style": _one_of("comma", "excel-semicolon"),
    "file": _text,
}
LOAD_PROFILE: dict[str, Check] = {
    "channel": _text,
    "archive": settings.archive,
    "from": _start,
    "file": _text,
}
RULE: dict[str, Check] = {
    "name": _text,
    "multiply": settings.decimal,
    "add": settings.decimal,
    "unit": _text,
}
_TABLES = {"csv": CSV, "load-profile": LOAD_PROFILE}
OWN = ("address", "expect-serial", "enabled", "like")
"""What a meter never takes over from the one that it is ``like``."""


class BadReference(Exception):
    """``like`` names no meter, or leads back to where it began.

    Attributes:
        message, hint: what is wrong and what to do.
        meter: the one whose ``like`` it is.
    """

    def __init__(self, message: str, meter: str, hint: str) -> None:
        super().__init__(message)
        self.message, self.meter, self.hint = message, meter, hint


class Checked(NamedTuple):
    """What a file says, in its types; a value that is wrong is left out.

    Attributes:
        defaults: of all meters, by path within the table: ``("csv", "layout")``.
        meters: of each meter, in the same way; ``("password",)`` has the table as
            it stands, ``("register", CODE, "multiply")`` a rule.
        problems: all that is wrong.
    """

    defaults: dict[Path, Any]
    meters: dict[str, dict[Path, Any]]
    problems: list[Problem]


def check(parsed: Mapping[str, Any]) -> Checked:
    """Check a parsed meters.toml."""
    problems: list[Problem] = []
    version = parsed.get("schema")
    if version is None:
        problems.append(Problem((), "no schema", "write at the top: schema = 1"))
    elif isinstance(version, bool) or not isinstance(version, int) or version < 1:
        wrong = f"schema cannot be {version!r}"
        problems.append(Problem(("schema",), wrong, "write schema = 1", True))
    elif version > SCHEMA:
        wrong = f"schema {version} is newer than this iecread knows ({SCHEMA})"
        hint = "update iecread on this computer"
        problems.append(Problem(("schema",), wrong, hint, True))
        return Checked({}, {}, problems)  # what its keys mean cannot be known
    known = ["schema", "defaults", "meters"]
    for key, value in parsed.items():
        if key not in known:
            problems.append(_unknown((key,), key, known))
        elif key != "schema" and not isinstance(value, Mapping):
            problems.append(Problem((key,), f"{key} is no table", f"write [{key}]"))
    tables = [parsed.get(key) for key in ("defaults", "meters")]
    said, named = (value if isinstance(value, Mapping) else {} for value in tables)
    defaults = _table(("defaults",), said, {**SHARED, "csv": CSV}, problems)
    meters = {}
    for name, table in named.items():
        path = ("meters", name)
        if not isinstance(table, Mapping):
            hint = f"a meter is a table: [meters.{name}]"
            problems.append(Problem(path, f"{name} is no table", hint))
            continue
        if wrong := wrong_name(name):
            hint = "a name is letters, digits, - and _, as in [meters.kitchen]"
            problems.append(Problem(path, f"meter {name!r} {wrong}", hint))
        meters[name] = _table(path, table, {**SHARED, **METER, **_TABLES}, problems)
        if {("load-profile", "archive"), ("load-profile", "channel")} <= {
            *meters[name]
        }:
            here, hint = (*path, "load-profile", "channel"), "take one of them out"
            problems.append(Problem(here, "channel and archive are two things", hint))
    _references(meters, problems)
    return Checked(defaults, meters, problems)


def wrong_name(name: str) -> str:
    """Why a meter cannot have this name: the command line could not tell it."""
    if not name.strip() or not name.isprintable():
        return "has no name that can be typed"
    if len(name) > _NAME_LENGTH:
        return f"has a name of more than {_NAME_LENGTH} characters"
    if settings.is_port(name):
        return "is spelled like a port"
    return "has a name that begins like an option" if name.startswith("-") else ""


def _unknown(path: Path, key: str, known: list[str]) -> Problem:
    where = f" in [{'.'.join(path[:-1])}]" if len(path) > 1 else ""
    underlined = key.replace("_", "-").lower()
    near = [underlined] if underlined in known else get_close_matches(key, known, 1)
    if near:
        hint = f"did you mean {near[0]!r}?"
    elif key in METER:
        hint = f"{key} belongs to a meter"
    else:
        hint = f"known here: {', '.join(known)}"
    return Problem(path, f"unknown key {key!r}{where}", hint)


def _table(
    path: Path,
    table: Mapping[str, Any],
    keys: Mapping[str, Any],
    problems: list[Problem],
) -> dict[Path, Any]:
    """The values of a table by their path within it; problems are added."""
    found: dict[Path, Any] = {}
    meter = path[0] == "meters" and len(path) == 2
    known = [*keys, *(("password", "register") if meter else ())]
    for key, value in table.items():
        here = (*path, key)
        inner = keys.get(key)
        if key not in known:
            problems.append(_unknown(here, key, known))
        elif key == "password":
            _password(here, value, found, problems)
        elif key == "register":
            _rules(here, value, found, problems)
        elif isinstance(inner, Mapping):
            if isinstance(value, Mapping):
                deeper = _table(here, value, inner, problems)
                found.update({(key, *rest): v for rest, v in deeper.items()})
            else:
                hint = f"write [{'.'.join(here)}]"
                problems.append(Problem(here, f"{key} is no table", hint, True))
        else:
            assert inner is not None
            try:
                found[(key,)] = inner(value)
            except ValueError as error:
                message = f"{key}: {error}"
                if str(error).startswith("is "):
                    message = f"{key} {error}"
                problems.append(Problem(here, message, _advice(key, inner), True))
    return found


_ADVICE = {
    "port": "such as /dev/serial/by-id/..., COM3, socket://10.0.0.8:8000",
    "from": 'last, a time such as "2026-11-01", or so long ago such as "-24h"',
    "timeout": 'a text such as "5s"',
    "wait": 'a text such as "30s"',
    "switch-delay": 'a text such as "250ms"',
    "multiply": 'a decimal in quotes, such as "40"',
    "add": 'a decimal in quotes, such as "-12.5"',
}


def _advice(key: str, kind: Check) -> str:
    if isinstance(kind, partial) and "known" in kind.keywords:
        return f"one of {', '.join(kind.keywords['known'])}"
    return _ADVICE.get(key, "correct this value, or leave the key out")


def _password(
    path: Path, value: Any, found: dict[Path, Any], problems: list[Problem]
) -> None:
    from iecread.passwords import PasswordSource

    try:
        # whether the file is private is seen by who knows the file
        PasswordSource.from_table(value, ".".join(path[:2]), private=True)
    except ConfigError as error:
        problems.append(Problem(path, error.message, error.hint, True))
        return
    found[("password",)] = dict(value)


def _rules(
    path: Path, value: Any, found: dict[Path, Any], problems: list[Problem]
) -> None:
    if not isinstance(value, Mapping):
        hint = f'write [{".".join(path)}."1.8.0"]'
        problems.append(Problem(path, "register is no table", hint, True))
        return
    for code, rule in value.items():
        here = (*path, code)
        try:
            settings.code(code)
        except ValueError as error:
            problems.append(Problem(here, str(error), 'such as "1.8.0"'))
            continue
        if not isinstance(rule, Mapping):
            hint = f'a code stands in quotes: [{".".join(path)}."1.8.0"]'
            problems.append(Problem(here, f"register {code!r} is no table", hint))
            continue
        if not rule.keys() & RULE.keys() and all(
            isinstance(inner, Mapping) for inner in rule.values()
        ):  # [meters.x.register.1.8.0] are tables in tables
            hint = f'write the code in quotes: [{".".join(path)}."1.8.0"]'
            problems.append(Problem(here, f"register {code!r} says nothing", hint))
            continue
        deeper = _table(here, rule, RULE, problems)
        found.update({("register", code, *rest): v for rest, v in deeper.items()})


def _references(
    meters: Mapping[str, Mapping[Path, Any]], problems: list[Problem]
) -> None:
    """Each meter has a port, its own or that of the one that it is like."""
    for name in meters:
        try:
            chain = lineage(meters, name)
        except BadReference as error:
            path = ("meters", error.meter, "like")
            if not any(problem.path == path for problem in problems):
                problems.append(Problem(path, error.message, error.hint, True))
            continue
        bad = {p.path for p in problems}
        if not any(("port",) in meters[m] for m in chain) and not any(
            ("meters", m, "port") in bad for m in chain
        ):
            hint = 'write port = "/dev/ttyUSB0"; iecread ports lists those here'
            problems.append(Problem(("meters", name), f"{name} has no port", hint))


def lineage(meters: Mapping[str, Mapping[Path, Any]], name: str) -> list[str]:
    """A meter and those that it is like, the nearest first.

    Raises:
        BadReference: one is missing, or the row comes back to itself.
    """
    chain = [name]
    while (other := meters[chain[-1]].get(("like",))) is not None:
        if other not in meters:
            near = get_close_matches(other, meters, 1)
            hint = f"did you mean {near[0]!r}?" if near else "name a meter of this file"
            raise BadReference(f"there is no meter {other!r}", chain[-1], hint)
        if other in chain:
            row = " is like ".join([*chain[chain.index(other) :], other])
            raise BadReference(f"{row}: a circle", other, "take one `like` out")
        chain.append(other)
    return chain
