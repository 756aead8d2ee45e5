"""Loads all GPUs of a node at once with PyTorch, and prints what each achieved and whether its results were right.

    python3 - bringup-gpu-load --gpus 8 --tests gemm,compare < gpu_load.py

Every GPU has a process of its own, so that one that fails or hangs hides nothing of the others; they begin together.
PyTorch for ROCm has the same interface as the one for CUDA. With `--device cpu` the processor is loaded instead.

gemm      matrix products, in bf16 and, where it is there, fp8. Random numbers, because zeros save power.
compare   the same product again and again, and patterns in most of the free memory. The factors are small whole
          numbers, so the sums are exact in any order: every GPU, of every kind, must get the same bits.
memory    copy and triad within a GPU's memory, counted as STREAM does: every byte read or written.
copies    between the host's memory and a GPU's, from the processor that the GPU is connected to.
peers     from every GPU to every other one, one pair at a time.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import json
import os
import select
import signal
import sys
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import ModuleType
    from typing import Any

    Result = dict[str, Any]
    Work = Callable[[Callable[[Result], None]], object]

VERSION = 1
MISSING = 3
START_S = 120.0
ROUND_S = 0.2
SEED = 20
PATTERNS = (0, -1, -6148914691236517206, 6148914691236517205)  # bytes 00, FF, AA, 55
MIB = 1 << 20
LARGE = 256 * MIB


class Device:
    """One GPU, or the processor, with what is asked of it."""

    def __init__(self, torch: ModuleType, given: argparse.Namespace, index: int) -> None:
        self.torch, self.given, self.index = torch, given, index
        self.is_gpu = given.device == "gpu"
        self.place = torch.device(f"cuda:{index}" if self.is_gpu else "cpu")
        if self.is_gpu:
            torch.cuda.set_device(self.place)

    def wait(self) -> None:
        """Until everything that was asked for is done."""
        if self.is_gpu:
            self.torch.cuda.synchronize(self.place)

    def about(self) -> Result:
        """Name and PCI address; null where this PyTorch does not tell."""
        if not self.is_gpu:
            return {"name": "cpu", "bus": None}
        known = self.torch.cuda.get_device_properties(self.place)
        parts = [getattr(known, f"pci_{part}_id", -1) for part in ("domain", "bus", "device")]
        bus = None if min(parts) < 0 else f"{parts[0]:04x}:{parts[1]:02x}:{parts[2]:02x}.0"
        return {"name": str(known.name), "bus": bus}

    def room(self, share: float) -> int:
        """Bytes that a test may use: a share of what is free, or of what was given."""
        free = int(self.torch.cuda.mem_get_info(self.place)[0]) if self.is_gpu else LARGE
        return int((self.given.memory_mib * MIB or free) * share)

    def near(self) -> bool:
        """Run on the processor that the GPU is connected to; false where that is not known."""
        try:
            text = Path(f"/sys/bus/pci/devices/{self.about()['bus']}/local_cpulist").read_text("utf-8")
            ranges = [part.partition("-") for part in text.strip().split(",")]
            cpus = {n for low, _, high in ranges for n in range(int(low), int(high or low) + 1)}
            os.sched_setaffinity(0, cpus & os.sched_getaffinity(0))
        except (OSError, ValueError):
            return False
        return True

    def rate(self, work: Callable[[], object], seconds: float) -> tuple[float, float]:
        """How often `work` runs in a second: over all rounds of a fifth of a second, and in the slowest one."""
        taken: list[float] = []
        many = 1
        for _ in range(2):  # the first time is slow: programs are loaded, clocks rise
            taken = [self._round(work, 1)]
        many = max(1, int(ROUND_S / max(taken[0], 1e-6)))
        taken = [self._round(work, many)]
        while sum(taken) < seconds:
            taken.append(self._round(work, many))
        return many * len(taken) / sum(taken), many / max(taken)

    def _round(self, work: Callable[[], object], many: int) -> float:
        begun = time.perf_counter()
        for _ in range(many):
            work()
        self.wait()
        return time.perf_counter() - begun


def gemm(device: Device) -> Result:
    torch, size = device.torch, device.given.size
    a, b = (torch.randn(size, size, device=device.place).to(torch.bfloat16) for _ in range(2))
    found: Result = {"size": size, "bf16": tflops(device, partial(torch.mm, a, b, out=torch.empty_like(a)))}
    try:
        found["fp8"] = tflops(device, eight_bits(torch, a, b))
    except Exception as error:  # noqa: BLE001  fp8 is not in every GPU, nor in every PyTorch
        found["fp8"] = {"why": said(error)}
    return found


def tflops(device: Device, work: Callable[[], object]) -> Result:
    usual, slowest = device.rate(work, device.given.seconds)
    each = 2.0 * device.given.size**3 / 1e12
    return {"tflops": usual * each, "slowest": slowest * each}


def eight_bits(torch: ModuleType, a: Any, b: Any) -> Callable[[], object]:
    """A product in fp8; the first GPUs of AMD that have it use a number format of their own."""
    one = torch.tensor(1.0, device=a.device)
    own = (
        "gfx94" in getattr(torch.cuda.get_device_properties(a.device), "gcnArchName", "")
        if a.is_cuda
        else False
    )
    kind = getattr(torch, "float8_e4m3fnuz" if own else "float8_e4m3fn")
    left, right = a.to(kind), b.t().contiguous().to(kind).t()
    return partial(torch._scaled_mm, left, right, scale_a=one, scale_b=one, out_dtype=torch.bfloat16)


def compare(device: Device) -> Result:
    torch, size = device.torch, device.given.size
    source = torch.Generator().manual_seed(SEED)
    factors = [torch.randint(-3, 4, (size, size), generator=source, dtype=torch.int8) for _ in range(2)]
    a, b = (factor.to(device.place).to(torch.bfloat16) for factor in factors)
    first = torch.mm(a, b)
    values = first.to(torch.int64)
    weights = torch.arange(size, device=device.place) % 97 + 1
    digest = [int(values.sum()), int((values * weights[:, None]).sum())]
    del values
    wrong = products = 0
    until = time.perf_counter() + device.given.seconds / 2
    while products == 0 or time.perf_counter() < until:
        wrong += int(sum(torch.count_nonzero(torch.mm(a, b) != first) for _ in range(8)))
        products += 8
    return {"products": products, "wrong": wrong, "digest": digest, **patterns(device)}


def patterns(device: Device) -> Result:
    """Fill most of the free memory with each pattern, and read it back."""
    torch, room = device.torch, device.room(0.8)
    length = min(LARGE, max(8, room)) // 8
    kept = [
        torch.empty(length, dtype=torch.int64, device=device.place)
        for _ in range(max(1, room // length // 8))
    ]
    bad = 0
    for pattern in PATTERNS:
        for values in kept:
            values.fill_(pattern)
        bad += int(sum(torch.count_nonzero(values != pattern) for values in kept))
    return {"pattern_bytes": len(kept) * length * 8, "pattern_wrong": bad}


def memory(device: Device) -> Result:
    torch = device.torch
    length = min(4 * LARGE, device.room(0.25)) // 4
    x, y, z = (torch.ones(length, dtype=torch.float32, device=device.place) for _ in range(3))
    copied, _ = device.rate(partial(y.copy_, x), min(1.0, device.given.seconds))
    triad, _ = device.rate(partial(torch.add, x, y, alpha=3.0, out=z), min(1.0, device.given.seconds))
    return {"copy_gbs": copied * length * 8 / 1e9, "triad_gbs": triad * length * 12 / 1e9}


def copies(device: Device) -> Result:
    torch = device.torch
    local, size = device.near(), min(LARGE, device.room(0.25))
    here = torch.ones(size, dtype=torch.uint8, pin_memory=device.is_gpu)
    there = torch.zeros(size, dtype=torch.uint8, device=device.place)
    found: Result = {"local": local}
    for name, to, of in (("h2d_gbs", there, here), ("d2h_gbs", here, there)):
        usual, _ = device.rate(partial(to.copy_, of, non_blocking=True), min(1.0, device.given.seconds))
        found[name] = usual * size / 1e9
    return found


TESTS = {"gemm": gemm, "compare": compare, "memory": memory, "copies": copies}


def peers(
    torch: ModuleType, given: argparse.Namespace, ready: Callable[[Result], None]
) -> list[list[float | None]]:
    """GB/s from each GPU (row) to each other one (column)."""
    ready({})
    devices = [Device(torch, given, n) for n in range(given.gpus)]
    size = min(LARGE, devices[0].room(0.25))
    values, spare = (
        [torch.zeros(size, dtype=torch.uint8, device=d.place) for d in devices] for _ in range(2)
    )
    found: list[list[float | None]] = []
    for a in devices:
        found.append([None] * len(devices))
        for b in devices:
            if a is not b:
                copy = partial(spare[b.index].copy_, values[a.index], non_blocking=True)
                found[-1][b.index] = a.rate(copy, 0.05)[0] * size / 1e9
    return found


def one(torch: ModuleType, given: argparse.Namespace, index: int, ready: Callable[[Result], None]) -> Result:
    """All tests of one GPU."""
    if given.device == "gpu" and index >= torch.cuda.device_count():
        raise RuntimeError("there is no such GPU")
    device = Device(torch, given, index)
    torch.ones(16, device=device.place).sum()
    device.wait()
    ready(device.about())
    return {name: TESTS[name](device) for name in given.tests if name in TESTS}


# ------------------------------------------------------------------------------------------- all GPUs together


def said(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".strip().splitlines()[0][:300]


class Child:
    """A process that loads one GPU: it says one line when it is ready, waits, and says one line with its results."""

    def __init__(self, work: Work) -> None:
        self.ear, voice = os.pipe()
        waits, self._mouth = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self._mouth)
            self._work(work, voice, waits)
        os.close(voice)
        os.close(waits)
        self._heard, self.ended = b"", False

    @staticmethod
    def _work(work: Work, voice: int, waits: int) -> None:
        def say(words: Result) -> None:
            os.write(voice, json.dumps(words).encode() + b"\n")

        def ready(about: Result) -> None:
            say(about)
            os.read(waits, 1)

        try:
            answer: Result = {"results": work(ready)}
        except BaseException as error:  # noqa: BLE001  whatever ends this GPU's work is this GPU's result
            answer = {"error": said(error)}
        with contextlib.suppress(OSError):
            say(answer)
        os._exit(0)

    @property
    def lines(self) -> list[bytes]:
        return self._heard.split(b"\n")[:-1]

    def hear(self) -> None:
        data = os.read(self.ear, 65536)
        self._heard += data
        self.ended = not data

    def go(self) -> None:
        with contextlib.suppress(OSError):
            os.write(self._mouth, b"g")

    def end(self) -> Result:
        """Kill it, also one that hangs; what it said, or why it said no more."""
        with contextlib.suppress(OSError):
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, os.WNOHANG)
        found: Result = {}
        for line in self.lines:
            found.update(json.loads(line))
        if "results" not in found and "error" not in found:
            found["error"] = "its process died" if self.ended else "did not finish in time"
        return found


def hear(children: list[Child], seconds: float, lines: int) -> None:
    """Listen until every child has said so many lines or has ended, but not for ever."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        waiting = {child.ear: child for child in children if not child.ended and len(child.lines) < lines}
        if not waiting:
            return
        for ear in select.select(list(waiting), [], [], 0.5)[0]:
            waiting[ear].hear()


