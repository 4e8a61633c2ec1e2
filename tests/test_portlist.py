"""Lists of serial ports as the three systems give them, and ports that appear."""

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from iecread.errors import PortError
from iecread.transports import portlist
from iecread.transports.memory import Clock
from iecread.transports.portlist import Port, appearing, describe


@dataclass
class Info:
    """As pyserial's ListPortInfo."""

    device: str
    description: str | None = "n/a"
    manufacturer: str | None = None
    product: str | None = None
    vid: int | None = None
    pid: int | None = None
    serial_number: str | None = None
    location: str | None = None


def ftdi(device: str, serial: str | None = "A5", location: str = "1-1") -> Info:
    return Info(
        device, "FT232R USB UART", "FTDI", "FT232R USB UART", 0x0403, 0x6001, serial,
        location,
    )  # fmt: skip


ID, PATH = "/dev/serial/by-id/usb-FTDI_A5-if00", "/dev/serial/by-path/pci-0-usb-0:1"


def test_linux_names() -> None:
    links = {"/dev/ttyUSB0": ["/dev/meter", PATH, ID], "/dev/ttyAMA0": ["/dev/serial0"]}
    found = describe(
        [Info("/dev/ttyAMA0", "ttyAMA0"), ftdi("/dev/ttyUSB10"), ftdi("/dev/ttyUSB0")],
        links,
        "linux",
    )
    assert [port.device for port in found] == [
        "/dev/ttyUSB0",  # by number, and USB before what is built in
        "/dev/ttyUSB10",
        "/dev/ttyAMA0",
    ]
    first, bare, built_in = found
    assert first.stable == first.by_id == ID and first.by_path == PATH
    assert first.links == (ID, PATH, "/dev/meter")
    assert (first.usb, first.serial, first.location) == ("0403:6001", "A5", "1-1")
    assert first.adapter == "FTDI FT232R USB UART"
    assert bare.stable == "/dev/ttyUSB10" and bare.by_id == ""
    assert built_in.stable == "/dev/serial0"
    assert built_in.adapter == built_in.usb == built_in.serial == ""


@pytest.mark.parametrize("serial", [None, "0001"])  # none, and that of all CP2102
def test_twins_are_told_apart_by_their_sockets(serial: str | None) -> None:
    both = [ftdi("/dev/ttyUSB0", serial, "1-1"), ftdi("/dev/ttyUSB1", serial, "1-2")]
    links = {"/dev/ttyUSB0": [PATH], "/dev/ttyUSB1": [ID, PATH + ".2"]}
    assert [p.stable for p in describe(both, links, "linux")] == [PATH, PATH + ".2"]
    assert describe(both[1:], links, "linux")[0].stable == ID
    # the two ports of one adapter are no twins
    links["/dev/ttyUSB0"] = [ID + "0", PATH]
    both = [
        ftdi("/dev/ttyUSB0", "A5", "1-1:1.0"),
        ftdi("/dev/ttyUSB1", "A5", "1-1:1.1"),
    ]
    assert [p.stable for p in describe(both, links, "linux")] == [ID + "0", ID]


def test_macos_calls_out() -> None:
    found = describe(
        [
            Info("/dev/cu.Bluetooth-Incoming-Port"),
            ftdi("/dev/tty.usbserial-A5"),
        ],
        {},
        "darwin",
    )
    assert [p.stable for p in found] == [
        "/dev/cu.usbserial-A5",
        "/dev/cu.Bluetooth-Incoming-Port",
    ]


def test_windows_names() -> None:
    silabs = "Silicon Labs CP210x USB to UART Bridge (COM3)"
    found = describe(
        [
            Info("COM10", "USB-SERIAL CH340 (COM10)", "wch.cn", None, 0x1A86, 0x7523),
            Info("COM3", silabs, "Silicon Labs", None, 0x10C4, 0xEA60, "0145AB2C"),
            Info("COM1", "Communications Port (COM1)", "(Standard port types)"),
        ],
        {"COM3": [ID]},
        "win32",
    )
    assert [(p.stable, p.adapter, p.usb) for p in found] == [
        ("COM3", "Silicon Labs CP210x USB to UART Bridge", "10c4:ea60"),
        ("COM10", "wch.cn USB-SERIAL CH340", "1a86:7523"),
        ("COM1", "Communications Port", ""),
    ]


