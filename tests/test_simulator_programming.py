"""Simulated meters in programming mode, talked to byte by byte on a fake clock."""

import re
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iecread.errors import PortError
from iecread.protocol import parity
from iecread.protocol.bcc import bcc_xor
from iecread.protocol.messages import ACK, NAK, Command
from iecread.simulator import Pace, logbook, open_simulated, simulation
from iecread.transports.memory import Clock, MemoryTransport

NOW = datetime(2026, 11, 22, 17, 42, 11)
REQUEST = b"/?!\r\n"
BREAK = b"\x01B0\x03q"
START = 1000.0


class Talk:
    """A reader that says what it is told and returns what comes."""

    def __init__(self, url, now=NOW):
        self.clock = Clock(START)
        self.line = open_simulated(
            url,
            monotonic=self.clock.monotonic,
            sleep=self.clock.sleep,
            wall=lambda: now + timedelta(seconds=self.clock.now - START),
        )
        self.engine = self.line.responder.engine
        self.even = "parity=even" in url

    def say(self, message, wait=2.0):
        self.line.write(parity.add_even(message) if self.even else message)
        came = b""
        end = self.clock.now + wait
        while self.clock.now < end and (piece := self.line.read(end - self.clock.now)):
            came += piece
        return parity.strip(came) if self.even else came

    def open(self, password="00000000", z="5"):
        self.say(REQUEST)
        opening = self.say(b"\x060%s1\r\n" % z.encode())
        self.say(Command("P1", f"({password})".encode()).to_bytes())
        return opening

    def ask(self, name, text):
        """Return what is in the block that answers, else the answer as it came."""
        came = self.say(Command(name, text.encode()).to_bytes())
        if came[:1] != b"\x02":
            return came
        assert bcc_xor(came[1:]) == 0
        return came[1:-2].decode()

    def parts(self, name, text):
        """Return all parts of an answer, each acknowledged."""
        came = self.say(Command(name, text.encode()).to_bytes())
        found = [came]
        while came[-2:-1] == b"\x04":
            came = self.say(ACK)
            found.append(came)
        assert all(bcc_xor(part[1:]) == 0 for part in found)
        return [part[1:-2].decode() for part in found]


def opened(url, password="00000000", **more):
    talk = Talk(url, **more)
    talk.open(password, {"industrial": "6"}.get(url[6:].split("?")[0], "5"))
    return talk


# registers


@pytest.mark.parametrize("name", ["household", "industrial", "vdew"])
def test_the_readout_register_by_register(name):
    talk = opened(f"sim://{name}?lines=60&time=2026-11-22T17:42:11")
    read = "R5" if name == "vdew" else "R1"
    text = talk.engine.setup.readout("?", "0").decode().replace("!", "")
    codes = [line.partition("(")[0] for line in text.split()]
    assert len(codes) > 10
    for code in codes:
        answer = talk.ask(read, f"{code}()")
        if code == "C.7.0":
            assert answer.startswith("(ER")  # it is in the readout only
        else:
            assert answer in text.split()
            assert answer.startswith(code + "(")


@pytest.mark.parametrize("name", ["mode-a", "mode-b"])
def test_behind_the_readout(name):
    talk = Talk(f"sim://{name}")
    readout = talk.say(REQUEST, 20)
    assert readout[-2:-1] == b"\x03"
    talk.line.set_speed(300)
    assert talk.say(Command("P1", b"(00000000)").to_bytes()) == ACK
    assert re.fullmatch(r"6\.26\([\d,.]+\*m3\)", talk.ask("R1", "6.26(1)"))
    assert talk.say(BREAK) == b""
    assert talk.engine.endings == ["break"]


def test_addresses_and_counts():
    talk = opened("sim://household")
    plain = talk.ask("R1", "1.8.1()")
    assert plain == talk.ask("R1", "1.8.1(1)") == talk.ask("R2", "1.8.1(01)")
    assert talk.ask("R1", "1-0:1.8.1*255()") == "1-0:1.8.1*255" + plain[5:]
    several = talk.ask("R1", "1.8.1(3)").split("\r\n")
    assert [line[:8] for line in several] == ["1.8.1(01", "1.8.1*05", "1.8.1&04", ""]
    assert len(talk.ask("R1", "0.0.0(ff)").split("\r\n")) > 25  # as many as there are
    for count in ("0", "x", "100", "1)(1"):
        assert talk.ask("R1", f"1.8.1({count})") == "(ER06)"
    assert talk.ask("R1", "1.6.1()").count("(") == 2  # value and time
    assert talk.ask("R1", "9.9.9(1)") == "(ER02)"
    assert talk.ask("R1", "()") == "(ER02)"
    assert opened("sim://household?answer=bare").ask("R1", "1.8.1()") == plain[5:]
    other = opened("sim://household?answer=change")
    assert other.ask("R1", "1.8.1()") == "1-0:1.8.1*255" + plain[5:]
    assert other.ask("R1", "1-0:1.8.1*255()") == plain


