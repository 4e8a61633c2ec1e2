"""Device profiles: the data, who is matched, and what comes of it."""

from collections.abc import Callable
from dataclasses import fields
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import tomli

from iecread import ConfigError, Meter, RefusedError
from iecread.algorithms import ALGORITHMS
from iecread.clock import CLOCK_REGISTERS, ClockReading
from iecread.devices import (
    _CHECKS,
    DeviceProfile,
    facts,
    find,
    load,
    named,
    parse,
    split_count,
)
from iecread.profilerequest import SEASONS, STYLES
from iecread.protocol.messages import Identification
from iecread.simulator import Simulation
from iecread.statuswords import TABLES

FILE = Path(__file__).parents[1] / "iecread" / "data" / "devices.toml"

# Every identification of captured readouts that we know, and those of manuals
FAMILIES = {
    "/ABB5\\@V9.21": "vdew",
    "/ELS5\\@V10.04": "vdew",
    "/EMH4\\@01LZQJL0013G": "emh",
    "/EMH5\\@\\201LZQJL0013F": "emh",
    "/LEM4EM4T": "lem",
    "/DNT5ZDUE": "neuhaus",
    "/MCS5\\@V0050710000051": "metcom",
    "/ISK5\\2MT831-C2": "iskra-mt83x",
    "/ISk5MT830": "iskra-mt83x",
    "/GEC5120510070213@000": "elster-a1700",
    "/MKS6<2>ADM(M550.2251)": "mass",
    "/MSY5<1>C500.KMY.2556": "mass",
    "/AEL4<1>AEL.MF.14": "mass",
    "/LUN5<1>LUN70000130": "mass",
    "/VIK5<1>VEMM01405959": "mass",
    "/EKT5CE301v12": "energomera",
    "/LUGCUH50": "ultraheat",
    "/SIEC2WR5": "siemens-2wr",
    "/KAM MC": "multical",
    "/Els6EK260": "lis200",
    "/Els6EK270": "lis200",
    "/ELS6\\2EK280": "lis200",
    "/Els6DL210": "lis200",
    "/Els6TC220": "lis200",
    "/Els6TVC230": "lis200",
    "/Els6\\BKET": "lis200",
    "/ESY5Q3DA1024 V3.03": "easymeter",
    "/HAG5eHZ010C_EHZ1vA02": "hager-ehz",
    "/EBZ5DD32R06ETA_107": "ebz-dd3",
    # nothing beyond the standard is known of these
    "/KAM 685-382-QR-10": None,
    "/KAM5": None,
    "/ACE0\\3k260V01.18": None,
    "/APA5\\2NORAX30": None,
    "/AUX5\\2SX330RIFOMN": None,
    "/CTA5ZIV-METER": None,
    "/Ene5\\T210-D ESMR5.0": None,
    "/FLU5\\253769484_A": None,
    "/ISK5\\2MT382-1008": None,
    "/ISk5MT174-0001": None,
    "/ISk5\x02MIE5T-200": None,
    "/KFM5KAIFA-METER": None,
    "/LGF5E360": None,
    "/LGZ4ZMF100AC.M26": None,
    "/LGZ5\\2ZMD4054459.B40": None,
    "/LGZ52ZMD120APt.G03": None,
    "/LOG4LK13BD102015": None,
    "/NWA-WARMTELINK": None,
    "/PAF5EC3gr00006": None,
    "/SAG5SAG-METER": None,
    "/SIM5household": None,
    "/ZPA5\\2AM363801C0269": None,
    "/EXA5DEMO": None,
    "": None,
}


@pytest.mark.parametrize("text", FAMILIES)
def test_each_family_gets_its_profile_and_nobody_another(text: str) -> None:
    found = find(text)
    assert (found and found.name) == FAMILIES[text]
    if text[:1] == "/":
        assert find(Identification(text)) is found
        assert find(text[:3].upper() + text[3:].upper()) is found


def test_each_profile_that_can_match_is_in_the_list() -> None:
    listed = set(FAMILIES.values())
    assert {name for name, profile in load().items() if profile.match} == listed - {
        None
    }


