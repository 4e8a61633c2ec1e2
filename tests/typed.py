"""A command on a terminal where somebody types, and the journal of what was changed."""

import io
import json
import os

from iecread.cli.context import Surroundings
from iecread.cli.main import run as run_command


class Screen(io.StringIO):
    """A terminal."""

    def isatty(self) -> bool:
        return True


def answer(line: str, *argv: str, env) -> tuple[int, str]:
    """Run a command on a terminal where ``line`` is typed: exit and stderr."""
    screen = Screen()
    around = Surroundings(
        stdin=Screen(line),
        stdout=io.StringIO(),
        stderr=screen,
        environ={**env, "TERM": "dumb"},
    )
    return run_command(argv, around), screen.getvalue()


def journal(env) -> list[dict]:
    with open(os.path.join(env["IECREAD_STATE_DIR"], "journal.jsonl")) as file:
        return [json.loads(line) for line in file]
