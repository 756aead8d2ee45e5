"""`nvidia-smi --query-gpu=…` and `--query-compute-apps=…`: fields with their header names, units and values."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from bringup.mock import load
from bringup.mock.hardware import Gpu, SimNode
from bringup.mock.switchboard import Reply
from bringup.mock.tools.nvidia_memory import memory
from bringup.mock.tools.nvidia_report import attached

NA = "[N/A]"
Getter = Callable[[SimNode, Gpu], object]


def _flag(value: bool) -> str:
    return "Yes" if value else "No"


def _reason(node: SimNode, gpu: Gpu, bit: int) -> str:
    return "Active" if load.reasons(node, gpu) & bit else "Not Active"


# Field name: unit and value. The header is the name with its unit; nounits leaves the unit out of the cells.
_FIELDS: dict[str, tuple[str, Getter]] = {
    "timestamp": ("", lambda n, g: time.strftime("%Y/%m/%d %H:%M:%S.000")),
    "driver_version": ("", lambda n, g: n.driver),
    "count": ("", lambda n, g: attached(n)),
    "index": ("", lambda n, g: g.index),
    "name": ("", lambda n, g: g.name),
    "serial": ("", lambda n, g: g.serial),
    "uuid": ("", lambda n, g: g.uuid),
    "pci.bus_id": ("", lambda n, g: g.long_bdf),
    "pci.domain": ("", lambda n, g: f"0x{g.bdf.split(':')[0].upper()}"),
    "pci.bus": ("", lambda n, g: f"0x{g.bdf.split(':')[1].upper()}"),
    "pci.device": ("", lambda n, g: "0x00"),
    "pci.device_id": ("", lambda n, g: f"0x{g.kind.device_id}10DE"),
    "pcie.link.gen.current": ("", lambda n, g: load.pcie_gen(g)),
    "pcie.link.gen.gpucurrent": ("", lambda n, g: load.pcie_gen(g)),
    "pcie.link.gen.max": ("", lambda n, g: g.pcie_gen_max),
    "pcie.link.gen.gpumax": ("", lambda n, g: g.kind.device_gen or g.kind.pcie_gen),
    "pcie.link.gen.hostmax": ("", lambda n, g: NA),
    "pcie.link.width.current": ("", lambda n, g: g.pcie_width),
    "pcie.link.width.max": ("", lambda n, g: g.kind.pcie_width),
    "persistence_mode": ("", lambda n, g: g.persistence),
    "compute_mode": ("", lambda n, g: "Default"),
    "vbios_version": ("", lambda n, g: g.kind.vbios),
    "inforom.img": ("", lambda n, g: "G520.0200.00.05"),
    "gpu_recovery_action": ("", lambda n, g: g.recovery_action),
    "pstate": ("", lambda n, g: "P0"),
    "clocks_event_reasons.active": ("", lambda n, g: f"0x{load.reasons(n, g):016X}"),
    "clocks_event_reasons.hw_slowdown": ("", lambda n, g: _reason(n, g, load.HARDWARE)),
    "clocks_event_reasons.hw_thermal_slowdown": ("", lambda n, g: _reason(n, g, load.THERMAL)),
    "clocks_event_reasons.hw_power_brake_slowdown": ("", lambda n, g: _reason(n, g, load.BRAKE)),
    "clocks_event_reasons.sw_power_cap": ("", lambda n, g: _reason(n, g, load.POWER_CAP)),
    "memory.total": ("MiB", lambda n, g: g.memory_mib),
    "memory.reserved": ("MiB", lambda n, g: memory(g)[0]),
    "memory.used": ("MiB", lambda n, g: memory(g)[1]),
    "memory.free": ("MiB", lambda n, g: memory(g)[2]),
    "utilization.gpu": ("%", lambda n, g: 100 if g.loaded else 97 if g.processes else 0),
    "utilization.memory": ("%", lambda n, g: 40 if g.processes else 0),
    "ecc.mode.current": ("", lambda n, g: g.ecc_mode),
    "ecc.mode.pending": ("", lambda n, g: g.ecc_mode),
    "ecc.errors.corrected.volatile.total": ("", lambda n, g: _ecc(g, g.ecc_corrected)),
    "ecc.errors.corrected.aggregate.total": ("", lambda n, g: _ecc(g, g.ecc_corrected)),
    "ecc.errors.uncorrected.volatile.total": ("", lambda n, g: _ecc(g, g.ecc_uncorrected)),
    "ecc.errors.uncorrected.volatile.dram": ("", lambda n, g: _ecc(g, g.ecc_uncorrected)),
    "ecc.errors.uncorrected.aggregate.total": ("", lambda n, g: _ecc(g, g.ecc_uncorrected)),
    "retired_pages.pending": ("", lambda n, g: NA),
    "remapped_rows.correctable": ("", lambda n, g: g.remap_correctable),
    "remapped_rows.uncorrectable": ("", lambda n, g: g.remap_uncorrectable),
    "remapped_rows.pending": ("", lambda n, g: _flag(g.remap_pending)),
    "remapped_rows.failure": ("", lambda n, g: _flag(g.remap_failed)),
    "temperature.gpu": ("", lambda n, g: load.temperature_c(g)),
    "temperature.memory": ("", lambda n, g: min(load.temperature_c(g) + 8, 94)),
    "power.draw": ("W", lambda n, g: f"{load.power_w(g):.2f}"),
    "power.limit": ("W", lambda n, g: f"{g.power_limit_w:.2f}"),
    "enforced.power.limit": ("W", lambda n, g: f"{g.power_limit_w:.2f}"),
    "clocks.current.graphics": ("MHz", lambda n, g: load.sm_mhz(g)),
    "clocks.current.sm": ("MHz", lambda n, g: load.sm_mhz(g)),
    "clocks.current.memory": ("MHz", lambda n, g: g.kind.memory_mhz),
    "clocks.max.graphics": ("MHz", lambda n, g: g.kind.graphics_mhz),
    "clocks.max.sm": ("MHz", lambda n, g: g.kind.graphics_mhz),
    "clocks.max.memory": ("MHz", lambda n, g: g.kind.memory_mhz),
    "mig.mode.current": ("", lambda n, g: g.mig),
    "mig.mode.pending": ("", lambda n, g: g.mig),
    "fabric.state": ("", lambda n, g: g.fabric_state),
    "fabric.status": ("", lambda n, g: g.fabric_status),
    "fabric.cliqueId": ("", lambda n, g: g.clique if g.fabric_state == "Completed" else "N/A"),
    "fabric.clusterUuid": ("", lambda n, g: g.cluster_uuid if g.fabric_state == "Completed" else "N/A"),
}
_ALIASES = {
    "gpu_name": "name",
    "gpu_bus_id": "pci.bus_id",
    "gpu_serial": "serial",
    "gpu_uuid": "uuid",
    "clocks.gr": "clocks.current.graphics",
    "clocks.sm": "clocks.current.sm",
    "clocks.mem": "clocks.current.memory",
    "clocks_throttle_reasons.active": "clocks_event_reasons.active",
}


def _ecc(gpu: Gpu, count: int) -> object:
    return count if gpu.ecc_mode == "Enabled" else NA


def gpus(node: SimNode, wanted: str, form: str, shown: Sequence[Gpu]) -> Reply:
    """The rows of `--query-gpu`. One unknown field fails the whole call, as it does in the real tool."""
    names = [name.strip() for name in wanted.split(",")]
    for gpu in shown:
        gpu.watched = gpu.loaded
    columns: list[tuple[str, str, Getter]] = []
    for name in names:
        if _ALIASES.get(name, name) not in _FIELDS:
            return Reply(status=2, stdout=f'Field "{name}" is not a valid field to query.\n\n')
        unit, getter = _FIELDS[_ALIASES.get(name, name)]
        columns.append((_ALIASES.get(name, name), unit, getter))
    head = [f"{name} [{unit}]" if unit else name for name, unit, _ in columns]
    return _table(
        head, [[_cell(get(node, gpu), unit, form) for _, unit, get in columns] for gpu in shown], form
    )


def apps(wanted: str, form: str, shown: Sequence[Gpu]) -> Reply:
    """The rows of `--query-compute-apps`: one for each process on a GPU."""
    names = [name.strip() for name in wanted.split(",")]
    units = {"used_memory": "MiB", "used_gpu_memory": "MiB"}
    rows: list[list[str]] = []
    for gpu in shown:
        for process in gpu.processes:
            values: dict[str, object] = {
                "pid": process.pid,
                "process_name": process.name,
                "name": process.name,
                "used_memory": process.memory_mib,
                "used_gpu_memory": process.memory_mib,
                "gpu_uuid": gpu.uuid,
                "gpu_bus_id": gpu.long_bdf,
                "gpu_name": gpu.name,
                "gpu_serial": gpu.serial,
            }
            rows.append([_cell(values.get(name, NA), units.get(name, ""), form) for name in names])
    head = [f"{name} [MiB]" if name in units else name for name in names]
    return _table(head, rows, form)


def _cell(value: object, unit: str, form: str) -> str:
    return f"{value} {unit}" if unit and value != NA and "nounits" not in form else str(value)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], form: str) -> Reply:
    if "csv" not in form:
        return Reply(status=2, stdout='"--format=" switch is missing. Please run "nvidia-smi -h" for help.\n')
    lines = [] if "noheader" in form else [", ".join(head)]
    return Reply(stdout="".join(f"{line}\n" for line in [*lines, *(", ".join(row) for row in rows)]))
