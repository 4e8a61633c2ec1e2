"""Entries of meters.toml as text: read back they say what was to be said."""

import pytest
import tomli
from hypothesis import given
from hypothesis import strategies as st

from iecread.config import check_text
from iecread.configentry import added, entry, value

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@given(TEXTS.filter(bool), st.dictionaries(st.just("port"), TEXTS))
def test_any_text_comes_back(name: str, settings: dict[str, str]) -> None:
    text = entry(name, settings, (), {})
    assert tomli.loads(text) == {"meters": {name: settings}}


@pytest.mark.parametrize(
    ("setting", "text"),
    [
        (True, "true"),
        (300, "300"),
        (0.25, '"0.25s"'),
        (0.0, '"0s"'),
        (2592000.0, '"2592000s"'),
        ("a", '"a"'),
        ("\x7f", r'"\u007f"'),
    ],
)
def test_values(setting: object, text: str) -> None:
    assert value(setting) == text


def test_an_entry() -> None:
    text = entry(
        "kitchen",
        {"port": "COM3", "wake": "always"},
        ["Found:", "  " + "word " * 30],
        {"port": "was COM4"},
    )
    assert text.startswith("# Found:\n#   word word")
    assert max(map(len, text.splitlines())) < 80
    assert 'port = "COM3"  # was COM4\nwake = "always"\n' in text


@pytest.mark.parametrize(
    "old",
    [
        b"",
        b"schema = 1\n",
        b"schema = 1",
        b"\xef\xbb\xbfschema = 1\r\n# caf\xc3\xa9\r\n[meters.a]\r\nport = 'COM1'",
        b"schema = 1\n[defaults]\nbaud = 300 # no end",
    ],
)
def test_what_is_there_stays(old: bytes) -> None:
    new = added(old, entry("b", {"port": "COM2"}, ["found"], {}))
    assert new.startswith(old) and (b"\r\n" in new) == (b"\r\n" in old)
    assert b"\n" not in new.replace(b"\r\n", b"") or b"\r\n" not in new
    config = check_text("m.toml", new)
    assert not config.faults and config.meters["b"].port == "COM2"
