"""A picture of a load profile, PNG or SVG: a panel for each unit, a line per register.

A value holds from the beginning to the end of its interval, so lines are steps.
Where rows are missing the line is, too; what a row is flagged with stands at its
interval.  Rows are gathered, unlike in all other output, so nothing of this is used
unless a picture is wanted.  matplotlib is an extra and imported on use; its figures
are made without pyplot, which would look for a display.

Left out on purpose: rows whose time is not known, and those that came a second time
(flag ``overlap``: the place is marked).
"""

from collections import Counter
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from types import TracebackType
from typing import TYPE_CHECKING, Any

from iecread.errors import ConfigError, IecReadError, OutputError
from iecread.output.files import Replaced
from iecread.output.text import printable

if TYPE_CHECKING:
    from iecread.continuity import Gap
    from iecread.protocol.messages import Identification
    from iecread.rows import Row

_SIZE = 16.0, 9.0  # inches, of 100 pixels
_PANEL = 2.6  # inches, of a panel where there are many
_DAY = 86400.0  # seconds; matplotlib counts days since 1970
_MOST_WORDS = 12  # marks that fit beside each other
_NEAR = 0.016  # of the width: marks that share their words
_MARK = "#b02a1f"
_NAN = float("nan")
_STYLE = {
    "font.size": 11.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e4e4e4",
    "axes.axisbelow": True,
    "figure.constrained_layout.h_pad": 0.1,
    "figure.constrained_layout.w_pad": 0.1,
    "text.parse_math": False,  # what a meter sends is no formula
    "svg.fonttype": "none",  # text that can be searched
    "svg.hashsalt": "iecread",  # the same rows, the same file
}


def _days(time: datetime) -> float:
    return time.timestamp() / _DAY


class _Line:
    """The values of one register, and the ends of their intervals, in days."""

    def __init__(self, row: "Row") -> None:
        self.channel, self.register, self.unit = row.channel, row.register, row.unit
        self.ends: list[float] = []
        self.values: list[float] = []

    def steps(self, gaps: set[tuple[float, float]]) -> tuple[list[float], list[float]]:
        """Points of a line that rises in front of its points, broken at the gaps."""
        spans = (b - a for a, b in zip(self.ends, self.ends[1:], strict=False))
        common = Counter(round(span * _DAY) for span in spans).most_common(1)
        usual = common[0][0] / _DAY if common else 0.0
        x: list[float] = []
        y: list[float] = []
        before: float | None = None
        for end, value in zip(self.ends, self.values, strict=True):
            if before is None or (before, end) in gaps:
                begin = end - usual if before is None else max(before, end - usual)
                x.append(begin)
                y.append(_NAN)
            x.append(end)
            y.append(value)
            before = end
        return x, y


