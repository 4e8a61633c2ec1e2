"""Files that hold bytes, and texts that stand for them."""

import io
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iecread.saved import HEAD, chunks

MESSAGE = b"/?!\r\n/EXA5DEMO\r\n\x06050\r\n\x021.8.0(000123.4*kWh)\r\n!\r\n\x03~"


def _read(data: bytes) -> bytes:
    return b"".join(chunks(io.BytesIO(data)))


def _pairs(data: bytes) -> str:
    return data.hex(" ")


def test_bytes_stay_as_they_are() -> None:
    assert _read(MESSAGE) == MESSAGE
    assert _read(b"") == b""


@given(st.binary(max_size=300))
def test_nothing_raises(data: bytes) -> None:
    _read(data)


def test_a_large_file_comes_in_pieces() -> None:
    data = random.Random(1).randbytes(5 * HEAD + 7)
    pieces = list(chunks(io.BytesIO(data)))
    assert b"".join(pieces) == data
    assert max(map(len, pieces)) <= HEAD


def test_a_readout_as_text_is_no_hex() -> None:
    text = b"1.8.0(000123.4*kWh)\r\n!\r\n"
    assert _read(text) == text
    assert _read(b"12345678\r\n") == b"12345678\r\n"


@pytest.mark.parametrize("separator", [" ", "", ", ", "\n", ":"])
def test_plain_hex(separator: str) -> None:
    assert _read(MESSAGE.hex("-").replace("-", separator).encode()) == MESSAGE


def test_hex_with_prefixes() -> None:
    text = ", ".join(f"0x{byte:02X}" for byte in MESSAGE)
    assert _read(text.encode()) == MESSAGE


def test_dump_as_xxd_writes_it() -> None:
    rows = []
    for at in range(0, len(MESSAGE), 16):
        row = MESSAGE[at : at + 16]
        words = " ".join(row[i : i + 2].hex() for i in range(0, len(row), 2))
        shown = "".join(chr(c) if 32 <= c < 127 else "." for c in row)
        rows.append(f"{at:08x}: {words:39}  {shown}")
    assert _read("\n".join(rows).encode() + b"\n") == MESSAGE


def test_dump_as_hexdump_writes_it() -> None:
    rows = []
    for at in range(0, len(MESSAGE), 16):
        row = MESSAGE[at : at + 16]
        halves = f"{_pairs(row[:8])}  {_pairs(row[8:])}"
        shown = "".join(chr(c) if 32 <= c < 127 else "." for c in row)
        rows.append(f"{at:08x}  {halves:48}  |{shown}|")
    rows.append(f"{len(MESSAGE):08x}")
    assert _read("\n".join(rows).encode() + b"\n") == MESSAGE


def test_transcript() -> None:
    text = b"""\
# classic wake-up
@ 300 7E1
> 00 x3
> 2F 3F 21 0D 0A          | /?!<CR><LF>
< 2F 45 58 41 58          | /EXAX
+ 0D 0A                   | <CR><LF>
"""
    assert _read(text) == b"\0\0\0/?!\r\n/EXAX\r\n"


def test_trace() -> None:
    text = b"""\
{"iecread": "trace", "version": 1, "port": "/dev/ttyUSB0"}
{"t": 0.0, "dir": "tx", "hex": "2f3f210d0a"}
{"t": 0.9, "speed": 9600}
{"t": 1.2, "dir": "rx", "hex": "2f4558"}
not JSON at all
{"t": 1.3, "dir": "rx", "hex": "4135"}
"""
    assert _read(text) == b"/?!\r\n/EXA5"


@pytest.mark.parametrize("separator", ["", " ", ",0x"])
def test_a_long_dump_is_streamed(separator: str) -> None:
    """Pairs are cut at the border of what is read at once, in every place."""
    for shift in range(5):
        data = (b"1.8.0(000123.4*kWh)\r\n" * (HEAD // 5))[: HEAD + HEAD // 2]
        text = b" " * shift + data.hex("-").replace("-", separator).encode()
        pieces = list(chunks(io.BytesIO(text)))
        assert b"".join(pieces) == data
        assert len(pieces) > 2


def test_a_dump_of_od() -> None:
    text = b"""\
0000000 2f 3f 21 0d 0a 2f 45 58 41 35 44 45 4d 4f 0d 0a  >/?!../EXA5DEMO..<
0000020 31 2e 38 2e 30 28 31 29 0d 0a
0000032
"""
    assert _read(text) == b"/?!\r\n/EXA5DEMO\r\n1.8.0(1)\r\n"


def test_what_stands_beside_a_dump_is_no_hex() -> None:
    text = b"00000000: 3132 3334 2f                             1234/\n"
    assert _read(text) == b"1234/"
    text = b"00000000  31 32 33 34 2f 61 62 63              |1234/abc|\n"
    assert _read(text) == b"1234/abc"


def test_lines_left_out_of_a_dump() -> None:
    line = b"%08x  " + b"00 " * 7 + b"00  " + b"00 " * 7 + b"00  |................|\n"
    tail = b"00000040  2f 3f 21 0d 0a           |/?!..|\n00000045\n"
    assert _read(line % 0 + b"*\n" + tail) == b"\0" * 64 + b"/?!\r\n"
    # an offset that cannot be brings no flood of bytes
    assert len(_read(line % 0 + b"*\nffffffffffff0000  2f 3f 21\n")) == 19


def test_strings_of_a_program() -> None:
    assert _read(rb"\x2f\x3f\x21\x0d\x0A") == b"/?!\r\n"
    assert _read(b"{0x2F, 0x3f,\n 0X21};\n") == b"/?!"


def test_text_with_a_byte_order_mark() -> None:
    assert _read(b"\xef\xbb\xbf> 2F 3F 21\n") == b"/?!"
    assert _read(b"\xef\xbb\xbf2F 3F 21\n") == b"/?!"
    assert _read(b'\xef\xbb\xbf{"iecread":"trace"}\n{"hex":"2f"}') == b"/"


@pytest.mark.parametrize(
    "text",
    [
        b"> 2F 3F 21\nhello\n",
        b"> hello\n",
        b"00000000: 2f45\nhello\n",
        b"2F 3F 21 hello",
        b"2F 3F 2",
        b"25803103\r\n",
        b'{"iecread": "meters"}\n{"hex": "2f"}\n',
        b'{"hex": "2f"}\n',
        b"{" * 9000,
        b'{"iecread":' + b"[" * 9000,
        b"0000000 452f 4158\n",  # words: which byte is the first?
        b"# 1.8.0(1)\n",
        b"\xff\xfe2\x00F\x00",
    ],
)
def test_what_merely_looks_odd_is_bytes(text: bytes) -> None:
    assert _read(text) == text


def test_a_damaged_trace() -> None:
    text = b"""\
{"iecread": "trace", "version": 9}
{"t": 0.0, "dir": "tx", "hex": 5}
{"t": 0.1, "dir": "tx", "hex": "2f3"}
{"t": 0.2, "dir": "rx", "hex": "2g2f"}
[1]
{"t": 0.3, "dir": "rx", "hex": "3f"}
{"t": 0.4, "dir": "rx", "hex": "2"""
    assert _read(text) == b"?"
