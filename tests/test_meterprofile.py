"""What meters.toml says of one meter."""

from pathlib import Path

from iecread.config import Config


def test_values_go_from_table_to_table_and_keep_their_places() -> None:
    text = """schema = 1
[defaults]
retries = 4
mode = "c"
[defaults.csv]
file = "{meter}.csv"
[meters.a]
port = "COM1"
mode = "auto"
[meters.b]
like = "a"
port = "COM2"
retries = 0
[meters.b.load-profile]
archive = 3
"""
    config = Config("there/meters.toml", text)
    a, b = config.meter("a"), config.meter("b")
    assert (a.get("retries"), b.get("retries")) == (4, 0)
    assert a.get("mode") == b.get("mode") == "c"  # auto counts as not said
    assert a.origin("retries") == "there/meters.toml:3"
    assert b.origin("retries") == "there/meters.toml:13"
    assert a.csv.file == str(Path("there").absolute() / "{meter}.csv")
    assert a.load_profile is None and b.load_profile is not None
    assert (b.load_profile.archive, b.load_profile.start) == ("3", "last")
    assert b.options["meter"] == "b" and b.options["retries"] == 0


def test_a_ratio_is_exact_and_a_profile_is_read_only(run, tmp_path: Path) -> None:
    rule = '[meters.a.register."1.8.0"]\nmultiply = "40"\n'
    path = tmp_path / "meters.toml"
    path.write_text(f'schema = 1\n[meters.a]\nport = "sim://household"\n{rule}')
    file = str(path)
    row = run("readout", "a", "-c", file, "--only", "1.8.0", "-f", "json").json
    reading = row["registers"][0]
    assert reading["status"] == "scaled"
    assert abs(reading["value"] / float(reading["raw"]) - 40) < 1e-9
    refused = run("write", "a", "0.0.1", "X", "--yes", "-c", file, exit=4)
    assert "read-only" in refused.stderr
    assert "no errors" in run("meters", "check", file).stderr
