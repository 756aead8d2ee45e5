"""The plan of a retest: what failed, what was suppressed, what both need, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from support.battle import CHECKS, NODES, Cluster, battle
from support.records import replace

from bringup.check import AnyCheck
from bringup.context import Context
from bringup.life.proof import demand
from bringup.life.retest import Retest, goals_of_node, merged, retest
from bringup.model import Node
from bringup.run import RunState

CTX = Context({})


def ran(tmp_path: Path, bad: dict[tuple[str, str], bytes]) -> RunState:
    """A real run of the invented battery; `bad` are answers that are not the usual ones."""

    def answer(node: str, script: str) -> bytes | None:
        return next((said for (n, s), said in bad.items() if n == node and script.startswith(s)), None)

    return battle(tmp_path, Cluster(answer))


def planned(state: RunState, nodes: Iterable[Node] = NODES, checks: tuple[AnyCheck, ...] = CHECKS) -> Retest:
    defect = next(d for d in state.defects if "fleet" not in d.component)
    wanted = demand(state, defect)
    return retest(state, checks, merged(wanted.needs, wanted.follows), {n.name: n for n in nodes}, CTX)


def cases(plan: Retest) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for stage in plan.plans:
        for case in stage.cases:
            found.setdefault(case.check.id, []).append(case.target.key)
    return {check: sorted(targets) for check, targets in found.items()}


def test_a_port_that_is_down_is_tested_with_what_it_had_suppressed(tmp_path: Path) -> None:
    plan = planned(ran(tmp_path, {("n2", "links"): b"mlx5_0=0 mlx5_1=1"}))
    (partner,) = plan.partners
    assert cases(plan) == {
        "reach.connect": sorted(["n2", partner]),
        "gpu.count": sorted(["n2", partner]),
        "link.state": ["n2"],
        "rdma.write-bw": [f"n2 ~ {partner} rail 0"],
    }
    assert [n.name for n in plan.nodes] == sorted(["n2", partner])
    assert plan.missing == ()


def test_a_node_that_left_is_tested_with_everything_that_was_not_run(tmp_path: Path) -> None:
    plan = planned(ran(tmp_path, {("n3", "count"): b"0"}))
    (partner,) = plan.partners
    assert cases(plan) == {
        "reach.connect": sorted(["n3", partner]),
        "gpu.count": sorted(["n3", partner]),
        "link.state": ["n3"],
        "rdma.write-bw": [f"n3 ~ {partner} rail 0", f"n3 ~ {partner} rail 1"],
    }


def test_a_comparison_has_known_good_nodes_to_compare_with(tmp_path: Path) -> None:
    state = ran(tmp_path, {})
    plan = retest(state, CHECKS, {"gpu.same": ["n1"]}, {n.name: n for n in NODES}, CTX)
    everyone = [n.name for n in NODES]
    assert cases(plan) == {"reach.connect": everyone, "gpu.count": everyone, "gpu.same": ["fleet"]}


def test_nodes_that_are_sick_are_partners_of_nobody(tmp_path: Path) -> None:
    state = ran(tmp_path, {("n2", "links"): b"mlx5_0=0 mlx5_1=1", ("n1", "count"): b"0"})
    goals = {"rdma.write-bw": ["n2/hca/mlx5_0/port/1"]}
    plan = retest(state, CHECKS, goals, {n.name: n for n in NODES}, CTX)
    assert not {"n1", "n2"} & set(plan.partners)
    assert len(plan.partners) == 1


def test_without_a_partner_the_rest_is_planned_and_that_is_told(tmp_path: Path) -> None:
    state = ran(tmp_path, {("n2", "links"): b"mlx5_0=0 mlx5_1=1"})
    alone = [replace(n, profile="other") if n.name != "n2" else n for n in NODES]
    plan = planned(state, alone)
    assert cases(plan) == {"reach.connect": ["n2"], "gpu.count": ["n2"], "link.state": ["n2"]}
    assert plan.missing == ("n2: no node of its profile is left as a partner for rdma.write-bw",)


def test_two_of_one_round_share_no_node_and_no_two_tests_a_name(tmp_path: Path) -> None:
    state = ran(tmp_path, {})
    goals = {"rdma.write-bw": [f"n{i}/hca/mlx5_0/port/1" for i in range(1, 6)]}
    plan = retest(state, CHECKS, goals, {n.name: n for n in NODES}, CTX)
    keys = []
    for stage in plan.plans:
        for battles in stage.rounds:
            names = [name for b in battles for name in (b.a.name, b.b.name)]
            assert len(names) == len(set(names))
            keys += [c.target.key for b in battles for c in b.cases]
    assert len(keys) == len(set(keys))
    assert {f"n{i}" for i in range(1, 6)} <= {name for key in keys for name in key.split()}


def test_everything_of_a_node(tmp_path: Path) -> None:
    state = ran(tmp_path, {})
    plan = retest(state, CHECKS, goals_of_node(state, CHECKS, "n4"), {n.name: n for n in NODES}, CTX)
    assert set(cases(plan)) == {c.id for c in CHECKS}
    assert "n4" in cases(plan)["link.state"]
    assert len(cases(plan)["link.state"]) == 1


def test_what_is_not_there_any_more_is_not_planned(tmp_path: Path) -> None:
    state = ran(tmp_path, {("n2", "links"): b"mlx5_0=0 mlx5_1=1"})
    assert planned(state, [n for n in NODES if n.name != "n2"]).plans == ()
    assert planned(state, NODES, ()).plans == ()
