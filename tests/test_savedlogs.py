"""Logs of terminals, of vzlogger and of pyserial's spy, as the bytes they stand for."""

import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iecread.saved import FORMS, chunks
from iecread.savedlogs import recognised

MESSAGE = b"/?!\r\n/EXA5DEMO\r\n\x06050\r\n\x021.8.0(000123.4*kWh)\r\n!\r\n\x03~"
SENT = (b"/?!\r\n", b"/EXA5DEMO\r\n", b"\x06050\r\n", MESSAGE[MESSAGE.index(2) :])


def read(text: str | bytes, form: str = "auto") -> bytes:
    data = text.encode() if isinstance(text, str) else text
    return b"".join(chunks(io.BytesIO(data), form))


def names(data: bytes) -> str:
    known = {1: "SOH", 2: "STX", 3: "ETX", 6: "ACK", 13: "CR", 10: "LF"}
    return "".join(f"<{known[c]}>" if c in known else chr(c) for c in data)


def slashes(data: bytes) -> str:
    return repr(data)[2:-1]


def numbers(data: bytes) -> str:
    return "".join(f"<{c:02X}>" if c < 32 else chr(c) for c in data)


def pictures(data: bytes) -> str:
    return "".join(chr(0x2400 + c) if c < 32 else chr(c) for c in data)


def hexadecimal(data: bytes) -> str:
    return data.hex(" ").upper()


@pytest.mark.parametrize("write", [names, slashes, numbers, pictures, hexadecimal])
@pytest.mark.parametrize(
    "marks",
    [
        ("22.11.2026 17:42:11.123 [TX] - ", "22.11.2026 17:42:11.345 [RX] - "),
        ("[2026-11-22 17:42:11,123] TX: ", "[2026-11-22 17:42:11,345] RX: "),
        ("17:42:11.5 > ", "17:42:12 < "),
        ("[   12.345678] --> ", "[   12.500001] <-- "),
        ("Nov 22 17:42:11 SEND ", "Nov 22 17:42:11 RECV "),
        ("2026-11-22T17:42:11.123+01:00 >> ", "2026-11-22T17:42:11Z << "),
        ("TX: ", "RX: "),
    ],
)
def test_a_log_of_a_terminal(marks, write):
    lines = [marks[at % 2] + write(data) for at, data in enumerate(SENT)]
    assert read("\r\n".join(lines) + "\r\n") == MESSAGE


@pytest.mark.parametrize("write", [names, slashes, numbers, pictures])
def test_characters_without_marks(write):
    assert read("\n".join(map(write, SENT))) == MESSAGE


def test_lines_of_a_log_are_lines_where_no_end_is_written():
    log = "[17:42:11] /EXA5DEMO\n[17:42:12] 1.8.0(1*kWh)\n[17:42:12] !\n"
    assert read(log) == b"/EXA5DEMO\r\n1.8.0(1*kWh)\r\n!\r\n"


def spied(color: bool) -> str:
    lines = ["000000.000 Q-RX flushInput", "000000.001 RTS  inactive"]
    for number, data in enumerate(SENT):
        way = "RX" if number % 2 else "TX"
        for at in range(0, len(data), 16):
            row = data[at : at + 16]
            pairs = [f"{c:02X} " for c in row] + ["   "] * (16 - len(row))
            shown = "".join(chr(c) if 32 <= c < 127 else "." for c in row)
            text = "".join(pairs[:8]) + " " + "".join(pairs[8:]) + " " + shown
            mark = f"\x1b[3{number % 2 + 1}m" if color else ""
            lines.append(f"{mark}{number:010.3f} {way:4} {at:04X}  {text}")
    return "\n".join([*lines, "000009.000 RX   <empty>", ""])


@pytest.mark.parametrize("color", [False, True])
def test_the_spy_of_pyserial(color):
    assert read(spied(color)) == read(spied(color), "spy") == MESSAGE


def test_the_dump_file_of_vzlogger():
    text = "\n##### 12.000000001s (     0 ms) opened"
    for number, data in enumerate(SENT):
        text += f"\n{'>>>>>' if number % 2 else '<<<<<'} 12.123456789s (   100 ms) \n"
        for at in range(0, len(data), 16):
            row = data[at : at + 16]
            shown = "".join(chr(c) if 32 <= c < 127 else " " for c in row)
            text += f"{row.hex(' '):<50}{shown:<17}\n"
    assert read(text) == read(text, "vzlogger") == MESSAGE


@pytest.mark.parametrize("form", FORMS)
@given(data=st.binary(max_size=200))
def test_no_bytes_are_too_odd(form, data):
    read(data, form)


def test_what_a_meter_sent_is_no_log():
    for text in (
        "/EXA5DEMO\r\n1.8.0(1)\r\n!\r\n",
        "/EXA5\\2DEMO\r\n0.9.1(17:42:11)\r\n!\r\n",
        "17:42:11 power is back\r\n",
        "\x0217:42:11(1)\r\n!\r\n\x03~",
    ):
        assert read(text) == text.encode()
    folder = Path(__file__).parent
    assert not any(map(recognised, (["a"], ["1.8.0(1)"], [str(folder)])))


def test_the_form_may_be_said():
    assert read("TX: 2F 3F", "raw") == b"TX: 2F 3F"
    assert read("2F 3F zz", "hex") == b"/?"
    assert read("no time <STX> at all", "log") == b"no time \x02 at all\r\n"
    assert read("00000000: 2f3f 210d 0a  /?!..", "dump") == b"/?!\r\n"
