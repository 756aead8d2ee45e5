"""Do the training adapters have their full PCIe link?"""

from __future__ import annotations

from collections.abc import Iterator

from bringup.check import Check, Outputs, Plan, run
from bringup.context import Context
from bringup.defects import Fault, Severity, Who
from bringup.errors import CannotJudge, NotApplicable
from bringup.model import Finding, Measurement, Node, Stage
from bringup.parsers import bdf, pci_sysfs

PCIE_NIC_WIDTH = Fault(
    code="PCIE-NIC-WIDTH",
    title="adapter {at} runs on fewer PCIe lanes than planned",
    action="reseat the adapter at {place}; if lanes are still missing, reseat or replace its riser or cable, then "
    "the adapter",
    who=Who.HANDS_ON,
    severity=Severity.ISOLATE,
    explained_by=("HCA-MISSING",),
)
PCIE_NIC_SPEED = Fault(
    code="PCIE-NIC-SPEED",
    title="adapter {at} runs at a lower PCIe speed than planned",
    action="reseat the adapter at {place} and look at the PCIe speed setting of its slot in the BIOS; then replace "
    "its riser or cable",
    who=Who.HANDS_ON,
    severity=Severity.ISOLATE,
    explained_by=("HCA-MISSING",),
)


class NicLink(Check[Node]):
    """Every training adapter runs on the planned number of PCIe lanes at the planned speed.

    The training adapters are those of the plan; their PCI addresses come from /sys.
    """

    id = "pcie.nic-link"
    stage = Stage.PCIE
    faults = (PCIE_NIC_WIDTH, PCIE_NIC_SPEED)

    def plan(self, target: Node, ctx: Context) -> Plan:
        if not ctx.training_ports(target):
            raise NotApplicable(f"{target.name} has no training ports by plan")
        return run(target, pci_sysfs.DEVICES)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        lanes, speed = ctx.limit(target, "pcie.nic.width"), ctx.limit(target, "pcie.nic.speed")
        devices = pci_sysfs.parse(out.text(target, pci_sysfs.DEVICES))
        adapters = {device.rdma: device for device in devices if device.rdma is not None}
        planned = dict.fromkeys(port.hca for port in ctx.training_ports(target))
        silent: list[str] = []
        for hca in planned:
            device = adapters.get(hca)
            if device is None:
                continue
            at = f"{target.name}/hca/{hca}"
            if device.width is None or device.speed_gts is None:
                silent.append(f"{hca} ({bdf.short(device.address)})")
            if device.width is not None:
                yield Measurement("pcie.nic.width", device.width, "lanes", at, lanes, PCIE_NIC_WIDTH.code)
            if device.speed_gts is not None:
                yield Measurement("pcie.nic.speed", device.speed_gts, "GT/s", at, speed, PCIE_NIC_SPEED.code)
        if silent:
            raise CannotJudge(f"PCIe link not reported by {', '.join(silent)}")
        missing = [hca for hca in planned if hca not in adapters]
        if missing:
            raise CannotJudge(
                f"planned adapters are not on the PCI bus: {', '.join(missing)}", code="HCA-MISSING"
            )
