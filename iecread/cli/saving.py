"""``identify --save``: a new entry in meters.toml, and nothing else touched.

The new file is read back before it takes the old one's place, which it does whole or
not at all.  A name that is taken is never replaced.
"""

import os
from typing import TYPE_CHECKING, Any

from iecread.cli.context import Surroundings
from iecread.errors import ConfigError, OutputError
from iecread.protocol.parity import Parity

if TYPE_CHECKING:
    from iecread.cli.target import Target
    from iecread.config import Config
    from iecread.identity import Identity


def place(around: Surroundings) -> str:
    """The meters.toml that an entry goes to: the one that is used, or a new one."""
    from iecread.config import candidates, find_config

    found = find_config(around.config, around.environ)
    if found is not None:
        return found
    places = candidates(around.environ)
    return places[1] if len(places) > 2 else places[0]


def check_name(path: str, name: str) -> None:
    """Say no to a name before a meter is asked for it.

    Raises:
        ConfigError: it is taken, cannot be a name, or the file is wrong.
    """
    from iecread.configschema import wrong_name

    if wrong := wrong_name(name):
        raise ConfigError(
            f"meter {name!r} {wrong}",
            "a name is letters, digits, - and _, as in --save kitchen",
        )
    if os.path.lexists(path):
        _refuse_taken(_whole(path), name)


def _whole(path: str) -> "Config":
    from iecread.config import read_config
    from iecread.configfaults import ConfigFileError

    config = read_config(path)
    if config.faults:
        raise ConfigFileError(config.faults)
    return config


def _refuse_taken(config: "Config", name: str) -> None:
    if name in config.meters:
        where = config.where(("meters", name))
        raise ConfigError(
            f"there is a meter called {name!r} already ({where})",
            "choose another name, or change that entry in an editor",
        )


def add_meter(
    around: Surroundings, name: str, found: "Identity", target: "Target"
) -> str:
    """Add a meter to meters.toml.

    Args:
        around: the surroundings.
        name: its name.
        found: who answered.
        target: how it was reached.

    Returns:
        The file.

    Raises:
        ConfigError: the name is taken, or what is there is wrong.
        OutputError: the file cannot be written.
    """
    from iecread.configentry import added, entry
    from iecread.statefolder import locked, reason, state_folder

    path = place(around)
    settings, remarks = _settings(found, target)
    comments = _comments(found)

    def text() -> str:
        return entry(name, settings, comments, remarks)

    try:
        os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
        with locked(state_folder(around.environ)):
            old = _old(path, name)
            config = _checked(path, added(old, text()))
            if _in_the_way(config, name):
                settings["enabled"] = False
                remarks["enabled"] = "another meter has this port, see meters check"
            data = added(old, text())
            assert name in _checked(path, data).meters
            _replace(path, data)
    except OSError as error:
        raise OutputError(
            f"cannot write {path!r}: {reason(error)}",
            "name another file with --config FILE",
        ) from error
    return path


def _old(path: str, name: str) -> bytes:
    """What the file holds, in which the name is not taken."""
    from iecread.statefolder import read_file

    if not os.path.lexists(path):
        return b""
    _refuse_taken(_whole(path), name)
    return read_file(path, 1 << 30)[0]


def _checked(path: str, data: bytes) -> "Config":
    """What a file that holds this says."""
    from iecread.config import check_text

    config = check_text(path, data)
    if config.faults:
        raise ConfigError(
            f"nothing can be added behind what {path} holds: "
            f"{config.faults[0].message}",
            "write the entry in an editor",
        )
    return config


def _in_the_way(config: "Config", name: str) -> bool:
    """Whether dump could not read the meter beside the others."""
    from iecread.config import conflicts

    enabled = [meter for meter in config.meters.values() if meter.enabled]
    others = [meter for meter in enabled if meter.name != name]
    return len(conflicts(enabled)) > len(conflicts(others))


def _replace(path: str, data: bytes) -> None:
    from iecread.output.files import Replaced

    file = Replaced(path)
    try:
        file.write(data)
        file.commit()
    except BaseException:
        file.abort()
        raise


def _settings(
    found: "Identity", target: "Target"
) -> tuple[dict[str, Any], dict[str, str]]:
    """What the entry says, and remarks on it."""
    from iecread.configschema import METER, SHARED

    known = {**SHARED, **METER}
    said = {
        key.replace("_", "-"): value
        for key, value in target.options.items()
        if key.replace("_", "-") in known
    }
    settings: dict[str, Any] = {"port": _port(target.port)}
    settings.update({key: said[key] for key in known if key in said})
    remarks = {}
    if settings["port"] != target.port:
        remarks["port"] = f"now {target.port}"
    if found.unasked:
        settings.setdefault("mode", "d")
        settings.setdefault("baud", found.opening_speed)
        return settings, remarks
    tried = found.woken and found.requests > 1  # first without, and in vain
    if tried and settings.setdefault("wake", "always") == "always":
        remarks["wake"] = "answered only after a wake-up message"
    if found.parity_sought and "framing" not in settings:
        settings["framing"] = "7e1" if found.parity is Parity.EVEN else "8n1"
        remarks["framing"] = "otherwise nobody answered"
    if found.echo and settings.setdefault("echo", "yes") == "yes":
        remarks["echo"] = "our own characters come back"
    memory = target.options.get("memory")
    if memory is None:
        return settings, remarks
    for option, value in memory.recall().items():
        key = option.replace("_", "-")
        if key not in settings:
            settings[key], remarks[key] = value, f"learned {memory.since}"
    return settings, remarks


def _port(port: str) -> str:
    """The name of a port that stays when adapters are replugged."""
    from iecread.transports.portlist import present

    if "://" in port:
        return port
    real = os.path.realpath(port)
    for known in present():
        if port == known.device or real == known.device:
            return known.stable if port == known.device else port
    return port


def _comments(found: "Identity") -> list[str]:
    """What was found out, above the entry."""
    from iecread.output.identity import identity_words

    day = found.time.strftime("%Y-%m-%d %H:%M")
    skipped = ("", "simulated", "several meters")
    facts = [f"{a}: {b}" for a, b in identity_words(found) if a not in skipped]
    return [f"Found by iecread identify, {day}:", *(f"  {fact}" for fact in facts)]
