"""``readout`` and ``listen`` against simulated meters, whole."""

import pytest

HOUSE = "sim://household?reaction=20"

QUICK = ("--retries=0", "--timeout=300ms")


def codes(result) -> list[str]:
    return [register["register"] for register in result.json["registers"]]


def test_json(run):
    result = run("readout", HOUSE, "-f", "json")
    assert result.json["port"] == HOUSE
    assert result.json["manufacturer"] == "SIM" and result.json["simulated"] is True
    assert result.json["block_check"] == "ok"
    assert "1.8.0" in codes(result)
    assert result.stderr == ""


def test_only(run):
    result = run("readout", HOUSE, "--only", "2.8.0,1-0:1.8.0", "-f", "json")
    assert codes(result) == ["1.8.0", "2.8.0"]


def test_only_and_some_are_not_there(run):
    result = run("readout", HOUSE, "--only", "1.8.0,9.9.9,8.8.8", "-fvalue", exit=3)
    assert float(result.stdout) > 0
    assert "not in the readout: 9.9.9, 8.8.8" in result.stderr


def test_raw_is_what_came(run):
    data = run("readout", HOUSE, "-f", "raw").data
    assert data.startswith(b"/SIm5") and b"\x02" in data and data[-2:-1] == b"\x03"
    assert run("decode", "-", "-f", "json", stdin=data).json["block_check"] == "ok"


def test_raw_has_no_only(run):
    assert "--only" in run("readout", HOUSE, "-fraw", "--only=1.8.0", exit=2).stderr


@pytest.mark.parametrize(
    ("argv", "first"),
    [
        ([], "time,meter"),
        (["-f", "auto"], "time,meter"),
        (["-f", "jsonl"], "{"),
        (["-f", "prom"], "# HELP"),
        (["-f", "influx"], "iecread,"),
    ],
)
def test_formats(run, argv, first):
    assert run("readout", HOUSE, *argv).stdout.startswith(first)


def test_a_person_gets_a_table(run):
    result = run("readout", HOUSE, terminal=True, env={"COLUMNS": "80"})
    assert "active energy, import" in result.stdout
    assert not result.stdout.startswith("time,")
    assert "\x1b" not in run("readout", HOUSE, "--color=never", terminal=True).stdout


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("a.csv", "time,"),
        ("a.json", "{"),
        ("a.jsonl", "{"),
        ("a.prom", "# HELP"),
        ("a", "time,"),
        ("a.dat", "time,"),
        ("b.csv/a", "time,"),
    ],
)
def test_the_suffix_says_the_format(run, tmp_path, name, first):
    (tmp_path / "b.csv").mkdir()
    assert run("readout", HOUSE, "-o", str(tmp_path / name)).stdout == ""
    assert (tmp_path / name).read_text().startswith(first)


def test_append_has_one_header(run, tmp_path):
    file = tmp_path / "a.csv"
    for _ in range(2):
        run("readout", HOUSE, "-o", str(file), "--append", "--only=1.8.0")
    lines = file.read_text().splitlines()
    assert len(lines) == 3 and sum(line.startswith("time,") for line in lines) == 1


def test_a_torn_row_is_mended(run, tmp_path):
    file = tmp_path / "a.csv"
    argv = ["-o", str(file), "--append", "--only=1.8.0"]
    run("readout", HOUSE, *argv)
    whole = file.read_text()
    file.write_text(whole + whole.splitlines()[1][:30])
    run("readout", HOUSE, *argv)
    assert file.read_text().startswith(whole)
    assert len(file.read_text().splitlines()) == 3


