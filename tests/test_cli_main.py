"""The boundary: what errors, signals and odd command lines end in."""

import errno
import json
import os
import signal

import click
import pytest

from iecread import errors
from iecread.cli import main
from iecread.cli.exitcodes import EXIT_CODES, NUMBERS, PartialError, UsageError


@pytest.fixture
def fails(run, monkeypatch):
    """``fails(error, *words)``: a command that raises ``error``."""

    def fails(error, *words, **more):
        @click.command(name="help")
        @click.argument("words", nargs=-1, type=click.UNPROCESSED)
        def command(words):
            raise error

        command.ignore_unknown_options = True
        monkeypatch.setattr(main.LazyGroup, "get_command", lambda *_: command)
        return run("help", *words, **more)

    return fails


def test_version(run):
    from iecread import _version

    assert run("--version").stdout == f"iecread {_version.__version__}\n"


def test_without_a_command_the_help_goes_to_stderr(run):
    result = run(exit=2)
    assert "readout" in result.stderr and result.stdout == ""


@pytest.mark.parametrize("argv", [["-h"], ["--help"]])
def test_help_of_the_whole_lists_every_command(run, argv):
    text = run(*argv).stdout
    for section, commands in main.COMMANDS.items():
        assert section in text
        assert all(name in text for name in commands)


COMMANDS = [name for part in main.COMMANDS.values() for name in part]


@pytest.mark.parametrize("name", COMMANDS)
def test_help_before_and_behind_the_command(run, name):
    text = run(name, "--help").stdout
    assert text == run(name, "-h").stdout == run("-h", name).stdout
    assert f"Usage: iecread {name}" in text
    example = text.split("Example:\n")[1]
    assert f"iecread {name}" in example


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_says_the_same_in_the_list_and_by_itself(name):
    command = main.cli.get_command(click.Context(main.cli), name)
    line = next(part[name] for part in main.COMMANDS.values() if name in part)
    assert command.name == "command" or command.short_help
    assert line.endswith(".")


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["readot"], "did you mean 'readout'?"),
        (["/dev/ttyUSB0"], "did you mean: iecread readout /dev/ttyUSB0"),
        (["xyzzy"], "no such command 'xyzzy'"),
        (["-q", "readout"], "missing argument 'TARGET'"),
        (["-x", "readout"], "-x"),
        (["readout"], "missing argument 'TARGET'"),
        (["readout", "/dev/x", "--bauds", "300"], "did you mean '--baud'"),
        (["help", "nothing"], "'nothing' is not one of"),
    ],
)
def test_usage_errors_say_what_and_where_to_look(run, argv, said):
    stderr = run(*argv, exit=2).stderr
    assert said.lower() in stderr.lower()
    assert stderr.startswith("iecread: ")
    assert "--help" in stderr.splitlines()[1]


@pytest.mark.parametrize(
    "error",
    [
        errors.ConfigError("m", "h"),
        errors.PortError("m", "h"),
        errors.PortBusyError("m", "h"),
        errors.NoAnswerError("m", "h"),
        errors.RemoteProtocolError("m", "h"),
        errors.RefusedError("m", "h"),
        errors.OutputError("m", "h"),
        errors.CheckError("m", "h"),
        PartialError("m", "h"),
        UsageError("m", "h"),
    ],
)
def test_expected_errors(fails, error):
    result = fails(error, exit=NUMBERS[error.kind])
    assert result.stderr == "iecread: m\n  hint: h\n"
    assert result.stdout == ""


def test_every_kind_of_error_has_its_number():
    kinds, tree = set(), [errors.IecReadError]
    while tree:
        error = tree.pop()
        kinds.add(error.kind)
        tree += error.__subclasses__()
    assert kinds <= set(NUMBERS)


def test_the_numbers_that_people_rely_on():
    assert {number: name for number, name, *_ in EXIT_CODES} == {
        0: "ok",
        1: "internal",
        2: "usage",
        3: "partial",
        4: "config",
        5: "port",
        6: "busy",
        7: "no-answer",
        8: "protocol",
        9: "refused",
        10: "output",
        11: "check",
        129: "hangup",
        130: "interrupted",
        141: "broken-pipe",
        143: "terminated",
    }


