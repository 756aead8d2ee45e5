"""`amd-smi`: list, static, metric, firmware, bad-pages, process, monitor, topology, xgmi and version.

Releases before ROCm 7 print their JSON as a bare list, later ones below `gpu_data`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bringup.mock import load
from bringup.mock.hardware import Gpu, SimNode
from bringup.mock.switchboard import Reply
from bringup.mock.tools import amd_tree
from bringup.mock.tools.amd_tree import Tree, as_json, as_text
from bringup.mock.tools.call import Call, Options

_REPORTS: dict[str, Callable[[SimNode, Gpu], Tree]] = {
    "list": amd_tree.listing,
    "static": amd_tree.static,
    "metric": amd_tree.metric,
    "firmware": amd_tree.firmware,
    "ucode": amd_tree.firmware,
    "bad-pages": amd_tree.bad_pages,
    "process": amd_tree.processes,
}
_SECTIONS = {
    "--ecc": "ecc",
    "--pcie": "pcie",
    "--power": "power",
    "--temperature": "temperature",
    "--usage": "usage",
    "--clock": "clock",
    "--violation": "throttle",
    "--throttle": "throttle",
    "--xgmi-err": "xgmi_err",
    "--mem-usage": "mem_usage",
    "--asic": "asic",
    "--bus": "bus",
    "--vbios": "vbios",
    "--driver": "driver",
    "--board": "board",
    "--vram": "vram",
    "--limit": "limit",
    "--numa": "numa",
    "--partition": "partition",
}
_SHORT = {"-u": "usage", "-p": "power", "-c": "clock", "-t": "temperature", "-P": "pcie", "-v": "throttle"}
"""Of `amd-smi metric`."""


def amd_smi(call: Call) -> Reply:
    """One call of amd-smi."""
    node, args = call.node, call.args
    if not node.driver_loaded:
        return Reply(255, stdout="AMDSMI_STATUS_DRIVER_NOT_LOADED: Driver not loaded (amdgpu)\n")
    options = Options(args[1:], ("-g", "--gpu"))
    verb = args[0] if args else "version"
    wanted = options.get("-g", "--gpu")
    gpus = [g for g in node.visible_gpus if wanted in ("", "all", str(g.index), g.bdf)]
    if not gpus:
        return Reply(1, stdout=f"Invalid Device: GPU {wanted} is not in the list of GPUs\n")
    in_json = options.has("--json")
    envelope = int(node.shape.cuda.partition(".")[0]) >= 7
    if verb in _REPORTS:
        rows = [{"gpu": g.index, **_some(_REPORTS[verb](node, g), options)} for g in gpus]
        if verb == "bad-pages" and not call.as_root:
            rows = [{"gpu": g.index, **dict.fromkeys(("retired", "pending", "un_res"), "N/A")} for g in gpus]
        return Reply(stdout=as_json(rows, envelope=envelope) if in_json else as_text(rows))
    if verb == "topology":
        return Reply(stdout=_topology_json(gpus, envelope=envelope) if in_json else _topology(gpus))
    if verb == "xgmi":
        return Reply(stdout=_xgmi_json(gpus, envelope=envelope) if in_json else _xgmi(gpus))
    if verb == "monitor":
        return Reply(stdout=_monitor(gpus))
    if verb in ("version", "--version"):
        return Reply(
            stdout=f"AMDSMI Tool: 25.5.1+41065da | AMDSMI Library version: 25.5.1 | ROCm version: {node.shape.cuda} |"
            f" amdgpu version: {node.driver} | amd_hsmp version: N/A\n"
        )
    return Reply(2, stderr=f"AMD-SMI: Command '{verb}' is invalid. Run '--help' for more info.\n")


def _some(tree: Tree, options: Options) -> Tree:
    """The sections that were asked for by option; all of them without any."""
    wanted = [section for option, section in _SECTIONS.items() if options.has(option)]
    wanted += [section for option, section in _SHORT.items() if options.has(option)]
    return {key: value for key, value in tree.items() if key in wanted} if wanted else tree


def link_between(a: Gpu, b: Gpu) -> int:
    """The number of a's XGMI link to b: its links lead to all others in their order."""
    return b.index - (b.index > a.index)


def connected(a: Gpu, b: Gpu) -> bool:
    """Whether the link between two GPUs is up at both ends."""
    return a.link_gbs(link_between(a, b)) > 0 and b.link_gbs(link_between(b, a)) > 0


# ------------------------------------------------------------------------------------------------ topology

_Cell = Callable[[Gpu, Gpu], str]
_TABLES: tuple[tuple[str, _Cell], ...] = (
    ("ACCESS TABLE", lambda a, b: "ENABLED"),
    ("WEIGHT TABLE", lambda a, b: "0" if a is b else "15" if connected(a, b) else "72"),
    ("HOPS TABLE", lambda a, b: "0" if a is b else "1" if connected(a, b) else "3"),
    ("LINK TYPE TABLE", lambda a, b: "SELF" if a is b else "XGMI" if connected(a, b) else "PCIE"),
    ("NUMA BW TABLE", lambda a, b: "N/A" if a is b else _bandwidth(a, b)),
)


