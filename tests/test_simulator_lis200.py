"""Simulated LIS-200 devices, byte by byte against the transcripts of their reference.

``H>`` is what the host sends, ``<D`` what the device must answer.  Nothing of the
reader's side is used here: a mistake of one side must not hide in the other.
"""

import re
from datetime import datetime, timedelta

from iecread.protocol import parity
from iecread.protocol.bcc import bcc_xor
from iecread.protocol.messages import ACK, NAK, Command
from iecread.simulator import MODELS, open_simulated
from iecread.simulator.lis200.objects import Key
from iecread.transports.memory import Clock

NOW = datetime(2024, 3, 1, 10, 17, 17)
START = 1000.0
REQUEST = b"/?!\r\n"
SELECT = b"\x06061\r\n"
BREAK = b"\x01B0\x03q"
CODE = "00000000"
DEVICES = [name for name, model in MODELS.items() if model.lis200]


class Talk:
    """A host that says what it is told and returns what comes."""

    def __init__(self, url, now=NOW, even=False):
        self.clock = Clock(START)
        self.line = open_simulated(
            url,
            monotonic=self.clock.monotonic,
            sleep=self.clock.sleep,
            wall=lambda: now + timedelta(seconds=self.clock.now - START),
        )
        self.engine = self.line.responder.engine
        self.device = self.engine.device
        self.locks = self.device.locks
        self.even = even

    def say(self, message, wait=0.5):
        self.line.write(parity.add_even(message) if self.even else message)
        came = b""
        end = self.clock.now + wait
        while self.clock.now < end and (piece := self.line.read(end - self.clock.now)):
            came += piece
        return parity.strip(came) if self.even else came

    def sign_on(self):
        self.say(REQUEST)
        return self.say(SELECT)

    def ask(self, name, text):
        """Return what is in the block that answers, else the answer as it came."""
        came = self.say(Command(name, text.encode("latin-1")).to_bytes())
        if came[:1] != b"\x02":
            return came
        assert bcc_xor(came[1:]) == 0
        return came[1:-2].decode("latin-1")

    def read(self, address):
        return self.ask("R1", f"{address}(1)")

    def write(self, address, value):
        return self.ask("W1", f"{address}({value})")

    def blocks(self, text, name="R3"):
        """Return the blocks of an archive, each acknowledged."""
        came = self.say(Command(name, text.encode()).to_bytes())
        found = [came]
        while came[-2:-1] == b"\x04":
            came = self.say(ACK)
            found.append(came)
        assert all(bcc_xor(block[1:]) == 0 for block in found)
        return [block[1:-2].decode("latin-1") for block in found]

    def rows(self, text, name="R3"):
        return [
            row.strip("()").split(")(")
            for block in self.blocks(text, name)
            for row in block.split("\r\n")
        ]


def opened(url="sim://lis200-ek", *locks, **more):
    """A device with a session, and its locks open (4 if none are named)."""
    talk = Talk(url, **more)
    talk.sign_on()
    for lock in locks or (4,):
        code = talk.locks.codes[lock]
        assert talk.write(f"{lock}:0171.0", code) == ACK
    return talk


# the transcripts

_LINE = re.compile(r"(H>|<D) +(.*?)(?: +#.*)?")
_NAMES = {"SOH": b"\x01", "STX": b"\x02", "ETX": b"\x03", "EOT": b"\x04"}
_NAMES |= {"ACK": ACK, "NAK": NAK, "CR": b"\r", "LF": b"\n"}


def to_bytes(text):
    """Return the bytes of a readable line, ``SOH R1 STX 7:310.0(1) ETX [43]``."""
    marked = re.split(r" *\b(SOH|STX|ETX|EOT|ACK|NAK|CR|LF)\b *", text)
    data = b""
    for word in marked:
        if word in _NAMES:
            data += _NAMES[word]
        elif found := re.fullmatch(r"\[([0-9A-F]{2})\]", word):
            assert bcc_xor(data[1:]) == int(found[1], 16), text
            data += bytes.fromhex(found[1])
        else:
            data += word.encode("latin-1")
    return data


