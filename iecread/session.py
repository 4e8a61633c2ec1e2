"""One meter on one line: what `Meter` offers to programs and to the command line.

A readout, an identification and telegrams come from meterreadout.py, the line itself
from meterline.py.  Here are the sessions in which a meter is asked, told and logged in
to, each a context manager: on every way out it is signed off, and where the line was
lost while something stood open, that is closed over a new one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import TYPE_CHECKING

from iecread.credentials import key_for, key_to_send, login_for, login_from
from iecread.errors import IecReadError, PortError
from iecread.meterreadout import ReadoutMeter
from iecread.transports import LineKind

if TYPE_CHECKING:  # imported where used: the first byte leaves before they are needed
    from iecread.journal import Journal
    from iecread.lis200key import Key
    from iecread.lis200session import Lis200
    from iecread.login import Login
    from iecread.passwords import PasswordSource, Secret
    from iecread.programming import Programming
    from iecread.protocol.guard import Guard
    from iecread.refusals import Refusals


class Meter(ReadoutMeter):
    """A meter on a line; a context manager that opens and closes it.

    Args:
        port: name or URL of the port: ``/dev/ttyUSB0``, ``COM3``,
            ``socket://host:port``, ``rfc2217://host:port``, ``sim://household``,
            ``replay://FILE``: then options that are not given are the recording's.
            What is not spelled like one names a meter of meters.toml; that of another
            file is ``load_config(file).meter(name)``, a Profile.
        tape: what records the line or plays it back, where several meters share it;
            None: as ``port`` and ``trace`` say.
        memory: what was learned of this meter, used and kept up to date; None: none.
        **options: the attributes of MeterOptions; those of the meter in meters.toml
            are used where they are not given, ``None`` or ``auto``.

    Attributes:
        profile: the meter of meters.toml, which may forbid changes, name the password,
            lock and commands; None for a port.  Which registers it wants and how they
            are scaled (``selection.Selection``), and what its clock follows
            (``profile.clock``), is left to the caller.
        options: how the meter is read; a device profile that was named is in them.
        device: the device profile of the meter, as soon as it is known which one.
        data: the bytes that the last readout accepted, as they came.
        on_event: called with each event and the seconds since the start.
        on_bytes: called with ``tx`` or ``rx``, the bytes, and these seconds.
        on_step: called with one line of words for each step.
        on_warning: called with one line of words on what a person should know: a
            telegram was damaged, a lock could not be closed again.
        on_open: given the line that was opened; what it returns is used in its place.
        computing: entered while a readout is decoded; a lock where many meters are
            read at once.

    Raises:
        ConfigError: an option has a value that it cannot have; or no such meter is in
            meters.toml, or that is wrong or missing.
        PortError: the file of ``replay://`` cannot be read.
    """

    _secret: Secret | None = None  # that of meters.toml, once it was fetched

    @contextmanager
    def programming(
        self,
        password: str | Callable[[str], str] | Login | None = None,
        *,
        level: int | None = None,
        read_command: str | None = None,
        write_command: str | None = None,
        journal: Journal | None = None,
    ) -> Iterator[Programming]:
        """Enter programming mode; a context manager that signs off on every way out.

        Args:
            password: text, a function of the operand of P0, or a Login; None: that of
                the meter in meters.toml, else to log in without one.  A refused one
                is not sent again for 24 hours.
            level: 1 or 2, for P1 or P2 (6.3.14, item 19); None: as meters.toml says,
                then as the device profile says, which then also says how a text
                answers the operand; else 1.
            read_command: R1 to R6 to read with; None: as meters.toml says, then as the
                device profile says, or to find out.
            write_command: W1 to W5; None: as meters.toml says, then as the device
                profile says, else W1.
            journal: where changes are written down; None: nowhere.

        Raises:
            RefusedError: no programming mode, or the password was refused, now or
                within the last day.
            ConfigError: the password cannot be had or sent, or a refusal not be
                remembered; or, by a change, that the meter is read-only.
            CheckError: it is another meter than ``expect_serial`` names.
            NoAnswerError: the meter is silent.
            RemoteProtocolError: what came stayed damaged.
            PortError: the line was lost.
        """
        login = None
        if password is None and self.options.dialect != "lis200":
            login = self._own_login(level)
        login = login or login_for(password, level, self.options, self._tape)
        if login:
            login.allow(datetime.now().astimezone())
        with self._session(
            read_command=read_command, write_command=write_command, journal=journal
        ) as held:
            held[0].enter(self._start, login)
            self._demand_expected(held[0])
            yield held[0]

    @contextmanager
    def lis200(
        self,
        code: str | Secret | None = None,
        *,
        lock: str | int | None = None,
        journal: Journal | None = None,
    ) -> Iterator[Lis200]:
        """Enter a session with a LIS-200 device: a gas converter, logger or BK meter.

        On every way out the locks that it opened are closed, and it is signed off.

        Args:
            code: of the lock that is opened where one is needed; a refused one is not
                sent again for 24 hours.  None: the password in meters.toml; without
                one nothing is opened by itself.
            lock: which one: ``customer``, ``supplier``, ``administrator``,
                ``data-reader``, ``user``, or 1 to 6; None: as meters.toml says, else
                ``customer``.
            journal: where changes are written down; None: nowhere.

        Raises:
            RefusedError: it does not let itself be programmed, or refused this code
                within the last day.
            ConfigError: no such lock, or what cannot be a code; or, by a change, that
                the device is read-only.
            NoAnswerError: the device is silent.
            RemoteProtocolError: what came stayed damaged.
            CheckError: it is another device than ``expect_serial`` names; or, at the
                end, a lock that was opened may still be open.
            PortError: the line was lost.
        """
        from iecread.lis200.locks import lock_number

        if lock is None:
            lock = (self.profile and self.profile.lock) or "customer"
        number, key = lock_number(lock), None
        if code is None and (source := self._own_source()):
            code = self._own_secret(source)
        if code is not None and not self.replayed:
            key = self.key(code, number)
            key.allow(datetime.now().astimezone())
        key = key_to_send(key, self._tape)
        with self._session(journal=journal, certain=True) as held:
            held[0].open(self._start)
            session = self._recognised(held, key)
            self._demand_expected(session)
            yield session

    @contextmanager
    def dialogue(
        self,
        login: Login | None = None,
        key: Key | None = None,
        *,
        certain: bool = False,
        read_command: str | None = None,
        write_command: str | None = None,
        journal: Journal | None = None,
    ) -> Iterator[Programming]:
        """Enter programming mode, or a LIS-200 session where the meter speaks it.

        Args:
            login: the password of a meter that has passwords.
            key: the lock and code of a device that has locks.
            certain: whether it is known to be one of the latter.
            read_command, write_command, journal: as for ``programming``.

        Raises:
            the errors of ``programming`` and ``lis200``.
        """
        login = login_for(login, None, self.options, self._tape)
        key = key_to_send(key, self._tape)
        with self._session(
            certain=certain,
            read_command=read_command,
            write_command=write_command,
            journal=journal,
        ) as held:
            session = held[0]
            session.open(self._start)
            if login is not None and not session.speaks_lis200:
                session.log_in(login)
            if session.speaks_lis200:
                yield self._recognised(held, key)
            else:
                yield session

    def _demand_expected(self, session: Programming) -> None:
        if self.options.expect_serial is not None:
            self.demand_serial(session.read_serial())

    def _own_source(self, level: int | None = None) -> PasswordSource | None:
        """Where meters.toml says that the password is; a replay needs none."""
        if self.profile is None or self.replayed:
            return None
        return self.profile.password_at(level)

    def _own_secret(self, source: PasswordSource) -> Secret:
        """Fetch it once: that may ask a person."""
        if self._secret is None:
            self._secret = source.fetch()
        return self._secret

    def _own_login(self, level: int | None = None) -> Login | None:
        source = self._own_source(level)
        if source is None:
            return None
        from iecread.refusals import Refusals
        from iecread.statefolder import state_folder

        secret, refusals = self._own_secret(source), Refusals(state_folder())
        return login_from(source, secret, self.options, refusals)

    def key(
        self, code: str | Secret, lock: int, *, refusals: Refusals | None = None
    ) -> Key:
        """Return the code of a lock, with the memory of refused ones.

        Args:
            code: the code.
            lock: the number of the lock.
            refusals: the memory; None: that of the state folder.

        Raises:
            ConfigError: it cannot be sent.
        """
        return key_for(code, lock, self.options, self._tape, refusals)

    @contextmanager
    def _session(
        self,
        *,
        certain: bool = False,
        read_command: str | None = None,
        write_command: str | None = None,
        journal: Journal | None = None,
    ) -> Iterator[list[Programming]]:
        """A session that is not open yet; whatever stands in its list is left."""
        from iecread.programming import Programming
        from iecread.protocol.programming import ProgrammingEngine

        self._begin()
        options, profile = self.options, self.profile
        if profile is not None:
            read_command = read_command or profile.read_command
            write_command = write_command or profile.write_command
        option = "1" if options.option == "0" else options.option
        engine = ProgrammingEngine(
            self._reader_options(option=option), self._guard(certain)
        )
        engine.speed, engine.left = self._line_speed, self._left
        session = Programming(
            engine,
            self._events,
            timezone=options.timezone,
            read_command=read_command,
            write_command=write_command,
            device=lambda: self.device,
            journal=None if self.replayed else journal,
            name=options.meter or f"{options.port} {options.address}".strip(),
            refuse_changes=profile.refuse_changes if profile else lambda: None,
            now=self.now,
            clock=self._tape.monotonic,
        )
        held = [session]
        try:
            yield held
        except PortError:
            self._lost(held[0])
            raise
        except BaseException:
            with suppress(IecReadError):
                self._leave(held[0])
            raise
        else:
            if engine.identification is not None:
                self._learn(engine)
            self._leave(held[0])
        finally:
            self._left = engine.left

    def _guard(self, certain: bool) -> Guard:
        if self.options.dialect == "iec" and not certain:
            from iecread.protocol.guard import Guard

            guard = Guard()
            guard.passwords = True
            return guard
        from iecread.lis200.gate import TCP_PAUSE, Gate

        tcp = self._open_transport().kind is LineKind.TCP
        return Gate(
            certain=certain or self.options.dialect == "lis200",
            pause=TCP_PAUSE if tcp else 0.0,
        )

    def _recognised(self, held: list[Programming], key: Key | None) -> Lis200:
        from iecread.lis200session import Lis200

        session = Lis200(held[0], key)
        if self.on_warning:
            session.warn = self.on_warning
        held[0] = session
        session.recognise()
        return session

    def _leave(self, session: Programming) -> None:
        """End a session; an interruption does not keep it from that."""
        try:
            session.leave()
        except KeyboardInterrupt:
            session.leave()
            raise
        except PortError:
            self._lost(session)
            raise

    def _lost(self, session: Programming) -> None:
        """The line was lost: what was opened is closed over a new one."""
        if not session.owes_closing:
            return
        try:
            self.close()
            self.open()
        except IecReadError as error:
            session.cannot_leave(error.message)
            return
        session.line_renewed(self._line_speed)
        try:
            session.leave()
        except PortError as error:
            session.cannot_leave(error.message)
        except IecReadError:
            pass  # said already
