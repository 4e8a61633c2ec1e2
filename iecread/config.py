"""meters.toml: which meters there are, and how each is read.

The first file found is used, never several.  What a meter does not say comes from
the meter that it is ``like``, then from ``[defaults]``; where each value stands is
remembered.  ``configschema`` knows the keys; ``tomlplaces`` knows the lines, so that
an error points at what is wrong.

Reading the file opens no port and fetches no password.
"""

import os
import stat
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, NamedTuple

import tomli

from iecread.configschema import (
    LINE,
    OWN,
    Checked,
    Problem,
    check,
    lineage,
)
from iecread.errors import ConfigError, PortError
from iecread.statefolder import read_file, reason
from iecread.tomlplaces import Path, Place, Places

if TYPE_CHECKING:
    from decimal import Decimal

    from iecread.passwords import PasswordSource

FILE = "meters.toml"
_LARGEST = 16 << 20  # bytes; ten thousand meters are a tenth of it

# keys of a meter that are options of Meter under the same name
_OPTIONS = (
    *(key for key in LINE if key != "clock"),
    *("address", "stay-at-baud", "option", "protocol", "expect-serial", "dialect"),
    "device",
)


class ConfigFileError(ConfigError):
    """Something in meters.toml is wrong.

    Attributes:
        faults: all that was found, in the order of the file.
        excerpt: the line of the first, with carets under what is wrong.
    """

    def __init__(self, faults: Sequence["Fault"]) -> None:
        first, more = faults[0], len(faults) - 1
        hint = first.hint
        if more:
            hint += f"{'; ' if hint else ''}{more} more: iecread meters check"
        super().__init__(f"{first.where}: {first.message}", hint)
        self.faults = list(faults)
        self.excerpt = first.excerpt


class Fault(NamedTuple):
    """One thing that is wrong in a file.

    Attributes:
        where: file, line and column, as editors take them.
        line: the line, from 1; 0 for the whole file.
        message: what is wrong.
        hint: what to do.
        excerpt: the line with carets under what is wrong; may be empty.
    """

    where: str
    line: int
    message: str
    hint: str
    excerpt: str


class Rule(NamedTuple):
    """What to do with one register: ``register."CODE"``.

    Attributes:
        name: column or series name.
        multiply: ratio, such as that of a current transformer.
        add: added after that.
        unit: in place of the one sent.
    """

    name: str | None = None
    multiply: "Decimal | None" = None
    add: "Decimal | None" = None
    unit: str | None = None

    @property
    def scales(self) -> bool:
        """Whether a number is another one by it."""
        return self.multiply is not None or self.add is not None


class CsvLayout(NamedTuple):
    """How ``dump`` writes CSV.

    Attributes:
        layout: ``long`` or ``wide``.
        style: ``comma`` or ``excel-semicolon``.
        file: template of an absolute path; None for stdout.
    """

    layout: str = "long"
    style: str = "comma"
    file: str | None = None


class LoadProfileKeys(NamedTuple):
    """Which profile or archive ``dump`` reads besides.

    Attributes:
        channel: name of the profile.
        archive: number or name of a LIS-200 archive; then channel does not count.
        start: where to begin: a time as ``--from`` takes it.
        file: template of an absolute path; None: where the readings go.
    """

    channel: str = "P.01"
    archive: str | None = None
    start: str = "last"
    file: str | None = None


