"""Simulated meters read through the engine on a clock that nobody waits for."""

import re
from datetime import datetime
from functools import reduce
from operator import xor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iecread.errors import (
    IecReadError,
    NoAnswerError,
    PortBusyError,
    PortError,
    RefusedError,
    RemoteProtocolError,
)
from iecread.link import Link
from iecread.protocol import parity
from iecread.protocol.actions import BlockReceived, Identified, Retried
from iecread.protocol.bcc import crc16
from iecread.protocol.options import ReaderOptions
from iecread.protocol.parity import Parity
from iecread.protocol.reader import ReaderEngine
from iecread.simulator import (
    MODELS,
    OPTIONS,
    open_simulated,
    options_help,
    parse_url,
    simulation,
)
from iecread.simulator.line import Faults, Pace, SimulatedLine, _wrong_check
from iecread.simulator.meters import NUMBERS
from iecread.transports import LineKind
from iecread.transports.memory import Clock

NOW = datetime(2026, 11, 22, 17, 42, 11)
START = 1000.0
REQUEST = b"/?!\r\n"
ASKED = ["household", "mode-a", "mode-b", "industrial", "vdew"]


def open_line(url, baud=300, wall=lambda: NOW):
    clock = Clock(START)
    line = open_simulated(
        url, baud=baud, monotonic=clock.monotonic, sleep=clock.sleep, wall=wall
    )
    return line, clock


def read(url, **options):
    """Read a simulated meter; return all events and the seconds it took."""
    line, clock = open_line(url)
    engine = ReaderEngine(ReaderOptions(**options))
    link = Link(line, 300, clock.monotonic)
    engine.start(clock.now)
    events = []
    try:
        events.extend(link.run(engine))
    except IecReadError as error:
        error.took = clock.now - START
        raise
    return events, clock.now - START


def data(events):
    return b"".join(e.data for e in events if isinstance(e, BlockReceived))


def troubles(events):
    return [event.trouble.name for event in events if isinstance(event, Retried)]


def identification(events):
    return next(e for e in events if isinstance(e, Identified)).identification


def hear(url, seconds, baud=None, step=0.1, send=None):
    """Return all bytes that come within ``seconds``, with nothing or ``send`` said."""
    line, clock = open_line(url, baud=baud)
    if send:
        line.write(send)
    came = b""
    while clock.now < START + seconds:
        came += line.read(step)
    return came


# what they say


@pytest.mark.parametrize("name", ASKED)
@pytest.mark.parametrize("pace", [0, 1])
def test_every_meter_is_read(name, pace):
    events, _ = read(f"sim://{name}?pace={pace}")
    assert troubles(events) == []
    assert identification(events).manufacturer == "SIM"
    block = data(events)
    assert block[:1] == b"\x02" and block[-2:-1] == b"\x03"
    assert reduce(xor, block[1:]) == 0
    assert NUMBERS[name].encode() in block


@pytest.mark.parametrize("name", MODELS)
def test_all_is_marked_as_simulated(name):
    for options in ({}, {"reaction": "20"}):
        assert simulation(name, options).identification.manufacturer == "SIM"


@pytest.mark.parametrize("name", MODELS)
def test_the_same_moment_gives_the_same_data(name):
    model = MODELS[name]
    assert model.data(NOW, model.lines) == model.data(NOW, model.lines)
    assert model.data(NOW.astimezone(), model.lines) == model.data(NOW, model.lines)
    later = NOW.replace(hour=21)
    assert model.data(NOW, model.lines) != model.data(later, model.lines)


MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2090, 1, 1))


@given(MOMENTS, MOMENTS)
def test_energies_only_grow(one, other):
    def energies(now):
        text = MODELS["household"].data(now, 0)
        return [
            int(value.replace(b".", b""))
            for value in re.findall(rb"\n[12]\.8\.\d\(([\d.]+)\*kWh\)", text)
        ]

    first, last = sorted((one, other))
    assert len(energies(first)) == 4
    assert all(a <= b for a, b in zip(energies(first), energies(last), strict=True))
    total, high, low, _ = energies(first)
    assert total == high + low


