"""How older drivers print what nvidia-smi reports: fewer fields, other names, other values for what they do not know.

The tree of `nvidia_facts` is that of driver 580. Between 535 and 580 fields were added nearly every release; the
layouts here are those that were seen of 535, 565, 570 and 580, so an entry says "at the latest from".
"""

from __future__ import annotations

from collections.abc import Sequence

from bringup.mock.tools.nvidia_memory import Entry

DTD_OF = ((580, "nvsmi_device_v13.dtd"), (0, "nvsmi_device_v12.dtd"))

_SINCE: dict[str, int] = {
    "display_attached": 580,
    "pdi": 580,
    "clocks_event_reasons_counters": 580,
    "channel_repair_pending": 580,
    "tpc_repair_pending": 580,
    "summary": 580,
    "incorrect_configuration": 580,
    "partition_assigned": 580,
    "chassis_serial_number": 550,
    "gpu_fabric_guid": 570,
    "platformInfo": 550,
    "sparse_operation_mode": 550,
    "vgpu_heterogeneous_mode": 550,
    "inforom_bbx_flush": 550,
    "c2c_mode": 550,
    "gpu_recovery_action": 550,
    "pci_base_class": 550,
    "pci_sub_class": 550,
    "cliqueId": 550,
    "clusterUuid": 550,
    "health": 550,
    "sram_threshold_exceeded": 550,
    "aggregate_uncorrectable_sram_sources": 550,
    "dram_encryption_mode": 570,
    "gpu_memory_power_readings": 570,
    "power_smoothing": 570,
    "power_profiles": 570,
    "capabilities": 580,
}
_POWER = frozenset({"average_power_draw", "instant_power_draw"})


def major(driver: str) -> int:
    """The release of a driver: 535 of 535.183.06; the newest where the version says nothing."""
    word = driver.partition(".")[0]
    return int(word) if word.isdigit() else 999


def tells(driver: str, field: str) -> bool:
    """Whether this driver prints the field at all."""
    return major(driver) >= _SINCE.get(field, 0)


def as_of(driver: str, entries: Sequence[Entry]) -> list[Entry]:
    """The same facts as this driver prints them."""
    release = major(driver)
    return list(entries) if release >= 580 else _older(entries, release)


def _older(entries: Sequence[Entry], release: int) -> list[Entry]:
    found: list[Entry] = []
    for tag, label, value in entries:
        if tag == "platformInfo" and release < 550 and not isinstance(value, str):
            found += [("gpu_module_id", "GPU Module ID", own) for key, _, own in value if key == "module_id"]
        elif _SINCE.get(tag, 0) > release or (
            tag in _POWER and release < 570 and tag != "average_power_draw"
        ):
            continue
        elif tag == "display_mode":
            found.append((tag, label, "Enabled"))
        elif tag == "average_power_draw" and release < 570:
            found.append(("power_draw", "Power Draw", value))
        elif tag == "sram_uncorrectable_parity" and release < 550:
            found.append(("sram_uncorrectable", "SRAM Uncorrectable", value))
        elif tag == "sram_uncorrectable_secded" and release < 550:
            continue
        elif tag == "gpu_virtualization_mode":
            found += [(tag, label, _within(value, release)), _reset_status(release)]
        elif tag == "clock_policy":
            found += [(tag, label, value), ("voltage", "Voltage", [("graphics_volt", "Graphics", "N/A")])]
        else:
            found.append((tag, label, _within(value, release)))
    return found


def _within(value: str | list[Entry], release: int) -> str | list[Entry]:
    return value if isinstance(value, str) else _older(value, release)


def _reset_status(release: int) -> Entry:
    word = "Requested functionality has been deprecated" if release >= 570 else "No"
    return (
        "gpu_reset_status",
        "GPU Reset Status",
        [
            ("reset_required", "Reset Required", word),
            ("drain_and_reset_recommended", "Drain and Reset Recommended", word),
        ],
    )
