"""Sessions with LIS-200 devices: the transcripts of lis200.md 14, and their faults.

Each script is heard and said byte for byte; what goes out besides fails the test.
"""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from gas import (
    CLOSE,
    CLOSED,
    CODE,
    MARK,
    OPEN,
    OPENED,
    READ,
    TYPE,
    UNLOCK,
    VALUE,
    Gas,
    opening,
    steps,
)
from wire import Hear, Say, Speed, framed

from iecread.archives import ArchiveReader, ArchiveRequest
from iecread.errors import ConfigError, RefusedError
from iecread.journal import Journal
from iecread.lis200.errors import Lis200Refused
from iecread.protocol.messages import Block, Command
from iecread.protocol.parity import Parity

NOT_THERE = "\n".join(
    f"> R1 7:0310.{attribute}(1)\n< (#000{4 + (attribute == '8')})"
    for attribute in "89"
)


# --- the transcripts ---------------------------------------------------------


def test_unlock_read_close_break() -> None:
    """14.1."""
    gas = Gas(
        UNLOCK
        + """
        > R1 2:0302.0(1)
        < 7-2:302.2(4711.8150*m3)
        > R1 6:0310_1.0(1)
        < 7-6:310_1.1(11.42*{C)
        """
        + CLOSE
    )
    session = gas.session
    assert session.unlock()
    volume, temperature = session.read("2:302"), session.read("T")
    assert (volume.register, volume.value, volume.unit) == (
        "7-2:302.2",
        Decimal("4711.8150"),
        "m3",
    )
    assert (temperature.value, temperature.unit) == (Decimal("11.42"), "°C")
    assert temperature.groups == (("11.42", "{C"),)
    assert temperature.name == "gas temperature in degrees Celsius"
    session.leave()
    gas.check()
    assert not gas.warnings


def test_the_probe_of_a_session_that_is_open_already() -> None:
    """14.2: neither wake-up nor sign-on nor P0."""
    probe = b"\x01R1\x0201:0181.0(1)\x03\x7f"
    said = framed(b"1:181.0(EK260     )")
    gas = Gas(
        [
            Speed(19200),
            Hear(probe),
            Say(said, after=0.03),
            *steps(TYPE + "> R1 7:0310.0(1)\n< 7-7:310.0(2.5134* bar)"),
        ],
        certain=True,
        code=None,
    )
    gas.session.recognise()
    assert gas.session.read("7:310").value == Decimal("2.5134")
    gas.session.leave()
    assert [sent.text for sent in gas.wire.sent][:2] == [b"/?!\r\n", probe]
    assert gas.sent[1:] == ["R1 1:0181.0(1)", "R1 7:0310.0(1)", "B0"]


def test_all_attributes_of_a_value() -> None:
    """14.3."""
    gas = Gas(
        """
        > R1 7:0310.0(1)
        < 7-7:310.0(2.5134* bar)
        > R1 7:0310.1(1)
        < 7:310.1(0xAA)
        > R1 7:0310.2(1)
        < 7:310.2(p)
        > R1 7:0310.3(1)
        < 7:310.3( bar)
        > R1 7:0310.4(1)
        < (#0005)
        > R1 7:0310.5(1)
        < 7:310.5(16)
        > R1 7:0310.6(1)
        < 7:310.6(4)
        > R1 7:0310.7(1)
        < 7:310.7(8)
        """
        + NOT_THERE
    )
    found = gas.session.attributes("p")
    gas.session.leave()
    gas.check()
    assert [(r.register[-1], r.value) for r in found] == [
        ("0", Decimal("2.5134")),
        ("1", "0xAA"),
        ("2", "p"),
        ("3", "bar"),
        ("5", Decimal(16)),
        ("6", Decimal(4)),
        ("7", Decimal(8)),
    ]
    assert found[1].name == (
        "absolute gas pressure: access rights (read: 1 2 3 4; write: none)"
    )


