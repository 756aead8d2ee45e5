"""`nvbandwidth -j`: copies between host and GPUs, within and between GPUs, from PCIe, memory and NVLink of the parts."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence

from bringup.mock import load, physics
from bringup.mock.hardware import SimNode
from bringup.mock.switchboard import Reply
from bringup.mock.tools.call import Call, Options

_SECONDS = 3.0
_HOST = {
    "host_to_device_memcpy_ce": "memcpy CE CPU(row) -> GPU(column) bandwidth (GB/s) ",
    "device_to_host_memcpy_ce": "memcpy CE CPU(row) <- GPU(column) bandwidth (GB/s) ",
}
_DEVICE = {
    "device_to_device_memcpy_read_ce": "memcpy CE GPU(row) -> GPU(column) bandwidth (GB/s) ",
    "device_to_device_memcpy_write_ce": "memcpy CE GPU(row) <- GPU(column) bandwidth (GB/s) ",
}
_LOCAL = {"device_local_copy": "memcpy local GPU(column) bandwidth (GB/s) "}
_TITLES = _HOST | _DEVICE | _LOCAL


async def nvbandwidth(call: Call) -> Reply:
    """Runs the tests that are named after -t, or all that are simulated. Only the JSON form is known."""
    node = call.node
    options = Options(call.args, ("-t", "--testcase", "-i", "--testSamples", "-b", "--bufferSize"))
    if options.has("-l", "--list"):
        rows = "".join(f"{n}, {name}:\n\tMeasures bandwidth.\n\n" for n, name in enumerate(_TITLES))
        return Reply(
            stdout=f"nvbandwidth Version: v0.8\nBuilt from Git version: v0.8\n\nIndex, Name:\n{rows}"
        )
    if not options.has("-j", "--json"):
        return Reply(1, stderr="This node is simulated: only nvbandwidth -j is known\n")
    names = [options.get("-t", "--testcase"), *options.words] if options.has("-t", "--testcase") else []
    wanted = names or list(_TITLES)
    trouble = load.cuda_trouble(node)
    if trouble:
        what = "CUDA_ERROR_NO_DEVICE" if "GPUs" in trouble else "CUDA_ERROR_SYSTEM_NOT_READY"
        return Reply(1, stdout=_printed({"error": f"{what}: {trouble}"}))
    await call.cluster.pause(_SECONDS * len(wanted))
    call.cluster.worked(node)
    rng = call.cluster.random("nvbandwidth", node.name)
    return Reply(
        stdout=_printed(
            {
                "CUDA Runtime Version": 13000 if node.shape.cuda.startswith("13") else 12020,
                "Driver Version": node.driver,
                "git_version": "v0.8",
                "version": "v0.8",
                "testcases": [_test(name, node, rng) for name in wanted],
            }
        )
    )


def _printed(body: dict[str, object]) -> str:
    return json.dumps({"nvbandwidth": body}, indent="\t", separators=(",", " : ")) + "\n"


def _test(name: str, node: SimNode, rng: random.Random) -> dict[str, object]:
    gpus = node.visible_gpus
    if name not in _TITLES:
        return {"name": name, "status": "ERROR"}
    if name in _DEVICE and len(gpus) < 2:
        return {"name": name, "status": "Waived"}
    if name in _HOST:
        matrix: list[list[float | None]] = [[load.host_gbs(g) * physics.noise(rng) for g in gpus]]
    elif name in _LOCAL:
        matrix = [[load.memory_gbs(g) / 2 * physics.noise(rng) for g in gpus]]
    else:
        matrix = [[None if a is b else load.pair_gbs(a, b) * physics.noise(rng) for b in gpus] for a in gpus]
    return {
        "name": name,
        "status": "Passed",
        "bandwidth_description": _TITLES[name],
        **_figures(matrix),
    }


def _figures(matrix: Sequence[Sequence[float | None]]) -> dict[str, object]:
    cells = [cell for row in matrix for cell in row if cell is not None]
    return {
        "bandwidth_matrix": [["N/A" if cell is None else f"{cell:g}" for cell in row] for row in matrix],
        "min": min(cells),
        "max": max(cells),
        "average": sum(cells) / len(cells),
        "sum": sum(cells),
    }
