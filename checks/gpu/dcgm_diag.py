"""Do the GPUs pass the tests of NVIDIA's data center tool?"""

from __future__ import annotations

from collections.abc import Iterator

from bringup.check import Check, Outputs, Plan, run
from bringup.context import Context
from bringup.defects import Fault, Severity, Who
from bringup.errors import CannotJudge, NoLimit
from bringup.model import Finding, Level, Limit, Measurement, Node, Stage, Weight
from bringup.parsers import dcgmi_diag
from bringup.parsers.dcgmi_diag import FAIL, NOT_RUN, PASS, SKIP, WARN, DiagTest

GPU_DCGM_DIAG = Fault(
    code="GPU-DCGM-DIAG",
    title="{at} fails a test of NVIDIA's data center tool",
    action="read the tool's own text in the evidence and do what it says; if the test fails again after a reset of "
    "the GPU, replace the GPU",
    who=Who.HANDS_ON,
    severity=Severity.ISOLATE,
    explained_by=(
        "GPU-LOST", "GPU-MISSING", "GPU-DRIVER", "GPU-XID", "GPU-ECC", "GPU-REMAP-FAILED", "GPU-REMAP-PENDING",
        "GPU-INFOROM", "GPU-SLOWDOWN", "GPU-TEMPERATURE", "GPU-MODE", "FM-DOWN", "NVLINK-DOWN", "NVLINK-FABRIC",
    ),
)  # fmt: skip
_RULE = Limit("gpu.dcgm.diag", "!=", FAIL, why="the tool's own thresholds", source="NVIDIA DCGM diagnostics")


class GpuDcgmDiag(Check[Node]):
    """The GPUs pass every test of NVIDIA's data center tool that it ran, and it ran at least one.

    The profile's `dcgm.diag_level` says how long it tests. A skipped test is no pass: it is noted, and if all were
    skipped nothing is judged. Its thresholds are wide: it accepts a slow PCIe link. A node without the tool is not
    judged unless the profile requires dcgmi.
    """

    id = "gpu.dcgm-diag"
    stage = Stage.GPU
    level = Level.FULL
    faults = (GPU_DCGM_DIAG,)

    def plan(self, target: Node, ctx: Context) -> Plan:
        ctx.need_gpus(target, "nvidia")
        return run(target, dcgmi_diag.diag(_level(target, ctx)))

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        command = dcgmi_diag.diag(_level(target, ctx))
        answer = out.optional(target, command, ctx)
        if not answer.text.strip():
            said = answer.error_text.strip()[:200] or "no text"
            raise CannotJudge(f"dcgmi diag ended with status {answer.status}: {said}")
        diagnosis = dcgmi_diag.parse(answer.text)
        ran = False
        for test in diagnosis.tests:
            yield from _judged(target, test)
            ran = ran or test.worst in (PASS, FAIL, WARN)
        for message in diagnosis.stray:
            yield Finding(GPU_DCGM_DIAG.code, message, target.name, Weight.NOTE)
        if not ran:
            raise CannotJudge("dcgmi diag skipped every test")
        if not diagnosis.whole:
            raise CannotJudge("the report of dcgmi diag is cut off: the tests behind the cut are not judged")


def _level(node: Node, ctx: Context) -> int:
    level = ctx.number(node, "dcgm.diag_level")
    if level not in (1, 2, 3, 4):
        raise NoLimit(f"profile {node.profile}: fact dcgm.diag_level is {level}, needed 1 to 4")
    return level


def _judged(target: Node, test: DiagTest) -> Iterator[Measurement | Finding]:
    """A test of its own for each GPU that fails it, one for the node otherwise."""
    name = f"dcgm {test.name}"
    gpus = test.gpus(FAIL)
    for gpu in gpus:
        yield Measurement(name, FAIL, "", f"{target.name}/gpu/{gpu}", _RULE)
    if test.worst in (SKIP, NOT_RUN):
        yield Measurement(name, test.worst, "", target.name)
    elif not gpus:
        yield Measurement(name, test.worst, "", target.name, _RULE)
    if test.worst != PASS:
        for message in test.messages:
            yield Finding(GPU_DCGM_DIAG.code, f"{test.name}: {message}", target.name, Weight.NOTE)
