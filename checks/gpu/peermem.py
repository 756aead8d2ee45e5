"""Can the fabric adapters read and write GPU memory directly?"""

from __future__ import annotations

from collections.abc import Iterator

from bringup.check import Check, Outputs, Plan, run
from bringup.context import Context
from bringup.defects import Fault, Severity, Who
from bringup.errors import CannotJudge, NotApplicable
from bringup.model import Finding, Limit, Measurement, Node, Stage
from bringup.parsers import modules
from bringup.parsers.modules import Modules

GPU_PEERMEM = Fault(
    code="PEERMEM-MISSING",
    title="the adapters of {node} cannot reach GPU memory",
    action="on {node}: modprobe nvidia_peermem and load it at every boot, or install the driver with open kernel "
    "modules, whose dma-buf does the same",
    who=Who.SOFTWARE,
    severity=Severity.REBOOT,
    explained_by=("GPU-DRIVER", "GPU-MISSING"),
)
_MODULES = ("nvidia_peermem", "nv_peer_mem")
_DMABUF_DRIVER = 515
_DMABUF_KERNEL = (5, 12)
_RULE = Limit(
    "gpu.peermem",
    "!=",
    "none",
    why="GPUDirect RDMA needs nvidia_peermem, or dma-buf of the open driver (515) on kernel 5.12 and later",
    source="rule",
)


class GpuPeermem(Check[Node]):
    """GPU memory can be given to the fabric adapters: nvidia_peermem is loaded, or the driver can do dma-buf.

    Either of the two suffices. That a transfer really uses it is for the bandwidth tests.
    """

    id = "gpu.peermem"
    stage = Stage.GPU
    faults = (GPU_PEERMEM,)

    def plan(self, target: Node, ctx: Context) -> Plan:
        ctx.need_gpus(target, "nvidia")
        if not ctx.training_ports(target):
            raise NotApplicable(f"{target.name} has no planned fabric ports")
        return run(target, modules.MODULES)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        found = modules.parse(out.text(target, modules.MODULES))
        if found.driver is None and not found.has("nvidia"):
            raise CannotJudge("the NVIDIA driver is not loaded", code="GPU-DRIVER")
        yield Measurement("gpu.peermem", _way(found), "", target.name, _RULE)


def _way(found: Modules) -> str:
    for name in _MODULES:
        if name in found.loaded:
            return name
    dmabuf = found.open_driver and (found.driver or 0) >= _DMABUF_DRIVER and found.kernel >= _DMABUF_KERNEL
    return "dma-buf" if dmabuf else "none"
