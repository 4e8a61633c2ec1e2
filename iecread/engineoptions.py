"""The options of a meter in the terms of the protocol engine.

Parity comes from the kind of line, time limits from its latency, and what nobody said
from the device profile: of one that was named before the first byte, of another once
the identification tells which it is.  Left out: what was learned of a meter
(learned.py), and the engine itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from iecread.protocol.bcc import CheckKind
from iecread.protocol.messages import Identification, Request
from iecread.protocol.options import ReaderOptions
from iecread.protocol.parity import Parity
from iecread.protocol.timing import Timing
from iecread.transports import LineKind, Transport

if TYPE_CHECKING:
    from iecread.devices import DeviceProfile
    from iecread.meteroptions import MeterOptions

Adapt = Callable[[Identification, ReaderOptions], ReaderOptions]


def parity_plan(
    framing: str, kind: LineKind
) -> tuple[tuple[Parity, ...], Parity | None]:
    """Return the parities to send with, in the order to try them, and to receive.

    A real UART is opened 8N1 and parity made in software.  A raw TCP peer most
    likely is a transparent gateway; one that is plain 7-bit does not understand
    parity, and is asked once more without.  A pty has no parity; a transparent
    gateway may stand behind it.
    """
    if framing in ("8n1", "hw7e1"):
        return (Parity.NONE,), Parity.NONE
    if framing == "7e1":
        return (Parity.EVEN,), Parity.EVEN
    if kind is LineKind.UART:
        return (Parity.EVEN,), None
    if kind is LineKind.TCP:
        return (Parity.EVEN, Parity.NONE), None
    return (Parity.NONE, Parity.EVEN), None


def engine_options(
    options: MeterOptions,
    transport: Transport,
    device: DeviceProfile | None,
    *,
    speed: int,
    adapt: Adapt,
) -> ReaderOptions:
    """Return the options of an engine for a meter on a line.

    Args:
        options: how the meter is read.
        transport: the line.
        device: the device profile, as far as it is known yet.
        speed: the opening speed, in Bd.
        adapt: completes them when the identification has come, see ``adapted``; not
            called where no device profile is wanted.
    """
    named = device if options.names_device else None
    send, receive = parity_plan(options.framing, transport.kind)
    timing = Timing().with_latency(transport.latency)
    if options.timeout is not None:
        timing = timing.with_timeout(options.timeout)
    if named is not None and named.wake_pause is not None:
        timing = replace(timing, wake_pause=named.wake_pause)
    fixed = options.bcc in ("xor", "sum7")
    return ReaderOptions(
        request=Request(options.address),
        mode=options.mode,
        opening_speed=speed,
        max_speed=options.max_baud,
        stay=bool(options.stay_at_baud),
        adjustable=transport.kind is not LineKind.TCP,
        switch_delay=options.switch_delay,
        protocol=options.protocol,
        option=options.option,
        send_parity=send,
        receive_parity=receive,
        wake=options.wake,
        echo={"auto": None, "yes": True, "no": False}[options.echo],
        check=CheckKind(options.bcc) if fixed else None,
        check_off=options.bcc == "off",
        retries=options.retries,
        timing=timing,
        likely_check=_likely_check(device),
        wake_nuls=named.wake_nuls if named else None,
        adapt=adapt if options.device != "none" else None,
    )


def adapted(
    options: MeterOptions, device: DeviceProfile, engine: ReaderOptions
) -> ReaderOptions:
    """Complete the options of an engine by what is known of this kind of meter.

    Args:
        options: how the meter is read; what they say stays.
        device: the device profile that fits the identification, or was named.
        engine: the options so far.
    """
    timing = engine.timing
    if options.timeout is None and device.patience is not None:
        patience = max(timing.data_answer, device.patience)
        timing = replace(timing, data_answer=patience)
    unsaid = options.stay_at_baud is None
    return replace(
        engine,
        # what the engine has by now was said, or learned
        max_speed=device.max_baud if engine.max_speed is None else engine.max_speed,
        stay=engine.stay or bool(unsaid and device.stay_at_baud),
        switch_delay=device.switch_delay
        if engine.switch_delay is None
        else engine.switch_delay,
        reaction=device.reaction or 0.0,
        likely_check=_likely_check(device),
        timing=timing,
    )


def _likely_check(device: DeviceProfile | None) -> CheckKind | None:
    said = device.bcc if device else None
    return CheckKind(said) if said else None