def replay(talk, transcript):
    """Say each line of the host's and compare the device's answer to it."""
    lines = [_LINE.fullmatch(line).groups() for line in transcript.strip().split("\n")]
    lines = [(who, to_bytes(text)) for who, text in lines]
    for (who, said), (next_who, wanted) in zip(
        lines, [*lines[1:], ("H>", b"")], strict=True
    ):
        if who == "H>":
            came = talk.say(said)
            assert came == (wanted if next_who == "<D" else b""), said


def set_values(talk, **values):
    for address, value in values.items():
        key = address.removeprefix("v").replace("__", ":", 1)
        talk.device.values[Key.of(key)] = value


def test_a_session_on_the_optical_head():
    """lis200.md 14.1, but for the state at the end of a fully locked device."""
    talk = Talk("sim://lis200-ek?wake=1&maker=Els")
    set_values(talk, v2__302="4711.8150", v6__310_1="11.42")
    assert talk.say(REQUEST) == b""  # it sleeps
    talk.say(bytes(66), 2.3)
    talk.say(b"", 1.5)
    replay(
        talk,
        """
H>  /?! CR LF
<D  /Els6EK260 CR LF
H>  ACK 061 CR LF      # then switch to 19200 7E1
<D  SOH P0 STX (1234567) ETX [50]      # ignore
H>  SOH R1 STX 4:0170.0(1) ETX [44]      # is the customer lock open?
<D  STX 4:170.0(0) ETX [14]      # no
H>  SOH W1 STX 4:0171.0(00000000) ETX [71]      # open it
<D  ACK
H>  SOH R1 STX 4:0170.0(1) ETX [44]
<D  STX 4:170.0(1) ETX [15]      # opened by us
H>  SOH R1 STX 1:0181.0(1) ETX [4F]
<D  STX 1:181.0(EK260     ) ETX [35]      # blank padded
H>  SOH R1 STX 2:0302.0(1) ETX [45]
<D  STX 7-2:302.2(4711.8150*m3) ETX [68]      # other spelling of the address
H>  SOH R1 STX 6:0310_1.0(1) ETX [2C]
<D  STX 7-6:310_1.1(11.42*{C) ETX [6D]      # degrees C
H>  SOH W1 STX 4:0170.0(0) ETX [40]      # close
<D  ACK
H>  SOH B0 ETX [71]
""",
    )
    assert talk.engine.endings == ["break"]
    assert talk.locks.open == frozenset()
    assert talk.locks.openings == [4]
    assert not talk.locks.replaced


def test_a_device_that_tells_nothing_while_it_is_locked():
    """The last exchange of lis200.md 14.1."""
    talk = Talk("sim://lis200-ek?locked-reads=1")
    talk.sign_on()
    locked = """
H>  SOH R1 STX 4:0170.0(1) ETX [44]
<D  STX (#0018) ETX [28]      # all locks closed: counts as closed
"""
    replay(talk, locked)
    assert talk.read("9:999") == "(#0018)"
    assert talk.write("4:0171.0", CODE) == ACK
    assert talk.read("4:170") == "4:170.0(1)"
    assert talk.write("4:0170.0", "0") == ACK
    replay(talk, locked)


def test_a_session_that_is_still_open():
    """lis200.md 14.2."""
    talk = Talk("sim://lis200-ek?session=1&open=4")
    assert talk.line.responder.speed == 19200
    replay(
        talk,
        """
H>  SOH R1 STX 01:0181.0(1) ETX [7F]
<D  STX 1:181.0(EK260     ) ETX [35]      # session still open: go on without sign-on
""",
    )
    assert talk.say(REQUEST) == b""
    assert talk.say(BREAK) == b""
    assert talk.say(REQUEST) == b"/SIm6EK260\r\n"


