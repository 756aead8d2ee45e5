"""What nvidia-smi reports of a GPU's temperatures, power and clocks."""

from __future__ import annotations

from bringup.mock.hardware import Gpu
from bringup.mock.tools.nvidia_memory import NA, Entry


def readings(gpu: Gpu) -> list[Entry]:
    """Temperatures, power and clocks."""
    limit, default = f"{gpu.power_limit_w}.00 W", f"{gpu.kind.power_limit_w}.00 W"
    return [
        (
            "temperature",
            "Temperature",
            _temperatures(gpu),
        ),
        (
            "supported_gpu_target_temp",
            "",
            [("gpu_target_temp_min", "", NA), ("gpu_target_temp_max", "", NA)],
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
                ("default_power_limit", "Default Power Limit", default),
                ("min_power_limit", "Min Power Limit", "200.00 W"),
                ("max_power_limit", "Max Power Limit", default),
            ],
        ),
        (
            "gpu_memory_power_readings",
            "GPU Memory Power Readings",
            [
                ("average_power_draw", "Average Power Draw", NA),
                ("instant_power_draw", "Instantaneous Power Draw", NA),
            ],
        ),
        (
            "module_power_readings",
            "Module Power Readings",
            [
                ("power_state", "", "P0"),
                ("average_power_draw", "Average Power Draw", NA),
                ("instant_power_draw", "Instantaneous Power Draw", NA),
                ("current_power_limit", "Current Power Limit", NA),
                ("requested_power_limit", "Requested Power Limit", NA),
                ("default_power_limit", "Default Power Limit", NA),
                ("min_power_limit", "Min Power Limit", NA),
                ("max_power_limit", "Max Power Limit", NA),
            ],
        ),
        ("power_smoothing", "Power Smoothing", NA),
        (
            "power_profiles",
            "Workload Power Profiles",
            [
                ("power_profile_requested_profiles", "Requested Profiles", NA),
                ("power_profile_enforced_profiles", "Enforced Profiles", NA),
            ],
        ),
        ("clocks", "Clocks", _clocks(345, gpu.kind.memory_mhz, 765)),
        ("applications_clocks", "Applications Clocks", _pair(gpu)),
        ("default_applications_clocks", "Default Applications Clocks", _pair(gpu)),
        ("deferred_clocks", "Deferred Clocks", [("mem_clock", "Memory", NA)]),
        ("max_clocks", "Max Clocks", _clocks(gpu.kind.graphics_mhz, gpu.kind.memory_mhz, 1545)),
        (
            "max_customer_boost_clocks",
            "Max Customer Boost Clocks",
            [("graphics_clock", "Graphics", f"{gpu.kind.graphics_mhz} MHz")],
        ),
        (
            "clock_policy",
            "Clock Policy",
            [("auto_boost", "Auto Boost", NA), ("auto_boost_default", "Auto Boost Default", NA)],
        ),
    ]


def _temperatures(gpu: Gpu) -> list[Entry]:
    """Ampere names its limits in degrees, later ones name what is left until they are reached."""
    now: Entry = ("gpu_temp", "GPU Current Temp", f"{gpu.temperature_c} C")
    target: Entry = ("gpu_target_temperature", "GPU Target Temperature", NA)
    memory: Entry = ("memory_temp", "Memory Current Temp", f"{gpu.temperature_c + 8} C")
    if gpu.kind.architecture == "Ampere":
        return [
            now,
            ("gpu_temp_tlimit", "GPU T.Limit Temp", NA),
            ("gpu_temp_max_threshold", "GPU Shutdown Temp", "92 C"),
            ("gpu_temp_slow_threshold", "GPU Slowdown Temp", "89 C"),
            ("gpu_temp_max_gpu_threshold", "GPU Max Operating Temp", "85 C"),
            target,
            memory,
            ("gpu_temp_max_mem_threshold", "Memory Max Operating Temp", "95 C"),
        ]
    return [
        now,
        ("gpu_temp_tlimit", "GPU T.Limit Temp", f"{87 - gpu.temperature_c} C"),
        ("gpu_temp_max_tlimit_threshold", "GPU Shutdown T.Limit Temp", "-8 C"),
        ("gpu_temp_slow_tlimit_threshold", "GPU Slowdown T.Limit Temp", "-2 C"),
        ("gpu_temp_max_gpu_tlimit_threshold", "GPU Max Operating T.Limit Temp", "0 C"),
        target,
        memory,
        ("gpu_temp_max_mem_tlimit_threshold", "Memory Max Operating T.Limit Temp", "0 C"),
    ]


def _clocks(graphics: int, memory_clock: int, video: int) -> list[Entry]:
    return [
        ("graphics_clock", "Graphics", f"{graphics} MHz"),
        ("sm_clock", "SM", f"{graphics} MHz"),
        ("mem_clock", "Memory", f"{memory_clock} MHz"),
        ("video_clock", "Video", f"{video} MHz"),
    ]


def _pair(gpu: Gpu) -> list[Entry]:
    return [
        ("graphics_clock", "Graphics", f"{gpu.kind.graphics_mhz} MHz"),
        ("mem_clock", "Memory", f"{gpu.kind.memory_mhz} MHz"),
    ]
