"""From cases to work for the fleet: one script per node with every distinct command, one duel per pair of nodes. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from bringup.check import Serve
from bringup.commands import Command
from bringup.fleet import Duel, Job
from bringup.model import Node
from bringup.orchestrator.plan import LANES, Case


def duels(cases: Sequence[Case]) -> list[Duel]:
    """Server and client jobs of all cases that serve, merged per pair of nodes."""
    merged: dict[tuple[str, str], list[Serve]] = {}
    for case in cases:
        if isinstance(case.plan, Serve):
            merged.setdefault((case.plan.server.node.name, case.plan.client.node.name), []).append(case.plan)
    return [
        Duel(
            Job(serves[0].server.node, tuple(dict.fromkeys(s.server.command for s in serves))),
            Job(serves[0].client.node, tuple(dict.fromkeys(s.client.command for s in serves))),
        )
        for serves in merged.values()
    ]


def jobs_of(cases: Sequence[Case], lanes: int = LANES) -> list[Job]:
    """One job for each node with the distinct commands that the other cases run there."""
    nodes: dict[str, Node] = {}
    commands: dict[str, dict[Command, None]] = {}
    for case in cases:
        if isinstance(case.plan, Serve):
            continue
        for step in case.steps:
            nodes[step.node.name] = step.node
            commands.setdefault(step.node.name, {})[step.command] = None
    return [Job(nodes[name], tuple(mine), lanes) for name, mine in commands.items()]