def test_all_attributes():
    """lis200.md 14.3."""
    talk = opened()
    set_values(talk, v7__310="2.5134")
    replay(
        talk,
        """
H>  SOH R1 STX 7:0310.0(1) ETX [43]
<D  STX 7-7:310.0(2.5134* bar) ETX [5D]
H>  SOH R1 STX 7:0310.1(1) ETX [42]
<D  STX 7:310.1(0xAA) ETX [6A]      # access rights (I)
H>  SOH R1 STX 7:0310.2(1) ETX [41]
<D  STX 7:310.2(p) ETX [51]      # name
H>  SOH R1 STX 7:0310.3(1) ETX [40]
<D  STX 7:310.3( bar) ETX [71]      # unit text
H>  SOH R1 STX 7:0310.4(1) ETX [47]
<D  STX (#0005) ETX [24]      # attribute not available here
H>  SOH R1 STX 7:0310.5(1) ETX [46]
<D  STX 7:310.5(16) ETX [21]      # unit code (I)
H>  SOH R1 STX 7:0310.6(1) ETX [45]
<D  STX 7:310.6(4) ETX [11]      # format (I)
H>  SOH R1 STX 7:0310.7(1) ETX [44]
<D  STX 7:310.7(8) ETX [1C]      # data type (I)
H>  SOH R1 STX 7:0310.9(1) ETX [4A]
<D  STX (#0004) ETX [25]      # unknown attribute
""",
    )


def test_all_attributes_of_a_bk_meter():
    """lis200.md 14.4."""
    talk = opened("sim://lis200-bk")
    set_values(talk, v4__302="812.4075")
    replay(
        talk,
        r"""
H>  SOH R1 STX 4:302(1) ETX [6D]
<D  STX 4:302(812.4075*\xEC3) ETX [15]      # value, unit in escaped Cyrillic
H>  SOH R1 STX 4:1302(1) ETX [5C]
<D  STX 4:1302(0xAF) ETX [43]      # rights
H>  SOH R1 STX 4:2302(1) ETX [5F]
<D  STX 4:2302(VpO) ETX [66]      # name
H>  SOH R1 STX 4:3302(1) ETX [5E]
<D  STX 4:3302(\xEC3) ETX [1F]      # unit
H>  SOH R1 STX 4:4302(1) ETX [59]
<D  STX 4:4302(0xC) ETX [02]      # data class counter
H>  SOH R1 STX 4:8302(1) ETX [55]
<D  STX 4:8302(0x80) ETX [45]      # unit code volume
H>  SOH R1 STX 4:9302(1) ETX [54]
<D  STX 4:9302(0x04) ETX [48]      # four decimals
H>  SOH R1 STX 4:A302(1) ETX [2C]
<D  STX 4:A302(0x08) ETX [3C]      # float
""",
    )
    assert talk.read("4:302.3") == r"4:302(812.4075*\xEC3)"  # the dot says nothing


def test_writing():
    """lis200.md 14.5."""
    talk = opened("sim://lis200-ek", 3)
    replay(
        talk,
        """
H>  SOH W1 STX 1:0407.0(1) ETX [41]      # daylight saving automatic
<D  ACK
H>  SOH W1 STX 1:0407.0(7) ETX [47]
<D  STX (#0006) ETX [27]      # out of range
""",
    )
    assert talk.write("3:170", "0") == ACK
    replay(
        talk,
        """
H>  SOH R1 STX 2:0302.0(1) ETX [45]
<D  STX (#0018) ETX [28]      # read without open lock
H>  SOH W1 STX 4:0171.0(00000000) ETX [71]
<D  ACK
H>  SOH W1 STX 7:0311.0(1.01325) ETX [5C]      # with only the customer lock open
<D  STX (#0019) ETX [29]      # no right to write
H>  SOH W1 STX 2:0302.0(0) ETX [41]
<D  STX (#0009) ETX [28]      # cannot be written
H>  SOH W1 STX 3:0171.0(12345678) ETX [7E]
<D  STX (#0017) ETX [27]      # wrong code: stop here
H>  SOH W1 STX 2:0171.0(12345678) ETX [7F]
<D  STX (#0020) ETX [23]      # function locked
H>  SOH R1 STX 9:0777.0(1) ETX [48]
<D  STX (#0003) ETX [22]      # no such entity
""",
    )
    assert talk.device.writes == [("1:407", "1")]
    assert talk.locks.wrong == [(3, "12345678")]


