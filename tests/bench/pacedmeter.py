"""A simulated meter at the pace of its line, on a pty, and the least time of a session.

    python tests/bench/pacedmeter.py [--mode A|B|C|D] [--baud N] [--reaction-ms N]

The meter of ``iecread simulate`` with a data block of its own; in mode D it says this
again and again, unasked.  The first line of output is the name of the pty.  When it is
ended by SIGTERM, and in mode D behind each telegram, it prints one JSON object:
``minimum_s`` is the least time of the session, which is ten bits for each character at
the speed of the moment and each reaction time that the standard asks for (6.3.14),
once for each answer; ``actual_s`` the time it took from ``begin_monotonic`` on, and
``overhead`` that over the least; ``early_answers`` counts the messages of the reader
that came before its reaction time was over.
"""

import argparse
import json
import os
import signal
import sys
import termios
import time
import tty
from dataclasses import dataclass, replace
from datetime import datetime
from threading import Event
from typing import Any

from iecread.protocol.bcc import crc16
from iecread.protocol.messages import BITS_PER_CHARACTER
from iecread.simulator import meters, parse_url, serve_pty
from iecread.simulator.line import Pace

SPEEDS = {
    "A": {300: "X"},
    "B": {600: "A", 1200: "B", 2400: "C", 4800: "D", 9600: "E", 19200: "F"},
    "C": {300: "0", 600: "1", 1200: "2", 2400: "3", 4800: "4", 9600: "5", 19200: "6"},
}
SLACK = 0.00005  # s, of the clocks
PAUSE = 0.3  # s between the telegrams of mode D


@dataclass
class Message:
    """Characters one way, until some come the other way."""

    ours: bool  # of the meter
    begin: float
    end: float
    seconds: float  # that its characters take


class Watched:
    """A simulated line, and what went over it when."""

    def __init__(self, line: Any) -> None:
        self._line = line
        self.unasked = line.unasked
        self.messages: list[Message] = []

    def receive(self, data: bytes, now: float) -> None:
        step = BITS_PER_CHARACTER / self._line.speed
        self._note(False, now, now + len(data) * step, len(data) * step)
        self._line.receive(data, now)

    def deliveries(self, now: float) -> bytes:
        speed = self._line.speed  # before it changes behind these characters
        data: bytes = self._line.deliveries(now)
        if data:
            step = BITS_PER_CHARACTER / speed
            self._note(True, now - len(data) * step, now, len(data) * step)
        return data

    def next_delivery(self) -> float | None:
        due: float | None = self._line.next_delivery()
        return due

    def _note(self, ours: bool, begin: float, end: float, seconds: float) -> None:
        last = self.messages[-1] if self.messages else None
        if last and last.ours is ours:
            last.end = end
            last.seconds += seconds
        else:
            self.messages.append(Message(ours, begin, end, seconds))


def data(lines: int) -> bytes:
    """A data block of so many registers, 1-1:1.8.0 to 1-1:4.8.4 first."""
    rows = (
        b"1-1:%d.8.%d%s(%06d.%03d*kWh)\r\n"
        % (n // 5 % 9 + 1, n % 5, b"*%02d" % (n // 45) if n > 44 else b"", n * 37, n)
        for n in range(lines)
    )
    return b"".join(rows) + b"!\r\n"


def verdict(messages: list[Message], mode: str, reaction: float) -> dict[str, float]:
    """What the session took over the least time, and how many answers were early."""
    promised = 0.02 if reaction < 0.2 else 0.2  # of the reader
    pairs = list(zip(messages, messages[1:], strict=False))
    gaps = [after.begin - before.end for before, after in pairs if before.ours]
    answers = len(pairs) - len(gaps)
    if mode == "B":
        answers += 1  # a pause between identification and data, for the new speed
    least = sum(message.seconds for message in messages)
    least += answers * reaction + len(gaps) * promised
    took = messages[-1].end - messages[0].begin
    return {
        "begin_monotonic": messages[0].begin,
        "actual_s": took,
        "minimum_s": least,
        "overhead": took / least,
        "early_answers": sum(gap < promised - SLACK for gap in gaps),
    }


def push(block: bytes, baud: int, stop: Event) -> None:
    """Say the telegram again and again at the pace of the line."""
    master, slave = os.openpty()
    tty.setraw(slave)
    os.set_blocking(master, False)
    sys.stdout.write(os.ttyname(slave) + "\n")
    sys.stdout.flush()
    telegram = b"/SIM5PUSH\r\n\r\n" + block[:-2]
    telegram += b"%04X\r\n" % crc16(telegram)
    step = BITS_PER_CHARACTER / baud
    while not stop.wait(PAUSE):
        termios.tcflush(slave, termios.TCIFLUSH)  # what nobody has read is lost
        begin = time.monotonic()
        for count in range(len(telegram)):
            time.sleep(max(0.0, begin + (count + 1) * step - time.monotonic()))
            os.write(master, telegram[count : count + 1])
        least = len(telegram) * step
        took = time.monotonic() - begin
        said = {"begin_monotonic": begin, "actual_s": took, "minimum_s": least}
        sys.stdout.write(json.dumps(said | {"overhead": took / least}) + "\n")
        sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mode", choices="ABCD", default="C")
    parser.add_argument("--baud", type=int, default=9600)
    parser.add_argument("--reaction-ms", type=float, default=200.0)
    parser.add_argument("--lines", type=int)
    said = parser.parse_args()
    # at 300 Bd a few lines take as long as many at a higher speed
    lines = said.lines or (12 if said.baud == 300 else 40)

    stop = Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    if said.mode == "D":
        push(data(lines), said.baud, stop)
        return

    def block(now: datetime, count: int) -> bytes:
        return data(lines)

    z = SPEEDS[said.mode][said.baud]
    model = meters.MODELS["household"]
    meters.MODELS["household"] = replace(model, z=z, data=block)
    meter = parse_url(f"sim://household?reaction={said.reaction_ms:g}")
    watched: list[Watched] = []

    class Meter:
        """The meter, its line watched."""

        name = meter.name

        def line(self, pace: Pace, **more: Any) -> Watched:
            watched.append(Watched(meter.line(pace, **more)))
            return watched[-1]

    def ready(name: str) -> None:
        sys.stdout.write(name + "\n")
        sys.stdout.flush()

    serve_pty(Meter(), stop=stop, ready=ready)  # type: ignore[arg-type]
    if messages := watched[0].messages:
        reaction = said.reaction_ms / 1000
        found = verdict(messages, said.mode, reaction)
        sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
