"""Which messages are believed: kinds of block check, and parity beside it."""

import itertools

import pytest
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
from iecread.protocol.blockcheck import Checker
from iecread.protocol.messages import Block
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


class TestChecker:
    """The judgement alone, without a line."""

    def judge(
        self,
        checker: Checker,
        raw: bytes,
        *,
        even: bool = False,
        likely: CheckKind = CheckKind.XOR,
    ) -> Trouble | None:
        block = Block.from_bytes(parity.strip(raw))
        return checker.judge(raw, block, even=even, likely=likely)

    def test_the_first_that_fits_settles_the_kind(self) -> None:
        checker = Checker(None)
        assert self.judge(checker, BLOCK) is None
        assert checker.kind is CheckKind.XOR
        assert self.judge(checker, summed(DATA)) is Trouble.BLOCK_CHECK
        assert checker.detail.startswith(f"expected {BLOCK[-1]:02X}, got ")

    @pytest.mark.parametrize("likely", list(CheckKind))
    def test_the_unlikely_kind_has_to_come_twice(self, likely: CheckKind) -> None:
        blocks = {CheckKind.XOR: BLOCK, CheckKind.SUM7: summed(DATA)}
        (other,) = (kind for kind in CheckKind if kind is not likely)
        checker = Checker(None)
        said = self.judge(checker, blocks[other], likely=likely)
        assert said is Trouble.CHECK_KIND and checker.kind is None
        assert self.judge(checker, blocks[other], likely=likely) is None
        assert checker.kind is other

    def test_what_is_expected_where_nothing_is_settled(self) -> None:
        checker = Checker(None)
        wrong = framed(DATA, 0)
        self.judge(checker, wrong, likely=CheckKind.SUM7)
        assert checker.detail.startswith(f"expected {summed(DATA)[-1]:02X}, got 00, 0 ")

    def test_wrong_parity(self) -> None:
        checker = Checker(None)
        raw = bytearray(parity.add_even(BLOCK))
        assert self.judge(checker, bytes(raw), even=True) is None
        raw[3] ^= 0x80
        assert self.judge(checker, bytes(raw), even=True) is Trouble.PARITY
        assert checker.detail == "1 characters of wrong parity"
        raw[-1] ^= 1
        assert self.judge(checker, bytes(raw), even=True) is Trouble.BLOCK_CHECK
        assert checker.detail.endswith(", 2 characters of wrong parity")

    @pytest.mark.parametrize(("count", "twice"), [(0, False), (16, True), (17, False)])
    def test_a_few_characters_of_eight_bits(self, count: int, twice: bool) -> None:
        checker = Checker(None)
        raw = bytearray(framed(b"1.8.0(" + b"1" * 20 + b")\r\n"))
        for at in range(count):
            raw[8 + at] ^= 0x80
        first = self.judge(checker, bytes(raw))
        assert first is (Trouble.PARITY if twice else None)
        assert (checker.kind is None) is twice
        if twice:
            assert checker.detail == "16 characters of eight bits"
        assert self.judge(checker, bytes(raw)) is None
        raw[8] ^= 0x01
        raw[-1] ^= 0x01
        again = Trouble.PARITY if twice else None
        assert self.judge(checker, bytes(raw)) is again
