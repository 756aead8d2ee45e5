"""Faults that more than one GPU check can find; a code must mean the same wherever it is reported.

They stand on this floor because checks import no other check.
"""

from __future__ import annotations

from bringup.defects import Fault, Severity, Who

GPU_LOST = Fault(
    code="GPU-LOST",
    title="{at} does not answer: it has fallen off the bus",
    action="note the GPU's serial number, then switch {node} off and on at its power supply; "
    "if the GPU is lost again, reseat it, then replace it",
    who=Who.HANDS_ON,
    severity=Severity.ISOLATE,
)

GPU_DRIVER = Fault(
    code="GPU-DRIVER",
    title="the GPU driver does not work with {at}",
    action="reboot {node}; if it stays, install driver and library of one version and look at its kernel log",
    who=Who.SOFTWARE,
    severity=Severity.REBOOT,
    explained_by=("GPU-LOST",),
)

GPU_MISSING = Fault(
    code="GPU-MISSING",
    title="{node} has fewer GPUs than planned",
    action="switch {node} off and on at its power supply; if a GPU is still missing, reseat the GPU or its "
    "baseboard, then replace it",
    who=Who.HANDS_ON,
    severity=Severity.ISOLATE,
    explained_by=("GPU-LOST", "PCIE-GPU-MISSING", "GPU-DRIVER"),
)

GPU_MODE = Fault(
    code="GPU-MODE",
    title="{at} is in a wrong mode",
    action="set the mode on {node}: nvidia-smi -pm 1 for persistence, -mig 0 for no MIG, -e 1 for ECC; "
    "MIG and ECC need a reset of the GPU after it",
    who=Who.CONFIGURATION,
    severity=Severity.RESET,
    explained_by=("GPU-LOST",),
)

PCIE_AER = Fault(
    code="PCIE-AER",
    title="PCIe errors at {at}",
    action="reseat the card and its riser at {place}; if errors come back, try the card in another slot, "
    "then replace the part that the errors follow",
    who=Who.HANDS_ON,
    severity=Severity.ISOLATE,
    explained_by=("GPU-LOST", "PCIE-GPU-MISSING", "HCA-MISSING"),
)

GPU_INFOROM = Fault(
    code="GPU-INFOROM",
    title="the infoROM of {at} is corrupted",
    action="replace the GPU: its identity and error records cannot be trusted",
    who=Who.HANDS_ON,
    severity=Severity.ISOLATE,
    explained_by=("GPU-LOST",),
)

GPU_ECC = Fault(
    code="GPU-ECC",
    title="uncorrectable memory errors on {at}",
    action="reset the GPU; if uncorrectable errors come back under load, replace the GPU",
    who=Who.HANDS_ON,
    severity=Severity.ISOLATE,
    explained_by=("GPU-LOST", "GPU-REMAP-FAILED", "GPU-REMAP-PENDING"),
)

GPU_MODEL = Fault(
    code="GPU-MODEL",
    title="{at} is another model than planned",
    action="compare {node} with the order; give it the profile of its GPUs in the inventory (a model that none describes "
    "needs one of your own: docs/profiles.md), or have the tray exchanged",
    who=Who.PLAN,
    severity=Severity.ISOLATE,
    explained_by=("GPU-LOST",),
)

GPU_MEMORY = Fault(
    code="GPU-MEMORY",
    title="{at} has less memory than its model should have",
    action="replace the GPU (first make sure that the profile names the right model)",
    who=Who.HANDS_ON,
    severity=Severity.ISOLATE,
    explained_by=("GPU-LOST", "GPU-MODEL"),
)

GPU_REMAP_FAILED = Fault(
    code="GPU-REMAP-FAILED",
    title="{at} cannot repair its memory any more",
    action="replace the GPU: row remapping has failed or is used up",
    who=Who.HANDS_ON,
    severity=Severity.ISOLATE,
    explained_by=("GPU-LOST",),
)

