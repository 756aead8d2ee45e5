"""May the adapters ask for large pieces of memory at once?"""

from __future__ import annotations

from collections.abc import Iterator

from bringup.check import Check, Outputs, Plan, run
from bringup.context import Context
from bringup.defects import Fault, Severity, Who
from bringup.errors import CannotJudge, NotApplicable
from bringup.model import Finding, Measurement, Node, Stage
from bringup.parsers import pci_capabilities, pci_sysfs

PCIE_READ_REQUEST = Fault(
    code="PCIE-READ-REQUEST",
    title="adapter {at} may only ask for small pieces of memory",
    action="set MaxReadReq of {at} to the planned size (the BIOS, mlxconfig, or setpci at every boot)",
    who=Who.CONFIGURATION,
    severity=Severity.REBOOT,
    explained_by=("HCA-MISSING",),
)


class ReadRequest(Check[Node]):
    """Every training adapter may ask for memory in pieces of the planned size (MaxReadReq).

    Only root sees it. Without a size in the profile it is a reading.
    """

    id = "pcie.read-request"
    stage = Stage.PCIE
    collects = True
    faults = (PCIE_READ_REQUEST,)

    def plan(self, target: Node, ctx: Context) -> Plan:
        if not ctx.training_ports(target):
            raise NotApplicable(f"{target.name} has no training ports by plan")
        return run(target, pci_capabilities.CAPABILITIES, pci_sysfs.DEVICES)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        limit = ctx.limit_or_none(target, "pcie.read_request")
        devices = pci_sysfs.parse(out.text(target, pci_sysfs.DEVICES))
        adapters = {device.rdma: device for device in devices if device.rdma is not None}
        shown = {
            c.address: c for c in pci_capabilities.parse(out.text(target, pci_capabilities.CAPABILITIES))
        }
        planned = dict.fromkeys(port.hca for port in ctx.training_ports(target))
        dark: list[str] = []
        for hca in planned:
            device = adapters.get(hca)
            seen = shown.get(device.address) if device is not None else None
            if device is None:
                continue
            if seen is None or seen.hidden or seen.read_request is None:
                dark.append(hca)
                continue
            yield Measurement("MaxReadReq", seen.read_request, "bytes", f"{target.name}/hca/{hca}", limit)
        if dark:
            raise CannotJudge(f"MaxReadReq of {', '.join(dark)} is not known: lspci shows it to root only")
        missing = [hca for hca in planned if hca not in adapters]
        if missing:
            raise CannotJudge(
                f"planned adapters are not on the PCI bus: {', '.join(missing)}", code="HCA-MISSING"
            )
