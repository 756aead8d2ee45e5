"""Are the GPUs set up as the profile wants them?"""

from __future__ import annotations

from collections.abc import Iterator

from bringup.check import Check, Outputs, Plan, run
from bringup.context import Context
from bringup.model import Finding, Measurement, Node, Stage
from bringup.parsers import nvidia_smi_xml
from bringup.parsers.gpu_faults import GPU_MODE


class GpuModes(Check[Node]):
    """Persistence, MIG and ECC of every GPU are as the profile asks.

    A board without MIG reports N/A for it, which is as good as off and is not compared.
    """

    id = "gpu.modes"
    stage = Stage.GPU
    faults = (GPU_MODE,)

    def plan(self, target: Node, ctx: Context) -> Plan:
        ctx.need_gpus(target, "nvidia")
        return run(target, nvidia_smi_xml.QUERY)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        expected = ctx.need_gpus(target)
        limits = {name: ctx.limit(target, name) for name in ("gpu.persistence", "gpu.mig", "gpu.ecc.mode")}
        smi = nvidia_smi_xml.read(out.answered(target, nvidia_smi_xml.QUERY))
        silent: list[str] = []
        for gpu in smi.answering:
            at = f"{target.name}/gpu/{gpu.label}"
            values = {"gpu.persistence": gpu.persistence, "gpu.mig": gpu.mig, "gpu.ecc.mode": gpu.ecc_mode}
            for name, value in values.items():
                if value is not None:
                    yield Measurement(name, value, "", at, limits[name], GPU_MODE.code)
            if gpu.persistence is None or gpu.ecc_mode is None:
                silent.append(gpu.label)
        smi.demand(expected, "persistence or ECC mode", silent)
