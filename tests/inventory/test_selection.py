"""Which nodes an expression means, and what is said where it means none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bringup.errors import NothingSelected, UsageError
from bringup.inventory import Inventory, folded, select, select_names
from bringup.model import Node, Port

NODES = tuple(
    Node(
        f"gpu-{k:03}",
        rack=f"R{(k - 1) // 4 + 1:02}",
        unit=str((k - 1) % 4),
        profile="linux" if k == 16 else "hgx",
        tags=("spare", "odd") if k == 7 else ("spare",) if k == 8 else (),
        ports=(Port(0, "mlx5_0", f"leaf-{(k - 1) // 8 + 1}"), Port(1, "mlx5_1", "leaf-3" if k < 3 else "")),
    )
    for k in range(1, 17)
)
HELP = "write for example gpu-[001-008], rack:R05, leaf:leaf-3, tag:spare, @group, gpu-0*, or ! before what to leave out"
FLEET = Inventory("x", NODES, groups={"ends": ("gpu-001", "gpu-016"), "even": ("gpu-002", "gpu-004")})


@pytest.mark.parametrize(
    ("expression", "names"),
    [
        ("gpu-003", "gpu-003"),
        ("gpu-[001-003]", "gpu-[001-003]"),
        ("gpu-005,gpu-001 gpu-005", "gpu-[001,005]"),
        ("gpu-00*", "gpu-[001-009]"),
        ("gpu-0?1", "gpu-[001,011]"),
        ("*", "gpu-[001-016]"),
        ("rack:R02", "gpu-[005-008]"),
        ("rack:R[01-02]", "gpu-[001-008]"),
        ("rack:*1", "gpu-[001-004]"),
        ("unit:0", "gpu-[001,005,009,013]"),
        ("leaf:leaf-3", "gpu-[001-002]"),
        ("leaf:leaf-2", "gpu-[009-016]"),
        ("leaf:2", "gpu-[009-016]"),
        ("rack:2", "gpu-[005-008]"),
        ("tag:odd", "gpu-007"),
        ("profile:linux", "gpu-016"),
        ("@ends", "gpu-[001,016]"),
        ("@ends,@even", "gpu-[001-002,004,016]"),
        ("!gpu-[002-016]", "gpu-001"),
        ("!@ends rack:R01", "gpu-[002-004]"),
        ("rack:R01 !@ends", "gpu-[002-004]"),
    ],
)
def test_select(expression: str, names: str) -> None:
    found = select(FLEET, expression)
    assert folded(n.name for n in found) == names
    assert found == tuple(n for n in NODES if n in found)


@pytest.mark.parametrize(
    ("expression", "kind", "message"),
    [
        ("gpu001", NothingSelected, "selection: no node gpu001; did you mean gpu-001?"),
        ("gpu-[016-018]", UsageError, "selection: no nodes gpu-[017-018]; did you mean gpu-016?"),
        ("gpu-001 rack:R9", UsageError, 'selection: no node has rack "R9"; there are R01, R02, R03, R04'),
        ("rack:hall", NothingSelected, 'selection: no node has rack "hall"; there are R01, R02, R03, R04'),
        ("tag:spar", NothingSelected, 'selection: no node has tag "spar"; did you mean spare?'),
        ("@end", NothingSelected, 'selection: no group "end"; did you mean ends?'),
        ("x*", NothingSelected, 'selection: no node fits "x*"'),
        ("gpu-001,!gpu-001", NothingSelected, 'selection "gpu-001,!gpu-001": every node in it is taken away again'),
        ("rak:R01", UsageError, 'selection: "rak:" is unknown; did you mean rack?; known are rack:, unit:, leaf:, '
         "tag:, profile:"),
        ("gpu-[001", UsageError, 'selection: "gpu-[001" has no closing bracket'),
        ("gpu-[a]", UsageError, 'selection: "gpu-[a]": "a" is no range of numbers; write for example [001-016] or [1,3-5]'),
        ("gpu-0[01-02]*", NothingSelected, 'selection: "gpu-0[01-02]*" has a range and a * or ?; use one of them'),
        ("", UsageError, f"selection: nothing is written; {HELP}"),
        ("!", UsageError, f"selection: a ! stands alone; {HELP}"),
    ],
)  # fmt: skip
def test_what_is_said(expression: str, kind: type[UsageError], message: str) -> None:
    with pytest.raises(UsageError) as error:
        select(FLEET, expression)
    assert type(error.value) is kind
    assert str(error.value) == message


def test_select_names_knows_no_groups() -> None:
    assert select_names(NODES, "rack:R01 !gpu-002") == ("gpu-001", "gpu-003", "gpu-004")
    with pytest.raises(NothingSelected) as error:
        select_names(NODES, "@ends")
    assert str(error.value) == 'selection: no group "ends"'


@given(st.text(alphabet="gpu-01[]!@*?:, rackR", max_size=20) | st.text(max_size=20))
def test_any_text_selects_or_says_why(expression: str) -> None:
    try:
        found = select(FLEET, expression)
    except UsageError as error:
        assert str(error)
    else:
        assert found
        assert set(found) <= set(NODES)


@given(st.sets(st.sampled_from([n.name for n in NODES]), min_size=1))
def test_folded_names_select_themselves(names: set[str]) -> None:
    assert {n.name for n in select(FLEET, folded(names))} == names


DEFECTS = {
    "code": {"gpu-003": ["RDMA-BW", "LINK-RATE"], "gpu-005": ["RDMA-BW"]},
    "state": {"gpu-003": ["open"]},
    "id": {},
}


@pytest.mark.parametrize(
    ("expression", "names"),
    [
        ("code:RDMA*", "gpu-[003,005]"),
        ("code:LINK-RATE", "gpu-003"),
        ("code:RDMA* !state:open", "gpu-005"),
        ("state:open rack:R04", "gpu-[003,013-016]"),
        ("!state:closed", "gpu-[001-016]"),
        ("rack:R01 !code:NOTHING*", "gpu-[001-004]"),
    ],
)
def test_nodes_by_what_is_known_of_their_defects(expression: str, names: str) -> None:
    assert folded(n.name for n in select(FLEET, expression, lambda: DEFECTS)) == names


def test_defects_are_looked_up_only_where_they_are_asked_for() -> None:
    asked: list[int] = []
    select(FLEET, "rack:R01", lambda: asked.append(1) or DEFECTS)  # type: ignore[func-returns-value]
    assert asked == []


def test_where_nothing_is_known_of_defects_that_is_said() -> None:
    with pytest.raises(
        UsageError, match='"code:" is unknown; only run and plan know about defects; known are rack:,'
    ):
        select(FLEET, "code:RDMA*")
    with pytest.raises(NothingSelected, match='no node has code "RMDA-BW"; did you mean RDMA-BW'):
        select(FLEET, "code:RMDA-BW", lambda: DEFECTS)
