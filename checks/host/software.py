"""Host: the versions that must be equal over the fleet; `host.drift` compares them."""

from __future__ import annotations

from collections.abc import Iterator

from bringup.check import Check, Context, Outputs, Plan, run
from bringup.model import Finding, Measurement, Node, Stage
from bringup.parsers import host


class Software(Check[Node]):
    """The node tells the versions of its kernel and drivers."""

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
            "driver": seen.nvidia,
            "mlx5": seen.mlx5,
            "ofed": seen.ofed,
        }
        for name, version in versions.items():
            if version is not None:
                yield Measurement(name, version, "", target.name)