@pytest.mark.parametrize(
    "argv",
    [["--append"], ["--append", "-o", "x.json"], ["--append", "-o", "x", "-fprom"]],
)
def test_append_that_cannot_be(run, argv, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "append" in run("readout", HOUSE, *argv, exit=2).stderr
    assert list(tmp_path.iterdir()) == []


def test_a_failure_leaves_the_old_file_alone(run, tmp_path):
    file = tmp_path / "a.json"
    file.write_text("old")
    argv = ["-o", str(file), *QUICK]
    run("readout", f"{HOUSE}&mute=1", *argv, exit=7)
    assert file.read_text() == "old"
    assert list(tmp_path.iterdir()) == [file]


def test_prom_tells_of_a_failure_and_keeps_the_last_success(run, tmp_path):
    file = tmp_path / "a.prom"
    run("readout", HOUSE, "-o", str(file))
    name = "iecread_last_success_timestamp_seconds"
    last = [line for line in file.read_text().splitlines() if line.startswith(name)]
    run("readout", f"{HOUSE}&busy=1", "-o", str(file), exit=6)
    text = file.read_text()
    assert 'iecread_up{meter=""} 0' in text and "iecread_register" not in text
    assert [line for line in text.splitlines() if line.startswith(name)] == last


def test_a_wrong_output_costs_no_readout(run):
    stderr = run("readout", f"{HOUSE}&mute=1", "-o", "/none/a.csv", exit=10).stderr
    assert "no such folder" in stderr


def test_json_errors_by_the_suffix(run, tmp_path):
    argv = ["-o", str(tmp_path / "a.json")]
    assert run("readout", f"{HOUSE}&busy=1", *argv, exit=6).error["error"] == "busy"


@pytest.mark.parametrize(
    ("target", "argv", "exit"),
    [
        (f"{HOUSE}&mute=1", QUICK, 7),
        (f"{HOUSE}&mute=200", QUICK, 7),
        (f"{HOUSE}&bcc=always", ["--retries=0"], 8),
        (f"{HOUSE}&nak=1", ["--retries=0"], 9),
        (f"{HOUSE}&busy=1", [], 6),
        (HOUSE, ["--expect-serial", "7"], 11),
        ("sim://nowhere", [], 5),
        ("/dev/none", [], 5),
    ],
)
def test_how_it_fails(run, target, argv, exit):
    result = run("readout", target, *argv, exit=exit)
    assert result.stdout in (
        "",
        "time,meter,serial,register,name,value,unit,stamp,status\n",
    )
    what, hint = result.stderr.splitlines()
    assert what.startswith("iecread: ") and hint.startswith("  hint: ")


def test_what_no_check_vouches_for_is_shown_as_such(run):
    target = "sim://household?reaction=20&check=none&silent=300"
    result = run("readout", target, *QUICK, "-f", "jsonl", exit=7)
    assert result.json["complete"] is False
    assert {r["status"] for r in result.json["registers"]} == {"unchecked"}


def test_strict(run):
    assert run("readout", HOUSE, "--strict", "-fvalue").stdout
    result = run("readout", HOUSE, "--strict", "--bcc=off", "-fvalue", exit=8)
    assert result.stdout and "F.F is unchecked" in result.stderr


def test_steps_and_bytes(run):
    steps = run("readout", HOUSE, "-v").stderr.splitlines()
    assert any("identified" in line for line in steps)
    assert not any(" > " in line for line in steps)
    both = run("readout", HOUSE, "-vv").stderr.splitlines()
    assert any("> 2f 3f 21 0d 0a" in line for line in both)
    assert any(" < " in line for line in both)


def test_the_option_select_character(run):
    stderr = run("readout", HOUSE, "--option", "6", "-vv").stderr
    assert "> 06 30 35 36 0d 0a" in stderr


def test_utc(run):
    stamp = run("readout", HOUSE, "--utc", "-fjson").json["time"]
    assert stamp.endswith("+00:00")


# --- listen -------------------------------------------------------------------

P1 = "sim://p1?period=0.02"


def test_listen_counts(run):
    result = run("listen", P1, "--count", "3", "-f", "jsonl")
    assert len(result.stdout.splitlines()) == 3 and result.stderr == ""


def test_listen_gives_an_array_of_several(run):
    assert len(run("listen", P1, "--count", "2", "-f", "json").json) == 2
    assert run("listen", P1, "--count", "1", "-f", "json").json["mode"] == "D"


def test_listen_raw(run):
    data = run("listen", P1, "--count", "2", "-f", "raw").data
    assert data.startswith(b"/SIM") and data.count(b"/SIM") == 2


def test_listen_ends_when_nothing_comes(run):
    result = run("listen", HOUSE, "--timeout", "100ms", "-f", "json", exit=7)
    assert result.error["error"] == "no-answer"


def test_listen_keeps_what_came_before_a_failure(run, tmp_path, monkeypatch):
    from iecread.errors import PortError
    from iecread.session import Meter

    listen = Meter.listen

    def broken(self):
        yield next(listen(self))
        raise PortError("the line was lost", "look")

    monkeypatch.setattr(Meter, "listen", broken)
    file = tmp_path / "a.csv"
    run("listen", P1, "-o", str(file), exit=5)
    assert len(file.read_text().splitlines()) > 10
