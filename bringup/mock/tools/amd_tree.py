"""What amd-smi reports of each GPU, as a tree that is printed as text or as JSON.

A quantity is a pair of number and unit; text prints both in one cell, JSON as an object. Keys are those of the JSON;
the text has them in upper case.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from bringup.mock import load
from bringup.mock.hardware import Gpu, SimNode

Quantity = tuple[float, str]
Value = "str | int | Quantity | Tree | list[Tree]"
Tree = Mapping[str, object]

NA = "N/A"
_VENDOR = "Advanced Micro Devices Inc. [AMD/ATI]"
_BITS_PER_LANE_UNIT = 8 / 16  # GB/s of a link with 16 lanes to Gb/s of a lane
_CHIPLETS = 8
_GTS = {1: 2.5, 2: 5, 3: 8, 4: 16, 5: 32, 6: 64}
_FIRMWARE = {
    "CP_MEC1": 162,
    "CP_MEC2": 162,
    "RLC": 81,
    "SDMA0": 22,
    "SDMA1": 22,
    "VCN": "09.11.40.05",
    "PSP_SOSDRV": "36.02.4A",
    "TA_RAS": "1B.36.02.15",
    "TA_XGMI": "20.00.00.14",
    "PM": "00.85.113.00",
}


def lane_gbps(gpu: Gpu) -> float:
    """The bit rate of one lane of an XGMI link."""
    return gpu.kind.nvlink_gbs * _BITS_PER_LANE_UNIT


def asic_serial(gpu: Gpu) -> str:
    """The number of the chip, which has 64 bits."""
    return f"0x{int(gpu.uuid[4:].replace('-', '')[:16], 16):016X}"


def amd_uuid(gpu: Gpu) -> str:
    """The UUID as amd-smi writes it: part of the chip's number and its device id."""
    digits = asic_serial(gpu)[2:].lower()
    return f"{digits[:2]}ff{gpu.kind.device_id}-0000-1000-80{digits[2:4]}-{digits[4:16]}"


def listing(node: SimNode, gpu: Gpu) -> Tree:
    """`amd-smi list`."""
    return {
        "bdf": gpu.bdf,
        "uuid": amd_uuid(gpu),
        "kfd_id": 30_000 + gpu.index * 1117,
        "node_id": gpu.index + node.sockets,
        "partition_id": 0,
    }


def static(node: SimNode, gpu: Gpu) -> Tree:
    """`amd-smi static`."""
    kind = gpu.kind
    return {
        "asic": {
            "market_name": gpu.name,
            "vendor_id": "0x1002",
            "vendor_name": _VENDOR,
            "subvendor_id": "0x1002",
            "device_id": f"0x{kind.device_id}",
            "subsystem_id": f"0x{kind.subsystem_id}",
            "rev_id": "0x00",
            "asic_serial": asic_serial(gpu),
            "oam_id": gpu.module_id - 1,
            "target_graphics_version": kind.instruction_set,
        },
        "bus": {
            "bdf": gpu.bdf,
            "max_pcie_width": kind.pcie_width,
            "max_pcie_speed": (32, "GT/s"),
            "pcie_interface_version": f"Gen {kind.pcie_gen}",
            "slot_type": "OAM",
        },
        "vbios": {"name": "AMD AMD_VBIOS", "part_number": kind.vbios, "version": "022.040.003.043.000001"},
        "limit": {
            "max_power": (kind.power_limit_w, "W"),
            "socket_power": (gpu.power_limit_w, "W"),
            "slowdown_hotspot_temperature": (100, "C"),
            "shutdown_hotspot_temperature": (110, "C"),
        },
        "driver": {"name": "amdgpu", "version": node.driver},
        "board": {
            "model_number": kind.board_part,
            "product_serial": gpu.serial[-12:],
            "fru_id": "113-AMDG302110C01-20250218163045",
            "product_name": gpu.name.removeprefix("AMD "),
            "manufacturer_name": "AMD",
        },
        "ras": {"eeprom_version": "0x30000", "parity_schema": "DISABLED", "single_bit_schema": "DISABLED"},
        "partition": {"compute_partition": "SPX", "memory_partition": "NPS1", "partition_id": 0},
        "numa": {"node": gpu.numa, "affinity": gpu.numa},
        "vram": {
            "type": "HBM3" if kind.instruction_set == "gfx942" else "HBM3E",
            "vendor": "HYNIX",
            "size": (gpu.memory_mib, "MB"),
            "bit_width": 8192,
        },
    }


