"""Options that commands share: the line, the meter on it, and a change of it."""

from collections.abc import Iterable

import click

from iecread import settings
from iecread.cli.command import choice, common_options, env_option, option, together
from iecread.cli.passwordoptions import password_options
from iecread.cli.valuetypes import (
    ADDRESS,
    DURATION,
    SPEED,
    ZONE,
    SelectCharacter,
    Setting,
    Target,
)

target_argument = click.argument(
    "target",
    type=Target(),
    metavar="TARGET",
    help="Port, URL or meter: iecread help ports.",
)

framing_option = env_option(
    "Line",
    "--framing",
    type=choice(*settings.FRAMINGS),
    default="auto",
    help="7e1: parity by software; hw7e1: by the port; 8n1: none.",
)

bcc_option = env_option(
    "Meter",
    "--bcc",
    type=choice(*settings.CHECKS),
    default="auto",
    help="Kind of block check; off shows all values as unchecked.",
)

timezone_option = env_option(
    "Meter",
    "--timezone",
    type=ZONE,
    help="Where the meter hangs; gives time stamps their offset.",
)

trace_options = together(
    env_option(
        "Line",
        "--trace",
        metavar="FILE",
        type=click.Path(),
        help="Record all bytes and times; TARGET replay://FILE plays it back.",
    ),
    env_option(
        "Line",
        "--trace-mask-serials",
        is_flag=True,
        default=None,
        help="Numbers of meters do not get into it either.",
    ),
)

line_options = together(
    env_option("Line", "--baud", type=SPEED, help="Opening speed.  [default: 300]"),
    env_option("Line", "--max-baud", type=SPEED, help="Agree to no more than this."),
    env_option(
        "Line",
        "--stay-at-baud",
        is_flag=True,
        default=None,
        help="Acknowledge the speed offered, but do not change to it.",
    ),
    env_option(
        "Line",
        "--switch-delay",
        type=DURATION,
        help="Between acknowledge and change of speed.  [default: computed]",
    ),
    framing_option,
    env_option(
        "Line",
        "--timeout",
        type=DURATION,
        help="Silence that ends waiting, not a total.  [default: by the line]",
    ),
    env_option(
        "Line",
        "--retries",
        type=click.IntRange(0, 100),
        default=2,
        metavar="N",
        help="Repeats of the whole session after a failure.  [default: 2]",
    ),
    env_option(
        "Line",
        "--wait",
        type=DURATION,
        default="0s",
        help="Wait so long for a port that is held.  [default: 0s]",
    ),
    env_option(
        "Line",
        "--echo",
        type=choice(*settings.ECHOES),
        default="auto",
        help="Whether our own bytes come back.",
    ),
    trace_options,
)

_address_option = env_option(
    "Meter", "--address", type=ADDRESS, default="", help="Device address."
)

_wake_option = env_option(
    "Meter",
    "--wake",
    type=choice(*settings.WAKES),
    default="auto",
    help="Wake-up message for meters with a battery.",
)

_serial_option = env_option(
    "Meter",
    "--expect-serial",
    metavar="SERIAL",
    help="Fail if another meter answers.",
)


def _devices() -> Iterable[str]:
    from iecread.devices import load

    return ("auto", "none", *load())


_device_option = env_option(
    "Meter",
    "--device",
    metavar="NAME",
    type=Setting("name", settings.device, known=_devices),
    default="auto",
    help="Device profile.  [default: auto, by the identification]",
)

_protocol_option = option(
    "Meter",
    "--protocol",
    type=SelectCharacter("V", "[0-9]", "0 to 9"),
    default="0",
    help="V of the option select: 0 is the normal procedure, 1 the secondary.",
)

meter_options = together(
    _address_option,
    env_option(
        "Meter",
        "--mode",
        type=choice(*settings.MODES),
        default="auto",
        help="Protocol mode; d listens only.",
    ),
    _wake_option,
    bcc_option,
    env_option(
        "Meter",
        "--option",
        type=SelectCharacter("Y", "(?!1)[!-~]", "0 (all) and 2 to 9"),
        default="0",
        help="Which list: Y of the option select, 6 to 9 are the maker's.",
    ),
    _protocol_option,
    _device_option,
    _serial_option,
    timezone_option,
)

dialect_option = env_option(
    "Meter",
    "--dialect",
    type=choice("auto", *settings.DIALECTS),
    default="auto",
    help="lis200: a gas device with locks.  [default: auto, by the identification]",
)

waking_options = together(_wake_option, _device_option)

programming_options = together(
    _address_option,
    env_option(
        "Meter",
        "--mode",
        type=choice("auto", "a", "b", "c"),
        default="auto",
        help="Protocol mode.",
    ),
    _wake_option,
    bcc_option,
    option(
        "Meter",
        "--option",
        type=SelectCharacter("Y", "[1-9A-Za-z]", "1 (programming) to 9"),
        default="1",
        help="Y of the option select: 1 is programming mode.",
    ),
    _protocol_option,
    dialect_option,
    _device_option,
    _serial_option,
    timezone_option,
)

session_options = together(
    programming_options, password_options, line_options, common_options
)
"""Those of a command that opens a session in programming mode."""

clock_option = env_option(
    "Meter",
    "--clock",
    type=Setting("clock", settings.clock),
    default="local",
    help="What its clock follows: local, standard (no summer time), utc, +01:00.",
)

read_command_option = env_option(
    "Meter",
    "--command",
    metavar="R1..R6",
    type=choice(*settings.READ_COMMANDS),
    help="Read with this command.  [default: the first that works]",
)

write_command_option = env_option(
    "Meter",
    "--write-command",
    metavar="W1..W5",
    type=choice(*settings.WRITE_COMMANDS),
    help="Write with this command.  [default: by the device profile, else W1]",
)

change_options = together(
    option("Change", "-y", "--yes", is_flag=True, help="Do not ask first."),
    option(
        "Change",
        "--dry-run",
        is_flag=True,
        help="Show what would be sent, and stop before it.",
    ),
)
