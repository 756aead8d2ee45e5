"""Faults that more than one GPU check can find; a code must mean the same wherever it is reported.

They stand on this floor because checks import no other check.
"""

from __future__ import annotations

from bringup.model import Fault, Severity, Who

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
    title="uncorrected PCIe errors at {at}",
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
    action="compare {node} with the order; correct its profile in the inventory, or have the tray exchanged",
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
