"""Does every training adapter sit next to a GPU?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from bringup.check import Check, Outputs, Plan, run
from bringup.context import Context
from bringup.errors import CannotJudge, NoLimit, NotApplicable
from bringup.model import Finding, Limit, Measurement, Node, Stage, Weight
from bringup.parsers import nvidia_smi_topo, pci_sysfs
from bringup.parsers.nvidia_smi_errors import answer
from bringup.parsers.nvidia_smi_topo import Topology
from bringup.parsers.pcie_faults import NIC_AFFINITY

_NEAREST_FIRST = ("PIX", "PXB", "PHB", "NODE", "SYS")


class _Near(NamedTuple):
    """The nearest GPUs of an adapter and the way to them."""

    path: str
    gpus: tuple[str, ...]


class Affinity(Check[Node]):
    """Every training adapter reaches a GPU over PCIe switches alone, on a path that the profile accepts.

    Which paths are good is the profile's fact `pcie.affinity.paths`, without which they are readings only; virtual
    machines show longer paths than they have. An adapter that is near to another GPU than that of its rail is a note.
    """

    id = "pcie.affinity"
    stage = Stage.PCIE
    collects = True
    faults = (NIC_AFFINITY,)

    def plan(self, target: Node, ctx: Context) -> Plan:
        ctx.need_gpus(target, "nvidia")
        if not ctx.training_ports(target):
            raise NotApplicable(f"{target.name} has no training ports by plan")
        return run(target, nvidia_smi_topo.TOPOLOGY, pci_sysfs.DEVICES)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        accepted = _accepted(target, ctx)
        text, _ = answer(out.answered(target, nvidia_smi_topo.TOPOLOGY))
        topology = nvidia_smi_topo.parse(text)
        ports = ctx.training_ports(target)
        listed = {d.rdma for d in pci_sysfs.parse(out.text(target, pci_sysfs.DEVICES))}
        missing: list[str] = []
        for port in ports:
            near = _near(topology, port.hca)
            if near is None:
                missing.append(port.hca)
                continue
            if accepted and near.path not in accepted and len(topology.gpus) < ctx.need_gpus(target):
                raise CannotJudge(
                    f"only {len(topology.gpus)} GPUs are in the table: {port.hca} may be next to a missing one",
                    code="GPU-MISSING",
                )
            at = f"{target.name}/hca/{port.hca}"
            good = near.path in accepted
            limit = Limit(
                "pcie.affinity.paths", "==", near.path if good else " or ".join(accepted),
                why="a fact of the profile", source="profile",
            )  # fmt: skip
            yield Measurement("path to the nearest GPU", near.path, "", at, limit if accepted else None)
            if len(ports) == len(topology.gpus) and f"GPU{port.rail}" not in near.gpus:
                said = f"rail {port.rail}: nearest to {', '.join(near.gpus)}, not to GPU{port.rail}"
                yield Finding(NIC_AFFINITY.code, said, at, Weight.NOTE)
        if missing:
            gone = not any(hca in listed for hca in missing)
            raise CannotJudge(
                f"nvidia-smi topo names no adapter {', '.join(missing)}", code="HCA-MISSING" if gone else ""
            )


def _accepted(node: Node, ctx: Context) -> tuple[str, ...]:
    """The paths that the profile takes for good; none where it does not say."""
    value = ctx.fact_if_any(node, "pcie.affinity.paths")
    if value is None:
        return ()
    if not isinstance(value, list | tuple) or not value or not set(value) <= set(_NEAREST_FIRST):
        known = ", ".join(_NEAREST_FIRST)
        raise NoLimit(
            f"profile {node.profile}: fact pcie.affinity.paths is {value!r}, needed a list of {known}"
        )
    return tuple(str(path) for path in value)


def _near(topology: Topology, hca: str) -> _Near | None:
    """The nearest GPUs of an adapter. None where the table names it not, or more than once (cut names)."""
    for path in _NEAREST_FIRST:
        gpus = tuple(gpu.name for gpu in topology.gpus if hca in topology.nearest_nics(gpu.name, path))
        if gpus:
            return _Near(path, gpus)
    return None
