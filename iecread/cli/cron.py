"""A ready line for crontab, with the absolute paths of this installation.

cron starts programs with hardly any environment and in the home folder: so the line
names program and meters.toml by their whole paths, quoted for sh, and ``%``, which
cron takes for a line end, is set off.
"""

import os
import shlex
import shutil
import sys
import sysconfig
from collections.abc import Mapping

_PLACES = ("purelib", "platlib")


def own_command(argv0: str = "", executable: str = "") -> list[str]:
    """The words that start this installation from anywhere, with no environment.

    Args:
        argv0: how the program was started; empty for that of this process.
        executable: the Python that runs it; empty for that of this process.
    """
    argv0 = argv0 or sys.argv[0]
    executable = executable or sys.executable
    name = os.path.basename(argv0).lower()
    if name in ("iecread", "iecread.exe"):
        found = argv0 if os.path.dirname(argv0) else shutil.which(argv0)
        if found and os.path.isfile(found) and os.access(found, os.X_OK):
            return [os.path.abspath(found)]
    words = [os.path.abspath(executable), "-m", "iecread"]
    place = _folder()
    installed = {os.path.realpath(sysconfig.get_path(key)) for key in _PLACES}
    if os.path.isfile(place):  # all in one file (iecread.pyz)
        return [words[0], place]
    if place in installed:
        return words
    return ["/usr/bin/env", f"PYTHONPATH={place}", *words]  # a checkout


def _folder() -> str:
    import iecread

    return os.path.dirname(os.path.dirname(os.path.realpath(iecread.__file__)))


def crontab_line(
    config: str, command: list[str] | None = None, when: str = "*/15 * * * *"
) -> str:
    """The line: when, and the dump of a meters.toml.

    Args:
        config: the file.
        command: how to start the program; None: as ``own_command`` says.
        when: minute, hour, day, month and day of the week.
    """
    words = [*(command or own_command()), "dump", "--config", os.path.abspath(config)]
    return f"{when} {shlex.join(words)}".replace("%", "\\%")


def topic(environ: Mapping[str, str]) -> str:
    """The text of ``help cron``."""
    from iecread.config import FILE, candidates, find_config

    file = find_config(None, environ)
    missing = ""
    if file is None:
        file = candidates(environ)[-1]
        missing = f"\nThere is no {FILE} yet:  iecread meters init {file}\n"
    if sys.platform == "win32":
        words = [*own_command(), "dump", "--config", os.path.abspath(file)]
        quoted = " ".join(f'\\"{word}\\"' for word in words)
        line = f'schtasks /create /tn iecread /sc minute /mo 15 /tr "{quoted}"'
        how = "In a command window:"
    else:
        line, how = crontab_line(file), "crontab -e, and this line:"
    return f"{how}\n\n{line}\n{missing}\n{_REST}"


_REST = """\
It reads all enabled meters every quarter of an hour and stores what they say where
csv.file of meters.toml tells.  All is well: it prints nothing.  A meter fails: one
line, which cron mails to you; the other meters are read all the same.

  passwords  cron has none of your shell's variables: use file, command or keyring,
             or credential with systemd.  A refused password is not sent again for
             24 hours
  overlap    a run that meets a port in use waits 30 s for it (--wait)
  state      refusals are remembered in ~/.local/state/iecread; without HOME in
             /var/tmp/iecread-UID, or where IECREAD_STATE_DIR says
  monitoring --report FILE is a summary as JSON, -o FILE.prom metrics for Prometheus
  no cron    iecread dump --every 15m --jitter 30s runs until it is stopped; jitter
             is an offset of host and file, always the same, so that many computers
             do not come at one moment
  many       --shard 1/4 to 4/4 on four computers read a quarter each; meters on one
             line stay together

The README has systemd units, a Kubernetes job and more."""