@dataclass(frozen=True)
class Profile:
    """One meter of meters.toml.

    Attributes:
        name: its name.
        config: the file that it stands in.
        values: each value that is said, by its path within the meter's table.
        origins: where it is said: the path within the file.
    """

    name: str
    config: "Config"
    values: Mapping[Path, Any]
    origins: Mapping[Path, Path]

    def get(self, *path: str, default: Any = None) -> Any:
        """The value of a key, ``get("csv", "layout")``; ``auto`` is not said."""
        value = self.values.get(path)
        return default if value is None or value == "auto" else value

    @property
    def port(self) -> str:
        """Name or URL of the port."""
        return str(self.values[("port",)])

    @property
    def options(self) -> dict[str, Any]:
        """Keywords for ``Meter`` beside the port: what is said, as it calls them."""
        found: dict[str, Any] = {"meter": self.name}
        for key in _OPTIONS:
            value = self.get(key)
            if value is not None:
                found[key.replace("-", "_")] = value
        if "trace" in found:
            found["trace"] = self.config.beside(found["trace"])
        return found

    @property
    def password(self) -> "PasswordSource | None":
        """Where the password comes from.

        Raises:
            ConfigFileError: it stands in a file that others can read.
        """
        table = self.values.get(("password",))
        if table is None:
            return None
        from iecread.passwords import PasswordSource

        config = self.config
        if config.strange and not {"prompt", "value"} & {*table}:
            raise self.wrong(
                ("password",),
                f"no password is fetched for {config.strange}",
                f"if you trust it: --config {config.path}",
            )
        try:
            return PasswordSource.from_table(
                table,
                f"meters.{self.name}",
                folder=config.folder,
                private=config.private,
            )
        except ConfigError as error:
            problem = Problem(self.origins[("password",)], error.message, error.hint)
            raise ConfigFileError([config.fault(problem)]) from error

    @property
    def registers(self) -> tuple[str, ...]:
        """Codes and patterns of the registers wanted; empty for all."""
        return tuple(self.get("registers", default=()))

    @property
    def history(self) -> bool:
        """Whether stored values of past billing periods are kept."""
        return bool(self.get("history", default=True))

    @property
    def rules(self) -> dict[str, Rule]:
        """What to do with single registers, by code or pattern, in the file's order."""
        found: dict[str, dict[str, Any]] = {}
        for path, value in self.values.items():
            if path[0] == "register":
                found.setdefault(path[1], {})[path[2]] = value
        return {code: Rule(**rule) for code, rule in found.items()}

    @property
    def timezone(self) -> str | None:
        """IANA name of the zone that the meter hangs in."""
        zone: str | None = self.get("timezone")
        return zone

    @property
    def clock(self) -> str:
        """What its clock follows: ``local``, ``standard``, ``utc`` or an offset."""
        return str(self.get("clock", default="local"))

    @property
    def csv(self) -> CsvLayout:
        """How and where ``dump`` writes CSV."""
        said = {
            key: self.get("csv", key)
            for key in CsvLayout._fields
            if self.get("csv", key) is not None
        }
        layout = CsvLayout(**said)
        return layout._replace(file=self._placed(layout.file))

    @property
    def load_profile(self) -> LoadProfileKeys | None:
        """Which profile or archive is read by ``dump``; None for none."""
        said = {p[1]: v for p, v in self.values.items() if p[0] == "load-profile"}
        if not said:
            return None
        if "from" in said:
            said["start"] = said.pop("from")
        keys = LoadProfileKeys(**said)
        return keys._replace(file=self._placed(keys.file))

    def _placed(self, file: str | None) -> str | None:
        """An absolute file: relative ones belong to the folder of meters.toml."""
        return None if file is None else self.config.beside(file)

    @property
    def read_only(self) -> bool:
        """Whether changes are refused; a meter of a file says it if it may not be."""
        return bool(self.get("read-only", default=True))

    @property
    def enabled(self) -> bool:
        """Whether ``dump`` without arguments reads it."""
        return bool(self.get("enabled", default=True))

    @property
    def dialect(self) -> str | None:
        """``iec`` or ``lis200``; None to find out."""
        dialect: str | None = self.get("dialect")
        return dialect

    @property
    def lock(self) -> str | None:
        """Name of the LIS-200 lock that its password opens."""
        lock: str | None = self.get("lock")
        return lock

    @property
    def read_command(self) -> str | None:
        """R1 to R6; None to find out."""
        command: str | None = self.get("read-command")
        return command

    @property
    def write_command(self) -> str | None:
        """W1 to W5; None for the usual one."""
        command: str | None = self.get("write-command")
        return command

    def origin(self, *path: str) -> str:
        """Where a key is said, ``meters.toml:14``; for one that is not, the meter."""
        where = self.origins.get(path) or ("meters", self.name)
        return self.config.where(where)

    def wrong(self, path: Path, message: str, hint: str = "") -> ConfigFileError:
        """An error that points at a key of this meter, to be raised."""
        return ConfigFileError([self.fault(path, message, hint)])

    def fault(self, path: Path, message: str, hint: str = "") -> Fault:
        """A fault that points at the value of a key of this meter."""
        where = self.origins.get(path) or ("meters", self.name)
        return self.config.fault(Problem(where, message, hint, value=True))


