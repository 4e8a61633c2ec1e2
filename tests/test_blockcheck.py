"""Which messages are believed: kinds of block check, and parity beside it."""

import itertools

from readouts import (
    BLOCK,
    CUTS,
    DATA,
    NAK,
    even,
    good,
    mode_c,
    opening,
    troubles,
)
from wire import (
    Hear,
    Say,
    framed,
    read_out,
    summed,
)

from iecread.errors import (
    RemoteProtocolError,
)
from iecread.protocol import parity
from iecread.protocol.actions import (
    Identified,
    Trouble,
)
from iecread.protocol.bcc import CheckKind, bcc
from iecread.protocol.parity import Parity


def test_a_kind_that_was_said_is_the_only_one() -> None:
    block = summed(DATA)
    steps = mode_c("5", Say(block), Hear(NAK), Say(block))
    outcome = read_out(steps, check=CheckKind.XOR, retries=0)
    assert isinstance(outcome.error, RemoteProtocolError)
    good(read_out(mode_c("5", Say(block)), check=CheckKind.SUM7), block)
    steps = mode_c("5", Say(BLOCK), Hear(NAK), Say(BLOCK))
    outcome = read_out(steps, check=CheckKind.SUM7, retries=0)
    assert isinstance(outcome.error, RemoteProtocolError)


@CUTS
class TestSum7:
    def test_asked_with_nak_in_mode_c(self, cut: object) -> None:
        block = summed(DATA)
        steps = mode_c("5", Say(block), Hear(NAK), Say(block))
        outcome = good(read_out(steps, {"cut": cut}), block)
        assert troubles(outcome) == [Trouble.CHECK_KIND]
        assert outcome.engine.check_kind is CheckKind.SUM7

    def test_by_chance_on_a_meter_that_means_xor(self, cut: object) -> None:
        chance = summed(DATA)
        steps = mode_c("5", Say(chance), Hear(NAK), Say(BLOCK))
        outcome = good(read_out(steps, {"cut": cut}), BLOCK)
        assert outcome.engine.check_kind is CheckKind.XOR

    def test_a_check_that_fits_both_settles_nothing(self, cut: object) -> None:
        letters = itertools.product(b"0AZ", range(64, 123), range(40, 123))
        texts = (b"%c.%c(%c)\r\n" % three for three in letters)
        both = next(
            text
            for text in texts
            if bcc(text + b"\x04") == bcc(text + b"\x04", CheckKind.SUM7)
        )
        first, last = framed(both, last=False), summed(DATA)
        answers = [Say(first), Hear(b"\x06"), Say(last), Hear(NAK), Say(last)]
        outcome = good(read_out(mode_c("5", *answers), {"cut": cut}), first, last)
        assert outcome.engine.check_kind is CheckKind.SUM7

    def test_it_costs_one_session_in_mode_a_and_no_more(self, cut: object) -> None:
        line, wrong = b"/EXAXDEMO\r\n", framed(DATA, 0)
        steps = opening(line, Say(summed(DATA))) + opening(line, Say(wrong)) * 9
        outcome = read_out(steps, {"cut": cut})
        assert isinstance(outcome.error, RemoteProtocolError)
        assert len(outcome.of(Identified)) == 4

    def test_settled_for_the_session_by_the_first_part(self, cut: object) -> None:
        first, second = framed(b"a(1)\r\n", last=False), framed(b"b(2)\r\n!\r\n")
        chance = summed(b"b(2)\r\n!\r\n")
        steps = mode_c("5", Say(first), Hear(b"\x06"), Say(chance), Hear(NAK))
        outcome = good(read_out([*steps, Say(second)], {"cut": cut}), first, second)
        assert troubles(outcome) == [Trouble.BLOCK_CHECK]

    def test_it_costs_none_of_the_tries_for_damage(self, cut: object) -> None:
        block, wrong = summed(DATA), framed(DATA, 0)
        answers = [Say(wrong), Hear(NAK), Say(wrong), Hear(NAK), Say(block), Hear(NAK)]
        good(read_out(mode_c("5", *answers, Say(block)), {"cut": cut}), block)


@CUTS
def test_eight_bits_on_a_line_of_seven_are_believed_when_they_come_twice(
    cut: object,
) -> None:
    """The check does not cover bit 7, and a meter with Latin-1 texts exists."""
    flipped = Say(BLOCK.replace(b")", b"\xa9", 1))
    steps = [*mode_c("5", flipped), Hear(NAK), Say(BLOCK)]
    outcome = good(read_out(steps, {"cut": cut}), BLOCK)
    assert troubles(outcome) == [Trouble.PARITY]
    outcome = good(
        read_out([*mode_c("5", flipped), Hear(NAK), flipped], {"cut": cut}),
        flipped.data,
    )
    assert troubles(outcome) == [Trouble.PARITY]


@CUTS
def test_wrong_parity_with_a_right_check_is_damage(cut: object) -> None:
    twice = even(BLOCK, 8, 9)  # the same bit of two characters: XOR does not see it
    line = {"cut": cut, "parity_": Parity.EVEN}
    steps = mode_c("5", Say(twice), Hear(NAK), Say(BLOCK))
    outcome = read_out(steps, line, send_parity=(Parity.EVEN,))
    good(outcome, parity.add_even(BLOCK))
    assert troubles(outcome) == [Trouble.PARITY]
    assert outcome.engine.parity_errors == 2
    always = itertools.cycle(mode_c("5", Say(twice), *[Hear(NAK), Say(twice)] * 2))
    outcome = read_out(always, line, send_parity=(Parity.EVEN,), retries=0)
    assert isinstance(outcome.error, RemoteProtocolError)
    assert "2 characters of wrong parity" in outcome.error.message
