"""Are all GPUs there, as the driver sees them?"""

from __future__ import annotations

from collections.abc import Iterator

from bringup.check import Check, Outputs, Plan, run
from bringup.context import Context
from bringup.errors import CannotJudge
from bringup.model import Finding, Measurement, Node, Stage, Weight
from bringup.parsers import bdf, nvidia_smi_xml, pci_sysfs
from bringup.parsers.gpu_faults import GPU_DRIVER, GPU_INFOROM, GPU_LOST, GPU_MISSING
from bringup.parsers.nvidia_smi_errors import Kind
from bringup.parsers.nvidia_smi_gpu import Smi


class GpuCount(Check[Node]):
    """The driver answers for as many GPUs as the node should have.

    A GPU that the driver has lost is named by index and PCI address, one that is on the bus but not in the
    driver by its PCI address. A driver that does not answer at all is its own fault.
    """

    id = "gpu.count"
    stage = Stage.GPU
    gate = "node"
    faults = (GPU_MISSING, GPU_LOST, GPU_DRIVER, GPU_INFOROM)

    def plan(self, target: Node, ctx: Context) -> Plan:
        ctx.need_gpus(target, "nvidia")
        return run(target, nvidia_smi_xml.QUERY, pci_sysfs.DEVICES)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        limit = ctx.limit(target, "gpu.count")
        try:
            smi = nvidia_smi_xml.read(out.answered(target, nvidia_smi_xml.QUERY))
        except CannotJudge as error:
            if error.code != GPU_DRIVER.code:
                raise
            yield Finding(GPU_DRIVER.code, error.reason, target.name)
            return
        yield from _complaints(target, smi)
        if not smi.gpus and smi.lost:
            return  # one lost GPU kept nvidia-smi from listing the others, so nothing is known of them
        count = len(smi.answering)
        if not limit.holds(count):
            yield from _not_in_driver(target, smi, out)
        yield Measurement("gpu.count", count, "GPUs", target.name, limit, GPU_MISSING.code)


def _complaints(target: Node, smi: Smi) -> Iterator[Finding]:
    serials = {gpu.address: gpu.serial for gpu in smi.gpus if gpu.serial}
    for address, reason in smi.lost.items():
        label = smi.label(address)
        index = f"GPU {label} at " if label != address else "GPU at "
        serial = f", serial {serials[address]}" if address in serials else ""
        message = (
            f"{index}{bdf.short(address)}{serial} does not answer the driver: {reason or 'no reason given'}"
        )
        yield Finding(GPU_LOST.code, message, f"{target.name}/gpu/{label}")
    for complaint in smi.complaints:
        if complaint.kind is Kind.INFOROM and complaint.address is not None:
            at = f"{target.name}/gpu/{smi.label(complaint.address)}"
            yield Finding(GPU_INFOROM.code, complaint.text, at)


def _not_in_driver(target: Node, smi: Smi, out: Outputs) -> Iterator[Finding]:
    """GPUs on the PCI bus that the driver does not list."""
    try:
        devices = pci_sysfs.parse(out.text(target, pci_sysfs.DEVICES))
    except CannotJudge as error:
        message = f"the PCI bus could not be read for missing GPUs: {error.reason}"
        yield Finding(GPU_MISSING.code, message, target.name, Weight.NOTE)
        return
    known = {gpu.address for gpu in smi.gpus} | set(smi.lost)
    for device in devices:
        if device.is_nvidia_gpu and device.address not in known:
            message = f"GPU {bdf.short(device.address)} is on the PCI bus but the driver does not list it"
            yield Finding(GPU_DRIVER.code, message, f"{target.name}/gpu/{device.address}")