def together(works: Sequence[Work], seconds: float) -> list[Result]:
    """Run all at the same time, each in a process of its own."""
    children = [Child(work) for work in works]
    hear(children, START_S, 1)
    for child in children:
        child.go()
    hear(children, seconds, 2)
    return [child.end() for child in children]


def arguments(words: list[str]) -> argparse.Namespace:
    known = [*TESTS, "peers"]
    parser = argparse.ArgumentParser(prog="bringup-gpu-load", description="Loads GPUs with PyTorch.")
    parser.add_argument("name", choices=["bringup-gpu-load"], help="what this program is called")
    parser.add_argument("--gpus", type=int, required=True, choices=range(1, 65), metavar="1-64")
    parser.add_argument("--tests", default="gemm,compare,memory,copies", help=f"of: {','.join(known)}")
    parser.add_argument("--seconds", type=float, default=5.0, help="how long matrix products of one kind run")
    parser.add_argument("--size", type=int, default=8192, help="rows and columns of the matrices")
    parser.add_argument("--memory-mib", type=int, default=0, help="memory to use, 0: most of what is free")
    parser.add_argument("--device", default="gpu", choices=["gpu", "cpu"])
    given = parser.parse_args(words)
    given.tests = given.tests.split(",")
    unknown = [word for word in given.tests if word not in known]
    if unknown:
        parser.error(f"unknown test {unknown[0]!r}")
    if not 0 < given.seconds <= 3600 or not 16 <= given.size <= 65536 or not 0 <= given.memory_mib < 1 << 24:
        parser.error("seconds up to 3600, size 16 to 65536, memory-mib from 0 up")
    return given


