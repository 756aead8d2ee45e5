"""`rocm-smi`: its overview, `--showtopo`, and `-a` as JSON, from the parts that amd-smi shows as well."""

from __future__ import annotations

import json
from collections.abc import Sequence

from bringup.mock.hardware import Gpu, SimNode
from bringup.mock.switchboard import Reply
from bringup.mock.tools.amd_smi import connected
from bringup.mock.tools.amd_tree import asic_serial
from bringup.mock.tools.call import Call, Options

_TITLE = "ROCm System Management Interface"
_END = "End of ROCm SMI Log"
_WIDE, _NARROW = 116, 80
_NAMES = {
    "--showtopo",
    "-a",
    "--showallinfo",
    "--json",
    "-i",
    "--showid",
    "-b",
    "--showbus",
    "--showproductname",
}


def rocm_smi(call: Call) -> Reply:
    """One call of rocm-smi. Every listing of cards is the whole one."""
    node = call.node
    if not node.driver_loaded:
        return Reply(2, stdout="ERROR:root:Driver not initialized (amdgpu not found in modules)\n")
    options, gpus = Options(call.args, ("-d", "--device")), node.visible_gpus
    if options.has("--version"):
        return Reply(stdout=f"ROCM-SMI version: 3.0.0+{node.shape.cuda}\nROCM-SMI-LIB version: 7.5.0\n")
    if set(call.args) - _NAMES:
        return Reply(2, stderr=f"rocm-smi: error: unrecognized arguments: {' '.join(call.args)}\n")
    if options.has("--json"):
        return Reply(stdout="\n" + json.dumps(_document(node, gpus), indent=4) + "\n")
    if options.has("--showtopo"):
        return Reply(stdout=_topology(gpus))
    return Reply(stdout=_lines(node, gpus) if call.args else _overview(gpus))


def _card(gpu: Gpu) -> dict[str, str]:
    kind = gpu.kind
    return {
        "Device Name": gpu.name,
        "Device ID": f"0x{kind.device_id}",
        "Device Rev": "0x0",
        "Subsystem ID": f"0x{kind.subsystem_id}",
        "Unique ID": asic_serial(gpu).lower(),
        "VBIOS version": kind.vbios,
        "Temperature (Sensor junction) (C)": f"{gpu.temperature_c + 8:.1f}",
        "Temperature (Sensor memory) (C)": f"{gpu.temperature_c + 3:.1f}",
        "Performance Level": "auto",
        "Max Graphics Package Power (W)": f"{gpu.power_limit_w:.1f}",
        "Current Socket Graphics Package Power (W)": f"{gpu.power_w + 60:.1f}",
        "GPU use (%)": "97" if gpu.processes else "0",
        "GPU memory use (%)": "32" if gpu.processes else "0",
        "GPU memory vendor": "hynix",
        "PCIe Replay Count": str(gpu.replays),
        "Serial Number": gpu.serial[-12:],
        "PCI Bus": gpu.bdf.upper(),
        "VRAM Total Memory (B)": str(gpu.memory_mib << 20),
        "VRAM Total Used Memory (B)": str(
            (kind.reserved_mib + sum(p.memory_mib for p in gpu.processes)) << 20
        ),
        "Card Series": gpu.name,
        "Card Vendor": "Advanced Micro Devices, Inc. [AMD/ATI]",
        "(Topology) Numa Node": str(gpu.numa),
        "(Topology) Numa Affinity": str(gpu.numa),
    }


def _document(node: SimNode, gpus: Sequence[Gpu]) -> dict[str, dict[str, str]]:
    pairs = [(a, b) for i, a in enumerate(gpus) for b in gpus[i + 1 :]]
    system = {"Driver version": node.driver}
    for what, near, far in (("Weight", "15", "72"), ("Hops", "1", "3"), ("Link type", "XGMI", "PCIE")):
        for a, b in pairs:
            key = f"(Topology) {what} between DRM devices {a.index} and {b.index}"
            system[key] = near if connected(a, b) else far
    return {**{f"card{g.index}": _card(g) for g in gpus}, "system": system}


def _bar(width: int, title: str = "") -> str:
    return (f" {title} " if title else "").center(width, "=")


def _lines(node: SimNode, gpus: Sequence[Gpu]) -> str:
    width = 90
    rows = ["", "", _bar(width, _TITLE), _bar(width, "Version of System Component")]
    rows += [f"Driver version: {node.driver}", _bar(width)]
    for key in _card(gpus[0]) if gpus else ():
        rows += [
            _bar(width, key),
            *(f"GPU[{g.index}]\t\t: {key}: {_card(g)[key]}" for g in gpus),
            _bar(width),
        ]
    return "\n".join([*rows, _bar(width, _END), ""])


def _overview(gpus: Sequence[Gpu]) -> str:
    head = (
        "Device  [Model : Revision]    Temp        Power     Partitions      SCLK    MCLK    Fan  Perf  PwrCap  "
        "VRAM%  GPU%  "
    )
    more = "        Name (20 chars)       (Junction)  (Socket)  (Mem, Compute)"
    rows = [_bar(_WIDE, _TITLE), _bar(_WIDE, "Concise Info"), head, f"{more:<{_WIDE}}", _bar(_WIDE)]
    for g in gpus:
        cells = (
            (f"{g.index}", 8),
            (f"[0x{g.kind.device_id} : 0x00]", 22),
            (f"{g.temperature_c + 8:.1f}°C", 12),
            (f"{g.power_w + 60:.1f}W", 10),
            ("NPS1, SPX", 16),
            ("132Mhz", 8),
            ("900Mhz", 8),
            ("0%", 5),
            ("auto", 6),
            (f"{g.power_limit_w:.1f}W", 8),
            ("  0%", 7),
            ("0%", 6),
        )
        rows.append("".join(f"{text:<{width}}" for text, width in cells))
        rows.append(f"        {g.name[:20]:<{_WIDE - 8}}")
    return "\n".join([*rows, _bar(_WIDE), _bar(_WIDE, _END), ""])


def _topology(gpus: Sequence[Gpu]) -> str:
    rows = ["", "", _bar(_NARROW, _TITLE)]
    for title, own, near, far in (
        ("Weight between two GPUs", "0", "15", "72"),
        ("Hops between two GPUs", "0", "1", "3"),
        ("Link Type between two GPUs", "0", "XGMI", "PCIE"),
    ):
        rows += [_bar(_NARROW, title), " " * 7 + "".join(f"{f'GPU{g.index}':<13}" for g in gpus)]
        for a in gpus:
            cells = [own if a is b else near if connected(a, b) else far for b in gpus]
            rows.append(f"{f'GPU{a.index}':<7}" + "".join(f"{cell:<13}" for cell in cells))
        rows.append("")
    rows.append(_bar(_NARROW, "Numa Nodes"))
    for g in gpus:
        rows += [f"GPU[{g.index}]\t\t: (Topology) Numa {word}: {g.numa}" for word in ("Node", "Affinity")]
    return "\n".join([*rows, _bar(_NARROW, _END), ""])