@pytest.mark.parametrize(
    ("reads", "known", "unknown"),
    [
        ("R1", ["R1", "R3"], ["R2", "R4", "R5", "R6"]),
        ("R2", ["R2", "R4"], ["R1", "R3", "R5", "R6"]),
        ("R5", ["R5", "R6"], ["R1", "R2", "R3", "R4"]),
        ("all", ["R1", "R2", "R3", "R4", "R5", "R6"], ["R7", "X1"]),
    ],
)
def test_commands_that_it_knows(reads, known, unknown):
    talk = opened(f"sim://household?reads={reads}")
    for name in known:
        assert talk.ask(name, "0.0.0()") == "0.0.0(10048151)"
    for name in unknown:
        assert talk.ask(name, "0.0.0()") == "(ER01)"


@pytest.mark.parametrize(
    ("word", "answer"),
    [("ack", ACK), ("nak", NAK), ("silence", b""), ("break", BREAK)],
)
def test_what_unknown_commands_bring(word, answer):
    talk = opened(f"sim://vdew?unknown={word}")
    assert talk.ask("R1", "0.0.0()") == answer
    talk = opened(f"sim://vdew?unknown={word}")
    assert talk.ask("W1", "0.0.1(A)") == answer
    assert talk.engine.writes == []  # an ACK to it is a lie


def test_a_refused_register():
    talk = opened("sim://household?refuse=1.8.1")
    assert talk.ask("R1", "1.8.1()") == talk.ask("R1", "1-0:1.8.1()") == "(ER07)"
    assert talk.ask("R1", "1.8.2()").startswith("1.8.2(")
    talk = opened("sim://household?refuse=0.0.1")
    assert talk.ask("W1", "0.0.1(x)") == "(ER07)"


# writing


def test_writing():
    talk = opened("sim://household")
    assert talk.ask("R1", "0.0.1()") == "0.0.1(CUSTOMER 1)"
    assert talk.ask("W1", "0.0.1(CUSTOMER 7)") == ACK
    assert talk.ask("R1", "0.0.1()") == "0.0.1(CUSTOMER 7)"
    assert talk.ask("W1", "0.8.4(60*min)") == ACK
    assert talk.ask("W1", "0.8.4(61*min)") == "(ER06)"
    assert talk.ask("W1", "0.0.1(more than 16 characters)") == "(ER06)"
    assert talk.ask("W1", "0.0.1(1)(2)") == "(ER06)"
    assert talk.ask("W1", "1.8.0(0)") == "(ER07)"
    assert talk.ask("W1", "9.9.9(0)") == "(ER02)"
    assert talk.ask("E2", "1.6.0()") == ACK
    assert talk.ask("E2", "9.9.9()") == "(ER02)"
    assert talk.say(BREAK) == b""
    engine = talk.engine
    assert engine.writes == [("W1", "0.0.1(CUSTOMER 7)"), ("W1", "0.8.4(60*min)")]
    assert engine.executed == [("E2", "1.6.0()")]
    assert engine.passwords == [("P1", "00000000")]
    assert engine.endings == ["break"]
    talk.open()  # it remembers
    assert talk.ask("R1", "0.0.1()") == "0.0.1(CUSTOMER 7)"
    log = re.sub(r"(?<=P.99\(02611221742)\d\d", "..", talk.ask("R5", "P.99(;)"))
    assert log == (
        "P.99(02611221742..)(00000100)()(1)(0.0.1)()(CUSTOMER 7)\r\n"
        "P.99(02611221742..)(00000100)()(1)(0.8.4)()(60*min)\r\n"
    )


def test_it_remembers_on_another_line():
    meter = simulation("household", {"reaction": "20"})
    for value in (b"CUSTOMER 1", b"A"):
        transport = MemoryTransport(meter.line(Pace.NONE))
        transport.open()
        engine = transport.responder.engine
        assert value in engine.programming.memory.perform("R1", "0.0.1()").texts[0]
        engine.programming.memory.perform("W1", "0.0.1(A)")
    assert simulation("household") == simulation("household")


