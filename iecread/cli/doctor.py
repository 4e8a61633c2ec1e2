"""``iecread doctor``: what is wrong between this computer and a meter, layer by layer.

Each layer is written as soon as it is done; the last line is one sentence.  What to
type stands under the layer that failed.  The exit code is that of the first layer that
failed.  Text from a meter is escaped before it is written.
"""

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from iecread.cli.command import Command, common_options, option
from iecread.cli.context import BYTES, Surroundings
from iecread.cli.exitcodes import NUMBERS
from iecread.cli.options import line_options, meter_options
from iecread.cli.passwordoptions import PasswordOptions, password_options
from iecread.cli.valuetypes import Target

if TYPE_CHECKING:
    from rich.text import Text

    from iecread.cli.target import Target as Meant
    from iecread.diagnosis import Layer
    from iecread.doctor import Report, Task
    from iecread.signalwatch import Signal

_COLUMN = 24  # where the evidence begins
_COMMANDS = ("iecread ", "sudo ")  # else it is no line to type, but to obey
_COLORS = {"ok": "green", "failed": "red", "skipped": "yellow"}
# what is typed again behind a command that is proposed
_SAID = ("address", "baud", "framing", "wake", "max_baud", "mode", "device")


@click.command(
    cls=Command,
    short_help="What is wrong between here and the meter, and what to type.",
    example="iecread doctor\n"
    "iecread doctor /dev/ttyUSB0\n"
    "iecread doctor kitchen --login\n"
    "iecread doctor /dev/ttyUSB0 --watch",
)
@click.argument(
    "target",
    required=False,
    type=Target(),
    metavar="[TARGET]",
    help="Port, URL or meter; without one, this computer is looked at.",
)
@option(
    "Doctor",
    "--login",
    is_flag=True,
    help="Log in too, with the password named below.",
)
@option(
    "Doctor",
    "--watch",
    is_flag=True,
    help="Show what the head sees, while it is moved, until Ctrl-C.",
)
@option(
    "Output",
    "-f",
    "--format",
    "format_",
    type=click.Choice(("text", "json")),
    default="text",
    help="text, json.  [default: text]",
)
@meter_options
@password_options
@line_options
@common_options
@click.pass_obj
def command(
    around: Surroundings,
    /,
    target: str | None,
    login: bool,
    watch: bool,
    format_: str,
    password: PasswordOptions,
    **meter: Any,
) -> int:
    """Look at one layer after the other: installation, configuration, port, line,
    meter, and with --login the password.

    Each is ok, failed or skipped, with what was seen and the line to type.  Only
    requests, option selects and break messages are sent.  The last line says it in one
    sentence; the exit code is that of the first layer that failed.
    """
    from iecread.doctor import Task, examine, longest
    from iecread.errors import ConfigError
    from iecread.interview import Wish
    from iecread.settings import is_port

    around.json_errors = format_ == "json"
    meant: Meant | None = None
    name = target if target is not None and not is_port(target) else None
    if target is not None:
        from iecread.cli.target import resolve

        try:
            meant = resolve(around, target, meter, password)
        except ConfigError:
            if name is None:
                raise  # what is typed is wrong, not meters.toml
    task = Task(
        port=meant.port if meant else None,
        wish=_wish(around, target, meant) if meant and target else Wish(target or ""),
        environ=around.environ,
        meter=name,
        wait=meant.options.get("wait", 0.0) if meant else 0.0,
        config=around.config,
        tape=meant.options.get("tape") if meant else None,
    )
    if watch:
        if meant is None:
            from iecread.cli.exitcodes import UsageError

            raise UsageError("--watch wants a TARGET", "such as /dev/ttyUSB0")
        return _watch(around, task, json_=format_ == "json")
    if meant is not None and login:
        chosen = meant
        task = replace(task, login=lambda learned: _log_in(around, chosen, learned))
    if around.verbosity >= BYTES:
        from iecread.cli.watch import Log

        start = time.monotonic()
        log = Log(around, lambda: time.monotonic() - start)
        task = replace(task, on_bytes=log.bytes)
    text = format_ == "text"
    if target is not None:
        around.note(f"examining {target}; it takes {longest(task):.0f} s at most")

    def on_layer(name: str, layer: "Layer", seconds: float) -> None:
        if text:
            _write(_shown(around, name, layer))

    report = examine(task, on_layer)
    memory = meant.options.get("memory") if meant else None
    if memory is not None and report.learned:
        memory.keep({**memory.recall(), **report.learned})
    finding = report.finding
    status = NUMBERS[finding.kind] if finding else 0
    if text:
        _write(_sentence(around, report))
    else:
        _write(_json(report, target, status))
    return status


