"""Passwords: where they come from, and an object that does not show them.

A profile or option names one source (``password = { env = "KITCHEN" }``); the text is
fetched when it is to be sent, by :meth:`PasswordSource.fetch`, and lives in a
:class:`Secret`.  Whatever goes wrong is said without the text, and before anything
is sent.  Which algorithm answers a challenge is a name of ``algorithms``; how secrets
stay out of logs and traces is in ``masking``.
"""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, NoReturn, Protocol, TextIO

from iecread.algorithms import ALGORITHMS
from iecread.errors import ConfigError, IecReadError

MAX_LENGTH = 128
"""Longest value in programming mode C, in characters (6.3.14, item 5)."""

COMMAND_TIMEOUT = 30.0
"""Seconds that a password command may take."""

SERVICE = "iecread"
"""The service name in the keyring."""

_FORBIDDEN = frozenset("()*/!")  # 6.3.14, item 5: they would end the value
_MOST = 65536  # bytes read of a file or a command's output

# source -> what its argument is, and an example
_SOURCES = {
    "env": ("the name of a variable", 'env = "KITCHEN_PASSWORD"'),
    "file": ("a path", 'file = "/etc/iecread/kitchen.pass"'),
    "keyring": ("the name of an entry", 'keyring = "kitchen"'),
    "command": ("a list of texts", 'command = ["pass", "show", "kitchen"]'),
    "credential": ("the name of a credential", 'credential = "kitchen"'),
    "prompt": ("true", "prompt = true"),
    "value": ("a text", 'value = "..."'),
}


