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


def test_a_long_dump_is_streamed() -> None:
    line = _pairs(b"1.8.0(000123.4*kWh)\r\n").encode() + b"\n"
    count = 3 * HEAD // len(line)
    pieces = list(chunks(io.BytesIO(line * count)))
    assert b"".join(pieces) == b"1.8.0(000123.4*kWh)\r\n" * count
    assert len(pieces) == count