class Plot:
    """Gathers rows and draws them at the end; a context manager.

    The file appears whole or not at all, and only if there were rows.  What was
    verified before a meter broke off is drawn and marked incomplete.

    Args:
        path: of the file; its suffix is .png or .svg.
        gaps: where rows are missing; looked at in the end.
        utc: whether times are shown in UTC, else in the offset of the first row.

    Attributes:
        about: words for the title, see ``meter``.

    Raises:
        ConfigError: matplotlib is not installed, or its settings are wrong.
        OutputError: the file cannot be written.
    """

    def __init__(self, path: str, gaps: "list[Gap]", *, utc: bool = False) -> None:
        import logging

        # It tells of its caches on stderr, which is not for the reader of a meter
        logging.getLogger("matplotlib").setLevel(logging.ERROR)
        try:
            import matplotlib.figure  # type: ignore[import-not-found,unused-ignore] # noqa: F401
        except ImportError as error:
            hint = 'pip install "iecread[plot]"'
            raise ConfigError("--plot needs matplotlib", hint) from error
        except ValueError as error:  # it reads its settings while it is imported
            hint = "see MPLBACKEND and matplotlibrc"
            raise ConfigError(f"matplotlib: {error}", hint) from error
        self.about: list[str] = []
        self._format = path[-3:].lower()
        self._gaps = gaps
        self._utc = utc
        self._maker = ("electricity", "")
        self._lines: dict[tuple[str, str, str | None], _Line] = {}
        self._marks: dict[float, dict[str, None]] = {}
        self._lasting: dict[str, float] = {}
        self._ends = [0.0, 0.0]  # of the row before and of this one
        self._zones: dict[timedelta | None, tzinfo | None] = {}
        self._times: list[datetime] = []  # the first and the last
        self._file = Replaced(path)

    def meter(
        self, who: "Identification | None", name: str | None, serial: str | None
    ) -> None:
        """Say which meter it is.

        Args:
            who: its identification.
            name: what it is called here.
            serial: its number.
        """
        from iecread.readings import SIMULATED
        from iecread.registry import medium_of

        if who is not None:
            maker = who.manufacturer
            self._maker = medium_of(maker, who.model), maker
            if who.manufacturer == SIMULATED:
                self.about.append("SIMULATED")
        self.about += [name] if name else []
        self.about += [f"meter {serial}"] if serial else []

    def add(self, row: "Row") -> None:
        """Take the next row."""
        end = _days(row.time)
        if end != self._ends[1]:
            self._ends = [self._ends[1], end]
        if row.flags:
            self._mark(end, row.flags)
        if "time-unknown" in row.flags:
            return
        key = row.channel, row.register, row.unit
        line = self._lines.get(key)
        if line is None:
            line = self._lines[key] = _Line(row)
        if line.ends and end <= line.ends[-1]:
            return
        line.ends.append(end)
        # For pixels a float is exact enough; the rows themselves keep their digits
        number = isinstance(row.value, Decimal)
        line.values.append(float(row.value) if number else _NAN)  # type: ignore[arg-type]
        self._zones.setdefault(row.time.utcoffset(), row.time.tzinfo)
        self._times[1:] = [row.time]

    def _mark(self, end: float, flags: tuple[str, ...]) -> None:
        """Remember words, of what lasts for many rows only the first."""
        for flag in flags:
            if flag.startswith("0x") and len(flags) > 1:
                continue  # the status as sent; its names follow
            seen = self._lasting.get(flag)
            self._lasting[flag] = end
            if seen not in self._ends:
                self._marks.setdefault(end, {})[flag] = None

    def __enter__(self) -> "Plot":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        verified = isinstance(error, IecReadError)
        try:
            if self._times and (error is None or verified):
                self._draw(incomplete=verified)
                self._file.commit()
        except OutputError:
            if error is None:
                raise  # else what came first is the one to be told
        finally:
            self._file.abort()

    def _draw(self, *, incomplete: bool) -> None:
        import io
        import warnings

        import matplotlib  # type: ignore[import-not-found,unused-ignore]
        from matplotlib.figure import (  # type: ignore[import-not-found,unused-ignore]
            Figure,
        )

        data = io.BytesIO()
        # A user's own settings are for a user's own pictures
        with matplotlib.rc_context(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # such as a letter that the font has not
            matplotlib.rcdefaults()
            settings: Any = matplotlib.rcParams
            settings.update(_STYLE)
            units = list(dict.fromkeys(line.unit for line in self._lines.values()))
            width, height = _SIZE[0], max(_SIZE[1], _PANEL * len(units))
            figure = Figure((width, height), dpi=100, layout="constrained")
            panels = figure.subplots(len(units), sharex=True, squeeze=False)[:, 0]
            for panel, unit in zip(panels, units, strict=True):
                self._panel(panel, unit)
            self._axis(panels[-1])
            self._draw_marks(panels)
            figure.align_ylabels()
            title = self._title() + (", INCOMPLETE" if incomplete else "")
            figure.suptitle(title, x=0.01, ha="left", weight="bold", size=14)
            nothing = {"Date": None} if self._format == "svg" else {"Software": None}
            figure.savefig(data, format=self._format, metadata=nothing)
        self._file.write(data.getvalue())

    def _title(self) -> str:
        channels = dict.fromkeys(line.channel for line in self._lines.values())
        first, last = (
            time.astimezone(self._zone()).strftime("%Y-%m-%d %H:%M")
            for time in (self._times[0], self._times[-1])
        )
        words = [*self.about, " ".join(channels), f"{first} to {last}"]
        return printable("  ·  ".join(words))

    def _zone(self) -> tzinfo:
        return UTC if self._utc else next(iter(self._zones.values())) or UTC

    def _panel(self, panel: Any, unit: str | None) -> None:
        from iecread import registry

        gaps = {(_days(gap.start), _days(gap.end)) for gap in self._gaps}
        lines = [line for line in self._lines.values() if line.unit == unit]
        several = len({line.channel for line in self._lines.values()}) > 1
        for place, line in enumerate(lines):
            name = registry.name(line.register, *self._maker) or ""
            words = [line.channel if several else "", line.register, name]
            # behind a blank: a label that begins with _ would be left out
            label = " " + printable("  ".join(filter(None, words)))
            x, y = line.steps(gaps)
            # the first lies on top: import hides the zeros of export
            order = 3 - place / len(lines)
            style = {"drawstyle": "steps-pre", "linewidth": 1.3, "zorder": order}
            panel.plot(x, y, label=label, **style)
        for gap in self._gaps:
            start, end = _days(gap.start), _days(gap.end)
            end -= (end - start) / (gap.missing + 1)  # where its last interval begins
            panel.axvspan(start, end, color="#f0f0f0", linewidth=0, zorder=0)
        numbers = [v for line in lines for v in line.values if v == v]
        if numbers and min(numbers) >= 0:
            panel.set_ylim(bottom=0, top=max(numbers) * 1.08 or 1)
        panel.set_ylabel(printable(unit or "without unit"), size=13)
        panel.legend(
            loc="lower left",
            bbox_to_anchor=(0, 1),
            ncols=2 if len(lines) > 1 else 1,
            frameon=False,
            borderaxespad=0.2,
        )

    def _axis(self, panel: Any) -> None:
        import matplotlib.dates  # type: ignore[import-not-found,unused-ignore]

        dates: Any = matplotlib.dates  # types only in part
        zone = self._zone()
        locator = dates.AutoDateLocator(tz=zone, minticks=7, maxticks=14)
        day, minute = "%Y-%m-%d", "%H:%M"
        form = dates.ConciseDateFormatter(
            locator,
            tz=zone,
            formats=["%Y", "%Y-%m", "%m-%d", minute, minute, "%H:%M:%S"],
            zero_formats=["%Y", "%Y-%m", day, f"{minute}\n{day}", minute, minute],
            show_offset=False,  # the title has the days
        )
        panel.xaxis.set_major_locator(locator)
        panel.xaxis.set_major_formatter(form)
        panel.margins(x=0.01)
        offset = self._times[0].astimezone(zone).strftime("%z")
        words = f"UTC{offset[:3]}:{offset[3:]}" if offset != "+0000" else "UTC"
        if len(self._zones) > 1 and not self._utc:
            words += " throughout, though the meter's clock changes"
        panel.set_xlabel(f"time, {words}")

    def _draw_marks(self, panels: Any) -> None:
        """Vertical lines; words beside the first of them, in the uppermost panel."""
        low, high = panels[-1].get_xlim()
        groups: list[tuple[float, dict[str, None]]] = []
        for end, words in sorted(self._marks.items()):
            if groups and end - groups[-1][0] < _NEAR * (high - low):
                groups[-1][1].update(words)
            else:
                groups.append((end, dict(words)))
        for panel in panels:
            panel.vlines(
                list(self._marks),
                *(0, 1),
                transform=panel.get_xaxis_transform(),
                colors=_MARK,
                linewidth=0.8,
                linestyle=":",
                zorder=1,
            )
        panels[-1].set_xlim(low, high)
        for at, (end, words) in enumerate(groups[:_MOST_WORDS]):
            text = printable(", ".join(words))
            if at == _MOST_WORDS - 1 and len(groups) > _MOST_WORDS:
                text += f" (and {len(groups) - _MOST_WORDS} more marks)"
            panels[0].text(
                max(end, low + _NEAR * (high - low)),
                0.98,
                text + " ",
                transform=panels[0].get_xaxis_transform(),
                rotation=90,
                ha="right",
                va="top",
                size=9,
                color=_MARK,
                bbox={"facecolor": "white", "alpha": 0.7, "linewidth": 0, "pad": 0.5},
                zorder=4,
            )
