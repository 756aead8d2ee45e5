"""Host: tenants run in containers; a driver that works on the node may still be missing inside one."""

from __future__ import annotations

from collections.abc import Iterator

from bringup.check import Check, Outputs, Plan, run
from bringup.commands import Command
from bringup.context import Context
from bringup.defects import Fault, Severity, Who
from bringup.errors import NoLimit, NotApplicable
from bringup.model import Finding, Level, Measurement, Node, Stage
from bringup.parsers import container


class Container(Check[Node]):
    """A container that asks for all GPUs gets as many as the node should have.

    Only where the profile names an image (`container.image`), which must be on the node: nothing is pulled.
    """

    id = "host.container"
    stage = Stage.HOST
    level = Level.FULL
    faults = (
        Fault(
            "CONTAINER-GPUS",
            "a container on {node} does not get all GPUs",
            "look at the container runtime of {node}: its GPU hook (nvidia-ctk, CDI file), its version, the driver's libraries",
            Who.SOFTWARE,
            Severity.MONITOR,
            explained_by=("GPU-LOST", "PCIE-GPU-MISSING", "GPU-MISSING", "GPU-DRIVER"),
        ),
    )

    def plan(self, target: Node, ctx: Context) -> Plan:
        ctx.need_gpus(target)
        return run(target, _command(target, ctx))

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        limit = ctx.limit(target, "gpu.count")
        command = _command(target, ctx)
        answered = out.answered(target, command)
        if answered.status != 0:
            said = " ".join((answered.error_text or answered.text).split())[-200:]
            yield Finding(
                "CONTAINER-GPUS", f"the container ended with status {answered.status}: {said}", target.name
            )
            return
        yield Measurement("GPUs in a container", container.parse_count(answered.text), "", target.name, limit)


def _command(node: Node, ctx: Context) -> Command:
    """The command of the profile's runtime. Raises NotApplicable where no image is named."""
    image = ctx.fact_if_any(node, "container.image")
    if image is None:
        raise NotApplicable(f"profile {node.profile} names no container image (fact container.image)")
    runtime = ctx.fact_if_any(node, "container.runtime") or "docker"
    if not isinstance(image, str) or not image or image.startswith("-"):
        raise NoLimit(
            f"profile {node.profile}: fact container.image is {image!r}, needed the name of an image"
        )
    if runtime not in container.RUNTIMES:
        known = ", ".join(container.RUNTIMES)
        raise NoLimit(f"profile {node.profile}: fact container.runtime is {runtime!r}, needed one of {known}")
    return container.list_gpus(str(runtime), image)
