"""Passwords: each source, what it refuses, and that none shows its text."""

import contextlib
import copy
import io
import json
import os
import pickle
import subprocess
import sys
import time
import traceback
from dataclasses import dataclass, field

import pytest

from iecread import passwords
from iecread.errors import ConfigError, RemoteProtocolError
from iecread.passwords import PasswordSource, Secret

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")
TEXT = "s3cr3t-9"


class Screen(io.StringIO):
    def isatty(self) -> bool:
        super().isatty()  # raises once it is closed
        return True


@dataclass
class Around:
    """Surroundings as a source sees them."""

    environ: dict = field(default_factory=lambda: dict(PATH=os.environ["PATH"]))
    stdin: io.StringIO | None = field(default_factory=io.StringIO)
    stderr: io.StringIO | None = field(default_factory=io.StringIO)


def source(table: object, **more: object) -> PasswordSource:
    return PasswordSource.from_table(table, "meters.gas", **more)


def fetch(table: object, around: Around | None = None, **more: object) -> str:
    return source(table, **more).fetch(around or Around()).reveal()


def refused(call, *arguments: object, **more: object) -> ConfigError:
    """The error of a call; it names the meter, has a hint, shows no secret."""
    with pytest.raises(ConfigError) as caught:
        call(*arguments, **more)
    error = caught.value
    whole = "".join(traceback.format_exception(error)) + error.hint
    assert "meters.gas" in error.message
    assert error.hint
    assert TEXT not in whole.replace(f"{TEXT}.py", "")
    return error


def test_a_secret_does_not_show_itself():
    secret = Secret(TEXT)
    texts = [repr(secret), str(secret), f"{secret}", f"{secret:>20}", f"{secret!r}"]
    texts += ["%s %r" % (secret, secret), str([secret]), "{0}".format(secret)]  # noqa: UP030, UP031, UP032
    assert not any(TEXT in text for text in texts)
    assert set(texts[:5]) == {"***"}
    assert secret.reveal() == TEXT
    assert not hasattr(secret, "__dict__")
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        with pytest.raises(TypeError):
            pickle.dumps(secret, protocol)
    with pytest.raises(TypeError):
        json.dumps({"password": secret})
    with pytest.raises(TypeError):
        hash(secret)
    assert copy.copy(secret) is secret and copy.deepcopy([secret]) == [secret]
    assert secret == Secret(TEXT) != Secret("other")
    assert secret != TEXT


@pytest.mark.parametrize("char", "()*/!\x00\x02\x03\r\n\t\x7f\x80äß€")
def test_characters_that_cannot_be_sent(char):
    with pytest.raises(ConfigError, match="character") as error:
        Secret(f"12{char}45")
    assert char not in error.value.message and "12" not in str(error.value)


def test_how_long_it_may_be():
    assert len(Secret("a" * 128).reveal()) == 128
    for length, limit in ((129, 128), (33, 32)):
        with pytest.raises(ConfigError, match=f"longer than {limit}"):
            Secret("a" * length, limit)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (TEXT, "password is a table"),
        (None, "password is a table"),
        ({}, "it has none"),
        ({"access": 1}, "it has none"),
        ({"env": "A", "file": "b"}, "it has env, file"),
        ({"evn": "A"}, "no key 'evn'"),
        ({"env": "A", "acess": 2}, "no key 'acess'"),
        ({"env": ""}, "password.env is"),
        ({"env": 5}, "password.env is"),
        ({"env": "A=B"}, "password.env is"),
        ({"file": ["a"]}, "password.file is"),
        ({"file": "a\0b"}, "password.file is"),
        ({"keyring": ""}, "password.keyring is"),
        ({"command": "pass show x"}, "password.command is"),
        ({"command": []}, "password.command is"),
        ({"command": ["pass", 5]}, "password.command is"),
        ({"command": [""]}, "password.command is"),
        ({"credential": "../shadow"}, "password.credential is"),
        ({"credential": ".."}, "password.credential is"),
        ({"prompt": False}, "password.prompt is"),
        ({"prompt": "yes"}, "password.prompt is"),
        ({"value": 12345678}, "password.value is"),
        ({"env": "A", "access": 3}, "password.access is 1 or 2"),
        ({"env": "A", "access": True}, "password.access is 1 or 2"),
        ({"env": "A", "access": "1"}, "password.access is 1 or 2"),
        ({"env": "A", "algorithm": "elster-a1770"}, "password.algorithm cannot be"),
        ({"env": "A", "algorithm": ["plain"]}, "password.algorithm cannot be"),
        ({"env": "A", "algorithm": "elster-a1700", "access": 1}, "answers with P2"),
    ],
)
def test_tables_that_are_wrong(table, said):
    assert said in refused(source, table).message


