"""How ``dump`` reads one meter: what its profile asks for, in the line's own thread.

Readouts are read as ``readout`` does.  A meter with a password (or ``read-command``)
and a list of registers is read as ``read`` does, and one with a load profile is asked
for that besides; where it names an archive and no registers, for that alone.
Passwords are fetched, and asked for refusals, before any port is opened.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from iecread.capture import trace_path
from iecread.cli.context import BYTES, STEPS, Surroundings
from iecread.cli.exitcodes import PartialError
from iecread.cli.login import Access, Station, journal_of, warn
from iecread.cli.recording import fitting, meters_own, with_tape
from iecread.errors import ConfigError, IecReadError, RefusedError
from iecread.fleet import Outcome, Task, Turn, failed

if TYPE_CHECKING:
    from iecread.cli.dump import Wishes
    from iecread.cli.dumpstore import Stores
    from iecread.meterprofile import Profile
    from iecread.passwords import PasswordSource, Secret
    from iecread.programming import Programming
    from iecread.readings import Readout
    from iecread.refusals import Refusals

DEFAULT_WAIT = 30.0
"""Seconds that a dump waits for a port that another program holds."""


@dataclass(frozen=True, slots=True)
class _Job:
    """One meter, ready to be read."""

    profile: "Profile"
    access: "Access"


class Reader:
    """Makes tasks of profiles, and carries them out.

    Args:
        around: the surroundings.
        stores: where rows go.
        wishes: what was said on the command line.
    """

    def __init__(
        self, around: Surroundings, stores: "Stores", wishes: "Wishes"
    ) -> None:
        self._around = around
        self._stores = stores
        self._wishes = wishes
        self._secrets: dict[tuple[object, ...], Secret | IecReadError] = {}
        self._refusals: Refusals | None = None

    def tasks(self, profiles: "Sequence[Profile]") -> tuple[list[Task], list[Outcome]]:
        """Return what is to be read, and the outcomes that are known already.

        A meter whose password is not to be had, or was refused lately, has its outcome
        without its port being opened.

        Raises:
            ConfigError: a password file is missing or open to others, or there is
                no folder to remember refusals in.
        """
        tasks, known = [], []
        said = self._options(profiles)
        for profile in profiles:
            try:
                options = with_tape(self._around, profile.port, said[profile.name])
                enters = _logs_in(profile)
                access = self._access(profile, options) if enters else Access()
            except IecReadError as error:
                source = profile.password
                if isinstance(error, ConfigError) and source and source.kind == "file":
                    # it stays wrong until somebody looks: better at once
                    raise profile.wrong(
                        ("password",), error.message, error.hint
                    ) from error
                known.append(failed(profile.name, error))
                continue
            tasks.append(self._task(_Job(profile, access), options))
        return tasks, known

    def _options(self, profiles: "Sequence[Profile]") -> dict[str, dict[str, Any]]:
        """What each meter and the command line say; no two record into one file."""
        found, count = {}, Counter[str]()
        for profile in profiles:
            options = dict(profile.options)
            for key in ("retries", "timeout", "trace", "trace_mask_serials"):
                if getattr(self._wishes, key) is not None:
                    options[key] = getattr(self._wishes, key)
            if "trace" in options:
                options["trace"] = trace_path(options["trace"], profile.name)
                count[options["trace"]] += 1
            found[profile.name] = options
        for name, options in found.items():
            if count[options.get("trace", "")] > 1:
                options["trace"] = meters_own(options["trace"], name)
        return found

    def tell_notes(self) -> None:
        """Say what a person should know of the memory of refusals."""
        notes = self._refusals.notes if self._refusals else []
        while notes:
            self._around.note(notes.pop(0))

    def _task(self, job: _Job, options: dict[str, Any]) -> Task:
        wishes = self._wishes
        wait = options.pop("wait", DEFAULT_WAIT) if wishes.wait is None else wishes.wait
        return Task(
            job.profile.name,
            job.profile.port,
            lambda turn: self._read(job, turn),
            options,
            wait,
        )

    # --- passwords -----------------------------------------------------------

    def _access(self, profile: "Profile", options: dict[str, Any]) -> Access:
        source = fitting(profile.password, options)
        if source is None:
            return Access()
        from iecread.refusals import Refusals
        from iecread.session import Meter
        from iecread.statefolder import state_folder

        if self._refusals is None:
            self._refusals = Refusals(state_folder(self._around.environ))
        meter = Meter(profile.port, **options)
        lock, secret = profile.lock or "customer", self._secret(source)
        try:
            refusals = None if meter.replayed else self._refusals
            return Access.of(source, secret, refusals, meter, lock=lock)
        except RefusedError as error:
            register = "1:180" if profile.dialect == "lis200" else "0.0.0"
            raise RefusedError(
                error.message,
                f"mend the password; was the meter mended: iecread read {profile.name} "
                f"{register} --force-login",
            ) from error

    def _secret(self, source: "PasswordSource") -> "Secret":
        """The password of a source, fetched once for all meters that name it."""
        key: tuple[object, ...] = (source.kind, source.argument)
        if source.kind in ("prompt", "value"):  # of each meter its own
            key = (source.where,)
        if key not in self._secrets:
            try:
                self._secrets[key] = source.fetch(self._around)
            except IecReadError as error:
                self._secrets[key] = error
        found = self._secrets[key]
        if isinstance(found, IecReadError):
            raise found
        return found

    # --- in the thread of the line -------------------------------------------

    def _read(self, job: _Job, turn: Turn) -> None:
        """Read and store all that the profile of a meter asks for.

        Raises:
            PartialError: some of it was not there; the rest is stored.
            IecReadError: it could not be read or stored.
        """
        profile, meter = job.profile, turn.meter
        flush = self._watch(profile.name, turn)
        try:
            missing: list[str] = []
            names: tuple[str, ...] | None = None
            if _archive_alone(profile):
                self._profile(job, turn, None)
                return
            if _by_register(profile):
                readout, missing, names = self._registers(job, turn)
            else:
                readout = meter.readout()
            serial = readout.serial
            missing = self._store(profile, turn, readout, missing, names)
            if profile.load_profile is not None:
                turn.rest()
                self._profile(job, turn, serial)
        finally:
            flush()
        if missing:
            raise PartialError(
                f"not in the readout: {', '.join(missing)}",
                f"see registers in {profile.origin('registers')}",
            )

    def _store(
        self,
        profile: "Profile",
        turn: Turn,
        readout: "Readout",
        missing: list[str],
        registers: tuple[str, ...] | None,
    ) -> list[str]:
        """Store what is wanted of a readout; return what was not in it."""
        from iecread.selection import Selection

        try:
            with turn:
                selection = Selection.of(profile, registers)
                missing = missing or selection.missing(readout)
                readout = selection.apply(readout)
            turn.rows += self._stores.readout(profile, readout)
        finally:
            turn.settled()
        return missing

    def _registers(
        self, job: _Job, turn: Turn
    ) -> "tuple[Readout, list[str], tuple[str, ...] | None]":
        """Registers one by one; the data readout where a meter does not know that.

        Returns:
            The readout, what was not in it, and the codes to choose from it: none where
            a device has names, since then all of it was asked for.
        """
        profile, sent = job.profile, False
        login = job.access.login
        if login is not None:
            answer = login.answer

            def noticed(operand: str) -> str:
                nonlocal sent
                sent = True
                return answer(operand)

            login = replace(login, answer=noticed)
        access = job.access._replace(login=login)
        station = self._station(job, turn, access)
        try:
            with station.session(serial=True) as session:
                found, missing = self._each(profile, session)
                readout = station.readout(session, found, complete=not missing)
                return readout, missing, () if session.speaks_lis200 else None
        except RefusedError:
            if sent or station.entered:
                raise
        return turn.meter.readout(), [], None

    @staticmethod
    def _each(
        profile: "Profile", session: "Programming"
    ) -> tuple[list[Any], list[str]]:
        found: list[Any] = []
        missing: list[str] = []
        refused: RefusedError | None = None
        for code in profile.registers:
            try:
                found += session.read_all(code.replace("@", "*"))
            except RefusedError as error:
                missing.append(code)
                refused = error
        if refused is not None and not found:
            raise refused
        return found, missing

    def _profile(self, job: _Job, turn: Turn, serial: str | None) -> None:
        """Read the load profile or archive of a meter and store what is new of it."""
        from iecread.cli.dumparchive import read_records
        from iecread.cli.dumpprofile import read_profile

        profile = job.profile
        station = self._station(job, turn, job.access)
        if profile.load_profile is not None and profile.load_profile.archive:
            rows = read_records(profile, station, serial, self._stores, turn.rest)
        else:
            rows = read_profile(profile, station, serial, self._stores)
        turn.rows += rows

    def _station(self, job: _Job, turn: Turn, access: Access) -> Station:
        commands: dict[str, Any] = {"read_command": job.profile.read_command}
        if access.key is not None:
            commands["journal"] = journal_of(self._around)
        return Station(turn.meter, access, lambda: None, commands)

    def _watch(self, name: str, turn: Turn) -> Callable[[], None]:
        """Have warnings, steps and bytes of one meter told under its name."""
        named = _Named(self._around, name)
        turn.meter.on_warning = lambda text: warn(named, text)
        if self._around.verbosity < STEPS:
            return lambda: None
        from iecread.cli.watch import Log

        log = Log(named, turn.meter.elapsed)
        turn.meter.on_step = log.step
        if self._around.verbosity >= BYTES:
            turn.meter.on_bytes = log.bytes
        return log.flush


class _Named(Surroundings):
    """Surroundings whose lines on stderr begin with the name of a meter."""

    def __init__(self, around: Surroundings, name: str) -> None:
        super().__init__(**vars(around))
        self._around, self._name = around, name

    def say(self, text: str) -> None:
        self._around.say(f"{self._name}: {text}")


def _by_register(profile: "Profile") -> bool:
    """Whether registers are read one by one: they are known, and so is the way in."""
    from iecread.obis import ANY, read_template

    asked = profile.password is not None or profile.read_command is not None
    if not asked or not profile.registers or profile.get("mode") in ("a", "d"):
        return False
    texts = (code.replace("@", "*").upper() for code in profile.registers)
    codes = (read_template(text.replace("X", "x")) for text in texts)
    return not any(code is not None and ANY in code for code in codes)


def _archive_alone(profile: "Profile") -> bool:
    """Whether an archive is all that is wanted: no registers of the device are named.

    Its data readout is empty, or refused, while its locks are closed.
    """
    keys = profile.load_profile
    return keys is not None and keys.archive is not None and not profile.registers


def _logs_in(profile: "Profile") -> bool:
    """Whether anything of a meter is read in programming mode."""
    return _by_register(profile) or profile.load_profile is not None
