"""Host: what the kernel was started with; an IOMMU that translates halves GPUDirect and breaks some transfers."""

from __future__ import annotations

from collections.abc import Iterator

from bringup.battery.facts import words
from bringup.check import Check, Outputs, Plan, run
from bringup.context import Context
from bringup.defects import Fault, Severity, Who
from bringup.errors import CannotJudge
from bringup.model import Finding, Limit, Measurement, Node, Stage, Weight
from bringup.parsers import host_settings


class KernelCmdline(Check[Node]):
    """The kernel runs with the IOMMU mode and the boot words that the profile asks for.

    The mode is what the kernel does with its device groups where it tells; else what its command line asks for.
    Without a wish in the profile both are readings, which `host.settings-drift` compares over the fleet.
    """

    id = "host.kernel-cmdline"
    stage = Stage.HOST
    collects = True
    faults = (
        Fault(
            "IOMMU",
            "the IOMMU of {node} translates every transfer",
            "boot {node} with iommu=pt (or with the IOMMU off in the BIOS); virtual machines excepted",
            Who.CONFIGURATION,
            Severity.REBOOT,
        ),
        Fault(
            "KERNEL-CMDLINE",
            "{node} was booted without a word that its profile asks for",
            "add the word to the boot loader of {node} and reboot it",
            Who.CONFIGURATION,
            Severity.REBOOT,
        ),
    )

    def plan(self, target: Node, ctx: Context) -> Plan:
        return run(target, host_settings.SETTINGS)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        seen = host_settings.parse(out.text(target, host_settings.SETTINGS))
        if seen.cmdline is None or seen.common_cmdline is None:
            raise CannotJudge("the kernel's command line cannot be read")
        yield Measurement("kernel command line", seen.common_cmdline or "(empty)", "", target.name)
        for word in words(target, ctx, "host.cmdline.words"):
            limit = Limit("host.cmdline.words", "==", word, why="a fact of the profile", source="profile")
            said = word if word in seen.cmdline else "absent"
            yield Measurement(f"boot word {word}", said, "", target.name, limit, "KERNEL-CMDLINE")
        wish = ctx.limit_or_none(target, "host.iommu")
        mode = seen.iommu_mode
        if mode is not None:
            # A virtual machine needs its IOMMU as its host set it up: what it runs is told, not judged.
            judged = None if seen.virtual else wish
            yield Measurement("iommu", mode, "", target.name, judged, "IOMMU")
        elif wish is not None and not seen.virtual:
            raise CannotJudge(
                "the mode of the IOMMU is not known: the kernel shows no device groups, its command line does not name it"
            )
        if seen.iommu and len(seen.iommu) > 1:
            counts = ", ".join(f"{count} {kind}" for kind, count in sorted(seen.iommu.items()))
            yield Finding("IOMMU", f"device groups: {counts}", target.name, Weight.NOTE)
