"""Host: the versions that must be equal over the fleet; `host.drift` compares them."""

from __future__ import annotations

from collections.abc import Iterator

from bringup.check import Check, Outputs, Plan, run
from bringup.context import Context
from bringup.model import Finding, Measurement, Node, Stage
from bringup.parsers import host


class Software(Check[Node]):
    """The node tells the versions of its kernel, drivers, firmware and libraries of collectives."""

    id = "host.software"
    stage = Stage.HOST
    collects = True

    def plan(self, target: Node, ctx: Context) -> Plan:
        return run(target, host.VERSIONS)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        seen = host.parse_versions(out.text(target, host.VERSIONS))
        versions = {
            "kernel": seen.kernel,
            "os": seen.os,
            "driver": seen.nvidia or seen.amdgpu,
            "mlx5": seen.mlx5,
            "ofed": seen.ofed,
            "bios": seen.bios,
            "microcode": seen.microcode,
            "nccl": seen.nccl or ("none" if seen.nvidia else None),
            "rccl": seen.rccl or ("none" if seen.amdgpu else None),
        }
        for name, version in versions.items():
            if version is not None:
                yield Measurement(name, version, "", target.name)
