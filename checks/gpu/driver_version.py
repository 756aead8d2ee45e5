"""A driver that all nodes share is still the wrong one if the site has accepted another."""

from __future__ import annotations

from collections.abc import Iterator

from bringup.battery.facts import words
from bringup.check import Check, Outputs, Plan, run
from bringup.context import Context
from bringup.defects import Fault, Severity, Who
from bringup.errors import CannotJudge, NotApplicable
from bringup.model import Finding, Limit, Measurement, Node, Stage
from bringup.parsers import host

APPROVED = "gpu.driver.approved"
_WHY = "the profile's fact gpu.driver.approved"


class GpuDriverVersion(Check[Node]):
    """The GPU driver is one of the versions that the profile has approved.

    Only where the profile names them (fact `gpu.driver.approved`); whether all nodes run the same one is for
    `host.drift`.
    """

    id = "gpu.driver-version"
    stage = Stage.GPU
    faults = (
        Fault(
            "GPU-DRIVER-VERSION",
            "{node} runs a GPU driver that the site has not approved",
            "install an approved driver on {node} (re-image it) together with its fabric manager, or approve this version "
            "in the profile",
            Who.SOFTWARE,
            Severity.REBOOT,
            explained_by=("GPU-DRIVER", "VERSION-MINORITY"),
        ),
    )

    def plan(self, target: Node, ctx: Context) -> Plan:
        ctx.need_gpus(target)
        if not words(target, ctx, APPROVED):
            raise NotApplicable(f"profile {target.profile} approves no driver ({APPROVED})")
        return run(target, host.VERSIONS)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        approved = words(target, ctx, APPROVED)
        seen = host.parse_versions(out.text(target, host.VERSIONS))
        version = seen.nvidia or seen.amdgpu
        if version is None:
            said = "the version of the GPU driver is not told; it may not be loaded"
            raise CannotJudge(said, code=self.faults[0].code)
        expected = version if version in approved else " or ".join(approved)
        limit = Limit("gpu.driver.approved", "==", expected, why=_WHY, source="profile")
        yield Measurement("driver", version, "", target.name, limit)
