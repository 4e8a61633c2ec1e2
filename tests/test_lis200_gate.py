"""No code goes out unless the lock was just seen closed: every way round fails."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iecread.errors import ConfigError
from iecread.lis200.device import Device
from iecread.lis200.gate import PROBE, Gate
from iecread.protocol.actions import Answered, AnswerKind
from iecread.protocol.guard import Guard, gas_type, lock_code_written
from iecread.protocol.messages import Command, Identification
from iecread.protocol.options import ReaderOptions
from iecread.protocol.programming import ProgrammingEngine

EK, BK = Device.of_type("EK260"), Device.of_type("BKET")
STATE, CODE = "R1 4:0170.0(1)", "W1 4:0171.0(00000000)"
CLOSED, OPEN, HIDDEN = "4:170.0(0)", "4:170.0(1)", "(#0018)"


def command(text: str) -> Command:
    name, _, data = text.partition(" ")
    return Command(name, data.encode("latin-1"))


def gate(*talk: str, device: Device = EK) -> Gate:
    """A gate that saw a talk: commands and answers in turn."""
    found = Gate()
    found.engage(device)
    for asked, text in zip(talk[::2], talk[1::2], strict=True):
        found.allow(command(asked))
        kinds = {"ACK": AnswerKind.ACK, "NAK": AnswerKind.NAK, "": AnswerKind.SILENCE}
        kind = kinds.get(text, AnswerKind.DATA)
        if text.startswith("(#"):
            kind, text = AnswerKind.ERROR, text.strip("()")
        found.answered(command(asked), Answered(kind, text))
    return found


def refused(found: Guard, text: str = CODE) -> bool:
    """Whether a command is not let through."""
    try:
        found.allow(command(text))
    except ConfigError:
        return True
    return False


def test_a_code_goes_out_behind_a_closed_state() -> None:
    assert not refused(gate(STATE, CLOSED))


def test_each_answer_is_good_for_one_command() -> None:
    found = gate(STATE, CLOSED)
    found.allow(command(CODE))
    assert refused(found)
    assert refused(gate(STATE, CLOSED, "R1 7:0310.0(1)", "7:310.0(2* bar)"))
    found = gate(STATE, CLOSED)
    found.allow(command("R1 7:0310.0(1)"))  # sent, and no answer came
    assert refused(found)


def test_a_new_session_knows_nothing() -> None:
    found = gate(STATE, CLOSED)
    found.begin()
    assert refused(found)


@pytest.mark.parametrize(
    "talk",
    [
        (),
        (STATE, OPEN),
        (STATE, ""),
        (STATE, "ACK"),
        (STATE, "NAK"),
        (STATE, "(#0001)"),
        (STATE, "(#0020)"),
        (STATE, "4:170.0(2)"),
        (STATE, "4:170.0()"),
        ("R1 3:0170.0(1)", "3:170.0(0)"),  # another lock
        ("R1 4:0170.1(1)", "4:170.1(0)"),  # its rights
        ("R1 4:0171.0(1)", "4:171.0(0)"),
        ("R1 4:0174.0(1)", "4:174.0(0)"),
        (STATE, HIDDEN),  # nothing says that other reads are refused
        ("R1 1:0181.0(1)", "1:181.0(EK260)", STATE, HIDDEN),  # some lock is open
        ("R1 1:0181.0(1)", "(#0001)", STATE, HIDDEN),
        (STATE, CLOSED, "W1 4:0170.0(0)", "ACK"),
    ],
)
def test_nothing_else_lets_it_through(talk: tuple[str, ...]) -> None:
    assert refused(gate(*talk))


def test_no_right_to_read_is_closed_where_nothing_may_be_read() -> None:
    assert not refused(gate("R1 1:0181.0(1)", "(#0018)", STATE, HIDDEN))
    for other_error in ("(#)", "(#0001)", "1:181.0(#0001)"):  # none says that it may
        asked = "R1 1:0181.0(1)"
        assert not refused(gate(asked, "(#0018)", asked, other_error, STATE, HIDDEN))
    other = ("R1 3:0170.0(1)", "3:170.0(1)")
    read = ("R1 1:0400.0(1)", "1:400.2(2024-03-01,10:17:25)")
    assert not refused(gate(*read, *other, STATE, HIDDEN))  # the supplier's explains it
    assert refused(gate(*read, STATE, OPEN, STATE, HIDDEN))  # its own does not


@pytest.mark.parametrize(
    "text",
    [
        "W1 4:171(00000000)",  # another spelling
        "W1 04:0171.0(00000000)",
        "W1 4:0171(00000000)",
        "W1 4:171.0(00000000)",
        "W1 4:0171.1(00000000)",
        "W1 4:0171_1.0(00000000)",
        "W2 4:0171.0(00000000)",
        "W5 4:0171.0(00000000)",
        "E2 4:0171.0(00000000)",
        "W1 4:0171.0(00000000)(1)",
        "W1 3:0171.0(00000000)",  # another lock
        "W1 4:1171(00000000)",  # as the BK meter reads it
        "W1 4: 171(0)",
        "W1 V4:171(0)",
        "W1 7-4:171(0)",
        "W1 4:0x171(0)",
        "W1 1:0400.0(1)4:171(0)",
        "W1 4:171",
        "W1 4:0171.0(123456789)",
    ],
)
def test_only_our_spelling_of_that_lock_goes_out(text: str) -> None:
    assert refused(gate(STATE, CLOSED), text)
    assert refused(Guard(), text) and refused(Gate(), text)


def test_a_code_is_changed_only_if_that_was_asked_for() -> None:
    found = gate(STATE, OPEN)
    found.permit_change(4)
    assert not refused(found)
    assert refused(found)  # once
    for before, lock in ((OPEN, 3), (HIDDEN, 4), ("", 4)):
        found = gate(STATE, before)
        found.permit_change(lock)
        assert refused(found)
    found = gate()
    found.permit_change(4)
    assert refused(found)


def test_the_bk_meter_has_its_own_spelling() -> None:
    talk = ("R1 4:170(1)", "4:170(0)")
    assert not refused(gate(*talk, device=BK), "W1 4:171(0)")
    assert refused(gate(*talk, device=BK), "W1 4:0171.0(0)")


def test_before_the_device_is_known_no_code_goes_out() -> None:
    found = Gate(certain=True)
    found.answered(command(STATE), Answered(AnswerKind.DATA, CLOSED))
    assert refused(found)


@pytest.mark.parametrize(
    "text",
    [
        "W1 4:0170.0(0)",
        "W1 1:0400.0(171)",
        "W1 7:1710(1)",
        "W1 7:0310.0(4:171)",
        "R1 4:0171.0(1)",
        "R5 4:171()",
        "W5 1-0:171.8.0(1)",
        "W1 0.2.1(171)",
        "B0 ",
        "P1 (4:171)",
    ],
)
def test_what_is_no_code(text: str) -> None:
    assert not lock_code_written(command(text))


@given(
    st.lists(
        st.sampled_from(
            [
                (STATE, CLOSED),
                (STATE, OPEN),
                (STATE, HIDDEN),
                (STATE, ""),
                ("R1 7:0310.0(1)", "7:310.0(1)"),
                ("R1 7:0310.0(1)", HIDDEN),
                ("R1 3:0170.0(1)", "3:170.0(1)"),
                ("W1 4:0170.0(0)", "ACK"),
            ]
        ),
        max_size=6,
    )
)
def test_whatever_was_said_before_the_last_state_decides(
    talk: list[tuple[str, str]],
) -> None:
    found = gate(*(text for pair in talk for text in pair))
    if not refused(found):
        assert talk[-1] == (STATE, CLOSED) or talk[-1] == (STATE, HIDDEN)


# --- passwords ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("identification", "gas"),
    [
        ("/Els6EK260", "EK260"),
        ("/Els6\\2EK280", "EK280"),
        ("/Els6\\2EK260", "EK260"),
        ("/Els6DL220W", "DL220W"),
        ("/Els6TVC230", "TVC230"),
        ("/Els6\\BKET", "BKET"),
        ("/ELS6BKET", "BKET"),
        ("/Els6\\Named", "Named"),
        ("/SIm6EK260", "EK260"),
        ("/ELS5\\@V9.30", None),
        ("/ELS5A1500", None),
        ("/LGZ4EK260", None),
        ("/SIM5DEMO", None),
    ],
)
def test_gas_devices_get_no_password(identification: str, gas: str | None) -> None:
    told = Identification(identification)
    assert gas_type(told) == gas
    for guard in (Guard(), Gate()):
        if gas is None:
            guard.allow_password(told)
        else:
            with pytest.raises(ConfigError, match="locks"):
                guard.allow_password(told)
    with pytest.raises(ConfigError):
        Gate(certain=True).allow_password(told)


def test_what_may_be_a_bk_meter_gets_none_either() -> None:
    told = Identification("/ELS6FOO")
    with pytest.raises(ConfigError, match="firmware"):
        Gate().allow_password(told)
    guard = Guard()
    guard.passwords = True
    guard.allow_password(told)


def test_the_engine_asks_its_guard() -> None:
    engine = ProgrammingEngine(ReaderOptions())
    with pytest.raises(ConfigError, match="unlock"):
        engine.command(command(CODE), repeatable=False)
    with pytest.raises(ConfigError):
        engine.command(Command("W3", b"4:0171.0(0", last=False), repeatable=False)
    engine.identification = Identification("/Els6\\BKET")
    with pytest.raises(ConfigError, match="no password"):
        engine.password(1, "4:00000000")
    with pytest.raises(ConfigError, match="no password"):
        engine.command(Command("P1", b"(0200)"), repeatable=False)
    assert engine.next_action() is None


def test_the_probe_is_that_of_the_vendor() -> None:
    assert PROBE.to_bytes() == b"\x01R1\x0201:0181.0(1)\x03\x7f"
    assert Gate().probe(Identification("/Els6EK260")) == PROBE
    assert Gate().probe(None) is None and Gate(certain=True).probe(None) == PROBE
