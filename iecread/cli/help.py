"""``iecread help [TOPIC]``: short texts on what no single command can explain.

Exit codes and environment variables come from the tables that the program itself
uses, so that they cannot differ from what it does.
"""

import os
from collections.abc import Iterable

import click

from iecread.cli.command import Command, common_options, variables
from iecread.cli.exitcodes import EXIT_CODES


def _exit_codes() -> str:
    rows: list[tuple[str, ...]] = [("code", "name", "meaning", "retry?")]
    rows += [(str(number), *rest) for number, *rest in EXIT_CODES]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(
            cell.ljust(width) for cell, width in zip(row, widths, strict=True)
        ).rstrip()
        for row in rows
    ]
    return "\n".join(lines) + (
        "\n\nAn error is one line on stderr, and a line on what to do about it.  With\n"
        "-f json or jsonl it is one JSON line:\n"
        '  {"error": "no-answer", "meter": "/dev/ttyUSB0", "exit": 7, "message": ...,\n'
        '   "hint": ...}\n'
        "--debug adds the traceback."
    )


def _environment() -> str:
    from iecread.cli.decode import command as decode
    from iecread.cli.dump import command as dump
    from iecread.cli.listen import command as listen
    from iecread.cli.loadprofile import command as load_profile
    from iecread.cli.readout import command as readout
    from iecread.cli.write import command as write

    options: dict[str, str] = {}
    for used in (readout, listen, decode, load_profile, write, dump):
        options.update(variables(used))
    width = max(map(len, options))
    lines = [f"  {name:<{width}}  {option}" for name, option in options.items()]
    return "\n".join(
        [
            "Each variable stands for a long option; the option on the command line",
            "is stronger.  An empty variable counts as not set.",
            "",
            "IECREAD_LEARN=no: nothing that was found out about a line is remembered",
            "or used.  IECREAD_STATE_DIR: the folder that it is kept in.",
            "",
            *lines,
            "",
            "Colour, strongest first:  --color, NO_COLOR, FORCE_COLOR or",
            "CLICOLOR_FORCE, CLICOLOR=0, TERM=dumb, whether it is a terminal.",
        ]
    )


_FORMATS = """\
auto    by the suffix of -o (.csv .json .jsonl .prom .txt), else table on a terminal
        and csv into a pipe or file
table   for people; control characters are shown as \\xNN
csv     time,meter,serial,register,name,value,unit,stamp,status: one row per
        register, UTF-8, one header; a text cell that a spreadsheet could take for a
        formula gets ' in front
json    one object per readout, an array when there are several
jsonl   one object per line
value   the bare values, one per line
influx  InfluxDB line protocol
prom    Prometheus text, for the textfile collector
raw     the bytes as the meter sent them (readout)

status of a register, the first that applies:
  malformed  a control character or a character of wrong parity inside
  unchecked  its block check was wrong, absent or switched off
  scaled     multiplied or added to, as meters.toml says
  ok
With --strict the first two are an error (exit 8); they are written all the same.

Values are the digits that the meter sent, never rounded.  -o FILE appears whole or
not at all; with --append rows are added, the header is written once, and a file
with another header is left alone (exit 10).  -o FILE.db (.sqlite, .sqlite3) is a
SQLite database: rows are added to its table readings, none is there twice."""

_PORTS = """\
TARGET with / or \\ in it, or of the form COMn, is a port or URL:

  /dev/ttyUSB0                     serial port; /dev/serial/by-id/... does not move
                                   when heads are replugged
  COM3                             serial port on Windows
  /dev/cu.usbserial-1410           serial port on macOS (cu, not tty)
  socket://192.168.0.8:8000        serial server, raw TCP; its speed is fixed there:
                                   say --baud 9600 --max-baud 9600
  rfc2217://192.168.0.7:4001       serial server that changes speed for us
  sim://household                  simulated meter, see below
  replay://FILE                    what --trace FILE recorded, played back; with
                                   ?gaps=keep at the speed it had

iecread ports lists those that are here, who holds them, and whether you may open
them; iecread ports --new waits for the one that you plug in.

No permission: add yourself to the group that owns the port (dialout or uucp), then
log in again:  sudo usermod -aG dialout "$USER"
Held by another program: --wait 30s waits for it.
Unplugged for a while: listen and readout --every open the same name again.
Garbage: try --framing 8n1 (a gateway that takes parity off) or hw7e1 (a port that
is to check parity itself).  Our own bytes come back: --echo yes."""

_TIMING = """\
A session opens at 300 Bd, about 30 characters a second, and changes to the speed
that the meter offers: 10,000 characters take 6 minutes at 300 Bd, 11 s at 9600 Bd.

  --timeout       silence allowed while waiting for the meter.  Data that keep coming
                  are not cut off
  --retries       repeats of the whole session when the meter did not answer or the
                  block check stayed wrong
  --wait          how long to wait for a port that another program holds
  --switch-delay  pause between our acknowledge and the change of speed.  Computed;
                  a meter that loses its first characters may need 250ms
  --baud          speed to open with, where it is not 300
  --max-baud      do not agree to more: a slow head, a gateway of fixed speed
  --stay-at-baud  for meters that announce a speed and do not change to it
  --only          stops reading when all that was asked for has come

Times are 500ms, 5s, 15m, 24h or 7d; a plain number is seconds."""


def _ports() -> str:
    from iecread.simulator import options_help

    return f"{_PORTS}\n\nSimulated meters:\n\n{options_help()}"


