"""``help cron``: the line works where cron starts it."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from iecread.cli.cron import crontab_line, own_command


def ran_by_cron(line: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """What cron makes of a line: nearly no environment, no terminal, %% set off."""
    command = re.sub(r"^(\S+ ){5}", "", line)
    assert not re.search(r"(?<!\\)%", command)
    return subprocess.run(
        ["/usr/bin/env", "-i", "PATH=/usr/bin:/bin", "SHELL=/bin/sh", "LC_ALL=C"]
        + ["/bin/sh", "-c", command.replace("\\%", "%")],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.skipif(sys.platform == "win32", reason="no cron there")
def test_the_line_works_without_environment_home_and_terminal(tmp_path: Path) -> None:
    folder = tmp_path / "it's 100% odd"
    folder.mkdir()
    config = folder / "meters.toml"
    config.write_text(
        "schema = 1\n[defaults.csv]\n"
        'file = "readings/{meter}.csv"\n'
        '[meters."küche"]\nport = "sim://household?reaction=20"\n',
        encoding="utf-8",
    )
    done = ran_by_cron(crontab_line(str(config)), Path("/"))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    text = (folder / "readings" / "küche.csv").read_text("utf-8")
    assert text.startswith("time,meter,serial,")


def test_the_topic_has_the_line(run, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert "meters init" in run("help", "cron").stdout
    (tmp_path / "meters.toml").write_text("schema = 1\n")
    text = run("help", "cron").stdout
    assert crontab_line(str(tmp_path / "meters.toml")) in text
    assert "meters init" not in text


def test_how_this_installation_is_started(tmp_path: Path) -> None:
    script = tmp_path / "bin" / "iecread"
    script.parent.mkdir()
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)
    assert own_command(str(script)) == [str(script)]
    assert own_command(str(script.parent / "other"))[-2:] == ["-m", "iecread"]
    by_name = own_command("iecread", "/opt/py/bin/python")
    if shutil.which("iecread") is None:
        assert by_name[-3:] == ["/opt/py/bin/python", "-m", "iecread"]
