"""bringup's own program that loads all GPUs with PyTorch: how it is run, and its JSON.

It measures matrix products and whether results are right, and besides what no tool on the node can measure: copies,
GPU memory, transfers between GPUs.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from bringup import programs
from bringup.commands import Command
from bringup.errors import ParseError, ToolMissing
from bringup.parsers import bdf, gpu_samples, inside
from bringup.parsers.amd_samples import AMD
from bringup.parsers.gpu_samples import NVIDIA
from bringup.parsers.inside import HERE, Place
from bringup.parsers.reading import quoted
from bringup.parsers.reading_json import count, figure, items, mapping, words, words_or_none

LOAD = "load"
VERSION = 1
NO_SUCH_GPU = "there is no such GPU"
_KEY = "bringup_gpu_load"
_END = "BRINGUP_END_OF_PROGRAM"
_START_S = 15.0
_SOAK_PARTS = 2.5
"""Products in bf16, the same time in fp8, and half of it comparing results: what the program does with one `--seconds`."""
_SOAK_EVERY_S = 10
_MOST_BYTES = 16 << 20
"""Of an hour of samples; those of AMD's tool take 3 kB for each GPU."""
_COMMON = """unset CUDA_VISIBLE_DEVICES HIP_VISIBLE_DEVICES ROCR_VISIBLE_DEVICES GPU_DEVICE_ORDINAL
CUDA_DEVICE_ORDER=PCI_BUS_ID
export CUDA_DEVICE_ORDER
"""


def environment(script: str) -> str:
    """`script` so that it sees all GPUs, numbered by their PCI addresses."""
    return _COMMON + script


def load(
    gpus: int, seconds: float, size: int, *, python: str = "python3", instead: str = "", place: Place = HERE,
    env: tuple[tuple[str, str], ...] = (),
) -> Command:  # fmt: skip
    """Loads all GPUs for some seconds with matrices of `size`.

    `instead` is shell that says by its exit status and in `more` which tests no tool of the node does.
    """
    run = f"tests=gemm,compare,copies more=\n{instead}{_call(python, gpus, seconds, size)}"
    return _command(run, gpus, seconds, python=python, place=place, env=env)


def soak(
    gpus: int, seconds: float, size: int, *, python: str = "python3", place: Place = HERE,
    env: tuple[tuple[str, str], ...] = (),
) -> Command:  # fmt: skip
    """Loads all GPUs for `seconds` in all: products of two kinds, and results compared."""
    each = seconds / _SOAK_PARTS
    run = f"tests=gemm,compare more=\n{_call(python, gpus, each, size)}"
    return _command(run, gpus, each, python=python, place=place, env=env, every_s=_SOAK_EVERY_S)


def _call(python: str, gpus: int, seconds: float, size: int) -> str:
    return (
        f"{shlex.quote(python)} - bringup-gpu-load --gpus {gpus:d} --seconds {seconds:g} --size {size:d}"
        f" --tests \"$tests$more\" <<'{_END}'\n{programs.text(programs.GPU_LOAD)}{_END}\n"
    )


def _command(
    run: str, gpus: int, seconds: float, *, python: str, place: Place, env: tuple[tuple[str, str], ...],
    every_s: int = 1,
) -> Command:  # fmt: skip
    inner = environment(inside.lookup(python, inside.section(LOAD, run)))
    driver = AMD if place.vendor == "amd" else NVIDIA
    return Command(
        gpu_samples.listed(driver) + gpu_samples.around(place.script(inner, env), driver, every_s),
        timeout_s=300.0 + 5 * seconds + gpus**2,
        max_bytes=_MOST_BYTES,
        needs=place.needs,
        root=place.root,
        alone=True,
        estimate_s=_START_S + 3 * seconds,
    )


# -------------------------------------------------------------------------------------------------- rows


@dataclass(frozen=True, slots=True)
class Rate:
    """TFLOPS over the whole time, and in its slowest fifth of a second."""

    tflops: float
    slowest: float


@dataclass(frozen=True, slots=True)
class Gemm:
    """Matrix products. `fp8` None: this GPU or this PyTorch has none, `fp8_why` says why."""

    size: int
    bf16: Rate
    fp8: Rate | None
    fp8_why: str | None


@dataclass(frozen=True, slots=True)
class Compare:
    """Results compared: values that differ from the first product, and bytes of memory that lost their pattern.

    `digest` is the same on every GPU that computes right.
    """

    products: int
    wrong: int
    digest: tuple[int, ...]
    pattern_bytes: int
    pattern_wrong: int


@dataclass(frozen=True, slots=True)
class Memory:
    """Bandwidth of a GPU's memory in GB/s (10^9), every byte read or written."""

    copy_gbs: float
    triad_gbs: float


@dataclass(frozen=True, slots=True)
class Copies:
    """Copies from and to pinned memory of the host, in GB/s. `local`: from the processor next to the GPU."""

    h2d_gbs: float
    d2h_gbs: float
    local: bool


@dataclass(frozen=True, slots=True)
class Gpu:
    """One GPU. `address` None: this PyTorch does not tell. With an `error` it has no results."""

    index: int
    name: str | None
    address: str | None
    error: str | None
    gemm: Gemm | None = None
    compare: Compare | None = None
    memory: Memory | None = None
    copies: Copies | None = None

    @property
    def exists(self) -> bool:
        """Whether PyTorch saw a GPU of this number at all."""
        return self.error is None or NO_SUCH_GPU not in self.error


