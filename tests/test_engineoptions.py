"""Options of a meter in the terms of the protocol engine."""

from dataclasses import replace

import pytest

from iecread.devices import DeviceProfile
from iecread.engineoptions import adapted, engine_options, parity_plan
from iecread.meteroptions import MeterOptions
from iecread.protocol.bcc import CheckKind
from iecread.protocol.messages import Identification
from iecread.protocol.options import ReaderOptions
from iecread.protocol.parity import Parity
from iecread.simulator import open_simulated
from iecread.transports import LineKind

EVEN, NONE = Parity.EVEN, Parity.NONE


@pytest.mark.parametrize(
    ("framing", "kind", "send", "receive"),
    [
        # found out: a real port does parity in software, and so may a gateway
        ("auto", LineKind.UART, (EVEN,), None),
        ("auto", LineKind.TCP, (EVEN, NONE), None),
        # a pty and a peer in this process have plain characters, unless a
        # transparent gateway stands behind it
        ("auto", LineKind.PTY, (NONE, EVEN), None),
        ("auto", LineKind.DIRECT, (NONE, EVEN), None),
        # said: nothing is tried or found out
        *(("7e1", kind, (EVEN,), EVEN) for kind in LineKind),
        *(("8n1", kind, (NONE,), NONE) for kind in LineKind),
        *(("hw7e1", kind, (NONE,), NONE) for kind in LineKind),
    ],
)
def test_the_plan_of_parities(
    framing: str, kind: LineKind, send: tuple[Parity, ...], receive: Parity | None
) -> None:
    assert parity_plan(framing, kind) == (send, receive)


@pytest.mark.parametrize("kind", list(LineKind))
def test_at_most_one_more_try(kind: LineKind) -> None:
    assert len(parity_plan("auto", kind)[0]) <= 2


PROFILE = DeviceProfile(
    "x",
    "X",
    "invented",
    ("/XYZ*",),
    bcc="sum7",
    wake_nuls=7,
    wake_pause=1.5,
    max_baud=300,
    stay_at_baud=True,
    switch_delay=0.1,
    reaction=0.25,
    patience=30,
)


def engine(known: DeviceProfile | None = None, **said: object) -> ReaderOptions:
    """The options of an engine, before an identification came."""
    options = MeterOptions("sim://household", **said)  # type: ignore[arg-type]

    def adapt(who: Identification, given: ReaderOptions) -> ReaderOptions:
        assert who == Identification("/XYZ5")
        return adapted(options, PROFILE, given)

    line = open_simulated("sim://household")
    return engine_options(options, line, known, speed=600, adapt=adapt)


def identified(given: ReaderOptions) -> ReaderOptions:
    """These options, once the identification has come."""
    assert given.adapt is not None
    return given.adapt(Identification("/XYZ5"), given)


def test_options_that_were_not_said_are_the_profile_s() -> None:
    found = identified(engine())
    assert (found.max_speed, found.stay, found.switch_delay) == (300, True, 0.1)
    assert (found.reaction, found.timing.data_answer) == (0.25, 30)
    assert found.likely_check is not None and found.likely_check.value == "sum7"
    said = {"max_baud": 9600, "stay_at_baud": False, "switch_delay": 0.0}
    found = identified(engine(**said, timeout=2))
    assert (found.max_speed, found.stay, found.switch_delay) == (9600, False, 0.0)
    assert found.timing.data_answer == 2


def test_how_to_wake_a_meter_is_known_before_it_answers_only_if_it_was_named() -> None:
    found = engine(PROFILE, device="x")
    assert (found.wake_nuls, found.timing.wake_pause) == (7, 1.5)
    usual = engine()
    assert usual.wake_nuls is None and usual.timing.wake_pause != 1.5
    # one that an earlier session has found says no more than the likely block check
    found = engine(PROFILE)
    assert found == replace(usual, likely_check=CheckKind.SUM7, adapt=found.adapt)


def test_without_device_profiles_nobody_asks_for_one() -> None:
    assert engine(device="none").adapt is None


def test_a_block_check_that_was_said_is_not_sought() -> None:
    kinds = [engine(bcc=bcc).check for bcc in ("auto", "xor", "sum7", "off")]
    assert kinds == [None, CheckKind.XOR, CheckKind.SUM7, None]
    assert [engine(bcc=bcc).check_off for bcc in ("xor", "off")] == [False, True]
    assert engine().opening_speed == 600
