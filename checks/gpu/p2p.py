"""May the GPUs of a node read each other's memory?"""

from __future__ import annotations

from collections.abc import Iterator

from bringup.battery.joined import all_joined
from bringup.check import Check, Outputs, Plan, run
from bringup.context import Context
from bringup.defects import Fault, Severity, Who
from bringup.errors import CannotJudge, NotApplicable
from bringup.model import Finding, Limit, Measurement, Node, Stage, Weight
from bringup.parsers import nvidia_smi_p2p, siblings
from bringup.parsers.nvidia_smi_errors import answer

GPU_P2P = Fault(
    code="GPU-P2P",
    title="{at} cannot read the memory of its siblings",
    action="look at the NVLinks and the fabric manager of {node} first, then at ACS and IOMMU in its BIOS; reset the "
    "GPUs and run again",
    who=Who.SOFTWARE,
    severity=Severity.RESET,
    explained_by=("GPU-LOST", "GPU-DRIVER", "GPU-MISSING", "FM-DOWN", "NVLINK-DOWN", "NVLINK-FABRIC", "GPU-XID", "GPU-MODE"),
)  # fmt: skip
_RULE = Limit("gpu.p2p", "==", 0, "GPUs", why="GPUs that NVLink joins reach each other", source="rule")


class GpuP2p(Check[Node]):
    """Every GPU may read the memory of every other GPU of the node.

    Judged where the profile says that NVLink joins each two of them; over PCIe it depends on the machine.
    """

    id = "gpu.p2p"
    stage = Stage.GPU
    faults = (GPU_P2P,)

    def plan(self, target: Node, ctx: Context) -> Plan:
        if ctx.need_gpus(target, "nvidia") < 2:
            raise NotApplicable(f"profile {target.profile} has a single GPU")
        if ctx.number(target, "nvlink.links") == 0:
            raise NotApplicable(f"profile {target.profile} has no NVLink")
        if not all_joined(target, ctx):
            raise NotApplicable(
                f"profile {target.profile} does not say that NVLink joins each two of its GPUs"
            )
        return run(target, nvidia_smi_p2p.READ)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        expected = ctx.need_gpus(target)
        text, _ = answer(out.answered(target, nvidia_smi_p2p.READ))
        pairs = nvidia_smi_p2p.parse(text)
        gpus = sorted({gpu for pair in pairs for gpu in pair})
        bad = {pair: word for pair, word in pairs.items() if word != "OK"}
        # Of two cards alone nobody can say which one it is, so it is the node's.
        lonely = siblings.lonely(bad) if len(gpus) == 2 else set()
        blamed = siblings.blamed(bad) - {gpu for pair in lonely for gpu in pair}
        if lonely:
            yield Measurement("gpu.p2p", len(gpus), "GPUs", target.name, _RULE)
        for gpu in gpus:
            mine = {to if own == gpu else own: word for (own, to), word in bad.items() if gpu in (own, to)}
            at = f"{target.name}/gpu/{gpu}"
            # What a GPU lacks because of another one is said at that one.
            limit = _RULE if not mine or gpu in blamed else None
            yield Measurement("gpu.p2p", len(mine), "GPUs", at, limit)
            if mine:
                words = ", ".join(f"GPU {to} {word}" for to, word in sorted(mine.items()))
                yield Finding(GPU_P2P.code, f"no access: {words}", at, Weight.NOTE)
        if len(gpus) < expected:
            message = f"only {len(gpus)} of {expected} GPUs are in the table, the others are not judged"
            raise CannotJudge(message, code="GPU-MISSING")
