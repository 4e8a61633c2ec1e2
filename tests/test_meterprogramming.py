"""Programming mode on the meter's side, driven by hand: transcripts byte for byte.

The meters of the transcripts are data here: a Script says which command is answered
with what.
"""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_meter import BREAK, REQUEST, Hand

from iecread.protocol.bcc import CheckKind
from iecread.protocol.messages import ACK, NAK, Block, Command, Identification
from iecread.protocol.meter import MeterSetup
from iecread.protocol.meterprogramming import (
    Answer,
    Opening,
    ProgrammableEngine,
    ProgrammingSetup,
    data,
    error,
)
from iecread.protocol.parity import Parity, add_even
from iecread.protocol.state import MeterState, Step

READOUT = b"1.8.0(001234.5*kWh)\r\n!\r\n"
P0 = b"\x01P0\x02(00000000)\x03`"
P1 = b"\x01P1\x02(00000000)\x03a"
WRONG = b"\x01P1\x02(99999999)\x03a"
R1 = b"\x01R1\x021.8.0(1)\x03k"
W1 = b"\x01W1\x020.0.1(CUSTOMER 7)\x03D"


class Script:
    """A memory that knows a few answers; what it does not know is an error."""

    def __init__(self, answers):
        self.answers = answers
        self.done = []

    def perform(self, name, text):
        self.done.append((name, text))
        return self.answers.get((name, text), error(b"(ER02)"))


def programmed(identification, answers=None, *, setup=None, readout=READOUT, **more):
    known = {("R1", "1.8.0(1)"): data(b"1.8.0(001234.567*kWh)")}
    known |= {("W1", "0.0.1(CUSTOMER 7)"): Answer()}
    memory = Script(known if answers is None else answers)
    ident = Identification(identification)
    meter = MeterSetup(ident, lambda kind, y: readout, **(setup or {}))
    return Hand(ProgrammableEngine(meter, ProgrammingSetup(memory, **more)))


def opened(identification="/EXA5DEMO-P1", answers=None, **more):
    """A meter in an open programming session."""
    hand = programmed(identification, answers, **more)
    hand.hear(REQUEST)
    hand.hear(b"\x06051\r\n")
    hand.hear(P1)
    assert hand.engine.state is MeterState.OPEN
    return hand


def command(name, text, last=True):
    return Command(name, text, last).to_bytes()


# the transcripts


def test_mode_a_behind_the_readout():  # T03
    text = b"1.8.0(000123.4*kWh)\r\n!\r\n"
    answers = {("R1", "0.0.0(1)"): data(b"0.0.0(00012345)")}
    hand = programmed("/EXAXDEMO-A3", answers, readout=text, password="1234")
    assert hand.hear(REQUEST) == [
        (300, b"/EXAXDEMO-A3\r\n"),
        (300, b"\x02" + text + b"\x03~"),
    ]
    assert hand.hear(b"\x01P1\x02(1234)\x03e") == [(300, ACK)]
    answer = [(300, b"\x020.0.0(00012345)\x033")]
    assert hand.hear(b"\x01R1\x020.0.0(1)\x03b") == answer
    assert hand.hear(BREAK) == []
    assert hand.engine.state is MeterState.START
    assert hand.engine.endings == ["break"]
    assert hand.hear(REQUEST)[0] == (300, b"/EXAXDEMO-A3\r\n")


def test_mode_b_goes_back_to_300():  # T04
    text = b"0.0.0(00012345)\r\n1.8.0(000123.4*kWh)\r\n!\r\n"
    hand = programmed("/EXAEDEMO-B", readout=text, password="1234")
    said = hand.hear(REQUEST)
    assert said[1] == (9600, b"\x02" + text + b"\x03I")
    assert hand.hear(b"\x01P1\x02(1234)\x03e") == [(300, ACK)]
    assert hand.hear(BREAK) == []
    assert hand.engine.state is MeterState.START


