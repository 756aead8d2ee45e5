"""What nvidia-smi reports of one GPU, as a tree that is printed as text or as XML.

A leaf is (XML tag, label of the text, value); a branch has a list instead of the value. An empty tag or label means
that the form does not print it. Tags and labels are those of driver 580.
"""

from __future__ import annotations

from bringup.mock.hardware import Gpu, SimNode
from bringup.mock.tools.nvidia_memory import NA, Entry, errors, pair, usage

ZERO_UUID = "00000000-0000-0000-0000-000000000000"
_DEPRECATED = "Requested functionality has been deprecated"


def _active(flag: bool) -> str:
    return "Active" if flag else "Not Active"


def facts(node: SimNode, gpu: Gpu) -> list[Entry]:
    """All facts of one GPU in the order of the report."""
    kind = gpu.kind
    bus = gpu.bdf.split(":")[1].upper()
    head: list[Entry] = [
        ("product_name", "Product Name", gpu.name),
        ("product_brand", "Product Brand", "NVIDIA"),
        ("product_architecture", "Product Architecture", kind.architecture),
        ("display_mode", "Display Mode", _DEPRECATED),
        ("display_attached", "Display Attached", "Yes"),
        ("display_active", "Display Active", "Disabled"),
        ("persistence_mode", "Persistence Mode", gpu.persistence),
        ("addressing_mode", "Addressing Mode", "HMM"),
        pair("mig_mode", "MIG Mode", "mig", gpu.mig),
        ("mig_devices", "", "None"),
        ("accounting_mode", "Accounting Mode", "Disabled"),
        ("accounting_mode_buffer_size", "Accounting Mode Buffer Size", "4000"),
        pair("driver_model", "Driver Model", "dm", NA),
        ("serial", "Serial Number", gpu.serial),
        ("uuid", "GPU UUID", gpu.uuid),
        ("pdi", "GPU PDI", f"0x{int(gpu.serial):016x}"),
        ("minor_number", "Minor Number", str(gpu.index)),
        ("vbios_version", "VBIOS Version", kind.vbios),
        ("multigpu_board", "MultiGPU Board", "No"),
        ("board_id", "Board ID", f"0x{bus.lower()}00"),
        ("board_part_number", "Board Part Number", kind.board_part),
        ("gpu_part_number", "GPU Part Number", kind.gpu_part),
        ("gpu_fru_part_number", "FRU Part Number", NA),
        (
            "platformInfo",
            "Platform Info",
            [
                ("chassis_serial_number", "Chassis Serial Number", NA),
                ("slot_number", "Slot Number", NA),
                ("tray_index", "Tray Index", NA),
                ("host_id", "Host ID", NA),
                ("peer_type", "Peer Type", NA),
                ("module_id", "Module Id", str(gpu.index + 1)),
                ("gpu_fabric_guid", "GPU Fabric GUID", NA),
            ],
        ),
        (
            "gpu_virtualization_mode",
            "GPU Virtualization Mode",
            [("virtualization_mode", "Virtualization Mode", "None")],
        ),
        ("gpu_recovery_action", "GPU Recovery Action", "None"),
        ("gsp_firmware_version", "GSP Firmware Version", node.driver),
        _pci(gpu, bus),
        ("fan_speed", "Fan Speed", NA),
        ("performance_state", "Performance State", "P0"),
    ]
    return (
        head + _clock_reasons(gpu) + usage(gpu) + errors(gpu) + _readings(gpu) + [_fabric(gpu)] + _tail(gpu)
    )


def _pci(gpu: Gpu, bus: str) -> Entry:
    kind = gpu.kind
    generation: list[Entry] = [
        ("max_link_gen", "Max", str(gpu.pcie_gen_max)),
        ("current_link_gen", "Current", str(gpu.pcie_gen)),
        ("device_current_link_gen", "Device Current", str(gpu.pcie_gen)),
        ("max_device_link_gen", "Device Max", str(kind.pcie_gen)),
        (
            "max_host_link_gen",
            "Host Max",
            str(gpu.pcie_gen_max),
        ),
    ]
    widths: list[Entry] = [
        ("max_link_width", "Max", f"{kind.pcie_width}x"),
        ("current_link_width", "Current", f"{gpu.pcie_width}x"),
    ]
    return (
        "pci",
        "PCI",
        [
            ("pci_bus", "Bus", bus),
            ("pci_device", "Device", "00"),
            ("pci_domain", "Domain", "0000"),
            ("pci_base_class", "Base Classcode", "3"),
            ("pci_sub_class", "Sub Classcode", "2"),
            ("pci_device_id", "Device Id", f"{kind.device_id}10DE"),
            ("pci_bus_id", "Bus Id", gpu.long_bdf),
            ("pci_sub_system_id", "Sub System Id", f"{kind.subsystem_id}10DE"),
            (
                "pci_gpu_link_info",
                "GPU Link Info",
                [("pcie_gen", "PCIe Generation", generation), ("link_widths", "Link Width", widths)],
            ),
            ("replay_counter", "Replays Since Reset", str(gpu.replays)),
            ("replay_rollover_counter", "Replay Number Rollovers", "0"),
            ("tx_util", "Tx Throughput", "502 KB/s"),
            ("rx_util", "Rx Throughput", "578 KB/s"),
        ],
    )