@settings(max_examples=30, deadline=None)
@given(MOMENTS)
def test_lines_are_well_formed(now):
    form = re.compile(r"([ -'*-.0-~]+(\([ -'*-.0-~]*\))+)+")
    for name in ASKED:
        text = MODELS[name].data(now, MODELS[name].lines).decode("ascii")
        *lines, end = text.replace("!", "\r\n!").replace("\r\n\r\n", "\r\n").split("!")
        assert end == "\r\n"
        for line in lines[0].split("\r\n")[:-1]:
            assert len(line) <= 78 - 2
            assert form.fullmatch(line), line


def test_household_has_what_readers_must_cope_with():
    text = MODELS["household"].data(NOW, 0)
    for wanted in (
        b"F.F(00000000)\r\n",
        b"0.0.0(10048151)\r\n",
        b"C.1.0(10048151)\r\n",
        b"0.9.1(17:42:11)\r\n",
        b"0.9.2(26-11-22)\r\n",
        b"1.8.1*05(",
        b"1.8.1&04(",
        b"1.8.1*03()\r\n",
        b"1.6.1(003.949*kW)(2611041845)\r\n",
    ):
        assert wanted in text
    assert 25 <= text.count(b"\r\n") <= 32


def test_industrial_has_as_many_lines_as_asked():
    events, _ = read("sim://industrial")
    assert data(events).count(b"(") > 400
    events, _ = read("sim://industrial?lines=7")
    assert data(events).count(b"\r\n") == 8
    assert MODELS["industrial"].data(NOW, 10000).count(b"\r\n") == 10001


def test_mode_a_has_commas_and_mode_b_several_sets_per_line():
    assert b"*MWh)" in MODELS["mode-a"].data(NOW, 0)
    assert re.search(rb"6\.8\(\d+,\d+\*MWh\)", MODELS["mode-a"].data(NOW, 0))
    assert MODELS["mode-a"].data(NOW, 0).endswith(b"F(0)!\r\n")
    assert all(
        line.count(b"(") > 2 for line in MODELS["mode-b"].data(NOW, 0).split()[:3]
    )


def test_fixed_time():
    events, _ = read("sim://household?time=2025-02-03T04:05:06")
    assert b"0.9.1(04:05:06)\r\n0.9.2(25-02-03)" in data(events)
    events, _ = read("sim://household?time=2025-02-03T04:05:06%2B01:00")
    assert b"0.9.1(04:05:06)\r\n0.9.2(25-02-03)" in data(events)


def test_p1_telegrams_have_a_right_crc_and_a_period():
    came = hear("sim://p1", 3.5)
    telegrams = re.findall(rb"/SIM5[^!]*!([0-9A-F]{4})\r\n", came)
    bodies = re.findall(rb"/SIM5[^!]*!", came)
    assert len(telegrams) == 4
    assert [b"%04X" % crc16(body) for body in bodies] == telegrams
    assert bodies[0].startswith(b"/SIM5DEMO-P1\r\n\r\n1-3:0.2.8(50)\r\n")
    assert hear("sim://p1?period=10", 35).count(b"!") == 4
    assert b"0-0:1.0.0(261122174211W)" in came
    assert b"0-0:1.0.0(260722174211S)" in hear("sim://p1?time=2026-07-22T17:42:11", 0.5)


def test_push_has_parity_and_mode_d_layout():
    came = hear("sim://push", 1)
    assert parity.classify(came) is Parity.EVEN and not parity.errors(came)
    assert parity.strip(came).startswith(b"/SIM5PUSH-D\r\n\r\n1-0:0.0.0*255(10048156)")
    assert parity.strip(came).endswith(b"!\r\n")
    assert hear("sim://push?parity=none", 1) == parity.strip(came)


def test_own_clock_goes_on_by_itself():
    times = iter([NOW, NOW.replace(second=12)])
    line, _ = open_line("sim://p1", baud=None, wall=lambda: next(times))
    assert b"174211W" in line.read(0.5)
    assert b"174212W" in line.read(1.5)