def _watch(around: Surroundings, task: "Task", *, json_: bool) -> int:
    """Show the signal until Ctrl-C, then say how it was."""
    from contextlib import closing

    from iecread.cli.main import Stopped
    from iecread.cli.watch import can_draw, live
    from iecread.doctor import open_port
    from iecread.signalwatch import Signal, verdict, watch

    last: Signal | None = None
    drawing = can_draw(around)
    around.note("move the head; Ctrl-C ends it")
    line, clock = open_port(task, virtual=False)
    picture = live(around, lambda rows: _drawn(last)) if drawing else None
    try:
        if picture is not None:
            picture.start()
        with closing(watch(line, task.wish, clock)) as signals:
            for signal in signals:
                last = signal
                # a line a second where nothing can be drawn
                if not drawing and not json_ and round(signal.seconds * 2) % 2 == 0:
                    _write(_signal(signal) + "\n")
    except Stopped:
        raise
    except KeyboardInterrupt:
        pass  # that is how it ends
    finally:
        if picture is not None:
            picture.stop()
        line.close()
    sentence, finding = verdict(last, task.wish.target)
    status = NUMBERS[finding.kind] if finding else 0
    if not json_:
        color = "red" if finding else "green"
        _write(_styled(around, sentence, color, bold=True) + "\n")
        return status
    import json

    content = {
        "schema": 1,
        "target": around.meter,
        "ok": status == 0,
        "exit": status,
        "sentence": sentence,
        "type": (finding.line or None) if finding else None,
        "characters": last.total if last else 0,
        "best": round(last.best, 4) if last and last.best is not None else None,
    }
    _write(json.dumps(content, indent=1, ensure_ascii=False) + "\n")
    return status


def _signal(signal: "Signal") -> str:
    """One signal as a line."""
    share = "   -" if signal.share is None else f"{100 * signal.share:3.0f}%"
    best = "   -" if signal.best is None else f"{100 * signal.best:3.0f}%"
    return (
        f"{signal.seconds:6.1f} s  {signal.characters:4d} characters, "
        f"{signal.damaged:3d} damaged  {share} good, best {best}  {signal.sign.value}"
    )


def _drawn(signal: "Signal | None") -> "Text":
    from rich.text import Text

    if signal is None:
        return Text("waiting for the first signal")
    share = signal.share or 0.0
    bar = "#" * round(30 * share)
    style = "green" if share > 0.995 else "yellow" if share > 0.8 else "red"
    text = Text(no_wrap=True, overflow="ellipsis")
    text.append(f"[{bar:<30}] ", style)
    best = "-" if signal.best is None else f"{100 * signal.best:.0f} %"
    text.append(f"{100 * share:.0f} % good   best so far {best}\n")
    text.append(
        f"{signal.characters} characters in 3 s, {signal.damaged} damaged   "
        f"{signal.sign.value}   {signal.seconds:.0f} s"
    )
    return text


def _wish(around: Surroundings, target: str, meant: "Meant") -> Any:
    """How a reading of TARGET would use the line."""
    import shlex

    from iecread.interview import Wish
    from iecread.session import Meter

    asked = Meter(meant.port, **meant.options)
    options, device = asked.options, asked.device
    said = [
        f" --{key.replace('_', '-')} {shlex.quote(str(meant.options[key]))}"
        for key in _SAID
        if key in meant.options
    ]
    return Wish(
        target=shlex.quote(target),
        options="" if meant.profile else "".join(said),
        speed=options.baud or 300,
        framing=options.framing,
        address=options.address,
        addresses=_addresses(around, meant),
        wake=options.wake,
        nuls=device.wake_nuls if device else None,
        pause=device.wake_pause if device else None,
        max_speed=options.max_baud,
        stay=bool(options.stay_at_baud),
        switch_delay=options.switch_delay,
        mode=options.mode,
    )


