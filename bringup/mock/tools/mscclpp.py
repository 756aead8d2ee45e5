"""mscclpp-test (allreduce_test_perf and its sisters) over the GPUs of one node or of several, started by mpirun."""

from __future__ import annotations

import json
from collections.abc import Sequence

from bringup.mock import physics
from bringup.mock.hardware import SimNode
from bringup.mock.switchboard import Reply
from bringup.mock.tools.call import Call, Options

PROGRAMS = {
    "allgather_test_perf": "all_gather",
    "allreduce_test_perf": "all_reduce",
    "alltoall_test_perf": "alltoall",
}
"""By name: the collective of nccl-tests that moves the same."""
_VALUED = ("-b", "-e", "-i", "-f", "-n", "-w", "-c", "-G", "-a", "-k", "-o")
_UNITS = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
_SHARE = 0.97
"""Of what NCCL reaches; no figures of one machine with both were at hand."""
_TABLE = (
    "#\n"
    "#                                        in-place                       out-of-place\n"
    "#       size         count     time   algbw   busbw  #wrong     time   algbw   busbw  #wrong\n"
    "#        (B)    (elements)     (us)  (GB/s)  (GB/s)             (us)  (GB/s)  (GB/s)\n"
)


async def alone(call: Call) -> Reply:
    """Started without mpirun it is a job of one rank."""
    return await run(call, (call.node,), 1, call.tool, call.args)


async def run(
    call: Call, nodes: Sequence[SimNode], gpus_per_node: int, name: str, args: Sequence[str]
) -> Reply:
    """The test over so many GPUs of each node."""
    options = Options(args, _VALUED)
    low, high = (_bytes(options.get(option, default="32M")) for option in ("-b", "-e"))
    step = options.whole("-f", default=1)
    checks, kernel = options.get("-c", default="1") != "0", options.whole("-k", default=0)
    await call.cluster.pause(1.0)
    short = next((n for n in nodes if not n.driver_loaded or len(n.visible_gpus) < gpus_per_node), None)
    if short is not None:
        return Reply(
            134, stderr="terminate called after throwing an instance of 'mscclpp::CudaError'\n  what():  Call to"
            " cudaGetDeviceProperties(&prop, cudaDev) failed. invalid device ordinal (Cuda failure)\n",
        )  # fmt: skip
    ranks = len(nodes) * gpus_per_node
    text = (
        f"# minBytes {low} maxBytes {high} step: {step if step > 1 else 1 << 20}({'factor' if step > 1 else 'bytes'})"
        f" warmup iters: {options.whole('-w', default=10)} iters: {options.whole('-n', default=20)}"
        f" validation: {int(checks)} graph: 15 kernel num: {kernel}\n#\n# Using devices\n"
    )
    used = [(node, gpu) for node in nodes for gpu in node.visible_gpus[:gpus_per_node]]
    for rank, (node, gpu) in enumerate(used):
        text += (
            f"#  Rank {rank:2d} Pid {call.cluster.random('pid', name, node.name).randrange(10_000, 4_000_000) + rank:6d}"
            f" on {node.hostname:>10} device {rank % gpus_per_node:2d} [{gpu.bdf}] {gpu.name}\n"
        )
    text += "#\n# Initializing MSCCL++\n# Setting up the connection in MSCCL++\n" + _TABLE
    rng = call.cluster.random(name, *(n.name for n in nodes), gpus_per_node)
    plateau = (
        physics.busbw_gbs(PROGRAMS[name], nodes, gpus_per_node, (), rng, call.cluster.fabric, mnnvl=True)
        * _SHARE
    )
    wrong = [gpu.wrong_results for _, gpu in used]
    found: list[str] = []
    size = low
    while size <= high:
        busbw = max(physics.at_size(plateau, size), 1e-3)
        algbw = (
            busbw * ranks / (ranks - 1) / (2 if PROGRAMS[name] == "all_reduce" else 1) if ranks > 1 else busbw
        )
        us = size / algbw / 1000
        row = f"{size:12d}  {size // 4:12d}  {us:7.0f}  {algbw:6.2f}  {busbw:6.2f}"
        text += row + (f"  {sum(wrong):5d}" if checks else "") + "\n"
        entry = {
            "algBw": algbw,
            "busBw": busbw,
            "kernel": kernel,
            "name": name.partition("_")[0],
            "ranks": ranks,
        }
        found.append(json.dumps({**entry, "ranksPerNode": gpus_per_node, "size": size, "time": us}))
        size = size * step if step > 1 else size + (1 << 20)
    if file := options.get("-o"):
        with (call.cwd / file).open("a", encoding="utf-8") as out:
            out.write("".join(f"{line}\n" for line in found))
    bad = sum(map(bool, wrong)) * len(found) if checks else 0
    text += f"\n# Out of bounds values : {bad} {'FAILED' if bad else 'OK'}\n#\n"
    return Reply(1 if bad else 0, text)


def _bytes(text: str) -> int:
    return int(text[:-1]) * _UNITS[text[-1].upper()] if text[-1:].upper() in _UNITS else int(text)