@pytest.mark.parametrize("name", load())
def test_an_entry_means_something_to_the_program(name: str) -> None:
    profile = named(name)
    assert profile.algorithm is None or profile.algorithm in ALGORITHMS
    assert (profile.profile_style or "vdew") in STYLES
    assert (profile.profile_season or "own") in SEASONS
    assert (profile.status or "vdew") in TABLES
    assert len(profile.source) > 20 and profile.title
    if profile.clock:
        shown = {"0.9.1": "12:00:00", "0.9.2": "24-06-01", "0.9.5": "6"}
        shown |= {"DATE_": "06.01.06.24", "TIME_": "12:00:00"}
        both = "2024-06-01,12:00:00"
        values = {code: shown.get(code, both) for code in profile.clock}
        assert ClockReading.parse(values).shown == datetime(2024, 6, 1, 12)
    # what it says is not what would be done anyway
    plain = DeviceProfile(name, profile.title, profile.source, profile.match)
    assert profile != plain


def test_no_two_entries_share_a_pattern() -> None:
    patterns = [pattern for profile in load().values() for pattern in profile.match]
    assert len(set(patterns)) == len(patterns)


def test_the_keys_are_the_attributes() -> None:
    keys = {key.replace("-", "_") for key in _CHECKS}
    assert keys == {field.name for field in fields(DeviceProfile)} - {"name"}
    used = {
        key for table in tomli.loads(FILE.read_text("utf-8")).values() for key in table
    }
    assert used <= set(_CHECKS) | {"like"}


def test_like_takes_over_all_but_the_patterns() -> None:
    found = parse(
        '[a]\ntitle = "A"\nsource = "s"\nmatch = ["/AAA*"]\nbcc = "sum7"\nidle = 2\n'
        '[b]\nlike = "a"\ntitle = "B"\nsource = "t"\nidle = 3\n'
    )
    assert found["b"] == DeviceProfile("b", "B", "t", bcc="sum7", idle=3)


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ('bcc = "crc"', "bcc cannot be 'crc'"),
        ('bbc = "xor"', "no such key: bbc"),
        ("baud = 9600.0", "baud cannot be"),
        ("stay-at-baud = 1", "stay-at-baud cannot be 1"),
        ("access = true", "access cannot be True"),
        ("reaction = true", "reaction cannot be True"),
        ('match = ["EMH*"]', "match cannot be"),
        ('match = ["/*"]', "match cannot be"),
        ('clock = "0.9.1"', "clock cannot be"),
        ('serial = ["7980(1"]', "serial cannot be"),
        ('like = "b"', "like 'b' is no entry"),
        ('like = "a"', "like 'a' is no entry"),
        ("patience = 0", "patience cannot be 0"),
    ],
)
def test_what_is_wrong_in_the_data_is_named(line: str, what: str) -> None:
    with pytest.raises(ValueError, match="^a: ") as caught:
        parse(f'[a]\ntitle = "A"\nsource = "s"\n{line}\n')
    assert what in str(caught.value)


@pytest.mark.parametrize("key", ["title", "source"])
def test_an_entry_says_what_it_is_and_from_where(key: str) -> None:
    other = {"title": "source", "source": "title"}[key]
    with pytest.raises(ValueError, match=f"^a: no {key}"):
        parse(f'[a]\n{other} = "x"\n')


def test_names() -> None:
    assert facts("none", "/EMH4x") is None
    assert facts("auto", "/EMH4x") is facts(None, "/EMH4x") is named("emh")
    assert facts("multical", "/EMH4x") is named("multical")
    with pytest.raises(ConfigError, match="energomerra") as caught:
        named("energomerra")
    assert caught.value.hint == "did you mean energomera"
    assert "p1-old" in pytest.raises(ConfigError, named, "?").value.hint


def test_counts() -> None:
    assert split_count("798001(10)") == ("798001", "10")
    assert split_count("0.0") == ("0.0", None)
    assert split_count("A()") == ("A", "")


# --- a meter that is simulated, under the name of another ------------------------


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """``called("/EKT5CE301")``: simulated meters identify themselves so."""

    def called(text: str) -> None:
        fake = property(lambda _: Identification(text))
        monkeypatch.setattr(Simulation, "identification", fake)

    return called


def sent(meter: Meter) -> list[bytes]:
    """What is going to be sent, a message each."""
    messages: list[bytes] = []
    meter.on_bytes = lambda way, data, _: messages.append(data) if way == "tx" else None
    return messages


Called = Callable[[str], None]


def test_the_sum_is_believed_at_once(called: Called) -> None:
    called("/EKT5CE301v12")
    for device, naks in (("auto", 0), ("none", 1)):
        with Meter("sim://household?check=sum7", device=device) as meter:
            messages = sent(meter)
            assert meter.readout().block_check == "ok-sum7"
            assert messages.count(b"\x15") == naks
            assert (meter.device is None) == (device == "none")