def test_all_attributes_of_a_bk_meter() -> None:
    """14.4."""
    gas = Gas(
        r"""
        > R1 4:302(1)
        < 4:302(812.4075*\xEC3)
        > R1 4:1302(1)
        < 4:1302(0xAF)
        > R1 4:2302(1)
        < 4:2302(VpO)
        > R1 4:3302(1)
        < 4:3302(\xEC3)
        > R1 4:4302(1)
        < 4:4302(0xC)
        > R1 4:5302(1)
        < 4:5302()
        > R1 4:6302(1)
        < 4:6302(#0014)
        > R1 4:7302(1)
        < 4:7302(3)
        > R1 4:8302(1)
        < 4:8302(0x80)
        > R1 4:9302(1)
        < 4:9302(0x04)
        > R1 4:A302(1)
        < 4:A302(0x08)
        """,
        identification="/Els6\\BKET",
    )
    found = gas.session.attributes("4:302")
    gas.session.leave()
    gas.check()
    assert (found[0].value, found[0].unit) == (Decimal("812.4075"), "м3")
    assert found[0].groups == (("812.4075", "\\xEC3"),)
    assert [r.value for r in found[1:]] == [
        "0xAF",
        "VpO",
        "м3",
        "0xC",
        None,
        Decimal(3),
        "0x80",
        "0x04",
        "0x08",
    ]


def test_a_write_that_is_done() -> None:
    """14.5."""
    gas = Gas(
        OPENED.replace("4:", "3:")
        + TYPE
        + """
        > R1 1:0407.0(1)
        < 1:407.0(0)
        > R1 3:0170.0(1)
        < 3:170.0(1)
        > W1 1:0407.0(1)
        < ACK
        > R1 1:0407.0(1)
        < 1:407.0(1)
        """
        + CLOSE.replace("4:", "3:"),
        lock=3,
    )
    done = gas.session.write("MdTim", "1")
    assert (done.register, done.old, done.new, done.shown) == ("1:407", "0", "1", "1")
    gas.session.leave()
    gas.check()


@pytest.mark.parametrize(
    ("code", "value", "error", "number", "hint"),
    [
        ("7:311", "1.01325", "(#0019)", 19, "it needs the supplier lock (3)"),
        ("2:302", "0", "(#0009)", 9, ""),
        ("1:407", "7", "(#0006)", 6, "look at the value"),
        ("1:407", "7", "1:407.0(#0006)", 6, "look at the value"),
        ("1:407", "7", "(#6)", 6, "look at the value"),
    ],
)
def test_writes_that_are_refused(
    code: str, value: str, error: str, number: int, hint: str
) -> None:
    """14.5; the error with an address, and with fewer digits."""
    entity, _, rest = code.partition(":")
    spelt = f"{entity}:0{rest}"
    rights = f"> R1 {spelt}.1(1)\n< {code}.1(0xBF)" if number == 19 else ""
    gas = Gas(
        f"""
        > R1 {spelt}.0(1)
        < {code}.0(1)
        > W1 {spelt}.0({value})
        < {error}
        > {rights[2:]}
        """.replace("        > \n", ""),
        code=None,
    )
    with pytest.raises(Lis200Refused) as caught:
        gas.session.write(code, value)
    assert caught.value.number == number
    assert caught.value.hint.startswith(hint)
    gas.session.leave()
    gas.check()


def test_reads_that_are_refused() -> None:
    """14.5; a NAK is repeated."""
    gas = Gas(
        """
        > R1 2:0302.0(1)
        < (#0018)
        > R1 2:0302.1(1)
        < (#0018)
        > R1 9:0777.0(1)
        < NAK
        > R1 9:0777.0(1)
        < (#0003)
        """,
        code=None,
    )
    with pytest.raises(Lis200Refused) as caught:
        gas.session.read("2:302")
    assert caught.value.number == 18 and "unlock" in caught.value.hint
    with pytest.raises(Lis200Refused) as caught:
        gas.session.read("9:777")
    assert caught.value.number == 3
    gas.session.leave()
    gas.check()


def test_the_clock_is_set() -> None:
    """14.6."""
    gas = Gas(
        OPENED.replace("4:", "3:")
        + TYPE
        + """
        > R1 1:0400.0(1)
        < 1:400.2(2024-03-01,10:17:25)
        > W1 1:0400.0(2024-03-01,10:17:33)
        < ACK
        > R1 1:0400.0(1)
        < 1:400.2(2024-03-01,10:17:34)
        """
        + CLOSE.replace("4:", "3:"),
        lock=3,
    )
    session = gas.session
    planned = session.plan_write("1:400", "2024-03-01,10:17:33")
    assert planned.old == "2024-03-01,10:17:25"
    done = session.carry_out(planned, same=lambda back, new: back > new)
    assert done.shown == "2024-03-01,10:17:34"
    session.leave()
    gas.check()


