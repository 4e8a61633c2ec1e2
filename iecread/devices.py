"""Device profiles: what is known of a family of meters beyond the standard.

The facts stand in ``data/devices.toml``, each with its source.  ``find`` chooses a
profile by the identification, ``named`` by its name; ``facts`` says which of the two
an option of ``Meter`` means.  A profile is the weakest of all sources: whatever
somebody said is stronger, and where a meter behaves otherwise after all, what was
not said is found out as without a profile.

The file is read when the first question is asked, or by ``load``, while a meter is
still getting its request.  Left out: what a meter measures (registry.py), and forms
of values and times, which tell themselves.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from iecread.errors import ConfigError

if TYPE_CHECKING:
    from iecread.protocol.messages import Identification

AUTO, NONE = "auto", "none"
"""In place of a name: choose by the identification; use no profile."""


@dataclass(frozen=True, slots=True)
class DeviceProfile:
    """A family of meters; None and the empty tuple: as in the standard, or unknown.

    Attributes:
        name: what ``--device`` calls it.
        title: what it is, for people.
        source: where the facts come from.
        match: patterns for the identification; empty: only by name.
        mode: protocol mode, ``a`` to ``d`` (6.4).
        baud: opening speed, or that of its telegrams, in Bd.
        framing: ``7e1``, ``8n1`` or ``hw7e1``.
        wake: ``always`` or ``never`` (annex B).
        wake_nuls: NULs of the wake-up message.
        wake_pause: seconds between them and the request; 0: none at all.
        bcc: kind of block check that is expected, ``xor`` or ``sum7``.
        max_baud: speed in Bd above which an offer is refused.
        stay_at_baud: whether to acknowledge the offered speed and stay.
        switch_delay: seconds between the option select and the change of speed.
        reaction: rest in seconds that it needs before each of our answers.
        patience: seconds of silence allowed before its data.
        idle: seconds without a command after which it ends a session.
        read_command: R1 to R6.
        read_count: what stands in the brackets of a read, ``1`` or nothing.
        write_command: W1 to W5.
        write_password: whether W5 wants the password in a second bracket.
        access: 1 or 2, for P1 or P2.
        algorithm: how the password answers P0, see algorithms.ALGORITHMS.
        dialect: ``lis200``.
        profile_command: R1 to R6, for load profiles and logs.
        profile_style: form of times in a request, see profilerequest.STYLES.
        profile_season: digit before them, see profilerequest.SEASONS.
        profile_channel: name of its load profile.
        status: table of its status words, see statuswords.TABLES.
        clock: registers of its clock, the time last.
        serial: registers with its own number, the best first; a count may follow in
            brackets, for meters that want one.
        note: what a person who changes something should know.
    """

    name: str
    title: str
    source: str
    match: tuple[str, ...] = ()
    mode: str | None = None
    baud: int | None = None
    framing: str | None = None
    wake: str | None = None
    wake_nuls: int | None = None
    wake_pause: float | None = None
    bcc: str | None = None
    max_baud: int | None = None
    stay_at_baud: bool | None = None
    switch_delay: float | None = None
    reaction: float | None = None
    patience: float | None = None
    idle: float | None = None
    read_command: str | None = None
    read_count: str | None = None
    write_command: str | None = None
    write_password: bool | None = None
    access: int | None = None
    algorithm: str | None = None
    dialect: str | None = None
    profile_command: str | None = None
    profile_style: str | None = None
    profile_season: str | None = None
    profile_channel: str | None = None
    status: str | None = None
    clock: tuple[str, ...] = ()
    serial: tuple[str, ...] = ()
    note: str = ""

    def specificity(self, text: str) -> int:
        """How closely the profile fits an identification; -1 where it does not."""
        fitting = (
            len(p) - p.count("?") - p.count("*") for p in self.match if _fits(p, text)
        )
        return max(fitting, default=-1)


def load() -> Mapping[str, DeviceProfile]:
    """Read the profiles that come with the program; after the first call, at once."""
    return _profiles()


def find(identification: "Identification | str | None") -> DeviceProfile | None:
    """Return the profile that fits an identification best.

    Args:
        identification: the message, or its text from the slash on.

    Returns:
        None where no pattern fits; of two that fit alike, the one first in the file.
    """
    if identification is None:
        return None
    text = identification if isinstance(identification, str) else identification.text
    return _find(text.casefold())


def named(name: str) -> DeviceProfile:
    """Return a profile by its name.

    Raises:
        ConfigError: there is none.
    """
    profiles = _profiles()
    if name in profiles:
        return profiles[name]
    from difflib import get_close_matches

    close = get_close_matches(name, profiles, 1)
    raise ConfigError(
        f"no device profile {name!r}",
        f"did you mean {close[0]}" if close else f"there are {', '.join(profiles)}",
    )


def facts(
    device: str | None, identification: "Identification | str | None"
) -> DeviceProfile | None:
    """Return the profile that an option of ``Meter`` stands for.

    Args:
        device: ``auto`` or None to choose by the identification, ``none``, or a name.
        identification: what the meter said.

    Raises:
        ConfigError: there is no profile of this name.
    """
    if device == NONE:
        return None
    return find(identification) if device in (None, AUTO) else named(device)


def split_count(register: str) -> tuple[str, str | None]:
    """Cut ``798001(10)`` into the code and the count; the count is None without one."""
    code, bracket, count = register.partition("(")
    return code, count.removesuffix(")") if bracket else None


# --- the file --------------------------------------------------------------------


def parse(text: str) -> dict[str, DeviceProfile]:
    """Read profiles from TOML.

    Raises:
        ValueError: it is no TOML, or an entry is wrong; the message names it.
    """
    import tomli

    tables = tomli.loads(text)
    return {name: _profile(name, tables) for name in tables}


def _profile(name: str, tables: Mapping[str, Any]) -> DeviceProfile:
    table = tables[name]
    if not isinstance(table, dict):
        raise ValueError(f"{name}: outside of a table")
    own, like = {"match": [], **table}, table.get("like")
    if like is not None:
        if like not in tables or "like" in tables[like]:
            raise ValueError(f"{name}: like {like!r} is no entry of its own")
        own = {**tables[like], **own}
    values: dict[str, Any] = {}
    for key, value in own.items():
        if key == "like":
            continue
        check = _CHECKS.get(key)
        if check is None:
            raise ValueError(f"{name}: no such key: {key}")
        if not check(value):
            raise ValueError(f"{name}: {key} cannot be {value!r}")
        values[key.replace("-", "_")] = (
            tuple(value) if isinstance(value, list) else value
        )
    for key in ("title", "source"):
        if key not in table:
            raise ValueError(f"{name}: no {key}")
    return DeviceProfile(name, **values)


_Check = Callable[[Any], bool]


def _text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _among(*known: Any) -> _Check:
    # True == 1, but is no 1
    return lambda value: any(type(value) is type(one) and value == one for one in known)


def _within(low: float, high: float) -> _Check:
    return lambda value: (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and low <= value <= high
    )


def _each(form: str) -> _Check:
    """A list of texts of this form."""
    return lambda value: (
        isinstance(value, list)
        and all(isinstance(one, str) and re.fullmatch(form, one) for one in value)
        and len(set(value)) == len(value)
    )


def _speed(value: Any) -> bool:
    return type(value) is int and 300 <= value <= 115200


_READS, _WRITES = [f"R{n}" for n in range(1, 7)], [f"W{n}" for n in range(1, 6)]
_CODE = r"[!-'*-~]{1,32}"

_CHECKS: dict[str, _Check] = {
    "title": _text,
    "source": _text,
    # the slash and three characters at least say whose meter it is
    "match": _each(r"/[A-Z?]{3}[ -~]+"),
    "mode": _among("a", "b", "c", "d"),
    "baud": _speed,
    "framing": _among("7e1", "8n1", "hw7e1"),
    "wake": _among("always", "never"),
    "wake-nuls": _within(1, 200),
    "wake-pause": _within(0, 5),
    "bcc": _among("xor", "sum7"),
    "max-baud": _speed,
    "stay-at-baud": _among(True, False),
    "switch-delay": _within(0, 1.5),
    "reaction": _within(0, 1.5),
    "patience": _within(1, 60),
    "idle": _within(0.5, 120),
    "read-command": _among(*_READS),
    "read-count": _among("", "1"),
    "write-command": _among(*_WRITES),
    "write-password": _among(True, False),
    "access": _among(1, 2),
    "algorithm": _text,
    "dialect": _among("lis200"),
    "profile-command": _among(*_READS),
    "profile-style": _text,
    "profile-season": _text,
    "profile-channel": lambda value: bool(_text(value) and re.fullmatch(_CODE, value)),
    "status": _text,
    "clock": _each(_CODE),
    "serial": _each(_CODE + r"(?:\([0-9A-F]*\))?"),
    "note": _text,
}


@cache
def _profiles() -> dict[str, DeviceProfile]:
    import pkgutil

    content = pkgutil.get_data("iecread", "data/devices.toml")
    assert content is not None
    return parse(content.decode("utf-8"))


@lru_cache(maxsize=1024)
def _find(text: str) -> DeviceProfile | None:
    best, most = None, -1
    for profile in _profiles().values():
        if (fit := profile.specificity(text)) > most:
            best, most = profile, fit
    return best


def _fits(pattern: str, text: str) -> bool:
    return _regex(pattern).fullmatch(text) is not None


@cache
def _regex(pattern: str) -> re.Pattern[str]:
    signs = {"?": ".", "*": ".*"}
    written = (signs.get(sign) or re.escape(sign) for sign in pattern.casefold())
    return re.compile("".join(written), re.I | re.S)
