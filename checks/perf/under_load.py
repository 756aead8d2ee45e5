"""Do power and cooling keep up while all GPUs work?"""

from __future__ import annotations

from collections.abc import Iterator

from bringup.battery import gpu_view, perf
from bringup.check import Check, Outputs, Plan, run
from bringup.context import Context
from bringup.model import Finding, Level, Measurement, Node, Stage
from bringup.parsers.gpu_faults import GPU_SLOWDOWN, GPU_TEMPERATURE
from bringup.parsers.perf_faults import GPU_CLOCK_LOW, GPU_LOAD


class UnderLoad(Check[Node]):
    """No GPU is held down by its hardware, runs far hotter, or at a far lower clock than its siblings under load.

    Read from the driver's tool once a second while matrix products run; AMD's GPUs count themselves for how long what
    holds them down. That the power limit holds clocks down is normal.
    """

    id = "perf.under-load"
    stage = Stage.PERF
    level = Level.STANDARD
    collects = True
    faults = (GPU_SLOWDOWN, GPU_TEMPERATURE, GPU_CLOCK_LOW, GPU_LOAD)

    def plan(self, target: Node, ctx: Context) -> Plan:
        return run(target, perf.load_command(target, ctx))

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        yield from gpu_view.judged(target, perf.loaded(target, out, ctx), ctx)