_CONFIG = """\
Which meters there are, and how they are read.  A meter's name stands for its
port:  iecread readout kitchen

  schema = 1

  [defaults]
  timezone = "Europe/Berlin"

  [meters.kitchen]
  port          = "/dev/serial/by-id/usb-head-1"
  expect-serial = "60145523"
  password      = {{ env = "KITCHEN_PASSWORD" }}
  csv.file      = "readings/{{meter}}-{{year}}-{{month}}.csv"

The first of these that is there is used, alone:
{places}

An option is stronger than its variable; then come the meter, [defaults], what was
learned about the line, the device profile, and what is built in.  `auto` counts as
not said.  Unknown keys are errors.

  iecread meters init       writes one to begin with, each key explained
  iecread meters check      looks for mistakes
  iecread meters show NAME  every setting of a meter and where it comes from
  iecread identify PORT --save NAME    adds the meter at a port

Keys of [defaults] and of a meter, most of them named as the long options are:
{shared}

Keys of a meter:
{meter}

password is one of env, file, keyring, command, credential, prompt, value.  A file
of passwords, or with a value, must be private to you.  Changes are refused unless
it says read-only = false."""


def _config() -> str:
    from textwrap import fill, indent

    from iecread.config import candidates
    from iecread.configschema import CSV, LOAD_PROFILE, METER, SHARED

    def listed(keys: Iterable[str]) -> str:
        text = fill("  ".join(keys), 82, break_on_hyphens=False)
        return indent(text, "  ")

    tables = ["password", 'register."CODE"']
    tables += [f"load-profile.{key}" for key in LOAD_PROFILE]
    places = ["--config FILE", "IECREAD_CONFIG", *candidates(os.environ)]
    return _CONFIG.format(
        places="\n".join(f"  {place}" for place in places),
        shared=listed([*SHARED, *(f"csv.{key}" for key in CSV)]),
        meter=listed([*METER, *tables]),
    )


def _cron() -> str:
    from iecread.cli.cron import topic

    return topic(os.environ)


def _devices() -> str:
    from iecread.devices import load

    profiles = load().values()
    width = max(len(profile.name) for profile in profiles)
    lines = [
        f"  {profile.name:<{width}}  {profile.title}{'' if profile.match else ' *'}"
        for profile in profiles
    ]
    return "\n".join(
        [
            "What is known of families of meters beyond the standard: commands, block",
            "check, password, clock, load profile.  The profile that fits the meter's",
            "identification is used (-v says which); options, variables and",
            "meters.toml are stronger.  --device NAME names one, which also gives what",
            "has to be known before the meter answers (wake-up, speed of telegrams);",
            "--device none uses no profile.",
            "",
            *lines,
            "",
            "* only by name: no identification tells them.",
        ]
    )


_LIS200 = """\
Gas devices of Elster and Honeywell (EK, DL, TC, BK) have addresses and locks.

  7:310      entity and object; leading zeros do not count
  6:310_1    a variant: degrees Celsius, where 6:310 is kelvin
  7:310.3    an attribute: 0 value, 1 access, 2 name, 3 unit; --attributes reads all
  p          a name of the device's family, see below

Locks, by name or number, for --lock:

  1 calibration    a button inside; no code opens it
  2 manufacturer
  3 supplier       administrator on EK280, EK290, DL230; most settings
  4 customer       the one that is opened if nobody says which
  5 data-reader    EK280, EK290, DL230
  6 user           EK280, EK290, DL230

Nothing can be read while all are closed.  read, write, clock and archive open a
lock with the code that the password options give (--password-env VAR), if it is
closed, and close it again on every way out.  unlock leaves it open; lock closes it;
unlock --status shows them all.  A code that is written to an open lock becomes its
new code, so none is ever sent before the lock was seen closed.  A wrong code is not
sent again for 24 hours.

Names, as the display of the device has them:"""

_FAMILIES = {
    "ek": "EK205 to EK290",
    "tc": "TC210 to TC220",
    "dl210": "DL210, DL220",
    "dl230": "DL230, DL240",
    "bk": "BK-G..TC",
}


def _lis200() -> str:
    from iecread.quantities import meanings

    lines = [_LIS200]
    for section, devices in _FAMILIES.items():
        lines += ["", devices, ""]
        lines += [
            f"  {name:<8} {address:<8} {meaning}"
            for name, address, meaning in meanings(section)
        ]
    return "\n".join(lines)


TOPICS = {
    "exit-codes": ("what the exit status of iecread means", _exit_codes),
    "environment": ("variables that stand for options", _environment),
    "formats": ("what -f writes", lambda: _FORMATS),
    "ports": ("how to name a port, what to do when it fails, sim://", _ports),
    "config": ("meters.toml: where it is, what stands in it", _config),
    "cron": ("a ready line for crontab, with the paths of this computer", _cron),
    "devices": ("families of meters that are known, for --device", _devices),
    "lis200": ("gas devices: addresses, locks, names of values", _lis200),
    "timing": ("how long things take and which option changes that", lambda: _TIMING),
}


def _overview() -> str:
    width = max(map(len, TOPICS))
    lines = [f"  {name:<{width}}  {about}" for name, (about, _) in TOPICS.items()]
    return "\n".join(
        ["Topics:", *lines, "", "iecread COMMAND --help explains a command."]
    )


@click.command(
    cls=Command,
    short_help="A topic that no single command explains.",
    example="iecread help exit-codes",
)
@click.argument("topic", required=False, type=click.Choice(list(TOPICS)))
@common_options
def command(topic: str | None) -> None:
    """Explain TOPIC; without one, list the topics."""
    click.echo(TOPICS[topic][1]() if topic else _overview())
