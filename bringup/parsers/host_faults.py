"""Faults that more than one host check can find; a code must mean the same wherever it is reported.

They stand on this floor because checks import no other check.
"""

from __future__ import annotations

from bringup.defects import Fault, Severity, Who

NVME_COUNT = Fault(
    "NVME-COUNT",
    "{node} has another number of NVMe drives than planned",
    "compare the drives in the BMC of {node} {place} with the slots; reseat the missing one, then replace it",
    who=Who.HANDS_ON,
    severity=Severity.MONITOR,
)

CPU_COUNT = Fault(
    "CPU-COUNT",
    "{node} has another number of processors or threads than it should",
    "look in the BIOS of {node} {place} (SMT, disabled cores, a processor that is not seen); reseat it if it is missing",
)

MEMORY_SIZE = Fault(
    "MEMORY-SIZE",
    "{node} has too little memory",
    "find the missing module in the BMC of {node} {place} and reseat it; replace it if it stays missing; where nodes of "
    "both sizes were ordered, give them profiles of their own",
)

MEMORY_ECC = Fault(
    "MEMORY-ECC",
    "uncorrected memory errors on {node}",
    "replace the memory module that the evidence names on {node} {place}; without a name, find it in the BMC",
    who=Who.HANDS_ON,
    severity=Severity.ISOLATE,
)

MEMORY_CORRECTED = Fault(
    "MEMORY-CORRECTED",
    "many corrected memory errors on {node}",
    "reseat the memory module that the evidence names on {node} {place}, replace it if they come back",
    severity=Severity.MONITOR,
    explained_by=("MEMORY-ECC",),
)

MACHINE_CHECK = Fault(
    "MACHINE-CHECK",
    "a processor of {node} reported machine checks",
    "read which processor or memory module it was in the kernel log and the BMC of {node} {place}; reseat it, "
    "replace it if the errors come back",
    explained_by=("MEMORY-ECC",),
)

CPU_CORRECTED = Fault(
    "CPU-CORRECTED",
    "the processors of {node} reported many corrected errors",
    "watch {node} {place}: find the processor or module in its kernel log, replace it if the count grows",
    severity=Severity.MONITOR,
    explained_by=("MACHINE-CHECK", "MEMORY-CORRECTED", "MEMORY-ECC"),
)

SSH_KEY_FOREIGN = Fault(
    "SSH-KEY-FOREIGN",
    "a key may log in to {node} that should not",
    "find the key on {node} (ssh-keygen -lf ~/.ssh/authorized_keys of the user that the evidence names) and remove its "
    "line; if it belongs there, give it to all nodes and approve it in the profile (access.keys)",
    who=Who.SOFTWARE,
    severity=Severity.ISOLATE,
)

DPU_MODE = Fault(
    "DPU-MODE",
    "a BlueField card of {at} is in another mode than planned, or than the others",
    "set its mode (mlxconfig INTERNAL_CPU_OFFLOAD_ENGINE: 1 for NIC, 0 for DPU), then switch {node} off and on at its "
    "power supply",
    who=Who.CONFIGURATION,
    severity=Severity.REBOOT,
)

DPU_FIRMWARE = Fault(
    "DPU-FIRMWARE",
    "a BlueField card of {at} runs other firmware than the others",
    "install the BlueField bundle of the majority on the card and reset it",
    who=Who.SOFTWARE,
    severity=Severity.MONITOR,
)
