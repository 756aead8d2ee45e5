"""Does the PCI bus lose transactions?"""

from __future__ import annotations

from collections.abc import Iterator

from bringup.battery.aer import need_counters
from bringup.check import Check, Outputs, Plan, run
from bringup.context import Context
from bringup.errors import CannotJudge
from bringup.model import Finding, Limit, Measurement, Node, Stage, Weight
from bringup.parsers import bdf, kernel_log, nvidia_smi_xml, pci_sysfs
from bringup.parsers.gpu_faults import PCIE_AER
from bringup.parsers.kernel_log import SlowPath
from bringup.parsers.pci_place import Places
from bringup.parsers.pci_sysfs import Device
from bringup.parsers.pcie_aer import AerEvent, Severity


class Aer(Check[Node]):
    """No PCI device has counted a fatal or non-fatal PCIe error since boot.

    Corrected errors cost time only and are reported as notes, as are slow PCIe paths that the kernel found
    at boot. Where the firmware keeps the error reporting to itself (many virtual machines) there is nothing
    to read.
    """

    id = "pcie.aer"
    stage = Stage.PCIE
    faults = (PCIE_AER,)

    def plan(self, target: Node, ctx: Context) -> Plan:
        return run(target, pci_sysfs.DEVICES, nvidia_smi_xml.QUERY, kernel_log.LOG)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        fatal, nonfatal = ctx.limit(target, "pcie.aer.fatal"), ctx.limit(target, "pcie.aer.nonfatal")
        devices = pci_sysfs.parse(out.text(target, pci_sysfs.DEVICES))
        counting = need_counters(target, devices, ctx)
        smi = nvidia_smi_xml.read_or_none(out.get(target, nvidia_smi_xml.QUERY))
        places = Places(target.name, smi, devices)
        yield from _counts(target, places, counting, fatal, nonfatal)
        yield from _corrected(places, counting)
        yield from _log_notes(target, places, devices, out)


def _counts(
    target: Node, places: Places, devices: list[Device], fatal: Limit, nonfatal: Limit
) -> Iterator[Measurement | Finding]:
    """Each device that breaks a limit; the worst of the others stands for all of them."""
    for limit, counts in (
        (fatal, [(d, d.aer_fatal or 0) for d in devices]),
        (nonfatal, [(d, d.aer_nonfatal or 0) for d in devices]),
    ):
        for device, count in counts:
            if not limit.holds(count):
                at = places.of(device)
                yield Measurement(limit.name, count, "errors", at, limit, PCIE_AER.code)
                yield Finding(PCIE_AER.code, f"device {bdf.short(device.address)}", at, Weight.NOTE)
        worst = max((count for _, count in counts if limit.holds(count)), default=None)
        if worst is not None:
            yield Measurement(limit.name, worst, "errors", target.name, limit, PCIE_AER.code)


def _corrected(places: Places, devices: list[Device]) -> Iterator[Finding]:
    for device in devices:
        if device.aer_correctable:
            message = (
                f"{device.aer_correctable} corrected PCIe errors of {bdf.short(device.address)} since boot"
            )
            yield Finding(PCIE_AER.code, message, places.of(device), Weight.NOTE)


def _log_notes(target: Node, places: Places, devices: tuple[Device, ...], out: Outputs) -> Iterator[Finding]:
    """What the kernel log adds in words. Without rights to read it, the counters are judged alone."""
    try:
        events = kernel_log.parse(out.text(target, kernel_log.LOG)).events
    except CannotJudge as error:
        yield Finding(PCIE_AER.code, f"kernel log not read: {error.reason}", target.name, Weight.NOTE)
        return
    known = {device.address: places.of(device) for device in devices}
    said: dict[tuple[str, str], int] = {}
    for event in events:
        if isinstance(event, SlowPath):
            message = (
                f"at boot the path to {bdf.short(event.address)} had {event.gbps:g} of "
                f"{event.capable_gbps:g} Gb/s, limited by {event.speed_gts:g} GT/s x{event.width} "
                f"at {bdf.short(event.at)}"
            )
        elif isinstance(event, AerEvent) and event.severity is not Severity.CORRECTED:
            names = ", ".join(event.errors) or event.layer or "no details"
            message = f"{event.severity} PCIe error of {bdf.short(event.address)}: {names}"
        else:
            continue
        key = (message, known.get(event.address, target.name))
        said[key] = said.get(key, 0) + 1
    for (message, at), times in said.items():
        yield Finding(PCIE_AER.code, message + (f" ({times} times)" if times > 1 else ""), at, Weight.NOTE)
