"""What is wrong, as a table: from an observation to a sentence and a line to type.

``RULES`` knows each ailment by a word; ``diagnose`` fills in what was observed.  The
sentence says what is wrong and by what it was seen; the line can be typed as it
stands.  Whoever observes (doctor.py, checkup.py) names the ailment and its particulars
and nothing else, so that all that people get to read stands here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple


class State(Enum):
    """How a layer is."""

    OK = "ok"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong.

    Attributes:
        ailment: its word, a key of RULES.
        kind: the name of its exit code.
        sentence: what it is.
        line: what to type, or to do; may be empty.
    """

    ailment: str
    kind: str
    sentence: str
    line: str


@dataclass
class Layer:
    """What is found of one layer.

    Attributes:
        evidence: what was seen, a line each.
        findings: what is wrong, the most important first.
        skipped: why it was not looked at; empty: it was.
    """

    evidence: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    skipped: str = ""

    @property
    def state(self) -> State:
        """Whether it is well."""
        if self.findings:
            return State.FAILED
        return State.SKIPPED if self.skipped else State.OK


class Rule(NamedTuple):
    """How an ailment is told.

    Attributes:
        kind: the name of its exit code.
        sentence: a format string for what was observed.
        line: one for what to type; ``{read}`` is the command that reads this target.
    """

    kind: str
    sentence: str
    line: str = ""


