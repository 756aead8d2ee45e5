"""Answers of a node with eight GPUs to the commands of stage perf, healthy unless a test changes a part. Invented, in the
forms that the parsers' tests know."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

import pytest

from bringup.battery import perf
from bringup.check import AnyCheck, Outputs
from bringup.context import Context
from bringup.judging import judged
from bringup.model import Node, Outcome
from bringup.parsers import gpu_samples

GPUS = 8
ADDRESSES = tuple(f"0000:{bus}:00.0" for bus in ("1b", "43", "52", "61", "9d", "c3", "d1", "df"))
FACTS: dict[str, object] = {
    "gpu.vendor": "nvidia", "gpu.count": GPUS, "nvlink.links": 18, "tools.required": [], "perf.python": "python3",
    "perf.nvbandwidth": "nvbandwidth", "perf.transferbench": "TransferBench",
    "perf.rocm_bandwidth_test": "rocm-bandwidth-test", "perf.seconds": 5, "perf.gemm_size": 8192,
    "perf.memory_seconds": 3, "perf.nvme_seconds": 3, "perf.fio": "fio", "collective.binary": "/opt/nccl/all_reduce_perf",
    "soak.seconds": 1800, "soak.collective_rounds": 3, "soak.memory_seconds": 300,
}  # fmt: skip
LIMITS: dict[str, tuple[str, float] | tuple[str, float, str]] = {
    "perf.copy.h2d": (">=", 48, "GB/s"), "perf.copy.d2h": (">=", 48, "GB/s"), "perf.peer": (">=", 335, "GB/s"),
    "perf.gpu_memory": (">=", 1905, "GB/s"), "perf.wrong": ("==", 0), "gpu.slowdown": ("==", 0),
    "gpu.memory.temperature": ("<=", 95, "C"), "pcie.gpu.gen_max": (">=", 5), "pcie.gpu.width": ("==", 16),
    "collective.wrong": ("==", 0), "perf.host_memory.wrong": ("==", 0),
}  # fmt: skip


@dataclass
class World:
    """What the node's tools answer. Change a part, then `judge` a check. A tool that is None is not installed."""

    load: Callable[[str], AnyCheck]
    outputs: Callable[..., Outputs]
    context: Callable[..., Context]
    node: Node
    facts: dict[str, object] = field(default_factory=lambda: dict(FACTS))
    limits: dict[str, Any] = field(default_factory=lambda: dict(LIMITS))
    h2d: list[float] | None = field(default_factory=lambda: [55.4] * GPUS)
    d2h: list[float] = field(default_factory=lambda: [55.1] * GPUS)
    local: list[float] | None = field(default_factory=lambda: [1519.0] * GPUS)
    pairs: list[list[float]] = field(default_factory=lambda: [[392.0] * GPUS for _ in range(GPUS)])
    gpus: list[dict[str, Any]] | None = field(default_factory=lambda: [healthy(n) for n in range(GPUS)])
    peers: list[list[float | None]] | None = None
    samples: list[list[str]] = field(default_factory=lambda: [[sample(n) for n in range(GPUS)]])
    listed: list[int] = field(default_factory=lambda: list(range(GPUS)))
    missing_why: str = ""
    status: int = 0
    seen: str | None = None
    """What another driver's tool printed beside the load, its list first."""

    def ctx(self) -> Context:
        facts = {name: value for name, value in self.facts.items() if value is not None}
        return self.context({n: v for n, v in self.limits.items() if v is not None}, facts)

    def judge(self, file: str, more: Mapping[object, object] | None = None) -> Outcome:
        check, ctx = self.load(file), self.ctx()
        steps = check.plan(self.node, ctx).steps  # type: ignore[arg-type]
        known = {
            perf.bandwidth_command(self.node, ctx): self.bandwidth(),
            perf.load_command(self.node, ctx): self.loaded(),
            perf.soak_command(self.node, ctx): self.loaded(),
        }
        answers = {step.command: known[step.command] for step in steps if step.command in known}
        return judged(check, self.node, self.outputs({**answers, **(more or {})}), ctx)

    def listing(self) -> str:
        rows = "".join(f"{n}, 0000{ADDRESSES[place].upper()}\n" for place, n in enumerate(self.listed))
        return section(gpu_samples.LIST, f"index, pci.bus_id\n{rows}")

    def bandwidth(self) -> str:
        if self.h2d is None:
            return self.listing() + "@bringup missing nvbandwidth\n"
        between = [[None if a == b else self.pairs[a][b] for a in range(GPUS)] for b in range(GPUS)]
        tests = (
            ("host_to_device_memcpy_ce", "CPU(row) -> GPU(column)", [self.h2d]),
            ("device_to_host_memcpy_ce", "CPU(row) <- GPU(column)", [self.d2h]),
            ("device_to_device_memcpy_write_ce", "GPU(row) <- GPU(column)", between),
            ("device_local_copy", "local GPU(column)", [self.local] if self.local else None),
        )
        body = [
            {"name": name, "status": "Passed", "bandwidth_description": f"{title} bandwidth (GB/s)", "sum": 1.0,
             "bandwidth_matrix": [["N/A" if c is None else str(c) for c in row] for row in matrix]}
            if matrix else {"name": name, "status": "ERROR"}
            for name, title, matrix in tests
        ]  # fmt: skip
        return self.listing() + section(
            "nvbandwidth", json.dumps({"nvbandwidth": {"testcases": body}}, indent=1)
        )

    def loaded(self) -> str:
        if self.gpus is None:
            return self.listing() + "@bringup missing python3\n"
        report: dict[str, Any] = {
            "bringup_gpu_load": 1,
            "torch": "2.9.1",
            "backend": "cuda",
            "runtime": "13.0",
        }
        report |= {"gpus": self.gpus} | ({"peers": self.peers} if self.peers else {})
        if self.missing_why:
            report = {"bringup_gpu_load": 1, "missing": "torch", "why": self.missing_why}
        if self.seen is not None:
            return section("load", json.dumps(report), self.status) + self.seen
        shown = "".join(section(gpu_samples.SAMPLE, HEAD + "".join(rows)) for rows in self.samples)
        return self.listing() + section("load", json.dumps(report), self.status) + shown