def test_suggestions():
    assert refused(source, {"evn": "A"}).hint == "did you mean 'env'?"
    error = refused(source, {"env": "A", "algorithm": "elster-a1770"})
    assert error.hint == "did you mean 'elster-a1700'?"


def test_access_and_algorithm():
    plain = source({"env": "A"})
    assert (plain.access, plain.algorithm) == (1, "plain")
    assert source({"env": "A", "access": 2}).access == 2
    elster = source({"env": "A", "algorithm": "elster-a1700"})
    assert (elster.access, elster.algorithm) == (2, "elster-a1700")
    secret, operand = Secret("FEDC0003"), "FD2BA0E29731D230"
    assert plain.answer(secret, operand) == "FEDC0003"
    assert elster.answer(secret, operand) == "BE2C10B158593B3E"
    with pytest.raises(RemoteProtocolError, match="meters.gas"):
        elster.answer(secret, "")
    refused(elster.answer, Secret(TEXT + "0"), operand)


def test_a_value_only_in_a_private_file():
    assert fetch({"value": TEXT}, private=True) == TEXT
    assert TEXT not in repr(source({"value": TEXT}, private=True))
    assert "others can read" in refused(source, {"value": TEXT}).message
    refused(source, {"value": f"{TEXT}("}, private=True)


def test_environment():
    around = Around({"GAS": TEXT, "EMPTY": "", "BAD": f"{TEXT}\r"})
    assert fetch({"env": "GAS"}, around) == TEXT
    assert "not set" in refused(fetch, {"env": "OTHER"}, around).message
    assert "is empty" in refused(fetch, {"env": "EMPTY"}, around).message
    assert "character" in refused(fetch, {"env": "BAD"}, around).message


@pytest.fixture
def private(tmp_path):
    path = tmp_path / "gas.pass"
    path.touch(0o600)
    return path


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"s3cr3t-9", TEXT),
        (b"s3cr3t-9\n", TEXT),
        (b"s3cr3t-9\r\nsecond line (and more)\n", TEXT),
        (b"\xef\xbb\xbfs3cr3t-9\r\n", TEXT),
        (b" a b \n", " a b "),
        (b"x\n" + b"\xff" * 200_000, "x"),
    ],
)
def test_the_first_line_of_a_file(private, data, text):
    private.write_bytes(data)
    assert fetch({"file": str(private)}) == text
    assert fetch({"file": private.name}, folder=str(private.parent)) == text


@pytest.mark.parametrize(
    "data", [b"", b"\n", b"\r\n12345678\n", b"s3cr3t-9\r\r\n", b"a" * 200, b"\xfc\n"]
)
def test_files_without_a_password(private, data):
    private.write_bytes(data)
    refused(fetch, {"file": str(private)})


@POSIX
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o601, 0o666])
def test_a_file_that_others_may_read_or_write(private, mode):
    private.write_text(TEXT)
    private.chmod(mode)
    error = refused(fetch, {"file": str(private)})
    assert error.hint == f"chmod 600 {private}"
    private.chmod(0o400)
    assert fetch({"file": str(private)}) == TEXT