GPU_REMAP_PENDING = Fault(
    code="GPU-REMAP-PENDING",
    title="{at} waits for a reset to repair its memory",
    action="reset the GPU (or reboot {node}) and test its memory again",
    who=Who.SOFTWARE,
    severity=Severity.RESET,
    explained_by=("GPU-LOST", "GPU-REMAP-FAILED"),
)

XGMI_ERRORS = Fault(
    code="XGMI-ERRORS",
    title="the XGMI links of {at} have counted errors",
    action="reset the GPUs of {node} and load the links again; if errors come back, reseat the GPU on its baseboard at "
    "{place}, then replace it",
    who=Who.HANDS_ON,
    severity=Severity.MONITOR,
    explained_by=("GPU-DRIVER", "XGMI-DOWN"),
)

GPU_SRAM = Fault(
    code="GPU-SRAM",
    title="the on-chip memory of {at} is wearing out",
    action="run the memory tests on {node} under load; if corrected errors go on rising, or uncorrectable ones have "
    "been counted since it was made, have the GPU replaced",
    who=Who.HANDS_ON,
    severity=Severity.MONITOR,
    explained_by=("GPU-LOST", "GPU-ECC", "GPU-REMAP-FAILED"),
)

NVLINK_ERRORS = Fault(
    code="NVLINK-ERRORS",
    title="{at} has counted link errors",
    action="reset the GPUs of {node} and load the links again; if the count rises, reseat the GPU baseboard at "
    "{place}, then replace the GPU",
    who=Who.HANDS_ON,
    severity=Severity.MONITOR,
    explained_by=("GPU-LOST", "GPU-DRIVER", "FM-DOWN", "NVLINK-DOWN", "GPU-XID"),
)

GPU_SLOWDOWN = Fault(
    code="GPU-SLOWDOWN",
    title="power or cooling holds the clocks of {at} down",
    action="look at {node} in {place}: airflow or coolant, fans, power supplies and the GPU power cables",
    who=Who.HANDS_ON,
    severity=Severity.ISOLATE,
    explained_by=("GPU-LOST", "POWER-SUPPLY"),
)

GPU_POWER_CAP = Fault(
    code="GPU-POWER-LIMIT",
    title="the power limit of {at} is lowered",
    action="find out who limits the power of {node} (a service at boot, the BMC, the rack) and set it back "
    "to the default (nvidia-smi -pl, amd-smi reset --power-cap)",
    who=Who.CONFIGURATION,
    severity=Severity.RESET,
    explained_by=("GPU-LOST", "GPU-MODEL"),
)

GPU_TEMPERATURE = Fault(
    code="GPU-TEMPERATURE",
    title="{at} is too warm",
    action="look at {node} in {place}: fans, airflow and blanking panels, or coolant flow; if one GPU alone is warm, "
    "reseat its heat sink or cold plate",
    who=Who.HANDS_ON,
    severity=Severity.MONITOR,
    explained_by=("GPU-LOST", "GPU-SLOWDOWN"),
)

PCIE_GPU_WIDTH = Fault(
    code="PCIE-GPU-WIDTH",
    title="{at} runs on fewer PCIe lanes than planned",
    action="reseat the GPU, its riser or its baseboard at {place}; if lanes are still missing, replace the riser or "
    "retimer, then the GPU",
    who=Who.HANDS_ON,
    severity=Severity.ISOLATE,
    explained_by=("GPU-LOST", "PCIE-GPU-MISSING"),
)

PCIE_GPU_GEN = Fault(
    code="PCIE-GPU-GEN",
    title="{at} cannot reach the planned PCIe generation",
    action="look at the PCIe speed setting of the slot in the BIOS of {node}; then reseat the GPU or its riser",
    who=Who.CONFIGURATION,
    severity=Severity.REBOOT,
    explained_by=("GPU-LOST", "PCIE-GPU-MISSING"),
)