def test_the_chip_is_named_where_the_adapter_does_not() -> None:
    nameless = Info("/dev/ttyUSB0", None, "1a86", "USB2.0-Serial", 0x1A86, 0x7523)
    assert describe([nameless], {})[0].adapter == "1a86 USB2.0-Serial (CH340)"
    mute = Info("/dev/ttyUSB0", "ttyUSB0", vid=0x10C4, pid=0xEA60)
    assert describe([mute], {})[0].adapter == "CP210x"


def test_names_that_a_driver_makes_for_no_chip(tmp_path) -> None:
    (tmp_path / "ttyS0").mkdir()
    (tmp_path / "ttyS0/type").write_text("4\n")
    (tmp_path / "ttyS1").mkdir()
    (tmp_path / "ttyS1/type").write_text("0\n")
    there = [
        name
        for name in ("/dev/ttyS0", "/dev/ttyS1", "/dev/ttyUSB0")
        if portlist._is_there(name, str(tmp_path))
    ]
    assert there == ["/dev/ttyS0", "/dev/ttyUSB0"]


def test_an_adapter_that_goes_while_one_looks(monkeypatch) -> None:
    looks = iter([TypeError("int() argument"), [ftdi("/dev/ttyUSB0")]])

    def comports() -> list[Info]:
        found = next(looks)
        if isinstance(found, Exception):
            raise found
        return found

    monkeypatch.setattr("serial.tools.list_ports.comports", comports)
    assert [port.device for port in portlist.present()] == ["/dev/ttyUSB0"]


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo terminals")
def test_a_port_that_is_asked_for_by_name(tmp_path) -> None:
    master, slave = os.openpty()
    try:
        link = tmp_path / "meter"
        link.symlink_to(os.ttyname(slave))
        port = portlist.one(str(link))
    finally:
        os.close(master)
        os.close(slave)
    assert port.stable == str(link) and port.device.startswith("/dev/")
    assert port.access is not None and port.access.allowed
    if sys.platform == "linux":
        assert port.holders is not None
        assert os.getpid() in [holder.pid for holder in port.holders]


@pytest.mark.parametrize(
    ("name", "message"),
    [("/no/such", "no such port"), ("a\0b", "no such port"), ("/", "is a directory")],
)
def test_no_port_of_that_name(name: str, message: str) -> None:
    with pytest.raises(PortError, match=message):
        portlist.one(name)


# --- ports that appear -------------------------------------------------------------

OLD = Port("/dev/ttyUSB0", (ID,), ID, vid=0x403, pid=0x6001, serial="A5")
BARE = Port("/dev/ttyUSB1", vid=0x10C4, pid=0xEA60, serial="7")
WHOLE = Port("/dev/ttyUSB1", (PATH,), PATH, vid=0x10C4, pid=0xEA60, serial="7")


def _seen(*looks: list[Port]) -> Iterator[list[Port]]:
    yield from looks
    while True:
        yield looks[-1]


def _appearing(*looks: list[Port]) -> tuple[list[Port], list[Port], float]:
    """What appeared, what was gone, and how long it took."""
    clock, gone, seen = Clock(), [], _seen(*looks)
    found = appearing(
        lambda: next(seen),
        timeout=10.0,
        gone=gone.append,
        monotonic=clock.monotonic,
        sleep=clock.sleep,
    )
    return found, gone, clock.now


def test_a_new_port_is_shown_with_all_its_names() -> None:
    found, gone, seconds = _appearing(
        [OLD], [OLD], [OLD, BARE], [OLD, BARE], [OLD, WHOLE]
    )
    assert (found, gone) == ([WHOLE], []) and seconds < 3


def test_one_without_other_names_is_shown_a_little_later() -> None:
    found, _, seconds = _appearing([OLD], [OLD, BARE])
    assert found == [BARE] and 2 <= seconds < 3


def test_out_and_in_again() -> None:
    assert _appearing([OLD], [OLD], [], [], [OLD])[:2] == ([OLD], [OLD])


def test_another_adapter_under_the_same_name() -> None:
    other = Port("/dev/ttyUSB0", (PATH,), PATH, vid=0x1A86, pid=0x7523)
    assert _appearing([OLD], [other])[:2] == ([other], [OLD])


def test_nothing_appears() -> None:
    assert _appearing([OLD]) == ([], [], pytest.approx(10.0))