HEAD = (
    "index, pci.bus_id, utilization.gpu [%], pcie.link.gen.current, pcie.link.width.current, clocks.current.sm [MHz],"
    " clocks.max.sm [MHz], temperature.gpu, temperature.memory, power.draw [W], enforced.power.limit [W],"
    " clocks_event_reasons.active\n"
)


def section(name: str, text: str, status: int = 0) -> str:
    return f"@bringup begin {name}\n{text}\n@bringup end {name} {status}\n"


def healthy(n: int) -> dict[str, Any]:
    results = {
        "gemm": {
            "size": 8192,
            "bf16": {"tflops": 700.0, "slowest": 690.0},
            "fp8": {"tflops": 1300.0, "slowest": 1290.0},
        },
        "compare": {
            "products": 99,
            "wrong": 0,
            "digest": [7, 9],
            "pattern_bytes": 1 << 36,
            "pattern_wrong": 0,
        },
        "memory": {"copy_gbs": 2900.0, "triad_gbs": 2970.0},
        "copies": {"local": True, "h2d_gbs": 55.0, "d2h_gbs": 54.0},
    }
    return {"index": n, "name": "NVIDIA H100 80GB HBM3", "bus": ADDRESSES[n], "results": deepcopy(results)}


def sample(
    n: int, *, busy: int = 100, gen: object = 5, width: object = 16, mhz: int = 1700, celsius: int = 65,
    memory: object = 74, reasons: str = "0x0000000000000004",
) -> str:  # fmt: skip
    return (
        f"{n}, 0000{ADDRESSES[n].upper()}, {busy}, {gen}, {width}, {mhz}, 1980, {celsius}, {memory}, 690.00, 700.00,"
        f" {reasons}\n"
    )


@pytest.fixture
def world(load_check, make_outputs, make_context, node) -> World:  # type: ignore[no-untyped-def]
    return World(load_check, make_outputs, make_context, node)


@pytest.fixture
def make_sample() -> Callable[..., str]:
    return sample
