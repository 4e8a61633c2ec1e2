"""Messages parse, serialise, and give back exactly the bytes that they took."""

from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iecread.errors import LocalProtocolError, RemoteProtocolError
from iecread.protocol.bcc import CheckKind
from iecread.protocol.messages import (
    BREAK,
    MODE_B_SPEEDS,
    MODE_C_SPEEDS,
    Block,
    Command,
    Identification,
    OptionSelect,
    Request,
    error_reply,
    error_text,
)


class TestRequest:
    @pytest.mark.parametrize(
        ("request_", "data"),
        [
            (Request(), "2F 3F 21 0D 0A"),
            (Request("12345678"), "2F 3F 31 32 33 34 35 36 37 38 21 0D 0A"),
            (Request("00000017"), "2F 3F 30 30 30 30 30 30 31 37 21 0D 0A"),
            (Request("aB 9"), "2F 3F 61 42 20 39 21 0D 0A"),
            (Request("x" * 32), "2F 3F" + " 78" * 32 + " 21 0D 0A"),
            (Request(kind="2"), "2F 32 21 0D 0A"),
            (Request(kind="#"), "2F 23 21 0D 0A"),
            (Request(kind="#1"), "2F 23 31 21 0D 0A"),
        ],
    )
    def test_bytes(self, request_: Request, data: str) -> None:
        assert request_.to_bytes() == bytes.fromhex(data)
        assert Request.from_bytes(bytes.fromhex(data)) == request_

    @pytest.mark.parametrize(
        "address", ["x" * 33, "a/b", "a!", "a?b", "ä", "1\r\n", "\0", "-", "a.b"]
    )
    def test_addresses_that_cannot_be(self, address: str) -> None:
        with pytest.raises(LocalProtocolError):
            Request(address).to_bytes()

    def test_a_kind_that_cannot_be(self) -> None:
        for kind in ("", "ä", "#12", "!", "??"):
            with pytest.raises(LocalProtocolError):
                Request(kind=kind).to_bytes()

    @pytest.mark.parametrize(
        "data",
        [b"", b"/?!", b"/?!\r", b"/?!\n", b"?!\r\n", b"/!\r\n", b"//?!\r\n"]
        + [b"/?!\r\n\n", b" /?!\r\n", b"/?" + b"x" * 33 + b"!\r\n", b"/?\xb1!\r\n"],
    )
    def test_what_is_no_request(self, data: bytes) -> None:
        with pytest.raises(RemoteProtocolError):
            Request.from_bytes(data)


# identification, maker, Z, escapes, model, mode, speed
KNOWN = [
    (r"/LGZ4\2ZMD120APt.G03", "LGZ", "4", ("2",), "ZMD120APt.G03", "C", 4800),
    (r"/LGZ5\2ZMD4054459.B40", "LGZ", "5", ("2",), "ZMD4054459.B40", "C", 9600),
    ("/LGZ5ZMF100AC.M13", "LGZ", "5", (), "ZMF100AC.M13", "C", 9600),
    ("/ISk5MT174-0001", "ISK", "5", (), "MT174-0001", "C", 9600),
    (r"/ISk5\2MT382-1000", "ISK", "5", ("2",), "MT382-1000", "C", 9600),
    (r"/EMH4\@01LZQJL0013G", "EMH", "4", ("@",), "01LZQJL0013G", "C", 4800),
    (r"/EMH5\@\201LZQJL0013F", "EMH", "5", ("@", "2"), "01LZQJL0013F", "C", 9600),
    (r"/MCS5\@V0050710000051", "MCS", "5", ("@",), "V0050710000051", "C", 9600),
    ("/ABB61KGL923390R0003", "ABB", "6", (), "1KGL923390R0003", "C", 19200),
    ("/GEC5120510070213@000", "GEC", "5", (), "120510070213@000", "C", 9600),
    ("/Els6EK270", "ELS", "6", (), "EK270", "C", 19200),
    (r"/APA5\2NORAX30", "APA", "5", ("2",), "NORAX30", "C", 9600),
    ("/KAM MC", "KAM", " ", (), "MC", "A", 300),
    ("/LUGCUH50", "LUG", "C", (), "UH50", "B", 2400),
    ("/ESY5Q3DA1024 V3.03", "ESY", "5", (), "Q3DA1024 V3.03", "C", 9600),
    ("/HAG5eHZ010C_EHZ1vA02", "HAG", "5", (), "eHZ010C_EHZ1vA02", "C", 9600),
    ("/MKS6<2>ADM(M550.2251)", "MKS", "6", (), "<2>ADM(M550.2251)", "C", 19200),
    ("/MSY5<1>C500.KMY.2556", "MSY", "5", (), "<1>C500.KMY.2556", "C", 9600),
    ("/AEL4<1>AEL.MF.14", "AEL", "4", (), "<1>AEL.MF.14", "C", 4800),
    (r"/Ene5\T210-D ESMR5.0", "ENE", "5", (), r"\T210-D ESMR5.0", "C", 9600),
    ("/EXAXDEMO-A1", "EXA", "X", (), "DEMO-A1", "A", 300),
    (r"/EXA5MID\2DLE", "EXA", "5", ("2",), r"MID\2DLE", "C", 9600),
    ("/EXA", "EXA", "", (), "", "A", 300),
]


