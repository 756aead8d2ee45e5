"""Are all GPUs on the PCI bus?"""

from __future__ import annotations

from collections.abc import Iterator

from bringup.check import Check, Outputs, Plan, run
from bringup.context import Context
from bringup.defects import Fault, Severity, Who
from bringup.errors import CannotJudge
from bringup.model import Finding, Measurement, Node, Stage, Weight
from bringup.parsers import bdf, pci_sysfs

PCIE_GPU_MISSING = Fault(
    code="PCIE-GPU-MISSING",
    title="{node} shows fewer GPUs on its PCI bus than planned",
    action="switch {node} off and on at its power supply; if a GPU is still missing, reseat the GPU or its "
    "baseboard and check its power, then replace it",
    who=Who.HANDS_ON,
    severity=Severity.ISOLATE,
    explained_by=("GPU-LOST",),
)


class GpuPresent(Check[Node]):
    """The PCI bus shows as many NVIDIA GPUs as the node should have.

    Needs no driver. A missing GPU is named where the driver still remembers its address; otherwise the
    addresses that are there are told, so that the empty place can be found.
    """

    id = "pcie.gpu-present"
    stage = Stage.PCIE
    faults = (PCIE_GPU_MISSING,)

    def plan(self, target: Node, ctx: Context) -> Plan:
        ctx.need_gpus(target, "nvidia")
        return run(target, pci_sysfs.DEVICES, pci_sysfs.DRIVER_GPUS)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        limit = ctx.limit(target, "pcie.gpu.count")
        devices = pci_sysfs.parse(out.text(target, pci_sysfs.DEVICES))
        listed = [d for d in devices if d.is_nvidia_gpu]
        present = [d.address for d in listed if d.answers]
        yield Measurement("pcie.gpu.count", len(present), "GPUs", target.name, limit, PCIE_GPU_MISSING.code)
        if limit.holds(len(present)):
            return
        for device in listed:
            if not device.answers:
                message = f"GPU {bdf.short(device.address)} is listed on the bus but reads as all ones"
                yield Finding(
                    PCIE_GPU_MISSING.code, message, f"{target.name}/gpu/{device.address}", Weight.NOTE
                )
        for address in _remembered(target, out):
            if all(address != device.address for device in listed):
                message = f"GPU {bdf.short(address)} was there when the driver was loaded"
                yield Finding(PCIE_GPU_MISSING.code, message, f"{target.name}/gpu/{address}", Weight.NOTE)
        there = ", ".join(bdf.short(address) for address in present) or "none"
        yield Finding(
            PCIE_GPU_MISSING.code, f"GPUs that answer on the bus: {there}", target.name, Weight.NOTE
        )


def _remembered(target: Node, out: Outputs) -> tuple[str, ...]:
    """The GPUs that the driver took over; none where no driver is loaded."""
    try:
        return pci_sysfs.parse_driver_gpus(out.text(target, pci_sysfs.DRIVER_GPUS))
    except CannotJudge:
        return ()
