"""Host: a container that the last tenant left behind holds GPUs, memory and secrets of somebody who is gone."""

from __future__ import annotations

from collections.abc import Iterator

from bringup.battery.facts import words
from bringup.check import Check, Outputs, Plan, run
from bringup.context import Context
from bringup.defects import Fault, Severity, Who
from bringup.errors import CannotJudge, NotApplicable
from bringup.model import Finding, Level, Limit, Measurement, Node, Stage, Weight
from bringup.parsers import containers
from bringup.parsers.containers import Container

_RULE = Limit(
    "host.containers",
    "==",
    0,
    "",
    why="a node is handed over without its last tenant's containers",
    source="rule",
)
_NAMED = 5


class Containers(Check[Node]):
    """No container is left on the node but those that the profile expects.

    Expected are names and images that hold a word of `tenant.containers.allowed`, and the Kubernetes namespaces of
    `tenant.namespaces.allowed`. Asked are docker, podman, nerdctl, crictl and enroot, where they are installed.
    """

    id = "host.containers"
    stage = Stage.HOST
    level = Level.STANDARD
    faults = (
        Fault(
            "CONTAINER-LEFT",
            "containers are left on {node}",
            "make sure that nobody needs them, then remove them on {node} with the commands of the evidence; what belongs "
            "to the site goes into the profile (tenant.containers.allowed)",
            Who.SOFTWARE,
            Severity.MONITOR,
        ),
    )

    def plan(self, target: Node, ctx: Context) -> Plan:
        return run(target, containers.CONTAINERS)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        allowed = words(target, ctx, "tenant.containers.allowed")
        namespaces = words(target, ctx, "tenant.namespaces.allowed")
        seen = containers.parse(out.text(target, containers.CONTAINERS))
        if not seen.names:
            raise NotApplicable(f"no container runtime is installed on {target.name}")
        left = [c for c in seen.containers if not _is_allowed(c, allowed, namespaces)]
        # Where there are some the findings name them; the count then only informs.
        yield Measurement("containers left", len(left), "", target.name, None if left else _RULE)
        for one in left[:_NAMED]:
            what = f"{one.name} ({one.image or one.runtime}), {one.status or 'state unknown'}"
            yield Finding("CONTAINER-LEFT", f"{what}; to remove it: {one.removal}", target.name)
        if len(left) > _NAMED:
            yield Finding("CONTAINER-LEFT", f"{len(left) - _NAMED} more", target.name)
        for name in seen.down:
            message = f"{name} is installed and its daemon does not run"
            yield Finding("CONTAINER-LEFT", message, target.name, Weight.NOTE)
        if seen.failed:
            said = "; ".join(f"{name}: {why[:120]}" for name, why in seen.failed.items())
            raise CannotJudge(f"not all containers are known: {said}")


def _is_allowed(one: Container, names: tuple[str, ...], namespaces: tuple[str, ...]) -> bool:
    if one.namespace and one.namespace in namespaces:
        return True
    return any(word in one.name or word in one.image for word in names)
