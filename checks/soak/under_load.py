"""Do power and cooling keep up when the work does not end?"""

from __future__ import annotations

from collections.abc import Iterator

from bringup.battery import gpu_view, perf
from bringup.check import Check, Outputs, Plan, run
from bringup.context import Context
from bringup.model import Finding, Level, Measurement, Node, Stage
from bringup.parsers.gpu_faults import GPU_SLOWDOWN, GPU_TEMPERATURE
from bringup.parsers.perf_faults import GPU_CLOCK_LOW, GPU_LOAD


class SoakUnderLoad(Check[Node]):
    """No GPU is held down by its hardware, runs far hotter, or at a far lower clock than its siblings during the soak.

    As perf.under-load, but until heat sinks, coolant and room are as warm as they get.
    """

    id = "soak.under-load"
    stage = Stage.SOAK
    level = Level.SOAK
    collects = True
    faults = (GPU_SLOWDOWN, GPU_TEMPERATURE, GPU_CLOCK_LOW, GPU_LOAD)

    def plan(self, target: Node, ctx: Context) -> Plan:
        return run(target, perf.soak_command(target, ctx))

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        yield from gpu_view.judged(target, perf.soaked(target, out, ctx), ctx)
