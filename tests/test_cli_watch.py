"""What -v, -vv and the progress show."""

import threading

import pytest
from conftest import Terminal

from iecread.cli.context import BYTES, QUIET, STEPS, Surroundings
from iecread.cli.watch import Log, Progress, watched
from iecread.protocol.actions import (
    BlockReceived,
    Identified,
    LineReceived,
    Retried,
    Trouble,
)
from iecread.protocol.messages import Identification


class Session:
    """What ``watched`` needs of a Meter."""

    port = "sim://x"
    elapsed = staticmethod(lambda: 0.0)
    on_event = on_bytes = on_step = None


@pytest.fixture
def around():
    return Surroundings(stdout=Terminal(), stderr=Terminal(), environ={})


def said(around) -> list[str]:
    return around.stderr.written.decode().splitlines()


def test_steps_have_times(around):
    log = Log(around, lambda: 1.25)
    log.step("identified: \x1b")
    assert said(around) == ["    1.250 identified: \\x1b"]


def test_bytes_in_rows_of_16(around):
    log = Log(around, lambda: 0.0)
    log.bytes("tx", b"/?!\r\n", 0.0)
    assert len(said(around)) == 1
    log.bytes("rx", bytes(range(0x30, 0x40)) + b"A", 0.5)
    log.flush()
    assert said(around) == [
        "    0.000 > 2f 3f 21 0d 0a                                   /?!..",
        "    0.500 < 30 31 32 33 34 35 36 37 38 39 3a 3b 3c 3d 3e 3f  0123456789:;<=>?",
        "    0.500 < 41                                               A",
    ]


def test_bytes_of_one_burst_share_a_line(around):
    log = Log(around, lambda: 0.0)
    for number in range(4):
        log.bytes("rx", b"x", number * 0.01)
    log.bytes("rx", b"y", 5.0)
    log.flush()
    assert [line.split("  ")[-1].strip() for line in said(around)] == ["xxxx", "y"]


def test_parity_bits_do_not_hide_the_text(around):
    log = Log(around, lambda: 0.0)
    log.bytes("rx", b"\xb1\x8d", 0.0)
    log.flush()
    assert said(around)[0].endswith("1.") and "b1 8d" in said(around)[0]


def test_a_step_comes_behind_its_bytes(around):
    log = Log(around, lambda: 0.0)
    log.bytes("rx", b"a", 0.0)
    log.step("b")
    assert said(around)[1].endswith("b") and len(said(around)) == 2


@pytest.mark.parametrize(
    ("verbosity", "steps", "bytes_"),
    [
        (STEPS, True, False),
        (BYTES, True, True),
        (QUIET, False, False),
        (0, False, False),
    ],
)
def test_what_is_listened_to(around, verbosity, steps, bytes_):
    around.verbosity = verbosity
    meter = Session()
    with watched(around, meter, lines=False):
        assert (meter.on_step is not None) is steps
        assert (meter.on_bytes is not None) is bytes_
        assert meter.on_event is None


def test_the_last_bytes_are_shown_even_when_it_fails(around):
    around.verbosity = BYTES
    meter = Session()
    with pytest.raises(ValueError), watched(around, meter, lines=False):
        meter.on_bytes("rx", b"tail", 0.0)
        raise ValueError
    assert "tail" in said(around)[0]


def test_progress_needs_a_terminal_that_can(around):
    around.stderr.terminal = True
    meter = Session()
    with watched(around, meter, lines=False):
        assert meter.on_event is not None
    meter = Session()
    around.environ = {"TERM": "dumb"}
    with watched(around, meter, lines=False):
        assert meter.on_event is None


def test_a_short_session_shows_nothing(around):
    around.stderr.terminal = True
    with watched(around, Session(), lines=True):
        pass
    assert said(around) == []


def events(progress):
    progress.event(Identified(Identification("/ABC5x\x1b"), b""), 0.1)
    progress.bytes("tx", b"/?!\r\n", 0.1)
    progress.bytes("rx", b"0123456789", 0.2)
    progress.event(LineReceived(b"1.8.0(1\x1b*kWh)\r\n"), 0.3)


def test_progress_shows_lines_as_not_checked(around):
    progress = Progress(around, "sim://x", lines=True)
    assert progress.render(24).plain == "0 s   waiting for sim://x"
    events(progress)
    lines = progress.render(24).plain.splitlines()
    assert lines[0] == "  1.8.0(1\\x1b*kWh)"
    assert lines[1].startswith("not checked yet   0 s   10 bytes   ")
    assert lines[1].endswith("   /ABC5x\\x1b")


def test_progress_without_lines(around):
    progress = Progress(around, "sim://x", lines=False)
    events(progress)
    assert "\n" not in progress.render(24).plain


def test_progress_keeps_to_the_height(around):
    progress = Progress(around, "sim://x", lines=True)
    for number in range(100):
        progress.event(LineReceived(b"%d.8.0(1)\r\n" % number), 0.0)
    lines = progress.render(10).plain.splitlines()
    assert len(lines) <= 9 and lines[-2] == "  99.8.0(1)"


@pytest.mark.parametrize(
    "event", [BlockReceived(b""), Retried(Trouble.BLOCK_CHECK, "asked once more")]
)
def test_lines_go_when_their_block_is_decided(around, event):
    progress = Progress(around, "sim://x", lines=True)
    events(progress)
    progress.event(event, 1.0)
    assert "1.8.0" not in progress.render(24).plain


def test_a_retry_is_named_until_lines_come_again(around):
    progress = Progress(around, "sim://x", lines=False)
    events(progress)
    progress.event(Retried(Trouble.BLOCK_CHECK, "asked once more"), 1.0)
    assert progress.render(24).plain.endswith("wrong block check: asked once more")
    progress.event(LineReceived(b"1.8.0(1)\r\n"), 1.0)
    assert progress.render(24).plain.endswith("/ABC5x\\x1b")


def test_progress_is_drawn_and_wiped(around, monkeypatch):
    monkeypatch.setattr("iecread.cli.watch.PATIENCE", 0.0)
    around.stderr.terminal = True
    drawn = threading.Event()
    progress = Progress(around, "sim://x", lines=True)
    show = progress._show
    progress._timer.function = lambda: (show(), drawn.set())
    with progress:
        events(progress)
        assert drawn.wait(10)
    text = around.stderr.written.decode()
    assert "waiting for" in text or "/ABC5x" in text
    assert text.endswith("\x1b[?25h") or "\x1b[2K" in text.rsplit("byte", 1)[-1]
    assert around.stdout.written == b""