def _bandwidth(a: Gpu, b: Gpu) -> str:
    """Least and most MB/s between two GPUs."""
    most = round(min(a.link_gbs(link_between(a, b)), b.link_gbs(link_between(b, a))) * 1000)
    return f"{most}-{most}" if connected(a, b) else "N/A"


def _topology(gpus: Sequence[Gpu]) -> str:
    width = 12
    blocks: list[str] = []
    for title, cell in _TABLES:
        rows = [" " * (width + 1) + " ".join(f"{g.bdf:<{width}}" for g in gpus)]
        rows += [" ".join(f"{word:<{width}}" for word in (a.bdf, *(cell(a, b) for b in gpus))) for a in gpus]
        blocks.append("\n".join([f"{title}:", *(row.rstrip() for row in rows)]))
    return "\n \n".join(blocks) + "\n \n"


def _topology_json(gpus: Sequence[Gpu], *, envelope: bool) -> str:
    rows: list[Tree] = [
        {
            "gpu": a.index,
            "bdf": a.bdf,
            "links": [
                {
                    "gpu": b.index,
                    "bdf": b.bdf,
                    "weight": 0 if a is b else 15 if connected(a, b) else 72,
                    "link_status": "ENABLED",
                    "link_type": "SELF" if a is b else "XGMI" if connected(a, b) else "PCIE",
                    "num_hops": 0 if a is b else 1 if connected(a, b) else 3,
                    "bandwidth": "N/A" if a is b else _bandwidth(a, b),
                }
                for b in gpus
            ],
        }
        for a in gpus
    ]
    return as_json(rows, envelope=envelope)


# ------------------------------------------------------------------------------------------------ xgmi


def _traffic_kb(a: Gpu, b: Gpu, way: str) -> int:
    """What went over a link since the driver was loaded; a link that is down carried nothing."""
    seed = int(a.serial[-4:]) * 7 + int(b.serial[-4:]) * 3 + (way == "Write")
    return 1 + seed % 9000 if connected(a, b) else 0


def _xgmi(gpus: Sequence[Gpu]) -> str:
    short = [g.bdf.removeprefix("0000:") for g in gpus]
    rows = [
        "LINK METRIC TABLE:",
        "       bdf          bit_rate max_bandwidth link_type " + " ".join(f"{bdf:<8}" for bdf in short),
    ]
    for a, bdf in zip(gpus, short, strict=True):
        rate = amd_tree.lane_gbps(a)
        rows.append(f"GPU{a.index:<4}{bdf:<12} {f'{rate:g} Gb/s':<8} {f'{rate * 16:g} Gb/s':<13} XGMI")
        for way in ("Read", "Write"):
            cells = ["N/A" if a is b else f"{_traffic_kb(a, b, way)} KB" for b in gpus]
            rows.append(f" {way:<51}" + " ".join(f"{cell:<8}" for cell in cells))
    return "\n".join(row.rstrip() for row in rows) + "\n \n"


def _xgmi_json(gpus: Sequence[Gpu], *, envelope: bool) -> str:
    rows: list[Tree] = [
        {
            "gpu": a.index,
            "bdf": a.bdf,
            "link_metrics": {
                "bit_rate": (amd_tree.lane_gbps(a), "Gb/s"),
                "max_bandwidth": (amd_tree.lane_gbps(a) * 16, "Gb/s"),
                "link_type": "XGMI",
                "links": [
                    {
                        "gpu": b.index,
                        "bdf": b.bdf,
                        "read": "N/A" if a is b else (_traffic_kb(a, b, "Read"), "KB"),
                        "write": "N/A" if a is b else (_traffic_kb(a, b, "Write"), "KB"),
                    }
                    for b in gpus
                ],
            },
        }
        for a in gpus
    ]
    return as_json(rows, envelope=envelope)


def _monitor(gpus: Sequence[Gpu]) -> str:
    rows = ["GPU  POWER  GPU_TEMP  MEM_TEMP  GFX_UTIL  GFX_CLOCK  MEM_UTIL  MEM_CLOCK"]
    for g in gpus:
        busy = 100 if g.loaded else 97 if g.processes else 0
        cells = (
            f"{round(load.power_w(g) + (0 if g.loaded else 60))} W",
            f"{load.temperature_c(g) + 8} °C",
            f"{load.temperature_c(g) + 3} °C",
            f"{busy} %",
            f"{load.sm_mhz(g) if g.loaded else 132} MHz",
            f"{busy // 3} %",
            "900 MHz",
        )
        widths = (5, 8, 8, 8, 9, 8, 9)
        rows.append(f"{g.index:>3}  " + "  ".join(f"{c:>{w}}" for c, w in zip(cells, widths, strict=True)))
    return "\n".join(rows) + "\n"
