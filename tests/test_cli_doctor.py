"""``iecread doctor``: layers, the sentence, exit codes, JSON, screens."""

import pytest

from iecread import signalwatch
from iecread.cli.exitcodes import NUMBERS

# what was seeded, options, exit code, what the last line names
SIXTEEN = [
    ("denied=1", "", 5, "no permission"),
    ("busy=1", "", 6, "port held"),
    ("baud=2400", "", 8, "wrong speed"),
    ("parity=odd", "", 8, "wrong parity"),
    ("echo=1", "", 0, "echo"),
    ("light=0", "", 7, "no light"),
    ("noise=for-ever", "", 8, "noise"),
    ("mute=1&echo=1", "", 7, "mute"),
    ("wake=1", "", 7, "wake-up needed"),
    ("general=0", "--expect-serial 10048151", 7, "address needed"),
    ("session=1", "", 7, "stuck session"),
    ("hold=150", "", 7, "changed too early"),
    ("reaction=20", "--switch-delay 150ms", 7, "changed too late"),
    ("hdlc=empty", "", 8, "mode E only"),
    ("light=70&seed=1", "", 8, "low light"),
    ("reaction=20", "--login --password-env WRONG", 9, "wrong password"),
]


@pytest.mark.parametrize(("seeded", "options", "code", "words"), SIXTEEN)
def test_sixteen_ailments(run, tmp_path, seeded, options, code, words):
    env = {"IECREAD_STATE_DIR": str(tmp_path), "WRONG": "11111111"}
    url = f"sim://household?{seeded}"
    result = run("doctor", url, *options.split(), exit=code, env=env)
    last = result.stdout.splitlines()[-1]
    assert words in last
    if code:
        assert "type: " in result.stdout or "do: " in result.stdout
    else:
        assert last.startswith("all is well")
    assert "at most" in result.stderr and "Traceback" not in result.stderr


def test_layers_in_order(run):
    text = run("doctor", "sim://household").stdout
    rows = [line.split()[:2] for line in text.splitlines() if line[0] != " "]
    assert rows[:5] == [
        ["installation", "ok"],
        ["configuration", "skipped"],
        ["port", "ok"],
        ["line", "ok"],
        ["meter", "ok"],
    ]
    assert rows[5][:1] == ["all"] and len(rows) == 6


def test_without_a_target_the_computer_is_looked_at(run):
    result = run("doctor")
    assert "ready" in result.stdout.splitlines()[-1]
    assert result.stderr == ""


def test_json(run):
    result = run("doctor", "sim://household?wake=1", "-f", "json", exit=7).json
    assert result["schema"] == 1 and not result["ok"] and result["exit"] == 7
    assert result["type"].endswith("--wake always")
    states = {one["layer"]: one["state"] for one in result["layers"]}
    assert states["line"] == "ok" and states["meter"] == "failed"
    finding = result["layers"][-1]["findings"][0]
    assert finding["ailment"] == "wake" and finding["sentence"] == result["sentence"]
    assert run("doctor", "sim://household", "-f", "json").json["ok"] is True


def test_a_meter_of_the_file(run, tmp_path):
    file = tmp_path / "meters.toml"
    file.write_text(
        'schema = 1\n[meters.cellar]\nport = "sim://household?wake=1"\n'
        'wake = "always"\n'
    )
    text = run("doctor", "cellar", "-c", str(file)).stdout
    assert "1 meter, no errors" in text and text.splitlines()[-1].startswith("all is")
    text = run("doctor", "celar", "-c", str(file), exit=4).stdout
    assert "did you mean 'cellar'" in text
    assert "skipped" in text and "no meter called" in text.splitlines()[-1]
    file.write_text("schema = 1\n[meters.cellar]\n")
    text = run("doctor", "sim://household", "-c", str(file), exit=4).stdout
    assert "line           ok" in text  # the port is looked at all the same
    assert "port" in text.splitlines()[-1]


def test_the_right_password(run):
    text = run(
        "doctor",
        "sim://household?reaction=20",
        *("--login", "--password-env", "P"),
        env={"P": "00000000"},
    ).stdout
    assert "login          ok       the meter took the password" in text


def test_login_wants_a_password_and_a_meter(run):
    run("doctor", "sim://household", "--login", exit=NUMBERS["config"])
    text = run("doctor", "sim://household?mute=1", "--login", exit=7).stdout
    assert "login          skipped" in text


def test_a_terminal_of_eighty_columns(run):
    env = {"COLUMNS": "80", "TERM": "xterm"}
    result = run("doctor", "sim://household?light=0", exit=7, env=env, terminal=True)
    assert "\x1b[31m" in result.stdout
    env |= {"NO_COLOR": "1"}
    plain = run("doctor", "sim://household?light=0", exit=7, env=env, terminal=True)
    assert "\x1b" not in plain.stdout
    for line in plain.stdout.splitlines():  # a long path stands on a line of its own
        assert len(line) <= 80 or " " not in line.strip()


def test_text_of_a_meter_is_escaped(run):
    url = "sim://household?garbage=/EVL5%1b]0;x%07%9b!%0d%0a"
    text = run("doctor", url).stdout
    assert "\x1b" not in text and "\x9b" not in text


def test_watch_ends_with_a_verdict(run, monkeypatch):
    real = signalwatch.watch

    def watch(line, wish, clock):
        for count, signal in enumerate(real(line, wish, clock)):
            yield signal
            if count == 3:
                raise KeyboardInterrupt

    monkeypatch.setattr("iecread.signalwatch.watch", watch)
    monkeypatch.setattr("iecread.signalwatch.STEP", 0.15)
    url = "sim://household?reaction=20&slow=0"
    text = run("doctor", url, "--watch").stdout
    assert "characters" in text and text.splitlines()[-1].startswith("all is well")
    text = run("doctor", url + "&light=0", "--watch", exit=7).stdout
    assert text.splitlines()[-1].startswith("no light")
    result = run("doctor", url, "--watch", "-f", "json").json
    assert result["ok"] and result["characters"] > 10 and result["best"] == 1.0
    env = {"TERM": "xterm", "COLUMNS": "80"}
    drawn = run("doctor", url, "--watch", terminal=True, env=env)
    assert "best so far" in drawn.stderr and "all is well" in drawn.stdout
    run("doctor", "--watch", exit=2)


def test_a_recording_of_it_replays(run, tmp_path):
    trace = str(tmp_path / "t.jsonl")
    url = "sim://mode-b?reaction=20&pace=0"
    text = run("doctor", url, "--trace", trace).stdout
    again = run("doctor", f"replay://{trace}").stdout
    assert again.splitlines()[-1] == text.splitlines()[-1]


def test_bytes_on_request(run):
    result = run("doctor", "sim://household", "-vv")
    assert "/?!" in result.stderr and "HOUSEHOLD" in result.stderr
