"""Host: a network file system that is missing or dead stops every job that starts there, and looks like anything else."""

from __future__ import annotations

from collections.abc import Iterator

from bringup.battery.facts import words
from bringup.check import Check, Outputs, Plan, run
from bringup.context import Context
from bringup.defects import Fault, Severity, Who
from bringup.errors import CannotJudge, NoLimit, NotApplicable
from bringup.model import Finding, Limit, Measurement, Node, Stage, Weight
from bringup.parsers import mounts

_PLANNED = Limit(
    "storage.mounts",
    "==",
    "mounted",
    why="the profile's fact storage.mounts, or the node's own /etc/fstab",
    source="profile",
)
_ANSWERS = Limit(
    "host.mounts", "==", "answers", why="who waits for a dead mount cannot be ended", source="rule"
)


class Mounts(Check[Node]):
    """Every planned network file system is mounted, and every one that is mounted answers.

    Planned are those of the profile (`storage.mounts`) and those that the node itself mounts at boot (/etc/fstab). Each
    is asked with a deadline of its own.
    """

    id = "host.mounts"
    stage = Stage.HOST
    faults = (
        Fault(
            "MOUNT-MISSING",
            "a file system that {node} should have is not mounted",
            "mount it on {node} (mount -a), and see why that failed at boot: server, network, /etc/fstab, its service",
            Who.CONFIGURATION,
            Severity.MONITOR,
            explained_by=("ENDPOINT-UNREACHABLE",),
        ),
        Fault(
            "MOUNT-STALE",
            "a network file system of {node} does not answer",
            "see whether its server answers others; if it does, unmount it on {node} (umount -f -l) and mount it again, "
            "reboot {node} where that hangs",
            Who.SOFTWARE,
            Severity.REBOOT,
            explained_by=("ENDPOINT-UNREACHABLE",),
        ),
    )

    def plan(self, target: Node, ctx: Context) -> Plan:
        return run(target, mounts.ask(_planned(target, ctx)))

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        planned = _planned(target, ctx)
        seen = mounts.parse(out.text(target, mounts.ask(planned)))
        expected = tuple(dict.fromkeys((*planned, *seen.in_fstab)))
        network = {mount.at: mount for mount in seen.network}
        for at in expected:
            said = "mounted" if at in seen.mounted else "missing"
            yield Measurement(f"mount {at}", said, "", target.name, _PLANNED, "MOUNT-MISSING")
        unasked: list[str] = []
        for at in dict.fromkeys((*network, *(at for at in expected if at in seen.mounted))):
            answer = seen.answers.get(at)
            if answer is None:
                unasked.append(at)
                continue
            yield Measurement(f"mount {at}", answer or "answers", "", target.name, _ANSWERS, "MOUNT-STALE")
            if answer and at in network:
                message = f"{at} is {network[at].device} ({network[at].kind})"
                yield Finding("MOUNT-STALE", message, target.name, Weight.NOTE)
        if unasked:
            raise CannotJudge(
                f"too many mounts to ask them all: {len(unasked)} are left, the first {unasked[0]}"
            )
        if not expected and not network:
            raise NotApplicable("no network file system is mounted, planned or in /etc/fstab")


def _planned(node: Node, ctx: Context) -> tuple[str, ...]:
    """The places of the profile. Raises NoLimit for what cannot be one."""
    places = words(node, ctx, "storage.mounts", of="places where file systems are mounted")
    wrong = next((at for at in places if not mounts.is_place(at)), None)
    if wrong is not None:
        raise NoLimit(f"profile {node.profile}: fact storage.mounts: {wrong!r} is no absolute path")
    return places