class Config:
    """A meters.toml that was read.

    Attributes:
        path: its name as given.
        folder: the absolute folder that it is in; relative paths start there.
        private: whether nobody but its owner can read it.
        meters: by name, in the order of the file.
        faults: what is wrong; empty unless it was read to be checked.
        strange: why passwords are not fetched for it; empty where they are.
    """

    strange = ""

    def __init__(self, path: str, text: str, *, private: bool = False) -> None:
        self.path = path
        self.folder = os.path.dirname(os.path.abspath(path))
        self.private = private
        self.meters: dict[str, Profile] = {}
        self._places = Places(text)
        try:
            parsed = tomli.loads(text)
        except (tomli.TOMLDecodeError, RecursionError) as error:
            self.faults = [self._syntax(error)]
            return
        checked = check(parsed)
        self.faults = sorted(map(self.fault, checked.problems), key=lambda f: f.line)
        if not self.faults:
            self._build(checked)

    def meter(self, name: str) -> Profile:
        """The meter of that name.

        Raises:
            ConfigError: there is none.
        """
        if name in self.meters:
            return self.meters[name]
        near = get_close_matches(name, self.meters, 1)
        hint = f"did you mean {near[0]!r}?" if near else "iecread meters list"
        raise ConfigError(f"no meter called {name!r} in {self.path}", hint)

    def where(self, path: Path) -> str:
        """File and line of a key."""
        place = self._places.of(path)
        return f"{self.path}:{place.line}" if place else self.path

    def beside(self, file: str) -> str:
        """An absolute path of a file that is named relative to this one."""
        return os.path.join(self.folder, os.path.expanduser(file))

    def fault(self, problem: Problem) -> Fault:
        """A problem with its place."""
        place = self._places.of(problem.path)
        if place is None:  # what is missing belongs at the top
            return Fault(f"{self.path}:1", 1, problem.message, problem.hint, "")
        value = problem.value and self._places.of(problem.path[:-1]) != place
        column = place.value if value and place.value else place.column
        return Fault(
            f"{self.path}:{place.line}:{column}",
            place.line,
            problem.message,
            problem.hint,
            self._places.excerpt(place, value=value),
        )

    def _syntax(self, error: Exception) -> Fault:
        import re

        said = str(error)
        hint = "texts stand in quotes, lists in [ ], each key on a line of its own"
        if isinstance(error, RecursionError):
            return Fault(self.path, 0, "tables are nested too deeply", "", "")
        at = re.search(r" \((?:at line ([0-9]+), column ([0-9]+)|at end[^)]*)\)", said)
        lines = self._places.lines
        line = int(at[1]) if at and at[1] else len(lines)
        column = int(at[2]) if at and at[2] else len(lines[-1]) + 1
        message = said[: at.start()] if at else said
        if line and re.search("twice|overwrite", message):
            column, message = 1, "this key or table is there already"
            hint = "put both together, or give one another name"
        return Fault(
            f"{self.path}:{line}:{column}",
            line,
            f"no TOML: {message[:1].lower()}{message[1:]}",
            hint,
            self._places.excerpt(Place(line, column, 1, 0)),
        )

    def _build(self, checked: Checked) -> None:
        for name in checked.meters:
            values: dict[Path, Any] = {}
            origins: dict[Path, Path] = {}
            layers = [(m, checked.meters[m]) for m in lineage(checked.meters, name)]
            for owner, said in layers:
                for path, value in said.items():
                    if path not in values and (owner == name or path[0] not in OWN):
                        values[path] = value
                        origins[path] = ("meters", owner, *path)
            for path, value in checked.defaults.items():
                if values.get(path) in (None, "auto"):
                    values[path] = value
                    origins[path] = ("defaults", *path)
            self.meters[name] = Profile(name, self, values, origins)


def candidates(environ: Mapping[str, str], platform: str = sys.platform) -> list[str]:
    """The files that may be meters.toml, the first to look at first."""
    found = [FILE]
    if platform == "win32":
        for variable in ("APPDATA", "ProgramData", "PROGRAMDATA"):
            folder = environ.get(variable, "")
            if folder:
                found.append(rf"{folder}\iecread\{FILE}")
        return list(dict.fromkeys(found))
    xdg, home = environ.get("XDG_CONFIG_HOME", ""), environ.get("HOME", "")
    if os.path.isabs(xdg):
        found.append(f"{xdg}/iecread/{FILE}")
    elif os.path.isabs(home):
        found.append(f"{home}/.config/iecread/{FILE}")
    return [*found, f"/etc/iecread/{FILE}"]


def find_config(
    path: str | None = None, environ: Mapping[str, str] | None = None
) -> str | None:
    """The meters.toml that is used; None where there is none.

    Args:
        path: what ``--config`` says; it need not be there.
        environ: the environment; None for that of this process.
    """
    environ = os.environ if environ is None else environ
    said = path or environ.get("IECREAD_CONFIG")
    if said:
        return os.path.expanduser(said)
    return next((file for file in candidates(environ) if os.path.lexists(file)), None)


