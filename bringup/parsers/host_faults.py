"""Faults that more than one host check can find; a code must mean the same wherever it is reported.

They stand on this floor because checks import no other check.
"""

from __future__ import annotations

from bringup.model import Fault, Severity, Who

NVME_COUNT = Fault(
    "NVME-COUNT",
    "{node} has another number of NVMe drives than planned",
    "compare the drives in the BMC of {node} {place} with the slots; reseat the missing one, then replace it",
    who=Who.HANDS_ON,
    severity=Severity.MONITOR,
)

MEMORY_ECC = Fault(
    "MEMORY-ECC",
    "uncorrected memory errors on {node}",
    "replace the memory module that the evidence names on {node} {place}; without a name, find it in the BMC",
    who=Who.HANDS_ON,
    severity=Severity.ISOLATE,
)
