"""What the checks that load a node share: where their programs are, where they run, and what they said.

Every program's name is a fact of the profile. The fact `container.run` lets all of them run inside a container: the
runner, the image, and further options of the runner.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from bringup.check import Outputs
from bringup.commands import Command
from bringup.context import Context
from bringup.errors import CannotJudge, NoLimit, ParseError, ToolMissing
from bringup.model import Node
from bringup.parsers import amd_samples, gpu_bandwidth, gpu_load, gpu_samples, host_memory, inside
from bringup.parsers.amd_samples import AMD
from bringup.parsers.gpu_bandwidth import Bandwidth
from bringup.parsers.gpu_load import Gpu, Report
from bringup.parsers.gpu_samples import NVIDIA, Series
from bringup.parsers.host_memory import MemorySpeed
from bringup.parsers.inside import RUNNERS, Place, Section, Sections
from bringup.parsers.perf_faults import GPU_LOAD

_ELSEWHERE = "or run it in a container (fact container.run)"
_PROGRAM = re.compile(r"[A-Za-z0-9_./][A-Za-z0-9_./+@%:,-]{0,255}")


def place(node: Node, ctx: Context) -> Place:
    """Where the programs run. Raises NoLimit for a fact that names no container."""
    value = ctx.fact_if_any(node, "container.run")
    vendor = str(ctx.fact_if_any(node, "gpu.vendor") or "")
    if value is None:
        return Place(vendor=vendor)
    words = (
        [word for word in value if isinstance(word, str) and word] if isinstance(value, list | tuple) else []
    )
    if len(words) < 2 or words[0] not in RUNNERS or words[1].startswith("-"):
        known = ", ".join(RUNNERS)
        raise NoLimit(
            f"profile {node.profile}: fact container.run is {value!r}, needed a list: one of {known}, then an image, then"
            " any options"
        )
    return Place(words[0], words[1], tuple(words[2:]), vendor)


def program(node: Node, ctx: Context, name: str) -> str:
    """The program that the fact names. Raises NoLimit."""
    value = ctx.fact(node, name)
    if not isinstance(value, str) or not _PROGRAM.fullmatch(value):
        raise NoLimit(
            f"profile {node.profile}: fact {name} is {value!r}, needed the name or path of a program"
        )
    return value


def bandwidth_command(node: Node, ctx: Context) -> Command:
    """The vendor's own tool for copies between host and GPUs, and between GPUs."""
    ctx.need_gpus(node)
    where = place(node, ctx)
    if where.vendor == "nvidia":
        return gpu_bandwidth.nvidia(program(node, ctx, "perf.nvbandwidth"), place=where, env=node.env)
    benches = (program(node, ctx, "perf.transferbench"), program(node, ctx, "perf.rocm_bandwidth_test"))
    return gpu_bandwidth.amd(benches, place=where, env=node.env)


def load_command(node: Node, ctx: Context) -> Command:
    """bringup's own program, which loads all GPUs with PyTorch; it also measures what no tool of the node can."""
    gpus = ctx.need_gpus(node)
    where = place(node, ctx)
    names = (
        ("perf.nvbandwidth",)
        if where.vendor == "nvidia"
        else ("perf.transferbench", "perf.rocm_bandwidth_test")
    )
    tools = [program(node, ctx, name) for name in names]
    return gpu_load.load(
        gpus,
        ctx.number(node, "perf.seconds"),
        ctx.number(node, "perf.gemm_size"),
        python=program(node, ctx, "perf.python"),
        instead=gpu_load.tests_without(tools, local_copy=where.vendor == "nvidia"),
        place=where,
        env=node.env,
    )


def soak_command(node: Node, ctx: Context) -> Command:
    """The same program for as long as the profile says: only products, and results compared."""
    gpus = ctx.need_gpus(node)
    return gpu_load.soak(
        gpus,
        ctx.number(node, "soak.seconds"),
        ctx.number(node, "perf.gemm_size"),
        python=program(node, ctx, "perf.python"),
        place=place(node, ctx),
        env=node.env,
    )


def sections(node: Node, out: Outputs, command: Command) -> Sections:
    """What a command printed, in its parts. Raises CannotJudge where the driver's tool hangs."""
    answer = out.answered(node, command)
    found = inside.parse(answer.text)
    listed = found.one(gpu_samples.LIST)
    if listed is not None and listed.status == gpu_samples.HANGS:
        tool = next(driver.tool for driver in (AMD, NVIDIA) if driver.gpus in command.script)
        raise CannotJudge(f"{tool} hangs on {node.name}", code="COMMAND-HANGS", at=node.name)
    return found


def part(node: Node, out: Outputs, command: Command, name: str) -> Section:
    """One part of what a command printed. Raises ToolMissing, or CannotJudge where it never began or was cut off."""
    found = sections(node, out, command)
    one = found.one(name)
    if one is None and found.missing:
        raise ToolMissing(found.missing, at=node.name, instead=_ELSEWHERE)
    if one is None or one.status is None:
        said = " ".join(out.get(node, command).error_text.split())[-200:] or "nothing was printed"
        state = "did not start" if one is None else "was cut off"
        raise CannotJudge(f"the test on {node.name} {state}: {said}")
    return one