def read_config(path: str) -> Config:
    """Read a file with all its faults.

    Raises:
        ConfigError: it cannot be read at all.
    """
    try:
        data, found = read_file(path, _LARGEST + 1)
    except (OSError, ValueError) as error:
        why = reason(error) if isinstance(error, OSError) else str(error)
        hint = "iecread meters path shows where it is looked for"
        if isinstance(error, FileNotFoundError):
            hint = f"iecread meters init {path} writes one to begin with"
        raise ConfigError(f"cannot read {path!r}: {why}", hint) from error
    if len(data) > _LARGEST:
        raise ConfigError(f"{path!r} has more than {_LARGEST >> 20} MiB")
    private = sys.platform == "win32" or not found.st_mode & (
        stat.S_IRWXG | stat.S_IRWXO
    )
    return check_text(path, data, private=private)


def check_text(path: str, data: bytes, *, private: bool = False) -> Config:
    """Read what a file holds, or is to hold, with all its faults.

    Args:
        path: its name.
        data: what it holds.
        private: whether nobody but its owner can read it.

    Raises:
        ConfigFileError: it is no UTF-8.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        fault = Fault(
            f"{path}:{line}",
            line,
            f"no UTF-8: byte {data[error.start]:#04x}",
            "save it as UTF-8 in the editor",
            "",
        )
        raise ConfigFileError([fault]) from error
    return Config(path, text.replace("\r\n", "\n"), private=private)


def load_config(
    path: str | None = None, environ: Mapping[str, str] | None = None
) -> Config:
    """Find, read and check meters.toml.

    Args:
        path: the file; None to look for it (product rules: ``$IECREAD_CONFIG``,
            ``./meters.toml``, user folder, machine folder).
        environ: the environment; None for that of this process.

    Raises:
        ConfigFileError: something in it is wrong; the error names file and line.
        ConfigError: there is none, or it cannot be read.
    """
    file = find_config(path, environ)
    if file is None:
        looked = candidates(os.environ if environ is None else environ)
        raise ConfigError(
            f"no {FILE} found ({', '.join(looked)})",
            "iecread meters init writes one to begin with",
        )
    config = read_config(file)
    if config.faults:
        raise ConfigFileError(config.faults)
    named = path or (os.environ if environ is None else environ).get("IECREAD_CONFIG")
    if not named and file == FILE:  # come upon in this folder
        config.strange = _strange(file)
    return config


def _strange(file: str) -> str:
    """Why a file may be somebody else's; empty if nothing says so.

    Whoever enters a folder must not run a stranger's command there, or send a file of
    his own as a password to a port that a stranger chose.
    """
    if sys.platform == "win32":
        return ""
    found = os.stat(file)
    if found.st_uid not in (0, os.geteuid()):
        return "a file in this folder that another user owns"
    if found.st_mode & stat.S_IWOTH:
        return "a file in this folder that all users may write"
    return ""


def conflicts(profiles: Iterable[Profile]) -> list[Fault]:
    """Meters that answer on one port, and would all at once.

    Args:
        profiles: those that are to be read in one run.
    """
    found: list[Fault] = []
    before: dict[str, list[Profile]] = {}
    for profile in profiles:
        if profile.port.startswith(("sim://", "replay://")):
            continue
        others = before.setdefault(line_of(profile.port), [])
        for other in others:
            mine, its = (p.get("address", default="") for p in (profile, other))
            if mine and its and mine.lstrip("0") != its.lstrip("0"):
                continue
            blank = profile if not mine else other
            what = f"address {mine!r}" if mine and its else "no address of its own"
            found.append(
                (profile if mine and its else blank).fault(
                    ("address",) if mine and its else ("port",),
                    f"{other.name} and {profile.name} share the port "
                    f"{profile.port}: {what}",
                    f"write an address of its own in [meters.{blank.name}], or say "
                    "enabled = false in one of them",
                )
            )
            break
        others.append(profile)
    return found


def line_of(port: str) -> str:
    """Return a name for the line that a port leads to, the same for all its names.

    ``/dev/serial/by-id/...`` and the device that it means are one line, and so are
    all URLs of one port of a gateway.

    Args:
        port: name or URL of a port.
    """
    scheme, separator, _ = port.partition("://")
    if separator and scheme.lower() in ("socket", "rfc2217"):
        from iecread.transports.tcp import parse_address

        try:
            host, number = parse_address(port)
        except PortError:  # said when it is opened
            return port
        return f"{host.casefold().rstrip('.')}:{number}"
    if separator:
        return port
    if sys.platform == "win32":
        return port.removeprefix("\\\\.\\").casefold()
    return os.path.realpath(port) if os.path.isabs(port) else port
