"""meters.toml: found, read, checked, and made into the meters that it names.

The first file found is used, never several.  What a meter does not say comes from
the meter that it is ``like``, then from ``[defaults]``; where each value stands is
remembered.  ``configschema`` knows the keys, ``meterprofile`` what they mean for one
meter; ``tomlplaces`` knows the lines, so that an error points at what is wrong.

Reading the file opens no port and fetches no password.
"""

import os
import stat
import sys
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any

import tomli

from iecread.configfaults import ConfigFileError, Fault
from iecread.configschema import OWN, Checked, Problem, check, lineage
from iecread.errors import ConfigError
from iecread.meterprofile import Profile
from iecread.statefolder import read_file, reason
from iecread.tomlplaces import Path, Place, Places
from iecread.transports import line_of

FILE = "meters.toml"
_LARGEST = 16 << 20  # bytes; ten thousand meters are a tenth of it


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
        path: the file; None to look for it (``$IECREAD_CONFIG``,
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
