"""Codes that may not be sent: refused lately, or none at all."""

from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from gas import Gas

from iecread.errors import ConfigError, RefusedError
from iecread.lis200.errors import Lis200Refused
from iecread.lis200key import Key
from iecread.passwords import Secret
from iecread.refusals import Refusals


def test_a_wrong_code_is_sent_once(tmp_path: Path) -> None:
    """14.5: stop here; and it is remembered."""
    refusals = Refusals(str(tmp_path))
    key = Key(Secret("12345678"), 3, refusals, lambda lock: (f"lock {lock}",))
    gas = Gas(
        """
        > R1 3:0170.0(1)
        < 3:170.0(0)
        > W1 3:0171.0(12345678)
        < (#0017)
        > R1 3:0170.0(1)
        < 3:170.0(0)
        """,
        key=key,
    )
    with pytest.raises(Lis200Refused) as caught:
        gas.session.unlock()
    assert caught.value.number == 17 and "12345678" not in str(caught.value)
    with pytest.raises(RefusedError, match="already"):
        gas.session.unlock()
    gas.session.leave()
    gas.check()
    again = Gas("", key=key)
    with pytest.raises(RefusedError, match="already"):
        again.session.unlock()
    assert not again.codes


def test_force_sends_it_again_and_what_is_right_is_forgotten(tmp_path: Path) -> None:
    now = datetime.now().astimezone()
    key = Key(Secret("12345678"), 4, Refusals(str(tmp_path)), lambda lock: ("gas",))
    key.refused()
    key.accepted()  # by another program: nothing was forced
    with pytest.raises(RefusedError, match="customer lock"):
        key.allow(now)
    replace(key, secret=Secret("1")).allow(now)  # another code
    forced = replace(key, force=True)
    forced.allow(now)
    forced.accepted()
    key.allow(now)


def test_what_can_be_no_code() -> None:
    with pytest.raises(ConfigError):
        Key(Secret("123456789")).allow(datetime.now().astimezone())
