"""The topics, and that those from tables say what the tables say."""

import re
from textwrap import dedent

import pytest
import tomli

from iecread.cli.exitcodes import EXIT_CODES
from iecread.cli.help import TOPICS
from iecread.config import candidates
from iecread.configschema import METER, SHARED, check


def test_the_list(run):
    text = run("help").stdout
    assert all(topic in text for topic in TOPICS)


@pytest.mark.parametrize("topic", TOPICS)
def test_a_topic_fits_a_terminal(run, topic):
    text = run("help", topic).stdout
    assert text.endswith("\n") and not text.endswith("\n\n")
    text, _, _ = text.partition("Simulated meters:")
    if topic != "exit-codes":  # rows of tables may be longer
        lines = [x for x in text.splitlines() if not x.startswith("*/15")]  # one line
        assert max(map(len, lines)) <= 85


def test_the_keys_and_places_of_meters_toml(run):
    text = run("help", "config", env={"HOME": "/home/me"}).stdout
    keys = {*SHARED, *METER, "csv.file", "load-profile.from", "password"}
    assert keys <= set(text.split())
    places = ["--config FILE", "IECREAD_CONFIG", *candidates({"HOME": "/home/me"})]
    assert "".join(f"\n  {place}" for place in places) in text
    example = dedent(text[text.index("  schema = 1") : text.index("The first of")])
    assert check(tomli.loads(example)).problems == []


def test_exit_codes_are_all_there(run):
    text = run("help", "exit-codes").stdout
    for code in EXIT_CODES:
        assert re.search(
            rf"^{code.number} +{code.name} +{re.escape(code.meaning)}", text, re.M
        )


def test_variables_are_those_of_the_options(run):
    text = run("help", "environment").stdout
    for name, option in re.findall(r"^  (IECREAD_\w+) +(--\S+)$", text, re.M):
        assert name == "IECREAD_" + option[2:].upper().replace("-", "_")
    for name in ("IECREAD_BAUD", "IECREAD_FORMAT", "IECREAD_EXPECT_SERIAL"):
        assert name in text


def test_formats_are_those_of_the_commands(run):
    text = run("help", "formats").stdout
    named = re.findall(r"^(\w+) {2,}", text, re.M)
    shown = re.search(
        r"auto, [a-z, ]+\w", " ".join(run("readout", "-h").stdout.split())
    )
    assert named == shown[0].split(", ")


def test_every_option_of_timing_exists(run):
    text = run("help", "timing").stdout
    known = run("readout", "-h").stdout
    for option in re.findall(r"--[a-z-]+", text):
        assert option in known
