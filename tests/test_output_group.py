"""Writes that threads share: who gets what, and how many writes there are."""

import threading
import time

import pytest

from iecread.errors import OutputError
from iecread.output.group import Groups


def in_threads(groups: Groups[str, int], items: list[int]) -> dict[int, object]:
    """Put each item in a thread of its own; what became of each."""
    results: dict[int, object] = {}

    def put(item: int) -> None:
        try:
            groups.put("file", item)
            results[item] = "stored"
        except Exception as error:
            results[item] = error

    threads = [threading.Thread(target=put, args=(item,)) for item in items]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    return results


def test_those_who_wait_share_the_next_write() -> None:
    batches: list[list[int]] = []
    started, go = threading.Event(), threading.Event()

    def write(key: str, items: list[int]) -> None:
        batches.append(items)
        started.set()
        go.wait(10)

    groups = Groups(write, lambda error: False)
    first = threading.Thread(target=groups.put, args=("file", 0))
    first.start()
    started.wait(10)
    others = threading.Thread(target=in_threads, args=(groups, [*range(1, 100)]))
    others.start()
    while len(groups._places["file"].waiting) < 99:
        time.sleep(0.001)
    go.set()
    first.join(10)
    others.join(10)
    assert [len(batch) for batch in batches] == [1, 99]
    assert sorted(sum(batches, [])) == [*range(100)]
    assert groups._places == {}


def test_nobody_is_told_before_it_is_written() -> None:
    written: set[int] = set()

    def write(key: str, items: list[int]) -> None:
        time.sleep(0.002)
        written.update(items)

    groups = Groups(write, lambda error: False)
    early: list[int] = []

    def put(item: int) -> None:
        groups.put("file", item)
        if item not in written:
            early.append(item)

    threads = [threading.Thread(target=put, args=(n,)) for n in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert written == {*range(50)} and not early


def _even_only(key: str, items: list[int]) -> None:
    time.sleep(0.01)  # so that others come together
    if any(item % 2 for item in items):
        raise OutputError(f"odd: {items}")


def test_one_that_fails_does_not_fail_the_others() -> None:
    groups = Groups(_even_only, lambda error: True)
    results = in_threads(groups, [*range(20)])
    for item, result in results.items():
        assert (result == "stored") is (item % 2 == 0)
        if item % 2:
            assert str(result) == f"odd: [{item}]"


def test_what_fails_for_all_is_not_tried_again() -> None:
    calls = []

    def write(key: str, items: list[int]) -> None:
        calls.append(items)
        time.sleep(0.02)
        raise OutputError("no such folder")

    results = in_threads(Groups(write, lambda error: False), [*range(20)])
    assert all(isinstance(result, OutputError) for result in results.values())
    assert len(calls) < 20 and sum(map(len, calls)) == 20


def test_who_is_interrupted_leaves_nobody_waiting() -> None:
    started, go = threading.Event(), threading.Event()
    calls: list[list[int]] = []

    def write(key: str, items: list[int]) -> None:
        calls.append(items)
        if len(calls) == 1:
            started.set()
            go.wait(10)
        if len(calls) == 2:
            raise KeyboardInterrupt

    groups = Groups(write, lambda error: False)
    results: list[str] = []

    def put(item: int) -> None:
        try:
            groups.put("file", item)
            results.append("stored")
        except BaseException as error:
            results.append(type(error).__name__)

    first = threading.Thread(target=put, args=(0,))
    first.start()
    started.wait(10)
    others = [threading.Thread(target=put, args=(n,)) for n in (1, 2)]
    for other in others:
        other.start()
    while len(groups._places["file"].waiting) < 2:
        time.sleep(0.001)
    go.set()
    for thread in (first, *others):
        thread.join(10)
    assert sorted(results) == ["KeyboardInterrupt", "OutputError", "stored"]
    groups.put("file", 3)
    assert calls[2] == [3]


def test_places_do_not_wait_for_each_other() -> None:
    def write(key: str, items: list[int]) -> None:
        if key == "slow":
            started.set()
            assert go.wait(10)

    started, go = threading.Event(), threading.Event()
    groups = Groups(write, lambda error: False)
    slow = threading.Thread(target=groups.put, args=("slow", 1))
    slow.start()
    started.wait(10)
    groups.put("quick", 2)
    with pytest.raises(KeyError):
        groups._places["quick"]
    go.set()
    slow.join(10)
