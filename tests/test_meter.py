"""The meter's side, driven by hand: transcripts byte for byte, and what must not be.

``Hand`` carries out the engine's actions against a clock of its own and writes down
what left the meter at which speed.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iecread.errors import LocalProtocolError
from iecread.protocol.actions import SetSpeed, Wait, Write
from iecread.protocol.bcc import CheckKind, bcc_sum7
from iecread.protocol.messages import Identification
from iecread.protocol.meter import MeterEngine, MeterSetup, PushEngine
from iecread.protocol.parity import Parity, add_even
from iecread.protocol.state import MeterState

REQUEST = b"/?!\r\n"
DATA_C = b"1.8.0(001234.5*kWh)\r\n!\r\n"
BLOCK_C = b"\x02" + DATA_C + b"\x03{"
BREAK = b"\x01B0\x03q"


class Hand:
    """Plays a MeterEngine; ``said`` holds (speed in Bd, bytes) of each message."""

    def __init__(self, engine):
        self.engine = engine
        self.now = 100.0
        self.speed = 300
        self.said = []
        self.times = []

    def play(self):
        while (action := self.engine.next_action()) is not None:
            if isinstance(action, Wait):
                self.now += action.seconds
            elif isinstance(action, SetSpeed):
                assert action.baud != self.speed
                self.speed = action.baud
            else:
                assert isinstance(action, Write)
                self.times.append(self.now)
                self.said.append((self.speed, action.data))
                self.now += len(action.data) * 10 / self.speed
            self.engine.action_done(self.now)

    def hear(self, data, cuts=()):
        """Give ``data`` to the meter, cut at ``cuts``, and return what it answers."""
        begin = len(self.said)
        edges = [0, *sorted(cuts), len(data)]
        for left, right in zip(edges, edges[1:], strict=False):
            self.now += (right - left) * 10 / self.speed
            self.engine.receive_data(data[left:right], self.now)
        self.play()
        return self.said[begin:]

    def rest(self, seconds):
        """Let the line be quiet and return what the meter says in that time."""
        begin, end = len(self.said), self.now + seconds
        while (due := self.engine.deadline()) is not None and due <= end:
            self.now = max(self.now, due)
            self.engine.handle_timeout(self.now)
            self.play()
        self.now = max(self.now, end)
        return self.said[begin:]


def meter(identification, text=DATA_C, **more):
    """A meter that plays one of the transcripts."""
    end = "\r\n"
    ident = Identification(identification, end)
    return Hand(MeterEngine(MeterSetup(ident, lambda kind, y: text, **more)))


def test_mode_a_with_check():  # T01
    text = b"0.0.0(00012345)\r\n1.8.0(000123.4*kWh)\r\n!\r\n"
    hand = meter("/EXAXDEMO-A1", text)
    assert hand.hear(REQUEST) == [
        (300, b"/EXAXDEMO-A1\r\n"),
        (300, b"\x02" + text + b"\x03I"),
    ]
    assert hand.times[0] == pytest.approx(100 + 5 / 30 + 0.2)
    assert hand.times[1] == pytest.approx(hand.times[0] + 14 / 30)  # at once
    assert hand.engine.state is MeterState.START
    assert hand.hear(b"\x15") == []  # in mode A the request is repeated instead


def test_mode_a_without_check():  # T02
    text = b"0.0.0(00012345)\r\n6.8(00017.21*GJ)\r\n!\r\n"
    hand = meter("/EXA DEMO-A2", text, check=None)
    assert hand.hear(REQUEST) == [(300, b"/EXA DEMO-A2\r\n"), (300, text)]


def test_mode_b_switches_in_the_pause():  # T04
    text = b"0.0.0(00012345)\r\n1.8.0(000123.4*kWh)\r\n!\r\n"
    hand = meter("/EXAEDEMO-B", text)
    assert hand.hear(REQUEST) == [
        (300, b"/EXAEDEMO-B\r\n"),
        (9600, b"\x02" + text + b"\x03I"),
    ]
    assert hand.times[1] == pytest.approx(hand.times[0] + 13 / 30 + 0.2)
    assert hand.speed == 300


T05 = (
    b"F.F(00)\r\n0.0.0(12345678)\r\n0.9.1(101415)\r\n0.9.2(240601)\r\n"
    b"1.8.0(001234.567*kWh)\r\n1.8.1(000234.567*kWh)\r\n1.8.1*05(000200.000*kWh)\r\n"
    b"1.8.1&04(000100.000*kWh)\r\n1.6.1(0.123*kW)(2405310015)\r\n0.1.2*03()\r\n!\r\n"
)


def test_mode_c_fast():  # T05
    hand = meter("/EXa5DEMO-C1", T05, reaction=0.02)
    assert hand.hear(REQUEST) == [(300, b"/EXa5DEMO-C1\r\n")]
    assert hand.times == [pytest.approx(100 + 5 / 30 + 0.02)]
    asked = hand.now
    assert hand.hear(b"\x06050\r\n") == [(9600, b"\x02" + T05 + b"\x03/")]
    assert hand.times[1] == pytest.approx(asked + 0.2 + 0.02)
    assert hand.engine.state is MeterState.SENT
    hand.rest(2)
    assert hand.engine.state is MeterState.START
    assert hand.speed == 300


def test_mode_c_refused_speed():  # T06
    hand = meter("/EXA5DEMO-C2")
    hand.hear(REQUEST)
    assert hand.hear(b"\x06000\r\n") == [(300, BLOCK_C)]


def test_mode_c_fallback_and_wrong_speed():  # T07
    hand = meter("/EXA5DEMO-C3")
    hand.hear(REQUEST)
    asked = hand.now
    assert hand.rest(1.5) == []
    assert hand.rest(0.7) == [(300, BLOCK_C)]
    assert 1.5 < hand.times[1] - asked <= 2.2
    hand.rest(3)
    assert hand.hear(REQUEST) == [(300, b"/EXA5DEMO-C3\r\n")]
    assert hand.hear(b"\x06040\r\n") == [(300, BLOCK_C)]


@pytest.mark.parametrize(
    "select", ["041", "051", "001", "252", "05x", "150", "05", "0555", "\x7f"]
)
def test_what_does_not_fit_gives_the_readout_at_300(select):  # 5.5 h
    hand = meter("/EXA5DEMO-C3")
    hand.hear(REQUEST)
    assert hand.hear(b"\x06" + select.encode() + b"\r\n") == [(300, BLOCK_C)]


def test_damaged_option_select_without_its_line_end():
    hand = meter("/EXA5DEMO-C3")
    hand.hear(REQUEST)
    assert hand.rest(1.3) == []
    hand.hear(b"\x06050\r")
    assert hand.rest(1.4) == []  # it had begun, so the gap counts
    assert hand.rest(0.5) == [(300, BLOCK_C)]


def test_meter_without_fallback():
    hand = meter("/EXA5DEMO-C3", fallback=False)
    hand.hear(REQUEST)
    assert hand.rest(5) == []
    assert hand.engine.state is MeterState.START
    assert hand.hear(b"\x06050\r\n") == []


def test_nak_brings_the_block_again():  # T10
    hand = meter("/EXA5DEMO-N")
    hand.hear(REQUEST)
    hand.hear(b"\x06050\r\n")
    hand.rest(0.2)
    asked = hand.now
    assert hand.hear(b"\x15") == [(9600, BLOCK_C)]
    assert hand.times[-1] == pytest.approx(asked + 10 / 9600 + 0.2)
    assert hand.hear(b"\x15") == [(9600, BLOCK_C)]
    assert hand.hear(b"\x15") == [(9600, BLOCK_C)]
    assert hand.hear(b"\x15") == []
    hand.rest(2)
    assert (hand.engine.state, hand.speed) == (MeterState.START, 300)


def test_nak_ignored():
    hand = meter("/EXA5DEMO-N", repeats=0)
    hand.hear(REQUEST)
    hand.hear(b"\x06050\r\n")
    assert (hand.engine.state, hand.speed) == (MeterState.START, 300)
    assert hand.hear(b"\x15") == []


def test_classic_wake_up():  # T14
    hand = meter("/EXACDEMO-W", b"6.8(00012.3*MWh)\r\n!\r\n", wake_nuls=63)
    assert hand.hear(REQUEST) == []
    hand.rest(2)
    hand.hear(bytes(66), cuts=range(1, 66))
    assert hand.engine.state is MeterState.AWAKE
    hand.rest(1.6)
    assert hand.hear(REQUEST) == [
        (300, b"/EXACDEMO-W\r\n"),
        (2400, b"\x026.8(00012.3*MWh)\r\n!\r\n\x03u"),
    ]
    assert hand.hear(REQUEST) == []  # asleep again


@pytest.mark.parametrize(("nuls", "pause"), [(50, 1.6), (66, 0.5), (66, 6)])
def test_wake_up_too_short_too_early_too_late(nuls, pause):
    hand = meter("/EXACDEMO-W", wake_nuls=63)
    hand.hear(bytes(nuls))
    hand.rest(pause)
    assert hand.hear(REQUEST) == []


def test_wake_up_with_a_gap_counts_anew():
    hand = meter("/EXACDEMO-W", wake_nuls=63)
    hand.hear(bytes(40))
    hand.rest(1)
    hand.hear(bytes(40))
    assert hand.engine.state is MeterState.START


def test_who_is_awake_stays_so_while_it_is_woken_again():
    hand = meter("/EXACDEMO-W", wake_nuls=63, parity=Parity.EVEN)
    hand.hear(bytes(66))
    hand.rest(1.6)
    assert hand.hear(REQUEST) == []  # without parity
    hand.rest(2.6)
    for _ in range(11):  # 2.2 s: 5 s are over within them
        hand.hear(bytes(6))
        hand.rest(0.01)
    hand.rest(1.6)
    assert hand.hear(add_even(REQUEST))[0][1] == add_even(b"/EXACDEMO-W\r\n")


def test_bus_address():  # T19
    for number, value, check in ((17, b"000001.5", b"N"), (18, b"000002.5", b"B")):
        text = b"0.0.0(%d)\r\n1.8.0(%s*kWh)\r\n!\r\n" % (number, value)
        hand = meter(f"/EXA0BUS-{number}", text, address=f"{number}")
        assert hand.hear(b"/?19!\r\n") == []
        asked = b"/?%08d!\r\n" % number
        assert hand.hear(asked) == [(300, b"/EXA0BUS-%d\r\n" % number)]
        block = b"\x02" + text + b"\x03" + check
        assert hand.hear(b"\x06000\r\n") == [(300, block)]


@pytest.mark.parametrize(
    ("ours", "asked", "answers"),
    [
        ("10203", "", True),
        ("10203", "000010203", True),
        ("00010203", "10203", True),
        ("000", "0", True),
        ("0", "0000000", True),
        ("", "0", True),
        ("10203", "0", False),
        ("10203", "1020", False),
        ("10203", "102030", False),
        ("10203", "010203 ", False),
        ("10a", "10A", False),
        ("", "1", False),
        ("Long address 0123456789 abcdefgh", "Long address 0123456789 abcdefgh", True),
    ],
)
def test_addresses(ours, asked, answers):
    hand = meter("/EXA0BUS", address=ours)
    assert bool(hand.hear(f"/?{asked}!\r\n".encode())) is answers


def test_another_address_ends_the_session():
    hand = meter("/EXA5DEMO", address="17")
    hand.hear(b"/?17!\r\n")
    assert hand.hear(b"/?18!\r\n") == []
    assert hand.rest(5) == []
    assert hand.engine.state is MeterState.START


def test_joined_wake_up_and_lines_of_several_sets():  # T22
    text = (
        b"6.8(0012.345*GJ)6.26(00045.67*m3)9.21(66123456)\r\n"
        b"6.6(0017.2*kW)6.33(000.708*m3ph)9.4(094.4*C&092.9*C)\r\n"
        b"6.8.1()9.36(2022-06-08&10:06:51)\r\n!\r\n"
    )
    hand = meter("/LUGCUH50", text, wake_nuls=40, wake_pause=0.0)
    assert hand.hear(bytes(40) + REQUEST) == [
        (300, b"/LUGCUH50\r\n"),
        (2400, b"\x02" + text + b'\x03"'),
    ]


def test_sum_in_place_of_xor():  # T23
    text = (
        b"0.0(00005077354)\r\n6.8(00433.65*GJ)\r\n6.26(03052.95*m3)\r\n"
        b"6.31(0109868*h)!\r\n"
    )
    hand = meter("/KAM MC", text, check=CheckKind.SUM7)
    assert hand.hear(REQUEST)[1] == (300, b"\x02" + text + b"\x03a")
    assert bcc_sum7(text + b"\x03") == ord("a")


def test_even_parity_is_answered_with_even_parity():  # T25
    hand = meter("/EXA5DEMO-C2")
    assert hand.hear(bytes.fromhex("AF3F218D0A")) == [
        (300, bytes.fromhex("AFC5D84135 44C54DCF2DC3B28D0A"))
    ]
    assert hand.hear(bytes.fromhex("063030308D0A")) == [
        (
            300,
            bytes.fromhex(
                "82B12EB82E30283030B1B233B42E35AAEBD7E8A98D0A218D0A037B",
            ),
        )
    ]
    assert hand.hear(b"\x15") == []  # no parity: not understood
    assert hand.hear(b"\x95") == [(300, add_even(BLOCK_C))]
    hand.rest(3)
    assert hand.hear(REQUEST) == [(300, b"/EXA5DEMO-C2\r\n")]  # learned anew


def test_option_select_of_another_parity_is_damaged():
    hand = meter("/EXA5DEMO-C2")
    hand.hear(add_even(REQUEST))
    assert hand.hear(b"\x06050\r\n") == [(300, add_even(BLOCK_C))]


@pytest.mark.parametrize("asked", list(Parity))
@pytest.mark.parametrize("kept", list(Parity))
def test_strict_parity(asked, kept):
    hand = meter("/EXA5DEMO-C2", parity=kept)
    request = add_even(REQUEST) if asked is Parity.EVEN else REQUEST
    assert bool(hand.hear(request)) is (asked is kept)


def test_damaged_parity_in_a_request():
    hand = meter("/EXA5DEMO-C2")
    assert hand.hear(b"\xaf?!\r\n") == []
    assert hand.hear(b"\xaf\xbf!\x8d\n") == []
    assert hand.hear(b"/?!\x8d\n") == []
    assert hand.hear(b"\xaf?!\x8d\n")


@pytest.mark.parametrize(
    "request_", ["/?!\n", "/?!\r", "?!\r\n", "/!\r\n", "/?-!\r\n", "/??!\r\n", "\r\n"]
)
def test_malformed_requests_meet_silence(request_):
    hand = meter("/EXA5DEMO-C2")
    assert hand.hear(request_.encode()) == []
    hand.rest(2)
    assert hand.hear(REQUEST)


def test_request_behind_noise():
    hand = meter("/EXA5DEMO-C2")
    assert hand.hear(b"\xff\x00\x01/xx" * 40 + REQUEST)


def test_request_with_a_long_gap_inside():
    hand = meter("/EXA5DEMO-C2")
    hand.hear(b"/?")
    hand.rest(2)
    assert hand.hear(b"!\r\n") == []


def test_kinds_of_lists():
    texts = {("?", "0"): b"long", ("2", "0"): b"short", ("?", "6"): b"six"}
    setup = MeterSetup(
        Identification("/EXA5LISTS"),
        lambda kind, y: texts[kind, y] + b"(1)\r\n!\r\n",
        lists=("?", "2"),
        options="06",
    )
    for (kind, y), word in texts.items():
        hand = Hand(MeterEngine(setup))
        assert hand.hear(f"/{kind}!\r\n".encode())
        said = hand.hear(f"\x0605{y}\r\n".encode())
        assert said[0][1].startswith(b"\x02" + word)
    assert Hand(MeterEngine(setup)).hear(b"/3!\r\n") == []


def test_agrees_and_stays():
    hand = meter("/EXA5DEMO-C2", stays=True)
    hand.hear(REQUEST)
    assert hand.hear(b"\x06050\r\n") == [(300, BLOCK_C)]
    hand = meter("/EXAEDEMO-B", stays=True)
    assert hand.hear(REQUEST)[1] == (300, BLOCK_C)


def test_fixed_speed():
    hand = meter("/EXA4DEMO-C2", fixed_speed=True, opening_speed=9600)
    hand.speed = 9600
    hand.hear(REQUEST)
    assert hand.hear(b"\x06040\r\n") == [(9600, BLOCK_C)]


def test_refuses():
    hand = meter("/EXA5DEMO-C2", refuses=True)
    hand.hear(REQUEST)
    assert hand.hear(b"\x06050\r\n") == [(9600, b"\x15")]
    assert (hand.engine.state, hand.speed) == (MeterState.START, 300)


def test_parts():
    text = b"0.0.0(00002)\r\n0.2.0(1)\r\n1.8.0(1)\r\n!\r\n"
    hand = meter("/EXA5DEMO-C2", text, part_lines=2)
    hand.hear(REQUEST)
    first = (9600, b"\x020.0.0(00002)\r\n0.2.0(1)\r\n\x04\x05")
    last = (9600, b"\x021.8.0(1)\r\n!\r\n\x03+")
    assert hand.hear(b"\x06050\r\n") == [first]
    assert hand.engine.state is MeterState.PART_SENT
    for _ in range(3):
        assert hand.hear(b"\x15") == [first]
    assert hand.hear(b"\x15") == []
    assert hand.hear(b"\x06") == [last]
    assert hand.hear(b"\x06") == []
    assert hand.hear(b"\x15") == [last]  # each block has its own tries


def test_part_without_acknowledgement():
    hand = meter("/EXA5DEMO-C2", b"1(1)\r\n2(2)\r\n!\r\n", part_lines=1)
    hand.hear(REQUEST)
    hand.hear(b"\x06050\r\n")
    hand.rest(59)
    assert hand.engine.state is MeterState.PART_SENT
    hand.rest(2)
    assert (hand.engine.state, hand.speed) == (MeterState.START, 300)


def test_empty_readout():
    hand = meter("/EXA5DEMO-C2", b"!\r\n")
    hand.hear(REQUEST)
    assert hand.hear(b"\x06050\r\n") == [(9600, b"\x02!\r\n\x03%")]


@pytest.mark.parametrize("text", [BREAK, b"\x01B0\x03u"])
def test_break_returns_to_the_start(text):
    hand = meter("/EXA5DEMO-C2")
    hand.hear(REQUEST)
    assert hand.hear(text) == []
    assert hand.engine.state is MeterState.START
    assert hand.rest(5) == []
    hand.hear(REQUEST)
    hand.hear(b"\x06050\r\n")
    assert hand.speed == 9600
    assert hand.hear(text) == []
    assert (hand.engine.state, hand.speed) == (MeterState.START, 300)
    assert hand.hear(text) == []  # allowed at any time


def test_break_while_it_sends():  # 6.3.12: the current operation is finished
    hand = meter("/EXA5DEMO-C2")
    hand.hear(REQUEST)
    hand.engine.receive_data(b"\x06050\r\n", hand.now)
    hand.engine.receive_data(BREAK, hand.now)
    hand.play()
    assert hand.said[-1] == (9600, BLOCK_C)
    assert (hand.engine.state, hand.speed) == (MeterState.START, 300)


def test_new_request_behind_a_readout():
    hand = meter("/EXA5DEMO-C2")
    hand.hear(REQUEST)
    hand.hear(b"\x06050\r\n")
    assert hand.hear(REQUEST) == [(300, b"/EXA5DEMO-C2\r\n")]
    assert hand.hear(REQUEST) == [(300, b"/EXA5DEMO-C2\r\n")]


def test_deaf_while_an_answer_is_due():
    hand = meter("/EXA5DEMO-C2")
    hand.engine.receive_data(REQUEST + REQUEST + b"\x06050\r\n/?", hand.now)
    hand.play()
    assert hand.said == [(300, b"/EXA5DEMO-C2\r\n")]
    assert hand.hear(b"!\r\n") == [(300, BLOCK_C)]  # half a request is no select


# what the table has no step for


@pytest.mark.parametrize(
    "message", [b"\x06", b"\x15", b"\x06050\r\n", b"\x01P1\x02(1)\x03P", b"\x02(1)\x03"]
)
def test_forbidden_at_the_start(message):
    hand = meter("/EXA5DEMO-C2")
    assert hand.hear(message) == []
    assert hand.rest(120) == []
    assert hand.engine.state is MeterState.START


@pytest.mark.parametrize("message", [b"\x15", b"\x06", b"\x01R1\x021.8.0()\x03Z"])
def test_forbidden_behind_the_identification(message):
    hand = meter("/EXA5DEMO-C2")
    hand.hear(REQUEST)
    assert hand.hear(message) == []
    assert hand.engine.state is MeterState.IDENTIFIED


def test_nothing_to_carry_out():
    hand = meter("/EXA5DEMO-C2")
    assert hand.engine.next_action() is None
    with pytest.raises(LocalProtocolError):
        hand.engine.action_done(0.0)
    with pytest.raises(LocalProtocolError):
        PushEngine(lambda: b"", 1.0).action_done(0.0)


# any cut, same answers; any bytes, no error

SCRIPTS = [
    ({}, [REQUEST, b"\x06050\r\n", b"\x15", BREAK]),
    ({}, [REQUEST, b"\x06050\r\n", BREAK + REQUEST, BREAK, REQUEST[:2], b"!\r\n"]),
    ({}, [b"\0\xff" + REQUEST, b"\x06040\r\n", REQUEST, b"\x06000\r\n"]),
    ({}, [add_even(REQUEST), add_even(b"\x06050\r\n"), b"\x95", add_even(BREAK)]),
    ({"part_lines": 1}, [REQUEST, b"\x06050\r\n", b"\x15", b"\x06", b"\x15"]),
    ({"wake_nuls": 40, "wake_pause": 0.0}, [bytes(40) + REQUEST, b"\x06051\r\n"]),
]


@given(st.sampled_from(SCRIPTS), st.data())
def test_cuts_change_nothing(script, data):
    setup, messages = script
    whole, single, cut = (meter("/EXA5DEMO-C2", **setup) for _ in range(3))
    for message in messages:
        cuts = data.draw(st.lists(st.integers(0, len(message)), max_size=4))
        whole.hear(message)
        single.hear(message, cuts=range(1, len(message)))
        cut.hear(message, cuts=cuts)
    assert whole.said == single.said == cut.said
    assert len(whole.said) >= 2
    assert whole.times == pytest.approx(single.times)
    assert whole.times == pytest.approx(cut.times)


WORDS = [REQUEST, b"\x06050\r\n", b"\x06051\r\n", b"\x15", b"\x06", BREAK, bytes(40)]


@given(
    st.lists(
        st.sampled_from(WORDS) | st.binary(max_size=90) | st.floats(0, 3), max_size=12
    ),
    st.sampled_from([{}, {"part_lines": 1}, {"wake_nuls": 30}, {"repeats": 0}]),
)
def test_any_bytes_raise_nothing(story, setup):
    hand = meter("/EXA5DEMO-C2", **setup)
    for part in story:
        hand.rest(part) if isinstance(part, float) else hand.hear(part)
    hand.rest(120)
    assert (hand.engine.state, hand.speed) == (MeterState.START, 300)
    assert hand.engine.deadline() is None


# meters that speak unasked


def test_push():
    engine = PushEngine(lambda: b"/EXA3D\r\n\r\n1(2)\r\n!\r\n", 2.0, even=True)
    hand = Hand(engine)
    hand.speed = 9600
    telegram = (9600, add_even(b"/EXA3D\r\n\r\n1(2)\r\n!\r\n"))
    assert hand.rest(0.5) == [telegram]
    assert hand.hear(REQUEST) == []
    assert hand.rest(4.0) == [telegram] * 2
    assert hand.times[2] - hand.times[1] == pytest.approx(2.0)
