"""Any input at all: the seeds of fuzzing, and some damage to them."""

import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.append(str(Path(__file__).parent / "fuzz"))
from seeds import seeds
from targets import TARGETS


def test_each_target_has_seeds() -> None:
    assert all(seeds(target) for target in TARGETS)


@pytest.mark.parametrize("target", TARGETS)
def test_seeds_and_what_is_left_of_them(target: str) -> None:
    for seed in seeds(target):
        for end in (len(seed), len(seed) // 2, 1, 0):
            TARGETS[target](seed[:end])


@pytest.mark.parametrize("target", TARGETS)
def test_damage_of_any_kind(target: str) -> None:
    places = st.lists(
        st.tuples(st.integers(0, 400), st.integers(0, 3), st.binary(max_size=8)),
        max_size=8,
    )

    @settings(max_examples=15, deadline=None)
    @given(st.sampled_from(seeds(target)), places)
    def check(seed: bytes, damage: list[tuple[int, int, bytes]]) -> None:
        for place, cut, said in damage:
            seed = seed[:place] + said + seed[place + cut :]
        TARGETS[target](seed)

    check()