def test_read_write_and_read_back():  # T08
    answers = {
        ("R1", "1.8.0(1)"): data(b"1.8.0(001234.567*kWh)"),
        ("W1", "0.0.1(CUSTOMER 7)"): Answer(),
        ("R1", "0.0.1()"): data(b"(CUSTOMER 7)"),
    }
    setup = {"address": "12345678"}
    hand = programmed("/EXA5DEMO-P1", answers, setup=setup)
    assert hand.hear(b"/?12345678!\r\n") == [(300, b"/EXA5DEMO-P1\r\n")]
    assert hand.hear(b"\x06051\r\n") == [(9600, P0)]
    assert hand.hear(P1) == [(9600, ACK)]
    assert hand.hear(R1) == [(9600, b"\x021.8.0(001234.567*kWh)\x03[")]
    assert hand.hear(W1) == [(9600, ACK)]
    assert hand.hear(b"\x01R1\x020.0.1()\x03R") == [(9600, b"\x02(CUSTOMER 7)\x03\x11")]
    assert hand.hear(BREAK) == []
    assert hand.speed == 300
    engine = hand.engine
    assert engine.passwords == [("P1", "00000000")]
    assert engine.writes == [("W1", "0.0.1(CUSTOMER 7)")]
    assert engine.endings == ["break"]


def test_vdew_clock():  # T09
    answers = {
        ("R5", "0.9.2()"): data(b"0.9.2(1240601)"),
        ("R5", "0.9.1()"): data(b"0.9.1(1101415)"),
        ("W5", "0.9.2(1240601)"): Answer(),
        ("W5", "0.9.1(1101455)"): Answer(),
    }
    hand = programmed(r"/EXA5\@DEMO-V", answers, operand="")
    hand.hear(REQUEST)
    assert hand.hear(b"\x06051\r\n") == [(9600, b"\x01P0\x02()\x03`")]
    assert hand.hear(P1) == [(9600, ACK)]
    answer = [(9600, b"\x020.9.2(1240601)\x03\x09")]
    assert hand.hear(b"\x01R5\x020.9.2()\x03\\") == answer
    answer = [(9600, b"\x020.9.1(1101415)\x03\x0b")]
    assert hand.hear(b"\x01R5\x020.9.1()\x03_") == answer
    assert hand.hear(b"\x01W5\x020.9.2(1240601)(00000000)\x03h") == [(9600, ACK)]
    assert hand.hear(b"\x01W5\x020.9.1(1101455)(00000000)\x03n") == [(9600, ACK)]
    assert [text for _, text in hand.engine.writes] == [
        "0.9.2(1240601)",
        "0.9.1(1101455)",
    ]


def test_repeats_in_both_directions():  # T10, second half
    answers = {("R1", "1.8.0(1)"): data(b"1.8.0(001234.5*kWh)")}
    hand = programmed("/EXA5DEMO-N", answers)
    hand.hear(REQUEST)
    assert hand.hear(b"\x06051\r\n") == [(9600, P0)]
    assert hand.hear(b"\x01P1\x02(00000000)\x03`") == [(9600, NAK)]
    assert hand.engine.passwords == []
    assert hand.hear(P1) == [(9600, ACK)]
    answer = [(9600, b"\x021.8.0(001234.5*kWh)\x03Z")]
    assert hand.hear(R1) == answer
    assert hand.hear(NAK) == answer
    assert hand.hear(BREAK) == []


T11 = (
    b"0100(000102030405060708090A0B0C0D0E0F)\r\n",
    b"0110(101112131415161718191A1B1C1D1E1F)\r\n",
    b"0120(2021222324252627)\r\n",
)


