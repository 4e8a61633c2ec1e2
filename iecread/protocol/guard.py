"""What is never sent, whoever asks for it: the rule that stands before each command.

Gas devices that speak LIS-200 have locks in place of passwords.  Writing a code to a
lock that is open *changes* the code (lis200.md 0.1, fact 4), and one kind of meter
takes certain passwords as the begin of a firmware update (6.3).  So a ProgrammingEngine
asks its Guard before it sends, and the guard here lets no lock code and, where such a
device answers, no password through.  The one that knows how to open a lock is
``lis200.gate``; there is no other way to it.
"""

import re

from iecread.errors import ConfigError
from iecread.protocol.actions import Answered
from iecread.protocol.messages import Command, Identification

# n:171 however spelt, perhaps with an attribute (BK: in front of the object)
_CODE = re.compile(r":[^:]*?(?<![1-9A-F])0*[0-9A-F]?171(?![0-9A-F])", re.I)
_STANDARD = re.compile(r"[0-9]-[0-9]{1,3}:[0-9]{1,3}\.[0-9]{1,3}\.[0-9].*", re.S)
_ADDRESS = re.compile(r"([^()]*)(?:\([^()]*\)?|\Z)")
_GAS = re.compile(r"(?:EK|DL|TV?C)[0-9]{3}|BK", re.I)
# Elster's electricity meters have passwords: A1500, AS1440, AM..., \@ of VDEW
_ELECTRICITY = re.compile(r"A[SM]?[0-9]{2}|V[0-9]|[0-9]")
_MAKERS = ("ELS", "SIM")

_NO_CODE = (
    "a lock code is written by `unlock` only: written to an open lock, it would change "
    "the code"
)
_NO_CODE_HINT = "iecread unlock TARGET; iecread lock TARGET --change-code"


def gas_type(identification: Identification | None) -> str | None:
    """Return the type of a LIS-200 device as its identification tells it, else None.

    The backslash and one character more are no part of the type, as in ``\\2EK280``,
    unless that leaves no known one: ``\\BKET`` (lis200.md 5.3).
    """
    if identification is None or identification.manufacturer not in _MAKERS:
        return None
    rest = identification.text[5:]
    for text in (rest, rest[2:] if rest[:1] == "\\" else rest, rest.lstrip("\\")):
        if _GAS.match(text):
            return text.strip()
    if (
        rest[:1] == "\\"
        and rest[1:2].isalpha()
        and identification.manufacturer == "ELS"
    ):
        return rest[1:].strip()  # a BK meter whose type somebody has named anew
    return None


def lock_code_written(command: Command) -> bool:
    """Whether a command would write what may be the code of a lock."""
    if command.name[:1] in "RBP":
        return False
    text = (command.text or b"").decode("latin-1")
    return any(map(may_be_lock_code, _ADDRESS.findall(text)))


def may_be_lock_code(address: str) -> bool:
    """Whether a device may take an address for ``n:0171``, whatever its spelling."""
    if _STANDARD.fullmatch(address.strip()):
        return False
    return _CODE.search(address) is not None


class Guard:
    """Lets commands through, or not.  This one knows no lock that may be opened.

    Attributes:
        passwords: whether this meter is known to be one with passwords.
        pause: seconds that the line rests before each command, at least.
    """

    passwords = False
    pause = 0.0

    def begin(self) -> None:
        """A session begins: what was known of the device's locks is known no more."""

    def allow(self, command: Command) -> None:
        """Say no to a command that must not be sent.

        Raises:
            ConfigError: it writes the code of a lock.
        """
        if lock_code_written(command):
            raise ConfigError(_NO_CODE, _NO_CODE_HINT)

    def allow_password(self, identification: Identification | None) -> None:
        """Say no to a password where it could do harm.

        Raises:
            ConfigError: the device has locks, or may be one that takes a password for
                something else.
        """
        gas = gas_type(identification)
        if gas is not None:
            raise ConfigError(
                f"{gas!r} is a LIS-200 device: it has locks, and gets no password",
                "iecread unlock TARGET, or --dialect lis200",
            )
        if self.passwords or identification is None:
            return
        model = identification.text[5:]
        electric = _ELECTRICITY.match(identification.model) or "\\@" in model
        if identification.manufacturer == "ELS" and not electric:
            raise ConfigError(
                f"{identification.text!r} may be a gas meter that takes a password for "
                "the begin of a firmware update: none was sent",
                "--dialect iec if it is a meter with a password, else --dialect lis200",
            )

    def answered(self, command: Command, answer: Answered) -> None:
        """See what came of a command."""

    def probe(self, identification: Identification | None) -> Command | None:
        """Return a read that tells whether a session is open; None: there is none."""
        return None
