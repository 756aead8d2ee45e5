"""What a plan costs: rounds that do not grow with the fleet, turns where nodes must wait, all pairs only when asked for."""

from __future__ import annotations

import itertools

import pytest
from support.battle import Bandwidth, Reached

from bringup.context import Context
from bringup.fleet import MOST_WORKERS
from bringup.model import Node, Port
from bringup.orchestrator import Budget, StagePlan, confirm_s, make_plan
from bringup.orchestrator.plan import FIRST_PORT, MOST_ROUNDS


class Mesh(Bandwidth):
    """Each node would meet a hundred others."""

    id, rounds = "rdma.mesh", 100


def rdma(count: int, check: Bandwidth, budget: Budget | None = None) -> StagePlan:
    nodes = [
        Node(f"n{k:04}", profile="p", ports=(Port(0, "mlx5_0", f"leaf-{k // 16}"),)) for k in range(count)
    ]
    return make_plan([Reached(), check], nodes, Context({}), budget)[1]


def met(plan: StagePlan) -> list[frozenset[str]]:
    return [frozenset((b.a.name, b.b.name)) for battles in plan.rounds for b in battles]


def test_with_workers_for_all_the_time_does_not_grow_with_the_fleet() -> None:
    plans = [rdma(count, Bandwidth(), Budget(MOST_WORKERS)) for count in (64, 1024, 4096)]
    assert {len(plan.rounds) for plan in plans} == {3}
    assert len({plan.estimate_s for plan in plans}) == 1
    assert len({confirm_s(plan, MOST_WORKERS) for plan in plans}) == 1
    assert (
        rdma(1024, Bandwidth()).estimate_s == plans[0].estimate_s
    )  # as `bringup run` does it unless told otherwise


def test_pairs_that_wait_for_others_are_counted() -> None:
    alone = rdma(64, Bandwidth(), Budget(workers=32))
    turns = rdma(256, Bandwidth(), Budget(workers=32))
    assert turns.estimate_s == 4 * alone.estimate_s
    assert confirm_s(turns, 32) == 4 * confirm_s(alone, 32)


def test_what_grows_with_the_fleet_is_asked_for() -> None:
    assert len(rdma(40, Mesh()).rounds) == MOST_ROUNDS
    every = rdma(40, Mesh(), Budget(all_pairs=True))
    assert len(every.rounds) == 39
    assert sorted(map(sorted, met(every))) == [
        [a, b] for a, b in itertools.combinations([f"n{k:04}" for k in range(40)], 2)
    ]


@pytest.mark.parametrize("count", [9, 40])
def test_servers_never_listen_where_clients_of_linux_do(count: int) -> None:
    every = rdma(count, Mesh(), Budget(all_pairs=True))
    ports = {c.listen_port for battles in every.rounds for b in battles for c in b.cases}
    assert min(ports) >= FIRST_PORT and max(ports) < 32768
