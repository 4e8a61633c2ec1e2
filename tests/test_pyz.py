"""The package within a zip archive, as in iecread.pyz, where data are no files."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_it_works_from_one_file(tmp_path: Path) -> None:
    file = tmp_path / "iecread.pyz"
    with zipfile.ZipFile(file, "w") as archive:
        for path in (ROOT / "iecread").rglob("*"):
            if path.suffix in (".py", ".toml"):
                archive.write(path, path.relative_to(ROOT))
        archive.write(ROOT / "meters.example.toml", "iecread/data/meters.example.toml")
        archive.writestr(
            "__main__.py",
            "import sys\nfrom iecread.__main__ import main\nsys.exit(main())\n",
        )
    environment = os.environ | {"IECREAD_CONFIG": str(tmp_path / "meters.toml")}
    environment.pop("PYTHONPATH", None)

    def run(*argv: str, exit: int = 0) -> str:
        found = subprocess.run(
            [sys.executable, file, *argv],
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
        )
        assert found.returncode == exit, found.stderr
        return found.stdout

    run("readout", "sim://household?reaction=20&mute=1", "--retries", "0", exit=7)
    run("meters", "init")
    assert "1.8.0" in run("readout", "demo", "-f", "csv")
    assert f"{sys.executable} {file} dump --config" in run("help", "cron")