def test_a_wrong_kind_of_check_costs_one_repeat(called: Called) -> None:
    called("/EKT5CE301v12")
    with Meter("sim://household?time=2026-11-22T12:00") as meter:
        messages = sent(meter)
        assert meter.readout().block_check == "ok"
        assert messages.count(b"\x15") == 1


def test_what_was_said_is_stronger(called: Called) -> None:
    called("/EKT5CE301v12")
    with Meter("sim://household?time=2026-11-22T12:00", bcc="xor") as meter:
        messages = sent(meter)
        assert meter.readout().block_check == "ok"
        assert b"\x15" not in messages


def commands(messages: list[bytes]) -> list[str]:
    """Names of the commands that were sent, but for passwords and the break."""
    names = [m[1:3].decode() for m in messages if m[:1] == b"\x01"]
    return [name for name in names if name[0] not in "PB"]


@pytest.mark.parametrize(
    ("identification", "reads", "expected"),
    [
        ("/EMH4\\@01LZQJ", "R5", ["R5"]),
        ("/EMH4\\@01LZQJ", "R1", ["R5", "R1"]),  # a wrong profile costs one try
        ("/MKS6<2>ADM", "R2", ["R2"]),
        ("/XYZ5OTHER", "R5", ["R1", "R1", "R5"]),
    ],
)
def test_the_command_for_reading(
    called: Called, identification: str, reads: str, expected: list[str]
) -> None:
    called(identification)
    with Meter(f"sim://household?reads={reads}") as meter:
        messages = sent(meter)
        with meter.programming("00000000") as session:
            assert session.read("1.8.0").status == "ok"
        assert commands(messages) == expected


def test_said_commands_are_stronger(called: Called) -> None:
    called("/EMH4\\@01LZQJ")
    with Meter("sim://household?reads=all") as meter:
        messages = sent(meter)
        with meter.programming(
            "00000000", read_command="R1", write_command="W1"
        ) as session:
            session.write("0.0.1", "1")
        assert set(commands(messages)) == {"R1", "W1"}


@pytest.mark.parametrize(
    ("identification", "reads", "write"),
    [("/EMH4\\@01LZQJ", "R5", b"W5"), ("/MKS6<2>ADM", "R2", b"W2")],
)
def test_the_command_for_writing(
    called: Called, identification: str, reads: str, write: bytes
) -> None:
    called(identification)
    with Meter(f"sim://household?reads={reads}") as meter:
        with meter.programming("00000000") as session:
            change = session.write("0.0.1", "77")
            assert change.outcome == "done" and change.message[1:3] == write
            assert (b"(00000000)" in change.message) == (write == b"W5")


def test_what_a_person_should_know_is_in_the_hint(called: Called) -> None:
    called("/MKS6<2>ADM")
    with Meter("sim://household?reads=R2") as meter:
        with meter.programming("00000000") as session:
            with pytest.raises(RefusedError) as caught:
                session.write("1.8.0", "1")
    assert "terminal cover" in caught.value.hint


def test_the_algorithm_of_the_password(called: Called) -> None:
    url = "sim://household?p2=elster-a1700&operand=B0A692CB07930FD1"
    called("/GEC5120510070213@000")
    with Meter(url) as meter:
        messages = sent(meter)
        with meter.programming("00000000") as session:
            assert session.read("1.8.0").status == "ok"
        assert b"\x01P2\x02(61F79994CB6EAD8E)\x03\x13" in messages
    called("/EXA5OTHER")
    with Meter(url) as meter, pytest.raises(RefusedError):
        with meter.programming("99999999"):
            pass


def test_a_said_level_and_a_function_of_ones_own_are_stronger(called: Called) -> None:
    called("/GEC5120510070213@000")
    with Meter("sim://household?operand=B0A692CB07930FD1") as meter:
        for password, level in (("00000000", 1), (lambda _: "00000000", None)):
            with meter.programming(password, level=level) as session:
                assert session.read("1.8.0").status == "ok"


def test_an_operand_of_another_kind_gets_the_password(called: Called) -> None:
    called("/GEC5120510070213@000")
    with Meter("sim://household?operand=1234") as meter:
        with meter.programming("00000000") as session:
            assert session.read("1.8.0").status == "ok"


def test_a_refused_answer_is_not_sent_again(called: Called) -> None:
    called("/GEC5120510070213@000")
    url = "sim://industrial?p2=elster-a1700&operand=B0A692CB07930FD1"
    with Meter(url) as meter:
        with pytest.raises(RefusedError, match="refused the password"):
            with meter.programming("12345678"):
                pass
        messages = sent(meter)
        with pytest.raises(RefusedError, match="already"):
            with meter.programming("12345678"):
                pass
        assert not [m for m in messages if m.startswith(b"\x01P")]
        assert messages[-1] == b"\x01B0\x03q"  # but it has signed off


