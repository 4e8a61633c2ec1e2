"""Lines of a trace that cannot be, and files that are no trace."""

import pytest

TRACE = '{"iecread": "trace", "schema": 1, "waits": true}\n'
OPEN = '{"t": 0, "event": "open"}\n'


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (None, "no such file"),
        ("/ABC5x\r\n", "no recording"),
        ("", "no recording"),
        ('{"iecread": "trace", "schema": 2}', "newer iecread"),
        ('{"iecread": "trace"}', "newer iecread"),
    ],
)
def test_what_is_no_recording(run, tmp_path, text, says):
    trace = tmp_path / "t.jsonl"
    if text is not None:
        trace.write_text(text)
    assert says in run("readout", f"replay://{trace}", exit=5).stderr


@pytest.mark.parametrize(
    "text",
    [
        "not json\n",
        '{"t": NaN, "dir": "tx", "hex": ""}\n',
        '{"t": 1e400, "dir": "tx", "hex": ""}\n',
        '{"t": -1, "event": "open"}\n',
        '{"t": 0, "dir": "tx", "hex": "0"}\n',
        '{"t": 0, "dir": "tx", "hex": 5}\n',
        '{"t": 0, "dir": "rx"}\n',
        "[" * 100_000 + "\n",
        '{"t": 0, "dir": "rx", "hex": "' + "00" * 600_000 + '"}\n',
    ],
)
def test_lines_that_are_none(run, tmp_path, text):
    trace = tmp_path / "t.jsonl"
    trace.write_text(TRACE + OPEN + text)
    assert "line 3" in run("readout", f"replay://{trace}", exit=5).stderr
