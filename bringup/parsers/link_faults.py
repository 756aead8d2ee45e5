"""Faults that more than one check of ports can find; a code must mean the same wherever it is reported.

They stand on this floor because checks import no other check.
"""

from __future__ import annotations

from bringup.defects import Fault, Severity, Who

OPTIC_PART = Fault(
    "OPTIC-PART",
    "the module of {at} is none of the approved parts",
    "replace the module or {cable} at {at} {place} by an approved part, or add its part number to the profile",
    who=Who.HANDS_ON,
    severity=Severity.MONITOR,
    explained_by=("HCA-MISSING",),
)

LINK_ERRORS = Fault(
    "LINK-ERRORS",
    "{at} counts errors",
    "clean and reseat {cable} at {at} {place} and at {leaf} {leaf_port}, clear the counters, run again;"
    " replace the cable if they rise",
    explained_by=("LINK-DOWN",),
)

LINK_FLAP = Fault(
    "LINK-FLAP",
    "{at} loses its link again and again",
    "clean and reseat {cable} at {at} {place} and at {leaf} {leaf_port}; if it goes on, swap the cable with a "
    "neighbour and see whether the fault moves with it, then replace it",
    severity=Severity.ISOLATE,
    explained_by=("HCA-MISSING", "LINK-DOWN", "LINK-DISABLED", "LINK-ERRORS", "OPTIC-POWER"),
)

LINK_BER = Fault(
    "LINK-BER",
    "{at} has bit errors that correction does not remove",
    "clean and reseat both ends of {cable} ({at} {place}; {leaf} {leaf_port}), clear the counters and load the "
    "link; then replace cable or optic",
    severity=Severity.MONITOR,
    explained_by=(
        "HCA-MISSING",
        "LINK-DOWN",
        "LINK-DISABLED",
        "LINK-INIT",
        "LINK-ERRORS",
        "OPTIC-POWER",
        "LINK-DIAGNOSIS",
    ),
)

HCA_FIRMWARE = Fault(
    "HCA-FIRMWARE",
    "{at} runs other firmware than planned, or than its equals",
    "flash the approved firmware (else that of the majority) on {at} and reset the adapter",
    who=Who.SOFTWARE,
    severity=Severity.REBOOT,
    explained_by=("HCA-BOARD",),
)
