"""Answers to the operand of P0, by name.

A meter sends P0 with an operand; the reader answers P1 with the password, or P2 with
what an algorithm makes of password and operand (IEC 62056-21, 6.4.3; the algorithm
is the maker's).  ``ALGORITHMS`` has those that are publicly documented and checked
against captured exchanges.  One that is only described stays out, since each wrong
answer costs one of the few tries that a meter allows: Energomera's CRC-32, for which
no exchange is known (their meters take the plain password in P1 as well).
"""

import re
from collections.abc import Callable

from iecread.errors import ConfigError, RemoteProtocolError


def plain(password: str, operand: str) -> str:
    """The password itself; the operand does not matter."""
    return password


def elster_a1700(password: str, operand: str) -> str:
    """Elster A1140 and A1700 (identification ``GEC...``).

    Source: a public article of Gurux (node 5415) and its comment 20828.

    Args:
        password: eight characters.
        operand: sixteen hexadecimal digits.

    Returns:
        Sixteen upper-case hexadecimal digits.

    Raises:
        ConfigError: the password has another length.
        RemoteProtocolError: the operand is of another form.
    """
    if len(password) != 8:
        raise ConfigError(
            "this meter's password has eight characters, the one given has not",
            "give the password as the maker's software shows it, zeros included",
        )
    if not re.fullmatch("[0-9A-Fa-f]{16}", operand):
        raise RemoteProtocolError(
            f"the operand {operand!r} is not one of elster-a1700",
            "take the algorithm out of the password's settings, or name another",
        )
    seed = bytes.fromhex(operand)
    mixed = [a ^ b for a, b in zip(password.encode("ascii"), seed, strict=True)]
    carry = mixed[7]
    for index in range(8):
        carry = mixed[index] = mixed[index] + carry & 0xFF
    return bytes(mixed).hex().upper()


ALGORITHMS: dict[str, Callable[[str, str], str]] = {
    "plain": plain,
    "elster-a1700": elster_a1700,
}
"""Name -> function of password and operand, both without brackets."""