def test_a_lock_is_opened_before_the_clock_is_compared() -> None:
    """What that takes is no uncertainty of the drift."""
    clock = "> R1 1:0400.0(1)\n< 1:400.2(2024-03-01,10:17:25)\n"
    gas = Gas("> R1 1:0400.0(1)\n< (#0018)\n" + UNLOCK + clock + clock + CLOSE)
    reading, _ = gas.session.clock()
    assert reading.parts[0].text == "2024-03-01,10:17:25"
    gas.session.leave()
    gas.check()


def test_the_clock_of_a_bk_meter_is_set() -> None:
    """14.6, its own form."""
    gas = Gas(
        """
        > R1 1:400(1)
        < 1:400(10:16,01.03.2024)
        > W1 1:400(10:17,01.03.2024)
        < ACK
        > R1 1:400(1)
        < 1:400(10:17,01.03.2024)
        """,
        identification="/Els6\\BKET",
        code=None,
    )
    assert gas.session.write("Time", "10:17,01.03.2024").outcome == "done"
    gas.session.leave()
    gas.check()


def test_a_newer_device_over_tcp() -> None:
    """14.10, without P1: the code goes to 0171."""
    gas = Gas(
        UNLOCK.replace("EK260 ", "EK280 ")
        + """
        > R1 2:0404.0(1)
        < 2:404.0(97*M)
        """
        + CLOSE,
        identification="/Els6\\2EK280",
        wire={"speed": 19200, "fixed": True},
        reader={"opening_speed": 19200, "adjustable": False},
    )
    gas.session.unlock()
    battery = gas.session.read("BatR")
    assert (battery.value, battery.unit) == (Decimal(97), "M")
    assert gas.session.gas_device.type == "EK280" and gas.session.gas_device.newer
    gas.session.leave()
    gas.check()
    assert not [speed for _, speed in gas.wire.speeds if speed != 19200]


def test_a_bk_meter() -> None:
    """14.11: an error behind an address; hexadecimal status; its last ACK."""
    row = (
        "(31)(905)(2024-03-01,10:00:00)(798.2201)(798.2201)(812.4075)(812.4075)(15.21)"
        "(101325.0000)(1.0000)(0.9825)(0.4210)(0)(0)(0)(0)(0)(0)(0)(0)(0)(0)(0x8103)"
        "(CRC Ok)"
    )
    gas = Gas(
        f"""
        > R1 4:171(1)
        < 4:171(#0018)
        > R1 4:170(1)
        < 4:170(0)
        > W1 4:171(0)
        < ACK
        > R1 4:170(1)
        < 4:170(1)
        > R1 1:181(1)
        < 1:181(BKET)
        > R1 4:171(1)
        < 4:171(0)
        > R1 2:100(1)
        < 2:100(0x1000)
        > R1 7:V.2(1)
        < (AONo)(GONo)(Time)
        > R3 7:V.0(3;2024-03-01,00:00:00;2024-03-01,23:59:59;1)
        < {row}
        > ACK
        > W1 4:170(0)
        < ACK
        > R1 4:170(1)
        < (#0018)
        """,
        identification="/Els6\\BKET",
        code="0",
    )
    session = gas.session
    code = session.read("4:171")
    assert (code.value, code.raw, code.groups) == ("***", "***", (("***", None),))
    assert session.read("2:100").value == "0x1000"
    assert session.ask(Command("R1", b"7:V.2(1)")) == "(AONo)(GONo)(Time)"
    asked = b"7:V.0(3;2024-03-01,00:00:00;2024-03-01,23:59:59;1)"
    assert list(session.blocks(Command("R3", asked), ack_last=True)) == [row]
    session.leave()
    gas.check()


