"""The picture of a load profile: what is drawn, and when nothing is."""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from xml.etree import ElementTree

import pytest

from iecread.continuity import Gap
from iecread.errors import ConfigError, NoAnswerError, OutputError
from iecread.output.plot import Plot, _days, _Line
from iecread.protocol.messages import Identification
from iecread.rows import Row

HOUSE = "sim://household?reaction=20"
START = datetime(2024, 6, 1, tzinfo=timezone(timedelta(hours=2)))
QUARTER = timedelta(minutes=15)


def row(at: int, value: str, *flags: str, code: str = "1.5.0", unit="kW") -> Row:
    number = Decimal(value) if value else None
    return Row(START + at * QUARTER, "P.01", code, number, value, unit, flags)


def drawn(path: Path, *rows: Row, gaps=(), utc=False) -> str:
    with Plot(str(path), list(gaps), utc=utc) as plot:
        plot.meter(Identification("/LGZ4ZMD"), "kitchen", "1234")
        for one in rows:
            plot.add(one)
    return path.read_text()


def texts(svg: str) -> list[str]:
    name = "{http://www.w3.org/2000/svg}text"
    return ["".join(node.itertext()) for node in ElementTree.fromstring(svg).iter(name)]


def panels(svg: str) -> int:
    return sum(f'<g id="axes_{at}"' in svg for at in range(1, 9))


# -- lines


def line(*rows: Row) -> _Line:
    found = _Line(rows[0])
    for one in rows:
        found.ends.append(_days(one.time))
        found.values.append(float(one.value) if one.value is not None else _NAN)
    return found


_NAN = float("nan")


def points(found: _Line, *gaps: tuple[int, int]) -> list[tuple[float, str]]:
    """In quarter-hours, from START on."""
    times = {tuple(_days(START + at * QUARTER) for at in gap) for gap in gaps}
    x, y = found.steps(times)
    ends = [round((end - _days(START)) * 96, 3) for end in x]
    return list(zip(ends, map(str, y), strict=True))


def test_a_value_holds_from_the_beginning_of_its_interval() -> None:
    some = line(row(1, "5"), row(2, "7"))
    assert points(some) == [(0, "nan"), (1, "5.0"), (2, "7.0")]


def test_a_gap_is_not_bridged() -> None:
    some = line(row(1, "5"), row(2, "6"), row(6, "7"), row(7, "8"))
    found = points(some, (2, 6))
    assert found[2:5] == [(2, "6.0"), (5, "nan"), (6, "7.0")]


def test_no_measurement_is_no_zero() -> None:
    assert points(line(row(1, "5"), row(2, ""), row(3, "1")))[2] == (2, "nan")


# -- pictures


def test_a_panel_for_each_unit_and_names(tmp_path: Path) -> None:
    rows = [row(at, "0.5") for at in range(1, 9)]
    rows += [row(at, "0.1", code="3.5.0", unit="kvar") for at in range(1, 9)]
    rows += [row(at, "0.2", code="2.5.0") for at in range(1, 9)]
    svg = drawn(tmp_path / "a.svg", *rows)
    assert panels(svg) == 2
    said = texts(svg)
    assert {"kW", "kvar"} <= set(said)
    assert " 1.5.0  demand of the last period, import" in said
    assert " 2.5.0  demand of the last period, export" in said
    title = "kitchen  ·  meter 1234  ·  P.01  ·  2024-06-01 00:15 to 2024-06-01 02:00"
    assert title in said and "time, UTC+02:00" in said


def test_steps_rise_where_an_interval_begins(tmp_path: Path, monkeypatch) -> None:
    from matplotlib.figure import Figure

    seen: list[str] = []

    def look(figure: Figure, *_: object, **__: object) -> None:
        seen.extend(one.get_drawstyle() for one in figure.axes[0].lines)

    monkeypatch.setattr(Figure, "savefig", look)
    drawn(tmp_path / "a.svg", row(1, "1"), row(2, "3"))
    assert seen == ["steps-pre"]


def test_utc(tmp_path: Path) -> None:
    said = texts(drawn(tmp_path / "a.svg", row(1, "1"), row(2, "1"), utc=True))
    assert "time, UTC" in said
    assert any("2024-05-31 22:15 to" in text for text in said)


def test_another_offset_within_is_told(tmp_path: Path) -> None:
    late = row(2, "1")
    late = late._replace(time=late.time.astimezone(UTC))
    said = texts(drawn(tmp_path / "a.svg", row(1, "1"), late))
    assert any("UTC+02:00 throughout" in text for text in said)


def test_flags_are_marked_once_where_they_begin(tmp_path: Path) -> None:
    rows = [row(at, "1", *["unchecked"] * (at in (3, 4, 5, 40))) for at in range(60)]
    rows[20] = row(20, "1", "0x20", "clock-set")
    said = texts(drawn(tmp_path / "a.svg", *rows))
    marks = [text.strip() for text in said if "unchecked" in text or "set" in text]
    assert marks == ["unchecked", "clock-set", "unchecked"]
    assert "0x20" not in said


def test_many_marks_are_few_words(tmp_path: Path) -> None:
    rows = [row(at, "1", *["reset"] * (at % 10 == 0)) for at in range(400)]
    said = texts(drawn(tmp_path / "a.svg", *rows))
    marks = [text for text in said if "reset" in text]
    assert len(marks) == 12 and "28 more" in marks[-1]