def metric(node: SimNode, gpu: Gpu) -> Tree:
    """`amd-smi metric`."""
    kind, busy = gpu.kind, 100 if gpu.loaded else 97 if gpu.processes else 0
    used = kind.reserved_mib + sum(p.memory_mib for p in gpu.processes)
    heat = load.temperature_c(gpu)
    gpu.watched = gpu.loaded
    return {
        "usage": {"gfx_activity": (busy, "%"), "umc_activity": (busy // 3, "%"), "mm_activity": NA},
        "power": {
            "socket_power": (round(load.power_w(gpu) + (0 if gpu.loaded else 60)), "W"),
            "gfx_voltage": NA,
            "soc_voltage": NA,
            "mem_voltage": NA,
            "throttle_status": NA,
            "power_management": "ENABLED",
        },
        "clock": {
            **{
                f"gfx_{chiplet}": {
                    "clk": (load.sm_mhz(gpu) + chiplet if gpu.loaded else 132 + chiplet % 3, "MHz"),
                    "min_clk": (500, "MHz"),
                    "max_clk": (kind.graphics_mhz, "MHz"),
                    "clk_locked": "DISABLED",
                    "deep_sleep": "DISABLED" if gpu.loaded else "ENABLED",
                }
                for chiplet in range(_CHIPLETS)
            },
            "mem_0": {
                "clk": (900, "MHz"),
                "min_clk": (900, "MHz"),
                "max_clk": (kind.memory_mhz, "MHz"),
                "clk_locked": NA,
                "deep_sleep": "DISABLED",
            },
        },
        "temperature": {
            "edge": NA,
            "hotspot": (heat + 8, "C"),
            "mem": (heat + 3, "C"),
        },
        "pcie": {
            "width": gpu.pcie_width,
            "speed": (_GTS[min(gpu.pcie_gen_max, gpu.pcie_gen_stuck or gpu.pcie_gen_max)], "GT/s"),
            "bandwidth": (0, "Mb/s"),
            "replay_count": gpu.replays,
            "l0_to_recovery_count": 1,
            "replay_roll_over_count": 0,
            "nak_sent_count": 0,
            "nak_received_count": 0,
            "lc_perf_other_end_recovery": 0,
        },
        "ecc": {
            "total_correctable_count": gpu.ecc_corrected,
            "total_uncorrectable_count": gpu.ecc_uncorrected,
            "total_deferred_count": 0,
            "cache_correctable_count": 0,
            "cache_uncorrectable_count": 0,
        },
        "throttle": _throttle(gpu),
        "fan": {"speed": NA, "max": NA, "rpm": NA, "usage": NA},
        "xgmi_err": _xgmi_errors(sum(gpu.link_errors.values())),
        "mem_usage": {
            "total_vram": (gpu.memory_mib, "MB"),
            "used_vram": (used, "MB"),
            "free_vram": (gpu.memory_mib - used, "MB"),
        },
    }


def _throttle(gpu: Gpu) -> Tree:
    """For how long what held the clocks down since the GPU was started; the older releases have fewer lines."""
    reasons = {
        "prochot": "power-brake",
        "ppt": "power",
        "socket_thermal": "thermal",
        "vr_thermal": "",
        "hbm_thermal": "",
    }
    held = gpu.slowdowns | (gpu.slowdowns_under_load if gpu.loaded else set())
    return {
        "accumulation_counter": gpu.ticks,
        **{f"{name}_accumulated": gpu.held_ticks.get(own, 0) for name, own in reasons.items()},
        "gfx_clk_below_host_limit_accumulated": NA,
        **{
            f"{name}_violation_status": "ACTIVE" if own in held else "NOT ACTIVE"
            for name, own in reasons.items()
        },
        "gfx_clk_below_host_limit_violation_status": NA,
        **{f"{name}_violation_activity": (100 if own in held else 0, "%") for name, own in reasons.items()},
        "gfx_clk_below_host_limit_violation_activity": NA,
    }


def _xgmi_errors(count: int) -> str:
    """The word for a number of errors: the driver only tells none, one and more."""
    return "NO_ERRORS" if count == 0 else "SINGLE_ERROR" if count == 1 else "MULTIPLE_ERRORS"


def firmware(node: SimNode, gpu: Gpu) -> Tree:
    """`amd-smi firmware`."""
    return {"fw_list": [{"fw_id": name, "fw_version": str(version)} for name, version in _FIRMWARE.items()]}


def bad_pages(node: SimNode, gpu: Gpu) -> Tree:
    """`amd-smi bad-pages`."""
    rows = [
        {"page_address": f"0x{0x3C2B800 + k:x}", "page_size": "0x1000", "status": "RETIRED"}
        for k in range(gpu.bad_pages)
    ]
    none = "No bad pages found."
    return {"retired": rows or none, "pending": none, "un_res": none}


def processes(node: SimNode, gpu: Gpu) -> Tree:
    """`amd-smi process`."""
    found: list[Tree] = [
        {
            "process_info": {
                "name": p.name,
                "pid": p.pid,
                "memory_usage": {
                    "gtt_mem": (0, "B"),
                    "cpu_mem": (0, "B"),
                    "vram_mem": (p.memory_mib << 20, "B"),
                },
                "mem_usage": (p.memory_mib << 20, "B"),
            }
        }
        for p in gpu.processes
    ]
    return {"process_list": found or [{"process_info": "No running processes detected"}]}


# ------------------------------------------------------------------------------------------------ printing


def as_json(rows: Sequence[Tree], *, envelope: bool) -> str:
    """A bare list in older releases, below `gpu_data` in newer ones."""
    found = [_plain(row) for row in rows]
    return json.dumps({"gpu_data": found} if envelope else found, indent=4) + "\n"


def _plain(value: object) -> object:
    if isinstance(value, tuple):
        return {"value": value[0], "unit": value[1]}
    if isinstance(value, Mapping):
        return {key: _plain(own) for key, own in value.items()}
    return [_plain(own) for own in value] if isinstance(value, list) else value


def as_text(rows: Sequence[Tree]) -> str:
    """One block for each GPU, with a line of one blank after it."""
    blocks = ["\n".join([f"GPU: {row['gpu']}", *_lines(row, 1)]) for row in rows]
    return "\n \n".join(blocks) + "\n \n"


def _lines(tree: Tree, depth: int) -> list[str]:
    pad = "    " * depth
    found: list[str] = []
    for key, value in tree.items():
        if key == "gpu" and depth == 1:
            continue
        name = key.upper()
        if isinstance(value, Mapping):
            found += [f"{pad}{name}:", *_lines(value, depth + 1)]
        elif isinstance(value, list):
            found.append(f"{pad}{name}:")
            word = {"FW_LIST": "FW"}.get(name, name.removesuffix("_LIST"))
            for number, own in enumerate(value):
                found += [f"{pad}    {word} {number}:", *_lines(own, depth + 2)]
        elif isinstance(value, tuple):
            found.append(f"{pad}{name}: {value[0]:g} {'°C' if value[1] == 'C' else value[1]}")
        else:
            found.append(f"{pad}{name}: {value}")
    return found