@dataclass(frozen=True, slots=True)
class Report:
    """One run. `peers[row][column]` in GB/s from GPU to GPU; None where they were not asked for, or failed."""

    torch: str
    backend: str
    runtime: str | None
    gpus: tuple[Gpu, ...]
    peers: tuple[tuple[float | None, ...], ...] | None = None
    peers_error: str | None = None


def parse(text: str) -> Report:
    """The run. Raises ToolMissing where PyTorch is missing or cannot use GPUs, ParseError for anything unknown."""
    line = next((line for line in reversed(text.splitlines()) if line.startswith(f'{{"{_KEY}"')), None)
    if line is None:
        raise ParseError(
            f"bringup's GPU load printed no report: {quoted(text) if text.strip() else 'nothing'}"
        )
    try:
        body = mapping(json.loads(line), _KEY)
    except (ValueError, RecursionError):
        raise ParseError(f"bringup's GPU load: the report is cut off: {quoted(line)}") from None
    if body.get(_KEY) != VERSION:
        raise ParseError(f"bringup's GPU load: version {quoted(str(body.get(_KEY)))} is not known")
    if "missing" in body:
        lacks = words(body["missing"], f"{_KEY}: missing")
        raise ToolMissing((f"{lacks[:60]} for python3 ({words(body.get('why'), f'{_KEY}: why')[:200]})",))
    return Report(
        torch=words(body.get("torch"), f"{_KEY}: torch"),
        backend=words(body.get("backend"), f"{_KEY}: backend"),
        runtime=words_or_none(body.get("runtime"), f"{_KEY}: runtime"),
        gpus=tuple(
            _gpu(mapping(entry, f"{_KEY}: a GPU")) for entry in items(body.get("gpus"), f"{_KEY}: gpus")
        ),
        peers=_matrix(body.get("peers")),
        peers_error=words_or_none(body.get("peers_error"), f"{_KEY}: peers_error"),
    )


def _gpu(entry: dict[str, object]) -> Gpu:
    index = count(entry.get("index"), f"{_KEY}: index")
    what = f"{_KEY} GPU {index}"
    bus = words_or_none(entry.get("bus"), f"{what}: bus")
    error = words_or_none(entry.get("error"), f"{what}: error")
    results = mapping(entry.get("results", {}), f"{what}: results")
    if error is None and not results:
        raise ParseError(f"{what} has neither results nor an error")

    def part(name: str) -> dict[str, object] | None:
        return mapping(results[name], f"{what}: {name}") if name in results else None

    gemm, compare, memory, copies = (part(name) for name in ("gemm", "compare", "memory", "copies"))
    return Gpu(
        index=index,
        name=words_or_none(entry.get("name"), f"{what}: name"),
        address=bdf.normalise(bus) if bus else None,
        error=error[:300] if error else None,
        gemm=_gemm(gemm, what) if gemm else None,
        compare=_compare(compare, what) if compare else None,
        memory=Memory(*_figures(memory, what, "copy_gbs", "triad_gbs")) if memory else None,
        copies=_copies(copies, what) if copies else None,
    )


def _gemm(entry: dict[str, object], what: str) -> Gemm:
    fp8 = mapping(entry.get("fp8"), f"{what}: fp8")
    bf16 = Rate(*_figures(mapping(entry.get("bf16"), f"{what}: bf16"), what, "tflops", "slowest"))
    why = words_or_none(fp8.get("why"), f"{what}: why")
    rate = None if why else Rate(*_figures(fp8, what, "tflops", "slowest"))
    return Gemm(count(entry.get("size"), f"{what}: size"), bf16, rate, why)


def _compare(entry: dict[str, object], what: str) -> Compare:
    def of(name: str) -> int:
        return count(entry.get(name), f"{what}: {name}")

    digest = items(entry.get("digest"), f"{what}: digest")
    if not digest or not all(isinstance(part, int) and abs(part) < 1 << 63 for part in digest):
        raise ParseError(f"{what}: digest is {quoted(str(digest))}")
    return Compare(
        products=of("products"),
        wrong=of("wrong"),
        digest=tuple(int(str(part)) for part in digest),
        pattern_bytes=of("pattern_bytes"),
        pattern_wrong=of("pattern_wrong"),
    )


def _copies(entry: dict[str, object], what: str) -> Copies:
    h2d, d2h = _figures(entry, what, "h2d_gbs", "d2h_gbs")
    return Copies(h2d, d2h, local=entry.get("local") is True)


def _figures(entry: dict[str, object], what: str, *names: str) -> tuple[float, ...]:
    found = tuple(figure(entry.get(name), f"{what}: {name}") for name in names)
    if min(found) <= 0:
        raise ParseError(f"{what}: {names[found.index(min(found))]} is {min(found)}, needed more than 0")
    return found


def _matrix(value: object) -> tuple[tuple[float | None, ...], ...] | None:
    if value is None:
        return None
    rows = [items(row, f"{_KEY}: peers") for row in items(value, f"{_KEY}: peers")]
    if any(len(row) != len(rows) for row in rows):
        raise ParseError(f"{_KEY}: peers is no square")
    return tuple(tuple(None if c is None else figure(c, f"{_KEY}: peers") for c in row) for row in rows)


def tests_without(tools: Sequence[str], *, local_copy: bool) -> str:
    """Shell for `load(instead=…)`: GPU memory and peers where none of these tools is there, and GPU memory where the
    first of them cannot measure it. Copies are always made: they show what the PCIe link can do."""
    there = " || ".join(f"command -v {shlex.quote(tool)} >/dev/null 2>&1" for tool in tools)
    lists = f"{shlex.quote(tools[0])} -l 2>/dev/null | grep -q device_local_copy" if local_copy else "false"
    return f"if {there}; then {lists} || more=,memory; else more=,memory,peers; fi\n"