class TestIdentification:
    @pytest.mark.parametrize(
        ("text", "maker", "z", "escapes", "model", "mode", "speed"), KNOWN
    )
    def test_known_ones(
        self,
        text: str,
        maker: str,
        z: str,
        escapes: tuple[str, ...],
        model: str,
        mode: str,
        speed: int,
    ) -> None:
        found = Identification.from_bytes(text.encode() + b"\r\n")
        assert found.manufacturer == maker
        assert found.speed_character == z
        assert found.escapes == escapes
        assert found.model == model
        assert found.mode == mode
        assert found.speed == speed
        assert found.fast is (text[3].islower())

    @pytest.mark.parametrize(
        ("z", "mode", "speed"),
        [
            ("0", "C", 300),
            ("1", "C", 600),
            ("2", "C", 1200),
            ("3", "C", 2400),
            ("4", "C", 4800),
            ("5", "C", 9600),
            ("6", "C", 19200),
            ("A", "B", 600),
            ("B", "B", 1200),
            ("C", "B", 2400),
            ("D", "B", 4800),
            ("E", "B", 9600),
            ("F", "B", 19200),
            ("7", "C", None),
            ("8", "C", None),
            ("9", "C", None),
            ("G", "B", None),
            ("H", "B", None),
            ("I", "B", None),
            *((z, "A", 300) for z in " J.XZa@é"),
        ],
    )
    def test_speed_characters(self, z: str, mode: str, speed: int | None) -> None:
        found = Identification(f"/EXA{z}METER")
        assert (found.mode, found.speed) == (mode, speed)

    @pytest.mark.parametrize(
        ("text", "fast"),
        [("/EXaX", True), ("/EXA5", False), ("/exA5", False), ("/EXAa", False)],
    )
    def test_the_third_letter_tells_the_reaction_time(
        self, text: str, fast: bool
    ) -> None:
        assert Identification(text).fast is fast

    def test_the_tables_of_speeds(self) -> None:
        assert list(MODE_B_SPEEDS.values()) == [600, 1200, 2400, 4800, 9600, 19200]
        assert list(MODE_C_SPEEDS.values()) == [300, *MODE_B_SPEEDS.values()]

    @pytest.mark.parametrize("end", [b"\r\n", b"\r", b"\n", b"", b"\r\r\n", b"\n\r"])
    def test_line_ends(self, end: bytes) -> None:
        data = b"/EXA5DEMO" + end
        found = Identification.from_bytes(data)
        assert found.text == "/EXA5DEMO"
        assert found.to_bytes() == data

    @pytest.mark.parametrize("data", [b"", b"/", b"/EX5", b"EXA5", b"/?!\r\n", b"/12A"])
    def test_what_is_none(self, data: bytes) -> None:
        with pytest.raises(RemoteProtocolError):
            Identification.from_bytes(data)


class TestOptionSelect:
    @pytest.mark.parametrize(
        ("vzy", "data"),
        [
            ("000", "06 30 30 30 0D 0A"),
            ("030", "06 30 33 30 0D 0A"),
            ("040", "06 30 34 30 0D 0A"),
            ("050", "06 30 35 30 0D 0A"),
            ("060", "06 30 36 30 0D 0A"),
            ("001", "06 30 30 31 0D 0A"),
            ("051", "06 30 35 31 0D 0A"),
            ("056", "06 30 35 36 0D 0A"),
            ("252", "06 32 35 32 0D 0A"),
        ],
    )
    def test_bytes(self, vzy: str, data: str) -> None:
        assert OptionSelect(*vzy).to_bytes() == bytes.fromhex(data)
        assert OptionSelect.from_bytes(bytes.fromhex(data)) == OptionSelect(*vzy)

    @pytest.mark.parametrize(
        "vzy", [("0", "", "0"), ("0", " ", "0"), ("0", "ä", "0"), ("0", "55", "0")]
    )
    def test_characters_that_cannot_be(self, vzy: tuple[str, str, str]) -> None:
        with pytest.raises(LocalProtocolError):
            OptionSelect(*vzy).to_bytes()

    @pytest.mark.parametrize(
        "data", [b"", b"\x06", b"\x06050", b"\x06050\r", b"050\r\n", b"\x0605\r\n"]
    )
    def test_what_is_none(self, data: bytes) -> None:
        with pytest.raises(RemoteProtocolError):
            OptionSelect.from_bytes(data)