def lacking(name: str, why: str) -> int:
    print(json.dumps({"bringup_gpu_load": VERSION, "missing": name, "why": why}))
    return MISSING


def main(words: list[str]) -> int:
    given = arguments(words)
    try:
        torch = importlib.import_module("torch")
    except (ImportError, OSError) as error:
        return lacking("torch", said(error))
    cuda, hip = torch.version.cuda, getattr(torch.version, "hip", None)
    if given.device == "gpu" and not cuda and not hip:
        return lacking("torch with GPU support", f"PyTorch {torch.__version__} is for processors only")
    backend, runtime = ("cpu", None) if given.device == "cpu" else ("hip", hip) if hip else ("cuda", cuda)
    report: Result = {"bringup_gpu_load": VERSION, "torch": str(torch.__version__), "backend": backend}
    works = (
        [partial(one, torch, given, n) for n in range(given.gpus)] if set(given.tests) & set(TESTS) else []
    )
    answers = together(works, 60.0 + given.seconds * 4)
    report.update({"runtime": runtime, "gpus": [{"index": n, **answer} for n, answer in enumerate(answers)]})
    if "peers" in given.tests:
        (answer,) = together([partial(peers, torch, given)], 60.0 + given.gpus**2)
        report.update({"peers": answer.get("results"), "peers_error": answer.get("error")})
    print(json.dumps(report))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
