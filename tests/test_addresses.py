"""Lists of addresses, as they are typed and as they are asked."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iecread.addresses import AddressList


@pytest.mark.parametrize(
    ("words", "addresses"),
    [
        (["7"], ["7"]),
        (["7,12"], ["7", "12"]),
        (["8-11", "A1"], ["8", "9", "10", "11", "A1"]),
        (["0008-0011"], ["0008", "0009", "0010", "0011"]),
        (["08-11"], ["08", "09", "10", "11"]),
        (["98-101"], ["98", "99", "100", "101"]),
        (["0-2"], ["0", "1", "2"]),
        ([" 1 ; 2,"], ["1", "2"]),
    ],
)
def test_a_list(words: list[str], addresses: list[str]) -> None:
    listed = AddressList(words)
    assert [*listed] == addresses
    assert [listed[n] for n in range(listed.count)] == addresses
    assert [*AddressList([listed.text])] == addresses


@given(st.integers(0, 10**32 - 1), st.integers(0, 10**9), st.integers(0, 10**9))
def test_a_range_may_be_as_long_as_it_likes(first: int, more: int, at: int) -> None:
    last = min(first + more, 10**32 - 1)
    listed = AddressList([f"{first}-{last}"])
    assert listed.count == last - first + 1 >= len(listed) > 0
    at = min(at, listed.count - 1)
    assert listed[at] == str(first + at)


def test_a_file(tmp_path) -> None:
    file = tmp_path / "list.txt"
    file.write_bytes(b"\xef\xbb\xbf# feeders\r\n1-3\r\n\r\n  00012345  # cellar\r\n")
    assert [*AddressList([f"@{file}", "9"])] == ["1", "2", "3", "00012345", "9"]
    with pytest.raises(OSError, match="No such file"):
        AddressList([f"@{file}x"])


@pytest.mark.parametrize("word", ["", ",", "9-1", "1-", "a-b", "1.8.0", "1" * 33, "ä"])
def test_no_list(word: str) -> None:
    with pytest.raises(ValueError):
        AddressList([word])


@pytest.mark.parametrize("index", [-1, 3])
def test_beyond_the_end(index: int) -> None:
    with pytest.raises(IndexError):
        AddressList(["1-3"])[index]
