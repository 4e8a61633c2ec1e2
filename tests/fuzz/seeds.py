"""Input to begin with: what meters send, in the form that each target takes."""

from hashlib import sha256
from pathlib import Path

from iecread.protocol.bcc import bcc_xor, crc16

_BODY = (
    b"1-0:0.0.0*255(00012345)\r\n1.8.0(000123.456*kWh)\r\n1.8.0*05(00012.3)\r\n"
    b"1.6.1(0.500*kW)(2211200730)\r\n0-1:24.2.1(221120073000W)(00012.345*m3)\r\n"
    b"F.F(00)\r\n!\r\n\x03"
)
_FRAME = b"\x02" + _BODY + bytes([bcc_xor(_BODY)])
_IDENTIFICATION = b"/SIM5METER\r\n"
_P1 = b"/SIM5\\2METER\r\n\r\n" + _BODY[:-3]
_PUSH = _P1 + b"!%04X\r\n" % crc16(_P1 + b"!")
_OPERAND = b"\x01P0\x02(00000000)\x03"
_ANSWER = b"1.8.0(000123.456*kWh)\x03"
_PROFILE = (
    b"P.01(0221120073000)(00)(15)(2)(1.5.0)(kW)(2.5.0)(kW)\r\n"
    b"(0.100)(0.200)\r\n(0.300)(0.400)\r\n"
)
_LOG = b"P.98(0221120073000)(40)()(2)()()()()(00000001)(00)\r\n"
_NAMES = b"(GONr)(AONr)(Time)(VbT)(T.Mit)(St.4)(Ev)(Check)"
_UNITS = b"()()()(m3)({C)()()()"
_ROW = b"(12)(34)(2024-03-01,07:00:00)(4711.815)(8.10)(13;15)(0x8104)(CRC Ok)\r\n"
_TOML = b"""schema = 1
[defaults]
timezone = "Europe/Berlin"
[meters.kitchen]
port = "/dev/ttyUSB0"
registers = ["1.8.0", "x.8.0"]
password = { env = "PASSWORD" }
[meters.kitchen.register."1.8.0"]
multiply = "40"
"""


_TRACE = f"""\
{{"iecread": "trace", "schema": 1, "time": "2026-11-22T12:00:00+01:00", "port": "x"}}
{{"t": 0.1, "event": "open", "line": "direct", "speed": 300, "framing": "8n1"}}
{{"t": 0.2, "dir": "tx", "hex": "2f3f210d0a"}}
{{"t": 0.9, "dir": "rx", "hex": "{_IDENTIFICATION.hex()}"}}
{{"t": 1.2, "dir": "tx", "hex": "063035300d0a"}}
{{"t": 1.5, "event": "quiet"}}
{{"t": 1.5, "event": "speed", "baud": 9600}}
{{"t": 1.6, "dir": "rx", "hex": "{_FRAME.hex()}"}}
{{"t": 2.0, "event": "close"}}
""".encode()


def _session(*pieces: bytes) -> bytes:
    return b"\x00" + b"\xfe".join(pieces)


_SEEDS: dict[str, list[bytes]] = {
    "reader": [
        _session(_IDENTIFICATION, _FRAME),
        _session(b"", _IDENTIFICATION, b"\x15", _FRAME, _FRAME),
        _session(b"/SIMAMETER\r\n" + _FRAME),
    ],
    "programming": [
        _session(
            _IDENTIFICATION,
            _OPERAND + bytes([bcc_xor(_OPERAND[1:])]),
            b"\x02" + _ANSWER + bytes([bcc_xor(_ANSWER)]),
        ),
        _session(_IDENTIFICATION, b"\x06", b"\x15", b"\x02(ERR01)\x03\x11"),
    ],
    "listener": [_session(_PUSH), _session(_PUSH[:80], _PUSH, _PUSH)],
    "telegrams": [b"\x14" + _IDENTIFICATION + _FRAME, b"\x0c" + _PUSH],
    "explained": [b"/?!\r\n" + _IDENTIFICATION + b"\x06050\r\n" + _FRAME],
    "saved": [
        _FRAME,
        _FRAME.hex(" ").encode(),
        b"> 2F 3F 21 0D 0A\n< 2F 53 49 4D 35 0D 0A\n",
        b"00000000: 2f3f 210d 0a31 2e38 2e30 2831 290d 0a  /?!..\n",
    ],
    "replayed": [_TRACE],
    "load_profile": [_PROFILE, b"\x02" + _PROFILE + b"\x03\x00"],
    "event_log": [_LOG],
    "archive": [b"\x00".join((_NAMES, _UNITS, _ROW, _ROW * 2))],
    "lis200_value": [b"2024-03-01,07:00:00", b"(4711.815*m3)({4F{D7)", b"0x8104"],
    "meters_toml": [_TOML, _TOML.replace(b'"40"', b'"1E999999999"')],
}


def seeds(target: str) -> list[bytes]:
    """Inputs for a target that are as they should be."""
    return _SEEDS[target]


def write(folder: str, target: str) -> None:
    """Put them into a folder, for libFuzzer."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    for seed in seeds(target):
        name = sha256(seed).hexdigest()[:16]
        (Path(folder) / name).write_bytes(seed)
