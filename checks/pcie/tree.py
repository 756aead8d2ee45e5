"""Is there a slow link between a GPU or adapter and the processor?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

from msgspec.structs import replace

from bringup.check import Check, Outputs, Plan, run
from bringup.context import Context
from bringup.defects import Fault, Severity, Who
from bringup.errors import CannotJudge, NotApplicable
from bringup.model import Finding, Limit, Measurement, Node, Stage, Weight
from bringup.parsers import bdf, nvidia_smi_xml, pci_sysfs, pci_tree
from bringup.parsers.pci_place import Places
from bringup.parsers.pci_sysfs import Device
from bringup.parsers.pci_tree import Hop

PCIE_PATH = Fault(
    code="PCIE-PATH",
    title="a PCIe link above the cards of {node} is slower than the cards: {at}",
    action="reseat the PCIe switch board, riser or retimer of {node} {place} that carries the link that the evidence "
    "names; look at the speed setting of the slot in the BIOS; then replace the part",
    who=Who.HANDS_ON,
    severity=Severity.ISOLATE,
    explained_by=(
        "GPU-LOST", "PCIE-GPU-MISSING", "PCIE-GPU-WIDTH", "PCIE-GPU-GEN", "HCA-MISSING", "PCIE-NIC-WIDTH", "PCIE-NIC-SPEED",
    ),
)  # fmt: skip
_PLANNED = ("pcie.gpu.width", "pcie.nic.width")
_GTS = {1: 2.5, 2: 5.0, 3: 8.0, 4: 16.0, 5: 32.0, 6: 64.0}
"""Speed of one lane by PCIe generation."""


class Tree(Check[Node]):
    """No PCIe link between a GPU or training adapter and its processor is slower than the card's own planned link.

    A slow link of the card itself is named at the card; one further up once, with all cards behind it. GPUs are left
    out where the profile does not say what link they have.
    """

    id = "pcie.tree"
    stage = Stage.PCIE
    faults = (PCIE_PATH,)

    def plan(self, target: Node, ctx: Context) -> Plan:
        if not ctx.number(target, "gpu.count") and not ctx.training_ports(target):
            raise NotApplicable(f"{target.name} has neither GPUs nor training ports by plan")
        return run(target, pci_tree.TREE, pci_sysfs.DEVICES, nvidia_smi_xml.QUERY)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        devices = {d.address: d for d in pci_sysfs.parse(out.text(target, pci_sysfs.DEVICES))}
        above = pci_tree.parse(out.text(target, pci_tree.TREE))
        smi = nvidia_smi_xml.read_or_none(out.get(target, nvidia_smi_xml.QUERY))
        places = Places(target.name, smi, devices.values())
        slow: dict[str, list[tuple[Device, Hop, Limit]]] = defaultdict(list)
        silent: list[str] = []
        cards = list(_cards(target, ctx, devices))
        if not cards and any(ctx.limit_or_none(target, name) for name in _PLANNED):
            code = "GPU-MISSING" if ctx.number(target, "gpu.count") else "HCA-MISSING"
            raise CannotJudge("no planned GPU or adapter answers on the PCI bus", code=code)
        for device, limit in cards:
            hops = pci_tree.hops(device, above.get(device.address, ()), devices)
            at = places.of(device)
            if not hops:
                silent.append(bdf.short(device.address))
                continue
            worst = min(hops, key=lambda hop: hop.gts)
            if limit.holds(worst.gts) or worst.at == device.address:
                yield Measurement("slowest link", worst.gts, "GT/s", at, limit)
            else:
                slow[worst.at].append((device, worst, limit))
        for address, behind_it in slow.items():
            hop, limit = behind_it[0][1], behind_it[0][2]
            at = f"{target.name}/pci/{bdf.short(address)}"
            yield Measurement("slowest link", hop.gts, "GT/s", at, limit)
            behind = ", ".join(places.of(card) for card, _, _ in behind_it)
            said = f"{hop.speed_gts:g} GT/s x{hop.width} at {bdf.short(address)}, above {behind}"
            yield Finding(PCIE_PATH.code, said, at, Weight.NOTE)
        if silent:
            raise CannotJudge(f"PCIe link not reported by {', '.join(silent)}")


def _cards(target: Node, ctx: Context, devices: Mapping[str, Device]) -> Iterator[tuple[Device, Limit]]:
    """The GPUs and training adapters that answer, each with what its way must carry. Missing ones: other checks."""
    lanes, best = ctx.limit_or_none(target, "pcie.gpu.width"), ctx.limit_or_none(target, "pcie.gpu.gen_max")
    if ctx.number(target, "gpu.count") and lanes is not None and best is not None:
        limit = _product(lanes, best, _GTS.get(int(best.value)) if not isinstance(best.value, str) else None)
        yield from ((d, limit) for d in devices.values() if d.is_gpu and d.answers)
    planned = {port.hca for port in ctx.training_ports(target)}
    if planned:
        width, speed = ctx.limit(target, "pcie.nic.width"), ctx.limit(target, "pcie.nic.speed")
        limit = _product(width, speed, None if isinstance(speed.value, str) else float(speed.value))
        yield from ((d, limit) for d in devices.values() if d.rdma in planned and d.answers)


def _product(lanes: Limit, speed: Limit, gts: float | None) -> Limit:
    """What a path must carry, from the profile's lanes and speed."""
    if gts is None or isinstance(lanes.value, str):
        raise CannotJudge(f"the limits {lanes.name} and {speed.name} give no speed")
    why = f"{lanes.value:g} lanes of {gts:g} GT/s, as planned for the card"
    return replace(lanes, name="pcie.tree", op=">=", value=lanes.value * gts, unit="GT/s", why=why)
