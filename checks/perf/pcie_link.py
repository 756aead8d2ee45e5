"""Which PCIe link does each GPU use while it is used?"""

from __future__ import annotations

from collections.abc import Iterator

from bringup.battery import gpu_speed, perf
from bringup.check import Check, Outputs, Plan, run
from bringup.context import Context
from bringup.errors import CannotJudge
from bringup.model import Finding, Level, Measurement, Node, Stage
from bringup.parsers.gpu_faults import PCIE_GPU_GEN, PCIE_GPU_WIDTH
from bringup.parsers.perf_faults import GPU_LOAD


class PcieLink(Check[Node]):
    """Every GPU raises its PCIe link to the planned generation and width when copies are made.

    At rest a GPU slows its link down, so only this shows a link that cannot rise any more.
    """

    id = "perf.pcie-link"
    stage = Stage.PERF
    level = Level.STANDARD
    faults = (PCIE_GPU_GEN, PCIE_GPU_WIDTH, GPU_LOAD)

    def plan(self, target: Node, ctx: Context) -> Plan:
        ctx.need_gpus(target)
        return run(target, perf.load_command(target, ctx))

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        best, lanes = ctx.limit(target, "pcie.gpu.gen_max"), ctx.limit(target, "pcie.gpu.width")
        load = perf.loaded(target, out, ctx)
        told = {at: one for at, one in load.series.items() if at in load.working and one.samples}
        for at, one in told.items():
            if one.pcie_gen is not None:
                yield Measurement("PCIe generation under load", one.pcie_gen, "", at, best, PCIE_GPU_GEN.code)
            if one.pcie_width is not None:
                yield Measurement(
                    "PCIe width under load", one.pcie_width, "lanes", at, lanes, PCIE_GPU_WIDTH.code
                )
        gpu_speed.need_all(target, ctx, told, "the PCIe link under load")
        if any(one.pcie_gen is None or one.pcie_width is None for one in told.values()):
            raise CannotJudge("the driver does not tell the PCIe link of every GPU")
