"""``iecread ports`` on ports that are not there: what each format says of them."""

import json

import pytest

from iecread.transports import portlist
from iecread.transports.porterrors import Access, Holder
from iecread.transports.portlist import Port

ID = "/dev/serial/by-id/usb-Silicon_Labs_CP2104_USB_to_UART_Bridge_0145AB2C-if00-port0"
PATH = "/dev/serial/by-path/pci-0000:00:14.0-usb-0:2:1.0-port0"
HEAD = Port(
    "/dev/ttyUSB0", (ID,), ID, "Silicon Labs CP2104", 0x10C4, 0xEA60, "0145AB2C", "1-1",
    (), Access(True, "dialout"),
)  # fmt: skip
HELD = Port(
    "/dev/ttyUSB1", (PATH,), PATH, "1a86 USB\x1b[31m Serial (CH340)", 0x1A86, 0x7523,
    holders=(Holder(733, "ModemManager"),),
    access=Access(False, "dialout", "sudo usermod -aG dialout $USER"),
)  # fmt: skip
WINDOWS = Port("COM3", (), "COM3", "FTDI", 0x0403, 0x6001, "A5")


@pytest.fixture
def ports(monkeypatch: pytest.MonkeyPatch) -> list[Port]:
    found = [HEAD, HELD, WINDOWS]
    monkeypatch.setattr(portlist, "listing", lambda: found)
    return found


def test_a_screen(run, ports):
    assert (
        run("ports", "-f", "table").stdout
        == f"""\
/dev/ttyUSB0  Silicon Labs CP2104  10c4:ea60  serial 0145AB2C
  {ID}
  free, you may open it

/dev/ttyUSB1  1a86 USB\\x1b[31m Serial (CH340)  1a86:7523
  {PATH}
  (a name of this USB socket: the adapter has no own number)
  in use by ModemManager (pid 733), you may not open it: it belongs to group dialout
  sudo usermod -aG dialout $USER

COM3  FTDI  0403:6001  serial A5
  whether you may open it shows when it is opened
"""
    )


def test_json_has_all_of_it(run, ports):
    head, held, windows = run("ports", "-f", "json").json
    assert head == {
        "device": "/dev/ttyUSB0", "name": ID, "by_id": ID, "by_path": None,
        "adapter": "Silicon Labs CP2104", "usb": "10c4:ea60", "serial": "0145AB2C",
        "location": "1-1", "holders": [], "allowed": True, "group": "dialout",
        "hint": None,
    }  # fmt: skip
    assert held["holders"] == [{"pid": 733, "command": "ModemManager"}]
    assert held["allowed"] is False and "usermod" in held["hint"]
    assert windows["allowed"] is None and windows["holders"] is None
    rows = run("ports", "-f", "jsonl").stdout.splitlines()
    assert list(map(json.loads, rows)) == [head, held, windows]


def test_csv_and_bare_names(run, ports):
    header, head, held, windows = run("ports").stdout.splitlines()
    assert header.startswith("device,name,by_id,by_path,adapter,usb,serial,location,")
    assert head.endswith("1-1,,yes,dialout,")
    assert "\\x1b[31m" in held and ",733 ModemManager,no,dialout," in held
    assert windows == "COM3,COM3,,,FTDI,0403:6001,A5,,,,,"
    assert run("ports", "-f", "value").stdout == f"{ID}\n{PATH}\nCOM3\n"


def test_none(run, ports):
    ports.clear()
    assert run("ports", "-f", "json").json == []
    shown = run("ports", "-f", "table")
    assert shown.stdout == "" and "no serial adapter" in shown.stderr


def test_a_new_one(run, monkeypatch):
    def appearing(*, timeout: float, gone) -> list[Port]:
        assert timeout == 5.0
        gone(HEAD)
        return [HEAD]

    monkeypatch.setattr(portlist, "appearing", appearing)
    monkeypatch.setattr(portlist, "looked_up", lambda port: port)
    shown = run("ports", "--new", "--timeout", "5s", "-f", "value")
    assert shown.stdout == ID + "\n"
    assert "plug the adapter in" in shown.stderr
    assert "/dev/ttyUSB0 is gone; plug it in again" in shown.stderr


def test_none_appears(run, monkeypatch):
    monkeypatch.setattr(portlist, "present", lambda: [HEAD])
    shown = run("ports", "--new", "--timeout", "10ms", "-f", "json", exit=5)
    assert shown.stdout == ""
    assert json.loads(shown.stderr.splitlines()[-1])["error"] == "port"


def test_one_that_is_named(run):
    assert "no such port" in run("ports", "/dev/nothing", exit=5).stderr
    assert "--new is about" in run("ports", "--new", "/dev/ttyUSB0", exit=2).stderr
    assert "goes with --new" in run("ports", "--timeout", "1s", exit=2).stderr
