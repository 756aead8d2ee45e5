"""`nvbandwidth -j`: copies between host and GPUs and between GPUs, from PCIe and NVLink of the parts."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence

from bringup.mock import physics
from bringup.mock.hardware import Gpu, SimNode
from bringup.mock.switchboard import Reply
from bringup.mock.tools.call import Call, Options

_PCIE_GBS_PER_LANE = {1: 0.25, 2: 0.5, 3: 0.985, 4: 1.969, 5: 3.938, 6: 7.563}
_PCIE_SHARE = 0.88
_NVLINK_SHARE = 0.82
_CHIP_TO_CHIP_GBS = 369.4
_SECONDS = 3.0
_HOST = {
    "host_to_device_memcpy_ce": "memcpy CE CPU(row) -> GPU(column) bandwidth (GB/s) ",
    "device_to_host_memcpy_ce": "memcpy CE CPU(row) <- GPU(column) bandwidth (GB/s) ",
}
_DEVICE = {
    "device_to_device_memcpy_read_ce": "memcpy CE GPU(row) -> GPU(column) bandwidth (GB/s) ",
    "device_to_device_memcpy_write_ce": "memcpy CE GPU(row) <- GPU(column) bandwidth (GB/s) ",
}


async def nvbandwidth(call: Call) -> Reply:
    """Runs the tests that are named after -t, or all that are simulated. Only the JSON form is known."""
    node = call.node
    options = Options(call.args, ("-t", "--testcase", "-i", "--testSamples", "-b", "--bufferSize"))
    if not options.has("-j", "--json"):
        return Reply(1, stderr="This node is simulated: only nvbandwidth -j is known\n")
    names = [options.get("-t", "--testcase"), *options.words] if options.has("-t", "--testcase") else []
    wanted = names or [*_HOST, *_DEVICE]
    unknown = [name for name in wanted if name not in _HOST | _DEVICE]
    if unknown:
        return Reply(1, stdout=_printed({"error": f"Testcase {unknown[0]} not found!"}))
    if not node.driver_loaded or not node.visible_gpus:
        return Reply(
            1, stdout=_printed({"error": "CUDA_ERROR_NO_DEVICE: no CUDA-capable device is detected"})
        )
    await call.cluster.pause(_SECONDS * len(wanted))
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
    if name in _DEVICE and len(gpus) < 2:
        return {"name": name, "status": "Waived"}
    if name in _HOST:
        matrix: list[list[float | None]] = [[host_gbs(g) * physics.noise(rng) for g in gpus]]
    else:
        matrix = [[None if a is b else pair_gbs(a, b) * physics.noise(rng) for b in gpus] for a in gpus]
    return {
        "name": name,
        "status": "Passed",
        "bandwidth_description": (_HOST | _DEVICE)[name],
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


def host_gbs(gpu: Gpu) -> float:
    """What a copy between the host and a GPU reaches: its PCIe link, or the link between Grace and Blackwell."""
    if gpu.kind.addressing == "ATS":
        return _CHIP_TO_CHIP_GBS * gpu.copy_fraction
    lane = _PCIE_GBS_PER_LANE[min(gpu.pcie_gen_max, gpu.kind.pcie_gen)]
    return lane * gpu.pcie_width * _PCIE_SHARE * gpu.copy_fraction


def pair_gbs(a: Gpu, b: Gpu) -> float:
    """What a copy from one GPU to another reaches: the NVLinks of the one that has fewer."""
    links = (sum(g.link_gbs(link) for link in range(g.kind.nvlinks)) for g in (a, b))
    return min(links) * _NVLINK_SHARE