# the line


def test_times_of_a_paced_readout():
    events, took = read("sim://household?pace=1")
    size = len(data(events))
    minimum = (5 + 16 + 6) / 30 + size / 960 + 3 * 0.2
    assert took == pytest.approx(minimum, abs=0.01)
    events, took = read("sim://household?pace=1&reaction=20")
    assert identification(events).text == "/SIm5HOUSEHOLD"
    assert took == pytest.approx(minimum - 3 * 0.18, abs=0.01)
    events, took = read("sim://mode-a?pace=1")
    assert took == pytest.approx((5 + 13 + len(data(events))) / 30 + 0.2, abs=0.01)


def test_without_pace_only_reactions_take_time():
    _, took = read("sim://industrial")
    assert took == pytest.approx(3 * 0.2 + 11 / 30, abs=0.01)
    events, slow = read("sim://household?slow=10")
    assert slow == pytest.approx(took + 0.01 * (16 + len(data(events))), abs=0.05)


def test_whoever_changes_speed_early_is_not_understood():
    for early in (True, False):
        line, clock = open_line("sim://household?pace=1")
        line.write(REQUEST)
        assert line.read(2) == b"/"
        while b"\n" not in line.read(1):
            pass
        clock.sleep(0.2)
        line.write(b"\x06050\r\n")
        clock.sleep(0.1 if early else 0.2)
        line.read(0)
        line.set_speed(9600)
        came = b""
        while piece := line.read(3):
            came += piece
        assert (came[:6] == b"\x02F.F(0") is not early


def test_whoever_changes_speed_late_loses_the_beginning():
    line, clock = open_line("sim://mode-b?pace=1")
    line.write(REQUEST)
    clock.sleep(5 / 30 + 0.2 + 13 / 30 + 0.2)
    assert line.read(0) == b"/SIMCHEAT-B\r\n"
    clock.sleep(20 / 240)
    assert line.read(0) not in MODELS["mode-b"].data(NOW, 0)
    line.set_speed(2400)
    while piece := line.read(1):
        last = piece
    assert last  # the rest is sound
    assert b"F(0)\r\n!\r\n\x03" in hear_all("sim://mode-b?pace=1")


def hear_all(url):
    line, _ = open_line(url, baud=None)
    line.write(REQUEST)
    came = b""
    while piece := line.read(3):
        came += piece
    return came


def test_what_other_speeds_make_of_characters():
    sent = len(hear("sim://p1", 0.5))
    slower = hear("sim://p1", 0.5, baud=9600)
    assert sent // 24 < len(slower) < sent // 11
    faster = hear("sim://push?pace=1", 1, baud=115200)
    # bits twelve times as long as the receiver's: it begins anew at each edge
    assert len(faster) > len(hear("sim://push?pace=1", 1)) and set(faster) == {0}


def test_fixed_speed():
    line = simulation("household", {"baud": "4800"}).line(Pace.NONE)
    line.receive(REQUEST, 0.0)
    assert line.deliveries(1.0) == b"/SIM5HOUSEHOLD\r\n"
    line.receive(b"\x06050\r\n", 1.5)
    assert line.deliveries(3.0)
    assert line.speed == 4800


def test_an_unknown_speed_of_the_reader_is_right():
    assert b"/SIMCHEAT-B\r\n\x02" in hear_all("sim://mode-b")


def test_a_kind_of_its_own():
    line, _ = open_line("sim://household")
    assert line.kind is LineKind.DIRECT
    assert line.name == "sim://household"


@pytest.mark.parametrize(
    ("asked", "ours", "answers"),
    [
        ("", "", True),
        ("10048151", "", True),
        ("0010048151", "", True),
        ("17", "", False),
        ("17", "address=017", True),
        ("10048151", "address=017", False),
        ("17", "address=", False),
    ],
)
def test_address(asked, ours, answers):
    url = f"sim://household?{ours}" if ours else "sim://household"
    assert bool(hear(url, 3, send=f"/?{asked}!\r\n".encode())) is answers


