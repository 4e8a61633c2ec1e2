"""A sample of all commands over a damaged line; the whole is tests/bench/matrix.py."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_nothing_that_is_promised_is_broken() -> None:
    # in a process of its own, since it runs in fake time
    found = subprocess.run(
        [sys.executable, ROOT / "tests" / "bench" / "matrix.py", "100"],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert found.returncode == 0, found.stdout + found.stderr