@pytest.mark.parametrize("even", [True, False])
def test_a_stray_byte_between_brackets(even: bool) -> None:
    """1.1: FF between two brackets, which the check does not cover, is left out."""
    sent = framed(b"(2090)(88)(CRC Ok)")
    strayed = sent.replace(b")(", b")\xff(", 1)
    elsewhere = sent.replace(b"20", b"2\xff0", 1)
    gas = Gas(
        [
            *opening("/Els6EK260"),
            Hear(Command("R1", b"4:V.2(1)").to_bytes()),
            Say(strayed, after=0.03),
            Hear(Command("R1", b"4:V.3(1)").to_bytes()),
            Say(elsewhere, after=0.03),
            Hear(b"\x15"),
            Say(sent, after=0.03),
        ],
        code=None,
        wire={"parity_": Parity.EVEN if even else None},
        reader={"send_parity": (Parity.EVEN if even else Parity.NONE,)},
    )
    for attribute in (b"2", b"3"):
        asked = Command("R1", b"4:V." + attribute + b"(1)")
        assert gas.session.ask(asked) == "(2090)(88)(CRC Ok)"
    gas.session.leave()
    gas.check()


NAMES = (
    "(GONo)(AONo)(Time)(Vb)(VbT)(Vm)(VmT)(p.MP)(T.MP)(K.MP)(C.MP)(St.2)(St.4)(St.7)"
    "(St.6)(StSy)(Er)(Check)"
)
UNITS = "()()()(m3)(m3)(m3)(m3)( bar)({C)()()()()()()()()()"
HEADERS = f"""
> R1 3:V.2(1)
< {NAMES}
> R1 3:V.3(1)
< {UNITS}
> R1 3:V.4(1)
< (#0005)
"""
LOGBOOK = """
> R1 4:V.2(1)
< (GONo)(AONo)(Time)(Event)(Check)
> R1 4:V.3(1)
< ()()()()()
> R1 4:V.4(1)
< (#0005)
"""
PERIOD = (
    "(2101)(1507)(2024-03-01,07:00:00)(4698.1)(4711.815)(1880.5)(1893)(2.5134)(11.42)"
    "(0.9951)(2.6042)(0)(0)(0)(0)(13;15)(0x8104)(CRC Ok)",
    "(2103)(1508)(2024-03-01,08:00:00)(4700.7042)(4714.4192)(1881.5)(1894)(2.5131)"
    "(11.4)(0.9951)(2.6042)(0)(0)(0)(0)(15)(0x8104)(CRC Ok)",
    "(2104)(1509)(2024-03-01,09:00:00)(4703.3084)(4717.0234)(1882.5)(1895)(2.513)"
    "(11.38)(0.9951)(2.6041)(0)(0)(0)(0)(15)(0x8104)(CRC Ok)",
)


def wanted(
    archive: int, start: str = "", end: str = "", part: int = 10
) -> ArchiveReader:
    """A reader of an archive whose device has UTC on its clock."""
    moments = [datetime.fromisoformat(f"{t}Z") if t else None for t in (start, end)]
    first, last = moments
    return ArchiveReader(ArchiveRequest(archive, first, last, UTC, "utc", part=part))


def test_archive_headers_and_one_block() -> None:
    """14.7."""
    span = "3;2024-03-01,07:00:00;2024-03-01,09:00:00;"
    block = framed("\r\n".join(PERIOD).encode("ascii"))
    assert block[-1] == 0x29
    gas = Gas(
        [
            *opening("/Els6EK260"),
            *steps(HEADERS + f"> R1 3:V.A({span})\n< (3)\n> R3 3:V.0({span}10)"),
            Say(block, after=0.03),
        ],
        code=None,
    )
    reader = wanted(3, "2024-03-01T07:00", "2024-03-01T09:00")
    assert reader.count(gas.session) == 3
    records = list(reader.read(gas.session))
    gas.session.leave()
    gas.check()
    assert [r.place[:2] for r in records] == [(1507, 2101), (1508, 2103), (1509, 2104)]
    row = {row.register: row for row in records[0].rows}
    assert (row["VbT"].value, row["VbT"].unit) == (Decimal("4711.815"), "m3")
    assert (row["p.MP"].unit, row["T.MP"].unit) == ("bar", "°C")
    assert row["T.MP"].time.isoformat() == "2024-03-01T07:00:00+00:00"