def test_parts_of_an_answer():  # T11
    answers = {("R3", "0100(28)"): data(*T11)}
    hand = opened(answers=answers, damaged_part=2)
    first = (9600, b"\x02" + T11[0] + b"\x04\x05")
    assert hand.hear(b"\x01R3\x020100(28)\x03j") == [first]
    assert hand.hear(ACK) == [(9600, b"\x02" + T11[1] + b"\x04\x05")]
    assert hand.hear(NAK) == [(9600, b"\x02" + T11[1] + b"\x04\x04")]
    assert hand.hear(ACK) == [(9600, b"\x02" + T11[2] + b"\x03\x06")]
    assert hand.engine.state is MeterState.OPEN
    assert hand.hear(ACK) == []  # nothing more to acknowledge
    assert hand.hear(NAK) == [(9600, b"\x02" + T11[2] + b"\x03\x06")]
    assert hand.hear(BREAK) == []


def test_parts_of_a_write():  # T12
    parts = ("00112233445566778899AABBCCDDEEFF", "FFEEDDCCBBAA99887766554433221100")
    whole = f"0200({''.join(parts)}0102)"
    hand = opened(answers={("W3", whole): Answer()})
    one = f"\x01W3\x020200({parts[0]})\x04a".encode()
    two = f"\x01W3\x02({parts[1]})\x04c".encode()
    assert hand.hear(one) == [(9600, ACK)]
    assert hand.hear(two[:20] + b"!" + two[21:]) == [(9600, NAK)]
    assert hand.hear(two) == [(9600, ACK)]
    assert hand.hear(b"\x01W3\x02(0102)\x03g") == [(9600, ACK)]
    assert hand.engine.writes == [("W3", whole)]
    assert hand.hear(BREAK) == []


def test_errors_and_a_refused_password():  # T13
    answers = {
        ("W1", "1.8.0(0)"): error(b"(ER07)"),
        ("R5", "P.01(12406010000;12406010100)"): error(b"P.01(ERROR)"),
    }
    hand = opened(answers=answers)
    assert hand.hear(b"\x01R1\x029.9.9(1)\x03k") == [(9600, b"\x02(ER02)\x03\x17")]
    assert hand.hear(b"\x01W1\x021.8.0(0)\x03o") == [(9600, b"\x02(ER07)\x03\x12")]
    asked = b'\x01R5\x02P.01(12406010000;12406010100)\x03"'
    assert hand.hear(asked) == [(9600, b"\x02P.01(ERROR)\x03%")]
    assert hand.engine.writes == []
    assert hand.hear(BREAK) == []
    hand.hear(REQUEST)
    assert hand.hear(b"\x06001\r\n") == [(300, P0)]
    assert hand.hear(WRONG) == [(300, BREAK)]
    assert hand.engine.state is MeterState.START
    assert hand.engine.endings == ["break", "closed"]
    assert hand.engine.tries == 1


def test_seed_and_answer():  # T17
    from iecread.algorithms import elster_a1700

    answers = {("R1", "798001(10)"): data(b"(30303030303030303031323334353637)")}
    hand = programmed(
        "/GEC5120510070213@000",
        answers,
        operand="B0A692CB07930FD1",
        algorithm=elster_a1700,
    )
    hand.hear(REQUEST)
    asked = [(9600, b"\x01P0\x02(B0A692CB07930FD1)\x03a")]
    assert hand.hear(b"\x06051\r\n") == asked
    assert hand.hear(b"\x01P2\x02(61F79994CB6EAD8E)\x03\x13") == [(9600, ACK)]
    answer = [(9600, b"\x02(30303030303030303031323334353637)\x03\x02")]
    assert hand.hear(b"\x01R1\x02798001(10)\x03e") == answer
    assert hand.hear(command("P2", b"(61F79994CB6EAD8F)")) == [(9600, BREAK)]


T18 = (
    b"P.01(1240601001500)(00)(15)(2)(1.5.0)(kW)(3.5.0)(kvar)\r\n(0.412)(0.051)\r\n"
    b"(0.398)(0.049)\r\nP.01(1240601004500)(20)(15)(2)(1.5.0)(kW)(3.5.0)(kvar)\r\n"
    b"(0.405)(0.050)\r\n(0.420)()\r\n"
)
T18_LOG = (
    b"P.98(1240601003012)(00000020)()(2)(0.9.1)()(0.9.2)()(1003000)(1240601)\r\n"
    b"P.98(1240601120000)(00002000)()(0)\r\n"
)


