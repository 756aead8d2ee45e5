"""Does the node have GPUs that its profile knows nothing of?"""

from __future__ import annotations

from collections.abc import Iterator

from bringup.check import Check, Outputs, Plan, run
from bringup.context import Context
from bringup.defects import Fault, Severity, Who
from bringup.errors import CannotJudge, NotApplicable
from bringup.model import Finding, Limit, Measurement, Node, Stage
from bringup.parsers import pci_sysfs

_FOR_COMPUTING = (0x0302, 0x0380, 0x1200)
"""PCI classes of GPUs that drive no screen, whoever made them; the display chip of a mainboard is another one."""
_MAKERS = (pci_sysfs.NVIDIA, pci_sysfs.AMD)


class GpuUnplanned(Check[Node]):
    """A node whose profile has no GPUs shows none on its PCI bus.

    Without this, a GPU node with a profile for processors alone would be ready with GPUs that nobody has looked at.
    """

    id = "pcie.gpu-unplanned"
    stage = Stage.PCIE
    faults = (
        Fault(
            "GPU-NO-PROFILE",
            "{node} has GPUs that its profile does not know",
            "give {node} the profile of its GPUs in the inventory (bringup profile show lists all); a model that none of"
            " them describes needs a profile of your own (docs/profiles.md)",
            who=Who.PLAN,
            severity=Severity.MONITOR,
        ),
    )

    def plan(self, target: Node, ctx: Context) -> Plan:
        if ctx.number(target, "gpu.count"):
            raise NotApplicable(f"profile {target.profile} has GPUs: other checks judge them")
        return run(target, pci_sysfs.DEVICES)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        devices = pci_sysfs.parse(out.text(target, pci_sysfs.DEVICES))
        gpus = [d for d in devices if d.device_class >> 8 in _FOR_COMPUTING and d.vendor in _MAKERS]
        if gpus:
            kinds = ", ".join(sorted({f"{d.vendor:04x}:{d.device:04x}" for d in gpus}))
            raise CannotJudge(
                f"{len(gpus)} GPUs ({kinds}) are on the PCI bus, and profile {target.profile} has none: they are not judged",
                code="GPU-NO-PROFILE",
            )
        none = Limit("pcie.gpu.count", "==", 0, "GPUs", why="the profile has no GPUs", source="gpu.count")
        yield Measurement("pcie.gpu.count", 0, "GPUs", target.name, none)
