"""Did the kernel find a slow PCIe path when it booted?"""

from __future__ import annotations

from collections.abc import Iterator

from bringup.check import Check, Outputs, Plan, run
from bringup.context import Context
from bringup.defects import Fault, Severity, Who
from bringup.errors import CannotJudge, NotApplicable
from bringup.model import Finding, Limit, Measurement, Node, Stage, Weight
from bringup.parsers import bdf, kernel_log, nvidia_smi_xml, pci_sysfs
from bringup.parsers.kernel_log import SlowPath
from bringup.parsers.pci_place import Places
from bringup.parsers.pci_sysfs import Device

PCIE_LIMITED = Fault(
    code="PCIE-LIMITED",
    title="the kernel found a slow PCIe path to {at}",
    action="reseat the part that the evidence names (slot, riser, retimer, switch board) at {place}; look at the speed "
    "setting of the slot in the BIOS of {node}",
    who=Who.HANDS_ON,
    severity=Severity.ISOLATE,
    explained_by=(
        "PCIE-GPU-WIDTH",
        "PCIE-GPU-GEN",
        "PCIE-NIC-WIDTH",
        "PCIE-NIC-SPEED",
        "PCIE-PATH",
        "GPU-LOST",
    ),
)
_RULE = Limit(
    "pcie.limited", "==", 0, "devices", why="every path carries what its card can do", source="rule"
)


class Limited(Check[Node]):
    """The kernel found no PCIe path to a GPU or training adapter slower than the card when it booted.

    Slow paths of other devices are notes. A log that has lost the boot proves nothing.
    """

    id = "pcie.limited"
    stage = Stage.PCIE
    faults = (PCIE_LIMITED,)

    def plan(self, target: Node, ctx: Context) -> Plan:
        if not ctx.number(target, "gpu.count") and not ctx.training_ports(target):
            raise NotApplicable(f"{target.name} has neither GPUs nor training ports by plan")
        return run(target, kernel_log.LOG, pci_sysfs.DEVICES, nvidia_smi_xml.QUERY)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        log = kernel_log.parse(out.text(target, kernel_log.LOG))
        devices = {d.address: d for d in pci_sysfs.parse(out.text(target, pci_sysfs.DEVICES))}
        smi = nvidia_smi_xml.read_or_none(out.get(target, nvidia_smi_xml.QUERY))
        places = Places(target.name, smi, devices.values())
        planned = {port.hca for port in ctx.training_ports(target)}
        slow = {event.address: event for event in log.events if isinstance(event, SlowPath)}
        failed = 0
        for address, event in slow.items():
            device = devices.get(address)
            ours = device is not None and (device.is_gpu or device.rdma in planned)
            at = places.of(device) if device is not None else target.name
            failed += ours
            yield Finding(PCIE_LIMITED.code, _words(event, device), at, Weight.FAIL if ours else Weight.NOTE)
        if failed:
            return
        yield Measurement("limited devices", 0, "devices", target.name, _RULE)
        if not log.whole_boot:
            raise CannotJudge(f"the kernel log of {target.name} no longer reaches back to its boot")


def _words(event: SlowPath, device: Device | None) -> str:
    known = "" if device is not None else " (no longer there)"
    return (
        f"the path to {bdf.short(event.address)}{known} had {event.gbps:g} of {event.capable_gbps:g} Gb/s at boot, "
        f"limited by {event.speed_gts:g} GT/s x{event.width} at {bdf.short(event.at)}"
    )
