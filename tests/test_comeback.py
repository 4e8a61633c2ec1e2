"""Lines that are lost and come back, on a clock that only counts."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from iecread.comeback import Steady, _Watched
from iecread.errors import (
    IecReadError,
    NoAnswerError,
    PortBusyError,
    PortError,
    PortGoneError,
)
from iecread.transports.memory import Clock

GONE = PortGoneError("port 'x' was lost")
DENIED = PortError("no permission to open 'x'")
SETTING = PortError("port 'x' cannot do 9600 Bd")


class Line:
    """A transport whose reads are given by hand."""

    name, kind, latency = "x", None, 0.0

    def __init__(self, clock: Clock, reads: list[bytes]) -> None:
        self._clock, self._reads = clock, reads
        self.waits: list[float] = []

    def read(self, wait: float) -> bytes:
        self.waits.append(wait)
        data = self._reads.pop(0) if self._reads else b""
        self._clock.sleep(0.0 if data else wait)
        return data


class Meter:
    """What Steady needs of a meter; ``opens`` and ``heard`` say what will happen.

    Attributes:
        opens: what opening raises, in turn; None: it works.  The last goes on.
        heard: what listening or a readout gives or raises, in turn.
    """

    class options:
        timeout: float | None = None

    def __init__(self, clock: Clock, opens: list[Any], heard: list[Any]) -> None:
        self.clock, self.opens, self.heard = clock, opens, heard
        self.on_open: Callable[[Any], Any] | None = None
        self.opened: list[float] = []
        self.is_open = False
        self.line: Any = None

    def open(self) -> None:
        assert not self.is_open
        self.opened.append(self.clock.now)
        error = self.opens.pop(0) if len(self.opens) > 1 else self.opens[0]
        if error is not None:
            raise error
        self.is_open = True
        self.line = Line(self.clock, [])
        if self.on_open:
            self.line = self.on_open(self.line)

    def close(self) -> None:
        self.is_open = False

    def readout(self, only: object) -> object:
        assert self.is_open
        result = self.heard.pop(0)
        if isinstance(result, BaseException):
            raise result
        return result

    def listen(self) -> Iterator[object]:
        while True:
            yield self.readout(())


def steady(opens: list[Any], heard: list[Any]) -> tuple[Steady, Meter, list[Any]]:
    """A Steady, its meter, and what it says."""
    clock, said = Clock(), list[Any]()
    meter = Meter(clock, opens, heard)
    line = Steady(
        meter,  # type: ignore[arg-type]
        on_lost=lambda error: said.append(("lost", error)),
        on_back=lambda seconds: said.append(("back", seconds)),
        on_trouble=lambda error: said.append(("trouble", error)),
        sleep=clock.sleep,
        monotonic=clock.monotonic,
    )
    return line, meter, said


class TestListen:
    def test_once_lost_once_back(self) -> None:
        away = [GONE] * 9
        line, meter, said = steady([None, *away, None], [1, 2, GONE, 3, KeyError()])
        line.open()
        found = []
        with pytest.raises(KeyError):
            for number in line.listen():
                found.append(number)
        assert found == [1, 2, 3]
        assert said == [("lost", GONE), ("back", meter.clock.now)]
        pauses = [b - a for a, b in zip(meter.opened, meter.opened[1:], strict=False)]
        assert pauses == [0.5, 1, 2, 4, 8, 16, 30, 30, 30, 30]

    def test_pauses_are_short_again_after_a_success(self) -> None:
        heard = [1, GONE, 2, GONE, 3, KeyError()]
        line, meter, said = steady([None, GONE, GONE, None, GONE, None], heard)
        line.open()
        with pytest.raises(KeyError):
            list(line.listen())
        assert meter.opened == [0, 0.5, 1.5, 3.5, 4.0, 5.0]
        assert [what for what, _ in said] == ["lost", "back"] * 2

    def test_who_takes_the_call_and_hangs_up_is_not_back(self) -> None:
        line, meter, said = steady([None], [1, *[GONE] * 6, 2, KeyError()])
        line.open()
        with pytest.raises(KeyError):
            list(line.listen())
        assert meter.opened == [0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5]
        assert [what for what, _ in said] == ["lost", "back"]

    def test_what_is_wrong_meanwhile_is_told_once_if_it_lasts(self) -> None:
        opens = [None, GONE, DENIED, GONE, *[DENIED] * 3, *[SETTING] * 3, None]
        line, _, said = steady(opens, [1, GONE, 2, KeyError()])
        line.open()
        with pytest.raises(KeyError):
            list(line.listen())
        troubles = [("trouble", DENIED), ("trouble", SETTING)]
        assert said[:-1] == [("lost", GONE), *troubles] and said[-1][0] == "back"

    def test_a_timeout_ends_waiting_too(self) -> None:
        line, meter, said = steady([None, GONE], [1, GONE])
        meter.options = type("options", (), {"timeout": 10.0})  # type: ignore[misc]
        line.open()
        with pytest.raises(PortGoneError):
            list(line.listen())
        assert meter.clock.now == 10 and said == [("lost", GONE)]

    @pytest.mark.parametrize("error", [DENIED, NoAnswerError("x"), PortBusyError("y")])
    def test_what_is_no_loss_ends_it(self, error: IecReadError) -> None:
        line, meter, said = steady([None], [1, error])
        line.open()
        with pytest.raises(type(error)):
            list(line.listen())
        assert said == [] and len(meter.opened) == 1


class TestOpen:
    @pytest.mark.parametrize("error", [GONE, DENIED, PortBusyError("held")])
    def test_what_is_not_there_is_an_error(self, error: PortError) -> None:
        line, meter, said = steady([error], [])
        with pytest.raises(type(error)):
            line.open()
        assert meter.opened == [0] and said == []

    def test_with_a_wait_it_is_waited_for(self) -> None:
        line, meter, said = steady([GONE, GONE, PortBusyError("held"), None], [])
        line.open(wait=10)
        assert meter.is_open and meter.clock.now == 3.5 and said == []

    def test_but_no_longer(self) -> None:
        line, meter, _ = steady([GONE], [])
        with pytest.raises(PortGoneError):
            line.open(wait=10)
        assert meter.clock.now == 10

    def test_what_no_wait_mends_is_an_error_at_once(self) -> None:
        line, meter, _ = steady([DENIED], [])
        with pytest.raises(PortError):
            line.open(wait=10)
        assert meter.opened == [0]


class TestReadout:
    def test_the_line_is_open_only_meanwhile(self) -> None:
        line, meter, said = steady([None], [1, NoAnswerError("mute")])
        assert line.readout((), 5.0) == 1 and not meter.is_open  # type: ignore[comparison-overlap]
        with pytest.raises(NoAnswerError):
            line.readout((), 5.0)
        assert not meter.is_open and said == [] and line.away is None

    def test_read_again_as_soon_as_the_line_is_back(self) -> None:
        line, meter, said = steady([None, GONE, GONE, None], [GONE, 1])
        assert line.readout((), 60.0) == 1  # type: ignore[comparison-overlap]
        assert meter.clock.now == 3.5
        assert said == [("lost", GONE), ("back", 3.5)]

    def test_told_once_in_however_many_slots(self) -> None:
        line, meter, said = steady([GONE], [])
        for slot in range(3):
            with pytest.raises(PortGoneError):
                line.readout((), (slot + 1) * 60.0)
            assert meter.clock.now == (slot + 1) * 60
        assert said == [("lost", GONE)]
        meter.opens, meter.heard = [None], [1]
        assert line.readout((), 240.0) == 1  # type: ignore[comparison-overlap]
        assert meter.clock.now == 180  # a new slot begins without a pause
        assert said == [("lost", GONE), ("back", 180)]

    def test_a_mute_meter_on_a_line_that_is_there(self) -> None:
        line, _, said = steady([GONE, None], [NoAnswerError("mute")])
        with pytest.raises(NoAnswerError):
            line.readout((), 60.0)
        assert [what for what, _ in said] == ["lost", "back"]


def test_what_was_hooked_to_the_line_stays() -> None:
    line, meter, _ = steady([None], [GONE, 1])
    hooked = []
    meter.on_open = hook = lambda line: hooked.append(line) or line
    line.readout((), 60.0)
    assert len(hooked) == 2 and meter.on_open is hook


@pytest.mark.parametrize(("said_first", "reads"), [(b"x", 1), (b"", 2)])
def test_a_line_that_speaks_or_stays_is_back(said_first: bytes, reads: int) -> None:
    line, meter, said = steady([None], [GONE])
    line.open()

    def hear(only: object) -> object:
        meter.line._inner._reads = [said_first]
        for _ in range(reads):
            assert len(said) == 1
            meter.line.read(60.0)
        assert len(said) == 2  # before any telegram came
        meter.line.read(60.0)
        raise KeyError

    lose = meter.readout
    meter.readout = lambda only: lose(only) if meter.heard else hear(only)  # type: ignore[method-assign]
    with pytest.raises(KeyError):
        list(line.listen())
    assert said[1] == ("back", 0.5 if said_first else 2.5)


def test_a_silent_line_whose_name_leads_elsewhere_is_lost(tmp_path: Path) -> None:
    name, clock = tmp_path / "head", Clock()
    name.symlink_to("/dev/null")
    inner = Line(clock, [])
    inner.name = str(name)
    line = _Watched(inner, None, clock.monotonic)  # type: ignore[arg-type]
    for _ in range(3):
        assert line.read(60.0) == b""
    name.unlink()
    inner._reads = [b"x"]
    assert line.read(60.0) == b"x"  # it speaks, so it is there
    assert line.read(60.0) == b""
    name.symlink_to("/dev/null")  # links are made anew at times
    assert line.read(60.0) == b""
    name.unlink()
    name.symlink_to("/dev/zero")
    assert line.read(60.0) == b""
    with pytest.raises(PortGoneError):
        line.read(60.0)
    assert set(inner.waits) == {1.0}
