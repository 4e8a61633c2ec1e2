"""Options that commands share, and the variables that stand for them."""

from importlib import import_module

import click
import pytest

from iecread.cli.outputoptions import only_option
from iecread.cli.valuetypes import SelectCharacter


def command_of(name):
    return import_module(f"iecread.cli.{name}").command


def test_the_procedure_is_a_digit():
    (v,) = (p.type for p in command_of("read").params if p.name == "protocol")
    assert v.convert("1", None, None) == "1"
    for wrong in ("", "x", "10", "\r"):
        with pytest.raises(click.BadParameter):
            v.convert(wrong, None, None)


def test_the_option_select_never_opens_programming():
    (y,) = (
        parameter.type
        for parameter in command_of("readout").params
        if parameter.name == "option"
    )
    assert isinstance(y, SelectCharacter)
    assert [y.convert(c, None, None) for c in "069"] == ["0", "6", "9"]
    for wrong in ("1", "", "10", "\r", "ä"):
        with pytest.raises(click.BadParameter):
            y.convert(wrong, None, None)


def test_codes():
    @click.command()
    @only_option
    def command(only):
        return only

    def parsed(*argv):
        return command.main([*argv], standalone_mode=False)

    assert parsed() == ()
    assert parsed("--only", "1.8.0,2.8.0", "--only", "C.1.0") == (
        "1.8.0",
        "2.8.0",
        "C.1.0",
    )
    for wrong in ("", "1.8.0,", "1.8.999", "a(b"):
        with pytest.raises(click.BadParameter):
            parsed("--only", wrong)


def test_a_wrong_variable_is_named(run):
    stderr = run("readout", "/dev/x", exit=2, env={"IECREAD_BAUD": "17"}).stderr
    assert "IECREAD_BAUD" in stderr and "'17' is none of" in stderr


def test_an_empty_variable_counts_as_not_set(run):
    run("readout", "kitchen", exit=4, env={"IECREAD_BAUD": "", "IECREAD_MODE": ""})