def test_the_clock():
    """lis200.md 14.6."""
    talk = Talk("sim://lis200-ek")
    talk.sign_on()
    talk.say(b"", NOW.timestamp() and 7.0 - (talk.clock.now - START))
    replay(
        talk,
        """
H>  SOH R1 STX 3:0170.0(1) ETX [43]
<D  STX 3:170.0(0) ETX [13]
H>  SOH W1 STX 3:0171.0(00000000) ETX [76]
<D  ACK
H>  SOH R1 STX 3:0170.0(1) ETX [43]
<D  STX 3:170.0(1) ETX [12]
H>  SOH R1 STX 1:0400.0(1) ETX [43]
<D  STX 1:400.2(2024-03-01,10:17:25) ETX [0B]
H>  SOH W1 STX 1:0400.0(2024-03-01,10:17:33) ETX [5A]
<D  ACK
""",
    )
    talk.say(b"", 0.6)
    replay(
        talk,
        """
H>  SOH R1 STX 1:0400.0(1) ETX [43]
<D  STX 1:400.2(2024-03-01,10:17:34) ETX [0B]
H>  SOH W1 STX 3:0170.0(0) ETX [47]
<D  ACK
H>  SOH B0 ETX [71]
""",
    )


def test_the_clock_of_a_bk_meter():
    """lis200.md 14.6."""
    talk = opened("sim://lis200-bk", 3)
    replay(
        talk,
        """
H>  SOH W1 STX 1:400(10:17,01.03.2024) ETX [4E]
<D  ACK
H>  SOH R1 STX 1:400(1) ETX [6D]
<D  STX 1:400(10:17,01.03.2024) ETX [2A]
""",
    )


_ROWS_7 = [
    "2101 1507 2024-03-01,07:00:00 4698.1 4711.815 1880.5 1893 2.5134 11.42 0.9951 "
    "2.6042 0 0 0 0 13;15 0x8104",
    "2103 1508 2024-03-01,08:00:00 4700.7042 4714.4192 1881.5 1894 2.5131 11.4 0.9951 "
    "2.6042 0 0 0 0 15 0x8104",
    "2104 1509 2024-03-01,09:00:00 4703.3084 4717.0234 1882.5 1895 2.513 11.38 0.9951 "
    "2.6041 0 0 0 0 15 0x8104",
]


def rows_of(*texts):
    return [(*text.split(), "CRC Ok") for text in texts]


def test_the_headers_and_one_block_of_an_archive():
    """lis200.md 14.7."""
    talk = opened()
    talk.device.rows[3] = rows_of(*_ROWS_7)
    replay(
        talk,
        """
H>  SOH R1 STX 3:V.2(1) ETX [11]
<D  STX (GONo)(AONo)(Time)(Vb)(VbT)(Vm)(VmT)(p.MP)(T.MP)(K.MP)(C.MP)(St.2)(St.4)(St.7)(St.6)(StSy)(Er)(Check) ETX [67]
H>  SOH R1 STX 3:V.3(1) ETX [10]
<D  STX ()()()(m3)(m3)(m3)(m3)( bar)({C)()()()()()()()()() ETX [6A]
H>  SOH R1 STX 3:V.A(3;2024-03-01,07:00:00;2024-03-01,09:00:00;) ETX [55]
<D  STX (3) ETX [31]
H>  SOH R3 STX 3:V.0(3;2024-03-01,07:00:00;2024-03-01,09:00:00;10) ETX [27]
<D  STX (2101)(1507)(2024-03-01,07:00:00)(4698.1)(4711.815)(1880.5)(1893)(2.5134)(11.42)(0.9951)(2.6042)(0)(0)(0)(0)(13;15)(0x8104)(CRC Ok) CR LF (2103)(1508)(2024-03-01,08:00:00)(4700.7042)(4714.4192)(1881.5)(1894)(2.5131)(11.4)(0.9951)(2.6042)(0)(0)(0)(0)(15)(0x8104)(CRC Ok) CR LF (2104)(1509)(2024-03-01,09:00:00)(4703.3084)(4717.0234)(1882.5)(1895)(2.513)(11.38)(0.9951)(2.6041)(0)(0)(0)(0)(15)(0x8104)(CRC Ok) ETX [29]      # 3 rows fit in one block, so it ends in ETX at once
""",  # noqa: E501
    )