def test_a_write_in_parts():
    talk = opened("sim://household")
    assert talk.say(Command("W3", b"0.0.1(CUSTO", last=False).to_bytes()) == NAK
    assert talk.say(Command("W3", b"0.0.1(CUSTO)", last=False).to_bytes()) == ACK
    assert talk.ask("W3", "(MER 8)") == ACK
    assert talk.ask("R1", "0.0.1()") == "0.0.1(CUSTOMER 8)"


def test_a_lost_acknowledgement_was_a_write():
    talk = opened("sim://household?lost-ack=1")
    assert talk.ask("W1", "0.0.1(A)") == b""
    assert talk.engine.writes == [("W1", "0.0.1(A)")]
    assert talk.ask("R1", "0.0.1()") == "0.0.1(A)"
    assert talk.ask("W1", "0.0.1(B)") == ACK


@pytest.mark.parametrize("seconds", [0, 95, -4000])
def test_the_clock_runs_and_can_be_set(seconds):
    talk = opened(f"sim://household?drift={seconds}")

    def shown():
        time, date = talk.ask("R1", "0.9.1()"), talk.ask("R1", "0.9.2()")
        return datetime.strptime(time[6:-1] + date[6:-1], "%H:%M:%S%y-%m-%d")

    def right():
        return NOW + timedelta(seconds=talk.clock.now - START)

    ahead = (shown() - right()).total_seconds()
    assert ahead == pytest.approx(seconds, abs=5)
    before = shown()
    talk.clock.sleep(10)
    assert 10 <= (shown() - before).total_seconds() < 20
    assert talk.ask("W1", "0.9.2(26-11-23)") == ACK
    assert shown().date() == datetime(2026, 11, 23).date()
    assert talk.ask("W1", "0.9.1(08:15:30)") == ACK
    assert 0 <= (shown() - datetime(2026, 11, 23, 8, 15, 30)).total_seconds() < 5
    for wrong in ("0.9.1(24:00:00)", "0.9.1(8:15)", "0.9.2(26-02-30)", "0.9.1()"):
        assert talk.ask("W1", wrong) == "(ER06)"
    assert talk.ask("W1", "0.9.4(2611230815)") == "(ER02)"


def test_the_clock_of_a_vdew_meter():
    talk = opened("sim://vdew", now=datetime(2026, 7, 1, 12, 0, 0))
    assert re.fullmatch(r"0\.9\.1\(112000\d\)", talk.ask("R5", "0.9.1()"))
    assert talk.ask("R5", "0.9.2()") == "0.9.2(1260701)"
    assert re.fullmatch(r"0\.9\.4\(126070112001\d\)", talk.ask("R5", "0.9.4()"))
    assert talk.ask("W5", "0.9.2(1260702)(00000000)") == ACK
    assert talk.ask("W5", "0.9.1(1133000)") == ACK
    assert talk.ask("W5", "0.9.1(1133000)(99999999)") == "(ERROR07)"
    assert talk.engine.tries == 1
    assert re.fullmatch(r"0\.9\.1\(113300\d\)", talk.ask("R5", "0.9.1()"))
    assert talk.ask("W5", "0.9.4(0261025023000)(00000000)") == ACK
    assert re.fullmatch(r"0\.9\.4\(026102502300\d\)", talk.ask("R5", "0.9.4()"))
    assert talk.ask("W5", "0.9.4(3261025023000)") == "(ERROR11)"
    log = talk.ask("R5", "P.98(12607020000;)")
    assert log.count("(00000020)()(2)(0.9.1)()(0.9.2)()(1") == 3
    assert len(talk.engine.writes) == 3


def test_setting_the_clock_in_the_hour_that_there_is_twice():
    second = datetime(2026, 10, 25, 2, 30, fold=1)
    talk = opened("sim://household", now=second)
    memory = talk.engine.programming.memory
    memory.clock._wall = lambda: second
    assert talk.ask("W1", "0.9.1(02:40:00)") == ACK
    assert memory.clock.utc() == datetime(2026, 10, 25, 1, 40)


def test_setting_the_date_lets_the_second_run_on():
    talk = opened("sim://household")
    memory = talk.engine.programming.memory
    memory.clock._wall = lambda: datetime(2026, 11, 22, 17, 42, 11, 600000)
    assert talk.ask("W1", "0.9.2(26-11-23)") == ACK
    assert memory.clock.local() == datetime(2026, 11, 23, 17, 42, 11, 600000)


