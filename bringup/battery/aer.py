"""What both checks of PCIe error counters ask first: does any device count at all?"""

from __future__ import annotations

from collections.abc import Sequence

from bringup.context import Context
from bringup.errors import CannotJudge, NotApplicable
from bringup.model import Node
from bringup.parsers.pci_sysfs import Device


def need_counters(node: Node, devices: Sequence[Device], ctx: Context) -> list[Device]:
    """The devices that count errors.

    Raises NotApplicable where none does and the plan asks for no card, and CannotJudge otherwise: for the GPUs' sake
    where none is on the bus.
    """
    counting = [d for d in devices if d.aer_fatal is not None and d.aer_nonfatal is not None]
    if counting:
        return counting
    gpus = ctx.number(node, "gpu.count")
    if not gpus and not ctx.training_ports(node):
        raise NotApplicable("no device counts PCIe errors (a virtual machine), and the plan asks for none")
    gone = gpus and not any(d.is_gpu for d in devices)
    raise CannotJudge(
        f"no PCI device of {node.name} reports error counters", code="GPU-MISSING" if gone else ""
    )
