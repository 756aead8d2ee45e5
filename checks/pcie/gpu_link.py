"""Do the GPUs have their full PCIe link?"""

from __future__ import annotations

from collections.abc import Iterator

from bringup.check import Check, Outputs, Plan, run
from bringup.context import Context
from bringup.errors import CannotJudge
from bringup.model import Finding, Measurement, Node, Stage
from bringup.parsers import bdf, nvidia_smi_xml, pci_sysfs
from bringup.parsers.gpu_faults import PCIE_GPU_GEN, PCIE_GPU_WIDTH
from bringup.parsers.nvidia_smi_gpu import Gpu, Smi


class GpuLink(Check[Node]):
    """Every GPU runs on the planned number of PCIe lanes and can reach the planned generation.

    The generation at which a GPU runs now is no evidence: an idle GPU slows its link down to save power.
    What is judged is the highest one that GPU and slot allow.
    """

    id = "pcie.gpu-link"
    stage = Stage.PCIE
    faults = (PCIE_GPU_WIDTH, PCIE_GPU_GEN)

    def plan(self, target: Node, ctx: Context) -> Plan:
        ctx.need_gpus(target, "nvidia")
        return run(target, pci_sysfs.DEVICES, nvidia_smi_xml.QUERY)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        expected = ctx.need_gpus(target)
        lanes, best = ctx.limit(target, "pcie.gpu.width"), ctx.limit(target, "pcie.gpu.gen_max")
        devices = pci_sysfs.parse(out.text(target, pci_sysfs.DEVICES))
        # The driver adds the index of each GPU and what its slot allows; the bus alone is enough to judge.
        smi = nvidia_smi_xml.read_or_none(out.get(target, nvidia_smi_xml.QUERY))
        silent: list[str] = []
        gpus = [device for device in devices if device.is_nvidia_gpu and device.answers]
        for device in gpus:
            at = f"{target.name}/gpu/{smi.label(device.address) if smi else device.address}"
            highest = _highest(device, smi)
            if device.width is None or highest is None:
                silent.append(bdf.short(device.address))
            if device.width is not None:
                yield Measurement("pcie.gpu.width", device.width, "lanes", at, lanes, PCIE_GPU_WIDTH.code)
            if highest is not None:
                yield Measurement("pcie.gpu.gen_max", highest, "", at, best, PCIE_GPU_GEN.code)
        if silent:
            raise CannotJudge(f"PCIe link not reported by GPU {', '.join(silent)}")
        if len(gpus) < expected:
            raise CannotJudge(
                f"only {len(gpus)} of {expected} GPUs answer on the PCI bus, the others are not judged",
                code="PCIE-GPU-MISSING",
            )


def _highest(device: pci_sysfs.Device, smi: Smi | None) -> int | None:
    """The highest generation by the device, or by the driver where it knows that the slot allows less."""
    told = [device.max_generation, _of(smi, device.address)]
    known = [generation for generation in told if generation is not None]
    return min(known) if known else None


def _of(smi: Smi | None, address: str) -> int | None:
    gpus: tuple[Gpu, ...] = smi.answering if smi else ()
    return next((gpu.pcie.gen_max for gpu in gpus if gpu.address == address), None)