def test_load_profile_and_log():  # T18
    answers = {
        ("R5", "P.01(12406010015;12406010100)"): data(T18),
        ("R5", "P.98(12406010000;)"): data(T18_LOG),
    }
    hand = opened(answers=answers)
    asked = b"\x01R5\x02P.01(12406010015;12406010100)\x03&"
    assert hand.hear(asked) == [(9600, b"\x02" + T18 + b"\x03$")]
    asked = b"\x01R5\x02P.98(12406010000;)\x03\x13"
    assert hand.hear(asked) == [(9600, b"\x02" + T18_LOG + b"\x03\x03")]
    assert hand.hear(BREAK) == []


def test_lone_acknowledgements():  # T24
    answers = {
        ("R2", "0.0.0()"): data(b"0.0.0(00000002)"),
        ("R2", "0.9.2()"): data(b"0.9.2(24-06-01)"),
        ("W2", "0.9.1(13:30:35)"): Answer(),
        ("E2", "1.6.0()"): Answer(),
    }
    hand = programmed(
        "/MKS6<2>ADM(M550.2251)",
        answers,
        opening=Opening.ACK_FIRST,
        password="12345678",
        break_acked=True,
    )
    hand.hear(REQUEST)
    assert hand.hear(b"\x06061\r\n") == [(300, ACK)]
    assert hand.speed == 19200
    assert hand.hear(b"\x01P1\x02(12345678)\x03i") == [(19200, ACK)]
    answer = [(19200, b"\x020.0.0(00000002)\x030")]
    assert hand.hear(b"\x01R2\x020.0.0()\x03P") == answer
    answer = [(19200, b"\x020.9.2(24-06-01)\x038")]
    assert hand.hear(b"\x01R2\x020.9.2()\x03[") == answer
    assert hand.hear(b"\x01W2\x020.9.1(13:30:35)\x03Z") == [(19200, ACK)]
    assert hand.hear(b"\x01E2\x021.6.0()\x03@") == [(19200, ACK)]
    assert hand.engine.executed == [("E2", "1.6.0()")]
    assert hand.hear(BREAK) == [(19200, ACK)]
    assert hand.speed == 300
    assert hand.engine.endings == ["break"]


# passwords


@pytest.mark.parametrize(
    ("refusal", "answer", "state"),
    [
        ("break", [(9600, BREAK)], MeterState.START),
        ("nak", [(9600, NAK)], MeterState.OPERAND_SENT),
        ("ack", [(9600, ACK)], MeterState.OPEN),
        ("silence", [], MeterState.OPERAND_SENT),
        (
            "(ERROR05)",
            [(9600, Block(b"(ERROR05)").to_bytes())],
            MeterState.OPERAND_SENT,
        ),
    ],
)
def test_ways_to_refuse_a_password(refusal, answer, state):
    hand = programmed("/EXA5DEMO-P1", refusal=refusal)
    hand.hear(REQUEST)
    hand.hear(b"\x06051\r\n")
    assert hand.hear(WRONG) == answer
    assert hand.engine.state is state
    if state is not MeterState.START:
        assert hand.hear(W1) == [(9600, Block(b"(ER07)").to_bytes())]
    assert hand.engine.programming.memory.done == []
    assert hand.engine.passwords == [("P1", "99999999")]


def try_password(hand, password):
    hand.hear(REQUEST)
    hand.hear(b"\x06051\r\n")
    return hand.hear(password)[0][1]


def test_lockout():
    hand = programmed("/EXA5DEMO-P1", lockout=3, lockout_time=1000)
    assert try_password(hand, WRONG) == BREAK
    assert try_password(hand, P1) == ACK
    assert hand.engine.tries == 0  # a right one makes up for it
    hand.hear(BREAK)
    for tries in (1, 2, 3):
        assert try_password(hand, WRONG) == BREAK
        assert hand.engine.tries == tries
    locked = hand.now
    assert try_password(hand, P1) == BREAK  # even the right one
    assert hand.engine.tries == 3
    hand.rest(locked + 990 - hand.now)
    assert try_password(hand, P1) == BREAK
    hand.rest(20)
    assert try_password(hand, P1) == ACK
    assert hand.engine.tries == 0