class TestBlock:
    def test_the_smallest_readout(self) -> None:
        assert Block(b"!\r\n").to_bytes() == bytes.fromhex("02 21 0D 0A 03 25")

    def test_a_part_ends_in_eot(self) -> None:
        block = Block.from_bytes(b"\x02ab\x04" + bytes([0x61 ^ 0x62 ^ 4]))
        assert (block.text, block.last, block.right) == (b"ab", False, True)

    def test_a_wrong_check_is_kept(self) -> None:
        data = b"\x02ab\x03z"
        block = Block.from_bytes(data)
        assert not block.right
        assert block.to_bytes() == data

    def test_the_kind_of_the_check(self) -> None:
        summed = Block(b"6.8(1*GJ)", kind=CheckKind.SUM7).to_bytes()
        assert Block.from_bytes(summed, CheckKind.SUM7).right
        assert not Block.from_bytes(summed).right

    @pytest.mark.parametrize("data", [b"", b"\x02", b"\x02\x03", b"a\x03b", b"\x02abc"])
    def test_what_is_none(self, data: bytes) -> None:
        with pytest.raises(RemoteProtocolError):
            Block.from_bytes(data)


class TestCommand:
    def test_the_break(self) -> None:
        assert BREAK.to_bytes() == bytes.fromhex("01 42 30 03 71")
        assert Command.from_bytes(BREAK.to_bytes()).name == "B0"

    def test_with_an_awkward_check_character(self) -> None:
        for check in (0x02, 0x03, 0x0A, 0x0D, 0x00):
            data = b"\x01R1\x021.8.0()\x03" + bytes([check])
            command = Command.from_bytes(data)
            assert (command.name, command.text) == ("R1", b"1.8.0()")
            assert command.to_bytes() == data

    @pytest.mark.parametrize(
        "data",
        [b"", b"\x01B0\x03", b"\x01B\x03q", b"\x02B0\x03q", b"\x01B0\x03qq"]
        + [b"\x01R1\x02a\x03b\x03c"],
    )
    def test_what_is_none(self, data: bytes) -> None:
        with pytest.raises(RemoteProtocolError):
            Command.from_bytes(data)


@pytest.mark.parametrize(
    "message", [Request, Identification, OptionSelect, Block, Command]
)
@given(data=st.binary(max_size=60))
def test_what_is_taken_is_given_back(message: type, data: bytes) -> None:
    starts = {Request: b"/?", Identification: b"/EXA5", OptionSelect: b"\x06"}
    for candidate in (data, starts.get(message, b"\x02") + data):
        try:
            found = message.from_bytes(candidate)  # type: ignore[attr-defined]
        except RemoteProtocolError:
            continue
        assert found.to_bytes() == candidate


@given(st.binary(max_size=40), st.booleans(), st.sampled_from(list(CheckKind)))
def test_blocks_and_commands_that_we_make_are_right(
    text: bytes, last: bool, kind: CheckKind
) -> None:
    block = Block(text, last, kind=kind)
    again = Block.from_bytes(block.to_bytes(), kind)
    assert (again.text, again.last, again.right) == (text, last, True)
    if not set(text) & {3, 4}:
        command = Command("W1", text, last, kind=kind)
        twin = Command.from_bytes(command.to_bytes(), kind)
        assert (twin.name, twin.text, twin.last) == ("W1", text, last)
        assert twin.right


@pytest.mark.parametrize(
    "message", [Request(), Identification("/EXA5"), OptionSelect(), Block(b""), BREAK]
)
def test_messages_do_not_change(message: object) -> None:
    for field in fields(message):  # type: ignore[arg-type]
        with pytest.raises(AttributeError):
            setattr(message, field.name, "?")
    assert hash(message) is not None


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("ERROR", "ERROR"),
        ("ERROR04", "ERROR04"),
        ("(ER01)", "ER01"),
        ("ERR11", "ERR11"),
        ("ER_01", "ER_01"),
        ("#0017", "#0017"),
        (" (ER) ", "ER"),
        ("#17", None),
        ("ERIC 7", None),
        ("1ER", None),
        ("00001", None),
        ("", None),
    ],
)
def test_error_texts(value: str, text: str | None) -> None:
    assert error_text(value) == text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("(ERROR4)", "ERROR4"),
        ("(ER)", "ER"),
        (" (#0018)\r\n", "#0018"),
        ("4:171(#0018)", "#0018"),
        ("VNULL(ERR12)", "ERR12"),
        ("1.8.0(ERROR)", "ERROR"),
        ("1.8.0(000123.4*kWh)", None),
        ("1.8.0(ER 4711)", None),
        ("(1)(ERROR4)", None),
        ("ERROR4", None),
        ("", None),
    ],
)
def test_an_answer_that_is_an_error_message(text: str, said: str | None) -> None:
    assert error_reply(text) == said


@pytest.mark.parametrize("data", [b"", b"\x02", b"\x02\x03", b"\x03\x02", b"\x02a\x02"])
def test_what_is_too_short_for_a_block(data: bytes) -> None:
    with pytest.raises(RemoteProtocolError, match="not a data block"):
        Block.from_bytes(data)


@pytest.mark.parametrize("data", [b"\x02\x03\x03", b"\x02\x04\x04"])
def test_the_shortest_block(data: bytes) -> None:
    block = Block.from_bytes(data)
    assert block.text == b"" and block.right and block.to_bytes() == data
