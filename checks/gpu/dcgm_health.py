"""What have the health watches of NVIDIA's data center tool seen?"""

from __future__ import annotations

from collections.abc import Iterator

from bringup.check import Check, Outputs, Plan, run
from bringup.context import Context
from bringup.defects import Fault, Severity, Who
from bringup.errors import CannotJudge
from bringup.model import Finding, Level, Measurement, Node, Stage, Weight
from bringup.parsers import dcgmi_health

GPU_DCGM = Fault(
    code="GPU-DCGM",
    title="NVIDIA's data center tool finds {at} unhealthy",
    action="do what the tool's own text in the evidence says for each incident, then run it again: dcgmi health -c",
    who=Who.HANDS_ON,
    severity=Severity.ISOLATE,
    explained_by=(
        "GPU-LOST", "GPU-MISSING", "GPU-DRIVER", "GPU-XID", "GPU-ECC", "GPU-REMAP-FAILED", "GPU-REMAP-PENDING",
        "GPU-INFOROM", "GPU-SLOWDOWN", "GPU-TEMPERATURE", "FM-DOWN", "NVLINK-DOWN", "NVLINK-FABRIC", "NVLINK-ERRORS",
    ),
)  # fmt: skip


class GpuDcgmHealth(Check[Node]):
    """NVIDIA's data center tool calls the node healthy.

    Its watches must have been switched on before: bringup changes nothing on a node. A node without the tool is not
    judged unless the profile requires dcgmi.
    """

    id = "gpu.dcgm-health"
    stage = Stage.GPU
    level = Level.FULL
    faults = (GPU_DCGM,)

    def plan(self, target: Node, ctx: Context) -> Plan:
        ctx.need_gpus(target, "nvidia")
        return run(target, dcgmi_health.HEALTH)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        limit = ctx.limit(target, "gpu.dcgm.health")
        answer = out.optional(target, dcgmi_health.HEALTH, ctx)
        said = answer.text if answer.text.strip() else answer.error_text
        if not said.strip():
            raise CannotJudge(f"dcgmi ended with status {answer.status} and no text")
        health = dcgmi_health.parse(said)
        yield Measurement("gpu.dcgm.health", health.overall, "", target.name, limit)
        for incident in health.incidents:
            yield Finding(GPU_DCGM.code, incident, target.name, Weight.NOTE)
