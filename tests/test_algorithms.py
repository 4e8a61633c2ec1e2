"""Answers to a challenge, against exchanges that were captured (protocol.md 10.2)."""

import pytest

from iecread.algorithms import ALGORITHMS
from iecread.errors import ConfigError, RemoteProtocolError
from iecread.protocol.messages import Command


@pytest.mark.parametrize(
    ("password", "operand", "answer"),
    [
        ("00000000", "B0A692CB07930FD1", "61F79994CB6EAD8E"),
        ("00000000", "EA864EBC197ED3D3", "BD73F17DA6F4D7BA"),
        ("00000000", "FD04BE65D6157FA9", "669A287D6388D770"),
        ("FEDC0003", "FD2BA0E29731D230", "BE2C10B158593B3E"),
        ("FEDC0003", "fd2ba0e29731d230", "BE2C10B158593B3E"),
    ],
)
def test_elster_a1700(password, operand, answer):
    assert ALGORITHMS["elster-a1700"](password, operand) == answer


def test_elster_a1700_on_the_wire():
    """Transcript T17."""
    answer = ALGORITHMS["elster-a1700"]("00000000", "B0A692CB07930FD1")
    assert Command("P2", f"({answer})".encode()).to_bytes() == bytes.fromhex(
        "01 50 32 02 28 36 31 46 37 39 39 39 34 43 42 36 45 41 44 38 45 29 03 13"
    )


@pytest.mark.parametrize("operand", ["", "00000000", "G" * 16, "0" * 18, "٠" * 16])
def test_an_operand_of_another_kind(operand):
    with pytest.raises(RemoteProtocolError, match="operand"):
        ALGORITHMS["elster-a1700"]("00000000", operand)


@pytest.mark.parametrize("password", ["", "7654321", "987654321"])
def test_a_password_of_another_length_is_not_shown(password):
    with pytest.raises(ConfigError, match="eight characters") as error:
        ALGORITHMS["elster-a1700"](password, "B0A692CB07930FD1")
    assert not password or password not in str(error.value) + error.value.hint


def test_plain():
    assert ALGORITHMS["plain"]("12345678", "any thing") == "12345678"