def test_the_lock_begins_anew():
    hand = programmed("/EXA5DEMO-P1", lockout=1, lockout_time=100)
    assert try_password(hand, WRONG) == BREAK
    hand.rest(101)
    assert try_password(hand, WRONG) == BREAK
    assert try_password(hand, P1) == BREAK


def test_every_password_is_wrong():
    hand = programmed("/EXA5DEMO-P1", refuses_all=True)
    assert try_password(hand, P1) == BREAK


def test_no_password_is_needed():
    hand = programmed("/EXA5DEMO-P1", password=None)
    hand.hear(REQUEST)
    hand.hear(b"\x06051\r\n")
    assert hand.hear(W1) == [(9600, ACK)]


def test_reading_before_the_password():
    hand = programmed("/EXA5DEMO-P1")
    hand.hear(REQUEST)
    hand.hear(b"\x06051\r\n")
    assert hand.hear(R1)[0][1][:6] == b"\x021.8.0"
    assert hand.hear(W1) == [(9600, Block(b"(ER07)").to_bytes())]
    assert hand.hear(P1) == [(9600, ACK)]
    assert hand.hear(W1) == [(9600, ACK)]
    closed = programmed("/EXA5DEMO-P1", reads_open=False)
    closed.hear(REQUEST)
    closed.hear(b"\x06051\r\n")
    assert closed.hear(R1) == [(9600, Block(b"(ER07)").to_bytes())]


def test_rights_end_with_the_session():
    hand = opened()
    assert hand.hear(W1) == [(9600, ACK)]
    hand.hear(BREAK)
    hand.hear(REQUEST)
    hand.hear(b"\x06051\r\n")
    assert hand.hear(W1) == [(9600, Block(b"(ER07)").to_bytes())]
    hand = programmed("/EXAXDEMO-A")
    hand.hear(REQUEST)
    hand.hear(P1)
    hand.rest(70)
    hand.hear(REQUEST)
    assert hand.hear(W1) == [(300, Block(b"(ER07)").to_bytes())]
    assert hand.engine.endings == ["timeout"]


def test_password_in_the_second_bracket():
    answers = {("W5", "0.9.1(1101455)"): Answer()}
    hand = programmed("/EXA5DEMO-V", answers, lockout=2)
    hand.hear(REQUEST)
    hand.hear(b"\x06051\r\n")
    bare = command("W5", b"0.9.1(1101455)")
    assert hand.hear(bare) == [(9600, Block(b"(ER07)").to_bytes())]
    wrong = command("W5", b"0.9.1(1101455)(99999999)")
    right = command("W5", b"0.9.1(1101455)(00000000)")
    assert hand.hear(wrong) == [(9600, Block(b"(ER07)").to_bytes())]
    assert hand.engine.tries == 1
    assert hand.hear(right) == [(9600, ACK)]
    assert hand.engine.writes == [("W5", "0.9.1(1101455)")]
    assert [text for _, text in hand.engine.passwords] == ["99999999", "00000000"]


@pytest.mark.parametrize(
    ("opening", "answer", "state"),
    [
        (Opening.OPERAND, [(9600, P0)], MeterState.OPERAND_SENT),
        (Opening.ACK, [(9600, ACK)], MeterState.OPEN),
        (Opening.ACK_FIRST, [(300, ACK)], MeterState.OPEN),
        (Opening.NOTHING, [], MeterState.OPERAND_SENT),
    ],
)
def test_openings(opening, answer, state):
    hand = programmed("/EXA5DEMO-P1", opening=opening)
    hand.hear(REQUEST)
    assert hand.hear(b"\x06051\r\n") == answer
    assert hand.engine.state is state
    assert hand.speed == 9600
    assert hand.hear(W1) == [(9600, Block(b"(ER07)").to_bytes())]
    assert hand.hear(P1) == [(9600, ACK)]
    assert hand.hear(W1) == [(9600, ACK)]