def test_partial_blocks_and_a_damaged_one():
    """lis200.md 14.8."""
    talk = opened()
    talk.device.rows[4] = rows_of(
        "2090 88 2024-02-29,16:04:11 0x3C02",
        "2091 89 2024-02-29,16:04:19 0x2D03",
        "2092 90 2024-02-29,16:09:40 0x0D03",
        "2093 91 2024-02-29,16:09:41 0x1C02",
        "2098 92 2024-02-29,23:12:00 0x2506",
    )
    replay(
        talk,
        """
H>  SOH R3 STX 4:V.0(3;2024-02-29,16:00:00;;2) ETX [3B]
<D  STX (2090)(88)(2024-02-29,16:04:11)(0x3C02)(CRC Ok) CR LF (2091)(89)(2024-02-29,16:04:19)(0x2D03)(CRC Ok) EOT [0C]      # block 1
H>  ACK
<D  STX (2092)(90)(2024-02-29,16:09:40)(0x0D03)(CRC Ok) CR LF (2093)(91)(2024-02-29,16:09:41)(0x1C02)(CRC Ok) EOT [05]      # block 2
H>  NAK      # please repeat
<D  STX (2092)(90)(2024-02-29,16:09:40)(0x0D03)(CRC Ok) CR LF (2093)(91)(2024-02-29,16:09:41)(0x1C02)(CRC Ok) EOT [05]      # block 2 again
H>  ACK
<D  STX (2098)(92)(2024-02-29,23:12:00)(0x2506)(CRC Ok) ETX [36]      # last block: ETX. EK/DL/TC: no ACK
""",  # noqa: E501
    )


def test_what_an_archive_does_not_have():
    """lis200.md 14.9."""
    talk = opened()
    replay(
        talk,
        """
H>  SOH R3 STX 3:V.0(3;2030-01-01,00:00:00;;10) ETX [04]
<D  STX (#0103) ETX [23]      # nothing stored since: empty result
H>  SOH R3 STX 3:V.0(3;2019-01-01,00:00:00;2019-01-02,00:00:00;10) ETX [2A]
<D  STX (#0104) ETX [24]      # lower limit not found
H>  SOH R3 STX 3:V.0(25;1;;10) ETX [2C]
<D  STX (#0101) ETX [21]      # no column 25
H>  SOH R3 STX 44:V.0(;;;10) ETX [29]
<D  STX (#0100) ETX [20]      # no archive 44
""",
    )


def test_a_gateway_of_fixed_speed_and_the_password_that_opens_a_lock():
    """lis200.md 14.10."""
    talk = Talk("sim://lis200-ek280?maker=Els&baud=19200")
    replay(
        talk,
        r"""
H>  /?! CR LF
<D  /Els6\2EK280 CR LF
H>  ACK 061 CR LF      # echo Z = 6, keep the port as it is
<D  SOH P0 STX (1234567) ETX [50]
H>  SOH P1 STX (4:00000000) ETX [6F]
<D  ACK      # customer lock is open
H>  SOH R1 STX 2:0404.0(1) ETX [44]
<D  STX 2:404.0(97*M) ETX [4D]
H>  SOH B0 ETX [71]
""",
    )