@POSIX
def test_a_file_of_another_user(private, monkeypatch):
    private.write_text(TEXT)
    owner = os.stat(private).st_uid
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    if owner == 0:  # root is trusted
        assert fetch({"file": str(private)}) == TEXT
        os.chown(private, 4242, -1)
    assert "another user" in refused(fetch, {"file": str(private)}).message


@POSIX
def test_files_that_are_none(tmp_path):
    os.mkfifo(tmp_path / "fifo", 0o600)
    (tmp_path / "loop").symlink_to("loop")
    for name in ("fifo", "loop", "missing", "", "missing/deep"):
        error = refused(fetch, {"file": f"{tmp_path}/{name}"})
        assert "cannot read" in error.message
    refused(fetch, {"file": "/dev/zero"})


def test_credentials(tmp_path):
    (tmp_path / "gas").write_bytes(b"s3cr3t-9\n")
    (tmp_path / "gas").chmod(0o440)  # as systemd does, with an ACL
    around = Around({"CREDENTIALS_DIRECTORY": str(tmp_path)})
    assert fetch({"credential": "gas"}, around) == TEXT
    assert (
        "LoadCredential=water" in refused(fetch, {"credential": "water"}, around).hint
    )
    for folder in ("", "run/credentials"):
        around.environ["CREDENTIALS_DIRECTORY"] = folder
        assert "no systemd" in refused(fetch, {"credential": "gas"}, around).message


class Keyring:
    """Stands for the package."""

    def __init__(self, stored: dict[tuple[str, str], str]) -> None:
        self.stored = stored

    def get_password(self, service: str, name: str) -> str | None:
        if name == "locked":
            raise OSError("the collection is locked")
        return self.stored.get((service, name))


def test_keyring(monkeypatch):
    monkeypatch.setitem(sys.modules, "keyring", Keyring({("iecread", "gas"): TEXT}))
    assert fetch({"keyring": "gas"}) == TEXT
    assert refused(fetch, {"keyring": "water"}).hint == "keyring set iecread water"
    assert "cannot be read" in refused(fetch, {"keyring": "locked"}).message
    monkeypatch.setitem(sys.modules, "keyring", None)
    error = refused(fetch, {"keyring": "gas"})
    assert error.hint == 'pip install "iecread[keyring]"'


def python(program: str) -> dict[str, list[str]]:
    return {"command": [sys.executable, "-c", program]}


def test_command(capfd):
    program = f"import sys; print({TEXT!r}); print('more'); sys.stderr.write('talk')"
    assert fetch(python(program)) == TEXT
    assert capfd.readouterr().err == "talk"  # seen by the user, and no part of it
    # no shell: words stay words
    words = [sys.executable, "-c", "import sys; print(sys.argv[1])", "$HOME;#x"]
    assert fetch({"command": words}) == "$HOME;#x"
    around = Around({**os.environ, "MINE": TEXT})
    assert fetch(python("import os; print(os.environ['MINE'])"), around) == TEXT
    assert fetch(python("print(input.__name__)")) == "input"


@pytest.mark.parametrize(
    ("program", "said"),
    [
        (f"import sys; print({TEXT!r}); sys.exit(3)", "failed with status 3"),
        ("pass", "is empty"),
        ("print()", "is empty"),
        ("print(chr(27))", "character"),
        (f"while True: print({TEXT!r} * 999)", "without end"),
    ],
)
def test_commands_that_fail(program, said):
    assert said in refused(fetch, python(program)).message


def test_a_command_does_not_read_what_is_ours():
    read, write = os.pipe()
    mine = os.dup(0)
    try:
        os.dup2(read, 0)
        os.write(write, b"a row of data\n")
        refused(fetch, python("print(input())"))
        assert os.read(0, 100) == b"a row of data\n"
    finally:
        os.dup2(mine, 0)
        for descriptor in (read, write, mine):
            os.close(descriptor)