def test_a_logbook_in_partial_blocks_one_of_them_damaged() -> None:
    """14.8."""
    rows = [
        "(2090)(88)(2024-02-29,16:04:11)(0x3C02)(CRC Ok)",
        "(2091)(89)(2024-02-29,16:04:19)(0x2D03)(CRC Ok)",
        "(2092)(90)(2024-02-29,16:09:40)(0x0D03)(CRC Ok)",
        "(2093)(91)(2024-02-29,16:09:41)(0x1C02)(CRC Ok)",
        "(2098)(92)(2024-02-29,23:12:00)(0x2506)(CRC Ok)",
    ]
    parts = ["\r\n".join(rows[n : n + 2]).encode("ascii") for n in (0, 2, 4)]
    blocks = [framed(part, last=part is parts[2]) for part in parts]
    assert [block[-1] for block in blocks] == [0x0C, 0x05, 0x36]
    damaged = blocks[1].replace(b"16:09:40", b"16:09:48", 1)
    ack, nak = Hear(b"\x06"), Hear(b"\x15")
    say = [Say(data, after=0.03) for data in (blocks[0], damaged, *blocks[1:])]
    gas = Gas(
        [
            *opening("/Els6EK260"),
            *steps(LOGBOOK + "> R3 4:V.0(3;2024-02-29,16:00:00;;2)"),
            *(say[0], ack, say[1], nak, say[2], ack, say[3]),
        ],
        code=None,
    )
    reader = wanted(4, "2024-02-29T16:00", part=2)
    assert [r.place.number for r in reader.read(gas.session)] == [88, 89, 90, 91, 92]
    assert reader.error() is None and not reader.ordinals.missing
    gas.session.leave()
    gas.check()


def test_an_empty_range_a_lost_limit_and_what_is_not_there() -> None:
    """14.9."""
    gas = Gas(
        HEADERS + "> R3 3:V.0(3;2030-01-01,00:00:00;;10)\n< (#0103)",
        code=None,
    )
    assert list(wanted(3, "2030-01-01T00:00").read(gas.session)) == []
    gas.session.leave()
    gas.check()
    gas = Gas(
        HEADERS
        + "> R3 3:V.0(3;2019-01-01,00:00:00;2019-01-02,00:00:00;10)\n< (#0104)\n"
        + "> R3 3:V.0(3;;2019-01-02,00:00:00;10)\n< (#0103)",
        code=None,
    )
    assert (
        list(wanted(3, "2019-01-01T00:00", "2019-01-02T00:00").read(gas.session)) == []
    )
    gas.session.leave()
    gas.check()
    gas = Gas(
        "> R3 3:V.0(25;1;;10)\n< (#0101)\n> R1 44:V.2(1)\n< (#0100)",
        code=None,
    )
    with pytest.raises(Lis200Refused, match="no such column"):
        list(gas.session.blocks(Command("R3", b"3:V.0(25;1;;10)")))
    with pytest.raises(RefusedError, match="no archive 44"):
        list(wanted(44).read(gas.session))
    gas.session.leave()
    gas.check()


def test_who_stops_in_the_middle_of_an_archive_may_go_on() -> None:
    first = framed(ROWS[0].encode("ascii"), last=False).decode("latin-1")
    gas = Gas(
        f"> R3 4:V.0(;;;1)\n< raw:{first}\n{MARK}> R1 7:0310.0(1)\n< 7:310.0(2.5)",
        code=None,
    )
    blocks = gas.session.blocks(ASKED)
    assert next(blocks) == ROWS[0]
    blocks.close()
    assert gas.session.read("p").value == Decimal("2.5")
    gas.session.leave()
    gas.check()


ROWS = ["(1)(2024-03-01,07:00:00)(CRC Ok)", "(2)(2024-03-01,08:00:00)(CRC Ok)"]
ASKED = Command("R3", b"4:V.0(;;;1)")


def test_another_devices_answer_within_an_archive() -> None:
    foreign = framed(b"9:180.0(90099009)").decode("latin-1")
    first, last = (framed(r.encode(), last=r == ROWS[1]).decode() for r in ROWS)
    gas = Gas(
        f"> R3 4:V.0(;;;1)\n< raw:{foreign}{first}\n> ACK\n< raw:{foreign}{last}",
        code=None,
    )
    assert list(gas.session.blocks(ASKED)) == ROWS
    gas.session.leave()
    gas.check()


def test_a_row_that_two_blocks_share() -> None:
    begin, end = ROWS[0][:14], ROWS[0][14:]
    gas = Gas(
        f"> R3 4:V.0(;;;1)\n< raw:{framed(begin.encode(), last=False).decode()}\n"
        f"> ACK\n< {end}",
        code=None,
    )
    assert list(gas.session.blocks(ASKED)) == [begin, end]
    gas.session.leave()
    gas.check()