def test_a_bk_meter():
    """lis200.md 14.11."""
    talk = Talk("sim://lis200-bk?maker=Els")
    talk.device.rows[7] = rows_of(
        "31 905 2024-03-01,10:00:00 798.2201 798.2201 812.4075 812.4075 15.21 "
        "101325.0000 1.0000 0.9825 0.4210 0 0 0 0 0 0 0 0 0 0 0x8103"
    )
    replay(
        talk,
        r"""
H>  /?! CR LF
<D  /Els6\BKET CR LF
H>  ACK 061 CR LF
<D  SOH P0 STX (1234567) ETX [50]
H>  SOH R1 STX 4:171(1) ETX [6B]      # code of a closed lock
<D  STX 4:171(#0018) ETX [11]      # error behind an address
H>  SOH W1 STX 4:171(0) ETX [6F]
<D  ACK
H>  SOH R1 STX 2:100(1) ETX [6B]
<D  STX 2:100(0x1000) ETX [72]      # bit 12 = message 13: data transfer
H>  SOH R1 STX 7:V.2(1) ETX [15]      # header of the daily archive
<D  STX (AONo)(GONo)(Time)(Vc)(VcO)(Vp)(VpO)(TaverD)(PpodAvI)(KAvI)(KkorAvD)(QcAvD)(SysSt)(St1)(St2)(St3)(St4)(St5)(St6)(St7)(St8)(St9)(EventCode) ETX [47]
H>  SOH R3 STX 7:V.0(3;2024-03-01,00:00:00;2024-03-01,23:59:59;1) ETX [1C]
<D  STX (31)(905)(2024-03-01,10:00:00)(798.2201)(798.2201)(812.4075)(812.4075)(15.21)(101325.0000)(1.0000)(0.9825)(0.4210)(0)(0)(0)(0)(0)(0)(0)(0)(0)(0)(0x8103)(CRC Ok) ETX [1F]
H>  SOH W1 STX 4:170(0) ETX [6E]      # it hears nothing until the archive is taken
H>  ACK      # must be sent
H>  SOH W1 STX 4:170(0) ETX [6E]
<D  ACK
H>  SOH B0 ETX [71]
""",  # noqa: E501
    )
    assert talk.engine.unheard == 1


# traps and habits: each must be seen to work, or a test of the reader proves nothing


def test_a_code_written_to_an_open_lock_replaces_it():
    talk = opened("sim://lis200-ek?codes=3:13571357,4:1234")
    assert talk.write("4:171", "ABC") == ACK
    assert [tuple(r) for r in talk.locks.changed] == [(4, "1234", "ABC")]
    assert talk.write("4:170", "0") == ACK
    assert talk.write("4:171", "1234") == "(#0017)"
    assert talk.write("4:171", "ABC") == ACK
    assert talk.write("3:171", "13571357") == ACK
    assert talk.write("4:171", "12345678X") == "(#0013)"
    assert talk.read("4:171") == "4:171.0(ABC)"


def test_a_p_command_begins_a_firmware_update_of_a_bk_meter():
    talk = Talk("sim://lis200-bk")
    talk.sign_on()
    for text, octal in (("200", False), ("0400", True)):
        assert talk.ask("P1", f"({text})") == ACK, octal
    assert talk.ask("P1", "(4:00000000)")[-7:] == "(#0001)"
    assert talk.device.firmware == ["200", "0400"]
    ek = Talk("sim://lis200-ek")
    ek.sign_on()
    assert ek.ask("P1", "(4:1)") == "(#0201)"
    assert ek.ask("P1", "(9:1)") == "(#0201)"
    assert ek.ask("P1", f"(4:{CODE})") == ACK and ek.locks.open == {4}
    assert ek.ask("P1", "(4:1)") == ACK and not ek.locks.replaced


def test_locks_close_by_themselves():
    talk = opened("sim://lis200-ek?auto-close=0.1", 3)
    assert talk.read("3:174") == "3:174.0(0.1*m)"
    talk.say(b"", 6.1)
    assert talk.read("7:310") == "(#0018)"
    assert talk.write("3:174", "5") == "(#0019)"
    talk.write("3:171", CODE)
    assert talk.write("3:174", "x") == "(#0013)"
    assert talk.write("3:174", "10000") == "(#0006)"
    assert talk.write("3:174", "5*m") == ACK and talk.locks.minutes[3] == 5