def memory_copied(node: Node, out: Outputs, command: Command) -> MemorySpeed:
    """What bringup's own program told of the processors' memory. Raises CannotJudge where it failed."""
    one = part(node, out, command, host_memory.OWN)
    if one.status != 0:
        said = " ".join(out.get(node, command).error_text.split())[-200:]
        raise CannotJudge(f"the memory test ended with status {one.status}: {said or 'no text'}")
    return host_memory.parse_own(one.text)


# --------------------------------------------------------------------------------------------------- GPUs


@dataclass(frozen=True, slots=True)
class Loaded:
    """What the GPUs did under load, and what the driver's tool saw meanwhile. GPUs go by their component paths."""

    report: Report
    gpus: Mapping[str, Gpu]
    series: Mapping[str, Series]

    @property
    def working(self) -> dict[str, Gpu]:
        """The GPUs that have results."""
        return {at: gpu for at, gpu in self.gpus.items() if gpu.error is None}


def loaded(node: Node, out: Outputs, ctx: Context) -> Loaded:
    """The short load of all GPUs. Raises CannotJudge where it ran on none of them, ToolMissing without PyTorch."""
    return _loaded(node, out, ctx, load_command(node, ctx))


def soaked(node: Node, out: Outputs, ctx: Context) -> Loaded:
    """The long load of all GPUs. Raises as `loaded` does."""
    return _loaded(node, out, ctx, soak_command(node, ctx))


def _loaded(node: Node, out: Outputs, ctx: Context, command: Command) -> Loaded:
    found = sections(node, out, command)
    load = part(node, out, command, gpu_load.LOAD)
    try:
        report = gpu_load.parse(load.text)
    except ToolMissing as missing:
        hint = f"name another Python (fact perf.python), {_ELSEWHERE}"
        raise ToolMissing(missing.tools, at=node.name, instead=hint) from None
    except ParseError:
        if load.status == 0:
            raise
        said = " ".join(out.get(node, command).error_text.split())[-200:]
        raise CannotJudge(
            f"the load of the GPUs ended with status {load.status}: {said or 'no text'}"
        ) from None
    series = _series(found, amd=place(node, ctx).vendor == "amd")
    if all(gpu.error for gpu in report.gpus):
        why = report.gpus[0].error if report.gpus else "it names no GPU"
        raise CannotJudge(f"no GPU of {node.name} could be loaded: {why}", code=GPU_LOAD.code, at=node.name)
    paths = _paths(node, found, {gpu.index: gpu.address or "" for gpu in report.gpus if gpu.exists})
    gpus = {paths[gpu.index]: gpu for gpu in report.gpus if gpu.exists}
    return Loaded(report, gpus, {f"{node.name}/gpu/{one.index}": one for one in series})


def _series(found: Sections, *, amd: bool) -> tuple[Series, ...]:
    """What the driver's tool saw while the GPUs were loaded."""
    texts = [one.text for one in found.all(gpu_samples.SAMPLE) if one.status == 0]
    if not amd:
        return gpu_samples.parse(texts)
    counts = [found.one(name) for name in (gpu_samples.BEFORE, gpu_samples.BEHIND)]
    before, behind = (one.text if one is not None and one.status == 0 else "" for one in counts)
    return amd_samples.parse(texts, before, behind)


def bandwidth(node: Node, out: Outputs, ctx: Context) -> tuple[Bandwidth, Mapping[int, str]] | None:
    """What the vendor's tool measured, with the component path of each of its GPUs; None where there is no such tool."""
    command = bandwidth_command(node, ctx)
    found = sections(node, out, command)
    if not found.missing and all(one.name == gpu_samples.LIST for one in found.parts):
        part(node, out, command, "any")  # raises: not even the container started
    try:
        measured = gpu_bandwidth.read(found)
    except ParseError as error:
        if all(one.status == 0 for one in found.parts if one.name != gpu_samples.LIST):
            raise
        raise CannotJudge(error.reason, code=GPU_LOAD.code, at=node.name) from None  # it failed and says why
    if measured is None:
        return None
    return measured, _paths(node, found, {gpu: measured.addresses.get(gpu, "") for gpu in measured.to_gpu})


def _paths(node: Node, found: Sections, seen: Mapping[int, str]) -> dict[int, str]:
    """Component paths of the GPUs that a program has seen, by its own numbers and, where it tells, PCI addresses.

    The driver's tool numbers them for people; a program counts them by address. Where the tool lists none (other
    vendors) the number is the program's own. Raises CannotJudge where nobody can know which GPU is which.
    """
    listed = found.one(gpu_samples.LIST)
    if listed is None:
        return {gpu: f"{node.name}/gpu/{gpu}" for gpu in seen}
    is_json = listed.text.lstrip().startswith(("[", "{"))
    rows = (amd_samples if is_json else gpu_samples).parse_list(listed.text)
    numbers = {address: index for index, address in rows}
    if len(seen) != len(rows) and not all(address in numbers for address in seen.values()):
        raise CannotJudge(
            f"{len(rows)} GPUs of {node.name} answer the driver and {len(seen)} the test: nobody knows which",
            code=GPU_LOAD.code,
            at=node.name,
        )
    in_order = dict(zip(sorted(seen), (index for index, _ in rows), strict=False))
    return {gpu: f"{node.name}/gpu/{numbers.get(seen[gpu], in_order.get(gpu))}" for gpu in seen}
