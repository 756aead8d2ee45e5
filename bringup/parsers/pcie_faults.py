"""Faults that more than one check of the PCIe bus can find; a code must mean the same wherever it is reported."""

from __future__ import annotations

from bringup.defects import Fault, Severity, Who

NIC_AFFINITY = Fault(
    code="NIC-AFFINITY",
    title="{at} is not next to the GPUs that it serves",
    action="compare the slot of the adapter at {place} with that of the other nodes; move the card to its planned slot, "
    "or correct the rails in the inventory",
    who=Who.HANDS_ON,
    severity=Severity.MONITOR,
    explained_by=("HCA-MISSING", "GPU-LOST", "GPU-MISSING", "PCIE-GPU-MISSING", "PLAN-ADAPTER"),
)
