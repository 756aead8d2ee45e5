"""The vendors' own tools for copies: which one a node has, and what each of them measured, by one name.

NVIDIA's nvbandwidth (0.5 or newer, for its JSON); for AMD's GPUs TransferBench, else rocm-bandwidth-test.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field

from bringup.commands import Command
from bringup.errors import CannotJudge, ParseError
from bringup.parsers import gpu_samples, inside, nvbandwidth, rocm_bandwidth_test, transferbench
from bringup.parsers.gpu_load import environment
from bringup.parsers.inside import HERE, Place, Section, Sections

NVBANDWIDTH, TRANSFERBENCH, ROCM = "nvbandwidth", "transferbench", "rocm-bandwidth-test"
LOCAL_COPY = "device_local_copy"
_TESTS = (
    nvbandwidth.HOST_TO_DEVICE,
    nvbandwidth.DEVICE_TO_HOST,
    nvbandwidth.DEVICE_TO_DEVICE_WRITE,
    LOCAL_COPY,
)
_PASSED, _WAIVED = "Passed", "Waived"


def nvidia(
    binary: str = "nvbandwidth", *, place: Place = HERE, env: tuple[tuple[str, str], ...] = ()
) -> Command:
    """Copies between host and GPUs, within each GPU, and between every two, one after the other."""
    run = f"{shlex.quote(binary)} -j -t {' '.join(_TESTS)}"
    inner = environment(inside.lookup(binary, inside.section(NVBANDWIDTH, run)))
    return _command(gpu_samples.listed() + place.script(inner, env), place)


def amd(
    benches: tuple[str, str] = ("TransferBench", "rocm-bandwidth-test"), *, place: Place = HERE,
    env: tuple[tuple[str, str], ...] = (),
) -> Command:  # fmt: skip
    """The same for AMD's GPUs, without their own memory."""
    bench, old = benches
    own = inside.section(TRANSFERBENCH, f"{shlex.quote(bench)} p2p 64M")
    other = inside.section(ROCM, shlex.quote(old))
    inner = environment(inside.lookup(bench, own, otherwise=inside.lookup(old, other)))
    return _command(place.script(inner, env), place)


def _command(script: str, place: Place) -> Command:
    return Command(
        script, timeout_s=420.0, max_bytes=4 << 20, needs=place.needs, root=place.root, alone=True, estimate_s=20.0
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Bandwidth:
    """What a tool measured, in GB/s (10^9), by the number that it gives to each GPU.

    None in place of a part: this tool does not measure it, or says that it does not apply to this machine. `memory`
    counts every byte read or written. `peers` are by the GPU that sends and the one that receives, `addresses` PCI
    addresses where the tool names them.
    """

    tool: str
    to_gpu: Mapping[int, float]
    from_gpu: Mapping[int, float]
    memory: Mapping[int, float] | None
    peers: Mapping[tuple[int, int], float] | None
    addresses: Mapping[int, str] = field(default_factory=dict)


def read(sections: Sections) -> Bandwidth | None:
    """What was measured; None where no tool was found. Raises ParseError or CannotJudge where one failed."""
    for name, parse in ((NVBANDWIDTH, _nvidia), (TRANSFERBENCH, _transferbench), (ROCM, _rocm)):
        part = sections.one(name)
        if part is not None:
            if part.status is None:
                raise ParseError(f"{name} was cut off")
            return parse(part)
    return None


def _nvidia(part: Section) -> Bandwidth:
    tests = {test.name: test for test in nvbandwidth.parse(part.text).tests}

    def figures(name: str) -> nvbandwidth.Matrix | None:
        test = tests.get(name)
        if test is None:
            raise ParseError(f"nvbandwidth does not tell of {name}")
        if test.status == _PASSED:
            return test.matrix
        if test.status == _WAIVED or (name == LOCAL_COPY and test.status == "ERROR"):
            return None  # versions before 0.7 do not know this one
        raise CannotJudge(f"nvbandwidth ended {name} with {test.status!r}")

    def row(name: str) -> dict[int, float] | None:
        matrix = figures(name)
        return None if matrix is None else _numbered(matrix[0])

    between = figures(nvbandwidth.DEVICE_TO_DEVICE_WRITE)
    local = row(LOCAL_COPY)
    return Bandwidth(
        tool=NVBANDWIDTH,
        to_gpu=row(nvbandwidth.HOST_TO_DEVICE) or {},
        from_gpu=row(nvbandwidth.DEVICE_TO_HOST) or {},
        memory=None if local is None else {gpu: 2 * gbs for gpu, gbs in local.items()},
        peers=None if between is None else _pairs(between),
    )


def _numbered(row: tuple[float | None, ...]) -> dict[int, float]:
    return {gpu: gbs for gpu, gbs in enumerate(row) if gbs is not None}


def _pairs(matrix: nvbandwidth.Matrix) -> dict[tuple[int, int], float]:
    """From and to: a test that writes goes from the GPU of the column to that of the row, as its heading says."""
    return {(b, a): gbs for a, row in enumerate(matrix) for b, gbs in _numbered(row).items()}


def _transferbench(part: Section) -> Bandwidth:
    """Of several processors the nearer one counts, which is the faster one."""
    one_way = next((m for m in transferbench.parse(part.text).matrices if m.title == "Unidirectional"), None)
    if one_way is None:
        raise ParseError("TransferBench has no matrix of copies in one direction")
    to_gpu: dict[int, float] = {}
    from_gpu: dict[int, float] = {}
    for (way, a, b), gbs in one_way.cells.items():
        if way != "->" or gbs is None or a[:3] == b[:3]:
            continue
        kept, gpu = (to_gpu, _number(b)) if a.startswith("CPU") else (from_gpu, _number(a))
        kept[gpu] = max(gbs, kept.get(gpu, 0.0))
    between = {(_number(a), _number(b)): gbs for (a, b), gbs in one_way.between_gpus().items()}
    return Bandwidth(TRANSFERBENCH, to_gpu, from_gpu, None, between)


def _number(device: str) -> int:
    return int(device.split()[1])


def _rocm(part: Section) -> Bandwidth:
    report = rocm_bandwidth_test.parse(part.text)
    cells = report.matrices[rocm_bandwidth_test.UNIDIRECTIONAL]
    gpus = {d.index: d.address for d in report.devices if d.address}
    hosts = [d.index for d in report.devices if not d.address]
    numbers = {device: n for n, device in enumerate(sorted(gpus, key=lambda device: gpus[device] or ""))}

    def best(pairs: list[tuple[int, int]]) -> float | None:
        return max((gbs for pair in pairs if (gbs := cells[pair]) is not None), default=None)

    to_gpu = {n: best([(host, device) for host in hosts]) for device, n in numbers.items()}
    from_gpu = {n: best([(device, host) for host in hosts]) for device, n in numbers.items()}
    between = report.between_gpus(rocm_bandwidth_test.UNIDIRECTIONAL)
    return Bandwidth(
        tool=ROCM,
        to_gpu={n: gbs for n, gbs in to_gpu.items() if gbs is not None},
        from_gpu={n: gbs for n, gbs in from_gpu.items() if gbs is not None},
        memory=None,
        peers={(numbers[a], numbers[b]): gbs for (a, b), gbs in between.items() if gbs is not None},
        addresses={n: gpus[device] or "" for device, n in numbers.items()},
    )
