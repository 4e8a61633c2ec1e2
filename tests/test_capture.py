"""What ends a recording, and what does not."""

import json
import os

import pytest

from iecread.capture import Recorder, trace_path
from iecread.errors import OutputError
from iecread.transports.memory import Clock


def recorder(path, **options):
    clock = Clock(5.0)
    return Recorder(str(path), monotonic=clock.monotonic, sleep=clock.sleep, **options)


def test_names_of_files():
    assert trace_path("t/{meter}.x", "sim://a?b=../c") == "t/sim_a_b_.._c.x"
    assert trace_path("t.jsonl", "/dev/ttyUSB0") == "t.jsonl"


def test_a_second_run_may_not_write_into_it(tmp_path):
    class Line:
        from iecread.transports import LineKind

        name, kind, latency = "x", LineKind.UART, 0.0

    first, second = (recorder(tmp_path / "t") for _ in range(2))
    first.connect(Line)
    second.connect(Line)
    assert not first.trouble and "another run" in second.trouble
    first.close()
    first.connect(Line)  # goes on
    text = (tmp_path / "t").read_text().splitlines()
    assert [json.loads(line).get("event") for line in text] == [None, "open", "open"]


def test_what_is_no_trace_stays(tmp_path):
    (tmp_path / "t").write_text("x")
    with pytest.raises(OutputError, match="is no trace"):
        recorder(tmp_path / "t").connect(lambda: pytest.fail("it was opened"))
    assert (tmp_path / "t").read_text() == "x"


@pytest.mark.skipif(os.name != "posix", reason="no FIFO there")
def test_a_fifo_that_nobody_reads(tmp_path):
    class Line:
        from iecread.transports import LineKind

        name, kind, latency = "x", LineKind.UART, 0.0

    os.mkfifo(tmp_path / "t")
    one = recorder(tmp_path / "t")
    one.connect(Line)
    assert one.trouble
