"""The table of ailments."""

import string

import pytest

from iecread.cli.exitcodes import NUMBERS
from iecread.diagnosis import RULES, Layer, State, diagnose

COMMON = {"read", "again", "target"}


@pytest.mark.parametrize("ailment", RULES)
def test_each_rule_can_be_said(ailment):
    rule = RULES[ailment]
    assert rule.kind in NUMBERS and rule.line
    names = {
        name
        for text in rule[1:]
        for _, name, _, _ in string.Formatter().parse(text)
        if name
    }
    facts = {name: 7 for name in names}
    finding = diagnose(ailment, facts | dict.fromkeys(COMMON, "iecread"))
    assert "{" not in finding.sentence + finding.line
    assert not finding.sentence.endswith(".")


def test_the_kind_may_depend_on_what_was_seen():
    finding = diagnose("port", {"what": "held", "fix": "wait"}, "busy")
    assert finding.kind == "busy"


def test_states():
    assert Layer().state is State.OK
    assert Layer(skipped="no").state is State.SKIPPED
    finding = diagnose("port", {"what": "x", "fix": "y"})
    assert Layer(findings=[finding], skipped="no").state is State.FAILED
