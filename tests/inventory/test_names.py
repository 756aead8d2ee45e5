"""Ranges to names and back."""

from __future__ import annotations

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bringup.inventory import folded
from bringup.inventory.names import BadNames, expand, is_name, natural_key

NAME = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,12}", fullmatch=True)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("gpu-[001-003]", ["gpu-001", "gpu-002", "gpu-003"]),
        ("gpu[1,3-4]", ["gpu1", "gpu3", "gpu4"]),
        ("n[0-10/5]", ["n0", "n5", "n10"]),
        ("r[1-2]n[1-2]-ib", ["r1n1-ib", "r1n2-ib", "r2n1-ib", "r2n2-ib"]),
        ("b, a\tc\n", ["b", "a", "c"]),
        ("a,a", ["a", "a"]),
        ("10.1.0.[1-2]", ["10.1.0.1", "10.1.0.2"]),
        ("n[08-11]", ["n08", "n09", "n10", "n11"]),
        ("", []),
        (" , ", []),
    ],
)
def test_expand(text: str, names: list[str]) -> None:
    assert expand(text) == names


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("gpu-[001-128", '"gpu-[001-128" has no closing bracket'),
        ("gpu-001]", '"gpu-001]" has a closing bracket without an opening one'),
        ("gpu[1[2]]", '"gpu[1[2]]" has a bracket inside a bracket'),
        ("gpu[]", '"gpu[]": "" is no range of numbers; write for example [001-016] or [1,3-5]'),
        ("gpu[1-]", '"gpu[1-]": "1-" is no range of numbers; write for example [001-016] or [1,3-5]'),
        ("gpu[a-c]", '"gpu[a-c]": "a-c" is no range of numbers; write for example [001-016] or [1,3-5]'),
        ("gpu[9-1]", '"gpu[9-1]": "9-1" runs backwards'),
        ("gpu[01-2]", '"gpu[01-2]": "01-2" has numbers of different width; write both with as many digits'),
        ("gpu[1-2/0]", '"gpu[1-2/0]": "1-2/0" has the step 0'),
        ("gpu[1-2][3-4]", '"gpu[1-2][3-4]" has two ranges side by side; put a letter or dash between them'),
        (
            "gpu/1",
            '"gpu/1" has the character "/"; names are made of letters, digits, dot, underscore and dash',
        ),
        (
            "@gpus",
            '"@gpus" has the character "@"; names are made of letters, digits, dot, underscore and dash',
        ),
        (
            "gpu[1-2]!gpu1",
            '"gpu!gpu1" has the character "!"; names are made of letters, digits, dot, underscore and dash',
        ),
        ("-oProxyCommand", '"-oProxyCommand" begins with "-"; a name begins with a letter or digit'),
        ("..", '".." begins with "."; a name begins with a letter or digit'),
        ("a" * 254, '"aaaaaaaaaaaaaaaaaaaa..." is longer than 253 characters'),
        ("gpu[1-200001]", '"gpu[1-200001]" stands for more than 200,000 names'),
        ("gpu[1-999999999999]", '"gpu[1-999999999999]" stands for more than 200,000 names'),
        ("a[1-999]b[1-999]c[1-999]", '"a[1-999]b[1-999]c[1-999]" stands for more than 200,000 names'),
        ("a" + "[1]a" * 9, '"a[1]a[1]a[1]a[1]a[1]a[1]a[1]a[1]a[1]a" has more than 8 ranges'),
    ],
)
def test_expand_says_what_is_wrong(text: str, message: str) -> None:
    with pytest.raises(BadNames) as error:
        expand(text)
    assert str(error.value) == message


@given(
    st.lists(
        st.tuples(
            st.from_regex(r"[a-z]{1,3}", fullmatch=True),
            st.integers(0, 120),
            st.integers(0, 30),
            st.integers(1, 4),
        ),
        min_size=1,
        max_size=3,
    )
)
def test_expand_equals_counting(parts: list[tuple[str, int, int, int]]) -> None:
    """Against a plain count: every number of every range, padded as written."""
    text, choices = "", []
    for letters, low, more, width in parts:
        width = max(width, len(str(low + more)))
        text += f"{letters}[{low:0{width}}-{low + more:0{width}}]"
        choices.append([f"{letters}{number:0{width}}" for number in range(low, low + more + 1)])
    plain = ["".join(choice) for choice in itertools.product(*choices)]
    assert sorted(expand(text)) == sorted(plain)


@given(st.text(alphabet="ab01-[],/.! @", max_size=30) | st.text(max_size=30))
def test_any_text_gives_names_or_a_message(text: str) -> None:
    try:
        found = expand(text, most=5000)
    except BadNames as bad:
        assert str(bad)
        assert "\n" not in str(bad)
    else:
        assert all(is_name(name) for name in found)


@pytest.mark.parametrize(
    ("names", "text"),
    [
        ([], ""),
        (["gpu-003", "gpu-001", "gpu-002", "gpu-005", "gpu-001"], "gpu-[001-003,005]"),
        (["gpu10", "gpu9"], "gpu[9-10]"),
        (["login", "gpu-1"], "gpu-1,login"),
        (["r1n1", "r1n2", "r2n1", "r2n2"], "r[1-2]n[1-2]"),
        (["a1", "a01", "a001"], "a[1,01,001]"),
        (["gpu-1", "odd name", "gpu-2", "a%s1", "[", ""], "gpu-[1-2],,[,a%s1,odd name"),
    ],
)
def test_folded(names: list[str], text: str) -> None:
    assert folded(names) == text


@given(st.lists(NAME, max_size=20))
def test_folded_and_expanded_again_are_the_same_names(names: list[str]) -> None:
    assert sorted(expand(folded(names))) == sorted(set(names))


@given(
    st.lists(
        st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(0, 9)),
        min_size=129,
        max_size=200,
        unique=True,
    )
)
def test_many_names_of_three_numbers_fold_along_the_last(numbers: list[tuple[int, int, int]]) -> None:
    names = [f"{a}.{b}.x{c}" for a, b, c in numbers]
    text = folded(names)
    assert sorted(expand(text)) == sorted(names)
    assert not re.search(r"\[.*\]\.", text)


@given(st.lists(st.text(max_size=8), max_size=8))
def test_folded_never_raises(names: list[str]) -> None:
    assert isinstance(folded(names), str)


def test_natural_order() -> None:
    assert sorted(["gpu-10", "gpu-9", "a", "gpu-1b2", "gpu-1b10"], key=natural_key) == [
        "a",
        "gpu-1b2",
        "gpu-1b10",
        "gpu-9",
        "gpu-10",
    ]
