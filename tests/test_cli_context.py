"""Colour, width, and a stderr that cannot be written."""

import pytest
from conftest import Terminal

from iecread.cli.context import Surroundings, color_decision


@pytest.mark.parametrize(
    ("wish", "environ", "terminal", "colored"),
    [
        ("always", {"NO_COLOR": "1"}, False, True),
        ("never", {"FORCE_COLOR": "1"}, True, False),
        ("auto", {"NO_COLOR": "1", "FORCE_COLOR": "1"}, True, False),
        ("auto", {"NO_COLOR": ""}, True, True),
        ("auto", {"FORCE_COLOR": "1", "CLICOLOR": "0"}, False, True),
        ("auto", {"CLICOLOR_FORCE": "1", "TERM": "dumb"}, False, True),
        ("auto", {"FORCE_COLOR": "0"}, False, False),
        ("auto", {"CLICOLOR": "0"}, True, False),
        ("auto", {"CLICOLOR": "1"}, True, True),
        ("auto", {"TERM": "dumb"}, True, False),
        ("auto", {"TERM": "xterm"}, True, True),
        ("auto", {}, False, False),
    ],
)
def test_colour(wish, environ, terminal, colored):
    assert color_decision(wish, environ, terminal) is colored


def test_width():
    assert Surroundings(stdout=Terminal(), environ={"COLUMNS": "93"}).width == 93
    assert Surroundings(stdout=Terminal(), environ={"COLUMNS": "x"}).width is None
    assert Surroundings(stdout=None, environ={}).width is None


def test_saying_never_fails():
    closed = Terminal()
    closed.close()
    for stream in (closed, None):
        around = Surroundings(stderr=stream, environ={})
        around.say("nobody reads this")
        assert not around.colored(stream)


def test_notes_but_not_when_quiet():
    around = Surroundings(stderr=Terminal(), environ={})
    around.note("one")
    around.verbosity = -1
    around.note("two")
    assert around.stderr.written == b"iecread: one\n"
