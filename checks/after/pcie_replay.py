"""After the load: how often the PCIe links of the GPUs had to repeat a packet while they worked."""

from __future__ import annotations

from collections.abc import Iterator

from bringup.battery.rises import Count, Rule, again, rises
from bringup.check import Check, Outputs, Plan
from bringup.context import Context
from bringup.defects import Fault, Severity
from bringup.model import Finding, Level, Measurement, Node, Stage
from bringup.parsers import nvidia_smi_xml


class PcieReplay(Check[Node]):
    """No GPU's PCIe link has repeated packets more often during the run than the profile allows."""

    id = "after.pcie-replay"
    stage = Stage.AFTER
    level = Level.STANDARD
    compares = True
    faults = (
        Fault(
            "PCIE-REPLAYS",
            "the PCIe link of {at} repeats packets all the time",
            "reseat the GPU and its riser at {place}; if the count still rises under load, try another slot, then "
            "replace the part that it follows",
            severity=Severity.MONITOR,
            explained_by=("GPU-LOST", "PCIE-AER", "PCIE-GPU-WIDTH", "PCIE-GPU-GEN", "NODE-REBOOTED"),
        ),
    )

    def plan(self, target: Node, ctx: Context) -> Plan:
        ctx.need_gpus(target, "nvidia")
        return again(target, nvidia_smi_xml.QUERY)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        expected = ctx.need_gpus(target)
        rules = {"pcie replays": Rule(ctx.limit(target, "pcie.rise.replays"), "PCIE-REPLAYS")}

        def read(outputs: Outputs) -> Iterator[Count]:
            return _counts(target, expected, outputs)

        yield from rises(target, out, nvidia_smi_xml.QUERY, read, rules)


def _counts(node: Node, expected: int, outputs: Outputs) -> Iterator[Count]:
    smi = nvidia_smi_xml.read(outputs.answered(node, nvidia_smi_xml.QUERY))
    silent: list[str] = []
    for gpu in smi.answering:
        if gpu.pcie.replays is None:
            silent.append(gpu.label)
        else:
            yield Count(f"{node.name}/gpu/{gpu.label}", "pcie replays", gpu.pcie.replays)
    smi.demand(expected, "PCIe replays", silent)
