"""The least that can read a meter: what is left over is the bench and the machine.

    python tests/bench/barereader.py PORT MODE REACTION_MS REGISTERS

Reads the data readout of pacedmeter.py, or with REGISTERS above 0 so many registers in
programming mode.  It waits for the byte that must end a message and then for the
reaction time, and does nothing else: no check, no change of speed, no error is
noticed.  No reader in Python can be much quicker.  Prints the time at which all had
come.
"""

import os
import sys
import time
import tty
from functools import reduce
from operator import xor

SOH, STX, ETX, ACK = b"\x01", b"\x02", b"\x03", b"\x06"
SEVEN_BITS = bytes(code & 0x7F for code in range(256))


def command(name: bytes, data: bytes) -> bytes:
    body = name + STX + data + ETX
    return SOH + body + bytes([reduce(xor, body)])


class BareReader:
    def __init__(self, port: str, reaction: float) -> None:
        self._port = os.open(port, os.O_RDWR | os.O_NOCTTY)
        tty.setraw(self._port)
        self._reaction = reaction
        self.heard = 0.0

    def read(self, end: bytes, behind: int = 0) -> bytes:
        """Return what has come when it ends so, and so many characters behind it."""
        data = b""
        while not data[: len(data) - behind].endswith(end):
            data += os.read(self._port, 4096).translate(SEVEN_BITS)
        self.heard = time.monotonic()
        return data

    def write(self, data: bytes) -> None:
        time.sleep(max(0.0, self.heard + self._reaction - time.monotonic()))
        os.write(self._port, data)


def main(port: str, mode: str, reaction: str, registers: str) -> None:
    line, count = BareReader(port, int(reaction) / 1000), int(registers)
    line.write(b"/?!\r\n")
    if mode == "C":
        z = line.read(b"\r\n")[4:5]
        line.write(ACK + b"0" + z + (b"1\r\n" if count else b"0\r\n"))
    line.read(ETX, 1)
    if count:
        line.write(command(b"P1", b"(00000000)"))
        line.read(ACK)
        for number in range(count):
            line.write(command(b"R1", b"1-1:%d.8.%d()" % (number // 5 + 1, number % 5)))
            line.read(ETX, 1)
        line.write(SOH + b"B0" + ETX + b"q")
    sys.stdout.write(f"{line.heard}\n")
    sys.stdout.flush()
    time.sleep(0.3)  # the last message is on its way


if __name__ == "__main__":
    main(*sys.argv[1:])
