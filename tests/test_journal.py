"""The journal of changes: two lines a change, on the disk before anything is sent."""

import json
import os
import subprocess
import sys
from datetime import datetime, timedelta, timezone

import pytest

from iecread import journal as module
from iecread.errors import OutputError
from iecread.journal import Journal, Outcome, user_name
from iecread.passwords import Secret

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="POSIX files")
NOW = datetime(2024, 6, 1, 12, 5, 7, 900, tzinfo=timezone(timedelta(hours=2)))


@pytest.fixture
def journal(tmp_path):
    return Journal(str(tmp_path))


def lines(journal: Journal) -> list[dict]:
    with open(journal.path, encoding="ascii") as file:
        return [json.loads(line) for line in file]


def test_a_change_is_two_lines(journal):
    change = journal.begin("kitchen", "0.2.1", "AB11", "AB12", NOW)
    sending = {
        "time": "2024-06-01T12:05:07+02:00",
        "change": change.number,
        "meter": "kitchen",
        "register": "0.2.1",
        "old": "AB11",
        "new": "AB12",
        "result": "sending",
        "user": user_name(),
    }
    assert lines(journal) == [sending]
    later = NOW + timedelta(seconds=2)
    journal.end(change, Outcome.REFUSED, later, "(ERROR05)")
    ended = {"time": "2024-06-01T12:05:09+02:00", "result": "refused"}
    assert lines(journal) == [sending, {**sending, **ended, "detail": "(ERROR05)"}]
    other = journal.begin("kitchen", "E2 1.6.0", None, None, NOW)
    assert other.number != change.number
    assert lines(journal)[2]["old"] is None


def test_it_is_private(journal):
    journal.begin("m", "0.2.1", None, "1", NOW)
    if sys.platform != "win32":
        assert os.stat(journal.path).st_mode & 0o077 == 0


def test_keys_are_never_written(journal):
    journal.begin("m", "4:171.0", None, "s3cr3t-9", NOW)
    journal.begin("m", "96.96", Secret("0ld"), Secret("s3cr3t-9"), NOW)
    change = journal.begin("m", "own.code", None, Secret("s3cr3t-9"), NOW)
    journal.end(change, Outcome.DONE, NOW)
    text = open(journal.path).read()
    assert "s3cr3t-9" not in text and "0ld" not in text
    assert [line["new"] for line in lines(journal)] == ["***"] * 4
    assert [line["old"] for line in lines(journal)] == [None, "***", None, None]


def test_any_text_stays_on_one_line(journal):
    text = 'a"\\\r\n\x1b[2J\u2028\ud800\xe4'
    journal.begin(text, text, text, text, NOW)
    assert open(journal.path, "rb").read().count(b"\n") == 1
    assert lines(journal)[0]["new"] == text


def test_it_is_on_the_disk_before_the_message_leaves(journal, monkeypatch):
    calls = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: calls.append(descriptor))
    change = journal.begin("m", "0.2.1", None, "1", NOW)
    assert len(calls) == 2  # the file, and the folder that names it
    journal.end(change, Outcome.DONE, NOW)
    assert len(calls) == 3


def test_a_torn_line_is_ended_and_kept(journal):
    journal.begin("m", "0.2.1", None, "1", NOW)
    with open(journal.path, "ab") as file:
        file.write(b'{"time": "2024')
    change = journal.begin("m", "0.2.2", None, "2", NOW)
    found = open(journal.path, "rb").read().split(b"\n")
    assert found[1] == b'{"time": "2024'
    assert json.loads(found[2])["change"] == change.number
    assert found[3:] == [b""]


def test_no_part_of_a_line_stays(journal, monkeypatch):
    journal.begin("m", "0.2.1", None, "1", NOW)
    before = open(journal.path, "rb").read()
    write = os.write

    def full(descriptor: int, data: bytes) -> int:
        if len(data) < 30:
            raise OSError(28, "No space left on device")
        return write(descriptor, data[:30])

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OutputError, match="no space left") as error:
        journal.begin("m", "0.2.2", None, "2", NOW)
    assert "IECREAD_STATE_DIR" in error.value.hint
    assert open(journal.path, "rb").read() == before


def test_a_journal_that_cannot_be_written(tmp_path, monkeypatch):
    with pytest.raises(OutputError, match="journal"):
        Journal(str(tmp_path / "missing")).begin("m", "0.2.1", None, "1", NOW)
    os.mkdir(tmp_path / "journal.jsonl")
    with pytest.raises(OutputError, match="directory|denied"):
        Journal(str(tmp_path)).begin("m", "0.2.1", None, "1", NOW)

    def busy(*_: object) -> None:
        raise TimeoutError(110, "another run of iecread holds it")

    monkeypatch.setattr(module, "locked", busy)
    with pytest.raises(OutputError, match="another run"):
        Journal(str(tmp_path)).begin("m", "0.2.1", None, "1", NOW)


PROCESS = """
import sys
from datetime import datetime, timezone
from iecread.journal import Journal, Outcome
now = datetime(2024, 6, 1, tzinfo=timezone.utc)
journal = Journal(sys.argv[1])
for number in range(60):
    change = journal.begin(sys.argv[2], str(number), "old", "new" * 500, now)
    journal.end(change, Outcome.DONE, now)
"""


def test_two_runs_at_once(journal, tmp_path):
    runs = [
        subprocess.Popen([sys.executable, "-c", PROCESS, str(tmp_path), name])
        for name in ("first", "second")
    ]
    assert [run.wait(60) for run in runs] == [0, 0]
    found = lines(journal)
    assert len(found) == 240
    for name in ("first", "second"):
        mine = [line for line in found if line["meter"] == name]
        assert [line["register"] for line in mine] == [
            str(number) for number in range(60) for _ in (1, 2)
        ]
        assert {line["result"] for line in mine[1::2]} == {"done"}


@POSIX
def test_who_did_it(monkeypatch):
    import pwd

    name = pwd.getpwuid(os.getuid()).pw_name
    monkeypatch.delenv("SUDO_USER", raising=False)
    monkeypatch.setenv("LOGNAME", "somebody")
    assert user_name() == name
    monkeypatch.setenv("SUDO_USER", "anna")
    assert user_name() == f"{name} (sudo: anna)"
    monkeypatch.setattr(os, "getuid", lambda: 4242424)
    assert user_name() == "4242424 (sudo: anna)"