def test_too_many_wrong_codes():
    talk = Talk("sim://lis200-ek?lockout=2&lock-time=30")
    talk.sign_on()
    assert [talk.write("4:171", "1") for _ in range(2)] == ["(#0017)"] * 2
    assert talk.write("4:171", CODE) == "(#0020)"
    talk.say(b"", 30.0)
    assert talk.write("4:171", CODE) == ACK


def test_an_intruder():
    talk = Talk("sim://lis200-ek?intruder=4%2B2,4-4")
    talk.sign_on()
    said = [talk.read("4:170") for _ in range(4)]
    assert said == [f"4:170.0({state})" for state in "0110"]
    assert talk.device.intrusions == [(4, True), (4, False)]


def test_the_end_of_a_session_closes_locks_and_is_entered():
    talk = opened("sim://lis200-ek?closes=1&visits=1")
    talk.say(BREAK)
    assert talk.locks.open == frozenset()
    talk.sign_on()
    talk.write("4:171", CODE)
    events = [row[3] for row in talk.rows("4:V.0(3;2024-03-01,10:17:00;;99)")]
    assert events == ["0x3C02", "0x2D04", "0x0D04", "0x1C02", "0x3C02", "0x2D04"]


def test_nuls_ahead_of_answers():
    talk = Talk("sim://lis200-ek?nuls=7")
    talk.sign_on()
    said = talk.say(Command("R1", b"4:0170.0(1)").to_bytes())
    assert said == bytes(7) + b"\x024:170.0(0)\x03\x14"


def test_how_rows_are_counted():
    span = "(3;2024-02-27,06:00:00;;)"
    for form, short, long in (("A", "(8)", "(#0004)"), ("A.0", "(#0004)", "(8)")):
        talk = opened(f"sim://lis200-ek?count={form}")
        assert talk.ask("R1", f"4:V.A{span}") == short
        assert talk.ask("R1", f"4:V.A.0{span}") == long
        assert talk.ask("R1", "3:V.2.0(1)") == "(#0001)"


def test_archives_that_are_left_open():
    talk = opened("sim://lis200-ek?open-archives=1")
    begin = Command("R3", b"4:V.0(3;2024-02-20,06:00:00;;1)").to_bytes()
    assert talk.say(begin)[-2:-1] == b"\x04"
    assert talk.ask("R3", "4:V.0(3;2024-02-20,06:00:00;;1)") == "(#0108)"
    talk.say(BREAK)
    talk.sign_on()
    assert talk.say(begin)[-2:-1] == b"\x04"


def test_german_names_and_strict_limits():
    talk = opened("sim://lis200-ek?german=1&limits=strict")
    assert talk.ask("R1", "3:V.2(1)").startswith("(GONr)(AONr)(Zeit)(Vn)(VnG)(Vb)(VbG)")
    assert talk.ask("R3", "4:V.0(3;2010-01-01,00:00:00;;5)") == "(#0104)"
    assert talk.ask("R3", "4:V.0(3;;2030-01-01,00:00:00;5)") == "(#0105)"
    assert talk.ask("R1", "3:V.1(1)").startswith("(0xAA)")
    assert talk.ask("R1", "3:V.5(;;;)").startswith("(0)")
    assert talk.ask("R1", "3:V.9(1)") == "(#0004)"
    assert talk.ask("R1", "3:V.2(2)") == "(#0200)"
    assert talk.ask("R3", "3:V.0(3;;)") == "(#0200)"
    assert talk.ask("R3", "3:V.0(3;a;;5)") == "(#0013)"
    assert talk.ask("W1", "3:V.0(1)") == "(#0009)"


def test_a_device_that_calls_itself_by_an_older_name():
    talk = Talk("sim://lis200-ek280?compatible=1&maker=Els")
    assert talk.say(REQUEST) == b"/Els6\\2EK260\r\n"
    talk.say(SELECT)
    talk.write("4:171", CODE)
    assert talk.read("1:181") == "1:181.0(EK280     )"