# load profile and logs


def test_a_day_of_the_load_profile():
    talk = opened("sim://vdew")
    text = talk.ask("R5", "P.01(02611200015;02611210000)")
    lines = text.split("\r\n")
    assert lines[0].startswith("P.01(0261120001500)(00000000)(15)(4)(1.5.0)(kW)")
    assert len(lines) == 1 + 96 + 1
    assert text == talk.ask("R5", "P.01(02611200015;02611210000)")
    assert talk.ask("R5", "P.01(02611200015)").count("\r\n") == 2
    assert "(1)(1.5.0)(kW)\r\n" in talk.ask("R5", "P.01(02611200015)(1.5.0)")
    assert talk.ask("R5", "P.01(02612010000;02612020000)") == "P.01(ERROR)"  # future
    assert talk.ask("R5", "P.01(02611210000;02611200000)") == "P.01(ERROR)"
    assert talk.ask("R5", "P.01(02611210000;)").count("\r\n") == 1 + 96 + 71
    assert talk.ask("R5", "P.01(x;)") == "(ERROR11)"
    assert talk.ask("R5", "P.02(;)") == "(ERROR01)"


@pytest.mark.parametrize("cut", [0, 50])
@pytest.mark.parametrize("name", ["R3", "R6"])
def test_a_load_profile_in_parts(name, cut):
    url = f"sim://household?cut={cut}" if cut else "sim://household"
    talk = opened(url)
    asked = "P.01(02611201015;02611201200"
    whole = talk.ask("R5", asked + ")")
    parts = talk.parts(name, asked + ";3)")
    assert "".join(parts) == whole
    assert len(parts) == (3 if not cut else -(-len(whole) // cut))
    assert "".join(talk.parts(name, asked + ";;)")) == whole
    assert talk.parts(name, asked + ";x)") == ["(ER06)"]
    assert talk.parts(name, asked + ";0)") == ["(ER06)"]
    registers = talk.parts(name, "0.0.0(3)")
    assert "".join(registers).count("\r\n") == 3
    assert len(registers) == (1 if cut else 3)


def test_a_header_in_each_part():
    talk = opened("sim://vdew?repeat-header=1")
    parts = talk.parts("R6", "P.01(02611201015;02611201200;3)")
    assert [part[:9] for part in parts] == ["P.01(0261"] * 3
    assert talk.ask("R5", "P.01(02611200015;02611210000)").count("P.01") == 1


def test_a_damaged_part():
    talk = opened("sim://vdew?damaged-part=2")
    first = talk.say(Command("R6", b"P.01(02611201015;02611201200;3)").to_bytes())
    assert first[-2:-1] == b"\x04" and bcc_xor(first[1:]) == 0
    assert bcc_xor(talk.say(ACK)[1:]) != 0
    again = talk.say(NAK)
    assert again[-2:-1] == b"\x04" and bcc_xor(again[1:]) == 0
    assert talk.say(ACK)[-2:-1] == b"\x03"


def test_the_event_log():
    talk = opened("sim://vdew")
    text = talk.ask("R5", "P.98(02611010000;)")
    assert text == (
        "P.98(0261101000000)(00000010)()(0)\r\n"
        "P.98(0261103102000)(00000080)()(0)\r\n"
        "P.98(0261103110500)(00000040)()(0)\r\n"
    )
    assert talk.parts("R6", "P.98(02611010000;;2)") == [
        "".join(text.splitlines(keepends=True)[:2]),
        text.splitlines(keepends=True)[2],
    ]
    assert talk.ask("R5", "P.98(02611040000;)") == "P.98(ERROR)"
    assert talk.ask("R5", "P.99(;)") == "P.99(ERROR)"


def test_everything_that_it_has():
    talk = opened("sim://vdew?gap=2")
    text = talk.ask("R5", "P.01(;)")
    count = len(re.findall(r"^\(", text, re.M))
    days = logbook.DEPTH.days
    assert count == days * 94 - 13 * 2  # two gaps a day, two rows each power failure


# passwords and faults


@pytest.mark.parametrize(
    ("query", "answer"),
    [
        ("wrong-password=1", BREAK),
        ("password=12345678", BREAK),
        ("wrong-password=1&refusal=nak", NAK),
        ("wrong-password=1&refusal=silence", b""),
        ("wrong-password=1&refusal=ERROR05", b"\x02(ERROR05)\x03T"),
        ("password=", ACK),
        ("lockout=3", ACK),
    ],
)
def test_refusals(query, answer):
    talk = Talk(f"sim://household?{query}")
    talk.say(REQUEST)
    talk.say(b"\x06051\r\n")
    came = talk.say(b"\x01P1\x02(00000000)\x03a")
    assert came[:-1] == answer[:-1] or came == answer
    assert talk.engine.passwords == [("P1", "00000000")]


def test_it_locks_itself():
    talk = Talk("sim://household?lockout=2&lock-time=500")
    for password in ("1", "2", "00000000"):
        talk.open(password)
        assert talk.engine.endings[-1] == "closed"
    assert talk.engine.tries == 2
    talk.clock.sleep(600)
    talk.open()
    assert talk.ask("W1", "0.0.1(A)") == ACK


@pytest.mark.parametrize(
    ("query", "opening"),
    [
        ("", b"\x01P0\x02(00000000)\x03`"),
        ("operand=", b"\x01P0\x02()\x03`"),
        ("operand=1234", b"\x01P0\x02(1234)\x03d"),
        ("no-p0=1", ACK),
        ("no-p0=first", ACK),
        ("no-p0=silence", b""),
    ],
)
def test_openings(query, opening):
    talk = Talk(f"sim://household?{query}")
    assert talk.open() == opening
    assert talk.ask("W1", "0.0.1(A)") == ACK


def test_seed_and_algorithm():
    talk = Talk("sim://household?operand=B0A692CB07930FD1&p2=elster-a1700")
    talk.say(REQUEST)
    talk.say(b"\x06051\r\n")
    assert talk.say(b"\x01P2\x02(61F79994CB6EAD8E)\x03\x13") == ACK


def test_other_ways():
    talk = Talk("sim://household?locked-reads=1&break-ack=1&idle=3")
    talk.say(REQUEST)
    talk.say(b"\x06051\r\n")
    assert talk.ask("R1", "0.0.0()") == "(ER07)"
    assert talk.say(BREAK) == ACK
    talk.open()
    talk.say(b"", 4)
    assert talk.engine.endings == ["break", "timeout"]
    talk = opened("sim://household?silent-command=1&breaks-off=2")
    assert talk.ask("R1", "0.0.0()") == b""
    assert talk.ask("R1", "0.0.0()") == BREAK


@pytest.mark.parametrize("query", ["bcc=once", "flip=1", "drop=1"])
def test_a_damaged_answer_is_repeated(query):
    talk = opened(f"sim://household?{query}")
    assert talk.ask("W1", "0.0.1(A)") == ACK  # neither P0 nor ACK count as blocks
    damaged = talk.say(b"\x01R1\x021.8.0(1)\x03k")
    assert bcc_xor(damaged[1:]) != 0
    again = talk.say(NAK)
    assert bcc_xor(again[1:]) == 0 and again != damaged


def test_even_parity():
    talk = opened("sim://household?parity=even")
    assert talk.ask("R1", "0.0.0()") == "0.0.0(10048151)"


@pytest.mark.parametrize(
    "query",
    [
        *("password=a(b", "operand=)", "no-p0=2", "p2=rot13", "reads=R7", "refuse="),
        *("lockout=-1", "refusal=a/b", "drift=x", "drift=--1", "gap=99", "unknown=x"),
        *("answer=no", "lost-ack=0", "idle=-1"),
    ],
)
def test_options_that_are_none(query):
    with pytest.raises(PortError, match=query.partition("=")[0]):
        open_simulated(f"sim://household?{query}")


@settings(deadline=None, max_examples=60)
@given(
    st.sampled_from(["household", "vdew", "mode-a", "industrial?lines=9"]),
    st.lists(
        st.builds(
            lambda name, text: Command(name, text.encode("latin-1")).to_bytes(),
            st.sampled_from("R1 R2 R3 R5 R6 W1 W3 W5 E2 P1 P2 X9".split()),
            st.one_of(
                st.text("0129.*:-;()PF&", max_size=14),
                st.from_regex(
                    r"(P\.9[89]|0\.9\.[124]|0\.0\.1)\([0-9;]{0,14}\)", fullmatch=True
                ),
            ),
        ),
        max_size=8,
    ),
)
def test_no_data_set_raises(name, messages):
    talk = Talk(f"sim://{name}")
    talk.open(z={"industrial?lines=9": "6"}.get(name, "5"))
    for message in messages:
        talk.say(message)
    talk.say(BREAK)
    talk.say(b"", 70)
    assert talk.engine.state.name == "START"