def test_what_came_twice_is_marked_and_not_drawn(tmp_path: Path) -> None:
    rows = [row(1, "1"), row(2, "2"), row(1, "9000", "overlap"), row(3, "1")]
    said = texts(drawn(tmp_path / "a.svg", *rows))
    assert any("overlap" in text for text in said)
    assert not any(text.startswith(("8000", "9000")) for text in said)


def test_text_of_a_meter_does_no_harm(tmp_path: Path) -> None:
    rows = [row(at, "1", code="_$x^$\x1b", unit="$\\frac$") for at in (1, 2)]
    said = texts(drawn(tmp_path / "a.svg", *rows))
    assert " _$x^$\\x1b" in said and "$\\frac$" in said


def test_the_same_rows_give_the_same_file(tmp_path: Path) -> None:
    rows = [row(at, str(at)) for at in range(1, 9)]
    gap = Gap(START, START + QUARTER, 1, "P.01")
    one = drawn(tmp_path / "a.svg", *rows, gaps=[gap])
    assert one == drawn(tmp_path / "b.svg", *rows, gaps=[gap])


def test_only_text_or_one_row(tmp_path: Path) -> None:
    rows = [row(1, "")._replace(value="ERR", raw="ERR", unit=None)]
    assert "without unit" in texts(drawn(tmp_path / "a.svg", *rows))


def test_nothing_is_left_of_a_picture_without_rows(tmp_path: Path) -> None:
    old = tmp_path / "a.png"
    old.write_text("old")
    with Plot(str(old), []):
        pass
    with pytest.raises(KeyError), Plot(str(old), []) as plot:
        plot.add(row(1, "1"))
        raise KeyError
    assert old.read_text() == "old" and list(tmp_path.iterdir()) == [old]


def test_what_was_verified_is_drawn_as_incomplete(tmp_path: Path) -> None:
    path = tmp_path / "a.svg"
    with pytest.raises(NoAnswerError), Plot(str(path), []) as plot:
        plot.add(row(1, "1"))
        raise NoAnswerError("no answer")
    assert any("INCOMPLETE" in text for text in texts(path.read_text()))


def test_without_the_library(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ConfigError, match="--plot needs matplotlib") as caught:
        Plot(str(tmp_path / "a.png"), [])
    assert caught.value.hint == 'pip install "iecread[plot]"'
    assert not list(tmp_path.iterdir())


def test_wrong_settings_of_the_library(tmp_path: Path) -> None:
    code = (
        "from iecread.errors import ConfigError\n"
        "from iecread.output.plot import Plot\n"
        "try: Plot('a.png', [])\n"
        "except ConfigError as error: print(error.hint)"
    )
    env = {**os.environ, "MPLBACKEND": "none-such"}
    argv = [sys.executable, "-c", code]
    done = subprocess.run(argv, cwd=tmp_path, env=env, capture_output=True, text=True)
    assert "MPLBACKEND" in done.stdout and not list(tmp_path.iterdir()), done.stderr


def test_a_disk_that_fills_up(tmp_path: Path, monkeypatch) -> None:
    plot = Plot(str(tmp_path / "a.png"), [])

    def full(data: bytes) -> None:
        raise OutputError("full")

    monkeypatch.setattr(plot._file, "write", full)
    with pytest.raises(OutputError, match="full"), plot:
        plot.add(row(1, "1"))
    assert not list(tmp_path.iterdir())


# -- the option


def test_load_profile_draws(run, tmp_path: Path) -> None:
    png, svg = tmp_path / "a.png", tmp_path / "a.SVG"
    argv = ("load-profile", HOUSE, "--from=-6h")
    result = run(*argv, f"--plot={png}", env={"DISPLAY": ":77"})
    assert result.stdout.startswith("time,") and result.stderr == ""
    head = png.read_bytes()[:24]
    assert head[:8] == b"\x89PNG\r\n\x1a\n"
    size = [int.from_bytes(head[at : at + 4], "big") for at in (16, 20)]
    assert size == [1600, 900]
    run(*argv, f"--plot={svg}")
    said = texts(svg.read_text())
    assert any(t.startswith("SIMULATED  ·  meter 10048151") for t in said)
    assert "matplotlib.pyplot" not in sys.modules


@pytest.mark.parametrize(
    ("argv", "status", "word"),
    [
        (("--plot=a.pdf",), 2, "does not end in .png or .svg"),
        (("--plot=same.png", "-o", "./same.png"), 2, "same file"),
        (("--plot=missing/a.png",), 10, "no such folder"),
    ],
)
def test_what_cannot_be_drawn_is_said_before(
    run, tmp_path: Path, monkeypatch, argv, status, word
) -> None:
    monkeypatch.chdir(tmp_path)
    result = run("load-profile", HOUSE, "-vv", *argv, exit=status)
    assert word in result.stderr and " > " not in result.stderr
    assert not list(tmp_path.iterdir())


def test_the_library_is_missed_before_the_meter_is_asked(run, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    result = run("load-profile", HOUSE, "-vv", "--plot=a.png", exit=4)
    assert "--plot needs matplotlib" in result.stderr
    assert " > " not in result.stderr


def test_rows_stay_if_the_picture_fails(run, tmp_path: Path, monkeypatch) -> None:
    def gone(self: object, *, incomplete: bool) -> None:
        raise OutputError("no room")

    monkeypatch.setattr(Plot, "_draw", gone)
    rows, png = tmp_path / "a.csv", tmp_path / "a.png"
    argv = ("--from=-1h", "-o", str(rows), f"--plot={png}")
    assert "no room" in run("load-profile", HOUSE, *argv, exit=10).stderr
    assert rows.read_text().count("\n") > 12 and not png.exists()