def test_all_archives_of_all_devices_have_rows_as_long_as_one_another():
    for name in DEVICES:
        talk = opened(f"sim://{name}")
        for number, layout in talk.device.family.archives.items():
            names = talk.ask("R1", f"{number}:V.2(1)").strip("()").split(")(")
            assert len(names) == len(layout.columns) - len(layout.unheaded)
            depth = min(layout.depth, timedelta(days=99))
            records = talk.device.history.records(number, talk.device.utc(), depth)
            row = layout.row(records[-1], talk.device)
            assert len(row.cells) == len(layout.columns)
            assert row.cells[-1] == "CRC Ok" and all(
                "(" not in c for c in row.cells[:3]
            )


def test_a_bk_meter_is_called_by_its_number_without_a_mark():
    talk = Talk("sim://lis200-bk?maker=Els")
    assert talk.say(b"/?99999999\r\n") == b""
    assert talk.say(b"/?10048162\r\n").startswith(b"/ELS6BK")
    other = Talk("sim://lis200-bk")
    other.say(REQUEST)
    assert other.say(b"\x06051\r\n")[:3] == b"\x01P0"  # and stays at 300 Bd
    assert other.line.responder.speed == 300


def test_a_change_is_entered_in_the_change_log():
    talk = opened("sim://lis200-bk", 3)
    assert talk.write("8:311", "1.01") == ACK
    row = talk.device.stored(5)[-1].cells
    assert row[3:] == ("8:311", "(1.0000)", "(1.01)", "0", "1", "0", "CRC Ok")
    ek = opened("sim://lis200-ek", 3)
    assert ek.write("7:311", "1.02*bar") == ACK
    assert ek.write("7:311", "1.02*psi") == "(#0014)"
    row = ek.device.stored(5)[-1].cells
    assert row[3:6] == ("0007:0311", "1.01325* bar", "1.02* bar")


def test_what_may_not_be_written():
    talk = opened("sim://lis200-ek280", 3)
    assert talk.write("4:170", "1") == "(#0006)"
    assert talk.write("9:170", "0") == "(#0003)"
    assert talk.write("7:312", "x") == "(#0013)"
    assert talk.write("1:400", "2024-13-01,00:00:00") == "(#0006)"
    assert talk.write("1:400", "now") == "(#0013)"
    assert talk.write("3:180", "a*/") == "(#0013)"
    assert talk.write("6:310_2", "1") in ("(#0001)", "(#0003)")
    assert talk.ask("E2", "1:1(1)") == "(#0200)"
    assert talk.read("x") == "(#0001)"
    assert talk.read("3:A32") == "3:A32.0(97)"
    assert talk.read("44:A32") == "(#0003)"
    assert talk.read("1:171") == "(#0003)"
    assert talk.read("3:170.1") == "(#0005)"


def test_a_readout_and_a_locked_one():
    talk = Talk("sim://lis200-ek")
    talk.say(REQUEST)
    assert b"7-2:302.2(" in talk.say(b"\x06060\r\n")
    locked = Talk("sim://lis200-ek?locked-reads=1")
    locked.say(REQUEST)
    assert locked.say(b"\x06060\r\n") == b"\x02(#0018)\x03("


def test_faults_in_archives():
    talk = opened("sim://lis200-ek?overwritten=2&bad-row=2")
    blocks = talk.blocks("4:V.0(3;2024-02-20,06:00:00;;2)")
    assert blocks[1] == "(#0109)" and "(CRC Error)" in blocks[0]
    silent = opened("sim://lis200-ek?silent-part=2")
    asked = Command("R3", b"4:V.0(3;2024-02-20,06:00:00;;2)").to_bytes()
    assert silent.say(asked) and silent.say(ACK) == b""
    for form, between in (("none", ")("), ("two", ")("), ("blanks", ")  \r\n(")):
        ends = opened(f"sim://lis200-ek?row-ends={form}")
        block = ends.blocks("4:V.0(3;2024-02-20,06:00:00;;2)")[0]
        assert f"(CRC Ok{between}" in block
    last = opened("sim://lis200-ek?row-ends=last")
    assert last.blocks("4:V.0(3;2024-02-20,06:00:00;;2)")[0].endswith(")\r\n")
