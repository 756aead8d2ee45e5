"""RDMA: from GPU memory to GPU memory, against the same transfer between the hosts' memories."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bringup.battery import flows, port_pairs
from bringup.battery.flows import FlowsTest, Results
from bringup.context import Context
from bringup.defects import Fault, Who
from bringup.errors import CannotJudge, NotApplicable
from bringup.model import Finding, Measurement, Pair
from bringup.parsers.perftest_flows import Flow

_KINDS = {"nvidia": "cuda", "amd": "rocm"}
_UNKNOWN = ("unrecognized option", "unknown option", "invalid option")


class GpuMemory(FlowsTest):
    """Adapters reach the GPU next to them as fast as the host's memory (GPUDirect RDMA).

    Needs a perftest that was built for these GPUs. Where the profile does not say that it is there (fact
    `perftest.gpudirect`), one without GPU support makes this not applicable.
    """

    id = "rdma.gpu-memory"
    rounds = 2
    ports = 2
    at_once = False
    faults = (
        Fault(
            "RDMA-GPU-BW",
            "{at} reaches GPU memory more slowly than the host's",
            "look at access control (ACS) and the IOMMU of {node}, at nvidia_peermem or dma-buf, and at which GPU shares a PCIe"
            " switch with {at}; compare with a good node",
            Who.SOFTWARE,
            explained_by=(
                *port_pairs.PORT_CAUSES,
                "RDMA-CONNECT",
                "RDMA-BW",
                "PCIE-ACS",
                "IOMMU",
                "PEERMEM-MISSING",
                "NIC-AFFINITY",
                "PCIE-GPU-WIDTH",
                "PCIE-GPU-GEN",
                "GPU-LOST",
                "GPU-MISSING",
                "GPU-DRIVER",
            ),
        ),
        port_pairs.CONNECT,
        port_pairs.SETUP,
    )

    def transfers(self, target: Pair, ctx: Context) -> tuple[Flow, ...]:
        ctx.need_gpus(target.a)
        vendor = ctx.fact(target.a, "gpu.vendor")
        if not isinstance(vendor, str) or vendor not in _KINDS:
            raise NotApplicable(f"perftest knows no GPUs of {vendor}")
        near, far = (port_pairs.hca(node, target, ctx) for node in target.nodes)
        options = self.options(target, ctx)
        return (Flow(near, far, options=options), Flow(near, far, options=options, memory=_KINDS[vendor]))

    def lasts_s(self, target: Pair, flows: Sequence[Flow], ctx: Context) -> float:
        return 2 * self.each_s(target, ctx)

    def compare(self, target: Pair, found: Results, ctx: Context) -> Iterator[Measurement | Finding]:
        host, gpu = found
        if gpu.why is not None and any(word in gpu.text for word in _UNKNOWN):
            told = f"{gpu.flow.tool} of {target.a.name} was built without support for GPU memory"
            if ctx.fact_if_any(target.a, "perftest.gpudirect") is True:
                raise CannotJudge(told, code="RDMA-SETUP")
            raise NotApplicable(told)
        yield from flows.broken(target, (host,))
        at = flows.path(target, gpu.flow)
        if gpu.why is not None:
            yield Finding("RDMA-GPU-BW", f"{target.a.name}: {gpu.why}", at)
        elif host.gbps and gpu.gbps is not None:
            yield Measurement("host memory", round(host.gbps, 6), "Gb/s", at)
            yield Measurement("GPU memory", round(gpu.gbps, 6), "Gb/s", at)
            share = round(100 * gpu.gbps / host.gbps, 1)
            limit = ctx.limit(target.a, "rdma.gpu_share")
            yield Measurement("GPU memory, share", share, "% of host memory", at, limit, "RDMA-GPU-BW")