def _addresses(around: Surroundings, meant: "Meant") -> tuple[str, ...]:
    """Addresses that the meter may have: its number, and those on the same port."""
    from iecread.cli.target import config
    from iecread.errors import ConfigError

    found = [meant.options.get("expect_serial") or ""]
    try:
        for profile in config(around).meters.values():
            if profile.port == meant.port:
                found.append(profile.get("address", default=""))
    except ConfigError:
        pass  # said by its own layer
    return tuple(dict.fromkeys(one for one in found if one.isalnum()))


def _log_in(
    around: Surroundings, meant: "Meant", learned: Mapping[str, object]
) -> "Layer":
    """Log in as a command would."""
    from iecread.cli.login import station
    from iecread.diagnosis import Layer, diagnose
    from iecread.errors import IecReadError, RefusedError

    layer = Layer()
    if meant.password is None:
        facts = {
            "what": "no password was named",
            "again": f"iecread doctor {meant.port}",
            "fix": "--password-prompt",
        }
        layer.findings.append(diagnose("no-password", facts))
        return layer
    options = {**meant.options, **{k: v for k, v in learned.items() if v is not None}}
    try:
        target = replace(meant, options=options)
        with station(around, target) as line, line.session() as session:
            layer.evidence.append("the meter took the password")
            del session
    except IecReadError as error:
        ailment = "login" if isinstance(error, RefusedError) else "login-failed"
        facts = {"what": error.message, "fix": error.hint}
        layer.findings.append(diagnose(ailment, facts, error.kind))
    return layer


def _shown(around: Surroundings, name: str, layer: "Layer") -> str:
    """One layer in words."""
    state = layer.state.value
    head = f"{name:<14} "
    colored = _styled(around, f"{state:<8}", _COLORS[state])
    evidence = [layer.skipped] if layer.skipped else list(layer.evidence)
    lines = [line for text in evidence for line in _wrapped(around, text)]
    for finding in layer.findings:
        lines += _wrapped(around, finding.sentence)
        if finding.line:
            word = "type" if finding.line.startswith(_COMMANDS) else "do"
            lines += _wrapped(around, f"{word}: {finding.line}", hanging=6)
    first, *rest = lines or [""]
    text = f"{head}{colored} {first}".rstrip() + "\n"
    return text + "".join(" " * _COLUMN + line + "\n" for line in rest)


def _wrapped(around: Surroundings, text: str, hanging: int = 0) -> list[str]:
    """A text in lines that fit the terminal; in one where there is none."""
    from iecread.output.text import printable

    text = printable(text)
    width = around.width if around.terminal(around.stdout) else None
    if not width or width < _COLUMN + 20:
        return [text]
    import textwrap

    return textwrap.wrap(
        text,
        width - _COLUMN,
        subsequent_indent=" " * hanging,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _sentence(around: Surroundings, report: "Report") -> str:
    from iecread.output.text import printable

    text = printable(report.sentence)
    if around.terminal(around.stdout) and around.width:
        import textwrap

        text = textwrap.fill(text, around.width, break_on_hyphens=False)
    color = "red" if report.finding else "green"
    return _styled(around, text, color, bold=True) + "\n"


def _styled(around: Surroundings, text: str, color: str, *, bold: bool = False) -> str:
    if not around.colored(around.stdout):
        return text
    return click.style(text, fg=color, bold=bold)


def _json(report: "Report", target: str | None, status: int) -> str:
    import json

    layers = [
        {
            "layer": name,
            "state": layer.state.value,
            "seconds": round(report.seconds[name], 2),
            "evidence": [layer.skipped] if layer.skipped else layer.evidence,
            "findings": [
                {
                    "ailment": finding.ailment,
                    "exit": NUMBERS[finding.kind],
                    "sentence": finding.sentence,
                    "type": finding.line or None,
                }
                for finding in layer.findings
            ],
        }
        for name, layer in report.layers.items()
    ]
    content = {
        "schema": 1,
        "target": target,
        "ok": status == 0,
        "exit": status,
        "sentence": report.sentence,
        "type": (report.finding.line or None) if report.finding else None,
        "identification": report.identification,
        "layers": layers,
    }
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def _write(text: str) -> None:
    from iecread.output.sink import Sink

    with Sink(None) as sink:
        sink.write(text)
