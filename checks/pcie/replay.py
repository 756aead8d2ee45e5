"""How often did the PCIe links of the GPUs have to repeat a packet?"""

from __future__ import annotations

from collections.abc import Iterator

from bringup.check import Check, Outputs, Plan, run
from bringup.context import Context
from bringup.model import Finding, Measurement, Node, Stage
from bringup.parsers import nvidia_smi_xml


class Replay(Check[Node]):
    """The GPUs tell how often their PCIe links repeated a packet since the driver was loaded.

    A reading, no verdict: healthy nodes show a hundred and more. What counts is how much it grows under load.
    """

    id = "pcie.replay"
    stage = Stage.PCIE
    collects = True

    def plan(self, target: Node, ctx: Context) -> Plan:
        ctx.need_gpus(target, "nvidia")
        return run(target, nvidia_smi_xml.QUERY)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        smi = nvidia_smi_xml.read(out.answered(target, nvidia_smi_xml.QUERY))
        silent: list[str] = []
        for gpu in smi.answering:
            if gpu.pcie.replays is not None:
                at = f"{target.name}/gpu/{gpu.label}"
                yield Measurement("pcie replays", gpu.pcie.replays, "", at)
            else:
                silent.append(gpu.label)
        smi.demand(ctx.need_gpus(target), "the number of PCIe replays", silent)