RULES = {
    # the computer
    "package": Rule("config", "{what}", "{fix}"),
    "state": Rule(
        "config",
        "nothing can be kept between runs, not even a refused password: {what}",
        "{fix}",
    ),
    "config": Rule("config", "{what}", "{fix}"),
    "port": Rule("port", "{what}", "{fix}"),
    "denied": Rule("port", "{what}", "{fix}"),
    "held": Rule("busy", "port held: {what}", "{fix}"),
    "setting": Rule("port", "{what}", "{fix}"),
    # the line
    "noise": Rule(
        "protocol",
        "noise on the line: {count} characters in {seconds:.1f} s though nothing was "
        "sent, and they are no text: the head sees other light, or a cable is loose",
        "shade the head, keep it from lamps and sun, check the cable, then: {again}",
    ),
    "push": Rule(
        "protocol",
        "the meter talks by itself at {speed} Bd (mode D or P1): it is not asked, "
        "only listened to",
        "iecread listen {target} --baud {speed}{framing}",
    ),
    "sml": Rule(
        "protocol",
        "the meter sends SML, another protocol that iecread does not read",
        "use a program that reads SML",
    ),
    "hdlc": Rule(
        "protocol",
        "HDLC flags were seen: the meter speaks DLMS/HDLC (mode E only), which iecread "
        "does not read",
        "use a program that reads DLMS/COSEM",
    ),
    "parity": Rule(
        "protocol",
        "wrong parity: {seen}, so the framing is {framing}, not {used}",
        "{read} --framing {framing}",
    ),
    "odd": Rule(
        "protocol",
        "wrong parity: {seen}: odd parity (7O1), where the standard has even (7E1)",
        "set the gateway, the adapter or the meter's port to 7E1, then: {again}",
    ),
    "speed": Rule(
        "protocol",
        "wrong speed: the meter answers at {speed} Bd, not at {used} Bd",
        "{read} --baud {speed}",
    ),
    "speed-bits": Rule(
        "protocol",
        "wrong speed: by its bit patterns what comes at {used} Bd was sent at {speed} "
        "Bd",
        "{fix}",
    ),
    "echo-only": Rule(
        "no-answer",
        "echo, but a mute meter: only our own characters came back, at every speed and "
        "behind a wake-up: the head sees its own light and not the meter's (turn it: "
        "cable downwards), or the meter is off or wants its device address",
        "turn the head, then: {again} (or with --address NUMBER)",
    ),
    "nothing": Rule(
        "no-answer",
        "no light: nothing at all came back, at any speed, with break and wake-up: the "
        "head does not see the meter, or the meter is mute (off, or its port locked), "
        "or wants its device address",
        "put the head on its ring, cable downwards, then: {again} --watch "
        "(on a bus: {again} --address NUMBER)",
    ),
    "no-light": Rule(
        "no-answer",
        "no light: nothing came while the head was moved",
        "{again}",
    ),
    "lost-light": Rule(
        "no-answer",
        "no light any more: nothing has come in the last seconds",
        "{again} --watch",
    ),
    "silent-line": Rule(
        "no-answer",
        "nothing at all came back, with break and wake-up: the meter is mute (off, or "
        "not connected), the gateway is set to another speed than {used} Bd, or the "
        "meter wants its device address",
        "check the gateway's speed (300 Bd, 7E1) and wires, then: {again} "
        "(on a bus: {again} --address NUMBER)",
    ),
    "unclear": Rule(
        "protocol",
        "the meter answers with characters that are no text at any speed: {count} of "
        "noise, or several meters answer at once and an address is needed",
        "check the head's place; on a bus: {again} --address NUMBER",
    ),
    "collision": Rule(
        "protocol",
        "several meters answer at once: an address is needed to ask one of them",
        "{read} --address NUMBER (iecread scan finds them)",
    ),
    "weak": Rule(
        "protocol",
        "low light: {damaged} of {count} characters came damaged ({percent}), so the "
        "head does not sit well, or sees the meter badly",
        "move the head until nothing is damaged: iecread doctor {target} --watch",
    ),
    # the meter
    "wake": Rule(
        "no-answer",
        "wake-up needed: the meter answers only behind a wake-up message",
        "{read} --wake always",
    ),
    "wake-joined": Rule(
        "no-answer",
        "wake-up needed: the meter answers only with {nuls} NULs right ahead of the "
        "request",
        "{read} --device ultraheat",
    ),
    "address-wrong": Rule(
        "no-answer",
        "address wrong: the meter does not answer to {address!r}, but it does {how}",
        "{fix}",
    ),
    "address": Rule(
        "no-answer",
        "address needed: the meter does not answer to everybody, but it does to "
        "{address!r}",
        "{read} --address {address}",
    ),
    "stuck": Rule(
        "no-answer",
        "stuck session: the meter was mute until a break message at {speed} ended a "
        "session that another program had left open; it answers now",
        "{read}",
    ),
    "late-answer": Rule(
        "no-answer",
        "the meter answers only sometimes: {tries} requests, {answers} answers",
        "move the head: iecread doctor {target} --watch",
    ),
    "early": Rule(
        "no-answer",
        "speed changed too early: with {used:.0f} ms between the acknowledge and the "
        "change to {speed} Bd there are no data, with {delay:.0f} ms they come",
        "{read} --switch-delay {delay:.0f}ms",
    ),
    "late": Rule(
        "no-answer",
        "speed changed too late: with {used:.0f} ms between the acknowledge and the "
        "change to {speed} Bd the beginning is lost, with {delay:.0f} ms it comes",
        "{read} --switch-delay {delay:.0f}ms",
    ),
    "too-late": Rule(
        "no-answer",
        "speed changed too late: this port needs longer for the change to {speed} Bd "
        "than the meter waits, and loses the beginning; {best} Bd works",
        "{read} --max-baud {best}",
    ),
    "stays": Rule(
        "protocol",
        "wrong speed: the meter agrees to {speed} Bd and stays at {best} Bd",
        "{read} --max-baud {best}",
    ),
    "slow-only": Rule(
        "no-answer",
        "no data at the {speed} Bd that the meter offers; the highest speed that works "
        "is {best} Bd",
        "{read} --max-baud {best}",
    ),
    "mode-e": Rule(
        "protocol",
        "mode E only: {ident} offers DLMS/HDLC and {seen}, so there is nothing that "
        "iecread can read",
        "use a program that reads DLMS/COSEM",
    ),
    "refused": Rule(
        "refused",
        "the meter identified itself and refused the readout ({what})",
        "iecread read {target} 1.8.0",
    ),
    "no-data": Rule(
        "no-answer",
        "the meter identified itself and is mute behind it: no data at any speed",
        "{read} --max-baud 300 --timeout 10s -vv",
    ),
    "silent": Rule(
        "no-answer",
        "the meter fell silent within its data, after {count} characters",
        "{read} --timeout 10s -vv",
    ),
    "bcc": Rule(
        "protocol",
        "wrong block check: it fits neither kind, and no character has wrong parity",
        "{read} --bcc off -vv",
    ),
    "lost": Rule("port", "{what}", "{fix}"),
    "time": Rule(
        "no-answer",
        "the time for this was over before the cause was found: {what}",
        "{again} -v",
    ),
    # login
    "no-password": Rule(
        "config", "no password to log in with: {what}", "{again} --login {fix}"
    ),
    "login": Rule("refused", "wrong password: {what}", "{fix}"),
    "login-failed": Rule("no-answer", "the login failed: {what}", "{fix}"),
}


def diagnose(
    ailment: str, facts: Mapping[str, object], kind: str | None = None
) -> Finding:
    """Return what is to be said of an ailment.

    Args:
        ailment: a key of RULES.
        facts: what its texts name.
        kind: the name of its exit code, where it depends on what was observed.
    """
    rule = RULES[ailment]
    return Finding(
        ailment,
        kind or rule.kind,
        rule.sentence.format_map(facts),
        rule.line.format_map(facts),
    )
