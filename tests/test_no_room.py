"""No room on the disk: what was there is whole, nothing is left beside it, exit 10."""

import resource
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

HOUSE = "sim://household?reaction=20"
P1 = "sim://p1?period=0.02"


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def room():
    """``room(bytes)``: no file of this process grows beyond that."""
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, old[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, old)


def files() -> dict[str, bytes]:
    found = (file for file in Path().iterdir() if not file.name.startswith("x.db-"))
    return {file.name: file.read_bytes() for file in found if file.is_file()}


@pytest.mark.parametrize(
    "argv",
    [
        ("readout", HOUSE, "-o", "old.csv"),
        ("readout", HOUSE, "-o", "old.json"),
        ("readout", HOUSE, "-o", "grown.csv", "--append"),
        ("readout", HOUSE, "-o", "x.db"),
        ("load-profile", HOUSE, "--from=-2h", "-o", "x.db"),
        ("load-profile", HOUSE, "--from=-2h", "-o", "old.csv"),
        ("listen", P1, "--count=3", "-o", "old.csv"),
        ("listen", P1, "--count=3", "-o", "old.jsonl"),
        ("dump", "-o", "old.json"),
        ("dump", "-o", "x.db"),
        ("dump", "-f", "jsonl", "--metrics", "old.prom"),
        ("dump", "-f", "jsonl", "--report", "old.json"),
    ],
)
def test_no_room(run, room, tmp_path, argv):
    Path("meters.toml").write_text(f'schema = 1\n[meters.a]\nport = "{HOUSE}"\n')
    for suffix in ("csv", "json", "jsonl", "prom"):
        Path(f"old.{suffix}").write_text("kept\n")
    for file in ("grown.csv", "x.db"):
        run("listen", P1, "--count=1", "-o", file)
    before = files()
    room(200)
    said = run(*argv, exit=10, env={"IECREAD_STATE_DIR": str(tmp_path / "s")}).stderr
    assert "cannot write" in said
    room(1 << 30)
    assert files() == before
    with closing(sqlite3.connect("x.db")) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert database.execute("SELECT count(*) FROM readings").fetchone() == (38,)
