"""``meters check``: each fault has its file, its line, and what to do."""

import pytest

A = '[meters.a]\nport = "sim://household"\n'
RULE = A + '[meters.a.register."1.8.0"]\n'

BROKEN = [
    # the file without its schema, the line at fault, words of the message and hint
    (A + "baud = fast\n", 4, "no TOML", "quotes"),
    ('[meters.a]\nport = "x\n', 3, "no TOML", "quotes"),
    (A + A, 4, "there already", "another name"),
    (A + 'port = "COM2"\n', 4, "there already", "put both together"),
    (A + 'expect-seriel = "1"\n', 4, "unknown key 'expect-seriel'", "expect-serial"),
    ("[meter.a]\n", 2, "unknown key 'meter'", "meters"),
    (A + 'retries = "2"\n', 4, "'2' is no whole number", "correct"),
    (A + "retries = 1000\n", 4, "1000 is no whole number", "leave the key out"),
    (A + "history = 1\n", 4, "neither true nor false", "correct"),
    (A + "baud = 9601\n", 4, "9601", "correct"),
    (A + 'timeout = "5 apples"\n', 4, "no duration", '"5s"'),
    (A + 'timezone = "Europe/Berln"\n', 4, "no time zone", "correct"),
    (A + 'clock = "winter"\n', 4, "'winter'", "correct"),
    (A + 'registers = ["1.8.0", "1.8.0)("]\n', 4, "contains ')'", "correct"),
    (A + 'registers = "1.8.0"\n', 4, 'is "all" or a list', "correct"),
    (RULE + "multiply = 0.1\n", 5, "not exact", "in quotes"),
    (RULE + 'multiply = "forty"\n', 5, "no decimal number", "in quotes"),
    (A + 'device = "ultrahet"\n', 4, "no device profile", "correct"),
    (A + 'lock = "suplier"\n', 4, "no lock 'suplier'", "correct"),
    (A + 'csv.layout = "broad"\n', 4, "'broad'", "one of long, wide"),
    (A + 'csv.layout = "wide"\n', 4, "list of registers", "name them"),
    (
        A + 'registers = ["1.8.x"]\ncsv.layout = "wide"\n',
        5,
        "means several registers",
        "one code for each column",
    ),
    (A + 'csv.file = "../{meter}.csv"\n', 4, "leaves its folder", "whole path"),
    (A + 'csv.file = "{metre}.csv"\n', 4, "{metre}", "did you mean {meter}"),
    ('[defaults]\ncsv.file = "../x"\n' + A, 3, "leaves its folder", "whole path"),
    (A + 'load-profile.from = "monday"\n', 4, "is no time", "-24h"),
    (
        A + 'load-profile = { archive = 3, channel = "P.01" }\n',
        4,
        "channel and archive",
        "one of them out",
    ),
    (A + 'like = "kitchen"\n', 4, "no meter 'kitchen'", "name a meter"),
    ('[meters.a]\nlike = "a"\n', 3, "a circle", "take one"),
    ('[meters.a]\naddress = "1"\n', 2, "has no port", "ports"),
    ('[meters.a]\nport = "ttyUSB0"\n', 3, "is no port", "COM3"),
    ('[meters.a]\nport = "sim://housold"\n', 3, "'housold'", "household"),
    ('[meters.a]\nport = "socket://x"\n', 3, "not an address", "host:port"),
    ('[meters."a/b"]\nport = "COM1"\n', 2, "spelled like a port", "a name is"),
    (
        '[meters.a]\nport = "COM1"\naddress = "1"\n[meters.b]\nport = "COM1"\n',
        6,
        "a and b share the port COM1",
        "[meters.b]",
    ),
    (A + 'password = { file = "open" }\n', 4, "others may read", "chmod 600"),
    (A + 'password = { file = "none" }\n', 4, "cannot read", "first line"),
    (A + 'password = { env = "A", prompt = true }\n', 4, "exactly one", "one of"),
    (A + 'password = "00000000"\n', 4, "is a table", "{ env ="),
]


@pytest.fixture
def check(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def check(text: str, line: int) -> tuple[str, str]:
        """The message about the one fault in a file, and its hint."""
        (tmp_path / "m.toml").write_text(text)
        found, hint, *_ = (
            shown
            for shown in run("meters", "check", "m.toml", exit=4).stderr.splitlines()
            if " | " not in shown
        )
        assert found.startswith(f"m.toml:{line}:"), (text, found)
        assert "1 error" in _[0], text
        return found, hint

    return check


def test_faults(check, tmp_path) -> None:
    (tmp_path / "open").write_text("00000000")
    (tmp_path / "open").chmod(0o644)
    for text, line, message, advice in BROKEN:
        found, hint = check("schema = 1\n" + text, line)
        assert message in found, text
        assert hint.startswith("  hint: ") and advice in hint, text
    for text, advice in (("", "schema = 1"), ("schema = 2\n" + A, "update iecread")):
        assert advice in check(text, 1)[1]


def test_what_two_meters_may_share(run, tmp_path) -> None:
    file = tmp_path / "m.toml"
    port = 'port = "COM1"'
    file.write_text(
        f"""schema = 1
[meters.a]
{port}
address = "1"
[meters.b]
{port}
address = "2"
[meters.c]
{port}
enabled = false
"""
    )
    assert "3 meters, no errors" in run("meters", "check", str(file)).stderr
