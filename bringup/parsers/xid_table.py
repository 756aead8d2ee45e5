"""What the driver's error numbers (Xid) mean for somebody who accepts hardware: name, kind and what to do.

Kinds and actions follow NVIDIA's Xid catalogue, in the words of a technician. APPLICATION: a program's own
fault or a consequence of one, no evidence against the GPU. NOTE: the driver tells something that another
check judges by its own value. HARDWARE: needs somebody before the GPU is handed over. A number that is not
in the table counts as HARDWARE, because nobody knows that it is harmless.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """Who has to look."""

    HARDWARE = "hardware"
    APPLICATION = "application"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Meaning:
    """One number: its name, its kind, and the next step as a sentence without a full stop."""

    name: str
    kind: Kind
    action: str = ""


FALLEN_OFF_THE_BUS = 79
GSP_SILENT = frozenset({119, 120})
"""The GPU's system processor (GSP) does not answer the driver, or has stopped."""

_RESET = "reset the GPU; if it comes back, replace the GPU"
_RESET_MEMORY = (
    "reset the GPU, then look at its ECC and row remapping counters; if it comes back, replace the GPU"
)
_NVLINK = "look at the NVLink state and the NVSwitch errors of the node; reset the GPU; then replace the part"
_APP = "look at the program"


def _hardware(name: str, action: str) -> Meaning:
    return Meaning(name, Kind.HARDWARE, action)


def _application(name: str) -> Meaning:
    return Meaning(name, Kind.APPLICATION, _APP)


def _note(name: str) -> Meaning:
    return Meaning(name, Kind.NOTE)


XIDS: dict[int, Meaning] = {
    8: _application("GPU stopped processing"),
    11: _application("invalid push buffer stream"),
    13: _application("graphics engine exception"),
    25: _application("illegal push buffer stream"),
    31: _application("GPU memory page fault"),
    32: _application("corrupted push buffer stream"),
    37: _application("driver firmware error"),
    38: _note("driver firmware watchdog"),
    39: _application("copy engine exception"),
    40: _application("copy engine exception"),
    41: _application("copy engine exception"),
    43: _application("GPU stopped processing"),
    44: _application("graphics engine fault during context switch"),
    45: _application("preemptive cleanup after earlier errors"),
    46: _hardware("GPU stopped processing", _RESET),
    48: _hardware("double-bit ECC error", _RESET_MEMORY),
    54: _hardware("auxiliary power is not connected", "check the power cables of the GPU board"),
    60: _application("video processor exception"),
    61: _hardware("internal micro-controller breakpoint", _RESET),
    62: _hardware("internal micro-controller halt", _RESET),
    63: _hardware(
        "row remapping or page retirement recorded", "reset the GPU so that the remapping takes effect"
    ),
    64: _hardware(
        "row remapping or page retirement failed", "reset the GPU; if it comes back, replace the GPU"
    ),
    66: _application("illegal access by the driver"),
    67: _application("illegal access by the driver"),
    68: _application("video decoder exception"),
    69: _application("graphics engine class error"),
    70: _application("copy engine error"),
    71: _application("copy engine error"),
    72: _application("copy engine error"),
    74: _hardware("NVLink error", _NVLINK),
    75: _application("copy engine error"),
    76: _application("copy engine error"),
    77: _application("copy engine error"),
    78: _application("vGPU start error"),
    79: _hardware(
        "GPU has fallen off the bus", "cold-boot the node; if it comes back, reseat or replace the GPU"
    ),
    80: _application("corrupted data sent to the GPU"),
    82: _application("image decoder error"),
    83: _application("video decoder error"),
    84: _application("video decoder error"),
    85: _application("copy engine error"),
    86: _application("optical flow exception"),
    88: _application("video decoder error"),
    89: _application("video decoder error"),
    92: _hardware(
        "high single-bit ECC error rate", "watch the ECC counters under load; replace the GPU if they rise"
    ),
    93: _note("infoROM wear limit"),
    94: _hardware("contained memory error", _RESET_MEMORY),
    95: _hardware("uncontained memory error", _RESET_MEMORY),
    106: _note("SMBPBI test message"),
    107: _note("SMBPBI test message"),
    109: _hardware("context switch timeout", _RESET),
    110: _hardware("security fault", _RESET),
    119: _hardware(
        "GSP RPC timeout", "reset the GPU or reboot the node; if it comes back, update the driver"
    ),
    120: _hardware("GSP error", "reset the GPU or reboot the node; if it comes back, update the driver"),
    121: _hardware("C2C link error", "reboot the node; if it comes back, replace the module"),
    136: _hardware("NVLink training failed", _NVLINK),
    137: _note("NVLink privilege error"),
    140: _hardware("unrecovered ECC error", _RESET_MEMORY),
    141: _application("CUDA fast path error"),
    143: _hardware("GPU initialization error", _RESET),
    144: _hardware("NVLink SAW error", _NVLINK),
    145: _hardware("NVLink RLW error", _NVLINK),
    146: _hardware("NVLink TLW error", _NVLINK),
    147: _hardware("NVLink TREX error", _NVLINK),
    148: _hardware("NVLink control error", _NVLINK),
    149: _hardware("NVLink NETIR error", _NVLINK),
    150: _hardware("NVLink MSE error", _NVLINK),
    151: _hardware("key rotation error", _RESET),
    154: _hardware("GPU recovery action changed", "do the recovery action that the driver names"),
    155: _hardware("NVLink error defined by software", _RESET),
    156: _hardware("resource retirement", _RESET),
    157: _hardware("resource retirement failed", "replace the GPU"),
    158: _hardware("GPU fatal timeout", _RESET),
    160: _note("channel retirement"),
    161: _hardware("channel retirement failed", "replace the GPU"),
    162: _note("power smoothing re-engaged"),
    163: _note("power smoothing disengaged"),
    164: _hardware("power smoothing circuitry near its end of life", "plan a replacement of the GPU"),
    165: _hardware("power smoothing circuitry at its end of life", "replace the GPU"),
    167: _hardware("PCIe fatal timeout", "look at the PCIe errors of the slot; reseat the GPU or its riser"),
    168: _hardware("errors in protected memory", _RESET_MEMORY),
    169: _hardware("internal micro-controller halt", _RESET),
    171: _hardware("uncorrectable DRAM error", _RESET_MEMORY),
    172: _hardware("uncorrectable SRAM error", _RESET_MEMORY),
}

_UNLISTED = Meaning("not in our table", Kind.HARDWARE, "look the number up in NVIDIA's Xid catalogue")


def meaning(code: int) -> Meaning:
    """What a number means; an unlisted one counts as hardware."""
    return XIDS.get(code, _UNLISTED)