def test_a_command_that_is_not_there(tmp_path):
    for words in (["no-such-program-here", TEXT], [str(tmp_path), TEXT]):
        assert "did not start" in refused(fetch, {"command": words}).message


@POSIX
@pytest.mark.parametrize(
    "program", ["sleep 60", f"echo {TEXT}; exec sleep 60", f"echo {TEXT}; sleep 60 &"]
)
def test_a_command_that_does_not_end(program, monkeypatch):
    monkeypatch.setattr(passwords, "COMMAND_TIMEOUT", 0.3)
    begin = time.monotonic()
    error = refused(fetch, {"command": ["sh", "-c", program]})
    assert "took over" in error.message
    assert time.monotonic() - begin < 10


def test_prompt(monkeypatch):
    asked = []

    def ask(prompt: str, stream: object) -> str:
        asked.append(prompt)
        return TEXT

    monkeypatch.setattr("getpass.getpass", ask)
    assert fetch({"prompt": True}, Around(stdin=Screen())) == TEXT
    assert asked == ["Password for meters.gas: "]
    monkeypatch.setattr("getpass.getpass", lambda *_: "")
    assert "empty" in refused(fetch, {"prompt": True}, Around(stdin=Screen())).message


ASK = """
import os, sys
from iecread.passwords import PasswordSource
class Around:
    environ, stdin, stderr = os.environ, sys.stdin, sys.stderr
source = PasswordSource.from_table({"prompt": True}, "meters.gas")
print(len(source.fetch(Around()).reveal()))
"""


@POSIX
def test_a_prompt_on_a_real_terminal():
    ours, theirs = os.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", ASK],
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=theirs,
        start_new_session=True,  # without a /dev/tty
    )
    os.close(theirs)
    try:
        shown = b""
        while b"meters.gas: " not in shown:
            shown += os.read(ours, 1000)
        os.write(ours, TEXT.encode() + b"\n")
        output, _ = process.communicate(timeout=30)
        os.set_blocking(ours, False)
        with contextlib.suppress(OSError):
            while more := os.read(ours, 1000):
                shown += more
    finally:
        process.kill()
        os.close(ours)
    assert output == b"8\n"
    assert shown.strip() == b"Password for meters.gas:"  # no echo of what was typed


def test_a_prompt_that_cannot_be(monkeypatch):
    closed = Screen()
    closed.close()
    for stdin in (io.StringIO(TEXT), None, closed):
        error = refused(fetch, {"prompt": True}, Around(stdin=stdin))
        assert "no terminal" in error.message

    def end(*_: object) -> str:
        raise EOFError

    monkeypatch.setattr("getpass.getpass", end)
    assert "typed" in refused(fetch, {"prompt": True}, Around(stdin=Screen())).message


def test_a_password_is_never_typed_in_sight(monkeypatch):
    def shown(*_: object) -> str:
        import getpass
        import warnings

        warnings.warn("it would be shown", getpass.GetPassWarning, stacklevel=1)
        return TEXT

    monkeypatch.setattr("getpass.getpass", shown)
    error = refused(fetch, {"prompt": True}, Around(stdin=Screen()))
    assert "cannot hide" in error.message


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"env": "GAS"}, "variable 'GAS'"),
        ({"file": "/x/gas"}, "file '/x/gas'"),
        ({"keyring": "gas"}, "keyring entry 'gas'"),
        ({"command": ["pass", TEXT]}, "command 'pass'"),
        ({"credential": "gas"}, "credential 'gas'"),
        ({"prompt": True}, "the prompt"),
        ({"value": TEXT}, "the profile"),
    ],
)
def test_sources_in_words(table, words):
    assert str(source(table, private=True)) == words


def test_little_is_imported_before_it_is_needed():
    program = (
        "import sys, iecread.passwords\n"
        "print({'subprocess', 'getpass', 'hashlib', 'keyring', 'difflib', 'socket'}"
        " & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"
