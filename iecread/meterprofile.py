"""One meter of meters.toml: its values, by their names and types.

A ``Profile`` holds what the file says of a meter, from its own table, the one that it
is ``like`` and ``[defaults]``, with the place of each value, so that an error found
much later still points at the line.  A password is fetched by nobody here; which
values a key may have is ``configschema``'s.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from iecread.configfaults import ConfigFileError, Fault
from iecread.configschema import LINE, Problem
from iecread.errors import ConfigError
from iecread.tomlplaces import Path

if TYPE_CHECKING:
    from decimal import Decimal

    from iecread.config import Config
    from iecread.passwords import PasswordSource

# keys of a meter that are options of Meter under the same name
_OPTIONS = (
    *(key for key in LINE if key != "clock"),
    *("address", "stay-at-baud", "option", "protocol", "expect-serial", "dialect"),
    "device",
)


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
        return self.password_at(None)

    def password_at(self, access: int | None) -> "PasswordSource | None":
        """Where the password comes from, to be sent at another level than it says.

        Args:
            access: 1 or 2, for P1 or P2; None: as it says.

        Raises:
            ConfigFileError: as ``password``, or it cannot be sent so.
        """
        table = self.values.get(("password",))
        if table is None:
            return None
        if access is not None:
            table = {**table, "access": access}
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

    def refuse_changes(self) -> None:
        """Stop where changes are forbidden.

        Raises:
            ConfigError: it is read-only.
        """
        if self.read_only:
            raise ConfigError(
                f"meter {self.name!r} is read-only ({self.origin('read-only')})",
                f"say read-only = false in [meters.{self.name}] of {self.config.path}",
            )

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
