"""`nvidia-smi -q` and `nvidia-smi -q -x`: the facts of every GPU, printed as text or as XML."""

from __future__ import annotations

import functools
import time
from collections.abc import Iterator, Sequence
from xml.sax.saxutils import escape

from bringup.mock.hardware import Gpu, Presence, SimNode
from bringup.mock.tools.nvidia_facts import facts
from bringup.mock.tools.nvidia_layout import DTD_OF, major
from bringup.mock.tools.nvidia_memory import Entry

_COLUMN = 55


def text(node: SimNode, gpus: Sequence[Gpu]) -> str:
    """`nvidia-smi -q`."""
    head = [
        "\n==============NVSMI LOG==============\n",
        _line(0, "Timestamp", _now()),
        _line(0, "Driver Version", node.driver),
        _line(0, "CUDA Version", node.shape.cuda),
        "",
        _line(0, "Attached GPUs", str(attached(node))),
    ]
    body: list[str] = []
    for gpu in gpus:
        body.append(f"GPU {gpu.long_bdf}")
        body += _lines(facts(node, gpu), 1)
        body.append("")
    return "\n".join(head + body) + "\n"


def xml(node: SimNode, gpus: Sequence[Gpu]) -> str:
    """`nvidia-smi -q -x`."""
    head = [
        '<?xml version="1.0" ?>',
        f'<!DOCTYPE nvidia_smi_log SYSTEM "{_dtd(node.driver)}">',
        "<nvidia_smi_log>",
        f"\t<timestamp>{_now()}</timestamp>",
        f"\t<driver_version>{escape(node.driver)}</driver_version>",
        f"\t<cuda_version>{node.shape.cuda}</cuda_version>",
        f"\t<attached_gpus>{attached(node)}</attached_gpus>",
    ]
    body: list[str] = []
    for gpu in gpus:
        body.append(f'\t<gpu id="{gpu.long_bdf}">')
        body += _elements(facts(node, gpu), 2)
        body.append(_supported_clocks(gpu.kind.graphics_mhz, gpu.kind.memory_mhz))
        body += _processes(gpu)
        if major(node.driver) >= 580:
            body += ["\t\t<capabilities>", "\t\t\t<egm>disabled</egm>", "\t\t</capabilities>"]
        body += ["\t</gpu>", ""]
    return "\n".join([*head, *body, "</nvidia_smi_log>"]) + "\n"


def attached(node: SimNode) -> int:
    """The driver's own count, which includes a GPU that fell off the bus after the driver took it over."""
    return sum(g.presence is not Presence.MISSING for g in node.gpus)


def _dtd(driver: str) -> str:
    return next(name for release, name in DTD_OF if major(driver) >= release)


def _now() -> str:
    return time.strftime("%a %b %d %H:%M:%S %Y")


def _line(depth: int, label: str, value: str) -> str:
    return f"{'    ' * depth + label:<{_COLUMN}}: {value}"


def _lines(entries: Sequence[Entry], depth: int) -> Iterator[str]:
    for _, label, value in entries:
        if not label:
            continue
        if isinstance(value, str):
            yield _line(depth, label, value)
        else:
            yield "    " * depth + label
            yield from _lines(value, depth + 1)


def _elements(entries: Sequence[Entry], depth: int) -> Iterator[str]:
    pad = "\t" * depth
    for tag, _, value in entries:
        if not tag:
            continue
        if isinstance(value, str):
            yield f"{pad}<{tag}>{escape(value)}</{tag}>"
        else:
            yield f"{pad}<{tag}>"
            yield from _elements(value, depth + 1)
            yield f"{pad}</{tag}>"


@functools.lru_cache(maxsize=8)
def _supported_clocks(graphics: int, memory_clock: int) -> str:
    """The longest part of the document: every pair of clocks that the GPU could run at."""
    rows = ["\t\t<supported_clocks>"]
    for mem in (memory_clock, 1593):
        rows += ["\t\t\t<supported_mem_clock>", f"\t\t\t\t<value>{mem} MHz</value>"]
        rows += [
            f"\t\t\t\t<supported_graphics_clock>{mhz} MHz</supported_graphics_clock>"
            for mhz in range(graphics, 344, -15)
        ]
        rows.append("\t\t\t</supported_mem_clock>")
    return "\n".join([*rows, "\t\t</supported_clocks>"])


def _processes(gpu: Gpu) -> list[str]:
    rows = ["\t\t<processes>"]
    for process in gpu.processes:
        rows += [
            "\t\t\t<process_info>",
            "\t\t\t\t<gpu_instance_id>N/A</gpu_instance_id>",
            "\t\t\t\t<compute_instance_id>N/A</compute_instance_id>",
            f"\t\t\t\t<pid>{process.pid}</pid>",
            "\t\t\t\t<type>C</type>",
            f"\t\t\t\t<process_name>{escape(process.name)}</process_name>",
            f"\t\t\t\t<used_memory>{process.memory_mib} MiB</used_memory>",
            "\t\t\t</process_info>",
        ]
    return [*rows, "\t\t</processes>", "\t\t<accounted_processes>", "\t\t</accounted_processes>"]
