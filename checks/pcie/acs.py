"""Does access control send transfers between GPU and adapter on a detour through the processor?"""

from __future__ import annotations

from collections.abc import Iterator

from bringup.check import Check, Outputs, Plan, run
from bringup.context import Context
from bringup.defects import Fault, Severity, Who
from bringup.errors import CannotJudge, NotApplicable
from bringup.model import Finding, Measurement, Node, Stage, Weight
from bringup.parsers import bdf, pci_capabilities, pci_sysfs, pci_tree

PCIE_ACS = Fault(
    code="PCIE-ACS",
    title="access control (ACS) is on above the GPUs and adapters of {node}",
    action="switch ACS off in the BIOS of {node}, or with setpci at every boot (not on nodes that host virtual machines)",
    who=Who.CONFIGURATION,
    severity=Severity.REBOOT,
)
_REDIRECTS = frozenset({"SrcValid", "ReqRedir", "CmpltRedir", "UpstreamFwd"})
_NAMED = 4


class Acs(Check[Node]):
    """Access control (ACS) is off on every PCI bridge above a GPU or training adapter.

    Only root sees it. Where the capabilities are hidden, an ACS line that is missing means nothing.
    """

    id = "pcie.acs"
    stage = Stage.PCIE
    faults = (PCIE_ACS,)

    def plan(self, target: Node, ctx: Context) -> Plan:
        ctx.need_gpus(target)
        return run(target, pci_capabilities.CAPABILITIES, pci_tree.TREE, pci_sysfs.DEVICES)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        limit = ctx.limit(target, "pcie.acs")
        devices = pci_sysfs.parse(out.text(target, pci_sysfs.DEVICES))
        above = pci_tree.parse(out.text(target, pci_tree.TREE))
        planned = {port.hca for port in ctx.training_ports(target)}
        cards = [d.address for d in devices if d.answers and (d.is_gpu or d.rdma in planned)]
        bridges = dict.fromkeys(bridge for card in cards for bridge in above.get(card, ()))
        if not cards:
            raise CannotJudge(
                f"no GPU or training adapter of {target.name} answers on the PCI bus", code="GPU-MISSING"
            )
        if not bridges:
            raise NotApplicable("no bridge stands above a GPU or training adapter (a virtual machine)")
        shown = {
            c.address: c for c in pci_capabilities.parse(out.text(target, pci_capabilities.CAPABILITIES))
        }
        on = [
            b
            for b in bridges
            if b in shown and not shown[b].hidden and (shown[b].acs or frozenset()) & _REDIRECTS
        ]
        if on:
            yield Measurement("acs", "on", "", target.name, limit)
            yield Finding(PCIE_ACS.code, _words(on, shown), target.name, Weight.NOTE)
        dark = [b for b in bridges if b not in shown or shown[b].hidden]
        if dark:
            why = (
                "lspci shows their capabilities to root only"
                if any(b in shown for b in dark)
                else "lspci lists them not"
            )
            raise CannotJudge(f"ACS of {len(dark)} of {len(bridges)} bridges is not known: {why}")
        if not on:
            yield Measurement("acs", "off", "", target.name, limit)


def _words(on: list[str], shown: dict[str, pci_capabilities.Capabilities]) -> str:
    said = [
        f"{bdf.short(b)} ({', '.join(sorted((shown[b].acs or frozenset()) & _REDIRECTS))})"
        for b in on[:_NAMED]
    ]
    more = f" and {len(on) - _NAMED} more" if len(on) > _NAMED else ""
    return f"on at {', '.join(said)}{more}"