class Secret:
    """A password or lock code that can be sent and shows itself as ``***``.

    Args:
        text: the characters.
        limit: how many there may be: 128 in mode C, 32 in modes A and B.

    Raises:
        ConfigError: a character cannot be sent, or there are too many.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str, limit: int = MAX_LENGTH) -> None:
        if any(not " " <= c <= "~" or c in _FORBIDDEN for c in text):
            raise ConfigError(
                "the password has a character that the protocol cannot carry",
                "it may have ASCII characters without ( ) * / ! and control characters",
            )
        if len(text) > limit:
            raise ConfigError(
                f"the password is longer than {limit} characters",
                "a meter's password mostly has eight",
            )
        self._text = text

    def reveal(self) -> str:
        """Return the characters, to be sent and to nothing else."""
        return self._text

    def __repr__(self) -> str:
        return "***"

    def __format__(self, specification: str) -> str:
        return "***"

    def __eq__(self, other: object) -> bool:
        return self._text == other._text if isinstance(other, Secret) else False

    __hash__ = None  # type: ignore[assignment]  # a hash would tell it

    def __copy__(self) -> "Secret":
        return self

    def __deepcopy__(self, memo: object) -> "Secret":
        return self

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a secret is not to be stored")


class Around(Protocol):
    """The surroundings that a source may ask: those of the command line have them."""

    @property
    def environ(self) -> Mapping[str, str]: ...
    @property
    def stdin(self) -> TextIO | None: ...
    @property
    def stderr(self) -> TextIO | None: ...


class _Process(NamedTuple):
    """The surroundings of a program."""

    environ: Mapping[str, str]
    stdin: TextIO | None
    stderr: TextIO | None


@dataclass(frozen=True, slots=True)
class PasswordSource:
    """Where a password comes from and how it is sent; made by :meth:`from_table`.

    Attributes:
        kind: ``env``, ``file``, ``keyring``, ``command``, ``credential``, ``prompt``
            or ``value``.
        argument: variable, path, entry, words of the command, credential, or the
            secret; empty for ``prompt``.
        where: who asks, for messages: ``meters.feeder-1`` or ``--password-env``.
        access: 1 or 2: sent as P1 or P2.
        algorithm: name in ``algorithms.ALGORITHMS``.
        settled: whether access or algorithm were said; if not, a device profile may
            know them.
    """

    kind: str
    argument: "str | tuple[str, ...] | Secret"
    where: str
    access: int = 1
    algorithm: str = "plain"
    settled: bool = False

    @classmethod
    def from_table(
        cls,
        table: Mapping[str, Any],
        where: str,
        *,
        folder: str = "",
        private: bool = False,
    ) -> "PasswordSource":
        """Check a ``password = { ... }`` table; nothing is read yet.

        Args:
            table: exactly one source, perhaps ``access`` and ``algorithm``.
            where: who says so, for messages.
            folder: what relative paths are relative to.
            private: whether nobody but the user can read where the table stands;
                ``value`` needs that.

        Raises:
            ConfigError: the table is none, or not right.
        """
        try:
            kind = _kind(table)
            access, algorithm = _sending(table)
            argument = table[kind]
            if kind == "value":
                if not private:
                    raise ConfigError(
                        "password.value stands in a file that others can read",
                        "chmod 600 that file, or use env, file or keyring instead",
                    )
                argument = Secret(argument)
        except ConfigError as error:
            raise _at(where, error) from None
        if kind == "file":
            argument = os.path.join(folder, os.path.expanduser(argument))
        elif kind == "command":
            argument = tuple(argument)
        elif kind == "prompt":
            argument = ""
        settled = "access" in table or "algorithm" in table
        return cls(kind, argument, where, access, algorithm, settled)

    def __str__(self) -> str:
        """Name the source in words; the password is not in them."""
        if self.kind == "command":
            return f"command {self.argument[0]!r}"  # type: ignore[index]
        if self.kind in ("prompt", "value"):
            return {"prompt": "the prompt", "value": "the profile"}[self.kind]
        names = {"env": "variable", "keyring": "keyring entry"}
        return f"{names.get(self.kind, self.kind)} {self.argument!r}"

    def check_file(self) -> None:
        """Look whether a password file is there and private; others are not asked.

        Raises:
            ConfigError: it is not.
        """
        if self.kind == "file":
            assert isinstance(self.argument, str)
            _password_file(self.argument)

    def fetch(self, around: Around | None = None) -> Secret:
        """Get the password.  Call it once per run: it may ask a person.

        Args:
            around: environment, stdin and stderr; None: those of this process.

        Raises:
            ConfigError: it is not there, may not be used, or cannot be sent.
        """
        argument = self.argument
        if isinstance(argument, Secret):
            return argument
        around = around or _Process(os.environ, sys.stdin, sys.stderr)
        try:
            if isinstance(argument, tuple):
                text = _from_command(argument, around.environ)
            else:
                text = _FETCH[self.kind](argument, around, self.where)
            if not text:
                raise ConfigError(
                    f"the password from {self} is empty",
                    "put the meter's password there",
                )
            return Secret(text)
        except ConfigError as error:
            raise _at(self.where, error) from error.__cause__

    def answer(self, secret: Secret, operand: str) -> str:
        """Return what to put into P1 or P2.

        Args:
            secret: what :meth:`fetch` gave.
            operand: what the meter put into P0, without brackets.

        Raises:
            ConfigError: the password does not fit the algorithm.
            RemoteProtocolError: the operand does not.
        """
        try:
            return ALGORITHMS[self.algorithm](secret.reveal(), operand)
        except IecReadError as error:
            raise _at(self.where, error) from None


def _at(where: str, error: IecReadError) -> IecReadError:
    """The same error, with who asked."""
    return type(error)(f"{where}: {error.message}", error.hint)


def _kind(table: object) -> str:
    """The one source that the table names, its argument checked."""
    if not isinstance(table, Mapping):
        raise ConfigError(
            "password is a table that says where the password is",
            'such as password = { env = "KITCHEN_PASSWORD" }',
        )
    known = [*_SOURCES, "access", "algorithm"]
    for key in table:
        if key not in known:
            raise ConfigError(f"password has no key {key!r}", _suggest(str(key), known))
    kinds = [kind for kind in _SOURCES if kind in table]
    if len(kinds) != 1:
        raise ConfigError(
            f"password needs exactly one source, it has {', '.join(kinds) or 'none'}",
            f"one of {', '.join(_SOURCES)}",
        )
    what, example = _SOURCES[kinds[0]]
    if not _fits(kinds[0], table[kinds[0]]):
        raise ConfigError(
            f"password.{kinds[0]} is {what}", f"such as password = {{ {example} }}"
        )
    return kinds[0]


def _fits(kind: str, argument: object) -> bool:
    """Whether the argument of a source is of its form."""
    if kind == "prompt":
        return argument is True
    if kind == "command":
        return (
            isinstance(argument, (list, tuple))
            and bool(argument)
            and all(isinstance(word, str) and "\0" not in word for word in argument)
            and bool(argument[0])
        )
    if not isinstance(argument, str):
        return False
    if kind == "env":
        return bool(argument) and not set(argument) & {"=", "\0"}
    if kind == "credential":  # a name in systemd's folder, never a way out of it
        return argument not in ("", ".", "..") and not set(argument) & {"/", "\0"}
    return kind == "value" or bool(argument) and "\0" not in argument


def _sending(table: Mapping[str, Any]) -> tuple[int, str]:
    """The keys that say how the password is sent: access and algorithm."""
    algorithm = table.get("algorithm", "plain")
    if algorithm not in list(ALGORITHMS):
        raise ConfigError(
            f"password.algorithm cannot be {algorithm!r}",
            _suggest(str(algorithm), list(ALGORITHMS)),
        )
    access = table.get("access", 1 if algorithm == "plain" else 2)
    if isinstance(access, bool) or access not in (1, 2):
        raise ConfigError("password.access is 1 or 2", "1 is sent as P1, 2 as P2")
    if algorithm != "plain" and access == 1:
        raise ConfigError(
            f"algorithm {algorithm!r} answers with P2", "leave access out, or 2"
        )
    return access, algorithm


def _suggest(word: str, known: list[str]) -> str:
    from difflib import get_close_matches

    near = get_close_matches(word, known, 1)
    return f"did you mean {near[0]!r}?" if near else f"one of {', '.join(known)}"


def _from_environment(name: str, around: Around, where: str) -> str:
    text = around.environ.get(name)
    if not text:
        raise ConfigError(
            f"the variable {name!r} is {'not set' if text is None else 'empty'}",
            "set it where iecread is started: cron does not read your shell's files",
        )
    return text


def _from_file(path: str, around: Around, where: str) -> str:
    return _first_line(_password_file(path))


def _password_file(path: str) -> bytes:
    """The beginning of a password file that only its owner can read."""
    from iecread.statefolder import read_file, reason

    try:
        data, found = read_file(path, _MOST)
    except OSError as error:
        raise ConfigError(
            f"cannot read the password file {path!r}: {reason(error)}",
            "its first line is the password; only you may read it",
        ) from error
    if sys.platform != "win32":
        if found.st_uid not in (os.geteuid(), 0):
            raise ConfigError(
                f"the password file {path!r} belongs to another user",
                f"chown it to the user that runs iecread: {_user_name()}",
            )
        if found.st_mode & 0o077:
            raise ConfigError(
                f"others may read or write the password file {path!r}",
                f"chmod 600 {path}",
            )
    return data


def _user_name() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "the one of this program"


def _first_line(data: bytes) -> str:
    """The first line, without its end; each byte one character, so nothing fails."""
    if data.startswith(b"\xef\xbb\xbf"):  # as some editors on Windows begin a file
        data = data[3:]
    return data.partition(b"\n")[0].removesuffix(b"\r").decode("latin-1")


def _from_keyring(name: str, around: Around, where: str) -> str:
    try:
        import keyring  # type: ignore[import-not-found,unused-ignore]
    except ImportError as error:
        raise ConfigError(
            "the keyring needs a package that is not installed",
            'pip install "iecread[keyring]"',
        ) from error
    try:
        text: str | None = keyring.get_password(SERVICE, name)
    except Exception as error:  # each of its backends raises its own
        raise ConfigError(
            f"the keyring cannot be read: {type(error).__name__}",
            "unlock it, or use another source: cron mostly has no keyring",
        ) from error
    if text is None:
        raise ConfigError(
            f"the keyring has no password for {name!r}",
            f"keyring set {SERVICE} {name}",
        )
    return text


def _from_credential(name: str, around: Around, where: str) -> str:
    from iecread.statefolder import read_file, reason

    folder = around.environ.get("CREDENTIALS_DIRECTORY", "")
    if not os.path.isabs(folder):
        raise ConfigError(
            f"there are no systemd credentials here, {name!r} was asked for",
            f"LoadCredential={name}:/path in the unit; elsewhere use file",
        )
    try:  # systemd keeps it private, partly with an ACL that a mode does not show
        return _first_line(read_file(os.path.join(folder, name), _MOST)[0])
    except OSError as error:
        raise ConfigError(
            f"cannot read the credential {name!r}: {reason(error)}",
            f"LoadCredential={name}:/path in the unit",
        ) from error


def _from_prompt(argument: str, around: Around, where: str) -> str:
    import getpass
    import warnings

    hint = "use env, file, keyring or command where nobody can be asked"
    try:
        terminal = around.stdin is not None and around.stdin.isatty()
    except ValueError:  # closed
        terminal = False
    if not terminal:
        raise ConfigError("no terminal to ask for the password", hint)
    try:
        with warnings.catch_warnings():
            # it would show the password while it is typed
            warnings.simplefilter("error", getpass.GetPassWarning)
            return getpass.getpass(f"Password for {where}: ", around.stderr)
    except getpass.GetPassWarning as error:
        raise ConfigError("this terminal cannot hide a password", hint) from error
    except (EOFError, OSError, ValueError) as error:
        raise ConfigError("no password was typed", hint) from error


def _from_command(words: tuple[str, ...], environ: Mapping[str, str]) -> str:
    """The first line that a command writes; its stderr goes where ours goes."""
    import subprocess
    from threading import Thread

    from iecread.statefolder import reason

    name = words[0]  # the other words may hold a secret
    try:
        process = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            env=dict(environ),
        )
    except (OSError, ValueError) as error:
        why = reason(error) if isinstance(error, OSError) else "it cannot be started"
        raise ConfigError(
            f"the password command {name!r} did not start: {why}",
            "give its full path: cron and systemd have a short PATH",
        ) from error
    assert process.stdout is not None
    stream, data = process.stdout, bytearray()

    def read() -> None:
        while len(data) <= _MOST and (part := stream.read1(4096)):  # type: ignore[attr-defined]
            data.extend(part)

    # A thread, since a grandchild may keep the pipe open for ever
    reader = Thread(target=read, daemon=True)
    try:
        reader.start()
        reader.join(COMMAND_TIMEOUT)
        if reader.is_alive():
            raise ConfigError(
                f"the password command {name!r} took over {COMMAND_TIMEOUT:.0f} s",
                "try it in a shell: it may ask for something",
            )
        if len(data) > _MOST:
            raise ConfigError(
                f"the password command {name!r} writes without end",
                "its first line is the password",
            )
        stream.close()
        status = process.wait(COMMAND_TIMEOUT)
    except subprocess.TimeoutExpired as error:
        raise ConfigError(
            f"the password command {name!r} does not end", "try it in a shell"
        ) from error
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    if status:
        raise ConfigError(
            f"the password command {name!r} failed with status {status}",
            "try it in a shell",
        )
    return _first_line(bytes(data))


_FETCH = {
    "env": _from_environment,
    "file": _from_file,
    "keyring": _from_keyring,
    "credential": _from_credential,
    "prompt": _from_prompt,
}
