"""`python3`, as far as bringup's own programs are concerned: it knows them by their first argument and answers for
them, with numbers from the model of the parts. What it gets on its standard input is not looked at.

PyTorch is on every simulated node, for the GPUs that the node has.
"""

from __future__ import annotations

import asyncio
import json
import time

from bringup.mock import load, physics
from bringup.mock.hardware import Gpu
from bringup.mock.switchboard import Reply
from bringup.mock.tools.call import Call, Options
from bringup.mock.tools.own_collective import OwnCollective

_START_S = 8.0
_SAMPLE_WAIT_S, _LONG_S, _LONG_WAIT_S = 10.0, 60.0, 30.0
"""A long load is sampled more seldom."""
_PROGRAMS = ("bringup-gpu-load", "bringup-memory-load", "bringup-collective")
_DIGEST = (71_318_422, 3_409_020_518)
_PRODUCTS = 4096
_PATTERN_SHARE = 0.78
_NO_FP8 = (
    "RuntimeError: torch._scaled_mm is only supported on CUDA devices with compute capability >= 9.0 or 8.9, or ROCm"
    " MI300+"
)


class Python3:
    """The interpreters of one cluster."""

    def __init__(self) -> None:
        self._collective = OwnCollective()

    async def __call__(self, call: Call) -> Reply:
        """One call: a program of bringup's on standard input, or the version."""
        if call.args[:2] == ("-", _PROGRAMS[2]):
            return Reply(stdout=await self._collective(call))
        return await _alone(call)


async def _alone(call: Call) -> Reply:
    args = call.args
    if args in (("-V",), ("--version",)):
        return Reply(stdout="Python 3.10.12\n")
    if args[:1] != ("-",) or args[1:2] not in [(name,) for name in _PROGRAMS]:
        return Reply(1, stderr="This node is simulated: its python3 only knows the programs of bringup\n")
    options = Options(
        args[2:], ("--gpus", "--tests", "--seconds", "--size", "--memory-mib", "--device", "--buffer-mib")
    )
    seconds = float(options.get("--seconds", default="3"))
    report = await (_gpus(call, options, seconds) if args[1] == _PROGRAMS[0] else _memory(call, seconds))
    return Reply(stdout=json.dumps(report) + "\n")


async def _memory(call: Call, seconds: float) -> dict[str, object]:
    await call.cluster.pause(seconds)
    node = call.node
    rng = call.cluster.random("memory", node.name)
    copied = load.host_memory_gbs(node) * physics.noise(rng)
    return {
        "bringup_memory_load": 2, "processors": node.threads, "silent": 0, "copy_gbs": copied,
        "wrong": node.wrong_copies,
    }  # fmt: skip


async def _gpus(call: Call, options: Options, seconds: float) -> dict[str, object]:
    node = call.node
    tests = options.get("--tests").split(",")
    amd = node.shape.gpu_vendor == "amd"
    trouble = load.cuda_trouble(node)
    shown = [] if trouble else node.visible_gpus
    await call.cluster.pause(_START_S)
    late = [gpu for gpu in shown if gpu.hot_after_s and seconds * 3 >= gpu.hot_after_s]
    for gpu in late:
        gpu.slowdowns_under_load.add("thermal")
    await _work(call, shown, seconds * 3 if shown else 0.0)
    rng = call.cluster.random("load", node.name)
    error = f"RuntimeError: {trouble or 'there is no such GPU'}"
    gpus: list[dict[str, object]] = []
    for index in range(options.whole("--gpus", default=1)):
        if index >= len(shown):
            gpus.append({"index": index, "error": error})
            continue
        gpu = shown[index]
        results = {name: _result(name, gpu, options, physics.noise(rng)) for name in tests if name != "peers"}
        gpus.append({"index": index, "name": gpu.name, "bus": gpu.bdf, "results": results})
    for gpu in late:
        gpu.slowdowns_under_load.discard("thermal")
    report: dict[str, object] = {
        "bringup_gpu_load": 1,
        "torch": "2.9.1+rocm6.4" if amd else "2.9.1+cu130",
        "backend": "hip" if amd else "cuda",
        "runtime": node.shape.cuda,
        "gpus": gpus,
    }
    if {"copies", "peers"} & set(tests):
        call.cluster.worked(node)
    if "peers" in tests:
        report["peers"] = [
            [None if a is b else load.pair_gbs(a, b) * physics.noise(rng) for b in shown] for a in shown
        ] or None
        report["peers_error"] = error if trouble else None
    return report


async def _work(call: Call, gpus: list[Gpu], seconds: float) -> None:
    """Load the GPUs for a while, at least until somebody has asked the driver about them: whoever samples once a second
    in real time would miss a load that is simulated many times faster."""
    until = time.monotonic() + (_LONG_WAIT_S if seconds > _LONG_S else _SAMPLE_WAIT_S)
    for gpu in gpus:
        gpu.loaded, gpu.watched = True, False
    try:
        await call.cluster.pause(seconds)
        while not all(gpu.watched for gpu in gpus) and time.monotonic() < until:
            await asyncio.sleep(0.005)
    finally:
        for gpu in gpus:
            gpu.loaded = False
            load.count_ticks(gpu, seconds)


def _result(name: str, gpu: Gpu, options: Options, noise: float) -> dict[str, object]:
    size = options.whole("--size", default=8192)
    if name == "gemm":
        bf16 = load.bf16_tflops(gpu) * noise
        fp8 = _rate(bf16 * 1.9) if gpu.kind.architecture != "Ampere" else {"why": _NO_FP8}
        return {"size": size, "bf16": _rate(bf16), "fp8": fp8}
    if name == "compare":
        room = int(gpu.memory_mib * _PATTERN_SHARE) << 20
        return {
            "products": _PRODUCTS,
            "wrong": gpu.wrong_results,
            "digest": list(_DIGEST),
            "pattern_bytes": room,
            "pattern_wrong": 0,
        }
    if name == "memory":
        copied = load.memory_gbs(gpu) * noise
        return {"copy_gbs": copied, "triad_gbs": copied * 1.03}
    copied = load.host_gbs(gpu) * noise
    return {"local": True, "h2d_gbs": copied, "d2h_gbs": copied}


def _rate(tflops: float) -> dict[str, object]:
    return {"tflops": tflops, "slowest": tflops * 0.985}