@pytest.mark.parametrize(
    "words",
    [
        ["-f", "json"],
        ["-fjsonl"],
        ["--format=json"],
        ["--format", "csv", "--format", "json"],
    ],
)
def test_errors_as_json(fails, words):
    result = fails(errors.NoAnswerError("no one\x1b there", "try"), *words, exit=7)
    assert result.error == {
        "error": "no-answer",
        "meter": None,
        "exit": 7,
        "message": "no one\x1b there",
        "hint": "try",
    }
    assert "\x1b" not in result.stderr


def test_errors_as_json_by_the_environment(run):
    result = run("readout", exit=2, env={"IECREAD_FORMAT": "json"})
    assert result.error["error"] == "usage"


def test_the_last_format_counts(fails):
    for words in (["-f", "json", "-f", "csv"], ["--", "-f", "json"]):
        result = fails(errors.PortError("gone"), *words, exit=5)
        assert result.stderr == "iecread: gone\n"


def test_meter_text_in_an_error_cannot_reach_the_terminal(fails):
    stderr = fails(errors.RefusedError("said \x1b]0;x\x07\u202e"), exit=9).stderr
    assert stderr == "iecread: said \\x1b]0;x\\x07\\u202e\n"


def test_a_bug_says_how_to_report_it(fails):
    stderr = fails(ValueError("oh"), exit=1).stderr
    assert stderr.startswith("iecread: ValueError: oh\n")
    assert "bug in iecread" in stderr and "--debug" in stderr
    assert "Traceback" not in stderr


def test_a_mistake_of_ours_in_the_protocol_is_a_bug(fails):
    assert "bug in iecread" in fails(errors.LocalProtocolError("no"), exit=1).stderr


def test_debug_shows_the_traceback(fails):
    stderr = fails(errors.PortError("gone\x1b"), "--debug", exit=5).stderr
    assert "Traceback (most recent call last)" in stderr
    assert stderr.endswith("iecread: gone\\x1b\n")
    assert "\x1b" not in stderr


def test_debug_by_the_environment(fails):
    more = {"env": {"IECREAD_DEBUG": "1"}}
    assert "Traceback" in fails(errors.PortError("gone"), exit=5, **more).stderr


@pytest.mark.parametrize(
    ("error", "exit", "said"),
    [
        (KeyboardInterrupt(), 130, "iecread: interrupted\n"),
        (click.Abort(), 130, "iecread: interrupted\n"),
        (main.Stopped("terminated"), 143, "iecread: terminated\n"),
        (BrokenPipeError(errno.EPIPE, "x"), 141, ""),
    ],
)
def test_ends_from_outside(fails, error, exit, said):
    assert fails(error, exit=exit).stderr == said


def test_a_full_disk_at_stdout_is_no_bug(fails):
    stderr = fails(OSError(errno.ENOSPC, "x"), exit=10).stderr
    assert "no space left" in stderr.lower()


def test_sigterm_becomes_an_exception_and_is_given_back():
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(main.Stopped) as caught, main._signals():
        os.kill(os.getpid(), signal.SIGTERM)
    assert caught.value.kind == "terminated"
    assert signal.getsignal(signal.SIGTERM) == before


def test_an_ignored_hangup_stays_ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with main._signals():
            os.kill(os.getpid(), signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)


def test_colour_of_errors(fails):
    plain = fails(errors.PortError("gone"), exit=5).stderr
    assert plain == "iecread: gone\n"
    colored = fails(errors.PortError("gone"), exit=5, terminal=True).stderr
    assert colored.startswith("\x1b[31m")
    env = {"NO_COLOR": "1"}
    assert fails(errors.PortError("x"), exit=5, terminal=True, env=env).stderr == (
        "iecread: x\n"
    )


def test_json_error_fields_do_not_depend_on_colour(fails):
    stderr = fails(errors.PortError("x"), "-fjson", exit=5, terminal=True).stderr
    assert json.loads(stderr)["exit"] == 5
