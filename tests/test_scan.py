"""What a scan makes of answers, and what it does next."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from iecread.errors import NoAnswerError, RemoteProtocolError
from iecread.identity import Identity
from iecread.protocol.identify import LEAVE, NeverQuietError, damaged
from iecread.protocol.messages import Identification
from iecread.protocol.parity import Parity, add_even
from iecread.scan import Scan, Status

CLEAN = Identity(Identification("/LGZ5A"), "COM1", None, "7", datetime.now(), 1.0)
BAD = replace(CLEAN, damaged=3)
TWO = replace(CLEAN, crowded=True, others=("/EMH4B",))
GARBLED, SILENT = RemoteProtocolError("12 bytes came"), NoAnswerError("nobody")


class FakeMeter:
    """Gives answers in turn, and remembers how it was asked."""

    options = SimpleNamespace(timeout=None, wake="auto")
    opening_speed, latency = 300, 0.0

    def __init__(self, *answers: object, parities: tuple[Parity, ...] = (Parity.EVEN,)):
        self.parities = parities
        self.asked: list[dict[str, Any]] = []
        self._answers = iter(answers)

    def now(self) -> datetime:
        return datetime.now(UTC)

    def ask(self, **how: Any) -> Identity:
        self.asked.append(how)
        answer = next(self._answers)
        if isinstance(answer, Exception):
            raise answer
        assert isinstance(answer, Identity)
        return answer


def scan(meter: FakeMeter, **options: Any) -> Scan:
    return Scan(meter, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("answers", "status", "identity"),
    [
        ([CLEAN], Status.OK, CLEAN),
        ([SILENT], Status.SILENT, None),
        ([BAD, CLEAN], Status.OK, CLEAN),
        ([GARBLED, CLEAN], Status.OK, CLEAN),
        ([GARBLED, SILENT], Status.SILENT, None),  # it was noise
        ([GARBLED, GARBLED], Status.COLLISION, None),
        ([BAD, BAD], Status.COLLISION, None),  # no text that may be wrong
        ([TWO, TWO], Status.COLLISION, TWO),
        ([TWO, GARBLED], Status.COLLISION, TWO),
    ],
)
def test_a_status(
    answers: list[Any], status: Status, identity: Identity | None
) -> None:
    meter = FakeMeter(*answers)
    found = scan(meter).ask("7")
    assert (found.address, found.status, found.identity) == ("7", status, identity)
    assert len(meter.asked) == len(answers)
    assert all(how["request"].address == "7" for how in meter.asked)


def test_without_an_address_once_is_enough() -> None:
    assert scan(FakeMeter(GARBLED)).ask("").status is Status.COLLISION


def test_quiet_before_the_next_request() -> None:
    meter = FakeMeter(SILENT, GARBLED, CLEAN, CLEAN)
    list(scan(meter, pause=0.3).run(iter(("1", "2", "3")), general=False))
    # whoever collided may read out when tt is over
    assert [how["quiet"] for how in meter.asked] == [0.3, 0.3, LEAVE, 0.3]


def test_parity_is_found_out_once() -> None:
    both = (Parity.EVEN, Parity.NONE)
    meter = FakeMeter(SILENT, CLEAN, SILENT, parities=both)
    searching = scan(meter)
    before = searching.seconds("1")
    assert searching.ask("1").status is Status.OK
    assert searching.ask("2").status is Status.SILENT
    sent = [how["send_parity"] for how in meter.asked]
    assert sent == [(Parity.EVEN,), (Parity.NONE,), (Parity.NONE,)]
    assert searching.seconds("1") == pytest.approx(before / 2)


def test_an_echo_is_remembered() -> None:
    meter = FakeMeter(replace(CLEAN, echo=True), CLEAN)
    asking = scan(meter)
    asking.ask("1")
    asking.ask("2")
    assert [how["echo"] for how in meter.asked] == [None, True]


def test_a_line_that_is_never_quiet_ends_it() -> None:
    with pytest.raises(NeverQuietError):
        scan(FakeMeter(NeverQuietError("40000 bytes"))).ask("1")


def test_each_address_is_said_before_it_is_asked() -> None:
    said: list[str] = []
    meter = FakeMeter(*[SILENT] * 3)
    asking = scan(meter, on_ask=said.append)
    steps: Iterator[Any] = asking.run(iter(("1", "2")))
    next(steps)
    assert said == [""]
    assert [answer.address for answer in steps] == ["1", "2"]


@pytest.mark.parametrize(
    ("raw", "parity", "count"),
    [
        (b"/LGZ5ZMF\r\n", Parity.NONE, 0),
        (add_even(b"/LGZ5ZMF\r\n"), Parity.EVEN, 0),
        (b"/ISk5\x02MT382\r\n", Parity.NONE, 0),  # so it was met
        (b"/ISk5\xe4T382\r\n", Parity.NONE, 0),
        (b"/LGZ5\x01\x08F\r\n", Parity.NONE, 2),
        (add_even(b"/LGZ5Z\x08F\r\n"), Parity.EVEN, 1),
        (add_even(b"/LGZ5") + b"Z\x4d" + add_even(b"\r\n"), Parity.EVEN, 0),
        (add_even(b"/LGZ5") + b"\xda\xcc" + add_even(b"\r\n"), Parity.EVEN, 1),
    ],
)
def test_damage(raw: bytes, parity: Parity, count: int) -> None:
    assert damaged(raw, parity) == count
