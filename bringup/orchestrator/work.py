"""From cases to work for the fleet: one script per node, one duel per pair of nodes, one team per test of several. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from bringup.check import Serve, Together
from bringup.commands import Command
from bringup.fleet import Duel, Job, Team
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


def teams(cases: Sequence[Case]) -> list[Team]:
    """Tests whose steps run at the same time; those of the same nodes take turns."""
    bouts: dict[frozenset[str], list[tuple[Job, ...]]] = {}
    for case in cases:
        if isinstance(case.plan, Together):
            jobs = tuple(Job(step.node, (step.command,), 1) for step in case.steps)
            bouts.setdefault(frozenset(job.node.name for job in jobs), []).append(jobs)
    return [Team(tuple(mine)) for mine in bouts.values()]


def jobs_of(cases: Sequence[Case], lanes: int = LANES) -> list[Job]:
    """One job for each node with the distinct commands that the other cases run there."""
    nodes: dict[str, Node] = {}
    commands: dict[str, dict[Command, None]] = {}
    for case in cases:
        if isinstance(case.plan, Serve | Together):
            continue
        for step in case.steps:
            nodes[step.node.name] = step.node
            commands.setdefault(step.node.name, {})[step.command] = None
    return [Job(nodes[name], tuple(mine), lanes) for name, mine in commands.items()]