@pytest.mark.parametrize("select", [b"\x06041\r\n", b"\x06151\r\n", b"\x0605\xb1\r\n"])
def test_a_wrong_option_select_brings_the_readout(select):
    hand = programmed("/EXA5DEMO-P1")
    hand.hear(REQUEST)
    assert hand.hear(select) == [(300, Block(READOUT).to_bytes())]
    assert hand.engine.endings == []


# repeats, damage, silence


def test_what_nak_brings_again():
    hand = programmed("/EXA5DEMO-P1", refusal="(ER05)")
    hand.hear(REQUEST)
    hand.hear(b"\x06051\r\n")
    assert hand.hear(NAK) == [(9600, P0)]
    refused = hand.hear(WRONG)
    assert hand.hear(NAK) == refused
    assert hand.hear(P1) == [(9600, ACK)]
    assert hand.hear(NAK) == [(9600, ACK)]
    assert hand.hear(b"\x01R1\x021.8.0(1)\x03!") == [(9600, NAK)]
    assert hand.hear(NAK) == [(9600, NAK)]
    answer = hand.hear(R1)
    for _ in range(3):
        assert hand.hear(NAK) == answer
    assert hand.hear(NAK) == []  # that is often enough
    assert hand.hear(R1) == answer


def test_a_new_command_ends_the_parts():
    hand = opened(answers={("R3", "0(3)"): data(b"a", b"b", b"c")})
    assert hand.hear(command("R3", b"0(3)"))[0][1][:3] == b"\x02a\x04"
    assert hand.hear(P1) == [(9600, ACK)]
    assert hand.hear(command("R3", b"0(3)"))[0][1][:3] == b"\x02a\x04"
    assert hand.hear(b"\x01R3\x020(3)\x03!") == [(9600, NAK)]
    assert hand.hear(command("R3", b"0(3)"))[0][1][:3] == b"\x02a\x04"
    assert hand.hear(BREAK) == []
    assert hand.engine.state is MeterState.START


def test_a_write_in_parts_that_is_given_up():
    hand = opened(answers={("W3", "2(b)"): Answer()})
    assert hand.hear(command("W3", b"1(a)", last=False)) == [(9600, ACK)]
    hand.hear(R1)
    assert hand.hear(command("W3", b"2(b)")) == [(9600, ACK)]
    assert hand.engine.writes == [("W3", "2(b)")]
    done = hand.engine.programming.memory.done
    hand.hear(command("W3", b"1(a)", last=False))
    hand.hear(command("W3", b"2(b)", last=False))  # begins anew
    hand.hear(command("W3", b"(c)"))
    assert done[-1] == ("W3", "2(bc)")
    hand.hear(command("W3", b"1(a)", last=False))
    hand.hear(R1)
    hand.hear(command("W3", b"(b)"))
    assert done[-1] == ("W3", "(b)")


def test_a_repeated_part_counts_once():
    hand = opened(answers={("R3", "0(3)"): data(b"a", b"b", b"c")}, damaged_part=2)
    hand.hear(command("R3", b"0(3)"))
    assert hand.hear(NAK) == [(9600, Block(b"a", last=False).to_bytes())]
    assert hand.hear(ACK) != [(9600, Block(b"b", last=False).to_bytes())]
    assert hand.hear(NAK) == [(9600, Block(b"b", last=False).to_bytes())]


def test_a_slow_message_keeps_the_session():
    hand = opened(idle=1.0)
    for byte in R1[:-1]:
        assert hand.hear(bytes((byte,))) == []
        hand.rest(0.8)
    assert hand.hear(R1[-1:]) != []


def test_a_lost_acknowledgement():
    hand = opened(lost_ack=1)
    assert hand.hear(W1) == []
    assert hand.engine.writes == [("W1", "0.0.1(CUSTOMER 7)")]
    assert hand.hear(NAK) == [(9600, ACK)]
    assert hand.hear(W1) == [(9600, ACK)]
    assert len(hand.engine.writes) == 2  # the books know of the second one


