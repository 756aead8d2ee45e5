"""Is a PCI device listed that no longer answers?"""

from __future__ import annotations

from collections.abc import Iterator

from bringup.check import Check, Outputs, Plan, run
from bringup.context import Context
from bringup.defects import Fault, Severity, Who
from bringup.errors import CannotJudge, NotApplicable
from bringup.model import Finding, Limit, Measurement, Node, Stage
from bringup.parsers import bdf, nvidia_smi_xml, pci_sysfs
from bringup.parsers.pci_place import Places

PCIE_DEAD = Fault(
    code="PCIE-DEAD",
    title="a PCI device of {at} no longer answers",
    action="switch {node} off and on at its power supply; if the device is dead again, reseat it at {place}, "
    "then replace it",
    who=Who.HANDS_ON,
    severity=Severity.ISOLATE,
    explained_by=("GPU-LOST", "PCIE-GPU-MISSING", "HCA-MISSING", "NVME-DEAD"),
)
_RULE = Limit("pcie.dead", "==", 0, "devices", why="a device that reads as all ones is dead", source="rule")


class Dead(Check[Node]):
    """Every PCI device that is listed answers: none reads as all ones (lspci shows such a one as rev ff).

    Read from the width of its link, which the kernel asks the device for; devices without a link are not seen.
    """

    id = "pcie.dead"
    stage = Stage.PCIE
    faults = (PCIE_DEAD,)

    def plan(self, target: Node, ctx: Context) -> Plan:
        return run(target, pci_sysfs.DEVICES, nvidia_smi_xml.QUERY)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        devices = pci_sysfs.parse(out.text(target, pci_sysfs.DEVICES))
        smi = nvidia_smi_xml.read_or_none(out.get(target, nvidia_smi_xml.QUERY))
        places = Places(target.name, smi, devices)
        dead = [device for device in devices if not device.answers]
        for device in dead:
            said = f"device {bdf.short(device.address)} ({device.vendor:04x}:{device.device:04x}) reads as all ones"
            yield Finding(PCIE_DEAD.code, said, places.of(device))
        if dead:
            return
        if all(device.width is None for device in devices):
            if not ctx.number(target, "gpu.count") and not ctx.training_ports(target):
                raise NotApplicable(
                    "no device shows a PCIe link (a virtual machine), and the plan asks for none"
                )
            raise CannotJudge(
                f"no PCI device of {target.name} shows a link: nothing tells whether one is dead"
            )
        yield Measurement("dead devices", 0, "devices", target.name, _RULE)