# faults


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", []),
        ("bcc=once", ["BLOCK_CHECK"]),
        ("flip=once", ["BLOCK_CHECK"]),
        ("drop=1", ["BLOCK_CHECK"]),
        ("flip=1&drop=2", ["BLOCK_CHECK", "BLOCK_CHECK"]),
        ("drop=2", []),
        ("echo=1", []),
        ("garbage=hello", []),
        ("garbage=/ABC%00%FF", []),
        ("garbage=300", []),
        ("reaction=20", []),
        ("reaction=1400", []),
        ("check=sum7", ["CHECK_KIND"]),
        ("parts=5", []),
        ("parts=5&bcc=once", ["BLOCK_CHECK"]),
        ("wake=1", ["NO_ANSWER"]),
        ("wake=1&pace=1", ["NO_ANSWER"]),
        ("fallback=0", []),
        ("repeats=0", []),
        ("slow=30", []),
        ("speed=right", []),
    ],
)
@pytest.mark.parametrize("even", [False, True])
def test_faults_that_are_overcome(query, expected, even):
    clean = MODELS["household"].data(NOW, 0)
    sent = Parity.EVEN if even else Parity.NONE
    events, _ = read(f"sim://household?{query}", send_parity=(sent,))
    assert troubles(events) == expected
    text = re.sub(
        rb"[\x04\x03].\x02?|\x02", b"", parity.strip(data(events)), flags=re.S
    )
    assert text == clean


@pytest.mark.parametrize("name", ["household", "mode-b"])
@pytest.mark.parametrize("pace", [0, 1])
def test_wrong_speed(name, pace):
    events, _ = read(f"sim://{name}?speed=wrong&pace={pace}")
    assert troubles(events)[0] == "WRONG_SPEED"
    assert MODELS[name].data(NOW, 0) in data(events)


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ("bcc=always", RemoteProtocolError),
        ("mute=1", NoAnswerError),
        ("mute=100", NoAnswerError),
        ("silent=5", NoAnswerError),
        ("nak=1", RefusedError),
        ("noise=for-ever", RemoteProtocolError),
        ("noise=for-ever&pace=1", RemoteProtocolError),
        ("endless=1", RemoteProtocolError),
        ("address=17&time=2026-01-01", None),
        ("baud=9600", NoAnswerError),
        ("parity=even", NoAnswerError),
        ("slow=4000", IecReadError),
        ("errors=1", NoAnswerError),
    ],
)
def test_faults_that_end(query, error):
    if error is None:
        assert read(f"sim://household?{query}")
        return
    with pytest.raises(error) as caught:
        read(f"sim://household?{query}")
    assert caught.value.took < 5000


@pytest.mark.parametrize("name", ["household", "mode-a", "p1"])
def test_a_wrong_check_is_wrong(name):
    send = None if name == "p1" else REQUEST
    right = (
        hear(f"sim://{name}", 0.5, send=send)
        if name == "p1"
        else hear_all(f"sim://{name}?fallback=1")
    )
    wrong = (
        hear(f"sim://{name}?bcc=always", 0.5)
        if name == "p1"
        else hear_all(f"sim://{name}?bcc=always")
    )
    different = [
        at for at, (a, b) in enumerate(zip(right, wrong, strict=True)) if a != b
    ]
    assert different == [len(right) - (6 if name == "p1" else 1)]


@given(st.integers(0, 2000))
def test_a_wrong_check_never_fits_another_kind(minutes):
    now = datetime.fromtimestamp(NOW.timestamp() + 60 * minutes)
    line = simulation("mode-a", {"bcc": "always", "time": now.isoformat()}).line(
        Pace.NONE
    )
    line.receive(REQUEST, 0.0)
    block = line.deliveries(60.0).partition(b"\x02")[2]
    assert reduce(xor, block[:-1]) != block[-1] != sum(block[:-1]) & 127