def test_a_command_that_is_not_heard():
    hand = opened(silent_command=2)
    assert hand.hear(R1) != []
    assert hand.hear(W1) == []
    assert hand.engine.writes == []
    assert hand.hear(NAK) == []
    assert hand.hear(W1) == [(9600, ACK)]


def test_it_breaks_off():
    hand = opened(breaks_off=2)
    assert hand.hear(R1) != []
    assert hand.hear(W1) == [(9600, BREAK)]
    assert hand.engine.writes == []
    assert hand.engine.endings == ["closed"]
    assert hand.speed == 300


@pytest.mark.parametrize(
    "damaged",
    [
        b"\x01R1\x021.8.0(2)\x03k",  # check
        b"\x01R1\x021.8.0(1)\x03\xeb",  # parity
        command("R1", b"1.8.0(1"),  # syntax
        command("R1", b"1.8.0"),
        command("R1", b"1.8.0(1)2"),
        command("W1", b"1.8.0((1))"),
        command("P1", b"00000000"),
        b"\x01R\x021.8.0(1)\x039",
        b"\x01\x03\x03",
    ],
)
def test_damaged_commands(damaged):
    hand = opened()
    assert hand.hear(damaged) == [(9600, NAK)]
    assert hand.engine.state is MeterState.OPEN
    assert hand.hear(R1)[0][1][:6] == b"\x021.8.0"
    assert hand.engine.tries == 0


def test_a_damaged_password_opens_nothing():
    hand = programmed("/EXA5DEMO-P1")
    hand.hear(REQUEST)
    hand.hear(b"\x06051\r\n")
    assert hand.hear(P1[:-1] + b"b") == [(9600, NAK)]
    assert hand.engine.state is MeterState.OPERAND_SENT
    assert hand.hear(P1) == [(9600, ACK)]


def test_a_damaged_start_does_not_swallow_the_next_command():
    hand = opened()
    assert hand.hear(b"noise\x06\x01R1\x021.8" + R1)[0][1][:6] == b"\x021.8.0"


@pytest.mark.parametrize("name", ["P3", "P0", "B2", "X1", "R7", "W0"])
def test_unknown_commands(name):
    hand = opened()
    answer = hand.hear(command(name, b"1.8.0(1)"))
    assert answer[0][1][1:4] == b"(ER"
    assert hand.engine.state is MeterState.OPEN


def test_sign_off_of_a_battery_meter():
    hand = opened()
    assert hand.hear(b"\x01B1\x03p") == [(9600, ACK)]
    assert hand.engine.state is MeterState.START
    assert hand.engine.endings == ["break"]
    assert hand.speed == 300


def test_nobody_says_anything():
    hand = opened(idle=70)
    hand.rest(60)
    assert hand.hear(R1) != []
    hand.rest(69)
    assert hand.engine.state is MeterState.OPEN
    hand.rest(2)
    assert hand.engine.state is MeterState.START
    assert hand.speed == 300
    assert hand.engine.endings == ["timeout"]
    hand.hear(REQUEST)
    hand.hear(b"\x06051\r\n")  # and before the password
    hand.rest(71)
    assert hand.engine.endings == ["timeout", "timeout"]


@pytest.mark.parametrize("moment", range(len(W1)))
def test_a_break_at_any_time(moment):
    hand = opened()
    hand.hear(W1[:moment])
    assert hand.hear(BREAK) == []
    assert hand.engine.state is MeterState.START
    assert hand.engine.writes == []


def test_a_readout_is_none_the_worse():
    hand = programmed("/EXA5DEMO-P1")
    hand.hear(REQUEST)
    assert hand.hear(b"\x06050\r\n") == [(9600, Block(READOUT).to_bytes())]
    assert hand.hear(NAK) == [(9600, Block(READOUT).to_bytes())]
    assert hand.hear(P1) == []  # 6.4.3: not behind a readout in mode C
    hand.rest(3)
    assert hand.engine.state is MeterState.START
    assert hand.engine.endings == []