def test_steps_say_which_profile_it_is(called: Called, run: Callable[..., Any]) -> None:
    called("/EMH4\\@01LZQJ")
    assert "device profile emh: EMH" in run("readout", "sim://household", "-v").stderr
    called("/XYZ4OTHER")
    assert "profile" not in run("readout", "sim://household", "-v").stderr


def test_wake_up_of_a_named_device() -> None:
    with Meter("sim://household", device="ultraheat") as meter:
        messages = sent(meter)
        assert meter.readout().complete
    assert messages[0] == bytes(40) + b"/?!\r\n"
    with Meter("sim://household", device="ultraheat", wake="never") as meter:
        messages = sent(meter)
        assert meter.readout().complete
    assert messages[0] == b"/?!\r\n"


def test_a_named_device_that_talks_by_itself() -> None:
    with Meter("sim://push?period=0.1", device="easymeter") as meter:
        assert (meter.options.mode, meter.options.baud) == ("d", 9600)
        assert meter.readout().complete
    assert Meter("sim://push", device="easymeter", baud=2400).options.baud == 2400


def test_names_are_checked_at_once(run: Callable[..., Any]) -> None:
    with pytest.raises(ConfigError):
        Meter("sim://household", device="nobody")
    found = run("readout", "sim://household", "--device", "ultrahet", exit=2)
    assert "did you mean ultraheat" in found.stderr


def test_the_number_in_a_register_of_its_own(called: Called) -> None:
    called("/GEC5120510070213@000")
    with Meter("sim://household") as meter:
        with meter.programming() as session:
            assert session.serial_registers == ("798001(10)",)
            assert session.read_serial() is None  # the simulated one has none
    called("/XYZ5OTHER")
    with Meter("sim://household") as meter:
        with meter.programming() as session:
            assert session.read_serial() == "10048151"


def test_the_clock_of_a_kind_of_meter(called: Called) -> None:
    called("/EKT5CE301v12")
    with Meter("sim://household?check=sum7") as meter:
        messages = sent(meter)
        with meter.programming() as session:
            reading, _ = session.clock()  # DATE_ is refused, then as anybody
            assert [part.register for part in reading.parts] == ["0.9.2", "0.9.1"]
        assert b"DATE_" in messages[2]
        assert session.clock_registers[1:] == tuple(
            names for names in CLOCK_REGISTERS if names != ("DATE_", "TIME_")
        )


@pytest.mark.parametrize(
    ("device", "first"),
    [
        ("mass", b"R2\x02P.01(26-11-21,00:00;26-11-21,06:00)"),
        ("makel-old", b"R2\x02P.01(2611210000;2611210600)"),
        ("luna-old", b"R5\x02P1(261121;261121)"),
        ("none", b"R5\x02P.01(02611210000;02611210600)"),
    ],
)
def test_requests_for_load_profiles(device: str, first: bytes) -> None:
    start, end = (datetime(2026, 11, 21, hour) for hour in (0, 6))
    with Meter("sim://vdew?time=2026-11-22T17:42:11", device=device) as meter:
        messages = sent(meter)
        with meter.programming() as session:
            try:
                rows = list(session.load_profile(start=start, end=end, step=None))
            except RefusedError:
                assert device == "luna-old"  # P1 is nowhere else
                rows = []
        profiles = [m for m in messages if m[:2] == b"\x01R"]
        assert profiles[0][1 : 1 + len(first)] == first
        if rows:
            assert len({row.time for row in rows}) == 25
            assert len(profiles) == (1 if device == "none" else 2)


def test_the_status_table_of_a_kind_of_meter(
    called: Called, run: Callable[..., Any]
) -> None:
    called("/MCS5\\@V0050")
    with Meter("sim://vdew") as meter, meter.programming() as session:
        assert session.status_table == "metcom"


def test_profiles_are_read_while_the_request_is_on_its_way(
    called: Called, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    monkeypatch.setattr("iecread.devices.load", lambda: order.append("load"))
    called("/EMH4\\@01LZQJ")
    with Meter("sim://household") as meter:
        meter.on_bytes = lambda way, data, _: order.append(way)
        meter.readout()
        assert order.count("load") == 1 and order[:2] == ["tx", "load"]
    order.clear()
    with Meter("sim://household", device="none") as meter:
        meter.readout()
    assert not order