@pytest.mark.parametrize("number", range(300))
def test_a_wrong_check_is_neither_kind(number):
    text = b"1.8.0(%d)\r\n!\r\n\x03" % number
    wrong = _wrong_check(*[b"\x02" + text + bytes([reduce(xor, text)])] * 2)
    assert wrong[:-1] == b"\x02" + text
    assert wrong[-1] not in (reduce(xor, text), sum(text) & 127)


def test_a_flipped_bit_hits_a_value_and_its_parity():
    right = parity.add_even(MODELS["mode-a"].data(NOW, 0))
    came = hear("sim://mode-a?flip=once", 2, send=parity.add_even(REQUEST))
    assert parity.errors(came) == 1
    assert right not in came


def test_mute_within_a_block():
    for query in ("mute=100", "silent=100"):
        came = hear_all(f"sim://mode-a?{query}")
        assert len(came) == len(b"/SIMXHEAT-A\r\n") + 100


def test_garbage_stands_ahead_of_the_identification():
    assert hear_all("sim://mode-a?garbage=a%00b/").startswith(b"a\x00b//SIMX")
    came = hear_all("sim://mode-a?garbage=30")
    assert came.find(b"/SIMXHEAT-A") == 30


def test_a_seed_repeats_its_damage():
    def heard(query):
        return hear_all(f"sim://industrial?{query}&baud=300")

    clean = heard("errors=0")
    assert heard("seed=1") == heard("seed=1")
    assert heard("seed=1") != heard("seed=2")
    assert clean not in (heard("seed=1"), heard("seed=2"), heard("errors=0.001"))
    assert len(clean) - 15 < len(heard("seed=1")) < len(clean)
    sent, damaged = hear("sim://p1", 5), hear("sim://p1?errors=0.5", 5)
    assert len(damaged) == pytest.approx(len(sent) * 0.75, rel=0.1)


def test_echo_comes_back_at_once():
    line, _ = open_line("sim://household?echo=1&mute=1")
    line.write(REQUEST)
    assert line.read(0) == REQUEST
    line, clock = open_line("sim://household?echo=1&mute=1&pace=1")
    line.write(REQUEST)
    assert line.read(0) == b""
    clock.sleep(2.5 / 30)
    assert line.read(0) == b"/?"


def test_a_flood_is_bounded():
    line = simulation("household").line(Pace.LINE)
    for _ in range(100):
        line.receive(bytes(10000), 0.0)
    assert len(line._coming) == 4096


def test_what_nobody_reads_is_bounded(monkeypatch):
    monkeypatch.setattr("iecread.simulator.line._UNREAD", 5000)
    line = simulation("p1").line(Pace.NONE)
    first = len(line.deliveries(0.0) or line.deliveries(1.0))
    assert 5000 <= len(line.deliveries(100.0)) < 5000 + 2 * first
    assert line.deliveries(102.0)  # it goes on


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.sampled_from([REQUEST, b"\x06050\r\n", b"\x15"])
        | st.binary(max_size=50)
        | st.floats(0, 3)
        | st.sampled_from([300, 9600, 115200]),
        max_size=15,
    ),
    st.sampled_from([*MODELS]),
    st.sampled_from(
        ["", "endless=1", "noise=1", "seed=3&errors=0.3", "echo=1&parts=2"]
    ),
    st.sampled_from(Pace),
)
def test_nothing_raises_and_time_goes_on(story, name, query, pace):
    line = parse_url(f"sim://{name}?{query}").line(pace, on_speed=lambda baud: None)
    now = 50.0
    for part in story:
        if isinstance(part, float):
            now += part
            line.deliveries(now)
        elif isinstance(part, int):
            line.set_speed(part)
        else:
            line.receive(part, now)
        due = line.next_delivery()
        assert due is None or due >= 0


# a real port takes the time itself


