"""After the load: the PCIe errors of every device again. Corrected ones cost time, and many of them mean a bad slot."""

from __future__ import annotations

from collections.abc import Iterator

from bringup.battery.aer import need_counters
from bringup.battery.rises import Count, Rule, again, rises
from bringup.check import Check, Outputs, Plan
from bringup.context import Context
from bringup.errors import CannotJudge
from bringup.model import Finding, Level, Measurement, Node, Stage
from bringup.parsers import nvidia_smi_xml, pci_sysfs
from bringup.parsers.gpu_faults import PCIE_AER
from bringup.parsers.nvidia_smi_gpu import Smi
from bringup.parsers.pci_place import Places

_FATAL, _NONFATAL, _CORRECTED = "pcie.aer.fatal", "pcie.aer.nonfatal", "pcie.aer.corrected"


class PcieAer(Check[Node]):
    """No PCI device has counted a PCIe error during the run, except a few corrected ones."""

    id = "after.pcie-aer"
    stage = Stage.AFTER
    level = Level.STANDARD
    compares = True
    faults = (PCIE_AER,)

    def plan(self, target: Node, ctx: Context) -> Plan:
        return again(target, pci_sysfs.DEVICES, nvidia_smi_xml.QUERY)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        rules = {
            _FATAL: Rule(ctx.limit(target, "pcie.aer.fatal"), PCIE_AER.code),
            _NONFATAL: Rule(ctx.limit(target, "pcie.aer.nonfatal"), PCIE_AER.code),
            _CORRECTED: Rule(ctx.limit(target, "pcie.rise.corrected"), PCIE_AER.code),
        }
        # A GPU that is lost meanwhile has no index any more, so both readings take the names of one.
        smi = _smi(target, out.before) or _smi(target, out)
        first = pci_sysfs.parse(out.before.text(target, pci_sysfs.DEVICES))
        places = Places(target.name, smi, first)

        def read(outputs: Outputs) -> Iterator[Count]:
            return _counts(target, ctx, places, outputs)

        yield from rises(target, out, pci_sysfs.DEVICES, read, rules)


def _smi(node: Node, outputs: Outputs) -> Smi | None:
    """The driver's list of GPUs; without it, devices are named by their address."""
    try:
        return nvidia_smi_xml.read_or_none(outputs.get(node, nvidia_smi_xml.QUERY))
    except CannotJudge:
        return None


def _counts(node: Node, ctx: Context, places: Places, outputs: Outputs) -> Iterator[Count]:
    devices = pci_sysfs.parse(outputs.text(node, pci_sysfs.DEVICES))
    need_counters(node, devices, ctx)
    for device in devices:
        at = places.of(device)
        for name, count in (
            (_FATAL, device.aer_fatal),
            (_NONFATAL, device.aer_nonfatal),
            (_CORRECTED, device.aer_correctable),
        ):
            if count is not None:
                yield Count(at, name, count)
