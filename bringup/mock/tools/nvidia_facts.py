"""What nvidia-smi reports of one GPU, as a tree that is printed as text or as XML.

A leaf is (XML tag, label of the text, value); a branch has a list instead of the value. An empty tag or label means
that the form does not print it. Tags and labels are those of driver 580.
"""

from __future__ import annotations

from bringup.mock.hardware import Gpu, SimNode
from bringup.mock.tools.nvidia_layout import as_of
from bringup.mock.tools.nvidia_memory import NA, Entry, errors, pair, usage
from bringup.mock.tools.nvidia_readings import readings

_ATOMICS = "FETCHADD_32 FETCHADD_64 SWAP_32 SWAP_64 CAS_32 CAS_64 "
_DEPRECATED = "Requested functionality has been deprecated"


def _active(flag: bool) -> str:
    return "Active" if flag else "Not Active"


def facts(node: SimNode, gpu: Gpu) -> list[Entry]:
    """All facts of one GPU in the order of the report."""
    kind = gpu.kind
    bus = gpu.bdf.split(":")[1].upper()
    tray = node.shape.has_imex
    switched = kind.architecture == "Blackwell"
    head: list[Entry] = [
        ("product_name", "Product Name", gpu.name),
        ("product_brand", "Product Brand", "NVIDIA"),
        ("product_architecture", "Product Architecture", kind.architecture),
        ("display_mode", "Display Mode", _DEPRECATED),
        ("display_attached", "Display Attached", "Yes"),
        ("display_active", "Display Active", "Disabled"),
        ("persistence_mode", "Persistence Mode", gpu.persistence),
        ("addressing_mode", "Addressing Mode", kind.addressing),
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
                ("chassis_serial_number", "Chassis Serial Number", _chassis(gpu) if tray else NA),
                ("slot_number", "Slot Number", str(node.tray + 1) if tray else NA),
                ("tray_index", "Tray Index", str(node.tray) if tray else NA),
                ("host_id", "Host ID", "1" if switched else NA),
                ("peer_type", "Peer Type", "Switch Connected" if switched else NA),
                ("module_id", "Module Id", str(gpu.module_id)),
                ("gpu_fabric_guid", "GPU Fabric GUID", f"0x{int(gpu.serial):016x}" if switched else NA),
            ],
        ),
        (
            "inforom_version",
            "Inforom Version",
            [
                ("img_version", "Image Version", f"G{kind.board_part[6:9]}.{kind.board_part[10:14]}.00.05"),
                ("oem_object", "OEM Object", "2.1"),
                ("ecc_object", "ECC Object", "7.16"),
                ("pwr_object", "Power Management Object", NA),
            ],
        ),
        (
            "inforom_bbx_flush",
            "Inforom BBX Object Flush",
            [("latest_timestamp", "Latest Timestamp", NA), ("latest_duration", "Latest Duration", NA)],
        ),
        pair("gpu_operation_mode", "GPU Operation Mode", "gom", NA),
        ("c2c_mode", "GPU C2C Mode", "Enabled" if kind.addressing == "ATS" else "Disabled"),
        (
            "gpu_virtualization_mode",
            "GPU Virtualization Mode",
            [
                ("virtualization_mode", "Virtualization Mode", "None"),
                ("host_vgpu_mode", "Host VGPU Mode", NA),
                ("vgpu_heterogeneous_mode", "vGPU Heterogeneous Mode", NA),
            ],
        ),
        ("gpu_recovery_action", "GPU Recovery Action", gpu.recovery_action),
        ("gsp_firmware_version", "GSP Firmware Version", node.driver),
        ("ibmnpu", "IBMNPU", [("relaxed_ordering_mode", "Relaxed Ordering Mode", NA)]),
        _pci(gpu, bus),
        ("fan_speed", "Fan Speed", NA),
        ("performance_state", "Performance State", "P0"),
    ]
    tree = head + _clock_reasons(gpu) + usage(gpu) + errors(gpu) + readings(gpu) + [_fabric(gpu)] + _tail(gpu)
    return as_of(node.driver, tree)


def _chassis(gpu: Gpu) -> str:
    """The serial number of the rack's NVLink chassis, the same in one domain."""
    return f"18{int(gpu.cluster_uuid[:8], 16) % 10**11:011d}"


def _pci(gpu: Gpu, bus: str) -> Entry:
    kind = gpu.kind
    generation: list[Entry] = [
        ("max_link_gen", "Max", str(gpu.pcie_gen_max)),
        ("current_link_gen", "Current", str(gpu.pcie_gen)),
        ("device_current_link_gen", "Device Current", str(gpu.pcie_gen)),
        ("max_device_link_gen", "Device Max", str(kind.device_gen or kind.pcie_gen)),
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
            ("pci_domain", "Domain", gpu.bdf.split(":")[0].upper()),
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
            (
                "pci_bridge_chip",
                "Bridge Chip",
                [("bridge_chip_type", "Type", NA), ("bridge_chip_fw", "Firmware", NA)],
            ),
            ("replay_counter", "Replays Since Reset", str(gpu.replays)),
            ("replay_rollover_counter", "Replay Number Rollovers", "0"),
            ("tx_util", "Tx Throughput", "502 KB/s"),
            ("rx_util", "Rx Throughput", "578 KB/s"),
            ("atomic_caps_outbound", "Atomic Caps Outbound", _ATOMICS),
            ("atomic_caps_inbound", "Atomic Caps Inbound", _ATOMICS),
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
        (
            f"{prefix}s_counters",
            "Clocks Event Reasons Counters",
            [
                (f"{prefix}s_counters_{tag}", label, "0 us")
                for tag, label in (
                    ("sw_power_cap", "SW Power Capping"),
                    ("sync_boost", "Sync Boost"),
                    ("sw_therm_slowdown", "SW Thermal Slowdown"),
                    ("hw_therm_slowdown", "HW Thermal Slowdown"),
                    ("hw_power_brake", "HW Power Braking"),
                )
            ],
        ),
        ("sparse_operation_mode", "Sparse Operation Mode", "Disabled"),
    ]


_HEALTH = (
    ("summary", "Summary"),
    ("bandwidth", "Bandwidth"),
    ("route_recovery_in_progress", "Route Recovery in progress"),
    ("route_unhealthy", "Route Unhealthy"),
    ("access_timeout_recovery", "Access Timeout Recovery"),
    ("incorrect_configuration", "Incorrect Configuration"),
    ("partition_assigned", "Partition Assigned"),
)


def _fabric(gpu: Gpu) -> Entry:
    done = gpu.fabric_state == "Completed"
    words = gpu.kind.health if done else (NA,) * len(gpu.kind.health)
    return (
        "fabric",
        "Fabric",
        [
            ("state", "State", gpu.fabric_state),
            ("status", "Status", gpu.fabric_status),
            ("cliqueId", "CliqueId", str(gpu.clique) if done else NA),
            ("clusterUuid", "ClusterUUID", gpu.cluster_uuid if done else NA),
            ("health", "Health", [(*names, word) for names, word in zip(_HEALTH, words, strict=False)]),
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