def test_additive_checks():
    hand = programmed("/EXA5DEMO-S", setup={"check": CheckKind.SUM7})
    hand.hear(REQUEST)
    operand = Command("P0", b"(00000000)", kind=CheckKind.SUM7).to_bytes()
    assert hand.hear(b"\x06051\r\n") == [(9600, operand)]
    assert hand.hear(P1) == [(9600, NAK)]
    password = Command("P1", b"(00000000)", kind=CheckKind.SUM7).to_bytes()
    assert hand.hear(password) == [(9600, ACK)]
    answer = hand.hear(Command("R1", b"1.8.0(1)", kind=CheckKind.SUM7).to_bytes())
    assert Block.from_bytes(answer[0][1], CheckKind.SUM7).right
    wrong = Command("P1", b"(9)", kind=CheckKind.SUM7).to_bytes()
    assert hand.hear(wrong) == [(9600, Command("B0", kind=CheckKind.SUM7).to_bytes())]


def test_even_parity_both_ways():
    hand = programmed("/EXA5DEMO-P1", setup={"parity": Parity.EVEN})
    hand.hear(add_even(REQUEST))
    assert hand.hear(add_even(b"\x06051\r\n")) == [(9600, add_even(P0))]
    assert hand.hear(P1) == [(9600, add_even(NAK))]
    assert hand.hear(add_even(P1)) == [(9600, add_even(ACK))]
    assert hand.hear(add_even(NAK)) == [(9600, add_even(ACK))]
    assert hand.hear(add_even(BREAK)) == []
    assert hand.engine.endings == ["break"]


@given(st.sets(st.integers(1, 60)))
def test_cuts_change_nothing(cuts):
    asked = [P1, R1, W1, b"\x01W1\x02(1)\x03!", NAK, WRONG]

    def answers(split):
        hand = programmed("/EXA5DEMO-P1")
        hand.hear(REQUEST)
        hand.hear(b"\x06051\r\n")
        for message in asked:
            hand.hear(message, [cut for cut in split if cut < len(message)])
        return hand.said, hand.engine.state, hand.engine.writes

    assert answers(cuts) == answers(()) == answers(range(100))


@pytest.mark.parametrize("z", "5XE")
@settings(deadline=None)
@given(
    st.lists(
        st.one_of(
            st.binary(max_size=20),
            st.sampled_from([REQUEST, P1, R1, W1, WRONG, NAK, ACK, BREAK]),
            st.sampled_from([b"\x06051\r\n", b"\x06050\r\n", b"\x01B1\x03p", b"\x01"]),
            st.builds(
                lambda name, text, last: command(name, text, last),
                st.sampled_from(["R3", "W3", "P2", "E2", "W5"]),
                st.sampled_from([b"0(3)", b"(1)", b"0(1)(00000000)", b""]),
                st.booleans(),
            ),
            st.floats(0, 100),
        ),
        max_size=12,
    ),
    st.sampled_from(["break", "nak", "ack", "silence", "(ER)"]),
    st.sampled_from(Opening),
)
def test_anything_raises_nothing(z, items, refusal, opening):
    known = {("R3", "0(3)"): data(b"a", b"b", b"c"), ("W5", "0(1)"): Answer()}
    known |= {("E2", "0(3)"): Answer(Step.END), ("W3", "0(3)"): Answer(Step.NAK)}
    faults = {"lost_ack": 1, "silent_command": 3, "breaks_off": 6, "damaged_part": 2}
    hand = programmed(
        f"/EXA{z}DEMO", known, refusal=refusal, opening=opening, lockout=2, **faults
    )
    for item in items:
        if isinstance(item, float):
            hand.rest(item)
        else:
            hand.hear(item)
    hand.hear(BREAK)
    hand.rest(200)
    assert hand.engine.state is MeterState.START
    assert hand.speed == 300