def test_pace_of_a_port():
    speeds = []
    line = simulation("mode-b").line(
        Pace.PORT, wall=lambda: NOW, on_speed=speeds.append
    )
    line.receive(REQUEST, 10.0)
    assert line.next_delivery() == pytest.approx(10.2)
    assert line.deliveries(10.2001) == b"/"
    came = line.deliveries(10.2 + 12.5 / 30)
    assert came == b"SIMCHEAT-B\r\n"
    assert speeds == []  # the last character is still on the line
    assert line.deliveries(10.2 + 13 / 30 + 0.001) == b""
    assert speeds == [2400]
    assert line.next_delivery() == pytest.approx(10.2 + 13 / 30 + 0.2)
    assert line.deliveries(11.0)[:1] == b"\x02"


def test_speed_of_a_port_waits_for_what_was_said():
    speeds = []
    line = simulation("mode-b").line(Pace.PORT, on_speed=speeds.append)
    line.receive(REQUEST, 10.0)
    assert line.deliveries(20.0) == b"/SIMCHEAT-B\r\n"  # read late
    assert speeds == []
    assert line.deliveries(20.0).endswith(b"!\r\n\x03" + bytes([line_check()]))
    assert speeds == [2400]


def line_check():
    return reduce(xor, MODELS["mode-b"].data(datetime.now(), 0) + b"\x03")


# the options


@pytest.mark.parametrize(
    ("url", "words"),
    [
        (
            "sim://nix",
            ["'nix'", "household, mode-a, mode-b, industrial, vdew, p1, push"],
        ),
        ("sim://hausehold", ["did you mean 'household'?"]),
        ("sim://lis200-xy", ["'lis200-xy'", "household", "lis200-ek"]),
        ("sim://", ["''", "household"]),
        ("sim://household?x=1", ["'x'", "address, answer, baud"]),
        ("sim://household?bbc=once", ["'bbc'", "did you mean 'bcc'?"]),
        ("sim://household?bcc=twice", ["'bcc'", "'twice'", "once|always"]),
        ("sim://household?drop=0", ["'drop'", "'0'", "N|once"]),
        ("sim://household?drop=x", ["'drop'", "'x'"]),
        ("sim://household?echo=maybe", ["'echo'", "'maybe'"]),
        ("sim://household?echo", ["'echo'", "''"]),
        ("sim://household?slow=nan", ["'slow'", "'nan'"]),
        ("sim://household?slow=-1", ["'slow'", "'-1'"]),
        ("sim://household?errors=2", ["'errors'", "'2'", "0 to 1"]),
        ("sim://household?lines=" + "9" * 30, ["'lines'"]),
        ("sim://household?time=noon", ["'time'", "'noon'", "ISO"]),
        ("sim://household?address=a-b", ["'address'", "'a-b'"]),
        ("sim://household?parity=mark", ["'parity'", "'mark'", "none, odd"]),
        ("sim://household?speed=fast", ["'speed'", "'fast'", "wrong"]),
        ("sim://household?garbage=" + "9" * 30, ["'garbage'"]),
    ],
)
def test_what_is_unknown_is_said(url, words):
    with pytest.raises(PortError) as error:
        open_simulated(url)
    text = f"{error.value.message}; {error.value.hint}"
    assert all(word in text for word in words), text


def test_busy():
    with pytest.raises(PortBusyError) as error:
        open_simulated("sim://household?busy=1")
    assert "in use" in error.value.message
    assert open_simulated("sim://household?busy=0")


def test_every_option_is_a_wish_and_in_the_help():
    wishes = simulation("household").wishes
    text = options_help()
    for key, option in OPTIONS.items():
        assert hasattr(wishes, key.replace("-", "_"))
        assert f"  {key}={option.values} " in text
        assert option.meaning in text
    assert all(f"sim://{name} " in text for name in MODELS)
    assert all(len(line) <= 79 for line in text.splitlines())


def test_names_may_be_written_freely():
    assert parse_url("sim://HOUSEHOLD/").name == "household"
    assert parse_url("sim://household?").name == "household"


def test_a_line_without_faults():
    line = SimulatedLine(simulation("mode-a").line(Pace.NONE).engine, 300, Faults())
    line.receive(REQUEST, 5.0)
    assert line.deliveries(6.0).startswith(b"/SIMXHEAT-A")