def test_an_archive_is_asked_for_again_when_nothing_can_be_late() -> None:
    gas = Gas(
        f"> R3 4:V.0(;;;1)\n< SILENCE\n{MARK}> R3 4:V.0(;;;1)\n< {ROWS[0]}",
        code=None,
    )
    assert list(gas.session.blocks(ASKED)) == ROWS[:1]
    gas.session.leave()
    gas.check()


@pytest.mark.parametrize(
    ("text", "check"),
    [
        ("1:400.2(2024-03-01,06:02:48)", 3),
        ("1:400.2(2024-03-01,06:00:09)", 4),
        ("1:400.2(2024-03-01,06:00:49)", 0),
    ],
)
def test_awkward_block_checks(text: str, check: int) -> None:
    """1.1: the check may be ETX, EOT or NUL, and come a character at a time."""
    assert framed(text.encode("ascii"))[-1] == check
    assert Block.from_bytes(framed(text.encode("ascii"))).right
    gas = Gas(f"> R1 1:0400.0(1)\n< {text}", code=None, wire={"cut": (1,)})
    assert gas.session.read("1:400").value == text[8:-1]
    gas.session.leave()
    gas.check()


# --- values and locks -------------------------------------------------------


@pytest.mark.parametrize("code", ["4:171", "04:0171.0", "4:171_1", "4:171.1", "V4:171"])
def test_a_write_never_reaches_a_code(code: str, tmp_path: Path) -> None:
    gas = Gas(OPENED + TYPE + CLOSE, journal=Journal(str(tmp_path)))
    gas.session.unlock()
    with pytest.raises(ConfigError, match="code of a lock|lock code"):
        gas.session.write(code, "12345678")
    gas.session.leave()
    gas.check()
    plain = Gas("", code=None)
    for write in (plain.session.plan_write, super(type(plain.session), plain.session)):
        method = getattr(write, "plan_write", write)
        with pytest.raises(ConfigError):
            method(code, "12345678")
    with pytest.raises(ConfigError):
        plain.session.plan_execute(code, "0")
    plain.session.leave()
    plain.check()


def test_what_cuts_the_link_wants_force() -> None:
    gas = Gas("", code=None)
    for code in ("2:708", "Bd.S2", "4:170", "3:V"):
        with pytest.raises(ConfigError):
            gas.session.plan_write(code, "1")
    gas.session.leave()
    gas.check()
    bk = Gas("> R1 1:709(1)\n< 1:709(6)", identification="/Els6\\BKET", code=None)
    for code in ("1:130", "1:131", "3:A52", "7:229", "1:195", "1:709"):
        with pytest.raises(ConfigError, match="--force|lock|resets"):
            bk.session.plan_write(code, "1")
    bk.session.force = True
    assert bk.session.plan_write("1:709", "5").old == "6"
    bk.session.leave()
    bk.check()


def test_a_value_that_may_not_be_read_opens_the_lock_once() -> None:
    gas = Gas(READ + "< (#0018)" + UNLOCK + READ + VALUE + CLOSE)
    assert str(gas.session.read("p").value) == "2.5134"
    gas.session.leave()
    gas.check()


def test_a_lock_that_closes_itself_is_opened_again_once() -> None:
    opened = CLOSED + CODE + "< ACK" + OPEN
    gas = Gas(
        UNLOCK
        + READ
        + "< (#0018)"
        + opened
        + READ
        + VALUE
        + READ
        + "< (#0018)"
        + "\n> R1 7:0310.1(1)\n< (#0018)"
        + CLOSE
    )
    gas.session.unlock()
    gas.session.read("7:310")
    with pytest.raises(Lis200Refused):
        gas.session.read("7:310")
    gas.session.leave()
    gas.check()


def test_a_value_that_another_lock_guards() -> None:
    gas = Gas(READ + "< (#0018)" + OPEN + "> R1 7:0310.1(1)\n< 7:310.1(0x2F)")
    with pytest.raises(Lis200Refused) as caught:
        gas.session.read("7:310")
    assert caught.value.hint == "it needs the supplier lock (3): --lock supplier"
    gas.session.leave()
    gas.check()