def _clock_reasons(gpu: Gpu) -> list[Entry]:
    thermal, brake = "thermal" in gpu.slowdowns, "power-brake" in gpu.slowdowns
    prefix = "clocks_event_reason"
    return [
        (
            f"{prefix}s",
            "Clocks Event Reasons",
            [
                (f"{prefix}_gpu_idle", "Idle", _active(not gpu.processes and not gpu.slowdowns)),
                (f"{prefix}_applications_clocks_setting", "Applications Clocks Setting", "Not Active"),
                (f"{prefix}_sw_power_cap", "SW Power Cap", "Not Active"),
                (f"{prefix}_hw_slowdown", "HW Slowdown", _active(thermal or brake)),
                (f"{prefix}_hw_thermal_slowdown", "    HW Thermal Slowdown", _active(thermal)),
                (f"{prefix}_hw_power_brake_slowdown", "    HW Power Brake Slowdown", _active(brake)),
                (f"{prefix}_sync_boost", "Sync Boost", "Not Active"),
                (f"{prefix}_sw_thermal_slowdown", "SW Thermal Slowdown", "Not Active"),
                (f"{prefix}_display_clocks_setting", "Display Clock Setting", "Not Active"),
            ],
        ),
        ("sparse_operation_mode", "Sparse Operation Mode", "Disabled"),
    ]


def _readings(gpu: Gpu) -> list[Entry]:
    limit = f"{gpu.kind.power_limit_w}.00 W"
    return [
        (
            "temperature",
            "Temperature",
            [
                ("gpu_temp", "GPU Current Temp", f"{gpu.temperature_c} C"),
                ("gpu_temp_tlimit", "GPU T.Limit Temp", f"{87 - gpu.temperature_c} C"),
                ("gpu_temp_max_tlimit_threshold", "GPU Shutdown T.Limit Temp", "-8 C"),
                ("gpu_temp_slow_tlimit_threshold", "GPU Slowdown T.Limit Temp", "-2 C"),
                ("gpu_temp_max_gpu_tlimit_threshold", "GPU Max Operating T.Limit Temp", "0 C"),
                ("gpu_target_temperature", "GPU Target Temperature", NA),
                ("memory_temp", "Memory Current Temp", f"{gpu.temperature_c + 8} C"),
                ("gpu_temp_max_mem_tlimit_threshold", "Memory Max Operating T.Limit Temp", "0 C"),
            ],
        ),
        (
            "gpu_power_readings",
            "GPU Power Readings",
            [
                ("power_state", "", "P0"),
                ("average_power_draw", "Average Power Draw", f"{gpu.power_w:.2f} W"),
                ("instant_power_draw", "Instantaneous Power Draw", f"{gpu.power_w + 0.35:.2f} W"),
                ("current_power_limit", "Current Power Limit", limit),
                ("requested_power_limit", "Requested Power Limit", limit),
                ("default_power_limit", "Default Power Limit", limit),
                ("min_power_limit", "Min Power Limit", "200.00 W"),
                ("max_power_limit", "Max Power Limit", limit),
            ],
        ),
        ("clocks", "Clocks", _clocks(345, gpu.kind.memory_mhz, 765)),
        ("max_clocks", "Max Clocks", _clocks(gpu.kind.graphics_mhz, gpu.kind.memory_mhz, 1545)),
    ]


def _clocks(graphics: int, memory_clock: int, video: int) -> list[Entry]:
    return [
        ("graphics_clock", "Graphics", f"{graphics} MHz"),
        ("sm_clock", "SM", f"{graphics} MHz"),
        ("mem_clock", "Memory", f"{memory_clock} MHz"),
        ("video_clock", "Video", f"{video} MHz"),
    ]


def _fabric(gpu: Gpu) -> Entry:
    done = gpu.fabric_state == "Completed"
    names = (
        ("summary", "Summary"),
        ("bandwidth", "Bandwidth"),
        ("route_recovery_in_progress", "Route Recovery in progress"),
        ("route_unhealthy", "Route Unhealthy"),
        ("access_timeout_recovery", "Access Timeout Recovery"),
        ("incorrect_configuration", "Incorrect Configuration"),
    )
    return (
        "fabric",
        "Fabric",
        [
            ("state", "State", gpu.fabric_state),
            ("status", "Status", gpu.fabric_status),
            ("cliqueId", "CliqueId", "0" if done else NA),
            ("clusterUuid", "ClusterUUID", ZERO_UUID if done else NA),
            ("health", "Health", [(tag, label, NA) for tag, label in names]),
        ],
    )


def _tail(gpu: Gpu) -> list[Entry]:
    if not gpu.processes:
        return [("", "Processes", "None"), ("", "Capabilities", [("", "EGM", "disabled")])]
    rows: list[Entry] = []
    for process in gpu.processes:
        rows += [
            ("", "GPU instance ID", NA),
            ("", "Compute instance ID", NA),
            ("", "Process ID", str(process.pid)),
            ("", "    Type", "C"),
            ("", "    Name", process.name),
            ("", "    Used GPU Memory", f"{process.memory_mib} MiB"),
        ]
    return [("", "Processes", rows), ("", "Capabilities", [("", "EGM", "disabled")])]
