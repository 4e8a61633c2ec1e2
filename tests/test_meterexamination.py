"""Ailments of meters, and what the examination makes of them."""

import pytest
from examined import first_ailment

AILMENTS = [
    ("hold=150", {}, "early", ("too early", "250 ms"), "--switch-delay 250ms"),
    ("", {"switch_delay": 0.3}, "late", ("too late", "20 ms"), "--switch-delay 20ms"),
    ("lag=300", {}, "too-late", ("too late", "300 Bd works"), "--max-baud 300"),
    ("hdlc=empty", {}, "mode-e", ("mode E only",), "DLMS"),
    ("hdlc=silent", {}, "mode-e", ("mode E only",), "DLMS"),
    ("speed=wrong", {}, "stays", ("wrong speed", "stays at 300"), "--max-baud 300"),
    ("nak=1", {}, "refused", ("refused", "NAK"), "read PORT"),
    ("bcc=always", {}, "bcc", ("block check",), "--bcc off"),
    ("silent=100", {}, "silent", ("fell silent", "100"), "--timeout"),
]


@pytest.mark.parametrize(
    ("query", "wish", "ailment", "words", "typed"),
    AILMENTS,
    ids=[f"{query} {wish}" for query, wish, *_ in AILMENTS],
)
def test_an_ailment_is_named(query, wish, ailment, words, typed):
    first = first_ailment(query, wish)
    assert first.ailment == ailment
    assert all(word in first.sentence for word in words), first.sentence
    assert typed in first.line
