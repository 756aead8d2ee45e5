"""Patterns: small arithmetic on the number of a name, and nothing more."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bringup.inventory.pattern import BadPattern, check, fill, is_pattern

KNOWN = "known are n (number of the name), i (place in the range from 0), name, and + - * // %"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("10.1.0.{n}", "10.1.0.7"),
        ("{n:03}", "007"),
        ("{n+5:x}", "c"),
        ("{n+5:04x}", "000c"),
        ("R{i//4+1:02}", "R02"),
        ("{i%4*4+1}", "9"),
        ("{ ( n - 1 ) * 2 }", "12"),
        ("{10-3-2}", "5"),
        ("{2+3*4}", "14"),
        ("{name}.cluster", "r05-gpu-007.cluster"),
        ("{n1}-{n2}", "5-7"),
        ("{{n}}", "{n}"),
        ("plain", "plain"),
        ("", ""),
    ],
)
def test_fill(text: str, value: str) -> None:
    assert fill(text, "r05-gpu-007", 6) == value


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("R{i", '"R{i" has no closing }'),
        ("R}", '"R}" has a closing } without an opening one'),
        ("{}", '"{}": something is missing'),
        ("{n/2}", '"{n/2}": write // for a whole division'),
        ("{n+}", '"{n+}": something is missing'),
        ("{(n}", '"{(n}": a bracket is not closed'),
        ("{n 2}", f'"{{n 2}}": "2" is not understood; {KNOWN}'),
        ("{n:3}", '"{n:3}" is not understood; write for example {n}, {n:03} or {i//4+1}'),
        ("{n:}", '"{n:}" is not understood; write for example {n}, {n:03} or {i//4+1}'),
        ("{n.real}", f'"{{n.real}}": "." is not understood; {KNOWN}'),
        ("{name+1}", '"{name+1}": name stands alone, as {name}'),
        ("{__import__}", f'"{{__import__}}": "__import__" is not understood; {KNOWN}'),
        ("{n**9}", f'"{{n**9}}": "*" is not understood; {KNOWN}'),
        ("{" + "1+" * 60 + "1}", '"{' + "1+" * 39 + '1..." is not understood; write for example {n}, {n:03} or {i//4+1}'),
    ],
)  # fmt: skip
def test_what_cannot_be_read(text: str, message: str) -> None:
    with pytest.raises(BadPattern) as error:
        check(text)
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("text", "name", "message"),
    [
        ("{n}", "login", '{n} has no value: the name "login" has no number'),
        ("{n3}", "r1n2", '{n3} has no value: the name "r1n2" has only 2 numbers'),
        ("{n%(n-7)}", "gpu7", '"gpu7": a division by 0'),
        ("{999999999*999999999}", "a", '"a": a number is larger than 10^15'),
        ("{n}", "a" + "1" * 20, f'"a{"1" * 20}": a number has more than 15 digits'),
    ],
)
def test_what_has_no_value(text: str, name: str, message: str) -> None:
    with pytest.raises(BadPattern) as error:
        fill(text, name, 0)
    assert str(error.value) == message


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(1, 99), st.integers(1, 99))
def test_arithmetic_is_pythons(n: int, i: int, a: int, b: int) -> None:
    value = fill(f"{{n//{a}%{b}+i*{a}-({b}-n)}}", f"gpu{n}", i)
    assert value == str(n // a % b + i * a - (b - n))


@given(st.text(alphabet="{}ni+-*/%()0123:x name", max_size=30) | st.text(max_size=30))
def test_any_text_gives_a_value_or_a_message(text: str) -> None:
    try:
        value = fill(text, "gpu-12", 3)
    except BadPattern as bad:
        assert str(bad)
    else:
        assert value == text or is_pattern(text)
