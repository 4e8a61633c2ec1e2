"""``replay://`` of traces that a person wrote; those of runs: test_cli_recording."""

import pytest

TRACE = '{"iecread": "trace", "schema": 1, "waits": true}\n'
OPEN = '{"t": 0, "event": "open"}\n'


def test_a_trace_that_a_person_wrote(run, tmp_path):
    trace = tmp_path / "mine.jsonl"
    trace.write_text(
        """{"iecread": "trace", "schema": 1}
{"t": 0, "dir": "tx", "hex": "2f3f210d0a"}
{"t": 0.3, "dir": "rx", "hex": "2f41424335780d0a"}

{"t": 0.6, "dir": "tx", "hex": "063035300d0a"}
{"t": 1.0, "dir": "rx", "hex": "02312e382e302831322e352a6b5768290d0a210d0a037c"}
"""
    )
    assert run("readout", f"replay://{trace}", "-f", "value").stdout == "12.5\n"
    trace.write_text(trace.read_text().replace('"t": 1.0', '"t": 20'))
    run("readout", f"replay://{trace}", "--retries=0", exit=7)
    # in pieces, and in one where we write several
    trace.write_text(
        """{"iecread": "trace", "schema": 1}
{"dir": "tx", "hex": "2f3f"}
{"dir": "tx", "hex": "210d0a"}
{"t": 0.3, "dir": "rx", "hex": "2f41424335780d0a"}
{"dir": "tx", "hex": "063035300d0a"}
{"dir": "rx", "hex": "02312e382e302831322e352a6b5768290d0a210d0a037c"}
"""
    )
    assert run("readout", f"replay://{trace}", "-f", "value").stdout == "12.5\n"


def test_a_wake_up_in_one_piece(run, tmp_path):
    trace = tmp_path / "mine.jsonl"
    text = """{"iecread": "trace", "schema": 1}
{"dir": "tx", "hex": "%s"}
{"t": 4, "dir": "tx", "hex": "2f3f210d0a"}
{"t": 4.3, "dir": "rx", "hex": "2f41424335780d0a"}
{"dir": "tx", "hex": "063035300d0a"}
{"dir": "rx", "hex": "02312e382e302831322e352a6b5768290d0a210d0a037c"}
"""
    trace.write_text(text % ("00" * 66))
    argv = ("readout", f"replay://{trace}", "-f", "value", "--wake", "always")
    assert run(*argv).stdout == "12.5\n"


def test_a_listener_whose_recording_ends(run, tmp_path):
    trace = tmp_path / "mine.jsonl"
    trace.write_text('{"iecread": "trace", "schema": 1}\n')
    assert "nothing more" in run("listen", f"replay://{trace}", exit=5).stderr
    run("readout", f"replay://{trace}", exit=11)


@pytest.mark.parametrize(
    "header",
    ['"settings": {"baud": "x"}', '"settings": [1]', '"settings": {"timezone": "Q"}'],
)
def test_headers_with_settings_that_cannot_be(run, tmp_path, header):
    trace = tmp_path / "t.jsonl"
    trace.write_text(TRACE.replace('"schema"', header + ', "schema"'))
    assert "settings" in run("readout", f"replay://{trace}", exit=5).stderr


def test_a_header_with_odd_values(run, tmp_path):
    trace = tmp_path / "t.jsonl"
    odd = '"time": "9999-12-31T23:59:59", "port": 5, "meter": [], "masked": 1'
    trace.write_text(TRACE.replace('"schema"', odd + ', "schema"') + OPEN)
    assert "ends behind line 2" in run("readout", f"replay://{trace}", exit=5).stderr


@pytest.mark.parametrize("url", ["replay://", "replay://x?gaps=slow", "replay:///dev"])
def test_urls_that_cannot_be(run, url):
    assert "hint:" in run("readout", url, exit=5).stderr
