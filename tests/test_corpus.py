"""What real meters sent: every fact and every count of the corpus beside the project.

The corpus is not part of the project; without it these tests are skipped.
"""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from iecread.protocol.telegrams import decode
from iecread.readings import Reading, Readout, readout

CORPUS = Path(__file__).parents[2] / "shared" / "corpus"
CASES = sorted(path.stem for path in CORPUS.glob("*.toml"))

CHECKS = {
    "right": "ok",
    "right-sum7": "ok-sum7",
    "wrong": "bad",
    "some wrong": "bad",
    "absent": "absent",
}


def case(name: str) -> tuple[dict[str, Any], list[Readout]]:
    facts = tomllib.loads((CORPUS / f"{name}.toml").read_text(encoding="utf-8"))
    data = (CORPUS / f"{name}.txt").read_bytes()
    return facts, [readout(telegram) for telegram in decode(data)]


def registers(readouts: list[Readout]) -> list[Reading]:
    return [reading for one in readouts for reading in one.registers]


@pytest.mark.skipif(not CASES, reason="the corpus is not beside the project")
def test_the_corpus_is_whole() -> None:
    assert len(CASES) >= 50


@pytest.mark.parametrize("name", CASES)
def test_facts(name: str) -> None:
    facts, readouts = case(name)
    for fact in facts.get("expect", []):
        same = [one for one in registers(readouts) if one.register == fact["address"]]
        group = same[fact.get("occurrence", 0)].groups[fact.get("group", 0)]
        assert (group.raw, group.unit or "") == (fact["value"], fact["unit"]), fact


@pytest.mark.parametrize("name", CASES)
def test_counts(name: str) -> None:
    facts, readouts = case(name)
    found = registers(readouts)
    assert sum(1 for one in found if one.register) == facts["data_sets"]
    assert sum(len(one.groups) for one in found) == facts["bracket_pairs"]
    rows = sum(1 for one in found if not one.register)
    assert rows == facts["continuation_groups"]


@pytest.mark.parametrize("name", CASES)
def test_identification_and_checks(name: str) -> None:
    facts, readouts = case(name)
    identification = facts.get("identification")
    for one in readouts:
        assert one.identification == identification
        p1 = facts["p1_crc"] != "absent"
        assert one.block_check == CHECKS[facts["p1_crc"] if p1 else facts["bcc"]]
        unchecked = {reading.status for reading in one.registers} == {"unchecked"}
        assert unchecked is not one.block_check.startswith("ok")
        if facts["mode"] == "D (P1)":
            assert one.mode == "D"
        elif facts["mode"] in ("A", "B", "C"):
            # the mode of captures without identification is known to their posters
            assert one.mode == (facts["mode"] if identification else None)
